"""Which rules wait for the same event, and in which order they run."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.compare.contents import Content, Normalizer, canonical_json
from adobe_nb.analysis.model import Model
from adobe_nb.analysis.rules.flow import position
from adobe_nb.analysis.rules.words import in_words

COLUMNS: Columns = {
    "event_key": "string",
    "position": "Int64",
    "rule_order": "Float64",
    "tie": "boolean",
    "rule_id": "string",
    "rule_name": "string",
}
PAGE_LOAD = (
    "core::events::library-loaded",
    "core::events::page-bottom",
    "core::events::dom-ready",
    "core::events::window-loaded",
)
"""The events of a page load, in the order in which they always come."""
_Key = tuple[str, str, str]
"""The property, the delegate and the normalized settings of an event."""


def execution_order(model: Model, *, all: bool = False) -> pd.DataFrame:
    """Return the enabled rules of each event that several rules wait for."""
    model.require("execution_order", "rules", "rule_components")
    waiting = _waiting(model)
    labels = _labels(model, waiting)
    rows: list[Row] = []
    for key in sorted(waiting, key=lambda key: (*_rank(key), labels[key], key)):
        rules = {content.resource.get("rule_id") for content in waiting[key]}
        if all or len(rules) > 1:
            rows += _rows(waiting[key], labels[key])
    limits = []
    if "rule_order" not in model.frames["rule_components"]:
        limits.append("The frame rule_components has no column 'rule_order': all rules have ties.")
    return answer(model, COLUMNS, rows, limits=limits)


def _rank(key: _Key) -> tuple[str, int]:
    property_id, delegate, _ = key
    if delegate in PAGE_LOAD:
        return property_id, PAGE_LOAD.index(delegate)
    return property_id, len(PAGE_LOAD)


def _waiting(model: Model) -> Mapping[_Key, list[Content]]:
    """Return the events that are the same, with those of enabled rules only."""
    waiting: dict[_Key, list[Content]] = defaultdict(list)
    for content in Normalizer(model, model).contents(model, "rule_components", {}):
        event = content.resource
        if event.kind == "events" and event.enabled:
            key = (event.property_id, event.delegate, canonical_json(content.settings))
            waiting[key].append(content)
    return waiting


def _labels(model: Model, waiting: Mapping[_Key, Sequence[Content]]) -> dict[_Key, str]:
    """Return the events in words; numbered where different events have the same words."""
    labels: dict[_Key, str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for key in sorted(waiting):
        words = in_words(model, waiting[key][0].resource)
        property_id = key[0]
        counts[property_id, words] += 1
        labels[key] = words
        if counts[property_id, words] > 1:
            labels[key] = f"{words} ({counts[property_id, words]})"
    return labels


def _rows(contents: Sequence[Content], label: str) -> Iterator[Row]:
    events = sorted(
        (content.resource for content in contents),
        key=lambda event: (
            position(event, "rule_order"),
            event.rule.name if event.rule else "",
            event.get("rule_id") or "",
            event.id,
        ),
    )
    rules = defaultdict(set)
    for event in events:
        rules[position(event, "rule_order")].add(event.get("rule_id"))
    for number, event in enumerate(events, start=1):
        order = position(event, "rule_order")
        yield {
            "property_id": event.property_id,
            "event_key": label,
            "position": number,
            "rule_order": order,
            "tie": len(rules[order]) > 1,
            "rule_id": event.get("rule_id"),
            "rule_name": event.rule and event.rule.name,
        }
