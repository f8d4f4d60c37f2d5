"""Sending a change: the state before, what has to be confirmed, the journal, and what became of it."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from urllib3.filepost import encode_multipart_formdata

from adobe_nb.api.reactor.jsonapi import Body, Client, in_parallel, unsure
from adobe_nb.api.reactor.payloads import Change, Document, action_of, plain, secrets_in
from adobe_nb.api.reactor.responses import linked_id, one_of
from adobe_nb.errors import (
    AdobeError,
    ApiError,
    ArgumentError,
    ConfirmationRequired,
    CredentialsError,
    IncompleteResult,
    SignInError,
    TransportError,
)
from adobe_nb.registry import Resource

Confirm = str | list[str]
"""A name or a number of things; or the names of several, so that no name with a comma can stand for two."""


def perform(client: Client, change: Change, before: object = None) -> Document | None:
    """Send a change, with what it was before and what became of it in the journal."""
    entry = client.note(change, before)
    problem: AdobeError | None = None
    document: Document | None = None
    try:
        document = client.write(change.method, change.path, body_of(change), params=change.params, look=change.look)
    except AdobeError as error:
        problem = error
    except KeyboardInterrupt as interrupt:
        client.note_end(entry, "unknown")
        interrupt.add_note(f"It may have been done. {change.look}")
        raise
    if problem is None:
        data = document.get("data") if document and not change.id else None
        client.note_end(entry, "done", made=str(data["id"]) if isinstance(data, dict) and "id" in data else "")
        return document
    status = getattr(problem, "status", None)
    client.note_end(entry, _outcome(problem), status=status, code=getattr(problem, "code", None) or "")
    raise problem


def _outcome(problem: AdobeError) -> str:
    if isinstance(problem, ApiError):
        return "unknown" if unsure(problem.status) else "refused"
    if isinstance(problem, (SignInError, CredentialsError)):
        return "not sent"
    return "not sent" if isinstance(problem, TransportError) and problem.never_sent else "unknown"


def body_of(change: Change) -> Body | None:
    """The bytes of a change, made when they are sent."""
    if change.upload is not None:
        fields = {"package": ("package.zip", change.upload, "application/zip")}
        data, content_type = encode_multipart_formdata(fields)
        return Body(lambda: data, content_type)
    if change.document is None:
        return None
    document = change.document
    return Body(lambda: _json(document), secrets=tuple(secrets_in(document)))


def _json(document: Document) -> bytes:
    return json.dumps(plain(document), ensure_ascii=False, allow_nan=False).encode()


def with_note(send: Callable[[], Document | None], done: Sequence[str], words: str) -> Document | None:
    """Run it; an error tells what had been done before."""
    try:
        document: Document | None = send()
    except (AdobeError, KeyboardInterrupt) as error:
        if done:
            error.add_note(f"{words}: {', '.join(done)}.")
        raise
    return document


def answered(document: Document | None, change: Change) -> Document:
    """The resource that a write answered with. Raises IncompleteResult, which says that the write was done."""
    problem = ""
    try:
        return one_of(document or {}, change.type)
    except IncompleteResult as error:
        problem = f"{str(error).partition('. Repeating the request')[0]}."
    raise IncompleteResult(
        f"{change.method} {change.path} was done, but its answer cannot be read: {problem} {change.look}"
    )


def read_back(read: Callable[[], Document]) -> Document:
    """What there is after writes that were done; an error says that they were."""
    try:
        return read()
    except (AdobeError, KeyboardInterrupt) as error:
        error.add_note("All of it was done; only reading it back failed. Do not run it again: look at it.")
        raise


def action_change(row: Resource, identifier: str, action: str, verb: str) -> Change:
    """PATCH with ``meta.action``."""
    return update_change(row, identifier, action_of(row, identifier, action), verb)


def update_change(row: Resource, identifier: str, document: Document | None, verb: str) -> Change:
    """PATCH of one resource."""
    look = f'Look at it before you run it again: reactor.{row.type}.get("{identifier}").'
    path = f"/{row.type}/{identifier}"
    return Change(f"reactor.{row.type}.{verb}", "PATCH", path, document, type=row.type, id=identifier, look=look)


def state_of(client: Client, row: Resource, identifier: str) -> Document:
    """The resource as it is now."""
    return one_of(client.get(f"/{row.type}/{identifier}"), row.type, identifier)


def states_of(client: Client, row: Resource, ids: Sequence[str]) -> list[Document]:
    """The resources as they are now."""
    return in_parallel(client, lambda each: state_of(client, row, each), ids, row.type)


def attribute(resource: Mapping[str, Any], name: str) -> Any:
    """One attribute of a resource as the API gives it, or None."""
    attributes = resource.get("attributes")
    return attributes.get(name) if isinstance(attributes, Mapping) else None


def name_of(resource: Mapping[str, Any]) -> str:
    """Its name, else its id."""
    return str(attribute(resource, "name") or resource["id"])


def check_head(row: Resource, resource: Mapping[str, Any]) -> None:
    """Raises ArgumentError for a revision: it is frozen."""
    number = attribute(resource, "revision_number")
    if number:
        head = linked_id(resource, "origin")
        raise ArgumentError(
            f"{resource['id']} is revision {number} of {name_of(resource)!r} and frozen. Change its head, {head}."
        )
    if attribute(resource, "deleted_at"):
        raise ArgumentError(f"The {row.singular.replace('_', ' ')} {name_of(resource)!r} is deleted.")


def checked_name(confirm: object) -> str | None:
    """``confirm`` of one thing: a text, or None. Raises ArgumentError."""
    if confirm is None:
        return None
    if not isinstance(confirm, str):
        raise ArgumentError(
            f'confirm is a text, as in confirm="Release 12", not {repr(confirm)[:40]}. Nothing was changed.'
        )
    return str(confirm)


def checked_confirm(confirm: object) -> Confirm | None:
    """``confirm`` of what can be several things: a text, a list of texts, or None. Raises ArgumentError."""
    if not isinstance(confirm, (list, tuple)):
        return checked_name(confirm)
    names = [checked_name(each) for each in confirm]
    if None in names:
        raise ArgumentError('confirm has a None among its names. Write each name: confirm=["Old site", "Test site"].')
    return [each for each in names if each is not None]


def check_confirm(what: str, wanted: Confirm, confirm: Confirm | None) -> None:
    """Raises ConfirmationRequired unless exactly that was said; names of several things may come in any order."""
    said = sorted(confirm) if isinstance(confirm, list) else confirm
    due = sorted(wanted) if isinstance(wanted, list) else wanted
    if said != due:
        given = "" if confirm is None else f" You said {confirm!r}."
        raise ConfirmationRequired(f"To {what}, add confirm={wanted!r}.{given} Nothing was changed.", wanted)
