"""Requests and responses of the simulator, independent of the server."""

import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

JSON_API = "application/vnd.api+json"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, with header names in lowercase. Headers and body are secret: not in the repr."""

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def content_type(self) -> str:
        """The header Content-Type, or nothing."""
        return self.headers.get("content-type", "")

    @property
    def media_type(self) -> str:
        """The content type without parameters, in lowercase."""
        return self.content_type.partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Response:
    """One response."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = JSON_API
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(status: int, document: object, content_type: str = "application/json") -> Response:
    """Return a response with a JSON document."""
    return Response(status, json.dumps(document).encode(), content_type)


def is_loopback(url: str) -> bool:
    """Return whether the URL leads to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
