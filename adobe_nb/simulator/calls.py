"""The context of a request to Reactor: its account and rights, and the log of what it changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.documents import Wanted
from adobe_nb.simulator.ims import Account
from adobe_nb.simulator.messages import Request
from adobe_nb.simulator.problems import not_authorized
from adobe_nb.simulator.store import Record, Store, render
from adobe_nb.simulator.texts import json_text

_AUDITED = {target for relation in RESOURCES["audit_events"].to_one for target in relation.targets}
"""The resource types whose changes are logged."""
_NO_REQUEST = Request("", "")
"""Of changes that the service makes by itself."""


@dataclass(slots=True)
class Options:
    """How the simulator behaves. The options can be changed while it runs."""

    build_seconds: float = 0.5
    failing_builds: bool = False
    deliver: Callable[[str, Mapping[str, Any]], object] | None = None
    """Sends the document of a callback to a URL."""
    deepest_page: int = 1000
    """The last page of audit events that the service answers."""
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """The context that handlers and writes share."""

    store: Store
    account: Account
    options: Options = field(default_factory=Options)
    request: Request = _NO_REQUEST

    def need(self, right: str) -> None:
        """Raise Problem if the account lacks the right. An empty right requires nothing."""
        if right and right not in self.account.rights:
            raise not_authorized(right)

    def created(self, record: Record) -> Record:
        """Sign a new record and log it."""
        self.by(record, "created", "updated")
        self.log(record, "created")
        return record

    def touch(self, record: Record) -> None:
        """Sign and date a changed record, and log it."""
        record["updated_at"] = self.store.now()
        self.by(record, "updated")
        self.store.changed(record)
        self.log(record, "updated")

    def by(self, record: Record, *verbs: str) -> None:
        """Set ``created_by_…`` or ``updated_by_…`` to the account, if the type has such columns."""
        columns = {attribute.name for attribute in RESOURCES[record.type].columns}
        for verb in verbs:
            if f"{verb}_by_email" in columns:
                record[f"{verb}_by_email"] = self.account.email
                record[f"{verb}_by_display_name"] = self.account.display_name

    def log(self, record: Record, verb: str) -> None:
        """Log that a record was ``created``, ``updated`` or ``deleted``."""
        if record.type not in _AUDITED:
            return
        owner = record.to_one.get("property")
        if record.type == "properties":
            owner = record.here
        event = self._event(record, verb)
        event.to_one = {"property": owner, "entity": record.here}
        parent = self.store.of(event, "property")
        if parent is not None:
            event.meta["property_name"] = parent["name"]
        self.store.add(event)
        # Adobe calls no callback for changes of the property itself.
        if owner is not None and owner != record.here:
            self._notify(owner[1], event)

    def _event(self, record: Record, verb: str) -> Record:
        timestamp = self.store.now()
        # The log shows the resource as it was at the time, so it is rendered now.
        entity = {"data": render(record, self.options.base_url)}
        attributes = {
            "created_at": timestamp,
            "updated_at": timestamp,
            "type_of": f"{RESOURCES[record.type].singular}.{verb}",
            "display_name": record.attributes.get("name") or record.id,
            "attributed_to_display_name": self.account.display_name,
            "attributed_to_email": self.account.email,
            "entity": json_text(entity),
        }
        return Record("audit_events", self.store.new_id("audit_events"), attributes)

    def _notify(self, property_id: str, event: Record) -> None:
        """Deliver the event to the callbacks of the property that subscribe to it."""
        # Adobe retries for days. Here a delivery is tried once.
        for callback in self.store.listed(property_id, "callbacks"):
            if self.options.deliver and event["type_of"] in callback["subscriptions"]:
                document = {"data": render(event, self.options.base_url)}
                self.options.deliver(callback["url"], document)


@dataclass(frozen=True, slots=True)
class Change:
    """A create or an update under way. The record has its new values already."""

    call: Call
    record: Record
    payload: Wanted
    before: Mapping[str, Any] = field(default_factory=dict)
    """The attributes before an update; empty for a new record."""

    @property
    def store(self) -> Store:
        """The store that the change is made in."""
        return self.call.store
