"""Parquet files in any store that fsspec knows, laid out like a folder of snapshots.

::

    URL/000007/_manifest.json                  what it holds; not an export without it
    URL/000007/rules/property=PR…/part.parquet
    URL/000007/_plan.json                      the manifest of an export that is not finished

Stores cannot rename a folder, so the manifest is the commit: it is written last, and removed first.
It is that of a snapshot with the digest of each file, so a local copy of an export is a folder of
snapshots. The plan is written first: after a kill it tells whose files they are, and their digests.
"""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from typing import Any

import msgspec
import pandas as pd

from adobe_nb.errors import SnapshotError
from adobe_nb.snapshot.disk import temporary
from adobe_nb.snapshot.exports.parts import DigestedPart, digested, frame_of
from adobe_nb.snapshot.exports.target import Target
from adobe_nb.snapshot.manifest import FORMAT, MANIFEST, NUMBER, Snapshot, Timestamp, document_of
from adobe_nb.snapshot.tables import Columns

_PLAN = "_plan.json"
_PART = re.compile(r"[a-z][a-z0-9_]*/(?:property=[A-Z]{2}[0-9a-f]{1,64}/)?part\.parquet")


@dataclass(frozen=True)
class Export:
    """A manifest in the store."""

    export: int
    """The format of the export, which a snapshot that was pulled does not have."""
    number: int
    started: Timestamp
    finished: Timestamp
    about: Mapping[str, Any]
    columns: Mapping[str, Columns]
    parts: tuple[DigestedPart, ...]

    @property
    def owner(self) -> tuple[str, str]:
        """The service and the organization."""
        return str(self.about.get("service")), str(self.about.get("organization"))

    def extended(self, other: "Export", order: Iterable[str]) -> "Export":
        """Return it with the tables of another export of the same snapshot."""
        columns = {**other.columns, **self.columns}
        parts = [part for part in other.parts if part.table not in self.columns]
        names = list(order)
        parts = sorted([*parts, *self.parts], key=lambda part: names.index(part.table))
        columns = {name: columns[name] for name in names if name in columns}
        return replace(self, columns=columns, parts=tuple(parts))


class Store:
    """The exports under a URL."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._files, self._root = target.filesystem()

    def path(self, number: int, name: str = "") -> str:
        """Return the path of a file of an export, or of its folder."""
        return f"{self._root.rstrip('/')}/{number:06d}/{name}".rstrip("/")

    def location(self, number: int, table: str) -> str:
        """Return the URL of a table."""
        return f"{self.target.url}/{number:06d}/{table}"

    def numbers(self) -> list[int]:
        """Return the numbers of all folders that may be exports, sorted."""
        self._files.invalidate_cache()
        try:
            paths = self._files.ls(self._root, detail=False)
        except FileNotFoundError:
            return []
        names = [path.rstrip("/").rpartition("/")[2] for path in paths]
        return sorted(int(name) for name in names if NUMBER.fullmatch(name))

    def sizes(self, number: int) -> dict[str, int]:
        """Return the size of each file in the folder of an export."""
        self._files.invalidate_cache()
        folder = self.path(number)
        found = self._files.find(folder, detail=True)
        return {path.removeprefix(folder).lstrip("/"): found[path]["size"] for path in found}

    def read(self, number: int, name: str = MANIFEST) -> Export | None:
        """Return a manifest or plan; None when there is none. Raises SnapshotError."""
        path = self.path(number, name)
        try:
            text = self._files.cat_file(path)
        except FileNotFoundError:
            return None
        problem = "it was not written by an export"
        try:
            document = msgspec.json.decode(text)
            if "export" in document:
                if document["format"] == FORMAT and document["export"] == 1:
                    return msgspec.convert(document, Export)
                problem = "another version of adobe_nb has written it"
        except (KeyError, TypeError, ValueError):
            problem = "it is not a manifest"
        raise SnapshotError(
            f"{self.target.url} has {number:06d}/{name}, and {problem}. Nothing was changed. "
            "Export to another URL."
        )

    def latest(self) -> Export | None:
        """Return the latest finished export."""
        for number in reversed(self.numbers()):
            export = self.read(number)
            if export is not None:
                return export
        return None

    def write(self, number: int, name: str, document: Mapping[str, Any]) -> None:
        """Write a manifest or plan in one step."""
        content, path = json.dumps(document).encode(), self.path(number, name)
        if self.target.folder is None:
            # Stores show an object when it is complete.
            self._files.pipe_file(path, content)
            return
        unfinished = str(temporary(self.target.folder / f"{number:06d}"))
        self._files.makedirs(self.path(number), exist_ok=True)
        self._files.pipe_file(unfinished, content)
        self._files.mv(unfinished, path)

    def send(self, number: int, snapshot: Snapshot, parts: Iterable[DigestedPart]) -> None:
        """Send files of a snapshot."""
        sources, destinations = [], []
        for part in parts:
            sources.append(str(part.file(snapshot.data)))
            destinations.append(self.path(number, part.path))
        self._files.put(sources, destinations)

    def copy(self, number: int, parts: Iterable[DigestedPart], sources: Mapping[str, str]) -> None:
        """Copy files inside the store. ``sources`` are their paths by digest."""
        origins, destinations = [], []
        for part in parts:
            origins.append(sources[part.sha256])
            destinations.append(self.path(number, part.path))
        self._files.copy(origins, destinations)

    def remove(self, number: int, names: Iterable[str]) -> None:
        """Remove files of an export."""
        paths = [self.path(number, name) for name in names]
        if paths:
            self._files.rm(paths)

    def remove_export(self, number: int) -> None:
        """Remove an export, so that a kill leaves an unfinished one that is removed next time."""
        export = self.read(number)
        if export is not None:
            self.write(number, _PLAN, {**msgspec.to_builtins(export), "format": FORMAT})
            self.remove(number, [MANIFEST])
        self.remove(number, [name for name in self.sizes(number) if name != _PLAN])
        # With the plan, and empty folders where the store has some.
        self._files.rm(self.path(number), recursive=True)


def export(
    snapshot: Snapshot, tables: Iterable[str], target: Target, keep: int | None
) -> pd.DataFrame:
    """Export tables of a snapshot; return one row per table."""
    store = Store(target)
    document = document_of(snapshot)
    document["columns"] = {name: snapshot.columns[name] for name in tables}
    document["parts"] = list(map(asdict, digested(snapshot, tables)))
    wanted = msgspec.convert({**document, "export": 1}, Export)
    number = snapshot.number
    latest, here, plan = store.latest(), store.read(number), store.read(number, _PLAN)
    for existing in (latest, here, plan):
        if existing is not None:
            _check_owner(existing, wanted, target)
    if here is not None:
        _check_same(here, wanted, target)
        wanted = wanted.extended(here, snapshot.columns)
    done = _kept(store, wanted, here, plan)
    missing = [part for part in wanted.parts if part.path not in done]
    sent: list[DigestedPart] = []
    unchanged = here is not None and set(here.columns) == set(wanted.columns)
    if missing or plan is not None or not unchanged:
        document.update(columns=wanted.columns, parts=list(map(asdict, wanted.parts)), export=1)
        store.write(number, _PLAN, document)
        sent = _fill(store, snapshot, missing, latest)
        _check_complete(store, wanted)
        # The commit.
        store.write(number, MANIFEST, document)
        store.remove(number, [_PLAN])
    if keep is not None:
        _prune(store, wanted, keep)
    return _frame(store, wanted, tables, sent)


def exported(target: Target) -> pd.DataFrame:
    """Return one row per table of the latest finished export. Raises SnapshotError."""
    store = Store(target)
    latest = store.latest()
    if latest is None:
        raise SnapshotError(
            f"There is no finished export in {target.url}. Check the URL, or export a snapshot."
        )
    return _frame(store, latest, latest.columns)


def _check_owner(existing: Export, wanted: Export, target: Target) -> None:
    if existing.owner != wanted.owner:
        service, organization = existing.owner
        raise SnapshotError(
            f"{target.url} has exports of the organization {organization} ({service}). Nothing was "
            "changed. Export to another URL."
        )


def _check_same(here: Export, wanted: Export, target: Target) -> None:
    if here.finished != wanted.finished:
        raise SnapshotError(
            f"{target.url} has another snapshot {here.number}, of {here.finished:%Y-%m-%d %H:%M:%S} "
            "UTC, probably from another folder. Nothing was changed. Export to another URL."
        )


def _kept(store: Store, wanted: Export, here: Export | None, plan: Export | None) -> set[str]:
    """Return the files of an earlier run that are complete; remove its other files.

    Raises SnapshotError for files that are not of an export.
    """
    number = wanted.number
    digests = {}
    for earlier in (plan, here):
        if earlier is not None:
            digests.update({part.path: part.sha256 for part in earlier.parts})
    sizes = store.sizes(number)
    done = set()
    for part in wanted.parts:
        if (sizes.get(part.path), digests.get(part.path)) == (part.bytes, part.sha256):
            done.add(part.path)
    stale = []
    for name in sizes:
        # Readers skip names that begin so.
        if name in done or name.startswith(("_", ".")):
            continue
        if not digests or not _PART.fullmatch(name):
            raise SnapshotError(
                f"{store.target.url} has {number:06d}/{name}, which is not of an export. Nothing "
                "was changed. Export to another URL."
            )
        stale.append(name)
    store.remove(number, stale)
    return done


def _fill(
    store: Store, snapshot: Snapshot, missing: list[DigestedPart], latest: Export | None
) -> list[DigestedPart]:
    """Copy files that the latest export has, and send the others, which are returned."""
    sources: dict[str, str] = {}
    if latest is not None:
        sizes = store.sizes(latest.number)
        for part in latest.parts:
            if sizes.get(part.path) == part.bytes:
                sources[part.sha256] = store.path(latest.number, part.path)
    store.copy(snapshot.number, [part for part in missing if part.sha256 in sources], sources)
    sent = [part for part in missing if part.sha256 not in sources]
    store.send(snapshot.number, snapshot, sent)
    return sent


def _check_complete(store: Store, wanted: Export) -> None:
    sizes = store.sizes(wanted.number)
    for part in wanted.parts:
        if sizes.get(part.path) != part.bytes:
            raise SnapshotError(
                f"{part.path} is missing or incomplete in {store.target.url}: another process "
                "writes there, or the store has lost it. Run the export again."
            )


def _prune(store: Store, exported: Export, keep: int) -> None:
    """Remove older exports but for the latest ones, and leftovers of killed exports."""
    finished, leftovers = [], []
    for number in store.numbers():
        # Others may have put something below a number: it is left alone.
        with suppress(SnapshotError):
            export, plan = store.read(number), store.read(number, _PLAN)
            if export is not None and export.owner == exported.owner:
                finished.append(number)
            elif plan is not None and plan.owner == exported.owner:
                leftovers.append(number)
    for number in [*finished[:-keep], *leftovers]:
        if number < exported.number:
            store.remove_export(number)


def _frame(
    store: Store,
    export: Export,
    tables: Iterable[str],
    sent: list[DigestedPart] | None = None,
) -> pd.DataFrame:
    rows = []
    for table in tables:
        parts = [part for part in export.parts if part.table == table]
        row: dict[str, Any] = {
            "table": table,
            "snapshot": export.number,
            "rows": sum(map(attrgetter("rows"), parts)),
            "files": len(parts),
            "location": store.location(export.number, table),
        }
        if sent is not None:
            new = [part for part in sent if part.table == table]
            row["files_sent"] = len(new)
            row["files_unchanged"] = len(parts) - len(new)
            row["bytes_sent"] = sum(map(attrgetter("bytes"), new))
        rows.append(row)
    return frame_of(rows)
