"""A table of events: one row per event, dotted columns to nested members, identity columns to
``identityMap``.
"""

import math
from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from adobe_nb.api.edge.validation import (
    IDENTITY,
    check_identities,
    check_timestamp,
    each,
    has_identities,
    kind,
    refused,
)
from adobe_nb.suggest import did_you_mean


def from_frame(
    frame: pd.DataFrame, primary: str | None, *, identity_needed: bool, visitor: bool
) -> list[dict[str, Any]]:
    """The events of a frame. Raises ArgumentError naming the row."""
    if named := [str(name) for name in frame.index.names if name is not None]:
        raise refused(
            f"The index of the frame has names ({', '.join(named)}), and would be lost: frame.reset_index()."
        )
    columns = _checked_columns(frame.columns)
    primary = _checked_primary(primary, columns)
    stamp = next((name for name in ("timestamp", "xdm.timestamp") if name in columns), "timestamp")
    plain = isinstance(frame.index, pd.RangeIndex)

    def checked(index: int, row: tuple[Any, ...]) -> dict[str, Any]:
        what = f"Row {index}" if plain else f"Row {index} (index {frame.index[index]})"
        values = {
            name: value for name, value in zip(columns, row, strict=True) if not _missing(value)
        }
        event = _event_of_row(values, what, primary)
        check_identities(event, what)
        check_timestamp(event, what, stamp)
        if identity_needed and not has_identities(event):
            first = "Begin with visitor.interact(event), or add" if visitor else "Add"
            if any(name.startswith(IDENTITY) for name in columns):
                raise refused(f"{what} has no identity: all its identityMap columns are empty.")
            raise refused(
                f"{what} has no identity. {first} a column such as identityMap.Email, with the plain ids."
            )
        return event

    return each(checked, frame.itertuples(index=False, name=None))


def _checked_columns(names: Iterable[Hashable]) -> list[str]:
    columns = list(names)
    odd = [name for name in columns if not isinstance(name, str)]
    if odd:
        raise refused(f"The columns of a frame of events have plain names; {odd[0]!r} is none.")
    texts = [str(name) for name in columns]
    for name in texts:
        _check_column(name)
        inside = [other for other in texts if other.startswith(f"{name}.")]
        if inside:
            raise refused(
                f"The columns {name!r} and {inside[0]!r} contradict each other: one is inside the other."
            )
    for name in texts:
        if texts.count(name) > 1:
            raise refused(f"The column {name!r} is there twice.")
    for name in texts:
        if name.startswith(IDENTITY) and name.count(".") > 1:
            raise refused(
                f"{name} is no column of identities. Call it identityMap.<namespace>, like identityMap.Email, with "
                "the plain id as its value."
            )
    return texts


def _check_column(name: str) -> None:
    """Raises ArgumentError for a name that no field of an event has."""
    if name != name.strip() or not all(name.split(".")):
        raise refused(
            f"The column {name!r} begins or ends with a space, or nothing between two dots."
        )
    if name.lower().startswith(IDENTITY.lower()) and not name.startswith(IDENTITY):
        raise refused(f"The column {name!r} is written {IDENTITY}…, with a capital M.")
    member = name.partition(".")[0]
    if member in {"query", "meta"}:
        raise refused(
            f"The column {name!r}: {member} does not belong inside an event but beside it. Give {member}=; a field "
            f"of your schema is written xdm.{name}."
        )
    if name in {"data", "xdm"}:
        raise refused(f"The column {name!r} is a whole member. Name its parts, as in {name}.price.")


def _checked_primary(primary: str | None, columns: list[str]) -> str | None:
    if primary is None:
        return None
    namespaces = [name.removeprefix(IDENTITY) for name in columns if name.startswith(IDENTITY)]
    wanted = str(primary).removeprefix(IDENTITY)
    if wanted in namespaces:
        return wanted
    raise refused(
        f"primary={primary!r} names no column {IDENTITY}<namespace>.{did_you_mean(wanted, namespaces)}"
    )


def _event_of_row(values: Mapping[str, Any], what: str, primary: str | None) -> dict[str, Any]:
    event: dict[str, Any] = {"xdm": {}}
    identities = {
        name.removeprefix(IDENTITY): _id_text(value, what, name)
        for name, value in values.items()
        if name.startswith(IDENTITY)
    }
    if primary is not None and primary not in identities:
        raise refused(f"{what} has no value in identityMap.{primary}, the primary identity.")
    first = primary or next(iter(identities), None)
    for name, value in values.items():
        if name.startswith(IDENTITY):
            continue
        path = (
            name.split(".")
            if name.startswith("data.")
            else ["xdm", *name.removeprefix("xdm.").split(".")]
        )
        _put(event, path, value, what, name)
    if identities:
        event["xdm"]["identityMap"] = {
            namespace: [{"id": value, "primary": namespace == first}]
            for namespace, value in identities.items()
        }
    if event == {"xdm": {}}:
        raise refused(f"{what} is empty.")
    return event


def _id_text(value: object, what: str, column: str) -> str:
    """An id as text. A gap makes pandas turn whole numbers into floats: these are whole again; no
    other guess.
    """
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, str) and plain.strip():
        return plain
    if isinstance(plain, int) and not isinstance(plain, bool):
        return str(plain)
    if isinstance(plain, float) and plain.is_integer() and abs(plain) <= 2**53:
        return str(int(plain))
    if isinstance(plain, float):
        raise refused(
            f"{what} has {plain!r} in {column}, where digits were lost or are no id. Read that column as text, as in "
            f'pd.read_csv(…, dtype={{"{column}": "string"}}).'
        )
    empty = "an empty text" if isinstance(plain, str) else f"a value {kind(plain)}"
    raise refused(f"{what} has {empty} in {column}, where the plain id belongs.")


def _put(event: dict[str, Any], path: list[str], value: object, what: str, name: str) -> None:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise refused(
            f"{what} has a time without a time zone in {name}. Say which: "
            f'frame["{name}"] = frame["{name}"].dt.tz_localize("UTC"), or the zone it was noted in.'
        )
    here = event
    for member in path[:-1]:
        here = here.setdefault(member, {})
    here[path[-1]] = value


def _missing(value: object) -> bool:
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and math.isnan(value))
    )
