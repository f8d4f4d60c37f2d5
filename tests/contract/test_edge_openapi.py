"""The simulated Edge Network accepts the samples in Adobe's OpenAPI file and fits its schemas."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator

from adobe_nb.simulator.datastreams import DATASTREAMS
from tests.conftest import sign_in

FILE = Path(__file__).parents[3] / "shared" / "edge" / "openapi.yaml"
pytestmark = pytest.mark.skipif(
    not FILE.is_file(), reason=f"Adobe's OpenAPI file is not here ({FILE})."
)
WEB = DATASTREAMS["web"].id
PRIMARY = {"Email": [{"id": "john.doe@example.com", "primary": True}]}


@cache
def document() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml", reason="PyYAML reads Adobe's OpenAPI file.")
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["schemas"][name]
    return found


def examples() -> Iterator[dict[str, Any]]:
    """Yield an event for each sample of a part of an event in the file."""
    context = schema("XdmContextData")["properties"]
    event = schema("XdmEventData")["allOf"][2]["properties"]
    for name, about in {**context, **event}.items():
        if "example" in about:
            yield {
                "xdm": {
                    "identityMap": PRIMARY,
                    name: json.loads(json.dumps(about["example"], default=str)),
                }
            }
    yield {
        "xdm": {"identityMap": PRIMARY},
        "data": schema("SingleEvent")["properties"]["data"]["example"],
    }


def assert_fits(answer: object, name: str) -> None:
    whole = {**schema(name), "components": document()["components"]}
    Draft202012Validator(whole).validate(answer)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_samples_of_the_file_get_documented_responses(demo: Any, version: str) -> None:
    details = demo.connection()
    auth = {
        "Authorization": f"Bearer {details['access_token']}",
        "x-api-key": details["client_id"],
        "x-gw-ims-org-id": details["org_id"],
    }
    base, headers = (
        (details["edge_url"], {}) if version == "v1" else (details["edge_server_url"], auth)
    )
    query = {"configId" if version == "v1" else "datastreamId": WEB}
    beside = {
        "query": {"identity": schema("IdentityQuery")["example"]},
        "meta": {"state": {"entries": []}},
    }
    events = list(examples())
    assert len(events) > 8
    for event in events:
        body = {"events": [event]} if version == "v1" else {"event": event}
        answered = requests.post(
            f"{base}/ee/{version}/interact",
            params=query,
            json={**body, **beside},
            headers=headers,
            timeout=60,
        )
        assert answered.status_code == 200, (event, answered.text)
        assert_fits(answered.json(), "InteractResponse")
    answered = requests.post(
        f"{base}/ee/{version}/collect",
        params=query,
        json={"events": events, **beside},
        headers=headers,
        timeout=60,
    )
    if version == "v1":
        assert (answered.status_code, answered.content) == (204, b"")
    else:
        assert answered.status_code == 202
        assert_fits(answered.json(), "CollectV2Response")


def test_requests_of_the_file_can_be_sent_unchanged(demo: Any) -> None:
    edge = sign_in(demo).edge
    beside = {
        "query": {"identity": {"fetch": ["ECID"]}},
        "meta": {"state": schema("StateMetadata")["example"]},
    }
    for event in list(examples())[:2]:
        frame = edge.interact(WEB, {"event": event, **beside})
        assert "identity:result" in frame["type"].tolist()
    assert len(edge.collect(WEB, {"events": list(examples()), **beside})) == len(list(examples()))
