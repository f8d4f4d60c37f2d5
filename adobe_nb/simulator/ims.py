"""The simulator's identity service: client secrets, scopes, expiring tokens, and revocation."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

SCOPES = (
    "AdobeID",
    "openid",
    "read_organizations",
    "additional_info.job_function",
    "additional_info.projectedProductContext",
    "additional_info.roles",
    "acp.foundation",
)
COMPANY_RIGHTS = ("develop_extensions", "manage_properties", "manage_app_configurations")
PROPERTY_RIGHTS = ("approve", "develop", "manage_environments", "manage_extensions", "publish")
ALL_RIGHTS = frozenset((*COMPANY_RIGHTS, *PROPERTY_RIGHTS))
# Adobe's uploader asks for additional_info.projectedProductContext too; launchpy works without it.
NEEDED_BY_REACTOR = ("read_organizations",)


@dataclass(frozen=True, slots=True)
class Account:
    """A made-up credential of a Developer Console project, valid for this simulator only."""

    client_id: str
    client_secret: str = field(repr=False)
    org_id: str
    scopes: tuple[str, ...] = SCOPES
    product_profile: bool = True
    platform_context: bool = True
    entitled: bool = True
    rights: frozenset[str] = ALL_RIGHTS
    display_name: str = "Simulated Account"

    @property
    def email(self) -> str:
        """The address of the technical account."""
        return f"{self.client_id[:12]}@techacct.adobe.com"

    def with_all_rights(self) -> "Account":
        """Return this account with all rights, for what the service does by itself."""
        return replace(self, rights=ALL_RIGHTS)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a valid token grants."""

    account: Account
    scopes: tuple[str, ...]


class Ims:
    """Issues tokens and checks them. Its clock is real, unlike that of the records."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        *,
        token_ttl: float = 86399,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.accounts = {account.client_id: account for account in accounts.values()}
        self.token_ttl = token_ttl
        self.issued: list[str] = []
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._revoked: set[str] = set()

    def token(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer POST /ims/token/v3 or v2 with status and document."""
        if form.get("grant_type") != "client_credentials":
            return 400, _error("unsupported_grant_type", "grant_type must be client_credentials")
        account = self.accounts.get(form.get("client_id", ""))
        if account is None:
            return 400, _error("invalid_client", "invalid client_id parameter")
        client_secret = form.get("client_secret", "")
        if not hmac.compare_digest(client_secret.encode(), account.client_secret.encode()):
            return 400, _error("invalid_client", "invalid client_secret parameter")
        # Adobe's pages separate scopes by commas, OAuth by spaces.
        scopes = tuple(form.get("scope", "").replace(",", " ").split())
        if not scopes or set(scopes) - set(account.scopes):
            return 400, _error("invalid_scope", "the credential does not have all of these scopes")
        expires_in = self.token_ttl
        # Adobe sends whole seconds. Only tests use shorter lives.
        if expires_in % 1 == 0:
            expires_in = int(expires_in)
        token = self.issue(account, scopes)
        return 200, {"access_token": token, "token_type": "bearer", "expires_in": expires_in}

    def issue(self, account: Account, scopes: Sequence[str] = (), *, age: float = 0) -> str:
        """Return a signed token, by default with all scopes, issued ``age`` seconds ago."""
        claims = {
            "id": secrets.token_hex(8),
            "type": "access_token",
            "client_id": account.client_id,
            "user_id": account.email,
            "as": "simulator",
            "scope": ",".join(scopes or account.scopes),
            "created_at": str(int((self._clock() - age) * 1000)),
            "expires_in": str(int(self.token_ttl * 1000)),
        }
        head = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        body = _encode(json.dumps(claims).encode())
        token = f"{head}.{body}.{self._signature(f'{head}.{body}')}"
        self.issued.append(token)
        return token

    def check(self, token: str) -> Grant | None:
        """Return what a token grants, or None if it is forged, expired or revoked."""
        claims = self._claims(token)
        if claims is None or token in self._revoked or self._end(claims) <= self._clock():
            return None
        account = self.accounts.get(claims["client_id"])
        if account is None:
            return None
        return Grant(account, tuple(claims["scope"].split(",")))

    def is_expired(self, token: str) -> bool:
        """Return whether the token was issued here and has expired."""
        claims = self._claims(token)
        return claims is not None and self._end(claims) <= self._clock()

    def _end(self, claims: Mapping[str, str]) -> float:
        # As in Adobe's tokens, both claims are strings of milliseconds.
        return (int(claims["created_at"]) + int(claims["expires_in"])) / 1000

    def _claims(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token, if its signature is valid."""
        signed, _, signature = token.rpartition(".")
        expected = self._signature(signed)
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            return None
        claims: dict[str, Any] = decoded(signed.partition(".")[2])
        return claims

    def revoke(self, token: str) -> None:
        """Refuse the token from now on."""
        self._revoked.add(token)

    def _signature(self, text: str) -> str:
        return _encode(hmac.new(self._key, text.encode(), hashlib.sha256).digest())


def _error(code: str, description: str) -> dict[str, str]:
    return {"error": code, "error_description": description}


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part: str) -> Any:
    """Return the JSON in a part of a token. Raises ValueError and RecursionError."""
    # Tokens leave out the padding. More than is missing does no harm.
    return json.loads(base64.urlsafe_b64decode(f"{part}=="))
