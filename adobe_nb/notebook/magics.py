"""What ``%load_ext adobe_nb`` registers: the magics, their completion, and the display of frames.

The session, and requests below it, cost a quarter of a second; a notebook that only shows frames
needs neither. So what works with a session is imported when it is first used.
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

from adobe_nb.notebook.display import frame_html, frame_text
from adobe_nb.notebook.history_scrubber import refusal

SUBCOMMANDS = {
    "panel": "show the panel, and nothing else",
    "login": "sign in; asks for what no source has, hidden (--ask: asks in any case; --save NAME: keeps a profile)",
    "status": "show the session: the source that won, and what it shadows",
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
    "--postman-file": "a Postman environment, exported",
    "--config-file": "the configuration of launchpy or aepp",
    "--profile": "a profile saved on this machine",
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
_NAMED = {"use", "forget"}
_SECRET_NAME = re.compile(r"secret|token|password|passphrase|jwt", re.IGNORECASE)
_LIKE_A_SECRET = re.compile(r"eyJ|p8e-|[A-Za-z0-9_\-.]{30,}|secret|token|password", re.IGNORECASE)
# The name of a secret, typed in place of a sub-command.
_BARE_NAME = re.compile(r"([a-z]+[-_])?(secret|token|password|passphrase)s?", re.IGNORECASE)
_SURELY = re.compile(r"eyJ|p8e-")
_OPTION = re.compile(r"--?[a-z]+(-[a-z]+)*")
_FILE = re.compile(
    r"(~|\.{0,2}|[A-Za-z]:)?[/\\].*|.*\.(env|json|toml|ini|cfg|txt|ya?ml)", re.IGNORECASE
)
# Not secret, though a client id is as long as a secret.
_PUBLIC_NAME = re.compile(
    r"--?(client[-_]?id|api[-_]?key|org[-_]?id|ims[-_]?org([-_]?id)?)", re.IGNORECASE
)
_TAKES_A_VALUE = {*SOURCES, "--org-id", "--save", "-o"}
# Blanks, an escaped blank or mark, a text in quotes, any other character. A backslash is an escape
# only before a blank, a quotation mark or a semicolon, so that C:\Users and \\server\share stay as
# they are typed.
_PIECE = re.compile(
    r"""(?P<blank>\s+)|\\(?P<escaped>[\s"';])|"(?P<double>(?:\\"|[^"])*)"|'(?P<single>[^']*)'|(?P<plain>[^"'\s])"""
)
_VARIABLE = re.compile(r"\{([A-Za-z_]\w*)\}")


class _Parser(argparse.ArgumentParser):
    """Never quotes what was typed: it could be a secret."""

    def error(self, message: str) -> NoReturn:  # noqa: ARG002
        raise UsageError(
            f"Not understood. There are: {', '.join(SUBCOMMANDS)}. Options: {', '.join(OPTIONS)}. Secrets are never "
            "given here. %adobe_auth --help explains them."
        )


def _parser() -> _Parser:
    listed = "\n".join(f"  {name:<9} {text}" for name, text in SUBCOMMANDS.items())
    parser = _Parser(
        prog="%adobe_auth",
        description="Sign in to Adobe's tags API. Without a sub-command: connect when a complete source of "
        "credentials exists, and show the panel.",
        epilog=f"sub-commands:\n{listed}\n\nSecrets are never given here: use a file, a profile, the panel or the "
        "prompt of login.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("command", nargs="?", choices=list(SUBCOMMANDS), metavar="sub-command")
    parser.add_argument("name", nargs="?", metavar="NAME", help="of a profile, for use and forget")
    source = parser.add_mutually_exclusive_group()
    for option, what in SOURCES.items():
        value = "NAME" if option == "--profile" else "FILE"
        source.add_argument(option, metavar=value, help=f"{what}, and no other source")
    source.add_argument(
        "--simulator", action="store_true", help="the built-in simulator, whatever else there is"
    )
    source.add_argument(
        "--or-simulator",
        action="store_true",
        help="the built-in simulator when no source is complete",
    )
    source.add_argument("--ask", action="store_true", help="login: ask, whatever sources there are")
    parser.add_argument(
        "--org-id", metavar="ID", help="with --config-file: which of its organisations"
    )
    parser.add_argument("--save", metavar="NAME", help="login: keep the credentials as a profile")
    parser.add_argument(
        "--in-file",
        action="store_true",
        help="with --save: in a file only you can read, no keyring",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="show nothing when it worked")
    parser.add_argument(
        "-o", dest="variable", metavar="NAME", help="put the session into this variable"
    )
    parser.add_argument("-h", "--help", action="store_true", help="show this")
    return parser


@no_var_expand  # type: ignore[untyped-decorator]
def adobe_auth(line: str, cell: str | None = None) -> None:
    """Sign in to Adobe's tags API, and show the panel. %adobe_auth --help lists sub-commands and
    options.
    """
    words = words_of(line)
    problem = ""
    if cell is not None:
        problem = _about_a_cell(words, line, cell)
    elif _has_secret(words):
        problem = refusal(words, line)
    if problem:
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
    if (options.name is not None) != (options.command in _NAMED):
        raise UsageError(
            "use and forget want the name of a profile: %adobe_auth use NAME. The others want none."
        )
    connects = options.command in {None, "login"}
    if not connects and (names_a_source(options) or options.simulator or options.or_simulator):
        raise UsageError(
            f"{options.command} takes no source. Sources belong to %adobe_auth itself, and to login."
        )
    if options.org_id and not options.config_file:
        raise UsageError(
            "--org-id belongs to --config-file: %adobe_auth --config-file FILE --org-id ID"
        )
    if options.save == "":
        raise UsageError("--save wants a name: %adobe_auth login --save NAME")
    if (options.save or options.ask) and options.command != "login":
        raise UsageError("--save and --ask belong to login: %adobe_auth login --save NAME")
    if options.in_file and not options.save:
        raise UsageError("--in-file belongs to --save: %adobe_auth login --save NAME --in-file")
    if options.variable and (
        not options.variable.isidentifier() or keyword.iskeyword(options.variable)
    ):
        raise UsageError("-o wants the name of a variable: %adobe_auth -o session")


def names_a_source(options: argparse.Namespace) -> bool:
    """Whether a file or a profile was named, which ends the search."""
    return any(
        (
            options.env_file,
            options.console_file,
            options.postman_file,
            options.config_file,
            options.profile,
        )
    )


def _has_secret(words: list[str]) -> bool:
    return any(_is_secret(before, word) for before, word in zip(["", *words], words, strict=False))


def _about_a_cell(words: list[str], line: str, cell: str) -> str:
    """What to say of %%adobe_auth, whose body may hold anything: it is taken out of the history in
    any case.
    """
    usage = "%adobe_auth is for one line, with one percent sign. Put what stands below it into a cell of its own."
    refused = refusal([*words, cell], line, cell)
    if _has_secret([*words, *re.split(r"[\s'\"]+", cell)]):
        return refused
    return (
        f"{usage} If it held a secret, delete this cell and rotate the secret in Developer Console."
    )


def _is_secret(before: str, word: str) -> bool:
    """Whether a word is a secret, or may be one; ``before`` is the word before it."""
    name, _, value = word.partition("=" if "=" in word else ":")
    if value and _OPTION.fullmatch(name):
        before, word = name, value
    elif value and _SECRET_NAME.search(name) and not _FILE.fullmatch(word):
        return True
    if _SURELY.match(word):
        return True
    if (
        before in _TAKES_A_VALUE or before in _NAMED
    ):  # files, profiles and variables may be called what they like
        return False
    if _OPTION.fullmatch(word) or _FILE.fullmatch(word):
        return bool(_SURELY.search(word))
    if _BARE_NAME.fullmatch(word) and not before.startswith("-"):
        return False
    if word and _SECRET_NAME.search(before) and not before.endswith("-file"):
        return True
    if _PUBLIC_NAME.fullmatch(before):
        return bool(_SURELY.search(word))
    return bool(_LIKE_A_SECRET.search(word))


def words_of(line: str) -> list[str]:
    """The words, quotes taken off. A word ``{name}`` is the text in that variable; nothing else is
    evaluated.
    """
    text = re.sub(r"(?<!\\);+\s*$", "", line.strip())
    words = _split(text)
    if words is None:  # a quote is not closed: still words, so that a secret among them is noticed
        words = ["?", *(word.strip("\"'") for word in text.split())]
    shell = get_ipython()
    names = shell.user_ns if shell is not None else {}
    found = []
    for word in words:
        match = _VARIABLE.fullmatch(word)
        value = names.get(match[1]) if match else None
        found.append(value if isinstance(value, str) else word)
    return found


def _split(text: str) -> list[str] | None:
    """The words of a line; None when a quote is not closed."""
    words: list[str] = []
    position = 0
    within = False
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None:
            return None
        position = piece.end()
        if piece.lastgroup == "blank":
            within = False
            continue
        part = piece[str(piece.lastgroup)]
        if piece.lastgroup == "double":
            part = part.replace('\\"', '"')
        if within:
            words[-1] += part
        else:
            words.append(part)
        within = True
    return words


@no_var_expand  # type: ignore[untyped-decorator]
def reactor(*given: Any) -> None:
    """List resources of the Reactor API as a table. %reactor --help shows how."""
    from adobe_nb.notebook.reactor_magic import reactor_magic  # noqa: PLC0415

    reactor_magic(*given)


@context_matcher(identifier="adobe_nb")  # type: ignore[untyped-decorator]
def matcher(context: CompletionContext) -> SimpleMatcherResult:
    """Completion of the magics."""
    from adobe_nb.notebook import completion  # noqa: PLC0415

    return completion.matcher(context)


@context_matcher(identifier="adobe_nb keywords")  # type: ignore[untyped-decorator]
def keywords(context: CompletionContext) -> SimpleMatcherResult:
    """Completion of keywords."""
    from adobe_nb.notebook import completion  # noqa: PLC0415

    return completion.keywords(context)


MATCHERS = (matcher, keywords)
# Names hold dollar signs and backslashes. What is merged or grouped out of our frames has forgotten
# that it is ours, so pandas is told for all of them; to see formulas in tables of your own, set the
# option again after loading.
_TYPESETTING = ("display.html.use_mathjax", "styler.html.mathjax")
_typesetting_before: dict[str, bool] = {}
_MAGICS = {"adobe_auth": adobe_auth, "reactor": reactor}


def load(shell: InteractiveShell) -> None:
    """Register the magics with their completion, and the display of our frames."""
    for name, magic in _MAGICS.items():
        shell.register_magic_function(magic, "line_cell", name)
    found = shell.Completer.custom_matchers
    found += [each for each in MATCHERS if each not in found]
    formatters = shell.display_formatter.formatters
    formatters["text/html"].for_type(pd.DataFrame, frame_html)
    formatters["text/plain"].for_type(pd.DataFrame, frame_text)
    for option in _TYPESETTING:
        _typesetting_before.setdefault(option, pd.get_option(option))
        pd.set_option(option, False)


def unload(shell: InteractiveShell) -> None:
    """Take them away."""
    for name in _MAGICS:
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop(name, None)
    shell.Completer.custom_matchers = [
        each for each in shell.Completer.custom_matchers if each not in MATCHERS
    ]
    for mime, ours in (("text/html", frame_html), ("text/plain", frame_text)):
        formatter = shell.display_formatter.formatters[mime]
        if formatter.type_printers.get(pd.DataFrame) is ours:
            formatter.pop(pd.DataFrame)
    while _typesetting_before:
        option, before = _typesetting_before.popitem()
        pd.set_option(option, before)
