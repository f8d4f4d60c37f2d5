"""What resources are related to: whole resources, or bare identifiers."""

import pandas as pd

from adobe_nb.api.reactor.client import Client, attrs_of, in_parallel, path_to
from adobe_nb.api.reactor.collection import Rows
from adobe_nb.api.reactor.frames import to_frame
from adobe_nb.api.reactor.inputs import Ids, ids_in, type_of
from adobe_nb.api.reactor.jsonapi import Document, any_of, linked_id, one_of, wrong_shape
from adobe_nb.api.reactor.paging import Listing, read_documents, read_lists, steady
from adobe_nb.errors import ArgumentError, NotFound
from adobe_nb.registry import RESOURCES, Relation, Resource


def related(client: Client, resources: Ids, relation: str) -> pd.DataFrame:
    """Whole resources: the docstring of ``Reactor.related`` says what comes back."""
    row, ids, found = _asked(resources, relation)
    client.refuse_preview_ids(*ids)
    path = path_to(row.type, ids, relation)
    if found.many:
        target = RESOURCES[found.targets[0]]
        rows = Rows(target, row.type)
        listings = [steady(f"/{row.type}/{each}/{relation}", target, each) for each in ids]
        total = sum(each.rows for each in read_lists(client, listings, [rows] * len(ids), relation))
        return rows.frame(attrs_of(client, path, total))
    documents = in_parallel(
        client, lambda each: _to_one(client, row, each, relation), ids, relation
    )
    several = [resource for document in documents for resource in _none_or_one(document, found)]
    kinds = list(dict.fromkeys(str(each["type"]) for each in several)) or [found.targets[0]]
    if len(kinds) != 1:
        raise ArgumentError(
            f"These are related to several types ({', '.join(kinds)}). Ask for fewer at a time."
        )
    return to_frame(RESOURCES[kinds[0]], several, attrs=attrs_of(client, path, len(several)))


def _to_one(client: Client, row: Resource, identifier: str, relation: str) -> Document:
    """The answer to a relation to one, which is null where there is none.

    A 404 means the same when the resource is there and says itself that it is related to nothing.
    """
    missing: NotFound | None = None
    try:
        return client.get(f"/{row.type}/{identifier}/{relation}")
    except NotFound as error:
        missing = error
    if missing.code != "not-found":  # a proxy's page says nothing about the relation
        raise missing
    resource = one_of(client.get(f"/{row.type}/{identifier}"), row.type, identifier)
    if linked_id(resource, relation):
        raise missing
    return {"data": None}


def versions_of(client: Client, packages: list[str]) -> pd.DataFrame:
    """All versions of extension packages."""
    return _lists_of(client, "extension_packages", packages, "versions", "extension_packages")


def rules_of(client: Client, components: list[str]) -> dict[str, list[Document]]:
    """The rules of each rule component; none of one that no longer exists."""
    row = RESOURCES["rules"]
    listings = [steady(f"/rule_components/{each}/rules", row) for each in components]
    lists = read_documents(client, listings, "rules", parents_may_vanish=True)
    return dict(zip(components, lists, strict=True))


def component_notes(client: Client, rules: list[str]) -> pd.DataFrame:
    """The notes on all components of rules."""
    return _lists_of(client, "rules", rules, "rule_component_notes", "notes")


def _lists_of(client: Client, parent: str, ids: list[str], name: str, kind: str) -> pd.DataFrame:
    """Lists that are no relation of the table, together; what stands in several comes once."""
    client.refuse_preview_ids(*ids)
    lists = read_documents(
        client, [steady(f"/{parent}/{each}/{name}", RESOURCES[kind]) for each in ids], name
    )
    found = {resource["id"]: resource for resources in lists for resource in resources}
    path = path_to(parent, ids, name)
    return to_frame(RESOURCES[kind], list(found.values()), attrs=attrs_of(client, path, len(found)))


def linked(client: Client, resources: Ids, relation: str) -> pd.DataFrame:
    """Bare identifiers: the docstring of ``Reactor.relationships`` says what comes back."""
    row, ids, found = _asked(resources, relation)
    if not found.endpoint:
        known = [
            f"{each.type}: {link.name}"
            for each in RESOURCES.values()
            for link in each.relations
            if link.endpoint
        ]
        raise ArgumentError(
            f"{row.type} have no bare list of {relation}; reactor.related(…) gives the resources. "
            f"There are bare ones of {', '.join(known)}."
        )
    client.refuse_preview_ids(*ids)
    path = f"/{row.type}/{{}}/relationships/{relation}"
    if found.many:
        lists = read_documents(
            client, [Listing(path.format(each), found.targets[0]) for each in ids], relation
        )
    else:
        documents = in_parallel(client, lambda each: client.get(path.format(each)), ids, relation)
        lists = [_none_or_one(document, found) for document in documents]
    rows = [
        (each, item["id"], item["type"])
        for each, items in zip(ids, lists, strict=True)
        for item in items
    ]
    frame = pd.DataFrame(rows, columns=[f"{row.singular}_id", "id", "type"], dtype="string")
    frame = frame[["id", f"{row.singular}_id", "type"]]
    frame.attrs.update(
        attrs_of(client, path.format(ids[0] if len(ids) == 1 else "{id}"), len(frame))
    )
    return frame


def _asked(resources: Ids, relation: str) -> tuple[Resource, list[str], Relation]:
    ids = ids_in(resources)
    types = list(dict.fromkeys(type_of(identifier) for identifier in ids))
    if len(types) != 1:
        raise ArgumentError("Hand over resources of one type, at least one.")
    row = RESOURCES[types[0]]
    found = row.relation(relation) if isinstance(relation, str) else None
    if found is None:
        known = ", ".join(each.name for each in row.relations)
        raise ArgumentError(
            f"{row.type} have no relation {relation!r}. They have: {known or 'none'}."
        )
    return row, ids, found


def _none_or_one(document: Document, relation: Relation) -> list[Document]:
    """What a relation to one answers: a resource or an identifier, or null for none."""
    if "data" not in document:
        raise wrong_shape(f"/relationships/{relation.name}", f"says nothing of {relation.name}")
    return [] if document["data"] is None else [any_of(document, relation.targets)]
