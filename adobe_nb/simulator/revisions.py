"""Heads and revisions: what can be changed, and how a head is frozen."""

from typing import Any

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator.calls import Call
from adobe_nb.simulator.problems import conflict
from adobe_nb.simulator.store import Identifier, Record, Store


def state(moment: str, *, dirty: bool = True) -> dict[str, Any]:
    """Return the attributes of a new head that describe its history."""
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
    """Return the head of a revision. A head is its own origin."""
    return record.to_one.get("origin") or record.here


def newest(store: Store, head: Record) -> Record:
    """Return the newest revision of a head, or the head if it has none."""
    number = head.meta.get("latest_revision_number", 0)
    for revision in store.listed(head.id, "revisions"):
        if revision["revision_number"] == number:
            return revision
    return head


def editable(record: Record) -> None:
    """Raise Problem for records that cannot be changed: revisions, and deleted ones."""
    if record.deleted:
        raise conflict("deleted-resources", f"This {RESOURCES[record.type].singular} is deleted.")
    if not record.is_head:
        raise conflict("read-only", "A revision cannot be changed. Change the head, its origin.")


def revise(call: Call, head: Record) -> Record:
    """Freeze a head, a rule with its components, and return the new revision."""
    editable(head)
    store = call.store
    number = head.meta.get("latest_revision_number", 0) + 1
    revision = _freeze(call, head, number)
    store.link(head.id, "revisions", revision)
    if head.type == "rules":
        # The revision has components of its own, which are numbered as the rule is.
        for component in store.listed(head.id, "rule_components"):
            copy = _freeze(call, component, number)
            store.link(revision.id, copy.type, copy)
            store.link(copy.id, "rules", revision)
    return call.created(revision)


def _freeze(call: Call, head: Record, number: int) -> Record:
    store = call.store
    timestamp = store.now()
    attributes = {**head.attributes, **state(timestamp, dirty=False), "revision_number": number}
    head["dirty"] = False
    head.meta["latest_revision_number"] = number
    copy = Record(head.type, store.new_id(head.type), attributes, {**head.to_one}, {**head.meta})
    call.by(copy, "created", "updated")
    store.add(copy)
    # A revision shows the notes that existed when it was cut.
    for note in store.listed(head.id, "notes"):
        store.link(copy.id, "notes", note)
    store.changed(head)
    return copy
