"""Counts of resources and code, and of the delegates of extensions that are in use."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import Columns, answer
from adobe_nb.analysis.custom_code import count_lines, snippets_of
from adobe_nb.analysis.model import REQUIRED, Model, Resource, once_per_model
from adobe_nb.analysis.publishing import REVISABLE, unpublished
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
_KINDS = {
    "events": "event",
    "conditions": "condition",
    "actions": "action",
    "dataElements": "data_element",
    "extensionConfiguration": "configuration",
}
_KINDS_BY_TABLE = {"data_elements": "data_element", "extensions": "configuration"}
Row = Mapping[str, Any]


def inventory(model: Model) -> pd.DataFrame:
    """Return how much there is of each kind of resource, and of code."""
    rows: list[dict[str, Any]] = []
    # Without a resource and without the table of properties, nothing names the property.
    for property_id in model.property_ids or [""]:
        rows += _counts_of(model, property_id)
    return answer(model, INVENTORY, rows, limits=_limits(model))


def delegates(model: Model) -> pd.DataFrame:
    """Return how often each event, condition, action and other delegate is used."""
    uses: dict[tuple[str, str, str, str], list[Resource]] = {}
    for resource in model.resources:
        if resource.type != "rules":
            kind = _KINDS.get(resource.kind) or _KINDS_BY_TABLE.get(resource.type, "")
            key = (resource.property_id, kind, resource.package, resource.delegate)
            uses.setdefault(key, []).append(resource)
    rows = []
    for (property_id, kind, package, delegate), resources in uses.items():
        row = {
            "property_id": property_id,
            "delegate_descriptor_id": delegate or None,
            "extension_name": package or None,
            "kind": kind or None,
            "name": delegate.rpartition("::")[2] or None,
            "used_by": len(resources),
            "rules": None,
        }
        if resources[0].type == "rule_components":
            row["rules"] = len({resource.row["rule_id"] for resource in resources})
        rows.append(row)
    rows.sort(key=_by_frequency)
    return answer(model, DELEGATES, rows)


def _by_frequency(row: Row) -> tuple[Any, ...]:
    kinds = [*_KINDS.values(), None]
    return (kinds.index(row["kind"]), -row["used_by"], row["delegate_descriptor_id"] or "")


def _counts_of(model: Model, property_id: str) -> Iterator[dict[str, Any]]:
    counts = _unpublished(model)
    for table in REQUIRED:
        resources: list[Resource] = getattr(model, table)
        rows = [resource.row for resource in resources if resource.property_id == property_id]
        count = None
        if counts is not None and table in REVISABLE:
            count = counts[property_id, table]
        yield _row(model, property_id, table, rows, unpublished=count)
    for table in _SURROUNDINGS:
        if table in model.frames:
            rows = [row for row in model.rows(table) if _is_of(model, row, property_id)]
            yield _row(model, property_id, table, rows)
    snippets = [text for text in snippets_of(model) if text.resource.property_id == property_id]
    last_updated_at = _latest(text.resource.row for text in snippets)
    totals = {
        "custom_code": len(snippets),
        "code_lines": sum(count_lines(text.value) for text in snippets),
        "code_characters": sum(len(text.value) for text in snippets),
    }
    for what, total in totals.items():
        yield {
            "property_id": property_id or None,
            "what": what,
            "total": total,
            "last_updated_at": last_updated_at,
        }


def _row(
    model: Model,
    property_id: str,
    table: str,
    rows: Sequence[Row],
    *,
    unpublished: int | None = None,
) -> dict[str, Any]:
    row: dict[str, Any] = {"property_id": property_id or None, "what": table}
    if table not in model.frames:
        return row
    columns = model.frames[table].columns
    row.update(total=len(rows), unpublished=unpublished, last_updated_at=_latest(rows))
    if "enabled" in columns and table != "rule_components":
        row["disabled"] = sum(row.get("enabled") is False for row in rows)
        row["enabled"] = len(rows) - row["disabled"]
    if "dirty" in columns:
        row["dirty"] = sum(row.get("dirty") is True for row in rows)
    return row


def _is_of(model: Model, row: Row, property_id: str) -> bool:
    of = row.get("property_id")
    if of is None:
        return len(model.property_ids) <= 1
    return bool(of == property_id)


def _latest(rows: Iterable[Row]) -> pd.Timestamp | None:
    times = [row["updated_at"] for row in rows if row.get("updated_at") is not None]
    if not times:
        return None
    return pd.to_datetime(pd.Series(times), utc=True, format="ISO8601", errors="coerce").max()


@once_per_model
def _unpublished(model: Model) -> Counter[tuple[str, str]] | None:
    """Count the heads that differ from what is published, by property and type.

    None when a table is missing that ``unpublished`` requires.
    """
    try:
        rows = unpublished(model)
    except ArgumentError:
        return None
    heads = {resource.id: resource for resource in model.resources}
    counts: Counter[tuple[str, str]] = Counter()
    for head_id in rows["id"]:
        # Deleted heads are not in the inventory.
        if head_id in heads:
            counts[heads[head_id].property_id, heads[head_id].type] += 1
    return counts


def _limits(model: Model) -> Iterator[str]:
    if _unpublished(model) is None:
        yield "What is unpublished is unknown without the libraries and their contents."
