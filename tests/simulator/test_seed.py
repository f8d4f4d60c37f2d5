"""The demo company is consistent, and the same at every start."""

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


def all_records(store: Store) -> list[Record]:
    return [record for kind in RESOURCES for record in store.all(kind)]


def test_seed_is_the_same_at_every_start(store: Store) -> None:
    again = seeded("demo", Bulk())[ORG_ID]
    assert [vars_of(record) for record in all_records(store)] == [
        vars_of(record) for record in all_records(again)
    ]


def vars_of(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ("type", "id", "attributes", "to_one", "meta")}


def test_ids_are_valid_and_unique(store: Store) -> None:
    ids = [record.id for record in all_records(store)]
    assert len(ids) == len(set(ids))
    assert all(ID_PATTERN.fullmatch(identifier) for identifier in ids)
    assert store.get("companies", COMPANY_ID) is not None


def test_dates_cover_two_years_and_updates_follow_creation(store: Store) -> None:
    about_packages = {
        "extension_packages",
        "extension_package_usage_authorizations",
    }  # made by their developers
    ours = [record for record in all_records(store) if record.type not in about_packages]
    created = sorted(record.attributes["created_at"] for record in ours)
    assert created[0].startswith("2024-09")
    assert created[-1].startswith("2026-09")
    for record in all_records(store):
        changed = record.attributes.get("updated_at", record.attributes["created_at"])
        assert record.attributes["created_at"] <= changed < "2026-09-10", record


def test_records_have_all_attributes_of_the_registry(store: Store) -> None:
    for record in all_records(store):
        assert {column.name for column in RESOURCES[record.type].columns} == set(
            record.attributes
        ), record


def test_relationships_point_to_existing_records(store: Store) -> None:
    for record in all_records(store):
        for target in record.to_one.values():
            if target is not None and target[0] in RESOURCES:
                assert store.get(*target) is not None, (record, target)


UNKNOWN = {
    "Web Store US": {"Page name", "cartcurrency", "Store Region", "XDM Checkout"},
    "Event Forwarding": {"Order Currency"},
}
"""Names that the demo company refers to on purpose although nothing has them."""
NOT_TOKENS = ("20% off ", "%event.detail.method%", "%Stock.level%")
"""A percentage, a member of the event, and a member of a custom variable."""


def test_settings_reference_data_elements_of_the_same_property(store: Store) -> None:
    for parent in store.all("properties"):
        names = {element.attributes["name"] for element in heads(store, parent, "data_elements")}
        settings = [
            part.attributes["settings"]
            for part in heads(store, parent, "rule_components", "data_elements", "extensions")
        ]
        for text in NOT_TOKENS:
            settings = [each.replace(text, "") for each in settings]
        pattern = r"\{\{([^}]+)\}\}" if parent.attributes["platform"] == "edge" else r"%([^%]+)%"
        used = {name for text in settings for name in re.findall(pattern, text)}
        used |= {
            name
            for text in settings
            for name in re.findall(r"(?:getVar|getDataElementValue)\('([^']+)'(?:, event)?\)", text)
        }
        assert used - names == UNKNOWN.get(parent.attributes["name"], set()), parent
        assert used & names, parent


def heads(store: Store, parent: Record, *kinds: str) -> list[Record]:
    """Return the heads of some types in a property."""
    return [
        record
        for kind in kinds
        for record in store.all(kind)
        if record.is_head and record.to_one["property"] == parent.here
    ]


def test_update_variable_refers_to_id_of_head(store: Store) -> None:
    actions = [
        part
        for part in store.all("rule_components")
        if part.attributes["delegate_descriptor_id"] == "adobe-alloy::actions::update-variable"
    ]
    assert any(not action.is_head for action in actions)
    copied = {part.id for part in copied_actions(store)}
    for action in actions:
        element = store.get(
            "data_elements", json.loads(action.attributes["settings"])["dataElementId"]
        )
        assert element is not None, action
        assert element.is_head
        is_own = element.to_one["property"] == action.to_one["property"]
        assert is_own == (action.id not in copied)
        assert element.attributes["delegate_descriptor_id"] == "adobe-alloy::dataElements::variable"


def copied_actions(store: Store) -> list[Record]:
    """Return the components of the rule that was copied from another property."""
    rules = [rule for rule in store.all("rules") if rule.attributes["name"] == "Cart - Quick View"]
    return [part for rule in rules for part in store.listed(rule.id, "rule_components")]


def test_cache_and_datastream_ids_are_uuids(store: Store) -> None:
    texts = [
        record.attributes["settings"]
        for kind in ("data_elements", "extensions")
        for record in store.all(kind)
    ]
    ids = [
        identifier
        for text in texts
        for identifier in re.findall(r'"(?:cacheId|edgeConfigId)":"([^"]*)"', text)
    ]
    assert ids
    assert all(
        re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", identifier) for identifier in ids
    )


def test_settings_and_entities_are_escaped(store: Store) -> None:
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


def test_records_and_audit_events_name_the_same_authors(store: Store) -> None:
    # Earlier updates can be by others.
    last = {
        (event.to_one["entity"], event["type_of"]): event for event in store.all("audit_events")
    }
    for event in last.values():
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


def test_updated_with_extension_is_a_revision_of_the_extension(store: Store) -> None:
    for kind in ("rule_components", "data_elements"):
        for record in store.all(kind):
            used = store.of(record, "updated_with_extension")
            assert used is not None
            assert not used.is_head
            assert used.to_one["origin"] == record.to_one["extension"]


def test_extension_offers_newest_version_of_its_package(store: Store) -> None:
    for extension in store.all("extensions"):
        if extension.is_head:
            package = store.of(extension, "extension_package")
            assert package is not None
            best = newer(store, package, ORG_ID)
            assert extension.meta.get("upgrade_extension_package_id") == (best and best.id)


def test_only_mobile_properties_have_privacy_and_ssl(store: Store) -> None:
    for record in store.all("properties"):
        mobile = record.attributes["platform"] == "mobile"
        assert (record.attributes["privacy"], record.attributes["ssl_enabled"]) == (
            ("optedin", True) if mobile else (None, None)
        )


CONTENTS = ("extensions", "data_elements", "rules")


def good_builds(store: Store, library: Record) -> list[Record]:
    """Return the builds of a library that succeeded."""
    return [build for build in store.listed(library.id, "builds") if build["status"] == "succeeded"]


class TestBuilds:
    """A seeded build is what the simulator would build from its library."""

    def test_new_build_of_library_has_contents_of_seeded_build(self) -> None:
        api = Caller("demo")
        order = ("development", "submitted", "approved", "published")
        libraries = [
            library
            for library in api.store.all("libraries")
            if library.attributes["state"] in order
        ]
        for library in sorted(
            libraries, key=lambda library: order.index(library.attributes["state"])
        ):
            (seeded_build,) = good_builds(api.store, library)
            again = rebuilt(api, library)
            for kind in CONTENTS:
                expected = [
                    record.id
                    for record in api.store.listed(seeded_build.id, kind)
                    if not is_deleted_since(api.store, record)
                ]
                contents = [record.id for record in api.store.listed(again, kind)]
                assert contents == expected, (library.attributes["name"], kind)

    def test_development_build_differs_from_production_only_by_open_libraries(
        self, store: Store
    ) -> None:
        def delivered(library: Record, kind: str) -> dict[Any, str]:
            (build,) = good_builds(store, library)
            return {record.to_one["origin"]: record.id for record in store.listed(build.id, kind)}

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
                        record.id for held in chain[:-1] for record in store.listed(held.id, kind)
                    }
                    assert live.keys() <= ours.keys()
                    assert {
                        identifier
                        for head, identifier in ours.items()
                        if live.get(head) != identifier
                    } <= changed

    def test_library_refers_to_its_build(self, store: Store) -> None:
        for library in store.all("libraries"):
            built = [build.here for build in good_builds(store, library)]
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

    def test_build_is_younger_than_its_contents(self, store: Store) -> None:
        for build in store.all("builds"):
            made = build.attributes["created_at"]
            held = [record for kind in CONTENTS for record in store.listed(build.id, kind)]
            assert all(record.attributes["created_at"] < made for record in held), build

    def test_components_are_published_with_their_rule(self, store: Store) -> None:
        for rule in store.all("rules"):
            for part in store.listed(rule.id, "rule_components"):
                for name in ("published", "published_at"):
                    assert part.attributes[name] == rule.attributes[name]


def is_deleted_since(store: Store, revision: Record) -> bool:
    head = store.of(revision, "origin")
    return head is not None and head.deleted


def rebuilt(api: Caller, library: Record) -> str:
    """Return the id of a new build of a seeded library."""
    state = library.attributes["state"]
    if state in {"approved", "published"}:
        # Only the build on production is left; a published library goes back to the state before it.
        library.attributes["state"] = "approved"
        owner = (library.to_one["property"] or ("", ""))[1]
        production = next(
            environment
            for environment in api.store.listed(owner, "environments")
            if environment.attributes["stage"] == "production"
        )
        assert api.assign(library.id, production.id).status == 200
    answer = api.build(library.id)
    assert answer.status == 201, (library.attributes["name"], answer.body)
    api.wait()
    assert api.attributes(f"/builds/{answer.id}")["status"] == "succeeded"
    return answer.id


def test_delegates_belong_to_installed_extensions(store: Store) -> None:
    for kind in ("rule_components", "data_elements"):
        for record in store.all(kind):
            extension = store.get(*record.to_one["extension"])  # type: ignore[misc]
            assert record.attributes["delegate_descriptor_id"].startswith(
                f"{extension.attributes['name']}::"
            )
            assert extension.to_one["property"] == record.to_one["property"]


def test_rules_have_events_and_actions(store: Store) -> None:
    for spec in demo.PROPERTIES:
        for rule in spec["rules"]:
            descriptors = [part["delegate_descriptor_id"] for part in rule["rule_components"]]
            kinds = {descriptor.split("::")[1] for descriptor in descriptors}
            assert "actions" in kinds, rule["name"]
            assert ("events" in kinds) == (spec["platform"] != "edge"), rule["name"]


def test_environment_has_one_library_and_production_a_published_one(store: Store) -> None:
    for environment in store.all("environments"):
        library = environment.to_one["library"]
        if library is not None:
            record = store.get(*library)
            assert record.to_one["environment"] == (environment.type, environment.id)
            assert (environment.attributes["stage"] == "production") == (
                record.attributes["state"] == "published"
            )


def test_libraries_have_one_revision_per_resource(store: Store) -> None:
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
            package, kind, name = piece["delegate_descriptor_id"].split("::")
            file = FILES.get((spec["platform"], package))
            if file is None:
                continue
            manifest = json.loads((MANIFESTS / file).read_text(encoding="utf-8"))
            schemas = {delegate["name"]: delegate.get("schema") for delegate in manifest[kind]}
            assert name in schemas, piece
            if schemas[name]:
                jsonschema.Draft4Validator(schemas[name]).validate(piece["settings"])
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


def test_seeded_builds_have_addresses_like_new_ones(store: Store) -> None:
    for build in store.all("builds"):
        environment = store.get(*build.to_one["environment"])  # type: ignore[misc]
        assert environment is not None
        meta = {name: value for name, value in build.meta.items() if name != "status_details"}
        assert meta == addresses(environment, build.attributes["token"])
        assert ("status_details" in build.meta) == (build.attributes["status"] == "failed")
    assert any("/staging/" in build.meta["artifact_url"] for build in store.all("builds"))


@pytest.fixture(scope="module")
def busy() -> Store:
    return seeded(
        "empty", Bulk(properties=2, rules=10, components=2, data_elements=5, events=2000)
    )[ORG_ID]


class TestHistory:
    """Generated audit events."""

    def test_requested_number_of_events_in_order_of_time(self, busy: Store) -> None:
        moments = [event.attributes["created_at"] for event in busy.all("audit_events")]
        assert len(moments) == 2000
        assert moments == sorted(moments)
        assert moments[0] < "2025-02"
        assert "2025-12" < moments[-1] < "2026-02"

    def test_one_event_in_twenty_shares_its_millisecond(self, busy: Store) -> None:
        together = Counter(event.attributes["created_at"] for event in busy.all("audit_events"))
        assert sum(number for number in together.values() if number > 1) == 105
        assert max(together.values()) == 5

    def test_events_agree_with_records(self, busy: Store) -> None:
        latest: dict[str, str] = {}
        gone: dict[str, set[str]] = {"created": set(), "deleted": set()}
        for event in busy.all("audit_events"):
            singular, verb = event.attributes["type_of"].split(".")
            entity = event.to_one["entity"]
            assert entity is not None
            assert RESOURCES[entity[0]].singular == singular
            assert json.loads(event.attributes["entity"])["data"]["id"] == entity[1]
            if verb == "updated":
                latest[entity[1]] = event.attributes["created_at"]
            else:
                gone[verb].add(entity[1])
                assert busy.get(*entity) is None
        assert gone["created"] == gone["deleted"]
        assert len(gone["created"]) == 50
        for kind in ("properties", "rules", "rule_components", "data_elements", "extensions"):
            for record in busy.all(kind):
                assert record.attributes["updated_at"] == latest.get(
                    record.id, record.attributes["updated_at"]
                )

    def test_events_require_only_a_property(self) -> None:
        store = seeded("empty", Bulk(events=3))[ORG_ID]
        assert (len(store.all("properties")), len(store.all("audit_events"))) == (1, 3)


def test_unknown_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="Unknown seed 'full'"):
        seeded("full", Bulk())
