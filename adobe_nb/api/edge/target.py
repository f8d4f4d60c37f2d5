"""Where a request goes: checked arguments as path, query and headers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

from adobe_nb.api.edge.validation import (
    AUTH_HEADERS,
    is_printable_ascii,
    refused,
    split_headers,
    type_name,
)

Endpoint = Literal["interact", "collect"]
Headers = Mapping[str, str | None] | None


@dataclass(frozen=True, slots=True)
class Target:
    """A request without its body. ``checked_target`` checks the arguments."""

    endpoint: Endpoint
    datastream_id: str
    authenticated: bool
    request_id: str | None = None
    silent: bool = False
    hint: str | None = None
    """The location hint: a region of the Edge Network."""
    header_changes: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    """Changes of the three headers, to provoke an error on purpose."""
    forwarded: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers of the browser for which a server sends the event."""

    @property
    def path(self) -> str:
        """The path of the URL."""
        return "/".join(filter(None, ("/ee", self.hint, "v2", self.endpoint)))

    @property
    def params(self) -> tuple[tuple[str, str], ...]:
        """The query of the URL."""
        params = [("datastreamId", self.datastream_id)]
        if self.request_id:
            params.append(("requestId", self.request_id))
        if self.silent:
            params.append(("silent", "true"))
        return tuple(params)

    @property
    def path_and_query(self) -> str:
        """The URL without its host."""
        return f"{self.path}?{urlencode(self.params)}"

    @property
    def header_names(self) -> list[str]:
        """The names of the headers that are sent."""
        names: list[str] = []
        if self.authenticated:
            names += [
                name for name in AUTH_HEADERS if self.header_changes.get(name, "") is not None
            ]
        return [*names, "Content-Type", *self.forwarded]


def checked_target(
    endpoint: Endpoint,
    datastream_id: object,
    *,
    authenticated: bool,
    request_id: object = None,
    silent: bool = False,
    headers: object = None,
) -> Target:
    """Return the target of a request. Raise ArgumentError for invalid arguments."""
    if endpoint not in {"interact", "collect"}:
        raise refused(f"Invalid endpoint {endpoint!r}: must be interact or collect.")
    for name, value in (("authenticated", authenticated), ("silent", silent)):
        if not isinstance(value, bool):
            raise refused(f"{name} must be True or False, not {value!r}.")
    changes, forwarded = split_headers(headers, authenticated=authenticated)
    return Target(
        endpoint,
        _checked_datastream_id(datastream_id),
        authenticated,
        checked_request_id(request_id),
        silent,
        header_changes=changes,
        forwarded=forwarded,
    )


def _checked_datastream_id(datastream_id: object) -> str:
    if datastream_id is not None and not isinstance(datastream_id, str):
        raise refused(
            "The datastream id comes first, as text, then the event. "
            f"The first argument is of type {type_name(datastream_id)}."
        )
    # Copying adds spaces and line breaks.
    text = (datastream_id or "").strip()
    # Ids of older datastreams have a suffix for the environment, such as :dev.
    identifier = text.partition(":")[0]
    if is_printable_ascii(text) and _is_uuid(identifier):
        return text
    raise refused(
        f"{datastream_id!r} is not a datastream id. Expected "
        "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, as shown on the datastream's page in "
        "Data Collection > Datastreams."
    )


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def checked_request_id(request_id: object) -> str | None:
    """Return a request id, by which Adobe's traces are searched."""
    if request_id is None:
        return None
    if isinstance(request_id, uuid.UUID):
        return str(request_id)
    if is_printable_ascii(request_id):
        return request_id
    shown = type_name(request_id)
    if isinstance(request_id, str):
        shown = repr(request_id)
    raise refused(f"request_id must be printable ASCII text, ideally a UUID, not {shown}.")
