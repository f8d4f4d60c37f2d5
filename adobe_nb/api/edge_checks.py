"""Checks that single events and rows of a table share: identities, moments, and the words of a refusal."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from adobe_nb.errors import ArgumentError

IDENTITY = "identityMap."
IDENTITY_SAMPLE = '"identityMap": {"Email": [{"id": "…", "primary": True}]}'
_NOTHING = " Nothing was sent."
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def each(checked: Callable[[int, Any], dict[str, Any]], items: Iterable[Any]) -> list[dict[str, Any]]:
    """All of them, or the first problem with the number of others like it."""
    found: list[dict[str, Any]] = []
    problems: list[str] = []
    for index, item in enumerate(items):
        try:
            found.append(checked(index, item))
        except ArgumentError as error:
            problems.append(str(error).removesuffix(_NOTHING))
    if problems:
        more = len(problems) - 1
        others = f" {more} more {'has a problem' if more == 1 else 'have problems'} too." if more else ""
        raise refused(f"{problems[0]}{others}")
    return found


def refused(text: str) -> ArgumentError:
    """The error for what cannot be sent."""
    return ArgumentError(f"{text}{_NOTHING}")


def kind(value: object) -> str:
    """For a message: of what type a value is."""
    return "None" if value is None else f"of type {type(value).__name__}"


def lower(what: str) -> str:
    """``The event`` inside a sentence."""
    return what[0].lower() + what[1:]


def check_timestamp(event: Mapping[str, Any], what: str, column: str = "") -> None:
    """The one member that every event may have and that Adobe reads as a moment."""
    xdm = event.get("xdm")
    value = xdm.get("timestamp") if isinstance(xdm, Mapping) else None
    if value is None or isinstance(value, datetime) or (isinstance(value, str) and _MOMENT.fullmatch(value)):
        return
    number = isinstance(value, (int, float)) or hasattr(value, "item")
    unit = ("ms" if float(value) > 1e11 else "s") if number else ""
    if column:
        how = f'unit="{unit}", ' if number else ""
        mend = f'Make it a time with a zone: frame["{column}"] = pd.to_datetime(frame["{column}"], {how}utc=True)'
    elif number:
        mend = f'Counted from 1970 it is pd.Timestamp({value}, unit="{unit}", tz="UTC")'
    else:
        mend = "Write 2026-07-01T10:00:00Z, or give a datetime with a time zone"
    raise refused(f"{what} has the timestamp {value!r}, which is not a moment with a time zone. {mend}.")


def has_identities(event: Mapping[str, Any]) -> bool:
    """Whether it says who it was."""
    xdm = event.get("xdm")
    return isinstance(xdm, Mapping) and bool(xdm.get("identityMap"))


def check_identities(event: Mapping[str, Any], what: str) -> None:
    """Raises ArgumentError naming the namespace and what is wrong in it."""
    xdm = event.get("xdm")
    identities = xdm.get("identityMap") if isinstance(xdm, Mapping) else None
    if identities is None:
        return
    if not isinstance(identities, Mapping) or not identities:
        raise refused(f"The identityMap of {lower(what)} is not like {IDENTITY_SAMPLE}.")
    primary = 0
    for namespace, listed in identities.items():
        where = f"identityMap.{namespace} of {lower(what)}"
        if not isinstance(listed, list) or not listed:
            raise refused(
                f'{where} is a list of identities, as in [{{"id": "…", "primary": True}}], not {kind(listed)}.'
            )
        for each in listed:
            value = each.get("id") if isinstance(each, Mapping) else None
            if not isinstance(value, str) or not value.strip():
                raise refused(f'{where} has an identity without an id, or with one that is no text: {{"id": "…"}}.')
            primary += each.get("primary") in {True, "true"}
    if primary == 0:
        raise refused(f'{what} has no primary identity. Add "primary": True to one identity in identityMap.')
    if primary > 1:
        raise refused(f"{what} has {primary} primary identities. Leave one, and set the others to False.")
