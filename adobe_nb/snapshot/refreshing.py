"""The next snapshot from the one before, asking only for what can have changed.

One request looks at each list of a property: up to 100 rows, it is the list. Of a longer one it shows how many there
are and which changed last; with the audit events that tells whether it has to be read. Rule components and builds are
read under those rules and libraries whose row differs in anything.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb.api.jsonapi import PAGE_SIZE, Client, in_parallel
from adobe_nb.api.pages import Page, decoder_of
from adobe_nb.api.reading import Ask, read
from adobe_nb.errors import SnapshotError
from adobe_nb.resources import RESOURCES
from adobe_nb.session import Session
from adobe_nb.snapshot.changes import different
from adobe_nb.snapshot.draft import Draft
from adobe_nb.snapshot.filling import Filling
from adobe_nb.snapshot.manifest import Manifest, moment
from adobe_nb.snapshot.plan import DIRECT, EVENTS, THROUGH, promised
from adobe_nb.snapshot.pulling import Scope, about_of, asks_of, events_since, look_around, put_events, put_heads
from adobe_nb.snapshot.store import Store

_PUBLISHING = {"library", "build"}
"""What moves the marks of revisionable resources (dirty, published) without a trace of their own."""


def refresh(session: Session, folder: str | Path) -> Manifest:
    """The next snapshot of the folder. The docstring of ``snapshot.refresh`` says it all."""
    store = Store(folder)
    base = store.at()
    _check_same(session, base)
    everything, tables = bool(base.about["everything"]), list(base.about["tables"])
    client = session.client
    scope = look_around(client, None if everything else base.about["properties"])
    since = min(moment(part.at) for part in base.parts)
    events = events_since(client, since)
    about = {**about_of(session, scope, tables, everything=everything), "base": base.number}
    with store.begin(about, promised(tables)) as draft:
        put_heads(draft, scope)
        work = _Refresh(client, draft, base, scope, _Traces.of(events, since))
        work.run(tables)
        if EVENTS in tables:
            older = [each for each in scope.chosen if not _known(base, each.id) and each.created_at < since]
            put_events(draft, scope, events_since(client, None) if older else events, base)
        return draft.publish(kind="refresh", missing=list(scope.missing))


def _check_same(session: Session, base: Manifest) -> None:
    mine, theirs = (session.service, session.org_id), (base.about["service"], base.about["organisation"])
    if mine != theirs:
        raise SnapshotError(
            f"The snapshots of {base.folder} are of {theirs[1]} ({theirs[0]}), and you are signed in to {mine[1]} "
            f"({mine[0]}). Sign in there, or pull into another folder."
        )


@dataclass(frozen=True)
class _Traces:
    """What the audit events tell: which kinds changed in which property, and of which libraries there are builds."""

    since: datetime
    kinds: frozenset[tuple[str | None, str]]
    libraries: frozenset[str]

    @classmethod
    def of(cls, events: pd.DataFrame, since: datetime) -> "_Traces":
        kinds = {
            (None if property_id is pd.NA else str(property_id), str(kind).partition(".")[0])
            for property_id, kind in zip(events["property_id"], events["type_of"], strict=True)
        }
        builds = events[events["type_of"].str.startswith("build.").fillna(False)]
        return cls(since, frozenset(kinds), frozenset(filter(None, map(_library_of, builds["entity"]))))

    def touch(self, identifier: str, kind: str) -> bool:
        """Whether something of that kind changed there."""
        return (identifier, kind) in self.kinds or (None, kind) in self.kinds


class _Refresh:
    def __init__(self, client: Client, draft: Draft, base: Manifest, scope: Scope, traces: _Traces) -> None:
        self._client, self._draft, self._base, self._scope, self._traces = client, draft, base, scope, traces

    def run(self, tables: Sequence[str]) -> None:
        """Fill every part but the heads and the audit events."""
        direct = [name for name in tables if name in DIRECT]
        asks: list[Ask] = []
        looks: list[tuple[str, str]] = []
        for at, row in enumerate(self._scope.chosen):
            if not _known(self._base, row.id):
                asks += asks_of(self._draft, self._scope, row, tables, (at,))
                continue
            for table in direct:
                if table == "secrets" and row.platform != "edge":
                    Filling(self._draft, table, row.id, self._scope.at).store()
                else:
                    looks.append((table, row.id))
        pages = in_parallel(self._client, self._look, looks, "looking for changes")
        below = [name for name in tables if name in THROUGH]
        for at, ((table, identifier), page) in enumerate(zip(looks, pages, strict=True)):
            asks += self._part(table, identifier, page, [name for name in below if THROUGH[name] == table], (at,))
        read(self._client, asks, "refresh")

    def _look(self, look: tuple[str, str]) -> Page:
        """The resources that changed last, and how many there are."""
        table, identifier = look
        row, path = RESOURCES[table], f"/properties/{identifier}/{table}"
        order = "-updated_at" if "updated_at" in row.sortable else "created_at"
        paging = (("page[number]", "1"), ("page[size]", str(PAGE_SIZE)))
        return decoder_of(row)(self._client.fetch(path, (("sort", order), *paging)).body, path)

    def _part(
        self, table: str, identifier: str, page: Page, below: Sequence[str], order: tuple[int, ...]
    ) -> Iterable[Ask]:
        if self._draft.has(table, identifier) and all(self._draft.has(name, identifier) for name in below):
            return []  # of a run that was cut off
        filling = Filling(self._draft, table, identifier, self._scope.at)
        if page.total_count == len(page.ids) == len(set(page.ids)):
            filling.take(page)
        elif not self._same(table, identifier, page) or not self._keep(table, identifier):

            def then(_: list[str]) -> list[Ask]:
                return self._below(filling, identifier, below, order)

            return filling.whole((*order, 0), then)
        return self._below(filling, identifier, below, order)

    def _same(self, table: str, identifier: str, page: Page) -> bool:
        """Whether a long list is as it was, by all that can be seen of it."""
        before, row = self._base.part(table, identifier), RESOURCES[table]
        if before is None or page.total_count != before.rows or not row.revisionable:
            return False
        if any(self._traces.touch(identifier, kind) for kind in (row.singular, *_PUBLISHING)):
            return False
        dates = page.dates("updated_at")
        return all(each is not None and moment(each) < self._traces.since for each in dates)

    def _keep(self, table: str, identifier: str) -> bool:
        return self._draft.keep(table, identifier, self._base, at=self._scope.at)

    def _below(self, filling: Filling, identifier: str, below: Sequence[str], order: tuple[int, ...]) -> list[Ask]:
        """What is listed under these, where they are new or differ from before."""
        asks: list[Ask] = []
        for at, name in enumerate(below):
            now = filling.frame
            if now is None:  # kept as it was
                if self._keep(name, identifier):
                    continue
                now = self._base.frame_of(filling.table, identifier)
            asks += self._under(name, filling.table, identifier, now, (*order, 1, at))
        return asks

    def _under(self, table: str, above: str, identifier: str, now: pd.DataFrame, order: tuple[int, ...]) -> list[Ask]:
        known, column = (
            self._base.frame_of(table, identifier),
            RESOURCES[table].parent_column(above) or f"{RESOURCES[above].singular}_id",
        )
        before = self._base.frame_of(above, identifier)
        there = set(before["id"])
        changed = {*different(before, now), *(each for each in now["id"] if each not in there)}
        changed |= self._unsettled(table, known, column)
        changed &= set(now["id"])
        kept = known[known[column].isin(set(now["id"]) - changed)]
        if not changed and len(kept) == len(known) and self._keep(table, identifier):
            return []
        filling = Filling(self._draft, table, identifier, self._scope.at, kept)
        return filling.under([each for each in now["id"] if each in changed], order)

    def _unsettled(self, table: str, known: pd.DataFrame, column: str) -> set[str]:
        """Parents of what can have changed although their own row did not: builds that ran, or are spoken of."""
        if table != "builds":
            return set()
        running = known[~known["status"].isin(["succeeded", "failed"])]
        return {*self._traces.libraries, *running[column]}


def _known(base: Manifest, identifier: Any) -> bool:
    return base.part("properties", identifier) is not None


def _library_of(entity: object) -> str | None:
    """The library of the build that an audit event is about."""
    try:
        return str(json.loads(str(entity))["data"]["relationships"]["library"]["data"]["id"])
    except (KeyError, TypeError, ValueError):
        return None
