"""The data files of the simulator fit the JSON Schemas beside them."""

from pathlib import Path

import pytest
from jsonschema import FormatChecker
from jsonschema.validators import validator_for

from adobe_nb.simulator.data import FOLDER, load

SCHEMAS = {
    "accounts.json": "accounts",
    "attributes.json": "attributes",
    "company.json": "company",
    "datastreams.json": "datastreams",
    "edge_errors.json": "edge_errors",
    "types.json": "types",
    "packages/catalog.json": "catalog",
    "packages/*.json": "manifest",
    "properties/*.json": "property",
}
FILES = sorted(
    str(path.relative_to(FOLDER).as_posix())
    for path in FOLDER.rglob("*.json")
    if path.parent.name != "schemas"
)


def schema_of(name: str) -> str:
    """Return the name of the schema for a data file."""
    return next(schema for pattern, schema in SCHEMAS.items() if Path(name).match(pattern))


@pytest.mark.parametrize("name", FILES)
def test_data_file_fits_its_schema(name: str) -> None:
    schema = load(f"schemas/{schema_of(name)}.json")
    validator = validator_for(schema)
    validator.check_schema(schema)
    validator(schema, format_checker=FormatChecker()).validate(load(name))


def test_every_schema_is_used() -> None:
    used = {*map(schema_of, FILES), "upload"}
    assert {path.stem for path in (FOLDER / "schemas").iterdir()} == used


def test_catalog_and_company_name_every_file() -> None:
    packages = {f"{each['platform']}-{each['name']}" for each in load("packages/catalog.json")}
    private = {
        "private-harbor-tools-1.0.0",
        "private-harbor-tools-2.0.0",
        "private-partner-beacon-1.0.0",
    }
    assert {path.stem for path in (FOLDER / "packages").iterdir()} == {
        "catalog",
        *packages,
        *private,
    }
    properties = {path.stem for path in (FOLDER / "properties").iterdir()}
    assert properties == {*load("company.json")["properties"]}


@pytest.mark.parametrize("name", FILES)
def test_data_file_is_readable(name: str) -> None:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    assert max(len(line) for line in lines) <= 120
