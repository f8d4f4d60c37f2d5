"""The manifest of a snapshot: what was pulled, and which files hold its tables."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pandas as pd

from adobe_nb.api.reactor.dates import parse_zoned
from adobe_nb.errors import ArgumentError, SnapshotError
from adobe_nb.snapshot.disk import reading
from adobe_nb.snapshot.plan import PLAN
from adobe_nb.snapshot.tables import (
    Columns,
    damaged,
    library,
    parquet_dataset,
    read_parquet,
    schema_of,
    to_frame,
    wrong_file,
)

FORMAT = 4
Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]
MANIFEST = "_manifest.json"
NUMBER = re.compile(r"[0-9]{6}|[1-9][0-9]{6,}")
# Formats 1 and 2 kept the manifests beside the numbered folders.
_OLDER = re.compile(r"manifest-[0-9]{6,}\.json")
_TABLE = re.compile(r"[a-z][a-z0-9_]*")
# Ids become folder names, so the pattern allows no path out of the folder, no name that a reader
# takes for a number, and no two names that differ only by case.
_PROPERTY = re.compile(r"[A-Z]{2}[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True)
class Part:
    """One file: a table of one property, or a whole table that belongs to the company."""

    table: str
    property: str | None
    rows: int
    bytes: int
    at: str
    """The part lacks changes from this time (ISO, UTC) on."""
    columns: tuple[str, ...] = ()
    """Columns that are not promised for the table. All of them are text."""
    digest: str = ""
    """That of the responses that the rows came from; empty when it is not known."""

    def __post_init__(self) -> None:
        # Also for parts read from a file, because the names become paths.
        if not _TABLE.fullmatch(self.table):
            raise ArgumentError(
                f"Invalid table name {self.table!r}: expected lowercase letters, digits and "
                "underscores."
            )
        if self.property is not None and not _PROPERTY.fullmatch(self.property):
            raise ArgumentError(
                f"Invalid property id {self.property!r}: expected PR and 32 hexadecimal digits."
            )
        try:
            parse_zoned(self.at)
        except ValueError:
            raise ArgumentError(
                f"Invalid at={self.at!r}: expected a date and time with a time zone, "
                "such as 2025-03-01T10:00:00+00:00."
            ) from None

    def file(self, snapshot: Path) -> Path:
        """Return its path in the folder of a snapshot."""
        # One step: there are thousands of parts, and each step parses the path again.
        if self.property is None:
            return snapshot / f"{self.table}/part.parquet"
        return snapshot / f"{self.table}/property={self.property}/part.parquet"

    def read(self, snapshot: Path, columns: Columns) -> Any:
        """Return its rows as an Arrow table. Raises SnapshotError when the file is damaged."""
        schema = schema_of(columns, self.columns)
        return read_parquet(self.file(snapshot), schema, rows=self.rows, size=self.bytes)

    def frame(self, snapshot: Path, columns: Columns) -> pd.DataFrame:
        """Return its rows. Raises SnapshotError when the file is damaged."""
        return to_frame(self.read(snapshot, columns))


def by_name(parts: Iterable[Part]) -> dict[tuple[str, str | None], Part]:
    """Return the parts by table and property."""
    return {(part.table, part.property): part for part in parts}


@dataclass(frozen=True)
class Snapshot:
    """One finished snapshot: what was pulled (``about``), and the promised columns per table."""

    folder: Path
    number: int
    started: Timestamp
    finished: Timestamp
    about: Mapping[str, Any]
    columns: Mapping[str, Columns]
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        for part in self.parts:
            if part.table not in self.columns:
                raise ValueError("a part of a table without columns")

    def __repr__(self) -> str:
        finished = f"{self.finished:%Y-%m-%d %H:%M} UTC"
        rows = sum(map(attrgetter("rows"), self.parts))
        return f"<Snapshot {self.number} of {finished}: {len(self.tables)} tables, {rows:,} rows>"

    @property
    def tables(self) -> list[str]:
        """The names of its tables."""
        return list(self.columns)

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"snapshot {self.number}"

    @property
    def organization(self) -> str:
        """The organization that it belongs to."""
        return str(self.about["organization"])

    @property
    def data(self) -> Path:
        """The folder of its files, ``<table>/property=<id>/part.parquet``, for other tools."""
        return folder_of(self.folder, self.number)

    def part(self, table: str, property: str | None) -> Part | None:
        """Return the part of that table and property, or None."""
        return self._parts_by_name.get((table, property))

    @cached_property
    def _parts_by_name(self) -> dict[tuple[str, str | None], Part]:
        return by_name(self.parts)

    def parts_of(self, table: str) -> list[Part]:
        """Return the parts of a table, by property id.

        Raises
        ------
        ArgumentError
            For an unknown table.
        """
        if table not in self.columns:
            tables = ", ".join(self.tables) or "none"
            raise ArgumentError(f"Snapshot {self.number} has no table {table!r}. It has: {tables}.")
        return self._parts_by_table[table]

    @cached_property
    def _parts_by_table(self) -> dict[str, list[Part]]:
        parts: dict[str, list[Part]] = {table: [] for table in self.tables}
        for part in self.parts:
            parts[part.table].append(part)
        return parts

    def paths(self, table: str) -> list[Path]:
        """Return the files of a table, in the order of its rows."""
        data = self.data
        return [part.file(data) for part in self.parts_of(table)]

    def frame(self, table: str, property: str | None = None) -> pd.DataFrame:
        """Return a table, or the rows of one property in it.

        Returns
        -------
        DataFrame
            The columns and dtypes of ``reactor``'s frames, by property id. Columns that the table
            does not promise are text, come last in sorted order, and are NA for parts without them.

        Raises
        ------
        ArgumentError
            For an unknown table.
        SnapshotError
            When a file is missing or differs from the manifest. A table is never short.
        """
        frame = to_frame(self.rows(table, property))
        for name in ("service", "organization"):
            if name in self.about:
                frame.attrs[name] = self.about[name]
        # A later version may have written other tables.
        path = f"/{table}"
        if table in PLAN:
            path = PLAN[table].path
        frame.attrs.update(path=path, time=self.finished.isoformat(timespec="seconds"))
        frame.attrs.update(total_count=len(frame), snapshot=self.number, table=table)
        return frame

    def rows(self, table: str, property: str | None = None) -> Any:
        """Return a table, or the rows of one property in it, as an Arrow table."""
        # The empty table comes first, because it determines the order of the columns.
        tables = [self.schema(table).empty_table()]
        for part in self.parts_of(table):
            if property in (None, part.property):
                tables.append(part.read(self.data, self.columns[table]))
        return library("pyarrow").concat_tables(tables, promote_options="default")

    def unknown_columns(self, table: str) -> list[str]:
        """Return the columns of a table that are not promised, sorted."""
        return sorted(set(chain(*(part.columns for part in self.parts_of(table)))))

    def schema(self, table: str) -> Any:
        """Return the Arrow schema of the whole table. Raises ArgumentError for an unknown one."""
        unknown = self.unknown_columns(table)
        return schema_of(self.columns[table], unknown)

    def has_columns(self, table: str, columns: Columns) -> bool:
        """Return whether the table promises these columns, in the same order."""
        return list(self.columns[table].items()) == list(columns.items())

    def dataset(self, table: str) -> Any:
        """Return an Arrow dataset, which reads only the columns and rows that a query requires.

        Sizes are compared here, and raise as in ``frame``; checksums are verified during the query.
        """
        return parquet_dataset(dict.fromkeys(self.files(table)), self.schema(table))

    def files(self, table: str) -> list[Path]:
        """Return the files of a table that have rows. Raises SnapshotError for a wrong size."""
        files, data = [], self.data
        for part in self.parts_of(table):
            file = part.file(data)
            if problem := wrong_file(file, part.bytes):
                raise damaged(file, problem)
            if part.rows:
                files.append(file)
        return files


def document_of(snapshot: Snapshot) -> dict[str, Any]:
    """Return what its manifest has, as JSON values."""
    document = asdict(snapshot)
    del document["folder"]
    for name in ("started", "finished"):
        document[name] = document[name].isoformat()
    return {"format": FORMAT, **document}


def folder_of(folder: Path, number: int) -> Path:
    """Return the folder of one snapshot."""
    return folder / f"{number:06d}"


def numbers(folder: Path) -> list[int]:
    """Return the numbers of the finished snapshots, sorted. Raises SnapshotError."""
    if not folder.exists():
        return []
    existing = []
    with reading(folder):
        for path in folder.iterdir():
            if _OLDER.fullmatch(path.name):
                raise SnapshotError(
                    f"{folder} has snapshots of an older format, which this version of adobe_nb "
                    "cannot read. Pull into another folder. Other tools can still read the old "
                    "Parquet files."
                )
            if NUMBER.fullmatch(path.name) and (path / MANIFEST).is_file():
                existing.append(int(path.name))
    return sorted(existing)


def read_manifest(folder: Path, number: int) -> Snapshot:
    """Return a snapshot. Raises SnapshotError that names the manifest when it is damaged."""
    file = folder_of(folder, number) / MANIFEST
    with reading(file):
        text = file.read_bytes()
    try:
        document = msgspec.json.decode(text)
        version = document["format"]
        if version == FORMAT:
            snapshot = msgspec.convert({**document, "folder": folder}, Snapshot)
            if snapshot.number != number:
                raise ValueError(f"the number {snapshot.number} in folder {number}")
            return snapshot
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(file, f"{type(error).__name__}: {error}") from error
    advice = "Update adobe_nb."
    if version in range(FORMAT):
        advice = "Pull into another folder."
    raise SnapshotError(
        f"Cannot read {file}: its format is {version}, and this version of adobe_nb reads format "
        f"{FORMAT}. {advice}"
    )
