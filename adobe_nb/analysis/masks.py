"""The secrets of a property, and the masks that every answer has in their place."""

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from adobe_nb.analysis.code import secrets
from adobe_nb.analysis.code.readings import readings
from adobe_nb.analysis.code.secrets import Secret
from adobe_nb.analysis.code.snippets import is_external, snippets_of
from adobe_nb.analysis.model import Model, once_per_model
from adobe_nb.analysis.settings import Text, texts

_LENGTH = 6
"""Fewest characters of a secret, or of a part of it, that are recognized elsewhere."""
_ELLIPSIS = "…"
_LAST_MEMBER = re.compile(r"([^.\[\]]+)[\]']*(?:\[\d+\])*$")


@once_per_model
def secrets_of(model: Model) -> dict[Text, list[Secret]]:
    """Return what looks like a secret in the code and settings, by the text that holds it."""
    code = set(snippets_of(model))
    keys = _keys(model)
    found = {}
    for text in texts(model):
        if text not in code:
            in_text = _secrets_in_setting(text, keys)
        elif is_external(text):
            in_text = secrets.secrets_in(text.value)
        else:
            in_text = readings(model).secrets_in_code(text.value, text.language)
        if in_text:
            found[text] = in_text
    return found


def _keys(model: Model) -> Mapping[tuple[str, str], str]:
    """Return what names the value beside it, as in a list of headers."""
    keys = {}
    for text in texts(model):
        owner, _, member = text.path.rpartition(".")
        if member in ("key", "name"):
            keys[text.resource.id, owner] = text.value
    return keys


def _secrets_in_setting(text: Text, keys: Mapping[tuple[str, str], str]) -> list[Secret]:
    found = secrets.secrets_in(text.value)
    for name in _names_of(text, keys):
        if kind := secrets.kind_of(name, text.value):
            found.append(Secret(0, len(text.value), kind))
    return secrets.without_overlaps(found)


def _names_of(text: Text, keys: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Yield what says what a setting is: its member, the key beside it, or its data element."""
    owner, _, member = text.path.rpartition(".")
    if match := _LAST_MEMBER.search(text.path):
        yield match[1]
    if member == "value":
        yield keys.get((text.resource.id, owner), "")
    # A constant is what the name of its data element says.
    if text.path in ("value", "constant"):
        yield text.resource.name


@once_per_model
def mask_of(model: Model) -> "Mask":
    """Return the mask of a model."""
    return Mask(_values(model))


def _values(model: Model) -> Iterator[str]:
    """Yield everything that must not be shown, in all forms in which an answer can quote it."""
    for text, found in secrets_of(model).items():
        for secret in found:
            yield from _forms(text.value[secret.start : secret.stop])
            yield secret.text
    for element in model.data_elements:
        value = element.get("default_value")
        if isinstance(value, str) and secrets.kind_of(element.name, value):
            yield value
    for callback in model.rows("callbacks"):
        yield from secrets.words_in_address(str(callback.get("url") or ""))


def _forms(value: str) -> Iterator[str]:
    """Yield a secret, as JSON writes it, and each of its lines: evidence is one line."""
    yield value
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield from map(str.strip, value.splitlines())


class Mask:
    """Hides the secrets of a model in the texts of its answers.

    The time for a text does not depend on the number of secrets: at each of its characters, one
    look at a table tells whether a secret starts there.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._values = {value for value in values if len(value) >= _LENGTH}
        # The lengths of the secrets that start with some characters, the longest first: it can
        # hold another one.
        lengths: dict[str, set[int]] = defaultdict(set)
        for value in self._values:
            lengths[value[:_LENGTH]].add(len(value))
        self._lengths = {start: sorted(lengths[start], reverse=True) for start in lengths}
        # A short password can be a part of longer words.
        self._random = set(filter(secrets.is_random, self._values))
        self._forward = sorted(self._random)
        self._backward = sorted(value[::-1] for value in self._random)
        self._longest = max(map(len, self._random), default=0)
        self._ends = {value[-_LENGTH:] for value in self._random}

    def __call__(self, text: str) -> str:
        """Return a text with a mask in place of each secret."""
        if self._values:
            text = secrets.hidden(text, [*self._first_part(text), *self._secrets(text)])
        return secrets.shown(secrets.hidden(text, secrets.secrets_in(text)))

    def _secrets(self, text: str) -> Iterator[Secret]:
        """Yield the secrets in a text, and the beginnings of those that are cut off."""
        end = 0
        for start in range(len(text) - _LENGTH + 1):
            lengths = self._lengths.get(text[start : start + _LENGTH])
            if lengths is None or start < end:
                continue
            end = self._end(text, start, lengths)
            if end:
                yield Secret(start, end, "")

    def _end(self, text: str, start: int, lengths: Iterable[int]) -> int:
        """Return where a secret ends that may start at a place; 0 if none does."""
        for length in lengths:
            value = text[start : start + length]
            if value in self._random:
                return start + length
            if value in self._values and _is_whole_word(text, start, start + length):
                return start + length
        rest = text[start : start + max(lengths)].partition(_ELLIPSIS)[0]
        is_cut = text[start + len(rest) : start + len(rest) + 1] in ("", _ELLIPSIS)
        if is_cut and _is_start_of_one(rest, self._forward):
            return start + len(rest)
        return 0

    def _first_part(self, text: str) -> Iterator[Secret]:
        """Yield the end of a secret whose beginning is cut off."""
        for end in range(_LENGTH, min(len(text), self._longest) + 1):
            is_end = text[end - _LENGTH : end] in self._ends
            if is_end and _is_start_of_one(text[:end][::-1], self._backward):
                yield Secret(0, end, "")
                return


def _is_whole_word(text: str, start: int, stop: int) -> bool:
    neighbors = text[max(0, start - 1) : start] + text[stop : stop + 1]
    return not any(character.isalnum() or character == "_" for character in neighbors)


def _is_start_of_one(part: str, values: Sequence[str]) -> bool:
    """Return whether one of the sorted values starts with a part."""
    place = bisect_left(values, part)
    return place < len(values) and values[place].startswith(part)
