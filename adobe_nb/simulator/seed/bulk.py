"""Generated properties of any size, for tests and measurements."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from adobe_nb.simulator.seed.history import add_history
from adobe_nb.simulator.seed.records import add_head, add_property, make_id
from adobe_nb.simulator.store import Identifier, Record, Store

_START = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bulk:
    """How many resources to generate beside those of the seed.

    ``rules`` and ``data_elements`` are per property, ``components`` per rule; ``events`` is the
    total of audit events about them.
    """

    properties: int = 0
    rules: int = 0
    components: int = 0
    data_elements: int = 0
    events: int = 0


def generate(store: Store, company: Record, bulk: Bulk) -> None:
    """Add the generated properties to the company."""
    count = bulk.properties
    if count == 0 and (bulk.rules or bulk.data_elements or bulk.events):
        count = 1
    properties = [_add_property(store, company, bulk, number) for number in range(1, count + 1)]
    if bulk.events:
        add_history(store, properties, bulk.events)


def _add_property(store: Store, company: Record, bulk: Bulk, number: int) -> Record:
    name = f"Generated {number:04d}"
    created = _START + timedelta(seconds=number)
    parent = add_property(store, company, created, name, domains=["generated.example"])

    def add(resource_type: str, index: int, values: dict[str, Any], **to_one: Identifier) -> Record:
        path = (name, str(index))
        return add_head(store, resource_type, path, _dates(index), values, parent, **to_one)

    values: dict[str, Any] = {"name": "core", "display_name": "Core", "version": "3.4.4"}
    package = make_id("extension_packages", "web", "core", "3.4.4")
    core = add("extensions", 0, values, extension_package=("extension_packages", package))
    for index in range(bulk.data_elements):
        values = {
            "name": f"Element {index:05d}",
            "delegate_descriptor_id": "core::dataElements::javascript-variable",
            "settings": {"path": f"data.v{index}"},
        }
        add("data_elements", index, values, extension=core.here)
    for index in range(bulk.rules):
        rule = add("rules", index, {"name": f"Rule {index:05d}", "enabled": index % 7 != 0})
        for position in range(bulk.components):
            path = (name, rule.id, str(position))
            _add_component(store, path, position, rule, core)
    return parent


def _dates(index: int) -> tuple[datetime, datetime]:
    # Every date is distinct, so that sorting by date is defined.
    created = _START + timedelta(minutes=index, milliseconds=index % 997)
    return created, created + timedelta(hours=1, seconds=index)


def _add_component(
    store: Store, path: tuple[str, ...], position: int, rule: Record, core: Record
) -> None:
    delegates: list[tuple[str, dict[str, Any]]] = [
        ("events::dom-ready", {}),
        ("conditions::path", {"paths": [{"value": f"/page/{position}"}]}),
        (
            "actions::custom-code",
            {"language": "javascript", "source": f"console.log({position});"},
        ),
    ]
    delegate, settings = delegates[position % 3]
    values = {
        "name": f"Step {position}",
        "delegate_descriptor_id": f"core::{delegate}",
        "settings": settings,
        "order": position // 3,
    }
    created = datetime.fromisoformat(rule["created_at"])
    created += timedelta(seconds=position + 1)
    dates = (created, created)
    add_head(store, "rule_components", path, dates, values, rule, extension=core.here)
