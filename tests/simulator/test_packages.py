"""Extension packages: uploads of real zips, releases, visibility and installation."""

import zipfile
from typing import Any

import pytest

from adobe_nb.simulator.accounts import ACCOUNTS, ORG_ID
from adobe_nb.simulator.messages import JSON_API
from tests.support.caller import COMPANY, Answer, Caller, form, made, zipped

PARTNERS = "7B4D9F2E67A0C0DE0A495C3F@AdobeOrg"
STRANGERS = "AAAAAAAAAAAAAAAAAAAAAAAA@AdobeOrg"
MANIFEST = {"name": "lamp", "displayName": "Lamp", "version": "1.0.0", "platform": "web"}
ACTION = {
    "name": "shine",
    "displayName": "Shine",
    "libPath": "src/shine.js",
    "viewPath": "shine.html",
    "schema": {
        "type": "object",
        "properties": {"level": {"type": "integer"}},
        "required": ["level"],
        "additionalProperties": False,
    },
}
FILES = {
    "src/shine.js": "module.exports = () => {};",
    "views/shine.html": "<html></html>",
    "main.js": "",
    "a.js": "",
}
FULL = {
    **MANIFEST,
    "viewBasePath": "views/",
    "actions": [ACTION],
    "main": "main.js",
    "hostedLibFiles": ["a.js"],
}


@pytest.fixture
def api() -> Caller:
    return Caller()


def package(**changes: Any) -> bytes:
    manifest = {**FULL, **changes}
    return zipped(FILES, **{name: value for name, value in manifest.items() if value is not None})


def uploaded(api: Caller, **changes: Any) -> str:
    """Return the id of a new package in development."""
    identifier = made(api.upload(package(**changes)), 202)
    api.wait()
    attributes = api.attributes(f"/extension_packages/{identifier}")
    assert attributes["status"] == "succeeded", api.get(f"/extension_packages/{identifier}").body
    return identifier


def released(api: Caller, **changes: Any) -> str:
    identifier = uploaded(api, **changes)
    assert api.act(f"/extension_packages/{identifier}", "release_private").status == 200
    return identifier


def outcome(api: Caller, data: bytes) -> str:
    """Return the error code of an upload that fails, or else its status."""
    identifier = made(api.upload(data), 202)
    api.wait()
    package = api.get(f"/extension_packages/{identifier}").data
    if package["attributes"]["status"] != "failed":
        return str(package["attributes"]["status"])
    (error,) = package["meta"]["status_details"]["errors"]
    assert error["detail"]
    return str(error["code"])


def partners(api: Caller, availability: str = "private") -> str:
    """Return the id of a package of another organization."""
    identifier = uploaded(api, name="beacon")
    record = api.store.get("extension_packages", identifier)
    assert record is not None
    record.attributes |= {"owner_org_id": PARTNERS, "availability": availability}
    api.store.changed(record)
    return identifier


class TestUpload:
    def test_pending_upload_has_only_a_status(self, api: Caller) -> None:
        answer = api.upload(package())
        assert (answer.status, answer.content_type) == (202, JSON_API)
        attributes = answer.data["attributes"]
        assert attributes.pop("status") == "pending"
        assert set(attributes.values()) == {None}

    def test_processed_upload_has_attributes_of_manifest(self, api: Caller) -> None:
        identifier = made(api.upload(package()), 202)
        api.wait()
        data = api.get(f"/extension_packages/{identifier}").data
        expected = {
            "name": "lamp",
            "display_name": "Lamp",
            "version": "1.0.0",
            "platform": "web",
            "status": "succeeded",
            "availability": "development",
            "discontinued": False,
            "owner_org_id": ORG_ID,
            "actions": [{"id": "lamp::actions::shine", **ACTION}],
            "events": [],
            "main": "main.js",
            "view_base_path": "views/",
            "hosted_lib_files": ["a.js"],
        }
        assert data["attributes"] | expected == data["attributes"]
        assert data["meta"]["archive_url"].endswith(".zip")
        assert identifier in api.ids("/extension_packages")

    @pytest.mark.parametrize("data", [b"", b"nonsense", zipped({}), package()[:-40]])
    def test_data_that_is_not_a_zip_fails(self, api: Caller, data: bytes) -> None:
        assert outcome(api, data) == "extension-package-zip-error"

    def test_damaged_zip_fails(self, api: Caller) -> None:
        data = bytearray(zipped({}, **MANIFEST))
        for at in range(60, 90):
            data[at] ^= 0x5A
        assert outcome(api, bytes(data)) == "extension-package-zip-error"

    def test_zip_bomb_fails(self, api: Caller) -> None:
        assert (
            outcome(api, zipped({"big": b"\0" * 51_000_000}, **MANIFEST))
            == "extension-package-zip-error"
        )

    def test_missing_manifest_fails(self, api: Caller) -> None:
        assert outcome(api, zipped({"sub/extension.json": "{}"})) == "library-file-not-found"

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", '{"name": NaN}', b"\xff", '{"name": "\\ud800"}', "[" * 5000]
    )
    def test_manifest_that_is_not_a_json_object_fails(self, api: Caller, text: str | bytes) -> None:
        assert outcome(api, zipped({"extension.json": text})) == "extension-package-path-error"

    @pytest.mark.parametrize(
        "change",
        [
            *({name: wrong} for name in MANIFEST for wrong in (None, 5, "")),
            {"name": "Lamp!"},
            {"version": "1"},
            {"version": "1.x.0"},
            {"version": "9" * 5000 + ".0.0"},
            {"platform": "fridge"},
            {"description": {}},
            {"actions": {"shine": ACTION}},
            {"events": ["x"]},
            {"configuration": []},
            {"hostedLibFiles": "a.js"},
        ],
    )
    def test_invalid_manifest_fails(self, api: Caller, change: dict[str, Any]) -> None:
        assert outcome(api, package(**change)) == "invalid-extension_package"

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"actions": [{**ACTION, "libPath": "src/other.js"}]}, "library-file-not-found"),
            ({"actions": [{**ACTION, "viewPath": "other.html"}]}, "library-file-not-found"),
            ({"configuration": {"viewPath": "other.html"}}, "library-file-not-found"),
            ({"main": "other.js"}, "library-file-not-found"),
            ({"hostedLibFiles": ["other.js"]}, "library-file-not-found"),
            ({"actions": [{**ACTION, "libPath": "../shine.js"}]}, "extension-package-path-error"),
            ({"actions": [{**ACTION, "libPath": "/src/shine.js"}]}, "extension-package-path-error"),
            ({"actions": [{**ACTION, "libPath": "src\\shine.js"}]}, "extension-package-path-error"),
            ({"actions": [{**ACTION, "libPath": 5}]}, "extension-package-path-error"),
            ({"actions": [{**ACTION, "viewPath": ""}]}, "extension-package-path-error"),
            ({"hostedLibFiles": [{}]}, "extension-package-path-error"),
        ],
    )
    def test_invalid_or_missing_path_fails(
        self, api: Caller, change: dict[str, Any], code: str
    ) -> None:
        assert outcome(api, package(**change)) == code

    @pytest.mark.parametrize(
        ("transforms", "code"),
        [
            (
                [{"type": "file", "propertyPath": "a"}, {"type": "function", "propertyPath": "b"}],
                "succeeded",
            ),
            ([{"type": "customCode", "propertyPath": "a"}], "illegal-custom-code-transform"),
            (
                [{"type": "magic", "propertyPath": "a"}],
                "extension-package-transform-definition-error",
            ),
            (
                [{"type": ["file"], "propertyPath": "a"}],
                "extension-package-transform-definition-error",
            ),
            ([{"type": "file"}], "extension-package-transform-definition-error"),
            (
                [{"type": "file", "propertyPath": ["a"]}],
                "extension-package-transform-definition-error",
            ),
            (
                [{"type": "file", "propertyPath": "a"}, {"type": "function", "propertyPath": "a"}],
                "extension-package-transform-definition-error",
            ),
            ("file", "extension-package-transform-definition-error"),
            (["file"], "extension-package-transform-definition-error"),
        ],
    )
    def test_transforms_are_checked(self, api: Caller, transforms: Any, code: str) -> None:
        assert outcome(api, package(actions=[{**ACTION, "transforms": transforms}])) == code

    def test_view_path_may_have_a_query(self, api: Caller) -> None:
        assert (
            outcome(api, package(actions=[{**ACTION, "viewPath": "shine.html?mode=1#top"}]))
            == "succeeded"
        )

    def test_name_of_another_organization_is_refused(self, api: Caller) -> None:
        assert outcome(api, package(name="core", version="99.0.0")) == "invalid-name"

    @pytest.mark.parametrize(
        ("version", "code"),
        [
            ("1.2.0", "not-unique"),
            ("1.1.9", "not-unique"),
            ("1.10.0", "succeeded"),
            ("1.2.1-beta", "succeeded"),
        ],
    )
    def test_version_must_be_higher_than_released_versions(
        self, api: Caller, version: str, code: str
    ) -> None:
        released(api, version="1.2.0")
        assert outcome(api, package(version=version)) == code

    def test_versions_of_platforms_are_independent(self, api: Caller) -> None:
        released(api, version="1.2.0")
        assert outcome(api, package(platform="edge")) == "succeeded"

    def test_upload_requires_form_field_package(self, api: Caller) -> None:
        path, kind = "/extension_packages", "multipart/form-data; boundary=edge"
        zip_file = package()
        assert api.send("POST", path, zip_file, content_type="application/zip").refusal == (
            415,
            "unsupported-media-type",
        )
        assert api.send("POST", path, b"{}").refusal == (415, "unsupported-media-type")
        for body in (form(zip_file, "file"), b"", b"--edge", b"x" * 100):
            assert api.send("POST", path, body, content_type=kind).refusal == (
                400,
                "invalid-document",
            )
        assert (
            api.send("POST", path, form(zip_file), content_type="multipart/form-data").status == 400
        )

    def test_upload_requires_right_to_develop_extensions(self, api: Caller) -> None:
        assert api.upload(package(), account="developer").refusal == (403, "not-authorized")

    def test_package_deleted_while_pending_stays_deleted(self, api: Caller) -> None:
        identifier = api.upload(package()).id
        assert api.delete(f"/extension_packages/{identifier}").status == 204
        api.wait()
        assert api.get(f"/extension_packages/{identifier}").status == 404


class TestReplace:
    @pytest.mark.parametrize("method", ["PATCH", "POST"])
    def test_package_in_development_can_be_replaced(self, api: Caller, method: str) -> None:
        path = f"/extension_packages/{uploaded(api)}"
        answer = api.upload(package(version="1.0.1", displayName="Lamp 2"), path, method)
        assert (answer.status, answer.data["attributes"]["status"]) == (200, "pending")
        api.wait()
        attributes = api.attributes(path)
        shown = (attributes["status"], attributes["version"], attributes["display_name"])
        assert shown == ("succeeded", "1.0.1", "Lamp 2")

    def test_failed_package_can_be_replaced(self, api: Caller) -> None:
        path = f"/extension_packages/{made(api.upload(b'nonsense'), 202)}"
        api.wait()
        assert api.attributes(path)["status"] == "failed"
        api.upload(package(), path, "PATCH")
        api.wait()
        data = api.get(path).data
        assert data["attributes"]["status"] == "succeeded"
        assert "status_details" not in data["meta"]

    @pytest.mark.parametrize("change", [{"name": "torch"}, {"platform": "edge"}])
    def test_zip_of_another_package_is_refused(self, api: Caller, change: dict[str, str]) -> None:
        path = f"/extension_packages/{uploaded(api)}"
        api.upload(package(**change), path, "PATCH")
        api.wait()
        data = api.get(path).data
        assert data["meta"]["status_details"]["errors"][0]["code"] == "invalid-extension_package_id"
        assert (data["attributes"]["status"], data["attributes"]["name"]) == ("failed", "lamp")

    @pytest.mark.parametrize("method", ["PATCH", "POST"])
    def test_released_package_cannot_be_replaced(self, api: Caller, method: str) -> None:
        path = f"/extension_packages/{released(api)}"
        assert api.upload(package(version="2.0.0"), path, method).refusal == (409, "read-only")


class TestRelease:
    def test_owner_releases_privately(self, api: Caller) -> None:
        path = f"/extension_packages/{uploaded(api)}"
        assert api.act(path, "release_private", "developer").refusal == (403, "not-authorized")
        answer = api.act(path, "release_private")
        assert (answer.status, answer.data["attributes"]["availability"]) == (200, "private")
        assert api.act(path, "release_private").refusal == (409, "invalid-transition")

    def test_release_is_offered_to_extensions_of_older_versions(self, api: Caller) -> None:
        extension = made(api.install(api.property(), released(api)))
        other = uploaded(api, name="torch")
        newest = released(api, version="1.1.0")
        assert api.act(f"/extension_packages/{other}", "release_private").status == 200
        meta = api.get(f"/extensions/{extension}").data["meta"]
        assert meta["upgrade_extension_package_id"] == newest

    def test_pending_package_cannot_be_released(self, api: Caller) -> None:
        path = f"/extension_packages/{api.upload(package()).id}"
        assert api.act(path, "release_private").refusal == (409, "invalid-transition")

    def test_release_must_be_higher_than_released_versions(self, api: Caller) -> None:
        first = uploaded(api, version="1.0.0")
        released(api, version="1.1.0")
        assert api.act(f"/extension_packages/{first}", "release_private").refusal == (
            409,
            "not-unique",
        )

    @pytest.mark.parametrize("make", [uploaded, released])
    def test_public_release_is_refused(self, api: Caller, make: Any) -> None:
        answer = api.update(f"/extension_packages/{make(api)}", availability="public")
        assert answer.refusal == (403, "public-release-not-authorized")

    @pytest.mark.parametrize("how", ["action", "attribute"])
    def test_released_package_can_be_discontinued(self, api: Caller, how: str) -> None:
        path = f"/extension_packages/{released(api)}"
        answer = (
            api.act(path, "discontinue") if how == "action" else api.update(path, discontinued=True)
        )
        assert (answer.status, answer.data["attributes"]["discontinued"]) == (200, True)

    def test_package_in_development_is_deleted_instead_of_discontinued(self, api: Caller) -> None:
        path = f"/extension_packages/{uploaded(api)}"
        assert api.act(path, "discontinue").refusal == (409, "invalid-transition")
        assert api.delete(path).status == 204
        assert api.get(path).status == 404

    def test_released_package_cannot_be_deleted(self, api: Caller) -> None:
        assert api.delete(f"/extension_packages/{released(api)}").refusal == (409, "read-only")

    @pytest.mark.parametrize(
        "attributes", [{"name": "torch"}, {"discontinued": False}, {"availability": "private"}]
    )
    def test_other_attributes_cannot_be_changed(
        self, api: Caller, attributes: dict[str, Any]
    ) -> None:
        path = f"/extension_packages/{released(api)}"
        assert api.update(path, **attributes).refusal == (409, "invalid-extension_package_id")

    def test_document_must_have_type_and_id_of_package(self, api: Caller) -> None:
        path = f"/extension_packages/{released(api)}"
        attributes = {"discontinued": True}
        assert api.patch(path, {"type": "rules", "attributes": attributes}).refusal == (
            409,
            "invalid-type",
        )
        assert api.patch(path, {"id": "x", "attributes": attributes}).refusal == (409, "invalid-id")
        for document in ({}, {"attributes": {}}, {"attributes": 5}, [], None):
            assert api.patch(path, document).refusal == (400, "invalid-document")

    def test_packages_of_adobe_cannot_be_changed(self, api: Caller) -> None:
        path = f"/extension_packages/{api.package('core', '3.4.4')}"
        assert api.delete(path).refusal == (403, "not-authorized")
        assert api.act(path, "discontinue").refusal == (403, "not-authorized")
        assert api.upload(package(), path, "PATCH").refusal == (403, "not-authorized")


class TestCatalog:
    def mine(self, api: Caller, *query: tuple[str, str]) -> set[tuple[str, str]]:
        packages = api.listed("/extension_packages", ("filter[name]", "EQ lamp"), *query)
        return {
            (package["attributes"]["version"], package["attributes"]["availability"])
            for package in packages
        }

    @pytest.mark.parametrize(
        ("ceiling", "expected"),
        [
            (None, {("1.1.0", "private"), ("1.3.0", "development")}),
            ("development", {("1.1.0", "private"), ("1.3.0", "development")}),
            ("private", {("1.1.0", "private")}),
            ("public", set()),
        ],
    )
    def test_list_has_newest_version_per_availability_up_to_the_limit(
        self, api: Caller, ceiling: str | None, expected: set[tuple[str, str]]
    ) -> None:
        released(api, version="1.0.0")
        released(api, version="1.1.0")
        uploaded(api, version="1.2.0")
        newest = uploaded(api, version="1.3.0")
        query = (("max_availability", ceiling),) if ceiling else ()
        assert self.mine(api, *query) == expected
        core = api.listed(
            "/extension_packages",
            ("filter[name]", "EQ core"),
            ("filter[platform]", "EQ web"),
            *query,
        )
        assert [package["attributes"]["version"] for package in core] == ["3.4.4"]
        versions = api.listed(f"/extension_packages/{newest}/versions")
        assert {package["attributes"]["version"] for package in versions} == {
            "1.0.0",
            "1.1.0",
            "1.2.0",
            "1.3.0",
        }

    @pytest.mark.parametrize("availability", ["development", "private"])
    def test_private_packages_of_others_are_hidden(self, api: Caller, availability: str) -> None:
        identifier = partners(api, availability)
        assert api.get(f"/extension_packages/{identifier}").status == 404
        assert identifier not in api.ids("/extension_packages")
        assert api.delete(f"/extension_packages/{identifier}").status == 404
        assert api.install(api.property(), identifier).refusal == (404, "not-found")


DELEGATES = {
    "events": "events",
    "conditions": "conditions",
    "actions": "actions",
    "data_elements": "dataElements",
}


class TestDelegates:
    def test_delegates_have_descriptor_ids(self, api: Caller) -> None:
        checked = 0
        for package in api.store.all("extension_packages"):
            attributes = api.attributes(f"/extension_packages/{package.id}")
            name = attributes["name"]
            for attribute, kind in DELEGATES.items():
                for delegate in attributes[attribute]:
                    assert delegate["id"] == f"{name}::{kind}::{delegate['name']}"
                    checked += 1
            if attributes["configuration"]:
                assert (
                    attributes["configuration"]["id"] == f"{name}::extensionConfiguration::config"
                )
        assert checked > 150

    def test_delegate_with_code_has_a_transform(self, api: Caller) -> None:
        attributes = api.attributes(f"/extension_packages/{api.package('core', '3.4.4')}")
        (code,) = [
            delegate
            for delegate in attributes["data_elements"]
            if delegate["name"] == "custom-code"
        ]
        assert code["transforms"] == [
            {"type": "function", "propertyPath": "source", "parameters": ["event"]}
        ]

    def test_partly_known_package_accepts_other_delegates(self, api: Caller) -> None:
        property_id = api.property()
        target = made(api.install(property_id, api.package("adobe-target-v2", "0.20.1")))
        delegate = {"delegate_descriptor_id": "adobe-target-v2::actions::something"}
        assert (
            api.component(
                property_id, api.rule(property_id), target, **delegate, settings='{"a":1}'
            ).status
            == 201
        )
        wrong = {"delegate_descriptor_id": "adobe-target-v2::dataElements::something"}
        answer = api.component(property_id, api.rule(property_id, "Other"), target, **wrong)
        assert answer.refusal == (409, "delegate-descriptor-unresolved")

    def test_authors_are_shown_for_own_packages_only(self, api: Caller) -> None:
        def emails(identifier: str) -> set[str]:
            attributes = api.attributes(f"/extension_packages/{identifier}")
            return {attributes["created_by_email"], attributes["updated_by_email"]}

        assert emails(uploaded(api)) == {ACCOUNTS["demo"].email}
        assert emails(api.package("core", "3.4.4")) == {"Restricted"}


class TestInstall:
    def test_package_in_development_requires_development_property(self, api: Caller) -> None:
        identifier = uploaded(api)
        assert api.install(api.property("Live"), identifier).refusal == (
            409,
            "invalid-extension_package_id",
        )
        assert api.install(api.property("Trial", development=True), identifier).status == 201

    def test_pending_or_failed_package_cannot_be_installed(self, api: Caller) -> None:
        property_id = api.property(development=True)
        identifier = api.upload(b"nonsense").id
        assert api.install(property_id, identifier).refusal == (409, "invalid-extension_package_id")
        api.wait()
        assert api.install(property_id, identifier).refusal == (409, "invalid-extension_package_id")

    def test_owner_installs_private_package(self, api: Caller) -> None:
        assert api.install(api.property(), released(api)).status == 201

    def test_schemas_are_enforced(self, api: Caller) -> None:
        property_id = api.property()
        extension = made(api.install(property_id, released(api)))
        rule = api.rule(property_id)
        shine = {"delegate_descriptor_id": "lamp::actions::shine"}
        assert (
            api.component(property_id, rule, extension, **shine, settings='{"level":5}').status
            == 201
        )
        assert api.component(property_id, rule, extension, **shine, settings="{}").refusal == (
            409,
            "invalid-settings",
        )

    @pytest.mark.parametrize(
        "schema",
        [
            None,
            5,
            {},
            {"$schema": "https://nowhere.example/schema"},
            {"$schema": 5},
            {"$schema": "http://[x"},
            {"$ref": "https://nowhere.example/schema"},
            {"$ref": "#"},
            {"$ref": 5},
            {"type": "fridge"},
            {"pattern": "("},
            {"properties": {"level": {"pattern": "(", "type": "string"}}},
            {"multipleOf": 0},
            {"properties": 5},
            {"id": "http://[x"},
            {"id": 5},
            {"enum": 5},
            {"allOf": [{"$ref": "#/nowhere"}]},
        ],
    )
    def test_unusable_schema_accepts_any_settings(self, api: Caller, schema: Any) -> None:
        property_id = api.property()
        extension = made(
            api.install(property_id, released(api, actions=[{**ACTION, "schema": schema}]))
        )
        shine = {"delegate_descriptor_id": "lamp::actions::shine", "settings": '{"level":"high"}'}
        assert api.component(property_id, api.rule(property_id), extension, **shine).status == 201

    def test_extension_of_deleted_package_can_only_be_deleted(self, api: Caller) -> None:
        property_id = api.property(development=True)
        package_id = uploaded(api)
        extension = made(api.install(property_id, package_id))
        assert api.delete(f"/extension_packages/{package_id}").status == 204
        assert api.update(f"/extensions/{extension}", enabled=False).refusal == (
            409,
            "delegate-descriptor-unresolved",
        )
        assert api.delete(f"/extensions/{extension}").status == 204


class TestUsageAuthorizations:
    def grant(
        self, api: Caller, package_id: str, org_id: str = STRANGERS, account: str = "demo"
    ) -> Answer:
        path = f"/extension_packages/{package_id}/extension_package_usage_authorizations"
        return api.post(path, {"attributes": {"authorized_org_id": org_id}}, account)

    def received(self, api: Caller) -> tuple[str, str]:
        """Return the id of a package of the partners, and the path of our authorization."""
        package_id = partners(api)
        given = made(self.grant(api, released(api, name="other"), ORG_ID))
        record = api.store.get("extension_package_usage_authorizations", given)
        assert record is not None
        record.attributes |= {"name": "beacon", "owner_org_id": PARTNERS}
        api.store.changed(record)
        return package_id, f"/extension_package_usage_authorizations/{given}"

    def test_owner_creates_one_per_package_and_organization(self, api: Caller) -> None:
        package_id = released(api)
        answer = self.grant(api, package_id)
        assert answer.status == 201
        expected = {
            "name": "lamp",
            "platform": "web",
            "owner_org_id": ORG_ID,
            "authorized_org_id": STRANGERS,
        }
        expected |= {"state": "pending_approval", "authorized_org_name": "Restricted"}
        assert answer.data["attributes"] | expected == answer.data["attributes"]
        assert answer.data["relationships"]["extension_package"]["data"]["id"] == package_id
        assert self.grant(api, package_id).refusal == (409, "not-unique")
        assert self.grant(api, package_id, PARTNERS).status == 201
        assert len(api.ids("/extension_package_usage_authorizations")) == 2

    def test_only_owner_creates_authorizations(self, api: Caller) -> None:
        package_id = released(api)
        assert self.grant(api, package_id, account="developer").refusal == (403, "not-authorized")
        assert self.grant(api, api.package("core", "3.4.4")).refusal == (403, "not-authorized")

    @pytest.mark.parametrize("org_id", ["", "x", "AAAA@AdobeOrg", None, 5])
    def test_authorized_organization_must_be_an_id(self, api: Caller, org_id: Any) -> None:
        answer = self.grant(api, released(api), org_id)
        assert (answer.status, answer.pointer) == (400, "/data/attributes/authorized_org_id")

    def test_only_private_packages_take_authorizations(self, api: Caller) -> None:
        assert self.grant(api, uploaded(api)).refusal == (409, "invalid-extension_package_id")

    def test_only_authorized_organization_answers_and_only_owner_deletes(self, api: Caller) -> None:
        given = f"/extension_package_usage_authorizations/{made(self.grant(api, released(api)))}"
        assert api.update(given, state="approved").refusal == (403, "not-authorized")
        _, received = self.received(api)
        assert api.delete(received).refusal == (403, "not-authorized")
        assert api.update(received, "developer", state="approved").refusal == (
            403,
            "not-authorized",
        )
        assert api.delete(given, None).status == 204
        assert api.get(given).status == 404

    @pytest.mark.parametrize(
        "change",
        [{}, {"state": "pending_approval"}, {"state": None}, {"state": "x"}, {"name": "x"}],
    )
    def test_state_must_become_approved_or_rejected(
        self, api: Caller, change: dict[str, Any]
    ) -> None:
        _, path = self.received(api)
        assert api.update(path, **change).refusal == (400, "invalid-document")
        assert api.attributes(path)["state"] == "pending_approval"

    def test_package_is_visible_while_pending_and_installable_once_approved(
        self, api: Caller
    ) -> None:
        package_id, path = self.received(api)
        property_id = api.property()
        assert api.get(f"/extension_packages/{package_id}").status == 200
        assert package_id in api.ids("/extension_packages")
        assert api.install(property_id, package_id).refusal == (409, "invalid-extension_package_id")
        assert api.update(path, state="approved").data["attributes"]["state"] == "approved"
        extension = made(api.install(property_id, package_id))
        api.update(path, state="rejected")
        assert api.get(f"/extension_packages/{package_id}").status == 404
        assert api.update(f"/extensions/{extension}", enabled=False).status == 200


def test_packages_are_not_created_under_a_company(api: Caller) -> None:
    assert api.post(f"/companies/{COMPANY}/extension_packages").status == 404
    assert api.get(f"/companies/{COMPANY}/extension_packages").status == 404


def test_helper_creates_valid_zips() -> None:
    import io

    with zipfile.ZipFile(io.BytesIO(package())) as archive:
        assert {"extension.json", *FILES} == set(archive.namelist())
