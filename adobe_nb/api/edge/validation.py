"""Checks of arguments: identities, times, headers, a browser's state; and the wording of a refusal."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeGuard

from adobe_nb.errors import ArgumentError

IDENTITY = "identityMap."
AUTH_HEADERS = ("Authorization", "x-api-key", "x-gw-ims-org-id")
CLIENT_HEADERS = ("User-Agent", "X-Forwarded-For", "Accept-Language", "Referer")
"""Of a browser's request, what Adobe reads device, place and page from; client hints (Sec-CH-…)
come on top.
"""
IDENTITY_SAMPLE = '"identityMap": {"Email": [{"id": "…", "primary": True}]}'
_NOTHING = " Nothing was sent."
_CLIENT_HINT = re.compile(r"Sec-CH(-[A-Za-z]+)+", re.IGNORECASE | re.ASCII)
_HINT = re.compile(r"[a-z0-9]{2,20}", re.ASCII)
_COOKIE = re.compile(r"kndctr_.+|at_qa_mode|mbox|mboxEdgeCluster")
"""Cookies that the Edge Network writes itself."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def each(
    checked: Callable[[int, Any], dict[str, Any]], items: Iterable[Any]
) -> list[dict[str, Any]]:
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
        others = (
            f" {more} more {'has a problem' if more == 1 else 'have problems'} too." if more else ""
        )
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
    if (
        value is None
        or isinstance(value, datetime)
        or (isinstance(value, str) and _MOMENT.fullmatch(value))
    ):
        return
    plain = value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value
    number = isinstance(plain, (int, float))
    unit = ("ms" if plain > 1e11 else "s") if number else ""
    if column:
        how = f'unit="{unit}", ' if number else ""
        mend = f'Make it a time with a zone: frame["{column}"] = pd.to_datetime(frame["{column}"], {how}utc=True)'
    elif number:
        mend = f'Counted from 1970 it is pd.Timestamp({value}, unit="{unit}", tz="UTC")'
    else:
        mend = "Write 2026-07-01T10:00:00Z, or give a datetime with a time zone"
    raise refused(
        f"{what} has the timestamp {value!r}, which is not a moment with a time zone. {mend}."
    )


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
                raise refused(
                    f'{where} has an identity without an id, or with one that is no text: {{"id": "…"}}.'
                )
            primary += each.get("primary") in (True, "true")
    if primary == 0:
        raise refused(
            f'{what} has no primary identity. Add "primary": True to one identity in identityMap.'
        )
    if primary > 1:
        raise refused(
            f"{what} has {primary} primary identities. Leave one, and set the others to False."
        )


def header_changes(
    headers: object, *, authenticated: bool
) -> tuple[dict[str, str | None], dict[str, str]]:
    """``headers=`` as changes of the three headers, and as headers of a browser to forward.

    An event without authentication carries none of the three. Raises ArgumentError, which never
    quotes a value.
    """
    changes: dict[str, str | None] = {}
    forwarded: dict[str, str] = {}
    if headers is None:
        return changes, forwarded
    if not isinstance(headers, Mapping):
        raise refused("headers= is a dict of names and values; None leaves a header out.")
    usual = {name.lower(): name for name in (*AUTH_HEADERS, *CLIENT_HEADERS)}
    for name, value in headers.items():
        known = usual.get(str(name).lower())
        if known is None and _CLIENT_HINT.fullmatch(str(name)):
            known = str(name)
        if known is None or (known in AUTH_HEADERS and not authenticated):
            raise refused(_no_such_header(name, authenticated=authenticated))
        if value is not None and not _is_header_value(value):
            raise refused(f"headers= gives {known} a value that is no plain text.")
        if known in AUTH_HEADERS:
            changes[known] = value
        elif value is not None:
            forwarded[known] = value
    return changes, forwarded


def client_headers(headers: object) -> dict[str, str]:
    """The same where the three headers cannot be changed."""
    return header_changes(headers, authenticated=False)[1]


def _is_header_value(value: object) -> bool:
    # A line break would begin another header; what is not ASCII cannot be sent.
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _no_such_header(name: object, *, authenticated: bool) -> str:
    lowered = str(name).lower()
    if lowered == "cookie":
        return (
            "Cookies are not forwarded as a header. Give those whose names begin with kndctr_ as "
            "edge.visitor(datastream_id, state={name: value})."
        )
    if lowered in {each.lower() for each in AUTH_HEADERS}:
        return f"{name} is set by the session, and events without authentication carry none of the three headers."
    changed = f"changes {', '.join(AUTH_HEADERS)} and " if authenticated else ""
    return f"headers= {changed}forwards {', '.join(CLIENT_HEADERS)} and Sec-CH-…, not {name!r}."


def checked_state(state: object) -> dict[str, str]:
    """A browser's state: names and values of the cookies that the Edge Network wrote. Raises
    ArgumentError.
    """
    if state is None:
        return {}
    if not isinstance(state, Mapping):
        raise refused(
            f'state= is a dict of cookies, as in {{"kndctr_…_identity": "…"}}, not {kind(state)}.'
        )
    for name, value in state.items():
        if not isinstance(name, str) or not _COOKIE.fullmatch(name):
            # The site's own cookies, of its logins for example, are nobody's business but the
            # site's.
            raise refused(
                f"state= takes cookies of the Edge Network, whose names begin with kndctr_, not {name!r}. Choose them: "
                '{name: value for name, value in cookies.items() if name.startswith("kndctr_")}.'
            )
        if not isinstance(value, str):
            raise refused(f"The value of {name} in state= is text, not {kind(value)}.")
    return dict(state)


def checked_hint(hint: object) -> str | None:
    """A location hint, which becomes a part of the address. Raises ArgumentError."""
    if hint is None or is_hint(hint):
        return hint
    raise refused(
        f'location_hint= is a region of the Edge Network, as in "va6" or "irl1", not {hint!r}.'
    )


def is_hint(value: object) -> TypeGuard[str]:
    """Whether a location hint can be part of an address."""
    return isinstance(value, str) and _HINT.fullmatch(value) is not None
