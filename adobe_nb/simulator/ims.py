"""The simulator's identity service: client check, scopes, tokens with a life span, revocation. Its
clock is real.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
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
NEEDED_BY_REACTOR = ("read_organizations",)
"""Adobe's uploader names ``additional_info.projectedProductContext`` besides; launchpy works
without.
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A credential as a Developer Console project would hold it; made up, good for this simulator
    only.
    """

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
        """The technical account's address."""
        return f"{self.client_id[:12]}@techacct.adobe.com"

    def with_all_rights(self) -> "Account":
        """The same account, allowed everything: for what the service does by itself."""
        return replace(self, rights=ALL_RIGHTS)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a valid token stands for."""

    account: Account
    scopes: tuple[str, ...]


class Expired(Exception):
    """The token was good once."""


class Ims:
    """Issues tokens, and knows which ones are good."""

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
        self._good: dict[str, tuple[Grant, float]] = {}
        """Tokens that were checked before, with their end: a signature costs more than a page that
        is kept.
        """

    def token(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """POST /ims/token/v3 or v2: status and document."""
        if form.get("grant_type") != "client_credentials":
            return 400, _error("unsupported_grant_type", "grant_type must be client_credentials")
        account = self.accounts.get(form.get("client_id", ""))
        if account is None:
            return 400, _error("invalid_client", "invalid client_id parameter")
        if not hmac.compare_digest(
            form.get("client_secret", "").encode(), account.client_secret.encode()
        ):
            return 400, _error("invalid_client", "invalid client_secret parameter")
        scopes = tuple(part for part in form.get("scope", "").replace(" ", ",").split(",") if part)
        if not scopes or set(scopes) - set(account.scopes):
            return 400, _error(
                "invalid_scope", "the scopes asked for are not among those of this credential"
            )
        return 200, {
            "access_token": self.issue(account, scopes),
            "token_type": "bearer",
            "expires_in": self.token_ttl if self.token_ttl % 1 else int(self.token_ttl),
        }

    def issue(
        self, account: Account, scopes: tuple[str, ...] | None = None, *, age: float = 0
    ) -> str:
        """A signed token; ``age`` seconds old already."""
        claims = {
            "id": secrets.token_hex(8),
            "type": "access_token",
            "client_id": account.client_id,
            "user_id": f"{account.client_id[:12]}@techacct.adobe.com",
            "as": "simulator",
            "scope": ",".join(account.scopes if scopes is None else scopes),
            "created_at": str(int((self._clock() - age) * 1000)),
            "expires_in": str(int(self.token_ttl * 1000)),
        }
        head = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        body = _encode(json.dumps(claims).encode())
        token = f"{head}.{body}.{self._signature(f'{head}.{body}')}"
        self.issued.append(token)
        return token

    def check(self, token: str, *, tell: bool = False) -> Grant | None:
        """What the token stands for, or None when it is forged, over or revoked. ``tell`` raises
        Expired apart.
        """
        known = self._good.get(token)
        if known is not None and token not in self._revoked and self._clock() < known[1]:
            return known[0]
        signed, _, signature = token.rpartition(".")
        if not signed or not hmac.compare_digest(
            signature.encode(), self._signature(signed).encode()
        ):
            return None
        claims = json.loads(_decode(signed.partition(".")[2]))
        ends = (int(claims["created_at"]) + int(claims["expires_in"])) / 1000
        account = self.accounts.get(claims["client_id"])
        if tell and ends <= self._clock():
            raise Expired
        if account is None or token in self._revoked or ends <= self._clock():
            return None
        grant = Grant(account, tuple(claims["scope"].split(",")))
        self._good[token] = grant, ends
        return grant

    def revoke(self, token: str) -> None:
        """The token is refused from now on."""
        self._revoked.add(token)

    def _signature(self, text: str) -> str:
        return _encode(hmac.new(self._key, text.encode(), hashlib.sha256).digest())


def _error(code: str, description: str) -> dict[str, str]:
    return {"error": code, "error_description": description}


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
