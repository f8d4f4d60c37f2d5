"""Write the next snapshot by asking only for what can have changed since the one before.

The first page of each list of a property is read. Up to 100 rows, it is the whole list. Of a longer
list it shows how many resources there are and which changed last; together with the audit events
that tells whether the list has to be read. Rule components and builds are read for those rules and
libraries that differ in any column.
"""

import json
import warnings
from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.dates import parse_zoned
from adobe_nb.api.reactor.paging import PAGE_SIZE, Listing, read_lists
from adobe_nb.errors import NotAllowed, NotFound, SnapshotError, SnapshotWarning
from adobe_nb.registry import RESOURCES
from adobe_nb.session import Session
from adobe_nb.snapshot.comparison import differing_columns
from adobe_nb.snapshot.filling import PartReader, read_parts
from adobe_nb.snapshot.manifest import Snapshot
from adobe_nb.snapshot.plan import CHILDREN, EVENTS, checked_tables, promised
from adobe_nb.snapshot.pulling import (
    Run,
    check_same_organization,
    description,
    events_since,
    read_scope,
)
from adobe_nb.snapshot.store import SnapshotFolder

# Publishing a library may change ``dirty`` and ``published`` of its resources, which then have no
# audit event of their own.
_PUBLISHING = ("library", "build")
# A build in any other state is still running, and ends without an audit event.
_FINAL_STATES = ("succeeded", "failed")
# One attempt rarely meets a deletion; three in a row practically never do.
_ATTEMPTS = 3


def refresh(session: Session, folder: str | Path) -> Snapshot:
    """Write the next snapshot of the folder: see ``snapshot.refresh``."""
    snapshots = SnapshotFolder(folder)
    base = snapshots.at()
    check_same_organization(session, base)
    tables, chosen = checked_tables(base.about["tables"]), base.about["chosen"]
    client = session.client
    scope = read_scope(client, chosen)
    if base.about["properties"] and scope.properties.empty:
        raise SnapshotError(
            f"None of the {len(base.about['properties'])} properties of {base.folder} can be seen "
            "any more. Check the rights of this account in Admin Console. If the properties were "
            "deleted, pull others into another folder."
        )
    # The oldest part decides: a run that was resumed has parts of different times.
    since = min(parse_zoned(part.at) for part in base.parts)
    events = _readable_events(client, since, required=EVENTS in tables)
    about = {**description(session, chosen, tables), "base": base.number}
    with snapshots.begin(about, promised(tables)) as draft:
        run = _Refresh(client, draft, scope, tables, base, _Traces.of(events, since))
        run.store_properties()
        run.read()
        if EVENTS in tables and events is not None:
            earlier: Snapshot | None = base
            if not _has_same_columns(base, EVENTS):
                earlier = None
            new = scope.properties[~scope.properties["id"].isin(base.about["properties"])]
            # A property that could not be seen before has older events than those.
            if earlier is None or (new["created_at"] < since).any():
                events = events_since(client, None)
            run.store_events(events, earlier)
        return draft.publish(
            kind="refresh", properties=sorted(scope.properties["id"]), missing=sorted(scope.missing)
        )


def _readable_events(client: Client, since: datetime, *, required: bool) -> pd.DataFrame | None:
    """Return the audit events from that time on; None without the right to read them."""
    try:
        return events_since(client, since)
    except NotAllowed as error:
        if required or error.status != 403:
            raise
    warnings.warn(
        "This account may not read audit events, which show a refresh what changed. Every list is "
        "read instead, with more requests and the same result. An administrator can grant the "
        "right in Admin Console.",
        SnapshotWarning,
        stacklevel=4,
    )
    return None


@dataclass(frozen=True)
class _Traces:
    """What the audit events show: which kinds of resources changed, in which properties."""

    since: datetime
    kinds: Set[tuple[str, str]] | None
    """Pairs of a property id and a kind; None when the events cannot be read."""
    libraries: Set[str | None]
    """The libraries that were built; None when an event does not name its library."""

    @classmethod
    def of(cls, events: pd.DataFrame | None, since: datetime) -> "_Traces":
        if events is None:
            return cls(since, None, {None})
        types = events["type_of"].fillna("")
        # An event without a property can be about any of them.
        properties = events["property_id"].fillna("")
        kinds = set(zip(properties, types.str.replace(r"\..*", "", regex=True), strict=True))
        builds = events[types.str.startswith("build.")]
        return cls(since, kinds, set(map(_library_of, builds["entity"])))

    def has(self, property_id: str, *kinds: str) -> bool:
        """Return whether a resource of one of these kinds may have changed in the property."""
        if self.kinds is None:
            return True
        return not self.kinds.isdisjoint(product(("", property_id), kinds))


def _library_of(entity: object) -> str | None:
    """Return the id of the library of a build, as an audit event describes it."""
    try:
        return str(json.loads(str(entity))["data"]["relationships"]["library"]["data"]["id"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


@dataclass(frozen=True)
class _Refresh(Run):
    """A run that reads what can have changed since ``base``."""

    base: Snapshot
    traces: _Traces

    def read(self) -> None:
        """Store every part except the properties themselves and the audit events."""
        # A rule or library can be deleted between its list and the list of its children. Then all
        # lists that are not stored yet are read again, because its row has to disappear, too.
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._read_once(is_last_attempt=attempt == _ATTEMPTS)
                return
            except NotFound:
                if attempt == _ATTEMPTS:
                    raise

    def _read_once(self, *, is_last_attempt: bool) -> None:
        client = self.client
        ids = self.scope.properties["id"]
        is_known = ids.isin(self.base.about["properties"])
        self.read_properties(ids[~is_known], "refresh")
        changed, children_of_unchanged = self._read_first_pages(ids[is_known])
        children: list[PartReader] = []
        for part, frame in read_parts(client, changed, "refresh"):
            children += self._changed_children(part, frame)
        for _ in read_parts(client, children, "refresh", parents_may_vanish=True):
            pass
        # On the last attempt, the row of a deleted parent stays until the next refresh.
        for _ in read_parts(
            client, children_of_unchanged, "refresh", parents_may_vanish=is_last_attempt
        ):
            pass

    def _read_first_pages(self, ids: Iterable[str]) -> tuple[list[PartReader], list[PartReader]]:
        """Read the first page of each list, and store the lists that are complete by that.

        Returns the lists that have to be read, and the children to read of all other lists.
        """
        parts = self.missing_parts(ids)
        listings = list(map(_by_last_change, parts))
        sinks = [part.rows for part in parts]
        changed: list[PartReader] = []
        children: list[PartReader] = []
        for read in read_lists(
            self.client, listings, sinks, "looking for changes", first=PAGE_SIZE
        ):
            part = parts[read.at]
            table, child = part.table, self.child_of(part.table)
            # The page is the whole list.
            if read.total == read.rows:
                part.received = read.rows
                children += self._changed_children(part, part.store())
            elif not self._is_unchanged(part, read.total) or not self._keep(table, part.property):
                changed.append(part)
            elif child and not self._keep(child, part.property):
                children += self._changed_children(part, self.base.frame(table, part.property))
        return changed, children

    def _is_unchanged(self, part: PartReader, total: int | None) -> bool:
        """Return whether a long list is as it was, judging by its length, dates and events."""
        # This also empties the rows, so that the whole list can be read into them.
        page = part.rows.frame()
        before, row = self.base.part(part.table, part.property), RESOURCES[part.table]
        # Not every change of other types shows in a date or an event.
        if before is None or total != before.rows or not row.revisionable:
            return False
        if self.traces.has(part.property, row.singular, *_PUBLISHING):
            return False
        return bool((page["updated_at"] < self.traces.since).all())

    def _keep(self, table: str, property_id: str) -> bool:
        return self.draft.keep(table, property_id, self.base, at=self.scope.at)

    def _changed_children(self, part: PartReader, parents: pd.DataFrame) -> list[PartReader]:
        """Return the part listed under these resources, to be read where it can have changed."""
        table, property_id = self.child_of(part.table), part.property
        if not table:
            return []
        before = self.base.frame(table, property_id)
        column = f"{RESOURCES[part.table].singular}_id"
        changed = self._changed_parents(part, parents, before)
        unchanged = before[before[column].isin(set(parents["id"]) - changed)]
        if not changed and len(unchanged) == len(before) and self._keep(table, property_id):
            return []
        ids = parents.loc[parents["id"].isin(changed), "id"]
        child = PartReader(
            self.draft, table, property_id, self.scope.at, parents=ids, unchanged=unchanged
        )
        return [child]

    def _changed_parents(
        self, part: PartReader, parents: pd.DataFrame, children: pd.DataFrame
    ) -> set[Any]:
        """Return the ids of parents whose children can have changed since the base."""
        table, ids = CHILDREN[part.table], set(parents["id"])
        if not _has_same_columns(self.base, table):
            return ids
        before = self.base.frame(part.table, part.property)
        changed = ids.difference(before["id"]) | differing_columns(before, parents).keys()
        # A build changes while its library stays as it was.
        if table == "builds":
            if None in self.traces.libraries and self.traces.has(part.property, "build"):
                return ids
            republished = children["meta_republish_status"].fillna("succeeded")
            is_final = children["status"].isin(_FINAL_STATES) & republished.isin(_FINAL_STATES)
            changed |= {*self.traces.libraries, *children.loc[~is_final, "library_id"]}
        # A component of two rules changes under both when it is revised with one of them.
        if table == "rule_components":
            shared = children.loc[children["rule_id"].isin(changed), "id"]
            changed |= set(children.loc[children["id"].isin(shared), "rule_id"])
        return changed & ids


def _has_same_columns(snapshot: Snapshot, table: str) -> bool:
    """Return whether a table was stored with the columns that it has now."""
    return snapshot.has_columns(table, promised([table])[table])


def _by_last_change(part: PartReader) -> Listing:
    """Return the list of a part, sorted by the time of the last change where the API can."""
    [listing] = part.listings
    sort = "created_at"
    if "updated_at" in RESOURCES[part.table].sortable:
        sort = "-updated_at"
    return replace(listing, params=(("sort", sort),))
