"""Worker threads: call a function for many items at once, and stop when the caller does.

Every call starts threads of its own and lets them go when it ends: starting one takes about 0.15
ms, a request several. How many requests are in flight is the limiter's concern, however many calls
there are.

The calling thread hands out the items and takes the results, so everything but the requests happens
there and it can be interrupted at any time. A worker that calls for many items works through them
itself, so nested calls cannot deadlock.
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
from adobe_nb.forks import in_children

_TICK = 0.2
"""Seconds between two calls of ``tick``."""
_AHEAD = 3
"""Items handed out for each thread: enough that none waits for the calling thread."""

_FORKED = (
    "This process was forked while the call was under way, so the threads that do its work are in the parent process. "
    "Make the call in this process."
)

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Cancelled(BaseException):
    """The call that this thread worked for has ended. No Exception, so that no handler in between
    catches it.
    """


class Cancellation:
    """Shared by a call and its workers: set when the call has its answer, or was interrupted."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.on_abandon: dict[object, Callable[[], None]] = {}
        """What to release when the call is abandoned, each under a key of its own."""

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Nothing more is begun for it; what is under way ends by itself."""
        self._event.set()

    def abandon(self) -> None:
        """Cancel, and release what its workers hold: a request that hangs must not keep others from
        being sent.
        """
        self._event.set()
        for release in list(self.on_abandon.values()):
            release()

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises Cancelled as soon as it is cancelled."""
        if self._event.wait(seconds):
            raise Cancelled


class _Worker(threading.local):
    cancellation: Cancellation | None = None
    """Of the call that this thread works for; None in a thread that is not a worker."""
    tick: Callable[[], object] | None = None
    """Called several times a second while this thread waits for the service."""


worker = _Worker()


@in_children
def _work_for_nobody() -> None:
    """The thread that forked may have worked for a call of the parent; in the child it works for
    nobody.
    """
    worker.cancellation = worker.tick = None


def pause(seconds: float) -> None:
    """Sleep; a worker wakes up when its call is cancelled. Raises Cancelled."""
    if worker.cancellation is not None:
        worker.cancellation.sleep(seconds)
        return
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        # In slices: not everything that interrupts a program wakes a sleeping thread, too.
        time.sleep(min(left, _TICK))
        if worker.tick is not None:
            worker.tick()


def _no_tick() -> None:
    pass


def map_unordered(
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    threads: Callable[[], int],
    tick: Callable[[], object] = _no_tick,
) -> Generator[tuple[_Item, _Result], None, None]:
    """Each item with its result, in the order in which the results arrive.

    Items are taken a few ahead of the results, so ``items`` may be a generator that looks at
    earlier results. ``threads`` says how many there may be now. The first error is raised and ends
    it; so does closing the iterator. ``tick`` is called several times a second.
    """
    if worker.cancellation is not None:
        yield from ((item, work(item)) for item in items)
        return
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
                    del (
                        error
                    )  # else it and this frame would keep each other, and all the pages, alive
            tick()
            yield item, result
    except KeyboardInterrupt:
        cancellation.abandon()
        raise
    finally:
        # What is still under way ends by itself; nobody waits for it. The end first: an interrupt
        # between the two would leave threads waiting for ever.
        tasks.put(_END)
        cancellation.cancel()


_END = object()
"""Lets the threads go: each that finds it leaves it to the next."""


def _start(
    work: Callable[[Any], Any],
    tasks: "queue.SimpleQueue[Any]",
    results: "queue.SimpleQueue[Any]",
    cancellation: Cancellation,
    *,
    needed: bool,
) -> bool:
    """Start a thread, and tell whether there was one: a machine without more threads does with
    fewer.
    """

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
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                results.put((item, None, error))
            del item  # a thread that waits keeps no page alive

    # Daemons: a request that hangs must not keep the interpreter from ending.
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
    """A block that takes results: however it is left, no further request is begun for them.

    An interrupt of the block reaches the threads, too, which then give up requests that may hang.
    """
    try:
        yield results
    except KeyboardInterrupt as interrupt:
        results.throw(interrupt)
        raise
    finally:
        results.close()
