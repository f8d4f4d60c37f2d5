"""What one snapshot holds, and its tables."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb.api.reactor.escapes import decoded
from adobe_nb.api.reactor.frames import DTYPES, json_columns
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import RESOURCES
from adobe_nb.snapshot.disk import reading
from adobe_nb.snapshot.tables import Columns, damaged, library, read_parquet, schema_of, to_frame, to_table, wrong_file

FORMAT = 2
_ESCAPED = 1
"""The format before it: its files hold JSON text with ``\\u0026`` and the like, which is decoded when it is read."""
_MANIFEST = re.compile(r"manifest-(\d{6,})\.json")
_TABLE = re.compile(r"[a-z][a-z0-9_]*")
# Two capitals and hexadecimal digits: nothing that leads out of the folder, that a reader takes for a number, or that
# differs from another by upper and lower case only.
_PROPERTY = re.compile(r"[A-Z]{2}[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True)
class Part:
    """One file: a table of one property, or all of a table that belongs to no property."""

    table: str
    property: str | None
    rows: int
    bytes: int
    at: str
    """Changes from this moment (ISO, UTC) on are not in it."""
    columns: tuple[str, ...] = ()
    """Columns that the table does not promise. All of them are text."""

    def __post_init__(self) -> None:
        check_names(self.table, self.property)

    def file(self, snapshot: Path) -> Path:
        """Where it is in the folder of a snapshot."""
        folder = snapshot / self.table
        return (folder if self.property is None else folder / f"property={self.property}") / "part.parquet"


@dataclass(frozen=True)
class Manifest:
    """One finished snapshot. ``columns`` has every table's promised columns; ``about`` is what was pulled."""

    folder: Path
    number: int
    started: datetime
    finished: datetime
    about: Mapping[str, Any]
    columns: Mapping[str, Columns]
    parts: tuple[Part, ...]
    format: int = FORMAT
    """Only files of this format can be taken over into another snapshot."""

    def __repr__(self) -> str:
        rows = sum(part.rows for part in self.parts)
        return (
            f"<Snapshot {self.number} of {self.finished:%Y-%m-%d %H:%M} UTC: {len(self.tables)} tables, {rows:,} rows>"
        )

    @property
    def tables(self) -> list[str]:
        """The names of its tables."""
        return list(self.columns)

    @property
    def data(self) -> Path:
        """The folder of its files, ``<table>/property=<id>/part.parquet``; other tools read them by path."""
        return folder_of(self.folder, self.number)

    def part(self, table: str, property: str | None) -> Part | None:
        """The part of that table and property, or None."""
        return self._by_name.get((table, property))

    @cached_property
    def _by_name(self) -> dict[tuple[str, str | None], Part]:
        return {(part.table, part.property): part for part in self.parts}

    def parts_of(self, table: str) -> list[Part]:
        """The parts of a table, by property id. Raises ArgumentError when the snapshot has no such table."""
        if table not in self.columns:
            raise ArgumentError(
                f"Snapshot {self.number} has no table {table!r}. It has: {', '.join(self.tables) or 'none'}."
            )
        return [part for part in self.parts if part.table == table]

    def paths(self, table: str) -> list[Path]:
        """The table's files, in the order of its rows."""
        return [part.file(self.data) for part in self.parts_of(table)]

    def frame(self, table: str) -> pd.DataFrame:
        """The whole table, property by property in the order of their ids, with the columns and dtypes of our frames.

        Columns that the table does not know are text, come last in sorted order, and are NA where a part has none.
        Raises SnapshotError when a file is missing or is not what the manifest says: never a short table.
        """
        return self._read(table, self.parts_of(table))

    def frame_of(self, table: str, property: str | None) -> pd.DataFrame:
        """The part of one property as a frame, with the columns of the whole table. Raises as ``frame`` does."""
        return self._read(table, [part for part in self.parts_of(table) if part.property == property])

    def _read(self, table: str, parts: list[Part]) -> pd.DataFrame:
        whole = self.schema(table)
        read = [
            read_parquet(
                part.file(self.data), schema_of(self.columns[table], part.columns), rows=part.rows, size=part.bytes
            )
            for part in parts
        ]
        # The empty one goes first: it brings the order of the columns.
        frame = to_frame(library("pyarrow").concat_tables([whole.empty_table(), *read], promote_options="default"))
        if self.format == _ESCAPED and table in RESOURCES:
            for name in json_columns(RESOURCES[table]) & set(frame.columns):
                texts = [None if text is pd.NA else decoded(text) for text in frame[name]]
                frame[name] = pd.Series(texts, index=frame.index, dtype=frame[name].dtype)
        about = {name: self.about[name] for name in ("service", "organisation") if name in self.about}
        frame.attrs.update(about, path=f"/{table}", time=self.finished.isoformat(timespec="seconds"))
        frame.attrs.update(total_count=len(frame), snapshot=self.number, table=table)
        return frame

    def schema(self, table: str) -> Any:
        """The Arrow schema of the whole table."""
        unknown = sorted({name for part in self.parts_of(table) for name in part.columns})
        return schema_of(self.columns[table], unknown)

    def dataset(self, table: str) -> Any:
        """The table as an Arrow dataset, which reads only what is asked for. Raises SnapshotError as ``frame`` does.

        Sizes are compared before, and the checksums in the files while they are read.
        """
        if self.format == _ESCAPED:
            return to_table(self.frame(table), self.schema(table), table)
        parts = self.parts_of(table)
        for part in parts:
            if problem := wrong_file(part.file(self.data), part.bytes):
                raise damaged(part.file(self.data), problem)
        dataset = library("pyarrow.dataset")
        options = dataset.ParquetFragmentScanOptions(page_checksum_verification=True)
        files = dataset.ParquetFileFormat(default_fragment_scan_options=options)
        local = library("pyarrow.fs").LocalFileSystem()
        fragments = [files.make_fragment(str(part.file(self.data)), filesystem=local) for part in parts]
        return dataset.FileSystemDataset(fragments, self.schema(table), files, filesystem=local)

    def document(self) -> dict[str, Any]:
        """The manifest as it is written, JSON values only."""
        return {
            "format": self.format,
            "number": self.number,
            "started": self.started.isoformat(),
            "finished": self.finished.isoformat(),
            "about": self.about,
            "columns": self.columns,
            "parts": [asdict(part) for part in self.parts],
        }


def check_names(table: str, property: str | None) -> None:
    """Raises ArgumentError for what may not become a path."""
    if not _TABLE.fullmatch(table):
        raise ArgumentError(f"{table!r} is no name of a table: small letters, digits and _ only.")
    if property is not None and not _PROPERTY.fullmatch(property):
        raise ArgumentError(f"{property!r} is no property id: it should look like PR and 32 hexadecimal digits.")


def folder_of(folder: Path, number: int) -> Path:
    """Where the files of a snapshot are."""
    return folder / f"{number:06d}"


def file_of(folder: Path, number: int) -> Path:
    """Where the manifest of a snapshot is."""
    return folder / f"manifest-{number:06d}.json"


def numbers(folder: Path) -> list[int]:
    """The numbers of the finished snapshots, oldest first."""
    if not folder.exists():
        return []
    with reading(folder):
        found = [int(match[1]) for path in folder.iterdir() if (match := _MANIFEST.fullmatch(path.name))]
        return sorted(number for number in found if file_of(folder, number).is_file())


def read_manifest(folder: Path, number: int) -> Manifest:
    """A manifest from its file. Raises SnapshotError that names the file when it is damaged."""
    file = file_of(folder, number)
    with reading(file):
        text = file.read_bytes()
    try:
        document = json.loads(text)
        if document["format"] in (_ESCAPED, FORMAT):
            return _manifest(folder, number, document)
        problem = f"its format is {document['format']}, and this adobe_nb reads {FORMAT}: a newer one may read it"
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = type(error).__name__
    raise damaged(file, problem)


def _manifest(folder: Path, number: int, document: Mapping[str, Any]) -> Manifest:
    columns = {table: dict(kinds) for table, kinds in document["columns"].items()}
    manifest = Manifest(
        folder=folder,
        number=document["number"],
        started=moment(document["started"]),
        finished=moment(document["finished"]),
        about=dict(document["about"]),
        columns=columns,
        parts=tuple(part_of(part) for part in document["parts"]),
        format=document["format"],
    )
    if manifest.number != number or not all(part.table in columns for part in manifest.parts):
        raise ValueError(document["number"])
    if not all(kind in DTYPES for kinds in columns.values() for kind in kinds.values()):
        raise ValueError(columns)
    return manifest


def part_of(document: Mapping[str, Any]) -> Part:
    """A part from its JSON values. Raises TypeError or ValueError when they are none."""
    return Part(**{**document, "columns": tuple(document["columns"])})


def moment(text: str) -> datetime:
    """A moment with its time zone. Raises ValueError when the text has none."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found
