"""What scripts refer to: every form of a call, and what only looks like one."""

import pytest

from adobe_nb.analysis.code.javascript import shown
from adobe_nb.analysis.code.script_uses import uses_in


def uses(code: str, language: str = "javascript") -> list[tuple[str, str, str]]:
    found = uses_in(code, language).uses
    return [(use.kind, shown(use.name), use.certainty) for use in found]


@pytest.mark.parametrize(
    "code",
    [
        '_satellite.getVar("a")',
        "_satellite.getVar('a', event)",
        "_satellite.getVar(`a`)",
        'window._satellite.getVar("a")',
        'window["_satellite"].getVar("a")',
        '_satellite["getVar"]("a")',
        '_satellite?.getVar?.("a")',
        '(_satellite).getVar("a")',
        '(_satellite.getVar)("a")',
        '_satellite.getVar("\\x61")',
        '_satellite.getVar("\\u{61}")',
        '_satellite.getVar("" + "a")',
        '_satellite.getVar(("a"))',
        'if (_satellite && _satellite.getVar) { _satellite.getVar("a") }',
        'x = typeof _satellite.getVar === "function" ? _satellite.getVar("a") : 0',
        'var été = "ü😀", v = _satellite.getVar("a");',
        'return _satellite.getVar("a");',
        'const f = async () => { await g(_satellite.getVar("a")) }',
    ],
)
def test_a_call_with_a_literal_name_is_certain(code: str) -> None:
    assert uses(code) == [("getVar", "a", "certain")]


@pytest.mark.parametrize(
    ("code", "certainty"),
    [
        ('// _satellite.getVar("a")', "commented"),
        ('/* x\n_satellite.getVar("a") */', "commented"),
        ("var help = 'call _satellite.getVar(\"a\")'", "possible"),
        ('var g = _satellite.getVar; g("a")', "possible"),
        ('var g = _satellite.getVar.bind(_satellite); g("a")', "possible"),
        ('const {getVar: g} = _satellite; g("a")', "possible"),
        ('const {getVar} = _satellite; getVar("a")', "possible"),
        ('_satellite.getVar.call(_satellite, "a")', "possible"),
        ('_satellite.getVar.apply(_satellite, ["a"])', "possible"),
        ('(function (s) { return s.getVar("a") })(_satellite)', "possible"),
    ],
)
def test_a_call_in_a_comment_a_string_or_by_another_name(code: str, certainty: str) -> None:
    assert uses(code) == [("getVar", "a", certainty)]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ('_satellite.getVar("page." + key)', "page.*"),
        ("_satellite.getVar(`page.${key}.name`)", "page.*.name"),
        ('_satellite.getVar(key + ".name")', "*.name"),
        ("_satellite.getVar(key)", "*"),
        ("names.map(_satellite.getVar)", "*"),
        ("_satellite.getVar(...names)", "*"),
        ("for (var n in _satellite._container.dataElements) f(n)", "*"),
    ],
)
def test_a_name_that_is_put_together_is_dynamic(code: str, name: str) -> None:
    assert uses(code) == [("getVar", name, "dynamic")]


def test_both_ends_of_a_choice_are_read() -> None:
    expected = [("getVar", "a", "certain"), ("getVar", "b", "certain")]
    assert uses('_satellite.getVar(test ? "a" : "b")') == expected


def test_strings_beside_a_name_that_is_not_known_are_possible() -> None:
    found = uses('var names = ["a", "b"]; _satellite.getVar(names[i])')
    assert found == [
        ("getVar", "a", "possible"),
        ("getVar", "b", "possible"),
        ("getVar", "*", "dynamic"),
    ]


@pytest.mark.parametrize(
    "code",
    [
        "analytics.track('a')",
        "store.setVar('a', 1)",
        "var tracker = 'getVariable'",
        "typeof _satellite.getVar",
        "if (_satellite.getVar) { f() }",
        "function getVar(name) { return 1 }",
        "list.push('a')",
        "",
    ],
)
def test_other_code_refers_to_nothing(code: str) -> None:
    assert uses(code) == []


def test_what_sets_and_fires() -> None:
    assert uses('_satellite.setVar("a", 1)') == [("setVar", "a", "certain")]
    found = uses('_satellite.setVar({a: 1, "b": 2, [c]: 3, d})')
    assert {name for _, name, _ in found} == {"a", "b", "*", "d"}
    assert uses('_satellite.track(" a ")') == [("track", " a ", "certain")]
    assert uses('e.dispatchEvent(new CustomEvent("a"))') == [("custom-event", "a", "possible")]
    assert uses('e.dispatchEvent(new window.Event("a"))') == [("custom-event", "a", "possible")]
    pushed = uses('window.adobeDataLayer.push({"event": "a", x: 1})')
    assert pushed == [("data-layer-push", "a", "possible")]


def test_the_stored_value_of_a_data_element() -> None:
    prefix = "com.adobe.reactor.dataElements."
    assert uses(f'localStorage["{prefix}a"]') == [("stored-value", "a", "certain")]
    assert uses(f'f("{prefix}" + "a")') == [("stored-value", "a", "certain")]
    assert uses(f'f("{prefix}" + key)') == [("stored-value", "*", "dynamic")]


def test_html_has_scripts_event_handlers_and_comments() -> None:
    html = """\
<!-- _satellite.getVar("in a comment") -->
<script type="application/json">{"a": "_satellite.getVar('b')"}</script>
<script>
  var text = "</p>";
  _satellite.getVar("in a script");
</script>
<a onclick="_satellite.track(&quot;handler&quot;)" href="javascript:_satellite.track('link')">x</a>
<script>_satellite.getVar("without an end")"""
    found = {(use.literal, use.certainty, use.line) for use in uses_in(html, "html").uses}
    assert found == {
        ("in a comment", "commented", 1),
        ("in a script", "certain", 5),
        ("handler", "certain", 7),
        ("link", "certain", 7),
        ("without an end", "certain", 8),
    }


def test_broken_code_gives_what_can_be_read() -> None:
    found = uses_in('if (x { _satellite.getVar("a"); }\n}} _satellite.getVar("b")', "javascript")
    assert found.is_broken
    assert {"a", "b"} <= {use.literal for use in found.uses}


@pytest.mark.parametrize(
    "code",
    [
        "_satellite.getVar(" + "(" * 5_000 + '"a"' + ")" * 5_000 + ")",
        "_satellite.getVar(" + '"a" + ' * 5_000 + '"b")',
        "_satellite.getVar(" + "x ? 'a' : " * 5_000 + "'b')",
        "[" * 20_000 + "_satellite",
        "_satellite.getVar('\ud83d')",
        "\ud83d\x00\ufeff _satellite.getVar('a')",
        "_satellite.getVar(" * 2_000,
    ],
    ids=["parentheses", "sum", "choices", "brackets", "surrogate", "controls", "calls"],
)
def test_odd_code_raises_nothing(code: str) -> None:
    uses_in(code, "javascript")
    uses_in(f"<script>{code}</script>", "html")


def test_a_name_with_half_a_surrogate_pair_is_kept() -> None:
    assert uses("_satellite.getVar('x\ud83d')") == [("getVar", "x\ud83d", "certain")]
