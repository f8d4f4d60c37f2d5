"""Documents, pages and errors of JSON:API and of the gateway before it."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from adobe_nb.api.explanations import GATEWAY, explanation
from adobe_nb.api.progress import Progress, no_progress
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
from adobe_nb.transport import PARALLEL, Request, Response, Signer, Transport

Document = dict[str, Any]
Params = tuple[tuple[str, str], ...]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

ACCEPT = "application/vnd.api+json;revision=1"
PAGE_SIZE = 100
CURL_HEADERS = (
    '-H "Authorization: Bearer {ACCESS_TOKEN}"',
    '-H "x-api-key: {API_KEY}"',
    '-H "x-gw-ims-org-id: {ORG_ID}"',
)
"""The three headers in a cURL command, with Adobe's placeholders for their values."""
_SHORTEST = 4
"""Characters of a secret that is looked for in an error; a shorter one would mask ordinary words."""
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


class Noting(Protocol):
    """A journal of writes."""

    def begin(self, change: Any, before: object, *, service: str, organisation: str) -> str:
        """Before a write is sent; gives the entry's name."""
        ...

    def end(self, entry: str, outcome: str, *, status: int | None = None, code: str = "", made: str = "") -> None:
        """What became of it."""
        ...


@dataclass(frozen=True, slots=True)
class Listing:
    """One list to read: its path, and the query that goes with every page."""

    path: str
    type: str
    """Of the resources in it."""
    params: Params = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its resources, and the totals when the service reports them."""

    resources: list[Document]
    total_count: int | None
    total_pages: int | None


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
        progress: Progress = no_progress,
        journal: Noting | None = None,
    ) -> None:
        self._transport = transport
        self._signer = signer
        self.base_url = base_url
        self.service = service
        self.org_id = org_id
        self.progress = progress
        self._journal = journal

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
        request = Request(
            "GET", self.base_url + path, params=tuple(params), headers={"Accept": ACCEPT}, repeatable=True
        )
        return read_document(request, self._transport.send(request, self._signer))

    def post_read(self, path: str, document: Document) -> Document:
        """The answer to a POST that only asks, so that it can be repeated. Raises as ``get`` does."""
        body = json.dumps(document, ensure_ascii=False).encode()
        headers = {"Accept": ACCEPT, "Content-Type": JSON_API}
        request = Request("POST", self.base_url + path, headers=headers, body=body, repeatable=True)
        return read_document(request, self._transport.send(request, self._signer))

    def ping(self, path: str) -> None:
        """A GET that is good when it succeeds, with or without a document. Raises ApiError, TransportError."""
        request = Request("GET", self.base_url + path, headers={"Accept": ACCEPT}, repeatable=True)
        answer = self._transport.send(request, self._signer)
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
            answer = self._transport.send(request, signer)
        except TransportError as error:
            failure = error
        if failure is not None and failure.never_sent:
            raise failure
        if isinstance(failure, RedirectRefused):
            raise RedirectRefused(f"{str(failure).removesuffix(', then run it again.')}. {look}".strip())
        if answer is None:
            raise OutcomeUnknown(f"{failure} {look}".strip())
        if answer.status >= 400:
            raise error_of(request, answer, _without(body.secrets if body else (), _parse(answer)), look)
        if not answer.body:
            return None
        document = _parse(answer)
        if not isinstance(document, dict):
            raise IncompleteResult(
                f"{method} {_path(request)} was answered with {answer.content_type or 'nothing'} instead of JSON, so "
                f"it is not known whether it was done. {look}".strip()
            )
        return document

    def page(self, listing: Listing, number: int, size: int = PAGE_SIZE) -> Page:
        """One page of a list."""
        paging = (("page[number]", str(number)), ("page[size]", str(size)))
        return _page(listing, self.get(listing.path, (*listing.params, *paging)))

    def pages(self, listing: Listing, size: int = PAGE_SIZE) -> Iterator[Page]:
        """Page after page, one in memory at a time, and proven complete at the end (ids are remembered).

        Raises IncompleteResult for a resource that comes twice, and when the number is not what was announced.
        """
        number, seen = 1, set[str]()
        while True:
            page = self.page(listing, number, size)
            ids = {str(resource["id"]) for resource in page.resources}
            if len(ids) != len(page.resources) or ids & seen:
                raise IncompleteResult(f"{listing.path} gave a resource twice while it was read. Run it again.")
            seen |= ids
            yield page
            if number >= page.total_pages if page.total_pages is not None else len(page.resources) < size:
                break
            number += 1
        if page.total_count not in {None, len(seen)}:
            raise IncompleteResult(
                f"{listing.path} announced {page.total_count} resources and gave {len(seen)}. Run it again."
            )

    def read_all(self, listings: Sequence[Listing], label: str = "") -> list[list[Document]]:
        """Every resource of every list, in the lists' order, proven complete.

        The first pages of all lists go out together, then all the other pages: two flat waves. A list that changed
        between its pages is read once more. Raises IncompleteResult when it still does not add up.
        """
        found = self._read(listings, label)
        torn = [index for index, listing in enumerate(found) if listing.problem]
        if torn:
            again = self._read([listings[index] for index in torn], label)
            for index, reread in zip(torn, again, strict=True):
                found[index] = reread
        for listing, outcome in zip(listings, found, strict=True):
            if outcome.problem:
                raise IncompleteResult(
                    f"{listing.path} {outcome.problem}, twice. Something is changing it while it is read. Run it again."
                )
        return [outcome.resources for outcome in found]

    def _read(self, listings: Sequence[Listing], label: str) -> "list[_Outcome]":
        firsts = in_parallel(lambda listing: self.page(listing, 1), listings, self.progress, label)
        rest = [
            (index, number) for index, page in enumerate(firsts) for number in range(2, (page.total_pages or 1) + 1)
        ]
        others = in_parallel(lambda job: self.page(listings[job[0]], job[1]), rest, self.progress, label)
        pages: list[list[Page]] = [[first] for first in firsts]
        for (index, _), page in zip(rest, others, strict=True):
            pages[index].append(page)
        for index, first in enumerate(firsts):
            if first.total_pages is None:
                # No totals are reported: on until a page is short.
                pages[index] = list(self.pages(listings[index]))
        return [_outcome(each) for each in pages]


@dataclass(frozen=True, slots=True)
class _Outcome:
    resources: list[Document]
    problem: str = ""


def _outcome(pages: Sequence[Page]) -> _Outcome:
    resources = [resource for page in pages for resource in page.resources]
    ids = {resource["id"] for resource in resources}
    totals = {page.total_count for page in pages if page.total_count is not None}
    if len(ids) != len(resources):
        return _Outcome(resources, f"gave {len(resources) - len(ids)} of its resources twice")
    if totals and totals != {len(resources)}:
        said = " then ".join(str(total) for total in sorted(totals))
        return _Outcome(resources, f"announced {said} resources and gave {len(resources)}")
    return _Outcome(resources)


def in_parallel(
    work: Callable[[_Item], _Result], items: Sequence[_Item], progress: Progress = no_progress, label: str = ""
) -> list[_Result]:
    """``work`` for every item, at most PARALLEL at once, results in order. The first error ends it."""
    if len(items) <= 1:
        return [work(item) for item in items]
    pool = ThreadPoolExecutor(min(PARALLEL, len(items)), thread_name_prefix="adobe_nb")
    try:
        with progress(label, len(items)) as step:
            futures = [pool.submit(work, item) for item in items]
            results = []
            for future in futures:
                results.append(future.result())
                step()
            return results
    finally:
        # Nothing is left to wait for but requests whose answers nobody wants any more.
        pool.shutdown(wait=False, cancel_futures=True)


def read_document(request: Request, answer: Response) -> Document:
    """The JSON of an answer. Raises ApiError for a refusal, IncompleteResult for what is no JSON:API document."""
    document = _parse(answer)
    if answer.status >= 400:
        raise error_of(request, answer, document)
    if not isinstance(document, dict):
        raise IncompleteResult(
            f"{request.method} {_path(request)} was answered with {answer.content_type or 'nothing'} instead of JSON. "
            "Often this is a proxy or a login page. Sign in to your network, then run it again."
        )
    return document


def error_of(request: Request, answer: Response, document: object, look: str = "") -> ApiError:
    """The exception for an answer of 400 and above; never quotes the body of what is not Adobe's JSON.

    ``look``: of a write, what to look for when the server failed and may have done it before.
    """
    errors: list[Mapping[str, Any]] = []
    code: str | None = None
    detail = ""
    request_id = answer.headers.get("x-request-id")
    if isinstance(document, dict) and isinstance(document.get("errors"), list):
        errors = [error for error in document["errors"] if isinstance(error, dict)]
        first = errors[0] if errors else {}
        code = str(first["code"]) if first.get("code") else None
        detail = str(first.get("detail") or first.get("title") or "")
        source = first.get("source")
        if isinstance(source, dict) and source.get("pointer") not in {None, "", "/data"}:
            detail = f"{detail.strip().rstrip('.')}; see {source['pointer']}"
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
    said = f" ({detail.strip().rstrip('.')})" if detail.strip() else ""
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


def _without(secrets: Sequence[Secret], document: Any) -> Any:
    """The document with these secrets masked, wherever it quotes them."""
    if isinstance(document, str):
        for secret in secrets:
            if len(secret.reveal()) >= _SHORTEST:
                document = document.replace(secret.reveal(), str(secret))
        return document
    if isinstance(document, dict):
        return {name: _without(secrets, value) for name, value in document.items()}
    return [_without(secrets, value) for value in document] if isinstance(document, list) else document


def _error_class(status: int) -> type[ApiError]:
    return {401: NotAllowed, 403: NotAllowed, 404: NotFound, 429: RateLimited}.get(status, ApiError)


def _parse(answer: Response) -> object:
    if answer.content_type not in _JSON_TYPES:
        return None
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def _page(listing: Listing, document: Document) -> Page:
    resources = document.get("data")
    if not isinstance(resources, list) or not all(is_resource(each, listing.type) for each in resources):
        raise IncompleteResult(f"{listing.path} did not answer with a list of {listing.type}. Run it again.")
    meta = document.get("meta")
    pagination = meta.get("pagination") if isinstance(meta, dict) else None
    if not isinstance(pagination, dict):
        return Page(resources, None, None)
    return Page(resources, _whole(pagination.get("total_count")), _whole(pagination.get("total_pages")))


def is_resource(data: object, resource_type: str) -> bool:
    """Whether it is a resource of that type."""
    return (
        isinstance(data, dict)
        and isinstance(data.get("id"), str)
        and bool(data["id"])
        and data.get("type") == resource_type
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _path(request: Request) -> str:
    return urlsplit(request.url).path
