"""Requests and responses, without any secret of ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """An unsigned request: it never holds a secret."""

    method: str
    url: str
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    repeatable: bool = False
    """Whether sending it twice is harmless, as for reads and for fetching a token."""
    expects: tuple[str, ...] = ()
    """Media types of the service. A body of another type comes from a proxy."""

    @property
    def full_url(self) -> str:
        """The URL with its query."""
        return self.url + encoded(self.params)

    @property
    def host(self) -> str:
        """The host and port, for messages."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True, slots=True)
class Response:
    """A response. Its body, which can be a token, stays out of the repr."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    content_type: str = ""
    """The media type in lowercase, without parameters."""
    is_foreign: bool = False
    """Whether a proxy or similar wrote it, for example a login page."""

    @property
    def is_redirect(self) -> bool:
        """Whether it is a 3xx; none of them is followed."""
        return 300 <= self.status < 400


# A pull sends thousands of requests with the same query.
@lru_cache(maxsize=256)
def encoded(params: tuple[tuple[str, str], ...]) -> str:
    """Return a query as in a URL, with its question mark."""
    if not params:
        return ""
    return f"?{urlencode(params)}"
