"""SQL over the tables of a snapshot."""

import json
from contextlib import suppress
from typing import Any

import pandas as pd

from adobe_nb.errors import SnapshotError
from adobe_nb.snapshot.manifest import Manifest
from adobe_nb.snapshot.tables import library, to_frame

_CLOSED = (
    "SET TimeZone = 'UTC'",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    # or a mistyped table would read a variable of the notebook
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


def sql(manifest: Manifest, query: str) -> pd.DataFrame:
    """DuckDB's answer to the query, which names the tables of the snapshot; they have the columns
    of ``frame``.

    The query sees nothing else: no files, no network, no variables; and it cannot change the
    snapshot. Dtypes are those of our frames: integers are ``Int64`` if 64 bits hold all of them,
    other numbers ``Float64``, dates and times without a zone are moments in UTC, intervals are time
    deltas, nested values are JSON text, and all others are text.

    Raises SnapshotError with DuckDB's own words when the query is wrong, for intervals with months,
    and when a file differs from the manifest.
    """
    duckdb, pa = library("duckdb"), library("pyarrow")
    with duckdb.connect() as connection:
        for table in manifest.tables:
            connection.register(table, manifest.dataset(table))
        for setting in _CLOSED:
            connection.execute(setting)
        try:
            relation = connection.sql(query)
            if relation is None:
                raise SnapshotError("The query returns no table: begin it with SELECT.")
            answer = relation.to_arrow_table()
        except duckdb.CatalogException as error:
            tables = ", ".join(manifest.tables) or "none"
            problem = f"{_sentence(error)} The tables of snapshot {manifest.number}: {tables}."
            raise SnapshotError(problem) from error
        except (duckdb.Error, OSError, RuntimeError, pa.ArrowException) as error:
            raise SnapshotError(_sentence(error)) from error
    return _frame(answer)


def _sentence(error: Exception) -> str:
    # DuckDB names the problem and a suggestion first, then repeats the query.
    text = " ".join(str(error).partition("\nLINE ")[0].split())
    if text.endswith((".", "?", "!")):
        return text
    return f"{text}."


def _frame(answer: Any) -> pd.DataFrame:
    """An Arrow table of any types as one of our frames. Two columns may have the same name."""
    pa = library("pyarrow")
    columns = [_column(column) for column in answer.columns]
    numbers = [str(number) for number in range(len(columns))]
    frame = to_frame(pa.Table.from_arrays(columns, names=numbers))
    return frame.set_axis(answer.column_names, axis="columns")


def _column(column: Any) -> Any:
    """A column of any type as one of the types that our frames have."""
    pa = library("pyarrow")
    kind, types = column.type, pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _column(column.cast(kind.storage_type))
    if types.is_dictionary(kind):
        return _column(column.cast(kind.value_type))
    if types.is_boolean(kind) or types.is_string(kind):
        return column
    if types.is_timestamp(kind) or types.is_date(kind):
        return column.cast(pa.timestamp("us", tz="UTC"), safe=False)
    if types.is_interval(kind):
        return _duration(column)
    if _is_number(kind):
        return _number(column)
    return pa.chunked_array([[_text(value) for value in column.to_pylist()]], type=pa.string())


def _is_number(kind: Any) -> bool:
    types = library("pyarrow").types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _number(column: Any) -> Any:
    """Integers when 64 bits hold all of them, else floats."""
    pa = library("pyarrow")
    fractions = pa.types.is_floating(column.type) or getattr(column.type, "scale", 0) != 0
    if not fractions:
        with suppress(pa.ArrowInvalid):
            return column.cast(pa.int64())
    return column.cast(pa.float64(), safe=False)


def _duration(column: Any) -> Any:
    """Intervals as time deltas. Months have no fixed length."""
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
    if value is None:
        return None
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
