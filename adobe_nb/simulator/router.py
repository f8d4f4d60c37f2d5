"""Reactor itself: where a request goes, and the answer. Raises Problem for refusals."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from tornado.httputil import HTTPFile, HTTPInputError, parse_body_arguments

from adobe_nb.registry import RESOURCES, Relation, Resource
from adobe_nb.simulator import packages, publishing, writes
from adobe_nb.simulator.calls import Call, Options
from adobe_nb.simulator.documents import JSON_TYPES, linkage, linkages, parsed, resource, wanted
from adobe_nb.simulator.ims import ALL_RIGHTS, Account
from adobe_nb.simulator.lists import page, page_number, select
from adobe_nb.simulator.messages import JSON_API, Request, Response, answer
from adobe_nb.simulator.problems import Problem, conflict, malformed, not_found
from adobe_nb.simulator.revisions import origin
from adobe_nb.simulator.search import BadSearch, search
from adobe_nb.simulator.store import Record, Store, wire

_LINKED_LISTS = ("audit_events", "extension_package_usage_authorizations")
_ORGANIZATION = {
    "name": "Simulated",
    "admin": False,
    "active": True,
    "login_companies": [],
    "product_contexts": ["dma_reactor"],
    "tenant_id": "simulated",
}
_METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


def respond(request: Request, account: Account, store: Store, options: Options) -> Response:
    """Answer one request of an account that may be here. Raises Problem."""
    if request.method not in _METHODS:
        raise Problem(405, "method-not-allowed", f"{request.method} is no method of this API.")
    if request.method == "GET":
        _check_accept(request)
    store.settle()
    parts = tuple(request.path.removeprefix("/").split("/"))
    if "" in parts:
        raise not_found(request.path)
    desk = Desk(request, account, store, options)
    if request.method == "GET":
        return desk.read(parts)
    if parts == ("search",) and request.method == "POST":
        return desk.search()
    return desk.write(parts)


class Desk:
    """One request at the API: where it goes, and the answer."""

    def __init__(self, request: Request, account: Account, store: Store, options: Options) -> None:
        self._request = request
        self._account = account
        self._store = store
        self._base_url = options.base_url
        self._call = Call(store, account, options)

    # -- reading

    def read(self, parts: tuple[str, ...]) -> Response:
        """GET."""
        if parts == ("profile",):
            return answer(200, {"data": self._profile()}, JSON_API)
        if parts == ("heartbeat",):
            return _without_body(200)
        row = RESOURCES.get(parts[0])
        if row is None or len(parts) > 4:
            raise not_found(self._request.path)
        if len(parts) == 1:
            return self._list(self._at_root(row), row.type)
        record = self._record(row, parts[1])
        if len(parts) == 2:
            return self._one(record)
        if len(parts) == 4:
            return self._linkage(record, self._endpoint(row, parts))
        return self._related(row, record, parts[2])

    def _at_root(self, row: Resource) -> list[Record]:
        if not row.root:
            raise not_found(self._request.path)
        if row.type == "extension_packages":
            ceiling = dict(self._request.query).get("max_availability")
            return packages.visible(self._store, self._account.org_id, ceiling)
        return self._store.all(row.type)

    def _record(self, row: Resource, identifier: str) -> Record:
        record = self._store.get(row.type, identifier)
        if record is None or not packages.may_see(self._store, record, self._account.org_id):
            raise not_found(self._request.path)
        return record

    def _related(self, row: Resource, record: Record, name: str) -> Response:
        store = self._store
        if row.type == "extension_packages" and name == "versions":
            return self._list(packages.versions(store, record, self._account.org_id), row.type)
        if row.type == "rules" and name == "rule_component_notes":
            parts_of = store.listed(record.id, "rule_components")
            return self._list(
                [note for each in parts_of for note in store.listed(each.id, "notes")], "notes"
            )
        if row.type == "audit_events" and name == _entity_name(record):
            name = "entity"
        relation = row.relation(name)
        child = RESOURCES.get(name)
        if relation is None and child is not None and row.type in child.parents:
            return self._list(store.listed(record.id, child.type), child.type)
        if relation is None:
            raise not_found(self._request.path)
        if name == "revisions":
            return self._list(store.listed(origin(record)[1], name), relation.targets[0])
        if relation.many:
            return self._list(store.listed(record.id, relation.name), relation.targets[0])
        if record.to_one.get(relation.name) is None:
            return answer(200, {"data": None}, JSON_API)
        found = store.of(record, relation.name)
        if found is None:
            raise not_found(self._request.path)
        return self._one(found)

    def _linkage(self, record: Record, relation: Relation) -> Response:
        links = self._linkage_links(record, relation)
        if not relation.many:
            target = record.to_one.get(relation.name)
            data = {"id": target[1], "type": target[0]} if target else None
            return answer(200, {"data": data, "links": links}, JSON_API)
        shown, pagination = page(self._store.listed(record.id, relation.name), self._request.query)
        identifiers = [{"id": each.id, "type": each.type} for each in shown]
        return answer(
            200, {"data": identifiers, "links": links, "meta": {"pagination": pagination}}, JSON_API
        )

    def _linkage_links(self, record: Record, relation: Relation) -> dict[str, str]:
        here = f"{self._base_url}/{record.type}/{record.id}"
        return {
            "related": f"{here}/{relation.name}",
            "self": f"{here}/relationships/{relation.name}",
        }

    def _endpoint(self, row: Resource, parts: tuple[str, ...]) -> Relation:
        relation = row.relation(parts[3])
        if parts[2] != "relationships" or relation is None or not relation.endpoint:
            raise not_found(self._request.path)
        return relation

    def _profile(self) -> dict[str, Any]:
        account = self._account
        attributes = {
            "active_org": account.org_id,
            "expires_in": 3600,
            "display_name": account.display_name,
            "job_function": None,
            "email": account.email,
            "organizations": {account.org_id: _ORGANIZATION},
        }
        links = {"self": f"{self._base_url}/profile"}
        identifier = f"UR{hashlib.blake2s(account.client_id.encode(), digest_size=16).hexdigest()}"
        return {
            "id": identifier,
            "type": "users",
            "attributes": attributes,
            "links": links,
            "meta": {"rights": []},
        }

    # -- searching

    def search(self) -> Response:
        """POST /search."""
        document = parsed(self._request.body, self._request.headers.get("content-type", ""))
        kinds = [row.type for row in RESOURCES.values() if row.searchable]
        documents = [
            json.loads(self._wire(record))
            for kind in kinds
            for record in self._store.all(kind)
            if packages.may_see(self._store, record, self._account.org_id)
        ]
        problem = ""
        try:
            found, total = search(documents, document)
        except BadSearch as refusal:
            problem = str(refusal)
        if problem:
            raise malformed(problem)
        return answer(200, {"data": found, "meta": {"total_hits": total}}, JSON_API)

    # -- writing

    def write(self, parts: tuple[str, ...]) -> Response:
        """POST, PATCH and DELETE."""
        row = RESOURCES.get(parts[0])
        if row is None or len(parts) > 4:
            raise not_found(self._request.path)
        method = self._request.method
        if len(parts) == 1:
            if parts == ("extension_packages",) and method == "POST":
                return self._one(packages.upload(self._call, self._zip()), 202)
            raise self._no_such_method()
        record = self._record(row, parts[1])
        if len(parts) == 4:
            return self._change_linkage(record, self._endpoint(row, parts))
        if len(parts) == 3:
            return self._create(record, parts[2])
        if row.type == "extension_packages" and method in {"POST", "PATCH"} and not self._is_json():
            return self._one(packages.upload(self._call, self._zip(), record))
        if method == "DELETE":
            writes.delete(self._call, record)
            return _without_body(204)
        is_update = method == "PATCH" or (method == "PUT" and row.type == "callbacks")
        if not is_update or not (row.actions or "update" in row.verbs):
            raise self._no_such_method()
        document = self._document()
        if row.type == "extension_packages" and not _has_action(document):
            packages.change(self._call, record, _attributes(resource(document, row, record.id)))
            return self._one(record)
        return self._one(
            writes.update(self._call, record, wanted(document, row, "update", record.id))
        )

    def _create(self, parent: Record, kind: str) -> Response:
        row = RESOURCES.get(kind)
        if parent.type == "libraries" and kind == "builds" and self._request.method == "POST":
            return self._one(publishing.build(self._call, parent), 201)
        if row is None or parent.type not in row.creators or self._request.method != "POST":
            known = row is not None and (parent.type in row.parents or parent.type in row.creators)
            known = known or RESOURCES[parent.type].relation(kind) is not None
            raise self._no_such_method() if known else not_found(self._request.path)
        if parent.deleted:
            raise conflict("deleted-resources", f"{parent.id} is deleted.")
        asked = wanted(self._document(), row, "create")
        return self._one(writes.create(self._call, parent, row, asked), 201)

    def _change_linkage(self, record: Record, relation: Relation) -> Response:
        method = self._request.method
        if record.type != "libraries" or method == "PUT":
            raise self._no_such_method()
        if relation.name == "environment":
            if method == "DELETE":
                publishing.assign(self._call, record, None)
                return _without_body(200)
            publishing.assign(self._call, record, linkage(self._document(), "environments"))
            return self._linkage(record, relation)
        items = linkages(self._document(), relation.name)
        held = publishing.change_contents(self._call, record, relation.name, items, method)
        identifiers = [{"id": each.id, "type": each.type} for each in held]
        return answer(
            200, {"data": identifiers, "links": self._linkage_links(record, relation)}, JSON_API
        )

    def _document(self) -> dict[str, Any]:
        return parsed(self._request.body, self._request.headers.get("content-type", ""))

    def _is_json(self) -> bool:
        kind = self._request.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind in JSON_TYPES

    def _zip(self) -> bytes:
        content_type = self._request.headers.get("content-type", "")
        if not content_type.lower().startswith("multipart/form-data"):
            raise Problem(
                415, "unsupported-media-type", "Send the zip as multipart/form-data, field package."
            )
        data = multipart(self._request.body, content_type).get("package")
        if data is None:
            raise malformed("The field package is missing.", "")
        return data

    def _no_such_method(self) -> Problem:
        return Problem(
            405, "method-not-allowed", f"There is no {self._request.method} {self._request.path}."
        )

    # -- answers

    def _one(self, record: Record, status: int = 200) -> Response:
        return Response(status, b'{"data":' + self._wire(record) + b"}")

    def _list(self, records: list[Record], resource_type: str) -> Response:
        if (
            resource_type == "audit_events"
            and page_number(self._request.query) > self._call.options.deepest_page
        ):
            raise Problem(500, "internal-error", "Something unexpected happened.")
        key = (self._request.path, tuple(self._request.query), self._account.rights)
        body = self._store.kept(key)
        if body is None:
            shown, pagination = page(self._chosen(records, resource_type), self._request.query)
            about = json.dumps({"pagination": pagination}).encode()
            data = b",".join([self._wire(record) for record in shown])
            links = self._page_links(pagination) if resource_type in _LINKED_LISTS else b""
            body = self._store.keep(
                key, b'{"data":[' + data + b"]" + links + b',"meta":' + about + b"}"
            )
        return Response(200, body)

    def _chosen(self, records: list[Record], resource_type: str) -> list[Record]:
        query = self._request.query
        choice = tuple((name, value) for name, value in query if not name.startswith("page["))
        return self._store.chosen(
            (self._request.path, choice), lambda: select(records, resource_type, query)
        )

    def _page_links(self, pagination: Mapping[str, Any]) -> bytes:
        """Addresses of this page, the next and the last, as some lists have them."""
        others = [
            (name, value) for name, value in self._request.query if not name.startswith("page[")
        ]
        size = dict(self._request.query).get("page[size]", "25")

        def link(number: int) -> str:
            query = urlencode(
                [*others, ("page[number]", str(number)), ("page[size]", size)], errors="replace"
            )
            return f"{self._base_url}{self._request.path}?{query}"

        links = {"self": link(pagination["current_page"]), "last": link(pagination["total_pages"])}
        if pagination["next_page"]:
            links["next"] = link(pagination["next_page"])
        return b',"links":' + json.dumps(links).encode()

    def _wire(self, record: Record) -> bytes:
        """Its JSON; the rights in it are those of whoever asks."""
        rights = record.meta.get("rights")
        if rights is None or self._account.rights == ALL_RIGHTS:
            return wire(record, self._base_url)
        meta = {**record.meta, "rights": self._granted(rights)}
        if "platform_rights" in meta:
            meta["platform_rights"] = {
                key: self._granted(each) for key, each in meta["platform_rights"].items()
            }
        return wire(
            Record(record.type, record.id, record.attributes, record.to_one, meta, record.stage),
            self._base_url,
        )

    def _granted(self, rights: Iterable[str]) -> list[str]:
        return [right for right in rights if right in self._account.rights]


def _entity_name(event: Record) -> str:
    """What an event's related link calls the entity: ``rule``, ``library`` …"""
    entity = event.to_one["entity"]
    return RESOURCES[entity[0]].singular if entity else "entity"


def multipart(body: bytes, content_type: str) -> dict[str, bytes]:
    """The parts of a form by name. Raises Problem when it cannot be read."""
    arguments: dict[str, list[bytes]] = {}
    files: dict[str, list[HTTPFile]] = {}
    try:
        parse_body_arguments(content_type, body, arguments, files)
    except (HTTPInputError, ValueError) as error:
        problem = malformed(f"The form cannot be read ({type(error).__name__}).", "")
    else:
        found = {name: values[-1] for name, values in arguments.items()}
        return found | {name: several[-1]["body"] for name, several in files.items()}
    raise problem


def _without_body(status: int) -> Response:
    """Clients parse by content type, so what has no body has none."""
    return Response(status, content_type="")


def _check_accept(request: Request) -> None:
    accept = request.headers.get("accept", "").replace(" ", "")
    if JSON_API not in accept or "revision=1" not in accept:
        raise Problem(406, "not-acceptable", f"Send Accept: {JSON_API};revision=1")


def _has_action(document: Mapping[str, Any]) -> bool:
    data = document.get("data")
    return (
        isinstance(data, dict) and isinstance(data.get("meta"), dict) and "action" in data["meta"]
    )


def _attributes(data: Mapping[str, Any]) -> Mapping[str, Any]:
    attributes = data.get("attributes")
    if not isinstance(attributes, dict) or not attributes:
        raise malformed("data.attributes is an object with something in it.")
    return attributes
