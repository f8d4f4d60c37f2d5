"""Frames as Parquet files, and back: with the same columns and dtypes for any number of rows."""

import re
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
    """A module that only snapshots require. Raises SnapshotError when it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise SnapshotError(
            f"Snapshots require {package}, which cannot be loaded ({error}). "
            'Install it: pip install "adobe_nb[snapshot]".'
        ) from error


def schema_of(columns: Columns, unknown: Sequence[str] = ()) -> Any:
    """The Arrow schema: the promised columns, then the unknown ones as text, whatever the values."""
    types, kinds = _types(), {**columns, **_texts(unknown)}
    return library("pyarrow").schema([(name, types[kind]) for name, kind in kinds.items()])


def unknown_columns(frame: pd.DataFrame, columns: Columns, name: str) -> tuple[str, ...]:
    """The columns of a frame after the promised ones; ``name`` says in errors which frame it is.

    Raises SnapshotError for missing columns and wrong dtypes.
    """
    promised, names = list(columns), list(frame.columns)
    first, unknown = names[: len(promised)], names[len(promised) :]
    if first != promised:
        raise SnapshotError(f"{name}: the columns begin with {first}, not with {promised}.")
    named = all(isinstance(column, str) for column in unknown)
    if not named or unknown != sorted({*unknown} - {*promised}):
        raise SnapshotError(
            f"{name}: the columns after the promised ones are not distinct names in order: {unknown}."
        )
    for column, kind in {**columns, **_texts(unknown)}.items():
        if frame[column].dtype != DTYPES[kind]:
            raise SnapshotError(
                f"{name}: {column} is {frame[column].dtype}, and should be {DTYPES[kind]}."
            )
    return tuple(unknown)


def to_table(frame: pd.DataFrame, schema: Any, name: str) -> Any:
    """The frame as an Arrow table of that schema. Raises SnapshotError with the column and the id.

    Text with a lone surrogate (half a character) is refused, not replaced: Parquet cannot hold it.
    """
    pa = library("pyarrow")
    arrays = []
    for field in schema:
        try:
            arrays.append(pa.array(frame[field.name], type=field.type, from_pandas=True))
        except (ValueError, TypeError, pa.ArrowException) as error:
            place = f"{field.name}{_row_of(frame, field.name)}"
            raise SnapshotError(
                f"{name}: {place} cannot be stored ({error}). Correct it."
            ) from error
    return pa.Table.from_arrays(arrays, schema=schema)


def write_parquet(table: Any, file: BinaryIO) -> None:
    """Write the Arrow table as Parquet, without metadata that only pandas or Arrow would read."""
    options = {"compression": "zstd", "store_schema": False, "write_page_checksum": True}
    library("pyarrow.parquet").write_table(table, file, **options)


def read_parquet(file: Path, schema: Any, *, rows: int, size: int) -> Any:
    """The Arrow table of a file. Raises SnapshotError when schema, size or number of rows differ."""
    if problem := wrong_file(file, size):
        raise damaged(file, problem)
    pa, parquet = library("pyarrow"), library("pyarrow.parquet")
    try:
        with parquet.ParquetFile(file, page_checksum_verification=True) as opened:
            table = opened.read()
    except (OSError, ValueError, pa.ArrowException) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise damaged(file, first_line or type(error).__name__) from error
    if not table.schema.equals(schema) or table.num_rows != rows:
        raise damaged(
            file,
            f"{table.num_rows} rows of {table.num_columns} columns, not {rows} of {len(schema)}",
        )
    return table


def wrong_file(file: Path, size: int) -> str:
    """The problem with a file, without reading it: it is missing or of another size. Empty if none."""
    try:
        actual = file.stat().st_size
    except OSError as error:
        return error.strerror or type(error).__name__
    if actual != size:
        return f"{actual:,} bytes, not {size:,}"
    return ""


def damaged(file: Path, problem: str) -> SnapshotError:
    """The error for a file that differs from the manifest."""
    return SnapshotError(
        f"{file} is damaged ({problem}). Restore it from a backup, read another snapshot, or pull a new one in full."
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
    """The row with a lone surrogate, as `` of RL…``; empty when another problem stopped Arrow."""
    for identifier, value in zip(frame["id"], frame[column], strict=True):
        if isinstance(value, str) and re.search(r"[\ud800-\udfff]", value):
            return f" of {identifier}"
    return ""
