"""The next snapshot from the one before, asking only for what can have changed.

One request looks at each list of a property: up to 100 rows, it is the list. Of a longer one it
shows how many there are and which changed last; with the audit events that tells whether it has to
be read. Rule components and builds are read under those rules and libraries whose row differs in
anything.
"""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.dates import parse_zoned
from adobe_nb.api.reactor.paging import PAGE_SIZE, Listing, read_lists
from adobe_nb.errors import NotAllowed, NotFound, SnapshotError, SnapshotWarning
from adobe_nb.registry import RESOURCES
from adobe_nb.session import Session
from adobe_nb.snapshot.changes import different
from adobe_nb.snapshot.draft import Draft
from adobe_nb.snapshot.filling import Filling, fill
from adobe_nb.snapshot.manifest import Manifest
from adobe_nb.snapshot.plan import EVENTS, checked_tables, promised, tables_below
from adobe_nb.snapshot.pulling import (
    Chosen,
    Scope,
    about_of,
    check_same,
    direct_parts,
    events_since,
    look_around,
    pull_properties,
    put_events,
    put_heads,
)
from adobe_nb.snapshot.store import Store

_PUBLISHING = {"library", "build"}
"""What moves the marks of revisionable resources (dirty, published) without a trace of their own.
"""
_DONE = ("succeeded", "failed")
"""What a build says that nothing more happens to by itself."""
_TRIES = 3


def refresh(session: Session, folder: str | Path) -> Manifest:
    """The next snapshot of the folder. The docstring of ``snapshot.refresh`` says it all."""
    store = Store(folder)
    base = store.at()
    check_same(session, base)
    tables, chosen, client = (
        checked_tables(base.about["tables"]),
        base.about["chosen"],
        session.client,
    )
    scope = look_around(client, chosen)
    _check_there(scope, base)
    since = min(parse_zoned(part.at) for part in base.parts)
    events, traces = _events(client, since, needed=EVENTS in tables)
    about = {**about_of(session, chosen, tables), "base": base.number}
    with store.begin(about, promised(tables)) as draft:
        put_heads(draft, scope)
        work = _Refresh(client, draft, base, scope, traces)
        work.run(tables)
        if EVENTS in tables and events is not None:
            fits = _has_same_columns(base, EVENTS)
            older = [
                each
                for each in scope.chosen
                if not _known(base, each.id) and each.created_at < since
            ]
            put_events(
                draft,
                scope,
                events_since(client, None) if older or not fits else events,
                base if fits else None,
            )
        return draft.publish(
            kind="refresh", properties=sorted(scope.properties["id"]), missing=sorted(scope.missing)
        )


def _events(
    client: Client, since: datetime, *, needed: bool
) -> tuple[pd.DataFrame | None, "_Traces"]:
    """The audit events from that moment on, and what they tell. Without the right to read them
    every list is read.
    """
    refused: NotAllowed | None = None
    try:
        events = events_since(client, since)
    except NotAllowed as error:
        refused = error.with_traceback(None)
    else:
        return events, _Traces.of(events, since)
    if needed or refused.status != 403:
        raise refused
    warnings.warn(
        "This account may not read audit events, which tell a refresh what changed. Every list is read instead: that "
        "takes more requests, and the snapshot is as good. The right to audit events is given in Admin Console.",
        SnapshotWarning,
        stacklevel=4,
    )
    return None, _Traces(since, frozenset(), frozenset({None}), blind=True)


def _check_there(scope: Scope, base: Manifest) -> None:
    if base.about["properties"] and scope.properties.empty:
        raise SnapshotError(
            f"None of the {len(base.about['properties'])} properties of {base.folder} can be seen any more. Check the "
            "rights of this account in Admin Console. If they are gone indeed, pull others."
        )


@dataclass(frozen=True)
class _Traces:
    """What the audit events tell: which kinds changed in which property, and of which libraries
    there are builds.
    """

    since: datetime
    kinds: frozenset[tuple[str | None, str]]
    libraries: frozenset[str | None]
    """None: some event does not say of which."""
    blind: bool = False
    """The events cannot be read, so anything may have changed."""

    @classmethod
    def of(cls, events: pd.DataFrame, since: datetime) -> "_Traces":
        kinds = {
            (None if property_id is pd.NA else str(property_id), str(kind).partition(".")[0])
            for property_id, kind in zip(events["property_id"], events["type_of"], strict=True)
        }
        builds = events[events["type_of"].str.startswith("build.").fillna(False)]
        return cls(since, frozenset(kinds), frozenset(map(_library_of, builds["entity"])))

    def touch(self, identifier: str, kind: str) -> bool:
        """Whether something of that kind changed there."""
        return self.blind or (identifier, kind) in self.kinds or (None, kind) in self.kinds


class _Refresh:
    def __init__(
        self, client: Client, draft: Draft, base: Manifest, scope: Scope, traces: _Traces
    ) -> None:
        self._client, self._draft, self._base, self._scope, self._traces = (
            client,
            draft,
            base,
            scope,
            traces,
        )

    def run(self, tables: Sequence[str]) -> None:
        """Fill every part but the heads and the audit events; again where something was deleted
        meanwhile.
        """
        for left in range(_TRIES - 1, -1, -1):
            try:
                self._run(tables, is_last=not left)
            except NotFound:
                if not left:
                    raise
            else:
                return

    def _run(self, tables: Sequence[str], *, is_last: bool) -> None:
        known = [each for each in self._scope.chosen if _known(self._base, each.id)]
        new = [each for each in self._scope.chosen if not _known(self._base, each.id)]
        pull_properties(self._client, self._draft, self._scope, new, tables, "refresh")
        to_read, below_looked_at = self._look(known, tables)
        below: list[Filling] = []
        for filling, frame in fill(self._client, to_read, "refresh"):
            below += self._below(filling.table, filling.property or "", frame, tables)
        for _ in fill(self._client, below, "refresh", parents_may_vanish=True):
            pass
        # A parent that is gone since the look is NotFound, and all is looked at once more: its row
        # has to go, too. On the last try its row stays, with nothing below it, until the next
        # refresh.
        for _ in fill(self._client, below_looked_at, "refresh", parents_may_vanish=is_last):
            pass

    def _look(
        self, known: Sequence[Chosen], tables: Sequence[str]
    ) -> tuple[list[Filling], list[Filling]]:
        """See of each list the resources that changed last, and how many there are.

        Gives the lists that have to be read, and what is below those that need not be.
        """
        fillings = [
            part for each in known for part in direct_parts(self._draft, self._scope, each, tables)
        ]
        listings = [_changed_last(filling) for filling in fillings]
        sinks = [filling.rows for filling in fillings]
        to_read: list[Filling] = []
        below: list[Filling] = []
        for read in read_lists(
            self._client, listings, sinks, "looking for changes", first=PAGE_SIZE
        ):
            filling = fillings[read.at]
            table, identifier = filling.table, filling.property or ""
            if read.total == read.rows:  # the page is the list
                filling.received = read.rows
                below += self._below(table, identifier, filling.store(), tables)
                continue
            page = filling.rows.frame()
            if not self._same(table, identifier, read.total, page) or not self._keep(
                table, identifier
            ):
                to_read.append(filling)
            elif not all(self._keep(name, identifier) for name in tables_below(table, tables)):
                below += self._below(
                    table, identifier, self._base.frame_of(table, identifier), tables
                )
        return to_read, below

    def _same(self, table: str, identifier: str, total: int | None, page: pd.DataFrame) -> bool:
        """Whether a long list is as it was, by all that can be seen of it."""
        before, row = self._base.part(table, identifier), RESOURCES[table]
        if before is None or total != before.rows or not row.revisionable:
            return False
        if any(self._traces.touch(identifier, kind) for kind in (row.singular, *_PUBLISHING)):
            return False
        return bool((page["updated_at"] < self._traces.since).all())

    def _keep(self, table: str, identifier: str) -> bool:
        return self._draft.keep(table, identifier, self._base, at=self._scope.at)

    def _below(
        self, above: str, identifier: str, now: pd.DataFrame, tables: Sequence[str]
    ) -> list[Filling]:
        """What is listed under these, where they are new or differ from before."""
        fillings: list[Filling] = []
        for table in tables_below(above, tables):
            changed = self._changed(table, above, identifier, now)
            known = self._base.frame_of(table, identifier)
            column = RESOURCES[table].parent_column(above) or f"{RESOURCES[above].singular}_id"
            kept = known[known[column].isin(set(now["id"]) - changed)]
            if not changed and len(kept) == len(known) and self._keep(table, identifier):
                continue
            parents = [each for each in now["id"] if each in changed]
            fillings.append(
                Filling(self._draft, table, identifier, self._scope.at, parents=parents, known=kept)
            )
        return fillings

    def _changed(self, table: str, above: str, identifier: str, now: pd.DataFrame) -> set[str]:
        """Those of ``above`` whose ``table`` can be another than before."""
        there = set(now["id"])
        if not _has_same_columns(self._base, table):
            return there
        before, known = (
            self._base.frame_of(above, identifier),
            self._base.frame_of(table, identifier),
        )
        found = {*different(before, now)} | there - set(before["id"])
        if table == "builds":  # their libraries can be as they were
            if None in self._traces.libraries and self._traces.touch(identifier, "build"):
                return there
            running = ~(
                known["status"].isin(_DONE)
                & known["meta_republish_status"].fillna(_DONE[0]).isin(_DONE)
            )
            found |= {*self._traces.libraries, *known.loc[running, "library_id"]}
        if (
            table == "rule_components"
        ):  # one of two rules shows under both when it is revised with the first
            shared = known.loc[known["rule_id"].isin(found), "id"]
            found |= set(known.loc[known["id"].isin(shared), "rule_id"])
        return found & there


def _has_same_columns(base: Manifest, table: str) -> bool:
    """Whether that table was promised with the columns that it has now."""
    return list(base.columns[table].items()) == list(promised([table])[table].items())


def _changed_last(filling: Filling) -> Listing:
    """The list of a part, in the order in which its resources changed."""
    [listing] = filling.listings
    sort = "-updated_at" if "updated_at" in RESOURCES[filling.table].sortable else "created_at"
    return replace(listing, params=(("sort", sort),))


def _known(base: Manifest, identifier: Any) -> bool:
    return base.part("properties", identifier) is not None


def _library_of(entity: object) -> str | None:
    """The library of the build that an audit event is about."""
    try:
        return str(json.loads(str(entity))["data"]["relationships"]["library"]["data"]["id"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
