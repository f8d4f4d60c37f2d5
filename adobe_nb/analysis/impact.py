"""Question 10: what breaks if something is renamed or deleted."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from adobe_nb.analysis.answers import PLACE, SOURCE, Columns, answer, source_of
from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.references import Reference, find_references, limits, place_of
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

COLUMNS: Columns = {
    "level": "Int64",
    "via": "string",
    **SOURCE,
    **PLACE,
    "rule_enabled": "boolean",
    "in_production": "boolean",
}
_SORT = ("level", "source_type", "source_name", "source_id", "path", "line")
_BREAKS = ("certain", "conditional", "possible")


def impact(model: Model, name_or_id: str) -> pd.DataFrame:
    """Return what refers to a resource, what refers to that, and so on."""
    targets = find_resources(model, name_or_id)
    published = in_production(model)
    by_target: dict[str, list[Reference]] = defaultdict(list)
    for reference in find_references(model):
        if reference.target is not None and reference.verdict in _BREAKS:
            by_target[reference.target.id].append(reference)
    rows = []
    for level, via, reference in _levels(targets, by_target):
        row = {
            "level": level,
            "via": via,
            "rule_enabled": _rule_enabled(reference.source),
            "in_production": None,
        }
        if published is not None:
            holder = reference.source.rule or reference.source
            row["in_production"] = holder.origin_id in published
        rows.append({**source_of(reference.source), **place_of(reference), **row})
    sentences = [*limits(model)]
    if any(reference.is_unbounded for reference in find_references(model)):
        sentences.append(
            "Code reads data elements by names that only the running page knows: see "
            "references(verdicts='dynamic')."
        )
    return answer(model, COLUMNS, rows, sort=_SORT, limits=sentences)


def _levels(
    targets: Sequence[Resource], by_target: Mapping[str, Sequence[Reference]]
) -> Iterator[tuple[int, str, Reference]]:
    """Yield every reference once, with its distance and what it goes through."""
    seen = {target.id for target in targets}
    reached = list(targets)
    level = 0
    while reached:
        level += 1
        following = []
        for target in reached:
            for reference in by_target.get(target.id, ()):
                source = reference.source
                if source.id in seen and source not in following:
                    continue
                yield level, f"{reference.kind} {target.name}", reference
                # Who fires a rule does not break with what the rule reads.
                if source.type == "data_elements" and source.id not in seen:
                    seen.add(source.id)
                    following.append(source)
        reached = following


def _rule_enabled(source: Resource) -> bool | None:
    if source.rule is None:
        return None
    return source.rule.enabled


def in_production(model: Model) -> set[str] | None:
    """Return the ids of the heads that a published library holds; None when not known."""
    if "libraries" not in model.frames or "library_rules" not in model.frames:
        return None
    published = {row["id"] for row in model.rows("libraries") if row.get("state") == "published"}
    held: set[str] = set()
    for table in ("library_rules", "library_data_elements", "library_extensions"):
        for row in model.rows(table):
            if row.get("library_id") in published:
                held.add(row.get("origin_id") or row["id"])
    return held


def find_resources(model: Model, name_or_id: str) -> list[Resource]:
    """Return the resources of an id or a name: at most one in each property, all of one type.

    Raises ArgumentError when there is none, and when a name stands for different things.
    """
    for resource in model.resources:
        if name_or_id in (resource.id, resource.origin_id):
            return [resource]
    named = [*model.data_elements, *model.rules, *model.extensions]
    matches = [resource for resource in named if resource.name == name_or_id]
    if not matches:
        choices = [resource.name for resource in named]
        raise ArgumentError(
            f"No data element, rule or extension is called {name_or_id!r}."
            f"{did_you_mean(str(name_or_id), choices)}"
        )
    types = {resource.type for resource in matches}
    properties = {resource.property_id for resource in matches}
    if len(types) > 1 or len(properties) < len(matches):
        listing = ", ".join(f"{resource.id} ({resource.type})" for resource in matches)
        raise ArgumentError(f"Several resources are called {name_or_id!r}. Pass an id: {listing}.")
    return matches
