"""What stands around the tags of the demo company: hosts, packages, builds, notes, secrets, audit events. Made up."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from adobe_nb.simulator.store import Identifier, Record, Store

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
_PREFIX = {
    "hosts": "HT", "builds": "BL", "notes": "NT", "callbacks": "CB", "secrets": "SE", "app_configurations": "AC",
    "extension_package_usage_authorizations": "EA", "audit_events": "AE",
}  # fmt: skip
_SINGULAR = {"properties": "property", "libraries": "library"}


def surround(store: Store, company: Record) -> None:
    """Add all of it, from what is in the store."""
    for record in store.all("properties"):
        _host(store, record)
    _packages(store, company)
    _builds(store)
    _notes(store)
    _event_forwarding(store)
    _company_level(store, company)
    _audit(store)


def _id(kind: str, *path: str) -> str:
    return _PREFIX[kind] + hashlib.blake2s("/".join((kind, *path)).encode(), digest_size=16).hexdigest()


def _token(*path: str) -> str:
    return hashlib.blake2s("/".join(path).encode(), digest_size=6).hexdigest()


def _later(stamp: str, **span: float) -> str:
    moment = datetime.fromisoformat(stamp) + timedelta(**span)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _here(record: Record) -> Identifier:
    return record.type, record.id


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
        store.add(Record("hosts", named[1], attributes, {"property": _here(owner)}), owner.id)


def _packages(store: Store, company: Record) -> None:
    """Every package that an extension was installed from, or could be upgraded to."""
    for extension in store.all("extensions"):
        installed = extension.to_one["extension_package"]
        owner = store.get(*(extension.to_one["property"] or ("", "")))
        platform = owner.attributes["platform"] if owner else "web"
        wanted = {installed[1]: extension.attributes["version"]} if installed else {}
        if newer := extension.meta.get("upgrade_extension_package_id"):
            wanted[newer] = _next(extension.attributes["version"])
        for identifier, version in wanted.items():
            if store.get("extension_packages", identifier) is None:
                store.add(_package(identifier, extension, version, platform, company))


def _next(version: str) -> str:
    major, minor, *_ = (*version.split("."), "0")
    return f"{major}.{int(minor) + 1}.0"


def _package(identifier: str, extension: Record, version: str, platform: str, company: Record) -> Record:
    name = extension.attributes["name"]
    numbers = [int(part) for part in version.split(".") if part.isdigit()]
    age = sum(number * 10**place for place, number in zip((2, 1, 0), numbers, strict=False))
    created = _later("2022-01-10T09:00:00.000Z", days=age, minutes=int(_token(identifier), 16) % 600)
    attributes: dict[str, Any] = dict.fromkeys(
        ("actions", "conditions", "events", "data_elements", "shared_modules", "resources", "hosted_lib_files"), ()
    )
    attributes = {key: [] for key in attributes} | {
        "name": name, "display_name": extension.attributes["display_name"], "version": version, "platform": platform,
        "availability": "public", "status": "succeeded", "description": f"Stands in for the extension {name}.",
        "author": {"name": "Simulator"}, "discontinued": False, "owner_org_id": company.attributes["org_id"],
        "configuration": None, "main": None, "view_base_path": "dist/", "icon_path": None, "exchange_url": None,
        "cdn_path": None, "ecma_version": None, "created_at": created, "updated_at": created,
    }  # fmt: skip
    return Record("extension_packages", identifier, attributes)


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
        folder = f"https://assets.adobedtm.com/{environment.attributes['library_path']}"
        file = environment.attributes["library_name"]
        created = _later(published, minutes=-2) if published else _later(library.attributes["updated_at"], hours=1)
        record = Record(
            "builds",
            identifier,
            {"created_at": created, "updated_at": _later(created, seconds=40), "status": "succeeded", "token": token},
            {"environment": _here(environment), "library": _here(library), "property": _here(owner)},
            {
                "artifact_url": f"{folder}/{file}",
                "direct_artifact_url": f"{folder}/{token}/{file}",
                "archive": False,
                "host_type_of": "akamai",
            },
        )
        store.add(record, environment.id, library.id)
        library.to_one["last_build"] = _here(record)
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
        note = Record("notes", _id("notes", annotated.id, str(number)), attributes, {"resource": _here(annotated)})
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
        to_one: dict[str, Identifier | None] = {"property": _here(owner), "environment": _here(production)}
        store.add(Record("secrets", _id("secrets", owner.id), attributes, to_one), owner.id, production.id)


def _company_level(store: Store, company: Record) -> None:
    """A callback, an app configuration, and leave for another organisation to use a package."""
    first = store.all("properties")[0]
    created = _later(first.attributes["created_at"], days=30)
    attributes: dict[str, Any] = {
        "created_at": created, "updated_at": created, "url": "https://hooks.hearth-harbor.example/tags",
        "subscriptions": ["rule.updated", "library.updated"],
    }  # fmt: skip
    store.add(Record("callbacks", _id("callbacks", first.id), attributes, {"property": _here(first)}), first.id)
    attributes = {
        "created_at": created, "updated_at": created, "app_id": "example.hearth-harbor.store", "name": "Store App",
        "platform": "mobile", "messaging_service": "apns", "key_type": "p8_file",
    }  # fmt: skip
    configuration = Record("app_configurations", _id("app_configurations", company.id), attributes)
    configuration.to_one = {"company": _here(company)}
    store.add(configuration, company.id)
    package = store.all("extension_packages")[0]
    attributes = {
        "created_at": created, "updated_at": created, "name": package.attributes["name"],
        "platform": package.attributes["platform"], "owner_org_id": company.attributes["org_id"],
        "owner_org_name": company.attributes["name"], "authorized_org_id": "7B4D9F2E67A0C0DE0A495C3F@AdobeOrg",
        "authorized_org_name": "Harbor Partners", "state": "approved",
    }  # fmt: skip
    kind = "extension_package_usage_authorizations"
    store.add(Record(kind, _id(kind, package.id), attributes, {"extension_package": _here(package)}), package.id)


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
    owner = _here(record) if record.type == "properties" else record.to_one.get("property")
    place = store.get(*owner) if owner else None
    attributes = {
        "created_at": when,
        "updated_at": when,
        "type_of": f"{_SINGULAR.get(record.type, record.type.removesuffix('s'))}.{what}",
        "display_name": record.attributes.get("name") or record.id,
        "attributed_to_display_name": name,
        "attributed_to_email": address,
        "entity": json.dumps({"data": {"id": record.id, "type": record.type, "attributes": record.attributes}}),
    }
    to_one: dict[str, Identifier | None] = {"property": owner, "entity": _here(record)}
    event = Record("audit_events", identifier, attributes, to_one)
    event.meta = {"property_name": place.attributes["name"]} if place else {}
    store.add(event)
