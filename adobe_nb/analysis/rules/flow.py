"""Rules as they run: their events, conditions and actions in order."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.lookup import Target, find_rules, name_or_id
from adobe_nb.analysis.model import Model, Resource, once_per_model
from adobe_nb.analysis.rules.direct_calls import CALLS
from adobe_nb.analysis.rules.words import in_words
from adobe_nb.analysis.uses.references import find_references
from adobe_nb.analysis.words import switch

COLUMNS: Columns = {
    "rule_id": "string",
    "rule_name": "string",
    "rule_enabled": "boolean",
    "step": "Int64",
    "kind": "string",
    "logic": "string",
    "component_id": "string",
    "component_name": "string",
    "delegate_descriptor_id": "string",
    "order": "Int64",
    "rule_order": "Float64",
    "timeout": "Int64",
    "delay_next": "boolean",
    "settings_summary": "string",
    "refers_to": "string",
    "tie": "boolean",
}
_KINDS = {"events": "event", "conditions": "condition", "actions": "action"}
_LOGIC = {"event": "OR", "condition": "AND", "action": "then"}
_SORT = ("rule_name", "rule_id", "step")
_READS = ("token", "edge-token", "getVar", "name-setting", "id-setting", "stored-value")
_NO_EVENT = "No event: the rule never fires."
# The summary of a step that a rule lacks.
_LACKS = {"event": _NO_EVENT, "action": "No action: the rule does nothing."}
# What the service fills in for null.
_DEFAULT_POSITION = {"order": 0.0, "rule_order": 50.0}


def rule_flow(model: Model, rule: Target | None = None) -> pd.DataFrame:
    """Return the components of rules in the order in which they run."""
    model.require("rule_flow", "rules", "rule_components")
    rules = {rule.id: rule for rule in model.rules}
    components: dict[str, list[Resource]] = defaultdict(list)
    for component in model.rule_components:
        components[component.get("rule_id") or ""].append(component)
    # Components whose rule is missing may well run.
    rule_ids = [*rules, *components]
    if rule is not None:
        rule_ids = list(map(attrgetter("id"), find_rules(model, name_or_id(rule))))
    rows: list[Row] = []
    for rule_id in dict.fromkeys(rule_ids):
        columns: Row = {"rule_id": rule_id}
        if rule_id in rules:
            columns = _rule_columns(rules[rule_id])
        steps = _steps(model, rules.get(rule_id), components[rule_id])
        for number, step in enumerate(steps, start=1):
            rows.append({**step, **columns, "step": number})
    return answer(model, COLUMNS, rows, sort=_SORT, limits=_limits(model, rows))


def position(component: Resource, column: str) -> float:
    """Return the ``order`` or ``rule_order`` of a component; the service's default for null."""
    value = _number(component.get(column))
    if value is None:
        return _DEFAULT_POSITION[column]
    return value


def _number(value: Any) -> float | None:
    number = pd.to_numeric(value, errors="coerce")
    if value is None or pd.isna(number):
        return None
    return float(number)


def _whole_number(value: Any) -> float | None:
    number = _number(value)
    if number is None or not number.is_integer():
        return None
    return number


def _rule_columns(rule: Resource) -> Row:
    return {
        "rule_id": rule.id,
        "rule_name": rule.name,
        "rule_enabled": rule.enabled,
        "property_id": rule.property_id,
    }


def _steps(model: Model, rule: Resource | None, components: Sequence[Resource]) -> Iterator[Row]:
    """Yield the rows of a rule: its events, conditions and actions, and what it lacks."""
    by_kind: dict[str | None, list[Resource]] = defaultdict(list)
    for component in sorted(components, key=_running_order):
        by_kind[_KINDS.get(component.kind)].append(component)
    lacks = dict(_LACKS)
    # Rules of event forwarding have no events.
    if any(map(model.is_edge, [rule] if rule else components)):
        del lacks["event"]
    # Without a delegate, what a component does is not known.
    for kind in (*_LOGIC, None):
        if kind in lacks and not by_kind[kind]:
            summary = lacks[kind]
            yield {"kind": kind, "logic": _LOGIC[kind], "settings_summary": summary, "tie": False}
        yield from _steps_of(model, kind, by_kind[kind])


def _running_order(component: Resource) -> tuple[float, str, str]:
    return position(component, _order_column(component)), component.name, component.id


def _order_column(component: Resource) -> str:
    if component.kind == "events":
        return "rule_order"
    return "order"


def _steps_of(model: Model, kind: str | None, components: Sequence[Resource]) -> Iterator[Row]:
    positions = [_running_order(component)[0] for component in components]
    counts = Counter(positions)
    for component, own in zip(components, positions, strict=True):
        row: dict[str, Any] = {
            "property_id": component.property_id,
            "kind": kind,
            "logic": _logic(component, kind),
            "component_id": component.id,
            "component_name": component.name,
            "delegate_descriptor_id": component.delegate or None,
            "order": _whole_number(component.get("order")),
            "rule_order": _number(component.get("rule_order")),
            "settings_summary": in_words(model, component) or None,
            "refers_to": _refers_to(model).get(component.id),
        }
        # The engine ignores both when the components of rules do not run in sequence.
        if kind in ("condition", "action") and _sequencing(model).get(component.property_id):
            row["timeout"] = _whole_number(component.get("timeout"))
            row["delay_next"] = switch(component.get("delay_next"))
        if _order_column(component) in model.frames["rule_components"]:
            row["tie"] = counts[own] > 1
        yield row


def _logic(component: Resource, kind: str | None) -> str | None:
    if kind == "condition" and switch(component.get("negate")):
        return "NOT"
    return _LOGIC.get(kind or "")


@once_per_model
def _sequencing(model: Model) -> Mapping[str, bool | None]:
    """Return whether the components of rules run in sequence, by property."""
    column = "rule_component_sequencing_enabled"
    return {row["id"]: switch(row.get(column)) for row in model.rows("properties")}


@once_per_model
def _refers_to(model: Model) -> Mapping[str, str]:
    """Return the names that each component refers to, by its id."""
    referred: dict[str, dict[str, None]] = defaultdict(dict)
    for reference in find_references(model):
        is_read = reference.kind in (*_READS, *CALLS)
        # What a dynamic name may stand for follows as possible references.
        is_known = reference.verdict not in ("dynamic", "commented", "masked")
        if reference.name and is_read and is_known:
            referred[reference.source.id][reference.name] = None
    return {source_id: ", ".join(names) for source_id, names in referred.items()}


def _limits(model: Model, rows: Sequence[Row]) -> Iterator[str]:
    if not model.platforms and _NO_EVENT in map(itemgetter("settings_summary"), rows):
        yield (
            "The platform is unknown without the table properties. Rules of event forwarding "
            "have no events, and run all the same."
        )
    if None in map(_sequencing(model).get, model.property_ids):
        yield (
            "Whether timeout and delay_next count is unknown: the table properties, or its column "
            "rule_component_sequencing_enabled, is missing."
        )
    for column in ("order", "rule_order"):
        if column not in model.frames["rule_components"]:
            yield (
                f"The frame rule_components has no column {column!r}: the order of its components "
                "is not known."
            )
