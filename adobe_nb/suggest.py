"""Suggestions for unknown names: did you mean."""

import difflib
from collections.abc import Collection, Iterable


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return the end of an error message: similar names if there are any, or else all names."""
    close = difflib.get_close_matches(name, known, n=2)
    if close:
        return f" Did you mean {' or '.join(close)}?"
    return f" Choose from: {', '.join(known) or 'none'}."


def is_misspelled(name: str, known: Collection[str]) -> bool:
    """Return whether a name is so close to a known one that it is probably a typing error."""
    return bool(difflib.get_close_matches(name, known, n=1, cutoff=0.85))


def candidates(name: str, known: Iterable[str], most: int = 10) -> list[str]:
    """Return the names to offer for an unknown one: similar, then containing it, then others."""
    folded = name.casefold()
    names = sorted(known, key=str.casefold)
    by_folded = dict(zip(map(str.casefold, names), names, strict=True))
    close = difflib.get_close_matches(folded, by_folded, n=most, cutoff=0.4)
    similar = map(by_folded.__getitem__, close)
    containing = [known_name for known_name in names if folded in known_name.casefold()]
    return list(dict.fromkeys([*similar, *containing, *names]))[:most]
