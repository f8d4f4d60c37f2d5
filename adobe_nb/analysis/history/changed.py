"""Who changed what, from the audit events: each shows a resource after the change."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.compare.changes import MISSING, differences
from adobe_nb.analysis.compare.contents import COLUMNS as CONTENT
from adobe_nb.analysis.compare.contents import Normalizer, canonical_json
from adobe_nb.analysis.history.events import Event, events_of
from adobe_nb.analysis.model import REQUIRED, Model
from adobe_nb.analysis.times import Time, time_from_user
from adobe_nb.analysis.words import counted

COLUMNS: Columns = {
    "when": "datetime64[us, UTC]",
    "who": "string",
    "action": "string",
    "type": "string",
    "id": "string",
    "name": "string",
    "property_id": "string",
    "columns_changed": "string",
    "before": "string",
    "after": "string",
    "rule_id": "string",
    "rule_name": "string",
}
UNKNOWN = "unknown"
"""What an update changed when the content before or after it cannot be read."""
_MINUTE = "%Y-%m-%d %H:%M"
# The service changes these by itself, or with every other change.
_NOISE = {
    "created_at",
    "updated_at",
    "deleted_at",
    "published_at",
    "published",
    "dirty",
    "build_required",
    "stale",
    "review_status",
    "revision_number",
    "created_by_email",
    "created_by_display_name",
    "updated_by_email",
    "updated_by_display_name",
}
_RELATIONS = ("environment", "host")
_LINKS = ("property", "extension_package", "updated_with_extension_package")
_LINK_COLUMNS = ("property_id", "extension_package_id", "updated_with_extension_package_id")


@dataclass(frozen=True, eq=False)
class _State:
    """What a resource was after an event. Events that left it as it was share one."""

    content: Mapping[str, Any]
    """Its name, other columns, and settings."""

    @cached_property
    def text(self) -> str:
        """The content as JSON, equal for equal content."""
        return canonical_json(self.content)


def who_changed(model: Model, since: Time | None = None) -> pd.DataFrame:
    """Return what the audit events show, the latest first. ``Tags.who_changed`` documents it."""
    start = None if since is None else time_from_user(since, "since")
    model.require("who_changed", "audit_events")
    model.require_columns("who_changed", "audit_events", "entity")
    by_id: dict[str, list[Event]] = defaultdict(list)
    for event in events_of(model):
        by_id[event.id].append(event)
    histories = list(by_id.values())
    if start is not None:
        # A resource without a new event needs no comparison.
        histories = [events for events in histories if events[-1].when >= start]
    states, documents = _states(model, histories)
    rules = _rules(model)
    rows = []
    for events in histories:
        for row in _changes(events, states):
            if start is None or row["when"] >= start:
                row["before"] = _text(row["before"])
                row["after"] = _text(row["after"])
                rows.append({**row, **rules.get(events[0].id, {})})
    rows.sort(key=itemgetter("when", "id"), reverse=True)
    limits = [*_cut_off(model, histories, start), *_limits(histories, states, rows)]
    if not rows:
        limits.append(_span(model))
    return answer(model, COLUMNS, rows, limits=limits, also=[documents])


def _span(model: Model) -> str:
    """Return the sentence that explains an answer without rows."""
    times = [event.when for event in events_of(model)]
    if not times:
        return "No audit events of these properties were read."
    first, last = f"{min(times):{_MINUTE}}", f"{max(times):{_MINUTE}}"
    return f"The audit events that were read are from {first} to {last} (UTC)."


def _changes(events: Iterable[Event], states: Mapping[Event, _State]) -> Iterator[dict[str, Any]]:
    """Yield the events of one resource, each with what it changed."""
    previous: _State | None = None
    text, earlier = "", set[str]()
    for event in events:
        state = states.get(event)
        row = _row(event)
        if event.verb == "deleted":
            row["before"] = state and state.content
        elif row["action"] == "updated" and (previous is None or state is None):
            row |= {"columns_changed": UNKNOWN, "after": state and state.content}
        elif row["action"] != "revised":
            row |= _difference(previous, state)
        if state is not None and event.type in CONTENT:
            earlier.add(text)
            before, text = text, state.text
            is_update = row["action"] == "updated" and previous is not None
            if is_update and text != before and text in earlier:
                row["action"] = "reverted"
        previous = state
        yield row


def _row(event: Event) -> dict[str, Any]:
    action, identifier = event.verb, event.id
    if action == "created" and event.attributes.get("revision_number"):
        # A revision has an id of its own, and the content of its head.
        action, identifier = "revised", event.linked_id("origin") or event.id
    return {
        "when": event.when,
        "who": event.who,
        "action": action,
        "type": event.type,
        "id": identifier,
        "name": event.name,
        "property_id": event.property_id,
        "before": None,
        "after": None,
    }


def _difference(previous: _State | None, state: _State | None) -> Row:
    """Return the columns of a row that say what changed; the whole state without a previous one."""
    if previous is None or state is None:
        return {"after": state and state.content}
    before, after, paths = {}, {}, []
    if previous is state:
        return {}
    for path, old, new in differences(previous.content, state.content):
        paths.append(path)
        if old is not MISSING:
            before[path] = old
        if new is not MISSING:
            after[path] = new
    if not paths:
        return {}
    return {"columns_changed": ", ".join(paths), "before": before, "after": after}


def _text(content: Mapping[str, Any] | None) -> str | None:
    """Return what a resource was, or a part of it, as JSON."""
    if content is None:
        return None
    return json.dumps(content, ensure_ascii=False, default=str)


# -- states


def _states(model: Model, histories: Iterable[list[Event]]) -> tuple[dict[Event, _State], Model]:
    """Return the content of the resource after each event whose document can be read.

    With it comes the model of all documents, in which secrets are found.
    """
    states: dict[Event, _State] = {}
    contents: list[Event] = []
    for event in chain.from_iterable(histories):
        if event.attributes and event.type in CONTENT:
            contents.append(event)
        elif event.attributes:
            states[event] = _plain_state(event)
    documents, by_number = _documents(model, contents)
    normalizer = Normalizer(documents, documents)
    for table in CONTENT:
        for content in normalizer.contents(documents, table, {}):
            columns = {"name": content.name, **content.columns}
            if table != "rules":
                columns["settings"] = content.settings
            state = _State(columns)
            states |= dict.fromkeys(by_number[content.resource.id], state)
    return states, documents


def _plain_state(event: Event) -> _State:
    content = {}
    for name, value in event.attributes.items():
        if name not in _NOISE and value is not None:
            content[name] = value
    for relation in _RELATIONS:
        linked = event.linked_id(relation)
        if linked is not None:
            content[f"{relation}_id"] = linked
    return _State(content)


def _documents(model: Model, events: Iterable[Event]) -> tuple[Model, Mapping[str, list[Event]]]:
    """Return the documents of events as a model, and the events by the ids in it.

    Events with the same content have one document, because most leave it as it was.
    """
    names = {}
    for table, columns in CONTENT.items():
        names[table] = list(dict.fromkeys([*REQUIRED[table], *columns, *_LINK_COLUMNS]))
    by_content: dict[str, list[Event]] = {}
    by_number: dict[str, list[Event]] = {}
    rows: dict[str, list[list[Any]]] = defaultdict(list)
    for event in events:
        links = dict(zip(_LINK_COLUMNS, map(event.linked_id, _LINKS), strict=True))
        # One resource has many states, which a model would take for one.
        number = str(len(by_number))
        values = {**event.attributes, **links, "property_id": event.property_id or ""}
        content = [values.get(name) for name in names[event.type][1:]]
        same = by_content.setdefault(repr([event.type, *content]), [])
        if not same:
            by_number[number] = same
            rows[event.type].append([number, *content])
        same.append(event)
    frames: dict[str, pd.DataFrame] = {}
    for table in ("properties", "extension_packages"):
        if table in model.frames:
            frames[table] = model.frames[table]
    for table in CONTENT:
        frames[table] = pd.DataFrame(rows[table], columns=names[table], dtype=object)
    return Model(frames, show_secrets=model.show_secrets), by_number


# -- rules of components


def _rules(model: Model) -> Mapping[str, Row]:
    """Return the rules by the ids of their components."""
    rules = {}
    for component in model.rule_components:
        if component.rule is not None:
            rule = {"rule_id": component.rule.id, "rule_name": component.rule.name}
            rules[component.id] = rules[component.origin_id] = rule
    return rules


# -- limits


def _cut_off(
    model: Model, histories: Iterable[list[Event]], start: pd.Timestamp | None
) -> Iterator[str]:
    """Yield how many resources are older than their first event."""
    updates = []
    for first, *_ in histories:
        if first.verb == "updated" and (start is None or first.when >= start):
            updates.append(first)
    if updates:
        beginning = events_of(model)[0].when
        resources = counted(len(updates), "resource", "resources")
        yield (
            f"The audit events begin on {beginning:%Y-%m-%d}. What the first event changed is "
            f"unknown for {resources} that existed before, the first being "
            f"{updates[0].id} ({updates[0].name}). Read the events from an earlier date: "
            "analysis.read(…, audit_events=…)."
        )


def _limits(
    histories: Iterable[list[Event]], states: Mapping[Event, _State], rows: Iterable[Row]
) -> Iterator[str]:
    unreadable = [event for event in chain.from_iterable(histories) if event not in states]
    if unreadable:
        events = counted(len(unreadable), "audit event", "audit events")
        yield (
            f"The documents of {events} cannot be read, the first being {unreadable[0].row['id']}."
        )
    same = list(filter(_is_update_without_difference, rows))
    if same:
        yield (
            f"{counted(len(same), 'update has', 'updates have')} no columns_changed: "
            f"{'it' if len(same) == 1 else 'they'} changed dates, flags, or what other events "
            "show, such as the contents of a library."
        )


def _is_update_without_difference(row: Row) -> bool:
    return row["action"] == "updated" and "columns_changed" not in row
