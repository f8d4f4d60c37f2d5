"""When to send a request again: a pure decision about each attempt.

All rules about repeating a request are here, and nothing else: no clock, no sleeping, no I/O. A
write is repeated only when it is certain that it was not done: it never arrived, or was refused
with 429 or 401.
"""

from dataclasses import dataclass
from enum import Enum

from adobe_nb.http.failures import Failure
from adobe_nb.http.messages import Request, Response

BUSY = frozenset({429, 500, 502, 503, 504})
"""Statuses that a later attempt may not meet."""


class Action(Enum):
    """What to do after an attempt."""

    RETURN = "return the response"
    WAIT = "wait, then send the request again"
    RENEW = "renew the token, then send the request again"
    RAISE = "raise the error"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and how long to wait before the next attempt."""

    action: Action
    seconds: float = 0.0
    everybody: bool = False
    """All threads have to wait, not only this one: the service said so."""
    counted: bool = True
    """The next attempt has the next number."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt and what is known about its request and its service."""

    request: Request
    outcome: Response | Failure
    number: int = 1
    known: bool = False
    """The service has given a real answer before, so trouble may pass."""
    renewable: bool = True
    """The token can be renewed, as far as is known."""
    renewed: bool = False
    """The token was renewed for this request before."""
    retry_after: float | None = None
    jitter: float = 1.0
    """A random factor for the back-off, so that threads which failed together do not come back
    together.
    """


@dataclass(frozen=True)
class RetryPolicy:
    """How often to try, and how long to wait in between."""

    pause: float = 0.5
    """Seconds before the second attempt; doubles with each one. 0 for no waiting."""
    longest_pause: float = 8.0
    longest_wait: float = 300.0
    """Seconds that a service may ask for; a longer wait is for the user to decide on."""
    attempts: int = 10
    attempts_unknown: int = 5
    """For a service that has not answered yet: its trouble is probably there to stay."""
    attempts_unreachable: int = 3
    """A host that refuses connections does not come back within seconds."""
    attempts_foreign: int = 2
    """For a service that is unknown: a login page in between stays until the user has signed in."""
    attempts_unauthorized: int = 5
    """A new token can take seconds to be accepted everywhere. If none ever was, the credential is
    wrong.
    """

    def decide(self, attempt: Attempt) -> Decision:
        """What to do after the attempt."""
        if isinstance(attempt.outcome, Failure):
            return self._after_failure(attempt, attempt.outcome)
        if attempt.outcome.is_redirect:
            return Decision(Action.RAISE)
        if attempt.outcome.status == 401 and self._may_renew(attempt):
            return self._renewal(attempt)
        if self._is_last(attempt):
            return Decision(Action.RETURN)
        return self._after_response(attempt, attempt.outcome)

    def is_refusal(self, response: Response, retry_after: float | None) -> bool:
        """Whether the service has too many requests at once, so that the limiter must slow down."""
        return response.status == 429 or (response.status in BUSY and retry_after is not None)

    def closing_time(self, response: Response, retry_after: float | None) -> float | None:
        """The seconds for which no thread may ask the service; None when it can be asked at any
        time.
        """
        if response.status not in BUSY or retry_after is None:
            return None
        # A wait that is too long for this request must not keep all others waiting either.
        if retry_after > self.longest_wait:
            return None
        return retry_after

    def _after_failure(self, attempt: Attempt, failure: Failure) -> Decision:
        give_up = Decision(Action.RAISE)
        if failure.final or self._is_last(attempt):
            return give_up
        if failure.never_sent:
            if attempt.number >= self.attempts_unreachable:
                return give_up
        elif not attempt.request.repeatable:
            return give_up
        return self._back_off(attempt)

    def _after_response(self, attempt: Attempt, response: Response) -> Decision:
        repeatable = attempt.request.repeatable
        if response.status in BUSY:
            again = repeatable or response.status == 429
        elif response.is_foreign:
            again = repeatable and (attempt.known or attempt.number < self.attempts_foreign)
        else:
            again = False
        wait = attempt.retry_after or 0.0
        if not again or wait > self.longest_wait:
            return Decision(Action.RETURN)
        # "Retry-After: 0" does not mean that the next attempt will succeed.
        if wait == 0:
            return self._back_off(attempt)
        return Decision(Action.WAIT, wait, everybody=response.status in BUSY)

    def _may_renew(self, attempt: Attempt) -> bool:
        if not attempt.renewable:
            return False
        if not attempt.renewed:
            return True
        return attempt.known and attempt.number < self.attempts_unauthorized

    def _renewal(self, attempt: Attempt) -> Decision:
        # An expired token does not count as a failed attempt. A new one that is refused may need a
        # moment.
        if not attempt.renewed:
            return Decision(Action.RENEW, counted=False)
        return Decision(Action.RENEW, self._pause_after(attempt))

    def _back_off(self, attempt: Attempt) -> Decision:
        return Decision(Action.WAIT, self._pause_after(attempt))

    def _pause_after(self, attempt: Attempt) -> float:
        pause = self.pause * 2.0 ** (attempt.number - 1)
        return min(pause, self.longest_pause) * attempt.jitter

    def _is_last(self, attempt: Attempt) -> bool:
        if attempt.known:
            return attempt.number >= self.attempts
        return attempt.number >= min(self.attempts, self.attempts_unknown)
