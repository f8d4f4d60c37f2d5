"""One ``send()``: allowed hosts, time limits, no redirects, no cookies, retries. Knows nothing of Reactor.

Secrets enter a request only in the ``Signer``, inside the HTTP library's own frames; every error is raised outside
the ``except`` block, so that no traceback of ours carries a frame that holds them.
"""

import math
import random
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

import requests
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict

from adobe_nb.errors import AdobeError, ArgumentError, TransportError
from adobe_nb.forks import restarts
from adobe_nb.http.adapter import certificates, new_adapter, proxies_for
from adobe_nb.http.cancellation import pause as interruptible_pause
from adobe_nb.http.failures import Failure, error_of, failure_of, too_large, unexpected_encoding
from adobe_nb.http.hosts import check_url
from adobe_nb.http.limiter import Limiter, Turn
from adobe_nb.http.messages import Request, Response
from adobe_nb.http.retry import Action, Attempt, Decision, RetryPolicy
from adobe_nb.masking import masked_body, masked_text

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

    One that has ``secrets()`` names them there as texts, so that they are masked where a refusal quotes them; the token
    in the header ``Authorization`` is masked anyway.
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

    Those frames know the signed request. An error is raised outside the ``except`` block, since it would carry the
    frames along as its context.
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


class Transport:
    """Sends requests; safe to use from several threads at once, and in forked processes.

    ``pause`` is the first back-off in seconds, which doubles with each attempt; 0 for no waiting between attempts.
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
        if isinstance(pause, bool) or not isinstance(pause, int | float) or not 0 <= pause < math.inf:
            raise ArgumentError(f"retry_pause is a number of seconds, 0 or more, not {pause!r}.")
        self._timeout = timeout
        self._policy = RetryPolicy(attempts=attempts, pause=pause)
        self._sleep = sleep
        self._largest = largest
        self._adapter = new_adapter()
        self._known: set[tuple[str, tuple[str, ...]]] = set()
        """The services that gave a real answer before."""
        restarts(self)

    def begin_anew(self) -> None:
        """In a forked process: open new connections; the parent keeps its own."""
        self._adapter.abandon()
        self._adapter = new_adapter()

    @_without_inner_frames
    def send(self, request: Request, signer: Signer = UNSIGNED, limiter: Limiter | None = None) -> Response:
        """Send, repeat what may be repeated, and return the response whatever its status (except redirects).

        Each attempt waits for its turn at the limiter. Raises HostNotAllowed before anything is sent, RedirectRefused,
        and TransportError when no response came. In a response of 300 and above, secrets that it quotes are masked.
        """
        check_url(request.url)
        number = 1
        renewed = False
        while True:
            with _turn(limiter) as turn:
                outcome, signed = self._exchange(request, signer)
                retry_after = self._report(turn, outcome)
            attempt = Attempt(
                request, outcome, number, self._is_known(request), renewed=renewed, retry_after=retry_after,
                jitter=random.uniform(*_JITTER),  # noqa: S311
            )  # fmt: skip
            decision = self._decide(attempt, signer, signed)
            if decision.action is Action.RAISE:
                raise error_of(request, outcome)
            if decision.action is Action.RETURN and isinstance(outcome, Response):
                self._remember(attempt, outcome)
                return outcome
            renewed = renewed or decision.action is Action.RENEW
            if decision.counted:
                number += 1
            # When the service closed for all threads, this request waits at the limiter with the others.
            if decision.seconds and not (decision.everybody and limiter):
                self._sleep(decision.seconds)

    def _exchange(self, request: Request, signer: Signer) -> tuple[Response | Failure, requests.PreparedRequest | None]:
        """Send once and read the response. The second is the signed request, for the renewal of its token."""
        try:
            signed = _signed(request, signer)
            received = self._adapter.send(
                signed,
                timeout=self._timeout,
                verify=certificates(),
                proxies=proxies_for(request.url),
            )
            body = self._read_body(request, received)
        except AdobeError:  # no token, or no certificates: nothing that another attempt would change
            raise
        except Exception as error:  # noqa: BLE001 - whatever the library raises, its text can hold secrets
            return failure_of(request, error), None
        if isinstance(body, Failure):
            return body, None
        response = Response(received.status_code, received.headers, body)
        return _masked(response, signed, signer), signed

    def _decide(self, attempt: Attempt, signer: Signer, signed: requests.PreparedRequest | None) -> Decision:
        """The policy's decision; when it is to renew the token, that is tried at once."""
        decision = self._policy.decide(attempt)
        if decision.action is Action.RENEW and not _renew(signer, signed):
            return self._policy.decide(replace(attempt, renewable=False))
        return decision

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
        """Tell the limiter what came of the turn. Returns the seconds of ``Retry-After``."""
        if isinstance(outcome, Failure):
            return None
        retry_after = outcome.retry_after(datetime.now(UTC))
        turn.refused = self._policy.is_refusal(outcome, retry_after)
        turn.retry_after = self._policy.closing_time(outcome, retry_after)
        turn.answered = outcome.status < 500
        return retry_after

    def _is_known(self, request: Request) -> bool:
        return (request.place, request.expects) in self._known

    def _remember(self, attempt: Attempt, response: Response) -> None:
        """That the service works. Several can share an address, so what it speaks tells them apart."""
        request = attempt.request
        if attempt.known or not request.expects:
            return
        if response.status < 400 and not response.is_foreign_to(request):
            self._known.add((request.place, request.expects))

    def close(self) -> None:
        """Close the connections. They open again when needed."""
        self._adapter.close()
        # The closed one still holds its connections, and the system closes them only when it is gone.
        self._adapter = new_adapter()


def _turn(limiter: Limiter | None) -> AbstractContextManager[Turn]:
    if limiter is None:
        return nullcontext(Turn())
    return limiter.turn()


def _signed(request: Request, signer: Signer) -> requests.PreparedRequest:
    """Ready to be sent. By hand: the URL was checked and is encoded, and ``prepare()`` would cost a fifth of all."""
    prepared = requests.PreparedRequest()
    prepared.method = request.method
    prepared.url = request.full_url
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
    """Without the secrets that a refusal or a redirect quotes. What a success says is data and stays as it is."""
    if response.status < 300:
        return response
    bearer = str(signed.headers.get("Authorization") or "").removeprefix("Bearer ")
    named: Callable[[], Iterable[str]] = getattr(signer, "secrets", tuple)
    secrets = [bearer, *named()]
    headers = {name: masked_text(value, secrets) for name, value in response.headers.items()}
    body = masked_body(response.body, secrets)
    return Response(response.status, CaseInsensitiveDict(headers), body)
