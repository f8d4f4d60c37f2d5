"""Audit events, in the order in which things happened."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, TypeAlias

import pandas as pd

from adobe_nb.analysis.model import Model, once_per_model, parse_json
from adobe_nb.analysis.times import readable_time
from adobe_nb.analysis.uses.index import members
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import RESOURCES

Since: TypeAlias = str | date | None
"""A date such as ``"2026-06-01"``, or a datetime. Without a zone it is in UTC."""
_TYPES = {row.singular: row.type for row in RESOURCES.values()}
# Events of one millisecond happened in this order.
_VERBS = ("created", "updated", "deleted")


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
        return str(self.row.get("entity_id") or self.document.get("id") or "")

    @property
    def name(self) -> str | None:
        """The name of the resource."""
        return self.row.get("display_name") or self.attributes.get("name")

    @property
    def property_id(self) -> str | None:
        """The id of its property; None for events of the company."""
        return self.row.get("property_id")

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The resource as a JSON:API resource; empty when it cannot be read."""
        document, _ = parse_json(self.row.get("entity"))
        return members(members(document).get("data"))

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The attributes in the document."""
        return members(self.document.get("attributes"))

    def linked_id(self, relation: str) -> str | None:
        """Return the id that a to-one relation of the document has; None without one."""
        relations = members(self.document.get("relationships"))
        return members(members(relations.get(relation)).get("data")).get("id")


@once_per_model
def events_of(model: Model) -> list[Event]:
    """Return the events about the properties of a model, oldest first."""
    rows = model.rows("audit_events")
    if model.property_ids and rows and "property_id" in rows[0]:
        # A list of the whole organization has those of its other properties, too.
        rows = [row for row in rows if row["property_id"] in model.property_ids]
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


def moment(value: Since, parameter: str = "since") -> pd.Timestamp | None:
    """Return a date as a time in UTC; None for None. Raises ArgumentError."""
    # A number would be nanoseconds since 1970.
    time = readable_time(value if isinstance(value, str | date) else None)
    if time is not None or value is None:
        return time
    raise ArgumentError(
        f'{parameter} must be a date such as "2026-06-01", or a datetime, not {value!r}.'
    )


def _moment_and_verb(event: Event) -> tuple[Any, int]:
    return event.when, (*_VERBS, event.verb).index(event.verb)
