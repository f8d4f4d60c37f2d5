"""Create, update and delete, type by type, as Adobe documents them."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from adobe_nb.registry import BY_PREFIX, ID_PATTERN, RESOURCES
from adobe_nb.simulator.messages import JSON_API
from tests.support.caller import (
    BASE,
    COMPANY,
    SCRIPT,
    Answer,
    Caller,
    Sample,
    Site,
    made,
    samples,
    site,
)

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MANAGED = "https://assets.adobedtm.com"
_MANY = {relation.name for row in RESOURCES.values() for relation in row.relations if relation.many}


@pytest.fixture
def api() -> Caller:
    return Caller()


@pytest.fixture
def shop(api: Caller) -> Site:
    return site(api)


CREATED = [
    row.type for row in RESOURCES.values() if "create" in row.verbs and row.prefix != "EA"
]  # test_packages has the grants
UPDATED = [name for name in CREATED if "update" in RESOURCES[name].verbs]
DELETED = [name for name in CREATED if "delete" in RESOURCES[name].verbs]


def create(api: Caller, sample: Sample) -> str:
    return made(api.post(sample.parent, sample.data()))


class TestEveryType:
    @pytest.mark.parametrize("kind", CREATED)
    def test_create_returns_201_and_a_resource_to_fetch(
        self, api: Caller, shop: Site, kind: str
    ) -> None:
        sample = samples(api, shop)[kind]
        answer = api.post(sample.parent, sample.data())
        assert (answer.status, answer.content_type) == (201, JSON_API)
        assert answer.data["type"] == kind
        assert ID_PATTERN.fullmatch(answer.id)
        assert BY_PREFIX[answer.id[:2]].type == kind
        assert api.get(f"/{kind}/{answer.id}").data == answer.data
        shown = {
            name: value
            for name, value in sample.attributes.items()
            if name in answer.data["attributes"]
        }
        assert answer.data["attributes"] | shown == answer.data["attributes"]

    @pytest.mark.parametrize("kind", CREATED)
    def test_created_resource_has_documented_shape(
        self, api: Caller, shop: Site, kind: str
    ) -> None:
        sample = samples(api, shop)[kind]
        data = api.post(sample.parent, sample.data()).data
        assert set(data) == {"id", "type", "attributes", "relationships", "links", "meta"}
        until_set = {"privacy", "ssl_enabled"} if kind == "properties" else set()
        assert (
            set(data["attributes"])
            == {attribute.name for attribute in sample.row.columns} - until_set
        )
        assert set(data["relationships"]) == {relation.name for relation in sample.row.relations}
        assert data["links"]["self"] == f"{BASE}/{kind}/{data['id']}"
        assert STAMP.fullmatch(data["attributes"]["created_at"])
        for name, about in data["relationships"].items():
            assert ("data" in about) == (name not in _MANY)

    @pytest.mark.parametrize("kind", CREATED)
    def test_created_resource_is_listed(self, api: Caller, shop: Site, kind: str) -> None:
        sample = samples(api, shop)[kind]
        identifier = create(api, sample)
        lists = [sample.parent]
        if kind == "rule_components":
            lists = [f"/rules/{sample.linked['rules'][0]['id']}/rule_components"]
            assert api.get(sample.parent).status == 404, (
                "components are never listed under a property"
            )
        for path in lists:
            assert identifier in api.ids(path)

    @pytest.mark.parametrize("kind", UPDATED)
    def test_update_changes_named_attributes_and_updated_at(
        self, api: Caller, shop: Site, kind: str
    ) -> None:
        sample = samples(api, shop)[kind]
        before = api.post(sample.parent, sample.data()).data
        answer = api.update(f"/{kind}/{before['id']}", **sample.change)
        assert (answer.status, answer.content_type) == (200, JSON_API)
        after = answer.data["attributes"]
        assert {name: after[name] for name in sample.change} == sample.change
        assert after["updated_at"] > before["attributes"]["updated_at"]
        assert after["created_at"] == before["attributes"]["created_at"]
        assert api.get(f"/{kind}/{before['id']}").data == answer.data

    @pytest.mark.parametrize("kind", DELETED)
    def test_delete_returns_204_without_body(self, api: Caller, shop: Site, kind: str) -> None:
        sample = samples(api, shop)[kind]
        identifier = create(api, sample)
        answer = api.delete(f"/{kind}/{identifier}")
        assert (answer.status, answer.body, answer.content_type) == (204, b"", "")
        after = api.get(f"/{kind}/{identifier}")
        if sample.row.deletion == "hard":
            assert after.refusal == (404, "not-found")
        else:
            assert STAMP.fullmatch(after.data["attributes"]["deleted_at"])
            assert after.data["meta"].get("deleted_at") in {
                None,
                after.data["attributes"]["deleted_at"],
            }
            assert ("deleted_at" in after.data["meta"]) == (kind != "rule_components")
        parent = (
            f"/rules/{sample.linked['rules'][0]['id']}/{kind}"
            if kind == "rule_components"
            else sample.parent
        )
        assert identifier not in api.ids(parent)
        assert api.delete(f"/{kind}/{identifier}").status == 404

    @pytest.mark.parametrize("kind", CREATED)
    def test_missing_attribute_is_refused_by_name(self, api: Caller, shop: Site, kind: str) -> None:
        sample = samples(api, shop)[kind]
        for name in sample.needed:
            for change in (None, {name: None}):
                data = sample.data()
                del data["attributes"][name]
                data["attributes"] |= change or {}
                answer = api.post(sample.parent, data)
                assert answer.refusal == (400, "invalid-document")
                assert answer.pointer == f"/data/attributes/{name}"

    @pytest.mark.parametrize("kind", CREATED)
    def test_missing_relationship_is_refused_by_name(
        self, api: Caller, shop: Site, kind: str
    ) -> None:
        sample = samples(api, shop)[kind]
        for name in [
            relation.name for relation in sample.row.linkable("create") if relation.required
        ]:
            data = sample.data()
            del data["relationships"][name]
            answer = api.post(sample.parent, data)
            assert answer.refusal == (400, "invalid-document")
            assert answer.pointer == f"/data/relationships/{name}"

    @pytest.mark.parametrize("kind", CREATED)
    def test_attribute_of_wrong_type_is_refused_by_name(
        self, api: Caller, shop: Site, kind: str
    ) -> None:
        sample = samples(api, shop)[kind]
        wrong = {
            "text": 5,
            "boolean": "yes",
            "integer": 1.5,
            "number": "1",
            "list": {},
            "object": [],
            "json": None,
        }
        for attribute in sample.row.writable("create"):
            form = attribute.form if attribute.form in {"list", "object"} else attribute.kind
            value = {} if attribute.form == "text" else wrong[form]
            if attribute.nullable and value is None:
                continue
            data = sample.data()
            data["attributes"][attribute.name] = value
            answer = api.post(sample.parent, data)
            assert answer.refusal == (400, "invalid-document"), attribute.name
            assert answer.pointer == f"/data/attributes/{attribute.name}"

    @pytest.mark.parametrize("kind", UPDATED)
    def test_null_is_accepted_for_nullable_attributes(
        self, api: Caller, shop: Site, kind: str
    ) -> None:
        sample = samples(api, shop)[kind]
        path = f"/{kind}/{create(api, sample)}"
        for attribute in sample.row.writable("update"):
            # An SFTP host requires its server, and an extension with settings its descriptor.
            if attribute.name not in {"server", "delegate_descriptor_id"} or not attribute.nullable:
                answer = api.update(path, **{attribute.name: None})
                assert answer.status == (200 if attribute.nullable else 400), attribute.name

    @pytest.mark.parametrize("kind", CREATED)
    def test_malformed_relationship_is_refused_by_name(
        self, api: Caller, shop: Site, kind: str
    ) -> None:
        sample = samples(api, shop)[kind]
        for relation in sample.row.linkable("create"):
            for wrong in (
                5,
                {},
                {"data": 5},
                {"data": {"id": 5}},
                {"data": {"id": "x", "type": "companies"}},
            ):
                data = sample.data()
                data["relationships"][relation.name] = wrong
                answer = api.post(sample.parent, data)
                assert answer.refusal == (400, "invalid-document")
                assert str(answer.pointer).startswith(f"/data/relationships/{relation.name}")

    @pytest.mark.parametrize("kind", CREATED)
    def test_link_to_unknown_resource_is_refused(self, api: Caller, shop: Site, kind: str) -> None:
        sample = samples(api, shop)[kind]
        for relation in sample.row.linkable("create"):
            nowhere = {
                "id": f"{RESOURCES[relation.targets[0]].prefix}{'0' * 32}",
                "type": relation.targets[0],
            }
            data = sample.data()
            data["relationships"][relation.name] = {"data": [nowhere] if relation.many else nowhere}
            assert api.post(sample.parent, data).status == (404 if kind != "secrets" else 400)

    @pytest.mark.parametrize("kind", CREATED)
    def test_unknown_attribute_is_ignored(self, api: Caller, shop: Site, kind: str) -> None:
        sample = samples(api, shop)[kind]
        data = sample.data()
        data["attributes"]["nonsense"] = 5
        answer = api.post(sample.parent, data)
        assert answer.status == 201
        assert "nonsense" not in answer.data["attributes"]

    @pytest.mark.parametrize("kind", CREATED)
    def test_type_can_be_omitted_but_must_match(self, api: Caller, shop: Site, kind: str) -> None:
        sample = samples(api, shop)[kind]
        data = sample.data()
        assert api.post(sample.parent, data | {"type": "companies"}).refusal == (
            409,
            "invalid-type",
        )
        del data["type"]
        assert api.post(sample.parent, data).status == 201

    @pytest.mark.parametrize("kind", UPDATED)
    def test_other_id_in_the_document_is_refused(self, api: Caller, shop: Site, kind: str) -> None:
        sample = samples(api, shop)[kind]
        identifier = create(api, sample)
        answer = api.patch(f"/{kind}/{identifier}", {"id": shop.place, "attributes": sample.change})
        assert (answer.refusal, answer.pointer) == ((409, "invalid-id"), "/data/id")

    @pytest.mark.parametrize("kind", UPDATED)
    def test_unknown_action_is_refused(self, api: Caller, shop: Site, kind: str) -> None:
        identifier = create(api, samples(api, shop)[kind])
        for action in ("explode", "", None, 5, ["revise"], {}):
            answer = api.patch(f"/{kind}/{identifier}", {"meta": {"action": action}})
            assert (answer.refusal, answer.pointer) == (
                (400, "invalid-document"),
                "/data/meta/action",
            )

    @pytest.mark.parametrize("kind", CREATED)
    def test_unsupported_method_gets_405(self, api: Caller, shop: Site, kind: str) -> None:
        sample = samples(api, shop)[kind]
        identifier = create(api, sample)
        assert api.patch(sample.parent).refusal == (405, "method-not-allowed")
        assert api.post(f"/{kind}/{identifier}", sample.data()).refusal == (
            405,
            "method-not-allowed",
        )
        if kind != "callbacks":
            assert api.send("PUT", f"/{kind}/{identifier}").refusal == (405, "method-not-allowed")
        for method, verb in (("PATCH", "update"), ("DELETE", "delete")):
            if verb not in sample.row.verbs:
                assert api.send(method, f"/{kind}/{identifier}", b"{}").refusal == (
                    405,
                    "method-not-allowed",
                )

    @pytest.mark.parametrize("kind", CREATED)
    def test_account_without_rights_cannot_write(self, api: Caller, shop: Site, kind: str) -> None:
        sample = samples(api, shop)[kind]
        assert api.post(sample.parent, sample.data(), "reader").refusal == (403, "not-authorized")
        path = f"/{kind}/{create(api, sample)}"
        assert api.get(path, account="reader").status == 200
        if kind in UPDATED:
            assert api.update(path, "reader", **sample.change).refusal == (403, "not-authorized")
            assert api.send("DELETE", path, account="reader").refusal == (403, "not-authorized")

    @pytest.mark.parametrize("kind", CREATED)
    def test_right_to_develop_covers_its_types(self, api: Caller, shop: Site, kind: str) -> None:
        may = {"rules", "rule_components", "data_elements", "libraries", "callbacks", "notes"}
        sample = samples(api, shop)[kind]
        assert api.post(sample.parent, sample.data(), "developer").status == (
            201 if kind in may else 403
        )

    @pytest.mark.parametrize("kind", CREATED)
    def test_write_only_attributes_are_never_shown(
        self, api: Caller, shop: Site, kind: str
    ) -> None:
        sample = samples(api, shop)[kind]
        answer = api.post(sample.parent, sample.data())
        assert b"hush" not in answer.body
        hidden = {attribute.name for attribute in sample.row.attributes if attribute.write_only}
        assert hidden.isdisjoint(answer.data["attributes"])

    @pytest.mark.parametrize("kind", CREATED)
    def test_every_change_is_logged(self, api: Caller, shop: Site, kind: str) -> None:
        audited = kind not in {"callbacks", "notes", "secrets"}
        sample = samples(api, shop)[kind]
        seen = len(api.events())
        path = f"/{kind}/{create(api, sample)}"
        if kind in UPDATED:
            api.update(path, **sample.change)
            api.delete(path)
        told = {
            what for what, _ in api.events()[seen:] if what.startswith(f"{sample.row.singular}.")
        }
        expected = {f"{sample.row.singular}.{what}" for what in ("created", "updated", "deleted")}
        assert told == (expected if audited else set())

    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    def test_body_must_be_a_json_object(self, api: Caller, shop: Site, method: str) -> None:
        path = (
            f"/properties/{shop.place}/rules" if method == "POST" else f"/properties/{shop.place}"
        )
        for body in (
            b"",
            b"x",
            b"[]",
            b"null",
            b'"x"',
            b'{"data": NaN}',
            b'{"data": 1e999}',
            b"\xff",
            b"{}",
            b'{"data":[]}',
        ):
            assert api.send(method, path, body).refusal == (400, "invalid-document")
        surrogate = b'{"data": {"attributes": {"name": "\\ud800"}}}'
        assert api.send(method, path, surrogate).refusal == (400, "invalid-document")
        deep = b'{"data": {"attributes": {"name": "x", "more": ' + b"[" * 500 + b"]" * 500 + b"}}}"
        assert api.send(method, path, deep).refusal == (400, "invalid-document")
        assert api.send(method, path, b"{}", content_type="text/plain").refusal == (
            415,
            "unsupported-media-type",
        )

    def test_application_json_is_accepted(self, api: Caller, shop: Site) -> None:
        body = json.dumps({"data": {"attributes": {"name": "Rule"}}}).encode()
        kind = "application/json; charset=utf-8"
        assert (
            api.send("POST", f"/properties/{shop.place}/rules", body, content_type=kind).status
            == 201
        )

    def test_heartbeat_has_no_body(self, api: Caller) -> None:
        answer = api.get("/heartbeat")
        assert (answer.status, answer.body, answer.content_type) == (200, b"", "")


class TestProperties:
    def test_new_property_has_only_the_core_extension(self, api: Caller) -> None:
        for platform, version in (("web", "3.4.4"), ("mobile", "3.0.0"), ("edge", "1.4.0")):
            place = api.property(platform, platform)
            core = api.listed(f"/properties/{place}/extensions")
            assert [
                (extension["attributes"]["name"], extension["attributes"]["version"])
                for extension in core
            ] == [("core", version)]
            assert (
                api.ids(f"/properties/{place}/hosts")
                == api.ids(f"/properties/{place}/environments")
                == []
            )

    def test_token_has_twelve_hex_digits(self, api: Caller, shop: Site) -> None:
        assert re.fullmatch("[0-9a-f]{12}", api.attributes(f"/properties/{shop.place}")["token"])

    def test_duplicate_name_is_refused(self, api: Caller, shop: Site) -> None:
        data = {"attributes": {"name": "Shop", "platform": "mobile"}}
        answer = api.post(f"/companies/{COMPANY}/properties", data)
        assert (answer.refusal, answer.pointer) == ((409, "not-unique"), "/data/attributes/name")
        other = api.property("Other")
        assert api.update(f"/properties/{other}", name="Shop").refusal == (409, "not-unique")
        assert api.update(f"/properties/{other}", name="Other").status == 200
        assert api.attributes(f"/properties/{other}")["name"] == "Other"

    def test_only_web_properties_require_a_domain(self, api: Caller, shop: Site) -> None:
        data: dict[str, Any] = {"attributes": {"name": "App", "platform": "mobile"}}
        assert api.post(f"/companies/{COMPANY}/properties", data).status == 201
        data["attributes"] = {"name": "Site", "platform": "web"}
        answer = api.post(f"/companies/{COMPANY}/properties", data)
        assert (answer.status, answer.pointer) == (400, "/data/attributes/domains")
        for wrong in ([], [5], [""]):
            assert (
                api.update(f"/properties/{shop.place}", domains=wrong).pointer
                == "/data/attributes/domains"
            )

    def test_unknown_platform_or_privacy_is_refused(self, api: Caller, shop: Site) -> None:
        data = {"attributes": {"name": "App", "platform": "fridge"}}
        assert (
            api.post(f"/companies/{COMPANY}/properties", data).pointer
            == "/data/attributes/platform"
        )
        answer = api.update(f"/properties/{shop.place}", privacy="gdpr")
        assert (answer.status, answer.pointer) == (400, "/data/attributes/privacy")
        assert api.update(f"/properties/{shop.place}", privacy="optedin").status == 200

    def test_platform_cannot_be_changed(self, api: Caller, shop: Site) -> None:
        assert (
            api.update(f"/properties/{shop.place}", platform="mobile").data["attributes"][
                "platform"
            ]
            == "web"
        )

    def test_delete_removes_the_contents_but_not_the_log(self, api: Caller, shop: Site) -> None:
        other = site(api, "Other")
        rule = api.rule(shop.place)
        component = made(api.component(shop.place, rule))
        revision = api.revise("rules", rule)
        note = made(api.post(f"/rules/{rule}/notes", {"attributes": {"text": "x"}}))
        events = len(api.events())
        assert api.delete(f"/properties/{shop.place}").status == 204
        gone = [
            ("rules", rule),
            ("rules", revision),
            ("rule_components", component),
            ("notes", note),
        ]
        gone += [("extensions", shop.core), ("hosts", shop.host), ("environments", shop.staging)]
        assert [api.get(f"/{kind}/{identifier}").status for kind, identifier in gone] == [
            404
        ] * len(gone)
        assert api.get(f"/extensions/{other.core}").status == 200
        assert api.events()[events:] == [("property.deleted", "Shop")]

    def test_deleted_property_has_no_lists(self, api: Caller, shop: Site) -> None:
        api.delete(f"/properties/{shop.place}")
        assert api.post(
            f"/properties/{shop.place}/rules", {"attributes": {"name": "x"}}
        ).refusal == (404, "not-found")
        assert api.get(f"/properties/{shop.place}/rules").status == 404


class TestHeadsAndRevisions:
    @pytest.mark.parametrize("kind", ["rules", "data_elements", "rule_components"])
    def test_new_head_is_dirty_without_revision(self, api: Caller, shop: Site, kind: str) -> None:
        data = api.get(f"/{kind}/{create(api, samples(api, shop)[kind])}").data
        assert (data["attributes"]["dirty"], data["attributes"]["published"]) == (True, False)
        assert data["attributes"]["revision_number"] == data["meta"]["latest_revision_number"] == 0
        assert data["relationships"]["origin"]["data"] == {"id": data["id"], "type": kind}

    def test_installed_extension_has_a_first_revision(self, api: Caller, shop: Site) -> None:
        data = api.get(f"/extensions/{shop.core}").data
        assert (data["attributes"]["dirty"], data["meta"]["latest_revision_number"]) == (False, 1)
        numbers = [
            revision["attributes"]["revision_number"]
            for revision in api.listed(f"/extensions/{shop.core}/revisions")
        ]
        assert sorted(numbers) == [0, 1]

    @pytest.mark.parametrize("kind", ["rules", "data_elements", "extensions"])
    def test_revise_returns_the_new_revision(self, api: Caller, shop: Site, kind: str) -> None:
        head = create(api, samples(api, shop)[kind])
        latest = api.get(f"/{kind}/{head}").data["meta"]["latest_revision_number"]
        for number in (latest + 1, latest + 2):
            answer = api.act(f"/{kind}/{head}", "revise")
            assert answer.status == 200
            assert answer.id != head
            attributes = answer.data["attributes"]
            assert (attributes["revision_number"], attributes["dirty"]) == (number, False)
            assert answer.data["relationships"]["origin"]["data"] == {"id": head, "type": kind}
            after = api.get(f"/{kind}/{head}").data
            assert (after["attributes"]["revision_number"], after["attributes"]["dirty"]) == (
                0,
                False,
            )
            assert after["meta"]["latest_revision_number"] == number

    def test_attributes_next_to_the_action_are_ignored(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place, "Before")
        data = {"attributes": {"name": "After"}, "meta": {"action": "revise"}}
        assert api.patch(f"/rules/{rule}", data).data["attributes"]["name"] == "Before"
        assert api.attributes(f"/rules/{rule}")["name"] == "Before"

    def test_update_makes_only_the_head_dirty(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place, "Before")
        revision = api.revise("rules", rule)
        assert api.update(f"/rules/{rule}", name="After").data["attributes"]["dirty"] is True
        frozen = api.attributes(f"/rules/{revision}")
        assert (frozen["name"], frozen["dirty"]) == ("Before", False)

    @pytest.mark.parametrize("kind", ["rules", "data_elements", "extensions"])
    def test_revision_is_read_only(self, api: Caller, shop: Site, kind: str) -> None:
        revision = f"/{kind}/{api.revise(kind, create(api, samples(api, shop)[kind]))}"
        assert api.update(revision, enabled=False).refusal == (409, "read-only")
        assert api.delete(revision).refusal == (409, "read-only")
        assert api.act(revision, "revise").refusal == (409, "read-only")

    def test_head_and_revision_list_all_revisions(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        first, second = api.revise("rules", rule), api.revise("rules", rule)
        assert set(api.ids(f"/rules/{rule}/revisions")) == {rule, first, second}
        assert set(api.ids(f"/rules/{second}/revisions")) == {rule, first, second}
        assert api.get(f"/rules/{second}/origin").id == rule

    def test_property_lists_only_heads(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        api.revise("rules", rule)
        assert api.ids(f"/properties/{shop.place}/rules") == [rule]

    def test_rule_revision_has_copies_of_its_components(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        component = made(api.component(shop.place, rule))
        revision = api.revise("rules", rule)
        (copy,) = api.listed(f"/rules/{revision}/rule_components")
        assert copy["id"] != component
        assert copy["relationships"]["origin"]["data"]["id"] == component
        assert copy["attributes"]["revision_number"] == 1
        assert api.ids(f"/rule_components/{copy['id']}/rules") == [revision]
        assert api.update(f"/rule_components/{copy['id']}", order=2).refusal == (409, "read-only")
        assert api.delete(f"/rule_components/{copy['id']}").refusal == (409, "read-only")
        api.update(f"/rule_components/{component}", name="Other")
        assert api.attributes(f"/rule_components/{copy['id']}")["name"] == "Loaded"

    def test_deleted_component_stays_in_older_revisions(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        component = made(api.component(shop.place, rule))
        before = api.revise("rules", rule)
        api.delete(f"/rule_components/{component}")
        after = api.revise("rules", rule)
        assert len(api.ids(f"/rules/{before}/rule_components")) == 1
        assert (
            api.ids(f"/rules/{after}/rule_components")
            == api.ids(f"/rules/{rule}/rule_components")
            == []
        )

    def test_change_of_a_component_updates_its_rule(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        component = ""

        def make() -> None:
            nonlocal component
            component = made(api.component(shop.place, rule))

        for act in (
            make,
            lambda: api.update(f"/rule_components/{component}", order=2),
            lambda: api.delete(f"/rule_components/{component}"),
        ):
            api.revise("rules", rule)
            before = api.attributes(f"/rules/{rule}")
            act()
            after = api.attributes(f"/rules/{rule}")
            assert after["updated_at"] > before["updated_at"]
            assert (before["dirty"], after["dirty"]) == (False, True)

    @pytest.mark.parametrize("kind", ["rules", "data_elements", "extensions", "rule_components"])
    def test_deleted_resource_is_read_only(self, api: Caller, shop: Site, kind: str) -> None:
        sample = samples(api, shop)[kind]
        path = f"/{kind}/{create(api, sample)}"
        api.delete(path)
        assert api.update(path, **sample.change).refusal == (409, "deleted-resources")
        note = {"attributes": {"text": "x"}}
        assert api.post(f"{path}/notes", note).refusal == (409, "deleted-resources")
        if kind != "rule_components":
            assert api.act(path, "revise").refusal == (409, "deleted-resources")

    def test_component_cannot_be_created_under_its_rule(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        assert api.post(f"/rules/{rule}/rule_components", {}).refusal == (405, "method-not-allowed")

    def test_component_requires_a_head_of_the_same_property(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        revision = api.revise("rules", rule)
        assert api.component(shop.place, revision).refusal == (409, "read-only")
        other = site(api, "Other")
        assert api.component(shop.place, api.rule(other.place)).status == 404
        api.delete(f"/rules/{rule}")
        assert api.component(shop.place, rule).refusal == (409, "deleted-resources")


class TestSettings:
    def test_settings_as_object_get_400(self, api: Caller, shop: Site) -> None:
        answer = api.data_element(shop.place, settings={"path": "a"})
        assert (answer.refusal, answer.pointer) == (
            (400, "invalid-document"),
            "/data/attributes/settings",
        )

    @pytest.mark.parametrize("settings", ["", "{", "[]", "5", '{"path": NaN}', "[" * 5000])
    def test_settings_that_are_not_a_json_object_get_409(
        self, api: Caller, shop: Site, settings: str
    ) -> None:
        assert api.data_element(shop.place, settings=settings).refusal == (
            409,
            "invalid-settings-syntax",
        )

    @pytest.mark.parametrize("settings", ["{}", '{"path":5}', '{"path":"a","more":1}'])
    def test_settings_that_violate_the_schema_get_409(
        self, api: Caller, shop: Site, settings: str
    ) -> None:
        answer = api.data_element(shop.place, settings=settings)
        assert (answer.refusal, answer.pointer) == (
            (409, "invalid-settings"),
            "/data/attributes/settings",
        )

    def test_refused_update_changes_nothing(self, api: Caller, shop: Site) -> None:
        path = f"/data_elements/{made(api.data_element(shop.place))}"
        before = api.get(path).document
        assert api.update(path, settings="{}", name="New").refusal == (409, "invalid-settings")
        assert api.get(path).document == before
        assert (
            api.update(path, clean_text=True).data["attributes"]["name"]
            == before["data"]["attributes"]["name"]
        )

    @pytest.mark.parametrize(
        "descriptor",
        [
            "core::dataElements::nothing",
            "core::events::click",
            "adobe-alloy::dataElements::xdm-object",
            "core",
            "::::",
        ],
    )
    def test_unknown_descriptor_gets_409(self, api: Caller, shop: Site, descriptor: str) -> None:
        answer = api.data_element(shop.place, delegate_descriptor_id=descriptor)
        assert answer.refusal == (409, "delegate-descriptor-unresolved")
        assert answer.pointer == "/data/attributes/delegate_descriptor_id"

    def test_component_accepts_events_conditions_and_actions(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        code = '{"language":"javascript","source":"x()"}'
        for descriptor, settings in (
            ("core::events::window-loaded", "{}"),
            ("core::conditions::path-and-querystring", '{"paths":[{"value":"/"}]}'),
            ("core::actions::custom-code", code),
        ):
            answer = api.component(
                shop.place, rule, delegate_descriptor_id=descriptor, settings=settings
            )
            assert answer.status == 201, answer.body
        assert api.component(shop.place, rule, **SCRIPT).refusal == (
            409,
            "delegate-descriptor-unresolved",
        )

    def test_omitted_attributes_have_documented_defaults(self, api: Caller, shop: Site) -> None:
        attributes = api.component(shop.place, api.rule(shop.place)).data["attributes"]
        expected = {
            "rule_order": 50.0,
            "timeout": 2000,
            "order": 0,
            "delay_next": True,
            "negate": False,
        }
        assert attributes | expected == attributes

    def test_settings_of_an_extension_require_a_descriptor(self, api: Caller, shop: Site) -> None:
        package = api.package("adobe-mcid", "4.6.0")
        answer = api.install(shop.place, package, settings='{"orgId":"A@AdobeOrg"}')
        assert answer.status == 409
        assert answer.pointer == "/data/attributes/delegate_descriptor_id"
        assert api.install(shop.place, package, settings="{}").status == 201

    def test_extension_of_another_property_is_refused(self, api: Caller, shop: Site) -> None:
        answer = api.data_element(shop.place, site(api, "Other").core)
        assert (answer.refusal, answer.pointer) == (
            (404, "not-found"),
            "/data/relationships/extension",
        )

    def test_deleted_extension_is_refused(self, api: Caller, shop: Site) -> None:
        api.delete(f"/extensions/{shop.core}")
        assert api.data_element(shop.place, shop.core).refusal == (409, "deleted-resources")

    def test_resource_names_extension_and_package_it_was_made_with(
        self, api: Caller, shop: Site
    ) -> None:
        related = api.data_element(shop.place).data["relationships"]
        current = related["updated_with_extension"]["data"]["id"]
        assert (
            current != shop.core,
            api.attributes(f"/extensions/{current}")["revision_number"],
        ) == (True, 1)
        assert related["updated_with_extension_package"]["data"]["id"] == api.package(
            "core", "3.4.4"
        )

    def test_update_names_the_current_revision_of_the_extension(
        self, api: Caller, shop: Site
    ) -> None:
        path = f"/data_elements/{made(api.data_element(shop.place))}"
        newest = api.revise("extensions", shop.core)
        before = api.get(path).data["relationships"]["updated_with_extension"]["data"]["id"]
        changed = api.update(path, name="New").data["relationships"]
        assert before != newest
        assert changed["updated_with_extension"]["data"]["id"] == newest
        assert changed["extension"]["data"]["id"] == shop.core

    def test_required_relationship_cannot_be_cleared(self, api: Caller, shop: Site) -> None:
        element = made(api.data_element(shop.place))
        answer = api.patch(
            f"/data_elements/{element}", {"relationships": {"extension": {"data": None}}}
        )
        assert (answer.status, answer.pointer) == (400, "/data/relationships/extension/data")


class TestHosts:
    def sftp(self, api: Caller, shop: Site, server: str = "sftp.example") -> str:
        return api.host(
            shop.place, name="Ours", type_of="sftp", server=server, encrypted_private_key="x"
        )

    def test_akamai_host_is_ready_and_read_only(self, api: Caller, shop: Site) -> None:
        assert api.attributes(f"/hosts/{shop.host}")["status"] == "succeeded"
        assert api.update(f"/hosts/{shop.host}", name="x").refusal == (409, "read-only")

    def test_sftp_host_is_pending_then_succeeds(self, api: Caller, shop: Site) -> None:
        host = self.sftp(api, shop)
        assert api.attributes(f"/hosts/{host}")["status"] == "pending"
        api.wait()
        assert api.attributes(f"/hosts/{host}")["status"] == "succeeded"
        assert api.update(f"/hosts/{host}", port=2222).data["attributes"]["status"] == "pending"

    def test_unreachable_host_fails_with_details(self, api: Caller, shop: Site) -> None:
        host = self.sftp(api, shop, "nowhere.invalid")
        api.wait()
        data = api.get(f"/hosts/{host}").data
        assert data["attributes"]["status"] == "failed"
        assert data["meta"]["status_details"]["errors"][0]["code"] == "sftp-connection-timeout"
        api.update(f"/hosts/{host}", server="sftp.example")
        api.wait()
        data = api.get(f"/hosts/{host}").data
        assert (data["attributes"]["status"], data["meta"]) == ("succeeded", {})

    def test_sftp_host_requires_server_and_key(self, api: Caller, shop: Site) -> None:
        data = {"attributes": {"name": "Ours", "type_of": "sftp", "encrypted_private_key": "x"}}
        assert (
            api.post(f"/properties/{shop.place}/hosts", data).pointer == "/data/attributes/server"
        )
        data = {"attributes": {"name": "Ours", "type_of": "sftp", "server": "sftp.example"}}
        assert api.post(f"/properties/{shop.place}/hosts", data).refusal == (409, "decrypt-no-data")
        host = self.sftp(api, shop)
        assert api.update(f"/hosts/{host}", server=None).pointer == "/data/attributes/server"

    def test_host_in_use_cannot_be_deleted(self, api: Caller, shop: Site) -> None:
        assert api.delete(f"/hosts/{shop.host}").refusal == (409, "host-in-use")
        for environment in (shop.development, shop.staging, shop.production):
            api.delete(f"/environments/{environment}")
        assert api.delete(f"/hosts/{shop.host}").status == 204


class TestEnvironments:
    @pytest.mark.parametrize("stage", ["staging", "production"])
    def test_second_staging_or_production_environment_is_refused(
        self, api: Caller, shop: Site, stage: str
    ) -> None:
        answer = api.environment(shop.place, shop.host, stage)
        assert (answer.refusal, answer.pointer) == ((409, "not-unique"), "/data/attributes/stage")
        api.delete(f"/environments/{getattr(shop, stage)}")
        assert api.environment(shop.place, shop.host, stage).status == 201

    def test_development_environments_are_unlimited(self, api: Caller, shop: Site) -> None:
        assert (
            api.environment(shop.place, shop.host).status
            == api.environment(shop.place, shop.host).status
            == 201
        )

    @pytest.mark.parametrize(
        ("stage", "suffix", "path"),
        [
            ("development", "-development", "/staging"),
            ("staging", "-staging", "/staging"),
            ("production", "", ""),
        ],
    )
    def test_files_are_named_before_any_build(
        self, api: Caller, shop: Site, stage: str, suffix: str, path: str
    ) -> None:
        company, place = (
            api.attributes(f"/companies/{COMPANY}"),
            api.attributes(f"/properties/{shop.place}"),
        )
        found = api.attributes(f"/environments/{getattr(shop, stage)}")
        assert re.fullmatch("[0-9a-f]{12}", found["token"])
        assert found["library_path"] == f"{company['token']}/{place['token']}"
        assert found["library_name"] == f"launch-{found['token']}{suffix}.min.js"
        entries = [
            (file["library_name"], file["minified"]) for file in found["library_entry_points"]
        ]
        readable = f"launch-{found['token']}{suffix}.js"
        assert entries == [(found["library_name"], True), (readable, False)]
        minified_entry, readable_entry = found["library_entry_points"]
        assert minified_entry["references"] == [f"{found['library_path']}/{found['library_name']}"]
        assert minified_entry["license_path"] == f"{found['library_path']}/{readable}"
        assert readable_entry["references"] == [f"{found['library_path']}/{readable}"]
        assert "license_path" not in readable_entry
        assert (found["path"], found["status"]) == (MANAGED + path, "succeeded")

    def test_environment_can_be_created_on_pending_host(self, api: Caller, shop: Site) -> None:
        host = api.host(
            shop.place, type_of="sftp", server="sftp.example", encrypted_private_key="x"
        )
        found = api.environment(shop.place, host)
        assert found.status == 201
        assert found.data["attributes"]["library_name"] is None

    def test_host_of_an_environment_can_change(self, api: Caller, shop: Site) -> None:
        other = api.host(shop.place, name="Second")
        linked = {"host": {"data": {"id": other, "type": "hosts"}}}
        assert (
            api.patch(f"/environments/{shop.development}", {"relationships": linked}).status == 200
        )
        path = f"/environments/{shop.development}/relationships/host"
        assert api.get(path).data == {"id": other, "type": "hosts"}
        assert api.patch(path, {"id": shop.host, "type": "hosts"}).refusal == (
            405,
            "method-not-allowed",
        )

    def test_renaming_keeps_the_archive_encrypted(self, api: Caller, shop: Site) -> None:
        path = f"/environments/{shop.development}"
        api.update(path, archive=True, archive_passphrase="hush")
        assert api.update(path, name="Other").data["meta"]["archive_encrypted"] is True
        assert api.update(path, archive=False).data["meta"]["archive_encrypted"] is False

    def test_delete_detaches_library_and_secrets(self, api: Caller, shop: Site) -> None:
        library = api.library(shop.place)
        api.assign(library, shop.development)
        api.delete(f"/environments/{shop.development}")
        assert api.get(f"/libraries/{library}").data["relationships"]["environment"]["data"] is None
        sample = samples(api, shop)["secrets"]
        secret = create(api, sample)
        api.delete(f"/environments/{sample.linked['environment']['id']}")
        assert api.get(f"/secrets/{secret}").data["relationships"]["environment"]["data"] is None


class TestExtensions:
    def test_name_and_version_come_from_the_package(self, api: Caller, shop: Site) -> None:
        data = api.install(shop.place, api.package("adobe-mcid", "4.6.0")).data
        shown = {name: data["attributes"][name] for name in ("name", "display_name", "version")}
        assert shown == {
            "name": "adobe-mcid",
            "display_name": "Experience Cloud ID Service",
            "version": "4.6.0",
        }

    def test_package_is_installed_once(self, api: Caller, shop: Site) -> None:
        package = api.package("adobe-mcid", "4.6.0")
        first = made(api.install(shop.place, package))
        assert api.install(shop.place, package).refusal == (409, "not-unique")
        api.delete(f"/extensions/{first}")
        second = made(api.install(shop.place, package))
        path = f"/properties/{shop.place}/extensions"
        assert [
            extension["id"] for extension in api.listed(path, ("filter[name]", "EQ adobe-mcid"))
        ] == [second]

    def test_platform_must_match(self, api: Caller) -> None:
        app = api.property("App", "mobile")
        answer = api.install(app, api.package("adobe-mcid", "4.6.0"))
        assert answer.refusal == (409, "invalid-extension_package_id")
        assert answer.pointer == "/data/relationships/extension_package"

    def test_old_version_names_its_upgrade(self, api: Caller, shop: Site) -> None:
        old, new = api.package("facebook-pixel", "1.3.0"), api.package("facebook-pixel", "1.3.2")
        data = api.install(shop.place, old).data
        assert data["meta"]["upgrade_extension_package_id"] == new
        assert data["links"]["latest_extension_package"] == f"{BASE}/extension_packages/{new}"
        linked = {"extension_package": {"data": {"id": new, "type": "extension_packages"}}}
        upgraded = api.patch(f"/extensions/{data['id']}", {"relationships": linked}).data
        assert (upgraded["attributes"]["version"], upgraded["attributes"]["dirty"]) == (
            "1.3.2",
            True,
        )
        assert "upgrade_extension_package_id" not in upgraded["meta"]
        assert upgraded["links"]["latest_extension_package"] == f"{BASE}/extension_packages/{new}"

    def test_newest_version_links_to_its_own_package(self, api: Caller, shop: Site) -> None:
        core = f"{BASE}/extension_packages/{api.package('core', '3.4.4')}"
        for extension in api.listed(f"/extensions/{shop.core}/revisions"):
            assert extension["links"]["latest_extension_package"] == core

    def test_upgrade_to_another_package_is_refused(self, api: Caller, shop: Site) -> None:
        linked = {
            "extension_package": {
                "data": {"id": api.package("adobe-mcid", "4.6.0"), "type": "extension_packages"}
            }
        }
        before = api.get(f"/extensions/{shop.core}").document
        answer = api.patch(f"/extensions/{shop.core}", {"relationships": linked})
        assert answer.refusal == (409, "invalid-extension_package_id")
        assert api.get(f"/extensions/{shop.core}").document == before


class TestCallbacks:
    @pytest.mark.parametrize(
        "url", ["http://us.example", "ftp://us.example", "us.example", "https://", "https://[x", ""]
    )
    def test_url_must_be_https(self, api: Caller, shop: Site, url: str) -> None:
        data = {"attributes": {"url": url, "subscriptions": ["rule.created"]}}
        answer = api.post(f"/properties/{shop.place}/callbacks", data)
        assert (answer.status, answer.pointer) == (400, "/data/attributes/url")

    @pytest.mark.parametrize("names", [[], ["rule"], [5], ["rule.created", "x"]])
    def test_subscriptions_must_be_event_types(
        self, api: Caller, shop: Site, names: list[Any]
    ) -> None:
        data = {"attributes": {"url": "https://us.example", "subscriptions": names}}
        assert (
            api.post(f"/properties/{shop.place}/callbacks", data).pointer
            == "/data/attributes/subscriptions"
        )

    def test_callback_gets_subscribed_events_of_its_property(self) -> None:
        calls: list[tuple[str, Any]] = []
        api = Caller(deliver=lambda url, document: calls.append((url, document)))
        place, other = api.property(), api.property("Other")
        names = ["rule.created", "property.updated"]
        data = {"attributes": {"url": "https://us.example", "subscriptions": names}}
        callback = made(api.post(f"/properties/{place}/callbacks", data))
        rule = api.rule(place)
        api.update(f"/rules/{rule}", name="x")
        api.rule(other)
        api.update(f"/properties/{place}", name="No call for the property itself")
        api.delete(f"/callbacks/{callback}")
        api.rule(place)
        (url, document), *more = calls
        assert (url, more) == ("https://us.example", [])
        assert document["data"]["type"] == "audit_events"
        assert document["data"]["relationships"]["entity"]["data"] == {"id": rule, "type": "rules"}


class TestAudit:
    def test_event_has_resource_author_and_property(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        (event,) = api.listed("/audit_events", ("filter[type_of]", "EQ rule.created"))
        assert json.loads(event["attributes"]["entity"]) == {"data": api.get(f"/rules/{rule}").data}
        assert event["attributes"]["attributed_to_email"].endswith("@techacct.adobe.com")
        assert event["relationships"]["property"]["data"] == {
            "id": shop.place,
            "type": "properties",
        }
        assert event["meta"] == {"property_name": "Shop"}

    def test_log_is_read_only(self, api: Caller, shop: Site) -> None:
        event = api.ids("/audit_events")[0]
        assert api.patch(f"/audit_events/{event}", {}).refusal == (405, "method-not-allowed")
        assert api.delete(f"/audit_events/{event}").refusal == (405, "method-not-allowed")


class TestNotes:
    def note(self, api: Caller, path: str, text: str = "x") -> Answer:
        return api.post(f"{path}/notes", {"type": "notes", "attributes": {"text": text}})

    @pytest.mark.parametrize("kind", RESOURCES["notes"].parents)
    def test_notes_are_created_on_notable_types(self, api: Caller, shop: Site, kind: str) -> None:
        path = f"/{kind}/{create(api, samples(api, shop)[kind])}"
        data = self.note(api, path).data
        assert data["relationships"]["resource"]["data"] == {
            "id": path.rpartition("/")[2],
            "type": kind,
        }
        assert data["attributes"]["author_display_name"] == "Simulated Account"
        assert api.ids(f"{path}/notes") == [data["id"]]

    def test_note_has_at_most_512_characters(self, api: Caller, shop: Site) -> None:
        path = f"/properties/{shop.place}"
        assert self.note(api, path, "ä" * 512).status == 201
        answer = self.note(api, path, "ä" * 513)
        assert (answer.status, answer.pointer) == (400, "/data/attributes/text")

    def test_revision_keeps_earlier_notes_and_accepts_no_more(
        self, api: Caller, shop: Site
    ) -> None:
        rule = api.rule(shop.place)
        before = made(self.note(api, f"/rules/{rule}"))
        revision = api.revise("rules", rule)
        after = made(self.note(api, f"/rules/{rule}"))
        assert self.note(api, f"/rules/{revision}").refusal == (409, "read-only")
        assert api.ids(f"/rules/{revision}/notes") == [before]
        assert api.ids(f"/rules/{rule}/notes") == [before, after]

    def test_rule_lists_the_notes_of_its_components(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place)
        component = made(api.component(shop.place, rule))
        note = made(self.note(api, f"/rule_components/{component}"))
        revision = api.revise("rules", rule)
        assert api.ids(f"/rules/{rule}/rule_component_notes") == [note]
        assert api.ids(f"/rules/{revision}/rule_component_notes") == [note]

    def test_note_requires_any_right(self, api: Caller, shop: Site) -> None:
        data = {"attributes": {"text": "x"}}
        assert api.post(f"/properties/{shop.place}/notes", data, "developer").status == 201
        assert api.post(f"/properties/{shop.place}/notes", data, "reader").refusal == (
            403,
            "not-authorized",
        )


KINDS: dict[str, dict[str, Any]] = {
    "token": {"token": "x"},
    "simple-http": {"username": "u", "password": "p"},
    "oauth2-client_credentials": {
        "client_id": "c",
        "client_secret": "s",
        "token_url": "https://auth.example",
    },
    "oauth2": {"client_id": "c", "client_secret": "s", "authorization_url": "https://auth.example"},
    "oauth2-jwt": {"iss": "i", "aud": "a", "private_key": "k"},
    "oauth2-google": {"scopes": ["s"]},
}


class TestSecrets:
    @pytest.fixture
    def make(self, api: Caller) -> Callable[..., Answer]:
        place = api.property("Forwarding", "edge")
        environment = made(api.environment(place, api.host(place)))

        def make(type_of: str, credentials: Any, where: str = place) -> Answer:
            linked = {"environment": {"data": {"id": environment, "type": "environments"}}}
            attributes = {"name": "Key", "type_of": type_of, "credentials": credentials}
            return api.post(
                f"/properties/{where}/secrets", {"attributes": attributes, "relationships": linked}
            )

        return make

    @pytest.mark.parametrize("kind", ["token", "simple-http"])
    def test_secret_without_exchange_succeeds_at_once(
        self, make: Callable[..., Answer], kind: str
    ) -> None:
        attributes = make(kind, KINDS[kind]).data["attributes"]
        assert attributes["status"] == "succeeded"
        assert STAMP.fullmatch(attributes["activated_at"])
        assert attributes["expires_at"] is attributes["refresh_at"] is None

    @pytest.mark.parametrize(
        ("kind", "offset"), [("oauth2-client_credentials", 4), ("oauth2", 4), ("oauth2-jwt", 0.5)]
    )
    def test_secret_is_exchanged_and_has_a_refresh_date(
        self, api: Caller, make: Callable[..., Answer], kind: str, offset: float
    ) -> None:
        answer = make(kind, KINDS[kind])
        assert (answer.status, answer.data["attributes"]["status"]) == (201, "pending")
        api.wait()
        attributes = api.attributes(f"/secrets/{answer.id}")
        assert attributes["status"] == "succeeded"
        assert hours(attributes, "activated_at", "expires_at") == 24
        assert hours(attributes, "refresh_at", "expires_at") == offset

    @pytest.mark.parametrize(
        "change",
        [
            {"token_url": "https://auth.invalid"},
            {"token_url": "https://[x"},
            {"refresh_offset": 72_000},
        ],
    )
    def test_failed_exchange_has_details_and_can_be_retried(
        self, api: Caller, make: Callable[..., Answer], change: dict[str, Any]
    ) -> None:
        credentials = KINDS["oauth2-client_credentials"] | change
        path = f"/secrets/{make('oauth2-client_credentials', credentials).id}"
        assert api.act(path, "retry").status == 409
        api.wait()
        data = api.get(path).data
        assert data["attributes"]["status"] == "failed"
        assert data["meta"]["status_details"]["errors"][0]["code"] == "authentication-failure"
        assert api.act(path, "retry").data["attributes"]["status"] == "pending"
        api.update(path, credentials=KINDS["oauth2-client_credentials"])
        api.wait()
        data = api.get(path).data
        assert (data["attributes"]["status"], data["meta"]) == ("succeeded", {})

    def test_changed_type_cancels_the_exchange(
        self, api: Caller, make: Callable[..., Answer]
    ) -> None:
        kind = "oauth2-client_credentials"
        path = f"/secrets/{make(kind, KINDS[kind] | {'token_url': 'https://auth.invalid'}).id}"
        api.update(path, type_of="token", credentials=KINDS["token"])
        api.wait()
        assert api.attributes(path)["status"] == "succeeded"

    def test_google_secret_has_authorization_url_for_an_hour(
        self, api: Caller, make: Callable[..., Answer]
    ) -> None:
        data = make("oauth2-google", KINDS["oauth2-google"]).data
        assert data["attributes"]["status"] == "pending"
        assert data["meta"]["authorization_url"].startswith("https://")
        first = data["meta"]["authorization_url_expires_at"]
        api.wait()
        again = api.act(f"/secrets/{data['id']}", "reauthorize").data["meta"][
            "authorization_url_expires_at"
        ]
        assert again > first

    def test_action_test_returns_the_exchange(
        self, api: Caller, make: Callable[..., Answer]
    ) -> None:
        path = f"/secrets/{make('oauth2', KINDS['oauth2']).id}"
        assert "test_exchange" not in api.act(path, "test").data["meta"]
        api.wait()
        exchange = api.act(path, "test").data["meta"]["test_exchange"]
        assert exchange["access_token"].startswith("exchanged-")
        assert (exchange["expires_in"], exchange["token_type"]) == (86_400, "bearer")
        assert api.act(path, "reauthorize").status == 409

    @pytest.mark.parametrize("kind", KINDS)
    def test_credentials_are_shown_without_secrets(
        self, make: Callable[..., Answer], kind: str
    ) -> None:
        secret = {"token", "password", "client_secret", "private_key"}
        shown = {name: value for name, value in KINDS[kind].items() if name not in secret}
        assert make(kind, KINDS[kind]).data["attributes"].get("credentials", {}) == shown

    @pytest.mark.parametrize("kind", KINDS)
    def test_missing_credentials_are_refused(self, make: Callable[..., Answer], kind: str) -> None:
        answer = make(kind, {"other": "x"})
        assert (answer.status, answer.pointer) == (400, "/data/attributes/credentials")

    @pytest.mark.parametrize("offset", ["x", True, -1, 1.5])
    def test_refresh_offset_must_be_seconds(self, make: Callable[..., Answer], offset: Any) -> None:
        answer = make("oauth2", KINDS["oauth2"] | {"refresh_offset": offset})
        assert (answer.status, answer.pointer) == (
            400,
            "/data/attributes/credentials/refresh_offset",
        )

    def test_unknown_type_of_is_refused(self, make: Callable[..., Answer]) -> None:
        assert make("magic", {"token": "x"}).pointer == "/data/attributes/type_of"

    def test_secret_requires_edge_property_and_its_environment(
        self, api: Caller, make: Callable[..., Answer], shop: Site
    ) -> None:
        assert make("token", KINDS["token"], shop.place).status == 409
        other = api.property("Other forwarding", "edge")
        assert make("token", KINDS["token"], other).pointer == "/data/relationships/environment"

    def test_secret_lists_data_elements_that_use_it(
        self, api: Caller, make: Callable[..., Answer]
    ) -> None:
        secret = make("token", KINDS["token"]).data
        place = secret["relationships"]["property"]["data"]["id"]
        hands_on = {"delegate_descriptor_id": "core::dataElements::secret"}
        settings = json.dumps({"secrets": {"development": {"id": secret["id"], "name": "Key"}}})
        element = made(api.data_element(place, **hands_on, settings=settings))
        path = f"/secrets/{secret['id']}/data_elements"
        assert api.ids(path) == [element]
        change = {"delegate_descriptor_id": "core::dataElements::path", "settings": '{"path":"a"}'}
        assert api.update(f"/data_elements/{element}", **change).status == 200
        assert api.ids(path) == []

    def test_environment_lists_its_secrets(self, api: Caller, make: Callable[..., Answer]) -> None:
        data = make("token", KINDS["token"]).data
        environment = data["relationships"]["environment"]["data"]["id"]
        assert api.ids(f"/environments/{environment}/secrets") == [data["id"]]


def hours(attributes: dict[str, Any], start: str, end: str) -> float:
    from datetime import datetime

    span = datetime.fromisoformat(attributes[end]) - datetime.fromisoformat(attributes[start])
    return span.total_seconds() / 3600


class TestLists:
    """Lists with unusual queries."""

    @pytest.mark.parametrize("number", ["²", "9" * 5000, "-1", "1.5", "\u0661"])
    def test_invalid_page_number_means_the_first_page(
        self, api: Caller, shop: Site, number: str
    ) -> None:
        path = f"/properties/{shop.place}/environments"
        answer = api.get(path, ("page[number]", number), ("page[size]", number))
        assert (answer.status, answer.document["meta"]["pagination"]["current_page"]) == (200, 1)

    def test_attribute_of_mixed_types_can_be_sorted(self, api: Caller, shop: Site) -> None:
        values = ["b", 2, None, {"a": 1}, "A", 1.5, True]
        for number, value in enumerate(values):
            api.data_element(shop.place, name=str(number), default_value=value)
        found = api.listed(f"/properties/{shop.place}/data_elements", ("sort", "default_value"))
        shown = [element["attributes"]["default_value"] for element in found]
        assert shown == [True, 1.5, 2, "A", "b", {"a": 1}, None]

    def test_many_wildcards_are_fast(self, api: Caller, shop: Site) -> None:
        api.rule(shop.place, "a" * 3000)
        path = f"/properties/{shop.place}/rules"
        assert api.listed(path, ("filter[name]", "CONTAINS " + "%a" * 200 + "%b")) == []
        assert len(api.listed(path, ("filter[name]", "CONTAINS A%_a%a"))) == 1

    def test_identifiers_of_a_library_are_paged(self, api: Caller, shop: Site) -> None:
        library = api.library(shop.place)
        revisions = [
            api.revise("rules", api.rule(shop.place, str(number))) for number in range(105)
        ]
        assert len(api.put(library, "rules", *revisions).data) == 105
        path = f"/libraries/{library}/relationships/rules"
        assert len(api.get(path, ("page[size]", "999")).data) == 100
        assert len(api.get(path).data) == 25
        second = api.get(path, ("page[size]", "100"), ("page[number]", "2"))
        assert [revision["id"] for revision in second.data] == revisions[100:]
        assert second.document["meta"]["pagination"]["total_count"] == 105


class TestMobileProperty:
    def test_mobile_property_always_has_privacy_and_ssl(self, api: Caller) -> None:
        attributes = api.attributes(f"/properties/{api.property('App', 'mobile')}")
        assert (attributes["ssl_enabled"], attributes["privacy"]) == (True, "optedin")

    def test_chosen_values_are_kept(self, api: Caller) -> None:
        app = api.property("App", "mobile", ssl_enabled=False, privacy="unknown")
        attributes = api.attributes(f"/properties/{app}")
        assert (attributes["ssl_enabled"], attributes["privacy"]) == (False, "unknown")

    def test_other_properties_show_them_once_set(self, api: Caller) -> None:
        web = api.property()
        assert not {"ssl_enabled", "privacy"} & api.attributes(f"/properties/{web}").keys()
        assert (
            api.update(f"/properties/{web}", ssl_enabled=True).data["attributes"]["ssl_enabled"]
            is True
        )
