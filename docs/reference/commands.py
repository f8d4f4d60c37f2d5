"""The reference pages of the command line and of the magics, made from their parsers.

The build of the site writes them (``docs/conf.py``).
"""

import argparse
import re

from adobe_nb import cli
from adobe_nb.notebook import magics, reactor_magic

_NOTE = "<!-- Written by docs/reference/commands.py: do not edit. -->"


def pages() -> dict[str, str]:
    """Return every page by file name."""
    return {"command-line.md": command_line(), "magics.md": notebook_magics()}


def command_line() -> str:
    parser = cli._parser()
    [commands] = [action for action in parser._actions if isinstance(action.choices, dict)]
    summaries = {choice.dest: choice.help for choice in commands._choices_actions}
    overview = ["| command | what it does |", "| --- | --- |"]
    sections = []
    for name, command in commands.choices.items():
        overview.append(f"| [`adobe-nb {name}`](#adobe-nb-{name}) | {summaries[name]} |")
        sections.append(_section(f"adobe-nb {name}", command, summaries[name]))
    return "\n\n".join(
        [
            f"{_NOTE}\n# Command line",
            "\n".join(overview),
            "`adobe-nb --version` prints the version, `adobe-nb COMMAND --help` the options. "
            "Errors are printed on stderr. Without `--profile`, `--env-file` or `--simulator`, "
            "credentials come from [the usual sources](environment.md#credentials). "
            "[Pull every night](../how-to/schedulers.md) has examples for unattended runs.",
            *sections,
        ]
    )


def notebook_magics() -> str:
    return "\n\n".join(
        [
            f"{_NOTE}\n# Magics",
            "`%load_ext adobe_nb` registers both magics, their completion, and the compact display "
            "of tables; `%unload_ext adobe_nb` removes them. A word `{name}` is replaced by the "
            "text in that variable. Secrets are refused as arguments: [Security](../security.md) "
            "explains why.",
            _section("%adobe_auth", magics._parser()),
            "See [Sign in](../how-to/sign-in.md).",
            _section("%reactor", reactor_magic._parser()),
            "It shows the table, and prints the same call in Python.",
        ]
    )


def _section(title: str, parser: argparse.ArgumentParser, summary: str | None = None) -> str:
    """Return what a parser says: usage, arguments, options, and the text below them."""
    description = parser.description or f"{(summary or '')[:1].upper()}{(summary or '')[1:]}."
    usage = parser.format_usage().removeprefix("usage: ").splitlines()
    parts = [
        f"## {title}",
        _index(parser),
        " ".join(description.split()),
        "```text\n{}\n```".format("\n    ".join(map(str.strip, usage))),
        _table(parser),
    ]
    if parser.epilog:
        parts.append(f"```text\n{parser.epilog.strip()}\n```")
    return "\n\n".join(parts)


def _index(parser: argparse.ArgumentParser) -> str:
    """Return the entries by which the search finds each option; a mark puts them first there."""
    options = [action.option_strings[-1] for action in parser._actions if action.option_strings]
    return "```{{index}} {}\n```".format(", ".join(f"! {option}" for option in options))


def _table(parser: argparse.ArgumentParser) -> str:
    lines = ["| argument | meaning |", "| --- | --- |"]
    for action in parser._actions:
        lines.append(f"| {_spelling(action)} | {_meaning(action)} |")
    return "\n".join(lines)


def _spelling(action: argparse.Action) -> str:
    """Return an option with its values, or the name of an argument, as one types it."""
    values = action.metavar or action.dest
    if action.choices and not action.metavar:
        values = "{" + ",".join(action.choices) + "}"
    elif isinstance(values, tuple):
        values = " ".join(values)
    elif action.option_strings and not action.metavar:
        values = values.upper()
    if action.option_strings:
        spelling = ", ".join(action.option_strings)
        if action.nargs != 0:
            spelling += f" {values}"
    else:
        spelling = values
    return f"`{_escaped(spelling)}`"


def _meaning(action: argparse.Action) -> str:
    meaning = (action.help or "") % vars(action)
    has_default = action.default not in (None, False, argparse.SUPPRESS, [])
    if has_default and "default" not in meaning:
        meaning += f" (default: {action.default})"
    # Outside of code, two hyphens would become a dash.
    return _escaped(re.sub(r"--[a-z-]+", r"`\g<0>`", meaning.strip()))


def _escaped(text: str) -> str:
    """Return a text for a cell of a table, where a bar would end the cell."""
    return text.replace("|", r"\|")
