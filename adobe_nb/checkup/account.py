"""Checks of the credentials, the connection and the account. They read and never write."""

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adobe_nb import session as sessions
from adobe_nb.api.reactor.rights import MOST_COMPANIES, listed, listed_rights, short
from adobe_nb.auth import secret_stores, sources
from adobe_nb.auth.credentials import (
    Credentials,
    Hosts,
    ResolvedCredentials,
    credentials_of,
    read_claims,
)
from adobe_nb.auth.ims import utc_now
from adobe_nb.auth.profiles import ProfileStore
from adobe_nb.checkup.results import Result, problem_of
from adobe_nb.errors import (
    AdobeError,
    ArgumentError,
    InsecureFileWarning,
    TransportError,
)
from adobe_nb.http.client import Transport, date_of
from adobe_nb.http.messages import Request, Response
from adobe_nb.simulator import discovery

_ORDER = (
    "environment, .env, active profile, ADOBE_NB_SIMULATOR; secrets of Colab and Databricks only "
    "when named"
)
_NEEDED_SCOPES = ("read_organizations", "additional_info.projectedProductContext")
"""Without them the service does not see which companies and products the account has."""
_CLOCK_TOLERANCE = timedelta(minutes=5)
_SOON = timedelta(hours=1)
_NOT_SIGNED_IN = "not checked, because you are not signed in"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the credentials come from, if the caller names it."""

    profile: str | None = None
    env_file: str | Path | None = None
    simulator: bool = False
    secrets: object = None

    def __post_init__(self) -> None:
        named = [name is not None for name in (self.profile, self.env_file, self.secrets)]
        if sum(named) + bool(self.simulator) > 1:
            raise ArgumentError(
                "Name one source only: profile=, env_file=, secrets= or simulator=."
            )

    @property
    def is_named(self) -> bool:
        """Whether the caller named a source."""
        return self != Source()

    def resolve(self) -> ResolvedCredentials:
        """Return the named credentials, or those that ``connect()`` uses. Raises AdobeError."""
        if self.simulator:
            return ResolvedCredentials(discovery.built_in_credentials())
        if self.profile is not None:
            return ResolvedCredentials(credentials_of(ProfileStore().candidate(self.profile)))
        if self.env_file is not None:
            return ResolvedCredentials(credentials_of(sources.from_env_file(self.env_file)))
        if self.secrets is not None:
            candidate = secret_stores.from_secret_store(self.secrets)
            return ResolvedCredentials(credentials_of(candidate))
        signed_in = sessions.current_or_none()
        if signed_in is not None and not signed_in.signed_out:
            return ResolvedCredentials(signed_in.credentials)
        return sessions.first_source()


def credentials(source: Source) -> tuple[Credentials | None, Result]:
    """Return the credentials, and the result: which source wins, and what it hides."""
    problem = ""
    resolved: ResolvedCredentials | None = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            resolved = source.resolve()
        except AdobeError as error:
            problem = str(error)
    if resolved is None:
        return None, problem_of("credentials", problem)
    winner = resolved.credentials
    parts = [f"{winner.source} ({_why(source, winner)})"]
    if resolved.shadowed:
        parts.append(f"hides {', '.join(resolved.shadowed)}")
    parts += resolved.incomplete
    advice = ""
    for warning in caught:
        if issubclass(warning.category, InsecureFileWarning):
            advice = str(warning.message)
    status: Any = "ok"
    if advice or resolved.incomplete:
        status = "warning"
    if resolved.incomplete and not advice:
        advice = "Complete the other sources, or remove them."
    return winner, Result("credentials", status, "; ".join(parts), advice)


def _why(source: Source, winner: Credentials) -> str:
    if source.is_named:
        return "named by you; other sources are not searched"
    signed_in = sessions.current_or_none()
    if signed_in is None or signed_in.signed_out:
        return f"the first complete source; the order is {_ORDER}"
    other = sessions.source_that_wins()
    if other in ("", winner.source):
        return "your current session"
    return f"your current session; connect() alone would use {other}"


def connection(hosts: Hosts) -> tuple[bool, list[Result]]:
    """Send one request without credentials; return whether the service responds, and results."""
    name = urlsplit(hosts.reactor).netloc
    transport = Transport(timeout=(5.0, 10.0), attempts=1)
    begun = time.monotonic()
    try:
        response = transport.send(Request("GET", f"{hosts.reactor}/"))
    except TransportError as error:
        failure = problem_of("connection", str(error))
        return False, [failure, Result("clock", "unknown", f"not checked: no response of {name}")]
    finally:
        transport.close()
    seconds = time.monotonic() - begun
    detail = f"{name} responds in {seconds:.1f} s (HTTP {response.status} without credentials)"
    return True, [Result("connection", "ok", detail), _clock(response)]


def _clock(response: Response) -> Result:
    date = date_of(response.headers.get("Date", ""))
    if date is None:
        return Result("clock", "unknown", "the response has no valid Date header")
    offset = utc_now() - date
    # The header has whole seconds.
    seconds = round(offset.total_seconds())
    direction = "ahead of"
    if seconds < 0:
        direction = "behind"
    detail = f"{abs(seconds)} s {direction} the service's"
    if abs(offset) < _CLOCK_TOLERANCE:
        return Result("clock", "ok", detail)
    return Result("clock", "problem", detail, "Correct the clock: tokens look expired otherwise.")


def new_session(found: Credentials) -> sessions.Session:
    """Return a session that gives up early, keeps no journal and shows no progress."""
    transport = Transport(timeout=(5.0, 30.0), attempts=1)
    return sessions.Session(found, journal=False, progress=False, transport=transport)


def sign_in(session: sessions.Session) -> Result:
    """Fetch or check a token."""
    try:
        session.sign_in()
    except AdobeError as error:
        return problem_of("sign-in", str(error))
    if session.renewable:
        return Result("sign-in", "ok", "IMS issued a token")
    return Result("sign-in", "ok", "the pasted token is well-formed and has not expired")


def not_signed_in(*checks: str) -> list[Result]:
    """Return the results of checks that require a sign-in."""
    return [Result(check, "unknown", _NOT_SIGNED_IN) for check in checks]


AFTER_SIGN_IN = ("token", "scopes", "organization", "companies", "rights")


def after_sign_in(session: sessions.Session) -> Iterator[Result]:
    """Yield the results about the token and the account."""
    yield _token(session)
    yield _scopes(session)
    client = session.credentials.masked_client_id
    yield Result("organization", "ok", f"{session.org_id}, client ID {client}, {session.service}")
    try:
        check = session.test(property_rights=True)
    except AdobeError as error:
        check = sessions.Check(False, str(error))
    yield _companies(check)
    yield _rights(check)


def _token(session: sessions.Session) -> Result:
    token = session.token
    issuer = "an issuer that it does not name"
    if token is not None:
        issuer = str(read_claims(token.value).get("as") or issuer)
    expires = "at an unknown time"
    if session.expires_at is not None:
        expires = f"{session.expires_at:%Y-%m-%d %H:%M} UTC"
    detail = f"expires {expires} ({session.time_left_text}), issued by {issuer}"
    if session.renewable:
        return Result("token", "ok", f"{detail}, renews automatically")
    advice = "It cannot renew itself: paste a new one in time, or use a client secret."
    if session.expires_at is not None and session.expires_at - utc_now() < _SOON:
        return Result("token", "warning", detail, advice)
    return Result("token", "ok", f"{detail}, pasted", advice)


def _scopes(session: sessions.Session) -> Result:
    missing = [scope for scope in _NEEDED_SCOPES if scope not in session.scopes]
    detail = ", ".join(session.scopes)
    if not missing:
        return Result("scopes", "ok", detail)
    advice = (
        f"The API probably requires {' and '.join(missing)}. Remove ADOBE_SCOPES, or set it to the "
        "list in Developer Console > your project > Credentials."
    )
    return Result("scopes", "warning", detail, advice)


def _companies(check: sessions.Check) -> Result:
    if not check.ok:
        return problem_of("companies", check.message)
    if not check.companies:
        return problem_of("companies", check.message, "warning")
    return Result("companies", "ok", listed(check.companies))


def _rights(check: sessions.Check) -> Result:
    """List the rights on companies, and the properties grouped by the rights on them."""
    by_property = check.property_rights
    if by_property is None:
        reason = "there is no company"
        if not check.ok:
            reason = "the companies could not be listed"
        return Result("rights", "unknown", f"not checked, because {reason}")
    parts = []
    for name, rights in check.company_rights[:MOST_COMPANIES]:
        parts.append(f"company {short(name)}: {listed_rights(rights)}")
    detail = "; ".join([*parts, *by_property.lines()])
    administrator = "An administrator grants rights in Admin Console > the product profile."
    if by_property.problems:
        return Result("rights", "unknown", detail, f"Run the check again. {administrator}")
    if not by_property.names:
        return Result("rights", "warning", detail, f"No property is visible. {administrator}")
    if () in by_property.names:
        return Result("rights", "ok", detail, f"Without rights you can only read. {administrator}")
    return Result("rights", "ok", detail)
