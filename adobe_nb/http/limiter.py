"""How many requests a service takes at once: found out by asking, and kept for all threads of one organisation.

The limit starts low and grows with every clean answer until the service refuses one (429). Then it halves, and the
number that was in flight at the refusal, less one, becomes the roof: the limit grows back to the roof in small steps,
and the roof itself is tried only now and then; ever more rarely while such tries are refused, ever more often while
they succeed. A refusal among many answers that were fine with as many in flight has another reason than their number:
it halves the limit, and is no roof. Answers that become much slower than they were halve the limit too.
"""

import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from adobe_nb.forks import in_children, restarts
from adobe_nb.http.cancellation import Cancellation, Cancelled, current

CEILING = 16
"""Requests in flight at once, at most, unless the user says otherwise."""
MOST = 64
"""More than that a session's connections do not take."""
START = 4
_LEAST_ROOF = 2
_TRY_ROOF = 150
"""Clean answers at the roof before it is tried."""
_TRY_ROOF_LEAST = 20
_TRY_ROOF_MOST = 5000
_BY_NUMBER = 0.05
"""What part of the answers must be refused from some number in flight on, for that number to be the reason."""
_FORGET = 1.005
"""By how much each answer counts more than the one before it."""
_SLOWER = 3.0
_SLOWER_SECONDS = 0.25
_WINDOW = 8
_SLICE = 0.2
_LARGE = 1e100


@dataclass(slots=True, eq=False)
class Turn:
    """One request on its way, and what became of it."""

    began: float = 0.0
    in_flight: int = 0
    """With this one."""
    refused: bool = False
    retry_after: float | None = None
    answered: bool = False


class Limiter:
    """Lets through as many requests at once as the service takes, up to a ceiling. Safe for many threads."""

    def __init__(self, ceiling: int = CEILING, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._ceiling = ceiling
        self._limit = float(min(START, ceiling))
        self._roof: int | None = None
        self._clean_at_roof = 0
        self._patience = self._needed = _TRY_ROOF
        self._trying = False
        self._turns: set[Turn] = set()
        """Those in flight."""
        self._halved_at = -1.0
        self._closed_until = -1.0
        self._clean, self._refused = [0.0] * (MOST + 2), [0.0] * (MOST + 2)
        """Answers by number in flight, the later ones counting more."""
        self._weight = 1.0
        self._durations: list[float] = []
        self._usual: float | None = None
        self.refused = 0
        """Requests that the service refused because there were too many (429)."""
        restarts(self)

    def begin_anew(self) -> None:
        """In a forked process: what was in flight is the parent's. What was learned of the limit stays."""
        self._changed = threading.Condition()
        self._turns = set()

    def __repr__(self) -> str:
        return f"<Limiter: {self.in_flight} in flight, limit {self.limit} of at most {self._ceiling}>"

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
        return len(self._turns)

    @property
    def closed_for(self) -> float:
        """Seconds until the service wants to be asked again (``Retry-After``); 0 when it can be asked now."""
        return max(0.0, self._closed_until - self._clock())

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Wait until one more request may go out; the block sends it and says what came of it. Raises Cancelled."""
        turn, call = Turn(), current()
        # What an interrupt leaves behind at any place in here is counted, and counted off again.
        try:
            self._enter(turn, call)
            yield turn
        finally:
            self._leave(turn)
            if call is not None:
                call.on_abandon.pop(turn, None)

    def give_up(self, turn: Turn) -> None:
        """Its request counts no longer, whatever becomes of it."""
        with self._changed:
            if turn in self._turns:
                self._turns.remove(turn)
                self._changed.notify_all()

    def _enter(self, turn: Turn, call: Cancellation | None) -> None:
        with self._changed:
            while True:
                if call is not None and call.cancelled:
                    raise Cancelled
                closed = self.closed_for
                if not closed and len(self._turns) < self.limit:
                    break
                # In slices: an interrupt and a stopped call are noticed within one.
                self._changed.wait(min(closed or _SLICE, _SLICE))
            turn.began = self._clock()
            self._turns.add(turn)
            turn.in_flight = len(self._turns)
        if call is not None:
            call.on_abandon[turn] = partial(self.give_up, turn)
            if call.cancelled:  # it may have been abandoned just before
                raise Cancelled

    def _leave(self, turn: Turn) -> None:
        with self._changed:
            if turn not in self._turns:  # it was given up, or belongs to the process that this one was forked from
                return
            self._turns.remove(turn)
            if turn.refused:
                self._count(self._refused, turn)
                self._refuse(turn)
            elif turn.answered:
                self._count(self._clean, turn)
                self._grow(turn)
                self._watch(self._clock() - turn.began)
            self._changed.notify_all()

    def _refuse(self, turn: Turn) -> None:
        self.refused += 1
        now = self._clock()
        if turn.retry_after is not None:
            # A little apart, so that not everybody comes back in the same moment.
            self._closed_until = max(self._closed_until, now + turn.retry_after + random.uniform(0, 0.05))  # noqa: S311
        first = turn.began > self._halved_at  # those that were under way together count as one refusal
        if self._by_number(turn):
            roof_tried = self._trying and self._roof is not None and turn.in_flight >= self._roof
            known = max(_LEAST_ROOF, turn.in_flight - 1)
            if self._roof is None or known < self._roof:
                self._roof = known
            self._clean_at_roof = 0
            if first:
                self._patience = min(self._patience * 2, _TRY_ROOF_MOST) if roof_tried else _TRY_ROOF
                self._needed, self._trying = self._patience, False
        if first:
            self._limit = max(1.0, self._limit / 2)
            self._halved_at = now

    def _by_number(self, turn: Turn) -> bool:
        """Whether it was refused since so many were in flight; not when as many, or more, are fine nearly always."""
        refused = sum(self._refused[turn.in_flight :])
        return refused > _BY_NUMBER * (refused + sum(self._clean[turn.in_flight :]))

    def _count(self, answers: list[float], turn: Turn) -> None:
        self._weight *= _FORGET
        answers[min(turn.in_flight, MOST + 1)] += self._weight
        if self._weight > _LARGE:
            for each in (self._clean, self._refused):
                each[:] = [number / self._weight for number in each]
            self._weight = 1.0

    def _grow(self, turn: Turn) -> None:
        if turn.in_flight * 2 < self.limit or turn.began <= self._halved_at:
            return  # It says nothing of a limit that was not used, or of one that is over.
        most = self._ceiling if self._roof is None else min(self._roof, self._ceiling)
        if self._limit < most:
            self._limit = min(self._limit + (1 if self._halved_at < 0 else 2 / self._limit), most)
        elif self._roof is not None and self._roof < self._ceiling and turn.in_flight >= self._roof:
            self._clean_at_roof += 1
            if self._clean_at_roof >= self._needed:
                self._try_roof()

    def _try_roof(self) -> None:
        if self._trying:  # and that went well
            self._patience = _TRY_ROOF
            self._needed = max(self._needed // 2, _TRY_ROOF_LEAST)
        self._roof = (self._roof or 0) + 1
        self._clean_at_roof, self._trying = 0, True

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
            self._limit = min(self._limit, max(float(_LEAST_ROOF), self._limit / 2))
            self._halved_at = self._clock()
            # If it stays so, it is the new normal.
            self._usual = min(typical, self._usual * _SLOWER)


_limiters: dict[str, Limiter] = {}
_lock = threading.Lock()


@in_children
def _unlock() -> None:
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()


def limiter_of(organisation: str, service: str) -> Limiter:
    """The limiter of an organisation at a service: one for all sessions of this process."""
    with _lock:
        return _limiters.setdefault(f"{organisation} {service}", Limiter())
