"""SQL over the tables of a snapshot."""

import json
from typing import Any

import pandas as pd

from adobe_nb.errors import SnapshotError
from adobe_nb.snapshot.manifest import Manifest
from adobe_nb.snapshot.tables import library, to_frame

_CLOSED = (
    "SET TimeZone = 'UTC'",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET python_enable_replacements = false",  # or a mistyped table would read a variable of the notebook
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


def sql(manifest: Manifest, query: str) -> pd.DataFrame:
    """What DuckDB answers to the query; each table of the snapshot is there by its name, with the columns of ``frame``.

    The query sees nothing else: no files, no network, no variables; and it cannot change the snapshot. Dtypes are those
    of our frames: numbers that are no whole 64-bit ones are ``Float64``, dates and times without a zone are moments in
    UTC, intervals are time deltas, nested values are JSON text, and what remains is text.

    Raises SnapshotError with DuckDB's own words when the query is wrong, for intervals with months, and when a file is
    not what the manifest says.
    """
    duckdb, pa = library("duckdb"), library("pyarrow")
    with duckdb.connect() as connection:
        for table in manifest.tables:
            connection.register(table, manifest.dataset(table))
        for setting in _CLOSED:
            connection.execute(setting)
        try:
            relation = connection.sql(query)
            answer = None if relation is None else relation.to_arrow_table()
        except (duckdb.Error, OSError, RuntimeError, pa.ArrowException) as error:
            # Without the query, which comes after what is wrong and what was meant.
            problem = _sentence(" ".join(str(error).partition("\nLINE ")[0].split()))
            problem += f" {_listed(manifest)}" if isinstance(error, duckdb.CatalogException) else ""
        else:
            problem = "" if answer is not None else "It gives no table: begin it with SELECT."
    if problem:
        raise SnapshotError(problem)
    return _frame(answer)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _listed(manifest: Manifest) -> str:
    return f"The tables of snapshot {manifest.number}: {', '.join(manifest.tables) or 'none'}."


def _frame(answer: Any) -> pd.DataFrame:
    """An Arrow table of any types as one of our frames. Two columns may have the same name."""
    pa = library("pyarrow")
    columns = [_column(column) for column in answer.columns]
    frame = to_frame(pa.Table.from_arrays(columns, names=[str(place) for place in range(len(columns))]))
    return frame.set_axis(answer.column_names, axis="columns")


def _column(column: Any) -> Any:
    """A column of any type as one of those that our frames have."""
    pa = library("pyarrow")
    kind, types = column.type, pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _column(column.cast(kind.storage_type))
    if types.is_dictionary(kind):
        return _column(column.cast(kind.value_type))
    if types.is_boolean(kind) or types.is_string(kind):
        return column
    if types.is_integer(kind) or (types.is_decimal(kind) and kind.scale == 0):
        return _number(column)
    if types.is_floating(kind) or types.is_decimal(kind):
        return column.cast(pa.float64())
    if types.is_timestamp(kind) or types.is_date(kind):
        return column.cast(pa.timestamp("us", tz="UTC"), safe=False)
    if types.is_interval(kind):
        return _duration(column)
    return pa.chunked_array([[_text(value) for value in column.to_pylist()]], type=pa.string())


def _number(column: Any) -> Any:
    """Whole numbers, as such when 64 bits hold all of them."""
    pa = library("pyarrow")
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column.cast(pa.float64(), safe=False)


def _duration(column: Any) -> Any:
    """Time that went by. Months have no length of their own."""
    pa = library("pyarrow")
    values = column.to_pylist()
    if any(getattr(value, "months", 0) for value in values):
        raise SnapshotError(
            "The answer has intervals with months, which have no fixed length. Take the difference of two times, or "
            "date_diff('day', earlier, later)."
        )
    spans = [None if value is None else _microseconds(value) for value in values]
    return pa.chunked_array([pa.array(spans, type=pa.int64()).cast(pa.duration("us"))])


def _microseconds(value: Any) -> int:
    return int(value.days) * 86_400_000_000 + int(value.nanoseconds) // 1000


def _text(value: object) -> str | None:
    nested = isinstance(value, (list, dict))
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str) if nested else str(value)
