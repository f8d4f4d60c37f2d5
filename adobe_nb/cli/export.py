"""``adobe-nb export``."""

import argparse
from pathlib import Path

from adobe_nb.cli.options import Commands, count, fail, show


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    export = commands.add_parser(
        "export",
        help="send tables of a snapshot to a store, for other tools",
        description="Export the tables of the latest snapshot in a folder to a folder or URL, as "
        "Parquet files or Delta tables. Only what changed is sent. An interrupted export resumes "
        "when it is run again. Credentials of the store come from its own environment variables.",
    )
    export.set_defaults(run=_run)
    export.add_argument("folder", type=Path, help="folder of the snapshots")
    export.add_argument("url", help="folder or URL, such as s3://bucket/tags")
    export.add_argument("--format", choices=("parquet", "delta"), default="parquet")
    export.add_argument("--table", action="append", metavar="NAME", help="a table; can be repeated")
    export.add_argument(
        "--as-of", metavar="N|DATE", help="a snapshot: its number, or a date (the latest)"
    )
    export.add_argument("--keep", type=count, metavar="N", help="keep only the latest N exports")


def _run(options: argparse.Namespace) -> int:
    from adobe_nb import snapshot  # noqa: PLC0415

    try:
        tables = snapshot.export(
            options.folder,
            options.url,
            format=options.format,
            tables=options.table,
            as_of=options.as_of,
            keep=options.keep,
        )
    except KeyboardInterrupt:
        # 130 is what shells report after Ctrl-C.
        fail("interrupted. Earlier exports are unchanged. Run the same command again to resume.")
        return 130
    for table in tables.itertuples():
        show(f"{table.rows:>10,}  {table.location}")
    files, size = tables["files_sent"].sum(), tables["bytes_sent"].sum()
    show(f"Snapshot {tables['snapshot'].iloc[0]}: {files:,} files sent, {size:,} bytes")
    return 0
