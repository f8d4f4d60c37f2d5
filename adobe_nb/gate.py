"""How many requests a service takes at once: found out by asking, and kept for all threads of one organisation.

The limit starts low and grows with every clean answer until the service refuses one (429). Then it halves, and the
number that was in flight at the refusal, less one, becomes the roof: the limit grows back to the roof in small steps,
and the roof itself is tried only now and then. Answers that become much slower than they were halve the limit too.
"""

import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

CEILING = 16
"""Requests in flight at once, at most, unless the user says otherwise."""
MOST = 64
"""More than that a session's connections do not take."""
START = 4
_LEAST_ROOF = 2
_TRY_ROOF = 150
_TRY_ROOF_LAST = 5000
_SLOWER = 3.0
_SLOWER_SECONDS = 0.25
_WINDOW = 8
_SLICE = 0.2

_crowd = threading.local()


class Stopped(BaseException):
    """The call that this thread worked for has ended. No Exception, so that nothing in between takes it for one."""


@contextmanager
def working_for(stopped: threading.Event) -> Iterator[None]:
    """In this block, pauses and waits end with Stopped as soon as the event is set."""
    before = getattr(_crowd, "stopped", None)
    _crowd.stopped = stopped
    try:
        yield
    finally:
        _crowd.stopped = before


def in_a_crew() -> bool:
    """Whether this thread works for a call that another thread made."""
    return getattr(_crowd, "stopped", None) is not None


def pause(seconds: float) -> None:
    """Sleep; a thread of a crew wakes up when its call is over. Raises Stopped."""
    stopped: threading.Event | None = getattr(_crowd, "stopped", None)
    if stopped is None:
        time.sleep(seconds)
    elif stopped.wait(seconds):
        raise Stopped


@dataclass(slots=True)
class Turn:
    """One request on its way, and what became of it."""

    began: float
    in_flight: int
    """With this one."""
    refused: bool = False
    retry_after: float | None = None
    answered: bool = False


class Gate:
    """Lets through as many requests at once as the service takes, up to a ceiling. Safe for many threads."""

    def __init__(self, ceiling: int = CEILING, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._ceiling = ceiling
        self._limit = float(min(START, ceiling))
        self._roof: int | None = None
        self._clean_at_roof = 0
        self._try_roof = _TRY_ROOF
        self._in_flight = 0
        self._halved_at = -1.0
        self._closed_until = -1.0
        self._durations: list[float] = []
        self._usual: float | None = None
        self.refused = 0
        """Requests that the service refused because there were too many (429)."""

    def __repr__(self) -> str:
        return f"<Gate: {self._in_flight} in flight, limit {self.limit} of at most {self._ceiling}>"

    @property
    def limit(self) -> int:
        """Requests that may be in flight now."""
        return max(1, int(self._limit))

    @property
    def ceiling(self) -> int:
        """The most that the limit may become."""
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
        return self._in_flight

    @property
    def closed_for(self) -> float:
        """Seconds until the service wants to be asked again (``Retry-After``); 0 when it can be asked now."""
        return max(0.0, self._closed_until - self._clock())

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Wait until one more request may go out; the block sends it and says what came of it. Raises Stopped."""
        turn = self._enter()
        try:
            yield turn
        finally:
            self._leave(turn)

    def _enter(self) -> Turn:
        stopped: threading.Event | None = getattr(_crowd, "stopped", None)
        with self._changed:
            while True:
                if stopped is not None and stopped.is_set():
                    raise Stopped
                closed = self.closed_for
                if not closed and self._in_flight < self.limit:
                    break
                # In slices: an interrupt and a stopped call are noticed within one.
                self._changed.wait(min(closed or _SLICE, _SLICE))
            self._in_flight += 1
            return Turn(self._clock(), self._in_flight)

    def _leave(self, turn: Turn) -> None:
        with self._changed:
            self._in_flight -= 1
            if turn.refused:
                self._refuse(turn)
            elif turn.answered:
                self._grow()
                self._watch(self._clock() - turn.began)
            self._changed.notify_all()

    def _refuse(self, turn: Turn) -> None:
        self.refused += 1
        now = self._clock()
        if turn.retry_after is not None:
            # A little apart, so that not everybody comes back in the same moment.
            self._closed_until = max(self._closed_until, now + turn.retry_after + random.uniform(0, 0.05))  # noqa: S311
        known = max(_LEAST_ROOF, turn.in_flight - 1)
        if self._roof is None or known < self._roof:
            self._roof = known
        self._clean_at_roof = 0
        if turn.began > self._halved_at:
            # Those that were under way together count as one refusal.
            self._try_roof = min(self._try_roof * 2, _TRY_ROOF_LAST) if self._halved_at >= 0 else _TRY_ROOF
            self._limit = max(1.0, self._limit / 2)
            self._halved_at = now

    def _grow(self) -> None:
        if self._roof is None:
            self._limit = min(self._limit + 1, self._ceiling)
        elif self._limit < min(self._roof, self._ceiling):
            self._limit = min(self._limit + 2 / self._limit, self._roof, self._ceiling)
        elif self._roof < self._ceiling:
            self._clean_at_roof += 1
            if self._clean_at_roof >= self._try_roof:
                self._roof += 1
                self._clean_at_roof = 0

    def _watch(self, seconds: float) -> None:
        """Halve when answers take much longer than they used to."""
        self._durations.append(seconds)
        if len(self._durations) < max(_WINDOW, self.limit):
            return
        typical = statistics.median(self._durations)
        self._durations.clear()
        if self._usual is None or typical < self._usual:
            self._usual = typical
        elif typical > _SLOWER * self._usual + _SLOWER_SECONDS:
            self._limit = max(float(_LEAST_ROOF), self._limit / 2)
            # If it stays so, it is the new normal.
            self._usual = min(typical, self._usual * 1.5)


_gates: dict[str, Gate] = {}
_lock = threading.Lock()


def gate_of(organisation: str, service: str) -> Gate:
    """The gate of an organisation at a service: one for all sessions of this process."""
    with _lock:
        return _gates.setdefault(f"{organisation} {service}", Gate())
