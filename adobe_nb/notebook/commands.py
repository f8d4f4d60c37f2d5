"""The sub-commands of ``%adobe_auth``: each calls the session, and gives one object to show."""

import argparse
import getpass
from contextlib import suppress
from dataclasses import replace
from typing import Any

from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.getipython import get_ipython
from IPython.display import display

from adobe_nb import session as sessions
from adobe_nb.auth.credentials import Secret, mask
from adobe_nb.auth.profiles import ProfileStore, forget_profile
from adobe_nb.errors import AdobeError, IncompleteCredentials, NoCredentials, NotSignedIn
from adobe_nb.notebook.display import Card, Outcome, card, outcome_of, topic_of
from adobe_nb.notebook.magics import names_a_source


def run(options: argparse.Namespace) -> None:
    """Do what was typed, show what it gives, and put the session into the variable that was named."""
    options.session = None
    shown = _COMMANDS[options.command](options)
    if options.variable and (shell := get_ipython()) is not None:
        shell.user_ns[options.variable] = options.session or sessions.current_or_none()
    if shown is not None and not options.quiet:
        display(shown)


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


def _auto(options: argparse.Namespace) -> Any:
    """Connect when a source is complete. None at all is no error here: the panel asks.

    A session that was typed into the panel stays when its cell runs again. A source that fails
    shows in the panel and raises, so that the cells below do not go on with something else.
    """
    before = sessions.current_or_none()
    by_hand = before is not None and before.source == sessions.BY_HAND and not before.signed_out
    if by_hand and not (names_a_source(options) or options.simulator):
        return None if options.quiet else _panel(_still_by_hand())
    outcome = Outcome()
    problem: AdobeError | None = None
    try:
        session = _connect(options, fall_back=options.or_simulator and before is None)
        outcome = _tested(session)
        if session.incomplete and outcome.kind != "error":
            text = f"{session.incomplete[0]} This session is with {session.service} instead."
            outcome = replace(outcome, kind="warning", text=text)
    except NoCredentials as error:
        if names_a_source(options):
            raise
        if before is None:
            outcome = _nothing_found(error)
    except AdobeError as error:
        if options.quiet or names_a_source(options):
            raise
        problem = error
    if problem is not None:
        notes = " ".join((str(problem), *getattr(problem, "__notes__", ())))
        display(_panel(Outcome("error", notes, topic_of(problem))))
        raise problem
    return None if options.quiet and not outcome.text else _panel(outcome)


def _still_by_hand() -> Outcome:
    """What a plain ``%adobe_auth`` would take instead of the session from the panel, if anything."""
    first = sessions.source_that_wins()
    if not first:
        return Outcome()
    return Outcome(
        "ok", f"Still signed in from the panel. %adobe_auth login takes {first} instead."
    )


def _nothing_found(error: NoCredentials) -> Outcome:
    """For the panel, which is the place to sign in then."""
    if isinstance(error, IncompleteCredentials):
        return Outcome("error", str(error), "values")
    found = "No credentials were found in the environment, in a .env file or in a profile."
    return Outcome("warning", f"{found} Sign in below, or use the simulator.", "values")


def _tested(session: sessions.Session) -> Outcome:
    """What Adobe's own test finds, if it finds anything; the panel shows company and rights from
    it.
    """
    try:
        outcome = outcome_of(session.test())
    except AdobeError as error:
        return Outcome("error", str(error), topic_of(error))
    return Outcome() if outcome.kind == "ok" else outcome


def _show_panel(options: argparse.Namespace) -> Any:  # noqa: ARG001
    return _panel(Outcome())


def _panel(outcome: Outcome) -> Any:
    from adobe_nb.notebook.panel import panel  # noqa: PLC0415

    return panel(outcome)


def _login(options: argparse.Namespace) -> Any:
    session = None
    if not options.ask:
        try:
            session = _connect(options, fall_back=options.or_simulator)
        except NoCredentials:
            if names_a_source(options):
                raise
    session = options.session = session or _prompt()
    if options.save:
        profile = session.save(options.save, in_file=options.in_file)
        secret = (
            "the system's keyring"
            if profile.place == "keyring"
            else str(ProfileStore().folder / "secrets.toml")
        )
        rows = (
            ("Profile", f"{profile.name} saved, and active from now on"),
            ("Secret", f"in {secret}"),
        )
        return Card(
            "Signed in",
            (*rows, ("Organization ID", profile.org_id), ("Taken", f"from {session.source}")),
        )
    return card(session)


def _prompt() -> sessions.Session:
    """Ask, with the secret hidden. Nothing typed here is kept by the notebook."""
    values: dict[str, str | Secret] | None = None
    # The kernel of nbconvert, papermill and Voila raises the second; Python without a standard
    # input the third.
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
        raise UsageError(
            "Nothing was typed. Run it again with the organisation id at hand, or use the panel."
        )
    client_id = input("Client ID (leave empty to paste an access token): ")
    values: dict[str, str | Secret] = {"org_id": org_id}
    if client_id.strip():
        values |= {
            "client_id": client_id,
            "client_secret": Secret(getpass.getpass("Client secret (hidden): ")),
        }
    else:
        values["access_token"] = Secret(getpass.getpass("Access token (hidden): "))
    return values


def _status(options: argparse.Namespace) -> Card:  # noqa: ARG001
    return card(sessions.current_or_none())


def _test(options: argparse.Namespace) -> Card:  # noqa: ARG001
    check = sessions.current().test()
    return Card(
        "The credentials work" if check.ok else "The credentials do not work",
        (("Test", check.message),),
    )


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
        for profile in ProfileStore().profiles()
    )
    return Card("Profiles", rows or (("none", "save one with %adobe_auth login --save NAME"),))


def _use(options: argparse.Namespace) -> Any:
    session = options.session = sessions.connect(profile=options.name)
    outcome = _tested(session)
    if outcome.kind != "error":
        ProfileStore().use(options.name)
    if not outcome.kind and (first := sessions.source_that_wins()) not in {"", session.source}:
        text = f"Used now. But a plain %adobe_auth takes {first} first: that comes before profiles."
        outcome = Outcome("warning", text)
    return None if options.quiet and not outcome.text else _panel(outcome)


def _forget(options: argparse.Namespace) -> Card:
    forget_profile(options.name)
    return Card(
        "Profiles", ((options.name, "forgotten, and its secret deleted; a session with it stays"),)
    )


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
