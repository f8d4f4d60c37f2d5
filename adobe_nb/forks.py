"""What begins anew in a forked process.

A fork copies the memory and nothing else: threads are gone, their locks stay held for ever,
requests in flight are those of the parent, and open sockets are shared, so that one process would
read the answers of the other. Whatever holds a lock, a thread, a socket or a count of requests
therefore registers here, once, and is told in each child before anything else runs there. Locks are
replaced and not released: nobody is left who could release them.
"""

import os
import weakref
from collections.abc import Callable
from typing import Protocol, TypeVar


class Restartable(Protocol):
    """Has state that must not outlive a fork."""

    def begin_anew(self) -> None:
        """In the child, where this is the only thread. Takes no lock: the old ones may be held."""
        ...


_Thing = TypeVar("_Thing", bound=Restartable)
_Function = TypeVar("_Function", bound=Callable[[], object])

_things: "weakref.WeakSet[Restartable]" = weakref.WeakSet()
_functions: list[Callable[[], object]] = []
_depth = 0


def restarts(thing: _Thing) -> _Thing:
    """From now on the object begins anew in each child, for as long as it lives."""
    _things.add(thing)
    return thing


def in_children(function: _Function) -> _Function:
    """Decorator: call the function in each child; for the locks and registries of a module."""
    _functions.append(function)
    return function


def depth() -> int:
    """How many forks lie between this process and the one that imported the package."""
    return _depth


def _begin_anew() -> None:
    global _depth  # noqa: PLW0603
    _depth += 1
    for function in _functions:
        function()
    for thing in list(_things):
        thing.begin_anew()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_begin_anew)
