"""What a refusal of the Edge Network means: its code, which of the possible causes it is, and what to do."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from adobe_nb.api.edge_errors import EDGE_CODES
from adobe_nb.errors import EdgeError
from adobe_nb.transport import Request, Response

AUTH_HEADERS = ("Authorization", "x-api-key", "x-gw-ims-org-id")
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
    code = str(document.get("type", "")).rpartition("/")[2] or None
    report = document.get("report")
    report = report if isinstance(report, dict) else {}
    about: dict[str, Any] = {
        "status": answer.status,
        "code": code,
        "errors": [dict(document)] if document else [],
        "request_id": str(report["requestId"]) if report.get("requestId") else None,
        "method": request.method,
        "url": request.full_url,
    }
    what = f"POST {urlsplit(request.url).path} was answered with {answer.status}"
    row = EDGE_CODES.get(code or "")
    if row is None:
        advice = _unknown(answer, document, hint)
        taken = _whole_request(events) if answer.status < 500 else ""
        return EdgeError(f"{what} {code or ''}".rstrip() + f". {advice}{taken}", **about)
    detail = str(document.get("detail") or "").strip()
    exact = _exact(row.code, detail, sent, authenticated=authenticated, datastream_id=datastream_id)
    cause, fix = exact or (row.cause, row.fix)
    said = [f"{what} {code} ({row.title}).", cause, fix]
    if row.kind == "authorization":
        said.append(_sent(sent))
    elif exact is None and row.kind in {"input", "service"}:
        said += _service_says(detail, report, events)
    message = " ".join(part for part in said if part) + _whole_request(events)
    return EdgeError(message, cause=cause, fix=fix, send_again=row.send_again, **about)


def _service_says(detail: str, report: Mapping[str, Any], events: Sequence[int]) -> list[str]:
    """The service's own words, where they may name the member or the event that ours cannot know."""
    errors = report.get("errors")
    listed = "; ".join(str(error) for error in errors[:5]) if isinstance(errors, list) else ""
    found = [f'The service says: "{text.rstrip(".")}".' for text in (detail, listed) if text]
    if found and events and events[0] > 0:
        found.append(f"(An index in it counts from event {events[0]}, the first of this request.)")
    return found


def _whole_request(events: Sequence[int]) -> str:
    if len(events) < 2:
        return ""
    return f" The request held events {events[0]} to {events[-1]}: none of them was taken."


def _unknown(answer: Response, document: Mapping[str, Any], hint: str | None) -> str:
    """Advice on an answer without one of the known codes."""
    if answer.status == 429:
        return "Too many events in a short time. Wait a minute, then send it again."
    if answer.status == 404 and hint and not answer.body:
        return f"The location hint {hint} is not known (any more)."
    if answer.status >= 500:
        return "It is not known whether the event arrived; sending it again may count it twice. Look at the data first."
    if answer.status == 401:
        return "The token was refused. Sign in again."
    said = str(document.get("detail") or document.get("title") or "").strip().rstrip(".")
    if said:
        return f'The service says: "{said}". Compare it with edge.errors().'
    return "The answer is not the Edge Network's: probably a proxy or a login page in between."


def _exact(
    code: str, detail: str, sent: Mapping[str, str], *, authenticated: bool, datastream_id: str
) -> tuple[str, str] | None:
    """Cause and fix where the code alone leaves several open, but the request or the detail tells. Else None."""
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
        return "The Authorization header was not sent.", "Send it: the word Bearer, a space, then the token."
    if found == _NO_BEARER:
        return "The Authorization header lacks the word Bearer.", "Write Bearer and a space before the token."
    if found == _NOT_THREE_PARTS:
        return (
            "What follows Bearer is no token: those have three parts joined by dots.",
            "Copy the whole token again: Developer Console > Credentials > OAuth Server-to-Server.",
        )
    if missing:
        return f"The header {' and '.join(missing)} was not sent.", "Send all three headers."
    return None


def _which_right(detail: str) -> tuple[str, str] | None:
    """By a word of the detail; Adobe's own wording is not known to us, so the general advice stays the fallback."""
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
