"""What an answer can hold and must not show: dropped or masked where the answer enters, before anything else reads it.

Adobe's answers hold live secrets: the token of a tested exchange, part of the credentials, passwords in addresses.
Frames, raw documents, the journal and snapshots are all made from answers, so none of them has to know.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from adobe_nb.registry import RESOURCES, Attribute, Resource

MASK = "••••••••"
_DEEPEST = 20
"""Levels of nesting that are searched; what lies deeper is dropped."""
_SECRET_NAME = re.compile(r"token$|secret|passw|passphrase|private_?key|credential|assertion|api_?key", re.IGNORECASE)
_USER = re.compile(r"^([a-z][a-z0-9+.-]*:)?//[^/?#]*@", re.IGNORECASE)
_PARAMETER = re.compile(
    r"(?<=[?&])([^=&#]*(?:token|secret|passw|signature|credential|api[-_]?key|access[-_]?key|auth)[^=&#]*|sig|key|code)"
    r"=[^&#]*",
    re.IGNORECASE,
)


def _hides_values(row: Resource) -> bool:
    return row.guards_secrets or any(each.hides or each.members for each in (*row.attributes, *row.meta))


_HIDING = frozenset(row.type for row in RESOURCES.values() if _hides_values(row))
_REDACTED = _HIDING | {row.type for row in RESOURCES.values() if any(each.write_only for each in row.attributes)}
_NAMES_ONE = re.compile(rf'"type"\s*:\s*"(?:{"|".join(sorted(_HIDING))})"')


def public(document: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON:API document without the secrets of its resources."""
    parts = {name: _public_data(document[name]) for name in ("data", "included") if name in document}
    return {**document, **parts}


def public_resource(resource: Any) -> Any:
    """A resource without its secrets: write-only attributes, and what the row's attributes say of themselves."""
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
    if row.type not in _HIDING:
        return dict(columns)
    known = {each.name: each for each in row.columns} | {f"meta_{each.name}": each for each in row.meta}
    linked = {f"{relation.name}_{part}" for relation in row.to_one for part in ("id", "type")}
    linked |= {f"{relation.name}_{attribute.name}" for relation in row.to_one for attribute in relation.meta}
    shown: dict[str, Sequence[Any]] = {}
    for name, values in columns.items():
        attribute = known.get(name)
        if name in linked:
            shown[name] = values
        elif attribute is not None:
            shown[name] = [_public_value(row, attribute, value) for value in values]
        elif not _is_secret(row, name):
            shown[name] = [_without_secrets(value) for value in values] if row.guards_secrets else values
    return shown


def public_address(text: str) -> str:
    """An address without its user information, and without parameters that look like a token or a signature."""
    return _PARAMETER.sub(rf"\1={MASK}", _USER.sub(rf"\1//{MASK}@", text))


def _public_data(data: Any) -> Any:
    return [public_resource(each) for each in data] if isinstance(data, list) else public_resource(data)


def _public_part(row: Resource, known: Sequence[Attribute], members: Mapping[str, Any]) -> dict[str, Any]:
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
        chosen = {name: members[name] for name in attribute.members if isinstance(members.get(name), (str, int, float))}
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
    """The document inside an audit event, which is text. Unchanged, byte for byte, where there is nothing to hide."""
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
