"""What stands around the tags of the demo company: hosts, packages, builds, notes, secrets, audit
events. Made up.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.packages import attributes_of
from adobe_nb.simulator.publishing import deliver, mark_built, refresh_upstreams
from adobe_nb.simulator.store import SERVED_AT, Identifier, Record, Store, render, stamp
from adobe_nb.simulator.texts import json_text

PEOPLE = (
    ("Ana Ortiz", "ana.ortiz@hearth-harbor.example"),
    ("Ben Adeyemi", "ben.adeyemi@hearth-harbor.example"),
    ("Chiara Conti", "chiara.conti@hearth-harbor.example"),
)
_RESTRICTED = ("Restricted", "Restricted")
"""Who did it in another organisation is not shown."""
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
_NOTES = (
    ("rules", "Agreed with the shop team: keep this one until the autumn sale is over."),
    ("rules", "Fires twice on slow connections; see the ticket of March."),
    ("data_elements", "Comes from the data layer; the name is fixed in the template."),
    ("libraries", "Approved after a test in staging."),
    ("properties", "Consent is asked for by the banner, not by a rule."),
    ("extensions", "Upgrade together with the other stores."),
)
_BUILT_ON = {
    "published": "production", "approved": "staging", "submitted": "staging", "development": "development",
}  # fmt: skip
"""The stage of the environment that a library was last built on, by state; what is inherited from
comes first.
"""
_BUILT_AFTER: dict[str, dict[str, float]] = {
    "published": {"minutes": -2}, "approved": {"hours": -2}, "submitted": {"hours": 1}, "development": {"hours": 1},
}  # fmt: skip
"""How long after the library's last change."""
PARTNERS = "7B4D9F2E67A0C0DE0A495C3F@AdobeOrg"
"""Another organisation."""


def surround(store: Store, company: Record) -> None:
    """Add all of it, from what is in the store."""
    for record in store.all("properties"):
        _host(store, record)
        refresh_upstreams(store, record.here)
    for library in store.all("libraries"):
        library.attributes["stale"] = None
    _builds(store)
    _notes(store)
    _event_forwarding(store)
    _company_level(store, company)
    _audit(store)


def signed(identifier: str, *, changed: bool) -> dict[str, str]:
    """The attributes that say who made a seeded record and who changed it last: whom its audit
    events name.
    """
    creator = _author(_event_id(identifier, "created"))
    editor = _author(_event_id(identifier, "updated")) if changed else creator
    return signatures(created=creator, updated=editor)


def signatures(**people: tuple[str, str]) -> dict[str, str]:
    """``created_by_email`` and the like, of people given by verb."""
    names = {f"{verb}_by_display_name": name for verb, (name, _) in people.items()}
    return names | {f"{verb}_by_email": address for verb, (_, address) in people.items()}


def _author(event: str) -> tuple[str, str]:
    return PEOPLE[int(event[-1], 16) % len(PEOPLE)]


def _event_id(identifier: str, what: str) -> str:
    return _id("audit_events", identifier, what)


def _id(kind: str, *path: str) -> str:
    return (
        RESOURCES[kind].prefix
        + hashlib.blake2s("/".join((kind, *path)).encode(), digest_size=16).hexdigest()
    )


def _token(*path: str) -> str:
    return hashlib.blake2s("/".join(path).encode(), digest_size=6).hexdigest()


def _later(moment: str, **span: float) -> str:
    return stamp(datetime.fromisoformat(moment) + timedelta(**span))


def _host(store: Store, owner: Record) -> None:
    """The host that the environments of the property point to."""
    environments = store.listed(owner.id, "environments")
    if not environments:
        return
    named = environments[0].to_one["host"]
    created = _later(owner.attributes["created_at"], minutes=4)
    attributes = {
        "created_at": created, "updated_at": created, "name": "Managed by Adobe", "type_of": "akamai", "server": None,
        "path": None, "port": None, "username": None, "status": "succeeded", "skip_symlinks": False,
    }  # fmt: skip
    if named is not None:
        store.add(Record("hosts", named[1], attributes, {"property": owner.here}), owner.id)


def released(platform: str, name: str, version: str) -> str:
    """When that version of a package came out; made up, higher versions later."""
    numbers = [int(part) for part in version.split(".") if part.isdigit()]
    age = sum(number * 10**place for place, number in zip((2, 1, 0), numbers, strict=False))
    return _later(
        "2022-01-10T09:00:00.000Z", days=age, minutes=int(_token(platform, name, version), 16) % 600
    )


def _builds(store: Store) -> None:
    """The last build of each library that has one; an upstream library is built before those that
    inherit from it.
    """
    order = list(_BUILT_ON)
    libraries = [each for each in store.all("libraries") if each.attributes["state"] in _BUILT_ON]
    for library in sorted(libraries, key=lambda each: order.index(each.attributes["state"])):
        stage = _BUILT_ON[library.attributes["state"]]
        owner = (library.to_one["property"] or ("", ""))[1]
        environment = next(
            each
            for each in store.listed(owner, "environments")
            if each.attributes["stage"] == stage
        )
        _build(store, library, environment)


def _build(store: Store, library: Record, environment: Record) -> None:
    state, named = library.attributes["state"], library.to_one["last_build"]
    created = _later(library.attributes["updated_at"], **_BUILT_AFTER[state])
    upstream = store.of(library, "upstream_library")
    upstream_build = store.of(upstream, "last_build") if upstream else None
    if upstream_build is not None:
        created = max(created, _later(upstream_build.attributes["created_at"], hours=1))
    attributes = {
        "created_at": created, "updated_at": _later(created, seconds=40), "status": "succeeded",
        "token": _token("build", library.id),
    }  # fmt: skip
    identifier = named[1] if named else _id("builds", library.id)
    deliver(store, Record("builds", identifier, attributes), library, environment)
    if (
        state != "approved"
    ):  # that build is of the state before: it still has to be built on production
        mark_built(library)


def _notes(store: Store) -> None:
    for number, (kind, text) in enumerate(_NOTES):
        heads = [each for each in store.all(kind) if each.attributes.get("revision_number", 0) == 0]
        annotated = heads[number % len(heads)]
        name, address = PEOPLE[number % len(PEOPLE)]
        attributes = {
            "text": text, "author_display_name": name, "author_email": address,
            "created_at": _later(annotated.attributes["updated_at"], hours=number + 1),
        }  # fmt: skip
        note = Record(
            "notes",
            _id("notes", annotated.id, str(number)),
            attributes,
            {"resource": annotated.here},
        )
        store.add(note, annotated.id)


def _event_forwarding(store: Store) -> None:
    """A secret for each property of event forwarding, in its production environment."""
    for owner in store.all("properties"):
        if owner.attributes["platform"] != "edge":
            continue
        production = next(
            each
            for each in store.listed(owner.id, "environments")
            if each.attributes["stage"] == "production"
        )
        created = _later(owner.attributes["created_at"], days=20)
        attributes = {
            "created_at": created, "updated_at": created, "name": "Warehouse API", "type_of": "token",
            "status": "succeeded", "activated_at": _later(created, seconds=2), "expires_at": None, "refresh_at": None,
        }  # fmt: skip
        to_one: dict[str, Identifier | None] = {
            "property": owner.here,
            "environment": production.here,
        }
        secret = Record("secrets", _id("secrets", owner.id), attributes, to_one, stage="production")
        store.add(secret, owner.id, production.id)


def _company_level(store: Store, company: Record) -> None:
    """A callback, an app configuration, and leave for another organisation to use a package."""
    first = store.all("properties")[0]
    created = _later(first.attributes["created_at"], days=30)
    attributes: dict[str, Any] = {
        "created_at": created, "updated_at": created, "url": "https://hooks.hearth-harbor.example/tags",
        "subscriptions": ["rule.updated", "library.updated"],
    }  # fmt: skip
    store.add(
        Record("callbacks", _id("callbacks", first.id), attributes, {"property": first.here}),
        first.id,
    )
    attributes = {
        "created_at": created, "updated_at": created, "app_id": "example.hearth-harbor.store", "name": "Store App",
        "platform": "mobile", "messaging_service": "apns", "key_type": "p8_file",
    }  # fmt: skip
    configuration = Record("app_configurations", _id("app_configurations", company.id), attributes)
    configuration.to_one = {"company": company.here}
    store.add(configuration, company.id)
    own = _private_package(store, "harbor-tools", "Harbor Tools", company.attributes["org_id"])
    _grant(store, own, PARTNERS, "Restricted", "approved")
    theirs = _private_package(store, "partner-beacon", "Partner Beacon", PARTNERS)
    _grant(
        store, theirs, company.attributes["org_id"], company.attributes["name"], "pending_approval"
    )


def _private_package(store: Store, name: str, display_name: str, owner: str) -> Record:
    """A package of an organisation's own, with one action."""
    attributes = attributes_of(
        {
            "name": name,
            "displayName": display_name,
            "platform": "web",
            "version": "1.0.0",
            "description": "A private extension of the demo.",
            "author": {"name": display_name},
            "viewBasePath": "dist/",
            "actions": [
                {
                    "name": "send",
                    "displayName": "Send",
                    "libPath": "lib/send.js",
                    "schema": {"type": "object"},
                }
            ],
        }
    )
    created = released("web", name, "1.0.0")
    attributes |= {
        "created_at": created,
        "updated_at": created,
        "availability": "private",
        "status": "succeeded",
    }
    attributes |= {"discontinued": False, "owner_org_id": owner}
    developer = _RESTRICTED if owner == PARTNERS else PEOPLE[0]
    attributes |= signatures(created=developer, updated=developer)
    return store.add(Record("extension_packages", _id("extension_packages", name), attributes))


def _grant(store: Store, package: Record, org_id: str, org_name: str, state: str) -> None:
    """Leave for an organisation to use a private package."""
    created = _later(package.attributes["created_at"], days=3)
    attributes = {
        "created_at": created, "updated_at": created, "name": package.attributes["name"],
        "platform": package.attributes["platform"], "owner_org_id": package.attributes["owner_org_id"],
        "owner_org_name": package.attributes["author"]["name"], "authorized_org_id": org_id,
        "authorized_org_name": org_name, "state": state,
    }  # fmt: skip
    who = _RESTRICTED if package.attributes["owner_org_id"] == PARTNERS else PEOPLE[0]
    attributes |= signatures(created=who, updated=who)
    kind = "extension_package_usage_authorizations"
    store.add(
        Record(kind, _id(kind, package.id), attributes, {"extension_package": package.here}),
        package.id,
    )


def _audit(store: Store) -> None:
    """One event per creation and per later change of what is there now."""
    for kind in _AUDITED:
        for record in store.all(kind):
            if record.attributes.get("revision_number", 0) == 0:
                created, updated = record.attributes["created_at"], record.attributes["updated_at"]
                _event(store, record, "created", created)
                if updated > created:
                    _event(store, record, "updated", updated)


def _event(store: Store, record: Record, what: str, when: str) -> None:
    identifier = _event_id(record.id, what)
    name, address = _author(identifier)
    owner = record.here if record.type == "properties" else record.to_one.get("property")
    place = store.get(*owner) if owner else None
    attributes = {
        "created_at": when,
        "updated_at": when,
        "type_of": f"{RESOURCES[record.type].singular}.{what}",
        "display_name": record.attributes.get("name") or record.id,
        "attributed_to_display_name": name,
        "attributed_to_email": address,
        "entity": json_text({"data": render(record, SERVED_AT)}),
    }
    to_one: dict[str, Identifier | None] = {"property": owner, "entity": record.here}
    event = Record("audit_events", identifier, attributes, to_one)
    event.meta = {"property_name": place.attributes["name"]} if place else {}
    store.add(event)
