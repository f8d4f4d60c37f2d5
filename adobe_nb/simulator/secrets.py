"""Secrets of event forwarding: what credentials they take, and the exchange that tells whether they
work.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from adobe_nb.simulator.calls import Call
from adobe_nb.simulator.documents import Wanted
from adobe_nb.simulator.problems import conflict, malformed
from adobe_nb.simulator.publishing import details
from adobe_nb.simulator.store import Record, stamp

_CREDENTIALS: dict[str, tuple[str, ...]] = {
    "token": ("token",),
    "simple-http": ("username", "password"),
    "oauth2": ("client_id", "client_secret"),
    "oauth2-client_credentials": ("client_id", "client_secret"),
    "oauth2-google": ("scopes",),
    "oauth2-jwt": ("iss", "aud", "private_key"),
}
_RENEWED = ("oauth2", "oauth2-client_credentials", "oauth2-jwt")
_ECHOED = (
    "username", "client_id", "token_url", "authorization_url", "refresh_offset", "options", "scopes", "iss", "aud",
)  # fmt: skip
"""Members of the credentials that answers repeat, as Adobe's do: none that is a secret."""
EXCHANGED = "exchanged-"
"""How the tokens of tested exchanges begin."""
_LIFE = 86_400
_OFFSETS = {"oauth2-jwt": 1800}
_OFFSET = 14_400


def begin(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:
    """A new secret: of an event forwarding property, for one of its environments."""
    if parent.attributes["platform"] != "edge":
        raise conflict(
            "invalid-platform", "Secrets belong to event forwarding properties (platform edge)."
        )
    target = wanted.one("environment")
    environment = call.store.get(*target.here) if target else None
    if environment is None or environment.to_one["property"] != parent.here:
        raise malformed(
            "The environment is not one of this property.", "/data/relationships/environment"
        )
    record.to_one["environment"] = environment.here
    exchange(call, record, wanted.attributes["credentials"])


def listed(call: Call, record: Record) -> None:
    """It stands in the list of its environment too."""
    environment = record.to_one["environment"]
    if environment is not None:
        call.store.link(environment[1], "secrets", record)


def exchange(call: Call, record: Record, credentials: Mapping[str, Any] | None) -> None:
    """Check the credentials' members, and find out whether they work."""
    kind = record.attributes["type_of"]
    members = credentials or {}
    offset = _checked_offset(kind, members)
    record.attributes.pop("credentials", None)
    echoed = {name: members[name] for name in _ECHOED if name in members}
    if echoed:
        record.attributes["credentials"] = echoed
    record.meta.pop("test_exchange", None)
    if kind == "oauth2-google":
        _ask_a_person(call, record)
        return
    if kind not in _RENEWED:
        _succeed(call, record, None)
        return
    address = str(members.get("token_url") or members.get("authorization_url") or "")
    works = offset < _LIFE - _OFFSET and _is_reachable(address)
    record.attributes["status"] = "pending"
    record.meta.pop("status_details", None)
    call.store.later(
        call.options.build_seconds, lambda: _exchanged(call, record, offset if works else None)
    )


def _checked_offset(kind: str, credentials: Mapping[str, Any]) -> int:
    """How many seconds before its end the token is renewed. Raises a problem for wrong or missing
    members.
    """
    if kind not in _CREDENTIALS:
        raise malformed(f"type_of is one of {', '.join(_CREDENTIALS)}.", "/data/attributes/type_of")
    missing = [name for name in _CREDENTIALS[kind] if not credentials.get(name)]
    if missing:
        raise malformed(
            f"credentials of {kind} need {', '.join(missing)}.", "/data/attributes/credentials"
        )
    offset = credentials.get("refresh_offset", _OFFSETS.get(kind, _OFFSET))
    if not isinstance(offset, int) or isinstance(offset, bool) or not 0 <= offset < 2**31:
        raise malformed(
            "refresh_offset is a number of seconds.", "/data/attributes/credentials/refresh_offset"
        )
    return offset


def use(call: Call, element: Record) -> None:
    """A data element that hands a secret on stands in the list of that secret."""
    named: dict[str, Any] = {}
    if element.attributes["delegate_descriptor_id"] == "core::dataElements::secret":
        named = json.loads(element.attributes["settings"]).get("secrets") or {}
    wanted = {each.get("id") for each in named.values() if isinstance(each, dict)}
    for secret in call.store.all("secrets"):
        if secret.to_one["property"] == element.to_one["property"]:
            change = call.store.link if secret.id in wanted else call.store.unlink
            change(secret.id, "data_elements", element)


def act(call: Call, record: Record, action: str) -> None:
    """``test``, ``retry`` and ``reauthorize``."""
    kind = record.attributes["type_of"]
    if action == "reauthorize":
        if kind != "oauth2-google":
            raise conflict("invalid-type_of", "Only google secrets are authorised by a person.")
        _ask_a_person(call, record)
    elif action == "retry":
        if record.attributes["status"] != "failed":
            raise conflict("invalid-transition", "Only a failed exchange can be tried again.")
        record.attributes["status"] = "pending"
        call.store.later(call.options.build_seconds, lambda: _exchanged(call, record, None))
    else:
        _test(record)
    call.touch(record)


def _test(record: Record) -> None:
    """Exchange once more: the service repeats the answer of the token endpoint, with its live
    token.
    """
    record.meta.pop("test_exchange", None)
    if record.attributes["type_of"] in _RENEWED and record.attributes["status"] == "succeeded":
        record.meta["test_exchange"] = {
            "access_token": EXCHANGED + secrets.token_urlsafe(24),
            "expires_in": _LIFE,
            "token_type": "bearer",
        }


def _is_reachable(address: str) -> bool:
    try:
        return not (urlsplit(address).hostname or "").endswith(".invalid")
    except ValueError:
        return False


def _exchanged(call: Call, record: Record, offset: int | None) -> None:
    """The end of an exchange; without an offset it did not work."""
    if record.attributes["type_of"] not in _RENEWED:
        return  # it has become another kind in between
    if offset is None:
        record.attributes["status"] = "failed"
        error = details("authentication-failure", "The token endpoint did not give a token.")
        record.meta["status_details"] = {"errors": [error]}
        call.store.changed(record)
    else:
        _succeed(call, record, offset)


def _succeed(call: Call, record: Record, offset: int | None) -> None:
    moment = call.store.now()
    record.attributes |= {
        "status": "succeeded",
        "activated_at": moment,
        "expires_at": None,
        "refresh_at": None,
    }
    record.meta.pop("status_details", None)
    if offset is not None:
        begun = datetime.fromisoformat(moment)
        record.attributes |= {
            "expires_at": _after(begun, _LIFE),
            "refresh_at": _after(begun, _LIFE - offset),
        }
    call.store.changed(record)


def _ask_a_person(call: Call, record: Record) -> None:
    begun = datetime.fromisoformat(call.store.now())
    record.attributes["status"] = "pending"
    record.meta["authorization_url"] = (
        f"https://accounts.google.example/authorize?state={record.id}"
    )
    record.meta["authorization_url_expires_at"] = _after(begun, 3600)
    call.store.changed(record)


def _after(moment: datetime, seconds: int) -> str:
    return stamp((moment + timedelta(seconds=seconds)).astimezone(UTC))
