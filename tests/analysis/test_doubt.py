"""Nothing that code may read is called unused, however the code is written."""

import threading
from typing import Any

import pandas as pd
import pytest

from adobe_nb.analysis import Tags
from adobe_nb.errors import ArgumentError
from tests.support.tag_frames import CODE_ACTION, components, elements, extensions, rules

CONSTANT = "core::dataElements::constant"
JAVASCRIPT = {
    "alias behind a test": 'var g = window._satellite && _satellite.getVar; g("x")',
    "alias in parentheses": 'var g = (_satellite.getVar); g("x")',
    "alias of an alias": 'var g = _satellite.getVar; var h = g; h("x")',
    "alias handed on": 'var g = _satellite.getVar; ["x"].map(g)',
    "alias called": 'var g = _satellite.getVar; g.call(_satellite, "x")',
    "bound with a name": 'var g = _satellite.getVar.bind(_satellite, "x"); g()',
    "method of an alias": 'var s = _satellite; ["x"].map(s.getVar)',
    "last of a sequence": 'var s = _satellite; (0, s.getVar)("x")',
    "member of an object": 'var s = _satellite; var o = {gv: s.getVar}; o.gv("x")',
    "member of a class": 'const s = _satellite; class A { gv = s.getVar; m() { this.gv("x") } }',
    "returned": 'const s = _satellite; const g = () => s.getVar; g()("x")',
    "method put together": '_satellite["get" + "Var"]("x")',
    "method in a variable": 'var m = "getVar"; _satellite[m]("x")',
    "method with an escape": '_satellite.get\\u0056ar("x")',
    "by reflection": 'Reflect.get(_satellite, "getVar")("x")',
    "renamed with a default": 'const {getVar: read = f} = _satellite; read("x")',
    "renamed by a string": 'const {"getVar": read} = _satellite; read("x")',
    "the list of the engine": "const {_container: c} = _satellite; Object.keys(c).forEach(f)",
    "text of a script": 'document.write("<script>_satellite.getVar(\\"x\\")<\\/script>")',
    "text of a function": 'new Function("n", "return _satellite.getVar(n)")("x")',
    "text put together": 'var h = "_satellite.getVar(" + "\'x\')"; eval(h)',
    "sums of many choices": '_satellite.getVar((a?"p":"q")+(a?"p":"q")+(a?"p":"q")+(a?"p":"q")'
    '+(a?"p":"q")+(a?"p":"q")+(a?"":"x"))',
    "broken": 'var s = _satellite; if (a) { s.getVar("x" ',
    "key of the storage": 'var P = "com.adobe.reactor.dataElements."; localStorage[P + "x"]',
}
HTML = {
    "blocked until consent": '<script type="text/plain">_satellite.getVar("x")</script>',
    "first of two types": '<script type=text/javascript type=text/plain>_satellite.getVar("x")'
    "</script>",
    "closed in itself": '<script/>_satellite.getVar("x")</script>',
    "page in an attribute": "<iframe srcdoc=\"<script>_satellite.getVar('x')</script>\">",
    "handler of a framework": "<a @click=\"_satellite.getVar('x')\">",
    "address": "<a href=\"java&#9;script:_satellite.getVar('x')\">",
    "alias in another script": '<script>var g = _satellite.getVar</script><script>g("x")</script>',
    "alias in a handler": "<script>var g = _satellite.getVar</script><a onclick=\"g('x')\">",
    "empty comment": '<!--><script>_satellite.getVar("x")</script>',
    "odd declaration": '<![foo x><script>_satellite.getVar("x")</script>',
    "text of the page": '_satellite.getVar("x")',
}


def tags(settings: Any, delegate: str = CODE_ACTION, **frames: pd.DataFrame) -> Tags:
    """A rule with one action, and a data element called x."""
    return Tags(
        rules=rules(("RL1", "Rule")),
        rule_components=components(("RC1", "RL1", delegate, settings)),
        data_elements=elements(("DE1", "x", CONSTANT, {})),
        extensions=extensions(("EX1", "core", None, None)),
        **frames,
    )


def verdict(site: Tags) -> str:
    return str(site.unused(all=True).set_index("name").loc["x", "verdict"])


@pytest.mark.parametrize("code", JAVASCRIPT.values(), ids=JAVASCRIPT)
def test_no_script_that_may_read_an_element_leaves_it_unused(code: str) -> None:
    site = tags({"language": "javascript", "source": code})
    assert verdict(site) in ("used", "possibly used", "cannot tell")


@pytest.mark.parametrize("code", HTML.values(), ids=HTML)
def test_no_page_that_may_read_an_element_leaves_it_unused(code: str) -> None:
    site = tags({"language": "html", "source": code})
    assert verdict(site) in ("used", "possibly used", "cannot tell")


def test_numbers_are_added_and_texts_are_joined() -> None:
    code = (
        'for (i = 0; i < 9; i++) { _satellite.getVar("x" + (i + 1)); _satellite.getVar("y" + 2) }'
    )
    site = tags({"language": "javascript", "source": code})
    names = site.references()
    names = names[names["kind"] == "getVar"]["name"].tolist()
    assert sorted(names) == ["x", "x*", "y2"]


@pytest.mark.parametrize(
    "settings",
    [
        '{"value": "%x%"',
        '{"source": "_satellite.getVar(\\"x\\")"',
        "[" * 5_000 + '"%x%"' + "]" * 5_000,
        b'{"value": "%x%"}',
    ],
    ids=["token", "code", "nesting", "bytes"],
)
def test_settings_that_cannot_be_read_may_hold_a_use(settings: Any) -> None:
    frames = tags({}).frames
    frames["rule_components"] = frames["rule_components"].astype("object")
    frames["rule_components"].loc[0, "settings"] = settings
    assert verdict(Tags(**frames)) in ("used", "possibly used", "cannot tell")


@pytest.mark.parametrize("package", [{}, {"actions": None}, {"actions": "[5]"}, {"actions": "no"}])
def test_a_package_that_lacks_its_delegates_says_nothing(package: dict[str, Any]) -> None:
    row = {"id": ["EP1"], "name": ["core"], **{key: [value] for key, value in package.items()}}
    site = tags({"language": "javascript", "source": "_satellite.getVar('x')"})
    frames = site.frames
    frames["extensions"]["extension_package_id"] = "EP1"
    assert verdict(Tags(**frames, extension_packages=pd.DataFrame(row))) == "used"


@pytest.mark.parametrize("path", [5, None, ["source"], {"a": 1}])
def test_odd_transforms_of_a_package_raise_nothing(path: Any) -> None:
    actions = [{"name": "custom-code", "transforms": [{"type": "x", "propertyPath": path}, 5]}]
    row = pd.DataFrame({"id": ["EP1"], "name": ["core"], "actions": [pd.Series(actions).to_json()]})
    frames = tags({"source": "_satellite.getVar('x')"}).frames
    frames["extensions"]["extension_package_id"] = "EP1"
    assert len(Tags(**frames, extension_packages=row).references()) > 0


def test_the_name_of_an_element_in_another_extension_may_be_a_use() -> None:
    assert verdict(tags({"dataElements": ["x"]}, "acme::actions::send")) == "possibly used"
    assert verdict(tags({"name": "x"}, "core::conditions::variable")) == "unused"


def test_one_property_is_that_of_all_rows() -> None:
    site = tags({"value": "%x%"}, "acme::actions::send")
    frames = site.frames
    frames["data_elements"]["property_id"] = "PR1"
    assert verdict(Tags(**frames)) == "used"
    frames["data_elements"] = pd.concat(
        [frames["data_elements"], frames["data_elements"].assign(id="DE2", property_id="PR2")]
    )
    with pytest.raises(ArgumentError, match="has rows without property_id"):
        Tags(**frames)


@pytest.mark.parametrize("value", [0, "False", "false"])
def test_a_switch_is_off_in_any_spelling(value: Any) -> None:
    frames = tags({"value": "%x%"}, "acme::actions::send").frames
    frames["rules"] = frames["rules"].astype("object").assign(enabled=[value])
    assert verdict(Tags(**frames)) == "used by disabled rules only"


@pytest.mark.parametrize("columns", [["id", "id"], pd.MultiIndex.from_tuples([("id", "a")])])
def test_columns_must_have_one_name_each(columns: Any) -> None:
    frame = pd.DataFrame([["RL1"] * len(columns)], columns=columns)
    with pytest.raises(ArgumentError, match="several columns of one name"):
        Tags(rules=frame)


def test_threads_get_the_same_answer() -> None:
    texts = [(f"RC{at}", "RL1", "acme::actions::send", {"a": f"%e{at}%"}) for at in range(300)]
    names = [(f"DE{at}", f"e{at}", CONSTANT, {}) for at in range(300)]
    for _ in range(5):
        site = Tags(
            rules=rules(("RL1", "Rule")),
            rule_components=components(*texts),
            data_elements=elements(*names),
            extensions=extensions(),
        )
        answers: list[int] = []
        threads = [
            threading.Thread(target=lambda: answers.append(len(site.unused())))  # noqa: B023
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [0] * 4


def test_impact_has_every_reference_of_a_source() -> None:
    site = Tags(
        rules=rules(),
        rule_components=components(),
        data_elements=elements(
            ("DE1", "a", CONSTANT, {}),
            ("DE2", "b", CONSTANT, {"v": "%a%"}),
            ("DE3", "c", CONSTANT, {"v": ["%a%", "%b%"]}),
        ),
        extensions=extensions(),
    )
    rows = site.impact("a")[["level", "source_name", "path"]].to_numpy().tolist()
    assert rows == [[1, "b", "v"], [1, "c", "v[0]"], [2, "c", "v[1]"]]


@pytest.mark.parametrize(
    "text", ["50%-60%", "%d/%m/%Y", "10%/20%", "5%, 10%", "u=a%3Db%26c%3Dd", "a%b,c%d"]
)
def test_other_percent_signs_are_not_broken_references(text: str) -> None:
    assert tags({"value": text}, "acme::actions::send").dangling().empty


@pytest.mark.parametrize(
    "code",
    [
        "<" * 300_000 + "getVar",
        "getVar" + "<script" * 20_000,
        "getVar" + "<!--" * 20_000,
        "{" * 300_000 + "getVar",
        "%" * 100_000,
        '="' * 50_000 + "getVar",
        "var a0 = _satellite.getVar;" + "".join(f"var a{i + 1} = a{i};" for i in range(8_000)),
    ],
    ids=["tags", "scripts", "comments", "braces", "percents", "attributes", "aliases"],
)
def test_hostile_text_is_read_in_linear_time(code: str) -> None:
    for language in ("javascript", "html"):
        site = tags({"language": language, "source": code})
        site.references()
        site.dangling(all=True)
