"""Search in the simulator: what matches, in what order, and what it refuses."""

import json
from typing import Any

import pytest

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.accounts import ORG_ID
from adobe_nb.simulator.problems import Problem
from adobe_nb.simulator.search import SEARCHABLE, search
from adobe_nb.simulator.seed import Bulk, seeded
from adobe_nb.simulator.store import render

Document = dict[str, Any]

CATALOGUE = {
    "audit_events",
    "builds",
    "callbacks",
    "data_elements",
    "environments",
    "extension_packages",
    "extensions",
    "hosts",
    "libraries",
    "notes",
    "properties",
    "rule_components",
    "rules",
}
PROPERTY = "PR" + "0" * 32


def component(number: int, **attributes: object) -> Document:
    return {
        "id": f"RC{number:032x}",
        "type": "rule_components",
        "attributes": {
            "created_at": f"2026-01-{number:02}T09:00:00.000Z",
            "deleted_at": None,
            "revision_number": 0,
            "name": "Set Variables",
            "delegate_descriptor_id": "adobe-analytics::actions::set-variables",
            "settings": json.dumps({"eVars": [{"name": "eVar7", "value": "%Login Status%"}]}),
            "order": number,
            "rule_order": 50.0,
            "negate": False,
            **attributes,
        },
        "relationships": {
            "property": {
                "links": {"related": "https://x.example"},
                "data": {"id": PROPERTY, "type": "properties"},
            },
            "updated_with_extension": {"links": {"related": "https://x.example"}, "data": None},
        },
        "links": {"self": "https://x.example"},
        "meta": {"latest_revision_number": 3},
    }


ONE = component(1)
PACKAGE = {
    "id": "EP" + "1" * 32,
    "type": "extension_packages",
    "attributes": {
        "created_at": "2026-01-09T09:00:00.000Z",
        "name": "adobe-analytics",
        "display_name": "Adobe Analytics",
        "author": {"name": "Adobe", "email": "tags@adobe.example"},
        "actions": [{"displayName": "Clear Variables"}, {"displayName": "Send Beacon"}],
    },
    "relationships": {},
    "links": {},
    "meta": {},
}


def ids(documents: list[Document], query: object, **more: object) -> list[str]:
    found, _ = search(documents, {"data": {"query": query, **more}})
    return [document["id"] for document in found]


def matches(document: Document, path: str, **condition: object) -> bool:
    return ids([document], {path: condition}) == [document["id"]]


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("attributes.settings", "evar7", True),
        ("attributes.settings", "LOGIN", True),
        ("attributes.settings", "evar8", False),
        ("attributes.name", "Set Variables", True),
        ("attributes.name", "set variables", False),
        ("attributes.name", "Set", False),
        ("attributes.delegate_descriptor_id", "adobe-analytics::actions::set-variables", True),
        ("attributes.delegate_descriptor_id", "set-variables", True),
        ("attributes.delegate_descriptor_id", "variables", False),
        ("attributes.delegate_descriptor_id", "Set-Variables", False),
        ("id", ONE["id"], True),
        ("id", ONE["id"][:10], False),
        ("type", "rule_components", True),
        ("type", "Rule_components", False),
        ("relationships.property.data.id", PROPERTY, True),
        ("relationships.property.data.id", PROPERTY.lower(), False),
        ("attributes.order", "1", True),
        ("attributes.order", 1, True),
        ("attributes.order", "one", False),
        ("attributes.rule_order", 50, True),
        ("attributes.rule_order", "50.0", True),
        ("attributes.rule_order", "5", False),
        ("attributes.negate", False, True),
        ("attributes.negate", "false", True),
        ("attributes.negate", True, False),
        ("attributes.negate", 0, False),
        ("attributes.created_at", "2026-01-01T09:00:00.000Z", True),
        ("attributes.created_at", "2026-01-01", False),
        ("attributes.deleted_at", "None", False),
        ("attributes.*", "evar7", True),
        ("attributes.*", "set-variables", True),
        ("attributes.*", "Set Variables", True),
        ("attributes.*", "nowhere", False),
        ("attributes.*order", 50, True),
        ("attr*gs", "evar7", True),
        ("*", PROPERTY, True),
        ("attributes.*", PROPERTY, False),
        ("meta.latest_revision_number", 3, False),
        ("*", 3, False),
        ("*", "x.example", False),
        ("attributes", "evar7", False),
        ("attributes.settings", " ", False),
    ],
)
def test_value_matches_by_the_rules_of_its_member(path: str, value: object, found: bool) -> None:
    assert matches(ONE, path, value=value) is found


@pytest.mark.parametrize(
    ("path", "value", "operator", "found"),
    [
        ("attributes.settings", "status evar7", "AND", True),
        ("attributes.settings", "status evar8", "AND", False),
        ("attributes.settings", "status evar8", "OR", True),
        ("attributes.settings", "evar8 evar9", "OR", False),
        ("attributes.*", "evar7 set-variables", "AND", True),
        ("attributes.delegate_descriptor_id", "core set-variables", "OR", True),
        ("attributes.name", "Set Variables", "OR", True),
    ],
)
def test_words_are_combined_with_and_or_or(
    path: str, value: str, operator: str, found: bool
) -> None:
    assert matches(ONE, path, value=value, value_operator=operator) is found


def test_path_goes_through_objects_and_lists() -> None:
    assert matches(PACKAGE, "attributes.author.email", value="TAGS@")
    assert matches(PACKAGE, "attributes.*", value="beacon")
    assert matches(PACKAGE, "attributes.display_name", value="analytics")
    assert not matches(PACKAGE, "attributes.author", value="tags@adobe.example")


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("attributes.settings", True),
        ("attributes.negate", True),
        ("attributes.deleted_at", False),
        ("attributes.published_at", False),
        ("relationships.property", True),
        ("relationships.updated_with_extension", False),
        ("relationships.updated_with_extension.data.id", False),
        ("meta.latest_revision_number", False),
        ("links.self", False),
        ("attributes.*", True),
    ],
)
def test_null_and_unsearched_members_do_not_exist(path: str, there: bool) -> None:
    assert matches(ONE, path, exists=True) is there
    assert matches(ONE, path, exists=False) is not there


@pytest.mark.parametrize(
    ("bounds", "numbers"),
    [
        ({"gt": 2}, [3, 4]),
        ({"gte": 2}, [2, 3, 4]),
        ({"lt": 2}, [1]),
        ({"lte": 2}, [1, 2]),
        ({"gt": 1, "lte": 3}, [2, 3]),
        ({"gt": 9}, []),
    ],
)
def test_range_matches_numbers_between_its_bounds(
    bounds: dict[str, int], numbers: list[int]
) -> None:
    documents = [component(number) for number in (1, 2, 3, 4)]
    assert ids(documents, {"attributes.order": {"range": bounds}}) == [
        component(number)["id"] for number in numbers
    ]


def test_range_accepts_bounds_as_strings() -> None:
    documents = [component(number, order=number) for number in range(4)]
    for bounds in ({"lte": "2"}, {"gt": "-1", "lt": 3}):
        assert ids(documents, {"attributes.order": {"range": bounds}}) == [
            component(number)["id"] for number in range(3)
        ]


def test_range_ignores_texts_timestamps_and_booleans() -> None:
    for path in (
        "attributes.name",
        "attributes.created_at",
        "attributes.negate",
        "attributes.deleted_at",
    ):
        assert not matches(ONE, path, range={"gte": 0})


def test_all_conditions_must_hold() -> None:
    assert ids([ONE], {"attributes.settings": {"value": "evar7"}, "attributes.order": {"value": 1}})
    assert not ids(
        [ONE], {"attributes.settings": {"value": "evar7"}, "attributes.order": {"value": 2}}
    )
    assert not matches(ONE, "attributes.order", exists=True, range={"gt": 1})


def test_search_is_limited_to_resource_types() -> None:
    secret = {**ONE, "id": "SE" + "1" * 32, "type": "secrets"}
    documents = [ONE, PACKAGE, secret]
    everything = {"id": {"exists": True}}
    assert ids(documents, everything) == [ONE["id"], PACKAGE["id"]]
    assert ids(documents, everything, resource_types=["extension_packages"]) == [PACKAGE["id"]]
    assert ids(documents, everything, resource_types=["rules"]) == []
    assert SEARCHABLE == CATALOGUE


def test_default_order_is_creation_then_id() -> None:
    same = component(3, created_at="2026-01-02T09:00:00.000Z")
    never = component(4, created_at=None)
    documents = [never, same, component(2), ONE]
    assert ids(documents, {"id": {"exists": True}}) == [
        document["id"] for document in (ONE, component(2), same, never)
    ]


def test_sort_ignores_case_and_puts_missing_values_last() -> None:
    names = ("b", "A", None, "C")
    documents = [component(number, name=name, order=9) for number, name in enumerate(names, 1)]
    sort = [{"attributes.order": "asc"}, {"attributes.name": "desc"}]
    found, _ = search(documents, {"data": {"query": {"id": {"exists": True}}, "sort": sort}})
    assert [document["attributes"]["name"] for document in found] == ["C", "b", "A", None]
    sort = [{"attributes.name": "asc"}]
    found, _ = search(documents, {"data": {"query": {"id": {"exists": True}}, "sort": sort}})
    assert [document["attributes"]["name"] for document in found] == ["A", "b", "C", None]


def test_pages_have_at_most_100_documents() -> None:
    documents = [component(1, order=number) | {"id": f"RC{number:032x}"} for number in range(250)]
    query = {"attributes.order": {"exists": True}}
    pages = [
        search(documents, {"data": {"query": query, "from": start, "size": 999}})
        for start in (0, 100, 200, 300)
    ]
    assert [(len(page), total) for page, total in pages] == [
        (100, 250),
        (100, 250),
        (50, 250),
        (0, 250),
    ]
    assert [document["id"] for page, _ in pages for document in page] == [
        document["id"] for document in documents
    ]
    assert len(search(documents, {"data": {"query": query}})[0]) == 100
    assert search(documents, {"data": {"query": query, "size": 0}}) == ([], 250)


def test_members_are_accepted_at_the_top_level() -> None:
    assert search(
        [ONE, PACKAGE], {"query": {"attributes.name": {"value": "Set Variables"}}, "size": 5}
    ) == ([ONE], 1)


def _asked(**members: object) -> Document:
    return {"data": {"query": {"id": {"exists": True}}, **members}}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (None, "an object"),
        ([], "an object"),
        ({"data": []}, "an object"),
        ({"data": {}}, "query"),
        (_asked(query=[]), "query"),
        (_asked(query={}), "query"),
        (_asked(query={"attributes.Name": {"exists": True}}), "Invalid path"),
        (_asked(query={"attributes.evar7": {"exists": True}}), "Invalid path"),
        (_asked(query={"": {"exists": True}}), "Invalid path"),
        (_asked(query={"id": "RC1"}), "exists, value or range"),
        (_asked(query={"id": {}}), "exists, value or range"),
        (_asked(query={"id": {"value_operator": "OR"}}), "exists, value or range"),
        (_asked(query={"id": {"exists": "yes"}}), "true or false"),
        (_asked(query={"id": {"value": ["a"]}}), "a string, a number"),
        (_asked(query={"id": {"value": None}}), "a string, a number"),
        (_asked(query={"id": {"value": "a", "value_operator": "and"}}), "AND or OR"),
        (_asked(query={"id": {"range": {}}}), "gt, gte, lt or lte"),
        (_asked(query={"id": {"range": {"above": 1}}}), "gt, gte, lt or lte"),
        (_asked(query={"id": {"range": 3}}), "gt, gte, lt or lte"),
        (_asked(query={"id": {"range": {"gt": "one"}}}), "integers"),
        (_asked(query={"id": {"range": {"gt": "1.5"}}}), "integers"),
        (_asked(query={"id": {"range": {"gt": ""}}}), "integers"),
        (_asked(query={"id": {"range": {"gt": 1.5}}}), "integers"),
        (_asked(query={"id": {"range": {"gt": True}}}), "integers"),
        (_asked(resource_types=["rulez"]), "'rulez' is not a searchable"),
        (_asked(resource_types=["secrets"]), "'secrets' is not a searchable"),
        (_asked(resource_types=[["rules"]]), "is not a searchable"),
        (_asked(resource_types="rules"), "a list"),
        (_asked(size=-1), "size"),
        (_asked(size="5"), "size"),
        (_asked(size=True), "size"),
        (_asked(**{"from": -1}), "from"),
        (_asked(**{"from": 1.0}), "from"),
        (_asked(sort="name"), "sort must be a list"),
        (_asked(sort=["name"]), "sort must be a list"),
        (_asked(sort=[{}]), "sort must be a list"),
        (_asked(sort=[{"attributes.name": "up"}]), "asc or desc"),
        (_asked(sort=[{"attributes.name": ["asc"]}]), "asc or desc"),
        (_asked(sort=[{"attributes.*": "asc"}]), "Cannot sort by"),
        (_asked(sort=[{"Name": "asc"}]), "Cannot sort by"),
    ],
)
def test_malformed_body_is_refused_with_reason(body: object, says: str) -> None:
    with pytest.raises(Problem, match=says):
        search([ONE], body)


def test_demo_company_is_searched() -> None:
    store = seeded("demo", Bulk())[ORG_ID]
    documents = [
        render(record, "https://x.example") for kind in RESOURCES for record in store.all(kind)
    ]
    query = {"attributes.settings": {"value": "EVAR7"}, "attributes.revision_number": {"value": 0}}
    expected = [
        document["id"]
        for document in documents
        if "eVar7" in str(document["attributes"].get("settings"))
        and document["attributes"].get("revision_number") == 0
    ]
    assert expected
    assert sorted(ids(documents, query)) == sorted(expected)
