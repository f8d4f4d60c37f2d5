"""A report as an Excel workbook: a sheet with the contents, and one for each section."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adobe_nb.analysis.model import records
from adobe_nb.analysis.reports.report import Report
from adobe_nb.analysis.reports.sections import BACK, LIMITS, SUMMARY, Column, Section, Target
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
_NUMBER, _TIME = "#,##0", "yyyy-mm-dd hh:mm"
_A4 = 9
_SEVERITIES: Mapping[str, Mapping[str, Any]] = {
    "high": {"bg_color": "#FBE3E4", "font_color": "#8E1A1F", "bold": True},
    "medium": {"bg_color": "#FDEFD5", "font_color": "#7A4B00", "bold": True},
    "low": {"bg_color": "#E9EDF2", "font_color": "#41505F"},
}
_STYLES: Mapping[str, Mapping[str, Any]] = {
    "code": {"font_name": "Consolas", "font_size": 9},
    "id": {"font_name": "Consolas", "font_size": 9, "text_wrap": False, "font_color": _GRAY},
}
_LINKED = {"font_color": _LINK, "underline": 1}
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
        for section in report.sections:
            workbook.add_worksheet(section.title)
        limits = list(report.limits)
        targets = report.targets()
        for section in report.sections:
            sheet = workbook.get_worksheet_by_name(section.title)
            writer = _SectionWriter(sheet, section, styles, targets)
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

    def of_cell(self, column: Column, value: Any, row: Mapping[str, Any]) -> "Format":
        """Return the format of a cell, with the properties of its row."""
        properties = {"text_wrap": True, "bottom": 1, "bottom_color": _LINE}
        properties |= _STYLES.get(column.style, {})
        if isinstance(value, int | float):
            # Beside a text that begins at the left, a number needs room.
            properties |= {"align": "right", "indent": 1}
        if hasattr(value, "year"):
            properties["num_format"] = _TIME
        if column.kept:
            properties["bg_color"] = _NOTES
        properties |= row
        if column.style == "severity":
            properties |= _SEVERITIES.get(value, {})
        return self.of(**properties)


class _Sheet:
    """A sheet to write to, with the formats of its workbook."""

    def __init__(self, sheet: "Worksheet", styles: _Styles) -> None:
        self._sheet = sheet
        self._styles = styles
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.fit_to_pages(1, 0)
        sheet.set_row(0, 30)

    def _write_text(self, row: int, column: int, text: str, **properties: Any) -> None:
        self._sheet.write_string(row, column, fitting(text), self._styles.of(**properties))

    def _write_link(
        self, row: int, column: int, text: str, target: Target, style: "Format"
    ) -> None:
        address = f"internal:'{target.section}'!B{target.position + 2}"
        tip = f"Go to {target.section}"
        self._sheet.write_url(row, column, address, style, fitting(text), tip)


class _SectionWriter(_Sheet):
    """Writes one section to a sheet."""

    def __init__(
        self, sheet: "Worksheet", section: Section, styles: _Styles, targets: Mapping[str, Target]
    ) -> None:
        super().__init__(sheet, styles)
        self._section = section
        self._targets = targets
        self._links = 0

    def write(self) -> list[str]:
        """Write the sheet. Return what does not fit into one."""
        section = self._section
        self._write_header()
        if section.problem:
            self._write_text(1, 1, section.problem, italic=True, font_color=_GRAY)
        group_starts, disabled = set(section.group_starts()), set(section.disabled())
        for position, row in enumerate(records(section.frame.head(_MOST_ROWS))):
            properties: dict[str, Any] = {}
            if position in group_starts:
                properties |= {"top": 1, "top_color": _DARK}
            if position in disabled:
                properties["font_color"] = _GRAY
            self._write_row(position, row, properties)
        sentences = []
        if len(section.frame) > _MOST_ROWS:
            sentences.append(
                f"Has the first {_MOST_ROWS:,} of {len(section.frame):,} rows: an Excel "
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
        # The name of a row stays in sight, too.
        sheet.freeze_panes(1, 2)
        sheet.autofilter(0, 1, max(rows, 1), len(columns))
        sheet.repeat_rows(0)
        ids = [column.style for column in columns.values()].count("id")
        sheet.print_area(0, 1, rows, len(columns) - ids)
        sheet.set_footer("&L&A&RPage &P of &N")
        sheet.set_column(0, 0, 3)
        # A text of digits, such as the identifier of a direct call, is not a mistake.
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{max(rows, 1) + 1}"})
        back = self._styles.of(bold=True, font_size=12, font_color="#FFFFFF", bg_color=_DARK)
        sheet.write_url(0, 0, f"internal:'{SUMMARY}'!A1", back, BACK, "Back to the contents")
        for position, column in enumerate(columns.values(), start=1):
            sheet.set_column(position, position, column.width)
            style = self._styles.of_header(is_kept=column.kept)
            sheet.write_string(0, position, fitting(column.title), style)

    def _write_row(self, position: int, row: Mapping[str, Any], properties: dict[str, Any]) -> None:
        number = position + 1
        lines = 1
        for index, (name, column) in enumerate(self._section.columns.items(), start=1):
            value = row.get(name)
            if isinstance(value, str) and column.style != "id":
                lines = max(lines, _line_count(value, column.width))
            target = self._target(position, row, column, value)
            if target is not None:
                style = self._styles.of_cell(column, value, {**properties, **_LINKED})
                self._write_link(number, index, str(value), target, style)
                continue
            style = self._styles.of_cell(column, value, properties)
            if value is None:
                self._sheet.write_blank(number, index, None, style)
            else:
                write_cell(self._sheet, number, index, value, style)
        if lines > 1:
            # Excel finds the height by itself, but LibreOffice does not.
            self._sheet.set_row(number, _LINE_HEIGHT * min(lines, _MOST_LINES))

    def _target(
        self, position: int, row: Mapping[str, Any], column: Column, value: Any
    ) -> Target | None:
        """Return where a cell leads to; None for no other place."""
        if column.link is None or value is None or self._links >= _MOST_LINKS:
            return None
        target = self._targets.get(row.get(column.link))  # type: ignore[arg-type]
        if target is None or target.position >= _MOST_ROWS:
            return None
        if target == (self._section.title, position):
            return None
        self._links += 1
        return target


def _line_count(text: str, width: int) -> int:
    """Return how many lines a text takes in a column, about."""
    if len(text) <= width // 2:
        return 1
    # An empty line takes one, too.
    parts = text.split("\n", _MOST_LINES)
    return sum(-(-max(len(part), 1) // width) for part in parts)


class _SummaryWriter(_Sheet):
    """Writes the first sheet, from top to bottom."""

    def __init__(self, sheet: "Worksheet", report: Report, styles: _Styles) -> None:
        super().__init__(sheet, styles)
        self._report = report
        self._row = 2

    def write(self, limits: Sequence[tuple[str, str]]) -> None:
        """Write the sheet."""
        for position, width in enumerate(_SUMMARY_WIDTHS):
            self._sheet.set_column(position, position, width)
        self._write_text(0, 1, self._report.title, bold=True, font_size=18, font_color=_DARK)
        for label, text in self._report.facts:
            self._write_text(self._row, 1, label, font_color=_GRAY)
            self._write_text(self._row, 2, text)
            self._row += 1
        self._write_contents()
        self._write_counts()
        self._write_inventory()
        self._write_limits(limits)

    def _write_header(self, *titles: str) -> None:
        self._row += 1
        style = self._styles.of_header()
        for position in range(1, len(_SUMMARY_WIDTHS)):
            self._sheet.write_blank(self._row, position, None, style)
        self._sheet.write_row(self._row, 1, titles, style)
        self._row += 1

    def _write_title(self, title: str) -> None:
        self._write_link(self._row, 1, title, Target(title, -1), self._styles.of(**_LINKED))

    def _write_contents(self) -> None:
        self._write_header("Sheet", "Shows", "", "", "", "", "", "Rows")
        for section in self._report.sections:
            self._write_title(section.title)
            self._write_text(self._row, 2, section.layout.about)
            count: str | int = len(section.frame)
            if section.problem:
                count = "not available"
            style = self._styles.of(align="left", num_format=_NUMBER)
            write_cell(self._sheet, self._row, len(_SUMMARY_WIDTHS) - 1, count, style)
            self._row += 1

    def _write_counts(self) -> None:
        if not self._report.counts:
            return
        self._write_header("Findings", "Number")
        for severity, count in self._report.counts.items():
            self._write_text(self._row, 1, severity, **_SEVERITIES[severity])
            self._sheet.write_number(self._row, 2, count, self._styles.of(align="left"))
            self._row += 1

    def _write_inventory(self) -> None:
        inventory = self._report.inventory
        titles = [column.title for column in inventory.columns.values()]
        self._write_header(*titles)
        for row in records(inventory.frame):
            for position, name in enumerate(inventory.columns, start=1):
                formats = {"last_updated_at": _TIME}
                style = self._styles.of(align="left", num_format=formats.get(name, _NUMBER))
                write_cell(self._sheet, self._row, position, row[name], style)
            self._row += 1

    def _write_limits(self, limits: Sequence[tuple[str, str]]) -> None:
        self._write_header("Limits", LIMITS.about.rstrip("."))
        first, last = _SENTENCE_COLUMNS
        style = self._styles.of(text_wrap=True)
        for title, sentence in limits:
            if title == SUMMARY:
                self._write_text(self._row, 1, "All sheets")
            else:
                self._write_title(title)
            # Excel does not find the height of merged cells.
            lines = -(-len(sentence) // _SENTENCE_LENGTH)
            self._sheet.set_row(self._row, _LINE_HEIGHT * min(lines, 20))
            self._sheet.merge_range(self._row, first, self._row, last, "", style)
            self._write_text(self._row, first, sentence, text_wrap=True)
            self._row += 1
