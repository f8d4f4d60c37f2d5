"""Sessions: credentials, token and hosts; and which session is the current one."""

import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from html import escape
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

from adobe_nb.api.edge.bindings import Edge, EdgeClient
from adobe_nb.api.progress import OFF, Progress, bar, no_progress
from adobe_nb.api.reactor.bindings import Reactor
from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.journal import Journal
from adobe_nb.api.reactor.preview import PreviewClient
from adobe_nb.api.reactor.rights import PropertyRights, listed, name_of, rights_of
from adobe_nb.api.reactor.rights import property_rights as read_property_rights
from adobe_nb.auth import secret_stores, sources
from adobe_nb.auth.credentials import (
    HOST_NAMES,
    Candidate,
    Credentials,
    ResolvedCredentials,
    Secret,
    candidate_of,
    clean_token,
    credentials_of,
    read_claims,
    sealed,
)
from adobe_nb.auth.ims import ImsAuth, Token, pasted, utc_now
from adobe_nb.auth.profiles import Profile, ProfileStore
from adobe_nb.errors import (
    AdobeError,
    ApiError,
    ArgumentError,
    CredentialsError,
    IncompleteCredentials,
    IncompleteResult,
    NoCredentials,
    NotSignedIn,
    TransportError,
)
from adobe_nb.forks import run_after_fork
from adobe_nb.home import state_folder
from adobe_nb.http.client import Transport
from adobe_nb.http.limiter import MOST, limiter_of
from adobe_nb.http.retry import RetryPolicy
from adobe_nb.simulator import discovery

BY_HAND = "the panel"
_Opener = Callable[[Any], Candidate]
"""Reads the source that an argument names."""


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of ``Session.test()``: whether the credentials work, and a sentence about it."""

    ok: bool
    message: str
    status: int | None = None
    code: str | None = None
    """The code of the error, if it was refused with one."""
    companies: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
    """What the account may do in the company, or in any of several."""
    company_rights: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Each company with what the account may do in it."""
    property_rights: PropertyRights | None = None
    """What it may do in the properties, as it was last read with ``property_rights=True``."""


class Session:
    """A fixed combination of credentials, token and hosts. Safe to use from several threads."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        shadowed: tuple[str, ...] = (),
        incomplete: tuple[str, ...] = (),
        journal: bool = True,
        progress: bool = True,
        concurrency: int | None = None,
        writes: str = "send",
        transport: Transport | None = None,
    ) -> None:
        if writes not in ("send", "preview"):
            raise ArgumentError(f'Invalid writes {writes!r}: must be "send" or "preview".')
        hosts = credentials.hosts
        self.writes: Final = writes
        """``send``, or ``preview``: writes are answered and never sent."""
        self.org_id: Final = credentials.org_id
        """The organization, ``…@AdobeOrg``."""
        self.service: Final = hosts.service
        """``Adobe`` or ``simulator``."""
        self.source: Final = credentials.source
        """Where the credentials came from."""
        self.renewable: Final = credentials.client_secret is not None
        """Whether the token renews automatically when it expires."""
        self.shadowed = shadowed
        """Complete sources that come later in the order."""
        self.incomplete = incomplete
        """Sentences about sources that are incomplete or unreadable."""
        self.checked: Check | None = None
        """The outcome of the last ``test()``, or None."""
        self._property_rights: PropertyRights | None = None
        self._transport = transport or Transport()
        self._auth = ImsAuth(credentials, self._transport, _notify)
        reactor_limiter = limiter_of(self.org_id, hosts.reactor)
        edge_limiter = limiter_of(self.org_id, hosts.edge_server)
        self._limiters = (reactor_limiter, edge_limiter)
        if concurrency is not None:
            self.concurrency = concurrency
        reactor_progress: Progress = no_progress
        edge_progress: Progress = no_progress
        if progress:
            reactor_progress = partial(bar, reactor_limiter)
            edge_progress = partial(bar, edge_limiter)
        client_class = Client
        if writes == "preview":
            client_class = PreviewClient
        open_journal: Callable[[], Journal] | None = None
        if journal and _can_write_journal():
            open_journal = Journal
        self.client: Client = client_class(
            self._transport,
            self._auth,
            hosts.reactor,
            service=self.service,
            org_id=self.org_id,
            limiter=reactor_limiter,
            progress=reactor_progress,
            journal=open_journal,
        )
        """What ``reactor`` sends its requests with."""
        self.edge_client = EdgeClient(
            self._transport,
            self._auth,
            hosts.edge,
            hosts.edge_server,
            service=self.service,
            org_id=self.org_id,
            limiter=edge_limiter,
            progress=edge_progress,
            preview=writes == "preview",
        )
        """What ``edge`` sends its requests with."""
        self._reactor: Reactor | None = None
        self._edge: Edge | None = None

    def __repr__(self) -> str:
        service: str = self.service
        if self.writes == "preview":
            service += " · preview"
        client = self.credentials.masked_client_id
        lines = [
            f"<Session {service} · {self.org_id} · client {client} "
            f"· from {self.source} · {self.time_left_text}>"
        ]
        if self.note:
            lines.append(self.note)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        # JupyterLab breaks a line of text at its edge, in the middle of a word.
        lines = map(escape, repr(self).splitlines())
        return f"<div>{'<br>'.join(lines)}</div>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A session cannot be sent to another process, because it holds a secret. Call "
            "connect() in that process: with profile=, or with values from its environment."
        )

    def __copy__(self) -> "Session":
        return self

    @property
    def credentials(self) -> Credentials:
        """What it signs in with; the client secret that IMS accepted comes first."""
        return self._auth.credentials

    @property
    def note(self) -> str:
        """A sentence if other credentials were preferred but are incomplete, else nothing."""
        if not self.incomplete:
            return ""
        service = self.service
        if service == "simulator":
            service = "the simulator"
        return f"{self.incomplete[0]} This session uses {service} instead."

    @property
    def clock_note(self) -> str:
        """A sentence if this machine's clock is five minutes or more off Adobe's, else nothing."""
        return self._auth.clock_note

    # Made on first use, because signing in needs neither. Not a cached_property: in Python 3.11 it
    # holds a lock, which a fork could leave held. If two threads make one each, either is good.
    @property
    def reactor(self) -> Reactor:
        """The Reactor API with this session's credentials."""
        if self._reactor is None:
            self._reactor = Reactor(self)
        return self._reactor

    @property
    def edge(self) -> Edge:
        """The Edge Network with this session's credentials."""
        if self._edge is None:
            self._edge = Edge(self)
        return self._edge

    @property
    def concurrency(self) -> int:
        """The most requests in flight at once: 1 to 64, 16 by default.

        The service's own limit, which may be lower, is found while requests are sent. All sessions
        of an organization in this process share one limit. Setting any other value than a whole
        number from 1 to 64 raises ArgumentError.
        """
        return self._limiters[0].ceiling

    @concurrency.setter
    def concurrency(self, most: int) -> None:
        if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST:
            raise ArgumentError(
                f"Invalid concurrency {most!r}: must be a whole number from 1 to {MOST}."
            )
        for limiter in self._limiters:
            limiter.ceiling = most

    @property
    def token(self) -> Token | None:
        """The current token, whose value stays hidden, or None."""
        return self._auth.held

    @property
    def signed_out(self) -> bool:
        """Whether ``sign_out`` was called; such a session cannot sign in again."""
        return self._auth.signed_out

    @property
    def works(self) -> bool:
        """Whether it is signed in, and passed its last test if there was one."""
        return not self.signed_out and (self.checked is None or self.checked.ok)

    @property
    def expires_at(self) -> datetime | None:
        """When the current token expires (UTC), if known."""
        token = self.token
        if token is None:
            return None
        return token.expires_at

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of the token, or the requested ones if it names none."""
        scope = self._claims().get("scope")
        if not scope:
            return self.credentials.scopes
        return tuple(filter(None, str(scope).split(",")))

    @property
    def account(self) -> str | None:
        """The technical account of the token."""
        return str(self._claims().get("user_id") or "") or None

    def _claims(self) -> dict[str, Any]:
        token = self.token
        if token is None:
            return {}
        return read_claims(token.value)

    @property
    def time_left_text(self) -> str:
        """How long the token is valid, for example ``23 h 59 min left``."""
        token = self.token
        if self.signed_out:
            return "signed out"
        if token is None:
            return "no token yet"
        left = token.left(utc_now())
        if left is None:
            return "expiry of the token unknown"
        seconds = int(left.total_seconds())
        if seconds < 60:
            return f"{seconds} s left"
        return f"{seconds // 3600} h {seconds // 60 % 60} min left"

    def headers(self) -> dict[str, str]:
        """Return the three headers of every request, masked."""
        return {
            "Authorization": "Bearer ••••••••",
            "x-api-key": self.credentials.masked_client_id,
            "x-gw-ims-org-id": self.org_id,
        }

    def sign_in(self) -> None:
        """Fetch or check the token now.

        Raises
        ------
        SignInError
            IMS refused the credentials, or a pasted token has expired.
        CredentialsError
            A pasted token is invalid. No request was sent.
        TransportError
            IMS cannot be reached.
        """
        self._auth.token()

    def refresh(self) -> None:
        """Fetch a new token now.

        Raises
        ------
        CredentialsError
            The token was pasted, so it cannot be renewed.
        SignInError, TransportError
            As ``sign_in``.
        """
        self._auth.refresh()

    def save(self, name: str, *, in_file: bool = False) -> Profile:
        """Save the credentials on this machine as a profile, for ``connect(profile=name)``.

        Parameters
        ----------
        name
            Letters, digits, dots, dashes and underscores, at most 64.
        in_file
            Keep the secret in a file that only you can read, instead of the system's keyring
            (which needs the extra ``keyring``).

        Raises
        ------
        CredentialsError
            The profile cannot be saved. Nothing has changed.
        """
        url = self.credentials.hosts.reactor
        if self.source == discovery.BUILT_IN or discovery.is_built_in(url):
            raise CredentialsError(
                "The built-in simulator needs no profile: connect(simulator=True) is enough."
            )
        return ProfileStore().save(name, self.credentials, in_file=in_file)

    def test(self, *, property_rights: bool = False) -> Check:
        """Test the credentials as Adobe recommends, by listing the companies.

        Parameters
        ----------
        property_rights
            Also read the rights on properties, with one more request for each of the first three
            companies. A company that cannot be read is named in ``property_rights.problems``, and
            does not change the outcome. False keeps what was read before.

        Returns
        -------
        Check
            ``ok`` for a list, and for 404 if it says that the organization has no company.

        Raises
        ------
        SignInError, TransportError
            As ``sign_in``.
        """
        try:
            document = self.client.get("/companies")
            check = _check_of(document.get("data"))
            if check.companies:
                if property_rights:
                    self._property_rights = read_property_rights(self.client, document)
                check = replace(check, property_rights=self._property_rights)
        except ApiError as error:
            check = _check_of_error(error)
        except IncompleteResult as error:
            check = Check(False, str(error), 200)
        self.checked = check
        _notify()
        return check

    def sign_out(self) -> None:
        """Forget the token and close the connections. The session cannot sign in again."""
        self._auth.forget()
        self._transport.close()
        with _lock:
            if _state.default is self:
                _state.default = None
        _notify()


def connect(
    *,
    client_id: str | None = None,
    client_secret: str | Secret | None = None,
    org_id: str | None = None,
    access_token: str | Secret | None = None,
    scopes: str | list[str] | tuple[str, ...] | None = None,
    reactor_url: str | None = None,
    ims_url: str | None = None,
    edge_url: str | None = None,
    edge_server_url: str | None = None,
    env_file: str | Path | None = None,
    console_file: str | Path | None = None,
    postman_file: str | Path | None = None,
    config_file: str | Path | None = None,
    profile: str | None = None,
    secrets: str | None = None,
    simulator: bool | str = False,
    fallback: Literal["simulator"] | None = None,
    journal: bool = True,
    progress: bool = True,
    concurrency: int | None = None,
    retry_pause: float = RetryPolicy.pause,
    writes: Literal["send", "preview"] = "send",
    make_default: bool = True,
) -> Session:
    """Sign in, and make the new session the default for this process.

    Without arguments the first complete source wins: environment, ``.env`` (this folder and up),
    the active profile, a running simulator named in ``ADOBE_NB_SIMULATOR``. Naming one source ends
    the search.

    Parameters
    ----------
    client_id, client_secret, org_id, access_token
        Values: the first three, or a token and ``org_id``.
    scopes
        A list, or text separated by commas or blanks.
    reactor_url, ims_url, edge_url, edge_server_url
        Base URLs, for a simulator.
    env_file
        A ``.env`` file.
    console_file
        The JSON download of Developer Console, of a project or a credential.
    postman_file
        An exported Postman environment.
    config_file
        The configuration of launchpy or aepp, with ``org_id`` if it has several organizations.
    profile
        A profile that was saved on this machine (``Session.save``, ``adobe_nb.profiles()``).
    secrets
        ``"colab"`` for the secrets of Colab, or ``"databricks:SCOPE"`` for a secret scope of
        Databricks. They have the names of the environment, such as ``ADOBE_CLIENT_ID``.
    simulator
        True for the built-in simulator, or the name of one of its accounts (``"no_company"``).
    fallback
        ``"simulator"`` uses the built-in simulator only if no source is complete.
    journal
        False keeps no journal of writes (``adobe_nb.journal()``); neither does
        ``ADOBE_NB_JOURNAL=off`` in the environment.
    progress
        False shows no progress bars; neither does ``ADOBE_NB_PROGRESS=off``.
    concurrency
        The most requests in flight at once (16).
    retry_pause
        Seconds before a failed request is first retried (0.5). It doubles with each retry, up to
        8 s; 0 retries at once.
    writes
        ``"preview"`` reads from the service and never sends a write. Each write returns a frame
        shaped like that of the service, with ids that the session makes up (``RLpreview…``), and
        later reads of the session include it; ``frame.attrs["preview"]`` is True. Other sessions
        refuse these ids, and events of ``edge`` are refused.
    make_default
        False leaves the default session as it is.

    Raises
    ------
    CredentialsError
        No source, an incomplete one, or the retired JWT method. No request was sent.
    SignInError
        IMS refused the credentials, or a pasted token has expired.
    TransportError
        IMS cannot be reached.

    Examples
    --------
    >>> import adobe_nb
    >>> session = adobe_nb.connect(simulator=True)
    >>> session.service
    'simulator'
    """
    # Hidden before anything can fail, so that a traceback with local variables shows no secret, also
    # if it was passed as secrets= by mistake.
    store = sealed("secrets", secrets)
    secrets = None
    if isinstance(client_secret, str):
        client_secret = Secret(client_secret)
    if isinstance(access_token, str):
        access_token = Secret(access_token)
    if not isinstance(client_secret, Secret | None) or not isinstance(access_token, Secret | None):
        client_secret = access_token = None
        raise CredentialsError("client_secret and access_token must be text or Secret objects.")
    values: dict[str, object] = {
        "client_id": client_id,
        "client_secret": client_secret,
        "org_id": org_id,
        "access_token": access_token,
        "scopes": scopes,
        "reactor_url": reactor_url,
        "ims_url": ims_url,
        "edge_url": edge_url,
        "edge_server_url": edge_server_url,
    }
    values = {name: value for name, value in values.items() if value is not None}
    if config_file is not None and values.keys() == {"org_id"}:
        # It chooses among the organizations of that file.
        values = {}
    openers: list[tuple[_Opener, object]] = [
        (sources.from_env_file, env_file),
        (sources.from_console_file, console_file),
        (sources.from_postman_file, postman_file),
        (partial(sources.from_config_file, org_id=org_id), config_file),
        (ProfileStore().candidate, profile),
        (secret_stores.from_secret_store, store),
    ]
    resolved = _resolve(values, openers, simulator=simulator, fallback=fallback)
    session = Session(
        resolved.credentials,
        shadowed=resolved.shadowed,
        incomplete=resolved.incomplete,
        journal=journal,
        progress=progress,
        concurrency=concurrency,
        writes=writes,
        transport=Transport(pause=retry_pause),
    )
    _sign_in(session, make_default=make_default)
    return session


def connect_by_hand(
    values: Mapping[str, str | Secret], *, simulator: bool, make_default: bool = True
) -> Session:
    """Sign in with what was typed into the panel or a prompt. Raises as ``connect`` does."""
    token = values.get("access_token")
    if isinstance(token, Secret):
        claims = read_claims(pasted(Secret(clean_token(token.reveal())), utc_now()).value)
        issuer = claims.get("as")
        if issuer and (issuer == "simulator") != simulator:
            service = "Adobe"
            if issuer == "simulator":
                service = "the simulator"
            raise CredentialsError(
                f"This token comes from {service}. Choose that service, or paste another token.",
                value_name="access_token",
            )
    urls: dict[str, object] = {}
    if simulator:
        details = discovery.connection_details()
        urls = {f"{host}_url": details.get(f"{host}_url") for host in HOST_NAMES}
    credentials = credentials_of(candidate_of(BY_HAND, {**values, **urls}))
    session = Session(credentials, writes=current_writes())
    _sign_in(session, make_default=make_default)
    return session


def make_current(session: Session) -> None:
    """Make a session the process's default."""
    with _lock:
        _state.default = session
    _notify()


def current_writes() -> Literal["send", "preview"]:
    """Return ``writes`` of the default session: a click must not turn a preview into a session that
    sends.
    """
    if _state.default is not None and _state.default.writes == "preview":
        return "preview"
    return "send"


def current_or_none() -> Session | None:
    """Return the current session, or None."""
    return _used.get() or _state.default


def on_change(listener: Callable[[], object]) -> None:
    """Call the listener when the default session changes or a token is replaced."""
    if listener not in _listeners:
        _listeners.append(listener)


def off_change(listener: Callable[[], object]) -> None:
    """Stop calling the listener."""
    if listener in _listeners:
        _listeners.remove(listener)


def _resolve(
    values: Mapping[str, object],
    openers: Sequence[tuple[_Opener, object]],
    *,
    simulator: bool | str,
    fallback: str | None,
) -> ResolvedCredentials:
    """Return the source that the arguments name, or else the first complete one."""
    named = [(opener, argument) for opener, argument in openers if argument is not None]
    if bool(values) + len(named) + bool(simulator) > 1:
        raise CredentialsError(
            "Name one source only: values such as client_id=, or a file, profile=, secrets= or "
            "simulator=. Sources are never mixed."
        )
    if fallback not in (None, "simulator"):
        raise CredentialsError(f'Invalid fallback {fallback!r}: must be "simulator" or None.')
    if simulator:
        account = "demo"
        if isinstance(simulator, str):
            account = simulator
        return ResolvedCredentials(discovery.built_in_credentials(account))
    if values:
        return ResolvedCredentials(credentials_of(candidate_of("arguments", values)))
    for opener, argument in named:
        return ResolvedCredentials(credentials_of(opener(argument)))
    return first_source(fall_back=fallback == "simulator")


def first_source(*, fall_back: bool = False) -> ResolvedCredentials:
    """Return the first complete source. Raises NoCredentials when there is none."""
    announced = sources.announced_simulator()
    if announced or fall_back:
        return _first_source_or_simulator(announced, fall_back=fall_back)
    resolved = sources.find()
    if resolved is None:
        advice = (
            "Put ADOBE_CLIENT_ID, ADOBE_CLIENT_SECRET and ADOBE_ORG_ID into a .env file, use the "
            "panel of %adobe_auth, or try it without an account: adobe_nb.connect(simulator=True)."
        )
        if store := secret_stores.store_here():
            advice += f' Secrets of this notebook are read by adobe_nb.connect(secrets="{store}").'
        raise NoCredentials(f"No credentials were found. {advice}")
    return resolved


def _first_source_or_simulator(announced: str, *, fall_back: bool) -> ResolvedCredentials:
    """Return the first complete source, or else the announced or the built-in simulator."""
    resolved: ResolvedCredentials | None = None
    incomplete: tuple[str, ...] = ()
    try:
        resolved = sources.find()
    except IncompleteCredentials as error:
        incomplete = (str(error),)
    if resolved is not None:
        url = resolved.credentials.hosts.reactor
        if not discovery.is_gone(url):
            return resolved
        # A source that names a stopped simulator gives way to another one.
        source = resolved.credentials.source
        advice = _how_to_forget(source) or "Start it again: adobe-nb simulator."
        incomplete = (f"The simulator of {source} ({url}) does not respond. {advice}",)
    if announced and not (fall_back and discovery.is_gone(announced)):
        return ResolvedCredentials(discovery.announced_credentials(), incomplete=incomplete)
    return ResolvedCredentials(discovery.built_in_credentials(), incomplete=incomplete)


def _sign_in(session: Session, *, make_default: bool) -> None:
    """Fetch the token, and make the session the default. An error says what is still in force."""
    try:
        session.sign_in()
    except AdobeError as error:
        if not isinstance(error, CredentialsError):
            note = f"The credentials came from {session.source}."
            if isinstance(error, TransportError) and session.service == "simulator":
                note = f"{note} {_how_to_forget(session.source)}".rstrip()
            error.add_note(note)
        before = _state.default
        if make_default and before is not None and before.works:
            error.add_note(f"You are still signed in as before: {before.service}, {before.org_id}.")
        raise
    if make_default:
        make_current(session)


def _how_to_forget(source: str) -> str:
    """Say how to delete the profile of a simulator that was stopped."""
    name = source.removeprefix("profile ")
    if name == source:
        return ""
    return f"If that simulator no longer exists: %adobe_auth forget {name}"


def _can_write_journal() -> bool:
    if os.environ.get("ADOBE_NB_JOURNAL", "").strip().lower() in OFF:
        return False
    if state_folder() is None:
        _warn_of_no_journal()
        return False
    return True


@cache
def _warn_of_no_journal() -> None:
    """Warn once per process."""
    warnings.warn(
        "This account has no home folder, so no journal of writes is kept. Set HOME or "
        "XDG_STATE_HOME to keep one.",
        stacklevel=5,
    )


def _notify() -> None:
    for listener in list(_listeners):
        try:
            listener()
        # A display that fails must not stop a pull.
        except Exception as error:  # noqa: BLE001
            _log.warning("A listener of the session failed (%s).", type(error).__name__)


def source_that_wins() -> str:
    """Name the source that ``connect()`` would use now; nothing if there is none or it fails."""
    try:
        resolved = sources.find()
    except AdobeError:
        return ""
    if resolved is None:
        return ""
    return resolved.credentials.source


def current() -> Session:
    """Return the current session: that of the enclosing ``use()``, else the default.

    Raises
    ------
    NotSignedIn
        Sign in first.
    """
    session = current_or_none()
    if session is None:
        raise NotSignedIn(
            "You are not signed in. Run %adobe_auth, or adobe_nb.connect(). Without an Adobe "
            "account: adobe_nb.connect(simulator=True)."
        )
    return session


@contextmanager
def use(session: Session) -> Iterator[Session]:
    """Make a session the current one for this block, in this thread or async task only."""
    previous = _used.set(session)
    try:
        yield session
    finally:
        _used.reset(previous)


class _Current:
    """Follows ``current()`` at each call."""

    @property
    def client(self) -> Client:
        return current().client

    @property
    def edge_client(self) -> EdgeClient:
        return current().edge_client


reactor = Reactor(_Current())
"""The Reactor API with the current session, looked up at each call."""

edge = Edge(_Current())
"""The Edge Network with the current session, looked up at each call."""

with_names = reactor.with_names


@dataclass(slots=True)
class _State:
    default: Session | None = None


@run_after_fork
def _restart() -> None:
    """In a forked process: the displays that listen belong to the parent."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _listeners.clear()


_state = _State()
_lock = threading.Lock()
_log = logging.getLogger("adobe_nb")
_listeners: list[Callable[[], object]] = []
_used: ContextVar[Session | None] = ContextVar("adobe_nb_session", default=None)


def _check_of_error(error: ApiError) -> Check:
    # Another 404 may come from a proxy; this code is Reactor's own.
    if error.status != 404 or error.code != "not-found":
        return Check(False, str(error), error.status, error.code)
    return Check(
        True,
        "The credentials work, but the organization has no company in tags (404). Ask your "
        "administrator whether it has tags, and whether this is the right organization.",
        404,
    )


def _check_of(companies: object) -> Check:
    if not isinstance(companies, list):
        message = "Expected a list of companies, got something else. Is this really Adobe's URL?"
        return Check(False, message, 200)
    names: list[str] = []
    rights: set[str] = set()
    company_rights = []
    for company in companies:
        if not isinstance(company, Mapping):
            continue
        name, rights_here = name_of(company), rights_of(company)
        names.append(name)
        rights.update(rights_here)
        company_rights.append((name, rights_here))
    if not names:
        message = "The credentials work, but the organization has no company in tags."
        return Check(True, message, 200)
    return Check(
        True,
        f"The credentials work. Company: {listed(names)}.",
        200,
        companies=tuple(names),
        rights=tuple(sorted(rights)),
        company_rights=tuple(company_rights),
    )
