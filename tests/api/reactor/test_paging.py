"""Whole lists from a server whose list changes between given pages: nothing is lost without notice."""

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

PLACE = "PR" + "0" * 32
LIBRARY = "LB" + "0" * 32
OLD = datetime(2024, 1, 1, tzinfo=UTC)
JSON = {"Content-Type": "application/vnd.api+json"}
Change = Callable[["Service"], None]


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


class Service:
    """A list, one request at a time, which changes before the requests with these numbers (from 1)."""

    def __init__(
        self, created: list[datetime | None], *, prefix: str = "DE", kind: str = "data_elements"
    ) -> None:
        self.kind = kind
        self.rows: dict[str, dict[str, Any]] = {}
        for number, moment in enumerate(created):
            self.put(f"{prefix}{number:032x}", moment)
        self.changes: dict[int, Change] = {}
        self.every: Change | None = None
        self.asked: list[dict[str, str]] = []
        self.ignores_dates = False
        self.totals = True
        self.shown = stamp

    def put(self, identifier: str, moment: datetime | None, **more: Any) -> None:
        self.rows[identifier] = {"moment": moment, "updated": moment, **more}

    def drop(self, number: int) -> None:
        del self.rows[list(self.ordered(self.rows))[number]]

    def ordered(self, rows: dict[str, Any]) -> list[str]:
        early = datetime(1, 1, 1, tzinfo=UTC)
        return sorted(rows, key=lambda each: (rows[each]["moment"] or early, each))

    def __call__(self, got: Got) -> Answer:
        if got.path.startswith("/ims/"):
            return Answer(
                200,
                b'{"access_token": "t", "expires_in": 9999}',
                {"Content-Type": "application/json"},
            )
        query = dict(parse_qsl(urlsplit(got.path).query))
        self.asked.append(query)
        for change in filter(None, (self.changes.get(len(self.asked)), self.every)):
            change(self)
        chosen = self.ordered(self.rows)
        bounds = re.fullmatch(r"(BETWEEN|GT|LT) (.*)", query.get("filter[created_at]", ""))
        if bounds and not self.ignores_dates:
            chosen = [
                each
                for each in chosen
                if self._within(self.rows[each]["moment"], bounds[1], bounds[2])
            ]
        if query.get("sort", "").startswith("-"):
            chosen.reverse()
        number, size = int(query["page[number]"]), int(query["page[size]"])
        page = chosen[(number - 1) * size : number * size]
        document: dict[str, Any] = {"data": [self._document(each) for each in page]}
        if self.totals:
            pages = max(1, -(-len(chosen) // size))
            document["meta"] = {"pagination": {"total_count": len(chosen), "total_pages": pages}}
        return Answer(200, json.dumps(document).encode(), JSON)

    def _within(self, moment: datetime | None, operator: str, bounds: str) -> bool:
        if moment is None:
            return False
        one, *other = [utc(each) for each in bounds.split(",")]
        if operator == "BETWEEN":
            return one <= moment <= other[0]
        return moment > one if operator == "GT" else moment < one

    def _document(self, identifier: str) -> dict[str, Any]:
        row = self.rows[identifier]
        attributes = {
            "created_at": row["moment"] and self.shown(row["moment"]),
            "updated_at": row["updated"] and self.shown(row["updated"]),
            "name": row.get("name", "a"),
        }
        return {"id": identifier, "type": self.kind, "attributes": attributes}


@contextmanager
def reactor_of(service: Service) -> Iterator[Reactor]:
    """One request after the other, so that changes come between given pages."""
    with stub(service) as server:
        yield sessions.connect(
            client_id="c" * 12, client_secret="hush", org_id="A@AdobeOrg", retry_pause=0,
            ims_url=server.url, reactor_url=server.url, concurrency=1,
        ).reactor  # fmt: skip


def daily(number: int) -> list[datetime | None]:
    return [OLD + timedelta(days=each) for each in range(number)]


def now() -> datetime:
    return datetime.now(UTC)


def born(service: Service) -> None:
    service.put(f"DE{len(service.asked) + 10_000:032x}", now())


def died(service: Service) -> None:
    service.drop(3)


def exchanged(service: Service) -> None:
    """One less and one more: every total stays as it was."""
    died(service)
    born(service)


class TestChanges:
    @pytest.mark.parametrize("change", [born, died, exchanged], ids=lambda each: each.__name__)
    @pytest.mark.parametrize("before", [2, 3, 4, 5])
    def test_between_pages_loses_nothing_that_stays(self, change: Change, before: int) -> None:
        service = Service(daily(450))
        first = set(service.rows)
        service.changes[before] = change
        with reactor_of(service) as reactor:
            frame = reactor.data_elements(PLACE)
        kept = first & set(service.rows)
        assert frame["id"].is_unique
        assert kept <= set(frame["id"]) <= first | set(service.rows)

    def test_nothing_changes_and_each_page_is_asked_for_once(self) -> None:
        service = Service(daily(450))
        with reactor_of(service) as reactor:
            assert list(reactor.data_elements(PLACE)["id"]) == list(service.rows)
        assert [each["page[number]"] for each in service.asked] == ["1", "2", "3", "4", "5"]

    def test_that_never_end_lose_nothing_that_stays(self) -> None:
        service = Service(daily(450))
        service.every = exchanged
        first = set(service.rows)
        with reactor_of(service) as reactor:
            frame = reactor.data_elements(PLACE)
        assert first & set(service.rows) <= set(frame["id"])

    def test_that_never_end_in_a_list_that_cannot_be_asked_for_by_date_are_an_error_with_gaps(
        self,
    ) -> None:
        service = Service(daily(250))
        service.totals = False
        service.every = died
        with (
            reactor_of(service) as reactor,
            pytest.raises(IncompleteResult, match="changing it") as caught,
        ):
            reactor.data_elements(PLACE)
        assert caught.value.gaps[0].path == f"/properties/{PLACE}/data_elements"

    def test_what_was_created_just_before_is_no_trouble(self) -> None:
        service = Service([*daily(149), now()])
        with reactor_of(service) as reactor:
            assert len(reactor.data_elements(PLACE)) == 150

    def test_of_a_filtered_attribute_are_noticed(self) -> None:
        service = Service(daily(250))

        def enters(service: Service) -> None:
            service.drop(3)
            service.put(f"DE{999:032x}", OLD + timedelta(days=150, hours=1), updated=now())

        first = set(service.rows)
        service.changes[2] = enters
        with reactor_of(service) as reactor:
            frame = reactor.data_elements(PLACE, filter={"name": "EQ a"})
        assert first & set(service.rows) <= set(frame["id"])
        assert all(each["filter[name]"] == "EQ a" for each in service.asked)

    def test_of_a_library_by_old_resources_are_noticed(self) -> None:
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

    def test_of_a_list_without_totals_are_noticed(self) -> None:
        service = Service(daily(250))
        service.totals = False
        first = set(service.rows)
        service.changes[2] = died
        with reactor_of(service) as reactor:
            frame = reactor.data_elements(PLACE)
        assert first & set(service.rows) <= set(frame["id"])

    def test_totals_that_come_with_the_second_page_only_do_not_end_it_early(self) -> None:
        service = Service(daily(250))
        service.totals = False
        service.changes[2] = lambda service: setattr(service, "totals", True)
        with reactor_of(service) as reactor:
            assert len(reactor.data_elements(PLACE)) == 250


class TestWindows:
    """A change makes the list be read in windows of created_at."""

    def torn(self, created: list[datetime | None], **more: Any) -> Service:
        service = Service(created)
        for name, value in more.items():
            setattr(service, name, value)
        service.changes[2] = died
        return service

    def whole(self, service: Service, **arguments: Any) -> Any:
        with reactor_of(service) as reactor:
            return reactor.data_elements(PLACE, **arguments)

    def test_of_many_that_were_created_in_the_same_moment(self) -> None:
        burst: list[datetime | None] = [OLD + timedelta(days=40)] * 250
        service = self.torn([*daily(90), *burst])
        assert set(self.whole(service)["id"]) == set(service.rows)

    def test_of_a_burst_within_milliseconds(self) -> None:
        burst: list[datetime | None] = [
            OLD + timedelta(days=40, milliseconds=each // 60) for each in range(400)
        ]
        service = self.torn([*daily(90), *burst])
        assert set(self.whole(service)["id"]) == set(service.rows)

    @pytest.mark.parametrize("step", [timedelta(milliseconds=90), timedelta(seconds=0.7)])
    def test_of_dates_that_are_shown_as_whole_seconds(self, step: timedelta) -> None:
        service = self.torn(
            [OLD + each * step for each in range(350)],
            shown=lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}.000Z",
        )
        assert set(self.whole(service)["id"]) == set(service.rows)

    def test_of_dates_finer_than_milliseconds(self) -> None:
        service = self.torn([OLD + each * timedelta(microseconds=333) for each in range(350)])
        assert set(self.whole(service)["id"]) == set(service.rows)

    def test_of_resources_without_a_date_are_an_error_that_says_how_many(self) -> None:
        service = self.torn([*daily(250), None])
        service.changes[2] = lambda service: service.drop(5)
        with pytest.raises(
            IncompleteResult, match="has 250 resources, but only 249 can be found"
        ) as caught:
            self.whole(service)
        assert caught.value.gaps[0].missing == 1

    def test_that_the_service_ignores_are_an_error(self) -> None:
        with pytest.raises(IncompleteResult, match="ignored a filter by created_at"):
            self.whole(self.torn(daily(250), ignores_dates=True))

    @pytest.mark.parametrize(
        ("condition", "kept"),
        [
            ("GT 2024-02-10", range(41, 400)),
            ("LT 2024-12-01", range(335)),
            ("BETWEEN 2024-01-11,2024-11-30", range(10, 335)),
        ],
    )
    def test_keep_to_the_users_own_dates(self, condition: str, kept: range) -> None:
        service = Service(daily(400))
        names = list(service.rows)
        service.changes[2] = lambda service: service.drop(60)
        frame = self.whole(service, filter={"created_at": condition})
        assert set(frame["id"]) == {names[each] for each in kept} & set(service.rows)

    def test_sort_and_order_are_as_without(self) -> None:
        service = self.torn(daily(450))
        frame = self.whole(service, sort="-created_at")
        assert list(frame["id"]) == list(reversed(service.ordered(service.rows)))


class TestReadLists:
    """What the callers of the pager rely on."""

    def listings(self, number: int) -> list[Listing]:
        return [
            steady(f"/properties/PR{at:032x}/data_elements", RESOURCES["data_elements"])
            for at in range(number)
        ]

    def test_a_list_is_given_as_soon_as_it_is_complete(self) -> None:
        service = Service(daily(50))
        listings = self.listings(20)
        sinks = [Documents() for _ in listings]
        with reactor_of(service) as reactor:
            reads = read_lists(reactor._session.client, listings, sinks, "elements")
            assert next(reads) == ListRead(at=0, rows=50, total=50)
            assert len(sinks[0].all()) == 50
            assert len(service.asked) < len(listings)
            reads.close()

    def test_first_pages_of_all_lists_come_before_further_pages(self) -> None:
        service = Service(daily(250))
        with reactor_of(service) as reactor:
            lists = read_documents(reactor._session.client, self.listings(3), "elements")
        assert [[each["id"] for each in documents] for documents in lists] == [
            list(service.rows)
        ] * 3
        assert [each["page[number]"] for each in service.asked] == [
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

    def test_first_asks_for_no_more_pages_than_it_needs(self) -> None:
        service = Service(daily(450))
        with reactor_of(service) as reactor:
            frame = reactor.data_elements(PLACE, limit=150)
        assert list(frame["id"]) == list(service.rows)[:150]
        assert frame.attrs["total_count"] == 450
        assert [each["page[number]"] for each in service.asked] == ["1", "2"]

    def test_first_is_read_again_when_it_is_torn_and_then_an_error(self) -> None:
        service = Service(daily(450))
        service.changes[2] = died
        with reactor_of(service) as reactor:
            assert len(reactor.data_elements(PLACE, limit=150)) == 150
            assert [each["page[number]"] for each in service.asked] == ["1", "2", "1", "2"]
            service.every = died
            with pytest.raises(IncompleteResult, match="changing it") as caught:
                reactor.data_elements(PLACE, limit=150)
        assert caught.value.gaps

    def test_pages_that_a_list_no_longer_has_are_not_asked_for(self) -> None:
        service = Service(daily(2_000))
        service.changes[2] = lambda service: [service.drop(0) for _ in range(1_900)]
        with reactor_of(service) as reactor:
            assert len(reactor.data_elements(PLACE)) == 100
        pages = [each for each in service.asked if "filter[created_at]" not in each]
        assert len(pages) < 10  # the rest are windows, in which it was read again


class TestIterate:
    @pytest.mark.parametrize("change", [died, exchanged], ids=lambda each: each.__name__)
    def test_a_loss_is_an_error(self, change: Change) -> None:
        service = Service(daily(450))
        service.changes[3] = change
        with (
            reactor_of(service) as reactor,
            pytest.raises(IncompleteResult, match="again") as caught,
        ):
            list(reactor.data_elements.iterate(PLACE))
        assert caught.value.gaps

    def test_a_new_one_is_none(self) -> None:
        service = Service(daily(450))
        service.changes[3] = born
        with reactor_of(service) as reactor:
            assert [each["id"] for each in reactor.data_elements.iterate(PLACE)] == list(
                service.rows
            )

    def test_the_users_order_is_the_services(self) -> None:
        service = Service(daily(250))
        with reactor_of(service) as reactor:
            found = [
                each["id"] for each in reactor.data_elements.iterate(PLACE, sort="-created_at")
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
        self.truth = {each.id: each.attributes["created_at"] for each in store.all("audit_events")}
        self.simulator = simulator
        return reactor

    def test_all_of_them_come_once(self, reactor: Any) -> None:
        frame = reactor.audit_events()
        assert frame["id"].is_unique
        assert set(frame["id"]) == set(self.truth)
        assert frame["created_at"].is_monotonic_increasing

    @pytest.mark.parametrize("operator", ["GT", "LT", "BETWEEN"])
    def test_within_the_users_own_dates(self, reactor: Any, operator: str) -> None:
        dates = sorted(self.truth.values())
        low, high = dates[300], dates[1200]
        condition, wanted = {
            "GT": (f"GT {low}", {each for each, date in self.truth.items() if date > low}),
            "LT": (f"LT {high}", {each for each, date in self.truth.items() if date < high}),
            "BETWEEN": (
                f"BETWEEN {low},{high}",
                {each for each, date in self.truth.items() if low <= date <= high},
            ),
        }[operator]
        frame = reactor.audit_events(filter={"created_at": condition})
        assert frame["id"].is_unique
        assert set(frame["id"]) == wanted

    def test_dates_that_are_no_span_are_an_error_that_says_what_to_do(self, reactor: Any) -> None:
        with pytest.raises(IncompleteResult, match="filter by created_at") as caught:
            reactor.audit_events(filter={"created_at": "NOT 2020-01-01"})
        assert caught.value.gaps[0].missing > 0

    def test_other_filters_travel_along(self, reactor: Any) -> None:
        kind = reactor.audit_events(limit=1).loc[0, "type_of"]
        self.simulator.requests.clear()
        frame = reactor.audit_events(filter={"type_of": f"EQ {kind}"})
        assert set(frame["type_of"]) == {kind}
        lists = [
            dict(each.query) for each in self.simulator.requests if each.path == "/audit_events"
        ]
        assert all(each["filter[type_of]"] == f"EQ {kind}" for each in lists)

    def test_an_iteration_goes_on_where_page_numbers_end(self, reactor: Any) -> None:
        found = [each["id"] for each in reactor.audit_events.iterate()]
        assert len(found) == len(set(found))
        assert set(found) == set(self.truth)


def test_a_lowered_ceiling_counts_in_mid_pull(simulate: Any) -> None:
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


def test_errors_of_one_list_among_many_are_one_error(demo: Any) -> None:
    session = sign_in(demo)
    places = list(session.reactor.properties()["id"])
    with pytest.raises(AdobeError, match="404"):
        session.reactor.rules([*places, "PR" + "f" * 32])
