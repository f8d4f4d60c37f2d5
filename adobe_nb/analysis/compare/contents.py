"""What a resource consists of, normalized so that two of them can be compared.

Left out is what the service or another property changes: ids, dates, people, revision numbers, and
settings that never reach the page.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral
from typing import Any

from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.packages import Packages
from adobe_nb.analysis.settings import member_path
from adobe_nb.analysis.uses.index import members

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "rules": ("enabled",),
    "rule_components": (
        "delegate_descriptor_id",
        "order",
        "rule_order",
        "timeout",
        "delay_next",
        "negate",
    ),
    "data_elements": (
        "enabled",
        "delegate_descriptor_id",
        "default_value",
        "clean_text",
        "force_lower_case",
        "storage_duration",
    ),
    # The delegate of an extension only says that it has settings, which are compared.
    "extensions": ("enabled", "version"),
}
"""The columns that make up a resource, beside its name, its settings, and a rule's components. The
extension of a component or element is in its delegate.
"""
# The service fills these in, so null means the same.
_DEFAULTS = {
    "enabled": True,
    "order": 0,
    "rule_order": 50,
    "timeout": 2000,
    "delay_next": True,
    "negate": False,
    "clean_text": False,
    "force_lower_case": False,
}
_BRACKETS = " {}[],"
# One line for each value, so that texts can be compared by lines.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",\n", ":"), default=str)
# Web SDK generates an id for each variable. The actions that update the variable hold it, too.
_VARIABLE = "adobe-alloy::dataElements::variable"
_UPDATE_VARIABLE = "adobe-alloy::actions::update-variable"
_VARIABLE_OF_ACTION = "dataElementCacheId"


@dataclass(eq=False)
class Content:
    """A resource with its normalized content."""

    resource: Resource
    columns: Mapping[str, Any]
    settings: Any
    text: str
    """Columns and settings as JSON with sorted keys, without the name: equal for equal content."""
    components: list["Content"] = field(default_factory=list)
    """The components of a rule."""

    @property
    def name(self) -> str:
        """The name of the resource."""
        return self.resource.name

    @property
    def cache_id(self) -> str | None:
        """The generated id of a Web SDK variable; None for all other resources."""
        cache_id = members(self.resource.settings).get("cacheId")
        if self.resource.delegate == _VARIABLE and isinstance(cache_id, str):
            return cache_id
        return None

    @cached_property
    def text_with_components(self) -> str:
        """Its text and those of its components with their names, in any order."""
        texts = [f"{component.name}\n{component.text}" for component in self.components]
        return "\n\n".join([self.text, *sorted(texts)])

    @cached_property
    def lines(self) -> frozenset[str]:
        """The lines of its settings and code: what two similar resources have in common."""
        texts = [canonical_json(self.settings)]
        for component in self.components:
            texts += [component.name, canonical_json(component.settings)]
        lines = "\n".join(texts).replace("\\n", "\n").splitlines()
        return frozenset(line.strip(_BRACKETS) for line in lines)


Names = dict[str | tuple[str, str | None], str]
"""What the ids inside the settings of one model stand for; a cache id is paired with a property."""


class Normalizer:
    """Reads the contents of two models in the same way."""

    def __init__(self, before: Model, after: Model) -> None:
        self._columns: dict[str, list[str]] = {}
        for table in before.frames.keys() & after.frames.keys() & COLUMNS.keys():
            shared = set(before.frames[table]) & set(after.frames[table])
            self._columns[table] = [name for name in COLUMNS[table] if name in shared]
        self._removed = defaultdict(set, {_VARIABLE: {"cacheId"}})
        if "data_elements" not in self._columns:
            self._removed[_UPDATE_VARIABLE].add(_VARIABLE_OF_ACTION)
        # The extension packages may be missing from one of the two.
        for model in (before, after):
            packages = Packages.of(model)
            for resource in model.resources:
                for path, transform in (packages.transforms(resource) or {}).items():
                    if transform == "remove":
                        self._removed[resource.delegate].add(path)

    def contents(self, model: Model, table: str, names: Names) -> list[Content]:
        """Return the contents of a table; an empty list when only one model has it."""
        if table not in self._columns:
            return []
        return [self._content(resource, names) for resource in getattr(model, table)]

    def rules(self, model: Model, names: Names) -> list[Content]:
        """Return the rules of a model with their components."""
        rules = self.contents(model, "rules", names)
        by_resource: dict[Resource | None, Content] = {rule.resource: rule for rule in rules}
        for component in self.contents(model, "rule_components", names):
            rule = by_resource.get(component.resource.rule)
            if rule is not None:
                rule.components.append(component)
        return rules

    def _content(self, resource: Resource, names: Names) -> Content:
        columns = {name: _column(resource, name) for name in self._columns[resource.type]}
        settings = resource.settings
        if resource.problem:
            settings = str(resource.get("settings"))
        elif settings is None:
            settings = {}
        elif resource.delegate == _UPDATE_VARIABLE:
            cache_id = members(settings).get(_VARIABLE_OF_ACTION)
            variable = names.get((resource.property_id, str(cache_id)))
            if variable is not None:
                settings = {**settings, _VARIABLE_OF_ACTION: variable}
        removed = self._removed.get(resource.delegate, set())
        try:
            settings = _normalized(settings, "", names, removed)
            text = canonical_json([columns, settings])
        except RecursionError:
            # Nested deeper than Python recurses: compared as one text.
            settings = str(resource.get("settings"))
            text = canonical_json([columns, settings])
        return Content(resource, columns, settings, text)


def _column(resource: Resource, column: str) -> Any:
    value = resource.get(column)
    # An empty fallback is a value of its own.
    if value is None or (value == "" and column != "default_value"):
        value = _DEFAULTS.get(column)
    return _plain(value)


def _plain(value: Any) -> Any:
    """Return a value so that equal numbers are equal as text: 50.0 is 50, 1 is not true."""
    if isinstance(value, Integral | float) and not isinstance(value, bool) and value % 1 == 0:
        return int(value)
    return value


def _normalized(value: Any, path: str, names: Names, removed: set[str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, dict):
        normalized = {}
        for key, item in value.items():
            member = member_path(path, key)
            if member not in removed:
                normalized[key] = _normalized(item, member, names, removed)
        return normalized
    if isinstance(value, list):
        return [_normalized(item, f"{path}[]", names, removed) for item in value]
    return _plain(value)


def canonical_json(value: Any) -> str:
    """Return a value as JSON with sorted keys, equal for equal values."""
    return _CANONICAL.encode(value)
