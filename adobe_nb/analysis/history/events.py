"""Audit events, in the order in which things happened."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import pandas as pd

from adobe_nb.analysis.model import Model, once_per_model, parse_json
from adobe_nb.analysis.uses.index import members
from adobe_nb.registry import RESOURCES

"""A date such as ``"2026-06-01"``, or a datetime. Without a zone it is in UTC."""
_TYPES = {row.singular: row.type for row in RESOURCES.values()}
# Events of one millisecond happened in this order.
_VERBS = ("created", "updated", "deleted")


class _Target(msgspec.Struct):
    id: str | None = None


class _Relation(msgspec.Struct):
    data: _Target | None = None


class _Relations(msgspec.Struct):
    origin: _Relation | None = None
    property: _Relation | None = None
    extension_package: _Relation | None = None
    updated_with_extension_package: _Relation | None = None
    environment: _Relation | None = None
    host: _Relation | None = None


class _Resource(msgspec.Struct):
    id: str | None = None
    attributes: dict[str, Any] | None = None
    relationships: _Relations | None = None


class _Document(msgspec.Struct):
    data: _Resource


# Most of a document are links. This decoder skips them, which takes a quarter of the time.
_decoder = msgspec.json.Decoder(_Document)


@dataclass(eq=False)
class Event:
    """One audit event. Its document shows the resource as it was afterwards."""

    row: Mapping[str, Any]

    @property
    def when(self) -> pd.Timestamp:
        """When it happened."""
        time: pd.Timestamp = self.row["created_at"]
        return time

    @property
    def who(self) -> str | None:
        """Who did it: a name, else an email address, as the log has it."""
        return self.row.get("attributed_to_display_name") or self.row.get("attributed_to_email")

    @property
    def verb(self) -> str:
        """What happened: ``created``, ``updated`` or ``deleted``."""
        return str(self.row["type_of"]).rpartition(".")[2]

    @property
    def type(self) -> str:
        """The type of the resource, for example ``rules``."""
        singular = str(self.row["type_of"]).rpartition(".")[0]
        return self.row.get("entity_type") or _TYPES.get(singular, singular)

    @cached_property
    def id(self) -> str:
        """The id of the resource."""
        return str(self.row.get("entity_id") or self._resource.id or "")

    @property
    def name(self) -> str | None:
        """The name of the resource."""
        return self.row.get("display_name") or self.attributes.get("name")

    @property
    def property_id(self) -> str | None:
        """The id of its property; None for events of the company."""
        return self.row.get("property_id")

    @cached_property
    def _resource(self) -> _Resource:
        """The resource in the document; an empty one when it cannot be read."""
        entity = self.row.get("entity")
        try:
            return _decoder.decode(entity or "").data
        except ValueError:
            # Half a character, or a member of another type.
            return _resource_of(parse_json(entity)[0])

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The attributes in the document; none when it cannot be read."""
        return self._resource.attributes or {}

    def linked_id(self, relation: str) -> str | None:
        """Return the id that a to-one relation of the document has; None without one."""
        link: _Relation | None = getattr(self._resource.relationships, relation, None)
        return link.data.id if link and link.data else None


def _resource_of(document: Any) -> _Resource:
    resource = members(members(document).get("data"))
    relations = members(resource.get("relationships"))
    links = _Relations()
    for name in _Relations.__struct_fields__:
        target = members(members(relations.get(name)).get("data"))
        setattr(links, name, _Relation(_Target(target.get("id"))))
    return _Resource(resource.get("id"), dict(members(resource.get("attributes"))), links)


@once_per_model
def events_of(model: Model) -> list[Event]:
    """Return the events about the properties of a model, oldest first."""
    rows = model.rows("audit_events")
    property_ids = set(model.property_ids)
    if property_ids and rows and "property_id" in rows[0]:
        # A list of the whole organization has those of its other properties, too.
        rows = [row for row in rows if row["property_id"] in property_ids]
    events = [Event(row) for row in rows if row["created_at"] is not None]
    return sorted(events, key=_moment_and_verb)


def states_of_libraries(model: Model) -> Iterator[tuple[Event, str]]:
    """Yield each change of the state of a library, with the new state."""
    states: dict[str, Any] = {}
    for event in events_of(model):
        if event.type != "libraries" or event.verb == "deleted":
            continue
        state = event.attributes.get("state")
        # A first event need not be the one that brought the library into its state.
        if event.id in states and states[event.id] != state and state:
            yield event, state
        states[event.id] = state


def _moment_and_verb(event: Event) -> tuple[Any, int]:
    return event.when, (*_VERBS, event.verb).index(event.verb)
