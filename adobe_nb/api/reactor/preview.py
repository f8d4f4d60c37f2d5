"""Preview sessions: read from the service, and answer writes without sending them.

``connect(writes="preview")`` gives a session a ``PreviewClient``. It keeps the resources that
writes would create, change or delete, and lays them over what the service answers. Ids that it
makes up begin with ``RLpreview``, ``LBpreview`` and so on.

**Shown with the writes:** resources by id; lists under a parent and at the root, with filters and
sort, on one page; revisions; the contents and the environment of libraries; to-one relations.

**Refused, because only the service knows:** search, once something was written; the contents of
a made-up build; the libraries of a resource, once the contents of a library were written; filters
and sorts by an attribute that a made-up resource lacks; bodies of raw requests that cannot be
interpreted. The error says what to do instead. A write that is refused leaves nothing behind.

**Not simulated:**

- what the service sets by itself (tokens, paths) is NA, and who changed a resource stays as it was;
- its own checks: settings against their schema, unique names, rights, what a build needs except
  the environment. A write that was previewed can still be refused;
- the numbers of revisions of components are their own, where the service counts with the rule;
- a revision does not show the notes of its head;
- upstream libraries are not linked again, and what they deliver is not marked as stale;
- a library keeps its link to an environment that was deleted;
- audit events and profiles are those of the service.
"""

import copy
import io
import itertools
import json
import re
import secrets
import threading
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from adobe_nb.api.reactor.client import Answer, Client, Params
from adobe_nb.api.reactor.filters import Condition, check_filter, check_rows, split_sort
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
from adobe_nb.api.reactor.writes import attribute, check_head, name_of, state_of
from adobe_nb.errors import ArgumentError, IncompleteResult, NotFound
from adobe_nb.forks import reset_after_fork
from adobe_nb.registry import BY_PREFIX, ID_PATTERN, RESOURCES, Relation, Resource, Verb, singular

_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "enabled": True,
        "dirty": True,
        "published": False,
        "revision_number": 0,
        "status": "succeeded",
        "availability": "development",
        "discontinued": False,
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
_STAGES = {
    "development": "development",
    "rejected": "development",
    "submitted": "staging",
    "approved": "production",
    "published": "production",
}
"""The stage of the environment that a library in each state can have."""
_ACTIONS: Mapping[str, Document] = {
    "release_private": {"availability": "private"},
    "discontinue": {"discontinued": True},
}
"""Actions that only set attributes."""
_NULL_AT_FIRST = ("deleted_at", "published_at")
"""Attributes of new resources that are known to be null."""
_LINKED = ("origin_id", "environment_id")
"""Filters on relations."""
_ORDERED = ("datetime", "integer", "number")
"""Kinds of attributes whose order is known."""
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "text": str,
    "datetime": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}
"""Types of the values of each kind of attribute; any other kind takes all."""
_VERBS: Mapping[str, Verb] = {"POST": "create", "PATCH": "update"}
_OTHER_LISTS = {"versions": "extension_packages", "rule_component_notes": "notes"}
"""Lists of the API that are not named for a type or a relation, with the type that they hold."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the writes of a session have done. It never changes once a read can see it."""

    resources: dict[str, Document] = field(default_factory=dict)
    """Created, changed and soft-deleted resources, by id."""
    gone: set[str] = field(default_factory=set)
    """Ids of resources that were deleted for good."""
    members: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Ids in a to-many relation, by the resource and the name of the relation."""
    fresh: set[str] = field(default_factory=set)
    """Ids of the resources that this write has copied or created, so that it can change them."""

    def draft(self) -> "_Kept":
        """Return a copy for the next write."""
        return _Kept(dict(self.resources), set(self.gone), dict(self.members))


class PreviewClient(Client):
    """A client that never sends a write. It reads through another client, and adds its own."""

    preview = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._service = Client(*args, **{**options, "journal": None})
        """Reads only. It refuses the made-up ids, so that none of them reaches the service."""
        self._kept = _Kept()
        self._numbers = itertools.count(1)
        self.after_fork()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Make ids of its own, and a lock that no thread holds."""
        # Without it, two preview sessions would take each other's ids for their own.
        self._session_tag = secrets.token_hex(4)
        self._writing = threading.Lock()

    def get(self, path: str, params: Iterable[tuple[str, str]] = ()) -> Document:
        """Return the document at that path, with the writes of this session. Raises as Client.get,
        and ArgumentError where their effect cannot be known.
        """
        params = tuple(params)
        document = self._view(self._kept)._overlaid(path, params)
        if document is None:
            return self._service.get(path, params)
        # A copy: what a user does to the document must not change what this session keeps.
        return copy.deepcopy(document)

    def fetch(self, path: str, params: Params) -> Answer:
        """Return a page, with the writes of this session. Raises as ``get``."""
        document = self._view(self._kept)._overlaid(path, params)
        if document is None:
            return self._service.fetch(path, params)
        # As bytes, so that the reader decodes and checks it like any other page.
        return Answer(json.dumps(document).encode())

    def post_read(self, path: str, document: Document) -> Document:
        """Search. Raises ArgumentError once something was written in this session."""
        if self._kept.resources or self._kept.gone:
            raise ArgumentError(
                "Search cannot see what this preview session has written. Use the lists of a "
                "property instead, or search in another session."
            )
        return self._service.post_read(path, document)

    def _view(self, kept: _Kept) -> "PreviewClient":
        """Return this client as of these writes, whatever other threads write meanwhile."""
        view = copy.copy(self)
        view._kept = kept
        return view

    def _knows(self, resource_id: str) -> bool:
        return resource_id in self._kept.resources or resource_id in self._kept.gone

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
        if "properties" in map(type_of, self._kept.gone):
            self._read(row, resource_id)
        if len(rest) > 1:
            return self._related(path, row, rest, params)
        if resource_id not in self._kept.resources:
            return None
        # Such as include, which would need more of the service than this resource.
        if params:
            raise ArgumentError(f"A preview session cannot apply {params[0][0]} to {path}.")
        return {"data": self._kept.resources[resource_id]}

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
        resource = self._kept.resources.get(resource_id)
        # The plain client refuses made-up ids, so only those of the service get there.
        if resource is None:
            resource = state_of(self._service, row, resource_id)
        # What was in a deleted property is deleted with it.
        self._refuse_gone(linked_id(resource, "property"), path)
        return resource

    def _refuse_gone(self, resource_id: str, path: str) -> None:
        if resource_id in self._kept.gone:
            raise NotFound(
                f"GET {path}: {resource_id} was deleted in this preview session.",
                status=404,
                code="not-found",
                method="GET",
                url=self.base_url + path,
            )

    def _linkage(self, row: Resource, resource_id: str, relation: Relation) -> Document | None:
        """Return the identifiers of ``/relationships/…``."""
        if (resource_id, relation.name) in self._kept.members:
            return {"data": list(map(identifier, self._kept.members[resource_id, relation.name]))}
        if relation.many or resource_id not in self._kept.resources:
            return None
        return _linkage_to(linked_id(self._read(row, resource_id), relation.name))

    def _to_one(self, resource_id: str, relation: Relation, path: str) -> Document:
        """Return the resource that a to-one relation leads to."""
        if resource_id in self._kept.resources:
            linked = linked_id(self._kept.resources[resource_id], relation.name)
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
        if (parent_id, name) in self._kept.members:
            members = self._kept.members[parent_id, name]
            resources = list(map(self._read, map(_row_of, members), members))
        elif (
            row.type in map(type_of, (*self._kept.resources, *self._kept.gone)) or "preview" in path
        ):
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
        for resource_id, resource in self._kept.resources.items():
            if resource_id in resources or self._belongs(resource, row, parent_id, name):
                resources[resource_id] = resource
        return list(resources.values())

    def _is_listed(self, resource: Document) -> bool:
        # Soft-deleted resources can be fetched by id, and are in no list.
        if attribute(resource, "deleted_at"):
            return False
        return self._kept.gone.isdisjoint({resource["id"], linked_id(resource, "property")})

    def _belongs(self, resource: Document, row: Resource, parent_id: str, name: str) -> bool:
        """Whether a made-up resource is in the list of that name under that parent."""
        if resource["type"] != row.type or "preview" not in resource["id"]:
            return False
        if not parent_id:
            return True
        if name == "revisions":
            return linked_id(resource, "origin") == parent_id
        # Only heads are listed under what they link to. Revisions are members of libraries.
        is_head = not attribute(resource, "revision_number")
        for relation in _relations_to(row, _row_of(parent_id).type):
            if is_head and linked_id(resource, relation.name) == parent_id:
                return True
            if parent_id in self._kept.members.get((resource["id"], relation.name), ()):
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
        with self._writing:
            # On a draft, so that a refused write leaves nothing behind.
            draft = self._view(self._kept.draft())
            document = draft._answer(write, before)
            self._kept = draft._kept
        return copy.deepcopy(document)

    def _answer(self, write: Write, before: object) -> Document | None:
        """Apply a write to this draft. Returns the response."""
        parts = write.path.strip("/").split("/")
        if parts[0] == "libraries" and parts[2:3] == ["relationships"]:
            return self._write_relationship(write, parts[1], parts[3:])
        row = _row_written(write.method, parts)
        if row is None:
            raise _not_previewed(write)
        data = _checked_data(write, row)
        if write.method == "POST":
            return {"data": self._create(row, parts, data, write.upload)}
        resource = self._current(row, parts[1], before)
        # The verbs have checked it already, raw requests have not.
        check_head(row, resource)
        if write.method == "DELETE":
            self._delete(row, resource)
            return None
        return {"data": self._change(row, resource, data, write.upload)}

    def _change(
        self, row: Resource, resource: Document, data: Document, upload: bytes | None
    ) -> Document:
        """Apply a PATCH. Returns the resource, or its new revision."""
        if upload is not None:
            resource["attributes"].update(_manifest_attributes(row, upload))
        action = data.get("meta", {}).get("action")
        if action == "revise":
            return self._revise(row, resource)
        if action is None:
            self._update(row, resource, data)
        else:
            self._act(resource, action)
        return resource

    def _current(self, row: Resource, resource_id: str, before: object = None) -> Document:
        """Return a resource that this write can change."""
        if resource_id in self._kept.fresh:
            return self._kept.resources[resource_id]
        # The API does not return every type by id, so the state that was read is used.
        is_kept = resource_id in self._kept.resources
        if not is_kept and isinstance(before, dict) and before.get("id") == resource_id:
            return self._keep(copy.deepcopy(before))
        return self._keep(copy.deepcopy(self._read(row, resource_id)))

    def _keep(self, resource: Document) -> Document:
        """Keep a resource that this write may change."""
        for part in ("attributes", "relationships", "meta"):
            resource[part] = resource.get(part) or {}
        self._kept.resources[resource["id"]] = resource
        self._kept.fresh.add(resource["id"])
        return resource

    def _new_id(self, row: Resource) -> str:
        return f"{row.prefix}preview{self._session_tag}{next(self._numbers):017d}"

    def _create(
        self, row: Resource, parts: Sequence[str], data: Document, upload: bytes | None
    ) -> Document:
        resource = self._keep(self._blank(row))
        if upload is not None:
            resource["attributes"].update(_manifest_attributes(row, upload))
        if len(parts) == 3:
            self._link_to_parent(row, resource, parts[0], parts[1])
        if row.type == "builds":
            self._build(resource, parts[1])
        self._update(row, resource, data)
        if row.type == "properties":
            self._install_core(resource)
        # The service makes the first revision of an extension when it is installed.
        if row.type == "extensions":
            self._revise(row, resource)
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
                self._kept.members[resource["id"], relation.name] = []
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
        resource["attributes"].update(data.get("attributes", {}))
        for name, link in data.get("relationships", {}).items():
            linked = link["data"]
            if row.type == "libraries" and name in CONTENTS:
                self._fill("PATCH", resource, name, linked)
            elif isinstance(linked, list):
                self._kept.members[resource["id"], name] = ids_of(linked)
            elif row.type == "libraries" and name == "environment":
                self._assign(resource, linked)
            else:
                resource["relationships"][name] = {"data": linked}
                if name == "extension_package":
                    self._copy_package(resource, linked)
        # Without secrets, as every response: what is written must not be shown.
        resource.update(public_resource(resource))
        _set(resource, updated_at=_now(), dirty=True)
        self._touch_rules(resource)

    def _touch_rules(self, component: Document) -> None:
        """Mark the rules of a component as changed since their last revision."""
        if component["type"] != "rule_components":
            return
        rule_ids = self._kept.members.get((component["id"], "rules"))
        if rule_ids is None:
            path = f"/rule_components/{component['id']}/rules"
            rule_ids = ids_of(read_list(self._service, path))
        for rule_id in rule_ids:
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
            self._touch_rules(resource)
            return
        if row.type == "libraries":
            _refuse_published(resource, "be deleted")
            self._assign(resource, None)
        del self._kept.resources[resource["id"]]
        self._kept.gone.add(resource["id"])

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
        self._keep(revision)
        if row.type == "rules":
            self._revise_components(head["id"], revision["id"])
        return revision

    def _revise_components(self, rule_id: str, revision_id: str) -> None:
        row = RESOURCES["rule_components"]
        for component_id in ids_of(self._resources_at(f"/rules/{rule_id}/rule_components")):
            revised = self._revise(row, self._current(row, component_id))
            self._kept.members[revised["id"], "rules"] = [revision_id]

    def _resources_at(self, path: str) -> list[Document]:
        """Return the whole list at a path, with the writes of this session."""
        document = self._overlaid(path, ())
        if document is None:
            return read_list(self._service, path)
        resources: list[Document] = document["data"]
        return resources

    def _write_relationship(
        self, write: Write, library_id: str, names: Sequence[str]
    ) -> Document | None:
        """Change the environment or the contents of a library."""
        name = "".join(names)
        is_environment = name == "environment" and write.method in ("PATCH", "DELETE")
        if name not in CONTENTS and not is_environment:
            raise _not_previewed(write)
        linked: Any = (masked(write.document) or {}).get("data")
        relation = RESOURCES["libraries"].relation(name)
        # The DELETE of unassign has no body.
        if relation is not None and (name in CONTENTS or linked is not None):
            _check_linkage(write, relation, linked)
        library = self._current(RESOURCES["libraries"], library_id)
        if name in CONTENTS:
            return self._fill(write.method, library, name, linked)
        _refuse_published(library, "change its environment")
        if write.method == "DELETE":
            linked = None
        self._assign(library, linked)
        return {"data": linked}

    def _fill(
        self, method: str, library: Document, name: str, items: Sequence[Document]
    ) -> Document:
        """Add, replace or remove contents of a library."""
        _refuse_published(library, "change its contents")
        state = attribute(library, "state")
        if state != "development":
            raise ArgumentError(
                f"The library {name_of(library)!r} is {state}: only the contents of libraries in "
                "development can change. Bring it back with reject and develop. Nothing was sent."
            )
        contents: dict[str, None] = {}
        if method != "PATCH":
            contents = dict.fromkeys(self._contents(library["id"], name))
        if method == "DELETE":
            for resource_id in ids_of(items):
                contents.pop(resource_id, None)
        else:
            contents |= dict.fromkeys(map(partial(self._revision_id, library), items))
            self._refuse_two_revisions(library, name, contents)
        self._kept.members[library["id"], name] = list(contents)
        _set(library, build_required=True, updated_at=_now())
        return {"data": list(map(identifier, contents))}

    def _revision_id(self, library: Document, item: Document) -> str:
        """Return the id of the revision that an identifier names or asks for."""
        row = _row_of(item["id"])
        resource = self._read(row, item["id"])
        problem = ""
        is_head = not attribute(resource, "revision_number")
        is_revised = item.get("meta", {}).get("action") == "revise"
        if attribute(resource, "deleted_at"):
            problem = "is deleted"
        elif linked_id(resource, "property") != linked_id(library, "property"):
            problem = "belongs to another property than the library"
        elif is_head and not is_revised:
            problem = "is a head, and a library holds revisions: revise it first"
        if problem:
            raise ArgumentError(f"{name_of(resource)!r} {problem}. Nothing was sent.")
        if not is_head:
            return str(item["id"])
        return str(self._revise(row, self._current(row, item["id"]))["id"])

    def _refuse_two_revisions(self, library: Document, name: str, ids: Iterable[str]) -> None:
        """Raise ArgumentError where a library would hold two revisions of one resource."""
        held: dict[str, Document] = {}
        for resource in self._resources_at(f"/libraries/{library['id']}/{name}"):
            held[resource["id"]] = resource
        heads = set()
        for resource_id in ids:
            resource = held.get(resource_id) or self._read(RESOURCES[name], resource_id)
            head = linked_id(resource, "origin")
            if head in heads:
                raise ArgumentError(
                    f"The library {name_of(library)!r} would hold two revisions of "
                    f"{name_of(resource)!r}. Remove the other one first. Nothing was sent."
                )
            heads.add(head)

    def _contents(self, library_id: str, name: str) -> list[str]:
        return ids_of(self._resources_at(f"/libraries/{library_id}/relationships/{name}"))

    def _assign(self, library: Document, environment: Document | None) -> None:
        """Link a library and an environment to each other, and release the one before."""
        row = RESOURCES["environments"]
        if environment:
            assigned = self._current(row, environment["id"])
            self._refuse_unsuitable(library, assigned)
        previous = linked_id(library, "environment")
        if previous and previous not in self._kept.gone:
            _link(self._current(row, previous), "library", "")
        if environment:
            _link(assigned, "library", library["id"])
        library["relationships"]["environment"] = {"data": environment}

    def _refuse_unsuitable(self, library: Document, environment: Document) -> None:
        """Raise ArgumentError for an environment that the library cannot have."""
        state = attribute(library, "state")
        stage = attribute(environment, "stage")
        required = _STAGES.get(state)
        if stage != required:
            raise ArgumentError(
                f"A library in state {state} requires a {required} environment, and "
                f"{name_of(environment)!r} is for {stage}. Nothing was sent."
            )
        occupant_id = linked_id(environment, "library")
        if occupant_id in {"", library["id"]}:
            return
        occupant = self._current(RESOURCES["libraries"], occupant_id)
        if attribute(occupant, "state") != "published":
            raise ArgumentError(
                f"The environment {name_of(environment)!r} holds the library "
                f"{name_of(occupant)!r}. Unassign that one first. Nothing was sent."
            )
        # A published library makes room for the next one.
        _link(occupant, "environment", "")

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
        _refuse_published(library, "be built again")
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


def _not_previewed(write: Write, problem: str = "") -> ArgumentError:
    """Return the error for a request whose effect is unknown."""
    reason = "."
    if problem:
        reason = f", because its body cannot be interpreted: {problem}."
    return ArgumentError(
        f"{write.method} {write.path} cannot be previewed{reason} Nothing was sent. Correct it, or "
        "run it in a session of connect(writes='send')."
    )


def _checked_data(write: Write, row: Resource) -> Document:
    """Return the data of a body. Raises ArgumentError unless it is a resource of that type."""
    # A DELETE, an upload and the start of a build have none.
    if write.document is None and (write.method != "PATCH" or write.upload is not None):
        return {}
    if write.method == "DELETE":
        raise _not_previewed(write, "a DELETE has no body")
    data = (masked(write.document) or {}).get("data")
    if not isinstance(data, dict) or data.get("type") != row.type:
        raise _not_previewed(write, f"data must be a resource of type {row.type}")
    for part in ("attributes", "relationships", "meta"):
        if not isinstance(data.get(part, {}), dict):
            raise _not_previewed(write, f"{part} must be an object")
    _check_action(write, row, data.get("meta", {}).get("action"))
    verb = _VERBS[write.method]
    _check_attributes(write, row, verb, data.get("attributes", {}))
    _check_relationships(write, row, verb, data.get("relationships", {}))
    return data


def _check_action(write: Write, row: Resource, action: object) -> None:
    if action is not None and (write.method == "POST" or action not in row.actions):
        raise _not_previewed(write, f"{row.type} have no action {action!r}")


def _check_relationships(write: Write, row: Resource, verb: Verb, relationships: Document) -> None:
    """Raise ArgumentError for relationships that cannot be written."""
    for name, link in relationships.items():
        relation = row.relation(name)
        if relation is None or verb not in relation.write:
            raise _not_previewed(write, f"{verb} does not take the relationship {name}")
        if not isinstance(link, dict):
            raise _not_previewed(write, f"the relationship {name} must be an object")
        _check_linkage(write, relation, link.get("data"))


def _check_attributes(write: Write, row: Resource, verb: Verb, attributes: Document) -> None:
    """Raise ArgumentError for attributes that cannot be written, or shown in a frame."""
    writable = {}
    for column in row.writable(verb):
        writable[column.name] = column
    # An older attribute such as extension_id would have to change the relation.
    for relation in row.linkable(verb):
        writable.pop(f"{relation.name}_id", None)
    for name, value in attributes.items():
        if name not in writable:
            raise _not_previewed(write, f"{verb} does not take the attribute {name}")
        column = writable[name]
        # What is write-only is masked, and never shown.
        if value is None or column.write_only:
            continue
        if not isinstance(value, _TYPES.get(column.kind, object)):
            raise _not_previewed(write, f"{name} must be of the kind {column.kind}")


def _check_linkage(write: Write, relation: Relation, linked: object) -> None:
    """Raise ArgumentError unless these are identifiers of what the relation leads to."""
    if linked is None and relation.nullable:
        return
    items: object = [linked]
    if relation.many:
        items = linked
    if not isinstance(items, list):
        raise _not_previewed(write, f"{relation.name} must be a list of identifiers")
    for item in items:
        problem = _problem_of(item, relation)
        if problem:
            raise _not_previewed(write, problem)


def _problem_of(item: object, relation: Relation) -> str:
    """Return why this is not an identifier of the relation; empty if it is one."""
    if not isinstance(item, dict) or not isinstance(item.get("meta", {}), dict):
        return f"{relation.name} must have an id and a type"
    resource_id = str(item.get("id"))
    if not ID_PATTERN.fullmatch(resource_id) or type_of(resource_id) not in relation.targets:
        return f"{resource_id!r} is not an id of {relation.targets[0]}"
    if item.get("type") != type_of(resource_id):
        return f"{resource_id} has another type"
    if item.get("meta", {}).get("action") not in (None, "revise"):
        return "the action of an identifier must be revise"
    return ""


def _refuse_published(library: Document, words: str) -> None:
    if attribute(library, "state") == "published":
        raise ArgumentError(
            f"The library {name_of(library)!r} is published, so it cannot {words}. Create another "
            "library. Nothing was sent."
        )


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
            raise ArgumentError(
                f"A preview session that has written {row.type} lists them on one page: there is "
                f"no page {value}. Leave out page[number]."
            )
        elif not name.startswith("page["):
            raise ArgumentError(
                f"A preview session cannot apply {name}={value} to {row.type}, because it has "
                "written some. Leave it out."
            )
    keys = list(split_sort(sort or None))
    _refuse_unset(row, map(itemgetter(0), keys), resources)
    kept = _filtered(row, filters, resources)
    for key, direction in reversed(keys):
        is_descending = direction == "desc"
        kept.sort(key=partial(_sort_key, key, is_descending=is_descending), reverse=is_descending)
    pagination = {"current_page": 1, "total_pages": 1, "total_count": len(kept)}
    return {"data": kept, "meta": {"pagination": pagination}}


def _filtered(
    row: Resource, filters: Mapping[str, str], resources: Sequence[Document]
) -> list[Document]:
    conditions = check_filter(row, filters)
    for condition in conditions:
        if not _can_apply(condition):
            raise ArgumentError(
                f"A preview session cannot apply the filter {condition.name}={condition.text!r} to "
                f"{row.type}, because it has written some. Filter the frame instead."
            )
    _refuse_unset(row, filters, resources)
    kept = []
    for resource in resources:
        with suppress(IncompleteResult):
            check_rows(conditions, [resource])
            kept.append(resource)
    return kept


def _can_apply(condition: Condition) -> bool:
    """Whether it is known which values the service lets pass."""
    # Responses do not contain the attribute of some filters, such as copying.
    if condition.kind is None and condition.name not in _LINKED:
        return False
    # Equality is the same everywhere. The order of texts is the service's own.
    operators = {"EQ", "NOT", "CONTAINS"}
    if condition.kind in _ORDERED:
        operators |= {"LT", "GT", "BETWEEN"}
    for operator, bounds in condition.alternatives:
        if operator not in operators or (None in bounds and operator not in {"EQ", "NOT"}):
            return False
    return True


def _refuse_unset(row: Resource, names: Iterable[str], resources: Iterable[Document]) -> None:
    """Raise ArgumentError for attributes that made-up resources lack: the service sets them."""
    unset = set(names).intersection(row.sortable).difference(_NULL_AT_FIRST)
    for resource in resources:
        if "preview" not in resource["id"]:
            continue
        for name in unset:
            if attribute(resource, name) is None:
                raise ArgumentError(
                    f"A preview session cannot filter or sort {row.type} by {name}, because only "
                    f"the service knows {name} of {resource['id']}. Use the frame instead."
                )


def _sort_key(name: str, resource: Document, *, is_descending: bool) -> tuple[bool, bool, Any]:
    """Return the key for the sort by one attribute: case is ignored, and missing values are last.

    Use it with ``reverse=is_descending``.
    """
    value = attribute(resource, name)
    if value is None:
        return not is_descending, False, 0
    if isinstance(value, (int, float)):
        return is_descending, False, value
    if not isinstance(value, str):
        value = json.dumps(value)
    return is_descending, True, value.casefold()
