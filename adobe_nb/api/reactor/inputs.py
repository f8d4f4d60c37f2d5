"""What a user hands over where ids are wanted: an id, a list, a frame, a column, a row."""

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from adobe_nb.errors import ArgumentError
from adobe_nb.registry import BY_PREFIX, ID_PATTERN, Resource

Ids = str | Mapping[str, Any] | pd.DataFrame | pd.Series | Iterable[Any]
"""An id, a frame (its ``id`` column), a row, a column or any iterable of those."""


def ids_in(given: Ids) -> list[str]:
    """The ids, in order, without nulls and duplicates. Raises ArgumentError for what is no id, a
    single null too.
    """
    if isinstance(given, str):
        return [_check(given)]
    if is_null(given):
        raise ArgumentError(
            f"There is no id here, but {given}. Missing ones are left out of a list or a column only."
        )
    return list(dict.fromkeys(_check(value) for value in _values(given) if not is_null(value)))


def type_of(identifier: str) -> str:
    """The resource type that the prefix stands for. Raises ArgumentError when it stands for none we
    know.
    """
    row = BY_PREFIX.get(identifier[:2])
    if row is None:
        known = ", ".join(f"{each.prefix} {each.type}" for each in BY_PREFIX.values())
        raise ArgumentError(
            f"{identifier} has a prefix that stands for no type known here ({known})."
        )
    return row.type


def ids_of_type(row: Resource, given: Iterable[Ids]) -> list[str]:
    """Ids of that one type. Raises ArgumentError for others."""
    ids = list(dict.fromkeys(identifier for each in given for identifier in ids_in(each)))
    for identifier in ids:
        if not identifier.startswith(row.prefix):
            raise ArgumentError(
                f"{identifier} is {_a(_kind(identifier))}, not {_a(row.singular)}: ids of {row.type} begin with "
                f"{row.prefix}."
            )
    return ids


def parents_of_one_type(
    row: Resource, given: Ids, allowed: Sequence[str] | None = None
) -> tuple[str | None, list[str]]:
    """The parents' type and their ids; no type when there are none. Raises ArgumentError for wrong
    or mixed kinds.

    ``allowed`` are the types that may be parents; those under which it is listed, when nothing is
    said.
    """
    ids = ids_in(given)
    verb = "listed under" if allowed is None else "made in"
    allowed = [*row.parents, *row.through] if allowed is None else allowed
    types: list[str] = []
    for identifier in ids:
        parent = BY_PREFIX.get(identifier[:2])
        if parent is None or parent.type not in allowed:
            raise ArgumentError(
                f"{row.type} are {verb} {listed_under(row, allowed)}, not {_a(_kind(identifier))} ({identifier})."
            )
        if parent.type not in types:
            types.append(parent.type)
    if len(types) > 1:
        raise ArgumentError(
            f"The parents are of several types ({', '.join(types)}). Ask for one type at a time."
        )
    return (types[0] if types else None), ids


def listed_under(row: Resource, types: Sequence[str] | None = None) -> str:
    """``a property, a library or a rule component``; ``types`` instead of those under which it is
    listed.
    """
    parents = (*row.parents, *row.through) if types is None else types
    names = [_a(_singular(parent).replace("_", " ")) for parent in parents]
    return " or ".join((", ".join(names[:-1]), names[-1]) if len(names) > 1 else names)


def _singular(resource_type: str) -> str:
    return next(
        (row.singular for row in BY_PREFIX.values() if row.type == resource_type), resource_type
    )


def _values(given: Ids) -> Iterable[Any]:
    if isinstance(given, str) or is_null(given):
        return [given]
    if isinstance(given, pd.DataFrame):
        if list(given.columns) == ["method", "url", "body"]:
            raise ArgumentError(
                "This is what a dry run shows: nothing was made, so there is no id. Run it without."
            )
        if "id" not in given.columns:
            raise ArgumentError(
                'The frame has no "id" column. Hand over a frame of this package, or one of its columns of ids.'
            )
        if isinstance(given["id"], pd.DataFrame):
            raise ArgumentError(
                'The frame has two "id" columns. Hand over the column that is meant.'
            )
        return given["id"]
    if isinstance(given, pd.Series):
        return _of_series(given)
    if isinstance(given, Mapping):
        if "id" not in given:
            raise ArgumentError('The dict has no "id". Hand over a resource, or its id.')
        return [given["id"]]
    if isinstance(getattr(given, "id", None), str):  # a row of itertuples()
        return [given.id]  # type: ignore[union-attr]
    if not isinstance(given, Iterable):
        raise ArgumentError(
            f"An id, a list of ids or a frame is wanted, not {type(given).__name__}."
        )
    return (value for each in _listed(given) for value in _values(each))


def _of_series(given: "pd.Series[Any]") -> Iterable[Any]:
    """A column of ids, else a row; a column can have the label "id" among its index by chance."""
    column: list[Any] = [value for value in given if not is_null(value)]
    if "id" in given.index and all(
        str(label) == "id" or str(label).endswith("_id") for label in given.index
    ):
        return [given["id"]]  # a row, even one that has nothing left but ids
    if (
        all(isinstance(value, str) and ID_PATTERN.fullmatch(value) for value in column)
        or "id" not in given.index
    ):
        return column
    return [given["id"]]


def _listed(given: Iterable[Any]) -> list[Any]:
    try:
        return list(given)
    except TypeError:
        listed = None
    if listed is None:
        raise ArgumentError(
            f"An id, a list of ids or a frame is wanted, not this {type(given).__name__}."
        )
    return listed


def is_null(value: object) -> bool:
    """Whether it is what frames have where there is nothing."""
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and math.isnan(value))
    )


def _check(value: object) -> str:
    if isinstance(value, str) and ID_PATTERN.fullmatch(value.strip()):
        return value.strip()
    shown = repr(value)[:60]
    if isinstance(value, str) and "…" in value:
        raise ArgumentError(
            f"{shown} is the short form that a table shows. Take the whole id from the frame, as in "
            'frame.loc[0, "id"]; it is also in the tooltip of the cell.'
        )
    raise ArgumentError(
        f"{shown} is not an id: those are two capital letters and 32 hex digits. "
        'To look something up by name: reactor.find("properties", "My site").'
    )


def _kind(identifier: str) -> str:
    row = BY_PREFIX.get(identifier[:2])
    return row.singular.replace("_", " ") if row else f"{identifier[:2]}… id"


def _a(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def asked(flag: object, name: str = "dry_run") -> bool:
    """Whether a switch is on. Raises ArgumentError for what is neither True nor False: a write
    hangs on it.
    """
    if isinstance(flag, (bool, np.bool_)):
        return bool(flag)
    raise ArgumentError(f"{name} is True or False, not {repr(flag)[:40]}.")


def checked_limit(limit: object) -> int | None:
    """A whole number from 1, or None. Raises ArgumentError."""
    if limit is None:
        return None
    try:
        number = 0 if isinstance(limit, bool) else operator.index(limit)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 1:
        raise ArgumentError(
            f"limit is a whole number from 1, not {limit!r}. Leave it out for everything."
        )
    return number
