"""Worker threads: call a function for many items at once, and stop when the caller does.

Each call starts its own threads and ends them when it is done: starting one takes about 0.15 ms, a
request several. The limiter, not this module, limits the requests in flight.

The calling thread hands out the items and takes the results, so everything but the requests happens
there, and it can be interrupted at any time. A call inside a worker processes its items in that
thread, so nested calls cannot deadlock.
"""

import os
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from adobe_nb.errors import TransportError
from adobe_nb.forks import run_after_fork

_TICK = 0.2
"""Seconds between two calls of ``tick``."""
_AHEAD = 3
"""Items handed out per thread: enough that none waits for the calling thread."""

_FORKED = (
    "This process was forked during the call, and the threads that do its work are in the parent "
    "process. Make the call again in this process."
)

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Cancelled(BaseException):
    """The call that this thread works for has ended.

    A BaseException, so that ``except Exception`` does not catch it on the way.
    """


class Cancellation:
    """Shared by a call and its workers: set when the call is done or was interrupted."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.on_abandon: dict[object, Callable[[], None]] = {}
        """What to release when the call is abandoned."""

    @property
    def cancelled(self) -> bool:
        """Whether the caller no longer waits for results."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Start nothing more; requests in flight end by themselves."""
        self._event.set()

    def abandon(self) -> None:
        """Cancel, and release what the workers hold, so that a hanging request blocks no others."""
        self._event.set()
        for release in list(self.on_abandon.values()):
            release()

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises Cancelled as soon as the call is cancelled."""
        if self._event.wait(seconds):
            raise Cancelled


class _Worker(threading.local):
    cancellation: Cancellation | None = None
    """That of the call for which this thread works; None outside workers."""
    tick: Callable[[], object] | None = None
    """Called several times a second while this thread waits for the service."""


worker = _Worker()


@run_after_fork
def _forget_call() -> None:
    """In a forked process, this thread no longer works for a call of the parent."""
    worker.cancellation = worker.tick = None


def pause(seconds: float) -> None:
    """Sleep; in a worker, raises Cancelled as soon as its call is cancelled."""
    if worker.cancellation is not None:
        worker.cancellation.sleep(seconds)
        return
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        # In slices, because not every interrupt wakes a sleeping thread.
        time.sleep(min(left, _TICK))
        if worker.tick is not None:
            worker.tick()


def map_unordered(
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    threads: Callable[[], int],
    tick: Callable[[], object] = lambda: None,
) -> Generator[tuple[_Item, _Result], None, None]:
    """Yield each item with its result, in the order in which the results arrive.

    Items are taken a few ahead of the results, so ``items`` can be a generator that depends on
    earlier results. ``threads`` returns the most threads at the moment. The first error ends the
    call and is raised; closing the iterator ends it, too. ``tick`` is called several times a
    second.
    """
    if worker.cancellation is not None:
        yield from ((item, work(item)) for item in items)
        return
    # One loop, though it is long: an interrupt must find the whole state of the call in one frame.
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    results: queue.SimpleQueue[tuple[_Item, Any, BaseException | None]] = queue.SimpleQueue()
    waiting = iter(items)
    cancellation = Cancellation()
    process = os.getpid()
    started = unanswered = 0
    try:
        while True:
            if os.getpid() != process:
                raise TransportError(_FORKED)
            for item in islice(waiting, max(0, threads() * _AHEAD - unanswered)):
                tasks.put(item)
                unanswered += 1
            while started < min(threads(), unanswered):
                if not _start(work, tasks, results, cancellation, needed=started == 0):
                    break
                started += 1
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
                    # Otherwise the error and this frame keep each other, and all pages, alive.
                    del error
            tick()
            yield item, result
    except KeyboardInterrupt:
        cancellation.abandon()
        raise
    finally:
        # The end first: an interrupt between the two lines would leave threads waiting forever.
        tasks.put(_END)
        cancellation.cancel()


_END = object()
"""Ends the threads: each one that receives it passes it on to the next."""


def _start(
    work: Callable[[Any], Any],
    tasks: "queue.SimpleQueue[Any]",
    results: "queue.SimpleQueue[Any]",
    cancellation: Cancellation,
    *,
    needed: bool,
) -> bool:
    """Start a thread; return False, or raise if it is needed, when the machine has no more."""

    def run() -> None:
        worker.cancellation = cancellation
        while True:
            item = tasks.get()
            if item is _END or cancellation.cancelled:
                tasks.put(_END)
                return
            try:
                results.put((item, work(item), None))
            except Cancelled:
                return
            # Raised again in the calling thread.
            except BaseException as error:  # noqa: BLE001
                results.put((item, None, error))
            # A waiting thread must not keep a page alive.
            del item

    # A daemon: a hanging request must not keep the interpreter from exiting.
    thread = threading.Thread(target=run, name="adobe_nb worker", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        if needed:
            raise
        return False
    return True


@contextmanager
def ended(results: Generator[_Item, None, None]) -> Iterator[Generator[_Item, None, None]]:
    """Take results in a block; when it is left, no further request is started for them.

    An interrupt of the block also reaches the threads, which give up requests that may hang.
    """
    try:
        yield results
    except KeyboardInterrupt as interrupt:
        results.throw(interrupt)
        raise
    finally:
        results.close()
