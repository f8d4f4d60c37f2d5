"""What a resource consists of, normalized so that two of them can be compared.

Left out is what the service or another property changes: ids, dates, people, revision numbers, and
settings that never reach the page.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral
from typing import Any

from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.packages import Packages
from adobe_nb.analysis.settings import member_path

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
    "extensions": ("enabled", "version", "delegate_descriptor_id"),
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
_NO_NAMES: Mapping[str, str] = {}


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

    @cached_property
    def text_with_components(self) -> str:
        """Its text and those of its components with their names, in any order."""
        parts = [f"{part.name}\n{part.text}" for part in self.components]
        return "\n\n".join([self.text, *sorted(parts)])

    @cached_property
    def lines(self) -> frozenset[str]:
        """The lines of its settings and code: what two similar resources have in common."""
        texts = [canonical_json(self.settings)]
        for part in self.components:
            texts += [part.name, canonical_json(part.settings)]
        lines = "\n".join(texts).replace("\\n", "\n").splitlines()
        return frozenset(line.strip(_BRACKETS) for line in lines)


class Normalizer:
    """Reads the contents of two models in the same way."""

    def __init__(self, before: Model, after: Model) -> None:
        self._columns = {}
        for table in before.frames.keys() & after.frames.keys() & COLUMNS.keys():
            known = set(before.frames[table]) & set(after.frames[table])
            self._columns[table] = [name for name in COLUMNS[table] if name in known]
        self._removed: dict[str, set[str]] = {}
        # Only one of the two may know the extension packages.
        for model in (before, after):
            self._add_removed(model)

    def _add_removed(self, model: Model) -> None:
        packages = Packages.of(model)
        for resource in model.resources:
            for path, transform in (packages.transforms(resource) or {}).items():
                if transform == "remove":
                    self._removed.setdefault(resource.delegate, set()).add(path)

    def contents(
        self, resources: Sequence[Resource], names: Mapping[str, str] = _NO_NAMES
    ) -> list[Content]:
        """Return the contents of resources of one type; none when only one model has this table.

        Ids in settings become the ``names`` that they have here.
        """
        return [
            self._content(resource, names)
            for resource in resources
            if resource.type in self._columns
        ]

    def rules(self, model: Model, names: Mapping[str, str] = _NO_NAMES) -> list[Content]:
        """Return the rules of a model with their components."""
        rules = self.contents(model.rules)
        by_rule = {id(rule.resource): rule for rule in rules}
        for component in self.contents(model.rule_components, names):
            rule = by_rule.get(id(component.resource.rule))
            if rule is not None:
                rule.components.append(component)
        return rules

    def _content(self, resource: Resource, names: Mapping[str, str]) -> Content:
        columns = {}
        for column in self._columns[resource.type]:
            columns[column] = _column(resource, column)
        if resource.type == "rules":
            return Content(resource, columns, {}, canonical_json(columns))
        removed = self._removed.get(resource.delegate, set())
        settings = resource.settings
        if resource.problem:
            settings = str(resource.get("settings"))
        elif settings is None:
            settings = {}
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
    if value == "" and column != "default_value":
        value = None
    if value is None:
        value = _DEFAULTS.get(column)
    return _plain(value)


def _plain(value: Any) -> Any:
    """Return a value so that equal numbers are equal as text: 50.0 is 50, 1 is not true."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _normalized(value: Any, path: str, names: Mapping[str, str], removed: set[str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, dict):
        members = {}
        for key, item in value.items():
            member = member_path(path, key)
            if member not in removed:
                members[key] = _normalized(item, member, names, removed)
        return members
    if isinstance(value, list):
        return [_normalized(item, f"{path}[]", names, removed) for item in value]
    return _plain(value)


def canonical_json(value: Any) -> str:
    """Return a value as JSON with sorted keys, equal for equal values."""
    # One line for each value, so that texts can be compared by lines.
    return json.dumps(value, sort_keys=True, separators=(",\n", ":"), default=str)
