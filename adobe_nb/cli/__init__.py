"""``adobe-nb``: the command line. Each command is a module that parses, and calls one function."""

import traceback
from collections.abc import Sequence

from adobe_nb import __version__
from adobe_nb.cli import audit, export, lab, pull, simulator
from adobe_nb.cli.options import Parser, fail
from adobe_nb.errors import AdobeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except AdobeError as error:
        return fail(str(error))
    except Exception:  # noqa: BLE001
        # Python would end with 1, which means findings to those who run an audit.
        traceback.print_exc()
        return 2


def _parser() -> Parser:
    parser = Parser(
        prog="adobe-nb",
        description="Adobe's tags (Reactor) API and Edge Network in notebooks.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"adobe-nb {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (audit, export, lab, pull, simulator):
        command.add(commands)
    return parser
