"""Texts that are safe to show: no secret that a service quotes back, no character that steers a
terminal.

Errors show the service's own words, and some services repeat what they were sent. They repeat it as
they log it: escaped for JSON, URLs or HTML, in base64, wrapped over lines, cut off at some length.
So a text is decoded level by level, and each place where a level has a secret is masked in the text
itself.
"""

import base64
import html
import json
import re
import weakref
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Protocol

MASK = "••••••••"
# C0 (all but tab and newline) and C1 controls, DEL, the line and paragraph separators, the controls
# of writing direction, and lone surrogates, which no terminal can print. Combining marks and
# letters of any script stay.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SHORTEST = 4
"""Characters of a secret that is looked for; a shorter one would mask ordinary words."""
_SHORTEST_EVERYWHERE = 8
_HEAD = 12
"""From so many characters on, the beginning of a secret is masked too: long texts are cut off."""
_LEVELS = 4
# In each level the escapes of one layer are decoded, and what only wraps lines is dropped. "+" is
# both a character of a secret and a blank in a form, so it counts in neither of the two.
_ESCAPE = re.compile(
    r"\\u[0-9a-fA-F]{4}|\\[\"'\\/bfnrt]|%[0-9a-fA-F]{2}|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});"
    r"|=\r?\n|[\s+\u200b\u00ad]+",
    re.ASCII,
)
_DROPPED = frozenset(" \t\r\n\f\v+\u200b\u00ad")
_JSON_ESCAPES = {"b": "", "f": "", "n": "", "r": "", "t": ""}


def printable(text: str) -> str:
    """The text with its control characters written as escapes, so that a name cannot steer a
    terminal.

    Newlines and tabs stay: messages have lines.
    """
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class Keeper(Protocol):
    """Holds secrets that no message may show."""

    def secrets(self) -> Iterable[str]:
        """Those that it has now."""
        ...


# A WeakValueDictionary and not a WeakSet: its values can be listed while another thread adds one.
_keepers: "weakref.WeakValueDictionary[int, Keeper]" = weakref.WeakValueDictionary()


def keep_out_of_messages(keeper: Keeper) -> None:
    """While it lives, its secrets are masked in the message of every error of ours, whatever the
    message quotes.
    """
    _keepers[id(keeper)] = keeper


def masked_message(text: str) -> str:
    """The text of an error without the secrets of the sessions of this process."""
    keepers = [reference() for reference in _keepers.valuerefs()]
    known = [secret for keeper in keepers if keeper is not None for secret in keeper.secrets()]
    return masked_text(text, [secret for secret in known if len(secret) >= _SHORTEST_EVERYWHERE])


def masked_text(text: str, secrets: Iterable[str]) -> str:
    """The text with dots wherever it quotes one of the secrets, in any of the forms above."""
    needles = [needle for secret in secrets for needle in _needles(secret)]
    if not needles or not text:
        return text
    spans: list[tuple[int, int]] = []
    level = _Level(text, [0], [0])
    for _ in range(_LEVELS):
        level, changed = level.decoded()
        for needle in needles:
            spans += level.places_of(needle)
        if not changed:
            break
    return _cut_out(text, sorted(spans))


def masked_body(body: bytes, secrets: Iterable[str]) -> bytes:
    """The same for the bytes of an answer, in the encoding in which JSON is read."""
    try:
        encoding = json.detect_encoding(body)
        return masked_text(body.decode(encoding), secrets).encode(encoding)
    except UnicodeError:  # not text: its bytes stay as they are, but for a secret among them
        return masked_text(body.decode("utf-8", "surrogateescape"), secrets).encode(
            "utf-8", "surrogateescape"
        )


def _needles(secret: str) -> Iterator[str]:
    if len(secret) < _SHORTEST:
        return
    yield _unwrapped(secret)
    if (
        not secret.isascii()
    ):  # percent signs escape the bytes of UTF-8, each of which is decoded to one character
        yield _unwrapped(secret.encode("utf-8", "surrogatepass").decode("latin-1"))
    if len(secret) < _HEAD:
        return
    # In base64 a text looks different by its place among three bytes; the characters at the seams
    # hold neighbours.
    data = secret.encode("utf-8", "surrogatepass")
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + data).decode()
        inner = whole[4 if before else 0 : len(whole) - 4]
        yield _unwrapped(inner)
        yield _unwrapped(inner.replace("+", "-").replace("/", "_"))


def _unwrapped(text: str) -> str:
    return re.sub(r"[\s+\u200b\u00ad]+", "", text, flags=re.ASCII)


def _cut_out(text: str, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    end = 0
    for begin, stop in spans:
        if begin >= end:
            parts += text[end:begin], MASK
        end = max(end, stop)
    return "".join([*parts, text[end:]])


class _Level:
    """A text after some decoding, and where its parts came from in the original.

    ``starts[n]`` is the place of the n-th part here, ``origins[n]`` its place there; what is
    decoded is a part of one character, and what lies between is as long here as there.
    """

    def __init__(self, text: str, starts: list[int], origins: list[int]) -> None:
        self.text = text
        self._starts = starts
        self._origins = origins

    def decoded(self) -> "tuple[_Level, bool]":
        """One level deeper, and whether anything was an escape there."""
        parts: list[str] = []
        starts, origins = [0], [self._origin(0)]
        at = length = 0
        changed = False
        for match in _ESCAPE.finditer(self.text):
            character = _character(match[0])
            changed = changed or bool(character)
            self._carry(at, match.start(), length, starts, origins)
            parts += self.text[at : match.start()], character
            length += match.start() - at
            starts.append(length)
            origins.append(self._origin(match.start()))
            length += len(character)
            at = match.end()
            starts.append(length)
            origins.append(self._origin(at))
        self._carry(at, len(self.text), length, starts, origins)
        parts.append(self.text[at:])
        return _Level("".join(parts), starts, origins), changed

    def _carry(
        self, begin: int, end: int, length: int, starts: list[int], origins: list[int]
    ) -> None:
        """The parts of this level between two escapes are parts of the next one, too."""
        first = bisect_right(self._starts, begin)
        for number in range(first, bisect_right(self._starts, end)):
            starts.append(length + self._starts[number] - begin)
            origins.append(self._origins[number])

    def _origin(self, at: int) -> int:
        part = bisect_right(self._starts, at) - 1
        return self._origins[part] + at - self._starts[part]

    def places_of(self, needle: str) -> Iterator[tuple[int, int]]:
        """Where the original has it, or its beginning if that is long enough to be nothing else."""
        head = needle[:_HEAD]
        at = self.text.find(head)
        while at >= 0:
            end = at + len(head)
            while end - at < len(needle) and self.text[end : end + 1] == needle[end - at]:
                end += 1
            yield self._origin(at), self._origin(end - 1) + self._width(end - 1)
            at = self.text.find(head, end)

    def _width(self, at: int) -> int:
        """How long the character is in the original."""
        part = bisect_right(self._starts, at)
        if part < len(self._starts) and self._starts[part] == at + 1:
            return max(1, self._origins[part] - self._origin(at))
        return 1


def _character(escape: str) -> str:
    """What an escape stands for; nothing for what only wraps."""
    if escape[0] == "\\":
        text = (
            chr(int(escape[2:], 16))
            if escape[1] == "u"
            else _JSON_ESCAPES.get(escape[1], escape[1])
        )
    elif escape[0] == "%":
        text = chr(int(escape[1:], 16))
    elif escape[0] == "&":
        text = html.unescape(escape)
        text = text if len(text) == 1 else ""
    else:
        text = ""
    return "" if text in _DROPPED else text
