"""References, unused, dangling and impact: arguments, doubt, and what analysts stumble over."""

from typing import Any

import pandas as pd
import pytest

import adobe_nb
from adobe_nb import analysis
from adobe_nb.analysis import Tags
from adobe_nb.errors import ArgumentError
from tests.support.tag_frames import components, elements, extensions, rules

CONSTANT = "core::dataElements::constant"
BEACON = "adobe-analytics::actions::send-beacon"
VARIABLE = "adobe-alloy::dataElements::variable"
UPDATE = "adobe-alloy::actions::update-variable"
SEND = "adobe-alloy::actions::send-event"
CLICK = "core::events::click"


@pytest.fixture
def store(session: adobe_nb.Session) -> Tags:
    """The property of the demo company that has most mistakes."""
    site = session.reactor.find("properties", "Web Store US")
    return analysis.read(site, session=session)


def tags(*parts: Any, names: tuple[str, ...] = ("a", "b")) -> Tags:
    """A property with constants, and one rule with these components."""
    constants = [(f"DE{at}", name, CONSTANT, {"value": "x"}) for at, name in enumerate(names, 1)]
    return Tags(
        rules=rules(("RL1", "Rule")),
        rule_components=components(*parts),
        data_elements=elements(*constants),
        extensions=extensions(("EX1", "core", None, None)),
    )


def beacon(text: str, component_id: str = "RC1") -> tuple[Any, ...]:
    return (component_id, "RL1", BEACON, {"type": "link", "linkName": text})


class TestArguments:
    @pytest.mark.parametrize("question", ["references", "unused", "dangling"])
    @pytest.mark.parametrize("table", ["rules", "rule_components", "data_elements", "extensions"])
    def test_a_missing_table_is_an_error(self, question: str, table: str) -> None:
        frames = tags(beacon("%a%")).frames
        del frames[table]
        with pytest.raises(ArgumentError, match=f"{question}.. requires the table '{table}'"):
            getattr(Tags(**frames), question)()

    def test_a_row_of_a_frame_is_a_target(self, store: Tags) -> None:
        frame = store.frames["data_elements"]
        row = frame[frame["name"] == "Product SKU"]
        by_name = store.references("Product SKU")
        pd.testing.assert_frame_equal(store.references(row), by_name)
        pd.testing.assert_frame_equal(store.references(row.iloc[0]), by_name)
        pd.testing.assert_frame_equal(store.impact(row), store.impact("Product SKU"))

    @pytest.mark.parametrize(
        "target",
        [42, "", ["Page Name"], pd.Series(["Page Name"]), pd.DataFrame({"id": ["a", "b"]})],
    )
    def test_other_targets_are_refused(self, store: Tags, target: Any) -> None:
        for question in (store.references, store.impact):
            with pytest.raises(ArgumentError, match="Expected a name, an id, or one row"):
                question(target)

    def test_names_that_nothing_has_get_a_hint(self, store: Tags) -> None:
        with pytest.raises(ArgumentError, match="Similar names: Page Name, "):
            store.references("Page name ")
        with pytest.raises(ArgumentError, match="rule components are: pass the id of one"):
            store.impact("Send event")
        with pytest.raises(ArgumentError, match="DE7360ac3358f40235526f8144186238cd was deleted"):
            store.impact("Gift Message")
        with pytest.raises(ArgumentError, match="Ids of data elements begin with DE"):
            store.impact("PR" + "0" * 32)

    def test_a_name_of_several_things_is_refused(self) -> None:
        twice = tags(beacon("%a%"), names=("a", "a"))
        with pytest.raises(ArgumentError, match="Several resources are called 'a'"):
            twice.impact("a")

    @pytest.mark.parametrize(
        ("what", "message"),
        [
            ("rule", "Unknown type 'rule'. Did you mean rules"),
            (["rules", "data element"], "Unknown type 'data element'. Did you mean"),
            (
                "Coupon Code",
                "references\\('Coupon Code'\\) lists what uses it; unused\\(all=True\\)",
            ),
            (None, "Expected types such as 'data_elements', got NoneType"),
        ],
    )
    def test_unknown_types_are_refused(self, store: Tags, what: Any, message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            store.unused(what)

    def test_unknown_verdicts_are_refused(self, store: Tags) -> None:
        with pytest.raises(ArgumentError, match="Unknown verdict"):
            store.references(verdicts=["used"])


class TestAnswers:
    def test_all_types_are_what_each_type_gives(self, store: Tags) -> None:
        types = ["data_elements", "rules", "extensions", "secrets", "instances"]
        together = store.unused("all")
        assert sorted(together["id"]) == sorted(
            resource_id for name in types for resource_id in store.unused(name)["id"]
        )
        some = store.unused(["rules", "extensions"], all=True)
        assert set(some["type"]) == {"rules", "extensions"}

    def test_all_types_without_secrets_are_those_that_were_read(self) -> None:
        assert "secrets" not in set(tags(beacon("%a%")).unused("all", all=True)["type"])
        with pytest.raises(ArgumentError, match="requires the table 'secrets'"):
            tags(beacon("%a%")).unused("secrets")

    def test_what_can_be_deleted_with_least_doubt_comes_first(self, store: Tags) -> None:
        found = store.unused()["verdict"].drop_duplicates().tolist()
        assert found == [
            "unused",
            "unused (mentioned in a comment)",
            "unreachable",
            "used by disabled rules only",
            "possibly used",
        ]

    def test_members_of_a_custom_variable_are_its_references(self) -> None:
        code = {"language": "javascript", "source": "_satellite.setVar('stock', {})"}
        found = tags(
            ("RC1", "RL1", "core::actions::custom-code", code), beacon("%stock.level%", "RC2")
        ).references("stock")
        assert found["name"].tolist() == ["stock", "stock.level"]
        assert set(found["target_type"]) == {"custom_variables"}

    def test_deleted_resources_that_are_live_are_named(self, store: Tags) -> None:
        for answer in (store.references(), store.unused(), store.impact("XDM Commerce")):
            assert any("Gift Wrap - Chosen" in sentence for sentence in answer.attrs["limits"])

    def test_the_variable_of_another_property_is_named_as_such(self, store: Tags) -> None:
        broken = store.dangling()
        reasons = broken[broken["kind"] == "id-setting"]["reason"].tolist()
        assert reasons == ["other property"]
        assert store.frames["other_data_elements"]["name"].tolist() == ["XDM Checkout"]

    def test_the_element_of_that_name_is_suggested_for_a_copied_variable(self) -> None:
        frames = tags(("RC1", "RL1", UPDATE, {"dataElementId": "DE9"})).frames
        frames["other_data_elements"] = pd.DataFrame({"id": ["DE9"], "name": ["a"]})
        found = Tags(**frames).dangling()
        assert found[["reason", "did_you_mean"]].to_numpy().tolist() == [["other property", "a"]]

    def test_secrets_are_judged_only_when_they_are_known(self) -> None:
        settings = {"secrets": {"development": {"id": "SE1", "name": "Key"}}}
        frames = {
            "properties": pd.DataFrame({"id": ["PR1"], "platform": ["edge"]}),
            "rules": rules(property_id=[]),
            "rule_components": components(property_id=[]),
            "data_elements": elements(
                ("DE1", "Key", "core::dataElements::secret", settings), property_id=["PR1"]
            ),
            "extensions": extensions(property_id=[]),
        }
        assert Tags(**frames).dangling().empty
        known = Tags(**frames, secrets=pd.DataFrame({"id": ["SE2"], "name": ["Other"]}))
        assert known.dangling()["reason"].tolist() == ["no such secret"]

    def test_an_unknown_platform_leaves_tokens_of_both_kinds_possible(self) -> None:
        unused = tags(beacon("{{a}}")).unused(all=True).set_index("name")["verdict"]
        assert unused.to_dict() == {"a": "possibly used", "b": "unused"}

    def test_the_id_of_an_element_in_any_setting_is_a_reference(self) -> None:
        element_id = f"DE{1:032x}"
        frames = tags(("RC1", "RL1", "acme::actions::send", {"map": [{"from": element_id}]})).frames
        frames["data_elements"]["id"] = [element_id, f"DE{2:032x}"]
        found = Tags(**frames).references("a")
        assert found[["kind", "path"]].to_numpy().tolist() == [["id-setting", "map[0].from"]]

    def test_a_library_says_which_deleted_resources_it_leaves_out(
        self, session: adobe_nb.Session
    ) -> None:
        site = session.reactor.find("properties", "Web Store US")
        library = session.reactor.libraries.find("Autumn campaign", site)
        held = analysis.read(library=library, session=session)
        assert any("Gift Wrap - Chosen" in sentence for sentence in held.limits)

    def test_frames_of_another_type_are_refused(self, store: Tags) -> None:
        with pytest.raises(ArgumentError, match="The frame rules has data_elements: DE"):
            Tags(rules=store.frames["data_elements"])

    def test_event_forwarding_has_no_pages(self, session: adobe_nb.Session) -> None:
        site = session.reactor.find("properties", "Event Forwarding")
        limits = analysis.read(site, session=session).unused().attrs["limits"]
        assert not any("pages" in sentence for sentence in limits)


class TestImpact:
    def test_says_of_each_component_whether_it_is_live(self, store: Tags) -> None:
        found = store.impact("Product SKU").set_index("source_name")["in_production"]
        # Its rule is published, in a revision that did not have it yet.
        assert not found["Meta wishlist"]
        assert found.any()

    def site(self) -> Tags:
        """`a` goes into a variable, which another rule sends; `b` goes into it, too."""
        return Tags(
            rules=rules(("RL1", "Fill"), ("RL2", "Send"), ("RL3", "Fill more")),
            rule_components=components(
                ("Update", "RL1", UPDATE, {"dataElementId": "DE9", "data": {"x": "%a%"}}),
                ("Send", "RL2", SEND, {"xdm": "%xdm%"}),
                ("Other", "RL3", UPDATE, {"dataElementId": "DE9", "data": {"y": "%b%"}}),
            ),
            data_elements=elements(
                ("DE1", "a", CONSTANT, {}),
                ("DE2", "b", CONSTANT, {}),
                ("DE9", "xdm", VARIABLE, {"cacheId": "c"}),
            ),
            extensions=extensions(("EX1", "core", None, None)),
        )

    def test_goes_through_variables_to_those_who_read_them(self) -> None:
        found = self.site().impact("a")
        rows = found[["level", "source_name"]].to_numpy().tolist()
        assert rows == [[1, "Update"], [2, "Send"]]

    def test_of_a_variable_has_writers_and_readers(self) -> None:
        found = self.site().impact("xdm")
        rows = found[["level", "source_name"]].to_numpy().tolist()
        assert rows == [[1, "Other"], [1, "Send"], [1, "Update"]]

    def test_a_long_chain_and_a_circle_end(self) -> None:
        names = [f"e{number}" for number in range(2_000)]
        rows = []
        for number, name in enumerate(names):
            value = f"%{names[number - 1]}%"
            rows.append((f"DE{number:032x}", name, CONSTANT, {"value": value}))
        chain = Tags(
            rules=rules(),
            rule_components=components(),
            data_elements=elements(*rows),
            extensions=extensions(),
        )
        assert int(chain.impact("e0")["level"].max()) == 1_999
        assert set(chain.unused()["verdict"]) == {"unreachable"}


class TestDisplay:
    def test_only_the_public_names_are_listed(self) -> None:
        public = ["Tags", "diff", "read", "summary", "to_dot", "to_files", "to_mermaid"]
        assert dir(analysis) == public

    def test_tags_say_what_they_hold(self, store: Tags) -> None:
        assert repr(store).startswith("<Tags Web Store US: 23 rules, ")
