"""Sessions: credentials + token + hosts, and which of them is the current one."""

import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

from adobe_nb.api.edge.bindings import Edge, EdgeClient
from adobe_nb.api.progress import bar, no_progress
from adobe_nb.api.reactor.bindings import Reactor
from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.journal import Journal
from adobe_nb.api.reactor.preview import PreviewClient
from adobe_nb.auth import sources
from adobe_nb.auth.credentials import (
    Candidate,
    Credentials,
    Found,
    Secret,
    clean_token,
    credentials_of,
    read_claims,
)
from adobe_nb.auth.ims import Clock, ImsAuth, Token, pasted, utc_now
from adobe_nb.auth.profiles import Profile, Store
from adobe_nb.errors import (
    AdobeError,
    ApiError,
    ArgumentError,
    CredentialsError,
    IncompleteCredentials,
    IncompleteResult,
    NoCredentials,
    NotFound,
    NotSignedIn,
    TransportError,
)
from adobe_nb.forks import in_children
from adobe_nb.home import state_folder
from adobe_nb.http.client import Transport
from adobe_nb.http.limiter import MOST, limiter_of
from adobe_nb.http.retry import RetryPolicy
from adobe_nb.simulator import discovery

BY_HAND = "the panel"
_OFF = {"off", "0", "no", "false"}
_FORGET = "If that simulator is gone for good: %adobe_auth forget {}"
_HOW_TO = (
    "Put ADOBE_CLIENT_ID, ADOBE_CLIENT_SECRET and ADOBE_ORG_ID into a .env file, use the panel of %adobe_auth, "
    "or try it without an account: adobe_nb.connect(simulator=True)."
)


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of ``Session.test()``: whether the credentials work, and a sentence about it."""

    ok: bool
    message: str
    status: int | None = None
    companies: tuple[str, ...] = field(default=())
    rights: tuple[str, ...] = field(default=())
    """What the account may do in the company."""


class Session:
    """Credentials, token and hosts, bound together for good. Safe to use from several threads."""

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
        now: Clock = utc_now,
    ) -> None:
        if writes not in ("send", "preview"):
            raise ArgumentError(f'writes is "send" or "preview", not {writes!r}.')
        hosts = credentials.hosts
        self.writes: Final = writes
        """``send``, or ``preview``: writes are answered and never sent."""
        self.org_id: Final = credentials.org_id
        """The organisation, ``…@AdobeOrg``."""
        self.service: Final = hosts.service
        """``Adobe`` or ``simulator``."""
        self.source: Final = credentials.source
        """Where the credentials came from."""
        self.renewable: Final = credentials.client_secret is not None
        """Whether a new token is fetched by itself when this one ends."""
        self.shadowed = shadowed
        self.incomplete = incomplete
        self.checked: Check | None = None
        """The outcome of the last ``test()``, or None."""
        self._transport = transport or Transport()
        self._now = now
        self._auth = ImsAuth(credentials, self._transport, now, _notify)
        self._limiters = (
            limiter_of(self.org_id, hosts.reactor),
            limiter_of(self.org_id, hosts.edge_server),
        )
        if concurrency is not None:
            self.concurrency = concurrency
        writes_journal = (
            journal and os.environ.get("ADOBE_NB_JOURNAL", "").strip().lower() not in _OFF
        )
        if writes_journal and state_folder() is None:
            writes_journal = False
            _warn_of_no_journal()
        client_class = PreviewClient if writes == "preview" else Client
        self.client: Client = client_class(
            self._transport,
            self._auth,
            hosts.reactor,
            service=self.service,
            org_id=self.org_id,
            limiter=self._limiters[0],
            progress=partial(bar, self._limiters[0]) if progress else no_progress,
            journal=Journal if writes_journal else None,
        )
        """What ``reactor`` sends its requests with."""
        self.edge_client = EdgeClient(
            self._transport,
            self._auth,
            hosts.edge,
            hosts.edge_server,
            service=self.service,
            org_id=self.org_id,
            limiter=self._limiters[1],
            progress=partial(bar, self._limiters[1]) if progress else no_progress,
            preview=writes == "preview",
        )
        """What ``edge`` sends its requests with."""
        self._reactor: Reactor | None = None
        self._edge: Edge | None = None

    def __repr__(self) -> str:
        preview = " · preview" if self.writes == "preview" else ""
        return (
            f"<Session {self.service}{preview} · {self.org_id} · client {self.credentials.masked_client_id} "
            f"· from {self.source} · {self.time_left_text}>"
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A session is not sent to another process, since it holds a secret. Call connect() in that process: with a "
            "profile=, or with values of its environment."
        )

    def __copy__(self) -> "Session":
        return self

    @property
    def credentials(self) -> Credentials:
        """What it signs in with; of two client secrets the one that IMS accepted comes first."""
        return self._auth.credentials

    @property
    def clock_note(self) -> str:
        """A sentence when this machine's clock differs from Adobe's by five minutes or more; else
        nothing.
        """
        return self._auth.clock_note

    # Made when first used, because signing in needs neither. Not by cached_property: in Python 3.11
    # it holds a lock, which a fork could leave held. If two threads make one each, either is good.
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
        """Requests in flight at once, at most; 16 unless you set it. The limit below it is found by
        asking.

        It belongs to the organisation: all sessions of this process that use it share one limit.
        Setting it raises ArgumentError for anything but a whole number from 1 to 64.
        """
        return self._limiters[0].ceiling

    @concurrency.setter
    def concurrency(self, most: int) -> None:
        if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST:
            raise ArgumentError(f"concurrency is a whole number from 1 to {MOST}, not {most!r}.")
        for limiter in self._limiters:
            limiter.ceiling = most

    @property
    def token(self) -> Token | None:
        """The token at hand (its value stays hidden), or None."""
        return self._auth.held

    @property
    def signed_out(self) -> bool:
        """Whether ``sign_out`` was called: then it stays without a token."""
        return self._auth.signed_out

    @property
    def works(self) -> bool:
        """Whether it is signed in, and was not refused when it was last tested."""
        return not self.signed_out and (self.checked is None or self.checked.ok)

    @property
    def expires_at(self) -> datetime | None:
        """When the present token ends (UTC), if that is known."""
        return self.token.expires_at if self.token else None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that the token names; those that are asked for while there is none, or it
        names none.
        """
        token = self.token
        named = read_claims(token.value).get("scope") if token else None
        return (
            tuple(part for part in str(named).split(",") if part)
            if named
            else self.credentials.scopes
        )

    @property
    def account(self) -> str | None:
        """The technical account, as the token names it."""
        token = self.token
        named = read_claims(token.value).get("user_id") if token else None
        return named if isinstance(named, str) and named else None

    @property
    def time_left_text(self) -> str:
        """``23 h 59 min left``."""
        token = self.token
        left = token.left(self._now()) if token else None
        if token is None:
            return "signed out" if self.signed_out else "no token yet"
        if left is None:
            return "end of token unknown"
        minutes = int(left.total_seconds()) // 60
        if minutes < 1:
            return f"{int(left.total_seconds())} s left"
        return f"{minutes // 60} h {minutes % 60} min left"

    def headers(self) -> dict[str, str]:
        """The three headers of every request, masked: what is sent, without the values that matter."""
        return {
            "Authorization": "Bearer ••••••••",
            "x-api-key": self.credentials.masked_client_id,
            "x-gw-ims-org-id": self.org_id,
        }

    def sign_in(self) -> None:
        """Fetch or check the token now. Raises SignInError, CredentialsError, TransportError."""
        self._auth.token()

    def refresh(self) -> None:
        """Fetch a new token now. Raises CredentialsError for a pasted one, SignInError,
        TransportError.
        """
        self._auth.refresh()

    def save(self, name: str, *, in_file: bool = False) -> Profile:
        """Keep the credentials on this machine as a profile; ``connect(profile=name)`` takes them
        from then on.

        The secret goes into the system's keyring (extra ``keyring``); ``in_file=True`` puts it into
        a file that only you can read. Raises CredentialsError when neither works; then nothing was
        saved.
        """
        if self.source == discovery.BUILT_IN or discovery.is_built_in(
            self.credentials.hosts.reactor
        ):
            raise CredentialsError(
                "The built-in simulator needs no profile: connect(simulator=True) is enough."
            )
        return Store().save(name, self.credentials, in_file=in_file)

    def test(self) -> Check:
        """Adobe's own test: list the companies. 200 and a real 404 mean that the credentials work."""
        try:
            check = _check_of(self.client.get("/companies").get("data"))
        except NotFound as error:
            check = _not_found(error)
        except ApiError as error:
            check = Check(False, str(error), error.status)
        except IncompleteResult as error:
            check = Check(False, str(error), 200)
        self.checked = check
        _notify()
        return check

    def sign_out(self) -> None:
        """Forget the token and close the connections. A session that was signed out stays so."""
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
    simulator: bool | str = False,
    fallback: Literal["simulator"] | None = None,
    journal: bool = True,
    progress: bool = True,
    concurrency: int | None = None,
    retry_pause: float = RetryPolicy.pause,
    writes: Literal["send", "preview"] = "send",
    make_default: bool = True,
) -> Session:
    """Sign in and become the process's default session.

    Without arguments the first complete source wins: environment, ``.env`` (this folder and up),
    the active profile, a running simulator named in ``ADOBE_NB_SIMULATOR``. Naming one source ends
    the search:

    - values: ``client_id``, ``client_secret`` and ``org_id``, or ``access_token`` and ``org_id``; ``scopes`` is a list,
      or text joined by commas or blanks;
    - ``env_file``: a ``.env``; ``console_file``: the JSON download of Developer Console, of a project or a credential;
      ``postman_file``: an exported Postman environment; ``config_file``: the configuration of
      launchpy or aepp, with ``org_id`` where it has several organisations;
    - ``profile``: one that was saved on this machine (``Session.save``, ``adobe_nb.profiles()``);
    - ``simulator=True``: the built-in simulator (``simulator="no_company"``: as another of its accounts).

    ``fallback="simulator"`` takes the simulator only when no source is complete. ``journal=False``
    keeps no journal of what is written (``adobe_nb.journal()``); so does ``ADOBE_NB_JOURNAL=off``
    in the environment. ``progress=False`` shows no bars; so does ``ADOBE_NB_PROGRESS=off``.
    ``concurrency`` is the most requests in flight at once (16). ``retry_pause`` is the wait in
    seconds before a failed request is first retried (0.5); it doubles with each retry, and 0
    retries at once.

    ``writes="preview"`` reads from the service and never sends a write: each write returns a frame
    shaped like that of the service, with ids that the session makes up (``RLpreview…``), and later
    reads of the session include it. Other sessions refuse these ids. Events of ``edge`` are
    refused. ``frame.attrs["preview"]`` is True.

    Raises CredentialsError (none, incomplete, or of the retired JWT method; nothing was sent),
    SignInError (IMS refused), TransportError.

    Example:
        >>> import adobe_nb
        >>> session = adobe_nb.connect(simulator=True)
        >>> session.service
        'simulator'
    """
    # Hidden before anything can fail: a traceback with local variables then has nothing to show.
    if isinstance(client_secret, str):
        client_secret = Secret(client_secret)
    if isinstance(access_token, str):
        access_token = Secret(access_token)
    if not isinstance(client_secret, Secret | None) or not isinstance(access_token, Secret | None):
        client_secret = access_token = None
        raise CredentialsError("client_secret and access_token are texts (str), or Secret objects.")
    values: dict[str, Any] = {
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
    files = {
        "env_file": env_file,
        "console_file": console_file,
        "postman_file": postman_file,
        "config_file": config_file,
        "profile": profile,
    }
    found = _find(values, files, simulator=simulator, fallback=fallback)
    session = Session(
        found.credentials,
        shadowed=found.shadowed,
        incomplete=found.incomplete,
        journal=journal,
        progress=progress,
        concurrency=concurrency,
        writes=writes,
        transport=Transport(pause=retry_pause),
    )
    _sign_in(session, make_default=make_default)
    return session


def connect_by_hand(
    values: Mapping[str, "str | Secret"], *, simulator: bool, make_default: bool = True
) -> Session:
    """Sign in with what was typed into the panel or a prompt. Raises as ``connect`` does."""
    urls: dict[str, str | Secret] = {}
    token = values.get("access_token")
    if isinstance(token, Secret):
        claims = read_claims(pasted(Secret(clean_token(token.reveal())), utc_now()).value)
        issuer = str(claims.get("as", ""))
        if issuer and (issuer == "simulator") != simulator:
            where = "the simulator" if issuer == "simulator" else "Adobe"
            raise CredentialsError(
                f"This token comes from {where}. Choose that service, or paste another token."
            )
    if simulator:
        details = discovery.connection_details()
        names = ("reactor_url", "ims_url", "edge_url", "edge_server_url")
        urls = {name: details[name] for name in names if details.get(name)}
    candidate = sources.from_arguments(BY_HAND, **{**values, **urls})
    session = Session(credentials_of(candidate))
    _sign_in(session, make_default=make_default)
    return session


def make_current(session: Session) -> None:
    """Make it the process's default session."""
    with _lock:
        _state.default = session
    _notify()


def current_or_none() -> Session | None:
    """The session in force, or None."""
    return _used.get() or _state.default


def on_change(listener: Callable[[], object]) -> None:
    """Call this when the default session changes or a token is replaced. Each listener is kept
    once.
    """
    if listener not in _listeners:
        _listeners.append(listener)


def _find(
    values: Mapping[str, Any],
    files: Mapping[str, str | Path | None],
    *,
    simulator: bool | str,
    fallback: str | None,
) -> Found:
    """The source that the arguments name; the first complete one when they name none."""
    named = [name for name, value in values.items() if value is not None]
    named_files = [name for name, value in files.items() if value is not None]
    if named == ["org_id"] and "config_file" in named_files:
        named = []  # it chooses among the organisations of that file
    if bool(named) + len(named_files) + bool(simulator) > 1:
        names = "=, ".join(files)
        raise CredentialsError(
            f"Name one source only: values, {names}= or simulator=. Sources are never mixed."
        )
    if fallback not in {None, "simulator"}:
        raise CredentialsError('fallback takes "simulator" or nothing.')
    if simulator:
        return Found(discovery.built_in_credentials("demo" if simulator is True else simulator))
    if named:
        return Found(credentials_of(sources.from_arguments("arguments", **values)))
    if not named_files:
        return _first_source(fall_back=fallback == "simulator")
    (name,) = named_files
    openers: dict[str, Callable[[Any], Candidate]] = {
        "env_file": sources.from_env_file,
        "console_file": sources.from_console_file,
        "postman_file": sources.from_postman_file,
        "config_file": partial(sources.from_config_file, org_id=values["org_id"]),
        "profile": sources.from_profile,
    }
    return Found(credentials_of(openers[name](files[name])))


def _first_source(*, fall_back: bool) -> Found:
    """The first complete source. Raises NoCredentials when there is none.

    A source that names a simulator which is gone gives way to another simulator, where there is one
    to take.
    """
    problem = ""
    found: Found | None = None
    try:
        found = sources.find()
    except IncompleteCredentials as error:
        problem = str(error)
    announced = sources.announced_simulator()
    if found is not None:
        another = fall_back or announced
        if not another or not discovery.is_gone(found.credentials.hosts.reactor):
            return found
        problem = _gone_message(found.credentials)
    incomplete = (problem,) if problem else ()
    if announced and not (fall_back and discovery.is_gone(announced)):
        return Found(discovery.announced_credentials(), incomplete=incomplete)
    if fall_back:
        return Found(discovery.built_in_credentials(), incomplete=incomplete)
    if problem:
        raise IncompleteCredentials(problem)
    raise NoCredentials(f"No credentials were found. {_HOW_TO}")


def _sign_in(session: Session, *, make_default: bool) -> None:
    """Fetch the token, and make the session the default. An error says where its credentials came
    from.
    """
    try:
        session.sign_in()
    except AdobeError as error:
        before = _state.default
        if not isinstance(error, CredentialsError):
            error.add_note(
                f"The credentials came from {session.source}.{_forgetting(session, error)}"
            )
        if make_default and before is not None and before.works:
            error.add_note(f"You are still signed in as before: {before.service}, {before.org_id}.")
        raise
    if make_default:
        make_current(session)


def _forgetting(session: Session, error: AdobeError) -> str:
    """How to get rid of a profile that points at a simulator which is gone."""
    kind, _, name = session.source.partition(" ")
    gone = isinstance(error, TransportError) and session.service == "simulator"
    return f" {_FORGET.format(name)}" if kind == "profile" and gone else ""


@cache
def _warn_of_no_journal() -> None:
    """Once in a process."""
    warnings.warn(
        "This account has no home folder, so no journal of writes is kept. Set HOME or XDG_STATE_HOME to keep one.",
        stacklevel=4,
    )


def _notify() -> None:
    for listener in list(_listeners):
        try:
            listener()
        except Exception as error:  # noqa: BLE001 - a display that fails must not stop a pull
            _log.warning("A listener of the session failed (%s).", type(error).__name__)


def _gone_message(credentials: Credentials) -> str:
    kind, _, name = credentials.source.partition(" ")
    advice = (
        _FORGET.format(name)
        if kind == "profile"
        else "Start it again (adobe-nb simulator), or remove it there."
    )
    return f"The simulator of {credentials.source} ({credentials.hosts.reactor}) does not answer. {advice}"


def source_that_wins() -> str:
    """What ``connect()`` without arguments would take now, by name; nothing when there is none, or
    it fails.
    """
    try:
        found = sources.find()
    except AdobeError:
        return ""
    return found.credentials.source if found else ""


def current() -> Session:
    """The session in force: that of the enclosing ``use()``, else the default. Raises NotSignedIn."""
    session = current_or_none()
    if session is None:
        raise NotSignedIn(
            "You are not signed in. Run %adobe_auth, or adobe_nb.connect(). Without an Adobe account: "
            "adobe_nb.connect(simulator=True)."
        )
    return session


@contextmanager
def use(session: Session) -> Iterator[Session]:
    """Make a session the current one for this block (and this thread or task only)."""
    mark = _used.set(session)
    try:
        yield session
    finally:
        _used.reset(mark)


class _Current:
    """The session that is current at each call."""

    @property
    def client(self) -> Client:
        return current().client

    @property
    def edge_client(self) -> EdgeClient:
        return current().edge_client


reactor = Reactor(_Current())
"""Follows ``current()`` at each call."""

edge = Edge(_Current())
"""Follows ``current()`` at each call."""


def with_names(frame: Any) -> Any:
    """``reactor.with_names`` of the current session."""
    return reactor.with_names(frame)


@dataclass(slots=True)
class _State:
    default: Session | None = None


@in_children
def _begin_anew() -> None:
    """In a forked process: the displays that listen belong to the parent."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _listeners.clear()


_state = _State()
_lock = threading.Lock()
_log = logging.getLogger("adobe_nb")
_listeners: list[Callable[[], object]] = []
_used: ContextVar[Session | None] = ContextVar("adobe_nb_session", default=None)


def _not_found(error: NotFound) -> Check:
    if error.code != "not-found":
        return Check(False, str(error), error.status)
    return Check(
        True,
        "The credentials work, but the organisation has no company in tags (404). Ask your administrator whether it "
        "has tags, and whether this is the right organisation.",
        404,
    )


def _check_of(companies: object) -> Check:
    if not isinstance(companies, list):
        return Check(
            False, "The answer is no list of companies. Is this really Adobe's address?", 200
        )
    names: list[str] = []
    rights: set[str] = set()
    for company in companies:
        if not isinstance(company, Mapping):
            continue
        attributes, meta = company.get("attributes"), company.get("meta")
        names.append(str(attributes.get("name") if isinstance(attributes, Mapping) else None))
        listed = meta.get("rights") if isinstance(meta, Mapping) else None
        rights.update(map(str, listed if isinstance(listed, list) else ()))
    if not names:
        return Check(
            True, "The credentials work, and the organisation has no company in tags.", 200
        )
    message = f"The credentials work. Company: {', '.join(names)}."
    return Check(True, message, 200, tuple(names), tuple(sorted(rights)))
