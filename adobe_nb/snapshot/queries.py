"""SQL over the tables of a snapshot."""

import json
from contextlib import suppress
from typing import Any

import pandas as pd

from adobe_nb.errors import SnapshotError
from adobe_nb.snapshot.manifest import Snapshot
from adobe_nb.snapshot.organizations import Organizations
from adobe_nb.snapshot.tables import library, to_frame

# A query comes from a notebook that may be someone else's: it must read the tables and nothing
# else, neither files nor the network.
_SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    # Otherwise a mistyped table would read a variable of the notebook.
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


def sql(stored: Snapshot | Organizations, query: str) -> pd.DataFrame:
    """Return DuckDB's answer to a query that names the tables of a snapshot, or of several.

    Dtypes are those of our frames: integers are ``Int64`` if 64 bits hold all of them, other
    numbers ``Float64``, dates and times without a time zone are UTC, intervals are timedeltas,
    nested values are JSON text, and all others are text.

    Raises SnapshotError with DuckDB's message when the query is wrong, for intervals with months,
    and when a file differs from the manifest.
    """
    duckdb, pa = library("duckdb"), library("pyarrow")
    with duckdb.connect() as connection:
        for table in stored.tables:
            connection.register(table, stored.dataset(table))
        for setting in _SETTINGS:
            connection.execute(setting)
        try:
            relation = connection.sql(query)
            if relation is None:
                raise SnapshotError("The query does not return a table. Start it with SELECT.")
            answer = relation.to_arrow_table()
        except duckdb.CatalogException as error:
            tables = ", ".join(stored.tables) or "none"
            problem = f"{_sentence(error)} The tables of {stored.label}: {tables}."
            raise SnapshotError(problem) from error
        except (duckdb.Error, OSError, RuntimeError, pa.ArrowException) as error:
            raise SnapshotError(_sentence(error)) from error
    columns = list(map(_column, answer.columns))
    # By position, because two columns of an answer may have the same name.
    positions = list(map(str, range(len(columns))))
    frame = to_frame(pa.Table.from_arrays(columns, names=positions))
    return frame.set_axis(answer.column_names, axis="columns")


def _sentence(error: Exception) -> str:
    # DuckDB names the problem and a suggestion first, then repeats the query.
    text = " ".join(str(error).partition("\nLINE ")[0].split())
    if text.endswith((".", "?", "!")):
        return text
    return f"{text}."


def _column(column: Any) -> Any:
    """Return a column of any type as one of the types that our frames have."""
    # Many branches, but only one per type of Arrow.
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
        return _durations(column)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return _numbers(column)
    texts = list(map(_text, column.to_pylist()))
    return pa.chunked_array([texts], type=pa.string())


def _numbers(column: Any) -> Any:
    """Return integers when 64 bits hold all of them, else floats."""
    pa = library("pyarrow")
    # Only decimals have a scale, the number of digits after the point.
    if not pa.types.is_floating(column.type) and not getattr(column.type, "scale", 0):
        with suppress(pa.ArrowInvalid):
            return column.cast(pa.int64())
    return column.cast(pa.float64(), safe=False)


def _durations(column: Any) -> Any:
    """Return intervals as durations."""
    pa = library("pyarrow")
    microseconds: list[int | None] = []
    for value in column.to_pylist():
        if value is None:
            microseconds.append(None)
            continue
        if value.months:
            raise SnapshotError(
                "The answer has intervals with months, which have no fixed length. Subtract two "
                "times, or use date_diff('day', earlier, later)."
            )
        microseconds.append(value.days * 86_400_000_000 + value.nanoseconds // 1000)
    return pa.chunked_array([pa.array(microseconds, type=pa.int64()).cast(pa.duration("us"))])


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
