"""Libraries and builds: states, environments, contents, upstream libraries, and publishing."""

import uuid
from collections.abc import Container, Iterable, Sequence
from operator import itemgetter
from typing import Any

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.calls import Call, Change
from adobe_nb.simulator.documents import Linkage
from adobe_nb.simulator.problems import conflict, not_found
from adobe_nb.simulator.revisions import origin, revise
from adobe_nb.simulator.store import Identifier, Record, Store

CONTENTS = ("extensions", "data_elements", "rules")
_TRANSITIONS = {
    ("development", "submit"): "submitted",
    ("submitted", "approve"): "approved",
    ("submitted", "reject"): "rejected",
    ("approved", "reject"): "rejected",
    ("rejected", "develop"): "development",
}
_RIGHTS = {"submit": "develop", "approve": "approve", "reject": "approve", "develop": "develop"}
_STAGES = {
    "development": "development",
    "rejected": "development",
    "submitted": "staging",
    "approved": "production",
    "published": "production",
}
"""The stage of environment that a library in each state can have."""
_BUILD_RIGHTS = {"development": "develop", "staging": "approve", "production": "publish"}
_UPSTREAM = {
    "development": ("submitted", "approved", "published"),
    "rejected": ("submitted", "approved", "published"),
    "submitted": ("approved", "published"),
    "approved": ("published",),
}
"""The states from which a library in each state but ``published`` inherits, nearest first."""
_NOT_BUILT = {
    "build_status": None,
    "build_required_detail": "No build found since last state change",
}
_CHANGED = "The contents changed after the last build"
_MAX_REPUBLISHED = 5
_ASSETS = "https://assets.adobedtm.com"


# -- libraries


def begin(change: Change) -> None:
    """Prepare a new library, and check what the document links to."""
    library = change.record
    library.meta = dict(_NOT_BUILT)
    library.to_one["upstream_library"] = _upstream(change.store, library)
    _linked(change)


def fill(change: Change) -> None:
    """Assign the environment and the contents that the document links to."""
    environment, contents = _linked(change)
    if environment is not None:
        _occupy(change.store, change.record, environment)
    _put(change.call, change.record, contents)


def _linked(change: Change) -> tuple[Record | None, list[Record]]:
    """Return the environment and the contents that the document links to, once checked."""
    library, payload = change.record, change.payload
    items: list[Linkage] = []
    for kind in CONTENTS:
        items += payload.linked.get(kind, ())
    contents = _check_contents(change.store, library, items, ())
    return _suitable(change.store, library, payload.one("environment")), contents


def transition(call: Call, library: Record, action: str) -> None:
    """Move a library to its next state, where it needs another environment and a new build."""
    call.need(_RIGHTS[action])
    state = library["state"]
    if (state, action) not in _TRANSITIONS:
        raise conflict(
            "invalid-transition",
            f"Cannot {action} a library in state {state}.",
            "/data/meta/action",
        )
    # Each state needs an environment of another stage, so Adobe releases the current one.
    _release(call.store, library)
    library.attributes |= {"state": _TRANSITIONS[state, action], "build_required": True}
    library.meta |= _NOT_BUILT
    call.touch(library)
    refresh_upstreams(call.store, library.to_one["property"])


def assign(call: Call, library: Record, environment: Linkage | None) -> None:
    """Assign an environment of the right stage to a library, or release its environment."""
    call.need("develop")
    if library["state"] == "published":
        raise conflict("read-only", "A published library keeps its environment.")
    suitable = _suitable(call.store, library, environment)
    if suitable is None:
        _release(call.store, library)
    else:
        _occupy(call.store, library, suitable)
    call.touch(library)


def _suitable(store: Store, library: Record, linkage: Linkage | None) -> Record | None:
    """Return the environment that a document links to, if the library can have it."""
    if linkage is None:
        return None
    environment = store.get(*linkage.here)
    if environment is None or environment.to_one["property"] != library.to_one["property"]:
        raise not_found(f"/environments/{linkage.id}")
    stage = _STAGES[library["state"]]
    if environment["stage"] != stage:
        raise conflict(
            "invalid-environment",
            f"A library in state {library['state']} requires a {stage} environment, "
            f"not a {environment['stage']} environment.",
        )
    occupant = store.of(environment, "library")
    if occupant not in {None, library} and occupant["state"] != "published":
        raise conflict(
            "environment-in-use", f"{environment['name']} holds the library {occupant['name']}."
        )
    return environment


def _occupy(store: Store, library: Record, environment: Record) -> None:
    # Only a published library can still be there: it makes room for the next one.
    occupant = store.of(environment, "library")
    if occupant is not None:
        _release(store, occupant)
    _release(store, library)
    environment.to_one["library"] = library.here
    library.to_one["environment"] = environment.here
    store.changed(environment, library)


def _release(store: Store, library: Record) -> None:
    environment = store.of(library, "environment")
    if environment is not None:
        environment.to_one["library"] = None
        store.changed(environment)
    library.to_one["environment"] = None
    store.changed(library)


def change_contents(
    call: Call, library: Record, kind: str, items: Sequence[Linkage], method: str
) -> list[Record]:
    """Add (POST), replace (PATCH) or remove (DELETE) resources of one type, all or none.

    Return what the library holds afterwards.
    """
    call.need("develop")
    if library["state"] != "development":
        raise conflict(
            "read-only",
            f"The library is {library['state']}. Only libraries in development can change.",
        )
    store = call.store
    held = store.listed(library.id, kind)
    ids = {item.id for item in items}
    named = [record for record in held if record.id in ids]
    added: list[Record] = []
    removed: set[Record] = set()
    if method == "DELETE":
        removed = set(named)
    elif method == "PATCH":
        added = _check_contents(store, library, items, named)
        removed = set(held) - set(named)
    else:
        added = _check_contents(store, library, items, held)
    for record in removed:
        store.unlink(library.id, kind, record)
        store.unlink(record.id, "libraries", library)
    _put(call, library, added)
    library["build_required"] = True
    # Without a build in this state, the reason stays that there is none.
    if library.meta.get("build_status"):
        library.meta["build_required_detail"] = _CHANGED
    call.touch(library)
    return store.listed(library.id, kind)


def leave(call: Call, library: Record) -> None:
    """Release the environment of a library that is deleted. Its builds stay there."""
    if library["state"] == "published":
        raise conflict("read-only", "A published library cannot be deleted.")
    _release(call.store, library)


def refresh_upstreams(store: Store, owner: Identifier | None) -> None:
    """Update the upstream libraries in a property, after one of its libraries changed state."""
    for library in _libraries(store, owner, _UPSTREAM):
        upstream = _upstream(store, library)
        if upstream != library.to_one["upstream_library"]:
            library.to_one["upstream_library"] = upstream
            _mark_stale(store, library, "upstream_changed")


def extension_upgraded(call: Call, extension: Record) -> None:
    """Mark the libraries that must carry the new version of an extension from now on."""
    for library in _libraries(call.store, extension.to_one["property"], _UPSTREAM):
        _mark_stale(call.store, library, "extension_upgraded")


def _libraries(store: Store, owner: Identifier | None, states: Container[str]) -> list[Record]:
    """Return the libraries of a property that are in one of the states."""
    _, property_id = owner or ("", "")
    libraries = store.listed(property_id, "libraries")
    return [library for library in libraries if library["state"] in states]


def _mark_stale(store: Store, library: Record, reason: str) -> None:
    library.attributes |= {"stale": reason, "build_required": True}
    store.changed(library)


def _upstream(store: Store, library: Record) -> Identifier | None:
    """Return the newest library in the nearest state upstream."""
    for state in _UPSTREAM[library["state"]]:
        upstream = _libraries(store, library.to_one["property"], (state,))
        if upstream:
            return max(upstream, key=_date).here
    return None


def _date(library: Record) -> str:
    return str(library["published_at"] or library["created_at"])


def _check_contents(
    store: Store, library: Record, items: Iterable[Linkage], held: Sequence[Record]
) -> list[Record]:
    """Return the records to add, without those that the library holds already.

    A head among them is to be revised first: that happens once everything is checked.
    """
    taken = dict(zip(map(origin, held), held, strict=True))
    added: list[Record] = []
    for item in items:
        record = _content(store, library, item)
        head = origin(record)
        if head not in taken:
            taken[head] = record
            added.append(record)
        elif taken[head] is not record:
            raise conflict(
                "multiple-revisions", f"The library holds another revision of {record['name']}."
            )
    return added


def _content(store: Store, library: Record, item: Linkage) -> Record:
    """Return a record that can be added to the library."""
    record = store.get(*item.here)
    if record is None:
        raise not_found(f"/{item.type}/{item.id}")
    code = f"invalid-{RESOURCES[item.type].singular}"
    if record.to_one["property"] != library.to_one["property"]:
        raise conflict(code, f"{item.id} belongs to another property.")
    head = store.get(*origin(record))
    if record.deleted or (head is not None and head.deleted):
        raise conflict("deleted-resources", f"{item.id} is deleted.")
    # Libraries hold revisions only. Adobe revises a head itself if the linkage asks for it.
    if record.is_head and not item.revise:
        raise conflict(
            code, f"{record['name']} needs to be revised before it is added to a library."
        )
    return record


def _put(call: Call, library: Record, records: Iterable[Record]) -> None:
    for record in records:
        revision = record
        if record.is_head:
            revision = revise(call, record)
        call.store.link(library.id, revision.type, revision)
        call.store.link(revision.id, "libraries", library)


# -- builds


def build(call: Call, library: Record) -> Record:
    """Start a build of the library for its environment."""
    store = call.store
    environment = _check_build(call, library)
    timestamp = store.now()
    attributes = {
        "created_at": timestamp,
        "updated_at": timestamp,
        "status": "pending",
        "token": store.new_token(),
    }
    record = Record("builds", store.new_id("builds"), attributes)
    deliver(store, record, library, environment)
    library.meta["build_status"] = "pending"
    store.changed(library)
    store.later(call.options.build_seconds, lambda: _finish(call, record, library, environment))
    return call.created(record)


def deliver(store: Store, record: Record, library: Record, environment: Record) -> None:
    """Store a build of what the library delivers now, upstream libraries included."""
    record.to_one = {
        "environment": environment.here,
        "library": library.here,
        "property": library.to_one["property"],
    }
    record.meta = addresses(environment, record["token"])
    store.add(record, environment.id, library.id)
    for kind in CONTENTS:
        for revision in _delivered(store, library, kind).values():
            store.link(record.id, kind, revision)
    library.to_one["last_build"] = record.here


def mark_built(library: Record) -> None:
    """Record that the last build succeeded and holds all that the library delivers."""
    library.attributes |= {"build_required": False, "stale": None}
    library.meta["build_status"] = "succeeded"
    library.meta.pop("build_required_detail", None)


def addresses(environment: Record, token: str) -> dict[str, Any]:
    """Return the meta of a build: its URLs, for which only Adobe-managed hosts are known."""
    meta: dict[str, Any] = {
        "artifact_url": None,
        "direct_artifact_url": None,
        "archive": bool(environment["archive"]),
        "host_type_of": "sftp",
    }
    name = environment["library_name"]
    if name:
        url = f"{folder(environment['stage'])}/{environment['library_path']}"
        meta["artifact_url"] = f"{url}/{name}"
        meta["direct_artifact_url"] = f"{url}/{token}/{name}"
        meta["host_type_of"] = "akamai"
    return meta


def folder(stage: str) -> str:
    """Return the base URL of environments of a stage on an Adobe-managed host."""
    if stage == "production":
        return _ASSETS
    return f"{_ASSETS}/staging"


def file_names(stage: str, token: str, library_path: str) -> dict[str, Any]:
    """Return the attributes of an environment that name its files."""
    name = f"launch-{token}-{stage}".removesuffix("-production")
    minified, readable = f"{name}.min.js", f"{name}.js"
    readable_path = f"{library_path}/{readable}"
    return {
        "library_path": library_path,
        "library_name": minified,
        "library_entry_points": [
            {
                "library_name": minified,
                "minified": True,
                "references": [f"{library_path}/{minified}"],
                "license_path": readable_path,
            },
            {"library_name": readable, "minified": False, "references": [readable_path]},
        ],
    }


def republish(call: Call, record: Record) -> None:
    """Deliver an earlier production build again."""
    call.need("publish")
    _check_republish(call.store, record)
    record.meta["republish_status"] = "pending"
    call.touch(record)

    def finish() -> None:
        record.meta["republish_status"] = "succeeded"
        call.store.changed(record)

    call.store.later(call.options.build_seconds, finish)


def _check_republish(store: Store, record: Record) -> None:
    library, environment = store.of(record, "library"), store.of(record, "environment")
    if library is None or environment is None or library["state"] != "published":
        raise conflict("invalid-build", "Only builds of published libraries can be republished.")
    published = _libraries(store, library.to_one["property"], ("published",))
    newest = sorted(published, key=_date, reverse=True)[:_MAX_REPUBLISHED]
    if library not in newest or library.to_one["last_build"] != record.here:
        raise conflict(
            "invalid-build",
            "Only builds of the five newest published libraries can be republished.",
        )
    if record.meta["host_type_of"] != "akamai" or environment["archive"]:
        raise conflict(
            "invalid-build",
            "Only builds on an Adobe-managed host, not archived, can be republished.",
        )


def _check_build(call: Call, library: Record) -> Record:
    """Check the preconditions of a build. Return the environment to build for."""
    store = call.store
    environment = store.of(library, "environment")
    call.need(_BUILD_RIGHTS[_STAGES[library["state"]]])
    if library["state"] == "published":
        raise conflict("read-only", "The library is already published.")
    if environment is None:
        raise conflict("environment-required", "The library has no environment.")
    host = store.of(environment, "host")
    if host is None or host["status"] != "succeeded":
        raise conflict(
            "host-required", f"The environment {environment['name']} has no working host."
        )
    upstream = store.of(library, "upstream_library")
    if upstream is not None:
        # A build of an earlier state counts too. A production build of an approved library
        # publishes it: if only that one counted, no library downstream of an approved one could be
        # built.
        statuses = map(itemgetter("status"), store.listed(upstream.id, "builds"))
        if "succeeded" not in statuses:
            detail = f"{upstream['name']} has no successful build."
            raise conflict("upstream-build-required", detail)
    extensions = _delivered(store, library, "extensions")
    _check_extensions(store, library, extensions)
    owner = store.property_of(library)
    for head in store.listed(owner.id, "extensions"):
        _check_upgrade(store, head, extensions.get(head.here))
    return environment


def _check_extensions(store: Store, library: Record, extensions: dict[Identifier, Record]) -> None:
    """Each data element and component requires its extension, in the library or upstream."""
    for kind in ("data_elements", "rules"):
        for record in _delivered(store, library, kind).values():
            # A data element has an extension, a rule has components that do.
            for part in (record, *store.listed(record.id, "rule_components")):
                extension = store.of(part, "extension")
                if extension is not None and origin(extension) not in extensions:
                    detail = f"{record['name']} requires the extension {extension['name']}."
                    raise conflict("extension-not-found", detail)


def _check_upgrade(store: Store, head: Record, delivered: Record | None) -> None:
    """Every library must carry an upgraded extension, until the upgrade is published.

    An extension that was never published is exempt.
    """
    package = head.to_one["extension_package"]
    revisions = store.listed(head.id, "revisions")
    published = filter(itemgetter("published"), revisions)
    packages = [record.to_one["extension_package"] for record in published]
    if not packages or package in packages:
        return
    if delivered is None or delivered.to_one["extension_package"] != package:
        raise conflict(
            "upgraded-extension-required",
            f"The library lacks {head['name']} {head['version']}, an upgraded extension.",
        )


def _delivered(store: Store, library: Record, kind: str) -> dict[Identifier, Record]:
    """Return what the library delivers by head: its own revisions, then those from upstream."""
    records: dict[Identifier, Record] = {}
    source: Record | None = library
    seen: set[str] = set()
    while source is not None and source.id not in seen:
        seen.add(source.id)
        for record in store.listed(source.id, kind):
            head = store.get(*origin(record))
            if head is None or not head.deleted:
                records.setdefault(origin(record), record)
        source = store.of(source, "upstream_library")
    return records


def _finish(call: Call, record: Record, library: Record, environment: Record) -> None:
    store = call.store
    # The property may have been deleted, and its builds with it.
    if store.get(*record.here) is None:
        return
    record["status"] = "succeeded"
    if call.options.failing_builds:
        record["status"] = "failed"
        detail = "Custom code could not be compiled: Unexpected token (1:12)"
        record.meta["status_details"] = {"errors": [details("minification-error", detail)]}
    call.touch(record)
    is_last = library.to_one["last_build"] == record.here
    # A library that changed state since then does not wait for this build, even when it came back.
    is_awaited = is_last and library.meta["build_status"] == "pending"
    if not is_awaited or store.get(*library.here) is None:
        return
    library.meta["build_status"] = record["status"]
    if record["status"] == "succeeded":
        if _is_up_to_date(store, library, record):
            mark_built(library)
        # Adobe publishes a library by itself once its production build succeeds.
        if environment["stage"] == "production":
            _publish(call, library)
    call.touch(library)
    refresh_upstreams(store, library.to_one["property"])


def _is_up_to_date(store: Store, library: Record, record: Record) -> bool:
    """Return whether the build still has what the library delivers."""
    for kind in CONTENTS:
        delivered = _delivered(store, library, kind).values()
        if set(store.listed(record.id, kind)) != set(delivered):
            return False
    return True


def _publish(call: Call, library: Record) -> None:
    store = call.store
    timestamp = store.now()
    library.attributes |= {"state": "published", "published_at": timestamp}
    for kind in CONTENTS:
        for revision in store.listed(library.id, kind):
            for record in (revision, *store.listed(revision.id, "rule_components")):
                record["published"] = True
                record["published_at"] = record["published_at"] or timestamp
                store.changed(record)


def details(code: str, detail: str) -> dict[str, Any]:
    """Return the error object of a later failure, for ``meta.status_details``."""
    return {
        "id": str(uuid.uuid4()),
        "status": "409",
        "code": code,
        "title": code.replace("-", " ").capitalize(),
        "detail": detail,
    }
