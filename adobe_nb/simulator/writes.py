"""Create, update, delete and act: what the registry says is checked once, what a type does besides
is one function.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from adobe_nb.registry import RESOURCES, Resource
from adobe_nb.simulator import packages, publishing, secrets, settings
from adobe_nb.simulator.calls import Call
from adobe_nb.simulator.documents import Linkage, Wanted
from adobe_nb.simulator.ims import PROPERTY_RIGHTS
from adobe_nb.simulator.problems import Problem, conflict, malformed, not_authorized, not_found
from adobe_nb.simulator.revisions import editable, newest, revise, state
from adobe_nb.simulator.store import Record

_RIGHTS = {
    "properties": "manage_properties",
    "app_configurations": "manage_app_configurations",
    "callbacks": "develop",
    "data_elements": "develop",
    "environments": "manage_environments",
    "extensions": "manage_extensions",
    "hosts": "manage_environments",
    "libraries": "develop",
    "rule_components": "develop",
    "rules": "develop",
    "secrets": "manage_environments",
}
"""The right that creating, changing and deleting needs; the other types look for themselves."""
_MOST_NOTE = 512
_DELEGATES = {
    "data_elements": ("dataElements",),
    "rule_components": ("events", "conditions", "actions"),
    "extensions": ("extensionConfiguration",),
}
_ALWAYS: dict[str, dict[str, Any]] = {
    "rules": {"enabled": True, "review_status": "unsubmitted"},
    "data_elements": {
        "enabled": True, "settings": "{}", "clean_text": False, "force_lower_case": False,
        "review_status": "unsubmitted",
    },
    "rule_components": {
        "settings": "{}", "order": 0, "rule_order": 50.0, "timeout": 2000, "delay_next": True, "negate": False,
    },
    "extensions": {"enabled": True, "settings": "{}", "review_status": "unsubmitted"},
    "properties": {
        "enabled": True, "development": False, "domains": [], "undefined_vars_return_empty": False,
        "rule_component_sequencing_enabled": False,
    },
    "environments": {"archive": False},
    "hosts": {"skip_symlinks": False},
}  # fmt: skip
"""What an attribute is when nobody says it."""


_MOBILE = {"ssl_enabled": True, "privacy": "optedin"}
"""What a mobile property has besides, unless it is told otherwise."""


def create(call: Call, parent: Record, row: Resource, wanted: Wanted) -> Record:
    """A new record under its parent. Raises Problem, and then nothing is changed."""
    if row.type in _RIGHTS:
        call.need(_RIGHTS[row.type])
    moment = call.store.now()
    attributes: dict[str, Any] = {attribute.name: None for attribute in row.columns}
    attributes |= {"created_at": moment}
    if "updated_at" in attributes:
        attributes["updated_at"] = moment
    if "revision_number" in attributes:
        attributes |= state(moment)
    attributes |= _ALWAYS.get(row.type, {})
    shown = {attribute.name for attribute in row.columns}
    attributes |= {name: value for name, value in wanted.attributes.items() if name in shown}
    record = Record(row.type, call.store.new_id(row.type), attributes)
    owner = parent if parent.type == "properties" else call.store.of(parent, "property")
    for relation in row.to_one:
        record.to_one[relation.name] = None
        if relation.name == "origin":
            record.to_one["origin"] = record.here
        elif relation.name == RESOURCES[parent.type].singular or (len(relation.targets) > 1):
            record.to_one[relation.name] = parent.here
        elif relation.name == "property" and owner is not None:
            record.to_one["property"] = owner.here
    _link(call, record, wanted, owner)
    if row.type in _CREATED:
        _CREATED[row.type](call, parent, record, wanted)
    call.store.add(record, parent.id)
    if "origin" in record.to_one:
        record.meta.setdefault("latest_revision_number", 0)
    if row.revisionable:
        call.store.link(record.id, "revisions", record)
    call.created(record)
    if row.type in _ADDED:
        _ADDED[row.type](call, parent, record, wanted)
    return record


def update(call: Call, record: Record, wanted: Wanted) -> Record:
    """Change a record, or act on it; the answer is what it is then, or the new revision."""
    if wanted.action is not None:
        return _act(call, record, wanted.action)
    if record.type in _RIGHTS:
        call.need(_RIGHTS[record.type])
    if "revision_number" in record.attributes:
        editable(record)
    before, links = dict(record.attributes), dict(record.to_one)
    shown = {attribute.name for attribute in RESOURCES[record.type].columns}
    try:
        record.attributes |= {
            name: value for name, value in wanted.attributes.items() if name in shown
        }
        _link(call, record, wanted, call.store.of(record, "property"))
        if record.type in _UPDATED:
            _UPDATED[record.type](call, record, wanted, before)
    except Problem:
        record.attributes, record.to_one = before, links
        raise
    if "dirty" in record.attributes:
        record.attributes["dirty"] = True
    call.touch(record)
    if record.type == "rule_components":
        _touch_rules(call, record)
    return record


def delete(call: Call, record: Record) -> None:
    """Delete it: for good, or so that it can still be fetched."""
    row = RESOURCES[record.type]
    if "delete" not in row.verbs:
        raise Problem(405, "method-not-allowed", f"{row.type} cannot be deleted.")
    if record.type in _RIGHTS:
        call.need(_RIGHTS[record.type])
    if record.deleted:
        raise not_found(f"/{record.type}/{record.id}")
    if "revision_number" in record.attributes:
        editable(record)
    if record.type in _DELETED:
        _DELETED[record.type](call, record)
    if row.deletion == "soft":
        record.attributes |= {"deleted_at": call.store.now()}
        if any(attribute.name == "deleted_at" for attribute in row.meta):
            record.meta["deleted_at"] = record.attributes["deleted_at"]
        call.store.changed(record)
        _unlist(call, record)
    else:
        call.store.remove(record)
    call.gone(record)
    if record.type == "libraries":
        publishing.refresh_upstreams(call.store, record.to_one["property"])


def _unlist(call: Call, record: Record) -> None:
    """What is deleted stands in no list of what there is; it still has its revisions, and they
    their libraries.
    """
    owner = record.to_one.get("property")
    if owner is not None:
        call.store.unlink(owner[1], record.type, record)
    if record.type == "rule_components":
        _touch_rules(call, record)
        for rule in call.store.listed(record.id, "rules"):
            call.store.unlink(rule.id, record.type, record)


def _act(call: Call, record: Record, action: str) -> Record:
    if action == "revise":
        call.need(_RIGHTS[record.type])
        return revise(call, record)
    if record.type == "libraries":
        publishing.transition(call, record, action)
    elif record.type == "builds":
        publishing.republish(call, record)
    elif record.type == "extension_packages":
        packages.release(call, record, action)
    elif record.type == "secrets":
        call.need(_RIGHTS["secrets"])
        secrets.act(call, record, action)
    return record


def _link(call: Call, record: Record, wanted: Wanted, owner: Record | None) -> None:
    """Set the to-one relations; what they point to has to be there, and in the same property."""
    for relation in RESOURCES[record.type].to_one:
        target = wanted.one(relation.name)
        if target is None or relation.name == "environment":
            continue  # an environment is assigned by rules of its own
        pointer = f"/data/relationships/{relation.name}"
        found = call.store.get(*target.here)
        other = found.to_one.get("property") if found else None
        elsewhere = other is not None and owner is not None and other != owner.here
        if (
            found is None
            or elsewhere
            or not packages.may_see(call.store, found, call.account.org_id)
        ):
            raise Problem(404, "not-found", f"There is no {target.type} {target.id} here.", pointer)
        if found.deleted:
            raise conflict("deleted-resources", f"{target.id} is deleted.", pointer)
        record.to_one[relation.name] = found.here


# -- what each type does besides


def _property(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:  # noqa: ARG001
    _domains(record)
    _unique_name(record, call.store.listed(parent.id, "properties"))
    record.attributes["token"] = call.store.new_token()
    if record.attributes["platform"] == "mobile":
        # Of a mobile property both are always answered.
        for name, value in _MOBILE.items():
            if record.attributes[name] is None:
                record.attributes[name] = value
    record.meta["rights"] = list(PROPERTY_RIGHTS)


def _core(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:  # noqa: ARG001
    """A new property has the core extension already."""
    found = [
        each for each in packages.visible(call.store, "", None) if each.attributes["name"] == "core"
    ]
    package = next(
        (each for each in found if each.attributes["platform"] == record.attributes["platform"]),
        None,
    )
    if package is not None:
        linked = Wanted({}, {"extension_package": (Linkage(*package.here),)})
        _as_service(call, record, linked)


def _as_service(call: Call, owner: Record, wanted: Wanted) -> None:
    everything = call.account.with_all_rights()
    create(Call(call.store, everything, call.options), owner, RESOURCES["extensions"], wanted)


def _property_changed(
    call: Call, record: Record, _wanted: Wanted, _before: Mapping[str, Any]
) -> None:
    company = record.to_one["company"]
    _domains(record)
    _unique_name(record, call.store.listed(company[1], "properties") if company else [])


def _domains(record: Record) -> None:
    domains = record.attributes["domains"]
    if domains is not None and not all(isinstance(each, str) and each for each in domains):
        raise malformed("domains is a list of host names.", "/data/attributes/domains")
    if record.attributes["platform"] == "web" and not domains:
        raise malformed("A web property needs at least one domain.", "/data/attributes/domains")


def _unique_name(record: Record, others: list[Record]) -> None:
    name = record.attributes["name"]
    if any(each is not record and each.attributes["name"] == name for each in others):
        raise conflict("not-unique", f"The name {name} is taken.", "/data/attributes/name")


def _delete_property(call: Call, record: Record) -> None:
    """All that is in it goes along, with the notes on it."""
    inside = [
        each
        for kind in RESOURCES
        if kind != "audit_events"
        for each in call.store.all(kind)
        if each.to_one.get("property") == record.here
    ]
    for each in (record, *inside):
        for note in call.store.listed(each.id, "notes"):
            call.store.remove(note)
    for each in inside:
        call.store.remove(each)


def _delegated(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:  # noqa: ARG001
    extension = _extension_of(call, record)
    package = _package_of(call, extension)
    settings.check(
        package.attributes,
        record.attributes["delegate_descriptor_id"],
        record.attributes["settings"],
        _DELEGATES[record.type],
    )
    current = newest(call.store, extension)
    record.to_one |= {
        "updated_with_extension": current.here,
        "updated_with_extension_package": package.here,
    }
    if record.type == "rule_components":
        _into_rules(call, record, wanted)
    if record.type == "data_elements":
        secrets.use(call, record)


def _delegate_changed(
    call: Call, record: Record, _wanted: Wanted, _before: Mapping[str, Any]
) -> None:
    _delegated(call, record, record, Wanted({}, {}))


def _into_rules(call: Call, record: Record, wanted: Wanted) -> None:
    for item in wanted.linked.get("rules", ()):
        rule = call.store.get(*item.here)
        if rule is None or rule.to_one["property"] != record.to_one["property"]:
            raise Problem(
                404, "not-found", f"There is no rule {item.id} here.", "/data/relationships/rules"
            )
        editable(rule)


def _component_added(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:
    call.store.unlink(parent.id, record.type, record)  # a property does not list components
    for item in wanted.linked["rules"]:
        rule = call.store.get(*item.here)
        if rule is not None:
            call.store.link(rule.id, record.type, record)
            call.store.link(record.id, "rules", rule)
    _touch_rules(call, record)


def _touch_rules(call: Call, record: Record) -> None:
    for rule in call.store.listed(record.id, "rules"):
        rule.attributes["dirty"] = True
        call.touch(rule)


def _extension_of(call: Call, record: Record) -> Record:
    extension = call.store.of(record, "extension")
    if extension is None:
        raise malformed("The relationship extension is missing.", "/data/relationships/extension")
    return extension


def _package_of(call: Call, extension: Record) -> Record:
    package = call.store.of(extension, "extension_package")
    if package is None:
        raise conflict(
            "delegate-descriptor-unresolved", "The package of the extension is not there any more."
        )
    return package


def _extension(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:  # noqa: ARG001
    package = _package_of(call, record)
    packages.installable(call, package, parent)
    for other in call.store.listed(parent.id, "extensions"):
        if other.attributes["name"] == package.attributes["name"] and not other.deleted:
            raise conflict("not-unique", f"{package.attributes['name']} is installed already.")
    _installed(call, record, package)


def _installed(call: Call, record: Record, package: Record) -> None:
    attributes = record.attributes
    settings.check(
        package.attributes,
        attributes["delegate_descriptor_id"],
        attributes["settings"],
        _DELEGATES["extensions"],
    )
    record.attributes |= {
        name: package.attributes[name] for name in ("name", "display_name", "version")
    }
    record.to_one["updated_with_extension_package"] = package.here
    record.meta.pop("upgrade_extension_package_id", None)
    newer = packages.newer(call.store, package, call.account.org_id)
    if newer is not None:
        record.meta["upgrade_extension_package_id"] = newer.id


def _first_revision(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:  # noqa: ARG001
    revise(call, record)


def _extension_changed(
    call: Call, record: Record, wanted: Wanted, before: Mapping[str, Any]
) -> None:
    package, place = _package_of(call, record), call.store.of(record, "property")
    if wanted.one("extension_package") is not None and place is not None:
        packages.installable(call, package, place)
        if package.attributes["name"] != before["name"]:
            raise conflict(
                "invalid-extension_package_id",
                "An upgrade is to another version of the same package.",
            )
    _installed(call, record, package)
    if record.attributes["version"] != before["version"]:
        publishing.extension_upgraded(call, record)


def _host(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:  # noqa: ARG001
    _without_scheme(record)
    if record.attributes["type_of"] == "akamai":
        record.attributes["status"] = "succeeded"
        return
    _has_server(record)
    if "encrypted_private_key" not in wanted.attributes:
        raise conflict("decrypt-no-data", "An SFTP host needs encrypted_private_key.")
    _try_connection(call, record)


def _host_changed(call: Call, record: Record, wanted: Wanted, before: Mapping[str, Any]) -> None:  # noqa: ARG001
    if before["type_of"] != "sftp" or record.attributes["type_of"] != "sftp":
        raise conflict("read-only", "Only SFTP hosts can be changed.")
    _without_scheme(record)
    _has_server(record)
    _try_connection(call, record)


def _without_scheme(record: Record) -> None:
    """``https://example.com`` is answered as ``//example.com``; a bare name stays."""
    server = record.attributes["server"]
    if server is not None:
        record.attributes["server"] = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*:(?=//)", "", server)


def _has_server(record: Record) -> None:
    if not record.attributes["server"]:
        raise malformed("An SFTP host needs a server.", "/data/attributes/server")


def _try_connection(call: Call, record: Record) -> None:
    record.attributes["status"] = "pending"
    record.meta.pop("status_details", None)

    def tried() -> None:
        reachable = not str(record.attributes["server"]).endswith(".invalid")
        record.attributes["status"] = "succeeded" if reachable else "failed"
        if not reachable:
            detail = f"{record.attributes['server']} cannot be reached."
            record.meta["status_details"] = {
                "errors": [publishing.details("sftp-connection-timeout", detail)]
            }
        call.store.changed(record)

    call.store.later(call.options.build_seconds, tried)


def _delete_host(call: Call, record: Record) -> None:
    for environment in call.store.all("environments"):
        if environment.to_one["host"] == record.here:
            raise conflict(
                "host-in-use", f"The environment {environment.attributes['name']} uses this host."
            )


def _environment(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:
    stage = record.attributes["stage"]
    others = call.store.listed(parent.id, "environments")
    if stage != "development" and any(each.attributes["stage"] == stage for each in others):
        raise conflict(
            "not-unique", f"There is a {stage} environment already.", "/data/attributes/stage"
        )
    record.to_one["library"] = None
    record.attributes |= {"status": "succeeded", "token": call.store.new_token()}
    _addresses(call, record, wanted)


def _environment_changed(
    call: Call, record: Record, wanted: Wanted, _before: Mapping[str, Any]
) -> None:
    _addresses(call, record, wanted)


def _addresses(call: Call, record: Record, wanted: Wanted) -> None:
    """Paths and file names of an environment on a host managed by Adobe."""
    attributes, host, place = (
        record.attributes,
        call.store.of(record, "host"),
        call.store.of(record, "property"),
    )
    company = call.store.of(place, "company") if place else None
    encrypted = record.meta.get("archive_encrypted") or wanted.raw.get("archive_passphrase")
    record.meta["archive_encrypted"] = bool(attributes["archive"] and encrypted)
    if host is None or host.attributes["type_of"] != "akamai" or place is None or company is None:
        attributes |= {"library_path": None, "library_name": None, "library_entry_points": None}
        return
    attributes["path"] = publishing.folder(
        attributes["stage"]
    )  # whatever path was sent: the CDN decides
    library_path = f"{company.attributes['token']}/{place.attributes['token']}"
    attributes |= publishing.file_names(attributes["stage"], attributes["token"], library_path)


def _delete_environment(call: Call, record: Record) -> None:
    library = call.store.of(record, "library")
    if library is not None:
        library.to_one["environment"] = None
        call.store.changed(library)
    for secret in call.store.listed(record.id, "secrets"):
        secret.to_one["environment"] = None
        call.store.changed(secret)


def _library(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:  # noqa: ARG001
    publishing.begin(call, record, wanted)


def _callback(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:  # noqa: ARG001
    _callback_changed(call, record, wanted, {})


def _callback_changed(
    _call: Call, record: Record, _wanted: Wanted, _before: Mapping[str, Any]
) -> None:
    if not _is_callback_url(record.attributes["url"]):
        raise malformed("url is an https address.", "/data/attributes/url")
    names = record.attributes["subscriptions"]
    if not names or not all(
        isinstance(each, str) and re.fullmatch(r"[a-z_]+\.[a-z]+", each) for each in names
    ):
        raise malformed(
            "subscriptions is a list such as rule.updated.", "/data/attributes/subscriptions"
        )


def _is_callback_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))
        )
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _note(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:  # noqa: ARG001
    if len(record.attributes["text"]) > _MOST_NOTE:
        raise malformed(f"A note has {_MOST_NOTE} characters at most.", "/data/attributes/text")
    if not call.account.rights:
        raise not_authorized("develop")
    if "revision_number" in parent.attributes:
        editable(parent)
    author = {"author_display_name": call.account.display_name, "author_email": call.account.email}
    record.attributes |= author


def _grant(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:
    packages.authorize(call, parent, record, wanted)


def _grant_changed(call: Call, record: Record, wanted: Wanted, before: Mapping[str, Any]) -> None:
    record.attributes["state"] = before["state"]
    packages.answer(call, record, wanted.attributes.get("state"))


def _secret(call: Call, parent: Record, record: Record, wanted: Wanted) -> None:
    secrets.begin(call, parent, record, wanted)
    environment = call.store.of(record, "environment")
    record.stage = environment.attributes["stage"] if environment else None


def _secret_changed(call: Call, record: Record, wanted: Wanted, before: Mapping[str, Any]) -> None:  # noqa: ARG001
    if "credentials" in wanted.attributes or "type_of" in wanted.attributes:
        secrets.exchange(call, record, wanted.attributes.get("credentials"))


_Created = Callable[[Call, Record, Record, Wanted], None]
_Updated = Callable[[Call, Record, Wanted, Mapping[str, Any]], None]
_CREATED: dict[str, _Created] = {
    "properties": _property,
    "data_elements": _delegated,
    "rule_components": _delegated,
    "extensions": _extension,
    "hosts": _host,
    "environments": _environment,
    "libraries": _library,
    "callbacks": _callback,
    "notes": _note,
    "extension_package_usage_authorizations": _grant,
    "secrets": _secret,
}
"""Before a new record is kept: what else has to hold, and what follows."""
_ADDED: dict[str, _Created] = {
    "properties": _core,
    "libraries": lambda call, parent, record, wanted: publishing.fill(call, record, wanted),  # noqa: ARG005
    "rule_components": _component_added,
    "extensions": _first_revision,
    "secrets": lambda call, parent, record, wanted: secrets.listed(call, record),  # noqa: ARG005
}
"""After it is kept."""
_UPDATED: dict[str, _Updated] = {
    "properties": _property_changed,
    "data_elements": _delegate_changed,
    "rule_components": _delegate_changed,
    "extensions": _extension_changed,
    "hosts": _host_changed,
    "environments": _environment_changed,
    "callbacks": _callback_changed,
    "extension_package_usage_authorizations": _grant_changed,
    "secrets": _secret_changed,
}
_DELETED: dict[str, Callable[[Call, Record], None]] = {
    "properties": _delete_property,
    "hosts": _delete_host,
    "environments": _delete_environment,
    "libraries": publishing.leave,
    "extension_packages": packages.removable,
    "extension_package_usage_authorizations": packages.withdraw,
}
