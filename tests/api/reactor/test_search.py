"""Search: the question, the frames, and that nothing is lost. The simulator's search answers."""

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
    """Answers a search as the simulator does; ``change`` may spoil the answer of that number (from
    1).
    """

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
    """Fails when it is asked anything."""

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


def test_what_can_be_searched_is_what_the_simulator_searches() -> None:
    assert set(SEARCHABLE) == simulator.SEARCHABLE
    assert len(SEARCHABLE) == 13


# -- the question


def test_a_text_becomes_a_query_on_its_fields(demo: Service) -> None:
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


def test_without_types_all_are_searched_in_two_walks_of_heads_and_others(demo: Service) -> None:
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


def test_types_of_one_kind_take_one_walk(demo: Service) -> None:
    search(demo, "login", types=["rules", "data_elements"])
    assert demo.bodies[0]["query"]["attributes.revision_number"] == {"range": {"lte": 0}}
    search(demo, "zzz", types=["hosts", "libraries"])
    assert "attributes.revision_number" not in demo.bodies[1]["query"]
    assert len(demo.bodies) == 2


def test_revisions_come_when_asked_for(demo: Service) -> None:
    heads = search(demo, "evar7", types="rule_components")
    everything = search(demo, "evar7", types="rule_components", revisions=True)
    assert set(heads["revision_number"]) == {0}
    assert len(everything) > len(heads) > 0
    assert set(heads["id"]) < set(everything["id"])


def test_a_query_on_the_revision_number_is_left_as_it_is(demo: Service) -> None:
    later = {"attributes.revision_number": {"range": {"gte": 2}}}
    found = search(demo, query=later, types=["rules", "hosts"], deleted=True)
    assert [body["query"] for body in demo.bodies] == [later]
    assert set(found["type"]) == {"rules"}


def test_what_is_deleted_comes_when_asked_for(simulate: Any) -> None:
    reactor = sign_in(simulate()).reactor
    rule = reactor.rules.find("Home - Hero Click", reactor.properties())
    where = {"text": "Home - Hero Click", "fields": "attributes.name", "types": "rules"}
    assert list(reactor.search(**where)["id"]) == list(rule["id"])
    reactor.rules.delete(rule)
    assert reactor.search(**where).empty
    assert list(reactor.search(**where, deleted=True)["id"]) == list(rule["id"])
    gone = {"attributes.name": "Home - Hero Click", "attributes.deleted_at": {"exists": True}}
    assert list(reactor.search(query=gone, types="rules")["id"]) == list(rule["id"])


def test_types_that_are_never_deleted_softly_are_not_asked_about_it(demo: Service) -> None:
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
def test_a_condition_is_a_value_or_the_apis_own_form(
    condition: object, sent: Document, demo: Service
) -> None:
    search(demo, query={"attributes.port": condition, "id": {"exists": True}}, types="hosts")
    assert demo.bodies[0]["query"] == {"attributes.port": sent, "id": {"exists": True}}


def test_a_name_that_no_type_has_is_refused_before_any_request(demo: Service) -> None:
    with pytest.raises(
        ArgumentError, match="none of these has attributes.nmae. Did you mean attributes.name"
    ):
        search(demo, "a", fields="attributes.nmae", types=["rules", "hosts"])
    with pytest.raises(ArgumentError, match="propery. Did you mean relationships.property"):
        search(demo, query={"relationships.propery.data.id": "PR1"}, types="rules")
    assert demo.bodies == []


def test_numbers_and_bools_find_what_has_them(demo: Service) -> None:
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
def test_sort_is_completed_to_a_steady_order(
    sort: Any, sent: list[Document], demo: Service
) -> None:
    search(demo, query=ANYTHING, types="hosts", sort=sort)
    assert demo.bodies[0]["sort"] == sent


# -- the frames


def test_one_type_gives_its_own_typed_table(demo: Service, documents: list[Document]) -> None:
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


def test_no_hits_give_the_same_columns_and_dtypes(demo: Service) -> None:
    for types in (None, "rules"):
        full, empty = search(demo, query=ANYTHING, types=types), search(demo, "zzzz", types=types)
        assert len(full) > len(empty) == 0
        assert full.dtypes.astype(str).to_dict() == empty.dtypes.astype(str).to_dict()


def test_several_types_give_what_they_have_in_common(
    demo: Service, documents: list[Document]
) -> None:
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
        if each["type"] in SEARCHABLE and not each["attributes"].get("revision_number")
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


def test_what_is_write_only_stays_out_of_the_document() -> None:
    hosts = numbered("hosts", 1, name="Ours", encrypted_private_key="-----BEGIN")
    found = search(Service(hosts), query=ANYTHING, types=["hosts", "rules"])
    assert "BEGIN" not in found.loc[0, "document"]
    assert json.loads(found.loc[0, "document"])["attributes"]["name"] == "Ours"


def test_the_frame_says_where_it_is_from(demo: Service) -> None:
    found = search(demo, query=ANYTHING, types=["hosts", "rules"])
    assert {name: value for name, value in found.attrs.items() if name != "time"} == {
        "service": "simulator",
        "path": "/search",
        "organisation": ORG_ID,
        "total_count": len(found),
    }
    assert json.dumps(found.attrs)


# -- order and limit


def test_two_walks_become_one_table_in_the_order_asked_for(demo: Service) -> None:
    found = search(demo, query=ANYTHING, sort="-updated_at")
    present = found["updated_at"].dropna()
    assert present.is_monotonic_decreasing
    assert found["updated_at"].tail(len(found) - len(present)).isna().all()
    assert set(found.head(len(present))["type"]) > {"rules", "audit_events"}


def test_without_sort_the_oldest_come_first(demo: Service) -> None:
    found = search(demo, query=ANYTHING)
    created = [json.loads(each)["attributes"]["created_at"] for each in found["document"]]
    assert created == sorted(created)


def test_text_is_sorted_without_regard_to_case() -> None:
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


def test_limit_is_a_total_over_both_walks(demo: Service) -> None:
    everything = search(demo, query=ANYTHING, sort="-updated_at")
    demo.bodies.clear()
    first = search(demo, query=ANYTHING, sort="-updated_at", limit=np.int64(7))
    assert list(first["id"]) == list(everything["id"].head(7))
    assert first.attrs["total_count"] == len(everything)
    assert [(body["from"], body["size"]) for body in demo.bodies] == [(0, 7), (0, 7)]


def test_a_limit_reads_no_more_pages_than_it_needs() -> None:
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
        (_lost, "announced 250 resources and gave 247, twice"),
        (_twice, "gave 3 of its resources twice, twice"),
        (_growing, "announced .* resources and gave 250, twice"),
    ],
)
def test_a_torn_search_is_read_again_and_then_an_error(change: Change, says: str) -> None:
    service = Service(numbered("hosts", 250), change)
    with pytest.raises(IncompleteResult, match=says):
        search(service, query=ANYTHING, types="hosts")
    assert sorted(body["from"] for body in service.bodies) == [0, 0, 100, 100, 200, 200]


def test_a_search_that_is_whole_at_the_second_reading_is_returned() -> None:
    service = Service(
        numbered("hosts", 250), lambda answer, number: _lost(answer, 0) if number == 2 else answer
    )
    assert len(search(service, query=ANYTHING, types="hosts")) == 250
    assert len(service.bodies) == 6


def test_a_limit_does_not_hide_what_is_missing_or_comes_twice() -> None:
    hosts = numbered("hosts", 250)
    with pytest.raises(IncompleteResult, match="announced 250 resources and gave 148, twice"):
        search(Service(hosts, _lost), query=ANYTHING, types="hosts", limit=150)
    with pytest.raises(IncompleteResult, match="twice, twice"):
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
def test_what_was_not_asked_for_or_is_malformed_is_an_error(change: Change) -> None:
    with pytest.raises(IncompleteResult, match="Repeating the request will hardly help"):
        search(Service(numbered("hosts", 2), change), query=ANYTHING, types=["hosts", "callbacks"])


def test_a_revision_among_heads_is_an_error() -> None:
    def ignored(answer: Document, number: int) -> Document:
        rules = numbered("rules", 2, revision_number=1)
        return {"data": rules, "meta": {"total_hits": 2}}

    with pytest.raises(IncompleteResult, match="a revision, where only heads"):
        search(Service([], ignored), "a", types="rules")


def test_something_deleted_among_others_is_an_error() -> None:
    def ignored(answer: Document, number: int) -> Document:
        rules = numbered("rules", 2, revision_number=0, deleted_at="2026-01-01T00:00:00.000Z")
        return {"data": rules, "meta": {"total_hits": 2}}

    with pytest.raises(IncompleteResult, match="is deleted, where only others"):
        search(Service([], ignored), "a", types="rules")


# -- wrong arguments cost no request


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "Hand over a text"),
        ({"text": "a", "query": ANYTHING}, "one of the two"),
        ({"text": ""}, "empty"),
        ({"text": "  "}, "empty"),
        ({"text": 7}, "text is a text, not 7"),
        ({"text": "a", "fields": "attributes.Name"}, "small letters"),
        ({"text": "a", "fields": "attributes..name"}, "small letters"),
        ({"text": "a", "fields": ""}, "small letters"),
        ({"text": "a", "fields": ["attributes.name"]}, "fields is one path"),
        ({"text": "a", "fields": "name"}, "Did you mean attributes.name"),
        ({"text": "a", "fields": "attributes"}, "begin with attributes or relationships"),
        ({"text": "a", "fields": "meta.latest_revision_number"}, "does not search meta"),
        ({"text": "a", "operator": "and"}, "AND or OR, in capitals"),
        ({"text": "a", "types": []}, "types is empty"),
        ({"text": "a", "types": "rule"}, "Did you mean rules"),
        (
            {"text": "a", "types": ["rules", "zzz"]},
            "'zzz' is not a resource type. Choose from: properties",
        ),
        ({"text": "a", "types": [["rules"]]}, "is not a resource type"),
        ({"text": "a", "types": 5}, "types is a resource type or a list"),
        (
            {"text": "a", "types": "secrets"},
            r"does not search secrets. Read them with reactor.secrets\(properties\)",
        ),
        ({"query": ANYTHING, "fields": "attributes.name"}, "go with a text"),
        ({"query": ANYTHING, "operator": "OR"}, "go with a text"),
        ({"query": {}}, "at least one path"),
        ({"query": "evar7"}, "query is a dict"),
        ({"query": {7: "a"}}, "7 is not a path"),
        ({"query": {"attributes.name": None}}, 'For missing values: {"exists": False}'),
        ({"query": {"attributes.name": ["a"]}}, "a text, number or bool"),
        ({"query": {"attributes.order": float("nan")}}, "a text, number or bool"),
        ({"query": {"attributes.name": ""}}, "empty"),
        ({"query": {"attributes.name": {}}}, "is one of"),
        ({"query": {"attributes.name": {"value": "a", "exists": True}}}, "is one of"),
        ({"query": {"attributes.name": {"value": "a", "operator": "OR"}}}, "is one of"),
        ({"query": {"attributes.name": {"exists": True, "value_operator": "OR"}}}, "is one of"),
        ({"query": {"attributes.name": {"value": "a", "value_operator": "XOR"}}}, "AND or OR"),
        ({"query": {"attributes.name": {"exists": "yes"}}}, "True or False"),
        ({"query": {"attributes.order": {"range": {}}}}, "a dict with gt, gte, lt, lte"),
        ({"query": {"attributes.order": {"range": {"from": 1}}}}, "a dict with gt, gte, lt, lte"),
        ({"query": {"attributes.order": {"range": {"gt": True}}}}, "whole numbers"),
        ({"query": {"attributes.order": {"range": {"gt": 1.5}}}}, "whole numbers"),
        (
            {"query": {"attributes.created_at": {"range": {"gt": "2026-01-01"}}}},
            "Dates can be filtered",
        ),
        ({"text": "a", "sort": "nam", "types": "rules"}, "Did you mean name"),
        ({"text": "a", "sort": "settings", "types": "rules"}, "cannot be sorted by 'settings'"),
        ({"text": "a", "sort": ""}, "cannot be sorted by 'nothing'"),
        ({"text": "a", "sort": "attributes.*"}, "cannot be sorted by"),
        ({"text": "a", "sort": "nowhere.name"}, "not a path"),
        ({"text": "a", "sort": 5}, "sort names attributes"),
        ({"text": "a", "limit": 0}, "whole number from 1"),
        ({"text": "a", "limit": True}, "whole number from 1"),
        ({"text": "a", "limit": 2.0}, "whole number from 1"),
    ],
)
def test_a_wrong_argument_is_refused_before_any_request(
    arguments: Document, says: str, untouched: Service
) -> None:
    with pytest.raises(ArgumentError, match=says):
        search(untouched, **arguments)
    assert untouched.bodies == []
