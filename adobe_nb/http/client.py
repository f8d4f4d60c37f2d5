"""One ``send()``: allowed hosts, TLS, time limits, no redirects, no cookies, retries.

Secrets enter a request only in the ``Signer``. Errors are raised outside the ``except`` block, so
that no traceback carries a frame that holds a signed request.

Requests go to an adapter of the library one by one, without a ``requests.Session``: that would
keep cookies, follow redirects and read ``.netrc``, and take twice the time.
"""

import ipaddress
import math
import os
import random
import re
import ssl
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Protocol

import requests
import truststore
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from adobe_nb.errors import AdobeError, ArgumentError, HostNotAllowed, TransportError
from adobe_nb.forks import reset_after_fork
from adobe_nb.http.failures import Failure, error_of, failure_of, unusable
from adobe_nb.http.limiter import MOST, Limiter, Turn
from adobe_nb.http.messages import Request, Response, encoded
from adobe_nb.http.retry import Action, Attempt, Decision, RetryPolicy
from adobe_nb.http.workers import pause as interruptible_pause
from adobe_nb.masking import masked_body, masked_text

ALLOWED_HOSTS = ("reactor.adobe.io", "ims-*.adobelogin.com", "*.adobedc.net")
"""Not ``*.adobe.io``: ``runtime.adobe.io`` runs the code of Adobe's customers."""

# One strict pattern decides, so that no two parsers can disagree about the host. ASCII only: to a
# pattern that ignores case, the letters U+0131, U+017F and U+212A are i, s and k, while a resolver
# looks up another name for them.
_FLAGS = re.IGNORECASE | re.ASCII
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:(?P<port>[0-9]{1,5}))?", _FLAGS
)
_PATH = re.compile(r"(/[a-z0-9._~/-]*)?", _FLAGS)
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_ADOBE = re.compile(
    rf"reactor\.adobe\.io|ims-[a-z0-9-]+\.adobelogin\.com|({_LABEL}\.)+adobedc\.net", _FLAGS
)
_HIGHEST_PORT = 65535
_LONGEST_SHOWN = 120
"""Characters of a refused URL that a message quotes."""

PROXY_NAMES = (
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)
_HOSTS = 8
"""Hosts whose connections are kept; a session uses four."""
_PROXIES_KEPT = 60.0
"""Seconds. Reading the proxy settings of the system takes as long as sending a request."""

_JITTER = (0.75, 1.25)
"""Random factors of the back-off, so that threads that failed together retry apart."""
_HEADERS = {
    "User-Agent": "adobe_nb",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
    "Connection": "keep-alive",
}
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
"""The accepted encodings. Others, and nested ones, can unpack to any size before we count."""
_LARGEST = 256 * 2**20
"""Most bytes of a response, unpacked. The largest pages of the API are a few MB."""
_CHUNK = 2**16
"""Bytes that are unpacked at once, which is the most by which a response exceeds the limit."""


class Signer(Protocol):
    """Puts secrets into a request, and renews them when they are refused.

    An optional method ``secrets()`` returns the texts to mask where a refusal quotes them. The
    token in the header ``Authorization`` is masked anyway.
    """

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the prepared request."""
        ...

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """After a 401: renew the token, and return whether to send again."""
        ...


class _Unsigned:
    """No authentication."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request

    def renew(self, refused: requests.PreparedRequest) -> bool:  # noqa: ARG002
        return False


UNSIGNED = _Unsigned()


@dataclass(frozen=True, slots=True)
class Host:
    """A host that credentials may be sent to."""

    origin: str
    """The URL without its path."""
    is_loopback: bool
    """This machine: localhost, 127.0.0.0/8, ::1."""


def host_of(url: str) -> Host | None:
    """Return the host of a URL; None unless it is Adobe over https, or loopback."""
    origin = "/".join(url.split("/", 3)[:3])
    if not _PATH.fullmatch(url, len(origin)):
        return None
    return _allowed(origin)


def is_loopback(url: str) -> bool:
    """Return whether the URL stays on this machine."""
    host = host_of(url)
    return host is not None and host.is_loopback


def check_base_url(url: str) -> None:
    """Refuse a base URL of another host, or with a path. Raises HostNotAllowed."""
    host = host_of(url)
    if host is None:
        raise _not_allowed(url)
    path = url.removeprefix(host.origin)
    if path:
        raise HostNotAllowed(
            f"The base URL {_recognizable(url)} has a path. Remove {path!r}: the paths of the API "
            "are added automatically."
        )


def _not_allowed(url: str) -> HostNotAllowed:
    allowed = ", ".join(map("https://{}".format, ALLOWED_HOSTS))
    return HostNotAllowed(
        f"Credentials must not be sent to {_recognizable(url)}. Allowed are {allowed} and this "
        "machine (127.0.0.1). Correct the base URL (ADOBE_REACTOR_URL, ADOBE_IMS_URL, "
        "ADOBE_EDGE_URL, ADOBE_EDGE_SERVER_URL)."
    )


# A pull checks one host thousands of times.
@lru_cache(maxsize=64)
def _allowed(origin: str) -> Host | None:
    match = _ORIGIN.fullmatch(origin)
    if match is None or int(match["port"] or 0) > _HIGHEST_PORT:
        return None
    if _is_this_machine(match["host"]):
        return Host(origin, is_loopback=True)
    if match["scheme"].lower() != "https" or not _ADOBE.fullmatch(match["host"]):
        return None
    return Host(origin, is_loopback=False)


def _is_this_machine(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _recognizable(url: str) -> str:
    """Return a URL for a message, without a password or query."""
    without_query = re.split(r"[?#]", url)[0]
    without_user = without_query.rpartition("@")[2]
    # In ASCII, so that a look-alike letter shows as an escape.
    return ascii(without_user[:_LONGEST_SHOWN])


class Transport:
    """Sends requests. Safe to use from several threads, and in forked processes.

    ``pause`` is the first back-off in seconds; it doubles with each attempt, and 0 never waits.
    """

    def __init__(
        self,
        *,
        timeout: tuple[float, float] = (10.0, 60.0),
        attempts: int = RetryPolicy.attempts,
        sleep: Callable[[float], object] = interruptible_pause,
        pause: float = RetryPolicy.pause,
        largest: int = _LARGEST,
    ) -> None:
        is_number = isinstance(pause, int | float) and not isinstance(pause, bool)
        if not is_number or not 0 <= pause < math.inf:
            raise ArgumentError(
                f"Invalid retry_pause {pause!r}: must be a number of seconds, 0 or more."
            )
        self._timeout = timeout
        self._policy = RetryPolicy(attempts=attempts, pause=pause)
        self._sleep = sleep
        self._largest = largest
        self._adapter = _new_adapter()
        self._responding: set[tuple[str, tuple[str, ...]]] = set()
        """Services that have responded, by host and media types: several can share a host."""
        reset_after_fork(self)

    def after_fork(self) -> None:
        """In a forked process: open new connections, because the old ones belong to the parent."""
        self._adapter.abandon()
        self._adapter = _new_adapter()

    def send(
        self, request: Request, signer: Signer = UNSIGNED, limiter: Limiter | None = None
    ) -> Response:
        """Send a request, retry it where that is safe, and return the response of any status.

        Each attempt waits for its turn at the limiter. Secrets that a response of status 300 or
        above quotes are masked. Raises HostNotAllowed before anything is sent, RedirectRefused,
        and TransportError if no response arrived.
        """
        host = host_of(request.url)
        if host is None:
            raise _not_allowed(request.url)
        problem: BaseException
        # Without the inner frames, which hold the signed request.
        try:
            return self._send(request, signer, limiter, host)
        except Exception as error:  # noqa: BLE001
            problem = error.with_traceback(None)
        except KeyboardInterrupt:
            problem = KeyboardInterrupt()
        # Outside the except block, where the error would carry the frames along as its context.
        raise problem

    def _send(
        self, request: Request, signer: Signer, limiter: Limiter | None, host: Host
    ) -> Response:
        number, renewed = 1, False
        # One loop, though it has many branches: the whole flow of a request is in one place.
        while True:
            with limiter.turn() if limiter else nullcontext(Turn()) as turn:
                outcome, signed = self._exchange(request, signer, host)
                if (
                    isinstance(outcome, Response)
                    and outcome.status < 300
                    and not outcome.is_foreign
                ):
                    turn.answered = True
                    return outcome
                retry_after = self._report(turn, outcome)
            attempt = Attempt(
                request,
                outcome,
                number,
                responding=(host.origin, request.expects) in self._responding,
                renewed=renewed,
                retry_after=retry_after,
                jitter=random.uniform(*_JITTER),  # noqa: S311
            )
            decision = self._decide(attempt, signer, signed)
            if decision.action is Action.RAISE:
                raise error_of(request, outcome)
            if decision.action is Action.RETURN and isinstance(outcome, Response):
                return outcome
            number += decision.counted
            renewed |= decision.action is Action.RENEW
            # If all threads have to wait, this one waits at the limiter with the others.
            if decision.seconds and not (decision.for_all_threads and limiter):
                with limiter.pausing() if limiter else nullcontext():
                    self._sleep(decision.seconds)

    def _exchange(
        self, request: Request, signer: Signer, host: Host
    ) -> tuple[Response | Failure, requests.PreparedRequest | None]:
        """Send once; return the outcome, and the signed request for the renewal of its token."""
        proxies: Mapping[str, str] = {}
        try:
            signed = _signed(request, signer)
            if not host.is_loopback:
                proxies = proxies_for(host.origin)
            received = self._adapter.send(
                signed, timeout=self._timeout, verify=certificates(), proxies=proxies
            )
            body = self._read_body(request, received)
        # No token, or no certificates: another attempt would not change it.
        except AdobeError:
            raise
        # Whatever the library raises, its text can hold secrets.
        except Exception as error:  # noqa: BLE001
            return failure_of(request, error, is_local=host.is_loopback), None
        if isinstance(body, Failure):
            return body, None
        content_type = received.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        is_foreign = bool(body and request.expects) and content_type not in request.expects
        response = Response(received.status_code, received.headers, body, content_type, is_foreign)
        # Without a media type, any page of a proxy would look like the service.
        if response.status < 300 and request.expects and not is_foreign:
            self._responding.add((host.origin, request.expects))
        # The body of a success is data, which stays as it is.
        if response.status >= 300:
            response = _masked(response, signed, signer)
        return response, signed

    def _read_body(self, request: Request, received: requests.Response) -> bytes | Failure:
        encoding = received.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in _ENCODINGS:
            received.close()
            return unusable(request, "responded in an encoding that was not requested")
        chunks: list[bytes] = []
        length = 0
        for chunk in received.iter_content(_CHUNK):
            chunks.append(chunk)
            length += len(chunk)
            if length > self._largest:
                received.close()
                size = f"{self._largest / 2**20:g} MiB"
                return unusable(request, f"responded with more than {size}; the rest was not read")
        return b"".join(chunks)

    def _report(self, turn: Turn, outcome: Response | Failure) -> float | None:
        """Tell the limiter about the outcome; return the seconds of ``Retry-After``."""
        if isinstance(outcome, Failure):
            return None
        turn.answered = outcome.status < 500
        retry_after = _retry_after(outcome, datetime.now(UTC))
        turn.refused = self._policy.is_refusal(outcome, retry_after)
        turn.retry_after = self._policy.closing_time(outcome, retry_after)
        return retry_after

    def _decide(
        self, attempt: Attempt, signer: Signer, signed: requests.PreparedRequest | None
    ) -> Decision:
        """Return the decision of the policy; if it is to renew the token, do so."""
        decision = self._policy.decide(attempt)
        if decision.action is not Action.RENEW:
            return decision
        # A request whose token was refused had no effect, even if the renewal fails.
        try:
            if signed is not None and signer.renew(signed):
                return decision
        except TransportError as error:
            error.never_sent = True
            raise
        return self._policy.decide(replace(attempt, renewable=False))

    def close(self) -> None:
        """Close the connections. They open again when needed."""
        self._adapter.close()
        # The closed adapter keeps its connections open until it is deleted.
        self._adapter = _new_adapter()


def _retry_after(response: Response, now: datetime) -> float | None:
    """Return the seconds of ``Retry-After``, a number or a date; None if missing or invalid."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value, re.ASCII):
        return float(value)
    date = date_of(value)
    if date is None:
        return None
    # The service's clock, if the response has its time: this machine's may be wrong.
    sent_at = date_of(response.headers.get("Date", "")) or now
    return max(0.0, (date - sent_at).total_seconds())


@lru_cache(maxsize=64)
def date_of(header: str) -> datetime | None:
    """Return the time in a header such as ``Date``; None if it is invalid."""
    try:
        date = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return date


def _signed(request: Request, signer: Signer) -> requests.PreparedRequest:
    # Not by prepare(): the URL is checked and encoded already, and checking it again would take a
    # fifth of the time of a request.
    prepared = requests.PreparedRequest()
    prepared.method = request.method
    prepared.url = request.url + encoded(request.params)
    prepared.body = request.body
    prepared.headers = CaseInsensitiveDict({**_HEADERS, **request.headers})
    # The request for a token may have arrived at IMS; this one was not sent.
    try:
        signed = signer(prepared)
    except TransportError as error:
        error.never_sent = True
        raise
    signed.prepare_content_length(signed.body)
    return signed


def _masked(response: Response, signed: requests.PreparedRequest, signer: Signer) -> Response:
    """Mask the secrets that a refusal or a redirect quotes."""
    bearer = str(signed.headers.get("Authorization") or "").removeprefix("Bearer ")
    secrets_of_signer: Callable[[], Iterable[str]] = getattr(signer, "secrets", tuple)
    secrets = [bearer, *secrets_of_signer()]
    headers = {name: masked_text(value, secrets) for name, value in response.headers.items()}
    body = masked_body(response.body, secrets)
    return replace(response, headers=CaseInsensitiveDict(headers), body=body)


class _Adapter(HTTPAdapter):
    """An adapter that trusts the system's certificates and spends little time on a request.

    Two of the overrides are for speed: together they save 100 of 490 microseconds of processor
    time, and at 20 ms of latency it is the processor that limits a pull.
    """

    def __init__(self, **options: Any) -> None:
        # Not cached properties: in Python 3.11 they hold a lock, which a fork could leave held. One
        # context per adapter, because a certificate file stays loaded in its context.
        self._trust = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._pools: dict[tuple[str, str, str | bool], Any] = {}
        """The connections to each host."""
        super().__init__(**options)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """Add the system's certificates to the settings of a connection."""
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**tls, "ssl_context": self._trust}

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Return the connections to a host; for speed, the URL is parsed once per host."""
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
        """Return the response; for speed, without cookies and the encoding of text."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = resp.headers
        response.raw = resp
        response.request = req
        return response

    def abandon(self) -> None:
        """In a forked process: drop the connections, which belong to the parent.

        Each pool is a queue. A thread of the parent may have held its lock, and the library would
        empty it when the pool is collected. A new queue has a free lock and is empty; the sockets
        are closed in this process only, and nothing is sent.
        """
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for pool in list(manager.pools._container.values()):
                if pool.pool is not None:
                    type(pool.pool).__init__(pool.pool, pool.pool.maxsize)


def _new_adapter() -> _Adapter:
    # Without retries of urllib3: the retry policy counts every attempt and knows which are safe.
    return _Adapter(pool_connections=_HOSTS, pool_maxsize=MOST, max_retries=0)


def certificates() -> str | bool:
    """Return the environment's certificate file, or True. Raises TransportError."""
    name = "REQUESTS_CA_BUNDLE"
    if not os.environ.get(name):
        name = "CURL_CA_BUNDLE"
    path = os.environ.get(name)
    if not path:
        return True
    problem = ""
    try:
        # Called for each request, and Path.stat takes longer.
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        problem = "does not exist, or cannot be read"
    else:
        # The library checks a folder of certificates itself.
        if stat.S_ISREG(status.st_mode) and not _has_certificates(path, status.st_mtime_ns):
            problem = "has no readable certificates"
    if problem:
        raise TransportError(
            f"{name} names {path}, which {problem}. Correct or unset it.", never_sent=True
        )
    return path


@lru_cache(maxsize=8)
def _has_certificates(path: str, changed_at: int) -> bool:  # noqa: ARG001
    """Cached until the file changes."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    # SSLError is an OSError.
    except OSError:
        return False
    return True


def proxies_for(origin: str) -> Mapping[str, str]:
    """Return the environment's proxies, read again when a setting changes and every minute."""
    settings = map(os.environ.get, PROXY_NAMES)
    return _proxies_of_system(origin, (*settings, int(time.monotonic() // _PROXIES_KEPT)))


@lru_cache(maxsize=64)
def _proxies_of_system(url: str, key: tuple[object, ...]) -> Mapping[str, str]:  # noqa: ARG001
    proxies: Mapping[str, str] = requests.utils.get_environ_proxies(url)
    return proxies
