"""The tables of a snapshot: those that the registry lists under properties, and what they lead to.

A table is read once the tables that it requires are stored, because they say under which resources
its lists are. That makes levels: libraries, then their builds, then the rules of these builds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from adobe_nb.api.reactor.frames import columns_of
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import RESOURCES, Resource, singular
from adobe_nb.snapshot.selection import (
    Frames,
    Selection,
    all_of,
    delivered_builds,
    rule_revisions,
    used_packages,
)
from adobe_nb.snapshot.tables import Columns
from adobe_nb.suggest import did_you_mean

EVENTS, PACKAGES = "audit_events", "extension_packages"


@dataclass(frozen=True)
class Table:
    """A table: the type of its rows, and the resources under which they are listed."""

    name: str
    type: str
    parent: str | None
    """The type of these resources; None for packages, which are fetched by their ids."""
    requires: tuple[str, ...] = ()
    select: Selection = lambda _: []
    """Selects these resources, or packages, from the tables that are required."""
    frozen: bool = False
    """Whether its rows never change, apart from the date of their publication."""

    @property
    def row(self) -> Resource:
        """The registry's row of the type."""
        return RESOURCES[self.type]

    @property
    def columns(self) -> Columns:
        """The promised columns, with their kinds."""
        return columns_of(self.row, self.parent)

    @property
    def path(self) -> str:
        """The path of its lists, as frames show it."""
        if self.name == self.type:
            return f"/{self.name}"
        return f"/{self.parent}/{{id}}/{self.type}"

    @property
    def parent_column(self) -> str:
        """The column that says under which resource a row was listed."""
        return f"{singular(self.parent or '')}_id"


def _tables() -> Iterator[Table]:
    yield Table("companies", "companies", None)
    yield Table("properties", "properties", "companies")
    for row in RESOURCES.values():
        if row.listed and "properties" in row.parents:
            yield Table(row.type, row.type, "properties")
        elif "properties" in row.through:
            parent = row.through["properties"]
            yield Table(row.type, row.type, parent, (parent,), all_of(parent))
    holders: dict[str, tuple[tuple[str, ...], Selection]] = {
        "libraries": (("libraries",), all_of("libraries")),
        "builds": (("libraries", "builds", "environments"), delivered_builds),
    }
    for parent, (requires, select) in holders.items():
        for held in ("rules", "data_elements", "extensions"):
            name, frozen = f"{singular(parent)}_{held}", parent == "builds"
            yield Table(name, held, parent, requires, select, frozen)
    name, requires = "rule_revision_components", ("libraries", "library_rules", "build_rules")
    yield Table(name, "rule_components", "rules", requires, rule_revisions, frozen=True)
    requires = ("extensions", "rule_components", "data_elements")
    yield Table(PACKAGES, PACKAGES, None, requires, used_packages, frozen=True)
    # A company can have millions of events.
    yield Table(EVENTS, EVENTS, None, frozen=True)


PLAN: Mapping[str, Table] = {table.name: table for table in _tables()}
TABLES = tuple(name for name in PLAN if name != EVENTS)
"""The tables that a pull reads by default: all except ``audit_events``."""
DIRECT = tuple(table.name for table in PLAN.values() if table.parent == "properties")
"""Tables that are listed under a property."""
FROZEN = frozenset(table.name for table in PLAN.values() if table.frozen)
"""Tables that are not compared, because their rows never change."""


def required_by(table: str) -> set[str]:
    """Return the tables that a table requires, and those that they require."""
    required = set(PLAN[table].requires)
    return required.union(*map(required_by, required))


def requiring(table: str) -> list[str]:
    """Return the tables that require a table, directly or not."""
    return [name for name in PLAN if table in required_by(name)]


def selected(table: str, frames: Frames) -> list[str]:
    """Return the ids of the resources under which a table is listed, or of packages."""
    return PLAN[table].select(frames)


def _level(table: str) -> int:
    return max((1 + _level(name) for name in PLAN[table].requires), default=0)


_BELOW = [table.name for table in PLAN.values() if table.requires and table.parent]
LEVELS = tuple(
    tuple(name for name in _BELOW if _level(name) == level)
    for level in sorted(set(map(_level, _BELOW)))
)
"""Tables that are listed under resources of other tables, in the order in which they are read."""


def checked_tables(tables: Iterable[str] | str | None) -> tuple[str, ...]:
    """Return the tables to pull, and those that they require. Raises ArgumentError."""
    if tables is None:
        return TABLES
    if isinstance(tables, str):
        tables = [tables]
    names = list(PLAN)
    chosen = {"companies", "properties"}
    for name in tables:
        if name not in PLAN:
            raise ArgumentError(
                f"Snapshots have no table {name!r}.{did_you_mean(str(name), names)}"
            )
        chosen |= {name, *required_by(name)}
    return tuple(sorted(chosen, key=names.index))


def promised(tables: Sequence[str]) -> dict[str, Columns]:
    """Return the columns of each table, with their kinds."""
    return {name: PLAN[name].columns for name in tables}
