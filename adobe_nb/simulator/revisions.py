"""Heads and revisions: what can be changed, and how a head is frozen."""

from typing import Any

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.calls import Call
from adobe_nb.simulator.problems import conflict
from adobe_nb.simulator.store import Identifier, Record, Store


def state(moment: str, *, dirty: bool = True) -> dict[str, Any]:
    """The attributes that say where a new head stands."""
    return {
        "created_at": moment,
        "updated_at": moment,
        "deleted_at": None,
        "dirty": dirty,
        "published": False,
        "published_at": None,
        "revision_number": 0,
    }


def origin(record: Record) -> Identifier:
    """The head that a record is, or was cut from."""
    return record.to_one.get("origin") or record.here


def newest(store: Store, head: Record) -> Record:
    """The newest revision of a head; the head itself before the first one."""
    revisions = [each for each in store.listed(head.id, "revisions") if not each.is_head]
    return max(revisions, key=lambda each: int(each.attributes["revision_number"]), default=head)


def editable(record: Record) -> None:
    """Raises Problem for what cannot be changed: revisions, and what is deleted."""
    if record.deleted:
        raise conflict("deleted-resources", f"This {RESOURCES[record.type].singular} is deleted.")
    if not record.is_head:
        raise conflict("read-only", "A revision cannot be changed. Change the head, its origin.")


def revise(call: Call, head: Record) -> Record:
    """Freeze the head into its next revision, a rule with its components. The answer is the new
    revision.
    """
    editable(head)
    store = call.store
    number = head.meta.get("latest_revision_number", 0) + 1
    revision = _copy(call, head, number)
    store.add(revision)
    store.link(head.id, "revisions", revision)
    for note in store.listed(head.id, "notes"):
        store.link(revision.id, "notes", note)
    if head.type == "rules":
        for component in store.listed(head.id, "rule_components"):
            if component.deleted:
                continue
            copy = _copy(call, component, number)
            store.add(copy, revision.id)
            store.link(copy.id, "rules", revision)
            for note in store.listed(component.id, "notes"):
                store.link(copy.id, "notes", note)
            _is_captured(call, component, number)
    _is_captured(call, head, number)
    call.created(revision)
    return revision


def _copy(call: Call, head: Record, number: int) -> Record:
    moment = call.store.now()
    attributes = {**head.attributes, "revision_number": number, "dirty": False}
    attributes |= {
        "created_at": moment,
        "updated_at": moment,
        "published": False,
        "published_at": None,
    }
    meta = {**head.meta, "latest_revision_number": number}
    copy = Record(head.type, call.store.new_id(head.type), attributes, dict(head.to_one), meta)
    call.by(copy, "created", "updated")
    return copy


def _is_captured(call: Call, head: Record, number: int) -> None:
    head.meta["latest_revision_number"] = number
    head.attributes["dirty"] = False
    call.store.changed(head)
