"""The demo company is believable, and the same at every start."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from adobe_nb.registry import ID_PATTERN, RESOURCES
from adobe_nb.simulator import demo
from adobe_nb.simulator.accounts import ORG_ID
from adobe_nb.simulator.packages import newer
from adobe_nb.simulator.publishing import addresses
from adobe_nb.simulator.seed import COMPANY_ID, Bulk, seeded
from adobe_nb.simulator.store import Record, Store
from tests.support.caller import Caller

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
    assert [vars_of(record) for record in everything(store)] == [
        vars_of(record) for record in everything(again)
    ]


def vars_of(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ("type", "id", "attributes", "to_one", "meta")}


def test_ids_are_of_the_form_and_distinct(store: Store) -> None:
    ids = [record.id for record in everything(store)]
    assert len(ids) == len(set(ids))
    assert all(ID_PATTERN.fullmatch(each) for each in ids)
    assert store.get("companies", COMPANY_ID) is not None


def test_dates_spread_over_two_years_and_are_in_order(store: Store) -> None:
    about_packages = {
        "extension_packages",
        "extension_package_usage_authorizations",
    }  # made by their developers
    ours = [record for record in everything(store) if record.type not in about_packages]
    created = sorted(record.attributes["created_at"] for record in ours)
    assert created[0].startswith("2024-09")
    assert created[-1].startswith("2026-09")
    for record in everything(store):
        changed = record.attributes.get("updated_at", record.attributes["created_at"])
        assert record.attributes["created_at"] <= changed < "2026-09-10", record


def test_every_row_has_every_attribute_of_the_table(store: Store) -> None:
    for record in everything(store):
        assert {each.name for each in RESOURCES[record.type].columns} == set(record.attributes), (
            record
        )


def test_relations_point_at_records_that_exist(store: Store) -> None:
    for record in everything(store):
        for target in record.to_one.values():
            if target is not None and target[0] in RESOURCES:
                assert store.get(*target) is not None, (record, target)


def test_references_name_data_elements_of_the_same_property(store: Store) -> None:
    for each in store.all("properties"):
        names = {element.attributes["name"] for element in heads(store, each, "data_elements")}
        settings = [
            part.attributes["settings"]
            for part in heads(store, each, "rule_components", "data_elements")
        ]
        pattern = r"\{\{([^}]+)\}\}" if each.attributes["platform"] == "edge" else r"%([^%]+)%"
        used = {name for text in settings for name in re.findall(pattern, text)}
        used |= {name for text in settings for name in re.findall(r"getVar\('([^']+)'\)", text)}
        assert used <= names, each
        assert used, each


def heads(store: Store, place: Record, *kinds: str) -> list[Record]:
    """The heads of these types in a property."""
    return [
        each
        for kind in kinds
        for each in store.all(kind)
        if each.is_head and each.to_one["property"] == place.here
    ]


def test_settings_refer_to_a_variable_by_the_id_of_its_head(store: Store) -> None:
    actions = [
        part
        for part in store.all("rule_components")
        if part.attributes["delegate_descriptor_id"] == "adobe-alloy::actions::update-variable"
    ]
    assert any(not action.is_head for action in actions)
    for action in actions:
        element = store.get(
            "data_elements", json.loads(action.attributes["settings"])["dataElementId"]
        )
        assert element is not None, action
        assert element.is_head
        assert element.to_one["property"] == action.to_one["property"]
        assert element.attributes["delegate_descriptor_id"] == "adobe-alloy::dataElements::variable"


def test_caches_and_datastreams_have_ids_of_the_real_form(store: Store) -> None:
    texts = [
        record.attributes["settings"]
        for kind in ("data_elements", "extensions")
        for record in store.all(kind)
    ]
    ids = [
        found
        for text in texts
        for found in re.findall(r'"(?:cacheId|edgeConfigId)":"([^"]*)"', text)
    ]
    assert ids
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each) for each in ids)


def test_settings_and_entities_are_escaped_as_the_service_does(store: Store) -> None:
    texts = [
        record.attributes[name]
        for name, kinds in {
            "settings": ("rule_components", "data_elements", "extensions"),
            "entity": ("audit_events",),
        }.items()
        for kind in kinds
        for record in store.all(kind)
    ]
    assert not any(re.search("[&<>\u2028\u2029]", text) for text in texts)
    assert any(r"\u0026\u0026" in text for text in texts)
    assert any(r"\u003cdiv" in text for text in texts)


def test_each_record_names_who_made_it_as_its_audit_event_does(store: Store) -> None:
    for event in store.all("audit_events"):
        record = store.get(*event.to_one["entity"])  # type: ignore[misc]
        assert record is not None
        verb = event.attributes["type_of"].partition(".")[2]
        if f"{verb}_by_email" in record.attributes:
            assert record.attributes[f"{verb}_by_email"] == event.attributes["attributed_to_email"]
            assert (
                record.attributes[f"{verb}_by_display_name"]
                == event.attributes["attributed_to_display_name"]
            )
    people = {rule.attributes["created_by_email"] for rule in store.all("rules")}
    assert len(people) == 3


def test_parts_were_last_changed_with_a_revision_of_their_extension(store: Store) -> None:
    for kind in ("rule_components", "data_elements"):
        for record in store.all(kind):
            used = store.of(record, "updated_with_extension")
            assert used is not None
            assert not used.is_head
            assert used.to_one["origin"] == record.to_one["extension"]


def test_an_extension_offers_the_newest_version_of_its_package(store: Store) -> None:
    for extension in store.all("extensions"):
        if extension.is_head:
            package = store.of(extension, "extension_package")
            assert package is not None
            best = newer(store, package, ORG_ID)
            assert extension.meta.get("upgrade_extension_package_id") == (best and best.id)


def test_mobile_properties_say_privacy_and_ssl(store: Store) -> None:
    for each in store.all("properties"):
        mobile = each.attributes["platform"] == "mobile"
        assert (each.attributes["privacy"], each.attributes["ssl_enabled"]) == (
            ("optedin", True) if mobile else (None, None)
        )


CONTENTS = ("extensions", "data_elements", "rules")


class TestBuilds:
    """Each seeded build is what the simulator would build of its library."""

    def test_rebuilding_a_library_gives_what_its_seeded_build_holds(self) -> None:
        api = Caller("demo")
        order = ("development", "submitted", "approved", "published")
        libraries = [
            each for each in api.store.all("libraries") if each.attributes["state"] in order
        ]
        for library in sorted(libraries, key=lambda each: order.index(each.attributes["state"])):
            (seeded_build,) = api.store.listed(library.id, "builds")
            again = rebuilt(api, library)
            for kind in CONTENTS:
                expected = [each.id for each in api.store.listed(seeded_build.id, kind)]
                found = [each.id for each in api.store.listed(again, kind)]
                assert found == expected, (library.attributes["name"], kind)

    def test_a_development_build_differs_from_production_only_where_a_library_on_its_way_does(
        self, store: Store
    ) -> None:
        def delivered(library: Record, kind: str) -> dict[Any, str]:
            (build,) = store.listed(library.id, "builds")
            return {each.to_one["origin"]: each.id for each in store.listed(build.id, kind)}

        for library in store.all("libraries"):
            if library.attributes["state"] == "development":
                chain = [library]
                while (above := store.of(chain[-1], "upstream_library")) is not None:
                    chain.append(above)
                    if above.attributes["state"] == "published":
                        break
                for kind in CONTENTS:
                    ours, live = delivered(library, kind), delivered(chain[-1], kind)
                    changed = {
                        each.id for held in chain[:-1] for each in store.listed(held.id, kind)
                    }
                    assert live.keys() <= ours.keys()
                    assert {
                        each for head, each in ours.items() if live.get(head) != each
                    } <= changed

    def test_a_library_knows_of_its_build(self, store: Store) -> None:
        for library in store.all("libraries"):
            built = [build.here for build in store.listed(library.id, "builds")]
            state = library.attributes["state"]
            assert bool(built) == (state != "rejected")
            assert library.to_one["last_build"] == (built[0] if built else None)
            is_current = state not in {
                "approved",
                "rejected",
            }  # an approved one was built before it was approved
            assert library.attributes["build_required"] == (not is_current)
            assert library.meta["build_status"] == ("succeeded" if is_current else None)
            assert ("build_required_detail" in library.meta) == (not is_current)

    def test_nothing_in_a_build_is_younger_than_the_build(self, store: Store) -> None:
        for build in store.all("builds"):
            made = build.attributes["created_at"]
            held = [each for kind in CONTENTS for each in store.listed(build.id, kind)]
            assert all(each.attributes["created_at"] < made for each in held), build

    def test_components_are_published_with_their_rule(self, store: Store) -> None:
        for rule in store.all("rules"):
            for part in store.listed(rule.id, "rule_components"):
                for name in ("published", "published_at"):
                    assert part.attributes[name] == rule.attributes[name]


def rebuilt(api: Caller, library: Record) -> str:
    """The id of a new build of a seeded library."""
    state = library.attributes["state"]
    if state in {"approved", "published"}:
        # Only a build on production is left to do; a published library is taken back to before it.
        library.attributes["state"] = "approved"
        owner = (library.to_one["property"] or ("", ""))[1]
        production = next(
            each
            for each in api.store.listed(owner, "environments")
            if each.attributes["stage"] == "production"
        )
        assert api.assign(library.id, production.id).status == 200
    answer = api.build(library.id)
    assert answer.status == 201, (library.attributes["name"], answer.body)
    api.wait()
    assert api.attributes(f"/builds/{answer.id}")["status"] == "succeeded"
    return answer.id


def test_every_delegate_belongs_to_an_installed_extension(store: Store) -> None:
    for kind in ("rule_components", "data_elements"):
        for record in store.all(kind):
            extension = store.get(*record.to_one["extension"])  # type: ignore[misc]
            assert record.attributes["delegate_descriptor_id"].startswith(
                f"{extension.attributes['name']}::"
            )
            assert extension.to_one["property"] == record.to_one["property"]


def test_rules_have_something_to_do(store: Store) -> None:
    for spec in demo.PROPERTIES:
        for rule in spec["rules"]:
            descriptors = [part["delegate_descriptor_id"] for part in rule["rule_components"]]
            kinds = {descriptor.split("::")[1] for descriptor in descriptors}
            assert "actions" in kinds, rule["name"]
            assert ("events" in kinds) == (spec["platform"] != "edge"), rule["name"]


def test_one_library_per_environment_and_production_is_published(store: Store) -> None:
    for environment in store.all("environments"):
        library = environment.to_one["library"]
        if library is not None:
            record = store.get(*library)
            assert record.to_one["environment"] == (environment.type, environment.id)
            assert (environment.attributes["stage"] == "production") == (
                record.attributes["state"] == "published"
            )


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
    for spec in demo.PROPERTIES:
        pieces = [*spec["data_elements"]]
        for rule in spec["rules"]:
            pieces += rule["rule_components"]
        for piece in pieces:
            delegate, settings = piece["delegate_descriptor_id"], piece["settings"]
            package, kind, name = delegate.split("::")
            file = FILES.get((spec["platform"], package))
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
    for spec in demo.PROPERTIES:
        for extension in spec["extensions"]:
            file = FILES.get((spec["platform"], extension["name"]))
            manifest = json.loads((MANIFESTS / file).read_text(encoding="utf-8")) if file else {}
            if manifest.get("configuration", {}).get("schema"):
                schema = manifest["configuration"]["schema"]
                jsonschema.Draft4Validator(schema).validate(extension.get("settings", {}))


def test_bulk_is_generated_beside_the_seed() -> None:
    store = seeded("empty", Bulk(properties=2, rules=3, components=4, data_elements=5))[ORG_ID]
    counts = {
        kind: len(store.all(kind))
        for kind in ("properties", "rules", "rule_components", "data_elements")
    }
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
    return seeded(
        "empty", Bulk(properties=2, rules=10, components=2, data_elements=5, events=2000)
    )[ORG_ID]


class TestHistory:
    """Generated audit events."""

    def test_there_are_as_many_as_asked_for_in_the_order_of_their_moments(
        self, busy: Store
    ) -> None:
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
                assert record.attributes["updated_at"] == latest.get(
                    record.id, record.attributes["updated_at"]
                )

    def test_they_need_no_more_than_a_property(self) -> None:
        store = seeded("empty", Bulk(events=3))[ORG_ID]
        assert (len(store.all("properties")), len(store.all("audit_events"))) == (1, 3)


def test_an_unknown_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="Unknown seed 'full'"):
        seeded("full", Bulk())
