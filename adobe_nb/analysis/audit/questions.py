"""The questions whose rows are findings, where necessary cut to those that are."""

from collections.abc import Callable, Mapping

import pandas as pd

from adobe_nb.analysis.answers import SOURCE, Columns, answer, source_of
from adobe_nb.analysis.code.risks import code_risks
from adobe_nb.analysis.compare.duplicates import What, duplicates
from adobe_nb.analysis.governance.consent import consent
from adobe_nb.analysis.governance.naming import naming
from adobe_nb.analysis.governance.plumbing import plumbing
from adobe_nb.analysis.governance.stale import stale
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


def copies(model: Model, what: What) -> pd.DataFrame:
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
    "naming": naming,
    "outdated": outdated,
    "plumbing_problems": plumbing_problems,
    "stale": stale,
    "unheard_calls": unheard_calls,
    "unpublished": unpublished,
    "unreadable": unreadable,
    "unused": unused,
    "variables": variables,
}
"""The questions of ``rules.toml``, whose rows are findings."""
