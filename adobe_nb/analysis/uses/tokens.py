"""Tokens in settings: ``%name%``, paired as the tags engine pairs them, and ``{{name}}``."""

import re
from collections.abc import Container, Iterator
from typing import NamedTuple

# The engine tries this first: the value replaces the text, and a name may hold line breaks.
_WHOLE = re.compile(r"%([^%]+)%")
# Otherwise it goes from left to right, and each match uses up both signs whether or not the name
# exists. So a lone sign takes the opening one of the next token: "100% of %page.name%". A dot in
# the engine's pattern stops at JavaScript's line breaks.
_TOKEN = re.compile("%([^\n\r\u2028\u2029]+?)%")


class Token(NamedTuple):
    """A name between the signs of a token, and where the token starts and stops."""

    name: str
    start: int
    stop: int


def find_percent_tokens(text: str) -> list[Token]:
    """Return the tokens of a setting that the engine of a web property looks up, in order."""
    if text.count("%") < 2:
        return []
    whole = _WHOLE.fullmatch(text)
    if whole:
        return [Token(whole[1], 0, len(text))]
    return [Token(match[1], *match.span()) for match in _TOKEN.finditer(text)]


def find_edge_tokens(text: str) -> list[Token]:
    """Return the tokens of a setting of an event forwarding property, in order."""
    if "}}" not in text:
        return []
    tokens = []
    offset = 0
    # Line by line, because a token ends on its line: a search for the end of each would be slow.
    for line in text.splitlines(keepends=True):
        start = line.find("{{")
        while start >= 0:
            stop = line.find("}}", start + 3)
            if stop < 0:
                break
            tokens.append(Token(line[start + 2 : stop], offset + start, offset + stop + 2))
            start = line.find("{{", stop + 2)
        offset += len(line)
    return tokens


def percent_tokens(text: str) -> list[str]:
    """Return the names that the engine of a web property looks up in a setting, in order."""
    return [token.name for token in find_percent_tokens(text)]


def edge_tokens(text: str) -> list[str]:
    """Return the names that a setting of an event forwarding property refers to, in order."""
    return [token.name for token in find_edge_tokens(text)]


def masked_tokens(text: str, names: Container[str]) -> Iterator[Token]:
    """Yield the names that are written as tokens, and that the engine does not look up.

    An earlier percent sign has taken their opening one: a bug of the property.
    """
    found = {token.start for token in find_percent_tokens(text)}
    start = text.find("%")
    while start >= 0:
        stop = text.find("%", start + 1)
        if stop < 0:
            return
        name = text[start + 1 : stop]
        if start not in found and "\n" not in name and name in names:
            yield Token(name, start, stop + 1)
        start = stop
