"""Threads for one call: nesting, errors, interrupts, and never more of them than requests may be in flight."""

import _thread
import gc
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from requests import PreparedRequest

from adobe_nb import session as sessions
from adobe_nb.errors import NotFound, TransportError
from adobe_nb.http import workers
from adobe_nb.http.cancellation import pause
from adobe_nb.http.limiter import Limiter
from adobe_nb.http.workers import WorkerPool, ended, pool_of
from tests.conftest import sign_in, until
from tests.support.stub import Answer, Got, stub

SOON = 20
"""Seconds: what would hang takes 60 or 120; where a machine is busy, what ends at once may take some."""


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads without work go after a tenth of a second."""
    monkeypatch.setattr(workers, "_IDLE", 0.1)


def interrupt_after(seconds: float) -> None:
    threading.Timer(seconds, _thread.interrupt_main).start()


def test_results_come_in_the_order_of_the_items() -> None:
    assert WorkerPool(lambda: 4).results(lambda number: number * 2, range(100)) == [number * 2 for number in range(100)]


def test_nothing_to_do_needs_no_thread() -> None:
    pool = WorkerPool(lambda: 4)
    assert pool.results(lambda number: number, []) == []
    assert pool.threads == 0


def test_map_gives_each_item_with_its_result() -> None:
    pairs = WorkerPool(lambda: 4).map(lambda number: number * 2, range(100))
    assert sorted(pairs) == [(number, number * 2) for number in range(100)]


def test_map_takes_only_a_few_items_ahead_of_the_results() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number

    pairs = WorkerPool(lambda: 2).map(lambda number: number, items())
    assert taken == 0
    next(pairs)
    assert taken <= 2 * 3
    pairs.close()


def test_items_may_depend_on_earlier_results() -> None:
    end = 1000

    def items() -> Iterator[int]:
        number = 0
        while number < end:
            yield number
            number += 1

    read = 0
    for number, _ in WorkerPool(lambda: 2).map(lambda number: number, items()):
        read += 1
        if number == 10:
            end = 0
    assert read < 30


def test_a_closed_map_begins_nothing_more_and_frees_its_threads() -> None:
    pool = WorkerPool(lambda: 2)
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number:
            pause(60)
        return number

    pairs = pool.map(work, range(1000))
    assert next(pairs) == (0, 0)
    pairs.close()
    began = time.monotonic()
    assert pool.results(lambda number: number, range(10)) == list(range(10))
    assert time.monotonic() - began < SOON
    assert len(begun) < 10


def test_what_is_called_inside_works_there_and_blocks_nobody() -> None:
    pool = WorkerPool(lambda: 2)

    def nested(number: int) -> list[int]:
        return pool.results(lambda other: number * 10 + other, range(5))

    assert pool.results(nested, range(8)) == [[number * 10 + other for other in range(5)] for number in range(8)]
    assert pool.threads <= 2


def test_the_block_that_takes_results_may_make_another_call() -> None:
    pool = WorkerPool(lambda: 2)
    found = [pool.results(lambda at: at, range(many)) for _, many in pool.map(lambda many: many, [3])]
    assert found == [[0, 1, 2]]


def test_the_first_error_ends_it_and_what_waits_is_not_begun() -> None:
    pool = WorkerPool(lambda: 2)
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError(number)
        pause(0.01)
        return number

    with pytest.raises(ValueError, match="3"):
        pool.results(work, range(1000))
    assert len(begun) < 30
    assert pool.results(lambda number: number, range(10)) == list(range(10))


def test_threads_that_wait_for_a_call_that_failed_are_free_at_once() -> None:
    pool = WorkerPool(lambda: 2)

    def work(number: int) -> None:
        if number:
            raise ValueError(number)
        pause(60)

    with pytest.raises(ValueError, match="1"):
        pool.results(work, range(2))
    began = time.monotonic()
    assert pool.results(lambda number: number, range(10)) == list(range(10))
    assert time.monotonic() - began < SOON


def test_an_error_keeps_nothing_alive_that_it_does_not_need() -> None:
    class Page:
        pass

    def pull() -> weakref.ref[Page]:
        page = Page()

        def work(number: int) -> Page:
            if number:
                raise ValueError(number)
            return page

        with pytest.raises(ValueError, match="1"):
            WorkerPool(lambda: 1).results(work, range(2))
        return weakref.ref(page)

    gc.disable()
    try:
        left = pull()
        assert until(lambda: left() is None)
    finally:
        gc.enable()


def test_ten_callers_have_no_more_threads_than_requests_may_be_in_flight() -> None:
    pool = WorkerPool(lambda: 5)
    most = 0

    def work(number: int) -> int:
        nonlocal most
        most = max(most, sum(thread.name.startswith("adobe_nb ") for thread in threading.enumerate()))
        pause(0.002)
        return number

    others = sum(thread.name.startswith("adobe_nb ") for thread in threading.enumerate())
    with ThreadPoolExecutor(10) as callers:
        results = list(callers.map(lambda _: pool.results(work, range(50)), range(10)))
    assert results == [list(range(50))] * 10
    assert pool.threads <= 5
    assert most <= others + 5


def test_threads_go_when_there_is_nothing_to_do(hurried: None) -> None:
    pool = WorkerPool(lambda: 8)
    pool.results(lambda _: pause(0.01), range(50))
    assert pool.threads > 0
    assert until(lambda: pool.threads == 0)
    assert pool.results(lambda number: number, range(5)) == list(range(5))


def test_threads_that_are_too_many_go_when_the_ceiling_is_lowered() -> None:
    ceiling = [8]
    pool = WorkerPool(lambda: ceiling[0])

    def work(number: int) -> int:
        if number == 50:
            ceiling[0] = 2
        pause(0.002)
        return number

    assert pool.results(work, range(200)) == list(range(200))
    assert pool.threads <= 2


def test_a_machine_without_more_threads_does_with_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = WorkerPool(lambda: 8)
    start = threading.Thread.start

    def few(thread: threading.Thread) -> None:
        if pool.threads > 2:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", few)
    assert pool.results(lambda number: number, range(100)) == list(range(100))
    assert pool.threads == 2


def test_each_limiter_has_a_pool_of_its_own() -> None:
    one, other = Limiter(), Limiter()
    assert pool_of(one) is pool_of(one)
    assert pool_of(one) is not pool_of(other)


class TestInterrupts:
    """From a timer thread; the call ends at once and the next one works."""

    def interrupted(self, call: Any) -> float:
        began = time.monotonic()
        interrupt_after(0.3)
        with pytest.raises(KeyboardInterrupt):
            call()
            time.sleep(SOON)  # it came too late
        return time.monotonic() - began - 0.3

    def test_while_threads_wait(self) -> None:
        pool = WorkerPool(lambda: 4)
        assert self.interrupted(lambda: pool.results(lambda _: pause(60), range(8))) < SOON
        assert pool.results(lambda number: number, range(10)) == list(range(10))

    def test_while_the_service_wants_to_be_left_alone(self, demo: Any) -> None:
        session = sign_in(demo)
        place = session.reactor.find("properties", "Web Store US")
        limiter = session.client.limiter
        with limiter.turn() as turn:
            turn.refused, turn.retry_after = True, 120.0
        try:
            assert self.interrupted(lambda: session.reactor.rules(place)) < SOON
            assert self.interrupted(lambda: session.client.get("/companies")) < SOON
        finally:
            limiter._closed_until = -1.0
        assert limiter.in_flight == 0
        assert len(session.reactor.rules(place))

    def test_while_requests_hang_and_the_next_call_has_their_places(self) -> None:
        release = threading.Event()

        def answer(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}', {"Content-Type": "application/json"})
            identifier = got.path.rpartition("/")[2]
            if identifier.startswith("RL1"):
                release.wait(60)
            body = f'{{"data": {{"id": "{identifier}", "type": "rules"}}}}'
            return Answer(200, body.encode(), {"Content-Type": "application/vnd.api+json"})

        hanging = [f"RL1{number:031x}" for number in range(40)]
        fine = [f"RL2{number:031x}" for number in range(40)]
        with stub(answer) as server:
            session = sessions_connect(server.url)
            try:
                for _ in range(3):
                    assert self.interrupted(lambda: session.reactor.rules.get(*hanging)) < SOON
                began = time.monotonic()
                assert list(session.reactor.rules.get(*fine)["id"]) == fine
                assert time.monotonic() - began < SOON
                assert session.client.limiter.in_flight == 0
                assert session.client.pool.threads <= session.concurrency
            finally:
                release.set()
            assert until(lambda: session.client.pool.threads <= session.concurrency)

    def test_while_a_request_is_tried_again_and_again(self, simulate: Any) -> None:
        from adobe_nb.simulator.faults import Fault, Faults

        simulator = simulate()
        session = sign_in(simulator, retry_pause=60)
        places = session.reactor.properties()
        simulator.faults = Faults((Fault("503", 1.0),))
        assert self.interrupted(lambda: session.reactor.rules(places)) < SOON
        simulator.faults = Faults()
        assert len(session.reactor.rules(places))


def sessions_connect(url: str) -> Any:
    return sessions.connect(
        client_id="c" * 12, client_secret="hush", org_id="A@AdobeOrg", retry_pause=0, ims_url=url, reactor_url=url
    )


def test_an_error_of_a_thread_carries_no_frame_that_knows_a_token(demo: Any) -> None:
    from tests.security.test_no_leak import tracebacks

    session = sign_in(demo)
    ids = [f"RL{number:032x}" for number in range(20)]
    with pytest.raises(NotFound) as caught:
        session.reactor.rules.get(*ids)
    shown = tracebacks(caught.value)
    assert not [token for token in demo.ims.issued if token in shown]
    frames = caught.value.__traceback__
    while frames is not None:
        assert not any(isinstance(each, PreparedRequest) for each in frames.tb_frame.f_locals.values())
        frames = frames.tb_next
    assert caught.value.__context__ is None


def test_an_unreachable_service_is_one_error_for_all_threads(simulate: Any) -> None:
    simulator = simulate()
    session = sign_in(simulator)
    ids = list(session.reactor.properties()["id"])
    simulator.stop()
    with pytest.raises(TransportError, match="cannot be reached") as caught:
        session.reactor.properties.get(*ids)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(("problem", "counted"), [(ValueError, 1), (KeyboardInterrupt, 0)])
def test_only_an_interrupt_of_the_caller_gives_up_what_is_under_way(problem: type[BaseException], counted: int) -> None:
    """After an error the requests still run, so they count; after an interrupt they may hang for ever."""
    limiter, under_way, release = Limiter(2), threading.Event(), threading.Event()

    def work(number: int) -> int:
        if number == 0:
            return number
        with limiter.turn():
            under_way.set()
            release.wait(20)
        return number

    with pytest.raises(problem), ended(WorkerPool(lambda: 2).map(work, range(2))) as results:
        for _ in results:
            assert under_way.wait(20)
            raise problem
    assert limiter.in_flight == counted
    release.set()
