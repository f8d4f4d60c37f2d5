"""The adapter of requests: trusts the system's certificates, and obeys the environment's certificate file and proxies.

Requests are handed to it one by one, without a ``requests.Session``: that would keep cookies, follow redirects and read
``.netrc``, and take twice the time.
"""

import os
import ssl
import stat
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import requests
import truststore
from requests.adapters import HTTPAdapter

from adobe_nb.errors import TransportError
from adobe_nb.http.hosts import is_loopback
from adobe_nb.http.limiter import MOST

_PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_HOSTS = 8
"""Hosts whose connections are kept: a session talks to four."""
_PROXIES_KEPT = 60.0
"""Seconds. Asking the system for its proxies takes as long as sending a request."""


class Adapter(HTTPAdapter):
    """An adapter that spends as little time on a request as it can.

    One override sets the certificates to trust; it is the one that requests names for this. The other two are there
    for speed: they save 40 and 28 of 1,060 microseconds of processor time, and at 20 ms of latency it is the processor
    that limits a pull.
    """

    def __init__(self, **options: Any) -> None:
        # Both here, not when first used: a cached property of Python 3.11 holds a lock, which a fork would leave held.
        # One context for each adapter: a certificate file that was loaded once stays loaded in it.
        self._trust = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._pools: dict[tuple[str, str, str | bool], Any] = {}
        """The connections to each host; they stay open for as long as this adapter lives."""
        super().__init__(**options)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """The settings of a connection, with the system's certificates."""
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**tls, "ssl_context": self._trust}

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """The connections to the host; for speed: the URL is parsed once for each host."""
        find = super().get_connection_with_tls_context
        if proxies:
            return find(request, verify, proxies, cert)
        scheme, _, host = str(request.url).split("/", 3)[:3]
        key = (scheme, host, verify)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = find(request, verify, proxies, cert)
        return pool

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """The response; for speed: cookies and the encoding of text are of no use to us."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = resp.headers
        response.raw = resp
        response.request = req
        return response

    def abandon(self) -> None:
        """In a forked process: drop the connections, which are still the parent's.

        Each pool is a queue, whose lock a thread of the parent may have held, and which the library empties when the
        pool is collected or Python ends. Made once more, it has a free lock, and nothing to empty; the sockets are
        closed here only, and nothing is sent.
        """
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for pool in list(manager.pools._container.values()):
                if pool.pool is not None:
                    type(pool.pool).__init__(pool.pool, pool.pool.maxsize)


def new_adapter() -> Adapter:
    """An adapter with room for as many connections as there can be requests in flight."""
    # urllib3 repeats nothing: the retry policy counts every attempt, and knows what may be repeated.
    return Adapter(pool_connections=_HOSTS, pool_maxsize=MOST, max_retries=0)


def certificates() -> str | bool:
    """The environment's certificate file, or True for the usual ones. Raises TransportError when it is unusable."""
    name = "REQUESTS_CA_BUNDLE" if os.environ.get("REQUESTS_CA_BUNDLE") else "CURL_CA_BUNDLE"
    path = os.environ.get(name)
    if not path:
        return True
    problem = _problem_of(path)
    if problem:
        text = f"{name} names {path}, which {problem}. Correct or unset it."
        raise TransportError(text, never_sent=True)
    return path


def _problem_of(path: str) -> str:
    try:
        status = os.stat(path)  # noqa: PTH116 - for each request, and Path.stat takes longer
    except OSError:
        return "does not exist, or cannot be read"
    # A folder of certificates is the library's affair.
    if stat.S_ISREG(status.st_mode) and not _has_certificates(path, status.st_mtime_ns):
        return "has no certificates that can be read"
    return ""


@lru_cache(maxsize=8)
def _has_certificates(path: str, changed: int) -> bool:  # noqa: ARG001 - a changed file is another one
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:  # SSLError is one
        return False
    return True


def proxies_for(url: str) -> dict[str, str]:
    """The environment's proxies, but none for this machine."""
    if is_loopback(url):
        return {}
    parts = urlsplit(url)
    settings = tuple(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXY_NAMES)
    period = int(time.monotonic() // _PROXIES_KEPT)
    return dict(_proxies_of_system(f"{parts.scheme}://{parts.netloc}", (*settings, period)))


@lru_cache(maxsize=64)
def _proxies_of_system(url: str, key: tuple[object, ...]) -> tuple[tuple[str, str], ...]:  # noqa: ARG001
    """Read once for each ``key``: the settings of the environment, and the minute."""
    proxies: Mapping[str, Any] = requests.utils.get_environ_proxies(url)
    return tuple((scheme, str(proxy)) for scheme, proxy in proxies.items())
