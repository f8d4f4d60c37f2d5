"""Lists, get, find and iterate: parents, filters, sort, limit, completeness, errors."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from adobe_nb import session as sessions
from adobe_nb.api.reactor.bindings import Reactor
from adobe_nb.errors import (
    AdobeError,
    ApiError,
    ArgumentError,
    IncompleteResult,
    NameLookupError,
    NotAllowed,
    NotFound,
    RateLimited,
)
from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.faults import Fault, Faults
from adobe_nb.simulator.seed import Bulk
from tests.conftest import NoSession, sign_in
from tests.support.stub import Answer, Got, stub

UNKNOWN = "0" * 32


@pytest.fixture(scope="module")
def big() -> Any:
    """One property with 250 rules, and one without rules."""
    from tests.conftest import started

    simulator = started(seed="empty", bulk=Bulk(properties=2, rules=250, data_elements=120))
    second = simulator.stores[simulator.accounts["demo"].org_id].all("properties")[1]
    store = simulator.stores[simulator.accounts["demo"].org_id]
    for rule in store.listed(second.id, "rules"):
        store.unlink(second.id, "rules", rule)
    yield simulator
    simulator.stop()


@pytest.fixture
def big_reactor(big: Any) -> Any:
    big.requests.clear()
    return sign_in(big).reactor


def sent(simulator: Any, path_end: str) -> list[Any]:
    return [request for request in simulator.requests if request.path.endswith(path_end)]


def no_request(simulator: Any) -> Any:
    simulator.requests.clear()
    return simulator.requests


class TestLists:
    def test_list_of_250_rules_is_read_in_pages_of_100(self, big: Any, big_reactor: Any) -> None:
        frame = big_reactor.rules(big_reactor.properties().head(1))
        assert len(frame) == 250
        assert frame["id"].is_unique
        asked = [dict(request.query) for request in sent(big, "/rules")]
        assert sorted(query["page[number]"] for query in asked) == ["1", "2", "3"]
        assert {query["page[size]"] for query in asked} == {"100"}
        assert frame.attrs["total_count"] == 250

    def test_empty_list_has_same_columns_and_dtypes_as_full_list(self, big_reactor: Any) -> None:
        properties = big_reactor.properties()
        full, empty = big_reactor.rules(properties.head(1)), big_reactor.rules(properties.tail(1))
        assert len(empty) == 0
        assert full.dtypes.astype(str).to_dict() == empty.dtypes.astype(str).to_dict()

    @pytest.mark.parametrize(
        "resource_type", [row.type for row in RESOURCES.values() if not row.root]
    )
    def test_type_lists_under_each_of_its_parents(self, reactor: Any, resource_type: str) -> None:
        row = RESOURCES[resource_type]
        for parent in (*row.parents, *row.through):
            parents = reactor.companies() if parent == "companies" else None
            if parents is None:
                properties = reactor.properties()
                parents = (
                    properties if parent == "properties" else getattr(reactor, parent)(properties)
                )
            frame = getattr(reactor, resource_type)(parents.head(3))
            listed_under = row.through.get(parent, parent)
            column = row.parent_column(listed_under)
            assert list(frame.columns)[: 2 if column else 1] == (
                ["id", column] if column else ["id"]
            )
            assert frame["id"].str.startswith(row.prefix).all()

    def test_properties_without_parent_lists_all_companies(self, reactor: Any) -> None:
        assert reactor.properties()["name"].tolist() == [
            "Web Store US",
            "Web Store DE",
            "Checkout",
            "Magazine",
            "Store App",
            "Event Forwarding",
        ]

    def test_rule_components_of_property_join_to_their_rules(self, reactor: Any) -> None:
        shop = reactor.find("properties", "Web Store US")
        rules, components = reactor.rules(shop), reactor.rule_components(shop)
        joined = components.merge(rules, left_on="rule_id", right_on="id", suffixes=("", "_rule"))
        assert len(joined) == len(components) > 40
        assert set(components["rule_id"]) == set(rules["id"])

    def test_rules_of_libraries_have_library_id(self, reactor: Any) -> None:
        libraries = reactor.libraries(reactor.find("properties", "Checkout"))
        frame = reactor.rules(libraries)
        assert set(frame["library_id"]) <= set(libraries["id"])
        assert (frame["revision_number"] > 0).all()
        assert frame.groupby("library_id")["id"].nunique().sum() == len(frame)

    def test_default_order_is_created_at(self, big: Any, big_reactor: Any) -> None:
        frame = big_reactor.rules(big_reactor.properties().head(1))
        assert {dict(request.query)["sort"] for request in sent(big, "/rules")} == {"created_at"}
        assert frame["created_at"].is_monotonic_increasing


class TestParents:
    def shop(self, reactor: Any) -> pd.DataFrame:
        return reactor.find("properties", "Web Store US")

    def test_parents_can_be_id_list_frame_column_row_or_dict(self, reactor: Any) -> None:
        shop = self.shop(reactor)
        identifier = shop["id"][0]
        expected = reactor.rules(identifier)
        for parents in (
            f" {identifier}\n",
            [identifier],
            (identifier, identifier),
            shop,
            shop["id"],
            shop.iloc[0],
            {"id": identifier},
            next(shop.itertuples()),
            [shop],
            iter([identifier]),
            pd.Series([identifier, None, identifier], dtype="string"),
        ):
            pd.testing.assert_frame_equal(reactor.rules(parents), expected)

    def test_column_with_label_id_in_index_is_read_as_column(self, reactor: Any) -> None:
        properties = reactor.properties()
        column = pd.Series(
            properties["id"].tolist(), index=["id", "b", "c", "d", "e", "f"], dtype="string"
        )
        assert len(reactor.rules(column)) == len(reactor.rules(properties)) > 0

    def test_empty_frame_of_libraries_gives_same_columns_as_full_frame(self, reactor: Any) -> None:
        libraries = reactor.libraries(reactor.find("properties", "Checkout"))
        assert list(reactor.rules(libraries.head(0)).columns) == list(
            reactor.rules(libraries).columns
        )

    def test_unknown_attribute_suggests_similar_name(self, reactor: Any) -> None:
        with pytest.raises(AttributeError, match=r"no 'rule'. Did you mean rules\?"):
            reactor.rule  # noqa: B018
        assert not hasattr(reactor, "_repr_html_")

    @pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA, pd.NaT])
    def test_single_missing_id_is_refused(self, reactor: Any, nothing: Any) -> None:
        for call in (reactor.rules.get, reactor.get, reactor.rules, reactor.rules.revisions):
            with pytest.raises(ArgumentError):
                call(nothing)
        assert reactor.rules([nothing]).empty  # a column may have some

    def test_frame_with_two_id_columns_is_refused(self, reactor: Any) -> None:
        frame = reactor.properties()[["id", "id"]]
        with pytest.raises(ArgumentError, match='two "id" columns'):
            reactor.rules(frame)

    @pytest.mark.parametrize(
        "nothing", [[], pd.Series([], dtype="string"), pd.Series([None], dtype="string"), [None]]
    )
    def test_empty_parents_give_empty_frame_without_request(
        self, demo: Any, reactor: Any, nothing: Any
    ) -> None:
        received = no_request(demo)
        frame = reactor.rules(nothing)
        assert len(frame) == 0
        assert list(frame.columns)[:2] == ["id", "created_at"]
        assert not received

    @pytest.mark.parametrize(
        ("resource_type", "parents", "says"),
        [
            (
                "rules",
                f"CO{UNKNOWN}",
                "rules are listed under a property, a library, a rule component or a build, "
                "not a company",
            ),
            ("rules", f"ZZ{UNKNOWN}", "unknown prefix"),
            ("rules", "My site", "is not an id.*reactor.find"),
            ("rules", f"pr{UNKNOWN}", "is not an id"),
            ("rules", "PRdad4…f406", "short form that a table displays"),
            ("rules", np.array(f"PR{UNKNOWN}"), "or a frame, got ndarray"),
            ("rules", 5, "Expected an id, a list of ids or a frame, got int"),
            ("rules", [5], "or a frame, got int"),
            ("rules", None, "Pass one, for example"),
            ("rules", [f"PR{UNKNOWN}", f"LB{UNKNOWN}"], "several types"),
            ("rules", pd.DataFrame({"name": ["x"]}), 'no "id" column'),
            ("rules", {"name": "x"}, 'no "id"'),
            ("companies", f"CO{UNKNOWN}", "not listed under a parent"),
            ("environments", f"LB{UNKNOWN}", "listed under a property, not a library"),
        ],
    )
    def test_invalid_parents_are_refused_before_any_request(
        self, demo: Any, reactor: Any, resource_type: str, parents: Any, says: str
    ) -> None:
        received = no_request(demo)
        with pytest.raises(ArgumentError, match=says):
            getattr(reactor, resource_type)(parents)
        with pytest.raises(ValueError, match=says):
            getattr(reactor, resource_type).iterate(parents)
        assert not received

    def test_unknown_parent_raises_not_found(self, reactor: Any) -> None:
        with pytest.raises(
            NotFound, match=f"/properties/PR{UNKNOWN}/rules failed with 404 not-found"
        ):
            reactor.rules(f"PR{UNKNOWN}")


class TestFilterSortLimit:
    def test_filter_is_sent_with_every_page(self, big: Any, big_reactor: Any) -> None:
        frame = big_reactor.rules(big_reactor.properties().head(1), filter={"enabled": True})
        assert frame["enabled"].all()
        assert len(frame) == 214
        assert {dict(request.query)["filter[enabled]"] for request in sent(big, "/rules")} == {
            "EQ true"
        }
        assert len(sent(big, "/rules")) == 3

    def test_contains_ignores_case(self, reactor: Any) -> None:
        found = reactor.rules(reactor.properties(), filter={"name": "CONTAINS PAGE VIEW"})
        assert sorted(found["name"]) == [
            "All Pages - Page View",
            "Alle Seiten - Page View",
            "Forward Page Views",
        ]

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ({"nam": "EQ x"}, "Did you mean name"),
            ({"name": "x"}, "no operator"),
            ("x", "must be a dict"),
        ],
    )
    def test_invalid_filter_is_refused_before_any_request(
        self, demo: Any, reactor: Any, given: Any, says: str
    ) -> None:
        received = no_request(demo)
        with pytest.raises(ArgumentError, match=says):
            reactor.properties(filter=given)
        assert not received

    def test_sort_orders_rows_of_several_parents(self, reactor: Any) -> None:
        frame = reactor.rules(reactor.properties(), sort="-updated_at")
        assert frame["updated_at"].is_monotonic_decreasing
        assert frame["property_id"].nunique() == 6

    def test_limit_applies_to_all_parents_together(self, demo: Any, reactor: Any) -> None:
        properties = reactor.properties()
        demo.requests.clear()
        frame = reactor.rules(properties, limit=26)
        assert len(frame) == 26
        assert len(sent(demo, "/rules")) == 2
        assert frame["property_id"].nunique() == 2

    def test_sort_with_limit_gives_first_rows_of_all_parents(self, reactor: Any) -> None:
        properties = reactor.properties()
        whole = reactor.rules(properties, sort="-updated_at")
        pd.testing.assert_frame_equal(
            reactor.rules(properties, sort="-updated_at", limit=7), whole.head(7)
        )

    def test_limit_sets_page_size(self, big: Any, big_reactor: Any) -> None:
        frame = big_reactor.rules(big_reactor.properties().head(1), limit=7)
        assert len(frame) == 7
        assert [dict(request.query)["page[size]"] for request in sent(big, "/rules")] == ["7"]
        assert frame.attrs["total_count"] == 250

    def test_limit_above_total_gives_all_rows(self, big_reactor: Any) -> None:
        assert len(big_reactor.rules(big_reactor.properties().head(1), limit=1000)) == 250

    def test_limit_accepts_numpy_integer(self, reactor: Any) -> None:
        assert len(reactor.properties(limit=np.int64(2))) == 2

    @pytest.mark.parametrize("limit", [0, -1, True, 1.5, "10"])
    def test_invalid_limit_is_refused(self, reactor: Any, limit: Any) -> None:
        with pytest.raises(ArgumentError, match="limit must be a positive integer"):
            reactor.properties(limit=limit)


class TestGet:
    def test_get_keeps_order_and_drops_duplicates(self, reactor: Any) -> None:
        ids = reactor.properties()["id"].tolist()
        assert reactor.properties.get(ids[2], ids[0], [ids[2]])["id"].tolist() == [ids[2], ids[0]]

    def test_get_component_has_no_rule_id(self, reactor: Any) -> None:
        component = reactor.rule_components(reactor.find("properties", "Checkout")).head(1)
        assert reactor.rule_components.get(component)["rule_id"].isna().all()

    def test_get_of_several_types_gives_one_frame_per_type(self, reactor: Any) -> None:
        shop = reactor.find("properties", "Checkout")
        rule = reactor.rules(shop, limit=1)
        frames = reactor.get(rule, shop)
        assert {kind: len(frame) for kind, frame in frames.items()} == {"rules": 1, "properties": 1}

    def test_get_without_ids_is_empty(self, reactor: Any) -> None:
        assert len(reactor.rules.get([])) == 0
        assert reactor.get() == {}

    def test_get_refuses_id_of_another_type(self, demo: Any, reactor: Any) -> None:
        received = no_request(demo)
        with pytest.raises(
            ArgumentError,
            match=f"DE{UNKNOWN} is a data element, not a rule: ids of rules begin with RL",
        ):
            reactor.rules.get(f"DE{UNKNOWN}")
        with pytest.raises(ArgumentError, match="has an unknown prefix"):
            reactor.get(f"ZZ{UNKNOWN}")
        assert not received

    def test_get_unknown_id_raises_not_found_with_request_details(self, reactor: Any) -> None:
        with pytest.raises(NotFound, match="whether this is the right organization") as caught:
            reactor.rules.get(f"RL{UNKNOWN}")
        error = caught.value
        assert (error.status, error.code, error.method) == (404, "not-found", "GET")
        assert error.url.endswith(f"/rules/RL{UNKNOWN}")
        assert error.request_id is not None
        assert len(error.request_id) == 32
        assert error.errors[0]["title"] == "Record Not Found"


class TestFind:
    def test_find_gives_one_row_by_exact_name(self, reactor: Any) -> None:
        found = reactor.find("properties", "Checkout")
        assert found["name"].tolist() == ["Checkout"]
        assert found.attrs["service"] == "simulator"

    def test_find_lists_candidates_with_similar_names_first(self, reactor: Any) -> None:
        with pytest.raises(
            NameLookupError,
            match="No property is called 'web store'. Available: 'Web Store US', 'Web Store DE'",
        ) as caught:
            reactor.find("properties", "web store")
        assert len(caught.value.candidates) == 6

    def test_find_counts_candidates_beyond_ten(self, reactor: Any) -> None:
        with pytest.raises(NameLookupError, match=r"and \d+ more\.$"):
            reactor.find("rules", "zzz", reactor.properties())

    def test_find_lists_ids_of_resources_with_same_name(self, reactor: Any) -> None:
        with pytest.raises(NameLookupError, match="6 environments are called 'Development': EN"):
            reactor.find("environments", "Development", reactor.properties())

    def test_find_looks_only_under_given_parent(self, reactor: Any) -> None:
        shop = reactor.find("properties", "Checkout")
        assert len(reactor.environments.find("Development", shop)) == 1

    def test_find_accepts_iterator_of_parents(self, reactor: Any) -> None:
        parents = iter(reactor.properties()["id"].tolist())
        with pytest.raises(NameLookupError, match="Available: 'Home - Hero Click'"):
            reactor.find("rules", "Home - Hero", parents)

    def test_find_name_with_comma_reads_whole_list(self, reactor: Any) -> None:
        with pytest.raises(NameLookupError, match="No property is called 'a, b'"):
            reactor.find("properties", "a, b")

    @pytest.mark.parametrize("name", ["", "  ", None, 5])
    def test_find_refuses_empty_name(self, reactor: Any, name: Any) -> None:
        with pytest.raises(ArgumentError, match="find\\(\\) requires a non-empty name"):
            reactor.find("properties", name)

    def test_find_refuses_unknown_type(self, reactor: Any) -> None:
        with pytest.raises(
            ArgumentError, match="'propertys' is not a resource type. Did you mean properties"
        ):
            reactor.find("propertys", "x")


class TestIterate:
    def test_iterate_gives_resources_as_dicts(self, big_reactor: Any) -> None:
        resources = list(big_reactor.rules.iterate(big_reactor.properties().head(1)))
        assert len(resources) == 250
        assert resources[0]["attributes"]["name"] == "Rule 00000"

    def test_iterate_requests_page_by_page(self, big: Any, big_reactor: Any) -> None:
        first = big_reactor.properties().head(1)
        resources = big_reactor.rules.iterate(first)
        assert sent(big, "/rules") == []
        next(resources)
        assert len(sent(big, "/rules")) == 1

    def test_iterate_stops_at_limit(self, big: Any, big_reactor: Any) -> None:
        assert len(list(big_reactor.rules.iterate(big_reactor.properties().head(1), limit=3))) == 3
        assert len(sent(big, "/rules")) == 1


class TestRaw:
    def test_request_returns_document(self, reactor: Any) -> None:
        document = reactor.request("get", "/companies?page[size]=5", {"page[number]": 1})
        assert document["meta"]["pagination"]["total_count"] == 1

    def test_request_refuses_params_that_are_not_a_dict(self, reactor: Any) -> None:
        with pytest.raises(ArgumentError, match="params is a dict"):
            reactor.request("GET", "/companies", [("a", "b")])

    @pytest.mark.parametrize(
        "path",
        [
            5,
            "/x'; rm -rf ~; '",
            "/a b",
            "/../x",
            "companies",
            "//elsewhere.test/x",
            "https://elsewhere.test",
        ],
    )
    def test_request_refuses_invalid_path(self, reactor: Any, path: str) -> None:
        with pytest.raises(ArgumentError, match="begins with one slash"):
            reactor.request("GET", path)

    def test_request_refuses_unsupported_method(self, reactor: Any) -> None:
        with pytest.raises(ArgumentError, match="Invalid method PUT: expected GET"):
            reactor.request("PUT", "/companies")
        with pytest.raises(ArgumentError, match="body is a dict"):
            reactor.request("GET", "/companies", body={})

    def test_as_curl_has_placeholders_instead_of_credentials(self, reactor: Any, demo: Any) -> None:
        command = reactor.as_curl("GET", "/companies", {"page[size]": 5})
        assert command.startswith(f"curl -X GET '{demo.reactor_url}/companies?page%5Bsize%5D=5'")
        for part in (
            "Bearer {ACCESS_TOKEN}",
            "x-api-key: {API_KEY}",
            "x-gw-ims-org-id: {ORG_ID}",
            "revision=1",
        ):
            assert part in command
        assert demo.accounts["demo"].client_id not in command


class TestNames:
    def test_with_names_adds_names_next_to_ids(self, reactor: Any) -> None:
        shop = reactor.find("properties", "Checkout")
        named = reactor.with_names(reactor.rule_components(shop).head(4))
        columns = list(named.columns)
        assert columns[columns.index("rule_id") + 1] == "rule_name"
        assert named["rule_name"].tolist() == ["Cart - View"] * 4
        assert named["property_name"].tolist() == ["Checkout"] * 4
        assert set(named["extension_name"]) == {"core", "adobe-alloy"}
        assert str(named["rule_name"].dtype) == "string"

    def test_with_names_adds_the_parts_of_delegates(self, reactor: Any) -> None:
        shop = reactor.find("properties", "Checkout")
        named = reactor.with_names(reactor.rule_components(shop))
        columns = list(named.columns)
        position = columns.index("delegate_descriptor_id")
        assert columns[position + 1 : position + 3] == ["delegate_kind", "delegate_name"]
        assert set(named["delegate_kind"]) == {"event", "condition", "action"}
        whole = named[["extension_name", "delegate_kind", "delegate_name"]].agg("::".join, axis=1)
        written = named["delegate_descriptor_id"].str.replace("s::", "::")
        assert whole.tolist() == written.tolist()
        elements = reactor.with_names(reactor.data_elements(shop))
        assert set(elements["delegate_kind"]) == {"data_element"}
        extensions = reactor.with_names(reactor.extensions(shop))
        assert set(extensions["delegate_kind"].dropna()) == {"configuration"}

    def test_with_names_needs_no_request_for_parts_of_delegates(self) -> None:
        descriptors = ["core::events::click", "a::futureKind::b::c", "core", "::::", None]
        frame = pd.DataFrame({"delegate_descriptor_id": pd.array(descriptors, "string"), "x": 1})
        named = Reactor(NoSession()).with_names(frame)
        assert list(named.columns) == [
            "delegate_descriptor_id", "extension_name", "delegate_kind", "delegate_name", "x",
        ]  # fmt: skip
        parts = named[["extension_name", "delegate_kind", "delegate_name"]]
        assert parts.loc[0].tolist() == ["core", "event", "click"]
        assert parts.loc[1].tolist() == ["a", "futureKind", "b::c"]
        assert parts.loc[2:].isna().all(axis=None)
        assert set(map(str, parts.dtypes)) == {"string"}
        assert "delegate_kind" not in frame
        again = Reactor(NoSession()).with_names(named.assign(delegate_name="mine"))
        assert set(again["delegate_name"]) == {"mine"}

    def test_with_names_reads_names_of_delegates_with_line_ends(self) -> None:
        frame = pd.DataFrame({"delegate_descriptor_id": ["core::events::a\nb\n"]})
        named = Reactor(NoSession()).with_names(frame)
        assert named["delegate_name"].tolist() == ["a\nb\n"]

    @pytest.mark.parametrize("name", ["delegate_descriptor_id", "rule_id", "id"])
    def test_with_names_refuses_several_columns_of_one_id(self, name: str) -> None:
        frame = pd.DataFrame([["a", "b"]], columns=[name, name])
        with pytest.raises(ArgumentError, match=f"several columns named {name}. Rename or drop"):
            Reactor(NoSession()).with_names(frame)

    def test_with_names_permits_other_columns_of_the_same_name(self) -> None:
        frame = pd.DataFrame(
            [["a", "b", "core::events::c"]], columns=["n", "n", "delegate_descriptor_id"]
        )
        assert Reactor(NoSession()).with_names(frame)["delegate_name"].tolist() == ["c"]

    def test_with_names_gives_na_for_missing_resources(self, reactor: Any) -> None:
        frame = pd.DataFrame({"rule_id": pd.array([None, f"RL{UNKNOWN}"], dtype="string")})
        assert reactor.with_names(frame)["rule_name"].isna().all()


def test_with_names_refuses_page_of_a_proxy(simulate: Any) -> None:
    simulator = simulate()
    session = sign_in(simulator)
    frame = session.reactor.rules(session.reactor.properties(), limit=3)
    simulator.faults = Faults((Fault("html", 1.0),))
    with pytest.raises(NotFound, match="not Adobe's JSON"):
        session.reactor.with_names(frame)


class TestCompleteness:
    """Inconsistent responses, from a stub."""

    def reactor_of(self, url: str) -> Any:
        token = {"access_token": "t", "token_type": "bearer", "expires_in": 99}
        self.token = json.dumps(token).encode()
        return sessions.connect(
            client_id="c" * 12,
            client_secret="hush",
            org_id="A@AdobeOrg",
            retry_pause=0,
            ims_url=url,
            reactor_url=url,
        ).reactor

    def serve(self, *lists: tuple[list[str], dict[str, int] | None]) -> Any:
        """Serve lists with these ids and this pagination, one after the other."""
        left = list(lists)

        def answer(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(
                    200, b'{"access_token": "t", "token_type": "bearer", "expires_in": 99}'
                )
            ids, pagination = left.pop(0) if len(left) > 1 else left[0]
            document = {"data": [{"id": each, "type": "companies"} for each in ids]}
            if pagination:
                document["meta"] = {"pagination": pagination}
            return Answer(
                200, json.dumps(document).encode(), {"Content-Type": "application/vnd.api+json"}
            )

        return stub(answer)

    def test_incomplete_list_is_read_again_then_refused(self) -> None:
        with self.serve((["CO1"], {"total_count": 2, "total_pages": 1})) as server:
            with pytest.raises(
                IncompleteResult, match="reported 2 resources but returned 1, in 3 attempts"
            ) as caught:
                self.reactor_of(server.url).companies()
            assert sum(got.path.startswith("/companies") for got in server.got) == 3
            assert caught.value.gaps == (("/companies", 2, 1, 0),)
            assert caught.value.gaps[0].missing == 1

    def test_list_that_is_complete_at_second_attempt_is_returned(self) -> None:
        once, then = (
            (["CO1"], {"total_count": 2, "total_pages": 1}),
            (["CO1", "CO2"], {"total_count": 2, "total_pages": 1}),
        )
        with self.serve(once, then) as server:
            assert len(self.reactor_of(server.url).companies()) == 2

    def test_duplicate_resource_is_refused(self) -> None:
        with self.serve((["CO1", "CO1"], {"total_count": 2, "total_pages": 1})) as server:
            with pytest.raises(IncompleteResult, match="gave 1 of its resources twice"):
                self.reactor_of(server.url).companies()

    def test_list_without_totals_is_read_until_a_short_page(self) -> None:
        page = [f"CO{number:032x}" for number in range(150)]
        # Read twice: without totals, nothing else would tell that a row moved from page to page.
        with self.serve(
            (page[:100], None), (page[100:], None), (page[:100], None), (page[100:], None)
        ) as server:
            assert len(self.reactor_of(server.url).companies()) == 150

    def test_limited_list_and_iteration_are_checked_for_completeness(self) -> None:
        page = [f"CO{number:032x}" for number in range(5)]
        with self.serve((page, {"total_count": 40, "total_pages": 1})) as server:
            reactor = self.reactor_of(server.url)
            with pytest.raises(IncompleteResult, match="reported 40 resources but returned 5"):
                reactor.companies(limit=30)
            with pytest.raises(IncompleteResult, match="reported 40 resources but returned 5"):
                list(reactor.companies.iterate())
        with self.serve((page, {"total_count": 15, "total_pages": 3})) as server:
            with pytest.raises(IncompleteResult, match="twice"):
                list(self.reactor_of(server.url).companies.iterate())

    def test_repeating_list_without_totals_is_refused(self) -> None:
        page = [f"CO{number:032x}" for number in range(100)]
        with self.serve((page, None)) as server, pytest.raises(IncompleteResult, match="twice"):
            self.reactor_of(server.url).companies()

    @pytest.mark.parametrize(
        "odd",
        [{"id": "CO1", "type": "rules"}, {"id": 5, "type": "companies"}, {"type": "companies"}],
    )
    def test_resource_of_another_type_is_refused(self, odd: dict[str, Any]) -> None:
        def answer(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}')
            data: Any = [odd] if got.path.startswith("/companies?") else odd
            return Answer(
                200,
                json.dumps({"data": data}).encode(),
                {"Content-Type": "application/vnd.api+json"},
            )

        with stub(answer) as server:
            reactor = self.reactor_of(server.url)
            with pytest.raises(IncompleteResult, match="list of companies"):
                reactor.companies()
            with pytest.raises(IncompleteResult, match="other than the requested companies"):
                reactor.companies.get(f"CO{UNKNOWN}")

    def test_ignored_filter_is_refused(self) -> None:
        def answer(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}')
            document = {
                "data": [{"id": "CO1", "type": "companies", "attributes": {"name": "other"}}]
            }
            return Answer(
                200, json.dumps(document).encode(), {"Content-Type": "application/vnd.api+json"}
            )

        with (
            stub(answer) as server,
            pytest.raises(IncompleteResult, match="did not apply the filter"),
        ):
            self.reactor_of(server.url).companies(filter={"name": "EQ mine"})


class TestErrors:
    def answered(self, status: int, body: bytes, content_type: str) -> Exception:
        def answer(got: Got) -> Answer:
            if got.path.startswith("/ims/"):
                return Answer(200, b'{"access_token": "t", "expires_in": 99}')
            return Answer(status, body, {"Content-Type": content_type})

        with stub(answer) as server:
            session = sessions.connect(
                client_id="c" * 12,
                client_secret="hush",
                org_id="A@AdobeOrg",
                retry_pause=0,
                ims_url=server.url,
                reactor_url=server.url,
            )
            with pytest.raises(AdobeError) as caught:
                session.reactor.companies()
            self.checked = session.test()
        return caught.value

    def test_html_page_with_404_is_not_an_empty_organization(self) -> None:
        error = self.answered(404, b"<html>hush not found</html>", "text/html")
        assert isinstance(error, NotFound)
        assert "not Adobe's JSON" in str(error)
        assert "hush" not in str(error)
        assert error.code is None
        assert not self.checked.ok

    def test_html_page_with_200_is_refused(self) -> None:
        error = self.answered(200, b"<html></html>", "text/html")
        assert isinstance(error, IncompleteResult)
        assert "login page" in str(error)
        assert not self.checked.ok

    def test_document_without_list_is_refused(self) -> None:
        assert isinstance(self.answered(200, b'{"data": {}}', "application/json"), IncompleteResult)
        assert not self.checked.ok

    def test_repeated_429_raises_rate_limited(self) -> None:
        error = self.answered(
            429, b'{"error_code": "429050", "message": "slow"}', "application/json"
        )
        assert isinstance(error, RateLimited)
        assert error.code == "429050"

    def test_gateway_error_is_explained(self, demo: Any) -> None:
        session = sign_in(demo, "no_profile", make_default=False)
        with pytest.raises(NotAllowed, match="product profile") as caught:
            session.reactor.companies()
        assert (caught.value.status, caught.value.code) == (403, "403221")

    def test_wrong_organization_is_explained(self, demo: Any) -> None:
        session = sign_in(demo, org_id="FFFFFFFFFFFFFFFFFFFFFFFF@AdobeOrg")
        with pytest.raises(NotAllowed, match="403025.*Use the organization ID"):
            session.reactor.companies()

    def test_list_without_company_raises_api_error(self, demo: Any) -> None:
        with pytest.raises(ApiError, match="404 not-found"):
            sign_in(demo, "no_company").reactor.companies()


@pytest.mark.parametrize("kind", ["429", "502", "503", "504", "reset", "cut"])
def test_list_survives_faults_in_a_fifth_of_requests(simulate: Any, demo: Any, kind: str) -> None:
    simulator = simulate(bulk=Bulk(properties=1, rules=120), faults=(Fault(kind, 0.2),))
    session = sign_in(simulator)
    demo_company = sign_in(demo).reactor
    planted = len(demo_company.rules(demo_company.properties()))
    assert len(session.reactor.rules(session.reactor.properties())) == planted + 120


def test_help_shows_columns_parents_filters_and_link(reactor: Any) -> None:
    text = reactor.rules.__doc__
    for part in (
        "Listed: under a property",
        "Filters: created_at",
        "revision_number",
        "endpoints/rules",
        "Int64",
    ):
        assert part in text


def test_columns_have_dtypes(reactor: Any) -> None:
    assert reactor.rule_components.columns["rule_id"] == "string"
    assert list(reactor.companies().columns) == list(reactor.companies.columns)


@pytest.fixture(scope="module")
def everything(demo: Any) -> dict[str, pd.DataFrame]:
    reactor = sign_in(demo, make_default=False).reactor
    properties = reactor.properties()
    rules, libraries = reactor.rules(properties), reactor.libraries(properties)
    return {
        "companies": reactor.companies(),
        "properties": properties,
        "rules": rules,
        "libraries": libraries,
        "rule_components": reactor.rule_components(properties),
        "data_elements": reactor.data_elements(properties),
        "extensions": reactor.extensions(properties),
        "environments": reactor.environments(properties),
        "hosts": reactor.hosts(properties),
        "builds": reactor.builds(libraries),
        "notes": reactor.notes(rules),
        "callbacks": reactor.callbacks(properties),
        "secrets": reactor.secrets(properties),
        "app_configurations": reactor.app_configurations(),
        "extension_packages": reactor.extension_packages(),
        "extension_package_usage_authorizations": reactor.extension_package_usage_authorizations(),
        "audit_events": reactor.audit_events(),
    }


class TestEveryType:
    """Every type: listed, fetched, filtered, and with the same columns when empty."""

    @pytest.mark.parametrize("name", [row.type for row in RESOURCES.values() if row.listed])
    def test_list_has_documented_columns_and_get_returns_its_rows(
        self, everything: dict[str, pd.DataFrame], session: Any, name: str
    ) -> None:
        frame, collection = everything[name], getattr(session.reactor, name)
        assert len(frame) >= 1
        promised = set(collection.columns)
        missing = promised - set(frame.columns)  # Columns of the parents, which depend on the list.
        assert all(column.endswith("_id") for column in missing)
        for column in set(frame.columns) & promised:
            assert str(frame[column].dtype) == collection.columns[column], column
        again = collection.get(frame["id"].head(2))
        assert again["id"].tolist() == frame["id"].head(2).tolist()
        assert frame["id"].str.startswith(RESOURCES[name].prefix).all()

    def test_profile_is_one_row(self, session: Any) -> None:
        frame = session.reactor.profile()
        assert len(frame) == 1
        assert frame["active_org"][0] == session.org_id
        with pytest.raises(
            ArgumentError, match=r"does not list profiles. Get your own with reactor.profile\(\)"
        ):
            session.reactor.profiles()

    def test_write_only_attributes_have_no_column(
        self, everything: dict[str, pd.DataFrame]
    ) -> None:
        assert "credentials" not in everything["secrets"].columns
        assert "push_credential" not in everything["app_configurations"].columns
        assert "encrypted_private_key" not in everything["hosts"].columns

    def test_audit_events_are_complete_and_filtered_by_type(self, session: Any) -> None:
        everything = session.reactor.audit_events()
        assert everything.attrs["total_count"] == len(everything) > 500
        updated = session.reactor.audit_events(
            filter={"type_of": "EQ rule.updated"}, sort="-created_at"
        )
        assert set(updated["type_of"]) == {"rule.updated"}
        assert set(updated["entity_type"]) == {"rules"}
        assert updated["created_at"].is_monotonic_decreasing
        document = json.loads(updated["entity"][0])
        assert document["data"]["id"] == updated["entity_id"][0]

    def test_builds_of_property_are_read_through_its_libraries(self, session: Any) -> None:
        site = session.reactor.find("properties", "Web Store US")
        builds = session.reactor.builds(site)
        assert set(builds["library_id"]) <= set(session.reactor.libraries(site)["id"])
        assert len(session.reactor.rules(builds.head(1))) > 0
        assert session.reactor.rules(builds.head(1)).columns[1] == "build_id"

    def test_secrets_are_filtered_by_environment(self, session: Any) -> None:
        secrets = session.reactor.secrets(session.reactor.properties())
        environment = secrets["environment_id"][0]
        assert len(session.reactor.secrets(environment)) == 1
        parents = session.reactor.properties(filter={"platform": "EQ edge"})
        assert (
            len(session.reactor.secrets(parents, filter={"environment_id": f"EQ {environment}"}))
            == 1
        )
        assert len(session.reactor.secrets(parents, filter={"environment_id": "EQ EN0"})) == 0

    def test_notes_name_their_resource(self, session: Any) -> None:
        rules = session.reactor.rules(session.reactor.properties())
        notes = session.reactor.notes(rules)
        assert set(notes["resource_type"]) == {"rules"}
        assert set(notes["resource_id"]) <= set(rules["id"])

    def test_authorizations_are_listed_at_root_and_by_package(self, session: Any) -> None:
        listed = session.reactor.extension_package_usage_authorizations()
        package = listed["extension_package_id"][0]
        of_package = session.reactor.extension_package_usage_authorizations(package)
        assert (
            of_package["id"].tolist()
            == listed[listed["extension_package_id"] == package]["id"].tolist()
        )


class TestRelated:
    def test_revisions_include_head_and_all_frozen_revisions(self, session: Any) -> None:
        rules = session.reactor.rules(session.reactor.find("properties", "Web Store US"))
        changed = rules[rules["meta_latest_revision_number"] > 1]["id"].iloc[0]
        revisions = session.reactor.rules.revisions(changed)
        assert revisions.columns[1] == "rule_id"
        assert set(revisions["rule_id"]) == {changed}
        latest = rules.set_index("id").loc[changed, "meta_latest_revision_number"]
        assert sorted(revisions["revision_number"]) == list(range(int(latest) + 1))
        assert set(revisions["origin_id"]) == {changed}

    def test_related_follows_to_one_and_to_many(self, session: Any) -> None:
        libraries = session.reactor.libraries(
            session.reactor.find("properties", "Web Store US"), sort="created_at"
        )
        later = libraries[libraries["upstream_library_id"].notna()]["id"].iloc[0]
        upstream = session.reactor.related(later, "upstream_library")
        assert (
            upstream["id"].tolist()
            == libraries[libraries["id"] == later]["upstream_library_id"].tolist()
        )
        rules = session.reactor.related(later, "rules")
        assert rules.equals(session.reactor.rules(later))
        assert len(session.reactor.related(rules.head(2), "libraries")) >= 2

    @pytest.mark.parametrize(
        ("ids", "relation", "says"),
        [
            ([], "rules", "resources of one type only"),
            ("nothing", "rules", "is not an id"),
            (
                "RL" + "0" * 32,
                "nonsense",
                "rules have no relation 'nonsense'. They have: property, origin",
            ),
            (["RL" + "0" * 32, "DE" + "0" * 32], "notes", "of one type"),
        ],
    )
    def test_related_refuses_invalid_arguments_before_any_request(
        self, demo: Any, session: Any, ids: Any, relation: str, says: str
    ) -> None:
        demo.requests.clear()
        with pytest.raises(ArgumentError, match=says):
            session.reactor.related(ids, relation)
        assert not demo.requests

    def test_related_of_unknown_id_raises_not_found(self, session: Any) -> None:
        with pytest.raises(NotFound):
            session.reactor.related("RL" + "0" * 32, "revisions")

    def test_type_without_revisions_lacks_revisions_verb(self, session: Any) -> None:
        assert not hasattr(session.reactor.libraries, "revisions")
