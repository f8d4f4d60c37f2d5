"""The frames that users pass, with the columns and dtypes that questions rely on.

They come from CSV, Excel or Parquet as often as from ``reactor``, so they may lack dtypes. What is
unambiguous is converted here, once; anything else is an error before the first question.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from adobe_nb.analysis.model import REQUIRED, TABLES
from adobe_nb.api.reactor.frames import (
    DTYPES,
    columns_of,
    convert_present,
    json_text,
    typed_series,
)
from adobe_nb.errors import ArgumentError, IncompleteResult
from adobe_nb.registry import BY_PREFIX, ID_PATTERN, RESOURCES, Kind, singular
from adobe_nb.suggest import did_you_mean

# Tables of one type that is listed under another one: these columns say under which resource.
_HOLDERS: Mapping[str, str] = {
    "rule_components": "rule_id",
    "rule_revision_components": "rule_id",
    "library_rules": "library_id",
    "library_data_elements": "library_id",
    "library_extensions": "library_id",
    "build_rules": "build_id",
    "build_data_elements": "build_id",
    "build_extensions": "build_id",
}
_TYPES = {"rule_revision_components": "rule_components", "other_data_elements": "data_elements"}
_EXPECTED: Mapping[Kind, str] = {
    "text": "text",
    "boolean": "true or false",
    "integer": "whole numbers",
    "number": "numbers",
    "datetime": 'dates in ISO format, such as "2026-06-01T09:30:00Z"',
    "json": "JSON",
}
_SWITCHES = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
# What astype(str) and files make of a missing value.
_MISSING = {"", "<na>", "nan", "nat", "none", "null"}
_REFUSED = (TypeError, ValueError, ArithmeticError, RecursionError, IncompleteResult)


def normalized(frames: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Return the frames with the dtypes of the registry, and each resource once.

    Raises ArgumentError for an unknown table, a missing column, and a value that does not fit.
    """
    return {table: _normalized(table, frame) for table, frame in frames.items()}


def _normalized(table: str, frame: Any) -> pd.DataFrame:
    if table not in TABLES:
        raise ArgumentError(f"Tags has no table {table!r}.{did_you_mean(table, TABLES)}")
    resource_type = _type_of(table)
    source = f"reactor.{resource_type}(…)"
    if not isinstance(frame, pd.DataFrame):
        raise ArgumentError(
            f"{table} must be a DataFrame, such as {source} returns, not {type(frame).__name__}."
        )
    if isinstance(frame.columns, pd.MultiIndex) or not frame.columns.is_unique:
        raise ArgumentError(
            f"The frame {table} has several columns of one name, or columns of several levels. "
            f"Pass the frame that {source} returns."
        )
    kinds = _kinds_of(table)
    if frame.empty and not len(frame.columns):
        # A list without elements makes such a frame.
        frame = pd.DataFrame(columns=list(kinds), dtype="object")
    if frame.index.name == "id" and "id" not in frame:
        frame = frame.reset_index()
    for column in _required(table):
        if column not in frame:
            raise ArgumentError(
                f"The frame {table} has no column {column!r}. Pass the frame that {source} "
                "returns, with all of its columns."
            )
    frame = _with_dtypes(table, frame, kinds)
    _check_ids(table, frame)
    return _each_once(table, frame, kinds)


def _type_of(table: str) -> str:
    return _TYPES.get(table) or table.removeprefix("library_").removeprefix("build_")


def _kinds_of(table: str) -> dict[str, Kind]:
    """Return the columns that a table has, and their kinds."""
    kinds = columns_of(RESOURCES[_type_of(table)])
    if table in _HOLDERS:
        kinds[_HOLDERS[table]] = "text"
    return kinds


def _required(table: str) -> tuple[str, ...]:
    if table == "audit_events":
        return ("id", "created_at", "type_of")
    if table == "rule_revision_components":
        return REQUIRED["rule_components"]
    return REQUIRED.get(table, ("id",))


# -- dtypes


def _with_dtypes(table: str, frame: pd.DataFrame, kinds: Mapping[str, Kind]) -> pd.DataFrame:
    """Return the frame with the dtype of each known column, and with a plain index."""
    if not frame.index.equals(pd.RangeIndex(len(frame))):
        frame = frame.reset_index(drop=True)
    names: list[Any] = list(frame)
    columns = {}
    for name in names:
        columns[name] = frame[name]
        if name in kinds:
            columns[name] = _typed(table, frame[name], kinds[name])
    typed = pd.DataFrame(columns, index=frame.index, copy=False)
    typed.attrs = frame.attrs
    return typed


def _typed(table: str, column: Any, kind: Kind) -> Any:
    is_text = kind in ("text", "json")
    if isinstance(column.dtype, pd.StringDtype) and is_text:
        # That of pandas 3 has NaN for a missing text.
        return _without_blanks(column.astype(pd.StringDtype()), kind)
    if column.dtype == DTYPES[kind]:
        return column
    if kind == "datetime" and pd.api.types.is_datetime64_any_dtype(column):
        return pd.to_datetime(column, utc=True).astype(DTYPES[kind])
    if is_text and pd.api.types.is_float_dtype(column) and column.notna().any():
        # 1.10 became 1.1, and nothing tells.
        raise ArgumentError(
            f"The frame {table} has {column.dtype} values in the column {column.name!r}, which "
            f"must hold {_EXPECTED[kind]}. Read the file with dtype={{{column.name!r}: 'string'}}."
        )
    if "struct<" in str(column.dtype):
        raise ArgumentError(
            f"The frame {table} has the dtype {str(column.dtype)[:20]}…] in the column "
            f"{column.name!r}, where each row has the members of all. Store JSON text instead: "
            "map(json.dumps)."
        )
    values = column.to_numpy(dtype="object", na_value=None).tolist()
    if not _may_be_blank(kind, column.name):
        values = [None if _is_missing(value) else value for value in values]
    try:
        return typed_series(kind, convert_present(_CONVERT[kind], values))
    except _REFUSED:
        raise _wrong_value(table, column.name, kind, values) from None


def _without_blanks(column: "pd.Series[Any]", kind: Kind) -> "pd.Series[Any]":
    if _may_be_blank(kind, column.name):
        return column
    is_blank = (column == "").fillna(False)
    return column.mask(is_blank) if is_blank.any() else column


def _may_be_blank(kind: Kind, column: object) -> bool:
    """Return whether an empty text can be a value: a name can be empty, an id cannot."""
    return kind == "text" and not re.fullmatch("id|.*_id", str(column))


def _is_missing(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lower() in _MISSING


def _wrong_value(table: str, column: object, kind: Kind, values: Sequence[Any]) -> ArgumentError:
    """Return the error that names the first value that does not fit."""
    row = next((row for row, value in enumerate(values) if not _fits(kind, value)), 0)
    # The value itself may be a secret that slipped into the wrong column.
    return ArgumentError(
        f"The frame {table} has a value in the column {column!r} that is not "
        f"{_EXPECTED[kind]}: the {type(values[row]).__name__} in {table}.iloc[{row}]. Correct it, "
        f"or pass the frame that reactor.{_type_of(table)}(…) returns."
    )


def _fits(kind: Kind, value: Any) -> bool:
    try:
        typed_series(kind, convert_present(_CONVERT[kind], [value]))
    except _REFUSED:
        return False
    return True


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    # Arrow holds valid Unicode only.
    return value.encode("utf-8", "backslashreplace").decode()


def _json(value: Any) -> str:
    if isinstance(value, str | bytes):
        return _text(value)
    # Parquet returns lists as arrays.
    plain = json.loads(json.dumps(value, default=_plain))
    return json_text(plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(type(value).__name__)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    try:
        return _SWITCHES[str(value).strip().lower()]
    except KeyError:
        raise ValueError("boolean") from None


def _integer(value: Any) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError("integer")
    return int(number)


def _number(value: Any) -> float:
    if isinstance(value, bool | np.bool_):
        raise TypeError("boolean")
    number = float(Decimal(str(value).strip()))
    if not isfinite(number):
        raise ValueError("number")
    return number


def _date(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    # pandas would take a lone number for a year.
    datetime.fromisoformat(value.strip())
    return value.strip()


_CONVERT: Mapping[Kind, Callable[[Any], Any]] = {
    "text": _text,
    "json": _json,
    "datetime": _date,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
}


# -- ids


def _check_ids(table: str, frame: pd.DataFrame) -> None:
    """Raise ArgumentError for rows without an id, and for resources of another type."""
    is_missing = frame["id"].isna()
    if is_missing.any():
        raise ArgumentError(
            f"The frame {table} has {is_missing.sum()} rows without a value in the column 'id', "
            f"the first being {table}.iloc[{is_missing.argmax()}]. Drop them: "
            f"{table}.dropna(subset='id')."
        )
    if table not in REQUIRED or frame.empty:
        return
    first = str(frame["id"].iloc[0])
    row = BY_PREFIX.get(first[:2])
    if ID_PATTERN.fullmatch(first) and row is not None and row.type != table:
        raise ArgumentError(f"The frame {table} has {row.type}: {first}. Pass it as {row.type}=.")


def _each_once(table: str, frame: pd.DataFrame, kinds: Mapping[str, Kind]) -> pd.DataFrame:
    """Return the frame with each resource once. Raises ArgumentError when its rows differ."""
    key = ["id"]
    if table in _HOLDERS and _HOLDERS[table] in frame:
        key.append(_HOLDERS[table])
    is_repeated = frame.duplicated(key)
    if not is_repeated.any():
        return frame
    known = [name for name in frame if name in kinds]
    distinct = frame[~frame.duplicated(known)]
    contradicting = distinct.loc[distinct.duplicated(key), "id"]
    if len(contradicting):
        raise ArgumentError(
            f"The frame {table} has several rows with the value {contradicting.iloc[0]} in the "
            f"column 'id', and they differ. Keep one row of each {singular(_type_of(table))}: "
            f"{table}.drop_duplicates({key!r}, keep='last')."
        )
    return distinct.reset_index(drop=True)
