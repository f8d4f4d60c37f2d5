"""Sends the requests of a report: GET, and one search."""

import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.jsonapi import JSON_API
from adobe_nb.checkup.shapes import members_of
from adobe_nb.errors import TransportError

MOST_REQUESTS = 70
"""What is announced. The demo company has more than one page, property and revision of everything,
so a tour of it takes as many as a tour can.
"""

_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_HEADERS = frozenset(
    {
        "age",
        "allow",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "etag",
        "expires",
        "last-modified",
        "link",
        "retry-after",
        "server",
        "strict-transport-security",
        "transfer-encoding",
        "vary",
        "via",
        "x-request-id",
        "x-runtime",
    }
)
"""Headers that are listed. A proxy can add others, whose names may say whose it is."""
_LIMIT_WORDS = "limit|remaining|reset|policy|used|requests|second|minute|hour|day"
_RATE_LIMIT = re.compile(rf"(x-)?rate-?limit(-({_LIMIT_WORDS}))*")


@dataclass(frozen=True, slots=True)
class Reply:
    """A response: its status, and its document."""

    status: int
    content_type: str
    document: dict[str, Any]

    @property
    def resources(self) -> list[dict[str, Any]]:
        """The resources of a list, or the single one."""
        data = self.document.get("data")
        if isinstance(data, dict):
            return [data]
        if not isinstance(data, list):
            return []
        return [item for item in data if isinstance(item, dict)]

    @property
    def pagination(self) -> dict[str, Any]:
        """``meta.pagination``, or nothing."""
        return members_of(members_of(self.document, "meta"), "pagination")

    @property
    def total(self) -> int:
        """The number of resources in the list, or those on the page if it does not say."""
        total = self.pagination.get("total_count")
        if isinstance(total, int):
            return total
        return len(self.resources)

    @property
    def by_id(self) -> dict[str, dict[str, Any]]:
        """The resources by id, as far as the id can be part of a path."""
        resources = {}
        for resource in self.resources:
            resource_id = resource.get("id")
            if isinstance(resource_id, str) and _ID.fullmatch(resource_id):
                resources[resource_id] = resource
        return resources

    @property
    def ids(self) -> list[str]:
        """The ids of these resources."""
        return list(self.by_id)

    def values(self, name: str) -> list[Any]:
        """Return an attribute of each resource."""
        return [members_of(resource, "attributes").get(name) for resource in self.resources]


class Reader:
    """Reads, and counts statuses and headers."""

    def __init__(self, client: Client) -> None:
        self.base_url = client.base_url
        self.sent = 0
        self.statuses: Counter[str] = Counter()
        self.media_types: Counter[str] = Counter()
        self.headers: set[str] = set()
        self._client = client

    def get(self, path: str, **params: object) -> Reply:
        """Send a GET; ``page_size=5`` stands for ``page[size]=5``. Raises TransportError."""
        query = []
        for keyword, value in params.items():
            name = keyword
            family, _, member = keyword.partition("_")
            if family in {"page", "filter"}:
                name = f"{family}[{member}]"
            query.append((name, str(value)))
        return self._reply(path, params=tuple(query))

    def get_as(self, path: str, accept: str) -> Reply:
        """Send a GET that accepts another media type."""
        return self._reply(path, headers={"Accept": accept})

    def search(self, query: dict[str, Any]) -> Reply:
        """Send a search, the one POST that reads."""
        body = json.dumps({"data": query}).encode()
        headers = {"Accept": f"{JSON_API};revision=1", "Content-Type": JSON_API}
        return self._reply("/search", method="POST", headers=headers, body=body)

    def _reply(self, path: str, **request: Any) -> Reply:
        self.sent += 1
        response = self._client.exchange(path, **request)
        # A report can be made at any time, so it does not compete with other requests.
        if response.status == 429:
            raise TransportError(
                "The service received too many requests (429). Run it again later."
            )
        self.statuses[str(response.status)] += 1
        for name in response.headers:
            self.headers.add(_listed(name.lower()))
        content_type = response.content_type
        if content_type not in {JSON_API, "application/json", ""}:
            content_type = "another"
        self.media_types[content_type or "none"] += 1
        document: Any = None
        # Any body may come, also one that is not text.
        with suppress(ValueError, RecursionError):
            document = json.loads(response.body)
        if not isinstance(document, dict):
            document = {}
        return Reply(response.status, content_type, document)

    @property
    def rate_limits(self) -> list[str]:
        """The headers that speak of a limit."""
        return [name for name in sorted(self.headers) if _RATE_LIMIT.fullmatch(name)]


def _listed(header: str) -> str:
    if header in _HEADERS or _RATE_LIMIT.fullmatch(header):
        return header
    return "(others)"
