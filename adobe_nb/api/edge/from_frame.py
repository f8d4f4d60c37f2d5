"""Events from a frame: one row per event, dotted columns to nested members, ids to identityMap."""

from collections.abc import Hashable, Iterable
from datetime import datetime
from typing import Any

import pandas as pd

from adobe_nb.api.edge.validation import (
    IDENTITY_PREFIX,
    JsonObject,
    check_all,
    check_identities,
    check_timestamp,
    identities_of,
    refused,
    scalar,
    type_name,
)
from adobe_nb.suggest import did_you_mean

# Larger whole numbers share a float with others, so digits of an id may be lost.
_LARGEST_EXACT_FLOAT = 2**53


def from_frame(
    frame: pd.DataFrame, primary: str | None, identity_advice: str | None
) -> list[dict[str, Any]]:
    """Return the events of a frame.

    ``identity_advice`` begins the advice for a row without an identity; None if such a row can be
    sent.
    """
    index_names = [str(name) for name in frame.index.names if name is not None]
    if index_names:
        raise refused(
            f"The index of the frame has names ({', '.join(index_names)}) and would be lost. "
            "Use frame.reset_index()."
        )
    columns = _checked_columns(frame.columns)
    primary = _checked_primary(primary, columns)
    timestamp_column = "timestamp"
    if "xdm.timestamp" in columns:
        timestamp_column = "xdm.timestamp"

    def check(index: int, row: tuple[Any, ...]) -> dict[str, Any]:
        label = f"Row {index}"
        # A default index says no more than the position.
        if not isinstance(frame.index, pd.RangeIndex):
            label = f"{label} (index {frame.index[index]})"
        event = _event_of(dict(zip(columns, row, strict=True)), label, primary)
        check_identities(event, label)
        check_timestamp(event, label, timestamp_column)
        if identity_advice and not identities_of(event):
            raise refused(f"{label} has no identity. {_identity_advice(columns, identity_advice)}")
        return event

    return check_all(check, frame.itertuples(index=False, name=None))


def _identity_advice(columns: list[str], advice: str) -> str:
    if _namespaces(columns):
        return "All its identityMap columns are empty."
    return f"{advice} a column such as identityMap.Email, with the plain ids."


def _namespaces(columns: Iterable[str]) -> list[str]:
    return [
        name.removeprefix(IDENTITY_PREFIX) for name in columns if name.startswith(IDENTITY_PREFIX)
    ]


def _checked_columns(names: Iterable[Hashable]) -> list[str]:
    columns: list[str] = []
    for name in names:
        if not isinstance(name, str):
            raise refused(f"Expected column names that are text, got {name!r}.")
        if name in columns:
            raise refused(f"The frame has two columns {name!r}.")
        _check_column(name)
        columns.append(name)
    for name in columns:
        for parent in columns:
            if name.startswith(f"{parent}."):
                raise refused(
                    f"The columns {parent!r} and {name!r} contradict each other: "
                    "one is inside the other."
                )
    return columns


def _check_column(name: str) -> None:
    if name != name.strip() or not all(name.split(".")):
        raise refused(
            f"Invalid column name {name!r}: it begins or ends with a space or a dot, "
            "or has two dots in a row."
        )
    if name.lower().startswith(IDENTITY_PREFIX.lower()) and not name.startswith(IDENTITY_PREFIX):
        raise refused(f"Rename the column {name!r}: {IDENTITY_PREFIX}… has a capital M.")
    if name.startswith(IDENTITY_PREFIX) and name.count(".") > 1:
        raise refused(
            f"Invalid identity column {name!r}. Name it identityMap.<namespace>, such as "
            "identityMap.Email, with the plain id as the value."
        )
    member = name.partition(".")[0]
    if member in {"query", "meta"}:
        raise refused(
            f"The column {name!r}: {member} belongs beside the events, not inside. Pass {member}=; "
            f"if it is a field of your schema, name the column xdm.{name}."
        )
    if name in {"data", "xdm"}:
        raise refused(
            f"The column {name!r} holds whole members. Use a column for each part, "
            f"such as {name}.price."
        )


def _checked_primary(primary: str | None, columns: list[str]) -> str | None:
    if primary is None:
        return None
    namespace = str(primary).removeprefix(IDENTITY_PREFIX)
    namespaces = _namespaces(columns)
    if namespace in namespaces:
        return namespace
    raise refused(
        f"The frame has no column {IDENTITY_PREFIX}{namespace} for primary={primary!r}."
        f"{did_you_mean(namespace, namespaces)}"
    )


def _event_of(row: JsonObject, label: str, primary: str | None) -> dict[str, Any]:
    event: dict[str, Any] = {}
    identities = {}
    for name, value in row.items():
        if pd.api.types.is_scalar(value) and pd.isna(value):
            continue
        if name.startswith(IDENTITY_PREFIX):
            identities[name.removeprefix(IDENTITY_PREFIX)] = _id_text(value, label, name)
        else:
            _check_time_zone(value, label, name)
            _put(event, name, value)
    if primary is not None and primary not in identities:
        raise refused(f"{label} has no value in identityMap.{primary}, the primary identity.")
    # Without primary=, the first column with a value is the primary identity.
    primary = primary or next(iter(identities), None)
    for namespace, value in identities.items():
        _put(event, f"identityMap.{namespace}", [{"id": value, "primary": namespace == primary}])
    if not event:
        raise refused(f"{label} is empty.")
    return {"xdm": {}, **event}


def _id_text(value: object, label: str, column: str) -> str:
    """Return an id as text.

    A gap makes pandas read whole numbers as floats; those are whole numbers again.
    """
    plain = scalar(value)
    problem = f"a value of type {type_name(value)}"
    if isinstance(plain, str):
        if plain.strip():
            return plain
        problem = "empty text"
    elif isinstance(plain, int) and not isinstance(plain, bool):
        return str(plain)
    elif isinstance(plain, float):
        if plain.is_integer() and abs(plain) <= _LARGEST_EXACT_FLOAT:
            return str(int(plain))
        raise refused(
            f"{label} has {plain!r} in {column}: not an id, or digits were lost. Read that column "
            f'as text: pd.read_csv(…, dtype={{"{column}": "string"}}).'
        )
    raise refused(f"{label} has {problem} in {column}. Expected the plain id.")


def _check_time_zone(value: object, label: str, column: str) -> None:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise refused(
            f"{label} has a timestamp without a time zone in {column}. Add the zone: "
            f'frame["{column}"] = frame["{column}"].dt.tz_localize("UTC"), for example.'
        )


def _put(event: dict[str, Any], name: str, value: object) -> None:
    """Put a value at its dotted name. Names without ``data.`` or ``xdm.`` belong to xdm."""
    path = name.split(".")
    if path[0] not in {"data", "xdm"}:
        path.insert(0, "xdm")
    members = event
    for member in path[:-1]:
        members = members.setdefault(member, {})
    members[path[-1]] = value
