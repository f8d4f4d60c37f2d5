"""``%reactor``: an ad-hoc pull in one line, and the same in Python for the next step."""

import argparse
import keyword
from typing import Any, NoReturn

import pandas as pd
from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython
from IPython.core.magic import no_var_expand
from IPython.display import display

from adobe_nb import session as sessions
from adobe_nb.errors import ArgumentError
from adobe_nb.notebook.history_scrubber import SURELY_A_SECRET, refusal
from adobe_nb.notebook.magics import words_of
from adobe_nb.registry import ID_PATTERN, RESOURCES, Resource

OPTIONS = ("--filter", "--sort", "--limit", "--names", "--quiet", "-o", "--help")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}. %reactor --help shows how.")


def _parser() -> _Parser:
    listed = "\n".join(f"  {row.type:<16} {row.about}" for row in RESOURCES.values())
    parser = _Parser(
        prog="%reactor",
        description="List resources as a table. PARENT is the name of a property, or an id.",
        epilog=f"resource types:\n{listed}\n\nexamples:\n"
        '  %reactor properties\n  %reactor rules "My site" --filter name "CONTAINS home" --sort -updated_at -o rules\n'
        "  %reactor get RL0123…",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("type", nargs="?", metavar="TYPE", help="a resource type, or get")
    parser.add_argument("parent", nargs="*", metavar="PARENT", help="name of a property, or ids")
    parser.add_argument(
        "--filter",
        nargs=2,
        action="append",
        default=[],
        metavar=("ATTRIBUTE", "VALUE"),
        help='as in --filter name "CONTAINS home"; may be given several times',
    )
    parser.add_argument(
        "--sort", action="append", default=[], metavar="ATTRIBUTE", help="- before it: descending"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many rows")
    parser.add_argument("--names", action="store_true", help="names beside the ids")
    parser.add_argument(
        "-o", dest="variable", metavar="NAME", help="put the table into this variable"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="show nothing; for -o")
    parser.add_argument("-h", "--help", action="store_true", help="show this")
    return parser


@no_var_expand  # type: ignore[untyped-decorator]
def reactor_magic(line: str, cell: str | None = None) -> None:
    """List resources of the Reactor API as a table. %reactor --help shows how."""
    words = words_of(line)
    if any(SURELY_A_SECRET.fullmatch(word) for word in words):
        problem = refusal(words, line, cell or "")
        line = cell = ""
        words = []
        raise UsageError(problem)
    if cell is not None:
        raise UsageError("%reactor is for one line, with one percent sign.")
    options = _options(words)
    if options.help or options.type is None:
        print(_parser().format_help())  # noqa: T201
        return
    if options.variable and (
        not options.variable.isidentifier() or keyword.iskeyword(options.variable)
    ):
        raise UsageError("-o wants the name of a variable: %reactor properties -o properties")
    frame, python = _get(options) if options.type == "get" else _list(options)
    if options.names:
        frame, python = sessions.reactor.with_names(frame), f"adobe_nb.with_names({python})"
    if options.variable:
        python = f"{options.variable} = {python}"
        if (shell := get_ipython()) is not None:
            shell.user_ns[options.variable] = frame
    if not options.quiet:
        display(frame)
        print(f"In Python: {python}")  # noqa: T201


def _options(words: list[str]) -> argparse.Namespace:
    if words[:1] == ["?"]:
        raise UsageError("A quote is not closed.")
    joined: list[str] = []
    for word in words:  # "--sort -name": argparse would take -name for an option
        if joined and joined[-1] == "--sort":
            joined[-1] = f"--sort={word}"
        else:
            joined.append(word)
    return _parser().parse_args(joined)


def _list(options: argparse.Namespace) -> tuple[pd.DataFrame, str]:
    row = _row(options.type)
    arguments: dict[str, Any] = {}
    names = [attribute for attribute, _ in options.filter]
    if twice := next((name for name in names if names.count(name) > 1), None):
        span = f'--filter {twice} "BETWEEN 2026-01-01,2026-02-01"'
        raise UsageError(f"--filter {twice} is there twice. For a span: {span}")
    if options.filter:
        arguments["filter"] = {attribute: _value(text) for attribute, text in options.filter}
    if options.sort:
        arguments["sort"] = options.sort if len(options.sort) > 1 else options.sort[0]
    if options.limit is not None:
        arguments["limit"] = options.limit
    if not row.listed:
        return sessions.reactor.profile(), row.call
    parents = _parents(row, options.parent)
    frame: pd.DataFrame = getattr(sessions.reactor, row.type)(parents, **arguments)
    given = [] if parents is None else [repr(parents)]
    told = ", ".join([*given, *(f"{name}={value!r}" for name, value in arguments.items())])
    return frame, f"reactor.{row.type}({told})"


def _get(options: argparse.Namespace) -> tuple[pd.DataFrame, str]:
    if options.filter or options.sort or options.limit is not None:
        raise UsageError("get takes ids, and no filter, sort or limit.")
    found = sessions.reactor.get(*options.parent)
    if len(found) != 1:
        raise UsageError("get shows resources of one type at a time.")
    ids = ", ".join(repr(each) for each in options.parent)
    (name,) = found
    return found[name], f"reactor.{name}.get({ids})"


def _row(name: str) -> Resource:
    row = RESOURCES.get(name) or RESOURCES.get(f"{name}s")
    if row is None:
        raise UsageError(
            f"{name!r} is no resource type. There are: {', '.join(RESOURCES)}, and get."
        )
    return row


def _parents(row: Resource, given: list[str]) -> str | list[str] | None:
    """Ids as they are; one name is that of a property (of a company, for properties)."""
    if not given:
        return None
    if all(ID_PATTERN.fullmatch(each) for each in given):
        return given if len(given) > 1 else given[0]
    if len(given) > 1:
        raise UsageError('Put a name that has spaces into quotes, as in %reactor rules "My site".')
    above = "companies" if "companies" in row.parents else "properties"
    if above not in {*row.parents, *row.through}:
        if not row.parents:
            raise ArgumentError(f"{row.type} are listed under nothing: %reactor {row.type}")
        raise ArgumentError(
            f"{row.type} are listed under {' or '.join(row.parents) or 'nothing'}: give an id."
        )
    return str(sessions.reactor.find(above, given[0])["id"].iloc[0])


def _value(text: str) -> str | bool:
    return {"true": True, "false": False}.get(text.lower(), text)
