"""Resources to DataFrames: the columns of the row, in its order, with the same dtypes at 0 and at
100,000 rows.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import Any, Literal

import numpy as np
import pandas as pd

from adobe_nb.api.reactor.dates import parse
from adobe_nb.api.reactor.decoding import Page
from adobe_nb.api.reactor.escapes import decoded
from adobe_nb.api.reactor.jsonapi import shown
from adobe_nb.errors import ArgumentError, IncompleteResult
from adobe_nb.registry import Kind, Resource

DTYPES: Mapping[Kind, str] = {
    "text": "string",
    "boolean": "boolean",
    "integer": "Int64",
    "number": "Float64",
    "datetime": "datetime64[us, UTC]",
    "json": "string",
}
_Resource = Mapping[str, Any]
_CHUNK = 5000
"""Rows that are turned into arrays together."""
_YEARS = (np.datetime64(datetime.min, "us"), np.datetime64(datetime.max, "us"))
_ORDER = attrgetter("order")
_EXACT = 2**53
"""Up to there a float holds every whole number."""


def columns_of(row: Resource, parent: str | None = None) -> dict[str, Kind]:
    """Names and kinds of the promised columns, for a list under that parent type (None: ``get``,
    ``search``).
    """
    extra = row.parent_column(parent)
    columns: dict[str, Kind] = {"id": "text"}
    if extra:
        columns[extra] = "text"
    columns |= {attribute.name: attribute.kind for attribute in row.columns}
    for relation in row.to_one:
        columns[f"{relation.name}_id"] = "text"
        if len(relation.targets) > 1:
            columns[f"{relation.name}_type"] = "text"
        columns |= {
            f"{relation.name}_{attribute.name}": attribute.kind for attribute in relation.meta
        }
    return columns | {f"meta_{attribute.name}": attribute.kind for attribute in row.meta}


def to_frame(
    row: Resource,
    resources: Sequence[_Resource],
    *,
    parent: str | None = None,
    parent_ids: Sequence[str | None] | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """One row per resource. ``parent_ids`` runs along ``resources`` where the list needs a parent
    column.

    What the table does not know is kept as text, after the promised columns, in sorted order.
    Raises IncompleteResult when a value does not have the type that the table promises.
    """
    builder = FrameBuilder(row, parent)
    builder.add_documents(resources, parent_ids)
    return builder.frame(attrs)


@dataclass(frozen=True, slots=True)
class _Part:
    """One page in the builder: its place in the order, and its values."""

    order: tuple[int, ...]
    ids: Sequence[str]
    parent_ids: Sequence[str | None]
    columns: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Where the rows of a page are: from ``start`` to ``stop`` in that chunk."""

    order: tuple[int, ...]
    chunk: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """The columns of a type's frame, in a list under one type of parent."""

    row: Resource
    kinds: Mapping[str, Kind]
    nested: Collection[str]
    parent_column: str | None


_layouts: dict[tuple[str, str | None], _Layout] = {}


def _layout_of(row: Resource, parent: str | None) -> _Layout:
    """Made once: a snapshot has thousands of parts."""
    known = _layouts.get((row.type, parent))
    if known is None or known.row is not row:
        known = _Layout(row, columns_of(row, parent), json_columns(row), row.parent_column(parent))
        _layouts[row.type, parent] = known
    return known


class FrameBuilder:
    """Pages become columns of a DataFrame as they arrive, in any order.

    A few thousand rows at a time are turned into typed arrays, so that their texts do not pile up.
    """

    def __init__(self, row: Resource, parent: str | None = None) -> None:
        self._row = row
        layout = _layout_of(row, parent)
        self._kinds = layout.kinds
        self._nested = layout.nested
        self._parent_column = layout.parent_column
        self._waiting: list[_Part] = []
        self._waiting_rows = 0
        self._stretches: list[_Stretch] = []
        self._chunks: list[tuple[int, dict[str, pd.Series[Any]]]] = []

    def add(self, page: Page, order: tuple[int, ...], parent_id: str | None = None) -> None:
        """Take a page. Its rows stand where ``order`` says among the others. Raises
        IncompleteResult.
        """
        if page.columns is None:
            self.add_documents(page.documents, [parent_id] * len(page.ids), order)
            return
        columns: dict[str, Sequence[Any]] = {}
        for name, values in page.columns.items():
            is_json = self._kinds.get(name, "json") == "json"
            columns[name] = (
                _converted(self._row, name, "json", values, page.ids, self._nested)
                if is_json
                else values
            )
        self._take(_Part(order, page.ids, [parent_id] * len(page.ids), columns))

    def add_documents(
        self,
        documents: Sequence[_Resource],
        parent_ids: Sequence[str | None] | None = None,
        order: tuple[int, ...] = (),
    ) -> None:
        """Take resources as the API gives them. Raises IncompleteResult for a value of another
        type.
        """
        ids = [each["id"] for each in documents]
        columns = _columns_of_documents(self._row, documents, ids, self._kinds, self._nested)
        self._take(_Part(order, ids, parent_ids or [None] * len(ids), columns))

    def drop(self, order: tuple[int, ...]) -> None:
        """Forget the pages whose order begins so, if there are any."""
        waiting = [part for part in self._waiting if part.order[: len(order)] != order]
        self._waiting_rows -= sum(len(part.ids) for part in self._waiting) - sum(
            len(part.ids) for part in waiting
        )
        self._waiting = waiting
        self._stretches = [each for each in self._stretches if each.order[: len(order)] != order]

    def frame(self, attrs: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """The frame; the builder is empty afterwards."""
        self._convert()
        unknown = sorted({name for _, chunk in self._chunks for name in chunk} - set(self._kinds))
        names = [*self._kinds, *unknown]
        rows = sum(each.stop - each.start for each in self._stretches)
        if len(self._chunks) == 1 and self._chunks[0][0] == rows:
            # A small table is in order already, unless some of its pages were read again.
            columns = {name: self._chunks[0][1][name] for name in names}
        else:
            runs = self._runs()
            # Column by column, each freed before the next: never more than one of them is there
            # twice.
            columns = {name: self._column(name, runs) for name in names}
        self._chunks, self._stretches = [], []
        index = pd.RangeIndex(rows)
        frame = pd.DataFrame(columns, index=index, copy=False)
        frame.attrs.update(attrs or {})
        return frame

    def _take(self, part: _Part) -> None:
        self._waiting.append(part)
        self._waiting_rows += len(part.ids)
        if self._waiting_rows >= _CHUNK:
            self._convert()

    def _convert(self) -> None:
        # In order, so that few runs remain: what was asked for together comes in any order.
        parts, self._waiting, self._waiting_rows = sorted(self._waiting, key=_ORDER), [], 0
        if not parts and self._chunks:
            return
        ids = [each for part in parts for each in part.ids]
        chunk = {"id": _series(self._row, "id", "text", ids, ids)}
        if self._parent_column:
            above = [each for part in parts for each in part.parent_ids]
            chunk[self._parent_column] = _series(self._row, self._parent_column, "text", above, ids)
        names = dict.fromkeys([*self._kinds, *(name for part in parts for name in part.columns)])
        for name in names:
            if name not in chunk:
                values = [
                    value
                    for part in parts
                    for value in part.columns.get(name) or (None,) * len(part.ids)
                ]
                chunk[name] = _series(self._row, name, self._kinds.get(name, "json"), values, ids)
        ends = list(accumulate((len(part.ids) for part in parts), initial=0))
        at = len(self._chunks)
        self._stretches += [
            _Stretch(part.order, at, *ends_)
            for part, ends_ in zip(parts, pairwise(ends), strict=True)
        ]
        self._chunks.append((len(ids), chunk))

    def _runs(self) -> list[tuple[int, int, int]]:
        """Chunk, start and stop of the rows in their order, neighbours as one."""
        runs: list[tuple[int, int, int]] = []
        for each in sorted(self._stretches, key=_ORDER):
            if runs and runs[-1][0] == each.chunk and runs[-1][2] == each.start:
                runs[-1] = (each.chunk, runs[-1][1], each.stop)
            else:
                runs.append((each.chunk, each.start, each.stop))
        return runs

    def _column(self, name: str, runs: Sequence[tuple[int, int, int]]) -> "pd.Series[Any]":
        dtype = DTYPES[self._kinds.get(name, "json")]
        parts = [
            chunk.pop(name) if name in chunk else pd.Series([None] * rows, dtype=dtype)
            for rows, chunk in self._chunks
        ]
        # Slices put together: to take rows one by one would need the column three times. Of arrays,
        # for each slice of a Series makes an index, too.
        slices = [parts[at].array[start:stop] for at, start, stop in runs or [(0, 0, 0)]]
        return pd.Series(type(slices[0])._concat_same_type(slices), copy=False)


def _columns_of_documents(
    row: Resource,
    documents: Sequence[_Resource],
    ids: Sequence[str],
    kinds: Mapping[str, Kind],
    nested: Collection[str],
) -> dict[str, list[Any]]:
    """The values of the columns, each of its column's type."""
    parts = [
        (
            resource["id"],
            _part(resource, "attributes"),
            _part(resource, "relationships"),
            _part(resource, "meta"),
        )
        for resource in documents
    ]
    columns: dict[str, list[Any]] = {
        attribute.name: [part[1].get(attribute.name) for part in parts] for attribute in row.columns
    }
    for relation in row.to_one:
        linked = [_linked(part[2], relation.name) for part in parts]
        columns[f"{relation.name}_id"] = [each.get("id") for each in linked]
        if f"{relation.name}_type" in kinds:
            columns[f"{relation.name}_type"] = [each.get("type") for each in linked]
        for attribute in relation.meta:
            columns[f"{relation.name}_{attribute.name}"] = [
                _part(each, "meta").get(attribute.name) for each in linked
            ]
    for attribute in row.meta:
        columns[f"meta_{attribute.name}"] = [part[3].get(attribute.name) for part in parts]
    columns |= _unknown(row, parts, kinds)
    found: dict[str, list[Any]] = {}
    for name, values in {"id": ids, **columns}.items():
        found[name] = _converted(row, name, kinds.get(name, "json"), values, ids, nested)
        for identifier, value in zip(ids, found[name], strict=True):
            if isinstance(value, str) and not value.isascii() and (half := _HALF.search(value)):
                raise _half_character(identifier, name, half[0])
    del found["id"]
    return found


def _converted(
    row: Resource,
    name: str,
    kind: Kind,
    values: Sequence[Any],
    ids: Sequence[str],
    nested: Collection[str],
) -> list[Any]:
    """The values as the column has them. Raises IncompleteResult for one of another type."""
    convert = nested_text if name in nested else _CONVERT[kind]
    try:
        return [None if value is None else convert(value) for value in values]
    except (TypeError, IncompleteResult):
        pass
    raise _surprise(row, name, kind, values, ids)


def json_columns(row: Resource) -> set[str]:
    """The columns of a type's frame that hold JSON text. Not among them: what may be any text, such
    as a default.
    """
    attributes = {
        each.name for each in row.columns if each.kind == "json" and (each.form or not each.write)
    }
    return attributes | {f"meta_{each.name}" for each in row.meta if each.kind == "json"}


def sort_frame(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Sorted by those keys (``-`` descending): text without regard to case, missing values last,
    ties as they came.
    """
    if not keys or frame.empty:
        return frame
    for key in reversed(keys):
        column = frame[key.lstrip("-")]
        values = column.str.casefold() if isinstance(column.dtype, pd.StringDtype) else column
        order = values.reset_index(drop=True).sort_values(
            ascending=not key.startswith("-"), kind="stable", na_position="last"
        )
        attrs, frame = frame.attrs, frame.iloc[order.index.to_numpy()].reset_index(drop=True)
        frame.attrs = attrs
    return frame


def expand(
    frame: pd.DataFrame, column: str, *, errors: Literal["coerce", "raise"] = "coerce"
) -> pd.DataFrame:
    """Open a column of JSON text: its members become columns ``<column>.<member>`` right after it.

    Nested objects give dotted names; lists stay JSON text. Bool, whole number, number and text
    members are typed ``boolean``, ``Int64``, ``Float64``, ``string``; members of mixed type are
    text, and so are numbers that the type could not hold exactly.

    Rows whose text is not a JSON object, has two members of one name or half a character (a lone
    surrogate) stay, with NA in the members; ``attrs["not_expanded"]`` counts them: ``{"settings":
    {"rows": 2, "first": "DE…"}}``. With ``errors="raise"`` the first of them is an ArgumentError
    that names its id. A text ``null`` counts as missing.

    Raises ArgumentError when the column is not there or holds no text, or when it was opened
    before.

    Example:
        >>> import adobe_nb
        >>> session = adobe_nb.connect(simulator=True)
        >>> shop = session.reactor.find("properties", "Web Store US")
        >>> elements = session.reactor.data_elements(shop)
        >>> "settings.path" in adobe_nb.expand(elements, "settings").columns
        True
    """
    texts = _column_to_open(frame, column, errors)
    members_of_rows: list[dict[str, Any]] = []
    closed: list[int] = []
    for position, text in enumerate(texts):
        members, problem = _members(text)
        members_of_rows.append(members)
        if not problem:
            continue
        if errors == "raise":
            raise ArgumentError(
                f"Row {position} of {column!r}{_id_at(frame, position, ' ({})')} {problem}, so it has no members to "
                'open. Correct it, or leave errors="raise" out: then the members of such rows are NA.'
            )
        closed.append(position)
    names = list(dict.fromkeys(name for members in members_of_rows for name in members))
    opened: dict[str, pd.Series[Any]] = {}
    for name in names:
        values = [members.get(name) for members in members_of_rows]
        opened[f"{column}.{name}"] = _guessed(values, frame.index)
    taken = [name for name in opened if name in frame.columns]
    if taken:
        raise ArgumentError(
            f"The frame has a column {taken[0]!r} already: {column!r} was opened before."
        )
    end = list(frame.columns).index(column) + 1
    parts = [frame.iloc[:, :end], pd.DataFrame(opened, index=frame.index), frame.iloc[:, end:]]
    result = pd.concat(parts, axis="columns")
    result.attrs = dict(frame.attrs)
    if closed:
        about = {"rows": len(closed), "first": _id_at(frame, closed[0], "{}") or closed[0]}
        result.attrs["not_expanded"] = {**frame.attrs.get("not_expanded", {}), column: about}
    return result


def _column_to_open(frame: pd.DataFrame, column: str, errors: str) -> "pd.Series[Any]":
    """The column of JSON text. Raises ArgumentError when there is none of that name, or nothing to
    open.
    """
    if not isinstance(column, str):
        raise ArgumentError(
            f"Name one column, as in adobe_nb.expand(frame, 'settings'), instead of {column!r}."
        )
    if errors not in ("coerce", "raise"):
        raise ArgumentError(f'errors is "coerce" or "raise", not {errors!r}.')
    if column not in frame.columns:
        raise ArgumentError(
            f"The frame has no column {column!r}. It has: {', '.join(map(str, frame.columns))}."
        )
    if not frame.columns.is_unique:
        raise ArgumentError("Two columns have the same name. Rename one of them first.")
    texts = frame[column]
    if not (
        isinstance(texts.dtype, pd.StringDtype) or texts.dtype == "object" or texts.isna().all()
    ):
        raise ArgumentError(
            f"The column {column!r} holds {texts.dtype}, not JSON text: there is nothing to open."
        )
    return texts


def _part(resource: _Resource, name: str) -> Mapping[str, Any]:
    part = resource.get(name)
    return part if isinstance(part, Mapping) else {}


def _linked(relationships: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    relation = relationships.get(name)
    data = relation.get("data") if isinstance(relation, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def _unknown(
    row: Resource,
    parts: Sequence[tuple[Any, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]],
    kinds: Mapping[str, Kind],
) -> dict[str, list[Any]]:
    """Members that the table does not know: attributes, to-one relations with data, meta."""
    hidden = {attribute.name for attribute in row.attributes if attribute.write_only}
    rows: list[dict[str, Any]] = []
    for _, attributes, relationships, meta in parts:
        found = {
            name: value
            for name, value in attributes.items()
            if name not in kinds and name not in hidden
        }
        for name in relationships:
            linked = _linked(relationships, name)
            if linked and f"{name}_id" not in kinds:
                found[f"{name}_id"] = linked.get("id")
        found |= {
            f"meta_{name}": value for name, value in meta.items() if f"meta_{name}" not in kinds
        }
        rows.append(found)
    names = sorted({name for found in rows for name in found})
    return {name: [found.get(name) for found in rows] for name in names}


def _series(
    row: Resource, name: str, kind: Kind, values: Sequence[Any], ids: Sequence[str]
) -> "pd.Series[Any]":
    try:
        return _typed(kind, values)
    except (TypeError, ValueError, OverflowError):
        pass
    raise _surprise(row, name, kind, values, ids)


_HALF = re.compile("[\ud800-\udfff]")


def _half_character(identifier: str, name: str, half: str) -> IncompleteResult:
    return IncompleteResult(
        f"{shown(identifier)} has half a character (a lone surrogate, U+{ord(half):04X}) in {name}, which no table can "
        "hold. Correct it in Adobe's interface; the raw answer is to be had with reactor.request()."
    )


def _surprise(
    row: Resource, name: str, kind: Kind, values: Sequence[Any], ids: Sequence[str]
) -> IncompleteResult:
    bad = next((index for index, value in enumerate(values) if not _fits(kind, value)), 0)
    what = f"a {type(values[bad]).__name__}"
    if kind == "datetime" and isinstance(values[bad], str):
        what = "a text that is not a date of the years 1 to 9999"
    if kind in {"json", "text"}:
        what = "a value that is nested too deep"
    return IncompleteResult(
        f"{shown(ids[bad])} has {what} in {name}, where {row.type} should have {kind}. "
        "Adobe may have changed the API: please report it, and read the raw answer with reactor.request()."
    )


def _fits(kind: Kind, value: object) -> bool:
    try:
        _typed(kind, [None if value is None else _CONVERT[kind](value)])
    except (TypeError, ValueError, OverflowError, IncompleteResult):
        return False
    return True


def _typed(kind: Kind, values: Sequence[Any]) -> "pd.Series[Any]":
    """A series of values that have the right Python type already."""
    if kind == "datetime":
        try:
            moments = pd.to_datetime(pd.Series(values, dtype="object"), utc=True, format="ISO8601")
        except (ValueError, OverflowError):  # also of years that nanoseconds cannot tell
            return _moments(values)
        found = pd.Series(moments).astype("datetime64[us, UTC]")
        bare = found.to_numpy(dtype="datetime64[us]")
        if (bare < _YEARS[0]).any() or (bare > _YEARS[1]).any():
            raise ValueError(
                kind
            )  # pandas could hold it, but neither show it nor give it as a datetime
        return found
    if kind == "boolean":
        return pd.Series(_booleans(values), copy=False)
    return pd.Series(values, dtype=DTYPES[kind])


def _moments(values: Sequence[Any]) -> "pd.Series[Any]":
    """Dates of the years 1 to 9999, one by one. Raises ValueError, OverflowError."""
    bare = [None if value is None else parse(value).replace(tzinfo=None) for value in values]
    return pd.Series(np.array(bare, dtype="datetime64[us]")).dt.tz_localize("UTC")


def _booleans(values: Sequence[Any]) -> pd.arrays.BooleanArray:
    """As pd.array(values, dtype="boolean"), in a tenth of the time."""
    true, missing = [each is True for each in values], [each is None for each in values]
    if sum(true) + sum(missing) + sum(each is False for each in values) != len(values):
        raise TypeError
    return pd.arrays.BooleanArray(np.array(true, dtype=bool), np.array(missing, dtype=bool))


def json_text(value: object) -> str:
    """Text as it is, anything else as compact JSON. Raises IncompleteResult for what is nested too
    deep.
    """
    if isinstance(value, str):
        return value
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        text = ""
    if not text:
        raise IncompleteResult(
            "The answer is nested too deep. Read the raw one with reactor.request()."
        )
    # Half characters as the escapes that they came as: nothing else can hold them.
    return text if text.isascii() else _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def nested_text(value: object) -> str:
    """JSON text with its escapes decoded: what a text holds, or anything else as JSON."""
    return decoded(value) if isinstance(value, str) else json_text(value)


def _whole_number(value: object) -> int:
    """A whole number, also as 1.0. Raises TypeError."""
    if type(value) is float and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    if type(value) is not int:
        raise TypeError(type(value).__name__)
    return value


def _exactly(*types: type) -> Callable[[object], object]:
    def check(value: object) -> object:
        if type(value) not in types:
            raise TypeError(type(value).__name__)
        return value

    return check


_CONVERT: Mapping[Kind, Callable[[Any], Any]] = {
    "text": json_text,
    "json": json_text,
    "datetime": _exactly(str),
    "boolean": _exactly(bool),
    "integer": _whole_number,
    "number": _exactly(int, float),
}


def _id_at(frame: pd.DataFrame, position: int, form: str) -> str:
    """The id in that row, in that form; nothing where there is none."""
    identifier = frame["id"].iloc[position] if "id" in frame.columns else None
    return form.format(identifier) if isinstance(identifier, str) else ""


def _members(text: object) -> tuple[dict[str, Any], str]:
    """The members by their dotted names, and what keeps them from being opened; empty when nothing
    does.
    """
    if (
        text is None
        or text is pd.NA
        or text == ""
        or (isinstance(text, float) and math.isnan(text))
    ):
        return {}, ""
    try:
        value = json.loads(str(text), object_pairs_hook=_distinct, parse_constant=_refuse)
        pairs = [] if value is None or not isinstance(value, dict) else list(_flatten(value))
        if not str(text).isascii() or "\\ud" in str(text).lower():
            json.dumps(value, ensure_ascii=False).encode()
    except _TwoOfOneNameError:
        return {}, "has two members of the same name"
    except UnicodeEncodeError:
        return {}, "holds half a character (a lone surrogate)"
    except RecursionError:
        return {}, "is nested too deep"
    except ValueError:
        return {}, "is not a JSON object"
    if value is not None and not isinstance(value, dict):
        return {}, "is not a JSON object"
    if len(dict(pairs)) != len(pairs):
        return {}, "has members of the same dotted name"
    return dict(pairs), ""


class _TwoOfOneNameError(Exception):
    pass


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _TwoOfOneNameError
    return members


def _refuse(name: str) -> float:
    raise ValueError(name)


def _flatten(value: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, member in value.items():
        if isinstance(member, dict) and member:
            yield from _flatten(member, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", member


def _texts(values: Sequence[Any]) -> list[str | None]:
    return [None if value is None else json_text(value) for value in values]


def _guessed(values: Sequence[Any], index: "pd.Index[Any]") -> "pd.Series[Any]":
    types = {type(value) for value in values if value is not None}
    kind: Kind = "json"
    if types == {bool}:
        kind = "boolean"
    elif types == {int}:
        kind = "integer"
    elif types and types <= {int, float}:
        # A float holds whole numbers exactly up to there.
        exact = all(abs(value) <= _EXACT for value in values if type(value) is int)
        kind = "number" if exact else "json"
    try:
        series = _typed(kind, _texts(values) if kind == "json" else values)
    except OverflowError:  # a number too large for 64 bits
        series = _typed("json", _texts(values))
    series.index = index
    return series
