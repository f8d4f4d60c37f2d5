"""The snapshots of several organizations, read as if they were one."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, time
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import pandas as pd

from adobe_nb.errors import ArgumentError, SnapshotError
from adobe_nb.registry import Kind
from adobe_nb.snapshot.manifest import Snapshot
from adobe_nb.snapshot.store import AsOf, SnapshotFolder, number_or_time, unless_pruned
from adobe_nb.snapshot.tables import library, parquet_dataset, schema_of, to_frame

Folders: TypeAlias = str | Path | Iterable[str | Path]
"""A folder of snapshots; or several, one of each organization."""
ORGANIZATION = "organization"
"""The first column of every table when folders are read together."""
Result = TypeVar("Result")


class Organizations:
    """One snapshot of each organization.

    A table has the rows of all of them, and every column that one of them has: NA where it is
    missing.
    """

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        self.snapshots = snapshots
        folders: dict[str, Path] = {}
        for snapshot in snapshots:
            organization = snapshot.organization
            if organization in folders:
                raise SnapshotError(
                    f"{folders[organization]} and {snapshot.folder} are of the same organization, "
                    f"{organization}. Its rows would count twice: leave one of the folders out."
                )
            folders[organization] = snapshot.folder
        self.label = f"the set of {len(snapshots)} snapshots"
        if len(snapshots) == 1:
            self.label = snapshots[0].label
        self.finished: datetime = max(map(attrgetter("finished"), snapshots))
        self.by_property: dict[str, str] = {}
        """The organization of each property."""
        for snapshot in snapshots:
            properties = snapshot.about["properties"]
            self.by_property |= dict.fromkeys(properties, snapshot.organization)

    @property
    def tables(self) -> list[str]:
        """The names of the tables that any of them has."""
        return list(dict.fromkeys(chain(*(snapshot.tables for snapshot in self.snapshots))))

    def holding(self, property_ids: Sequence[str]) -> "Organizations":
        """Return those that have any of these properties; all of them if none has."""
        owners = {self.by_property.get(property_id) for property_id in property_ids}
        own = [snapshot for snapshot in self.snapshots if snapshot.organization in owners]
        return Organizations(own or self.snapshots)

    def differences(self, tables: Collection[str]) -> Iterator[str]:
        """Yield sentences about what they do not have in common: times, and some tables."""
        first = min(map(attrgetter("finished"), self.snapshots))
        if first < self.finished:
            times = f"{first:%Y-%m-%d %H:%M} and {self.finished:%Y-%m-%d %H:%M}"
            yield f"The snapshots were finished between {times} UTC."
        expected = [table for table in self.tables if table in tables]
        for snapshot in self.snapshots:
            missing = [table for table in expected if table not in snapshot.columns]
            if missing:
                yield f"The snapshot of {snapshot.organization} lacks {', '.join(missing)}."

    def having(self, table: str) -> list[Snapshot]:
        """Return the snapshots that have a table. Raises ArgumentError when none has."""
        snapshots = [snapshot for snapshot in self.snapshots if table in snapshot.columns]
        if not snapshots:
            tables = ", ".join(self.tables) or "none"
            raise ArgumentError(f"There is no table {table!r} in {self.label}. It has: {tables}.")
        return snapshots

    def schema(self, table: str) -> Any:
        """Return the Arrow schema of a table, without the organization.

        Raises SnapshotError for a column that has different types.
        """
        promised: dict[str, Kind] = {}
        unknown: set[str] = set()
        for snapshot in self.having(table):
            promised |= snapshot.columns[table]
            unknown.update(snapshot.unknown_columns(table))
        schema = schema_of(promised, sorted(unknown.difference(promised)))
        for snapshot in self.having(table):
            for field in snapshot.schema(table):
                expected = schema.field(field.name).type
                if field.type != expected:
                    raise SnapshotError(
                        f"The column {field.name} of {table} is {field.type} in {snapshot.folder}, "
                        f"and {expected} in another folder. Pull the older of them again."
                    )
        return schema

    def rows(self, table: str, property: str | None = None) -> Any:
        """Return a table, or the rows of one property in it, as an Arrow table."""
        tables = [self.schema(table).empty_table()]
        for snapshot in self.having(table):
            tables.append(snapshot.rows(table, property))
        return library("pyarrow").concat_tables(tables, promote_options="default")

    def frame(self, table: str, property: str | None = None) -> pd.DataFrame:
        """Return a table, or the rows of one property in it, as ``Snapshot.frame`` does."""
        frame = to_frame(self.rows(table, property))
        services = dict.fromkeys(snapshot.about["service"] for snapshot in self.snapshots)
        frame.attrs.update(service=", ".join(services), table=table)
        return frame

    def dataset(self, table: str) -> Any:
        """Return an Arrow dataset with the organization as its first column.

        A condition on the organization decides which files are opened.
        """
        pa, column = library("pyarrow"), library("pyarrow.dataset").field(ORGANIZATION)
        files: dict[Path, Any] = {}
        for snapshot in self.having(table):
            files |= dict.fromkeys(snapshot.files(table), column == snapshot.organization)
        schema = self.schema(table).insert(0, pa.field(ORGANIZATION, pa.string()))
        return parquet_dataset(files, schema)


def read_folders(
    folders: Folders, as_of: AsOf | None, read: Callable[[Snapshot | Organizations], Result]
) -> Result:
    """Return the result of ``read`` for the snapshot of a folder, or for those of several.

    Raises ArgumentError when there is no folder, and for a number, which means nothing to several;
    SnapshotError for two folders of an organization.
    """
    if isinstance(folders, (str, os.PathLike)) or not isinstance(folders, Iterable):
        return SnapshotFolder(folders).read(as_of, read)
    several = list(map(SnapshotFolder, folders))
    if not several:
        raise ArgumentError("There are no folders to read. Pass at least one.")
    if as_of is not None and isinstance(number_or_time(as_of, time.max), int):
        raise ArgumentError(
            f"as_of={as_of!r} is the number of a snapshot, and each folder has its own. Pass a time."
        )
    return unless_pruned(
        several, lambda: read(Organizations([folder.at(as_of) for folder in several]))
    )
