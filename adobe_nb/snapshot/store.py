"""A folder of numbered snapshots: complete, never changed again, and cheap to keep.

::

    folder/
      000001/_manifest.json                     what it holds; not a snapshot without it
      000001/rules/property=PR…/part.parquet    a table, one file per property
      000001/companies/part.parquet             the one table that is not split by property
      000001/_plan.json, 000001/_parts.jsonl    records of the draft that it was
      .draft-<random>/…                         a pull in progress, in the same layout
      _adobe_nb.lock                            one writer at a time

A draft becomes a snapshot by one rename, the commit. Its manifest is in it by then, so a reader
sees the whole snapshot or nothing, and a kill leaves a draft to resume or a finished snapshot.
Everything is on the disk before the rename, so each snapshot is complete after a power cut, too.
``Draft.publish`` and ``disk.rename_to_new`` explain the order. Pruning is the same in reverse: a
snapshot first loses its number, by one rename, and then its files.

Readers by path need no manifest, and skip names that begin with ``.`` or ``_``. Parts that did not
change are hard links to the files of the previous snapshot, so each folder is complete by itself.
The companies are not partitioned, because Dask and Arrow cannot read a folder whose only partition
is the null one.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from itertools import filterfalse
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from adobe_nb.api.reactor import dates
from adobe_nb.auth.files import expanded
from adobe_nb.errors import ArgumentError, SnapshotError
from adobe_nb.snapshot import disk
from adobe_nb.snapshot.draft import DRAFT, Draft, Plan, create, read_plan
from adobe_nb.snapshot.manifest import Snapshot, folder_of, numbers, read_manifest
from adobe_nb.snapshot.tables import Columns

Result = TypeVar("Result")
AsOf = int | str | datetime | date
"""One snapshot: its number, or a time, which means the last snapshot finished by then. A plain date
means its end, in UTC.
"""
# Resuming mixes lists that were read at different times: an older draft is pulled again instead.
_RESUMABLE_FOR = timedelta(hours=24)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SnapshotFolder:
    """The snapshots of one folder. Reading takes no lock and changes nothing."""

    def __init__(self, folder: str | Path, *, now: Callable[[], datetime] = _utc_now) -> None:
        if not isinstance(folder, (str, os.PathLike)):
            raise ArgumentError(
                f"The folder of snapshots must be a path, not {type(folder).__name__}: {folder!r}."
            )
        self.path = expanded(folder).absolute()
        self._now = now
        self._is_reserved = False

    @contextmanager
    def begin(
        self,
        about: Mapping[str, Any],
        columns: Mapping[str, Columns],
        *,
        resume: bool = True,
        reuse: bool = False,
    ) -> Iterator[Draft]:
        """Lock the folder and open a draft of the next snapshot.

        ``about`` describes the pull in JSON values. ``columns`` has the promised columns of every
        table of the snapshot, including tables that stay empty. The draft of an interrupted run is
        resumed when both are the same and it is less than 24 hours old; any other is removed.
        ``reuse`` lets it take over files of the previous snapshot without reading them.

        Raises SnapshotError when another process writes here, or the folder is not writable.
        """
        plan = Plan(about, columns, self._now())
        with self._locked():
            with disk.writing(self.path):
                draft = self._resume_or_create(plan, resume=resume, reuse=reuse)
            try:
                yield draft
            finally:
                draft.close()

    def _resume_or_create(self, plan: Plan, *, resume: bool, reuse: bool) -> Draft:
        number, previous = self._next_number(), self.latest()
        # A killed run was about to remove these.
        for folder in disk.subfolders(self.path, disk.TEMPORARY):
            disk.remove_tree(folder)
        data = None
        for draft in disk.subfolders(self.path, DRAFT):
            earlier = self._resumable_plan(draft)
            if resume and data is None and earlier is not None and plan.matches(earlier):
                # The plan has the time when the pull was started.
                data, plan = draft, earlier
            else:
                disk.remove_tree(draft)
        data = data or create(self.path, plan)
        return Draft(data, plan, number=number, previous=previous, now=self._now, reuse=reuse)

    def _resumable_plan(self, draft: Path) -> Plan | None:
        plan = read_plan(draft)
        if plan is not None and self._now() - plan.started < _RESUMABLE_FOR:
            return plan
        return None

    def _next_number(self) -> int:
        number = max(numbers(self.path), default=0) + 1
        # A folder without a manifest is not ours, and is left alone.
        while folder_of(self.path, number).exists():
            number += 1
        return number

    @contextmanager
    def reserved(self, wait: Callable[[], object]) -> Iterator[None]:
        """Keep other writers out before a draft is begun.

        While there is another writer, ``wait`` is called again and again; it pauses, or raises to
        give up.
        """
        while not (lock := self._acquired()):
            wait()
        self._is_reserved = True
        try:
            yield
        finally:
            self._is_reserved = False
            lock.release()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other writers out. Raises SnapshotError when there is one."""
        if self._is_reserved:
            yield
            return
        lock = self._acquired()
        if lock is None:
            raise SnapshotError(
                "Another process, or another cell of this one, is writing a snapshot to "
                f"{self.path}. Wait until it is done, or stop it. The next run resumes it."
            )
        try:
            yield
        finally:
            lock.release()

    def _acquired(self) -> FileLock | None:
        """Return the lock of the folder, or None when another writer has it."""
        # A lock for each use, because a forked process must not inherit one; not local to its
        # thread, because a draft may be closed by another.
        lock = FileLock(self.path / "_adobe_nb.lock", timeout=0, mode=0o600, thread_local=False)
        with disk.writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            disk.make_folder(self.path)
            try:
                lock.acquire()
            except Timeout:
                return None
        return lock

    def snapshots(self) -> list[Snapshot]:
        """Return all snapshots, oldest first. Raises SnapshotError for a damaged manifest."""
        return [read_manifest(self.path, number) for number in numbers(self.path)]

    def latest(self) -> Snapshot | None:
        """Return the latest snapshot; None when there is none, or its manifest is damaged."""
        existing = numbers(self.path)
        if existing:
            with suppress(SnapshotError):
                return read_manifest(self.path, existing[-1])
        return None

    def at(self, as_of: AsOf | None = None, *, of_day: time = time.max) -> Snapshot:
        """Return one snapshot: the latest, or that of a number or a time.

        A time means the last snapshot finished at or before it, and is UTC without a time zone. A
        plain date means ``of_day``: its end, or with ``time.min`` its beginning, so that changes of
        that day come after it. As text: ``"3"``, ``"2025-03-01"``, ``"2025-03-01T10:00"``.

        Raises SnapshotError that names the oldest and the latest, ArgumentError for other text.
        """
        return self.read(as_of, lambda snapshot: snapshot, of_day=of_day)

    def read(
        self, as_of: AsOf | None, read: Callable[[Snapshot], Result], *, of_day: time = time.max
    ) -> Result:
        """Return the result of ``read`` for a snapshot, or its successor if it is pruned."""
        return unless_pruned([self], lambda: read(self._find(as_of, of_day)))

    def _find(self, as_of: AsOf | None, of_day: time) -> Snapshot:
        existing = numbers(self.path)
        if not existing:
            raise SnapshotError(
                f"There is no snapshot in {self.path} yet. Check the path, or pull one."
            )
        if as_of is None:
            return read_manifest(self.path, existing[-1])
        target = number_or_time(as_of, of_day)
        for number in reversed(existing):
            if isinstance(target, datetime):
                snapshot = read_manifest(self.path, number)
                if snapshot.finished <= target:
                    return snapshot
            elif number == target:
                return read_manifest(self.path, number)
        oldest = read_manifest(self.path, existing[0])
        latest = read_manifest(self.path, existing[-1])
        raise SnapshotError(
            f"{self.path} has no snapshot for {as_of}. The oldest is {_dated(oldest)}, "
            f"the latest {_dated(latest)}."
        )

    def before(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot before that one. Raises SnapshotError when it is the first."""
        earlier = [number for number in numbers(self.path) if number < snapshot.number]
        if not earlier:
            raise SnapshotError(
                f"Snapshot {snapshot.number} is the first of {self.path}, so there is nothing to "
                "compare it with. Refresh it, or pull again."
            )
        return read_manifest(self.path, earlier[-1])

    def prune(self, *, keep: int | None = None) -> list[str]:
        """Remove drafts that no run can resume, and leftovers of killed runs; return the names.

        With ``keep``, only that many of the latest snapshots stay. Files of others are never
        touched. Raises SnapshotError when another process writes here.
        """
        if keep is not None and (type(keep) is not int or keep < 1):
            raise ArgumentError(
                f"Invalid keep={keep!r}: must be the number of snapshots to keep, from 1. To "
                "remove every snapshot, remove the folder."
            )
        if not self.path.exists():
            return []
        removed = []
        with self._locked(), disk.writing(self.path):
            for folder in self._useless(keep):
                disk.remove_tree(folder)
                removed.append(folder.name)
        return removed

    def _useless(self, keep: int | None) -> list[Path]:
        folders = disk.subfolders(self.path, disk.TEMPORARY)
        if keep is not None:
            folders += [folder_of(self.path, number) for number in numbers(self.path)[:-keep]]
        drafts = disk.subfolders(self.path, DRAFT)
        return [*folders, *filterfalse(self._resumable_plan, drafts)]


def unless_pruned(folders: Sequence[SnapshotFolder], read: Callable[[], Result]) -> Result:
    """Return the result of ``read``, again if snapshots of these folders were pruned meanwhile."""
    # Readers take no lock. The files of a snapshot that is pruned while it is read look like
    # damaged ones, so an error counts only when all snapshots still exist.
    while True:
        before = [numbers(folder.path) for folder in folders]
        try:
            return read()
        except SnapshotError:
            after = [numbers(folder.path) for folder in folders]
            if all(map(set.issubset, map(set, before), map(set, after))):
                raise


def _dated(snapshot: Snapshot) -> str:
    return f"{snapshot.number} (finished {snapshot.finished:%Y-%m-%d %H:%M:%S} UTC)"


def number_or_time(as_of: AsOf, of_day: time) -> int | datetime:
    """Return the number of a snapshot, or a time; ``of_day`` is that of a plain date."""
    if isinstance(as_of, str):
        as_of = _parsed(as_of.strip())
    if isinstance(as_of, datetime):
        if as_of.tzinfo is None:
            return as_of.replace(tzinfo=UTC)
        return as_of
    if isinstance(as_of, date):
        return datetime.combine(as_of, of_day, UTC)
    return int(as_of)


def _parsed(text: str) -> int | datetime | date:
    for parse in (int, date.fromisoformat, dates.parse):
        with suppress(ValueError):
            return parse(text)
    raise ArgumentError(
        f"{text!r} is neither a snapshot number nor a date. "
        "Examples: 3, 2025-03-01, 2025-03-01T10:00."
    )
