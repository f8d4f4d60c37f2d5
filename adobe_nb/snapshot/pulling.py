"""Pull everything about some properties as the next snapshot."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain, product

import pandas as pd

from adobe_nb.api.reactor.client import Client, in_parallel
from adobe_nb.api.reactor.collection import Rows
from adobe_nb.api.reactor.frames import to_frame
from adobe_nb.api.reactor.inputs import Ids, ids_of_type
from adobe_nb.api.reactor.jsonapi import Document, one_of
from adobe_nb.api.reactor.paging import Listing, read_lists, steady
from adobe_nb.errors import ArgumentError, NotAllowed, NotFound, SnapshotError
from adobe_nb.registry import RESOURCES
from adobe_nb.session import Session
from adobe_nb.snapshot.draft import Draft
from adobe_nb.snapshot.filling import PartReader, digest_of, in_order, joined, no_rows, read_parts
from adobe_nb.snapshot.manifest import Snapshot
from adobe_nb.snapshot.plan import (
    DIRECT,
    EVENTS,
    LEVELS,
    PACKAGES,
    PLAN,
    checked_tables,
    promised,
    required_by,
    requiring,
    selected,
)
from adobe_nb.snapshot.selection import Frames
from adobe_nb.snapshot.store import SnapshotFolder
from adobe_nb.snapshot.tables import library

# The Date header has whole seconds, and a change can become visible shortly after its own date.
_MARGIN = timedelta(minutes=1)


@dataclass(frozen=True)
class Scope:
    """The companies and properties that exist now."""

    at: str
    """The service's time before they were read: what is read later lacks no earlier change."""
    companies: pd.DataFrame
    properties: pd.DataFrame
    missing: tuple[str, ...] = ()
    """Ids of chosen properties that do not exist, or that this account cannot see."""


def pull(
    session: Session,
    properties: Ids | None,
    snapshots: SnapshotFolder,
    tables: Sequence[str] | str | None,
    *,
    resume: bool,
) -> Snapshot:
    """Write the next snapshot of the folder: see ``snapshot.pull``."""
    # Nothing can be stored without pyarrow: report that before any request.
    library("pyarrow")
    names = checked_tables(tables)
    chosen: list[str] | None = None
    if properties is not None:
        chosen = ids_of_type(RESOURCES["properties"], [properties])
        if not chosen:
            raise ArgumentError(
                "There are no properties to pull. Leave them out to pull all that you can see."
            )
    latest = snapshots.latest()
    if latest is not None:
        check_same_organization(session, latest)
    client = session.client
    scope = read_scope(client, chosen)
    if scope.missing:
        raise NotFound(
            f"Property {', '.join(scope.missing)} is not among those that you can see. Take the "
            "ids from reactor.properties().",
            status=404,
            code="not-found",
            method="GET",
            url="/properties",
        )
    about = description(session, chosen, names)
    with snapshots.begin(about, promised(names), resume=resume) as draft:
        run = Run(client, draft, scope, names)
        run.store_properties()
        ids = scope.properties["id"]
        run.read_properties(ids, "pull")
        if EVENTS in names and not all(draft.has(EVENTS, property_id) for property_id in ids):
            run.store_events(events_since(client, None))
        return draft.publish(kind="pull", properties=sorted(ids), checked=scope.at)


def check_same_organization(session: Session, snapshot: Snapshot) -> None:
    """Raise SnapshotError when a snapshot is of another organization or service."""
    # A history of two organizations would show every resource as created and deleted.
    organization, service = snapshot.about["organization"], snapshot.about["service"]
    if (organization, service) != (session.org_id, session.service):
        raise SnapshotError(
            f"The snapshots of {snapshot.folder} are of {organization} ({service}), and you are "
            f"signed in to {session.org_id} ({session.service}). Sign in to {organization}, or "
            "pull into another folder."
        )


def description(
    session: Session, chosen: Sequence[str] | None, tables: Sequence[str]
) -> dict[str, object]:
    """Return what identifies a pull: an interrupted one is resumed only when this is equal."""
    if chosen is not None:
        chosen = sorted(chosen)
    return {
        "service": session.service,
        "organization": session.org_id,
        "chosen": chosen,
        "tables": list(tables),
    }


def read_scope(client: Client, chosen: Sequence[str] | None) -> Scope:
    """Read the companies and properties, and the time before."""
    first = client.fetch("/companies", (("page[size]", "1"),))
    at = (first.date.astimezone(UTC) - _MARGIN).isoformat()
    row = RESOURCES["companies"]
    companies = _read(client, [steady("/companies", row)], Rows(row), "properties")
    row = RESOURCES["properties"]
    listings = [
        steady(f"/companies/{company_id}/properties", row, company_id)
        for company_id in companies["id"]
    ]
    rows = Rows(row, "companies")
    properties = _read(client, listings, rows, "properties", parents_may_vanish=True)
    if chosen is None:
        return Scope(at, companies, properties)
    properties = in_order(properties[properties["id"].isin(chosen)])
    companies = in_order(companies[companies["id"].isin(properties["company_id"])])
    visible = set(properties["id"])
    missing = tuple(property_id for property_id in chosen if property_id not in visible)
    return Scope(at, companies, properties, missing)


def _read(
    client: Client,
    listings: Sequence[Listing],
    rows: Rows,
    label: str,
    *,
    parents_may_vanish: bool = False,
) -> pd.DataFrame:
    """Return all these lists as one frame, in the order of a part."""
    sinks = [rows] * len(listings)
    for _ in read_lists(client, listings, sinks, label, parents_may_vanish=parents_may_vanish):
        pass
    return in_order(rows.frame())


def events_since(client: Client, since: datetime | None) -> pd.DataFrame:
    """Return the audit events of the organization from that time on."""
    row = RESOURCES[EVENTS]
    listing = steady(f"/{EVENTS}", row)
    if since is not None:
        after = ("filter[created_at]", f"GT {since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z")
        listing = replace(
            listing, params=(after, *listing.params), undated=listing.params, low=since
        )
    return _read(client, [listing], Rows(row), "audit events")


@dataclass(frozen=True)
class Run:
    """One run that reads properties into a draft."""

    client: Client
    draft: Draft
    scope: Scope
    tables: Sequence[str]

    def store_properties(self) -> None:
        """Store the companies and each property's own row; drop parts of other properties."""
        properties, at = self.scope.properties, self.scope.at
        self.draft.only(properties["id"])
        self.draft.put("companies", None, self.scope.companies, at=at)
        rows = properties.itertuples(index=False, name=None)
        for number, (property_id, row) in enumerate(zip(properties["id"], rows, strict=True)):
            digest = digest_of(row)
            if not self.draft.keep_same("properties", property_id, digest, at=at):
                own = properties.iloc[[number]].reset_index(drop=True)
                self.draft.put("properties", property_id, own, at=at, digest=digest)

    def read_properties(self, ids: Iterable[str], label: str) -> None:
        """Read and store all parts of these properties that the draft does not have yet."""
        ids = list(ids)
        if not ids:
            return
        self.forget_damaged(ids)
        read_parts(self.client, self.missing_parts(ids), label)
        self.read_below(ids, label, parents_may_vanish=True)

    def read_below(self, ids: Sequence[str], label: str, *, parents_may_vanish: bool) -> None:
        """Read and store what is listed under resources of the tables that are stored."""
        for level in LEVELS:
            parts: list[PartReader] = []
            for property_id in ids:
                missing = [name for name in level if self.is_missing(name, property_id)]
                parts += self.parts_below(missing, property_id)
            read_parts(self.client, parts, label, parents_may_vanish=parents_may_vanish)
        if PACKAGES in self.tables:
            self.read_packages(ids, no_rows(PACKAGES))

    def is_missing(self, table: str, property_id: str) -> bool:
        """Return whether a part is to be stored and is not yet."""
        return table in self.tables and not self.draft.has(table, property_id)

    def parts_below(self, tables: Iterable[str], property_id: str) -> Iterator[PartReader]:
        """Yield the parts to read of these tables, all of which are on one level."""
        # An earlier run may have stored the lists that lead to them. Resources that were created
        # since then are missing in both; the next refresh finds them, because the oldest part
        # decides what it looks for.
        now = self.stored_frames(property_id)
        for table in tables:
            yield PartReader(self.draft, table, property_id, self.scope.at, selected(table, now))

    def stored_frames(self, property_id: str) -> Frames:
        """Return a function that reads the stored tables of a property, each once."""

        def read(table: str) -> pd.DataFrame:
            part = self.draft.part(table, property_id)
            if part is None or not part.rows:
                return no_rows(table)
            return self.draft.frame(table, property_id)

        return cache(read)

    def missing_parts(self, ids: Iterable[str]) -> list[PartReader]:
        """Return the lists of these properties that are not stored."""
        properties = self.scope.properties
        edge = set(properties.loc[properties["platform"] == "edge", "id"])
        parts = []
        for table, property_id in product(DIRECT, ids):
            if not self.is_missing(table, property_id):
                continue
            part = PartReader(self.draft, table, property_id, self.scope.at, [property_id])
            # The API has secrets for event forwarding only.
            if table == "secrets" and property_id not in edge:
                part.store()
            else:
                parts.append(part)
        return parts

    def forget_damaged(self, ids: Iterable[str]) -> None:
        """Drop damaged parts of an earlier run that other tables are still to be read from."""
        for property_id in ids:
            for table in self.required_now(property_id):
                is_stored = self.draft.has(table, property_id)
                if is_stored and self.draft.is_damaged(table, property_id):
                    self.forget(table, property_id)

    def required_now(self, property_id: str) -> set[str]:
        """Return the tables that those require which are not stored."""
        missing = [name for name in self.tables if not self.draft.has(name, property_id)]
        return set[str]().union(*map(required_by, missing))

    def forget(self, table: str, property_id: str) -> None:
        """Drop a part, and those that were read from it: they would be older than the new one."""
        for name in (*requiring(table), table):
            self.draft.forget(name, property_id)

    def read_packages(self, ids: Iterable[str], known: pd.DataFrame) -> None:
        """Store the packages of these properties, and fetch each that is not known once."""
        used: dict[str, list[str]] = {}
        for property_id in ids:
            if self.is_missing(PACKAGES, property_id):
                used[property_id] = selected(PACKAGES, self.stored_frames(property_id))
        if not used:
            return
        missing = set(chain(*used.values())).difference(known["id"])
        packages = joined(known, _packages(self.client, sorted(missing)), PACKAGES)
        unknown = set(packages).difference(PLAN[PACKAGES].columns)
        for property_id, package_ids in used.items():
            own = packages[packages["id"].isin(package_ids)]
            unused = [name for name in unknown if own[name].isna().all()]
            own = in_order(own.drop(columns=unused))
            self.draft.put(PACKAGES, property_id, own, at=self.scope.at)

    def store_events(self, events: pd.DataFrame, earlier: Snapshot | None = None) -> None:
        """Store each property's own audit events, after those of an earlier snapshot."""
        at = self.scope.at
        for property_id in self.scope.properties["id"]:
            own = events[events["property_id"] == property_id]
            if earlier is not None and earlier.part(EVENTS, property_id) is not None:
                stored = earlier.frame(EVENTS, property_id)
                own = own[~own["id"].isin(stored["id"])]
                if own.empty and self.draft.keep(EVENTS, property_id, earlier, at=at):
                    continue
                own = joined(stored, own, EVENTS)
            self.draft.put(EVENTS, property_id, in_order(own), at=at)


def _packages(client: Client, ids: Sequence[str]) -> pd.DataFrame:
    """Return these packages, without those that this account cannot see."""

    def fetch(package_id: str) -> list[Document]:
        try:
            document = client.get(f"/{PACKAGES}/{package_id}")
        except (NotFound, NotAllowed) as error:
            # Others' private packages, and packages that were deleted after they were installed.
            if error.status in {403, 404}:
                return []
            raise
        return [one_of(document, PACKAGES, package_id)]

    documents = in_parallel(client, fetch, ids, "extension packages")
    return to_frame(RESOURCES[PACKAGES], list(chain(*documents)))
