"""Documents, pages and errors of JSON:API and of the gateway before it."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from adobe_nb.api.progress import Progress, no_progress
from adobe_nb.api.reactor.decoding import parsed, wrong_shape
from adobe_nb.api.reactor.error_catalog import GATEWAY, explanation
from adobe_nb.api.reactor.redaction import public
from adobe_nb.auth.credentials import Secret
from adobe_nb.errors import (
    ApiError,
    IncompleteResult,
    NotAllowed,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    RedirectRefused,
    TransportError,
)
from adobe_nb.http.client import Signer, Transport
from adobe_nb.http.limiter import Limiter
from adobe_nb.http.messages import Request, Response, date_of
from adobe_nb.http.workers import WorkerPool, pool_of

Document = dict[str, Any]
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
_JSON_TYPES = ("application/vnd.api+json", "application/json")


JSON_API = "application/vnd.api+json"


@dataclass(frozen=True, slots=True)
class Body:
    """What a write carries. It is made only inside the HTTP library's frames, since it can hold secrets."""

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


class Noting(Protocol):
    """A journal of writes."""

    def begin(self, change: Any, before: object, *, service: str, organisation: str) -> str:
        """Before a write is sent; gives the entry's name."""
        ...

    def end(self, entry: str, outcome: str, *, status: int | None = None, code: str = "", made: str = "") -> None:
        """What became of it."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A page as it came, and the service's clock."""

    body: Any = field(repr=False)
    """Its bytes, or a document that was decoded already."""
    date: datetime


class Crowd(Protocol):
    """Whoever sends many requests at once."""

    @property
    def pool(self) -> WorkerPool:
        """The threads that do it."""
        ...

    @property
    def progress(self) -> Progress:
        """Who is told of it."""
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
        journal: Noting | None = None,
    ) -> None:
        self.limiter = limiter or Limiter()
        self._transport = transport
        self._signer = signer
        self.base_url = base_url
        self.service = service
        self.org_id = org_id
        self.progress = progress
        self._journal = journal

    @property
    def pool(self) -> WorkerPool:
        """The workers of this organization."""
        return pool_of(self.limiter)

    def note(self, change: Any, before: object) -> str | None:
        """Tell the journal, if there is one, what will be sent. Raises JournalError."""
        if self._journal is None:
            return None
        return self._journal.begin(change, before, service=self.service, organisation=self.org_id)

    def note_end(self, entry: str | None, outcome: str, **about: Any) -> None:
        """And what became of it."""
        if self._journal is not None and entry is not None:
            self._journal.end(entry, outcome, **about)

    def get(self, path: str, params: Iterable[tuple[str, str]] = ()) -> Document:
        """The document at that path. Raises ApiError, or TransportError when no answer came."""
        request = self._read(path, tuple(params))
        return read_document(request, self._send(request))

    def post_read(self, path: str, document: Document) -> Document:
        """The answer to a POST that only asks, so that it can be repeated. Raises as ``get`` does."""
        body = json.dumps(document, ensure_ascii=False).encode()
        headers = {"Accept": ACCEPT, "Content-Type": JSON_API}
        request = Request(
            "POST", self.base_url + path, headers=headers, body=body, repeatable=True, expects=_JSON_TYPES
        )
        return read_document(request, self._send(request))

    def ping(self, path: str) -> None:
        """A GET that is good when it succeeds, with or without a document. Raises ApiError, TransportError."""
        request = Request("GET", self.base_url + path, headers={"Accept": ACCEPT}, repeatable=True)
        answer = self._send(request)
        if answer.status >= 400:
            raise error_of(request, answer, _parse(answer))

    def write(
        self, method: str, path: str, body: Body | None = None, *, params: Params = (), look: str = ""
    ) -> Document | None:
        """Send a write, once: the document of the answer, None when it has no body.

        It is sent again only when it certainly was not done (429, a refused token, no connection). ``look`` says what
        to look for when that is not known: it is part of OutcomeUnknown, of ApiError from 500, and of IncompleteResult.
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
            raise RedirectRefused(f"{str(failure).removesuffix(', then run it again.')}. {look}".strip())
        if answer is None:
            raise OutcomeUnknown(f"{failure} {look}".strip())
        if answer.status >= 400:
            raise error_of(request, answer, _parse(answer), look)
        if not answer.body:
            return None
        document = _parse(answer)
        if not isinstance(document, dict):
            raise IncompleteResult(
                f"{method} {_path(request)} was answered with {answer.content_type or 'nothing'} instead of JSON, so "
                f"it is not known whether it was done. {look}".strip()
            )
        return public(document)

    def fetch(self, path: str, params: Params) -> Answer:
        """The bytes of a page. Raises ApiError, TransportError."""
        request = self._read(path, params)
        answer = self._transport.send(request, self._signer, self.limiter)
        if answer.status >= 400 or answer.content_type not in _JSON_TYPES:
            read_document(request, answer)
        # The service's clock; ours, set back a minute, when it does not say.
        date = date_of(answer.headers.get("Date", "")) or datetime.now(UTC) - timedelta(minutes=1)
        return Answer(answer.body, date)

    def _read(self, path: str, params: Params) -> Request:
        return Request(
            "GET",
            self.base_url + path,
            params=params,
            headers={"Accept": ACCEPT},
            repeatable=True,
            expects=_JSON_TYPES,
        )

    def _send(self, request: Request, signer: Signer | None = None) -> Response:
        return self._transport.send(request, signer or self._signer, self.limiter)


def in_parallel(
    client: Crowd, work: Callable[[_Item], _Result], items: Sequence[_Item], label: str = ""
) -> list[_Result]:
    """``work`` for every item, as many at once as the service takes; results in order. The first error ends it."""
    with client.progress(label) as meter:
        meter.expect(len(items))
        return client.pool.results(work, items, done=meter.done, tick=meter.look)


def read_document(request: Request, answer: Response) -> Document:
    """The JSON of an answer. Raises ApiError for a refusal, IncompleteResult for what is no JSON:API document."""
    document = _parse(answer)
    if answer.status >= 400:
        raise error_of(request, answer, document)
    if not isinstance(document, dict) and answer.content_type in _JSON_TYPES:
        problem = parsed(answer.body)[1] or "it is not a JSON object"
        raise wrong_shape(_path(request), f"was answered with JSON that cannot be used: {problem}")
    if not isinstance(document, dict):
        raise IncompleteResult(
            f"{request.method} {_path(request)} was answered with {answer.content_type or 'nothing'} instead of JSON. "
            "Often this is a proxy or a login page. Sign in to your network, then run it again."
        )
    return public(document)


def error_of(request: Request, answer: Response, document: object, look: str = "") -> ApiError:
    """The exception for an answer of 400 and above; never quotes the body of what is not Adobe's JSON.

    ``look``: of a write, what to look for when the server failed and may have done it before.
    """
    errors: list[Mapping[str, Any]] = []
    code: str | None = None
    detail = ""
    request_id = answer.headers.get("x-request-id")
    if isinstance(document, dict) and document.get("errors"):
        errors = _error_objects(document["errors"])
        first = errors[0] if errors else {}
        code = str(first["code"]) if first.get("code") else None
        detail = str(first.get("detail") or first.get("title") or "")
        source = first.get("source")
        pointer = source.get("pointer") if isinstance(source, dict) else None
        if isinstance(pointer, str) and pointer not in {"", "/data"}:
            detail = f"{detail.strip().rstrip('.')}; see {pointer}"
        meta = first.get("meta")
        request_id = str(meta["request_id"]) if isinstance(meta, dict) and meta.get("request_id") else request_id
    elif isinstance(document, dict) and document.get("error_code"):
        code = str(document["error_code"])
        errors = [document]
        detail = str(document.get("message", ""))
    message = _message(request, answer, code, detail, known=isinstance(document, dict))
    if look and unsure(answer.status):
        message = f"{_RUN_AGAIN.sub('', message)} It may have been done all the same. {look}"
    return _error_class(answer.status)(
        message,
        status=answer.status,
        code=code,
        errors=errors,
        request_id=request_id,
        method=request.method,
        url=request.full_url,
        **(found._asdict() if (found := explanation(code)) else {}),
    )


def _error_objects(errors: object) -> list[Mapping[str, Any]]:
    """The errors of a document: objects, or texts, which are taken for their details."""
    several = errors if isinstance(errors, list) else [errors]
    told = [{"detail": error} if isinstance(error, str) else error for error in several]
    return [error for error in told if isinstance(error, dict)]


_RUN_AGAIN = re.compile(r", then run it again(?=\.)")


def unsure(status: int) -> bool:
    """Whether a refusal with that status leaves open what became of a write: a server or a gateway gave up."""
    return status >= 500 or status in {408, 499}


def _message(request: Request, answer: Response, code: str | None, detail: str, *, known: bool) -> str:
    what = f"{request.method} {_path(request)} was answered with {answer.status}"
    if not known:
        return (
            f"{what} and a page that is not Adobe's JSON: probably a proxy or a login page in between. Sign in to your "
            "network, check HTTPS_PROXY, then run it again."
        )
    named = f"{what} {code}" if code else what
    # Half a character, a lone surrogate, cannot be printed.
    detail = detail.strip().rstrip(".").encode("utf-8", "backslashreplace").decode()
    said = f" ({detail})" if detail else ""
    known_code = explanation(code)
    advice = f"{known_code.cause} {known_code.fix}" if known_code else _advice_by_status(answer.status)
    return f"{named}{said}. {advice}"


def _advice_by_status(status: int) -> str:
    if status == 404:
        return "Check the id, whether this is the right organisation, and your rights."
    if status == 429:
        return " ".join(GATEWAY["429050"])
    if status >= 500:
        return "Adobe's service is not well. Wait a few minutes, then run it again."
    if status in {400, 409, 422}:
        return "The service says in brackets what stands in the way. Correct that, then send it again."
    if status in {401, 403}:
        return "Check the credentials and the product profiles of their account."
    return "Compare the request with Adobe's guide."


def _error_class(status: int) -> type[ApiError]:
    return {401: NotAllowed, 403: NotAllowed, 404: NotFound, 429: RateLimited}.get(status, ApiError)


def _parse(answer: Response) -> object:
    if answer.content_type not in _JSON_TYPES:
        return None
    return parsed(answer.body)[0]


def _path(request: Request) -> str:
    return urlsplit(request.url).path
