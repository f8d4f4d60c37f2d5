"""``adobe-nb lab``."""

import argparse
from pathlib import Path

from adobe_nb.cli.options import Commands, port


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    lab = commands.add_parser("lab", help="open JupyterLab with the tutorials")
    lab.set_defaults(run=_run)
    lab.add_argument(
        "--dir",
        type=Path,
        default=Path("adobe-nb-tutorials"),
        help="working folder (default: %(default)s)",
    )
    lab.add_argument("--port", type=port, help="port of JupyterLab (default: a free one)")
    lab.add_argument(
        "--no-browser", action="store_true", help="print the address instead of opening a browser"
    )


def _run(options: argparse.Namespace) -> int:
    from adobe_nb.lab import run  # noqa: PLC0415

    return run(options.dir, port=options.port, browser=not options.no_browser)
