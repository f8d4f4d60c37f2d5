"""Tables of a snapshot elsewhere: Parquet files in a store, or Delta tables."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, TypeAlias

import pandas as pd

from adobe_nb.errors import AdobeError, ArgumentError, SnapshotError
from adobe_nb.snapshot.exports import delta, parquet
from adobe_nb.snapshot.exports.target import Target
from adobe_nb.snapshot.manifest import Snapshot
from adobe_nb.snapshot.store import AsOf, SnapshotFolder

Format: TypeAlias = Literal["parquet", "delta"]
_FORMATS = {"parquet": parquet.exported, "delta": delta.exported}


def export(
    snapshots: SnapshotFolder,
    target: Target,
    *,
    format: Format,
    tables: Sequence[str] | str | None,
    as_of: AsOf | None,
    keep: int | None,
) -> pd.DataFrame:
    """Export tables of a snapshot; return one row per table."""
    _check_format(format)
    if keep is not None and (type(keep) is not int or keep < 1):
        raise ArgumentError(
            f"Invalid keep={keep!r}: must be the number of exports to keep, from 1."
        )
    if keep is not None and format == "delta":
        raise ArgumentError(
            "keep= is for Parquet. A Delta table keeps its versions until it is vacuumed: "
            "DeltaTable(location).vacuum(dry_run=False)."
        )
    target.refuse_inside(snapshots.path)

    def write(snapshot: Snapshot) -> pd.DataFrame:
        names = _checked_tables(snapshot, tables)
        if format == "delta":
            return delta.export(snapshot, names, target)
        return parquet.export(snapshot, names, target, keep)

    return _reported(target, partial(snapshots.read, as_of, write))


def exported(target: Target, *, format: Format) -> pd.DataFrame:
    """Return one row per table of the latest finished export."""
    _check_format(format)
    return _reported(target, partial(_FORMATS[format], target))


def _check_format(format: str) -> None:
    if format not in _FORMATS:
        raise ArgumentError(f"Invalid format={format!r}: expected 'parquet' or 'delta'.")


def _checked_tables(snapshot: Snapshot, tables: Sequence[str] | str | None) -> list[str]:
    """Return the tables in the order of the snapshot. Raises ArgumentError for unknown ones."""
    if tables is None:
        return snapshot.tables
    if isinstance(tables, str):
        tables = [tables]
    for table in tables:
        snapshot.parts_of(table)
    if not tables:
        raise ArgumentError("Invalid tables=[]: expected one or more names, or None for all.")
    return [name for name in snapshot.tables if name in tables]


def _reported(target: Target, act: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Return the answer of ``act``. Raises SnapshotError for errors of the store."""
    try:
        return act()
    except AdobeError:
        raise
    except Exception as error:  # noqa: BLE001
        # Each store has exceptions of its own.
        problem = target.problem(error)
    # Outside of the except block: frames of the store have its options, which may hold secrets.
    raise SnapshotError(
        f"{target.url} cannot be read or written ({problem}). Check the URL, your rights and "
        "storage_options. Earlier exports are unchanged; the same call resumes this one."
    )
