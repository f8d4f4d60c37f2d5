"""Audit events in any number, such as a year of work leaves behind, for tests and measurements."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from random import Random

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.seed.records import PEOPLE, add_event, make_id, signatures
from adobe_nb.simulator.store import SERVED_AT, Record, Store, render, stamp
from adobe_nb.simulator.texts import json_text

_YEAR = timedelta(days=365)
# In every round of 97 events, the first five share one millisecond. Pages hold a different number
# of events, so that a page sometimes ends in the middle of such a burst.
_ROUND = 97
_BURST = 5
_SHORT_LIVED = ("rules", "data_elements", "rule_components")


def add_history(store: Store, properties: list[Record], number: int) -> None:
    """Add audit events about generated properties, and update their resources accordingly."""
    random = Random(f"history {number}")  # noqa: S311
    records: list[Record] = []
    for parent in properties:
        records += _resources(store, parent)
    events = list(_events(properties, records, number, random))
    people = []
    for timestamp, verb, record in events:
        person = random.choice(PEOPLE)
        people.append(person)
        if verb == "updated":
            record.attributes |= {"updated_at": timestamp, **signatures(updated=person)}
    store.changed(*records)
    # All events of a record share one text: it is most of an event's size.
    entities: dict[str, str] = {}
    for position, (timestamp, verb, record) in enumerate(events):
        if record.id not in entities:
            entities[record.id] = json_text({"data": render(record, SERVED_AT)})
        path = ("history", str(position))
        add_event(store, path, verb, record, timestamp, people[position], entities[record.id])


def _resources(store: Store, parent: Record) -> list[Record]:
    """Return a property and the resources in it."""
    rules = store.listed(parent.id, "rules")
    components: list[Record] = []
    for rule in rules:
        components += store.listed(rule.id, "rule_components")
    extensions = store.listed(parent.id, "extensions")
    return [parent, *extensions, *store.listed(parent.id, "data_elements"), *rules, *components]


def _events(
    properties: list[Record], records: list[Record], number: int, random: Random
) -> Iterator[tuple[str, str, Record]]:
    """Yield the timestamp, verb and record of each event.

    Most are updates. One in twenty creates or deletes a short-lived resource, so that readers of
    the log meet resources that no longer exist.
    """
    for position, timestamp in enumerate(_timestamps(records, number, random)):
        if position % 20 != 13:
            yield timestamp, "updated", random.choice(records)
            continue
        turn = position // 40
        resource_type = _SHORT_LIVED[turn % len(_SHORT_LIVED)]
        record = _short_lived(records, resource_type, turn, properties[turn % len(properties)])
        record.attributes |= {"created_at": timestamp, "updated_at": timestamp}
        verb = "deleted"
        if position % 40 == 13:
            verb = "created"
        yield timestamp, verb, record


def _short_lived(records: list[Record], resource_type: str, turn: int, parent: Record) -> Record:
    """Return a record that is in no store, similar to another one of its type."""
    identifier = make_id(resource_type, parent.id, "gone", str(turn))
    columns = RESOURCES[resource_type].columns
    record = Record(resource_type, identifier, {column.name: None for column in columns})
    for template in records:
        if template.type == resource_type:
            record.attributes = dict(template.attributes)
            record.meta = dict(template.meta)
            record.to_one = {**template.to_one, "origin": record.here}
            break
    record.to_one["property"] = parent.here
    record["name"] = f"Trial {turn:05d}"
    return record


def _timestamps(records: list[Record], number: int, random: Random) -> Iterator[str]:
    """Yield timestamps over the year that follows the last change of any record."""
    last_change = max(map(itemgetter("updated_at"), records))
    start = datetime.fromisoformat(last_change).astimezone(UTC)
    step = max(1, _YEAR // timedelta(milliseconds=1) // number)
    timestamp = stamp(start)
    for position in range(number):
        if not 0 < position % _ROUND < _BURST:
            offset = 1 + position * step + random.randrange(step)
            timestamp = stamp(start + timedelta(milliseconds=offset))
        yield timestamp
