"""Counts of resources and code, and of the delegates of extensions that are in use."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.code.snippets import count_lines, snippets_of
from adobe_nb.analysis.model import REQUIRED, Model, Resource
from adobe_nb.analysis.publishing.libraries import REVISABLE, unpublished
from adobe_nb.errors import ArgumentError

INVENTORY: Columns = {
    "property_id": "string",
    "what": "string",
    "total": "Int64",
    "enabled": "Int64",
    "disabled": "Int64",
    "unpublished": "Int64",
    "dirty": "Int64",
    "last_updated_at": "datetime64[us, UTC]",
}
DELEGATES: Columns = {
    "delegate_descriptor_id": "string",
    "extension_name": "string",
    "kind": "string",
    "name": "string",
    "used_by": "Int64",
    "rules": "Int64",
}
_SURROUNDINGS = ("libraries", "environments", "hosts", "callbacks", "secrets")
# The kind is a part of the delegate; a delegate without one has the kind of its table.
_KINDS = {
    "events": "event",
    "conditions": "condition",
    "actions": "action",
    "dataElements": "data_element",
    "extensionConfiguration": "configuration",
    "data_elements": "data_element",
    "extensions": "configuration",
}


def inventory(model: Model) -> pd.DataFrame:
    """Return how much there is of each kind of resource, and of code."""
    limits = []
    changed = None
    try:
        changed = set(unpublished(model)["id"])
    except ArgumentError:
        limits.append("What is unpublished is unknown without the libraries and their contents.")
    rows = []
    # Without a resource and without the table of properties, nothing names the property.
    for property_id in model.property_ids or [""]:
        counts: dict[str, Row] = {}
        for table in (*REQUIRED, *_SURROUNDINGS):
            if table in model.frames:
                counts[table] = _counts(model, property_id, table, changed)
            elif table in REQUIRED:
                counts[table] = {}
        counts |= _counts_of_code(model, property_id)
        for what, numbers in counts.items():
            rows.append({"property_id": property_id or None, "what": what, **numbers})
    return answer(model, INVENTORY, rows, limits=limits)


def delegates(model: Model) -> pd.DataFrame:
    """Return how often each event, condition, action and other delegate is used."""
    rule_ids: dict[tuple[Any, ...], list[str | None]] = defaultdict(list)
    for resource in (*model.rule_components, *model.data_elements, *model.extensions):
        kind = _KINDS.get(resource.kind) or _KINDS.get(resource.type)
        key = (resource.property_id, kind, resource.package, resource.delegate)
        rule_ids[key].append(resource.get("rule_id"))
    rows = []
    for (property_id, kind, package, delegate), ids in rule_ids.items():
        row = {
            "property_id": property_id,
            "delegate_descriptor_id": delegate or None,
            "extension_name": package or None,
            "kind": kind,
            "name": delegate.rpartition("::")[2] or None,
            "used_by": len(ids),
            "rules": len({*ids} - {None}) or None,
        }
        rows.append(row)
    return answer(model, DELEGATES, sorted(rows, key=_by_frequency))


def _by_frequency(row: Row) -> tuple[Any, ...]:
    kinds = (*_KINDS.values(), None)
    return kinds.index(row["kind"]), -row["used_by"], row["delegate_descriptor_id"] or ""


def _counts(
    model: Model, property_id: str, table: str, changed: Collection[str] | None
) -> dict[str, Any]:
    """Return the counts of a table that its frame shows, for one property."""
    rows = _rows(model, property_id, table)
    frame = pd.DataFrame(rows, columns=model.frames[table].columns, dtype="object")
    counts: dict[str, Any] = {"total": len(frame)}
    if "updated_at" in frame:
        counts["last_updated_at"] = _latest(frame["updated_at"])
    if changed is not None and table in REVISABLE:
        counts["unpublished"] = frame["id"].isin(changed).sum()
    # Components have no switch of their own.
    if "enabled" in frame and table != "rule_components":
        counts["disabled"] = frame["enabled"].eq(False).sum()
        counts["enabled"] = len(frame) - counts["disabled"]
    if "dirty" in frame:
        counts["dirty"] = frame["dirty"].eq(True).sum()
    return counts


def _rows(model: Model, property_id: str, table: str) -> list[Row]:
    if table in REQUIRED:
        resources: list[Resource] = getattr(model, table)
        return [resource.row for resource in resources if resource.property_id == property_id]
    owners: set[str | None] = {property_id}
    # A row that does not name its property belongs to the only one.
    if len(model.property_ids) <= 1:
        owners.add(None)
    return [row for row in model.rows(table) if row.get("property_id") in owners]


def _counts_of_code(model: Model, property_id: str) -> dict[str, Row]:
    snippets = [text for text in snippets_of(model) if text.resource.property_id == property_id]
    codes = [text.value for text in snippets]
    last = {"last_updated_at": _latest(text.resource.get("updated_at") for text in snippets)}
    return {
        "custom_code": {"total": len(codes), **last},
        "code_lines": {"total": sum(map(count_lines, codes)), **last},
        "code_characters": {"total": sum(map(len, codes)), **last},
    }


def _latest(times: Iterable[Any]) -> pd.Timestamp:
    series = pd.Series(list(times), dtype="object")
    return pd.to_datetime(series, utc=True, format="ISO8601", errors="coerce").max()
