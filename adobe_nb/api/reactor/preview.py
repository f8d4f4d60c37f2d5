"""Preview sessions: read from the service, and answer writes without sending them.

``connect(writes="preview")`` gives a session a ``PreviewClient``. It keeps the resources that
writes would create, change or delete, and lays them over what the service answers. Ids that it
makes up begin with ``RLpreview``, ``LBpreview`` and so on.

**Shown with the writes:** resources by id; lists under a parent and at the root, with filters and
sort; revisions; the contents and the environment of libraries; to-one relations.

**Refused, because only the service knows:** search, once something was written; the contents of
a made-up build; the libraries of a resource, once the contents of a library were written. The error
says what to do instead.

**Not simulated:** what the service sets by itself (tokens, paths, who changed it) is NA. Its own
checks are not made: settings against their schema, unique names, rights, what a build needs. A
write that was previewed can still be refused. Audit events and profiles are those of the service.
"""

import copy
import io
import itertools
import json
import re
import secrets
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from adobe_nb.api.reactor.client import Answer, Client, Params
from adobe_nb.api.reactor.filters import check_filter, check_rows
from adobe_nb.api.reactor.inputs import type_of
from adobe_nb.api.reactor.jsonapi import (
    Document,
    Write,
    identifier,
    linked_id,
    masked,
    public_resource,
)
from adobe_nb.api.reactor.libraries import CONTENTS, ids_of, read_list
from adobe_nb.api.reactor.paging import read_documents, steady
from adobe_nb.api.reactor.writes import attribute, name_of, state_of
from adobe_nb.errors import ArgumentError, IncompleteResult, NotFound
from adobe_nb.registry import BY_PREFIX, RESOURCES, Relation, Resource, singular

_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "enabled": True,
        "dirty": True,
        "published": False,
        "revision_number": 0,
        "status": "succeeded",
        "availability": "development",
        "build_required": True,
    }
)
"""Attributes of a new resource whose value is known, where its type has them."""
_FIRST_STATES = {
    "libraries": "development",
    "extension_package_usage_authorizations": "pending_approval",
}
_STATES = {
    "submit": (("development",), "submitted"),
    "approve": (("submitted",), "approved"),
    "reject": (("submitted", "approved"), "rejected"),
    "develop": (("rejected",), "development"),
}
"""Actions of libraries: the states before, and the state after."""
_ACTIONS: Mapping[str, Document] = {
    "release_private": {"availability": "private"},
    "discontinue": {"discontinued": True},
}
"""Actions that only set attributes."""
_ORDERED = ("datetime", "integer", "number")
"""Kinds of attributes whose order is known."""
_OTHER_LISTS = {"versions": "extension_packages", "rule_component_notes": "notes"}
"""Lists of the API that are not named for a type or a relation, with the type that they hold."""


class PreviewClient(Client):
    """A client that never sends a write. It reads through another client, and adds its own."""

    preview = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._service = Client(*args, **{**options, "journal": None})
        """Reads only. It refuses the made-up ids, so that none of them reaches the service."""
        self._resources: dict[str, Document] = {}
        """Created, changed and soft-deleted resources, by id."""
        self._gone: set[str] = set()
        """Ids of resources that were deleted for good."""
        self._members: dict[tuple[str, str], list[str]] = {}
        """Ids in a to-many relation, by the resource and the name of the relation."""
        # Without it, two preview sessions would take each other's ids for their own.
        self._session_tag = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def get(self, path: str, params: Iterable[tuple[str, str]] = ()) -> Document:
        """Return the document at that path, with the writes of this session. Raises as Client.get,
        and ArgumentError where their effect cannot be known.
        """
        params = tuple(params)
        document = self._overlaid(path, params)
        if document is None:
            return self._service.get(path, params)
        # A copy: what a user does to the document must not change what this session keeps.
        return copy.deepcopy(document)

    def fetch(self, path: str, params: Params) -> Answer:
        """Return a page, with the writes of this session. Raises as ``get``."""
        document = self._overlaid(path, params)
        if document is None:
            return self._service.fetch(path, params)
        # As bytes, so that the reader decodes and checks it like any other page.
        return Answer(json.dumps(document).encode())

    def post_read(self, path: str, document: Document) -> Document:
        """Search. Raises ArgumentError once something was written in this session."""
        if self._resources or self._gone:
            raise ArgumentError(
                "Search cannot see what this preview session has written. Use the lists of a "
                "property instead, or search in another session."
            )
        return self._service.post_read(path, document)

    def _knows(self, resource_id: str) -> bool:
        return resource_id in self._resources or resource_id in self._gone

    def _overlaid(self, path: str, params: Params) -> Document | None:
        """Return the document at that path; None where the writes make no difference."""
        self.refuse_preview_ids(path, str(params))
        resource_type, *rest = path.strip("/").split("/")
        row = RESOURCES.get(resource_type)
        if row is None:
            return None
        if not rest:
            return self._list(path, row, "", params)
        resource_id = rest[0]
        self._refuse_gone(resource_id, path)
        # What was in a deleted property is deleted as well: only the resource names its property.
        if "properties" in map(type_of, self._gone):
            self._read(row, resource_id)
        if len(rest) > 1:
            return self._related(path, row, rest, params)
        if resource_id not in self._resources:
            return None
        # Such as include, which would need more of the service than this resource.
        if params:
            raise ArgumentError(f"A preview session cannot apply {params[0][0]} to {path}.")
        return {"data": self._resources[resource_id]}

    def _related(
        self, path: str, row: Resource, parts: Sequence[str], params: Params
    ) -> Document | None:
        """Return what is below a resource: a relation, a list, identifiers."""
        resource_id, name = parts[0], parts[-1]
        relation = row.relation(name)
        if parts[1] == "relationships" and relation is not None:
            return self._linkage(row, resource_id, relation)
        if relation is not None and not relation.many:
            return self._to_one(resource_id, relation, path)
        target = _OTHER_LISTS.get(name, name)
        if relation is not None:
            target = relation.targets[0]
        if target not in RESOURCES:
            return None
        return self._list(path, RESOURCES[target], resource_id, params)

    def _read(self, row: Resource, resource_id: str) -> Document:
        """Return one resource as this session sees it."""
        path = f"/{row.type}/{resource_id}"
        self._refuse_gone(resource_id, path)
        resource = self._resources.get(resource_id)
        # The plain client refuses made-up ids, so only those of the service get there.
        if resource is None:
            resource = state_of(self._service, row, resource_id)
        # What was in a deleted property is deleted with it.
        self._refuse_gone(linked_id(resource, "property"), path)
        return resource

    def _refuse_gone(self, resource_id: str, path: str) -> None:
        if resource_id in self._gone:
            raise NotFound(
                f"GET {path}: {resource_id} was deleted in this preview session.",
                status=404,
                code="not-found",
                method="GET",
                url=self.base_url + path,
            )

    def _linkage(self, row: Resource, resource_id: str, relation: Relation) -> Document | None:
        """Return the identifiers of ``/relationships/…``."""
        if (resource_id, relation.name) in self._members:
            return {"data": list(map(identifier, self._members[resource_id, relation.name]))}
        if relation.many or resource_id not in self._resources:
            return None
        return _linkage_to(linked_id(self._read(row, resource_id), relation.name))

    def _to_one(self, resource_id: str, relation: Relation, path: str) -> Document:
        """Return the resource that a to-one relation leads to."""
        if resource_id in self._resources:
            linked = linked_id(self._resources[resource_id], relation.name)
            if not linked:
                return {"data": None}
        else:
            document = self._service.get(path)
            linked = linked_id({"relationships": {relation.name: document}}, relation.name)
            # The service's answer stands unless this session has changed what it leads to.
            if not self._knows(linked):
                return {"data": document.get("data")}
        return {"data": self._read(_row_of(linked), linked)}

    def _list(self, path: str, row: Resource, parent_id: str, params: Params) -> Document | None:
        """Return a list in one page; None where the writes make no difference."""
        name = path.rpartition("/")[2]
        if name == "revisions" and parent_id:
            # Those of a revision are those of its head.
            parent_id = linked_id(self._read(row, parent_id), "origin") or parent_id
            path = f"/{row.type}/{parent_id}/{name}"
        if (parent_id, name) in self._members:
            members = self._members[parent_id, name]
            resources = list(map(self._read, map(_row_of, members), members))
        elif row.type in map(type_of, (*self._resources, *self._gone)) or "preview" in path:
            self._refuse_unknown_list(path, name, row)
            resources = self._in_list(path, row, parent_id, name)
        else:
            return None
        return _page(row, params, list(filter(self._is_listed, resources)))

    def _in_list(self, path: str, row: Resource, parent_id: str, name: str) -> list[Document]:
        """Return the resources of a list, deleted ones included."""
        resources: dict[str, Document] = {}
        # The service does not know a made-up parent, and its list holds made-up resources only.
        if "preview" not in path:
            [on_service] = read_documents(self._service, [steady(path, row)], name)
            resources.update(zip(ids_of(on_service), on_service, strict=True))
        for resource_id, resource in list(self._resources.items()):
            if resource_id in resources or self._belongs(resource, row, parent_id, name):
                resources[resource_id] = resource
        return list(resources.values())

    def _is_listed(self, resource: Document) -> bool:
        # Soft-deleted resources can be fetched by id, and are in no list.
        if attribute(resource, "deleted_at"):
            return False
        return self._gone.isdisjoint({resource["id"], linked_id(resource, "property")})

    def _belongs(self, resource: Document, row: Resource, parent_id: str, name: str) -> bool:
        """Whether a made-up resource is in the list of that name under that parent."""
        if resource["type"] != row.type or "preview" not in resource["id"]:
            return False
        if not parent_id:
            return True
        if name == "revisions":
            return linked_id(resource, "origin") == parent_id
        for relation in _relations_to(row, _row_of(parent_id).type):
            if linked_id(resource, relation.name) == parent_id:
                return True
            if parent_id in self._members.get((resource["id"], relation.name), ()):
                return True
        return False

    def _refuse_unknown_list(self, path: str, name: str, row: Resource) -> None:
        """Raise ArgumentError for a list whose members cannot be told from what was written."""
        parent_type = path.strip("/").split("/")[0]
        if path.count("/") == 1 or name == "revisions":
            return
        is_of_contents = name == "libraries" and parent_type in CONTENTS
        if _relations_to(row, parent_type) and name == row.type and not is_of_contents:
            return
        # What a build of the service delivered does not change any more.
        if parent_type == "builds" and "preview" not in path:
            return
        raise ArgumentError(
            f"This preview session cannot know {path}, because it has written {row.type}. Read it "
            "in another session, or run the writes with connect(writes='send')."
        )

    def write(self, write: Write, before: object = None) -> Document | None:
        """Answer a write as the service would, and send nothing.

        Raises ArgumentError for requests that cannot be previewed.
        """
        self.refuse_preview_ids(write.path, write.masked)
        data = (masked(write.document) or {}).get("data") or {}
        parts = write.path.strip("/").split("/")
        if len(parts) == 4 and parts[::2] == ["libraries", "relationships"]:
            return self._write_relationship(write.method, parts[1], parts[3], data)
        row = _row_written(write.method, parts)
        if row is None or not isinstance(data, dict):
            raise ArgumentError(
                f"{write.method} {write.path} cannot be previewed. Nothing was sent. Run it in a "
                "session of connect(writes='send')."
            )
        if write.method == "POST":
            resource = self._create(row, parts, data, write.upload)
            return {"data": copy.deepcopy(resource)}
        resource = self._current(row, parts[1], before)
        if write.method == "DELETE":
            self._delete(row, resource)
            return None
        return {"data": copy.deepcopy(self._change(row, resource, data))}

    def _change(self, row: Resource, resource: Document, data: Document) -> Document:
        """Apply a PATCH. Returns the resource, or its new revision."""
        action = (data.get("meta") or {}).get("action")
        if action == "revise":
            return self._revise(row, resource)
        if action is None:
            self._update(row, resource, data)
        else:
            self._act(resource, action)
        return resource

    def _current(self, row: Resource, resource_id: str, before: object = None) -> Document:
        """Return a resource that can be changed; its changes are kept from then on."""
        if resource_id not in self._resources:
            # The API does not return every type by id, so the state that was read is used.
            if isinstance(before, dict) and before.get("id") == resource_id:
                state = before
            else:
                state = self._read(row, resource_id)
            self._resources[resource_id] = copy.deepcopy(state)
        resource = self._resources[resource_id]
        for part in ("attributes", "relationships", "meta"):
            resource[part] = resource.get(part) or {}
        return resource

    def _new_id(self, row: Resource) -> str:
        return f"{row.prefix}preview{self._session_tag}{next(self._numbers):017d}"

    def _create(
        self, row: Resource, parts: Sequence[str], data: Document, upload: bytes | None
    ) -> Document:
        resource = self._blank(row)
        if upload is not None:
            resource["attributes"].update(_manifest_attributes(row, upload))
        if len(parts) == 3:
            self._link_to_parent(row, resource, parts[0], parts[1])
        if row.type == "builds":
            self._build(resource, parts[1])
        self._update(row, resource, data)
        # Only now: a write that is refused halfway must leave nothing behind.
        self._resources[resource["id"]] = resource
        if row.type == "properties":
            self._install_core(resource)
        return resource

    def _blank(self, row: Resource) -> Document:
        """Return a new resource without the values of a user."""
        resource: Document = {
            "id": self._new_id(row),
            "type": row.type,
            "attributes": dict.fromkeys(row.sortable),
            "relationships": {},
            "meta": {},
        }
        _set(resource, **_DEFAULTS, created_at=_now(), state=_FIRST_STATES.get(row.type))
        for relation in row.relations:
            if relation.name == "origin":
                _link(resource, "origin", resource["id"])
            elif not relation.many:
                _link(resource, relation.name, "")
            elif relation.write:
                self._members[resource["id"], relation.name] = []
        return resource

    def _link_to_parent(
        self, row: Resource, resource: Document, parent_type: str, parent_id: str
    ) -> None:
        parent = self._read(RESOURCES[parent_type], parent_id)
        if row.relation("property"):
            _link(resource, "property", linked_id(parent, "property"))
        # Where the parent is a property, this links it.
        for relation in _relations_to(row, parent_type):
            if not relation.many:
                _link(resource, relation.name, parent_id)

    def _update(self, row: Resource, resource: Document, data: Document) -> None:
        """Apply the attributes and relationships of a document."""
        resource["attributes"].update(data.get("attributes") or {})
        for name, link in (data.get("relationships") or {}).items():
            linked = link.get("data")
            if isinstance(linked, list):
                self._members[resource["id"], name] = ids_of(linked)
            elif row.type == "libraries" and name == "environment":
                self._assign(resource, linked)
            else:
                resource["relationships"][name] = {"data": linked}
                if name == "extension_package":
                    self._copy_package(resource, linked)
        # Without secrets, as every response: what is written must not be shown.
        resource.update(public_resource(resource))
        self._touch(resource)

    def _touch(self, resource: Document) -> None:
        _set(resource, updated_at=_now(), dirty=True)
        for rule_id in self._members.get((resource["id"], "rules"), ()):
            if resource["type"] == "rule_components":
                _set(self._current(RESOURCES["rules"], rule_id), dirty=True)

    def _copy_package(self, extension: Document, linked: Document) -> None:
        """Name an extension as its package."""
        package = self._read(RESOURCES["extension_packages"], linked["id"])
        for name in ("name", "display_name", "version"):
            extension["attributes"][name] = attribute(package, name)
        newest_id = self._newest_package(name_of(package), attribute(package, "platform"))
        if newest_id == package["id"]:
            newest_id = None
        extension["meta"]["upgrade_extension_package_id"] = newest_id

    def _newest_package(self, name: str, platform: str) -> str | None:
        """Return the id of a package in the catalog, which lists newest versions only."""
        params = (("filter[name]", f"EQ {name}"), ("filter[platform]", f"EQ {platform}"))
        packages = self._service.get("/extension_packages", params).get("data") or []
        return next(iter(ids_of(packages)), None)

    def _install_core(self, resource: Document) -> None:
        """Install the Core extension, as the service does in a new property."""
        core_id = self._newest_package("core", attribute(resource, "platform"))
        if core_id is not None:
            parts = ("properties", resource["id"], "extensions")
            data = {"relationships": {"extension_package": _linkage_to(core_id)}}
            self._create(RESOURCES["extensions"], parts, data, None)

    def _delete(self, row: Resource, resource: Document) -> None:
        if row.deletion == "soft":
            _set(resource, deleted_at=_now())
            return
        del self._resources[resource["id"]]
        self._gone.add(resource["id"])
        if row.type == "libraries":
            self._assign(resource, None)

    def _revise(self, row: Resource, head: Document) -> Document:
        """Return a new revision of a head; a rule's components are revised with it."""
        number = (head["meta"].get("latest_revision_number") or 0) + 1
        # The next revision counts on from here.
        head["meta"]["latest_revision_number"] = number
        _set(head, dirty=False)
        revision = copy.deepcopy(head)
        revision["id"] = self._new_id(row)
        _set(revision, revision_number=number, created_at=_now(), updated_at=_now())
        _link(revision, "origin", head["id"])
        self._resources[revision["id"]] = revision
        if row.type == "rules":
            self._revise_components(head["id"], revision["id"])
        return revision

    def _revise_components(self, rule_id: str, revision_id: str) -> None:
        row = RESOURCES["rule_components"]
        for component_id in ids_of(read_list(self, f"/rules/{rule_id}/rule_components")):
            revised = self._revise(row, self._current(row, component_id))
            self._members[revised["id"], "rules"] = [revision_id]

    def _write_relationship(self, method: str, library_id: str, name: str, linked: Any) -> Document:
        """Change the environment or the contents of a library."""
        library = self._current(RESOURCES["libraries"], library_id)
        if name in CONTENTS:
            return self._fill(method, library, name, linked)
        if method == "DELETE":
            linked = None
        self._assign(library, linked or None)
        return {"data": linked or None}

    def _fill(
        self, method: str, library: Document, name: str, items: Sequence[Document]
    ) -> Document:
        """Add, replace or remove contents of a library."""
        changes = dict.fromkeys(map(self._revised_id, items))
        contents = dict.fromkeys(self._contents(library["id"], name))
        if method == "PATCH":
            contents = changes
        elif method == "POST":
            contents |= changes
        else:
            for resource_id in changes:
                contents.pop(resource_id, None)
        self._members[library["id"], name] = list(contents)
        _set(library, build_required=True, updated_at=_now())
        return {"data": list(map(identifier, contents))}

    def _revised_id(self, item: Document) -> Any:
        """Return the id in an identifier, or that of the revision which it asks for."""
        if (item.get("meta") or {}).get("action") != "revise":
            return item["id"]
        row = _row_of(item["id"])
        return self._revise(row, self._current(row, item["id"]))["id"]

    def _contents(self, library_id: str, name: str) -> list[str]:
        return ids_of(read_list(self, f"/libraries/{library_id}/relationships/{name}"))

    def _assign(self, library: Document, environment: Document | None) -> None:
        """Link a library and an environment to each other, and release the one before."""
        row = RESOURCES["environments"]
        previous = linked_id(library, "environment")
        if previous:
            _link(self._current(row, previous), "library", "")
        if environment:
            _link(self._current(row, environment["id"]), "library", library["id"])
        library["relationships"]["environment"] = {"data": environment}

    def _act(self, resource: Document, action: str) -> None:
        if action in _STATES:
            before, after = _STATES[action]
            state = attribute(resource, "state")
            if state not in before:
                raise ArgumentError(
                    f"A library in {state} cannot {action}: it must be {' or '.join(before)}. "
                    "Nothing was sent."
                )
            # Every step releases the environment: each state has a stage of its own.
            self._assign(resource, None)
            _set(resource, state=after, build_required=True, updated_at=_now())
        elif action == "republish":
            resource["meta"]["republish_status"] = "pending"
        else:
            resource["attributes"].update(_ACTIONS.get(action, {}))

    def _build(self, build: Document, library_id: str) -> None:
        """Build a library, which succeeds at once. One on production publishes the library."""
        library = self._current(RESOURCES["libraries"], library_id)
        environment_id = linked_id(library, "environment")
        if not environment_id:
            raise ArgumentError(
                f"The library {name_of(library)!r} has no environment, so it cannot be built. "
                "Assign one: reactor.libraries.assign(library, environment). Nothing was sent."
            )
        _link(build, "environment", environment_id)
        _link(library, "last_build", build["id"])
        library["meta"]["build_status"] = "succeeded"
        _set(library, build_required=False)
        environment = self._read(RESOURCES["environments"], environment_id)
        # A successful build on production publishes the library and its contents.
        if attribute(environment, "stage") == "production":
            _set(library, state="published", published_at=_now())
            for name in CONTENTS:
                for resource_id in self._contents(library_id, name):
                    revision = self._current(RESOURCES[name], resource_id)
                    _set(revision, published=True, published_at=_now())


def _row_written(method: str, parts: Sequence[str]) -> Resource | None:
    """Return the type that a write to this path creates, changes or deletes; None for others."""
    if method == "POST":
        return _row_created(parts)
    row = RESOURCES.get(parts[0])
    if row is None or len(parts) != 2:
        return None
    is_writable = "delete" in row.verbs
    if method == "PATCH":
        is_writable = "update" in row.verbs or bool(row.actions)
    if not is_writable:
        return None
    return row


def _row_created(parts: Sequence[str]) -> Resource | None:
    # Neither has a create verb: a package is uploaded at the root, and a library starts a build.
    if parts == ["extension_packages"] or parts[::2] == ["libraries", "builds"]:
        return RESOURCES[parts[-1]]
    row = RESOURCES.get(parts[-1])
    if row is None or len(parts) != 3 or parts[0] not in row.creators:
        return None
    return row


def _row_of(resource_id: str) -> Resource:
    return BY_PREFIX[resource_id[:2]]


def _relations_to(row: Resource, parent_type: str) -> list[Relation]:
    """Return the relations by which a resource names its parent of that type."""
    names = {parent_type, singular(parent_type)}
    relations = []
    for relation in row.relations:
        is_parent = relation.name in names or len(relation.targets) > 1
        if is_parent and parent_type in relation.targets:
            relations.append(relation)
    return relations


def _link(resource: Document, name: str, resource_id: str) -> None:
    resource["relationships"][name] = _linkage_to(resource_id)


def _linkage_to(resource_id: str) -> Document:
    """Return the linkage of a to-one relation; without an id, to nothing."""
    if not resource_id:
        return {"data": None}
    return {"data": identifier(resource_id)}


def _set(resource: Document, **attributes: Any) -> None:
    """Set the attributes that resources of this type have."""
    names = RESOURCES[resource["type"]].sortable
    for name, value in attributes.items():
        if name in names:
            resource["attributes"][name] = value


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _manifest_attributes(row: Resource, upload: bytes) -> Document:
    """Return the attributes of a package from the extension.json of its zip."""
    with zipfile.ZipFile(io.BytesIO(upload)) as archive:
        manifest = json.loads(archive.read("extension.json"))
    attributes = {}
    for column in row.columns:
        # display_name is displayName there.
        name = re.sub("_(.)", lambda match: match[1].upper(), column.name)
        if name in manifest:
            attributes[column.name] = manifest[name]
    return attributes


def _page(row: Resource, params: Params, resources: Sequence[Document]) -> Document:
    """Return resources as the only page of a list, filtered and sorted as requested."""
    filters: dict[str, str] = {}
    sort = ""
    for name, value in params:
        if name.startswith("filter["):
            filters[name[7:-1]] = value
        elif name == "sort":
            sort = value
        elif name == "page[number]" and value != "1":
            resources = []
        elif not name.startswith("page["):
            raise ArgumentError(
                f"A preview session cannot apply {name}={value} to {row.type}, because it has "
                "written some. Leave it out."
            )
    kept = _filtered(row, filters, resources)
    # No resource has the name of an empty sort, so that leaves the order as it is.
    for key in reversed(sort.split(",")):
        kept.sort(key=partial(_sort_key, key.lstrip("+-")), reverse=key.startswith("-"))
    pagination = {"current_page": 1, "total_pages": 1, "total_count": len(kept)}
    return {"data": kept, "meta": {"pagination": pagination}}


def _filtered(
    row: Resource, filters: Mapping[str, str], resources: Sequence[Document]
) -> list[Document]:
    conditions = check_filter(row, filters)
    for condition in conditions:
        operators = dict(condition.alternatives).keys()
        # Equality is the same everywhere. The order of texts is the service's own.
        if condition.kind not in _ORDERED and not operators <= {"EQ", "NOT", "CONTAINS"}:
            raise ArgumentError(
                f"A preview session cannot apply the filter {condition.name}={condition.text!r} to "
                f"{row.type}, because it has written some. Filter the frame instead."
            )
    kept = []
    for resource in resources:
        with suppress(IncompleteResult):
            check_rows(conditions, [resource])
            kept.append(resource)
    return kept


def _sort_key(name: str, resource: Document) -> tuple[bool, Any]:
    """Return the key of a resource for the sort by one attribute, nulls first."""
    value = attribute(resource, name)
    if value is None:
        return False, 0
    if not isinstance(value, (str, int, float)):
        value = json.dumps(value)
    return True, value
