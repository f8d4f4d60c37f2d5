"""Direct calls: which rules wait for them, and what in the property fires them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd

from adobe_nb.analysis.answers import Columns, answer
from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.uses.references import Reference, find_references, limits, require_content
from adobe_nb.analysis.uses.tokens import find_percent_tokens

COLUMNS: Columns = {
    "identifier": "string",
    "rule_id": "string",
    "rule_name": "string",
    "callers": "Int64",
    "called_from": "string",
    "verdict": "string",
}
_LISTENER = "core::events::direct-call"
CALLS = ("track", "direct-call")
"""The kinds of references that are direct calls."""
_SORT = ("identifier", "rule_name", "rule_id")


def direct_calls(model: Model) -> pd.DataFrame:
    """Return the rules that wait for direct calls, and the calls that nothing waits for."""
    require_content(model, "direct_calls")
    callers = _callers(model)
    rows = []
    heard = set()
    for (property_id, identifier), listeners in _listeners(model).items():
        places = callers.get((property_id, identifier), [])
        heard.add((property_id, identifier))
        for listener in listeners:
            row = _row(property_id, identifier, places)
            row["rule_id"] = listener.get("rule_id")
            row["rule_name"] = listener.rule and listener.rule.name
            row["verdict"] = _verdict(identifier, listener, places)
            rows.append(row)
    for (property_id, identifier), places in callers.items():
        if (property_id, identifier) not in heard:
            row = _row(property_id, identifier, places)
            row["verdict"] = "dynamic" if places[0].verdict == "dynamic" else "no rule listens"
            rows.append(row)
    return answer(model, COLUMNS, rows, sort=_SORT, limits=limits(model))


def _row(property_id: str, identifier: str, places: Sequence[Reference]) -> dict[str, object]:
    return {
        "property_id": property_id,
        "identifier": identifier,
        "callers": len(places),
        "called_from": ", ".join(sorted(set(map(_holder, places)))) or None,
    }


def _holder(reference: Reference) -> str:
    source = reference.source
    if source.rule is not None:
        return source.rule.name
    return source.name


def _listeners(model: Model) -> Mapping[tuple[str, str], list[Resource]]:
    """Return the events by their identifiers, one of each rule."""
    listeners: dict[tuple[str, str], dict[str | None, Resource]] = defaultdict(dict)
    for component in model.rule_components:
        if component.delegate == _LISTENER:
            identifier = component.setting("identifier")
            if not isinstance(identifier, str):
                identifier = ""
            rules = listeners[component.property_id, identifier]
            rules.setdefault(component.get("rule_id"), component)
    return {key: list(rules.values()) for key, rules in listeners.items()}


def _callers(model: Model) -> Mapping[tuple[str, str], list[Reference]]:
    """Return the places that fire a direct call, by identifier, with ``*`` for unknown parts."""
    callers: dict[tuple[str, str], dict[tuple[object, ...], Reference]] = defaultdict(dict)
    for reference in find_references(model):
        if reference.kind in CALLS and reference.verdict != "commented":
            source = reference.source
            place = (source.id, reference.path, reference.start)
            callers[source.property_id, _identifier(reference)].setdefault(place, reference)
    return {key: list(places.values()) for key, places in callers.items()}


def _identifier(reference: Reference) -> str:
    name = reference.name
    if name is None:
        return "*"
    if reference.kind == "direct-call" and reference.verdict == "dynamic":
        for token in reversed(find_percent_tokens(name)):
            name = f"{name[: token.start]}*{name[token.stop :]}"
    return name


def _verdict(identifier: str, listener: Resource, places: Sequence[Reference]) -> str:
    if not identifier or identifier != identifier.strip():
        return "blank in name"
    if not listener.enabled:
        return "rule is disabled"
    if not places:
        return "page or nobody"
    if not any(map(_can_run, places)):
        return "disabled rules only"
    return "called here"


def _can_run(reference: Reference) -> bool:
    source = reference.source
    return source.enabled or source.type != "rule_components"
