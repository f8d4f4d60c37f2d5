"""``adobe-nb``: the command line. Each command is a module that parses, and calls one function."""

import os
import sys
import traceback
from collections.abc import Sequence

from adobe_nb import __version__
from adobe_nb.cli import audit, doctor, export, lab, pull, pull_many, simulator
from adobe_nb.cli.options import Parser, fail
from adobe_nb.errors import AdobeError

# What a shell says of a program that the signal SIGPIPE ended.
_BROKEN_PIPE = 128 + 13


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    try:
        return _run(arguments)
    except BrokenPipeError:
        # The reader, such as head, has what it wants. Python would write the rest as it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE


def _run(arguments: Sequence[str] | None) -> int:
    try:
        try:
            options = _parser().parse_args(arguments)
            return int(options.run(options))
        finally:
            # Here, so that a full disk is an error of the command.
            sys.stdout.flush()
    except BrokenPipeError:
        raise
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
    for command in (audit, doctor, export, lab, pull, pull_many, simulator):
        command.add(commands)
    return parser
