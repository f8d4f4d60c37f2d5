"""Progress of work that takes longer than a second: a bar in notebooks and terminals, silence elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Progress = Callable[[str, int], AbstractContextManager[Callable[..., object]]]
"""Given a label and a total, a context whose value is called once per finished request, or with how many."""


@contextmanager
def no_progress(label: str, total: int) -> Iterator[Callable[..., object]]:  # noqa: ARG001
    """Silence."""
    yield lambda *_: None


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[..., object]]:
    """A tqdm bar that appears after a second and goes when the work is done."""
    from tqdm.auto import tqdm  # noqa: PLC0415

    quiet = "ipykernel" not in sys.modules and not sys.stderr.isatty()
    with tqdm(total=total, desc=label, unit="request", delay=1.0, leave=False, disable=quiet) as shown:
        yield shown.update
