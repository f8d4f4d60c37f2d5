"""Build the frames that questions return: fixed columns and dtypes, also without rows."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from adobe_nb.analysis.masks import mask_of
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
"""The resource that holds a finding: the same columns in every answer, so that answers can be joined."""
PLACE: Columns = {
    "path": "string",
    "line": "Int64",
    "verdict": "string",
    "evidence": "string",
}
_EVIDENCE_LENGTH = 200
# Words from lists of ours, what people wrote into a report, and the exported code itself. All other
# texts come from the property, and can quote what is in it.
_NOT_QUOTED = {
    "type", "source_type", "target_type", "from_type", "to_type", "kind", "rule", "severity",
    "verdict", "access", "family", "language", "stage", "state", "change", "action", "what",
    "delegate_descriptor_id", "hash", "fingerprint", "note", "notes", "code",
}  # fmt: skip
_ID = re.compile(r"(?:.*_)?id(?:_[ab])?|same_as")


def source_of(resource: Resource) -> dict[str, Any]:
    """Return the source columns of a resource, with its property."""
    rule = resource.rule
    return {
        "property_id": resource.property_id,
        "source_type": resource.type,
        "source_id": resource.id,
        "source_name": resource.name,
        "rule_id": rule and rule.id,
        "rule_name": rule and rule.name,
    }


def excerpt(text: str, start: int, stop: int) -> str:
    """Return the line of a match, without blanks around it, at most 200 characters.

    A minified script is one long line: the excerpt starts shortly before the match.
    """
    # No farther than needed: the line of minified code can be the whole of it.
    before = text[max(0, start - _EVIDENCE_LENGTH) : start].rpartition("\n")[2]
    after = text[stop : stop + _EVIDENCE_LENGTH].partition("\n")[0]
    if len(before) + stop - start + len(after) > _EVIDENCE_LENGTH:
        # What stands before a match usually says what it is: ``s.eVar5 = …``.
        before = before[-_EVIDENCE_LENGTH // 4 :]
    return (before + text[start:stop] + after).strip()[:_EVIDENCE_LENGTH]


def answer(
    model: Model,
    columns: Columns,
    rows: Iterable[Row],
    *,
    sort: Sequence[str] = (),
    limits: Iterable[str] = (),
    also: Sequence[Model] = (),
) -> pd.DataFrame:
    """Return the rows as a frame with these columns, sorted, and with masks in place of secrets.

    ``property_id`` and ``property_name`` are the first columns when the model has several
    properties, and the first to sort by is ``property_id`` unless ``sort`` names it. ``limits`` are
    added to those of the model. ``also`` are further models that the rows quote.
    """
    has_several_properties = len(model.property_ids) > 1
    if has_several_properties:
        columns = {"property_id": "string", "property_name": "string", **columns}
        if "property_id" not in sort:
            sort = ["property_id", *sort]
    frame = pd.DataFrame(list(rows), columns=list(columns), dtype="object")
    if has_several_properties:
        frame["property_name"] = frame["property_id"].map(_property_names(model, *also))
    for name, dtype in columns.items():
        column = frame[name]
        if dtype == "string":
            column = column.map(_valid, na_action="ignore")
        if dtype.startswith("datetime"):
            column = pd.to_datetime(column, utc=True)
        frame[name] = column.astype(dtype)
    frame = frame.sort_values(list(sort), kind="stable", ignore_index=True)
    # After sorting, so that the order is the same when secrets are shown.
    for name, dtype in columns.items():
        if dtype == "string" and name not in _NOT_QUOTED and not _ID.fullmatch(name):
            frame[name] = quoted(frame[name], model, *also)
    sentences = list(dict.fromkeys([*model.limits, *limits]))
    frame.attrs["limits"] = quoted(pd.Series(sentences, dtype="string"), model, *also).tolist()
    frame.attrs["as_of"] = model.as_of
    return frame


def _property_names(*models: Model) -> dict[str, str]:
    """Return the names of the properties whose rows are known, by id."""
    names = {}
    for model in models:
        for row in model.rows("properties"):
            if row.get("name"):
                names[row["id"]] = row["name"]
    return names


def quoted(texts: "pd.Series[Any]", *models: Model) -> "pd.Series[Any]":
    """Return a column of texts as an answer about these models may show it.

    What looks like a secret has a mask in its place, and the user's own function has seen the rest.
    """
    functions: list[Callable[[str], str]] = []
    for model in models:
        if not model.show_secrets:
            functions.append(mask_of(model))
    for model in models:
        if model.redact is not None and model.redact not in functions:
            functions.append(model.redact)
    texts_by_original = {}
    for original in texts.dropna().unique():
        text = original
        for function in functions:
            text = function(text)
        texts_by_original[original] = text
    return texts.map(texts_by_original, na_action="ignore").astype("string")


def encoded(text: object) -> bytes:
    """Return a text as UTF-8, with an escape for each lone surrogate, which UTF-8 cannot hold."""
    return str(text).encode("utf-8", "backslashreplace")


def _valid(text: object) -> str:
    # Arrow holds valid Unicode only. Most texts are ASCII, and answers are long.
    if isinstance(text, str) and text.isascii():
        return text
    return encoded(text).decode()
