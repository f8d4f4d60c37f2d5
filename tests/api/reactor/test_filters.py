"""Filters and sort keys are checked before a request, and filters also against the rows."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest

import adobe_nb
from adobe_nb.api.reactor.filters import check_filter, check_rows, check_sort
from adobe_nb.errors import ArgumentError, IncompleteResult
from adobe_nb.registry import RESOURCES

RULES = RESOURCES["rules"]


def wire(**given: object) -> list[tuple[str, str]]:
    return [condition.param for condition in check_filter(RULES, given)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("CONTAINS home", "CONTAINS home"),
        ("EQ a,EQ b", "EQ a,EQ b"),
        (True, "EQ true"),
        (np.True_, "EQ true"),
        (3, "EQ 3"),
        (np.int64(3), "EQ 3"),
        (["web", "mobile"], "EQ web,EQ mobile"),
        (date(2026, 1, 2), "EQ 2026-01-02T00:00:00.000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC), "EQ 2026-01-02T03:04:05.678Z"),
        (
            datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))),
            "EQ 2026-01-02T01:00:00.000Z",
        ),
        (adobe_nb.contains("home", "shop"), "CONTAINS home,CONTAINS shop"),
        (
            adobe_nb.between(date(2026, 1, 1), date(2026, 2, 1)),
            "BETWEEN 2026-01-01T00:00:00.000Z,2026-02-01T23:59:59.999Z",
        ),
        (adobe_nb.not_("a"), "NOT a"),
        (adobe_nb.gt(3), "GT 3"),
        (adobe_nb.lt(3.5), "LT 3.5"),
        (np.datetime64("2024-01-01", "ns"), "EQ 2024-01-01T00:00:00.000Z"),
        (pd.Timestamp("2024-01-01 02:00", tz="Europe/Berlin"), "EQ 2024-01-01T01:00:00.000Z"),
    ],
)
def test_value_becomes_filter_text(value: object, text: str) -> None:
    assert wire(name=value) == [("filter[name]", text)]


BERLIN = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    "bounds",
    [
        (date(2026, 5, 31), date(2026, 5, 1)),
        (3, 2),
        (np.int64(3), 2.5),
        ("2026-05-31", "2026-05-01"),
        ("2026-05-31", date(2026, 5, 1)),
        (datetime(2026, 1, 3), datetime(2026, 1, 2, tzinfo=UTC)),
        (datetime(2026, 1, 2, 1, tzinfo=UTC), datetime(2026, 1, 2, 2, tzinfo=BERLIN)),
        (pd.Timestamp("2026-01-03"), date(2026, 1, 2)),
        (np.datetime64("2026-01-03"), np.datetime64("2026-01-02")),
    ],
)
def test_between_refuses_bounds_in_wrong_order(bounds: tuple[Any, Any]) -> None:
    with pytest.raises(ArgumentError, match="the lower bound must come first"):
        adobe_nb.between(*bounds)


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        (("9", "10"), "BETWEEN 9,10"),
        (("10", "9"), "BETWEEN 10,9"),  # versions, say: as texts these are in order
        (("a", "2026-01-01"), "BETWEEN a,2026-01-01"),
        (
            (datetime(2026, 1, 2), datetime(2026, 1, 3, tzinfo=UTC)),
            "BETWEEN 2026-01-02T00:00:00.000Z,2026-01-03T00:00:00.000Z",
        ),
        (
            (datetime(2026, 1, 2, 9, tzinfo=UTC), date(2026, 1, 2)),
            "BETWEEN 2026-01-02T09:00:00.000Z,2026-01-02T23:59:59.999Z",
        ),
        (("2026-01-02", date(2026, 1, 2)), "BETWEEN 2026-01-02,2026-01-02T23:59:59.999Z"),
        ((2, 2), "BETWEEN 2,2"),
    ],
)
def test_between_writes_bounds(bounds: tuple[Any, Any], text: str) -> None:
    assert adobe_nb.between(*bounds) == text


@pytest.mark.parametrize(
    ("bounds", "says"),
    [
        ((date(2026, 1, 1), 5), "the bounds are a date and a number"),
        ((1, "z"), "the bounds are a number and a string"),
        (("yesterday", date(2026, 1, 1)), "the bounds are a string and a date"),
        ((False, True), "not True or False"),
        ((np.True_, 3), "not True or False"),
        ((None, 3), "missing"),
        ((1, pd.NA), "missing"),
        ((date(2026, 1, 1), pd.NaT), "missing"),
        ((float("nan"), 3), "missing"),
        ((0, float("inf")), "infinite"),
        (("GT 3", "5"), "the bare bound"),
        (("a,b", "c"), "comma"),
        (("", "c"), "empty"),
        (([1], 2), "not list"),
    ],
)
def test_between_refuses_bounds_that_cannot_be_compared(bounds: tuple[Any, Any], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        adobe_nb.between(*bounds)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"nam": "EQ x"}, "Did you mean name"),
        ({"zzz": "EQ x"}, "Choose from: created_at, dirty"),
        ({"name": "home"}, "has no operator. Write 'EQ home'"),
        ({"name": "EQhome"}, "has no operator"),
        ({"name": "LIKE home"}, "not support LIKE. Use 'CONTAINS home'"),
        ({"name": "contains home"}, "must be uppercase: 'CONTAINS home'"),
        (
            {"updated_at": ["GT 2026-07-01", "LT 2026-08-01"]},
            "contains a condition .* range as .BETWEEN low,high",
        ),
        ({"name": "EQ "}, "no value"),
        ({"name": "EQ a,,b"}, "no value"),
        ({"name": "BETWEEN 1"}, "two bounds"),
        ({"name": "BETWEEN 1,2,3"}, "two bounds"),
        ({"name": []}, "at least one value"),
        ({"name": ["a,b"]}, "comma"),
        ({"name": [""]}, "empty"),
        ({"name": None}, "missing"),
        ({"name": float("nan")}, "missing"),
        ({"created_at": pd.NaT}, "missing"),
        ({"created_at": "GT 01/02/2030"}, "requires a date such as"),
        ({"created_at": "BETWEEN 2026-01-01,later"}, "requires a date"),
        ({"created_at": "BETWEEN 2026-02-01,2026-01-01"}, "the lower bound must come first"),
        ({"revision_number": "BETWEEN 10,9"}, "the lower bound must come first"),
        ({"revision_number": float("inf")}, "infinite"),
        ({"enabled": "EQ yes"}, "requires true or false"),
        ({"revision_number": "EQ abc"}, "requires a number"),
        ({"name": {"EQ": 1}}, "not dict"),
    ],
)
def test_check_filter_refuses_what_the_api_would_ignore(
    given: dict[str, object], says: str
) -> None:
    with pytest.raises(ArgumentError, match=says):
        check_filter(RULES, given)


def test_check_filter_refuses_other_types_than_dict() -> None:
    with pytest.raises(ArgumentError, match="must be a dict"):
        check_filter(RULES, "name=EQ x")  # type: ignore[arg-type]


def row(**attributes: object) -> dict[str, object]:
    return {
        "id": "RL1",
        "attributes": attributes,
        "relationships": {"origin": {"data": {"id": "RL0"}}},
    }


@pytest.mark.parametrize(
    ("given", "attributes"),
    [
        ({"name": "EQ Home"}, {"name": "Home"}),
        ({"name": "CONTAINS hom"}, {"name": "My HOME page"}),
        ({"name": "CONTAINS h%e"}, {"name": "Home"}),
        ({"name": "CONTAINS h_me"}, {"name": "Home"}),
        ({"name": "CONTAINS a.b"}, {"name": "xa.bx"}),
        ({"name": "EQ a,EQ b"}, {"name": "b"}),
        ({"name": "EQ a,b"}, {"name": "b"}),
        ({"name": "NOT a"}, {"name": "b"}),
        ({"enabled": True}, {"enabled": True}),
        ({"revision_number": 0}, {"revision_number": 0}),
        ({"revision_number": "GT 1"}, {"revision_number": 2}),
        ({"created_at": "LT 2026-01-01"}, {"created_at": "2025-12-31T23:59:59.999Z"}),
        (
            {"created_at": "BETWEEN 2026-01-01,2026-01-02"},
            {"created_at": "2026-01-01T12:00:00.000Z"},
        ),
        ({"origin_id": "EQ RL0"}, {}),
        ({"name": "GT a"}, {"name": "B"}),
        ({"name": "EQ null"}, {"name": None}),
        ({"name": "NOT null"}, {"name": "x"}),
        ({"name": "NOT x"}, {"name": None}),
    ],
)
def test_check_rows_accepts_matching_row(
    given: dict[str, object], attributes: dict[str, object]
) -> None:
    check_rows(check_filter(RULES, given), [row(**attributes)])


@pytest.mark.parametrize(
    ("given", "attributes"),
    [
        ({"name": "EQ Home"}, {"name": "home"}),
        ({"name": "CONTAINS shop"}, {"name": "Home"}),
        ({"name": "CONTAINS a.b"}, {"name": "axb"}),
        ({"name": "EQ a,EQ b"}, {"name": "c"}),
        ({"name": "NOT a"}, {"name": "a"}),
        ({"enabled": True}, {"enabled": False}),
        ({"revision_number": 0}, {"revision_number": 1}),
        ({"created_at": "LT 2026-01-01"}, {"created_at": "2026-01-01T00:00:00.001Z"}),
        (
            {"created_at": "BETWEEN 2026-01-01,2026-01-02"},
            {"created_at": "2026-01-03T00:00:00.000Z"},
        ),
        ({"origin_id": "EQ RL9"}, {}),
        ({"published_at": "GT 2026-01-01"}, {"published_at": None}),
        ({"name": "EQ web"}, {"name": None}),
        ({"name": "CONTAINS web"}, {"name": None}),
        ({"name": "EQ null"}, {"name": "x"}),
        ({"name": "NOT null"}, {"name": None}),
    ],
)
def test_check_rows_refuses_row_that_does_not_match(
    given: dict[str, object], attributes: dict[str, object]
) -> None:
    with pytest.raises(IncompleteResult, match="did not apply the filter"):
        check_rows(check_filter(RULES, given), [row(**attributes)])


def test_check_sort_accepts_text_and_list_with_signs() -> None:
    assert check_sort(RULES, "-updated_at,name") == ("-updated_at", "name")
    assert check_sort(RULES, ["+name"]) == ("name",)
    assert check_sort(RULES, None) == ()


@pytest.mark.parametrize("key", ["nam", "", "-", "property_id"])
def test_check_sort_refuses_unknown_attribute(key: str) -> None:
    with pytest.raises(ArgumentError, match="cannot be sorted by"):
        check_sort(RULES, key)


@pytest.mark.parametrize("key", [pd.NA, 5, True])
def test_check_sort_refuses_values_of_other_types(key: Any) -> None:
    with pytest.raises(ArgumentError, match="sort must name attributes"):
        check_sort(RULES, key)
