"""What people wrote in an earlier report, so that the next one keeps it.

A workbook that was sorted, filtered or extended is read by its headers and keys, never by position.
"""

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from importlib.util import find_spec
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from adobe_nb.analysis.reports.sections import (
    BACK,
    EARLIER_NOTES,
    FACT_OF_PROPERTY,
    FACT_SEPARATOR,
    LIMITS,
    PROPERTY_ID,
    SUMMARY,
    Layout,
    layouts,
)
from adobe_nb.analysis.words import counted, enumerated
from adobe_nb.api.excel import fitting
from adobe_nb.errors import ArgumentError

_FIRST_SEEN = "First seen"
_HEADER_IS_WITHIN = 10
_ADDED_BY_US = ("Property", PROPERTY_ID, "Code")
Row = Sequence[Any]
# The blocks of the summary by the first two cells of their header: the columns that have text, and
# the first cells of their rows, where these are known.
_LABELS = {FACT_OF_PROPERTY, "Source", "Tags read", "Report written"}
_FACTS = ({1, 2}, _LABELS)
_BLOCKS: Mapping[str, tuple[set[int], set[str]]] = {
    "Sheet\nShows": ({1, 2, 8}, {*layouts()}),
    "Findings\nNumber": ({1, 2}, {"high", "medium", "low"}),
    "Property\nWhat": (set(range(1, 8)), set()),
    f"Limits\n{LIMITS.about.rstrip('.')}": ({1, 2}, {"All sheets", *layouts()}),
}
Texts = dict[str, Any]


class Key(NamedTuple):
    """What tells a row of a section apart in every report."""

    section: str
    property_id: str
    """Empty in a report of one property."""
    value: str


class Earlier:
    """What people wrote in earlier reports, by row and by the title of the column."""

    def __init__(self) -> None:
        self.own_columns: dict[str, dict[str, None]] = {}
        """The titles of columns that people added, by section."""
        self.first_seen: dict[str, Any] = {}
        """When findings were seen first, by fingerprint."""
        self.not_kept: list[str] = []
        """What people added that a new report does not take over."""
        self.properties: dict[str, str] = {}
        """The names of the properties that the report documents, by id."""
        self._texts: dict[Key, Texts] = {}
        self._subjects: dict[Key, Any] = {}

    def take(self, key: Key) -> Texts:
        """Return what is written about a row of the new report."""
        return self._texts.pop(key._replace(value=fitting(key.value)), {})

    def left_over(self) -> Iterator[dict[str, Any]]:
        """Yield what is written about rows that the new report does not have."""
        for key, texts in self._texts.items():
            for title, text in texts.items():
                yield {
                    "section": key.section,
                    "property_id": key.property_id or None,
                    "key": key.value,
                    "subject": self._subjects.get(key),
                    "column": title,
                    "text": str(text),
                }

    def add(self, key: Key, title: str, value: Any, subject: Any = None) -> None:
        """Add what a cell says. Different texts about one row are kept below each other."""
        texts = self._texts.setdefault(key, {})
        texts[title] = _joined(texts.get(title), value)
        if subject is not None:
            self._subjects.setdefault(key, subject)
        if title not in layouts()[key.section].titles(kept=True):
            self.own_columns.setdefault(key.section, {})[title] = None

    def fill_gaps(self, older: "Earlier") -> None:
        """Add what only an older report says."""
        for key, texts in older._texts.items():
            for title, value in texts.items():
                if title not in self._texts.get(key, {}):
                    self.add(key, title, value, older._subjects.get(key))
        self.first_seen = {**self.first_seen, **older.first_seen}
        self.not_kept += older.not_kept


def read_earlier(
    target: Path | None, notes: str | os.PathLike[str] | None, property_ids: Iterable[str]
) -> Earlier:
    """Read the report that the new one replaces, and the one that a user named.

    Raises ArgumentError when one cannot be read, when replacing would lose something, and when the
    notes in the report that is replaced are about other properties, unless the user named it.
    """
    path = None if notes is None else Path(notes).expanduser()
    is_target = path is not None and path.resolve() == target
    earlier = Earlier()
    if target is not None and target.exists():
        earlier = _read(target)
        if earlier.not_kept:
            raise ArgumentError(
                f"{target} has {enumerated(earlier.not_kept)}, which a new report would lose. "
                "Write it to another file, and take the notes over: "
                f"to_excel('new.xlsx', notes={target.name!r})."
            )
        if not is_target:
            _check_properties(earlier, target, property_ids)
    if path is None or is_target:
        return earlier
    older = _read(path)
    if older.not_kept:
        sentence = f"Not taken over from {path.name}: {enumerated(older.not_kept)}."
        older.not_kept = [sentence]
    earlier.fill_gaps(older)
    return earlier


def _check_properties(earlier: Earlier, target: Path, property_ids: Iterable[str]) -> None:
    """Raise ArgumentError when a report is about other properties only."""
    ids = set(filter(None, property_ids))
    if not ids or not earlier.properties or ids & earlier.properties.keys():
        return
    names = list(earlier.properties.values())
    raise ArgumentError(
        f"{target.name} documents {enumerated(names)}. Choose another path, or pass "
        f"notes={target.name!r} to take its notes over."
    )


def _read(path: Path) -> Earlier:
    """Read a workbook. Raises ArgumentError."""
    if find_spec("openpyxl") is None:
        raise ArgumentError(
            f'Taking over the notes of {path} requires openpyxl. Run: pip install "adobe_nb[excel]"'
        )
    # Imported only here: it comes with an extra.
    import openpyxl  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            # It warns of what it does not read, such as validations.
            warnings.simplefilter("ignore")
            with closing(openpyxl.load_workbook(path, read_only=True)) as book:
                return _Reader(book).read()
    except ArgumentError as error:
        problem = str(error)
    except OSError as error:
        problem = f"Cannot read it ({error.strerror or error})."
    except Exception as error:  # noqa: BLE001 a damaged file can raise anything
        problem = f"It is not an Excel workbook (.xlsx) that can be read ({error})."
    raise ArgumentError(f"{path}: {problem}")


class _Reader:
    """Reads one workbook."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._earlier = Earlier()
        self._is_report = False

    def read(self) -> Earlier:
        """Return what people wrote. Raises ArgumentError."""
        # Sheets of charts have no rows.
        for name in sorted({*self._book.sheetnames} - {sheet.title for sheet in self._book}):
            self._reject(f"the sheet {name!r}")
        for sheet in self._book.worksheets:
            # Programs write wrong dimensions.
            sheet.reset_dimensions()
            self._read_sheet(sheet.title, map(_values, sheet.iter_rows(values_only=True)))
        if not self._is_report:
            raise ArgumentError(
                "No sheet has the columns of a report: 'Variable' or 'Fingerprint', and one for "
                "notes. Choose the path of another file."
            )
        return self._earlier

    def _reject(self, part: str) -> None:
        self._earlier.not_kept.append(part)

    def _read_sheet(self, name: str, rows: Iterator[Row]) -> None:
        if name == SUMMARY:
            lines = list(rows)
            self._read_properties(lines)
            if _has_notes(lines):
                self._reject(f"text of your own in the sheet {name!r}")
            rows = iter(lines)
        for row in islice(rows, _HEADER_IS_WITHIN):
            header = [" ".join(text.split()) for text in map(_text, row)]
            layout = _keyed_layout(name, header)
            if name == EARLIER_NOTES and "Key" in header:
                lines = list(rows)
                self._read_earlier_notes(header, lines)
                self._check_columns(layouts()[name], header, lines)
            elif layout is not None:
                self._is_report = True
                self._read_rows(name, layout, header, rows)
            elif name in layouts() and any(header):
                self._check_columns(layouts()[name], header, rows)
            else:
                continue
            return
        if name not in (*layouts(), SUMMARY):
            self._reject(f"the sheet {name!r}")

    def _read_properties(self, rows: Iterable[Row]) -> None:
        for row in rows:
            cells = list(filter(None, map(_text, row)))
            # The header of the inventory has the same label, and more cells.
            if cells[:1] == [FACT_OF_PROPERTY] and len(cells) == 2:
                parts = cells[1].split(FACT_SEPARATOR)
                self._earlier.properties[parts[-1]] = parts[0]

    def _check_columns(self, layout: Layout, header: Sequence[str], rows: Iterable[Row]) -> None:
        if layout.key_title is not None:
            raise ArgumentError(
                f"The sheet {layout.title!r} has no column {layout.key_title!r}, so that "
                "its notes cannot be told apart. Restore the column."
            )
        titles = dict.fromkeys(header)
        for row in rows:
            # A cell needs no header to be a note.
            titles |= dict.fromkeys(_cells(header, row))
        known = {"", *_ADDED_BY_US, BACK} | layout.titles()
        for title in titles:
            if title not in known:
                self._reject(f"the column {title!r} of the sheet {layout.title!r}")

    def _read_earlier_notes(self, header: Sequence[str], rows: Iterable[Row]) -> None:
        for row in rows:
            cells = _cells(header, row)
            if cells.get("Sheet") in layouts() and "Text" in cells:
                property_id, value = _text(cells.get(PROPERTY_ID)), _text(cells.get("Key"))
                key = Key(cells["Sheet"], property_id, value)
                self._earlier.add(
                    key, _text(cells.get("Column")), cells["Text"], cells.get("About")
                )

    def _read_rows(
        self, name: str, layout: Layout, header: Sequence[str], rows: Iterable[Row]
    ) -> None:
        ours = layout.titles(kept=False).union(_ADDED_BY_US)
        subject_title = layout.subject and layout.columns[layout.subject].title
        without_key = 0
        for row in rows:
            cells = _cells(header, row)
            value = _text(cells.get(layout.key_title or ""))
            if not value:
                without_key += not cells.keys() <= ours
                continue
            key = Key(layout.title, _text(cells.get(PROPERTY_ID)), value)
            for title, cell in cells.items():
                if title not in ours:
                    self._earlier.add(key, title, cell, cells.get(subject_title or ""))
            if _FIRST_SEEN in cells:
                self._earlier.first_seen[value] = cells[_FIRST_SEEN]
        if without_key:
            rows = counted(without_key, "row", "rows")
            self._reject(f"{rows} without {layout.key_title!r} in the sheet {name!r}")


def _has_notes(summary: Iterable[Row]) -> bool:
    """Return whether a summary has cells outside its blocks, or rows that are not of its own."""
    columns, labels = _FACTS
    for number, row in enumerate(summary):
        cells = [*map(_text, row), "", ""]
        filled = {position for position, text in enumerate(cells) if text}
        header = "\n".join(cells[1:3])
        # The title of the report stands in the first row.
        has_label = number > 0 and filled and labels
        if header in _BLOCKS:
            columns, labels = _BLOCKS[header]
        elif has_label and cells[1] not in labels:
            return True
        if not filled <= columns:
            return True
    return False


def _keyed_layout(name: str, header: Sequence[str]) -> Layout | None:
    """Return the section whose notes a sheet has, whatever its name is now."""
    for layout in layouts().values():
        is_named = layout.title == name or not layout.titles(kept=True).isdisjoint(header)
        if layout.key_title in header and is_named:
            return layout
    return None


def _values(row: Row) -> Row:
    """Return what the cells of a row say; None for blank ones."""
    values = []
    for cell in row:
        # The formula of an array is an object.
        value = getattr(cell, "text", cell)
        if isinstance(value, str):
            # Excel writes a carriage return in a text as an escape.
            value = value.replace("_x000D_", "").replace("\r", "")
            if not value.strip():
                value = None
        values.append(value)
    return values


def _cells(header: Sequence[str], row: Row) -> Texts:
    """Return the cells of a row that have a value, by the titles of their columns."""
    cells: Texts = {}
    for number, (header_cell, value) in enumerate(zip_longest(header, row), start=1):
        if value is None:
            continue
        title = header_cell
        if title in (None, "", BACK):
            title = f"Column {number}"
        cells[title] = _joined(cells.get(title), value)
    return cells


def _joined(known: Any, value: Any) -> Any:
    """Return two values below each other; one of them when that says it all."""
    if known is None:
        return value
    if str(value) in str(known).split("\n"):
        return known
    return f"{known}\n{value}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).strip()
