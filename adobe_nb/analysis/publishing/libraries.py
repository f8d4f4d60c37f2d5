"""Find what has not been published yet, and what libraries hold."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.compare.changes import Changes
from adobe_nb.analysis.compare.matching import Pair, compare
from adobe_nb.analysis.lookup import holds_revisions
from adobe_nb.analysis.model import Model
from adobe_nb.analysis.publishing.upstream import STAGES, delivering, nearest, upstream_of
from adobe_nb.analysis.words import counted, listing
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
    "libraries": "string",
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
            f"Unknown environment {environment!r}.{did_you_mean(str(environment), STAGES)}"
        )
    if holds_revisions(model):
        raise ArgumentError(
            "unpublished() compares heads with what is live, and these are revisions. To compare "
            'them: analysis.diff(analysis.read("My site", build="production"), tags).'
        )
    types = _held_types(model, "unpublished")
    model.require_columns("unpublished", "libraries", "state")
    live = _live_model(model, types, delivering(environment, model.frames["libraries"]))
    comparison = compare(live, model, "origin")
    judge = _Judge(live, model, comparison.components)
    rows: list[Row] = []
    for pair in comparison.pairs:
        if pair.resource.type in types:
            rows += judge.rows(pair)
    limits = judge.limits(environment)
    return answer(model, UNPUBLISHED_COLUMNS, rows, sort=["type", "name", "id"], limits=limits)


class _Judge:
    """Decides on the state of each resource."""

    def __init__(
        self, live: Model, model: Model, components: Mapping[Pair, Sequence[Pair]]
    ) -> None:
        self._model = model
        self._components = components
        self._changes = Changes(live, model)
        self._newest = _newest_revisions(model)
        self._counts: Counter[str] = Counter()

    @cached_property
    def _heads(self) -> dict[str, Row]:
        """All heads by id, including deleted ones, which the model drops."""
        rows = chain.from_iterable(map(self._model.rows, REVISABLE))
        return {row["id"]: row for row in rows}

    def rows(self, pair: Pair) -> Iterator[Row]:
        """Yield the row of a resource that is not published as it is."""
        resource, name = pair.resource, pair.resource.name
        head: Row = resource.row
        if pair.after is None:
            self._counts["without head"] += resource.origin_id not in self._heads
            head = self._heads.get(resource.origin_id, {"id": resource.origin_id})
            name = head.get("name") or name
        latest = head.get("meta_latest_revision_number")
        if latest is None and pair.after is not None:
            latest = self._newest.get(resource.origin_id)
        published = pair.before and pair.before.resource.get("revision_number")
        columns = self._columns(pair)
        is_ahead = (latest or 0) > (published or 0)
        state = self._state(pair, columns, is_ahead=is_ahead)
        if state:
            yield {
                "property_id": resource.property_id,
                "type": resource.type,
                "id": head["id"],
                "name": name,
                "state": state,
                "head_updated_at": head.get("updated_at"),
                "published_revision": published,
                "latest_revision": latest,
                "updated_by": listing(self._people(pair, head)),
                "columns_changed": columns and ", ".join(columns),
                "libraries": listing(self._libraries[resource.origin_id]),
            }

    def _people(self, pair: Pair, head: Row) -> Iterator[str]:
        """Yield who last updated what differs: the resource, or components of the rule."""
        changed = []
        if pair.before is not None and pair.after is not None:
            for component in self._components.get(pair, ()):
                if any(self._changes.of(component)):
                    changed.append(component.resource.row)
        if not changed or any(self._changes.of(pair)):
            changed.append(head)
        for row in changed:
            if row.get("updated_by_email"):
                yield row["updated_by_email"]

    @cached_property
    def _libraries(self) -> Mapping[str, set[str]]:
        """The names of the libraries that are not published and hold a revision, by origin."""
        names: dict[str, set[str]] = defaultdict(set)
        waiting = {}
        for library in self._model.rows("libraries"):
            if library.get("state") != "published":
                waiting[library["id"]] = library.get("name") or library["id"]
        for table in REVISABLE:
            for revision in self._model.rows(f"library_{table}"):
                if revision["library_id"] in waiting:
                    names[_origin(revision)].add(waiting[revision["library_id"]])
        return names

    def _state(self, pair: Pair, columns: Sequence[str] | None, *, is_ahead: bool) -> str:
        """Return the state; an empty one for a resource that is published as it is."""
        if pair.after is None:
            return "deleted but live"
        if pair.before is None:
            if pair.resource.origin_id in self._newest:
                return "in development only"
            return "never in a library"
        is_dirty = bool(pair.resource.get("dirty"))
        if columns is None:
            self._counts["without components"] += 1
        elif not columns:
            self._counts["equal but dirty"] += is_dirty
            return ""
        # Content that differs from the latest revision is dirty, whatever the flag says.
        if is_dirty or (columns and not is_ahead):
            return "dirty"
        return "ahead" if is_ahead else ""

    def _columns(self, pair: Pair) -> list[str] | None:
        """Return the columns that differ; None when one of the two contents is unknown."""
        if pair.before is None or pair.after is None:
            return None
        components = self._components.get(pair, [])
        if pair.resource.type == "rules":
            tables = {"rule_components", "rule_revision_components"}
            # If no component is published, those of the revision were probably not read.
            is_known = not components or any(component.before for component in components)
            if not is_known or not tables <= self._model.frames.keys():
                return None
        columns = [change.column for change in self._changes.of(pair)]
        if any(chain.from_iterable(map(self._changes.of, components))):
            columns.append("rule_components")
        return list(dict.fromkeys(columns))

    def limits(self, environment: str) -> Iterator[str]:
        """Yield how the states were decided, and what was missing."""
        yield (
            "Heads are compared by content with the revision in the newest library that "
            f"{environment} delivers. Changed content is ahead when a newer revision holds "
            "it, and dirty when no revision does."
        )
        if count := self._counts["equal but dirty"]:
            yield counted(
                count,
                "resource is marked as dirty but has the content that is published: it is not "
                "listed.",
                "resources are marked as dirty but have the content that is published: they are "
                "not listed.",
            )
        if count := self._counts["without components"]:
            yield (
                f"The published components of {counted(count, 'rule', 'rules')} are missing: dirty "
                "flag and revision numbers decided."
            )
        if count := self._counts["without head"]:
            yield counted(
                count,
                "head is not in the frames: it counts as deleted.",
                "heads are not in the frames: they count as deleted.",
            )


def library_contents(model: Model) -> pd.DataFrame:
    """Return the revisions that each library delivers. ``Tags.library_contents`` documents it."""
    types = _held_types(model, "library_contents")
    environments = {row["id"]: row.get("name") for row in model.rows("environments")}
    newest = _newest_revisions(model)
    revisions: dict[str, list[Row]] = defaultdict(list)
    for table in types:
        latest = _latest_revisions(model, table, newest)
        for row in model.rows(f"library_{table}"):
            origin = _origin(row)
            revision = {"revision_id": row["id"], "origin_latest": latest.get(origin)}
            revision |= {"type": table, "origin_id": origin}
            revisions[row["library_id"]].append({**row, **revision})
    rows: dict[tuple[str, str], Row] = {}
    for library in model.rows("libraries"):
        columns = {
            "property_id": library.get("property_id"),
            "library_id": library["id"],
            "library_name": library.get("name"),
            "state": library.get("state"),
            "environment": environments.get(library.get("environment_id")),
        }
        for source in upstream_of(model.frames["libraries"], library["id"]):
            for inherited in revisions[source]:
                # A library replaces the revisions of the libraries upstream.
                key = (library["id"], inherited["origin_id"])
                rows.setdefault(key, {**inherited, **columns, "inherited_from": source})
    sort = ["library_name", "library_id", "type", "name", "revision_id"]
    frame = answer(model, CONTENTS_COLUMNS, rows.values(), sort=sort)
    frame["behind"] = frame["origin_latest"] - frame["revision_number"]
    frame.loc[frame["inherited_from"] == frame["library_id"], "inherited_from"] = pd.NA
    frame.attrs["limits"] += _contents_limits(model, frame)
    return frame


def _contents_limits(model: Model, contents: pd.DataFrame) -> Iterator[str]:
    if "upstream_library_id" not in model.frames["libraries"]:
        yield "The libraries have no column upstream_library_id: what they inherit is missing."
    deleted = contents.loc[contents["origin_latest"].isna(), "origin_id"].nunique()
    if deleted:
        resources = counted(
            deleted,
            "resource has no origin_latest: its head is",
            "resources have no origin_latest: their heads are",
        )
        yield f"{resources} deleted or missing. A build leaves out what is deleted."


def _held_types(model: Model, question: str) -> list[str]:
    """Return the types whose revisions in libraries are known. Raises ArgumentError for none."""
    # Without any heads, contents of libraries can still be listed.
    types = [table for table in REVISABLE if table in model.frames] or list(REVISABLE)
    model.require(question, "libraries", *map("library_{}".format, types))
    for table in types:
        model.require_columns(question, f"library_{table}", "library_id", "origin_id")
    return types


def _live_model(model: Model, types: Sequence[str], libraries: Sequence[str]) -> Model:
    """Return what these libraries deliver."""
    frames = {}
    for table in types:
        frames[table] = nearest(model.frames[f"library_{table}"], libraries)
    components = model.frames.get("rule_revision_components")
    if "rules" in frames and components is not None:
        # Parsing the settings of other revisions would take longer than the comparison.
        in_use = components["rule_id"].isin(frames["rules"]["id"])
        frames["rule_components"] = components[in_use]
    for table in ("properties", "extension_packages"):
        if table in model.frames:
            frames[table] = model.frames[table]
    return Model(frames)


def _newest_revisions(model: Model) -> dict[str, int]:
    """Return the highest number among the revisions that libraries hold, by origin."""
    newest: dict[str, int] = {}
    for table in REVISABLE:
        for revision in model.rows(f"library_{table}"):
            origin = _origin(revision)
            newest[origin] = max(newest.get(origin, 0), revision.get("revision_number") or 0)
    return newest


def _latest_revisions(
    model: Model, table: str, newest: Mapping[str, int]
) -> Mapping[str, int | None]:
    """Return the latest revision number of each head; without heads, that in the libraries."""
    heads = [row for row in model.rows(table) if not row.get("revision_number")]
    if not heads:
        return newest
    latest: dict[str, int | None] = {}
    for head in heads:
        # What is deleted has no latest revision.
        if head.get("deleted_at") is None:
            number = head.get("meta_latest_revision_number")
            latest[head["id"]] = newest.get(head["id"]) if number is None else number
    return latest


def _origin(revision: Row) -> str:
    origin: str = revision.get("origin_id") or revision["id"]
    return origin
