"""Open a column of JSON text into typed columns: the public function ``expand``."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, Literal

import pandas as pd

from adobe_nb.api.reactor.frames import MAX_EXACT, convert_present, json_text, typed_series
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import Kind

_KINDS: Mapping[frozenset[type], Kind] = {
    frozenset([bool]): "boolean",
    frozenset([int]): "integer",
    frozenset([float]): "number",
    frozenset([int, float]): "number",
}


def expand(
    frame: pd.DataFrame, column: str, *, errors: Literal["coerce", "raise"] = "coerce"
) -> pd.DataFrame:
    """Open a column of JSON text: its members become columns of their own.

    Parameters
    ----------
    frame
        A frame of resources, or any other with a column of JSON text.
    column
        The column to open, for example ``"settings"``.
    errors
        What to do with a row whose text is not a JSON object, has two members of the same name, or
        holds half a character (a lone surrogate). With ``"coerce"`` it stays, and its members are
        NA. With ``"raise"`` it is an error that names its id. Empty texts and ``null`` are missing
        values, not errors.

    Returns
    -------
    DataFrame
        The frame with the columns ``<column>.<member>`` right after ``column``. Nested objects give
        dotted names; lists stay JSON text. Members are ``boolean``, ``Int64``, ``Float64`` or
        ``string``. Members of mixed type are text, and so are numbers that the type could not hold
        exactly. ``attrs["not_expanded"]`` counts the rows that could not be opened:
        ``{"settings": {"rows": 2, "first": "DE…"}}``.

    Raises
    ------
    ArgumentError
        The column does not exist, holds no text, or was opened before; or a row cannot be opened
        and ``errors`` is ``"raise"``.

    Examples
    --------
    >>> import adobe_nb
    >>> session = adobe_nb.connect(simulator=True)
    >>> shop = session.reactor.find("properties", "Web Store US")
    >>> elements = session.reactor.data_elements(shop)
    >>> "settings.path" in adobe_nb.expand(elements, "settings").columns
    True
    """
    rows, closed = _open_rows(frame, column, errors)
    opened: dict[str, pd.Series[Any]] = {}
    for name in dict.fromkeys(chain.from_iterable(rows)):
        values = [members.get(name) for members in rows]
        opened[f"{column}.{name}"] = _series(values).set_axis(frame.index)
    for name in opened:
        if name in frame.columns:
            raise ArgumentError(
                f"The frame already has a column {name!r}: {column!r} was opened before."
            )
    end = list(frame.columns).index(column) + 1
    members_frame = pd.DataFrame(opened, index=frame.index)
    parts = [frame.iloc[:, :end], members_frame, frame.iloc[:, end:]]
    result = pd.concat(parts, axis="columns")
    result.attrs = dict(frame.attrs)
    if closed:
        summary = {"rows": len(closed), "first": _id_at(frame, closed[0]) or closed[0]}
        result.attrs["not_expanded"] = {**frame.attrs.get("not_expanded", {}), column: summary}
    return result


def _open_rows(
    frame: pd.DataFrame, column: str, errors: str
) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the members of each row, and the positions of the rows that cannot be opened."""
    texts = _column_to_open(frame, column, errors)
    rows: list[dict[str, Any]] = []
    closed: list[int] = []
    for position, (text, is_missing) in enumerate(zip(texts, texts.isna(), strict=True)):
        members: dict[str, Any] = {}
        try:
            if not is_missing and text != "":
                members = _members(str(text))
        except _NotExpandableError as error:
            if errors == "raise":
                row = repr(column)
                if identifier := _id_at(frame, position):
                    row += f" ({identifier})"
                raise ArgumentError(
                    f"Row {position} of {row} {error}, so it has no members to open. Correct it, "
                    'or leave out errors="raise" to get NA for the members of such rows.'
                ) from None
            closed.append(position)
        rows.append(members)
    return rows, closed


def _column_to_open(frame: pd.DataFrame, column: str, errors: str) -> "pd.Series[Any]":
    """Return the column. Raises ArgumentError when it does not exist or holds no text."""
    if not isinstance(column, str):
        raise ArgumentError(
            f"Name one column, for example adobe_nb.expand(frame, 'settings'), got {column!r}."
        )
    if errors not in ("coerce", "raise"):
        raise ArgumentError(f'errors must be "coerce" or "raise", got {errors!r}.')
    if column not in frame.columns:
        names = ", ".join(map(str, frame.columns))
        raise ArgumentError(f"The frame has no column {column!r}. It has: {names}.")
    if not frame.columns.is_unique:
        raise ArgumentError("Two columns have the same name. Rename one of them first.")
    texts = frame[column]
    is_text = isinstance(texts.dtype, pd.StringDtype) or texts.dtype == "object"
    if not is_text and not texts.isna().all():
        raise ArgumentError(
            f"The column {column!r} holds {texts.dtype}, not JSON text. It has nothing to open."
        )
    return texts


def _id_at(frame: pd.DataFrame, position: int) -> str:
    """Return the id in that row, or an empty text."""
    if "id" in frame.columns:
        identifier = frame["id"].iloc[position]
        if isinstance(identifier, str):
            return identifier
    return ""


class _NotExpandableError(ValueError):
    """Says what is wrong with a text of JSON; the sentence begins with the row."""


def _members(text: str) -> dict[str, Any]:
    """Return the members by their dotted names. Raises _NotExpandableError."""
    try:
        value = json.loads(text, object_pairs_hook=_unique_members, parse_constant=_refuse)
        if value is None:
            return {}
        if not isinstance(value, dict):
            _refuse(text)
        pairs = list(_flatten(value))
        # A lone surrogate can hide in an escape.
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _NotExpandableError("holds half a character (a lone surrogate)") from None
    except RecursionError:
        raise _NotExpandableError("is nested too deeply") from None
    except json.JSONDecodeError:
        raise _NotExpandableError("is not a JSON object") from None
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NotExpandableError("has members of the same dotted name")
    return members


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NotExpandableError("has two members of the same name")
    return members


def _refuse(text: str) -> float:  # noqa: ARG001
    raise _NotExpandableError("is not a JSON object")


def _flatten(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, member in value.items():
        if isinstance(member, dict) and member:
            yield from _flatten(member, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", member


def _series(values: Sequence[Any]) -> "pd.Series[Any]":
    """Return the values in a dtype that holds all of them exactly."""
    types = frozenset(map(type, values)) - {type(None)}
    kind = _KINDS.get(types, "json")
    if kind == "number" and any(type(value) is int and abs(value) > MAX_EXACT for value in values):
        kind = "json"
    if kind != "json":
        # A number beyond 64 bits is text.
        with suppress(OverflowError):
            return typed_series(kind, values)
    return typed_series("json", convert_present(json_text, values))
