"""One request to the Edge Network: where it goes, how it is signed, and what became of it."""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import requests

from adobe_nb.api.edge.diagnosis import is_fatal, not_an_answer, refusal, shape
from adobe_nb.api.edge.validation import AUTH_HEADERS, header_changes, kind
from adobe_nb.api.progress import Progress, no_progress
from adobe_nb.api.reactor.client import in_parallel
from adobe_nb.api.reactor.error_catalog import unsure
from adobe_nb.errors import AdobeError, ArgumentError, CredentialsError, TransportError
from adobe_nb.http.client import UNSIGNED, Signer, Transport
from adobe_nb.http.limiter import Limiter
from adobe_nb.http.messages import Request, Response

Document = dict[str, Any]
Endpoint = Literal["interact", "collect"]
ENDPOINTS = ("interact", "collect")
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class EdgeClient:
    """One session's way to the two hosts."""

    transport: Transport
    signer: Signer
    edge_url: str
    server_url: str
    service: str
    org_id: str
    progress: Progress = no_progress
    limiter: Limiter = field(default_factory=Limiter)
    preview: bool = False
    """Whether nothing may be sent: an event cannot be taken back."""


class HasEdgeClient(Protocol):
    """A session, or the object that follows the current session."""

    @property
    def edge_client(self) -> EdgeClient:
        """What sends the requests."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """Where a request goes. Made by ``call_of``, which checks it."""

    endpoint: Endpoint
    datastream_id: str
    authenticated: bool
    request_id: str | None = None
    silent: bool = False
    hint: str | None = None
    changes: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    """Of the three headers, on purpose."""
    forwarded: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers of a browser, in whose name a server sends."""

    @property
    def path(self) -> str:
        """With the location hint, if there is one."""
        return f"/ee/{self.hint}/v2/{self.endpoint}" if self.hint else f"/ee/v2/{self.endpoint}"

    @property
    def params(self) -> tuple[tuple[str, str], ...]:
        """The query of the address."""
        found = [("datastreamId", self.datastream_id)]
        if self.request_id:
            found.append(("requestId", self.request_id))
        if self.silent:
            found.append(("silent", "true"))
        return tuple(found)

    def url(self, client: EdgeClient) -> str:
        """Without the parameters."""
        base = client.server_url if self.authenticated else client.edge_url
        if not base:
            name = "ADOBE_EDGE_SERVER_URL" if self.authenticated else "ADOBE_EDGE_URL"
            raise CredentialsError(
                f"The source of this session gives no address for such events. Set {name} there."
            )
        return f"{base}{self.path}"

    @property
    def header_names(self) -> list[str]:
        """What is sent, without the values."""
        auth = [
            name
            for name in AUTH_HEADERS
            if self.authenticated and self.changes.get(name, "") is not None
        ]
        return [*auth, "Content-Type", *self.forwarded]

    def full_url(self, client: EdgeClient) -> str:
        """With the parameters."""
        return f"{self.url(client)}?{urlencode(self.params)}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request."""

    status: int | None
    document: Document
    problem: AdobeError | None = None
    maybe: bool = False
    """It may have arrived."""

    @property
    def request_id(self) -> str | None:
        """The service's id of this request, if it gave one."""
        value = self.document.get("requestId")
        return value if isinstance(value, str) else getattr(self.problem, "request_id", None)


def call_of(
    endpoint: Endpoint,
    datastream_id: object,
    *,
    authenticated: bool,
    request_id: object = None,
    silent: bool = False,
    headers: object = None,
) -> Call:
    """Checks the arguments. Raises ArgumentError."""
    if endpoint not in ENDPOINTS:
        raise ArgumentError(f"The endpoints are {' and '.join(ENDPOINTS)}, not {endpoint!r}.")
    if not isinstance(datastream_id, str) and datastream_id is not None:
        raise ArgumentError(
            f"The datastream id comes first, as text, then the event; the first argument is of type "
            f"{type(datastream_id).__name__}. Nothing was sent."
        )
    if not isinstance(authenticated, bool):
        raise ArgumentError(
            f"authenticated is True or False, not {authenticated!r}. Nothing was sent."
        )
    if not isinstance(silent, bool):
        raise ArgumentError(f"silent is True or False, not {silent!r}. Nothing was sent.")
    changes, forwarded = header_changes(headers, authenticated=authenticated)
    text = (datastream_id or "").strip()
    try:
        uuid.UUID(text.partition(":")[0])
    except ValueError:
        text = ""
    if not text or not (text.isascii() and text.isprintable()):
        raise ArgumentError(
            f"{datastream_id!r} is not a datastream id. It looks like xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx and stands "
            "on the datastream's page in Data Collection > Datastreams. Nothing was sent."
        )
    identifier = checked_request_id(request_id)
    return Call(
        endpoint, text, authenticated, identifier, silent, changes=changes, forwarded=forwarded
    )


def checked_request_id(request_id: object) -> str | None:
    """An id that is to be found in Adobe's traces. Raises ArgumentError."""
    if request_id is None or isinstance(request_id, uuid.UUID):
        return str(request_id) if request_id else None
    if not isinstance(request_id, str) or not (request_id.isascii() and request_id.isprintable()):
        shown = repr(request_id) if isinstance(request_id, str) else kind(request_id)
        raise ArgumentError(
            f"request_id is plain text, best a UUID, not {shown}. Nothing was sent."
        )
    return request_id


@dataclass(slots=True)
class _Signing:
    """Signs, changes headers on purpose where asked to, and remembers what was sent: names and
    shape, no values.
    """

    signer: Signer
    changes: Mapping[str, str | None] = field(repr=False)
    sent: dict[str, str] = field(default_factory=dict)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        signed = self.signer(request)
        for name, value in self.changes.items():
            signed.headers.pop(name, None)
            if value is not None:
                signed.headers[name] = value
        self.sent = {
            name: shape(signed.headers[name]) for name in AUTH_HEADERS if name in signed.headers
        }
        return signed

    def renew(self, refused: requests.PreparedRequest) -> bool:
        return not self.changes and self.signer.renew(refused)

    def secrets(self) -> list[str]:
        """What a refusal must not quote; also what was put in their place on purpose."""
        own: Callable[[], Iterable[str]] = getattr(self.signer, "secrets", tuple)
        return [*own(), *(value for value in self.changes.values() if value)]


def send(client: EdgeClient, call: Call, body: bytes, events: Sequence[int] = (0,)) -> Outcome:
    """Send once; an outcome in every case, so that a batch can say what became of each part."""
    if client.preview:
        raise ArgumentError(
            "A preview session sends no events. Look at the request with dry_run=True, or send it "
            "in a session of connect(writes='send')."
        )
    signing = _Signing(client.signer if call.authenticated else UNSIGNED, call.changes)
    headers = {**call.forwarded, **_JSON}
    request = Request("POST", call.url(client), params=call.params, headers=headers, body=body)
    problem: AdobeError | None = None
    answer: Response | None = None
    try:
        answer = client.transport.send(request, signing, client.limiter)
    except (
        AdobeError
    ) as error:  # also of the signer: then this part was not sent, but others may have been
        problem = error
    if answer is None:
        return Outcome(
            None, {}, problem, maybe=isinstance(problem, TransportError) and not problem.never_sent
        )
    document, fault = _document(answer)
    if answer.status >= 400:
        problem = refusal(
            request, answer, document, signing.sent, authenticated=call.authenticated, datastream_id=call.datastream_id,
            events=events, hint=call.hint,
        )  # fmt: skip
        return Outcome(
            answer.status,
            document,
            problem,
            maybe=unsure(answer.status) and not is_fatal(problem.code),
        )
    if call.endpoint == "collect" and answer.status == 204:
        return Outcome(answer.status, {})
    if not isinstance(document.get("requestId"), str):
        # Perhaps a page from a proxy: not a receipt for an event.
        return Outcome(answer.status, document, not_an_answer(request, answer, fault), maybe=True)
    return Outcome(answer.status, document)


def send_all(
    one: Callable[[bytes, Sequence[int]], Outcome],
    bodies: Sequence[bytes],
    parts: Sequence[Sequence[int]],
    client: EdgeClient,
    *,
    in_turn: bool = False,
) -> list[Outcome]:
    """Send every part. An interrupt ends it and says which events had gone. Raises the error of the
    first part when nothing went at all.
    """
    outcomes: list[Outcome | None] = [None] * len(parts)
    begun = [False] * len(parts)

    def work(number: int) -> Outcome:
        begun[number] = True
        outcome = outcomes[number] = one(bodies[number], parts[number])
        return outcome

    numbers = range(len(parts))
    try:
        found = (
            [work(number) for number in numbers]
            if in_turn
            else in_parallel(client, work, numbers, "events")
        )
    except KeyboardInterrupt:
        said = _so_far(parts, list(outcomes), list(begun))
    else:
        _raise_if_nothing_went(found, parts)
        return found
    raise KeyboardInterrupt(said)


def _so_far(
    parts: Sequence[Sequence[int]], outcomes: Sequence[Outcome | None], begun: Sequence[bool]
) -> str:
    kinds: dict[str, list[int]] = {
        "accepted": [],
        "refused": [],
        "may have arrived": [],
        "not sent": [],
    }
    for part, outcome, started in zip(parts, outcomes, begun, strict=True):
        if outcome is None:
            kind = "may have arrived" if started else "not sent"
        elif outcome.problem is None:
            kind = "accepted"
        else:
            kind = (
                "may have arrived" if outcome.maybe else "refused" if outcome.status else "not sent"
            )
        kinds[kind] += part
    told = [f"{kind}: events {_spans(events)}" for kind, events in kinds.items() if events]
    return f"Stopped; {'; '.join(told)}. Send only those again that were not sent."


def _spans(numbers: Sequence[int]) -> str:
    """``[0, 1, 2, 7]`` as ``0 to 2, 7``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in runs)


def _raise_if_nothing_went(outcomes: Sequence[Outcome], parts: Sequence[Sequence[int]]) -> None:
    """The first error, when every part was refused or not sent; else each row says what became of
    it.
    """
    problems = [outcome.problem for outcome in outcomes]
    first = next((problem for problem in problems if problem is not None), None)
    if first is None or None in problems:
        return
    if len(problems) > 1 and any(outcome.maybe for outcome in outcomes):
        return
    if len(problems) > 1:
        count = sum(len(part) for part in parts)
        first.args = (
            f"None of the {count} events ({len(problems)} requests) was accepted. The first request's answer: {first}",
        )
    raise first


def _document(answer: Response) -> tuple[Document, str]:
    """The JSON object of an answer, whatever its media type; else none, and what there is instead."""
    try:
        document = json.loads(answer.body)
    except RecursionError:
        return {}, "JSON that is nested too deep"
    except UnicodeDecodeError:
        return {}, "text that is not valid UTF-8"
    except ValueError:
        return {}, answer.content_type or "nothing"
    if not isinstance(document, dict):
        return {}, "JSON that is no object"
    return document, "JSON without a request id"
