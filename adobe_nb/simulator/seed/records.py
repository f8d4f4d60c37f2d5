"""Records with fixed ids, dates and authors: the same at every start."""

from datetime import UTC, datetime, timedelta
from typing import Any

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.accounts import digest
from adobe_nb.simulator.data import load
from adobe_nb.simulator.demo import COMPANY
from adobe_nb.simulator.ims import PROPERTY_RIGHTS
from adobe_nb.simulator.store import Identifier, Record, Store, stamp
from adobe_nb.simulator.texts import json_text

Person = dict[str, str]
"""``display_name`` and ``email``."""
PEOPLE: list[Person] = COMPANY["people"]
RESTRICTED: Person = {"display_name": "Restricted", "email": "Restricted"}
"""The service does not name people of other organizations."""
_ATTRIBUTES: dict[str, dict[str, Any]] = load("attributes.json")


def make_id(resource_type: str, *path: str) -> str:
    """Return the same id at every start for the same path of names."""
    return RESOURCES[resource_type].prefix + digest("/".join((resource_type, *path)), 16)


def secret_path(property_id: str, stage: str) -> tuple[str, ...]:
    """Return the path of names for the id of a property's secret."""
    # The secret of production was the only one for a long time, and keeps its id.
    if stage == "production":
        return (property_id,)
    return property_id, stage


def parse_day(text: str) -> datetime:
    """Return nine o'clock (UTC) of a day such as ``2024-09-16``."""
    return datetime.fromisoformat(text).replace(hour=9, tzinfo=UTC)


def jitter(name: str, hours: int) -> timedelta:
    """Return a fixed offset of up to some hours, so that dates look as if people had made them."""
    number = int(digest(f"jitter {name}", 4), 16)
    return timedelta(milliseconds=number % (hours * 3_600_000))


# -- authors


def author(record_id: str, verb: str) -> Person:
    """Return who created or updated a seeded record."""
    event_id = make_id("audit_events", record_id, verb)
    return PEOPLE[int(event_id[-1], 16) % len(PEOPLE)]


def sign(record: Record) -> Record:
    """Set the authors of a record, whom its audit events name too, and return the record."""
    creator = editor = author(record.id, "created")
    if record["updated_at"] > record["created_at"]:
        editor = author(record.id, "updated")
    record.attributes |= signatures(created=creator, updated=editor)
    return record


def signatures(**people: Person) -> dict[str, str]:
    """Return attributes such as ``created_by_email`` for people by verb."""
    attributes = {}
    for member in ("display_name", "email"):
        for verb, person in people.items():
            attributes[f"{verb}_by_{member}"] = person[member]
    return attributes


# -- records


def add_record(
    store: Store,
    resource_type: str,
    path: tuple[str, ...],
    created: str,
    values: dict[str, Any],
    *parents: Record,
    **to_one: Identifier | None,
) -> Record:
    """Add a resource to the lists of its parents. ``path`` gives its id."""
    attributes = {
        "created_at": created,
        "updated_at": created,
        **_ATTRIBUTES.get(resource_type, {}),
        **values,
    }
    record = Record(resource_type, make_id(resource_type, *path), attributes, to_one)
    for parent in parents:
        store.link(parent.id, resource_type, record)
    return store.add(record)


def add_property(
    store: Store, company: Record, created: datetime, name: str, **values: Any
) -> Record:
    """Add a property that has no resources yet."""
    values |= {
        "updated_at": stamp(created + timedelta(days=14) + jitter(name, 8)),
        "name": name,
        "token": digest(f"property token {name}", 6),
    }
    record = add_record(
        store, "properties", (name,), stamp(created), values, company, company=company.here
    )
    record.meta["rights"] = list(PROPERTY_RIGHTS)
    return sign(record)


def add_head(
    store: Store,
    resource_type: str,
    path: tuple[str, ...],
    dates: tuple[datetime, datetime],
    values: dict[str, Any],
    parent: Record,
    **to_one: Identifier | None,
) -> Record:
    """Add the head of a resource to a property, or of a component to a rule.

    ``dates`` are those of creation and of the last change.
    """
    created, updated = map(stamp, dates)
    values = {**values, "updated_at": updated}
    record = add_record(store, resource_type, path, created, values, parent, **to_one)
    # Rules have no settings.
    if "settings" in record.attributes:
        record["settings"] = json_text(record["settings"])
    owner = store.of(parent, "property") or parent
    record.to_one |= {"property": owner.here, "origin": record.here}
    record.meta["latest_revision_number"] = 0
    if resource_type == "rule_components":
        store.link(record.id, "rules", parent)
    else:
        store.link(record.id, "revisions", record)
    return sign(record)


def add_event(
    store: Store,
    path: tuple[str, ...],
    verb: str,
    record: Record,
    timestamp: str,
    person: Person,
    entity: str,
) -> None:
    """Add an audit event; ``entity`` is the JSON text of the record."""
    owner = store.of(record, "property") or record
    values = {
        "type_of": f"{RESOURCES[record.type].singular}.{verb}",
        "display_name": record.attributes.get("name") or record.id,
        "attributed_to_display_name": person["display_name"],
        "attributed_to_email": person["email"],
        "entity": entity,
    }
    event = add_record(
        store, "audit_events", path, timestamp, values, property=owner.here, entity=record.here
    )
    event.meta["property_name"] = owner["name"]
