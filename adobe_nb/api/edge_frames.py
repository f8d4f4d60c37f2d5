"""Answers of the Edge Network as frames."""

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from adobe_nb.api.edge_calls import Call, Document, EdgeClient, Outcome
from adobe_nb.api.edge_errors import EDGE_CODES, EdgeCode
from adobe_nb.api.edge_refusals import AUTH_HEADERS
from adobe_nb.errors import DeliveryWarning, IncompleteResult

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


def answer_frame(client: EdgeClient, call: Call, outcome: Outcome) -> pd.DataFrame:
    """One row per payload item, error and warning. Raises IncompleteResult for an answer without a request id."""
    request_id = outcome.request_id
    if request_id is None:
        raise IncompleteResult(f"POST {call.path} was answered without a request id. Is this really Adobe's address?")
    rows: list[dict[str, Any]] = []
    for handle in handles(outcome.document):
        for item in payload(handle):
            content = {name: value for name, value in item.items() if name != "scope"}
            rows.append({"type": handle.get("type"), "scope": item.get("scope"), "content": _compact(content)})
    for kind, problem in _problems(outcome.document):
        code = _code_of(problem)
        rows.append({"type": kind, "content": _compact(problem), "code": code, "advice": _advice(code, problem)})
    return _frame([{"request_id": request_id, **row} for row in rows], _ANSWER, client, call)


def sent_frame(
    client: EdgeClient, call: Call, parts: Sequence[Sequence[int]], outcomes: Sequence[Outcome]
) -> pd.DataFrame:
    """One row per event, with what became of its request."""
    rows = [
        {"event": index, "request": number, **_row_of(outcome)}
        for number, (part, outcome) in enumerate(zip(parts, outcomes, strict=True))
        for index in part
    ]
    frame = _frame(rows, _SENT, client, call)
    counts = {str(outcome): int(count) for outcome, count in frame["outcome"].value_counts().items()}
    frame.attrs["outcomes"] = counts
    if lost := {outcome: count for outcome, count in counts.items() if not outcome.startswith("accepted")}:
        told = "; ".join(f"{count} {outcome}" for outcome, count in lost.items())
        warnings.warn(f"Of {len(rows)} events: {told}. The rows tell which, and why.", DeliveryWarning, stacklevel=3)
    return frame


def shown_frame(client: EdgeClient, call: Call, bodies: Sequence[bytes]) -> pd.DataFrame:
    """What would be sent: one row per request, values of the three headers left out."""
    names = ", ".join((*(AUTH_HEADERS if call.authenticated else ()), "Content-Type"))
    rows = [
        {"method": "POST", "url": call.full_url(client), "headers": names, "body": body.decode()} for body in bodies
    ]
    return _typed(rows, dict.fromkeys(("method", "url", "headers", "body"), "string"))


def codes_frame(codes: Iterable[EdgeCode]) -> pd.DataFrame:
    """One row per code."""
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
    frame = _typed(rows, {name: kinds.get(name, "string") for name in rows[0]})
    frame.attrs = {"service": "Edge Network", "path": "error codes"}
    return frame


def handles(document: Document) -> list[Document]:
    """The handles of an answer, whatever else is in it."""
    found = document.get("handle")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def payload(handle: Document) -> list[Document]:
    """The items of one handle."""
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


def _advice(code: str, problem: Document) -> str | None:
    """Our words on the code, and the service's own where it gives a cause."""
    row = EDGE_CODES.get(code)
    report = problem.get("report")
    cause = report.get("cause") if isinstance(report, dict) else None
    said = str(cause.get("message") or "").strip().rstrip(".") if isinstance(cause, dict) else ""
    told = [f"{row.cause} {row.fix}"] if row else []
    return " ".join([*told, *([f'The service says: "{said}".'] if said else [])]) or None


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _row_of(outcome: Outcome) -> dict[str, Any]:
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
    return {**common, "outcome": said, "code": " ".join(codes), "advice": _advice(codes[0], problems[0][1])}


def _frame(rows: list[dict[str, Any]], dtypes: Mapping[str, str], client: EdgeClient, call: Call) -> pd.DataFrame:
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
