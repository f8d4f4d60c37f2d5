"""The Edge Network: events sent with the three headers from a server, or without them as a browser does.

Source: https://developer.adobe.com/data-collection-apis/docs/
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, overload
from urllib.parse import urlencode

import pandas as pd
import requests

from adobe_nb.api.edge_errors import EDGE_CODES, EdgeCode
from adobe_nb.api.edge_events import Events, batches, body_of, event_of, events_of
from adobe_nb.api.jsonapi import CURL_HEADERS, in_parallel
from adobe_nb.errors import AdobeError, ApiError, ArgumentError, EdgeError, IncompleteResult, TransportError
from adobe_nb.transport import UNSIGNED, Request, Response, Signer, Transport

Document = dict[str, Any]
Endpoint = Literal["interact", "collect"]
AUTH_HEADERS = ("Authorization", "x-api-key", "x-gw-ims-org-id")
_NO_BEARER = "no word Bearer"
_NOT_THREE_PARTS = "Bearer, but no token of three parts"
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_ANSWER = {
    "request_id": "string",
    "type": "string",
    "scope": "string",
    "content": "string",
    "code": "string",
    "advice": "string",
}
_SENT = {
    "event": "Int64",
    "request": "Int64",
    "request_id": "string",
    "status": "Int64",
    "outcome": "string",
    "code": "string",
    "advice": "string",
}


@dataclass(frozen=True, slots=True)
class EdgeClient:
    """One session's way to the two hosts."""

    transport: Transport
    signer: Signer
    edge_url: str
    server_url: str
    service: str
    org_id: str


@dataclass(slots=True)
class _Signing:
    """Signs, changes headers on purpose where asked to, and remembers what was sent: names and shape, no values."""

    signer: Signer
    changes: Mapping[str, str | None] = field(repr=False)
    sent: dict[str, str] = field(default_factory=dict)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        signed = self.signer(request)
        for name, value in self.changes.items():
            signed.headers.pop(name, None)
            if value is not None:
                signed.headers[name] = value
        self.sent = {name: _shape(signed.headers[name]) for name in AUTH_HEADERS if name in signed.headers}
        return signed

    def renew(self, refused: requests.PreparedRequest) -> bool:
        return not self.changes and self.signer.renew(refused)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one request."""

    status: int | None
    document: Document
    problem: AdobeError | None = None
    maybe: bool = False
    """It may have arrived."""

    @property
    def request_id(self) -> str | None:
        value = self.document.get("requestId")
        return value if isinstance(value, str) else getattr(self.problem, "request_id", None)


class Edge:
    """The Edge Network. ``interact`` sends one event and answers; ``collect`` sends many."""

    def __init__(self, client: Callable[[], EdgeClient]) -> None:
        self._client = client

    def __repr__(self) -> str:
        return "<Edge: interact, collect, visitor, errors, explain>"

    @overload
    def interact(
        self,
        datastream_id: str,
        event: Mapping[str, Any] | None = None,
        *,
        xdm: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        authenticated: bool = True,
        request_id: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        dry_run: bool = False,
        raw: Literal[False] = False,
    ) -> pd.DataFrame: ...
    @overload
    def interact(
        self,
        datastream_id: str,
        event: Mapping[str, Any] | None = None,
        *,
        xdm: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        authenticated: bool = True,
        request_id: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        dry_run: bool = False,
        raw: Literal[True],
    ) -> Document: ...
    def interact(
        self,
        datastream_id: str,
        event: Mapping[str, Any] | None = None,
        *,
        xdm: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        authenticated: bool = True,
        request_id: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        dry_run: bool = False,
        raw: bool = False,
    ) -> pd.DataFrame | Document:
        """Send one event and get the answer: one row per payload item, error and warning.

        ``event`` is ``{"xdm": …, "data": …}``; or give ``xdm`` and ``data`` apart. ``authenticated=False`` sends it to
        the edge host without the three headers, as a browser does. ``headers`` leaves one of them out (None) or
        replaces it, to meet an error on purpose. ``dry_run`` shows the request and sends nothing. ``raw`` gives the
        JSON document.

        Columns (all ``string``): request_id, type, scope, content (JSON text), code, advice; the last two for errors
        and warnings. Raises EdgeError when it was refused, ArgumentError before any request, NotSignedIn,
        TransportError.
        """
        body = body_of([event_of(event, xdm, data)], query, one=True)
        call = _Call("interact", datastream_id, authenticated, request_id, headers=headers)
        client = self._client()
        if dry_run:
            return _shown(client, call, [body])
        outcome = _send(client, call, body)
        if outcome.problem is not None:
            raise outcome.problem
        return outcome.document if raw else _answer_frame(client, call, outcome)

    def collect(
        self,
        datastream_id: str,
        events: Events,
        *,
        query: Mapping[str, Any] | None = None,
        primary: str | None = None,
        authenticated: bool = True,
        silent: bool = False,
        request_id: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        dry_run: bool = False,
    ) -> pd.DataFrame:
        """Send events; one row per event says what became of it.

        ``events`` is a list of dicts, or a frame of one row per event: dotted columns are XDM members
        (``web.webPageDetails.name``), ``data.…`` go to data, ``identityMap.<namespace>`` hold ids (the first one with
        a value is primary, or the namespace named in ``primary``). Missing values are left out; times need a zone.

        Split below 64 KB a request and sent at once. A request that may have arrived is not sent again.

        Columns: event, request, status (``Int64``), request_id, outcome, code, advice (``string``). Raises EdgeError
        when every request was refused, ArgumentError before any request, NotSignedIn, TransportError when none
        arrived.
        """
        prepared = events_of(events, primary)
        parts = batches(prepared, query)
        call = _Call("collect", datastream_id, authenticated, request_id, silent=silent, headers=headers)
        client = self._client()
        bodies = [body_of([prepared[index] for index in part], query) for part in parts]
        if dry_run:
            return _shown(client, call, bodies)
        outcomes = in_parallel(lambda body: _send(client, call, body), bodies)
        _raise_if_nothing_went(outcomes)
        return _sent_frame(client, call, parts, outcomes)

    def visitor(self, datastream_id: str, *, authenticated: bool = True) -> "Visitor":
        """One person's calls: keeps identity and location hint from answer to call."""
        return Visitor(self._client, _Call("interact", datastream_id, authenticated).datastream_id, authenticated)

    def errors(self) -> pd.DataFrame:
        """All codes as a frame: code, status, title, kind, fatal, send_again, cause, fix."""
        return _codes_frame(EDGE_CODES.values())

    def explain(self, code: str) -> pd.DataFrame:
        """One code as a frame of one row. Raises ArgumentError for an unknown one."""
        wanted = str(code).strip().rpartition("/")[2].upper()
        if wanted not in EDGE_CODES:
            near = [each for each in EDGE_CODES if each[5:9] == wanted.replace("EXEG-", "")[:4]]
            hint = f"Did you mean {near[0]}?" if near else "edge.errors() lists them all."
            raise ArgumentError(f"{code!r} is not a code of the Edge Network. {hint}")
        return _codes_frame([EDGE_CODES[wanted]])

    def as_curl(
        self, endpoint: Endpoint, datastream_id: str, event: Mapping[str, Any], *, authenticated: bool = True
    ) -> str:
        """The request as a cURL command, with placeholders for the secrets. Sends nothing."""
        one = endpoint == "interact"
        body = json.dumps(json.loads(body_of([event_of(event, None, None)], None, one=one)), indent=2)
        call = _Call(endpoint, datastream_id, authenticated)
        lines = [f"curl -X POST '{call.url(self._client())}?{urlencode(call.params)}'"]
        if authenticated:
            lines += CURL_HEADERS
        quoted = body.replace("'", "'\\''")
        return " \\\n  ".join((*lines, '-H "Content-Type: application/json"', f"-d '{quoted}'"))


class Visitor:
    """One person: state and location hint go from each answer into the next call."""

    def __init__(
        self,
        client: Callable[[], EdgeClient],
        datastream_id: str,
        authenticated: bool,  # noqa: FBT001
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._datastream_id = datastream_id
        self._authenticated = authenticated
        self._now = now
        self._state: dict[str, str] = {}
        self._hint: tuple[str, float] | None = None

    def __repr__(self) -> str:
        return f"<Visitor of {self._datastream_id}: {len(self._state)} state entries, hint {self.hint or 'none'}>"

    @property
    def state(self) -> dict[str, str]:
        """The entries that the service asked us to keep."""
        return dict(self._state)

    @property
    def hint(self) -> str | None:
        """The location hint, while it is good."""
        return self._hint[0] if self._hint and self._now() < self._hint[1] else None

    def interact(
        self,
        event: Mapping[str, Any] | None = None,
        *,
        xdm: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """As ``edge.interact``, for this person."""
        body = body_of([event_of(event, xdm, data)], query, one=True, meta=self._meta())
        outcome = self._send("interact", body)
        if outcome.problem is not None:
            raise outcome.problem
        self._keep(outcome.document)
        return _answer_frame(self._client(), self._call("interact"), outcome)

    def collect(self, events: Events, *, primary: str | None = None) -> pd.DataFrame:
        """As ``edge.collect``, for this person; one request after the other."""
        prepared = events_of(events, primary)
        parts = batches(prepared, None, meta=self._meta())
        bodies = [body_of([prepared[index] for index in part], None, meta=self._meta()) for part in parts]
        outcomes = [self._send("collect", body) for body in bodies]
        _raise_if_nothing_went(outcomes)
        return _sent_frame(self._client(), self._call("collect"), parts, outcomes)

    def _call(self, endpoint: Endpoint) -> "_Call":
        return _Call(endpoint, self._datastream_id, self._authenticated, hint=self.hint)

    def _send(self, endpoint: Endpoint, body: bytes) -> _Outcome:
        call = self._call(endpoint)
        outcome = _send(self._client(), call, body)
        if call.hint and outcome.status == 404:
            # A hint that is refused was not acted on: forget it, and ask once more without.
            self._hint = None
            outcome = _send(self._client(), self._call(endpoint), body)
        return outcome

    def _meta(self) -> Document | None:
        if not self._state:
            return None
        return {"state": {"entries": [{"key": key, "value": value} for key, value in self._state.items()]}}

    def _keep(self, document: Document) -> None:
        for handle in _handles(document):
            for item in _payload(handle):
                if handle.get("type") == "state:store" and "key" in item:
                    self._state[str(item["key"])] = str(item.get("value", ""))
                elif handle.get("type") == "locationHint:result" and item.get("scope") == "EdgeNetwork":
                    self._hint = (str(item.get("hint")), self._now() + float(item.get("ttlSeconds", 0)))


@dataclass(frozen=True, slots=True)
class _Call:
    """Where a request goes. Checked when made."""

    endpoint: Endpoint
    datastream_id: str
    authenticated: bool
    request_id: str | None = None
    silent: bool = False
    hint: str | None = None
    headers: Mapping[str, str | None] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        text = self.datastream_id
        try:
            uuid.UUID(str(text).partition(":")[0])
        except ValueError:
            text = ""
        if not text or not isinstance(self.datastream_id, str):
            raise ArgumentError(
                f"{self.datastream_id!r} is not a datastream id. It looks like 8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d201 "
                "and stands on the datastream's page in Data Collection."
            )
        for name in self.headers or {}:
            if name not in AUTH_HEADERS:
                raise ArgumentError(f"headers= changes {', '.join(AUTH_HEADERS)} only, not {name!r}.")

    @property
    def params(self) -> tuple[tuple[str, str], ...]:
        found = [("datastreamId", self.datastream_id)]
        if self.request_id:
            found.append(("requestId", self.request_id))
        if self.silent:
            found.append(("silent", "true"))
        return tuple(found)

    def url(self, client: EdgeClient) -> str:
        base = client.server_url if self.authenticated else client.edge_url
        return f"{base}{self.path}"

    @property
    def path(self) -> str:
        return f"/ee/{self.hint}/v2/{self.endpoint}" if self.hint else f"/ee/v2/{self.endpoint}"


def _send(client: EdgeClient, call: _Call, body: bytes) -> _Outcome:
    """Send once; an outcome in every case, so that a batch can say what became of each part."""
    signing = _Signing(client.signer if call.authenticated else UNSIGNED, call.headers or {})
    request = Request("POST", call.url(client), params=call.params, headers=_JSON, body=body)
    problem: AdobeError | None = None
    answer: Response | None = None
    try:
        answer = client.transport.send(request, signing)
    except AdobeError as error:  # also of the signer: then this part was not sent, but others may have been
        problem = error
    if answer is None:
        return _Outcome(None, {}, problem, maybe=isinstance(problem, TransportError) and not problem.never_sent)
    document = _json(answer)
    if answer.status >= 400:
        return _Outcome(answer.status, document, _refusal(call, request, answer, document, signing.sent))
    return _Outcome(answer.status, document)


def _raise_if_nothing_went(outcomes: Sequence[_Outcome]) -> None:
    """The first error, when every part was refused or not sent; else each row says what became of it."""
    problems = [outcome.problem for outcome in outcomes]
    first = next((problem for problem in problems if problem is not None), None)
    if first is None or None in problems:
        return
    if len(problems) == 1 or not any(outcome.maybe for outcome in outcomes):
        raise first


def _json(answer: Response) -> Document:
    if "json" not in answer.content_type:
        return {}
    try:
        document = json.loads(answer.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _refusal(call: _Call, request: Request, answer: Response, document: Document, sent: Mapping[str, str]) -> ApiError:
    code = str(document.get("type", "")).rpartition("/")[2] or None
    row = EDGE_CODES.get(code or "")
    report = document.get("report") if isinstance(document.get("report"), dict) else {}
    about: dict[str, Any] = {
        "status": answer.status,
        "code": code,
        "errors": [document] if document else [],
        "request_id": str(report["requestId"]) if report and report.get("requestId") else None,
        "method": request.method,
        "url": request.full_url,
    }
    what = f"POST {call.path} was answered with {answer.status}"
    if row is None:
        advice = "The location hint is not known (any more)." if answer.status == 404 else _unknown(document)
        return EdgeError(f"{what} {code or ''}".rstrip() + f". {advice}", **about)
    said = str(document.get("detail") or document.get("title") or row.title).strip().rstrip(".")
    cause, fix, care = row.cause, row.fix, ""
    if row.kind == "authorization":
        care = _care(sent)
    if code == "EXEG-0500-401":
        cause, fix = _which_cause(call, sent) or (cause, fix)
    message = f"{what} {code}: {said}. {cause} {fix}{care}"
    return EdgeError(message, cause=cause, fix=fix, send_again=row.send_again, **about)


def _unknown(document: Document) -> str:
    if not document:
        return "The answer is not the Edge Network's: probably a proxy or a login page in between."
    return f"{document.get('detail') or document.get('title') or ''} Compare it with edge.errors()."


def _which_cause(call: _Call, sent: Mapping[str, str]) -> tuple[str, str] | None:
    """EXEG-0500-401 has several causes; which one it is, what was sent tells. Cause and fix, or None."""
    shape = sent.get("Authorization", "")
    missing = [name for name in AUTH_HEADERS if name not in sent]
    if not call.authenticated:
        return (
            "This datastream takes authenticated events only, and the event was sent without the headers.",
            "Leave out authenticated=False: then it goes to the server host, signed.",
        )
    if "Authorization" in missing:
        return "The Authorization header was not sent.", "Send it: the word Bearer, a blank, then the token."
    if shape == _NO_BEARER:
        return "The Authorization header lacks the word Bearer.", "Write Bearer and a blank before the token."
    if shape == _NOT_THREE_PARTS:
        return (
            "What follows Bearer is no token: those have three parts joined by dots.",
            "Copy the whole token again: Developer Console > Credentials > OAuth Server-to-Server.",
        )
    if missing:
        return f"The header {' and '.join(missing)} was not sent.", "Send all three headers."
    return None


def _care(sent: Mapping[str, str]) -> str:
    """What was sent, by name and shape, and what is missing. Never a value."""
    missing = [name for name in AUTH_HEADERS if name not in sent]
    shown = ", ".join(f"{name} ({shape})" for name, shape in sent.items()) or "none of the three headers"
    lacking = f" Missing: {', '.join(missing)}." if missing else ""
    return f" Sent: {shown}.{lacking}"


def _shape(value: str | bytes) -> str:
    text = value if isinstance(value, str) else value.decode("latin-1")
    if text.startswith("Bearer "):
        parts = text.removeprefix("Bearer ").count(".") + 1
        return "Bearer and a token" if parts == 3 else _NOT_THREE_PARTS
    return _NO_BEARER if text.count(".") == 2 else "a value"


def _handles(document: Document) -> list[Document]:
    found = document.get("handle")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _payload(handle: Document) -> list[Document]:
    found = handle.get("payload")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _problems(document: Document) -> list[tuple[str, Document]]:
    return [
        (kind, problem)
        for kind, member in (("error", "errors"), ("warning", "warnings"))
        for problem in document.get(member) or []
        if isinstance(problem, dict)
    ]


def _code_of(problem: Document) -> str:
    return str(problem.get("type", "")).rpartition("/")[2]


def _advice(code: str) -> str | None:
    row = EDGE_CODES.get(code)
    return f"{row.cause} {row.fix}" if row else None


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _answer_frame(client: EdgeClient, call: _Call, outcome: _Outcome) -> pd.DataFrame:
    request_id = outcome.request_id
    if request_id is None:
        raise IncompleteResult(f"POST {call.path} was answered without a request id. Is this really Adobe's address?")
    rows: list[dict[str, Any]] = []
    for handle in _handles(outcome.document):
        for item in _payload(handle):
            content = {name: value for name, value in item.items() if name != "scope"}
            rows.append({"type": handle.get("type"), "scope": item.get("scope"), "content": _compact(content)})
    for kind, problem in _problems(outcome.document):
        code = _code_of(problem)
        rows.append({"type": kind, "content": _compact(problem), "code": code, "advice": _advice(code)})
    return _frame([{"request_id": request_id, **row} for row in rows], _ANSWER, client, call)


def _sent_frame(
    client: EdgeClient, call: _Call, parts: Sequence[Sequence[int]], outcomes: Sequence[_Outcome]
) -> pd.DataFrame:
    rows = [
        {"event": index, "request": number, **_row_of(outcome)}
        for number, (part, outcome) in enumerate(zip(parts, outcomes, strict=True))
        for index in part
    ]
    return _frame(rows, _SENT, client, call)


def _row_of(outcome: _Outcome) -> dict[str, Any]:
    common = {"status": outcome.status, "request_id": outcome.request_id}
    if outcome.problem is not None:
        said = "may have arrived; not sent again" if outcome.maybe else "refused"
        if outcome.status is None and not outcome.maybe:
            said = "not sent"
        return {
            **common,
            "outcome": said,
            "code": getattr(outcome.problem, "code", None),
            "advice": str(outcome.problem),
        }
    problems = _problems(outcome.document)
    if not problems:
        return {**common, "outcome": "accepted"}
    kinds = {kind for kind, _ in problems}
    codes = [_code_of(problem) for _, problem in problems]
    said = "accepted, but a service behind failed" if "error" in kinds else "accepted with a warning"
    return {**common, "outcome": said, "code": " ".join(codes), "advice": _advice(codes[0])}


def _frame(rows: list[dict[str, Any]], dtypes: Mapping[str, str], client: EdgeClient, call: _Call) -> pd.DataFrame:
    frame = _typed(rows, dtypes)
    frame.attrs = {
        "service": client.service,
        "path": call.path,
        "organisation": client.org_id,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "total_count": len(rows),
    }
    return frame


def _typed(rows: list[dict[str, Any]], dtypes: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=dtype) for name, dtype in dtypes.items()}
    )


def _shown(client: EdgeClient, call: _Call, bodies: Sequence[bytes]) -> pd.DataFrame:
    """What would be sent: one row per request, values of the three headers left out."""
    names = ", ".join((*(AUTH_HEADERS if call.authenticated else ()), "Content-Type"))
    rows = [
        {
            "method": "POST",
            "url": f"{call.url(client)}?{urlencode(call.params)}",
            "headers": names,
            "body": body.decode(),
        }
        for body in bodies
    ]
    return _typed(rows, dict.fromkeys(("method", "url", "headers", "body"), "string"))


def _codes_frame(codes: Iterable[EdgeCode]) -> pd.DataFrame:
    rows = [
        {
            "code": row.code,
            "status": row.status,
            "title": row.title,
            "kind": row.kind,
            "fatal": row.fatal,
            "send_again": row.send_again,
            "cause": row.cause,
            "fix": row.fix,
        }
        for row in codes
    ]
    kinds = {"status": "Int64", "fatal": "boolean"}
    return _typed(rows, {name: kinds.get(name, "string") for name in rows[0]})
