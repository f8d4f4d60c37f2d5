"""Names: the words in them, and lists of them."""

import re
from collections.abc import Iterable

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


def words_of(name: str) -> list[str]:
    """Return the words of a name in lowercase: ``old, page, 2`` for ``oldPage_2``."""
    return [word.casefold() for word in _WORD.findall(name)]


def listing(names: Iterable[str]) -> str | None:
    """Return names as a cell of an answer: sorted, each once, joined by ", "; None without any."""
    return ", ".join(sorted(set(names))) or None
