"""``%adobe_auth``: parse, call one function, show one object."""

import argparse
import getpass
import keyword
import re
from contextlib import suppress
from typing import Any, NoReturn

from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.getipython import get_ipython
from IPython.core.magic import no_var_expand
from IPython.display import display

from adobe_nb import session as sessions
from adobe_nb.auth.credentials import Secret, mask
from adobe_nb.auth.profiles import Store, forget_profile
from adobe_nb.errors import AdobeError, IncompleteCredentials, NoCredentials, NotSignedIn
from adobe_nb.notebook.arguments import refusal, words_of
from adobe_nb.notebook.display import Card, card
from adobe_nb.notebook.messages import tested, topic_of

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
_FILE = re.compile(r"(~|\.{0,2}|[A-Za-z]:)?[/\\].*|.*\.(env|json|toml|ini|cfg|txt|ya?ml)", re.IGNORECASE)
# Not secret, though a client id is as long as a secret.
_PUBLIC_NAME = re.compile(r"--?(client[-_]?id|api[-_]?key|org[-_]?id|ims[-_]?org([-_]?id)?)", re.IGNORECASE)
_TAKES_A_VALUE = {*SOURCES, "--org-id", "--save", "-o"}


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
    source.add_argument("--simulator", action="store_true", help="the built-in simulator, whatever else there is")
    source.add_argument("--or-simulator", action="store_true", help="the built-in simulator when no source is complete")
    source.add_argument("--ask", action="store_true", help="login: ask, whatever sources there are")
    parser.add_argument("--org-id", metavar="ID", help="with --config-file: which of its organisations")
    parser.add_argument("--save", metavar="NAME", help="login: keep the credentials as a profile")
    parser.add_argument("--in-file", action="store_true", help="with --save: in a file only you can read, no keyring")
    parser.add_argument("-q", "--quiet", action="store_true", help="show nothing when it worked")
    parser.add_argument("-o", dest="variable", metavar="NAME", help="put the session into this variable")
    parser.add_argument("-h", "--help", action="store_true", help="show this")
    return parser


@no_var_expand  # type: ignore[untyped-decorator]
def adobe_auth(line: str, cell: str | None = None) -> None:
    """Sign in to Adobe's tags API, and show the panel. %adobe_auth --help lists sub-commands and options."""
    words = words_of(line)
    problem = _about_secrets(words, line) if cell is None else _about_a_cell(words, line, cell)
    if problem:
        line = cell = ""
        words = []
        raise UsageError(problem)
    options = _parser().parse_args(words)
    if options.help:
        print(_parser().format_help())  # noqa: T201
        return
    _check(options)
    options.session = None
    shown = _COMMANDS[options.command](options)
    if options.variable and (shell := get_ipython()) is not None:
        shell.user_ns[options.variable] = options.session or sessions.current_or_none()
    if shown is not None and not options.quiet:
        display(shown)


def _check(options: argparse.Namespace) -> None:
    if (options.name is not None) != (options.command in _NAMED):
        raise UsageError("use and forget want the name of a profile: %adobe_auth use NAME. The others want none.")
    connects = options.command in {None, "login"}
    if not connects and (_names_a_source(options) or options.simulator or options.or_simulator):
        raise UsageError(f"{options.command} takes no source. Sources belong to %adobe_auth itself, and to login.")
    if options.org_id and not options.config_file:
        raise UsageError("--org-id belongs to --config-file: %adobe_auth --config-file FILE --org-id ID")
    if options.save == "":
        raise UsageError("--save wants a name: %adobe_auth login --save NAME")
    if (options.save or options.ask) and options.command != "login":
        raise UsageError("--save and --ask belong to login: %adobe_auth login --save NAME")
    if options.in_file and not options.save:
        raise UsageError("--in-file belongs to --save: %adobe_auth login --save NAME --in-file")
    if options.variable and (not options.variable.isidentifier() or keyword.iskeyword(options.variable)):
        raise UsageError("-o wants the name of a variable: %adobe_auth -o session")


def _about_secrets(words: list[str], line: str) -> str:
    """What to say when a secret was typed; nothing when none was."""
    if not any(_is_secret(before, word) for before, word in zip(["", *words], words, strict=False)):
        return ""
    return refusal(words, line)


def _about_a_cell(words: list[str], line: str, cell: str) -> str:
    """What to say of %%adobe_auth, whose body may hold anything: it is taken out of the history in any case."""
    usage = "%adobe_auth is for one line, with one percent sign. Put what stands below it into a cell of its own."
    typed = [*words, *re.split(r"[\s'\"]+", cell)]
    refused = refusal([*words, cell], line, cell)
    if any(_is_secret(before, word) for before, word in zip(["", *typed], typed, strict=False)):
        return refused
    return f"{usage} If it held a secret, delete this cell and rotate the secret in Developer Console."


def _is_secret(before: str, word: str) -> bool:
    """Whether a word is a secret, or may be one; ``before`` is the word before it."""
    name, _, value = word.partition("=" if "=" in word else ":")
    if value and _OPTION.fullmatch(name):
        before, word = name, value
    elif value and _SECRET_NAME.search(name) and not _FILE.fullmatch(word):
        return True
    if _SURELY.match(word):
        return True
    if before in _TAKES_A_VALUE or before in _NAMED:  # files, profiles and variables may be called what they like
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


def _connect(options: argparse.Namespace, *, fall_back: bool) -> sessions.Session:
    session = sessions.connect(
        env_file=options.env_file,
        console_file=options.console_file,
        postman_file=options.postman_file,
        config_file=options.config_file,
        org_id=options.org_id,
        profile=options.profile,
        simulator=options.simulator,
        fallback="simulator" if fall_back else None,
    )
    options.session = session
    return session


def _names_a_source(options: argparse.Namespace) -> bool:
    return any((options.env_file, options.console_file, options.postman_file, options.config_file, options.profile))


def _auto(options: argparse.Namespace) -> Any:
    """Connect when a source is complete. None at all is no error here: the panel asks.

    A session that was typed into the panel stays when its cell runs again. A source that fails shows in the panel and
    raises, so that the cells below do not go on with something else.
    """
    before = sessions.current_or_none()
    by_hand = before is not None and before.source == sessions.BY_HAND and not before.signed_out
    if by_hand and not (_names_a_source(options) or options.simulator):
        first = sessions.source_that_wins()
        text = f"Still signed in from the panel. %adobe_auth login takes {first} instead." if first else ""
        return None if options.quiet else _panel("ok" if text else "", text)
    kind, text, topic = "", "", ""
    problem: AdobeError | None = None
    try:
        session = _connect(options, fall_back=options.or_simulator and before is None)
        kind, text, topic = _tested(session)
        if session.incomplete and kind != "error":
            kind, text = "warning", f"{session.incomplete[0]} This session is with {session.service} instead."
    except NoCredentials as error:
        if _names_a_source(options):
            raise
        if before is None:
            kind, text, topic = _nothing_found(error)
    except AdobeError as error:
        if options.quiet or _names_a_source(options):
            raise
        problem = error
    if problem is not None:
        notes = " ".join((str(problem), *getattr(problem, "__notes__", ())))
        display(_panel("error", notes, topic_of(problem)))
        raise problem
    return None if options.quiet and not text else _panel(kind, text, topic)


def _nothing_found(error: NoCredentials) -> tuple[str, str, str]:
    """For the panel, which is the place to sign in then."""
    if isinstance(error, IncompleteCredentials):
        return "error", str(error), "values"
    found = "No credentials were found in the environment, in a .env file or in a profile."
    return "warning", f"{found} Sign in below, or use the simulator.", "values"


def _tested(session: sessions.Session) -> tuple[str, str, str]:
    """What Adobe's own test finds, if it finds anything; the panel shows company and rights from it."""
    try:
        outcome = tested(session)
    except AdobeError as error:
        return "error", str(error), topic_of(error)
    return ("", "", "") if outcome.kind == "ok" else (outcome.kind, outcome.text, outcome.topic)


def _show_panel(options: argparse.Namespace) -> Any:  # noqa: ARG001
    return _panel()


def _panel(kind: str = "", text: str = "", topic: str = "") -> Any:
    from adobe_nb.notebook.panel import panel  # noqa: PLC0415

    shown = panel()
    shown.say(kind, text, topic=topic)
    return shown


def _login(options: argparse.Namespace) -> Any:
    session = None
    if not options.ask:
        try:
            session = _connect(options, fall_back=options.or_simulator)
        except NoCredentials:
            if _names_a_source(options):
                raise
    session = options.session = session or _prompt()
    if options.save:
        profile = session.save(options.save, in_file=options.in_file)
        secret = "the system's keyring" if profile.place == "keyring" else str(Store().folder / "secrets.toml")
        rows = (("Profile", f"{profile.name} saved, and active from now on"), ("Secret", f"in {secret}"))
        return Card("Signed in", (*rows, ("Organization ID", profile.org_id), ("Taken", f"from {session.source}")))
    return card(session)


def _prompt() -> sessions.Session:
    """Ask, with the secret hidden. Nothing typed here is kept by the notebook."""
    values: dict[str, str | Secret] | None = None
    # The kernel of nbconvert, papermill and Voila raises the second; Python without a standard input the third.
    with suppress(EOFError, StdinNotImplementedError, RuntimeError):
        values = _asked()
    if values is None:
        raise UsageError(
            "This environment cannot prompt for input (as under nbconvert, papermill and Voila). Use the panel, a .env "
            "file, or name a source: %adobe_auth --help."
        )
    return sessions.connect_by_hand(values, simulator=False)


def _asked() -> dict[str, str | Secret]:
    org_id = input("Organization ID (ends in @AdobeOrg): ")
    if not org_id.strip():
        raise UsageError("Nothing was typed. Run it again with the organisation id at hand, or use the panel.")
    client_id = input("Client ID (leave empty to paste an access token): ")
    values: dict[str, str | Secret] = {"org_id": org_id}
    if client_id.strip():
        values |= {"client_id": client_id, "client_secret": Secret(getpass.getpass("Client secret (hidden): "))}
    else:
        values["access_token"] = Secret(getpass.getpass("Access token (hidden): "))
    return values


def _status(options: argparse.Namespace) -> Card:  # noqa: ARG001
    return card(sessions.current_or_none())


def _test(options: argparse.Namespace) -> Card:  # noqa: ARG001
    check = sessions.current().test()
    return Card("The credentials work" if check.ok else "The credentials do not work", (("Test", check.message),))


def _refresh(options: argparse.Namespace) -> Card:  # noqa: ARG001
    sessions.current().refresh()
    return card(sessions.current())


def _logout(options: argparse.Namespace) -> Card:  # noqa: ARG001
    try:
        sessions.current().sign_out()
    except NotSignedIn:
        return Card("Adobe tags", (("Status", "was not signed in"),))
    return Card("Adobe tags", (("Status", "signed out; the token is forgotten"),))


def _profiles(options: argparse.Namespace) -> Card:  # noqa: ARG001
    rows = tuple(
        (
            f"{profile.name}{' (active)' if profile.active else ''}",
            f"{profile.org_id} · client {mask(profile.client_id)} · {profile.kind.replace('_', ' ')} in the "
            f"{profile.place}",
        )
        for profile in Store().profiles()
    )
    return Card("Profiles", rows or (("none", "save one with %adobe_auth login --save NAME"),))


def _use(options: argparse.Namespace) -> Any:
    session = options.session = sessions.connect(profile=options.name)
    kind, text, topic = _tested(session)
    if kind != "error":
        Store().use(options.name)
    if not kind and (first := sessions.source_that_wins()) not in {"", session.source}:
        kind, text = "warning", f"Used now. But a plain %adobe_auth takes {first} first: that comes before profiles."
    return None if options.quiet and not text else _panel(kind, text, topic)


def _forget(options: argparse.Namespace) -> Card:
    forget_profile(options.name)
    return Card("Profiles", ((options.name, "forgotten, and its secret deleted; a session with it stays"),))


_COMMANDS = {
    None: _auto,
    "panel": _show_panel,
    "login": _login,
    "status": _status,
    "test": _test,
    "refresh": _refresh,
    "logout": _logout,
    "profiles": _profiles,
    "use": _use,
    "forget": _forget,
}
