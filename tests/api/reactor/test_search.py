"""Search: requests, frames and completeness, with the simulator's search behind a stub."""

import copy
import itertools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from adobe_nb.api.progress import no_progress
from adobe_nb.api.reactor.frames import columns_of
from adobe_nb.api.reactor.search import SEARCHABLE, search
from adobe_nb.errors import ArgumentError, IncompleteResult
from adobe_nb.http.limiter import Limiter
from adobe_nb.registry import RESOURCES
from adobe_nb.simulator import search as simulator
from adobe_nb.simulator.accounts import ORG_ID
from adobe_nb.simulator.seed import Bulk, seeded
from adobe_nb.simulator.store import render
from tests.conftest import sign_in

Document = dict[str, Any]
Change = Callable[[Document, int], Document]

STEADY = [{"attributes.created_at": "asc"}, {"id": "asc"}]
REVISED = {"rules", "rule_components", "data_elements", "extensions"}
ANYTHING = {"id": {"exists": True}}


class Service:
    """Answers like the simulator; ``change`` may alter the n-th response (from 1)."""

    service = "simulator"
    preview = False
    org_id = ORG_ID
    progress = staticmethod(no_progress)
    limiter = Limiter(8)

    def __init__(self, documents: list[Document], change: Change | None = None) -> None:
        self.documents = documents
        self.change = change
        self.bodies: list[Document] = []
        self._numbers = itertools.count(1)

    def post_read(self, path: str, document: Document) -> Document:
        assert path == "/search"
        self.bodies.append(json.loads(json.dumps(document["data"])))
        found, total = simulator.search(self.documents, document)
        answer = copy.deepcopy({"data": found, "meta": {"total_hits": total}})
        return self.change(answer, next(self._numbers)) if self.change else answer


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    store = seeded("demo", Bulk())[ORG_ID]
    return [render(record, "https://x.example") for kind in RESOURCES for record in store.all(kind)]


@pytest.fixture
def demo(documents: list[Document]) -> Service:
    return Service(documents)


@pytest.fixture
def untouched() -> Service:
    """A service that fails on any request."""

    def fail(answer: Document, number: int) -> Document:
        raise AssertionError("a request was sent")

    return Service([], fail)


def numbered(kind: str, count: int, **attributes: object) -> list[Document]:
    prefix = RESOURCES[kind].prefix
    return [
        {
            "id": f"{prefix}{number:032x}",
            "type": kind,
            "attributes": {
                "created_at": f"2026-01-01T00:{number // 60:02}:{number % 60:02}.000Z",
                **attributes,
            },
            "relationships": {},
        }
        for number in range(count)
    ]


def test_searchable_types_match_the_simulator() -> None:
    assert set(SEARCHABLE) == simulator.SEARCHABLE
    assert len(SEARCHABLE) == 13


# -- the question


def test_text_becomes_query_on_its_fields(demo: Service) -> None:
    search(
        demo,
        "evar7 login",
        fields="attributes.settings",
        types="rule_components",
        operator="OR",
        revisions=True,
    )
    assert demo.bodies == [
        {
            "from": 0,
            "size": 100,
            "query": {
                "attributes.settings": {"value": "evar7 login", "value_operator": "OR"},
                "attributes.deleted_at": {"exists": False},
            },
            "sort": STEADY,
            "resource_types": ["rule_components"],
        }
    ]


def test_all_types_take_two_searches_for_heads_and_others(demo: Service) -> None:
    found = search(demo, "login")
    heads, others = {
        json.dumps(body["query"]): set(body["resource_types"]) for body in demo.bodies
    }.items()
    assert json.loads(heads[0]) == {
        "attributes.*": {"value": "login", "value_operator": "AND"},
        "attributes.revision_number": {"range": {"lte": 0}},
        "attributes.deleted_at": {"exists": False},
    }
    assert heads[1] == REVISED
    assert json.loads(others[0]) == {"attributes.*": {"value": "login", "value_operator": "AND"}}
    assert others[1] == set(SEARCHABLE) - REVISED
    assert {"audit_events", "rule_components"} <= set(found["type"])


def test_types_that_all_have_revisions_take_one_search(demo: Service) -> None:
    search(demo, "login", types=["rules", "data_elements"])
    assert demo.bodies[0]["query"]["attributes.revision_number"] == {"range": {"lte": 0}}
    search(demo, "zzz", types=["hosts", "libraries"])
    assert "attributes.revision_number" not in demo.bodies[1]["query"]
    assert len(demo.bodies) == 2


def test_revisions_are_included_on_request(demo: Service) -> None:
    heads = search(demo, "evar7", types="rule_components")
    everything = search(demo, "evar7", types="rule_components", revisions=True)
    assert set(heads["revision_number"]) == {0}
    assert len(everything) > len(heads) > 0
    assert set(heads["id"]) < set(everything["id"])


def test_query_on_revision_number_is_unchanged(demo: Service) -> None:
    later = {"attributes.revision_number": {"range": {"gte": 2}}}
    found = search(demo, query=later, types=["rules", "hosts"], deleted=True)
    assert [body["query"] for body in demo.bodies] == [later]
    assert set(found["type"]) == {"rules"}


def test_deleted_resources_are_included_on_request(simulate: Any) -> None:
    reactor = sign_in(simulate()).reactor
    rule = reactor.rules.find("Home - Hero Click", reactor.properties())
    where = {"text": "Home - Hero Click", "fields": "attributes.name", "types": "rules"}
    assert list(reactor.search(**where)["id"]) == list(rule["id"])
    reactor.rules.delete(rule)
    assert reactor.search(**where).empty
    assert list(reactor.search(**where, deleted=True)["id"]) == list(rule["id"])
    gone = {"attributes.name": "Home - Hero Click", "attributes.deleted_at": {"exists": True}}
    assert list(reactor.search(query=gone, types="rules")["id"]) == list(rule["id"])


def test_types_without_soft_deletion_get_no_deletion_condition(demo: Service) -> None:
    search(demo, "zzz", types=["hosts", "libraries"])
    assert "attributes.deleted_at" not in demo.bodies[0]["query"]


@pytest.mark.parametrize(
    ("condition", "sent"),
    [
        ("Home", {"value": "Home"}),
        (7, {"value": "7"}),
        (np.int64(7), {"value": "7"}),
        (True, {"value": "true"}),
        (np.False_, {"value": "false"}),
        (50.5, {"value": "50.5"}),
        ({"value": "a b", "value_operator": "OR"}, {"value": "a b", "value_operator": "OR"}),
        ({"exists": False}, {"exists": False}),
        ({"range": {"gt": 1, "lte": np.int64(4)}}, {"range": {"gt": 1, "lte": 4}}),
    ],
)
def test_condition_accepts_value_or_api_form(
    condition: object, sent: Document, demo: Service
) -> None:
    search(demo, query={"attributes.port": condition, "id": {"exists": True}}, types="hosts")
    assert demo.bodies[0]["query"] == {"attributes.port": sent, "id": {"exists": True}}


def test_unknown_member_is_refused_before_any_request(demo: Service) -> None:
    with pytest.raises(
        ArgumentError,
        match="attributes.nmae does not exist in rules, hosts. Did you mean attributes.name",
    ):
        search(demo, "a", fields="attributes.nmae", types=["rules", "hosts"])
    with pytest.raises(
        ArgumentError, match="propery does not exist in rules. Did you mean relationships.property"
    ):
        search(demo, query={"relationships.propery.data.id": "PR1"}, types="rules")
    assert demo.bodies == []


def test_numbers_and_bools_match_values(demo: Service) -> None:
    assert not search(demo, query={"attributes.enabled": False}, types="rules")["enabled"].any()
    assert set(
        search(demo, query={"attributes.rule_order": 50.0}, types="rule_components")["rule_order"]
    ) == {50.0}


@pytest.mark.parametrize(
    ("sort", "sent"),
    [
        (None, STEADY),
        ("-updated_at", [{"attributes.updated_at": "desc"}, *STEADY]),
        (
            "name, -updated_at",
            [{"attributes.name": "asc"}, {"attributes.updated_at": "desc"}, *STEADY],
        ),
        (
            ["+name", "-created_at"],
            [{"attributes.name": "asc"}, {"attributes.created_at": "desc"}, {"id": "asc"}],
        ),
        (
            "-relationships.property.data.id,id",
            [
                {"relationships.property.data.id": "desc"},
                {"id": "asc"},
                {"attributes.created_at": "asc"},
            ],
        ),
    ],
)
def test_sort_is_completed_to_a_total_order(sort: Any, sent: list[Document], demo: Service) -> None:
    search(demo, query=ANYTHING, types="hosts", sort=sort)
    assert demo.bodies[0]["sort"] == sent


# -- the frames


def test_single_type_gives_columns_of_that_type(demo: Service, documents: list[Document]) -> None:
    found = search(
        demo,
        query={"attributes.settings": "evar7", "attributes.negate": False},
        types="rule_components",
    )
    assert list(found.columns) == list(columns_of(RESOURCES["rule_components"]))
    assert found["rule_id"].isna().all()
    assert str(found["created_at"].dtype) == "datetime64[us, UTC]"
    assert sorted(found["id"]) == sorted(
        each["id"]
        for each in documents
        if each["type"] == "rule_components"
        and "eVar7" in each["attributes"]["settings"]
        and each["attributes"]["revision_number"] == 0
    )


def test_empty_result_has_same_columns_and_dtypes(demo: Service) -> None:
    for types in (None, "rules"):
        full, empty = search(demo, query=ANYTHING, types=types), search(demo, "zzzz", types=types)
        assert len(full) > len(empty) == 0
        assert full.dtypes.astype(str).to_dict() == empty.dtypes.astype(str).to_dict()


def test_several_types_give_common_columns(demo: Service, documents: list[Document]) -> None:
    found = search(demo, query=ANYTHING)
    assert found.dtypes.astype(str).to_dict() == {
        "id": "string",
        "type": "string",
        "name": "string",
        "property_id": "string",
        "updated_at": "datetime64[us, UTC]",
        "document": "string",
    }
    expected = {
        each["id"]
        for each in documents
        if each["type"] in SEARCHABLE
        and not each["attributes"].get("revision_number")
        and not each["attributes"].get("deleted_at")
    }
    assert set(found["id"]) == expected
    assert len(found) == len(expected) > 700
    event = found[found["type"] == "audit_events"].iloc[0]
    whole = next(each for each in documents if each["id"] == event["id"])
    assert json.loads(event["document"]) == whole
    assert event["name"] == whole["attributes"]["display_name"]
    assert event["updated_at"] == pd.Timestamp(whole["attributes"]["updated_at"])
    assert event["property_id"] == whole["relationships"]["property"]["data"]["id"]
    note = found[found["type"] == "notes"].iloc[0]
    assert note["name"] in {each["attributes"].get("text") for each in documents}
    assert pd.isna(note["updated_at"])
    assert pd.isna(note["property_id"])
    assert found[found["type"] == "builds"]["name"].isna().all()
    assert found[found["type"] == "rules"]["name"].notna().all()


def test_document_has_no_write_only_attributes() -> None:
    hosts = numbered("hosts", 1, name="Ours", encrypted_private_key="-----BEGIN")
    found = search(Service(hosts), query=ANYTHING, types=["hosts", "rules"])
    assert "BEGIN" not in found.loc[0, "document"]
    assert json.loads(found.loc[0, "document"])["attributes"]["name"] == "Ours"


def test_frame_attrs_describe_the_search(demo: Service) -> None:
    found = search(demo, query=ANYTHING, types=["hosts", "rules"])
    assert {name: value for name, value in found.attrs.items() if name != "time"} == {
        "service": "simulator",
        "path": "/search",
        "organization": ORG_ID,
        "total_count": len(found),
    }
    assert json.dumps(found.attrs)


# -- order and limit


def test_two_searches_are_merged_in_order(demo: Service) -> None:
    found = search(demo, query=ANYTHING, sort="-updated_at")
    present = found["updated_at"].dropna()
    assert present.is_monotonic_decreasing
    assert found["updated_at"].tail(len(found) - len(present)).isna().all()
    assert set(found.head(len(present))["type"]) > {"rules", "audit_events"}


def test_default_order_is_oldest_first(demo: Service) -> None:
    found = search(demo, query=ANYTHING)
    created = [json.loads(each)["attributes"]["created_at"] for each in found["document"]]
    assert created == sorted(created)


def test_sort_of_texts_ignores_case() -> None:
    named = [
        each | {"attributes": {**each["attributes"], "name": name}}
        for each, name in zip(numbered("hosts", 4), ("b", "A", None, "C"), strict=True)
    ]
    assert list(
        search(Service(named), query=ANYTHING, types="hosts", sort="-name")["name"].head(3)
    ) == ["C", "b", "A"]
    assert list(
        search(Service(named), query=ANYTHING, types="hosts", sort="name")["name"].head(3)
    ) == ["A", "b", "C"]


def test_limit_applies_to_both_searches_together(demo: Service) -> None:
    everything = search(demo, query=ANYTHING, sort="-updated_at")
    demo.bodies.clear()
    first = search(demo, query=ANYTHING, sort="-updated_at", limit=np.int64(7))
    assert list(first["id"]) == list(everything["id"].head(7))
    assert first.attrs["total_count"] == len(everything)
    assert [(body["from"], body["size"]) for body in demo.bodies] == [(0, 7), (0, 7)]


def test_limit_reads_only_the_needed_pages() -> None:
    service = Service(numbered("hosts", 450))
    assert len(search(service, query=ANYTHING, types="hosts", limit=250)) == 250
    assert sorted((body["from"], body["size"]) for body in service.bodies) == [
        (0, 100),
        (100, 100),
        (200, 50),
    ]
    assert len(search(service, query=ANYTHING, types="hosts", limit=1000)) == 450


# -- complete, or an error


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_every_page_is_read(count: int) -> None:
    service = Service(numbered("hosts", count))
    assert list(search(service, query=ANYTHING, types="hosts")["id"]) == [
        each["id"] for each in service.documents
    ]
    assert sorted(body["from"] for body in service.bodies) == list(range(0, max(count, 1), 100))


def _lost(answer: Document, number: int) -> Document:
    return {**answer, "data": answer["data"][1:]}


def _twice(answer: Document, number: int) -> Document:
    return {**answer, "data": [answer["data"][0], *answer["data"][:-1]]}


def _growing(answer: Document, number: int) -> Document:
    return {**answer, "meta": {"total_hits": answer["meta"]["total_hits"] + number % 3}}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_lost, "reported 250 resources but returned 247, in 2 attempts"),
        (_twice, "gave 3 of its resources twice, in 2 attempts"),
        (_growing, "reported .* resources but returned 250, in 2 attempts"),
    ],
)
def test_inconsistent_search_is_read_again_then_refused(change: Change, says: str) -> None:
    service = Service(numbered("hosts", 250), change)
    with pytest.raises(IncompleteResult, match=says):
        search(service, query=ANYTHING, types="hosts")
    assert sorted(body["from"] for body in service.bodies) == [0, 0, 100, 100, 200, 200]


def test_search_that_is_complete_at_second_attempt_is_returned() -> None:
    service = Service(
        numbered("hosts", 250), lambda answer, number: _lost(answer, 0) if number == 2 else answer
    )
    assert len(search(service, query=ANYTHING, types="hosts")) == 250
    assert len(service.bodies) == 6


def test_limit_does_not_hide_missing_or_duplicate_resources() -> None:
    hosts = numbered("hosts", 250)
    with pytest.raises(
        IncompleteResult, match="reported 250 resources but returned 148, in 2 attempts"
    ):
        search(Service(hosts, _lost), query=ANYTHING, types="hosts", limit=150)
    with pytest.raises(IncompleteResult, match="twice, in 2 attempts"):
        search(Service(hosts, _twice), query=ANYTHING, types="hosts", limit=150)


@pytest.mark.parametrize(
    "change",
    [
        lambda answer, number: {"data": answer["data"]},
        lambda answer, number: {"meta": answer["meta"]},
        lambda answer, number: {**answer, "data": None},
        lambda answer, number: {**answer, "meta": {"total_hits": "2"}},
        lambda answer, number: {**answer, "meta": {"total_hits": True}},
        lambda answer, number: {**answer, "meta": {"total_hits": -1}},
        lambda answer, number: {**answer, "data": [*answer["data"][:1], None]},
        lambda answer, number: {**answer, "data": [*answer["data"][:1], {"type": "hosts"}]},
        lambda answer, number: {
            **answer,
            "data": [*answer["data"][:1], {"type": "hosts", "id": "HT1"}],
        },
        lambda answer, number: {**answer, "data": numbered("rules", 2)},
    ],
)
def test_unexpected_or_malformed_response_is_refused(change: Change) -> None:
    with pytest.raises(IncompleteResult, match="A retry is unlikely to help"):
        search(Service(numbered("hosts", 2), change), query=ANYTHING, types=["hosts", "callbacks"])


def test_revision_among_heads_is_refused() -> None:
    def ignored(answer: Document, number: int) -> Document:
        rules = numbered("rules", 2, revision_number=1)
        return {"data": rules, "meta": {"total_hits": 2}}

    with pytest.raises(IncompleteResult, match="search for heads returned .* a revision"):
        search(Service([], ignored), "a", types="rules")


def test_deleted_resource_among_others_is_refused() -> None:
    def ignored(answer: Document, number: int) -> Document:
        rules = numbered("rules", 2, revision_number=0, deleted_at="2026-01-01T00:00:00.000Z")
        return {"data": rules, "meta": {"total_hits": 2}}

    with pytest.raises(IncompleteResult, match="which is deleted"):
        search(Service([], ignored), "a", types="rules")


# -- wrong arguments cost no request


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "Pass either a text"),
        ({"text": "a", "query": ANYTHING}, "Pass either a text"),
        ({"text": ""}, "empty"),
        ({"text": "  "}, "empty"),
        ({"text": 7}, "text must be a string, not 7"),
        ({"text": "a", "fields": "attributes.Name"}, "lowercase letters"),
        ({"text": "a", "fields": "attributes..name"}, "lowercase letters"),
        ({"text": "a", "fields": ""}, "lowercase letters"),
        ({"text": "a", "fields": ["attributes.name"]}, "fields must be one path"),
        ({"text": "a", "fields": "name"}, "Did you mean attributes.name"),
        ({"text": "a", "fields": "attributes"}, "begin with attributes or relationships"),
        ({"text": "a", "fields": "meta.latest_revision_number"}, "cannot search meta"),
        ({"text": "a", "operator": "and"}, "must be AND or OR"),
        ({"text": "a", "types": []}, "types is empty"),
        ({"text": "a", "types": "rule"}, "Did you mean rules"),
        (
            {"text": "a", "types": ["rules", "zzz"]},
            "'zzz' is not a resource type. Choose from: properties",
        ),
        ({"text": "a", "types": [["rules"]]}, "is not a resource type"),
        ({"text": "a", "types": 5}, "types must be a resource type or a list"),
        (
            {"text": "a", "types": "secrets"},
            r"cannot search secrets. List them with reactor.secrets\(properties\)",
        ),
        ({"query": ANYTHING, "fields": "attributes.name"}, "require a text"),
        ({"query": ANYTHING, "operator": "OR"}, "require a text"),
        ({"query": {}}, "at least one path"),
        ({"query": "evar7"}, "query must be a dict"),
        ({"query": {7: "a"}}, "7 is not a path"),
        ({"query": {"attributes.name": None}}, 'To find missing values, use {"exists": False}'),
        ({"query": {"attributes.name": ["a"]}}, "a string, number or bool"),
        ({"query": {"attributes.order": float("nan")}}, "a string, number or bool"),
        ({"query": {"attributes.name": ""}}, "empty"),
        ({"query": {"attributes.name": {}}}, "must be one of"),
        ({"query": {"attributes.name": {"value": "a", "exists": True}}}, "must be one of"),
        ({"query": {"attributes.name": {"value": "a", "operator": "OR"}}}, "must be one of"),
        (
            {"query": {"attributes.name": {"exists": True, "value_operator": "OR"}}},
            "must be one of",
        ),
        (
            {"query": {"attributes.name": {"value": "a", "value_operator": "XOR"}}},
            "must be AND or OR",
        ),
        ({"query": {"attributes.name": {"exists": "yes"}}}, "True or False"),
        ({"query": {"attributes.order": {"range": {}}}}, "a dict with gt, gte, lt, lte"),
        ({"query": {"attributes.order": {"range": {"from": 1}}}}, "a dict with gt, gte, lt, lte"),
        ({"query": {"attributes.order": {"range": {"gt": True}}}}, "must be integers"),
        ({"query": {"attributes.order": {"range": {"gt": 1.5}}}}, "must be integers"),
        (
            {"query": {"attributes.created_at": {"range": {"gt": "2026-01-01"}}}},
            "Filter by a date in the frame",
        ),
        ({"text": "a", "sort": "nam", "types": "rules"}, "Did you mean name"),
        ({"text": "a", "sort": "settings", "types": "rules"}, "cannot be sorted by 'settings'"),
        ({"text": "a", "sort": ""}, "cannot be sorted by ''"),
        ({"text": "a", "sort": "attributes.*"}, "cannot be sorted by"),
        ({"text": "a", "sort": "nowhere.name"}, "not a path"),
        ({"text": "a", "sort": 5}, "sort must name attributes"),
        ({"text": "a", "limit": 0}, "positive integer"),
        ({"text": "a", "limit": True}, "positive integer"),
        ({"text": "a", "limit": 2.0}, "positive integer"),
    ],
)
def test_invalid_argument_is_refused_before_any_request(
    arguments: Document, says: str, untouched: Service
) -> None:
    with pytest.raises(ArgumentError, match=says):
        search(untouched, **arguments)
    assert untouched.bodies == []
