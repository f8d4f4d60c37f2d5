"""Frames from files: each question answers as of the frames of the service, or an error says why."""

import io
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from adobe_nb import analysis, use
from adobe_nb.analysis import Tags
from adobe_nb.errors import ArgumentError
from tests.analysis.test_all_questions import ARGUMENTS, COLUMNS
from tests.conftest import sign_in
from tests.support.tag_frames import components, elements, rules

Frames = dict[str, pd.DataFrame]
Change = Callable[[pd.DataFrame], pd.DataFrame]
DATES = ("created_at", "updated_at", "published_at", "deleted_at")
SWITCHES = ("enabled", "dirty", "published", "negate", "delay_next")
NUMBERS = ("revision_number", "order", "timeout", "meta_latest_revision_number")


@pytest.fixture(scope="module")
def clean(demo: Any) -> Frames:
    """A part of a property of the demo company, small because all questions are asked often."""
    session = sign_in(demo, make_default=False)
    with use(session):
        site = session.reactor.find("properties", "Web Store US")
        frames = dict(analysis.read(site, audit_events=True).frames)
    rule_ids = frames["rules"]["id"].head(2)
    element_ids = frames["data_elements"]["id"].head(4)
    kept: Mapping[str, tuple[str, Any]] = {
        "rules": ("id", rule_ids),
        "rule_components": ("rule_id", rule_ids),
        "data_elements": ("id", element_ids),
        "library_rules": ("origin_id", rule_ids),
        "library_data_elements": ("origin_id", element_ids),
    }
    for table, (column, ids) in kept.items():
        frame = frames[table]
        frames[table] = frame[frame[column].isin(ids)].reset_index(drop=True)
    revisions = frames["rule_revision_components"]
    is_kept = revisions["rule_id"].isin(frames["library_rules"]["id"])
    frames["rule_revision_components"] = revisions[is_kept].reset_index(drop=True)
    frames["audit_events"] = frames["audit_events"].tail(20).reset_index(drop=True)
    return frames


@pytest.fixture(scope="module")
def expected(clean: Frames) -> Frames:
    return answers(clean)


def answers(frames: Frames) -> Frames:
    """Return the answer to every question."""
    tags = Tags(**frames, as_of="2026-11-28T00:00:00Z")
    arguments = {**ARGUMENTS, "impact": [tags.model.data_elements[0].id]}
    return {name: getattr(tags, name)(*arguments.get(name, [])) for name in COLUMNS}


def in_every(table: pd.DataFrame, names: tuple[str, ...], change: Callable[[Any], Any]) -> Any:
    """Return a table with these columns changed, where it has them."""
    return table.assign(**{name: change(table[name]) for name in names if name in table})


def as_texts(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return column.astype("object").map(str, na_action="ignore")


def from_csv(table: pd.DataFrame) -> pd.DataFrame:
    # A column of versions such as 1.10 would be numbers; an empty text is missing in a file.
    return pd.read_csv(io.StringIO(table.to_csv(index=False)), dtype={"default_value": "string"})


def with_objects(table: pd.DataFrame) -> pd.DataFrame:
    return in_every(table, ("settings",), lambda texts: texts.astype("object").map(parsed))


def parsed(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else None


def as_categories(table: pd.DataFrame) -> pd.DataFrame:
    texts = table.select_dtypes("string").columns
    return table.astype(dict.fromkeys(texts, "category"))


SAME: Mapping[str, Change] = {
    "category": as_categories,
    "object": lambda table: table.astype("object").where(table.notna(), None),
    "object with NaN": lambda table: table.astype("object").where(table.notna(), float("nan")),
    "CSV": from_csv,
    "numbers as texts": lambda table: in_every(table, NUMBERS, as_texts),
    "numbers as floats": lambda table: in_every(
        table, NUMBERS, lambda column: column.astype(float)
    ),
    "switches as texts": lambda table: in_every(table, SWITCHES, as_texts),
    "switches as numbers": lambda table: in_every(table, SWITCHES, lambda c: c.astype("Int64")),
    "dates as texts": lambda table: in_every(table, DATES, as_texts),
    "dates without a zone": lambda t: in_every(
        t, DATES, lambda column: column.dt.tz_localize(None)
    ),
    "settings as objects": with_objects,
    "rows twice": lambda table: pd.concat([table, table]),
    "other index": lambda table: table.set_index(table.index[::-1] * 3),
    "id as index": lambda table: table.set_index("id"),
    "index of several levels": lambda table: table.set_index(["id", "id"], drop=False),
    "more columns": lambda table: table.assign(**{"Unnamed: 0": 1, "tags": [[]] * len(table)}),
}


def comparable(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the service, without what files and JSON leave open."""
    frame = frame.drop(columns=["Unnamed: 0", "tags"], errors="ignore").replace("", pd.NA)
    if "settings" in frame:
        frame["settings"] = [json.dumps(parsed(text)) for text in frame["settings"]]
    return frame


@pytest.mark.parametrize("oddity", SAME)
def test_odd_frames_become_those_of_the_service(oddity: str, clean: Frames) -> None:
    odd = Tags(**{table: SAME[oddity](frame) for table, frame in clean.items()}).frames
    for table, frame in clean.items():
        expected = comparable(table, frame)
        pd.testing.assert_frame_equal(comparable(table, odd[table])[list(expected)], expected)


@pytest.mark.thorough
@pytest.mark.parametrize("oddity", SAME)
def test_odd_frames_have_the_same_answers(oddity: str, clean: Frames, expected: Frames) -> None:
    odd = answers({table: SAME[oddity](frame) for table, frame in clean.items()})
    for question, answer in expected.items():
        # A file does not tell an empty text from a missing one.
        pd.testing.assert_frame_equal(odd[question].replace("", pd.NA), answer.replace("", pd.NA))


def test_frames_without_rows_need_no_columns(clean: Frames) -> None:
    odd = Tags(**dict.fromkeys(clean, pd.DataFrame()))
    usual = Tags(**{table: frame.head(0) for table, frame in clean.items()})
    for question in ("library_contents", "unpublished", "library_size", "who_changed", "stale"):
        pd.testing.assert_frame_equal(getattr(odd, question)(), getattr(usual, question)())


def test_unnamed_revisions_in_libraries_have_a_size(clean: Frames) -> None:
    for table in ("library_rules", "library_extensions"):
        odd = {**clean, table: clean[table].drop(columns="name")}
        assert len(Tags(**odd).library_size()) == len(clean["libraries"])


@pytest.mark.thorough
@pytest.mark.parametrize("table", ["libraries", "library_rules", "audit_events"])
def test_missing_columns_are_an_argument_error_or_no_error(table: str, clean: Frames) -> None:
    for column in clean[table]:
        with suppress(ArgumentError):
            tags = Tags(**{**clean, table: clean[table].drop(columns=column)})
            for question in ("unpublished", "library_contents", "library_size", "publish_history",
                             "who_changed", "extension_versions", "plumbing"):  # fmt: skip
                with suppress(ArgumentError):
                    getattr(tags, question)()


STRUCTS = pd.Series([{"a": 1}], dtype=pd.ArrowDtype(pa.struct([("a", pa.int64())])))
REFUSED: Mapping[str, tuple[str, Change, str]] = {
    "missing id": ("rules", lambda t: t.assign(id=[None, *t["id"][1:]]), "'id'.*dropna"),
    "empty id": ("rules", lambda t: t.assign(id=["", *t["id"][1:]]), "'id'.*dropna"),
    "one id twice": (
        "data_elements",
        lambda t: pd.concat([t, t.assign(name="Other")]),
        "'id', and they differ.*drop_duplicates",
    ),
    "no date": ("rules", lambda t: t.assign(updated_at="yesterday"), "'updated_at'.*ISO format"),
    "day first": ("rules", lambda t: t.assign(updated_at="01/02/2026"), "'updated_at'.*ISO format"),
    "number as date": ("rules", lambda t: t.assign(updated_at=46022), "'updated_at'.*ISO format"),
    "no switch": ("rules", lambda t: t.assign(enabled="perhaps"), "'enabled'.*true or false"),
    "half a number": ("rules", lambda t: t.assign(revision_number=1.5), "whole numbers"),
    "comma": ("rule_components", lambda t: t.assign(rule_order="1,5"), "'rule_order'.*numbers"),
    "switch as number": ("rules", lambda t: t.assign(revision_number=True), "whole numbers"),
    "floats as text": ("extensions", lambda t: t.assign(version=1.1), "'version'.*dtype="),
    "object as text": ("rules", lambda t: t.assign(name=[{}] * len(t)), "'name'.*not text"),
    "set as settings": (
        "data_elements",
        lambda t: t.assign(settings=[{1}] * len(t)),
        "'settings'.*not JSON",
    ),
    "settings as a struct": (
        "data_elements",
        lambda t: t.assign(settings=STRUCTS.take([0] * len(t)).array),
        "struct.*'settings'.*json.dumps",
    ),
    "no rule": (
        "rule_revision_components",
        lambda t: t.drop(columns="rule_id"),
        "no column 'rule_id'",
    ),
    "columns of several levels": (
        "rules",
        lambda t: t.set_axis(pd.MultiIndex.from_product([["a"], t.columns]), axis=1),
        "several levels",
    ),
}


@pytest.mark.parametrize("oddity", REFUSED)
def test_ambiguous_frames_are_refused_with_table_and_column(oddity: str, clean: Frames) -> None:
    table, change, message = REFUSED[oddity]
    with pytest.raises(ArgumentError, match=f"The frame {table} has .*{message}"):
        Tags(**{**clean, table: change(clean[table])})


def test_values_that_do_not_fit_are_not_shown() -> None:
    secret = "AKIA" + "0123456789ABCDEF"
    with pytest.raises(ArgumentError) as caught:
        Tags(rules=rules(("RL1", "Rule"), enabled=[secret]))
    assert secret not in str(caught.value)


def test_settings_that_are_not_json_are_a_limit_of_every_answer() -> None:
    constant = "core::dataElements::constant"
    frame = elements(("DE1", "A", constant, {"value": "x"}), ("DE2", "B", constant, "{'value': 1}"))
    answer = Tags(data_elements=frame).naming()
    assert any("settings of 1 resource cannot be read" in text for text in answer.attrs["limits"])


def test_a_component_of_two_rules_stays_in_both() -> None:
    click = "core::events::click"
    tags = Tags(
        rules=rules(("RL1", "A"), ("RL2", "B")),
        rule_components=components(("RC1", "RL1", click, {}), ("RC1", "RL2", click, {})),
    )
    assert set(tags.rule_flow()["rule_id"]) == {"RL1", "RL2"}
