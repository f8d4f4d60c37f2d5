"""``%reactor``: an ad-hoc pull in one line, shown with the same in Python for the next step."""

import argparse
from typing import Any, NoReturn

import pandas as pd
from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython
from IPython.core.magic import no_var_expand
from IPython.display import display

from adobe_nb import session as sessions
from adobe_nb.errors import ArgumentError
from adobe_nb.masking import CERTAINLY_A_SECRET
from adobe_nb.notebook.history_scrubber import refusal
from adobe_nb.notebook.magics import UNCLOSED, check_variable, words_of
from adobe_nb.registry import ID_PATTERN, RESOURCES, Resource

OPTIONS = ("--filter", "--sort", "--limit", "--names", "--quiet", "-o", "--help")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}. See %reactor --help.")


def _parser() -> _Parser:
    types = "\n".join(f"  {row.type:<16} {row.about}" for row in RESOURCES.values())
    parser = _Parser(
        prog="%reactor",
        description="List resources as a table. PARENT is the name of a property, or an id.",
        epilog=f"resource types:\n{types}\n\nexamples:\n  %reactor properties\n"
        '  %reactor rules "My site" --filter name "CONTAINS home" --sort -updated_at -o rules\n'
        "  %reactor get RL0123…",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("type", nargs="?", metavar="TYPE", help="a resource type, or get")
    add("parent", nargs="*", metavar="PARENT", help="name of a property, or ids")
    add(
        "--filter",
        nargs=2,
        action="append",
        default=[],
        metavar=("ATTRIBUTE", "VALUE"),
        help='for example --filter name "CONTAINS home"; can be repeated',
    )
    add("--sort", action="append", default=[], metavar="ATTRIBUTE", help="- before it: descending")
    add("--limit", type=int, metavar="N", help="at most N rows")
    add("--names", action="store_true", help="add names beside the ids")
    add("-o", dest="variable", metavar="NAME", help="assign the table to this variable")
    add("-q", "--quiet", action="store_true", help="show nothing; for -o")
    add("-h", "--help", action="store_true", help="show this")
    return parser


@no_var_expand  # type: ignore[untyped-decorator]
def reactor_magic(line: str, cell: str | None = None) -> None:
    """List resources of the Reactor API as a table. %reactor --help lists the options."""
    words = words_of(line)
    if any(map(CERTAINLY_A_SECRET.fullmatch, words)):
        problem = refusal(words, line, cell or "")
        # A traceback can show local variables.
        line = cell = ""
        words = []
        raise UsageError(problem)
    if cell is not None:
        raise UsageError("%reactor works on one line, with one percent sign.")
    options = _options(words)
    if options.help or options.type is None:
        print(_parser().format_help())  # noqa: T201
        return
    check_variable(options.variable, "%reactor properties -o properties")
    if options.type == "get":
        frame, python = _get(options)
    else:
        frame, python = _list(options)
    if options.names:
        frame, python = sessions.reactor.with_names(frame), f"adobe_nb.with_names({python})"
    _hand_over(options, frame, python)


def _hand_over(options: argparse.Namespace, frame: pd.DataFrame, python: str) -> None:
    """Assign the frame to a variable, and show it."""
    shell = get_ipython()
    if options.variable:
        python = f"{options.variable} = {python}"
        if shell is not None:
            shell.user_ns[options.variable] = frame
    if not options.quiet:
        display(frame)
        print(f"In Python: {python}")  # noqa: T201


def _options(words: list[str]) -> argparse.Namespace:
    if words[:1] == [UNCLOSED]:
        raise UsageError("A quote is not closed.")
    arguments: list[str] = []
    for word in words:
        # argparse would take the -name of "--sort -name" for an option.
        if arguments and arguments[-1] == "--sort":
            arguments[-1] = f"--sort={word}"
        else:
            arguments.append(word)
    return _parser().parse_args(arguments)


def _list(options: argparse.Namespace) -> tuple[pd.DataFrame, str]:
    # People type the singular too.
    row = RESOURCES.get(options.type) or RESOURCES.get(f"{options.type}s")
    if row is None:
        raise UsageError(
            f"{options.type!r} is not a resource type. Choose from: {', '.join(RESOURCES)}, or get."
        )
    arguments = _arguments(options)
    # The profile of the account is a single resource.
    if not row.listed:
        return sessions.reactor.profile(), row.call
    parents = _parents(row, options.parent)
    frame: pd.DataFrame = getattr(sessions.reactor, row.type)(parents, **arguments)
    shown = [f"{name}={value!r}" for name, value in arguments.items()]
    if parents is not None:
        shown.insert(0, repr(parents))
    return frame, f"reactor.{row.type}({', '.join(shown)})"


def _arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Return filter, sort and limit as keyword arguments of a list."""
    filters: dict[str, str | bool] = {}
    for attribute, text in options.filter:
        if attribute in filters:
            raise UsageError(
                f"--filter {attribute} is used twice. For a range: "
                f'--filter {attribute} "BETWEEN 2026-01-01,2026-02-01"'
            )
        filters[attribute] = {"true": True, "false": False}.get(text.lower(), text)
    arguments: dict[str, Any] = {}
    if filters:
        arguments["filter"] = filters
    if options.sort:
        arguments["sort"] = _one_or_all(options.sort)
    if options.limit is not None:
        arguments["limit"] = options.limit
    return arguments


def _get(options: argparse.Namespace) -> tuple[pd.DataFrame, str]:
    if options.filter or options.sort or options.limit is not None:
        raise UsageError("get accepts ids, not filter, sort or limit.")
    frames = sessions.reactor.get(*options.parent)
    if len(frames) != 1:
        raise UsageError("get shows resources of one type at a time.")
    ((name, frame),) = frames.items()
    return frame, f"reactor.{name}.get({', '.join(map(repr, options.parent))})"


def _one_or_all(values: list[str]) -> str | list[str]:
    if len(values) == 1:
        return values[0]
    return values


def _parents(row: Resource, words: list[str]) -> str | list[str] | None:
    """Return ids as they are, or the id of the property of that name (for properties: company)."""
    if not words:
        return None
    if all(map(ID_PATTERN.fullmatch, words)):
        return _one_or_all(words)
    if len(words) > 1:
        raise UsageError('Quote a name that has spaces, such as %reactor rules "My site".')
    if not row.parents:
        raise ArgumentError(f"{row.type} have no parent: %reactor {row.type}")
    above = "properties"
    if "companies" in row.parents:
        above = "companies"
    if above not in {*row.parents, *row.through}:
        raise ArgumentError(f"{row.type} are listed under {' or '.join(row.parents)}: pass an id.")
    return str(sessions.reactor.find(above, words[0])["id"].iloc[0])
