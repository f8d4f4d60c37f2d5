"""Pages of lists, from bytes: decoded straight into the row's own fields, or as plain documents.

A page of typed rows costs a fifth of ``json.loads``. Members that the registry does not know are
learned when they are first met and kept from then on. Whatever does not fit the row's types is
decoded as plain JSON, where the table of columns says what is wrong with it.
"""

import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import msgspec

from adobe_nb.api.reactor.jsonapi import (
    HIDING,
    parsed,
    problem_of,
    public_columns,
    public_resource,
    wrong_shape,
)
from adobe_nb.forks import restarts
from adobe_nb.registry import Kind, Resource

_UNKNOWN = re.compile(
    r"Object contains unknown field `(.*)` - at `\$\.data\[[0-9.]+\]\.(attributes|relationships|meta)`"
)
_NOT_TO_LEARN = re.compile(r"[`\\\"\x00-\x1f]")
"""In names that the decoder does not take, or that its message does not tell from the words around
them.
"""
_MOST_LEARNED = 200
_TYPES: Mapping[Kind, Any] = {
    "text": str,
    "datetime": str,
    "boolean": bool,
    "integer": int,
    "number": float,
    "json": Any,
}


Columns = dict[str, Sequence[Any]]
"""Values by the columns' names, without id and the parent's."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: ids, the totals when the service reports them, and the resources as columns or as
    documents.
    """

    ids: Sequence[str]
    total_count: int | None
    total_pages: int | None
    columns: Columns | None = None
    documents: Sequence[dict[str, Any]] = ()

    def dates(self, name: str) -> list[str | None]:
        """An attribute that is a date, of each resource, as its text."""
        if self.columns is not None:
            values: Sequence[Any] = self.columns.get(name) or [None] * len(self.ids)
        else:
            parts = [each.get("attributes") for each in self.documents]
            values = [part.get(name) if isinstance(part, dict) else None for part in parts]
        return [value if isinstance(value, str) else None for value in values]

    def without(self, dropped: Collection[int]) -> "Page":
        """The same without the resources at these places."""
        kept = [number for number in range(len(self.ids)) if number not in dropped]
        columns: Columns | None = None
        if self.columns is not None:
            columns = {
                name: [values[number] for number in kept] for name, values in self.columns.items()
            }
        documents = [self.documents[number] for number in kept] if self.documents else ()
        return replace(
            self, ids=[self.ids[number] for number in kept], columns=columns, documents=documents
        )


_decoders: dict[str, tuple[Resource, "Decoder"]] = {}


def decoder_of(row: Resource) -> "Decoder":
    """The decoder of a row; what it has learned is kept as long as the process runs."""
    known = _decoders.get(row.type)
    if known is None or known[0] is not row:
        known = _decoders[row.type] = (row, Decoder(row))
    return known[1]


def plain_page(body: bytes, path: str, kind: str) -> Page:
    """The page as documents. Raises IncompleteResult for what is no list of that type."""
    document, problem = parsed(body)
    if problem:
        raise wrong_shape(path, f"did not answer with a list of {kind} ({problem})")
    items = document.get("data") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise wrong_shape(path, f"did not answer with a list of {kind}")
    for item in items:
        if problem := problem_of(item, kind):
            raise wrong_shape(path, f"did not answer with a list of {kind} ({problem})")
    meta = document.get("meta")
    pagination = meta.get("pagination") if isinstance(meta, dict) else None
    totals = pagination if isinstance(pagination, dict) else {}
    return Page(
        [each["id"] for each in items],
        _whole(totals.get("total_count")),
        _whole(totals.get("total_pages")),
        documents=[public_resource(each) for each in items],
    )


def _whole(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


class Decoder:
    """Pages of one row of the registry, as columns. Safe for many threads."""

    def __init__(self, row: Resource) -> None:
        self._row = row
        self._lock = threading.Lock()
        self._learned: dict[str, list[str]] = {"attributes": [], "relationships": [], "meta": []}
        self._schema = _Schema(row, self._learned)
        restarts(self)

    def begin_anew(self) -> None:
        """In a forked process. What another thread had just learned may not be in the schema yet.
        """
        self._lock = threading.Lock()
        self._schema = _Schema(self._row, self._learned)

    def __call__(self, body: bytes, path: str) -> Page:
        """The page. Raises IncompleteResult for what is no list of that type."""
        while True:
            schema = self._schema
            try:
                document = schema.decode(body)
            except msgspec.ValidationError as error:
                if not self._learn(str(error)):
                    return plain_page(body, path, self._row.type)
                continue
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return plain_page(body, path, self._row.type)
            items = document.data
            if any(
                not item.id.isascii() or not item.id or item.type != self._row.type
                for item in items
            ):
                return plain_page(body, path, self._row.type)
            pagination = (document.meta and document.meta.pagination) or _Pagination()
            if min(pagination.total_count or 0, pagination.total_pages or 0) < 0:
                return plain_page(body, path, self._row.type)
            ids = [item.id for item in items]
            return Page(
                ids, pagination.total_count, pagination.total_pages, columns=schema.columns(items)
            )

    def _learn(self, message: str) -> bool:
        """Whether the decoder's error was about a member that is known from now on."""
        unknown = _UNKNOWN.search(message)
        if unknown is None or _NOT_TO_LEARN.search(unknown[1]):
            return False
        name, part = unknown[1], unknown[2]
        with self._lock:
            if name not in self._learned[part]:
                if len(self._learned[part]) >= _MOST_LEARNED:
                    return False
                self._learned[part].append(name)
                self._schema = _Schema(self._row, self._learned)
        return True


class _Schema:
    """The members of a type that are known now: how its pages are decoded, and the columns of their
    rows.
    """

    def __init__(self, row: Resource, learned: Mapping[str, Sequence[str]]) -> None:
        self._row = row
        self._attributes = [
            _Field(known.name, known.name, _TYPES[known.kind]) for known in row.columns
        ]
        self._attributes += [
            _Field(known.name, None, msgspec.Raw) for known in row.attributes if known.write_only
        ]
        self._attributes += [
            _Field(name, name, Any, learned=True) for name in learned["attributes"]
        ]
        self._meta = [
            _Field(known.name, f"meta_{known.name}", _TYPES[known.kind]) for known in row.meta
        ]
        self._meta += [_Field(name, f"meta_{name}", Any, learned=True) for name in learned["meta"]]
        # Of a to-many relation nothing is read, and of one that is not known only whether it names
        # one resource.
        self._relations = [_Field(known.name, f"{known.name}_id", _Link) for known in row.to_one]
        self._relations += [
            _Field(known.name, None, _Links) for known in row.relations if known.many
        ]
        self._relations += [
            _Field(name, f"{name}_id", _OpenLink, learned=True) for name in learned["relationships"]
        ]
        self._known_relations = {f"{relation.name}_id": relation for relation in row.to_one}
        self.decode = self._decoder()
        """The document in the bytes of a page. Raises msgspec's errors for one that does not fit.
        """

    def _decoder(self) -> Callable[[bytes], Any]:
        fields = [*self._attributes, *self._relations, *self._meta]
        columns = [field.column for field in fields if field.column is not None]
        if len(set(columns)) != len(columns):
            # Two members of one column: which of them counts is decided in one place, the plain
            # way.
            return _refuse
        resource = msgspec.defstruct(
            "Resource",
            [
                ("id", str),
                ("type", str),
                (
                    "attributes",
                    _struct("Attributes", self._attributes) | msgspec.UnsetType,
                    msgspec.UNSET,
                ),
                ("relationships", _struct("Relationships", self._relations) | None, None),
                ("meta", _struct("Meta", self._meta) | None, None),
            ],
            gc=False,
        )
        document = msgspec.defstruct(
            "Document",
            [("data", list[resource]), ("meta", _Head | None, None)],  # type: ignore[valid-type]
            gc=False,
        )
        return msgspec.json.Decoder(document).decode

    def columns(self, items: Sequence[Any]) -> Columns:
        """The values of the resources of a page, column by column."""
        columns = _values(self._attributes, [item.attributes for item in items])
        for name, links in _values(self._relations, [item.relationships for item in items]).items():
            targets = [_target(link) for link in links]
            relation = self._known_relations.get(name)
            if relation is None and not any(targets):
                continue
            columns[name] = [target and target.id for target in targets]
            if relation is None:
                continue
            if len(relation.targets) > 1:
                columns[f"{relation.name}_type"] = [target and target.type for target in targets]
            for attribute in relation.meta:
                described = [_said_of_target(target, attribute.name) for target in targets]
                columns[f"{relation.name}_{attribute.name}"] = described
        columns |= _values(self._meta, [item.meta for item in items])
        return public_columns(self._row, columns) if self._row.type in HIDING else columns


@dataclass(slots=True)
class _Field:
    name: str
    column: str | None
    """None: it is known, and not shown."""
    kind: Any
    learned: bool = False
    default: Any = field(init=False, default=None)
    """Where it is missing."""

    def __post_init__(self) -> None:
        if self.kind is msgspec.Raw:
            self.default = msgspec.Raw()
        elif self.learned:
            self.default = msgspec.UNSET

    @property
    def type(self) -> Any:
        """What it may be."""
        if self.kind is msgspec.Raw:
            return msgspec.Raw
        return self.kind | None | msgspec.UnsetType if self.learned else self.kind | None


class _Identifier(msgspec.Struct, gc=False):
    id: Annotated[str, msgspec.Meta(min_length=1)]
    type: str | None = None
    meta: Any = None


class _Link(msgspec.Struct, gc=False):
    data: _Identifier | None = None


class _Links(msgspec.Struct, gc=False):
    data: list[msgspec.Raw] | None = None


class _OpenLink(msgspec.Struct, gc=False):
    data: Any = None


class _Pagination(msgspec.Struct, gc=False):
    total_count: int | None = None
    total_pages: int | None = None


class _Head(msgspec.Struct, gc=False):
    pagination: _Pagination | None = None


def _struct(name: str, fields: Sequence[_Field]) -> Any:
    """A struct whose members are all optional. In it they are numbered: names in JSON may be none
    in Python.
    """
    members = [(f"f{number}", field.type, field.default) for number, field in enumerate(fields)]
    names = {f"f{number}": field.name for number, field in enumerate(fields)}
    return msgspec.defstruct(name, members, rename=names, forbid_unknown_fields=True, gc=False)


def _values(fields: Sequence[_Field], parts: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """The values of those members that are shown, column by column; learned ones only where they
    occur.
    """
    nothing = tuple(each.default for each in fields)
    rows = [
        nothing if part is None or part is msgspec.UNSET else msgspec.structs.astuple(part)
        for part in parts
    ]
    values: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(fields)
    columns: Columns = {}
    for each, column in zip(fields, values, strict=True):
        if each.column is not None and not each.learned:
            columns[each.column] = column
        elif each.column is not None and any(value is not msgspec.UNSET for value in column):
            columns[each.column] = [None if value is msgspec.UNSET else value for value in column]
    return columns


def _target(link: "_Link | _OpenLink | None") -> Any:
    data = link and link.data
    if isinstance(data, dict) and data:
        return _Identifier(data.get("id"), data.get("type"))  # type: ignore[arg-type]
    return data if isinstance(data, _Identifier) else None


def _said_of_target(target: Any, name: str) -> Any:
    """What the ``meta`` of an identifier says under that name."""
    meta = target.meta if target else None
    return meta.get(name) if isinstance(meta, dict) else None


def _refuse(body: bytes) -> Any:  # noqa: ARG001
    raise msgspec.DecodeError
