"""Rules as they run: flow, order, direct calls, graphs and their pictures."""

import time
from typing import Any

import pandas as pd
import pytest
from IPython.lib.pretty import pretty

from adobe_nb import analysis
from adobe_nb.analysis import Tags
from adobe_nb.analysis.model import REQUIRED
from adobe_nb.analysis.rules.words import in_words
from adobe_nb.errors import ArgumentError
from adobe_nb.simulator.server import Simulator
from tests.conftest import sign_in
from tests.support.tag_frames import (
    CODE_ACTION,
    components,
    dtypes,
    elements,
    extensions,
    no_tags,
    rules,
)

FLOW = {
    "rule_id": "string",
    "rule_name": "string",
    "rule_enabled": "boolean",
    "step": "Int64",
    "kind": "string",
    "logic": "string",
    "component_id": "string",
    "component_name": "string",
    "delegate_descriptor_id": "string",
    "order": "Int64",
    "rule_order": "Float64",
    "timeout": "Int64",
    "delay_next": "boolean",
    "settings_summary": "string",
    "refers_to": "string",
    "tie": "boolean",
}
ORDER = {
    "event_key": "string",
    "position": "Int64",
    "rule_order": "Float64",
    "tie": "boolean",
    "rule_id": "string",
    "rule_name": "string",
}
CALLS = {
    "identifier": "string",
    "rule_id": "string",
    "rule_name": "string",
    "callers": "Int64",
    "called_from": "string",
    "verdict": "string",
}
GRAPH = {
    "from_id": "string",
    "from_name": "string",
    "from_type": "string",
    "to_id": "string",
    "to_name": "string",
    "to_type": "string",
    "kind": "string",
    "verdict": "string",
}
CLICK = "core::events::click"
DOM_READY = "core::events::dom-ready"
DIRECT_CALL = "core::events::direct-call"
CALL = "core::actions::direct-call"
PATH = "core::conditions::path"
CONSTANT = "core::dataElements::constant"
BEACON = "adobe-analytics::actions::send-beacon"


@pytest.fixture(scope="module")
def company(demo: Simulator) -> Tags:
    """All properties of the demo company."""
    session = sign_in(demo)
    return analysis.read(session.reactor.properties(), session=session)


@pytest.fixture(scope="module")
def store(company: Tags) -> Tags:
    """The property of the demo company that has most mistakes."""
    sites = company.frames["properties"]
    site_id = sites.loc[sites["name"] == "Web Store US", "id"].iloc[0]
    frames = {}
    for table, frame in company.frames.items():
        frames[table] = frame
        if table in REQUIRED:
            frames[table] = frame[frame["property_id"] == site_id]
    return Tags(**{**frames, "properties": sites[sites["id"] == site_id]})


HIDDEN = "aB3hidden" + "X9yZ2wV5uT8sR1qP4oN7"


def tags(
    *parts: tuple[str, str, str, Any],
    names: tuple[str, ...] = ("One", "Two"),
    platform: str | None = None,
    sequencing: bool | None = None,
    constants: tuple[str, ...] = (),
    **columns: Any,
) -> Tags:
    """A property of rules with these components; ``columns`` are those of the components."""
    frames = {
        "rules": rules(*[(f"RL{at}", name) for at, name in enumerate(names, 1)]),
        "rule_components": components(*parts, **columns),
        "data_elements": elements(
            *[(f"DE{at}", name, CONSTANT, {"value": "x"}) for at, name in enumerate(constants, 1)]
        ),
        "extensions": extensions(("EX1", "core", None, None)),
    }
    if platform is not None or sequencing is not None:
        frames["properties"] = pd.DataFrame(
            {
                "id": ["PR1"],
                "platform": [platform],
                "rule_component_sequencing_enabled": [sequencing],
            }
        )
        for table in ("rules", "rule_components", "data_elements", "extensions"):
            frames[table]["property_id"] = "PR1"
    return Tags(**frames)


def script(source: str) -> dict[str, str]:
    return {"language": "javascript", "source": source}


def words(delegate: str, settings: Any, **frames: Any) -> str:
    """What a component or data element with these settings says."""
    site = Tags(
        rules=rules(("RL1", "One")),
        rule_components=components(("RC1", "RL1", delegate, settings)),
        data_elements=elements(("DE1", "XDM Commerce", "adobe-alloy::dataElements::variable", {})),
        extensions=extensions(("EX1", "core", None, None)),
        **frames,
    )
    return in_words(site.model, site.model.rule_components[0])


def rows(frame: pd.DataFrame, *columns: str) -> list[list[Any]]:
    values = frame[list(columns)].astype("object")
    return values.where(values.notna(), None).to_numpy().tolist()


class TestColumns:
    @pytest.mark.parametrize(
        ("question", "columns"),
        [
            ("rule_flow", FLOW),
            ("execution_order", ORDER),
            ("direct_calls", CALLS),
            ("rule_graph", GRAPH),
        ],
    )
    def test_are_the_same_with_and_without_rows(
        self, store: Tags, question: str, columns: dict[str, str]
    ) -> None:
        empty = getattr(no_tags(), question)()
        answered = getattr(store, question)()
        assert empty.empty
        assert dtypes(empty) == dtypes(answered) == columns
        assert "limits" in empty.attrs

    def test_of_several_properties_begin_with_the_property(self, company: Tags) -> None:
        for answer in (company.rule_flow(), company.direct_calls(), company.rule_graph("all")):
            assert answer.columns[0] == "property_id"
            assert answer["property_id"].notna().all()


class TestArguments:
    @pytest.mark.parametrize(
        ("question", "table"),
        [
            ("rule_flow", "rules"),
            ("rule_flow", "rule_components"),
            ("execution_order", "rule_components"),
            ("direct_calls", "extensions"),
            ("rule_graph", "data_elements"),
        ],
    )
    def test_a_missing_table_is_an_error(self, question: str, table: str) -> None:
        frames = tags().frames
        del frames[table]
        with pytest.raises(ArgumentError, match=f"{question}.. requires the table '{table}'"):
            getattr(Tags(**frames), question)()

    def test_an_unknown_rule_gets_a_hint(self, store: Tags) -> None:
        with pytest.raises(ArgumentError, match="No rule is called 'Home hero click'.*Home - Hero"):
            store.rule_flow("Home hero click")
        with pytest.raises(ArgumentError, match="'Page Name' is not a rule.*data elements"):
            store.rule_flow("Page Name")
        component = store.frames["rule_components"].iloc[0]
        with pytest.raises(ArgumentError, match=f"Its rule is {component['rule_id']}"):
            store.rule_flow(component)
        with pytest.raises(ArgumentError, match="Expected a name, an id, or one row"):
            store.rule_flow(7)  # type: ignore[arg-type]

    def test_a_rule_can_be_a_name_an_id_or_a_row(self, store: Tags) -> None:
        frame = store.frames["rules"]
        row = frame[frame["name"] == "Search - Results"]
        by_name = store.rule_flow("Search - Results")
        assert len(by_name) == 5
        pd.testing.assert_frame_equal(store.rule_flow(row), by_name)
        pd.testing.assert_frame_equal(store.rule_flow(row["id"].iloc[0]), by_name)

    def test_two_rules_of_one_name_are_both_shown(self) -> None:
        twice = tags(("RC1", "RL1", CLICK, {}), ("RC2", "RL2", DOM_READY, {}), names=("A", "A"))
        flow = twice.rule_flow("A")
        assert rows(flow[flow["kind"] == "event"], "rule_id", "step") == [["RL1", 1], ["RL2", 1]]

    @pytest.mark.parametrize("depth", [0, -1, 1.5, "2", True])
    def test_a_depth_below_one_is_refused(self, store: Tags, depth: Any) -> None:
        with pytest.raises(ArgumentError, match="Invalid depth"):
            store.rule_graph(depth=depth)

    @pytest.mark.parametrize(
        ("what", "message"),
        [
            ("rule", "No data element, rule or extension is called 'rule'"),
            (["rules"], "Expected a name, an id, or one row of a frame, got list"),
            (5, "Expected a name, an id, or one row of a frame, got int"),
        ],
    )
    def test_what_is_neither_a_kind_of_graph_nor_a_resource_is_refused(
        self, store: Tags, what: Any, message: str
    ) -> None:
        with pytest.raises(ArgumentError, match=message):
            store.rule_graph(what)

    def test_an_unknown_kind_of_graph_with_a_focus_is_refused(self, store: Tags) -> None:
        with pytest.raises(ArgumentError, match="Unknown kind 'rule'. Did you mean rules"):
            store.rule_graph("rule", focus="Account - Sign-in")

    def test_the_name_of_a_resource_alone_is_the_focus(self, store: Tags) -> None:
        graph = store.rule_graph("Account - Sign-in")
        pd.testing.assert_frame_equal(graph, store.rule_graph(focus="Account - Sign-in"))
        assert len(graph) > 0

    def test_a_focus_that_the_graph_leaves_out_is_refused(self, store: Tags) -> None:
        with pytest.raises(ArgumentError, match="Use what='all'"):
            store.rule_graph("rules", focus="Page Name")
        with pytest.raises(ArgumentError, match="Similar names: Page Name"):
            store.rule_graph("all", focus="Page name ")


class TestRuleFlow:
    def test_sorts_events_by_rule_order_and_the_others_by_order(self) -> None:
        flow = tags(
            ("A2", "RL1", CODE_ACTION, script("x")),
            ("A1", "RL1", CODE_ACTION, script("y")),
            ("C1", "RL1", PATH, {}),
            ("E2", "RL1", CLICK, {}),
            ("E1", "RL1", DOM_READY, {}),
            names=("One",),
            order=[1, 0, 5, 0, 9],
            rule_order=[50.0, 50.0, 50.0, 70.0, 20.5],
            negate=[False, False, True, False, False],
        ).rule_flow()
        assert rows(flow, "step", "component_id", "logic", "tie") == [
            [1, "E1", "OR", False],
            [2, "E2", "OR", False],
            [3, "C1", "NOT", False],
            [4, "A1", "then", False],
            [5, "A2", "then", False],
        ]

    def test_an_equal_order_is_a_tie_and_null_is_the_default(self) -> None:
        flow = tags(
            ("A1", "RL1", CODE_ACTION, {}),
            ("A2", "RL1", CODE_ACTION, {}),
            ("E1", "RL1", CLICK, {}),
            ("E2", "RL1", CLICK, {}),
            names=("One",),
            order=[0, None, 3, 3],
            rule_order=[None, None, 50, None],
        ).rule_flow()
        assert flow["tie"].tolist() == [True] * 4
        assert rows(flow, "order", "rule_order")[-1] == [None, None]

    def test_without_the_columns_of_order_ties_are_unknown(self) -> None:
        flow = tags(("A1", "RL1", CODE_ACTION, {}), ("E1", "RL1", CLICK, {})).rule_flow("One")
        assert flow["tie"].isna().all()
        assert any("no column 'order'" in sentence for sentence in flow.attrs["limits"])

    @pytest.mark.parametrize("platform", ["web", "mobile"])
    def test_says_that_a_rule_has_no_event_and_no_action(self, platform: str) -> None:
        flow = tags(names=("One",), platform=platform).rule_flow()
        assert rows(flow, "step", "kind", "component_id", "settings_summary") == [
            [1, "event", None, "No event: the rule never fires."],
            [2, "action", None, "No action: the rule does nothing."],
        ]

    def test_rules_of_event_forwarding_have_no_events(self) -> None:
        flow = tags(("A1", "RL1", CODE_ACTION, {}), names=("One",), platform="edge").rule_flow()
        assert flow["kind"].tolist() == ["action"]

    def test_an_unknown_platform_is_a_limit(self) -> None:
        limits = tags(names=("One",)).rule_flow().attrs["limits"]
        assert any("without the table properties" in sentence for sentence in limits)

    @pytest.mark.parametrize(
        ("sequencing", "expected"),
        [(True, [[None, None], [500, False]]), (False, [[None] * 2] * 2), (None, [[None] * 2] * 2)],
    )
    def test_timeouts_count_only_in_sequence(
        self, sequencing: bool | None, expected: list[list[Any]]
    ) -> None:
        flow = tags(
            ("E1", "RL1", CLICK, {}),
            ("A1", "RL1", CODE_ACTION, {}),
            names=("One",),
            sequencing=sequencing,
            timeout=500,
            delay_next=False,
        ).rule_flow()
        assert rows(flow, "timeout", "delay_next") == expected

    def test_components_of_a_missing_rule_are_shown_under_its_id(self) -> None:
        flow = tags(("A1", "RL9", CODE_ACTION, {}), ("E1", "RL9", CLICK, {}), names=()).rule_flow()
        assert rows(flow, "rule_id", "rule_name", "rule_enabled", "component_id") == [
            ["RL9", None, None, "E1"],
            ["RL9", None, None, "A1"],
        ]

    def test_a_component_without_a_delegate_comes_last(self) -> None:
        flow = tags(
            ("X1", "RL1", None, {}), ("A1", "RL1", CODE_ACTION, {}), ("E1", "RL1", CLICK, {})
        ).rule_flow("One")
        assert rows(flow, "kind", "logic")[-1] == [None, None]

    def test_names_what_a_component_refers_to(self) -> None:
        code = "// _satellite.getVar('b')\n_satellite.track(' next ');_satellite.getVar('a')"
        flow = tags(
            ("A1", "RL1", CODE_ACTION, script(code)),
            ("A2", "RL1", BEACON, {"type": "link", "linkName": "%b% and %a% and %c%"}),
            ("A3", "RL1", BEACON, {"type": "page"}),
            ("E1", "RL1", CLICK, {}),
            constants=("a", "b"),
        ).rule_flow("One")
        assert flow["refers_to"].tolist() == [pd.NA, "next, a", "b, a, c", pd.NA]


class TestExecutionOrder:
    def test_page_load_comes_first_and_only_enabled_rules_count(self) -> None:
        site = tags(
            ("RC1", "RL1", CLICK, {"elementSelector": "a", "bubbleStop": False}),
            ("RC2", "RL2", CLICK, '{"bubbleStop": false, "elementSelector": "a"}'),
            ("RC3", "RL1", "core::events::window-loaded", {}),
            ("RC4", "RL2", "core::events::window-loaded", None),
            ("RC5", "RL1", DOM_READY, {}),
            ("RC6", "RL2", DOM_READY, {}),
            ("RC7", "RL3", DOM_READY, {}),
            names=("One", "Two", "Off"),
            rule_order=[50, 10.5, None, 50, 2, 1, 1],
        )
        site.frames["rules"].loc[2, "enabled"] = False
        order = Tags(**site.frames).execution_order()
        assert rows(order, "event_key", "position", "rule_name", "tie") == [
            ["DOM is ready", 1, "Two", False],
            ["DOM is ready", 2, "One", False],
            ["window is loaded", 1, "One", True],
            ["window is loaded", 2, "Two", True],
            ["click on a", 1, "Two", False],
            ["click on a", 2, "One", False],
        ]

    def test_single_rules_are_listed_on_demand(self) -> None:
        site = tags(("RC1", "RL1", CLICK, {"elementSelector": "a"}), ("RC2", "RL2", DOM_READY, {}))
        assert site.execution_order().empty
        assert site.execution_order(all=True)["event_key"].tolist() == [
            "DOM is ready",
            "click on a",
        ]

    def test_one_rule_that_waits_twice_is_not_a_tie(self) -> None:
        site = tags(("RC1", "RL1", DOM_READY, {}), ("RC2", "RL1", DOM_READY, {}), rule_order=50)
        assert site.execution_order().empty
        assert site.execution_order(all=True)["tie"].tolist() == [False, False]

    def test_different_events_in_equal_words_have_different_keys(self) -> None:
        site = tags(
            ("RC1", "RL1", CLICK, {"elementSelector": "a", "bubbleStop": True}),
            ("RC2", "RL2", CLICK, {"elementSelector": "a", "bubbleStop": False}),
        )
        assert site.execution_order().empty
        assert site.execution_order(all=True)["event_key"].nunique() == 2


class TestDirectCalls:
    def verdicts(self, *parts: tuple[str, str, str, Any]) -> list[list[Any]]:
        return rows(tags(*parts).direct_calls(), "identifier", "rule_name", "callers", "verdict")

    def listener(self, identifier: str) -> tuple[str, str, str, Any]:
        return ("E1", "RL1", DIRECT_CALL, {"identifier": identifier})

    @pytest.mark.parametrize(
        "caller",
        [
            (CALL, {"identifier": " go "}),
            (CODE_ACTION, script("_satellite.track(' go ', {a: 1})")),
            (
                CODE_ACTION,
                {"language": "html", "source": "<script>_satellite.track('go')</script>"},
            ),
        ],
    )
    def test_callers_are_trimmed(self, caller: tuple[str, Any]) -> None:
        found = self.verdicts(self.listener("go"), ("A1", "RL2", *caller))
        assert found == [["go", "One", 1, "called here"]]

    def test_listeners_are_not_trimmed(self) -> None:
        found = self.verdicts(self.listener(" go"), ("A1", "RL2", CALL, {"identifier": " go"}))
        assert found == [[" go", "One", 0, "blank in name"], ["go", None, 1, "no rule listens"]]

    def test_an_empty_identifier_hears_nothing(self) -> None:
        found = self.verdicts(self.listener(""), ("A1", "RL2", CALL, {"identifier": "go"}))
        assert found == [["", "One", 0, "blank in name"], ["go", None, 1, "no rule listens"]]

    def test_case_counts_and_comments_do_not(self) -> None:
        code = script("// _satellite.track('go')\n_satellite.track('Go')")
        found = self.verdicts(self.listener("go"), ("A1", "RL2", CODE_ACTION, code))
        assert found == [["Go", None, 1, "no rule listens"], ["go", "One", 0, "page or nobody"]]

    def test_a_name_that_only_the_page_knows_is_dynamic(self) -> None:
        code = script("_satellite.track(name); _satellite.track('step-' + number)")
        found = self.verdicts(
            self.listener("other"),
            ("A1", "RL2", CODE_ACTION, code),
            ("A2", "RL2", CALL, {"identifier": "%stage%-start"}),
        )
        assert found == [
            ["*", None, 1, "dynamic"],
            ["*-start", None, 1, "dynamic"],
            ["other", "One", 0, "page or nobody"],
            ["step-*", None, 1, "dynamic"],
        ]

    def test_disabled_rules_neither_call_nor_listen(self) -> None:
        site = tags(
            self.listener("go"),
            ("A1", "RL2", CALL, {"identifier": "go"}),
            ("E2", "RL2", DIRECT_CALL, {"identifier": "back"}),
        )
        site.frames["rules"]["enabled"] = [True, False]
        found = rows(Tags(**site.frames).direct_calls(), "identifier", "verdict", "called_from")
        assert found == [
            ["back", "rule is disabled", None],
            ["go", "disabled rules only", "Two"],
        ]

    def test_places_are_counted_and_their_holders_named_once(self) -> None:
        site = tags(
            self.listener("go"),
            ("E2", "RL2", DIRECT_CALL, {"identifier": "go"}),
            ("A1", "RL2", CODE_ACTION, script("_satellite.track('go'); _satellite.track('go')")),
            ("A2", "RL1", CALL, {"identifier": "go"}),
        )
        found = rows(site.direct_calls(), "rule_name", "callers", "called_from")
        assert found == [["One", 3, "One, Two"], ["Two", 3, "One, Two"]]


class TestRuleGraph:
    def chain(self) -> Tags:
        """Rules that call each other, in a row: A, B, C, D."""
        parts = []
        names = ("A", "B", "C", "D")
        for number, name in enumerate(names, 1):
            parts.append((f"E{number}", f"RL{number}", DIRECT_CALL, {"identifier": name}))
        for number, name in enumerate(names[1:], 1):
            parts.append((f"A{number}", f"RL{number}", CALL, {"identifier": name}))
        return tags(*parts, names=names)

    @pytest.mark.parametrize(
        ("focus", "depth", "expected"),
        [
            (None, 2, ["AB", "BC", "CD"]),
            ("B", 1, ["AB", "BC"]),
            ("A", 2, ["AB", "BC"]),
            ("D", 1, ["CD"]),
            ("D", 9, ["AB", "BC", "CD"]),
        ],
    )
    def test_depth_counts_edges_in_both_directions(
        self, focus: str | None, depth: int, expected: list[str]
    ) -> None:
        graph = self.chain().rule_graph("rules", focus=focus, depth=depth)
        assert (graph["from_name"] + graph["to_name"]).tolist() == expected

    def test_rules_fire_rules_by_events_too(self) -> None:
        code = "document.dispatchEvent(new CustomEvent('x')); adobeDataLayer.push({event: 'y'})"
        layer = "gcoe-adobe-client-data-layer::events::datalayer-push"
        graph = tags(
            ("A1", "RL1", CODE_ACTION, script(code)),
            ("E1", "RL2", "core::events::custom-event", {"type": "x"}),
            ("E2", "RL2", layer, {"method": "specificEvent", "eventKey": "y"}),
            constants=("a",),
        ).rule_graph()
        assert rows(graph, "from_name", "to_name", "kind", "verdict") == [
            ["One", "Two", "custom-event", "possible"],
            ["One", "Two", "data-layer-push", "possible"],
        ]

    def test_the_most_certain_reference_of_a_pair_is_kept(self) -> None:
        code = "var s = \"_satellite.getVar('a')\"; _satellite.getVar('a'); // getVar('b')"
        site = tags(("A1", "RL1", CODE_ACTION, script(code)), constants=("a", "b"))
        graph = site.rule_graph("data_elements")
        assert rows(graph, "from_type", "to_name", "verdict") == [["rules", "a", "certain"]]
        assert set(site.rule_graph("all")["to_type"]) == {"data_elements", "extensions"}

    def test_focus_alone_shows_all_that_one_edge_connects(self, store: Tags) -> None:
        graph = store.rule_graph(focus="Product - Stock Check")
        expected = store.rule_graph("all", focus="Product - Stock Check", depth=1)
        pd.testing.assert_frame_equal(graph, expected)
        assert "Product - Stock Check" in {*graph["from_name"], *graph["to_name"]}
        assert {"extensions", "rules"} <= set(graph["to_type"])

    def test_paths_do_not_go_through_extensions(self) -> None:
        site = tags(
            ("A1", "RL1", CODE_ACTION, script("1")), ("A2", "RL2", CODE_ACTION, script("2"))
        )
        near = site.rule_graph(focus="One", depth=9)
        assert rows(near, "from_name", "to_type") == [["One", "extensions"]]
        [extension] = near["to_id"]
        around = site.rule_graph(focus=extension)
        assert around["from_name"].tolist() == ["One", "Two"]

    def test_a_graph_without_edges_says_so(self) -> None:
        site = tags(("A1", "RL1", CODE_ACTION, script("1")))
        assert any("Nothing is connected:" in text for text in site.rule_graph().attrs["limits"])
        alone = site.rule_graph("rules", focus="One")
        assert any("Nothing is connected to 'One'" in text for text in alone.attrs["limits"])
        connected = self.chain().rule_graph()
        assert not any("Nothing is" in text for text in connected.attrs["limits"])

    def test_references_without_a_target_are_counted(self) -> None:
        site = tags(
            ("A1", "RL1", CODE_ACTION, script("_satellite.getVar('no such element')")),
            ("A2", "RL2", CODE_ACTION, script("2")),
        )
        sentence = "1 reference from these resources leads nowhere, and has no edge"
        for graph, is_said in (
            (site.rule_graph("all"), True),
            (site.rule_graph("One"), True),
            (site.rule_graph("Two"), False),
        ):
            assert any(sentence in text for text in graph.attrs["limits"]) == is_said

    def test_a_component_in_focus_means_its_rule(self) -> None:
        by_rule = self.chain().rule_graph(focus="A", depth=1)
        pd.testing.assert_frame_equal(self.chain().rule_graph(focus="A1", depth=1), by_rule)

    def test_calls_in_a_circle_end(self) -> None:
        site = tags(
            ("E1", "RL1", DIRECT_CALL, {"identifier": "a"}),
            ("A1", "RL1", CALL, {"identifier": "b"}),
            ("E2", "RL2", DIRECT_CALL, {"identifier": "b"}),
            ("A2", "RL2", CALL, {"identifier": "a"}),
        )
        assert len(site.rule_graph("rules", focus="One", depth=100)) == 2


def graph_of(*names: str) -> pd.DataFrame:
    """A graph in which each of these names leads to the next."""
    edges = []
    for number, name in enumerate(names[1:]):
        ids = (f"RL{number}", f"RL{number + 1}")
        edges.append((ids[0], names[number], "rules", ids[1], name, "rules", "track", "certain"))
    return pd.DataFrame(edges, columns=list(GRAPH), dtype="object")


class TestPictures:
    @pytest.mark.parametrize(
        ("name", "label"),
        [
            ('say "hi"', "say #34;hi#34;"),
            ("a[0]", "a#91;0#93;"),
            ("#1 <b>", "#35;1 #60;b#62;"),
            ("`code`", "#96;code#96;"),
            ("two\r\nlines", "two lines"),
            ("1. - list", "1#46; #45; list"),
            ("Product - Add (new)", "Product - Add (new)"),
            ("%%{init: {}}%%", "#37;#37;#123;init#58; #123;#125;#125;#37;#37;"),
            ("🛒 漢字 👨‍👩‍👧", "🛒 漢字 👨‍👩‍👧"),
            ("x" * 300, "x" * 59 + "…"),
            ("\u202egnp\ud800\x00", "gnp"),
            (" ", "RL0"),
        ],
    )
    def test_names_cannot_be_syntax(self, name: str, label: str) -> None:
        lines = analysis.to_mermaid(graph_of(name, "end")).splitlines()
        assert lines[:4] == [
            "flowchart LR",
            f'  n0["{label}"]:::rules',
            '  n1["end"]:::rules',
            '  n0 -->|"track"| n1',
        ]
        analysis.to_dot(graph_of(name, "end")).encode()

    def test_dot_escapes_quotes_and_backslashes(self) -> None:
        dot = analysis.to_dot(graph_of('a "b" \\n', "c"))
        assert 'n0 [label="a \\"b\\" \\\\n", shape=box' in dot
        assert 'n0 -> n1 [label="track", style=solid]' in dot

    def test_types_have_shapes_and_doubt_is_dotted(self, store: Tags) -> None:
        graph = store.rule_graph("all", focus="Clicked Link", depth=1)
        mermaid = analysis.to_mermaid(graph.assign(verdict="possible"))
        assert '(["Clicked Link"]):::data_elements' in mermaid
        assert '{{"Core"}}:::extensions' in mermaid
        assert "-.->" in mermaid
        assert "style=dashed" in analysis.to_dot(graph.assign(verdict="possible"))

    def test_kinds_of_one_pair_share_an_arrow(self) -> None:
        graph = graph_of("a", "b")
        twice = pd.concat([graph, graph.assign(kind="token", verdict="possible")])
        assert '  n0 -->|"track, token"| n1' in analysis.to_mermaid(twice).splitlines()

    def test_jupyter_shows_a_picture_and_everything_else_the_text(self) -> None:
        mermaid = analysis.to_mermaid(graph_of("a", "b"))
        bundle = mermaid._repr_mimebundle_()
        assert isinstance(mermaid, str)
        assert bundle == {"text/vnd.mermaid": mermaid}
        assert pretty(mermaid) == mermaid

    def test_a_graph_without_edges_is_a_picture_that_says_so(self) -> None:
        graph = no_tags().rule_graph()
        lines = analysis.to_mermaid(graph).splitlines()
        assert lines[:2] == ["flowchart LR", '  n0["Nothing is connected"]:::other']
        assert 'n0 [label="Nothing is connected"' in analysis.to_dot(graph)

    @pytest.mark.parametrize("draw", [analysis.to_mermaid, analysis.to_dot])
    def test_large_graphs_are_refused_quickly_with_a_hint(self, draw: Any) -> None:
        graph = graph_of("hub", "x")
        large = pd.concat([graph] * 5_000).assign(to_name=list(map(str, range(5_000))))
        start = time.perf_counter()
        with pytest.raises(ArgumentError, match=r"5,000 edges.*Use focus.*hub \(5000\)"):
            draw(large)
        assert time.perf_counter() - start < 0.5
        draw(large.head(300))

    @pytest.mark.parametrize("draw", [analysis.to_mermaid, analysis.to_dot])
    def test_other_frames_are_refused(self, draw: Any) -> None:
        with pytest.raises(ArgumentError, match="no column 'to_name'"):
            draw(graph_of("a", "b").drop(columns="to_name"))
        with pytest.raises(ArgumentError, match="got list"):
            draw([])


class TestWords:
    @pytest.mark.parametrize(
        ("delegate", "settings", "expected"),
        [
            (CLICK, {"elementSelector": "a.button"}, "click on a.button"),
            (CLICK, {}, "click"),
            (CLICK, None, "click"),
            (CLICK, [1], "click"),
            (
                CLICK,
                {"elementSelector": "a", "elementProperties": [{"name": "id", "value": "x"}]},
                "click on a if id = x",
            ),
            (DIRECT_CALL, {"identifier": "checkout-start"}, "direct call checkout-start"),
            (DIRECT_CALL, {"identifier": "start "}, 'direct call "start "'),
            (
                PATH,
                {"paths": [{"value": "/cart"}, {"value": "^/c", "valueIsRegex": True}]},
                "path matches /cart or ^/c (regular expression)",
            ),
            (
                "core::conditions::value-comparison",
                {"leftOperand": "%a%", "comparison": {"operator": "isTruthy"}},
                "%a% is truthy",
            ),
            ("core::conditions::sampling", {"rate": 0.25}, "sample of 25 %"),
            (BEACON, {"type": "page"}, "send page view"),
            (
                BEACON,
                {"type": "link", "linkType": "d", "linkName": "PDF"},
                "send download link PDF",
            ),
            (
                CODE_ACTION,
                script("\n" + "first();\n" + "next();\n" * 13),
                "run JavaScript, 14 lines: first();",
            ),
            (
                CODE_ACTION,
                {**script("/code/a.js"), "isExternal": True},
                "run JavaScript from a file of its own",
            ),
            ("adobe-analytics::actions::set-variables", {"trackerProperties": {}}, "set nothing"),
            (
                "adobe-analytics::actions::set-variables",
                {
                    "trackerProperties": {
                        "hierarchies": [{"name": "hier1", "sections": ["a", "b"], "delimiter": ":"}]
                    }
                },
                "set hier1 = a:b",
            ),
            (
                "core::conditions::max-frequency",
                {"count": 2, "unit": "day"},
                "at most once per 2 days",
            ),
            (CODE_ACTION, {"language": "html", "source": "<p>"}, "write HTML, 1 line: <p>"),
            ("acme::actions::sendItNow", {"a": {"b": "x"}, "c": 1}, "send it now: a.b = x"),
            ("acme::actions::send", "not JSON", "settings cannot be read"),
        ],
    )
    def test_say_what_a_component_does(self, delegate: str, settings: Any, expected: str) -> None:
        assert words(delegate, settings) == expected

    def test_of_analytics_name_variables_and_events(self) -> None:
        tracker = {
            "eVars": [
                {"name": "eVar5", "type": "value", "value": "%Page Name%"},
                {"name": "eVar6", "type": "alias", "value": "prop3"},
            ],
            "events": [{"name": "event1"}, {"name": "event2", "id": "7", "value": "2"}],
            "campaign": {"type": "queryParam", "value": "cid"},
            "pageName": "Home",
        }
        settings = {"trackerProperties": tracker, "customSetup": {"source": "s.eVar7 = 1;"}}
        assert words("adobe-analytics::actions::set-variables", settings) == (
            "set eVar5 = %Page Name%, eVar6 = copy of prop3, event1, event2:7 = 2, campaign = URL "
            "parameter cid, pageName = Home; run JavaScript, 1 line: s.eVar7 = 1;"
        )

    def test_of_web_sdk_name_the_variable_and_its_fields(self) -> None:
        update = "adobe-alloy::actions::update-variable"
        settings = {
            "dataElementId": "DE1",
            "data": {"commerce": {"order": {"priceTotal": "%Total%"}}},
            "transforms": {"web.old": {"clear": True}},
        }
        assert words(update, settings) == (
            "update XDM Commerce: commerce.order.priceTotal = %Total%; clear web.old"
        )
        data = {"__adobe": {"analytics": {"eVar5": "D=v10"}}}
        assert words(update, {"dataElementName": "Data", "data": data}) == (
            "update Data: eVar5 = D=v10"
        )

    def test_use_the_names_of_the_extension_package(self) -> None:
        package = pd.DataFrame(
            {
                "id": ["EP1"],
                "name": ["acme"],
                "actions": ['[{"name": "send", "display_name": "Send to Acme"}]'],
            }
        )
        assert words("acme::actions::send", {"to": "x"}, extension_packages=package) == (
            "Send to Acme: to = x"
        )

    @pytest.mark.parametrize(
        "settings",
        [
            {"apiKey": HIDDEN},
            {"headers": [{"key": "Authorization", "value": HIDDEN}]},
            {"url": f"https://user:{HIDDEN}@acme.example"},
            {"url": f"https://acme.example/?access_key={HIDDEN}"},
            {"note": f"Bearer {HIDDEN}"},
            {"nested": {"client_secret": HIDDEN * 4}},
        ],
    )
    def test_never_show_what_looks_like_a_secret(self, settings: Any) -> None:
        action = components(("RC1", "RL1", "acme::actions::send", settings))
        flow = Tags(rules=rules(("RL1", "One")), rule_components=action).rule_flow()
        assert flow["settings_summary"].str.contains("•" * 8).any()
        assert HIDDEN[:8] not in flow.to_csv()

    @pytest.mark.parametrize(
        "code",
        [
            f"var apiKey = '{HIDDEN}';",
            f'send({{authorization: "{HIDDEN}"}});',
            f"fetch('https://acme.example/?token={HIDDEN}');",
        ],
    )
    def test_never_show_what_looks_like_a_secret_in_code(self, code: str) -> None:
        action = components(("RC1", "RL1", CODE_ACTION, script(code)))
        flow = Tags(rules=rules(("RL1", "One")), rule_components=action).rule_flow()
        assert flow["settings_summary"].str.contains("•" * 8).any()
        assert HIDDEN[:8] not in flow.to_csv()

    def test_show_code_of_other_extensions_by_its_size(self) -> None:
        package = pd.DataFrame(
            {
                "id": ["EP1"],
                "name": ["acme"],
                "actions": [
                    '[{"name": "send", "transforms": [{"type": "function", "propertyPath": "code"},'
                    '{"type": "remove", "propertyPath": "form"}]}]'
                ],
            }
        )
        settings = {"code": "a();\nb();", "form": "x", "to": [{"key": "a", "value": "b"}]}
        site = Tags(
            rules=rules(("RL1", "One")),
            rule_components=components(("RC1", "RL1", "acme::actions::send", settings)),
            extensions=extensions(("EX1", "acme", None, None), extension_package_id="EP1"),
            extension_packages=package,
        )
        words_of_action = in_words(site.model, site.model.rule_components[0])
        assert words_of_action == "send: code = code of 2 lines, to: a = b"

    def test_show_tokens_and_ids(self) -> None:
        settings = {"token": "%Session Token%", "id": "DE93a9b62577aca88e42301634d1c7757d"}
        assert words("acme::actions::send", settings) == (
            "send: token = %Session Token%, id = DE93a9b62577aca88e42301634d1c7757d"
        )

    def test_have_at_most_200_characters(self) -> None:
        settings = {"paths": [{"value": f"/{number}" + "x" * 500} for number in range(50)]}
        text = words(PATH, settings)
        assert len(text) == 200
        assert text.endswith("…")

    def test_settings_that_are_nested_deeply_end(self) -> None:
        settings = "[" * 900 + "]" * 900
        assert words("acme::actions::send", f'{{"a": {settings}}}') == "send"
        assert words(PATH, f'{{"paths": {settings}}}')

    def test_pass_through_redact(self) -> None:
        def redact(text: str) -> str:
            return text.replace("Home", "***")

        action = components(("RC1", "RL1", CLICK, {"elementSelector": "#Home"}))
        tags = Tags(rules=rules(("RL1", "One")), rule_components=action, redact=redact)
        assert "click on #***" in tags.rule_flow()["settings_summary"].tolist()

    def test_every_resource_of_the_demo_company_has_some(self, company: Tags) -> None:
        model = company.model
        for resource in [*model.rule_components, *model.data_elements, *model.extensions]:
            assert 0 < len(in_words(model, resource)) <= 200
