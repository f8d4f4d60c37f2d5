"""The questions whose rows are findings, where necessary cut to those that are."""

from collections.abc import Callable, Mapping

import pandas as pd

from adobe_nb.analysis.answers import SOURCE, Columns, answer, source_of
from adobe_nb.analysis.code.risks import code_risks
from adobe_nb.analysis.compare.duplicates import duplicates
from adobe_nb.analysis.governance.consent import consent
from adobe_nb.analysis.governance.naming import naming
from adobe_nb.analysis.governance.plumbing import plumbing
from adobe_nb.analysis.governance.stale import is_marked_old, stale
from adobe_nb.analysis.history.versions import extension_versions
from adobe_nb.analysis.model import Model
from adobe_nb.analysis.publishing.libraries import unpublished
from adobe_nb.analysis.rules.direct_calls import CALLS, direct_calls
from adobe_nb.analysis.rules.order import execution_order
from adobe_nb.analysis.uses.dangling import dangling
from adobe_nb.analysis.uses.references import references
from adobe_nb.analysis.uses.unused import unused
from adobe_nb.analysis.variables.listing import variables


def unreadable(model: Model) -> pd.DataFrame:
    """Return the resources whose settings cannot be read."""
    columns: Columns = {**SOURCE, "problem": "string"}
    rows = []
    for resource in model.resources:
        if resource.problem:
            rows.append({**source_of(resource), "problem": resource.problem})
    return answer(model, columns, rows)


def copies(model: Model, what: str) -> pd.DataFrame:
    """Return the duplicates except for the oldest resource of each group, which they repeat."""
    frame = duplicates(model, what)
    created = {}
    for row in model.rows(what):
        created[row["id"]] = str(row.get("created_at"))
    frame["created_at"] = frame["id"].map(created)
    frame = frame.sort_values(["group", "created_at", "id"], ignore_index=True)
    first = frame.groupby("group")[["id", "name"]].transform("first")
    frame["original_id"] = first["id"]
    frame["original"] = first["name"]
    return frame[frame["id"] != frame["original_id"]]


def unheard_calls(model: Model) -> pd.DataFrame:
    """Return the direct calls that no rule waits for."""
    frame = references(model, verdicts=("certain", "conditional", "possible"))
    return frame[frame["kind"].isin(CALLS) & frame["target_id"].isna()]


def names(model: Model) -> pd.DataFrame:
    """Return the problems of names. Of names that differ only in case, the first has no problem."""
    frame = naming(model)
    differs = frame["rule"] == "same-name-in-other-case"
    folded = frame["name"].str.casefold().str.split().str.join(" ")
    groups = [frame[column] for column in frame.columns.intersection(["property_id", "type"])]
    first = frame["name"].where(differs).groupby([*groups, folded]).transform("first")
    is_first = (frame["name"] == first).fillna(value=False)
    return frame[~(differs & is_first)]


def old_names(model: Model) -> pd.DataFrame:
    """Return what is called old, except for copies and for what is used and live."""
    frame = stale(model)
    frame = frame[frame["reason"] == "name says old"]
    disabled = {resource.id for resource in model.rules if not resource.enabled}
    works = frame["type"].eq("rules") & ~frame["id"].isin(disabled)
    works |= frame["used_by"].gt(0).fillna(value=False)
    is_needed = works & frame["in_production"].fillna(value=False)
    is_old = frame["name"].map(is_marked_old).astype("boolean")
    return frame[is_old & ~is_needed]


def unused_resources(model: Model, what: str) -> pd.DataFrame:
    """Return what nothing uses, with the reason as a sentence of its own."""
    frame = unused(model, what)
    reason = frame["reason"].str
    return frame.assign(sentence=reason[:1].str.upper() + reason[1:])


def outdated(model: Model) -> pd.DataFrame:
    """Return the extensions that have a newer version."""
    frame = extension_versions(model)
    return frame[frame["latest_version"].notna() & frame["behind"].ne(0).fillna(True)]


def plumbing_problems(model: Model) -> pd.DataFrame:
    """Return the parts of the plumbing that look wrong."""
    frame = plumbing(model).rename(columns={"kind": "type"})
    # What a stage lacks has no id: the finding is about the property.
    property_ids = frame.get("property_id", next(iter(model.property_ids), ""))
    return frame.assign(id=frame["id"].fillna(property_ids))[frame["problem"].notna()]


QUESTIONS: Mapping[str, Callable[..., pd.DataFrame]] = {
    "code_risks": code_risks,
    "consent": consent,
    "copies": copies,
    "dangling": dangling,
    "direct_calls": direct_calls,
    "execution_order": execution_order,
    "names": names,
    "old_names": old_names,
    "outdated": outdated,
    "plumbing_problems": plumbing_problems,
    "stale": stale,
    "unheard_calls": unheard_calls,
    "unpublished": unpublished,
    "unreadable": unreadable,
    "unused_resources": unused_resources,
    "variables": variables,
}
"""The questions of ``rules.toml``, whose rows are findings."""
