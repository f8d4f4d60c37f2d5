"""The Reactor API over HTTP: one client for each session, which signs, sends, and reads what comes
back.
"""

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from requests import PreparedRequest
from requests.auth import AuthBase

from adobe_nb.api.progress import Progress, no_progress
from adobe_nb.api.reactor.error_catalog import error_of, path_of
from adobe_nb.api.reactor.jsonapi import Document, parsed, public, public_address, wrong_shape
from adobe_nb.auth.credentials import Secret
from adobe_nb.errors import IncompleteResult, OutcomeUnknown, RedirectRefused, TransportError
from adobe_nb.http.client import Signer, Transport, date_of
from adobe_nb.http.limiter import Limiter
from adobe_nb.http.messages import Request, Response
from adobe_nb.http.workers import ended, map_unordered, worker

Params = tuple[tuple[str, str], ...]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

JSON_API = "application/vnd.api+json"
ACCEPT = "application/vnd.api+json;revision=1"
CURL_HEADERS = (
    '-H "Authorization: Bearer {ACCESS_TOKEN}"',
    '-H "x-api-key: {API_KEY}"',
    '-H "x-gw-ims-org-id: {ORG_ID}"',
)
"""The three headers in a cURL command, with Adobe's placeholders for their values."""
_JSON_TYPES = (JSON_API, "application/json")


class Hidden(Secret):
    """A number of a write-only attribute; its text is JSON."""


class Address(Secret):
    """An address with a password or a token in it."""

    def __str__(self) -> str:
        return public_address(self.reveal())


def plain(value: object) -> Any:
    """The document with its secrets revealed; for the wire only."""
    if isinstance(value, Hidden):
        return json.loads(value.reveal())
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def masked(value: object) -> Any:
    """The document with its secrets masked."""
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, Mapping):
        return {name: masked(each) for name, each in value.items()}
    return [masked(each) for each in value] if isinstance(value, (list, tuple)) else value


def secrets_in(value: object) -> Iterator[Secret]:
    """The secrets of a document."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from secrets_in(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from secrets_in(each)


@dataclass(frozen=True, slots=True)
class Body:
    """What a write carries. It is made only inside the HTTP library's frames, since it can hold
    secrets.
    """

    encode: Callable[[], bytes] = field(repr=False)
    content_type: str = JSON_API
    secrets: tuple[Secret, ...] = ()
    """What is in it and must not be quoted back in an error."""


class _Carrying(AuthBase):
    """Puts the body into the request, then signs it."""

    def __init__(self, body: Body, signer: Signer) -> None:
        self._body = body
        self._signer = signer

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.body = self._body.encode()
        return self._signer(request)

    def renew(self, refused: PreparedRequest) -> bool:
        return self._signer.renew(refused)

    def secrets(self) -> list[str]:
        """What an answer must not quote: those of the body, and those of the session."""
        own: Callable[[], Iterable[str]] = getattr(self._signer, "secrets", tuple)
        return [*(secret.reveal() for secret in self._body.secrets), *own()]


class WriteJournal(Protocol):
    """A journal of writes."""

    def begin(self, change: Any, before: object, *, service: str, organisation: str) -> str:
        """Before a write is sent; gives the entry's name."""
        ...

    def end(
        self, entry: str, outcome: str, *, status: int | None = None, code: str = "", made: str = ""
    ) -> None:
        """Record the outcome of the write."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A page as it came."""

    body: Any = field(repr=False)
    """Its bytes, or a document that was decoded already."""
    date_header: str = ""

    @property
    def date(self) -> datetime:
        """The service's clock; ours, set back a minute, when it does not say."""
        return date_of(self.date_header) or datetime.now(UTC) - timedelta(minutes=1)


class ParallelClient(Protocol):
    """What ``in_parallel`` requires of a client, of Reactor or of the Edge Network."""

    @property
    def limiter(self) -> Limiter:
        """How many requests may be in flight."""
        ...

    @property
    def progress(self) -> Progress:
        """Shows how far the requests are."""
        ...


class Client:
    """JSON:API over one transport, one signer and one base URL."""

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
        journal: Callable[[], WriteJournal] | None = None,
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
        """What every read has in common."""

    def note(self, change: Any, before: object) -> str | None:
        """Record a write in the journal before it is sent. None without a journal. Raises
        JournalError.
        """
        if self._journal is None:
            return None
        return self._journal().begin(change, before, service=self.service, organisation=self.org_id)

    def note_end(self, entry: str | None, outcome: str, **about: Any) -> None:
        """Record the outcome of the write."""
        if self._journal is not None and entry is not None:
            self._journal().end(entry, outcome, **about)

    def get(self, path: str, params: Iterable[tuple[str, str]] = ()) -> Document:
        """The document at that path. Raises ApiError, or TransportError when no answer came."""
        request = replace(self._read_request, url=self.base_url + path, params=tuple(params))
        return read_document(request, self._send(request))

    def post_read(self, path: str, document: Document) -> Document:
        """The answer to a POST that only asks, so that it can be repeated. Raises as ``get`` does.
        """
        body = json.dumps(document, ensure_ascii=False).encode()
        headers = {"Accept": ACCEPT, "Content-Type": JSON_API}
        request = Request(
            "POST",
            self.base_url + path,
            headers=headers,
            body=body,
            repeatable=True,
            expects=_JSON_TYPES,
        )
        return read_document(request, self._send(request))

    def ping(self, path: str) -> None:
        """A GET that is good when it succeeds, with or without a document. Raises ApiError,
        TransportError.
        """
        request = Request("GET", self.base_url + path, headers={"Accept": ACCEPT}, repeatable=True)
        answer = self._send(request)
        if answer.status >= 400:
            raise error_of(request, answer, _parse(answer))

    def write(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        params: Params = (),
        next_step: str = "",
    ) -> Document | None:
        """Send a write, once: the document of the answer, None when it has no body.

        It is sent again only when it certainly was not done (429, a refused token, no connection).
        ``next_step`` says what to look for when that is not known: it is part of OutcomeUnknown, of
        ApiError from 500, and of IncompleteResult.
        """
        headers = {"Accept": ACCEPT, "Content-Type": body.content_type if body else JSON_API}
        request = Request(method, self.base_url + path, params=params, headers=headers)
        signer: Signer = _Carrying(body, self._signer) if body else self._signer
        failure: TransportError | None = None
        answer: Response | None = None
        try:
            answer = self._send(request, signer)
        except TransportError as error:
            failure = error
        if failure is not None and failure.never_sent:
            raise failure
        if isinstance(failure, RedirectRefused):
            raise RedirectRefused(
                f"{str(failure).removesuffix(', then run it again.')}. {next_step}".strip()
            )
        if answer is None:
            raise OutcomeUnknown(f"{failure} {next_step}".strip())
        if answer.status >= 400:
            raise error_of(request, answer, _parse(answer), next_step)
        if not answer.body:
            return None
        document = _parse(answer)
        if not isinstance(document, dict):
            raise IncompleteResult(
                f"{method} {path_of(request)} was answered with {answer.content_type or 'nothing'} instead of JSON, so "
                f"it is not known whether it was done. {next_step}".strip()
            )
        return public(document)

    def fetch(self, path: str, params: Params) -> Answer:
        """The bytes of a page. Raises ApiError, TransportError."""
        request = replace(self._read_request, url=self.base_url + path, params=params)
        answer = self._transport.send(request, self._signer, self.limiter)
        if answer.status >= 400 or answer.content_type not in _JSON_TYPES:
            read_document(request, answer)
        return Answer(answer.body, answer.headers.get("Date", ""))

    def _send(self, request: Request, signer: Signer | None = None) -> Response:
        return self._transport.send(request, signer or self._signer, self.limiter)


class HasClient(Protocol):
    """A session, or the object that follows the current session."""

    @property
    def client(self) -> Client:
        """What sends the requests."""
        ...


def in_this_thread(
    client: ParallelClient, work: Callable[[_Item], _Result], item: _Item, label: str
) -> _Result:
    """``work`` for one item, without other threads. A bar is shown only if it has to wait for the
    service.
    """
    if worker.cancellation is not None or worker.tick is not None:  # part of a call that has a bar
        return work(item)
    bar = _bar_while_waiting(client, label)
    try:
        worker.tick = partial(next, bar, None)
        return work(item)
    finally:
        worker.tick = None
        bar.close()


def _bar_while_waiting(client: ParallelClient, label: str) -> Generator[None, None, None]:
    """A progress bar that is created at the first tick, and drawn again at each."""
    with client.progress(label) as meter:
        meter.expect(1)
        try:
            while True:
                meter.update()
                yield
        finally:
            # In a notebook a bar that did not reach its end stays.
            meter.done()
            meter.update()


def in_parallel(
    client: ParallelClient,
    work: Callable[[_Item], _Result],
    items: Sequence[_Item],
    label: str = "",
) -> list[_Result]:
    """``work`` for every item, as many at once as the service takes; results in order. The first
    error ends it.
    """
    if len(items) == 1:
        return [in_this_thread(client, work, items[0], label)]
    results: dict[int, _Result] = {}
    with client.progress(label) as meter:
        meter.expect(len(items))
        numbered = map_unordered(
            lambda number: work(items[number]),
            range(len(items)),
            threads=lambda: client.limiter.ceiling,
            tick=meter.update,
        )
        with ended(numbered) as pairs:
            for number, result in pairs:
                results[number] = result
                meter.done()
    return [results[number] for number in range(len(items))]


def read_document(request: Request, answer: Response) -> Document:
    """The JSON of an answer. Raises ApiError for a refusal, IncompleteResult for what is no
    JSON:API document.
    """
    document = _parse(answer)
    if answer.status >= 400:
        raise error_of(request, answer, document)
    if not isinstance(document, dict) and answer.content_type in _JSON_TYPES:
        problem = parsed(answer.body)[1] or "it is not a JSON object"
        raise wrong_shape(
            path_of(request), f"was answered with JSON that cannot be used: {problem}"
        )
    if not isinstance(document, dict):
        raise IncompleteResult(
            f"{request.method} {path_of(request)} was answered with {answer.content_type or 'nothing'} instead of "
            "JSON. Often this is a proxy or a login page. Sign in to your network, then run it again."
        )
    return public(document)


def _parse(answer: Response) -> object:
    if answer.content_type not in _JSON_TYPES:
        return None
    return parsed(answer.body)[0]


def path_to(resource_type: str, ids: Sequence[str], *more: str) -> str:
    """The path of these resources, for ``frame.attrs``: with ``{id}`` where they are several."""
    return "/".join(("", resource_type, ids[0] if len(ids) == 1 else "{id}", *more))


def attrs_of(client: Client, path: str, total: int | None) -> dict[str, Any]:
    """Where a frame comes from: ``frame.attrs``."""
    return {
        "service": client.service,
        "path": path,
        "organisation": client.org_id,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "total_count": total,
    }
