"""The resource registry: one row per resource type of the Reactor API. Pure data.

The rows are in ``registry.toml``. The client's checks, the frames' columns and dtypes, the
simulator's routes, the help texts and the parametrized tests are all read from them.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal

Kind = Literal["text", "boolean", "integer", "number", "datetime", "json"]
Writability = Literal["", "create", "update", "create+update"]
Form = Literal["", "text", "list", "object"]
Verb = Literal["create", "update", "delete"]

ID_PATTERN = re.compile(r"[A-Z]{2}(?:[0-9a-f]{32}|preview[0-9a-f]{25})")
PREVIEW_ID = re.compile(r"[A-Z]{2}preview[0-9a-f]{25}")
"""An id that a preview session made up. The service's ids are 32 hexadecimal digits."""
STAGES = ("development", "staging", "production")
_GUIDE = "https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/endpoints/"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. ``json`` is anything nested or of mixed type; in a frame it is text."""

    name: str
    kind: Kind
    meaning: str
    write: Writability = ""
    required: bool = False
    write_only: bool = False
    form: Form = ""
    """Of ``json``: what the API expects. ``text`` is JSON as a string; empty accepts any value."""
    values: tuple[str, ...] = ()
    """All values that the API accepts, where they are known."""
    nullable: bool = False
    """Whether None can be written."""
    members: tuple[str, ...] = ()
    """Of ``json``: the only members that are shown. Any other may be a secret."""
    hides: Literal["", "address", "document"] = ""
    """Where its value may hold a secret: in an address, or in a resource inside a document."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship: to-one becomes the column ``<name>_id``, to-many is a list of its own."""

    name: str
    targets: tuple[str, ...]
    many: bool = False
    nullable: bool = False
    write: Writability = ""
    required: bool = False
    """Whether ``create`` requires it."""
    endpoint: bool = False
    """Has ``/relationships/<name>``, which returns identifiers."""
    meta: tuple[Attribute, ...] = ()
    """What ``meta`` of a to-one identifier holds; becomes ``<relation>_<attribute>`` columns."""


# Compared by identity, so that a row can be the key of a cache.
@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One row: what a resource type is, where it is listed, and what its columns are."""

    type: str
    singular: str
    prefix: str
    about: str
    attributes: tuple[Attribute, ...]
    relations: tuple[Relation, ...]
    filters: tuple[str, ...]
    parents: tuple[str, ...] = ()
    """Types under which the API lists this one, at ``/<parent>/{id}/<type>``."""
    through: Mapping[str, str] = field(default_factory=dict)
    """Grandparents to fan out for. ``{"properties": "rules"}``: list the rules of the property,
    then list under each rule.
    """
    default_parent: str | None = None
    """Without a parent, list under everything of this type."""
    meta: tuple[Attribute, ...] = ()
    revisionable: bool = False
    at_root: bool = False
    """Listed at ``/<type>`` as well as under its parents."""
    listed: bool = True
    """Whether the API has any list of it."""
    deepest_page: int | None = None
    """The last page of its list that the service returns, where there is a limit."""
    verbs: tuple[Verb, ...] = ()
    """How it can be written: POST under a parent, PATCH, DELETE."""
    created_under: tuple[str, ...] | None = None
    """Types under which it is created, where these are not its parents."""
    actions: tuple[str, ...] = ()
    """Values of ``meta.action`` in a PATCH."""
    deletion: Literal["", "soft", "hard"] = ""
    """Soft-deleted resources can still be fetched by id."""
    guarded: bool = False
    """Whether deleting it requires its name."""
    guards_secrets: bool = False
    """Whether nested and unknown members that are named like a secret (``access_token``,
    ``client_secret`` …) are dropped.
    """
    searchable: bool = False

    root: bool = field(init=False)
    """Whether the API lists it at ``/<type>``, under no parent."""
    columns: tuple[Attribute, ...] = field(init=False)
    """The attributes that responses have, in column order."""
    to_one: tuple[Relation, ...] = field(init=False)
    """The relations that become ``<name>_id`` columns."""

    def __post_init__(self) -> None:
        columns = tuple(attribute for attribute in self.attributes if not attribute.write_only)
        to_one = tuple(relation for relation in self.relations if not relation.many)
        # The way to set a field of a frozen dataclass; computed once, since pulls read them often.
        object.__setattr__(self, "root", self.listed and (self.at_root or not self.parents))
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "to_one", to_one)

    @property
    def call(self) -> str:
        """The call that lists it, with the type of a parent where one is required."""
        if not self.listed:
            return f"reactor.{self.singular}()"
        if self.root or self.default_parent:
            return f"reactor.{self.type}()"
        return f"reactor.{self.type}({self.parents[0]})"

    @property
    def docs(self) -> str:
        """The address of Adobe's page on this type."""
        if self.type == "profiles":
            # The only page of Adobe's whose name is in the singular.
            return f"{_GUIDE}profile"
        return _GUIDE + self.type.replace("_", "-")

    @property
    def creators(self) -> tuple[str, ...]:
        """The types under which it is created; empty where it cannot be created."""
        if "create" not in self.verbs:
            return ()
        if self.created_under is None:
            return self.parents
        return self.created_under

    def writable(self, verb: Verb) -> tuple[Attribute, ...]:
        """Return the attributes that this verb takes."""
        return tuple(attribute for attribute in self.attributes if verb in attribute.write)

    def linkable(self, verb: Verb) -> tuple[Relation, ...]:
        """Return the relations that this verb takes."""
        return tuple(relation for relation in self.relations if verb in relation.write)

    def keywords(self, verb: Verb) -> dict[str, bool]:
        """Return the keywords of this verb, and whether they are required; required ones first."""
        keywords: list[Attribute | Relation] = [*self.writable(verb), *self.linkable(verb)]
        keywords.sort(key=attrgetter("required"), reverse=True)
        required = {}
        for keyword in keywords:
            required[keyword.name] = keyword.required and verb == "create"
        # An older attribute such as extension_id means the same as the relation.
        for relation in self.linkable(verb):
            required.pop(f"{relation.name}_id", None)
        return required

    @property
    def sortable(self) -> tuple[str, ...]:
        """The attributes that ``sort`` accepts."""
        return tuple(map(attrgetter("name"), self.columns))

    def relation(self, name: str) -> Relation | None:
        """Return the relation of that name, or None."""
        for relation in self.relations:
            if relation.name == name:
                return relation
        return None

    def names_its(self, parent: str) -> bool:
        """Whether each resource says to which parent of that type it belongs."""
        for relation in self.to_one:
            is_parent = relation.name == singular(parent) or len(relation.targets) > 1
            if is_parent and parent in relation.targets:
                return True
        return False

    def parent_column(self, parent: str | None) -> str | None:
        """Return the extra column of a list under that parent (``library_id``), or None.

        A type that names none of its parents (rule components) has it in ``get`` too, as NA.
        """
        if parent is None:
            if not self.parents or any(map(self.names_its, self.parents)):
                return None
            parent = self.parents[0]
        elif self.names_its(parent):
            return None
        return f"{singular(parent)}_id"


def _load() -> dict[str, Resource]:
    """Return the rows of registry.toml by type."""
    text = files("adobe_nb").joinpath("registry.toml").read_text(encoding="utf-8")
    rows = {}
    for resource_type, table in tomllib.loads(text).items():
        relations = []
        for name, members in table.pop("relations", {}).items():
            relations.append(Relation(name, **_frozen(members)))
        rows[resource_type] = Resource(resource_type, relations=tuple(relations), **_frozen(table))
    return rows


def _frozen(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields in a table: lists as tuples, and tables of attributes as attributes."""
    fields = {}
    for name, value in table.items():
        if isinstance(value, list):
            fields[name] = tuple(value)
        elif name in {"attributes", "meta"}:
            fields[name] = tuple(
                Attribute(attribute, **_frozen(members)) for attribute, members in value.items()
            )
        else:
            fields[name] = value
    return fields


_BY_TYPE = _load()
_BY_PREFIX = {row.prefix: row for row in _BY_TYPE.values()}
RESOURCES: Mapping[str, Resource] = MappingProxyType(_BY_TYPE)
BY_PREFIX: Mapping[str, Resource] = MappingProxyType(_BY_PREFIX)

CREATED, UPDATED = _BY_TYPE["rules"].attributes[:2]


def singular(resource_type: str) -> str:
    """Return ``rule`` for ``rules``; also for types that have no row."""
    # A parent can be of a type that Adobe added and the registry does not know.
    row = RESOURCES.get(resource_type)
    if row is None:
        return resource_type.removesuffix("s")
    return row.singular
