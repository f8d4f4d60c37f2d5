"""Parts of a snapshot, filled from lists of the API and stored when they are whole."""

from collections.abc import Iterator, Sequence
from functools import cache

import pandas as pd

from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.collection import Rows
from adobe_nb.api.reactor.frames import FrameBuilder, columns_of
from adobe_nb.api.reactor.paging import read_lists, steady
from adobe_nb.registry import RESOURCES
from adobe_nb.snapshot.draft import Draft
from adobe_nb.snapshot.plan import THROUGH, parent_of


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The order of rows in a part: by date of creation, then by id. It does not depend on how they
    were read.
    """
    # A component of two rules comes twice.
    keys = [name for name in ("created_at", "id", "rule_id") if name in frame.columns]
    ordered = (
        frame.sort_values(keys, kind="stable", ignore_index=True)
        if len(frame) > 1
        else frame.reset_index(drop=True)
    )
    ordered.attrs = {}
    return ordered


class Filling:
    """One part: a table of one property, from one list or from many; with rows that are known
    already.
    """

    def __init__(
        self,
        draft: Draft,
        table: str,
        property: str | None,
        at: str,
        *,
        parents: Sequence[str] | None = None,
        known: pd.DataFrame | None = None,
    ) -> None:
        self.table = table
        self.property = property
        self.rows = Rows(RESOURCES[table], parent_of(table))
        above = THROUGH.get(table, "properties")
        self.listings = [
            steady(f"/{above}/{parent}/{table}", RESOURCES[table], parent)
            for parent in ([property or ""] if parents is None else parents)
        ]
        """Under its property, or under these parents."""
        self.unread = len(self.listings)
        self.received = 0
        self._draft, self._at, self._known = draft, at, known

    def store(self) -> pd.DataFrame:
        """Store what there is. Nothing of it is kept here: there are thousands of parts."""
        # Most lists of most properties are empty.
        frame, known = self.rows.frame() if self.received else _empty(self.table), self._known
        self._known = None
        if known is not None and len(known):
            frame = joined(known, frame, self.table)
        frame = in_order(frame)
        self._draft.put(self.table, self.property, frame, at=self._at)
        return frame


def fill(
    client: Client, fillings: Sequence[Filling], label: str, *, parents_may_vanish: bool = False
) -> Iterator[tuple[Filling, pd.DataFrame]]:
    """Read all lists of these parts; each part is stored as soon as it is whole, and given with its
    rows.
    """
    for filling in fillings:
        if not filling.listings:
            yield filling, filling.store()
    # The filling that each list belongs to.
    owners = [filling for filling in fillings for _ in filling.listings]
    listings = [listing for filling in fillings for listing in filling.listings]
    sinks = [filling.rows for filling in owners]
    for read in read_lists(client, listings, sinks, label, parents_may_vanish=parents_may_vanish):
        filling = owners[read.at]
        filling.unread -= 1
        filling.received += read.rows
        if not filling.unread:
            yield filling, filling.store()


@cache
def _empty(table: str) -> pd.DataFrame:
    return FrameBuilder(RESOURCES[table], parent_of(table)).frame()


def joined(known: pd.DataFrame, new: pd.DataFrame, table: str) -> pd.DataFrame:
    """Rows of both. The columns that are not promised come last, in sorted order; of the known
    ones, those in use.
    """
    promised = list(columns_of(RESOURCES[table], parent_of(table)))
    used = [name for name in known.columns if known[name].notna().any()]
    others = sorted({*used, *new.columns} - set(promised))
    parts = [
        each.reindex(columns=[*promised, *others]).astype(dict.fromkeys(others, "string"))
        for each in (known, new)
    ]
    return pd.concat(parts, ignore_index=True)
