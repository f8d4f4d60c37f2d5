"""Find what looks like a secret in settings and code, and hide it.

Two ways: the shapes that services give their keys, and long random texts that a name says to be a
secret. Ids, hashes, names of fields and tokens of data elements are not secrets.
"""

import math
import re
import tomllib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Any, NamedTuple

from adobe_nb.analysis.words import words_of
from adobe_nb.masking import MASK
from adobe_nb.registry import ID_PATTERN

_MARKERS = ("secret", "token", "passw", "passphrase", "pwd", "key", "credential", "auth")
_ONE_WORD = {
    "secret", "password", "passwd", "passphrase", "pwd", "token", "apikey", "credential",
    "credentials", "authorization", "accesskey", "secretkey", "authtoken", "accesstoken",
    "clientsecret", "privatekey",
}  # fmt: skip
_KEYS = {
    "api", "access", "private", "secret", "auth", "encryption", "signing", "account",
    "subscription", "shared", "master", "service",
}  # fmt: skip
"""Words that make a secret of a key: other keys are those of a page, a cache or a table."""
_STRICT = {"secret", "password", "passwd", "passphrase", "pwd", "clientsecret"}
"""Names whose value counts when it is short or a GUID, too."""
# The page makes and shows these.
_NOT_SECRET = {"csrf", "xsrf", "public", "site", "property", "library", "next", "page"}
NAMED = re.compile(
    r"""(?<![\w-])(?P<name>[A-Za-z_][\w-]{1,60}+)["'`]?\s*+(?:=>|[:=]{1,3})\s*+"""
    r"""(?P<value>"[^"\n]{8,}"|'[^'\n]{8,}'|`[^`\n]{8,}`|(?<==)[\w.~+/-]{16,}=*)"""
)
"""A name with a text, where code is not parsed: comments, HTML, JSON, addresses, and attributes."""
_ALLOWED = re.compile(r"[\w!@$^*+/=~&-][\w!@$^*+/=.~&:#?-]+")
_LONG = 16
_SHORT = 8
_ENTROPY = 3.0
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_IDENTIFIER = re.compile(r"(?:[A-Za-z]+|\d{1,4})(?:[-_.:/=&?](?:[A-Za-z]+|\d{1,4}))+")
_FILE = re.compile(r"[\w./-]+\.[a-z]{2,4}(?:\?.*)?")
_TOKEN = re.compile(r"%[^%\n]+%|\{\{.+\}\}|\{\{|\$\{")
_DOUBTFUL_NAME = re.compile(
    r"secret|passw(?:or)?d|passphrase|credential|authorization|bearer"
    r"|(?:api|access|private|auth|license|subscription)[-_ ]?key|key[-_ ]?secret"
    r"|(?:^|[-_ .]|auth|access|api|refresh|id)token$",
    re.IGNORECASE,
)
_AFTER_NAME = re.compile(
    r"((?:\b(?:Bearer|Basic)\s+)|(?:(?:authorization|secret|passw(?:or)?d|token|"
    r"(?:api|access|private|auth)[-_]?key)\w*[\"']?\s*[:=]\s*[\"'`]?))([\w.+/=~!@$^*-]{6,})",
    re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"(?<=//)[^/\s:@]+:[^/\s@]+(?=@)")
_WORD = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_HEX = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
_HIDDEN = "\N{BULLET}"
_HIDDEN_TEXT = re.compile(f"{_HIDDEN}{{4,}}")


class Shape(NamedTuple):
    """What the secrets of a service look like."""

    kind: str
    rule: str
    markers: tuple[str, ...]
    pattern: re.Pattern[str]


class Secret(NamedTuple):
    """Where a text has a secret, and of which kind."""

    start: int
    stop: int
    kind: str
    rule: str


@cache
def read_table() -> dict[str, Any]:
    """Return the rules and shapes that code_risks knows, as they are in the file."""
    text = files("adobe_nb.analysis.code").joinpath("risks.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _shapes() -> list[Shape]:
    shapes = []
    for row in read_table()["secrets"]:
        rule = row.get("rule", "secret")
        shapes.append(Shape(row["kind"], rule, tuple(row["markers"]), re.compile(row["pattern"])))
    return shapes


@cache
def _markers() -> list[str]:
    return list(chain.from_iterable(shape.markers for shape in _shapes()))


def shaped_secrets(text: str) -> Iterator[Secret]:
    """Yield what has the shape of a known secret."""
    # Most texts have none.
    if not any(map(text.__contains__, _markers())):
        return
    for shape in _shapes():
        if any(marker in text for marker in shape.markers):
            for match in shape.pattern.finditer(text):
                if not _TOKEN.search(match[0]):
                    yield Secret(*match.span(), shape.kind, shape.rule)


def has_marker(text: str) -> bool:
    """Return whether a text can name a secret: a quick test before a search."""
    lowercase = text.lower()
    return any(marker in lowercase for marker in _MARKERS)


def named_secrets(text: str) -> Iterator[Secret]:
    """Yield the random texts beside a name of a secret, in a text that is not parsed."""
    if not has_marker(text):
        return
    match = NAMED.search(text)
    while match is not None:
        start, stop = match.span("value")
        if match["value"][0] in "\"'`":
            start, stop = start + 1, stop - 1
        kind = kind_of(match["name"], text[start:stop])
        if kind:
            yield Secret(start, stop, kind, "secret")
        # The value of another name can have a secret inside: src="https://…?access_token=…".
        match = NAMED.search(text, stop if kind else start)


def secrets_in(text: str) -> list[Secret]:
    """Return all secrets in a text that is not parsed; of those that overlap, the first kind."""
    return without_overlaps([*shaped_secrets(text), *named_secrets(text)])


def without_overlaps(secrets: Iterable[Secret]) -> list[Secret]:
    """Return the secrets in order, without those that overlap an earlier one of the list."""
    kept: list[Secret] = []
    for secret in secrets:
        following = bisect_right(kept, secret)
        neighbors = kept[max(0, following - 1) : following + 1]
        overlaps = (other.start < secret.stop and secret.start < other.stop for other in neighbors)
        if not any(overlaps):
            kept.insert(following, secret)
    return kept


def kind_of(name: str, value: str) -> str:
    """Return what a value is that has this name; empty when it does not look like a secret."""
    words = words_of(name)
    while words and words[-1].isdecimal():
        words.pop()
    if not _is_name_of_secret(words):
        return ""
    if words[-1] == "authorization":
        # The first word says how it is to be read.
        value = value.rpartition(" ")[2]
    if _looks_secret(value, is_strict=words[-1] in _STRICT):
        return f"the value of {name}"
    return ""


def _looks_secret(value: str, *, is_strict: bool) -> bool:
    if not _ALLOWED.fullmatch(value) or _TOKEN.search(value) or _is_plain(value):
        return False
    if is_strict:
        return len(value) >= _SHORT
    return _is_random(value) and not _GUID.fullmatch(value)


def _is_name_of_secret(words: list[str]) -> bool:
    """Return whether a name ends as that of a secret does: ``tokenUrl`` is the name of another."""
    if not words or _NOT_SECRET & set(words):
        return False
    return words[-1] in _ONE_WORD or (words[-1] == "key" and bool(_KEYS & set(words[-2:-1])))


def _is_plain(value: str) -> bool:
    """Return whether a value is a word, number, file, address, or id of a tags resource."""
    if value.isalpha() or value.isdecimal() or "://" in value:
        return True
    patterns = (_IDENTIFIER, _FILE, ID_PATTERN)
    return any(pattern.fullmatch(value) for pattern in patterns) or not re.search(r"\d", value)


def _is_random(value: str) -> bool:
    counts = Counter(value).values()
    entropy = -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
    return len(value) >= _LONG and entropy >= _ENTROPY


def hidden(text: str, secrets: Iterable[Secret]) -> str:
    """Return a text of the same length, with bullets in place of the secrets."""
    parts: list[str] = []
    end = 0
    for start, stop, *_ in sorted(secrets):
        if start >= end:
            parts += text[end:start], re.sub(r"[^\n]", _HIDDEN, text[start:stop])
            end = stop
    return "".join([*parts, text[end:]])


def without_values(text: str, values: Iterable[str]) -> str:
    """Return a text of the same length, with bullets wherever one of the values is."""
    for value in values:
        if value in text:
            text = text.replace(value, _HIDDEN * len(value))
    return text


def shown(text: str) -> str:
    """Return a text with one mask for each hidden secret, whose length is not told, either."""
    return _HIDDEN_TEXT.sub(MASK, text)


def masked(text: str, name: str = "") -> str:
    """Return a setting that is shown to people, with a mask for all that may be a secret.

    ``name`` is that of the setting. More is hidden than is found: a value of a doubtful name, and
    a word that hardly anyone would type. A token that names a data element stays.
    """
    if _DOUBTFUL_NAME.search(name) and not _TOKEN.fullmatch(text):
        return MASK
    text = shown(hidden(text, shaped_secrets(text)))
    text = _IN_ADDRESS.sub(MASK, text)
    text = _AFTER_NAME.sub(_masked_value, text)
    return _WORD.sub(_masked_word, text)


def _masked_value(match: re.Match[str]) -> str:
    # An expression of code, such as ``token = window.page.token``, is not a value.
    is_quoted = match[1].endswith(('"', "'", "`"))
    is_header = match[1].rstrip().lower() in ("bearer", "basic")
    has_digit = any(map(str.isdigit, match[2]))
    if is_quoted or (has_digit and (is_header or "=" in match[1])):
        return match[1] + MASK
    return match[0]


def _masked_word(match: re.Match[str]) -> str:
    """Mask a hash, and a long word with letters of both cases and digits."""
    word = match[0]
    if ID_PATTERN.fullmatch(word):
        return word
    if _HEX.fullmatch(word):
        return MASK
    kinds = (str.islower, str.isupper, str.isdigit)
    counts = [sum(map(kind, word)) for kind in kinds]
    # Names in camel case have letters of both cases, too, but few digits. Paths have slashes.
    if min(counts) >= 3 and "/" not in word[:1]:
        return MASK
    return word
