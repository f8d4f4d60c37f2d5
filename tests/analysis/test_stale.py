"""``stale``: what is switched off, untouched, never published, or called old."""

from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pandas as pd
import pytest

from adobe_nb import ArgumentError, analysis
from adobe_nb.analysis import Tags
from tests.support.tag_frames import (
    CODE_ACTION,
    CODE_ELEMENT,
    components,
    dtypes,
    elements,
    extensions,
    no_tags,
    rules,
)

COLUMNS = {
    "type": "string",
    "id": "string",
    "name": "string",
    "reason": "string",
    "updated_at": "datetime64[us, UTC]",
    "age_days": "Int64",
    "in_production": "boolean",
    "used_by": "Int64",
}
NOW = "2026-11-28T00:00:00Z"


def named(name: str, **columns: Any) -> Tags:
    row = ("DE1", name, CODE_ELEMENT, {})
    return Tags(data_elements=elements(row, **columns))


def reasons(tags: Tags, **options: Any) -> list[str]:
    options.setdefault("now", NOW)
    found: list[str] = tags.stale(**options)["reason"].tolist()
    return found


def test_columns_are_the_same_with_no_row_one_and_many(reactor: Any) -> None:
    assert dtypes(no_tags().stale()) == COLUMNS
    assert dtypes(named("old").stale()) == COLUMNS
    tags = analysis.read(reactor.find("properties", "Web Store US"))
    answer = tags.stale(now="2026-12-01")
    assert dtypes(answer) == COLUMNS
    assert set(answer.loc[answer["reason"] == "never published", "name"]) == {
        "Returns - Started", "Return Reason", "Outlet - Price Drop", "Lowest Price",
    }  # fmt: skip
    assert set(answer.loc[answer["reason"] == "disabled", "name"]) == {
        "Product - Image Zoom", "Legacy - Chat Widget", "Copy of Home - Hero Click",
    }  # fmt: skip
    assert set(answer.loc[answer["reason"] == "name says old", "name"]) == {
        "Legacy - Chat Widget", "Copy of Home - Hero Click",
    }  # fmt: skip


def test_a_disabled_rule_is_stale_and_an_enabled_one_is_not() -> None:
    tags = Tags(rules=rules(("RL1", "a"), ("RL2", "b"), enabled=[False, True]))
    answer = tags.stale()
    assert answer[["id", "reason"]].values.tolist() == [["RL1", "disabled"]]


@pytest.mark.parametrize(
    ("updated_at", "expected"),
    [
        ("2025-11-26T00:00:00Z", ["untouched"]),
        ("2025-11-28T00:00:00Z", []),
        ("2025-11-26T23:59:59+00:00", ["untouched"]),
        (None, []),
    ],
)
def test_a_resource_is_untouched_after_more_than_a_year(
    updated_at: Any, expected: list[str]
) -> None:
    assert reasons(named("a", updated_at=[updated_at])) == expected


def test_the_age_is_counted_to_the_time_of_the_frames_unless_a_time_is_given() -> None:
    frame = elements(("DE1", "a", CODE_ELEMENT, {}), updated_at=["2026-01-01T00:00:00Z"])
    tags = Tags(data_elements=frame, as_of="2026-01-11T12:00:00+00:00")
    assert tags.stale(days=9)["age_days"].tolist() == [10]
    assert tags.stale(days=10).empty
    for now in ("2026-02-01", datetime(2026, 2, 1), datetime(2026, 2, 1, tzinfo=UTC)):
        assert tags.stale(days=30, now=now)["age_days"].tolist() == [31]


def test_a_rule_changes_with_its_components() -> None:
    tables = {"rules": rules(("RL1", "a"), updated_at=["2020-01-01T00:00:00Z"])}
    assert reasons(Tags(**tables)) == ["untouched"]
    part = components(("RC1", "RL1", CODE_ACTION, {}), updated_at=["2026-11-01T00:00:00Z"])
    assert reasons(Tags(**tables, rule_components=part)) == []


SAYS_OLD = {
    "a word that only says so": [
        "Deprecated: Pixel", "Obsolete Pixel", "tmp pixel", "pixel_bak", "TEST - do not use",
        "Pixel (DO NOT USE)", "Don't use: Pixel", "Pixel - to be deleted",
    ],
    "a mark at the beginning": ["zz_archive", "zzz Pixel", "xxx Pixel"],
    "a copy": ["Copy of X", "Copy 2 of X", "Pixel (copy)", "Pixel - Copy"],
    "a word that punctuation sets apart": [
        "Old - Homepage", "X (old)", "INACTIVE - Pixel", "Legacy - Chat", "[test] Pixel",
        "Test: Pixel", "Pixel - Test", "X [archived 2023-12]", "X | legacy", "X (old version)",
        "Pixel \u2013 old",
    ],
    "a word in capitals": ["Pixel OLD", "Pixel TEST", "UNUSED Pixel"],
    "such a word alone, or with a number": ["backup 2023", "Test", "test 2", "old"],
    "old at the end": ["Homepage old", "pixel_old_2", "homepageOld", "pixel-old-v2"],
}  # fmt: skip
NAMES_A_THING = [
    "Archived Orders", "AB Test", "A/B Test", "AB TEST", "ab_test", "Test Drive", "Test-Drive",
    "Test Drive - Booked", "Test Traffic", "COVID Test Result", "test.drive", "Oldtimer",
    "OLDTIMER Club", "Old Town", "Copy Deck", "Copy link clicked", "Hero copy", "Legacy Customer",
    "User inactive", "Unused Coupons", "Order Archive", "Backup Download", "Body Temp",
    "Archive - View", "Interactive - Pixel", "Jazz Pixel", "z Pixel", "xx large", "Gold Pixel",
    "Threshold", "Latest Pixel", "Contest", "Do use", "Deleted item", "Delegacy", "temperature",
]  # fmt: skip


@pytest.mark.parametrize("name", [*chain.from_iterable(SAYS_OLD.values())])
def test_a_name_that_says_old_is_stale(name: str) -> None:
    assert reasons(named(name)) == ["name says old"]


@pytest.mark.parametrize("name", NAMES_A_THING)
def test_a_name_of_a_thing_is_not_stale(name: str) -> None:
    assert reasons(named(name)) == []


def test_what_no_published_library_holds_was_never_published() -> None:
    tags = Tags(
        rules=rules(("RL1", "a"), ("RL2", "b"), ("RL3", "c")),
        libraries=pd.DataFrame({"id": ["LB1", "LB2"], "state": ["published", "development"]}),
        library_rules=rules(
            ("RLa", "a"), ("RLb", "b"), origin_id=["RL1", "RL2"], library_id=["LB1", "LB2"]
        ),
    )
    answer = tags.stale()
    assert answer[["id", "reason"]].values.tolist() == [
        ["RL2", "never published"],
        ["RL3", "never published"],
    ]
    assert not answer["in_production"].any()


def test_without_libraries_the_resource_says_if_it_was_published() -> None:
    published = [None, "2026-01-01T00:00:00Z"]
    tags = Tags(rules=rules(("RL1", "a"), ("RL2", "b"), published_at=published))
    answer = tags.stale()
    assert answer[["id", "reason"]].values.tolist() == [["RL1", "never published"]]
    assert answer["in_production"].isna().all()
    assert Tags(rules=rules(("RL1", "a"))).stale().empty
    assert any("in_production is unknown" in text for text in answer.attrs["limits"])


def test_users_are_counted_when_all_content_is_known() -> None:
    tables: dict[str, Any] = {
        "rules": rules(("RL1", "a")),
        "rule_components": components(
            ("RC1", "RL1", CODE_ACTION, {"source": "_satellite.getVar('x old')"})
        ),
        "data_elements": elements(
            ("DE1", "x old", CODE_ELEMENT, {}), ("DE2", "y old", CODE_ELEMENT, {})
        ),
    }
    assert Tags(**tables).stale()["used_by"].isna().all()
    tables["extensions"] = extensions(("EX1", "core", None, None))
    assert Tags(**tables).stale()["used_by"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"days": -1}, "requires a number of days"),
        ({"days": "30"}, "requires a number of days"),
        ({"days": True}, "requires a number of days"),
        ({"now": "yesteryear"}, "now must be a date"),
        ({"now": 5}, "now must be a date"),
    ],
)
def test_invalid_days_and_times_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        no_tags().stale(**options)
