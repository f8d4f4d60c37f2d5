"""Secrets of event forwarding: the credentials they take, and the exchange that tests them."""

import json
import secrets
from typing import Any
from urllib.parse import urlsplit

from adobe_nb.simulator.calls import Call
from adobe_nb.simulator.dates import later
from adobe_nb.simulator.documents import Json, Wanted
from adobe_nb.simulator.problems import conflict, malformed
from adobe_nb.simulator.publishing import details
from adobe_nb.simulator.store import Record

_REQUIRED: dict[str, tuple[str, ...]] = {
    "token": ("token",),
    "simple-http": ("username", "password"),
    "oauth2": ("client_id", "client_secret"),
    "oauth2-client_credentials": ("client_id", "client_secret"),
    "oauth2-google": ("scopes",),
    "oauth2-jwt": ("iss", "aud", "private_key"),
}
"""Members of the credentials, by type of secret."""
_REFRESHED = ("oauth2", "oauth2-client_credentials", "oauth2-jwt")
_GOOGLE = "oauth2-google"
# Like Adobe's, responses repeat only those members of the credentials that are not secret.
_ECHOED = (
    "username",
    "client_id",
    "token_url",
    "authorization_url",
    "refresh_offset",
    "options",
    "scopes",
    "iss",
    "aud",
)
_LIFETIME = 86_400
"""Seconds from the exchange until the token expires."""
_REFRESH_OFFSET = 14_400
"""Default seconds before expiry at which a token is refreshed."""
_REFRESH_OFFSETS = {"oauth2-jwt": 1800}
"""Other defaults, by type of secret."""


def begin(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:
    """Complete a new secret of an event forwarding property."""
    if parent["platform"] != "edge":
        raise conflict(
            "invalid-platform", "Secrets require an event forwarding property (platform edge)."
        )
    target = wanted.one("environment")
    environment = None
    if target is not None:
        environment = call.store.get(*target.here)
    if environment is None or environment.to_one["property"] != parent.here:
        raise malformed(
            "The environment must be one of the property.", "/data/relationships/environment"
        )
    record.to_one["environment"] = environment.here
    exchange(call, record, wanted.attributes["credentials"])


def listed(call: Call, record: Record) -> None:
    """Add a new secret to the list of its environment."""
    environment = record.to_one["environment"]
    if environment is not None:
        call.store.link(environment[1], "secrets", record)


def use(call: Call, element: Record) -> None:
    """Update which secrets a data element passes on: they list it."""
    environments: dict[str, Any] = {}
    if element["delegate_descriptor_id"] == "core::dataElements::secret":
        environments = json.loads(element["settings"]).get("secrets") or {}
    used = set()
    for secret in environments.values():
        if isinstance(secret, dict):
            used.add(secret.get("id"))
    for secret in call.store.all("secrets"):
        if secret.to_one["property"] == element.to_one["property"]:
            if secret.id in used:
                call.store.link(secret.id, "data_elements", element)
            else:
                call.store.unlink(secret.id, "data_elements", element)


def act(call: Call, record: Record, action: str) -> None:
    """Carry out ``test``, ``retry`` or ``reauthorize``."""
    if action == "reauthorize":
        if record["type_of"] != _GOOGLE:
            raise conflict("invalid-type_of", "Only a Google secret can be reauthorized.")
        _request_authorization(call, record)
    elif action == "retry":
        if record["status"] != "failed":
            raise conflict("invalid-transition", "Only a failed exchange can be retried.")
        _schedule(call, record, None)
    else:
        _test(record)
    call.touch(record)


# -- the exchange of credentials for a token


def exchange(call: Call, record: Record, credentials: Json | None) -> None:
    """Check the credentials and find out whether they work."""
    type_of = record["type_of"]
    credentials = credentials or {}
    refresh_offset = _check(type_of, credentials)
    record.attributes.pop("credentials", None)
    echoed = {name: credentials[name] for name in _ECHOED if name in credentials}
    if echoed:
        record["credentials"] = echoed
    record.meta.pop("test_exchange", None)
    if type_of == _GOOGLE:
        _request_authorization(call, record)
    elif type_of not in _REFRESHED:
        _succeed(call, record)
    else:
        # A token that is refreshed less than four hours after its exchange is refused.
        is_too_early = refresh_offset >= _LIFETIME - _REFRESH_OFFSET
        record.meta.pop("status_details", None)
        if is_too_early or not _is_reachable(credentials):
            _schedule(call, record, None)
        else:
            _schedule(call, record, refresh_offset)


def _check(type_of: str, credentials: Json) -> int:
    """Return the refresh offset in seconds. Raise Problem for wrong or missing members."""
    if type_of not in _REQUIRED:
        raise malformed(
            f"type_of must be one of {', '.join(_REQUIRED)}.", "/data/attributes/type_of"
        )
    missing = [name for name in _REQUIRED[type_of] if not credentials.get(name)]
    if missing:
        raise malformed(
            f"credentials of type {type_of} require {', '.join(missing)}.",
            "/data/attributes/credentials",
        )
    offset = credentials.get("refresh_offset", _REFRESH_OFFSETS.get(type_of, _REFRESH_OFFSET))
    if type(offset) is not int or not 0 <= offset < 2**31:
        raise malformed(
            "refresh_offset must be a number of seconds.",
            "/data/attributes/credentials/refresh_offset",
        )
    return offset


def _is_reachable(credentials: Json) -> bool:
    url = credentials.get("token_url") or credentials.get("authorization_url") or ""
    try:
        host = urlsplit(str(url)).hostname or ""
    except ValueError:
        return False
    return not host.endswith(".invalid")


def _schedule(call: Call, record: Record, refresh_offset: int | None) -> None:
    """End the exchange a little later; without an offset, it fails."""
    record["status"] = "pending"
    seconds = call.options.build_seconds
    call.store.later(seconds, lambda: _end_exchange(call, record, refresh_offset))


def _end_exchange(call: Call, record: Record, refresh_offset: int | None) -> None:
    # The type of the secret may have been changed in the meantime.
    if record["type_of"] not in _REFRESHED:
        return
    if refresh_offset is None:
        record["status"] = "failed"
        error = details("authentication-failure", "The token endpoint returned no token.")
        record.meta["status_details"] = {"errors": [error]}
        call.store.changed(record)
    else:
        _succeed(call, record, refresh_offset)


def _succeed(call: Call, record: Record, refresh_offset: int | None = None) -> None:
    now = call.store.now()
    expires = refreshes = None
    if refresh_offset is not None:
        expires = later(now, seconds=_LIFETIME)
        refreshes = later(now, seconds=_LIFETIME - refresh_offset)
    record.attributes |= {
        "status": "succeeded",
        "activated_at": now,
        "expires_at": expires,
        "refresh_at": refreshes,
    }
    record.meta.pop("status_details", None)
    call.store.changed(record)


def _request_authorization(call: Call, record: Record) -> None:
    """Give the URL at which a person authorizes the access to a Google account."""
    url = f"https://accounts.google.example/authorize?state={record.id}"
    record["status"] = "pending"
    record.meta["authorization_url"] = url
    record.meta["authorization_url_expires_at"] = later(call.store.now(), hours=1)
    call.store.changed(record)


def _test(record: Record) -> None:
    """Repeat the exchange: return the response of the token endpoint, token included."""
    record.meta.pop("test_exchange", None)
    if record["type_of"] in _REFRESHED and record["status"] == "succeeded":
        record.meta["test_exchange"] = {
            "access_token": f"exchanged-{secrets.token_urlsafe(24)}",
            "expires_in": _LIFETIME,
            "token_type": "bearer",
        }
