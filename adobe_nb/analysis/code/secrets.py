"""Find what looks like a secret in a text that is not parsed, and hide it.

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
_NAMED = re.compile(
    r"""(?<![\w-])(?P<name>[A-Za-z_][\w-]{1,60}+)["'`]?\s*+(?P<sign>=>|[:=]{1,3})\s*+"""
    r"""(?P<value>"[^"\n]{8,}"|'[^'\n]{8,}'|`[^`\n]{8,}`|(?<==)[\w.~+/-]{16,}=*)"""
)
"""A name with a text, where code is not parsed: HTML, JSON, addresses, and attributes."""
_NOTED = re.compile(
    r"(?<![\w-])(?P<name>(?:[A-Za-z][\w-]{0,30} ){0,2}[A-Za-z][\w-]{1,40})"
    r"""(?: ?[:=]| is) ?["'`]?(?P<value>[\w.~+/!@$^*&-]{16,}=*)"""
)
"""A name with a text as people write it into a comment: without quotes, in several words."""
_ALLOWED = re.compile(r"[\w!@$^*+/=~&-][\w!@$^*+/=.~&:#?-]+")
_LONG = 16
_SHORT = 8
_ENTROPY = 3.0
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_IDENTIFIER = re.compile(r"(?:[A-Za-z]+|\d{1,4})(?:[-_.:/=&?](?:[A-Za-z]+|\d{1,4}))+")
_FILE = re.compile(r"[\w./-]+\.[a-z]{2,4}(?:\?.*)?")
# Organizations, embed codes, measurement ids of Google, its client ids, and Stripe's other keys.
_PUBLIC = re.compile(
    r".+@AdobeOrg|(?:launch|satelliteLib)-[\w.-]+|(?:G|UA|GTM|AW|DC)-[A-Z0-9-]+"
    r"|[\w-]+\.apps\.googleusercontent\.com|pk_(?:live|test)_\w+"
)
_TOKEN = re.compile(r"%[^%\n]+%|\{\{.+\}\}|\{\{|\$\{")
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_VOWEL = re.compile(r"[aeiouy]", re.IGNORECASE)
_JOINT = re.compile(r"[-_.:/=&?]|[a-z][A-Z]")
_MOST_NUMBERS = 2
_LETTERS_OF_WORDS = 3
_USER = re.compile(r"""(?P<user>[^\s:"'`<>{}/\\]+):(?P<password>[^\s"'`<>{}/\\]{3,})""")
_WORD = re.compile(r"[A-Za-z0-9+_=-]{24,}")
_HEX = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
_NOT_LINE_BREAK = re.compile(r"[^\n]")
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
    rule: str = "secret"
    text: str = ""
    """What it says, where that is written in several parts or with escapes."""

    def moved(self, offset: int) -> "Secret":
        """Return the secret in a longer text, where its own text starts at the offset."""
        return self._replace(start=self.start + offset, stop=self.stop + offset)


@cache
def read_table() -> dict[str, Any]:
    """Return the rows and shapes that code_risks knows, as they are in the file."""
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
    match = _NAMED.search(text)
    while match is not None:
        start, stop = match.span("value")
        if match["value"][0] in "\"'`":
            start, stop = start + 1, stop - 1
        kind = kind_of(match["name"], text[start:stop], is_doubtful="==" in match["sign"])
        if kind:
            yield Secret(start, stop, kind)
        # The value of another name can have a secret inside: src="https://…?access_token=…".
        match = _NAMED.search(text, stop if kind else start)


def noted_secrets(text: str) -> Iterator[Secret]:
    """Yield the secrets in a comment, where people write ``api key: …`` without quotes, too."""
    yield from named_secrets(text)
    if not has_marker(text):
        return
    for match in _NOTED.finditer(text):
        value = match["value"].rstrip(".")
        if kind := kind_of(match["name"], value, is_doubtful=True):
            start = match.start("value")
            yield Secret(start, start + len(value), kind)


def secrets_in(text: str) -> list[Secret]:
    """Return all secrets in a text that is not parsed; of those that overlap, the first kind."""
    return without_overlaps([*shaped_secrets(text), *named_secrets(text)])


def words_in_address(address: str) -> Iterator[str]:
    """Yield the words of an address that hardly anyone would type: a hash, or random letters.

    Everyone who knows the address of a webhook can send to it. Elsewhere such words are public.
    """
    for word in _WORD.findall(address):
        counts = [sum(map(kind, word)) for kind in (str.islower, str.isupper, str.isdigit)]
        # Names in camel case have letters of both cases, too, but few digits.
        is_random = _HEX.fullmatch(word) or min(counts) >= 3
        if is_random and not ID_PATTERN.fullmatch(word):
            yield word


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


def kind_of(name: str, value: str, *, is_doubtful: bool = False) -> str:
    """Return what a value is that has this name; empty when it does not look like a secret.

    In a comment, and where a name is only compared with it, the value counts when it is random.
    """
    words = words_of(name)
    while words and words[-1].isdecimal():
        words.pop()
    if not _is_name_of_secret(words):
        return ""
    if words[-1] == "authorization":
        # The first word says how it is to be read.
        value = value.rpartition(" ")[2]
    if not _ALLOWED.fullmatch(value) or _TOKEN.search(value) or _is_plain(value):
        return ""
    is_secret = is_random(value) and not _GUID.fullmatch(value)
    if words[-1] in _STRICT and not is_doubtful:
        is_secret = len(value) >= _SHORT
    if is_secret:
        return f"the value of {' '.join(name.split())}"
    return ""


def is_user_and_password(text: str) -> bool:
    """Return whether a text is ``user:password``, rather than two words with a colon."""
    match = _USER.fullmatch(text)
    return match is not None and not _TOKEN.search(text) and not _is_plain(match["password"])


def _is_name_of_secret(words: list[str]) -> bool:
    """Return whether a name ends as that of a secret does: ``tokenUrl`` is the name of another."""
    if not words or _NOT_SECRET & set(words):
        return False
    return words[-1] in _ONE_WORD or (words[-1] == "key" and bool(_KEYS & set(words[-2:-1])))


def _is_plain(value: str) -> bool:
    """Return whether a value is a word, number, name, file, address, or a public id."""
    if value.isalpha() or value.isdecimal() or "://" in value or not re.search(r"\d", value):
        return True
    patterns = (_IDENTIFIER, _FILE, ID_PATTERN, _PUBLIC)
    if any(pattern.fullmatch(value) for pattern in patterns):
        return True
    # ``txtPassword01`` is the name of a field, and ``hunter2hunter`` can well be a password.
    has_joint = _JOINT.search(value) is not None
    return _has_words(value) and (has_joint or bool(_ONE_WORD & set(words_of(value))))


def _has_words(value: str) -> bool:
    """Return whether a value is made of words, which have vowels, and of few numbers.

    Random texts change between letters of both cases and digits at every second character.
    """
    if not re.fullmatch(r"[\w.:/=&?-]+", value):
        return False
    pieces = _PIECE.findall(value)
    words = list(filter(str.isalpha, pieces))
    if len(pieces) - len(words) > _MOST_NUMBERS or not words:
        return False
    if sum(map(len, words)) < _LETTERS_OF_WORDS * len(words):
        return False
    return all(map(_VOWEL.search, (word for word in words if len(word) > _LETTERS_OF_WORDS)))


def is_random(value: str) -> bool:
    """Return whether a text is long, has many different characters, and is not made of words."""
    if len(value) < _LONG or _has_words(value):
        return False
    counts = Counter(value).values()
    entropy = -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
    return entropy >= _ENTROPY


def hidden(text: str, secrets: Iterable[Secret]) -> str:
    """Return a text of the same length, with bullets in place of the secrets."""
    parts: list[str] = []
    end = 0
    for start, stop, *_ in sorted(secrets):
        # The line of a longer secret can be one by itself.
        if stop > end:
            first = max(start, end)
            parts += text[end:first], _NOT_LINE_BREAK.sub(_HIDDEN, text[first:stop])
            end = stop
    return "".join([*parts, text[end:]])


def shown(text: str) -> str:
    """Return a text with one mask for each hidden secret, whose length is not told, either."""
    return _HIDDEN_TEXT.sub(MASK, text)
