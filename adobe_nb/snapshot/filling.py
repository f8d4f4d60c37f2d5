"""Parts of a snapshot, filled from lists of the API and stored when they are whole."""

from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from adobe_nb.api.collection import RowSink, steady
from adobe_nb.api.frames import FrameBuilder
from adobe_nb.api.pages import Page
from adobe_nb.api.reading import Ask
from adobe_nb.resources import RESOURCES
from adobe_nb.snapshot.draft import Draft
from adobe_nb.snapshot.plan import THROUGH, parent_of

Then = Callable[[list[str]], Iterable[Ask]]


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The order of rows in a part: by date of creation, then by id. It does not depend on how they were read."""
    keys = [name for name in ("created_at", "id") if name in frame.columns]
    ordered = frame.sort_values(keys, kind="stable", ignore_index=True)
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
        self._open = 0
        self.frame: pd.DataFrame | None = None
        """What was stored."""

    def whole(self, order: tuple[int, ...], then: Then | None = None) -> list[Ask]:
        """The list of it under its property."""
        return self._asks([self._property or ""], order, then)

    def under(self, parents: Sequence[str], order: tuple[int, ...]) -> list[Ask]:
        """Its lists under these; stored at once when there are none."""
        if not parents:
            self.store()
        return self._asks(parents, order, None)

    def store(self) -> None:
        """Store what there is."""
        frame = self._builder.frame()
        if self._known is not None and len(self._known):
            frame = _joined(self._known, frame)
        self.frame = in_order(frame)
        self._draft.put(self.table, self._property, self.frame, at=self._at)

    def take(self, page: Page) -> None:
        """A page that is all of it, read elsewhere; it is stored."""
        self._builder.add(page, (), self._property)
        self.store()

    def _asks(self, parents: Sequence[str], order: tuple[int, ...], then: Then | None) -> list[Ask]:
        self._open += len(parents)

        def done(ids: list[str]) -> Iterable[Ask]:
            self._open -= 1
            if not self._open:
                self.store()
            return then(ids) if then else ()

        above = THROUGH.get(self.table, "properties")
        return [
            Ask(steady(f"/{above}/{parent}/{self.table}", self._row), self._sink, (*order, at), parent, then=done)
            for at, parent in enumerate(parents)
        ]


def _joined(known: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Rows of both. Columns that only one of them has come last, in sorted order."""
    promised = [name for name in new.columns if name in known.columns]
    others = sorted({*known.columns, *new.columns} - set(promised))
    parts = [
        each.reindex(columns=[*promised, *others]).astype(dict.fromkeys(others, "string")) for each in (known, new)
    ]
    return pd.concat(parts, ignore_index=True)
