"""One writing request: who asks, what that account may do, and the audit events that follow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.ims import Account
from adobe_nb.simulator.messages import Request
from adobe_nb.simulator.problems import not_authorized
from adobe_nb.simulator.store import Identifier, Record, Store, render
from adobe_nb.simulator.texts import json_text

AUDITED = (
    "properties", "extensions", "data_elements", "rules", "rule_components", "libraries", "builds", "environments",
    "hosts", "app_configurations",
)  # fmt: skip
Deliver = Callable[[str, Mapping[str, Any]], object]


_NO_REQUEST = Request("", "")
"""Of changes that the service makes by itself."""


@dataclass(slots=True)
class Options:
    """How the simulator behaves; may be changed while it runs."""

    build_seconds: float = 0.5
    failing_builds: bool = False
    deliver: Deliver | None = None
    """Sends a callback's document to an address."""
    deepest_page: int = 1000
    """The last page of audit events that is answered."""
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """What a write needs to know."""

    store: Store
    account: Account
    options: Options = field(default_factory=Options)
    request: Request = _NO_REQUEST

    def need(self, right: str) -> None:
        """Raises Problem when the account lacks the right."""
        if right not in self.account.rights:
            raise not_authorized(right)

    def created(self, record: Record) -> Record:
        """A record is there now: it says who made it, and an audit event tells."""
        self.by(record, "created", "updated")
        self._event(record, "created")
        return record

    def touch(self, record: Record) -> Record:
        """A record has changed, and says when and by whom."""
        record.attributes["updated_at"] = self.store.now()
        self.by(record, "updated")
        self.store.changed(record)
        self._event(record, "updated")
        return record

    def gone(self, record: Record) -> None:
        """A record is deleted."""
        self._event(record, "deleted")

    def by(self, record: Record, *verbs: str) -> None:
        """Say who did it, where its type has columns for that: ``created``, ``updated``."""
        who = {"email": self.account.email, "display_name": self.account.display_name}
        known = {attribute.name for attribute in RESOURCES[record.type].columns}
        names = {f"{verb}_by_{what}": value for verb in verbs for what, value in who.items()}
        record.attributes |= {name: value for name, value in names.items() if name in known}

    def _event(self, record: Record, what: str) -> None:
        if record.type not in AUDITED:
            return
        store, moment = self.store, self.store.now()
        owner = record.here if record.type == "properties" else record.to_one.get("property")
        place = store.get(*owner) if owner else None
        entity = {"data": render(record, self.options.base_url)}
        attributes = {
            "created_at": moment,
            "updated_at": moment,
            "type_of": f"{RESOURCES[record.type].singular}.{what}",
            "display_name": record.attributes.get("name") or record.id,
            "attributed_to_display_name": self.account.display_name,
            "attributed_to_email": self.account.email,
            "entity": json_text(entity),
        }
        to_one: dict[str, Identifier | None] = {"property": owner, "entity": record.here}
        event = Record("audit_events", store.new_id("audit_events"), attributes, to_one)
        event.meta = {"property_name": place.attributes["name"]} if place else {}
        store.add(event)
        if owner and record.type != "properties" and self.options.deliver is not None:
            for callback in store.listed(owner[1], "callbacks"):
                if attributes["type_of"] in callback.attributes["subscriptions"]:
                    self.options.deliver(
                        callback.attributes["url"], {"data": render(event, self.options.base_url)}
                    )
