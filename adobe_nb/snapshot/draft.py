"""A snapshot while it is being pulled. Complete parts survive an interrupted run.

The folder of a draft is laid out like a snapshot, with two more files that record progress::

    .draft-<random>/_plan.json      what it will contain; without it the folder is removed
    .draft-<random>/_parts.jsonl    one line per complete part
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
from typing import Any

import msgspec
import pandas as pd

from adobe_nb.errors import ArgumentError, SnapshotError
from adobe_nb.snapshot import disk
from adobe_nb.snapshot.manifest import (
    FORMAT,
    MANIFEST,
    Part,
    Snapshot,
    Timestamp,
    by_name,
    document_of,
)
from adobe_nb.snapshot.tables import (
    Columns,
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
    """What a draft will contain. A run resumes only a draft of the same plan."""

    about: Mapping[str, Any]
    columns: Mapping[str, Columns]
    started: Timestamp

    def matches(self, other: "Plan") -> bool:
        """Return whether both describe the same snapshot, whenever they were started."""
        # As text, because the order of the columns counts.
        return json.dumps([self.about, self.columns]) == json.dumps([other.about, other.columns])


def read_plan(draft: Path) -> Plan | None:
    """Return the plan of a draft; None when it is unreadable or of another format."""
    with suppress(OSError, KeyError, TypeError, ValueError):
        document = msgspec.json.decode((draft / _PLAN).read_bytes())
        if document["format"] == FORMAT:
            return msgspec.convert(document, Plan)
    return None


def create(folder: Path, plan: Plan) -> Path:
    """Create the folder of a draft."""
    # Before the folder: TypeError when the description is not JSON.
    document = {"format": FORMAT, **asdict(plan), "started": plan.started.isoformat()}
    text = json.dumps(document).encode()
    draft = folder / f".draft-{uuid.uuid4().hex}"
    disk.make_folder(draft)
    disk.write(draft / _PLAN, lambda file: file.write(text))
    # Only the plan is synced here. Parts are written without waiting for the disk, which would
    # take longer than the pull: a power cut loses at most those that were not on the disk yet.
    disk.sync_tree(draft)
    return draft


class Draft:
    """The next snapshot until it is published. Several threads may add parts to it."""

    def __init__(
        self,
        data: Path,
        plan: Plan,
        *,
        number: int,
        previous: Snapshot | None,
        now: Callable[[], datetime],
        reuse: bool,
    ) -> None:
        self.number = number
        self._folder, self._data = data.parent, data
        self._plan, self._previous, self._now = plan, previous, now
        self._reuse = reuse
        self._recording = threading.Lock()
        self._parts = by_name(_complete_parts(data))
        self._synced: set[Path] = set()
        """Links to files of other snapshots, whose content is on the disk."""
        self._open = True
        self._remove_unrecorded()

    def close(self) -> None:
        """Accept no more parts. Those that are stored stay for a later run."""
        self._open = False

    def has(self, table: str, property: str | None) -> bool:
        """Return whether this run, or the run that it resumes, has stored that part."""
        return (table, property) in self._parts

    def part(self, table: str, property: str | None) -> Part | None:
        """Return a part that is stored, or None."""
        return self._parts.get((table, property))

    def frame(self, table: str, property: str | None) -> pd.DataFrame:
        """Return the rows of a part that is stored. Raises SnapshotError when it is damaged."""
        part = self._parts[table, property]
        return part.frame(self._data, self._plan.columns[table])

    def is_damaged(self, table: str, property: str | None) -> bool:
        """Return whether a part that is stored cannot be read."""
        try:
            self.frame(table, property)
        except SnapshotError:
            return True
        return False

    def shares(self, table: str, property: str | None, snapshot: Snapshot) -> bool:
        """Return whether a stored part and that of the snapshot are the same file."""
        part, other = self.part(table, property), snapshot.part(table, property)
        if part is None or other is None:
            return False
        try:
            return part.file(self._data).samefile(other.file(snapshot.data))
        except OSError:
            # The file of a damaged snapshot can be missing.
            return False

    def forget(self, table: str, property: str | None) -> None:
        """Drop a part that has to be read again, if it is stored."""
        part = self._parts.pop((table, property), None)
        if part is not None:
            with disk.writing(self._folder):
                part.file(self._data).unlink(missing_ok=True)

    def put(
        self,
        table: str,
        property: str | None,
        frame: pd.DataFrame,
        *,
        at: str,
        digest: str = "",
    ) -> None:
        """Store a part completely or not at all. Its index is not kept.

        ``at`` is the time (ISO, with time zone) from which on it lacks changes. The frame starts
        with the promised columns of the table; others follow as text, in sorted order. ``digest``
        is that of the responses that the rows came from. Raises SnapshotError for any other frame,
        and when it cannot be written.
        """
        columns = self._columns_of(table, property)
        label = f"{table} of {property or 'the company'}"
        unknown = unknown_columns(frame, columns, label)
        content = to_table(frame, schema_of(columns, unknown), label)
        part = Part(
            table, property, rows=len(frame), bytes=0, at=at, columns=unknown, digest=digest
        )
        file = part.file(self._data)
        with disk.writing(self._folder):
            disk.make_folder(file.parent)
            self._synced.discard(file)
            size = disk.write(file, lambda opened: write_parquet(content, opened))
            part = replace(part, bytes=size)
            self._share_with_previous(part, file)
            self._record(part)

    def only(self, properties: Iterable[str]) -> None:
        """Drop parts of all other properties, which have disappeared since an earlier run."""
        remaining = {None, *properties}
        for part in list(self._parts.values()):
            if part.property not in remaining:
                self.forget(part.table, part.property)

    def keep(self, table: str, property: str | None, snapshot: Snapshot, *, at: str) -> bool:
        """Take a part over from an earlier snapshot without copying it; return whether it could.

        False when the part is missing, its file is incomplete, or other columns were promised then:
        pull the part instead. ``at`` as in ``put``.
        """
        columns = self._columns_of(table, property)
        part = snapshot.part(table, property)
        if part is None or not snapshot.has_columns(table, columns):
            return False
        source, file = part.file(snapshot.data), part.file(self._data)
        if wrong_file(source, part.bytes):
            return False
        with disk.writing(self._folder):
            disk.make_folder(file.parent)
            self._link(source, file)
            self._record(replace(part, at=at))
        return True

    def keep_same(self, table: str, property: str | None, digest: str, *, at: str) -> bool:
        """Take a part over from the previous snapshot if it came from the same responses.

        Returns whether it did; otherwise ``put`` the part. ``at`` as in ``put``.
        """
        # A pull replaces damaged files, which have to be read for that.
        if not self._reuse or not digest or self._previous is None:
            return False
        part = self._previous.part(table, property)
        if part is None or part.digest != digest:
            return False
        return self.keep(table, property, self._previous, at=at)

    def publish(self, **about: Any) -> Snapshot:
        """Make it the next snapshot, with ``about`` added to its plan.

        The caller has checked that all parts are stored. Raises SnapshotError when another writer
        has taken the number; in that case the other files are left untouched, and the draft stays.
        """
        self._check_open()
        tables = list(self._plan.columns)
        parts = sorted(
            self._parts.values(),
            key=lambda part: (tables.index(part.table), part.property or ""),
        )
        snapshot = Snapshot(
            folder=self._folder,
            number=self.number,
            started=self._plan.started,
            finished=self._now(),
            about={**self._plan.about, **about},
            columns=self._plan.columns,
            parts=tuple(parts),
        )
        with disk.writing(self._folder):
            self._commit(snapshot)
        return snapshot

    def _commit(self, snapshot: Snapshot) -> None:
        text = json.dumps(document_of(snapshot)).encode()
        disk.write(self._data / MANIFEST, lambda file: file.write(text))
        # Before the rename: a power cut could otherwise keep the new name and lose the content.
        disk.sync_tree(self._data, self._synced)
        try:
            # The commit. The manifest is in the folder by now, so a reader sees the whole snapshot
            # or nothing, and a kill leaves either a draft to resume or a finished snapshot.
            disk.rename_to_new(self._data, snapshot.data)
        except FileExistsError as error:
            raise SnapshotError(
                f"Snapshot {self.number} of {self._folder} already exists: another process has "
                "written it. Nothing was overwritten. Run it again to resume this pull under the "
                "next number."
            ) from error
        self.close()
        # The new name itself is in the parent folder.
        disk.sync(self._folder)

    def _check_open(self) -> None:
        if not self._open:
            raise SnapshotError("This draft is closed or published. Begin another one.")

    def _columns_of(self, table: str, property: str | None) -> Columns:
        """Return the promised columns of a table. Raises ArgumentError for an impossible part."""
        self._check_open()
        if table not in self._plan.columns:
            tables = ", ".join(self._plan.columns)
            raise ArgumentError(f"{table!r} is not among the tables of this draft: {tables}.")
        # Other tools cannot read a folder in which some files are partitioned and others are not.
        if (property is None) != (table == "companies"):
            raise ArgumentError(
                f"Invalid part of {table!r}: companies are stored as a whole, all other tables by "
                "property."
            )
        return self._plan.columns[table]

    def _share_with_previous(self, part: Part, file: Path) -> None:
        """Replace a file by a link to the same content in the previous snapshot."""
        if self._previous is None:
            return
        previous = self._previous.part(part.table, part.property)
        if previous is None or previous.bytes != part.bytes:
            return
        source = previous.file(self._previous.data)
        # A damaged previous snapshot must not stop this one.
        with suppress(FileNotFoundError):
            if source.read_bytes() == file.read_bytes():
                self._link(source, file)

    def _link(self, source: Path, file: Path) -> None:
        """Share the file of another snapshot, and note when its content is on the disk."""
        self._synced.discard(file)
        if disk.share(source, file):
            self._synced.add(file)

    def _record(self, part: Part) -> None:
        # Only when the file is complete, because a run that resumes relies on this record.
        with self._recording:
            disk.append(self._data / _PARTS, json.dumps(asdict(part)).encode())
            self._parts[part.table, part.property] = part

    def _remove_unrecorded(self) -> None:
        # Readers that find files by path would otherwise read them as part of the table.
        recorded = {self._data / _PLAN, self._data / _PARTS}
        for part in self._parts.values():
            recorded.add(part.file(self._data))
        for path in list(self._data.rglob("*")):
            if path.is_file() and path not in recorded:
                path.unlink()


def _complete_parts(data: Path) -> Iterator[Part]:
    """Yield the parts that earlier runs have recorded, and whose files are complete."""
    record = data / _PARTS
    if not record.exists():
        return
    for line in record.read_bytes().splitlines():
        # Lines may be empty, or cut off by a full disk.
        with suppress(ValueError):
            part = msgspec.json.decode(line, type=Part)
            if not wrong_file(part.file(data), part.bytes):
                yield part
