"""Pull many organizations: one task each, and a row that says how it ended.

A task names a profile and holds no secret, so it can run anywhere: in a thread here, or on a worker
of a cluster (``cluster``). A task ends when it is done, or when the folder of its run disappears:
that also stops tasks on machines that the caller cannot reach any more.
"""

import json
import shutil
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from adobe_nb.api.progress import Meter
from adobe_nb.auth.credentials import is_organization_id
from adobe_nb.auth.profiles import Profile, no_such_profile, profiles
from adobe_nb.errors import AdobeError, ArgumentError, CredentialsError, SnapshotError
from adobe_nb.http.limiter import Limiter
from adobe_nb.http.workers import Cancelled, ended, map_unordered, worker
from adobe_nb.masking import masked_message, printable
from adobe_nb.session import Session, connect
from adobe_nb.snapshot import disk, pulling, refreshing
from adobe_nb.snapshot.comparison import number_of_changes
from adobe_nb.snapshot.live import Live
from adobe_nb.snapshot.manifest import numbers
from adobe_nb.snapshot.plan import checked_tables
from adobe_nb.snapshot.store import SnapshotFolder
from adobe_nb.snapshot.tables import library
from adobe_nb.suggest import did_you_mean

if TYPE_CHECKING:
    from distributed import Client

Profiles = str | Profile | pd.DataFrame | pd.Series | Iterable[str | Profile]
"""Names of saved profiles, a frame or column of them, or what ``adobe_nb.profiles()`` returns."""
Row = dict[str, Any]
"""How a task ended, in values of JSON."""
Report = Callable[[Mapping[str, Any]], object]
"""Takes the progress of a task: organization, state, requests, rows, and seconds waited."""
Turn = Callable[[str, Callable[[], object]], AbstractContextManager[None]]
"""Given an organization and a pause, a context in which the organization may be read."""

AT_ONCE = 4
"""Organizations that are read at once on this machine: more would share one processor core."""
_PAUSE = 0.5
"""Seconds between two reports of a task, and between two looks for the folder of its run."""
_COLUMNS = {
    "organization": "string",
    "profile": "string",
    "profiles": "string",
    "state": "string",
    "snapshot": "Int64",
    "rows": "Int64",
    "changed": "Int64",
    "requests": "Int64",
    "waited": "Float64",
    "seconds": "Float64",
    "folder": "string",
    "error": "string",
}


@dataclass(frozen=True)
class Task:
    """One organization to pull."""

    organization: str
    profiles: tuple[str, ...]
    """The saved profiles of the organization that were named; the first one pulls."""
    folder: str
    """The snapshots of the organization."""
    run: str
    """A folder that exists while the caller waits for the task."""
    refresh: bool
    tables: tuple[str, ...] | None

    def row(self, state: str, **columns: object) -> Row:
        """Return the row of the answer."""
        row: Row = dict.fromkeys(_COLUMNS)
        row.update(organization=self.organization, folder=self.folder, state=state)
        if self.profiles:
            row.update(profile=self.profiles[0], profiles=", ".join(self.profiles))
        return row | columns


def run(
    profiles: Profiles | None,
    to: str | Path,
    *,
    tables: Sequence[str] | str | None = None,
    refresh: bool = False,
    client: "Client | None" = None,
    at_once: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Pull or refresh these organizations: see ``snapshot.pull_many``, ``snapshot.refresh_many``."""
    # Nothing can be stored without pyarrow: report that before any request.
    library("pyarrow")
    folder = SnapshotFolder(to).path
    if tables is not None:
        tables = tuple(checked_tables(tables))
    _check_placement(client, at_once)
    organizations = _organizations(profiles, folder, refresh=refresh)
    if not organizations:
        return _answer([])
    with _run_folder(folder) as marker:
        tasks = []
        for organization, names in organizations.items():
            own = str(folder / organization)
            tasks.append(Task(organization, names, own, str(marker), refresh, tables))
        rows = _rows(tasks, client, at_once or AT_ONCE, Live(organizations, shown=progress))
    return _answer(rows)


def _answer(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


def _check_placement(client: "Client | None", at_once: int | None) -> None:
    if client is not None:
        # Only those who pass a client need to have the library.
        from adobe_nb.snapshot import cluster  # noqa: PLC0415

        cluster.check(client)
        if at_once is not None:
            raise ArgumentError(
                "at_once is for pulls on this machine. On a cluster, the threads of its workers "
                "decide: dask worker --nthreads."
            )
    elif at_once is not None and (type(at_once) is not int or at_once < 1):
        raise ArgumentError(f"Invalid at_once={at_once!r}: must be a whole number from 1.")


def _organizations(
    chosen: Profiles | None, folder: Path, *, refresh: bool
) -> dict[str, tuple[str, ...]]:
    """Return the names of the profiles of each organization to pull."""
    if refresh and chosen is None:
        return _profiles_of_folder(folder)
    return _by_organization(_named(chosen))


def _named(chosen: Profiles | None) -> list[Profile]:
    """Return these saved profiles, by default all. Raises ArgumentError for an unknown name."""
    saved = {profile.name: profile for profile in profiles()}
    names = list(saved)
    if chosen is not None:
        names = list(dict.fromkeys(_names_in(chosen)))
    elif not saved:
        raise ArgumentError(
            "There are no profiles to pull. Save one for each organization: "
            "%adobe_auth login --save NAME, or connect(…).save(NAME)."
        )
    for name in names:
        if name not in saved:
            raise ArgumentError(f"{no_such_profile(name)}.{did_you_mean(name, saved)}")
    return list(map(saved.__getitem__, names))


def _names_in(chosen: Profiles) -> Iterator[str]:
    if isinstance(chosen, str | Profile):
        chosen = [chosen]
    if isinstance(chosen, pd.DataFrame):
        # The column of our own answer, so that the rows that failed can be passed again.
        column = next((name for name in ("profile", "name") if name in chosen), None)
        if column is None:
            raise ArgumentError(
                "A frame of profiles requires a column profile or name; this one has: "
                f"{', '.join(map(str, chosen)) or 'none'}."
            )
        chosen = chosen[column].dropna()
    several = chosen if isinstance(chosen, Iterable) else [chosen]
    for profile in several:
        if isinstance(profile, Profile):
            yield profile.name
        elif isinstance(profile, str):
            yield profile
        else:
            raise ArgumentError(
                f"Expected the names of saved profiles, got {profile!r}. "
                "adobe_nb.profiles() lists them."
            )


def _by_organization(chosen: Iterable[Profile]) -> dict[str, tuple[str, ...]]:
    """Return the names of the profiles of each organization."""
    grouped: dict[str, tuple[str, ...]] = {}
    for profile in chosen:
        if not is_organization_id(profile.org_id):
            raise ArgumentError(
                f"Profile {profile.name} has an invalid organization ID {profile.org_id!r}. Sign "
                f"in and save it again: %adobe_auth login --save {profile.name}"
            )
        grouped[profile.org_id] = (*grouped.get(profile.org_id, ()), profile.name)
    return grouped


def _profiles_of_folder(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the saved profiles of each organization that has snapshots in the folder."""
    stored = []
    if folder.is_dir():
        with disk.reading(folder):
            children = sorted(folder.iterdir())
        for path in children:
            if is_organization_id(path.name) and _has_snapshots(path):
                stored.append(path.name)
    if not stored:
        raise SnapshotError(
            f"There is no snapshot of an organization in {folder} yet. Check the path, or pull "
            "first: snapshot.pull_many(to=…)."
        )
    grouped = _by_organization(profile for profile in profiles() if profile.org_id in stored)
    return {organization: grouped.get(organization, ()) for organization in stored}


def _has_snapshots(folder: Path) -> bool:
    try:
        return bool(numbers(folder))
    except SnapshotError:
        # Its refresh raises the error again, for the row of this organization.
        return True


@contextmanager
def _run_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder that tells all workers that they see the same storage, and that we wait."""
    marker = folder / f".adobe_nb-run-{uuid.uuid4().hex}"
    with disk.writing(folder):
        disk.make_folder(marker)
    try:
        yield marker
    finally:
        shutil.rmtree(marker, ignore_errors=True)


def _rows(tasks: Sequence[Task], client: "Client | None", at_once: int, live: Live) -> list[Row]:
    """Return a row for each task, in their order."""
    rows: dict[str, Row] = {}
    startable = []
    for task in tasks:
        if task.profiles:
            startable.append(task)
        else:
            error = "There is no saved profile of this organization. Save one, or name others."
            rows[task.organization] = task.row("failed", error=error)
    with live, closing(_finished(startable, client, at_once, live)) as finished:
        for row in finished:
            rows[row["organization"]] = row
            live.report(row)
    return [rows[task.organization] for task in tasks]


def _finished(
    tasks: Sequence[Task], client: "Client | None", at_once: int, live: Live
) -> Generator[Row, None, None]:
    """Yield the row of each task when it ends."""
    if client is not None:
        from adobe_nb.snapshot import cluster  # noqa: PLC0415

        yield from cluster.finished(client, tasks, live)
        return
    results = map_unordered(
        lambda task: work(task, live.report), tasks, threads=lambda: at_once, tick=live.update
    )
    with ended(results) as pairs:
        for _, row in pairs:
            yield row


@dataclass
class _Watch(Meter):
    """Reports the progress of a task, and ends it when the caller no longer waits."""

    task: Task
    report: Report
    limiter: Limiter | None = None
    state: str = "waiting"
    requests: int = 0
    rows: int = 0
    waited: float = 0.0
    began: float = field(default_factory=time.monotonic)
    _sent_before: int = 0
    _seen: float = field(default_factory=time.monotonic)
    _reported: float = 0.0

    def follow(self, session: Session) -> None:
        """Count the requests of the session from now on, and show its progress here."""
        self.limiter = session.client.limiter
        self._sent_before = self.limiter.sent
        session.client.progress = self._progress

    def _progress(self, label: str) -> AbstractContextManager[Meter]:
        self.enter(label)
        return nullcontext(self)

    def enter(self, state: str) -> None:
        """Report another state. Raises Cancelled when the run has ended."""
        self.state = state
        self._reported = 0.0
        self.update()

    def done(self, requests: int = 1, *, rows: int = 0) -> None:  # noqa: ARG002
        """Count the rows. The limiter counts the requests, with retries."""
        self.rows += rows

    def update(self) -> None:
        """Report from time to time. Raises Cancelled when the run has ended."""
        now = time.monotonic()
        if self.state == "waiting" or (self.limiter and self.limiter.is_waiting):
            self.waited += now - self._seen
        self._seen = now
        if self.limiter:
            self.requests = self.limiter.sent - self._sent_before
        if now - self._reported < _PAUSE:
            return
        self._reported = now
        if not Path(self.task.run).is_dir():
            raise Cancelled
        self.report({"organization": self.task.organization, "state": self.state, **self.counts()})

    def wait(self) -> None:
        """Pause for a moment because of another pull of the organization."""
        time.sleep(_PAUSE)
        self.update()

    def counts(self) -> dict[str, Any]:
        """Return the numbers of the row."""
        return {"requests": self.requests, "rows": self.rows, "waited": round(self.waited, 1)}

    def row(self, state: str, **columns: object) -> Row:
        """Return the row of the answer."""
        seconds = round(time.monotonic() - self.began, 1)
        return self.task.row(state, **{**self.counts(), "seconds": seconds, **columns})


@contextmanager
def _without_waiting(organization: str, wait: Callable[[], object]) -> Iterator[None]:  # noqa: ARG001
    """Wait for nothing: in this process, each organization has one task."""
    yield


def work(task: Task, report: Report, turn: Turn = _without_waiting) -> Row:
    """Pull the organization, and return its row: an error is a row, too.

    ``turn`` waits until the organization may be read. Raises Cancelled when the run has ended.
    """
    watch = _Watch(task, report)
    outer = worker.cancellation
    # In a thread of map_unordered, the calls of the pull would have only that thread.
    worker.cancellation, worker.tick = None, watch.update
    try:
        watch.enter("waiting")
        snapshots = SnapshotFolder(task.folder)
        # Before the sign-in: two pulls of an organization would also share its limit.
        with turn(task.organization, watch.wait), snapshots.reserved(watch.wait):
            row = _stored_row(task)
            if row is None:
                row = _pulled(task, snapshots, watch)
                _store_row(task, row)
            return row
    # One organization must not stop the others, whatever its error is.
    except Exception as error:  # noqa: BLE001
        return watch.row("failed", error=error_text(error))
    finally:
        worker.cancellation, worker.tick = outer, None


def _pulled(task: Task, snapshots: SnapshotFolder, watch: _Watch) -> Row:
    watch.enter("signing in")
    session = connect(profile=task.profiles[0], make_default=False, progress=False, journal=False)
    try:
        if session.org_id != task.organization:
            raise CredentialsError(
                f"Profile {task.profiles[0]} belongs to {session.org_id} there, and to "
                f"{task.organization} on the machine that started the pull. Save it again there."
            )
        watch.follow(session)
        if task.refresh and numbers(snapshots.path):
            made = refreshing.refresh(session, snapshots)
        else:
            made = pulling.pull(session, None, snapshots, task.tables, resume=True)
        watch.update()
        rows = sum(map(attrgetter("rows"), made.parts))
        changed = number_of_changes(made)
        return watch.row("done", snapshot=made.number, rows=rows, changed=changed)
    except Exception as error:  # noqa: BLE001
        # While the session lives, its secrets are masked.
        return watch.row("failed", error=error_text(error))
    finally:
        session.sign_out()


def error_text(error: Exception) -> str:
    """Return the message of an error, without the secrets of this process's sessions."""
    text = str(error)
    if not isinstance(error, AdobeError):
        text = f"{type(error).__name__}: {masked_message(text)}"
    return printable(text)


def _stored_row(task: Task) -> Row | None:
    """Return the row of an earlier attempt at this task, whose worker was believed lost."""
    with suppress(OSError, ValueError):
        row: Row = json.loads(_row_file(task).read_text(encoding="utf-8"))
        return row
    return None


def _store_row(task: Task, row: Row) -> None:
    # Without it, a second attempt makes another snapshot: no reason to fail.
    with suppress(OSError):
        content = json.dumps(row).encode()
        disk.write(_row_file(task), lambda file: file.write(content))


def _row_file(task: Task) -> Path:
    return Path(task.run) / f"{task.organization}.json"
