"""The simulator's state: records in memory, and the lists they stand in."""

from dataclasses import dataclass, field
from typing import Any

from adobe_nb.resources import RESOURCES, Relation

Identifier = tuple[str, str]
"""Type and id of a resource."""


@dataclass(slots=True)
class Record:
    """One resource. ``to_one`` maps relation names to identifiers, or to None."""

    type: str
    id: str
    attributes: dict[str, Any]
    to_one: dict[str, Identifier | None] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)


class Store:
    """The records of one organisation."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._lists: dict[tuple[str, str], list[Record]] = {}

    def add(self, record: Record, *parents: str) -> Record:
        """Keep a record, and list it under these parents' ids."""
        self._records[record.id] = record
        for parent in parents:
            self.link(parent, record.type, record)
        return record

    def link(self, parent: str, relation: str, record: Record) -> None:
        """Put a record into a parent's list of that name; once."""
        listed = self._lists.setdefault((parent, relation), [])
        if all(each is not record for each in listed):
            listed.append(record)

    def get(self, resource_type: str, identifier: str) -> Record | None:
        """The record, if it is of that type."""
        record = self._records.get(identifier)
        return record if record is not None and record.type == resource_type else None

    def listed(self, parent: str, relation: str) -> list[Record]:
        """The records in a parent's list of that name."""
        return self._lists.get((parent, relation), [])

    def all(self, resource_type: str) -> list[Record]:
        """Every record of a type."""
        return [record for record in self._records.values() if record.type == resource_type]


def render(record: Record, base_url: str) -> dict[str, Any]:
    """The record as a JSON:API resource, with the simulator's own links."""
    row = RESOURCES[record.type]
    here = f"{base_url}/{record.type}/{record.id}"
    links = {"self": here}
    for relation in row.to_one:
        if record.to_one.get(relation.name) and relation.name not in {"library", "environment", "upstream_library"}:
            links[relation.name] = f"{here}/{relation.name}"
    if record.type == "rules":
        links["rule_components"] = f"{here}/rule_components"
    return {
        "id": record.id,
        "type": record.type,
        "attributes": dict(record.attributes),
        "relationships": {relation.name: _relationship(record, relation, base_url, here) for relation in row.relations},
        "links": links,
        "meta": dict(record.meta),
    }


def _relationship(record: Record, relation: Relation, base_url: str, here: str) -> dict[str, Any]:
    related = f"{here}/{relation.name}"
    if relation.many:
        return {"links": {"related": related}}
    target = record.to_one.get(relation.name)
    data = {"id": target[1], "type": target[0]} if target else None
    if record.type == "libraries" and relation.name == "environment":
        return {"links": {"self": f"{here}/relationships/environment"}, "data": data}
    if record.type == "libraries" and relation.name == "upstream_library":
        return {"data": data}
    if record.type == "rule_components" and relation.name == "property" and target:
        related = f"{base_url}/properties/{target[1]}"
    return {"links": {"related": related}, "data": data}
