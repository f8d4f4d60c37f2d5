"""A report: the sections with their rows, for the workbook and the page."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import pandas as pd

from adobe_nb.analysis.answers import encoded, quoted
from adobe_nb.analysis.audit.findings import audit
from adobe_nb.analysis.audit.fingerprints import PATTERN
from adobe_nb.analysis.audit.notes import Source
from adobe_nb.analysis.inventory import inventory
from adobe_nb.analysis.model import Model, records
from adobe_nb.analysis.reports.earlier import Earlier, Key
from adobe_nb.analysis.reports.sections import (
    EARLIER_NOTES,
    FACT_OF_PROPERTY,
    FACT_SEPARATOR,
    INVENTORY,
    PROPERTY_ID,
    SUMMARY,
    Column,
    Layout,
    Section,
    Target,
    layouts,
)
from adobe_nb.analysis.reports.tables import TABLES, Question
from adobe_nb.analysis.rules.diagrams import to_mermaid
from adobe_nb.analysis.rules.graph import What, rule_graph
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import singular

# The code itself, and columns that are added to an answer.
_ADDED = ("code", "first_line", "settings_summary", "same_as_name")
_TYPES = ("source_type", "target_type")
_ID_COLUMN = Column(PROPERTY_ID, 20, style="id")
_CODE_COLUMN = Column("Code", 80, style="code")
_DIAGRAMS: Mapping[str, What] = {
    "Rules that fire other rules": "rules",
    "Who uses which data element": "data_elements",
}
_OWN_WIDTH = 28
_MOST_NAMES = 3


@dataclass(frozen=True)
class Report:
    """Everything that a report shows."""

    title: str
    facts: list[tuple[str, str]]
    """Label and text: the properties, and when they were read."""
    sections: list[Section]
    inventory: Section
    counts: Mapping[str, int]
    """The number of findings by severity."""
    limits: list[tuple[str, str]]
    """What could not be seen: the title of a section, and a sentence."""

    def targets(self) -> dict[str, Target]:
        """Return the row that each id leads to, the first one that has it."""
        targets: dict[str, Target] = {}
        for section in self.sections:
            targets = section.anchors() | targets
        return targets


def build_report(
    model: Model, earlier: Earlier, *, suppress: Source | None, code: bool, now: datetime
) -> Report:
    """Ask the questions, and fill in what people wrote in an earlier report."""
    findings = partial(_findings, suppress=suppress, earlier=earlier)
    questions: dict[str, Question] = {"Findings": findings, **TABLES}
    names = _property_names(model)
    sections = []
    for title, question in questions.items():
        section = _section(model, layouts()[title], question, names)
        _fill_in(section, earlier)
        if code and "code" in section.frame:
            section.columns["code"] = _CODE_COLUMN
        sections.append(section)
    limits = _limits(model.limits, sections, earlier)
    left_over = pd.DataFrame(earlier.left_over(), dtype="object")
    if not left_over.empty:
        layout = layouts()[EARLIER_NOTES]
        sections.append(Section(layout, left_over, {**layout.columns, "property_id": _ID_COLUMN}))
    title = ", ".join(names.values()) or "tags"
    if len(names) > _MOST_NAMES:
        title = f"{len(names)} properties"
    return Report(
        title=f"Solution design reference: {title}",
        facts=list(_facts(model, now)),
        sections=sections,
        inventory=_inventory(model, names),
        counts=sections[0].frame.attrs.get("counts", {}),
        limits=limits,
    )


def diagrams(model: Model) -> dict[str, str]:
    """Return what depends on what as texts in the language Mermaid, by title."""
    texts = {}
    for title, what in _DIAGRAMS.items():
        try:
            graph = rule_graph(model, what)
            texts[title] = str(to_mermaid(graph))
        except ArgumentError as error:
            # A table is missing, or there are more edges than a picture shows.
            texts[title] = str(error)
    return texts


def _limits(
    general: Iterable[str], sections: Iterable[Section], earlier: Earlier
) -> list[tuple[str, str]]:
    """Return what could not be seen, each sentence where it appears first."""
    titles = dict.fromkeys(general, SUMMARY)
    for section in sections:
        for sentence in filter(None, (section.problem, *section.limits)):
            titles.setdefault(sentence, section.title)
    for sentence in earlier.not_kept:
        titles[sentence] = SUMMARY
    return [(title, sentence) for sentence, title in titles.items()]


def _property_names(model: Model) -> dict[str, str]:
    names = {}
    for row in model.rows("properties"):
        names[row["id"]] = _valid(row.get("name") or row["id"])
    return names


def _section(model: Model, layout: Layout, question: Question, names: Mapping[str, str]) -> Section:
    """Return a section; one without rows when a table is missing."""
    columns = dict(layout.columns)
    try:
        frame = question(model)
    except ArgumentError as error:
        empty = pd.DataFrame(columns=list(columns), dtype="string")
        return Section(layout, empty, columns, str(error))
    for name in _ADDED:
        if name in frame:
            frame[name] = quoted(frame[name], model)
    for name in _TYPES:
        if name in frame:
            frame[name] = frame[name].map(_in_words, na_action="ignore").astype("string")
    for name in map(str, frame.select_dtypes("boolean")):
        frame[name] = frame[name].map({True: "yes", False: "no"}).astype("string")
    if "property_id" in frame:
        frame["property"] = frame["property_id"].map(names).astype("string")
        columns = {"property": INVENTORY.columns["property"], **columns, "property_id": _ID_COLUMN}
    return Section(layout, frame, columns, limits=frame.attrs["limits"])


def _in_words(resource_type: str) -> str:
    return singular(resource_type).replace("_", " ")


def _findings(model: Model, suppress: Source | None, earlier: Earlier) -> pd.DataFrame:
    known = pd.DataFrame(list(earlier.first_seen.items()), columns=["fingerprint", "first_seen"])
    # One by one, because what people type has several formats.
    read_time = partial(pd.to_datetime, utc=True, errors="coerce")
    known["first_seen"] = known["first_seen"].map(read_time)
    # The fingerprints of another version mean nothing to this one.
    is_readable = known["fingerprint"].astype("string").str.fullmatch(PATTERN.pattern)
    known = known[is_readable].dropna().assign(note=None)
    return audit(model, suppress=suppress, earlier=known)


def _fill_in(section: Section, earlier: Earlier) -> None:
    """Fill in what people wrote about the rows, and add the columns that they added."""
    key = section.layout.key
    if key is None:
        return
    for title in earlier.own_columns.get(section.title, ()):
        section.columns[title] = Column(title, _OWN_WIDTH, kept=True)
    names = {column.title: name for name, column in section.columns.items() if column.kept}
    for name in names.values():
        section.frame[name] = section.frame.get(name, pd.Series(dtype="object")).astype("object")
    for position, row in enumerate(records(section.frame)):
        texts = earlier.take(Key(section.title, row.get("property_id") or "", row[key]))
        for title, text in texts.items():
            section.frame.at[position, names[title]] = text


def _facts(model: Model, now: datetime) -> Iterator[tuple[str, str]]:
    properties = {row["id"]: row for row in model.rows("properties")}
    for property_id in filter(None, dict.fromkeys([*properties, *model.property_ids])):
        row = properties.get(property_id, {})
        parts = [row.get("name"), row.get("platform"), property_id]
        yield FACT_OF_PROPERTY, _valid(FACT_SEPARATOR.join(filter(None, parts)))
    source = model.service
    if source == "simulator":
        source = "simulator (a demo, not Adobe)"
    yield "Source", source
    yield "Tags read", _time(model.as_of)
    yield "Report written", _time(now)


def _time(time: object) -> str:
    moment = pd.to_datetime(str(time), utc=True, errors="coerce")
    if pd.isna(moment):
        return "unknown"
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _inventory(model: Model, names: Mapping[str, str]) -> Section:
    frame = inventory(model)
    frame["property"] = frame["property_id"].map(names).astype("string")
    frame["what"] = frame["what"].str.replace("_", " ").str.capitalize()
    return Section(INVENTORY, frame, dict(INVENTORY.columns))


def _valid(text: object) -> str:
    return encoded(text).decode()
