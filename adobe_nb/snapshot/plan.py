"""What a snapshot of properties holds, read from the registry."""

from collections.abc import Iterable, Sequence

from adobe_nb.api.reactor.frames import columns_of
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import RESOURCES
from adobe_nb.snapshot.tables import Columns
from adobe_nb.suggest import did_you_mean

DIRECT = tuple(row.type for row in RESOURCES.values() if row.listed and "properties" in row.parents)
"""Listed under a property."""
THROUGH = {
    row.type: row.through["properties"] for row in RESOURCES.values() if "properties" in row.through
}
"""Listed under something that is listed under a property: ``{"rule_components": "rules", "builds":
"libraries"}``.
"""
EVENTS = "audit_events"
TABLES = (
    "companies",
    "properties",
    *(name for name in RESOURCES if name in DIRECT or name in THROUGH),
)
"""What is pulled when nothing else is said. ``audit_events`` can be had too; they may be millions.
"""


def checked_tables(given: Iterable[str] | str | None) -> tuple[str, ...]:
    """The tables to pull, with those that they need. Raises ArgumentError for an unknown one."""
    if given is None:
        return TABLES
    wanted = [given] if isinstance(given, str) else list(given)
    known = (*TABLES, EVENTS)
    for name in wanted:
        if name not in known:
            raise ArgumentError(
                f"Snapshots have no table {name!r}.{did_you_mean(str(name), known)}"
            )
    needed = {
        "companies",
        "properties",
        *wanted,
        *(THROUGH[name] for name in wanted if name in THROUGH),
    }
    return tuple(name for name in known if name in needed)


def parent_of(table: str) -> str | None:
    """The type under which it is listed; None for what is not listed under anything."""
    if table in DIRECT:
        return "properties"
    return THROUGH.get(table) or ("companies" if table == "properties" else None)


def promised(tables: Sequence[str]) -> dict[str, Columns]:
    """The columns of each table, with their kinds."""
    return {name: columns_of(RESOURCES[name], parent_of(name)) for name in tables}


def tables_below(table: str, tables: Sequence[str]) -> list[str]:
    """The tables that are listed under it."""
    return [name for name in tables if THROUGH.get(name) == table]
