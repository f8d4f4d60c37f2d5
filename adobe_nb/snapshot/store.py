"""A folder of numbered snapshots: complete, never changed again, and cheap to keep.

::

    folder/
      manifest-000001.json                          made last: a snapshot is there when its manifest is
      000001/rules/property=PR…/part.parquet        a table, property by property
      000001/companies/part.parquet                 a table that belongs to no property
      000001/_about.json, 000001/_parts.jsonl       noted while it was pulled
      _draft/…                                      what is being pulled, arranged in the same way
      _adobe_nb.lock                                one writer at a time

A draft becomes a snapshot in two steps: its folder is renamed to the number, then the manifest is linked. So a numbered
folder is complete whenever anybody sees it, and who reads by path needs no manifest; readers of Parquet folders skip
``_draft``, as any name that begins so. Pulling right into the numbered folder would be one step, and would show them
half a snapshot. A kill between the steps leaves a complete folder without a manifest: the next ``begin`` makes it the
draft again. Links are made to fail when the name is taken; a rename would take its place without a word.

Everything is on the disk before it has its number: after a power cut, as after a kill, each snapshot is whole. A draft
is written without waiting for the disk, which with thousands of small files would take longer than the rest: a kill
costs nothing of it, a power cut what the system had not written yet, mostly of the last half minute.

Parts that did not change are hard links to the files of the snapshot before, so each folder is complete by itself. A
table of the company is not partitioned: Dask and Arrow cannot read a folder whose only partition is the null one.
"""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar

from filelock import BaseFileLock, FileLock, Timeout

from adobe_nb.errors import ArgumentError, SnapshotError
from adobe_nb.home import expanded
from adobe_nb.snapshot import disk
from adobe_nb.snapshot.disk import writing
from adobe_nb.snapshot.draft import Draft, begun, is_of, lay_out, plan_of
from adobe_nb.snapshot.manifest import Manifest, check_names, file_of, folder_of, numbers, read_manifest
from adobe_nb.snapshot.tables import Columns

Result = TypeVar("Result")
_FRESH = timedelta(hours=24)
_NUMBERED = re.compile(r"[0-9]{6,}")


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

    def begin(self, about: Mapping[str, Any], columns: Mapping[str, Columns], *, resume: bool = True) -> Draft:
        """A draft of the next snapshot; no other can be begun until it is closed.

        ``about`` is what is pulled, in JSON values. ``columns`` has the promised columns of every table that will be in
        the snapshot, also of those that stay empty (``api.frames.columns_of``). What a run that was cut off has left is
        taken up when both are the same and it was begun less than 24 hours ago; any other draft is removed.

        Raises SnapshotError when another process writes here, or when the folder cannot be written.
        """
        for table in columns:
            check_names(table, None)
        plan = plan_of(about, columns)
        with writing(self.folder):
            lock = self._locked()
            try:
                return self._draft(plan, resume=resume, lock=lock)
            except BaseException:
                lock.release()
                raise

    def manifests(self) -> list[Manifest]:
        """All snapshots, oldest first. Raises SnapshotError that names the manifest which is damaged."""
        return self._unless_pruned(lambda: [read_manifest(self.folder, number) for number in numbers(self.folder)])

    def latest(self) -> Manifest | None:
        """The latest one; None when there is none, or its manifest cannot be read."""
        with suppress(SnapshotError):
            return self.at()
        return None

    def since(self, moment: int | str | datetime | date) -> Manifest:
        """As ``at``, but a plain date means its beginning: so that the day itself is among what came since."""
        return self.at(moment, of_day=time.min)

    def at(self, as_of: int | str | datetime | date | None = None, *, of_day: time = time.max) -> Manifest:
        """One snapshot: the latest, that of a number, or the last one that was finished at or before a moment.

        A moment without a time zone is UTC; a plain date means its end. As text: ``"3"``, ``"2025-03-01"``,
        ``"2025-03-01T10:00"``. Raises SnapshotError that says what there is, ArgumentError for any other text.
        """
        return self._unless_pruned(lambda: self._at(as_of, of_day))

    def read(self, as_of: int | str | datetime | date | None, read: Callable[[Manifest], Result]) -> Result:
        """What ``read`` gives of that snapshot; when one is pruned meanwhile, of the one that is due then."""
        return self._unless_pruned(lambda: read(self._at(as_of, time.max)))

    def _unless_pruned(self, read: Callable[[], Result]) -> Result:
        """Read; and once more when a snapshot was pruned after it was listed: its files look like damaged ones."""
        while True:
            there = numbers(self.folder)
            try:
                return read()
            except SnapshotError as error:
                problem = error
            if set(there) <= set(numbers(self.folder)):
                raise problem

    def _at(self, as_of: int | str | datetime | date | None, of_day: time) -> Manifest:
        there = numbers(self.folder)
        if not there:
            raise SnapshotError(f"There is no snapshot in {self.folder} yet. Check the path, or pull one.")
        wanted = there[-1] if as_of is None else _wanted(as_of, of_day)
        found = self._numbered(there, wanted) if isinstance(wanted, int) else self._finished_by(there, wanted)
        if found is not None:
            return found
        oldest = _dated(read_manifest(self.folder, there[0]))
        latest = f"the latest {_dated(read_manifest(self.folder, there[-1]))}" if len(there) > 1 else "the only one"
        raise SnapshotError(f"{self.folder} has no snapshot for {as_of}. The oldest is {oldest}, {latest}.")

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
        """Remove what is of no use: drafts of more than 24 hours ago, and what killed runs have left; gives the names.

        With ``keep``, of the snapshots only so many of the latest stay. What we have not written is never touched.
        Raises SnapshotError when another process writes here.
        """
        if keep is not None and (isinstance(keep, bool) or not isinstance(keep, int)):
            raise ArgumentError(f"keep={keep!r} is no whole number: how many snapshots stay.")
        if keep is not None and keep < 1:
            raise ArgumentError(f"keep={keep} would remove every snapshot. Give 1 or more, or remove the folder.")
        if not self.folder.exists():
            return []
        with writing(self.folder):
            lock = self._locked()
            try:
                return [*self._remove_temporary(), *self._retire(keep), *self._remove_useless()]
            finally:
                lock.release()

    @property
    def _draft_folder(self) -> Path:
        return self.folder / "_draft"

    def _numbered(self, there: list[int], number: int) -> Manifest | None:
        return read_manifest(self.folder, number) if number in there else None

    def _finished_by(self, there: list[int], latest: datetime) -> Manifest | None:
        manifests = (read_manifest(self.folder, number) for number in reversed(there))
        return next((manifest for manifest in manifests if manifest.finished <= latest), None)

    def _locked(self) -> BaseFileLock:
        disk.make_folder(self.folder)
        lock = FileLock(self.folder / "_adobe_nb.lock", timeout=0, mode=0o600, thread_local=False)
        with suppress(Timeout):
            lock.acquire()
            return lock
        raise SnapshotError(
            f"Another process, or another cell of this one, is writing a snapshot to {self.folder}. Wait until it is "
            "done, or end it: the next run takes up what it has pulled."
        )

    def _draft(self, plan: Mapping[str, Any], *, resume: bool, lock: BaseFileLock) -> Draft:
        self._remove_temporary()
        if resume:
            self._take_back(plan)
        folder = self._draft_folder
        if folder.exists() and not (resume and self._is_usable(folder, plan)):
            if begun(folder) is None:
                raise SnapshotError(f"{folder} is not a draft of ours. Move it away, or choose another folder.")
            disk.remove_tree(folder)
        if not folder.exists():
            lay_out(folder, plan, self._now())
        number = max(numbers(self.folder), default=0) + 1
        while folder_of(self.folder, number).exists():  # without a manifest it is nobody's snapshot, and still stays
            number += 1
        return Draft(self.folder, folder, number, lock, self._now)

    def _take_back(self, plan: Mapping[str, Any]) -> None:
        """A folder whose run was killed between the number and the manifest becomes the draft again."""
        latest = max(numbers(self.folder), default=0)
        for folder in self._unpublished():
            if int(folder.name) > latest and not self._draft_folder.exists() and self._is_usable(folder, plan):
                folder.rename(self._draft_folder)

    def _is_usable(self, folder: Path, plan: Mapping[str, Any]) -> bool:
        return self._is_fresh(folder) and is_of(folder, plan)

    def _is_fresh(self, folder: Path) -> bool:
        started = begun(folder)
        return started is not None and self._now() - started < _FRESH

    def _unpublished(self) -> list[Path]:
        """Numbered folders of ours that have no manifest."""
        numbered = sorted(path for path in self.folder.iterdir() if _NUMBERED.fullmatch(path.name))
        return [path for path in numbered if not file_of(self.folder, int(path.name)).exists() and begun(path)]

    def _remove_temporary(self) -> list[str]:
        left = [path for path in self.folder.iterdir() if disk.is_temporary(path)]
        for path in left:
            disk.remove(path)
        return [path.name for path in left]

    def _retire(self, keep: int | None) -> list[str]:
        """Remove the snapshots before the last so many: first the manifest, so that none leads to nothing."""
        old = [] if keep is None else numbers(self.folder)[:-keep]
        for number in old:
            file_of(self.folder, number).unlink()
        return [file_of(self.folder, number).name for number in old]

    def _remove_useless(self) -> list[str]:
        latest = max(numbers(self.folder), default=0)
        folders = [folder for folder in self._unpublished() if int(folder.name) < latest or not self._is_fresh(folder)]
        if begun(self._draft_folder) and not self._is_fresh(self._draft_folder):
            folders.append(self._draft_folder)
        for folder in folders:
            disk.remove_tree(folder)
        return [folder.name for folder in folders]


def _dated(manifest: Manifest) -> str:
    """The snapshot by its number and time, for an error."""
    return f"{manifest.number} (finished {manifest.finished:%Y-%m-%d %H:%M:%S} UTC)"


def _wanted(as_of: int | str | datetime | date, of_day: time) -> int | datetime:
    """A number, or the moment that is meant; of a plain date that time."""
    if isinstance(as_of, str):
        return _wanted(_read(as_of.strip()), of_day)
    if isinstance(as_of, datetime):
        return as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)
    return datetime.combine(as_of, of_day, UTC) if isinstance(as_of, date) else int(as_of)


def _read(text: str) -> int | datetime | date:
    for read in (int, date.fromisoformat, datetime.fromisoformat):
        with suppress(ValueError):
            return read(text)
    raise ArgumentError(
        f"{text!r} is neither a snapshot's number nor a date. Examples: 3, 2025-03-01, 2025-03-01T10:00."
    )
