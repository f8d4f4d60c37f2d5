"""Records with fixed ids, dates and authors: the same at every start."""

from datetime import UTC, datetime, timedelta
from typing import Any

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.accounts import digest
from adobe_nb.simulator.data import load
from adobe_nb.simulator.demo import COMPANY
from adobe_nb.simulator.revisions import state
from adobe_nb.simulator.store import Identifier, Record, Store, stamp
from adobe_nb.simulator.texts import json_text

Person = dict[str, str]
"""``display_name`` and ``email``."""
Targets = dict[str, Identifier | None]
"""The resources that to-one relationships point to, by relationship."""
PEOPLE: list[Person] = COMPANY["people"]
RESTRICTED: Person = {"display_name": "Restricted", "email": "Restricted"}
"""The service does not name people of other organizations."""
_DEFAULTS: dict[str, dict[str, Any]] = load("defaults.json")


def make_id(resource_type: str, *path: str) -> str:
    """Return the same id at every start for the same path of names."""
    return RESOURCES[resource_type].prefix + digest("/".join((resource_type, *path)), 16)


def parse_day(text: str) -> datetime:
    """Return nine o'clock (UTC) of a day such as ``2024-09-16``."""
    return datetime.fromisoformat(text).replace(hour=9, tzinfo=UTC)


def jitter(name: str, hours: int) -> timedelta:
    """Return a fixed offset of up to some hours, so that dates look as if people had made them."""
    number = int(digest(f"jitter {name}", 4), 16)
    return timedelta(milliseconds=number % (hours * 3_600_000))


# -- authors


def event_id(record_id: str, verb: str) -> str:
    """Return the id of the audit event about the creation or update of a seeded record."""
    return make_id("audit_events", record_id, verb)


def author(event: str) -> Person:
    """Return the person whom a seeded audit event names."""
    return PEOPLE[int(event[-1], 16) % len(PEOPLE)]


def sign(record: Record) -> None:
    """Set the authors of a record to those whom its audit events name."""
    creator = editor = author(event_id(record.id, "created"))
    if record.attributes["updated_at"] > record.attributes["created_at"]:
        editor = author(event_id(record.id, "updated"))
    record.attributes |= signatures(created=creator, updated=editor)


def signatures(**people: Person) -> dict[str, str]:
    """Return attributes such as ``created_by_email`` for people by verb."""
    names = {f"{verb}_by_display_name": person["display_name"] for verb, person in people.items()}
    return names | {f"{verb}_by_email": person["email"] for verb, person in people.items()}


# -- records


def add_property(
    store: Store, company: Record, name: str, platform: str, created: datetime, domains: list[str]
) -> Record:
    """Add a property that has no resources yet."""
    is_mobile = platform == "mobile"
    attributes = {
        "created_at": stamp(created),
        "updated_at": stamp(created + timedelta(days=14) + jitter(name, 8)),
        "name": name,
        "platform": platform,
        "enabled": True,
        "development": False,
        "token": digest(f"property token {name}", 6),
        "domains": domains,
        "undefined_vars_return_empty": platform == "web",
        "rule_component_sequencing_enabled": not is_mobile,
        "ssl_enabled": True if is_mobile else None,
        "privacy": "optedin" if is_mobile else None,
    }
    rights = ["approve", "develop", "manage_environments", "manage_extensions", "publish"]
    record = Record(
        "properties",
        make_id("properties", name),
        attributes,
        {"company": company.here},
        {"rights": rights},
    )
    sign(record)
    return store.add(record, company.id)


def add_head(
    store: Store,
    parent: Record,
    resource_type: str,
    path: tuple[str, ...],
    dates: tuple[datetime, datetime],
    values: dict[str, Any],
    to_one: Targets,
) -> Record:
    """Add the head of a resource to a property, or of a component to a rule.

    ``path`` gives the id, ``dates`` are those of creation and of the last change.
    """
    created, updated = dates
    attributes = {
        **state(stamp(created), dirty=False),
        "updated_at": stamp(updated),
        **_DEFAULTS[resource_type],
        **values,
    }
    if "settings" in attributes:
        attributes["settings"] = json_text(attributes["settings"])
    record = Record(resource_type, make_id(resource_type, *path), attributes, dict(to_one))
    owner = store.of(parent, "property") or parent
    record.to_one |= {"property": owner.here, "origin": record.here}
    record.meta["latest_revision_number"] = 0
    sign(record)
    store.add(record, parent.id)
    if resource_type == "rule_components":
        store.link(record.id, "rules", parent)
    else:
        store.link(record.id, "revisions", record)
    return record


def add_event(
    store: Store,
    identifier: str,
    verb: str,
    record: Record,
    timestamp: str,
    person: Person,
    entity: str,
) -> None:
    """Add an audit event; ``entity`` is the JSON text of the record."""
    owner = store.of(record, "property") or record
    attributes = {
        "created_at": timestamp,
        "updated_at": timestamp,
        "type_of": f"{RESOURCES[record.type].singular}.{verb}",
        "display_name": record.attributes.get("name") or record.id,
        "attributed_to_display_name": person["display_name"],
        "attributed_to_email": person["email"],
        "entity": entity,
    }
    to_one: Targets = {"property": owner.here, "entity": record.here}
    meta = {"property_name": owner.attributes["name"]}
    store.add(Record("audit_events", identifier, attributes, to_one, meta))
