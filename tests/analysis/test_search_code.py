"""``search_code``: every match in code and settings, as they are and not as JSON writes them."""

from typing import Any

import pytest

from adobe_nb import ArgumentError
from adobe_nb.analysis import Tags
from tests.support.tag_frames import (
    CODE_ACTION,
    CODE_ELEMENT,
    code_element,
    components,
    dtypes,
    elements,
    no_tags,
    rules,
    store,
)

COLUMNS = {
    "source_type": "string",
    "source_id": "string",
    "source_name": "string",
    "rule_id": "string",
    "rule_name": "string",
    "path": "string",
    "line": "Int64",
    "column": "Int64",
    "match": "string",
    "evidence": "string",
}


def places(tags: Tags, pattern: str, **options: Any) -> list[tuple[int, int]]:
    matches = tags.search_code(pattern, **options)
    return list(zip(matches["line"], matches["column"], strict=True))


def test_columns_are_the_same_with_no_match_one_and_many(reactor: Any) -> None:
    assert dtypes(no_tags().search_code("x")) == COLUMNS
    assert dtypes(code_element("return 1").search_code("return")) == COLUMNS
    tags = store(reactor)
    matches = tags.search_code("setItem('cid'")
    assert dtypes(matches) == COLUMNS
    assert matches["source_name"].tolist() == ["Remember campaign"]
    assert matches["rule_name"].tolist() == ["Campaign - Landing"]
    assert matches["path"].tolist() == ["source"]
    assert matches["evidence"][0].startswith("sessionStorage.setItem('cid', _satellite.getVar(")
    assert len(tags.search_code("%Page Name%", where="settings")) > 0


def test_a_text_that_is_there_in_another_case_is_a_limit() -> None:
    tags = code_element("return localStorage.a")
    hint = "'(?i)localstorage' with regex=True"
    assert hint in " ".join(tags.search_code("localstorage").attrs["limits"])
    assert len(tags.search_code("(?i)localstorage", regex=True)) == 1
    assert hint not in " ".join(tags.search_code("sessionStorage").attrs["limits"])


@pytest.mark.parametrize(
    ("pattern", "options", "sentence"),
    [
        ("go", {}, "1 piece of code was searched. Case counts:"),
        ("elsewhere", {}, "1 piece of code was searched. Case counts:"),
        ("go", {"where": "all"}, "1 value of settings or code was searched. Case counts:"),
        ("(?i)GO", {"regex": True}, "1 piece of code was searched."),
    ],
)
def test_says_how_much_was_searched_and_that_case_counts(
    pattern: str, options: dict[str, Any], sentence: str
) -> None:
    limits = code_element("go()").search_code(pattern, **options).attrs["limits"]
    [limit] = [limit for limit in limits if "searched." in limit]
    assert limit.startswith(sentence)
    assert ("Case counts" in limit) == ("Case counts" in sentence)


def test_escapes_of_json_are_searched_as_the_characters_that_they_stand_for() -> None:
    tags = Tags(
        data_elements=elements(
            ("DE1", "a", CODE_ELEMENT, '{"source": "return a \\u0026\\u0026 \\u003cb\\u003e"}')
        )
    )
    assert places(tags, "&& <b>") == [(1, 10)]
    assert places(tags, "u0026") == []


def test_every_match_has_its_line_and_column() -> None:
    tags = code_element("fetch(a);\n\n  fetch(b); fetch(c);\r\nfetch(d)")
    assert places(tags, "fetch(") == [(1, 1), (3, 3), (3, 13), (4, 1)]


def test_evidence_is_the_line_of_the_match_cut_to_200_characters() -> None:
    long = "x" * 5000 + "; s.eVar5 = find(); " + "y" * 5000
    matches = code_element(f"// first\n{long}\n// last").search_code("find()")
    [evidence] = matches["evidence"]
    assert len(evidence) == 200
    assert "; s.eVar5 = find(); " in evidence
    assert code_element("a\n  b = find();  \nc").search_code("find")["evidence"][0] == "b = find();"


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("fetch(a); // fetch(b)", 1),
        ("/* fetch(a)\n fetch(b) */ fetch(c)", 1),
        ("var s = '// fetch(a)';", 1),
        ("var s = `/* fetch(a) */`;", 1),
        ("var r = /[/*]/; fetch(a) /* fetch(b) */", 1),
        ("ü = 'ü\u2028'; // fetch(a)\u2028fetch(b)", 1),
        ("if (a { fetch(b) // fetch(c)", 1),
    ],
)
def test_matches_in_comments_can_be_left_out(code: str, count: int) -> None:
    tags = code_element(code)
    assert len(tags.search_code("fetch(", comments=False)) == count
    assert len(tags.search_code("fetch(")) == code.count("fetch(")


def test_comments_of_html_and_of_its_scripts_can_be_left_out() -> None:
    code = (
        "<!-- find <script>find</script> -->\n"
        "<p>find // find</p>\n"
        "<script>find(); // find\n</script>\n"
        '<script type=\'application/ld+json\'>{"a": "// find"}</script>\n'
        "<!-- find"
    )
    tags = Tags(
        rule_components=components(
            ("RC1", "RL1", CODE_ACTION, {"language": "html", "source": code})
        )
    )
    assert places(tags, "find", comments=False) == [(2, 4), (2, 12), (3, 9), (5, 46)]
    assert len(tags.search_code("find")) == 8


@pytest.mark.parametrize(
    ("attributes", "is_script"),
    [
        ("", True),
        (" type='module'", True),
        (' async type="text/JavaScript"', True),
        (' data-type="json" title="a>b"', True),
        (" type=text/template", False),
        (' TYPE = "application/json"', False),
    ],
)
def test_only_scripts_have_comments_of_javascript(attributes: str, is_script: bool) -> None:
    source = f"<script{attributes}>go(); // find\n</script>"
    action = ("RC1", "RL1", CODE_ACTION, {"language": "html", "source": source})
    tags = Tags(rule_components=components(action))
    assert len(tags.search_code("find", comments=False)) == (not is_script)


def test_large_and_badly_broken_code_is_searched() -> None:
    # A parser gives it one node with hundreds of thousands of children.
    code = "(" * 400_000 + "find // find\n" + "find /* find */"
    matches = code_element(code).search_code("find", comments=False)
    assert matches[["line", "column"]].values.tolist() == [[1, 400_001], [2, 1]]
    assert matches["evidence"].str.len().max() == 62


def test_code_of_five_megabytes_on_one_line_is_searched() -> None:
    code = "var a=1;" * 700_000
    matches = code_element(code + "find").search_code("find", comments=False)
    assert matches["column"].tolist() == [len(code) + 1]


def test_code_and_settings_are_searched_apart_or_together() -> None:
    tags = Tags(
        data_elements=elements(
            ("DE1", "a", CODE_ELEMENT, {"source": "return find"}),
            ("DE2", "b", "core::dataElements::cookie", {"name": "no\n find"}),
        )
    )
    assert tags.search_code("find")["source_id"].tolist() == ["DE1"]
    settings = tags.search_code("find", where="settings")
    assert settings["source_id"].tolist() == ["DE2"]
    assert settings["line"].isna().all()
    assert settings["column"].tolist() == [5]
    assert tags.search_code("find", where="all")["source_id"].tolist() == ["DE1", "DE2"]


def test_a_regular_expression_finds_lines_and_skips_empty_matches() -> None:
    tags = code_element("var a = 1;\nvar bb = 2;")
    assert places(tags, r"^var \w+", regex=True) == [(1, 1), (2, 1)]
    assert tags.search_code(r"b*", regex=True)["match"].tolist() == ["bb"]


def test_a_text_is_a_regular_expression_only_on_request() -> None:
    tags = code_element("a.b(c) + axb")
    assert tags.search_code("a.b")["match"].tolist() == ["a.b"]
    assert tags.search_code("a.b", regex=True)["match"].tolist() == ["a.b", "axb"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pattern": ""}, "Expected a text to search for"),
        ({"pattern": None}, "Expected a text to search for"),
        ({"pattern": "getVar(", "regex": True}, "leave out regex=True"),
        ({"pattern": "a", "where": "setting"}, "Did you mean settings"),
    ],
)
def test_invalid_arguments_are_refused_with_a_hint(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError) as error:
        no_tags().search_code(**arguments)
    assert message in str(error.value)


@pytest.mark.parametrize("settings", [None, "", "not json", "[]", "null", '["find"]', "17"])
def test_odd_settings_are_searched_as_far_as_they_can_be_read(settings: Any) -> None:
    tags = Tags(data_elements=elements(("DE1", "a", "core::dataElements::cookie", settings)))
    matches = tags.search_code("find", where="all")
    assert matches["path"].tolist() == (["[0]"] if settings == '["find"]' else [])
    unreadable = [text for text in matches.attrs["limits"] if "cannot be read" in text]
    assert bool(unreadable) == (settings == "not json")


def test_a_lone_surrogate_does_not_end_the_search() -> None:
    tags = Tags(
        data_elements=elements(("DE1", "a", CODE_ELEMENT, '{"source": "find(\'\\ud800\')"}'))
    )
    matches = tags.search_code("find('\ud800", comments=False)
    assert matches["match"].tolist() == ["find('\\ud800"]


def test_matches_in_several_properties_name_their_property_first() -> None:
    tags = Tags(
        rules=rules(("RL1", "a"), ("RL2", "b"), property_id=["PR2", "PR1"]),
        rule_components=components(
            ("RC1", "RL1", CODE_ACTION, {"source": "find", "language": "javascript"}),
            ("RC2", "RL2", CODE_ACTION, {"source": "find", "language": "javascript"}),
        ),
    )
    matches = tags.search_code("find")
    assert matches.columns[0] == "property_id"
    assert matches["property_id"].tolist() == ["PR1", "PR2"]


def test_evidence_and_match_pass_through_the_redaction() -> None:
    tags = Tags(
        data_elements=elements(("DE1", "a", CODE_ELEMENT, {"source": "key = 'secret'"})),
        redact=lambda text: text.replace("secret", "…"),
    )
    matches = tags.search_code("'secret'")
    assert matches["match"].tolist() == ["'…'"]
    assert matches["evidence"].tolist() == ["key = '…'"]


@pytest.mark.parametrize(("where", "is_limited"), [("code", False), ("settings", True)])
def test_keys_of_settings_are_not_searched_and_a_limit_says_so(
    where: Any, is_limited: bool
) -> None:
    settings = {"data": {"eVar5": "x"}}
    tags = Tags(data_elements=elements(("DE1", "a", "core::dataElements::constant", settings)))
    matches = tags.search_code("eVar5", where=where)
    assert matches.empty
    limited = any("not the keys of settings" in limit for limit in matches.attrs["limits"])
    assert limited == is_limited
