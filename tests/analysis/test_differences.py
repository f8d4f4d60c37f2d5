"""What differs between two properties, libraries, days or revisions, and what only looks so."""

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from adobe_nb import analysis
from adobe_nb.analysis.compare.differences import COLUMNS
from adobe_nb.errors import ArgumentError
from tests.conftest import sign_in, started
from tests.support.small_sites import component, element, script, site
from tests.support.tag_frames import rules

UPDATE = "adobe-alloy::actions::update-variable"
VARIABLE = "adobe-alloy::dataElements::variable"


def rows(frame: pd.DataFrame) -> list[tuple[str, str, str | None]]:
    """Type, change and path of each row."""
    columns = frame[["type", "change", "path"]].astype("object")
    return list(columns.where(columns.notna(), None).itertuples(index=False, name=None))


def changed(before: Any, after: Any, **columns: Any) -> list[tuple[str, Any, Any]]:
    """Path and values of the differences between two settings of one element."""
    a = site(elements=[element("A", before, **columns)])
    b = site(elements=[element("A", after, **columns)])
    frame = analysis.diff(a, b).astype("object")
    frame = frame.where(frame.notna(), None)
    return list(frame[["path", "before", "after"]].itertuples(index=False, name=None))


class TestSettings:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ('{"a":1,"b":{"c":2,"d":3}}', '{"b": {"d": 3, "c": 2}, "a": 1}'),
            ('{"a":50}', '{"a":50.0}'),
            ('{"a":"\\u0026"}', '{"a":"&"}'),
            (None, "{}"),
            (None, ""),
        ],
    )
    def test_other_texts_of_equal_settings_are_the_same(self, before: Any, after: Any) -> None:
        assert changed(before, after) == []

    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            ({"a": 1}, {"a": 2}, ("a", "1", "2")),
            ({"a": "x"}, {"a": "y"}, ("a", "x", "y")),
            ({"a": True}, {"a": 1}, ("a", "true", "1")),
            ({"a": 5}, {"a": "5"}, ("a", "5", '"5"')),
            ({"a": 9007199254740992}, {"a": 9007199254740993}, None),
            ({}, {"a": {"b": 1}}, ("a", None, '{"b": 1}')),
            ({"a": None}, {}, ("a", "null", None)),
            ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ("a.b[1].c", "2", "3")),
            ({"a b": 1}, {"a b": 2}, ("['a b']", "1", "2")),
            ([1, 2], [1, 3], ("[1]", "2", "3")),
            ({"a": 1}, [1], ("settings", '{"a": 1}', "[1]")),
            ("{broken", "{}", ("settings", "{broken", "{}")),
            ("{broken", "{ broken", ("settings", "{broken", "{ broken")),
        ],
    )
    def test_each_path_that_differs_is_a_row(self, before: Any, after: Any, expected: Any) -> None:
        differences = changed(before, after)
        assert len(differences) == 1
        assert expected in (None, differences[0])

    def test_an_inserted_item_does_not_make_the_later_ones_differ(self) -> None:
        items = [{"name": f"eVar{number}"} for number in range(1, 9)]
        added = {"name": "eVar0"}
        assert changed({"eVars": items}, {"eVars": [added, *items]}) == [
            ("eVars[0]", None, '{"name": "eVar0"}')
        ]
        assert changed({"eVars": [added, *items]}, {"eVars": items}) == [
            ("eVars[0]", '{"name": "eVar0"}', None)
        ]

    def test_long_lists_are_compared_item_by_item(self) -> None:
        items = list(range(2_000))
        assert changed(items, [*items[:-1], "x"]) == [("[1999]", "1999", "x")]

    def test_settings_that_a_build_removes_do_not_count(self) -> None:
        before = {"cacheId": "1", "schema": {"version": "1.0"}, "sandbox": {"name": "prod"}}
        after = {"cacheId": "1", "schema": {"version": "1.7"}}
        assert changed(before, after, delegate=VARIABLE) == []
        assert changed(before, after) != []

    def test_settings_nested_deeper_than_python_recurses_are_one_text(self) -> None:
        before = "[" * 900 + "1" + "]" * 900
        after = "[" * 900 + "2" + "]" * 900
        assert changed(before, before) == []
        assert len(changed(before, after)) == 1

    def test_half_a_character_is_shown_as_an_escape(self) -> None:
        assert changed('{"a":"\\ud83d"}', '{"a":"x"}') == [("a", "\\ud83d", "x")]

    def test_names_of_any_characters_are_kept(self) -> None:
        name = "=1+1 / <b>%é\n😀"
        frame = analysis.diff(site(), site(elements=[element(name)]), "name")
        assert frame["key"].tolist() == frame["name_b"].tolist() == [name]


class TestColumns:
    @pytest.mark.parametrize(
        ("column", "default", "other"),
        [
            ("negate", False, True),
            ("delay_next", True, False),
            ("timeout", 2000, 5000),
            ("order", 0, 3),
            ("rule_order", 50.0, 20.0),
        ],
    )
    def test_null_is_the_default_of_the_service(
        self, column: str, default: Any, other: Any
    ) -> None:
        def with_value(value: Any) -> analysis.Tags:
            return site({"R": [component("C", {}, **{column: value})]})

        assert analysis.diff(with_value(None), with_value(default)).empty
        frame = analysis.diff(with_value(None), with_value(other))
        assert rows(frame) == [("rule_components", "changed", column)]

    def test_a_column_that_only_one_frame_has_does_not_count(self) -> None:
        a = site(elements=[element("A", storage_duration="session")])
        assert analysis.diff(a, site(elements=[element("A")])).empty

    def test_ids_dates_and_people_do_not_count(self) -> None:
        def at(number: int) -> analysis.Tags:
            more = {"dirty": bool(number), "updated_by_email": f"{number}"}
            more["updated_at"] = f"2026-01-0{number + 1}"
            return site(elements=[element("A", {}, **more)], number=str(number))

        assert analysis.diff(at(0), at(1)).empty

    def test_the_version_of_an_extension_counts_and_its_display_name_does_not(self) -> None:
        def installed(version: str, name: str) -> analysis.Tags:
            row = element("core", None, "", version=version, display_name=name)
            return site(extensions=[row])

        assert analysis.diff(installed("1", "Core"), installed("1", "The core")).empty
        frame = analysis.diff(installed("1", "Core"), installed("2", "The core"))
        assert rows(frame) == [("extensions", "changed", "version")]

    def test_a_switched_off_rule_is_changed(self) -> None:
        a, b = site({"R": []}), site({"R": []})
        frames = {**b.frames, "rules": b.frames["rules"].assign(enabled=False)}
        assert rows(analysis.diff(a, analysis.Tags(**frames))) == [("rules", "changed", "enabled")]


class TestCode:
    def test_code_is_a_unified_diff_of_lines(self) -> None:
        a = site({"R": [component("C", script("a();\nb();\nc();"))]})
        b = site({"R": [component("C", script("a();\nB();\nc();"))]})
        row = analysis.diff(a, b).loc[0]
        assert row["path"] == "source"
        assert row["code_diff"].split("\n") == [
            "--- a", "+++ b", "@@ -1,3 +1,3 @@", " a();", "-b();", "+B();", " c();"
        ]  # fmt: skip

    def test_a_single_line_is_code_by_its_path(self) -> None:
        a = site({"R": [component("C", {**script("a()"), "note": "x"})]})
        b = site({"R": [component("C", {**script("b()"), "note": "y"})]})
        by_path = analysis.diff(a, b).set_index("path")["code_diff"]
        assert by_path["source"].endswith("-a()\n+b()")
        assert pd.isna(by_path["note"])

    def test_a_text_of_several_lines_is_shown_as_code(self) -> None:
        a = site(elements=[element("A", {"x": "1\n2"}, "unknown::dataElements::x")])
        b = site(elements=[element("A", {"x": "1\n3"}, "unknown::dataElements::x")])
        assert analysis.diff(a, b).loc[0, "code_diff"].endswith(" 1\n-2\n+3")

    def test_very_long_code_is_one_hunk(self) -> None:
        lines = [f"line{number % 7}();" for number in range(30_000)]
        other = [*lines]
        other[15_000] = "changed();"
        other.insert(15_002, "inserted();")
        a = site({"R": [component("C", script("\n".join(lines)))]})
        b = site({"R": [component("C", script("\n".join(other)))]})
        hunk = analysis.diff(a, b).loc[0, "code_diff"].split("\n")
        assert hunk[2] == "@@ -14998,8 +14998,9 @@"
        body = hunk[3:]
        assert [line[1:] for line in body if line[0] in " -"] == lines[14_997:15_005]
        assert [line[1:] for line in body if line[0] in " +"] == other[14_997:15_006]

    def test_what_redact_hides_is_in_no_column(self) -> None:
        def hide(text: str) -> str:
            return text.replace("s3cret", "…")

        a = site({"R": [component("C", script("k='s3cret';\na()"))]}, redact=hide)
        b = site({"R": [component("C", script("k='s3cret';\nb()"))]}, redact=hide)
        assert "s3cret" not in analysis.diff(a, b).to_csv()
        assert "s3cret" not in analysis.diff(site(), b, "name").to_csv()
        assert "-a()" in analysis.diff(a, b).loc[0, "code_diff"]


class TestResources:
    def test_added_and_removed_resources_are_one_row_with_their_settings(self) -> None:
        a = site(elements=[element("A", {"path": "a"}), element("B", {"path": "b"})])
        b = site(elements=[element("B", {"path": "b"}), element("C", {"path": "c"})], number="2")
        frame = analysis.diff(a, b)
        assert rows(frame) == [("data_elements", "removed", None), ("data_elements", "added", None)]
        assert frame.loc[0, "before"] == '{"path": "a"}'
        assert frame.loc[1, "after"] == '{"path": "c"}'
        assert frame.isna().sum(axis=1).tolist() == [5, 5]

    def test_an_added_rule_comes_with_its_components(self) -> None:
        frame = analysis.diff(site(), site({"R": [component("C")]}), "name")
        assert frame["key"].tolist() == ["R / C", "R"]
        assert set(frame["change"]) == {"added"}

    def test_equal_content_under_another_name_is_renamed(self) -> None:
        a = site({"Old": [component("C", script("a()"))]}, [element("X", {"path": "x"})])
        b = site(
            {"New": [component("C", script("a()"))]}, [element("Y", {"path": "x"})], number="2"
        )
        frame = analysis.diff(a, b)
        assert rows(frame) == [("data_elements", "renamed", "name"), ("rules", "renamed", "name")]
        assert frame["before"].tolist() == ["X", "Old"]
        assert frame["after"].tolist() == ["Y", "New"]

    def test_resources_without_content_are_not_taken_for_renamed(self) -> None:
        frame = analysis.diff(site({"Old": []}), site({"New": []}, number="2"))
        assert rows(frame) == [("rules", "added", None), ("rules", "removed", None)]

    def test_duplicate_names_are_matched_by_content_and_reported(self) -> None:
        one, other = element("A", {"path": "one"}), element("A", {"path": "other"})
        a = site(elements=[one, other])
        b = site(elements=[other, one], number="2")
        frame = analysis.diff(a, b)
        assert frame.empty
        [sentence] = [text for text in frame.attrs["limits"] if "ambiguous" in text]
        assert "'A'" in sentence

    def test_the_most_similar_of_duplicates_is_the_changed_one(self) -> None:
        a = site(elements=[element("A", {"x": 1, "y": 2}), element("A", {"z": 3, "q": 4})])
        b = site(
            elements=[element("A", {"z": 3, "q": 5}), element("A", {"x": 1, "y": 2})], number="2"
        )
        assert rows(analysis.diff(a, b)) == [("data_elements", "changed", "q")]

    def test_a_duplicate_that_was_removed_is_removed(self) -> None:
        a = site(elements=[element("A", {"path": "one"}), element("A", {"path": "other"})])
        b = site(elements=[element("A", {"path": "other"})], number="2")
        frame = analysis.diff(a, b)
        assert rows(frame) == [("data_elements", "removed", None)]
        assert frame.loc[0, "before"] == '{"path": "one"}'

    def test_a_hundred_duplicates_are_paired(self) -> None:
        a = site(elements=[element("A", {"a": number}) for number in range(150)])
        b = site(elements=[element("A", {"b": number}) for number in range(150)], number="2")
        frame = analysis.diff(a, b)
        assert set(frame["change"]) == {"changed"}
        assert frame["id_a"].nunique() == frame["id_b"].nunique() == 150

    def test_the_variable_of_an_action_is_compared_by_its_name(self) -> None:
        def with_variable(number: str, position: int) -> analysis.Tags:
            elements = [element("Other"), element("XDM", {"cacheId": "1"}, VARIABLE)]
            if position == 0:
                elements.reverse()
            action = component("U", {"dataElementId": f"DE{number}{position:03d}"}, UPDATE)
            return site({"R": [action]}, elements, number=number)

        assert analysis.diff(with_variable("1", 1), with_variable("2", 0)).empty

    def test_a_renamed_variable_is_one_difference(self) -> None:
        def with_variable(number: str, name: str) -> analysis.Tags:
            action = component("U", {"dataElementId": f"DE{number}000"}, UPDATE)
            elements = [element(name, {"cacheId": "1"}, VARIABLE)]
            return site({"R": [action]}, elements, number=number)

        frame = analysis.diff(with_variable("1", "XDM"), with_variable("2", "XDM 2"))
        assert rows(frame) == [("data_elements", "renamed", "name")]

    def test_an_action_of_another_variable_differs(self) -> None:
        def with_variable(number: str, position: int) -> analysis.Tags:
            action = component("U", {"dataElementId": f"DE{number}{position:03d}"}, UPDATE)
            return site({"R": [action]}, [element("A"), element("B")], number=number)

        frame = analysis.diff(with_variable("1", 0), with_variable("2", 1))
        assert frame[["path", "before", "after"]].values.tolist() == [["dataElementId", "A", "B"]]


class TestCacheIds:
    """Web SDK generates the ``cacheId`` of a variable; an action names its variable by it."""

    def with_variables(
        self, cache_ids: list[str], updated: str, number: str = "1", **action: Any
    ) -> analysis.Tags:
        elements = []
        for position, cache_id in enumerate(cache_ids):
            settings = {"cacheId": cache_id, "solutions": [f"solution {position}"]}
            elements.append(element(f"Variable {position}", settings, VARIABLE))
        rules = {"R": [component("U", {"dataElementCacheId": updated, **action}, UPDATE)]}
        return site(rules, elements, number=number)

    @pytest.mark.parametrize("number", ["1", "2"])
    @pytest.mark.parametrize("key", [None, "name"])
    def test_a_generated_cache_id_does_not_count(self, number: str, key: Any) -> None:
        before = self.with_variables(["a", "b"], "b")
        after = self.with_variables(["c", "d"], "d", number)
        assert analysis.diff(before, after, key).empty

    @pytest.mark.parametrize("number", ["1", "2"])
    def test_the_cache_id_of_another_variable_counts(self, number: str) -> None:
        before = self.with_variables(["a", "b"], "a")
        after = self.with_variables(["c", "d"], "d", number)
        frame = analysis.diff(before, after)
        assert rows(frame) == [("rule_components", "changed", "dataElementCacheId")]

    @pytest.mark.parametrize("number", ["1", "2"])
    def test_an_action_that_kept_an_outdated_cache_id_differs(self, number: str) -> None:
        before = self.with_variables(["a"], "a")
        after = self.with_variables(["b"], "a", number)
        frame = analysis.diff(before, after)
        assert rows(frame) == [("rule_components", "changed", "dataElementCacheId")]
        assert frame["after"].tolist() == ["a"]

    def test_the_variable_may_be_missing_from_one_state_of_a_property(self) -> None:
        before, after = self.with_variables([], "a"), self.with_variables(["a"], "a")
        assert rows(analysis.diff(before, after)) == [("data_elements", "added", None)]
        assert rows(analysis.diff(after, before)) == [("data_elements", "removed", None)]

    def test_without_data_elements_cache_ids_do_not_count(self) -> None:
        def only_rules(cache_id: str, number: str) -> analysis.Tags:
            frames = self.with_variables([cache_id], cache_id, number).frames
            return analysis.Tags(rules=frames["rules"], rule_components=frames["rule_components"])

        assert analysis.diff(only_rules("a", "1"), only_rules("b", "1")).empty
        assert analysis.diff(only_rules("a", "1"), only_rules("b", "2")).empty

    def test_a_renamed_variable_is_recognized_by_its_cache_id(self) -> None:
        names = ["First", "Second"]
        elements = [element(name, {"cacheId": name}, VARIABLE) for name in names]
        renamed = [element(f"New {name}", {"cacheId": name}, VARIABLE) for name in names[::-1]]
        frame = analysis.diff(site(elements=elements), site(elements=renamed, number="2"))
        assert frame[["change", "before", "after"]].values.tolist() == [
            ["renamed", "First", "New First"],
            ["renamed", "Second", "New Second"],
        ]

    def test_variables_with_other_cache_ids_are_not_taken_for_renamed(self) -> None:
        def with_one(name: str, cache_id: str, number: str) -> analysis.Tags:
            settings = {"cacheId": cache_id, "solutions": ["aep"]}
            return site(elements=[element(name, settings, VARIABLE)], number=number)

        a, b = with_one("A", "a", "1"), with_one("B", "b", "2")
        assert rows(analysis.diff(a, b)) == [
            ("data_elements", "removed", None),
            ("data_elements", "added", None),
        ]

    def test_equal_members_of_other_extensions_count(self) -> None:
        assert changed({"cacheId": "a"}, {"cacheId": "b"}) == [("cacheId", "a", "b")]

    def test_the_variable_of_an_action_is_shown_by_its_name(self) -> None:
        before = self.with_variables(["a", "b"], "a", note="a")
        after = self.with_variables(["a", "b"], "b", "2", note="a")
        frame = analysis.diff(before, after)
        assert frame[["path", "before", "after"]].values.tolist() == [
            ["dataElementCacheId", "Variable 0", "Variable 1"]
        ]


class TestComponents:
    def compared(self, before: list[Any], after: list[Any]) -> list[tuple[str, str, str | None]]:
        return rows(analysis.diff(site({"R": before}), site({"R": after}, number="2")))

    def test_the_order_of_the_rows_does_not_count(self) -> None:
        parts = [component("C", script("a()")), component("D", script("b()"))]
        assert self.compared(parts, parts[::-1]) == []

    def test_components_of_one_name_are_matched_by_content(self) -> None:
        parts = [component("C", script("a()")), component("C", script("b()"))]
        assert self.compared(parts, parts[::-1]) == []
        changes = self.compared(parts, [component("C", script("b()"))])
        assert changes == [("rule_components", "removed", None)]

    def test_another_position_is_a_change_of_order(self) -> None:
        before = [component("C", script("a()"), order=0), component("D", script("b()"), order=1)]
        after = [component("C", script("a()"), order=1), component("D", script("b()"), order=0)]
        assert self.compared(before, after) == [("rule_components", "changed", "order")] * 2

    def test_equal_content_under_another_name_is_renamed(self) -> None:
        before, after = component("C", script("a()")), component("D", script("a()"))
        assert self.compared([before], [after]) == [("rule_components", "renamed", "name")]

    def test_similar_code_under_another_name_is_changed(self) -> None:
        lines = [f"line{number}();" for number in range(20)]
        before = component("C", script("\n".join(lines)))
        after = component("D", script("\n".join([*lines, "more();"])))
        changes = self.compared([before], [after])
        assert changes == [
            ("rule_components", "changed", "name"),
            ("rule_components", "changed", "source"),
        ]

    def test_other_code_under_another_name_is_another_component(self) -> None:
        before, after = component("C", script("a()")), component("D", script("b()"))
        assert sorted(self.compared([before], [after])) == [
            ("rule_components", "added", None),
            ("rule_components", "removed", None),
        ]

    def test_another_delegate_is_another_component(self) -> None:
        before = component("C", {"a": 1})
        after = component("C", {"a": 1}, "core::conditions::custom-code")
        assert len(self.compared([before], [after])) == 2

    def test_components_without_their_rule_are_left_out_and_counted(self) -> None:
        tags = site({"R": [component("C")]})
        frames = {**tags.frames, "rules": tags.frames["rules"].iloc[:0]}
        frame = analysis.diff(analysis.Tags(**frames), analysis.Tags(**frames))
        assert frame.empty
        assert "a: 1 rule component without its rule is not compared." in frame.attrs["limits"]


class TestKeys:
    def test_two_states_of_a_property_are_matched_by_id(self) -> None:
        a = site(elements=[element("A", {"path": "a"})])
        b = site(elements=[element("B", {"path": "b"})])
        frame = analysis.diff(a, b)
        assert rows(frame) == [
            ("data_elements", "changed", "name"),
            ("data_elements", "changed", "path"),
        ]
        assert frame["key"].unique().tolist() == ["DE1000"]

    def test_two_properties_are_matched_by_name(self) -> None:
        a = site(elements=[element("A", {"path": "a"})])
        b = site(elements=[element("A", {"path": "a"})], number="2")
        assert analysis.diff(a, b).empty
        with pytest.raises(ArgumentError, match='by name: key="name"'):
            analysis.diff(a, b, key="id")

    def test_revisions_are_matched_by_their_origin(self) -> None:
        a = site(elements=[element("A", {"path": "a"})])
        revision = element("A", {"path": "b"}, id="DE9", origin_id="DE1000", revision_number=3)
        b = site(elements=[revision])
        frame = analysis.diff(a, b)
        assert frame[["key", "id_a", "id_b"]].values.tolist() == [["DE1000", "DE1000", "DE9"]]
        assert rows(frame) == [("data_elements", "changed", "path")]

    def test_revisions_without_origin_say_which_key_works(self) -> None:
        a = site(elements=[element("A")])
        b = site(elements=[element("A", id="DE9", revision_number=3)])
        with pytest.raises(ArgumentError, match='key="name"'):
            analysis.diff(a, b)
        assert analysis.diff(a, b, key="name").empty

    def test_several_properties_are_compared_each_with_itself(self) -> None:
        def company(second: str) -> analysis.Tags:
            first = site(elements=[element("A", {"path": "a"})]).frames
            other = site(elements=[element("A", {"path": second})], number="2").frames
            frames = {table: pd.concat([first[table], other[table]]) for table in first}
            return analysis.Tags(**frames)

        frame = analysis.diff(company("a"), company("b"))
        assert frame[["property_id", "key", "path"]].values.tolist() == [["PR2", "DE2000", "path"]]
        counts = analysis.summary(frame)
        assert counts[["property_id", "changed", "same"]].query(
            "changed + same > 0"
        ).values.tolist() == [
            ["PR1", 0, 1],
            ["PR2", 1, 0],
        ]
        assert list(frame.columns) == ["property_id", "property_name", *COLUMNS]
        assert len(analysis.diff(company("a"), company("b"), key="name")) == 1
        gone = analysis.diff(company("a"), site(elements=[element("A", {"path": "a"})]))
        assert rows(gone) == [("data_elements", "removed", None)]

    def test_several_properties_without_a_common_one_are_refused(self) -> None:
        frames = [site(elements=[element("A")], number=number).frames for number in "123"]
        both = {table: pd.concat([frames[0][table], frames[1][table]]) for table in frames[0]}
        with pytest.raises(ArgumentError, match="no property in common"):
            analysis.diff(analysis.Tags(**both), analysis.Tags(**frames[2]))


class TestArguments:
    def test_unknown_keys_and_types_are_refused_with_a_suggestion(self) -> None:
        tags = site()
        with pytest.raises(ArgumentError, match="Did you mean name"):
            analysis.diff(tags, tags, "nam")  # type: ignore[arg-type]
        with pytest.raises(ArgumentError, match="Did you mean rules"):
            analysis.diff(tags, tags, what="rule")
        with pytest.raises(ArgumentError, match="not str"):
            analysis.diff(tags, "PR1")  # type: ignore[arg-type]
        with pytest.raises(ArgumentError, match="at least one row"):
            analysis.diff(tags, pd.DataFrame({"id": []}))

    def test_what_selects_types(self) -> None:
        a = site({"R": [component("C")]}, [element("A")])
        frame = analysis.diff(a, site(number="2"), what=["rules", "data_elements"])
        assert frame["type"].tolist() == ["data_elements", "rules"]
        assert analysis.summary(frame)["type"].tolist() == ["data_elements", "rules"]
        frame = analysis.diff(a, site(number="2"), what="rule_components")
        assert frame["key"].tolist() == ["R / C"]

    def test_a_table_of_one_side_only_is_left_out_and_named(self) -> None:
        a = site({"R": [component("C")]}, [element("A")])
        b = analysis.Tags(rules=a.frames["rules"], rule_components=a.frames["rule_components"])
        frame = analysis.diff(a, b)
        assert frame.empty
        assert (
            "Only one of the two has data elements: they are not compared." in frame.attrs["limits"]
        )
        with pytest.raises(ArgumentError, match="data_elements"):
            analysis.diff(a, b, what="data_elements")

    def test_rules_without_components_are_compared_by_their_columns(self) -> None:
        a = site({"R": [component("C", script("a()"))]})
        b = analysis.Tags(rules=a.frames["rules"].assign(enabled=False))
        assert rows(analysis.diff(a, b)) == [("rules", "changed", "enabled")]

    def test_shallow_rows_name_the_columns(self) -> None:
        a = site(elements=[element("A", {"a": 1, "b": 1}, clean_text=False), element("B")])
        b = site(elements=[element("A", {"a": 2, "b": 2}, clean_text=True)])
        frame = analysis.diff(a, b, deep=False)
        assert rows(frame) == [
            ("data_elements", "changed", "clean_text, settings"),
            ("data_elements", "removed", None),
        ]
        assert frame[["before", "after", "code_diff"]].isna().all(axis=None)

    def test_same_adds_a_row_for_each_resource_without_a_difference(self) -> None:
        a = site({"R": [component("C")]}, [element("A"), element("B", {"x": 1})])
        b = site({"R": [component("C")]}, [element("A"), element("B", {"x": 2})])
        frame = analysis.diff(a, b, same=True)
        assert rows(frame) == [
            ("data_elements", "same", None),
            ("data_elements", "changed", "x"),
            ("rule_components", "same", None),
            ("rules", "same", None),
        ]
        assert analysis.summary(frame).equals(analysis.summary(analysis.diff(a, b)))


class TestSummary:
    def test_resources_are_counted_once_however_many_paths_differ(self) -> None:
        a = site(elements=[element("A", {"a": 1, "b": 1}), element("B", {"b": 0}), element("C")])
        b = site(
            elements=[
                element("A", {"a": 2, "b": 2}),
                element("D", {"b": 0}),
                element("E", {"e": 1}),
            ],
            number="2",
        )
        counts = analysis.summary(analysis.diff(a, b)).set_index("type").loc["data_elements"]
        assert counts.to_dict() == {"added": 1, "removed": 1, "changed": 2, "same": 0}

    def test_every_type_is_a_row_without_differences(self) -> None:
        counts = analysis.summary(analysis.diff(site(), site()))
        assert counts["type"].tolist() == [
            "data_elements",
            "extensions",
            "rule_components",
            "rules",
        ]
        assert counts.dtypes.astype(str).tolist() == ["string", *["Int64"] * 4]
        assert counts.iloc[:, 1:].to_numpy().sum() == 0

    def test_without_attrs_the_same_ones_are_unknown(self) -> None:
        frame = analysis.diff(site(elements=[element("A")]), site(number="2"))
        frame.attrs = {}
        counts = analysis.summary(frame)
        assert counts["removed"].tolist() == [1]
        assert counts["same"].isna().all()
        assert analysis.summary(frame.iloc[:0]).empty

    def test_another_frame_is_refused(self) -> None:
        with pytest.raises(ArgumentError, match="diff\\(\\) returns"):
            analysis.summary(pd.DataFrame({"type": []}))


@pytest.mark.parametrize("number", [0, 1, 30])
def test_columns_are_the_same_for_any_number_of_rows(number: int) -> None:
    elements = [element(f"E{at}", {"path": at}) for at in range(number)]
    frame = analysis.diff(site(), site(elements=elements), "name")
    assert len(frame) == number
    assert frame.dtypes.astype(str).to_dict() == dict(COLUMNS)
    assert frame.index.equals(pd.RangeIndex(number))
    assert {"limits", "as_of"} <= frame.attrs.keys()


@pytest.mark.parametrize("key", ["name", "id", "origin"])
def test_the_other_direction_swaps_added_and_removed(key: Any) -> None:
    twins = [element("A", {"x": 1}), element("A", {"x": 2}), element("B", "{broken")]
    a = site({"R": [component("C", script("a()")), component("C", None)]}, twins)
    b = site({"R": [component("C", script("b()"))], "S": [component("D")]}, twins[1:])
    forward = analysis.summary(analysis.diff(a, b, key))
    backward = analysis.summary(analysis.diff(b, a, key))
    assert forward["added"].tolist() == backward["removed"].tolist()
    assert forward["removed"].tolist() == backward["added"].tolist()
    assert forward[["changed", "same"]].equals(backward[["changed", "same"]])
    assert analysis.diff(a, a, key).empty


def test_limits_say_which_side_they_are_about() -> None:
    a = site(limits=["Both.", "Left."], as_of="2026-01-01")
    b = site(limits=["Both.", "Right."], as_of="2026-02-01")
    frame = analysis.diff(a, b)
    assert {"Both.", "a: Left.", "b: Right."} <= set(frame.attrs["limits"])
    assert (frame.attrs["as_of_a"], frame.attrs["as_of"]) == ("2026-01-01", "2026-02-01")


@pytest.fixture(scope="module")
def service() -> Iterator[Any]:
    """A session of a simulator that the tests change."""
    simulator = started()
    yield sign_in(simulator)
    simulator.stop()


class TestSimulator:
    def test_a_copied_property_differs_only_by_what_was_changed(self, service: Any) -> None:
        reactor = service.reactor
        original = reactor.find("properties", "Web Store US")
        copy = copied(reactor, original)
        before = analysis.read(original, session=service)
        assert analysis.diff(before, analysis.read(copy, session=service)).empty

        element_id = reactor.data_elements.find("Page Name", copy)
        reactor.data_elements.update(element_id, default_value="none")
        code = reactor.rule_components.find("Remember campaign", copy)
        source = "sessionStorage.setItem('cid', _satellite.getVar('Campaign Code'));\ndone();"
        reactor.rule_components.update(code, settings=script(source))
        reactor.rules.update(reactor.rules.find("Home - Hero Click", copy), name="Home - Hero")
        frame = analysis.diff(before, analysis.read(copy, session=service))
        assert rows(frame) == [
            ("data_elements", "changed", "default_value"),
            ("rule_components", "changed", "source"),
            ("rules", "renamed", "name"),
        ]
        assert frame.loc[1, "code_diff"].endswith("+done();")
        counts = analysis.summary(frame).set_index("type")
        assert counts["changed"].to_dict() == {
            "data_elements": 1, "extensions": 0, "rule_components": 1, "rules": 1
        }  # fmt: skip
        totals = {table: len(getattr(before.model, table)) for table in counts.index}
        assert (counts["same"] + counts["changed"]).to_dict() == totals

    def test_frames_of_two_revisions_are_compared(self, service: Any) -> None:
        reactor = service.reactor
        site_id = reactor.find("properties", "Checkout")
        head = reactor.data_elements(site_id).head(1)
        first = reactor.data_elements.revise(head)
        reactor.data_elements.update(head, default_value="other")
        second = reactor.data_elements.revise(head)
        frame = analysis.diff(first, second)
        assert rows(frame) == [("data_elements", "changed", "default_value")]
        assert frame["key"].tolist() == head["id"].tolist()


def copied(reactor: Any, original: pd.DataFrame) -> pd.DataFrame:
    """Create a property with the same extensions, data elements and rules, through the API."""
    copy = reactor.properties.create(
        reactor.companies(), name="Copy", platform="web", domains=["copy.example"]
    )
    core = reactor.extensions.find("core", copy)["id"][0]
    ids = {}
    for row in records(reactor.extensions(original)):
        ids[row["id"]] = core
        columns = ("settings", "delegate_descriptor_id")
        if row["name"] == "core":
            # A new property has it.
            reactor.extensions.update(core, **known(row, columns))
        else:
            installed = reactor.extensions.create(
                copy, extension_package=row["extension_package_id"], **known(row, columns)
            )
            ids[row["id"]] = installed["id"][0]
    columns = ("name", "delegate_descriptor_id", "settings", "default_value", "clean_text",
               "force_lower_case", "storage_duration", "enabled")  # fmt: skip
    for row in records(reactor.data_elements(original)):
        extension = ids[row["extension_id"]]
        made = reactor.data_elements.create(copy, extension=extension, **known(row, columns))
        ids[row["id"]] = made["id"][0]
    for row in records(reactor.rules(original)):
        ids[row["id"]] = reactor.rules.create(copy, **known(row, ("name", "enabled")))["id"][0]
    columns = ("name", "delegate_descriptor_id", "order", "rule_order", "timeout", "delay_next",
               "negate")  # fmt: skip
    for row in records(reactor.rule_components(original)):
        settings = json.loads(row["settings"])
        if "dataElementId" in settings:
            # One action has the id of a variable that does not exist.
            variable = settings["dataElementId"]
            settings["dataElementId"] = ids.get(variable, variable)
        reactor.rule_components.create(
            copy,
            rules=ids[row["rule_id"]],
            extension=ids[row["extension_id"]],
            settings=settings,
            **known(row, columns),
        )
    return copy


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.astype("object").where(frame.notna(), None).to_dict("records")


def known(row: dict[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in columns if row[name] is not None}


def test_limits_say_which_property_is_which() -> None:
    sides = []
    for property_id, name in (("PR1", "Shop"), ("PR2", "Blog")):
        properties = pd.DataFrame({"id": [property_id], "name": [name], "platform": ["web"]})
        rule = rules((f"RL{property_id}", "Rule"), property_id=property_id)
        sides.append(analysis.Tags(properties=properties, rules=rule))
    assert analysis.diff(*sides).attrs["limits"][0] == "a is Shop, and b is Blog."
    assert not any(" is " in limit for limit in analysis.diff(*sides[:1] * 2).attrs["limits"])
