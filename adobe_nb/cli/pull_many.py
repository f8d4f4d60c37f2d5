"""``adobe-nb pull-many``."""

import argparse
from collections.abc import Hashable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adobe_nb.cli.options import Commands, count, fail, show
from adobe_nb.errors import ArgumentError

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    pull = commands.add_parser(
        "pull-many",
        help="store many organizations as tables on disk",
        description="Store all properties of many organizations, each as the next snapshot in a "
        "folder of its own. An interrupted pull resumes when it is run again. The status is 2 when "
        "an organization failed; the others are stored.",
    )
    pull.set_defaults(run=_run)
    pull.add_argument("folder", type=Path, help="folder of the folders, one for each organization")
    pull.add_argument(
        "--profile",
        action="append",
        metavar="NAME",
        help="a saved profile; can be repeated (default: all; with --refresh, those of the "
        "organizations in the folder)",
    )
    pull.add_argument(
        "--refresh", action="store_true", help="read only what changed since the latest snapshots"
    )
    pull.add_argument("--table", action="append", metavar="NAME", help="a table; can be repeated")
    place = pull.add_mutually_exclusive_group()
    place.add_argument(
        "--scheduler", metavar="URL", help="a Dask scheduler whose workers pull (tcp://…:8786)"
    )
    place.add_argument(
        "--at-once", type=count, metavar="N", help="organizations to read at once here (4)"
    )


def _run(options: argparse.Namespace) -> int:
    if options.refresh and options.table:
        raise ArgumentError(
            "--refresh reads the tables of the latest snapshots. Leave --table out."
        )
    try:
        rows = _pull(options)
    except KeyboardInterrupt:
        # 130 is what shells report after Ctrl-C.
        fail("interrupted. The snapshots are unchanged. Run the same command again to resume.")
        return 130
    for row in rows[rows["error"].isna()].to_dict("records"):
        show(_line(row))
    failed = rows[rows["error"].notna()]
    for row in failed.to_dict("records"):
        fail(f"{row['organization']}: {row['error']}")
    if len(failed):
        return 2
    return 0


def _line(row: Mapping[Hashable, Any]) -> str:
    text = f"{row['organization']}: snapshot {row['snapshot']}, {row['rows']:,} rows"
    # There is nothing to compare the first snapshot with.
    if row["snapshot"] > 1:
        text += f", {row['changed']:,} changed"
    return f"{text}, {row['seconds']:,.1f} s"


def _pull(options: argparse.Namespace) -> "pd.DataFrame":
    from adobe_nb import snapshot  # noqa: PLC0415

    pull = partial(snapshot.pull_many, to=options.folder, tables=options.table)
    if options.refresh:
        pull = partial(snapshot.refresh_many, options.folder)
    with _client(options.scheduler) as client:
        return pull(profiles=options.profile, client=client, at_once=options.at_once)


def _client(scheduler: str | None) -> "AbstractContextManager[Client | None]":
    if scheduler is None:
        return nullcontext()
    from adobe_nb.snapshot import cluster  # noqa: PLC0415

    return cluster.connected(scheduler)
