"""Answers of the Edge Network as frames."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from adobe_nb.api.edge.client import Call, Document, EdgeClient, Outcome
from adobe_nb.api.edge.diagnosis import code_of, json_of, listed, text_of
from adobe_nb.api.edge.error_catalog import EDGE_CODES, EdgeCode
from adobe_nb.errors import DeliveryWarning

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
    """One row per payload item, error and warning, whatever their shape."""
    request_id = text_of(outcome.request_id)
    rows: list[dict[str, Any]] = []
    for handle_type, item in handle_items(outcome.document):
        scope, content = None, item
        if isinstance(item, dict):
            scope = item.get("scope")
            content = {name: value for name, value in item.items() if name != "scope"}
        rows.append(
            {"type": _text(handle_type), "scope": _text(scope), "content": json_of(content)}
        )
    for kind, problem in _problems(outcome.document):
        code = code_of(problem) or None
        rows.append(
            {
                "type": kind,
                "content": json_of(problem),
                "code": code,
                "advice": _advice(code, problem),
            }
        )
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
    counts = {
        str(outcome): int(count) for outcome, count in frame["outcome"].value_counts().items()
    }
    frame.attrs["outcomes"] = counts
    if lost := {
        outcome: count for outcome, count in counts.items() if not outcome.startswith("accepted")
    }:
        told = "; ".join(f"{count} {outcome}" for outcome, count in lost.items())
        warnings.warn(
            f"Of {len(rows)} events: {told}. The rows tell which, and why.",
            DeliveryWarning,
            stacklevel=3,
        )
    return frame


def shown_frame(client: EdgeClient, call: Call, bodies: Sequence[bytes]) -> pd.DataFrame:
    """What would be sent: one row per request, values of the headers left out."""
    names = ", ".join(call.header_names)
    rows = [
        {"method": "POST", "url": call.full_url(client), "headers": names, "body": body.decode()}
        for body in bodies
    ]
    return _typed(rows, dict.fromkeys(("method", "url", "headers", "body"), "string"))


def codes_frame(codes: Iterable[EdgeCode]) -> pd.DataFrame:
    """One row per code."""
    rows = [
        {
            "code": row.code,
            "status": row.status,
            "title": row.title,
            "message": row.message or row.title,
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


def handle_items(document: Document) -> Iterator[tuple[object, object]]:
    """Type and item of everything that an answer hands back, one per payload item.

    The type is usually text and the item a dict; what has another shape is an item as it is.
    """
    for handle in listed(document.get("handle")):
        if not isinstance(handle, dict):
            yield None, handle
        elif "payload" not in handle:
            yield (
                handle.get("type"),
                {name: value for name, value in handle.items() if name != "type"},
            )
        elif isinstance(handle["payload"], list):
            yield from ((handle.get("type"), item) for item in handle["payload"])
        else:
            yield handle.get("type"), handle["payload"]


def _problems(document: Document) -> list[tuple[str, object]]:
    errors = [("error", problem) for problem in listed(document.get("errors"))]
    return errors + [("warning", problem) for problem in listed(document.get("warnings"))]


def _advice(code: str | None, problem: object) -> str | None:
    """Our words on the code, and the service's own where it gives a cause."""
    row = EDGE_CODES.get(code or "")
    report = problem.get("report") if isinstance(problem, dict) else None
    cause = report.get("cause") if isinstance(report, dict) else None
    said = (
        text_of(cause.get("message") or "").strip().rstrip(".") if isinstance(cause, dict) else ""
    )
    told = [f"{row.cause} {row.fix}"] if row else []
    return " ".join([*told, *([f'The service says: "{said}".'] if said else [])]) or None


def _text(value: object) -> str | None:
    return None if value is None else text_of(value)


def _row_of(outcome: Outcome) -> dict[str, Any]:
    common = {"status": outcome.status, "request_id": _text(outcome.request_id)}
    if outcome.problem is not None:
        said = "may have arrived; not sent again" if outcome.maybe else "refused"
        if outcome.status is None and not outcome.maybe:
            said = "not sent"
        return {
            **common,
            "outcome": said,
            "code": getattr(outcome.problem, "code", None),
            "advice": text_of(str(outcome.problem)),
        }
    problems = _problems(outcome.document)
    if not problems:
        return {**common, "outcome": "accepted"}
    kinds = {kind for kind, _ in problems}
    codes = [code_of(problem) for _, problem in problems]
    said = (
        "accepted, but a service behind failed" if "error" in kinds else "accepted with a warning"
    )
    return {
        **common,
        "outcome": said,
        "code": " ".join(filter(None, codes)) or None,
        "advice": _advice(codes[0], problems[0][1]),
    }


def _frame(
    rows: list[dict[str, Any]], dtypes: Mapping[str, str], client: EdgeClient, call: Call
) -> pd.DataFrame:
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
        {
            name: pd.Series([row.get(name) for row in rows], dtype=dtype)
            for name, dtype in dtypes.items()
        }
    )
