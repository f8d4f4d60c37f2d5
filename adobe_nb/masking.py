"""Texts that are safe to show: without quoted secrets and terminal control characters.

Errors show the service's own words, and some services quote what they were sent: escaped for JSON,
URLs or HTML, in base64, wrapped over lines, cut off at some length. So a text is decoded level by
level, and where a level has a secret, the original text is masked.
"""

import base64
import html
import json
import re
import weakref
from array import array
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple, Protocol

MASK = "••••••••"
UUID = r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
"""The form of older client secrets."""
CERTAINLY_A_SECRET = re.compile(r"eyJ[A-Za-z0-9_.~+/=-]{10,}|p8e-[A-Za-z0-9_.~+/=-]{6,}")
"""A token or a client secret, whoever it belongs to."""
# C0 (except tab and newline) and C1 controls, DEL, line and paragraph separators, controls of the
# writing direction, and lone surrogates, which terminals cannot print. Letters of all scripts stay.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff]"
)
_SHORTEST = 4
"""Fewest characters of a secret to mask; a shorter one would mask ordinary words."""
_SHORTEST_EVERYWHERE = 8
_HEAD = 12
"""Characters of a secret's beginning that are masked, too: services cut off long texts."""
_LEVELS = 4
# Each level decodes the escapes of one layer and drops characters that only wrap lines. "+" can be
# part of a secret or a blank in a form, so it is dropped in both.
_ESCAPE = re.compile(
    r"\\u[0-9a-fA-F]{4}|\\[\"'\\/bfnrt]|%[0-9a-fA-F]{2}"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});"
    r"|=\r?\n|[\s+\u200b\u00ad]+",
    re.ASCII,
)
_DROPPED = frozenset(" \t\r\n\f\v+\u200b\u00ad")


def printable(text: str) -> str:
    """Return the text with control characters as escapes, except newlines and tabs."""
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


class Keeper(Protocol):
    """An object with secrets that no message may show."""

    def secrets(self) -> Iterable[str]:
        """Return its current secrets."""
        ...


# Not a WeakSet: the values of a dictionary can be listed while another thread adds one.
_keepers: "weakref.WeakValueDictionary[int, Keeper]" = weakref.WeakValueDictionary()


def keep_out_of_messages(keeper: Keeper) -> None:
    """Mask the secrets of the object in the messages of all our errors, while it lives."""
    _keepers[id(keeper)] = keeper


def masked_message(text: str) -> str:
    """Return the text of an error without the secrets of this process's sessions.

    Others may be in it too: a secret that was passed in place of a path or an address.
    """
    secrets: list[str] = []
    for reference in _keepers.valuerefs():
        keeper = reference()
        if keeper is not None:
            secrets += keeper.secrets()
    text = masked_text(text, [secret for secret in secrets if len(secret) >= _SHORTEST_EVERYWHERE])
    return CERTAINLY_A_SECRET.sub(MASK, text)


def masked_text(text: str, secrets: Iterable[str]) -> str:
    """Return the text with dots in place of the secrets, in any of the forms above."""
    needles = list(chain.from_iterable(map(_needles, secrets)))
    if not needles or not text:
        return text
    spans: list[tuple[int, int]] = []
    level = _Level(text, array("Q", range(len(text))), array("Q", range(1, len(text) + 1)))
    for _ in range(_LEVELS):
        level, has_escapes = level.decoded()
        for needle in needles:
            spans += level.spans_of(needle)
        if not has_escapes:
            break
    return _cut_out(text, sorted(spans))


def masked_body(body: bytes, secrets: Iterable[str]) -> bytes:
    """Mask secrets in the bytes of a response, in the encoding in which JSON is read."""
    try:
        encoding = json.detect_encoding(body)
        return masked_text(body.decode(encoding), secrets).encode(encoding)
    except UnicodeError:
        # Not text: other bytes stay as they are.
        text = masked_text(body.decode("utf-8", "surrogateescape"), secrets)
        return text.encode("utf-8", "surrogateescape")


def _needles(secret: str) -> Iterator[str]:
    if len(secret) < _SHORTEST:
        return
    yield _unwrapped(secret)
    data = secret.encode("utf-8", "surrogatepass")
    if not secret.isascii():
        # A percent escape stands for one byte of UTF-8, and is decoded to one character.
        yield _unwrapped(data.decode("latin-1"))
    if len(secret) < _HEAD:
        return
    # In base64 a text depends on its position among three bytes, and the characters at both ends
    # depend on the neighboring bytes.
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + data).decode()
        inner = whole[:-4]
        if shift:
            inner = inner[4:]
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


class _Level(NamedTuple):
    """A text after some decoding, and where each of its characters is in the original."""

    text: str
    starts: "array[int]"
    ends: "array[int]"

    def decoded(self) -> "tuple[_Level, bool]":
        """Return the next level, and whether this one had an escape."""
        parts: list[str] = []
        starts, ends = array("Q"), array("Q")
        has_escapes = False
        position = 0
        for match in _ESCAPE.finditer(self.text):
            begin, end = match.span()
            character = _character(match[0])
            parts += self.text[position:begin], character
            starts += self.starts[position:begin]
            ends += self.ends[position:begin]
            if character:
                has_escapes = True
                starts.append(self.starts[begin])
                ends.append(self.ends[end - 1])
            position = end
        parts.append(self.text[position:])
        starts += self.starts[position:]
        ends += self.ends[position:]
        return _Level("".join(parts), starts, ends), has_escapes

    def spans_of(self, needle: str) -> Iterator[tuple[int, int]]:
        """Yield where the original has a secret, or only its beginning."""
        head = needle[:_HEAD]
        begin = self.text.find(head)
        while begin >= 0:
            end = begin + len(head)
            while end - begin < len(needle) and self.text[end : end + 1] == needle[end - begin]:
                end += 1
            yield self.starts[begin], self.ends[end - 1]
            begin = self.text.find(head, end)


def _character(escape: str) -> str:
    """Return the character that an escape stands for; nothing for one that only wraps lines."""
    text = ""
    if escape.startswith("\\u"):
        text = chr(int(escape[2:], 16))
    elif escape[0] == "\\" and escape[1] not in "bfnrt":
        text = escape[1]
    elif escape[0] == "%":
        text = chr(int(escape[1:], 16))
    elif escape[0] == "&":
        text = html.unescape(escape)
    if len(text) != 1 or text in _DROPPED:
        return ""
    return text
