"""Libraries and builds: states and transitions, environments, contents, upstream, preconditions,
publishing.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.calls import Call
from adobe_nb.simulator.documents import Linkage, Wanted
from adobe_nb.simulator.problems import Problem, conflict, not_found
from adobe_nb.simulator.revisions import origin, revise
from adobe_nb.simulator.store import Record, Store

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
    "development": "development", "rejected": "development", "submitted": "staging", "approved": "production",
    "published": "production",
}  # fmt: skip
_BUILD_RIGHTS = {"development": "develop", "staging": "approve", "production": "publish"}
_UPSTREAM = {
    "development": ("submitted", "approved", "published"),
    "rejected": ("submitted", "approved", "published"),
    "submitted": ("approved", "published"),
    "approved": ("published",),
}
_NO_BUILD = "No build found since last state change"
_CHANGED = "The contents changed after the last build"
_REPUBLISHABLE = 5


# -- libraries


def begin(call: Call, library: Record, wanted: Wanted) -> None:
    """A new library: state, upstream, and whatever the create document links to."""
    library.attributes |= {
        "state": "development",
        "published_at": None,
        "build_required": True,
        "stale": None,
    }
    library.meta = {"build_status": None, "build_required_detail": _NO_BUILD}
    library.to_one |= {"environment": None, "upstream_library": None, "last_build": None}
    library.to_one["upstream_library"] = _upstream(call.store, library)
    for kind in CONTENTS:
        _to_add(call, library, kind, wanted.linked.get(kind, ()), ())
    environment = wanted.one("environment")
    if environment is not None:
        _suitable(call.store, library, environment)


def fill(call: Call, library: Record, wanted: Wanted) -> None:
    """Put in what the create document links to, once the library is there."""
    environment = wanted.one("environment")
    if environment is not None:
        _occupy(call, library, _suitable(call.store, library, environment))
    for kind in CONTENTS:
        _put(call, library, kind, _to_add(call, library, kind, wanted.linked.get(kind, ()), ()))


def transition(call: Call, library: Record, action: str) -> None:
    """Move to the next state, which releases the environment and asks for a new build."""
    call.need(_RIGHTS[action])
    before = library.attributes["state"]
    after = _TRANSITIONS.get((before, action))
    if after is None:
        raise conflict(
            "invalid-transition", f"A library in {before} cannot {action}.", "/data/meta/action"
        )
    _release(call, library)
    library.attributes |= {"state": after, "build_required": True}
    library.meta |= {"build_status": None, "build_required_detail": _NO_BUILD}
    call.touch(library)
    refresh_upstreams(call.store, library.to_one["property"])


def assign(call: Call, library: Record, environment: Linkage | None) -> None:
    """Give the library an environment of the right stage, or none."""
    call.need("develop")
    state = library.attributes["state"]
    if state == "published":
        raise conflict("read-only", "A published library keeps its environment.")
    if environment is None:
        _release(call, library)
        call.touch(library)
        return
    _occupy(call, library, _suitable(call.store, library, environment))
    call.touch(library)


def _suitable(store: Store, library: Record, environment: Linkage) -> Record:
    """The environment, if the library may have it. Raises Problem."""
    state = library.attributes["state"]
    found = store.get(*environment.here)
    if found is None or found.to_one["property"] != library.to_one["property"]:
        raise not_found(f"/environments/{environment.id}")
    stage = found.attributes["stage"]
    if stage != _STAGES[state]:
        detail = (
            f"A library in {state} takes a {_STAGES[state]} environment, this one is for {stage}."
        )
        raise conflict("invalid-environment", detail)
    occupant = store.of(found, "library")
    if (
        occupant is not None
        and occupant is not library
        and occupant.attributes["state"] != "published"
    ):
        detail = f"{found.attributes['name']} holds the library {occupant.attributes['name']}."
        raise conflict("environment-in-use", detail)
    return found


def _occupy(call: Call, library: Record, environment: Record) -> None:
    """A published library makes room; one that is on its way does not get here."""
    occupant = call.store.of(environment, "library")
    if occupant is not None and occupant is not library:
        _release(call, occupant)
    _release(call, library)
    environment.to_one["library"] = library.here
    library.to_one["environment"] = environment.here
    call.store.changed(environment, library)


def change_contents(
    call: Call, library: Record, kind: str, items: Sequence[Linkage], how: str
) -> list[Record]:
    """POST adds, PATCH replaces, DELETE removes; all or nothing. The answer is what the library
    holds then.
    """
    call.need("develop")
    if library.attributes["state"] != "development":
        raise conflict(
            "read-only",
            f"The library is {library.attributes['state']}; only in development it changes.",
        )
    held = call.store.listed(library.id, kind)
    if how == "DELETE":
        wanted = {item.id for item in items}
        for record in held:
            if record.id in wanted:
                _take(call, library, kind, record)
    elif how == "PATCH":
        kept = [record for record in held if record.id in {item.id for item in items}]
        new = _to_add(call, library, kind, items, kept)
        for record in held:
            if record not in kept:
                _take(call, library, kind, record)
        _put(call, library, kind, new)
    else:
        _put(call, library, kind, _to_add(call, library, kind, items, held))
    library.attributes["build_required"] = True
    if library.meta.get("build_status"):
        library.meta["build_required_detail"] = _CHANGED
    call.touch(library)
    return call.store.listed(library.id, kind)


def leave(call: Call, library: Record) -> None:
    """What a deleted library leaves behind: its builds stay with the environment."""
    if library.attributes["state"] == "published":
        raise conflict("read-only", "A published library cannot be deleted.")
    _release(call, library)


def refresh_upstreams(store: Store, owner: Any) -> None:
    """After any library moved: those that inherit from another one now are stale."""
    for library in store.listed(owner[1], "libraries") if owner else ():
        if library.attributes["state"] == "published":
            continue
        upstream = _upstream(store, library)
        if upstream != library.to_one["upstream_library"]:
            library.to_one["upstream_library"] = upstream
            _is_stale(store, library, "upstream_changed")


def extension_upgraded(call: Call, extension: Record) -> None:
    """Libraries on their way now have to carry the new version."""
    owner = extension.to_one["property"]
    for library in call.store.listed(owner[1], "libraries") if owner else ():
        if library.attributes["state"] != "published":
            _is_stale(call.store, library, "extension_upgraded")


def _is_stale(store: Store, library: Record, why: str) -> None:
    library.attributes |= {"stale": why, "build_required": True}
    store.changed(library)


def _upstream(store: Store, library: Record) -> Any:
    owner = library.to_one["property"]
    others = (
        [each for each in store.listed(owner[1], "libraries") if each is not library]
        if owner
        else []
    )
    for state in _UPSTREAM[library.attributes["state"]]:
        found = [each for each in others if each.attributes["state"] == state]
        if found:
            return max(
                found,
                key=lambda each: each.attributes["published_at"] or each.attributes["created_at"],
            ).here
    return None


def _release(call: Call, library: Record) -> None:
    environment = call.store.of(library, "environment")
    if environment is not None and environment.to_one["library"] == library.here:
        environment.to_one["library"] = None
        call.store.changed(environment)
    library.to_one["environment"] = None
    call.store.changed(library)


def _to_add(
    call: Call, library: Record, kind: str, items: Iterable[Linkage], held: Iterable[Record]
) -> list[tuple[Record, bool]]:
    """The records to put in, with whether they are to be revised first; everything is checked
    before anything is.
    """
    taken = {origin(record): record.id for record in held}
    found: list[tuple[Record, bool]] = []
    for item in items:
        record = call.store.get(*item.here)
        if record is None:
            raise not_found(f"/{item.type}/{item.id}")
        if record.to_one["property"] != library.to_one["property"]:
            raise conflict(
                f"invalid-{RESOURCES[kind].singular}", f"{item.id} belongs to another property."
            )
        head = call.store.get(*origin(record))
        if record.deleted or (head is not None and head.deleted):
            raise conflict("deleted-resources", f"{item.id} is deleted.")
        if record.is_head and not item.revise:
            detail = (
                f"{record.attributes['name']} needs to be revised before it goes into a library."
            )
            raise conflict(f"invalid-{RESOURCES[kind].singular}", detail)
        before = taken.get(origin(record))
        if before == record.id:
            continue
        if before is not None:
            detail = f"The library holds another revision of {record.attributes['name']}."
            raise conflict("multiple-revisions", detail)
        taken[origin(record)] = record.id
        found.append((record, record.is_head))
    return found


def _put(call: Call, library: Record, kind: str, records: Iterable[tuple[Record, bool]]) -> None:
    for record, to_revise in records:
        revision = revise(call, record) if to_revise else record
        call.store.link(library.id, kind, revision)
        call.store.link(revision.id, "libraries", library)


def _take(call: Call, library: Record, kind: str, record: Record) -> None:
    call.store.unlink(library.id, kind, record)
    call.store.unlink(record.id, "libraries", library)


# -- builds


def build(call: Call, library: Record) -> Record:
    """Begin a build of the library for its environment. Raises Problem when something is missing."""
    environment = _check_build(call, library)
    store = call.store
    moment = store.now()
    attributes = {
        "created_at": moment,
        "updated_at": moment,
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
    """Make a build of the library: it holds what the library delivers now, upstream libraries
    included.
    """
    record.to_one = {
        "environment": environment.here,
        "library": library.here,
        "property": library.to_one["property"],
    }
    record.meta = addresses(environment, record.attributes["token"])
    store.add(record, environment.id, library.id)
    for kind in CONTENTS:
        for revision in _effective(store, library, kind).values():
            store.link(record.id, kind, revision)
    library.to_one["last_build"] = record.here


def mark_built(library: Record) -> None:
    """The library's last build succeeded and holds all that the library delivers."""
    library.attributes |= {"build_required": False, "stale": None}
    library.meta["build_status"] = "succeeded"
    library.meta.pop("build_required_detail", None)


def addresses(environment: Record, token: str) -> dict[str, Any]:
    """Where a build of that environment is served."""
    file = environment.attributes["library_name"]
    place = f"{folder(environment.attributes['stage'])}/{environment.attributes['library_path']}"
    return {
        # Where a server of somebody else serves it is not for us to say.
        "artifact_url": f"{place}/{file}" if file else None,
        "direct_artifact_url": f"{place}/{token}/{file}" if file else None,
        "archive": bool(environment.attributes["archive"]),
        "host_type_of": "akamai" if file else "sftp",
    }


def folder(stage: str) -> str:
    """Where a host managed by Adobe serves environments of that stage."""
    return "https://assets.adobedtm.com" + ("" if stage == "production" else "/staging")


def file_names(stage: str, token: str, library_path: str) -> dict[str, Any]:
    """The attributes of an environment that name its files."""
    suffix = "" if stage == "production" else f"-{stage}"
    minified, readable = f"launch-{token}{suffix}.min.js", f"launch-{token}{suffix}.js"
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
    """Deliver a former production build once more."""
    call.need("publish")
    library, environment = call.store.of(record, "library"), call.store.of(record, "environment")
    if library is None or environment is None or library.attributes["state"] != "published":
        raise conflict("invalid-build", "Only builds of published libraries can be republished.")
    siblings = [
        each
        for each in call.store.listed((library.to_one["property"] or ("", ""))[1], "libraries")
        if each.attributes["state"] == "published"
    ]
    newest = sorted(siblings, key=lambda each: each.attributes["published_at"], reverse=True)[
        :_REPUBLISHABLE
    ]
    if library not in newest or library.to_one["last_build"] != record.here:
        raise conflict(
            "invalid-build",
            "Only the builds of the five newest published libraries can be republished.",
        )
    if record.meta["host_type_of"] != "akamai" or environment.attributes["archive"]:
        raise conflict(
            "invalid-build",
            "Only builds on a host managed by Adobe, not archived, can be republished.",
        )
    record.meta["republish_status"] = "pending"
    call.touch(record)

    def done() -> None:
        record.meta["republish_status"] = "succeeded"
        call.store.changed(record)

    call.store.later(call.options.build_seconds, done)


def _check_build(call: Call, library: Record) -> Record:
    environment = call.store.of(library, "environment")
    call.need(_BUILD_RIGHTS[_STAGES[library.attributes["state"]]])
    if library.attributes["state"] == "published":
        raise conflict("read-only", "The library is published already.")
    if environment is None:
        raise conflict("environment-required", "The library has no environment.")
    host = call.store.of(environment, "host")
    if host is None or host.attributes["status"] != "succeeded":
        raise conflict(
            "host-required",
            f"The environment {environment.attributes['name']} has no working host.",
        )
    upstream = call.store.of(library, "upstream_library")
    if upstream is not None and not _was_built(call.store, upstream):
        raise conflict(
            "upstream-build-required", f"{upstream.attributes['name']} has no successful build."
        )
    extensions = _effective(call.store, library, "extensions")
    for kind in ("data_elements", "rules"):
        for record in _effective(call.store, library, kind).values():
            for needed in _needed_extensions(call.store, record):
                if needed not in extensions:
                    raise _missing_extension(call.store, record, needed)
    for head in call.store.listed((library.to_one["property"] or ("", ""))[1], "extensions"):
        _check_upgrade(call.store, head, extensions.get(head.here))
    return environment


def _was_built(store: Store, library: Record) -> bool:
    """Whether the library has a successful build, be it of an earlier state.

    An approved library can be built on production only, which publishes it: if only a build of the
    present state counted, nothing downstream of an approved library could be built.
    """
    return any(
        build.attributes["status"] == "succeeded" for build in store.listed(library.id, "builds")
    )


def _missing_extension(store: Store, record: Record, needed: Any) -> Problem:
    extension = store.get(*needed)
    name = extension.attributes["name"] if extension else needed[1]
    return conflict(
        "extension-not-found", f"{record.attributes['name']} needs the extension {name}."
    )


def _check_upgrade(store: Store, head: Record, carried: Record | None) -> None:
    """An upgraded extension that was published before has to be in every library until the upgrade
    is published.
    """
    published = [
        each for each in store.listed(head.id, "revisions") if each.attributes["published"]
    ]
    if head.deleted or not published:
        return
    package = head.to_one["extension_package"]
    if any(each.to_one["extension_package"] == package for each in published):
        return
    if carried is None or carried.to_one["extension_package"] != package:
        name, version = head.attributes["name"], head.attributes["version"]
        raise conflict(
            "upgraded-extension-required",
            f"{name} was upgraded to {version}; the library lacks that.",
        )


def _needed_extensions(store: Store, record: Record) -> list[Any]:
    parts = store.listed(record.id, "rule_components") if record.type == "rules" else [record]
    needed = [store.of(part, "extension") for part in parts if not part.deleted]
    return [origin(extension) for extension in needed if extension is not None]


def _effective(store: Store, library: Record, kind: str) -> dict[Any, Record]:
    """What the library delivers, by head: its own revisions, and those of its upstream that it does
    not replace.
    """
    found: dict[Any, Record] = {}
    place: Record | None = library
    seen: set[str] = set()
    while place is not None and place.id not in seen:
        seen.add(place.id)
        for record in store.listed(place.id, kind):
            head = store.get(*origin(record))
            if head is None or not head.deleted:
                found.setdefault(origin(record), record)
        place = store.of(place, "upstream_library")
    return found


def _finish(call: Call, record: Record, library: Record, environment: Record) -> None:
    store = call.store
    if store.get(*record.here) is None:
        return
    failed = call.options.failing_builds
    record.attributes["status"] = "failed" if failed else "succeeded"
    if failed:
        detail = "Custom code could not be compiled: Unexpected token (1:12)"
        record.meta["status_details"] = {"errors": [details("minification-error", detail)]}
    call.touch(record)
    there = store.get(*library.here) is not None
    # A library that has moved meanwhile waits for no build, even when it has come back.
    if (
        not there
        or library.to_one["last_build"] != record.here
        or library.meta["build_status"] != "pending"
    ):
        return
    library.meta["build_status"] = record.attributes["status"]
    if not failed and _is_up_to_date(store, library, record):
        mark_built(library)
    if not failed and environment.attributes["stage"] == "production":
        _publish(call, library)
    call.touch(library)
    refresh_upstreams(store, library.to_one["property"])


def _is_up_to_date(store: Store, library: Record, record: Record) -> bool:
    """Whether the build has what the library would deliver now: it may have changed while it was
    built.
    """
    return all(
        {each.id for each in store.listed(record.id, kind)}
        == {each.id for each in _effective(store, library, kind).values()}
        for kind in CONTENTS
    )


def _publish(call: Call, library: Record) -> None:
    moment = call.store.now()
    library.attributes |= {"state": "published", "published_at": moment}
    for kind in CONTENTS:
        for revision in call.store.listed(library.id, kind):
            for each in (revision, *call.store.listed(revision.id, "rule_components")):
                each.attributes |= {
                    "published": True,
                    "published_at": each.attributes["published_at"] or moment,
                }
                call.store.changed(each)


def details(code: str, detail: str) -> dict[str, Any]:
    """An error object of something that failed later, in ``meta.status_details``."""
    return {
        "id": str(uuid.uuid4()),
        "status": "409",
        "code": code,
        "title": code.replace("-", " ").capitalize(),
        "detail": detail,
    }
