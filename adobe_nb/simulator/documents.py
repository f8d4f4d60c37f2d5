"""Read the JSON:API documents that a client sends, and check them against the registry.

Like the service, it ignores unknown attributes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec

from adobe_nb.registry import Attribute, Relation, Resource, Verb
from adobe_nb.simulator.problems import Problem, conflict, malformed
from adobe_nb.simulator.store import Identifier
from adobe_nb.simulator.texts import escaped

Json = Mapping[str, Any]
"""A JSON object."""
JSON_TYPES = ("application/vnd.api+json", "application/json")
_MAX_DEPTH = 100
_CONTAINERS = {"list": list, "object": dict}
_TYPES = {"boolean": bool, "integer": int, "number": int | float}
"""Types of JSON values by kind of attribute; values of all other kinds are text."""


@dataclass(frozen=True, slots=True)
class Linkage:
    """A resource identifier. With ``revise``, the head that it names is revised first."""

    type: str
    id: str
    revise: bool = False

    @property
    def here(self) -> Identifier:
        """Type and id."""
        return self.type, self.id


@dataclass(frozen=True, slots=True)
class Wanted:
    """A checked resource document: the attributes and relationships that the registry allows."""

    attributes: dict[str, Any]
    linked: dict[str, tuple[Linkage, ...]]
    action: str | None = None
    raw: Json = field(default_factory=dict)
    """All attributes, as they were sent."""

    def one(self, relation: str) -> Linkage | None:
        """Return the target of a to-one relationship, if the document sets it."""
        return next(iter(self.linked.get(relation, ())), None)


# -- JSON


def parsed(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the JSON object in a body. Raises Problem."""
    if content_type.partition(";")[0].strip().lower() not in JSON_TYPES:
        raise Problem(415, "unsupported-media-type", f"Send Content-Type: {JSON_TYPES[0]}.")
    try:
        document = strict(body.decode())
    except ValueError:
        document = None
    # Raised outside the except block: the frames of the parser hold the user's document.
    if not isinstance(document, dict):
        raise malformed("The body must be a JSON object.", "")
    return document


def strict(text: str) -> object:
    """Return the value of a JSON text. Raises ValueError.

    Unlike the json module, msgspec refuses NaN, infinite numbers and half surrogate pairs.
    """
    try:
        value = msgspec.json.decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = list(chain.from_iterable(map(_items, level)))
    if level:
        raise ValueError("nested too deeply")
    return value


def _items(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list):
        return value
    return ()


# -- resource documents


def wanted(document: Json, row: Resource, verb: Verb, identifier: str | None = None) -> Wanted:
    """Return a checked create or update document. Raises Problem."""
    data = resource(document, row, identifier)
    meta = _object(data, "meta")
    if identifier is not None and "action" in meta:
        # The service ignores the rest of a document with an action.
        if meta["action"] not in row.actions:
            raise malformed(
                f"meta.action of {row.type} must be one of {', '.join(row.actions) or 'none'}.",
                "/data/meta/action",
            )
        return Wanted({}, {}, meta["action"])
    if verb not in row.verbs:
        raise malformed(
            f"{row.type} accept only meta.action ({', '.join(row.actions)}).", "/data/meta/action"
        )
    attributes = _object(data, "attributes")
    relationships = _object(data, "relationships")
    return Wanted(
        _attributes(attributes, row, verb), _relationships(relationships, row, verb), raw=attributes
    )


def _attributes(attributes: Json, row: Resource, verb: Verb) -> dict[str, Any]:
    checked = {}
    for attribute in row.writable(verb):
        name = attribute.name
        if name in attributes:
            checked[name] = _attribute(attribute, attributes[name])
        elif attribute.required and verb == "create":
            raise malformed(f"{name} is missing.", f"/data/attributes/{name}")
    return checked


def _attribute(attribute: Attribute, value: Any) -> Any:
    """Return a valid value as it is stored. Raises Problem."""
    problem = _problem(attribute, value)
    if problem is not None:
        name = attribute.name
        raise malformed(f"{name} {problem}.", f"/data/attributes/{name}")
    if attribute.form == "text" and value is not None:
        return escaped(value)
    return value


def _problem(attribute: Attribute, value: object) -> str | None:
    if value is None:
        if attribute.nullable:
            return None
        return "cannot be null"
    if not _has_type(attribute, value):
        return f"has the wrong type: expected {attribute.form or attribute.kind}"
    if attribute.required and value == "":
        return "is empty"
    if attribute.values and not attribute.form and value not in attribute.values:
        return f"must be one of {', '.join(attribute.values)}"
    return None


def _has_type(attribute: Attribute, value: object) -> bool:
    kind = attribute.kind
    if kind == "json" and attribute.form != "text":
        return isinstance(value, _CONTAINERS.get(attribute.form, object))
    # In Python, booleans are integers too.
    if isinstance(value, bool):
        return kind == "boolean"
    # The service stores numbers in 64 bits.
    if isinstance(value, int | float) and abs(value) >= 2**63:
        return False
    return isinstance(value, _TYPES.get(kind, str))


def _relationships(
    relationships: Json, row: Resource, verb: Verb
) -> dict[str, tuple[Linkage, ...]]:
    linked = {}
    for relation in row.linkable(verb):
        name = relation.name
        if name in relationships:
            linked[name] = _relationship(relation, relationships[name])
        if verb == "create" and relation.required and not linked.get(name):
            pointer = f"/data/relationships/{name}"
            raise malformed(f"The relationship {name} is missing.", pointer)
    return linked


def _relationship(relation: Relation, value: object) -> tuple[Linkage, ...]:
    pointer = f"/data/relationships/{relation.name}"
    if not isinstance(value, dict) or "data" not in value:
        raise malformed(f"The relationship {relation.name} must be an object with data.", pointer)
    data = value["data"]
    if data is None and relation.nullable:
        return ()
    if isinstance(data, list) != relation.many:
        expected = "one resource identifier"
        if relation.many:
            expected = "a list of resource identifiers"
        raise malformed(f"{relation.name} must have {expected}.", f"{pointer}/data")
    if not relation.many:
        data = [data]
    return tuple(_linkage(item, relation.targets, f"{pointer}/data") for item in data)


def resource(document: Json, row: Resource, identifier: str | None) -> dict[str, Any]:
    """Return the resource in a document. Raise Problem for another type or another id."""
    data = document.get("data")
    if not isinstance(data, dict):
        raise malformed("data must be an object.")
    if data.get("type", row.type) != row.type:
        raise conflict("invalid-type", f"data.type must be {row.type}.", "/data/type")
    if identifier is not None and data.get("id", identifier) != identifier:
        raise conflict("invalid-id", "data.id must be the id in the path.", "/data/id")
    return data


def _object(data: Json, name: str) -> dict[str, Any]:
    value = data.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise malformed(f"{name} must be an object.", f"/data/{name}")
    return value


# -- documents of relationship endpoints


def linkages(document: Json, resource_type: str) -> tuple[Linkage, ...]:
    """Return the identifiers in a document for a to-many relationship. Raises Problem."""
    data = document.get("data")
    if not isinstance(data, list):
        raise malformed("data must be a list of resource identifiers.")
    return tuple(
        _linkage(item, (resource_type,), f"/data/{position}") for position, item in enumerate(data)
    )


def linkage(document: Json, resource_type: str) -> Linkage | None:
    """Return the identifier, or None, in a document for a to-one relationship. Raises Problem."""
    if "data" not in document:
        raise malformed("data must be a resource identifier or null.")
    if document["data"] is None:
        return None
    return _linkage(document["data"], (resource_type,), "/data")


def _linkage(item: object, types: tuple[str, ...], pointer: str) -> Linkage:
    if (
        not isinstance(item, dict)
        or not isinstance(item.get("id"), str)
        or item.get("type") not in types
    ):
        raise malformed(
            f"A resource identifier must have an id and the type {' or '.join(types)}.", pointer
        )
    meta = item.get("meta")
    action = None
    if isinstance(meta, dict):
        action = meta.get("action")
    if action is not None and action != "revise":
        raise malformed("meta.action of an identifier must be revise.", f"{pointer}/meta/action")
    return Linkage(item["type"], item["id"], revise=action == "revise")
