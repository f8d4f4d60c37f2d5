"""Adaptive concurrency limit: starts low, grows on success, halves on 429.

All threads of an organization share one. Until the first 429, each clean response raises the limit
by one. After a 429, the roof is one less than the number of requests in flight at the refusal, and
the limit grows back to it in smaller steps. The roof rises with the square of the clean responses
at it, slowly at first, then ever faster: a service that takes ten requests at once refuses less
than one in a hundred, and one that takes more than before is soon used in full. Without a roof it
would refuse one in thirty, and a pull would take a quarter longer.
"""

import math
import random
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from adobe_nb.forks import reset_after_fork, run_after_fork
from adobe_nb.http.workers import Cancelled, worker

MOST = 64
"""The highest ceiling, which is the number of connections that the adapter keeps."""
START = 4
"""Low enough for any service, high enough to reach the ceiling with a dozen responses."""
_LOWEST_ROOF = 2
"""One refusal at two in flight may be chance; a roof of 1 would read one by one."""
_PROBE = 150
"""How fast the roof rises: by one after about 1.4 times as many clean responses at the roof.

A refusal costs about 20 responses, until the limit has grown back.
"""
_HISTORY = 400
"""Responses to remember, to find out whether load is the reason for a refusal."""
_LOAD_SHARE = 0.05
"""The least share of refusals that is due to load. Occasional failures are fewer."""
_SLOWER = 3.0
"""How many times slower than usual an overloaded service is."""
_SLOWER_SECONDS = 0.25
"""How much slower it is at least: a response of 5 ms may take 15."""
_SAMPLES = 8
"""The fewest durations for a median."""
_SLICE = 0.2
"""Seconds after which a waiting thread checks whether its call was interrupted."""
_SPREAD = 0.05
"""Seconds over which waiting threads resume after a ``Retry-After``."""


@dataclass(slots=True, eq=False)
class Turn:
    """One request in flight, and its outcome."""

    began: float = 0.0
    in_flight: int = 0
    """Requests in flight when it was sent, including this one."""
    refused: bool = False
    """The service has too many requests."""
    retry_after: float | None = None
    """Seconds for which the service accepts no request."""
    answered: bool = False
    """Whether a response arrived that is not an error of the server."""


class Limiter:
    """Admits as many requests at once as the service takes, up to a ceiling. Thread-safe."""

    def __init__(self, ceiling: int = 16, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._turns: set[Turn] = set()
        """The requests in flight."""
        self._ceiling = ceiling
        self._limit = float(min(START, ceiling))
        self._roof = math.inf
        self._clean_at_roof = 0
        self._halved_at = -1.0
        self._closed_until = -1.0
        self._history: deque[tuple[int, bool]] = deque(maxlen=_HISTORY)
        """For each of the latest responses: requests in flight, and whether it was a refusal."""
        self._durations: list[float] = []
        self._usual_duration: float | None = None
        self.refused = 0
        """Requests that the service refused because it had too many (429)."""
        self.sent = 0
        """Requests that were sent, retries included."""
        self._pausing = 0
        """Requests that pause before they are retried."""
        reset_after_fork(self)

    def after_fork(self) -> None:
        """In a forked process: the requests in flight are the parent's. The limit stays."""
        self._changed = threading.Condition()
        self._turns = set()
        self._pausing = 0

    def __repr__(self) -> str:
        return (
            f"<Limiter: {self.in_flight} in flight, limit {self.limit} of at most {self._ceiling}>"
        )

    @property
    def limit(self) -> int:
        """Requests that may be in flight now."""
        return int(self._limit)

    @property
    def ceiling(self) -> int:
        """The highest limit."""
        return self._ceiling

    @ceiling.setter
    def ceiling(self, most: int) -> None:
        with self._changed:
            self._ceiling = most
            self._limit = min(self._limit, most)
            self._changed.notify_all()

    @property
    def in_flight(self) -> int:
        """Requests in flight now."""
        return len(self._turns)

    @property
    def closed_for(self) -> float:
        """Seconds until the service accepts requests again (``Retry-After``), or 0."""
        return max(0.0, self._closed_until - self._clock())

    @property
    def is_waiting(self) -> bool:
        """Whether a request waits for the service: for ``Retry-After``, or before a retry."""
        return self._pausing > 0 or self.closed_for > 0

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """Count a request that pauses in this block before it is retried."""
        with self._changed:
            self._pausing += 1
        try:
            yield
        finally:
            with self._changed:
                self._pausing -= 1

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Wait until a request may be sent; the block sends it and fills in the turn.

        Raises Cancelled when the call was cancelled meanwhile.
        """
        turn = Turn()
        call = worker.cancellation
        # An interrupt can come at any line, also in _leave, and the turn must not stay in flight.
        try:
            try:
                self._enter(turn)
                if call is not None:
                    call.on_abandon[turn] = partial(self.give_up, turn)
                    # It may have been abandoned just before.
                    if call.cancelled:
                        raise Cancelled
                yield turn
            finally:
                self._leave(turn)
        finally:
            if turn in self._turns:
                self.give_up(turn)
            if call is not None:
                call.on_abandon.pop(turn, None)

    def give_up(self, turn: Turn) -> None:
        """Stop counting its request, whatever its outcome."""
        with self._changed:
            if turn in self._turns:
                self._turns.remove(turn)
                self._changed.notify_all()

    def _enter(self, turn: Turn) -> None:
        call = worker.cancellation
        while True:
            with self._changed:
                closed_for = max(0.0, self._closed_until - self._clock())
                if not closed_for and len(self._turns) < int(self._limit):
                    turn.began = self._clock()
                    self._turns.add(turn)
                    self.sent += 1
                    turn.in_flight = len(self._turns)
                    return
                if call is not None and call.cancelled:
                    raise Cancelled
                self._changed.wait(min(closed_for or _SLICE, _SLICE))
            # Not under the lock, because drawing a bar can take long.
            if worker.tick is not None:
                worker.tick()

    def _leave(self, turn: Turn) -> None:
        """Stop counting its request, and adapt the limit to the outcome."""
        with self._changed:
            # It was given up, or belongs to the parent of this forked process.
            if turn not in self._turns:
                return
            self._turns.remove(turn)
            self._changed.notify_all()
            if turn.refused or turn.answered:
                self._history.append((turn.in_flight, turn.refused))
            if turn.refused:
                self._refuse(turn)
            elif turn.answered:
                self._learn(turn)

    def _refuse(self, turn: Turn) -> None:
        self.refused += 1
        if turn.retry_after is not None:
            until = self._clock() + turn.retry_after + random.uniform(0, _SPREAD)  # noqa: S311
            self._closed_until = max(self._closed_until, until)
        if self._is_overload(turn):
            self._roof = min(self._roof, max(_LOWEST_ROOF, turn.in_flight - 1))
            self._clean_at_roof = 0
        # Refusals of requests that were in flight together count once.
        if turn.began > self._halved_at:
            self._halve(1.0)

    def _is_overload(self, turn: Turn) -> bool:
        """Return whether load is the reason: refusals are not rare with as many in flight."""
        refusals = [refused for in_flight, refused in self._history if in_flight >= turn.in_flight]
        return sum(refusals) > _LOAD_SHARE * len(refusals)

    def _halve(self, least: float) -> None:
        self._limit = min(self._limit, max(least, self._limit / 2))
        self._halved_at = self._clock()

    def _learn(self, turn: Turn) -> None:
        """Raise the limit after a clean response, unless responses have become slow."""
        # It says nothing about a limit that was not reached, or that was halved since.
        if turn.in_flight * 2 >= int(self._limit) and turn.began > self._halved_at:
            if turn.in_flight + 1 > self._roof:
                self._clean_at_roof += 1
                # These add up to half of (clean / _PROBE) ** 2: 1 after 212 responses, 8 after 600.
                self._roof += self._clean_at_roof / _PROBE**2
            step = 2 / self._limit
            # It was never halved: grow fast.
            if self._halved_at < 0:
                step = 1
            self._limit = min(self._limit + step, self._roof, self._ceiling)
        self._durations.append(self._clock() - turn.began)
        if len(self._durations) >= max(_SAMPLES, int(self._limit)):
            self._compare(statistics.median(self._durations))
            self._durations.clear()

    def _compare(self, median: float) -> None:
        """Halve the limit if responses are slow: some services queue instead of refusing."""
        if self._usual_duration is None or median < self._usual_duration:
            self._usual_duration = median
        elif median > _SLOWER * self._usual_duration + _SLOWER_SECONDS:
            self._halve(_LOWEST_ROOF)
            # If they stay slow, that is the new normal.
            self._usual_duration = min(median, self._usual_duration * _SLOWER)


_limiters: dict[str, Limiter] = {}
_lock = threading.Lock()


@run_after_fork
def _unlock() -> None:
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()


def limiter_of(organization: str, service: str) -> Limiter:
    """Return the limiter that all sessions of an organization at a service share."""
    with _lock:
        return _limiters.setdefault(f"{organization} {service}", Limiter())
