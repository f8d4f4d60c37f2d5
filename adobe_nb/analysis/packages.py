"""What extension packages do with settings when a library is built: their transforms."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from adobe_nb.analysis.model import Model, Resource

Transform = Literal["function", "customCode", "file", "remove"]
"""``function`` and ``file`` are code, and so is ``customCode``, whose language is a setting; ``remove``
never reaches the page.
"""
Transforms = Mapping[str, Transform]
"""A transform for each path inside the settings, such as ``instances[].onBeforeEventSend``."""


_COLUMNS = {
    "events": "events",
    "conditions": "conditions",
    "actions": "actions",
    "dataElements": "data_elements",
    "extensionConfiguration": "configuration",
}
"""The column of a package that has the delegates of a kind."""


@dataclass(frozen=True)
class Packages:
    """The transforms of every delegate: those of the installed packages, else the built-in ones."""

    _transforms: Mapping[str | None, Mapping[str, Transforms]]
    """By the id of a package, then by delegate."""
    _installed: Mapping[tuple[str, str], str | None]
    """The id of the package of each extension, by property and name of the package."""
    _platforms: Mapping[str, str | None]

    @classmethod
    def of(cls, model: Model) -> "Packages":
        """Read the packages of a model."""
        transforms = {row["id"]: _transforms(row) for row in model.rows("extension_packages")}
        installed = {}
        for extension in model.extensions:
            key = (extension.property_id, extension.package)
            installed[key] = extension.get("extension_package_id")
        return cls(transforms, installed, model.platforms)

    def transforms(self, resource: Resource) -> Transforms | None:
        """Return the transforms of a resource's settings; None when they are unknown."""
        # The settings were saved with the form of that version.
        used = resource.get("updated_with_extension_package_id")
        installed = self._installed.get((resource.property_id, resource.package))
        for package_id in (used, installed):
            if package_id in self._transforms:
                return self._transforms[package_id].get(resource.delegate, {})
        platform = self._platforms.get(resource.property_id) or "web"
        built_in = _built_in().get(platform)
        if built_in is None or resource.package not in built_in["packages"]:
            return None
        transforms: Transforms = built_in["transforms"].get(resource.delegate, {})
        return transforms


def _transforms(package: Mapping[str, Any]) -> dict[str, Transforms]:
    """Return the transforms of each delegate of a package."""
    by_delegate: dict[str, Transforms] = {}
    for kind, column in _COLUMNS.items():
        for delegate in _objects(package.get(column)):
            name = delegate.get("name")
            if kind == "extensionConfiguration":
                name = "config"
            transforms = {}
            for transform in delegate.get("transforms") or ():
                # The manifest writes propertyPath; other members of a package are in snake case.
                path = transform.get("propertyPath") or transform.get("property_path")
                if path:
                    transforms[path] = transform.get("type", "remove")
            by_delegate[f"{package.get('name') or ''}::{kind}::{name}"] = transforms
    return by_delegate


def _objects(text: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a column of JSON text: a list of them, or a single one."""
    try:
        value = json.loads(text or "[]")
    except (TypeError, ValueError):
        return []
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]


@cache
def _built_in() -> Mapping[str, Any]:
    """Return, by platform, the packages that are known here and the transforms of their delegates."""
    text = files("adobe_nb.analysis").joinpath("transforms.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
