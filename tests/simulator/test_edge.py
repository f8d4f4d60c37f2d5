"""The simulated Edge Network with requests from Adobe's specification and samples."""

import json
from typing import Any

import pytest
import requests

from adobe_nb.simulator.datastreams import DATASTREAMS
from adobe_nb.simulator.edge import LIMIT

WEB = DATASTREAMS["web"].id
VIEW = {
    "xdm": {
        "eventType": "view",
        "identityMap": {"Email": [{"id": "ana@hearth-harbor.example", "primary": True}]},
    }
}
DECISIONS = {
    "personalization": {
        "decisionScopes": ["home"],
        "schemas": ["https://ns.adobe.com/personalization/html"],
    }
}
DEEP = b"[" * 30_000


@pytest.fixture
def post(demo: Any) -> Any:
    """Return a function that sends an unauthenticated request."""

    def send(path: str, body: Any, **query: str) -> requests.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = demo.connection()["edge_url"] + path
        headers = {"Content-Type": "text/plain;charset=UTF-8"}
        return requests.post(url, params=query, data=data, headers=headers, timeout=60)

    return send


def scopes_of(response: requests.Response) -> list[list[str]]:
    handles = [
        handle
        for handle in response.json()["handle"]
        if handle["type"] == "personalization:decisions"
    ]
    return [[decision["scope"] for decision in handle["payload"]] for handle in handles]


def code_of(response: requests.Response) -> str:
    return str(response.json()["type"]).rpartition("/")[2]


@pytest.mark.parametrize("name", ["datastreamId", "dataStreamId"])
def test_version_2_accepts_both_spellings_of_datastream_id(post: Any, name: str) -> None:
    assert post("/ee/v2/interact", {"event": VIEW}, **{name: WEB}).status_code == 200


def test_version_1_accepts_config_id_only(post: Any) -> None:
    assert post("/ee/v1/interact", {"events": [VIEW]}, configId=WEB).status_code == 200
    refused = post("/ee/v1/interact", {"events": [VIEW]}, datastreamId=WEB)
    assert code_of(refused) == "EXEG-0002-400"
    assert "configId" in refused.json()["detail"]
    assert code_of(post("/ee/v2/interact", {"event": VIEW}, configId=WEB)) == "EXEG-0002-400"


def test_query_of_the_request_returns_decisions_of_its_schema(post: Any) -> None:
    answered = post("/ee/v2/interact", {"event": VIEW, "query": DECISIONS}, dataStreamId=WEB)
    assert scopes_of(answered) == [["home"]]
    assert "https://ns.adobe.com/personalization/html" in answered.text


def test_query_inside_an_event_is_ignored_in_version_2(post: Any) -> None:
    assert (
        scopes_of(
            post("/ee/v2/interact", {"event": {**VIEW, "query": DECISIONS}}, dataStreamId=WEB)
        )
        == []
    )


def test_version_1_reads_the_query_of_each_event(post: Any) -> None:
    second = {
        "xdm": {"eventType": "click"},
        "query": {"personalization": {"decisionScopes": ["cart"]}},
    }
    body = {
        "xdm": {"identityMap": VIEW["xdm"]["identityMap"]},
        "query": DECISIONS,
        "events": [VIEW, second],
    }
    answered = post("/ee/v1/interact", body, configId=WEB)
    assert scopes_of(answered) == [["home"], ["cart"]]
    handles = [
        handle
        for handle in answered.json()["handle"]
        if handle["type"] == "personalization:decisions"
    ]
    assert [handle["eventIndex"] for handle in handles] == [0, 1]


@pytest.mark.parametrize("path", ["/ee/v1/collect", "/ee/irl1/v1/collect"])
def test_batch_of_version_1_gets_empty_response(post: Any, path: str) -> None:
    answered = post(path, {"events": [VIEW, VIEW]}, configId=WEB)
    assert (answered.status_code, answered.content) == (204, b"")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_location_hint_is_echoed_or_gets_empty_404(post: Any, version: str) -> None:
    body, name = (
        ({"events": [VIEW]}, "configId") if version == "v1" else ({"event": VIEW}, "datastreamId")
    )
    handles = post(f"/ee/irl1/{version}/interact", body, **{name: WEB}).json()["handle"]
    assert {location["hint"] for location in handles[0]["payload"]} == {"irl1"}
    unknown = post(f"/ee/gone1/{version}/interact", body, **{name: WEB})
    assert (unknown.status_code, unknown.content) == (404, b"")


def test_region_of_the_cluster_entry_is_kept_if_known(post: Any, demo: Any) -> None:
    key = f"kndctr_{demo.accounts['demo'].org_id.replace('@', '_')}_cluster"
    for value, region in (("irl1", "irl1"), ("gone1", "va6")):
        meta = {"state": {"entries": [{"key": key, "value": value}]}}
        answered = post("/ee/v2/interact", {"event": VIEW, "meta": meta}, datastreamId=WEB).json()
        assert answered["handle"][0]["payload"][0]["hint"] == region


def test_stored_identity_is_returned(post: Any) -> None:
    query = {"identity": {"fetch": ["ECID"]}}
    event = {"xdm": {"eventType": "view"}}
    first = {
        handle["type"]: handle["payload"]
        for handle in post(
            "/ee/v2/interact", {"event": event, "query": query}, datastreamId=WEB
        ).json()["handle"]
    }
    entries = [{"key": entry["key"], "value": entry["value"]} for entry in first["state:store"]]
    body = {"event": event, "query": query, "meta": {"state": {"entries": entries}}}
    handles = post("/ee/v2/interact", body, datastreamId=WEB).json()["handle"]
    again = next(handle["payload"] for handle in handles if handle["type"] == "identity:result")
    assert again == first["identity:result"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (DEEP, "EXEG-0101-400"),
        (b'{"event": {"data": {"a": NaN}}}', "EXEG-0101-400"),
        (b"\xff", "EXEG-0101-400"),
        (b"[]", "EXEG-0101-400"),
        (b"", "EXEG-0109-408"),
        (b"x" * (LIMIT + 1), "EXEG-0112-413"),
        ({}, "EXEG-0103-400"),
        ({"event": None}, "EXEG-0103-400"),
        ({"event": [VIEW]}, "EXEG-0102-400"),
        ({"event": {"xdm": []}}, "EXEG-0102-400"),
        ({"event": {"xdm": {"identityMap": 5}}}, "EXEG-0102-400"),
        ({"event": {"xdm": {"identityMap": {"Email": 5}}}}, "EXEG-0102-400"),
        ({"event": {"xdm": {"identityMap": {"Email": ["a"]}}}}, "EXEG-0102-400"),
        (
            {"event": {"xdm": {"identityMap": {"Email": [{"id": "a", "primary": []}]}}}},
            "EXEG-0306-400",
        ),
        ({"event": VIEW, "meta": []}, "EXEG-0102-400"),
        ({"event": VIEW, "meta": {"state": []}}, "EXEG-0102-400"),
        ({"event": VIEW, "meta": {"state": {"entries": 5}}}, "EXEG-0102-400"),
        ({"event": VIEW, "meta": {"state": {"entries": [5]}}}, "EXEG-0102-400"),
        ({"event": VIEW, "query": []}, "EXEG-0102-400"),
        ({"event": VIEW, "query": {"identity": []}}, "EXEG-0102-400"),
        ({"event": VIEW, "query": {"identity": {"fetch": "ECID"}}}, "EXEG-0102-400"),
        ({"event": VIEW, "query": {"personalization": {"decisionScopes": [5]}}}, "EXEG-0102-400"),
    ],
)
def test_malformed_request_is_refused_with_code(post: Any, body: Any, code: str) -> None:
    refused = post("/ee/v2/interact", body, datastreamId=WEB)
    assert (refused.status_code, code_of(refused)) == (int(code[-3:]), code)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"events": []}, "EXEG-0103-400"),
        ({"events": {}}, "EXEG-0102-400"),
        ({"events": [5]}, "EXEG-0102-400"),
        ({"events": [VIEW], "xdm": 5}, "EXEG-0102-400"),
        ({"events": [{"query": 5}]}, "EXEG-0102-400"),
    ],
)
def test_malformed_batch_is_refused_with_code(post: Any, body: Any, code: str) -> None:
    assert code_of(post("/ee/v1/interact", body, configId=WEB)) == code


@pytest.mark.parametrize(
    ("account", "datastream", "message"),
    [
        ("no_platform", "web", "Required product context is missing"),
        ("no_scope", "web", "Required authorization token scope is missing"),
        ("demo", "read_only_sandbox", "Sandbox not accessible for write"),
    ],
)
def test_authorization_errors_have_adobes_titles(
    demo: Any, account: str, datastream: str, message: str
) -> None:
    details = demo.connection(account)
    headers = {
        "Authorization": f"Bearer {details['access_token']}",
        "x-api-key": details["client_id"],
        "x-gw-ims-org-id": details["org_id"],
    }
    url = f"{details['edge_server_url']}/ee/v2/interact"
    query = {"datastreamId": DATASTREAMS[datastream].id}
    refused = requests.post(url, params=query, json={"event": VIEW}, headers=headers, timeout=60)
    assert (refused.status_code, refused.json()["title"]) == (401, message)


def test_interact_of_aepp_works_unchanged(demo: Any) -> None:
    """aepp 0.6 sends this parameter, these headers and this body."""
    details = demo.connection()
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {details['access_token']}",
        "x-api-key": details["client_id"],
        "x-gw-ims-org-id": details["org_id"],
        "x-sandbox-name": "prod",
    }
    for version, parameter, body in (
        ("v2", "dataStreamId", {"event": VIEW, "query": DECISIONS}),
        ("v1", "configId", {"events": [{**VIEW, "query": DECISIONS}]}),
    ):
        url = f"{details['edge_server_url']}/ee/{version}/interact"
        query = {parameter: WEB, "adobeAepValidationToken": "a session of Assurance"}
        answered = requests.post(
            url, params=query, data=json.dumps(body), headers=headers, timeout=60
        )
        assert answered.status_code == 200
        assert scopes_of(answered) == [["home"]]
