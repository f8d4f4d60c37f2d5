"""The token endpoint of Adobe's identity service (IMS), and the signer that keeps a token fresh.

Source: https://developer.adobe.com/developer-console/docs/guides/authentication/ServerToServerAuthentication/ims
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import requests
from requests.auth import AuthBase

from adobe_nb.auth.credentials import Credentials, Secret, read_claims
from adobe_nb.errors import CredentialsError, NotSignedIn, SignInError, TokenExpired
from adobe_nb.forks import restarts
from adobe_nb.masking import keep_out_of_messages, masked_text
from adobe_nb.transport import Request, Response, Transport

Clock = Callable[[], datetime]

TOKEN_PATH = "/ims/token/v3"  # noqa: S105
_SIGNED_OUT = "This session was signed out. Sign in again: adobe_nb.connect() or %adobe_auth."
_MOST_SECONDS = 1_000_000  # 11 days; tokens last one
_EARLY = timedelta(seconds=60)
_CONSOLE = "Developer Console > your project > Credentials > OAuth Server-to-Server"


def utc_now() -> datetime:
    """The clock, where none is given."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token with its life span (UTC). ``expires_at`` is None where the token does not say."""

    value: Secret
    issued_at: datetime
    expires_at: datetime | None

    def left(self, now: datetime) -> timedelta | None:
        """Time until it ends, never negative."""
        return None if self.expires_at is None else max(self.expires_at - now, timedelta(0))

    def due(self, now: datetime) -> bool:
        """Whether it should be replaced: a minute early, so that a long pull does not meet a 401 half-way."""
        if self.expires_at is None:
            return False
        return now >= self.expires_at - min(_EARLY, (self.expires_at - self.issued_at) / 10)


def pasted(token: Secret, now: datetime) -> Token:
    """A pasted token. Raises CredentialsError when it cannot be one, TokenExpired when it is over."""
    problem = ""
    if token.reveal().startswith("p8e-"):
        raise CredentialsError("What was pasted looks like a client secret, not an access token. Choose the other way.")
    if _has_odd_characters(token):
        problem = "has characters that no access token has"
    elif not read_claims(token):
        problem = "is cut off or not an access token (three parts joined by dots)"
    if problem:
        raise CredentialsError(f"What was pasted {problem}. Copy it again: {_CONSOLE} > Generate access token.")
    issued, expires = _life_span(read_claims(token), now)
    if expires is not None and expires <= now:
        raise TokenExpired(
            f"The access token ended {expires:%Y-%m-%d %H:%M} UTC (they last 24 hours). "
            f"Get a new one: {_CONSOLE} > Generate access token."
        )
    return Token(token, issued, expires)


def _has_odd_characters(token: Secret) -> bool:
    return re.fullmatch(r"[A-Za-z0-9._~+/=-]+", token.reveal()) is None


def _life_span(claims: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime | None]:
    """Issue and expiry. IMS writes created_at and expires_in as texts of milliseconds; exp is the common claim."""
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
    return timedelta(milliseconds=expires_in) if expires_in > _MOST_SECONDS else timedelta(seconds=expires_in)


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
        return _texts(self._credentials.client_secret)


def _texts(*secrets: Secret | None) -> list[str]:
    return [secret.reveal() for secret in secrets if secret is not None]


def fetch_token(credentials: Credentials, transport: Transport, now: Clock = utc_now) -> Token:
    """A new token by OAuth Server-to-Server. Raises SignInError, or TransportError when IMS cannot be reached."""
    asked_at = now()
    request = Request(
        "POST", credentials.hosts.ims + TOKEN_PATH, headers={"Accept": "application/json"}, repeatable=True,
        expects=("application/json",),
    )  # fmt: skip
    signer = _TokenForm(credentials)
    answer = transport.send(request, signer)
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
    return outcome


def _read_answer(answer: Response, credentials: Credentials, asked_at: datetime) -> Token | SignInError:
    """A token, or the error to raise; returned, so that the caller raises it from a frame without the body."""
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
        return SignInError("The sign-in service answered with something that is no access token.", status=answer.status)
    try:
        return Token(token, asked_at, asked_at + _duration(float(document["expires_in"])))
    except (KeyError, TypeError, ValueError, OverflowError):
        return Token(token, *_life_span(read_claims(token), asked_at))


def _refusal(status: int, document: Mapping[str, Any], credentials: Credentials) -> SignInError:
    code = document.get("error") if isinstance(document.get("error"), str) else None
    detail = str(document.get("error_description", ""))
    source = credentials.source
    if code == "invalid_client" and "client_id" in detail:
        text = f"IMS does not know the client id {credentials.masked_client_id} from {source} (invalid_client). Copy it"
        text += f" again from {_CONSOLE}."
    elif code == "invalid_client":
        text = f"IMS refused the client secret from {source} (invalid_client). Copy it again from {_CONSOLE}."
    elif code == "invalid_scope":
        text = (
            f"IMS refused the scopes asked for (invalid_scope): {', '.join(credentials.scopes)}. The credential lacks "
            f"one of them. Add the API to the project, or set ADOBE_SCOPES to the list shown in {_CONSOLE}."
        )
    elif status == 429:
        text = "IMS asks us to slow down (429). Wait a minute, then run it again."
    elif status >= 500:
        text = f"IMS is not well ({status}). Wait a minute, then run it again."
    else:
        text = f"IMS refused the sign-in ({status}{', ' + code if code else ''}). Check the values in {source}."
    return SignInError(text, status=status, code=code)


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
        restarts(self)
        keep_out_of_messages(self)

    def begin_anew(self) -> None:
        """In a forked process: nobody is fetching there. The token is good in both."""
        self._lock = threading.Lock()

    def secrets(self) -> list[str]:
        """What no message may quote: secret and token."""
        token = self._token
        credentials = self.credentials
        return _texts(credentials.client_secret, credentials.access_token, token.value if token else None)

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
            before = self._token
            if self._signed_out:
                raise NotSignedIn(_SIGNED_OUT)
            if before is None or (before.due(self._now()) and self.renewable):
                self._token = self._fetch()
            elif before.due(self._now()):
                pasted(before.value, self._now())  # raises once it is really over
            token = self._token
        return self._told(before, token)

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
        self._told(before, token)
        return True

    def _told(self, before: Token | None, token: Token | None) -> Token:
        """Tell that the token changed, after the lock is free: a listener may ask for the token itself."""
        if token is None:
            raise NotSignedIn(_SIGNED_OUT)
        if token is not before:
            self._changed()
        return token

    def _is_current(self, refused: requests.PreparedRequest) -> bool:
        token = self._token
        return token is not None and refused.headers.get("Authorization") == f"Bearer {token.value.reveal()}"

    def refresh(self) -> None:
        """A new token now, whatever the old one says. Raises CredentialsError for a pasted one, SignInError."""
        if not self.renewable:
            raise CredentialsError(f"A pasted token cannot be renewed. Paste a new one: {_CONSOLE}.")
        with self._lock:
            before = self._token
            if self._signed_out:
                raise NotSignedIn(_SIGNED_OUT)
            token = self._token = self._fetch()
        self._told(before, token)

    def forget(self) -> None:
        """Drop the token for good."""
        with self._lock:
            self._token = None
            self._signed_out = True

    def _fetch(self) -> Token:
        if self.credentials.access_token is not None:
            return pasted(self.credentials.access_token, self._now())
        return fetch_token(self.credentials, self._transport, self._now)
