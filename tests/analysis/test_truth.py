"""Answers equal the truth that was written by hand, property by property."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd
import pytest

from adobe_nb import analysis
from tests.analysis.truth.loader import Record, frames, properties

PROPERTIES = list(properties())
SOURCE = ["source_type", "source_id", "source_name", "rule_id", "rule_name"]
PLACE = ["path", "line", "verdict"]
COLUMNS = {
    "references": [*SOURCE, "kind", "name", "target_type", "target_id", *PLACE, "evidence"],
    "dangling": [*SOURCE, "name", "kind", *PLACE, "reason", "did_you_mean", "evidence"],
    "unused": [
        "id",
        "name",
        "type",
        "verdict",
        "reason",
        "mentioned_in",
        "updated_at",
        "in_library",
    ],
    "duplicates": [
        "group",
        "type",
        "id",
        "name",
        "property_id",
        "same_settings",
        "differs_in",
        "used_by",
    ],
}
ROW = ["source_name", "path", "kind", "name", "verdict"]
DANGLING_ROW = ["source_name", "path", "kind", "name", "reason", "did_you_mean"]
DTYPES = {
    "line": "Int64",
    "mentioned_in": "Int64",
    "updated_at": "datetime64[us, UTC]",
    "in_library": "boolean",
    "group": "Int64",
    "same_settings": "boolean",
    "used_by": "Int64",
}


def having(*keys: str) -> pytest.MarkDecorator:
    """Parametrize over the properties that have an answer under one of these keys."""
    chosen = [prop for prop in PROPERTIES if any(key in prop for key in keys)]
    return pytest.mark.parametrize("prop", chosen, ids=lambda prop: prop["name"])


def tags_of(prop: Record) -> analysis.Tags:
    return _tags(prop["name"])


# Questions share what was parsed, as in a notebook.
@cache
def _tags(name: str) -> analysis.Tags:
    prop = next(prop for prop in PROPERTIES if prop["name"] == name)
    return analysis.Tags(**frames(prop))


def plain(value: object) -> object:
    """Return None for every missing value."""
    return None if pd.isna(value) else value


def rows_of(frame: pd.DataFrame, columns: Sequence[str]) -> set[tuple[object, ...]]:
    rows = frame[list(columns)].itertuples(index=False, name=None)
    return {tuple(map(plain, row)) for row in rows}


def expected_rows(expected: Iterable[Sequence[Any]], width: int) -> set[tuple[object, ...]]:
    return {tuple(row[:width]) for row in expected}


def has_row(frame: pd.DataFrame, columns: Sequence[str], row: Sequence[Any]) -> bool:
    """Whether a row has these values, those of the record at its end included."""
    wanted = dict(zip(columns, row, strict=False))
    wanted |= row[len(columns)]
    return tuple(wanted.values()) in rows_of(frame, list(wanted))


def compare(
    answer: pd.DataFrame, columns: Sequence[str], expected: Sequence[Sequence[Any]]
) -> None:
    """Compare the rows in both directions, and further columns where the truth has them."""
    width = len(columns)
    assert rows_of(answer, columns) == expected_rows(expected, width)
    for row in expected:
        if len(row) > width:
            assert has_row(answer, columns, row), row


@having("references")
def test_references_are_exactly_those_of_the_truth(prop: Record) -> None:
    found = tags_of(prop).references()
    found = found[found["kind"] != "relation"]
    compare(found, prop.get("columns", ROW), prop["references"])


@having("relations")
def test_references_include_the_extension_of_each_component(prop: Record) -> None:
    found = tags_of(prop).references()
    columns = ["source_name", "path", "kind", "name", "target_type", "target_id"]
    assert expected_rows(prop["relations"], len(columns)) <= rows_of(found, columns)


@having("references", "dangling")
def test_dangling_names_are_exactly_those_of_the_truth(prop: Record) -> None:
    found = tags_of(prop).dangling()
    compare(found, DANGLING_ROW, prop.get("dangling", []))


@having("not_names")
def test_all_adds_text_that_cannot_be_a_name(prop: Record) -> None:
    tags = tags_of(prop)
    further = tags.dangling(all=True)
    assert "not a name" not in set(tags.dangling()["reason"])
    assert set(further.loc[further["reason"] == "not a name", "name"]) == set(prop["not_names"])


@having("unused")
def test_every_data_element_has_the_verdict_of_the_truth(prop: Record) -> None:
    found = tags_of(prop).unused(all=True)
    verdicts = found.set_index("name")["verdict"].to_dict()
    assert verdicts == prop["unused"]
    assert len(found) == len(prop["unused"])


@having("unused_others")
def test_everything_else_has_the_verdict_of_the_truth(prop: Record) -> None:
    tags = tags_of(prop)
    for what, verdicts in prop["unused_others"].items():
        found = tags.unused(what=what, all=True).set_index("name")["verdict"].to_dict()
        assert {name: found[name] for name in verdicts} == verdicts


@having("in_library")
def test_unused_says_what_is_in_a_library(prop: Record) -> None:
    found = tags_of(prop).unused(all=True).set_index("name")["in_library"]
    assert found.to_dict() == prop["in_library"]


@having("impact")
def test_impact_reaches_exactly_what_the_truth_names(prop: Record) -> None:
    tags = tags_of(prop)
    for name_or_id, expected in prop["impact"].items():
        found = tags.impact(name_or_id)
        assert rows_of(found, ["level", "source_name"]) == expected_rows(expected, 2), name_or_id


@having("duplicates")
def test_duplicates_are_grouped_as_in_the_truth(prop: Record) -> None:
    tags = tags_of(prop)
    for question in prop["duplicates"]:
        found = tags.duplicates(question["what"], by=question["by"])
        groups = {frozenset(group["name"]) for _, group in found.groupby("group")}
        assert groups == set(map(frozenset, question["groups"]))


@having("limits")
def test_limits_name_settings_and_packages_that_could_not_be_read(prop: Record) -> None:
    tags = tags_of(prop)
    for question, words in prop["limits"].items():
        sentences = " ".join(getattr(tags, question)().attrs["limits"])
        for word in words:
            assert word in sentences


def check_columns(tags: analysis.Tags) -> None:
    for question, columns in COLUMNS.items():
        arguments = ["data_elements"] if question == "duplicates" else []
        found = getattr(tags, question)(*arguments)
        assert list(found.columns) == columns, question
        dtypes = found.dtypes.astype(str).to_dict()
        assert dtypes == {column: DTYPES.get(column, "string") for column in columns}, question
        assert isinstance(found.attrs["limits"], list)


# The properties of the other questions have tests of their own.
@having("references", "relations", "unused", "unused_others", "dangling", "impact", "duplicates")
def test_columns_and_dtypes_are_the_same_for_every_property(prop: Record) -> None:
    if "two properties" in prop["name"]:
        found = tags_of(prop).references()
        assert list(found.columns) == ["property_id", "property_name", *COLUMNS["references"]]
    else:
        check_columns(tags_of(prop))


def test_columns_and_dtypes_are_the_same_without_any_row() -> None:
    nothing: Mapping[str, pd.DataFrame] = frames({"name": "nothing at all"})
    empty = {name: frame.head(0) for name, frame in nothing.items()}
    check_columns(analysis.Tags(**empty))


def test_impact_has_its_columns_without_any_row() -> None:
    found = analysis.Tags(**frames({"name": "one", "data_elements": ["page.name"]})).impact(
        "page.name"
    )
    columns = [column for column in found.columns if column not in {*PLACE, "evidence"}]
    assert columns == ["level", "via", *SOURCE, "rule_enabled", "in_production"]
    assert len(found) == 0


@having("references")
def test_evidence_is_short_and_no_row_lacks_its_source_path_or_verdict(prop: Record) -> None:
    found = tags_of(prop).references()
    assert (found["evidence"].str.len() <= 200).all()
    assert found[["source_type", "source_id", "path", "verdict"]].notna().all(axis=None)


TRAPS = next(prop for prop in PROPERTIES if prop["name"] == "the property full of traps")


def answers_of(tags: analysis.Tags) -> dict[str, pd.DataFrame]:
    return {
        "references": tags.references(),
        "dangling": tags.dangling(),
        "unused": tags.unused(),
        "impact": tags.impact("currency"),
        "duplicates": tags.duplicates("data_elements"),
    }


def test_answers_do_not_depend_on_the_order_of_rows() -> None:
    tables = frames(TRAPS)
    reversed_tables = {
        name: frame.iloc[::-1].reset_index(drop=True) for name, frame in tables.items()
    }
    answers = answers_of(analysis.Tags(**tables))
    for question, answer in answers_of(analysis.Tags(**reversed_tables)).items():
        pd.testing.assert_frame_equal(answer, answers[question], obj=question)


def test_questions_leave_the_frames_as_they_are() -> None:
    tables = frames(TRAPS)
    before = {name: frame.copy() for name, frame in tables.items()}
    answers_of(analysis.Tags(**tables))
    for name, frame in tables.items():
        pd.testing.assert_frame_equal(frame, before[name])


def test_four_frames_are_enough() -> None:
    tables = frames(TRAPS)
    four = {name: tables[name] for name in ("rules", "rule_components", "data_elements")}
    tags = analysis.Tags(**four, extensions=tables["extensions"])
    found = tags.references()
    compare(found[found["kind"] != "relation"], ROW, TRAPS["references"])


def tags_with(settings: str, delegate: str = "acme::actions::send") -> analysis.Tags:
    component = ["Send", delegate, None, {"text": settings}]
    prop = {"data_elements": ["page.name"], "components": [component]}
    return analysis.Tags(**frames(prop))


def test_settings_of_five_megabytes_are_read_to_the_end() -> None:
    html = "<p>text</p>\n" * 450_000 + "<p>%page.name%</p>"
    settings = json.dumps({"language": "html", "source": html})
    found = tags_with(settings, "core::actions::custom-code").references()
    found = found[found["kind"] == "token"]
    assert found[["name", "line"]].to_numpy().tolist() == [["page.name", 450_001]]


def test_settings_of_four_hundred_levels_are_read_to_the_end() -> None:
    settings = '{"a":' * 400 + '"%page.name%"' + "}" * 400
    assert tags_with(settings).unused(all=True)["verdict"].tolist() == ["used"]


def test_settings_that_are_nested_too_deeply_are_a_limit_and_not_an_error() -> None:
    tags = tags_with("[" * 200_000 + "]" * 200_000)
    usual = tags_with("{}").references().attrs["limits"]
    assert tags.references().attrs["limits"] != usual
    assert tags.unused(all=True)["verdict"].tolist() == ["unused"]


def test_code_of_three_thousand_brackets_is_read_to_the_end() -> None:
    source = "(" * 3_000 + "_satellite.getVar('page.name')" + ")" * 3_000
    settings = json.dumps({"language": "javascript", "source": source})
    tags = tags_with(settings, "core::actions::custom-code")
    assert tags.unused(all=True)["verdict"].tolist() == ["used"]


def test_a_read_that_is_nested_too_deeply_leaves_no_data_element_unused() -> None:
    source = "_satellite.getVar('page.name')" + " || _satellite.getVar('other')" * 2_000
    settings = json.dumps({"language": "javascript", "source": source})
    tags = tags_with(settings, "core::actions::custom-code")
    assert tags.unused(all=True)["verdict"].tolist() != ["unused"]


def test_a_chain_of_twenty_thousand_assignments_is_cut_and_a_limit() -> None:
    source = "".join(f"s.eVar{number % 250 + 1} = " for number in range(20_000)) + "1;"
    settings = json.dumps({"language": "javascript", "source": source})
    variables = tags_with(settings, "core::actions::custom-code").variables()
    assert variables["variable"].nunique() == 250
    assert any("may be missing" in limit for limit in variables.attrs["limits"])


def test_a_question_keeps_the_verdicts_and_targets_that_it_is_given() -> None:
    tags = tags_of(TRAPS)
    chosen = tags.references(verdicts=["commented", "masked"])
    assert set(chosen["name"]) == {"old.offer", "order.id"}
    to_page_type = tags.references("page.type")
    assert to_page_type["source_name"].tolist() == ["Web SDK"]
    by_id = tags.references(to_page_type["target_id"].iloc[0])
    assert by_id["source_name"].tolist() == ["Web SDK"]
