"""The question ``sends``: what sends variables, what was set before, and whether it is cleared."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from adobe_nb.analysis.answers import Columns, answer
from adobe_nb.analysis.code.variable_uses import SendKind
from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.uses.tokens import percent_tokens
from adobe_nb.analysis.variables import analytics_settings, web_sdk_settings
from adobe_nb.analysis.variables.listing import limits
from adobe_nb.analysis.variables.names import EVERYTHING
from adobe_nb.analysis.variables.uses import Finding, find_variables, script_variables

COLUMNS: Columns = {
    "rule_id": "string",
    "rule_name": "string",
    "component_id": "string",
    "kind": "string",
    "link_name": "string",
    "event_type": "string",
    "sets_in_same_rule": "string",
    "payload_element": "string",
    "cleared_after": "boolean",
    "rule_enabled": "boolean",
    "path": "string",
    "line": "Int64",
}
_SORT = ("rule_name", "rule_id")
_OTHERS = ("adobe-alloy::actions::send-media-event", "adobe-alloy::actions::create-media-session")
_SETS = ("certain", "possible", "dynamic")
_KINDS = {"events": 0, "conditions": 1, "actions": 2}
Place = tuple[int, float, str, int]
"""Where something happens in a rule: kind and order of the component, its id, place in the code."""


@dataclass(frozen=True, slots=True)
class _Sending:
    source: Resource
    kind: SendKind
    place: Place
    link_name: str | None = None
    event_type: str | None = None
    payload: str | None = None
    path: str | None = None
    line: int | None = None


def sends(model: Model) -> pd.DataFrame:
    """Return every place that sends, and the rules that set something and send nothing."""
    model.require("sends", "rule_components")
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in sorted(find_variables(model), key=_place_of):
        if finding.source.rule is not None and finding.verdict != "commented":
            by_rule[finding.source.rule.id].append(finding)
    sendings = sorted(_sendings(model), key=lambda sending: sending.place)
    rows = [_row(sending, by_rule) for sending in sendings]
    sending_rules = {row["rule_id"] for row in rows}
    for rule in model.rules:
        names = _set_names(by_rule[rule.id])
        if names and rule.id not in sending_rules and not model.is_edge(rule):
            rows.append(_unsent(rule, names))
    return answer(model, COLUMNS, rows, sort=_SORT, limits=limits(model))


def _row(sending: _Sending, by_rule: dict[str, list[Finding]]) -> dict[str, object]:
    rule = sending.source.rule
    row: dict[str, object] = {
        "property_id": sending.source.property_id,
        "component_id": sending.source.id,
        "kind": sending.kind,
        "link_name": sending.link_name,
        "event_type": sending.event_type,
        "payload_element": sending.payload,
        "path": sending.path,
        "line": sending.line,
        "rule_id": None,
    }
    if rule is not None:
        findings = by_rule[rule.id]
        before = [finding for finding in findings if _place_of(finding) <= sending.place]
        after = [finding for finding in findings if _place_of(finding) > sending.place]
        row |= {
            "rule_id": rule.id,
            "rule_name": rule.name,
            "rule_enabled": rule.enabled,
            "sets_in_same_rule": ", ".join(_set_names(before)) or None,
            "cleared_after": any(finding.access == "clear" for finding in after),
        }
    return row


def _unsent(rule: Resource, names: Sequence[str]) -> dict[str, object]:
    return {
        "property_id": rule.property_id,
        "rule_id": rule.id,
        "rule_name": rule.name,
        "kind": "none",
        "sets_in_same_rule": ", ".join(names),
        "cleared_after": False,
        "rule_enabled": rule.enabled,
    }


def _set_names(findings: Sequence[Finding]) -> list[str]:
    """Return the variables that are set and not cleared, in order of first setting."""
    names: dict[str, None] = {}
    for finding in findings:
        name = finding.variable.name
        if finding.verdict not in _SETS:
            continue
        if finding.access == "set":
            names[name] = None
        elif finding.access == "clear" and name == EVERYTHING.name:
            names.clear()
        elif finding.access == "clear":
            names.pop(name, None)
    return list(names)


def _place_of(finding: Finding) -> Place:
    return _place(finding.source, finding.start)


def _place(source: Resource, start: int) -> Place:
    order = source.get("order")
    if not isinstance(order, int | float):
        order = 0
    return _KINDS.get(source.kind, 3), order, source.id, start


def _sendings(model: Model) -> Iterator[_Sending]:
    for component in model.rule_components:
        if not model.is_edge(component):
            yield from _by_settings(component)
    for text, found in script_variables(model).items():
        for send in found.sends:
            name = send.name
            yield _Sending(
                text.resource,
                send.kind,
                _place(text.resource, send.start),
                link_name=name if send.kind == "s.tl" else None,
                event_type=name if send.kind == "sendEvent" else None,
                path=text.path,
                line=send.line,
            )


def _by_settings(component: Resource) -> Iterator[_Sending]:
    place = _place(component, 0)
    if component.delegate == analytics_settings.SEND:
        if component.setting("type") == "link":
            yield _Sending(component, "s.tl", place, link_name=_text(component, "linkName"))
        else:
            yield _Sending(component, "s.t", place)
    elif component.delegate == web_sdk_settings.SEND_EVENT:
        tokens = []
        for key in ("xdm", "data"):
            tokens += percent_tokens(_text(component, key) or "")
        yield _Sending(
            component,
            "sendEvent",
            place,
            event_type=_text(component, "type"),
            payload=", ".join(dict.fromkeys(tokens)) or None,
        )
    elif component.delegate in _OTHERS:
        yield _Sending(component, "other", place)


def _text(component: Resource, key: str) -> str | None:
    value = component.setting(key)
    return value if isinstance(value, str) and value else None
