"""State that must be reset in a forked process.

A fork copies the memory and nothing else: threads are gone, their locks stay held forever,
requests in flight belong to the parent, and open sockets are shared, so that one process could read
the responses of the other. Each object with a lock, a thread, a socket or a count of requests
therefore registers here and is reset in a child before anything else runs there. Locks are
replaced, not released: the threads that held them no longer exist.
"""

import os
import weakref
from collections.abc import Callable
from typing import Protocol, TypeVar


class Resettable(Protocol):
    """An object with state that must not outlive a fork."""

    def after_fork(self) -> None:
        """Reset the state, in the only thread of the child. Old locks may be held: take none."""
        ...


_Function = TypeVar("_Function", bound=Callable[[], object])

_objects: "weakref.WeakSet[Resettable]" = weakref.WeakSet()
_functions: list[Callable[[], object]] = []
_depth = 0


def reset_after_fork(resettable: Resettable) -> None:
    """Reset the object in each forked process, for as long as it lives."""
    _objects.add(resettable)


def run_after_fork(function: _Function) -> _Function:
    """Call the function in each forked process; a decorator, for the locks of a module."""
    _functions.append(function)
    return function


def depth() -> int:
    """Return the number of forks between this process and the one that imported the package."""
    return _depth


def _reset() -> None:
    global _depth  # noqa: PLW0603
    _depth += 1
    for function in _functions:
        function()
    for resettable in list(_objects):
        resettable.after_fork()


# Windows cannot fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)
