"""``analysis.read``: properties, libraries and builds, from a session and from snapshots."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import adobe_nb
from adobe_nb import analysis, snapshot
from adobe_nb.errors import (
    ArgumentError,
    NameLookupError,
    NotAllowed,
    NotFound,
    NotSignedIn,
    SnapshotError,
)
from adobe_nb.simulator.messages import answer
from adobe_nb.simulator.server import Simulator
from adobe_nb.snapshot.organizations import read_folders
from tests.conftest import sign_in, started
from tests.support.second_company import pull_second_company

HELD = ("rules", "data_elements", "extensions")
ROOT = Path(__file__).parents[2]
UNKNOWN = "PR" + "0" * 32


@pytest.fixture(scope="module")
def company() -> Iterator[Simulator]:
    """The demo company, for tests that take rights away from it. Tests do not change it."""
    simulator = started()
    yield simulator
    simulator.stop()


@pytest.fixture(scope="module")
def service(company: Simulator) -> Any:
    return sign_in(company)


@pytest.fixture(scope="module")
def stored(service: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    snapshot.pull(to=folder, session=service)
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of another organization."""
    folder = tmp_path_factory.mktemp("other")
    pull_second_company(folder)
    return folder


@pytest.fixture(scope="module")
def both(stored: Path, other: Path) -> analysis.Tags:
    return analysis.read(snapshot=[stored, other])


@contextmanager
def refusing(
    simulator: Simulator, refuses: Callable[[str], bool], status: int = 403
) -> Iterator[None]:
    """Answer requests for some paths with an error."""
    working = simulator.app
    error = {"errors": [{"status": str(status), "code": "not-authorized", "title": "No"}]}

    def app(request: Any) -> Any:
        if refuses(request.path):
            return answer(status, error, "application/vnd.api+json")
        return working(request)

    simulator.app = app  # type: ignore[assignment]
    try:
        yield
    finally:
        simulator.app = working


@contextmanager
def no_requests(simulator: Simulator) -> Iterator[None]:
    before = len(simulator.requests)
    yield
    assert len(simulator.requests) == before


def property_id(service: Any, name: str) -> str:
    return str(service.reactor.find("properties", name)["id"][0])


def packages(extensions: pd.DataFrame) -> set[str]:
    """The ids of the installed packages, and of those to upgrade to."""
    columns = ["extension_package_id", "meta_upgrade_extension_package_id"]
    return set(extensions[columns].stack().dropna())


def ids(tags: analysis.Tags, table: str) -> list[str]:
    return sorted(tags.frames[table]["id"])


class TestProperties:
    def test_frames_are_those_of_the_api(self, service: Any) -> None:
        reactor = service.reactor
        site = reactor.find("properties", "Web Store DE")
        frames = analysis.read(site, session=service).frames
        for table in (*HELD, "libraries", "environments"):
            assert_frame_equal(frames[table], getattr(reactor, table)(site))
        assert_frame_equal(frames["properties"], site)
        assert_frame_equal(frames["rule_components"], reactor.rule_components(frames["rules"]))
        assert_frame_equal(frames["builds"], reactor.builds(frames["libraries"]))
        for table in HELD:
            expected = getattr(reactor, table)(frames["libraries"])
            assert_frame_equal(frames[f"library_{table}"], expected)
        assert set(frames["extension_packages"]["id"]) == packages(frames["extensions"])
        assert frames["secrets"].empty

    def test_components_of_published_and_pending_revisions_are_read(self, service: Any) -> None:
        frames = analysis.read(property_id(service, "Web Store US"), session=service).frames
        rules = frames["library_rules"].merge(
            frames["libraries"][["id", "state"]], left_on="library_id", right_on="id"
        )
        pending = set(rules.loc[rules["state"] != "published", "id_x"])
        read = set(frames["rule_revision_components"]["rule_id"])
        assert pending < read
        assert set(rules.loc[rules["id_x"].isin(read), "origin_id"]) == set(rules["origin_id"])

    def test_each_list_is_read_once(self, service: Any, company: Simulator) -> None:
        site = property_id(service, "Checkout")
        company.requests.clear()
        frames = analysis.read(site, session=service).frames
        paths = Counter(request.path for request in company.requests)
        assert set(paths.values()) == {1}
        lists = 8 + len(frames["rules"]) + 4 * len(frames["libraries"])
        revisions = frames["rule_revision_components"]["rule_id"].nunique()
        assert len(paths) == lists + len(packages(frames["extensions"])) + revisions

    @pytest.mark.parametrize("shape", ["id", "frame", "row", "list", "column", "name"])
    def test_properties_come_in_any_shape(self, service: Any, shape: str) -> None:
        frame = service.reactor.find("properties", "Magazine")
        shapes = {
            "id": frame["id"][0],
            "frame": frame,
            "row": frame.iloc[0],
            "list": [frame["id"][0], frame["id"][0]],
            "column": frame["id"],
            "name": "Magazine",
        }
        tags = analysis.read(shapes[shape], session=service)
        assert tags.model.property_ids == [frame["id"][0]]

    def test_several_properties_are_read_at_once(self, service: Any) -> None:
        properties = service.reactor.properties()
        tags = analysis.read(properties, session=service)
        assert tags.model.property_ids == properties["id"].tolist()
        edge = properties[properties["platform"] == "edge"]
        assert_frame_equal(tags.frames["secrets"], service.reactor.secrets(edge))
        assert set(tags.unpublished()["property_id"]) <= set(properties["id"])

    def test_several_properties_are_read_by_name(self, service: Any) -> None:
        names = ["Web Store US", "Web Store DE"]
        tags = analysis.read(names, session=service)
        assert sorted(tags.frames["properties"]["name"]) == sorted(names)
        with pytest.raises(ArgumentError, match="Web Store FR"):
            analysis.read([names[0], "Web Store FR"], session=service)

    def test_no_properties_give_empty_frames(self, service: Any, company: Simulator) -> None:
        with no_requests(company):
            tags = analysis.read(service.reactor.properties.get([]), session=service)
        assert tags.model.resources == []
        assert tags.unpublished().empty
        assert tags.library_contents().empty

    def test_a_property_without_libraries_has_the_tables(self, simulate: Any) -> None:
        session = sign_in(simulate())
        reactor = session.reactor
        new = reactor.properties.create(
            reactor.companies(), name="New", platform="web", domains=["new.example"]
        )
        tags = analysis.read(new, session=session)
        assert len(tags.model.extensions) == 1
        assert tags.unpublished()["state"].tolist() == ["never in a library"]
        assert tags.library_contents().empty

    def test_the_current_session_reads_by_default(self, service: Any) -> None:
        site = property_id(service, "Checkout")
        with pytest.raises(NotSignedIn):
            analysis.read(site)
        with adobe_nb.use(service):
            assert len(analysis.read(site).model.rules) == 6

    def test_time_and_redaction_are_kept(self, service: Any) -> None:
        tags = analysis.read(property_id(service, "Checkout"), session=service, redact=str.upper)
        assert tags.model.redact is str.upper
        assert pd.Timestamp(tags.as_of or "").tzinfo is not None

    def test_an_unknown_property_is_not_found(self, service: Any) -> None:
        with pytest.raises(NotFound):
            analysis.read(UNKNOWN, session=service)

    def test_a_deleted_head_that_is_still_live_is_read(self, simulate: Any) -> None:
        session = sign_in(simulate())
        rules = session.reactor.rules(property_id(session, "Web Store US"))
        session.reactor.rules.delete(rules["id"][0])
        tags = analysis.read(property_id(session, "Web Store US"), session=session)
        deleted = tags.frames["rules"].dropna(subset=["deleted_at"])
        assert rules["id"][0] in set(deleted["id"])
        assert len(tags.model.rules) == len(rules) - 1

    def test_a_preview_session_reads_what_it_wrote_and_says_so(self, company: Simulator) -> None:
        session = sign_in(company, writes="preview")
        site = session.reactor.find("properties", "Checkout")
        session.reactor.rules.create(site, name="Only a preview")
        tags = analysis.read(site, session=session)
        assert "Only a preview" in [rule.name for rule in tags.model.rules]
        assert any("preview" in sentence for sentence in tags.limits)


class TestRights:
    @pytest.mark.parametrize(
        ("path", "table", "missing"),
        [
            ("/secrets", "secrets", "secrets"),
            ("/environments", "environments", "environments"),
            ("/libraries", "libraries", "libraries"),
        ],
    )
    def test_a_missing_right_to_a_table_is_a_limit(
        self, service: Any, company: Simulator, path: str, table: str, missing: str
    ) -> None:
        site = property_id(service, "Event Forwarding")
        with refusing(company, lambda requested: requested.endswith(path)):
            tags = analysis.read(site, session=service)
        assert table not in tags.frames
        assert f"Not read, for lack of rights: {missing}." in tags.limits
        assert len(tags.model.rules) > 0

    @pytest.mark.parametrize("status", [403, 404])
    def test_the_other_packages_are_read_when_one_is_refused(
        self, service: Any, company: Simulator, status: int
    ) -> None:
        site = property_id(service, "Web Store US")
        extensions = service.reactor.extensions(site)
        refused = extensions["extension_package_id"][1]
        with refusing(company, lambda requested: requested.endswith(refused), status):
            tags = analysis.read(site, session=service)
        read = set(tags.frames["extension_packages"]["id"])
        assert read == packages(extensions) - {refused}
        assert any(refused in sentence for sentence in tags.limits)

    def test_missing_contents_of_libraries_are_a_limit(
        self, service: Any, company: Simulator
    ) -> None:
        def refuses(path: str) -> bool:
            return path.startswith("/libraries/") and path.endswith("/data_elements")

        with refusing(company, refuses):
            tags = analysis.read(property_id(service, "Checkout"), session=service)
        assert "library_data_elements" not in tags.frames
        with pytest.raises(ArgumentError, match="library_data_elements"):
            tags.unpublished()

    def test_without_the_right_to_rules_nothing_is_read(
        self, service: Any, company: Simulator
    ) -> None:
        site = property_id(service, "Checkout")
        with refusing(company, lambda path: path.endswith("/rules")):
            with pytest.raises(NotAllowed):
                analysis.read(site, session=service)

    def test_a_refused_session_is_an_error(self, service: Any, company: Simulator) -> None:
        site = property_id(service, "Checkout")
        with refusing(company, lambda path: path.endswith("/environments"), 401):
            with pytest.raises(NotAllowed):
                analysis.read(site, session=service)


class TestLibrariesAndBuilds:
    @pytest.mark.parametrize("name", ["Web Store US", "Web Store DE", "Magazine", "Store App"])
    def test_a_library_is_what_its_build_holds(self, service: Any, name: str) -> None:
        site = service.reactor.find("properties", name)
        libraries = service.reactor.libraries(site)
        built = libraries.dropna(subset=["last_build_id"])
        assert len(built) > 0
        for library in built.itertuples():
            held = analysis.read(library=library.id, session=service)
            build = analysis.read(build=library.last_build_id, session=service)
            for table in HELD:
                heads = getattr(service.reactor, table)(site)["id"]
                delivered = build.frames[table]
                # A build keeps what was deleted after it.
                remaining = delivered[delivered["origin_id"].isin(heads)]
                assert ids(held, table) == sorted(remaining["id"])
            components = build.frames["rule_components"]
            remaining = components[components["rule_id"].isin(held.frames["rules"]["id"])]
            assert ids(held, "rule_components") == sorted(remaining["id"])

    def test_ids_are_those_of_revisions(self, service: Any) -> None:
        reactor = service.reactor
        site = reactor.find("properties", "Web Store US")
        library = reactor.libraries.find("Autumn campaign", site)
        tags = analysis.read(site, library=library, session=service)
        rules = tags.frames["rules"]
        assert (rules["revision_number"] > 0).all()
        assert set(rules["origin_id"]) < set(reactor.rules(site)["id"])
        assert {part.rule.id for part in tags.model.rule_components if part.rule} == set(
            rules["id"]
        )
        elements = reactor.data_elements(reactor.libraries(site))
        assert set(tags.frames["data_elements"]["id"]) < set(elements["id"])

    def test_what_is_inherited_is_included_and_named(self, service: Any) -> None:
        site = service.reactor.find("properties", "Web Store US")
        library = service.reactor.libraries.find("Outlet countdown", site)
        tags = analysis.read(library=library, session=service)
        [sentence] = [text for text in tags.limits if "inherits" in text]
        assert "'Outlet countdown'" in sentence
        assert "'Autumn campaign', 'Release 2026-05'" in sentence
        own = tags.frames["rules"].query("library_id == @library.id[0]")
        by_name = tags.frames["rules"].set_index("name")["revision_number"]
        # Its own revision, although the library upstream holds a newer one.
        assert {"Home - Hero Click", "Newsletter - Sign-up"} < set(own["name"])
        assert by_name["Newsletter - Sign-up"] == 3

    def test_deleted_resources_are_left_out(self, simulate: Any) -> None:
        session = sign_in(simulate())
        site = session.reactor.find("properties", "Web Store US")
        library = session.reactor.libraries.find("Outlet countdown", site)
        before = analysis.read(library=library, session=session)
        session.reactor.rules.delete(session.reactor.rules.find("Home - Hero Click", site))
        after = analysis.read(library=library, session=session)
        assert {rule.name for rule in before.model.rules} - {
            rule.name for rule in after.model.rules
        } == {"Home - Hero Click"}
        # The library still holds it.
        assert "Home - Hero Click" in set(after.library_contents()["name"])

    def test_libraries_differ_by_what_was_revised(self, service: Any) -> None:
        reactor = service.reactor
        libraries = reactor.libraries(reactor.find("properties", "Magazine"))
        a, b = (
            analysis.read(library=library, session=service) for library in libraries["id"].iloc[-2:]
        )
        frame = analysis.diff(a, b)
        assert frame[["type", "change", "name_b", "path"]].fillna("").values.tolist() == [
            ["data_elements", "added", "XDM Article", ""],
            ["rule_components", "changed", "Update variable", "data.topic"],
        ]

    @pytest.mark.parametrize("source", ["session", "snapshot"])
    def test_a_library_is_read_by_its_name(self, service: Any, stored: Path, source: str) -> None:
        place = {"session": service} if source == "session" else {"snapshot": stored}
        tags = analysis.read("Magazine", library="Shop the look", **place)
        assert "library 'Shop the look'" in tags.limits[0]
        with pytest.raises(NameLookupError, match="Shop the look"):
            analysis.read("Magazine", library="Shop the looks", **place)

    @pytest.mark.parametrize("source", ["session", "snapshot"])
    def test_the_live_build_is_read_as_production(
        self, service: Any, stored: Path, source: str
    ) -> None:
        place = {"session": service} if source == "session" else {"snapshot": stored}
        site = service.reactor.find("properties", "Magazine")
        libraries = service.reactor.libraries(site, filter={"state": "EQ published"})
        latest = libraries.sort_values("published_at")["last_build_id"].iloc[-1]
        live = analysis.read("Magazine", build="production", **place)
        assert ids(live, "rules") == ids(analysis.read(build=latest, **place), "rules")

    def test_nothing_is_live_without_a_published_library(self, simulate: Any) -> None:
        service = sign_in(simulate())
        company = service.reactor.companies()
        service.reactor.properties.create(
            company, name="New", platform="web", domains=["a.example"]
        )
        with pytest.raises(ArgumentError, match="Nothing is live"):
            analysis.read("New", build="production", session=service)

    def test_one_of_another_property_is_refused(self, service: Any) -> None:
        site = property_id(service, "Magazine")
        other = service.reactor.find("properties", "Checkout")
        library = service.reactor.libraries(other).iloc[-1]
        with pytest.raises(ArgumentError, match="belongs to the property PR"):
            analysis.read(site, library=library, session=service)
        build = service.reactor.builds(other).iloc[-1]
        with pytest.raises(ArgumentError, match=f"not to {site}"):
            analysis.read(site, build=build, session=service)

    def test_an_unknown_one_is_not_found(self, service: Any) -> None:
        with pytest.raises(NotFound):
            analysis.read(library="LB" + "0" * 32, session=service)

    def test_without_a_list_of_libraries_the_next_one_upstream_counts(
        self, service: Any, company: Simulator
    ) -> None:
        site = service.reactor.find("properties", "Web Store US")
        library = service.reactor.libraries.find("Outlet countdown", site)
        with refusing(company, lambda path: path.endswith("/libraries")):
            tags = analysis.read(library=library, session=service)
        assert tags.frames["rules"]["library_id"].nunique() == 1
        assert "Not read, for lack of rights: libraries." in tags.limits


class TestSnapshots:
    @pytest.mark.parametrize("name", ["Web Store US", "Event Forwarding"])
    def test_a_snapshot_is_what_the_session_reads(
        self, service: Any, stored: Path, name: str
    ) -> None:
        site = property_id(service, name)
        live = analysis.read(site, session=service)
        tags = analysis.read(site, snapshot=stored)
        for table in ("rule_components", "libraries", "builds", "secrets"):
            assert ids(tags, table) == ids(live, table)
        # Only a session reads the packages that extensions could be upgraded to.
        assert set(ids(tags, "extension_packages")) <= set(ids(live, "extension_packages"))
        frame = analysis.diff(live, tags, same=True)
        assert set(frame["change"]) == {"same"}
        assert len(frame) == len(live.model.resources)
        assert tags.library_contents().equals(live.library_contents())
        # Only a session can read who deleted what, and when.
        columns = ["type", "id", "name", "state", "published_revision", "columns_changed"]
        assert tags.unpublished()[columns].equals(live.unpublished()[columns])

    def test_all_properties_are_read_by_default(self, service: Any, stored: Path) -> None:
        tags = analysis.read(snapshot=stored)
        properties = service.reactor.properties()
        assert sorted(tags.model.property_ids) == sorted(properties["id"])
        both = properties["id"].tolist()[:2]
        assert sorted(analysis.read(both, snapshot=stored).model.property_ids) == sorted(both)
        assert analysis.read([], snapshot=stored).model.property_ids == []

    def test_libraries_and_builds_are_read_from_a_snapshot(
        self, service: Any, stored: Path
    ) -> None:
        site = service.reactor.find("properties", "Web Store US")
        for library in service.reactor.libraries(site).tail(3).itertuples():
            live = analysis.read(library=library.id, session=service)
            held = analysis.read(site, library=library.id, snapshot=stored)
            build = analysis.read(build=library.last_build_id, snapshot=str(stored))
            delivered = analysis.read(build=library.last_build_id, session=service)
            for table in (*HELD, "rule_components", "extension_packages"):
                assert ids(held, table) == ids(live, table)
                assert ids(build, table) == ids(delivered, table)
            assert analysis.diff(live, held).empty
            assert analysis.diff(delivered, build).empty

    def test_what_the_snapshot_does_not_hold_is_an_error(self, service: Any, stored: Path) -> None:
        site = service.reactor.find("properties", "Web Store US")
        oldest = service.reactor.libraries(site).iloc[0]
        with pytest.raises(SnapshotError, match="The components of RL.* are not in snapshot 1"):
            analysis.read(library=oldest, snapshot=stored)
        with pytest.raises(SnapshotError, match=f"The contents of {oldest.last_build_id}"):
            analysis.read(build=oldest.last_build_id, snapshot=stored)
        other = property_id(service, "Magazine")
        with pytest.raises(ArgumentError, match=f"belongs to the property PR.*not to {other}"):
            analysis.read(other, library=oldest, snapshot=stored)
        with pytest.raises(ArgumentError, match="no library LB0.* in snapshot 1"):
            analysis.read(library="LB" + "0" * 32, snapshot=stored)

    def test_as_of_selects_the_snapshot(self, simulate: Any, tmp_path: Path) -> None:
        session = sign_in(simulate())
        site = session.reactor.find("properties", "Checkout")
        snapshot.pull(site, to=tmp_path, session=session)
        element = session.reactor.data_elements(site).head(1)
        session.reactor.data_elements.update(element, default_value="changed")
        snapshot.refresh(tmp_path, session=session)
        before = analysis.read(snapshot=tmp_path, as_of=1)
        after = analysis.read(snapshot=tmp_path)
        assert before.as_of is not None
        assert after.as_of is not None
        assert before.as_of <= after.as_of
        frame = analysis.diff(before, after)
        assert frame[["id_a", "path", "after"]].values.tolist() == [
            [element["id"].iloc[0], "default_value", "changed"]
        ]
        with pytest.raises(SnapshotError, match="no snapshot for 7"):
            analysis.read(snapshot=tmp_path, as_of=7)

    def test_a_snapshot_of_some_tables_answers_what_it_can(
        self, service: Any, tmp_path: Path
    ) -> None:
        site = service.reactor.find("properties", "Checkout")
        snapshot.pull(site, to=tmp_path, tables=["rules", "libraries"], session=service)
        tags = analysis.read(snapshot=tmp_path)
        assert len(tags.model.rules) == 6
        assert "The data elements are missing." in tags.limits
        library = service.reactor.libraries(site).iloc[-1]
        with pytest.raises(SnapshotError, match="no table 'library_rules'"):
            analysis.read(library=library, snapshot=tmp_path)

    def test_an_unknown_folder_or_property_is_named(self, stored: Path, tmp_path: Path) -> None:
        with pytest.raises(SnapshotError, match="There is no snapshot"):
            analysis.read(snapshot=tmp_path / "nothing")
        with pytest.raises(ArgumentError, match="Web Store US"):
            analysis.read(UNKNOWN, snapshot=stored)
        with pytest.raises(NameLookupError, match="Similar names: Magazine"):
            analysis.read("Magazin", snapshot=stored)


class TestOrganizations:
    def test_answers_about_all_are_those_about_each(
        self, both: analysis.Tags, stored: Path, other: Path
    ) -> None:
        alone = [analysis.read(snapshot=folder) for folder in (stored, other)]
        for question in ("unused", "library_contents", "audit"):
            # An audit has seen its findings when the snapshot was finished.
            answer = getattr(both, question)().drop(columns="first_seen", errors="ignore")
            assert next(iter(answer)) == "property_id"
            expected = pd.concat([getattr(tags, question)() for tags in alone])[list(answer)]
            assert_frame_equal(
                answer.sort_values(list(answer), ignore_index=True),
                expected.sort_values(list(answer), ignore_index=True),
            )

    def test_packages_that_they_share_count_once(
        self, both: analysis.Tags, stored: Path, other: Path
    ) -> None:
        shared = set(ids(analysis.read(snapshot=stored), "extension_packages"))
        shared &= set(ids(analysis.read(snapshot=other), "extension_packages"))
        assert shared
        assert both.frames["extension_packages"]["id"].is_unique

    def test_properties_say_their_organization(
        self, both: analysis.Tags, stored: Path, other: Path
    ) -> None:
        properties = both.frames["properties"].set_index("id")["organization"]
        for folder in (stored, other):
            [organization] = set(snapshot.history(folder)["organization"])
            own = snapshot.load(folder, "properties")["id"]
            assert set(properties[own]) == {organization}
        assert properties.nunique() == 2
        assert both.model.service == "simulator"

    def test_property_or_library_is_found_in_its_folder(self, stored: Path, other: Path) -> None:
        folders = [other, stored]
        tags = analysis.read("Checkout", snapshot=folders)
        alone = analysis.read("Checkout", snapshot=stored)
        assert tags.limits == alone.limits
        assert_frame_equal(tags.audit(), alone.audit())
        live = analysis.read("Magazine", build="production", snapshot=folders)
        assert analysis.diff(
            live, analysis.read("Magazine", build="production", snapshot=stored)
        ).empty
        with pytest.raises(ArgumentError, match="no property PR0.* in the set of 2 snapshots"):
            analysis.read(UNKNOWN, snapshot=folders)

    def test_limits_say_what_a_folder_lacks_and_required_tables_are_required(
        self, service: Any, other: Path, tmp_path: Path
    ) -> None:
        site = service.reactor.find("properties", "Checkout")
        stored = snapshot.pull(site, to=tmp_path, tables=["rules", "libraries"], session=service)
        folders = [other, tmp_path]
        tags = analysis.read(snapshot=folders)
        assert any(limit.startswith("The snapshots were finished between") for limit in tags.limits)
        [lacks] = [limit for limit in tags.limits if service.org_id in limit]
        assert "lacks rule_components, data_elements, extensions" in lacks
        library = stored.frame("libraries").iloc[-1]
        with pytest.raises(ArgumentError, match="no table 'secrets' in snapshot 1"):
            read_folders([tmp_path], None, lambda stored: stored.frame("secrets"))
        with pytest.raises(SnapshotError, match="no table 'library_rules'"):
            analysis.read(library=library, snapshot=folders)
        with pytest.raises(SnapshotError, match="no table 'audit_events'"):
            analysis.read(snapshot=folders, audit_events=True)

    def test_guide_runs(
        self, stored: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agency = tmp_path / "agency"
        agency.mkdir()
        (agency / "A@AdobeOrg").symlink_to(stored)
        (agency / "B@AdobeOrg").symlink_to(other)
        monkeypatch.chdir(tmp_path)
        guide = ROOT / "docs" / "how-to" / "query-several-organizations.md"
        blocks = re.findall(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
        names: dict[str, Any] = {}
        for block in blocks:
            exec(block, names)
        assert len(names["findings"])


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({}, "requires a property"),
            ({"library": "LB" + "0" * 32, "build": "BL" + "0" * 32}, "not both"),
            ({"properties": UNKNOWN, "as_of": 1}, "requires snapshot="),
            ({"properties": "RL" + "0" * 32}, "not a property"),
            ({"library": "Shop the look"}, "beside its property"),
            ({"properties": UNKNOWN, "build": "live"}, "builds have no names"),
            ({"build": "production"}, "beside its property"),
            ({"library": "BL" + "0" * 32}, "not a library"),
            ({"library": []}, "takes one of the libraries"),
            (
                {"properties": [UNKNOWN, "PR" + "1" * 32], "library": "LB" + "0" * 32},
                "one property",
            ),
            ({"properties": UNKNOWN, "snapshot": 3}, "must be a path"),
        ],
    )
    def test_arguments_are_checked_before_any_request(
        self, service: Any, company: Simulator, arguments: dict[str, Any], message: str
    ) -> None:
        with (
            no_requests(company),
            adobe_nb.use(service),
            pytest.raises(ArgumentError, match=message),
        ):
            analysis.read(**arguments)

    def test_a_snapshot_needs_no_session(self, service: Any, stored: Path) -> None:
        with pytest.raises(ArgumentError, match="without a session"):
            analysis.read(UNKNOWN, snapshot=stored, session=service)
