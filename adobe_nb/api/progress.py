"""Progress of work that takes longer than a second: a bar in notebooks and terminals, silence
elsewhere.
"""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from adobe_nb.forks import depth
from adobe_nb.http.limiter import Limiter

_SHORT = 1.0
"""Seconds of work that need no bar."""
OFF = {"off", "0", "no", "false"}
"""Values of ``ADOBE_NB_PROGRESS`` that switch it off."""


class Meter:
    """What is told while requests are made; this one keeps silent."""

    def expect(self, requests: int) -> None:
        """So many more requests are to come."""

    def done(self, requests: int = 1, *, rows: int = 0) -> None:
        """So many requests are done, and brought so many rows."""

    def update(self) -> None:
        """Called several times a second, also while nothing is done."""


Progress = Callable[[str], AbstractContextManager[Meter]]
"""Given a label, a context with a meter."""


@contextmanager
def no_progress(label: str) -> Iterator[Meter]:  # noqa: ARG001
    """Silence."""
    yield Meter()


@contextmanager
def bar(limiter: Limiter, label: str) -> Iterator[Meter]:
    """A tqdm bar, shown from the second second until the work is done: requests, rows, rate, waits
    for the limit.
    """
    if not _wanted():
        yield Meter()
        return
    meter = _Bar(label, limiter)
    try:
        yield meter
    finally:
        meter.close()


class _Bar(Meter):
    """Made when the work turns out to be long: most is over before a bar could be drawn."""

    def __init__(self, label: str, limiter: Limiter) -> None:
        self._label = label
        self._limiter = limiter
        self._process = depth()
        self._began = time.monotonic()
        self._total = self._done = self._rows = 0
        self._shown: Any = None

    def expect(self, requests: int) -> None:
        self._total += requests

    def done(self, requests: int = 1, *, rows: int = 0) -> None:
        self._done += requests
        self._rows += rows

    def update(self) -> None:
        if self._process != depth():  # forked meanwhile: the bar is the parent's
            return
        if self._shown is None:
            if time.monotonic() - self._began < _SHORT:
                return
            from tqdm.auto import tqdm  # noqa: PLC0415

            self._shown = tqdm(total=self._total, desc=self._label, unit="request", leave=False)
            self._shown.start_t -= _SHORT
        self._stretch()
        self._shown.set_postfix_str(", ".join(self._parts()), refresh=False)
        self._shown.update(self._done - self._shown.n)
        if self._limiter.closed_for:
            self._shown.refresh()

    def _stretch(self) -> None:
        """More requests are to come than the bar knew of."""
        if self._shown.total != self._total:
            self._shown.total = self._total
            if hasattr(
                self._shown, "container"
            ):  # in a notebook the widget keeps a number of its own
                self._shown.container.children[1].max = self._total

    def close(self) -> None:
        """Take it away."""
        if self._shown is not None and self._process == depth():
            self._shown.close()

    def _parts(self) -> Iterator[str]:
        if self._rows:
            yield f"{self._rows:,} rows"
        if closed := self._limiter.closed_for:
            yield f"waiting {math.ceil(closed)} s, as the service asks"
        elif self._limiter.refused:
            yield f"{self._limiter.limit} at once, the service's limit"


def _wanted() -> bool:
    if depth():
        # Several processes would draw over each other, into a terminal or notebook that belongs to
        # their parent.
        return False
    if os.environ.get("ADOBE_NB_PROGRESS", "").strip().lower() in OFF:
        return False
    return "ipykernel" in sys.modules or sys.stderr.isatty()
