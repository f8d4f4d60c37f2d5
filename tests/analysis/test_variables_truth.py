"""What sets, reads, clears and sends variables equals the truth that was written by hand."""

from collections.abc import Iterator

import pandas as pd
import pytest

from adobe_nb import analysis
from tests.analysis.test_truth import PROPERTIES, SOURCE, compare, having, rows_of, tags_of
from tests.analysis.truth.loader import Record, frames
from tests.support.tag_frames import assert_columns

COLUMNS = {
    "variables": [
        "variable",
        "family",
        "number",
        "access",
        "how",
        *SOURCE,
        "path",
        "line",
        "value",
        "data_elements",
        "condition_count",
        "rule_enabled",
        "verdict",
        "evidence",
    ],
    "sends": [
        "rule_id",
        "rule_name",
        "component_id",
        "kind",
        "link_name",
        "event_type",
        "sets_in_same_rule",
        "payload_element",
        "cleared_after",
        "rule_enabled",
        "path",
        "line",
    ],
}
DTYPES = {
    "number": "Int64",
    "line": "Int64",
    "condition_count": "Int64",
    "rule_enabled": "boolean",
    "cleared_after": "boolean",
}
VARIABLE_ROW = [
    "source_name",
    "path",
    "line",
    "variable",
    "family",
    "number",
    "access",
    "how",
    "verdict",
    "value",
    "data_elements",
]
SEND_ROW = [
    "rule_name",
    "component_name",
    "kind",
    "link_name",
    "event_type",
    "sets_in_same_rule",
    "payload_element",
    "cleared_after",
]
TRAPS = next(
    prop for prop in PROPERTIES if prop["name"] == "the shop full of traps about variables"
)
NOTHING: Record = {"name": "nothing at all"}


def sends_of(prop: Record) -> pd.DataFrame:
    """Return what sends, with the names of components."""
    components = frames(prop)["rule_components"].set_index("id")["name"]
    answer = tags_of(prop).sends()
    return answer.assign(component_name=answer["component_id"].map(components))


@having("variables")
def test_variables_are_exactly_those_of_the_truth(prop: Record) -> None:
    answer = tags_of(prop).variables()
    if "access" in prop:
        answer = answer[answer["access"].isin(prop["access"])]
    compare(answer, prop.get("columns", VARIABLE_ROW), prop["variables"])
    assert len(answer) == len(prop["variables"])


@having("variables")
def test_every_variable_has_its_place_and_short_evidence(prop: Record) -> None:
    answer = tags_of(prop).variables()
    assert answer[["source_type", "source_id", "verdict"]].notna().all(axis=None)
    # The action that clears does so as a whole.
    is_action = (answer["access"] == "clear") & (answer["how"] == "settings")
    assert (answer["path"].notna() | is_action).all()
    assert (answer["evidence"].str.len() <= 200).all()


@having("selected")
def test_one_variable_is_selected_by_its_family_and_number(prop: Record) -> None:
    for variable, expected in prop["selected"].items():
        answer = tags_of(prop).variables(variable)
        assert set(answer["variable"]) == set(expected), variable


def test_one_variable_has_the_rows_that_it_has_among_all() -> None:
    everything = tags_of(TRAPS).variables()
    chosen = everything[everything["variable"].isin(["eVar12", "Evar12", "eVar*", "*"])]
    columns = ["source_name", "line", "variable", "access", "verdict"]
    assert rows_of(tags_of(TRAPS).variables("eVar12"), columns) == rows_of(chosen, columns)


@having("sends")
def test_sends_are_exactly_those_of_the_truth(prop: Record) -> None:
    answer = sends_of(prop)
    compare(answer, SEND_ROW, prop["sends"])
    assert len(answer) == len(prop["sends"])


def tags_with_and_without_rows() -> Iterator[analysis.Tags]:
    yield tags_of(TRAPS)
    yield analysis.Tags(**{name: table.head(0) for name, table in frames(NOTHING).items()})


@pytest.mark.parametrize("question", COLUMNS)
def test_columns_and_dtypes_are_the_same_with_and_without_rows(question: str) -> None:
    for tags in tags_with_and_without_rows():
        assert_columns(getattr(tags, question)(), COLUMNS[question], DTYPES)


@pytest.mark.parametrize("question", COLUMNS)
def test_variables_and_sends_do_not_depend_on_the_order_of_rows(question: str) -> None:
    tables = {}
    for name, table in frames(TRAPS).items():
        tables[name] = table.iloc[::-1].reset_index(drop=True)
    answer = getattr(analysis.Tags(**tables), question)()
    pd.testing.assert_frame_equal(answer, getattr(tags_of(TRAPS), question)())
