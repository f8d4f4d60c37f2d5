"""What a refusal of the Edge Network means: its code, which of the possible causes it is, and what
to do.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from adobe_nb.api.edge.error_catalog import EDGE_CODES, EDGE_GATEWAY
from adobe_nb.api.edge.validation import AUTH_HEADERS
from adobe_nb.api.reactor.error_catalog import unsure
from adobe_nb.errors import EdgeError, IncompleteResult
from adobe_nb.http.messages import Request, Response

_BEARER = "Bearer and a token"
_NO_BEARER = "without the word Bearer"
_NOT_THREE_PARTS = "Bearer, but no token of three parts"


def shape(value: str | bytes) -> str:
    """What a header's value looks like; never the value."""
    text = value if isinstance(value, str) else value.decode("latin-1")
    if text.startswith("Bearer "):
        parts = text.removeprefix("Bearer ").count(".") + 1
        return _BEARER if parts == 3 else _NOT_THREE_PARTS
    return _NO_BEARER if text.count(".") == 2 else "a value"


def refusal(
    request: Request,
    answer: Response,
    document: Mapping[str, Any],
    sent: Mapping[str, str],
    *,
    authenticated: bool,
    datastream_id: str,
    events: Sequence[int],
    hint: str | None,
) -> EdgeError:
    """The exception for an answer of 400 and above. ``sent``: the three headers by name and shape."""
    problems = _problems_of(document)
    problem = problems[0] if problems else {}
    code = code_of(problem)
    request_id = _report_of(problem).get("requestId") or document.get("requestId")
    about: dict[str, Any] = {
        "status": answer.status,
        "code": code or None,
        "errors": problems,
        "request_id": text_of(request_id) if request_id else None,
        "method": request.method,
        "url": request.full_url,
    }
    what = f"POST {urlsplit(request.url).path} was answered with {answer.status}"
    if code in EDGE_GATEWAY:
        return _refusal_of_the_gateway(what, problem, code, events, about)
    row = EDGE_CODES.get(code)
    if row is None:
        advice = _unknown(answer, document, problem, hint)
        taken = _whole_request(events) if answer.status < 500 else ""
        return EdgeError(f"{what} {code}".rstrip() + f". {advice}{taken}", **about)
    detail = text_of(problem.get("detail") or "").strip()
    exact = _exact(row.code, detail, sent, authenticated=authenticated, datastream_id=datastream_id)
    cause, fix = exact or (row.cause, row.fix)
    # Titles differ between Adobe's pages: what came is what a reader will search for.
    parts = [f"{what} {code} ({text_of(problem.get('title') or row.title)}).", cause, fix]
    if row.kind == "authorization":
        parts.append(_sent(sent))
    elif exact is None and row.kind in {"input", "service"}:
        parts += _service_says(detail, _report_of(problem), events)
    parts.append(_further_errors(problems[1:]))
    message = " ".join(part for part in parts if part) + _whole_request(events)
    return EdgeError(message, cause=cause, fix=fix, send_again=row.send_again, **about)


def _refusal_of_the_gateway(
    what: str,
    problem: Mapping[str, Any],
    code: str,
    events: Sequence[int],
    about: Mapping[str, Any],
) -> EdgeError:
    """The exception when the gateway before the Edge Network refused the request."""
    cause, fix = EDGE_GATEWAY[code]
    words = _words(problem)
    named = f"{code} ({words})" if words else code
    send_again = "after a pause" if about["status"] == 429 else "after the fix"
    message = f"{what} {named}. {cause} {fix}{_whole_request(events)}"
    return EdgeError(message, cause=cause, fix=fix, send_again=send_again, **about)


def _report_of(problem: Mapping[str, Any]) -> Mapping[str, Any]:
    report = problem.get("report")
    return report if isinstance(report, dict) else {}


def _further_errors(problems: Sequence[Mapping[str, Any]]) -> str:
    codes = [code_of(problem) for problem in problems]
    named = [code for code in codes if code]
    return f"Further errors: {', '.join(named)}." if named else ""


def not_an_answer(request: Request, answer: Response, fault: str) -> IncompleteResult:
    """The exception for an answer below 400 that the Edge Network cannot have given."""
    what = (
        f"POST {urlsplit(request.url).path} was answered with {answer.status} and {text_of(fault)}"
    )
    return IncompleteResult(
        f"{what} instead of an answer of the Edge Network, perhaps by a proxy in between. It is not known whether the "
        "event arrived; sending it again may count it twice."
    )


def is_fatal(code: str | None) -> bool:
    """Whether it is certain that nothing was delivered, whatever the status."""
    row = EDGE_CODES.get(code or "")
    return row is not None and row.fatal


def code_of(problem: object) -> str:
    """The code of a problem of the Edge Network, or of the gateway before it; empty when it has
    none.
    """
    if not isinstance(problem, Mapping):
        return ""
    uri = problem.get("type")
    if isinstance(uri, str) and uri:
        return text_of(uri.rpartition("/")[2])
    for name in ("error_code", "code"):
        code = problem.get(name)
        if isinstance(code, (str, int)) and not isinstance(code, bool):
            return text_of(code)
    return ""


def listed(value: object) -> list[Any]:
    """A member that is a list; a single value is a list of one, null an empty one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def text_of(value: object) -> str:
    """Text as it came, anything else as JSON. Half a character becomes its escape: no table or file
    can hold it.
    """
    return (
        (value if isinstance(value, str) else json_of(value))
        .encode("utf-8", "backslashreplace")
        .decode()
    )


def json_of(value: object) -> str:
    """The JSON of a part of an answer."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        text = '"nested too deep to show"'
    return text.encode("utf-8", "backslashreplace").decode()


def _problems_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The problems of a refusal, the first known one first: the document itself, or those in its
    ``errors``.
    """
    if not document:
        return []
    inside = [problem for problem in listed(document.get("errors")) if isinstance(problem, dict)]
    problems = [dict(document), *inside] if code_of(document) or not inside else inside
    return sorted(
        problems, key=lambda problem: code_of(problem) not in {*EDGE_CODES, *EDGE_GATEWAY}
    )


def _words(problem: Mapping[str, Any]) -> str:
    """The service's own words."""
    found = next(
        (problem[name] for name in ("detail", "message", "title") if problem.get(name)), ""
    )
    return text_of(found).strip().rstrip(".")


def _service_says(detail: str, report: Mapping[str, Any], events: Sequence[int]) -> list[str]:
    """The service's own words, where they may name the member or the event that ours cannot know."""
    errors = "; ".join(text_of(error) for error in listed(report.get("errors"))[:5])
    found = [f'The service says: "{text.rstrip(".")}".' for text in (detail, errors) if text]
    if found and events and events[0] > 0:
        found.append(f"(An index in it counts from event {events[0]}, the first of this request.)")
    return found


def _whole_request(events: Sequence[int]) -> str:
    if len(events) < 2:
        return ""
    return f" The request held events {events[0]} to {events[-1]}: none of them was taken."


def _unknown(
    answer: Response, document: Mapping[str, Any], problem: Mapping[str, Any], hint: str | None
) -> str:
    """Advice on an answer without one of the known codes."""
    words = _words(problem)
    said = f'The service says: "{words}". ' if words else ""
    if answer.status == 429:
        return f"{said}Too many events in a short time. Wait a minute, then send it again."
    if answer.status == 404 and hint and not answer.body:
        return f"The location hint {hint} is not known (any more)."
    if unsure(answer.status):
        return (
            f"{said}It is not known whether the event arrived; sending it again may count it twice. Look at the data "
            "first."
        )
    if answer.status == 401:
        return f"{said}The token was refused. Sign in again."
    if said and answer.status == 403:
        return f"{said}Check the credentials and the product profiles of their account."
    if said:
        return f"{said}Compare it with edge.errors()."
    if document:
        return f"It has none of the known codes, but these members: {', '.join(map(text_of, document))}."
    return "The answer is not the Edge Network's: probably a proxy or a login page in between."


def _exact(
    code: str, detail: str, sent: Mapping[str, str], *, authenticated: bool, datastream_id: str
) -> tuple[str, str] | None:
    """Cause and fix where the code alone leaves several open, but the request or the detail tells.
    Else None.
    """
    if code == "EXEG-0003-400":
        return (
            f"There is no datastream with the id {datastream_id}.",
            "Copy it again from its page in Data Collection > Datastreams.",
        )
    if code == "EXEG-0500-401":
        return _which_header(sent, authenticated=authenticated)
    if code == "EXEG-0504-401":
        return _which_right(detail.lower())
    return None


def _which_header(sent: Mapping[str, str], *, authenticated: bool) -> tuple[str, str] | None:
    found = sent.get("Authorization", "")
    missing = [name for name in AUTH_HEADERS if name not in sent]
    if not authenticated:
        return (
            "This datastream takes authenticated events only, and the event was sent without the headers.",
            "Leave out authenticated=False: then it goes to the server host, signed.",
        )
    if "Authorization" in missing:
        return (
            "The Authorization header was not sent.",
            "Send it: the word Bearer, a space, then the token.",
        )
    if found == _NO_BEARER:
        return (
            "The Authorization header lacks the word Bearer.",
            "Write Bearer and a space before the token.",
        )
    if found == _NOT_THREE_PARTS:
        return (
            "What follows Bearer is no token: those have three parts joined by dots.",
            "Copy the whole token again: Developer Console > Credentials > OAuth Server-to-Server.",
        )
    if missing:
        return f"The header {' and '.join(missing)} was not sent.", "Send all three headers."
    return None


def _which_right(detail: str) -> tuple[str, str] | None:
    """By a word of the detail; Adobe's own wording is not known to us, so the general advice stays
    the fallback.
    """
    if "entitle" in detail or "licen" in detail:
        return (
            "The company has no licence for Experience Platform.",
            "That is between your company and Adobe: ask the person who manages your contract.",
        )
    if "organi" in detail:
        return (
            "The account does not belong to the organisation in x-gw-ims-org-id.",
            "Check the organisation id, and that the client id is of a project in that organisation.",
        )
    if "product context" in detail or "profile" in detail:
        return (
            "The developer account is in no product profile of Experience Platform.",
            "An administrator adds the credential to one in Admin Console.",
        )
    return None


def _sent(sent: Mapping[str, str]) -> str:
    """The names of what was sent, and the shape of what is odd. Never a value."""
    if not sent:
        return "Sent: none of the three headers."
    plain = {_BEARER, "a value"}
    return f"Sent: {', '.join(name if found in plain else f'{name} ({found})' for name, found in sent.items())}."
