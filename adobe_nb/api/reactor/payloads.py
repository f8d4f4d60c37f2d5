"""One write: its document, made from keyword arguments and checked against the registry before
any request.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from adobe_nb.api.reactor.client import Client, attrs_of
from adobe_nb.api.reactor.inputs import ids_in, is_null
from adobe_nb.api.reactor.jsonapi import (
    MASK,
    Address,
    Document,
    Hidden,
    Write,
    identifier,
    plain,
    public_address,
)
from adobe_nb.auth.credentials import Secret
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import RESOURCES, Attribute, Relation, Resource, Verb
from adobe_nb.suggest import did_you_mean

_Keyword = Attribute | Relation

_TYPES: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "text": ("a text", (str,)),
    "boolean": ("True or False", (bool,)),
    "integer": ("a whole number", (int,)),
    "number": ("a number", (int, float)),
}


class Placeholder(str):
    """For a dry run: words for an id that only the service knows, ``{id of the company}``."""

    __slots__ = ()

    def __new__(cls, description: str) -> "Placeholder":
        """Put the description in braces."""
        return super().__new__(cls, f"{{{description}}}")


def shown(client: Client, writes: Iterable[Write]) -> pd.DataFrame:
    """Return the requests of a dry run: method, url, body (JSON text, secrets masked)."""
    rows = []
    for write in writes:
        rows.append((write.method, client.base_url + write.path, write.masked))
    frame = pd.DataFrame(rows, columns=["method", "url", "body"], dtype="string")
    frame.attrs.update(attrs_of(client, "dry run", len(rows)))
    return frame


def document_of(
    row: Resource, verb: Verb, values: Mapping[str, Any], resource_id: str | None = None
) -> Document:
    """Return the JSON:API document of a create or an update.

    Raises ArgumentError for names that this verb does not take, missing names, and values of the
    wrong type.
    """
    keywords: dict[str, _Keyword] = {}
    for attribute in row.writable(verb):
        keywords[attribute.name] = attribute
    for relation in row.linkable(verb):
        keywords[relation.name] = relation
    _check_names(row, verb, values, keywords)
    attributes: Document = {}
    relationships: Document = {}
    for name, value in values.items():
        keyword = keywords[name]
        if isinstance(keyword, Attribute):
            attributes[name] = _value(keyword, value)
        else:
            relationships[name] = {"data": _linkage(keyword, value)}
    data: Document = {"type": row.type}
    if resource_id is not None:
        data["id"] = resource_id
    # A create without attributes has an empty object, as in Adobe's examples.
    if attributes or verb == "create":
        data["attributes"] = attributes
    if relationships:
        data["relationships"] = relationships
    return {"data": data}


def hidden_in(document: Mapping[str, Any]) -> Document:
    """Return a document that a user wrote, with its write-only attributes hidden.

    Raises ArgumentError for values that cannot be written as JSON.
    """
    # Only to check that it can be written.
    json_of("body", document, reveal=True)
    data = document.get("data")
    if not isinstance(data, Mapping) or not isinstance(data.get("attributes"), Mapping):
        return dict(document)
    row = RESOURCES.get(str(data.get("type")))
    if row is None:
        return dict(document)
    attributes = dict(data["attributes"])
    for attribute in row.attributes:
        value = attributes.get(attribute.name)
        if attribute.name in attributes and attribute.write_only:
            attributes[attribute.name] = _hidden(value)
        elif isinstance(value, str) and attribute.hides == "address":
            attributes[attribute.name] = _address(value)
    return {**document, "data": {**data, "attributes": attributes}}


def _unknown_name(row: Resource, verb: Verb, name: str) -> str:
    """The message for a keyword that the verb does not take."""
    call = f"{row.type}.{verb}"
    keywords = [*row.keywords(verb), "dry_run"]
    relation = name.removesuffix("_id")
    if relation in keywords:
        return f"{call} takes {relation}=, an id or a row, instead of {name}=."
    # It exists, so say why this verb does not take it.
    for attribute in row.attributes:
        if attribute.name == name and attribute.write:
            return f"{call} does not take {name}: only {attribute.write} takes it."
        if attribute.name == name:
            return f"{call} does not take {name}: the service sets it."
    return f"{call} does not take {name!r}.{did_you_mean(name, keywords)}"


def _check_names(
    row: Resource, verb: Verb, values: Mapping[str, Any], keywords: Mapping[str, _Keyword]
) -> None:
    """Raise ArgumentError for unknown and missing keywords."""
    for name in values:
        if name not in keywords:
            raise ArgumentError(_unknown_name(row, verb, name))
    if verb == "update" and not values:
        raise ArgumentError(
            f"There is nothing to change. {row.type}.update takes {', '.join(keywords)}."
        )
    missing = []
    for name, keyword in keywords.items():
        if verb == "create" and keyword.required and is_null(values.get(name)):
            missing.append(_keyword_example(keyword))
    if missing:
        raise ArgumentError(
            f"{row.type}.create requires {', '.join(missing)} as well. Help: reactor.{row.type}?"
        )


def _keyword_example(keyword: _Keyword) -> str:
    """Return the name, for a relation with the prefix of its ids."""
    if isinstance(keyword, Attribute):
        return keyword.name
    return f'{keyword.name}="{RESOURCES[keyword.targets[0]].prefix}…"'


def _linkage(relation: Relation, value: Any) -> Any:
    """Return identifiers for ids, rows or frames."""
    # Not an id, so the checks below would refuse it.
    if isinstance(value, Placeholder):
        return {"id": str(value), "type": relation.targets[0]}
    if is_null(value) and relation.nullable:
        return None
    targets = " or ".join(relation.targets)
    if is_null(value):
        raise ArgumentError(f"{relation.name} takes ids of {targets}. Leave it out for none.")
    prefixes = tuple(RESOURCES[target].prefix for target in relation.targets)
    linked = []
    for resource_id in ids_in(value):
        if not resource_id.startswith(prefixes):
            raise ArgumentError(
                f"{relation.name} takes {targets}, whose ids begin with {', '.join(prefixes)}: "
                f"not {resource_id}."
            )
        linked.append(identifier(resource_id))
    if relation.many:
        return linked
    if len(linked) != 1:
        raise ArgumentError(f"{relation.name} takes exactly one of {targets}, not {len(linked)}.")
    return linked[0]


def _value(attribute: Attribute, value: Any) -> Any:
    """Return the value as the API expects it; secrets and addresses with secrets are hidden."""
    # Values often come from a frame, as numpy's types.
    if isinstance(value, np.generic):
        value = value.item()
    if is_null(value):
        if not attribute.nullable:
            raise ArgumentError(
                f"{attribute.name} cannot be emptied. Leave it out, or give a value."
            )
        return None
    if attribute.kind == "json":
        return _json_value(attribute, value)
    if attribute.write_only and attribute.kind == "text":
        return _secret_text(attribute.name, value)
    if isinstance(value, Secret):
        if attribute.hides != "address":
            raise ArgumentError(
                f"{attribute.name} is not a secret: everyone who sees the property can read it."
            )
        value = value.reveal()
    _check_scalar(attribute, value)
    if attribute.hides == "address":
        _refuse_mask(attribute.name, value)
        return _address(value)
    return value


def _check_scalar(attribute: Attribute, value: object) -> None:
    """Raise ArgumentError unless the value has the type of the attribute and one of its values."""
    name = attribute.name
    expected, types = _TYPES[attribute.kind]
    # In Python, True is an integer too.
    is_expected = isinstance(value, types) and isinstance(value, bool) == (bool in types)
    if not is_expected or (isinstance(value, float) and not math.isfinite(value)):
        raise ArgumentError(f"{name} is {expected}, not {type(value).__name__} ({value!r:.60}).")
    if isinstance(value, str):
        json_of(name, value)
        if attribute.required and not value.strip():
            raise ArgumentError(f"{name} cannot be empty.")
    if attribute.values and value not in attribute.values:
        raise ArgumentError(f"{name} is one of {', '.join(attribute.values)}, not {value!r}.")


def _secret_text(name: str, value: Any) -> Secret:
    if isinstance(value, str):
        value = Secret(value)
    if not isinstance(value, Secret):
        raise ArgumentError(f"{name} is a text, not {type(value).__name__}.")
    _refuse_mask(name, value.reveal())
    return value


def _refuse_mask(name: str, text: str) -> None:
    """Refuse the mask of a masked response: sent back, it would overwrite the secret."""
    if MASK in text:
        raise ArgumentError(
            f"{name} holds a mask ({MASK}) in place of a secret. Write the secret itself, or "
            "leave it out."
        )


def _address(text: str) -> str | Address:
    if public_address(text) == text:
        return text
    return Address(text)


def _json_value(attribute: Attribute, value: Any) -> Any:
    name, form = attribute.name, attribute.form
    if form == "text":
        return _settings(name, value)
    if form == "list":
        value = _list(attribute, value)
    if form == "object" and isinstance(value, str):
        value = _read(name, value)
    if form == "object" and not isinstance(value, Mapping):
        raise ArgumentError(f"{name} is a dict, not {type(value).__name__}.")
    text = json_of(name, value, reveal=attribute.write_only)
    if attribute.write_only:
        return _hidden(value)
    return json.loads(text)


def _list(attribute: Attribute, value: Any) -> list[Any]:
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            raise ArgumentError(f'{attribute.name} is a list, as in ["{value[:60]}"].')
        # The JSON text of a frame's column.
        value = _read(attribute.name, value)
    if not isinstance(value, (list, tuple, set, pd.Series, pd.Index, np.ndarray)):
        raise ArgumentError(
            f'{attribute.name} is a list, as in ["www.example.com"], not {type(value).__name__}.'
        )
    items = list(value)
    for item in items:
        is_text = isinstance(item, str)
        if attribute.values and not (is_text and item in attribute.values):
            text = str(item)[:60]
            hint = did_you_mean(text, attribute.values)
            raise ArgumentError(f"{attribute.name} has no {text!r}.{hint}")
    return items


def _settings(name: str, value: Any) -> str:
    """Return JSON text for a dict or JSON text: the API expects a text."""
    if isinstance(value, str):
        if not isinstance(_read(name, value), dict):
            raise ArgumentError(f'{name} is a JSON object, as in {{"path": "page.name"}}.')
        json_of(name, value)
        return value
    if not isinstance(value, Mapping):
        raise ArgumentError(f"{name} is a dict, or its JSON text, not {type(value).__name__}.")
    return json_of(name, value)


# The two functions below raise outside their except blocks: the errors of json keep the user's
# document, which can hold secrets, in their frames.
def _read(name: str, text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        position = "it is nested too deeply"
    except json.JSONDecodeError as error:
        position = f"see line {error.lineno}, column {error.colno}"
    except ValueError:
        position = "NaN and infinity are not JSON"
    raise ArgumentError(f"{name} is not valid JSON: {position}. A dict is easier.")


def json_of(name: str, value: Any, *, reveal: bool = False) -> str:
    """Return JSON text that can be sent. Raises ArgumentError, which never quotes the value.

    ``reveal``: the value may hold Secret objects.
    """
    try:
        # Not in a variable, which a traceback could show.
        text = json.dumps(
            plain(value) if reveal else value,
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
            default=_json_default,
        )
        # A lone surrogate is found here, not when it is sent.
        text.encode()
    except UnicodeEncodeError:
        problem = "it holds half a character (a lone surrogate)"
    except RecursionError:
        problem = "it is nested too deeply"
    except TypeError as error:
        problem = str(error)
    except ValueError as error:
        problem = "NaN and infinity are not JSON"
        if "Circular" in str(error):
            problem = "it contains itself"
    else:
        return text
    raise ArgumentError(f"{name} cannot be written as JSON: {problem}.")


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _json_default(value: object) -> Any:
    """Return numpy's numbers and booleans as those of Python."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Secret):
        raise TypeError("everyone who sees the property can read it, so it cannot hold a secret")
    raise TypeError(f"JSON has no {type(value).__name__}")


def _hidden(value: Any) -> Any:
    """Return the value with everything hidden except the names of members."""
    if isinstance(value, str):
        _refuse_mask("A write-only value", value)
        return Secret(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Hidden(json.dumps(value))
    if isinstance(value, Mapping):
        return {str(name): _hidden(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return list(map(_hidden, value))
    return value
