"""Adobe's own description of the API, read from ``../shared`` next to the project.

It is not part of the project.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.contract.operations import Operation

SHARED = Path(__file__).parents[3] / "shared" / "reactor"
needs_the_document = pytest.mark.skipif(
    not (SHARED / "openapi.yaml").is_file() or not (SHARED / "catalogue.json").is_file(),
    reason=f"Adobe's OpenAPI file and the catalogue are not here ({SHARED}).",
)
JSON_API = "application/vnd.api+json"
PARTS = ("attributes", "relationships", "links")
"""The parts of a resource that are compared."""
_METHODS = {"get", "post", "patch", "put", "delete"}
_HERE = "urn:adobe:reactor"


@dataclass(frozen=True)
class Violation:
    """A deviation from the file: ``request data.attributes.name``, ``answer data[].id``."""

    where: str
    resource_type: str
    is_null: bool
    message: str


@cache
def document() -> dict[str, Any]:
    """The OpenAPI file."""
    yaml = pytest.importorskip("yaml", reason="PyYAML reads Adobe's OpenAPI file.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load((SHARED / "openapi.yaml").read_text("utf-8"), Loader=loader)
    return found


@cache
def catalogue() -> dict[str, Any]:
    """All facts from Adobe's sources."""
    found: dict[str, Any] = json.loads((SHARED / "catalogue.json").read_text("utf-8"))
    return found


def documented() -> list[Operation]:
    """The operations of the OpenAPI file."""
    return [
        (name.upper(), path)
        for path, item in document()["paths"].items()
        for name in item
        if name in _METHODS
    ]


def elsewhere() -> list[dict[str, Any]]:
    """The well documented operations that only other sources have."""
    return [
        operation
        for resource in catalogue()["resources"].values()
        for operation in resource["operations"]
        if operation.get("not_in_openapi") and operation["confidence"] in {"high", "medium"}
    ]


def about(operation: Operation) -> dict[str, Any] | None:
    """Return the file's description of an operation, or None."""
    method, path = operation
    found: dict[str, Any] | None = document()["paths"].get(path, {}).get(method.lower())
    return found


def parameters(operation: Operation, place: str) -> list[dict[str, Any]]:
    """Return the parameters of an operation in ``query`` or ``header``."""
    given = (_resolved(each) for each in (about(operation) or {}).get("parameters", ()))
    return [each for each in given if each["in"] == place]


def request_schema(operation: Operation) -> str | None:
    """Return the address of the schema of the JSON body."""
    content = ((about(operation) or {}).get("requestBody") or {}).get("content", {})
    return (
        _address(operation, "requestBody", "content", JSON_API, "schema")
        if JSON_API in content
        else None
    )


def answer_schema(operation: Operation, status: int) -> str | None:
    """Return the address of the schema of the JSON response.

    Raises KeyError for a status that the file does not have.
    """
    content = (about(operation) or {})["responses"][str(status)].get("content", {})
    return (
        _address(operation, "responses", str(status), "content", JSON_API, "schema")
        if content
        else None
    )


def violations(value: Any, address: str, what: str) -> list[Violation]:
    """Return the deviations of a value from a schema."""
    errors = Draft202012Validator({"$ref": address}, registry=_registry()).iter_errors(value)
    return [
        Violation(
            where, _type_at(value, list(error.absolute_path)), error.instance is None, error.message
        )
        for error in errors
        for where in _places(error, what)
    ]


def schema_of(address: str) -> Mapping[str, Any]:
    """Return the schema at an address."""
    found: Any = document()
    for part in address.partition("#/")[2].split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return _resolved(found)


def members(schemas: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the members of an object that several schemas describe together."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for each in map(_resolved, schemas):
        parts = [each.get("properties", {}), *([members(each["allOf"])] if "allOf" in each else [])]
        for part in parts:
            for name, schema in part.items():
                found.setdefault(name, []).extend(schema if isinstance(schema, list) else [schema])
    return found


def named_members(address: str) -> set[str]:
    """Return the documented members of the resource in a response: ``attributes.name`` …"""
    resource = members(members([schema_of(address)]).get("data", []))
    return {
        f"{part}.{name}" for part in PARTS if part in resource for name in members(resource[part])
    }


def may_be_null(resource_type: str, where: str) -> bool:
    """Return whether the sources say that this attribute or relationship can be null."""
    kind = catalogue()["resources"].get(
        "profiles" if resource_type == "users" else resource_type, {}
    )
    match = re.fullmatch(r"answer data(?:\[\])?\.(attributes|relationships)\.(\w+)(\.data)?", where)
    found = kind.get(match[1], {}).get(match[2], {}) if match else {}
    return bool(found.get("nullable"))


@cache
def _registry() -> "Registry[Any]":
    return Registry().with_resource(
        _HERE, Resource.from_contents(document(), default_specification=DRAFT202012)
    )


def _address(operation: Operation, *parts: str) -> str:
    method, path = operation
    escaped = (
        part.replace("~", "~0").replace("/", "~1")
        for part in ("paths", path, method.lower(), *parts)
    )
    return f"{_HERE}#/{'/'.join(escaped)}"


def _resolved(schema: Mapping[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = document()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return dict(schema)


def _places(error: ValidationError, what: str) -> Iterator[str]:
    text = "".join("[]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        yield from (
            f"{what} {text}.{name}".replace(" .", " ")
            for name in missing
            if repr(name) in error.message
        )
    else:
        yield f"{what} {text}".replace(" .", " ")


def _type_at(value: Any, path: list[str | int]) -> str:
    """Return the type of the resource that contains a path."""
    kind = ""
    for part in [None, *path]:
        value = value if part is None else value[part]
        if isinstance(value, dict) and isinstance(value.get("type"), str) and "attributes" in value:
            kind = value["type"]
    return kind
