"""The paths at which two states of a resource differ."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from itertools import zip_longest
from typing import Any

from adobe_nb.analysis.contents import Content, canonical_json
from adobe_nb.analysis.matching import Pair
from adobe_nb.analysis.model import Model
from adobe_nb.analysis.packages import Packages
from adobe_nb.analysis.settings import member_path, texts_of

# At worst, the time of difflib grows with the square of the lines or items.
_MOST_LINES = 4_000
_MOST_ITEMS = 1_000
_CONTEXT = 3
_MISSING = object()
"""The value of a member or item that only one side has."""
_Difference = tuple[str, Any, Any]
_Redact = Callable[[str], str]


@dataclass(frozen=True)
class Change:
    """A path with both of its values as text; None for a missing one."""

    column: str
    path: str | None
    before: str | None
    after: str | None
    is_code: bool = False

    @property
    def code_diff(self) -> str | None:
        """The lines that differ, in the unified format; None for values that are not code."""
        if not self.is_code or self.before is None or self.after is None:
            return None
        old = self.before.split("\n")
        new = self.after.split("\n")
        if len(old) + len(new) > _MOST_LINES:
            lines = _one_hunk(old, new)
        else:
            lines = unified_diff(old, new, "a", "b", lineterm="", n=_CONTEXT)
        return "\n".join(lines)


class Changes:
    """Says what differs in a pair of two models."""

    def __init__(self, before: Model, after: Model) -> None:
        self._packages = (Packages.of(before), Packages.of(after))
        self._redact = (before.redact or str, after.redact or str)

    def of(self, pair: Pair) -> list[Change]:
        """Return the changes of a pair. A resource of one side is one, without a path."""
        before, after = pair.before, pair.after
        if before is None or after is None:
            return [Change("", None, self._settings(before, 0), self._settings(after, 1))]
        changes = []
        # The name of an extension comes from its package.
        if before.name != after.name and before.resource.type != "extensions":
            changes.append(self._change("name", "name", before.name, after.name))
        if before.text != after.text:
            changes += self._changed_content(before, after)
        return changes

    def _changed_content(self, before: Content, after: Content) -> Iterator[Change]:
        for column, value in before.columns.items():
            other = after.columns[column]
            if canonical_json(value) != canonical_json(other):
                yield self._change(column, column, value, other)
        code = self._code_paths(before, 0) | self._code_paths(after, 1)
        for path, value, other in differences(before.settings, after.settings):
            yield self._change("settings", path or "settings", value, other, is_code=path in code)

    def _change(
        self, column: str, path: str, before: Any, after: Any, *, is_code: bool = False
    ) -> Change:
        texts = [_text(before), _text(after)]
        if texts[0] == texts[1]:
            # The text 5 and the number 5.
            texts = [canonical_json(before), canonical_json(after)]
        if isinstance(before, str) and isinstance(after, str):
            is_code = is_code or "\n" in before or "\n" in after
        redacted = [self._redacted(text, side) for side, text in enumerate(texts)]
        return Change(column, path, redacted[0], redacted[1], is_code)

    def _settings(self, content: Content | None, side: int) -> str | None:
        if content is None or content.resource.type == "rules":
            return None
        return self._redacted(_text(content.settings), side)

    def _redacted(self, text: str | None, side: int) -> str | None:
        if text is None:
            return None
        return self._redact[side](text)

    def _code_paths(self, content: Content, side: int) -> set[str]:
        texts = texts_of(content.resource, self._packages[side])
        return {text.path for text in texts if text.role == "code"}


def differences(before: Any, after: Any) -> Iterator[_Difference]:
    """Yield the paths at which normalized settings differ, with both values.

    Items of lists are aligned, so that an insertion does not make all later ones differ. The path of
    an item has its place after; that before when it is gone.
    """
    # A stack instead of recursion: normalized settings are nested as deep as Python recurses.
    pending: list[_Difference] = [("", before, after)]
    while pending:
        path, old, new = pending.pop()
        if isinstance(old, dict) and isinstance(new, dict):
            keys = [*old, *(key for key in new if key not in old)]
            members = [
                (member_path(path, key), old.get(key, _MISSING), new.get(key, _MISSING))
                for key in keys
            ]
            pending.extend(reversed(members))
        elif isinstance(old, list) and isinstance(new, list):
            pending.extend(reversed(list(_items(path, old, new))))
        elif _differ(old, new):
            yield path, old, new


def _differ(old: Any, new: Any) -> bool:
    if old is _MISSING or new is _MISSING:
        return True
    return canonical_json(old) != canonical_json(new)


def _items(path: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[_Difference]:
    """Yield the items of two lists that are not equal, paired in their order."""
    blocks: Sequence[tuple[str, int, int, int, int]] = [("replace", 0, len(old), 0, len(new))]
    if len(old) + len(new) <= _MOST_ITEMS:
        texts = [canonical_json(item) for item in old]
        others = [canonical_json(item) for item in new]
        blocks = SequenceMatcher(None, texts, others, autojunk=False).get_opcodes()
    for tag, old_start, old_stop, new_start, new_stop in blocks:
        if tag == "equal":
            continue
        pairs = zip_longest(old[old_start:old_stop], new[new_start:new_stop], fillvalue=_MISSING)
        for offset, (value, other) in enumerate(pairs):
            at = new_start + offset
            if other is _MISSING:
                at = old_start + offset
            yield f"{path}[{at}]", value, other


def _text(value: Any) -> str | None:
    if value is _MISSING:
        return None
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _one_hunk(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield a unified diff that takes the first to the last difference as one."""
    shorter = min(len(old), len(new))
    start = 0
    while start < shorter and old[start] == new[start]:
        start += 1
    end = 0
    while end < shorter - start and old[-1 - end] == new[-1 - end]:
        end += 1
    first = max(0, start - _CONTEXT)
    last = max(0, end - _CONTEXT)
    old_stop, new_stop = len(old) - last, len(new) - last
    yield "--- a"
    yield "+++ b"
    yield f"@@ -{first + 1},{old_stop - first} +{first + 1},{new_stop - first} @@"
    yield from (f" {line}" for line in old[first:start])
    yield from (f"-{line}" for line in old[start : len(old) - end])
    yield from (f"+{line}" for line in new[start : len(new) - end])
    yield from (f" {line}" for line in old[len(old) - end : old_stop])
