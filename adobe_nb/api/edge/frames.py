"""Responses of the Edge Network as frames."""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter, itemgetter
from typing import Any

import pandas as pd

from adobe_nb.api.edge.client import Delivery, Document, EdgeClient
from adobe_nb.api.edge.diagnosis import as_list, code_of, json_of, text_of
from adobe_nb.api.edge.error_catalog import EdgeCode, edge_codes
from adobe_nb.api.edge.events import Batch
from adobe_nb.api.edge.target import Target
from adobe_nb.api.edge.validation import member_of
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
            item = item.copy()  # noqa: PLW2901
            scope = _text(item.pop("scope", None))
        rows.append({"type": _text(handle_type), "scope": scope, "content": json_of(item)})
    for level in ("error", "warning"):
        for problem in as_list(document.get(f"{level}s")):
            code = code_of(problem)
            rows.append(
                {
                    "type": level,
                    "content": json_of(problem),
                    "code": code or None,
                    "advice": _advice_on(code, problem),
                }
            )
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
        for event in delivery.batch.events:
            rows.append({"event": event, "request": number, **row})
    frame = _frame(rows, _DELIVERY, client, target)
    counts: dict[str, int] = dict(Counter(map(itemgetter("outcome"), rows)).most_common())
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
    errors = as_list(delivery.document.get("errors"))
    problems = errors + as_list(delivery.document.get("warnings"))
    if delivery.problem is not None:
        row["code"] = getattr(delivery.problem, "code", None)
        row["advice"] = text_of(str(delivery.problem))
        if delivery.may_have_arrived:
            row["outcome"] += "; not sent again"
    elif problems:
        codes = list(map(code_of, problems))
        row["code"] = " ".join(filter(None, codes)) or None
        row["advice"] = _advice_on(codes[0], problems[0])
        if errors:
            row["outcome"] += ", but a downstream service failed"
        else:
            row["outcome"] += " with a warning"
    return row


def dry_run_frame(client: EdgeClient, target: Target, batches: Sequence[Batch]) -> pd.DataFrame:
    """Return one row for each request that would be sent, with only the names of the headers."""
    columns = {
        "method": "POST",
        "url": f"{client.base_url(target)}{target.path_and_query}",
        "headers": ", ".join(target.header_names),
        "body": [batch.body.decode() for batch in batches],
    }
    frame = pd.DataFrame(columns, dtype="string")
    frame.attrs = {"service": client.service, "path": "dry run"}
    return frame


def codes_frame(codes: Iterable[EdgeCode]) -> pd.DataFrame:
    """Return one row for each error code."""
    frame = _typed(list(map(attrgetter(*_CODES), codes)), _CODES)
    frame.attrs = {"service": "Edge Network", "path": "error codes"}
    return frame


def handle_items(document: Document) -> Iterator[tuple[object, object]]:
    """Yield type and item of each payload item of a response.

    The type is usually text and the item a dict. Anything of another shape is an item as it is.
    """
    for handle in as_list(document.get("handle")):
        if not isinstance(handle, dict):
            yield None, handle
            continue
        others = handle.copy()
        handle_type = others.pop("type", None)
        payload = others.get("payload", others)
        if not isinstance(payload, list):
            payload = [payload]
        for item in payload:
            yield handle_type, item


def _advice_on(code: str, problem: object) -> str | None:
    """Return our advice on a code, and the service's own words where it gives a cause."""
    parts = []
    row = edge_codes().get(code)
    if row:
        parts = [row.cause, row.fix]
    message = member_of(problem, "report", "cause", "message")
    words = text_of(message or "").strip().rstrip(".")
    if words:
        parts.append(f'The service says: "{words}".')
    return " ".join(parts) or None


def _text(value: object) -> str | None:
    if value is None:
        return None
    return text_of(value)


def _frame(
    rows: Sequence[Row], dtypes: Mapping[str, str], client: EdgeClient, target: Target
) -> pd.DataFrame:
    frame = _typed(rows, dtypes)
    frame.attrs = {
        "service": client.service,
        "path": target.path,
        "organization": client.org_id,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "total_count": len(rows),
    }
    return frame


def _typed(rows: Sequence[Any], dtypes: Mapping[str, str]) -> pd.DataFrame:
    """Return a frame with the same columns and dtypes at any number of rows."""
    return pd.DataFrame(rows, columns=list(dtypes), dtype=object).astype(dtypes)
