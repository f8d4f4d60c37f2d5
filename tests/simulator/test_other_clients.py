"""What clients other than ours send, and the shapes of Adobe's guides that they read."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.accounts import ACCOUNTS
from adobe_nb.simulator.messages import Request
from adobe_nb.simulator.store import SERVED_AT, Record
from tests.support.caller import ACCEPT, BASE, COMPANY, Caller, Site, made, samples, site, zipped

DEMO = ACCOUNTS["demo"]
FORM = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}


@pytest.fixture(scope="module")
def api() -> Caller:
    return Caller()


@pytest.fixture(scope="module")
def shop(api: Caller) -> Site:
    return site(api, "Other clients")


@pytest.fixture(scope="module")
def demo() -> Caller:
    return Caller("demo")


class TestSignIn:
    def form(self, **changes: str) -> bytes:
        values = {
            "grant_type": "client_credentials",
            "client_id": DEMO.client_id,
            "client_secret": DEMO.client_secret,
            "scope": "AdobeID,openid,read_organizations",
            **changes,
        }
        return "&".join(f"{name}={value}" for name, value in values.items()).encode()

    @pytest.mark.parametrize("path", ["/ims/token/v2", "/ims/token/v3", "/ims/token/v2/"])
    def test_token_of_either_version_lists_companies_with_scopes_of_launchpy(
        self, api: Caller, path: str
    ) -> None:
        answer = api.app(Request("POST", path, (), FORM, self.form()))
        assert answer.status == 200
        headers = api.headers() | {
            "authorization": f"Bearer {json.loads(answer.body)['access_token']}"
        }
        assert api.app(Request("GET", "/companies", (), headers)).status == 200

    def test_version_2_refuses_as_version_3_does(self, api: Caller) -> None:
        answer = api.app(
            Request("POST", "/ims/token/v2", (), FORM, self.form(client_secret="wrong"))
        )
        assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_client")
        assert api.app(Request("GET", "/ims/token/v2")).status == 405

    def test_api_key_of_adobes_tools_implies_organization_of_token(self, api: Caller) -> None:
        headers = api.headers() | {"x-api-key": "Activation-DTM"}
        del headers["x-gw-ims-org-id"]
        answer = api.app(Request("GET", "/companies", (), headers))
        assert [company["id"] for company in json.loads(answer.body)["data"]] == [COMPANY]
        refused = api.app(
            Request("GET", "/companies", (), headers | {"x-gw-ims-org-id": "FF@AdobeOrg"})
        )
        assert json.loads(refused.body)["error_code"] == "403025"
        missing = api.app(Request("GET", "/companies", (), headers | {"x-api-key": DEMO.client_id}))
        assert json.loads(missing.body)["error_code"] == "400003"


def records_with(caller: Caller, *, null: bool) -> Iterator[tuple[Record, str]]:
    """Return a record for each to-one relation that is set, or null."""
    for row in RESOURCES.values():
        for relation in row.to_one:
            for record in caller.store.all(row.type):
                target = record.to_one.get(relation.name)
                if (target is None) == null and (target is None or caller.store.get(*target)):
                    yield record, relation.name
                    break


class TestToOneRelations:
    def test_empty_relation_returns_null(self, demo: Caller) -> None:
        empty = list(records_with(demo, null=True))
        assert {(record.type, name) for record, name in empty} >= {
            ("libraries", "upstream_library"),
            ("libraries", "environment"),
            ("libraries", "last_build"),
            ("environments", "library"),
        }
        for record, name in empty:
            answer = demo.get(f"/{record.type}/{record.id}/{name}")
            assert (answer.status, answer.document) == (200, {"data": None}), (record.type, name)

    def test_relation_returns_its_resource(self, demo: Caller) -> None:
        for record, name in records_with(demo, null=False):
            answer = demo.get(f"/{record.type}/{record.id}/{name}")
            assert (answer.status, answer.id) == (200, record.to_one[name][1]), (record.type, name)  # type: ignore[index]

    def test_empty_relationship_endpoint_returns_null(self, api: Caller, shop: Site) -> None:
        library = api.library(shop.place)
        answer = api.get(f"/libraries/{library}/relationships/environment")
        assert (answer.status, answer.data) == (200, None)

    def test_event_without_property_returns_null(self, api: Caller, shop: Site) -> None:
        event = configured(api)
        assert api.get(f"/audit_events/{event['id']}/property").document == {"data": None}


def configured(api: Caller) -> dict[str, Any]:
    """Return the audit event of a new app configuration, which belongs to no property."""
    data = {"type": "app_configurations", "attributes": {"name": "App", "app_id": "app.example"}}
    made(api.post(f"/companies/{COMPANY}/app_configurations", data))
    (event, *_) = api.listed("/audit_events", ("filter[type_of]", "EQ app_configuration.created"))
    return event


class TestLinks:
    def test_to_one_links_lead_to_the_resource(self, demo: Caller) -> None:
        for row in RESOURCES.values():
            for record in demo.store.all(row.type)[:3]:
                if row.type == "profiles":
                    continue
                links = demo.get(f"/{row.type}/{record.id}").data["links"]
                for relation in row.to_one:
                    target = record.to_one.get(relation.name)
                    if relation.name in links:
                        assert links[relation.name] == (
                            target and f"{BASE}/{target[0]}/{target[1]}"
                        )

    def test_data_element_links_to_its_extension_and_origin(self, api: Caller, shop: Site) -> None:
        element = api.data_element(shop.place).data
        links = element["links"]
        assert links["extension"] == f"{BASE}/extensions/{shop.core}"
        assert links["origin"] == f"{BASE}/data_elements/{element['id']}"
        assert links["property"] == f"{BASE}/properties/{shop.place}"
        related = element["relationships"]["extension"]["links"]["related"]
        assert related == f"{BASE}/data_elements/{element['id']}/extension"

    def test_rule_keeps_the_link_to_its_list_of_components(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place, "Linked")
        assert (
            api.get(f"/rules/{rule}").data["links"]["rule_components"]
            == f"{BASE}/rules/{rule}/rule_components"
        )

    def test_note_links_to_its_resource(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place, "Annotated")
        note = api.post(
            f"/rules/{rule}/notes", {"type": "notes", "attributes": {"text": "Ask first."}}
        ).data
        assert note["links"]["resource"] == f"{BASE}/rules/{rule}"
        assert note["relationships"]["resource"]["links"]["related"] == f"{BASE}/rules/{rule}"

    def test_event_outside_a_property_has_null_links(self, api: Caller, shop: Site) -> None:
        event = configured(api)
        assert event["links"]["property"] is None
        assert event["relationships"]["property"] == {"links": {"related": None}, "data": None}
        assert event["links"]["entity"].startswith(f"{BASE}/app_configurations/AC")

    def test_related_link_of_an_event_names_its_entity_and_works(
        self, api: Caller, shop: Site
    ) -> None:
        rule = api.rule(shop.place, "Told of")
        event = api.listed("/audit_events", ("filter[type_of]", "EQ rule.created"))[-1]
        assert event["relationships"]["entity"]["data"]["id"] == rule
        related = event["relationships"]["entity"]["links"]["related"]
        assert related == f"{BASE}/audit_events/{event['id']}/rule"
        assert api.get(related.removeprefix(BASE)).id == rule
        assert api.get(f"/audit_events/{event['id']}/entity").id == rule

    def test_seeded_events_hold_the_whole_entity(self, demo: Caller) -> None:
        checked = 0
        for event in demo.listed("/audit_events"):
            entity = json.loads(event["attributes"]["entity"])["data"]
            assert set(entity) == {"id", "type", "attributes", "relationships", "links", "meta"}
            assert entity["links"]["self"] == f"{BASE}/{entity['type']}/{entity['id']}"
            assert SERVED_AT not in event["attributes"]["entity"]
            checked += 1
        assert checked == 100


class TestShapes:
    def test_environment_on_akamai_has_path_of_the_cdn(self, api: Caller, shop: Site) -> None:
        environment = api.environment(shop.place, shop.host, path="mine").data
        assert environment["attributes"]["path"] == "https://assets.adobedtm.com/staging"
        changed = api.update(f"/environments/{environment['id']}", path="other").data
        assert changed["attributes"]["path"] == "https://assets.adobedtm.com/staging"

    def test_environment_on_another_host_keeps_its_path(self, api: Caller, shop: Site) -> None:
        host = api.host(
            shop.place, type_of="sftp", server="https://example.com", encrypted_private_key="x"
        )
        environment = api.environment(shop.place, host, path="mine").data
        assert environment["attributes"]["path"] == "mine"

    @pytest.mark.parametrize(
        ("sent", "answered"),
        [
            ("https://example.com", "//example.com"),
            ("sftp://example.com:22/x", "//example.com:22/x"),
            ("example.com", "example.com"),
            ("//example.com", "//example.com"),
            ("example.com:22", "example.com:22"),
        ],
    )
    def test_server_of_a_host_loses_its_scheme(
        self, api: Caller, shop: Site, sent: str, answered: str
    ) -> None:
        host = api.host(shop.place, type_of="sftp", server=sent, encrypted_private_key="x")
        assert api.attributes(f"/hosts/{host}")["server"] == answered
        assert api.update(f"/hosts/{host}", server=sent).data["attributes"]["server"] == answered

    def test_profile_describes_its_organization_as_adobe_does(self, api: Caller) -> None:
        (organization,) = api.get("/profile").data["attributes"]["organizations"].values()
        assert set(organization) == {
            "name",
            "admin",
            "active",
            "login_companies",
            "product_contexts",
            "tenant_id",
        }

    def test_secret_shows_stage_of_its_environment(self, demo: Caller) -> None:
        fresh = Caller()
        secret = samples(fresh, site(fresh))["secrets"]
        created = fresh.post(secret.parent, secret.data()).data
        for data in (
            created,
            fresh.get(f"/secrets/{created['id']}").data,
            demo.get(seeded_secret(demo)).data,
        ):
            assert data["relationships"]["environment"]["data"]["meta"] == {"stage": "production"}
        assert (
            fresh.delete(
                f"/environments/{created['relationships']['environment']['data']['id']}"
            ).status
            == 204
        )
        assert (
            fresh.get(f"/secrets/{created['id']}").data["relationships"]["environment"]["data"]
            is None
        )


def seeded_secret(demo: Caller) -> str:
    return f"/secrets/{demo.store.all('secrets')[0].id}"


class TestRequests:
    def test_put_updates_callback(self, api: Caller, shop: Site) -> None:
        attributes = {"url": "https://us.example/tags", "subscriptions": ["rule.created"]}
        data = {"type": "callbacks", "attributes": attributes}
        callback = made(api.post(f"/properties/{shop.place}/callbacks", data))
        body = json.dumps({"data": {"attributes": {"subscriptions": ["rule.deleted"]}}}).encode()
        answer = api.send("PUT", f"/callbacks/{callback}", body)
        assert (answer.status, answer.data["attributes"]["subscriptions"]) == (
            200,
            ["rule.deleted"],
        )
        assert (
            api.send(
                "PUT", f"/libraries/{api.library(shop.place)}/relationships/rules", body
            ).status
            == 405
        )

    @pytest.mark.parametrize(
        "deep", [b"[" * 200_000, b'{"data":' * 200_000, b'{"data":' * 101 + b"1" + b"}" * 101]
    )
    def test_deeply_nested_body_is_refused(self, api: Caller, shop: Site, deep: bytes) -> None:
        for method, path in (
            ("POST", "/search"),
            ("POST", f"/properties/{shop.place}/rules"),
            ("PATCH", f"/properties/{shop.place}"),
            ("PUT", "/callbacks/CB0"),
            ("PATCH", f"/libraries/{api.library(shop.place)}/relationships/rules"),
            ("POST", "/extension_packages"),
        ):
            assert 400 <= api.send(method, path, deep).status < 500, path
        for path in ("/ims/token/v2", "/ims/token/v3", "/ims/validate_token/v1"):
            assert api.app(Request("POST", path, (), FORM, deep)).status < 500

    def test_deeply_nested_settings_are_refused(self, api: Caller, shop: Site) -> None:
        deep = '{"path":' * 100_000 + "1" + "}" * 100_000
        assert api.data_element(shop.place, settings=deep).status == 409

    def test_upload_with_deeply_nested_manifest_fails(self, api: Caller) -> None:
        archive = zipped({"extension.json": '{"name":' * 100_000})
        package = made(api.upload(archive), 202)
        api.wait()
        assert api.attributes(f"/extension_packages/{package}")["status"] == "failed"

    def test_requests_of_reactor_uploader_work(self, api: Caller) -> None:
        manifest = {
            "name": "other-clients",
            "displayName": "Other",
            "platform": "web",
            "version": "1.0.0",
            "description": "A test.",
            "author": {"name": "Us"},
            "viewBasePath": "src/",
        }
        query = (
            ("page[size]", "1"),
            ("page[number]", "1"),
            ("filter[name]", "EQ other-clients"),
            ("filter[platform]", "EQ web"),
            ("filter[availability]", "EQ development"),
        )
        headers = {
            "accept": ACCEPT,
            "authorization": api.headers()["authorization"],
            "x-api-key": "Activation-DTM",
        }
        assert (
            json.loads(api.app(Request("GET", "/extension_packages", query, headers)).body)["data"]
            == []
        )
        package = made(api.upload(zipped({}, **manifest)), 202)
        api.wait()
        (found,) = json.loads(api.app(Request("GET", "/extension_packages", query, headers)).body)[
            "data"
        ]
        assert (found["id"], found["attributes"]["status"]) == (package, "succeeded")
        replaced = api.upload(zipped({}, **manifest), f"/extension_packages/{package}", "PATCH")
        assert (replaced.status, replaced.id) == (200, package)
        api.wait()
        released = {
            "id": package,
            "type": "extension_packages",
            "meta": {"action": "release_private"},
        }
        body = json.dumps({"data": released}).encode()
        answer = api.app(
            Request(
                "PATCH",
                f"/extension_packages/{package}",
                (),
                {**headers, "content-type": ACCEPT},
                body,
            )
        )
        assert json.loads(answer.body)["data"]["attributes"]["availability"] == "private"

    def test_postman_urls_with_trailing_slash_work(self, demo: Caller) -> None:
        asked = 0
        for row in RESOURCES.values():
            if row.root:
                assert demo.get(f"/{row.type}/").status == 200
            for record in demo.store.all(row.type)[:1]:
                here = f"/{row.type}/{record.id}/"
                names = [relation.name for relation in row.relations]
                names += [
                    f"relationships/{relation.name}"
                    for relation in row.relations
                    if relation.endpoint
                ]
                names += [child.type for child in RESOURCES.values() if row.type in child.parents]
                for path in (here, *(f"{here}{name}/" for name in names)):
                    assert demo.get(path).status == 200, path
                    assert demo.get(path).document == demo.get(path.removesuffix("/")).document
                    asked += 1
        assert asked > 100
        assert demo.get("/profile/").status == 200
        assert demo.get("/heartbeat/").status == 200
        assert demo.get(f"//companies/{COMPANY}").id == COMPANY
        assert demo.get("/rules//").status == 404

    def test_writes_accept_trailing_slash(self) -> None:
        api = Caller()
        shop = site(api)
        for kind, sample in samples(api, shop).items():
            created = api.post(f"{sample.parent}/", sample.data())
            path = f"/{kind}/{made(created)}/"
            if sample.change:
                assert api.patch(path, {"attributes": sample.change}).status == 200, kind
            if "revise" in sample.row.actions:
                assert api.act(path, "revise").status == 200, kind
            if "delete" in sample.row.verbs:
                assert api.delete(path).status == 204, kind
        library = api.library(shop.place)
        revision = api.ids(f"/extensions/{shop.core}/revisions/")[-1]
        data = [{"id": revision, "type": "extensions"}]
        address = f"/libraries/{library}/relationships/extensions/"
        assert api.send("POST", address, json.dumps({"data": data}).encode()).status in {200, 409}
        assert api.get(address).status == 200
        assert (
            api.patch(
                f"/libraries/{library}/relationships/environment/",
                {
                    "id": shop.development,
                    "type": "environments",
                },
            ).status
            == 200
        )
        assert api.delete(f"/libraries/{library}/relationships/environment/").status == 200
