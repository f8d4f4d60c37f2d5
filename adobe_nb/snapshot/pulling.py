"""A whole pull: everything about some properties, as the next snapshot."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.collection import Rows
from adobe_nb.api.reactor.inputs import Ids, ids_of_type
from adobe_nb.api.reactor.paging import Listing, read_lists, steady
from adobe_nb.errors import ArgumentError, NotFound, SnapshotError
from adobe_nb.registry import RESOURCES
from adobe_nb.session import Session
from adobe_nb.snapshot.draft import Draft
from adobe_nb.snapshot.filling import Filling, fill, in_order, joined
from adobe_nb.snapshot.manifest import Manifest
from adobe_nb.snapshot.plan import DIRECT, EVENTS, checked_tables, promised, tables_below
from adobe_nb.snapshot.store import Store
from adobe_nb.snapshot.tables import library

_MARGIN = timedelta(minutes=1)
"""The service tells its time in whole seconds, and a change can show some time after the moment
that it bears.
"""


class Chosen(NamedTuple):
    """A property, and what matters of it here."""

    id: str
    platform: str | None
    created_at: datetime


@dataclass(frozen=True)
class Scope:
    """What is there now: the service's time before anything was read, the companies, the chosen
    properties.
    """

    at: str
    companies: pd.DataFrame
    properties: pd.DataFrame
    missing: tuple[str, ...] = ()
    """Ids that were chosen and are not there."""

    @property
    def chosen(self) -> list[Chosen]:
        """The properties, by date of creation."""
        columns = (self.properties[name] for name in Chosen._fields)
        return [Chosen(*values) for values in zip(*columns, strict=True)]


def pull(
    session: Session,
    properties: Ids | None,
    folder: str | Path,
    tables: Sequence[str] | str | None,
    *,
    resume: bool,
) -> Manifest:
    """The next snapshot of the folder. The docstring of ``snapshot.pull`` says it all."""
    library("pyarrow")  # without it nothing can be stored: said before anything is asked for
    wanted = checked_tables(tables)
    chosen = None if properties is None else ids_of_type(RESOURCES["properties"], [properties])
    if chosen == []:
        raise ArgumentError(
            "There are no properties to pull. Leave them out for all that you can see."
        )
    store = Store(folder)
    latest = store.latest()
    if latest is not None:
        check_same(session, latest)
    client = session.client
    scope = look_around(client, chosen)
    if scope.missing:
        raise NotFound(
            f"There is no property {', '.join(scope.missing)} among those that you can see. Take the ids from "
            "reactor.properties().",
            status=404,
            code="not-found",
            method="GET",
            url="/properties",
        )
    about = about_of(session, chosen, wanted)
    with store.begin(about, promised(wanted), resume=resume) as draft:
        put_heads(draft, scope)
        pull_properties(client, draft, scope, scope.chosen, wanted, "pull")
        if EVENTS in wanted and not all(draft.has(EVENTS, each) for each in scope.properties["id"]):
            put_events(draft, scope, events_since(client, None))
        return draft.publish(kind="pull", properties=sorted(scope.properties["id"]))


def check_same(session: Session, base: Manifest) -> None:
    """One folder is of one organisation at one service: else its history would be of nothing.
    Raises SnapshotError.
    """
    mine, theirs = (
        (session.service, session.org_id),
        (base.about["service"], base.about["organisation"]),
    )
    if mine != theirs:
        raise SnapshotError(
            f"The snapshots of {base.folder} are of {theirs[1]} ({theirs[0]}), and you are signed in to {mine[1]} "
            f"({mine[0]}). Sign in there, or pull into another folder."
        )


def about_of(
    session: Session, chosen: Sequence[str] | None, tables: Sequence[str]
) -> dict[str, object]:
    """What identifies a pull: one that was cut off goes on only when this is the same."""
    return {
        "service": session.service,
        "organisation": session.org_id,
        "chosen": None if chosen is None else sorted(chosen),
        "tables": list(tables),
    }


def look_around(client: Client, chosen: Sequence[str] | None) -> Scope:
    """The companies and properties, and the time before they were read."""
    first = client.fetch("/companies", (("page[size]", "1"),))
    row = RESOURCES["companies"]
    companies = _read(client, [steady("/companies", row)], Rows(row), "properties")
    row = RESOURCES["properties"]
    listings = [steady(f"/companies/{each}/properties", row, each) for each in companies["id"]]
    found = _read(client, listings, Rows(row, "companies"), "properties", parents_may_vanish=True)
    missing: tuple[str, ...] = ()
    if chosen is not None:
        found = found[found["id"].isin(list(chosen))].reset_index(drop=True)
        companies = companies[companies["id"].isin(found["company_id"])]
        missing = tuple(each for each in chosen if each not in set(found["id"]))
    at = (first.date.astimezone(UTC) - _MARGIN).isoformat()
    return Scope(at, in_order(companies), found, missing)


def _read(
    client: Client,
    listings: Sequence[Listing],
    rows: Rows,
    label: str,
    *,
    parents_may_vanish: bool = False,
) -> pd.DataFrame:
    """All these lists as one frame, in the order of a part."""
    for _ in read_lists(
        client, listings, [rows] * len(listings), label, parents_may_vanish=parents_may_vanish
    ):
        pass
    return in_order(rows.frame())


def put_heads(draft: Draft, scope: Scope) -> None:
    """The companies, and each property's own row. What a run before has stored of others goes."""
    draft.only(scope.properties["id"])
    draft.put("companies", None, scope.companies, at=scope.at)
    for at, identifier in enumerate(scope.properties["id"]):
        draft.put(
            "properties",
            identifier,
            scope.properties.iloc[[at]].reset_index(drop=True),
            at=scope.at,
        )


def pull_properties(
    client: Client,
    draft: Draft,
    scope: Scope,
    chosen: Sequence[Chosen],
    tables: Sequence[str],
    label: str,
) -> None:
    """Fill all parts of these properties that the draft does not have yet."""
    direct: list[Filling] = []
    below: list[Filling] = []
    for each in chosen:
        for filling in direct_parts(draft, scope, each, tables):
            parents = _stored_ids(draft, filling)
            if parents is None:
                direct.append(filling)
                continue
            # The lists below are as old as this one: they are read for its parents only, not for
            # later ones.
            at = draft.moment_of(filling.table, each.id)
            below += _below(draft, filling, parents, tables, at)
    for filling, frame in fill(client, direct, label):
        below += _below(draft, filling, list(frame["id"]), tables, scope.at)
    for _ in fill(client, below, label, parents_may_vanish=True):
        pass


def _stored_ids(draft: Draft, filling: Filling) -> list[str] | None:
    """The ids of a list that a run before has stored; None when it has to be read."""
    if not draft.has(filling.table, filling.property):
        return None
    with suppress(SnapshotError):  # a damaged file is read anew
        return draft.ids_of(filling.table, filling.property)
    return None


def _below(
    draft: Draft, above: Filling, parents: Sequence[str], tables: Sequence[str], at: str
) -> list[Filling]:
    """The parts that are listed under these parents and that the draft does not have yet."""
    return [
        Filling(draft, name, above.property, at, parents=parents)
        for name in tables_below(above.table, tables)
        if not draft.has(name, above.property)
    ]


def direct_parts(
    draft: Draft, scope: Scope, chosen: Chosen, tables: Sequence[str]
) -> list[Filling]:
    """The lists of a property that no run before has stored, with all that is below them."""
    fillings: list[Filling] = []
    for table in tables:
        parts = [table, *tables_below(table, tables)]
        if table not in DIRECT or all(draft.has(name, chosen.id) for name in parts):
            continue
        filling = Filling(draft, table, chosen.id, scope.at)
        if table == "secrets" and chosen.platform != "edge":
            filling.store()  # the API has them for event forwarding only
        else:
            fillings.append(filling)
    return fillings


def events_since(client: Client, since: datetime | None) -> pd.DataFrame:
    """Audit events of the organisation from that moment on."""
    row = RESOURCES[EVENTS]
    listing = steady(f"/{EVENTS}", row)
    if since is not None:
        text = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
        condition = ("filter[created_at]", f"GT {text}")
        listing = replace(
            listing, params=(condition, *listing.params), undated=listing.params, low=since
        )
    return _read(client, [listing], Rows(row), "audit events")


def put_events(
    draft: Draft, scope: Scope, events: pd.DataFrame, earlier: Manifest | None = None
) -> None:
    """Each property's own audit events, after those that were known."""
    for identifier in scope.properties["id"]:
        own = events[events["property_id"] == identifier]
        if earlier is not None and earlier.part(EVENTS, identifier) is not None:
            known = earlier.frame_of(EVENTS, identifier)
            own = own[~own["id"].isin(known["id"])]
            if own.empty and draft.keep(EVENTS, identifier, earlier, at=scope.at):
                continue
            own = joined(known, own, EVENTS)
        draft.put(EVENTS, identifier, in_order(own), at=scope.at)
