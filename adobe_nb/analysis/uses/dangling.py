"""References that lead nowhere, or not where they seem to."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import SOURCE, Columns, answer, source_of
from adobe_nb.analysis.lookup import in_libraries
from adobe_nb.analysis.model import Model, Resource, once_per_model
from adobe_nb.analysis.settings import texts
from adobe_nb.analysis.uses.index import Names, fold, names
from adobe_nb.analysis.uses.references import (
    Reference,
    find_references,
    is_plausible,
    limits,
    place_of,
    require_content,
)
from adobe_nb.analysis.uses.tokens import find_percent_tokens

COLUMNS: Columns = {
    **SOURCE,
    "name": "string",
    "kind": "string",
    "path": "string",
    "line": "Int64",
    "verdict": "string",
    "reason": "string",
    "did_you_mean": "string",
    "evidence": "string",
}
_SORT = ("source_type", "source_name", "source_id", "path", "line", "name")
_MISSING = {
    "instance": "no such instance",
    "secret": "no such secret",
    "relation": "no such extension",
}
_LOOK_UPS = ("token", "getVar", "name-setting", "id-setting", "edge-token", "stored-value")


def dangling(model: Model, *, all: bool = False) -> pd.DataFrame:
    """Return the references that do not work; with ``all``, texts that only look like some, too."""
    require_content(model, "dangling")
    by_property = names(model)
    held = in_libraries(model)
    rows = []
    for reference in find_references(model):
        reason = _reason(model, reference, held)
        if reason:
            rows.append(_row(model, reference, reason))
    if all:
        rows += _not_names(model, by_property)
    sentences = [*limits(model)]
    if held is None:
        sentences.append(
            "Whether a data element is in a library is not known: libraries are missing."
        )
    return answer(model, COLUMNS, rows, sort=_SORT, limits=sentences)


def _row(model: Model, reference: Reference, reason: str) -> dict[str, Any]:
    index = names(model)[reference.source.property_id]
    place = place_of(reference)
    suggestion = None
    if reason == "no such element":
        suggestion = index.folded.get(fold(reference.name or "") or "-")
    elif reason == "other property":
        # A copied property has an element of the same name.
        name = _elsewhere(model)[reference.name or ""]
        place["evidence"] = f"{reference.name} is {name!r} of another property"
        if name in index.elements:
            suggestion = name
    row = {
        "kind": reference.kind,
        "name": reference.name,
        "reason": reason,
        "did_you_mean": suggestion,
    }
    return {**source_of(reference.source), **place, **row}


def _reason(model: Model, reference: Reference, held: set[str] | None) -> str:
    """Return why a reference does not work; empty when it does."""
    if reference.verdict == "masked":
        return "masked"
    if reference.verdict not in ("certain", "conditional"):
        return ""
    if reference.target is not None:
        return _reason_of_target(reference, reference.target, held)
    if reference.kind in _MISSING:
        return _MISSING[reference.kind]
    if reference.kind not in _LOOK_UPS or reference.is_variable:
        return ""
    own = names(model)[reference.source.property_id]
    if reference.kind == "id-setting":
        return _reason_of_id(reference, own, _elsewhere(model))
    if own.sets_unknown_variables and reference.kind != "edge-token":
        return "possibly set by page code"
    return "no such element"


def _reason_of_target(reference: Reference, target: Resource, held: set[str] | None) -> str:
    if target.type != "data_elements":
        return ""
    if not target.enabled:
        return "target_disabled"
    source = reference.source.rule or reference.source
    if held is not None and source.origin_id in held and target.origin_id not in held:
        return "target_not_in_library"
    return ""


def _reason_of_id(reference: Reference, own: Names, elsewhere: Mapping[str, str]) -> str:
    """Return why the id of a variable does not work; Web SDK looks for its name first."""
    if reference.source.setting("dataElementName") in own.elements:
        return ""
    if reference.name in elsewhere:
        return "other property"
    return "no such element"


@once_per_model
def _elsewhere(model: Model) -> dict[str, str]:
    """Return the names of data elements by id: those in the model, and others that it names."""
    elements = {}
    own = set(model.property_ids)
    for row in model.rows("other_data_elements"):
        # One of this property that is not among the heads was deleted.
        if row.get("property_id") not in own:
            elements[row["id"]] = row.get("name") or ""
    for element in model.data_elements:
        elements[element.id] = elements[element.origin_id] = element.name
    return elements


def _not_names(model: Model, by_property: Mapping[str, Names]) -> Iterator[dict[str, Any]]:
    """Yield the texts between percent signs that are not meant as names."""
    for text in texts(model):
        if text.tokens == "none" or model.is_edge(text.resource):
            continue
        index = by_property[text.resource.property_id]
        for token in find_percent_tokens(text.value):
            name = token.name
            if is_plausible(name) or name in index.elements or index.is_event(name):
                continue
            reference = Reference(
                text.resource,
                "token",
                name,
                text.tokens,
                text.path,
                text.value,
                start=token.start,
                stop=token.stop,
            )
            yield _row(model, reference, "not a name")
