"""Request -> Response, without a server: IMS and Reactor as one pure function of the state.

Where Adobe's behaviour is not known, a choice was made; docs/simulator.md lists them.
"""

import hashlib
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from adobe_nb.resources import RESOURCES
from adobe_nb.simulator.ims import NEEDED_BY_REACTOR, Grant, Ims
from adobe_nb.simulator.lists import Query, page, select
from adobe_nb.simulator.store import Record, Store, render

JSON_API = "application/vnd.api+json"
ADOBE_TOOLS_KEY = "Activation-DTM"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are lower case; the repr shows neither headers nor body, they hold secrets."""

    method: str
    path: str
    query: Query = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = JSON_API
    headers: Mapping[str, str] = field(default_factory=dict)


class App:
    """IMS and Reactor on one state: ``stores`` maps organisation ids to what they own."""

    def __init__(self, ims: Ims, stores: Mapping[str, Store], base_url: str) -> None:
        self.ims = ims
        self.stores = stores
        self.base_url = base_url

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if request.path.startswith("/ims/"):
            return self._ims(request)
        grant = self._gateway(request)
        return grant if isinstance(grant, Response) else self._reactor(request, grant)

    # -- the identity service

    def _ims(self, request: Request) -> Response:
        form = dict(request.query)
        if request.headers.get("content-type", "").startswith(_FORM):
            form |= dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if request.path not in {"/ims/token/v3", "/ims/validate_token/v1", "/ims/invalidate_token/v2"}:
            return _json(404, {"error": "not_found"})
        if request.method != "POST":
            return _json(405, {"error": "method_not_allowed"})
        if request.path == "/ims/token/v3":
            return _json(*self.ims.token(form))
        if request.path == "/ims/validate_token/v1":
            return _json(200, {"valid": self.ims.check(form.get("token", "")) is not None})
        self.ims.revoke(form.get("token", ""))
        return _json(200, {})

    # -- the gateway before Reactor

    def _gateway(self, request: Request) -> Grant | Response:
        """The grant of a properly signed request, or the gateway's refusal."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token or scheme.lower() != "bearer":
            return _gateway_error("403010", "Oauth token is missing")
        grant = self.ims.check(token.strip())
        if grant is None:
            return _gateway_error("401013", "Oauth token is not valid")
        key = request.headers.get("x-api-key", "")
        if not key:
            return _gateway_error("403000", "Api Key is required")
        if key != ADOBE_TOOLS_KEY and key not in self.ims.accounts:
            return _gateway_error("403003", "Api Key is invalid")
        org_id = request.headers.get("x-gw-ims-org-id", "")
        if not org_id:
            return _gateway_error("400003", "Missing header x-gw-ims-org-id")
        if org_id != grant.account.org_id:
            return _gateway_error("403025", "Profile is not valid")
        if not grant.account.product_profile:
            return _gateway_error("403221", "Forbidden: the token is not allowed in this context")
        return grant

    # -- Reactor

    def _reactor(self, request: Request, grant: Grant) -> Response:
        missing = [scope for scope in NEEDED_BY_REACTOR if scope not in grant.scopes]
        if missing:
            return _error(403, "no-available-orgs", "No available orgs", "The token shows no organisation with tags.")
        if request.method != "GET":
            return _error(405, "method-not-allowed", "Method Not Allowed", "This simulator answers GET only.")
        accept = request.headers.get("accept", "").replace(" ", "")
        if JSON_API not in accept or "revision=1" not in accept:
            detail = f"Send Accept: {JSON_API};revision=1"
            return _error(406, "not-acceptable", "Not Acceptable", detail)
        store = self.stores.get(grant.account.org_id)
        return _not_found(request.path) if store is None else self._read(request, store)

    def _read(self, request: Request, store: Store) -> Response:
        parts = request.path.strip("/").split("/")
        if parts == ["profile"]:
            return _json(200, {"data": self._profile(request)}, JSON_API)
        row = RESOURCES.get(parts[0])
        if row is None or len(parts) > 3:
            return _not_found(request.path)
        if len(parts) == 1:
            return self._list(request, store.all(row.type), row.type) if row.root else _not_found(request.path)
        record = store.get(row.type, parts[1])
        if record is None:
            return _not_found(request.path)
        if len(parts) == 2:
            return self._one(record)
        if row.type == "extension_packages" and parts[2] == "versions":
            same = [each for each in store.all(row.type) if _is_version_of(each, record)]
            return self._list(request, same, row.type)
        if row.type == "rules" and parts[2] == "rule_component_notes":
            parts_of = store.listed(record.id, "rule_components")
            return self._list(request, [note for each in parts_of for note in store.listed(each.id, "notes")], "notes")
        relation = row.relation(parts[2])
        child = RESOURCES.get(parts[2])
        if relation is None and child is not None and row.type in child.parents:
            return self._list(request, store.listed(record.id, child.type), child.type)
        if relation is None:
            return _not_found(request.path)
        if relation.many:
            return self._list(request, store.listed(record.id, relation.name), relation.targets[0])
        target = record.to_one.get(relation.name)
        found = store.get(*target) if target else None
        return _not_found(request.path) if found is None else self._one(found)

    def _profile(self, request: Request) -> dict[str, Any]:
        account = self.ims.accounts[request.headers["x-api-key"]]
        attributes = {
            "active_org": account.org_id,
            "expires_in": 3600,
            "display_name": "Simulated Account",
            "job_function": None,
            "email": f"{account.client_id[:12]}@techacct.adobe.com",
            "organizations": {account.org_id: {"name": "Simulated", "admin": False, "active": True}},
        }
        identifier = f"UR{hashlib.blake2s(account.client_id.encode(), digest_size=16).hexdigest()}"
        return {"id": identifier, "type": "users", "attributes": attributes, "meta": {"rights": []}}

    def _one(self, record: Record) -> Response:
        return _json(200, {"data": render(record, self.base_url)}, JSON_API)

    def _list(self, request: Request, records: list[Record], resource_type: str) -> Response:
        shown, pagination = page(select(records, resource_type, request.query), request.query)
        data = [render(record, self.base_url) for record in shown]
        return _json(200, {"data": data, "meta": {"pagination": pagination}}, JSON_API)


def _is_version_of(record: Record, other: Record) -> bool:
    return all(record.attributes[name] == other.attributes[name] for name in ("name", "platform"))


def _json(status: int, document: object, content_type: str = "application/json") -> Response:
    return Response(status, json.dumps(document).encode(), content_type)


def _gateway_error(code: str, message: str) -> Response:
    return _json(int(code[:3]), {"error_code": code, "message": message})


def _error(status: int, code: str, title: str, detail: str) -> Response:
    request_id = secrets.token_hex(16)
    error: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "status": str(status),
        "code": code,
        "title": title,
        "detail": detail,
        "meta": {"request_id": request_id},
    }
    answer = _json(status, {"errors": [error]}, JSON_API)
    return Response(answer.status, answer.body, answer.content_type, {"x-request-id": request_id})


def _not_found(path: str) -> Response:
    return _error(404, "not-found", "Record Not Found", f"There is nothing at {path} for you.")
