"""Extension packages and extensions by public calls: upload, release, install, upgrade, authorize."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from adobe_nb import ApiError, ArgumentError, ConfirmationRequired, DelayedError
from tests.conftest import sign_in

SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "string"}},
    "required": ["id"],
    "additionalProperties": False,
}
MANIFEST = {
    "name": "hello-tags",
    "displayName": "Hello",
    "version": "1.0.0",
    "platform": "web",
    "viewBasePath": "view/",
    "configuration": {"viewPath": "configuration.html", "schema": SCHEMA},
    "actions": [
        {
            "name": "hello",
            "displayName": "Hello",
            "libPath": "lib/hello.js",
            "schema": {"type": "object"},
        }
    ],
}


def make_zip(folder: Path, *, files: dict[str, str] | None = None, **changes: Any) -> Path:
    path = folder / f"hello-{changes.get('version', '1.0.0')}.zip"
    contents = {
        "lib/hello.js": "module.exports = function () {};",
        "view/configuration.html": "<html></html>",
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("extension.json", json.dumps({**MANIFEST, **changes}))
        for name, text in (contents if files is None else files).items():
            archive.writestr(name, text)
    return path


@pytest.fixture
def package(shop: Any, tmp_path: Path) -> Any:
    """A package in development that succeeded."""
    return shop.reactor.extension_packages.wait(
        shop.reactor.extension_packages.upload(make_zip(tmp_path)), poll=0.01
    )


class TestUpload:
    def test_is_pending_and_then_has_the_values_of_the_manifest(
        self, shop: Any, tmp_path: Path
    ) -> None:
        uploaded = shop.reactor.extension_packages.upload(make_zip(tmp_path))
        assert uploaded["status"].tolist() == ["pending"]
        done = shop.reactor.extension_packages.wait(uploaded, poll=0.01)
        assert done[["name", "version", "availability"]].values.tolist() == [
            ["hello-tags", "1.0.0", "development"]
        ]
        assert json.loads(done.loc[0, "actions"])[0]["name"] == "hello"

    def test_a_package_in_development_is_replaced(
        self, shop: Any, package: Any, tmp_path: Path
    ) -> None:
        again = shop.reactor.extension_packages.upload(
            make_zip(tmp_path, version="1.0.1"), replaces=package
        )
        assert again["id"].tolist() == package["id"].tolist()
        assert shop.reactor.extension_packages.wait(again, poll=0.01)["version"].tolist() == [
            "1.0.1"
        ]

    def test_a_failure_during_processing_is_an_error_with_advice(
        self, shop: Any, tmp_path: Path
    ) -> None:
        uploaded = shop.reactor.extension_packages.upload(make_zip(tmp_path, files={}))
        with pytest.raises(
            DelayedError,
            match="library-file-not-found .* is not in the zip.* Add the file, or correct",
        ):
            shop.reactor.extension_packages.wait(uploaded, poll=0.01)

    def test_an_invalid_zip_costs_no_request(self, shop: Any, tmp_path: Path) -> None:
        (tmp_path / "no.zip").write_bytes(b"no zip")
        empty = io.BytesIO()
        zipfile.ZipFile(empty, "w").close()
        (tmp_path / "empty.zip").write_bytes(empty.getvalue())
        with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
            archive.writestr("extension.json", "{")
        for name, says in {
            "gone.zip": "cannot be read",
            "no.zip": "is not a zip file that can be opened",
            "empty.zip": "has no extension.json at its top",
            "bad.zip": "has an extension.json that is not valid JSON",
        }.items():
            with pytest.raises(ArgumentError, match=says):
                shop.reactor.extension_packages.upload(tmp_path / name)
        with pytest.raises(ArgumentError, match="without version"):
            shop.reactor.extension_packages.upload(make_zip(tmp_path, version=""))
        assert not shop.simulator.requests

    def test_a_dry_run_names_the_zip_and_sends_nothing(self, shop: Any, tmp_path: Path) -> None:
        shown = shop.reactor.extension_packages.upload(make_zip(tmp_path), dry_run=True)
        assert "a zip of " in shown.loc[0, "body"]
        assert not shop.simulator.requests


class TestRelease:
    def test_requires_the_name_and_makes_it_private(self, shop: Any, package: Any) -> None:
        with pytest.raises(
            ConfirmationRequired, match="release hello-tags 1.0.0, add confirm='hello-tags'"
        ):
            shop.reactor.extension_packages.release_private(package)
        released = shop.reactor.extension_packages.release_private(package, confirm="hello-tags")
        assert released["availability"].tolist() == ["private"]

    def test_versions_and_max_availability(self, shop: Any, package: Any, tmp_path: Path) -> None:
        packages = shop.reactor.extension_packages
        packages.release_private(package, confirm="hello-tags")
        second = packages.wait(packages.upload(make_zip(tmp_path, version="1.1.0")), poll=0.01)
        assert sorted(packages.versions(second)["version"]) == ["1.0.0", "1.1.0"]
        mine = {"name": "EQ hello-tags"}
        assert len(packages(filter=mine)) == 2
        assert packages(filter=mine, max_availability="private")["version"].tolist() == ["1.0.0"]
        assert len(packages(filter=mine, max_availability="public")) == 0
        with pytest.raises(ArgumentError, match="max_availability is one of"):
            packages(max_availability="all")

    def test_a_released_package_is_discontinued_and_one_in_development_deleted(
        self, shop: Any, package: Any, tmp_path: Path
    ) -> None:
        packages = shop.reactor.extension_packages
        packages.release_private(package, confirm="hello-tags")
        assert packages.discontinue(package)["discontinued"].tolist() == [True]
        draft = packages.wait(packages.upload(make_zip(tmp_path, version="2.0.0")), poll=0.01)
        packages.delete(draft)
        with pytest.raises(ApiError, match="read-only"):
            packages.delete(package)


class TestExtensions:
    def test_a_package_is_installed_configured_and_upgraded(
        self, shop: Any, package: Any, tmp_path: Path
    ) -> None:
        reactor, packages = shop.reactor, shop.reactor.extension_packages
        packages.release_private(package, confirm="hello-tags")
        with pytest.raises(ApiError, match="id is missing"):
            reactor.extensions.create(
                shop.property,
                extension_package=package,
                delegate_descriptor_id="hello-tags::extensionConfiguration::config",
                settings={},
            )
        installed = reactor.extensions.create(
            shop.property,
            extension_package=package,
            delegate_descriptor_id="hello-tags::extensionConfiguration::config",
            settings={"id": "A-1"},
        )
        assert installed[["name", "version"]].values.tolist() == [["hello-tags", "1.0.0"]]
        changed = reactor.extensions.update(installed, settings={"id": "A-2"})
        assert json.loads(changed.loc[0, "settings"]) == {"id": "A-2"}
        with pytest.raises(ArgumentError, match="nothing newer than hello-tags 1.0.0"):
            reactor.extensions.upgrade(installed)
        second = packages.wait(packages.upload(make_zip(tmp_path, version="1.1.0")), poll=0.01)
        packages.release_private(second, confirm="hello-tags")
        assert reactor.extensions.upgrade(installed, second)["version"].tolist() == ["1.1.0"]

    def test_upgrades_to_the_newer_package_that_the_service_names(self, simulate: Any) -> None:
        session = sign_in(simulate())
        extensions = session.reactor.extensions(session.reactor.properties())
        old = extensions[extensions["meta_upgrade_extension_package_id"].notna()].head(1)
        wanted = old["meta_upgrade_extension_package_id"].iloc[0]
        assert session.reactor.extensions.upgrade(old)["extension_package_id"].tolist() == [wanted]


class TestAuthorizations:
    def test_the_owner_authorizes_and_revokes(self, shop: Any, package: Any) -> None:
        grants = shop.reactor.extension_package_usage_authorizations
        shop.reactor.extension_packages.release_private(package, confirm="hello-tags")
        made = grants.create(package, authorized_org_id="0123456789ABCDEF01234567@AdobeOrg")
        assert made[["name", "state"]].values.tolist() == [["hello-tags", "pending_approval"]]
        assert (
            grants(package)["id"].tolist() == made["id"].tolist() == grants.get(made)["id"].tolist()
        )
        grants.delete(made)
        assert len(grants(package)) == 0
        with pytest.raises(ArgumentError, match="no such usage authorization exists"):
            grants.get(made)

    def test_the_other_organization_approves_or_rejects(self, simulate: Any) -> None:
        grants = sign_in(simulate()).reactor.extension_package_usage_authorizations
        waiting = grants()[grants()["state"] == "pending_approval"]
        assert grants.approve(waiting)["state"].tolist() == ["approved"]
        assert grants.reject(waiting)["state"].tolist() == ["rejected"]
        assert grants.approve(waiting, dry_run=True).loc[0, "method"] == "PATCH"
