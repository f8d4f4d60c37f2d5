"""The questions whose rows are findings, where necessary cut to those that are."""

from collections.abc import Callable, Mapping

import pandas as pd

from adobe_nb.analysis.answers import SOURCE, Columns, answer, source_of
from adobe_nb.analysis.compare.duplicates import What, duplicates
from adobe_nb.analysis.history.versions import extension_versions
from adobe_nb.analysis.model import Model
from adobe_nb.analysis.publishing.libraries import unpublished
from adobe_nb.analysis.uses.dangling import dangling
from adobe_nb.analysis.uses.unused import unused


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


def outdated(model: Model) -> pd.DataFrame:
    """Return the extensions that have a newer version."""
    frame = extension_versions(model)
    return frame[frame["latest_version"].notna() & frame["behind"].ne(0).fillna(True)]


QUESTIONS: Mapping[str, Callable[..., pd.DataFrame]] = {
    "copies": copies,
    "dangling": dangling,
    "outdated": outdated,
    "unpublished": unpublished,
    "unreadable": unreadable,
    "unused": unused,
}
"""The questions of ``rules.toml``, whose rows are findings."""
