"""Who changed what, from the audit events: each shows a resource after the change."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.code import secrets
from adobe_nb.analysis.code.risks import secret_values
from adobe_nb.analysis.compare.changes import MISSING, differences
from adobe_nb.analysis.compare.contents import COLUMNS as CONTENT
from adobe_nb.analysis.compare.contents import Normalizer, canonical_json
from adobe_nb.analysis.history.events import Event, Since, events_of, moment
from adobe_nb.analysis.model import REQUIRED, Model

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
_State = Mapping[str, Any]
"""The content of a resource: its name, other columns, and settings."""
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


def who_changed(model: Model, since: Since = None) -> pd.DataFrame:
    """Return what the audit events show, the latest first. ``Tags.who_changed`` documents it."""
    start = moment(since)
    model.require("who_changed", "audit_events")
    model.require_columns("who_changed", "audit_events", "created_at", "type_of", "entity")
    by_id: dict[str, list[Event]] = defaultdict(list)
    for event in events_of(model):
        by_id[event.id].append(event)
    histories = []
    for events in by_id.values():
        if start is None or events[-1].when >= start:
            histories.append(events)
    states, hide = _states(model, histories)
    rules = _rules(model)
    rows = []
    for events in histories:
        for event, row in _changes(events, states):
            if start is None or event.when >= start:
                rows.append({**row, **_rule_of(event, rules)})
    rows.sort(key=lambda row: (row["when"], row["id"]), reverse=True)
    for row in rows:
        for column in ("before", "after"):
            row[column] = _text(model, row[column], hide)
    return answer(model, COLUMNS, rows, limits=_limits(model, histories, states, rows))


def _changes(
    events: Iterable[Event], states: Mapping[Event, _State]
) -> Iterator[tuple[Event, dict[str, Any]]]:
    """Yield the events of one resource, each with what it changed."""
    previous: _State | None = None
    text, earlier = "", set[str]()
    for event in events:
        state = states.get(event)
        row = _row(event)
        if event.verb == "deleted":
            row["before"] = state
        elif row["action"] != "revised":
            row |= _difference(previous, state)
        if state is not None and event.type in CONTENT:
            earlier.add(text)
            before, text = text, canonical_json(state)
            is_update = row["action"] == "updated" and previous is not None
            if is_update and text != before and text in earlier:
                row["action"] = "reverted"
        previous = state
        yield event, row


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
        "name": event.row.get("display_name") or event.attributes.get("name"),
        "property_id": event.property_id,
        "before": None,
        "after": None,
    }


def _difference(previous: _State | None, state: _State | None) -> Row:
    """Return the columns of a row that say what changed; the whole state without a previous one."""
    if previous is None or state is None:
        return {"after": state}
    before, after, paths = {}, {}, []
    for path, old, new in differences(previous, state):
        paths.append(path)
        if old is not MISSING:
            before[path] = old
        if new is not MISSING:
            after[path] = new
    if not paths:
        return {}
    return {"columns_changed": ", ".join(paths), "before": before, "after": after}


def _text(model: Model, state: _State | None, hide: Iterable[str]) -> str | None:
    """Return a state as JSON, with dots in place of what looks like a secret."""
    if state is None:
        return None
    text = json.dumps(state, ensure_ascii=False, default=str)
    text = secrets.hidden(text, secrets.secrets_in(text))
    text = secrets.shown(secrets.without_values(text, hide))
    return model.redact(text) if model.redact else text


# -- states


def _states(
    model: Model, histories: Iterable[list[Event]]
) -> tuple[dict[Event, _State], list[str]]:
    """Return the content of the resource after each event whose document can be read.

    With it come the secrets in all of them, as they are in JSON.
    """
    states: dict[Event, _State] = {}
    contents: list[Event] = []
    for event in (event for events in histories for event in events):
        if not event.attributes:
            continue
        if event.type in CONTENT:
            contents.append(event)
        else:
            states[event] = _plain_state(event)
    documents, by_number = _documents(model, contents)
    normalizer = Normalizer(documents, documents)
    for table in CONTENT:
        for content in normalizer.contents(documents, table, {}):
            event = by_number[content.resource.id]
            state = {"name": content.name, **content.columns}
            if event.type != "rules":
                state["settings"] = content.settings
            states[event] = state
    values = secret_values(documents)
    return states, [json.dumps(value, ensure_ascii=False)[1:-1] for value in values]


def _plain_state(event: Event) -> _State:
    state = {}
    for name, value in event.attributes.items():
        if name not in _NOISE and value is not None:
            state[name] = value
    for relation in _RELATIONS:
        linked = event.linked_id(relation)
        if linked is not None:
            state[f"{relation}_id"] = linked
    return state


def _documents(model: Model, events: Iterable[Event]) -> tuple[Model, Mapping[str, Event]]:
    """Return the documents of events as a model, and the events by the ids in it."""
    by_number: dict[str, Event] = {}
    rows: dict[str, list[Row]] = {table: [] for table in CONTENT}
    for event in events:
        # One resource has many states, which a model would take for one.
        number = str(len(by_number))
        by_number[number] = event
        links = {f"{relation}_id": event.linked_id(relation) for relation in _LINKS}
        links["property_id"] = event.property_id or ""
        rows[event.type].append({**event.attributes, **links, "id": number})
    frames = {}
    for table, columns in CONTENT.items():
        names = [*REQUIRED[table], *columns, *(f"{relation}_id" for relation in _LINKS)]
        frames[table] = pd.DataFrame(rows[table], columns=list(dict.fromkeys(names)), dtype=object)
    for table in ("properties", "extension_packages"):
        if table in model.frames:
            frames[table] = model.frames[table]
    return Model(frames), by_number


# -- rules of components


def _rules(model: Model) -> Mapping[str, Row]:
    """Return the rules by the ids of their components."""
    rules = {}
    for component in model.rule_components:
        if component.rule is not None:
            rule = {"rule_id": component.rule.id, "rule_name": component.rule.name}
            rules[component.id] = rules[component.origin_id] = rule
    return rules


def _rule_of(event: Event, rules: Mapping[str, Row]) -> Row:
    return rules.get(event.id, {})


# -- limits


def _limits(
    model: Model,
    histories: Iterable[list[Event]],
    states: Mapping[Event, _State],
    rows: Iterable[Row],
) -> Iterator[str]:
    beginnings = [events[0] for events in histories]
    unknown = [event for event in beginnings if event.verb != "created"]
    if unknown:
        first = events_of(model)[0].when
        yield (
            f"The audit events begin on {first:%Y-%m-%d}. {len(unknown)} resources were there "
            f"before, the first being {unknown[0].id} ({_row(unknown[0])['name']}): what their "
            "first event changed is unknown."
        )
    unreadable = [event for events in histories for event in events if event not in states]
    if unreadable:
        yield (
            f"The documents of {len(unreadable)} audit events cannot be read, the first being "
            f"{unreadable[0].row['id']}."
        )
    updates = [row for row in rows if row["action"] == "updated"]
    same = [row for row in updates if row["before"] is None and row["after"] is None]
    if same:
        yield (
            f"{len(same)} updates have no columns_changed: they changed dates, flags, or what "
            "other events show, such as the contents of a library."
        )
