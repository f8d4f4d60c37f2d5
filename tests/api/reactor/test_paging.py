"""Lists that change between two pages: no resource is lost without an error."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from adobe_nb import session as sessions
from adobe_nb.api.reactor.bindings import Reactor
from adobe_nb.api.reactor.paging import (
    Documents,
    Listing,
    ListRead,
    read_documents,
    read_lists,
    steady,
)
from adobe_nb.errors import AdobeError, IncompleteResult
from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.seed import Bulk
from tests.conftest import sign_in
from tests.support.stub import Answer, Got, stub

PROPERTY = "PR" + "0" * 32
LIBRARY = "LB" + "0" * 32
OLD = datetime(2024, 1, 1, tzinfo=UTC)
JSON = {"Content-Type": "application/vnd.api+json"}
Change = Callable[["Service"], None]


def api_date(date: datetime) -> str:
    return f"{date:%Y-%m-%dT%H:%M:%S}.{date.microsecond // 1000:03d}Z"


def utc(text: str) -> datetime:
    date = datetime.fromisoformat(text)
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


class Service:
    """Serves a list that changes before the requests with these numbers, counted from 1."""

    def __init__(
        self, created: list[datetime | None], *, prefix: str = "DE", kind: str = "data_elements"
    ) -> None:
        self.kind = kind
        self.rows: dict[str, dict[str, Any]] = {}
        for number, date in enumerate(created):
            self.put(f"{prefix}{number:032x}", date)
        self.changes: dict[int, Change] = {}
        self.every: Change | None = None
        self.queries: list[dict[str, str]] = []
        self.ignores_dates = False
        self.totals = True
        self.shown = api_date

    def put(self, identifier: str, date: datetime | None, **more: Any) -> None:
        self.rows[identifier] = {"created": date, "updated": date, **more}

    def drop(self, number: int) -> None:
        del self.rows[list(self.ordered(self.rows))[number]]

    def ordered(self, rows: dict[str, Any]) -> list[str]:
        early = datetime(1, 1, 1, tzinfo=UTC)
        return sorted(rows, key=lambda id_: (rows[id_]["created"] or early, id_))

    def __call__(self, got: Got) -> Answer:
        if got.path.startswith("/ims/"):
            return Answer(
                200,
                b'{"access_token": "t", "expires_in": 9999}',
                {"Content-Type": "application/json"},
            )
        query = dict(parse_qsl(urlsplit(got.path).query))
        self.queries.append(query)
        for change in filter(None, (self.changes.get(len(self.queries)), self.every)):
            change(self)
        chosen = self.ordered(self.rows)
        bounds = re.fullmatch(r"(BETWEEN|GT|LT) (.*)", query.get("filter[created_at]", ""))
        if bounds and not self.ignores_dates:
            chosen = [
                id_
                for id_ in chosen
                if self._within(self.rows[id_]["created"], bounds[1], bounds[2])
            ]
        if query.get("sort", "").startswith("-"):
            chosen.reverse()
        number, size = int(query["page[number]"]), int(query["page[size]"])
        page = chosen[(number - 1) * size : number * size]
        document: dict[str, Any] = {"data": [self._document(id_) for id_ in page]}
        if self.totals:
            pages = max(1, -(-len(chosen) // size))
            document["meta"] = {"pagination": {"total_count": len(chosen), "total_pages": pages}}
        return Answer(200, json.dumps(document).encode(), JSON)

    def _within(self, date: datetime | None, operator: str, bounds: str) -> bool:
        if date is None:
            return False
        one, *other = [utc(bound) for bound in bounds.split(",")]
        if operator == "BETWEEN":
            return one <= date <= other[0]
        return date > one if operator == "GT" else date < one

    def _document(self, identifier: str) -> dict[str, Any]:
        row = self.rows[identifier]
        attributes = {
            "created_at": row["created"] and self.shown(row["created"]),
            "updated_at": row["updated"] and self.shown(row["updated"]),
            "name": row.get("name", "a"),
        }
        return {"id": identifier, "type": self.kind, "attributes": attributes}


@contextmanager
def reactor_of(service: Service) -> Iterator[Reactor]:
    """One request after the other, so that a change comes between two known pages."""
    with stub(service) as server:
        yield sessions.connect(
            client_id="c" * 12,
            client_secret="hush",
            org_id="A@AdobeOrg",
            retry_pause=0,
            ims_url=server.url,
            reactor_url=server.url,
            concurrency=1,
        ).reactor


def daily(number: int) -> list[datetime | None]:
    return [OLD + timedelta(days=day) for day in range(number)]


def now() -> datetime:
    return datetime.now(UTC)


def added(service: Service) -> None:
    service.put(f"DE{len(service.queries) + 10_000:032x}", now())


def deleted(service: Service) -> None:
    service.drop(3)


def replaced(service: Service) -> None:
    """One resource less and one more, so that every total stays the same."""
    deleted(service)
    added(service)


class TestChanges:
    @pytest.mark.parametrize(
        "change", [added, deleted, replaced], ids=lambda change: change.__name__
    )
    @pytest.mark.parametrize("before", [2, 3, 4, 5])
    def test_change_between_pages_loses_no_remaining_resource(
        self, change: Change, before: int
    ) -> None:
        service = Service(daily(450))
        first = set(service.rows)
        service.changes[before] = change
        with reactor_of(service) as reactor:
            frame = reactor.data_elements(PROPERTY)
        kept = first & set(service.rows)
        assert frame["id"].is_unique
        assert kept <= set(frame["id"]) <= first | set(service.rows)

    def test_unchanged_list_requests_each_page_once(self) -> None:
        service = Service(daily(450))
        with reactor_of(service) as reactor:
            assert list(reactor.data_elements(PROPERTY)["id"]) == list(service.rows)
        assert [query["page[number]"] for query in service.queries] == ["1", "2", "3", "4", "5"]

    def test_endless_changes_lose_no_remaining_resource(self) -> None:
        service = Service(daily(450))
        service.every = replaced
        first = set(service.rows)
        with reactor_of(service) as reactor:
            frame = reactor.data_elements(PROPERTY)
        assert first & set(service.rows) <= set(frame["id"])

    def test_endless_changes_without_totals_are_an_error_with_gaps(
        self,
    ) -> None:
        service = Service(daily(250))
        service.totals = False
        service.every = deleted
        with (
            reactor_of(service) as reactor,
            pytest.raises(IncompleteResult, match="changing it") as caught,
        ):
            reactor.data_elements(PROPERTY)
        assert caught.value.gaps[0].path == f"/properties/{PROPERTY}/data_elements"

    def test_resource_created_just_before_the_read_is_returned(self) -> None:
        service = Service([*daily(149), now()])
        with reactor_of(service) as reactor:
            assert len(reactor.data_elements(PROPERTY)) == 150

    def test_change_of_a_filtered_attribute_is_noticed(self) -> None:
        service = Service(daily(250))

        def enters(service: Service) -> None:
            service.drop(3)
            service.put(f"DE{999:032x}", OLD + timedelta(days=150, hours=1), updated=now())

        first = set(service.rows)
        service.changes[2] = enters
        with reactor_of(service) as reactor:
            frame = reactor.data_elements(PROPERTY, filter={"name": "EQ a"})
        assert first & set(service.rows) <= set(frame["id"])
        assert all(query["filter[name]"] == "EQ a" for query in service.queries)

    def test_old_rule_added_to_a_library_is_noticed(self) -> None:
        service = Service(daily(250), prefix="RL", kind="rules")

        def enters(service: Service) -> None:
            service.drop(3)
            service.put(f"RL{999:032x}", OLD + timedelta(days=150, hours=1))

        first = set(service.rows)
        service.changes[2] = enters
        with reactor_of(service) as reactor:
            frame = reactor.rules(LIBRARY)
        assert first & set(service.rows) <= set(frame["id"])
        assert frame["id"].is_unique

    def test_change_of_a_list_without_totals_is_noticed(self) -> None:
        service = Service(daily(250))
        service.totals = False
        first = set(service.rows)
        service.changes[2] = deleted
        with reactor_of(service) as reactor:
            frame = reactor.data_elements(PROPERTY)
        assert first & set(service.rows) <= set(frame["id"])

    def test_totals_that_begin_with_the_second_page_do_not_end_the_list_early(self) -> None:
        service = Service(daily(250))
        service.totals = False
        service.changes[2] = lambda service: setattr(service, "totals", True)
        with reactor_of(service) as reactor:
            assert len(reactor.data_elements(PROPERTY)) == 250


class TestWindows:
    """A list that changes is read again in windows of created_at."""

    def changing(self, created: list[datetime | None], **more: Any) -> Service:
        service = Service(created)
        for name, value in more.items():
            setattr(service, name, value)
        service.changes[2] = deleted
        return service

    def read(self, service: Service, **arguments: Any) -> Any:
        with reactor_of(service) as reactor:
            return reactor.data_elements(PROPERTY, **arguments)

    def test_many_resources_created_in_the_same_instant(self) -> None:
        burst: list[datetime | None] = [OLD + timedelta(days=40)] * 250
        service = self.changing([*daily(90), *burst])
        assert set(self.read(service)["id"]) == set(service.rows)

    def test_many_resources_created_within_milliseconds(self) -> None:
        burst: list[datetime | None] = [
            OLD + timedelta(days=40, milliseconds=number // 60) for number in range(400)
        ]
        service = self.changing([*daily(90), *burst])
        assert set(self.read(service)["id"]) == set(service.rows)

    @pytest.mark.parametrize("step", [timedelta(milliseconds=90), timedelta(seconds=0.7)])
    def test_dates_rounded_to_seconds(self, step: timedelta) -> None:
        service = self.changing(
            [OLD + number * step for number in range(350)],
            shown=lambda date: f"{date:%Y-%m-%dT%H:%M:%S}.000Z",
        )
        assert set(self.read(service)["id"]) == set(service.rows)

    def test_dates_finer_than_milliseconds(self) -> None:
        service = self.changing(
            [OLD + number * timedelta(microseconds=333) for number in range(350)]
        )
        assert set(self.read(service)["id"]) == set(service.rows)

    def test_resources_without_a_date_are_an_error_that_counts_them(self) -> None:
        service = self.changing([*daily(250), None])
        service.changes[2] = lambda service: service.drop(5)
        with pytest.raises(
            IncompleteResult, match="has 250 resources, but only 249 can be found"
        ) as caught:
            self.read(service)
        assert caught.value.gaps[0].missing == 1

    def test_ignored_date_filter_is_an_error(self) -> None:
        with pytest.raises(IncompleteResult, match="ignored a filter by created_at"):
            self.read(self.changing(daily(250), ignores_dates=True))

    @pytest.mark.parametrize(
        ("condition", "kept"),
        [
            ("GT 2024-02-10", range(41, 400)),
            ("LT 2024-12-01", range(335)),
            ("BETWEEN 2024-01-11,2024-11-30", range(10, 335)),
        ],
    )
    def test_windows_stay_within_the_filter_of_the_user(self, condition: str, kept: range) -> None:
        service = Service(daily(400))
        names = list(service.rows)
        service.changes[2] = lambda service: service.drop(60)
        frame = self.read(service, filter={"created_at": condition})
        assert set(frame["id"]) == {names[position] for position in kept} & set(service.rows)

    def test_windows_keep_the_requested_order(self) -> None:
        service = self.changing(daily(450))
        frame = self.read(service, sort="-created_at")
        assert list(frame["id"]) == list(reversed(service.ordered(service.rows)))


class TestReadLists:
    """Contracts that the callers of read_lists rely on."""

    def listings(self, number: int) -> list[Listing]:
        return [
            steady(f"/properties/PR{at:032x}/data_elements", RESOURCES["data_elements"])
            for at in range(number)
        ]

    def test_list_is_yielded_as_soon_as_it_is_complete(self) -> None:
        service = Service(daily(50))
        listings = self.listings(20)
        sinks = [Documents() for _ in listings]
        with reactor_of(service) as reactor:
            reads = read_lists(reactor._session.client, listings, sinks, "elements")
            assert next(reads) == ListRead(at=0, rows=50, total=50)
            assert len(sinks[0].all()) == 50
            assert len(service.queries) < len(listings)
            reads.close()

    def test_first_pages_of_all_lists_are_requested_before_other_pages(self) -> None:
        service = Service(daily(250))
        with reactor_of(service) as reactor:
            lists = read_documents(reactor._session.client, self.listings(3), "elements")
        assert [[document["id"] for document in documents] for documents in lists] == [
            list(service.rows)
        ] * 3
        assert [query["page[number]"] for query in service.queries] == [
            "1",
            "1",
            "1",
            "2",
            "3",
            "2",
            "3",
            "2",
            "3",
        ]

    def test_first_requests_only_the_pages_it_needs(self) -> None:
        service = Service(daily(450))
        with reactor_of(service) as reactor:
            frame = reactor.data_elements(PROPERTY, limit=150)
        assert list(frame["id"]) == list(service.rows)[:150]
        assert frame.attrs["total_count"] == 450
        assert [query["page[number]"] for query in service.queries] == ["1", "2"]

    def test_first_is_retried_after_a_change_and_then_an_error(self) -> None:
        service = Service(daily(450))
        service.changes[2] = deleted
        with reactor_of(service) as reactor:
            assert len(reactor.data_elements(PROPERTY, limit=150)) == 150
            assert [query["page[number]"] for query in service.queries] == ["1", "2", "1", "2"]
            service.every = deleted
            with pytest.raises(IncompleteResult, match="changing it") as caught:
                reactor.data_elements(PROPERTY, limit=150)
        assert caught.value.gaps

    def test_pages_beyond_a_shortened_list_are_not_requested(self) -> None:
        service = Service(daily(2_000))
        service.changes[2] = lambda service: [service.drop(0) for _ in range(1_900)]
        with reactor_of(service) as reactor:
            assert len(reactor.data_elements(PROPERTY)) == 100
        pages = [query for query in service.queries if "filter[created_at]" not in query]
        assert len(pages) < 10  # the rest are windows, in which it was read again


class TestIterate:
    @pytest.mark.parametrize("change", [deleted, replaced], ids=lambda change: change.__name__)
    def test_lost_resource_is_an_error(self, change: Change) -> None:
        service = Service(daily(450))
        service.changes[3] = change
        with (
            reactor_of(service) as reactor,
            pytest.raises(IncompleteResult, match="again") as caught,
        ):
            list(reactor.data_elements.iterate(PROPERTY))
        assert caught.value.gaps

    def test_new_resource_is_left_out_without_an_error(self) -> None:
        service = Service(daily(450))
        service.changes[3] = added
        with reactor_of(service) as reactor:
            assert [document["id"] for document in reactor.data_elements.iterate(PROPERTY)] == list(
                service.rows
            )

    def test_sort_is_passed_to_the_service(self) -> None:
        service = Service(daily(250))
        with reactor_of(service) as reactor:
            found = [
                document["id"]
                for document in reactor.data_elements.iterate(PROPERTY, sort="-created_at")
            ]
        assert found == list(reversed(service.rows))


class TestDeep:
    """Audit events, of which page numbers reach only the first 200."""

    @pytest.fixture
    def reactor(self, simulate: Any) -> Any:
        simulator = simulate(
            seed="empty", bulk=Bulk(properties=1, rules=5, events=1_500), deepest_page=2
        )
        reactor = sign_in(simulator).reactor
        reactor.audit_events.row = replace(RESOURCES["audit_events"], deepest_page=2)
        store = simulator.stores[simulator.accounts["demo"].org_id]
        self.truth = {
            event.id: event.attributes["created_at"] for event in store.all("audit_events")
        }
        self.simulator = simulator
        return reactor

    def test_every_event_is_returned_once(self, reactor: Any) -> None:
        frame = reactor.audit_events()
        assert frame["id"].is_unique
        assert set(frame["id"]) == set(self.truth)
        assert frame["created_at"].is_monotonic_increasing

    @pytest.mark.parametrize("operator", ["GT", "LT", "BETWEEN"])
    def test_events_stay_within_the_filter_of_the_user(self, reactor: Any, operator: str) -> None:
        dates = sorted(self.truth.values())
        low, high = dates[300], dates[1200]
        condition, wanted = {
            "GT": (f"GT {low}", {id_ for id_, date in self.truth.items() if date > low}),
            "LT": (f"LT {high}", {id_ for id_, date in self.truth.items() if date < high}),
            "BETWEEN": (
                f"BETWEEN {low},{high}",
                {id_ for id_, date in self.truth.items() if low <= date <= high},
            ),
        }[operator]
        frame = reactor.audit_events(filter={"created_at": condition})
        assert frame["id"].is_unique
        assert set(frame["id"]) == wanted

    def test_filter_that_is_not_a_span_of_dates_is_an_error_with_a_next_step(
        self, reactor: Any
    ) -> None:
        with pytest.raises(IncompleteResult, match="filter by created_at") as caught:
            reactor.audit_events(filter={"created_at": "NOT 2020-01-01"})
        assert caught.value.gaps[0].missing > 0

    def test_other_filters_apply_to_every_window(self, reactor: Any) -> None:
        kind = reactor.audit_events(limit=1).loc[0, "type_of"]
        self.simulator.requests.clear()
        frame = reactor.audit_events(filter={"type_of": f"EQ {kind}"})
        assert set(frame["type_of"]) == {kind}
        lists = [dict(got.query) for got in self.simulator.requests if got.path == "/audit_events"]
        assert all(query["filter[type_of]"] == f"EQ {kind}" for query in lists)

    def test_iteration_goes_on_beyond_the_last_page_number(self, reactor: Any) -> None:
        found = [document["id"] for document in reactor.audit_events.iterate()]
        assert len(found) == len(set(found))
        assert set(found) == set(self.truth)


def test_lowered_concurrency_applies_during_a_read(simulate: Any) -> None:
    simulator = simulate(seed="empty", bulk=Bulk(properties=1, data_elements=3_000), latency=0.01)
    session = sign_in(simulator)
    place = session.reactor.properties()
    list_of = session.client.fetch
    calls = 0

    def lowering(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 10:
            session.concurrency = 1
        return list_of(*arguments)

    session.client.fetch = lowering
    assert len(session.reactor.data_elements(place)) == 3_000
    assert session.client.limiter.limit == 1
    session.concurrency = 16


def test_error_of_one_list_ends_the_read_of_all(demo: Any) -> None:
    session = sign_in(demo)
    places = list(session.reactor.properties()["id"])
    with pytest.raises(AdobeError, match="404"):
        session.reactor.rules([*places, "PR" + "f" * 32])
