"""HTTP messages: what is sent and what comes back, without any secret of ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """A request to send; never holds a secret."""

    method: str
    url: str
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    repeatable: bool = False
    """Sending it twice does no harm: reads, and fetching a token."""
    expects: tuple[str, ...] = ()
    """Media types of the service. A body of any other type comes from something in between."""

    @property
    def full_url(self) -> str:
        """The URL with its query."""
        return self.url + encoded(self.params)

    @property
    def place(self) -> str:
        """The host that it goes to, with the port if there is one; for messages."""
        origin = "/".join(self.url.split("/", 3)[:3])
        return _place(origin)


@dataclass(frozen=True, slots=True)
class Response:
    """A response. The body stays out of the repr: it can be a token."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    content_type: str = ""
    """The media type, lower case, without parameters."""
    is_foreign: bool = False
    """Something in between wrote it, such as the login page of a proxy."""

    @property
    def is_redirect(self) -> bool:
        """Any 3xx: none of them is followed."""
        return 300 <= self.status < 400


# Thousands of lists are read with the same query from the same host.
@lru_cache(maxsize=256)
def encoded(params: tuple[tuple[str, str], ...]) -> str:
    """A query as it stands in a URL, with its question mark."""
    return f"?{urlencode(params)}" if params else ""


@lru_cache(maxsize=64)
def _place(origin: str) -> str:
    parts = urlsplit(origin)
    host = str(parts.hostname)
    return f"{host}:{parts.port}" if parts.port else host
