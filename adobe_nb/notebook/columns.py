"""Which columns of a table are shown, and in which order. ``frame.columns`` stays as it is.

A whole table is arranged for people: names, what it is, its state, when it changed and by whom;
ids come last. Columns that do not fit are left out, the less important ones first. A table whose
columns were selected or reordered is shown as it is.
"""

import re
from collections.abc import Hashable, Mapping, Sequence
from functools import cache, partial
from itertools import chain
from typing import Any

import pandas as pd

from adobe_nb.api.reactor.frames import columns_of, json_columns
from adobe_nb.registry import RESOURCES

_DESCRIPTOR = "delegate_descriptor_id"
_NAMES = ("name", "display_name", "text", "url")
_WHAT = (
    "type",
    "type_of",
    "delegate_kind",
    "delegate_name",
    _DESCRIPTOR,
    "version",
    "platform",
    "stage",
)
_STATE = (
    "enabled",
    "state",
    "status",
    "availability",
    "stale",
    "dirty",
    "published",
    "revision_number",
)
_WHEN = (
    "updated_at",
    "updated_by_display_name",
    "attributed_to_display_name",
    "author_display_name",
    "published_at",
)
_CREATED = ("created_at", "created_by_display_name")
_ALWAYS = frozenset((*_NAMES, *_WHAT, "enabled", "state"))
"""Columns that say something even where all rows say the same."""
_IMPORTANT = frozenset((*_NAMES, *_WHAT, *_STATE, *_WHEN))
_ANSWERS = ("tags.", "analysis.", "doctor()")
"""How the path of an answer begins, which is the call that gave it."""
_SEARCH_RESULT = ("id", "type", "name", "property_id", "updated_at", "document")
_NAMES_BESIDE_IDS = frozenset(f"{row.singular}_name" for row in RESOURCES.values())
"""Columns that ``with_names`` adds."""
_ID = re.compile("(.*_)?id(_[ab])?")
_NESTED = frozenset(
    {"document", *(name for row in RESOURCES.values() for name in json_columns(row))}
)
"""Columns of JSON text."""


def is_answer(frame: pd.DataFrame) -> bool:
    """Return whether a frame is the answer to a question about tags."""
    return str(frame.attrs["path"]).startswith(_ANSWERS)


def is_whole_answer(frame: pd.DataFrame) -> bool:
    """Return whether a frame is an answer with all its columns."""
    return is_answer(frame) and len(frame.columns) == frame.attrs.get("columns")


def is_nested(name: Hashable) -> bool:
    """Return whether a column of a table of resources holds JSON text."""
    return name in _NESTED


def in_display_order(frame: pd.DataFrame) -> list[Hashable]:
    """Return the columns of a whole table in the order in which people read them.

    If columns are missing or in another order, the user chose them, and they stay.
    """
    names: list[Hashable] = list(frame.columns)
    if is_answer(frame):
        return _answer_order(frame, names)
    own = whole_table(frame)
    if not own:
        return names
    ids = [name for name in names if _is_id(name)]
    # Where its parts are shown, the descriptor is an id like the others.
    if "delegate_name" in names:
        ids.append(_DESCRIPTOR)
    added = [name for name in names if name not in own]
    beside = [name for name in added if name in _NAMES_BESIDE_IDS]
    others = sorted(names, key=_is_bookkeeping)
    # A column keeps its first place.
    order = dict.fromkeys(chain(_NAMES, beside, _WHAT, _STATE, added, _WHEN, _CREATED, others))
    return [name for name in order if name in names and name not in ids] + ids


def whole_table(frame: pd.DataFrame) -> Sequence[str]:
    """Return the columns that its resource type promises, if the frame has them all in order."""
    for layout in _layouts():
        if tuple(name for name in frame.columns if name in layout) == layout:
            return layout
    return ()


@cache
def _layouts() -> list[tuple[str, ...]]:
    layouts = [_SEARCH_RESULT, *(tuple(columns_of(row)) for row in RESOURCES.values())]
    # Where a type has all columns of another, the longer layout is the better match.
    return sorted(layouts, key=len, reverse=True)


def fitting(
    frame: pd.DataFrame, shown: pd.DataFrame, widths: Mapping[Hashable, int], room: int
) -> list[Hashable]:
    """Return the columns of a frame, as it is shown, that fit beside each other.

    The id of a resource is always kept, and so is the name of its parent, or else its id.
    """
    priority = partial(_priority, shown, whole_table(frame))
    kept: set[Hashable] = set()
    if is_answer(frame):
        priority = partial(_priority_in_answer, frame)
    else:
        kept = {"id", *_parent_column(frame, shown)}
    room -= sum(widths[name] for name in kept)
    for name in sorted(shown.columns, key=priority):
        if name not in kept and widths[name] <= room:
            kept.add(name)
            room -= widths[name]
    return [name for name in shown.columns if name in kept]


def _parent_column(frame: pd.DataFrame, shown: pd.DataFrame) -> list[Hashable]:
    second: Hashable = frame.columns[1]
    if not _is_id(second):
        return []
    names: list[Hashable] = [_name_beside(second), second]
    return [name for name in names if name in shown][:1]


def _priority(shown: pd.DataFrame, own: Sequence[str], name: Hashable) -> tuple[bool, bool, bool]:
    """Return a smaller value for a column of a resource that says more."""
    is_own = name in own
    if name == _DESCRIPTOR and "delegate_name" in shown:
        return True, True, True
    is_constant = name not in _ALWAYS and _is_constant(shown[name])
    return _is_bookkeeping(name), is_own and name not in _IMPORTANT, is_constant


def _priority_in_answer(frame: pd.DataFrame, name: Hashable) -> tuple[bool, bool, bool]:
    """Return a smaller value for a column of an answer that says more: words before numbers."""
    text = str(name)
    is_number = not isinstance(frame[name].dtype, pd.StringDtype)
    is_constant = not text.endswith("name") and _is_constant(frame[name])
    return re.fullmatch(_ID, text) is not None, is_number, is_constant


def _is_constant(column: "pd.Series[Any]") -> bool:
    """Return whether all rows say the same, which says less than different values."""
    return len(column) > 1 and column.nunique() == 1


def _answer_order(frame: pd.DataFrame, names: list[Hashable]) -> list[Hashable]:
    """Return the columns of a whole answer: ids last."""
    if not is_whole_answer(frame):
        return names
    ids = [name for name in names if re.fullmatch(_ID, str(name))]
    return [name for name in names if name not in ids] + ids


def _is_id(name: Hashable) -> bool:
    # The delegate is an id of another kind: a readable one, which says what a resource is.
    return name != _DESCRIPTOR and re.fullmatch(_ID, str(name)) is not None


def _is_bookkeeping(name: Hashable) -> bool:
    text = str(name)
    return text.startswith("meta_") or text.endswith("_email") or text == "review_status"


def _name_beside(name: Hashable) -> str:
    return re.sub("id$", "name", str(name))
