"""A report as one HTML file that needs no network: ``page.html`` with style, script and data."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from adobe_nb.analysis.answers import encoded
from adobe_nb.analysis.model import records
from adobe_nb.analysis.reports.report import Report
from adobe_nb.analysis.reports.sections import SUMMARY, Column, Section
from adobe_nb.api.files import replacing
from adobe_nb.errors import ArgumentError

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_INVENTORY = {
    "property": Column("Property", 24),
    "what": Column("What", 20),
    "total": Column("Total", 10),
    "enabled": Column("Enabled", 10),
    "disabled": Column("Disabled", 10),
    "unpublished": Column("Unpublished", 10),
    "last_updated_at": Column("Last updated", 18),
}
_MAX_NUMBER = 10**15
Cells = list[list[Any]]


def write_page(report: Report, diagrams: Mapping[str, str], target: Path) -> Path:
    """Write a report to an HTML file. Raises ArgumentError."""
    page = _page(report, diagrams)
    problem: OSError
    try:
        with replacing(target) as written:
            written.write_bytes(page)
        return target
    except OSError as error:
        problem = error
    raise ArgumentError(
        f"Cannot write {target} ({problem.strerror or problem}). Choose another path."
    )


def _page(report: Report, diagrams: Mapping[str, str]) -> bytes:
    style, script = _file("page.css"), _file("page.js")
    values = {
        "title": escape(report.title),
        "style": style,
        "style_hash": _hash(style),
        "script": script,
        "script_hash": _hash(script),
        "data": _json({**_data(report), "diagrams": diagrams}),
    }
    # In one pass, so that a name that looks like a placeholder stays a name.
    page = _PLACEHOLDER.sub(lambda match: values[match[1]], _file("page.html"))
    return encoded(page)


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the name of a text in a content security policy."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _json(data: Any) -> str:
    """Return JSON that can stand in a script element: without ``</script>`` or ``<!--``."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _data(report: Report) -> dict[str, Any]:
    targets = report.targets()
    sections = [_section(section, targets) for section in report.sections]
    sections[0]["counts"] = report.counts
    sections.insert(1, _inventory(report))
    sections.append(_limits(report))
    positions = {}
    for anchor, (section, position) in targets.items():
        positions[anchor] = [section.title, position]
    return {
        "facts": report.facts,
        "sections": sections,
        "targets": positions,
    }


def _section(section: Section, targets: Mapping[str, tuple[Section, int]]) -> dict[str, Any]:
    layout, columns = section.layout, section.columns
    rows: Cells = []
    group, off = [], []
    last = object()
    for position, row in enumerate(records(section.frame)):
        rows.append([_linked(row, name, columns[name], targets) for name in columns])
        if layout.group is not None:
            if row[layout.group] != last:
                group.append(position)
            last = row[layout.group]
        if layout.enabled is not None and row[layout.enabled] == "no":
            off.append(position)
    return {
        **_table(section.title, layout.about, columns, rows),
        "problem": section.problem,
        "group": group,
        "off": off,
    }


def _table(title: str, about: str, columns: Mapping[str, Column], rows: Cells) -> dict[str, Any]:
    shown = []
    for position, column in enumerate(columns.values()):
        style = column.style
        if any(isinstance(row[position], int | float) for row in rows):
            style = "number"
        elif column.kept:
            style = "notes"
        shown.append({"title": column.title, "width": column.width, "style": style})
    return {"title": title, "about": about, "columns": shown, "rows": rows}


def _linked(
    row: Mapping[str, Any],
    name: str,
    column: Column,
    targets: Mapping[str, tuple[Section, int]],
) -> Any:
    """Return a cell: a value that JSON has, or a text with the id of the row that it leads to."""
    value = _cell(row.get(name))
    if column.link is not None and value is not None and row.get(column.link) in targets:
        return [str(value), row[column.link]]
    return value


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    # JSON has no infinity, and JavaScript no whole numbers of more than 15 digits.
    if isinstance(value, int | float) and abs(value) < _MAX_NUMBER:
        return value
    if value is None:
        return None
    return str(value)


def _inventory(report: Report) -> dict[str, Any]:
    rows = []
    for row in report.inventory:
        rows.append([_cell(row[name]) for name in _INVENTORY])
    return _table(SUMMARY, "What there is.", _INVENTORY, rows)


def _limits(report: Report) -> dict[str, Any]:
    columns = {"section": Column("Table", 20), "sentence": Column("Limit", 100)}
    rows: Cells = []
    for title, sentence in report.limits:
        rows.append(["All tables" if title == SUMMARY else title, sentence])
    return _table("Limits", "What this report does not show.", columns, rows)
