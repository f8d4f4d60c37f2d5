"""``duplicates``: the same definition, the same name, the same place that is read."""

from typing import Any

import pandas as pd
import pytest

from adobe_nb import ArgumentError
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
    store,
)

COLUMNS = {
    "group": "Int64",
    "type": "string",
    "id": "string",
    "name": "string",
    "property_id": "string",
    "same_settings": "boolean",
    "differs_in": "string",
    "used_by": "Int64",
}
VARIABLE = "core::dataElements::javascript-variable"
COOKIE = "core::dataElements::cookie"
CONSTANT = "core::dataElements::constant"
LOADED = "core::events::library-loaded"
ALL = ("data_elements", "rules", "extensions", "rule_components")


def groups(tags: Tags, what: Any = "data_elements", **options: Any) -> list[list[str]]:
    """The ids of each group, in order."""
    frame = tags.duplicates(what, **options)
    return [ids.tolist() for _, ids in frame.groupby("group")["id"]]


def code_elements(*codes: str) -> Tags:
    rows = [
        (f"DE{number}", f"{number}", CODE_ELEMENT, {"source": code})
        for number, code in enumerate(codes)
    ]
    return Tags(data_elements=elements(*rows))


@pytest.mark.parametrize("what", ALL)
@pytest.mark.parametrize("by", ["definition", "name"])
def test_columns_are_the_same_without_duplicates_and_in_a_property(
    what: Any, by: Any, reactor: Any
) -> None:
    assert dtypes(no_tags().duplicates(what, by=by)) == COLUMNS
    one = Tags(
        rules=rules(("RL1", "a")),
        rule_components=components(("RC1", "RL1", CODE_ACTION, {})),
        data_elements=elements(("DE1", "a", VARIABLE, {"path": "a"})),
        extensions=extensions(("EX1", "core", None, None)),
    )
    assert dtypes(one.duplicates(what, by=by)) == COLUMNS
    assert len(one.duplicates(what, by=by)) == 0
    assert dtypes(store(reactor).duplicates(what, by=by)) == COLUMNS


def test_the_components_of_a_store_repeat_themselves(reactor: Any) -> None:
    tags = store(reactor)
    duplicates = tags.duplicates("rule_components")
    loaded = tags.frames["rule_components"]["delegate_descriptor_id"] == LOADED
    assert loaded.sum() > 1
    groups_of_loaded = duplicates[
        duplicates["id"].isin(tags.frames["rule_components"][loaded]["id"])
    ]
    assert groups_of_loaded["group"].nunique() == 1
    assert len(groups_of_loaded) == loaded.sum()
    assert duplicates["same_settings"].all()


def test_order_of_members_and_kind_of_number_do_not_matter() -> None:
    tags = Tags(
        data_elements=elements(
            ("DE1", "a", COOKIE, '{"name": "x", "n": 50, "deep": {"a": [1, {}], "b": null}}'),
            ("DE2", "b", COOKIE, '{"deep": {"b": null, "a": [1.0, {}]}, "n": 50.0, "name": "x"}'),
            ("DE3", "c", COOKIE, '{"name": "x", "n": "50", "deep": {"a": [1, {}], "b": null}}'),
            ("DE4", "d", COOKIE, '{"name": "x", "n": 50, "deep": {"a": [{}, 1], "b": null}}'),
            ("DE5", "e", COOKIE, '{"name": "x", "n": true, "deep": {"a": [1, []], "b": null}}'),
        )
    )
    assert groups(tags) == [["DE1", "DE2"]]


def test_the_delegate_is_part_of_a_definition() -> None:
    storage = "core::dataElements::local-storage"
    tags = Tags(
        data_elements=elements(
            ("DE1", "a", COOKIE, {"name": "x"}), ("DE2", "b", storage, {"name": "x"})
        )
    )
    assert groups(tags) == []
    assert groups(tags, by="path") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("return 1;", "  return 1; // one"),
        ("/* why */ a = b + c;\ngo( a );", "a=b+c;go(a);"),
        ("return 'a' + x", "return 'a'+x"),
        ("if (a) {\r\n  go();\r\n}", "if (a) { go(); }"),
        ("f(`a ${b + 'c'} d`)", "f( `a ${b + 'c'} d` )"),
    ],
)
def test_comments_and_blank_space_of_code_do_not_matter(one: str, other: str) -> None:
    assert groups(code_elements(one, other)) == [["DE0", "DE1"]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("return 'a b'", "return 'ab'"),
        ("return '// a'", "return '// b'"),
        ("return `a  b`", "return `a b`"),
        ("return / a/.test(x)", "return /a/.test(x)"),
        ("return\nx", "return x"),
        ("return /* why\n */ x", "return /* why */ x"),
        ("return\n(x)", "return (x)"),
        ("return `a ${'b'}  c`", "return `a ${'b'} c`"),
        ("a + +b", "a ++b"),
        ("a\nb", "a b"),
        ("var ab", "varab"),
    ],
)
def test_blank_space_that_has_a_meaning_does_matter(one: str, other: str) -> None:
    assert groups(code_elements(one, other)) == []


def test_html_is_compared_without_its_comments() -> None:
    def action(number: int, source: str) -> tuple[str, str, str, Any]:
        return (f"RC{number}", "RL1", CODE_ACTION, {"language": "html", "source": source})

    tags = Tags(
        rule_components=components(
            action(1, "<p>a  b</p>\n<script>go( 1 ); // why\n</script>"),
            action(2, "<!-- new --><p>a b</p>\n\n<script>go(1);</script>"),
            action(3, "<p>ab</p>\n<script>go(1);</script>"),
            action(4, "<script type='text/template'>http://a</script>"),
            action(5, "<script type='text/template'>http://b</script>"),
        )
    )
    assert groups(tags, "rule_components") == [["RC1", "RC2"]]


def test_what_the_build_removes_does_not_matter() -> None:
    variable = "adobe-alloy::dataElements::variable"
    tags = Tags(
        data_elements=elements(
            ("DE1", "a", variable, {"cacheId": "1", "schema": {"id": "x", "version": 1}}),
            ("DE2", "b", variable, {"cacheId": "1", "sandbox": {"name": "prod"}}),
            ("DE3", "c", variable, {"cacheId": "2"}),
        )
    )
    assert groups(tags) == [["DE1", "DE2"]]


def test_constants_are_duplicates_only_on_request() -> None:
    tags = Tags(
        data_elements=elements(
            ("DE1", "a", CONSTANT, {"value": "1"}), ("DE2", "A", CONSTANT, {"value": "1"})
        )
    )
    assert groups(tags) == []
    assert groups(tags, constants=True) == [["DE2", "DE1"]]
    assert groups(tags, by="name") == [["DE2", "DE1"]]


def test_names_are_compared_without_case_and_blanks() -> None:
    names = ["Page Name", "page name", " Page  Name\u00a0", "pageName", "Page.Name", "Straße"]
    rows = [
        (f"DE{number}", name, COOKIE, {"name": str(number)}) for number, name in enumerate(names)
    ]
    duplicates = Tags(data_elements=elements(*rows)).duplicates(by="name")
    assert set(duplicates["id"]) == {"DE0", "DE1", "DE2", "DE3"}
    assert duplicates["same_settings"].tolist() == [True, False, False, False]
    assert duplicates["differs_in"].fillna("").tolist() == ["", *["name, settings.name"] * 3]


def test_elements_that_read_the_same_place_are_found_by_path() -> None:
    tags = Tags(
        data_elements=elements(
            ("DE1", "a", VARIABLE, {"path": "digitalData.page"}),
            ("DE2", "b", VARIABLE, {"path": "window.digitalData.page "}),
            ("DE3", "c", COOKIE, {"name": "visitor"}),
            ("DE4", "d", COOKIE, {"name": "visitor", "caseInsensitive": True}),
            ("DE5", "e", COOKIE, {"name": "Visitor"}),
            ("DE6", "f", COOKIE, {}),
            ("DE7", "g", COOKIE, None),
            ("DE8", "h", COOKIE, {"name": 7, "path": ""}),
        )
    )
    duplicates = tags.duplicates(by="path")
    assert duplicates["id"].tolist() == ["DE1", "DE2", "DE3", "DE4"]
    assert duplicates["group"].tolist() == [1, 1, 2, 2]
    assert duplicates["differs_in"].tolist()[3] == "name, settings.caseInsensitive"


def test_other_columns_in_which_duplicates_differ_are_named() -> None:
    tags = Tags(
        data_elements=elements(
            ("DE1", "a", COOKIE, {"name": "x"}),
            ("DE2", "a", COOKIE, {"name": "x"}),
            default_value=pd.Series([None, "0"], dtype="string"),
            clean_text=pd.Series([False, None], dtype="boolean"),
            storage_duration=["session", "visitor"],
        )
    )
    duplicates = tags.duplicates()
    assert duplicates["same_settings"].all()
    assert duplicates["differs_in"].fillna("").tolist() == ["", "default_value, storage_duration"]


def test_rules_with_the_same_components_in_any_order_are_duplicates() -> None:
    click, condition = "core::events::click", "core::conditions::domain"
    tags = Tags(
        rules=rules(*((f"RL{number}", f"{number}") for number in range(1, 7))),
        rule_components=components(
            ("RC1", "RL1", click, {"elementSelector": "a"}),
            ("RC2", "RL1", CODE_ACTION, {"source": "go()", "language": "javascript"}),
            ("RC3", "RL2", CODE_ACTION, {"language": "javascript", "source": "go( ) // now"}),
            ("RC4", "RL2", click, {"elementSelector": "a"}),
            # One action more.
            ("RC5", "RL3", click, {"elementSelector": "a"}),
            ("RC6", "RL3", CODE_ACTION, {"source": "go()", "language": "javascript"}),
            ("RC7", "RL3", CODE_ACTION, {"source": "go()", "language": "javascript"}),
            # The second is the exception of the first. Rules 6 and others have no components.
            ("RC8", "RL4", condition, {"domains": ["a"]}),
            ("RC9", "RL5", condition, {"domains": ["a"]}),
            negate=pd.Series([None] * 7 + [False, True], dtype="boolean"),
        ),
    )
    assert groups(tags, "rules") == [["RL1", "RL2"]]
    duplicates = tags.duplicates("rules")
    assert duplicates["differs_in"].fillna("").tolist() == ["", "name"]
    by_name = Tags(
        rules=rules(("RL1", "a"), ("RL2", "a")), rule_components=tags.frames["rule_components"][:1]
    ).duplicates("rules", by="name")
    assert by_name["same_settings"].tolist() == [True, False]
    assert by_name["differs_in"].tolist()[1] == "rule_components"


def test_rules_without_components_are_compared_by_name_only() -> None:
    tags = Tags(rules=rules(("RL1", "a"), ("RL2", "A")), rule_components=components())
    assert groups(tags, "rules") == []
    assert groups(tags, "rules", by="name") == [["RL2", "RL1"]]


def test_extensions_of_several_properties_say_how_often_they_are_used() -> None:
    tags = Tags(
        extensions=extensions(
            ("EX1", "core", None, None),
            ("EX2", "core", None, "{}"),
            ("EX3", "adobe-alloy", None, {"instances": [{"sandbox": "x"}]}),
            property_id=["PR1", "PR2", "PR2"],
        ),
        data_elements=elements(
            ("DE1", "a", COOKIE, {"name": "x"}),
            ("DE2", "b", COOKIE, {"name": "y"}),
            property_id=["PR2", "PR2"],
        ),
    )
    duplicates = tags.duplicates("extensions")
    assert list(duplicates) == [
        "property_id",
        "property_name",
        *(name for name in COLUMNS if name != "property_id"),
    ]
    assert duplicates[["group", "property_id", "id", "used_by"]].values.tolist() == [
        [1, "PR1", "EX1", 0],
        [1, "PR2", "EX2", 2],
    ]


def test_copies_in_another_property_refer_to_the_element_of_the_same_name() -> None:
    update = "adobe-alloy::actions::update-variable"
    tags = Tags(
        data_elements=elements(
            ("DE1", "XDM", COOKIE, {"name": "a"}),
            ("DE2", "XDM", COOKIE, {"name": "b"}),
            property_id=["PR1", "PR2"],
        ),
        rule_components=components(
            ("RC1", "RL1", update, {"dataElementId": "DE1"}),
            ("RC2", "RL2", update, {"dataElementId": "DE2"}),
            ("RC3", "RL2", update, {"dataElementId": "DE3"}),
            property_id=["PR1", "PR2", "PR2"],
        ),
    )
    assert groups(tags, "rule_components") == [["RC1", "RC2"]]


def test_duplicates_in_several_properties_stand_together(reactor: Any) -> None:
    stores = reactor.properties(filter={"name": "CONTAINS Web Store"})
    tags = Tags(data_elements=reactor.data_elements(stores))
    duplicates = tags.duplicates()
    assert duplicates["group"].is_monotonic_increasing
    assert (duplicates.groupby("group")["property_id"].nunique() == 2).any()
    assert (duplicates.groupby("group").size() > 1).all()


@pytest.mark.parametrize("settings", ["not json", "[", '{"a": 1'])
def test_settings_that_cannot_be_read_are_compared_as_they_are(settings: str) -> None:
    tags = Tags(
        data_elements=elements(
            ("DE1", "a", COOKIE, settings),
            ("DE2", "b", COOKIE, settings),
            ("DE3", "c", COOKIE, settings + " "),
            ("DE4", "d", COOKIE, None),
        )
    )
    assert groups(tags) == [["DE1", "DE2"]]


def test_odd_settings_and_names_are_compared() -> None:
    odd = [
        "[]",
        "[1]",
        "null",
        "17",
        '"x"',
        '{"a": "\\ud800"}',
        '{"a": {}}',
        '{"dataElementId": {}}',
    ]
    rows = [
        (f"DE{number}{half}", f"{number} % \"' . {'x' * 300}", COOKIE, settings)
        for number, settings in enumerate(odd)
        for half in "ab"
    ]
    tags = Tags(data_elements=elements(*rows))
    # No settings at all are the same as empty ones.
    assert sorted(map(len, groups(tags))) == [2, 2, 2, 2, 2, 2, 4]
    assert len(groups(tags, by="name")) == len(odd)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rule",), "Did you mean rules"),
        ((["rules", "x"],), "Unknown type 'x'"),
        (("rules", "path"), "use by='definition' or by='name'"),
        (("rules", "names"), "Did you mean name"),
    ],
)
def test_invalid_arguments_are_refused(arguments: tuple[str, ...], message: str) -> None:
    what, *by = arguments
    with pytest.raises(ArgumentError) as error:
        no_tags().duplicates(what, **dict(zip(["by"], by, strict=False)))  # type: ignore[arg-type]
    assert message in str(error.value)


@pytest.mark.parametrize("what", ALL)
def test_a_missing_table_is_named(what: Any) -> None:
    with pytest.raises(ArgumentError) as error:
        Tags().duplicates(what)
    assert f"duplicates() requires the table {what!r}" in str(error.value)


def test_several_types_have_groups_that_go_on(reactor: Any) -> None:
    tags = store(reactor)
    together = tags.duplicates("all", by="name")
    parts = [tags.duplicates(name, by="name") for name in ("data_elements", "rules", "extensions")]
    assert together["group"].nunique() == sum(part["group"].nunique() for part in parts)
    assert together["id"].tolist() == pd.concat(parts)["id"].tolist()


def test_rules_require_their_components() -> None:
    with pytest.raises(ArgumentError) as error:
        Tags(rules=rules(("RL1", "a"))).duplicates("rules")
    assert "requires the table 'rule_components'" in str(error.value)
