"""A service in front of a simulator that changes its requests and responses."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from adobe_nb.simulator.server import Simulator
from tests.support.stub import Answer, Got, Stub, stub

Query = dict[str, str]
JSON_API = "application/vnd.api+json"


class Exchange:
    """A request on its way to the simulator, and the response on its way back."""

    def __init__(self, got: Got) -> None:
        self.method = got.method
        self.path = urlsplit(got.path).path
        self.query: Query = dict(parse_qsl(urlsplit(got.path).query))
        self.status = 200
        self.headers = {"Content-Type": JSON_API}
        self.document: dict[str, Any] = {}

    @property
    def resources(self) -> list[dict[str, Any]]:
        data = self.document.get("data")
        return [data] if isinstance(data, dict) else list(data or [])

    def of(self, resource_type: str) -> list[dict[str, Any]]:
        return [resource for resource in self.resources if resource.get("type") == resource_type]


Change = Callable[[Exchange], object]


@contextmanager
def in_front_of(simulator: Simulator, before: Change, after: Change) -> Iterator[Stub]:
    """Change requests by ``before`` and responses by ``after``."""
    connection = requests.Session()
    connection.trust_env = False

    def answer(got: Got) -> Answer:
        exchange = Exchange(got)
        before(exchange)
        url = f"{simulator.reactor_url}{exchange.path}?{urlencode(exchange.query)}"
        names = ("Authorization", "x-api-key", "x-gw-ims-org-id", "Accept", "Content-Type")
        headers = {name: got.headers[name] for name in names if name in got.headers}
        reply = connection.request(got.method, url, headers=headers, data=got.body)
        exchange.status = reply.status_code
        text = reply.text.replace(simulator.reactor_url, service.url)
        exchange.document = json.loads(text) if text else {}
        after(exchange)
        return Answer(exchange.status, json.dumps(exchange.document).encode(), exchange.headers)

    with stub(answer) as service:
        yield service
    connection.close()
