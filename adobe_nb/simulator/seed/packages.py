"""The extension packages of the seed: Adobe's public ones and two private ones."""

from adobe_nb.simulator.accounts import digest
from adobe_nb.simulator.data import load
from adobe_nb.simulator.dates import later
from adobe_nb.simulator.demo import COMPANY
from adobe_nb.simulator.manifests import VERSIONS, manifest
from adobe_nb.simulator.packages import ADOBE, attributes_of
from adobe_nb.simulator.seed.records import PEOPLE, RESTRICTED, add_record, make_id, signatures
from adobe_nb.simulator.store import Record, Store

_SIGNATURES = (
    "created_by_email",
    "created_by_display_name",
    "updated_by_email",
    "updated_by_display_name",
)

_PRIVATE = {"harbor-tools": ("1.0.0", "2.0.0")}
"""The versions of the company's own packages."""


def add_catalog(store: Store) -> None:
    """Add every version of the public packages."""
    for (platform, name), versions in VERSIONS.items():
        for version in versions:
            values = {
                **attributes_of(manifest(platform, name, version) or {}),
                "availability": "public",
                "status": "succeeded",
                "discontinued": False,
                **dict.fromkeys(_SIGNATURES, "Restricted"),
                "owner_org_id": ADOBE,
            }
            path = (platform, name, version)
            add_record(store, "extension_packages", path, _release_date(*path), values)


def package_id(platform: str, name: str, version: str) -> str:
    """Return the id of a version of a package."""
    path: tuple[str, ...] = (platform, name, version)
    # The first version of a private package was the only one for a long time, and keeps its id.
    if (platform, name) not in VERSIONS and version == "1.0.0":
        path = (name,)
    return make_id("extension_packages", *path)


def latest_version(platform: str, name: str) -> str:
    """Return the newest version of a package that a property can have installed."""
    versions = VERSIONS.get((platform, name), _PRIVATE.get(name, ()))
    return versions[-1]


def add_private_packages(store: Store, company: Record) -> None:
    """Add a package of the company's own, and one that a partner shares with it."""
    partner = {"org_id": COMPANY["partner_org_id"], "name": "Restricted"}
    own, _ = (
        _add_private(store, "harbor-tools", version, company["org_id"])
        for version in _PRIVATE["harbor-tools"]
    )
    _authorize(store, own, partner, "approved")
    shared = _add_private(store, "partner-beacon", "1.0.0", COMPANY["partner_org_id"])
    _authorize(store, shared, company.attributes, "pending_approval")


def _release_date(platform: str, name: str, version: str) -> str:
    """Return when a version was released: made up, the higher the version the later."""
    major, minor, patch = map(int, version.split("."))
    minutes = int(digest("/".join((platform, name, version)), 6), 16) % 600
    return later("2022-01-10T09:00:00.000Z", days=100 * major + 10 * minor + patch, minutes=minutes)


def _add_private(store: Store, name: str, version: str, owner_org_id: str) -> Record:
    timestamp = _release_date("web", name, version)
    attributes = {
        **attributes_of(load(f"packages/private-{name}-{version}.json")),
        "created_at": timestamp,
        "updated_at": timestamp,
        "availability": "private",
        "status": "succeeded",
        "discontinued": False,
        "owner_org_id": owner_org_id,
        **_signatures(owner_org_id),
    }
    identifier = package_id("web", name, version)
    return store.add(Record("extension_packages", identifier, attributes))


def _authorize(store: Store, package: Record, organization: dict[str, str], state: str) -> None:
    """Let another organization use a private package."""
    owner_org_id = package["owner_org_id"]
    values = {
        "name": package["name"],
        "platform": package["platform"],
        "owner_org_id": owner_org_id,
        "owner_org_name": package["author"]["name"],
        "authorized_org_id": organization["org_id"],
        "authorized_org_name": organization["name"],
        "state": state,
        **_signatures(owner_org_id),
    }
    add_record(
        store,
        "extension_package_usage_authorizations",
        (package.id,),
        later(package["created_at"], days=3),
        values,
        package,
        extension_package=package.here,
    )


def _signatures(owner_org_id: str) -> dict[str, str]:
    developer = PEOPLE[0]
    if owner_org_id == COMPANY["partner_org_id"]:
        developer = RESTRICTED
    return signatures(created=developer, updated=developer)
