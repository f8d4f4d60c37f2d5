"""Search over resource types: one question to the service, one DataFrame back, complete or an
error.

Source: https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/endpoints/search
"""

import math
import operator as operators
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from adobe_nb.api.reactor.client import Answer, Client, attrs_of
from adobe_nb.api.reactor.decoding import Page
from adobe_nb.api.reactor.filters import Sort, check_whole
from adobe_nb.api.reactor.frames import json_columns, json_text, nested_text, to_frame
from adobe_nb.api.reactor.inputs import checked_limit
from adobe_nb.api.reactor.jsonapi import Document, problem_of, wrong_shape
from adobe_nb.api.reactor.paging import PAGE_SIZE, Documents, Listing, read_lists
from adobe_nb.errors import ArgumentError, IncompleteResult
from adobe_nb.registry import RESOURCES, UPDATED, Attribute, Resource
from adobe_nb.suggest import did_you_mean

SEARCHABLE = tuple(row.type for row in RESOURCES.values() if row.searchable)
"""The types that the service can search."""

EVERYWHERE = "attributes.*"
_PATH = "/search"
_LETTERS = re.compile(r"[a-z_.*]+")
_REVISION = "attributes.revision_number"
_HEADS = {"range": {"lte": 0}}
_DELETION = "attributes.deleted_at"
_NEVER = {"exists": False}
_REVISED = {
    row.type
    for row in RESOURCES.values()
    if any(attribute.name == "revision_number" for attribute in row.columns)
}
_DELETABLE = {
    row.type for row in RESOURCES.values() if any(each.name == "deleted_at" for each in row.columns)
}
_BOUNDS = ("gt", "gte", "lt", "lte")
_OPERATORS = ("AND", "OR")

# What resources of several types have in common, as a row of the table: so frames.py types these
# columns too.
_FOUND = Resource(
    type="search",
    singular="resource",
    prefix="",
    about="A resource of any type, as a search over several types shows it.",
    attributes=(
        Attribute("type", "text", "its type"),
        Attribute("name", "text", "its name, display name or text"),
        Attribute("property_id", "text", "the property it belongs to"),
        UPDATED,
        Attribute("document", "text", "the whole resource, as JSON text"),
    ),
    relations=(),
    filters=(),
    listed=False,
)

_Query = Mapping[str, Mapping[str, Any]]
_Order = tuple[tuple[str, bool], ...]
"""Paths, and whether descending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question(Listing):
    """One question to the service, read page by page like a list."""

    types: tuple[str, ...]
    query: _Query
    order: _Order
    heads: bool
    """Only heads may come."""
    there: bool
    """Nothing deleted may come."""
    limit: int | None

    tries: ClassVar[int] = 2

    @property
    def dates(self) -> tuple[str, ...]:
        """None: a search has no window to be read again in."""
        return ()

    def fetch(self, client: Client, number: int, size: int) -> Answer:
        """One page. Raises ApiError, TransportError."""
        start = (number - 1) * size
        if self.limit is not None:
            size = min(size, self.limit - start)
        data = {
            "from": start,
            "size": size,
            "query": dict(self.query),
            "sort": [{path: "desc" if descending else "asc"} for path, descending in self.order],
            "resource_types": list(self.types),
        }
        return Answer(client.post_read(_PATH, {"data": data}))


class _Found(Documents):
    """The resources that a question finds."""

    def decode(self, body: Any, listing: Any) -> Page:
        """The page. Raises IncompleteResult for what was not asked for."""
        resources, meta = body.get("data"), body.get("meta")
        total = meta.get("total_hits") if isinstance(meta, dict) else None
        # Not isinstance: true and false are integers to Python.
        if not isinstance(resources, list) or type(total) is not int or total < 0:
            raise wrong_shape(_PATH, "did not answer with a list of resources and their number")
        for resource in resources:
            _check_resource(resource, listing)
        size = PAGE_SIZE if listing.limit is None else min(PAGE_SIZE, listing.limit)
        ids = [resource["id"] for resource in resources]
        return Page(ids, total, math.ceil(total / size), documents=resources)


def search(
    client: Client,
    text: str | None = None,
    *,
    fields: str = EVERYWHERE,
    types: str | Sequence[str] | None = None,
    query: Mapping[str, Any] | None = None,
    operator: str = "AND",
    sort: Sort | None = None,
    revisions: bool = False,
    deleted: bool = False,
    limit: int | None = None,
) -> pd.DataFrame:
    """The docstring of ``Reactor.search`` says what comes back."""
    wanted = _checked_types(types)
    conditions = _checked_question(text, fields, query, operator)
    for path in conditions:
        _check_member(path, wanted)
    order = _checked_order(sort, wanted)
    most = checked_limit(limit)
    found: list[Document] = []
    total = 0
    for question in _questions(
        wanted, conditions, order, revisions=revisions, deleted=deleted, limit=most
    ):
        resources = _Found()
        [answer] = read_lists(client, [question], [resources], "search", first=most)
        found += resources.all()[:most]
        total += answer.total or 0
    rows = _sorted(found, order)[:most]
    attrs = attrs_of(client, _PATH, total)
    if len(wanted) == 1:
        return to_frame(RESOURCES[wanted[0]], rows, attrs=attrs)
    return to_frame(_FOUND, [_in_common(resource) for resource in rows], attrs=attrs)


def _questions(
    types: tuple[str, ...],
    query: _Query,
    order: _Order,
    *,
    revisions: bool,
    deleted: bool,
    limit: int | None,
) -> list[_Question]:
    """One for all; or one for the types that have revisions, which may show heads only, and one for
    the others.
    """

    def question(types: tuple[str, ...], *, heads: bool) -> _Question:
        there = not (deleted or _DELETION in query) and any(each in _DELETABLE for each in types)
        conditions = dict(query)
        if heads:
            conditions[_REVISION] = _HEADS
        if there:
            conditions[_DELETION] = _NEVER
        return _Question(
            _PATH, "search", types=types, query=conditions, order=order, heads=heads, there=there, limit=limit
        )  # fmt: skip

    revised = tuple(each for each in types if each in _REVISED)
    if revisions or _REVISION in query or not revised:
        return [question(types, heads=False)]
    questions = [question(revised, heads=True)]
    others = tuple(each for each in types if each not in _REVISED)
    if others:
        questions.append(question(others, heads=False))
    return questions


def _check_resource(resource: Any, question: _Question) -> None:
    """Raise IncompleteResult for what was not asked for."""
    kind = resource.get("type") if isinstance(resource, dict) else None
    known = isinstance(kind, str) and kind in question.types
    if problem := problem_of(resource, str(kind) if known else question.types[0]):
        raise wrong_shape(
            _PATH, f"gave something else than {', '.join(question.types)} ({problem})"
        )
    if "attributes" not in resource:
        raise wrong_shape(_PATH, f"gave {resource['id']} without attributes")
    if question.heads and resource["attributes"].get("revision_number") != 0:
        raise IncompleteResult(
            f"The search gave {resource['id']}, a revision, where only heads were asked for. Ask with "
            "revisions=True, and filter the frame by its revision_number."
        )
    if question.there and resource["attributes"].get("deleted_at") is not None:
        raise IncompleteResult(
            f"The search gave {resource['id']}, which is deleted, where only others were asked for. Ask with "
            "deleted=True, and filter the frame by its deleted_at."
        )


def _sorted(resources: list[Document], order: _Order) -> list[Document]:
    """As the service was asked to: text without regard to case, missing last. Two walks become one
    table by it.
    """
    for path, descending in reversed(order):
        keyed = [(_sort_key(_at(resource, path)), resource) for resource in resources]
        present = [pair for pair in keyed if pair[0] is not None]
        present.sort(key=operators.itemgetter(0), reverse=descending)
        resources = [each for _, each in present] + [each for key, each in keyed if key is None]
    return resources


def _sort_key(value: object) -> tuple[int, Any] | None:
    if value is None:
        return None
    return (0, value) if isinstance(value, (int, float)) else (1, json_text(value).casefold())


def _at(resource: Mapping[str, Any], path: str) -> Any:
    value: Any = resource
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _in_common(resource: Document) -> Document:
    attributes = resource["attributes"]
    row = RESOURCES[resource["type"]]
    hidden = {attribute.name for attribute in row.attributes if attribute.write_only}
    nested = json_columns(row)
    shown = {
        name: nested_text(value) if name in nested and isinstance(value, str) else value
        for name, value in attributes.items()
        if name not in hidden
    }
    names = (attributes.get(each) for each in ("name", "display_name", "text"))
    return {
        "id": resource["id"],
        "attributes": {
            "type": resource["type"],
            "name": next((name for name in names if name is not None), None),
            "property_id": _at(resource, "relationships.property.data.id"),
            "updated_at": attributes.get("updated_at"),
            "document": json_text({**resource, "attributes": shown}),
        },
    }


# -- checks, before any request


def _checked_types(given: str | Iterable[str] | None) -> tuple[str, ...]:
    if given is None:
        return SEARCHABLE
    if not isinstance(given, Iterable):
        raise ArgumentError(
            'types is a resource type or a list of them, as in types=["rules", "data_elements"].'
        )
    types = [given] if isinstance(given, str) else list(given)
    if not types:
        raise ArgumentError("types is empty. Leave it out to search all of them.")
    for each in types:
        if not isinstance(each, str) or each not in RESOURCES:
            raise ArgumentError(
                f"{each!r} is not a resource type.{did_you_mean(str(each), SEARCHABLE)}"
            )
        if each not in SEARCHABLE:
            raise ArgumentError(
                f"Adobe does not search {each}. Read them with {RESOURCES[each].call}."
            )
    return tuple(dict.fromkeys(types))


def _checked_question(
    text: object, fields: object, query: object, operator: object
) -> dict[str, dict[str, Any]]:
    if (text is None) == (query is None):
        raise ArgumentError(
            'Hand over a text, as in reactor.search("evar7"), or query=, as in '
            'reactor.search(query={"attributes.name": "Home"}); one of the two.'
        )
    if query is None:
        if not isinstance(text, str):
            raise ArgumentError(
                f'text is a text, not {text!r}. For other values: query={{"attributes.order": 7}}.'
            )
        return {
            _checked_path(fields): _checked_value(
                "text", {"value": text, "value_operator": operator}
            )
        }
    if fields != EVERYWHERE or operator != "AND":
        raise ArgumentError(
            "fields and operator go with a text. In query the paths are its keys, and the operator stands beside the "
            'value: {"value": "a b", "value_operator": "OR"}.'
        )
    if not isinstance(query, Mapping) or not query:
        raise ArgumentError(
            'query is a dict with at least one path, as in {"attributes.settings": "evar7"}.'
        )
    return {
        _checked_path(path): _checked_condition(str(path), condition)
        for path, condition in query.items()
    }


def _checked_path(path: object) -> str:
    if isinstance(path, (list, tuple, set)):
        raise ArgumentError(
            "fields is one path, as in attributes.settings. Several conditions go into query=."
        )
    if not isinstance(path, str) or not _LETTERS.fullmatch(path) or not all(path.split(".")):
        raise ArgumentError(
            f"{path!r} is not a path: those have small letters, underscores, dots and *, as in attributes.settings."
        )
    root, _, rest = path.partition(".")
    if root in {"meta", "links"}:
        raise ArgumentError(f"{path!r}: Adobe does not search {root}. Filter the frame instead.")
    if "*" in root or path in {"id", "type"} or (rest and root in {"attributes", "relationships"}):
        return path
    raise ArgumentError(
        f"{path!r} is not a path: those begin with attributes or relationships. Did you mean attributes.{path}?"
    )


def _check_member(path: str, types: Sequence[str]) -> None:
    """A name that no type has would give an empty table. What comes after it is the API's own."""
    root, _, rest = path.partition(".")
    name = rest.partition(".")[0]
    if "*" in root or "*" in name or not name:
        return
    rows = [RESOURCES[each] for each in types]
    members = {
        "attributes": [each.name for row in rows for each in row.columns],
        "relationships": [each.name for row in rows for each in row.relations],
    }[root]
    if name not in members:
        known = [f"{root}.{each}" for each in sorted(set(members))]
        hint = did_you_mean(f"{root}.{name}", known)
        raise ArgumentError(f"{', '.join(types)}: none of these has {root}.{name}.{hint}")


def _checked_condition(path: str, given: object) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        return _checked_value(path, {"value": given})
    kinds = {"exists", "value", "range"} & given.keys()
    strange = [name for name in given if name not in {"exists", "value", "range", "value_operator"}]
    if len(kinds) != 1 or strange or ("value_operator" in given and "value" not in given):
        raise ArgumentError(
            f'The condition on {path} is one of {{"exists": True}}, {{"value": …, "value_operator": "OR"}} and '
            f'{{"range": {{"gte": 1}}}}, not {_shown(dict(given))}.'
        )
    if "exists" in given:
        if not isinstance(given["exists"], (bool, np.bool_)):
            raise ArgumentError(
                f"exists on {path} is True or False, not {_shown(given['exists'])}."
            )
        return {"exists": bool(given["exists"])}
    return _checked_range(path, given["range"]) if "range" in given else _checked_value(path, given)


def _checked_range(path: str, bounds: object) -> dict[str, Any]:
    if not isinstance(bounds, Mapping) or not bounds or not set(bounds) <= set(_BOUNDS):
        raise ArgumentError(
            f"range on {path} is a dict with {', '.join(_BOUNDS)}, not {_shown(bounds)}."
        )
    numbers = {name: _whole(bound) for name, bound in bounds.items()}
    if None in numbers.values():
        raise ArgumentError(
            f"The bounds of the range on {path} are whole numbers, not {_shown(dict(bounds))}. Dates can be "
            "filtered in the frame, or by a list, as in reactor.rules(property, filter=…)."
        )
    return {"range": numbers}


def _checked_value(path: str, given: Mapping[str, Any]) -> dict[str, Any]:
    value = given["value"].item() if isinstance(given["value"], np.generic) else given["value"]
    if not isinstance(value, (str, int, float)) or (
        isinstance(value, float) and not math.isfinite(value)
    ):
        raise ArgumentError(
            f"The value of {path} is a text, number or bool, not {_shown(value)}. For missing values: "
            '{"exists": False}.'
        )
    if isinstance(value, str):
        check_whole(f"The value of {path}", value)
    if isinstance(value, str) and not value.strip():
        raise ArgumentError(
            f'The value of {path} is empty. For any value there is: {{"exists": True}}.'
        )
    if isinstance(value, bool):
        value = str(value).lower()
    value = str(value)  # Adobe's document takes texts only
    if "value_operator" not in given:
        return {"value": value}
    if given["value_operator"] not in _OPERATORS:
        raise ArgumentError(
            f"The operator is AND or OR, in capitals, not {_shown(given['value_operator'])}."
        )
    return {"value": value, "value_operator": given["value_operator"]}


def _checked_order(given: Sort | None, types: Sequence[str]) -> _Order:
    """The keys asked for, then creation and id: pages of an order with ties can overlap."""
    if given is not None and not isinstance(given, (str, Iterable)):
        raise ArgumentError(
            'sort names attributes, as in sort="-updated_at" or sort=["name", "-updated_at"].'
        )
    keys: Iterable[object] = given.split(",") if isinstance(given, str) else given or ()
    order: dict[str, bool] = {}
    for key in keys:
        text = str(key).strip()
        order.setdefault(_sort_path(text.lstrip("+-"), types), text.startswith("-"))
    return tuple(
        {
            **order,
            **{each: False for each in ("attributes.created_at", "id") if each not in order},
        }.items()
    )


def _sort_path(name: str, types: Sequence[str]) -> str:
    if "." in name and "*" not in name:
        return _checked_path(name)
    sortable = dict.fromkeys(each for kind in types for each in RESOURCES[kind].sortable)
    if name in sortable:
        return f"attributes.{name}"
    if name in {"id", "type"}:
        return name
    raise ArgumentError(
        f"The search cannot be sorted by {name or 'nothing'!r}.{did_you_mean(name, [*sortable])}"
    )


def _whole(value: object) -> int | None:
    """The whole number it is, or None. True is no number."""
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        return operators.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def _shown(value: object) -> str:
    return repr(value)[:80]
