"""Audit events in any number, as a year of work leaves them, for tests and measurements."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.seed_extras import PEOPLE, signatures
from adobe_nb.simulator.store import SERVED_AT, Identifier, Record, Store, render, stamp
from adobe_nb.simulator.texts import json_text

_YEAR = timedelta(days=365)
_ROUND, _BURST = 97, 5
"""Of so many events in a row, so many have the same millisecond; the first number fits into no size
of page.
"""
_PASSING = ("rules", "data_elements", "rule_components")
Planned = tuple[str, str, Record]
"""Moment, what happened, to what."""


def log(store: Store, places: list[Record], number: int, make_id: Callable[..., str]) -> None:
    """Add that many events about these properties; ``updated_at`` of what is in them follows."""
    chance = Random(f"history {number}")  # noqa: S311
    records = [record for place in places for record in _inside(store, place)]
    plan = list(_plan(places, records, number, chance, make_id))
    authors = [PEOPLE[chance.randrange(len(PEOPLE))] for _ in plan]
    for (when, what, record), author in zip(plan, authors, strict=True):
        if what == "updated":
            record.attributes |= {"updated_at": when, **signatures(updated=author)}
    store.changed(*records)
    entities: dict[
        str, str
    ] = {}  # one text for all events of a record: it is most of what an event weighs
    names = {place.here: {"property_name": place.attributes["name"]} for place in places}
    for position, ((when, what, record), author) in enumerate(zip(plan, authors, strict=True)):
        owner = record.here if record.type == "properties" else record.to_one["property"]
        name, address = author
        if record.id not in entities:
            entities[record.id] = json_text({"data": render(record, SERVED_AT)})
        attributes = {
            "created_at": when,
            "updated_at": when,
            "type_of": f"{RESOURCES[record.type].singular}.{what}",
            "display_name": record.attributes["name"],
            "attributed_to_display_name": name,
            "attributed_to_email": address,
            "entity": entities[record.id],
        }
        to_one: dict[str, Identifier | None] = {"property": owner, "entity": record.here}
        identifier = make_id("audit_events", "history", str(position))
        store.add(
            Record("audit_events", identifier, attributes, to_one, names[owner or record.here])
        )


def _inside(store: Store, place: Record) -> list[Record]:
    """The property and what has been generated in it."""
    rules = store.listed(place.id, "rules")
    parts = [part for rule in rules for part in store.listed(rule.id, "rule_components")]
    return [
        place,
        *store.listed(place.id, "extensions"),
        *store.listed(place.id, "data_elements"),
        *rules,
        *parts,
    ]


def _plan(
    places: list[Record],
    records: list[Record],
    number: int,
    chance: Random,
    make_id: Callable[..., str],
) -> Iterator[Planned]:
    """Mostly changes; one event in twenty is about something that came and went, so that nothing is
    missed.
    """
    for position, when in enumerate(_moments(records, number, chance)):
        if position % 20 != 13:
            yield when, "updated", chance.choice(records)
            continue
        turn = position // 40
        kind, place = _PASSING[turn % len(_PASSING)], places[turn % len(places)]
        gone = _passing(records, kind, make_id(kind, place.id, "gone", str(turn)), place)
        gone.attributes |= {"name": f"Trial {turn:05d}", "created_at": when, "updated_at": when}
        yield when, "created" if position % 40 == 13 else "deleted", gone


def _passing(records: list[Record], kind: str, identifier: str, place: Record) -> Record:
    """Something that came and went, like another one of its kind."""
    like = next((record for record in records if record.type == kind), None)
    if like is None:
        attributes: dict[str, Any] = {attribute.name: None for attribute in RESOURCES[kind].columns}
        return Record(kind, identifier, attributes, {"property": place.here})
    to_one = {**like.to_one, "property": place.here, "origin": (kind, identifier)}
    return Record(kind, identifier, dict(like.attributes), to_one, dict(like.meta))


def _moments(records: list[Record], number: int, chance: Random) -> Iterator[str]:
    """From the last change of any record on, a year long, some of them several times."""
    begin = datetime.fromisoformat(
        max(record.attributes["updated_at"] for record in records)
    ).astimezone(UTC)
    step = max(1, _YEAR // timedelta(milliseconds=1) // max(1, number))
    when = stamp(begin)
    for position in range(number):
        if not 0 < position % _ROUND < _BURST:
            when = stamp(
                begin + timedelta(milliseconds=1 + position * step + chance.randrange(step))
            )
        yield when
