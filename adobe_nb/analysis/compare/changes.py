"""The paths at which two states of a resource differ."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from itertools import takewhile, zip_longest
from operator import eq
from typing import Any

from adobe_nb.analysis.compare.contents import Content, canonical_json
from adobe_nb.analysis.compare.matching import Pair
from adobe_nb.analysis.model import Model
from adobe_nb.analysis.packages import Packages
from adobe_nb.analysis.settings import member_path, texts_of

# At worst, the time of difflib grows with the square of the lines or items.
_MOST_LINES = 4_000
_MOST_ITEMS = 1_000
_CONTEXT = 3
MISSING = object()
"""The value of a member or item that only one side has."""
_Difference = tuple[str, Any, Any]


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
    """Finds what differs in the pairs of two models."""

    def __init__(self, before: Model, after: Model) -> None:
        self._packages = (Packages.of(before), Packages.of(after))

    def of(self, pair: Pair) -> Iterator[Change]:
        """Yield the changes of a pair; for a resource of one side its settings, without a path."""
        before, after = pair.before, pair.after
        if before is None or after is None:
            yield self._change("", None, _settings(before), _settings(after))
            return
        # The name of an extension comes from its package.
        if before.name != after.name and before.resource.type != "extensions":
            yield self._change("name", "name", before.name, after.name)
        if before.text == after.text:
            return
        for column, old, new in differences(before.columns, after.columns):
            yield self._change(column, column, old, new)
        code = self._code_paths(before, after)
        for path, old, new in differences(before.settings, after.settings):
            yield self._change("settings", path or "settings", old, new, is_code=path in code)

    def _code_paths(self, *contents: Content) -> set[str]:
        paths = set()
        for content, packages in zip(contents, self._packages, strict=True):
            for text in texts_of(content.resource, packages):
                if text.role == "code":
                    paths.add(text.path)
        return paths

    def _change(
        self, column: str, path: str | None, before: Any, after: Any, *, is_code: bool = False
    ) -> Change:
        texts = [_text(before), _text(after)]
        if texts[0] == texts[1] is not None:
            # The text 5 and the number 5.
            texts = [canonical_json(before), canonical_json(after)]
        if isinstance(before, str) and isinstance(after, str):
            is_code = is_code or "\n" in before + after
        return Change(column, path, texts[0], texts[1], is_code)


def differences(before: Any, after: Any) -> Iterator[_Difference]:
    """Yield the paths at which normalized settings differ, with both values.

    Items of lists are aligned, so that an insertion does not make all later ones differ. The path
    of an item has its index after; for a removed item, the index before.
    """
    # A stack instead of recursion: normalized settings are nested as deep as Python recurses.
    pending: list[_Difference] = [("", before, after)]
    while pending:
        path, old, new = pending.pop()
        if isinstance(old, dict) and isinstance(new, dict):
            members = []
            for key in {**old, **new}:
                member = member_path(path, key)
                members.append((member, old.get(key, MISSING), new.get(key, MISSING)))
            pending.extend(reversed(members))
        elif isinstance(old, list) and isinstance(new, list):
            pending.extend(reversed(list(_items(path, old, new))))
        elif not _are_equal(old, new):
            yield path, old, new


def _are_equal(old: Any, new: Any) -> bool:
    """Return whether two values are equal as JSON: 1 is not true."""
    if type(old) is type(new) and old == new:
        return True
    return canonical_json(old) == canonical_json(new)


def _items(path: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[_Difference]:
    """Yield the items of two lists that are not equal, paired in their order."""
    blocks: Sequence[tuple[str, int, int, int, int]] = [("replace", 0, len(old), 0, len(new))]
    if len(old) + len(new) <= _MOST_ITEMS:
        texts = list(map(canonical_json, old)), list(map(canonical_json, new))
        blocks = SequenceMatcher(None, *texts, autojunk=False).get_opcodes()
    for tag, old_start, old_stop, new_start, new_stop in blocks:
        if tag == "equal":
            continue
        pairs = zip_longest(old[old_start:old_stop], new[new_start:new_stop], fillvalue=MISSING)
        for offset, (value, other) in enumerate(pairs):
            start = old_start if other is MISSING else new_start
            yield f"{path}[{start + offset}]", value, other


def _settings(content: Content | None) -> Any:
    if content is None or content.resource.type == "rules":
        return MISSING
    return content.settings


def _text(value: Any) -> str | None:
    if value is MISSING:
        return None
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _one_hunk(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield a unified diff that takes the first to the last difference as one."""
    start = sum(takewhile(bool, map(eq, old, new)))
    end = sum(takewhile(bool, map(eq, reversed(old[start:]), reversed(new[start:]))))
    first = max(0, start - _CONTEXT)
    old_stop, new_stop = len(old) - end, len(new) - end
    trailing = old[old_stop : old_stop + _CONTEXT]
    context = len(trailing) - first
    yield "--- a"
    yield "+++ b"
    yield f"@@ -{first + 1},{old_stop + context} +{first + 1},{new_stop + context} @@"
    parts = (old[first:start], old[start:old_stop], new[start:new_stop], trailing)
    for sign, lines in zip(" -+ ", parts, strict=True):
        yield from map(sign.__add__, lines)
