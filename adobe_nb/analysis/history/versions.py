"""Which extensions have a newer version, and what an upgrade would break."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.frames import normalized
from adobe_nb.analysis.history.schemas import required_members
from adobe_nb.analysis.model import Model, Resource, records
from adobe_nb.analysis.packages import delegates_of
from adobe_nb.analysis.publishing.upstream import upstream_of
from adobe_nb.analysis.words import listing
from adobe_nb.errors import ArgumentError

COLUMNS: Columns = {
    "extension_id": "string",
    "name": "string",
    "display_name": "string",
    "version": "string",
    "latest_version": "string",
    "behind": "Int64",
    "platform": "string",
    "availability": "string",
    "upgrade_blocked_by": "string",
    "delegates_removed": "string",
    "settings_new_required": "string",
    "is_latest": "boolean",
}
_REQUIRED = ("id", "name", "version")
_READ = {
    "extension_packages": _REQUIRED,
    "libraries": ("id",),
    "library_extensions": ("id", "library_id"),
}
_PART = re.compile(r"\d+|[a-z]+")
Version = tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]


def version_key(text: str) -> Version:
    """Return a key that orders versions: 2.9 < 2.10 < 3.0.0-beta.2 < 3.0.0-beta.10 < 3.0.0.

    Versions are those of semver.org; a prefix ``v`` and the build after ``+`` do not count. A text
    without a number comes first.
    """
    plain = text.strip().lower().removeprefix("v").partition("+")[0]
    match = re.match(r"\d+(?:\.\d+)*", plain)
    numbers = match.group() if match else ""
    suffix = _PART.findall(plain[len(numbers) :])
    release = [int(number) for number in numbers.split(".") if number]
    # 2.1 is 2.1.0.
    while release and not release[-1]:
        release.pop()
    parts = []
    for part in suffix:
        # Numbers come before names, and are compared as numbers.
        if part.isdigit():
            parts.append((False, int(part), part))
        else:
            parts.append((True, 0, part))
    if not match:
        release = [-1]
    return tuple(release), not suffix, tuple(parts)


def extension_versions(model: Model, packages: pd.DataFrame | None = None) -> pd.DataFrame:
    """Compare extensions with their latest version. ``Tags.extension_versions`` documents it."""
    model.require("extension_versions", "extensions")
    model.require_columns("extension_versions", "extensions", "version")
    for table, names in _READ.items():
        if table in model.frames:
            model.require_columns("extension_versions", table, *names)
    if packages is not None:
        _check(packages)
    catalog = _Catalog(model, packages)
    used = _used_delegates(model)
    blocking = _blocking_libraries(model)
    rows = []
    unknown, unread = [], []
    for extension in model.extensions:
        installed = catalog.installed(extension)
        latest = catalog.latest(extension)
        row = {
            "property_id": extension.property_id,
            "extension_id": extension.id,
            "name": extension.package,
            "display_name": extension.get("display_name") or installed.get("display_name"),
            "version": extension.get("version"),
            "platform": catalog.platform(extension),
            "availability": installed.get("availability"),
        }
        rows.append(row)
        if latest is None:
            unknown.append(extension)
            continue
        row["latest_version"] = latest["version"]
        row["behind"] = catalog.behind(extension, latest)
        row["is_latest"] = row["behind"] == 0
        if row["is_latest"]:
            continue
        row["upgrade_blocked_by"] = listing(blocking[extension.origin_id])
        before, after = delegates_of(installed), delegates_of(latest)
        if not before or not after:
            unread.append(extension)
            continue
        delegates = used[extension.property_id, extension.package]
        row |= _differences(delegates, before, after)
    sort = ["name", "extension_id"]
    return answer(model, COLUMNS, rows, sort=sort, limits=_limits(model, unknown, unread, rows))


class _Catalog:
    """The packages that are known, by extension."""

    def __init__(self, model: Model, packages: pd.DataFrame | None) -> None:
        self._platforms = model.platforms
        self._listed: dict[str, Row] = {}
        if packages is not None:
            [listed] = normalized({"extension_packages": packages}).values()
            for package in records(listed):
                self._listed[package["id"]] = package
        known = {package["id"]: package for package in model.rows("extension_packages")}
        self._packages: dict[str, Row] = {**known, **self._listed}

    def installed(self, extension: Resource) -> Row:
        """Return the package of the installed version; an empty row when it is not known."""
        return self._packages.get(extension.get("extension_package_id"), {})

    def platform(self, extension: Resource) -> str | None:
        """Return the platform of an extension."""
        platform = self.installed(extension).get("platform")
        return platform or self._platforms.get(extension.property_id)

    def latest(self, extension: Resource) -> Row | None:
        """Return the latest package that could be installed; None when it is not known."""
        own: Row = {"version": extension.get("version") or "", **self.installed(extension)}
        releases = self._releases(extension, self._packages.values())
        newest = max([own, *releases], key=_version_of)
        if newest is not own:
            return newest
        is_offered = extension.get("meta_upgrade_extension_package_id") is not None
        # The API says so of each extension; a catalog has the newest version of each package.
        is_known = "meta_upgrade_extension_package_id" in extension.row
        is_known = is_known or any(self._releases(extension, self._listed.values()))
        return own if is_known and not is_offered else None

    def behind(self, extension: Resource, latest: Row) -> int | None:
        """Return by how many versions an extension is behind; None when not all are known."""
        version = version_key(extension.get("version") or "")
        if version_key(latest["version"]) == version:
            return 0
        # A list of all versions has the installed one; the catalog has the newest ones only.
        if extension.get("extension_package_id") not in self._listed:
            return None
        versions = set(map(_version_of, self._releases(extension, self._listed.values())))
        return sum(other > version for other in versions)

    def _releases(self, extension: Resource, packages: Iterable[Row]) -> Iterator[Row]:
        """Yield the versions of the package of an extension that the property could install."""
        platform = self.platform(extension)
        for package in packages:
            is_same = package.get("name") == extension.package
            if not is_same or package.get("platform") not in (platform, None):
                continue
            is_released = package.get("availability") != "development"
            is_good = package.get("status") in ("succeeded", None)
            if is_released and is_good and not package.get("discontinued") and package["version"]:
                yield package


def _version_of(package: Row) -> Version:
    return version_key(package["version"])


def _check(packages: Any) -> None:
    if isinstance(packages, pd.DataFrame) and set(_REQUIRED) <= set(packages):
        return
    raise ArgumentError(
        "packages must be a frame of extension packages: reactor.extension_packages() for the "
        "newest versions, or reactor.extension_packages.versions(…) for all versions."
    )


def _used_delegates(model: Model) -> Mapping[tuple[str, str], set[str]]:
    """Return the delegates that each property uses, by property and package."""
    used: dict[tuple[str, str], set[str]] = defaultdict(set)
    for resource in model.resources:
        if resource.delegate:
            used[resource.property_id, resource.package].add(resource.delegate)
    return used


def _blocking_libraries(model: Model) -> Mapping[str, list[str]]:
    """Return the libraries that deliver each extension and can neither change nor be built.

    After an upgrade every library must have the upgraded revision, and those that are submitted or
    approved cannot get it. Extensions that were never published are exempt.
    """
    blocking: dict[str, list[str]] = defaultdict(list)
    libraries = {row["id"]: row for row in model.rows("libraries")}
    held: dict[str, set[str]] = defaultdict(set)
    published = set()
    for revision in model.rows("library_extensions"):
        origin = revision.get("origin_id") or revision["id"]
        held[revision["library_id"]].add(origin)
        if libraries.get(revision["library_id"], {}).get("state") == "published":
            published.add(origin)
    for library in libraries.values():
        if library.get("state") not in ("submitted", "approved"):
            continue
        delivered: set[str] = set()
        for source in upstream_of(model.frames["libraries"], library["id"]):
            delivered |= held[source]
        for origin in delivered & published:
            blocking[origin].append(str(library.get("name") or library["id"]))
    return blocking


def _differences(used: Iterable[str], before: Mapping[str, Row], after: Mapping[str, Row]) -> Row:
    """Return which delegates in use the latest version lacks, and which settings it adds."""
    removed, added = [], []
    for delegate in before.keys() & set(used):
        if delegate not in after:
            removed.append(delegate)
        else:
            required = required_members(before[delegate].get("schema"))
            for path in required_members(after[delegate].get("schema")) - required:
                added.append(f"{delegate}: {path}")
    return {
        "delegates_removed": listing(removed),
        "settings_new_required": listing(added),
    }


def _limits(
    model: Model, unknown: list[Resource], unread: list[Resource], rows: Iterable[Row]
) -> Iterator[str]:
    if unknown:
        yield (
            f"The latest version of {_packages(unknown)} is unknown. Pass the newest packages: "
            "tags.extension_versions(reactor.extension_packages())."
        )
    if unread:
        yield (
            f"The package of {_packages(unread)} cannot be compared with the latest one: one of the "
            "two, or what it offers, is missing."
        )
    if any(row.get("latest_version") and row.get("behind") is None for row in rows):
        yield (
            "By how many versions an extension is behind is counted in a list of all versions: "
            "tags.extension_versions(reactor.extension_packages.versions("
            'tags.frames["extension_packages"])).'
        )
    if not {"libraries", "library_extensions"} <= model.frames.keys():
        yield "Which libraries block an upgrade is unknown without the libraries and their contents."
    yield "An upgrade cannot be undone. Alternatives in a schema (anyOf, oneOf) are not compared."


def _packages(extensions: Iterable[Resource]) -> str | None:
    return listing(map(attrgetter("package"), extensions))
