"""Extension packages: which versions an organization sees, uploads, releases and authorizations."""

import re
from typing import Any

from adobe_nb.simulator.archives import read_manifest
from adobe_nb.simulator.calls import Call
from adobe_nb.simulator.documents import Json, Wanted
from adobe_nb.simulator.manifests import DELEGATES, column
from adobe_nb.simulator.problems import Problem, conflict, malformed
from adobe_nb.simulator.publishing import details
from adobe_nb.simulator.store import Record, Store

ADOBE = "4C6B9A1E53A0C0DE0A495C39@AdobeOrg"
"""The fictional organization that owns the public packages."""
_TEXTS = (
    "name",
    "displayName",
    "version",
    "platform",
    "description",
    "main",
    "viewBasePath",
    "iconPath",
    "exchangeUrl",
)
_LISTS = (
    "actions",
    "conditions",
    "events",
    "dataElements",
    "sharedModules",
    "resources",
    "hostedLibFiles",
)
_AVAILABILITIES = ("development", "private", "public")
_RELEASED = ("private", "public")
_INVALID_PACKAGE = "invalid-extension_package_id"


def attributes_of(manifest: Json) -> dict[str, Any]:
    """Return the attributes of a package that come from its manifest."""
    attributes: dict[str, Any] = {}
    for member in _TEXTS:
        attributes[column(member)] = manifest.get(member)
    for member in _LISTS:
        attributes[column(member)] = manifest.get(member) or []
    name = manifest.get("name")
    for member in DELEGATES:
        attributes[column(member)] = [
            {"id": f"{name}::{member}::{delegate.get('name')}", **delegate}
            for delegate in attributes[column(member)]
        ]
    configuration = manifest.get("configuration")
    if configuration:
        configuration = {"id": f"{name}::extensionConfiguration::config", **configuration}
    return attributes | {
        "author": manifest.get("author"),
        "configuration": configuration,
        "cdn_path": None,
        "ecma_version": manifest.get("ecmaVersion"),
    }


# -- which packages an organization sees


def visible(store: Store, org_id: str, ceiling: str | None) -> list[Record]:
    """Return the newest version of each package that an organization sees, per availability.

    ``ceiling`` is the query parameter ``max_availability``, which excludes lower availabilities.
    """
    allowed: tuple[str, ...] = _AVAILABILITIES
    if ceiling in allowed:
        allowed = allowed[allowed.index(ceiling) :]
    newest: dict[tuple[str, str, str], Record] = {}
    pending: list[Record] = []
    for record in store.all("extension_packages"):
        attributes = record.attributes
        if attributes["availability"] not in allowed or not may_see(store, record, org_id):
            continue
        # Until its manifest has been read, an upload has no name.
        if attributes["version"] is None:
            pending.append(record)
            continue
        key = (attributes["platform"], attributes["name"], attributes["availability"])
        if key not in newest or _version(attributes) > _version(newest[key].attributes):
            newest[key] = record
    return [*newest.values(), *pending]


def may_see(store: Store, record: Record, org_id: str) -> bool:
    """Return whether an organization sees a record. Only packages can be hidden."""
    if record.type != "extension_packages":
        return True
    if record["availability"] == "public":
        return True
    is_owner = record["owner_org_id"] == org_id
    return is_owner or _authorization(store, record, org_id) is not None


def _authorization(store: Store, package: Record, org_id: str) -> str | None:
    """Return the state of the authorization to use a private package, unless it was rejected."""
    if package["availability"] != "private":
        return None
    for authorization in store.all("extension_package_usage_authorizations"):
        attributes = authorization.attributes
        is_meant = attributes["authorized_org_id"] == org_id
        if is_meant and _is_same(attributes, package.attributes):
            state: str = attributes["state"]
            if state != "rejected":
                return state
    return None


def _is_same(one: Json, other: Json) -> bool:
    """Return whether two records are about the same package, perhaps in other versions."""
    return bool(one["name"] == other["name"] and one["platform"] == other["platform"])


def versions(store: Store, record: Record, org_id: str) -> list[Record]:
    """Return all versions of a package that an organization sees."""
    visible_versions = []
    for version in store.all("extension_packages"):
        if _is_same(version.attributes, record.attributes) and may_see(store, version, org_id):
            visible_versions.append(version)
    return visible_versions


def newer(store: Store, record: Record, org_id: str) -> Record | None:
    """Return the newest released version of a package, unless it is this one or older."""
    newest: Record | None = None
    highest = _version(record.attributes)
    for version in versions(store, record, org_id):
        attributes = version.attributes
        is_offered = attributes["availability"] in _RELEASED and not attributes["discontinued"]
        if is_offered and _version(attributes) > highest:
            newest, highest = version, _version(attributes)
    return newest


def _version(attributes: Json) -> tuple[int, ...]:
    """Return the numbers of a version, without a suffix such as ``-beta``."""
    numbers = re.split("[-+]", attributes["version"] or "")[0]
    return tuple(map(int, re.findall(r"[0-9]+", numbers)))


def installable(call: Call, record: Record, parent: Record) -> None:
    """Raise Problem when a package cannot be installed in a property."""
    detail = _obstacle(call, record, parent.attributes)
    if detail is not None:
        raise conflict(_INVALID_PACKAGE, detail, "/data/relationships/extension_package")


def _obstacle(call: Call, package: Record, property_attributes: Json) -> str | None:
    attributes, org_id = package.attributes, call.account.org_id
    availability, platform = attributes["availability"], attributes["platform"]
    if attributes["status"] != "succeeded":
        return f"The package is not ready: its status is {attributes['status']}."
    if platform != property_attributes["platform"]:
        return f"A {platform} package does not fit a {property_attributes['platform']} property."
    is_owner = attributes["owner_org_id"] == org_id
    if availability == "development" and not (is_owner and property_attributes["development"]):
        return "A package in development requires a property of its owner with development set."
    is_approved = _authorization(call.store, package, org_id) == "approved"
    if availability == "private" and not is_owner and not is_approved:
        return "The use of this private package is not approved yet."
    return None


# -- uploads and releases


def upload(call: Call, data: bytes, replaced: Record | None = None) -> Record:
    """Accept a zip, which is read later, as a new package or in place of one in development."""
    call.need("develop_extensions")
    store = call.store
    if replaced is None:
        identifier = store.new_id("extension_packages")
        record = Record("extension_packages", identifier, dict.fromkeys(attributes_of({})))
        record.attributes |= {
            "created_at": store.now(),
            "discontinued": False,
            "owner_org_id": call.account.org_id,
        }
        call.by(record, "created", "updated")
        store.add(record)
    else:
        record = replaced
        require_owner(call, record)
        if record["availability"] != "development":
            raise conflict(
                "read-only", "A released package cannot be replaced. Upload a higher version."
            )
        call.by(record, "updated")
    record.attributes |= {
        "status": "pending",
        "availability": "development",
        "updated_at": store.now(),
    }
    record.meta.pop("status_details", None)
    store.changed(record)
    store.later(call.options.build_seconds, lambda: _process(call, record, data))
    return record


def _process(call: Call, record: Record, data: bytes) -> None:
    """Read an upload: the package becomes available, or says why it failed."""
    store = call.store
    was_deleted = store.get(*record.here) is None
    if was_deleted:
        return
    try:
        attributes = attributes_of(read_manifest(data))
        _check_identity(call, record, attributes)
        _check_version(store, record, attributes)
    except Problem as problem:
        record["status"] = "failed"
        record.meta["status_details"] = {"errors": [details(problem.code, problem.detail)]}
    else:
        record.attributes |= {**attributes, "status": "succeeded"}
        record.meta["archive_url"] = f"https://assets.adobedtm.com/packages/{record.id}.zip"
    record["updated_at"] = store.now()
    store.changed(record)


def _check_identity(call: Call, record: Record, attributes: Json) -> None:
    """Raise Problem for a name of another organization, or a zip of another package."""
    name = attributes["name"]
    # Names are unique across organizations, also those of packages that others keep private.
    for other in call.store.all("extension_packages"):
        is_foreign = other["owner_org_id"] != call.account.org_id
        if is_foreign and other["name"] == name:
            raise conflict("invalid-name", f"The name {name} belongs to another organization.")
    for attribute in ("name", "platform"):
        current = record[attribute]
        if current not in {None, attributes[attribute]}:
            detail = (
                f"The {attribute} of a package cannot change from {current}. "
                "Upload the zip as a new package."
            )
            raise conflict(_INVALID_PACKAGE, detail)


def _check_version(store: Store, record: Record, attributes: Json) -> None:
    """Raise Problem unless the version is higher than those that were released."""
    for other in store.all("extension_packages"):
        is_released = other["availability"] in _RELEASED
        if other is record or not is_released or not _is_same(other.attributes, attributes):
            continue
        if _version(other.attributes) >= _version(attributes):
            version = other["version"]
            raise conflict(
                "not-unique", f"The version must be higher than the released version {version}."
            )


def release(call: Call, record: Record, action: str) -> None:
    """Carry out ``release_private`` or ``discontinue``."""
    require_owner(call, record)
    attributes = record.attributes
    in_development = attributes["availability"] == "development"
    if action == "release_private":
        if not in_development or attributes["status"] != "succeeded":
            raise conflict(
                "invalid-transition",
                "Only a package in development with status succeeded can be released.",
            )
        _check_version(call.store, record, attributes)
        attributes["availability"] = "private"
        _offer_upgrades(call, record)
    else:
        if in_development:
            raise conflict(
                "invalid-transition", "A package in development cannot be discontinued. Delete it."
            )
        attributes["discontinued"] = True
    call.touch(record)


def _offer_upgrades(call: Call, package: Record) -> None:
    """Offer a released package to the extensions of its older versions."""
    store = call.store
    for extension in store.all("extensions"):
        installed = store.of(extension, "extension_package")
        if installed is None or not extension.is_head:
            continue
        if installed["name"] != package["name"]:
            continue
        upgrade = newer(store, installed, call.account.org_id)
        if upgrade is not None:
            extension.meta["upgrade_extension_package_id"] = upgrade.id
            store.changed(extension)


def change(call: Call, record: Record, attributes: Json) -> None:
    """Carry out a PATCH without an action: it may set ``discontinued`` only."""
    require_owner(call, record)
    if attributes.get("availability") == "public":
        raise Problem(
            403, "public-release-not-authorized", "Public releases are arranged with Adobe."
        )
    if attributes.get("discontinued") is True:
        release(call, record, "discontinue")
    elif attributes:
        raise conflict(_INVALID_PACKAGE, "Only discontinued can be changed, to true.")


def removable(call: Call, record: Record) -> None:
    """Raise Problem when a package cannot be deleted."""
    require_owner(call, record)
    if record["availability"] != "development":
        raise conflict("read-only", "A released package cannot be deleted. Discontinue it.")


def require_owner(call: Call, record: Record) -> None:
    """Raise Problem unless a package, or an authorization to use one, is the organization's own."""
    call.need("develop_extensions")
    if record["owner_org_id"] != call.account.org_id:
        raise Problem(403, "not-authorized", "The package belongs to another organization.")


# -- authorizations of other organizations


def authorize(call: Call, package: Record, authorization: Record, wanted: Wanted) -> None:
    """Complete the authorization of another organization to use a private package."""
    require_owner(call, package)
    org_id = wanted.attributes["authorized_org_id"]
    if not re.fullmatch(r"[0-9A-F]{24}@AdobeOrg", org_id):
        raise malformed(
            "authorized_org_id must be 24 hexadecimal digits and @AdobeOrg.",
            "/data/attributes/authorized_org_id",
        )
    if package["availability"] != "private":
        raise conflict(_INVALID_PACKAGE, "Only a private package requires an authorization.")
    for other in call.store.listed(package.id, authorization.type):
        if other["authorized_org_id"] == org_id:
            raise conflict("not-unique", f"{org_id} already has an authorization.")
    authorization.attributes |= {
        "name": package["name"],
        "platform": package["platform"],
        "owner_org_id": package["owner_org_id"],
        "owner_org_name": "Hearth & Harbor",
        "authorized_org_name": "Restricted",
        "state": "pending_approval",
    }


def answer(call: Call, authorization: Record, state: object) -> None:
    """Approve or reject an authorization, as the organization that may use the package."""
    call.need("manage_properties")
    if authorization["authorized_org_id"] != call.account.org_id:
        raise Problem(
            403, "not-authorized", "Only the authorized organization can approve or reject."
        )
    if state not in {"approved", "rejected"}:
        raise malformed("state must be approved or rejected.", "/data/attributes/state")
    authorization["state"] = state
