"""Preview sessions read for real, answer every write, and never send one."""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pandas as pd
import pytest

import adobe_nb
from adobe_nb import ArgumentError, ConfirmationRequired, NotFound, Secret, snapshot
from adobe_nb import session as sessions
from adobe_nb.notebook import commands
from adobe_nb.notebook import panel as panels
from adobe_nb.notebook.display import card
from adobe_nb.notebook.magics import adobe_auth
from adobe_nb.simulator import DATASTREAMS
from tests.conftest import sign_in, started
from tests.contract.operations import OPERATIONS
from tests.contract.places import Fresh
from tests.contract.recording import scope

VARIABLE = "core::dataElements::javascript-variable"
LOADED = "core::events::library-loaded"
WRITES = [
    call
    for (method, path), calls in OPERATIONS.items()
    for call in calls
    if method != "GET" and path != "/search"
]


def preview_of(shop: Any) -> Any:
    """The shop in a preview session."""
    session = sign_in(shop.simulator, writes="preview")
    shop.simulator.requests.clear()
    return SimpleNamespace(**{**vars(shop), "session": session, "reactor": session.reactor})


@pytest.fixture
def preview(shop: Any) -> Iterator[Any]:
    """The shop in a preview session. Whatever a test does, nothing but reads may arrive."""
    place = preview_of(shop)
    yield place
    assert sent(place.simulator) == set()


@pytest.fixture(scope="module")
def company() -> Iterator[Any]:
    """A simulator whose resources may be changed, with a session that sends and one that does not."""
    simulator = started(build_seconds=0.02)
    yield SimpleNamespace(
        simulator=simulator,
        real=sign_in(simulator),
        preview=sign_in(simulator, writes="preview"),
    )
    simulator.stop()


def sent(simulator: Any) -> set[tuple[str, str]]:
    """The requests that arrived, except reads."""
    requests = {(request.method, request.path) for request in simulator.requests}
    return {request for request in requests if request[0] != "GET" and request[1] != "/search"}


def make_element(shop: Any, name: str = "page") -> pd.DataFrame:
    return shop.reactor.data_elements.create(
        shop.property,
        name=name,
        delegate_descriptor_id=VARIABLE,
        settings={"path": "a.b"},
        extension=shop.core,
    )


def zip_of(folder: Path, **manifest: Any) -> Path:
    """The zip of an extension."""
    path = folder / "extension.zip"
    content = {"name": "mine", "displayName": "Mine", "platform": "web", **manifest}
    with ZipFile(path, "w") as archive:
        archive.writestr("extension.json", json.dumps(content))
    return path


def make_rule(shop: Any, name: str = "Home") -> pd.DataFrame:
    rule = shop.reactor.rules.create(shop.property, name=name)
    shop.reactor.rule_components.create(
        rule, name="Loaded", delegate_descriptor_id=LOADED, extension=shop.core
    )
    return rule


class TestEveryWrite:
    @pytest.mark.parametrize("call", WRITES)
    def test_is_answered_as_by_the_service_and_not_sent(self, company: Any, call: str) -> None:
        names = scope(call, Fresh(company.real))
        company.simulator.requests.clear()
        previewed = eval(call, {**names, "reactor": company.preview.reactor})
        assert sent(company.simulator) == set()
        real = eval(call, {**names, "reactor": company.real.reactor})
        assert sent(company.simulator) != set()
        assert list(previewed.columns) == list(real.columns)
        assert previewed.dtypes.to_dict() == real.dtypes.to_dict()
        assert len(previewed) == len(real)
        assert previewed.attrs["preview"] is True
        assert "preview" not in real.attrs

    @pytest.mark.parametrize("call", WRITES)
    def test_goes_on_with_made_up_resources(self, company: Any, call: str) -> None:
        session = sign_in(company.simulator, writes="preview")
        company.simulator.requests.clear()
        place = Fresh(session)
        frame = eval(call, scope(call, place))
        assert len(frame) > 0
        assert sent(company.simulator) == set()
        assert len(adobe_nb.journal()) == 0


def test_the_whole_way_to_production(shop: Any) -> None:
    reactor = sign_in(shop.simulator, writes="preview").reactor
    shop.simulator.requests.clear()
    site = reactor.properties.create(name="New", platform="web", domains=["new.example"])
    host = reactor.hosts.create(site, name="Adobe", type_of="akamai")
    core = reactor.extensions.find("core", site)
    place = SimpleNamespace(reactor=reactor, property=site, core=core)
    library = reactor.libraries.create(site, name="First")
    library = reactor.libraries.add(
        library, [core, make_element(place), make_rule(place)], revise=True
    )
    steps = (None, "development"), ("submit", "staging"), ("approve", "production")
    for step, stage in steps:
        if step:
            library = getattr(reactor.libraries, step)(library)
        environment = reactor.environments.create(site, name=stage, stage=stage, host=host)
        library = reactor.libraries.assign(library, environment)
        build = reactor.builds.wait(reactor.libraries.build(library, confirm="First"))
        assert reactor.environments.get(environment)["library_id"].tolist() == [
            library.loc[0, "id"]
        ]
    assert build["status"].tolist() == ["succeeded"]
    assert reactor.libraries.get(library).loc[0, "state"] == "published"
    rules = reactor.rules(library)
    assert rules["name"].tolist() == ["Home"]
    assert rules["revision_number"].tolist() == [1]
    assert bool(rules.loc[0, "published"])
    components = reactor.with_names(reactor.rule_components(rules))
    assert components["rule_name"].tolist() == ["Home"]
    assert components["property_name"].tolist() == ["New"]
    assert sent(shop.simulator) == set()


class TestReads:
    def test_a_list_has_created_changed_and_no_deleted_resources(
        self, shop: Any, preview: Any
    ) -> None:
        changed, deleted = make_rule(shop, "Old name"), make_rule(shop, "Gone")
        shop.simulator.requests.clear()
        made = preview.reactor.rules.create(preview.property, name="New")
        preview.reactor.rules.update(changed, name="New name", enabled=False)
        preview.reactor.rules.delete(deleted)
        rules = preview.reactor.rules(preview.property)
        assert rules["name"].tolist() == ["New name", "New"]
        assert rules["id"].tolist() == [changed.loc[0, "id"], made.loc[0, "id"]]
        assert [each["id"] for each in preview.reactor.rules.iterate(preview.property)] == rules[
            "id"
        ].tolist()
        assert shop.reactor.rules(shop.property)["name"].tolist() == ["Old name", "Gone"]

    def test_filters_sort_and_limit_count_for_made_up_resources(self, preview: Any) -> None:
        for name in ("b", "a", "c"):
            make_element(preview, name)
        elements = preview.reactor.data_elements
        named = elements(preview.property, filter={"name": "EQ a"})
        assert named["name"].tolist() == ["a"]
        assert elements(preview.property, sort="-name")["name"].tolist() == ["c", "b", "a"]
        assert elements(preview.property, sort="name", limit=2)["name"].tolist() == ["a", "b"]
        assert len(elements(preview.property, filter={"enabled": False})) == 0
        assert elements.find("b", preview.property)["name"].tolist() == ["b"]

    def test_a_filter_by_the_order_of_texts_is_refused(self, preview: Any) -> None:
        make_element(preview)
        with pytest.raises(ArgumentError, match="cannot apply the filter name='GT a'"):
            preview.reactor.data_elements(preview.property, filter={"name": "GT a"})
        recent = {"created_at": "GT 2020-01-01"}
        assert len(preview.reactor.data_elements(preview.property, filter=recent)) == 1

    def test_components_are_revised_with_their_rule(self, shop: Any, preview: Any) -> None:
        rule = make_rule(shop)
        shop.reactor.rules.revise(rule)
        shop.simulator.requests.clear()
        for number in (2, 3):
            revision = preview.reactor.rules.revise(rule)
            components = preview.reactor.rule_components(revision)
            assert components["revision_number"].tolist() == [number]
        assert preview.reactor.rule_components(rule)["revision_number"].tolist() == [0]

    def test_a_long_list_is_read_whole(self, company: Any) -> None:
        real = company.real.reactor
        site = real.properties.create(name="Long", platform="web", domains=["l.example"])
        for number in range(103):
            real.rules.create(site, name=f"Rule {number}")
        reactor = sign_in(company.simulator, writes="preview").reactor
        reactor.rules.create(site, name="One more")
        assert len(reactor.rules(site)) == 104

    def test_untouched_lists_are_those_of_the_service(self, shop: Any, preview: Any) -> None:
        preview.reactor.rules.create(preview.property, name="New")
        own = preview.reactor.extensions(preview.property)
        pd.testing.assert_frame_equal(own, shop.core)

    def test_a_deleted_head_can_still_be_fetched_as_from_the_service(
        self, shop: Any, preview: Any
    ) -> None:
        rule = make_rule(shop)
        shop.simulator.requests.clear()
        preview.reactor.rules.delete(rule)
        assert not pd.isna(preview.reactor.rules.get(rule).loc[0, "deleted_at"])
        with pytest.raises(ArgumentError, match="'Home' is deleted"):
            preview.reactor.rules.update(rule, name="x")

    def test_a_deleted_property_is_gone_with_what_was_in_it(self, preview: Any) -> None:
        preview.reactor.properties.delete(preview.property, confirm="Shop")
        for read in (
            lambda: preview.reactor.properties.get(preview.property),
            lambda: preview.reactor.rules(preview.property),
            lambda: preview.reactor.extensions.get(preview.core),
            lambda: preview.reactor.extensions.revisions(preview.core),
        ):
            with pytest.raises(NotFound, match="was deleted in this preview session"):
                read()
        assert len(preview.reactor.properties()) == 0

    def test_revisions_of_a_head_of_the_service_include_made_up_ones(self, preview: Any) -> None:
        revision = preview.reactor.extensions.revise(preview.core)
        assert revision["revision_number"].tolist() == [2]
        assert revision["origin_id"].tolist() == preview.core["id"].tolist()
        for resource in (preview.core, revision):
            revisions = preview.reactor.extensions.revisions(resource)
            assert sorted(revisions["revision_number"]) == [0, 1, 2]
        with pytest.raises(ArgumentError, match="is revision 2 of 'core' and frozen"):
            preview.reactor.extensions.update(revision, enabled=False)

    def test_lists_of_a_property_show_heads_only(self, preview: Any) -> None:
        reactor = preview.reactor
        rule, element = make_rule(preview), make_element(preview)
        for collection, head in (
            (reactor.rules, rule),
            (reactor.data_elements, element),
            (reactor.extensions, preview.core),
        ):
            collection.revise(head)
            assert collection(preview.property)["revision_number"].tolist() == [0]
            name = head.loc[0, "name"]
            assert collection.find(name, preview.property)["id"].tolist() == head["id"].tolist()
        assert reactor.rule_components(preview.property)["revision_number"].tolist() == [0]

    def test_a_new_extension_has_a_first_revision(self, preview: Any) -> None:
        site = preview.reactor.properties.create(name="New", platform="web", domains=["n.example"])
        core = preview.reactor.extensions.find("core", site)
        assert not core.loc[0, "dirty"]
        revisions = preview.reactor.extensions.revisions(core)
        assert sorted(revisions["revision_number"]) == [0, 1]
        assert preview.reactor.extensions.revise(core)["revision_number"].tolist() == [2]

    @pytest.mark.parametrize("change", ["create", "update", "delete"])
    @pytest.mark.parametrize("is_made_up", [True, False])
    def test_a_change_of_a_component_marks_its_rule(
        self, shop: Any, preview: Any, change: str, is_made_up: bool
    ) -> None:
        place = preview if is_made_up else shop
        rule = make_rule(place)
        place.reactor.rules.revise(rule)
        component = place.reactor.rule_components(rule)
        preview.simulator.requests.clear()
        components = preview.reactor.rule_components
        assert not preview.reactor.rules.get(rule).loc[0, "dirty"]
        if change == "create":
            components.create(
                rule, name="More", delegate_descriptor_id=LOADED, extension=preview.core
            )
        elif change == "update":
            components.update(component, name="Renamed")
        else:
            components.delete(component)
        assert preview.reactor.rules.get(rule).loc[0, "dirty"]

    def test_sort_ignores_case_and_puts_missing_values_last(self, shop: Any, preview: Any) -> None:
        published = shop.reactor.rules.create(shop.property, name="b")
        preview.simulator.requests.clear()
        preview.reactor.rules.create(preview.property, name="A")
        preview.reactor.rules.create(preview.property, name="C")
        client = preview.session.client
        for sort, expected in (("name", ["A", "b", "C"]), ("-name", ["C", "b", "A"])):
            rules = preview.reactor.rules(preview.property, sort=sort, limit=3)
            assert rules["name"].tolist() == expected
        preview.reactor.rules.update(published, name="b")
        client._kept.resources[published.loc[0, "id"]]["attributes"]["published_at"] = "2026-01-01"
        for sort in ("published_at", "-published_at"):
            rules = preview.reactor.rules(preview.property, sort=sort, limit=1)
            assert rules["name"].tolist() == ["b"]

    def test_a_package_is_replaced_by_the_new_zip(self, preview: Any, tmp_path: Path) -> None:
        packages = preview.reactor.extension_packages
        first = packages.upload(zip_of(tmp_path, version="1.0.0"))
        replaced = packages.upload(zip_of(tmp_path, version="1.1.0"), replaces=first)
        assert replaced["id"].tolist() == first["id"].tolist()
        assert replaced["version"].tolist() == ["1.1.0"]
        assert replaced["discontinued"].tolist() == [False]

    def test_relations_lead_to_made_up_resources(self, preview: Any) -> None:
        element = make_element(preview)
        related = preview.reactor.related(element, "extension")
        assert related["id"].tolist() == preview.core["id"].tolist()
        note = preview.reactor.notes.create(element, text="Agreed.")
        assert preview.reactor.notes(element)["id"].tolist() == note["id"].tolist()
        preview.reactor.environments.update(preview.development, name="Dev")
        library = preview.reactor.libraries.create(preview.property, name="First")
        preview.reactor.libraries.assign(library, preview.development)
        assert preview.reactor.related(library, "environment")["name"].tolist() == ["Dev"]
        assert preview.reactor.related(preview.development, "library")["name"].tolist() == ["First"]
        assert preview.reactor.relationships(library, "environment")["id"].tolist() == [
            preview.development
        ]

    def test_raw_reads_include_the_writes(self, preview: Any) -> None:
        made = preview.reactor.request(
            "POST",
            f"/properties/{preview.id}/rules",
            body={"data": {"type": "rules", "attributes": {"name": "Raw"}}},
        )["data"]
        path = f"/rules/{made['id']}"
        assert preview.reactor.request("GET", path)["data"] == made
        listed = preview.reactor.request("GET", f"/properties/{preview.id}/rules")
        assert [each["id"] for each in listed["data"]] == [made["id"]]
        assert preview.reactor.request("DELETE", path) == {}


class TestUnknown:
    def test_search_is_refused_once_something_was_written(self, preview: Any) -> None:
        assert len(preview.reactor.search("core", types="extensions")) > 0
        make_element(preview)
        with pytest.raises(ArgumentError, match="Search cannot see .* Use the lists"):
            preview.reactor.search("page")

    def test_contents_of_a_made_up_build_are_refused(self, preview: Any) -> None:
        library = preview.reactor.libraries.create(
            preview.property, name="First", environment=preview.development
        )
        build = preview.reactor.libraries.build(library)
        assert preview.reactor.builds(library)["id"].tolist() == build["id"].tolist()
        with pytest.raises(ArgumentError, match="cannot know /builds/BLpreview"):
            preview.reactor.rules(build)

    def test_libraries_of_a_resource_are_refused_once_one_was_filled(self, preview: Any) -> None:
        library = preview.reactor.libraries.create(preview.property, name="First")
        preview.reactor.libraries.add(library, preview.core, revise=True)
        with pytest.raises(ArgumentError, match="cannot know /extensions/EX"):
            preview.reactor.libraries(preview.core)

    @pytest.mark.parametrize(
        "options",
        [
            {"filter": {"negate": False}},
            {"filter": {"negate": "EQ null"}},
            {"filter": {"name": "CONTAINS null"}},
            {"filter": {"created_at": "GT null"}},
            {"sort": "negate", "limit": 1},
        ],
    )
    def test_filters_and_sorts_by_unknown_values_are_refused(
        self, preview: Any, options: dict[str, Any]
    ) -> None:
        rule = make_rule(preview)
        with pytest.raises(ArgumentError, match="preview session cannot .* frame instead"):
            preview.reactor.rule_components(rule, **options)

    def test_other_pages_are_refused(self, preview: Any) -> None:
        make_rule(preview)
        path = f"/properties/{preview.id}/rules"
        listed = preview.reactor.request("GET", path, {"page[number]": 1, "page[size]": 5})
        assert len(listed["data"]) == 1
        with pytest.raises(ArgumentError, match="there is no page 2"):
            preview.reactor.request("GET", path, {"page[number]": 2})

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"data": None},
            {"data": []},
            {"data": "x"},
            {"data": {"attributes": {"name": "x"}}},
            {"data": {"type": "notes"}},
            {"data": {"type": "libraries", "attributes": "x"}},
            {"data": {"type": "libraries", "meta": [1]}},
            {"data": {"type": "libraries", "attributes": {"name": 1}}},
            {"data": {"type": "libraries", "attributes": {"state": "published"}}},
            {"data": {"type": "libraries", "meta": {"action": "submit"}}},
            {"data": {"type": "libraries", "relationships": []}},
            {"data": {"type": "libraries", "relationships": {"x": None}}},
            {"data": {"type": "libraries", "relationships": {"rules": None}}},
            {"data": {"type": "libraries", "relationships": {"rules": {"data": "x"}}}},
            {"data": {"type": "libraries", "relationships": {"rules": {"data": ["x"]}}}},
            {"data": {"type": "libraries", "relationships": {"rules": {"data": [{"id": "nope"}]}}}},
            {"data": {"type": "libraries", "relationships": {"environment": {"data": []}}}},
        ],
    )
    def test_malformed_bodies_are_refused_and_leave_nothing(
        self, preview: Any, body: dict[str, Any]
    ) -> None:
        with pytest.raises(ArgumentError, match="body cannot be interpreted"):
            preview.reactor.request("POST", f"/properties/{preview.id}/libraries", body=body)
        assert len(preview.reactor.search("core", types="extensions")) > 0

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("rules", None),
            ("rules", {}),
            ("rules", "x"),
            ("rules", ["x"]),
            ("rules", [None]),
            ("rules", [{"id": 1, "type": "rules"}]),
            ("rules", [{"id": "nope", "type": "rules"}]),
            ("rules", [{"id": "DE" + "0" * 32, "type": "data_elements"}]),
            ("rules", [{"id": "RL" + "0" * 32, "type": "rules", "meta": []}]),
            ("environment", []),
            ("environment", {"id": "RL" + "0" * 32, "type": "rules"}),
        ],
    )
    def test_malformed_identifiers_are_refused(self, preview: Any, name: str, data: Any) -> None:
        library = preview.reactor.libraries.create(preview.property, name="First")
        path = f"/libraries/{library.loc[0, 'id']}/relationships/{name}"
        with pytest.raises(ArgumentError, match="body cannot be interpreted"):
            preview.reactor.request("PATCH", path, body={"data": data})

    @pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
    @pytest.mark.parametrize("name", ["builds", "property", "last_build", "environment"])
    def test_other_relationships_are_not_changed(
        self, preview: Any, method: str, name: str
    ) -> None:
        if name == "environment" and method != "POST":
            return
        library = preview.reactor.libraries.create(
            preview.property, name="First", environment=preview.development
        )
        path = f"/libraries/{library.loc[0, 'id']}/relationships/{name}"
        with pytest.raises(ArgumentError, match="cannot be previewed"):
            preview.reactor.request(method, path, body={"data": None})
        library = preview.reactor.libraries.get(library)
        assert library["environment_id"].tolist() == [preview.development]

    def test_raw_changes_of_a_revision_are_refused(self, preview: Any) -> None:
        revision = preview.reactor.extensions.revise(preview.core).loc[0, "id"]
        body = {"data": {"type": "extensions", "id": revision, "meta": {"action": "revise"}}}
        for method, document in (("PATCH", body), ("DELETE", None)):
            with pytest.raises(ArgumentError, match="is revision 2 of 'core' and frozen"):
                preview.reactor.request(method, f"/extensions/{revision}", body=document)

    @pytest.mark.parametrize(
        ("method", "path"),
        [("POST", "/rules"), ("PATCH", "/companies/{}"), ("DELETE", "/notes/{}"), ("POST", "/x")],
    )
    def test_other_raw_writes_are_refused(self, preview: Any, method: str, path: str) -> None:
        path = path.format("XX" + "0" * 32)
        with pytest.raises(ArgumentError, match="cannot be previewed. Nothing was sent"):
            preview.reactor.request(method, path, body={"data": {"type": "rules"}})

    def test_a_library_is_refused_a_step_that_its_state_does_not_allow(self, preview: Any) -> None:
        library = preview.reactor.libraries.create(preview.property, name="First")
        with pytest.raises(ArgumentError, match="in development cannot approve"):
            preview.reactor.libraries.approve(library)
        with pytest.raises(ArgumentError, match="has no environment"):
            preview.reactor.libraries.build(library)

    def test_contents_change_in_development_only(self, preview: Any) -> None:
        libraries = preview.reactor.libraries
        library = libraries.create(preview.property, name="First")
        libraries.add(library, preview.core, revise=True)
        libraries.submit(library)
        for change in (libraries.remove, libraries.replace):
            with pytest.raises(ArgumentError, match="'First' is submitted: only the contents"):
                change(library, preview.reactor.extensions(library))

    def test_a_library_holds_one_revision_of_a_resource(self, preview: Any) -> None:
        libraries, rules = preview.reactor.libraries, preview.reactor.rules
        rule = make_rule(preview)
        library = libraries.create(preview.property, name="First")
        libraries.add(library, rules.revise(rule))
        held = rules(library)["id"].tolist()
        with pytest.raises(ArgumentError, match="two revisions of 'Home'"):
            libraries.add(library, rules.revise(rule))
        assert rules(library)["id"].tolist() == held
        newest = rules.revise(rule)
        libraries.replace(library, newest)
        assert rules(library)["id"].tolist() == newest["id"].tolist()

    def test_a_published_library_stays_as_it_is(self, preview: Any) -> None:
        libraries = preview.reactor.libraries
        library = libraries.create(preview.property, name="First")
        published = preview.session.client._kept.resources[library.loc[0, "id"]]
        published["attributes"]["state"] = "published"
        for change in (
            lambda: libraries.build(library, confirm="First"),
            lambda: libraries.unassign(library),
            lambda: libraries.delete(library, confirm="First"),
        ):
            with pytest.raises(ArgumentError, match="'First' is published, so it cannot"):
                change()

    def test_a_library_takes_only_a_suitable_environment(self, preview: Any) -> None:
        libraries = preview.reactor.libraries
        first = libraries.create(preview.property, name="First", environment=preview.development)
        second = libraries.create(preview.property, name="Second")
        with pytest.raises(ArgumentError, match="holds the library 'First'"):
            libraries.assign(second, preview.development)
        libraries.submit(first)
        with pytest.raises(ArgumentError, match="requires a staging environment"):
            libraries.assign(first, preview.development)


class TestRefusedWrites:
    CALLS: tuple[Callable[[Any], object], ...] = (
        lambda place: place.reactor.extensions.update(
            place.core, enabled=False, extension_package="EP" + "0" * 32
        ),
        lambda place: place.reactor.libraries.create("PR" + "0" * 32, name="First"),
        lambda place: place.reactor.request(
            "PATCH",
            f"/extensions/{place.core.loc[0, 'id']}",
            body={"data": {"type": "extensions", "meta": {"action": "melt"}}},
        ),
    )

    @pytest.mark.parametrize("call", CALLS)
    def test_leave_nothing_behind(self, preview: Any, call: Callable[[Any], object]) -> None:
        with pytest.raises((ArgumentError, NotFound)):
            call(preview)
        assert preview.reactor.extensions.get(preview.core).loc[0, "enabled"]
        assert len(preview.reactor.search("core", types="extensions")) > 0

    def test_a_refused_step_leaves_nothing_behind(self, shop: Any, preview: Any) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        preview.simulator.requests.clear()
        with pytest.raises(ArgumentError, match="cannot approve"):
            preview.reactor.libraries.approve(library)
        assert len(preview.reactor.search("core", types="extensions")) > 0


class TestThreads:
    def test_writes_and_reads_of_several_threads_do_not_disturb_each_other(
        self, preview: Any
    ) -> None:
        reactor = preview.reactor
        library = reactor.libraries.create(preview.property, name="First")
        rules = [reactor.rules.create(preview.property, name=f"Rule {n}") for n in range(8)]

        def add(rule: pd.DataFrame) -> int:
            reactor.libraries.add(library, rule, revise=True)
            return len(reactor.rules(preview.property))

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(add, rules)) == [8] * 8
        assert sorted(reactor.rules(library)["name"]) == sorted(
            rule.loc[0, "name"] for rule in rules
        )

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot fork")
    def test_a_forked_process_makes_other_ids(self, preview: Any) -> None:
        client = preview.session.client
        before = client._session_tag
        reader, writer = os.pipe()
        with client._writing:
            child = os.fork()
            if child == 0:
                is_free = client._writing.acquire(blocking=False)
                os.write(writer, f"{client._session_tag} {is_free}".encode())
                os._exit(0)
        os.waitpid(child, 0)
        tag, is_free = os.read(reader, 100).decode().split()
        os.close(reader)
        os.close(writer)
        assert is_free == "True"
        assert tag != before == client._session_tag


class TestMadeUpIds:
    CALLS: tuple[Callable[[Any, str, str], object], ...] = (
        lambda reactor, rule, _: reactor.rules.get(rule),
        lambda reactor, rule, real: reactor.rules.get(real, rule),
        lambda reactor, rule, _: reactor.rule_components(rule),
        lambda reactor, rule, real: list(reactor.rule_components.iterate([real, rule])),
        lambda reactor, rule, _: reactor.rules.update(rule, name="x"),
        lambda reactor, rule, real: reactor.rules.delete([real, rule], confirm="2 rules"),
        lambda reactor, rule, real: reactor.rules.revise(real, rule),
        lambda reactor, rule, _: reactor.notes.create(rule, text="x"),
        lambda reactor, rule, _: reactor.libraries.add("LB" + "0" * 32, rule),
        lambda reactor, rule, _: reactor.libraries.remove("LB" + "0" * 32, rule),
        lambda reactor, rule, real: reactor.related([real, rule], "revisions"),
        lambda reactor, rule, _: reactor.request("GET", f"/rules/{rule}"),
        lambda reactor, rule, _: reactor.request("PATCH", f"/rules/{rule}", body={"data": {}}),
        lambda reactor, rule, _: reactor.search(query={"id": rule}),
        lambda reactor, rule, _: reactor.request("GET", "/rules", {"filter[origin_id]": rule}),
        lambda reactor, rule, real: reactor.rule_components.create(
            real, name="x", delegate_descriptor_id=LOADED, extension=rule.replace("RL", "EX")
        ),
        lambda reactor, rule, _: reactor.with_names(pd.DataFrame({"rule_id": [rule]})),
    )

    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize("writes", ["send", "preview"])
    def test_are_refused_by_other_sessions_before_any_request(
        self, shop: Any, writes: str, call: Callable[[Any, str, str], object]
    ) -> None:
        real = make_rule(shop).loc[0, "id"]
        place = preview_of(shop)
        made = place.reactor.rules.create(place.property, name="New").loc[0, "id"]
        other = sign_in(shop.simulator, writes=writes).reactor
        shop.simulator.requests.clear()
        with pytest.raises(ArgumentError, match=r"was made up by a preview session.*writes='send'"):
            call(other, made, real)
        assert not shop.simulator.requests

    def test_begin_with_the_prefix_and_the_word_preview(self, preview: Any) -> None:
        made = [preview.reactor.rules.create(preview.property, name=name) for name in "ab"]
        ids = [frame.loc[0, "id"] for frame in made]
        assert all(each.startswith("RLpreview") and len(each) == 34 for each in ids)
        assert len(set(ids)) == 2


class TestGuards:
    def test_confirm_and_head_checks_are_those_of_every_session(self, preview: Any) -> None:
        with pytest.raises(ConfirmationRequired, match="confirm='Shop'"):
            preview.reactor.properties.delete(preview.property)
        revision = preview.reactor.extensions.revise(preview.core)
        with pytest.raises(ArgumentError, match="is revision 2"):
            preview.reactor.extensions.revise(revision)
        head = make_element(preview)
        library = preview.reactor.libraries.create(preview.property, name="First")
        with pytest.raises(ArgumentError, match="'page' is a head"):
            preview.reactor.libraries.add(library, head)

    def test_a_dry_run_shows_the_request_as_in_every_session(self, preview: Any) -> None:
        shown = preview.reactor.rules.create(preview.property, name="Home", dry_run=True)
        assert list(shown.columns) == ["method", "url", "body"]
        assert not preview.simulator.requests

    def test_the_journal_has_no_line_of_it(self, shop: Any, preview: Any) -> None:
        before = len(adobe_nb.journal())
        make_rule(preview)
        assert len(adobe_nb.journal()) == before

    def test_secrets_are_kept_nowhere(self, preview: Any, recorder: Any) -> None:
        recorder.secrets.add("hush-preview-token")
        site = preview.reactor.properties.create(name="Edge", platform="edge")
        environment = preview.reactor.environments.create(
            site,
            name="Dev",
            stage="development",
            host=preview.reactor.hosts.create(site, name="Adobe", type_of="akamai"),
            archive=True,
            archive_passphrase="hush-preview-token",
        )
        for value in ("hush-preview-token", Secret("hush-preview-token")):
            preview.reactor.secrets.create(
                site,
                name="S",
                type_of="token",
                credentials={"token": value},
                environment=environment,
            )
        preview.reactor.callbacks.create(
            site,
            url="https://user:hush-preview-token@hooks.example",
            subscriptions=["rule.updated"],
        )
        kept = json.dumps(preview.session.client._kept.resources, ensure_ascii=False)
        assert "hush-preview-token" not in kept
        assert "••••" in kept

    def test_events_are_refused(self, preview: Any) -> None:
        edge = preview.session.edge
        datastream = DATASTREAMS["web"].id
        identity = {"Email": [{"id": "ana@example.com", "primary": True}]}
        event = {"xdm": {"eventType": "web.webpagedetails.pageViews", "identityMap": identity}}
        for send in (
            lambda: edge.interact(datastream, event),
            lambda: edge.collect(datastream, [event, event]),
            lambda: edge.visitor(datastream).interact(event),
        ):
            with pytest.raises(ArgumentError, match="A preview session sends no events"):
                send()
        assert len(edge.interact(datastream, event, dry_run=True)) == 1

    def test_snapshots_are_refused(self, preview: Any, tmp_path: Path) -> None:
        for read in (
            lambda: snapshot.pull(preview.property, to=tmp_path, session=preview.session),
            lambda: snapshot.refresh(tmp_path, session=preview.session),
        ):
            with pytest.raises(ArgumentError, match="cannot pull a snapshot"):
                read()


class TestConnect:
    def test_the_session_says_that_it_previews(self, shop: Any) -> None:
        session = sign_in(shop.simulator, writes="preview")
        assert session.writes == "preview"
        assert "preview" in repr(session)
        assert shop.session.writes == "send"
        assert "preview" not in repr(shop.session)

    @pytest.mark.parametrize("wrong", ["Preview", "", None, True, ["send"]])
    def test_another_value_costs_no_request(self, demo: Any, wrong: Any) -> None:
        before = len(demo.requests)
        with pytest.raises(ArgumentError, match='must be "send" or "preview"'):
            sign_in(demo, writes=wrong)
        assert len(demo.requests) == before

    @pytest.mark.parametrize(
        "act",
        [
            lambda _: adobe_auth(""),
            lambda _: adobe_auth("login"),
            lambda _: adobe_auth("use mine"),
            lambda _: adobe_auth("--simulator"),
            lambda _: panels._connect({}),
            lambda _: panels._simulate({}),
            lambda _: panels._use_profile({"name": "mine"}),
            lambda token: panels._sign_in(
                {"org_id": token[0], "access_token": token[1], "service": "simulator"}
            ),
        ],
    )
    def test_signing_in_again_keeps_the_preview(
        self,
        shop: Any,
        monkeypatch: pytest.MonkeyPatch,
        act: Callable[[tuple[str, Secret]], object],
    ) -> None:
        monkeypatch.setenv("ADOBE_NB_SIMULATOR", shop.simulator.reactor_url)
        monkeypatch.setattr(commands, "display", lambda _: None)
        first = sign_in(shop.simulator, writes="preview")
        first.save("mine", in_file=True)
        act((first.org_id, first.token.value))
        session = sessions.current()
        assert session is not first
        assert session.writes == "preview"
        assert "Preview: no writes are sent" in repr(card(session))
        assert "Preview: no writes are sent" in str(panels.panel()._facts)

    def test_a_session_that_sends_stays_one(self, demo: Any) -> None:
        session = sign_in(demo)
        panels._simulate({})
        assert sessions.current() is not session
        assert sessions.current().writes == "send"
        assert "Preview" not in repr(card(session))

    def test_frames_say_that_they_come_from_a_preview_session(self, preview: Any) -> None:
        assert preview.reactor.rules(preview.property).attrs["preview"] is True
