"""Documents and resources of JSON:API: read, checked, and without the secrets that answers can
hold.

Adobe's answers hold live secrets: the token of a tested exchange, part of the credentials,
passwords in addresses. They are dropped or masked where the answer enters, before anything else
reads it. Frames, raw documents, the journal and snapshots are all made from answers, so none of
them has to know.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from adobe_nb.errors import IncompleteResult
from adobe_nb.registry import BY_PREFIX, RESOURCES, Attribute, Resource

Document = dict[str, Any]

MASK = "••••••••"
_DEEPEST = 20
"""Levels of nesting that are searched; what lies deeper is dropped."""
_SECRET_NAME = re.compile(
    r"token$|secret|passw|passphrase|private_?key|credential|assertion|api_?key", re.IGNORECASE
)
_USER = re.compile(r"^([a-z][a-z0-9+.-]*:)?//[^/?#]*@", re.IGNORECASE)
_PARAMETER = re.compile(
    r"(?<=[?&])([^=&#]*(?:token|secret|passw|signature|credential|api[-_]?key|access[-_]?key|auth)[^=&#]*|sig|key|code)"
    r"=[^&#]*",
    re.IGNORECASE,
)


def _hides_values(row: Resource) -> bool:
    return row.guards_secrets or any(
        each.hides or each.members for each in (*row.attributes, *row.meta)
    )


HIDING = frozenset(row.type for row in RESOURCES.values() if _hides_values(row))
"""Types whose columns hold something that must not be shown."""
_REDACTED = HIDING | {
    row.type for row in RESOURCES.values() if any(each.write_only for each in row.attributes)
}
_NAMES_ONE = re.compile(rf'"type"\s*:\s*"(?:{"|".join(sorted(HIDING))})"')


def parsed(body: bytes) -> tuple[Any, str]:
    """The JSON of these bytes, and why it cannot be read: one of the two."""
    try:
        return json.loads(body), ""
    except RecursionError:
        return None, "it is nested too deep"
    except UnicodeDecodeError:
        return None, "it is not UTF-8"
    except ValueError as error:
        # Not the error's own words: a number of thousands of digits is refused with advice for
        # programmers.
        where = (
            f", line {error.lineno}, column {error.colno}"
            if isinstance(error, json.JSONDecodeError)
            else ""
        )
        return None, f"it is not valid JSON{where}"


def wrong_shape(path: str, problem: str) -> IncompleteResult:
    """The error for an answer that will be the same when it is asked for again; ``problem`` goes on
    after the path.
    """
    return IncompleteResult(
        f"{path} {problem}. Repeating the request will hardly help: check for a proxy in between, or "
        f'read the raw answer with reactor.request("GET", "{path}") and report it.'
    )


def problem_of(data: object, resource_type: str) -> str:
    """What keeps it from being a resource of that type; empty when nothing does.

    A part may be left out, as in the identifiers of a relationship. One of another shape would be
    missing values.
    """
    if not is_resource(data, resource_type):
        return f"it holds {_described(data)}"
    assert isinstance(data, dict)  # noqa: S101 - for the type checker
    identifier = shown(data["id"])
    if not data["id"].isascii():
        return f"the id {identifier} is not plain text"
    for part in ("attributes", "relationships", "meta"):
        value = data.get(part, {})
        if not isinstance(value, dict) and (value is not None or part == "attributes"):
            return f"{identifier} has {_kind_of(value)} as {part}"
    row = RESOURCES.get(resource_type)
    relationships = data.get("relationships") or {}
    for relation in row.to_one if row else ():
        link = relationships.get(relation.name)
        target = link.get("data") if isinstance(link, dict) else None
        if link is not None and not isinstance(link, dict):
            return f"{identifier} has {_kind_of(link)} as relationship {relation.name}"
        if target is not None and not _is_identifier(target):
            return f"the relationship {relation.name} of {identifier} does not lead to one resource"
    return ""


def _is_identifier(target: object) -> bool:
    return isinstance(target, dict) and isinstance(target.get("id"), str) and bool(target["id"])


def _described(data: object) -> str:
    if not isinstance(data, dict):
        return f"{_kind_of(data)} in place of a resource"
    identifier, kind = data.get("id"), data.get("type")
    if not isinstance(identifier, str) or not identifier:
        return f"a resource with {_kind_of(identifier)} as id"
    if not isinstance(kind, str):
        return f"{shown(identifier)} with {_kind_of(kind)} as type"
    return f"{shown(identifier)} of type {shown(kind)}"


def _kind_of(value: object) -> str:
    """What JSON calls it."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "a boolean"
    names = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)


def shown(text: str) -> str:
    """A text of the service in an error: short, and without half characters, which no output takes.
    """
    return text[:60].encode("utf-8", "backslashreplace").decode()


def is_resource(data: object, resource_type: str) -> bool:
    """Whether it is a resource of that type."""
    return (
        isinstance(data, dict)
        and isinstance(data.get("id"), str)
        and bool(data["id"])
        and data.get("type") == resource_type
    )


def one_of(document: Document, resource_type: str, identifier: str | None = None) -> Document:
    """The resource of a document, of that type and id. Raises IncompleteResult."""
    data = document.get("data")
    problem = problem_of(data, resource_type)
    if not problem and isinstance(data, dict) and identifier not in {None, data["id"]}:
        problem = f"it holds {shown(data['id'])}"
    if problem or not isinstance(data, dict):
        wanted = f"/{resource_type}/{identifier}" if identifier else f"/{resource_type}"
        raise wrong_shape(
            wanted,
            f"gave an answer that is not the one of {resource_type} that was asked for ({problem})",
        )
    return data


def any_of(document: Document, types: Sequence[str]) -> Document:
    """The resource of a document, of one of these types. Raises IncompleteResult."""
    data = document.get("data")
    kind = data.get("type") if isinstance(data, dict) else None
    problem = problem_of(data, kind if isinstance(kind, str) and kind in types else types[0])
    if problem or not isinstance(data, dict):
        raise wrong_shape(
            f"/{types[0]}", f"gave an answer that is none of {', '.join(types)} ({problem})"
        )
    return data


def linked_id(resource: Mapping[str, Any], name: str) -> str:
    """The id that a to-one relation points to; nothing when it points nowhere."""
    data = linkage_of(resource, name).get("data")
    identifier = data.get("id") if isinstance(data, Mapping) else None
    return identifier if isinstance(identifier, str) else ""


def needed_id(resource: Mapping[str, Any], name: str) -> str:
    """The id that a to-one relation points to. Raises IncompleteResult when it points nowhere."""
    identifier = linked_id(resource, name)
    if not identifier:
        raise IncompleteResult(
            f"{resource['id']} names no {name.replace('_', ' ')}, so nothing was sent. Look at it."
        )
    return identifier


def linkage_of(resource: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A relation as the resource shows it; empty when it does not."""
    relationships = resource.get("relationships")
    relation = relationships.get(name) if isinstance(relationships, Mapping) else None
    return relation if isinstance(relation, Mapping) else {}


def identifier(resource_id: str) -> Document:
    """``{"id": …, "type": …}``; the prefix says the type."""
    return {"id": resource_id, "type": BY_PREFIX[resource_id[:2]].type}


def public(document: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON:API document without the secrets of its resources."""
    parts = {
        name: _public_data(document[name]) for name in ("data", "included") if name in document
    }
    return {**document, **parts}


def public_resource(resource: Any) -> Any:
    """A resource without its secrets: write-only attributes, and what the row's attributes say of
    themselves.
    """
    kind = resource.get("type") if isinstance(resource, Mapping) else None
    if not isinstance(kind, str) or kind not in _REDACTED:
        return resource
    row = RESOURCES[kind]
    shown = dict(resource)
    for part, known in (("attributes", row.attributes), ("meta", row.meta)):
        members = resource.get(part)
        if isinstance(members, Mapping):
            shown[part] = _public_part(row, known, members)
    return shown


def public_columns(row: Resource, columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The columns of a page without secrets; they have no write-only attributes."""
    known = {each.name: each for each in row.columns} | {
        f"meta_{each.name}": each for each in row.meta
    }
    linked = {f"{relation.name}_{part}" for relation in row.to_one for part in ("id", "type")}
    linked |= {
        f"{relation.name}_{attribute.name}"
        for relation in row.to_one
        for attribute in relation.meta
    }
    shown: dict[str, Sequence[Any]] = {}
    for name, values in columns.items():
        attribute = known.get(name)
        if name in linked:
            shown[name] = values
        elif attribute is not None:
            shown[name] = [_public_value(row, attribute, value) for value in values]
        elif not _is_secret(row, name):
            shown[name] = (
                [_without_secrets(value) for value in values] if row.guards_secrets else values
            )
    return shown


def public_address(text: str) -> str:
    """An address without its user information, and without parameters that look like a token or a
    signature.
    """
    return _PARAMETER.sub(rf"\1={MASK}", _USER.sub(rf"\1//{MASK}@", text))


def _public_data(data: Any) -> Any:
    return (
        [public_resource(each) for each in data]
        if isinstance(data, list)
        else public_resource(data)
    )


def _public_part(
    row: Resource, known: Sequence[Attribute], members: Mapping[str, Any]
) -> dict[str, Any]:
    attributes = {each.name: each for each in known}
    shown: dict[str, Any] = {}
    for name, value in members.items():
        attribute = attributes.get(name)
        if attribute is None:
            if not _is_secret(row, name):
                shown[name] = _without_secrets(value) if row.guards_secrets else value
        elif not attribute.write_only:
            shown[name] = _public_value(row, attribute, value)
    return shown


def _public_value(row: Resource, attribute: Attribute, value: Any) -> Any:
    if attribute.members:
        # Whatever is not an object of known members could be the secret itself.
        members = value if isinstance(value, Mapping) else {}
        chosen = {
            name: members[name]
            for name in attribute.members
            if isinstance(members.get(name), (str, int, float))
        }
        return chosen or None
    if attribute.hides == "address":
        return public_address(value) if isinstance(value, str) else value
    if attribute.hides == "document":
        return _public_entity(value)
    return _without_secrets(value) if row.guards_secrets else value


def _is_secret(row: Resource, name: str) -> bool:
    """Whether a member that the row does not know is a secret, by its name."""
    return row.guards_secrets and _SECRET_NAME.search(name) is not None


def _without_secrets(value: Any, depth: int = 0) -> Any:
    """A nested value without the members whose names are those of secrets."""
    if not isinstance(value, (Mapping, list)):
        return value
    if depth >= _DEEPEST:
        return None
    if isinstance(value, list):
        return [_without_secrets(each, depth + 1) for each in value]
    names = [name for name in value if not _SECRET_NAME.search(name)]
    return {name: _without_secrets(value[name], depth + 1) for name in names}


def _public_entity(value: Any) -> Any:
    """The document inside an audit event, which is text. Unchanged, byte for byte, where there is
    nothing to hide.
    """
    if isinstance(value, Mapping):
        return public(value)
    if not isinstance(value, str) or not _NAMES_ONE.search(value):
        return value
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return None  # it speaks of a resource that keeps secrets, and cannot be read
    if not isinstance(document, Mapping):
        return None
    shown = public(document)
    if shown == document:
        return value
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
