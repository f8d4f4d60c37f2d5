"""Frames as Parquet files, and back: the same columns and dtypes, whatever the number of rows."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from adobe_nb.api.reactor.frames import DTYPES
from adobe_nb.errors import SnapshotError
from adobe_nb.registry import Kind

Columns = Mapping[str, Kind]


def library(name: str) -> Any:
    """A module that only snapshots need. Raises SnapshotError when it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        problem = error
    raise SnapshotError(
        f"Snapshots need {name.partition('.')[0]}, which cannot be loaded ({problem}). "
        'Install it: pip install "adobe_nb[snapshot]".'
    )


def schema_of(columns: Columns, unknown: Sequence[str] = ()) -> Any:
    """The Arrow schema: the promised columns, then the unknown ones as text. It never depends on the values."""
    types = _types()
    return library("pyarrow").schema([(name, types[kind]) for name, kind in {**columns, **_texts(unknown)}.items()])


def unknown_columns(frame: pd.DataFrame, columns: Columns, name: str) -> tuple[str, ...]:
    """What the frame has besides the promised columns. Raises SnapshotError when those are not all there and typed.

    ``name`` says in the message which frame it is.
    """
    promised, names = list(columns), list(frame.columns)
    unknown = names[len(promised) :]
    if names[: len(promised)] != promised:
        raise SnapshotError(f"{name}: the columns begin with {names[: len(promised)]}, not with {promised}.")
    if not all(isinstance(each, str) for each in unknown) or unknown != sorted({*unknown} - {*promised}):
        raise SnapshotError(f"{name}: the columns after the promised ones are not distinct names in order: {unknown}.")
    for column, kind in {**columns, **_texts(unknown)}.items():
        if frame[column].dtype != DTYPES[kind]:
            raise SnapshotError(f"{name}: {column} is {frame[column].dtype}, and should be {DTYPES[kind]}.")
    return tuple(unknown)


def to_table(frame: pd.DataFrame, schema: Any, name: str) -> Any:
    """The frame as an Arrow table of that schema. Raises SnapshotError that names the column and the row's id.

    Text with half a character (a lone surrogate) is no text that Parquet, or any other reader, can hold: it is refused,
    not replaced.
    """
    pa = library("pyarrow")
    arrays = []
    for field in schema:
        try:
            arrays.append(pa.array(frame[field.name], type=field.type, from_pandas=True))
        except (ValueError, TypeError, pa.ArrowException) as error:
            problem = str(error)
        else:
            continue
        raise SnapshotError(
            f"{name}: {field.name}{_row_of(frame, field.name)} cannot be stored ({problem}). Correct it."
        )
    return pa.Table.from_arrays(arrays, schema=schema)


def write_parquet(table: Any, file: BinaryIO) -> None:
    """The Arrow table as Parquet, without what only pandas or Arrow would read."""
    library("pyarrow.parquet").write_table(
        table, file, compression="zstd", store_schema=False, write_page_checksum=True
    )


def read_parquet(file: Path, schema: Any, *, rows: int, size: int) -> Any:
    """The Arrow table of a file. Raises SnapshotError unless it has that schema, size and number of rows."""
    problem = wrong_file(file, size)
    if not problem:
        pa, parquet = library("pyarrow"), library("pyarrow.parquet")
        try:
            with parquet.ParquetFile(file, page_checksum_verification=True) as opened:
                table = opened.read()
        except (OSError, ValueError, pa.ArrowException) as error:
            problem = _first_line(error)
        else:
            if table.schema.equals(schema) and table.num_rows == rows:
                return table
            problem = f"{table.num_rows} rows of {table.num_columns} columns, not {rows} of {len(schema)}"
    raise damaged(file, problem)


def wrong_file(file: Path, size: int) -> str:
    """What is wrong with the file, as far as can be seen from outside: empty when nothing is."""
    try:
        found = file.stat().st_size
    except OSError as error:
        return error.strerror or type(error).__name__
    return "" if found == size else f"{found:,} bytes, not {size:,}"


def damaged(file: Path, problem: str) -> SnapshotError:
    """The error for a file that is not what the manifest says."""
    return SnapshotError(
        f"{file} is damaged ({problem}). Bring it back from a backup, read another snapshot, or pull a new one in full."
    )


def to_frame(table: Any) -> pd.DataFrame:
    """The Arrow table as a frame with the dtypes of our frames."""
    dtypes = {arrow: pd.api.types.pandas_dtype(DTYPES[kind]) for kind, arrow in _types().items()}
    frame: pd.DataFrame = table.to_pandas(types_mapper=dtypes.get)
    return frame


def _types() -> dict[Kind, Any]:
    pa = library("pyarrow")
    return {
        "text": pa.string(),
        "json": pa.string(),
        "boolean": pa.bool_(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "datetime": pa.timestamp("us", tz="UTC"),
    }


def _texts(names: Sequence[str]) -> dict[str, Kind]:
    return dict.fromkeys(names, "text")


def _row_of(frame: pd.DataFrame, column: str) -> str:
    """Of which row, when half a character is the trouble: `` of RL…``."""
    for identifier, value in zip(frame["id"], frame[column], strict=True):
        if isinstance(value, str) and not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            return f" of {identifier}"
    return ""


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
