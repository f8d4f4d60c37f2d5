"""The sections of a report, with their columns. ``sections.toml`` lists them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import pandas as pd

SUMMARY = "Summary"
EARLIER_NOTES = "Earlier notes"
BACK = "↩"
"""The header of the first column, which leads back to the contents."""
PROPERTY_ID = "Property ID"
FACT_OF_PROPERTY, FACT_SEPARATOR = "Property", " · "
"""The label of a property in the summary, and what stands between its name, platform and id."""


@dataclass(frozen=True)
class Column:
    """How a column of a frame is shown."""

    title: str
    width: int
    link: str | None = None
    """The column with the id of the row that its text leads to."""
    kept: bool = False
    """Whether people write in it: it is read back from an earlier report."""
    style: str = ""


@dataclass(frozen=True)
class Layout:
    """What a section shows."""

    title: str
    about: str
    columns: Mapping[str, Column]
    anchors: tuple[str, ...] = ()
    key: str | None = None
    subject: str | None = None
    group: str | None = None
    enabled: str | None = None

    @property
    def key_title(self) -> str | None:
        """The title of the key; None for a section that is never read back."""
        return self.key and self.columns[self.key].title

    def titles(self, *, kept: bool | None = None) -> set[str]:
        """Return the titles of the columns; with ``kept``, only of those (not) written in."""
        columns = self.columns.values()
        return {column.title for column in columns if kept in (None, column.kept)}


INVENTORY = Layout(
    SUMMARY,
    "What there is.",
    {
        "property": Column("Property", 24),
        "what": Column("What", 20),
        "total": Column("Total", 10),
        "enabled": Column("Enabled", 10),
        "disabled": Column("Disabled", 10),
        "unpublished": Column("Unpublished", 10),
        "last_updated_at": Column("Last updated", 18),
    },
)
LIMITS = Layout(
    "Limits",
    "What this report does not show.",
    {"section": Column("Table", 20), "sentence": Column("Limit", 100)},
)


class Target(NamedTuple):
    """The row that a link leads to."""

    section: str
    position: int


@dataclass
class Section:
    """A section with its rows."""

    layout: Layout
    frame: pd.DataFrame
    columns: dict[str, Column]
    """Those of the layout and, where it applies, the property and columns that people added."""
    problem: str = ""
    """Why it has no rows: a table is missing."""
    limits: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Its name."""
        return self.layout.title

    def anchors(self) -> dict[str, Target]:
        """Return the row that each id leads to, the first one that has it."""
        targets: dict[str, Target] = {}
        for column in self.layout.anchors:
            for position, anchor in enumerate(self.frame.get(column, ())):
                if not pd.isna(anchor):
                    targets.setdefault(anchor, Target(self.title, position))
        return targets

    def group_starts(self) -> list[int]:
        """Return the positions of the rows that begin a group."""
        if self.layout.group is None:
            return []
        codes, _ = self.frame[self.layout.group].factorize()
        return [*map(int, np.flatnonzero(np.diff(codes, prepend=-2)))]

    def disabled(self) -> list[int]:
        """Return the positions of the rows of what is disabled."""
        if self.layout.enabled is None:
            return []
        is_disabled = self.frame[self.layout.enabled].eq("no").fillna(False)
        return [*map(int, np.flatnonzero(is_disabled))]


@cache
def layouts() -> Mapping[str, Layout]:
    """Return the layout of each section by its title, in the order of a report."""
    text = files(__package__).joinpath("sections.toml").read_text(encoding="utf-8")
    read = {}
    for title, table in tomllib.loads(text).items():
        columns = {name: Column(**column) for name, column in table.pop("columns").items()}
        anchors = tuple(table.pop("anchors", ()))
        read[title] = Layout(title=title, columns=columns, anchors=anchors, **table)
    return read
