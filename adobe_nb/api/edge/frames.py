"""Responses of the Edge Network as frames."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from adobe_nb.api.edge.client import Delivery, Document, EdgeClient
from adobe_nb.api.edge.diagnosis import as_list, code_of, json_of, text_of
from adobe_nb.api.edge.error_catalog import EdgeCode, edge_codes
from adobe_nb.api.edge.events import Batch
from adobe_nb.api.edge.target import Target
from adobe_nb.api.edge.validation import JsonObject
from adobe_nb.errors import DeliveryWarning

_RESPONSE = {
    "request_id": "string",
    "type": "string",
    "scope": "string",
    "content": "string",
    "code": "string",
    "advice": "string",
}
_DELIVERY = {
    "event": "Int64",
    "request": "Int64",
    "request_id": "string",
    "status": "Int64",
    "outcome": "string",
    "code": "string",
    "advice": "string",
}
_DRY_RUN = {"method": "string", "url": "string", "headers": "string", "body": "string"}
_CODES = {
    "code": "string",
    "status": "Int64",
    "title": "string",
    "message": "string",
    "kind": "string",
    "fatal": "boolean",
    "send_again": "string",
    "cause": "string",
    "fix": "string",
}
Row = dict[str, Any]


def response_frame(client: EdgeClient, target: Target, document: Document) -> pd.DataFrame:
    """Return one row for each payload item, error and warning."""
    rows: list[Row] = []
    for handle_type, item in handle_items(document):
        scope = None
        if isinstance(item, dict):
            scope = _text(item.get("scope"))
            item = _without(item, "scope")  # noqa: PLW2901
        rows.append({"type": _text(handle_type), "scope": scope, "content": json_of(item)})
    for level, problem in _errors_and_warnings(document):
        code = code_of(problem) or None
        advice = _advice_on(code, problem)
        rows.append({"type": level, "content": json_of(problem), "code": code, "advice": advice})
    for row in rows:
        row["request_id"] = _text(document["requestId"])
    return _frame(rows, _RESPONSE, client, target)


def delivery_frame(
    client: EdgeClient, target: Target, deliveries: Sequence[Delivery]
) -> pd.DataFrame:
    """Return one row for each event, with the outcome of its request. Warn of events at risk."""
    rows: list[Row] = []
    for number, delivery in enumerate(deliveries):
        row = _delivery_row(delivery)
        rows += [{"event": event, "request": number, **row} for event in delivery.batch.events]
    frame = _frame(rows, _DELIVERY, client, target)
    counts = {str(name): int(count) for name, count in frame["outcome"].value_counts().items()}
    frame.attrs["outcomes"] = counts
    lost = [f"{count} {name}" for name, count in counts.items() if not name.startswith("accepted")]
    if lost:
        # The warning points at the call of collect().
        warnings.warn(
            f"Of {len(rows)} events: {'; '.join(lost)}. The rows of the frame say which, and why.",
            DeliveryWarning,
            stacklevel=3,
        )
    return frame


def _delivery_row(delivery: Delivery) -> Row:
    row: Row = {
        "status": delivery.status,
        "request_id": _text(delivery.request_id),
        "outcome": delivery.summary,
    }
    problems = _errors_and_warnings(delivery.document)
    if delivery.problem is not None:
        row["code"] = getattr(delivery.problem, "code", None)
        row["advice"] = text_of(str(delivery.problem))
        if delivery.may_have_arrived:
            row["outcome"] += "; not sent again"
    elif problems:
        level, problem = problems[0]
        codes = [code_of(item) for _, item in problems]
        row["code"] = " ".join(filter(None, codes)) or None
        row["advice"] = _advice_on(codes[0], problem)
        # Errors come before warnings.
        failed = level == "error"
        row["outcome"] += ", but a service behind failed" if failed else " with a warning"
    return row


def dry_run_frame(client: EdgeClient, target: Target, batches: Sequence[Batch]) -> pd.DataFrame:
    """Return one row for each request that would be sent, with only the names of the headers."""
    common = {
        "method": "POST",
        "url": f"{client.base_url(target)}{target.path_and_query}",
        "headers": ", ".join(target.header_names),
    }
    return _typed([{**common, "body": batch.body.decode()} for batch in batches], _DRY_RUN)


def codes_frame(codes: Iterable[EdgeCode]) -> pd.DataFrame:
    """Return one row for each error code."""
    rows = []
    for code in codes:
        rows.append({name: getattr(code, name) for name in _CODES})
    frame = _typed(rows, _CODES)
    frame.attrs = {"service": "Edge Network", "path": "error codes"}
    return frame


def handle_items(document: Document) -> Iterator[tuple[object, object]]:
    """Yield type and item of each payload item of a response.

    The type is usually text and the item a dict. Anything of another shape is an item as it is.
    """
    for handle in as_list(document.get("handle")):
        if not isinstance(handle, dict):
            yield None, handle
        elif "payload" not in handle:
            yield handle.get("type"), _without(handle, "type")
        elif isinstance(handle["payload"], list):
            for item in handle["payload"]:
                yield handle.get("type"), item
        else:
            yield handle.get("type"), handle["payload"]


def _without(item: JsonObject, member: str) -> Row:
    return {name: value for name, value in item.items() if name != member}


def _errors_and_warnings(document: Document) -> list[tuple[str, object]]:
    """Return the errors, then the warnings of a response, with their level."""
    errors = [("error", problem) for problem in as_list(document.get("errors"))]
    return errors + [("warning", problem) for problem in as_list(document.get("warnings"))]


def _advice_on(code: str | None, problem: object) -> str | None:
    """Return our advice on a code, and the service's own words where it gives a cause."""
    parts = []
    row = edge_codes().get(code or "")
    if row:
        parts = [row.cause, row.fix]
    message = _member(_member(_member(problem, "report"), "cause"), "message")
    words = text_of(message or "").strip().rstrip(".")
    if words:
        parts.append(f'The service says: "{words}".')
    return " ".join(parts) or None


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: object) -> str | None:
    return None if value is None else text_of(value)


def _frame(
    rows: Sequence[Row], dtypes: Mapping[str, str], client: EdgeClient, target: Target
) -> pd.DataFrame:
    frame = _typed(rows, dtypes)
    frame.attrs = {
        "service": client.service,
        "path": target.path,
        "organisation": client.org_id,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "total_count": len(rows),
    }
    return frame


def _typed(rows: Sequence[Row], dtypes: Mapping[str, str]) -> pd.DataFrame:
    """Return a frame with the same columns and dtypes at any number of rows."""
    columns = {}
    for name, dtype in dtypes.items():
        columns[name] = pd.Series([row.get(name) for row in rows], dtype=dtype)
    return pd.DataFrame(columns)
