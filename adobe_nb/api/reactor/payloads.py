"""One write: its document, made from keyword arguments and checked against the registry before
anything is sent.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adobe_nb.api.reactor.client import Address, Hidden, masked, plain
from adobe_nb.api.reactor.inputs import ids_in, is_null
from adobe_nb.api.reactor.jsonapi import MASK, Document, identifier, public_address
from adobe_nb.auth.credentials import Secret
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import RESOURCES, Attribute, Relation, Resource, Verb
from adobe_nb.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Change:
    """A write that can be sent, shown and kept in the journal."""

    call: str
    """As the user would say it: ``reactor.rules.update``."""
    method: str
    path: str
    document: Document | None = None
    """May hold secrets, as Secret objects."""
    params: tuple[tuple[str, str], ...] = ()
    upload: bytes | None = None
    """A zip, sent as a form; then there is no document."""
    type: str = ""
    id: str = ""
    next_step: str = ""
    """What to look for when it is not known whether the write arrived."""

    @property
    def masked(self) -> str:
        """The body as it can be shown: JSON text without its secrets."""
        if self.upload is not None:
            return f"a zip of {len(self.upload):,} bytes, as form field package"
        return (
            "" if self.document is None else json.dumps(masked(self.document), ensure_ascii=False)
        )


class Placeholder(str):
    """For a dry run: an id that only the service knows, said in words."""

    __slots__ = ()

    def __new__(cls, what: str) -> "Placeholder":
        """``{id of the company}``."""
        return super().__new__(cls, f"{{{what}}}")


def hidden_in(document: Mapping[str, Any]) -> Document:
    """A document as somebody wrote it, with the write-only attributes hidden that the registry
    knows of its type.

    Raises ArgumentError for what cannot be written as JSON.
    """
    written("body", document, reveal=True)
    data = document.get("data")
    if isinstance(data, Mapping) and isinstance(data.get("attributes"), Mapping):
        row = RESOURCES.get(str(data.get("type")))
        known = {each.name: each for each in row.attributes} if row else {}
        attributes = {
            name: _raw_value(known.get(name), value) for name, value in data["attributes"].items()
        }
        return {**document, "data": {**data, "attributes": attributes}}
    return dict(document)


def _raw_value(attribute: Attribute | None, value: Any) -> Any:
    if attribute is not None and attribute.write_only:
        return _hidden(value)
    if attribute is not None and attribute.hides == "address" and isinstance(value, str):
        return _address(value)
    return value


def _address(text: str) -> str | Address:
    return text if public_address(text) == text else Address(text)


def document_of(
    row: Resource, verb: Verb, given: Mapping[str, Any], resource_id: str | None = None
) -> Document:
    """The JSON:API document of a create or an update.

    Raises ArgumentError for names that this verb does not take, missing ones, and values of the
    wrong kind.
    """
    attributes = {each.name: each for each in row.writable(verb)}
    relations = {each.name: each for each in row.linkable(verb)}
    for name in given:
        if name not in attributes and name not in relations:
            raise ArgumentError(_unknown(row, verb, name, [*row.keywords(verb), "dry_run"]))
    if verb == "create":
        _check_required(row, given, [*attributes.values(), *relations.values()])
    elif not given:
        names = ", ".join((*attributes, *relations))
        raise ArgumentError(
            f"There is nothing to change. {row.type}.update takes {names or 'nothing'}."
        )
    data: Document = {"type": row.type}
    if resource_id is not None:
        data["id"] = resource_id
    values = {
        name: _value(attributes[name], value) for name, value in given.items() if name in attributes
    }
    links = {
        name: {"data": _linkage(relations[name], value)}
        for name, value in given.items()
        if name in relations
    }
    if values or verb == "create":
        data["attributes"] = values
    if links:
        data["relationships"] = links
    return {"data": data}


def action_of(row: Resource, resource_id: str, action: str) -> Document:
    """The document of an action, ``meta.action``."""
    return {"data": {"id": resource_id, "type": row.type, "meta": {"action": action}}}


def shown(base_url: str, changes: Iterable[Change]) -> pd.DataFrame:
    """What would be sent, one row per request: method, url, body (JSON text, secrets masked)."""
    rows = [(each.method, base_url + each.path, each.masked) for each in changes]
    return pd.DataFrame(rows, columns=["method", "url", "body"], dtype="string")


def _unknown(row: Resource, verb: Verb, name: str, known: Sequence[str]) -> str:
    what = f"{row.type}.{verb}"
    bare = name.removesuffix("_id")
    if bare in known:
        return f"{what} takes {bare}=, an id or a row, instead of {name}=."
    if any(attribute.name == name for attribute in row.attributes):
        other: Verb = "create" if verb == "update" else "update"
        late = any(attribute.name == name for attribute in row.writable(other))
        why = f"can only be given to {other}" if late else "is set by the service"
        return f"{what} does not take {name}: it {why}."
    return f"{what} does not take {name!r}.{did_you_mean(name, known)}"


def _check_required(
    row: Resource, given: Mapping[str, Any], known: Sequence[Attribute | Relation]
) -> None:
    missing = [
        each
        for each in known
        if each.required and (each.name not in given or is_null(given[each.name]))
    ]
    if missing:
        names = ", ".join(_with_prefix(each) for each in missing)
        raise ArgumentError(f"{row.type}.create needs {names} as well. Help: reactor.{row.type}?")


def _with_prefix(each: Attribute | Relation) -> str:
    if isinstance(each, Relation):
        return f'{each.name}="{RESOURCES[each.targets[0]].prefix}…"'
    return each.name


def _linkage(relation: Relation, value: Any) -> Any:
    """Identifiers from ids, rows or frames."""
    if isinstance(value, Placeholder):
        return {"id": str(value), "type": relation.targets[0]}
    kinds = " or ".join(relation.targets)
    if is_null(value):
        if relation.many or not relation.nullable:
            raise ArgumentError(f"{relation.name} takes ids of {kinds}; leave it out for none.")
        return None
    ids = ids_in(value)
    prefixes = {RESOURCES[each].prefix for each in relation.targets}
    for each in ids:
        if each[:2] not in prefixes:
            raise ArgumentError(
                f"{relation.name} takes {kinds}, whose ids begin with {', '.join(prefixes)}: not {each}."
            )
    if not relation.many and len(ids) != 1:
        raise ArgumentError(f"{relation.name} takes exactly one of {kinds}, not {len(ids)}.")
    linked = [identifier(each) for each in ids]
    return linked if relation.many else linked[0]


def _value(attribute: Attribute, value: Any) -> Any:
    """The value as the API wants it; of what is write-only, every text is hidden."""
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
    if isinstance(value, Secret) and attribute.hides == "address":
        value = value.reveal()
    if isinstance(value, Secret):
        raise ArgumentError(
            f"{attribute.name} is no secret: everybody who sees the property can read it."
        )
    if not _fits(attribute, value):
        raise ArgumentError(
            f"{attribute.name} is {_KINDS[attribute.kind]}, not {type(value).__name__} ({value!r:.60})."
        )
    if isinstance(value, str):
        written(attribute.name, value)
    if attribute.required and isinstance(value, str) and not value.strip():
        raise ArgumentError(f"{attribute.name} cannot be empty.")
    if attribute.values and value not in attribute.values:
        raise ArgumentError(
            f"{attribute.name} is one of {', '.join(attribute.values)}, not {value!r}."
        )
    if attribute.hides == "address":
        _refuse_mask(attribute.name, value)
        return _address(value)
    return value


def _secret_text(name: str, value: Any) -> Secret:
    if not isinstance(value, (str, Secret)):
        raise ArgumentError(f"{name} is a text, not {type(value).__name__}.")
    _refuse_mask(name, value)
    return value if isinstance(value, Secret) else Secret(value)


def _refuse_mask(name: str, value: str | Secret) -> None:
    """Where an answer was masked, sending it back would write the mask over the secret."""
    text = value.reveal() if isinstance(value, Secret) else value
    if MASK in text:
        raise ArgumentError(
            f"{name} holds a mask ({MASK}) in place of a secret. Write the secret itself, or leave it out."
        )


_KINDS = {
    "text": "a text",
    "boolean": "True or False",
    "integer": "a whole number",
    "number": "a number",
}


def _fits(attribute: Attribute, value: object) -> bool:
    if attribute.kind == "boolean":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if attribute.kind == "integer":
        return isinstance(value, int)
    if attribute.kind == "number":
        return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    return isinstance(value, str)


def _json_value(attribute: Attribute, value: Any) -> Any:
    name = attribute.name
    if attribute.form == "text":
        return _settings(name, value)
    if attribute.form == "list" and isinstance(value, str) and not value.lstrip().startswith("["):
        raise ArgumentError(f'{name} is a list, as in ["{value[:60]}"].')
    if attribute.form and isinstance(value, str):
        value = _read(name, value)  # the JSON text of a frame's column
    if attribute.form == "list" and isinstance(
        value, (tuple, set, pd.Series, pd.Index, np.ndarray)
    ):
        value = list(value)
    wanted = {"list": list, "object": Mapping}.get(attribute.form, object)
    if not isinstance(value, wanted):
        shape = {"list": 'a list, as in ["www.example.com"]', "object": "a dict"}[attribute.form]
        raise ArgumentError(f"{name} is {shape}, not {type(value).__name__}.")
    if attribute.values and isinstance(value, list):
        strange = [
            str(each)[:60]
            for each in value
            if not (isinstance(each, str) and each in attribute.values)
        ]
        if strange:
            raise ArgumentError(
                f"{name} has no {strange[0]!r}.{did_you_mean(strange[0], attribute.values)}"
            )
    text = written(name, value, reveal=attribute.write_only)
    return _hidden(value) if attribute.write_only else json.loads(text)


def _settings(name: str, value: Any) -> str:
    """JSON text, from a dict or a text; the API wants the text."""
    if isinstance(value, str):
        if not isinstance(_read(name, value), dict):
            raise ArgumentError(f'{name} is a JSON object, as in {{"path": "page.name"}}.')
        written(name, value)
        return value
    if not isinstance(value, Mapping):
        raise ArgumentError(f"{name} is a dict, or its JSON text, not {type(value).__name__}.")
    return written(name, value)


def _read(name: str, text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        where = "its depth"
    except ValueError as error:
        where = (
            f"line {error.lineno}, column {error.colno}"
            if isinstance(error, json.JSONDecodeError)
            else "it"
        )
    raise ArgumentError(f"{name} is no readable JSON: see {where}. A dict is easier.")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def written(name: str, value: Any, *, reveal: bool = False) -> str:
    """JSON text that can be sent. Raises ArgumentError, which never quotes the value.

    ``reveal``: it may hold Secret objects.
    """
    try:
        return _json_text(plain(value) if reveal else value)
    except UnicodeEncodeError:
        problem = "it holds half a character (a lone surrogate)"
    except RecursionError:
        problem = "it is nested too deep"
    except TypeError as error:
        problem = str(error)
    except ValueError as error:
        problem = (
            "it contains itself" if "Circular" in str(error) else "NaN and infinity are no JSON"
        )
    raise ArgumentError(f"{name} cannot be written as JSON: {problem}.")


def _json_text(value: Any) -> str:
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_number
    )
    text.encode()
    return text


def _number(value: object) -> Any:
    """numpy's numbers and booleans, as those of Python."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Secret):
        raise TypeError(
            "this is no place for a secret, everybody who sees the property can read it"
        )
    raise TypeError(f"{type(value).__name__} is no kind of JSON")


def _hidden(value: Any) -> Any:
    """The same with everything in it hidden but the names of members."""
    if isinstance(value, str):
        _refuse_mask("A write-only value", value)
        return Secret(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Hidden(json.dumps(value))
    if isinstance(value, Mapping):
        return {str(name): _hidden(each) for name, each in value.items()}
    return [_hidden(each) for each in value] if isinstance(value, (list, tuple)) else value
