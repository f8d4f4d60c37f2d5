"""Read the parts of a snapshot from lists of the API, and store each when it is complete."""

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any

import pandas as pd

from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.collection import Rows
from adobe_nb.api.reactor.decoding import Page
from adobe_nb.api.reactor.frames import FrameBuilder
from adobe_nb.api.reactor.paging import Listing, read_lists, steady_under
from adobe_nb.registry import Resource
from adobe_nb.snapshot.draft import Draft
from adobe_nb.snapshot.plan import PLAN

PARENT_COLUMNS = ("rule_id", "library_id", "build_id")
"""The columns of the resources under which rows are listed more than once."""


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in the order of a part, which does not depend on how they were read."""
    # A component of two rules comes twice, so the rule decides; likewise what libraries hold.
    keys = [name for name in ("created_at", "id", *PARENT_COLUMNS) if name in frame]
    # Most frames are empty or have one row, and sorting thousands of them takes seconds.
    if len(frame) > 1:
        frame = frame.sort_values(keys, kind="stable")
    frame = frame.reset_index(drop=True)
    frame.attrs = {}
    return frame


class _Responses(Rows):
    """Builds a frame from pages, and knows whether it came from the same responses as another.

    Equal responses make equal rows, as long as they are decoded in the same way: a version that
    decodes them differently requires a new format of snapshots.
    """

    def __init__(self, row: Resource, parent: str | None) -> None:
        super().__init__(row, parent)
        self._digests: dict[str, bytes] = {}
        self._is_repeated = False

    def decode(self, body: Any, listing: Any) -> Page:
        """Decode a page. Raises IncompleteResult."""
        # A list of several pages, or one that was read again, is not worth the comparison.
        self._is_repeated |= listing.path in self._digests
        self._digests[listing.path] = blake2b(body).digest()
        return super().decode(body, listing)

    def drop(self, order: tuple[int, ...]) -> None:
        """Forget the pages whose order begins like this, if there are any."""
        self._is_repeated = True
        super().drop(order)

    def digest(self) -> str:
        """Return the digest of all responses; empty when a list had more than one."""
        if self._is_repeated:
            return ""
        return digest_of(sorted(self._digests.items()))


class PartReader:
    """A part that is being read: a table of one property, from one list or many.

    ``parents`` are the resources under which its lists are.
    ``unchanged`` are rows of the last snapshot that belong to other parents.
    """

    def __init__(
        self,
        draft: Draft,
        table: str,
        property: str,
        at: str,
        parents: Iterable[str],
        *,
        unchanged: pd.DataFrame | None = None,
    ) -> None:
        self.table, self.property = table, property
        plan = PLAN[table]
        self.rows = _Responses(plan.row, plan.parent)
        self.listings = steady_under(plan.parent or "", parents, plan.row)
        self.unread = len(self.listings)
        self.received = 0
        self._draft, self._at, self._unchanged = draft, at, unchanged

    def store(self) -> None:
        """Store the part."""
        digest = ""
        if self._unchanged is None or self._unchanged.empty:
            digest = self.rows.digest()
        if self._draft.keep_same(self.table, self.property, digest, at=self._at):
            self.rows.drop(())
            return
        # Most lists of most properties are empty.
        frame = no_rows(self.table)
        if self.received:
            frame = self.rows.frame()
        if self._unchanged is not None and len(self._unchanged):
            frame = joined(self._unchanged, frame, self.table)
        # There are thousands of parts: the rows must not stay in memory.
        self._unchanged = None
        self._draft.put(self.table, self.property, in_order(frame), at=self._at, digest=digest)


def read_parts(
    client: Client, parts: Sequence[PartReader], label: str, *, parents_may_vanish: bool = False
) -> None:
    """Read all lists of these parts, and store each part when its last list is complete."""
    parts_of_lists: list[PartReader] = []
    listings: list[Listing] = []
    sinks: list[Rows] = []
    for part in parts:
        lists = len(part.listings)
        parts_of_lists += [part] * lists
        listings += part.listings
        sinks += [part.rows] * lists
        if not part.listings:
            part.store()
    for read in read_lists(client, listings, sinks, label, parents_may_vanish=parents_may_vanish):
        part = parts_of_lists[read.at]
        part.unread -= 1
        part.received += read.rows
        if not part.unread:
            part.store()


def digest_of(values: object) -> str:
    """Return the digest of values whose text tells them apart."""
    return blake2b(repr(values).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def no_rows(table: str) -> pd.DataFrame:
    """Return the table without rows."""
    # A copy, because pandas remembers every column that is taken from a frame, and this one would
    # live as long as the process.
    return _empty(table).copy()


@cache
def _empty(table: str) -> pd.DataFrame:
    return FrameBuilder(PLAN[table].row, PLAN[table].parent).frame()


def joined(stored: pd.DataFrame, new: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return the rows of both frames.

    Columns that are not promised come last, in sorted order; those of ``stored`` only while used.
    """
    promised = list(PLAN[table].columns)
    used = stored.columns[stored.notna().any()]
    others = sorted({*used, *new}.difference(promised))
    texts = dict.fromkeys(others, "string")
    columns = [*promised, *others]
    stored = stored.reindex(columns=columns).astype(texts)
    new = new.reindex(columns=columns).astype(texts)
    return pd.concat([stored, new], ignore_index=True)
