"""The Reactor API over HTTP: a client for each session, which signs and sends requests, and reads
the responses.
"""

import json
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from requests import PreparedRequest
from requests.auth import AuthBase

from adobe_nb.api.progress import Progress, no_progress
from adobe_nb.api.reactor.error_catalog import error_of, path_of
from adobe_nb.api.reactor.journal import Journal
from adobe_nb.api.reactor.jsonapi import (
    JSON_API,
    Document,
    Write,
    parsed,
    public,
    secrets_in,
    wrong_shape,
)
from adobe_nb.auth.credentials import Secret
from adobe_nb.errors import (
    ArgumentError,
    IncompleteResult,
    OutcomeUnknown,
    RedirectRefused,
    TransportError,
)
from adobe_nb.http.client import Signer, Transport, date_of
from adobe_nb.http.limiter import Limiter
from adobe_nb.http.messages import Request, Response, encoded
from adobe_nb.http.workers import ended, map_unordered, worker
from adobe_nb.registry import PREVIEW_ID

Params = tuple[tuple[str, str], ...]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

ACCEPT = "application/vnd.api+json;revision=1"
CURL_HEADERS = (
    '-H "Authorization: Bearer {ACCESS_TOKEN}"',
    '-H "x-api-key: {API_KEY}"',
    '-H "x-gw-ims-org-id: {ORG_ID}"',
)
"""The three headers in a cURL command, with Adobe's placeholders for their values."""
_JSON_TYPES = (JSON_API, "application/json")


class _WriteSigner(AuthBase):
    """Puts the body into the request, then signs it.

    The body is encoded here because it can hold secrets: the transport keeps the frames below
    ``send`` out of every error.
    """

    def __init__(self, write: Write, signer: Signer) -> None:
        self._write = write
        self._signer = signer

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.body, content_type = self._write.encoded()
        request.headers["Content-Type"] = content_type
        return self._signer(request)

    def renew(self, refused: PreparedRequest) -> bool:
        return self._signer.renew(refused)

    def secrets(self) -> list[str]:
        """Return what a response must not quote: secrets of the body and of the session."""
        signer_secrets: Callable[[], Iterable[str]] = getattr(self._signer, "secrets", tuple)
        body_secrets = map(Secret.reveal, secrets_in(self._write.document))
        return [*body_secrets, *signer_secrets()]


@dataclass(frozen=True, slots=True)
class Answer:
    """A page as it came."""

    body: Any = field(repr=False)
    """Its bytes, or a document that was decoded already."""
    date_header: str = ""

    @property
    def date(self) -> datetime:
        """The service's clock. Without a header, ours less a minute: it can be ahead."""
        return date_of(self.date_header) or datetime.now(UTC) - timedelta(minutes=1)


class ParallelClient(Protocol):
    """A client of Reactor or of the Edge Network, as ``in_parallel`` uses it."""

    @property
    def limiter(self) -> Limiter:
        """How many requests may be in flight."""
        ...

    @property
    def progress(self) -> Progress:
        """Shows the progress of the requests."""
        ...


class Client:
    """JSON:API over one transport, one signer and one base URL."""

    preview = False
    """Whether writes are previewed instead of sent."""

    def __init__(
        self,
        transport: Transport,
        signer: Signer,
        base_url: str,
        *,
        service: str,
        org_id: str,
        limiter: Limiter | None = None,
        progress: Progress = no_progress,
        journal: Callable[[], Journal] | None = None,
    ) -> None:
        self.limiter = limiter or Limiter()
        self._transport = transport
        self._signer = signer
        self.base_url = base_url
        self.service = service
        self.org_id = org_id
        self.progress = progress
        self._journal = journal
        self._read_request = Request(
            "GET", base_url, headers={"Accept": ACCEPT}, repeatable=True, expects=_JSON_TYPES
        )

    def get(self, path: str, params: Iterable[tuple[str, str]] = ()) -> Document:
        """Return the document at that path. Raises ApiError, TransportError."""
        return read_document(*self._request(path, params=tuple(params)))

    def post_read(self, path: str, document: Document) -> Document:
        """Return the response to a POST that only reads, so that it can be retried. Raises as
        ``get`` does.
        """
        body = json.dumps(document, ensure_ascii=False).encode()
        headers = {"Accept": ACCEPT, "Content-Type": JSON_API}
        return read_document(*self._request(path, method="POST", headers=headers, body=body))

    def ping(self, path: str) -> None:
        """Send a GET whose response may have any body. Raises ApiError, TransportError."""
        request, response = self._request(path, expects=())
        if response.status >= 400:
            raise error_of(request, response, _parse(response))

    def exchange(self, path: str, params: Params = (), **changes: Any) -> Response:
        """Return the response to a GET as it came, of any status. Raises TransportError.

        ``changes`` are fields of the request, such as its headers.
        """
        return self._request(path, params=params, **changes)[1]

    def fetch(self, path: str, params: Params) -> Answer:
        """Return the bytes of a page. Raises ApiError, TransportError."""
        request = replace(self._read_request, url=self.base_url + path, params=params)
        response = self._send(request)
        if response.status >= 400 or response.content_type not in _JSON_TYPES:
            read_document(request, response)
        return Answer(response.body, response.headers.get("Date", ""))

    def _request(self, path: str, **changes: Any) -> tuple[Request, Response]:
        request = replace(self._read_request, url=self.base_url + path, **changes)
        return request, self._send(request)

    def write(self, write: Write, before: object = None) -> Document | None:
        """Send a write once, and record it in the journal with the state before it.

        Returns the document of the response, None when that has no body. It is retried only when it
        certainly was not done (429, an expired token, no connection). Where the outcome is unknown,
        the error ends with the next step of the write.
        """
        self.refuse_preview_ids(write.path, write.masked)
        # Opened for each write: the folder of the journal can change while a session lives.
        recording: AbstractContextManager[dict[str, Any]] = nullcontext({})
        if self._journal is not None:
            journal = self._journal()
            recording = journal.record(write, before, service=self.service, org_id=self.org_id)
        with recording as ending:
            try:
                document = self._send_write(write)
            except KeyboardInterrupt as interrupt:
                interrupt.add_note(f"It may have been done. {write.next_step}")
                raise
            # Of a new resource, the journal learns the id only now.
            data = (document or {}).get("data")
            if isinstance(data, dict) and not write.id:
                ending["id"] = data.get("id")
        return document

    def refuse_preview_ids(self, *texts: str) -> None:
        """Raise ArgumentError for ids that another session made up, before any request."""
        for resource_id in PREVIEW_ID.findall(" ".join(texts)):
            if not self._knows(resource_id):
                raise ArgumentError(
                    f"{resource_id} was made up by a preview session, and no other session knows "
                    "it. Run the cells again that created it, with connect(writes='send')."
                )

    def _knows(self, resource_id: str) -> bool:  # noqa: ARG002
        """Whether this session made up the id."""
        return False

    def _send_write(self, write: Write) -> Document | None:
        request = Request(
            write.method,
            self.base_url + write.path,
            params=write.params,
            headers={"Accept": ACCEPT, "Content-Type": JSON_API},
        )
        try:
            response = self._send(request, _WriteSigner(write, self._signer))
        except TransportError as error:
            raise _failed_write(error, write.next_step) from None
        if response.status >= 400:
            raise error_of(request, response, _parse(response), write.next_step)
        # A delete has no body.
        if not response.body:
            return None
        document = _parse(response)
        if not isinstance(document, dict):
            raise IncompleteResult(
                f"{write.method} {path_of(request)} was answered with "
                f"{response.content_type or 'nothing'} instead of JSON, so its outcome is "
                f"unknown. {write.next_step}".strip()
            )
        return public(document)

    def _send(self, request: Request, signer: Signer | None = None) -> Response:
        # The short test first: a pull sends thousands of requests.
        url = request.url + encoded(request.params)
        if "preview" in url:
            self.refuse_preview_ids(url)
        if request.body is not None:
            self.refuse_preview_ids(request.body.decode())
        return self._transport.send(request, signer or self._signer, self.limiter)


def _failed_write(failure: TransportError, next_step: str) -> TransportError:
    """Return the error for a write without a response."""
    # Certainly not done, so there is nothing to check.
    if failure.never_sent:
        return failure
    if isinstance(failure, RedirectRefused):
        problem = str(failure).removesuffix(", then run it again.")
        return RedirectRefused(f"{problem}. {next_step}".strip())
    return OutcomeUnknown(f"{failure} {next_step}".strip())


class HasClient(Protocol):
    """A session, or the object that follows the current session."""

    @property
    def client(self) -> Client:
        """What sends the requests."""
        ...


def in_this_thread(
    client: ParallelClient, work: Callable[[_Item], _Result], item: _Item, label: str
) -> _Result:
    """Do the work for one item in this thread, with a progress bar only while it has to wait."""
    # Inside a call that has a bar of its own.
    if worker.cancellation is not None or worker.tick is not None:
        return work(item)
    bar = _bar_while_waiting(client, label)
    try:
        worker.tick = partial(next, bar, None)
        return work(item)
    finally:
        worker.tick = None
        bar.close()


def _bar_while_waiting(client: ParallelClient, label: str) -> Generator[None, None, None]:
    """Create a progress bar at the first tick, and redraw it at each."""
    with client.progress(label) as meter:
        meter.expect(1)
        try:
            while True:
                meter.update()
                yield
        finally:
            # A notebook keeps showing a bar that did not reach its end.
            meter.done()
            meter.update()


def in_parallel(
    client: ParallelClient,
    work: Callable[[_Item], _Result],
    items: Sequence[_Item],
    label: str = "",
) -> list[_Result]:
    """Do the work for every item, in parallel up to the limit; results in order.

    The first error ends it.
    """
    # One item needs no other thread.
    if len(items) == 1:
        return [in_this_thread(client, work, items[0], label)]
    results: dict[int, _Result] = {}
    with client.progress(label) as meter:
        meter.expect(len(items))
        numbered = map_unordered(
            lambda number: work(items[number]),
            range(len(items)),
            # Asked again while it runs: the user may set another limit.
            threads=lambda: client.limiter.ceiling,
            tick=meter.update,
        )
        with ended(numbered) as pairs:
            for number, result in pairs:
                results[number] = result
                meter.done()
    return list(map(results.__getitem__, range(len(items))))


def read_document(request: Request, response: Response) -> Document:
    """Return the JSON of a response. Raises ApiError for a refusal, IncompleteResult for a body
    that is not a JSON:API document.
    """
    document = _parse(response)
    if response.status >= 400:
        raise error_of(request, response, document)
    if isinstance(document, dict):
        return public(document)
    if response.content_type in _JSON_TYPES:
        problem = parsed(response.body)[1] or "it is not a JSON object"
        raise wrong_shape(
            path_of(request), f"was answered with JSON that cannot be used: {problem}"
        )
    raise IncompleteResult(
        f"{request.method} {path_of(request)} was answered with "
        f"{response.content_type or 'nothing'} instead of JSON. Often this is a proxy or a login "
        "page. Sign in to your network, then run it again."
    )


def _parse(response: Response) -> object:
    if response.content_type not in _JSON_TYPES:
        return None
    return parsed(response.body)[0]


def path_to(resource_type: str, ids: Sequence[str], *more: str) -> str:
    """Return the path of these resources for ``frame.attrs``; ``{id}`` stands for several ids."""
    resource_id = "{id}"
    if len(ids) == 1:
        resource_id = ids[0]
    return "/".join(("", resource_type, resource_id, *more))


def attrs_of(client: Client, path: str, total: int | None) -> dict[str, Any]:
    """Return ``frame.attrs``: where a frame comes from."""
    attrs: dict[str, Any] = {
        "service": client.service,
        "path": path,
        "organization": client.org_id,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "total_count": total,
    }
    if client.preview:
        attrs["preview"] = True
    return attrs
