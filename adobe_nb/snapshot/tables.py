"""Convert frames to Parquet files and back, with equal dtypes for any number of rows."""

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


def library(name: str, extra: str = "snapshot") -> Any:
    """Import a module of an extra of the package. Raises SnapshotError when it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise SnapshotError(
            f"Snapshots require {package}, which cannot be imported ({error}). "
            f'Install it: pip install "adobe_nb[{extra}]".'
        ) from error


def schema_of(columns: Columns, unknown: Sequence[str] = ()) -> Any:
    """Return the Arrow schema: the promised columns, then the unknown ones as text."""
    types = _types()
    kinds: dict[str, Kind] = {**columns, **dict.fromkeys(unknown, "text")}
    return library("pyarrow").schema([(name, types[kind]) for name, kind in kinds.items()])


def unknown_columns(frame: pd.DataFrame, columns: Columns, label: str) -> tuple[str, ...]:
    """Return the columns of a frame after the promised ones.

    Raises SnapshotError for missing or misplaced columns and for wrong dtypes.
    """
    names = list(frame.columns)
    unknown = sorted(set(map(str, names)).difference(columns))
    expected = [*columns, *unknown]
    if names != expected:
        raise SnapshotError(f"{label}: expected the columns {expected}, got {names}.")
    for name, actual in zip(names, frame.dtypes, strict=True):
        dtype = DTYPES[columns.get(name, "text")]
        if actual != dtype:
            raise SnapshotError(f"{label}: expected {dtype} in column {name}, got {actual}.")
    return tuple(unknown)


def to_table(frame: pd.DataFrame, schema: Any, label: str) -> Any:
    """Return the frame, whose columns are those of the schema, as an Arrow table.

    Raises SnapshotError with the column and the id.
    """
    pa = library("pyarrow")
    arrays = []
    for field, (_, column) in zip(schema, frame.items(), strict=True):
        try:
            arrays.append(pa.array(column.array, type=field.type, from_pandas=True))
        except (ValueError, TypeError, pa.ArrowException) as error:
            raise SnapshotError(
                f"{label}: {field.name}{_invalid_row(frame['id'], column)} cannot be stored "
                f"({error}). Correct the value."
            ) from error
    return pa.Table.from_arrays(arrays, schema=schema)


def _invalid_row(ids: "pd.Series[str]", column: "pd.Series[Any]") -> str:
    """Return `` of RL…`` for the first text with a lone surrogate; empty if there is none."""
    # Parquet text is UTF-8, which cannot hold half of a surrogate pair. Replacing it would change
    # the user's data without a word.
    for identifier, value in zip(ids, column, strict=True):
        if isinstance(value, str) and re.search(r"[\ud800-\udfff]", value):
            return f" of {identifier}"
    return ""


def write_parquet(table: Any, file: BinaryIO) -> None:
    """Write the Arrow table as Parquet, without metadata that only pandas or Arrow would read."""
    library("pyarrow.parquet").write_table(
        table, file, compression="zstd", store_schema=False, write_page_checksum=True
    )


def read_parquet(file: Path, schema: Any, *, rows: int, size: int) -> Any:
    """Return the Arrow table of a file.

    Raises SnapshotError when the schema, the size or the number of rows differs.
    """
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
        shape = f"{table.num_rows} rows of {table.num_columns} columns"
        raise damaged(file, f"{shape}, not {rows} of {len(schema)}")
    return table


def parquet_dataset(files: Mapping[Path, Any], schema: Any) -> Any:
    """Return an Arrow dataset that reads only the columns and rows that a query requires.

    Each file has a condition that all of its rows meet, or None: a query that excludes the
    condition does not open the file. Checksums are verified during the query.
    """
    parquet, local = library("pyarrow.dataset"), library("pyarrow.fs").LocalFileSystem()
    options = parquet.ParquetFragmentScanOptions(page_checksum_verification=True)
    reader = parquet.ParquetFileFormat(default_fragment_scan_options=options)
    fragments = []
    for file, condition in files.items():
        fragments.append(
            reader.make_fragment(str(file), filesystem=local, partition_expression=condition)
        )
    return parquet.FileSystemDataset(fragments, schema, reader, filesystem=local)


def wrong_file(file: Path, size: int) -> str:
    """Return the problem with a file without reading it: missing, or of another size."""
    try:
        actual = file.stat().st_size
    except OSError as error:
        return error.strerror or type(error).__name__
    if actual != size:
        return f"{actual:,} bytes, not {size:,}"
    return ""


def damaged(file: Path, problem: str) -> SnapshotError:
    """Return the error for a file that differs from the manifest."""
    return SnapshotError(
        f"{file} is damaged ({problem}). Restore it from a backup, read another snapshot, or pull "
        "a new one in full."
    )


def to_frame(table: Any) -> pd.DataFrame:
    """Return the Arrow table as a frame with the dtypes of our frames."""
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
