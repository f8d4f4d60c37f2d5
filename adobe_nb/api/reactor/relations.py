"""Read what resources are related to: whole resources, or bare identifiers."""

from functools import partial
from itertools import chain
from operator import attrgetter, itemgetter

import pandas as pd

from adobe_nb.api.reactor.client import Client, attrs_of, in_parallel, path_to
from adobe_nb.api.reactor.collection import Rows
from adobe_nb.api.reactor.frames import to_frame
from adobe_nb.api.reactor.inputs import Ids, ids_in, type_of
from adobe_nb.api.reactor.jsonapi import Document, linked_id, one_of, type_among, wrong_shape
from adobe_nb.api.reactor.paging import Listing, read_documents, read_lists, steady_under
from adobe_nb.errors import ArgumentError, NotFound
from adobe_nb.registry import RESOURCES, Relation, Resource


def related(client: Client, resources: Ids, name: str) -> pd.DataFrame:
    """Return related resources, as ``Reactor.related`` documents."""
    row, ids, relation = _checked(client, resources, name)
    path = path_to(row.type, ids, name)
    if relation.many:
        target = RESOURCES[relation.targets[0]]
        rows = Rows(target, row.type)
        listings = steady_under(row.type, ids, target, name)
        lists = read_lists(client, listings, [rows] * len(ids), name)
        total = sum(result.rows for result in lists)
        return rows.frame(attrs_of(client, path, total))
    documents = in_parallel(client, partial(_related_to_one, client, row, name), ids, name)
    targets: list[Document] = []
    for document in documents:
        targets += _one_or_none(document, relation)
    types = sorted(set(map(itemgetter("type"), targets))) or [relation.targets[0]]
    if len(types) > 1:
        raise ArgumentError(
            f"The related resources are of several types ({', '.join(types)}). Request fewer at a "
            "time."
        )
    return to_frame(RESOURCES[types[0]], targets, attrs=attrs_of(client, path, len(targets)))


def _related_to_one(client: Client, row: Resource, name: str, identifier: str) -> Document:
    """Return the response for a to-one relation, whose data is null for a resource without one."""
    path = f"/{row.type}/{identifier}"
    try:
        return client.get(f"{path}/{name}")
    except NotFound as error:
        # Adobe answers 404 instead of null for some relations. A proxy's 404 has another code.
        if error.code != "not-found":
            raise
        if linked_id(one_of(client.get(path), row.type, identifier), name):
            raise
    return {"data": None}


def versions_of(client: Client, packages: list[str]) -> pd.DataFrame:
    """Return all versions of extension packages."""
    return _distinct(client, "extension_packages", packages, "versions", "extension_packages")


def component_notes(client: Client, rules: list[str]) -> pd.DataFrame:
    """Return the notes on all components of rules."""
    return _distinct(client, "rules", rules, "rule_component_notes", "notes")


def _distinct(
    client: Client, parent: str, ids: list[str], name: str, resource_type: str
) -> pd.DataFrame:
    """Return the resources of lists that are not relations in the registry, duplicates once."""
    client.refuse_preview_ids(*ids)
    row = RESOURCES[resource_type]
    listings = steady_under(parent, ids, row, name)
    resources: dict[str, Document] = {}
    for document in chain.from_iterable(read_documents(client, listings, name)):
        resources[document["id"]] = document
    attrs = attrs_of(client, path_to(parent, ids, name), len(resources))
    return to_frame(row, list(resources.values()), attrs=attrs)


def rules_of(client: Client, components: list[str]) -> dict[str, list[Document]]:
    """Return the rules of each rule component; none of one that was deleted."""
    listings = steady_under("rule_components", components, RESOURCES["rules"])
    lists = read_documents(client, listings, "rules", parents_may_vanish=True)
    return dict(zip(components, lists, strict=True))


def linked(client: Client, resources: Ids, name: str) -> pd.DataFrame:
    """Return bare identifiers, as ``Reactor.relationships`` documents."""
    row, ids, relation = _checked(client, resources, name)
    if not relation.endpoint:
        raise ArgumentError(
            f"The API does not list the identifiers of {name} of {row.type}. Use "
            f"reactor.related() for the resources. It lists: {_endpoints()}."
        )
    paths = [f"/{row.type}/{identifier}/relationships/{name}" for identifier in ids]
    if relation.many:
        listings = [Listing(path, relation.targets[0]) for path in paths]
        lists = read_documents(client, listings, name)
    else:
        documents = in_parallel(client, client.get, paths, name)
        lists = [_one_or_none(document, relation) for document in documents]
    parent_column = f"{row.singular}_id"
    rows: list[dict[str, str]] = []
    for parent_id, targets in zip(ids, lists, strict=True):
        for target in targets:
            rows.append({"id": target["id"], parent_column: parent_id, "type": target["type"]})
    frame = pd.DataFrame(rows, columns=["id", parent_column, "type"], dtype="string")
    frame.attrs.update(attrs_of(client, path_to(row.type, ids, "relationships", name), len(frame)))
    return frame


def _endpoints() -> str:
    names: list[str] = []
    for row in RESOURCES.values():
        for relation in row.relations:
            if relation.endpoint:
                names.append(f"{row.type}: {relation.name}")
    return ", ".join(names)


def _checked(client: Client, resources: Ids, name: str) -> tuple[Resource, list[str], Relation]:
    """Return the type of the resources, their ids, and the relation. Raises ArgumentError."""
    ids = ids_in(resources)
    types = set(map(type_of, ids))
    if len(types) != 1:
        raise ArgumentError("Expected at least one resource, and resources of one type only.")
    row = RESOURCES[types.pop()]
    relation = row.relation(str(name))
    if relation is None:
        names = ", ".join(map(attrgetter("name"), row.relations))
        raise ArgumentError(f"{row.type} have no relation {name!r}. They have: {names or 'none'}.")
    client.refuse_preview_ids(*ids)
    return row, ids, relation


def _one_or_none(document: Document, relation: Relation) -> list[Document]:
    """Return the resource or identifier of a to-one relation. Raises IncompleteResult."""
    if "data" not in document:
        raise wrong_shape(f"/relationships/{relation.name}", "gave a response without data")
    data = document["data"]
    if data is None:
        return []
    return [one_of(document, type_among(data, relation.targets))]
