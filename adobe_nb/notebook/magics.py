"""What ``%load_ext adobe_nb`` registers: the magics, their completion, and the display of frames.

Importing the session takes a quarter of a second, which a notebook that only shows frames does not
need. So everything that needs a session is imported on first use.
"""

import argparse
import keyword
import re
from typing import Any, NoReturn

import pandas as pd
from IPython.core.completer import CompletionContext, SimpleMatcherResult, context_matcher
from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import no_var_expand

from adobe_nb.masking import UUID
from adobe_nb.notebook.history_scrubber import refusal
from adobe_nb.notebook.tables import frame_html, frame_text

SUBCOMMANDS = {
    "panel": "show the panel",
    "login": "sign in; prompt for what no source has (--ask: always; --save NAME: keep a profile)",
    "status": "show the session: the source that was used, and what it shadows",
    "test": "list the companies: do the credentials work?",
    "refresh": "fetch a new token now",
    "logout": "forget the token",
    "profiles": "list the profiles saved on this machine",
    "use": "use NAME: sign in with that profile, now and from now on",
    "forget": "forget NAME: delete that profile and its secret",
}
SOURCES = {
    "--env-file": "a .env file",
    "--console-file": "the JSON download of Developer Console",
    "--postman-file": "an exported Postman environment",
    "--config-file": "the configuration of launchpy or aepp",
    "--profile": "a profile saved on this machine",
    "--secrets": "the secrets of this notebook: colab, or databricks:SCOPE",
}
OPTIONS = (
    *SOURCES,
    "--org-id",
    "--simulator",
    "--or-simulator",
    "--save",
    "--in-file",
    "--ask",
    "--quiet",
    "-o",
    "--help",
)
_WITH_A_NAME = ("use", "forget")
_SECRET_NAME = re.compile(r"secret|token|password|passphrase|jwt", re.IGNORECASE)
_LIKE_A_SECRET = re.compile(r"eyJ|p8e-|[A-Za-z0-9_\-.]{30,}|secret|token|password", re.IGNORECASE)
# The name of a secret, typed in place of a sub-command.
_BARE_NAME = re.compile(r"([a-z]+[-_])?(secret|token|password|passphrase)s?", re.IGNORECASE)
_CERTAINLY = re.compile(rf"eyJ|p8e-|^{UUID}$")
_OPTION = re.compile(r"--?[a-z]+(-[a-z]+)*")
_FILE = re.compile(
    r"(~|\.{0,2}|[A-Za-z]:)?[/\\].*|.*\.(env|json|toml|ini|cfg|txt|ya?ml)", re.IGNORECASE
)
# Not secret, though a client ID is as long as a secret.
_PUBLIC_NAME = re.compile(
    r"--?(client[-_]?id|api[-_]?key|org[-_]?id|ims[-_]?org([-_]?id)?)", re.IGNORECASE
)
# What follows --secrets. Anything else there may be a secret itself.
_STORE = re.compile("colab|databricks(:(?!eyJ|p8e-).*)?")
# Files, profiles and variables may have any name.
_BEFORE_A_NAME = {*SOURCES, *_WITH_A_NAME, "--org-id", "--save", "-o"}
# A backslash is an escape only before a blank, a quotation mark or a semicolon, so that C:\Users
# and \\server\share stay as they are typed.
_PIECE = r"""\\[\s"';]|"(?:\\"|[^"])*"|'[^']*'|[^"'\s]"""
_WORD = re.compile(f"(?:{_PIECE})+")
_VARIABLE = re.compile(r"\{([A-Za-z_]\w*)\}")
UNCLOSED = "?"
"""The first word of a line in which a quote is not closed."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors never quote what was typed, which could be a secret."""

    def error(self, message: str) -> NoReturn:  # noqa: ARG002
        raise UsageError(
            f"Invalid command. Sub-commands: {', '.join(SUBCOMMANDS)}. "
            f"Options: {', '.join(OPTIONS)}. Secrets are never accepted here. "
            "%adobe_auth --help explains them."
        )


def _parser() -> _Parser:
    commands = "\n".join(f"  {name:<9} {text}" for name, text in SUBCOMMANDS.items())
    parser = _Parser(
        prog="%adobe_auth",
        description="Sign in to Adobe's tags API. Without a sub-command: connect if a source has "
        "complete credentials, and show the panel.",
        epilog=f"sub-commands:\n{commands}\n\nSecrets are never accepted here: use a file, a "
        "profile, the panel or the prompt of login.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    # The help of argparse itself would end the cell with SystemExit, so add_help is off.
    add = parser.add_argument
    add(
        "command",
        nargs="?",
        choices=list(SUBCOMMANDS),
        metavar="sub-command",
        help="one of those below",
    )
    add("name", nargs="?", metavar="NAME", help="the profile, for use and forget")
    source = parser.add_mutually_exclusive_group()
    for option, text in SOURCES.items():
        value = {"--profile": "NAME", "--secrets": "STORE"}.get(option, "FILE")
        source.add_argument(option, metavar=value, help=f"{text}, and no other source")
    for option, text in (
        ("--simulator", "the built-in simulator, whatever other sources there are"),
        ("--or-simulator", "the built-in simulator if no source is complete"),
        ("--ask", "login: prompt, whatever sources there are"),
    ):
        source.add_argument(option, action="store_true", help=text)
    add("--org-id", metavar="ID", help="with --config-file: which of its organizations")
    add("--save", metavar="NAME", help="login: save the credentials as a profile")
    add("--in-file", action="store_true", help="with --save: in a private file, not in a keyring")
    add("-q", "--quiet", action="store_true", help="show nothing on success")
    add("-o", dest="variable", metavar="NAME", help="assign the session to this variable")
    add("-h", "--help", action="store_true", help="show this")
    return parser


@no_var_expand  # type: ignore[untyped-decorator]
def adobe_auth(line: str, cell: str | None = None) -> None:
    """Sign in to Adobe's tags API and show the panel. %adobe_auth --help lists the options."""
    words = words_of(line)
    problem = ""
    if cell is not None:
        problem = _problem_of_cell(words, line, cell)
    elif _has_secret(words):
        problem = refusal(words, line)
    if problem:
        # A traceback can show local variables.
        line = cell = ""
        words = []
        raise UsageError(problem)
    options = _parser().parse_args(words)
    if options.help:
        print(_parser().format_help())  # noqa: T201
        return
    _check(options)
    from adobe_nb.notebook.commands import run  # noqa: PLC0415

    run(options)


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not belong together."""
    command = options.command
    named = options.simulator or options.or_simulator or names_a_source(options)
    rules = (
        (
            (options.name is not None) != (command in _WITH_A_NAME),
            "use and forget require the name of a profile, the other sub-commands accept none: "
            "%adobe_auth use NAME",
        ),
        (
            named and command not in {None, "login"},
            f"{command} accepts no source. Use sources with %adobe_auth itself, or with login.",
        ),
        (
            options.org_id and not options.config_file,
            "--org-id requires --config-file: %adobe_auth --config-file FILE --org-id ID",
        ),
        (options.save == "", "--save requires a name: %adobe_auth login --save NAME"),
        (
            (options.save or options.ask) and command != "login",
            "--save and --ask are options of login: %adobe_auth login --save NAME",
        ),
        (
            options.in_file and not options.save,
            "--in-file requires --save: %adobe_auth login --save NAME --in-file",
        ),
    )
    for broken, message in rules:
        if broken:
            raise UsageError(message)
    check_variable(options.variable, "%adobe_auth -o session")


def check_variable(name: str | None, example: str) -> None:
    """Refuse the value of ``-o`` if it is not the name of a variable."""
    if name and (not name.isidentifier() or keyword.iskeyword(name)):
        raise UsageError(f"-o requires the name of a variable: {example}")


def names_a_source(options: argparse.Namespace) -> bool:
    """Return whether a source was named, which ends the search for credentials."""
    return any(source_arguments(options).values())


def source_arguments(options: argparse.Namespace) -> dict[str, str | None]:
    """Return the sources that can be named as arguments of ``connect``."""
    arguments = {}
    for option in SOURCES:
        name = option.removeprefix("--").replace("-", "_")
        arguments[name] = getattr(options, name)
    return arguments


def _has_secret(words: list[str]) -> bool:
    return any(map(_is_secret, ["", *words], words))


def _problem_of_cell(words: list[str], line: str, cell: str) -> str:
    """Return the message for ``%%adobe_auth``, whose body is removed whatever it holds."""
    message = refusal([*words, cell], line, cell)
    if _has_secret([*words, *re.split(r"[\s'\"]+", cell)]):
        return message
    return (
        "%adobe_auth works on one line, with one percent sign. Put the lines below it into a cell "
        "of their own. If they held a secret, delete this cell and rotate the secret in Developer "
        "Console."
    )


def _is_secret(before: str, word: str) -> bool:
    """Return whether a word is a secret, or may be one. ``before`` is the word before it."""
    separator = ":"
    if "=" in word:
        separator = "="
    name, _, value = word.partition(separator)
    if value and _OPTION.fullmatch(name):
        return _is_secret_value(name, value)
    if value and _SECRET_NAME.search(name) and not _FILE.fullmatch(word):
        return True
    return _is_secret_value(before, word)


def _is_secret_value(name: str, value: str) -> bool:
    """Return whether a value is a secret. ``name`` is its option, or the word before it."""
    if _CERTAINLY.match(value):
        return True
    if name == "--secrets" and not _STORE.fullmatch(value):
        return _LIKE_A_SECRET.search(value) is not None
    if name in _BEFORE_A_NAME:
        return False
    for pattern, text in ((_OPTION, value), (_FILE, value), (_PUBLIC_NAME, name)):
        if pattern.fullmatch(text):
            return _CERTAINLY.search(value) is not None
    if _BARE_NAME.fullmatch(value) and not name.startswith("-"):
        return False
    if value and _SECRET_NAME.search(name) and not name.endswith("-file"):
        return True
    return _LIKE_A_SECRET.search(value) is not None


def words_of(line: str) -> list[str]:
    """Return the words of a line without their quotes.

    A word ``{name}`` becomes the text in that variable; nothing else is evaluated.
    """
    # A semicolon at the end hides the output of a cell.
    text = re.sub(r"(?<!\\);+\s*$", "", line.strip())
    if _WORD.sub("", text).strip():
        # A quote is not closed. There are still words, so that a secret among them is noticed.
        words = [UNCLOSED]
        for word in text.split():
            words.append(word.strip("\"'"))
    else:
        words = [re.sub(_PIECE, _unquoted, word) for word in _WORD.findall(text)]
    return list(map(_expanded, words))


def _unquoted(match: re.Match[str]) -> str:
    piece = match[0]
    if piece[0] == '"':
        return piece[1:-1].replace('\\"', '"')
    if piece[0] == "'":
        return piece[1:-1]
    return piece[-1]


def _expanded(word: str) -> str:
    shell = get_ipython()
    match = _VARIABLE.fullmatch(word)
    if match and shell:
        value = shell.user_ns.get(match[1])
        if isinstance(value, str):
            return value
    return word


@no_var_expand  # type: ignore[untyped-decorator]
def reactor(*arguments: Any) -> None:
    """List resources of the Reactor API as a table. %reactor --help lists the options."""
    from adobe_nb.notebook.reactor_magic import reactor_magic  # noqa: PLC0415

    reactor_magic(*arguments)


@context_matcher(identifier="adobe_nb")  # type: ignore[untyped-decorator]
def matcher(context: CompletionContext) -> SimpleMatcherResult:
    """Complete the magics."""
    from adobe_nb.notebook import completion  # noqa: PLC0415

    return completion.matcher(context)


@context_matcher(identifier="adobe_nb keywords")  # type: ignore[untyped-decorator]
def keywords(context: CompletionContext) -> SimpleMatcherResult:
    """Complete keywords."""
    from adobe_nb.notebook import completion  # noqa: PLC0415

    return completion.keywords(context)


MATCHERS = (matcher, keywords)
_MAGICS = {"adobe_auth": adobe_auth, "reactor": reactor}
_FORMATTERS = {"text/html": frame_html, "text/plain": frame_text}
# Names hold dollar signs, backslashes and markup. A frame that was merged or grouped out of ours no
# longer says that it is ours, so the options are set for all frames. To see formulas in your own
# tables, set them again after loading.
_PANDAS_OPTIONS = {
    "display.html.use_mathjax": False,
    "styler.html.mathjax": False,
    "styler.format.escape": "html",
}
_options_before: dict[str, object] = {}


def load(shell: InteractiveShell) -> None:
    """Register the magics with their completion, and the display of our frames."""
    for name, magic in _MAGICS.items():
        shell.register_magic_function(magic, "line_cell", name)
    registered = shell.Completer.custom_matchers
    for matcher in MATCHERS:
        if matcher not in registered:
            registered.append(matcher)
    for mime_type, formatter in _FORMATTERS.items():
        shell.display_formatter.formatters[mime_type].for_type(pd.DataFrame, formatter)
    for option, value in _PANDAS_OPTIONS.items():
        _options_before.setdefault(option, pd.get_option(option))
        pd.set_option(option, value)


def unload(shell: InteractiveShell) -> None:
    """Undo ``load``."""
    for name in _MAGICS:
        for magics in shell.magics_manager.magics.values():
            magics.pop(name, None)
    registered = shell.Completer.custom_matchers
    for matcher in MATCHERS:
        if matcher in registered:
            registered.remove(matcher)
    for mime_type, formatter in _FORMATTERS.items():
        formatters = shell.display_formatter.formatters[mime_type]
        if formatters.type_printers.get(pd.DataFrame) is formatter:
            formatters.pop(pd.DataFrame)
    while _options_before:
        option, before = _options_before.popitem()
        pd.set_option(option, before)
