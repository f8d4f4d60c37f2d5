"""Arguments that take ids: an id, a list, a frame, a column or a row; and small checks."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from adobe_nb.errors import ArgumentError
from adobe_nb.registry import BY_PREFIX, ID_PATTERN, Resource, singular

Ids = str | Mapping[str, Any] | pd.DataFrame | pd.Series | Iterable[Any]
"""An id, a frame (its ``id`` column), a row, a column or any iterable of those."""


def ids_in(ids: Ids) -> list[str]:
    """Return the ids in order, without nulls and duplicates.

    Raises ArgumentError for values that are not ids. A single null is one of them: only in a list
    or a column it means a missing id.
    """
    if isinstance(ids, str):
        return [_checked_id(ids)]
    if is_null(ids):
        raise ArgumentError(
            f"Expected an id, got {ids}. Missing ids are only allowed in a list or a column."
        )
    values = (value for value in _flat(ids) if not is_null(value))
    return list(dict.fromkeys(map(_checked_id, values)))


def type_of(resource_id: str) -> str:
    """Return the resource type of an id by its prefix. Raises ArgumentError for an unknown one."""
    row = BY_PREFIX.get(resource_id[:2])
    if row is None:
        prefixes = ", ".join(f"{row.prefix} {row.type}" for row in BY_PREFIX.values())
        raise ArgumentError(f"{resource_id} has an unknown prefix. Known prefixes: {prefixes}.")
    return row.type


def ids_of_type(row: Resource, values: Iterable[Ids]) -> list[str]:
    """Return ids of one type. Raises ArgumentError for ids of another type."""
    ids = list(dict.fromkeys(chain.from_iterable(map(ids_in, values))))
    for resource_id in ids:
        if type_of(resource_id) != row.type:
            raise ArgumentError(
                f"{resource_id} is {_noun(type_of(resource_id))}, not {_noun(row.type)}: ids of "
                f"{row.type} begin with {row.prefix}."
            )
    return ids


def parents_of_one_type(
    row: Resource, parents: Ids, creators: Sequence[str] | None = None
) -> tuple[str | None, list[str]]:
    """Return the type of the parents and their ids; the type is None when there are no ids.

    ``creators`` are the types in which a new resource can be created, instead of those under which
    resources are listed. Raises ArgumentError for parents of a wrong type or of several types.
    """
    ids = ids_in(parents)
    types = list(dict.fromkeys(map(type_of, ids)))
    if len(types) > 1:
        raise ArgumentError(
            f"The parents are of several types ({', '.join(types)}). Pass one type at a time."
        )
    if not types:
        return None, ids
    verb, allowed = "created in", creators
    if allowed is None:
        verb, allowed = "listed under", (*row.parents, *row.through)
    if types[0] not in allowed:
        raise ArgumentError(
            f"{row.type} are {verb} {listed_under(row, allowed)}, not {_noun(types[0])} ({ids[0]})."
        )
    return types[0], ids


def listed_under(row: Resource, types: Sequence[str] | None = None) -> str:
    """Return the types of the parents as words: ``a property, a library or a rule component``.

    ``types`` replaces the types under which the resources are listed.
    """
    if types is None:
        types = (*row.parents, *row.through)
    *names, last = map(_noun, types)
    if not names:
        return last
    return f"{', '.join(names)} or {last}"


def is_null(value: object) -> bool:
    """Return whether this is a missing value in a frame."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or value is pd.NA or value is pd.NaT


def asked(flag: object, name: str = "dry_run") -> bool:
    """Return whether a switch is on. Raises ArgumentError if it is not a bool.

    A write depends on it, so a string such as "no" must not count as true.
    """
    if isinstance(flag, (bool, np.bool_)):
        return bool(flag)
    raise ArgumentError(f"{name} must be True or False, not {repr(flag)[:40]}.")


def checked_limit(limit: object) -> int | None:
    """Return a limit as an integer. Raises ArgumentError if it is not a positive integer."""
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, Integral) or limit < 1:
        raise ArgumentError(
            f"limit must be a positive integer, not {limit!r}. Omit it to get everything."
        )
    return int(limit)


def _flat(ids: Ids) -> Iterable[Any]:
    """Return the ids and nulls in an argument."""
    if isinstance(ids, str) or is_null(ids):
        return [ids]
    if isinstance(ids, pd.DataFrame):
        return _id_column(ids)
    if isinstance(ids, pd.Series):
        return _ids_of_series(ids)
    if isinstance(ids, Mapping):
        if "id" not in ids:
            raise ArgumentError('The dict has no "id". Pass a resource, or its id.')
        return [ids["id"]]
    if isinstance(row_id := getattr(ids, "id", None), str):
        # A row of itertuples().
        return [row_id]
    try:
        # Not isinstance: an array without dimensions counts as an Iterable.
        items = list(ids)
    except TypeError:
        raise ArgumentError(
            f"Expected an id, a list of ids or a frame, got {type(ids).__name__}."
        ) from None
    return chain.from_iterable(map(_flat, items))


def _id_column(frame: pd.DataFrame) -> Iterable[Any]:
    if list(frame.columns) == ["method", "url", "body"]:
        raise ArgumentError(
            "This frame is the result of a dry run, which creates nothing, so it has no ids. Run "
            "the call without dry_run."
        )
    if "id" not in frame.columns:
        raise ArgumentError(
            'The frame has no "id" column. Pass a frame of this package, or a column of ids.'
        )
    ids = frame["id"]
    if isinstance(ids, pd.DataFrame):
        raise ArgumentError('The frame has two "id" columns. Pass one of the columns instead.')
    return ids


def _ids_of_series(series: "pd.Series[Any]") -> Iterable[Any]:
    """Return the ids of a column, or the id of a row."""
    if "id" not in series.index:
        return series
    # The index of a column can contain the label "id" by chance. Then all values are ids, as in a
    # row that has been reduced to its ids; only the labels tell the two apart.
    values = series.dropna().map(str)
    is_all_ids = values.map(ID_PATTERN.fullmatch).notna().all()
    has_id_labels = all(re.fullmatch("(.*_)?id", str(label)) for label in series.index)
    if is_all_ids and not has_id_labels:
        return series
    return [series["id"]]


def _checked_id(value: object) -> str:
    if isinstance(value, str) and ID_PATTERN.fullmatch(value.strip()):
        return value.strip()
    text = repr(value)[:60]
    if isinstance(value, str) and "…" in value:
        raise ArgumentError(
            f"{text} is the short form that a table displays. Take the full id from the frame, for "
            'example frame.loc[0, "id"]. The tooltip of the cell shows it too.'
        )
    raise ArgumentError(
        f"{text} is not an id. Ids have two uppercase letters and 32 hex digits. To look up a "
        'resource by name, use reactor.find("properties", "My site").'
    )


def _noun(resource_type: str) -> str:
    """Return the singular of a type with its article: ``an extension package``."""
    noun = singular(resource_type).replace("_", " ")
    if noun[0] in "aeiou":
        return f"an {noun}"
    return f"a {noun}"
