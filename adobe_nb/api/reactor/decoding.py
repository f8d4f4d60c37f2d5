"""Decode pages of lists: straight into the columns of a frame, or as plain documents.

A page that is decoded into typed columns costs a fifth of ``json.loads``. Members that the registry
does not know are learned when they are first met. A page that does not fit the types of the
registry is decoded as plain JSON, and the frame builder says what is wrong with it.
"""

import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import compress
from operator import attrgetter, itemgetter
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from adobe_nb.api.reactor.dates import moment_of
from adobe_nb.api.reactor.jsonapi import (
    HIDING,
    mapping,
    parsed,
    problem_of,
    public_columns,
    public_resource,
    wrong_shape,
)
from adobe_nb.forks import reset_after_fork
from adobe_nb.registry import Attribute, Kind, Resource

_UNKNOWN = re.compile(
    r"Object contains unknown field `(.*)` - "
    r"at `\$\.data\[[0-9.]+\]\.(attributes|relationships|meta)`"
)
# Names that msgspec does not accept, or that its message does not separate from its own words.
_NOT_TO_LEARN = re.compile(r"[`\\\"\x00-\x1f]")
_MAX_LEARNED = 200
_TYPES: Mapping[Kind, Any] = {
    "text": str,
    "datetime": str,
    "boolean": bool,
    "integer": int,
    "number": float,
    "json": Any,
}


Columns = dict[str, Sequence[Any]]
"""Values by the names of their columns, without id and parent."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its ids, the totals that it reports, and its resources as columns or documents."""

    ids: Sequence[str]
    total_count: int | None
    total_pages: int | None
    columns: Columns | None = None
    documents: Sequence[dict[str, Any]] = ()

    def dates(self, name: str) -> list[datetime | None]:
        """Return this attribute of each resource; None where it is not a date."""
        values: Sequence[Any]
        if self.columns is not None:
            values = self.columns.get(name) or [None] * len(self.ids)
        else:
            values = [mapping(item.get("attributes")).get(name) for item in self.documents]
        return list(map(moment_of, values))

    def without(self, rows: Collection[int]) -> "Page":
        """Return the page without the resources at these positions."""
        is_kept = [row not in rows for row in range(len(self.ids))]
        ids = list(compress(self.ids, is_kept))
        if self.columns is None:
            return replace(self, ids=ids, documents=list(compress(self.documents, is_kept)))
        columns: Columns = {}
        for name, values in self.columns.items():
            columns[name] = list(compress(values, is_kept))
        return replace(self, ids=ids, columns=columns)


@cache
def decoder_of(row: Resource) -> "Decoder":
    """Return the decoder of a resource type. It keeps what it learned while the process runs."""
    return Decoder(row)


def plain_page(body: bytes, path: str, resource_type: str) -> Page:
    """Return the page as documents. Raises IncompleteResult unless it is a list of that type."""
    refusal = f"did not answer with a list of {resource_type}"
    document, problem = parsed(body)
    if problem:
        raise wrong_shape(path, f"{refusal} ({problem})")
    items = mapping(document).get("data")
    if not isinstance(items, list):
        raise wrong_shape(path, refusal)
    for item in items:
        if problem := problem_of(item, resource_type):
            raise wrong_shape(path, f"{refusal} ({problem})")
    pagination = mapping(mapping(document.get("meta")).get("pagination"))
    return Page(
        list(map(itemgetter("id"), items)),
        _natural_number(pagination.get("total_count")),
        _natural_number(pagination.get("total_pages")),
        documents=list(map(public_resource, items)),
    )


def _natural_number(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # Not isinstance: True and False are integers to Python.
    if type(value) is int and value >= 0:
        return value
    return None


class Decoder:
    """Decodes pages of one resource type into columns. Safe for many threads."""

    def __init__(self, row: Resource) -> None:
        self._row = row
        self._lock = threading.Lock()
        self._learned: dict[str, list[str]] = {"attributes": [], "relationships": [], "meta": []}
        self._schema = _Schema(row, self._learned)
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Start again in a forked process, where another thread may have held the lock."""
        self._lock = threading.Lock()
        # That thread may have learned a member that is not in the schema yet.
        self._schema = _Schema(self._row, self._learned)

    def __call__(self, body: bytes, path: str) -> Page:
        """Return the page. Raises IncompleteResult unless it is a list of that type."""
        while True:
            schema = self._schema
            try:
                document = schema.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                if self._learn(str(error)):
                    continue
                return plain_page(body, path, self._row.type)
            ids = list(map(attrgetter("id"), document.data))
            if not "".join(ids).isascii():
                return plain_page(body, path, self._row.type)
            pagination = (document.meta and document.meta.pagination) or _Pagination()
            return Page(
                ids,
                pagination.total_count,
                pagination.total_pages,
                columns=schema.columns(document.data),
            )

    def _learn(self, message: str) -> bool:
        """Learn the unknown member that msgspec complains about. Return whether there was one."""
        match = _UNKNOWN.search(message)
        if match is None or _NOT_TO_LEARN.search(match[1]):
            return False
        name, learned = match[1], self._learned[match[2]]
        with self._lock:
            # Another thread may have learned it meanwhile.
            if name not in learned:
                if len(learned) >= _MAX_LEARNED:
                    return False
                learned.append(name)
                self._schema = _Schema(self._row, self._learned)
        return True


class _Field(NamedTuple):
    """A member of attributes, relationships or meta, and how it is decoded."""

    name: str
    column: str | None
    """None for a member that is accepted and not shown."""
    type: Any
    default: Any = None
    """Its value where it is missing; UNSET for learned members, which get a column if present."""


class _Schema:
    """How pages of a resource type are decoded, given the members that were learned so far."""

    def __init__(self, row: Resource, learned: Mapping[str, Sequence[str]]) -> None:
        self._row = row
        self._to_one = {f"{relation.name}_id": relation for relation in row.to_one}
        self._attributes = _fields(row.attributes, "", learned["attributes"])
        self._meta = _fields(row.meta, "meta_", learned["meta"])
        self._relations: list[_Field] = []
        for relation in row.relations:
            if relation.many:
                self._relations.append(_skipped(relation.name))
            else:
                self._relations.append(_Field(relation.name, f"{relation.name}_id", _ToOne | None))
        for name in learned["relationships"]:
            self._relations.append(
                _Field(name, f"{name}_id", _AnyRelation | None | msgspec.UnsetType, msgspec.UNSET)
            )
        self.decode = self._decoder()
        """Decodes the bytes of a page. Raises msgspec's errors for one that does not fit."""

    def _decoder(self) -> Callable[[bytes], Any]:
        fields = [*self._attributes, *self._relations, *self._meta]
        columns = [field.column for field in fields if field.column is not None]
        if len(set(columns)) != len(columns):
            # Two members share a column: plain documents decide which of them counts.
            return _refuse
        attributes = _struct("Attributes", self._attributes) | msgspec.UnsetType
        resource = msgspec.defstruct(
            "Resource",
            [
                ("id", Annotated[str, msgspec.Meta(min_length=1)]),
                ("type", Literal[self._row.type]),
                ("attributes", attributes, msgspec.UNSET),
                ("relationships", _struct("Relationships", self._relations) | None, None),
                ("meta", _struct("Meta", self._meta) | None, None),
            ],
            gc=False,
        )
        members: list[Any] = [("data", list[resource]), ("meta", _Head | None, None)]  # type: ignore[valid-type]
        return msgspec.json.Decoder(msgspec.defstruct("Document", members, gc=False)).decode

    def columns(self, items: Sequence[Any]) -> Columns:
        """Return the values of a page's resources, column by column."""
        columns = _values(self._attributes, map(attrgetter("attributes"), items))
        links = _values(self._relations, map(attrgetter("relationships"), items))
        for name, values in links.items():
            targets = list(map(_target, values))
            relation = self._to_one.get(name)
            if relation is not None:
                columns[f"{relation.name}_id"] = list(map(attrgetter("id"), targets))
                if len(relation.targets) > 1:
                    columns[f"{relation.name}_type"] = list(map(attrgetter("type"), targets))
                for attribute in relation.meta:
                    details = [mapping(target.meta).get(attribute.name) for target in targets]
                    columns[f"{relation.name}_{attribute.name}"] = details
            elif any(target is not _NO_TARGET for target in targets):
                # An unknown relation gets a column only where it leads to one resource.
                columns[name] = list(map(attrgetter("id"), targets))
        columns |= _values(self._meta, map(attrgetter("meta"), items))
        if self._row.type in HIDING:
            return public_columns(self._row, columns)
        return columns


class _Identifier(msgspec.Struct, gc=False):
    id: Annotated[str, msgspec.Meta(min_length=1)]
    type: str | None = None
    meta: Any = None


_NO_TARGET = _Identifier(None)  # type: ignore[arg-type]


class _ToOne(msgspec.Struct, gc=False):
    data: _Identifier | None = None


class _AnyRelation(msgspec.Struct, gc=False):
    data: Any = None


_Total = Annotated[int, msgspec.Meta(ge=0)] | None


class _Pagination(msgspec.Struct, gc=False):
    total_count: _Total = None
    total_pages: _Total = None


class _Head(msgspec.Struct, gc=False):
    pagination: _Pagination | None = None


def _fields(attributes: Iterable[Attribute], prefix: str, learned: Iterable[str]) -> list[_Field]:
    fields: list[_Field] = []
    for attribute in attributes:
        if attribute.write_only:
            # A secret: it is not even decoded.
            fields.append(_skipped(attribute.name))
        else:
            column = prefix + attribute.name
            fields.append(_Field(attribute.name, column, _TYPES[attribute.kind] | None))
    for name in learned:
        fields.append(_Field(name, prefix + name, Any, msgspec.UNSET))
    return fields


def _skipped(name: str) -> _Field:
    return _Field(name, None, msgspec.Raw, msgspec.Raw())


def _struct(name: str, fields: Sequence[_Field]) -> Any:
    """Return a struct of optional members, numbered because JSON names may be invalid in Python."""
    members = []
    names = {}
    for number, field in enumerate(fields):
        key = f"f{number}"
        members.append((key, field.type, field.default))
        names[key] = field.name
    return msgspec.defstruct(name, members, rename=names, forbid_unknown_fields=True, gc=False)


def _values(fields: Sequence[_Field], parts: Iterable[Any]) -> Columns:
    """Return the values of the members that have a column; of learned ones where they occur."""
    defaults = tuple(map(attrgetter("default"), fields))
    rows = [msgspec.structs.astuple(part) if part else defaults for part in parts]
    members: Iterable[Sequence[Any]] = [()] * len(fields)
    if rows:
        members = zip(*rows, strict=True)
    columns: Columns = {}
    for field, values in zip(fields, members, strict=True):
        if field.column is None:
            continue
        if field.default is not msgspec.UNSET:
            columns[field.column] = values
        elif values.count(msgspec.UNSET) < len(values):
            columns[field.column] = [None if value is msgspec.UNSET else value for value in values]
    return columns


def _target(link: _ToOne | _AnyRelation | None) -> _Identifier:
    """Return the identifier of the one resource that a relation leads to, or an empty one."""
    data = link and link.data
    if isinstance(data, _Identifier):
        return data
    if isinstance(data, dict) and data:
        return _Identifier(data.get("id"), data.get("type"))  # type: ignore[arg-type]
    return _NO_TARGET


def _refuse(body: bytes) -> Any:  # noqa: ARG001
    raise msgspec.DecodeError
