"""The rights of an account, as the service lists them on companies and properties."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.jsonapi import mapping

MOST_COMPANIES = 3
"""Companies whose properties are read: an organization usually has one."""
_PAGE_SIZE = 100
_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class PropertyRights:
    """The rights on properties, as far as they were read."""

    names: Mapping[tuple[str, ...], Sequence[str]]
    """The names of the properties by the rights on them."""
    total: int
    """How many properties there are."""

    def lines(self) -> list[str]:
        """Return one line for each set of rights, and one about properties that were not read."""
        lines = []
        for rights, names in self.names.items():
            lines.append(f"{_listed(names)}: {', '.join(rights) or 'none'}")
        read = sum(map(len, self.names.values()))
        if read < self.total:
            lines.append(f"the first {read} of {self.total} properties were read")
        return lines


def resources_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the resources of a list; whatever has no id is left out."""
    data = document.get("data")
    if not isinstance(data, list):
        return []
    return [item for item in data if isinstance(mapping(item).get("id"), str)]


def rights_of(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the rights of the account on a company or a property."""
    rights = mapping(resource.get("meta")).get("rights")
    if not isinstance(rights, list):
        return ()
    return tuple(sorted(map(str, rights)))


def property_rights(client: Client, companies: Sequence[Mapping[str, Any]]) -> PropertyRights:
    """Read the rights on properties: the first page of each company, at most three requests."""
    names: dict[tuple[str, ...], list[str]] = defaultdict(list)
    total = 0
    for company in companies[:MOST_COMPANIES]:
        path = f"/companies/{company['id']}/properties"
        document = client.get(path, [("page[size]", str(_PAGE_SIZE))])
        properties = resources_of(document)
        for item in properties:
            name = str(mapping(item.get("attributes")).get("name"))
            names[rights_of(item)].append(name)
        counted = mapping(mapping(document.get("meta")).get("pagination")).get("total_count")
        if not isinstance(counted, int):
            counted = len(properties)
        total += counted
    return PropertyRights(names, total)


def _listed(names: Sequence[str]) -> str:
    """Return the number of properties, and their names as far as they are few."""
    shown = ", ".join(names[:_MOST_NAMES])
    if len(names) > _MOST_NAMES:
        shown += f" and {len(names) - _MOST_NAMES} more"
    noun = "property" if len(names) == 1 else "properties"
    return f"{len(names)} {noun} ({shown})"
