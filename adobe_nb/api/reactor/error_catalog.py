"""Error codes of the Reactor API and of the gateway in front of it, and the exceptions for them.

``error_catalog.toml`` has the cause and the fix of every code. The codes are from Adobe's guide,
https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/guides/errors
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from adobe_nb.api.reactor.jsonapi import mapping
from adobe_nb.errors import ApiError, NotAllowed, NotFound, RateLimited
from adobe_nb.http.messages import Request, Response

_ERROR_CLASSES = {401: NotAllowed, 403: NotAllowed, 404: NotFound, 429: RateLimited}
_RETRY = ", then run it again"
_CORRECT = "Correct what the service reports in parentheses, then send it again."
_CHECK_CREDENTIALS = "Check the credentials and the product profiles of their account."
_ADVICE = {
    400: _CORRECT,
    401: _CHECK_CREDENTIALS,
    403: _CHECK_CREDENTIALS,
    404: "Check the id, your rights, and whether this is the right organization.",
    409: _CORRECT,
    422: _CORRECT,
    429: f"Too many requests in a short time. Wait a minute{_RETRY}.",
    500: f"Adobe's service is unavailable. Wait a few minutes{_RETRY}.",
}
"""The next step by status, for errors without a known code; 500 stands for all above it too."""


class Explanation(NamedTuple):
    """Why an error occurs, and how to fix it."""

    cause: str
    fix: str


@cache
def explanations() -> Mapping[str, Explanation]:
    """Return the explanations of all known codes. The data file is read once."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return {code: Explanation(**entry) for code, entry in tomllib.loads(text).items()}


def explanation(code: str | None) -> Explanation | None:
    """Return the explanation of a code, or None for an unknown one."""
    return explanations().get(code or "")


def error_of(
    request: Request, response: Response, document: object, next_step: str = ""
) -> ApiError:
    """Return the exception for a response of status 400 and above.

    A body that is not Adobe's JSON is never quoted. ``next_step`` says how to check whether a write
    was done; it is added when the server may have done the write before it failed.
    """
    errors = _error_objects(document)
    first = next(iter(errors), {})
    code = str(first.get("code") or first.get("error_code") or "") or None
    entry = explanation(code)
    explained = {}
    problem = f"{code or ''}{_detail(first)}"
    if entry is not None:
        advice = " ".join(entry)
        explained = entry._asdict()
    elif isinstance(document, dict):
        advice = _ADVICE.get(min(response.status, 500), "Compare the request with Adobe's guide.")
    else:
        problem = "and a page that is not Adobe's JSON, probably from a proxy or a login page"
        advice = f"Sign in to your network, check HTTPS_PROXY{_RETRY}."
    if next_step and unsure(response.status):
        # Running it again could do it twice.
        advice = f"{advice.replace(_RETRY, '')} It may have been done anyway. {next_step}"
    summary = f"{request.method} {path_of(request)} failed with {response.status} {problem.strip()}"
    error_class = _ERROR_CLASSES.get(response.status, ApiError)
    return error_class(
        f"{summary.strip()}. {advice}",
        status=response.status,
        code=code,
        errors=errors,
        request_id=_request_id(first) or response.headers.get("x-request-id"),
        method=request.method,
        url=request.full_url,
        **explained,
    )


def _error_objects(document: object) -> list[Mapping[str, Any]]:
    """Return the errors of a document: objects, or strings as the details of objects."""
    if not isinstance(document, dict):
        return []
    errors = document.get("errors")
    if not errors:
        # The gateway answers with one flat object.
        errors = []
        if document.get("error_code"):
            errors = [document]
    if not isinstance(errors, list):
        errors = [errors]
    objects: list[Mapping[str, Any]] = []
    for error in errors:
        if isinstance(error, dict):
            objects.append(error)
        if isinstance(error, str):
            objects.append({"detail": error})
    return objects


def _request_id(error: Mapping[str, Any]) -> str:
    return str(mapping(error.get("meta")).get("request_id") or "")


def _detail(error: Mapping[str, Any]) -> str:
    """Return what the service says about an error, in parentheses."""
    detail = str(error.get("detail") or error.get("title") or error.get("message") or "")
    detail = detail.strip().rstrip(".")
    pointer = mapping(error.get("source")).get("pointer")
    if isinstance(pointer, str) and pointer not in {"", "/data"}:
        detail += f"; see {pointer}"
    if not detail:
        return ""
    # A lone surrogate cannot be printed.
    detail = detail.encode("utf-8", "backslashreplace").decode()
    return f" ({detail})"


def unsure(status: int) -> bool:
    """Return whether a write may have been done despite this status: a server gave up."""
    return status >= 500 or status in {408, 499}


def path_of(request: Request) -> str:
    """Return the path of a request, for messages."""
    return urlsplit(request.url).path
