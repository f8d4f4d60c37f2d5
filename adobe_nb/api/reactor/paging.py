"""Whole lists, many at once, and the proof that nothing is missing.

The first page of a list says how many there are; the others are asked for together. Lists are ordered by
``created_at``, which never changes, so that a new resource comes last. A list is complete when every page named the
same total, no resource came twice and the number is right, and when nothing was created (or, under a filter, changed)
while several pages were read: one resource less and another one more would leave all numbers as they were.

What changed in between is read again in windows of ``created_at``, each of them one page: one page is one moment, and
a resource stays in its window. The same windows reach what lies too deep for page numbers.

Lists of several pages are read until two readings in a row are the same where there are no totals, and where old
resources can be added (the rules of a library), so that a new one need not be the last.
"""

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from adobe_nb.api.progress import Meter
from adobe_nb.api.reactor.decoding import Page, moment_of, plain_page, shifted, wrong_shape
from adobe_nb.api.reactor.filters import PAST
from adobe_nb.api.reactor.jsonapi import (
    MARGIN,
    MOMENT,
    PAGE_SIZE,
    Answer,
    Client,
    Document,
    Listing,
    Params,
    check_totals,
    horizon,
)
from adobe_nb.errors import Gap, IncompleteResult, NotFound
from adobe_nb.http.workers import Job
from adobe_nb.registry import RESOURCES

_TRIES = 3
_NEAR = 3 * MOMENT
_ROUNDED = timedelta(seconds=1.5)
"""A date may be shown less finely than it is compared."""
_MOST_WINDOWS = 64
_PAGES_AHEAD = 200
"""Pages of one list that are asked for ahead: their number is the service's word only."""
_FIRST_OF_ALL: Params = (("page[number]", "1"), ("page[size]", "1"))


class Sink(Protocol):
    """Where the pages of a list go."""

    def decode(self, body: bytes, listing: Listing) -> Page:
        """The page in these bytes. Raises IncompleteResult."""
        ...

    def add(self, page: Page, order: tuple[int, ...], parent_id: str | None) -> None:
        """Take it; its rows stand where ``order`` says."""
        ...

    def drop(self, order: tuple[int, ...]) -> None:
        """Forget the pages whose order begins so."""
        ...


@dataclass(frozen=True)
class Ask:
    """One list to read: where its pages go, its place among the others, and what its ids lead to."""

    listing: Listing
    sink: Sink
    order: tuple[int, ...] = ()
    parent_id: str | None = None
    then: "Callable[[list[str]], Iterable[Ask]] | None" = None


class Documents:
    """Pages as documents."""

    def __init__(self) -> None:
        self._pages: dict[tuple[int, ...], Sequence[Document]] = {}

    def decode(self, body: bytes, listing: Listing) -> Page:
        """Plain JSON."""
        return plain_page(body, listing.path, listing.type)

    def add(self, page: Page, order: tuple[int, ...], parent_id: str | None) -> None:  # noqa: ARG002
        """Keep it."""
        self._pages[order] = page.documents

    def drop(self, order: tuple[int, ...]) -> None:
        """Forget it."""
        self._pages = {at: page for at, page in self._pages.items() if at[: len(order)] != order}

    def all(self) -> list[Document]:
        """All documents, in order."""
        return [document for _, page in sorted(self._pages.items()) for document in page]


class Nowhere(Documents):
    """Pages of which only the ids count."""

    def add(self, page: Page, order: tuple[int, ...], parent_id: str | None) -> None:
        """Nothing is kept."""


def read(client: Client, asks: Iterable[Ask], label: str) -> None:
    """Read these lists and those that they lead to. Raises IncompleteResult, ApiError, TransportError."""
    with client.progress(label) as meter:
        reader = _Reader(client, meter)
        client.pool.run([job for ask in asks for job in reader.begin(ask)], meter.look)
        if reader.open:
            raise IncompleteResult(f"{reader.open} lists of {label} were not read to their end. Run it again.")


def documents_of(client: Client, listings: Sequence[Listing], label: str) -> list[list[Document]]:
    """Every resource of every list, in the lists' order, proven complete. Raises as ``read`` does."""
    sinks = [Documents() for _ in listings]
    read(client, [Ask(each, sink, (at,)) for at, (each, sink) in enumerate(zip(listings, sinks, strict=True))], label)
    return [sink.all() for sink in sinks]


@dataclass
class _Part:
    """A list, or a window of it, being read."""

    ask: Ask
    whole: "_Whole"
    listing: Listing
    order: tuple[int, ...]
    low: datetime
    high: datetime
    window: bool = False
    below: bool = False
    """Under a parent that was found a moment ago."""
    tries: int = 1
    paged: bool = True
    pages_left: int = 0
    pages: int = 1
    asked: int = 1
    """The last page that was asked for."""
    totals: set[int] = field(default_factory=set)
    hashes: "array[int]" = field(default_factory=lambda: array("q"))
    added: set[int] = field(default_factory=set)
    before: "np.ndarray[Any, Any] | None" = None
    """What the reading before gave."""
    began: datetime | None = None
    """The service's clock at the first page."""
    first: datetime | None = None
    newest: str = ""


@dataclass
class _Whole:
    """What all the windows of a list have in common."""

    seen: set[int] = field(default_factory=set)
    open: int = 0
    vanished: bool = False
    found: list[tuple[tuple[int, ...], Sequence[str]]] = field(default_factory=list)


class _Reader:
    def __init__(self, client: Client, meter: Meter) -> None:
        self._client = client
        self._meter = meter
        self.open = 0
        """Lists that are not done."""

    def begin(self, ask: Ask, *, below: bool = False) -> list[Job]:
        """The first page."""
        self.open += 1
        return self._start(_Part(ask, _Whole(), ask.listing, ask.order, ask.listing.low, ask.listing.high, below=below))

    def _start(self, part: _Part) -> list[Job]:
        part.pages, part.totals, part.hashes, part.began, part.newest = 1, set(), array("q"), None, ""
        part.asked = 1
        part.first = None
        return [self._page(part, 1)]

    def _page(self, part: _Part, number: int) -> Job:
        self._meter.expect(1)
        listing = part.listing
        paging = (("page[number]", str(number)), ("page[size]", str(PAGE_SIZE)))

        def work() -> Answer | None:
            gone: NotFound | None = None
            try:
                return self._client.fetch(listing.path, (*listing.params, *paging))
            except NotFound as error:
                gone = error.with_traceback(None)
            if part.below and _is_gone(self._client, listing.path.rpartition("/")[0]):
                return None
            raise gone

        def then(answer: Answer | None) -> Iterable[Job]:
            if answer is None:
                return self._vanished(part)
            if part.whole.vanished:
                return []
            page = part.ask.sink.decode(answer.body, listing)
            self._meter.done(rows=len(page.ids))
            return self._arrived(part, number, page, answer)

        return Job((*part.order, number), work, then)

    def _arrived(self, part: _Part, number: int, page: Page, answer: Answer) -> Iterable[Job]:
        low, high = shifted(part.low, -_ROUNDED), shifted(part.high, _ROUNDED)
        if part.window and any(not low <= each <= high for each in _moments(page)):
            raise IncompleteResult(
                f"The service did not apply a filter by created_at to {part.listing.path}, without which this list "
                "cannot be read whole. Narrow it with another filter, or run it again later."
            )
        if number == 1:
            check_totals(page, part.listing.path, PAGE_SIZE)
            dates = [each for each in page.dates("created_at") if each]
            part.began = answer.date
            part.first = moment_of(min(dates, default=""))
            if _too_many(part, page):
                return self._in_windows(part, page.total_count or 0)
            part.paged = page.total_pages is not None
            part.pages_left = part.pages = max(page.total_pages or 1, 1)
        self._keep(part, number, page)
        if not part.paged:
            # No totals are reported: on until a page is short, or says again what was said.
            part.pages = number
            repeated = len(part.hashes) > len(page.ids) > 0 and hash(page.ids[0]) in part.hashes[: -len(page.ids)]
            more = len(page.ids) == PAGE_SIZE and not repeated
            return [self._page(part, number + 1)] if more else self._finish(part)
        part.pages_left -= 1
        if not page.ids and number < part.pages and not part.totals:
            raise wrong_shape(part.listing.path, f"announced {part.pages} pages, of which page {number} is empty")
        if not page.ids and number < part.pages:
            # The list has become shorter, or never had so many pages: those behind are not asked for.
            part.pages_left -= part.pages - part.asked
            part.asked = part.pages
        ahead = min(part.pages, number + _PAGES_AHEAD)
        further = [self._page(part, other) for other in range(part.asked + 1, ahead + 1)]
        part.asked = max(part.asked, ahead)
        return further if part.pages_left else self._finish(part)

    def _keep(self, part: _Part, number: int, page: Page) -> None:
        if page.total_count is not None:
            part.totals.add(page.total_count)
        hashes = [hash(each) for each in page.ids]
        part.hashes.extend(hashes)
        part.newest = max(part.newest, *_dates(part, page, "created_at"), "")
        if part.listing.filtered:
            part.newest = max(part.newest, *_dates(part, page, "updated_at"), "")
        if part.window:
            # Windows overlap by a moment: what stands in two of them comes once.
            # And the filter's own bounds are kept to the moment.
            dates = _moments(page)
            extra = {
                at
                for at, each in enumerate(hashes)
                if each in part.whole.seen or not part.listing.low <= dates[at] <= part.listing.high
            }
            new = {each for at, each in enumerate(hashes) if at not in extra}
            part.whole.seen |= new
            part.added |= new
            page = page.without(extra) if extra else page
        order = (*part.order, number)
        if part.ask.then is not None:
            part.whole.found.append((order, page.ids))
        part.ask.sink.add(page, order, part.ask.parent_id)

    def _finish(self, part: _Part) -> Iterable[Job]:
        problem = _problem(part)
        torn = part.pages > 1 and problem is not None
        if problem is None:
            if part.window:
                part.whole.open -= 1
                return [] if part.whole.open else [self._proof(part, 1)]
            if not _may_shift(part) or _as_before(part):
                return self._done(part)
            problem = Gap(part.listing.path, max(part.totals, default=None), len(part.hashes))
            if part.before is None:
                part.tries -= 1  # The first reading is none that failed.
            part.before = np.sort(_numbers(part))
        self._forget(part)
        if torn and problem.announced and part.listing.undated is not None and _width(part) > _NEAR:
            return self._in_windows(part, problem.announced)
        if part.tries < _TRIES:
            part.tries += 1
            return self._start(part)
        raise IncompleteResult(
            f"{problem}, {_TRIES} times. Something is changing it while it is read. Run it again.", gaps=[problem]
        )

    def _forget(self, part: _Part) -> None:
        part.ask.sink.drop(part.order)
        part.whole.seen -= part.added
        part.added = set()
        part.whole.found = [each for each in part.whole.found if each[0][: len(part.order)] != part.order]

    def _in_windows(self, part: _Part, total: int) -> list[Job]:
        """The same, as windows of ``created_at`` that are read one by one."""
        if part.window:
            part.whole.open -= 1
        rows = PAGE_SIZE if not _deep(part, total) else _deepest(part.listing)
        low, high = _bounds(part)
        # None shorter than a moment: the moment where a window begins is its place in the order.
        number = min(max(math.ceil(total / (0.6 * rows)), 2), _MOST_WINDOWS, (high - low) // MOMENT)
        edges = [part.low, *(low + (high - low) * step / number for step in range(1, number)), part.high]
        jobs: list[Job] = []
        for begin, end in pairwise(edges):
            if begin < end:
                jobs += self._start(_window(part, begin, end))
                part.whole.open += 1
        return jobs

    def _proof(self, part: _Part, number: int) -> Job:
        """Windows reach every resource, or there are some without a date: then the totals differ."""
        self._meter.expect(2)
        listing = part.ask.listing
        everything = listing.created(listing.low, listing.high)

        def work() -> list[int | None]:
            asked = (listing.params, everything.params)
            answers = [self._client.fetch(listing.path, (*each, *_FIRST_OF_ALL)) for each in asked]
            return [plain_page(each.body, listing.path, listing.type).total_count for each in answers]

        def then(totals: list[int | None]) -> Iterable[Job]:
            self._meter.done(2)
            if totals[0] == totals[1]:
                return self._done(part)
            if number < _TRIES:
                return [self._proof(part, number + 1)]
            gap = Gap(listing.path, totals[0], totals[1] or 0)
            raise IncompleteResult(
                f"{listing.path} has {totals[0]} resources, of which {totals[1]} can be found by their date. Run it "
                "again, or narrow it with a filter.",
                gaps=[gap],
            )

        return Job(part.order, work, then)

    def _vanished(self, part: _Part) -> Iterable[Job]:
        """Its parent was deleted after it was found: then there is nothing to read. Pages under way say so, too."""
        if part.whole.vanished:
            return []
        part.ask.sink.drop(part.ask.order)
        part.whole.found = []
        part.whole.vanished = True
        return self._done(part)

    def _done(self, part: _Part) -> Iterable[Job]:
        self.open -= 1
        if part.ask.then is None:
            return []
        ids = [each for _, several in sorted(part.whole.found) for each in several]
        return [job for ask in part.ask.then(ids) for job in self.begin(ask, below=True)]


def _problem(part: _Part) -> Gap | None:
    """What speaks against it; None when it is complete."""
    # Most lists are one page, and a set of that costs a tenth of what an array does.
    got = len(part.hashes)
    distinct = len(set(part.hashes)) if part.pages == 1 else _distinct(_numbers(part))
    total = max(part.totals, default=None)
    if distinct != got or (part.totals and part.totals != {got}):
        return Gap(part.listing.path, total, got, got - distinct)
    if part.pages > 1 and part.began is not None and (moment_of(part.newest) or PAST) >= part.began - MARGIN:
        return Gap(part.listing.path, total, got)
    return None


def _distinct(numbers: "np.ndarray[Any, Any]") -> int:
    """How many different ones; np.unique hashes them first, which takes a hundred times as long for a thousand."""
    ordered = np.sort(numbers)
    return len(ordered) and 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))


def _numbers(part: _Part) -> "np.ndarray[Any, Any]":
    return np.frombuffer(part.hashes, dtype=np.int64).copy() if part.hashes else np.empty(0, np.int64)


def _may_shift(part: _Part) -> bool:
    """Whether rows could have moved from page to page, and all that was checked would still be right."""
    if part.pages <= 1:
        return False
    row, places = RESOURCES.get(part.listing.type), part.listing.path.split("/")
    return not part.totals or (len(places) == 4 and (row is None or not row.names_its(places[1])))


def _as_before(part: _Part) -> bool:
    return part.before is not None and np.array_equal(part.before, np.sort(_numbers(part)))


def _is_gone(client: Client, path: str) -> bool:
    """Whether a resource was deleted: some of them can still be fetched by their id."""
    try:
        data = client.get(path).get("data")
    except NotFound as error:
        return error.code == "not-found"
    attributes = data.get("attributes") if isinstance(data, dict) else None
    return isinstance(attributes, dict) and attributes.get("deleted_at") is not None


def _too_many(part: _Part, page: Page) -> bool:
    """Whether page numbers would not reach the end, or a window that should be one page is more."""
    total = page.total_count or 0
    deep = _deep(part, total)
    if part.listing.undated is None or _width(part) <= _NEAR:
        if deep:
            raise part.listing.too_deep(total)
        return False
    return deep or (part.window and (page.total_pages or 1) > 1 and not part.listing.deepest)


def _deep(part: _Part, total: int) -> bool:
    return part.listing.deepest is not None and total > part.listing.deepest * PAGE_SIZE


def _deepest(listing: Listing) -> int:
    return (listing.deepest or 1) * PAGE_SIZE


def _bounds(part: _Part) -> tuple[datetime, datetime]:
    """From when to when its resources probably are."""
    high = min(part.high, shifted(max(moment_of(part.newest) or PAST, part.began or datetime.now(UTC)), MOMENT))
    low = min(max(part.low, part.first or part.low), shifted(high, -MOMENT))
    return low, high


def _width(part: _Part) -> timedelta:
    low, high = _bounds(part)
    return high - low


def _window(part: _Part, low: datetime, high: datetime) -> _Part:
    order = (*part.ask.order, (low - PAST) // MOMENT)
    # A moment more on both sides: nobody says whether the bounds belong to it, nor how dates are rounded.
    listing = part.listing.created(shifted(low, -MOMENT), shifted(high, MOMENT))
    return _Part(part.ask, part.whole, listing, order, low, high, window=True, below=part.below)


def _dates(part: _Part, page: Page, name: str) -> list[str]:
    """The dates of a page that can tell of a change while it is read, as their texts."""
    latest = horizon(part.began or datetime.now(UTC)).isoformat()
    return [each for each in page.dates(name) if each and each < latest]


def _moments(page: Page) -> list[datetime]:
    return [moment_of(each) or PAST for each in page.dates("created_at")]
