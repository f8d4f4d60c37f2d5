"""Events: from dicts and frames to the JSON that the Edge Network takes, in batches below its
limit.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from adobe_nb.api.edge.from_frame import from_frame
from adobe_nb.api.edge.validation import (
    IDENTITY_SAMPLE,
    check_identities,
    check_timestamp,
    each,
    has_identities,
    kind,
    lower,
    refused,
)

Event = Mapping[str, Any]
Events = pd.DataFrame | Sequence[Event]
LIMIT = 64 * 1024
"""Bytes of JSON in one request."""
_MEMBERS = ("xdm", "data")
_BESIDE = ("query", "meta")
"""Members of the request, beside the event."""


def event_of(
    event: object,
    xdm: Mapping[str, Any] | None,
    data: Mapping[str, Any] | None,
    what: str = "The event",
) -> dict[str, Any]:
    """One event from what was handed over. Raises ArgumentError when it is none, or its identities
    cannot do.
    """
    if event is not None and (xdm is not None or data is not None):
        raise refused("Give the event whole, or xdm= and data=, not both.")
    if event is None:
        event = {name: value for name, value in (("xdm", xdm), ("data", data)) if value is not None}
    if not isinstance(event, Mapping):
        raise refused(_no_event(event, what))
    if not event:
        raise refused(
            f'{what} is empty. It is a dict, as in {{"xdm": {{"eventType": "web.webpagedetails.pageViews"}}}}.'
        )
    _check_members(event, what)
    for name, value in event.items():
        if not isinstance(value, Mapping):
            raise refused(f"{name} of {lower(what)} is a dict, not {kind(value)}.")
    check_identities(event, what)
    check_timestamp(event, what)
    return dict(event)


def _check_members(event: Mapping[str, Any], what: str) -> None:
    """Raises ArgumentError when it has others than those of an event."""
    for name in _BESIDE:
        if name in event:
            member = "event" if what == "The event" else "events"
            raise refused(
                f"{name} does not belong inside {lower(what)} but beside it: give {name}=, or a whole request, as in "
                f'{{"{member}": …, "{name}": …}}.'
            )
    for name in ("event", "events"):
        if name in event:
            raise refused(f"{what} is a whole request. Hand over what is in its {name}.")
    strange = [str(name) for name in event if name not in _MEMBERS]
    if strange:
        raise refused(
            f"{what} has the members {', '.join(_MEMBERS)} only; put {', '.join(strange)} into xdm or data."
        )


def events_of(
    events: object, primary: str | None, *, identity_needed: bool = False, visitor: bool = False
) -> list[dict[str, Any]]:
    """A batch from a frame or a list. Raises ArgumentError naming the row; nothing has been sent
    then.

    ``identity_needed``: an authenticated batch has no visitor whom the service could take an event
    without identities for.
    """
    if isinstance(events, pd.DataFrame):
        return from_frame(events, primary, identity_needed=identity_needed, visitor=visitor)
    if isinstance(events, Mapping):
        events = [events]
    if isinstance(events, (str, bytes)) or not isinstance(events, Iterable):
        raise refused(
            f"collect wants a list of events, or a frame with one row per event, not {kind(events)}."
        )
    if primary is not None:
        raise refused('primary= is for frames. In a dict, write "primary": True into one identity.')

    def checked(index: int, event: object) -> dict[str, Any]:
        found = event_of(event, None, None, f"Event {index}")
        if identity_needed and not has_identities(found):
            first = "Begin with visitor.interact(event), or add" if visitor else "Add"
            raise refused(f"Event {index} has no identity. {first} {IDENTITY_SAMPLE} to its xdm.")
        return found

    return each(checked, events)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a request consists of: its event or events, and what stands beside them."""

    events: Any
    query: Any = None
    meta: Any = None


def parts_of(event: object, query: object, meta: object, *, one: bool = False) -> Parts:
    """The parts of a request that was handed over whole, as Adobe's pages print it, or already
    apart.

    ``one``: exactly one event is wanted. Raises ArgumentError.
    """
    if not isinstance(event, Mapping) or not {"event", "events"} & set(event):
        return Parts(event, query, meta)
    _check_request(event, query, meta)
    events: Any = event.get("events")
    if "event" in event:
        events = event["event"] if one else [event["event"]]
    elif one and isinstance(events, list) and len(events) == 1:
        events = events[0]
    return Parts(events, event.get("query", query), event.get("meta", meta))


def _check_request(event: Mapping[str, Any], query: object, meta: object) -> None:
    """Raises ArgumentError for members that contradict each other, or belong elsewhere."""
    if "event" in event and "events" in event:
        raise refused("The request has event and events. Leave one of them.")
    if "xdm" in event or "data" in event:
        raise refused(
            "xdm and data stand inside an event of the request, not beside it. Move them there."
        )
    strange = [str(name) for name in event if name not in {"event", "events", *_BESIDE}]
    if strange:
        raise refused(
            f"A request has the members event or events, query and meta; {', '.join(strange)} is none."
        )
    for name, value in (("query", query), ("meta", meta)):
        if name in event and value is not None:
            raise refused(f"{name} is in the request and in {name}=. Give it once.")


def with_state(meta: Any, state: Mapping[str, str]) -> Any:
    """``meta`` with the entries of a visitor, which replace those of the same key. Raises
    ArgumentError.
    """
    if not state:
        return meta
    given = meta or {}
    if not isinstance(given, Mapping):
        return meta  # the body of the request refuses it
    own = given.get("state") or {}
    entries = own.get("entries") or [] if isinstance(own, Mapping) else None
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise refused('meta.state is a dict, as in {"entries": [{"key": "…", "value": "…"}]}.')
    others = [entry for entry in entries if entry.get("key") not in state]
    kept = [{"key": key, "value": value} for key, value in state.items()]
    return {**given, "state": {**own, "entries": [*others, *kept]}}


def names_a_person(meta: Any) -> bool:
    """Whether the state in ``meta`` has an identity, so that events may go without."""
    state = meta.get("state") if isinstance(meta, Mapping) else None
    entries = state.get("entries") if isinstance(state, Mapping) else None
    if not isinstance(entries, list):
        return False
    keys = [str(entry.get("key")) for entry in entries if isinstance(entry, Mapping)]
    return any(key.endswith("_identity") for key in keys)


def _no_event(value: object, what: str) -> str:
    if isinstance(value, (pd.DataFrame, list, tuple)):
        if what == "The event":
            return "This takes one event. For several, use edge.collect(datastream_id, events)."
        return (
            f"{what} is {kind(value)}. Hand the events over as one list of dicts, or as one frame."
        )
    if (
        isinstance(value, str)
        and what == "The event"
        and re.fullmatch(r"[0-9a-f-]{36}", value.strip(), re.IGNORECASE)
    ):
        return "The datastream id comes first, then the event, which is a dict."
    hint = " For JSON text: json.loads(text)." if isinstance(value, (str, bytes)) else ""
    return f"{what} is a dict, not {kind(value)}.{hint}"


def body_of(
    events: Sequence[Mapping[str, Any]],
    query: Mapping[str, Any] | None,
    *,
    one: bool = False,
    meta: Mapping[str, Any] | None = None,
) -> bytes:
    """The JSON of a request. Raises ArgumentError for what JSON cannot say, or above the limit."""
    if query is not None and not isinstance(query, Mapping):
        raise refused(
            f'query= is a dict, as in {{"identity": {{"fetch": ["ECID"]}}}}, not {kind(query)}.'
        )
    if meta is not None and not isinstance(meta, Mapping):
        raise refused(f'meta= is a dict, as in {{"state": {{"entries": []}}}}, not {kind(meta)}.')
    document: dict[str, Any] = {"event": events[0]} if one else {"events": list(events)}
    if query is not None:
        document["query"] = query
    if meta is not None:
        document["meta"] = meta
    body = _encoded(document, "The event")
    if len(body) > LIMIT:
        raise refused(
            f"The request would have {len(body):,} bytes; the limit is {LIMIT:,} (64 KB). Make the event smaller."
        )
    return body


def batches(
    events: Sequence[Mapping[str, Any]],
    query: Mapping[str, Any] | None,
    meta: Mapping[str, Any] | None = None,
) -> list[list[int]]:
    """Positions of the events, request by request, each below the limit. Raises ArgumentError."""
    if not events:
        raise refused("There is no event to send.")
    frame = len(body_of([], query, meta=meta))
    parts: list[list[int]] = [[]]
    size = frame
    for index, event in enumerate(events):
        own = len(_encoded(event, f"Event {index}")) + 1
        if frame + own > LIMIT:
            raise refused(
                f"Event {index} alone has {own:,} bytes; the limit of a request is {LIMIT:,} (64 KB). Make it smaller."
            )
        if size + own > LIMIT:
            parts.append([])
            size = frame
        parts[-1].append(index)
        size += own
    return parts


def _encoded(value: object, what: str) -> bytes:
    try:
        return _json(value)
    except (TypeError, ValueError, RecursionError):
        pass
    member, problem = _culprit(value, ())
    raise refused(f"In {lower(what)}, {'.'.join(member) or 'the whole'} is {problem}.")


def _json(value: object) -> bytes:
    return json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain
    ).encode()


def _culprit(value: object, path: tuple[str, ...], depth: int = 0) -> tuple[tuple[str, ...], str]:
    """Which member JSON cannot say, and what it is."""
    if depth > 200:
        return path[:3], "itself (a circle, or far too deep a nesting)"
    inside: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        inside = value.items()
    elif isinstance(value, (list, tuple)):
        inside = enumerate(value)
    for name, part in inside:
        if not isinstance(name, (str, int)):
            return path, f"a member whose name is not text ({name!r})"
        try:
            _json(part)
        except (TypeError, ValueError, RecursionError):
            return _culprit(part, (*path, str(name)), depth + 1)
    return path, _what_is_wrong(value)


def _what_is_wrong(value: object) -> str:
    if value is pd.NaT or value is pd.NA:
        return f"a missing value ({value}); leave the member out"
    if isinstance(value, datetime):
        return f'a time without a time zone ({value:%Y-%m-%d %H:%M}; say which, as in pd.Timestamp(…, tz="UTC"))'
    number = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if isinstance(number, float):
        return "NaN or infinity, which JSON does not have; leave the member out"
    if isinstance(value, str):
        return "text with half a character (a lone surrogate)"
    hint = {
        "ndarray": "value.tolist()",
        "Series": "value.tolist()",
        "Decimal": "float(value)",
        "set": "list(value)",
    }
    name = type(value).__name__
    mend = f"; {hint[name]} makes it one" if name in hint else ""
    return f"something that JSON cannot say (of type {name}{mend})"


def _plain(value: object) -> object:
    """What JSON has no word for, but we do: numpy's numbers, and times with a zone."""
    if value is pd.NaT or value is pd.NA:
        raise TypeError("a missing value")
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("a time without a time zone")
        moment = value.astimezone(UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        plain: object = value.item()
        if isinstance(plain, (bool, int, str)) or (
            isinstance(plain, float) and math.isfinite(plain)
        ):
            return plain
    raise TypeError(f"a {type(value).__name__}")
