"""JSON:API documents and resources: parsed, checked, and without the secrets in responses; writes,
with their secrets hidden until they are sent.

Adobe's responses contain live secrets: the token of a tested exchange, part of the credentials,
passwords in URLs. They are dropped or masked when a response is read, so frames, raw documents, the
journal and snapshots never contain them.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeGuard, cast

from urllib3.filepost import encode_multipart_formdata

from adobe_nb.auth.credentials import Secret
from adobe_nb.errors import IncompleteResult
from adobe_nb.registry import BY_PREFIX, RESOURCES, Attribute, Resource

Document = dict[str, Any]

JSON_API = "application/vnd.api+json"

MASK = "••••••••"
# Deeper values are dropped: they cannot be searched for secrets within the recursion limit.
_MAX_DEPTH = 20
_SECRET_NAME = re.compile(
    r"token$|secret|passw|passphrase|private_?key|credential|assertion|api_?key", re.IGNORECASE
)
# A user and password before the host; parameters that are signatures, tokens or keys.
_USER = re.compile(r"^([a-z][a-z0-9+.-]*:)?//[^/?#]*@", re.IGNORECASE)
_PARAMETER = re.compile(
    r"(?<=[?&])([^=&#]*"
    r"(?:token|secret|passw|signature|credential|api[-_]?key|access[-_]?key|auth)"
    r"[^=&#]*|sig|key|code)=[^&#]*",
    re.IGNORECASE,
)


def _has_hidden_values(row: Resource) -> bool:
    for attribute in (*row.attributes, *row.meta):
        if attribute.hides or attribute.members:
            return True
    return row.guards_secrets


HIDING = frozenset(row.type for row in RESOURCES.values() if _has_hidden_values(row))
"""Types with columns that contain something to hide."""
_REDACTED = HIDING | {
    row.type for row in RESOURCES.values() if len(row.columns) < len(row.attributes)
}
"""And types with write-only attributes."""
_HIDING_TYPE = re.compile(rf'"type"\s*:\s*"(?:{"|".join(sorted(HIDING))})"')
_JSON_TYPES = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
}


def parsed(body: bytes) -> tuple[Any, str]:
    """Return the JSON value of a body, and what is wrong with the body (empty if nothing is)."""
    try:
        return json.loads(body), ""
    except RecursionError:
        return None, "it is nested too deep"
    except UnicodeDecodeError:
        return None, "it is not UTF-8"
    except json.JSONDecodeError as error:
        return None, f"it is not valid JSON, line {error.lineno}, column {error.colno}"
    except ValueError:
        # A number with thousands of digits.
        return None, "it is not valid JSON"


def wrong_shape(path: str, problem: str) -> IncompleteResult:
    """Return the error for a response that would be the same after a retry.

    ``problem`` continues the sentence after the path.
    """
    return IncompleteResult(
        f"{path} {problem}. A retry is unlikely to help: check for a proxy in between, or read the "
        f'raw response with reactor.request("GET", "{path}") and report it.'
    )


def problem_of(data: object, resource_type: str) -> str:
    """Return why this is not a resource of that type; empty if it is one.

    A part may be missing, as in the identifiers of a relationship. A part of another shape would be
    read as missing values.
    """
    if not _is_identifier(data) or data.get("type") != resource_type:
        return f"it contains {_description(data)}"
    resource_id = shown(data["id"])
    if not data["id"].isascii():
        return f"the id {resource_id} is not ASCII"
    # null means that relationships or meta are missing; attributes are never null.
    for part in ("attributes", "relationships", "meta"):
        value = data.get(part, {})
        if value is None and part != "attributes":
            continue
        if not isinstance(value, dict):
            return f"{resource_id} has {_json_type(value)} as {part}"
    return _link_problem(data, resource_type)


def _link_problem(resource: Document, resource_type: str) -> str:
    links = resource.get("relationships")
    row = RESOURCES.get(resource_type)
    if not links or row is None:
        return ""
    for relation in row.to_one:
        link = links.get(relation.name)
        if link is None:
            continue
        resource_id = shown(resource["id"])
        if not isinstance(link, dict):
            return f"{resource_id} has {_json_type(link)} as relationship {relation.name}"
        target = link.get("data")
        if target is not None and not _is_identifier(target):
            return f"the relationship {relation.name} of {resource_id} is not a single resource"
    return ""


def shown(text: str) -> str:
    """Return a string of the service for a message: short, and without lone surrogates."""
    return text[:60].encode("utf-8", "backslashreplace").decode()


def one_of(document: Document, resource_type: str, resource_id: str | None = None) -> Document:
    """Return the resource of a document. Raises IncompleteResult if it is another one."""
    data: Any = document.get("data")
    problem = problem_of(data, resource_type)
    if not problem and resource_id not in {None, data["id"]}:
        problem = f"it contains {shown(data['id'])}"
    if problem:
        path = f"/{resource_type}"
        if resource_id:
            path += f"/{resource_id}"
        raise wrong_shape(
            path, f"returned something other than the requested {resource_type} ({problem})"
        )
    return cast("Document", data)


def type_among(data: object, types: Sequence[str]) -> str:
    """Return which of the types a resource has; the first one if it has none of them."""
    resource_type = mapping(data).get("type")
    if isinstance(resource_type, str) and resource_type in types:
        return resource_type
    return types[0]


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object as it is, and an empty one for any other value."""
    if isinstance(value, Mapping):
        return value
    return {}


def linkage_of(resource: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a relationship of a resource; empty if the resource does not show it."""
    return mapping(mapping(resource.get("relationships")).get(name))


def linked_id(resource: Mapping[str, Any], name: str) -> str:
    """Return the id in a to-one relationship; empty if there is none."""
    resource_id = mapping(linkage_of(resource, name).get("data")).get("id")
    if isinstance(resource_id, str):
        return resource_id
    return ""


def needed_id(resource: Mapping[str, Any], name: str) -> str:
    """Return the id in a to-one relationship. Raises IncompleteResult if there is none."""
    resource_id = linked_id(resource, name)
    if not resource_id:
        raise IncompleteResult(
            f"{resource['id']} does not name its {name.replace('_', ' ')}, so nothing was sent. "
            "Check the resource."
        )
    return resource_id


def identifier(resource_id: str) -> Document:
    """Return ``{"id": …, "type": …}``; the prefix of the id gives the type."""
    return {"id": resource_id, "type": BY_PREFIX[resource_id[:2]].type}


def public(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON:API document without the secrets of its resources."""
    shown = dict(document)
    for part in shown.keys() & {"data", "included"}:
        data = shown[part]
        if isinstance(data, list):
            shown[part] = list(map(public_resource, data))
        else:
            shown[part] = public_resource(data)
    return shown


def public_resource(resource: Any) -> Any:
    """Return a resource without its write-only attributes, and without secrets in the others."""
    resource_type = mapping(resource).get("type")
    if not isinstance(resource_type, str) or resource_type not in _REDACTED:
        return resource
    row = RESOURCES[resource_type]
    shown = dict(resource)
    for part, attributes in (("attributes", row.attributes), ("meta", row.meta)):
        members = resource.get(part)
        if not isinstance(members, Mapping):
            continue
        by_name = _by_name(attributes)
        shown[part] = {}
        for name, value in members.items():
            attribute = by_name.get(name)
            if _is_public(row, attribute, name):
                shown[part][name] = _public_value(row, attribute, value)
    return shown


def public_columns(row: Resource, columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return the columns of a page without secrets. They have no write-only attributes."""
    by_name = _by_name(row.columns)
    for attribute in row.meta:
        by_name[f"meta_{attribute.name}"] = attribute
    shown: dict[str, Sequence[Any]] = {}
    for name, values in columns.items():
        column = by_name.get(name)
        if _is_public(row, column, name):
            shown[name] = [_public_value(row, column, value) for value in values]
    return shown


def public_address(text: str) -> str:
    """Return a URL without its user, and without parameters that look like secrets."""
    return _PARAMETER.sub(rf"\1={MASK}", _USER.sub(rf"\1//{MASK}@", text))


def _by_name(attributes: Iterable[Attribute]) -> dict[str, Attribute]:
    return {attribute.name: attribute for attribute in attributes}


def _is_identifier(data: object) -> TypeGuard[Document]:
    return isinstance(data, dict) and isinstance(data.get("id"), str) and bool(data["id"])


def _description(data: object) -> str:
    if not isinstance(data, dict):
        return f"{_json_type(data)} instead of a resource"
    if not _is_identifier(data):
        return f"a resource with {_json_type(data.get('id'))} as id"
    resource_type = data.get("type")
    if not isinstance(resource_type, str):
        return f"{shown(data['id'])} with {_json_type(resource_type)} as type"
    return f"{shown(data['id'])} of type {shown(resource_type)}"


def _json_type(value: object) -> str:
    if value is None or value == "":
        return "nothing"
    return _JSON_TYPES[type(value)]


def _is_public(row: Resource, attribute: Attribute | None, name: str) -> bool:
    """Return whether a member can be shown. An unknown one may be a secret, by its name."""
    if attribute is None:
        return not row.guards_secrets or _SECRET_NAME.search(name) is None
    return not attribute.write_only


def _public_value(row: Resource, attribute: Attribute | None, value: Any) -> Any:
    if attribute is not None:
        if attribute.members:
            return _public_members(attribute, value)
        if attribute.hides == "address" and isinstance(value, str):
            return public_address(value)
        if attribute.hides == "document":
            return _public_entity(value)
    if row.guards_secrets:
        return _without_secrets(value)
    return value


def _public_members(attribute: Attribute, value: Any) -> dict[str, Any] | None:
    """Return the known members of an object; anything else could be the secret itself."""
    members = mapping(value)
    shown = {}
    for name in attribute.members:
        member = members.get(name)
        if isinstance(member, (str, int, float)):
            shown[name] = member
    return shown or None


def _without_secrets(value: Any, depth: int = 0) -> Any:
    """Return a nested value without the members that are named like secrets."""
    if not isinstance(value, (Mapping, list)):
        return value
    if depth >= _MAX_DEPTH:
        return None
    if isinstance(value, list):
        return [_without_secrets(item, depth + 1) for item in value]
    shown = {}
    for name, member in value.items():
        if not _SECRET_NAME.search(name):
            shown[name] = _without_secrets(member, depth + 1)
    return shown


def _public_entity(value: Any) -> Any:
    """Return the document in an audit event, which is a string, without secrets.

    The string stays the same, byte for byte, if there is nothing to hide.
    """
    if isinstance(value, Mapping):
        return public(value)
    # Most events have nothing to hide, so they are not parsed.
    if not isinstance(value, str) or not _HIDING_TYPE.search(value):
        return value
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        # The string mentions a type that has secrets.
        return None
    if not isinstance(document, Mapping):
        return None
    shown = public(document)
    if shown == document:
        return value
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


class Hidden(Secret):
    """A number of a write-only attribute, as its JSON text."""


class Address(Secret):
    """An address that holds a password or a token."""

    def __str__(self) -> str:
        return public_address(self.reveal())


@dataclass(frozen=True, slots=True)
class Write:
    """A write that can be sent, shown, and kept in the journal."""

    call: str
    """The Python call, such as ``reactor.rules.update``."""
    method: str
    path: str
    document: Document | None = None
    """May hold secrets, as Secret objects."""
    params: tuple[tuple[str, str], ...] = ()
    upload: bytes | None = None
    """A zip, sent as a form in place of a document."""
    type: str = ""
    """Of the resource that the response holds."""
    id: str = ""
    """Of the resource that is changed; empty where one is created."""
    next_step: str = ""
    """How to find out whether a write arrived whose outcome is unknown."""

    @property
    def masked(self) -> str:
        """The body for people to read: JSON text without its secrets."""
        if self.upload is not None:
            return f"a zip of {len(self.upload):,} bytes, as form field package"
        if self.document is None:
            return ""
        return json.dumps(masked(self.document), ensure_ascii=False)

    def encoded(self) -> tuple[bytes | None, str]:
        """Return the body with its secrets revealed, and its media type. For the wire only."""
        if self.upload is not None:
            form = {"package": ("package.zip", self.upload, "application/zip")}
            return encode_multipart_formdata(form)
        if self.document is None:
            return None, JSON_API
        text = json.dumps(plain(self.document), ensure_ascii=False, allow_nan=False)
        return text.encode(), JSON_API


def plain(value: object) -> Any:
    """Return the document with its secrets revealed. For the wire only."""
    return _replaced(value, _revealed)


def masked(value: object) -> Any:
    """Return the document with its secrets masked."""
    return _replaced(value, str)


def secrets_in(value: object) -> list[Secret]:
    """Return the secrets of a document."""
    secrets: list[Secret] = []
    _replaced(value, secrets.append)
    return secrets


def _replaced(value: object, replace: Callable[[Secret], object]) -> Any:
    """Return a copy of the document with another value in place of each secret."""
    if isinstance(value, Secret):
        return replace(value)
    if isinstance(value, Mapping):
        return {name: _replaced(member, replace) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return list(map(partial(_replaced, replace=replace), value))
    return value


def _revealed(secret: Secret) -> Any:
    if isinstance(secret, Hidden):
        return json.loads(secret.reveal())
    return secret.reveal()
