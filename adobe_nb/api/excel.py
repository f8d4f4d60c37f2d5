"""Write frames to an Excel workbook: complete, typed, and with every text as plain text."""

import json
import math
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, time
from importlib.util import find_spec
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from adobe_nb.api.files import replacing, target_file
from adobe_nb.errors import ArgumentError

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
_MAX_SHEET_NAME = 31
# The longest text of a cell. Excel counts UTF-16 units.
_MAX_TEXT = 32_767
_CUT_MARK = " … (cut)"
_MIN_WIDTH, _MAX_WIDTH = 8, 60
# Columns are as wide as their first rows need.
_MEASURED_ROWS = 200
# Excel keeps 15 digits. Longer whole numbers are written as text, so that no digit is lost.
_MAX_INTEGER = 10**15
# Excel has no dates before 1900, and counts a 29 February 1900 that never was.
_FIRST_DATE, _LAST_DATE = datetime(1900, 3, 1), datetime(9999, 12, 31, 23, 59, 59)
_OPTIONS = {
    "constant_memory": True,
    "default_date_format": "yyyy-mm-dd hh:mm:ss",
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_INVALID_IN_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_INVALID_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def to_excel(
    frames: pd.DataFrame | Mapping[str, pd.DataFrame], path: str | os.PathLike[str]
) -> Path:
    """Write one frame, or several, to an Excel workbook.

    Texts are always plain text, never formulas or links. Numbers and booleans keep their type,
    missing values are empty cells, nested values are JSON text, and times are in UTC, without a
    zone, because Excel has none. The header is frozen and has a filter. The index is not written.

    Parameters
    ----------
    frames
        A DataFrame, or ``{sheet name: DataFrame}``. Sheet names are cut to 31 characters,
        characters that Excel does not accept become ``_``, and the second of two equal names gets a
        number.
    path
        The workbook, ending in ``.xlsx``. An existing file is replaced when the new one is
        complete.

    Returns
    -------
    Path
        The path of the workbook.

    Raises
    ------
    ArgumentError
        A frame has more than 1,048,575 rows or 16,384 columns, the path does not end in ``.xlsx``
        or cannot be written, or XlsxWriter is not installed. Nothing is written.

    Notes
    -----
    Some values do not fit into Excel. A text of more than 32,767 characters is cut and ends in
    ``… (cut)``. Times before March 1900 and whole numbers of more than 15 digits become text.
    Control characters that XML cannot hold become escapes.

    Examples
    --------
    >>> import adobe_nb
    >>> session = adobe_nb.connect(simulator=True)
    >>> properties = session.reactor.properties()
    >>> adobe_nb.to_excel({"properties": properties}, "site.xlsx").name
    'site.xlsx'
    """
    sheets = _sheets(frames)
    with new_workbook(path) as (target, workbook):
        header = workbook.add_format({"bold": True, "bottom": 1})
        for name, frame in sheets.items():
            _write_sheet(workbook.add_worksheet(name), frame, header)
    return target


@contextmanager
def new_workbook(path: str | os.PathLike[str]) -> Iterator[tuple[Path, "Workbook"]]:
    """Yield where a workbook will be, and the workbook to fill. Raises ArgumentError.

    It replaces an existing file when it is complete.
    """
    target = target_file(path, ".xlsx")
    if find_spec("xlsxwriter") is None:
        raise ArgumentError(
            'Excel workbooks require XlsxWriter. Run: pip install "adobe_nb[excel]"'
        )
    # Imported only here: it comes with an extra.
    import xlsxwriter  # noqa: PLC0415

    try:
        with (
            replacing(target) as written,
            xlsxwriter.Workbook(
                str(written), {**_OPTIONS, "tmpdir": str(written.parent)}
            ) as workbook,
        ):
            yield target, workbook
    except (OSError, xlsxwriter.exceptions.XlsxWriterException) as error:
        problem = getattr(error, "strerror", None) or error
        raise ArgumentError(
            f"Cannot write {target} ({problem}). Close it in Excel, or choose another path."
        ) from None


def _sheets(frames: pd.DataFrame | Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the frames by names that Excel accepts. Raises ArgumentError."""
    if isinstance(frames, pd.DataFrame):
        frames = {"Sheet1": frames}
    if not isinstance(frames, Mapping) or not frames:
        raise ArgumentError("Expected a DataFrame, or several as {sheet name: DataFrame}.")
    sheets: dict[str, pd.DataFrame] = {}
    for name, frame in frames.items():
        if not isinstance(name, str):
            raise ArgumentError(f"Expected text as the name of a sheet, got {name!r}.")
        _check_frame(name, frame)
        sheets[_sheet_name(name, set(map(str.casefold, sheets)))] = frame
    return sheets


def _sheet_name(name: str, taken: Collection[str]) -> str:
    """Return a name that Excel accepts and that differs from the others by more than case."""
    valid = _INVALID_IN_NAME.sub("_", name).strip().strip("'").strip() or "Sheet"
    if valid.casefold() == "history":
        # Excel reserves this name.
        valid += "_"
    unique = _first_units(valid, _MAX_SHEET_NAME).rstrip("' ")
    number = 1
    while unique.casefold() in taken:
        number += 1
        suffix = f" ({number})"
        unique = _first_units(valid, _MAX_SHEET_NAME - len(suffix)) + suffix
    return unique


def _check_frame(name: str, frame: object) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise ArgumentError(
            f"{name!r} is a {type(frame).__name__}, not a DataFrame. Convert it first."
        )
    rows, columns = frame.shape
    if rows >= MAX_ROWS:
        raise ArgumentError(
            f"{name!r} has {rows:,} rows, but an Excel sheet takes {MAX_ROWS - 1:,} below its "
            "header. Filter or split the frame, or write it with frame.to_parquet()."
        )
    if columns > MAX_COLUMNS:
        raise ArgumentError(
            f"{name!r} has {columns:,} columns, but an Excel sheet takes {MAX_COLUMNS:,}. Select "
            "fewer."
        )


def _write_sheet(sheet: "Worksheet", frame: pd.DataFrame, header: "Format") -> None:
    rows, columns = frame.shape
    sheet.freeze_panes(1, 0)
    if columns:
        sheet.autofilter(0, 0, rows, columns - 1)
    for position, name in enumerate(frame.columns):
        label = str(name)
        if isinstance(name, tuple):
            label = " / ".join(map(str, name))
        sheet.set_column(position, position, _width(label, frame.iloc[:_MEASURED_ROWS, position]))
        sheet.write_string(0, position, fitting(label), header)
    # Row by row, so that XlsxWriter keeps no more than one row in memory.
    series = [frame.iloc[:, position].astype(object) for position in range(columns)]
    for number, row in enumerate(zip(*series, strict=True), start=1):
        for position, value in enumerate(row):
            write_cell(sheet, number, position, value)


def write_cell(
    sheet: "Worksheet", row: int, column: int, value: Any, style: "Format | None" = None
) -> None:
    """Write a value with its type, and a text as plain text; nothing for a missing value."""
    cell = _cell(value)
    if cell is None:
        return
    # Not sheet.write(): it guesses what a text means.
    if isinstance(cell, str):
        sheet.write_string(row, column, cell, style)
    elif isinstance(cell, bool):
        sheet.write_boolean(row, column, cell, style)
    elif isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell, style)
    else:
        sheet.write_number(row, column, cell, style)


def _width(label: str, values: "pd.Series[Any]") -> int:
    # The filter button of the header takes four characters.
    width = max(len(label) + 4, _MIN_WIDTH)
    for value in values:
        if _is_missing(value):
            continue
        text = str(value)
        if isinstance(value, datetime):
            text = text[:19]
        width = max(width, len(text[:_MAX_WIDTH].partition("\n")[0]) + 1)
    return min(width, _MAX_WIDTH)


def _cell(value: Any) -> bool | int | float | datetime | str | None:
    """Return the value as one of the types that a cell can have."""
    if _is_missing(value):
        return None
    if isinstance(value, bool) or type(value).__name__ in {"bool", "bool_"}:
        return bool(value)
    if isinstance(value, date):
        timestamp = _naive_utc(value)
        if _FIRST_DATE <= timestamp <= _LAST_DATE:
            return timestamp
    elif isinstance(value, Integral):
        integer = int(value)
        if abs(integer) < _MAX_INTEGER:
            return integer
    elif isinstance(value, Real):
        number = float(value)
        if math.isfinite(number):
            return number
    return fitting(_text(value))


def _is_missing(value: Any) -> bool:
    # Of a list, isna would return a list.
    return pd.api.types.is_scalar(value) and bool(pd.isna(value))


def _naive_utc(value: date) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time())
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime(warn=False)
    if value.tzinfo is not None:
        # At the ends of the calendar the date may not exist in UTC.
        with suppress(OverflowError):
            value = value.astimezone(UTC)
    return value.replace(tzinfo=None)


def _text(value: object) -> str:
    if isinstance(value, dict | list | tuple):
        with suppress(TypeError, ValueError, RecursionError):
            return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def fitting(text: str) -> str:
    """Return the text as a cell can hold it: valid XML, and not too long."""
    valid = _INVALID_IN_XML.sub(
        lambda match: match[0].encode("unicode_escape").decode("ascii"), text
    )
    # A character is one or two units: most texts need not be counted.
    if len(valid) <= _MAX_TEXT // 2 or _first_units(valid, _MAX_TEXT) == valid:
        return valid
    return _first_units(valid, _MAX_TEXT - len(_CUT_MARK)) + _CUT_MARK


def _first_units(text: str, count: int) -> str:
    """Return the first UTF-16 units of a text, without half of a pair at the end."""
    return text.encode("utf-16-le")[: 2 * count].decode("utf-16-le", "ignore")
