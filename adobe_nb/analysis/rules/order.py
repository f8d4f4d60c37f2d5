"""Which rules wait for the same event, and in which order they run."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter

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
        events = list(_rows(waiting[key], labels[key]))
        if all or len(set(map(itemgetter("rule_id"), events))) > 1:
            rows += events
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
        counts[key[0], words] += 1
        count = counts[key[0], words]
        labels[key] = words
        if count > 1:
            labels[key] += f" ({count})"
    return labels


def _rows(contents: Sequence[Content], label: str) -> Iterator[Row]:
    rows = []
    rules = defaultdict(set)
    for content in contents:
        event = content.resource
        order = position(event, "rule_order")
        rules[order].add(event.get("rule_id"))
        row = {
            "property_id": event.property_id,
            "event_key": label,
            "rule_order": order,
            "rule_id": event.get("rule_id"),
            "rule_name": event.rule and event.rule.name,
        }
        # The id makes positions of events of one rule the same in every run.
        rows.append((order, row["rule_name"] or "", row["rule_id"] or "", event.id, row))
    for number, (order, *_, row) in enumerate(sorted(rows, key=itemgetter(0, 1, 2, 3)), start=1):
        yield {**row, "position": number, "tie": len(rules[order]) > 1}
