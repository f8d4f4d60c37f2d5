"""Threads that ask many things at once, for one call: no more of them than requests may be in flight.

The calling thread hands out the jobs and takes the results; jobs may lead to more jobs. Threads never wait for other
jobs, so that nothing can block; what is called in one of the threads works there, one after the other.
"""

import heapq
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from adobe_nb.errors import TransportError
from adobe_nb.forks import depth, in_children, restarts
from adobe_nb.http.cancellation import Cancellation, Cancelled, in_a_worker, working_for
from adobe_nb.http.limiter import Limiter

_IDLE = 10.0
_TICK = 0.2
_AHEAD = 3

_FORKED = (
    "This process was forked while the call was under way, so the threads that do its work are in the parent process. "
    "Make the call in this process."
)

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(order=True)
class Job:
    """``work`` is done in a thread, ``then`` in the calling one; it may give more jobs. Lower ``order`` goes first."""

    order: tuple[int, ...]
    work: Callable[[], Any] = field(compare=False)
    then: Callable[[Any], "Iterable[Job] | None"] = field(compare=False)


class WorkerPool:
    """Up to so many threads, made when there is work for them, gone when there is none for a while."""

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self.begin_anew()
        restarts(self)

    def begin_anew(self) -> None:
        """Without threads and tasks, as in a forked process: its threads are to be started there."""
        self._tasks: queue.SimpleQueue[tuple[Cancellation, Callable[[], None]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0
        self._at_work: dict[object, Cancellation] = {}

    @property
    def threads(self) -> int:
        """Threads there are now."""
        return self._threads

    def run(self, jobs: Iterable[Job], tick: Callable[[], object] = lambda: None) -> None:
        """Do all the jobs and those that they lead to. The first error, or an interrupt, ends it.

        ``tick`` is called several times a second, in the calling thread.
        """
        waiting = list(jobs)
        heapq.heapify(waiting)
        if in_a_worker():
            _one_by_one(waiting)
            return
        # Even a single job goes to a thread: whatever it waits for there, the calling one can be interrupted.
        results: queue.SimpleQueue[tuple[Job, Any, BaseException | None]] = queue.SimpleQueue()
        call = Cancellation()
        process = depth()
        out = 0
        try:
            while waiting or out:
                while waiting and out < self._most() * _AHEAD:
                    self._hand_out(heapq.heappop(waiting), results, call)
                    out += 1
                if depth() != process:
                    raise TransportError(_FORKED)
                try:
                    job, result, error = results.get(timeout=_TICK)
                except queue.Empty:
                    tick()
                    continue
                out -= 1
                if error is not None:
                    try:
                        raise error
                    finally:
                        del error  # else it and this frame would keep each other, and all the pages, alive
                for more in job.then(result) or ():
                    heapq.heappush(waiting, more)
                tick()
        except KeyboardInterrupt:
            self._abandon(call)
            raise
        finally:
            # What is still under way ends by itself; nobody waits for it.
            call.cancel()

    def _hand_out(self, job: Job, results: "queue.SimpleQueue[Any]", call: Cancellation) -> None:
        def task() -> None:
            if call.cancelled:
                return
            try:
                with working_for(call):
                    result = job.work()
            except Cancelled:
                return
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                results.put((job, None, error))
                return
            results.put((job, result, None))

        with self._lock:
            self._unfinished += 1
            self._tasks.put((call, task))
            self._man()

    def _man(self) -> None:
        """As many threads as there is work for."""
        while self._threads < min(self._most(), self._unfinished):
            # Daemons: a request that hangs must not keep the interpreter from ending.
            self._threads += 1
            try:
                threading.Thread(target=self._labour, name=f"adobe_nb {self._threads}", daemon=True).start()
            except RuntimeError:  # the machine has no more: then fewer have to do
                self._threads -= 1
                if not self._threads:
                    raise
                return

    def _abandon(self, call: Cancellation) -> None:
        """Others take the places of the threads that are busy with it, however long that takes."""
        call.abandon()
        with self._lock:
            busy = [hand for hand, theirs in self._at_work.items() if theirs is call]
            for hand in busy:
                del self._at_work[hand]
            self._threads -= len(busy)
            self._unfinished -= len(busy)
            self._man()

    def _labour(self) -> None:
        while True:
            try:
                call, task = self._tasks.get(timeout=_IDLE)
            except queue.Empty:
                with self._lock:
                    if self._tasks.empty():
                        self._threads -= 1
                        return
                continue
            hand = object()
            with self._lock:
                self._at_work[hand] = call
            try:
                task()
            finally:
                del task, call
                goes_on = self._done(hand)
            if not goes_on:
                return

    def _done(self, hand: object) -> bool:
        """Whether the thread goes on: no other has taken its place, and there are not too many."""
        with self._lock:
            if self._at_work.pop(hand, None) is None:
                return False
            self._unfinished -= 1
            if self._threads <= self._most():
                return True
            self._threads -= 1
            return False


_crews: dict[int, tuple[Limiter, WorkerPool]] = {}
_lock = threading.Lock()


@in_children
def _unlock() -> None:
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()


def pool_of(limiter: Limiter) -> WorkerPool:
    """The pool that works at a limiter: one for all that pass there, so that many calls at once are no more threads."""
    with _lock:
        return _crews.setdefault(id(limiter), (limiter, WorkerPool(lambda: limiter.ceiling)))[1]


def _one_by_one(waiting: list[Job]) -> None:
    while waiting:
        _do(waiting, heapq.heappop(waiting))


def _do(waiting: list[Job], job: Job) -> None:
    for more in job.then(job.work()) or ():
        heapq.heappush(waiting, more)


def each(
    pool: WorkerPool,
    work: Callable[[_Item], _Result],
    items: Sequence[_Item],
    *,
    done: Callable[[], object] = lambda: None,
    tick: Callable[[], object] = lambda: None,
) -> list[_Result]:
    """``work`` for every item at once; the results in the items' order."""
    results: dict[int, _Result] = {}

    def job(number: int) -> Job:
        def keep(result: _Result) -> None:
            results[number] = result
            done()

        return Job((number,), lambda: work(items[number]), keep)

    pool.run([job(number) for number in range(len(items))], tick)
    return [results[number] for number in range(len(items))]
