"""Resources around the tags of the demo company: hosts, builds, notes, secrets, audit events."""

from typing import Any
from uuid import UUID

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.accounts import digest
from adobe_nb.simulator.dates import later
from adobe_nb.simulator.demo import COMPANY, PROPERTIES
from adobe_nb.simulator.publishing import deliver, details, mark_built, refresh_upstreams
from adobe_nb.simulator.seed.audit import add_deletion, add_events
from adobe_nb.simulator.seed.packages import add_private_packages
from adobe_nb.simulator.seed.records import (
    PEOPLE,
    add_record,
    jitter,
    make_id,
    parse_day,
    secret_path,
)
from adobe_nb.simulator.store import Record, Store, stamp

# A library inherits from those in the states before its own, so those are built first. The hours
# from the last change of a library to its build are negative where the build led to that change.
_BUILDS = {
    "published": ("production", {"minutes": -2}),
    "approved": ("staging", {"hours": -2}),
    "submitted": ("staging", {"hours": 1}),
    "development": ("development", {"hours": 1}),
}
"""By state of a library: the stage that it was last built on, and when after its last change."""


def surround(store: Store, company: Record) -> None:
    """Add the resources that depend on the properties in the store."""
    properties = store.all("properties")
    for record in properties:
        _add_host(store, record)
        refresh_upstreams(store, record.here)
    # The first upstream of a library does not make it stale.
    for library in store.all("libraries"):
        library["stale"] = None
    failures = _failures()
    for state in _BUILDS:
        for library in store.all("libraries"):
            if library["state"] == state:
                if library.id in failures:
                    _add_failed_build(store, library, failures[library.id])
                _add_build(store, library)
    _add_notes(store)
    for record in properties:
        if record["platform"] == "edge":
            _add_secret(store, record, "production", days=20)
            _add_secret(store, record, "development", days=21)
    _add_integrations(store, company, properties[0])
    add_private_packages(store, company)
    add_events(store)
    # Builds, and the events of earlier changes, still know what is deleted now.
    for spec in PROPERTIES:
        for resource_type in ("data_elements", "rules"):
            _delete_former(store, spec, resource_type)


def _add_host(store: Store, owner: Record) -> None:
    created = later(owner["created_at"], minutes=4)
    path = (owner["name"],)
    add_record(store, "hosts", path, created, {}, owner, property=owner.here)


def _environment(store: Store, owner: Record, stage: str) -> Record:
    """Return the environment of a stage; every seeded property has one of each."""
    environments = store.listed(owner.id, "environments")
    return next(record for record in environments if record["stage"] == stage)


def _add_build(store: Store, library: Record) -> None:
    state = library["state"]
    stage, offset = _BUILDS[state]
    owner = store.of(library, "property") or library
    created = later(library["updated_at"], **offset)
    upstream = store.of(library, "upstream_library")
    if upstream is not None:
        upstream_build = store.of(upstream, "last_build")
        # A build cannot hold an upstream build that is younger.
        if upstream_build is not None:
            created = max(created, later(upstream_build["created_at"], hours=1))
    path: tuple[str, ...] = (library.id,)
    if state == "published":
        path = (owner["name"], library["name"])
    values = {
        "updated_at": later(created, seconds=40),
        "token": digest(f"build/{library.id}", 6),
    }
    build = add_record(store, "builds", path, created, values)
    deliver(store, build, library, _environment(store, owner, stage))
    # An approved library was built before its approval, and still has to be built on production.
    if state != "approved":
        mark_built(library)


def _failures() -> dict[str, str]:
    """Return why builds failed, by the ids of their libraries."""
    failures = {}
    for spec in PROPERTIES:
        for library in spec["libraries"]:
            if "failed_build" in library:
                library_id = make_id("libraries", spec["name"], library["name"])
                failures[library_id] = library["failed_build"]
    return failures


def _add_failed_build(store: Store, library: Record, detail: str) -> None:
    """Add a build on development, a few hours after the library was created."""
    owner = store.property_of(library)
    created = later(library["created_at"], hours=4)
    values = {
        "updated_at": later(created, seconds=12),
        "status": "failed",
        "token": digest(f"failed build/{library.id}", 6),
    }
    build = add_record(store, "builds", (library.id, "failed"), created, values)
    deliver(store, build, library, _environment(store, owner, "development"))
    error = details("minification-error", detail)
    build.meta["status_details"] = {"errors": [error | {"id": str(UUID(digest(build.id, 16)))}]}


def _add_notes(store: Store) -> None:
    for position, note in enumerate(COMPANY["notes"]):
        heads = [record for record in store.all(note["type"]) if record.is_head]
        resource = heads[position % len(heads)]
        person = PEOPLE[position % len(PEOPLE)]
        attributes = {
            "text": note["text"],
            "author_display_name": person["display_name"],
            "author_email": person["email"],
            "created_at": later(resource["updated_at"], hours=position + 1),
        }
        identifier = make_id("notes", resource.id, str(position))
        store.add(Record("notes", identifier, attributes, {"resource": resource.here}), resource.id)


def _add_secret(store: Store, owner: Record, stage: str, days: int) -> None:
    environment = _environment(store, owner, stage)
    created = later(owner["created_at"], days=days)
    secret = add_record(
        store,
        "secrets",
        secret_path(owner.id, stage),
        created,
        {"activated_at": later(created, seconds=2)},
        owner,
        environment,
        property=owner.here,
        environment=environment.here,
    )
    secret.stage = stage


def _add_integrations(store: Store, company: Record, owner: Record) -> None:
    """Add a callback to a property, and an app configuration to the company."""
    created = later(owner["created_at"], days=30)
    add_record(store, "callbacks", (owner.id,), created, {}, owner, property=owner.here)
    path = (company.id,)
    add_record(store, "app_configurations", path, created, {}, company, company=company.here)


def _delete_former(store: Store, spec: dict[str, Any], resource_type: str) -> None:
    """Delete the resources that a property does not have any more."""
    for resource in spec[resource_type]:
        identifier = make_id(resource_type, spec["name"], resource["name"])
        record = store.get(resource_type, identifier)
        if "deleted" in resource and record is not None:
            date = parse_day(resource["deleted"]) + jitter(f"{identifier} deleted", 8)
            _delete(store, record, stamp(date))


def _delete(store: Store, record: Record, timestamp: str) -> None:
    record["deleted_at"] = timestamp
    for attribute in RESOURCES[record.type].meta:
        if attribute.name == "deleted_at":
            record.meta["deleted_at"] = timestamp
    store.unlink(store.property_of(record).id, record.type, record)
    add_deletion(store, record, timestamp)
