"""Libraries and builds, from the first revision to the published library."""

import re
from typing import Any

import pytest

from adobe_nb.simulator.accounts import ACCOUNTS, ORG_ID
from adobe_nb.simulator.ims import ALL_RIGHTS, Account
from adobe_nb.simulator.messages import JSON_API
from tests.support.caller import BASE, Caller, Site, made, site

STAGES = {
    "development": "development",
    "submitted": "staging",
    "approved": "production",
    "rejected": "development",
}
STEPS = {
    "submitted": ("submit",),
    "approved": ("submit", "approve"),
    "rejected": ("submit", "reject"),
}
NEXT = {
    ("development", "submit"): "submitted",
    ("submitted", "approve"): "approved",
    ("submitted", "reject"): "rejected",
    ("approved", "reject"): "rejected",
    ("rejected", "develop"): "development",
}


@pytest.fixture
def api() -> Caller:
    return Caller()


@pytest.fixture
def shop(api: Caller) -> Site:
    return site(api)


def with_core(api: Caller, shop: Site, name: str = "Library") -> str:
    """Return the id of a library in development that holds the core extension."""
    return api.library(
        shop.place,
        name,
        extensions=[{"id": latest(api, "extensions", shop.core), "type": "extensions"}],
    )


def latest(api: Caller, kind: str, head: str) -> str:
    found = api.listed(f"/{kind}/{head}/revisions")
    return str(max(found, key=lambda resource: resource["attributes"]["revision_number"])["id"])


def built(api: Caller, library: str, environment: str) -> str:
    """Return the id of a finished build for the environment."""
    assert api.assign(library, environment).status == 200
    build = made(api.build(library))
    api.wait()
    return build


def in_state(api: Caller, shop: Site, state: str, name: str = "Library") -> str:
    library = with_core(api, shop, name)
    if state == "published":
        publish(api, shop, library)
    for action in STEPS.get(state, ()):
        assert api.act(f"/libraries/{library}", action).status == 200
    return library


def publish(api: Caller, shop: Site, library: str) -> str:
    """Publish a library, and return the id of its production build."""
    for action in STEPS["approved"]:
        assert api.act(f"/libraries/{library}", action).status == 200
    return built(api, library, shop.production)


def environment_of(api: Caller, library: str) -> Any:
    return api.get(f"/libraries/{library}").data["relationships"]["environment"]["data"]


class TestContents:
    def revisions(self, api: Caller, shop: Site) -> dict[str, str]:
        heads = {
            "rules": api.rule(shop.place),
            "data_elements": made(api.data_element(shop.place)),
            "extensions": shop.core,
        }
        return {kind: api.revise(kind, head) for kind, head in heads.items()}

    @pytest.mark.parametrize("kind", ["rules", "data_elements", "extensions"])
    def test_post_adds_patch_replaces_and_delete_removes_contents(
        self, api: Caller, shop: Site, kind: str
    ) -> None:
        first = self.revisions(api, shop)[kind]
        others = {
            "rules": lambda: api.rule(shop.place),
            "data_elements": lambda: api.data_element(shop.place).id,
        }
        others["extensions"] = lambda: (
            api.install(shop.place, api.package("adobe-mcid", "4.6.0")).id
        )
        second = api.revise(kind, others[kind]())
        library = api.library(shop.place)
        here = f"{BASE}/libraries/{library}"
        for how, ids, held in (
            ("POST", [first], [first]),
            ("POST", [second, first], [first, second]),
            ("DELETE", [first], [second]),
            ("PATCH", [first], [first]),
            ("PATCH", [second, first], [first, second]),
            ("DELETE", [first, first], [second]),
            ("PATCH", [], []),
        ):
            answer = api.put(library, kind, *ids, how=how)
            assert (answer.status, answer.content_type) == (200, JSON_API)
            assert answer.data == [{"id": identifier, "type": kind} for identifier in held]
            links = {"related": f"{here}/{kind}", "self": f"{here}/relationships/{kind}"}
            assert answer.document["links"] == links
            assert api.get(f"/libraries/{library}/relationships/{kind}").data == answer.data
            assert api.ids(f"/libraries/{library}/{kind}") == held
            assert (library in api.ids(f"/{kind}/{first}/libraries")) == (first in held)

    def test_related_list_returns_whole_resources(self, api: Caller, shop: Site) -> None:
        library = with_core(api, shop)
        (extension,) = api.listed(f"/libraries/{library}/extensions")
        assert extension["attributes"]["name"] == "core"

    @pytest.mark.parametrize("kind", ["rules", "data_elements", "extensions"])
    @pytest.mark.parametrize("how", ["POST", "PATCH"])
    def test_head_is_refused(self, api: Caller, shop: Site, kind: str, how: str) -> None:
        heads = {
            "rules": api.rule,
            "data_elements": lambda place: api.data_element(place).id,
            "extensions": api.core,
        }
        library = api.library(shop.place)
        answer = api.put(library, kind, heads[kind](shop.place), how=how)
        assert answer.refusal == (409, f"invalid-{kind.removesuffix('s')}")
        assert "revised" in answer.document["errors"][0]["detail"]

    def test_head_is_revised_on_request(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        library = api.library(shop.place)
        item = {"id": rule, "type": "rules", "meta": {"action": "revise"}}
        answer = api.post(f"/libraries/{library}/relationships/rules", [item])
        revision = latest(api, "rules", rule)
        assert answer.data == [{"id": revision, "type": "rules"}] != [{"id": rule, "type": "rules"}]
        assert api.attributes(f"/rules/{rule}")["dirty"] is False
        again = api.post(f"/libraries/{library}/relationships/rules", [item])
        assert again.refusal == (409, "multiple-revisions")
        replaced = api.patch(f"/libraries/{library}/relationships/rules", [item])
        assert replaced.data == [{"id": latest(api, "rules", rule), "type": "rules"}] != answer.data

    @pytest.mark.parametrize("action", ["build", 5, [], {}])
    def test_other_actions_of_an_identifier_are_refused(
        self, api: Caller, shop: Site, action: Any
    ) -> None:
        item = {"id": api.rule(shop.place), "type": "rules", "meta": {"action": action}}
        answer = api.post(f"/libraries/{api.library(shop.place)}/relationships/rules", [item])
        assert (answer.refusal, answer.pointer) == (
            (400, "invalid-document"),
            "/data/0/meta/action",
        )

    @pytest.mark.parametrize("how", ["POST", "PATCH"])
    def test_second_revision_of_a_resource_is_refused(
        self, api: Caller, shop: Site, how: str
    ) -> None:
        rule = api.rule(shop.place)
        first, second = api.revise("rules", rule), api.revise("rules", rule)
        library = api.library(shop.place)
        assert api.put(library, "rules", first, second, how=how).refusal == (
            409,
            "multiple-revisions",
        )
        assert api.put(library, "rules", first).status == 200
        assert api.put(library, "rules", second).refusal == (409, "multiple-revisions")
        assert api.put(library, "rules", second, how="PATCH").status == 200

    def test_deleted_resource_is_refused(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        revision = api.revise("rules", rule)
        api.delete(f"/rules/{rule}")
        assert api.put(api.library(shop.place), "rules", revision).refusal == (
            409,
            "deleted-resources",
        )

    def test_unknown_or_foreign_resource_is_refused(self, api: Caller, shop: Site) -> None:
        other = site(api, "Other")
        library = api.library(shop.place)
        revision = api.revise("rules", api.rule(other.place))
        assert api.put(library, "rules", revision).refusal == (409, "invalid-rule")
        assert api.put(library, "rules", "RL" + "0" * 32).refusal == (404, "not-found")
        answer = api.post(
            f"/libraries/{library}/relationships/rules", [{"id": shop.core, "type": "extensions"}]
        )
        assert (answer.refusal, answer.pointer) == ((400, "invalid-document"), "/data/0")
        assert (
            api.post(
                f"/libraries/{library}/relationships/rules", {"id": revision, "type": "rules"}
            ).status
            == 400
        )

    def test_one_invalid_resource_refuses_all(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        data = [
            {"id": rule, "type": "rules", "meta": {"action": "revise"}},
            {"id": api.rule(shop.place), "type": "rules"},
        ]
        library = api.library(shop.place)
        for method in ("post", "patch"):
            assert (
                getattr(api, method)(f"/libraries/{library}/relationships/rules", data).status
                == 409
            )
        assert api.ids(f"/libraries/{library}/rules") == []
        assert api.get(f"/rules/{rule}").data["meta"]["latest_revision_number"] == 0

    @pytest.mark.parametrize("state", ["submitted", "approved", "rejected", "published"])
    def test_contents_change_in_development_only(self, api: Caller, shop: Site, state: str) -> None:
        library = in_state(api, shop, state)
        revision = api.revise("rules", api.rule(shop.place))
        for how in ("POST", "PATCH", "DELETE"):
            assert api.put(library, "rules", revision, how=how).refusal == (409, "read-only")

    def test_library_is_created_with_contents_and_environment(
        self, api: Caller, shop: Site
    ) -> None:
        rule = api.rule(shop.place)
        library = api.library(
            shop.place,
            environment={"id": shop.development, "type": "environments"},
            rules=[{"id": rule, "type": "rules", "meta": {"action": "revise"}}],
            extensions=[{"id": latest(api, "extensions", shop.core), "type": "extensions"}],
        )
        assert api.ids(f"/libraries/{library}/rules") == [latest(api, "rules", rule)] != [rule]
        assert api.get(f"/rules/{latest(api, 'rules', rule)}/origin").id == rule
        assert environment_of(api, library)["id"] == shop.development

    @pytest.mark.parametrize(
        ("relation", "target", "code"),
        [("rules", "rule", "invalid-rule"), ("environment", "staging", "invalid-environment")],
    )
    def test_create_with_one_invalid_link_creates_nothing(
        self, api: Caller, shop: Site, relation: str, target: str, code: str
    ) -> None:
        rule = api.rule(shop.place)
        good = {
            "id": latest(api, "extensions", shop.core),
            "type": "extensions",
            "meta": {"action": "revise"},
        }
        bad = {
            "rule": [{"id": rule, "type": "rules"}],
            "staging": {"id": shop.staging, "type": "environments"},
        }
        data = {
            "attributes": {"name": "x"},
            "relationships": {"extensions": {"data": [good]}, relation: {"data": bad[target]}},
        }
        assert api.post(f"/properties/{shop.place}/libraries", data).refusal == (409, code)
        assert api.ids(f"/properties/{shop.place}/libraries") == []


class TestTransitions:
    @pytest.mark.parametrize(
        "state", ["development", "submitted", "approved", "rejected", "published"]
    )
    @pytest.mark.parametrize("action", ["submit", "approve", "reject", "develop"])
    def test_each_state_accepts_its_actions(
        self, api: Caller, shop: Site, state: str, action: str
    ) -> None:
        library = in_state(api, shop, state)
        answer = api.act(f"/libraries/{library}", action)
        after = NEXT.get((state, action))
        if after is None:
            assert (answer.refusal, answer.pointer) == (
                (409, "invalid-transition"),
                "/data/meta/action",
            )
        else:
            assert answer.status == 200
        assert api.attributes(f"/libraries/{library}")["state"] == (after or state)

    def test_transition_returns_library_that_requires_a_build(
        self, api: Caller, shop: Site
    ) -> None:
        library = with_core(api, shop)
        built(api, library, shop.development)
        data = api.act(f"/libraries/{library}", "submit").data
        assert (data["id"], data["attributes"]["state"], data["attributes"]["build_required"]) == (
            library,
            "submitted",
            True,
        )
        assert data["meta"] == {
            "build_status": None,
            "build_required_detail": "No build found since last state change",
        }

    @pytest.mark.parametrize("state", ["development", "submitted", "approved", "rejected"])
    def test_transition_releases_the_environment(self, api: Caller, shop: Site, state: str) -> None:
        library = in_state(api, shop, state)
        environment = getattr(shop, STAGES[state])
        api.assign(library, environment)
        action = next(action for before, action in NEXT if before == state)
        answer = api.act(f"/libraries/{library}", action)
        assert answer.data["relationships"]["environment"]["data"] is None
        assert (
            api.get(f"/environments/{environment}").data["relationships"]["library"]["data"] is None
        )

    def test_each_transition_requires_its_right(self) -> None:
        rights = {right: frozenset({right}) for right in ALL_RIGHTS}
        single = {
            name: Account(f"client-{name}", "x", ORG_ID, rights=granted)
            for name, granted in rights.items()
        }
        api = Caller(accounts={**ACCOUNTS, **single})
        shop = site(api)
        library = with_core(api, shop)
        for state, action, right, build in (
            ("development", "submit", "develop", "develop"),
            ("submitted", "reject", "approve", "approve"),
            ("rejected", "develop", "develop", "develop"),
            ("development", "submit", "develop", "develop"),
            ("submitted", "approve", "approve", "approve"),
            ("approved", "", "", "publish"),
        ):
            api.assign(library, getattr(shop, STAGES[state]))
            for name in single:
                if name != build:
                    assert api.build(library, name).refusal == (403, "not-authorized")
                if action and name != right:
                    assert api.act(f"/libraries/{library}", action, name).refusal == (
                        403,
                        "not-authorized",
                    )
            assert api.build(library, build).status == 201
            if action:
                assert api.act(f"/libraries/{library}", action, right).status == 200

    def test_renaming_a_library_keeps_its_state(self, api: Caller, shop: Site) -> None:
        library = in_state(api, shop, "submitted")
        answer = api.update(f"/libraries/{library}", name="Other", state="published")
        assert (answer.data["attributes"]["name"], answer.data["attributes"]["state"]) == (
            "Other",
            "submitted",
        )


class TestEnvironments:
    @pytest.mark.parametrize("state", STAGES)
    @pytest.mark.parametrize("stage", ["development", "staging", "production"])
    def test_each_state_accepts_one_stage(
        self, api: Caller, shop: Site, state: str, stage: str
    ) -> None:
        library = in_state(api, shop, state)
        answer = api.assign(library, getattr(shop, stage))
        if STAGES[state] == stage:
            assert (answer.status, answer.data) == (
                200,
                {"id": getattr(shop, stage), "type": "environments"},
            )
        else:
            assert answer.refusal == (409, "invalid-environment")
            assert environment_of(api, library) is None

    def test_environment_is_assigned_by_post_too(self, api: Caller, shop: Site) -> None:
        library = api.library(shop.place)
        path = f"/libraries/{library}/relationships/environment"
        assert api.get(path).data is None
        wanted = {"id": shop.development, "type": "environments"}
        assert api.post(path, wanted).data == wanted == api.get(path).data
        assert api.get(f"/environments/{shop.development}/library").id == library
        assert api.get(f"/libraries/{library}/environment").id == shop.development

    @pytest.mark.parametrize("how", ["DELETE", "PATCH"])
    def test_environment_is_released_by_delete_or_null(
        self, api: Caller, shop: Site, how: str
    ) -> None:
        library = api.library(shop.place)
        api.assign(library, shop.development)
        path = f"/libraries/{library}/relationships/environment"
        answer = api.delete(path) if how == "DELETE" else api.assign(library, None)
        if how == "DELETE":
            assert (answer.status, answer.body, answer.content_type) == (200, b"", "")
        else:
            assert (answer.status, answer.data) == (200, None)
        assert api.get(path).data is None
        assert (
            api.get(f"/environments/{shop.development}").data["relationships"]["library"]["data"]
            is None
        )

    def test_environment_holds_one_library(self, api: Caller, shop: Site) -> None:
        first, second = api.library(shop.place, "First"), api.library(shop.place, "Second")
        assert (
            api.assign(first, shop.development).status
            == api.assign(first, shop.development).status
            == 200
        )
        assert api.assign(second, shop.development).refusal == (409, "environment-in-use")
        other = made(api.environment(shop.place, shop.host))
        assert api.assign(first, other).status == 200
        assert api.assign(second, shop.development).status == 200
        api.delete(f"/libraries/{second}")
        assert api.assign(first, shop.development).status == 200

    def test_published_library_makes_room_for_the_next(self, api: Caller, shop: Site) -> None:
        first = in_state(api, shop, "published", "First")
        assert environment_of(api, first)["id"] == shop.production
        second = in_state(api, shop, "approved", "Second")
        assert api.assign(second, shop.production).status == 200
        assert environment_of(api, first) is None
        assert api.get(f"/environments/{shop.production}/library").id == second

    def test_published_library_accepts_no_environment(self, api: Caller, shop: Site) -> None:
        library = in_state(api, shop, "published")
        assert api.assign(library, shop.production).refusal == (409, "read-only")
        assert api.delete(f"/libraries/{library}/relationships/environment").refusal == (
            409,
            "read-only",
        )

    def test_environment_of_another_property_is_refused(self, api: Caller, shop: Site) -> None:
        library = api.library(shop.place)
        assert api.assign(library, site(api, "Other").development).refusal == (404, "not-found")
        path = f"/libraries/{library}/relationships/environment"
        assert api.patch(path, {"id": shop.host, "type": "hosts"}).refusal == (
            400,
            "invalid-document",
        )
        assert api.send("PATCH", path, b"{}").refusal == (400, "invalid-document")


class TestBuilds:
    def test_build_is_pending_then_succeeds(self, api: Caller, shop: Site) -> None:
        library = with_core(api, shop)
        api.assign(library, shop.development)
        answer = api.build(library)
        assert (answer.status, answer.content_type) == (201, JSON_API)
        assert answer.data["attributes"]["status"] == "pending"
        assert re.fullmatch("[0-9a-f]{12}", answer.data["attributes"]["token"])
        about = api.get(f"/libraries/{library}").data
        assert about["meta"]["build_status"] == "pending"
        assert about["relationships"]["last_build"]["data"]["id"] == answer.id
        api.wait(1)
        assert api.attributes(f"/builds/{answer.id}")["status"] == "pending"
        api.wait()
        assert api.attributes(f"/builds/{answer.id}")["status"] == "succeeded"
        about = api.get(f"/libraries/{library}").data
        assert about["meta"] == {"build_status": "succeeded"}
        assert about["attributes"]["build_required"] is False
        assert api.ids(f"/libraries/{library}/builds") == [answer.id]
        assert api.ids(f"/environments/{shop.development}/builds") == [answer.id]
        assert {"build.created", "build.updated"} <= {kind for kind, _ in api.events()}

    @pytest.mark.parametrize("body", [b"", b"{}", b'{"data":{"type":"builds"}}', b"nonsense"])
    def test_body_of_a_build_request_is_ignored(self, api: Caller, shop: Site, body: bytes) -> None:
        library = with_core(api, shop)
        api.assign(library, shop.development)
        assert api.send("POST", f"/libraries/{library}/builds", body).status == 201

    def test_failed_build_has_status_details(self, api: Caller, shop: Site) -> None:
        library = with_core(api, shop)
        api.options.failing_builds = True
        build = built(api, library, shop.development)
        data = api.get(f"/builds/{build}").data
        assert data["attributes"]["status"] == "failed"
        (error,) = data["meta"]["status_details"]["errors"]
        assert {"code", "title", "detail"} <= set(error)
        about = api.get(f"/libraries/{library}").data
        assert (about["meta"]["build_status"], about["attributes"]["build_required"]) == (
            "failed",
            True,
        )

    @pytest.mark.parametrize(
        ("state", "folder", "suffix"),
        [
            ("development", "/staging", "-development"),
            ("submitted", "/staging", "-staging"),
            ("approved", "", ""),
        ],
    )
    def test_build_has_artifact_urls(
        self, api: Caller, shop: Site, state: str, folder: str, suffix: str
    ) -> None:
        library = in_state(api, shop, state)
        environment = api.attributes(f"/environments/{getattr(shop, STAGES[state])}")
        data = api.get(f"/builds/{built(api, library, getattr(shop, STAGES[state]))}").data
        file = f"launch-{environment['token']}{suffix}.min.js"
        start = f"https://assets.adobedtm.com{folder}/{environment['library_path']}"
        assert data["meta"]["artifact_url"] == f"{start}/{file}"
        assert (
            data["meta"]["direct_artifact_url"] == f"{start}/{data['attributes']['token']}/{file}"
        )

    def test_build_on_sftp_host_has_no_urls(self, api: Caller, shop: Site) -> None:
        host = api.host(
            shop.place, type_of="sftp", server="sftp.example", encrypted_private_key="x"
        )
        api.wait()
        environment = made(api.environment(shop.place, host))
        data = api.get(f"/builds/{built(api, with_core(api, shop), environment)}").data
        assert data["attributes"]["status"] == "succeeded"
        assert (data["meta"]["artifact_url"], data["meta"]["host_type_of"]) == (None, "sftp")

    def test_build_lists_its_contents(self, api: Caller, shop: Site) -> None:
        library = with_core(api, shop)
        rule = api.rule(shop.place, "First")
        first, other = (
            api.revise("rules", rule),
            api.revise("rules", api.rule(shop.place, "Second")),
        )
        api.put(library, "rules", first, other)
        build = built(api, library, shop.development)
        api.put(library, "rules", api.revise("rules", rule), how="PATCH")
        assert api.ids(f"/builds/{build}/rules") == [first, other]
        found = api.listed(f"/builds/{build}/rules", ("filter[name]", "EQ Second"))
        assert [resource["id"] for resource in found] == [other]
        assert len(api.ids(f"/builds/{build}/extensions")) == 1
        assert api.ids(f"/builds/{build}/data_elements") == []

    def test_changed_contents_require_another_build(self, api: Caller, shop: Site) -> None:
        library = with_core(api, shop)
        built(api, library, shop.development)
        api.put(library, "rules", api.revise("rules", api.rule(shop.place)))
        assert api.attributes(f"/libraries/{library}")["build_required"] is True

    def test_contents_changed_during_a_build_require_another_one(
        self, api: Caller, shop: Site
    ) -> None:
        library = with_core(api, shop)
        api.assign(library, shop.development)
        api.build(library)
        api.put(library, "rules", api.revise("rules", api.rule(shop.place)))
        api.wait()
        data = api.get(f"/libraries/{library}").data
        assert (data["meta"]["build_status"], data["attributes"]["build_required"]) == (
            "succeeded",
            True,
        )

    def test_build_of_an_earlier_state_does_not_count(self, api: Caller, shop: Site) -> None:
        library = with_core(api, shop)
        api.assign(library, shop.development)
        build = api.build(library).id
        api.act(f"/libraries/{library}", "submit")
        api.wait()
        assert api.attributes(f"/builds/{build}")["status"] == "succeeded"
        data = api.get(f"/libraries/{library}").data
        assert (data["meta"]["build_status"], data["attributes"]["build_required"]) == (None, True)

    def test_build_outlives_its_library(self, api: Caller, shop: Site) -> None:
        library = with_core(api, shop)
        build = built(api, library, shop.development)
        api.delete(f"/libraries/{library}")
        assert api.ids(f"/environments/{shop.development}/builds") == [build]
        assert api.get(f"/builds/{build}/library").status == 404

    def test_pending_build_of_a_deleted_property_is_dropped(self, api: Caller, shop: Site) -> None:
        library, other = with_core(api, shop), with_core(api, shop, "Other")
        api.assign(library, shop.development)
        api.build(library)
        api.delete(f"/libraries/{library}")
        api.assign(other, shop.development)
        api.build(other)
        api.delete(f"/properties/{shop.place}")
        api.wait()
        assert api.get("/companies").status == 200

    def test_build_cannot_be_changed_or_deleted(self, api: Caller, shop: Site) -> None:
        build = built(api, with_core(api, shop), shop.development)
        answer = api.update(f"/builds/{build}", status="failed")
        assert (answer.refusal, answer.pointer) == ((400, "invalid-document"), "/data/meta/action")
        assert api.delete(f"/builds/{build}").refusal == (405, "method-not-allowed")


class TestPreconditions:
    def test_build_requires_environment(self, api: Caller, shop: Site) -> None:
        assert api.build(with_core(api, shop)).refusal == (409, "environment-required")

    @pytest.mark.parametrize("server", ["sftp.example", "nowhere.invalid"])
    def test_build_requires_working_host(self, api: Caller, shop: Site, server: str) -> None:
        host = api.host(shop.place, type_of="sftp", server=server, encrypted_private_key="x")
        library = with_core(api, shop)
        api.assign(library, made(api.environment(shop.place, host)))
        assert api.build(library).refusal == (409, "host-required")
        api.wait()
        assert api.build(library).status == (409 if "invalid" in server else 201)

    @pytest.mark.parametrize("kind", ["data_elements", "rules"])
    def test_build_requires_the_extension_of_each_resource(
        self, api: Caller, shop: Site, kind: str
    ) -> None:
        rule = api.rule(shop.place)
        api.component(shop.place, rule)
        head = rule if kind == "rules" else made(api.data_element(shop.place))
        library = api.library(shop.place)
        api.put(library, kind, api.revise(kind, head))
        api.assign(library, shop.development)
        assert api.build(library).refusal == (409, "extension-not-found")
        api.put(library, "extensions", latest(api, "extensions", shop.core))
        assert api.build(library).status == 201

    def test_extension_can_be_upstream(self, api: Caller, shop: Site) -> None:
        in_state(api, shop, "published", "First")
        library = api.library(shop.place, "Second")
        api.put(
            library,
            "data_elements",
            api.revise("data_elements", made(api.data_element(shop.place))),
        )
        api.assign(library, shop.development)
        assert api.build(library).status == 201

    def test_deleted_extension_fails_the_build(self, api: Caller, shop: Site) -> None:
        library = with_core(api, shop)
        api.put(
            library,
            "data_elements",
            api.revise("data_elements", made(api.data_element(shop.place))),
        )
        api.assign(library, shop.development)
        api.delete(f"/extensions/{shop.core}")
        assert api.build(library).refusal == (409, "extension-not-found")

    def test_build_requires_built_upstream(self, api: Caller, shop: Site) -> None:
        upstream = in_state(api, shop, "submitted", "First")
        library = with_core(api, shop, "Second")
        api.assign(library, shop.development)
        assert api.build(library).refusal == (409, "upstream-build-required")
        api.assign(upstream, shop.staging)
        api.build(upstream)
        assert api.build(library).refusal == (409, "upstream-build-required"), "it is still pending"
        api.wait()
        assert api.build(library).status == 201

    def test_build_of_the_upstream_counts_after_approval(self, api: Caller, shop: Site) -> None:
        upstream = in_state(api, shop, "submitted", "First")
        built(api, upstream, shop.staging)
        api.act(f"/libraries/{upstream}", "approve")
        assert api.get(f"/libraries/{upstream}").data["meta"]["build_status"] is None
        library = with_core(api, shop, "Second")
        api.assign(library, shop.development)
        assert api.build(library).status == 201

    def test_build_requires_upgraded_extension_until_published(
        self, api: Caller, shop: Site
    ) -> None:
        pixel = made(api.install(shop.place, api.package("facebook-pixel", "1.3.0")))
        library = with_core(api, shop, "First")
        api.put(library, "extensions", latest(api, "extensions", pixel))
        publish(api, shop, library)
        waiting = with_core(api, shop, "Waiting")
        upgrade(api, pixel, "1.3.2")
        assert api.attributes(f"/libraries/{waiting}")["stale"] == "extension_upgraded"
        api.assign(waiting, shop.development)
        assert api.build(waiting).refusal == (409, "upgraded-extension-required")
        revision = api.revise("extensions", pixel)
        api.put(waiting, "extensions", revision)
        assert api.build(waiting).status == 201
        api.wait()
        assert api.attributes(f"/libraries/{waiting}")["stale"] is None
        publish(api, shop, waiting)
        last = with_core(api, shop, "Last")
        api.assign(last, shop.development)
        assert api.build(last).status == 201

    def test_upgrade_of_unpublished_extension_is_optional(self, api: Caller, shop: Site) -> None:
        pixel = made(api.install(shop.place, api.package("facebook-pixel", "1.3.0")))
        upgrade(api, pixel, "1.3.2")
        library = with_core(api, shop)
        api.assign(library, shop.development)
        assert api.build(library).status == 201


def upgrade(api: Caller, extension: str, version: str) -> None:
    linked = {
        "extension_package": {
            "data": {"id": api.package("facebook-pixel", version), "type": "extension_packages"}
        }
    }
    assert api.patch(f"/extensions/{extension}", {"relationships": linked}).status == 200


class TestUpstream:
    def upstream(self, api: Caller, library: str) -> Any:
        data = api.get(f"/libraries/{library}").data["relationships"]["upstream_library"]["data"]
        return data and data["id"]

    def test_upstream_is_in_the_nearest_state(self, api: Caller, shop: Site) -> None:
        published = in_state(api, shop, "published", "Published")
        approved = in_state(api, shop, "approved", "Approved")
        submitted = in_state(api, shop, "submitted", "Submitted")
        library = with_core(api, shop, "Here")
        assert self.upstream(api, library) == submitted
        assert self.upstream(api, submitted) == approved
        assert self.upstream(api, approved) == published
        assert self.upstream(api, published) is None

    @pytest.mark.parametrize("state", ["submitted", "approved"])
    def test_earlier_states_are_not_upstream(self, api: Caller, shop: Site, state: str) -> None:
        library = in_state(api, shop, state)
        for other in ("development", "submitted", "rejected"):
            in_state(api, shop, other, other)
        assert self.upstream(api, library) is None

    def test_library_is_stale_after_upstream_changed(self, api: Caller, shop: Site) -> None:
        library = with_core(api, shop)
        built(api, library, shop.development)
        assert api.attributes(f"/libraries/{library}")["stale"] is None
        other = in_state(api, shop, "published", "Other")
        attributes = api.attributes(f"/libraries/{library}")
        assert (attributes["stale"], attributes["build_required"]) == ("upstream_changed", True)
        assert self.upstream(api, library) == other
        api.build(library)
        api.wait()
        attributes = api.attributes(f"/libraries/{library}")
        assert (attributes["stale"], attributes["build_required"]) == (None, False)

    def test_own_revisions_replace_those_of_the_upstream(self, api: Caller, shop: Site) -> None:
        kept, replaced = api.rule(shop.place, "Kept"), api.rule(shop.place, "Replaced")
        first = with_core(api, shop, "First")
        revisions = [api.revise("rules", kept), api.revise("rules", replaced)]
        api.put(first, "rules", *revisions)
        publish(api, shop, first)
        second = api.library(shop.place, "Second")
        newer = api.revise("rules", replaced)
        api.put(second, "rules", newer)
        build = built(api, second, shop.development)
        assert set(api.ids(f"/builds/{build}/rules")) == {revisions[0], newer}
        assert api.ids(f"/builds/{build}/extensions") == [latest(api, "extensions", shop.core)]

    def test_deleted_resources_are_not_delivered(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        first = with_core(api, shop, "First")
        api.put(first, "rules", api.revise("rules", rule))
        publish(api, shop, first)
        api.delete(f"/rules/{rule}")
        build = built(api, api.library(shop.place, "Second"), shop.development)
        assert api.ids(f"/builds/{build}/rules") == []

    def test_deleted_library_is_not_upstream(self, api: Caller, shop: Site) -> None:
        upstream = in_state(api, shop, "submitted", "First")
        library = with_core(api, shop, "Second")
        assert self.upstream(api, library) == upstream
        assert api.delete(f"/libraries/{upstream}").status == 204
        assert self.upstream(api, library) is None


class TestPublished:
    def test_production_build_publishes_library_and_contents(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        api.component(shop.place, rule)
        library = with_core(api, shop)
        revision = api.revise("rules", rule)
        api.put(library, "rules", revision)
        publish(api, shop, library)
        about = api.attributes(f"/libraries/{library}")
        assert (about["state"], about["build_required"]) == ("published", False)
        assert about["published_at"] is not None
        assert environment_of(api, library)["id"] == shop.production
        (component,) = api.ids(f"/rules/{revision}/rule_components")
        for path in (f"/rules/{revision}", f"/rule_components/{component}"):
            attributes = api.attributes(path)
            assert (attributes["published"], attributes["published_at"]) == (
                True,
                about["published_at"],
            )
        assert api.attributes(f"/rules/{rule}")["published"] is False, "a head never is"

    def test_failed_build_does_not_publish(self, api: Caller, shop: Site) -> None:
        library = in_state(api, shop, "approved")
        api.options.failing_builds = True
        built(api, library, shop.production)
        assert api.attributes(f"/libraries/{library}")["state"] == "approved"

    def test_library_is_published_with_a_build_in_every_state(
        self, api: Caller, shop: Site
    ) -> None:
        library = with_core(api, shop)
        for stage, action in (
            ("development", "submit"),
            ("staging", "approve"),
            ("production", None),
        ):
            build = built(api, library, getattr(shop, stage))
            assert api.attributes(f"/builds/{build}")["status"] == "succeeded"
            if action:
                assert api.act(f"/libraries/{library}", action).status == 200
        assert api.attributes(f"/libraries/{library}")["state"] == "published"

    def test_published_library_cannot_be_built_or_deleted(self, api: Caller, shop: Site) -> None:
        library = in_state(api, shop, "published")
        assert api.build(library).refusal == (409, "read-only")
        assert api.delete(f"/libraries/{library}").refusal == (409, "read-only")

    def test_builds_of_the_five_newest_libraries_can_be_republished(
        self, api: Caller, shop: Site
    ) -> None:
        builds = [publish(api, shop, with_core(api, shop, str(number))) for number in range(6)]
        for build in builds[1:]:
            answer = api.act(f"/builds/{build}", "republish")
            assert (answer.status, answer.data["meta"]["republish_status"]) == (200, "pending")
        api.wait()
        assert api.get(f"/builds/{builds[1]}").data["meta"]["republish_status"] == "succeeded"
        assert api.act(f"/builds/{builds[0]}", "republish").refusal == (409, "invalid-build")

    def test_build_of_unpublished_library_cannot_be_republished(
        self, api: Caller, shop: Site
    ) -> None:
        build = built(api, with_core(api, shop), shop.development)
        assert api.act(f"/builds/{build}", "republish").refusal == (409, "invalid-build")

    def test_archive_and_sftp_build_cannot_be_republished(self, api: Caller, shop: Site) -> None:
        first = publish(api, shop, with_core(api, shop, "First"))
        api.update(f"/environments/{shop.production}", archive=True)
        assert api.act(f"/builds/{first}", "republish").refusal == (409, "invalid-build")
        api.update(f"/environments/{shop.production}", archive=False)
        assert api.act(f"/builds/{first}", "republish", "developer").refusal == (
            403,
            "not-authorized",
        )
        assert api.act(f"/builds/{first}", "republish").status == 200
        host = api.host(
            shop.place, type_of="sftp", server="sftp.example", encrypted_private_key="x"
        )
        api.wait()
        linked = {"host": {"data": {"id": host, "type": "hosts"}}}
        api.patch(f"/environments/{shop.production}", {"relationships": linked})
        second = publish(api, shop, with_core(api, shop, "Second"))
        assert api.act(f"/builds/{second}", "republish").refusal == (409, "invalid-build")
