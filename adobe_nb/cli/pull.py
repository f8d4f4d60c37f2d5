"""``adobe-nb pull``."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

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
from adobe_nb.errors import ArgumentError

if TYPE_CHECKING:
    from adobe_nb.snapshot import Snapshot


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    pull = commands.add_parser(
        "pull",
        help="store properties as tables on disk",
        description="Store everything in some properties (default: all that you can access) as the "
        "next snapshot in a folder. An interrupted pull resumes when it is run again.",
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
    add_credentials(pull.add_mutually_exclusive_group(), "pull from the built-in simulator")


def _run(options: argparse.Namespace) -> int:
    # A refresh continues what the latest snapshot contains.
    if options.refresh and (options.property or options.table or options.no_resume):
        raise ArgumentError(
            "--refresh reads the properties and tables of the latest snapshot, and resumes by "
            "itself. Leave --property, --table and --no-resume out."
        )
    if options.keep == 0:
        raise ArgumentError("--keep 0 would remove every snapshot. Pass 1 or more.")
    try:
        stored, removed = _store(options)
    except KeyboardInterrupt:
        # 130 is what shells report after Ctrl-C.
        fail("interrupted. The snapshots are unchanged. Run the same command again to resume.")
        return 130
    for table in stored.tables:
        rows = sum(part.rows for part in stored.parts_of(table))
        print(f"{rows:>10,}  {table}")  # noqa: T201
    text = f"Snapshot {stored.number} in {stored.data}"
    if removed:
        text += f"; removed: {', '.join(removed)}"
    show(text)
    return 0


def _store(options: argparse.Namespace) -> "tuple[Snapshot, list[str]]":
    """Store a snapshot; return it, and the names of those that were removed."""
    from adobe_nb import snapshot  # noqa: PLC0415

    session = connect(options, options.concurrency)
    if options.refresh:
        stored = snapshot.refresh(options.folder, session=session)
    else:
        properties = list(map(partial(property_id, session), options.property or ()))
        stored = snapshot.pull(
            properties or None,
            to=options.folder,
            tables=options.table,
            resume=not options.no_resume,
            session=session,
        )
    if not options.keep:
        return stored, []
    return stored, snapshot.prune(options.folder, keep=options.keep)
