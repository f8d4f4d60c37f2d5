"""``POST /search`` as a pure function of the caller's resources. Where nothing is known, the
simplest thing is done:

- id, type, attributes and relationships are searched; meta and links are not.
- In a path ``*`` stands for any run of characters, dots too. A path goes through lists. Without a ``*``, an object at
  its end only counts for ``exists``.
- A word is found somewhere in a text. ``name``, ids, types, enumerations and timestamps must be the whole value, or one
  of its words, under ``attributes.*`` too.
- With AND, each word must be in one of the members that the path reaches, not all in the same one.
- What does not suit the kind of a member does not match: a text for a number, a range for a text or a timestamp.
- Order: numbers before texts, texts without regard to case, missing last; then by creation, then by id.
"""

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.problems import malformed

Document = dict[str, Any]
_Reach = Callable[[Document], Iterable[tuple[str, Any]]]
_Test = Callable[[Document], bool]

SEARCHABLE = frozenset(row.type for row in RESOURCES.values() if row.searchable)
_MOST = 100
_PATH = re.compile(r"[a-z_.*]+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_WHOLE_TEXT = re.compile(r"-?[0-9]{1,18}")
_ROOTS = ("id", "type", "attributes", "relationships")
_BOUNDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_DELEGATE = "delegate_descriptor_id"
_ENUMERATIONS = {
    "availability", "key_type", "messaging_service", "platform", "privacy", "review_status", "stage", "stale", "state",
    "status", "storage_duration", "subscriptions", "type_of",
}  # fmt: skip
_TIMESTAMPS = {
    attribute.name
    for row in RESOURCES.values()
    for attribute in row.attributes
    if attribute.kind == "datetime"
}
_WHOLE = {"id", "type", "name"} | _ENUMERATIONS | _TIMESTAMPS


@dataclass(frozen=True, slots=True)
class _Question:
    types: frozenset[str]
    tests: tuple[_Test, ...]
    sort: tuple[tuple[str, bool], ...]
    """Paths, and whether descending."""
    start: int
    size: int


def search(documents: Sequence[Document], body: object) -> tuple[list[Document], int]:
    """The page of documents that was asked for, and how many match. Raises BadSearch for a
    malformed body.
    """
    asked = _read(body)
    found = [
        document
        for document in documents
        if document["type"] in asked.types and all(t(document) for t in asked.tests)
    ]
    return _sorted(found, asked.sort)[asked.start : asked.start + asked.size], len(found)


# -- what is asked


def _read(body: object) -> _Question:
    asked = body.get("data", body) if isinstance(body, dict) else None
    if not isinstance(asked, dict):
        raise malformed("The body of a search is an object with a member data, which is an object.")
    query = asked.get("query")
    if not isinstance(query, dict) or not query:
        raise malformed("query is an object with at least one path.")
    return _Question(
        types=_types(asked.get("resource_types", [])),
        tests=tuple(test for path, condition in query.items() for test in _tests(path, condition)),
        sort=_sort(asked.get("sort", [])),
        start=_count(asked, "from", 0),
        size=min(_count(asked, "size", _MOST), _MOST),
    )


def _types(given: object) -> frozenset[str]:
    if not isinstance(given, list):
        raise malformed("resource_types is a list of resource types.")
    for each in given:
        if not isinstance(each, str) or each not in SEARCHABLE:
            raise malformed(f"{_shown(each)} is not a resource type that can be searched.")
    return frozenset(given) or SEARCHABLE


def _count(asked: Mapping[str, Any], name: str, default: int) -> int:
    value = asked.get(name, default)
    if not _is_whole(value) or value < 0:
        raise malformed(f"{name} is a whole number from 0, not {_shown(value)}.")
    return int(value)


def _sort(given: object) -> tuple[tuple[str, bool], ...]:
    if not isinstance(given, list) or not all(isinstance(each, dict) and each for each in given):
        raise malformed('sort is a list of objects such as {"attributes.name": "asc"}.')
    keys = [key for each in given for key in each.items()]
    for path, direction in keys:
        if not _PATH.fullmatch(path) or "*" in path:
            raise malformed(f"{_shown(path)} is not a path to sort by.")
        if direction not in ("asc", "desc"):
            raise malformed(f"The order of {path} is asc or desc, not {_shown(direction)}.")
    return tuple((path, direction == "desc") for path, direction in keys)


def _tests(path: str, condition: object) -> Iterator[_Test]:
    if not _PATH.fullmatch(path):
        raise malformed(
            f"{_shown(path)} is not a path: those have small letters, underscores, dots and * only."
        )
    if not isinstance(condition, dict) or not condition.keys() & {"exists", "value", "range"}:
        raise malformed(f"The condition on {path} has none of exists, value and range.")
    reach = _reach(path)
    if "exists" in condition:
        yield _exists(path, reach, condition["exists"])
    if "range" in condition:
        yield _range(path, reach, condition["range"])
    joined = condition.get("value_operator", "AND")
    if joined not in ("AND", "OR"):
        raise malformed(f"value_operator on {path} is AND or OR, not {_shown(joined)}.")
    if "value" in condition:
        yield _value(path, reach, condition["value"], every=joined == "AND")


def _exists(path: str, reach: _Reach, wanted: object) -> _Test:
    if not isinstance(wanted, bool):
        raise malformed(f"exists on {path} is true or false, not {_shown(wanted)}.")
    return lambda document: any(_has_content(value) for _, value in reach(document)) == wanted


def _range(path: str, reach: _Reach, bounds: object) -> _Test:
    if not isinstance(bounds, dict) or not bounds or not bounds.keys() <= _BOUNDS.keys():
        raise malformed(f"range on {path} is an object with gt, gte, lt or lte.")
    if not all(_is_whole(bound) or _is_whole_text(bound) for bound in bounds.values()):
        raise malformed(f"The bounds of the range on {path} are whole numbers.")
    checks = [(_BOUNDS[name], int(bound)) for name, bound in bounds.items()]

    def holds(document: Document) -> bool:
        return any(
            all(compare(value, bound) for compare, bound in checks)
            for _, value in reach(document)
            if isinstance(value, (int, float)) and not isinstance(value, bool)
        )

    return holds


def _value(path: str, reach: _Reach, value: object, *, every: bool) -> _Test:
    if not isinstance(value, (str, int, float)):
        raise malformed(f"value on {path} is a text, a number, true or false.")
    whole = str(value).lower() if isinstance(value, bool) else str(value)
    words = [_word(word) for word in whole.split()]

    def holds(document: Document) -> bool:
        left = words
        for name, member in reach(document):
            if member == whole and name in _WHOLE:
                return True
            still = [word for word in left if not _found(word, name, member)]
            if not still or (len(still) < len(left) and not every):
                return bool(words)
            left = still
        return False

    return holds


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    folded: str
    number: float | None


def _word(text: str) -> _Word:
    return _Word(text, text.casefold(), float(text) if _NUMBER.fullmatch(text) else None)


def _found(word: _Word, name: str, member: object) -> bool:
    """Whether the word is in this member."""
    if isinstance(member, str):
        if name == _DELEGATE:
            return word.text == member or word.text in member.split("::")
        if name in _WHOLE or name.endswith("_id"):
            return word.text == member
        return word.folded in member.casefold()
    if isinstance(member, bool):
        return word.text == str(member).lower()
    return isinstance(member, (int, float)) and word.number == member


# -- where it is looked for


def _reach(path: str) -> _Reach:
    """From a document to the members that the path means, each with its name; null is not there."""
    if "*" not in path:
        parts, last = path.split("."), path.rpartition(".")[2]
        return lambda document: [
            (last, value) for value in _at(_root(document, parts[0]), parts[1:])
        ]
    fixed = path[: path.index("*")].split(".")[:-1]
    pattern = re.compile(re.escape(path).replace(r"\*", ".*"))

    @cache
    def name_if_meant(found: str) -> str | None:
        return found.rpartition(".")[2] if pattern.fullmatch(found) else None

    def reach(document: Document) -> Iterator[tuple[str, Any]]:
        for root in fixed[:1] or _ROOTS:
            for start in _at(_root(document, root), fixed[1:]):
                for found, value in _leaves(start, ".".join(fixed) or root):
                    name = name_if_meant(found)
                    if name is not None:
                        yield name, value

    return reach


def _root(document: Document, name: str) -> Any:
    """What can be searched under this member of a document."""
    if name == "relationships":
        relations = document.get(name) or {}
        return {each: {"data": relation.get("data")} for each, relation in relations.items()}
    return document.get(name) if name in _ROOTS else None


def _at(value: Any, parts: Sequence[str]) -> list[Any]:
    """What stands at the end of a path, once for each element of the lists on the way."""
    for depth, part in enumerate(parts):
        if isinstance(value, list):
            return [found for each in value for found in _at(each, parts[depth:])]
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, list):
        return [found for each in value for found in _at(each, ())]
    return [] if value is None else [value]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, member in value.items():
            if isinstance(member, (dict, list)):
                yield from _leaves(member, f"{path}.{name}")
            elif member is not None:
                yield f"{path}.{name}", member
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each, path)
    elif value is not None:
        yield path, value


def _has_content(value: Any) -> bool:
    return not isinstance(value, dict) or any(True for _ in _leaves(value, ""))


# -- in what order


def _sorted(found: list[Document], keys: Sequence[tuple[str, bool]]) -> list[Document]:
    for path, descending in reversed((*keys, ("attributes.created_at", False), ("id", False))):
        reach = _reach(path)
        keyed = [(_sort_key(reach(document)), document) for document in found]
        present = [(key, document) for key, document in keyed if key is not None]
        present.sort(key=operator.itemgetter(0), reverse=descending)
        found = [document for _, document in present] + [
            document for key, document in keyed if key is None
        ]
    return found


def _sort_key(members: Iterable[tuple[str, Any]]) -> tuple[int, Any] | None:
    _, value = next(iter(members), ("", None))
    if isinstance(value, str):
        return 1, value.casefold()
    return (0, value) if isinstance(value, (int, float)) else None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_whole_text(value: object) -> bool:
    """Adobe's own samples write numbers as texts too: ``{"lte": "2"}``."""
    return isinstance(value, str) and _WHOLE_TEXT.fullmatch(value) is not None


def _shown(value: object) -> str:
    return repr(value)[:60]
