"""The shape of what the service answers: names and types, and never a value.

Texts in a shape come from this package (the registry, and the words below), with one exception: the
names of members that the registry does not know. They are Adobe's, and are listed only if they look
like names. Names inside of settings and other nested values may be the user's; only their types and
depth are kept.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adobe_nb.registry import RESOURCES, Resource

_NAME = re.compile(r"(?!.*[0-9]{4})[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST_NAME = 40
UNLISTED = "(a name that may be data)"
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_DATE_LIKE = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?([.,]\d+)?(?P<zone>Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_DEEPEST = 50
_FORMS_OF_ESCAPES = (
    (re.compile(r"[&<>]"), "& < > unescaped"),
    (re.compile("[\u2028\u2029]"), "U+2028 or U+2029 unescaped"),
    (re.compile(r"\\u(0026|003c|003e|2028|2029)"), "lowercase escapes of & < > U+2028 U+2029"),
    (re.compile(r"\\u003[CE]"), "uppercase escapes of < >"),
    (re.compile(r"\\u(?!0026|003[ceCE]|202[89])"), "escapes of other characters"),
    (re.compile(r"\\/"), "escaped slashes"),
    (re.compile("[^\x00-\x7f\u2028\u2029]"), "other non-ASCII characters unescaped"),
)
RAW_FORMS = tuple(name for _, name in _FORMS_OF_ESCAPES[:2])
_WORDS = {
    *RESOURCES,
    *(row.singular for row in RESOURCES.values()),
    *(relation.name for row in RESOURCES.values() for relation in row.relations),
    "latest_extension_package",
    "profile",
    "relationships",
    "users",
}
"""Segments of a path that are shown; all others are replaced."""


def safe_name(name: str) -> str:
    """Return a name of Adobe's, or a placeholder for one that may be data."""
    if len(name) <= _LONGEST_NAME and _NAME.fullmatch(name):
        return name
    return UNLISTED


def form_of(value: object) -> str:
    """Return the type of a JSON value; of a text, whether it is a date."""
    if isinstance(value, str):
        return _form_of_text(value)
    if isinstance(value, list | dict):
        kind = "list" if isinstance(value, list) else "object"
        return f"{kind} of depth {depth_of(value)}"
    # In Python, booleans are integers too.
    for types, name in ((type(None), "null"), (bool, "boolean"), (int, "integer")):
        if isinstance(value, types):
            return name
    return "number"


def _form_of_text(text: str) -> str:
    if _DATE.fullmatch(text):
        return "date"
    match = _DATE_LIKE.fullmatch(text)
    if match is None:
        return "text"
    if match["zone"] is None:
        return "date without time zone"
    return "date in another form"


def depth_of(value: object) -> int:
    """Return how deep lists and objects are nested, up to a limit."""
    depth = 0
    level = [value]
    while level and depth < _DEEPEST:
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        containers = [item for item in level if isinstance(item, dict | list)]
        if not containers:
            return depth
        depth += 1
        level = inner
    return depth


def form_of_link(url: object, base_url: str) -> str:
    """Return a link with placeholders for host and ids."""
    if not isinstance(url, str):
        return form_of(url)
    where = "at another host"
    path = ""
    if url.startswith(f"{base_url}/"):
        where = "at the service"
        path = url.removeprefix(base_url)
    elif url.startswith("/"):
        where = "relative"
        path = url
    if not path:
        return where
    segments = []
    for segment in path.partition("?")[0].strip("/").split("/"):
        segments.append(segment if segment in _WORDS else "{id}")
    return f"{where}: /{'/'.join(segments)}"


def forms_of_json_text(text: str) -> Iterable[str]:
    """Yield the features of JSON kept as text: type, depth, and how characters are escaped."""
    try:
        yield f"JSON: {form_of(json.loads(text))}"
    except (ValueError, RecursionError):
        yield "not JSON"
    for pattern, name in _FORMS_OF_ESCAPES:
        if pattern.search(text):
            yield name


Forms = dict[str, Counter[str]]
"""Forms by name, with how many resources have them."""


def _forms() -> Forms:
    return defaultdict(Counter)


@dataclass
class Shape:
    """The shape of the resources of one type."""

    row: Resource
    base_url: str
    resources: int = 0
    members: Counter[str] = field(default_factory=Counter)
    ids: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    attributes: Forms = field(default_factory=_forms)
    relationships: Forms = field(default_factory=_forms)
    relationship_links: Forms = field(default_factory=_forms)
    links: Forms = field(default_factory=_forms)
    meta: Forms = field(default_factory=_forms)
    texts: Forms = field(default_factory=_forms)
    """Of attributes that are JSON kept as text."""
    states: Counter[str] = field(default_factory=Counter)
    """What heads and revisions have in ``dirty``, ``published`` and ``deleted_at``."""

    def add(self, resource: Mapping[str, Any]) -> None:
        """Count the form of everything in a resource."""
        self.resources += 1
        self.members.update(map(safe_name, resource))
        self.ids[self._form_of_id(resource.get("id"))] += 1
        is_assumed = resource.get("type") == self.type_name
        self.types["as assumed" if is_assumed else "another"] += 1
        attributes = members_of(resource, "attributes")
        _count(self.attributes, attributes)
        _count(self.meta, members_of(resource, "meta"))
        for name, url in members_of(resource, "links").items():
            self.links[safe_name(name)][form_of_link(url, self.base_url)] += 1
        for name, relationship in members_of(resource, "relationships").items():
            self._add_relationship(safe_name(name), relationship)
        for attribute in self.row.attributes:
            value = attributes.get(attribute.name)
            is_json = attribute.form == "text" or attribute.name == "entity"
            if is_json and isinstance(value, str):
                self.texts[attribute.name].update(forms_of_json_text(value))
        if "revision_number" in attributes:
            self._add_state(attributes)

    @property
    def type_name(self) -> str:
        """The type that resources have in a document."""
        # Adobe calls the account of the token a user.
        return "users" if self.row.type == "profiles" else self.row.type

    def _form_of_id(self, value: object) -> str:
        if isinstance(value, str) and re.fullmatch(rf"{self.row.prefix}[0-9a-f]{{32}}", value):
            return f"{self.row.prefix} and 32 hexadecimal digits"
        return "another form"

    def _add_relationship(self, name: str, relationship: object) -> None:
        if not isinstance(relationship, dict):
            self.relationships[name][f"not an object ({form_of(relationship)})"] += 1
            return
        data = "no data"
        if "data" in relationship:
            data = _form_of_linkage(relationship["data"], self.row, name)
        self.relationships[name][data] += 1
        for link, url in members_of(relationship, "links").items():
            form = f"{safe_name(link)} {form_of_link(url, self.base_url)}"
            self.relationship_links[name][form] += 1

    def _add_state(self, attributes: Mapping[str, Any]) -> None:
        holder = "revision" if attributes["revision_number"] else "head"
        for name in ("dirty", "published", "deleted_at"):
            value = attributes.get(name)
            shown = form_of(value)
            if isinstance(value, bool):
                shown = str(value).lower()
            self.states[f"{holder}: {name} {shown}"] += 1


def _form_of_linkage(data: object, row: Resource, name: str) -> str:
    if data is None:
        return "null"
    if isinstance(data, list):
        return "a list of identifiers"
    if not isinstance(data, dict) or not {"id", "type"} <= data.keys():
        return f"not an identifier ({form_of(data)})"
    relation = row.relation(name)
    if relation is not None and data["type"] not in relation.targets:
        return "an identifier of another type"
    return "an identifier"


def members_of(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a member if it is a JSON object, or else an empty one."""
    value = document.get(name)
    if isinstance(value, dict):
        return value
    return {}


def _count(forms: Forms, members: Mapping[str, Any]) -> None:
    for name, value in members.items():
        forms[safe_name(name)][form_of(value)] += 1
