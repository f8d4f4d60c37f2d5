"""Did you mean: the known names that are like an unknown one. All comparison of names stands here."""

import difflib
from collections.abc import Collection, Iterable


def did_you_mean(name: str, known: Collection[str]) -> str:
    """`` Did you mean rules?``, or all the names that there are: the end of an error message."""
    close = difflib.get_close_matches(name, known, n=2)
    if close:
        return f" Did you mean {' or '.join(close)}?"
    return f" Choose from: {', '.join(known) or 'none'}."


def is_misspelled(name: str, known: Collection[str]) -> bool:
    """Whether a name is so close to a known one that it was probably meant."""
    return bool(difflib.get_close_matches(name, known, n=1, cutoff=0.85))


def candidates(name: str, known: Iterable[str], most: int = 10) -> list[str]:
    """The names to offer when a name is not found: similar ones first, then those that contain it,
    then the rest.
    """
    names = sorted(set(known), key=str.casefold)
    by_folded = {known_name.casefold(): known_name for known_name in names}
    similar = difflib.get_close_matches(name.casefold(), by_folded, n=most, cutoff=0.4)
    ranked = [by_folded[folded] for folded in similar]
    ranked += [known_name for known_name in names if name.casefold() in known_name.casefold()]
    ranked += names
    return list(dict.fromkeys(ranked))[:most]
