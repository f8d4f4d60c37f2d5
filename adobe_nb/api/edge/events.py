"""Events: from dicts and frames to the JSON of requests, in batches below the size limit."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

import pandas as pd

from adobe_nb.api.edge.from_frame import from_frame
from adobe_nb.api.edge.validation import (
    IDENTITY_SAMPLE,
    JsonObject,
    check_all,
    check_identities,
    check_timestamp,
    identities_of,
    refused,
    scalar,
    type_name,
)

Event = JsonObject
Events = pd.DataFrame | Sequence[Event]
Members = JsonObject | None
"""A part of an event or a request, as a dict."""
LIMIT = 64 * 1024
"""Bytes of JSON in one request."""
_SAMPLES = {
    "query": '{"identity": {"fetch": ["ECID"]}}',
    "meta": '{"state": {"entries": []}}',
}
_DEEPEST = 200
"""Levels of nesting; a dict that contains itself has more."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The events of one request, by their positions in what the user passed, and its body."""

    events: tuple[int, ...]
    body: bytes


def event_batch(
    event: object,
    xdm: Members,
    data: Members,
    query: Members,
    meta: Members,
    state: Mapping[str, str] | None = None,
) -> Batch:
    """Return the request of one event, with the state of a visitor."""
    event, query, meta = _parts_of(event, query, meta, single=True)
    members = {}
    if xdm is not None:
        members["xdm"] = xdm
    if data is not None:
        members["data"] = data
    if event is None:
        event = members
    elif members:
        raise refused("Pass either the whole event, or xdm= and data=, not both.")
    checked = _checked_event(event, "The event")
    body = _body("event", checked, query, _with_state(meta, state))
    if len(body) > LIMIT:
        raise refused(
            f"The request has {len(body):,} bytes; the limit is {LIMIT:,} (64 KB). "
            "Make the event smaller."
        )
    return Batch((0,), body)


def batches_of(
    events: object,
    query: Members,
    meta: Members,
    *,
    primary: str | None = None,
    authenticated: bool,
    state: Mapping[str, str] | None = None,
) -> list[Batch]:
    """Return as many requests as the events need, with the state of a visitor."""
    events, query, meta = _parts_of(events, query, meta)
    meta = _with_state(meta, state)
    # The service refuses an authenticated event if neither the event nor the state of the request
    # has an identity.
    if not authenticated or _has_identity(meta):
        identity_advice = None
    elif state is None:
        identity_advice = "Add"
    else:
        identity_advice = "Start with visitor.interact(event), or add"
    checked = _checked_events(events, primary, identity_advice)
    return _split(checked, query, meta)


def _parts_of(
    event: object, query: object, meta: object, *, single: bool = False
) -> tuple[Any, Any, Any]:
    """Return event or events, query and meta of a whole request, or as they were passed."""
    if not isinstance(event, Mapping) or not event.keys() & {"event", "events"}:
        return event, query, meta
    _check_request(event, query, meta)
    events = event.get("events", [event.get("event")])
    if single and isinstance(events, list) and len(events) == 1:
        events = events[0]
    return events, event.get("query", query), event.get("meta", meta)


def _check_request(request: Event, query: object, meta: object) -> None:
    """Refuse members that contradict each other, or that belong elsewhere."""
    names = set(request)
    if {"event", "events"} <= names:
        raise refused("The request has both event and events. Keep one of them.")
    if names & {"xdm", "data"}:
        raise refused("xdm and data belong inside an event of the request. Move them there.")
    unknown = names - {"event", "events", "query", "meta"}
    if unknown:
        raise refused(
            "A request has the members event or events, query and meta, "
            f"not {', '.join(sorted(map(str, unknown)))}."
        )
    for name, value in (("query", query), ("meta", meta)):
        if name in names and value is not None:
            raise refused(f"{name} is in the request and in {name}=. Pass it once.")


def _checked_event(event: object, label: str) -> dict[str, Any]:
    """Return an event whose shape, identities and timestamp the service accepts."""
    if not isinstance(event, Mapping):
        raise refused(f"{label} must be a dict, not {type_name(event)}.{_type_advice(event)}")
    if not event:
        raise refused(
            f"{label} is empty. Expected a dict, such as "
            '{"xdm": {"eventType": "web.webpagedetails.pageViews"}}.'
        )
    _check_members(event, label)
    check_identities(event, label)
    check_timestamp(event, label)
    return dict(event)


def _type_advice(value: object) -> str:
    if isinstance(value, (pd.DataFrame, list, tuple)):
        return " For several events, use edge.collect with one list of dicts, or one frame."
    if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F-]{36}", value.strip()):
        return " The datastream id comes first, then the event."
    if isinstance(value, (str, bytes)):
        return " To read JSON text: json.loads(text)."
    return ""


def _check_members(event: Event, label: str) -> None:
    for name, value in event.items():
        if name in _SAMPLES:
            member = "events"
            if label == "The event":
                member = "event"
            raise refused(
                f"{label} contains {name}, which belongs beside it: pass {name}=, or a whole "
                f'request such as {{"{member}": …, "{name}": …}}.'
            )
        if name in {"event", "events"}:
            raise refused(f"{label} is a whole request. Pass the content of its {name}.")
        if name not in {"xdm", "data"}:
            raise refused(f"{label} accepts only xdm and data; move {name} into one of them.")
        if not isinstance(value, Mapping):
            raise refused(f"{label}: {name} must be a dict, not {type_name(value)}.")


def _checked_events(
    events: object, primary: str | None, identity_advice: str | None
) -> list[dict[str, Any]]:
    """Return the events of a frame or a list.

    ``identity_advice`` begins the advice for an event without an identity; None if such an event
    can be sent.
    """
    if isinstance(events, pd.DataFrame):
        return from_frame(events, primary, identity_advice)
    if isinstance(events, Mapping):
        events = [events]
    # Text is iterable too, character by character.
    if isinstance(events, (str, bytes)) or not isinstance(events, Iterable):
        raise refused(
            "collect requires a list of events, or a frame with one row per event, "
            f"not {type_name(events)}."
        )
    if primary is not None:
        raise refused('primary= is for frames. In a dict, add "primary": True to one identity.')

    def check(index: int, event: object) -> dict[str, Any]:
        label = f"Event {index}"
        checked = _checked_event(event, label)
        if identity_advice and not identities_of(checked):
            raise refused(f"{label} has no identity. {identity_advice} {IDENTITY_SAMPLE} to xdm.")
        return checked

    return check_all(check, events)


def _state_entries(meta: object) -> list[JsonObject] | None:
    """Return the entries of ``meta.state``; None if they have another shape."""
    if not isinstance(meta, Mapping):
        return []
    state = meta.get("state") or {}
    if not isinstance(state, Mapping):
        return None
    entries = state.get("entries") or []
    if isinstance(entries, list) and all(isinstance(entry, Mapping) for entry in entries):
        return entries
    return None


def _with_state(meta: Any, state: Mapping[str, str] | None) -> Any:
    """Return ``meta`` with the state of a visitor, which replaces entries with the same key."""
    # The body of the request refuses a meta of another type.
    if not state or not isinstance(meta, Mapping | None):
        return meta
    entries = _state_entries(meta)
    if entries is None:
        raise refused(
            'meta.state must be a dict, such as {"entries": [{"key": "…", "value": "…"}]}.'
        )
    merged = [entry for entry in entries if entry.get("key") not in state]
    for key, value in state.items():
        merged.append({"key": key, "value": value})
    meta = meta or {}
    return {**meta, "state": {**(meta.get("state") or {}), "entries": merged}}


def _has_identity(meta: object) -> bool:
    """Return whether the state of a request has the cookie that identifies a person."""
    entries = _state_entries(meta) or []
    return any(str(entry.get("key")).endswith("_identity") for entry in entries)


def _split(events: Sequence[object], query: object, meta: object) -> list[Batch]:
    """Distribute the events over requests below the size limit, in their order."""
    if not events:
        raise refused("There is no event to send.")
    envelope = _body("events", [], query, meta)
    head, tail = envelope.split(b"[]", 1)
    groups: list[dict[int, bytes]] = []
    # Full, so that the first event starts a group.
    size = LIMIT
    for index, event in enumerate(events):
        encoded = _encoded(event, f"Event {index}")
        # One more for the comma.
        length = len(encoded) + 1
        if len(envelope) + length > LIMIT:
            raise refused(
                f"Event {index} alone has {length:,} bytes; the limit of a request is "
                f"{LIMIT:,} (64 KB). Make it smaller."
            )
        if size + length > LIMIT:
            groups.append({})
            size = len(envelope)
        groups[-1][index] = encoded
        size += length
    batches = []
    for group in groups:
        body = head + b"[" + b",".join(group.values()) + b"]" + tail
        batches.append(Batch(tuple(group), body))
    return batches


def _body(member: Literal["event", "events"], value: object, query: object, meta: object) -> bytes:
    document: dict[str, object] = {member: value}
    for name, extra in (("query", query), ("meta", meta)):
        if extra is None:
            continue
        if not isinstance(extra, Mapping):
            raise refused(
                f"{name}= must be a dict, such as {_SAMPLES[name]}, not {type_name(extra)}."
            )
        document[name] = extra
    return _encoded(document, "The event")


def _encoded(value: object, label: str) -> bytes:
    try:
        return _json(value)
    except (TypeError, ValueError, RecursionError):
        path, problem = _invalid_member(value, ())
    # Outside the except block: the frames of the encoder hold the user's event.
    raise refused(f"{label} cannot be sent as JSON: {'.'.join(path) or 'it'} is {problem}.")


def _json(value: object) -> bytes:
    text = json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_json_default
    )
    return text.encode()


def _json_default(value: object) -> object:
    """Convert NumPy scalars, and dates and times, for JSON."""
    if value is pd.NaT or value is pd.NA:
        raise TypeError("missing value")
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("timestamp without a time zone")
        timestamp = value.astimezone(UTC)
        # Adobe reads milliseconds.
        return f"{timestamp:%Y-%m-%dT%H:%M:%S}.{timestamp.microsecond // 1000:03d}Z"
    if isinstance(value, date):
        return value.isoformat()
    plain = scalar(value)
    if isinstance(plain, (int, str)) or (isinstance(plain, float) and math.isfinite(plain)):
        return plain
    raise TypeError(type(value).__name__)


def _invalid_member(value: object, path: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Return the path of the member that JSON cannot represent, and what it is."""
    if len(path) > _DEEPEST:
        return path[:3], "nested too deep, or contains itself"
    members: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        members = value.items()
    elif isinstance(value, (list, tuple)):
        members = enumerate(value)
    for name, member in members:
        if not isinstance(name, (str, int)):
            return path, f"a dict with a name that is not text ({name!r})"
        try:
            _json(member)
        except (TypeError, ValueError, RecursionError):
            return _invalid_member(member, (*path, str(name)))
    return path, _problem_of(value)


def _problem_of(value: object) -> str:
    """Return what a value is that JSON cannot represent, with advice."""
    if value is pd.NaT or value is pd.NA:
        return f"a missing value ({value}); leave the member out"
    if isinstance(value, datetime):
        return (
            f'a timestamp without a time zone ({value:%Y-%m-%d %H:%M}); use tz="UTC", for example'
        )
    if isinstance(scalar(value), float):
        return "NaN or infinity; leave the member out"
    if isinstance(value, str):
        return "text with a lone surrogate"
    conversions = {
        "ndarray": "value.tolist()",
        "Series": "value.tolist()",
        "Decimal": "float(value)",
        "set": "list(value)",
    }
    name = type(value).__name__
    if name in conversions:
        return f"of type {name}; use {conversions[name]}"
    return f"of type {name}"
