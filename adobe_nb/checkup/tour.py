"""The requests of a report: a page of each list, and a few questions about lists."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from adobe_nb.api.reactor.client import Client
from adobe_nb.checkup import probes
from adobe_nb.checkup.probes import Probe
from adobe_nb.checkup.reader import Reader, Reply
from adobe_nb.checkup.shapes import Shape, members_of, safe_name
from adobe_nb.registry import RESOURCES

_PER_PROPERTY = tuple(row.type for row in RESOURCES.values() if "properties" in row.parents)
_AT_ROOT = tuple(row.type for row in RESOURCES.values() if row.root)
_PAGINATION = ("current_page", "next_page", "prev_page", "total_count", "total_pages")
# One per platform: mobile properties and those for event forwarding have more.
_MOST_PROPERTIES = 3
_MOST_RULES = 3
_REVISED = ("rules", "data_elements", "extensions")


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that was read, at its path."""

    path: str
    type: str
    reply: Reply


@dataclass
class Tour:
    """What the requests of a report have shown."""

    reader: Reader
    shapes: dict[str, Shape] = field(default_factory=dict)
    lists: list[Listing] = field(default_factory=list)
    pagination: dict[str, Counter[str]] = field(default_factory=dict)
    """Lists by type, with the members that their ``meta.pagination`` lacks, or has in another
    form.
    """
    refused: dict[str, Counter[int]] = field(default_factory=dict)
    """Lists by type, with the statuses of refusals."""
    probes: list[Probe] = field(default_factory=list)

    def shape(self, resource_type: str) -> Shape:
        """Return the shape of a type, which is empty at first."""
        if resource_type not in self.shapes:
            row = RESOURCES[resource_type]
            self.shapes[resource_type] = Shape(row, self.reader.base_url)
        return self.shapes[resource_type]

    def read(self, path: str, resource_type: str) -> Reply:
        """Read a page, and add its resources to the shape of their type."""
        reply = self.reader.get(path)
        if reply.status != 200:
            self.refused.setdefault(resource_type, Counter())[reply.status] += 1
            return reply
        shape = self.shape(resource_type)
        for resource in reply.resources:
            shape.add(resource)
        return reply

    def list(self, path: str, resource_type: str) -> Reply:
        """Read the first page of a list."""
        reply = self.read(path, resource_type)
        if reply.status == 200:
            self.lists.append(Listing(path, resource_type, reply))
            problems = self.pagination.setdefault(resource_type, Counter())
            problems.update(_problems_of_pagination(reply))
        return reply

    def listed(self, *types: str) -> Iterator[Listing]:
        """Yield the lists of these types."""
        for listing in self.lists:
            if listing.type in types:
                yield listing


def take(client: Client) -> Tour:
    """Read what the report describes. Raises TransportError."""
    tour = Tour(Reader(client))
    _read_account(tour)
    _read_properties(tour)
    _read_members(tour)
    tour.probes += probes.of_lists(tour.reader, tour.lists)
    tour.probes += probes.of_documents(tour.reader, tour.lists)
    tour.probes += probes.of_refusals(tour.reader)
    return tour


def _read_account(tour: Tour) -> None:
    tour.read("/profile", "profiles")
    for resource_type in _AT_ROOT:
        tour.list(f"/{resource_type}", resource_type)
    for company in _ids(tour.listed("companies"))[:1]:
        tour.list(f"/companies/{company}/properties", "properties")
        tour.list(f"/companies/{company}/app_configurations", "app_configurations")


def _read_properties(tour: Tour) -> None:
    by_platform: dict[str, str] = {}
    for listing in tour.listed("properties"):
        for property_id, resource in listing.reply.by_id.items():
            platform = str(members_of(resource, "attributes").get("platform"))
            by_platform.setdefault(platform, property_id)
    for property_id in list(by_platform.values())[:_MOST_PROPERTIES]:
        for resource_type in _PER_PROPERTY:
            tour.list(f"/properties/{property_id}/{resource_type}", resource_type)


def _read_members(tour: Tour) -> None:
    """Read what is listed under rules and libraries, and revisions."""
    for rule in _ids(tour.listed("rules"))[:_MOST_RULES]:
        tour.list(f"/rules/{rule}/rule_components", "rule_components")
    for library in _ids(tour.listed("libraries"))[:2]:
        tour.list(f"/libraries/{library}/builds", "builds")
    for resource_type in _REVISED:
        for resource_id in _ids(tour.listed(resource_type))[:1]:
            tour.read(f"/{resource_type}/{resource_id}/revisions", resource_type)


def _ids(listings: Iterable[Listing]) -> list[str]:
    ids = []
    for listing in listings:
        ids += listing.reply.ids
    return ids


def _problems_of_pagination(reply: Reply) -> Iterator[str]:
    """Yield how ``meta.pagination`` differs from five numbers, two of which can be null."""
    pagination = reply.pagination
    if not pagination:
        yield "meta.pagination is missing"
        return
    for name in _PAGINATION:
        if name not in pagination:
            yield f"{name} is missing"
        elif not isinstance(pagination[name], int | None):
            yield f"{name} is not a number"
    for name in pagination.keys() - set(_PAGINATION):
        yield f"{safe_name(name)} is unknown"
