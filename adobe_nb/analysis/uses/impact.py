"""What breaks if something is renamed or deleted."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pandas as pd

from adobe_nb.analysis.answers import PLACE, SOURCE, Columns, answer, source_of
from adobe_nb.analysis.lookup import Target, find_resources, in_production, name_or_id
from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.uses.references import (
    UPDATE_VARIABLE,
    Reference,
    find_references,
    limits,
    place_of,
    require_content,
)

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


def impact(model: Model, target: Target) -> pd.DataFrame:
    """Return what refers to a resource, what refers to that, and so on."""
    require_content(model, "impact")
    targets = find_resources(model, name_or_id(target))
    published = in_production(model)
    rows = []
    for level, via, reference in _levels(model, targets):
        row = {
            "level": level,
            "via": via,
            "rule_enabled": _rule_enabled(reference.source),
            "in_production": None,
        }
        if published is not None:
            holder = reference.source
            if holder.rule is not None and "rule_revision_components" not in model.frames:
                # The components of published rules are not known one by one.
                holder = holder.rule
            row["in_production"] = holder.origin_id in published
        rows.append({**source_of(reference.source), **place_of(reference), **row})
    return answer(model, COLUMNS, rows, sort=_SORT, limits=[*limits(model), *_limits(model)])


def _limits(model: Model) -> Iterator[str]:
    yield (
        "References by id or identifier (id-setting, relation, track, direct-call, secret) break "
        "when their target is deleted, and not when it is renamed."
    )
    if any(reference.is_unbounded for reference in find_references(model)):
        yield (
            "Code reads data elements by names that only the running page knows: see "
            "references(verdicts='dynamic')."
        )


def _levels(model: Model, targets: Sequence[Resource]) -> Iterator[tuple[int, str, Reference]]:
    """Yield every reference once, with its distance and what it goes through."""
    uses = _Uses(model)
    origins = {target.id for target in targets}
    seen = set(origins)
    reached = list(targets)
    level = 0
    while reached:
        level += 1
        following: list[Resource] = []
        for target in reached:
            for reference in uses.of(target, level):
                if reference.source.id in origins:
                    continue
                yield level, f"{reference.kind} {target.name}", reference
                following += uses.carriers(reference.source)
        new = {carrier.id: carrier for carrier in following if carrier.id not in seen}
        seen |= new.keys()
        reached = list(new.values())


class _Uses:
    """The references by their target."""

    def __init__(self, model: Model) -> None:
        self._by_target: dict[str, list[Reference]] = defaultdict(list)
        self._written: dict[str, list[Resource]] = defaultdict(list)
        """The variables that an action fills."""
        for reference in find_references(model):
            if reference.target is not None and reference.verdict in _BREAKS:
                self._by_target[reference.target.id].append(reference)
                if _is_write(reference):
                    self._written[reference.source.id].append(reference.target)

    def of(self, target: Resource, level: int) -> list[Reference]:
        """Return the references that break with a target."""
        references = self._by_target[target.id]
        if level == 1:
            return references
        # Who writes a variable does not break with another value in it.
        return [reference for reference in references if not _is_write(reference)]

    def carriers(self, source: Resource) -> list[Resource]:
        """Return the data elements whose values depend on a source.

        That is not so for a rule: who fires it does not break with what it reads.
        """
        if source.type == "data_elements":
            return [source]
        return self._written[source.id]


def _is_write(reference: Reference) -> bool:
    """Return whether a reference names the variable that an action of Web SDK fills."""
    is_setting = reference.kind in ("id-setting", "name-setting")
    return is_setting and reference.source.delegate == UPDATE_VARIABLE


def _rule_enabled(source: Resource) -> bool | None:
    if source.rule is None:
        return None
    return source.rule.enabled
