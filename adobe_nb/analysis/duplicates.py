"""Duplicates: resources of the same definition, the same name, or that read the same place."""

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import pandas as pd

from adobe_nb.analysis.answers import Columns, answer
from adobe_nb.analysis.comments import Parsed, normalized, parsed_scripts
from adobe_nb.analysis.model import Model, Resource, once_per_model
from adobe_nb.analysis.packages import Packages
from adobe_nb.analysis.settings import leaves_of, texts_of
from adobe_nb.analysis.usage import count_users
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

What = Literal["data_elements", "rules", "extensions", "rule_components"]
By = Literal["definition", "name", "path"]
Definition = tuple[Hashable, ...]
COLUMNS: Columns = {
    "group": "Int64",
    "type": "string",
    "id": "string",
    "name": "string",
    "property_id": "string",
    "same_settings": "boolean",
    "differs_in": "string",
    "used_by": "Int64",
}
_CONSTANT = "core::dataElements::constant"
_COMPARED: Mapping[str, Sequence[str]] = {
    "data_elements": (
        "name",
        "enabled",
        "delegate_descriptor_id",
        "default_value",
        "clean_text",
        "force_lower_case",
        "storage_duration",
    ),
    "rules": ("name", "enabled"),
    "extensions": ("name", "enabled", "version"),
    "rule_components": (
        "name",
        "delegate_descriptor_id",
        "negate",
        "order",
        "rule_order",
        "timeout",
        "delay_next",
    ),
}
"""The columns beside the settings that say how a resource works."""


def duplicates(
    model: Model,
    what: What = "data_elements",
    *,
    by: By = "definition",
    constants: bool = False,
) -> pd.DataFrame:
    """Return the resources that exist more than once, in groups."""
    _check(what, by)
    model.require("duplicates", what)
    if what == "rules":
        model.require("duplicates", "rule_components")
    definitions = _definitions(model)
    groups: dict[Hashable, list[Resource]] = {}
    for resource in getattr(model, what):
        if by != "name" and resource.delegate == _CONSTANT and not constants:
            continue
        key = _key(resource, by, definitions)
        if key is not None:
            groups.setdefault(key, []).append(resource)
    duplicated = []
    for group in groups.values():
        if len(group) > 1:
            duplicated.append(sorted(group, key=_place))
    duplicated.sort(key=lambda group: _place(group[0]))
    users = count_users(model)
    rows: list[dict[str, Any]] = []
    for number, group in enumerate(duplicated, start=1):
        rows += _rows(number, group, definitions, users)
    return answer(model, COLUMNS, rows, sort=("group", "property_id", "name", "id"))


def _check(what: str, by: str) -> None:
    if what not in get_args(What):
        raise ArgumentError(
            f"duplicates() cannot compare {what!r}.{did_you_mean(str(what), get_args(What))}"
        )
    if by not in get_args(By):
        raise ArgumentError(f"Invalid by={by!r}.{did_you_mean(str(by), get_args(By))}")
    if by == "path" and what != "data_elements":
        raise ArgumentError(
            "by='path' compares where data elements read their value. "
            f"For {what}, use by='definition' or by='name'."
        )


def _place(resource: Resource) -> tuple[str, str, str]:
    return (resource.name, resource.property_id, resource.id)


def _key(resource: Resource, by: By, definitions: "_Definitions") -> Hashable:
    """Return what the resources of a group have in common; None for one that has no duplicates."""
    if by == "name":
        return "".join(resource.name.casefold().split())
    if by == "path":
        return _path(resource)
    if resource.type == "rules" and not definitions.components[resource.id]:
        return None
    return definitions.of(resource)


def _path(resource: Resource) -> Hashable:
    """Return where a data element reads its value: a variable, a cookie, a parameter, …"""
    if not isinstance(resource.settings, dict):
        return None
    for member in ("path", "name"):
        path = resource.settings.get(member)
        if isinstance(path, str) and path.strip():
            return resource.delegate, path.strip().removeprefix("window.")
    return None


@dataclass(frozen=True, eq=False)
class _Definitions:
    """The definitions of a model's resources, in a form in which equal ones are equal."""

    packages: Packages
    components: Mapping[str, Sequence[Resource]]
    """The components of each rule."""
    names: Mapping[str, str]
    """The names of data elements by id, when there are several properties."""
    parsed: Parsed
    known: dict[Resource, Definition]

    def of(self, resource: Resource) -> Definition:
        """Return the definition of a resource."""
        if resource not in self.known:
            self.known[resource] = self._of(resource)
        return self.known[resource]

    def _of(self, resource: Resource) -> Definition:
        if resource.type == "rules":
            # A multiset: the order of components is a matter of display within their kind.
            counts = Counter(self.of(component) for component in self.components[resource.id])
            return (frozenset(counts.items()),)
        negate = resource.type == "rule_components" and resource.get("negate") is True
        return (resource.package, resource.delegate, negate, self.settings(resource))

    def settings(self, resource: Resource) -> frozenset[tuple[str, str]]:
        """Return the settings that reach the page: path and JSON text of each value."""
        if resource.problem:
            return frozenset([("", str(resource.get("settings")))])
        return frozenset(self._members(resource))

    def _members(self, resource: Resource) -> Iterator[tuple[str, str]]:
        languages = {}
        for text in texts_of(resource, self.packages):
            if text.role == "code":
                languages[text.path] = text.language
        for path, value, transform in leaves_of(resource, self.packages):
            # No settings at all are the same as empty ones.
            is_nothing = path == "" and not value
            if transform == "remove" or is_nothing:
                continue
            comparable = self._comparable(path, value)
            if path in languages:
                comparable = normalized(value, languages[path], self.parsed)
            yield path, json.dumps(comparable)

    def _comparable(self, path: str, value: Any) -> Any:
        if path == "dataElementId" and isinstance(value, str):
            # A copy in another property refers to the element of that name there.
            return self.names.get(value, value)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return value


@once_per_model
def _definitions(model: Model) -> _Definitions:
    components: dict[str, list[Resource]] = {rule.id: [] for rule in model.rules}
    for component in model.rule_components:
        if component.rule is not None:
            components[component.rule.id].append(component)
    names = {}
    if len(model.property_ids) > 1:
        names = {element.origin_id: element.name for element in model.data_elements}
    return _Definitions(Packages.of(model), components, names, parsed_scripts(model), {})


def _rows(
    number: int,
    group: Sequence[Resource],
    definitions: _Definitions,
    users: Mapping[str, int],
) -> Iterator[dict[str, Any]]:
    first = group[0]
    for resource in group:
        differences = list(_differences(first, resource, definitions))
        row = {
            "group": number,
            "type": resource.type,
            "id": resource.id,
            "name": resource.name,
            "property_id": resource.property_id or None,
            "same_settings": definitions.of(first) == definitions.of(resource),
            "differs_in": ", ".join(differences) or None,
            "used_by": users.get(resource.id, 0),
        }
        yield row


def _differences(first: Resource, other: Resource, definitions: _Definitions) -> Iterator[str]:
    """Yield the columns in which a resource differs from the first one of its group."""
    for column in _COMPARED[first.type]:
        # The service fills in False where a switch is missing.
        if (first.get(column) or None) != (other.get(column) or None):
            yield column
    if first.type == "rules":
        if definitions.of(first) != definitions.of(other):
            yield "rule_components"
        return
    changed = definitions.settings(first) ^ definitions.settings(other)
    members = {path.partition(".")[0].partition("[")[0] for path, _ in changed}
    for member in sorted(members):
        yield f"settings.{member}" if member else "settings"
