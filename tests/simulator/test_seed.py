"""The demo company is believable, and the same at every start."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from adobe_nb.resources import ID_PATTERN, RESOURCES
from adobe_nb.simulator import demo
from adobe_nb.simulator.publishing import addresses
from adobe_nb.simulator.seed import COMPANY_ID, ORG_ID, Bulk, seeded
from adobe_nb.simulator.store import Record, Store

MANIFESTS = Path(__file__).parents[3] / "shared" / "reactor" / "extension-manifests"
FILES = {
    ("web", "core"): "core.json",
    ("web", "facebook-pixel"): "facebook-pixel.json",
    ("web", "adobegoogledatalayer"): "googledatalayer.json",
    ("edge", "core"): "core-edge.json",
    ("edge", "adobe-cloud-connector"): "cloud-connector-edge.json",
}


@pytest.fixture(scope="module")
def store() -> Store:
    return seeded("demo", Bulk())[ORG_ID]


def everything(store: Store) -> list[Record]:
    return [record for kind in RESOURCES for record in store.all(kind)]


def test_it_is_the_same_at_every_start(store: Store) -> None:
    again = seeded("demo", Bulk())[ORG_ID]
    assert [vars_of(record) for record in everything(store)] == [vars_of(record) for record in everything(again)]


def vars_of(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ("type", "id", "attributes", "to_one", "meta")}


def test_ids_are_of_the_form_and_distinct(store: Store) -> None:
    ids = [record.id for record in everything(store)]
    assert len(ids) == len(set(ids))
    assert all(ID_PATTERN.fullmatch(each) for each in ids)
    assert store.get("companies", COMPANY_ID) is not None


def test_dates_spread_over_two_years_and_are_in_order(store: Store) -> None:
    about_packages = {"extension_packages", "extension_package_usage_authorizations"}  # made by their developers
    ours = [record for record in everything(store) if record.type not in about_packages]
    created = sorted(record.attributes["created_at"] for record in ours)
    assert created[0].startswith("2024-09")
    assert created[-1].startswith("2026-09")
    for record in everything(store):
        changed = record.attributes.get("updated_at", record.attributes["created_at"])
        assert record.attributes["created_at"] <= changed < "2026-09-10", record


def test_every_row_has_every_attribute_of_the_table(store: Store) -> None:
    rarely = {"ssl_enabled", "privacy"}
    rarely |= {f"{what}_by_{how}" for what in ("created", "updated") for how in ("email", "display_name")}
    for record in everything(store):
        assert {each.name for each in RESOURCES[record.type].columns} - rarely == set(record.attributes) - rarely, (
            record
        )


def test_relations_point_at_records_that_exist(store: Store) -> None:
    for record in everything(store):
        for target in record.to_one.values():
            if target is not None and target[0] in RESOURCES:
                assert store.get(*target) is not None, (record, target)


def test_references_name_data_elements_of_the_same_property() -> None:
    for each in demo.PROPERTIES:
        names = {element.name for element in each.elements}
        settings = [step[2] for rule in each.rules for step in rule.steps] + [
            element.settings for element in each.elements
        ]
        pattern = r"\{\{([^}]+)\}\}" if each.platform == "edge" else r"%([^%]+)%"
        used = {name for value in settings for name in re.findall(pattern, json.dumps(value))}
        used |= {name for value in settings for name in re.findall(r"getVar\('([^']+)'\)", json.dumps(value))}
        assert used <= names, each.name
        assert used, each.name


def test_every_delegate_belongs_to_an_installed_extension(store: Store) -> None:
    for kind in ("rule_components", "data_elements"):
        for record in store.all(kind):
            extension = store.get(*record.to_one["extension"])  # type: ignore[misc]
            assert record.attributes["delegate_descriptor_id"].startswith(f"{extension.attributes['name']}::")
            assert extension.to_one["property"] == record.to_one["property"]


def test_rules_have_something_to_do(store: Store) -> None:
    for each in demo.PROPERTIES:
        for rule in each.rules:
            kinds = {step[1].split("::")[1] for step in rule.steps}
            assert "actions" in kinds, rule.name
            assert ("events" in kinds) == (each.platform != "edge"), rule.name


def test_one_library_per_environment_and_production_is_published(store: Store) -> None:
    for environment in store.all("environments"):
        library = environment.to_one["library"]
        if library is not None:
            record = store.get(*library)
            assert record.to_one["environment"] == (environment.type, environment.id)
            assert (environment.attributes["stage"] == "production") == (record.attributes["state"] == "published")


def test_libraries_hold_revisions_one_of_each(store: Store) -> None:
    for library in store.all("libraries"):
        for kind in ("rules", "data_elements", "extensions"):
            held = store.listed(library.id, kind)
            assert all(record.attributes["revision_number"] > 0 for record in held)
            origins = [record.to_one["origin"] for record in held]
            assert len(origins) == len(set(origins))


def test_settings_fit_the_real_schemas() -> None:
    if not MANIFESTS.exists():
        pytest.skip("Adobe's extension manifests are not beside this checkout")
    checked = 0
    for each in demo.PROPERTIES:
        pieces = [(step[1], step[2]) for rule in each.rules for step in rule.steps]
        pieces += [(element.delegate, element.settings) for element in each.elements]
        for delegate, settings in pieces:
            package, kind, name = delegate.split("::")
            file = FILES.get((each.platform, package))
            if file is None:
                continue
            manifest = json.loads((MANIFESTS / file).read_text(encoding="utf-8"))
            found = next((known for known in manifest[kind] if known["name"] == name), None)
            assert found is not None, delegate
            if found.get("schema"):
                jsonschema.Draft4Validator(found["schema"]).validate(settings)
                checked += 1
    assert checked > 80


def test_configurations_fit_the_real_schemas() -> None:
    if not MANIFESTS.exists():
        pytest.skip("Adobe's extension manifests are not beside this checkout")
    for each in demo.PROPERTIES:
        for extension in each.extensions:
            file = FILES.get((each.platform, extension.package))
            manifest = json.loads((MANIFESTS / file).read_text(encoding="utf-8")) if file else {}
            if manifest.get("configuration", {}).get("schema"):
                jsonschema.Draft4Validator(manifest["configuration"]["schema"]).validate(extension.settings)


def test_bulk_is_generated_beside_the_seed() -> None:
    store = seeded("empty", Bulk(properties=2, rules=3, components=4, data_elements=5))[ORG_ID]
    counts = {kind: len(store.all(kind)) for kind in ("properties", "rules", "rule_components", "data_elements")}
    assert counts == {"properties": 2, "rules": 6, "rule_components": 24, "data_elements": 10}
    assert len(seeded("empty", Bulk(rules=3))[ORG_ID].all("properties")) == 1
    assert len(seeded("demo", Bulk(properties=1))[ORG_ID].all("properties")) == 7


def test_builds_of_the_seed_are_served_where_new_ones_are(store: Store) -> None:
    for build in store.all("builds"):
        environment = store.get(*build.to_one["environment"])  # type: ignore[misc]
        assert environment is not None
        assert build.meta == addresses(environment, build.attributes["token"])
    assert any("/staging/" in build.meta["artifact_url"] for build in store.all("builds"))


@pytest.fixture(scope="module")
def busy() -> Store:
    return seeded("empty", Bulk(properties=2, rules=10, components=2, data_elements=5, events=2000))[ORG_ID]


class TestHistory:
    """Generated audit events."""

    def test_there_are_as_many_as_asked_for_in_the_order_of_their_moments(self, busy: Store) -> None:
        moments = [event.attributes["created_at"] for event in busy.all("audit_events")]
        assert len(moments) == 2000
        assert moments == sorted(moments)
        assert moments[0] < "2025-02"
        assert "2025-12" < moments[-1] < "2026-02"

    def test_one_in_twenty_shares_its_millisecond_with_others(self, busy: Store) -> None:
        together = Counter(event.attributes["created_at"] for event in busy.all("audit_events"))
        assert sum(number for number in together.values() if number > 1) == 105
        assert max(together.values()) == 5

    def test_they_are_of_several_kinds_and_true(self, busy: Store) -> None:
        latest: dict[str, str] = {}
        gone: dict[str, set[str]] = {"created": set(), "deleted": set()}
        for event in busy.all("audit_events"):
            thing, happened = event.attributes["type_of"].split(".")
            entity = event.to_one["entity"]
            assert entity is not None
            assert RESOURCES[entity[0]].singular == thing
            assert json.loads(event.attributes["entity"])["data"]["id"] == entity[1]
            if happened == "updated":
                latest[entity[1]] = event.attributes["created_at"]
            else:
                gone[happened].add(entity[1])
                assert busy.get(*entity) is None
        assert gone["created"] == gone["deleted"]
        assert len(gone["created"]) == 50
        for kind in ("properties", "rules", "rule_components", "data_elements", "extensions"):
            for record in busy.all(kind):
                assert record.attributes["updated_at"] == latest.get(record.id, record.attributes["updated_at"])

    def test_they_need_no_more_than_a_property(self) -> None:
        store = seeded("empty", Bulk(events=3))[ORG_ID]
        assert (len(store.all("properties")), len(store.all("audit_events"))) == (1, 3)


def test_an_unknown_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="no seed 'full'"):
        seeded("full", Bulk())
