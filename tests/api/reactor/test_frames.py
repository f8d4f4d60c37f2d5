"""Frames: their columns, dtypes and order, and values of unexpected types."""

import json
import random
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

import adobe_nb
from adobe_nb.api.reactor.frames import DTYPES, FrameBuilder, columns_of, sort_frame, to_frame
from adobe_nb.errors import ArgumentError, IncompleteResult
from adobe_nb.registry import RESOURCES, Resource

RULES = RESOURCES["rules"]


def rule(identifier: str = "RL1", **attributes: Any) -> dict[str, Any]:
    return {
        "id": identifier,
        "type": "rules",
        "attributes": attributes,
        "relationships": {},
        "meta": {},
    }


@pytest.mark.parametrize("row", RESOURCES.values(), ids=lambda row: row.type)
def test_columns_and_dtypes_are_the_same_with_and_without_rows(row: Resource) -> None:
    parent = row.parents[0] if row.parents else None
    empty = FrameBuilder(row, parent).frame()
    builder = FrameBuilder(row, parent)
    builder.add_documents([{"id": "X"}], parent_id="Y")
    one = builder.frame()
    assert list(empty.columns) == list(columns_of(row, parent))
    assert empty.dtypes.astype(str).to_dict() == one.dtypes.astype(str).to_dict()
    assert empty.dtypes.astype(str).to_dict() == {
        name: DTYPES[kind] for name, kind in columns_of(row, parent).items()
    }


def test_columns_are_id_parent_attributes_relations_and_meta_in_this_order() -> None:
    columns = list(columns_of(RESOURCES["rule_components"], "rules"))
    assert columns[:3] == ["id", "rule_id", "created_at"]
    assert columns[-1] == "meta_latest_revision_number"
    assert columns.index("negate") < columns.index("extension_id") < columns.index("property_id")


def test_parent_named_by_the_resource_gets_no_column_of_its_own() -> None:
    assert "library_id" in columns_of(RULES, "libraries")
    assert "library_id" not in columns_of(RULES, "properties")
    assert "library_id" not in columns_of(RULES)


def test_rule_id_of_components_that_were_not_listed_is_missing() -> None:
    frame = to_frame(RESOURCES["rule_components"], [{"id": "RC1"}])
    assert frame["rule_id"].isna().all()


def test_write_only_attributes_are_never_shown() -> None:
    frame = to_frame(
        RESOURCES["environments"], [{"id": "EN1", "attributes": {"archive_passphrase": "hush"}}]
    )
    assert "archive_passphrase" not in frame.columns
    assert not frame.astype("string").eq("hush").any().any()


def test_nested_values_become_json_text_and_text_stays_unchanged() -> None:
    frame = to_frame(
        RESOURCES["properties"],
        [{"id": "PR1", "attributes": {"domains": ["a.test", "ü.test"]}, "meta": {"rights": []}}],
    )
    assert frame["domains"][0] == '["a.test","ü.test"]'
    assert frame["meta_rights"][0] == "[]"
    frame = to_frame(
        RESOURCES["data_elements"],
        [{"id": "DE1", "attributes": {"default_value": "x", "settings": "{ }"}}],
    )
    assert frame["default_value"][0] == "x"
    assert frame["settings"][0] == "{ }"


def test_times_are_utc_with_microseconds() -> None:
    frame = to_frame(
        RULES,
        [
            rule(created_at="2020-12-14T17:36:09.045Z"),
            rule("RL2", created_at="2020-12-14T17:36:09Z"),
        ],
    )
    assert str(frame["created_at"].dtype) == "datetime64[us, UTC]"
    assert frame["created_at"][0] == pd.Timestamp("2020-12-14T17:36:09.045Z")


def test_unknown_members_become_sorted_text_columns_at_the_end() -> None:
    surprise = rule(zeta=1, alpha={"a": [1]})
    surprise["meta"] = {"novel": True}
    surprise["relationships"] = {
        "owner": {"data": {"id": "UR1", "type": "users"}},
        "notes": {"links": {}},
    }
    frame = to_frame(RULES, [surprise, rule("RL2")])
    assert list(frame.columns[-4:]) == ["alpha", "meta_novel", "owner_id", "zeta"]
    assert frame.iloc[0, -4:].tolist() == ['{"a":[1]}', "true", "UR1", "1"]
    assert frame.iloc[1, -4:].isna().all()
    assert {str(dtype) for dtype in frame.dtypes.iloc[-4:]} == {"string"}


@pytest.mark.parametrize(
    "attributes",
    [
        {"enabled": "yes"},
        {"enabled": 1},
        {"revision_number": "0"},
        {"revision_number": True},
        {"created_at": "soon"},
        {"created_at": 5},
    ],
)
def test_value_of_the_wrong_type_is_an_error_that_names_it(attributes: dict[str, Any]) -> None:
    with pytest.raises(IncompleteResult, match=f"RL2 has a .* in {next(iter(attributes))}"):
        to_frame(RULES, [rule(), rule("RL2", **attributes)])


def test_integral_float_is_accepted_as_an_integer() -> None:
    frame = to_frame(RULES, [rule(revision_number=1.0)])
    assert frame["revision_number"].tolist() == [1]
    assert frame["revision_number"].dtype == "Int64"
    for wrong in (1.5, 1e300, float("inf")):
        with pytest.raises(IncompleteResult, match="RL2 has a float in revision_number"):
            to_frame(RULES, [rule(), rule("RL2", revision_number=wrong)])


@pytest.mark.parametrize(
    "date", ["9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", "1600-02-29T12:00:00+02:00"]
)
def test_dates_outside_64_bits_of_nanoseconds_are_kept(date: str) -> None:
    frame = to_frame(
        RULES, [rule(created_at=date), rule("RL2", created_at="2020-12-14T17:36:09Z"), rule("RL3")]
    )
    assert str(frame["created_at"].dtype) == "datetime64[us, UTC]"
    assert frame["created_at"][0].to_pydatetime() == datetime.fromisoformat(date)
    assert frame["created_at"][1] == pd.Timestamp("2020-12-14T17:36:09Z")
    assert frame["created_at"].isna().tolist() == [False, False, True]
    repr(frame)


@pytest.mark.parametrize(
    "date", ["10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00"]
)
def test_dates_outside_the_calendar_are_an_error_that_names_the_id(date: str) -> None:
    with pytest.raises(
        IncompleteResult, match="RL2 has a text that is not a date .* in created_at"
    ):
        to_frame(RULES, [rule(), rule("RL2", created_at=date)])


@pytest.mark.parametrize("attribute", ["name", "surprise"])
def test_lone_surrogate_is_an_error_that_says_where_it_is(attribute: str) -> None:
    with pytest.raises(
        IncompleteResult,
        match=rf"RL2 has half a character \(a lone surrogate, U\+D83D\) in {attribute}",
    ):
        to_frame(RULES, [rule(), rule("RL2", **{attribute: "half \ud83d"})])


def test_lone_surrogate_in_a_nested_value_stays_escaped() -> None:
    frame = to_frame(
        RESOURCES["properties"], [{"id": "PR1", "attributes": {"domains": ["\ud83d", "ü"]}}]
    )
    assert frame["domains"][0] == '["\\ud83d","ü"]'


def test_value_nested_too_deeply_is_an_error_that_names_the_id() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    try:
        with pytest.raises(
            IncompleteResult, match="PR1 has a value that is nested too deeply in domains"
        ):
            to_frame(RESOURCES["properties"], [{"id": "PR1", "attributes": {"domains": deep}}])
    finally:
        while deep:  # one by one: the interpreter would need its stack for it
            deep = deep[0]


def test_integer_is_accepted_as_a_float() -> None:
    frame = to_frame(
        RESOURCES["rule_components"], [{"id": "RC1", "attributes": {"rule_order": 50}}]
    )
    assert frame["rule_order"][0] == 50.0


class TestSort:
    frame = pd.DataFrame(
        {
            "name": pd.array(["b", "A", None, "a"], dtype="string"),
            "order": pd.array([1, 2, 3, 1], dtype="Int64"),
        }
    )

    def test_ignores_case_keeps_ties_and_puts_missing_values_last(self) -> None:
        assert sort_frame(self.frame, ["name"])["order"].tolist() == [2, 1, 1, 3]
        assert sort_frame(self.frame, ["-name"])["name"].tolist()[:3] == ["b", "A", "a"]

    def test_sorts_by_several_keys(self) -> None:
        assert sort_frame(self.frame, ["-order", "name"])["name"].tolist() == [pd.NA, "A", "a", "b"]

    def test_keeps_attrs(self) -> None:
        self.frame.attrs["path"] = "/x"
        assert sort_frame(self.frame, ["name"]).attrs == {"path": "/x"}


class TestExpand:
    def frame(self, *settings: str | None) -> pd.DataFrame:
        return pd.DataFrame(
            {"id": range(len(settings)), "settings": pd.array(settings, dtype="string"), "z": 1}
        )

    def test_opens_members_beside_the_column_with_types(self) -> None:
        opened = adobe_nb.expand(
            self.frame(
                '{"a":1,"b":{"c":true,"d":"x"},"e":[1],"f":1.5}', '{"a":2,"f":2}', None, "{}"
            ),
            "settings",
        )
        assert list(opened.columns) == [
            "id",
            "settings",
            "settings.a",
            "settings.b.c",
            "settings.b.d",
            "settings.e",
            "settings.f",
            "z",
        ]
        assert opened.dtypes.astype(str).tolist()[2:7] == [
            "Int64",
            "boolean",
            "string",
            "string",
            "Float64",
        ]
        assert opened["settings.e"][0] == "[1]"
        assert opened["settings.a"].tolist()[:2] == [1, 2]
        assert opened["settings.a"].isna().tolist() == [False, False, True, True]

    def test_members_of_mixed_type_are_text(self) -> None:
        opened = adobe_nb.expand(self.frame('{"a":1}', '{"a":"x"}'), "settings")
        assert opened["settings.a"].tolist() == ["1", "x"]

    def test_keeps_the_index(self) -> None:
        frame = self.frame('{"a":1}', '{"a":2}').set_index(pd.Index(["x", "y"]))
        assert adobe_nb.expand(frame, "settings").loc["y", "settings.a"] == 2

    ODD = pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("[1]", "is not a JSON object"),
            ("no json", "is not a JSON object"),
            ("3", "is not a JSON object"),
            ('"text"', "is not a JSON object"),
            ('{"a":NaN}', "is not a JSON object"),
            ('{"a":"\\& b"}', "is not a JSON object"),
            ('{"a":"\\ud83d"}', "holds half a character"),
            ('{"\\udc00":1}', "holds half a character"),
            ('{"a":{"b":1},"a.b":2}', "has members of the same dotted name"),
            ('{"a":1,"a":2}', "has two members of the same name"),
            ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", "is nested too deeply"),
            ('{"a":' * 100_000 + "1" + "}" * 100_000, "is nested too deeply"),
        ],
        ids=range(12),
    )

    @ODD
    def test_row_that_cannot_be_opened_stays_and_is_counted(self, text: str, problem: str) -> None:
        frame = self.frame('{"a":1,"b":"x"}', text, '{"a":2}').assign(id=["DE0", "DE1", "DE2"])
        opened = adobe_nb.expand(frame, "settings")
        assert opened["settings"].tolist() == frame["settings"].tolist()
        assert opened["settings.a"].tolist() == [1, pd.NA, 2]
        assert opened["settings.a"].dtype == "Int64"
        assert opened["settings.b"].isna().tolist() == [False, True, True]
        assert opened.attrs["not_expanded"] == {"settings": {"rows": 1, "first": "DE1"}}
        json.dumps(opened.attrs)

    @ODD
    def test_errors_raise_names_the_id_of_a_row_that_cannot_be_opened(
        self, text: str, problem: str
    ) -> None:
        frame = self.frame("{}", text).assign(id=["DE0", "DE1"])
        with pytest.raises(ArgumentError, match=rf"Row 1 of 'settings' \(DE1\) {problem}"):
            adobe_nb.expand(frame, "settings", errors="raise")
        with pytest.raises(ArgumentError, match=f"Row 1 of 'settings' {problem}"):
            adobe_nb.expand(frame[["settings"]], "settings", errors="raise")

    def test_null_and_empty_text_are_missing_values(self) -> None:
        opened = adobe_nb.expand(
            self.frame("null", '{"a":1}', None, ""), "settings", errors="raise"
        )
        assert opened["settings.a"].isna().tolist() == [True, False, True, True]
        assert "not_expanded" not in opened.attrs

    def test_integers_that_a_float_cannot_hold_become_text_beside_floats(self) -> None:
        opened = adobe_nb.expand(self.frame('{"n":9007199254740993}', '{"n":0.5}'), "settings")
        assert opened["settings.n"].tolist() == ["9007199254740993", "0.5"]
        whole = adobe_nb.expand(self.frame('{"n":9007199254740993}', '{"n":5}'), "settings")
        assert whole["settings.n"].tolist() == [9007199254740993, 5]
        assert whole["settings.n"].dtype == "Int64"
        exact = adobe_nb.expand(self.frame('{"n":9007199254740992}', '{"n":0.5}'), "settings")
        assert exact["settings.n"].dtype == "Float64"

    def test_column_of_numbers_is_refused(self) -> None:
        with pytest.raises(ArgumentError, match="'z' holds int64, not JSON text"):
            adobe_nb.expand(self.frame("{}"), "z")

    def test_unknown_value_of_errors_is_refused(self) -> None:
        with pytest.raises(ArgumentError, match="coerce"):
            adobe_nb.expand(self.frame("{}"), "settings", errors="ignore")  # type: ignore[arg-type]

    def test_column_that_was_opened_before_is_refused(self) -> None:
        opened = adobe_nb.expand(self.frame('{"a":1}'), "settings")
        with pytest.raises(ArgumentError, match="was opened before"):
            adobe_nb.expand(opened, "settings")

    def test_number_beyond_64_bits_becomes_text(self) -> None:
        opened = adobe_nb.expand(self.frame('{"a":99999999999999999999}'), "settings")
        assert opened["settings.a"][0] == "99999999999999999999"

    def test_nan_in_a_column_of_objects_is_missing(self) -> None:
        frame = pd.DataFrame({"settings": ['{"a":1}', float("nan")]})
        assert adobe_nb.expand(frame, "settings")["settings.a"].isna().tolist() == [False, True]

    def test_unknown_column_is_refused(self) -> None:
        with pytest.raises(ArgumentError, match="no column 'setting'. It has: id, settings, z"):
            adobe_nb.expand(self.frame(), "setting")


def test_attrs_hold_only_json_values(reactor: Any) -> None:
    attrs = reactor.companies().attrs
    assert json.loads(json.dumps(attrs)) == attrs
    assert attrs["service"] == "simulator"
    assert attrs["path"] == "/companies"
    assert attrs["total_count"] == 1
    assert set(attrs) == {"service", "path", "organization", "time", "total_count"}


class TestBuilder:
    """Pages that arrive in any order become one ordered frame."""

    def pages(self, many: int) -> list[tuple[tuple[int, ...], list[dict[str, Any]]]]:
        return [
            ((at,), [rule(f"RL{at:04}{number:02}", name=f"{at}") for number in range(100)])
            for at in range(many)
        ]

    def ids(self, builder: FrameBuilder) -> list[str]:
        return list(builder.frame()["id"])

    @pytest.mark.parametrize("many", [0, 1, 3, 120])
    def test_pages_that_arrive_in_any_order_are_put_in_order(self, many: int) -> None:
        builder = FrameBuilder(RULES)
        shuffled = self.pages(many)
        random.Random(4).shuffle(shuffled)
        for order, documents in shuffled:
            builder.add_documents(documents, order=order)
        assert self.ids(builder) == [each["id"] for _, page in self.pages(many) for each in page]

    @pytest.mark.parametrize("many", [3, 120])
    def test_dropped_pages_are_gone_and_can_be_added_again(self, many: int) -> None:
        builder = FrameBuilder(RULES)
        for order, documents in self.pages(many):
            builder.add_documents(documents, order=(7, *order))
            builder.add_documents([rule(f"RLx{order[0]}")], order=(8, *order))
        builder.drop((7,))
        for order, documents in self.pages(2):
            builder.add_documents(documents, order=(7, *order))
        kept = [each["id"] for _, page in self.pages(2) for each in page]
        assert self.ids(builder) == [*kept, *(f"RLx{at}" for at in range(many))]

    def test_column_of_some_pages_is_missing_in_the_others(self) -> None:
        builder = FrameBuilder(RULES)
        for at in range(120):
            documents = [
                rule(f"RL{at:04}{number:02}", **({"new": at} if at == 70 else {}))
                for number in range(100)
            ]
            builder.add_documents(documents, order=(at,))
        frame = builder.frame()
        assert frame["new"].notna().sum() == 100
        assert frame["new"].dtype == "string"
        assert frame.dtypes.astype(str).to_dict() | {"new": "string"} == {
            **{name: DTYPES[kind] for name, kind in columns_of(RULES).items()},
            "new": "string",
        }
