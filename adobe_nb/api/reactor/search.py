"""Search over resource types: a complete DataFrame, or an error.

See https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/endpoints/search
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral
from operator import itemgetter
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from adobe_nb.api.reactor.client import Answer, Client, attrs_of
from adobe_nb.api.reactor.decoding import Page
from adobe_nb.api.reactor.filters import Direction, Sort, check_characters, split_sort
from adobe_nb.api.reactor.frames import json_columns, json_text, nested_text, to_frame
from adobe_nb.api.reactor.inputs import checked_limit
from adobe_nb.api.reactor.jsonapi import (
    Document,
    mapping,
    problem_of,
    public_resource,
    type_among,
    wrong_shape,
)
from adobe_nb.api.reactor.paging import PAGE_SIZE, Documents, Listing, read_lists
from adobe_nb.errors import ArgumentError, IncompleteResult
from adobe_nb.registry import RESOURCES, UPDATED, Attribute, Resource
from adobe_nb.suggest import did_you_mean

SEARCHABLE = tuple(row.type for row in RESOURCES.values() if row.searchable)
"""The types that the service can search."""

EVERYWHERE = "attributes.*"
_PATH = "/search"
_PATH_CHARACTERS = re.compile(r"[a-z_.*]+")
_REVISION = "attributes.revision_number"
# Heads have revision number 0. Adobe's own samples select it with a range.
_HEADS = {"range": {"lte": 0}}
_DELETION = "attributes.deleted_at"
_NEVER = {"exists": False}
_BOUNDS = ("gt", "gte", "lt", "lte")
_OPERATORS = ("AND", "OR")
_REVISED = {row.type for row in RESOURCES.values() if "revision_number" in row.sortable}
_DELETABLE = {row.type for row in RESOURCES.values() if "deleted_at" in row.sortable}

# A row like those of the registry, so that frames.py types the columns of a mixed result too.
_MIXED = Resource(
    type="search",
    singular="resource",
    prefix="",
    about="A resource of any type, in the result of a search over several types.",
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
"""Conditions by path."""
_Order = Mapping[str, Direction]
"""Paths to sort by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search(Listing):
    """A search, which is read page by page like a list."""

    types: tuple[str, ...]
    query: _Query
    order: _Order
    limit: int | None
    # A search cannot be read again in windows of a date, only as a whole.
    dates: tuple[str, ...] = ()

    tries: ClassVar[int] = 2

    def fetch(self, client: Client, number: int, size: int) -> Answer:
        """Fetch a page. Raises ApiError, TransportError."""
        start = (number - 1) * size
        if self.limit is not None:
            size = min(size, self.limit - start)
        data = {
            "from": start,
            "size": size,
            "query": dict(self.query),
            "sort": [{path: direction} for path, direction in self.order.items()],
            "resource_types": list(self.types),
        }
        return Answer(client.post_read(_PATH, {"data": data}))


class _Results(Documents):
    """Keeps the resources that a search finds."""

    def decode(self, body: Any, listing: Any) -> Page:
        """Return the page. Raises IncompleteResult for an unexpected response."""
        resources = body.get("data")
        total = mapping(body.get("meta")).get("total_hits")
        # Not isinstance: true and false are integers in Python.
        if not isinstance(resources, list) or type(total) is not int or total < 0:
            raise wrong_shape(_PATH, "did not return a list of resources with their total")
        for resource in resources:
            _check_resource(resource, listing)
        # The API reports hits, not pages.
        size = min(PAGE_SIZE, listing.limit or PAGE_SIZE)
        ids = list(map(itemgetter("id"), resources))
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
    """Search over resource types; see ``Reactor.search``."""
    checked_types = _checked_types(types)
    conditions = _checked_query(text, fields, query, operator)
    for path in conditions:
        _check_member(path, checked_types)
    whole = _Search(
        _PATH,
        "search",
        types=checked_types,
        query=conditions,
        order=_checked_order(sort, checked_types),
        limit=checked_limit(limit),
    )
    resources: list[Document] = []
    total = 0
    for part in _parts_of(whole, revisions=revisions, deleted=deleted):
        results = _Results()
        [listed] = read_lists(client, [part], [results], "search", first=whole.limit)
        resources += results.all()[: whole.limit]
        total += listed.total or 0
    resources = _sorted(resources, whole.order)[: whole.limit]
    attrs = attrs_of(client, _PATH, total)
    if len(checked_types) == 1:
        return to_frame(RESOURCES[checked_types[0]], resources, attrs=attrs)
    return to_frame(_MIXED, list(map(_mixed, resources)), attrs=attrs)


def _parts_of(search: _Search, *, revisions: bool, deleted: bool) -> Iterator[_Search]:
    """Yield the search, in two parts if only some of its types have revisions to leave out."""
    heads, others = [], []
    heads_only = not revisions and _REVISION not in search.query
    for name in search.types:
        # A condition on the revision number finds only types that have one.
        if heads_only and name in _REVISED:
            heads.append(name)
        else:
            others.append(name)
    for types in filter(None, (heads, others)):
        query = dict(search.query)
        if types is heads:
            query[_REVISION] = _HEADS
        if not deleted and not _DELETABLE.isdisjoint(types):
            query.setdefault(_DELETION, _NEVER)
        yield replace(search, types=tuple(types), query=query)


def _check_resource(resource: Any, request: _Search) -> None:
    """Raise IncompleteResult for a resource that does not match the search."""
    if problem := problem_of(resource, type_among(resource, request.types)):
        raise wrong_shape(
            _PATH, f"returned resources other than {', '.join(request.types)} ({problem})"
        )
    if "attributes" not in resource:
        raise wrong_shape(_PATH, f"returned {resource['id']} without attributes")
    attributes = resource["attributes"]
    if request.query.get(_REVISION) == _HEADS and attributes.get("revision_number") != 0:
        raise IncompleteResult(
            f"The search for heads returned {resource['id']}, a revision. Search with "
            "revisions=True, and filter the frame by its revision_number."
        )
    if request.query.get(_DELETION) == _NEVER and attributes.get("deleted_at") is not None:
        raise IncompleteResult(
            f"The search returned {resource['id']}, which is deleted. Search with deleted=True, "
            "and filter the frame by its deleted_at."
        )


def _sorted(resources: list[Document], order: _Order) -> list[Document]:
    """Sort as the service does: strings without regard to case, missing values last.

    The results of two searches become one table this way.
    """
    for path, direction in reversed([*order.items()]):
        present, missing = [], []
        for resource in resources:
            if _at(resource, path) is None:
                missing.append(resource)
            else:
                present.append(resource)
        present.sort(key=partial(_sort_key, path), reverse=direction == "desc")
        resources = present + missing
    return resources


def _sort_key(path: str, resource: Document) -> tuple[int, Any]:
    value = _at(resource, path)
    if isinstance(value, (int, float)):
        return 0, value
    return 1, json_text(value).casefold()


def _at(resource: Mapping[str, Any], path: str) -> Any:
    value: Any = resource
    for part in path.split("."):
        value = mapping(value).get(part)
    return value


def _mixed(resource: Document) -> Document:
    """Return a resource as a row of a result with several types."""
    attributes = resource["attributes"]
    shown = dict(public_resource(resource)["attributes"])
    # The same decoding as in the columns of a list.
    for name in json_columns(RESOURCES[resource["type"]]) & shown.keys():
        if isinstance(shown[name], str):
            shown[name] = nested_text(shown[name])
    names = map(attributes.get, ("name", "display_name", "text"))
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


def _checked_types(types: str | Iterable[str] | None) -> tuple[str, ...]:
    if types is None:
        return SEARCHABLE
    if isinstance(types, str):
        types = [types]
    if not isinstance(types, Iterable):
        raise ArgumentError(
            "types must be a resource type or a list of them, for example "
            'types=["rules", "data_elements"].'
        )
    names = list(types)
    if not names:
        raise ArgumentError("types is empty. Omit it to search all types.")
    for name in names:
        if not isinstance(name, str) or name not in RESOURCES:
            hint = did_you_mean(str(name), SEARCHABLE)
            raise ArgumentError(f"{name!r} is not a resource type.{hint}")
        if name not in SEARCHABLE:
            raise ArgumentError(
                f"The API cannot search {name}. List them with {RESOURCES[name].call}."
            )
    return tuple(dict.fromkeys(names))


def _checked_query(text: object, fields: object, query: object, operator: object) -> _Query:
    if (text is None) == (query is None):
        raise ArgumentError(
            'Pass either a text, for example reactor.search("evar7"), or query=, for example '
            'reactor.search(query={"attributes.name": "Home"}).'
        )
    if query is None:
        if not isinstance(text, str):
            raise ArgumentError(
                f"text must be a string, not {text!r}. For other values, use "
                'query={"attributes.order": 7}.'
            )
        condition = {"value": text, "value_operator": operator}
        return {_checked_path(fields): _checked_value("text", condition)}
    if fields != EVERYWHERE or operator != "AND":
        raise ArgumentError(
            "fields and operator require a text. In query, the keys are the paths, and the "
            'operator is next to the value: {"value": "a b", "value_operator": "OR"}.'
        )
    if not isinstance(query, Mapping) or not query:
        raise ArgumentError(
            "query must be a dict with at least one path, for example "
            '{"attributes.settings": "evar7"}.'
        )
    return {
        _checked_path(path): _checked_condition(str(path), condition)
        for path, condition in query.items()
    }


def _checked_path(path: object) -> str:
    if isinstance(path, (list, tuple, set)):
        raise ArgumentError(
            "fields must be one path, for example attributes.settings. Use query= for several."
        )
    if not isinstance(path, str) or not _PATH_CHARACTERS.fullmatch(path) or "" in path.split("."):
        raise ArgumentError(
            f"{path!r} is not a path. Paths have lowercase letters, underscores, dots and *, for "
            "example attributes.settings."
        )
    root, _, rest = path.partition(".")
    if root in {"meta", "links"}:
        raise ArgumentError(f"{path!r}: the API cannot search {root}. Filter the frame instead.")
    if "*" in root or path in {"id", "type"} or (rest and root in {"attributes", "relationships"}):
        return path
    raise ArgumentError(
        f"{path!r} is not a path. Paths begin with attributes or relationships. Did you mean "
        f"attributes.{path}?"
    )


def _check_member(path: str, types: Sequence[str]) -> None:
    """Raise ArgumentError for a name that none of the types has: the search would find nothing."""
    # Deeper parts of a path are the API's own.
    member = ".".join(path.split(".")[:2])
    if "." not in member or "*" in member:
        return
    names: set[str] = set()
    for resource_type in types:
        row = RESOURCES[resource_type]
        names.update(f"attributes.{name}" for name in row.sortable)
        names.update(f"relationships.{relation.name}" for relation in row.relations)
    if member not in names:
        hint = did_you_mean(member, sorted(names))
        raise ArgumentError(f"{member} does not exist in {', '.join(types)}.{hint}")


def _checked_condition(path: str, condition: object) -> dict[str, Any]:
    if not isinstance(condition, Mapping):
        return _checked_value(path, {"value": condition})
    names = set(condition)
    if names == {"exists"}:
        exists = condition["exists"]
        if not isinstance(exists, (bool, np.bool_)):
            raise ArgumentError(f"exists on {path} must be True or False, not {_short(exists)}.")
        return {"exists": bool(exists)}
    if names == {"range"}:
        return _checked_range(path, condition["range"])
    if names in ({"value"}, {"value", "value_operator"}):
        return _checked_value(path, condition)
    raise ArgumentError(
        f'The condition on {path} must be one of {{"exists": True}}, {{"range": {{"gte": 1}}}} and '
        f'{{"value": …, "value_operator": "OR"}}, not {_short(dict(condition))}.'
    )


def _checked_range(path: str, bounds: object) -> dict[str, Any]:
    if not isinstance(bounds, Mapping) or not bounds or not set(bounds) <= set(_BOUNDS):
        raise ArgumentError(
            f"range on {path} must be a dict with {', '.join(_BOUNDS)}, not {_short(bounds)}."
        )
    for bound in bounds.values():
        if isinstance(bound, bool) or not isinstance(bound, Integral):
            raise ArgumentError(
                f"The bounds of the range on {path} must be integers, not {_short(bound)}. Filter "
                "by a date in the frame, or in a list: reactor.rules(property, filter=…)."
            )
    return {"range": {name: int(bound) for name, bound in bounds.items()}}


def _checked_value(path: str, condition: Mapping[str, Any]) -> dict[str, Any]:
    value = condition["value"]
    if isinstance(value, np.generic):
        value = value.item()
    is_finite = not isinstance(value, float) or math.isfinite(value)
    if not isinstance(value, (str, int, float)) or not is_finite:
        raise ArgumentError(
            f"The value of {path} must be a string, number or bool, not {_short(value)}. To find "
            'missing values, use {"exists": False}.'
        )
    text = str(value)
    check_characters(f"The value of {path}", text)
    if not text.strip():
        raise ArgumentError(f'The value of {path} is empty. To find any, use {{"exists": True}}.')
    # The API takes values of any type as strings.
    if isinstance(value, bool):
        text = text.lower()
    checked = {"value": text}
    if "value_operator" in condition:
        operator = condition["value_operator"]
        if operator not in _OPERATORS:
            raise ArgumentError(f"The operator must be AND or OR, not {_short(operator)}.")
        checked["value_operator"] = operator
    return checked


def _checked_order(sort: Sort | None, types: Sequence[str]) -> _Order:
    order: dict[str, Direction] = {}
    for name, direction in split_sort(sort):
        order.setdefault(_sort_path(name, types), direction)
    # Pages of an order with ties can overlap.
    order.setdefault("attributes.created_at", "asc")
    order.setdefault("id", "asc")
    return order


def _sort_path(name: str, types: Sequence[str]) -> str:
    if "." in name and "*" not in name:
        return _checked_path(name)
    sortable: dict[str, None] = {}
    for resource_type in types:
        sortable |= dict.fromkeys(RESOURCES[resource_type].sortable)
    if name in sortable:
        return f"attributes.{name}"
    if name in {"id", "type"}:
        return name
    hint = did_you_mean(name, sortable)
    raise ArgumentError(f"The search cannot be sorted by {name!r}.{hint}")


def _short(value: object) -> str:
    return repr(value)[:80]
