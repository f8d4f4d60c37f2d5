"""Extension packages: the catalogue, uploads, releases, and what may be installed where."""

import io
import lzma
import posixpath
import re
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

from adobe_nb.simulator.calls import Call
from adobe_nb.simulator.documents import Wanted, strict
from adobe_nb.simulator.problems import Problem, conflict, malformed
from adobe_nb.simulator.publishing import details
from adobe_nb.simulator.store import Record, Store

ADOBE = "4C6B9A1E53A0C0DE0A495C39@AdobeOrg"
"""The made-up organisation that owns the public catalogue."""
_LISTS = {
    "actions": "actions",
    "conditions": "conditions",
    "events": "events",
    "dataElements": "data_elements",
    "sharedModules": "shared_modules",
    "resources": "resources",
    "hostedLibFiles": "hosted_lib_files",
}
_DELEGATES = ("events", "conditions", "actions", "dataElements")
"""Members of a manifest whose items are delegates: they have a descriptor id."""
_TEXTS = {
    "name": "name",
    "displayName": "display_name",
    "version": "version",
    "platform": "platform",
    "description": "description",
    "main": "main",
    "viewBasePath": "view_base_path",
    "iconPath": "icon_path",
    "exchangeUrl": "exchange_url",
}
_RELEASED = ("private", "public")
_AVAILABLE = ("development", "private", "public")
_MOST_UNPACKED = 50_000_000
_PART = r"[0-9]{1,9}"
_VERSION = re.compile(rf"{_PART}\.{_PART}\.{_PART}([-+][0-9A-Za-z.+-]*)?")
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, OSError, ValueError, EOFError,
)  # fmt: skip
"""What reading a broken zip may raise."""


def attributes_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a package that its manifest gives."""
    found: dict[str, Any] = {name: manifest.get(key) for key, name in _TEXTS.items()}
    found |= {name: manifest.get(key) or [] for key, name in _LISTS.items()}
    package, configuration = manifest.get("name"), manifest.get("configuration")
    for kind in _DELEGATES:
        pieces = found[_LISTS[kind]]
        found[_LISTS[kind]] = [
            {"id": f"{package}::{kind}::{piece.get('name')}", **piece} for piece in pieces
        ]
    if configuration:
        configuration = {"id": f"{package}::extensionConfiguration::config", **configuration}
    return found | {
        "author": manifest.get("author"),
        "configuration": configuration,
        "cdn_path": None,
        "ecma_version": manifest.get("ecmaVersion"),
    }


# -- what is listed and installable


def visible(store: Store, org_id: str, ceiling: str | None) -> list[Record]:
    """The catalogue as an organisation sees it: of each package the newest of each availability up
    to the ceiling.
    """
    allowed = _AVAILABLE[_AVAILABLE.index(ceiling) :] if ceiling in _AVAILABLE else _AVAILABLE
    newest: dict[tuple[str, str, str], Record] = {}
    pending = []
    for record in store.all("extension_packages"):
        own = record.attributes["owner_org_id"] == org_id
        availability = record.attributes["availability"]
        if record.attributes["version"] is None:
            pending += [record] if own else []
        elif availability in allowed and (
            availability == "public" or own or _granted(store, record, org_id)
        ):
            key = (record.attributes["platform"], record.attributes["name"], availability)
            if key not in newest or version_of(record) > version_of(newest[key]):
                newest[key] = record
    return [*newest.values(), *(pending if "development" in allowed else [])]


def may_see(store: Store, record: Record, org_id: str) -> bool:
    """Whether the organisation sees this record at all; only packages can be hidden."""
    if record.type != "extension_packages":
        return True
    public = record.attributes["availability"] == "public"
    return public or record.attributes["owner_org_id"] == org_id or _granted(store, record, org_id)


def versions(store: Store, record: Record, org_id: str) -> list[Record]:
    """All versions of the package that the organisation sees."""
    same = ("name", "platform")
    return [
        each
        for each in store.all("extension_packages")
        if all(each.attributes[name] == record.attributes[name] for name in same)
        and may_see(store, each, org_id)
    ]


def newer(store: Store, record: Record, org_id: str) -> Record | None:
    """The newest released version that the organisation sees, if it is higher than this one."""
    released = [
        each
        for each in versions(store, record, org_id)
        if each.attributes["availability"] in _RELEASED
    ]
    best = max(
        (each for each in released if not each.attributes["discontinued"]),
        key=version_of,
        default=None,
    )
    return best if best is not None and version_of(best) > version_of(record) else None


def version_of(record: Record) -> tuple[int, ...]:
    """The version as numbers."""
    return _numbers(record.attributes["version"] or "")


def installable(call: Call, record: Record, place: Record) -> None:
    """Raises Problem when the package cannot be installed in that property."""
    pointer = "/data/relationships/extension_package"
    attributes = record.attributes
    if attributes["status"] != "succeeded":
        raise conflict("invalid-extension_package_id", "The package is not ready.", pointer)
    if attributes["platform"] != place.attributes["platform"]:
        detail = f"A package for {attributes['platform']} does not fit a {place.attributes['platform']} property."
        raise conflict("invalid-extension_package_id", detail, pointer)
    own = attributes["owner_org_id"] == call.account.org_id
    if attributes["availability"] == "development" and not (
        own and place.attributes["development"]
    ):
        detail = (
            "A package in development goes into properties of its owner that have development set."
        )
        raise conflict("invalid-extension_package_id", detail, pointer)
    approved = _granted(call.store, record, call.account.org_id, approved=True)
    if attributes["availability"] == "private" and not own and not approved:
        detail = "The use of this private package is not approved yet."
        raise conflict("invalid-extension_package_id", detail, pointer)


def _granted(store: Store, record: Record, org_id: str, *, approved: bool = False) -> bool:
    if record.attributes["availability"] != "private":
        return False
    for grant in store.all("extension_package_usage_authorizations"):
        attributes = grant.attributes
        same = (
            attributes["name"] == record.attributes["name"]
            and attributes["platform"] == record.attributes["platform"]
        )
        if same and attributes["authorized_org_id"] == org_id and attributes["state"] != "rejected":
            return not approved or attributes["state"] == "approved"
    return False


# -- uploads and releases


def upload(call: Call, data: bytes, replaced: Record | None = None) -> Record:
    """Take a zip; it is looked at later. The answer has no more than a status."""
    call.need("develop_extensions")
    store = call.store
    if replaced is None:
        record = Record("extension_packages", store.new_id("extension_packages"), attributes_of({}))
        record.attributes = dict.fromkeys(record.attributes)
        record.attributes |= {
            "created_at": store.now(),
            "discontinued": False,
            "owner_org_id": call.account.org_id,
        }
        call.by(record, "created", "updated")
        store.add(record)
    else:
        record = replaced
        _own(call, record)
        if record.attributes["availability"] != "development":
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


def release(call: Call, record: Record, action: str) -> None:
    """``release_private`` and ``discontinue``."""
    _own(call, record)
    if action == "release_private":
        if (
            record.attributes["availability"] != "development"
            or record.attributes["status"] != "succeeded"
        ):
            raise conflict(
                "invalid-transition",
                "Only a package in development that succeeded can be released.",
            )
        _higher(call.store, record)
        record.attributes["availability"] = "private"
        _offer(call, record)
    else:
        if record.attributes["availability"] == "development":
            raise conflict(
                "invalid-transition", "A package in development is deleted, not discontinued."
            )
        record.attributes["discontinued"] = True
    call.touch(record)


def _offer(call: Call, package: Record) -> None:
    """Extensions of an older version can be upgraded from now on."""
    for extension in call.store.all("extensions"):
        installed = call.store.of(extension, "extension_package")
        if (
            installed is None
            or not extension.is_head
            or installed.attributes["name"] != package.attributes["name"]
        ):
            continue
        best = newer(call.store, installed, call.account.org_id)
        if best is not None:
            extension.meta["upgrade_extension_package_id"] = best.id
            call.store.changed(extension)


def change(call: Call, record: Record, attributes: Mapping[str, Any]) -> None:
    """The attributes of a package that a PATCH may change: ``discontinued``."""
    _own(call, record)
    if attributes.get("availability") == "public":
        raise Problem(
            403, "public-release-not-authorized", "Public releases are arranged with Adobe."
        )
    if attributes.get("discontinued") is True:
        release(call, record, "discontinue")
    elif attributes:
        raise conflict(
            "invalid-extension_package_id", "Nothing of a package can be changed but discontinued."
        )


def removable(call: Call, record: Record) -> None:
    """Raises Problem for what cannot be deleted."""
    _own(call, record)
    if record.attributes["availability"] != "development":
        raise conflict("read-only", "A released package cannot be deleted. Discontinue it.")


def _own(call: Call, record: Record) -> None:
    call.need("develop_extensions")
    if record.attributes["owner_org_id"] != call.account.org_id:
        raise Problem(403, "not-authorized", "The package belongs to another organisation.")


def _process(call: Call, record: Record, data: bytes) -> None:
    store = call.store
    if store.get(*record.here) is None:
        return
    problem: Problem | None = None
    try:
        attributes = attributes_of(_manifest(data))
        _owner(call, attributes)
        _is_the_same(record, attributes)
        before = dict(record.attributes)
        record.attributes |= attributes
        try:
            _higher(store, record)
        except Problem:
            record.attributes = before
            raise
        record.attributes |= {"status": "succeeded", "updated_at": store.now()}
        record.meta["archive_url"] = f"https://assets.adobedtm.com/packages/{record.id}.zip"
    except Problem as refusal:
        problem = refusal
    if problem is not None:
        record.attributes |= {"status": "failed", "updated_at": store.now()}
        record.meta["status_details"] = {"errors": [details(problem.code, problem.detail)]}
    store.changed(record)


def _owner(call: Call, attributes: Mapping[str, Any]) -> None:
    for other in call.store.all("extension_packages"):
        if (
            other.attributes["name"] == attributes["name"]
            and other.attributes["owner_org_id"] != call.account.org_id
        ):
            raise conflict(
                "invalid-name", f"The name {attributes['name']} belongs to another organisation."
            )


def _is_the_same(record: Record, attributes: Mapping[str, Any]) -> None:
    """A zip that replaces another one is of the same package."""
    for name in ("name", "platform"):
        if record.attributes[name] not in {None, attributes[name]}:
            detail = f"The {name} of a package stays {record.attributes[name]}. Upload the zip as a new package."
            raise conflict("invalid-extension_package_id", detail)


def _higher(store: Store, record: Record) -> None:
    for other in store.all("extension_packages"):
        same = all(
            other.attributes[name] == record.attributes[name] for name in ("name", "platform")
        )
        released = other.attributes["availability"] in _RELEASED
        if other is not record and same and released and version_of(other) >= version_of(record):
            version = other.attributes["version"]
            raise conflict(
                "not-unique", f"The version has to be higher than {version}, which is released."
            )


def _manifest(data: bytes) -> dict[str, Any]:
    """The extension.json of a zip, with all that it names looked up. Raises Problem."""
    text, files = _unpacked(data)
    try:
        manifest = strict(text.decode())
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict):
        raise conflict("extension-package-path-error", "extension.json is no JSON object.")
    _check_texts(manifest)
    _check_files(manifest, files)
    return manifest


def _unpacked(data: bytes) -> tuple[bytes, dict[str, zipfile.ZipInfo]]:
    """The extension.json of a zip, and the files beside it. Raises Problem."""
    text: bytes | None = None
    files: dict[str, zipfile.ZipInfo] = {}
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        files = {info.filename: info for info in archive.infolist() if not info.is_dir()}
        if sum(info.file_size for info in files.values()) > _MOST_UNPACKED:
            raise conflict("extension-package-zip-error", "The files of the zip are too large.")
        if "extension.json" in files:
            text = archive.read("extension.json")
    except _BROKEN:
        files = {}
    if not files:
        raise conflict("extension-package-zip-error", "The zip cannot be opened.")
    if text is None:
        raise conflict("library-file-not-found", "extension.json is not in the zip, at its top.")
    return text, files


def _check_texts(manifest: Mapping[str, Any]) -> None:
    for key in ("name", "displayName", "version", "platform"):
        if not isinstance(manifest.get(key), str) or not manifest[key]:
            raise conflict("invalid-extension_package", f"extension.json lacks {key}.")
    for key in _TEXTS:
        if not isinstance(manifest.get(key, ""), str):
            raise conflict("invalid-extension_package", f"{key} is a text.")
    if not re.fullmatch(r"[a-z0-9-]+", manifest["name"]) or not _VERSION.fullmatch(
        manifest["version"]
    ):
        detail = "name has lower-case letters, digits and hyphens, version is like 1.2.3."
        raise conflict("invalid-extension_package", detail)
    if manifest["platform"] not in {"web", "mobile", "edge"}:
        raise conflict("invalid-extension_package", "platform is web, mobile or edge.")


def _check_files(manifest: Mapping[str, Any], files: Mapping[str, Any]) -> None:
    delegates = [
        each for key in _LISTS if key != "hostedLibFiles" for each in _objects(manifest, key)
    ]
    configuration = manifest.get("configuration")
    if configuration is not None and not isinstance(configuration, dict):
        raise conflict("invalid-extension_package", "configuration is an object.")
    base = manifest.get("viewBasePath") or ""
    for each in [*delegates, *([configuration] if configuration else [])]:
        if "libPath" in each:
            _in_zip(each["libPath"], "", files)
        if "viewPath" in each:
            _in_zip(each["viewPath"], base, files)
        _check_transforms(each.get("transforms") or [])
    hosted = manifest.get("hostedLibFiles") or []
    if not isinstance(hosted, list):
        raise conflict("invalid-extension_package", "hostedLibFiles is a list of paths.")
    for path in [*hosted, *([manifest["main"]] if manifest.get("main") else [])]:
        _in_zip(path, "", files)


def _objects(manifest: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    several = manifest.get(key) or []
    if not isinstance(several, list) or not all(isinstance(each, dict) for each in several):
        raise conflict("invalid-extension_package", f"{key} is a list of objects.")
    return several


def _in_zip(path: object, base: object, files: Mapping[str, Any]) -> None:
    bare = str(path).partition("?")[0].partition("#")[0]
    malformed_path = (
        not isinstance(path, str) or not isinstance(base, str) or not bare or "\\" in bare
    )
    whole = posixpath.normpath(posixpath.join(str(base), bare))
    if malformed_path or bare.startswith("/") or whole.startswith(("..", "/")):
        raise conflict(
            "extension-package-path-error", f"{str(path)[:100]!r} is no path inside the zip."
        )
    if whole not in files:
        raise conflict("library-file-not-found", f"{whole[:200]} is not in the zip.")


def _check_transforms(transforms: object) -> None:
    if not isinstance(transforms, list) or not all(isinstance(each, dict) for each in transforms):
        raise conflict(
            "extension-package-transform-definition-error", "transforms is a list of objects."
        )
    paths = [each.get("propertyPath") for each in transforms]
    for each in transforms:
        if each.get("type") == "customCode":
            raise conflict("illegal-custom-code-transform", "customCode is a reserved transform.")
        if each.get("type") not in ("function", "file", "remove") or not isinstance(
            each.get("propertyPath"), str
        ):
            raise conflict(
                "extension-package-transform-definition-error",
                "A transform is a function or a file.",
            )
    if len(paths) != len(set(paths)):
        raise conflict(
            "extension-package-transform-definition-error", "One transform for each propertyPath."
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]+", re.split("[-+]", version)[0]))


# -- leave for other organisations


def authorize(call: Call, package: Record, grant: Record, wanted: Wanted) -> None:
    """The owner lets another organisation use a private package."""
    _own(call, package)
    org_id = wanted.attributes["authorized_org_id"]
    if not re.fullmatch(r"[0-9A-F]{24}@AdobeOrg", org_id):
        raise malformed(
            "authorized_org_id ends in @AdobeOrg.", "/data/attributes/authorized_org_id"
        )
    if package.attributes["availability"] != "private":
        raise conflict(
            "invalid-extension_package_id", "Only a private package needs leave to be used."
        )
    for other in call.store.listed(package.id, grant.type):
        if other.attributes["authorized_org_id"] == org_id:
            raise conflict("not-unique", "This organisation has been given leave before.")
    grant.attributes |= {
        "name": package.attributes["name"],
        "platform": package.attributes["platform"],
        "owner_org_id": package.attributes["owner_org_id"],
        "owner_org_name": "Hearth & Harbor",
        "authorized_org_name": "Restricted",
        "state": "pending_approval",
    }


def answer(call: Call, grant: Record, state: object) -> None:
    """The other organisation approves or rejects."""
    call.need("manage_properties")
    if grant.attributes["authorized_org_id"] != call.account.org_id:
        raise Problem(
            403, "not-authorized", "Only the organisation that may use the package can answer."
        )
    if state not in {"approved", "rejected"}:
        raise malformed("state is approved or rejected.", "/data/attributes/state")
    grant.attributes["state"] = state


def withdraw(call: Call, grant: Record) -> None:
    """Only the owner deletes it."""
    call.need("develop_extensions")
    if grant.attributes["owner_org_id"] != call.account.org_id:
        raise Problem(403, "not-authorized", "Only the owner of the package can take it back.")
