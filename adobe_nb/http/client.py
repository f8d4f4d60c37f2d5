"""One ``send()``: allowed hosts, time limits, no redirects, no cookies, retries. Knows nothing of Reactor.

Secrets enter a request only in the ``Signer``, inside the HTTP library's own frames; every error is raised outside
the ``except`` block, so that no traceback of ours carries a frame that holds them.
"""

import ipaddress
import os
import random
import re
import ssl
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import requests
import truststore
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
)
from urllib3.util.ssl_match_hostname import CertificateError

from adobe_nb.errors import AdobeError, HostNotAllowed, RedirectRefused, TransportError
from adobe_nb.forks import restarts
from adobe_nb.http.cancellation import pause
from adobe_nb.http.limiter import MOST, Limiter, Turn
from adobe_nb.masking import masked_body, masked_text

ALLOWED_HOSTS = ("reactor.adobe.io", "ims-*.adobelogin.com", "*.adobedc.net")
"""Not ``*.adobe.io``: Adobe runs the code of its customers at ``runtime.adobe.io``."""
# One strict pattern decides, so that no two parsers can disagree about which host is meant. In ASCII only: to a pattern
# that ignores case, the letters U+0131, U+017F and U+212A are i, s and k, while a browser or resolver looks up another
# name for them.
_FLAGS = re.IGNORECASE | re.ASCII
_URL = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?(/[a-z0-9._~/-]*)?", _FLAGS)
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_ADOBE = re.compile(rf"reactor\.adobe\.io|ims-[a-z0-9-]+\.adobelogin\.com|({_LABEL}\.)+adobedc\.net", _FLAGS)
_ATTEMPTS = 10
_ATTEMPTS_UNSEEN = 5
"""Where nothing good was heard yet: trouble there is probably there to stay."""
_ATTEMPTS_CONNECTION = 3
_ATTEMPTS_FOREIGN = 2
_ATTEMPTS_REFUSED = 5
_BUSY = {429, 500, 502, 503, 504}
_LONGEST_BACKOFF = 8.0
_LONGEST_PAUSE = 300.0
"""Seconds that a service may ask us to wait; a longer wish is an answer for the user."""
_HEADERS = {"User-Agent": "adobe_nb", "Accept-Encoding": "gzip, deflate", "Accept": "*/*", "Connection": "keep-alive"}
_ENCODINGS = {"", "identity", "gzip", "x-gzip", "deflate"}
"""What we ask for, and nothing twice: other encodings, and encodings of encodings, can unpack to any size."""
_LARGEST = 256 * 2**20
"""Bytes of an answer, unpacked. The largest pages of the API are a few MB."""
_CHUNK = 2**16
_PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Signer(Protocol):
    """Puts secrets into a request, and gets new ones when they are refused.

    One that has ``secrets()`` names them there as texts, so that they are masked where a refusal quotes them; the token
    in the header ``Authorization`` is masked anyway.
    """

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the prepared request."""
        ...

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """After a 401: whether to sign and send once more."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """What to send; never holds a secret."""

    method: str
    url: str
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    repeatable: bool = False
    """A repetition cannot do harm: reads, and asking for a token."""
    expects: tuple[str, ...] = ()
    """Media types of a real answer. Anything else comes from something in between, and is asked for again."""

    @property
    def full_url(self) -> str:
        """The URL with its query."""
        return f"{self.url}?{_query(self.params)}" if self.params else self.url


@lru_cache(maxsize=256)
def _query(params: tuple[tuple[str, str], ...]) -> str:
    """The same for thousands of lists."""
    return urlencode(params)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. The body stays out of the repr: it can be a token."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def content_type(self) -> str:
        """The media type, lower case, without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


class _Unsigned(AuthBase):
    """No auth at all; being there also keeps requests from reading .netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request

    def renew(self, refused: requests.PreparedRequest) -> bool:  # noqa: ARG002
        return False


UNSIGNED = _Unsigned()


def is_loopback(url: str) -> bool:
    """Whether the URL stays on this machine: localhost, 127.0.0.0/8, ::1."""
    match = _matched(url)
    return match is not None and _is_loopback_host(match[2])


def _matched(url: str) -> re.Match[str] | None:
    match = _URL.fullmatch(url)
    if match is None or (match[3] and int(match[3][1:]) > 65535):
        return None
    return match


@lru_cache(maxsize=64)
def _is_loopback_host(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_allowed(url: str) -> bool:
    """Whether credentials may go there: to Adobe over https, or to this machine."""
    match = _matched(url)
    if match is None:
        return False
    if _is_loopback_host(match[2]):
        return True
    return match[1].lower() == "https" and _ADOBE.fullmatch(match[2]) is not None


def check_url(url: str) -> None:
    """Refuse whatever is not Adobe over https, or loopback. Raises HostNotAllowed."""
    if is_allowed(url):
        return
    raise HostNotAllowed(
        f"{_recognisable(url)} is not an address that credentials may go to. Allowed are "
        f"{', '.join('https://' + host for host in ALLOWED_HOSTS)} and this machine (127.0.0.1). "
        "Correct the base URL (ADOBE_REACTOR_URL, ADOBE_IMS_URL, ADOBE_EDGE_URL, ADOBE_EDGE_SERVER_URL)."
    )


def check_base_url(url: str) -> None:
    """The same for a base URL, which has no path either. Raises HostNotAllowed."""
    check_url(url)
    match = _matched(url)
    if match and match[4]:
        raise HostNotAllowed(
            f"The base URL {_recognisable(url)} has a path. Leave out {match[4]!r}: the API's own are added to it."
        )


def _recognisable(url: str) -> str:
    """Enough to know it by, without what may be a password or a query."""
    # In ASCII, so that a letter that only looks like another one is told apart.
    return ascii(re.split(r"[?#]", url)[0].rpartition("@")[2][:120])


class _Adapter(HTTPAdapter):
    """Trusts what the operating system trusts, besides the certificates that requests brings along."""

    def __init__(self, **options: Any) -> None:
        # One for each transport: certificates that are trusted once stay trusted in a context.
        self._trust = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """One pool, with the system's certificates."""
        self._pools: dict[Any, Any] = {}
        super().init_poolmanager(*args, **options, ssl_context=self._trust)

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """The pool of the host, without looking at the URL once more."""
        if proxies:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        key = (str(request.url).split("/", 3)[2], str(request.url)[:5], verify)
        found = self._pools.get(key)
        if found is None:
            found = self._pools[key] = super().get_connection_with_tls_context(request, verify, proxies, cert)
        return found

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """The path with its query."""
        return super().request_url(request, proxies) if proxies else request.path_url

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Without cookies and guesses about the encoding."""
        answer = requests.Response()
        answer.status_code, answer.raw, answer.request = resp.status, resp, req
        answer.headers = resp.headers
        return answer

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """The same through a proxy."""
        return super().proxy_manager_for(proxy, **options, ssl_context=self._trust)

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


def _new_adapter() -> _Adapter:
    # urllib3 repeats nothing: every attempt is counted here, where the method is known.
    return _Adapter(pool_connections=8, pool_maxsize=MOST, max_retries=0)


class Transport:
    """Sends requests; safe to use from several threads at once, and in forked processes."""

    def __init__(
        self,
        *,
        timeout: tuple[float, float] = (10.0, 60.0),
        attempts: int = _ATTEMPTS,
        sleep: Callable[[float], object] = pause,
        pause: float = 0.5,
        largest: int = _LARGEST,
    ) -> None:
        self._timeout = timeout
        self._attempts = attempts
        self._attempts_unseen = min(attempts, _ATTEMPTS_UNSEEN)
        self._sleep = sleep
        self._pause = pause
        self._largest = largest
        self._adapter = _new_adapter()
        self._seen: set[tuple[str, tuple[str, ...]]] = set()
        """Who gave a real answer before: the place, and what it speaks there."""
        restarts(self)

    def begin_anew(self) -> None:
        """In a forked process: connections of its own. Those of the parent go on without being said goodbye to."""
        self._adapter.abandon()
        self._adapter = _new_adapter()

    def send(self, request: Request, signer: Signer = UNSIGNED, limiter: Limiter | None = None) -> Response:
        """Send, repeat what may be repeated, and return the answer whatever its status (except redirects).

        Each attempt waits for its turn at the limiter. Raises HostNotAllowed before anything is sent, RedirectRefused,
        and TransportError when no answer came. Of an answer of 400 and above, secrets that it quotes are masked.
        """
        check_url(request.url)
        problem: AdobeError | None = None
        answer: Response | None = None
        interrupted = False
        try:
            answer = self._answer(request, signer, limiter)
        except AdobeError as error:
            problem = error.with_traceback(None)
        except KeyboardInterrupt:
            interrupted = True
        # Raised here, whatever it was and wherever: no frame below this one is in the traceback, since those know the
        # signed request.
        if interrupted:
            raise KeyboardInterrupt
        if problem is not None:
            raise problem
        if answer is None:
            raise TransportError(f"{_place(request)} gave no answer. {_again(request)}")
        return answer

    def _answer(self, request: Request, signer: Signer, limiter: Limiter | None) -> Response:
        renewed = False
        attempt = 0
        while True:
            attempt += 1
            last = attempt >= (self._attempts if _voice(request) in self._seen else self._attempts_unseen)
            answer, prepared = self._in_turn(request, signer, limiter)
            if isinstance(answer, _Failure):
                few = answer.never_sent and attempt >= _ATTEMPTS_CONNECTION
                if few or last or answer.final or not (request.repeatable or answer.never_sent):
                    raise TransportError(answer.message, never_sent=answer.never_sent)
                self._sleep(self._backoff(attempt))
                continue
            if 300 <= answer.status < 400:
                raise RedirectRefused(_redirect_message(request, answer))
            worth_it = not renewed or (attempt < _ATTEMPTS_REFUSED and _voice(request) in self._seen)
            if answer.status == 401 and worth_it and prepared is not None and _renewed(signer, prepared):
                # A refused token was not acted on: even a write may be repeated. The first one is no failed attempt.
                if renewed:
                    self._sleep(self._backoff(attempt))
                else:
                    renewed, attempt = True, attempt - 1
                continue
            if last or not self._worth_asking_again(request, answer, attempt):
                return answer
            wish = _retry_after(answer)
            if not (wish and limiter and answer.status in _BUSY):
                self._sleep(wish or self._backoff(attempt))
            # Else it is the limiter's affair: it keeps everybody waiting, this request too.

    def _worth_asking_again(self, request: Request, answer: Response, attempt: int) -> bool:
        if (_retry_after(answer) or 0) > _LONGEST_PAUSE:
            return False
        if answer.status in _BUSY:
            return request.repeatable or answer.status == 429
        voice = _voice(request)
        if not request.expects or answer.content_type in request.expects or not answer.body:
            if answer.status < 400 and request.expects:
                self._seen.add(voice)
            return False
        # A page of something in between.
        return request.repeatable and (voice in self._seen or attempt < _ATTEMPTS_FOREIGN)

    def _backoff(self, attempt: int) -> float:
        return float(min(self._pause * 2 ** (attempt - 1), _LONGEST_BACKOFF) * random.uniform(0.75, 1.25))  # noqa: S311

    def _in_turn(
        self, request: Request, signer: Signer, limiter: Limiter | None
    ) -> "tuple[Response | _Failure, requests.PreparedRequest | None]":
        with limiter.turn() if limiter else nullcontext(Turn(0, 0)) as turn:
            answer, prepared = self._attempt(request, signer)
            if isinstance(answer, Response):
                wish = _retry_after(answer) if answer.status in _BUSY else None
                turn.refused = answer.status == 429 or wish is not None
                # What is too long to wait for must not keep everybody else waiting either.
                turn.retry_after = None if wish is None or wish > _LONGEST_PAUSE else wish
                turn.answered = answer.status < 500
            return answer, prepared

    def _attempt(
        self, request: Request, signer: Signer
    ) -> "tuple[Response | _Failure, requests.PreparedRequest | None]":
        certificates = _certificates()
        answer: requests.Response | None = None
        body: bytes | None = b""
        failure: _Failure | None = None
        problem: AdobeError | None = None
        try:
            # Straight to the adapter: no cookies, no redirects, no .netrc, and half the time of a requests.Session.
            prepared = _prepared(request, signer)
            answer = self._adapter.send(
                prepared, timeout=self._timeout, verify=certificates, proxies=_proxies(request.url)
            )
            body = self._body(answer)
        except requests.RequestException as error:
            failure = _describe(request, error)
        except AdobeError as error:  # of the signer: the token cannot be had
            problem = _not_sent(error)
        except Exception as error:  # noqa: BLE001 - whatever the libraries raise, their text can hold secrets
            failure = _Failure(f"The request to {_place(request)} failed ({type(error).__name__}).")
        if problem is not None:
            raise problem
        if failure is not None or answer is None:
            return failure or _Failure("no answer"), None
        if body is None:
            return self._unreadable(request, answer), None
        return _without_secrets(
            Response(answer.status_code, answer.headers, body), answer.request, signer
        ), answer.request

    def _body(self, answer: requests.Response) -> bytes | None:
        """The bytes, unpacked as they come; None when they are too many, or packed in a way that has no limit."""
        if answer.headers.get("Content-Encoding", "").strip().lower() not in _ENCODINGS:
            answer.close()
            return None
        chunks: list[bytes] = []
        length = 0
        for chunk in answer.iter_content(_CHUNK):
            chunks.append(chunk)
            length += len(chunk)
            if length > self._largest:
                answer.close()
                return None
        return b"".join(chunks)

    def _unreadable(self, request: Request, answer: requests.Response) -> "_Failure":
        unsure = "" if request.repeatable else f" {_again(request)}"
        encoding = answer.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in _ENCODINGS:
            what = "answered in an encoding that it was not asked for"
        else:
            what = f"answered with more than {self._largest / 2**20:g} MiB, so the rest was not read"
        return _Failure(
            f"{_place(request)} {what}. Is this really Adobe's address? Check proxy and VPN.{unsure}", final=True
        )

    def close(self) -> None:
        """Close the connections. They open again when needed."""
        self._adapter.close()


def _prepared(request: Request, signer: Signer) -> requests.PreparedRequest:
    """Ready to be sent. By hand: the URL was checked and is encoded, and ``prepare()`` would cost a fifth of all."""
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url, prepared.body = request.method, request.full_url, request.body
    prepared.headers = CaseInsensitiveDict({**_HEADERS, **request.headers})
    signed = signer(prepared)
    signed.prepare_content_length(signed.body)
    return signed


def _renewed(signer: Signer, refused: requests.PreparedRequest) -> bool:
    """A new token after a 401; the request was not acted on, whatever happens to the token."""
    try:
        return signer.renew(refused)
    except AdobeError as error:
        problem = _not_sent(error)
    raise problem


def _without_secrets(answer: Response, sent: requests.PreparedRequest, signer: Signer) -> Response:
    """A refusal, or a redirect, without the secrets that it quotes; what is no refusal is data, and stays as it is."""
    if answer.status < 300:
        return answer
    bearer = str(sent.headers.get("Authorization") or "").removeprefix("Bearer ")
    named: Callable[[], Iterable[str]] = getattr(signer, "secrets", tuple)
    secrets = [bearer, *named()]
    headers = CaseInsensitiveDict({name: masked_text(value, secrets) for name, value in answer.headers.items()})
    return Response(answer.status, headers, masked_body(answer.body, secrets))


def _not_sent(error: AdobeError) -> AdobeError:
    """An error on the way to a token: the request itself has not gone out."""
    if isinstance(error, TransportError):
        error.never_sent = True
    return error


@dataclass(frozen=True, slots=True)
class _Failure:
    message: str
    never_sent: bool = False
    final: bool = False
    """Sending it again would give the same."""


def _describe(request: Request, error: requests.RequestException) -> _Failure:
    """Our words for what the HTTP library met; never its own, which can quote proxies with passwords."""
    place = _place(request)
    reason = _reason(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return _of_proxy(request, getattr(reason, "original_error", reason))
    if (status := _refused_tunnel(reason)) is not None:
        return _proxy_refused(place, status)
    if isinstance(error, requests.exceptions.SSLError):
        if not _is_about_the_certificate(reason):
            return _Failure(f"The encrypted connection to {place} failed. Check VPN and proxy. {_again(request)}")
        return _Failure(
            f"The certificate of {place} was not accepted. If your company's proxy re-signs traffic, point "
            "REQUESTS_CA_BUNDLE at its certificate file.",
            True,
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return _Failure(f"{place} did not accept a connection in time. Check network and VPN, then run it again.", True)
    if isinstance(error, requests.exceptions.Timeout):
        return _Failure(f"{place} did not answer in time. {_again(request)}")
    if isinstance(error, requests.exceptions.ConnectionError):
        refused = isinstance(reason, (NewConnectionError, NameResolutionError))
        what = "cannot be reached" if refused else "broke off the connection"
        advice = (
            "Is the simulator running (adobe-nb simulator)?"
            if is_loopback(request.url)
            else "Check network, VPN, proxy."
        )
        unsure = "" if refused or request.repeatable else f" {_again(request)}"
        return _Failure(f"{place} {what}. {advice}{unsure}", refused)
    if isinstance(error, (requests.exceptions.InvalidSchema, requests.exceptions.InvalidProxyURL)):
        return _Failure(f"The proxy set for {place} cannot be used. Check HTTPS_PROXY, ALL_PROXY.", True)
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)):
        return _Failure(f"{place} broke off in the middle of its answer. {_again(request)}")
    return _Failure(f"The request to {place} failed ({type(error).__name__}). {_again(request)}")


def _reason(error: BaseException) -> object:
    """What the HTTP library met in the end. By type, never by text: a text can be the server's own."""
    first = error.args[0] if error.args else None
    if isinstance(first, MaxRetryError):
        return first.reason
    # ProtocolError("Connection aborted.", the error itself)
    if isinstance(first, ProtocolError) and len(first.args) > 1:
        return first.args[1]
    return first


def _is_about_the_certificate(reason: object) -> bool:
    inner = reason.args[0] if isinstance(reason, BaseException) and reason.args else None
    return any(isinstance(each, (ssl.SSLCertVerificationError, CertificateError)) for each in (reason, inner))


def _of_proxy(request: Request, origin: object) -> _Failure:
    """The library says "proxy" of a later break as well."""
    place = _place(request)
    if (status := _refused_tunnel(origin)) is not None:
        return _proxy_refused(place, status)
    if isinstance(origin, NameResolutionError):
        return _Failure(
            f"The name of the proxy set for this machine is unknown, so {place} was not reached. Check HTTPS_PROXY.",
            True,
        )
    if isinstance(origin, NewConnectionError):
        return _Failure(
            f"The proxy set for this machine refused the connection, so {place} was not reached. Check HTTPS_PROXY, "
            "and whether the proxy is running.",
            True,
        )
    if isinstance(origin, ConnectTimeoutError):
        return _Failure(
            f"The proxy set for this machine did not accept a connection in time, so {place} was not reached. Check "
            "HTTPS_PROXY and VPN.",
            True,
        )
    return _Failure(f"The proxy on the way to {place} broke off the connection. {_again(request)}")


def _refused_tunnel(error: object) -> int | None:
    """The status with which a proxy refused to lead on.

    The standard library has no type of its own for it: a plain OSError without a number, in words that begin so. The
    proxy's words come after the status.
    """
    if type(error) is not OSError or error.errno is not None or not error.args:
        return None
    found = re.match(r"Tunnel connection failed: ([0-9]{3})\b", str(error.args[0]), re.ASCII)
    return int(found[1]) if found else None


def _proxy_refused(place: str, status: int) -> _Failure:
    what = f"The proxy on the way to {place} refused with {status}"
    if status == 407:
        # Not again with the same: some proxies lock an account after a few wrong passwords.
        return _Failure(
            f"{what}: the proxy asks for a user name and password, or does not accept those in HTTPS_PROXY. Set "
            "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT in the environment, with special characters as %XX.",
            True,
            final=True,
        )
    if status in {401, 403}:
        return _Failure(f"{what}: it does not allow this address. Ask your network's administrators.", True, final=True)
    if status >= 500:
        return _Failure(f"{what}: it could not reach {place}. Check VPN and proxy, then run it again.", True)
    return _Failure(f"{what}. Check HTTPS_PROXY.", True)


def _again(request: Request) -> str:
    return "Run it again." if request.repeatable else "It may have arrived, and sending it again may count it twice."


def _voice(request: Request) -> tuple[str, tuple[str, ...]]:
    """Who answers: behind one address there can be several services, such as sign-in and API in the simulator."""
    return _place(request), request.expects


def _place(request: Request) -> str:
    return _host_of("/".join(request.url.split("/", 3)[:3]))


@lru_cache(maxsize=64)
def _host_of(origin: str) -> str:
    parts = urlsplit(origin)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _redirect_message(request: Request, answer: Response) -> str:
    # A Location is the server's own text and may be no URL at all: only a plain host name is repeated.
    target = re.match(r"https?://([A-Za-z0-9.-]+)", answer.headers.get("Location", ""))
    where = target[1] if target else "another address"
    return (
        f"{_place(request)} answered with a redirect to {where}, which is not followed because credentials would "
        "go along. Often this is a proxy's login page: sign in to your network, then run it again."
    )


def _retry_after(answer: Response) -> float | None:
    """Seconds, of a number or a date; None when nothing usable is said."""
    value = answer.headers.get("Retry-After", "").strip()
    if not value:
        return None
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value, re.ASCII):
        return float(value)
    moment = date_of(value)
    if moment is None:
        return None
    # By the service's clock, where it tells: ours may be wrong.
    return max(0.0, (moment - (date_of(answer.headers.get("Date", "")) or datetime.now(UTC))).total_seconds())


@lru_cache(maxsize=64)
def date_of(header: str) -> datetime | None:
    """The moment in a header such as ``Date``; None when it is none."""
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _certificates() -> str | bool:
    """The certificates to trust: the environment's file, else the usual ones. Never none."""
    name = "REQUESTS_CA_BUNDLE" if os.environ.get("REQUESTS_CA_BUNDLE") else "CURL_CA_BUNDLE"
    path = os.environ.get(name)
    if not path:
        return True
    problem = ""
    try:
        about = os.stat(path)  # noqa: PTH116 - for each request
    except OSError:
        problem = "does not exist, or cannot be read"
    else:
        if stat.S_ISREG(about.st_mode) and not _has_certificates(path, about.st_mtime_ns):
            problem = "has no certificates that can be read"
    if problem:
        raise TransportError(f"{name} names {path}, which {problem}. Correct or unset it.", never_sent=True)
    return path


@lru_cache(maxsize=8)
def _has_certificates(path: str, changed: int) -> bool:  # noqa: ARG001 - a file that was changed is another one
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:  # of which SSLError is one
        return False
    return True


def _proxies(url: str) -> dict[str, str]:
    """The environment's proxies, but never for this machine."""
    if is_loopback(url):
        return {}
    parts = urlsplit(url)
    named = tuple(os.environ.get(each) or os.environ.get(each.upper()) for each in _PROXY_NAMES)
    # Looked up once a minute: asking the system for each request would cost as much as sending it.
    return dict(_looked_up(f"{parts.scheme}://{parts.netloc}", named, int(time.monotonic() // 60)))


@lru_cache(maxsize=64)
def _looked_up(url: str, named: tuple[str | None, ...], minute: int) -> tuple[tuple[str, str], ...]:  # noqa: ARG001
    found: Mapping[str, Any] = requests.utils.get_environ_proxies(url)
    return tuple((scheme, str(proxy)) for scheme, proxy in found.items())
