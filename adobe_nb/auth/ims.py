"""Adobe's identity service (IMS): its token endpoint, and the signer that keeps a token fresh.

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

from adobe_nb.auth.credentials import DEFAULT_SCOPES, Credentials, Secret, read_claims
from adobe_nb.errors import CredentialsError, NotSignedIn, SignInError, TokenExpired, TransportError
from adobe_nb.forks import reset_after_fork
from adobe_nb.http.client import Transport, date_of
from adobe_nb.http.messages import Request, Response
from adobe_nb.masking import keep_out_of_messages, masked_text

_TOKEN_PATH = "/ims/token/v3"  # noqa: S105
_SIGNED_OUT = "This session is signed out. Sign in again: adobe_nb.connect() or %adobe_auth."
_LONGEST_SECONDS = 1_000_000
"""11 days; tokens last one. A larger ``expires_in`` is in milliseconds."""
_EARLY = timedelta(seconds=60)
_CLOCK_TOLERANCE = timedelta(minutes=5)
_LONGEST_DESCRIPTION = 200
_CONSOLE = "Developer Console > your project > Credentials > OAuth Server-to-Server"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")

utc_now = partial(datetime.now, UTC)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token with its life span (UTC)."""

    value: Secret
    issued_at: datetime
    expires_at: datetime | None
    """None if the token does not say."""

    def left(self, now: datetime) -> timedelta | None:
        """Return the time until it expires, never negative."""
        if self.expires_at is None:
            return None
        return max(self.expires_at - now, timedelta(0))

    def due(self, now: datetime) -> bool:
        """Return whether it should be replaced."""
        if self.expires_at is None:
            return False
        # A minute early, so that a long pull does not meet a 401 halfway; a token that lasts only
        # seconds, as in a test, must not be due from the start.
        return now >= self.expires_at - min(_EARLY, (self.expires_at - self.issued_at) / 10)


def pasted(token: Secret, now: datetime) -> Token:
    """Check a pasted token. Raises CredentialsError if it is invalid, TokenExpired."""
    if token.reveal().startswith("p8e-"):
        raise CredentialsError(
            "The pasted text looks like a client secret, not an access token. Choose client secret "
            "instead.",
            value_name="access_token",
        )
    problem = ""
    if not _is_token(token):
        problem = "has characters that access tokens never have"
    elif not read_claims(token):
        problem = "is incomplete, or not an access token (three parts joined by dots)"
    if problem:
        raise CredentialsError(
            f"The pasted text {problem}. Copy the token again: {_CONSOLE} > Generate access token.",
            value_name="access_token",
        )
    issued_at, expires_at = _life_span(token, now)
    if expires_at is not None and expires_at <= now:
        raise TokenExpired(
            f"The access token expired on {expires_at:%Y-%m-%d %H:%M} UTC (tokens last 24 hours). "
            f"Get a new one: {_CONSOLE} > Generate access token.",
            value_name="access_token",
        )
    return Token(token, issued_at, expires_at)


def _is_token(token: Secret) -> bool:
    return _TOKEN.fullmatch(token.reveal()) is not None


def _life_span(token: Secret, now: datetime) -> tuple[datetime, datetime | None]:
    claims = read_claims(token)
    errors = (KeyError, TypeError, ValueError, OverflowError, OSError)
    # IMS writes created_at and expires_in, in milliseconds as text; exp is the common claim.
    with suppress(*errors):
        created_at = datetime.fromtimestamp(int(claims["created_at"]) / 1000, UTC)
        return created_at, created_at + timedelta(milliseconds=int(claims["expires_in"]))
    with suppress(*errors):
        return now, datetime.fromtimestamp(float(claims["exp"]), UTC)
    return now, None


class _TokenForm:
    """Writes the form with the client secret, in frames that the transport keeps out of errors."""

    def __init__(self, credentials: Credentials, client_secret: Secret) -> None:
        self._credentials = credentials
        self._client_secret = client_secret

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._client_secret.reveal(),
            "scope": ",".join(self._credentials.scopes),
        }
        request.prepare_body(urlencode(form), None)
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        return request

    def renew(self, refused: requests.PreparedRequest) -> bool:  # noqa: ARG002
        """A refused form is final."""
        return False

    def secrets(self) -> list[str]:
        """Return what no response may quote."""
        return _revealed(self._credentials)


def _revealed(credentials: Credentials, token: Token | None = None) -> list[str]:
    secrets = [credentials.client_secret, *credentials.other_secrets, credentials.access_token]
    if token is not None:
        secrets.append(token.value)
    return list(map(Secret.reveal, filter(None, secrets)))


def _fetch(
    credentials: Credentials, client_secret: Secret, transport: Transport, now: datetime
) -> tuple[Token, str]:
    """Fetch a token; return it with a note about this machine's clock. Raises SignInError."""
    request = Request(
        "POST",
        credentials.hosts.ims + _TOKEN_PATH,
        headers={"Accept": "application/json"},
        repeatable=True,
        expects=("application/json",),
    )
    signer = _TokenForm(credentials, client_secret)
    response = transport.send(request, signer)
    clock_note = _clock_note(_clock_offset(response))
    result: Token | SignInError | None = None
    # An interrupt is raised again below, because the frames in here have the body of the response,
    # which is a token. For the same reason the response is deleted before anything is raised.
    with suppress(KeyboardInterrupt):
        result = _read_response(response, credentials, now)
    del response
    if result is None:
        raise KeyboardInterrupt
    if isinstance(result, SignInError):
        # The transport masks secrets in a refusal; this one may have come with status 200.
        result.args = (masked_text(str(result), signer.secrets()),)
        raise result
    return result, clock_note


def _read_response(
    response: Response, credentials: Credentials, now: datetime
) -> Token | SignInError:
    """Return a token, or the error for the caller to raise from a frame without the body."""
    try:
        document = json.loads(response.body)
    except ValueError:
        document = None
    status = response.status
    if not isinstance(document, dict):
        return SignInError(
            f"The sign-in service responded with {status} and something that is not JSON, probably "
            "the login page of a proxy. Sign in to your network, then run this again.",
            status=status,
        )
    text = document.get("access_token")
    if status != 200 or not isinstance(text, str) or not text:
        return _refusal(status, document, credentials)
    token = Secret(text)
    if not _is_token(token):
        return SignInError(
            "The sign-in service responded with an invalid access token. Run this again.",
            status=status,
        )
    try:
        expires_in = float(document["expires_in"])
        if expires_in > _LONGEST_SECONDS:
            expires_in /= 1000
        return Token(token, now, now + timedelta(seconds=expires_in))
    except (KeyError, TypeError, ValueError, OverflowError):
        # The claims are by the clock of IMS, which may differ from this machine's.
        issued_at, expires_at = _life_span(token, now)
        return Token(token, now, expires_at and expires_at + (now - issued_at))


def _refusal(status: int, document: Mapping[str, Any], credentials: Credentials) -> SignInError:
    code = document.get("error")
    if not isinstance(code, str):
        code = None
    detail = _one_line(document.get("error_description"))
    source = credentials.source
    # What was typed may be a secret in the wrong place, so it is not quoted.
    typed = {credentials.client_id, *credentials.scopes}.difference(DEFAULT_SCOPES)
    value_name = ""
    if code == "invalid_client" and "client_id" in detail:
        text = (
            f"IMS does not know the client ID from {source} (invalid_client). Copy it again from "
            f"{_CONSOLE}."
        )
        value_name = "client_id"
    elif code == "invalid_client":
        secrets = "the client secret"
        if credentials.other_secrets:
            secrets = "both client secrets"
        text = (
            f"IMS refused {secrets} from {source} (invalid_client). Copy the secret again from "
            f"{_CONSOLE}."
        )
        value_name = "client_secret"
    elif code == "invalid_scope":
        scopes = f"scopes from {source}"
        if credentials.scopes == DEFAULT_SCOPES:
            scopes = f"default scopes {', '.join(DEFAULT_SCOPES)}"
        text = (
            f"IMS refused the {scopes} (invalid_scope): the credential lacks one of them. Add the "
            f"API to the project, or set ADOBE_SCOPES to the list shown in {_CONSOLE}."
        )
        value_name = "scopes"
    elif status == 429:
        text = "IMS received too many requests (429). Try again in a minute."
    elif status >= 500:
        text = f"IMS is unavailable ({status}). Try again in a minute."
    else:
        reason = ", ".join(filter(None, (str(status), code)))
        text = f"IMS refused the sign-in ({reason}). Check the values in {source}."
    if detail:
        text += f" IMS says: {masked_text(detail, typed)}"
    return SignInError(text, status=status, code=code, value_name=value_name)


def _one_line(description: object) -> str:
    """Return what IMS says, shortened, on one line, without control characters."""
    if not isinstance(description, str):
        return ""
    text = "".join(filter(str.isprintable, " ".join(description.split())))
    if len(text) > _LONGEST_DESCRIPTION:
        text = f"{text[:_LONGEST_DESCRIPTION]}…"
    return text


def _clock_offset(response: Response) -> timedelta | None:
    """Return by how much this machine's clock is ahead of the service's, if the service says."""
    date = date_of(response.headers.get("Date", ""))
    if date is None:
        return None
    return utc_now() - date


def _clock_note(offset: timedelta | None) -> str:
    """Return what is wrong with this machine's clock, or nothing within the tolerance."""
    if offset is None or abs(offset) < _CLOCK_TOLERANCE:
        return ""
    hours, minutes = divmod(round(abs(offset) / timedelta(minutes=1)), 60)
    direction = "behind"
    if offset > timedelta(0):
        direction = "ahead of"
    return f"This machine's clock is {hours} h {minutes} min {direction} Adobe's. Correct it."


class ImsAuth:
    """Signs requests with the three headers, and replaces the token when it is due or refused.

    Safe for many threads: one of them fetches, the others wait and use the same token.
    """

    def __init__(
        self,
        credentials: Credentials,
        transport: Transport,
        changed: Callable[[], object] = lambda: None,
    ) -> None:
        self.credentials = credentials
        self.held: Token | None = None
        """The current token."""
        self.signed_out = False
        """Whether the token was dropped for good."""
        self.clock_note = ""
        """What is wrong with this machine's clock, as far as known."""
        self._transport = transport
        self._changed = changed
        self._now = utc_now
        self._lock = threading.Lock()
        reset_after_fork(self)
        keep_out_of_messages(self)

    def after_fork(self) -> None:
        """In a forked process: no thread fetches a token there. The token is good in both."""
        self._lock = threading.Lock()

    def secrets(self) -> list[str]:
        """Return what no message may quote."""
        return _revealed(self.credentials, self.held)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the three headers, with a token that is valid now."""
        request.headers["Authorization"] = f"Bearer {self.token().value.reveal()}"
        request.headers["x-api-key"] = self.credentials.client_id
        request.headers["x-gw-ims-org-id"] = self.credentials.org_id
        return request

    def token(self) -> Token:
        """Return a token that is valid now; fetch one if there is none or it is due."""
        with self._lock:
            before = token = self.held
            if token is None or (token.due(self._now()) and self._renewable):
                token = self.held = self._new_token()
            elif token.due(self._now()):
                # A pasted token is good until it has expired, then this raises.
                self._check_pasted(token.value)
        # After the lock is released: a listener may ask for the token itself.
        if token is not before:
            self._changed()
        return token

    @property
    def _renewable(self) -> bool:
        return self.credentials.client_secret is not None

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """After a 401: fetch one token for all threads that were refused with the same old one."""
        if not self._renewable:
            return False
        with self._lock:
            before = token = self.held
            header = refused.headers.get("Authorization")
            # Another thread may have renewed it already.
            if token is not None and header == f"Bearer {token.value.reveal()}":
                self.held = self._new_token()
            is_new = self.held is not before
        if is_new:
            self._changed()
        return True

    def refresh(self) -> None:
        """Fetch a new token now. Raises CredentialsError for a pasted one, SignInError."""
        if not self._renewable:
            raise CredentialsError(
                f"A pasted token cannot be renewed. Paste a new one: {_CONSOLE}."
            )
        with self._lock:
            self.held = self._new_token()
        self._changed()

    def forget(self) -> None:
        """Drop the token for good."""
        with self._lock:
            self.held = None
            self.signed_out = True

    def _new_token(self) -> Token:
        """Fetch a token; if IMS refuses the first client secret, try the others."""
        if self.signed_out:
            raise NotSignedIn(_SIGNED_OUT)
        credentials = self.credentials
        if credentials.access_token is not None:
            return self._check_pasted(credentials.access_token)
        secrets = list(filter(None, (credentials.client_secret, *credentials.other_secrets)))
        problem: SignInError | None = None
        for secret in secrets:
            try:
                token, note = _fetch(credentials, secret, self._transport, self._now())
            except SignInError as error:
                problem = error.with_traceback(None)
                if error.value_name != "client_secret":
                    # Another secret would not help.
                    break
                continue
            self.clock_note = note
            # The secret that works comes first from now on.
            secrets.remove(secret)
            self.credentials = replace(
                credentials, client_secret=secret, other_secrets=tuple(secrets)
            )
            return token
        # Raised outside the except block: the frames there belong to a request with the secret.
        raise problem or SignInError("These credentials have no client secret.")

    def _check_pasted(self, token: Secret) -> Token:
        """Check a pasted token by this machine's clock, and note if that clock is wrong."""
        now = self._now()
        problem = ""
        try:
            checked = pasted(token, now)
        except TokenExpired as error:
            problem = str(error)
        if problem:
            # Outside the except block, because a request is sent for the note.
            raise TokenExpired(f"{problem} {_clock_note(self._reactor_offset())}".rstrip())
        early = checked.issued_at - now
        if early > _CLOCK_TOLERANCE:
            self.clock_note = _clock_note(self._reactor_offset() or -early)
        return checked

    def _reactor_offset(self) -> timedelta | None:
        """Ask Reactor for its time, once and without credentials."""
        request = Request("GET", f"{self.credentials.hosts.reactor}/")
        transport = Transport(timeout=(3.0, 3.0), attempts=1)
        try:
            return _clock_offset(transport.send(request))
        except TransportError:
            return None
        finally:
            transport.close()
