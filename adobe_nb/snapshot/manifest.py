"""The contents of one snapshot, and its tables."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb.api.reactor.dates import parse_zoned
from adobe_nb.api.reactor.frames import DTYPES
from adobe_nb.errors import ArgumentError, SnapshotError
from adobe_nb.snapshot.disk import reading
from adobe_nb.snapshot.tables import (
    Columns,
    damaged,
    library,
    read_parquet,
    schema_of,
    to_frame,
    wrong_file,
)

FORMAT = 3
MANIFEST = "_manifest.json"
_NUMBER = re.compile(r"[0-9]{6}|[1-9][0-9]{6,}")
_OLDER = re.compile(r"manifest-[0-9]{6,}\.json")
"""Formats 1 and 2 kept the manifests beside the numbered folders."""
_TABLE = re.compile(r"[a-z][a-z0-9_]*")
# Two capitals and hexadecimal digits: no path out of the folder, no name that a reader takes for
# a number, and no two names that differ only by upper and lower case.
_PROPERTY = re.compile(r"[A-Z]{2}[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True)
class Part:
    """One file: a table of one property, or a whole table that belongs to no property."""

    table: str
    property: str | None
    rows: int
    bytes: int
    at: str
    """The part lacks changes from this moment (ISO, UTC) on."""
    columns: tuple[str, ...] = ()
    """Columns that the table does not promise. All of them are text."""

    def __post_init__(self) -> None:
        check_names(self.table, self.property)

    def file(self, snapshot: Path) -> Path:
        """Its path in the folder of a snapshot."""
        folder = snapshot / self.table
        if self.property is not None:
            folder /= f"property={self.property}"
        return folder / "part.parquet"


@dataclass(frozen=True)
class Manifest:
    """One finished snapshot: what was pulled (``about``), and every table's promised columns."""

    folder: Path
    number: int
    started: datetime
    finished: datetime
    about: Mapping[str, Any]
    columns: Mapping[str, Columns]
    parts: tuple[Part, ...]

    def __repr__(self) -> str:
        finished = f"{self.finished:%Y-%m-%d %H:%M} UTC"
        rows = sum(part.rows for part in self.parts)
        return f"<Snapshot {self.number} of {finished}: {len(self.tables)} tables, {rows:,} rows>"

    @property
    def tables(self) -> list[str]:
        """The names of its tables."""
        return list(self.columns)

    @property
    def data(self) -> Path:
        """The folder of its files, ``<table>/property=<id>/part.parquet``, for other tools."""
        return folder_of(self.folder, self.number)

    def part(self, table: str, property: str | None) -> Part | None:
        """The part of that table and property, or None."""
        return self._by_name.get((table, property))

    @cached_property
    def _by_name(self) -> dict[tuple[str, str | None], Part]:
        return {(part.table, part.property): part for part in self.parts}

    def parts_of(self, table: str) -> list[Part]:
        """The parts of a table, by property id. Raises ArgumentError for an unknown table."""
        if table not in self.columns:
            tables = ", ".join(self.tables) or "none"
            raise ArgumentError(f"Snapshot {self.number} has no table {table!r}. It has: {tables}.")
        return [part for part in self.parts if part.table == table]

    def paths(self, table: str) -> list[Path]:
        """The table's files, in the order of its rows."""
        return [part.file(self.data) for part in self.parts_of(table)]

    def frame(self, table: str) -> pd.DataFrame:
        """The whole table in the order of property ids, with the columns and dtypes of our frames.

        Unknown columns are text, come last in sorted order, and are NA for parts without them.
        Never a short table: raises SnapshotError when a file is missing or differs from the
        manifest.
        """
        return self._read(table, self.parts_of(table))

    def frame_of(self, table: str, property: str | None) -> pd.DataFrame:
        """The rows of one property, with the columns of the whole table. Raises as ``frame`` does."""
        parts = [part for part in self.parts_of(table) if part.property == property]
        return self._read(table, parts)

    def _read(self, table: str, parts: list[Part]) -> pd.DataFrame:
        # The empty table comes first, because it determines the order of the columns.
        tables = [self.schema(table).empty_table()]
        for part in parts:
            file, schema = part.file(self.data), schema_of(self.columns[table], part.columns)
            tables.append(read_parquet(file, schema, rows=part.rows, size=part.bytes))
        frame = to_frame(library("pyarrow").concat_tables(tables, promote_options="default"))
        for name in ("service", "organisation"):
            if name in self.about:
                frame.attrs[name] = self.about[name]
        frame.attrs.update(path=f"/{table}", time=self.finished.isoformat(timespec="seconds"))
        frame.attrs.update(total_count=len(frame), snapshot=self.number, table=table)
        return frame

    def schema(self, table: str) -> Any:
        """The Arrow schema of the whole table."""
        unknown = sorted({name for part in self.parts_of(table) for name in part.columns})
        return schema_of(self.columns[table], unknown)

    def dataset(self, table: str) -> Any:
        """The table as an Arrow dataset, which reads only the columns and rows of a query.

        Sizes are compared here and raise as in ``frame``; checksums are verified while it is read.
        """
        parquet, local = library("pyarrow.dataset"), library("pyarrow.fs").LocalFileSystem()
        options = parquet.ParquetFragmentScanOptions(page_checksum_verification=True)
        reader = parquet.ParquetFileFormat(default_fragment_scan_options=options)
        fragments = []
        for part in self.parts_of(table):
            file = part.file(self.data)
            if problem := wrong_file(file, part.bytes):
                raise damaged(file, problem)
            fragments.append(reader.make_fragment(str(file), filesystem=local))
        return parquet.FileSystemDataset(fragments, self.schema(table), reader, filesystem=local)

    def document(self) -> dict[str, Any]:
        """The manifest as JSON values."""
        return {
            "format": FORMAT,
            "number": self.number,
            "started": self.started.isoformat(),
            "finished": self.finished.isoformat(),
            "about": self.about,
            "columns": self.columns,
            "parts": [asdict(part) for part in self.parts],
        }


def check_names(table: str, property: str | None) -> None:
    """Raises ArgumentError for names that must not become paths."""
    if not _TABLE.fullmatch(table):
        raise ArgumentError(f"{table!r} is no name of a table: small letters, digits and _ only.")
    if property is not None and not _PROPERTY.fullmatch(property):
        raise ArgumentError(
            f"{property!r} is no property id: it should look like PR and 32 hexadecimal digits."
        )


def folder_of(folder: Path, number: int) -> Path:
    """The folder of one snapshot."""
    return folder / f"{number:06d}"


def numbers(folder: Path) -> list[int]:
    """The numbers of the finished snapshots, sorted. Raises SnapshotError for an older format."""
    if not folder.exists():
        return []
    with reading(folder):
        names = sorted(path.name for path in folder.iterdir())
        if any(_OLDER.fullmatch(name) for name in names):
            raise SnapshotError(
                f"{folder} has snapshots of an older format, which this version of adobe_nb cannot read. Pull into "
                "another folder. Other tools still read the old Parquet files by path."
            )
        numbered = [name for name in names if _NUMBER.fullmatch(name)]
        return sorted(int(name) for name in numbered if (folder / name / MANIFEST).is_file())


def read_manifest(folder: Path, number: int) -> Manifest:
    """The manifest of a snapshot. Raises SnapshotError that names the file when it is damaged."""
    file = folder_of(folder, number) / MANIFEST
    with reading(file):
        text = file.read_bytes()
    try:
        document = json.loads(text)
        if document["format"] == FORMAT:
            return _manifest(folder, number, document)
        problem = (
            f"its format is {document['format']}, this version of adobe_nb reads format {FORMAT}"
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(file, type(error).__name__) from error
    raise SnapshotError(
        f"{file} cannot be read ({problem}). Update it: pip install --upgrade adobe_nb."
    )


def _manifest(folder: Path, number: int, document: Mapping[str, Any]) -> Manifest:
    columns = {table: dict(kinds) for table, kinds in document["columns"].items()}
    parts = tuple(part_of(part) for part in document["parts"])
    kinds = {kind for promised in columns.values() for kind in promised.values()}
    if document["number"] != number or not kinds <= set(DTYPES):
        raise ValueError(number)
    if not {part.table for part in parts} <= set(columns):
        raise ValueError(parts)
    return Manifest(
        folder=folder,
        number=number,
        started=parse_zoned(document["started"]),
        finished=parse_zoned(document["finished"]),
        about=dict(document["about"]),
        columns=columns,
        parts=parts,
    )


def part_of(document: Mapping[str, Any]) -> Part:
    """A part from its JSON values. Raises TypeError or ValueError for anything else."""
    return Part(**{**document, "columns": tuple(document["columns"])})
