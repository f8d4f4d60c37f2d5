"""A snapshot while it is pulled. The parts that are complete survive an interrupted run.

The folder of a draft is arranged like a snapshot, and two files more record the work::

    .draft-<random>/_plan.json      what it will become; without it the folder is removed
    .draft-<random>/_parts.jsonl    a line for each complete part
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
from filelock import BaseFileLock

from adobe_nb.api.reactor.dates import parse_zoned
from adobe_nb.errors import ArgumentError, SnapshotError
from adobe_nb.snapshot import disk
from adobe_nb.snapshot.disk import writing
from adobe_nb.snapshot.manifest import FORMAT, MANIFEST, Manifest, Part, check_names, part_of
from adobe_nb.snapshot.tables import (
    Columns,
    read_parquet,
    schema_of,
    to_table,
    unknown_columns,
    write_parquet,
    wrong_file,
)

DRAFT = re.compile(r"\.draft-[0-9a-f]{32}")
_PLAN, _PARTS = "_plan.json", "_parts.jsonl"


@dataclass(frozen=True)
class Plan:
    """What a draft will become. A run resumes only a draft of the same plan."""

    about: Mapping[str, Any]
    columns: Mapping[str, Columns]
    started: datetime

    def matches(self, other: "Plan | None") -> bool:
        """Whether both describe the same snapshot, whenever they were started."""
        if other is None:
            return False
        # As text, because the order of the columns counts.
        return json.dumps([self.about, self.columns]) == json.dumps([other.about, other.columns])

    def document(self) -> dict[str, Any]:
        """The plan as JSON values."""
        started = self.started.isoformat()
        return {"format": FORMAT, "about": self.about, "columns": self.columns, "started": started}


def read_plan(draft: Path) -> Plan | None:
    """The plan of a draft; None when it has no readable one of this format."""
    with suppress(OSError, KeyError, TypeError, ValueError):
        document = json.loads((draft / _PLAN).read_bytes())
        about, columns = dict(document["about"]), dict(document["columns"])
        if document["format"] == FORMAT:
            return Plan(about, columns, parse_zoned(document["started"]))
    return None


def create(folder: Path, plan: Plan) -> Path:
    """Create the folder of a draft. Raises ArgumentError for values that are not JSON."""
    try:
        text = json.dumps(plan.document()).encode()
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"What a snapshot is about must be JSON values ({error}). Use strings, numbers, lists and dicts."
        ) from error
    draft = folder / f".draft-{uuid.uuid4().hex}"
    disk.make_folder(draft)
    disk.write(draft / _PLAN, lambda file: file.write(text))
    disk.sync_tree(draft)
    return draft


class Draft:
    """The next snapshot, until it is published. ``Store.begin`` makes it; several threads may fill
    it.

    A context manager: leaving it lets the next writer in. Unpublished parts stay for a later run.
    """

    def __init__(
        self,
        data: Path,
        plan: Plan,
        *,
        number: int,
        previous: Manifest | None,
        lock: BaseFileLock,
        now: Callable[[], datetime],
    ) -> None:
        self.number = number
        self._folder, self._data = data.parent, data
        self._plan, self._previous = plan, previous
        self._lock, self._now = lock, now
        self._recording = threading.Lock()
        self._parts = {(part.table, part.property): part for part in _complete_parts(data)}
        self._partitioned = {part.table: part.property is not None for part in self._parts.values()}
        self._open = True
        self._remove_unrecorded()

    def __repr__(self) -> str:
        return f"<Draft of snapshot {self.number}: {len(self._parts)} parts>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the next writer in. The parts stay."""
        self._open = False
        self._lock.release()

    def has(self, table: str, property: str | None) -> bool:
        """Whether the draft has that part, from this run or from the one that it resumes."""
        return (table, property) in self._parts

    def moment_of(self, table: str, property: str | None) -> str:
        """The moment of a part that the draft has: it lacks later changes."""
        return self._parts[table, property].at

    def ids_of(self, table: str, property: str | None) -> list[str]:
        """The ids in a part that the draft has. Raises SnapshotError when its file is damaged."""
        part = self._parts[table, property]
        schema = schema_of(self._columns_of(table, property), part.columns)
        file = part.file(self._data)
        stored = read_parquet(file, schema, rows=part.rows, size=part.bytes)
        ids: list[str] = stored.column("id").to_pylist()
        return ids

    def put(self, table: str, property: str | None, frame: pd.DataFrame, *, at: str) -> None:
        """Store a part: all of it, or nothing.

        ``at`` is the moment (ISO, with its zone) from which on it lacks changes. The frame has the
        promised columns of the table first, with the dtypes of our frames, then others as text in
        sorted order; its index is not kept. Raises SnapshotError for any other frame, and when the
        disk does not take it.
        """
        columns = self._columns_of(table, property)
        _check_moment(at)
        name = f"{table} of {property or 'the company'}"
        unknown = unknown_columns(frame, columns, name)
        content = to_table(frame, schema_of(columns, unknown), name)
        part = Part(
            table=table, property=property, rows=len(frame), bytes=0, at=at, columns=unknown
        )
        file = part.file(self._data)
        with writing(self._folder):
            disk.make_folder(file.parent)
            size = disk.write(file, lambda opened: write_parquet(content, opened))
            part = replace(part, bytes=size)
            self._share_with_previous(part, file)
            self._record(part)

    def only(self, properties: Iterable[str]) -> None:
        """Drop the parts of all other properties: those that are gone since an earlier run."""
        wanted = {None, *properties}
        for part in list(self._parts.values()):
            if part.property in wanted:
                continue
            with writing(self._folder):
                part.file(self._data).unlink(missing_ok=True)
            del self._parts[part.table, part.property]

    def keep(
        self, table: str, property: str | None, manifest: Manifest, *, at: str | None = None
    ) -> bool:
        """Take a part over from an earlier snapshot without copying it; returns whether it could.

        It returns False when the part is missing, its file is incomplete, or other columns were
        promised then: pull the part instead. ``at`` as in ``put``, when nothing is known to have
        changed since; None keeps the earlier moment.
        """
        columns = self._columns_of(table, property)
        part = manifest.part(table, property)
        # As lists, because the order of the columns counts.
        if part is None or list(manifest.columns[table].items()) != list(columns.items()):
            return False
        if at is not None:
            _check_moment(at)
            part = replace(part, at=at)
        source, file = part.file(manifest.data), part.file(self._data)
        if wrong_file(source, part.bytes):
            return False
        with writing(self._folder):
            disk.make_folder(file.parent)
            disk.share(source, file)
            self._record(part)
        return True

    def publish(self, **about: Any) -> Manifest:
        """Make it the next snapshot, with ``about`` added to its plan and parts sorted by property
        id.

        The caller must know that all parts are there. Raises SnapshotError when another writer has
        taken the number; in that case the other's files are left untouched, and the draft stays.
        """
        self._check_open()
        manifest = Manifest(
            folder=self._folder,
            number=self.number,
            started=self._plan.started,
            finished=self._now(),
            about={**self._plan.about, **about},
            columns=self._plan.columns,
            parts=tuple(self._sorted_parts()),
        )
        with writing(self._folder):
            self._commit(manifest)
        return manifest

    def _commit(self, manifest: Manifest) -> None:
        text = json.dumps(manifest.document()).encode()
        disk.write(self._data / MANIFEST, lambda file: file.write(text))
        # Before the rename: a power cut could otherwise keep the new name and lose the content.
        disk.sync_tree(self._data)
        try:
            disk.rename_to_new(self._data, manifest.data)
        except FileExistsError as error:
            raise SnapshotError(
                f"Snapshot {self.number} of {self._folder} already exists: another process has written it. Nothing "
                "was overwritten. Run it again: it resumes this pull under the next number."
            ) from error
        self._open = False
        disk.sync(self._folder)

    def _check_open(self) -> None:
        if not self._open:
            raise SnapshotError("This draft is closed or published. Begin another one.")

    def _columns_of(self, table: str, property: str | None) -> Columns:
        """The promised columns of a table. Raises ArgumentError for parts that cannot be here."""
        self._check_open()
        check_names(table, property)
        columns = self._plan.columns
        if table not in columns:
            raise ArgumentError(
                f"{table!r} is not among the tables of this draft: {', '.join(columns)}."
            )
        partitioned = property is not None
        # Other tools cannot read a folder in which some files are partitioned and others are not.
        if self._partitioned.setdefault(table, partitioned) != partitioned:
            raise ArgumentError(
                f"{table!r} belongs to properties, or to none: it cannot have parts of both kinds."
            )
        return columns[table]

    def _sorted_parts(self) -> list[Part]:
        tables = list(self._plan.columns)

        def place(part: Part) -> tuple[int, str]:
            return tables.index(part.table), part.property or ""

        return sorted(self._parts.values(), key=place)

    def _share_with_previous(self, part: Part, file: Path) -> None:
        """Replace a file by a link to the same content in the previous snapshot."""
        if self._previous is None:
            return
        previous = self._previous.part(part.table, part.property)
        if previous is None or previous.bytes != part.bytes:
            return
        source = previous.file(self._previous.data)
        with suppress(FileNotFoundError):
            if source.read_bytes() == file.read_bytes():
                disk.share(source, file)

    def _record(self, part: Part) -> None:
        with self._recording:
            disk.append(self._data / _PARTS, json.dumps(asdict(part)).encode())
            self._parts[part.table, part.property] = part

    def _remove_unrecorded(self) -> None:
        """Remove files that no part accounts for: readers by path would find them."""
        known = {self._data / _PLAN, self._data / _PARTS}
        known |= {part.file(self._data) for part in self._parts.values()}
        for path in list(self._data.rglob("*")):
            if path.is_file() and path not in known:
                path.unlink()


def _complete_parts(data: Path) -> Iterator[Part]:
    """The parts that earlier runs have recorded, and whose files are complete."""
    record = data / _PARTS
    if not record.exists():
        return
    for line in record.read_bytes().splitlines():
        with suppress(KeyError, TypeError, ValueError):  # an empty line, or one that was cut off
            part = part_of(json.loads(line))
            if not wrong_file(part.file(data), part.bytes):
                yield part


def _check_moment(at: str) -> None:
    try:
        parse_zoned(at)
    except ValueError as error:
        raise ArgumentError(
            f"at={at!r} is no moment with a zone, such as 2025-03-01T10:00:00+00:00."
        ) from error
