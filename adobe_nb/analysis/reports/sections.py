"""The sections of a report, with their columns. ``sections.toml`` lists them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

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

    def anchors(self) -> dict[str, int]:
        """Return the position of the row that each id leads to, the first one that has it."""
        positions: dict[str, int] = {}
        for column in self.layout.anchors:
            if column in self.frame:
                for position, anchor in enumerate(self.frame[column]):
                    if not pd.isna(anchor):
                        positions.setdefault(anchor, position)
        return positions


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
