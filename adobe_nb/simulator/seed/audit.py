"""Audit events of the demo company: each shows a resource as it was after the change."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from adobe_nb.simulator.demo import PROPERTIES
from adobe_nb.simulator.seed.properties import with_ids
from adobe_nb.simulator.seed.records import (
    PEOPLE,
    Person,
    add_event,
    author,
    jitter,
    make_id,
    parse_day,
    signatures,
)
from adobe_nb.simulator.store import SERVED_AT, Record, Store, render, stamp
from adobe_nb.simulator.texts import json_text

_AUDITED = (
    "properties",
    "extensions",
    "data_elements",
    "rules",
    "rule_components",
    "libraries",
    "builds",
    "environments",
)
_STEPS: Mapping[str, tuple[str, ...]] = {
    "published": ("submitted", "approved"),
    "approved": ("submitted",),
    "rejected": ("submitted",),
}
"""The states between development and the state of a library."""
_EDITABLE = ("name", "enabled", "settings")


def add_events(store: Store) -> None:
    """Add audit events for the creation, the changes and the last update of each head."""
    first_revisions = _first_revisions(store)
    edits = _edits()
    for resource_type in _AUDITED:
        for record in store.all(resource_type):
            if not record.is_head:
                continue
            created, updated = record["created_at"], record["updated_at"]
            before = _at_first(record, first_revisions.get(record.id))
            _add_event(store, before, "created", created)
            for name, timestamp, person, state in _between(record, before, edits):
                _add_event(store, state, "updated", timestamp, name, person)
            if updated > created:
                _add_event(store, record, "updated", updated)


def add_deletion(store: Store, record: Record, timestamp: str) -> None:
    """Add the audit event of a deletion."""
    _add_event(store, record, "deleted", timestamp)


def _add_event(
    store: Store,
    record: Record,
    verb: str,
    timestamp: str,
    name: str = "",
    person: Person | None = None,
) -> None:
    """Add an event. ``name`` distinguishes it from others of the same verb."""
    entity = json_text({"data": render(record, SERVED_AT)})
    person = person or author(record.id, name or verb)
    add_event(store, (record.id, name or verb), verb, record, timestamp, person, entity)


def _first_revisions(store: Store) -> dict[str, Record]:
    """Return the oldest revision of each head that has one, by the id of the head."""
    first: dict[str, Record] = {}
    for resource_type in ("extensions", "data_elements", "rules", "rule_components"):
        for record in store.all(resource_type):
            origin = record.to_one.get("origin")
            if record.is_head or origin is None:
                continue
            known = first.get(origin[1])
            if known is None or record["revision_number"] < known["revision_number"]:
                first[origin[1]] = record
    return first


def _at_first(record: Record, revision: Record | None) -> Record:
    """Return a resource as it was when it was created."""
    attributes = {"updated_at": record["created_at"]}
    if "created_by_email" in record.attributes:
        attributes |= signatures(updated=author(record.id, "created"))
    for name in _EDITABLE:
        if revision is not None and name in revision.attributes:
            attributes[name] = revision[name]
    if record.type == "libraries":
        return _in_state(record, "development", record["created_at"])
    if record.type == "builds":
        attributes["status"] = "pending"
    return _with(record, attributes)


def _between(
    record: Record, before: Record, edits: Mapping[str, list[dict[str, Any]]]
) -> Iterator[tuple[str, str, Person | None, Record]]:
    """Yield the name, time, author and state of each change between the first and the last one."""
    if record.type == "libraries":
        start, end = map(datetime.fromisoformat, (record["created_at"], record["updated_at"]))
        steps = _STEPS.get(record["state"], ())
        for position, state in enumerate(steps, 1):
            timestamp = stamp(start + (end - start) * position / (len(steps) + 1))
            yield state, timestamp, None, _in_state(record, state, timestamp)
    attributes = {name: before[name] for name in _EDITABLE if name in before.attributes}
    for position, edit in enumerate(edits.get(record.id, ())):
        name = f"edit {position}"
        timestamp = stamp(parse_day(edit["date"]) + jitter(f"{record.id} {name}", 8))
        attributes |= edit["attributes"]
        changed = {**attributes, "updated_at": timestamp, **signatures(updated=edit["by"])}
        yield name, timestamp, edit["by"], _with(record, changed)


def _edits() -> dict[str, list[dict[str, Any]]]:
    """Return the edits in the data files by the id of the resource."""
    people = {person["display_name"]: person for person in PEOPLE}
    edits: dict[str, list[dict[str, Any]]] = {}
    for spec in PROPERTIES:
        components = {}
        for rule in spec["rules"]:
            for position, component in enumerate(rule["rule_components"]):
                components[rule["name"], component["name"]] = str(position)
        for edit in spec.get("edits", ()):
            path, resource_type = [spec["name"], edit["rule"]], "rules"
            if "component" in edit:
                path.append(components[edit["rule"], edit["component"]])
                resource_type = "rule_components"
            attributes = dict(edit["attributes"])
            if "settings" in attributes:
                attributes["settings"] = json_text(with_ids(attributes["settings"], spec["name"]))
            change = {**edit, "by": people[edit["by"]], "attributes": attributes}
            edits.setdefault(make_id(resource_type, *path), []).append(change)
    return edits


def _in_state(library: Record, state: str, timestamp: str) -> Record:
    """Return a library as it was in an earlier state, without its environment."""
    attributes = {
        "updated_at": timestamp,
        "state": state,
        "published_at": None,
        "build_required": True,
    }
    earlier = _with(library, attributes)
    earlier.to_one |= {"environment": None, "last_build": None}
    earlier.meta = {
        "build_status": None,
        "build_required_detail": "No build found since last state change",
    }
    return earlier


def _with(record: Record, attributes: dict[str, Any]) -> Record:
    """Return a copy of a record with other attributes."""
    values = {**record.attributes, **attributes}
    return Record(record.type, record.id, values, dict(record.to_one), dict(record.meta))
