"""Checks of arguments: identities, timestamps, headers, and the state of a browser."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeGuard

from adobe_nb.errors import ArgumentError

JsonObject = Mapping[str, Any]
IDENTITY_PREFIX = "identityMap."
IDENTITY_SAMPLE = '"identityMap": {"Email": [{"id": "…", "primary": True}]}'
AUTH_HEADERS = ("Authorization", "x-api-key", "x-gw-ims-org-id")
CLIENT_HEADERS = ("User-Agent", "X-Forwarded-For", "Accept-Language", "Referer")
"""Headers of a browser from which Adobe reads device, location and page, beside Sec-CH-…."""
_CANONICAL_HEADERS = {name.lower(): name for name in (*AUTH_HEADERS, *CLIENT_HEADERS)}
_CLIENT_HINT = re.compile(r"Sec-CH(-[A-Za-z]+)+", re.IGNORECASE | re.ASCII)
_LOCATION_HINT = re.compile(r"[a-z0-9]{2,20}", re.ASCII)
_COOKIE = re.compile(r"kndctr_.+|at_qa_mode|mbox|mboxEdgeCluster")
"""Cookies that the Edge Network sets."""
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_NOTHING_SENT = " Nothing was sent."


def check_all(
    check: Callable[[int, Any], dict[str, Any]], items: Iterable[Any]
) -> list[dict[str, Any]]:
    """Check every item. Raise the first problem, with the number of other items that have one."""
    checked, problems = [], []
    for index, item in enumerate(items):
        try:
            checked.append(check(index, item))
        except ArgumentError as error:
            problems.append(str(error).removesuffix(_NOTHING_SENT))
    if not problems:
        return checked
    first, *others = problems
    if not others:
        raise refused(first)
    if len(others) == 1:
        raise refused(f"{first} 1 more has a problem.")
    raise refused(f"{first} {len(others)} more have problems.")


def refused(text: str) -> ArgumentError:
    """Return the error for an event that cannot be sent."""
    return ArgumentError(f"{text}{_NOTHING_SENT}")


def type_name(value: object) -> str:
    """Return the name of a value's type, or ``None``, for a message."""
    if value is None:
        return "None"
    return type(value).__name__


def scalar(value: object) -> Any:
    """Return a NumPy scalar as the Python object; anything else as it is."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return value.item()
    return value


def member_of(value: object, *path: str) -> Any:
    """Return a nested member; None if there is none."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def check_timestamp(event: JsonObject, label: str, column: str = "") -> None:
    """Check ``xdm.timestamp``, the only member that Adobe reads as a point in time."""
    value = member_of(event, "xdm", "timestamp")
    if value is None or isinstance(value, datetime):
        return
    if isinstance(value, str) and _TIMESTAMP.fullmatch(value):
        return
    raise refused(
        f"{label} has the timestamp {value!r}, which is not a timestamp with a time zone. "
        f"{_timestamp_advice(value, column)}."
    )


def _timestamp_advice(value: object, column: str) -> str:
    number = scalar(value)
    unit = option = ""
    if isinstance(number, (int, float)):
        unit = "s"
        # In seconds, larger numbers would be dates after the year 5000.
        if number > 1e11:
            unit = "ms"
        option = f'unit="{unit}", '
    if column:
        return (
            f'Convert the column: frame["{column}"] = '
            f'pd.to_datetime(frame["{column}"], {option}utc=True)'
        )
    if unit:
        return f'A Unix timestamp is pd.Timestamp({value}, unit="{unit}", tz="UTC")'
    return "Use 2026-07-01T10:00:00Z, or a datetime with a time zone"


def identities_of(event: JsonObject) -> Any:
    """Return the identityMap of an event, whatever its type; None if it has none."""
    return member_of(event, "xdm", "identityMap")


def check_identities(event: JsonObject, label: str) -> None:
    """Check that the identities of an event have ids, and that exactly one is primary."""
    identity_map = identities_of(event)
    if identity_map is None:
        return
    if not isinstance(identity_map, Mapping) or not identity_map:
        raise refused(f"{label} has an invalid identityMap. Expected {IDENTITY_SAMPLE}.")
    primary = 0
    for namespace, identities in identity_map.items():
        _check_namespace(identities, f"{label}: identityMap.{namespace}")
        for identity in identities:
            # The service accepts the text as well.
            if identity.get("primary") in (True, "true"):
                primary += 1
    if primary == 0:
        raise refused(
            f'{label} has no primary identity. Add "primary": True to one identity in identityMap.'
        )
    if primary > 1:
        raise refused(
            f"{label} has {primary} primary identities. Keep one and set the others to False."
        )


def _check_namespace(identities: object, label: str) -> None:
    if not isinstance(identities, list) or not identities:
        raise refused(
            f'{label} must be a list of identities, such as [{{"id": "…", "primary": True}}], '
            f"not {type_name(identities)}."
        )
    for identity in identities:
        value = member_of(identity, "id")
        if not isinstance(value, str) or not value.strip():
            raise refused(f'{label} requires a non-empty string as the id: {{"id": "…"}}.')


def split_headers(
    headers: object, *, authenticated: bool
) -> tuple[dict[str, str | None], dict[str, str]]:
    """Split ``headers=`` into changes of the three headers, and headers of a browser to forward.

    The messages of its errors never quote a value, which may be a token.
    """
    changes: dict[str, str | None] = {}
    forwarded: dict[str, str] = {}
    if headers is None:
        return changes, forwarded
    if not isinstance(headers, Mapping):
        raise refused("headers= must be a dict of names and values; None leaves a header out.")
    for name, value in headers.items():
        header = _known_header(str(name), authenticated=authenticated)
        # A line break would begin another header; only ASCII can be sent.
        if value is not None and not is_printable_ascii(value):
            raise refused(f"headers= requires printable ASCII text for {header}.")
        if header in AUTH_HEADERS:
            changes[header] = value
        elif value is not None:
            forwarded[header] = value
    return changes, forwarded


def is_printable_ascii(value: object) -> TypeGuard[str]:
    """Return whether a value is text of visible ASCII characters and spaces."""
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _known_header(name: str, *, authenticated: bool) -> str:
    """Return the usual spelling of a header that may be set. Raise ArgumentError for others."""
    lowered = name.lower()
    if _CLIENT_HINT.fullmatch(name):
        return name
    header = _CANONICAL_HEADERS.get(lowered)
    if header in AUTH_HEADERS and not authenticated:
        raise refused(
            f"{name} is set by the session, and events without authentication carry none of "
            "the three headers."
        )
    if header is not None:
        return header
    if lowered == "cookie":
        raise refused(
            "Cookies are not forwarded as a header. Pass those whose names begin with kndctr_ as "
            "edge.visitor(datastream_id, state={name: value})."
        )
    changes = ""
    if authenticated:
        changes = f"changes {', '.join(AUTH_HEADERS)} and "
    raise refused(
        f"headers= {changes}forwards {', '.join(CLIENT_HEADERS)} and Sec-CH-…, not {name!r}."
    )


def checked_state(state: object) -> dict[str, str]:
    """Return the state of a browser: names and values of the cookies of the Edge Network."""
    if state is None:
        return {}
    if not isinstance(state, Mapping):
        raise refused(
            'state= must be a dict of cookies, such as {"kndctr_…_identity": "…"}, '
            f"not {type_name(state)}."
        )
    for name, value in state.items():
        # The other cookies of the site, such as those of a login, must not leave it.
        if not isinstance(name, str) or not _COOKIE.fullmatch(name):
            raise refused(
                "state= accepts cookies of the Edge Network, whose names begin with kndctr_, "
                f"not {name!r}. Select them: {{name: value for name, value in cookies.items() "
                'if name.startswith("kndctr_")}.'
            )
        if not isinstance(value, str):
            raise refused(f"The value of {name} in state= must be text, not {type_name(value)}.")
    return dict(state)


def checked_hint(hint: object) -> str | None:
    """Return a location hint, which becomes a part of the URL."""
    if hint is None or is_hint(hint):
        return hint
    raise refused(
        "location_hint= must be a region of the Edge Network, such as "
        f'"va6" or "irl1", not {hint!r}.'
    )


def is_hint(value: object) -> TypeGuard[str]:
    """Return whether a location hint can be a part of a URL."""
    return isinstance(value, str) and _LOCATION_HINT.fullmatch(value) is not None
