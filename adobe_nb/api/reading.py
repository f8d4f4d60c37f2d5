"""Whole lists, many at once, and the proof that nothing is missing.

The first page of a list says how many there are; the others are asked for together. Lists are ordered by
``created_at``, which never changes, so that a new resource comes last. A list is complete when every page named the
same total, no resource came twice and the number is right, and when nothing was created (or, under a filter, changed)
while several pages were read: one resource less and another one more would leave all numbers as they were.

What changed in between is read again in windows of ``created_at``, each of them one page: one page is one moment, and
a resource stays in its window. The same windows reach what lies too deep for page numbers.
"""

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Protocol

import numpy as np

from adobe_nb.api.filters import PAST
from adobe_nb.api.jsonapi import PAGE_SIZE, Answer, Client, Document, Listing, Params
from adobe_nb.api.pages import Page, plain_page
from adobe_nb.api.progress import Meter
from adobe_nb.crew import Job
from adobe_nb.errors import Gap, IncompleteResult

_TRIES = 3
_MOMENT = timedelta(milliseconds=1)
"""The finest step of a date in the API."""
_NEAR = 3 * _MOMENT
_MARGIN = timedelta(seconds=2)
"""``Date`` headers tell whole seconds."""
_MOST_WINDOWS = 64
_CREATED = "filter[created_at]"
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
        client.crew.run([job for ask in asks for job in reader.begin(ask)], meter.look)


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
    tries: int = 1
    pages_left: int = 0
    pages: int = 1
    totals: set[int] = field(default_factory=set)
    hashes: "array[int]" = field(default_factory=lambda: array("q"))
    added: set[int] = field(default_factory=set)
    began: datetime | None = None
    """The service's clock at the first page."""
    first: datetime | None = None
    newest: str = ""


@dataclass
class _Whole:
    """What all the windows of a list have in common."""

    seen: set[int] = field(default_factory=set)
    open: int = 0
    found: list[tuple[tuple[int, ...], Sequence[str]]] = field(default_factory=list)


class _Reader:
    def __init__(self, client: Client, meter: Meter) -> None:
        self._client = client
        self._meter = meter

    def begin(self, ask: Ask) -> list[Job]:
        """The first page."""
        return self._start(_Part(ask, _Whole(), ask.listing, ask.order, ask.listing.low, ask.listing.high))

    def _start(self, part: _Part) -> list[Job]:
        part.pages, part.totals, part.hashes, part.began, part.newest = 1, set(), array("q"), None, ""
        return [self._page(part, 1)]

    def _page(self, part: _Part, number: int) -> Job:
        self._meter.expect(1)
        listing = part.listing
        paging = (("page[number]", str(number)), ("page[size]", str(PAGE_SIZE)))

        def work() -> Answer:
            return self._client.fetch(listing.path, (*listing.params, *paging))

        def then(answer: Answer) -> Iterable[Job]:
            page = part.ask.sink.decode(answer.body, listing)
            self._meter.done(rows=len(page.ids))
            return self._arrived(part, number, page, answer)

        return Job((*part.order, number), work, then)

    def _arrived(self, part: _Part, number: int, page: Page, answer: Answer) -> Iterable[Job]:
        if part.window and any(not part.low - _NEAR <= each <= part.high + _NEAR for each in _moments(page)):
            raise IncompleteResult(
                f"The service did not apply a filter by created_at to {part.listing.path}, without which this list "
                "cannot be read whole. Narrow it with another filter, or run it again later."
            )
        if number == 1:
            part.began = answer.date
            part.first = _moment(min((each for each in page.dates("created_at") if each), default=""))
            total = page.total_count
            if part.listing.undated is not None and _too_many(part, page):
                return self._in_windows(part, total or 0)
        self._keep(part, number, page)
        if page.total_pages is None:
            # No totals are reported: on until a page is short, or says again what was said.
            repeated = len(part.hashes) > len(page.ids) > 0 and hash(page.ids[0]) in part.hashes[: -len(page.ids)]
            more = len(page.ids) == PAGE_SIZE and not repeated
            return [self._page(part, number + 1)] if more else self._finish(part)
        if number == 1:
            part.pages_left = part.pages = max(page.total_pages, 1)
        part.pages_left -= 1
        if number == 1 and part.pages > 1:
            return [self._page(part, other) for other in range(2, part.pages + 1)]
        return [] if part.pages_left else self._finish(part)

    def _keep(self, part: _Part, number: int, page: Page) -> None:
        if page.total_count is not None:
            part.totals.add(page.total_count)
        hashes = [hash(each) for each in page.ids]
        part.hashes.extend(hashes)
        part.newest = max(part.newest, *(each for each in page.dates("created_at") if each), "")
        if part.listing.filtered:
            part.newest = max(part.newest, *(each for each in page.dates("updated_at") if each), "")
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
        if problem is None:
            if part.window:
                part.whole.open -= 1
                return [] if part.whole.open else [self._proof(part, 1)]
            return self._done(part)
        self._forget(part)
        torn = part.pages > 1 and problem.announced
        if torn and part.listing.undated is not None and _width(part) > _NEAR:
            return self._in_windows(part, torn)
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
        number = min(max(math.ceil(total / (0.6 * rows)), 2), _MOST_WINDOWS)
        low, high = _bounds(part)
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
        everything = _between(listing, listing.low, listing.high)

        def work() -> list[int | None]:
            asked = (listing.params, everything)
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

    def _done(self, part: _Part) -> Iterable[Job]:
        if part.ask.then is None:
            return []
        ids = [each for _, several in sorted(part.whole.found) for each in several]
        return [job for ask in part.ask.then(ids) for job in self.begin(ask)]


def _problem(part: _Part) -> Gap | None:
    """What speaks against it; None when it is complete."""
    numbers = np.frombuffer(part.hashes, dtype=np.int64) if part.hashes else np.empty(0, np.int64)
    got, distinct = len(numbers), len(np.unique(numbers))
    total = max(part.totals, default=None)
    if distinct != got or (part.totals and part.totals != {got}):
        return Gap(part.listing.path, total, got, got - distinct)
    if part.pages > 1 and part.began is not None and (_moment(part.newest) or PAST) >= part.began - _MARGIN:
        return Gap(part.listing.path, total, got)
    return None


def _too_many(part: _Part, page: Page) -> bool:
    """Whether page numbers would not reach the end, or a window that should be one page is more."""
    total = page.total_count or 0
    if _width(part) <= _NEAR:
        return False
    return _deep(part, total) or (part.window and (page.total_pages or 1) > 1 and not part.listing.deepest)


def _deep(part: _Part, total: int) -> bool:
    return part.listing.deepest is not None and total > part.listing.deepest * PAGE_SIZE


def _deepest(listing: Listing) -> int:
    return (listing.deepest or 1) * PAGE_SIZE


def _bounds(part: _Part) -> tuple[datetime, datetime]:
    """From when to when its resources probably are."""
    high = min(part.high, max(_moment(part.newest) or PAST, part.began or datetime.now(UTC)) + _MOMENT)
    low = min(max(part.low, part.first or part.low), high - _MOMENT)
    return low, high


def _width(part: _Part) -> timedelta:
    low, high = _bounds(part)
    return high - low


def _window(part: _Part, low: datetime, high: datetime) -> _Part:
    order = (*part.ask.order, int((low - PAST) / _MOMENT))
    # A moment more on both sides: nobody says whether the bounds belong to it, nor how dates are rounded.
    listing = replace(part.listing, params=_between(part.listing, low - _MOMENT, high + _MOMENT))
    return _Part(part.ask, part.whole, listing, order, low, high, window=True)


def _between(listing: Listing, low: datetime, high: datetime) -> Params:
    return ((_CREATED, f"BETWEEN {_text(low)},{_text(high)}"), *(listing.undated or ()))


def _moments(page: Page) -> list[datetime]:
    return [_moment(each or "") or PAST for each in page.dates("created_at")]


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
