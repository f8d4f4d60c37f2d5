"""The HTTP traffic matches Adobe's OpenAPI file, operation by operation."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.contract.differences import KNOWN_DIFFERENCES, KNOWN_MEMBERS
from tests.contract.document import (
    JSON_API,
    PARTS,
    Violation,
    about,
    answer_schema,
    catalogue,
    document,
    documented,
    elsewhere,
    may_be_null,
    named_members,
    needs_the_document,
    parameters,
    request_schema,
    violations,
)
from tests.contract.operations import EXCUSED, OPERATIONS, Operation
from tests.contract.recording import Exchange

pytestmark = needs_the_document
_NUMBER_OR_NULL = {
    "answer meta.pagination.next_page",
    "answer meta.pagination.prev_page",
}  # FACTS 3
_STATUS_OR_NULL = "answer data.meta.build_status"  # FACTS 13
OFFERED = pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)


def is_elsewhere(operation: Operation) -> bool:
    return operation in [(each["method"], each["path"]) for each in elsewhere()]


def of(operation: Operation, exchanges: dict[str, Exchange]) -> list[Exchange]:
    return [exchanges[call] for call in OPERATIONS[operation]]


def expected_of(operation: Operation) -> dict[str, str]:
    return KNOWN_DIFFERENCES.get(operation, {})


def found_in(exchange: Exchange) -> list[Violation]:
    """Return the deviations of an exchange from the file."""
    operation = exchange.operation
    found = []
    asked = request_schema(operation)
    for request in exchange.requests:
        is_json = request.headers.get("content-type", "").startswith(JSON_API)
        if asked and is_json:
            found += violations(json.loads(request.body), asked, "request")
    for answer in exchange.answers:
        told = answer_schema(operation, answer.status)
        if told and answer.body:
            found += violations(json.loads(answer.body), told, "answer")
        elif told or answer.body:
            found.append(Violation("answer", "", False, "only one of the two has a body"))
    return found


def is_allowed_null(violation: Violation) -> bool:
    """Return whether other sources allow null here; the file cannot express it."""
    where = violation.where
    named = where in _NUMBER_OR_NULL or where == _STATUS_OR_NULL
    return violation.is_null and (named or may_be_null(violation.resource_type, where))


@OFFERED
def test_requests_and_responses_match_the_file(
    operation: Operation, exchanges: dict[str, Exchange]
) -> None:
    if about(operation) is None:
        assert is_elsewhere(operation)
        return
    found = [each for exchange in of(operation, exchanges) for each in found_in(exchange)]
    differences = {each.where: each.message for each in found if not is_allowed_null(each)}
    expected = {
        where for where in expected_of(operation) if where.startswith(("request", "answer"))
    }
    assert {where: text for where, text in differences.items() if where not in expected} == {}
    assert expected - differences.keys() == set(), "no longer needed"


def test_file_does_not_describe_null() -> None:
    kinds = Counter[Any]()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            kinds.update(["nullable"] if "nullable" in value else [])
            kinds.update(value["type"] if isinstance(value.get("type"), list) else [])
        for each in (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        ):
            look(each)

    look(document())
    assert kinds == {}


def test_status_matches_the_file(exchanges: dict[str, Exchange]) -> None:
    index = [each for kind in catalogue()["resources"].values() for each in kind["operations"]]
    for operation in OPERATIONS:
        named = {
            each["success_status"] for each in index if (each["method"], each["path"]) == operation
        }
        item = about(operation)
        allowed = named & {int(status) for status in item["responses"]} if item else named
        got = {answer.status for each in of(operation, exchanges) for answer in each.answers}
        assert got <= allowed, operation


@OFFERED
def test_response_type_matches_the_file(
    operation: Operation, exchanges: dict[str, Exchange]
) -> None:
    index = [each for kind in catalogue()["resources"].values() for each in kind["operations"]]
    named = [
        each["returns"]
        for each in index
        if (each["method"], each["path"]) == operation and "returns" in each
    ]
    expected = expected_of(operation)
    for answer in (answer for each in of(operation, exchanges) for answer in each.answers):
        if not answer.body:
            assert not named or "answer" in expected
            continue
        data = json.loads(answer.body)["data"]
        several = data if isinstance(data, list) else [data]
        kind = {"profiles": "users"}.get(named[0]["type"], named[0]["type"])
        assert kind == "mixed" or {each["type"] for each in several} <= {kind}
        assert isinstance(data, list) == (named[0]["cardinality"] == "many")
        assert all(("attributes" in each) != bool(named[0].get("linkage_only")) for each in several)
        assert several or operation[0] != "GET", "an empty list proves nothing"


def test_required_headers_are_sent(exchanges: dict[str, Exchange]) -> None:
    for operation in OPERATIONS:
        required = {
            each["name"].lower() for each in parameters(operation, "header") if each.get("required")
        }
        for request in (request for each in of(operation, exchanges) for request in each.requests):
            assert required <= request.headers.keys(), operation
            assert request.headers["accept"] == f"{JSON_API};revision=1", operation


def test_query_parameters_match_the_file(exchanges: dict[str, Exchange]) -> None:
    for operation in OPERATIONS:
        named = {each["name"] for each in parameters(operation, "query")}
        # FACTS 4, 5, 18: every list accepts sort, and filters are in brackets; the file has bare
        # names.
        allowed = named | {f"filter[{name}]" for name in named} | {"sort"}
        allowed |= {"page[number]", "page[size]"} if about(operation) is None else set()
        expected = {
            name.removeprefix("query ")
            for name in expected_of(operation)
            if name.startswith("query ")
        }
        queries = [request.query for each in of(operation, exchanges) for request in each.requests]
        assert {name for query in queries for name, _ in query} - allowed == expected, operation
        assert all(int(dict(query).get("page[size]", 1)) <= 100 for query in queries), operation


def test_every_operation_of_the_file_is_supported_or_excused() -> None:
    assert [each for each in documented() if each not in OPERATIONS and each not in EXCUSED] == []


def test_every_other_documented_operation_is_supported_or_excused() -> None:
    others = [(each["method"], each["path"]) for each in elsewhere()]
    assert [each for each in others if each not in OPERATIONS and each not in EXCUSED] == []


def test_every_supported_operation_exists() -> None:
    known = {*documented(), *((each["method"], each["path"]) for each in elsewhere())}
    assert [each for each in [*OPERATIONS, *EXCUSED] if each not in known] == []


def test_known_differences_are_about_operations_of_the_file() -> None:
    assert [each for each in KNOWN_DIFFERENCES if about(each) is None] == []


def test_resources_have_the_members_in_the_file(exchanges: dict[str, Exchange]) -> None:
    named: dict[str, set[str]] = {}
    sent: dict[str, set[str]] = {}
    for exchange in exchanges.values():
        for answer in exchange.answers:
            address = (
                answer_schema(exchange.operation, answer.status)
                if about(exchange.operation)
                else None
            )
            data = json.loads(answer.body)["data"] if address and answer.body else None
            if isinstance(data, dict) and "attributes" in data:
                named.setdefault(data["type"], set()).update(named_members(address))
                has = {f"{part}.{name}" for part in PARTS for name in data.get(part, {})}
                sent.setdefault(data["type"], set()).update(has)
    differing = {(kind, name) for kind in sent for name in sent[kind] ^ named[kind]}
    assert differing == set(KNOWN_MEMBERS)
