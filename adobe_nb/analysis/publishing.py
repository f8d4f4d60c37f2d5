"""Find what has not been published yet, and what libraries hold."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.changes import Changes
from adobe_nb.analysis.matching import Comparison, Pair, compare
from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.upstream import STAGES, delivering, nearest, upstream_of
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

REVISABLE = ("rules", "data_elements", "extensions")
UNPUBLISHED_COLUMNS: Columns = {
    "type": "string",
    "id": "string",
    "name": "string",
    "state": "string",
    "head_updated_at": "datetime64[us, UTC]",
    "published_revision": "Int64",
    "latest_revision": "Int64",
    "updated_by": "string",
    "columns_changed": "string",
}
CONTENTS_COLUMNS: Columns = {
    "library_id": "string",
    "library_name": "string",
    "state": "string",
    "environment": "string",
    "type": "string",
    "revision_id": "string",
    "origin_id": "string",
    "name": "string",
    "revision_number": "Int64",
    "origin_latest": "Int64",
    "behind": "Int64",
    "inherited_from": "string",
}


def unpublished(model: Model, environment: str = "production") -> pd.DataFrame:
    """Compare each head with what is published. ``Tags.unpublished`` documents it."""
    if environment not in STAGES:
        raise ArgumentError(
            f"There is no environment {environment!r}.{did_you_mean(str(environment), STAGES)}"
        )
    types = _held_types(model, "unpublished")
    _require_columns(model, "unpublished", "libraries", "state")
    libraries = delivering(environment, model.frames["libraries"])
    live = _live_model(model, types, libraries)
    comparison = compare(live, model, "origin")
    judge = _Judge(model, live, comparison, environment)
    rows: list[Row] = []
    for pair in comparison.pairs:
        if pair.rule is None and pair.resource.type in types:
            rows += judge.rows(pair)
    sort = ["type", "name", "id"]
    return answer(model, UNPUBLISHED_COLUMNS, rows, sort=sort, limits=judge.limits())


class _Judge:
    """Decides on the state of each resource."""

    def __init__(self, model: Model, live: Model, comparison: Comparison, environment: str) -> None:
        self._model = model
        self._environment = environment
        self._changes = Changes(live, model)
        self._parts: dict[Pair, list[Pair]] = {}
        for pair in comparison.pairs:
            if pair.rule is not None:
                self._parts.setdefault(pair.rule, []).append(pair)
        has_tables = {"rule_components", "rule_revision_components"} <= model.frames.keys()
        self._has_components = has_tables
        self._revisions = {table: _newest_revisions(model, table) for table in REVISABLE}
        self._heads: dict[str, dict[str, Row]] = {}
        self._equal_but_dirty = 0
        self._without_content = 0
        self._without_head = 0

    def rows(self, pair: Pair) -> Iterator[Row]:
        """Yield the row of a resource that is not published as it is."""
        if pair.after is None:
            yield self._deleted(pair.resource)
            return
        head = pair.after.resource
        newest = self._revisions[head.type].get(head.origin_id)
        latest = head.get("meta_latest_revision_number")
        if latest is None:
            latest = newest
        row = {
            "property_id": head.property_id,
            "type": head.type,
            "id": head.id,
            "name": head.name,
            "head_updated_at": head.get("updated_at"),
            "latest_revision": latest,
            "updated_by": head.get("updated_by_email"),
        }
        if pair.before is None:
            state = "in development only"
            if newest is None:
                state = "never in a library"
            yield {**row, "state": state}
            return
        published = pair.before.resource.get("revision_number")
        columns = self._columns(pair)
        state = self._state(head, columns, is_ahead=(latest or 0) > (published or 0))
        if state:
            changed = ", ".join(columns or ()) or None
            yield {
                **row,
                "state": state,
                "published_revision": published,
                "columns_changed": changed,
            }

    def _state(self, head: Resource, columns: list[str] | None, *, is_ahead: bool) -> str:
        """Return ``dirty``, ``ahead``, or nothing for a resource that is published as it is."""
        is_dirty = bool(head.get("dirty"))
        if columns is None:
            self._without_content += 1
        elif not columns:
            self._equal_but_dirty += is_dirty
            return ""
        elif not is_ahead:
            # It differs from its latest revision, whatever the flag says.
            return "dirty"
        if is_dirty:
            return "dirty"
        if is_ahead:
            return "ahead"
        return ""

    def _columns(self, pair: Pair) -> list[str] | None:
        """Return the columns that differ; None when the components of the rule are unknown."""
        columns = [change.column for change in self._changes.of(pair)]
        parts = self._parts.get(pair, [])
        if pair.resource.type == "rules":
            is_known = not parts or any(part.before is not None for part in parts)
            if not self._has_components or not is_known:
                return None
            if any(self._differs(part) for part in parts):
                columns.append("rule_components")
        return list(dict.fromkeys(columns))

    def _differs(self, part: Pair) -> bool:
        return bool(self._changes.of(part))

    def _deleted(self, revision: Resource) -> Row:
        # The model itself drops deleted resources.
        if revision.type not in self._heads:
            rows = self._model.rows(revision.type)
            self._heads[revision.type] = {row["id"]: row for row in rows}
        head = self._heads[revision.type].get(revision.origin_id, {})
        self._without_head += not head
        return {
            "property_id": revision.property_id,
            "type": revision.type,
            "id": revision.origin_id,
            "name": head.get("name") or revision.name,
            "state": "deleted but live",
            "head_updated_at": head.get("updated_at"),
            "published_revision": revision.get("revision_number"),
            "latest_revision": head.get("meta_latest_revision_number"),
            "updated_by": head.get("updated_by_email"),
        }

    def limits(self) -> Iterator[str]:
        """Yield what decided, and what did not."""
        yield (
            "Heads are compared by content with the revision in the newest library that "
            f"{self._environment} delivers. Changed content is ahead when a newer revision holds "
            "it, and dirty when no revision does."
        )
        if self._equal_but_dirty:
            yield (
                f"{self._equal_but_dirty} resources are marked as dirty but have the content that "
                "is published: they are not listed."
            )
        if self._without_content:
            yield (
                f"The published components of {self._without_content} rules are missing: their "
                "dirty flag and revision numbers decided."
            )
        if self._without_head:
            yield f"{self._without_head} heads are not in the frames: they count as deleted."


def library_contents(model: Model) -> pd.DataFrame:
    """Return the revisions that each library delivers. ``Tags.library_contents`` documents it."""
    types = _held_types(model, "library_contents")
    environments = {row["id"]: row.get("name") for row in model.rows("environments")}
    libraries = {row["id"]: row for row in model.rows("libraries")}
    chains = {}
    for library_id in libraries:
        chains[library_id] = upstream_of(model.frames["libraries"], library_id)
    rows = []
    for table in types:
        latest = _latest_revisions(model, table)
        held: dict[str, list[Row]] = {}
        for revision in model.rows(f"library_{table}"):
            held.setdefault(revision["library_id"], []).append(revision)
        for library_id, chain in chains.items():
            library = libraries[library_id]
            columns = {
                "property_id": library.get("property_id"),
                "library_id": library_id,
                "library_name": library.get("name"),
                "state": library.get("state"),
                "environment": environments.get(library.get("environment_id")),
                "type": table,
            }
            rows += [{**columns, **revision} for revision in _delivered(chain, held, latest)]
    sort = ["library_name", "library_id", "type", "name", "revision_id"]
    return answer(model, CONTENTS_COLUMNS, rows, sort=sort, limits=_contents_limits(model, rows))


def _delivered(
    chain: Sequence[str], held: Mapping[str, Sequence[Row]], latest: Mapping[str, int | None]
) -> Iterator[Row]:
    """Yield the revisions of a library, then those that it inherits and does not replace."""
    origins: set[str] = set()
    for source in chain:
        for revision in held.get(source, ()):
            origin = _origin(revision)
            if origin in origins:
                continue
            origins.add(origin)
            number = revision.get("revision_number")
            newest = latest.get(origin)
            behind = None
            if number is not None and newest is not None:
                behind = newest - number
            yield {
                "revision_id": revision["id"],
                "origin_id": origin,
                "name": revision.get("name"),
                "revision_number": number,
                "origin_latest": newest,
                "behind": behind,
                "inherited_from": source if source != chain[0] else None,
            }


def _contents_limits(model: Model, rows: Sequence[Row]) -> Iterator[str]:
    if "upstream_library_id" not in model.frames["libraries"]:
        yield "The libraries have no column upstream_library_id: what they inherit is missing."
    deleted = {row["origin_id"] for row in rows if row["origin_latest"] is None}
    if deleted:
        yield (
            f"{len(deleted)} resources have no origin_latest: their heads are deleted or missing. "
            "A build leaves out what is deleted."
        )


def _held_types(model: Model, question: str) -> list[str]:
    """Return the types whose revisions in libraries are known. Raises ArgumentError for none."""
    types = [table for table in REVISABLE if table in model.frames]
    model.require(question, "libraries", *(f"library_{table}" for table in types or REVISABLE))
    for table in types:
        _require_columns(model, question, f"library_{table}", "library_id", "origin_id")
    return types or list(REVISABLE)


def _require_columns(model: Model, question: str, table: str, *columns: str) -> None:
    for column in columns:
        if column not in model.frames[table]:
            raise ArgumentError(
                f"{question}() requires the column {column!r} of {table}. Pass the frame with all "
                "columns that reactor returns."
            )


def _live_model(model: Model, types: Sequence[str], libraries: Sequence[str]) -> Model:
    """Return what these libraries deliver."""
    frames = {}
    for table in types:
        frames[table] = nearest(model.frames[f"library_{table}"], libraries)
    components = model.frames.get("rule_revision_components")
    if "rules" in frames and components is not None:
        in_use = components["rule_id"].isin(frames["rules"]["id"])
        frames["rule_components"] = components[in_use]
    for table in ("properties", "extension_packages"):
        if table in model.frames:
            frames[table] = model.frames[table]
    return Model(frames)


def _newest_revisions(model: Model, table: str) -> dict[str, int]:
    """Return the highest number among the revisions that libraries hold, by origin."""
    newest: dict[str, int] = {}
    for revision in model.rows(f"library_{table}"):
        origin = _origin(revision)
        newest[origin] = max(newest.get(origin, 0), revision.get("revision_number") or 0)
    return newest


def _latest_revisions(model: Model, table: str) -> Mapping[str, int | None]:
    """Return the number of the latest revision of each head; of what libraries hold without heads."""
    newest = _newest_revisions(model, table)
    heads = [row for row in model.rows(table) if not row.get("revision_number")]
    if not heads:
        return newest
    latest = {}
    for head in heads:
        if head.get("deleted_at") is None:
            number = head.get("meta_latest_revision_number")
            latest[head["id"]] = newest.get(head["id"]) if number is None else number
    return latest


def _origin(revision: Row) -> str:
    origin: str = revision.get("origin_id") or revision["id"]
    return origin
