"""One ``send()``: allowed hosts, TLS, time limits, no redirects, no cookies, retries. Knows nothing
of Reactor.

Secrets enter a request only in the ``Signer``, inside the HTTP library's own frames; every error is
raised outside the ``except`` block, so that no traceback of ours carries a frame that holds them.

Requests are handed to an adapter of the library one by one, without a ``requests.Session``: that
would keep cookies, follow redirects and read ``.netrc``, and take twice the time.
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
from functools import lru_cache, wraps
from typing import Any, ParamSpec, Protocol, TypeVar

import requests
import truststore
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict

from adobe_nb.errors import AdobeError, ArgumentError, HostNotAllowed, TransportError
from adobe_nb.forks import restarts
from adobe_nb.http.failures import Failure, error_of, failure_of, too_large, unexpected_encoding
from adobe_nb.http.limiter import MOST, Limiter, Turn
from adobe_nb.http.messages import Request, Response, encoded
from adobe_nb.http.retry import Action, Attempt, Decision, RetryPolicy
from adobe_nb.http.workers import pause as interruptible_pause
from adobe_nb.masking import masked_body, masked_text

ALLOWED_HOSTS = ("reactor.adobe.io", "ims-*.adobelogin.com", "*.adobedc.net")
"""Not ``*.adobe.io``: Adobe runs the code of its customers at ``runtime.adobe.io``."""

# One strict pattern decides, so that no two parsers can disagree about which host is meant. ASCII
# only: to a pattern that ignores case, the letters U+0131, U+017F and U+212A are i, s and k, while
# a browser or resolver looks up another name for them.
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
"""Characters of a refused URL that a message repeats."""

_PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_HOSTS = 8
"""Hosts whose connections are kept: a session talks to four."""
_PROXIES_KEPT = 60.0
"""Seconds. Asking the system for its proxies takes as long as sending a request."""

_JITTER = (0.75, 1.25)
"""Least and most of the back-off that is really waited."""
_HEADERS = {
    "User-Agent": "adobe_nb",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
    "Connection": "keep-alive",
}
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
"""What we ask for. Others, and encodings of encodings, can unpack to any size before we count."""
_LARGEST = 256 * 2**20
"""Bytes of a response, unpacked. The largest pages of the API are a few MB."""
_CHUNK = 2**16
"""Bytes that are unpacked at once, so that the limit is passed by no more than that."""

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class Signer(Protocol):
    """Puts secrets into a request, and gets new ones when they are refused.

    One that has ``secrets()`` names them there as texts, so that they are masked where a refusal
    quotes them; the token in the header ``Authorization`` is masked anyway.
    """

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the prepared request."""
        ...

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """After a 401: whether to sign and send once more."""
        ...


class _Unsigned(AuthBase):
    """No authentication."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request

    def renew(self, refused: requests.PreparedRequest) -> bool:  # noqa: ARG002
        return False


UNSIGNED = _Unsigned()


def _without_inner_frames(
    function: Callable[_Arguments, _Result],
) -> Callable[_Arguments, _Result]:
    """Decorator: no frame of the function, or of what it calls, is in the traceback of an error.

    Those frames know the signed request. An error is raised outside the ``except`` block, since it
    would carry the frames along as its context.
    """

    @wraps(function)
    def call(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        problem: BaseException
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - raised again below
            problem = error.with_traceback(None)
        except KeyboardInterrupt:
            problem = KeyboardInterrupt()
        raise problem

    return call


@dataclass(frozen=True, slots=True)
class Host:
    """Where credentials may go."""

    origin: str
    """The URL without its path."""
    is_loopback: bool
    """It is this machine: localhost, 127.0.0.0/8, ::1."""


def host_of(url: str) -> Host | None:
    """The host of a URL; None for whatever is not Adobe over https, or loopback."""
    origin = "/".join(url.split("/", 3)[:3])
    return _allowed(origin) if _PATH.fullmatch(url, len(origin)) else None


def is_loopback(url: str) -> bool:
    """Whether the URL stays on this machine."""
    host = host_of(url)
    return host is not None and host.is_loopback


def check_base_url(url: str) -> None:
    """Refuse what is not allowed, and any path, in a base URL. Raises HostNotAllowed."""
    host = host_of(url)
    if host is None:
        raise _not_allowed(url)
    path = url.removeprefix(host.origin)
    if path:
        raise HostNotAllowed(
            f"The base URL {_recognizable(url)} has a path. Leave out {path!r}: the API's own paths are added."
        )


def _not_allowed(url: str) -> HostNotAllowed:
    allowed = ", ".join(f"https://{name}" for name in ALLOWED_HOSTS)
    return HostNotAllowed(
        f"{_recognizable(url)} is not an address that credentials may go to. Allowed are {allowed} and this machine "
        "(127.0.0.1). "
        "Correct the base URL (ADOBE_REACTOR_URL, ADOBE_IMS_URL, ADOBE_EDGE_URL, ADOBE_EDGE_SERVER_URL)."
    )


# A pull asks this of one host thousands of times.
@lru_cache(maxsize=64)
def _allowed(origin: str) -> Host | None:
    match = _ORIGIN.fullmatch(origin)
    if match is None or int(match["port"] or 0) > _HIGHEST_PORT:
        return None
    if _is_this_machine(match["host"]):
        return Host(origin, is_loopback=True)
    is_adobe = match["scheme"].lower() == "https" and _ADOBE.fullmatch(match["host"]) is not None
    return Host(origin, is_loopback=False) if is_adobe else None


def _is_this_machine(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _recognizable(url: str) -> str:
    """The URL for a message, without what may be a password or a query."""
    without_query = re.split(r"[?#]", url)[0]
    without_user = without_query.rpartition("@")[2]
    # In ASCII, so that a letter that only looks like another one is told apart.
    return ascii(without_user[:_LONGEST_SHOWN])


class Transport:
    """Sends requests; safe to use from several threads at once, and in forked processes.

    ``pause`` is the first back-off in seconds, which doubles with each attempt; 0 for no waiting
    between attempts.
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
        if (
            isinstance(pause, bool)
            or not isinstance(pause, int | float)
            or not 0 <= pause < math.inf
        ):
            raise ArgumentError(f"retry_pause is a number of seconds, 0 or more, not {pause!r}.")
        self._timeout = timeout
        self._policy = RetryPolicy(attempts=attempts, pause=pause)
        self._sleep = sleep
        self._largest = largest
        self._adapter = _new_adapter()
        self._known: set[tuple[str, tuple[str, ...]]] = set()
        """The services that gave a real answer before, told apart by what they speak: several can
        share a host.
        """
        restarts(self)

    def begin_anew(self) -> None:
        """In a forked process: open new connections; the parent keeps its own."""
        self._adapter.abandon()
        self._adapter = _new_adapter()

    @_without_inner_frames
    def send(
        self, request: Request, signer: Signer = UNSIGNED, limiter: Limiter | None = None
    ) -> Response:
        """Send, repeat what may be repeated, and return the response whatever its status (except
        redirects).

        Each attempt waits for its turn at the limiter. Raises HostNotAllowed before anything is
        sent, RedirectRefused, and TransportError when no response came. In a response of 300 and
        above, secrets that it quotes are masked.
        """
        host = host_of(request.url)
        if host is None:
            raise _not_allowed(request.url)
        number = 1
        renewed = False
        while True:
            with limiter.turn() if limiter else nullcontext(Turn()) as turn:
                outcome, signed = self._exchange(request, signer, host)
                if (
                    isinstance(outcome, Response)
                    and outcome.status < 300
                    and not outcome.is_foreign
                ):
                    turn.answered = True
                    self._known.add((host.origin, request.expects))
                    return outcome
                retry_after = self._report(turn, outcome)
            attempt = Attempt(
                request,
                outcome,
                number,
                # Of a service that says nothing of itself, any page in between looks like a real
                # answer.
                known=bool(request.expects) and (host.origin, request.expects) in self._known,
                renewed=renewed,
                retry_after=retry_after,
                jitter=random.uniform(*_JITTER),  # noqa: S311
            )
            decision = self._decide(attempt, signer, signed)
            if decision.action is Action.RAISE:
                raise error_of(request, outcome)
            if decision.action is Action.RETURN and isinstance(outcome, Response):
                return outcome
            renewed = renewed or decision.action is Action.RENEW
            if decision.counted:
                number += 1
            # When the service closed for all threads, this request waits at the limiter with the
            # others.
            if decision.seconds and not (decision.everybody and limiter):
                self._sleep(decision.seconds)

    def _exchange(
        self, request: Request, signer: Signer, host: Host
    ) -> tuple[Response | Failure, requests.PreparedRequest | None]:
        """Send once and read the response. The second is the signed request, for the renewal of its
        token.
        """
        try:
            signed = _signed(request, signer)
            received = self._adapter.send(
                signed,
                timeout=self._timeout,
                verify=_certificates(),
                proxies={} if host.is_loopback else _proxies_for(host.origin),
            )
            body = self._read_body(request, received)
        except (
            AdobeError
        ):  # no token, or no certificates: nothing that another attempt would change
            raise
        except Exception as error:  # noqa: BLE001 - whatever the library raises, its text can hold secrets
            return failure_of(request, error, is_local=host.is_loopback), None
        if isinstance(body, Failure):
            return body, None
        content_type = received.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        is_foreign = bool(body and request.expects) and content_type not in request.expects
        response = Response(received.status_code, received.headers, body, content_type, is_foreign)
        # What a success says is data and stays as it is.
        if response.status >= 300:
            response = _masked(response, signed, signer)
        return response, signed

    def _read_body(self, request: Request, received: requests.Response) -> bytes | Failure:
        encoding = received.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in _ENCODINGS:
            received.close()
            return unexpected_encoding(request)
        chunks: list[bytes] = []
        length = 0
        for chunk in received.iter_content(_CHUNK):
            chunks.append(chunk)
            length += len(chunk)
            if length > self._largest:
                received.close()
                return too_large(request, self._largest)
        return b"".join(chunks)

    def _report(self, turn: Turn, outcome: Response | Failure) -> float | None:
        """Tell the limiter about a refusal. Returns the seconds of ``Retry-After``."""
        if isinstance(outcome, Failure):
            return None
        retry_after = _retry_after(outcome, datetime.now(UTC))
        turn.refused = self._policy.is_refusal(outcome, retry_after)
        turn.retry_after = self._policy.closing_time(outcome, retry_after)
        turn.answered = outcome.status < 500
        return retry_after

    def _decide(
        self, attempt: Attempt, signer: Signer, signed: requests.PreparedRequest | None
    ) -> Decision:
        """The policy's decision; when it is to renew the token, that is tried at once."""
        decision = self._policy.decide(attempt)
        if decision.action is Action.RENEW and not _renew(signer, signed):
            return self._policy.decide(replace(attempt, renewable=False))
        return decision

    def close(self) -> None:
        """Close the connections. They open again when needed."""
        self._adapter.close()
        # The closed one still holds its connections, and the system closes them only when it is
        # gone.
        self._adapter = _new_adapter()


def _retry_after(response: Response, now: datetime) -> float | None:
    """The seconds of ``Retry-After``, from a number or a date; None when it is missing or invalid."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value, re.ASCII):
        return float(value)
    moment = date_of(value)
    if moment is None:
        return None
    # The service's clock counts where it is told: this machine's may be wrong.
    sent_at = date_of(response.headers.get("Date", "")) or now
    return max(0.0, (moment - sent_at).total_seconds())


@lru_cache(maxsize=64)
def date_of(header: str) -> datetime | None:
    """The time in a header such as ``Date``; None when it is invalid."""
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment


def _signed(request: Request, signer: Signer) -> requests.PreparedRequest:
    """Ready to be sent. By hand: the URL was checked and is encoded, and ``prepare()`` would cost a
    fifth of all.
    """
    prepared = requests.PreparedRequest()
    prepared.method = request.method
    prepared.url = request.url + encoded(request.params)
    prepared.body = request.body
    prepared.headers = CaseInsensitiveDict({**_HEADERS, **request.headers})
    try:
        signed = signer(prepared)
    except TransportError as error:
        # It is the request for a token that may have arrived; this one has not gone out.
        error.never_sent = True
        raise
    signed.prepare_content_length(signed.body)
    return signed


def _renew(signer: Signer, refused: requests.PreparedRequest | None) -> bool:
    """Whether there is a new token after a 401."""
    if refused is None:
        return False
    try:
        return signer.renew(refused)
    except TransportError as error:
        # A request with a refused token was not acted on, whatever happens to the token.
        error.never_sent = True
        raise


def _masked(response: Response, signed: requests.PreparedRequest, signer: Signer) -> Response:
    """Without the secrets that a refusal or a redirect quotes."""
    bearer = str(signed.headers.get("Authorization") or "").removeprefix("Bearer ")
    named: Callable[[], Iterable[str]] = getattr(signer, "secrets", tuple)
    secrets = [bearer, *named()]
    headers = {name: masked_text(value, secrets) for name, value in response.headers.items()}
    body = masked_body(response.body, secrets)
    return replace(response, headers=CaseInsensitiveDict(headers), body=body)


class _Adapter(HTTPAdapter):
    """An adapter that spends as little time on a request as it can.

    One override sets the certificates to trust; it is the one that requests names for this. The
    other two are there for speed: together they save 100 of 490 microseconds of processor time, and
    at 20 ms of latency it is the processor that limits a pull.
    """

    def __init__(self, **options: Any) -> None:
        # Both here, not when first used: a cached property of Python 3.11 holds a lock, which a
        # fork would leave held. One context for each adapter: a certificate file that was loaded
        # once stays loaded in it.
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

        Each pool is a queue, whose lock a thread of the parent may have held, and which the library
        empties when the pool is collected or Python ends. Made once more, it has a free lock, and
        nothing to empty; the sockets are closed here only, and nothing is sent.
        """
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for pool in list(manager.pools._container.values()):
                if pool.pool is not None:
                    type(pool.pool).__init__(pool.pool, pool.pool.maxsize)


def _new_adapter() -> _Adapter:
    """An adapter with room for as many connections as there can be requests in flight."""
    # urllib3 repeats nothing: the retry policy counts every attempt, and knows what may be
    # repeated.
    return _Adapter(pool_connections=_HOSTS, pool_maxsize=MOST, max_retries=0)


def _certificates() -> str | bool:
    """The environment's certificate file, or True for the usual ones. Raises TransportError when it
    is unusable.
    """
    name = "REQUESTS_CA_BUNDLE" if os.environ.get("REQUESTS_CA_BUNDLE") else "CURL_CA_BUNDLE"
    path = os.environ.get(name)
    if not path:
        return True
    problem = ""
    try:
        status = os.stat(path)  # noqa: PTH116 - for each request, and Path.stat takes longer
    except OSError:
        problem = "does not exist, or cannot be read"
    else:
        # A folder of certificates is the library's affair.
        if stat.S_ISREG(status.st_mode) and not _has_certificates(path, status.st_mtime_ns):
            problem = "has no certificates that can be read"
    if problem:
        text = f"{name} names {path}, which {problem}. Correct or unset it."
        raise TransportError(text, never_sent=True)
    return path


@lru_cache(maxsize=8)
def _has_certificates(path: str, changed: int) -> bool:  # noqa: ARG001 - a changed file is another one
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:  # SSLError is one
        return False
    return True


def _proxies_for(origin: str) -> Mapping[str, str]:
    """The environment's proxies. They are read anew when its settings change, and every minute."""
    settings = tuple(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXY_NAMES)
    return _proxies_of_system(origin, (*settings, int(time.monotonic() // _PROXIES_KEPT)))


@lru_cache(maxsize=64)
def _proxies_of_system(url: str, key: tuple[object, ...]) -> Mapping[str, str]:  # noqa: ARG001
    proxies: Mapping[str, Any] = requests.utils.get_environ_proxies(url)
    return {scheme: str(proxy) for scheme, proxy in proxies.items()}
