"""Events: from dicts and frames to the JSON that the Edge Network takes, in batches below its limit."""

import json
import math
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from adobe_nb.errors import ArgumentError

Event = Mapping[str, Any]
Events = pd.DataFrame | Sequence[Event]
LIMIT = 64 * 1024
"""Bytes of JSON in one request."""
_MEMBERS = ("xdm", "data", "query", "meta")
_IDENTITY = "identityMap."
_IDENTITY_SAMPLE = '"identityMap": {"Email": [{"id": "…", "primary": True}]}'
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def event_of(event: object, xdm: Mapping[str, Any] | None, data: Mapping[str, Any] | None) -> dict[str, Any]:
    """One event from what was handed over. Raises ArgumentError when it is none, or its identities cannot do."""
    if event is not None and (xdm is not None or data is not None):
        raise ArgumentError("Give the event whole, or xdm= and data=, not both.")
    if event is None:
        event = {name: value for name, value in (("xdm", xdm), ("data", data)) if value is not None}
    if isinstance(event, (pd.DataFrame, list, tuple)):
        raise ArgumentError("This takes one event. For several, use edge.collect(datastream_id, events).")
    if isinstance(event, str):
        raise ArgumentError("The datastream id comes first, then the event, which is a dict.")
    if not isinstance(event, Mapping) or not event:
        raise ArgumentError('An event is a dict, as in {"xdm": {"eventType": "web.webpagedetails.pageViews"}}.')
    strange = [str(name) for name in event if name not in _MEMBERS]
    if strange:
        raise ArgumentError(
            f"An event has the members {', '.join(_MEMBERS)}; put {', '.join(strange)} into xdm or data."
        )
    _check_identities(event, "The event")
    _check_timestamp(event, "The event")
    return dict(event)


def events_of(
    events: object, primary: str | None, *, identity_needed: bool = False, visitor: bool = False
) -> list[dict[str, Any]]:
    """A batch from a frame or a list. Raises ArgumentError naming the row; nothing has been sent then.

    ``identity_needed``: an authenticated batch has no visitor whom the service could take an event without
    identities for.
    """
    if isinstance(events, pd.DataFrame):
        return _from_frame(events, primary, identity_needed=identity_needed, visitor=visitor)
    if isinstance(events, (str, bytes, Mapping)) or not isinstance(events, Iterable):
        raise ArgumentError("collect wants a list of events or a frame with one row per event.")
    if primary is not None:
        raise ArgumentError('primary= is for frames. In a dict, write "primary": True into one identity.')
    found = []
    for index, event in enumerate(events):
        problem = ""
        try:
            found.append(event_of(event, None, None))
        except ArgumentError as error:
            problem = str(error)
        if problem:
            raise ArgumentError(f"Event {index}: {problem} Nothing was sent.")
        if identity_needed and not _has_identities(found[-1]):
            first = "Begin with visitor.interact(event), or add" if visitor else "Add"
            raise ArgumentError(
                f"Event {index} has no identity. {first} {_IDENTITY_SAMPLE} to its xdm. Nothing was sent."
            )
    return found


def body_of(
    events: Sequence[Mapping[str, Any]],
    query: Mapping[str, Any] | None,
    *,
    one: bool = False,
    meta: Mapping[str, Any] | None = None,
) -> bytes:
    """The JSON of a request. Raises ArgumentError for what JSON cannot say, or above the limit."""
    document: dict[str, Any] = {"event": events[0]} if one else {"events": list(events)}
    if query is not None:
        document["query"] = query
    if meta is not None:
        document["meta"] = meta
    body = _encoded(document, "The event")
    if len(body) > LIMIT:
        raise ArgumentError(
            f"The request would have {len(body):,} bytes; the limit is {LIMIT:,} (64 KB). Make the event smaller."
        )
    return body


def batches(
    events: Sequence[Mapping[str, Any]], query: Mapping[str, Any] | None, meta: Mapping[str, Any] | None = None
) -> list[list[int]]:
    """Positions of the events, request by request, each below the limit. Raises ArgumentError."""
    if not events:
        raise ArgumentError("There is no event to send.")
    frame = len(body_of([], query, meta=meta))
    parts: list[list[int]] = [[]]
    size = frame
    for index, event in enumerate(events):
        own = len(_encoded(event, f"Event {index}")) + 1
        if frame + own > LIMIT:
            raise ArgumentError(
                f"Event {index} alone has {own:,} bytes; the limit of a request is {LIMIT:,} (64 KB). Make it smaller. "
                "Nothing was sent."
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
    where = f" in {'.'.join(member)}" if member else ""
    raise ArgumentError(f"{what} holds {problem}{where}. Nothing was sent.")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain).encode()


def _culprit(value: object, path: tuple[str, ...], depth: int = 0) -> tuple[tuple[str, ...], str]:
    """Which member JSON cannot say, and what it is."""
    if depth > 200:
        return path[:3], "itself (a circle, or far too deep a nesting)"
    inside: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        inside = value.items()
    elif isinstance(value, (list, tuple)):
        inside = enumerate(value)
    for name, each in inside:
        if not isinstance(name, (str, int)):
            return path, f"a member whose name is not text ({name!r})"
        try:
            _json(each)
        except (TypeError, ValueError, RecursionError):
            return _culprit(each, (*path, str(name)), depth + 1)
    return path, _what_is_wrong(value)


def _what_is_wrong(value: object) -> str:
    if value is pd.NaT or value is pd.NA:
        return f"a missing value ({value}); leave the member out"
    if isinstance(value, datetime):
        return f'a time without a time zone ({value:%Y-%m-%d %H:%M}; say which, as in pd.Timestamp(…, tz="UTC"))'
    number = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if isinstance(number, float):
        return "a number that is none (NaN or infinity); leave the member out"
    if isinstance(value, str):
        return "text with half a character (a lone surrogate)"
    return f"something that JSON cannot say (a {type(value).__name__})"


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
        if isinstance(plain, (bool, int, str)) or (isinstance(plain, float) and math.isfinite(plain)):
            return plain
    raise TypeError(f"a {type(value).__name__}")


def _check_timestamp(event: Mapping[str, Any], what: str, column: str = "") -> None:
    """The one member that every event may have and that Adobe reads as a moment."""
    xdm = event.get("xdm")
    value = xdm.get("timestamp") if isinstance(xdm, Mapping) else None
    if value is None or isinstance(value, datetime) or (isinstance(value, str) and _MOMENT.fullmatch(value)):
        return
    mend = (
        f'Make it a time with a zone: frame["{column}"] = pd.to_datetime(frame["{column}"], utc=True)'
        if column
        else "Write 2026-07-01T10:00:00Z, or give a datetime with a time zone"
    )
    raise ArgumentError(f"{what} has the timestamp {value!r}, which is not a moment with a time zone. {mend}.")


def _has_identities(event: Mapping[str, Any]) -> bool:
    xdm = event.get("xdm")
    return isinstance(xdm, Mapping) and bool(xdm.get("identityMap"))


def _check_identities(event: Mapping[str, Any], what: str) -> None:
    xdm = event.get("xdm")
    identities = xdm.get("identityMap") if isinstance(xdm, Mapping) else None
    if identities is None:
        return
    listed = []
    if isinstance(identities, Mapping):
        listed = [each for values in identities.values() if isinstance(values, list) for each in values]
    if not listed or not all(isinstance(each, Mapping) and each.get("id") for each in listed):
        raise ArgumentError(f'{what} has an identityMap that is not {{"ECID": [{{"id": "…", "primary": True}}]}}.')
    if not any(each.get("primary") in {True, "true"} for each in listed):
        raise ArgumentError(f'{what} has no primary identity. Add "primary": True to one identity in identityMap.')


def _from_frame(
    frame: pd.DataFrame, primary: str | None, *, identity_needed: bool, visitor: bool
) -> list[dict[str, Any]]:
    columns = [str(name) for name in frame.columns]
    _check_columns(frame.columns, columns, primary)
    stamp = next((name for name in ("timestamp", "xdm.timestamp") if name in columns), "timestamp")
    events = []
    for index, row in enumerate(frame.itertuples(index=False, name=None)):
        values = {name: value for name, value in zip(columns, row, strict=True) if not _missing(value)}
        event = _event_of_row(values, index, columns, primary)
        _check_identities(event, f"Row {index}")
        _check_timestamp(event, f"Row {index}", stamp)
        if identity_needed and not _has_identities(event):
            first = "Begin with visitor.interact(event), or add" if visitor else "Add"
            raise ArgumentError(
                f"Row {index} has no identity. {first} a column such as identityMap.Email, with the plain ids. "
                "Nothing was sent."
            )
        events.append(event)
    return events


def _check_columns(names: Iterable[Hashable], columns: list[str], primary: str | None) -> None:
    if not all(isinstance(name, str) for name in names) or len(set(columns)) != len(columns):
        raise ArgumentError("The columns of a frame of events have distinct names, such as web.webPageDetails.name.")
    for name in columns:
        inside = [other for other in columns if other.startswith(f"{name}.")]
        if inside:
            raise ArgumentError(
                f"The columns {name!r} and {inside[0]!r} contradict each other: one is inside the other."
            )
    namespaces = [name.removeprefix(_IDENTITY) for name in columns if name.startswith(_IDENTITY)]
    nested = next((name for name in namespaces if "." in name or not name), None)
    if nested is not None:
        raise ArgumentError(
            f"{_IDENTITY}{nested} is no column of identities. Call it identityMap.<namespace>, like identityMap.Email, "
            "with the plain id as its value. Nothing was sent."
        )
    if primary is not None and primary not in namespaces:
        raise ArgumentError(f"primary={primary!r} has no column identityMap.{primary}. There are: {namespaces}.")


def _event_of_row(values: Mapping[str, Any], index: int, columns: list[str], primary: str | None) -> dict[str, Any]:
    event: dict[str, Any] = {"xdm": {}}
    identities = {name.removeprefix(_IDENTITY): value for name, value in values.items() if name.startswith(_IDENTITY)}
    if not identities and any(name.startswith(_IDENTITY) for name in columns):
        raise ArgumentError(f"Row {index} has no identity: all its identityMap columns are empty. Nothing was sent.")
    if primary is not None and primary not in identities:
        raise ArgumentError(
            f"Row {index} has no value in identityMap.{primary}, the primary identity. Nothing was sent."
        )
    first = primary or next(iter(identities), None)
    for name, value in values.items():
        if name.startswith(_IDENTITY):
            continue
        path = name.split(".") if name.startswith("data.") else ["xdm", *name.removeprefix("xdm.").split(".")]
        _put(event, path, value, index, name)
    if identities:
        event["xdm"]["identityMap"] = {
            namespace: [{"id": str(value), "primary": namespace == first}] for namespace, value in identities.items()
        }
    if event == {"xdm": {}}:
        raise ArgumentError(f"Row {index} is empty. Nothing was sent.")
    return event


def _put(event: dict[str, Any], path: list[str], value: object, index: int, name: str) -> None:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ArgumentError(
            f"Row {index} has a time without a time zone in {name}. Say which: "
            f'frame["{name}"] = frame["{name}"].dt.tz_localize("UTC"), or the zone it was noted in. Nothing was sent.'
        )
    here = event
    for member in path[:-1]:
        here = here.setdefault(member, {})
    here[path[-1]] = value


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
