"""The simulator's state: records in memory, the lists that hold them, and their JSON."""

import hashlib
import heapq
import time
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import msgspec

from adobe_nb.registry import RESOURCES, Relation
from adobe_nb.simulator.data import load

# Enough for a pull that reads a list under each property in turn.
_MAX_SELECTIONS = 128
TYPES: dict[str, dict[str, Any]] = defaultdict(
    lambda: {"right": "", "defaults": {}, "links": []}, load("types.json")
)
"""What the service requires, fills in and links to, by resource type; nothing for other types."""
_DIRECT = (("rule_components", "property"), ("notes", "resource"))
"""Relationships that link to the other resource itself, not to a path under this one."""
_UNTIL_SET = {"properties": ("privacy", "ssl_enabled")}
"""Attributes that are missing until they are set."""
SERVED_AT = "https://simulator.invalid"
"""Base URL in the entities of the seed's audit events, which are made before the port is known."""
Identifier = tuple[str, str]
"""Type and id of a resource."""


@dataclass(slots=True, eq=False)
class Record:
    """One resource. ``to_one`` maps the names of to-one relations to identifiers, or to None."""

    type: str
    id: str
    attributes: dict[str, Any]
    to_one: dict[str, Identifier | None] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)
    stage: str | None = None
    """Of a secret: the stage of its environment, which its relationship shows."""
    json: bytes | None = field(default=None, repr=False)
    """Its JSON, kept until the record changes."""

    def __getitem__(self, name: str) -> Any:
        """Return the value of an attribute."""
        return self.attributes[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.attributes[name] = value

    @property
    def here(self) -> Identifier:
        """Its own identifier."""
        return self.type, self.id

    @property
    def is_head(self) -> bool:
        """Whether it is editable, not a revision. Types without revisions have only heads."""
        return not self.attributes.get("revision_number")

    @property
    def deleted(self) -> bool:
        """Whether it was soft-deleted."""
        return self.attributes.get("deleted_at") is not None


def stamp(moment: datetime) -> str:
    """Return a UTC date as the service writes it, in milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class Store:
    """The records of one organization, its clock, and the jobs to do later. Not thread-safe.

    Code that changes a record must call ``changed``.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._records: dict[str, dict[str, Record]] = {}
        self._lists: dict[tuple[str, str], dict[str, Record]] = {}
        self._parents: dict[str, set[tuple[str, str]]] = {}
        self._jobs: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count(1)
        self._last = 0
        self._selections: dict[Hashable, list[Record]] = {}

    # -- records

    def add(self, record: Record, *parents: str) -> Record:
        """Store a record, and list it under the parents with these ids."""
        self._records.setdefault(record.type, {})[record.id] = record
        for parent in parents:
            self.link(parent, record.type, record)
        self.changed(record)
        return record

    def changed(self, *records: Record) -> None:
        """Drop what was derived from these records."""
        self._selections.clear()
        for record in records:
            record.json = None

    def remove(self, record: Record) -> None:
        """Remove a record for good, from all lists too."""
        self._records.get(record.type, {}).pop(record.id, None)
        for key in self._parents.pop(record.id, ()):
            self._lists[key].pop(record.id, None)
        self._selections.clear()

    def get(self, resource_type: str, identifier: str) -> Record | None:
        """Return the record of that type and id."""
        return self._records.get(resource_type, {}).get(identifier)

    def of(self, record: Record, relation: str) -> Record | None:
        """Return the record that a to-one relation points to."""
        return self.get(*record.to_one.get(relation) or ("", ""))

    def property_of(self, record: Record) -> Record:
        """Return the property that contains the record."""
        _, identifier = record.to_one["property"] or ("", "")
        return self._records["properties"][identifier]

    def all(self, resource_type: str) -> list[Record]:
        """Return all records of a type."""
        return list(self._records.get(resource_type, {}).values())

    # -- lists

    def link(self, parent: str, relation: str, record: Record) -> None:
        """Add a record to a list of the parent, once."""
        self._lists.setdefault((parent, relation), {})[record.id] = record
        self._parents.setdefault(record.id, set()).add((parent, relation))
        self._selections.clear()

    def unlink(self, parent: str, relation: str, record: Record) -> None:
        """Take a record out of a list of the parent."""
        self._lists.get((parent, relation), {}).pop(record.id, None)
        self._parents.get(record.id, set()).discard((parent, relation))
        self._selections.clear()

    def listed(self, parent: str, relation: str) -> list[Record]:
        """Return the records in a list of the parent."""
        return list(self._lists.get((parent, relation), {}).values())

    def chosen(self, key: Hashable, choose: Callable[[], list[Record]]) -> list[Record]:
        """Return what ``choose`` returns, which is kept until a record or list changes.

        Every page is cut from the whole list: without this, each would filter and sort it again.
        """
        if key not in self._selections:
            if len(self._selections) >= _MAX_SELECTIONS:
                self._selections.clear()
            self._selections[key] = choose()
        return self._selections[key]

    # -- time

    def now(self) -> str:
        """Return the current date. Each call returns a later one, so that records sort by age."""
        self._last = max(self._last + 1, int(self.clock() * 1000))
        return stamp(datetime.fromtimestamp(self._last / 1000, UTC))

    def later(self, seconds: float, job: Callable[[], object]) -> None:
        """Do a job at the first request after that many seconds."""
        heapq.heappush(self._jobs, (self.clock() + seconds, next(self._numbers), job))

    def settle(self) -> None:
        """Do the jobs that are due."""
        while self._jobs and self._jobs[0][0] <= self.clock():
            heapq.heappop(self._jobs)[2]()

    # -- names

    def new_id(self, resource_type: str) -> str:
        """Return an id: the same at every start, for the same sequence of calls."""
        return RESOURCES[resource_type].prefix + self._digest(resource_type, 16)

    def new_token(self) -> str:
        """Return twelve hex digits for URLs."""
        return self._digest("token", 6)

    def _digest(self, purpose: str, size: int) -> str:
        text = f"new {purpose} {next(self._numbers)}"
        return hashlib.blake2s(text.encode(), digest_size=size).hexdigest()


def wire(record: Record, base_url: str) -> bytes:
    """Return the record as JSON."""
    if record.json is not None:
        return record.json
    body = msgspec.json.encode(render(record, base_url))
    # The log is long and rarely read twice: kept, its JSON would take most of the memory.
    if record.type != "audit_events":
        record.json = body
    return body


def render(record: Record, base_url: str) -> dict[str, Any]:
    """Return the record as a JSON:API resource, with links to the simulator."""
    relations = RESOURCES[record.type].relations
    return {
        "id": record.id,
        "type": record.type,
        "attributes": _attributes(record, base_url),
        "relationships": {
            relation.name: _relationship(record, relation, base_url) for relation in relations
        },
        "links": _links(record, base_url),
        "meta": dict(record.meta),
    }


def _attributes(record: Record, base_url: str) -> dict[str, Any]:
    attributes = dict(record.attributes)
    if record.type == "audit_events":
        attributes["entity"] = attributes["entity"].replace(SERVED_AT, base_url)
    is_pending = record.type == "extension_packages" and attributes["status"] == "pending"
    if is_pending and attributes["name"] is None:
        # Until an upload is processed, the service shows only its status, not even its date.
        return dict.fromkeys(attributes) | {"status": "pending"}
    for name in _UNTIL_SET.get(record.type, ()):
        if attributes.get(name) is None:
            attributes.pop(name, None)
    return attributes


def _links(record: Record, base_url: str) -> dict[str, str | None]:
    url = _url(record.here, base_url)
    links = {"self": url}
    for name in TYPES[record.type]["links"]:
        links[name] = f"{url}/{name}"
        if name in record.to_one:
            links[name] = _url(record.to_one[name], base_url)
    installed = record.to_one.get("extension_package")
    if record.type == "extensions" and installed:
        latest = record.meta.get("upgrade_extension_package_id") or installed[1]
        links["latest_extension_package"] = _url((installed[0], latest), base_url)
    return links


def _url(target: Identifier | None, base_url: str) -> str | None:
    if target is None:
        return None
    return f"{base_url}/{target[0]}/{target[1]}"


def identifier(target: Identifier | None) -> dict[str, Any] | None:
    """Return a resource identifier as it is in a document."""
    if target is None:
        return None
    return {"id": target[1], "type": target[0]}


def _relationship(record: Record, relation: Relation, base_url: str) -> dict[str, Any]:
    relationship: dict[str, Any] = {}
    links = _relationship_links(record, relation, base_url)
    if links:
        relationship["links"] = links
    if not relation.many:
        data = identifier(record.to_one.get(relation.name))
        if data and record.type == "secrets" and relation.name == "environment":
            data["meta"] = {"stage": record.stage}
        relationship["data"] = data
    return relationship


def _relationship_links(record: Record, relation: Relation, base_url: str) -> dict[str, str | None]:
    url = _url(record.here, base_url)
    target = record.to_one.get(relation.name)
    related: str | None = f"{url}/{relation.name}"
    if (record.type, relation.name) in _DIRECT:
        related = _url(target, base_url)
    # An event names its entity by type, as in …/rule, and links to nothing without one.
    elif record.type == "audit_events":
        related = None
        if target is not None:
            related = f"{url}/{RESOURCES[target[0]].singular}"
    links = {"related": related}
    if relation.endpoint:
        links["self"] = f"{url}/relationships/{relation.name}"
    # Of a library, Adobe links to the identifier of its environment only, and to no upstream.
    if record.type == "libraries" and relation.name in {"environment", "upstream_library"}:
        del links["related"]
    return links
