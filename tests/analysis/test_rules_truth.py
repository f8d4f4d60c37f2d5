"""Flows of rules, their order and their direct calls equal the truth written by hand."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import pytest

from adobe_nb import analysis
from tests.analysis.test_truth import PROPERTIES, compare, having, plain, tags_of
from tests.analysis.truth.loader import Record, frames, full_id
from tests.support.tag_frames import assert_columns

COLUMNS = {
    "rule_flow": [
        "rule_id",
        "rule_name",
        "rule_enabled",
        "step",
        "kind",
        "logic",
        "component_id",
        "component_name",
        "delegate_descriptor_id",
        "order",
        "rule_order",
        "timeout",
        "delay_next",
        "settings_summary",
        "refers_to",
        "tie",
    ],
    "execution_order": ["event_key", "position", "rule_order", "tie", "rule_id", "rule_name"],
    "direct_calls": ["identifier", "rule_id", "rule_name", "callers", "called_from", "verdict"],
}
DTYPES = {
    "rule_enabled": "boolean",
    "step": "Int64",
    "order": "Int64",
    "rule_order": "Float64",
    "timeout": "Int64",
    "delay_next": "boolean",
    "tie": "boolean",
    "position": "Int64",
    "callers": "Int64",
}
FLOW_ROW = [
    "rule_name",
    "step",
    "kind",
    "logic",
    "component_name",
    "order",
    "rule_order",
    "timeout",
    "delay_next",
    "refers_to",
    "tie",
]
ORDER_ROW = ["rule_name", "position", "rule_order", "tie"]
CALL_ROW = ["identifier", "rule_name", "callers", "called_from", "verdict"]
TRAPS = next(
    prop for prop in PROPERTIES if prop["name"] == "the shop full of traps about variables"
)
NOTHING: Record = {"name": "nothing at all"}


def in_alphabetical_order(names: object) -> object:
    """Return the names in an order that does not depend on where they stand."""
    if pd.isna(names):
        return names
    return ", ".join(sorted(str(names).split(", ")))


def flow_of(prop: Record) -> pd.DataFrame:
    """Return the flow with rule order for events only, and order for the others only."""
    answer = tags_of(prop).rule_flow()
    event = answer["kind"] == "event"
    return answer.assign(
        order=answer["order"].mask(event),
        rule_order=answer["rule_order"].where(event),
        refers_to=answer["refers_to"].map(in_alphabetical_order),
    )


def groups_of(answer: pd.DataFrame) -> list[list[list[object]]]:
    """Return the rows of each event, in the order of the answer."""
    groups = []
    for _, rows in answer.groupby("event_key", sort=False):
        values = rows[ORDER_ROW].itertuples(index=False, name=None)
        groups.append([list(map(plain, row)) for row in values])
    return groups


@having("rule_flow")
def test_the_flow_of_rules_is_exactly_that_of_the_truth(prop: Record) -> None:
    answer = flow_of(prop)
    compare(answer, FLOW_ROW, prop["rule_flow"])
    assert len(answer) == len(prop["rule_flow"])


@having("rule_flow")
def test_the_steps_of_a_rule_stand_together_and_count_from_one(prop: Record) -> None:
    answer = tags_of(prop).rule_flow()
    counted = answer.groupby("rule_id", sort=False).cumcount() + 1
    assert answer["step"].tolist() == counted.tolist()
    changes = answer["rule_id"].ne(answer["rule_id"].shift()).fillna(True)
    assert changes.sum() == answer["rule_id"].nunique()


def test_the_flow_of_one_rule_is_its_part_of_the_whole() -> None:
    tags = tags_of(TRAPS)
    by_name = tags.rule_flow("Checkout")
    assert set(by_name["rule_name"]) == {"Checkout"}
    assert by_name["step"].tolist() == [1, 2, 3, 4, 5]
    by_id = tags.rule_flow(full_id("RL2"))
    assert by_id["component_name"].tolist() == ["Library 2", "Second code"]


@having("execution_order")
def test_rules_that_share_an_event_are_ordered_as_in_the_truth(prop: Record) -> None:
    assert_same_events(groups_of(tags_of(prop).execution_order()), prop["execution_order"])


@having("execution_order_all")
def test_all_adds_the_events_of_single_rules(prop: Record) -> None:
    answer = tags_of(prop).execution_order(all=True)
    assert_same_events(groups_of(answer), prop["execution_order_all"])


def assert_same_events(groups: Sequence[Any], expected: Sequence[Any]) -> None:
    """Compare the events; their order is fixed only where the page has one."""
    assert sorted(groups) == sorted(expected)


def test_the_events_of_the_page_stand_in_the_order_in_which_they_happen() -> None:
    name = "the events of the page come in a fixed order"
    prop = next(prop for prop in PROPERTIES if prop["name"] == name)
    assert groups_of(tags_of(prop).execution_order()) == prop["execution_order"]


@having("direct_calls")
def test_direct_calls_are_exactly_those_of_the_truth(prop: Record) -> None:
    answer = tags_of(prop).direct_calls()
    compare(answer, CALL_ROW, prop["direct_calls"])
    assert len(answer) == len(prop["direct_calls"])


def tags_with_and_without_rows() -> Iterator[analysis.Tags]:
    yield tags_of(TRAPS)
    yield analysis.Tags(**{name: table.head(0) for name, table in frames(NOTHING).items()})


@pytest.mark.parametrize("question", COLUMNS)
def test_columns_and_dtypes_are_the_same_with_and_without_rows(question: str) -> None:
    for tags in tags_with_and_without_rows():
        assert_columns(getattr(tags, question)(), COLUMNS[question], DTYPES)


@pytest.mark.parametrize("question", COLUMNS)
def test_answers_about_rules_do_not_depend_on_the_order_of_rows(question: str) -> None:
    tables = {}
    for name, table in frames(TRAPS).items():
        tables[name] = table.iloc[::-1].reset_index(drop=True)
    answer = getattr(analysis.Tags(**tables), question)()
    pd.testing.assert_frame_equal(answer, getattr(tags_of(TRAPS), question)())
