"""What stands around the tags of the demo company: hosts, packages, builds, notes, secrets, audit events. Made up."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from adobe_nb.resources import RESOURCES
from adobe_nb.simulator.packages import attributes_of
from adobe_nb.simulator.publishing import addresses
from adobe_nb.simulator.store import Identifier, Record, Store, stamp

PEOPLE = (
    ("Ana Ortiz", "ana.ortiz@hearth-harbor.example"),
    ("Ben Adeyemi", "ben.adeyemi@hearth-harbor.example"),
    ("Chiara Conti", "chiara.conti@hearth-harbor.example"),
)
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
PARTNERS = "7B4D9F2E67A0C0DE0A495C3F@AdobeOrg"
"""Another organisation."""


def surround(store: Store, company: Record) -> None:
    """Add all of it, from what is in the store."""
    for record in store.all("properties"):
        _host(store, record)
    _builds(store)
    _notes(store)
    _event_forwarding(store)
    _company_level(store, company)
    _audit(store)


def _id(kind: str, *path: str) -> str:
    return RESOURCES[kind].prefix + hashlib.blake2s("/".join((kind, *path)).encode(), digest_size=16).hexdigest()


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
    return _later("2022-01-10T09:00:00.000Z", days=age, minutes=int(_token(platform, name, version), 16) % 600)


def _builds(store: Store) -> None:
    """The last build of each published library, and one of each open library that has an environment."""
    for library in store.all("libraries"):
        owner = store.get(*(library.to_one["property"] or ("", "")))
        if owner is None:
            continue
        published = library.attributes["published_at"]
        named = library.to_one["last_build"]
        stage = "production" if published else "development"
        target = library.to_one["environment"]
        environments = store.listed(owner.id, "environments")
        environment = store.get(*target) if target else None
        environment = environment or next(each for each in environments if each.attributes["stage"] == stage)
        if not published and target is None:
            continue
        identifier = named[1] if named else _id("builds", library.id)
        token = _token("build", library.id)
        created = _later(published, minutes=-2) if published else _later(library.attributes["updated_at"], hours=1)
        record = Record(
            "builds",
            identifier,
            {"created_at": created, "updated_at": _later(created, seconds=40), "status": "succeeded", "token": token},
            {"environment": environment.here, "library": library.here, "property": owner.here},
            addresses(environment, token),
        )
        store.add(record, environment.id, library.id)
        library.to_one["last_build"] = record.here
        for kind in ("rules", "data_elements", "extensions"):
            for revision in store.listed(library.id, kind):
                store.link(record.id, kind, revision)


def _notes(store: Store) -> None:
    for number, (kind, text) in enumerate(_NOTES):
        heads = [each for each in store.all(kind) if each.attributes.get("revision_number", 0) == 0]
        annotated = heads[number % len(heads)]
        name, address = PEOPLE[number % len(PEOPLE)]
        attributes = {
            "text": text, "author_display_name": name, "author_email": address,
            "created_at": _later(annotated.attributes["updated_at"], hours=number + 1),
        }  # fmt: skip
        note = Record("notes", _id("notes", annotated.id, str(number)), attributes, {"resource": annotated.here})
        store.add(note, annotated.id)


def _event_forwarding(store: Store) -> None:
    """A secret for each property of event forwarding, in its production environment."""
    for owner in store.all("properties"):
        if owner.attributes["platform"] != "edge":
            continue
        production = next(
            each for each in store.listed(owner.id, "environments") if each.attributes["stage"] == "production"
        )
        created = _later(owner.attributes["created_at"], days=20)
        attributes = {
            "created_at": created, "updated_at": created, "name": "Warehouse API", "type_of": "token",
            "status": "succeeded", "activated_at": _later(created, seconds=2), "expires_at": None, "refresh_at": None,
        }  # fmt: skip
        to_one: dict[str, Identifier | None] = {"property": owner.here, "environment": production.here}
        store.add(Record("secrets", _id("secrets", owner.id), attributes, to_one), owner.id, production.id)


def _company_level(store: Store, company: Record) -> None:
    """A callback, an app configuration, and leave for another organisation to use a package."""
    first = store.all("properties")[0]
    created = _later(first.attributes["created_at"], days=30)
    attributes: dict[str, Any] = {
        "created_at": created, "updated_at": created, "url": "https://hooks.hearth-harbor.example/tags",
        "subscriptions": ["rule.updated", "library.updated"],
    }  # fmt: skip
    store.add(Record("callbacks", _id("callbacks", first.id), attributes, {"property": first.here}), first.id)
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
    _grant(store, theirs, company.attributes["org_id"], company.attributes["name"], "pending_approval")


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
                {"name": "send", "displayName": "Send", "libPath": "lib/send.js", "schema": {"type": "object"}}
            ],
        }
    )
    created = released("web", name, "1.0.0")
    attributes |= {"created_at": created, "updated_at": created, "availability": "private", "status": "succeeded"}
    attributes |= {"discontinued": False, "owner_org_id": owner}
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
    # Who did it in the other organisation is not shown.
    ours = package.attributes["owner_org_id"] != PARTNERS
    who = {"display_name": PEOPLE[0][0] if ours else "Restricted", "email": PEOPLE[0][1] if ours else "Restricted"}
    attributes |= {f"{verb}_by_{name}": value for verb in ("created", "updated") for name, value in who.items()}
    kind = "extension_package_usage_authorizations"
    store.add(Record(kind, _id(kind, package.id), attributes, {"extension_package": package.here}), package.id)


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
    identifier = _id("audit_events", record.id, what)
    name, address = PEOPLE[int(identifier[-1], 16) % len(PEOPLE)]
    owner = record.here if record.type == "properties" else record.to_one.get("property")
    place = store.get(*owner) if owner else None
    attributes = {
        "created_at": when,
        "updated_at": when,
        "type_of": f"{RESOURCES[record.type].singular}.{what}",
        "display_name": record.attributes.get("name") or record.id,
        "attributed_to_display_name": name,
        "attributed_to_email": address,
        "entity": json.dumps({"data": {"id": record.id, "type": record.type, "attributes": record.attributes}}),
    }
    to_one: dict[str, Identifier | None] = {"property": owner, "entity": record.here}
    event = Record("audit_events", identifier, attributes, to_one)
    event.meta = {"property_name": place.attributes["name"]} if place else {}
    store.add(event)
