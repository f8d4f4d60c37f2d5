"""A refresh equals a fresh pull, with few requests."""

import gc
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count, permutations, product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from adobe_nb import snapshot
from adobe_nb.api.reactor.dates import parse_zoned
from adobe_nb.errors import ApiError, ArgumentError, IncompleteResult, SnapshotError
from adobe_nb.simulator import writes
from adobe_nb.simulator.calls import Call
from adobe_nb.simulator.faults import Fault, Faults
from adobe_nb.simulator.seed import Bulk
from adobe_nb.snapshot import refreshing
from adobe_nb.snapshot.filling import in_order
from adobe_nb.snapshot.store import SnapshotFolder
from tests.conftest import sign_in, started
from tests.support import snapshot_edits as editing
from tests.support.snapshot_edits import (
    EDITS,
    EVERYTHING,
    HOUR,
    MOST_EDITED,
    SETTLING,
    TOGETHER,
    Company,
    Edit,
    after,
    broken,
    lists_of,
    stored,
)

CONTENTS = ("rules", "data_elements", "extensions")
NEWER = {
    *(f"{parent}_{kind}" for parent in ("library", "build") for kind in CONTENTS),
    "rule_revision_components",
    "extension_packages",
}


@pytest.fixture(scope="module", autouse=True)
def _pages_of_three() -> Iterator[None]:
    """Make lists of four resources long: as good as hundreds, in a tenth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refreshing, "PAGE_SIZE", 3)
        yield


@pytest.fixture(scope="module")
def company() -> Iterator[Company]:
    company = Company()
    company.pull(company.folder, tables=EVERYTHING)
    yield company
    company.simulator.stop()


@pytest.fixture
def own() -> Iterator[Company]:
    """A company for one test only."""
    company = Company()
    company.pass_time()
    yield company
    company.simulator.stop()


def assert_same(refreshed: snapshot.Snapshot, fresh: snapshot.Snapshot) -> None:
    assert refreshed.columns == fresh.columns
    for table in fresh.tables:
        # Most files are equal to the bit.
        files = [path.read_bytes() for path in refreshed.paths(table)]
        if files == [path.read_bytes() for path in fresh.paths(table)]:
            continue
        assert_frame_equal(refreshed.frame(table), fresh.frame(table), obj=table)


def assert_up_to_date(company: Company, **options: Any) -> None:
    company.pass_time(5)
    refreshed = company.refresh()
    assert_same(refreshed, company.pull(tables=refreshed.tables, **options))


@pytest.mark.parametrize(
    "edits", TOGETHER, ids=lambda edits: "-".join(edit.__name__ for edit in edits)
)
def test_each_kind_of_change_is_seen(company: Company, edits: list[Edit]) -> None:
    """An hour after the previous snapshot, in long and in short lists."""
    company.pass_time()
    for edit in edits:
        for site in (company.long, company.short):
            edit(company, site)
    assert_up_to_date(company)
    if SETTLING.intersection(edits):
        company.pass_time()
        assert_up_to_date(company)


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(edits=st.lists(st.sampled_from(EDITS), min_size=2, max_size=8), seed=st.integers(0, 2**20))
def test_any_changes_together_are_seen(company: Company, edits: list[Edit], seed: int) -> None:
    company.random.seed(seed)
    company.pass_time()
    for edit in edits:
        # An edit is impossible when there is no resource left for it, or one too many.
        with suppress(ArgumentError, ApiError, IndexError, ValueError):
            edit(company, company.random.choice((company.long, company.short)))
    assert_up_to_date(company)


def test_order_of_rows_does_not_depend_on_order_of_reading() -> None:
    moments = pd.to_datetime(["2026-01-02", *["2026-01-01"] * 3], utc=True)
    frame = pd.DataFrame(
        {"created_at": moments, "id": ["a", "c", "b", "b"], "rule_id": ["R1", "R1", "R2", "R1"]}
    )
    expected = [("b", "R1"), ("b", "R2"), ("c", "R1"), ("a", "R1")]
    for order in permutations(range(4)):
        ordered = in_order(frame.iloc[list(order)])
        assert list(zip(ordered["id"], ordered["rule_id"], strict=True)) == expected


class TestTime:
    @pytest.mark.parametrize(("after", "skew"), [(0, 0), (61, 0), (0, 30)])
    def test_change_right_after_a_pull_is_seen(
        self, own: Company, after: float, skew: float
    ) -> None:
        own.clock.skew = skew
        own.pull(own.folder, tables=MOST_EDITED)
        own.pass_time(after)
        for edit in (editing.update_rule, editing.swap_data_elements, editing.update_component):
            edit(own, own.long)
        own.pass_time()
        assert_up_to_date(own)

    @pytest.mark.parametrize(
        "seed", [0, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in (1, 2))]
    )
    def test_change_during_a_refresh_is_seen_by_the_next(self, own: Company, seed: int) -> None:
        """Resources are created or deleted between any two requests; failed runs are resumed."""
        own.pull(own.folder, tables=MOST_EDITED)
        for turn in range(3):
            own.pass_time()
            own.simulator.faults = Faults((Fault.parse("drift:0.2"),), 10 * seed + turn)
            with suppress(IncompleteResult, ApiError):
                own.refresh()
        assert own.simulator.drifted
        own.simulator.faults = Faults((), 0)
        own.pass_time()
        assert_up_to_date(own)

    @pytest.mark.parametrize("first", ["pull", "refresh"])
    @pytest.mark.parametrize(
        "requests", [8, *(pytest.param(number, marks=pytest.mark.thorough) for number in (6, 11))]
    )
    def test_change_before_a_run_is_resumed_is_seen_by_the_next(
        self, own: Company, first: str, requests: int
    ) -> None:
        if first == "refresh":
            own.pull(own.folder, tables=MOST_EDITED)
            own.pass_time()
            editing.swap_rules(own, own.long)
        run = (
            own.refresh if first == "refresh" else lambda: own.pull(own.folder, tables=MOST_EDITED)
        )
        with broken(own.session, own.simulator, after(requests)), pytest.raises(ApiError):
            run()
        own.pass_time(8 * HOUR)
        for edit in (
            editing.swap_rules,
            editing.revise_data_element,
            editing.create_component,
            editing.create_library,
        ):
            edit(own, own.long)
            edit(own, own.short)
        own.pass_time(HOUR)
        made = run()
        assert made.number == 2 if first == "refresh" else 1
        own.pass_time(HOUR)
        assert_up_to_date(own)

    def test_parent_deleted_during_a_refresh_disappears(self, own: Company) -> None:
        own.pull(own.folder, tables="builds")
        own.pass_time()
        editing.create_library(own, own.short)
        [store] = [store for store in own.simulator.stores.values() if store.all("properties")]
        account = own.simulator.accounts["demo"].with_all_rights()

        def watch(path: str) -> None:
            if path.endswith("/builds"):
                own.clock.watch = lambda path: None
                writes.delete(Call(store, account), store.get("libraries", path.split("/")[2]))

        own.clock.watch = watch
        assert own.refresh().frame("libraries").empty
        own.pass_time()
        assert_up_to_date(own)

    def test_unchanged_parts_do_not_extend_the_range_of_audit_events(self, own: Company) -> None:
        own.pull(own.folder, tables=[*MOST_EDITED, "audit_events"])
        for _ in range(3):
            own.pass_time(30 * 24 * HOUR)
            made = own.refresh()
            assert all(
                made.started - parse_zoned(part.at) < timedelta(days=1000) for part in made.parts
            )
            assert len({part.at for part in made.parts}) == 1
        own.simulator.requests.clear()
        own.refresh()
        filters = [
            dict(request.query).get("filter[created_at]")
            for request in own.simulator.requests
            if "audit" in request.path
        ]
        # Late events of the hour before count, too.
        start = parse_zoned(made.parts[0].at) - timedelta(hours=1)
        assert filters[0] == f"GT {start:%Y-%m-%dT%H:%M:%S}.000Z"


class TestScope:
    def test_hidden_property_comes_back(self, own: Company) -> None:
        own.pull(own.folder, tables=EVERYTHING)
        [store] = [store for store in own.simulator.stores.values() if store.all("properties")]
        hidden = store.get("properties", own.long["id"].iloc[0])
        company = hidden.to_one["company"][1]
        store.unlink(company, "properties", hidden)
        own.pass_time()
        assert set(own.refresh().frame("rules")["property_id"]) == set(own.short["id"])
        editing.update_rule(own, own.long)
        store.link(company, "properties", hidden)
        assert_up_to_date(own)

    def test_missing_chosen_properties_are_named_until_they_are_back(self, own: Company) -> None:
        both = [*own.long["id"], *own.short["id"]]
        own.pull(own.folder, properties=both)
        [store] = [store for store in own.simulator.stores.values() if store.all("properties")]
        hidden = store.get("properties", own.long["id"].iloc[0])
        company = hidden.to_one["company"][1]
        own.reactor.properties.create(name="Not chosen", platform="web", domains=["x.example"])
        store.unlink(company, "properties", hidden)
        made = own.refresh()
        assert list(made.frame("properties")["id"]) == list(own.short["id"])
        assert made.about["missing"] == list(own.long["id"])
        assert set(snapshot.load(own.folder, "rules", as_of=1)["property_id"]) == set(both)
        store.link(company, "properties", hidden)
        assert_up_to_date(own, properties=both)
        assert snapshot.history(own.folder)["properties"].tolist() == [2, 1, 2]

    def test_refresh_without_visible_properties_raises_error(self, own: Company) -> None:
        own.pull(own.folder, properties=own.short)
        own.reactor.properties.delete(own.short, confirm="Short")
        with pytest.raises(SnapshotError, match="None of the 1 properties.*rights"):
            own.refresh()
        assert len(snapshot.history(own.folder)) == 1

    def test_company_without_properties(self, tmp_path: Path) -> None:
        simulator = started(seed="empty")
        session = sign_in(simulator)
        made = snapshot.pull(to=tmp_path, tables=EVERYTHING, session=session)
        assert [len(made.frame(table)) for table in made.tables] == [
            1,
            *[0] * (len(EVERYTHING) - 1),
        ]
        session.reactor.properties.create(name="First", platform="web", domains=["x.example"])
        refreshed = snapshot.refresh(tmp_path, session=session)
        assert refreshed.frame("properties")["name"].tolist() == ["First"]
        assert_same(
            refreshed, snapshot.pull(to=tmp_path / "again", tables=EVERYTHING, session=session)
        )
        simulator.stop()

    def test_pull_is_resumed_although_properties_changed(self, own: Company) -> None:
        long, short = own.long["id"].iloc[0], own.short["id"].iloc[0]
        tables = {"properties", "rules", "data_elements", "libraries"}
        parts, last = {(table, long) for table in tables}, f"/properties/{short}/data_elements"
        with (
            broken(own.session, own.simulator, last.__eq__, lambda: parts <= stored(own.folder)),
            pytest.raises(ApiError),
        ):
            own.pull(own.folder, tables=MOST_EDITED)
        own.reactor.properties.delete(own.short, confirm="Short")
        own.reactor.properties.create(name="Another", platform="web", domains=["x.example"])
        own.simulator.requests.clear()
        made = own.pull(own.folder, tables=MOST_EDITED)
        assert not [request.path for request in own.simulator.requests if long in request.path]
        assert_same(made, own.pull(tables=MOST_EDITED))

    def test_damaged_stored_list_is_read_again(self, own: Company) -> None:
        long, last = own.long["id"].iloc[0], f"/properties/{own.short['id'].iloc[0]}/data_elements"
        with (
            broken(
                own.session,
                own.simulator,
                last.__eq__,
                lambda: {("rules", long)} <= stored(own.folder),
            ),
            pytest.raises(ApiError),
        ):
            own.pull(own.folder, tables=MOST_EDITED)
        for file in own.folder.rglob(f"rules/property={long}/part.parquet"):
            file.write_bytes(bytes(file.stat().st_size))
        made = own.pull(own.folder, tables=MOST_EDITED)
        assert_same(made, own.pull(tables=MOST_EDITED))

    def test_tables_with_other_columns_are_read_again(self, own: Company) -> None:
        """This happens after an update of the package."""
        made = own.pull(own.folder, tables=EVERYTHING)
        older = {table: dict(made.columns[table]) for table in made.tables}
        for table, name in (
            ("rule_components", "negate"),
            ("audit_events", "display_name"),
            ("builds", "token"),
        ):
            del older[table][name]
        about = {name: made.about[name] for name in ("service", "organization", "chosen", "tables")}
        with SnapshotFolder(own.folder).begin(about, older) as draft:
            for part in made.parts:
                frame = made.frame(part.table, part.property)[list(older[part.table])]
                draft.put(part.table, part.property, frame, at=part.at)
            draft.publish(kind="pull", properties=made.about["properties"])
        assert_up_to_date(own)

    def test_unknown_attributes_come_and_go(self, own: Company) -> None:
        unknown: dict[str, str] = {}

        def rewrite(path: str, document: dict[str, Any]) -> None:
            data = document.get("data")
            for resource in data if isinstance(data, list) else []:
                if name := unknown.get(resource["id"]):
                    resource["attributes"][name] = "yes"

        own.clock.rewrite = rewrite
        own.pull(own.folder, tables="rule_components")
        rules = own.reactor.rules(own.long)["id"].tolist()
        parts = own.reactor.rule_components(own.long)["id"].tolist()
        before = "   "
        for names in ("mmz", "mma", "   "):
            own.pass_time()
            changed = [at for at in range(3) if names[at] != before[at]]
            unknown.update({ids[at]: names[at].strip() for at in changed for ids in (rules, parts)})
            for at in changed:
                own.reactor.rules.update(rules[at], name=own.name())
            before = names
            assert_up_to_date(own)

    def test_changes_are_seen_without_audit_events(self, own: Company) -> None:
        def rewrite(path: str, document: dict[str, Any]) -> None:
            if path == "/audit_events":
                document["data"], document["meta"]["pagination"]["total_count"] = [], 0

        own.clock.rewrite = rewrite
        own.pull(own.folder, tables=MOST_EDITED)
        for edit in (editing.delete_rule, editing.update_data_element, editing.update_component):
            own.pass_time()
            edit(own, own.long)
            assert_up_to_date(own)

    def test_long_lists_without_traces_are_read_each_time(self, own: Company) -> None:
        own.simulator.options.build_seconds = 2 * HOUR
        for _ in range(4):
            editing.a_host_that_is_tried(own, own.short)
        own.pass_time()
        assert set(own.pull(own.folder, tables="hosts").frame("hosts")["status"]) == {
            "succeeded",
            "pending",
        }
        own.pass_time(2 * HOUR)
        assert_up_to_date(own)

    def test_component_of_two_rules_is_revised_with_one_of_them(self, own: Company) -> None:
        editing.create_rule(own, own.short)
        editing.create_component_of_two_rules(own, own.short)
        own.pull(own.folder, tables="rule_components")
        own.pass_time()
        own.reactor.rules.revise(own.reactor.rules(own.short).tail(1))
        assert_up_to_date(own)

    def test_running_build_is_read_again(self, own: Company) -> None:
        def rewrite(path: str, document: dict[str, Any]) -> None:
            for resource in document["data"] if path.endswith("/builds") else ():
                resource["attributes"]["status"] = "pending"

        editing.publish_a_library(own, own.short)
        own.pass_time()
        own.clock.rewrite = rewrite
        own.pull(own.folder, tables="builds")
        own.clock.rewrite = None
        own.pass_time()
        assert_up_to_date(own)

    def test_heads_are_read_again_after_publishing(self, own: Company) -> None:
        """The simulator changes none of them; Adobe's documentation does not say."""
        published = False

        def rewrite(path: str, document: dict[str, Any]) -> None:
            if published and path.endswith(("/rules", "/data_elements")):
                for resource in document["data"]:
                    resource["attributes"]["published"] = True

        own.clock.rewrite = rewrite
        own.pull(own.folder, tables=MOST_EDITED)
        own.pass_time()
        editing.publish_a_library(own, own.long)
        published = True
        assert_up_to_date(own)

    def test_build_event_without_library_has_all_builds_read(self, own: Company) -> None:
        def rewrite(path: str, document: dict[str, Any]) -> None:
            for resource in document["data"] if path == "/audit_events" else ():
                resource["attributes"]["entity"] = "{}"

        own.clock.rewrite = rewrite
        editing.publish_a_library(own, own.short)
        own.pass_time()
        own.pull(own.folder, tables="builds")
        own.pass_time()
        editing.republish_a_build(own, own.short)
        assert_up_to_date(own)


def test_no_table_contains_written_secrets(own: Company) -> None:
    editing.secrets_come_change_and_go(own, own.short)
    editing.a_host_that_is_tried(own, own.short)
    made = own.pull(tables=EVERYTHING)
    assert len(made.frame("secrets"))
    assert len(made.frame("hosts")) == 4
    for table in made.tables:
        assert not any(
            hidden in made.frame(table).to_csv() for hidden in ("hidden token", "hidden key")
        )


class TestFrozenLists:
    """What is published or built stays as it is, and is not read again."""

    def test_nothing_frozen_is_read_twice(self, own: Company) -> None:
        for site in (own.long, own.short):
            editing.publish_rules(own, site)
            editing.fill_a_library_for_good(own, site)
        own.pass_time()
        made = own.pull(own.folder)
        libraries = made.frame("libraries").set_index("state")["id"]
        own.pass_time()
        own.simulator.requests.clear()
        refreshed = own.refresh()
        below = [
            request.path
            for request in own.simulator.requests
            if not request.path.startswith(("/properties", "/companies", "/audit_events"))
        ]
        # Two properties have one library in development each.
        open_libraries = product(libraries["development"], CONTENTS)
        expected = [f"/libraries/{library}/{kind}" for library, kind in open_libraries]
        assert sorted(below) == sorted(expected)
        for table in snapshot.TABLES:
            assert_frame_equal(refreshed.frame(table), made.frame(table), check_names=False)

    def test_published_library_that_leaves_its_environment_is_not_read_again(
        self, own: Company
    ) -> None:
        editing.publish_rules(own, own.short)
        own.pass_time()
        [library] = own.pull(own.folder).frame("libraries").itertuples()
        own.pass_time()
        editing.publish_a_library(own, own.short)
        own.pass_time()
        own.simulator.requests.clear()
        libraries = own.refresh().frame("libraries").set_index("id")
        assert library.environment_id not in {None, libraries["environment_id"].get(library.id)}
        paths = [request.path for request in own.simulator.requests]
        assert f"/libraries/{library.id}/builds" in paths
        assert f"/libraries/{library.id}/rules" not in paths

    def test_components_are_not_read_again_when_their_revision_is_published(
        self, own: Company
    ) -> None:
        editing.submit_a_rule_in_two_libraries(own, own.short)
        own.pass_time()
        before = own.pull(own.folder).frame("rule_revision_components")
        assert len(before) > 0
        assert not before["published"].any()
        own.pass_time()
        editing.publish_what_was_submitted(own, own.short)
        own.pass_time()
        own.simulator.requests.clear()
        made = own.refresh()
        requested = {request.path for request in own.simulator.requests}
        for rule_id in before["rule_id"]:
            assert f"/rules/{rule_id}/rule_components" not in requested
        after = made.frame("rule_revision_components")
        assert set(after["id"]) == set(before["id"])
        assert after["published"].all()
        assert_same(made, own.pull())

    def test_published_revisions_are_seen_in_libraries_that_look_unchanged(
        self, own: Company
    ) -> None:
        """In the simulator another column changes with them; Adobe's documentation says nothing."""

        def rewrite(path: str, document: dict[str, Any]) -> None:
            data = document["data"]
            for library in data if path.endswith("/libraries") and type(data) is list else ():
                if library["attributes"]["state"] != "published":
                    library["relationships"]["upstream_library"] = {"data": None}
                    library["attributes"]["updated_at"] = library["attributes"]["created_at"]
                    library["attributes"] |= {"stale": None, "build_required": False}

        own.clock.rewrite = rewrite
        editing.submit_a_rule_in_two_libraries(own, own.short)
        own.pass_time()
        own.pull(own.folder)
        own.pass_time()
        editing.publish_what_was_submitted(own, own.short)
        assert_up_to_date(own)
        libraries = snapshot.load(own.folder, "libraries").set_index("id")["state"]
        rules = snapshot.load(own.folder, "library_rules")
        states = dict(zip(rules["library_id"].map(libraries), rules["published"], strict=True))
        assert states == {"published": True, "submitted": True}

    def test_only_a_package_in_development_is_read_again(self, own: Company) -> None:
        [store] = [store for store in own.simulator.stores.values() if store.all("properties")]
        package_id = own.pull(own.folder).frame("extension_packages")["id"][0]
        package = store.get("extension_packages", package_id)

        def refreshed_after(**changes: str) -> pd.DataFrame:
            package.attributes.update(changes)
            store.changed(package)
            own.pass_time()
            own.simulator.requests.clear()
            packages = own.refresh().frame("extension_packages")
            return packages[packages["id"] == package_id]

        def requests() -> int:
            paths = [request.path for request in own.simulator.requests]
            return paths.count(f"/extension_packages/{package_id}")

        assert package["availability"] == "public"
        assert "Other name" not in set(refreshed_after(display_name="Other name")["display_name"])
        assert requests() == 0
        mine = {"availability": "development", "owner_org_id": own.session.org_id}
        package.attributes.update(mine)
        store.changed(package)
        own.pull(own.folder)
        assert set(refreshed_after(display_name="New zip")["display_name"]) == {"New zip"}
        # Two properties use it.
        assert requests() == 1
        assert_up_to_date(own)

    def test_new_package_is_fetched_once_for_all_properties(self, own: Company) -> None:
        own.pull(own.folder)
        own.pass_time()
        for site in (own.long, own.short):
            editing.install_extension(own, site)
        own.pass_time()
        own.simulator.requests.clear()
        made = own.refresh()
        fetched = [request.path for request in own.simulator.requests if "package" in request.path]
        assert len(fetched) == 1
        packages = made.frame("extension_packages")["name"]
        assert packages.tolist().count("facebook-pixel") == 2

    def test_libraries_are_read_again_when_one_was_deleted_meanwhile(self, own: Company) -> None:
        editing.fill_a_library_for_good(own, own.short)
        own.pass_time()
        own.pull(own.folder)
        own.pass_time()
        [store] = [store for store in own.simulator.stores.values() if store.all("properties")]
        account = own.simulator.accounts["demo"].with_all_rights()

        def watch(path: str) -> None:
            if path.startswith("/libraries/") and path.endswith("/extensions"):
                own.clock.watch = lambda path: None
                writes.delete(Call(store, account), store.get("libraries", path.split("/")[2]))

        own.clock.watch = watch
        made = own.refresh()
        for table in ("libraries", "library_rules", "library_extensions"):
            assert made.frame(table).empty
        own.pass_time()
        assert_up_to_date(own)

    def test_snapshot_of_older_version_keeps_its_tables(self, own: Company) -> None:
        older = tuple(name for name in snapshot.TABLES if name not in NEWER)
        own.pull(own.folder, tables=older)
        assert own.refresh().tables == list(older)
        assert list(snapshot.load(own.folder)) == list(older)
        with pytest.raises(ArgumentError, match="has no table 'library_rules'"):
            snapshot.load(own.folder, "library_rules")
        assert own.pull(own.folder).tables == list(snapshot.TABLES)
        changes = snapshot.changes(own.folder)
        assert not set(changes["table"]) & NEWER


class TestEqualResponses:
    """Parts whose lists have the same responses as before are kept without being computed."""

    def test_pull_replaces_a_damaged_file(self, own: Company) -> None:
        before = own.pull(own.folder)
        expected = {table: before.frame(table) for table in before.tables}
        for path in [*before.paths("rules"), *before.paths("properties")]:
            path.write_bytes(bytes(path.stat().st_size))
        made = own.pull(own.folder)
        for table, frame in expected.items():
            assert_frame_equal(made.frame(table), frame)

    def test_list_that_becomes_empty_or_long_is_seen(self, own: Company) -> None:
        own.pull(own.folder, tables=["notes", "callbacks"])
        for number in range(5):
            own.reactor.notes.create(own.short, text=f"Note {number}")
        editing.callbacks_come_and_change(own, own.short)
        own.pass_time()
        assert_up_to_date(own)
        own.reactor.callbacks.delete(own.reactor.callbacks(own.short)["id"].iloc[0])
        assert_up_to_date(own)
        assert snapshot.load(own.folder, "callbacks").empty


class TestQuietProperties:
    """Audit events can prove that nothing happened, but they can also be late, or missing."""

    def hide_new_events(self, own: Company) -> None:
        """Let the service withhold all events from now on."""
        now = pd.Timestamp(own.clock.time(), unit="s", tz="UTC")

        def rewrite(path: str, document: dict[str, Any]) -> None:
            if path != "/audit_events":
                return
            events = document["data"]
            dates = [parse_zoned(event["attributes"]["created_at"]) for event in events]
            document["data"] = [event for event, at in zip(events, dates, strict=True) if at < now]
            total = len(document["data"])
            document["meta"]["pagination"] |= {"total_count": total, "total_pages": 1}

        own.clock.rewrite = rewrite

    def test_only_lists_whose_changes_leave_no_trace_are_read(self, own: Company) -> None:
        own.pass_time()
        own.pull(own.folder)
        own.pass_time()
        own.simulator.requests.clear()
        own.refresh()
        lists = {request.path.rpartition("/")[2] for request in own.simulator.requests}
        assert {"libraries", "extensions", "hosts", "callbacks", "notes"} <= lists
        assert not lists & {"rules", "data_elements", "environments"}

    def test_event_without_a_property_can_be_about_any(self, own: Company) -> None:
        own.pass_time()
        own.pull(own.folder)
        own.pass_time()

        def rewrite(path: str, document: dict[str, Any]) -> None:
            for event in document["data"] if path == "/audit_events" else ():
                event["relationships"]["property"] = {"data": None}

        own.clock.rewrite = rewrite
        for edit in (editing.update_data_element, editing.environments_come_change_and_go):
            edit(own, own.short)
        assert_up_to_date(own)

    def test_late_event_is_seen_by_the_next_refresh(self, own: Company) -> None:
        own.pass_time()
        own.pull(own.folder)
        own.pass_time()
        self.hide_new_events(own)
        editing.update_data_element(own, own.short)
        own.pass_time(600)
        name = own.refresh().frame("data_elements")["name"]
        own.clock.rewrite = None
        own.pass_time(600)
        assert_up_to_date(own)
        assert not name.equals(snapshot.load(own.folder, "data_elements")["name"])

    def test_changed_library_has_the_lists_read_although_there_is_no_event(
        self, own: Company
    ) -> None:
        own.pass_time()
        own.pull(own.folder)
        own.pass_time()
        self.hide_new_events(own)
        editing.create_library(own, own.short)
        own.reactor.data_elements.update(own.reactor.data_elements(own.short), name="Renamed")
        assert "Renamed" in set(own.refresh().frame("data_elements")["name"])

    def test_every_list_is_checked_once_a_week(self, own: Company) -> None:
        own.pass_time()
        own.pull(own.folder)
        own.pass_time()
        self.hide_new_events(own)
        editing.update_data_element(own, own.short)
        for _ in range(3):
            own.pass_time(48 * HOUR)
            own.refresh()
        own.pass_time(48 * HOUR)
        assert_up_to_date(own)


class TestCost:
    def test_refresh_without_changes_costs_a_twentieth_of_a_pull(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(refreshing, "PAGE_SIZE", 100)
        bulk = Bulk(properties=2, rules=160, components=1, data_elements=101, events=10)
        simulator = started(seed="empty", bulk=bulk)
        session = sign_in(simulator)
        snapshot.pull(to=tmp_path, session=session)
        whole = len(simulator.requests)
        simulator.requests.clear()
        made = snapshot.refresh(tmp_path, session=session)
        assert len(simulator.requests) <= whole / 20
        assert not len(snapshot.changes(tmp_path))
        for table, frame in snapshot.load(tmp_path, as_of=1).items():
            assert_frame_equal(made.frame(table), frame)
        # Unchanged parts are stored once, whether they were kept or read again.
        assert {part.file(made.data).stat().st_nlink for part in made.parts} == {2}
        simulator.stop()

    def test_one_change_reads_one_list_and_its_children(self, own: Company) -> None:
        own.pass_time()
        own.pull(own.folder)
        own.pass_time()
        rule = own.reactor.rules(own.long).head(1)
        own.reactor.rules.update(rule, name="Renamed")
        own.pass_time()
        own.simulator.requests.clear()
        own.refresh()
        paths = [request.path for request in own.simulator.requests]
        assert [path for path in paths if path.endswith("/rule_components")] == [
            f"/rules/{rule['id'].iloc[0]}/rule_components"
        ]
        long, short = own.long["id"].iloc[0], own.short["id"].iloc[0]
        # The first page, and then the whole list.
        assert paths.count(f"/properties/{long}/rules") == 2
        assert paths.count(f"/properties/{long}/data_elements") == 1
        # Nothing happened in the other property.
        assert paths.count(f"/properties/{short}/rules") == 0
        assert paths.count(f"/properties/{short}/hosts") == 1

    def test_resumed_refresh_does_not_read_stored_lists_again(self, own: Company) -> None:
        own.pull(own.folder)
        own.pass_time()
        last = f"/properties/{own.short['id'].iloc[0]}/notes"
        whole = snapshot.load(own.folder)

        def complete() -> set[str]:
            return lists_of(stored(own.folder), whole)

        with (
            broken(own.session, own.simulator, last.__eq__, lambda: len(complete()) >= 8),
            pytest.raises(ApiError),
        ):
            own.refresh()
        spared = complete()
        assert len(spared) >= 8
        own.simulator.requests.clear()
        own.refresh()
        assert not spared & {request.path for request in own.simulator.requests}

    @pytest.mark.parametrize("what", ["pull", "refresh"])
    def test_stored_tables_leave_memory(self, tmp_path: Path, what: str) -> None:
        simulator = started(
            seed="empty", bulk=Bulk(properties=16, rules=1, components=1, data_elements=1)
        )
        session = sign_in(simulator)
        clock, alive = editing.Later(simulator), []
        if what == "refresh":
            snapshot.pull(to=tmp_path, tables=MOST_EDITED, session=session)

        numbers = count()

        def watch(path: str) -> None:
            if next(numbers) % 15 == 0:
                alive.append(sum(type(thing) is pd.DataFrame for thing in gc.get_objects()))

        gc.collect()
        before = sum(type(thing) is pd.DataFrame for thing in gc.get_objects())
        clock.watch = watch
        if what == "pull":
            snapshot.pull(to=tmp_path, tables=MOST_EDITED, session=session)
        else:
            snapshot.refresh(tmp_path, session=session)
        assert len(alive) > 2
        # There are 112 tables.
        assert max(alive) < before + 30
        simulator.stop()


@pytest.fixture(scope="module")
def compared() -> Iterator[tuple[Company, pd.DataFrame, dict[str, str]]]:
    own = Company()
    reactor = own.reactor
    editing.create_rule(own, own.short)
    editing.create_component_of_two_rules(own, own.short)
    own.pull(own.folder)
    rules = reactor.rules(own.long)
    reactor.rules.update(rules.iloc[[0]], name="Renamed")
    reactor.rules.delete(rules.iloc[[1]])
    both = reactor.rule_components(own.short)
    both = both[both["id"].duplicated()]["id"].iloc[0]
    reactor.rule_components.update(both, order=7)
    ids = {
        "renamed": rules["id"][0],
        "deleted": rules["id"][1],
        "created": reactor.rules.create(own.long, name="New")["id"][0],
        "both": both,
        "note": reactor.notes.create(own.long, text="Mind the gap")["id"][0],
        "property": own.short["id"].iloc[0],
        "environment": reactor.environments(own.short)["id"][0],
    }
    reactor.environments.update(ids["environment"], name="Renamed stage")
    reactor.properties.update(own.short, domains=["other.example"])
    own.refresh()
    yield own, snapshot.changes(own.folder).set_index("id"), ids
    own.simulator.stop()


class TestChanges:
    def test_created_changed_and_deleted_resources(self, compared: Any) -> None:
        _, frame, ids = compared
        assert frame.loc[ids["renamed"], ["table", "change", "name", "columns"]].tolist() == [
            "rules",
            "changed",
            "Renamed",
            "updated_at, dirty, name, updated_by_email, updated_by_display_name",
        ]
        assert frame.loc[ids["deleted"], ["change", "name", "columns"]].tolist() == [
            "deleted",
            "Rule 00001",
            "",
        ]
        assert frame.loc[ids["created"], ["change", "name", "columns"]].tolist() == [
            "created",
            "New",
            "",
        ]
        assert frame.loc[ids["environment"], ["change", "name"]].tolist() == [
            "changed",
            "Renamed stage",
        ]

    def test_each_resource_has_one_row_with_name_and_property(self, compared: Any) -> None:
        own, frame, ids = compared
        assert frame.index.is_unique
        assert frame.loc[ids["both"], ["table", "change", "columns"]].tolist() == [
            "rule_components",
            "changed",
            "updated_at, order",
        ]
        assert frame.loc[ids["note"], ["name", "property_id"]].tolist() == [
            "Mind the gap",
            own.long["id"].iloc[0],
        ]
        assert frame.loc[ids["property"], ["name", "property_id"]].tolist() == [
            "Short",
            ids["property"],
        ]
        assert frame["property_id"].notna().all()
        assert set(frame["change"]) == {"created", "changed", "deleted"}
        assert (frame.dtypes == "string").all()

    def test_revision_in_two_libraries_has_one_row(self, own: Company) -> None:
        rule = own.reactor.rules.revise(own.one("rules", own.short))
        libraries = [own.library(own.short, "development", rule)]
        own.pull(own.folder)
        libraries.append(own.library(own.short, "development", rule))
        own.pass_time()
        own.refresh()
        both = snapshot.load(own.folder, "library_rules")
        assert set(both["library_id"]) == {library["id"].iloc[0] for library in libraries}
        [change] = snapshot.changes(own.folder, "library_rules").to_dict("records")
        assert change == {
            "table": "library_rules",
            "change": "changed",
            "id": rule["id"].iloc[0],
            "name": rule["name"].iloc[0],
            "property_id": own.short["id"].iloc[0],
            "columns": "library_id",
        }

    def test_since_must_be_before_until(self, compared: Any) -> None:
        folder = compared[0].folder
        assert snapshot.changes(folder, "rules", since=1, until=2).attrs == {"since": 1, "until": 2}
        for since, until in ((2, 1), (2, 2), ("2", None), (1, 1)):
            with pytest.raises(ArgumentError, match="is not before"):
                snapshot.changes(folder, since=since, until=until)

    def test_since_a_day_without_earlier_snapshot_raises_error(self, compared: Any) -> None:
        folder = compared[0].folder
        today = SnapshotFolder(folder).at(1).finished.date()
        with pytest.raises(SnapshotError, match="The oldest is 1"):
            snapshot.changes(folder, since=today)
        later = today + timedelta(days=7)
        with pytest.raises(ArgumentError, match="is not before"):
            snapshot.changes(folder, since=later)

    def test_audit_events_are_not_compared(self, compared: Any) -> None:
        with pytest.raises(ArgumentError, match=r"snapshot\.load"):
            snapshot.changes(compared[0].folder, "audit_events")
        for table in ("build_rules", "rule_revision_components", "extension_packages"):
            with pytest.raises(ArgumentError, match=rf"{table} never change.*snapshot\.load"):
                snapshot.changes(compared[0].folder, table)
        with pytest.raises(ArgumentError, match="no table 'rulez'"):
            snapshot.changes(compared[0].folder, "rulez")

    def test_earlier_snapshots_keep_deleted_resources(self, compared: Any) -> None:
        own, _, ids = compared
        assert ids["deleted"] in set(snapshot.load(own.folder, "rules", as_of=1)["id"])
        assert ids["deleted"] not in set(snapshot.load(own.folder, "rules")["id"])
        assert list(snapshot.history(own.folder)["kind"]) == ["pull", "refresh"]
