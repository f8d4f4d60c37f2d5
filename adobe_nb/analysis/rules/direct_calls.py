"""Direct calls: which rules wait for them, and what in the property fires them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd

from adobe_nb.analysis.answers import Columns, answer
from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.uses.references import Reference, find_references, limits, require_content
from adobe_nb.analysis.uses.tokens import find_percent_tokens
from adobe_nb.analysis.words import listing

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
_Key = tuple[str, str]
"""The property and the identifier of a direct call."""
_SORT = ("identifier", "rule_name", "rule_id")


def direct_calls(model: Model) -> pd.DataFrame:
    """Return the rules that wait for direct calls, and the calls that nothing waits for."""
    require_content(model, "direct_calls")
    callers, listeners = _callers(model), _listeners(model)
    rows = []
    for key in dict.fromkeys([*listeners, *callers]):
        property_id, identifier = key
        calls = list(callers[key].values())
        # A call that no rule waits for has a row, too.
        for listener in listeners[key].values() or [None]:
            row = {
                "property_id": property_id,
                "identifier": identifier,
                "callers": len(calls),
                "called_from": listing(map(_source_name, calls)),
                "verdict": _verdict(identifier, listener, calls),
            }
            if listener is not None:
                row["rule_id"] = listener.get("rule_id")
                row["rule_name"] = listener.rule and listener.rule.name
            rows.append(row)
    return answer(model, COLUMNS, rows, sort=_SORT, limits=limits(model))


def _source_name(reference: Reference) -> str:
    return (reference.source.rule or reference.source).name


def _listeners(model: Model) -> Mapping[_Key, dict[str | None, Resource]]:
    """Return the events by their identifiers, one of each rule."""
    listeners: dict[_Key, dict[str | None, Resource]] = defaultdict(dict)
    for component in model.rule_components:
        if component.delegate == _LISTENER:
            identifier = component.setting("identifier")
            if not isinstance(identifier, str):
                identifier = ""
            rules = listeners[component.property_id, identifier]
            rules.setdefault(component.get("rule_id"), component)
    return listeners


def _callers(model: Model) -> Mapping[_Key, dict[tuple[object, ...], Reference]]:
    """Return the calls by identifier, ``*`` for its unknown parts; one of each place in code."""
    callers: dict[_Key, dict[tuple[object, ...], Reference]] = defaultdict(dict)
    for reference in find_references(model):
        if reference.kind in CALLS and reference.verdict != "commented":
            source = reference.source
            call_site = (source.id, reference.path, reference.start)
            calls = callers[source.property_id, _identifier(reference)]
            calls.setdefault(call_site, reference)
    return callers


def _identifier(reference: Reference) -> str:
    name = reference.name
    if name is None:
        return "*"
    if reference.kind == "direct-call" and reference.verdict == "dynamic":
        for token in reversed(find_percent_tokens(name)):
            name = f"{name[: token.start]}*{name[token.stop :]}"
    return name


def _verdict(identifier: str, listener: Resource | None, calls: Sequence[Reference]) -> str:
    if listener is None:
        return "dynamic" if calls[0].verdict == "dynamic" else "no rule listens"
    if not identifier or identifier != identifier.strip():
        return "blank in name"
    if not listener.enabled:
        return "rule is disabled"
    if not calls:
        return "page or nobody"
    if not any(map(_can_run, calls)):
        return "disabled rules only"
    return "called here"


def _can_run(reference: Reference) -> bool:
    source = reference.source
    return source.enabled or source.type != "rule_components"
