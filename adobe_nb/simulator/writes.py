"""Create, update and delete: the steps that all types share, and a table of what each type adds."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from adobe_nb.registry import RESOURCES, Resource
from adobe_nb.simulator import packages, publishing, secrets, settings
from adobe_nb.simulator.calls import Call, Change
from adobe_nb.simulator.documents import Linkage, Wanted
from adobe_nb.simulator.ims import PROPERTY_RIGHTS
from adobe_nb.simulator.messages import is_loopback
from adobe_nb.simulator.problems import Problem, conflict, malformed, not_authorized, not_found
from adobe_nb.simulator.revisions import editable, newest, revise, state
from adobe_nb.simulator.store import TYPES, Record

Step = Callable[[Change], object]
Removal = Callable[[Call, Record], object]

_MAX_NOTE = 512
_EVENT_TYPE = re.compile(r"[a-z_]+\.[a-z]+")
_DELEGATES = {
    "data_elements": ("dataElements",),
    "rule_components": ("events", "conditions", "actions"),
    "extensions": ("extensionConfiguration",),
}
"""The kinds of delegates that a type can use."""
_MOBILE = {"ssl_enabled": True, "privacy": "optedin"}
"""Attributes that every mobile property has, with their defaults."""


@dataclass(frozen=True, slots=True)
class _Steps:
    """What a type adds to the steps that all types share."""

    create: tuple[Step, ...] = ()
    """Steps before a new record is stored."""
    created: tuple[Step, ...] = ()
    """Steps once it is stored."""
    update: tuple[Step, ...] = ()
    delete: tuple[Removal, ...] = ()


_NO_STEPS = _Steps()


def create(call: Call, parent: Record, row: Resource, payload: Wanted) -> Record:
    """Create a record under its parent. A Problem leaves the store unchanged."""
    steps = _STEPS.get(row.type, _NO_STEPS)
    call.need(TYPES[row.type]["right"])
    defaults = TYPES[row.type]["defaults"]
    values = {**state(call.store.now()), **defaults, **payload.attributes}
    attributes = {column.name: values.get(column.name) for column in row.columns}
    record = Record(row.type, call.store.new_id(row.type), attributes)
    # A head is its own origin. A note calls its parent resource, other types use the singular.
    relations = {
        "origin": record.here,
        "property": parent.to_one.get("property"),
        "resource": parent.here,
        RESOURCES[parent.type].singular: parent.here,
    }
    record.to_one = {relation.name: relations.get(relation.name) for relation in row.to_one}
    change = Change(call, record, payload)
    _link(change)
    for step in steps.create:
        step(change)
    call.store.add(record)
    # Rule components are created under a property, but only rules list them.
    if parent.type in row.parents:
        call.store.link(parent.id, row.type, record)
    if "origin" in record.to_one:
        record.meta.setdefault("latest_revision_number", 0)
    if row.revisionable:
        call.store.link(record.id, "revisions", record)
    call.created(record)
    for step in steps.created:
        step(change)
    return record


def update(call: Call, record: Record, payload: Wanted) -> Record:
    """Change a record or act on it. Return the record, or the new revision."""
    if payload.action is not None:
        return _act(call, record, payload.action)
    steps = _STEPS.get(record.type, _NO_STEPS)
    call.need(TYPES[record.type]["right"])
    editable(record)
    change = Change(call, record, payload, dict(record.attributes))
    links = dict(record.to_one)
    try:
        # Write-only attributes are not kept.
        for column in RESOURCES[record.type].columns:
            if column.name in payload.attributes:
                record[column.name] = payload.attributes[column.name]
        _link(change)
        for step in steps.update:
            step(change)
    except Problem:
        record.attributes, record.to_one = dict(change.before), links
        raise
    if "dirty" in record.attributes:
        record["dirty"] = True
    call.touch(record)
    if record.type == "rule_components":
        _touch_rules(call, record)
    return record


def delete(call: Call, record: Record) -> None:
    """Delete a record for good, or softly: then it can still be fetched by id."""
    row = RESOURCES[record.type]
    steps = _STEPS.get(record.type, _NO_STEPS)
    call.need(TYPES[record.type]["right"])
    if record.deleted:
        raise not_found(f"/{record.type}/{record.id}")
    editable(record)
    for step in steps.delete:
        step(call, record)
    if row.deletion == "soft":
        record["deleted_at"] = call.store.now()
        # Adobe shows the date in the meta of data elements, rules and extensions as well.
        for attribute in row.meta:
            if attribute.name == "deleted_at":
                record.meta["deleted_at"] = record["deleted_at"]
        call.store.changed(record)
        _unlist(call, record)
    else:
        call.store.remove(record)
    call.log(record, "deleted")
    if record.type == "libraries":
        publishing.refresh_upstreams(call.store, record.to_one["property"])


def _link(change: Change) -> None:
    """Set the to-one relations of the document."""
    record = change.record
    for relation in RESOURCES[record.type].to_one:
        linkage = change.payload.one(relation.name)
        # Environments are assigned by steps of their own.
        if linkage is not None and relation.name != "environment":
            pointer = f"/data/relationships/{relation.name}"
            record.to_one[relation.name] = _target(change, linkage, pointer).here


def _target(change: Change, linkage: Linkage, pointer: str) -> Record:
    """Return the record to link to. It must be in the same property, if it is in one."""
    target = change.store.get(*linkage.here)
    owner = change.record.to_one.get("property")
    if (
        target is None
        or target.to_one.get("property", owner) != owner
        or not packages.may_see(change.store, target, change.call.account.org_id)
    ):
        raise Problem(404, "not-found", f"Cannot find {linkage.type} {linkage.id}.", pointer)
    if target.deleted:
        raise conflict("deleted-resources", f"{linkage.id} is deleted.", pointer)
    return target


def _act(call: Call, record: Record, action: str) -> Record:
    if action == "revise":
        call.need(TYPES[record.type]["right"])
        return revise(call, record)
    if record.type == "libraries":
        publishing.transition(call, record, action)
    elif record.type == "builds":
        publishing.republish(call, record)
    elif record.type == "extension_packages":
        packages.release(call, record, action)
    elif record.type == "secrets":
        call.need(TYPES[record.type]["right"])
        secrets.act(call, record, action)
    return record


def _unlist(call: Call, record: Record) -> None:
    """Take a deleted record out of the lists of its property and rules.

    Its revisions stay, and so do the libraries that hold them.
    """
    call.store.unlink(call.store.property_of(record).id, record.type, record)
    if record.type == "rule_components":
        _touch_rules(call, record)
        for rule in call.store.listed(record.id, "rules"):
            call.store.unlink(rule.id, record.type, record)


# -- properties


def _check_domains(change: Change) -> None:
    domains = change.record["domains"]
    pointer = "/data/attributes/domains"
    for name in domains or ():
        if not isinstance(name, str) or not name:
            raise malformed("domains must be a list of host names.", pointer)
    if change.record["platform"] == "web" and not domains:
        raise malformed("A web property requires at least one domain.", pointer)


def _check_name(change: Change) -> None:
    name = change.record["name"]
    for other in change.store.all("properties"):
        if other is not change.record and other["name"] == name:
            raise conflict("not-unique", f"The name {name} is taken.", "/data/attributes/name")


def _complete_property(change: Change) -> None:
    record = change.record
    record["token"] = change.store.new_token()
    record.meta["rights"] = list(PROPERTY_RIGHTS)
    if record["platform"] == "mobile":
        for name, default in _MOBILE.items():
            if record[name] is None:
                record[name] = default


def _install_core(change: Change) -> None:
    """Install the core extension, which Adobe adds to every new property."""
    call, record = change.call, change.record
    service = replace(call, account=call.account.with_all_rights())
    for package in packages.visible(call.store, "", None):
        if package["name"] == "core" and package["platform"] == record["platform"]:
            payload = Wanted({}, {"extension_package": (Linkage(*package.here),)})
            create(service, record, RESOURCES["extensions"], payload)


def _empty_property(call: Call, record: Record) -> None:
    """Remove what a property contains, with all notes. The log keeps its events."""
    contents = [record]
    for resource_type in RESOURCES.keys() - {"audit_events"}:
        for member in call.store.all(resource_type):
            if member.to_one.get("property") == record.here:
                contents.append(member)
    for member in contents:
        for note in call.store.listed(member.id, "notes"):
            call.store.remove(note)
        call.store.remove(member)


# -- data elements, rule components and extensions


def _package(change: Change, extension: Record) -> Record:
    package = change.store.of(extension, "extension_package")
    if package is None:
        raise conflict(
            "delegate-descriptor-unresolved", "The package of the extension is no longer available."
        )
    return package


def _check_settings(change: Change, package: Record) -> None:
    record = change.record
    descriptor, text = record["delegate_descriptor_id"], record["settings"]
    settings.check(package.attributes, descriptor, text, _DELEGATES[record.type])
    record.to_one["updated_with_extension_package"] = package.here


def _check_delegate(change: Change) -> None:
    extension = change.store.of(change.record, "extension")
    if extension is None:
        raise malformed("The relationship extension is missing.", "/data/relationships/extension")
    _check_settings(change, _package(change, extension))
    change.record.to_one["updated_with_extension"] = newest(change.store, extension).here


def _list_used_secrets(change: Change) -> None:
    secrets.use(change.call, change.record)


def _rules(change: Change) -> Iterator[Record]:
    for item in change.payload.linked["rules"]:
        yield _target(change, item, "/data/relationships/rules")


def _check_rules(change: Change) -> None:
    for rule in _rules(change):
        editable(rule)


def _join_rules(change: Change) -> None:
    for rule in _rules(change):
        change.store.link(rule.id, "rule_components", change.record)
        change.store.link(change.record.id, "rules", rule)
    _touch_rules(change.call, change.record)


def _touch_rules(call: Call, component: Record) -> None:
    # Adobe counts a change of a component as a change of its rule.
    for rule in call.store.listed(component.id, "rules"):
        rule["dirty"] = True
        call.touch(rule)


def _check_package(change: Change) -> None:
    """Check the package that an extension is installed from or upgraded to."""
    record = change.record
    if change.payload.one("extension_package") is None:
        return
    package = _package(change, record)
    owner = change.store.property_of(record)
    packages.installable(change.call, package, owner)
    if change.before:
        if package["name"] != record["name"]:
            raise conflict(
                "invalid-extension_package_id",
                "An upgrade must be another version of the same package.",
            )
        return
    for other in change.store.listed(owner.id, "extensions"):
        if other["name"] == package["name"]:
            raise conflict("not-unique", f"{package['name']} is already installed.")


def _configure(change: Change) -> None:
    record = change.record
    package = _package(change, record)
    _check_settings(change, package)
    for name in ("name", "display_name", "version"):
        record[name] = package[name]
    record.meta.pop("upgrade_extension_package_id", None)
    newer = packages.newer(change.store, package, change.call.account.org_id)
    if newer is not None:
        record.meta["upgrade_extension_package_id"] = newer.id


def _revise_first(change: Change) -> None:
    # Adobe cuts the first revision of an extension as soon as it is installed.
    revise(change.call, change.record)


def _mark_upgraded(change: Change) -> None:
    if change.record["version"] != change.before["version"]:
        publishing.extension_upgraded(change.call, change.record)


# -- hosts and environments


def _check_sftp(change: Change) -> None:
    if {change.before["type_of"], change.record["type_of"]} != {"sftp"}:
        raise conflict("read-only", "Only SFTP hosts can be changed.")


def _strip_scheme(change: Change) -> None:
    """Keep ``//example.com`` of ``https://example.com``, as Adobe does. A bare name stays."""
    server = change.record["server"]
    if server is not None:
        change.record["server"] = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*:(?=//)", "", server)


def _connect(change: Change) -> None:
    """Test the connection to an SFTP server later. Adobe's own hosts work at once."""
    record, store = change.record, change.store
    if record["type_of"] == "akamai":
        record["status"] = "succeeded"
        return
    if not record["server"]:
        raise malformed("An SFTP host requires a server.", "/data/attributes/server")
    if not change.before and "encrypted_private_key" not in change.payload.attributes:
        raise conflict("decrypt-no-data", "An SFTP host requires encrypted_private_key.")
    record["status"] = "pending"
    record.meta.pop("status_details", None)

    def finish() -> None:
        record["status"] = "succeeded"
        # The top-level domain .invalid stands for a server that does not answer.
        if record["server"].endswith(".invalid"):
            record["status"] = "failed"
            detail = f"Cannot connect to {record['server']}."
            error = publishing.details("sftp-connection-timeout", detail)
            record.meta["status_details"] = {"errors": [error]}
        store.changed(record)

    store.later(change.call.options.build_seconds, finish)


def _check_host_unused(call: Call, record: Record) -> None:
    for environment in call.store.all("environments"):
        if environment.to_one["host"] == record.here:
            raise conflict("host-in-use", f"The environment {environment['name']} uses this host.")


def _check_stage(change: Change) -> None:
    """A property has any number of development environments, and one of each other stage."""
    stage = change.record["stage"]
    owner = change.store.property_of(change.record)
    for other in change.store.listed(owner.id, "environments"):
        if other["stage"] == stage != "development":
            raise conflict(
                "not-unique",
                f"The property already has a {stage} environment.",
                "/data/attributes/stage",
            )
    change.record["token"] = change.store.new_token()


def _name_files(change: Change) -> None:
    """Set the path and file names of an environment on a host that Adobe manages."""
    record, store = change.record, change.store
    encrypted = record.meta.get("archive_encrypted") or change.payload.raw.get("archive_passphrase")
    record.meta["archive_encrypted"] = bool(record["archive"] and encrypted)
    host = store.of(record, "host")
    owner = store.property_of(record)
    company = store.of(owner, "company")
    if host is None or company is None or host["type_of"] != "akamai":
        names = ("library_path", "library_name", "library_entry_points")
        record.attributes |= dict.fromkeys(names)
        return
    # The CDN decides the folder, whatever path the client sent.
    record["path"] = publishing.folder(record["stage"])
    library_path = f"{company['token']}/{owner['token']}"
    record.attributes |= publishing.file_names(record["stage"], record["token"], library_path)


def _leave_environment(call: Call, record: Record) -> None:
    """Detach the library and the secrets of an environment, which stay."""
    members = call.store.listed(record.id, "secrets")
    library = call.store.of(record, "library")
    if library is not None:
        members.append(library)
    for member in members:
        member.to_one["environment"] = None
        call.store.changed(member)


# -- other types


def _check_callback(change: Change) -> None:
    record = change.record
    if not _is_callback_url(record["url"]):
        raise malformed("url must be an https URL.", "/data/attributes/url")
    matches = list(map(_EVENT_TYPE.fullmatch, map(str, record["subscriptions"])))
    if not matches or not all(matches):
        raise malformed(
            "subscriptions must be a list of event types such as rule.updated.",
            "/data/attributes/subscriptions",
        )


def _is_callback_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    # Adobe takes https only. The simulator calls servers on this machine, which rarely have it.
    is_local = parts.scheme == "http" and is_loopback(url)
    return bool(parts.hostname) and (parts.scheme == "https" or is_local)


def _check_note(change: Change) -> None:
    call, record = change.call, change.record
    if len(record["text"]) > _MAX_NOTE:
        raise malformed(f"A note has at most {_MAX_NOTE} characters.", "/data/attributes/text")
    if not call.account.rights:
        raise not_authorized("develop")
    subject = change.store.of(record, "resource")
    if subject is not None:
        editable(subject)
    record["author_display_name"] = call.account.display_name
    record["author_email"] = call.account.email


def _authorize(change: Change) -> None:
    package = _package(change, change.record)
    packages.authorize(change.call, package, change.record, change.payload)


def _answer_authorization(change: Change) -> None:
    packages.answer(change.call, change.record, change.payload.attributes.get("state"))


def _start_secret(change: Change) -> None:
    record = change.record
    secrets.begin(change.call, change.store.property_of(record), record, change.payload)
    environment = change.store.of(record, "environment")
    if environment is not None:
        record.stage = environment["stage"]


def _list_secret(change: Change) -> None:
    secrets.listed(change.call, change.record)


def _exchange_secret(change: Change) -> None:
    attributes = change.payload.attributes
    if "credentials" in attributes or "type_of" in attributes:
        secrets.exchange(change.call, change.record, attributes.get("credentials"))


_STEPS = {
    "properties": _Steps(
        create=(_check_domains, _check_name, _complete_property),
        created=(_install_core,),
        update=(_check_domains, _check_name),
        delete=(_empty_property,),
    ),
    "rule_components": _Steps(
        create=(_check_delegate, _check_rules),
        created=(_join_rules,),
        update=(_check_delegate,),
    ),
    "data_elements": _Steps(
        create=(_check_delegate, _list_used_secrets),
        update=(_check_delegate, _list_used_secrets),
    ),
    "extensions": _Steps(
        create=(_check_package, _configure),
        created=(_revise_first,),
        update=(_check_package, _configure, _mark_upgraded),
    ),
    "hosts": _Steps(
        create=(_strip_scheme, _connect),
        update=(_check_sftp, _strip_scheme, _connect),
        delete=(_check_host_unused,),
    ),
    "environments": _Steps(
        create=(_check_stage, _name_files),
        update=(_name_files,),
        delete=(_leave_environment,),
    ),
    "libraries": _Steps(
        create=(publishing.begin,),
        created=(publishing.fill,),
        delete=(publishing.leave,),
    ),
    "extension_packages": _Steps(delete=(packages.removable,)),
    "extension_package_usage_authorizations": _Steps(
        create=(_authorize,),
        update=(_answer_authorization,),
        delete=(packages.require_owner,),
    ),
    "callbacks": _Steps(create=(_check_callback,), update=(_check_callback,)),
    "notes": _Steps(create=(_check_note,)),
    "secrets": _Steps(
        create=(_start_secret,),
        created=(_list_secret,),
        update=(_exchange_secret,),
    ),
}
