"""Requests to the Edge Network: signed, sent once, and what is known of their outcome."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from adobe_nb.api.edge.validation import AUTH_HEADERS
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
class Outcome:
    """What is known of one request."""

    status: int | None
    """None if there was no response."""
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

    @property
    def delivery(self) -> str:
        """Whether the events of the request arrived, in a few words."""
        if self.problem is None:
            return "accepted"
        if self.may_have_arrived:
            return "may have arrived"
        return "not sent" if self.status is None else "refused"


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
        secrets: Callable[[], Iterable[str]] = getattr(self.signer, "secrets", tuple)
        return [*secrets(), *filter(None, self.changes.values())]


def send(client: EdgeClient, target: Target, batch: Batch) -> Outcome:
    """Send once. An error is a part of the outcome, so that a batch can report on each request."""
    signing = _Signing(client.signer if target.authenticated else UNSIGNED, target.header_changes)
    request = Request(
        "POST",
        f"{client.base_url(target)}{target.path}",
        params=target.params,
        headers={**target.forwarded, **_JSON},
        body=batch.body,
    )
    try:
        response = client.transport.send(request, signing, client.limiter)
    # The signer raises too, when the session was signed out in the meantime.
    except AdobeError as error:
        arrived = isinstance(error, TransportError) and not error.never_sent
        return Outcome(None, {}, error, may_have_arrived=arrived)
    return _outcome_of(request, response, signing.sent, target, batch)


def _outcome_of(
    request: Request, response: Response, sent: Mapping[str, str], target: Target, batch: Batch
) -> Outcome:
    document, content = _read_document(response)
    if response.status >= 400:
        error = refusal(request, response, document, sent, target, batch.events)
        arrived = unsure(response.status) and not is_fatal(error.code)
        return Outcome(response.status, document, error, may_have_arrived=arrived)
    # The response to a silent batch is empty.
    if target.endpoint == "collect" and response.status == 204:
        return Outcome(response.status, {})
    if isinstance(document.get("requestId"), str):
        return Outcome(response.status, document)
    # Perhaps a page of a proxy: not a receipt for an event.
    problem = unexpected_response(request, response, content)
    return Outcome(response.status, document, problem, may_have_arrived=True)


def _read_document(response: Response) -> tuple[Document, str]:
    """Return the JSON object of a response, and in words what the response holds."""
    try:
        document = json.loads(response.body)
    except RecursionError:
        return {}, "JSON that is nested too deep"
    except UnicodeDecodeError:
        return {}, "text that is not valid UTF-8"
    except ValueError:
        return {}, response.content_type or "an empty response"
    if not isinstance(document, dict):
        return {}, "JSON that is not an object"
    return document, "JSON without a request id"


def send_all(
    send_one: Callable[[Batch], Outcome],
    batches: Sequence[Batch],
    client: EdgeClient,
    *,
    in_order: bool = False,
) -> list[Outcome]:
    """Send every batch, in parallel or in order.

    Raises the first error if no batch was accepted. An interrupt says which events had arrived.
    """
    outcomes: list[Outcome | None] = [None] * len(batches)
    started: set[int] = set()

    def send_batch(number: int) -> Outcome:
        started.add(number)
        outcome = outcomes[number] = send_one(batches[number])
        return outcome

    numbers = range(len(batches))
    try:
        if in_order:
            results = [send_batch(number) for number in numbers]
        else:
            results = in_parallel(client, send_batch, numbers, "events")
    except KeyboardInterrupt:
        message = _interrupt_message(batches, outcomes, started)
    else:
        _raise_if_all_failed(results, batches)
        return results
    # Outside the except block: the interrupted frames hold the signed request.
    raise KeyboardInterrupt(message)


def _interrupt_message(
    batches: Sequence[Batch], outcomes: Sequence[Outcome | None], started: set[int]
) -> str:
    deliveries = ("accepted", "refused", "may have arrived", "not sent")
    events: dict[str, list[int]] = {delivery: [] for delivery in deliveries}
    for number, (batch, outcome) in enumerate(zip(batches, outcomes, strict=True)):
        delivery = "may have arrived" if number in started else "not sent"
        if outcome is not None:
            delivery = outcome.delivery
        events[delivery] += batch.events
    parts = [f"{name}: events {_ranges(numbers)}" for name, numbers in events.items() if numbers]
    return f"Interrupted; {'; '.join(parts)}. Send only those again that were not sent."


def _ranges(numbers: Sequence[int]) -> str:
    """``[0, 1, 2, 7]`` as ``0 to 2, 7``."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    return ", ".join(" to ".join(map(str, bounds)) for bounds in ranges)


def _raise_if_all_failed(outcomes: Sequence[Outcome], batches: Sequence[Batch]) -> None:
    """Raise the first error if no batch was accepted; otherwise each row reports its own."""
    first = outcomes[0].problem
    if first is None or not all(outcome.problem for outcome in outcomes):
        return
    if len(outcomes) > 1:
        if any(outcome.may_have_arrived for outcome in outcomes):
            return
        count = sum(len(batch.events) for batch in batches)
        first.args = (
            f"None of the {count} events ({len(batches)} requests) was accepted. "
            f"The first request: {first}",
        )
    raise first
