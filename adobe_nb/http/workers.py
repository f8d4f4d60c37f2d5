"""Worker pool: calls a function for many items at once, with no more threads than requests may be in flight.

The calling thread hands out the items and takes the results, so everything but the requests happens there and it can
be interrupted at any time. Threads never wait for other threads: what a worker calls runs in that worker, one item
after the other, so nested calls cannot deadlock.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from adobe_nb.errors import TransportError
from adobe_nb.forks import depth, in_children, restarts
from adobe_nb.http.cancellation import Cancellation, Cancelled, current, working_for
from adobe_nb.http.limiter import Limiter

_IDLE = 10.0
"""Seconds after which a thread without work ends."""
_TICK = 0.2
_AHEAD = 3
"""Items handed out for each thread: enough that none waits for the calling thread."""

_FORKED = (
    "This process was forked while the call was under way, so the threads that do its work are in the parent process. "
    "Make the call in this process."
)

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def _no_tick() -> None:
    pass


@contextmanager
def ended(results: Generator[_Item, None, None]) -> Iterator[Generator[_Item, None, None]]:
    """A block that takes results: however it is left, no further request is begun for them.

    An interrupt of the block reaches the pool, too, which then gives up requests that may hang.
    """
    try:
        yield results
    except KeyboardInterrupt as interrupt:
        results.throw(interrupt)
        raise
    finally:
        results.close()


class WorkerPool:
    """Threads that are started when there is work for them, and end when there is none for a while."""

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self.begin_anew()
        restarts(self)

    def begin_anew(self) -> None:
        """Without threads and tasks, as in a forked process: its threads have to be started there."""
        self._tasks: queue.SimpleQueue[tuple[Cancellation, Callable[[], None]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0
        self._busy: dict[object, Cancellation] = {}
        """The call that each busy thread works for."""

    @property
    def threads(self) -> int:
        """Threads there are now."""
        return self._threads

    def map(
        self,
        work: Callable[[_Item], _Result],
        items: Iterable[_Item],
        *,
        tick: Callable[[], object] = _no_tick,
    ) -> Generator[tuple[_Item, _Result], None, None]:
        """Each item with its result, in the order in which the results arrive.

        Items are taken a few ahead of the results, so ``items`` may be a generator that looks at earlier results. The
        first error is raised and ends it; so does closing the iterator. ``tick`` is called several times a second.
        """
        if current() is not None:  # this thread is a worker
            for item in items:
                yield item, work(item)
            return
        results: queue.SimpleQueue[tuple[_Item, Any, BaseException | None]] = queue.SimpleQueue()
        waiting = iter(items)
        call = Cancellation()
        process = depth()
        unanswered = 0
        try:
            while True:
                if depth() != process:
                    raise TransportError(_FORKED)
                for item in islice(waiting, max(0, self._most() * _AHEAD - unanswered)):
                    self._hand_out(work, item, results, call)
                    unanswered += 1
                if not unanswered:
                    return
                try:
                    item, result, error = results.get(timeout=_TICK)
                except queue.Empty:
                    tick()
                    continue
                unanswered -= 1
                if error is not None:
                    try:
                        raise error
                    finally:
                        del error  # else it and this frame would keep each other, and all the pages, alive
                tick()
                yield item, result
        except KeyboardInterrupt:
            self._abandon(call)
            raise
        finally:
            # What is still under way ends by itself; nobody waits for it.
            call.cancel()

    def results(
        self,
        work: Callable[[_Item], _Result],
        items: Sequence[_Item],
        *,
        done: Callable[[], object] = _no_tick,
        tick: Callable[[], object] = _no_tick,
    ) -> list[_Result]:
        """The results in the order of the items; ``done`` is called after each."""
        results: dict[int, _Result] = {}
        with ended(self.map(lambda number: work(items[number]), range(len(items)), tick=tick)) as mapped:
            for number, result in mapped:
                results[number] = result
                done()
        return [results[number] for number in range(len(items))]

    def _hand_out(
        self,
        work: Callable[[_Item], _Result],
        item: _Item,
        results: "queue.SimpleQueue[tuple[_Item, Any, BaseException | None]]",
        call: Cancellation,
    ) -> None:
        def task() -> None:
            if call.cancelled:
                return
            try:
                with working_for(call):
                    result = work(item)
            except Cancelled:
                return
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                results.put((item, None, error))
                return
            results.put((item, result, None))

        with self._lock:
            self._unfinished += 1
            self._tasks.put((call, task))
            self._start_threads()

    def _start_threads(self) -> None:
        """As many as there is work for. The lock is held."""
        while self._threads < min(self._most(), self._unfinished):
            # Daemons: a request that hangs must not keep the interpreter from ending.
            thread = threading.Thread(target=self._run, name=f"adobe_nb {self._threads + 1}", daemon=True)
            self._threads += 1
            try:
                thread.start()
            except RuntimeError:  # the machine has no more threads
                self._threads -= 1
                if not self._threads:
                    raise
                return

    def _abandon(self, call: Cancellation) -> None:
        """Replace the threads that are busy with this call: their requests may hang."""
        call.abandon()
        with self._lock:
            abandoned = [worker for worker, theirs in self._busy.items() if theirs is call]
            for worker in abandoned:
                del self._busy[worker]
            self._threads -= len(abandoned)
            self._unfinished -= len(abandoned)
            self._start_threads()

    def _run(self) -> None:
        """What a thread does: one task after the other."""
        worker = object()
        while True:
            try:
                call, task = self._tasks.get(timeout=_IDLE)
            except queue.Empty:
                with self._lock:
                    if self._tasks.empty():
                        self._threads -= 1
                        return
                continue
            with self._lock:
                self._busy[worker] = call
            try:
                task()
            finally:
                del task, call  # a thread that waits keeps no page alive
                is_needed = self._finish(worker)
            if not is_needed:
                return

    def _finish(self, worker: object) -> bool:
        """Whether the thread is still needed: it was not replaced, and there are not too many."""
        with self._lock:
            if self._busy.pop(worker, None) is None:
                return False
            self._unfinished -= 1
            if self._threads <= self._most():
                return True
            self._threads -= 1
            return False


_pools: dict[Limiter, WorkerPool] = {}
_lock = threading.Lock()


@in_children
def _unlock() -> None:
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()


def pool_of(limiter: Limiter) -> WorkerPool:
    """The pool of a limiter: one for all calls, so that many calls at once do not start more threads."""
    with _lock:
        return _pools.setdefault(limiter, WorkerPool(lambda: limiter.ceiling))
