"""A folder of numbered snapshots: complete, never changed again, and cheap to keep.

::

    folder/
      000001/_manifest.json                         what it holds; without it the folder is not a snapshot
      000001/rules/property=PR…/part.parquet        a table, property by property
      000001/companies/part.parquet                 a table that belongs to no property
      000001/_plan.json, 000001/_parts.jsonl        the records of the draft that it was
      .draft-<random>/…                             what is being pulled, arranged in the same way
      _adobe_nb.lock                                one writer at a time

A draft becomes a snapshot by one rename, the commit. Its manifest is in it by then: a reader sees
all of a snapshot or nothing, and a kill leaves a draft to resume or a finished snapshot. Readers by
path need no manifest, and skip names that begin with ``.`` or ``_``. The number must not exist:
``disk.rename_to_new`` says what each system does about that. Pruning is the same in reverse: a
snapshot loses its number first, by one rename, and then its files.

Everything is on the disk before the rename, so that each snapshot is complete after a power cut,
too. A draft is written without waiting for the disk, which would take longer than the pull: a power
cut loses what the system had not written yet, mostly of the last half minute.

Parts that did not change are hard links to the files of the previous snapshot, so each folder is
complete by itself. A table of the company is not partitioned: Dask and Arrow cannot read a folder
whose only partition is the null one.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar

from filelock import BaseFileLock, FileLock, Timeout

from adobe_nb.api.reactor import dates
from adobe_nb.auth.files import expanded
from adobe_nb.errors import ArgumentError, SnapshotError
from adobe_nb.snapshot import disk
from adobe_nb.snapshot.disk import writing
from adobe_nb.snapshot.draft import DRAFT, Draft, Plan, create, read_plan
from adobe_nb.snapshot.manifest import Manifest, check_names, folder_of, numbers, read_manifest
from adobe_nb.snapshot.tables import Columns

Result = TypeVar("Result")
AsOf = int | str | datetime | date
"""One snapshot: its number, or a moment: the last one that was finished then. A plain date means
its end, in UTC.
"""
_RESUMABLE_FOR = timedelta(hours=24)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Store:
    """The snapshots of one folder. Reading takes no lock and changes nothing."""

    def __init__(self, folder: str | Path, *, now: Callable[[], datetime] = _utc_now) -> None:
        if not isinstance(folder, (str, os.PathLike)):
            raise ArgumentError(f"The folder of snapshots is a path, not {folder!r}.")
        self.folder = expanded(folder).absolute()
        self._now = now

    def __repr__(self) -> str:
        return f"<Store {self.folder}>"

    def begin(
        self, about: Mapping[str, Any], columns: Mapping[str, Columns], *, resume: bool = True
    ) -> Draft:
        """A draft of the next snapshot; no other can be begun until it is closed.

        ``about`` says what is pulled, in JSON values. ``columns`` has the promised columns of every
        table of the snapshot, also of those that stay empty. A draft of an interrupted run is
        resumed when both are the same and it is less than 24 hours old; any other is removed.

        Raises SnapshotError when another process writes here, or when the folder cannot be written.
        """
        for table in columns:
            check_names(table, None)
        plan = Plan(about, columns, self._now())
        with writing(self.folder):
            lock = self._locked()
            try:
                return self._resume_or_create(plan, resume=resume, lock=lock)
            except BaseException:
                lock.release()
                raise

    def _resume_or_create(self, plan: Plan, *, resume: bool, lock: BaseFileLock) -> Draft:
        number, previous = self._next_number(), self.latest()
        resumed = self._resumable(plan) if resume else None
        for folder in [*self._removed(), *self._drafts()]:
            if folder != resumed:
                disk.remove_tree(folder)
        data = resumed or create(self.folder, plan)
        # Read back, because a resumed draft keeps the time of its start.
        plan = read_plan(data) or plan
        return Draft(data, plan, number=number, previous=previous, lock=lock, now=self._now)

    def _resumable(self, plan: Plan) -> Path | None:
        """The draft of an interrupted run with the same plan."""
        for draft in self._drafts():
            earlier = read_plan(draft)
            if self._is_fresh(earlier) and plan.matches(earlier):
                return draft
        return None

    def _stale_drafts(self) -> list[Path]:
        return [draft for draft in self._drafts() if not self._is_fresh(read_plan(draft))]

    def _drafts(self) -> list[Path]:
        return disk.subfolders(self.folder, DRAFT)

    def _removed(self) -> list[Path]:
        """Folders that a killed run was about to remove."""
        return disk.subfolders(self.folder, disk.TEMPORARY)

    def _is_fresh(self, plan: Plan | None) -> bool:
        return plan is not None and self._now() - plan.started < _RESUMABLE_FOR

    def _next_number(self) -> int:
        number = max(numbers(self.folder), default=0) + 1
        # A folder without a manifest is not a snapshot of ours, and is left alone.
        while folder_of(self.folder, number).exists():
            number += 1
        return number

    def _locked(self) -> BaseFileLock:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        disk.make_folder(self.folder)
        lock = FileLock(self.folder / "_adobe_nb.lock", timeout=0, mode=0o600, thread_local=False)
        with suppress(Timeout):
            lock.acquire()
            return lock
        raise SnapshotError(
            f"Another process, or another cell of this one, is writing a snapshot to {self.folder}. "
            "Wait until it is done, or stop it: the next run resumes its pull."
        )

    def manifests(self) -> list[Manifest]:
        """All snapshots, oldest first. Raises SnapshotError that names a damaged manifest."""

        def read() -> list[Manifest]:
            return [read_manifest(self.folder, number) for number in numbers(self.folder)]

        return self._unless_pruned(read)

    def latest(self) -> Manifest | None:
        """The latest one; None when there is none, or its manifest is damaged."""
        present = numbers(self.folder)
        with suppress(SnapshotError):
            return read_manifest(self.folder, present[-1]) if present else None
        return None

    def since(self, moment: AsOf) -> Manifest:
        """As ``at``, but a plain date means its beginning: changes of that day come after it."""
        return self.at(moment, of_day=time.min)

    def at(self, as_of: AsOf | None = None, *, of_day: time = time.max) -> Manifest:
        """One snapshot: the latest, that of a number, or the last one finished at or before a
        moment.

        A moment without a time zone is UTC; a plain date means its end. As text: ``"3"``,
        ``"2025-03-01"``, ``"2025-03-01T10:00"``. Raises SnapshotError that names the oldest and the
        latest, ArgumentError for any other text.
        """
        return self._unless_pruned(lambda: self._at(as_of, of_day))

    def read(self, as_of: AsOf | None, read: Callable[[Manifest], Result]) -> Result:
        """The result of ``read`` for that snapshot; if it is pruned meanwhile, for its successor."""
        return self._unless_pruned(lambda: read(self._at(as_of, time.max)))

    def _unless_pruned(self, read: Callable[[], Result]) -> Result:
        """Read, and again when a snapshot was pruned meanwhile: its files look like damaged ones."""
        while True:
            before = numbers(self.folder)
            try:
                return read()
            except SnapshotError as error:
                problem = error
            if set(before) <= set(numbers(self.folder)):
                raise problem

    def _at(self, as_of: AsOf | None, of_day: time) -> Manifest:
        present = numbers(self.folder)
        if not present:
            raise SnapshotError(
                f"There is no snapshot in {self.folder} yet. Check the path, or pull one."
            )
        if as_of is None:
            return read_manifest(self.folder, present[-1])
        if manifest := self._find(present, _wanted(as_of, of_day)):
            return manifest
        oldest = _dated(read_manifest(self.folder, present[0]))
        latest = _dated(read_manifest(self.folder, present[-1]))
        others = f"the latest {latest}" if len(present) > 1 else "the only one"
        raise SnapshotError(
            f"{self.folder} has no snapshot for {as_of}. The oldest is {oldest}, {others}."
        )

    def _find(self, present: list[int], wanted: int | datetime) -> Manifest | None:
        if isinstance(wanted, int):
            return read_manifest(self.folder, wanted) if wanted in present else None
        for number in reversed(present):
            manifest = read_manifest(self.folder, number)
            if manifest.finished <= wanted:
                return manifest
        return None

    def before(self, manifest: Manifest) -> Manifest:
        """The snapshot before that one. Raises SnapshotError when it is the first."""
        earlier = [number for number in numbers(self.folder) if number < manifest.number]
        if not earlier:
            raise SnapshotError(
                f"Snapshot {manifest.number} is the first of {self.folder}: there is nothing to compare it with. "
                "Refresh it, or pull again."
            )
        return read_manifest(self.folder, earlier[-1])

    def prune(self, *, keep: int | None = None) -> list[str]:
        """Remove drafts that no run can resume, and what killed runs have left; returns the names.

        With ``keep``, only that many of the latest snapshots stay. Other people's files are never
        touched. Raises SnapshotError when another process writes here.
        """
        if keep is not None:
            _check_keep(keep)
        if not self.folder.exists():
            return []
        with writing(self.folder):
            lock = self._locked()
            try:
                old = [] if keep is None else numbers(self.folder)[:-keep]
                snapshots = [folder_of(self.folder, number) for number in old]
                useless = [*self._removed(), *snapshots, *self._stale_drafts()]
                for folder in useless:
                    disk.remove_tree(folder)
                return [folder.name for folder in useless]
            finally:
                lock.release()


def _check_keep(keep: object) -> None:
    if isinstance(keep, bool) or not isinstance(keep, int):
        raise ArgumentError(
            f"Invalid keep={keep!r}: must be the number of snapshots to keep, from 1."
        )
    if keep < 1:
        raise ArgumentError(
            f"keep={keep} would remove every snapshot. Give 1 or more, or remove the folder."
        )


def _dated(manifest: Manifest) -> str:
    """The snapshot by its number and time, for an error."""
    return f"{manifest.number} (finished {manifest.finished:%Y-%m-%d %H:%M:%S} UTC)"


def _wanted(as_of: AsOf, of_day: time) -> int | datetime:
    """The number or the moment of an argument; for a plain date, that time of the day."""
    if isinstance(as_of, str):
        as_of = _parsed(as_of.strip())
    if isinstance(as_of, datetime):
        return as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)
    if isinstance(as_of, date):
        return datetime.combine(as_of, of_day, UTC)
    return int(as_of)


def _parsed(text: str) -> int | datetime | date:
    for parse in (int, date.fromisoformat, dates.parse):
        with suppress(ValueError):
            return parse(text)
    raise ArgumentError(
        f"{text!r} is neither a snapshot's number nor a date. Examples: 3, 2025-03-01, 2025-03-01T10:00."
    )
