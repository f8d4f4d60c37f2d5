"""``POST /search`` as a pure function of the caller's resources.

Where Adobe's behavior is unknown, the simplest choice was made:

- id, type, attributes and relationships are searched; meta and links are not.
- In a path ``*`` stands for any characters, dots too. A path goes through lists. Without a ``*``,
  an object at its end counts for ``exists`` only.
- A word matches anywhere in a text. ``name``, ids, types, enumerations and timestamps must equal
  the whole value, or one of its words, also under ``attributes.*``.
- With AND, each word must be in one of the members that the path reaches, not all in the same one.
- A condition that does not fit the type of a member does not match it: a text and a number, a
  range and a text or timestamp.
- Order: numbers before texts, texts ignoring case, missing values last; then by creation and id.
"""

import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import starmap
from typing import Any

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.lists import sort_key, text_of
from adobe_nb.simulator.problems import malformed

Document = dict[str, Any]
_Member = tuple[str, Any]
"""Name and value."""

SEARCHABLE = frozenset(row.type for row in RESOURCES.values() if row.searchable)
_MAX_SIZE = 100
_PATH = re.compile(r"[a-z_.*]+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBERS = (int, float)
"""Types of JSON numbers. isinstance would take true and false for numbers as well."""
_ROOTS = ("id", "type", "attributes", "relationships")
_COMPARISONS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
_SORT = 'sort must be a list of objects such as {"attributes.name": "asc"}.'
# Enumerations whose values the registry does not list.
_ENUMERATIONS = {"availability", "key_type", "review_status", "stale", "status"}
_WHOLE = {"id", "type", "name"} | _ENUMERATIONS
_WHOLE |= {
    attribute.name
    for row in RESOURCES.values()
    for attribute in row.attributes
    if attribute.values or attribute.kind == "datetime"
}
"""Members that match as a whole."""


def search(documents: Iterable[Document], body: object) -> tuple[list[Document], int]:
    """Return a page of the documents that match, and their number. Raises Problem."""
    # Adobe's guide wraps the members in data, the schema in its OpenAPI file does not.
    request = body
    if isinstance(body, dict):
        request = body.get("data", body)
    if not isinstance(request, dict):
        raise malformed("The body must be an object whose member data is an object.")
    query = request.get("query")
    if not isinstance(query, dict) or not query:
        raise malformed("query must be an object with at least one path.")
    types = _types(request.get("resource_types", []))
    for path, condition in query.items():
        _check_condition(path, condition)
    keys = _sort_keys(request.get("sort", []))
    start = _count(request, "from", 0)
    size = min(_count(request, "size", _MAX_SIZE), _MAX_SIZE)
    matches = []
    for document in documents:
        holds = partial(_holds, document)
        if document["type"] in types and all(starmap(holds, query.items())):
            matches.append(document)
    for path, descending in reversed(keys):
        _sort(matches, path, descending=descending)
    return matches[start : start + size], len(matches)


# -- the body


def _types(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        raise malformed("resource_types must be a list of resource types.")
    for name in value:
        if not isinstance(name, str) or name not in SEARCHABLE:
            raise malformed(f"{_shown(name)} is not a searchable resource type.")
    return frozenset(value) or SEARCHABLE


def _count(request: Mapping[str, Any], name: str, default: int) -> int:
    value = request.get(name, default)
    if type(value) is not int or value < 0:
        raise malformed(f"{name} must be an integer from 0, not {_shown(value)}.")
    return value


def _sort_keys(value: object) -> list[tuple[str, bool]]:
    """Return the paths to sort by, and whether each is descending."""
    if not isinstance(value, list):
        raise malformed(_SORT)
    keys = []
    for item in value:
        if not isinstance(item, dict) or not item:
            raise malformed(_SORT)
        for path, direction in item.items():
            if not _PATH.fullmatch(path) or "*" in path:
                raise malformed(f"Cannot sort by the path {_shown(path)}.")
            if direction not in ("asc", "desc"):
                raise malformed(f"Sort {path} asc or desc, not {_shown(direction)}.")
            keys.append((path, direction == "desc"))
    return [*keys, ("attributes.created_at", False), ("id", False)]


def _check_condition(path: str, condition: object) -> None:
    if not _PATH.fullmatch(path):
        raise malformed(
            f"Invalid path {_shown(path)}: a path has only lowercase letters, underscores, dots "
            "and *."
        )
    if not isinstance(condition, dict) or not condition.keys() & {"exists", "value", "range"}:
        raise malformed(f"The condition on {path} requires exists, value or range.")
    if not isinstance(condition.get("exists", True), bool):
        raise malformed(f"exists on {path} must be true or false.")
    if "range" in condition:
        _check_range(path, condition["range"])
    if condition.get("value_operator", "AND") not in ("AND", "OR"):
        raise malformed(f"value_operator on {path} must be AND or OR.")
    if not isinstance(condition.get("value", ""), (str, int, float)):
        raise malformed(f"value on {path} must be a string, a number, true or false.")


def _check_range(path: str, bounds: object) -> None:
    if not isinstance(bounds, dict) or not bounds or not bounds.keys() <= _COMPARISONS.keys():
        raise malformed(f"range on {path} must be an object with gt, gte, lt or lte.")
    for bound in bounds.values():
        # Adobe's samples write integers as strings too: {"lte": "2"}.
        is_text = isinstance(bound, str) and _INTEGER.fullmatch(bound)
        if not is_text and type(bound) is not int:
            raise malformed(f"The bounds of the range on {path} must be integers.")


# -- matching


def _holds(document: Document, path: str, condition: Mapping[str, Any]) -> bool:
    members = list(_members(document, path))
    values = [value for _, value in members]
    if "exists" in condition and any(map(_has_content, values)) != condition["exists"]:
        return False
    bounds = condition.get("range")
    if bounds and not any(map(partial(_in_range, bounds), values)):
        return False
    return "value" not in condition or _has_value(members, condition)


def _in_range(bounds: Mapping[str, Any], value: Any) -> bool:
    if type(value) not in _NUMBERS:
        return False
    return all(_COMPARISONS[name](value, int(bound)) for name, bound in bounds.items())


def _has_value(members: Sequence[_Member], condition: Mapping[str, Any]) -> bool:
    text = text_of(condition["value"])
    for name, member in members:
        if name in _WHOLE and member == text:
            return True
    hits = [any(starmap(partial(_is_in, word), members)) for word in text.split()]
    if condition.get("value_operator") == "OR":
        return any(hits)
    return bool(hits) and all(hits)


def _is_in(word: str, name: str, value: object) -> bool:
    """Return whether the word matches a member."""
    if isinstance(value, bool):
        return word == text_of(value)
    if isinstance(value, (int, float)):
        return bool(_NUMBER.fullmatch(word)) and float(word) == value
    if not isinstance(value, str):
        return False
    if name == "delegate_descriptor_id":
        return word == value or word in value.split("::")
    if name in _WHOLE or name.endswith("_id"):
        return word == value
    return word.casefold() in value.casefold()


# -- members


def _members(document: Document, path: str) -> Iterator[_Member]:
    """Yield the members that a path reaches. A null counts as missing."""
    first, *rest = path.split(".")
    if "*" not in path:
        for value in _at(_root(document, first), rest):
            yield path.rpartition(".")[2], value
        return
    roots: Sequence[str] = (first,)
    if "*" in first:
        roots = _ROOTS
    for root in roots:
        for leaf, value in _leaves(_root(document, root), root):
            if _is_match(path, leaf):
                yield leaf.rpartition(".")[2], value


@lru_cache(maxsize=10_000)
def _is_match(pattern: str, path: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), path) is not None


def _root(document: Document, name: str) -> Any:
    """Return what can be searched under a member of the document."""
    if name == "relationships":
        relations = document.get(name) or {}
        return {name: {"data": relation.get("data")} for name, relation in relations.items()}
    if name in _ROOTS:
        return document.get(name)
    return None


def _at(value: Any, parts: Sequence[str]) -> Iterator[Any]:
    """Yield the values at the end of a path, one for each element of the lists on the way."""
    if isinstance(value, list):
        for element in value:
            yield from _at(element, parts)
    elif not parts:
        if value is not None:
            yield value
    elif isinstance(value, dict):
        yield from _at(value.get(parts[0]), parts[1:])


def _leaves(value: Any, path: str) -> Iterator[_Member]:
    """Yield the path and value of everything in it but objects and lists."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, f"{path}.{name}")
    elif isinstance(value, list):
        for element in value:
            yield from _leaves(element, path)
    elif value is not None:
        yield path, value


def _has_content(value: Any) -> bool:
    return next(_leaves(value, ""), None) is not None


def _sort(documents: list[Document], path: str, *, descending: bool) -> None:
    def key(document: Document) -> tuple[bool, int, Any]:
        _, value = next(_members(document, path), (path, None))
        if isinstance(value, dict):
            value = None
        return sort_key(value, descending=descending)

    documents.sort(key=key, reverse=descending)


def _shown(value: object) -> str:
    return repr(value)[:60]
