"""What a refusal of the Edge Network means: its code, its probable cause, and what to do."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from adobe_nb.api.edge.error_catalog import EdgeCode, edge_codes, gateway_explanation
from adobe_nb.api.edge.target import Target
from adobe_nb.api.edge.validation import AUTH_HEADERS, JsonObject, member_of
from adobe_nb.api.reactor.error_catalog import Explanation, unsure
from adobe_nb.errors import EdgeError, IncompleteResult
from adobe_nb.http.messages import Request, Response

_BEARER = "Bearer and a token"
_NO_BEARER = "without the word Bearer"
_NOT_THREE_PARTS = "Bearer, but no token of three parts"
_OTHER_VALUE = "a value"
_MOST_ERRORS = 5
"""Errors of a report that a message quotes."""
_ADVICE = {
    401: "The token was refused. Sign in again.",
    429: "Too many events in a short time. Wait a minute, then send it again.",
}
"""The next step by status, for refusals without a known code."""
_UNSURE = (
    "It is not known whether the event arrived; sending it again may count it twice. "
    "Check the data first."
)


class _Diagnosis(NamedTuple):
    advice: str
    title: str = ""
    cause: str = ""
    fix: str = ""
    send_again: str = ""


def header_shape(value: str | bytes) -> str:
    """Describe the value of a header without quoting it."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    match value.startswith("Bearer "), value.count(".") == 2:
        case True, True:
            return _BEARER
        case True, False:
            return _NOT_THREE_PARTS
        case False, True:
            return _NO_BEARER
    return _OTHER_VALUE


def refusal(
    request: Request,
    response: Response,
    document: JsonObject,
    sent: Mapping[str, str],
    target: Target,
    events: Sequence[int],
) -> EdgeError:
    """Return the exception for a response of 400 and above.

    ``sent`` are the shapes of the three headers, by their names.
    """
    problems = _problems_of(document)
    problem = next(iter(problems), {})
    code = code_of(problem)
    if explanation := gateway_explanation(code):
        diagnosis = _gateway_diagnosis(explanation, problem, response.status)
    elif row := edge_codes().get(code):
        diagnosis = _diagnosis_of(row, problems, sent, target, events)
    else:
        diagnosis = _Diagnosis(_unknown_advice(response, document, problem, target.hint))
    message = f"{_summary(request, response, code, diagnosis.title)}. {diagnosis.advice}"
    # After a server error without a known code, the events may have arrived.
    if len(events) > 1 and (diagnosis.cause or response.status < 500):
        message += f" The request held events {events[0]} to {events[-1]}: none was accepted."
    request_id = member_of(problem, "report", "requestId") or document.get("requestId") or None
    if request_id is not None:
        request_id = text_of(request_id)
    return EdgeError(
        message,
        status=response.status,
        code=code or None,
        errors=problems,
        request_id=request_id,
        method=request.method,
        url=request.full_url,
        cause=diagnosis.cause,
        fix=diagnosis.fix,
        send_again=diagnosis.send_again,
    )


def _summary(request: Request, response: Response, code: str = "", title: str = "") -> str:
    summary = f"POST {urlsplit(request.url).path} was answered with {response.status}"
    if code:
        summary = f"{summary} {code}"
    if title:
        summary = f"{summary} ({title})"
    return summary


def _gateway_diagnosis(explanation: Explanation, problem: JsonObject, status: int) -> _Diagnosis:
    send_again = "after the fix"
    if status == 429:
        send_again = "after a pause"
    return _Diagnosis(" ".join(explanation), _words_of(problem), *explanation, send_again)


def _diagnosis_of(
    row: EdgeCode,
    problems: Sequence[JsonObject],
    sent: Mapping[str, str],
    target: Target,
    events: Sequence[int],
) -> _Diagnosis:
    problem = problems[0]
    detail = text_of(problem.get("detail") or "").strip()
    exact = _exact_cause(row.code, detail, sent, target)
    cause, fix = exact or Explanation(row.cause, row.fix)
    parts = [cause, fix]
    if row.kind == "authorization":
        parts.append(_sent_headers(sent))
    elif exact is None and row.kind in {"input", "service"}:
        parts += _quotes(detail, problem, events)
    further = ", ".join(filter(None, map(code_of, problems[1:])))
    if further:
        parts.append(f"Further errors: {further}.")
    # Titles differ between Adobe's pages: the one that came is the one a reader searches for.
    title = text_of(problem.get("title") or row.title)
    return _Diagnosis(" ".join(parts), title, cause, fix, row.send_again)


def unexpected_response(request: Request, response: Response, content: str) -> IncompleteResult:
    """Return the exception for a response below 400 that is not the Edge Network's."""
    return IncompleteResult(
        f"{_summary(request, response)} and {text_of(content)} instead of a response of the Edge "
        "Network, perhaps by a proxy. It is not known whether the event arrived; sending it again "
        "may count it twice."
    )


def is_fatal(code: str | None) -> bool:
    """Return whether it is certain that nothing was delivered, whatever the status."""
    row = edge_codes().get(code or "")
    return row is not None and row.fatal


def code_of(problem: object) -> str:
    """Return the code of a problem, of the Edge Network or its gateway; empty if it has none."""
    if not isinstance(problem, Mapping):
        return ""
    uri = problem.get("type")
    if isinstance(uri, str) and uri:
        return text_of(uri.rpartition("/")[2])
    # The gateway has codes of its own, as text or numbers.
    for name in ("error_code", "code"):
        code = problem.get(name)
        if isinstance(code, (str, int)) and not isinstance(code, bool):
            return text_of(code)
    return ""


def as_list(value: object) -> list[Any]:
    """Return a list as it is, null as an empty list, and any other value as a list of one."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    return [value]


def text_of(value: object) -> str:
    """Return text as it came, and anything else as JSON."""
    if not isinstance(value, str):
        return json_of(value)
    # A lone surrogate becomes its escape: no table or file can hold it.
    return value.encode("utf-8", "backslashreplace").decode()


def json_of(value: object) -> str:
    """Return a part of a response as JSON."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        text = '"nested too deep to show"'
    return text_of(text)


def _problems_of(document: JsonObject) -> list[dict[str, Any]]:
    """Return the problems of a refusal, the first one with a known code at the front.

    The problem is the document itself, or stands in its ``errors``.
    """
    problems = []
    for item in as_list(document.get("errors")):
        if isinstance(item, dict):
            problems.append(item)
    # A normal document with errors in it is not a problem itself.
    if document and (code_of(document) or not problems):
        problems.insert(0, dict(document))
    return sorted(problems, key=lambda problem: not _is_known(code_of(problem)))


def _is_known(code: str) -> bool:
    return code in edge_codes() or gateway_explanation(code) is not None


def _words_of(problem: JsonObject) -> str:
    """Return the service's own words on a problem."""
    for name in ("detail", "message", "title"):
        if problem.get(name):
            return text_of(problem[name]).strip().rstrip(".")
    return ""


def _quotes(detail: str, problem: JsonObject, events: Sequence[int]) -> list[str]:
    """Quote the service, which may name the member or the event that our advice cannot know."""
    errors = as_list(member_of(problem, "report", "errors"))[:_MOST_ERRORS]
    quotes = []
    for text in (detail, "; ".join(map(text_of, errors))):
        if text:
            quotes.append(f'The service says: "{text.rstrip(".")}".')
    # The service counts the events of its request, the user those of the whole batch.
    if quotes and events[0] > 0:
        quotes.append(f"(Indexes in it count from event {events[0]}, the first of this request.)")
    return quotes


def _unknown_advice(
    response: Response, document: JsonObject, problem: JsonObject, hint: str | None
) -> str:
    """Return advice on a response without a known code."""
    status = response.status
    if status == 404 and hint and not response.body:
        return f"The location hint {hint} is unknown, or no longer known."
    words = _words_of(problem)
    advice = _ADVICE.get(status, "")
    if unsure(status):
        advice = _UNSURE
    if words:
        default = "Compare it with edge.errors()."
        if status == 403:
            default = "Check the credentials and the product profiles of their account."
        return f'The service says: "{words}". {advice or default}'
    if advice:
        return advice
    if document:
        members = ", ".join(map(text_of, document))
        return f"The response has no known code, only these members: {members}."
    return "The response is not the Edge Network's: probably a proxy or a login page answered."


def _exact_cause(
    code: str, detail: str, sent: Mapping[str, str], target: Target
) -> Explanation | None:
    """Return the cause where the request or the detail tells more than the code; else None."""
    if code == "EXEG-0003-400":
        return Explanation(
            f"There is no datastream with the id {target.datastream_id}.",
            "Copy it again from its page in Data Collection > Datastreams.",
        )
    if code == "EXEG-0500-401":
        return _header_cause(sent, target)
    if code == "EXEG-0504-401":
        return _permission_cause(detail.lower())
    return None


def _header_cause(sent: Mapping[str, str], target: Target) -> Explanation | None:
    if not target.authenticated:
        return Explanation(
            "This datastream accepts authenticated events only, and the event was sent without "
            "the headers.",
            "Leave out authenticated=False, so that it goes to the server host, signed.",
        )
    authorization = sent.get("Authorization")
    if authorization is None:
        return Explanation(
            "The Authorization header was not sent.",
            "Send it: the word Bearer, a space, then the token.",
        )
    if authorization == _NO_BEARER:
        return Explanation(
            "The Authorization header lacks the word Bearer.",
            "Put Bearer and a space before the token.",
        )
    if authorization == _NOT_THREE_PARTS:
        return Explanation(
            "The text after Bearer is not a token: tokens have three parts joined by dots.",
            "Copy the whole token again: Developer Console > Credentials > OAuth Server-to-Server.",
        )
    missing = [name for name in AUTH_HEADERS if name not in sent]
    if missing:
        return Explanation(f"The request lacks {' and '.join(missing)}.", "Send all three headers.")
    return None


def _permission_cause(detail: str) -> Explanation | None:
    """Return the cause by a word of the detail, whose exact wording Adobe does not document."""
    if "entitle" in detail or "licen" in detail:
        return Explanation(
            "The company has no license for Experience Platform.",
            "Ask the person who manages your company's contract with Adobe.",
        )
    if "organi" in detail:
        return Explanation(
            "The account does not belong to the organization in x-gw-ims-org-id.",
            "Check the organization ID, and that the client ID is of a project in that "
            "organization.",
        )
    if "product context" in detail or "profile" in detail:
        return Explanation(
            "The developer account is in no product profile of Experience Platform.",
            "Ask an administrator to add the credential to one in Admin Console.",
        )
    return None


def _sent_headers(sent: Mapping[str, str]) -> str:
    """Name the headers that were sent, with the shape of an unusual value."""
    if not sent:
        return "Sent: none of the three headers."
    headers = []
    for name, shape in sent.items():
        header = name
        if shape not in {_BEARER, _OTHER_VALUE}:
            header = f"{name} ({shape})"
        headers.append(header)
    return f"Sent: {', '.join(headers)}."
