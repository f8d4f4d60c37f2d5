"""Turn resources into DataFrames with the columns and dtypes of the registry.

The columns, their order and their dtypes are the same at 0 and at 100,000 rows.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from adobe_nb.api.reactor.dates import parse
from adobe_nb.api.reactor.decoding import Page
from adobe_nb.api.reactor.escapes import decoded
from adobe_nb.api.reactor.jsonapi import mapping, shown
from adobe_nb.errors import IncompleteResult
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
# Rows that are turned into arrays together: few enough that their Python objects stay few, enough
# that the cost of an array hardly counts.
_CHUNK_ROWS = 5000
_FIRST_DATE = np.datetime64(datetime.min, "us")
_LAST_DATE = np.datetime64(datetime.max, "us")
MAX_EXACT = 2**53
"""The largest whole number up to which a float holds every whole number."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def columns_of(row: Resource, parent: str | None = None) -> dict[str, Kind]:
    """Return the promised columns with their kinds.

    ``parent`` is the type that the resources are listed under; None for ``get`` and ``search``.
    """
    columns: dict[str, Kind] = {"id": "text"}
    parent_column = row.parent_column(parent)
    if parent_column:
        columns[parent_column] = "text"
    for attribute in row.columns:
        columns[attribute.name] = attribute.kind
    for relation in row.to_one:
        columns[f"{relation.name}_id"] = "text"
        if len(relation.targets) > 1:
            columns[f"{relation.name}_type"] = "text"
        for attribute in relation.meta:
            columns[f"{relation.name}_{attribute.name}"] = attribute.kind
    for attribute in row.meta:
        columns[f"meta_{attribute.name}"] = attribute.kind
    return columns


def json_columns(row: Resource) -> set[str]:
    """Return the columns of JSON text, without those of any text, such as a default value."""
    columns = set()
    for attribute in row.columns:
        if attribute.kind == "json" and (attribute.form or not attribute.write):
            columns.add(attribute.name)
    for attribute in row.meta:
        if attribute.kind == "json":
            columns.add(f"meta_{attribute.name}")
    return columns


def to_frame(
    row: Resource, resources: Sequence[_Resource], attrs: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Return a frame with one row per resource.

    Members that the registry does not know are kept as text, after the promised columns, in sorted
    order.

    Raises IncompleteResult for a value that does not have the type of its column.
    """
    builder = FrameBuilder(row)
    builder.add_documents(resources)
    return builder.frame(attrs)


class _Layout(NamedTuple):
    """The columns of a type's frame, in a list under one type of parent."""

    kinds: Mapping[str, Kind]
    nested: set[str]
    hidden: set[str]
    parent_column: str | None

    def kind_of(self, column: str) -> Kind:
        """Return the kind of a column; unknown members are kept as JSON text."""
        return self.kinds.get(column, "json")


# Cached, because a snapshot has thousands of parts.
@cache
def _layout_of(row: Resource, parent: str | None) -> _Layout:
    hidden = {attribute.name for attribute in row.attributes if attribute.write_only}
    return _Layout(columns_of(row, parent), json_columns(row), hidden, row.parent_column(parent))


class _Part(NamedTuple):
    """The rows of one page, column by column."""

    order: tuple[int, ...]
    size: int
    columns: Mapping[str, Sequence[Any]]


class _Stretch(NamedTuple):
    """Where the rows of a page are: from ``start`` to ``stop`` in that chunk."""

    order: tuple[int, ...]
    chunk: int
    start: int
    stop: int


class FrameBuilder:
    """Turns pages into the columns of a frame as they arrive, in any order.

    A few thousand rows at a time become typed arrays, so that their Python objects do not pile up.
    """

    def __init__(self, row: Resource, parent: str | None = None) -> None:
        self._row = row
        self._layout = _layout_of(row, parent)
        self._waiting: list[_Part] = []
        self._waiting_rows = 0
        self._stretches: list[_Stretch] = []
        self._chunks: list[dict[str, ExtensionArray]] = []

    def add(self, page: Page, order: tuple[int, ...], parent_id: str | None = None) -> None:
        """Take a page. ``order`` is its place among the others. Raises IncompleteResult."""
        if page.columns is None:
            self.add_documents(page.documents, order, parent_id)
            return
        columns = dict(page.columns)
        for name, values in page.columns.items():
            if self._layout.kind_of(name) == "json":
                columns[name] = self._converted(name, values, page.ids)
        self._take(order, page.ids, parent_id, columns)

    def add_documents(
        self,
        documents: Sequence[_Resource],
        order: tuple[int, ...] = (),
        parent_id: str | None = None,
    ) -> None:
        """Take resources as the API returns them. Raises IncompleteResult."""
        ids = list(map(itemgetter("id"), documents))
        rows = [_values_of(self._row, document, self._layout) for document in documents]
        columns: dict[str, Sequence[Any]] = {}
        for name in dict.fromkeys(chain(self._layout.kinds, *rows)):
            values = self._converted(name, [row.get(name) for row in rows], ids)
            _check_characters(name, values, ids)
            columns[name] = values
        self._take(order, ids, parent_id, columns)

    def drop(self, order: tuple[int, ...]) -> None:
        """Forget the pages whose order begins like this, if there are any."""
        depth = len(order)
        self._waiting = [part for part in self._waiting if part.order[:depth] != order]
        self._waiting_rows = sum(map(attrgetter("size"), self._waiting))
        self._stretches = [rows for rows in self._stretches if rows.order[:depth] != order]

    def frame(self, attrs: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Return the frame. The builder is empty afterwards."""
        if self._waiting or not self._chunks:
            self._convert()
        unknown = set(chain(*self._chunks)) - set(self._layout.kinds)
        names = [*self._layout.kinds, *sorted(unknown)]
        size = sum(rows.stop - rows.start for rows in self._stretches)
        if len(self._chunks) == 1 and len(self._chunks[0]["id"]) == size:
            # A small table is in order already, unless some of its pages were read again.
            columns = {name: self._chunks[0][name] for name in names}
        else:
            columns = self._ordered_columns(names)
        self._chunks, self._stretches = [], []
        frame = pd.DataFrame(columns, index=pd.RangeIndex(size), copy=False)
        frame.attrs.update(attrs or {})
        return frame

    def _converted(self, name: str, values: Sequence[Any], ids: Sequence[str]) -> list[Any]:
        convert = _CONVERT[self._layout.kind_of(name)]
        if name in self._layout.nested:
            convert = nested_text
        try:
            return convert_present(convert, values)
        except (TypeError, IncompleteResult):
            raise self._wrong_type(name, values, ids) from None

    def _take(
        self,
        order: tuple[int, ...],
        ids: Sequence[str],
        parent_id: str | None,
        columns: dict[str, Sequence[Any]],
    ) -> None:
        columns["id"] = ids
        if self._layout.parent_column:
            columns[self._layout.parent_column] = [parent_id] * len(ids)
        self._waiting.append(_Part(order, len(ids), columns))
        self._waiting_rows += len(ids)
        if self._waiting_rows >= _CHUNK_ROWS:
            self._convert()

    def _convert(self) -> None:
        """Turn the waiting parts into a chunk of typed columns."""
        # In order, so that few runs remain: pages that were requested together come in any order.
        parts = sorted(self._waiting, key=attrgetter("order"))
        self._waiting, self._waiting_rows = [], 0
        chunk: dict[str, ExtensionArray] = {}
        # The ids come first, so they can be named where another column does not fit.
        for name in dict.fromkeys(chain(self._layout.kinds, *map(attrgetter("columns"), parts))):
            values: list[Any] = []
            for part in parts:
                values += part.columns.get(name) or [None] * part.size
            try:
                chunk[name] = typed_array(self._layout.kind_of(name), values)
            except (TypeError, ValueError, OverflowError):
                raise self._wrong_type(name, values, chunk["id"].tolist()) from None
        start = 0
        for part in parts:
            stop = start + part.size
            self._stretches.append(_Stretch(part.order, len(self._chunks), start, stop))
            start = stop
        self._chunks.append(chunk)

    def _ordered_columns(self, names: Sequence[str]) -> dict[str, ExtensionArray]:
        """Put the chunks together, with the rows in the order of their pages."""
        for chunk in self._chunks:
            missing = [None] * len(chunk["id"])
            for name in set(names) - set(chunk):
                chunk[name] = typed_array("json", missing)
        runs = self._runs()
        columns: dict[str, ExtensionArray] = {}
        for name in names:
            # Each column leaves the chunks, so that never more than one of them is in memory twice.
            parts = [chunk.pop(name) for chunk in self._chunks]
            # Slices are put together because taking row by row needs the column three times.
            slices: list[Any] = [parts[chunk][start:stop] for chunk, start, stop in runs]
            columns[name] = type(slices[0])._concat_same_type(slices)
        return columns

    def _runs(self) -> list[tuple[int, int, int]]:
        """Return chunk, start and stop of the rows in their order, neighbors as one."""
        runs: list[tuple[int, int, int]] = []
        for rows in sorted(self._stretches):
            start = rows.start
            if runs and runs[-1][0] == rows.chunk and runs[-1][2] == start:
                start = runs.pop()[1]
            runs.append((rows.chunk, start, rows.stop))
        return runs or [(0, 0, 0)]

    def _wrong_type(self, name: str, values: Sequence[Any], ids: Sequence[str]) -> IncompleteResult:
        """Return the error that names the first value of another type."""
        kind = self._layout.kind_of(name)
        row = next((row for row, value in enumerate(values) if not _fits(kind, value)), 0)
        description = f"a {type(values[row]).__name__}"
        if kind == "datetime" and isinstance(values[row], str):
            description = "a text that is not a date of the years 1 to 9999"
        if kind in {"json", "text"}:
            description = "a value that is nested too deeply"
        return IncompleteResult(
            f"{shown(ids[row])} has {description} in {name}, but {self._row.type} should have "
            f"{kind} there. Adobe may have changed the API: please report it, and read the raw "
            "response with reactor.request()."
        )


def _values_of(row: Resource, resource: _Resource, layout: _Layout) -> dict[str, Any]:
    """Return the values of a resource by their columns, unknown members included."""
    relationships = mapping(resource.get("relationships"))
    values = dict(mapping(resource.get("attributes")))
    for name in layout.hidden:
        values.pop(name, None)
    for name in relationships:
        # A relation that the registry does not know gets a column if it leads to one resource.
        if f"{name}_id" not in layout.kinds and (target := _target(relationships, name)):
            values[f"{name}_id"] = target.get("id")
    # After the attributes: a relation counts where an attribute has the name of its column.
    for relation in row.to_one:
        target = _target(relationships, relation.name)
        values[f"{relation.name}_id"] = target.get("id")
        if len(relation.targets) > 1:
            values[f"{relation.name}_type"] = target.get("type")
        for attribute in relation.meta:
            value = mapping(target.get("meta")).get(attribute.name)
            values[f"{relation.name}_{attribute.name}"] = value
    for name, value in mapping(resource.get("meta")).items():
        values[f"meta_{name}"] = value
    return values


def _target(relationships: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the identifier that a to-one relation leads to; empty for any other."""
    return mapping(mapping(relationships.get(name)).get("data"))


def _check_characters(name: str, values: Sequence[Any], ids: Sequence[str]) -> None:
    """Raise IncompleteResult for a text with a lone surrogate, which no array can hold."""
    for identifier, value in zip(ids, values, strict=True):
        if not isinstance(value, str) or value.isascii():
            continue
        if match := _SURROGATE.search(value):
            raise IncompleteResult(
                f"{shown(identifier)} has half a character (a lone surrogate, "
                f"U+{ord(match[0]):04X}) in {name}, which no table can hold. Correct it in Adobe's "
                "interface, or read the raw response with reactor.request()."
            )


def sort_frame(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return the frame sorted by these keys, ``-`` before one for descending.

    Text is compared without regard to case, missing values come last, and ties keep their order.
    """
    attrs = frame.attrs
    # The last key first: a stable sort keeps its order among rows that a later key calls equal.
    for key in reversed(keys):
        column = frame[key.lstrip("-")].reset_index(drop=True)
        if isinstance(column.dtype, pd.StringDtype):
            column = column.str.casefold()
        order = column.sort_values(
            ascending=not key.startswith("-"), kind="stable", na_position="last"
        )
        frame = frame.iloc[order.index.to_numpy()].reset_index(drop=True)
    frame.attrs = attrs
    return frame


def convert_present(convert: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    """Return the converted values; None stays None."""
    return [None if value is None else convert(value) for value in values]


def typed_series(kind: Kind, values: Sequence[Any]) -> "pd.Series[Any]":
    """Return a series of values that have the right Python type already.

    Raises TypeError, ValueError or OverflowError for a value that does not fit its dtype.
    """
    return pd.Series(typed_array(kind, values), copy=False)


def typed_array(kind: Kind, values: Sequence[Any]) -> ExtensionArray:
    """Return an array like ``typed_series``: a frame of many columns costs a third of the time."""
    if kind == "datetime":
        return _dates(values)
    if kind == "boolean":
        # As pd.array(values, dtype="boolean"), in a tenth of the time.
        is_true = np.array([value is True for value in values], dtype=bool)
        is_missing = np.array([value is None for value in values], dtype=bool)
        return pd.arrays.BooleanArray(is_true, is_missing)
    dtype: Any = DTYPES[kind]
    if dtype == "string":
        # Most columns are text, and pandas takes longer to look its name up than to fill an array.
        dtype = pd.StringDtype()
    array: ExtensionArray = pd.array(values, dtype=dtype)
    return array


def _dates(values: Sequence[Any]) -> ExtensionArray:
    if values.count(None) == len(values):
        # In many columns no row has a date, and to_datetime takes long to find that.
        missing: ExtensionArray = pd.array(values, dtype=pd.DatetimeTZDtype("us", "UTC"))
        return missing
    try:
        parsed = pd.to_datetime(values, utc=True, format="ISO8601").as_unit("us")
    except (ValueError, OverflowError):
        # One by one: to_datetime refuses years that 64 bits of nanoseconds cannot hold.
        dates = np.array(convert_present(_naive_date, values), dtype="datetime64[us]")
        return pd.DatetimeIndex(dates, tz="UTC").array
    naive = parsed.to_numpy(dtype="datetime64[us]")
    # pandas can hold other years, but can neither show them nor convert them to a datetime.
    if (naive < _FIRST_DATE).any() or (naive > _LAST_DATE).any():
        raise ValueError("year")
    return parsed.array


def _naive_date(text: str) -> datetime:
    return parse(text).replace(tzinfo=None)


def json_text(value: object) -> str:
    """Return text as it is, and anything else as compact JSON. Raises IncompleteResult."""
    if isinstance(value, str):
        return value
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        raise IncompleteResult(
            "The response is nested too deeply. Read the raw response with reactor.request()."
        ) from None
    if text.isascii():
        return text
    # Half characters stay the escapes that they came as: nothing else can hold them.
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def nested_text(value: object) -> str:
    """Return JSON text with its escapes decoded."""
    if isinstance(value, str):
        return decoded(value)
    return json_text(value)


def _whole_number(value: object) -> int:
    # JSON does not tell 1 from 1.0.
    if type(value) is float and value.is_integer() and abs(value) <= MAX_EXACT:
        return int(value)
    if type(value) is not int:
        raise TypeError(type(value).__name__)
    return value


def _exactly(types: tuple[type, ...], value: object) -> object:
    if type(value) not in types:
        raise TypeError(type(value).__name__)
    return value


_CONVERT: Mapping[Kind, Callable[[Any], Any]] = {
    "text": json_text,
    "json": json_text,
    "datetime": partial(_exactly, (str,)),
    "boolean": partial(_exactly, (bool,)),
    "integer": _whole_number,
    "number": partial(_exactly, (int, float)),
}


def _fits(kind: Kind, value: object) -> bool:
    try:
        typed_series(kind, convert_present(_CONVERT[kind], [value]))
    except (TypeError, ValueError, OverflowError, IncompleteResult):
        return False
    return True
