"""Manifests of the public extension packages: the ``extension.json`` that a developer uploads.

Names of delegates and of their settings are Adobe's; texts and schemas are ours. A schema refuses
the same settings as the real one, as far as that is public; otherwise it accepts any object.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from adobe_nb.simulator.data import load

DELEGATES = ("events", "conditions", "actions", "dataElements")
"""Members of a manifest that list delegates."""
_CATALOG = load("packages/catalog.json")
VERSIONS: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    {(package["platform"], package["name"]): tuple(package["versions"]) for package in _CATALOG}
)
"""The versions of each package by platform and name, oldest first."""
PARTLY_KNOWN = frozenset(
    (package["platform"], package["name"]) for package in _CATALOG if package.get("partly_known")
)
"""Packages, by platform and name, that accept delegates beyond those in their manifests.

Adobe does not publish all delegates of the real packages.
"""


def manifest(platform: str, name: str, version: str | None = None) -> dict[str, Any] | None:
    """Return the manifest of a package as a new dict, or None if there is no such version.

    Parameters
    ----------
    platform
        ``"web"``, ``"mobile"`` or ``"edge"``.
    version
        The newest one by default. All versions of a package have the same delegates.

    Examples
    --------
    >>> manifest("web", "core")["version"]
    '3.4.4'
    """
    versions = VERSIONS.get((platform, name), ())
    if version is None and versions:
        version = versions[-1]
    if version not in versions:
        return None
    document: dict[str, Any] = load(f"packages/{platform}-{name}.json")
    schemas = document.pop("schemas", {})
    for member in DELEGATES:
        for delegate in document[member]:
            # Delegates that take the same settings share a schema by its name.
            if isinstance(delegate["schema"], str):
                delegate["schema"] = schemas[delegate["schema"]]
    return document | {"version": version}


def column(member: str) -> str:
    """Return the attribute of an extension package that a member of its manifest becomes.

    Examples
    --------
    >>> column("hostedLibFiles")
    'hosted_lib_files'
    """
    return re.sub("([A-Z])", r"_\1", member).lower()
