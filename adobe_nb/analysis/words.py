"""The words that a name is made of."""

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


def words_of(name: str) -> list[str]:
    """Return the words of a name in lowercase: ``old, page, 2`` for ``oldPage_2``."""
    return [word.casefold() for word in _WORD.findall(name)]
