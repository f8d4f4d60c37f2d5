"""The reader of lists: whole lists, the first n, page by page, many at once, each proven to be
complete.

``read_lists`` reads the first page of every list, then all other pages of all lists, and checks
each list when its last page is there. Lists are asked for in the order of ``created_at``, which
never changes, so a new resource comes last. What the proof is, and what it cannot see, is told in
``Completeness``.

A list that changed between its pages is read again in windows of ``created_at``, each of them one
page: a page is one moment, and a resource stays in its window. The same windows reach what lies too
deep for page numbers.
"""

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from adobe_nb.api.progress import Meter
from adobe_nb.api.reactor.client import Answer, Client, Params, in_this_thread
from adobe_nb.api.reactor.dates import moment_of, shifted
from adobe_nb.api.reactor.decoding import Page, plain_page
from adobe_nb.api.reactor.filters import FUTURE, PAST
from adobe_nb.api.reactor.jsonapi import Document, wrong_shape
from adobe_nb.errors import Gap, IncompleteResult, NotFound
from adobe_nb.http.workers import ended, map_unordered
from adobe_nb.registry import RESOURCES, Resource

PAGE_SIZE = 100
# The default order of Adobe's lists is not documented, and pages of an undefined order can overlap.
STEADY_ORDER = ("sort", "created_at")
_MOMENT = timedelta(milliseconds=1)
"""The finest step of a date in the API."""
_MARGIN = timedelta(seconds=2)
"""``Date`` headers tell whole seconds, and not every clock of a service is the same."""
_NEAR = 3 * _MOMENT
_ROUNDED = timedelta(seconds=1.5)
"""A date may be shown less finely than it is compared."""
_ROWS_IN_A_WINDOW = 0.6
"""The part of a page that a window should fill: resources are not spread evenly."""
_MOST_WINDOWS = 64


@dataclass(frozen=True, slots=True)
class Listing:
    """One list to read: its path, and the query that goes with every page."""

    path: str
    type: str
    """Of the resources in it."""
    params: Params = ()
    parent_id: str | None = None
    """For the column of the parent, where the frame has one."""
    undated: Params | None = None
    """The query without ``created_at``; None when the list cannot be filtered by that."""
    low: datetime = PAST
    """The query's bounds of ``created_at``: from here …"""
    high: datetime = FUTURE
    """… to here, both included."""
    filtered: bool = False
    """By something that can change."""
    deepest: int | None = None
    """The last page number that the service answers."""

    tries: ClassVar[int] = 3
    """How often a list that changes is read before it is an error."""

    @property
    def dates(self) -> tuple[str, ...]:
        """The attributes that tell when a resource entered the list."""
        return ("created_at", "updated_at") if self.filtered else ("created_at",)

    def fetch(self, client: Client, number: int, size: int) -> Answer:
        """One page as it comes. Raises ApiError, TransportError."""
        page = (("page[number]", str(number)), ("page[size]", str(size)))
        return client.fetch(self.path, (*self.params, *page))

    def created(self, low: datetime, high: datetime) -> "Listing":
        """The resources of it that were created from here to there."""
        bounds = f"BETWEEN {_written(low)},{_written(high)}"
        return replace(self, params=(("filter[created_at]", bounds), *(self.undated or ())))

    def too_deep(self, total: int | None) -> IncompleteResult:
        """The error where page numbers end before the list does, and dates do not help."""
        reached = (self.deepest or 0) * PAGE_SIZE
        return IncompleteResult(
            f"{self.path} has {total} resources, of which the service gives the first {reached}. "
            "Ask for fewer of them: filter by created_at, as in "
            '"BETWEEN 2026-01-01,2026-02-01".',
            gaps=[Gap(self.path, total, reached)],
        )


def steady(path: str, row: Resource, parent_id: str | None = None) -> Listing:
    """The list at that path, without a filter, in the order that never changes."""
    return Listing(
        path,
        row.type,
        (STEADY_ORDER,),
        parent_id=parent_id,
        undated=(STEADY_ORDER,) if "created_at" in row.filters else None,
        deepest=row.deepest_page,
    )


class Sink(Protocol):
    """Where the pages of a list go as they arrive."""

    def decode(self, body: Any, listing: Any) -> Page:
        """The page in an answer. Raises IncompleteResult."""
        ...

    def add(self, page: Page, place: tuple[int, ...], parent_id: str | None) -> None:
        """Take a page. ``place`` is the number of its list, its window and its number."""
        ...

    def drop(self, place: tuple[int, ...]) -> None:
        """Forget the pages of a list, or of one of its windows: it is read again."""
        ...


class Documents:
    """A sink that keeps the documents of one list."""

    def __init__(self) -> None:
        self._pages: dict[tuple[int, ...], Sequence[Document]] = {}

    def decode(self, body: Any, listing: Any) -> Page:
        """Plain JSON."""
        return plain_page(body, listing.path, listing.type)

    def add(self, page: Page, place: tuple[int, ...], parent_id: str | None) -> None:  # noqa: ARG002
        """Keep it."""
        self._pages[place] = page.documents

    def drop(self, place: tuple[int, ...]) -> None:
        """Forget it."""
        for known in [each for each in self._pages if each[: len(place)] == place]:
            del self._pages[known]

    def all(self) -> list[Document]:
        """All documents, in order."""
        return [document for _, page in sorted(self._pages.items()) for document in page]


class ListRead(NamedTuple):
    """A list that was read: its number among the listings, its rows, and the total that the service
    reported.
    """

    at: int
    rows: int
    total: int | None


def read_documents(
    client: Client, listings: Sequence[Listing], label: str, *, parents_may_vanish: bool = False
) -> list[list[Document]]:
    """Every resource of every list, in the lists' order. Raises as ``read_lists`` does."""
    sinks = [Documents() for _ in listings]
    for _ in read_lists(client, listings, sinks, label, parents_may_vanish=parents_may_vanish):
        pass
    return [sink.all() for sink in sinks]


def read_lists(
    client: Client,
    listings: Sequence[Listing],
    sinks: Sequence[Sink],
    label: str,
    *,
    first: int | None = None,
    at: int = 0,
    parents_may_vanish: bool = False,
) -> Iterator[ListRead]:
    """Read these lists into their sinks; gives each list as soon as it is complete.

    ``first``: only the first n resources of each. ``at``: the number of the first list, where an
    earlier call filled the same sink. ``parents_may_vanish``: the parents were found a moment ago;
    one that was deleted since then has an empty list. Raises IncompleteResult, ApiError,
    TransportError.
    """
    # One by one as they are asked for: there can be tens of thousands.
    readings: Iterable[_Reading] = (
        _Reading(_List(number, listing, sink, first, parents_may_vanish), listing.low, listing.high)
        for number, (listing, sink) in enumerate(zip(listings, sinks, strict=True), at)
    )
    expected = unread = len(listings)
    if len(listings) == 1:
        # Most lists have one page, which needs no other threads.
        reading = next(iter(readings))
        reading.asked = 1
        reading.add(1, in_this_thread(client, partial(_fetch, client), (reading, 1), label))
        readings = _to_read_again(reading) if reading.pages == 1 else [reading]
        if not readings:
            finished = _finished(client, reading)
            if finished is not None:
                yield finished
            return
        expected = sum(reading.pages - reading.arrived for reading in readings)
    with client.progress(label) as meter:
        meter.expect(expected)
        while readings:
            again: list[_Reading] = []
            for reading in _read_pages(client, readings, meter):
                repeated = _to_read_again(reading)
                if repeated:
                    meter.expect(len(repeated))
                    again += repeated
                    continue
                finished = _finished(client, reading)
                if finished is not None:
                    unread -= 1
                    yield finished
            readings = again
    if unread:
        raise IncompleteResult(
            f"{unread} lists of {label} were not read to their end. Run it again."
        )


def _finished(client: Client, reading: "_Reading") -> ListRead | None:
    """The list to which a complete reading belongs; None while other windows of it are being read.
    """
    whole = reading.list
    whole.rows += reading.rows
    whole.unread -= 1
    if whole.unread:
        return None
    if whole.vanished:
        whole.sink.drop((whole.at,))
        whole.rows = 0
    elif whole.in_windows:
        _check_windows(client, whole)
    return ListRead(whole.at, whole.rows, whole.total)


def _read_pages(
    client: Client, readings: Iterable["_Reading"], meter: Meter
) -> Iterator["_Reading"]:
    """Read all pages of these; gives each reading when its last page has arrived."""
    fetch = partial(_fetch, client)
    while readings:
        # First the first page of each, which says how many there are; then all the others. Lists
        # without totals go on page by page.
        pages = ((reading, number) for reading in readings for number in reading.next_pages())
        unfinished: dict[_Reading, None] = {}
        fetched = map_unordered(
            fetch, pages, threads=lambda: client.limiter.ceiling, tick=meter.update
        )
        with ended(fetched) as answers:
            for (reading, number), answer in answers:
                expected = reading.pages
                rows = reading.add(number, answer)
                meter.done(rows=rows)
                meter.expect(reading.pages - expected)
                if reading.arrived == reading.pages:
                    unfinished.pop(reading, None)
                    yield reading
                else:
                    unfinished[reading] = None
        readings = list(unfinished)


def _fetch(client: Client, page: "tuple[_Reading, int]") -> Answer | None:
    """A page; None when the parent was deleted after it was found: then there is nothing to read.
    """
    reading, number = page
    listing = reading.listing
    problem: NotFound | None = None
    try:
        return listing.fetch(client, number, reading.size)
    except NotFound as error:
        problem = error.with_traceback(None)
    if reading.list.parent_may_vanish and _is_gone(client, listing.path.rpartition("/")[0]):
        return None
    raise problem


def _is_gone(client: Client, path: str) -> bool:
    """Whether a resource was deleted: some of them can still be fetched by their id."""
    try:
        data = client.get(path).get("data")
    except NotFound as error:
        return error.code == "not-found"
    attributes = data.get("attributes") if isinstance(data, dict) else None
    return isinstance(attributes, dict) and attributes.get("deleted_at") is not None


@dataclass(eq=False)
class _List:
    """One of the lists that are read, as a whole or in windows."""

    at: int
    listing: Listing
    sink: Sink
    first: int | None
    parent_may_vanish: bool
    vanished: bool = False
    in_windows: bool = False
    unread: int = 1
    """Readings that are not complete: one, or as many as there are windows."""
    seen: set[int] = field(default_factory=set)
    """The ids of all windows, hashed."""
    rows: int = 0
    total: int | None = None


class _Reading:
    """One pass over a list, or over a window of it."""

    def __init__(
        self, whole: _List, low: datetime, high: datetime, *, window: bool = False
    ) -> None:
        self.list = whole
        self.listing = whole.listing
        self.low, self.high = low, high
        self.window = window
        self.place = (whole.at, 0)
        if window:
            # A moment more on both sides: nobody says whether the bounds belong to it, nor how
            # dates are rounded.
            self.listing = whole.listing.created(shifted(low, -_MOMENT), shifted(high, _MOMENT))
            self.place = (whole.at, (low - PAST) // _MOMENT)
        self.size = PAGE_SIZE if whole.first is None else min(PAGE_SIZE, whole.first)
        self.failures = 0
        self.before: np.ndarray[Any, Any] | None = None
        """The ids of the pass before."""
        self.check = Completeness(self.listing)
        self.pages = 1
        """As far as is known."""
        self.asked = self.arrived = self.rows = 0
        self.totals_missing = False
        self.too_long: int | None = None
        """The total, when it has to be read in windows."""
        self.added: set[int] = set()

    def next_pages(self) -> Iterator[int]:
        """The numbers to ask for. Looked up one by one, since a page can show that the list has
        ended.
        """
        while self.asked < self.pages:
            self.asked += 1
            yield self.asked

    def add(self, number: int, answer: Answer | None) -> int:
        """Take a page; gives how many resources it had. Raises IncompleteResult."""
        self.arrived += 1
        if answer is None:
            self.list.vanished = True
            self.pages = self.asked
            return 0
        page = self.list.sink.decode(answer.body, self.listing)
        if self.window:
            self._check_dates(page)
        if number == 1:
            check_totals(page, self.listing.path, self.size)
            self.totals_missing = page.total_pages is None
        repeated = self.totals_missing and bool(page.ids) and self.check.knows(page.ids[0])
        self.check.add(page, answer)
        if number == 1 and page.total_pages != 1 and self._is_too_long(page):
            self.too_long = page.total_count or 0
            return len(page.ids)
        self._count_pages(page, number, repeated=repeated)
        if self.window:
            page = self._own_rows(page)
        self.rows += len(page.ids)
        self.list.sink.add(page, (*self.place, number), self.listing.parent_id)
        return len(page.ids)

    def _count_pages(self, page: Page, number: int, *, repeated: bool) -> None:
        first = self.list.first
        if self.totals_missing:
            # On until a page is short, or repeats what came before.
            is_last = len(page.ids) < self.size or repeated
            is_enough = first is not None and self.check.received >= first
            self.pages = number if is_last or is_enough else number + 1
        elif number == 1:
            needed = page.total_pages or 1
            if first is not None:
                needed = min(needed, -(-first // self.size))
            self.pages = max(needed, 1)
        elif not page.ids and number < self.pages:
            if not self.check.totals:
                raise wrong_shape(
                    self.listing.path,
                    f"announced {self.pages} pages, of which page {number} is empty",
                )
            # The list has become shorter, or never had so many pages: no more of them are asked
            # for.
            self.pages = self.asked

    def _check_dates(self, page: Page) -> None:
        low, high = shifted(self.low, -_ROUNDED), shifted(self.high, _ROUNDED)
        if all(low <= moment <= high for moment in _created(page)):
            return
        raise IncompleteResult(
            f"The service did not apply a filter by created_at to {self.listing.path}, without "
            "which this list cannot be read whole. Narrow it with another filter, or run it again "
            "later."
        )

    def _own_rows(self, page: Page) -> Page:
        """Windows overlap by a moment: a resource of two windows is kept once, within the bounds of
        the filter.
        """
        low, high = self.list.listing.low, self.list.listing.high
        others: set[int] = set()
        own: set[int] = set()
        for at, (identifier, moment) in enumerate(zip(page.ids, _created(page), strict=True)):
            if hash(identifier) in self.list.seen or not low <= moment <= high:
                others.add(at)
            else:
                own.add(hash(identifier))
        self.list.seen |= own
        self.added |= own
        return page.without(others) if others else page

    def _is_too_long(self, page: Page) -> bool:
        """Whether page numbers do not reach the end, or a window that should be one page is more.
        """
        total = page.total_count or 0
        is_deep = self._is_deep(total)
        is_more = self.window and not self.listing.deepest and (page.total_pages or 1) > 1
        if self.list.first is not None or not (is_deep or is_more):
            return False
        if self.listing.undated is not None and self.width > _NEAR:
            return True
        if is_deep:
            raise self.listing.too_deep(total)
        return False

    def _is_deep(self, total: int) -> bool:
        return self.listing.deepest is not None and total > self.listing.deepest * PAGE_SIZE

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """From when to when its resources probably were created."""
        newest = max(self.check.newest or PAST, self.check.began or datetime.now(UTC))
        high = min(self.high, shifted(newest, _MOMENT))
        low = min(max(self.low, self.check.oldest or self.low), shifted(high, -_MOMENT))
        return low, high

    @property
    def width(self) -> timedelta:
        """Of its bounds."""
        low, high = self.bounds
        return high - low

    @property
    def may_shift(self) -> bool:
        """Whether rows can move from page to page, although all checks are right."""
        if not self.check.totals:
            return True
        # Under a parent that it does not name, old resources can be added: the rules of a library.
        row, parts = RESOURCES.get(self.listing.type), self.listing.path.split("/")
        return len(parts) == 4 and (row is None or not row.names_its(parts[1]))

    def is_as_before(self) -> bool:
        """Whether this pass and the one before gave the same."""
        before, self.before = self.before, self.check.sorted_ids()
        return before is not None and np.array_equal(before, self.before)

    def again(self, failures: int) -> "_Reading":
        """Another pass over the same."""
        reading = _Reading(self.list, self.low, self.high, window=self.window)
        reading.failures, reading.before = failures, self.before
        return reading

    def windows(self, total: int) -> list["_Reading"]:
        """The same in windows of ``created_at``, which are read one by one."""
        rows = PAGE_SIZE
        if self._is_deep(total):
            rows *= self.listing.deepest or 1
        low, high = self.bounds
        number = min(max(math.ceil(total / (_ROWS_IN_A_WINDOW * rows)), 2), _MOST_WINDOWS)
        # No window is shorter than a moment: the moment where it begins is its place in the order.
        number = min(number, (high - low) // _MOMENT)
        inner = [low + (high - low) * step / number for step in range(1, number)]
        windows = [
            _Reading(self.list, begin, end, window=True)
            for begin, end in pairwise([self.low, *inner, self.high])
            if begin < end
        ]
        self.list.in_windows = True
        self.list.unread += len(windows) - 1
        return windows


def _to_read_again(reading: _Reading) -> list[_Reading]:
    """What has to be read once more: nothing, the same, or windows instead. Raises
    IncompleteResult.
    """
    whole, check = reading.list, reading.check
    if whole.vanished:
        return []
    if reading.too_long is not None:
        return reading.windows(reading.too_long)
    gap = check.gap(whole.first)
    if gap is not None:
        # What changes between two pages does not change within one: windows are one page each.
        in_windows = reading.pages > 1 and whole.first is None
        return _another_pass(reading, gap, reading.failures + 1, in_windows=in_windows)
    is_first_pass = reading.before is None
    cannot_shift = reading.window or reading.pages == 1 or whole.first is not None
    if cannot_shift or not reading.may_shift or reading.is_as_before():
        whole.total = check.announced
        return []
    # All numbers are right, and rows may have moved from page to page all the same: two passes have
    # to agree. The first pass is not a failure, since there was nothing to compare it with.
    shifted_rows = Gap(reading.listing.path, max(check.totals, default=None), check.received)
    failures = reading.failures if is_first_pass else reading.failures + 1
    return _another_pass(reading, shifted_rows, failures, in_windows=False)


def _another_pass(
    reading: _Reading, gap: Gap, failures: int, *, in_windows: bool
) -> list[_Reading]:
    """Forget what was read, and read it once more. Raises IncompleteResult when it failed too
    often.
    """
    whole, listing = reading.list, reading.listing
    whole.sink.drop(reading.place)
    whole.seen -= reading.added
    if in_windows and gap.announced and listing.undated is not None and reading.width > _NEAR:
        return reading.windows(gap.announced)
    if failures < listing.tries:
        return [reading.again(failures)]
    times = "twice" if listing.tries == 2 else f"{listing.tries} times"
    raise IncompleteResult(
        f"{gap}, {times}. Something is changing it while it is read. Run it again.", gaps=[gap]
    )


def _check_windows(client: Client, whole: _List) -> None:
    """Windows reach every resource that has a date. Raises IncompleteResult when there are others.
    """
    listing = whole.listing
    everything = listing.created(listing.low, listing.high)

    def total_of(part: Listing) -> int | None:
        answer = part.fetch(client, 1, 1)
        return plain_page(answer.body, part.path, part.type).total_count

    for _ in range(listing.tries):
        totals = (total_of(listing), total_of(everything))
        if totals[0] == totals[1]:
            return
    gap = Gap(listing.path, totals[0], totals[1] or 0)
    raise IncompleteResult(
        f"{listing.path} has {totals[0]} resources, of which {totals[1]} can be found by their "
        "date. Run it again, or narrow it with a filter.",
        gaps=[gap],
    )


class Completeness:
    """What was read of a list so far, and whether that is the whole list.

    A list is complete when every page named the same total, no resource came twice and the number
    is right, and when nothing was created (or, under a filter, changed) while several pages were
    read: one resource less and another one more would leave all numbers as they were.

    ``in_order``: the pages come one after the other and are handed on, so that the list cannot be
    read again. Then new resources, which come last, do no harm: the number of older ones must be
    the total of the first page. Ids are compared with those of the page before only, so that memory
    does not grow with the list.
    """

    def __init__(self, listing: Listing, *, in_order: bool = False) -> None:
        self._listing = listing
        self._in_order = in_order
        self._margin = timedelta(0) if in_order else _MARGIN
        self._ids = array("q")
        self.announced: int | None = None
        """The total of the first page."""
        self.totals: set[int] = set()
        self.pages = self.received = self.late = 0
        self.latest_rows = 0
        """Of the page that came last."""
        self.began: datetime | None = None
        """The service's clock at the first page."""
        self.oldest: datetime | None = None
        self.newest: datetime | None = None

    def add(self, page: Page, answer: Answer) -> None:
        """Count the page of an answer."""
        if not self.pages:
            self.announced = page.total_count
        if self.began is None and page.total_pages != 1:  # one page is one moment
            self.began = answer.date
        if self._in_order:
            del self._ids[: -self.latest_rows or len(self._ids)]
        self.latest_rows = len(page.ids)
        self.pages += 1
        self.received += len(page.ids)
        if page.total_count is not None:
            self.totals.add(page.total_count)
        self._ids.extend(map(hash, page.ids))
        if self.began is not None:
            self._add_dates(page, self.began)

    def _add_dates(self, page: Page, began: datetime) -> None:
        # Dates beyond that say nothing about a change: no clock of the service is a day ahead.
        end = shifted(began, timedelta(days=1))
        late_from = began - self._margin
        late: set[int] = set()
        for name in self._listing.dates:
            for row, text in enumerate(page.dates(name)):
                moment = moment_of(text)
                if moment is None or moment >= end:
                    continue
                self.oldest = min(self.oldest or moment, moment)
                self.newest = max(self.newest or moment, moment)
                if moment >= late_from:
                    late.add(row)
        self.late += len(late)

    def knows(self, identifier: str) -> bool:
        """Whether that resource came already."""
        return hash(identifier) in self._ids

    @property
    def repeated(self) -> int:
        """Resources that came a second time."""
        if self.pages == 1 or self._in_order:
            return len(self._ids) - len(set(self._ids))
        # np.unique hashes them first, which takes a hundred times as long for a thousand.
        ids = self.sorted_ids()
        return int(np.count_nonzero(ids[1:] == ids[:-1]))

    def sorted_ids(self) -> "np.ndarray[Any, Any]":
        """The hashes of all ids."""
        return np.sort(np.frombuffer(self._ids, np.int64)) if self._ids else np.empty(0, np.int64)

    def gap(self, first: int | None = None) -> Gap | None:
        """The gap that was found; None when the list is complete. ``first``: only that many were
        requested.
        """
        if self._in_order:
            old = self.received - self.late if self.pages > 1 else self.received
            is_right = self.announced in {None, old}
            return None if is_right else Gap(self._listing.path, self.announced, self.received)
        repeated, total = self.repeated, max(self.totals, default=None)
        gap = Gap(self._listing.path, total, self.received, repeated)
        if repeated or len(self.totals) > 1:
            return gap
        if first is not None:
            is_short = self.received < min(first, total or 0)
            return gap if is_short else None
        if total is not None and total != self.received:
            return gap
        return gap if self.pages > 1 and self.late else None


def check_totals(page: Page, path: str, size: int) -> None:
    """Raise IncompleteResult for totals that contradict the first page: they decide how often the
    service is asked.
    """
    total, pages = page.total_count, page.total_pages
    if total is None:
        return
    if total and not page.ids:
        raise wrong_shape(path, f"announced {total} resources and gave none on its first page")
    rows = len(page.ids) or size
    if pages is not None and pages > max(1, -(-total // rows)):
        raise wrong_shape(
            path,
            f"announced {pages} pages for {total} resources, {len(page.ids)} of them on the first",
        )


def iterate_pages(client: Client, listing: Listing) -> Iterator[Page]:
    """Page after page, one in memory at a time; beyond the deepest page from the date where it
    ends.

    Raises IncompleteResult for a resource that comes twice in neighbouring pages (where a page
    break moves), and when there are not as many as in the beginning, not counting those that were
    created since.
    """
    check = Completeness(listing, in_order=True)
    part, number = listing, 1
    latest: dict[str, datetime] = {}
    while True:
        answer = part.fetch(client, number, PAGE_SIZE)
        page = plain_page(answer.body, listing.path, listing.type)
        if number == 1:
            check_totals(page, listing.path, PAGE_SIZE)
        new = page
        if part is not listing:
            new = page.without({at for at, each in enumerate(page.ids) if each in latest})
        check.add(new, answer)
        if check.repeated:
            raise IncompleteResult(
                f"{listing.path} gave a resource twice while it was read. Run it again."
            )
        yield new
        if _is_last(page, number):
            break
        if not page.ids:
            gap = Gap(listing.path, check.announced, check.received)
            raise IncompleteResult(
                f"{gap}: page {number} of {page.total_pages} is empty. Run it again.", gaps=[gap]
            )
        number += 1
        if listing.deepest is None:
            continue
        latest = _latest(latest, new)
        if number > listing.deepest:
            newest = max(latest.values(), default=None)
            if listing.undated is None or newest is None or part.low == newest:
                raise listing.too_deep(check.announced)
            later = listing.created(shifted(newest, -_MOMENT), listing.high)
            part, number = replace(later, low=newest), 1
    gap_or_none = check.gap()
    if gap_or_none is not None:
        raise IncompleteResult(f"{gap_or_none}. Run it again.", gaps=[gap_or_none])


def _is_last(page: Page, number: int) -> bool:
    if page.total_pages is None:
        return len(page.ids) < PAGE_SIZE
    return number >= page.total_pages


def _latest(before: dict[str, datetime], page: Page) -> dict[str, datetime]:
    """The resources of the last few moments, which the next window gives once more."""
    latest = before.copy()
    for identifier, text in zip(page.ids, page.dates("created_at"), strict=True):
        moment = moment_of(text)
        if moment is not None:
            latest[identifier] = moment
    if not latest:
        return latest
    since = shifted(max(latest.values()), -5 * _MOMENT)
    return {identifier: moment for identifier, moment in latest.items() if moment >= since}


def _created(page: Page) -> list[datetime]:
    return [moment_of(text) or PAST for text in page.dates("created_at")]


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
