"""Rules as they run: their events, conditions and actions in order."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.lookup import Target, find_rules, name_or_id
from adobe_nb.analysis.model import Model, Resource, once_per_model
from adobe_nb.analysis.rules.words import in_words
from adobe_nb.analysis.uses.references import find_references

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
KINDS = {"events": "event", "conditions": "condition", "actions": "action"}
"""What a component is, by the kind of its delegate."""
_SORT = ("rule_name", "rule_id", "step")
_READS = ("token", "edge-token", "getVar", "name-setting", "id-setting", "stored-value")
_CALLS = ("track", "direct-call")
_NO_EVENT = "No event: the rule never fires."
_NO_ACTION = "No action: the rule does nothing."
# What the service fills in for null.
_DEFAULT_POSITION = {"order": 0.0, "rule_order": 50.0}


def rule_flow(model: Model, rule: Target | None = None) -> pd.DataFrame:
    """Return the components of rules in the order in which they run."""
    model.require("rule_flow", "rules", "rule_components")
    components = _components(model)
    if rule is None:
        rule_ids = list(dict.fromkeys([*(known.id for known in model.rules), *components]))
    else:
        rule_ids = [found.id for found in find_rules(model, name_or_id(rule))]
    rules = {known.id: known for known in model.rules}
    rows: list[Row] = []
    for rule_id in rule_ids:
        flow = _Flow(model, rules.get(rule_id), components.get(rule_id, []))
        rows += flow.rows(rule_id)
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


def _whole_number(value: Any) -> int | None:
    number = _number(value)
    if number is None or not number.is_integer():
        return None
    return int(number)


def _is_on(value: Any) -> bool | None:
    """Return whether a switch is on, as frames from other sources write it, too."""
    if value is None:
        return None
    return str(value).strip().lower() in ("true", "1", "1.0")


def _components(model: Model) -> dict[str, list[Resource]]:
    """Return the components of each rule, by its id; those of missing rules, too."""
    components: dict[str, list[Resource]] = defaultdict(list)
    for component in model.rule_components:
        components[component.get("rule_id") or ""].append(component)
    return components


class _Flow:
    """The steps of one rule."""

    def __init__(self, model: Model, rule: Resource | None, components: Sequence[Resource]) -> None:
        self._model = model
        self._rule = rule
        self._by_kind: dict[str | None, list[Resource]] = defaultdict(list)
        for component in sorted(components, key=_running_order):
            self._by_kind[KINDS.get(component.kind)].append(component)

    def rows(self, rule_id: str) -> Iterator[Row]:
        """Yield the rows of the rule."""
        rule = self._rule
        columns: Row = {"rule_id": rule_id, "rule_name": None, "rule_enabled": None}
        if rule is not None:
            columns = {
                "rule_id": rule_id,
                "rule_name": rule.name,
                "rule_enabled": rule.enabled,
                "property_id": rule.property_id,
            }
        for step, row in enumerate(self._steps(), start=1):
            yield {**row, **columns, "step": step}

    def _steps(self) -> Iterator[Row]:
        events = self._by_kind["event"]
        if not events and not self._is_edge():
            yield {"kind": "event", "logic": "OR", "settings_summary": _NO_EVENT, "tie": False}
        yield from self._rows_of("event", events)
        yield from self._rows_of("condition", self._by_kind["condition"])
        actions = self._by_kind["action"]
        if not actions:
            yield {"kind": "action", "logic": "then", "settings_summary": _NO_ACTION, "tie": False}
        yield from self._rows_of("action", actions)
        # Without a delegate, what a component does is not known.
        yield from self._rows_of(None, self._by_kind[None])

    def _is_edge(self) -> bool:
        """Return whether the rule is one of event forwarding, where rules have no events."""
        resources = [self._rule] if self._rule is not None else self._any_component()
        return any(map(self._model.is_edge, resources))

    def _any_component(self) -> list[Resource]:
        return [component for components in self._by_kind.values() for component in components]

    def _rows_of(self, kind: str | None, components: Sequence[Resource]) -> Iterator[Row]:
        column = "rule_order" if kind == "event" else "order"
        counts = Counter(position(component, column) for component in components)
        for component in components:
            row = self._row(component, kind)
            if column in self._model.frames["rule_components"]:
                row["tie"] = counts[position(component, column)] > 1
            yield row

    def _row(self, component: Resource, kind: str | None) -> dict[str, Any]:
        row: dict[str, Any] = {
            "property_id": component.property_id,
            "kind": kind,
            "logic": _logic(component, kind),
            "component_id": component.id,
            "component_name": component.name,
            "delegate_descriptor_id": component.delegate or None,
            "order": _whole_number(component.get("order")),
            "rule_order": _number(component.get("rule_order")),
            "settings_summary": in_words(self._model, component) or None,
            "refers_to": _refers_to(self._model).get(component.id),
        }
        # The engine ignores both when the components of rules do not run in sequence.
        if kind in ("condition", "action") and _is_sequenced(self._model, component.property_id):
            row["timeout"] = _whole_number(component.get("timeout"))
            row["delay_next"] = _is_on(component.get("delay_next"))
        return row


def _running_order(component: Resource) -> tuple[float, str, str]:
    column = "rule_order" if component.kind == "events" else "order"
    return position(component, column), component.name, component.id


def _logic(component: Resource, kind: str | None) -> str | None:
    if kind == "event":
        return "OR"
    if kind == "condition":
        return "NOT" if _is_on(component.get("negate")) else "AND"
    if kind == "action":
        return "then"
    return None


def _is_sequenced(model: Model, property_id: str) -> bool:
    return _sequencing(model).get(property_id) is True


@once_per_model
def _sequencing(model: Model) -> Mapping[str, bool | None]:
    """Return whether the components of rules run in sequence, by property."""
    column = "rule_component_sequencing_enabled"
    return {row["id"]: _is_on(row.get(column)) for row in model.rows("properties")}


@once_per_model
def _refers_to(model: Model) -> Mapping[str, str]:
    """Return the names that each component refers to, by its id."""
    referred: dict[str, dict[str, None]] = defaultdict(dict)
    for reference in find_references(model):
        is_read = reference.kind in _READS or reference.kind in _CALLS
        # What a dynamic name may stand for follows as possible references.
        is_known = reference.verdict not in ("dynamic", "commented", "masked")
        if reference.name and is_read and is_known:
            referred[reference.source.id][reference.name] = None
    return {source_id: ", ".join(found) for source_id, found in referred.items()}


def _limits(model: Model, rows: Sequence[Row]) -> Iterator[str]:
    if any(row["settings_summary"] == _NO_EVENT for row in rows) and not model.platforms:
        yield (
            "The platform is unknown without the table properties. Rules of event forwarding "
            "have no events, and run all the same."
        )
    if any(_sequencing(model).get(property_id) is None for property_id in model.property_ids):
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
