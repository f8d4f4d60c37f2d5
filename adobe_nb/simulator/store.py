"""The simulator's state: records in memory, and the lists they stand in."""

import hashlib
import heapq
import json
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from adobe_nb.registry import RESOURCES, Relation

_ROOM = 64_000_000
_CHOICES = 32
_UPGRADE = "upgrade_extension_package_id"
_LINKS = {
    "companies": ("properties",),
    "properties": ("company", "data_elements", "environments", "extensions", "rules"),
    "app_configurations": ("company",),
    "callbacks": ("property",),
    "data_elements": ("property", "origin", "extension"),
    "rules": ("property", "origin", "rule_components"),
    "rule_components": ("extension", "origin", "rules"),
    "extensions": ("property", "origin", "extension_package"),
    "hosts": ("property",),
    "environments": ("property",),
    "libraries": ("property",),
    "builds": ("environment", "library"),
    "secrets": ("property",),
    "notes": ("resource",),
    "audit_events": ("entity", "property"),
}
"""Links of a resource besides that to itself."""
_STRAIGHT = (("rule_components", "property"), ("notes", "resource"))
"""Relationships whose link leads to the other resource itself, not to a path under this one."""
_UNTIL_SET = {"properties": ("privacy", "ssl_enabled")}
"""Attributes that answers lack until somebody sets them."""
SERVED_AT = "https://simulator.invalid"
"""Base URL in what is written before the address is known: the entities of the seed's audit events.
"""
Identifier = tuple[str, str]
"""Type and id of a resource."""


@dataclass(slots=True, eq=False)
class Record:
    """One resource. ``to_one`` maps relation names to identifiers, or to None."""

    type: str
    id: str
    attributes: dict[str, Any]
    to_one: dict[str, Identifier | None] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)
    stage: str | None = None
    """Of a secret: the stage of its environment, which its linkage tells."""
    json: bytes | None = field(default=None, repr=False)
    """What it looks like on the wire; made when first asked for, dropped when it changes."""

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
        """Whether it is no revision. Types without revisions have heads only."""
        return not self.attributes.get("revision_number")

    @property
    def deleted(self) -> bool:
        """Whether it was soft-deleted."""
        return self.attributes.get("deleted_at") is not None


def stamp(moment: datetime) -> str:
    """A moment as the service writes it: UTC, milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class Store:
    """The records of one organisation, its clock, and what will be done later. Not safe for several
    threads.

    Whoever changes a record says so with ``changed``.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.generation = 0
        """Grows with every change, so that whatever is kept can be known to be old."""
        self._records: dict[str, dict[str, Record]] = {}
        self._lists: dict[tuple[str, str], dict[str, Record]] = {}
        self._parents: dict[str, set[tuple[str, str]]] = {}
        self._jobs: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = 0
        self._last = 0
        self._kept: dict[Hashable, bytes] = {}
        self._kept_bytes = 0
        self._kept_at = 0
        self._chosen: dict[Hashable, list[Record]] = {}

    # -- records

    def add(self, record: Record, *parents: str) -> Record:
        """Keep a record, and list it under these parents' ids."""
        self._records.setdefault(record.type, {})[record.id] = record
        for parent in parents:
            self.link(parent, record.type, record)
        self.changed(record)
        return record

    def changed(self, *records: Record) -> None:
        """These records are not what they were."""
        self.generation += 1
        for record in records:
            record.json = None

    def remove(self, record: Record) -> None:
        """As if it had never been there: it is in no list any more."""
        self._records.get(record.type, {}).pop(record.id, None)
        for key in self._parents.pop(record.id, ()):
            self._lists.get(key, {}).pop(record.id, None)
        self.generation += 1

    def get(self, resource_type: str, identifier: str) -> Record | None:
        """The record, if it is of that type."""
        return self._records.get(resource_type, {}).get(identifier)

    def of(self, record: Record, relation: str) -> Record | None:
        """What a to-one relation points to."""
        target = record.to_one.get(relation)
        return self.get(*target) if target else None

    def property_of(self, record: Record) -> Record:
        """Return the property that contains the record."""
        _, identifier = record.to_one["property"] or ("", "")
        return self._records["properties"][identifier]

    def all(self, resource_type: str) -> list[Record]:
        """Every record of a type."""
        return list(self._records.get(resource_type, {}).values())

    # -- lists

    def link(self, parent: str, relation: str, record: Record) -> None:
        """Put a record into a parent's list of that name; once."""
        self._lists.setdefault((parent, relation), {})[record.id] = record
        self._parents.setdefault(record.id, set()).add((parent, relation))
        self.generation += 1

    def unlink(self, parent: str, relation: str, record: Record) -> None:
        """Take it out of that list."""
        self._lists.get((parent, relation), {}).pop(record.id, None)
        self._parents.get(record.id, set()).discard((parent, relation))
        self.generation += 1

    def listed(self, parent: str, relation: str) -> list[Record]:
        """The records in a parent's list of that name."""
        return list(self._lists.get((parent, relation), {}).values())

    # -- answers that are asked for again

    def kept(self, key: Hashable) -> bytes | None:
        """What was kept under that key, if nothing has changed since."""
        self._forget()
        return self._kept.get(key)

    def keep(self, key: Hashable, body: bytes) -> bytes:
        """Keep it until something changes, as long as there is room."""
        if self._kept_bytes + len(body) <= _ROOM:
            self._kept[key] = body
            self._kept_bytes += len(body)
        return body

    def chosen(self, key: Hashable, choose: Callable[[], list[Record]]) -> list[Record]:
        """What ``choose`` gives; asked once until something changes, as every page is cut from the
        whole list.
        """
        self._forget()
        if key not in self._chosen:
            if len(self._chosen) >= _CHOICES:
                del self._chosen[next(iter(self._chosen))]
            self._chosen[key] = choose()
        return self._chosen[key]

    def _forget(self) -> None:
        if self._kept_at != self.generation:
            self._kept.clear()
            self._chosen.clear()
            self._kept_bytes = 0
            self._kept_at = self.generation

    # -- time

    def now(self) -> str:
        """The moment; later than the one before, so that things sort as they were made."""
        self._last = max(self._last + 1, int(self.clock() * 1000))
        return stamp(datetime.fromtimestamp(self._last / 1000, UTC))

    def later(self, seconds: float, job: Callable[[], object]) -> None:
        """Do this when so much time has passed; at the next request after it."""
        heapq.heappush(self._jobs, (self.clock() + seconds, self._number(), job))

    def settle(self) -> None:
        """Do what has come due."""
        while self._jobs and self._jobs[0][0] <= self.clock():
            heapq.heappop(self._jobs)[2]()

    # -- names

    def new_id(self, resource_type: str) -> str:
        """An id that is the same at every start, for the same sequence of calls."""
        return RESOURCES[resource_type].prefix + self._digest(resource_type, 16)

    def new_token(self) -> str:
        """Twelve hex digits for addresses."""
        return self._digest("token", 6)

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _digest(self, what: str, size: int) -> str:
        return hashlib.blake2s(
            f"new {what} {self._number()}".encode(), digest_size=size
        ).hexdigest()


def wire(record: Record, base_url: str) -> bytes:
    """The record as JSON:API text, kept until it changes: that of ``render``, made several times as
    fast.
    """
    if record.json is None:
        linked = tuple(
            (name, target[0] if target else None) for name, target in record.to_one.items()
        )
        pieces = _pieces(record.type, linked, record.meta.get(_UPGRADE), record.stage, base_url)
        values = {
            "id": record.id,
            "attributes": _dumps(_attributes(record, base_url)),
            "meta": _dumps(record.meta),
        }
        values |= {f"to {name}": target[1] for name, target in record.to_one.items() if target}
        text = "".join(
            [values[piece] if number % 2 else piece for number, piece in enumerate(pieces)]
        ).encode()
        if record.type == "audit_events":
            # the log is long and read through once: what is kept of it would be most of the memory
            return text
        record.json = text
    return record.json


@lru_cache(maxsize=1024)
def _pieces(
    resource_type: str,
    linked: tuple[tuple[str, str | None], ...],
    upgrade: str | None,
    stage: str | None,
    base_url: str,
) -> list[str]:
    """The text of a resource, cut where those of the same kind differ: text, name of a value, text,
    …
    """
    to_one: dict[str, Identifier | None] = {
        name: (kind, _mark(f"to {name}")) if kind else None for name, kind in linked
    }
    record = Record(resource_type, _mark("id"), {}, to_one, {_UPGRADE: upgrade}, stage)
    text = _dumps(
        {
            "id": record.id,
            "type": record.type,
            "attributes": _mark("attributes"),
            **_around(record, base_url),
            "meta": _mark("meta"),
        }
    )
    for name in ("attributes", "meta"):  # these are no texts
        text = text.replace(_dumps(_mark(name)), _dumps(_mark(name))[1:-1])
    return text.split(_dumps("\x00")[1:-1])


def _mark(name: str) -> str:
    return f"\x00{name}\x00"


_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def render(record: Record, base_url: str) -> dict[str, Any]:
    """The record as a JSON:API resource, with the simulator's own links."""
    return {
        "id": record.id,
        "type": record.type,
        "attributes": _attributes(record, base_url),
        **_around(record, base_url),
        "meta": dict(record.meta),
    }


def _around(record: Record, base_url: str) -> dict[str, Any]:
    """Its relationships and links."""
    row = RESOURCES[record.type]
    here = f"{base_url}/{record.type}/{record.id}"
    links: dict[str, str | None] = {"self": here}
    for name in _LINKS.get(record.type, ()):
        relation = row.relation(name)
        if relation is None or relation.many:
            links[name] = f"{here}/{name}"
        else:
            links[name] = _address(record.to_one.get(name), base_url)
    installed = record.to_one.get("extension_package")
    if record.type == "extensions" and installed:
        latest = record.meta.get(_UPGRADE) or installed[1]
        links["latest_extension_package"] = f"{base_url}/extension_packages/{latest}"
    relationships = {
        relation.name: _relationship(record, relation, base_url, here) for relation in row.relations
    }
    return {"relationships": relationships, "links": links}


def _address(target: Identifier | None, base_url: str) -> str | None:
    """Where a resource is by itself; null when there is none."""
    return None if target is None else f"{base_url}/{target[0]}/{target[1]}"


def _attributes(record: Record, base_url: str) -> dict[str, Any]:
    attributes = dict(record.attributes)
    if record.type == "audit_events":
        attributes["entity"] = attributes["entity"].replace(SERVED_AT, base_url)
    if (
        record.type == "extension_packages"
        and attributes["status"] == "pending"
        and attributes["name"] is None
    ):
        # Until an upload has been looked at, the service says nothing of it, not even when it came.
        return dict.fromkeys(attributes) | {"status": "pending"}
    for name in _UNTIL_SET.get(record.type, ()):
        if attributes.get(name) is None:
            attributes.pop(name, None)
    return attributes


def _relationship(record: Record, relation: Relation, base_url: str, here: str) -> dict[str, Any]:
    links: dict[str, str | None] = {"related": f"{here}/{relation.name}"}
    if relation.endpoint:
        links["self"] = f"{here}/relationships/{relation.name}"
    if relation.many:
        return {"links": links}
    target = record.to_one.get(relation.name)
    data = {"id": target[1], "type": target[0]} if target else None
    if record.type == "libraries" and relation.name == "environment":
        return {"links": {"self": links["self"]}, "data": data}
    if record.type == "libraries" and relation.name == "upstream_library":
        return {"data": data}
    if (record.type, relation.name) in _STRAIGHT:
        links["related"] = _address(target, base_url)
    elif record.type == "audit_events":
        links["related"] = _related_to_event(relation, target, here)
    if data and record.type == "secrets" and relation.name == "environment":
        return {"links": links, "data": {**data, "meta": {"stage": record.stage}}}
    return {"links": links, "data": data}


def _related_to_event(relation: Relation, target: Identifier | None, here: str) -> str | None:
    """An event calls its entity by what it is: ``…/rule``; there is no link to a property where
    there is none.
    """
    if target is None:
        return None
    return f"{here}/{RESOURCES[target[0]].singular if relation.name == 'entity' else relation.name}"
