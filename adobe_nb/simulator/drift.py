"""The fault ``drift``: somebody else changes the list that is asked for, just before the answer."""

from contextlib import suppress
from random import Random

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator import writes
from adobe_nb.simulator.calls import Call
from adobe_nb.simulator.documents import Linkage, Wanted
from adobe_nb.simulator.problems import Problem
from adobe_nb.simulator.store import Record, Store

Change = tuple[str, str, str]
"""``created`` or ``deleted``, type, id."""
_CHANGING = (
    ("properties", "rules"), ("properties", "data_elements"), ("properties", "libraries"), ("rules", "rule_components"),
)  # fmt: skip
"""Lists that change, by the types of parent and member; the others hold what much else depends on.
"""


def drift(call: Call, path: str, chance: Random) -> Change | None:
    """Create or delete one member of the list at the path, as the API does. What happened, if it
    could.

    The list of audit events changes too: by the event of such a change in some property.
    """
    parent, kind = _place(call.store, path, chance)
    if (
        parent is None
        or parent.deleted
        or not parent.is_head
        or (parent.type, kind) not in _CHANGING
    ):
        return None
    members = [
        each
        for each in call.store.listed(parent.id, kind)
        if each.attributes.get("state") != "published"
    ]
    if not members:
        return None
    member = chance.choice(members)
    if chance.random() < 0.5:
        writes.delete(call, member)
        return "deleted", kind, member.id
    with suppress(Problem):  # its settings may fit no schema, its extension be gone
        return "created", kind, _another(call, parent, member, chance).id
    return None


def _place(store: Store, path: str, chance: Random) -> tuple[Record | None, str]:
    """The parent of the list at the path, and the type of its members."""
    parts = path.removeprefix("/").split("/")
    if parts == ["audit_events"]:
        places = store.all("properties")
        return (chance.choice(places) if places else None), "rules"
    return (store.get(parts[0], parts[1]), parts[2]) if len(parts) == 3 else (None, "")


def _another(call: Call, parent: Record, member: Record, chance: Random) -> Record:
    """One like this member, under a name beside its own."""
    row = RESOURCES[member.type]
    shown = {attribute.name for attribute in row.columns}
    values = {
        each.name: member.attributes[each.name]
        for each in row.writable("create")
        if each.name in shown and member.attributes[each.name] is not None
    }
    values["name"] = f"{member.attributes['name']} ({chance.randrange(1_000_000):06d})"
    linked: dict[str, tuple[Linkage, ...]] = {}
    extension, owner = member.to_one.get("extension"), parent
    if extension is not None:
        linked["extension"] = (Linkage(*extension),)
    if parent.type == "rules":
        linked["rules"] = (Linkage(*parent.here),)
        owner = call.store.of(parent, "property") or parent
    return writes.create(call, owner, row, Wanted(values, linked))
