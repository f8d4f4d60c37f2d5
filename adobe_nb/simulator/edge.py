"""The Edge Network's two hosts as one pure function: server (authenticated) and edge (not
authenticated).

Where Adobe's behaviour is not known, a choice was made; docs/simulator.md lists them.
"""

import base64
import binascii
import json
import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from adobe_nb.simulator.datastreams import DATASTREAMS, Datastream
from adobe_nb.simulator.ims import Account, Expired, Ims
from adobe_nb.simulator.messages import Request, Response

PROBLEM = "application/problem+json"
LIMIT = 64 * 1024
SCOPE = "acp.foundation"
HINTS = ("or2", "va6", "irl1", "ind1", "jpn3", "sgp3", "aus3")
_HINT_SECONDS = 1800
_IDENTITY_SECONDS = 34_128_000
_PATH = re.compile(
    r"/ee/(?:(?P<hint>[a-z0-9]+)/)?v(?P<version>[12])/(?P<endpoint>interact|collect)"
)
# Adobe's own cURL samples use both spellings; version 1 has a name of its own.
_DATASTREAM_PARAMETERS = {"1": ("configId",), "2": ("datastreamId", "dataStreamId")}
_READABLE = ("application/json", "application/x-jackson-smile", "text/plain", "text/javascript")
_SERVICE = "Adobe Experience Platform"
_DEFAULT_SCHEMA = "https://ns.adobe.com/personalization/default-content-item"
_QUERY = {"identity": ("fetch",), "personalization": ("schemas", "decisionScopes", "surfaces")}
"""Members of a query that are lists of texts."""


# Authorization errors carry the message of Adobe's authentication page, the others the title of the
# error list.
_TITLES = {
    "EXEG-0002-400": ("Missing datastream parameter", "The datastream parameter is missing."),
    "EXEG-0003-400": ("Invalid datastream ID", "There is no datastream of that id."),
    "EXEG-0004-422": ("Datastream disabled", "The datastream is disabled."),
    "EXEG-0011-422": (
        "Could not retrieve sandbox details",
        "Experience Platform is not enabled on the datastream.",
    ),
    "EXEG-0101-400": ("Invalid JSON request", "The body is not JSON."),
    "EXEG-0102-400": ("Invalid request field", "A field has a value that is not allowed."),
    "EXEG-0103-400": ("Missing required value", "A required field is missing."),
    "EXEG-0109-408": ("Empty request", "The body is empty."),
    "EXEG-0111-415": ("Invalid request", "The media type is not supported."),
    "EXEG-0112-413": ("Invalid request", f"The body is larger than {LIMIT} bytes."),
    "EXEG-0201-503": (
        "The service is temporarily unavailable",
        f"{_SERVICE} is temporarily unavailable.",
    ),
    "EXEG-0204-200": (
        "The service call completed with warning(s)",
        f"{_SERVICE} answered with a warning.",
    ),
    "EXEG-0303-200": ("Unauthorized to fetch identities", "A namespace is not allowed."),
    "EXEG-0306-400": ("Event is missing primary identity", "An event has no primary identity."),
    "EXEG-0308-400": (
        "Invalid identity format",
        "An identity is not in the format of its namespace.",
    ),
    "EXEG-0500-401": (
        "Invalid authorization token",
        "The authorization token is missing or malformed.",
    ),
    "EXEG-0502-401": ("Invalid authorization token", "The signature of the token is not valid."),
    "EXEG-0503-401": ("Invalid authorization token", "The authorization token has expired."),
    "EXEG-0504-401": (
        "Required product context is missing",
        "The product context dma_aep is missing.",
    ),
    "EXEG-0505-401": (
        "Required authorization token scope is missing",
        f"The scope {SCOPE} is missing.",
    ),
    "EXEG-0506-401": (
        "Sandbox not accessible for write",
        "No write permission in the sandbox prod.",
    ),
}


class Refused(Exception):
    """A fatal code, with its detail."""

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
        if match is None or (match["hint"] and match["hint"] not in HINTS):
            return Response(404)  # an unknown location hint has an empty answer
        query = dict(request.query)
        request_id = _request_id(query.get("requestId") or request.headers.get("x-request-id"))
        names = _DATASTREAM_PARAMETERS[match["version"]]
        datastream_id = next((query[name] for name in names if query.get(name)), "")
        try:
            if request.method != "POST":
                return Response(405)
            body = _body(request)
            if not datastream_id:
                raise Refused("EXEG-0002-400", f"The parameter {names[0]} is missing.")
            datastream = _datastream_of(datastream_id)
            if (
                self._authenticated
                or datastream.authenticated_only
                or "authorization" in request.headers
            ):
                self._authorize(request, datastream)
            if not datastream.platform:
                raise Refused("EXEG-0011-422")
            if match["endpoint"] == "interact":
                return self._interact(body, datastream, match["version"], match["hint"], request_id)
            silent = match["version"] == "1" or query.get("silent") == "true"
            return self._collect(body, datastream, request_id, silent=silent)
        except Refused as refused:
            return self._problem(refused, request_id, datastream_id)

    def _interact(
        self,
        body: Mapping[str, Any],
        datastream: Datastream,
        version: str,
        hint: str | None,
        request_id: str,
    ) -> Response:
        events = _events(body, "events") if version == "1" else _single_event(body)
        state = _state(body)
        for index, event in enumerate(events):
            _check_identities(event, index, state, required=False)
        queries = _queries(body, events if version == "1" else [{}])
        problems = _upstream(datastream, queries)
        document = {
            "requestId": request_id,
            "handle": self._handles(events, queries, state, hint),
            **problems,
        }
        return _json(207 if problems.get("errors") else 200, document)

    def _collect(
        self, body: Mapping[str, Any], datastream: Datastream, request_id: str, *, silent: bool
    ) -> Response:
        events = _events(body, "events")
        state = _state(body)
        for index, event in enumerate(events):
            _check_identities(event, index, state, required=self._authenticated)
        problems = _upstream(datastream, _queries(body, events))
        if silent and not problems:
            return Response(204)
        return _json(207 if problems.get("errors") else 202, {"requestId": request_id, **problems})

    def _authorize(self, request: Request, datastream: Datastream) -> None:
        header = request.headers.get("authorization")
        if header is None:
            raise Refused("EXEG-0500-401", "The Authorization header is missing.")
        scheme, _, token = header.partition(" ")
        if scheme != "Bearer" or not token:
            raise Refused("EXEG-0500-401", "The Authorization header does not begin with Bearer.")
        if not _looks_like_a_token(token):
            raise Refused("EXEG-0500-401", "The token is not of a valid format.")
        for name in ("x-api-key", "x-gw-ims-org-id"):
            if not request.headers.get(name):
                raise Refused("EXEG-0500-401", f"The header {name} is missing.")
        try:
            grant = self._ims.check(token, tell=True)
        except Expired:
            raise Refused("EXEG-0503-401") from None
        if grant is None:
            raise Refused("EXEG-0502-401")
        self._check_rights(grant.account, grant.scopes, request, datastream)

    def _check_rights(
        self, account: Account, scopes: tuple[str, ...], request: Request, datastream: Datastream
    ) -> None:
        if request.headers["x-gw-ims-org-id"] != account.org_id:
            raise Refused("EXEG-0504-401", "The account does not belong to this organisation.")
        if not account.entitled:
            raise Refused("EXEG-0504-401", "The company is not entitled to Experience Platform.")
        if not account.platform_context:
            raise Refused(
                "EXEG-0504-401", "The account has no product context of Experience Platform."
            )
        if SCOPE not in scopes:
            raise Refused("EXEG-0505-401")
        if not datastream.writable:
            raise Refused("EXEG-0506-401")

    def _handles(
        self,
        events: Sequence[Mapping[str, Any]],
        queries: Sequence[Mapping[str, Any]],
        state: Mapping[str, str],
        hint: str | None,
    ) -> list[dict[str, Any]]:
        prefix = f"kndctr_{self._org_id.replace('@', '_')}"
        identity, cluster = f"{prefix}_identity", f"{prefix}_cluster"
        known = state.get(cluster, "")
        hint = hint or (known if known in HINTS else HINTS[1])
        ecid = _ecid(events[0]) or _stored_ecid(state.get(identity)) or _new_ecid()
        stored = [{"key": cluster, "value": hint, "maxAge": _HINT_SECONDS}]
        if identity not in state:
            value = base64.urlsafe_b64encode(ecid.encode()).decode()
            stored.append({"key": identity, "value": value, "maxAge": _IDENTITY_SECONDS})
        scopes = ("EdgeNetwork", "Target", "AAM")
        hints = [{"scope": scope, "hint": hint, "ttlSeconds": _HINT_SECONDS} for scope in scopes]
        handles: list[dict[str, Any]] = [
            {"type": "locationHint:result", "payload": hints},
            {"type": "state:store", "payload": stored},
        ]
        if any("ECID" in _texts(query, "identity", "fetch") for query in queries):
            handles.append(
                {
                    "type": "identity:result",
                    "payload": [{"id": ecid, "namespace": {"code": "ECID"}}],
                }
            )
        for index, query in enumerate(queries):
            wanted = _texts(query, "personalization", "decisionScopes") + _texts(
                query, "personalization", "surfaces"
            )
            if wanted:
                schemas = _texts(query, "personalization", "schemas") or [_DEFAULT_SCHEMA]
                payload = [_decision(scope, schemas[0]) for scope in wanted]
                handles.append(
                    {"type": "personalization:decisions", "payload": payload, "eventIndex": index}
                )
        return handles

    def _problem(self, refused: Refused, request_id: str, datastream_id: str) -> Response:
        report = {
            "requestId": request_id,
            "orgId": self._org_id,
            "configId": datastream_id,
            **refused.report,
        }
        problem = _problem(refused.code, refused.detail, report)
        return Response(int(refused.code[-3:]), json.dumps(problem).encode(), PROBLEM)


def _upstream(datastream: Datastream, queries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the services behind had to say: errors (then the status is 207) and warnings."""
    problems: dict[str, list[dict[str, Any]]] = {}
    if datastream.upstream:
        warns = datastream.upstream.endswith("-200")
        report: dict[str, Any] = (
            {"cause": {"message": "The record was adjusted.", "code": 202}} if warns else {}
        )
        problems.setdefault("warnings" if warns else "errors", []).append(
            _problem(datastream.upstream, "", report)
        )
    wanted = [name for query in queries for name in _texts(query, "identity", "fetch")]
    unknown = [name for name in dict.fromkeys(wanted) if name != "ECID"]
    if unknown:
        report = {"unauthorizedNamespaces": unknown, "allowedNamespaces": ["ECID"]}
        problems.setdefault("warnings", []).append(_problem("EXEG-0303-200", "", report))
    return problems


def _problem(code: str, detail: str, report: Mapping[str, Any]) -> dict[str, Any]:
    title, usual = _TITLES[code]
    return {
        "type": f"https://ns.adobe.com/aep/errors/{code}",
        "status": int(code[-3:]),
        "title": title,
        "detail": detail or usual,
        "report": dict(report),
    }


def _json(status: int, document: object) -> Response:
    return Response(status, json.dumps(document).encode(), "application/json")


def _request_id(given: str | None) -> str:
    return f"{given or uuid.uuid4()}-{secrets.token_hex(8)}"


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        raise Refused("EXEG-0109-408")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _READABLE:
        raise Refused("EXEG-0111-415")
    if len(request.body) > LIMIT:
        raise Refused("EXEG-0112-413")
    try:
        body = json.loads(request.body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused("EXEG-0101-400") from None
    if not isinstance(body, dict):
        raise Refused("EXEG-0101-400", "The body is not a JSON object.")
    return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _datastream_of(identifier: str) -> Datastream:
    found = next((each for each in DATASTREAMS.values() if each.id == identifier), None)
    if found is None:
        raise Refused("EXEG-0003-400")
    if not found.enabled:
        raise Refused("EXEG-0004-422")
    return found


def _single_event(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The event of version 2, as a list of one."""
    if body.get("event") is None:
        raise Refused("EXEG-0103-400", "The field event is missing.")
    event = _object(body, "event")
    _object(event, "xdm", "event.")
    _object(event, "data", "event.")
    return [event]


def _events(body: Mapping[str, Any], member: str) -> list[dict[str, Any]]:
    """The events of a batch; ``xdm`` of the whole request (version 1) is part of each."""
    events = body.get(member)
    if events is None or events == []:
        raise Refused("EXEG-0103-400", f"The field {member} is missing.")
    if not isinstance(events, list) or not all(isinstance(each, dict) for each in events):
        raise Refused("EXEG-0102-400", f"The field {member} is not of the right type.")
    common = _object(body, "xdm")
    found = []
    for index, event in enumerate(events):
        where = f"{member}[{index}]."
        _object(event, "data", where)
        found.append({**event, "xdm": {**common, **_object(event, "xdm", where)}})
    return found


def _queries(body: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What each event asks for: the query of the request, and of a batch's event that has one of
    its own.
    """
    common = _checked_query(_object(body, "query"))
    return [{**common, **_checked_query(_object(event, "query"))} for event in events]


def _checked_query(query: dict[str, Any]) -> dict[str, Any]:
    for name, lists in _QUERY.items():
        for member in lists:
            listed = _object(query, name, "query.").get(member)
            if listed is None:
                continue
            if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
                raise Refused(
                    "EXEG-0102-400", f"The field query.{name}.{member} is not a list of texts."
                )
    return query


def _texts(query: Mapping[str, Any], name: str, member: str) -> list[str]:
    """A list of a query that was checked."""
    return list((query.get(name) or {}).get(member) or [])


def _object(parent: Mapping[str, Any], name: str, where: str = "") -> dict[str, Any]:
    """A member that is an object, or absent."""
    found = parent.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Refused("EXEG-0102-400", f"The field {where}{name} is not an object.")
    return found


def _state(body: Mapping[str, Any]) -> dict[str, str]:
    entries = _object(_object(body, "meta"), "state", "meta.").get("entries")
    if entries is None:
        return {}
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Refused("EXEG-0102-400", "The field meta.state.entries is not a list of objects.")
    return {str(entry.get("key")): str(entry.get("value")) for entry in entries}


def _identities(event: Mapping[str, Any], where: str = "") -> dict[str, list[dict[str, Any]]]:
    found = _object(_object(event, "xdm"), "identityMap", where)
    for namespace, listed in found.items():
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise Refused(
                "EXEG-0102-400",
                f"The field {where}identityMap.{namespace} is not a list of objects.",
            )
    return found


def _check_identities(
    event: Mapping[str, Any], index: int, state: Mapping[str, str], *, required: bool
) -> None:
    """Without identities an ECID is made, except in a batch from a server; with identities, one
    must be primary.
    """
    found = _identities(event, f"events[{index}].xdm.")
    if not found:
        if required and not any(name.endswith("_identity") for name in state):
            raise Refused(
                "EXEG-0306-400", f"The event at index {index} has no identity.", index=index
            )
        return
    listed = [each for values in found.values() for each in values]
    if any(not each.get("id") for each in listed):
        raise Refused(
            "EXEG-0308-400", f"An identity of the event at index {index} has no id.", index=index
        )
    if not any(each.get("primary") in (True, "true") for each in listed):
        raise Refused(
            "EXEG-0306-400", f"No identity of the event at index {index} is primary.", index=index
        )


def _ecid(event: Mapping[str, Any]) -> str:
    listed = _identities(event).get("ECID")
    return str(listed[0].get("id") or "") if listed else ""


def _stored_ecid(value: str | None) -> str:
    """The ECID in an identity entry of ours; that of a real browser is opaque."""
    try:
        text = base64.urlsafe_b64decode(value or "").decode()
    except ValueError:
        return ""
    return text if re.fullmatch(r"[0-9]{38}", text, re.ASCII) else ""


def _new_ecid() -> str:
    return "".join(secrets.choice("0123456789") for _ in range(38))


def _decision(scope: str, schema: str) -> dict[str, Any]:
    item = {"id": "1", "schema": schema}
    return {
        "id": f"decision-{scope}",
        "scope": scope,
        "scopeDetails": {"decisionProvider": "TGT"},
        "items": [item],
    }


def _looks_like_a_token(token: str) -> bool:
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, RecursionError, binascii.Error):
        return False
    return len(parts) == 3 and isinstance(claims, dict)
