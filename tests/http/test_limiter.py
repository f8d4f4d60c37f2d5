"""The limiter: how many requests at once, found out by asking. Time is given."""

import heapq
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from adobe_nb.http.limiter import Limiter, Turn
from adobe_nb.http.workers import Cancellation, Cancelled, pause, worker


@contextmanager
def working_for(call: Cancellation) -> Iterator[None]:
    """This thread is a worker of that call."""
    before, worker.cancellation = worker.cancellation, call
    yield
    worker.cancellation = before


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def at_once(
    limiter: Limiter, clock: Clock, number: int, *, seconds: float = 0.1, **outcome: object
) -> None:
    """That many requests in flight together, all with that outcome."""
    turns = [limiter.turn() for _ in range(number)]
    for each in turns:
        turn = each.__enter__()
        for name, value in ({"answered": True} | outcome).items():
            setattr(turn, name, value)
    clock.now += seconds
    for each in turns:
        each.__exit__(None, None, None)


def grown(clock: Clock, ceiling: int = 16) -> Limiter:
    limiter = Limiter(ceiling, clock=clock)
    for _ in range(10):
        at_once(limiter, clock, limiter.limit)
    return limiter


def test_it_starts_low_and_grows_with_every_clean_round() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    limits = []
    for _ in range(4):
        limits.append(limiter.limit)
        at_once(limiter, clock, limiter.limit)
    assert limits == [4, 7, 11, 16]


def test_an_unused_limit_does_not_grow() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    for _ in range(100):
        at_once(limiter, clock, 1)
    assert limiter.limit == 4


def test_never_exceeds_the_ceiling_and_applies_a_new_one_at_once() -> None:
    clock = Clock()
    limiter = grown(clock, 2)
    assert limiter.limit == 2
    limiter.ceiling = 8
    for _ in range(10):
        at_once(limiter, clock, limiter.limit)
    assert limiter.limit == 8
    limiter.ceiling = 3
    assert limiter.limit == 3


def test_requests_that_are_refused_together_halve_it_once() -> None:
    clock = Clock()
    limiter = grown(clock)
    at_once(limiter, clock, 16, refused=True)
    assert limiter.limit == 8
    assert limiter.refused == 16


def test_it_grows_back_to_the_refused_number_and_stops_there() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    for _ in range(2):
        at_once(limiter, clock, limiter.limit)
    turns = [limiter.turn() for _ in range(11)]
    entered = [each.__enter__() for each in turns]
    for each in entered:
        each.answered = True
    entered[-1].refused = True
    clock.now += 0.1
    for each in turns:
        each.__exit__(None, None, None)
    for _ in range(10):
        at_once(limiter, clock, limiter.limit)
    assert limiter.limit == 10


def test_it_never_stays_at_one() -> None:
    clock = Clock()
    limiter = grown(clock)
    for _ in range(50):
        at_once(limiter, clock, limiter.limit, refused=True)
    assert limiter.limit == 1
    assert answers_until(limiter, clock, 16) < 1000


def answers_until(limiter: Limiter, clock: Clock, limit: int) -> int:
    """How many clean answers it takes, with as many requests under way as there may be."""
    under_way: deque[AbstractContextManager[Turn]] = deque()
    answers = 0
    while limiter.limit < limit:
        answers += 1
        while limiter.in_flight < limiter.limit:
            under_way.append(limiter.turn())
            under_way[-1].__enter__().answered = True
        clock.now += 0.01
        under_way.popleft().__exit__(None, None, None)
    for each in under_way:
        each.__exit__(None, None, None)
    return answers


def test_much_slower_responses_halve_it_and_become_the_new_normal() -> None:
    clock = Clock()
    limiter = grown(clock)
    limits = []
    for _ in range(3):
        at_once(limiter, clock, limiter.limit, seconds=2.0)
        limits.append(limiter.limit)
    assert 4 <= min(limits) <= 8
    for _ in range(20):
        at_once(limiter, clock, limiter.limit, seconds=2.0)
    assert limiter.limit == 16


def test_server_errors_neither_raise_nor_lower_it() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    for _ in range(10):
        at_once(limiter, clock, 4, answered=False)
    assert limiter.limit == 4


def test_retry_after_admits_no_request() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    at_once(limiter, clock, 1, refused=True, retry_after=60.0)
    assert 60 <= limiter.closed_for <= 60.05
    through: list[Turn] = []

    def ask() -> None:
        with limiter.turn() as turn:
            through.append(turn)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for each in threads:
        each.start()
    threads[0].join(0.3)
    assert not through
    clock.now += 61
    for each in threads:
        each.join(2)
    assert len(through) == 3
    assert limiter.in_flight == 0


def test_a_shorter_retry_after_does_not_open_it_earlier() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    with limiter.turn() as late, limiter.turn() as early:
        late.refused = early.refused = True
        late.retry_after, early.retry_after = 1.0, 60.0
    assert limiter.closed_for >= 60


def test_a_thread_that_waits_for_a_cancelled_call_is_cancelled() -> None:
    limiter = Limiter(1)
    call = Cancellation()
    outcome: list[BaseException] = []

    def wait() -> None:
        with working_for(call):
            try:
                with limiter.turn():
                    pass
            except Cancelled as stopped:
                outcome.append(stopped)

    with limiter.turn():
        thread = threading.Thread(target=wait)
        thread.start()
        call.cancel()
        thread.join(2)
    assert outcome
    assert limiter.in_flight == 0


def test_requests_of_an_abandoned_call_are_released_once() -> None:
    limiter = Limiter(1)
    call = Cancellation()
    with working_for(call), limiter.turn():
        call.abandon()
        assert limiter.in_flight == 0
        with working_for(Cancellation()), limiter.turn():
            assert limiter.in_flight == 1
    assert limiter.in_flight == 0


def test_a_pause_ends_with_the_call() -> None:
    call = Cancellation()
    threading.Timer(0.1, call.cancel).start()
    began = time.monotonic()
    with working_for(call), pytest.raises(Cancelled):
        pause(60)
    assert time.monotonic() - began < 20


def test_a_pause_outside_lasts_as_long_as_it_should() -> None:
    began = time.monotonic()
    pause(0.05)
    assert time.monotonic() - began >= 0.05


def share_refused(
    takes: int,
    requests: int,
    *,
    workers: int = 16,
    every: int | None = None,
    clock: Clock | None = None,
) -> tuple[float, Limiter]:
    """Return the share of requests that a service refuses; it is simulated event by event.

    With ``every``, the service also refuses every n-th request, whatever the load.
    """
    clock = clock or Clock()
    limiter = Limiter(clock=clock)
    under_way: list[tuple[float, int, object, Turn]] = []
    sent = refused = 0
    while sent < requests:
        while limiter.in_flight < min(limiter.limit, workers):
            entering = limiter.turn()
            turn = entering.__enter__()
            turn.answered = True
            turn.refused = limiter.in_flight > takes or (
                every is not None and sent % every == every - 1
            )
            refused += turn.refused
            sent += 1
            # A refusal is fast; responses take between 80 and 120 ms.
            seconds = 0.01 if turn.refused else 0.08 + 0.04 * (sent * 7919 % 100) / 100
            heapq.heappush(under_way, (clock.now + seconds, sent, entering, turn))
        clock.now, _, entering, _ = heapq.heappop(under_way)
        entering.__exit__(None, None, None)  # type: ignore[attr-defined]
    return refused / sent, limiter


@pytest.mark.parametrize("takes", [3, 6, 10, 15])
def test_a_service_with_a_limit_refuses_less_than_two_in_a_hundred(takes: int) -> None:
    share, limiter = share_refused(takes, 5_000)
    assert share < 0.02
    assert takes / 2 <= limiter.limit <= takes + 1


def test_refusals_for_another_reason_set_no_limit() -> None:
    clock = Clock()
    _, limiter = share_refused(100, 5_000, every=100, clock=clock)
    at_best = 5_000 * 0.1 / 16
    assert clock.now < 1.7 * at_best
    assert limiter.limit >= 8


def test_a_limit_is_found_among_refusals_for_another_reason() -> None:
    clock = Clock()
    share, limiter = share_refused(8, 5_000, every=100, clock=clock)
    assert share < 0.03
    assert clock.now < 1.7 * 5_000 * 0.1 / 8
    assert limiter.limit <= 9


def test_a_service_without_a_limit_refuses_nothing_and_is_used_to_the_ceiling() -> None:
    share, limiter = share_refused(100, 200)
    assert share == 0
    assert limiter.limit == 16


def test_repr_shows_its_state() -> None:
    assert repr(Limiter()) == "<Limiter: 0 in flight, limit 4 of at most 16>"
