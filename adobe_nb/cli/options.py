"""What several commands have: their parser, kinds of values, and where credentials come from."""

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from adobe_nb.errors import IncompleteCredentials, NoCredentials
from adobe_nb.masking import printable
from adobe_nb.registry import ID_PATTERN

if TYPE_CHECKING:
    from adobe_nb.session import Session


class Parser(argparse.ArgumentParser):
    """A parser, also of a command, whose errors are printable."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and an error, and exit with status 2."""
        super().error(printable(message))


# argparse has no public name for it.
Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


def add_credentials(source: "argparse._MutuallyExclusiveGroup", simulator: str) -> None:
    """Add the options that say where credentials come from."""
    source.add_argument(
        "--profile", metavar="NAME", help="credentials: a profile saved on this machine"
    )
    source.add_argument("--env-file", type=Path, metavar="FILE", help="credentials: a .env file")
    source.add_argument("--simulator", action="store_true", help=simulator)


def connect(
    options: argparse.Namespace, concurrency: int | None = None, *, progress: bool = True
) -> "Session":
    """Return a session with the credentials of the options."""
    # Commands import what they need: loading pandas would delay --help.
    from adobe_nb import session  # noqa: PLC0415

    try:
        return session.connect(
            profile=options.profile,
            env_file=options.env_file,
            simulator=options.simulator,
            concurrency=concurrency,
            progress=progress,
        )
    except IncompleteCredentials:
        raise
    except NoCredentials:
        raise NoCredentials(
            "No credentials were found. Put ADOBE_CLIENT_ID, ADOBE_CLIENT_SECRET and ADOBE_ORG_ID "
            "into a .env file, pass --profile or --env-file, or try it without an account: "
            "--simulator."
        ) from None


def property_name(text: str) -> str:
    """Return the name or id of a property; blank ones are refused."""
    if not text.strip():
        raise argparse.ArgumentTypeError("expected the name or id of a property, such as 'My site'")
    return text


def property_id(session: "Session", name: str) -> str:
    """Return the id of a property that is named by its id or its name."""
    if ID_PATTERN.fullmatch(name):
        return name
    return str(session.reactor.find("properties", name).loc[0, "id"])


def _within(convert: Callable[[str], float], expected: str, maximum: float, text: str) -> float:
    with suppress(ValueError):
        number = convert(text)
        if 0 <= number <= maximum:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")


count = partial(_within, int, "an integer of 0 or more", sys.maxsize)
number = partial(_within, float, "a number of 0 or more", sys.float_info.max)
port = partial(_within, int, "a port from 0 to 65535", 65535)


def show(text: str) -> None:
    """Print a text, with escapes for what the terminal cannot display."""
    encoding = sys.stdout.encoding or "utf-8"
    print(printable(text).encode(encoding, "backslashreplace").decode(encoding))  # noqa: T201


def fail(message: str) -> int:
    """Print an error; return the exit status of errors."""
    print(printable(f"adobe-nb: {message}"), file=sys.stderr)  # noqa: T201
    return 2
