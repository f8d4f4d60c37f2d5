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

import pandas as pd

from adobe_nb.analysis.answers import encoded
from adobe_nb.analysis.model import records
from adobe_nb.analysis.reports.report import Report
from adobe_nb.analysis.reports.sections import LIMITS, SUMMARY, Column, Section, Target
from adobe_nb.api.files import replacing
from adobe_nb.errors import ArgumentError

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_GENERATOR, _START = b'<meta name="generator" content="adobe_nb">', 1000
"""What the beginning of each page has: its first bytes."""
_MAX_NUMBER = 10**15


def check_target(target: Path) -> None:
    """Raise ArgumentError when a file exists that is not a report of ours."""
    if not target.exists():
        return
    try:
        with target.open("rb") as file:
            start = file.read(_START)
    except OSError as error:
        raise ArgumentError(
            f"Cannot read {target} ({error.strerror or error}). Choose another path."
        ) from None
    if start and _GENERATOR not in start:
        raise ArgumentError(
            f"{target} is not a report of adobe_nb, and would be lost. Choose another path, or "
            "remove the file first."
        )


def write_page(report: Report, diagrams: Mapping[str, str], target: Path) -> Path:
    """Write a report to an HTML file. Raises ArgumentError."""
    style, script = _file("page.css"), _file("page.js")
    data = {**_data(report), "diagrams": diagrams}
    values = {
        "title": escape(report.title),
        "style": style,
        "style_hash": _hash(style),
        "script": script,
        "script_hash": _hash(script),
        # A script element must not contain ``</script>`` or ``<!--``.
        "data": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
    }
    # In one pass, so that a name that looks like a placeholder stays a name.
    page = _PLACEHOLDER.sub(lambda match: values[match[1]], _file("page.html"))
    try:
        with replacing(target) as temporary:
            temporary.write_bytes(encoded(page))
    except OSError as error:
        raise ArgumentError(
            f"Cannot write {target} ({error.strerror or error}). Choose another path."
        ) from None
    return target


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the name of a text in a content security policy."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _data(report: Report) -> dict[str, Any]:
    targets = report.targets()
    limits = pd.DataFrame(report.limits, columns=list(LIMITS.columns), dtype="string")
    limits["section"] = limits["section"].replace(SUMMARY, "All tables")
    sections = [*report.sections, Section(LIMITS, limits, dict(LIMITS.columns))]
    # The inventory comes after the findings.
    sections.insert(1, report.inventory)
    tables = [_table(section, targets) for section in sections]
    tables[0]["counts"] = report.counts
    return {"facts": report.facts, "sections": tables, "targets": targets}


def _table(section: Section, targets: Mapping[str, Target]) -> dict[str, Any]:
    shown = {}
    for name, column in section.columns.items():
        # A page is only read: an empty column for notes is useless.
        if not column.kept or section.frame[name].notna().any():
            shown[name] = column
    rows = []
    for row in records(section.frame):
        rows.append([_linked_cell(row, name, column, targets) for name, column in shown.items()])
    columns = []
    for index, column in enumerate(shown.values()):
        style = column.style
        if any(isinstance(row[index], int | float) for row in rows):
            style = "number"
        elif column.kept:
            style = "notes"
        columns.append({"title": column.title, "width": column.width, "style": style})
    return {
        "title": section.title,
        "about": section.layout.about,
        "columns": columns,
        "rows": rows,
        "problem": section.problem,
        "group": section.group_starts(),
        "off": section.disabled(),
    }


def _linked_cell(
    row: Mapping[str, Any], name: str, column: Column, targets: Mapping[str, Target]
) -> Any:
    """Return the value of a cell; with the id that it leads to, if there is a row of it."""
    value = _cell(row.get(name))
    if value is None or column.link is None or row.get(column.link) not in targets:
        return value
    return [str(value), row[column.link]]


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    # JSON has no infinity, and JavaScript no whole numbers of more than 15 digits.
    if isinstance(value, int | float) and abs(value) < _MAX_NUMBER:
        return value
    if value is None:
        return None
    return str(value)
