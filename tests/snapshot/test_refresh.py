"""A refresh equals a fresh pull, and asks for little."""

import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from adobe_nb import snapshot
from adobe_nb.simulator.seed import Bulk
from tests.conftest import sign_in, started

TABLES = [*snapshot.TABLES, "audit_events"]


class Company:
    """A company that is edited: by the API, as a colleague would."""

    def __init__(self) -> None:
        bulk = Bulk(properties=1, rules=110, components=1, data_elements=120)
        self.simulator = started(seed="empty", bulk=bulk, build_seconds=0.0)
        self.session = sign_in(self.simulator)
        self.reactor = self.session.reactor
        self.random = random.Random(0)
        self.folder = Path(tempfile.mkdtemp())
        self.count = 0
        shop = self.reactor.properties.create(name="Shop", platform="web", domains=["shop.example"])
        host = self.reactor.hosts.create(shop, name="Adobe", type_of="akamai")
        for stage in ("development", "development", "staging", "production"):
            self.reactor.environments.create(shop, name=self.name(), stage=stage, host=host)

    def name(self) -> str:
        self.count += 1
        return f"Thing {self.count}"

    def pick(self, frame: Any) -> Any:
        """One row, or none where there is none."""
        return frame.iloc[[self.random.randrange(len(frame))]] if len(frame) else None

    def one_of(self, kind: str, **filters: Any) -> Any:
        listed = getattr(self.reactor, kind)(self.pick(self.reactor.properties()), filter=filters or None)
        return self.pick(listed)

    def core(self, place: Any) -> Any:
        return self.pick(self.reactor.extensions(place, filter={"name": "EQ core"}))


def create_property(company: Company) -> None:
    if len(company.reactor.properties()) < 4:
        company.reactor.properties.create(name=company.name(), platform="web", domains=["x.example"])


def delete_property(company: Company) -> None:
    properties = company.reactor.properties(filter={"name": "CONTAINS Thing"})
    if len(properties):
        one = company.pick(properties)
        company.reactor.properties.delete(one, confirm=one["name"].iloc[0])


def rename_property(company: Company) -> None:
    company.reactor.properties.update(
        company.pick(company.reactor.properties()), domains=[f"{company.name()[6:]}.example"]
    )


def create_rule(company: Company) -> None:
    company.reactor.rules.create(company.pick(company.reactor.properties()), name=company.name())


def update_rule(company: Company) -> None:
    if (one := company.one_of("rules")) is not None:
        company.reactor.rules.update(one, name=company.name())


def delete_rule(company: Company) -> None:
    if (one := company.one_of("rules")) is not None:
        company.reactor.rules.delete(one)


def revise_rule(company: Company) -> None:
    if (one := company.one_of("rules")) is not None:
        company.reactor.rules.revise(one)


def create_component(company: Company) -> None:
    place = company.pick(company.reactor.properties())
    rule = company.pick(company.reactor.rules(place))
    if rule is not None and company.core(place) is not None:
        company.reactor.rule_components.create(
            rule, name=company.name(), delegate_descriptor_id="core::events::library-loaded", order=1,
            extension=company.core(place),
        )  # fmt: skip


def update_component(company: Company) -> None:
    rule = company.one_of("rules")
    component = None if rule is None else company.pick(company.reactor.rule_components(rule))
    if component is not None:
        company.reactor.rule_components.update(component, name=company.name())


def delete_component(company: Company) -> None:
    rule = company.one_of("rules")
    component = None if rule is None else company.pick(company.reactor.rule_components(rule))
    if component is not None:
        company.reactor.rule_components.delete(component)


def create_data_element(company: Company) -> None:
    place = company.pick(company.reactor.properties())
    if company.core(place) is not None:
        company.reactor.data_elements.create(
            place, name=company.name(), delegate_descriptor_id="core::dataElements::cookie", settings={"name": "x"},
            extension=company.core(place),
        )  # fmt: skip


def swap_data_elements(company: Company) -> None:
    """One goes and one comes: the number stays."""
    place = company.pick(company.reactor.properties())
    one = company.pick(company.reactor.data_elements(place))
    if one is not None and company.core(place) is not None:
        company.reactor.data_elements.delete(one)
        company.reactor.data_elements.create(
            place, name=company.name(), delegate_descriptor_id="core::dataElements::cookie", settings={"name": "x"},
            extension=company.core(place),
        )  # fmt: skip


def note_property(company: Company) -> None:
    company.reactor.notes.create(company.pick(company.reactor.properties()), text=company.name())


def create_callback(company: Company) -> None:
    company.reactor.callbacks.create(
        company.pick(company.reactor.properties()), url="https://hook.example/", subscriptions=["rule.created"]
    )


def build_a_library(company: Company) -> None:
    place = company.pick(company.reactor.properties())
    rule = company.pick(company.reactor.rules(place))
    free = company.reactor.environments(place, filter={"stage": "EQ development"})
    if rule is None or not len(free):
        return
    library = company.reactor.libraries.create(place, name=company.name())
    company.reactor.libraries.add(library, rule, revise=True)
    company.reactor.libraries.assign(library, company.pick(free))
    company.reactor.builds.wait(company.reactor.libraries.build(library), poll=0.01)


EDITS: list[Callable[[Company], None]] = [
    create_property, delete_property, rename_property, create_rule, update_rule, delete_rule, revise_rule,
    create_component, update_component, delete_component, create_data_element, swap_data_elements, note_property,
    create_callback, build_a_library,
]  # fmt: skip


@pytest.fixture(scope="module")
def company() -> Iterator[Company]:
    company = Company()
    snapshot.pull(to=company.folder, tables=TABLES, session=company.session)
    yield company
    company.simulator.stop()


def assert_same(refreshed: snapshot.Snapshot, fresh: snapshot.Snapshot) -> None:
    assert refreshed.tables == fresh.tables
    for table in fresh.tables:
        assert_frame_equal(refreshed.frame(table), fresh.frame(table), obj=table)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=st.lists(st.sampled_from(EDITS), min_size=1, max_size=6), seed=st.integers(0, 2**20))
def test_a_refresh_equals_a_pull_after_any_edits(company: Company, edits: list[Any], seed: int) -> None:
    company.random.seed(seed)
    for edit in edits:
        edit(company)
    refreshed = snapshot.refresh(company.folder, session=company.session)
    fresh = snapshot.pull(to=tempfile.mkdtemp(), tables=TABLES, session=company.session)
    assert_same(refreshed, fresh)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_each_edit_by_itself_is_seen(company: Company, edit: Callable[[Company], None]) -> None:
    create_property(company)  # for those that need an empty one
    edit(company)
    refreshed = snapshot.refresh(company.folder, session=company.session)
    fresh = snapshot.pull(to=tempfile.mkdtemp(), tables=TABLES, session=company.session)
    assert_same(refreshed, fresh)


def test_nothing_changed_costs_a_tenth_of_a_pull(tmp_path: Path) -> None:
    simulator = started(seed="empty", bulk=Bulk(properties=3, rules=120, components=1, data_elements=120))
    session = sign_in(simulator)
    snapshot.pull(to=tmp_path, session=session)
    whole = len(simulator.requests)
    simulator.requests.clear()
    made = snapshot.refresh(tmp_path, session=session)
    assert len(simulator.requests) <= whole / 10
    assert not len(snapshot.changes(tmp_path))
    before = snapshot.load(tmp_path, as_of=1)
    for table, frame in before.items():
        assert_frame_equal(made.frame(table), frame)
    # What did not change is not stored a second time.
    part = made.part("rule_components", made.frame("properties")["id"][0])
    assert part is not None
    assert part.file(made.data).stat().st_nlink == 2
    simulator.stop()


def test_changes_are_told_and_history_is_kept(tmp_path: Path) -> None:
    simulator = started(seed="empty", bulk=Bulk(properties=1, rules=3, components=1, data_elements=2))
    session = sign_in(simulator)
    reactor = session.reactor
    snapshot.pull(to=tmp_path, session=session)
    rules = reactor.rules(reactor.properties())
    reactor.rules.update(rules.iloc[[0]], name="Renamed")
    reactor.rules.delete(rules.iloc[[1]])
    made = reactor.rules.create(reactor.properties(), name="New")
    snapshot.refresh(tmp_path, session=session)
    told = snapshot.changes(tmp_path, "rules").set_index("id")
    assert told.loc[rules["id"][0], ["change", "name"]].tolist() == ["changed", "Renamed"]
    assert "name" in told.loc[rules["id"][0], "columns"].split(", ")
    assert told.loc[rules["id"][1], ["change", "name"]].tolist() == ["deleted", rules["name"][1]]
    assert told.loc[made["id"][0], ["change", "name"]].tolist() == ["created", "New"]
    assert set(snapshot.load(tmp_path, "rules", as_of=1)["id"]) == set(rules["id"])
    assert list(snapshot.history(tmp_path)["kind"]) == ["pull", "refresh"]
    assert snapshot.changes(tmp_path, since=1, until=2).attrs["since"] == 1
    simulator.stop()


def test_chosen_properties_that_are_gone_are_left_out_and_named(tmp_path: Path) -> None:
    simulator = started(seed="empty", bulk=Bulk(properties=2, rules=2))
    session = sign_in(simulator)
    properties = session.reactor.properties()
    snapshot.pull(properties, to=tmp_path, session=session)
    session.reactor.properties.delete(properties.iloc[[0]], confirm=properties["name"][0])
    session.reactor.properties.create(name="Not chosen", platform="web", domains=["x.example"])
    made = snapshot.refresh(tmp_path, session=session)
    assert list(made.frame("properties")["id"]) == [properties["id"][1]]
    assert made.about["missing"] == [properties["id"][0]]
    assert set(snapshot.load(tmp_path, "rules", as_of=1)["property_id"]) == set(properties["id"])
    simulator.stop()
