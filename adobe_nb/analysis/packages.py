"""What extension packages do with settings when a library is built: their transforms."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from adobe_nb.analysis.model import Model, Resource, once_per_model, parse_json

Transform = Literal["function", "customCode", "file", "remove", "unknown"]
"""``function`` and ``file`` are code, and so is ``customCode``, whose language is a setting; ``remove``
never reaches the page.
"""
_TYPES = ("function", "customCode", "file", "remove")
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

    _transforms: Mapping[Any, Mapping[str, Transforms]]
    """By the id of a package, or the platform and name of a built-in one; then by delegate."""
    _installed: Mapping[tuple[str, str], str | None]
    """The id of the package of each extension, by property and name of the package."""
    _platforms: Mapping[str, str | None]

    @classmethod
    def of(cls, model: Model) -> "Packages":
        """Read the packages of a model."""
        transforms = dict(_built_in())
        for package in model.rows("extension_packages"):
            transforms[package["id"]] = _transforms(package)
        installed = {}
        for extension in model.extensions:
            key = (extension.property_id, extension.package)
            installed[key] = extension.get("extension_package_id")
        return cls(transforms, installed, model.platforms)

    def transforms(self, resource: Resource) -> Transforms | None:
        """Return the transforms of a resource's settings; None when they are unknown."""
        delegates = self._delegates(resource)
        if delegates is None:
            platform = self._platforms.get(resource.property_id) or "web"
            delegates = self._transforms.get((platform, resource.package))
        if delegates is None:
            return None
        return delegates.get(resource.delegate, {})

    def is_installed(self, resource: Resource) -> bool:
        """Return whether the package in use says what the settings of a resource are."""
        return self._delegates(resource) is not None

    def _delegates(self, resource: Resource) -> Mapping[str, Transforms] | None:
        """Return the delegates of the package in use, if it has that of a resource."""
        # The settings were saved with the form of that version.
        used = resource.get("updated_with_extension_package_id")
        installed = self._installed.get((resource.property_id, resource.package))
        for key in (used, installed):
            # A row of the package can lack what it offers: then it says nothing.
            delegates = self._transforms.get(key, {})
            if resource.delegate in delegates:
                return delegates
        return None


def delegates_of(package: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what a package says about each of its delegates, by descriptor."""
    by_delegate = {}
    for kind, column in _COLUMNS.items():
        for delegate in _objects(package.get(column)):
            name = delegate.get("name")
            if kind == "extensionConfiguration":
                name = "config"
            by_delegate[f"{package.get('name') or ''}::{kind}::{name}"] = delegate
    return by_delegate


@once_per_model
def delegate_names(model: Model) -> Mapping[str, str]:
    """Return the names that the extension packages of a model give their delegates."""
    names = {}
    for package in model.rows("extension_packages"):
        for descriptor, delegate in delegates_of(package).items():
            # The manifest writes displayName; other members of a package are in snake case.
            name = delegate.get("display_name") or delegate.get("displayName")
            if isinstance(name, str):
                names[descriptor] = name
    return names


def _transforms(package: Mapping[str, Any]) -> dict[str, Transforms]:
    """Return the transforms of each delegate of a package."""
    return {name: _of_delegate(delegate) for name, delegate in delegates_of(package).items()}


def _of_delegate(delegate: Mapping[str, Any]) -> Transforms:
    transforms: dict[str, Transform] = {}
    for transform in _objects(delegate.get("transforms")):
        # The manifest writes propertyPath; other members of a package are in snake case.
        path = transform.get("propertyPath") or transform.get("property_path")
        if isinstance(path, str):
            transform_type = transform.get("type")
            transforms[path] = transform_type if transform_type in _TYPES else "unknown"
    return transforms


def _objects(text: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a column of JSON text: a list of them, or a single one."""
    value, _ = parse_json(text)
    if not isinstance(value, list):
        value = [value]
    return [item for item in value if isinstance(item, dict)]


@cache
def _built_in() -> Mapping[Any, Mapping[str, Transforms]]:
    """Return the transforms of the packages that are known here, by platform and name."""
    text = files("adobe_nb.analysis").joinpath("transforms.toml").read_text(encoding="utf-8")
    built_in = {}
    for platform, known in tomllib.loads(text).items():
        for package in known["packages"]:
            built_in[platform, package] = known["transforms"]
    return built_in


PLAIN = (
    "core",
    "adobe-analytics",
    "adobe-alloy",
    "mapping-table",
    "gcoe-adobe-client-data-layer",
    "adobegoogledatalayer",
    "googledatalayer",
)
"""Packages whose other settings never hold the name of a data element without percent signs."""
