"""What a client sends: JSON:API documents, read against the registry. Surplus attributes are
ignored, as there.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adobe_nb.registry import Attribute, Relation, Resource, Verb
from adobe_nb.simulator.problems import Problem, conflict, malformed
from adobe_nb.simulator.store import Identifier
from adobe_nb.simulator.texts import escaped

JSON_TYPES = ("application/vnd.api+json", "application/json")
_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Linkage:
    """One resource identifier; ``revise`` asks to revise the head that it names."""

    type: str
    id: str
    revise: bool = False

    @property
    def here(self) -> Identifier:
        """Type and id."""
        return self.type, self.id


@dataclass(frozen=True, slots=True)
class Wanted:
    """A checked resource document: known attributes of the right kinds, relations of the right
    types.
    """

    attributes: dict[str, Any]
    linked: dict[str, tuple[Linkage, ...]]
    action: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    """All attributes as they came."""

    def one(self, relation: str) -> Linkage | None:
        """What a to-one relation was set to."""
        return next(iter(self.linked.get(relation, ())), None)


def parsed(body: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object of a body. Raises Problem."""
    if content_type.partition(";")[0].strip().lower() not in JSON_TYPES:
        raise Problem(415, "unsupported-media-type", f"Send Content-Type: {JSON_TYPES[0]}.")
    try:
        document = strict(body.decode())
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise malformed("The body is no JSON object.", "")
    return document


def strict(text: str) -> object:
    """JSON that can be sent on as such: no NaN, no half surrogate pair, not too deep. Raises
    ValueError.
    """
    try:
        value = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for each in level for inner in _inside(each)]
    if level:
        raise ValueError("nested too deep")
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a JSON number")
    return number


def wanted(
    document: Mapping[str, Any], row: Resource, verb: Verb, identifier: str | None = None
) -> Wanted:
    """Read a create or an update. Raises Problem."""
    data = resource(document, row, identifier)
    meta = _object(data, "meta")
    if identifier is not None and "action" in meta:
        # Whatever else is in the document is not looked at.
        if not isinstance(meta["action"], str) or meta["action"] not in row.actions:
            raise malformed(
                f"{row.type} know the actions {', '.join(row.actions) or 'none'}.",
                "/data/meta/action",
            )
        return Wanted({}, {}, meta["action"])
    if verb not in row.verbs:
        raise malformed(
            f"{row.type} take nothing but meta.action ({', '.join(row.actions)}).",
            "/data/meta/action",
        )
    attributes, relationships = _object(data, "attributes"), _object(data, "relationships")
    for attribute in row.writable(verb):
        _check(attribute, attributes, verb)
    known = {
        each.name: _stored(each, attributes[each.name])
        for each in row.writable(verb)
        if each.name in attributes
    }
    linked = {
        relation.name: _linked(relation, relationships[relation.name])
        for relation in row.linkable(verb)
        if relation.name in relationships
    }
    if verb == "create":
        for relation in row.linkable(verb):
            if relation.required and not linked.get(relation.name):
                raise malformed(
                    f"The relationship {relation.name} is missing.",
                    f"/data/relationships/{relation.name}",
                )
    return Wanted(known, linked, raw=attributes)


def resource(document: Mapping[str, Any], row: Resource, identifier: str | None) -> dict[str, Any]:
    """The resource in a document, when it is of that type and, where one is given, has that id.
    Raises Problem.
    """
    data = document.get("data")
    if not isinstance(data, dict):
        raise malformed("data is an object.")
    if data.get("type", row.type) != row.type:
        raise conflict("invalid-type", f"data.type should be {row.type}.", "/data/type")
    if identifier is not None and data.get("id", identifier) != identifier:
        raise conflict("invalid-id", "data.id is not the one in the address.", "/data/id")
    return data


def linkages(document: Mapping[str, Any], resource_type: str) -> tuple[Linkage, ...]:
    """The list of identifiers that a relationship endpoint takes. Raises Problem."""
    data = document.get("data")
    if not isinstance(data, list):
        raise malformed("data is a list of resource identifiers.")
    return tuple(
        _linkage(each, (resource_type,), f"/data/{position}") for position, each in enumerate(data)
    )


def linkage(document: Mapping[str, Any], resource_type: str) -> Linkage | None:
    """The identifier, or null, that a to-one relationship endpoint takes. Raises Problem."""
    if "data" not in document:
        raise malformed("data is a resource identifier.")
    return (
        None if document["data"] is None else _linkage(document["data"], (resource_type,), "/data")
    )


def _object(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise malformed(f"{name} is an object.", f"/data/{name}")
    return value


def _linked(relation: Relation, value: object) -> tuple[Linkage, ...]:
    pointer = f"/data/relationships/{relation.name}"
    if not isinstance(value, dict) or "data" not in value:
        raise malformed(f"The relationship {relation.name} is an object with data.", pointer)
    data = value["data"]
    if data is None and relation.nullable:
        return ()
    items: Iterable[object] = data if isinstance(data, list) else [data]
    found = tuple(_linkage(each, relation.targets, f"{pointer}/data") for each in items)
    if isinstance(data, list) != relation.many:
        raise malformed(
            f"{relation.name} takes {'a list' if relation.many else 'one identifier'}.",
            f"{pointer}/data",
        )
    return found


def _linkage(item: object, types: tuple[str, ...], pointer: str) -> Linkage:
    if (
        not isinstance(item, dict)
        or not isinstance(item.get("id"), str)
        or item.get("type") not in types
    ):
        raise malformed(
            f"A resource identifier has an id and the type {' or '.join(types)}.", pointer
        )
    meta = item.get("meta")
    action = meta.get("action") if isinstance(meta, dict) else None
    if action is not None and action != "revise":
        raise malformed("The only action of an identifier is revise.", f"{pointer}/meta/action")
    return Linkage(item["type"], item["id"], revise=action == "revise")


def _check(attribute: Attribute, attributes: Mapping[str, Any], verb: Verb) -> None:
    pointer = f"/data/attributes/{attribute.name}"
    if attribute.name not in attributes:
        if attribute.required and verb == "create":
            raise malformed(f"{attribute.name} is missing.", pointer)
        return
    value = attributes[attribute.name]
    if value is None:
        if not attribute.nullable:
            raise malformed(f"{attribute.name} cannot be null.", pointer)
        return
    if not _fits(attribute, value):
        raise malformed(f"{attribute.name} is not of the type that it should be.", pointer)
    if attribute.required and value == "":
        raise malformed(f"{attribute.name} is empty.", pointer)
    if attribute.values and not attribute.form and value not in attribute.values:
        raise malformed(f"{attribute.name} is one of {', '.join(attribute.values)}.", pointer)


def _stored(attribute: Attribute, value: Any) -> Any:
    return escaped(value) if attribute.form == "text" and value is not None else value


def _fits(attribute: Attribute, value: object) -> bool:
    if attribute.kind == "boolean":
        return isinstance(value, bool)
    if attribute.kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    if attribute.kind == "number":
        return (
            isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**63
        )
    if attribute.kind == "json" and attribute.form != "text":
        shapes = {"list": list, "object": dict}
        return isinstance(value, shapes.get(attribute.form, object))
    return isinstance(value, str)
