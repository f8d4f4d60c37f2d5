"""Which resource a user means, and what libraries hold of it."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, Union

import pandas as pd

from adobe_nb.analysis.model import Model, Resource, once_per_model
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import ID_PATTERN
from adobe_nb.suggest import candidates, did_you_mean

# pandas' Series takes a parameter for type checkers only.
Target: TypeAlias = Union[str, pd.DataFrame, "pd.Series[Any]"]
"""A name, an id, or one row of a frame."""
_HELD = ("library_rules", "library_data_elements", "library_extensions")


def name_or_id(value: Any) -> str:
    """Return the name or id that a user passed. Raises ArgumentError."""
    if isinstance(value, pd.DataFrame) and "id" in value and len(value) == 1:
        value = value["id"].iloc[0]
    elif isinstance(value, pd.Series) and "id" in value.index:
        value = value["id"]
    if isinstance(value, str) and value:
        return value
    if isinstance(value, str):
        raise ArgumentError("Expected a name, an id, or one row of a frame, got an empty text.")
    raise ArgumentError(
        f"Expected a name, an id, or one row of a frame, got {type(value).__name__}. "
        'For example: "Page Name".'
    )


def chosen_types(what: str | Iterable[str], among: Sequence[str]) -> list[str]:
    """Return the types that a user names, in the order of ``among``. Raises ArgumentError.

    Callers decide what "all" means.
    """
    if isinstance(what, str):
        what = [what]
    if not isinstance(what, Iterable):
        raise ArgumentError(f"Expected types such as {among[0]!r}, got {type(what).__name__}.")
    texts = sorted(map(str, what))
    chosen = set()
    for text in texts:
        name = text.replace(" ", "_")
        if name not in among:
            raise ArgumentError(f"Unknown type {text!r}.{did_you_mean(name, [*among, 'all'])}")
        chosen.add(name)
    return [name for name in among if name in chosen]


def find_resources(model: Model, key: str) -> list[Resource]:
    """Return the resources of an id or a name: at most one in each property, all of one type.

    Raises ArgumentError when there is none, and when a name stands for different things.
    """
    for resource in model.resources:
        if key in (resource.id, resource.origin_id):
            return [resource]
    named = [*model.data_elements, *model.rules, *model.extensions]
    matches = [resource for resource in named if resource.name == key]
    if not matches:
        raise ArgumentError(
            f"No data element, rule or extension is called {key!r}.{hint(model, key)}"
        )
    types = {resource.type for resource in matches}
    properties = {resource.property_id for resource in matches}
    if len(types) > 1 or len(properties) < len(matches):
        listing = ", ".join(f"{resource.id} ({resource.type})" for resource in matches)
        raise ArgumentError(f"Several resources are called {key!r}. Pass an id: {listing}.")
    return matches


def find_rules(model: Model, key: str) -> list[Resource]:
    """Return the rule of an id, or all rules of a name. Raises ArgumentError without one."""
    for rule in model.rules:
        if key in (rule.id, rule.origin_id):
            return [rule]
    rules = [rule for rule in model.rules if rule.name == key]
    if rules:
        return rules
    for resource in model.resources:
        if key in (resource.id, resource.name):
            message = f"{key!r} is not a rule, but one of the {resource.type.replace('_', ' ')}."
            if resource.rule is not None:
                message += f" Its rule is {resource.rule.id} ({resource.rule.name})."
            raise ArgumentError(message)
    raise ArgumentError(f"No rule is called {key!r}.{hint(model, key, model.rules)}")


def hint(model: Model, key: str, among: Iterable[Resource] | None = None) -> str:
    """Return the end of an error message about a name that nothing has.

    ``among`` are the resources whose names it suggests.
    """
    components = [component for component in model.rule_components if component.name == key]
    if components:
        return f" {len(components)} rule components are: pass the id of one, such as {components[0].id}."
    for table in ("data_elements", "rules", "extensions"):
        for row in model.rows(table):
            if key in (row.get("name"), row["id"]) and row.get("deleted_at") is not None:
                return f" {row['id']} was deleted. analysis.read(build=…) reads what is still live."
    if ID_PATTERN.fullmatch(key):
        return " Ids of data elements begin with DE, of rules with RL, of extensions with EX."
    names = {resource.name for resource in among or model.resources if resource.rule is None}
    similar = candidates(key, names, most=3)
    return f" Similar names: {', '.join(similar) or 'none'}."


@once_per_model
def holds_revisions(model: Model) -> bool:
    """Return whether all resources are revisions, as those of a library or build are."""
    resources = [*model.rules, *model.data_elements, *model.extensions]
    return bool(resources) and all(resource.get("revision_number") for resource in resources)


@once_per_model
def in_libraries(model: Model) -> set[str] | None:
    """Return the ids of the heads that a library holds a revision of; None when not known."""
    if not any(table in model.frames for table in _HELD):
        return None
    return set(_origins(model))


@once_per_model
def in_production(model: Model) -> set[str] | None:
    """Return the ids of the heads that a published library holds; None when not known."""
    if "libraries" not in model.frames or "library_rules" not in model.frames:
        return None
    published = {row["id"] for row in model.rows("libraries") if row.get("state") == "published"}
    libraries = _origins(model)
    live = {origin for origin, held_by in libraries.items() if held_by & published}
    revisions = set()
    for row in model.rows("library_rules"):
        if row.get("library_id") in published:
            revisions.add(row["id"])
    for row in model.rows("rule_revision_components"):
        if row.get("rule_id") in revisions:
            live.add(row.get("origin_id") or row["id"])
    return live


@once_per_model
def _origins(model: Model) -> dict[str, set[str]]:
    """Return the libraries that hold a revision of each head, by the id of the head."""
    libraries: dict[str, set[str]] = {}
    for table in _HELD:
        for row in model.rows(table):
            origin = row.get("origin_id") or row["id"]
            libraries.setdefault(origin, set()).add(row.get("library_id") or "")
    return libraries


def deleted_but_live(model: Model) -> list[str]:
    """Return the names of deleted resources that a published library holds."""
    live = in_production(model) or set()
    names = []
    for table in ("rules", "data_elements", "extensions"):
        for row in model.rows(table):
            if row.get("deleted_at") is not None and row["id"] in live:
                names.append(row.get("name") or row["id"])
    return names
