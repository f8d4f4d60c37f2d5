"""The registry against itself, and against the catalog of facts where that is available."""

import json
from pathlib import Path
from typing import get_args

import pytest

from adobe_nb.registry import BY_PREFIX, RESOURCES, Form, Kind, Resource, Verb, Writability

CATALOGUE = Path(__file__).parents[2] / "shared" / "reactor" / "catalogue.json"
KINDS = {
    "datetime": "datetime",
    "string": "text",
    "boolean": "boolean",
    "integer": "integer",
    "number": "number",
    "array": "json",
    "json-string": "json",
    "any": "json",
    "object": "json",
}
# Real answers have them (FACTS 25a), the catalogue has them of packages only.
SIGNED = ("properties", "rules", "rule_components", "data_elements", "extensions")
SIGNATURES = {
    f"{verb}_by_{what}" for verb in ("created", "updated") for what in ("email", "display_name")
}
OPEN = {"(notable resource)", "(any)"}  # relations that may point to several types


@pytest.fixture(scope="module")
def catalogue() -> dict[str, dict[str, object]]:
    if not CATALOGUE.exists():
        pytest.skip("the catalogue of facts is not beside this checkout")
    return json.loads(CATALOGUE.read_text(encoding="utf-8"))["resources"]


@pytest.mark.parametrize("row", RESOURCES.values(), ids=lambda row: row.type)
class TestARow:
    def test_has_only_values_that_the_types_allow(self, row: Resource) -> None:
        assert set(row.verbs) <= set(get_args(Verb))
        assert row.deletion in {"", "soft", "hard"}
        attributes = [*row.attributes, *row.meta]
        for relation in row.relations:
            assert relation.write in get_args(Writability)
            assert set(relation.targets) <= RESOURCES.keys()
            attributes += relation.meta
        for attribute in attributes:
            assert attribute.kind in get_args(Kind)
            assert attribute.write in get_args(Writability)
            assert attribute.form in get_args(Form)
            assert attribute.hides in {"", "address", "document"}

    def test_has_distinct_columns(self, row: Resource) -> None:
        names = [attribute.name for attribute in row.columns]
        names += [f"{relation.name}_id" for relation in row.to_one]
        names += [
            f"{relation.name}_{each.name}" for relation in row.to_one for each in relation.meta
        ]
        assert len(names) == len(set(names))

    def test_is_listed_somewhere_known(self, row: Resource) -> None:
        assert set(row.parents) <= RESOURCES.keys()
        assert set(row.through.values()) <= set(row.parents)

    def test_agrees_with_the_catalogue_about_attributes(
        self, row: Resource, catalogue: dict
    ) -> None:
        facts = dict(catalogue[row.type]["attributes"])
        if row.type in SIGNED:
            assert not SIGNATURES & facts.keys()
            facts |= {name: {"type": "string", "write": "read-only"} for name in SIGNATURES}
        assert {each.name: each.kind for each in row.attributes} == {
            name: KINDS[fact["type"]] for name, fact in facts.items()
        }
        assert {each.name for each in row.attributes if each.write_only} == {
            name for name, fact in facts.items() if fact.get("write_only") or name == "credentials"
        }
        writes = {
            name: "" if fact["write"] == "read-only" else fact["write"]
            for name, fact in facts.items()
        }
        if row.type == "secrets":  # there is an update, whose attributes no source names
            writes |= dict.fromkeys(("name", "type_of", "credentials"), "create+update")
        assert {each.name: each.write for each in row.attributes} == writes
        assert {each.name for each in row.attributes if each.required} == {
            name for name, fact in facts.items() if fact.get("required_on_create")
        }

    def test_agrees_with_the_catalogue_about_relations(
        self, row: Resource, catalogue: dict
    ) -> None:
        facts = catalogue[row.type]["relationships"]
        assert {each.name: each.many for each in row.relations} == {
            name: fact["cardinality"] == "to_many" for name, fact in facts.items()
        }
        for each in row.relations:
            target = facts[each.name]["target"]
            assert len(each.targets) > 1 if target in OPEN else each.targets == (target,)

    def test_agrees_with_the_catalogue_about_writing(self, row: Resource, catalogue: dict) -> None:
        facts = catalogue[row.type]
        calls = {
            (each["method"], each["path"])
            for each in facts["operations"]
            if each.get("confidence") != "low"
        }
        made = {
            path.split("/")[1]
            for method, path in calls
            if method == "POST" and path.endswith(f"}}/{row.type}")
        }
        elsewhere = {
            "rule_components": {"rules"},
            "builds": {"libraries"},
        }  # obsolete; libraries.build
        assert set(row.creators) == made - elsewhere.get(row.type, set())
        writable = {
            method
            for method, path in calls
            if path.count("/") == 2 and path.startswith(f"/{row.type}/")
        }
        assert ("delete" in row.verbs) == ("DELETE" in writable)
        assert ("update" in row.verbs or bool(row.actions)) == ("PATCH" in writable)
        known = {
            each for operation in facts["operations"] for each in operation.get("meta_actions", ())
        }
        assert set(row.actions) == {
            each.partition(" ")[0] for each in known if not each.startswith("test (")
        }

    def test_agrees_with_the_catalogue_about_searchable_types(
        self, row: Resource, catalogue: dict
    ) -> None:
        named = {
            each.partition(" ")[0]
            for each in catalogue["search"]["attribute_values"]["resource_types"]
        }
        assert row.searchable == (row.type in named)

    def test_agrees_with_the_catalogue_about_filters_prefix_and_revisions(
        self, row: Resource, catalogue: dict
    ) -> None:
        facts = catalogue[row.type]
        assert list(row.filters) == facts["filters"]
        assert row.prefix == facts["id_prefix"]
        assert row.revisionable == (facts["revisionable"] is True)

    def test_agrees_with_the_catalogue_about_parents(self, row: Resource, catalogue: dict) -> None:
        listed = {
            path.split("/")[1]
            for path in catalogue[row.type]["parents"]
            if not path.endswith("/revisions")
        }
        known = listed & RESOURCES.keys() - ({row.type} if row.root else set())
        assert set(row.parents) == known - ({row.type} if row.root else set())
        assert row.root == (f"/{row.type}" in catalogue[row.type]["parents"])


def test_prefixes_are_distinct() -> None:
    assert len(BY_PREFIX) == len(RESOURCES)


def test_page_on_profiles_is_in_the_singular() -> None:
    assert RESOURCES["profiles"].docs.endswith("/endpoints/profile")
    assert RESOURCES["rule_components"].docs.endswith("/endpoints/rule-components")
