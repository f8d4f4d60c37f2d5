"""Write the next snapshot by asking only for what can have changed since the one before.

The first page of each list of a property is read. Up to 100 rows, it is the whole list. Of a longer
list it shows how many resources there are and which changed last; together with the audit events
that tells whether the list has to be read. Rule components and builds are read for those rules and
libraries that differ in any column.

In a quiet property, for which there are no audit events, lists whose changes all have events are not
even checked. Nothing proves that events are complete, so once a week no property counts as quiet.
"""

import json
import warnings
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, cached_property, partial
from itertools import product

import pandas as pd

from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.collection import Rows
from adobe_nb.api.reactor.dates import parse_zoned
from adobe_nb.api.reactor.paging import PAGE_SIZE, Listing, read_lists, steady
from adobe_nb.errors import NotAllowed, NotFound, SnapshotError, SnapshotWarning
from adobe_nb.registry import RESOURCES
from adobe_nb.session import Session
from adobe_nb.snapshot.comparison import differing_columns
from adobe_nb.snapshot.filling import PartReader, joined, no_rows, read_parts
from adobe_nb.snapshot.manifest import Snapshot
from adobe_nb.snapshot.plan import (
    EVENTS,
    PACKAGES,
    PLAN,
    checked_tables,
    promised,
    required_by,
    selected,
)
from adobe_nb.snapshot.pulling import (
    Run,
    check_same_organization,
    description,
    events_since,
    read_scope,
)
from adobe_nb.snapshot.selection import Frames
from adobe_nb.snapshot.store import SnapshotFolder

# Publishing a library may change ``dirty`` and ``published`` of its resources, which then have no
# audit event of their own.
_PUBLISHING = ("library", "build")
# A build in any other state is still running, and ends without an audit event.
_FINAL_STATES = ("succeeded", "failed")
# One attempt rarely meets a deletion; three in a row practically never do.
_ATTEMPTS = 3
# Tables whose every change has an audit event, as far as Adobe's documentation says.
_AUDITED = ("rules", "data_elements", "environments")
# It is not documented how soon an event appears: those of the last hour count again.
_LATE = timedelta(hours=1)
_CHECK_ALL_EVERY = timedelta(days=7)


def refresh(session: Session, snapshots: SnapshotFolder) -> Snapshot:
    """Write the next snapshot of the folder: see ``snapshot.refresh``."""
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
    events = _readable_events(client, since - _LATE, required=EVENTS in tables)
    traces, checked = _Traces.of(events, since), str(base.about.get("checked", ""))
    if not _was_checked(checked, scope.at) or not _has_events(client, events):
        traces, checked = replace(traces, busy=None), scope.at
    about = {**description(session, chosen, tables), "base": base.number}
    with snapshots.begin(about, promised(tables), reuse=True) as draft:
        run = _Refresh(client, draft, scope, tables, base, traces)
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
            kind="refresh",
            properties=sorted(scope.properties["id"]),
            missing=sorted(scope.missing),
            checked=checked,
        )


def _was_checked(checked: str, now: str) -> bool:
    """Return whether all lists were checked in the last days."""
    return bool(checked) and parse_zoned(now) - parse_zoned(checked) < _CHECK_ALL_EVERY


def _has_events(client: Client, events: pd.DataFrame | None) -> bool:
    """Return whether the organization has any audit events: an empty log proves nothing."""
    if events is None:
        return False
    if len(events):
        return True
    row = RESOURCES[EVENTS]
    first = read_lists(client, [steady(f"/{EVENTS}", row)], [Rows(row)], "audit events", first=1)
    return any(read.rows for read in first)


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
    busy: Set[str] | None = None
    """The properties with events; None when any property can have changed without one."""

    @classmethod
    def of(cls, events: pd.DataFrame | None, since: datetime) -> "_Traces":
        if events is None:
            return cls(since, None, {None})
        busy = set(events["property_id"].fillna(""))
        events = events[events["created_at"] > since]
        types = events["type_of"].fillna("")
        # An event without a property can be about any of them.
        properties = events["property_id"].fillna("")
        kinds = set(zip(properties, types.str.replace(r"\..*", "", regex=True), strict=True))
        builds = events[types.str.startswith("build.")]
        return cls(since, kinds, set(map(_library_of, builds["entity"])), busy)

    def has(self, property_id: str, *kinds: str) -> bool:
        """Return whether a resource of one of these kinds may have changed in the property."""
        if self.kinds is None:
            return True
        return not self.kinds.isdisjoint(product(("", property_id), kinds))

    def is_quiet(self, property_id: str) -> bool:
        """Return whether the audit events prove that nothing happened in the property."""
        return self.busy is not None and self.busy.isdisjoint(("", property_id))


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
        # A rule or library can be deleted between its list and the list of its children. Then the
        # lists that led to it are read again, because its row has to disappear, too.
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._read_once(attempt)
                return
            except NotFound:
                if attempt == _ATTEMPTS:
                    raise
                self._forget_what_led_to_missing_tables()

    def _read_once(self, attempt: int) -> None:
        ids = self.scope.properties["id"]
        is_known = ids.isin(self.base.about["properties"])
        known_ids = ids[is_known].tolist()
        self.read_properties(ids[~is_known], "refresh")
        self.forget_damaged(known_ids)
        parts = self.missing_parts(known_ids)
        audited = [part for part in parts if part.table in _AUDITED]
        changed = self._read_first_pages([part for part in parts if part.table not in _AUDITED])
        # A list that is read again because something disappeared has to be read indeed.
        if attempt == 1:
            audited = [part for part in audited if not self._keep_quiet(part)]
        changed += self._read_first_pages(audited)
        read_parts(self.client, changed, "refresh")
        # On the last attempt, the row of a deleted parent stays until the next refresh.
        self.read_below(known_ids, "refresh", parents_may_vanish=attempt == _ATTEMPTS)

    def _forget_what_led_to_missing_tables(self) -> None:
        for property_id in self.scope.properties["id"]:
            for table in self.required_now(property_id):
                self.forget(table, property_id)

    def _keep_quiet(self, part: PartReader) -> bool:
        """Keep a list of a quiet property, and return whether it could be kept."""
        if not self.traces.is_quiet(part.property):
            return False
        # Libraries were read: publishing may change their resources, with or without an event.
        are_read = "libraries" in self.tables
        if are_read and not self.draft.shares("libraries", part.property, self.base):
            return False
        return self._keep(part.table, part.property)

    def _read_first_pages(self, parts: Sequence[PartReader]) -> list[PartReader]:
        """Read the first page of each list, and store the lists that are complete by that.

        Returns the lists that have to be read.
        """
        listings = list(map(self._first_page, parts))
        sinks = [part.rows for part in parts]
        changed: list[PartReader] = []
        for read in read_lists(
            self.client, listings, sinks, "looking for changes", first=PAGE_SIZE
        ):
            part = parts[read.at]
            # The page is the whole list.
            if read.total == read.rows:
                part.received = read.rows
                part.store()
            elif not self._is_unchanged(part, read.total) or not self._keep(
                part.table, part.property
            ):
                changed.append(part)
        return changed

    def _first_page(self, part: PartReader) -> Listing:
        """Return the list of a part; a long one by the time of the last change where possible."""
        [listing] = part.listings
        before = self.base.part(part.table, part.property)
        # As a pull reads it, so that an unchanged list has an equal response.
        if before is None or before.rows <= PAGE_SIZE:
            return listing
        sort = "created_at"
        if "updated_at" in RESOURCES[part.table].sortable:
            sort = "-updated_at"
        return replace(listing, params=(("sort", sort),))

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

    def parts_below(self, tables: Iterable[str], property_id: str) -> Iterator[PartReader]:
        """Yield the parts that can have changed, and keep the others as they were."""
        before = cache(partial(self._frame_before, property_id))
        now = self.stored_frames(property_id)
        difference = _Difference(property_id, before, now, self.traces)
        for table in tables:
            if not self._is_settled(table, property_id) or not self._keep(table, property_id):
                yield from self._part_below(table, difference)

    def _is_settled(self, table: str, property_id: str) -> bool:
        """Return whether the tables that it requires tell that nothing below them changed."""
        required, parent = PLAN[table].requires, PLAN[table].parent
        # Libraries can change in what they hold and in their builds, and stay the same themselves.
        if parent == "libraries":
            now, before = self.draft.part(parent, property_id), self.base.part(table, property_id)
            return now is not None and before is not None and now.rows == before.rows == 0
        return all(self.draft.shares(name, property_id, self.base) for name in required)

    def _part_below(self, table: str, difference: "_Difference") -> Iterator[PartReader]:
        """Yield a part to be read under the resources that changed; none if nothing did."""
        property_id, now = difference.property, difference.now
        rows, parents = difference.before(table), selected(table, now)
        changed = set(parents)
        if self._can_compare(table):
            known = set(selected(table, difference.before))
            changed -= known - difference.changed(table)
        column = PLAN[table].parent_column
        kept = rows[rows[column].isin(set(parents) - changed)]
        unchanged = kept
        if table == "rule_revision_components":
            unchanged = _published(kept, now)
        is_same = unchanged is kept and len(kept) == len(rows)
        if not is_same or changed or not self._keep(table, property_id):
            at, to_read = self.scope.at, [parent for parent in parents if parent in changed]
            yield PartReader(self.draft, table, property_id, at, to_read, unchanged=unchanged)

    def read_packages(self, ids: Iterable[str], known: pd.DataFrame) -> None:
        """Store the packages of these properties, and fetch those that can have changed."""
        ids = list(ids)
        if self._can_compare(PACKAGES):
            before = [self._frame_before(property_id, PACKAGES) for property_id in ids]
            for property_id, rows in zip(ids, before, strict=True):
                if _are_final(rows).all() and self._is_settled(PACKAGES, property_id):
                    self._keep(PACKAGES, property_id)
            if any(self.is_missing(PACKAGES, property_id) for property_id in ids):
                packages = pd.concat([known, *before], ignore_index=True)
                final = packages[_are_final(packages)].drop_duplicates("id", ignore_index=True)
                known = joined(final, known, PACKAGES)
        super().read_packages(ids, known)

    def _frame_before(self, property_id: str, table: str) -> pd.DataFrame:
        part = self.base.part(table, property_id)
        if part is None or not part.rows:
            return no_rows(table)
        return part.frame(self.base.data, self.base.columns[table])

    def _can_compare(self, table: str) -> bool:
        """Return whether the base has a table, and what it requires, with the columns of today."""
        return all(_has_same_columns(self.base, name) for name in {table, *required_by(table)})


@dataclass(frozen=True)
class _Difference:
    """What differs in a property between the base and now."""

    property: str
    before: Frames
    now: Frames
    traces: _Traces

    def changed(self, table: str) -> Set[str]:
        """Return the ids of resources under which the lists of a table can have changed."""
        if table == "rule_components":
            return self._edited_rules()
        if table == "builds":
            return self._built_libraries()
        if PLAN[table].parent == "libraries":
            return self._open_libraries()
        if PLAN[table].parent == "builds" and self._newly_published():
            return set(selected(table, self.now))
        # Revisions are frozen, and so is what a build holds.
        return set()

    def _edited_rules(self) -> set[str]:
        components = self.before("rule_components")
        changed = set(differing_columns(self.before("rules"), self.now("rules")))
        # A component of two rules changes under both when it is revised with one of them.
        shared = components.loc[components["rule_id"].isin(changed), "id"]
        return changed.union(components.loc[components["id"].isin(shared), "rule_id"])

    def _built_libraries(self) -> set[str]:
        libraries, builds = set(self.now("libraries")["id"]), self.before("builds")
        # A build changes while its library stays as it was.
        if None in self.traces.libraries and self.traces.has(self.property, "build"):
            return libraries
        republished = builds["meta_republish_status"].fillna("succeeded")
        is_final = builds["status"].isin(_FINAL_STATES) & republished.isin(_FINAL_STATES)
        running = builds.loc[~is_final, "library_id"]
        named = {library for library in self.traces.libraries if library is not None}
        return self._differing_libraries.union(named, running)

    def _open_libraries(self) -> set[str]:
        """Return the libraries whose contents can have changed."""
        libraries = self.now("libraries")
        in_development = libraries.loc[libraries["state"] == "development", "id"]
        changed = self._differing_libraries.union(in_development)
        # Their revisions can be in other libraries too, where they are published from now on.
        if self._newly_published():
            changed.update(libraries["id"])
        return changed - _published_ids(self.before)

    def _newly_published(self) -> set[str]:
        return _published_ids(self.now) - _published_ids(self.before)

    @cached_property
    def _differing_libraries(self) -> set[str]:
        return set(differing_columns(self.before("libraries"), self.now("libraries")))


def _published_ids(frames: Frames) -> set[str]:
    libraries = frames("libraries")
    return set(libraries.loc[libraries["state"] == "published", "id"])


def _published(components: pd.DataFrame, now: Frames) -> pd.DataFrame:
    """Return components of revisions, published when their rule is."""
    columns = ["id", "published", "published_at"]
    rules = pd.concat([now("library_rules")[columns], now("build_rules")[columns]])
    dates = rules[rules["published"].fillna(False)].drop_duplicates("id").set_index("id")
    is_new = components["rule_id"].isin(dates.index) & ~components["published"].fillna(False)
    if not is_new.any():
        return components
    components = components.copy()
    components.loc[is_new, "published"] = True
    rule_ids = components.loc[is_new, "rule_id"]
    components.loc[is_new, "published_at"] = dates.loc[rule_ids, "published_at"].array
    return components


def _are_final(packages: pd.DataFrame) -> "pd.Series[bool]":
    """Return which packages stay as they are: the zip of one in development can be replaced."""
    return (packages["availability"] != "development").fillna(False)


def _has_same_columns(snapshot: Snapshot, table: str) -> bool:
    """Return whether a table was stored with the columns that it has now."""
    return table in snapshot.columns and snapshot.has_columns(table, PLAN[table].columns)
