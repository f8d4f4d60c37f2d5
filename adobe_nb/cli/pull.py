"""``adobe-nb pull``: also for schedulers, which go by its exit status and its line of JSON."""

import argparse
import json
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adobe_nb.cli.options import (
    Commands,
    add_credentials,
    connect,
    count,
    fail,
    property_id,
    property_name,
    show,
)
from adobe_nb.errors import (
    AdobeError,
    ArgumentError,
    CredentialsError,
    NotAllowed,
    SignInError,
    SnapshotError,
    SnapshotWarning,
)
from adobe_nb.masking import masked_message

if TYPE_CHECKING:
    from adobe_nb.session import Session
    from adobe_nb.snapshot import Snapshot
    from adobe_nb.snapshot.store import SnapshotFolder

# 75 is EX_TEMPFAIL of sysexits.h. Shells report a signal as 128 and its number.
_FAILED, _REFUSED, _LOCKED, _SIGNALED = 1, 2, 75, 128
_STATUSES = """\
exit status:
  0    the snapshot is stored
  1    the pull failed: the service, the network, the disk or a stored snapshot
  2    wrong usage, or credentials that are missing, refused or lack a right
  75   another run is writing to the folder
  130  Ctrl-C
  143  SIGTERM
After 1, 130 and 143 the same command resumes the pull.
"""
_PAUSE = 0.5
"""Seconds between two attempts to lock the folder."""


class _Locked(SnapshotError):
    """Another run is writing to the folder."""


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    pull = commands.add_parser(
        "pull",
        help="store properties as tables on disk",
        description="Store everything in some properties (default: all that you can access) as the\n"
        "next snapshot in a folder. An interrupted pull resumes when it is run again.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_STATUSES,
    )
    pull.set_defaults(run=_run)
    pull.add_argument("folder", type=Path, help="folder of the snapshots")
    pull.add_argument(
        "--refresh", action="store_true", help="read only what changed since the latest snapshot"
    )
    pull.add_argument(
        "--property",
        action="append",
        type=property_name,
        metavar="ID|NAME",
        help="a property; can be repeated",
    )
    pull.add_argument("--table", action="append", metavar="NAME", help="a table; can be repeated")
    pull.add_argument("--keep", type=count, metavar="N", help="keep only the latest N snapshots")
    pull.add_argument(
        "--concurrency", type=count, metavar="N", help="maximum number of parallel requests (16)"
    )
    pull.add_argument(
        "--no-resume", action="store_true", help="start over instead of resuming an earlier pull"
    )
    pull.add_argument(
        "--wait", action="store_true", help="wait until no other run is writing to the folder"
    )
    pull.add_argument(
        "--json",
        action="store_true",
        help="print one line of JSON instead, also after a failure: organization, snapshot, rows, "
        "changed, seconds, error",
    )
    pull.add_argument("--quiet", action="store_true", help="print errors only, and the JSON")
    add_credentials(pull.add_mutually_exclusive_group(), "pull from the built-in simulator")


def _run(options: argparse.Namespace) -> int:
    began = time.monotonic()
    line: dict[str, Any] = dict.fromkeys(("organization", "snapshot", "rows", "changed"))
    status, error = 0, None
    with _interrupted_by_signals() as received:
        try:
            _store(options, line)
        except KeyboardInterrupt:
            error = (
                "interrupted. The snapshots are unchanged. Run the same command again to resume."
            )
            status = _SIGNALED + next(iter(received), signal.SIGINT)
        except AdobeError as problem:
            status, error = _status(problem), str(problem)
        except Exception as problem:  # noqa: BLE001
            traceback.print_exc()
            status, error = _FAILED, f"{type(problem).__name__}: {masked_message(str(problem))}"
    if error is not None:
        fail(error)
    if options.json:
        seconds = round(time.monotonic() - began, 3)
        show(json.dumps({**line, "seconds": seconds, "error": error}))
    return status


@contextmanager
def _interrupted_by_signals() -> Iterator[list[int]]:
    """End what runs in this block on SIGTERM as on Ctrl-C; yield the signals that arrived."""
    received: list[int] = []

    def interrupt(number: int, _: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    # Python allows other threads no handlers.
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, before)


def _status(error: AdobeError) -> int:
    """Return the exit status: whether to run it again later, or to correct something first."""
    if isinstance(error, _Locked):
        return _LOCKED
    if isinstance(error, SignInError):
        # Without a status, a token has expired or is unusable.
        is_temporary = error.status is not None and (error.status == 429 or error.status >= 500)
        return _FAILED if is_temporary else _REFUSED
    if isinstance(error, (ArgumentError, CredentialsError, NotAllowed)):
        return _REFUSED
    return _FAILED


def _store(options: argparse.Namespace, line: dict[str, Any]) -> None:
    """Store a snapshot, complete the line about it, and show it."""
    from adobe_nb.snapshot.comparison import number_of_changes  # noqa: PLC0415
    from adobe_nb.snapshot.store import SnapshotFolder  # noqa: PLC0415

    # A refresh continues what the latest snapshot contains.
    if options.refresh and (options.property or options.table or options.no_resume):
        raise ArgumentError(
            "--refresh reads the properties and tables of the latest snapshot, and resumes by "
            "itself. Leave --property, --table and --no-resume out."
        )
    if options.keep == 0:
        raise ArgumentError("--keep 0 would remove every snapshot. Pass 1 or more.")
    session = connect(options, options.concurrency, progress=not options.quiet)
    line["organization"] = session.org_id
    snapshots = SnapshotFolder(options.folder)
    with snapshots.reserved(_wait(options)):
        stored = _stored(options, session, snapshots)
        line["snapshot"] = stored.number
        line["rows"] = sum(part.rows for part in stored.parts)
        line["changed"] = number_of_changes(stored)
        removed = []
        if options.keep:
            removed = snapshots.prune(keep=options.keep)
    if not options.json and not options.quiet:
        _show(stored, line["changed"], removed)


def _wait(options: argparse.Namespace) -> Callable[[], object]:
    """Return what to do while another run is writing to the folder."""
    if options.wait:
        return partial(time.sleep, _PAUSE)

    def refuse() -> None:
        raise _Locked(
            f"Another run is writing to {options.folder}. Run this again later, or pass --wait."
        )

    return refuse


def _stored(
    options: argparse.Namespace, session: "Session", snapshots: "SnapshotFolder"
) -> "Snapshot":
    from adobe_nb.snapshot import pulling, refreshing  # noqa: PLC0415

    with warnings.catch_warnings():
        if options.quiet:
            warnings.simplefilter("ignore", SnapshotWarning)
        if options.refresh:
            return refreshing.refresh(session, snapshots)
        properties = list(map(partial(property_id, session), options.property or ()))
        return pulling.pull(
            session, properties or None, snapshots, options.table, resume=not options.no_resume
        )


def _show(stored: "Snapshot", changed: int | None, removed: Sequence[str]) -> None:
    for table in stored.tables:
        rows = sum(part.rows for part in stored.parts_of(table))
        show(f"{rows:>10,}  {table}")
    text = f"Snapshot {stored.number} in {stored.data}"
    if changed is not None:
        text += f"; resources that changed: {changed:,}"
    if removed:
        text += f"; removed: {', '.join(removed)}"
    show(text)
