"""``%adobe_auth``: parse, call one function, show one object."""

import argparse
import getpass
import itertools
import re
import shlex
from typing import Any, NoReturn

import pandas as pd
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from adobe_nb import session as sessions
from adobe_nb.auth.credentials import Secret
from adobe_nb.errors import NoCredentials, NotSignedIn
from adobe_nb.notebook.display import Card, card, frame_html, frame_text

_SUBCOMMANDS = {
    "panel": "show the panel, and nothing else",
    "login": "sign in; asks for what no source has, hidden",
    "status": "show the session",
    "test": "list the companies: do the credentials work?",
    "logout": "forget the token",
}
_LIKE_A_SECRET = re.compile(r"eyJ|p8e-|[A-Za-z0-9_\-.]{30,}|secret|token|password", re.IGNORECASE)


class _Parser(argparse.ArgumentParser):
    """Never quotes what was typed: it could be a secret."""

    def error(self, message: str) -> NoReturn:  # noqa: ARG002
        raise UsageError(f"Not understood. There are: {', '.join(_SUBCOMMANDS)}. %adobe_auth --help shows the options.")


def _parser() -> _Parser:
    listed = "\n".join(f"  {name:<8} {text}" for name, text in _SUBCOMMANDS.items())
    parser = _Parser(
        prog="%adobe_auth",
        description="Sign in to Adobe's tags API. Without a sub-command: connect when a complete source of "
        "credentials exists, and show the panel.",
        epilog=f"sub-commands:\n{listed}\n\nSecrets are never given here: use .env, the panel or the prompt of login.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("command", nargs="?", choices=list(_SUBCOMMANDS), metavar="sub-command")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--env-file", metavar="FILE", help="read this .env file and no other source")
    source.add_argument("--simulator", action="store_true", help="the built-in simulator, whatever else there is")
    source.add_argument("--or-simulator", action="store_true", help="the built-in simulator when no source is complete")
    parser.add_argument("-q", "--quiet", action="store_true", help="show nothing when it worked")
    parser.add_argument("-h", "--help", action="store_true", help="show this")
    return parser


def adobe_auth(line: str) -> None:
    """Sign in to Adobe's tags API, and show the panel. %adobe_auth --help lists sub-commands and options."""
    try:
        words = shlex.split(line.strip().rstrip(";"))
    except ValueError:
        words = ["?"]
    _refuse_secrets(words)
    options = _parser().parse_args(words)
    if options.help:
        print(_parser().format_help())  # noqa: T201
        return
    shown = _COMMANDS[options.command](options)
    if shown is not None and not options.quiet:
        display(shown)


def _refuse_secrets(words: list[str]) -> None:
    """A secret in a cell stays in the notebook, in In and in the history; say so without repeating it."""
    files = {after for word, after in itertools.pairwise(words) if word == "--env-file"}
    for word in words:
        if word in files or word.startswith("--env-file="):
            continue
        if _LIKE_A_SECRET.search(word):
            raise UsageError(
                "Secrets are not accepted here: the notebook and the history keep what is typed into a cell. Delete "
                "this cell, rotate the secret in Developer Console, and sign in with a .env file or the panel."
            )


def _connect(options: argparse.Namespace, *, fall_back: bool) -> sessions.Session:
    return sessions.connect(
        env_file=options.env_file, simulator=options.simulator, fallback="simulator" if fall_back else None
    )


def _auto(options: argparse.Namespace) -> Any:
    """Connect when a source is complete. None at all is no error here: the panel asks.

    A session that was typed into the panel stays when its cell runs again and no source is complete.
    """
    kind, text = "", ""
    fall_back = options.or_simulator and sessions.current_or_none() is None
    try:
        session = _connect(options, fall_back=fall_back)
        if session.incomplete:
            kind, text = "warning", f"{session.incomplete[0]} This session is with {session.service} instead."
    except NoCredentials as error:
        if options.env_file:
            raise
        if sessions.current_or_none() is None:
            kind, text = "error", str(error)
    return None if options.quiet and not text else _panel(kind, text)


def _show_panel(options: argparse.Namespace) -> Any:  # noqa: ARG001
    return _panel()


def _panel(kind: str = "", text: str = "") -> Any:
    from adobe_nb.notebook.panel import panel  # noqa: PLC0415

    shown = panel()
    shown.say(kind, text)
    return shown


def _login(options: argparse.Namespace) -> Any:
    try:
        session = _connect(options, fall_back=options.or_simulator)
    except NoCredentials:
        if options.env_file:
            raise
        session = None
    return card(session or _prompt())


def _prompt() -> sessions.Session:
    """Ask, with the secret hidden. Nothing typed here is kept by the notebook."""
    org_id = input("Organization ID (ends in @AdobeOrg): ")
    client_id = input("Client ID (leave empty to paste an access token): ")
    values: dict[str, str | Secret] = {"org_id": org_id}
    if client_id.strip():
        values |= {"client_id": client_id, "client_secret": Secret(getpass.getpass("Client secret (hidden): "))}
    else:
        values["access_token"] = Secret(getpass.getpass("Access token (hidden): "))
    return sessions.connect_by_hand(values, simulator=False)


def _status(options: argparse.Namespace) -> Card:  # noqa: ARG001
    return card(sessions.current_or_none())


def _test(options: argparse.Namespace) -> Card:  # noqa: ARG001
    check = sessions.current().test()
    return Card("The credentials work" if check.ok else "The credentials do not work", (("Test", check.message),))


def _logout(options: argparse.Namespace) -> Card:  # noqa: ARG001
    try:
        sessions.current().sign_out()
    except NotSignedIn:
        return Card("Adobe tags", (("Status", "was not signed in"),))
    return Card("Adobe tags", (("Status", "signed out; the token is forgotten"),))


_COMMANDS = {
    None: _auto,
    "panel": _show_panel,
    "login": _login,
    "status": _status,
    "test": _test,
    "logout": _logout,
}


def load(shell: InteractiveShell) -> None:
    """Register the magic and the display of our frames."""
    shell.register_magic_function(adobe_auth, "line", "adobe_auth")
    formatters = shell.display_formatter.formatters
    formatters["text/html"].for_type(pd.DataFrame, frame_html)
    formatters["text/plain"].for_type(pd.DataFrame, frame_text)


def unload(shell: InteractiveShell) -> None:
    """Take them away."""
    shell.magics_manager.magics["line"].pop("adobe_auth", None)
    for kind, ours in (("text/html", frame_html), ("text/plain", frame_text)):
        formatter = shell.display_formatter.formatters[kind]
        if formatter.type_printers.get(pd.DataFrame) is ours:
            formatter.pop(pd.DataFrame)
