"""A snapshot that is being pulled: what is finished stays, whatever happens to the run."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
from filelock import BaseFileLock

from adobe_nb.errors import ArgumentError, SnapshotError
from adobe_nb.snapshot import disk
from adobe_nb.snapshot.disk import writing
from adobe_nb.snapshot.manifest import (
    FORMAT,
    Manifest,
    Part,
    check_names,
    file_of,
    folder_of,
    moment,
    numbers,
    part_of,
    read_manifest,
)
from adobe_nb.snapshot.tables import Columns, schema_of, to_table, unknown_columns, write_parquet, wrong_file

_ABOUT, _PARTS = "_about.json", "_parts.jsonl"


class Draft:
    """The next snapshot, until it is published. Made by ``Store.begin``; several threads may fill it.

    A context manager: leaving it lets the next writer in. What was put stays for a resume when it is not published.
    """

    def __init__(self, folder: Path, data: Path, number: int, lock: BaseFileLock, now: Callable[[], datetime]) -> None:
        about = _read_about(data)
        self.number = number
        self._folder, self._data, self._lock, self._now = folder, data, lock, now
        self._about: Mapping[str, Any] = about["about"]
        self._columns: Mapping[str, Columns] = about["columns"]
        self._started = moment(about["started"])
        self._noting = threading.Lock()
        self._parts = {(part.table, part.property): part for part in self._left_over()}
        self._kinds = {part.table: part.property is None for part in self._parts.values()}
        self._open = True
        self._tidy()

    def __repr__(self) -> str:
        return f"<Draft of snapshot {self.number}: {len(self._parts)} parts>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the next writer in. What was put stays."""
        self._open = False
        self._lock.release()

    def has(self, table: str, property: str | None) -> bool:
        """Whether that part is there already, of this run or of the one that it takes up."""
        return (table, property) in self._parts

    def put(self, table: str, property: str | None, frame: pd.DataFrame, *, at: str) -> None:
        """Store a part: whole, or not at all.

        ``at`` is the moment (ISO, with its zone) from which changes are not in it. The frame has the table's promised
        columns first, with the dtypes of our frames, then others as text in sorted order; its index is not kept.
        Raises SnapshotError when it is not so, or when the disk does not take it.
        """
        columns = self._columns_of(table, property)
        _check_moment(at)
        name = f"{table} of {property or 'the company'}"
        unknown = unknown_columns(frame, columns, name)
        arrow = to_table(frame, schema_of(columns, unknown), name)
        part = Part(table=table, property=property, rows=len(frame), bytes=0, at=at, columns=unknown)
        with writing(self._folder):
            place = self._place(part)
            part = replace(part, bytes=disk.write(place, lambda file: write_parquet(arrow, file)))
            self._share(part, place)
            self._note(part)

    def only(self, properties: Iterable[str]) -> None:
        """Leave out what is there of other properties: they are gone since an earlier run stored it."""
        wanted = {None, *properties}
        for part in [part for part in self._parts.values() if part.property not in wanted]:
            with writing(self._folder):
                part.file(self._data).unlink(missing_ok=True)
            del self._parts[part.table, part.property]

    def keep(self, table: str, property: str | None, manifest: Manifest, *, at: str | None = None) -> bool:
        """Take a part over from an earlier snapshot, without another copy of it; gives whether that could be done.

        It cannot when there is no such part, its file is not whole or of an older format, or its columns were promised
        otherwise; then it has to be pulled. ``at`` as in ``put``, when it is known that nothing has changed since; else
        it stays as it was.
        """
        columns = self._columns_of(table, property)
        part = manifest.part(table, property)
        if part is None or manifest.format != FORMAT:
            return False
        if list(manifest.columns[table].items()) != list(columns.items()):
            return False
        at = part.at if at is None else at
        _check_moment(at)
        source = part.file(manifest.data)
        if wrong_file(source, part.bytes):
            return False
        with writing(self._folder):
            disk.share(source, self._place(part))
            self._note(replace(part, at=at))
        return True

    def publish(self, **about: Any) -> Manifest:
        """Make it the next snapshot, with ``about`` added to what it is. Its parts are in the order of property ids.

        Whether all is there that should be is the caller's to know. Raises SnapshotError when another writer has taken
        the number; then nothing of his is touched, and the draft stays.
        """
        self._check_open()
        manifest = Manifest(
            folder=self._folder,
            number=self.number,
            started=self._started,
            finished=self._now(),
            about={**self._about, **about},
            columns=self._columns,
            parts=tuple(self._in_order()),
        )
        with writing(self._folder):
            try:
                self._publish(json.dumps(manifest.document()).encode())
            except FileExistsError as error:
                raise SnapshotError(
                    f"Snapshot {self.number} of {self._folder} is there already: somebody else has written it. "
                    "Nothing was overwritten. Run it again: it takes up what was pulled, under the next number."
                ) from error
        self._open = False
        return manifest

    def _publish(self, text: bytes) -> None:
        data, unnamed = folder_of(self._folder, self.number), disk.temporary(self._folder)
        disk.sync_tree(self._data)
        try:
            disk.write(unnamed, lambda file: file.write(text))
            disk.sync(unnamed)
            if data.exists():  # a rename would take the place of an empty folder
                raise FileExistsError(data)
            self._data.rename(data)
            try:
                disk.sync(self._folder)
                disk.publish(unnamed, file_of(self._folder, self.number))
            except OSError:
                data.rename(self._data)
                raise
            disk.sync(self._folder)
        finally:
            unnamed.unlink(missing_ok=True)

    def _check_open(self) -> None:
        if not self._open:
            raise SnapshotError("This draft is closed or published. Begin another one.")

    def _columns_of(self, table: str, property: str | None) -> Columns:
        """The table's promised columns, when such a part may be in this draft."""
        self._check_open()
        check_names(table, property)
        if table not in self._columns:
            raise ArgumentError(f"{table!r} is not among the tables of this draft: {', '.join(self._columns)}.")
        # Other tools cannot read a folder in which some files are partitioned and others are not.
        if self._kinds.setdefault(table, property is None) != (property is None):
            raise ArgumentError(f"{table!r} belongs to properties, or to none: it cannot have parts of both kinds.")
        return self._columns[table]

    def _in_order(self) -> list[Part]:
        tables = list(self._columns)
        return sorted(self._parts.values(), key=lambda part: (tables.index(part.table), part.property or ""))

    def _place(self, part: Part) -> Path:
        file = part.file(self._data)
        for folder in reversed(file.parents):
            if folder.is_relative_to(self._data):  # one by one: mkdir gives the mode to the last one only
                disk.make_folder(folder)
        return file

    def _share(self, part: Part, place: Path) -> None:
        """When the snapshot before has the same, it is the same file."""
        before = None if self._latest is None else self._latest.part(part.table, part.property)
        if self._latest is None or before is None or before.bytes != part.bytes:
            return
        source = before.file(self._latest.data)
        with suppress(FileNotFoundError):
            if source.read_bytes() == place.read_bytes():
                disk.share(source, place)

    @cached_property
    def _latest(self) -> Manifest | None:
        there = numbers(self._folder)
        with suppress(SnapshotError):  # a damaged one is for those to tell who read it
            return read_manifest(self._folder, there[-1]) if there else None
        return None

    def _note(self, part: Part) -> None:
        with self._noting:
            disk.append(self._data / _PARTS, json.dumps(asdict(part)).encode())
            self._parts[part.table, part.property] = part

    def _left_over(self) -> Iterator[Part]:
        """The parts that an earlier run has noted, and whose files are whole."""
        notes = self._data / _PARTS
        for line in notes.read_bytes().splitlines() if notes.exists() else []:
            with suppress(KeyError, TypeError, ValueError):  # a line that was cut off
                part = part_of(json.loads(line))
                if not wrong_file(part.file(self._data), part.bytes):
                    yield part

    def _tidy(self) -> None:
        """Remove what no part accounts for: who reads by path would find it."""
        known = {part.file(self._data) for part in self._parts.values()} | {self._data / _ABOUT, self._data / _PARTS}
        for path in [path for path in self._data.rglob("*") if path.is_file() and path not in known]:
            path.unlink()


def lay_out(folder: Path, plan: Mapping[str, Any], started: datetime) -> None:
    """A new draft, which is in its place only when it can be told that it is one."""
    new = disk.temporary(folder.parent)
    disk.make_folder(new)
    text = json.dumps({**plan, "started": started.isoformat()}).encode()
    disk.write(new / _ABOUT, lambda file: file.write(text))
    disk.sync_tree(new)
    new.rename(folder)


def plan_of(about: Mapping[str, Any], columns: Mapping[str, Columns]) -> dict[str, Any]:
    """What a draft is meant to become, as JSON gives it back. Raises ArgumentError for what is no JSON."""
    try:
        plan: dict[str, Any] = json.loads(json.dumps({"format": FORMAT, "about": about, "columns": columns}))
    except (TypeError, ValueError) as error:
        problem = str(error)
    else:
        return plan
    raise ArgumentError(
        f"What a snapshot is about has to be JSON values ({problem}). Give texts, numbers, lists and dicts."
    )


def begun(folder: Path) -> datetime | None:
    """When it was begun; None when the folder is none of ours."""
    about = _about(folder)
    return moment(about["started"]) if about else None


def is_of(folder: Path, plan: Mapping[str, Any]) -> bool:
    """Whether the folder was begun for that plan."""
    about = _about(folder)
    # As text, for the order of the columns counts.
    return about is not None and json.dumps({name: about.get(name) for name in plan}) == json.dumps(plan)


def _check_moment(at: str) -> None:
    with suppress(ValueError):
        moment(at)
        return
    raise ArgumentError(f"at={at!r} is no moment with a zone, such as 2025-03-01T10:00:00+00:00.")


def _about(folder: Path) -> dict[str, Any] | None:
    with suppress(OSError, KeyError, TypeError, ValueError):
        return _read_about(folder)
    return None


def _read_about(folder: Path) -> dict[str, Any]:
    about = json.loads((folder / _ABOUT).read_bytes())
    moment(about["started"])
    return {**about, "about": dict(about["about"]), "columns": dict(about["columns"])}
