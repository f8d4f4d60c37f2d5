"""An estimate of what weighs how much in the libraries."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import Columns, answer
from adobe_nb.analysis.code.snippets import is_code
from adobe_nb.analysis.model import Model, Resource, records
from adobe_nb.analysis.publishing.libraries import REVISABLE, library_contents
from adobe_nb.analysis.publishing.upstream import delivering
from adobe_nb.analysis.settings import texts
from adobe_nb.analysis.words import counted

COLUMNS: Columns = {
    "library_id": "string",
    "components": "Int64",
    "settings_chars": "Int64",
    "code_chars": "Int64",
    "share": "Float64",
    "largest": "string",
    "library_name": "string",
    "state": "string",
}


@dataclass
class _Size:
    """The characters of a revision, with those of the components of a rule."""

    components: int = 0
    settings: int = 0
    code: int = 0

    @property
    def total(self) -> int:
        return self.settings + self.code


def library_size(model: Model) -> pd.DataFrame:
    """Return an estimate of each library's size. ``Tags.library_size`` documents it."""
    held = [f"library_{table}" for table in REVISABLE]
    model.require("library_size", "libraries", *held, "rule_revision_components")
    model.require_columns("library_size", "rule_revision_components", "rule_id")
    model.require_columns("library_size", "libraries", "state")
    delivered: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for revision in records(library_contents(model)):
        delivered[revision["library_id"]].append(revision)
    sizes = _sizes(_revisions(model))
    complete = _complete(model)
    rows, unknown = [], 0
    for library in model.rows("libraries"):
        revisions = delivered[library["id"]]
        row = {
            "property_id": library.get("property_id"),
            "library_id": library["id"],
            "library_name": library.get("name"),
            "state": library.get("state"),
        }
        rules = [row["revision_id"] for row in revisions if row["type"] == "rules"]
        if library["id"] in complete or all(sizes[rule].components for rule in rules):
            row |= _totals(revisions, sizes)
        else:
            unknown += 1
        rows.append(row)
    return answer(
        model, COLUMNS, rows, sort=["library_name", "library_id"], limits=_limits(unknown)
    )


def _revisions(model: Model) -> Model:
    """Return all revisions that libraries hold, each once."""
    frames = {}
    for table in REVISABLE:
        frames[table] = model.frames[f"library_{table}"].drop_duplicates("id")
    frames["rule_components"] = model.frames["rule_revision_components"].drop_duplicates("id")
    for table in ("properties", "extension_packages"):
        if table in model.frames:
            frames[table] = model.frames[table]
    return Model(frames)


def _complete(model: Model) -> set[str]:
    """Return the libraries whose components are read: the one that is live, and open ones."""
    libraries = model.frames["libraries"]
    complete = set(libraries.loc[libraries["state"] != "published", "id"])
    owners = libraries.get("property_id", pd.Series("", index=libraries.index))
    for _, own in libraries.groupby(owners, dropna=False):
        complete.update(delivering("production", own)[:1])
    return complete


def _sizes(revisions: Model) -> Mapping[str, _Size]:
    """Return the size of each revision by its id; that of a rule is that of its components."""
    code, left_out = Counter[Resource](), Counter[Resource]()
    for text in texts(revisions):
        is_removed = text.role == "removed"
        if is_removed or is_code(text):
            # In the settings, quotation marks and escapes belong to a text.
            left_out[text.resource] += _length(text.value)
        if not is_removed and is_code(text):
            code[text.resource] += len(text.value)
    sizes: dict[str, _Size] = defaultdict(_Size)
    for resource in revisions.resources:
        holder = resource.id
        if resource.type == "rule_components":
            holder = str(resource.get("rule_id"))
            sizes[holder].components += 1
        size = sizes[holder]
        size.code += code[resource]
        size.settings += _length(resource.settings) - left_out[resource]
    return sizes


def _length(settings: Any) -> int:
    """Return the characters of settings as a build writes them, without blanks."""
    if settings is None:
        return 0
    try:
        return len(json.dumps(settings, ensure_ascii=False, separators=(",", ":")))
    except RecursionError:
        return len(str(settings))


def _totals(revisions: Iterable[Mapping[str, Any]], sizes: Mapping[str, _Size]) -> dict[str, Any]:
    """Return the sums over the revisions that a library delivers, and the largest of them."""
    sums, largest = _Size(), (0, "")
    named = [{**revision, "name": revision["name"] or ""} for revision in revisions]
    for revision in sorted(named, key=itemgetter("name", "revision_id")):
        size = sizes[revision["revision_id"]]
        sums.components += size.components
        sums.settings += size.settings
        sums.code += size.code
        if size.total > largest[0]:
            largest = (size.total, revision["name"])
    row: dict[str, Any] = {
        "components": sums.components,
        "settings_chars": sums.settings,
        "code_chars": sums.code,
    }
    if sums.total:
        row |= {"share": largest[0] / sums.total, "largest": largest[1]}
    return row


def _limits(unknown: int) -> Iterator[str]:
    yield (
        "An estimate: characters of settings and code. A build minifies code, puts some of it into "
        "files of its own, and adds the code of the extensions, which the API does not show."
    )
    if unknown:
        libraries = counted(unknown, "library that was", "libraries that were")
        yield (
            f"The rule components of {libraries} published earlier are not read: their sizes are "
            "unknown."
        )
