"""The tables of a snapshot, read from the registry."""

from collections.abc import Iterable, Sequence

from adobe_nb.api.reactor.frames import columns_of
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import RESOURCES
from adobe_nb.snapshot.tables import Columns
from adobe_nb.suggest import did_you_mean

DIRECT = tuple(row.type for row in RESOURCES.values() if row.listed and "properties" in row.parents)
"""Tables that are listed under a property."""
THROUGH = {
    row.type: row.through["properties"] for row in RESOURCES.values() if "properties" in row.through
}
"""Tables that are listed under each resource of another table: rule components under rules."""
CHILDREN = {parent: table for table, parent in THROUGH.items()}
EVENTS = "audit_events"
TABLES = (
    "companies",
    "properties",
    *(name for name in RESOURCES if name in DIRECT or name in THROUGH),
)
"""The tables that a pull reads by default. A company can have millions of ``audit_events``, which
are read on request only.
"""


def checked_tables(tables: Iterable[str] | str | None) -> tuple[str, ...]:
    """Return the tables to pull, and those that they require. Raises ArgumentError."""
    if tables is None:
        return TABLES
    if isinstance(tables, str):
        tables = [tables]
    choices = (*TABLES, EVENTS)
    required = {"companies", "properties"}
    for name in tables:
        if name not in choices:
            raise ArgumentError(
                f"Snapshots have no table {name!r}.{did_you_mean(str(name), choices)}"
            )
        required |= {name, THROUGH.get(name, name)}
    return tuple(sorted(required, key=choices.index))


def parent_of(table: str) -> str | None:
    """Return the type that a table is listed under, if any."""
    if table in DIRECT:
        return "properties"
    if table == "properties":
        return "companies"
    return THROUGH.get(table)


def promised(tables: Sequence[str]) -> dict[str, Columns]:
    """Return the columns of each table, with their kinds."""
    return {name: columns_of(RESOURCES[name], parent_of(name)) for name in tables}
