"""Variables, sends and designs: bad input, spellings, and the ways that the truth leaves out."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adobe_nb.analysis import Tags
from adobe_nb.analysis.variables.names import spelled
from adobe_nb.errors import ArgumentError
from tests.support.tag_frames import (
    CODE_ACTION,
    components,
    dtypes,
    elements,
    extensions,
    no_tags,
    rules,
)

SET = "adobe-analytics::actions::set-variables"
ANALYTICS = "adobe-analytics::extensionConfiguration::config"


def code(source: str) -> dict[str, str]:
    return {"language": "javascript", "source": source}


def evars(**values: str) -> dict[str, Any]:
    items = [{"name": name, "type": "value", "value": value} for name, value in values.items()]
    return {"trackerProperties": {"eVars": items}}


def tags(*parts: tuple[str, str, Any], enabled: bool = True, **further: Any) -> Tags:
    """Tags of one rule: its components from id, delegate and settings."""
    rows = [(name, "RL1", delegate, settings) for name, delegate, settings in parts]
    frames = {
        "rules": rules(("RL1", "Rule"), enabled=enabled),
        "rule_components": components(*rows, order=range(len(rows))),
        "data_elements": elements(("DE1", "page.name", "core::dataElements::constant", {})),
        "extensions": extensions(),
    }
    return Tags(**{**frames, **further})


def coded(source: str) -> Tags:
    return tags(("RC1", CODE_ACTION, code(source)))


def rows(answer: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    values = answer[list(columns)].astype("object").where(answer[list(columns)].notna(), None)
    return list(values.itertuples(index=False, name=None))


SHOP = tags(("RC1", SET, evars(eVar5="%page.name%", eVar6="red")))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("eVar005", "eVar5"),
        ("v5", "eVar5"),
        ("Evar 5", "eVar5"),
        ("eVar 5 (Visit)", "eVar5"),
        ("eVar5: Page name", "eVar5"),
        ("variables/evar5", "eVar5"),
        ("metrics/event12", "event12"),
        ("c3", "prop3"),
        ("Prop-03", "prop3"),
        ("e12", "event12"),
        ("List Var 2", "list2"),
        ("h1", "hier1"),
        ("v0", "campaign"),
        ("page name", "pageName"),
        ("variables/trackingcode", "campaign"),
        ("SCADD", "scAdd"),
        ("contextData.a.b", "contextData.a.b"),
    ],
)
def test_a_variable_is_recognized_in_every_spelling(text: str, name: str) -> None:
    variable = spelled(text)
    assert variable is not None
    assert variable.name == name


@pytest.mark.parametrize("text", ["", "5", "Video 5", "evar", "v5.1", "3 days", "c3po"])
def test_other_texts_are_not_variables(text: str) -> None:
    assert spelled(text) is None


def test_a_number_that_analytics_does_not_have_is_a_limit() -> None:
    assert SHOP.variables("evar500").attrs["limits"][0] == (
        "eVar500 does not exist: eVar numbers go up to 250."
    )
    assert "exist" not in " ".join(SHOP.variables("evar250").attrs["limits"])


def test_an_unknown_variable_is_refused_with_examples() -> None:
    with pytest.raises(ArgumentError, match="For example: eVar5"):
        SHOP.variables("page views")
    with pytest.raises(ArgumentError, match="got int"):
        SHOP.variables(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("question", ["variables", "sends", "free_variables", "sdr"])
def test_a_property_without_content_has_the_columns_and_types_of_another(question: str) -> None:
    arguments = [pd.DataFrame({"variable": ["v5"]})] if question == "sdr" else []
    empty = getattr(no_tags(), question)(*arguments)
    full = getattr(SHOP, question)(*arguments)
    assert dtypes(empty) == dtypes(full)
    assert list(empty.columns) == list(full.columns)


def test_settings_that_cannot_be_parsed_are_a_limit() -> None:
    answer = tags(("RC1", SET, '{"trackerProperties": {"eVars": [')).variables()
    assert len(answer) == 0
    assert "RC1" in " ".join(answer.attrs["limits"])


@pytest.mark.parametrize(
    "settings",
    [
        [],
        "text",
        5,
        {"trackerProperties": []},
        {"trackerProperties": {"eVars": {"name": "eVar1"}, "events": ["event1"], "props": None}},
        {"trackerProperties": {"hierarchies": [{"name": 5, "sections": "a"}], "campaign": []}},
    ],
)
def test_settings_of_another_shape_set_nothing(settings: Any) -> None:
    assert len(tags(("RC1", SET, json.dumps(settings))).variables()) == 0


def test_broken_code_is_read_and_named_in_the_limits() -> None:
    answer = coded("s.eVar5 = 'a';\nif (").variables()
    assert rows(answer, "variable", "value") == [("eVar5", "a")]
    assert "not valid JavaScript" in " ".join(answer.attrs["limits"])


def test_code_of_event_forwarding_sets_no_variables() -> None:
    properties = pd.DataFrame({"id": ["PR1"], "name": ["Edge"], "platform": ["edge"]})
    answer = tags(("RC1", CODE_ACTION, code("s.eVar5 = 1;")), properties=properties).variables()
    assert len(answer) == 0
    assert "Event forwarding" in " ".join(answer.attrs["limits"])


HOSTILE = {
    "chained assignments": "s.eVar1 = " * 1_000 + "1;",
    "a long sum": "s.events = " + " + ".join(['"event1,"'] * 5_000),
    "many variables in a sum": "s.events = " + " + ".join(f"x{i}" for i in range(2_000)),
    "nested calls": "s.events = " + "f('event1', " * 2_000 + "1" + ")" * 2_000,
    "nested literals": "alloy('sendEvent', " + "{xdm: " * 2_000 + "1" + "}" * 2_000 + ")",
    "many objects": "".join(f"t{i}.eVar1 = 1;" for i in range(2_000)),
    "many declarations": "!function () {" + "var s = this; s.eVar1 = 1;" * 2_000 + "}()",
    "chained aliases": "a0 = s;" + "".join(f"a{i + 1} = a{i};" for i in range(10_000)),
    "called functions": "(function (s) { s.eVar1 = 1; })(s);" * 3_000,
    "sent objects": "alloy('sendEvent', {data: {__adobe: {analytics: {eVar1: 1}}}});" * 2_000,
    "replaced events": "s.events = s.events" + ".replace('event1', 'event2')" * 2_000,
    "a minified script": "!function(s,e){s.eVar1=e?'a':e.b;s.t();f(s,1)}(s,{});" * 2_000,
    "a long path": "content.xdm" + ".a" * 5_000 + " = 1; s.eVar1 = 1;",
}


# A search that takes quadratic time needs minutes for these, and the test its time limit.
@pytest.mark.parametrize("name", HOSTILE)
def test_generated_code_is_read_to_the_end(name: str) -> None:
    answer = coded(HOSTILE[name] + "\n; s.prop9 = 'end';").variables("prop9")
    assert "prop9" in set(answer["variable"])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("var s = document.createElement('a'); s.channel = 'x';", []),
        ("var s = s_gi('suite'); s.channel = 'x';", [("channel", "set", "possible")]),
        ("var s = window.s || {}; s.channel = 'x';", [("channel", "set", "certain")]),
        ("function f(s) { s.channel = 'x'; } s.zip = 1;", [("zip", "set", "certain")]),
        ("for (var s in list) { s.state = 1; }", []),
        ("try { f(); } catch (s) { s.state = 1; }", []),
        ("delete s.eVar5;", [("eVar5", "clear", "certain")]),
        ("s.events = '';", [("events", "clear", "certain")]),
        ("s.eVar5++;", [("eVar5", "set", "certain")]),
        ("s.linkTrackVars += extra;", [("*", "declare", "dynamic")]),
        ("Object.assign(s, values);", [("*", "set", "dynamic")]),
        ("s.contextData[key] = 1;", [("contextData.*", "set", "dynamic")]),
        ("s.events = `event1:${id}`;", [("event1", "set", "certain")]),
        ("track('sendEvent', {xdm: {a: 1}});", []),
        ("s.products = list.map(function (p) { return ';' + p + ';;;event8=1'; }).join();",
         [("event8", "set", "possible"), ("products", "set", "certain")]),
        ("s.doPlugins = run; function run(t) { t.zip = 1; }", [("zip", "set", "certain")]),
        ("var o = {doPlugins(s) { s.zip = 1; }};", [("zip", "set", "certain")]),
        ("// compares s.eVar5 with s.prop5\n// s.eVar6 = 1;", [("eVar6", "set", "commented")]),
    ],
)  # fmt: skip
def test_code_is_read_as_the_browser_runs_it(source: str, expected: list[Any]) -> None:
    assert rows(coded(source).variables(), "variable", "access", "verdict") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("(function (s) { s.zip = 1; })(s);", [("zip", "certain")]),
        ("!function (e, t) { t.zip = 1; }(1, window.s || {});", [("zip", "certain")]),
        ("((t) => { t.zip = 1; })(s);", [("zip", "certain")]),
        ("(t => { t.zip = 1; })(s);", [("zip", "certain")]),
        ("(() => { s.zip = 1; })();", [("zip", "certain")]),
        ("(function (t) { t.zip = 1; }).call(this, s);", [("zip", "certain")]),
        ("(function (a) { (function (b) { b.zip = 1; })(a); })(s);", [("zip", "certain")]),
        ("(function (s) { s.zip = 1; })(document);", []),
        ("(function (t) { (function (t) { t.zip = 1; })(1); })(s);", []),
        ("(function (t) { t.zip = 1; }).apply(this, s);", []),
        ("this.s.zip = 1;", [("zip", "possible")]),
        ("var t = s; var u = t; u.zip = 1;", [("zip", "possible")]),
        ("function f() { var t; t = s; t.zip = 1; } t.zip = 1;", [("zip", "possible")]),
        ("t = s, Object.assign(t, {zip: 1});", [("zip", "possible")]),
        ("t = [s]; t.zip = 1;", []),
        ("with (s) { zip = 1; eVar1 = zip; t(); }", [("eVar1", "possible"), ("zip", "possible")]),
        ("with (document) { zip = 1; } zip = 2;", []),
    ],
)  # fmt: skip
def test_the_tracker_is_followed_under_other_names(source: str, expected: list[Any]) -> None:
    assert rows(coded(source).variables(), "variable", "verdict") == expected


@pytest.mark.parametrize(
    "source",
    [
        "(function (s) { s.eVar1 = 'x'; s.tl(this, 'o', 'y'); })(s);",
        "this.s.eVar1 = 'x'; this.s.tl(this, 'o', 'y');",
        "with (s) { eVar1 = 'x'; tl(this, 'o', 'y'); }",
        "var t = s; t.eVar1 = 'x'; t.tl(this, 'o', 'y');",
    ],
)
def test_a_beacon_is_seen_by_every_name_of_the_tracker(source: str) -> None:
    answer = coded(source).sends()
    assert rows(answer, "kind", "link_name") == [("s.tl", "y")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("s.events.replace('event1', 'event2')", [("event2", "possible")]),
        ("s.events.replace(/event1/g, 'event2,event3')",
         [("event2", "possible"), ("event3", "possible")]),
        ("s.events.replace('event1', () => 'event2')", [("event2", "possible")]),
        ("'event1'.replace('event1', 'event2')",
         [("event1", "possible"), ("event2", "possible")]),
        ("add(s.events, 'event2')", [("event2", "possible")]),
        ("s.events.split(',').filter(e => e !== 'event2').join(',')", [("event*", "dynamic")]),
        ("s.events.includes('event2') ? 'event3' : s.events", [("event3", "certain")]),
    ],
)  # fmt: skip
def test_events_that_code_puts_together_are_possible(source: str, expected: list[Any]) -> None:
    answer = coded(f"s.events = {source};").variables()
    assert rows(answer[answer["access"] == "set"], "variable", "verdict") == expected


@pytest.mark.parametrize(
    "source",
    [
        "s.products = items.map(i => ';' + i.sku + ';1;9.99;event5=1').join(',');",
        "s.products = items.map(i => `;${i.sku};1;9.99;event5=1`).join();",
        "s.products = items.map(i => ['', i.sku, 1, 9, 'event5=1'].join(';')).join(',');",
        "var p = items.map(i => ';' + i.sku + ';1;9.99;event5=1').join(','); s.products = p;",
        "function one(i) { return ';' + i + ';;;event5=1'; } s.products = items.map(one).join();",
        "const all = list => ';' + list[0] + ';;;event5=1'; s.products = all(items);",
        "s.products = items.reduce((all, i) => all + ';' + i + ';;;event5=' + i.n, '');",
        "alloy('sendEvent', {data: {__adobe: {analytics: {"
        "products: items.map(i => ';' + i + ';;;event5=1').join()}}}});",
    ],
)
def test_events_of_products_that_code_puts_together_are_possible(source: str) -> None:
    answer = coded(source).variables()
    found = rows(answer, "variable", "verdict")
    assert found == [("event5", "possible"), ("products", "certain")]


EVAR5 = "{__adobe: {analytics: {eVar5: 'a'}}}"
UNKNOWN = ("*", "dynamic")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (f"Object.assign({{}}, {{data: {EVAR5}}})", [("eVar5", "certain")]),
        (f"{{data: Object.assign({{}}, {EVAR5})}}", [("eVar5", "certain")]),
        (f"{{data: $.extend(true, {{}}, base, {EVAR5})}}", [UNKNOWN, ("eVar5", "certain")]),
        (f"{{data: {{...{EVAR5}}}}}", [("eVar5", "certain")]),
        (f"{{data: {{...(a && {EVAR5})}}}}", [("eVar5", "certain")]),
        ("{data: {...base}}", [UNKNOWN]),
        ("{data: {[key]: 1}}", [UNKNOWN]),
        ("{xdm: {...base, web: {webPageDetails: {name: 'a'}}}}",
         [("pageName", "certain"), ("xdm.*", "dynamic")]),
        ("{xdm: _.merge({}, {web: {webPageDetails: {name: 'a'}}})}", [("pageName", "certain")]),
    ],
)  # fmt: skip
def test_objects_that_are_merged_or_spread_are_read(options: str, expected: list[Any]) -> None:
    answer = coded(f"alloy('sendEvent', {options});").variables()
    assert sorted(rows(answer, "variable", "verdict")) == expected


def test_objects_that_are_merged_into_the_tracker_are_read() -> None:
    source = "Object.assign(s, {...{eVar1: 1}}, Object.assign({}, {eVar2: 1}), {...base});"
    answer = coded(source).variables()
    expected = [("*", "dynamic"), ("eVar1", "certain"), ("eVar2", "certain")]
    assert sorted(rows(answer, "variable", "verdict")) == expected


def test_code_of_the_extension_knows_the_name_of_its_tracker() -> None:
    settings = {
        "libraryCode": {"type": "managed", "trackerVariableName": "tracker"},
        "customSetup": {"source": "tracker.channel = 'shop';"},
    }
    configured = extensions(("EX1", "adobe-analytics", ANALYTICS, settings))
    answer = Tags(extensions=configured).variables()
    assert rows(answer, "variable", "value", "verdict") == [("channel", "shop", "certain")]


def test_other_names_in_settings_are_misspelled_or_dynamic() -> None:
    answer = tags(("RC1", SET, evars(**{"eVars5": "a", "%page.name%": "b"}))).variables()
    assert set(rows(answer, "variable", "family", "verdict")) == {
        ("eVars5", "eVar", "misspelled"),
        ("eVar*", "eVar", "dynamic"),
    }


@pytest.mark.parametrize(
    ("delegate", "settings", "expected"),
    [
        ("acme::actions::map", {"target": "eVar5"}, ("eVar5", "set", "other extension")),
        ("acme::conditions::has", {"target": "eVar5"}, ("eVar5", "read", "other extension")),
        ("core::conditions::variable", {"name": "s.prop3"}, ("prop3", "read", "settings")),
    ],
)
def test_settings_of_other_extensions_name_variables(
    delegate: str, settings: dict[str, str], expected: tuple[str, ...]
) -> None:
    answer = tags(("RC1", delegate, settings)).variables()
    assert rows(answer, "variable", "access", "how") == [expected]


def test_events_that_a_mapping_table_can_return_are_possible() -> None:
    mapped = elements(("DE1", "event", "mapping-table::dataElements::table",
                       {"map": [{"input": "a", "output": "event3"}]}))  # fmt: skip
    action = ("RC1", CODE_ACTION, code("s.events = _satellite.getVar('event');"))
    answer = tags(action, data_elements=mapped).variables()
    assert set(rows(answer, "variable", "verdict")) == {
        ("event*", "dynamic"),
        ("event3", "possible"),
    }


def test_what_is_sent_requires_the_components() -> None:
    with pytest.raises(ArgumentError, match="rule_components"):
        Tags(rules=rules()).sends()


# -- designs


def verdicts(design: Any, **options: Any) -> dict[str, str]:
    answer = SHOP.sdr(design, **options)
    return dict(zip(answer["variable"], answer["verdict"], strict=True))


@pytest.mark.parametrize(
    "design",
    [
        pd.DataFrame({"variable": ["eVar005", "v7"]}),
        pd.DataFrame({"id": [1, 2], "What": ["Evar 5", "eVar 7 (Hit)"]}),
        pd.DataFrame({"eVar": [5, 7]}),
        pd.DataFrame({"eVar": [5.0, 7.0, None]}),
        pd.DataFrame({0: ["eVar5", "eVar7"], 1: ["Name", "Coupon"]}),
    ],
)
def test_the_variables_of_a_design_are_found(design: pd.DataFrame) -> None:
    expected = {"eVar5": "both", "eVar6": "only tags", "eVar7": "only design"}
    assert verdicts(design) == expected


def test_a_design_of_expected_values_differs_from_other_ones() -> None:
    design = pd.DataFrame({"variable": ["v5", "v6"], "value": ["page.name", "blue"]})
    assert verdicts(design) == {"eVar5": "both", "eVar6": "differs"}


def test_variables_that_a_design_switches_off_are_not_part_of_it() -> None:
    design = pd.DataFrame({"id": ["variables/evar5", "variables/evar9"], "enabled": [True, False]})
    assert verdicts(design) == {"eVar5": "both", "eVar6": "only tags"}


def test_a_disabled_rule_alone_is_a_verdict_of_its_own() -> None:
    disabled = tags(("RC1", SET, evars(eVar5="a")), enabled=False)
    answer = disabled.sdr(pd.DataFrame({"variable": ["eVar5"], "name": ["Page"]}))
    columns = ("variable", "in_tags", "design_name", "tag_value", "rules", "verdict")
    expected = ("eVar5", True, "Page", "a", "Rule", "disabled rules only")
    assert rows(answer, *columns) == [expected]


def test_a_design_without_rows_leaves_what_is_only_in_the_tags() -> None:
    design = pd.DataFrame({"variable": []})
    assert verdicts(design) == {"eVar5": "only tags", "eVar6": "only tags"}


@pytest.mark.parametrize(
    ("design", "message"),
    [
        (pd.DataFrame({"a": ["x"], "b": [1]}), r"Its columns: a, b\. .*column="),
        (pd.DataFrame(), "none"),
        (["eVar5"], "not list"),
        ("no such file.csv", "There is no file"),
        ("", "The path of the design is empty"),
        (__file__, "must be a CSV or Excel file"),
    ],
)
def test_a_design_without_variables_is_refused(design: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        SHOP.sdr(design)


EVR7 = pd.DataFrame({"variable": ["v5", "evr7", " ", "eVar300"], "name": list("abcd")})


def test_a_row_that_is_not_a_variable_has_a_verdict_of_its_own() -> None:
    answer = SHOP.sdr(EVR7)
    assert rows(answer, "variable", "in_design", "in_tags", "design_name", "verdict") == [
        ("eVar5", True, True, "a", "both"),
        ("eVar6", False, True, None, "only tags"),
        ("eVar300", True, False, "d", "out of range"),
        ("evr7", True, False, "b", "not a variable"),
    ]


@pytest.mark.parametrize("question", ["sdr", "free_variables"])
def test_rows_that_are_not_variables_are_limits(question: str) -> None:
    limits = getattr(SHOP, question)(EVR7).attrs["limits"]
    assert (
        "1 of 3 rows of the design is not a variable: row 1, 'evr7' (did you mean eVar7?)."
        in limits
    )
    assert (
        "1 of 3 rows of the design is out of range: row 3, 'eVar300' (the last one is eVar250)."
    ) in limits


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("evr7", " (did you mean eVar7?)"),
        ("evnt 12", " (did you mean event12?)"),
        ("purchse", " (did you mean purchase?)"),
        ("evr300", ""),
        ("eVar", ""),
        ("Conversion variables", ""),
    ],
)
def test_only_similar_names_are_suggested(text: str, suggestion: str) -> None:
    limits = SHOP.sdr(pd.DataFrame({"variable": ["v5", text]})).attrs["limits"]
    expected = f"1 of 2 rows of the design is not a variable: row 1, {text!r}{suggestion}."
    assert expected in limits


def test_many_rows_that_are_not_variables_are_counted() -> None:
    others = [f"x{number}" for number in range(12)]
    limits = SHOP.sdr(pd.DataFrame({"variable": ["v5", *others]})).attrs["limits"]
    [limit] = [text for text in limits if "not variables" in text]
    assert limit.startswith("12 of 13 rows of the design are not variables: row 1, 'x0'; ")
    assert limit.endswith("row 10, 'x9'; and 2 more.")


def test_rows_of_one_variable_are_a_limit_by_their_numbers_in_excel(tmp_path: Path) -> None:
    path = tmp_path / "design.csv"
    path.write_text("eVar;Name\n5;Page\n;\neVar005;Title\n")
    answer = SHOP.sdr(path)
    assert rows(answer, "variable", "design_name")[0] == ("eVar5", "Page, Title")
    limit = "The design has several rows for these variables: eVar5 (row 2, row 4)."
    assert limit in answer.attrs["limits"]


def test_rows_of_a_workbook_are_named_with_their_sheet(tmp_path: Path) -> None:
    path = tmp_path / "design.xlsx"
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame({"eVar": [5]}).to_excel(writer, sheet_name="eVars", index=False)
        pd.DataFrame({"prop": ["p3", "prop3"]}).to_excel(writer, sheet_name="props", index=False)
    limits = SHOP.sdr(path).attrs["limits"]
    limit = "1 of 3 rows of the design is not a variable: row 2 of sheet 'props', 'p3'."
    assert limit in limits


def test_a_variable_is_found_where_it_is_set() -> None:
    site = tags(
        ("RC1", SET, evars(eVar1="%page.name%")),
        data_elements=elements(
            ("DE1", "page.name", "core::dataElements::custom-code", code("return s.eVar2 = 'x'")),
            ("DE2", "other", "core::dataElements::custom-code",
             code("s.eVar1 = _satellite.getVar('page.name')")),
        ),
    )  # fmt: skip
    answer = site.sdr(pd.DataFrame({"variable": []}))
    assert rows(answer, "variable", "tag_value", "rules", "found_in") == [
        ("eVar1", "%page.name%", "Rule", "Rule, other"),
        ("eVar2", "x", None, "page.name"),
    ]


def test_an_unknown_column_is_refused_with_a_suggestion() -> None:
    design = pd.DataFrame({"variable": ["v5"]})
    with pytest.raises(ArgumentError, match="Did you mean variable"):
        SHOP.sdr(design, column="variables")


LONG = pd.DataFrame({"variable": ["v5", "v7"], "Report Suite": ["us", "de"]})
WIDE = pd.DataFrame({"variable": ["v5", "v7"], "rsid us": ["x", None], "rsid de": [None, "x"]})


@pytest.mark.parametrize("design", [LONG, WIDE])
def test_several_report_suites_require_a_choice(design: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match="2 report suites: .*report_suite="):
        SHOP.sdr(design)
    with pytest.raises(ArgumentError, match="no report suite 'uk'"):
        SHOP.sdr(design, report_suite="uk")


@pytest.mark.parametrize(("design", "suite"), [(LONG, "de"), (WIDE, "rsid de")])
def test_one_report_suite_can_be_chosen(design: pd.DataFrame, suite: str) -> None:
    chosen = verdicts(design, report_suite=suite)
    assert chosen == {"eVar5": "only tags", "eVar6": "only tags", "eVar7": "only design"}


def test_a_report_suite_requires_a_column_of_report_suites() -> None:
    with pytest.raises(ArgumentError, match="no column of report suites to find 'de' in"):
        SHOP.sdr(pd.DataFrame({"variable": ["v5"]}), report_suite="de")


@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n"])
def test_an_empty_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "empty.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ArgumentError, match=r"^empty\.csv is empty\.$"):
        SHOP.sdr(path)


@pytest.mark.parametrize("text", ["eVar\n5\n", 'Note|"eVar; hit"\n1|eVar5\n'])
def test_the_separator_of_a_file_is_that_of_its_header(tmp_path: Path, text: str) -> None:
    path = tmp_path / "design.csv"
    path.write_text(text)
    assert verdicts(path) == {"eVar5": "both", "eVar6": "only tags"}


@pytest.mark.parametrize(("separator", "encoding"), [(",", "utf-8-sig"), (";", "cp1252")])
def test_a_csv_file_of_any_country_is_read(tmp_path: Path, separator: str, encoding: str) -> None:
    path = tmp_path / "design.csv"
    lines = ["Variable,Name,Note", "v5,Größe,a", "v6,Farbe,b"]
    path.write_text("\n".join(lines).replace(",", separator), encoding=encoding)
    answer = SHOP.sdr(path)
    assert rows(answer, "design_name", "verdict") == [("Größe", "both"), ("Farbe", "both")]


def test_all_sheets_of_an_excel_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "design.xlsx"
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame({"Note": ["read me"]}).to_excel(writer, sheet_name="Cover", index=False)
        pd.DataFrame({"eVar": [5]}).to_excel(writer, sheet_name="eVars", index=False)
        pd.DataFrame({"prop": [3]}).to_excel(writer, sheet_name="props", index=False)
    assert verdicts(str(path)) == {"eVar5": "both", "eVar6": "only tags", "prop3": "only design"}


def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "design.xlsx"
    path.write_text("not a workbook")
    with pytest.raises(ArgumentError, match=r"design\.xlsx cannot be read"):
        SHOP.sdr(path)


# -- free variables


def test_what_is_set_read_or_designed_is_not_free() -> None:
    used = tags(("RC1", CODE_ACTION, code("s.eVar1 = s.eVar2; // s.eVar3 = 1;")))
    design = pd.DataFrame({"variable": ["v4"], "name": ["Coupon"]})
    answer = used.free_variables(design, limits={"eVar": 5})
    assert rows(answer, "variable", "free") == [
        ("eVar1", False),
        ("eVar2", False),
        ("eVar3", True),
        ("eVar4", False),
        ("eVar5", True),
    ]
    assert answer["reason"].tolist()[1].startswith("read by rule 'Rule'")
    assert answer["reason"].tolist()[3] == "in the design as 'Coupon'"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"family": "list"}, ["list1", "list2", "list3"]),
        (
            {"family": ["list", "prop"], "limits": {"prop": 2}},
            ["prop1", "prop2", "list1", "list2", "list3"],
        ),
        ({"family": "prop", "limits": {"eVar": 5, "prop": 1}}, ["prop1"]),
        ({"limits": {"prop": 1, "eVar": 2}}, ["eVar1", "eVar2", "prop1"]),
        ({"family": []}, []),
    ],
)
def test_families_are_chosen_and_sorted(arguments: Any, expected: list[str]) -> None:
    assert SHOP.free_variables(**arguments)["variable"].tolist() == expected


def test_without_a_family_or_limits_all_are_listed() -> None:
    assert len(SHOP.free_variables()) == 250 + 75 + 1000 + 3 + 5


@pytest.mark.parametrize(
    ("family", "message"),
    [
        ("eVa", "Unknown family 'eVa'. Did you mean eVar"),
        (["eVar", 5], "Unknown family 5"),
        (5, "must be a name such as 'eVar', or a list, got 5"),
    ],
)
def test_an_unknown_family_is_refused(family: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        SHOP.free_variables(family=family)


@pytest.mark.parametrize("family", ["eVar", "evar", "eVars", ["eVar"]])
def test_a_family_is_known_in_any_case_and_number(family: Any) -> None:
    expected = [f"eVar{number}" for number in range(1, 251)]
    assert SHOP.free_variables(family=family)["variable"].tolist() == expected
    if isinstance(family, str):
        pd.testing.assert_frame_equal(
            SHOP.free_variables(family), SHOP.free_variables(family=family)
        )


def test_a_family_that_code_sets_by_numbers_of_the_page_cannot_be_told() -> None:
    answer = coded("s['prop' + n] = 1;").free_variables(limits={"prop": 1, "eVar": 1})
    assert rows(answer, "variable", "free") == [("eVar1", True), ("prop1", None)]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"evvars": 5}, "Unknown family 'evvars'"),
        ({"eVar": "5"}, "must be a number"),
        ({"eVar": 251}, "250 eVars at most"),
        ([250], "must be a dict"),
    ],
)
def test_impossible_limits_are_refused(limits: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        SHOP.free_variables(limits=limits)


def test_missing_tables_would_make_variables_look_free() -> None:
    with pytest.raises(ArgumentError, match="requires the table"):
        Tags(rules=rules()).free_variables()
