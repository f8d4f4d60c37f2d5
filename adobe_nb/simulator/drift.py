"""The fault ``drift``: another user changes the requested list just before the response."""

from contextlib import suppress
from random import Random

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator import writes
from adobe_nb.simulator.calls import Call
from adobe_nb.simulator.documents import Linkage, Wanted
from adobe_nb.simulator.problems import Problem
from adobe_nb.simulator.store import Record

Change = tuple[str, str, str]
"""``created`` or ``deleted``, type, id."""
# Other lists stay as they are: too much depends on their members.
_CHANGING = (
    ("properties", "rules"),
    ("properties", "data_elements"),
    ("properties", "libraries"),
    ("rules", "rule_components"),
)
"""The lists that change, by the types of their parents and members."""


def drift(call: Call, path: str, chance: Random) -> Change | None:
    """Create or delete one member of the list at a path, and return the change.

    The list of audit events gets the event of such a change in some property. Returns None if the
    list does not change.
    """
    parent, resource_type = _list_at(call, path, chance)
    if parent is None or parent.deleted or not parent.is_head:
        return None
    if (parent.type, resource_type) not in _CHANGING:
        return None
    members = []
    for record in call.store.listed(parent.id, resource_type):
        if record.attributes.get("state") != "published":
            members.append(record)
    if not members:
        return None
    member = chance.choice(members)
    if chance.random() < 0.5:
        writes.delete(call, member)
        return "deleted", resource_type, member.id
    # A copy is refused if its settings fit no schema, or its extension was deleted.
    with suppress(Problem):
        return "created", resource_type, _copy(call, parent, member, chance).id
    return None


def _list_at(call: Call, path: str, chance: Random) -> tuple[Record | None, str]:
    """Return the parent of the list at a path, and the type of its members."""
    parts = path.strip("/").split("/")
    properties = call.store.all("properties")
    if parts == ["audit_events"] and properties:
        return chance.choice(properties), "rules"
    if len(parts) == 3:
        return call.store.get(parts[0], parts[1]), parts[2]
    return None, ""


def _copy(call: Call, parent: Record, member: Record, chance: Random) -> Record:
    """Create a resource like a member of the list, with a number after its name."""
    row = RESOURCES[member.type]
    values = {}
    for attribute in row.writable("create"):
        value = member.attributes.get(attribute.name)
        if value is not None:
            values[attribute.name] = value
    values["name"] = f"{member['name']} ({chance.randrange(1_000_000):06d})"
    linked: dict[str, tuple[Linkage, ...]] = {}
    extension = member.to_one.get("extension")
    if extension is not None:
        linked["extension"] = (Linkage(*extension),)
    if parent.type == "rules":
        linked["rules"] = (Linkage(*parent.here),)
    owner = call.store.of(parent, "property") or parent
    return writes.create(call, owner, row, Wanted(values, linked))
