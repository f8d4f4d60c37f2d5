"""Requests and answers of the simulator, without a server."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

JSON_API = "application/vnd.api+json"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are lower case; the repr shows neither headers nor body, they hold
    secrets.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = JSON_API
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(status: int, document: object, content_type: str = "application/json") -> Response:
    """A JSON document as an answer."""
    return Response(status, json.dumps(document).encode(), content_type)
