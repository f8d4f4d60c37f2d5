"""The sub-commands of ``%adobe_auth``: each calls the session and returns an object to show."""

import getpass
from argparse import Namespace
from contextlib import suppress
from dataclasses import replace
from typing import Any

from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.getipython import get_ipython
from IPython.display import display

from adobe_nb import session as sessions
from adobe_nb.auth.credentials import Secret, mask_client_id
from adobe_nb.auth.profiles import ProfileStore, forget_profile
from adobe_nb.errors import AdobeError, IncompleteCredentials, NoCredentials, NotSignedIn
from adobe_nb.http.client import is_loopback
from adobe_nb.notebook.display import Card, Outcome, card, outcome_of, outcome_of_error
from adobe_nb.notebook.magics import names_a_source, source_arguments


def run(options: Namespace) -> None:
    """Run a sub-command, show its result, and assign the session to the variable of ``-o``."""
    options.session = None
    result = _COMMANDS[options.command](options)
    shell = get_ipython()
    if options.variable and shell is not None:
        shell.user_ns[options.variable] = options.session or sessions.current_or_none()
    if result is not None and not options.quiet:
        display(result)


def _connect(options: Namespace, *, fall_back: bool) -> sessions.Session:
    sources: dict[str, Any] = source_arguments(options)
    if fall_back:
        sources["fallback"] = "simulator"
    session = sessions.connect(
        **sources,
        org_id=options.org_id,
        simulator=options.simulator,
        writes=sessions.current_writes(),
    )
    options.session = session
    return session


def _auto(options: Namespace) -> Any:
    """Connect if a source is complete; otherwise show the panel, which asks.

    A source that fails shows in the panel and raises, so that the cells below do not go on with
    another account.
    """
    before = sessions.current_or_none()
    if _keeps_session(options, before):
        return _panel_unless_quiet(options, _outcome_of_panel_session())
    outcome = Outcome()
    try:
        session = _connect(options, fall_back=options.or_simulator and before is None)
        outcome = _outcome_of_session(session, quiet=options.quiet)
    except NoCredentials as error:
        if names_a_source(options):
            raise
        if before is None:
            outcome = _outcome_of_no_source(error)
    except AdobeError as error:
        if not (options.quiet or names_a_source(options)):
            display(_panel(outcome_of_error(error)))
        raise
    return _panel_unless_quiet(options, outcome)


def _keeps_session(options: Namespace, session: sessions.Session | None) -> bool:
    """Return whether the session stays: credentials typed into the panel cannot be found again."""
    if session is None or session.signed_out or session.source != sessions.BY_HAND:
        return False
    return not (options.simulator or names_a_source(options))


def _outcome_of_panel_session() -> Outcome:
    source = sessions.source_that_wins()
    if not source:
        return Outcome()
    return Outcome(
        "ok", f"Still signed in from the panel. %adobe_auth login uses {source} instead."
    )


def _outcome_of_session(session: sessions.Session, *, quiet: bool) -> Outcome:
    outcome = _problem_of(session, quiet=quiet)
    if not session.note or outcome.kind == "error":
        return outcome
    return replace(outcome, kind="warning", text=session.note)


def _outcome_of_no_source(error: NoCredentials) -> Outcome:
    if isinstance(error, IncompleteCredentials):
        return Outcome("error", str(error), topic="values")
    return Outcome(
        "warning",
        "No credentials were found in the environment, in a .env file or in a profile. "
        "Sign in below, or use the simulator.",
        topic="values",
    )


def _problem_of(session: sessions.Session, *, quiet: bool) -> Outcome:
    """Test a session, and read what the panel shows; an empty outcome if the credentials work."""
    try:
        outcome = outcome_of(session.test(property_rights=not quiet))
    except AdobeError as error:
        return outcome_of_error(error)
    if outcome.kind == "ok":
        return Outcome()
    return outcome


def _panel_unless_quiet(options: Namespace, outcome: Outcome) -> Any:
    """Return the panel; with ``--quiet`` only if there is a problem."""
    if options.quiet and outcome.kind in {"", "ok"}:
        return None
    return _panel(outcome)


def _show_panel(options: Namespace) -> Any:  # noqa: ARG001
    return _panel(Outcome())


def _panel(outcome: Outcome) -> Any:
    """Return the panel, or the same facts as text where ipywidgets or anywidget do not work."""
    try:
        from adobe_nb.notebook.panel import panel  # noqa: PLC0415
    except ImportError:
        return card(sessions.current_or_none(), outcome)
    return panel(outcome)


def _login(options: Namespace) -> Card:
    session = None
    if not options.ask:
        try:
            session = _connect(options, fall_back=options.or_simulator)
        except NoCredentials:
            if names_a_source(options):
                raise
    if session is None:
        session = options.session = _prompt()
    if options.save:
        return _save(session, options)
    return card(session)


def _save(session: sessions.Session, options: Namespace) -> Card:
    profile = session.save(options.save, in_file=options.in_file)
    place = "the system's keyring"
    if profile.place != "keyring":
        place = str(ProfileStore().folder / "secrets.toml")
    rows = (
        ("Profile", f"{profile.name} saved, and active from now on"),
        ("Secret", f"in {place}"),
        ("Organization ID", profile.org_id),
        ("Taken", f"from {session.source}"),
    )
    return Card("Signed in", rows)


def _prompt() -> sessions.Session:
    """Prompt for credentials, the secret hidden. The notebook keeps nothing of what is typed."""
    values: dict[str, str | Secret] | None = None
    # The kernels of nbconvert, papermill and Voila raise the second, Python without a standard
    # input the third.
    with suppress(EOFError, StdinNotImplementedError, RuntimeError):
        values = _prompted_values()
    if values is None:
        raise UsageError(
            "This environment cannot prompt for input (as under nbconvert, papermill and Voila). "
            "Use the panel or a .env file, or name a source: %adobe_auth --help."
        )
    return sessions.connect_by_hand(values, simulator=False)


def _prompted_values() -> dict[str, str | Secret]:
    org_id = input("Organization ID (ends in @AdobeOrg): ")
    if not org_id.strip():
        raise UsageError("Nothing was entered. Run it again, or use the panel.")
    client_id = input("Client ID (leave empty to paste an access token): ")
    if not client_id.strip():
        token = Secret(getpass.getpass("Access token (hidden): "))
        return {"org_id": org_id, "access_token": token}
    secret = Secret(getpass.getpass("Client secret (hidden): "))
    return {"org_id": org_id, "client_id": client_id, "client_secret": secret}


def _status(options: Namespace) -> Card:  # noqa: ARG001
    return card(sessions.current_or_none())


def _test(options: Namespace) -> Card:  # noqa: ARG001
    # For the next %adobe_auth status, which sends no request.
    check = sessions.current().test(property_rights=True)
    title = "The credentials work"
    if not check.ok:
        title = "The credentials do not work"
    return Card(title, (("Test", check.message),))


def _refresh(options: Namespace) -> Card:
    sessions.current().refresh()
    return _status(options)


def _logout(options: Namespace) -> Card:  # noqa: ARG001
    status = "signed out; the token is forgotten"
    try:
        sessions.current().sign_out()
    except NotSignedIn:
        status = "was not signed in"
    return Card("Adobe tags", (("Status", status),))


def _profiles(options: Namespace) -> Card:  # noqa: ARG001
    rows = []
    for profile in ProfileStore().profiles():
        name = profile.name
        marks = []
        if profile.active:
            marks.append("active")
        if is_loopback(profile.reactor_url):
            marks.append("simulator")
        if marks:
            name += f" ({', '.join(marks)})"
        credentials = f"{profile.kind.replace('_', ' ')} in the {profile.place}"
        client = f"client {mask_client_id(profile.client_id)}"
        rows.append((name, f"{profile.org_id} · {client} · {credentials}"))
    if not rows:
        rows.append(("none", "save one with %adobe_auth login --save NAME"))
    return Card("Profiles", tuple(rows))


def _use(options: Namespace) -> Any:
    session = sessions.connect(profile=options.name, writes=sessions.current_writes())
    options.session = session
    outcome = _problem_of(session, quiet=options.quiet)
    # A profile that fails must not be the one of the next kernel.
    if outcome.kind != "error":
        ProfileStore().use(options.name)
    source = sessions.source_that_wins()
    if not outcome.kind and source not in {"", session.source}:
        outcome = Outcome(
            "warning",
            "This profile is now in use. However, %adobe_auth on its own uses "
            f"{source}, which takes precedence over profiles.",
        )
    return _panel_unless_quiet(options, outcome)


def _forget(options: Namespace) -> Card:
    forget_profile(options.name)
    status = "forgotten, and its secret deleted; a session that uses it continues"
    return Card("Profiles", ((options.name, status),))


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
