"""Progress bars in notebooks and terminals for work that takes longer than a second."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from adobe_nb.forks import depth
from adobe_nb.http.limiter import Limiter

# Most work is done before a bar could be drawn. Seconds.
_SHORT = 1.0
OFF = {"off", "0", "no", "false"}
"""Values of ``ADOBE_NB_PROGRESS`` and ``ADOBE_NB_JOURNAL`` that turn the bar or the journal off."""


class Meter:
    """Counts requests while they are sent. This one is silent."""

    def expect(self, requests: int) -> None:
        """Count requests that are to be sent."""

    def done(self, requests: int = 1, *, rows: int = 0) -> None:
        """Count requests that were answered, and the rows in their responses."""

    def update(self) -> None:
        """Draw again. Called several times a second, also while nothing arrives."""


Progress = Callable[[str], AbstractContextManager[Meter]]
"""Given a label, a context with a meter."""


@contextmanager
def no_progress(label: str) -> Iterator[Meter]:  # noqa: ARG001
    """Yield a silent meter."""
    yield Meter()


@contextmanager
def bar(limiter: Limiter, label: str) -> Iterator[Meter]:
    """Yield a meter with a bar: requests, rows, rate, and waits for the rate limit.

    The bar appears after a second and disappears when the work is done.
    """
    if not is_shown():
        yield Meter()
        return
    meter = _Bar(label, limiter)
    try:
        yield meter
    finally:
        meter.close()


class _Bar(Meter):
    def __init__(self, label: str, limiter: Limiter) -> None:
        self._label = label
        self._limiter = limiter
        self._process = depth()
        self._began = time.monotonic()
        self._total = self._done = self._rows = 0
        self._shown: Any = None
        """The tqdm bar, once the work turns out to be long."""

    def expect(self, requests: int) -> None:
        self._total += requests

    def done(self, requests: int = 1, *, rows: int = 0) -> None:
        self._done += requests
        self._rows += rows

    def update(self) -> None:
        if self._process != depth():
            # In a forked process: the bar belongs to the parent.
            return
        if self._shown is None:
            if time.monotonic() - self._began < _SHORT:
                return
            from tqdm.auto import tqdm  # noqa: PLC0415

            self._shown = tqdm(total=self._total, desc=self._label, unit=" request", leave=False)
            self._shown.start_t -= _SHORT
            # The first rate counts from here.
            self._shown.last_print_t = self._shown.start_t
        if self._shown.total != self._total:
            self._shown.total = self._total
            if hasattr(self._shown, "container"):
                # In a notebook the widget has a total of its own.
                self._shown.container.children[1].max = self._total
        self._shown.set_postfix_str(", ".join(self._notes()), refresh=False)
        self._shown.update(self._done - self._shown.n)
        if self._limiter.closed_for:
            # Without progress tqdm would not draw the seconds that are left.
            self._shown.refresh()

    def _notes(self) -> Iterator[str]:
        if self._rows:
            yield f"{self._rows:,} rows"
        if seconds := self._limiter.closed_for:
            yield f"waiting {math.ceil(seconds)} s for the service's rate limit"
        elif self._limiter.refused:
            yield f"limited to {self._limiter.limit} requests at once"

    def close(self) -> None:
        """Remove the bar."""
        if self._shown is not None and self._process == depth():
            # In a notebook, a bar that is short of its total would stay, in red.
            self._shown.total = None
            self._shown.close()


def is_shown() -> bool:
    """Return whether progress is shown here at all."""
    # Forked processes would draw over each other in a terminal or notebook of their parent.
    if depth():
        return False
    if os.environ.get("ADOBE_NB_PROGRESS", "").strip().lower() in OFF:
        return False
    return "ipykernel" in sys.modules or sys.stderr.isatty()
