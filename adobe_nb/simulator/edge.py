"""The two hosts of the Edge Network, server (authenticated) and edge (not), as a pure function.

docs/simulator.md lists the choices that were made where Adobe's behavior is unknown.
"""

import base64
import json
import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from adobe_nb.simulator.data import load
from adobe_nb.simulator.datastreams import DATASTREAMS, Datastream
from adobe_nb.simulator.ims import Ims, decoded
from adobe_nb.simulator.messages import Request, Response, answer

PROBLEM = "application/problem+json"
LIMIT = 64 * 1024
SCOPE = "acp.foundation"
HINTS = ("or2", "va6", "irl1", "ind1", "jpn3", "sgp3", "aus3")
# How long Adobe tells clients to keep the location hint and the identity.
_HINT_SECONDS = 1800
_IDENTITY_SECONDS = 34_128_000
_PATH = re.compile(
    r"/ee/(?:(?P<hint>[a-z0-9]+)/)?v(?P<version>[12])/(?P<endpoint>interact|collect)"
)
# Adobe's cURL samples use both spellings in version 2.
_DATASTREAM_PARAMETERS = {"1": ("configId",), "2": ("datastreamId", "dataStreamId")}
_READABLE = ("application/json", "application/x-jackson-smile", "text/plain", "text/javascript")
_DEFAULT_SCHEMA = "https://ns.adobe.com/personalization/default-content-item"
_DATASTREAMS_BY_ID = {datastream.id: datastream for datastream in DATASTREAMS.values()}
_QUERY = {"identity": ("fetch",), "personalization": ("schemas", "decisionScopes", "surfaces")}
"""Members of a query that are lists of strings."""
_ITEMS: dict[type, str] = {str: "strings", dict: "objects"}
_Object = Mapping[str, Any]
_NO_MEMBERS: _Object = {}
_ERRORS = load("edge_errors.json")
"""Title and usual detail by code.

The titles of authorization errors are those of Adobe's page on authentication, the others those of
its list of errors.
"""


class Refused(Exception):
    """A fatal error: its code, the detail if it is not the usual one, and more for the report."""

    def __init__(self, code: str, detail: str = "", **report: Any) -> None:
        super().__init__(code)
        self.code, self.detail, self.report = code, detail, report


class EdgeApp:
    """One of the two hosts. ``authenticated`` is the server host."""

    def __init__(self, ims: Ims, org_id: str, *, authenticated: bool) -> None:
        self._ims = ims
        self._org_id = org_id
        self._authenticated = authenticated

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        match = _PATH.fullmatch(request.path)
        # Adobe answers an unknown location hint with an empty 404.
        if match is None or match["hint"] not in {None, *HINTS}:
            return Response(404)
        if request.method != "POST":
            return Response(405)
        query = dict(request.query)
        client_id = query.get("requestId") or request.headers.get("x-request-id") or uuid.uuid4()
        # Adobe appends 16 hex digits to the id that the client sends, or to one of its own.
        request_id = f"{client_id}-{secrets.token_hex(8)}"
        parameters = _DATASTREAM_PARAMETERS[match["version"]]
        datastream_id = next(filter(None, map(query.get, parameters)), "")
        try:
            body = _body(request)
            if not datastream_id:
                raise Refused("EXEG-0002-400", f"The parameter {parameters[0]} is missing.")
            datastream = self._datastream(request, datastream_id)
            silent = match["version"] == "1" or query.get("silent") == "true"
            return self._process(body, datastream, match, request_id, silent=silent)
        except Refused as refused:
            ids = {"requestId": request_id, "orgId": self._org_id, "configId": datastream_id}
            problem = _problem(refused.code, refused.detail, {**ids, **refused.report})
            return answer(problem["status"], problem, PROBLEM)

    def _datastream(self, request: Request, datastream_id: str) -> Datastream:
        """Return the datastream, if it is usable and the request may write to it."""
        datastream = _DATASTREAMS_BY_ID.get(datastream_id)
        if datastream is None:
            raise Refused("EXEG-0003-400")
        if not datastream.enabled:
            raise Refused("EXEG-0004-422")
        requires_token = self._authenticated or datastream.authenticated_only
        if requires_token or "authorization" in request.headers:
            self._authorize(request, datastream)
        if not datastream.platform:
            raise Refused("EXEG-0011-422")
        return datastream

    def _process(
        self,
        body: _Object,
        datastream: Datastream,
        match: re.Match[str],
        request_id: str,
        *,
        silent: bool,
    ) -> Response:
        """Answer an authorized request. ``silent`` omits a body without problems."""
        is_interactive = match["endpoint"] == "interact"
        if is_interactive and match["version"] == "2":
            # Only the request has a query.
            events, queried = [_single_event(body)], [_NO_MEMBERS]
        else:
            events = queried = _events(body)
        state = _state(body)
        # A batch from a server must say whose events they are; a browser gets an ECID.
        has_identity = is_interactive or any(key.endswith("_identity") for key in state)
        required = self._authenticated and not has_identity
        for index, event in enumerate(events):
            _check_identities(event, index, required=required)
        queries = _queries(body, queried)
        problems = _upstream(datastream, queries)
        if is_interactive:
            handles = self._handles(events[0], queries, state, match["hint"])
            return _answer(200, {"requestId": request_id, "handle": handles, **problems})
        if silent and not problems:
            return Response(204)
        return _answer(202, {"requestId": request_id, **problems})

    def _authorize(self, request: Request, datastream: Datastream) -> None:
        token = _token(request)
        grant = self._ims.check(token)
        if grant is None:
            if self._ims.is_expired(token):
                raise Refused("EXEG-0503-401")
            raise Refused("EXEG-0502-401")
        account = grant.account
        if request.headers["x-gw-ims-org-id"] != account.org_id:
            raise Refused("EXEG-0504-401", "The account does not belong to this organization.")
        if not account.entitled:
            raise Refused("EXEG-0504-401", "The company is not entitled to Experience Platform.")
        if not account.platform_context:
            detail = "The account has no product context of Experience Platform."
            raise Refused("EXEG-0504-401", detail)
        if SCOPE not in grant.scopes:
            raise Refused("EXEG-0505-401")
        if not datastream.writable:
            raise Refused("EXEG-0506-401")

    def _handles(
        self, event: _Object, queries: Sequence[_Object], state: Mapping[str, str], hint: str | None
    ) -> list[dict[str, Any]]:
        prefix = f"kndctr_{self._org_id.replace('@', '_')}"
        identity_key, cluster_key = f"{prefix}_identity", f"{prefix}_cluster"
        hint = hint or state.get(cluster_key)
        if hint not in HINTS:
            hint = HINTS[1]
        new_ecid = f"{secrets.randbelow(10**38):038}"
        ecid = _ecid(event) or _stored_ecid(state.get(identity_key)) or new_ecid
        location = {"hint": hint, "ttlSeconds": _HINT_SECONDS}
        locations = [{"scope": scope, **location} for scope in ("EdgeNetwork", "Target", "AAM")]
        entries = [{"key": cluster_key, "value": hint, "maxAge": _HINT_SECONDS}]
        # Only a first call, without state, gets an identity to store.
        if identity_key not in state:
            value = base64.urlsafe_b64encode(ecid.encode()).decode()
            entries.append({"key": identity_key, "value": value, "maxAge": _IDENTITY_SECONDS})
        handles = [
            {"type": "locationHint:result", "payload": locations},
            {"type": "state:store", "payload": entries},
        ]
        if "ECID" in _namespaces(queries):
            identity = {"id": ecid, "namespace": {"code": "ECID"}}
            handles.append({"type": "identity:result", "payload": [identity]})
        return handles + _decisions(queries)


def _token(request: Request) -> str:
    """Return the token of a request that has all headers."""
    header = request.headers.get("authorization")
    if header is None:
        raise Refused("EXEG-0500-401", "The Authorization header is missing.")
    scheme, _, token = header.partition(" ")
    if scheme != "Bearer" or not token:
        raise Refused("EXEG-0500-401", "The Authorization header must start with Bearer.")
    if not _is_jwt(token):
        raise Refused("EXEG-0500-401", "The token has an invalid format.")
    for name in ("x-api-key", "x-gw-ims-org-id"):
        if not request.headers.get(name):
            raise Refused("EXEG-0500-401", f"The header {name} is missing.")
    return token


def _is_jwt(token: str) -> bool:
    parts = token.split(".")
    try:
        claims = decoded(parts[1])
    except (IndexError, ValueError, RecursionError):
        return False
    return len(parts) == 3 and isinstance(claims, dict)


# -- what services behind the Edge Network answer


def _decisions(queries: Sequence[_Object]) -> list[dict[str, Any]]:
    handles = []
    for index, query in enumerate(queries):
        scopes = _names(query, "personalization", "decisionScopes")
        scopes += _names(query, "personalization", "surfaces")
        schemas = _names(query, "personalization", "schemas") or [_DEFAULT_SCHEMA]
        payload = [_decision(scope, schemas[0]) for scope in scopes]
        if payload:
            handle = {"type": "personalization:decisions", "payload": payload, "eventIndex": index}
            handles.append(handle)
    return handles


def _decision(scope: str, schema: str) -> dict[str, Any]:
    return {
        "id": f"decision-{scope}",
        "scope": scope,
        "scopeDetails": {"decisionProvider": "TGT"},
        "items": [{"id": "1", "schema": schema}],
    }


def _upstream(datastream: Datastream, queries: Sequence[_Object]) -> dict[str, Any]:
    """Return ``errors``, with which the status becomes 207, and ``warnings``, if there are any."""
    problems: dict[str, Any] = {}
    code = datastream.upstream
    if code.endswith("-200"):
        report = {"cause": {"message": "The record was adjusted.", "code": 202}}
        problems["warnings"] = [_problem(code, "", report)]
    elif code:
        problems["errors"] = [_problem(code, "", {})]
    namespaces = _namespaces(queries)
    namespaces.pop("ECID", None)
    unknown = list(namespaces)
    if unknown:
        refusal = {"unauthorizedNamespaces": unknown, "allowedNamespaces": ["ECID"]}
        problems.setdefault("warnings", []).append(_problem("EXEG-0303-200", "", refusal))
    return problems


def _namespaces(queries: Sequence[_Object]) -> dict[str, None]:
    """Return the identity namespaces to fetch, once each and in order."""
    namespaces: dict[str, None] = {}
    for query in queries:
        namespaces |= dict.fromkeys(_names(query, "identity", "fetch"))
    return namespaces


def _answer(status: int, document: _Object) -> Response:
    # Errors of services behind the Edge Network turn any success into a partial one.
    if "errors" in document:
        status = 207
    return answer(status, document)


def _problem(code: str, detail: str, report: _Object) -> dict[str, Any]:
    error = _ERRORS[code]
    return {
        "type": f"https://ns.adobe.com/aep/errors/{code}",
        "status": int(code[-3:]),
        "title": error["title"],
        "detail": detail or error["detail"],
        "report": report,
    }


# -- the body


def _body(request: Request) -> _Object:
    if not request.body:
        raise Refused("EXEG-0109-408")
    if request.media_type not in _READABLE:
        raise Refused("EXEG-0111-415")
    if len(request.body) > LIMIT:
        raise Refused("EXEG-0112-413")
    try:
        body = json.loads(request.body, parse_constant=_reject)
    except (ValueError, RecursionError):
        raise Refused("EXEG-0101-400") from None
    if not isinstance(body, dict):
        raise Refused("EXEG-0101-400", "The body must be a JSON object.")
    return body


def _reject(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _object(parent: _Object, name: str, path: str = "") -> dict[str, Any]:
    """Return a member that is an object. A missing one counts as empty."""
    value = parent.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused("EXEG-0102-400", f"The field {path}{name} must be an object.")
    return value


def _list(value: object, item_type: type, field: str) -> list[Any]:
    if not isinstance(value, list) or not all(isinstance(item, item_type) for item in value):
        raise Refused("EXEG-0102-400", f"The field {field} must be a list of {_ITEMS[item_type]}.")
    return value


def _single_event(body: _Object) -> _Object:
    if body.get("event") is None:
        raise Refused("EXEG-0103-400", "The field event is missing.")
    event = _object(body, "event")
    _object(event, "xdm", "event.")
    _object(event, "data", "event.")
    return event


def _events(body: _Object) -> list[_Object]:
    """Return the events of a batch. The ``xdm`` of the request, in version 1, is part of each."""
    if body.get("events") in (None, []):
        raise Refused("EXEG-0103-400", "The field events is missing.")
    batch = _list(body["events"], dict, "events")
    common = _object(body, "xdm")
    events: list[_Object] = []
    for index, event in enumerate(batch):
        _object(event, "data", f"events[{index}].")
        xdm = _object(event, "xdm", f"events[{index}].")
        events.append({**event, "xdm": {**common, **xdm}})
    return events


def _queries(body: _Object, events: Sequence[_Object]) -> list[_Object]:
    """Return the query of each event: that of the request, with the members of its own."""
    common = _query(body)
    return [{**common, **_query(event)} for event in events]


def _query(parent: _Object) -> _Object:
    query = _object(parent, "query")
    for name, lists in _QUERY.items():
        for member in lists:
            value = _object(query, name, "query.").get(member)
            if value is not None:
                _list(value, str, f"query.{name}.{member}")
    return query


def _names(query: _Object, name: str, member: str) -> list[str]:
    """Return a list in a query that was checked."""
    return [*((query.get(name) or {}).get(member) or ())]


def _state(body: _Object) -> dict[str, str]:
    entries = _object(_object(body, "meta"), "state", "meta.").get("entries")
    state = {}
    if entries is not None:
        for entry in _list(entries, dict, "meta.state.entries"):
            state[str(entry.get("key"))] = str(entry.get("value"))
    return state


# -- identities


def _check_identities(event: _Object, index: int, *, required: bool) -> None:
    """An event that has identities must have a primary one. It can have none, if not required."""
    path = f"events[{index}].xdm."
    namespaces = _object(_object(event, "xdm"), "identityMap", path)
    identities: list[_Object] = []
    for namespace, members in namespaces.items():
        identities += _list(members, dict, f"{path}identityMap.{namespace}")
    if not namespaces:
        if required:
            raise Refused(
                "EXEG-0306-400", f"The event at index {index} has no identity.", index=index
            )
        return
    is_primary = False
    for identity in identities:
        if not identity.get("id"):
            raise Refused(
                "EXEG-0308-400",
                f"An identity of the event at index {index} has no id.",
                index=index,
            )
        # One of Adobe's samples writes primary as a string.
        if identity.get("primary") in (True, "true"):
            is_primary = True
    if not is_primary:
        raise Refused(
            "EXEG-0306-400", f"No identity of the event at index {index} is primary.", index=index
        )


def _ecid(event: _Object) -> str:
    identities = _object(_object(event, "xdm"), "identityMap").get("ECID")
    if identities:
        return str(identities[0].get("id") or "")
    return ""


def _stored_ecid(value: str | None) -> str:
    """Return the ECID in a stored identity of ours. The one of a real browser is opaque."""
    try:
        text = base64.urlsafe_b64decode(value or "").decode()
    except ValueError:
        return ""
    if re.fullmatch(r"[0-9]{38}", text):
        return text
    return ""
