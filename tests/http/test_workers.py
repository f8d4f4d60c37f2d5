"""Threads of a call: nesting, errors and interrupts, and no more threads than allowed requests."""

import _thread
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from requests import PreparedRequest

from adobe_nb import session as sessions
from adobe_nb.errors import NotFound, TransportError
from adobe_nb.http.limiter import Limiter
from adobe_nb.http.workers import ended, map_unordered, pause
from tests.conftest import sign_in, until
from tests.support.stub import Answer, Got, stub

SOON = 20
"""Seconds. Hanging work takes 60 or 120, and on a busy machine immediate work may take some."""


def names() -> list[str]:
    """Return the names of the running worker threads."""
    return [thread.name for thread in threading.enumerate() if thread.name == "adobe_nb worker"]


def results(work: Callable[[int], Any], items: Iterable[int], threads: int = 4) -> list[Any]:
    """Return the results in the order of the items."""
    with ended(map_unordered(work, items, threads=lambda: threads)) as pairs:
        return [result for _, result in sorted(pairs)]


def interrupt_after(seconds: float) -> None:
    threading.Timer(seconds, _thread.interrupt_main).start()


def test_each_item_comes_with_its_result() -> None:
    pairs = map_unordered(lambda number: number * 2, range(100), threads=lambda: 4)
    assert sorted(pairs) == [(number, number * 2) for number in range(100)]


def test_no_items_need_no_thread() -> None:
    before = len(names())
    assert results(lambda number: number, []) == []
    assert len(names()) == before


def test_only_a_few_items_are_taken_ahead_of_the_results() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number

    pairs = map_unordered(lambda number: number, items(), threads=lambda: 2)
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
    for number, _ in map_unordered(lambda number: number, items(), threads=lambda: 2):
        read += 1
        if number == 10:
            end = 0
    assert read < 30


def test_a_closed_call_starts_nothing_more_and_ends_its_threads() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number:
            pause(60)
        return number

    before = len(names())
    pairs = map_unordered(work, range(1000), threads=lambda: 2)
    assert next(pairs) == (0, 0)
    pairs.close()
    assert until(lambda: len(names()) <= before)
    assert len(begun) < 10


def test_threads_end_when_the_call_has_its_results() -> None:
    before = len(names())
    assert results(lambda number: number, range(50), threads=8) == list(range(50))
    assert until(lambda: len(names()) <= before)


def test_a_nested_call_runs_in_its_worker() -> None:
    before = len(names())
    most = 0

    def work(number: int) -> int:
        nonlocal most
        most = max(most, len(names()))
        return number

    def nested(number: int) -> list[int]:
        return results(work, range(number * 10, number * 10 + 5))

    assert results(nested, range(8), threads=2) == [
        list(range(at * 10, at * 10 + 5)) for at in range(8)
    ]
    assert most <= before + 2


def test_the_block_that_takes_results_may_make_another_call() -> None:
    pairs = map_unordered(lambda many: many, [3], threads=lambda: 2)
    assert [results(lambda at: at, range(many)) for _, many in pairs] == [[0, 1, 2]]


def test_the_first_error_ends_the_call_and_starts_nothing_more() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError(number)
        pause(0.01)
        return number

    with pytest.raises(ValueError, match="3"):
        results(work, range(1000), threads=2)
    assert len(begun) < 30


def test_a_waiting_thread_of_a_failed_call_ends_at_once() -> None:
    before = len(names())

    def work(number: int) -> None:
        if number:
            raise ValueError(number)
        pause(60)

    with pytest.raises(ValueError, match="1"):
        results(work, range(2), threads=2)
    assert until(lambda: len(names()) <= before)


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
            results(work, range(2), threads=1)
        return weakref.ref(page)

    gc.disable()
    try:
        left = pull()
        assert until(lambda: left() is None)
    finally:
        gc.enable()


def test_ten_calls_at_once_have_no_more_requests_in_flight_than_the_limiter_lets_through() -> None:
    limiter = Limiter(5)
    most = 0

    def work(number: int) -> int:
        nonlocal most
        with limiter.turn():
            most = max(most, limiter.in_flight)
            pause(0.002)
        return number

    with ThreadPoolExecutor(10) as callers:
        found = list(callers.map(lambda _: results(work, range(50), threads=5), range(10)))
    assert found == [list(range(50))] * 10
    assert most <= 5


def test_a_call_starts_no_more_threads_than_allowed() -> None:
    allowed = 2
    assert until(lambda: not names()), "threads of the tests before"

    def work(number: int) -> int:
        nonlocal allowed
        there = len(names())
        if number == 50:
            allowed = 6
        pause(0.002)
        return there

    found = dict(map_unordered(work, range(200), threads=lambda: allowed))
    assert max(found[number] for number in range(40)) == 2
    assert max(found.values()) == 6


def test_uses_fewer_threads_if_the_machine_has_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    before = len(names())

    def few(thread: threading.Thread) -> None:
        if len(names()) >= before + 2:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", few)
    assert results(lambda number: number, range(100), threads=8) == list(range(100))


def test_a_machine_without_any_thread_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    with pytest.raises(RuntimeError, match="can't start"):
        results(lambda number: number, range(100))


class TestInterrupts:
    """An interrupt from a timer thread ends the call at once, and the next call works."""

    def interrupted(self, call: Any) -> float:
        began = time.monotonic()
        interrupt_after(0.3)
        with pytest.raises(KeyboardInterrupt):
            call()
            time.sleep(SOON)  # The interrupt came too late.
        return time.monotonic() - began - 0.3

    def test_while_threads_wait(self) -> None:
        assert self.interrupted(lambda: results(lambda _: pause(60), range(8))) < SOON
        assert results(lambda number: number, range(10)) == list(range(10))

    def test_while_the_service_accepts_no_requests(self, demo: Any) -> None:
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

    def test_while_requests_hang_and_the_next_call_is_not_blocked(self) -> None:
        release = threading.Event()

        def answer(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(
                    200,
                    b'{"access_token": "t", "expires_in": 99}',
                    {"Content-Type": "application/json"},
                )
            identifier = got.path.rpartition("/")[2]
            if identifier.startswith("RL1"):
                release.wait(60)
            body = f'{{"data": {{"id": "{identifier}", "type": "rules"}}}}'
            return Answer(200, body.encode(), {"Content-Type": "application/vnd.api+json"})

        hanging = [f"RL1{number:031x}" for number in range(40)]
        fine = [f"RL2{number:031x}" for number in range(40)]
        with stub(answer) as server:
            session = sessions_connect(server.url)
            before = len(names())
            try:
                for _ in range(3):
                    assert self.interrupted(lambda: session.reactor.rules.get(*hanging)) < SOON
                began = time.monotonic()
                assert list(session.reactor.rules.get(*fine)["id"]) == fine
                assert time.monotonic() - began < SOON
                assert session.client.limiter.in_flight == 0
            finally:
                release.set()
            assert until(lambda: len(names()) <= before)

    def test_while_a_request_is_retried(self, simulate: Any) -> None:
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
        client_id="c" * 12,
        client_secret="hush",
        org_id="A@AdobeOrg",
        retry_pause=0,
        ims_url=url,
        reactor_url=url,
    )


def test_an_error_of_a_thread_has_no_frame_with_a_token(demo: Any) -> None:
    from tests.security.test_no_leak import tracebacks

    session = sign_in(demo)
    ids = [f"RL{number:032x}" for number in range(20)]
    with pytest.raises(NotFound) as caught:
        session.reactor.rules.get(*ids)
    shown = tracebacks(caught.value)
    assert not [token for token in demo.ims.issued if token in shown]
    frames = caught.value.__traceback__
    while frames is not None:
        assert not any(
            isinstance(each, PreparedRequest) for each in frames.tb_frame.f_locals.values()
        )
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
def test_only_an_interrupt_of_the_caller_releases_requests_in_flight(
    problem: type[BaseException], counted: int
) -> None:
    """After an error, running requests still count; after an interrupt, they may hang forever."""
    limiter, under_way, release = Limiter(2), threading.Event(), threading.Event()

    def work(number: int) -> int:
        if number == 0:
            return number
        with limiter.turn():
            under_way.set()
            release.wait(20)
        return number

    with pytest.raises(problem), ended(map_unordered(work, range(2), threads=lambda: 2)) as pairs:
        for _ in pairs:
            assert under_way.wait(20)
            raise problem
    assert limiter.in_flight == counted
    release.set()
