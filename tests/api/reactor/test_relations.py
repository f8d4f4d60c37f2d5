"""Related resources: a to-one relation that is null gives no row and loses no other row."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import pytest

import adobe_nb
from adobe_nb import IncompleteResult, NotFound
from adobe_nb.registry import RESOURCES, Relation, Resource
from tests.conftest import sign_in
from tests.support.stub import Answer, Got, stub

ZEROS = "0" * 32
JSON_API = {"Content-Type": "application/vnd.api+json"}
TO_ONE = [(row, relation) for row in RESOURCES.values() for relation in row.to_one]


def found(document: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(document).encode(), JSON_API)


MISSING = found({"errors": [{"code": "not-found", "title": "Record Not Found"}]}, 404)


@contextmanager
def service(answer: Callable[[str], Answer]) -> Iterator[Any]:
    """Serve these responses by path, and yield a signed-in ``reactor`` and the requests."""

    def reply(got: Got) -> Answer:
        if got.path.startswith("/ims/"):
            return Answer(
                200,
                b'{"access_token": "t", "expires_in": 99}',
                {"Content-Type": "application/json"},
            )
        return answer(got.path)

    with stub(reply) as server:
        session = adobe_nb.connect(
            client_id="c" * 12,
            client_secret="hush",
            org_id="A@AdobeOrg",
            retry_pause=0,
            ims_url=server.url,
            reactor_url=server.url,
        )
        server.got.clear()
        yield session.reactor, server.got


@pytest.mark.parametrize(
    ("row", "relation"), TO_ONE, ids=[f"{row.type}-{relation.name}" for row, relation in TO_ONE]
)
class TestEveryRelationToOne:
    def test_null_gives_an_empty_frame_with_the_columns_of_its_type(
        self, row: Resource, relation: Relation
    ) -> None:
        with service(lambda _: found({"data": None})) as (reactor, got):
            frame = reactor.related([row.prefix + ZEROS, row.prefix + "1" * 32], relation.name)
            assert len(got) == 2
        assert len(frame) == 0
        assert frame.attrs["total_count"] == 0
        collection = getattr(reactor, relation.targets[0])
        nothing = collection.get([])
        pd.testing.assert_series_equal(frame.dtypes, nothing.dtypes)

    def test_null_for_one_resource_keeps_the_rows_of_the_others(
        self, row: Resource, relation: Relation
    ) -> None:
        target = RESOURCES[relation.targets[0]]
        resource = {"id": target.prefix + ZEROS, "type": target.type}
        empty = row.prefix + ZEROS

        def answer(path: str) -> Answer:
            return found({"data": None if empty in path else resource})

        with service(answer) as (reactor, _):
            frame = reactor.related(
                [row.prefix + "1" * 32, empty, row.prefix + "2" * 32], relation.name
            )
        assert frame["id"].tolist() == [resource["id"]] * 2

    def test_404_gives_an_empty_frame_when_the_resource_itself_has_null(
        self, row: Resource, relation: Relation
    ) -> None:
        there = {
            "id": row.prefix + ZEROS,
            "type": row.type,
            "relationships": {relation.name: {"data": None}},
        }

        def answer(path: str) -> Answer:
            return found({"data": there}) if path == f"/{row.type}/{there['id']}" else MISSING

        with service(answer) as (reactor, _):
            assert len(reactor.related(there["id"], relation.name)) == 0


class TestNotFound:
    def test_unknown_resource_is_not_found(self) -> None:
        with service(lambda _: MISSING) as (reactor, _), pytest.raises(NotFound):
            reactor.related("LB" + ZEROS, "upstream_library")

    def test_missing_target_that_the_resource_names_is_not_found(self) -> None:
        target = {"data": {"id": "LB" + "1" * 32, "type": "libraries"}}
        there = {
            "id": "LB" + ZEROS,
            "type": "libraries",
            "relationships": {"upstream_library": target},
        }

        def answer(path: str) -> Answer:
            return MISSING if path.endswith("/upstream_library") else found({"data": there})

        with (
            service(answer) as (reactor, _),
            pytest.raises(NotFound, match="upstream_library failed with 404"),
        ):
            reactor.related("LB" + ZEROS, "upstream_library")

    def test_404_of_a_proxy_is_an_error(self) -> None:
        with service(lambda _: Answer(404, b"<html>", {"Content-Type": "text/html"})) as (
            reactor,
            got,
        ):
            with pytest.raises(NotFound, match="not Adobe's JSON"):
                reactor.related("LB" + ZEROS, "upstream_library")
            assert len({each.path for each in got}) == 1


def test_response_without_data_is_incomplete() -> None:
    with (
        service(lambda _: found({})) as (reactor, _),
        pytest.raises(IncompleteResult, match="without data"),
    ):
        reactor.related("LB" + ZEROS, "upstream_library")


def test_simulator_returns_no_rows_for_empty_relations_of_a_library(shop: Any) -> None:
    libraries = [shop.reactor.libraries.create(shop.property, name=name) for name in ("One", "Two")]
    shop.reactor.libraries.assign(libraries[1], shop.development)
    related = shop.reactor.related
    for relation in ("upstream_library", "last_build"):
        assert len(related(libraries, relation)) == 0
    assert related(libraries, "environment")["id"].tolist() == [shop.development]
    assert related([shop.staging, shop.development], "library")["name"].tolist() == ["Two"]


class TestNamesOfRuleComponents:
    @pytest.fixture
    def components(self, session: Any) -> pd.DataFrame:
        site = session.reactor.find("properties", "Checkout")
        return session.reactor.with_names(session.reactor.rule_components(site))

    def test_rules_of_search_results_are_looked_up(
        self, session: Any, components: pd.DataFrame
    ) -> None:
        hits = session.reactor.search(
            "core", fields="attributes.delegate_descriptor_id", types="rule_components"
        )
        hits = hits[hits["id"].isin(components["id"])].head(5)
        assert len(hits) == 5
        assert hits["rule_id"].isna().all()
        named = session.reactor.with_names(hits)
        known = components.set_index("id").loc[hits["id"]]
        assert named["rule_id"].tolist() == known["rule_id"].tolist()
        assert named["rule_name"].tolist() == known["rule_name"].tolist()
        assert named.columns[list(named.columns).index("rule_id") + 1] == "rule_name"
        assert [str(named[name].dtype) for name in ("rule_id", "rule_name")] == ["string", "string"]
        assert hits["rule_id"].isna().all()

    def test_known_and_unknown_rules_can_be_mixed(
        self, session: Any, components: pd.DataFrame
    ) -> None:
        mixed = components.drop(columns="rule_name").head(4).copy()
        mixed.loc[mixed.index[:2], "rule_id"] = pd.NA
        named = session.reactor.with_names(mixed)
        assert named[["rule_id", "rule_name"]].equals(components.head(4)[["rule_id", "rule_name"]])

    def test_component_of_two_rules_has_both_names_and_no_id(self, shop: Any) -> None:
        rules = [
            shop.reactor.rules.create(shop.property, name=name).loc[0, "id"] for name in ("A", "B")
        ]
        about = {"delegate_descriptor_id": "core::events::library-loaded", "extension": shop.core}
        made = shop.reactor.rule_components.create(
            shop.property, name="Shared", rules=rules, **about
        )
        assert made["rule_id"].isna().all()
        named = shop.reactor.with_names(made)
        assert named["rule_name"].tolist() == ["A, B"]
        assert named["rule_id"].isna().all()

    def test_deleted_component_has_no_rule_name(self, session: Any) -> None:
        gone = pd.DataFrame({"id": ["RC" + ZEROS], "rule_id": pd.array([None], dtype="string")})
        assert session.reactor.with_names(gone)["rule_name"].isna().all()


class TestAuditEventsOfAProperty:
    def test_only_events_of_the_property_are_returned(self, session: Any) -> None:
        site = session.reactor.find("properties", "Checkout")
        everything = session.reactor.audit_events()
        expected = everything[everything["property_id"] == site.loc[0, "id"]].reset_index(drop=True)
        found = session.reactor.audit_events(site)
        assert 0 < len(found) < len(everything)
        pd.testing.assert_frame_equal(found, expected)
        assert found.attrs["total_count"] == len(found)
        assert [each["id"] for each in session.reactor.audit_events.iterate(site)] == found[
            "id"
        ].tolist()

    def test_filter_sort_and_limit_apply(self, session: Any) -> None:
        sites = session.reactor.properties().head(2)
        found = session.reactor.audit_events(
            sites, filter={"type_of": "EQ rule.updated"}, sort="-created_at"
        )
        assert set(found["property_id"]) <= set(sites["id"])
        assert set(found["type_of"]) == {"rule.updated"}
        first = session.reactor.audit_events(
            sites, filter={"type_of": "EQ rule.updated"}, sort="-created_at", limit=3
        )
        assert first["id"].tolist() == found["id"].tolist()[:3]
        assert len(list(session.reactor.audit_events.iterate(sites, limit=3))) == 3

    def test_empty_frame_of_properties_costs_no_request(self, demo: Any, session: Any) -> None:
        none = session.reactor.properties().head(0)
        demo.requests.clear()
        assert len(session.reactor.audit_events(none)) == 0
        assert list(session.reactor.audit_events.iterate(none)) == []
        with pytest.raises(adobe_nb.ArgumentError, match="is a rule, not a property"):
            session.reactor.audit_events("RL" + ZEROS)
        assert not demo.requests


def test_missing_value_as_a_parameter_is_refused(demo: Any) -> None:
    reactor = sign_in(demo).reactor
    demo.requests.clear()
    for nothing in (None, pd.NA, float("nan"), [1], pd.NaT):
        with pytest.raises(adobe_nb.ArgumentError, match="is a text or a number"):
            reactor.request("GET", "/companies", {"page[size]": nothing})
    assert not demo.requests
