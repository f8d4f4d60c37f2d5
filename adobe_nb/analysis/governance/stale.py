"""``stale``: what is switched off, untouched, never published, or called old."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import Columns, answer
from adobe_nb.analysis.lookup import in_production
from adobe_nb.analysis.model import REQUIRED, Model, Resource
from adobe_nb.analysis.times import Time, time_from_user
from adobe_nb.analysis.uses.usage import count_users
from adobe_nb.analysis.words import counted, words_of
from adobe_nb.errors import ArgumentError

COLUMNS: Columns = {
    "type": "string",
    "id": "string",
    "name": "string",
    "reason": "string",
    "updated_at": "datetime64[us, UTC]",
    "age_days": "Int64",
    "in_production": "boolean",
    "used_by": "Int64",
}
_SORT = ("type", "name", "id", "reason")
REASONS = ("disabled", "untouched", "never published", "name says old")
# These are never part of what a thing is called.
_ALWAYS_OLD = {"deprecated", "obsolete", "outdated", "tmp", "bak", "deleteme", "todelete"}
_OLD_PHRASES = ("do not use", "don t use", "dont use", "to be deleted", "to delete", "delete me")
# These name things, too ("Archived Orders", "AB Test"): they count where they are set apart.
_OLD_WORDS = {
    "inactive", "old", "legacy", "retired", "unused", "test", "testing", "temp", "temporary",
    "backup", "archived",
}  # fmt: skip
# What can stand beside such a word: "old version 2", "backup 2023-12", "test v3".
_COUNTED = re.compile(r"\d+|v|version", re.IGNORECASE)
_SETS_APART = re.compile(r"\s[-\u2013\u2014/]+|[-\u2013\u2014/]+\s|[:|()\[\]{}!*#]+")
_UPPERCASE = re.compile(r"[A-Z]{3,}(?![a-z])")
# In other places, to copy is something that visitors do.
_COPY = re.compile(r"^copy (?:\d+ )?of\b|\(copy\b[^)]*\)|[-_]\s*copy(?: \d+)?$", re.IGNORECASE)
_MARKED = re.compile(r"^(?:z{2,}|x{3,})", re.IGNORECASE)


def stale(model: Model, days: int = 365, now: Time | None = None) -> pd.DataFrame:
    """Return a row for each resource and reason. ``Tags.stale`` documents it."""
    if isinstance(days, bool) or not isinstance(days, int) or days < 0:
        raise ArgumentError(f"days= requires a number of days, such as 365, got {days!r}.")
    today = _today(model, now)
    live = in_production(model)
    users = _users(model)
    updated = _last_updates(model)
    rows = []
    for resource in _resources(model):
        row: dict[str, Any] = {
            "property_id": resource.property_id,
            "type": resource.type,
            "id": resource.id,
            "name": resource.name,
        }
        if resource.id in updated:
            row["updated_at"] = updated[resource.id]
            row["age_days"] = (today - updated[resource.id]).days
        if live is not None:
            row["in_production"] = resource.origin_id in live
        if users is not None:
            row["used_by"] = users.get(resource.id, 0)
        for reason in _reasons(resource, row, days):
            rows.append({**row, "reason": reason})
    return answer(model, COLUMNS, rows, sort=_SORT, limits=_limits(model))


def _resources(model: Model) -> list[Resource]:
    return [*model.rules, *model.data_elements, *model.extensions]


def _users(model: Model) -> Mapping[str, int] | None:
    """Return the number of users of each resource, by id; None if some could be missing."""
    if model.frames.keys() >= REQUIRED.keys():
        return count_users(model)
    return None


def _today(model: Model, now: Time | None) -> pd.Timestamp:
    """Return the time that ages are counted to. Raises ArgumentError."""
    if now is None:
        now = model.as_of or pd.Timestamp.now(tz="UTC")
    return time_from_user(now, "now")


def _last_updates(model: Model) -> dict[str, pd.Timestamp]:
    """Return when each resource was changed last, by id. A rule changes with its components."""
    last: dict[str, pd.Timestamp] = {}
    for resource in model.resources:
        time = resource.get("updated_at")
        for owner in (resource, resource.rule):
            if time is not None and owner is not None:
                last[owner.id] = max(time, last.get(owner.id, time))
    return last


def _reasons(resource: Resource, row: Mapping[str, Any], days: int) -> Iterator[str]:
    if not resource.enabled:
        yield "disabled"
    if row.get("age_days", 0) > days:
        yield "untouched"
    if _is_never_published(resource, is_live=row.get("in_production")):
        yield "never published"
    if says_old(resource.name):
        yield "name says old"


def _is_never_published(resource: Resource, *, is_live: bool | None) -> bool:
    """Return whether neither the libraries nor the resource itself know of a publication."""
    if is_live or resource.get("published_at") is not None or resource.get("published"):
        return False
    return is_live is not None or bool({"published_at", "published"} & resource.row.keys())


def says_old(name: str) -> bool:
    """Return whether a name says that it should not be used any more."""
    return is_marked_old(name) or bool(_COPY.search(name))


def is_marked_old(name: str) -> bool:
    """Return whether a name has a word or a mark for what is old. A copy need not be old.

    A word such as "test" or "archived" is a mark where it is set apart from what it is about: by
    punctuation ("Old - Page", "Page (old)"), by uppercase ("Page TEST"), or as all of the name
    ("backup 2023"). English puts "old" before a thing: at the end, it is a mark ("page_old_2").
    """
    words = words_of(name)
    text = f" {' '.join(words)} "
    if _ALWAYS_OLD & set(words) or any(f" {phrase} " in text for phrase in _OLD_PHRASES):
        return True
    if _MARKED.search(name.strip(" _-[(")) or any(map(_is_old_part, _SETS_APART.split(name))):
        return True
    return _ends_with_old(words) or _has_old_in_uppercase(name)


def _is_old_part(part: str) -> bool:
    """Return whether a part of a name says only that something is old, perhaps with a number."""
    words = [word for word in words_of(part) if not _COUNTED.fullmatch(word)]
    return bool(words) and _OLD_WORDS.issuperset(words)


def _ends_with_old(words: Sequence[str]) -> bool:
    uncounted = [word for word in words if not _COUNTED.fullmatch(word)]
    return uncounted[-1:] == ["old"]


def _has_old_in_uppercase(name: str) -> bool:
    """Return whether such a word is in uppercase, unlike the name as a whole."""
    uppercase = {word.casefold() for word in _UPPERCASE.findall(name)}
    return not name.isupper() and bool(uppercase & _OLD_WORDS)


def _limits(model: Model) -> Iterator[str]:
    if in_production(model) is None:
        yield (
            "The libraries and what they hold are missing: in_production is unknown, and what was "
            "never published follows from the resources alone."
        )
    undated = sum(resource.get("updated_at") is None for resource in _resources(model))
    if undated:
        yield counted(
            undated,
            "resource has no updated_at: its age is unknown.",
            "resources have no updated_at: their age is unknown.",
        )
    if _users(model) is None:
        yield "A table of the content is missing: used_by is unknown."
