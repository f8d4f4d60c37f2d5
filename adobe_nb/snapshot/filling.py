"""Parts of a snapshot, filled from lists of the API and stored when they are whole."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache

import pandas as pd

from adobe_nb.api.reactor.collection import RowSink, steady
from adobe_nb.api.reactor.decoding import Page
from adobe_nb.api.reactor.frames import FrameBuilder, columns_of
from adobe_nb.api.reactor.paging import Ask
from adobe_nb.registry import RESOURCES
from adobe_nb.snapshot.draft import Draft
from adobe_nb.snapshot.plan import THROUGH, parent_of

Then = Callable[[pd.DataFrame], Iterable[Ask]]
"""What follows when a part is stored."""


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The order of rows in a part: by date of creation, then by id. It does not depend on how they were read."""
    # A component of two rules comes twice.
    keys = [name for name in ("created_at", "id", "rule_id") if name in frame.columns]
    ordered = (
        frame.sort_values(keys, kind="stable", ignore_index=True) if len(frame) > 1 else frame.reset_index(drop=True)
    )
    ordered.attrs = {}
    return ordered


class Filling:
    """One part: a table of one property, from one list or from many; with rows that are known already."""

    def __init__(
        self, draft: Draft, table: str, property: str | None, at: str, known: pd.DataFrame | None = None
    ) -> None:
        self.table = table
        self._draft, self._property, self._at, self._known = draft, property, at, known
        self._row = RESOURCES[table]
        self._builder = FrameBuilder(self._row, parent_of(table))
        self._sink = RowSink(self._row, self._builder)
        self._open = self._rows = 0

    def whole(self, order: tuple[int, ...], then: Then | None = None) -> list[Ask]:
        """The list of it under its property."""
        return self._asks([self._property or ""], order, then)

    def under(self, parents: Sequence[str], order: tuple[int, ...]) -> list[Ask]:
        """Its lists under these; stored at once when there are none."""
        if not parents:
            self.store()
        return self._asks(parents, order, None)

    def store(self) -> pd.DataFrame:
        """Store what there is. Nothing of it is kept here: there are thousands of parts."""
        # Most lists of most properties are empty.
        frame, known = self._builder.frame() if self._rows else _empty(self.table), self._known
        self._known = None
        if known is not None and len(known):
            frame = joined(known, frame, self.table)
        frame = in_order(frame)
        self._draft.put(self.table, self._property, frame, at=self._at)
        return frame

    def take(self, page: Page) -> pd.DataFrame:
        """A page that is all of it, read elsewhere; it is stored."""
        self._builder.add(page, (), self._property)
        self._rows = len(page.ids)
        return self.store()

    def _asks(self, parents: Sequence[str], order: tuple[int, ...], then: Then | None) -> list[Ask]:
        self._open += len(parents)

        def done(ids: list[str]) -> Iterable[Ask]:
            self._open -= 1
            self._rows += len(ids)
            if self._open:
                return ()
            frame = self.store()
            return then(frame) if then else ()

        above = THROUGH.get(self.table, "properties")
        return [
            Ask(steady(f"/{above}/{parent}/{self.table}", self._row), self._sink, (*order, at), parent, then=done)
            for at, parent in enumerate(parents)
        ]


@cache
def _empty(table: str) -> pd.DataFrame:
    return FrameBuilder(RESOURCES[table], parent_of(table)).frame()


def joined(known: pd.DataFrame, new: pd.DataFrame, table: str) -> pd.DataFrame:
    """Rows of both. The columns that are not promised come last, in sorted order; of the known ones, those in use."""
    promised = list(columns_of(RESOURCES[table], parent_of(table)))
    used = [name for name in known.columns if known[name].notna().any()]
    others = sorted({*used, *new.columns} - set(promised))
    parts = [
        each.reindex(columns=[*promised, *others]).astype(dict.fromkeys(others, "string")) for each in (known, new)
    ]
    return pd.concat(parts, ignore_index=True)
