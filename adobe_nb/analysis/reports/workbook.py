"""A report as an Excel workbook: a sheet with the contents, and one for each section."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adobe_nb.analysis.model import records
from adobe_nb.analysis.reports.report import Report
from adobe_nb.analysis.reports.sections import BACK, SUMMARY, Column, Section
from adobe_nb.api.excel import MAX_ROWS, fitting, new_workbook, write_cell

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

# The header takes one row.
_MOST_ROWS = MAX_ROWS - 1
# Excel cannot open a sheet with more links than 65,530.
_MOST_LINKS = 65_000
_DARK, _LINE, _LINK, _GRAY = "#1F3A5F", "#D5DCE6", "#0B57B7", "#6B7480"
_NOTES = "#FFFBEA"
_A4 = 9
_SEVERITIES: Mapping[str, Mapping[str, Any]] = {
    "high": {"bg_color": "#FBE3E4", "font_color": "#8E1A1F", "bold": True},
    "medium": {"bg_color": "#FDEFD5", "font_color": "#7A4B00", "bold": True},
    "low": {"bg_color": "#E9EDF2", "font_color": "#41505F"},
}
_INVENTORY = {
    "property": "Property",
    "what": "What",
    "total": "Total",
    "enabled": "Enabled",
    "disabled": "Disabled",
    "unpublished": "Unpublished",
    "last_updated_at": "Last updated",
}
_SUMMARY_WIDTHS = (2, 26, 26, 11, 11, 11, 13, 20, 40)
_SENTENCE_COLUMNS = (2, 8)
_SENTENCE_LENGTH, _LINE_HEIGHT = 140, 13.5
_MOST_LINES = 12


def write_workbook(report: Report, path: Path) -> Path:
    """Write a report to an Excel workbook. Raises ArgumentError."""
    with new_workbook(path) as (target, workbook):
        workbook.set_properties({"title": fitting(report.title), "comments": "Made by adobe_nb"})
        styles = _Styles(workbook)
        summary = workbook.add_worksheet(SUMMARY)
        sheets = {
            section.title: workbook.add_worksheet(section.title) for section in report.sections
        }
        limits = list(report.limits)
        targets = report.targets()
        for section in report.sections:
            writer = _SectionWriter(sheets[section.title], section, styles, targets)
            limits += [(section.title, sentence) for sentence in writer.write()]
        # The last one, because it says what did not fit into the others.
        _SummaryWriter(summary, report, styles).write(limits)
        summary.activate()
    return target


class _Styles:
    """The formats of a workbook, each made once."""

    def __init__(self, workbook: "Workbook") -> None:
        self._workbook = workbook
        self._formats: dict[tuple[Any, ...], Format] = {}

    def of(self, **properties: Any) -> "Format":
        """Return the format with these properties."""
        key = tuple(properties.items())
        if key not in self._formats:
            base = {"font_name": "Calibri", "font_size": 10, "valign": "top"}
            self._formats[key] = self._workbook.add_format({**base, **properties})
        return self._formats[key]

    def of_header(self, *, is_kept: bool = False) -> "Format":
        """Return the format of a header; that of a column for notes differs."""
        colors = {"font_color": "#FFFFFF", "bg_color": _DARK}
        if is_kept:
            colors = {"font_color": _DARK, "bg_color": "#F3DF9E"}
        return self.of(bold=True, text_wrap=True, valign="vcenter", **colors)

    def of_cell(
        self, column: Column, value: Any, *, is_link: bool, is_off: bool, begins_group: bool
    ) -> "Format":
        """Return the format of a cell."""
        properties: dict[str, Any] = {"text_wrap": True, "bottom": 1, "bottom_color": _LINE}
        if column.style in ("code", "id"):
            properties |= {"font_name": "Consolas", "font_size": 9}
        if column.style == "id":
            properties |= {"text_wrap": False, "font_color": _GRAY}
        if isinstance(value, int | float):
            # Beside a text that begins at the left, a number needs room.
            properties |= {"align": "right", "indent": 1}
        if hasattr(value, "year"):
            properties["num_format"] = "yyyy-mm-dd hh:mm"
        if column.kept:
            properties["bg_color"] = _NOTES
        if begins_group:
            properties |= {"top": 1, "top_color": _DARK}
        if is_off:
            properties["font_color"] = _GRAY
        if is_link:
            properties |= {"font_color": _LINK, "underline": 1}
        if column.style == "severity":
            properties |= _SEVERITIES.get(value, {})
        return self.of(**properties)


def _lead_to(
    sheet: "Worksheet",
    row: int,
    column: int,
    title: str,
    target_row: int,
    text: str,
    style: "Format",
) -> None:
    """Write a text that leads to a row of a sheet."""
    address = f"internal:'{title}'!B{target_row + 1}"
    sheet.write_url(row, column, address, style, fitting(text), f"Go to {title}")


def _set_page(sheet: "Worksheet") -> None:
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.fit_to_pages(1, 0)


class _SectionWriter:
    """Writes one section to a sheet."""

    def __init__(
        self,
        sheet: "Worksheet",
        section: Section,
        styles: _Styles,
        targets: Mapping[str, tuple[Section, int]],
    ) -> None:
        self._sheet = sheet
        self._section = section
        self._styles = styles
        self._targets = targets
        self._links = 0

    def write(self) -> list[str]:
        """Write the sheet. Return what does not fit into one."""
        section = self._section
        self._write_header()
        if section.problem:
            self._sheet.write_string(
                1, 1, fitting(section.problem), self._styles.of(italic=True, font_color=_GRAY)
            )
        group = object()
        for number, row in enumerate(records(section.frame.head(_MOST_ROWS)), start=1):
            begins = section.layout.group is not None and row[section.layout.group] != group
            if section.layout.group is not None:
                group = row[section.layout.group]
            self._write_row(number, row, begins_group=begins)
        return list(self._cuts())

    def _cuts(self) -> list[str]:
        sentences = []
        if len(self._section.frame) > _MOST_ROWS:
            sentences.append(
                f"Has the first {_MOST_ROWS:,} of {len(self._section.frame):,} rows: an Excel "
                "sheet takes no more."
            )
        if self._links >= _MOST_LINKS:
            sentences.append(
                f"The first {_MOST_LINKS:,} links work: Excel takes no more in a sheet."
            )
        return sentences

    def _write_header(self) -> None:
        sheet, columns = self._sheet, self._section.columns
        rows = min(len(self._section.frame), _MOST_ROWS)
        sheet.hide_gridlines(2)
        # The name of a row stays in sight, too.
        sheet.freeze_panes(1, 2)
        sheet.autofilter(0, 1, max(rows, 1), len(columns))
        _set_page(sheet)
        sheet.repeat_rows(0)
        printed = [column for column in columns.values() if column.style != "id"]
        sheet.print_area(0, 1, rows, len(printed))
        sheet.set_footer("&L&A&RPage &P of &N")
        sheet.set_row(0, 30)
        sheet.set_column(0, 0, 3)
        # A text of digits, such as the identifier of a direct call, is not a mistake.
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{max(rows, 1) + 1}"})
        back = self._styles.of(bold=True, font_size=12, font_color="#FFFFFF", bg_color=_DARK)
        sheet.write_url(0, 0, f"internal:'{SUMMARY}'!A1", back, BACK, "Back to the contents")
        for position, column in enumerate(columns.values(), start=1):
            sheet.set_column(position, position, column.width)
            style = self._styles.of_header(is_kept=column.kept)
            sheet.write_string(0, position, fitting(column.title), style)

    def _write_row(self, number: int, row: Mapping[str, Any], *, begins_group: bool) -> None:
        lines = min(self._lines(row), _MOST_LINES)
        if lines > 1:
            # Excel finds the height by itself, but LibreOffice does not.
            self._sheet.set_row(number, _LINE_HEIGHT * lines)
        enabled = self._section.layout.enabled
        is_off = enabled is not None and row[enabled] == "no"
        for position, (name, column) in enumerate(self._section.columns.items(), start=1):
            value = row.get(name)
            target = self._target(number, row, column, value)
            style = self._styles.of_cell(
                column, value, is_link=target is not None, is_off=is_off, begins_group=begins_group
            )
            if target is not None:
                section, target_row = target
                _lead_to(
                    self._sheet, number, position, section.title, target_row + 1, str(value), style
                )
            elif value is None:
                self._sheet.write_blank(number, position, None, style)
            else:
                write_cell(self._sheet, number, position, value, style)

    def _lines(self, row: Mapping[str, Any]) -> int:
        """Return how many lines the longest text of a row takes, about."""
        most = 1
        for name, column in self._section.columns.items():
            value = row.get(name)
            if isinstance(value, str) and column.style != "id" and len(value) > column.width // 2:
                parts = value.split("\n", _MOST_LINES)
                most = max(most, sum(-(-len(part) // column.width) or 1 for part in parts))
        return most

    def _target(
        self, number: int, row: Mapping[str, Any], column: Column, value: Any
    ) -> tuple[Section, int] | None:
        """Return where a cell leads to; None for no other place."""
        if column.link is None or value is None or self._links >= _MOST_LINKS:
            return None
        target = self._targets.get(row.get(column.link))  # type: ignore[arg-type]
        if target is None or target[1] >= _MOST_ROWS:
            return None
        if target[0] is self._section and target[1] == number - 1:
            return None
        self._links += 1
        return target


class _SummaryWriter:
    """Writes the first sheet, from top to bottom."""

    def __init__(self, sheet: "Worksheet", report: Report, styles: _Styles) -> None:
        self._sheet = sheet
        self._report = report
        self._styles = styles
        self._row = 0

    def write(self, limits: Sequence[tuple[str, str]]) -> None:
        """Write the sheet."""
        sheet = self._sheet
        sheet.hide_gridlines(2)
        _set_page(sheet)
        for position, width in enumerate(_SUMMARY_WIDTHS):
            sheet.set_column(position, position, width)
        sheet.set_row(0, 30)
        title = self._styles.of(bold=True, font_size=18, font_color=_DARK)
        sheet.write_string(0, 1, fitting(self._report.title), title)
        self._row = 2
        for label, text in self._report.facts:
            self._write_line(label, text)
        self._write_contents()
        self._write_counts()
        self._write_inventory()
        self._write_limits(limits)

    def _write_line(self, label: str, text: str) -> None:
        self._sheet.write_string(self._row, 1, label, self._styles.of(font_color=_GRAY))
        self._sheet.write_string(self._row, 2, fitting(text), self._styles.of())
        self._row += 1

    def _write_header(self, *titles: str) -> None:
        self._row += 1
        style = self._styles.of_header()
        for position, title in enumerate(titles, start=1):
            self._sheet.write_string(self._row, position, title, style)
        for position in range(len(titles) + 1, len(_SUMMARY_WIDTHS)):
            self._sheet.write_blank(self._row, position, None, style)
        self._row += 1

    def _write_link(self, title: str) -> None:
        style = self._styles.of(font_color=_LINK, underline=1)
        _lead_to(self._sheet, self._row, 1, title, 0, title, style)

    def _write_sentence(self, text: str) -> None:
        """Write a text across columns. Excel does not find the height of merged cells."""
        lines = -(-len(text) // _SENTENCE_LENGTH)
        self._sheet.set_row(self._row, _LINE_HEIGHT * min(lines, 20))
        first, last = _SENTENCE_COLUMNS
        style = self._styles.of(text_wrap=True)
        self._sheet.merge_range(self._row, first, self._row, last, "", style)
        self._sheet.write_string(self._row, first, fitting(text), style)
        self._row += 1

    def _write_contents(self) -> None:
        self._write_header("Sheet", "Shows", "", "", "", "", "", "Rows")
        for section in self._report.sections:
            self._write_link(section.title)
            self._sheet.write_string(self._row, 2, section.layout.about, self._styles.of())
            count = "not available" if section.problem else len(section.frame)
            style = self._styles.of(align="left", num_format="#,##0")
            write_cell(self._sheet, self._row, len(_SUMMARY_WIDTHS) - 1, count, style)
            self._row += 1

    def _write_counts(self) -> None:
        if not self._report.counts:
            return
        self._write_header("Findings", "Number")
        for severity, count in self._report.counts.items():
            style = self._styles.of(**_SEVERITIES[severity])
            self._sheet.write_string(self._row, 1, severity, style)
            self._sheet.write_number(self._row, 2, count, self._styles.of(align="left"))
            self._row += 1

    def _write_inventory(self) -> None:
        self._write_header(*_INVENTORY.values())
        for row in self._report.inventory:
            for position, name in enumerate(_INVENTORY, start=1):
                style = self._styles.of(align="left", num_format="#,##0")
                if name == "last_updated_at":
                    style = self._styles.of(align="left", num_format="yyyy-mm-dd hh:mm")
                write_cell(self._sheet, self._row, position, row[name], style)
            self._row += 1

    def _write_limits(self, limits: Sequence[tuple[str, str]]) -> None:
        self._write_header("Limits", "What this report does not show")
        for title, sentence in limits:
            if title == SUMMARY:
                self._sheet.write_string(self._row, 1, "All sheets", self._styles.of())
            else:
                self._write_link(title)
            self._write_sentence(sentence)
