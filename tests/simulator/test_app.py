"""The simulator as a pure function enforces what Adobe enforces."""

import json
from typing import Any

import pytest

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.accounts import ACCOUNTS, ORG_ID
from adobe_nb.simulator.app import App
from adobe_nb.simulator.calls import Options
from adobe_nb.simulator.ims import Ims
from adobe_nb.simulator.messages import Request
from adobe_nb.simulator.seed import Bulk, seeded
from tests.support.caller import Caller

BASE = "http://127.0.0.1:1"
DEMO = ACCOUNTS["demo"]
ACCEPT = "application/vnd.api+json;revision=1"


@pytest.fixture(scope="module")
def app() -> App:
    return App(Ims(ACCOUNTS), seeded("demo", Bulk()), BASE)


def headers(app: App, account: Any = DEMO, **changes: str | None) -> dict[str, str]:
    values = {
        "authorization": f"Bearer {app.ims.issue(account)}",
        "x-api-key": account.client_id,
        "x-gw-ims-org-id": account.org_id,
        "accept": ACCEPT,
    }
    changed = {**values, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return {name: value for name, value in changed.items() if value is not None}


def get(
    app: App, path: str, *query: tuple[str, str], **changes: str | None
) -> tuple[int, dict[str, Any]]:
    answer = app(Request("GET", path, query, headers(app, **changes)))
    return answer.status, json.loads(answer.body)


def listed(app: App, path: str, *query: tuple[str, str]) -> list[dict[str, Any]]:
    status, document = get(app, path, ("page[size]", "100"), *query)
    assert status == 200, document
    return document["data"]


def shop(app: App) -> str:
    company = listed(app, "/companies")[0]["id"]
    return listed(app, f"/companies/{company}/properties", ("filter[name]", "EQ Web Store US"))[0][
        "id"
    ]


class TestGateway:
    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"authorization": None}, 403, "403010"),
            ({"authorization": "Basic x"}, 403, "403010"),
            ({"authorization": "Bearer a.b.c"}, 401, "401013"),
            ({"x_api_key": None}, 403, "403000"),
            ({"x_api_key": "unknown"}, 403, "403003"),
            ({"x_gw_ims_org_id": None}, 400, "400003"),
            ({"x_gw_ims_org_id": "FF@AdobeOrg"}, 403, "403025"),
        ],
    )
    def test_gateway_requires_each_header(
        self, app: App, changes: dict[str, str | None], status: int, code: str
    ) -> None:
        got, document = get(app, "/companies", **changes)
        assert (got, document["error_code"]) == (status, code)
        assert set(document) == {"error_code", "message"}

    def test_gateway_accepts_api_key_of_adobes_tools(self, app: App) -> None:
        assert get(app, "/companies", x_api_key="Activation-DTM")[0] == 200

    def test_account_without_product_profile_gets_403221(self, app: App) -> None:
        answer = app(Request("GET", "/companies", (), headers(app, ACCOUNTS["no_profile"])))
        assert json.loads(answer.body)["error_code"] == "403221"

    def test_get_requires_accept_header_with_revision_1(self, app: App) -> None:
        for accept in (None, "*/*", "application/vnd.api+json"):
            status, document = get(app, "/companies", accept=accept)
            assert (status, document["errors"][0]["code"]) == (406, "not-acceptable")

    def test_token_without_required_scopes_has_no_organization(self, app: App) -> None:
        token = app.ims.issue(DEMO, ("openid",))
        status, document = get(app, "/companies", authorization=f"Bearer {token}")
        assert (status, document["errors"][0]["code"]) == (403, "no-available-orgs")

    def test_post_to_companies_is_not_allowed(self, app: App) -> None:
        answer = app(Request("POST", "/companies", (), headers(app)))
        assert answer.status == 405


class TestIms:
    def form(self, **changes: str) -> dict[str, str]:
        values = {
            "grant_type": "client_credentials",
            "client_id": DEMO.client_id,
            "client_secret": DEMO.client_secret,
            "scope": "openid,AdobeID",
        }
        return {**values, **changes}

    def test_token_lasts_a_day(self) -> None:
        ims = Ims(ACCOUNTS)
        status, document = ims.token(self.form())
        assert (status, document["token_type"], document["expires_in"]) == (200, "bearer", 86399)
        grant = ims.check(document["access_token"])
        assert grant is not None
        assert (grant.account, grant.scopes) == (DEMO, ("openid", "AdobeID"))

    @pytest.mark.parametrize(
        ("changes", "code", "description"),
        [
            ({"client_secret": "wrong"}, "invalid_client", "invalid client_secret parameter"),
            ({"client_id": "wrong"}, "invalid_client", "invalid client_id parameter"),
            ({"scope": "openid,other"}, "invalid_scope", None),
            ({"scope": ""}, "invalid_scope", None),
            ({"grant_type": "password"}, "unsupported_grant_type", None),
        ],
    )
    def test_invalid_token_request_gets_400(
        self, changes: dict[str, str], code: str, description: str | None
    ) -> None:
        status, document = Ims(ACCOUNTS).token(self.form(**changes))
        assert (status, document["error"]) == (400, code)
        assert description in {None, document["error_description"]}

    def test_token_expires(self) -> None:
        now = [1_000_000.0]
        ims = Ims(ACCOUNTS, token_ttl=5, clock=lambda: now[0])
        token = ims.issue(DEMO)
        assert ims.check(token) is not None
        now[0] += 5
        assert ims.check(token) is None

    def test_revoked_forged_and_foreign_tokens_are_refused(self, app: App) -> None:
        ims = Ims(ACCOUNTS)
        token = ims.issue(DEMO)
        assert ims.check(token[:-2] + ("aa" if token[-2:] != "aa" else "bb")) is None
        assert ims.check(app.ims.issue(DEMO)) is None
        ims.revoke(token)
        assert ims.check(token) is None

    def test_ims_endpoints_read_the_form(self, app: App) -> None:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        token = app.ims.issue(DEMO)
        body = f"token={token}".encode()
        valid = Request("POST", "/ims/validate_token/v1", (), kind, body)
        assert json.loads(app(valid).body) == {"valid": True}
        assert app(Request("POST", "/ims/invalidate_token/v2", (), kind, body)).status == 200
        assert json.loads(app(valid).body) == {"valid": False}
        assert app(Request("GET", "/ims/token/v3")).status == 405
        assert app(Request("POST", "/ims/other")).status == 404


class TestReactor:
    def test_properties_are_not_listed_at_root(self, app: App) -> None:
        assert get(app, "/properties")[0] == 404

    @pytest.mark.parametrize(
        "path", ["/", "/nothing", "/rules/RL0/nothing", "/rules/RL0/rule_components/x/y"]
    )
    def test_unknown_path_gets_404(self, app: App, path: str) -> None:
        status, document = get(app, path)
        error = document["errors"][0]
        assert (status, error["status"], error["code"], error["title"]) == (
            404,
            "404",
            "not-found",
            "Record Not Found",
        )
        assert len(error["meta"]["request_id"]) == 32

    def test_id_of_another_type_gets_404(self, app: App) -> None:
        assert get(app, f"/rules/{shop(app)}")[0] == 404

    def test_page_size_defaults_to_25_and_is_capped_at_100(self, app: App) -> None:
        generated = App(app.ims, seeded("empty", Bulk(rules=130)), BASE)
        company = listed(generated, "/companies")[0]["id"]
        path = f"/properties/{listed(generated, f'/companies/{company}/properties')[0]['id']}/rules"
        for asked, size in ((None, 25), ("999", 100), ("0", 25), ("x", 25), ("7", 7)):
            query = (("page[size]", asked),) if asked is not None else ()
            _, document = get(generated, path, *query)
            assert len(document["data"]) == size
        _, document = get(generated, path, ("page[size]", "100"), ("page[number]", "2"))
        assert document["meta"]["pagination"] == {
            "current_page": 2,
            "next_page": None,
            "prev_page": 1,
            "total_pages": 2,
            "total_count": 130,
        }
        assert len(document["data"]) == 30

    def test_resources_have_documented_shape(self, app: App) -> None:
        rule = listed(app, f"/properties/{shop(app)}/rules")[0]
        assert set(rule) == {"id", "type", "attributes", "relationships", "links", "meta"}
        here = f"{BASE}/rules/{rule['id']}"
        assert rule["links"]["self"] == here
        assert rule["relationships"]["rule_components"] == {
            "links": {"related": f"{here}/rule_components"}
        }
        assert rule["relationships"]["origin"]["data"] == {"id": rule["id"], "type": "rules"}

    def test_component_links_directly_to_its_property(self, app: App) -> None:
        rule = listed(app, f"/properties/{shop(app)}/rules")[0]
        component = listed(app, f"/rules/{rule['id']}/rule_components")[0]
        assert (
            component["relationships"]["property"]["links"]["related"]
            == f"{BASE}/properties/{shop(app)}"
        )

    def test_library_environment_and_upstream_have_fewer_links(self, app: App) -> None:
        library = listed(app, f"/properties/{shop(app)}/libraries")[-1]
        assert set(library["relationships"]["environment"]["links"]) == {"self"}
        assert set(library["relationships"]["upstream_library"]) == {"data"}

    def test_related_resource_is_returned(self, app: App) -> None:
        rule = listed(app, f"/properties/{shop(app)}/rules")[0]
        assert get(app, f"/rules/{rule['id']}/property")[1]["data"]["id"] == shop(app)

    def test_revisions_include_the_head(self, app: App) -> None:
        rule = listed(app, f"/properties/{shop(app)}/rules")[0]
        revisions = listed(app, f"/rules/{rule['id']}/revisions")
        numbers = sorted(resource["attributes"]["revision_number"] for resource in revisions)
        assert numbers == list(range(rule["meta"]["latest_revision_number"] + 1))
        assert {resource["relationships"]["origin"]["data"]["id"] for resource in revisions} == {
            rule["id"]
        }

    def test_rule_revision_has_its_own_components(self, app: App) -> None:
        rule = listed(app, f"/properties/{shop(app)}/rules")[0]
        revision = listed(
            app, f"/rules/{rule['id']}/revisions", ("filter[revision_number]", "EQ 1")
        )[0]
        own = listed(app, f"/rules/{revision['id']}/rule_components")
        heads = listed(app, f"/rules/{rule['id']}/rule_components")
        assert len(own) == len(heads)
        assert {resource["id"] for resource in own}.isdisjoint(resource["id"] for resource in heads)


class TestFilterAndSort:
    def names(self, app: App, *query: tuple[str, str]) -> list[str]:
        return [
            resource["attributes"]["name"]
            for resource in listed(app, f"/properties/{shop(app)}/rules", *query)
        ]

    @pytest.mark.parametrize(
        ("name", "text", "count"),
        [
            ("name", "EQ Search - Results", 1),
            ("name", "EQ search - results", 0),
            ("name", "CONTAINS PRODUCT", 5),
            ("name", "CONTAINS prod%view", 1),
            ("name", "CONTAINS product,CONTAINS search", 7),
            ("name", "NOT Search - Results", 22),
            ("enabled", "EQ false", 3),
            ("created_at", "LT 2024-10-01T00:00:00.000Z", 2),
            ("created_at", "BETWEEN 2024-10-01,2024-12-31", 4),
            ("revision_number", "GT 0", 0),
            ("created_at", "GT last week", 23),
            ("created_at", "LT 2025", 23),
            ("revision_number", "GT x", 23),
        ],
    )
    def test_filter_operators(self, app: App, name: str, text: str, count: int) -> None:
        assert len(self.names(app, (f"filter[{name}]", text))) == count

    @pytest.mark.parametrize(
        "query",
        [
            ("filter[name]", "Search"),
            ("filter[name]", "LIKE x"),
            ("filter[nam]", "EQ x"),
            ("filter[name]", "EQ "),
            ("filter[name]", "BETWEEN a"),
            ("name", "EQ x"),
            ("filter[review_status]", "EQ x"),
        ],
    )
    def test_malformed_filter_is_ignored(self, app: App, query: tuple[str, str]) -> None:
        assert len(self.names(app, query)) == 23

    def test_last_filter_of_an_attribute_wins(self, app: App) -> None:
        found = self.names(
            app, ("filter[name]", "CONTAINS product"), ("filter[name]", "CONTAINS search")
        )
        assert found == ["Search - Results", "Search - No Results"]

    def test_filters_of_two_attributes_are_combined(self, app: App) -> None:
        found = self.names(
            app, ("filter[name]", "CONTAINS product"), ("filter[enabled]", "EQ false")
        )
        assert found == ["Product - Image Zoom"]

    def test_sort_accepts_several_keys_and_signs(self, app: App) -> None:
        names = self.names(app)
        assert self.names(app, ("sort", "name")) == sorted(names, key=str.casefold)
        assert self.names(app, ("sort", "-name")) == sorted(names, key=str.casefold, reverse=True)
        assert self.names(app, ("sort", "enabled,+name"))[:3] == [
            "Copy of Home - Hero Click",
            "Legacy - Chat Widget",
            "Product - Image Zoom",
        ]
        assert self.names(app, ("sort", "nonsense")) == names


def test_every_list_in_the_registry_has_a_route(app: App) -> None:
    store = app.stores[ORG_ID]
    for row in RESOURCES.values():
        for parent in row.parents:
            record = store.all(parent)[0]
            assert get(app, f"/{parent}/{record.id}/{row.type}")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/profile", 405),
        ("DELETE", "/companies", 405),
        ("OPTIONS", "/extension_packages", 405),
        ("POST", "/nonsense", 404),
        ("POST", "/rules", 404),
        ("GET", "/search", 404),
    ],
)
def test_table_of_routes_decides_between_404_and_405(
    app: App, method: str, path: str, status: int
) -> None:
    assert app(Request(method, path, (), headers(app))).status == status


def test_repr_of_a_request_hides_headers_and_body() -> None:
    request = Request(
        "POST", "/ims/token/v3", (), {"authorization": "Bearer hush"}, b"client_secret=hush"
    )
    assert "hush" not in repr(request)


def test_audit_events_link_to_other_pages(app: App) -> None:
    _, document = get(app, "/audit_events", ("page[size]", "10"), ("sort", "-created_at"))
    links = document["links"]
    assert set(links) == {"self", "next", "last"}
    assert "page%5Bnumber%5D=2&page%5Bsize%5D=10" in links["next"]
    assert "sort=-created_at" in links["last"]


@pytest.fixture(scope="module")
def log() -> App:
    return App(Ims(ACCOUNTS), seeded("empty", Bulk(rules=5, events=400)), BASE)


class TestALongLog:
    """Pages, dates and equal dates in a long list of audit events."""

    def walk(self, log: App, *query: tuple[str, str], size: int = 7) -> list[dict[str, Any]]:
        found, page = [], 1
        while page:
            status, document = get(
                log, "/audit_events", ("page[size]", str(size)), ("page[number]", str(page)), *query
            )
            assert status == 200
            found += document["data"]
            page = document["meta"]["pagination"]["next_page"]
        return found

    @pytest.mark.parametrize("order", ["", "created_at", "-created_at", "type_of", "-updated_at"])
    def test_equal_events_keep_their_order_across_pages(self, log: App, order: str) -> None:
        query = (("sort", order),) if order else ()
        ids = [event["id"] for event in self.walk(log, *query)]
        assert len(set(ids)) == 400
        assert ids == [event["id"] for event in self.walk(log, *query, size=100)]

    def test_date_filters_are_exact_to_the_millisecond(self, log: App) -> None:
        dates = [event["attributes"]["created_at"] for event in self.walk(log)]
        start = next(number for number in range(100, 400) if dates[number] == dates[number + 1])
        low, high = dates[start], dates[start + 40]

        def kept(text: str) -> list[str]:
            found = self.walk(log, ("filter[created_at]", text))
            return [event["attributes"]["created_at"] for event in found]

        assert kept(f"BETWEEN {low},{high}") == [date for date in dates if low <= date <= high]
        assert kept(f"GT {low}") == [date for date in dates if date > low]
        assert kept(f"LT {low}") == [date for date in dates if date < low]
        assert kept(f"GT {low[:-1]}+00:00") == kept(f"GT {low}")

    def test_pages_beyond_the_deepest_get_500(self, log: App) -> None:
        options = Options(deepest_page=3)
        shallow = App(log.ims, log.stores, BASE, options)
        for number, expected in (("3", 200), ("4", 500), ("5000", 500)):
            status, document = get(
                shallow, "/audit_events", ("page[number]", number), ("page[size]", "10")
            )
            assert status == expected
        (error,) = document["errors"]
        assert (error["status"], error["code"]) == ("500", "internal-error")
        assert error["meta"]["request_id"]
        shop = log.stores[ORG_ID].all("properties")[0].id
        assert (
            get(shallow, f"/properties/{shop}/rules", ("page[number]", "4"), ("page[size]", "1"))[0]
            == 200
        )
        options.deepest_page = 4
        assert get(shallow, "/audit_events", ("page[number]", "4"))[0] == 200

    def test_deepest_page_defaults_to_1000(self, log: App) -> None:
        assert get(log, "/audit_events", ("page[number]", "1000"))[0] == 200
        assert get(log, "/audit_events", ("page[number]", "1001"))[0] == 500

    def test_next_page_reflects_changes_since_the_last(self) -> None:
        api = Caller()
        shop = api.property()
        before = api.ids("/audit_events")
        api.rule(shop)
        assert set(api.ids("/audit_events")) > set(before)
