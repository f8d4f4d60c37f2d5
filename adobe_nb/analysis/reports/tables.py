"""The frame of each section of a report. Most are answers of questions, with names and links."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import Columns, answer
from adobe_nb.analysis.code.custom_code import custom_code as list_code
from adobe_nb.analysis.history.published import publish_history
from adobe_nb.analysis.history.versions import extension_versions
from adobe_nb.analysis.model import REQUIRED, Model, Resource, records
from adobe_nb.analysis.packages import delegate_names
from adobe_nb.analysis.publishing.libraries import REVISABLE, library_contents
from adobe_nb.analysis.reports.names import element_ids, lines
from adobe_nb.analysis.reports.variable_map import variable_map
from adobe_nb.analysis.rules.flow import rule_flow
from adobe_nb.analysis.rules.words import in_words
from adobe_nb.analysis.uses.references import find_references, references
from adobe_nb.analysis.uses.usage import verdicts
from adobe_nb.errors import ArgumentError

_ELEMENTS: Columns = {
    "name": "string",
    "type": "string",
    "settings_summary": "string",
    "default_value": "string",
    "storage": "string",
    "enabled": "boolean",
    "verdict": "string",
    "used_by_count": "Int64",
    "used_by": "string",
    "user_id": "string",
    "updated_at": "datetime64[us, UTC]",
    "id": "string",
}
_LIBRARIES: Columns = {
    "name": "string",
    "state": "string",
    "environment": "string",
    "environment_id": "string",
    "upstream": "string",
    "upstream_library_id": "string",
    "created_at": "datetime64[us, UTC]",
    "published_at": "datetime64[us, UTC]",
    "lead_time_h": "Float64",
    "builds": "Int64",
    "failed_builds": "Int64",
    "rules": "Int64",
    "data_elements": "Int64",
    "extensions": "Int64",
    "behind": "Int64",
    "library_id": "string",
}
_ENVIRONMENTS: Columns = {
    "name": "string",
    "stage": "string",
    "library": "string",
    "library_id": "string",
    "status": "string",
    "archive": "boolean",
    "path": "string",
    "file": "string",
    "updated_at": "datetime64[us, UTC]",
    "id": "string",
}
_STAGES = ("development", "staging", "production")
Question = Callable[[Model], pd.DataFrame]


def rules(model: Model) -> pd.DataFrame:
    """Return the steps of all rules."""
    frame = rule_flow(model)
    ids = element_ids(model)
    targets = []
    for row in records(frame):
        # Several names have a comma between them, and lead nowhere.
        targets.append(ids.get((row.get("property_id"), row["refers_to"])))
    frame["refers_to_id"] = pd.array(targets, dtype="string")
    return frame


def data_elements(model: Model) -> pd.DataFrame:
    """Return the data elements, with what uses them."""
    model.require("data_elements", "data_elements")
    limits = []
    used = {}
    if REQUIRED.keys() <= model.frames.keys():
        used = verdicts(model)
    else:
        limits.append("Which data elements are used is unknown without all four tables of content.")
    users = _users(model)
    titles = delegate_names(model)
    rows = []
    for element in model.data_elements:
        # A rule counts once, whichever of its components it is.
        sources = users[element.id]
        verdict = used.get(element.id)
        row = {
            "property_id": element.property_id,
            "name": element.name,
            "type": titles.get(element.delegate) or element.delegate.rpartition("::")[2],
            "settings_summary": in_words(model, element) or None,
            "default_value": element.get("default_value"),
            "storage": element.get("storage_duration"),
            "enabled": element.enabled,
            "verdict": verdict and verdict.word,
            "used_by_count": len(sources),
            "used_by": lines(sources.values()),
            "updated_at": element.get("updated_at"),
            "id": element.id,
        }
        # A cell leads to one place only.
        if len(sources) == 1:
            (row["user_id"],) = sources
        rows.append(row)
    return answer(model, _ELEMENTS, rows, sort=["name", "id"], limits=limits)


def _users(model: Model) -> Mapping[str, dict[str, str]]:
    """Return the names of what refers to each resource, by id; a rule for its components."""
    users: dict[str, dict[str, str]] = defaultdict(dict)
    for reference in find_references(model):
        if reference.target is not None and reference.verdict not in ("commented", "masked"):
            source: Resource = reference.source.rule or reference.source
            users[reference.target.id][source.id] = source.name
    return users


def extensions(model: Model) -> pd.DataFrame:
    """Return the extensions with their versions and settings."""
    frame = extension_versions(model)
    uses: Counter[tuple[str, str]] = Counter()
    for resource in (*model.rule_components, *model.data_elements):
        uses[resource.property_id, resource.package] += 1
    summaries, counts = {}, {}
    for extension in model.extensions:
        summaries[extension.id] = in_words(model, extension) or None
        counts[extension.id] = uses[extension.property_id, extension.package]
    frame["settings_summary"] = frame["extension_id"].map(summaries).astype("string")
    frame["used_by_count"] = frame["extension_id"].map(counts).astype("Int64")
    return frame


def custom_code(model: Model) -> pd.DataFrame:
    """Return the pieces of custom code, with their first lines."""
    frame = list_code(model)
    first_lines = []
    for code in frame["code"]:
        first_lines.append(code.strip().partition("\n")[0].strip())
    frame["first_line"] = pd.array(first_lines, dtype="string")
    names = {resource.id: resource.name for resource in model.resources}
    frame["same_as_name"] = frame["same_as"].map(names).astype("string")
    return frame


def uses(model: Model) -> pd.DataFrame:
    """Return the references; those that only say what belongs to what come last."""
    frame = references(model)
    is_relation = frame["kind"] == "relation"
    order = is_relation.argsort(kind="stable")
    return frame.iloc[order].reset_index(drop=True)


def libraries(model: Model) -> pd.DataFrame:
    """Return the libraries, with what is known about their builds and contents."""
    model.require("libraries", "libraries")
    limits: list[str] = []
    history = _if_possible(publish_history, model, limits)
    contents = _if_possible(library_contents, model, limits)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in contents:
        if row["inherited_from"] is None:
            counts[row["library_id"]][row["type"]] += 1
            counts[row["library_id"]]["behind"] += (row["behind"] or 0) > 0
    builds = {row["library_id"]: row for row in history}
    environments = _names(model, "environments")
    names = _names(model, "libraries")
    rows = []
    for library in model.rows("libraries"):
        library_id = library["id"]
        row = {
            **library,
            "library_id": library_id,
            "environment": environments.get(library.get("environment_id")),
            "upstream": names.get(library.get("upstream_library_id")),
        }
        for column in ("lead_time_h", "builds", "failed_builds"):
            row[column] = builds.get(library_id, {}).get(column)
        if contents:
            row |= dict.fromkeys((*REVISABLE, "behind"), 0) | counts[library_id]
        rows.append(row)
    return answer(model, _LIBRARIES, rows, sort=["created_at", "library_id"], limits=limits)


def _if_possible(
    question: Question, model: Model, limits: list[str]
) -> Sequence[Mapping[str, Any]]:
    """Return the rows of an answer; none, and one limit more, when a table is missing."""
    try:
        frame = question(model)
    except ArgumentError as error:
        limits.append(str(error))
        return []
    limits += frame.attrs["limits"]
    return records(frame)


def _names(model: Model, table: str) -> dict[str | None, str]:
    return {row["id"]: row.get("name") or row["id"] for row in model.rows(table)}


def environments(model: Model) -> pd.DataFrame:
    """Return the environments, with the file that pages load."""
    model.require("environments", "environments")
    names = _names(model, "libraries")
    rows = []
    for environment in model.rows("environments"):
        parts = [environment.get("library_path"), environment.get("library_name")]
        row = {
            **environment,
            "library": names.get(environment.get("library_id")),
            "file": "/".join(filter(None, parts)) or None,
        }
        rows.append(row)
    rows.sort(key=lambda row: [*_STAGES, row.get("stage")].index(row.get("stage")))
    return answer(model, _ENVIRONMENTS, rows)


TABLES: Mapping[str, Question] = {
    "Variable map": variable_map,
    "Rules": rules,
    "Data elements": data_elements,
    "Extensions": extensions,
    "Custom code": custom_code,
    "References": uses,
    "Libraries": libraries,
    "Environments": environments,
}
"""The frame of each section that needs nothing but the model."""
