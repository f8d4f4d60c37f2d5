"""Read whole lists, the first n resources, or page by page, and prove that nothing is missing.

``read_lists`` reads the first page of every list, then the remaining pages of all lists, and yields
a list when ``Completeness`` finds no gap in it. Lists are requested in the order of ``created_at``,
which never changes, so new resources come last.

A list that changed between two of its pages is read again in windows of ``created_at`` that fit on
one page each: a page is a snapshot of one instant, and a resource never leaves its window. Windows
also reach the resources that lie beyond the last page number that the service serves.
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
from adobe_nb.api.reactor.dates import api_text, shifted
from adobe_nb.api.reactor.decoding import Page, plain_page
from adobe_nb.api.reactor.filters import FUTURE, PAST
from adobe_nb.api.reactor.jsonapi import Document, mapping, wrong_shape
from adobe_nb.errors import Gap, IncompleteResult, NotFound
from adobe_nb.http.workers import ended, map_unordered
from adobe_nb.registry import RESOURCES, Resource

PAGE_SIZE = 100
# Adobe does not document the default order of lists, and pages of an undefined order can overlap.
STEADY_ORDER = ("sort", "created_at")

# The finest step of a date in the API.
_TICK = timedelta(milliseconds=1)
# A window of three ticks is not split again: windows overlap by a tick on either side.
_SHORTEST_SPLIT = 3 * _TICK
# ``Date`` headers have whole seconds, and the clocks of a service's machines differ.
_CLOCK_MARGIN = timedelta(seconds=2)
# The service may return dates with less precision than it compares them with.
_ROUNDING = timedelta(seconds=1.5)
# Plan windows to be 60 % full, since resources are not spread evenly over time.
_WINDOW_FILL = 0.6
_MAX_WINDOWS = 64


@dataclass(frozen=True, slots=True)
class Listing:
    """One list to read: its path, and the query that goes with every page."""

    path: str
    type: str
    """The type of its resources."""
    params: Params = ()
    parent_id: str | None = None
    """The value of the parent column, where the frame has one."""
    undated: Params | None = None
    """The query without ``created_at``; None when the list cannot be filtered by that."""
    low: datetime = PAST
    """The query's lower bound of ``created_at``, included."""
    high: datetime = FUTURE
    """The query's upper bound of ``created_at``, included."""
    dates: tuple[str, ...] = ("created_at",)
    """The attributes that say when a resource entered the list."""
    deepest: int | None = None
    """The last page number that the service serves."""

    tries: ClassVar[int] = 3
    """How often a list that keeps changing is read before it is an error."""

    def fetch(self, client: Client, number: int, size: int) -> Answer:
        """Return one page as it came. Raises ApiError, TransportError."""
        page = (("page[number]", str(number)), ("page[size]", str(size)))
        return client.fetch(self.path, (*self.params, *page))

    def created_between(self, low: datetime, high: datetime) -> "Listing":
        """Return the part of the list that was created between these dates, both included."""
        bounds = f"BETWEEN {api_text(low)},{api_text(high)}"
        return replace(self, params=(("filter[created_at]", bounds), *(self.undated or ())))

    def is_too_long(self, total: int) -> bool:
        """Return whether page numbers end before the list does."""
        return self.deepest is not None and total > self.deepest * PAGE_SIZE

    def too_long(self, total: int | None) -> IncompleteResult:
        """Return the error for a list that neither page numbers nor dates can read whole."""
        served = (self.deepest or 0) * PAGE_SIZE
        return IncompleteResult(
            f"{self.path} has {total} resources, and the service serves only the first {served}. "
            "Request fewer with a filter by created_at, for example "
            '"BETWEEN 2026-01-01,2026-02-01".',
            gaps=[Gap(self.path, total, served)],
        )


def steady(path: str, row: Resource, parent_id: str | None = None) -> Listing:
    """Return the list at that path, without a filter, in the order that never changes."""
    undated = None
    if "created_at" in row.filters:
        undated = (STEADY_ORDER,)
    return Listing(
        path, row.type, (STEADY_ORDER,), parent_id, undated=undated, deepest=row.deepest_page
    )


def steady_under(
    parent: str, parent_ids: Iterable[str], row: Resource, name: str = ""
) -> list[Listing]:
    """Return the list under each parent, which has the name of its type if it has no other."""
    return [steady(f"/{parent}/{id_}/{name or row.type}", row, id_) for id_ in parent_ids]


class Completeness:
    """The completeness check: count the pages of a list and find what is missing.

    A list is complete when

    * every page reports the same total,
    * no resource came twice,
    * the number of resources is that total, and
    * nothing was created (or, under a filter, changed) while several pages were read: one resource
      less and another one more would leave all numbers as they were.

    Old resources that are added to a list are invisible to it: see ``_Reading.may_shift``.
    """

    def __init__(self, listing: Listing, margin: timedelta = _CLOCK_MARGIN) -> None:
        self._listing = listing
        self._margin = margin
        # Hashes, since they take 8 bytes each and ids would take 80.
        self.ids = array("q")
        self.announced: int | None = None
        """The total that the first page reported."""
        self.totals: set[int] = set()
        self.pages = self.received = 0
        self.late = 0
        """Resources that entered the list after its first page was read."""
        self.began: datetime | None = None
        """The service's clock at the first page; None while one page is the whole list."""
        self.oldest: datetime | None = None
        self.newest: datetime | None = None

    def add(self, page: Page, answer: Answer) -> None:
        """Count a page."""
        if not self.pages:
            self.announced = page.total_count
        if self.began is None and page.total_pages != 1:
            self.began = answer.date
        self.pages += 1
        self.received += len(page.ids)
        if page.total_count is not None:
            self.totals.add(page.total_count)
        self.ids.extend(map(hash, page.ids))
        if self.began is not None:
            self._add_dates(page, self.began)

    def _add_dates(self, page: Page, began: datetime) -> None:
        # A date more than a day ahead is wrong data: no clock of the service differs that much.
        end = shifted(began, timedelta(days=1))
        late_rows: set[int] = set()
        for name in self._listing.dates:
            for row, date in enumerate(page.dates(name)):
                if date is None or date >= end:
                    continue
                self.oldest = min(self.oldest or date, date)
                self.newest = max(self.newest or date, date)
                if date >= began - self._margin:
                    late_rows.add(row)
        self.late += len(late_rows)

    @property
    def repeated(self) -> int:
        """The number of resources that came a second time."""
        # np.unique would hash the ids first, which takes a hundred times as long.
        ids = np.sort(np.array(self.ids, np.int64))
        return int(np.count_nonzero(ids[1:] == ids[:-1]))

    def gap(self, first: int | None = None) -> Gap | None:
        """Return what is missing, or None. ``first``: only that many resources were requested."""
        repeated = self.repeated
        total = max(self.totals, default=None)
        if first is not None:
            is_short = self.received < min(first, total or 0)
        else:
            changed = self.pages > 1 and self.late > 0
            is_short = changed or total not in {None, self.received}
        if repeated or len(self.totals) > 1 or is_short:
            return Gap(self._listing.path, total, self.received, repeated)
        return None


class Sink(Protocol):
    """Takes the pages of a list as they arrive."""

    def decode(self, body: Any, listing: Any) -> Page:
        """Return the page in a response. Raises IncompleteResult."""
        ...

    def add(self, page: Page, order: tuple[int, ...], parent_id: str | None) -> None:
        """Take a page. ``order`` is the number of its list, its window and its page number."""
        ...

    def drop(self, order: tuple[int, ...]) -> None:
        """Forget the pages whose order begins like this, because they are read again."""
        ...


class Documents:
    """A sink that keeps the documents of one list."""

    def __init__(self) -> None:
        self._pages: dict[tuple[int, ...], Sequence[Document]] = {}

    def decode(self, body: Any, listing: Any) -> Page:
        """Return the page in a response. Raises IncompleteResult."""
        return plain_page(body, listing.path, listing.type)

    def add(self, page: Page, order: tuple[int, ...], parent_id: str | None) -> None:  # noqa: ARG002
        """Keep the page's documents."""
        self._pages[order] = page.documents

    def drop(self, order: tuple[int, ...]) -> None:
        """Forget the pages whose order begins like this."""
        for key in list(self._pages):
            if key[: len(order)] == order:
                del self._pages[key]

    def all(self) -> list[Document]:
        """Return all documents, in order."""
        documents: list[Document] = []
        for order in sorted(self._pages):
            documents += self._pages[order]
        return documents


class ListRead(NamedTuple):
    """A list that was read: its position among the listings, its rows, and the reported total."""

    at: int
    rows: int
    total: int | None


def read_documents(
    client: Client, listings: Sequence[Listing], label: str, *, parents_may_vanish: bool = False
) -> list[list[Document]]:
    """Return every resource of every list, in the order of the lists. Raises as ``read_lists``."""
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
    """Read these lists into their sinks, and yield each as soon as it is complete.

    ``first``: read only the first n resources of each. ``at``: the position of the first list,
    where an earlier call filled the same sink. ``parents_may_vanish``: the parents were listed just
    now, and the list of one that was deleted since then is empty.

    Raises IncompleteResult, ApiError, TransportError.
    """
    # A generator, since there can be tens of thousands of lists.
    readings: Iterable[_Reading] = (
        _Reading(_List(position, listing, sink, first, parents_may_vanish), listing)
        for position, (listing, sink) in enumerate(zip(listings, sinks, strict=True), at)
    )
    expected = unread = len(listings)
    if len(listings) == 1:
        # Most lists have one page: read it in this thread, without starting others.
        [reading] = readings
        reading.requested = 1
        reading.add(1, in_this_thread(client, partial(_fetch, client), (reading, 1), label))
        expected = reading.pages - 1
        readings = [reading]
        if reading.pages == 1:
            readings = _next_passes(reading)
            expected = len(readings)
            if not readings:
                yield from _finish(client, reading)
                return
    with client.progress(label) as meter:
        meter.expect(expected)
        while readings:
            repeated: list[_Reading] = []
            for reading in _read_pages(client, readings, meter):
                next_passes = _next_passes(reading)
                meter.expect(len(next_passes))
                repeated += next_passes
                if not next_passes:
                    for finished in _finish(client, reading):
                        unread -= 1
                        yield finished
            readings = repeated
    if unread:
        raise IncompleteResult(f"{unread} lists of {label} were not read completely. Run it again.")


def _finish(client: Client, reading: "_Reading") -> Iterator[ListRead]:
    """Yield the list of a complete reading, unless other windows of it are still being read."""
    whole = reading.list
    whole.rows += reading.rows
    whole.unread -= 1
    if whole.unread:
        return
    if whole.vanished:
        whole.sink.drop((whole.at,))
        whole.rows = 0
    elif reading.window:
        _check_windows(client, whole.listing)
    yield ListRead(whole.at, whole.rows, whole.total)


def _read_pages(
    client: Client, readings: Iterable["_Reading"], meter: Meter
) -> Iterator["_Reading"]:
    """Read all pages of these, and yield each reading when its last page has arrived."""
    while readings:
        # The first round reads first pages, which say how many pages there are. The second round
        # reads the others; lists without totals need one round for each page.
        requests = ((reading, number) for reading in readings for number in reading.next_pages())
        unfinished: dict[_Reading, None] = {}
        fetched = map_unordered(
            partial(_fetch, client),
            requests,
            threads=lambda: client.limiter.ceiling,
            tick=meter.update,
        )
        with ended(fetched) as responses:
            for (reading, number), answer in responses:
                expected = reading.pages
                meter.done(rows=reading.add(number, answer))
                meter.expect(reading.pages - expected)
                if reading.arrived == reading.pages:
                    unfinished.pop(reading, None)
                    yield reading
                else:
                    unfinished[reading] = None
        readings = list(unfinished)


def _fetch(client: Client, request: "tuple[_Reading, int]") -> Answer | None:
    """Return a page, or None when the parent was deleted after it was listed."""
    reading, number = request
    listing = reading.listing
    try:
        return listing.fetch(client, number, reading.size)
    except NotFound:
        parent = listing.path.rpartition("/")[0]
        if not reading.list.parent_may_vanish or not _is_deleted(client, parent):
            raise
    return None


def _is_deleted(client: Client, path: str) -> bool:
    try:
        data = client.get(path).get("data")
    except NotFound as error:
        return error.code == "not-found"
    # Resources of some types can still be fetched by their id when they are deleted.
    return mapping(mapping(data).get("attributes")).get("deleted_at") is not None


@dataclass(eq=False)
class _List:
    """A list that is being read, in one piece or in windows."""

    at: int
    listing: Listing
    sink: Sink
    first: int | None
    parent_may_vanish: bool
    vanished: bool = False
    unread: int = 1
    """The number of readings that are not complete: one, or as many as there are windows."""
    ids_in_windows: set[str] = field(default_factory=set)
    rows: int = 0
    total: int | None = None


class _Reading:
    """One pass over a list, or over a window of it."""

    def __init__(
        self, whole: _List, listing: Listing, window: tuple[datetime, datetime] | None = None
    ) -> None:
        self.list = whole
        self.listing = listing
        self.window = window
        self.low, self.high = window or (listing.low, listing.high)
        # The place of its pages among those of other lists and windows.
        self.order = (whole.at, 0)
        if window:
            self.order = (whole.at, (self.low - PAST) // _TICK)
        self.size = min(PAGE_SIZE, whole.first or PAGE_SIZE)
        self.check = Completeness(listing)
        self.failures = 0
        self.previous_ids: list[int] | None = None
        """The ids of the pass before, hashed and sorted."""
        self.pages = 1
        """The number of pages, as far as is known."""
        self.requested = self.arrived = self.rows = 0
        self.totals_missing = False
        self.must_split = False
        self.own_ids: set[str] = set()

    def next_pages(self) -> Iterator[int]:
        """Yield the page numbers to request, as long as no response shows that the list ended."""
        while self.requested < self.pages:
            self.requested += 1
            yield self.requested

    def add(self, number: int, answer: Answer | None) -> int:
        """Take a page, and return its number of resources. Raises IncompleteResult."""
        self.arrived += 1
        if answer is None:
            self.list.vanished = True
            self.pages = self.requested
            return 0
        page = self.list.sink.decode(answer.body, self.listing)
        if self.window:
            self._check_dates(page)
        if number == 1:
            check_totals(page, self.listing.path, self.size)
            self.totals_missing = page.total_pages is None
        self.check.add(page, answer)
        if number == 1 and page.total_pages != 1 and self._must_split(page):
            self.must_split = True
        else:
            self._update_page_count(page, number)
        if self.window:
            page = self._own_rows(page)
        self.rows += len(page.ids)
        self.list.sink.add(page, (*self.order, number), self.listing.parent_id)
        return len(page.ids)

    def _update_page_count(self, page: Page, number: int) -> None:
        first = self.list.first
        if self.totals_missing:
            self.pages = number
            if not self._is_last(page):
                self.pages += 1
        elif number == 1:
            self.pages = page.total_pages or 1
            if first is not None:
                self.pages = min(self.pages, math.ceil(first / self.size))
        elif not page.ids and number < self.pages:
            if not self.check.totals:
                raise wrong_shape(
                    self.listing.path,
                    f"announced {self.pages} pages, but page {number} is empty",
                )
            # The list has become shorter, or never had that many pages: request no more of them.
            self.pages = self.requested

    def _is_last(self, page: Page) -> bool:
        """Return whether a list without totals ends with this page."""
        first = self.list.first
        if first is not None and self.check.received >= first:
            return True
        # A service that ignores page numbers repeats the first page forever.
        return len(page.ids) < self.size or self.check.repeated > 0

    def _check_dates(self, page: Page) -> None:
        # Without this check an ignored filter would make windows of windows without end.
        low, high = shifted(self.low, -_ROUNDING), shifted(self.high, _ROUNDING)
        for date in page.dates("created_at"):
            if not low <= (date or PAST) <= high:
                raise IncompleteResult(
                    f"The service ignored a filter by created_at on {self.listing.path}, which "
                    "reading this list completely requires. Narrow it with another filter, or try "
                    "again later."
                )

    def _own_rows(self, page: Page) -> Page:
        """Leave out resources that another window has, or that the user's filter excludes."""
        whole, others = self.list, set()
        dates = page.dates("created_at")
        for row, (identifier, date) in enumerate(zip(page.ids, dates, strict=True)):
            is_requested = whole.listing.low <= (date or PAST) <= whole.listing.high
            if is_requested and identifier not in whole.ids_in_windows:
                whole.ids_in_windows.add(identifier)
                self.own_ids.add(identifier)
            else:
                others.add(row)
        return page.without(others)

    def _must_split(self, page: Page) -> bool:
        """Return whether page numbers end too early, or a window has more than one page."""
        if self.list.first is not None:
            return False
        total = page.total_count or 0
        is_too_long = self.listing.is_too_long(total)
        # Windows of lists with a deepest page may have as many pages as the service serves.
        is_full = self.window is not None and not self.listing.deepest and page.total_pages
        if (is_too_long or is_full) and self.can_split:
            return True
        if is_too_long:
            raise self.listing.too_long(total)
        return False

    @property
    def span(self) -> tuple[datetime, datetime]:
        """From when to when its resources were created, as far as its pages show."""
        newest = max(self.check.newest or PAST, self.check.began or datetime.now(UTC))
        high = min(self.high, shifted(newest, _TICK))
        low = min(max(self.low, self.check.oldest or self.low), shifted(high, -_TICK))
        return low, high

    @property
    def can_split(self) -> bool:
        """Whether it can be read in shorter windows."""
        if self.listing.undated is None or self.list.first is not None:
            return False
        low, high = self.span
        return high - low > _SHORTEST_SPLIT

    @property
    def may_shift(self) -> bool:
        """Whether rows can move from page to page although all numbers are right."""
        if self.window or self.list.first is not None:
            return False
        if not self.check.totals:
            return True
        # Old resources can enter the list of a parent that they do not name, such as the rules of
        # a library.
        row = RESOURCES.get(self.listing.type)
        parts = self.listing.path.split("/")
        return len(parts) == 4 and (row is None or not row.names_its(parts[1]))

    def _forget(self) -> None:
        self.list.sink.drop(self.order)
        self.list.ids_in_windows -= self.own_ids

    def again(self, failures: int) -> "_Reading":
        """Return another pass over the same resources."""
        self._forget()
        reading = _Reading(self.list, self.listing, self.window)
        reading.failures, reading.previous_ids = failures, self.previous_ids
        return reading

    def windows(self, total: int) -> list["_Reading"]:
        """Return readings of windows of ``created_at`` that cover the same resources."""
        self._forget()
        size = PAGE_SIZE
        if self.listing.is_too_long(total):
            size *= self.listing.deepest or 1
        low, high = self.span
        count = min(max(math.ceil(total / (_WINDOW_FILL * size)), 2), _MAX_WINDOWS)
        # No window is shorter than a tick, because the tick where it begins is its order.
        count = min(count, (high - low) // _TICK)
        inner = [low + (high - low) * step / count for step in range(1, count)]
        windows: list[_Reading] = []
        for begin, end in pairwise([self.low, *inner, self.high]):
            if begin < end:
                # A tick more on both sides: Adobe documents neither whether BETWEEN includes its
                # bounds nor how dates are rounded.
                listing = self.list.listing.created_between(
                    shifted(begin, -_TICK), shifted(end, _TICK)
                )
                windows.append(_Reading(self.list, listing, (begin, end)))
        self.list.unread += len(windows) - 1
        return windows


def _next_passes(reading: _Reading) -> list[_Reading]:
    """Return what has to be read once more: nothing, the same, or windows of it.

    Raises IncompleteResult when it was read often enough.
    """
    whole, check = reading.list, reading.check
    if whole.vanished:
        return []
    if reading.must_split:
        return reading.windows(check.announced or 0)
    gap = check.gap(whole.first)
    if gap is not None:
        # A list that changes between its pages does not change within one.
        if reading.pages > 1 and gap.announced and reading.can_split:
            return reading.windows(gap.announced)
        return _retry(reading, gap)
    whole.total = check.announced
    if reading.pages > 1 and reading.may_shift:
        return _compare_passes(reading)
    return []


def _compare_passes(reading: _Reading) -> list[_Reading]:
    """Return another pass, unless this one and the one before gave the same resources."""
    check, before = reading.check, reading.previous_ids
    reading.previous_ids = sorted(check.ids)
    if before is None:
        return [reading.again(reading.failures)]
    if before != reading.previous_ids:
        total = max(check.totals, default=None)
        return _retry(reading, Gap(reading.listing.path, total, check.received))
    return []


def _retry(reading: _Reading, gap: Gap) -> list[_Reading]:
    tries, failures = reading.listing.tries, reading.failures + 1
    if failures < tries:
        return [reading.again(failures)]
    raise IncompleteResult(
        f"{gap}, in {tries} attempts. Something is changing it while it is read. Run it again.",
        gaps=[gap],
    )


def _check_windows(client: Client, listing: Listing) -> None:
    """Raise IncompleteResult for a list with resources that no window contains: undated ones."""
    everything = listing.created_between(listing.low, listing.high)
    for _ in range(listing.tries):
        total, dated = _total_of(client, listing), _total_of(client, everything)
        if total == dated:
            return
    raise IncompleteResult(
        f"{listing.path} has {total} resources, but only {dated} can be found by their creation "
        "date. Run it again, or narrow it with a filter.",
        gaps=[Gap(listing.path, total, dated or 0)],
    )


def _total_of(client: Client, listing: Listing) -> int | None:
    answer = listing.fetch(client, 1, 1)
    return plain_page(answer.body, listing.path, listing.type).total_count


def check_totals(page: Page, path: str, size: int) -> None:
    """Raise IncompleteResult for a first page whose totals contradict its rows.

    The totals decide how many requests are sent.
    """
    total, pages = page.total_count, page.total_pages
    if total is None:
        return
    if total and not page.ids:
        raise wrong_shape(path, f"announced {total} resources, but its first page is empty")
    rows = len(page.ids) or size
    if pages is not None and pages > max(1, math.ceil(total / rows)):
        raise wrong_shape(
            path,
            f"announced {pages} pages for {total} resources, with {len(page.ids)} on the first",
        )


def iterate_pages(client: Client, listing: Listing) -> Iterator[Page]:
    """Yield page after page, one in memory at a time.

    Raises IncompleteResult for a resource that comes twice in neighboring pages, as it does when
    pages shift, and at the end unless there were as many resources as in the beginning, not
    counting those that were created since.
    """
    # No margin: what was created since the first page is subtracted, so it has to be exact.
    check = Completeness(listing, margin=timedelta(0))
    previous_ids: set[str] = set()
    for page, answer in _pages_in_order(client, listing, check):
        ids = set(page.ids)
        if len(ids) < len(page.ids) or ids & previous_ids:
            raise IncompleteResult(
                f"{listing.path} gave a resource twice while it was read. Run it again."
            )
        previous_ids = ids
        check.add(page, answer)
        yield page
    # New resources come last, so they shift nothing and can be left out of the count.
    expected = check.received
    if check.pages > 1:
        expected -= check.late
    if check.announced not in {None, expected}:
        gap = Gap(listing.path, check.announced, check.received)
        raise IncompleteResult(f"{gap}. Run it again.", gaps=[gap])


def _pages_in_order(
    client: Client, listing: Listing, check: Completeness
) -> Iterator[tuple[Page, Answer]]:
    """Yield page after page; beyond the deepest page, go on from the newest date."""
    part, number = listing, 1
    newest: dict[str, datetime] = {}
    while True:
        answer = part.fetch(client, number, PAGE_SIZE)
        page = plain_page(answer.body, listing.path, listing.type)
        if number == 1:
            check_totals(page, listing.path, PAGE_SIZE)
        # A part begins with resources that the one before ended with.
        repeated = set()
        if part is not listing:
            repeated = {row for row, identifier in enumerate(page.ids) if identifier in newest}
        yield page.without(repeated), answer
        if _is_last(page, number):
            return
        if not page.ids:
            gap = Gap(listing.path, check.announced, check.received)
            raise IncompleteResult(
                f"{gap}: page {number} of {page.total_pages} is empty. Run it again.", gaps=[gap]
            )
        number += 1
        if listing.deepest is None:
            continue
        newest = _newest(newest, page)
        if number > listing.deepest:
            part, number = _next_part(part, listing, newest, check), 1


def _is_last(page: Page, number: int) -> bool:
    if page.total_pages is None:
        return len(page.ids) < PAGE_SIZE
    return number >= page.total_pages


def _next_part(
    part: Listing, listing: Listing, newest: dict[str, datetime], check: Completeness
) -> Listing:
    """Return the rest of a list from the newest date on. Raises IncompleteResult."""
    low = max(newest.values(), default=None)
    if listing.undated is None or low is None or part.low == low:
        raise listing.too_long(check.announced)
    return replace(listing.created_between(shifted(low, -_TICK), listing.high), low=low)


def _newest(before: dict[str, datetime], page: Page) -> dict[str, datetime]:
    """Return the resources of the last five ticks, which the next part contains once more."""
    dates = before | dict(zip(page.ids, page.dates("created_at"), strict=True))
    since = shifted(max(filter(None, dates.values()), default=PAST), -5 * _TICK)
    return {identifier: date for identifier, date in dates.items() if date and date >= since}
