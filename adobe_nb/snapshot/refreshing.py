"""The next snapshot from the one before, asking only for what can have changed.

One request looks at each list of a property: up to 100 rows, it is the list. Of a longer one it shows how many there
are and which changed last; with the audit events that tells whether it has to be read. Rule components and builds are
read under those rules and libraries whose row differs in anything.
"""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb.api.progress import Meter
from adobe_nb.api.reactor.decoding import Page, decoder_of, moment_of
from adobe_nb.api.reactor.jsonapi import PAGE_SIZE, Client
from adobe_nb.api.reactor.paging import Ask, read
from adobe_nb.errors import NotAllowed, NotFound, SnapshotError, SnapshotWarning
from adobe_nb.http.workers import Job
from adobe_nb.registry import RESOURCES
from adobe_nb.session import Session
from adobe_nb.snapshot.changes import different
from adobe_nb.snapshot.draft import Draft
from adobe_nb.snapshot.filling import Filling
from adobe_nb.snapshot.manifest import Manifest, moment
from adobe_nb.snapshot.plan import DIRECT, EVENTS, THROUGH, checked_tables, promised
from adobe_nb.snapshot.pulling import (
    Scope,
    about_of,
    asks_of,
    check_same,
    events_since,
    look_around,
    put_events,
    put_heads,
)
from adobe_nb.snapshot.store import Store

_PUBLISHING = {"library", "build"}
"""What moves the marks of revisionable resources (dirty, published) without a trace of their own."""
_DONE = ("succeeded", "failed")
"""What a build says that nothing more happens to by itself."""
_TRIES = 3


def refresh(session: Session, folder: str | Path) -> Manifest:
    """The next snapshot of the folder. The docstring of ``snapshot.refresh`` says it all."""
    store = Store(folder)
    base = store.at()
    check_same(session, base)
    tables, chosen, client = checked_tables(base.about["tables"]), base.about["chosen"], session.client
    scope = look_around(client, chosen)
    _check_there(scope, base)
    since = min(moment(part.at) for part in base.parts)
    events, traces = _events(client, since, needed=EVENTS in tables)
    about = {**about_of(session, chosen, tables), "base": base.number}
    with store.begin(about, promised(tables)) as draft:
        put_heads(draft, scope)
        work = _Refresh(client, draft, base, scope, traces)
        work.run(tables)
        if EVENTS in tables and events is not None:
            fits = _has_same_columns(base, EVENTS)
            older = [each for each in scope.chosen if not _known(base, each.id) and each.created_at < since]
            put_events(
                draft, scope, events_since(client, None) if older or not fits else events, base if fits else None
            )
        return draft.publish(kind="refresh", properties=sorted(scope.properties["id"]), missing=sorted(scope.missing))


def _events(client: Client, since: datetime, *, needed: bool) -> tuple[pd.DataFrame | None, "_Traces"]:
    """The audit events from that moment on, and what they tell. Without the right to read them every list is read."""
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
    """What the audit events tell: which kinds changed in which property, and of which libraries there are builds."""

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
    def __init__(self, client: Client, draft: Draft, base: Manifest, scope: Scope, traces: _Traces) -> None:
        self._client, self._draft, self._base, self._scope, self._traces = client, draft, base, scope, traces

    def run(self, tables: Sequence[str]) -> None:
        """Fill every part but the heads and the audit events; again where something was deleted meanwhile."""
        for left in range(_TRIES - 1, -1, -1):
            try:
                self._run(tables)
            except NotFound:
                if not left:
                    raise
            else:
                return

    def _run(self, tables: Sequence[str]) -> None:
        asks: list[Ask] = []
        looks: list[Job] = []
        with self._client.progress("looking for changes") as meter:
            for at, row in enumerate(self._scope.chosen):
                if not _known(self._base, row.id):
                    asks += asks_of(self._draft, self._scope, row, tables, (at,))
                    continue
                for table in self._missing(row.id, tables):
                    if table == "secrets" and row.platform != "edge":
                        Filling(self._draft, table, row.id, self._scope.at).store()
                    else:
                        looks.append(self._look(table, row.id, tables, (at, len(looks)), asks, meter))
            meter.expect(len(looks))
            self._client.pool.run(looks, meter.look)
        read(self._client, asks, "refresh")

    def _missing(self, identifier: str, tables: Sequence[str]) -> list[str]:
        """The lists of a property that no run before has stored, with all that is below them."""
        direct = [name for name in tables if name in DIRECT]
        return [
            name
            for name in direct
            if not all(self._draft.has(each, identifier) for each in (name, *_below(name, tables)))
        ]

    def _look(
        self, table: str, identifier: str, tables: Sequence[str], order: tuple[int, ...], asks: list[Ask], meter: Meter
    ) -> Job:
        """See the resources that changed last, and how many there are; what is to be read then goes to ``asks``."""
        row, path = RESOURCES[table], f"/properties/{identifier}/{table}"
        sort = "-updated_at" if "updated_at" in row.sortable else "created_at"
        params = (("sort", sort), ("page[number]", "1"), ("page[size]", str(PAGE_SIZE)))

        def then(page: Page) -> None:
            meter.done()
            asks.extend(self._part(table, identifier, page, _below(table, tables), order))

        return Job(order, lambda: decoder_of(row)(self._client.fetch(path, params).body, path), then)

    def _part(self, table: str, identifier: str, page: Page, below: Sequence[str], order: tuple[int, ...]) -> list[Ask]:
        filling = Filling(self._draft, table, identifier, self._scope.at)

        def then(now: pd.DataFrame) -> list[Ask]:
            return self._below(table, identifier, below, now, order)

        if page.total_count == len(page.ids) == len(set(page.ids)):
            return then(filling.take(page))
        if not self._same(table, identifier, page) or not self._keep(table, identifier):
            return filling.whole((*order, 0), then)
        if all(self._keep(name, identifier) for name in below):
            return []
        return then(self._base.frame_of(table, identifier))

    def _same(self, table: str, identifier: str, page: Page) -> bool:
        """Whether a long list is as it was, by all that can be seen of it."""
        before, row = self._base.part(table, identifier), RESOURCES[table]
        if before is None or page.total_count != before.rows or not row.revisionable:
            return False
        if any(self._traces.touch(identifier, kind) for kind in (row.singular, *_PUBLISHING)):
            return False
        dates = [moment_of(each) for each in page.dates("updated_at")]
        return all(each is not None and each < self._traces.since for each in dates)

    def _keep(self, table: str, identifier: str) -> bool:
        return self._draft.keep(table, identifier, self._base, at=self._scope.at)

    def _below(
        self, above: str, identifier: str, below: Sequence[str], now: pd.DataFrame, order: tuple[int, ...]
    ) -> list[Ask]:
        """What is listed under these, where they are new or differ from before."""
        asks: list[Ask] = []
        for at, table in enumerate(below):
            changed = self._changed(table, above, identifier, now)
            known = self._base.frame_of(table, identifier)
            column = RESOURCES[table].parent_column(above) or f"{RESOURCES[above].singular}_id"
            kept = known[known[column].isin(set(now["id"]) - changed)]
            if not changed and len(kept) == len(known) and self._keep(table, identifier):
                continue
            filling = Filling(self._draft, table, identifier, self._scope.at, kept)
            asks += filling.under([each for each in now["id"] if each in changed], (*order, 1, at))
        return asks

    def _changed(self, table: str, above: str, identifier: str, now: pd.DataFrame) -> set[str]:
        """Those of ``above`` whose ``table`` can be another than before."""
        there = set(now["id"])
        if not _has_same_columns(self._base, table):
            return there
        before, known = self._base.frame_of(above, identifier), self._base.frame_of(table, identifier)
        found = {*different(before, now)} | there - set(before["id"])
        if table == "builds":  # their libraries can be as they were
            if None in self._traces.libraries and self._traces.touch(identifier, "build"):
                return there
            running = ~(known["status"].isin(_DONE) & known["meta_republish_status"].fillna(_DONE[0]).isin(_DONE))
            found |= {*self._traces.libraries, *known.loc[running, "library_id"]}
        if table == "rule_components":  # one of two rules shows under both when it is revised with the first
            shared = known.loc[known["rule_id"].isin(found), "id"]
            found |= set(known.loc[known["id"].isin(shared), "rule_id"])
        return found & there


def _has_same_columns(base: Manifest, table: str) -> bool:
    """Whether that table was promised with the columns that it has now."""
    return list(base.columns[table].items()) == list(promised([table])[table].items())


def _below(table: str, tables: Sequence[str]) -> list[str]:
    """The tables that are listed under it."""
    return [name for name in tables if THROUGH.get(name) == table]


def _known(base: Manifest, identifier: Any) -> bool:
    return base.part("properties", identifier) is not None


def _library_of(entity: object) -> str | None:
    """The library of the build that an audit event is about."""
    try:
        return str(json.loads(str(entity))["data"]["relationships"]["library"]["data"]["id"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
