"""The token endpoint of Adobe's identity service (IMS), and the signer that keeps a token fresh.

Source:
https://developer.adobe.com/developer-console/docs/guides/authentication/ServerToServerAuthentication/ims
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

import requests
from requests.auth import AuthBase

from adobe_nb.auth.credentials import Credentials, Secret, read_claims
from adobe_nb.errors import CredentialsError, NotSignedIn, SignInError, TokenExpired, TransportError
from adobe_nb.forks import restarts
from adobe_nb.http.client import Transport, date_of
from adobe_nb.http.messages import Request, Response
from adobe_nb.masking import keep_out_of_messages, masked_text

Clock = Callable[[], datetime]

TOKEN_PATH = "/ims/token/v3"  # noqa: S105
_SIGNED_OUT = "This session was signed out. Sign in again: adobe_nb.connect() or %adobe_auth."
_MOST_SECONDS = 1_000_000  # 11 days; tokens last one
_EARLY = timedelta(seconds=60)
_CLOCKS_AGREE = timedelta(minutes=5)
_MOST_OF_A_DESCRIPTION = 200
_UNKNOWN_CLIENT = "IMS does not know the client id"
_CONSOLE = "Developer Console > your project > Credentials > OAuth Server-to-Server"


utc_now: Clock = partial(datetime.now, UTC)
"""The clock, where none is given."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token with its life span (UTC). ``expires_at`` is None where the token does not
    say.
    """

    value: Secret
    issued_at: datetime
    expires_at: datetime | None

    def left(self, now: datetime) -> timedelta | None:
        """Time until it ends, never negative."""
        return None if self.expires_at is None else max(self.expires_at - now, timedelta(0))

    def due(self, now: datetime) -> bool:
        """Whether it should be replaced: a minute early, so that a long pull does not meet a 401
        half-way.
        """
        if self.expires_at is None:
            return False
        return now >= self.expires_at - min(_EARLY, (self.expires_at - self.issued_at) / 10)


def pasted(token: Secret, now: datetime) -> Token:
    """A pasted token. Raises CredentialsError when it cannot be one, TokenExpired when it is over."""
    problem = ""
    if token.reveal().startswith("p8e-"):
        raise CredentialsError(
            "What was pasted looks like a client secret, not an access token. Choose the other way."
        )
    if _has_odd_characters(token):
        problem = "has characters that no access token has"
    elif not read_claims(token):
        problem = "is cut off or not an access token (three parts joined by dots)"
    if problem:
        raise CredentialsError(
            f"What was pasted {problem}. Copy it again: {_CONSOLE} > Generate access token."
        )
    issued, expires = life_span(read_claims(token), now)
    if expires is not None and expires <= now:
        raise TokenExpired(
            f"The access token ended {expires:%Y-%m-%d %H:%M} UTC (they last 24 hours). "
            f"Get a new one: {_CONSOLE} > Generate access token."
        )
    return Token(token, issued, expires)


def _has_odd_characters(token: Secret) -> bool:
    return re.fullmatch(r"[A-Za-z0-9._~+/=-]+", token.reveal()) is None


def life_span(claims: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime | None]:
    """Issue and expiry. IMS writes created_at and expires_in as texts of milliseconds; exp is the
    common claim.
    """
    try:
        created = datetime.fromtimestamp(int(claims["created_at"]) / 1000, UTC)
        return created, created + timedelta(milliseconds=int(claims["expires_in"]))
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        pass
    try:
        return now, datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return now, None


def _duration(expires_in: float) -> timedelta:
    """``expires_in`` is in seconds; the retired method, and some copies of it, give milliseconds."""
    return (
        timedelta(milliseconds=expires_in)
        if expires_in > _MOST_SECONDS
        else timedelta(seconds=expires_in)
    )


class _TokenForm(AuthBase):
    """Writes the form with the client secret, inside the HTTP library's frames only."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        credentials = self._credentials
        secret = credentials.client_secret
        request.prepare_body(
            urlencode(
                {
                    "grant_type": "client_credentials",
                    "client_id": credentials.client_id,
                    "client_secret": secret.reveal() if secret else "",
                    "scope": ",".join(credentials.scopes),
                }
            ),
            None,
        )
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        return request

    def renew(self, refused: requests.PreparedRequest) -> bool:  # noqa: ARG002
        """A refused form is final."""
        return False

    def secrets(self) -> list[str]:
        """What an answer must not quote."""
        return _texts(self._credentials.client_secret, *self._credentials.other_secrets)


def _texts(*secrets: Secret | None) -> list[str]:
    return [secret.reveal() for secret in secrets if secret is not None]


def fetch_token(credentials: Credentials, transport: Transport, now: Clock = utc_now) -> Token:
    """A new token by OAuth Server-to-Server. Raises SignInError, or TransportError when IMS cannot
    be reached.
    """
    token, _ = _fetch_with(credentials, transport, now)
    return token


def _fetch_with(
    credentials: Credentials, transport: Transport, now: Clock
) -> tuple[Token, timedelta | None]:
    """A token, and by how much this machine's clock is ahead of that of IMS, if IMS tells the time."""
    asked_at = now()
    request = Request(
        "POST", credentials.hosts.ims + TOKEN_PATH, headers={"Accept": "application/json"}, repeatable=True,
        expects=("application/json",),
    )  # fmt: skip
    signer = _TokenForm(credentials)
    answer = transport.send(request, signer)
    ahead = _ahead(answer, now())
    outcome: Token | SignInError | None = None
    with suppress(KeyboardInterrupt):  # raised anew below: the frames in there have the body
        outcome = _read_answer(answer, credentials, asked_at)
    del answer  # what may be raised below has no body among its local variables
    if outcome is None:
        raise KeyboardInterrupt
    if isinstance(outcome, SignInError):
        # The transport masks what a refusal quotes; this one may have come with status 200.
        outcome.args = (masked_text(str(outcome), signer.secrets()),)
        raise outcome
    return outcome, ahead


def _ahead(answer: Response, now: datetime) -> timedelta | None:
    """By how much a clock that says ``now`` is ahead of the service's; None when the service does
    not tell.
    """
    moment = date_of(answer.headers.get("Date", ""))
    return None if moment is None else now - moment


def clock_sentence(ahead: timedelta | None) -> str:
    """What is wrong with this machine's clock, or nothing when it agrees with Adobe's within five
    minutes.
    """
    if ahead is None or abs(ahead) < _CLOCKS_AGREE:
        return ""
    minutes = round(abs(ahead).total_seconds() / 60)
    duration = f"{minutes} min"
    if minutes >= 48 * 60:
        duration = f"{minutes / 1440:.0f} days"
    elif minutes >= 60:
        duration = f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    direction = "ahead of" if ahead > timedelta(0) else "behind"
    return f"This machine's clock is {duration} {direction} Adobe's: set it right."


def _read_answer(
    answer: Response, credentials: Credentials, asked_at: datetime
) -> Token | SignInError:
    """A token, or the error to raise; returned, so that the caller raises it from a frame without
    the body.
    """
    try:
        document = json.loads(answer.body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return SignInError(
            f"The sign-in service answered {answer.status} with something that is not JSON: probably a proxy or a "
            "login page in between. Sign in to your network, then run it again.",
            status=answer.status,
        )
    text = document.get("access_token")
    if answer.status != 200 or not isinstance(text, str) or not text:
        return _refusal(answer.status, document, credentials)
    token = Secret(text)
    if _has_odd_characters(token):
        return SignInError(
            "The sign-in service answered with something that is no access token.",
            status=answer.status,
        )
    try:
        return Token(token, asked_at, asked_at + _duration(float(document["expires_in"])))
    except (KeyError, TypeError, ValueError, OverflowError):
        return _fresh(token, asked_at)


def _fresh(token: Secret, asked_at: datetime) -> Token:
    """A token that was issued just now, by our clock: its claims are of the clock of IMS, which may
    differ.
    """
    issued_at, expires_at = life_span(read_claims(token), asked_at)
    if expires_at is not None and issued_at != asked_at:
        expires_at = asked_at + (expires_at - issued_at)
    return Token(token, asked_at, expires_at)


def _refusal(status: int, document: Mapping[str, Any], credentials: Credentials) -> SignInError:
    code = document.get("error") if isinstance(document.get("error"), str) else None
    detail = _one_line(document.get("error_description"))
    source = credentials.source
    if code == "invalid_client" and "client_id" in detail:
        text = f"{_UNKNOWN_CLIENT} {credentials.masked_client_id} from {source} (invalid_client). Copy it"
        text += f" again from {_CONSOLE}."
    elif code == "invalid_client":
        which = "both client secrets" if credentials.other_secrets else "the client secret"
        text = f"IMS refused {which} from {source} (invalid_client). Copy it again from {_CONSOLE}."
    elif code == "invalid_scope":
        text = (
            f"IMS refused the scopes asked for (invalid_scope): {', '.join(credentials.scopes)}. The credential lacks "
            f"one of them. Add the API to the project, or set ADOBE_SCOPES to the list shown in {_CONSOLE}."
        )
    elif status == 429:
        text = "IMS asks us to slow down (429). Wait a minute, then run it again."
    elif status >= 500:
        text = f"IMS is unavailable ({status}). Wait a minute, then run it again."
    else:
        text = f"IMS refused the sign-in ({status}{', ' + code if code else ''}). Check the values in {source}."
    if detail:
        text += f" IMS says: {detail}"
    return SignInError(text, status=status, code=code)


def _one_line(description: object) -> str:
    """What IMS says, shortened, on one line, without control characters."""
    text = " ".join(description.split()) if isinstance(description, str) else ""
    text = "".join(character for character in text if character.isprintable())
    return text if len(text) <= _MOST_OF_A_DESCRIPTION else f"{text[:_MOST_OF_A_DESCRIPTION]}…"


class ImsAuth(AuthBase):
    """Signs requests with the three headers, and replaces the token when it is due or refused.

    Safe for many threads: one of them fetches, the others wait and use the same token.
    """

    def __init__(
        self,
        credentials: Credentials,
        transport: Transport,
        now: Clock = utc_now,
        changed: Callable[[], object] = lambda: None,
    ) -> None:
        self.credentials = credentials
        self._changed = changed
        self._transport = transport
        self._now = now
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._signed_out = False
        self.clock_note = ""
        """What is wrong with this machine's clock, as far as it was noticed."""
        restarts(self)
        keep_out_of_messages(self)

    def begin_anew(self) -> None:
        """In a forked process: nobody is fetching there. The token is good in both."""
        self._lock = threading.Lock()

    def secrets(self) -> list[str]:
        """What no message may quote: secrets and token."""
        token = self._token
        credentials = self.credentials
        return _texts(
            credentials.client_secret,
            *credentials.other_secrets,
            credentials.access_token,
            token.value if token else None,
        )

    def __repr__(self) -> str:
        return f"ImsAuth({self.credentials.masked_client_id}, {self.credentials.org_id})"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the three headers, with a token that is good now."""
        request.headers["Authorization"] = f"Bearer {self.token().value.reveal()}"
        request.headers["x-api-key"] = self.credentials.client_id
        request.headers["x-gw-ims-org-id"] = self.credentials.org_id
        return request

    @property
    def held(self) -> Token | None:
        """The token at hand, without fetching one."""
        return self._token

    @property
    def signed_out(self) -> bool:
        """Whether the token was dropped for good."""
        return self._signed_out

    def token(self) -> Token:
        """A token that is good now; fetched when there is none or the one at hand is due."""
        with self._lock:
            before = token = self._token
            if self._signed_out:
                raise NotSignedIn(_SIGNED_OUT)
            if token is None or (token.due(self._now()) and self.renewable):
                token = self._token = self._fetch()
            elif token.due(self._now()):
                self._pasted(token.value)  # raises once it is really over
        # After the lock is free: a listener may ask for the token itself.
        if token is not before:
            self._changed()
        return token

    @property
    def renewable(self) -> bool:
        """Whether a new token can be had without asking anybody."""
        return self.credentials.client_secret is not None

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """After a 401: one new token for all threads that were refused with the same old one."""
        if not self.renewable:
            return False
        with self._lock:
            before = self._token
            if self._is_current(refused):
                self._token = self._fetch()
            token = self._token
        if token is None:  # signed out meanwhile
            raise NotSignedIn(_SIGNED_OUT)
        if token is not before:
            self._changed()
        return True

    def _is_current(self, refused: requests.PreparedRequest) -> bool:
        token = self._token
        return (
            token is not None
            and refused.headers.get("Authorization") == f"Bearer {token.value.reveal()}"
        )

    def refresh(self) -> None:
        """A new token now, whatever the old one says. Raises CredentialsError for a pasted one,
        SignInError.
        """
        if not self.renewable:
            raise CredentialsError(
                f"A pasted token cannot be renewed. Paste a new one: {_CONSOLE}."
            )
        with self._lock:
            if self._signed_out:
                raise NotSignedIn(_SIGNED_OUT)
            self._token = self._fetch()
        self._changed()

    def forget(self) -> None:
        """Drop the token for good."""
        with self._lock:
            self._token = None
            self._signed_out = True

    def _fetch(self) -> Token:
        if self.credentials.access_token is not None:
            return self._pasted(self.credentials.access_token)
        secrets = (self.credentials.client_secret, *self.credentials.other_secrets)
        problem: SignInError | None = None
        for number, secret in enumerate(secrets):
            # The one that works comes first from now on.
            others = tuple(each for each in secrets if each is not None and each is not secret)
            credentials = replace(self.credentials, client_secret=secret, other_secrets=others)
            try:
                token, ahead = _fetch_with(credentials, self._transport, self._now)
            except SignInError as error:
                # An unknown client stays unknown with another secret.
                unknown = str(error).startswith(_UNKNOWN_CLIENT)
                if error.code != "invalid_client" or unknown or number == len(secrets) - 1:
                    problem = error.with_traceback(None)
                    break
                continue
            self.credentials = credentials
            self.clock_note = clock_sentence(ahead)
            return token
        raise problem or SignInError("There is no client secret.")

    def _pasted(self, token: Secret) -> Token:
        """A pasted token by this machine's clock; where that clock is off, the outcome says so."""
        now = self._now()
        problem: TokenExpired | None = None
        try:
            held = pasted(token, now)
        except TokenExpired as error:
            problem = error.with_traceback(None)
        if problem is not None:
            note = clock_sentence(self._clock_ahead())
            raise TokenExpired(f"{problem} {note}".strip())
        early = held.issued_at - now
        if early > _CLOCKS_AGREE:
            self.clock_note = clock_sentence(self._clock_ahead() or -early)
        return held

    def _clock_ahead(self) -> timedelta | None:
        """By how much this machine's clock is ahead of Reactor's; asks without any credentials, and
        only once.
        """
        request = Request("GET", f"{self.credentials.hosts.reactor}/")
        transport = Transport(timeout=(3.0, 3.0), attempts=1)
        try:
            return _ahead(transport.send(request), self._now())
        except TransportError:
            return None
        finally:
            transport.close()
