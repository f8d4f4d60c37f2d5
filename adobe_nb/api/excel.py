"""Tables to an Excel workbook: complete, typed, and with every text as plain text."""

import importlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from adobe_nb.errors import ArgumentError

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

_MOST_ROWS = 1_048_576
_MOST_COLUMNS = 16_384
_MOST_CHARACTERS = 32_767
"""Of a cell, counted as Excel does: in UTF-16 units."""
_CUT = " … (cut)"
_SHEET_NAME = 31
_NARROW, _WIDE = 8, 60
_MEASURED = 200
"""Rows that decide how wide a column is."""
_EXACT = 10**15
"""Excel keeps 15 digits: longer whole numbers are written as text, so that none is lost."""
_FIRST_DAY, _LAST_DAY = datetime(1900, 3, 1), datetime(9999, 12, 31, 23, 59, 59)
"""Excel knows no day before 1900, and counts one too many up to March of that year."""
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_NOT_IN_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold."""


def to_excel(
    frames: pd.DataFrame | Mapping[str, pd.DataFrame], path: str | os.PathLike[str]
) -> Path:
    """Write a frame, or several as ``{name of the sheet: frame}``, to an Excel workbook. Returns
    its path.

    Times are in UTC, without a zone, which Excel does not know. Numbers and booleans keep their
    type, missing values are empty, and all texts are plain text: never formulas, never links.
    Nested values are JSON text. The header is frozen and filtered. The index is not written. An
    existing file is replaced once the new one is complete.

    What Excel cannot hold: a text of more than 32,767 characters is cut and ends in ``… (cut)``;
    times before March 1900 and whole numbers of more than 15 digits are text; control characters
    that XML cannot hold show as escapes.

    Names of sheets are cut to 31 characters; what Excel does not take in them becomes ``_``, and of
    two equal names the second gets a number.

    Raises ArgumentError, before anything is written, for more than 1,048,575 rows or 16,384 columns
    or a path that does not end in .xlsx or cannot be written, and when XlsxWriter is not installed.

    Example:
        >>> import adobe_nb
        >>> session = adobe_nb.connect(simulator=True)
        >>> properties = session.reactor.properties()
        >>> adobe_nb.to_excel({"properties": properties}, "site.xlsx").name
        'site.xlsx'
    """
    sheets = _sheets(frames)
    target = _target(path)
    xlsxwriter = _xlsxwriter()
    problem = ""
    try:
        _replace(target, xlsxwriter, sheets)
    except OSError as error:
        problem = error.strerror or type(error).__name__
    except xlsxwriter.exceptions.XlsxWriterException as error:
        problem = str(error)
    if problem:
        raise ArgumentError(
            f"{target} cannot be written ({problem}). Close it in Excel, or choose another path."
        )
    return target


def _sheets(frames: pd.DataFrame | Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Names that Excel takes, and their frames."""
    if isinstance(frames, pd.DataFrame):
        frames = {"Sheet1": frames}
    if not isinstance(frames, Mapping) or not frames:
        raise ArgumentError("Give a DataFrame, or several as {name of the sheet: DataFrame}.")
    sheets: dict[str, pd.DataFrame] = {}
    taken: set[str] = set()
    for name, frame in frames.items():
        if not isinstance(name, str):
            raise ArgumentError(f"The name of a sheet is text, got {name!r}.")
        _check_frame(name, frame)
        safe = _safe_name(name, taken)
        taken.add(safe.casefold())
        sheets[safe] = frame
    return sheets


def _safe_name(name: str, taken: Collection[str]) -> str:
    """The name as Excel takes it: 31 characters, none of ``[]:*?/\\``, and different from the
    others but for case.
    """
    whole = _NOT_IN_NAME.sub("_", name).strip().strip("'").strip()
    whole = (
        f"{whole}_" if whole.casefold() == "history" else whole or "Sheet"
    )  # Excel keeps History for itself
    safe, number = _first_units(whole, _SHEET_NAME).rstrip("' "), 1
    while safe.casefold() in taken:
        number += 1
        ending = f" ({number})"
        safe = f"{_first_units(whole, _SHEET_NAME - len(ending))}{ending}"
    return safe


def _check_frame(name: str, frame: object) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise ArgumentError(
            f"{name!r} is a {type(frame).__name__}, not a DataFrame. Convert it first."
        )
    rows, columns = frame.shape
    if rows + 1 > _MOST_ROWS:
        raise ArgumentError(
            f"{name!r} has {rows:,} rows, and a sheet of Excel takes {_MOST_ROWS - 1:,} below its header. Filter or "
            "split the frame, or write it with frame.to_parquet()."
        )
    if columns > _MOST_COLUMNS:
        raise ArgumentError(
            f"{name!r} has {columns:,} columns, and a sheet of Excel takes {_MOST_COLUMNS:,}."
        )


def _target(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise ArgumentError(
            f'Give the path of the workbook, for example "site.xlsx", instead of {path!r}.'
        )
    target = Path(path).expanduser()
    if target.suffix.lower() != ".xlsx":
        raise ArgumentError(
            f"{target.name!r} must end in .xlsx: Excel opens no other name for such a file."
        )
    if target.is_dir():
        raise ArgumentError(f"{target} is a folder. Name a file in it.")
    if not target.parent.is_dir():
        raise ArgumentError(f"There is no folder {target.parent}. Create it first.")
    return target.resolve()  # through a link, so that the file behind it is replaced, not the link


def _xlsxwriter() -> Any:
    """The module, which is imported only here: it comes with an extra."""
    try:
        return importlib.import_module("xlsxwriter")
    except ImportError:
        pass
    raise ArgumentError('Excel workbooks require XlsxWriter. Run: pip install "adobe_nb[lab]"')


def _replace(target: Path, xlsxwriter: Any, sheets: Mapping[str, pd.DataFrame]) -> None:
    """Write a file beside the target and put it in its place, so that a half-written one is never
    there.
    """
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".adobe-nb-") as folder:
        written = Path(folder) / "new.xlsx"
        with xlsxwriter.Workbook(str(written), {**_OPTIONS, "tmpdir": folder}) as workbook:
            header = workbook.add_format({"bold": True, "bottom": 1})
            moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
            for name, frame in sheets.items():
                _write_sheet(workbook.add_worksheet(name), frame, header, moment)
        written.chmod(mode)
        written.replace(target)


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _write_sheet(
    sheet: "Worksheet", frame: pd.DataFrame, header: "Format", moment: "Format"
) -> None:
    rows, columns = frame.shape
    sheet.freeze_panes(1, 0)
    if columns:
        sheet.autofilter(0, 0, rows, columns - 1)
    for position, label in enumerate(frame.columns):
        sheet.set_column(position, position, _width(str(label), frame.iloc[:_MEASURED, position]))
        sheet.write_string(0, position, _text(_label(label)), header)
    # Row by row: XlsxWriter then keeps no more than one of them in memory.
    cells = zip(
        *(frame.iloc[:, position].astype(object) for position in range(columns)), strict=True
    )
    for number, row in enumerate(cells, start=1):
        for position, value in enumerate(row):
            _write_cell(sheet, number, position, value, moment)


def _label(label: object) -> str:
    return " / ".join(map(str, label)) if isinstance(label, tuple) else str(label)


def _width(label: str, values: "pd.Series[Any]") -> float:
    longest = max((len(_shown(value).partition("\n")[0]) for value in values), default=0)
    return min(
        max(len(label) + 4, longest + 1, _NARROW), _WIDE
    )  # four more: the header has a button


def _shown(value: object) -> str:
    if _is_missing(value):
        return ""
    return str(value)[:19] if isinstance(value, datetime) else str(value)[:_WIDE]


def _write_cell(
    sheet: "Worksheet", row: int, column: int, value: object, time_format: "Format"
) -> None:
    if _is_missing(value):
        return
    if isinstance(value, bool) or type(value).__name__ in {"bool_", "bool"}:
        sheet.write_boolean(row, column, bool(value))
    elif isinstance(value, date):
        moment = _moment(value)
        if _FIRST_DAY <= moment <= _LAST_DAY:
            sheet.write_datetime(row, column, moment, time_format)
        else:
            sheet.write_string(row, column, str(value))
    elif isinstance(value, Integral) and abs(int(value)) < _EXACT:
        sheet.write_number(row, column, int(value))
    elif isinstance(value, Real) and not isinstance(value, Integral) and _is_finite(value):
        sheet.write_number(row, column, float(value))
    else:
        sheet.write_string(row, column, _text(_plain(value)))


def _is_missing(value: Any) -> bool:
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, Real) and bool(value != value)  # noqa: PLR0124 - not a number


def _is_finite(value: Real) -> bool:
    return abs(float(value)) != float("inf")


def _moment(value: date) -> datetime:
    """In UTC, without a zone, to the millisecond that Excel keeps."""
    if not isinstance(value, datetime):
        return datetime.combine(value, time())
    plain = value.to_pydatetime(warn=False) if isinstance(value, pd.Timestamp) else value
    if plain.tzinfo is None:
        return plain
    with suppress(OverflowError):  # at the ends of the calendar another zone's day may not exist
        return plain.astimezone(UTC).replace(tzinfo=None)
    return plain.replace(tzinfo=None)


def _plain(value: object) -> str:
    """Text as it is, nested values as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list | tuple):
        with suppress(TypeError, ValueError, RecursionError):
            return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _text(text: str) -> str:
    """What a cell can hold of a text."""
    safe = _NO_XML.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
    if len(safe) <= _MOST_CHARACTERS // 2 or len(safe.encode("utf-16-le")) <= 2 * _MOST_CHARACTERS:
        return safe
    return _first_units(safe, _MOST_CHARACTERS - len(_CUT)) + _CUT


def _first_units(text: str, most: int) -> str:
    """Its beginning, of so many UTF-16 units at most; a pair of them that would be cut in two is
    left out.
    """
    return text.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore")
