"""When to send a request again: a pure decision about each attempt, without clock or I/O.

A write is retried only when it is certain that it had no effect: it never arrived, or was refused
with 429 or 401.
"""

from dataclasses import dataclass
from enum import Enum

from adobe_nb.http.failures import Failure
from adobe_nb.http.messages import Request, Response

BUSY = frozenset({429, 500, 502, 503, 504})
"""Statuses that a later attempt may not get."""


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
    for_all_threads: bool = False
    """Whether all threads wait, not only this one: the limit applies to all of them."""
    counted: bool = True
    """Whether the next attempt has the next number."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt, and the state of its request and its service."""

    request: Request
    outcome: Response | Failure
    number: int = 1
    responding: bool = False
    """The service has responded before, so a problem may pass."""
    renewable: bool = True
    """The token can be renewed, as far as known."""
    renewed: bool = False
    """The token was already renewed for this request."""
    retry_after: float | None = None
    jitter: float = 1.0
    """A random factor of the back-off, so that threads that failed together retry apart."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often to try, and how long to wait in between."""

    pause: float = 0.5
    """Seconds before the second attempt; doubles with each one. 0 never waits."""
    longest_pause: float = 8.0
    longest_wait: float = 300.0
    """Seconds that a service may ask for. A longer wait is for the user to decide."""
    attempts: int = 10
    attempts_unknown: int = 5
    """For a service that has not responded yet: its problem is probably permanent."""
    attempts_unreachable: int = 3
    """A host that refuses connections does not come back within seconds."""
    attempts_foreign: int = 2
    """For a login page of a proxy, which stays until the user has signed in."""
    attempts_unauthorized: int = 5
    """A new token can take seconds to be accepted by all servers of the service."""

    def decide(self, attempt: Attempt) -> Decision:
        """Decide what to do after an attempt."""
        outcome = attempt.outcome
        if isinstance(outcome, Failure):
            return self._after_failure(attempt, outcome)
        if outcome.is_redirect:
            return Decision(Action.RAISE)
        if outcome.status == 401 and self._may_renew(attempt):
            # An expired token does not count as a failed attempt. If the new one is refused, too,
            # it may not be accepted everywhere yet.
            if not attempt.renewed:
                return Decision(Action.RENEW, counted=False)
            return Decision(Action.RENEW, self._back_off(attempt))
        if self._is_last(attempt):
            return Decision(Action.RETURN)
        return self._after_response(attempt, outcome)

    def is_refusal(self, response: Response, retry_after: float | None) -> bool:
        """Return whether the service has too many requests, so that the limiter must slow down."""
        return response.status == 429 or (response.status in BUSY and retry_after is not None)

    def closing_time(self, response: Response, retry_after: float | None) -> float | None:
        """Return the seconds for which no thread may send a request to the service, if any."""
        if response.status not in BUSY or retry_after is None:
            return None
        # A wait that is too long for this request must not stop all others.
        if retry_after > self.longest_wait:
            return None
        return retry_after

    def _after_failure(self, attempt: Attempt, failure: Failure) -> Decision:
        if failure.final or self._is_last(attempt):
            return Decision(Action.RAISE)
        can_retry = attempt.request.repeatable
        if failure.never_sent:
            can_retry = attempt.number < self.attempts_unreachable
        if not can_retry:
            return Decision(Action.RAISE)
        return Decision(Action.WAIT, self._back_off(attempt))

    def _after_response(self, attempt: Attempt, response: Response) -> Decision:
        can_retry = False
        if response.status in BUSY:
            can_retry = attempt.request.repeatable or response.status == 429
        elif response.is_foreign and attempt.request.repeatable:
            can_retry = attempt.responding or attempt.number < self.attempts_foreign
        wait = attempt.retry_after or 0.0
        if not can_retry or wait > self.longest_wait:
            return Decision(Action.RETURN)
        # "Retry-After: 0" does not mean that the next attempt will succeed.
        if wait == 0:
            return Decision(Action.WAIT, self._back_off(attempt))
        return Decision(Action.WAIT, wait, for_all_threads=response.status in BUSY)

    def _may_renew(self, attempt: Attempt) -> bool:
        if not attempt.renewed:
            return attempt.renewable
        # If the service has never accepted a token, the credential is wrong.
        is_last = attempt.number >= self.attempts_unauthorized
        return attempt.renewable and attempt.responding and not is_last

    def _back_off(self, attempt: Attempt) -> float:
        pause = self.pause * 2.0 ** (attempt.number - 1)
        return min(pause, self.longest_pause) * attempt.jitter

    def _is_last(self, attempt: Attempt) -> bool:
        most = self.attempts
        if not attempt.responding:
            most = min(most, self.attempts_unknown)
        return attempt.number >= most
