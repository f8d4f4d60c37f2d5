"""THE TABLE against itself, and against the catalogue of facts where that is at hand."""

import json
from pathlib import Path

import pytest

from adobe_nb.resources import BY_PREFIX, RESOURCES, Resource

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
OPEN = {"(notable resource)", "(any)"}  # relations that may point to several types


@pytest.fixture(scope="module")
def catalogue() -> dict[str, dict[str, object]]:
    if not CATALOGUE.exists():
        pytest.skip("the catalogue of facts is not beside this checkout")
    return json.loads(CATALOGUE.read_text(encoding="utf-8"))["resources"]


@pytest.mark.parametrize("row", RESOURCES.values(), ids=lambda row: row.type)
class TestARow:
    def test_has_distinct_columns(self, row: Resource) -> None:
        names = [attribute.name for attribute in row.columns]
        names += [f"{relation.name}_id" for relation in row.to_one]
        assert len(names) == len(set(names))

    def test_is_listed_somewhere_known(self, row: Resource) -> None:
        assert set(row.parents) <= RESOURCES.keys()
        assert set(row.through.values()) <= set(row.parents)

    def test_agrees_with_the_catalogue_about_attributes(self, row: Resource, catalogue: dict) -> None:
        facts = catalogue[row.type]["attributes"]
        assert {each.name: each.kind for each in row.attributes} == {
            name: KINDS[fact["type"]] for name, fact in facts.items()
        }
        assert {each.name for each in row.attributes if each.write_only} == {
            name for name, fact in facts.items() if fact.get("write_only") or name == "credentials"
        }
        assert {each.name: each.write for each in row.attributes} == {
            name: "" if fact["write"] == "read-only" else fact["write"] for name, fact in facts.items()
        }
        assert {each.name for each in row.attributes if each.required} == {
            name for name, fact in facts.items() if fact.get("required_on_create")
        }

    def test_agrees_with_the_catalogue_about_relations(self, row: Resource, catalogue: dict) -> None:
        facts = catalogue[row.type]["relationships"]
        assert {each.name: each.many for each in row.relations} == {
            name: fact["cardinality"] == "to_many" for name, fact in facts.items()
        }
        for each in row.relations:
            target = facts[each.name]["target"]
            assert len(each.targets) > 1 if target in OPEN else each.targets == (target,)

    def test_agrees_with_the_catalogue_about_filters_prefix_and_revisions(self, row: Resource, catalogue: dict) -> None:
        facts = catalogue[row.type]
        assert list(row.filters) == facts["filters"]
        assert row.prefix == facts["id_prefix"]
        assert row.revisionable == (facts["revisionable"] is True)

    def test_agrees_with_the_catalogue_about_parents(self, row: Resource, catalogue: dict) -> None:
        listed = {path.split("/")[1] for path in catalogue[row.type]["parents"] if not path.endswith("/revisions")}
        known = listed & RESOURCES.keys() - ({row.type} if row.root else set())
        assert set(row.parents) == known - ({row.type} if row.root else set())
        assert row.root == (f"/{row.type}" in catalogue[row.type]["parents"])


def test_prefixes_are_distinct() -> None:
    assert len(BY_PREFIX) == len(RESOURCES)
