"""Which columns of a table are shown, and in which order. ``frame.columns`` stays as it is.

A whole table is arranged for people: names, what it is, its state, when it changed and by whom;
ids come last. Columns that do not fit are left out, the less important ones first. A table whose
columns were selected or reordered is shown as it is.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
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
"""The paths of answers begin with the call that returned them."""
_SEARCH_RESULT = ("id", "type", "name", "property_id", "updated_at", "document")
_NAMES_OF_IDS = frozenset(f"{row.singular}_name" for row in RESOURCES.values())
"""Columns that ``with_names`` adds."""
_TELLING_IN_ANSWERS = {
    "columns_changed", "did_you_mean", "message", "reason", "when", "without_consent",
}  # fmt: skip
"""Columns of answers that come before others: without them, a table does not answer."""
_VALUES = {"path", "before", "after"}
"""They are what a table of differences tells. Elsewhere they are details."""
_MINOR_IN_ANSWERS = {
    "approved_at", "chars", "code_diff", "column", "component_name", "condition_count",
    "data_elements", "delay_next", "display_name", "family", "fingerprint", "first_seen", "hash",
    "inherited_from", "key", "latest_revision", "line", "lines", "mentioned_in", "minified",
    "number", "order", "published_revision", "rule_order", "source_type", "submitted_at",
    "suppressed", "target_type", "timeout", "updated_by",
}  # fmt: skip
"""Columns of answers that give way to all others: they repeat what another column says, or say
where exactly something is."""
_LONGEST_IN_ANSWERS = 200
"""Characters of the longest value that is worth its room: code and whole resources are longer."""
_ID = re.compile("(.*_)?id(_[ab])?")
_NESTED = frozenset(
    {"document", *(name for row in RESOURCES.values() for name in json_columns(row))}
)
"""Columns of JSON text."""


def is_answer(frame: pd.DataFrame) -> bool:
    """Return whether a frame is the answer to a question about tags."""
    return str(frame.attrs["path"]).startswith(_ANSWERS)


def is_whole(frame: pd.DataFrame) -> bool:
    """Return whether a frame has all columns of its call, in their order."""
    if is_answer(frame):
        return list(frame.columns) == frame.attrs.get("columns")
    return bool(_layout_of(frame))


def is_nested(name: Hashable) -> bool:
    """Return whether a column of a table of resources holds JSON text."""
    return name in _NESTED


def in_display_order(frame: pd.DataFrame) -> list[Hashable]:
    """Return the columns of a whole table in the order in which people read them.

    If columns are missing or in another order, the user chose them, and they stay.
    """
    names: list[Hashable] = list(frame.columns)
    if not is_whole(frame):
        return names
    ids = _ids_of(frame)
    if not is_answer(frame):
        names = _in_reading_order(names, _layout_of(frame))
    return [name for name in names if name not in ids] + ids


def _ids_of(frame: pd.DataFrame) -> list[Hashable]:
    """Return the columns of a whole table that are shown last."""
    ids: list[Hashable] = [name for name in frame if _is_id(name)]
    # A descriptor is readable, so it is an id only where its parts are shown.
    if _DESCRIPTOR in ids and not is_answer(frame) and "delegate_name" not in frame:
        ids.remove(_DESCRIPTOR)
    return ids


def _in_reading_order(names: Sequence[Hashable], layout: Sequence[str]) -> list[Hashable]:
    """Return the columns of resources in the order in which people read them."""
    added = [name for name in names if name not in layout]
    names_of_ids = [name for name in added if name in _NAMES_OF_IDS]
    others = sorted(names, key=_is_bookkeeping)
    # A column keeps its first place.
    order = dict.fromkeys(
        chain(_NAMES, names_of_ids, _WHAT, _STATE, added, _WHEN, _CREATED, others)
    )
    return [name for name in order if name in names]


def fitting(
    frame: pd.DataFrame,
    shown: pd.DataFrame,
    widths: Mapping[Hashable, int],
    width: float,
    most: int,
) -> list[Hashable]:
    """Return the columns of a frame, as it is shown, that fit beside each other.

    The id of a resource is always one of them, and so is the name of its parent, or else its id.
    An answer about several properties always says which. Of columns that the user chose, the first
    are shown.
    """
    if not is_whole(frame):
        return list(shown.columns[:most])
    required: list[Hashable] = []
    priority: Callable[[Hashable], tuple[bool, int, bool]]
    if is_answer(frame):
        priority = partial(_priority_in_answer, shown)
        if "property_name" in shown:
            required.append("property_name")
    else:
        layout = _layout_of(frame)
        priority = partial(_priority, shown, layout)
        required = [name for name in ("id", _parent_column(layout[1], shown)) if name in shown]
    chosen: set[Hashable] = set()
    for name in [*required, *sorted(shown.columns, key=priority)]:
        is_required = name in required
        if name not in chosen and len(chosen) < most and (is_required or widths[name] <= width):
            chosen.add(name)
            width -= widths[name]
    return [name for name in shown.columns if name in chosen]


def _layout_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns of the resource type, if the frame has them all in order."""
    for layout in _layouts():
        if tuple(name for name in frame.columns if name in layout) == layout:
            return layout
    return ()


@cache
def _layouts() -> list[tuple[str, ...]]:
    layouts = [_SEARCH_RESULT, *(tuple(columns_of(row)) for row in RESOURCES.values())]
    # Where a type has all columns of another, the longer layout is the better match.
    return sorted(layouts, key=len, reverse=True)


def _parent_column(name: str, shown: pd.DataFrame) -> str | None:
    """Return the column that shows the parent, if the second one of the layout is its id."""
    if not _is_id(name):
        return None
    parent_name = re.sub("id$", "name", name)
    return parent_name if parent_name in shown else name


def _priority(
    shown: pd.DataFrame, layout: Sequence[str], name: Hashable
) -> tuple[bool, bool, bool]:
    """Return a smaller value for a column of a resource that says more."""
    if name == _DESCRIPTOR and "delegate_name" in shown:
        return True, True, True
    is_minor = name in layout and name not in _IMPORTANT
    is_constant = name not in _ALWAYS and _is_constant(shown[name])
    return _is_bookkeeping(name), is_minor, is_constant


def _priority_in_answer(shown: pd.DataFrame, name: Hashable) -> tuple[bool, int, bool]:
    """Return a smaller value for a column of an answer that says more."""
    texts = shown[name].map(str)
    is_long = max(map(len, texts), default=0) > _LONGEST_IN_ANSWERS
    is_telling = name in _TELLING_IN_ANSWERS or (name in _VALUES and "change" in shown)
    importance = 1
    if is_long or name in _MINOR_IN_ANSWERS:
        importance = 3
    elif is_telling:
        importance = 0
    elif name in _VALUES:
        importance = 2
    is_constant = not str(name).endswith("name") and _is_constant(texts)
    return _is_id(name), importance, is_constant


def _is_constant(column: "pd.Series[Any]") -> bool:
    """Return whether all rows say the same, which says less than different values."""
    # As texts, since lists cannot be compared by hash.
    return len(column) > 1 and len(set(map(str, column))) == 1


def _is_id(name: Hashable) -> bool:
    return re.fullmatch(_ID, str(name)) is not None


def _is_bookkeeping(name: Hashable) -> bool:
    text = str(name)
    return text.startswith("meta_") or text.endswith("_email") or text == "review_status"
