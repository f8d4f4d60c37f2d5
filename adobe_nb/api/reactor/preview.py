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
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from adobe_nb.api.reactor.client import Answer, Client, Params
from adobe_nb.api.reactor.filters import check_filter, check_rows
from adobe_nb.api.reactor.jsonapi import Document, identifier, linked_id, public_resource
from adobe_nb.api.reactor.libraries import CONTENTS
from adobe_nb.api.reactor.paging import Listing, read_documents, steady
from adobe_nb.api.reactor.payloads import Write, masked
from adobe_nb.api.reactor.writes import attribute, name_of, state_of
from adobe_nb.errors import ArgumentError, IncompleteResult, NotFound
from adobe_nb.registry import RESOURCES, Relation, Resource, singular

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
        # A copy: what a user does to the document must not change what this session keeps.
        return self._service.get(path, params) if document is None else copy.deepcopy(document)

    def fetch(self, path: str, params: Params) -> Answer:
        """Return a page, with the writes of this session. Raises as ``get``."""
        document = self._overlaid(path, params)
        if document is None:
            return self._service.fetch(path, params)
        # As bytes, so that the reader decodes and checks it like any other page.
        return Answer(json.dumps(document).encode())

    def post_read(self, path: str, document: Document) -> Document:
        """Search. Raises ArgumentError once something was written in this session."""
        self.refuse_preview_ids(json.dumps(document))
        if self._resources or self._gone or self._members:
            raise ArgumentError(
                "Search cannot see what this preview session has written. Use the lists of a "
                "property instead, or search in another session."
            )
        return self._service.post_read(path, document)

    def _knows(self, resource_id: str) -> bool:
        return resource_id in self._resources or resource_id in self._gone

    def _overlaid(self, path: str, params: Params) -> Document | None:
        """Return the document at that path; None where the writes make no difference."""
        self.refuse_preview_ids(path, *(value for _, value in params))
        resource_type, *rest = path.strip("/").split("/")
        row = RESOURCES.get(resource_type)
        if row is None:
            return None
        if not rest:
            return self._list(path, row, None, params)
        resource_id = rest[0]
        self._refuse_gone(resource_id, path)
        # What was in a deleted property is deleted as well: only the resource names its property.
        if any(gone.startswith("PR") for gone in self._gone):
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
        target = relation.targets[0] if relation else _OTHER_LISTS.get(name, name)
        if target not in RESOURCES:
            return None
        return self._list(path, RESOURCES[target], resource_id, params)

    def _read(self, row: Resource, resource_id: str) -> Document:
        """Return one resource as this session sees it."""
        path = f"/{row.type}/{resource_id}"
        self._refuse_gone(resource_id, path)
        if resource_id in self._resources:
            resource = self._resources[resource_id]
        # The plain client refuses made-up ids, so only those of the service get there.
        else:
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
        if relation.many:
            ids = self._members.get((resource_id, relation.name))
            return None if ids is None else {"data": [identifier(member) for member in ids]}
        if resource_id not in self._resources:
            return None
        linked = linked_id(self._read(row, resource_id), relation.name)
        return {"data": identifier(linked) if linked else None}

    def _to_one(self, resource_id: str, relation: Relation, path: str) -> Document:
        """Return the resource that a to-one relation leads to."""
        resource = self._resources.get(resource_id)
        if resource is not None:
            linked = linked_id(resource, relation.name)
        else:
            data = self._service.get(path).get("data")
            if not isinstance(data, dict):
                return {"data": data}
            # The service's answer stands unless this session has changed what it leads to.
            linked = str(data.get("id"))
            if linked not in self._resources and linked not in self._gone:
                return {"data": data}
        if not linked:
            return {"data": None}
        return {"data": self._read(RESOURCES[identifier(linked)["type"]], linked)}

    def _list(
        self, path: str, row: Resource, parent_id: str | None, params: Params
    ) -> Document | None:
        """Return a list in one page; None where the writes make no difference."""
        name = path.rpartition("/")[2]
        if name == "revisions" and parent_id is not None:
            # Those of a revision are those of its head.
            parent_id = linked_id(self._read(row, parent_id), "origin") or parent_id
            path = f"/{row.type}/{parent_id}/{name}"
        if (parent_id or "", name) not in self._members:
            if not self._is_written(row) and "preview" not in path:
                return None
            self._refuse_unknown_list(path, name, row)
        resources = self._in_list(path, row, parent_id, name)
        return _page(row, params, [found for found in resources if self._is_listed(found)])

    def _is_written(self, row: Resource) -> bool:
        """Whether anything of this type was created, changed or deleted."""
        written = (*self._resources, *self._gone)
        return any(resource_id.startswith(row.prefix) for resource_id in written)

    def _in_list(
        self, path: str, row: Resource, parent_id: str | None, name: str
    ) -> list[Document]:
        """Return the resources of a list, deleted ones included."""
        members = self._members.get((parent_id or "", name))
        if members is not None:
            return [self._read(_row_of(member), member) for member in members]
        resources: dict[str, Document] = {}
        # The service does not know a made-up parent, and its list holds made-up resources only.
        if "preview" not in path:
            [on_service] = read_documents(self._service, [steady(path, row)], name)
            resources = {resource["id"]: resource for resource in on_service}
        for resource in list(self._resources.values()):
            if resource["id"] in resources or self._belongs(resource, row, parent_id, name):
                resources[resource["id"]] = resource
        return list(resources.values())

    def _is_listed(self, resource: Document) -> bool:
        is_gone = resource["id"] in self._gone or linked_id(resource, "property") in self._gone
        # Soft-deleted resources can be fetched by id, and are in no list.
        return not is_gone and not attribute(resource, "deleted_at")

    def _belongs(self, resource: Document, row: Resource, parent_id: str | None, name: str) -> bool:
        """Whether a made-up resource is in the list of that name under that parent."""
        if resource["type"] != row.type or "preview" not in resource["id"]:
            return False
        if parent_id is None:
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
        is_post = write.method == "POST"
        row = _row_created(parts) if is_post else _row_changed(write.method, parts)
        if row is None or not isinstance(data, dict):
            raise ArgumentError(
                f"{write.method} {write.path} cannot be previewed. Nothing was sent. Run it in a "
                "session of connect(writes='send')."
            )
        if is_post:
            resource = self._create(row, parts, data, write.upload)
        elif write.method == "PATCH":
            resource = self._change(row, self._current(row, parts[1], before), data)
        else:
            self._delete(row, self._current(row, parts[1], before))
            return None
        return {"data": copy.deepcopy(resource)}

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
            is_state = isinstance(before, Mapping) and before.get("id") == resource_id
            # The API does not return every type by id, so the state that was read is used.
            state = before if is_state else self._read(row, resource_id)
            self._resources[resource_id] = copy.deepcopy(dict(state))  # type: ignore[call-overload]
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
            "attributes": {column.name: _DEFAULTS.get(column.name) for column in row.columns},
            "relationships": {relation.name: {"data": None} for relation in row.to_one},
            "meta": {},
        }
        _set(resource, created_at=_now(), state=_FIRST_STATES.get(row.type))
        for relation in row.relations:
            if relation.name == "origin":
                _link(resource, "origin", resource["id"])
            elif relation.many and relation.write:
                self._members[resource["id"], relation.name] = []
        return resource

    def _link_to_parent(
        self, row: Resource, resource: Document, parent_type: str, parent_id: str
    ) -> None:
        parent = self._read(RESOURCES[parent_type], parent_id)
        if row.relation("property"):
            is_property = parent_type == "properties"
            _link(resource, "property", parent_id if is_property else linked_id(parent, "property"))
        for relation in _relations_to(row, parent_type):
            if not relation.many:
                _link(resource, relation.name, parent_id)

    def _update(self, row: Resource, resource: Document, data: Document) -> None:
        """Apply the attributes and relationships of a document."""
        resource["attributes"].update(data.get("attributes") or {})
        for name, link in (data.get("relationships") or {}).items():
            linked = link.get("data")
            if isinstance(linked, list):
                self._members[resource["id"], name] = [item["id"] for item in linked]
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
        newest = self._newest_package(name_of(package), attribute(package, "platform"))
        extension["meta"]["upgrade_extension_package_id"] = None
        if newest is not None and newest["id"] != package["id"]:
            extension["meta"]["upgrade_extension_package_id"] = newest["id"]

    def _newest_package(self, name: str, platform: str) -> Document | None:
        """Return the package of the catalog, which lists newest versions only."""
        params = (("filter[name]", f"EQ {name}"), ("filter[platform]", f"EQ {platform}"))
        packages = self._service.get("/extension_packages", params).get("data") or [None]
        newest: Document | None = packages[0]
        return newest

    def _install_core(self, resource: Document) -> None:
        """Install the Core extension, as the service does in a new property."""
        core = self._newest_package("core", attribute(resource, "platform"))
        if core is not None:
            package = {"data": identifier(core["id"])}
            parts = ("properties", resource["id"], "extensions")
            data = {"relationships": {"extension_package": package}}
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
        for component in self.get(f"/rules/{rule_id}/rule_components")["data"]:
            revised = self._revise(row, self._current(row, component["id"]))
            self._members[revised["id"], "rules"] = [revision_id]

    def _write_relationship(self, method: str, library_id: str, name: str, linked: Any) -> Document:
        """Change the environment or the contents of a library."""
        library = self._current(RESOURCES["libraries"], library_id)
        if name in CONTENTS:
            return self._fill(method, library, name, linked)
        environment = (linked or None) if method == "PATCH" else None
        self._assign(library, environment)
        return {"data": environment}

    def _fill(
        self, method: str, library: Document, name: str, items: Sequence[Document]
    ) -> Document:
        """Add, replace or remove contents of a library."""
        ids = [self._revised_id(item) for item in items]
        held = self._contents(library["id"], name)
        if method == "POST":
            ids = [*held, *(resource_id for resource_id in ids if resource_id not in held)]
        elif method == "DELETE":
            ids = [resource_id for resource_id in held if resource_id not in ids]
        self._members[library["id"], name] = ids
        _set(library, build_required=True, updated_at=_now())
        return {"data": [identifier(resource_id) for resource_id in ids]}

    def _revised_id(self, item: Document) -> str:
        """Return the id in an identifier, or that of the revision which it asks for."""
        resource_id: str = item["id"]
        if (item.get("meta") or {}).get("action") != "revise":
            return resource_id
        row = _row_of(resource_id)
        revised_id: str = self._revise(row, self._current(row, resource_id))["id"]
        return revised_id

    def _contents(self, library_id: str, name: str) -> list[str]:
        path = f"/libraries/{library_id}/relationships/{name}"
        document = self._overlaid(path, ())
        if document is not None:
            return [item["id"] for item in document["data"]]
        [items] = read_documents(self._service, [Listing(path, name)], name)
        return [item["id"] for item in items]

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


def _row_created(parts: Sequence[str]) -> Resource | None:
    """Return the type that a POST to this path creates; None for other paths."""
    row = RESOURCES.get(parts[-1])
    if row is None or parts == ["extension_packages"]:
        return row
    # Builds have no create verb: a library builds them.
    creators = ("libraries",) if row.type == "builds" else row.creators
    return row if len(parts) == 3 and parts[0] in creators else None


def _row_changed(method: str, parts: Sequence[str]) -> Resource | None:
    """Return the type that a PATCH or DELETE to this path changes; None for other paths."""
    row = RESOURCES.get(parts[0])
    if row is None or len(parts) != 2:
        return None
    is_deletable = "delete" in row.verbs
    is_changeable = bool(row.actions) or "update" in row.verbs
    return row if (is_deletable if method == "DELETE" else is_changeable) else None


def _row_of(resource_id: str) -> Resource:
    return RESOURCES[identifier(resource_id)["type"]]


def _relations_to(row: Resource, parent_type: str) -> list[Relation]:
    """Return the relations by which a resource names its parent of that type."""
    names = {parent_type, singular(parent_type)}
    relations = []
    for relation in row.relations:
        if parent_type in relation.targets and (
            relation.name in names or len(relation.targets) > 1
        ):
            relations.append(relation)
    return relations


def _link(resource: Document, name: str, resource_id: str) -> None:
    resource["relationships"][name] = {"data": identifier(resource_id) if resource_id else None}


def _set(resource: Document, **attributes: Any) -> None:
    """Set the attributes that resources of this type have."""
    known = {column.name for column in RESOURCES[resource["type"]].columns}
    for name, value in attributes.items():
        if name in known:
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
    for key in reversed(sort.split(",") if sort else []):
        kept.sort(key=_sort_key(key.lstrip("+-")), reverse=key.startswith("-"))
    pagination = {"current_page": 1, "total_pages": 1, "total_count": len(kept)}
    return {"data": kept, "meta": {"pagination": pagination}}


def _filtered(
    row: Resource, filters: Mapping[str, str], resources: Sequence[Document]
) -> list[Document]:
    conditions = check_filter(row, filters)
    ordered = {column.name for column in row.columns if column.kind in _ORDERED}
    for condition in conditions:
        operators = {operator for operator, _ in condition.alternatives}
        # Equality is the same everywhere. The order of texts is the service's own.
        if condition.name not in ordered and not operators <= {"EQ", "NOT", "CONTAINS"}:
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


def _sort_key(name: str) -> Callable[[Document], tuple[bool, Any]]:
    def key(resource: Document) -> tuple[bool, Any]:
        value = attribute(resource, name)
        if value is None:
            return False, 0
        return True, value if isinstance(value, (str, int, float)) else json.dumps(value)

    return key
