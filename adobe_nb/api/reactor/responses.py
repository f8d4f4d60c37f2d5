"""What every verb asks of an answer, and says about it."""

import operator
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adobe_nb.api.reactor.decoding import problem_of, shown, wrong_shape
from adobe_nb.api.reactor.jsonapi import Client, Document
from adobe_nb.errors import ArgumentError, IncompleteResult


def one_of(document: Document, resource_type: str, identifier: str | None = None) -> Document:
    """The resource of a document, of that type and id. Raises IncompleteResult."""
    data = document.get("data")
    problem = problem_of(data, resource_type)
    if not problem and isinstance(data, dict) and identifier not in {None, data["id"]}:
        problem = f"it holds {shown(data['id'])}"
    if problem or not isinstance(data, dict):
        wanted = f"/{resource_type}/{identifier}" if identifier else f"/{resource_type}"
        raise wrong_shape(
            wanted, f"gave an answer that is not the one of {resource_type} that was asked for ({problem})"
        )
    return data


def any_of(document: Document, types: Sequence[str]) -> Document:
    """The resource of a document, of one of these types. Raises IncompleteResult."""
    data = document.get("data")
    kind = data.get("type") if isinstance(data, dict) else None
    problem = problem_of(data, kind if isinstance(kind, str) and kind in types else types[0])
    if problem or not isinstance(data, dict):
        raise wrong_shape(f"/{types[0]}", f"gave an answer that is none of {', '.join(types)} ({problem})")
    return data


def linked_id(resource: Mapping[str, Any], name: str) -> str:
    """The id that a to-one relation points to; nothing when it points nowhere."""
    data = linkage_of(resource, name).get("data")
    identifier = data.get("id") if isinstance(data, Mapping) else None
    return identifier if isinstance(identifier, str) else ""


def needed_id(resource: Mapping[str, Any], name: str) -> str:
    """The id that a to-one relation points to. Raises IncompleteResult when it points nowhere."""
    identifier = linked_id(resource, name)
    if not identifier:
        raise IncompleteResult(f"{resource['id']} names no {name.replace('_', ' ')}, so nothing was sent. Look at it.")
    return identifier


def linkage_of(resource: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A relation as the resource shows it; empty when it does not."""
    relationships = resource.get("relationships")
    relation = relationships.get(name) if isinstance(relationships, Mapping) else None
    return relation if isinstance(relation, Mapping) else {}


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


def checked_limit(limit: object) -> int | None:
    """A whole number from 1, or None. Raises ArgumentError."""
    if limit is None:
        return None
    try:
        number = 0 if isinstance(limit, bool) else operator.index(limit)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 1:
        raise ArgumentError(f"limit is a whole number from 1, not {limit!r}. Leave it out for everything.")
    return number
