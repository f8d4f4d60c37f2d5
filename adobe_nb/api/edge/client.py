"""Requests to the Edge Network: signed, sent once, and what is known of their delivery."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests

from adobe_nb.api.edge.diagnosis import (
    header_shape,
    is_fatal,
    refusal,
    unexpected_response,
)
from adobe_nb.api.edge.events import Batch
from adobe_nb.api.edge.target import Target
from adobe_nb.api.edge.validation import AUTH_HEADERS, refused
from adobe_nb.api.progress import Progress, no_progress
from adobe_nb.api.reactor.client import in_parallel
from adobe_nb.api.reactor.error_catalog import unsure
from adobe_nb.errors import AdobeError, CredentialsError, TransportError
from adobe_nb.http.client import UNSIGNED, Signer, Transport
from adobe_nb.http.limiter import Limiter
from adobe_nb.http.messages import Request, Response

Document = dict[str, Any]
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class EdgeClient:
    """What a session sends its requests to the Edge Network with."""

    transport: Transport
    signer: Signer
    edge_url: str
    server_url: str
    service: str
    org_id: str
    progress: Progress = no_progress
    limiter: Limiter = field(default_factory=Limiter)
    preview: bool = False
    """Whether nothing may be sent: an event cannot be undone."""

    def base_url(self, target: Target) -> str:
        """Return the base URL of the host for events with or without authentication."""
        url, name = self.edge_url, "ADOBE_EDGE_URL"
        if target.authenticated:
            url, name = self.server_url, "ADOBE_EDGE_SERVER_URL"
        if url:
            return url
        raise CredentialsError(
            f"The credentials of this session come without a URL for such events. Set {name} "
            "in the same source."
        )


class HasEdgeClient(Protocol):
    """A session, or the object that follows the current session."""

    @property
    def edge_client(self) -> EdgeClient:
        """What sends the requests."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is known of one request."""

    batch: Batch
    status: int | None
    """None if the service did not respond."""
    document: Document
    problem: AdobeError | None = None
    may_have_arrived: bool = False

    @property
    def request_id(self) -> str | None:
        """The id that the service gave to the request, if any."""
        request_id = self.document.get("requestId")
        if isinstance(request_id, str):
            return request_id
        return getattr(self.problem, "request_id", None)

    def checked_document(self) -> Document:
        """Return the JSON document of an accepted request; raise the problem of any other."""
        if self.problem is not None:
            raise self.problem
        return self.document

    @property
    def summary(self) -> str:
        """Whether the events of the request arrived, in a few words."""
        if self.problem is None:
            return "accepted"
        if self.may_have_arrived:
            return "may have arrived"
        if self.status is None:
            return "not sent"
        return "refused"


@dataclass(slots=True)
class _Signing:
    """Sign a request, change the three headers on purpose, and keep the shapes of their values."""

    signer: Signer
    changes: Mapping[str, str | None] = field(repr=False)
    sent: dict[str, str] = field(default_factory=dict)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        signed = self.signer(request)
        for name, value in self.changes.items():
            signed.headers.pop(name, None)
            if value is not None:
                signed.headers[name] = value
        for name in AUTH_HEADERS:
            if name in signed.headers:
                self.sent[name] = header_shape(signed.headers[name])
        return signed

    def renew(self, refused: requests.PreparedRequest) -> bool:
        return not self.changes and self.signer.renew(refused)

    def secrets(self) -> list[str]:
        """Return what a response must not quote, values set on purpose included."""
        secrets = getattr(self.signer, "secrets", tuple)
        return [*secrets(), *filter(None, self.changes.values())]


def send(client: EdgeClient, target: Target, batch: Batch) -> Delivery:
    """Send once. An error is a part of the delivery, so that a batch can report on each request."""
    if client.preview:
        raise refused(
            "A preview session sends no events. Use dry_run=True to see the request, or send it in "
            "a session of connect(writes='send')."
        )
    signer = client.signer
    if not target.authenticated:
        signer = UNSIGNED
    signing = _Signing(signer, target.header_changes)
    request = Request(
        "POST",
        f"{client.base_url(target)}{target.path}",
        params=target.params,
        headers={**target.forwarded, **_JSON},
        body=batch.body,
    )
    try:
        response = client.transport.send(request, signing, client.limiter)
    # The signer raises too, if the session was signed out in the meantime.
    except AdobeError as error:
        arrived = isinstance(error, TransportError) and not error.never_sent
        return Delivery(batch, None, {}, error, may_have_arrived=arrived)
    status = response.status
    document, content = _read_document(response)
    if status >= 400:
        problem = refusal(request, response, document, signing.sent, target, batch.events)
        # A server that gave up may have delivered the event before.
        arrived = unsure(status) and not is_fatal(problem.code)
        return Delivery(batch, status, document, problem, may_have_arrived=arrived)
    # The response to a silent request is empty.
    if target.endpoint == "collect" and status == 204:
        return Delivery(batch, status, {})
    if isinstance(document.get("requestId"), str):
        return Delivery(batch, status, document)
    # Perhaps a page of a proxy: not a receipt for an event.
    unexpected = unexpected_response(request, response, content)
    return Delivery(batch, status, document, unexpected, may_have_arrived=True)


def _read_document(response: Response) -> tuple[Document, str]:
    """Return the JSON object of a response, and in words what the response holds."""
    try:
        document = json.loads(response.body)
    except RecursionError:
        return {}, "JSON that is nested too deep"
    except UnicodeDecodeError:
        return {}, "text that is not valid UTF-8"
    except ValueError:
        return {}, response.content_type or "an empty body"
    if not isinstance(document, dict):
        return {}, "JSON that is not an object"
    return document, "JSON without a request id"


def send_all(
    send_one: Callable[[Batch], Delivery],
    batches: Sequence[Batch],
    client: EdgeClient,
    *,
    in_order: bool = False,
) -> list[Delivery]:
    """Send every batch, in parallel or in order.

    Raises the first error if no batch was accepted. An interrupt says which events had arrived.
    """
    states = ["not sent"] * len(batches)

    def send_batch(number: int) -> Delivery:
        # An interrupt before the response leaves it at that.
        states[number] = "may have arrived"
        delivery = send_one(batches[number])
        states[number] = delivery.summary
        return delivery

    numbers = range(len(batches))
    try:
        if in_order:
            deliveries = []
            for number in numbers:
                deliveries.append(send_batch(number))
        else:
            deliveries = in_parallel(client, send_batch, numbers, "events")
    except KeyboardInterrupt:
        message = _interrupt_message(batches, states)
    else:
        _raise_if_all_failed(deliveries)
        return deliveries
    # Outside the except block: the interrupted frames hold the signed request.
    raise KeyboardInterrupt(message)


def _interrupt_message(batches: Sequence[Batch], states: Sequence[str]) -> str:
    parts = []
    for state in ("accepted", "refused", "may have arrived", "not sent"):
        events: list[int] = []
        for batch, batch_state in zip(batches, states, strict=True):
            if batch_state == state:
                events += batch.events
        if events:
            parts.append(f"{state}: events {_ranges(events)}")
    return f"Interrupted; {'; '.join(parts)}. Resend only the events that were not sent."


def _ranges(numbers: Sequence[int]) -> str:
    """``[0, 1, 2, 7]`` as ``0 to 2, 7``."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    return ", ".join(" to ".join(map(str, bounds)) for bounds in ranges)


def _raise_if_all_failed(deliveries: Sequence[Delivery]) -> None:
    """Raise the first error if no batch was accepted; otherwise the rows of the frame report it."""
    problems = []
    count = 0
    for delivery in deliveries:
        if delivery.problem is None:
            return
        # The user must see which events not to send again.
        if delivery.may_have_arrived and len(deliveries) > 1:
            return
        problems.append(delivery.problem)
        count += len(delivery.batch.events)
    first = problems[0]
    if len(problems) > 1:
        first.args = (
            f"None of the {count} events ({len(problems)} requests) was accepted. "
            f"The first request: {first}",
        )
    raise first
