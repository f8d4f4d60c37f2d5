"""Duplicates: resources of the same definition, the same name, or that read the same value."""

import json
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Literal, NamedTuple, get_args

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.code.comments import normalized
from adobe_nb.analysis.lookup import chosen_types
from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.packages import Packages
from adobe_nb.analysis.settings import leaves_of, text_of
from adobe_nb.analysis.uses.usage import count_users
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

TYPES = ("data_elements", "rules", "extensions", "rule_components")
By = Literal["definition", "name", "path"]
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
_ORDER = attrgetter("name", "property_id", "id")


class _Definition(NamedTuple):
    """What a resource does, in a form in which equal ones are equal."""

    package: str
    delegate: str
    is_negated: bool
    parts: frozenset[Any]
    """Its settings; the definitions of a rule's components, each with its number."""


def duplicates(
    model: Model,
    what: str | Iterable[str] = "data_elements",
    *,
    by: By = "definition",
    constants: bool = False,
) -> pd.DataFrame:
    """Return the resources that exist more than once, in groups."""
    types = _types(model, what, by)
    resources: list[Resource] = []
    for name in types:
        # In order, so that groups and their members are in order, too.
        resources += sorted(getattr(model, name), key=_ORDER)
    if by != "name" and not constants:
        resources = [resource for resource in resources if resource.delegate != _CONSTANT]
    if by == "definition":
        resources = _with_equal_outline(model, resources)
    definitions = _Definitions(model)
    rows: list[Row] = []
    for number, group in enumerate(_groups(resources, by, definitions), start=1):
        rows += _rows(number, group, definitions, count_users(model))
    return answer(model, COLUMNS, rows, sort=("group", "property_id", "name", "id"))


def _groups(
    resources: Iterable[Resource], by: By, definitions: "_Definitions"
) -> list[list[Resource]]:
    """Return the resources that have something in common with others, together."""
    groups: dict[Hashable, list[Resource]] = defaultdict(list)
    for resource in resources:
        key = _key(resource, by, definitions)
        # Without a key, resources have nothing to compare.
        if key is not None:
            groups[key].append(resource)
    return [group for group in groups.values() if len(group) > 1]


def _with_equal_outline(model: Model, resources: Sequence[Resource]) -> list[Resource]:
    """Return the resources that may have duplicates, because another one differs in code only."""
    outlines = _Definitions(model, with_code=False)
    counts = Counter(outlines[resource] for resource in resources)
    return [resource for resource in resources if counts[outlines[resource]] > 1]


def _rows(
    number: int, group: list[Resource], definitions: "_Definitions", users: Mapping[str, int]
) -> Iterator[Row]:
    first = group[0]
    for resource in group:
        differences = _differences(first, resource, definitions)
        yield {
            "group": number,
            "type": resource.type,
            "id": resource.id,
            "name": resource.name,
            "property_id": resource.property_id or None,
            "same_settings": definitions[first] == definitions[resource],
            "differs_in": ", ".join(differences) or None,
            "used_by": users.get(resource.id, 0),
        }


def _types(model: Model, what: str | Iterable[str], by: By) -> list[str]:
    """Return the types to search. Raises ArgumentError."""
    if by not in get_args(By):
        raise ArgumentError(f"Invalid by={by!r}.{did_you_mean(str(by), get_args(By))}")
    if what == "all":
        # Components are meant to repeat: nearly every rule has the event of a page view.
        what = ["data_elements", "rules", "extensions"]
    types = chosen_types(what, TYPES)
    if by == "path" and types != ["data_elements"]:
        raise ArgumentError(
            "by='path' compares where data elements read their value. "
            f"For {', '.join(types)}, use by='definition' or by='name'."
        )
    for name in types:
        model.require("duplicates", name)
    if "rules" in types:
        model.require("duplicates", "rule_components")
    return types


def _key(resource: Resource, by: By, definitions: "_Definitions") -> Hashable:
    """Return what the resources of a group have in common; None for one that has no duplicates."""
    if by == "name":
        return resource.type, "".join(resource.name.casefold().split())
    if by == "path":
        return _path(resource)
    definition = definitions[resource]
    if resource.type == "rules" and not definition.parts:
        return None
    return definition


def _path(resource: Resource) -> Hashable:
    """Return where a data element reads its value: a variable, a cookie, a parameter, …"""
    path = resource.setting("path") or resource.setting("name")
    if isinstance(path, str) and path.strip():
        return resource.delegate, path.strip().removeprefix("window.")
    return None


class _Definitions(dict[Resource, _Definition]):
    """The definition of each resource of a model, found when it is first used.

    Normalizing code takes long. Without it, code counts as equal.
    """

    def __init__(self, model: Model, *, with_code: bool = True) -> None:
        super().__init__()
        self._with_code = with_code
        self._packages = Packages.of(model)
        self._names = {}
        # A copy in another property refers to the data element of that name there.
        if len(model.property_ids) > 1:
            self._names = {element.origin_id: element.name for element in model.data_elements}
        self._components: dict[Resource | None, list[Resource]] = defaultdict(list)
        for component in model.rule_components:
            self._components[component.rule].append(component)

    def __missing__(self, resource: Resource) -> _Definition:
        parts: frozenset[Hashable] = frozenset(self._settings(resource))
        if resource.type == "rules":
            # A multiset: the order of components is a matter of display within their kind.
            counts = Counter(self[component] for component in self._components[resource])
            parts = frozenset(counts.items())
        is_negated = resource.get("negate") is True
        definition = _Definition(resource.package, resource.delegate, is_negated, parts)
        self[resource] = definition
        return definition

    def _settings(self, resource: Resource) -> Iterator[tuple[str, str]]:
        """Yield the settings that reach the page: path and JSON text of each value."""
        if resource.problem:
            yield "", str(resource.get("settings"))
            return
        for path, value, transform in leaves_of(resource, self._packages):
            # No settings at all are the same as empty ones.
            if transform == "remove" or not (path or value):
                continue
            comparable = value
            if path == "dataElementId":
                comparable = self._names.get(str(value), value)
            elif isinstance(value, str):
                text = text_of(resource, path, value, transform)
                if text.role == "code":
                    comparable = normalized(value, text.language) if self._with_code else ""
            # The numbers 50.0 and 50 are equal.
            yield path, json.dumps(comparable).removesuffix(".0")


def _differences(first: Resource, other: Resource, definitions: _Definitions) -> Iterator[str]:
    """Yield the columns in which a resource differs from the first one of its group."""
    for column in _COMPARED[first.type]:
        # The service fills in False where a switch is missing.
        if (first.get(column) or None) != (other.get(column) or None):
            yield column
    changed = definitions[first].parts ^ definitions[other].parts
    if changed and first.type == "rules":
        yield "rule_components"
    elif changed:
        members = {path.partition(".")[0].partition("[")[0] for path, _ in changed}
        for member in sorted(members):
            yield f"settings.{member}".removesuffix(".")
