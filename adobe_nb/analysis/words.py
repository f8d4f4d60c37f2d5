"""Words: of names, of lists in a sentence, and for what is on or off."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

_ON = ("true", "1", "1.0", "yes", "on", "enabled", "active")
_OFF = ("false", "0", "0.0", "no", "off", "disabled", "inactive")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


def words_of(name: str) -> list[str]:
    """Return the words of a name in lowercase: ``old, page, 2`` for ``oldPage_2``."""
    return [word.casefold() for word in _WORD.findall(name)]


def listing(names: Iterable[str]) -> str | None:
    """Return names as a cell of an answer: sorted, each once, joined by ", "; None without any."""
    return ", ".join(sorted(set(names))) or None


def enumerated(items: Sequence[str], most: int = 10, separator: str = ", ") -> str:
    """Return items as part of a sentence: ``a, b and c``, or ``a, b and 7 more``.

    Items that have commas of their own are separated by ``"; "``, also before "and".
    """
    shown = list(items[:most])
    if len(items) > most:
        shown.append(f"{len(items) - most} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{separator.join(shown[:-1])}{separator.rstrip(', ')} and {shown[-1]}"


def counted(number: int, one: str, several: str) -> str:
    """Return a number with the words that agree with it: ``1 rule is``, ``2 rules are``."""
    words = several
    if number == 1:
        words = one
    return f"{number:,} {words}"


def switch(value: Any) -> bool | None:
    """Return what a switch says, as text from files does, too; None for nothing and other words."""
    word = str(value).strip().lower()
    if word in _ON:
        return True
    return False if word in _OFF else None
