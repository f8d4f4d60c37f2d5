"""Resources to DataFrames: the columns of the row, in its order, with the same dtypes at 0 and at 100,000 rows."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from adobe_nb.errors import ArgumentError, IncompleteResult
from adobe_nb.resources import Kind, Resource

DTYPES: Mapping[Kind, str] = {
    "text": "string",
    "boolean": "boolean",
    "integer": "Int64",
    "number": "Float64",
    "datetime": "datetime64[us, UTC]",
    "json": "string",
}
_Resource = Mapping[str, Any]


def columns_of(row: Resource, parent: str | None = None) -> dict[str, Kind]:
    """Names and kinds of the promised columns, for a list under that parent type (None: ``get``, ``search``)."""
    extra = row.parent_column(parent)
    columns: dict[str, Kind] = {"id": "text"}
    if extra:
        columns[extra] = "text"
    columns |= {attribute.name: attribute.kind for attribute in row.columns}
    for relation in row.to_one:
        columns[f"{relation.name}_id"] = "text"
        if len(relation.targets) > 1:
            columns[f"{relation.name}_type"] = "text"
    return columns | {f"meta_{attribute.name}": attribute.kind for attribute in row.meta}


def to_frame(
    row: Resource,
    resources: Sequence[_Resource],
    *,
    parent: str | None = None,
    parent_ids: Sequence[str | None] | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """One row per resource. ``parent_ids`` runs along ``resources`` where the list needs a parent column.

    What the table does not know is kept as text, after the promised columns, in sorted order. Raises
    IncompleteResult when a value does not have the type that the table promises.
    """
    kinds = columns_of(row, parent)
    parts = [
        (resource["id"], _part(resource, "attributes"), _part(resource, "relationships"), _part(resource, "meta"))
        for resource in resources
    ]
    ids = [part[0] for part in parts]
    series: dict[str, pd.Series[Any]] = {"id": _series(row, "id", "text", ids, ids)}
    extra = row.parent_column(parent)
    if extra:
        series[extra] = _series(row, extra, "text", parent_ids or [None] * len(ids), ids)
    for attribute in row.columns:
        values = [part[1].get(attribute.name) for part in parts]
        series[attribute.name] = _series(row, attribute.name, attribute.kind, values, ids)
    for relation in row.to_one:
        linked = [_linked(part[2], relation.name) for part in parts]
        name = f"{relation.name}_id"
        series[name] = _series(row, name, "text", [each.get("id") for each in linked], ids)
        if f"{relation.name}_type" in kinds:
            types = [each.get("type") for each in linked]
            series[f"{relation.name}_type"] = _series(row, f"{relation.name}_type", "text", types, ids)
    for attribute in row.meta:
        values = [part[3].get(attribute.name) for part in parts]
        series[f"meta_{attribute.name}"] = _series(row, f"meta_{attribute.name}", attribute.kind, values, ids)
    for name, values in _unknown(row, parts, kinds).items():
        series[name] = _series(row, name, "json", values, ids)
    frame = pd.DataFrame(series, columns=list(series), index=pd.RangeIndex(len(ids)))
    frame.attrs.update(attrs or {})
    return frame


def sort_frame(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Sorted by those keys (``-`` descending): text without regard to case, missing values last, ties as they came."""
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


def expand(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Open a column of JSON text: its members become columns ``<column>.<member>`` right after it.

    Nested objects give dotted names; lists stay JSON text. Bool, whole number, number and text members are typed
    ``boolean``, ``Int64``, ``Float64``, ``string``; members of mixed type are text.

    Raises ArgumentError when the column is not there, or holds something else than JSON objects.

    Example:
        >>> import adobe_nb
        >>> session = adobe_nb.connect(simulator=True)
        >>> shop = session.reactor.find("properties", "Web Store US")
        >>> elements = session.reactor.data_elements(shop)
        >>> "settings.path" in adobe_nb.expand(elements, "settings").columns
        True
    """
    if column not in frame.columns:
        raise ArgumentError(f"The frame has no column {column!r}. It has: {', '.join(map(str, frame.columns))}.")
    if not frame.columns.is_unique:
        raise ArgumentError("Two columns have the same name. Rename one of them first.")
    flat = [_members(text, column, position) for position, text in enumerate(frame[column])]
    names = list(dict.fromkeys(name for members in flat for name in members))
    opened = {f"{column}.{name}": _guessed([members.get(name) for members in flat], frame.index) for name in names}
    taken = [name for name in opened if name in frame.columns]
    if taken:
        raise ArgumentError(f"The frame has a column {taken[0]!r} already: {column!r} was opened before.")
    at = list(frame.columns).index(column) + 1
    result = pd.concat(
        [frame.iloc[:, :at], pd.DataFrame(opened, index=frame.index), frame.iloc[:, at:]], axis="columns"
    )
    result.attrs = dict(frame.attrs)
    return result


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
        found = {name: value for name, value in attributes.items() if name not in kinds and name not in hidden}
        for name in relationships:
            linked = _linked(relationships, name)
            if linked and f"{name}_id" not in kinds:
                found[f"{name}_id"] = linked.get("id")
        found |= {f"meta_{name}": value for name, value in meta.items() if f"meta_{name}" not in kinds}
        rows.append(found)
    names = sorted({name for found in rows for name in found})
    return {name: [found.get(name) for found in rows] for name in names}


def _series(row: Resource, name: str, kind: Kind, values: Sequence[Any], ids: Sequence[str]) -> "pd.Series[Any]":
    try:
        return _typed(kind, values)
    except (TypeError, ValueError, OverflowError):
        pass
    bad = next((index for index, value in enumerate(values) if not _fits(kind, value)), 0)
    raise IncompleteResult(
        f"{ids[bad]} has a {type(values[bad]).__name__} in {name}, where {row.type} should have {kind}. "
        "Adobe may have changed the API: please report it, and read the raw answer with reactor.request()."
    )


def _fits(kind: Kind, value: object) -> bool:
    try:
        _typed(kind, [value])
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _typed(kind: Kind, values: Sequence[Any]) -> "pd.Series[Any]":
    if kind == "datetime":
        if any(value is not None and not isinstance(value, str) for value in values):
            raise TypeError("a date is a text")
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="object"), utc=True, format="ISO8601")).astype(
            "datetime64[us, UTC]"
        )
    convert = _CONVERT.get(kind)
    converted = [None if value is None else convert(value) for value in values] if convert else list(values)
    return pd.Series(converted, dtype=DTYPES[kind])


def json_text(value: object) -> str:
    """Text as it is, anything else as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _exactly(*types: type) -> Callable[[object], object]:
    def check(value: object) -> object:
        if type(value) not in types:
            raise TypeError(type(value).__name__)
        return value

    return check


_CONVERT: Mapping[Kind, Callable[[Any], Any]] = {
    "text": json_text,
    "json": json_text,
    "boolean": _exactly(bool),
    "integer": _exactly(int),
    "number": _exactly(int, float),
}


def _members(text: object, column: str, position: int) -> dict[str, Any]:
    if text is None or text is pd.NA or text == "" or (isinstance(text, float) and math.isnan(text)):
        return {}
    try:
        value = json.loads(str(text))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ArgumentError(
            f"Row {position} of {column!r} is not a JSON object, so it has no members to open. Read it with json.loads."
        )
    pairs = list(_flatten(value))
    if len(dict(pairs)) != len(pairs):
        raise ArgumentError(f"Row {position} of {column!r} has members of the same dotted name. Use json.loads.")
    return dict(pairs)


def _flatten(value: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, member in value.items():
        if isinstance(member, dict) and member:
            yield from _flatten(member, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", member


def _guessed(values: Sequence[Any], index: "pd.Index[Any]") -> "pd.Series[Any]":
    types = {type(value) for value in values if value is not None}
    kind: Kind = "json"
    if types == {bool}:
        kind = "boolean"
    elif types == {int}:
        kind = "integer"
    elif types and types <= {int, float}:
        kind = "number"
    try:
        series = _typed(kind, values)
    except OverflowError:  # a number too large for 64 bits
        series = _typed("json", values)
    series.index = index
    return series
