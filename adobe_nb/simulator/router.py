"""The routes of Reactor in one table, and the handlers they lead to.

Most rows follow from the registry: a new resource type has its routes from its row there.
A handler refuses a request by raising Problem.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from tornado.httputil import HTTPFile, HTTPInputError, parse_body_arguments

from adobe_nb.registry import RESOURCES, Resource
from adobe_nb.simulator import packages, publishing, writes
from adobe_nb.simulator.calls import Call
from adobe_nb.simulator.documents import JSON_TYPES, linkage, linkages, parsed, resource, wanted
from adobe_nb.simulator.ims import ALL_RIGHTS
from adobe_nb.simulator.lists import Query, page, select
from adobe_nb.simulator.messages import JSON_API, Request, Response, answer
from adobe_nb.simulator.problems import Problem, conflict, malformed, not_found
from adobe_nb.simulator.revisions import origin
from adobe_nb.simulator.search import SEARCHABLE, search
from adobe_nb.simulator.store import Record, identifier, wire

Handler = Callable[..., Response]
Table = dict[str, dict[str, Handler]]
"""Pattern → method → handler."""

_LINKED_LISTS = ("audit_events", "extension_package_usage_authorizations")
"""Lists whose answers link to other pages; the other lists have page numbers only."""
_ORGANIZATION = {
    "name": "Simulated",
    "admin": False,
    "active": True,
    "login_companies": [],
    "product_contexts": ["dma_reactor"],
    "tenant_id": "simulated",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table.

    The handler receives the call and, where the pattern has ``{id}``, the record of that id.
    """

    method: str
    pattern: str
    handler: Handler


def respond(call: Call, table: Table) -> Response:
    """Answer one request of an account that passed the gateway. Raises Problem."""
    request = call.request
    if request.method == "GET":
        _check_accept(request)
    call.store.settle()
    # After the resource type, every path has an id, or ends.
    parts = request.path.split("/")
    records = []
    if len(parts) > 2:
        records.append(_visible(call, parts[1], parts[2]))
        parts[2] = "{id}"
    handlers = table.get("/".join(parts), {})
    handler = handlers.get(request.method)
    if handler is not None:
        return handler(call, *records)
    # Adobe answers 404 to a GET of a list that exists for POST only, such as rule components
    # under a property, and 405 to a POST to a list that can only be read.
    if request.method == "GET" or not handlers:
        raise not_found(request.path)
    raise _not_allowed(request)


def routes() -> Table:
    """Return the routes of the resource types in the registry, and the special ones."""
    by_type = map(_routes_of, RESOURCES.values())
    table: Table = {}
    for route in chain(_event_routes(), *by_type, _SPECIAL):
        table.setdefault(route.pattern, {})[route.method] = route.handler
    return table


def _routes_of(row: Resource) -> Iterator[Route]:
    """Yield the routes of one type that follow from the registry."""
    one = f"/{row.type}/{{id}}"
    yield Route("GET", one, _document)
    if row.root:
        yield Route("GET", f"/{row.type}", partial(_list_all, resource_type=row.type))
    if row.actions or "update" in row.verbs:
        yield Route("PATCH", one, _update)
    if "delete" in row.verbs:
        yield Route("DELETE", one, _delete)
    for parent in row.parents:
        yield _list_route(f"/{parent}/{{id}}", row.type, row.type)
    for parent in row.creators:
        handler = partial(_create, resource_type=row.type)
        yield Route("POST", f"/{parent}/{{id}}/{row.type}", handler)
    yield from _relation_routes(row, one)


def _relation_routes(row: Resource, one: str) -> Iterator[Route]:
    for relation in row.relations:
        name = relation.name
        related = Route("GET", f"{one}/{name}", partial(_fetch_related, name=name))
        linkage_handler: Handler = _fetch_linkage
        if relation.many:
            related = _list_route(one, name, relation.targets[0])
            linkage_handler = _list_linkage
        yield related
        if relation.endpoint:
            handler = partial(linkage_handler, name=name)
            yield Route("GET", f"{one}/relationships/{name}", handler)


def _list_route(parent: str, name: str, resource_type: str) -> Route:
    handler = partial(_list_related, name=name, resource_type=resource_type)
    return Route("GET", f"{parent}/{name}", handler)


def _event_routes() -> Iterator[Route]:
    """Yield the paths at which audit events link to their entity: ``/rule``, ``/library`` …"""
    for relation in RESOURCES["audit_events"].relations:
        # An event has a relation to its property anyway.
        for target in set(relation.targets) - {"properties"}:
            pattern = f"/audit_events/{{id}}/{RESOURCES[target].singular}"
            yield Route("GET", pattern, partial(_fetch_entity, resource_type=target))


# -- reading


def _list_all(call: Call, *, resource_type: str) -> Response:
    return _list(call, call.store.all(resource_type), resource_type)


def _list_packages(call: Call) -> Response:
    ceiling = dict(call.request.query).get("max_availability")
    records = packages.visible(call.store, call.account.org_id, ceiling)
    return _list(call, records, "extension_packages")


def _list_versions(call: Call, package: Record) -> Response:
    return _list(call, packages.versions(call.store, package, call.account.org_id), package.type)


def _list_component_notes(call: Call, rule: Record) -> Response:
    notes: list[Record] = []
    for component in call.store.listed(rule.id, "rule_components"):
        notes += call.store.listed(component.id, "notes")
    return _list(call, notes, "notes")


def _list_related(call: Call, record: Record, *, name: str, resource_type: str) -> Response:
    parent_id = record.id
    # Head and revisions all list the same revisions, which are kept with the head.
    if name == "revisions":
        _, parent_id = origin(record)
    return _list(call, call.store.listed(parent_id, name), resource_type)


def _fetch_related(call: Call, record: Record, *, name: str) -> Response:
    if record.to_one.get(name) is None:
        return answer(200, {"data": None}, JSON_API)
    related = call.store.of(record, name)
    if related is None:
        raise not_found(call.request.path)
    return _document(call, related)


def _fetch_entity(call: Call, event: Record, *, resource_type: str) -> Response:
    entity = call.store.of(event, "entity")
    if entity is None or entity.type != resource_type:
        raise not_found(call.request.path)
    return _document(call, entity)


def _fetch_linkage(call: Call, record: Record, *, name: str) -> Response:
    return _relationship(call, record, name, identifier(record.to_one.get(name)))


def _list_linkage(call: Call, record: Record, *, name: str) -> Response:
    members, pagination = page(call.store.listed(record.id, name), call.request.query)
    meta = {"pagination": pagination}
    return _relationship(call, record, name, _identifiers(members), meta=meta)


def _profile(call: Call) -> Response:
    account = call.account
    user_id = hashlib.blake2s(account.client_id.encode(), digest_size=16).hexdigest()
    attributes = {
        "active_org": account.org_id,
        "expires_in": 3600,
        "display_name": account.display_name,
        "job_function": None,
        "email": account.email,
        "organizations": {account.org_id: _ORGANIZATION},
    }
    data = {
        "id": f"UR{user_id}",
        "type": "users",
        "attributes": attributes,
        "links": {"self": f"{call.options.base_url}/profile"},
        "meta": {"rights": []},
    }
    return answer(200, {"data": data}, JSON_API)


def _heartbeat(_call: Call) -> Response:
    return _without_body(200)


def _search(call: Call) -> Response:
    body = _body(call)
    documents: list[dict[str, Any]] = []
    for resource_type in SEARCHABLE:
        records = filter(partial(_sees, call), call.store.all(resource_type))
        documents += map(json.loads, map(partial(_wire, call), records))
    matches, total = search(documents, body)
    return answer(200, {"data": matches, "meta": {"total_hits": total}}, JSON_API)


# -- writing


def _create(call: Call, parent: Record, *, resource_type: str) -> Response:
    if parent.deleted:
        raise conflict("deleted-resources", f"{parent.id} is deleted.")
    row = RESOURCES[resource_type]
    payload = wanted(_body(call), row, "create")
    return _document(call, writes.create(call, parent, row, payload), 201)


def _update(call: Call, record: Record) -> Response:
    payload = wanted(_body(call), RESOURCES[record.type], "update", record.id)
    return _document(call, writes.update(call, record, payload))


def _delete(call: Call, record: Record) -> Response:
    writes.delete(call, record)
    return _without_body(204)


def _upload_package(call: Call) -> Response:
    return _document(call, packages.upload(call, _zip(call.request)), 202)


def _update_package(call: Call, package: Record) -> Response:
    """PATCH takes a new zip, an action, or attributes."""
    if call.request.media_type not in JSON_TYPES:
        return _document(call, packages.upload(call, _zip(call.request), package))
    data = resource(_body(call), RESOURCES[package.type], package.id)
    meta = data.get("meta")
    if isinstance(meta, dict) and "action" in meta:
        return _update(call, package)
    attributes = data.get("attributes")
    if not isinstance(attributes, dict) or not attributes:
        raise malformed("data.attributes must be an object with at least one attribute.")
    packages.change(call, package, attributes)
    return _document(call, package)


def _replace_package(call: Call, package: Record) -> Response:
    """POST takes a new zip, as Adobe's OpenAPI file has it; its guide and tools send PATCH."""
    if call.request.media_type in JSON_TYPES:
        raise _not_allowed(call.request)
    return _update_package(call, package)


def _build(call: Call, library: Record) -> Response:
    return _document(call, publishing.build(call, library), 201)


def _change_contents(call: Call, library: Record) -> Response:
    name = call.request.path.rpartition("/")[2]
    items = linkages(_body(call), name)
    members = publishing.change_contents(call, library, name, items, call.request.method)
    return _relationship(call, library, name, _identifiers(members))


def _assign_environment(call: Call, library: Record) -> Response:
    publishing.assign(call, library, linkage(_body(call), "environments"))
    return _fetch_linkage(call, library, name="environment")


def _release_environment(call: Call, library: Record) -> Response:
    publishing.assign(call, library, None)
    return _without_body(200)


_LINKAGE = "/libraries/{id}/relationships"
_SPECIAL = (
    Route("GET", "/profile", _profile),
    Route("GET", "/heartbeat", _heartbeat),
    Route("POST", "/search", _search),
    Route("GET", "/extension_packages", _list_packages),
    Route("POST", "/extension_packages", _upload_package),
    Route("PATCH", "/extension_packages/{id}", _update_package),
    Route("POST", "/extension_packages/{id}", _replace_package),
    Route("GET", "/extension_packages/{id}/versions", _list_versions),
    Route("GET", "/rules/{id}/rule_component_notes", _list_component_notes),
    # Adobe's guide updates a callback with PUT, its OpenAPI file with PATCH.
    Route("PUT", "/callbacks/{id}", _update),
    Route("POST", "/libraries/{id}/builds", _build),
    # Adobe's guide assigns an environment with POST, its OpenAPI file with PATCH.
    Route("POST", f"{_LINKAGE}/environment", _assign_environment),
    Route("PATCH", f"{_LINKAGE}/environment", _assign_environment),
    Route("DELETE", f"{_LINKAGE}/environment", _release_environment),
    *(
        Route(method, f"{_LINKAGE}/{name}", _change_contents)
        for name in publishing.CONTENTS
        for method in ("POST", "PATCH", "DELETE")
    ),
)
"""Routes that do not follow from the registry, or replace those that do."""


# -- requests


def _check_accept(request: Request) -> None:
    accept = request.headers.get("accept", "").replace(" ", "")
    if JSON_API not in accept or "revision=1" not in accept:
        raise Problem(406, "not-acceptable", f"Send Accept: {JSON_API};revision=1")


def _sees(call: Call, record: Record) -> bool:
    return packages.may_see(call.store, record, call.account.org_id)


def _visible(call: Call, resource_type: str, record_id: str) -> Record:
    record = call.store.get(resource_type, record_id)
    if record is None or not _sees(call, record):
        raise not_found(call.request.path)
    return record


def _body(call: Call) -> dict[str, Any]:
    return parsed(call.request.body, call.request.content_type)


def _zip(request: Request) -> bytes:
    if not request.media_type.startswith("multipart/form-data"):
        raise Problem(
            415,
            "unsupported-media-type",
            "Send the zip as multipart/form-data, in the field package.",
        )
    arguments: dict[str, list[bytes]] = {}
    files: dict[str, list[HTTPFile]] = {}
    try:
        parse_body_arguments(request.content_type, request.body, arguments, files)
    except (HTTPInputError, ValueError) as error:
        raise malformed(f"Cannot read the form ({type(error).__name__}).", "") from error
    if "package" in files:
        return bytes(files["package"][-1]["body"])
    # A part without a file name counts as an ordinary field.
    if "package" in arguments:
        return arguments["package"][-1]
    raise malformed("The field package is missing.", "")


def _not_allowed(request: Request) -> Problem:
    detail = f"{request.method} is not supported at {request.path}."
    return Problem(405, "method-not-allowed", detail)


# -- responses


def _document(call: Call, record: Record, status: int = 200) -> Response:
    return Response(status, b'{"data":%b}' % _wire(call, record))


def _without_body(status: int) -> Response:
    # Clients look for a body by its content type, so a response without one has none.
    return Response(status, content_type="")


def _list(call: Call, records: list[Record], resource_type: str) -> Response:
    request = call.request
    # Each page is cut from the whole list, which is filtered and sorted once.
    key = (request.path, tuple(_without_page(request.query)))
    chosen = call.store.chosen(key, lambda: select(records, resource_type, request.query))
    shown, pagination = page(chosen, request.query)
    is_log = resource_type == "audit_events"
    if is_log and pagination["current_page"] > call.options.deepest_page:
        # Adobe's SDK notes that the service fails on pages of the log beyond 1000.
        raise Problem(500, "internal-error", "Something unexpected happened.")
    data = b",".join(map(partial(_wire, call), shown))
    meta = json.dumps({"pagination": pagination}).encode()
    links = b""
    if resource_type in _LINKED_LISTS:
        links = b',"links":%b' % json.dumps(_page_links(call, pagination)).encode()
    return Response(200, b'{"data":[%b]%b,"meta":%b}' % (data, links, meta))


def _page_links(call: Call, pagination: dict[str, Any]) -> dict[str, str]:
    request = call.request
    size = dict(request.query).get("page[size]", "25")
    names = {"self": "current_page", "last": "total_pages", "next": "next_page"}
    links = {}
    for link, name in names.items():
        if pagination[name] is not None:
            own = (("page[number]", str(pagination[name])), ("page[size]", size))
            query = urlencode([*_without_page(request.query), *own], errors="replace")
            links[link] = f"{call.options.base_url}{request.path}?{query}"
    return links


def _without_page(query: Query) -> list[tuple[str, str]]:
    return [(name, value) for name, value in query if not name.startswith("page[")]


def _identifiers(records: Iterable[Record]) -> list[dict[str, Any] | None]:
    return [identifier(record.here) for record in records]


def _relationship(call: Call, record: Record, name: str, data: object, **more: Any) -> Response:
    """Return the document of a relationship. ``data`` is its linkage."""
    url = f"{call.options.base_url}/{record.type}/{record.id}"
    links = {"related": f"{url}/{name}", "self": f"{url}/relationships/{name}"}
    return answer(200, {"data": data, "links": links, **more}, JSON_API)


def _wire(call: Call, record: Record) -> bytes:
    """Return the record as JSON, with the rights in it limited to those of the account."""
    base_url = call.options.base_url
    if "rights" not in record.meta or call.account.rights == ALL_RIGHTS:
        return wire(record, base_url)
    meta = {**record.meta, "rights": _granted(call, record.meta["rights"])}
    if "platform_rights" in meta:
        meta["platform_rights"] = {}
        for platform, rights in record.meta["platform_rights"].items():
            meta["platform_rights"][platform] = _granted(call, rights)
    return wire(replace(record, meta=meta, json=None), base_url)


def _granted(call: Call, rights: list[str]) -> list[str]:
    return [right for right in rights if right in call.account.rights]
