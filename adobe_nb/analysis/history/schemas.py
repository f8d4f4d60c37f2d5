"""Which members of settings a JSON Schema (draft 4) requires."""

from collections.abc import Iterator, Mapping
from typing import Any

from adobe_nb.analysis.settings import member_path

_Pending = tuple[str, Any, tuple[str, ...]]


def required_members(schema: Any) -> set[str]:
    """Return the paths of required members, such as ``instances[].name``.

    A member of an optional object counts, too: whoever fills in the object must fill it in.
    """
    required = set()
    # The references on the way to a schema: one that refers to itself has no end.
    pending: list[_Pending] = [("", schema, ())]
    while pending:
        path, part, references = pending.pop()
        if not isinstance(part, dict):
            continue
        names = part.get("required")
        # Draft 3 has a boolean.
        for name in names if isinstance(names, list) else ():
            required.add(member_path(path, str(name)))
        pending.extend(_parts(schema, path, part, references))
    return required


def _parts(
    schema: Any, path: str, part: Mapping[str, Any], references: tuple[str, ...]
) -> Iterator[_Pending]:
    """Yield the schemas inside a schema that hold whenever it does."""
    reference = part.get("$ref")
    if isinstance(reference, str) and reference not in references:
        yield path, _resolved(schema, reference), (*references, reference)
    properties = part.get("properties")
    if isinstance(properties, dict):
        for name, member in properties.items():
            yield member_path(path, name), member, references
    items = part.get("items")
    for item in items if isinstance(items, list) else [items]:
        yield f"{path}[]", item, references
    every = part.get("allOf")
    for item in every if isinstance(every, list) else ():
        yield path, item, references


def _resolved(schema: Any, reference: str) -> Any:
    """Return what a local reference such as ``#/definitions/name`` stands for."""
    if not reference.startswith("#"):
        return None
    part = schema
    for name in reference.removeprefix("#").strip("/").split("/"):
        if name:
            part = part.get(name) if isinstance(part, dict) else None
    return part
