"""Cancellation: workers stop when the call of another thread that they work for has ended."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from adobe_nb.forks import in_children

_SLICE = 0.2

_worker = threading.local()


@in_children
def _work_for_nobody() -> None:
    """The thread that forked may have worked for a call of the parent; in the child it works for nobody."""
    global _worker  # noqa: PLW0603
    _worker = threading.local()


class Cancelled(BaseException):
    """The call that this thread worked for has ended. No Exception, so that no handler in between catches it."""


class Cancellation:
    """Shared by a call and the workers that work for it: cancelled when the call has its answer, or an interrupt."""

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
        """Cancel, and release what its workers hold: a request that hangs must not keep others from being sent."""
        self._event.set()
        for release in list(self.on_abandon.values()):
            release()

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises Cancelled as soon as it is cancelled."""
        if self._event.wait(seconds):
            raise Cancelled


@contextmanager
def working_for(cancellation: Cancellation) -> Iterator[None]:
    """In this block, pauses and waits end with Cancelled as soon as the call is cancelled."""
    before = current()
    _worker.cancellation = cancellation
    try:
        yield
    finally:
        _worker.cancellation = before


def current() -> Cancellation | None:
    """The cancellation of the call that this thread is a worker of; None in any other thread."""
    cancellation: Cancellation | None = getattr(_worker, "cancellation", None)
    return cancellation


def pause(seconds: float) -> None:
    """Sleep; a worker wakes up when its call is cancelled. Raises Cancelled."""
    cancellation = current()
    if cancellation is not None:
        cancellation.sleep(seconds)
        return
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        # In slices: not everything that interrupts a program wakes a sleeping thread, too.
        time.sleep(min(left, _SLICE))
