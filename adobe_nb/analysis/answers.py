"""Build the frames that questions return: fixed columns and dtypes, also without rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from adobe_nb.analysis.model import Model, Resource

Dtype = Literal["string", "boolean", "Int64", "Float64", "datetime64[us, UTC]"]
Columns = Mapping[str, Dtype]
Row = Mapping[str, Any]

SOURCE: Columns = {
    "source_type": "string",
    "source_id": "string",
    "source_name": "string",
    "rule_id": "string",
    "rule_name": "string",
}
"""Where something was found: the same five columns in every answer, so that answers can be joined."""
PLACE: Columns = {
    "path": "string",
    "line": "Int64",
    "verdict": "string",
    "evidence": "string",
}
_EVIDENCE_LENGTH = 200
_REDACTED = ("evidence", "match")


def source_of(resource: Resource) -> dict[str, Any]:
    """Return the source columns of a resource, with its property."""
    row = {
        "property_id": resource.property_id,
        "source_type": resource.type,
        "source_id": resource.id,
        "source_name": resource.name,
        "rule_id": None,
        "rule_name": None,
    }
    if resource.rule is not None:
        row.update(rule_id=resource.rule.id, rule_name=resource.rule.name)
    return row


def excerpt(text: str, start: int = 0, stop: int | None = None) -> str:
    """Return the line of a text around a place, without blanks around it, at most 200 characters.

    A minified script is one long line: the excerpt starts shortly before the place.
    """
    if stop is None:
        stop = start
    # No farther than needed: the line of minified code can be the whole of it.
    first = max(0, start - _EVIDENCE_LENGTH)
    last = min(len(text), stop + _EVIDENCE_LENGTH)
    line_start = text.rfind("\n", first, start) + 1 or first
    line_stop = text.find("\n", stop, last)
    if line_stop < 0:
        line_stop = last
    if line_stop - line_start > _EVIDENCE_LENGTH:
        # What stands before a place usually says what it is: ``s.eVar5 = …``.
        line_start = max(line_start, start - _EVIDENCE_LENGTH // 4)
    return text[line_start:line_stop].strip()[:_EVIDENCE_LENGTH]


def answer(
    model: Model,
    columns: Columns,
    rows: Iterable[Row],
    *,
    sort: Sequence[str] = (),
    limits: Iterable[str] = (),
) -> pd.DataFrame:
    """Return the rows as a frame with these columns, sorted.

    ``property_id`` is the first column when the model has several properties, and the first to sort
    by unless ``sort`` names it. ``limits`` are added to those of the model.
    """
    dtypes: dict[str, str] = dict(columns)
    if len(model.property_ids) > 1:
        dtypes = {"property_id": "string", **dtypes}
        if "property_id" not in sort:
            sort = ["property_id", *sort]
    rows = list(rows)
    frame = pd.DataFrame()
    for name, dtype in dtypes.items():
        values = [row.get(name) for row in rows]
        if name in _REDACTED and model.redact:
            values = [value and model.redact(value) for value in values]
        frame[name] = _series(values, dtype)
    if sort and len(frame) > 1:
        frame = frame.sort_values(list(sort), kind="stable", na_position="last")
        frame = frame.reset_index(drop=True)
    frame.attrs["limits"] = list(dict.fromkeys([*model.limits, *limits]))
    frame.attrs["as_of"] = model.as_of
    return frame


def _series(values: Sequence[Any], dtype: str) -> "pd.Series[Any]":
    if dtype == "string":
        values = [_valid(value) for value in values]
    series: pd.Series[Any] = pd.Series(values, dtype="object")
    if dtype.startswith("datetime"):
        series = pd.to_datetime(series, utc=True)
    return series.astype(dtype)  # type: ignore[call-overload,no-any-return]


def _valid(value: Any) -> Any:
    """Return a text with an escape for each lone surrogate: Arrow holds valid Unicode only."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode()
    return value
