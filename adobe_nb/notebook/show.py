"""Show a frame as a table that sorts and filters: DataTables, as ``itables`` brings it.

Nothing is loaded from a network: the output of a cell holds DataTables and the rows. The ordinary
table is in it too, for front ends that run no scripts.
"""

import gzip
import json
import sys
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import cache
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from itertools import chain
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4
from weakref import WeakSet

import pandas as pd
from IPython.core.getipython import get_ipython
from IPython.display import display

from adobe_nb.api.reactor.frames import MAX_EXACT
from adobe_nb.errors import ArgumentError
from adobe_nb.notebook.display import NOT_MATH
from adobe_nb.notebook.tables import counted, frame_html, full_view, notes_html, text_of

MAX_BYTES = 1_000_000
"""The most that the rows of a table may add to an output."""
MAX_ROWS = 20_000
"""The most rows that a browser sorts without a pause."""
MAX_CELL = 10_000
"""The most characters of a cell."""
_LARGEST = sys.float_info.max
_cells_with_library: WeakSet[Any] = WeakSet()
"""The results of cells that run, or that ran and are still referenced."""
_INSTALL = 'To sort and filter this table, install itables: pip install "adobe_nb[lab]"'
_RUN = "To sort and filter this table, run this cell in a notebook."
_SELECT = (
    "Its first row is already more than a notebook should hold. To sort and filter this table, select "
    'columns first: adobe_nb.show(frame[["name", "id"]]). adobe_nb.to_excel(frame, path) writes all.'
)
_STYLE = (
    ".adobe-nb-live{overflow-x:auto;--dt-html-background:"
    "var(--jp-layout-color0,var(--vscode-editor-background,Canvas))}"
    ".adobe-nb-live table.dataTable{width:auto;margin:0!important}"
    ".adobe-nb-live :is(td,th){white-space:nowrap;text-align:left!important}"
    ".adobe-nb-live td{max-width:26em;overflow:hidden;text-overflow:ellipsis}"
    ".adobe-nb-live th svg{flex:none;max-width:none!important}"
)


def show(frame: pd.DataFrame) -> None:
    """Show a frame as a table that sorts and filters, in the output of the cell.

    It has every column that is not empty, in the order of the ordinary display, with ids whole and
    times in their zone. Click on a header to sort; search all columns above the table, or use the
    icon in a header to search one column. It requires ``itables``, which the extra ``lab`` installs, and no
    network. Without it, and where no scripts run, the ordinary table is shown.

    Parameters
    ----------
    frame
        A frame of this package, or any other.

    Raises
    ------
    ArgumentError
        It is not a DataFrame.

    Notes
    -----
    The output has up to 1 MB of rows, at most 20,000, and of each value up to 10,000 characters. If
    there are more, it says how many of how many it has. The first table of each cell brings
    DataTables, which adds 0.26 MB to the notebook; so does each one that is captured.

    Examples
    --------
    >>> import adobe_nb
    >>> session = adobe_nb.connect(simulator=True)
    >>> adobe_nb.show(session.reactor.properties()[["name", "platform"]].head(1))  # doctest: +ELLIPSIS
               name platform
    0  Web Store US      web
    1 row × 2 columns · simulator /companies/.../properties
    To sort and filter this table, run this cell in a notebook.
    """
    if not isinstance(frame, pd.DataFrame):
        raise ArgumentError(
            f"show() requires a DataFrame, got {type(frame).__name__}. Convert a column with "
            "column.to_frame(), a list with pandas.DataFrame(list). Of a Styler, pass styler.data."
        )
    display(SortableTable(frame))


class SortableTable:
    """A frame that a browser sorts and filters, and a terminal prints."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def __repr__(self) -> str:
        return f"{text_of(self._frame)}\n{_next_step()}"

    def _repr_html_(self) -> str:
        if _has_itables():
            # Values may be anything, even such that refuse to be compared.
            with suppress(Exception):
                return _live_html(self._frame)
        return _ordinary_html(self._frame, _next_step())


def _ordinary_html(frame: pd.DataFrame, note: str) -> str:
    table = frame_html(frame) or f"<pre>{escape(text_of(frame))}</pre>"
    return f"<div>{table}<br><small>{escape(note)}</small></div>"


def _live_html(frame: pd.DataFrame) -> str:
    """Return HTML of the ordinary table, which a script replaces by one that sorts."""
    view = full_view(frame)
    if view.frame.columns.empty:
        return _ordinary_html(frame, _RUN)
    headers, columns = _columns(view.frame)
    rows = list(_rows_that_fit(columns))
    if not rows and len(frame):
        return _ordinary_html(frame, _SELECT)
    notes = notes_html(frame, view, *_cut_notes(rows, len(frame)))
    library = None
    if _is_first_of_its_output():
        library = _data_tables()
    identifier = f"adobe-nb-{uuid4().hex}"
    arguments = (identifier, {"columns": headers, "rows": rows}, library)
    return (
        f'<div id="{identifier}" class="{NOT_MATH}">{_ordinary_html(frame, _RUN)}'
        '<div class="adobe-nb-live" data-lm-suppress-shortcuts="true" hidden="hidden">'
        f"<style>{_STYLE}</style><div></div>{notes}</div></div>"
        f"<script>({_script()})({', '.join(map(_in_script, arguments))})</script>"
    )


def _next_step() -> str:
    if _has_itables():
        return _RUN
    return _INSTALL


def _has_itables() -> bool:
    return find_spec("itables") is not None


def _columns(frame: pd.DataFrame) -> tuple[list[str], list[Iterable[Any]]]:
    """Return the headers and the values of the first rows."""
    first = frame.iloc[:MAX_ROWS]
    headers: list[str] = []
    columns: list[Iterable[Any]] = []
    row_numbers = pd.RangeIndex(len(first))
    for level, name in enumerate(first.index.names):
        values = first.index.get_level_values(level)
        # Row numbers say nothing; groups, dates and years do.
        if name is not None or not row_numbers.equals(values):
            headers.append(_header("" if name is None else name))
            columns.append(values.array)
    for position, name in enumerate(first.columns):
        column = first.iloc[:, position]
        headers.append(_header(name))
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            columns.append(_times(column))
        else:
            # Unlike the column, its array has values of the type of the column.
            columns.append(column.array)
    return headers, columns


class _Time(NamedTuple):
    """A time in its zone, to the second, and in UTC to the millisecond, to sort it by."""

    shown: str
    order: str


def _times(column: "pd.Series[Any]") -> list[_Time | None]:
    shown = column.dt.strftime("%Y-%m-%d %H:%M:%S")
    order = column.dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str[:-3]
    times: list[_Time | None] = []
    for pair in zip(shown, order, strict=True):
        if pd.isna(pair[0]):
            times.append(None)
        else:
            times.append(_Time(pair[0], f"{pair[1]}Z"))
    return times


def _header(name: object) -> str:
    if isinstance(name, tuple):
        return " / ".join(map(str, name))
    return str(name)


def _rows_that_fit(columns: list[Iterable[Any]]) -> Iterator[list[Any]]:
    """Yield rows as JSON values until they are too many for a notebook."""
    size = 0
    for values in zip(*columns, strict=True):
        row = list(map(_value, values))
        size += len(_in_script(row))
        if size > MAX_BYTES:
            return
        yield row


def _value(value: Any) -> str | float | list[Any]:
    """Return a value as a browser shows and sorts it.

    A time is a list: its text, and the one to sort it by. So is a number that does not look in a
    browser as it does in Python: its text, and the number to sort it by.
    """
    if isinstance(value, _Time):
        return list(value)
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    number: Any = value
    if isinstance(value, timedelta):
        number = value.total_seconds()
    elif pd.api.types.is_float(value):
        # NumPy's would overflow in the comparison below.
        number = float(value)
    is_number = isinstance(number, Real) and not isinstance(number, bool)
    if not is_number:
        return _cut(str(value))
    order = float(min(max(number, -_LARGEST), _LARGEST))
    # Longer whole numbers would lose digits in JavaScript.
    is_exact = order == number and abs(order) <= MAX_EXACT
    if is_exact and isinstance(value, Integral):
        return int(value)
    # A float32 has fewer digits than the same number as a float.
    if is_exact and str(value) == str(order):
        return order
    return [_cut(str(value)), order]


def _cut(text: str) -> str:
    if len(text) > MAX_CELL:
        return f"{text[:MAX_CELL]}…"
    return text


def _cut_notes(rows: list[list[Any]], row_count: int) -> list[str]:
    notes = []
    if len(rows) < row_count:
        notes.append(
            f"The first {len(rows):,} of {row_count:,} rows, which is as much as a notebook should "
            "hold. To see others, select rows or columns first: adobe_nb.show(frame.tail(1000)). "
            "adobe_nb.to_excel(frame, path) writes all."
        )
    texts = [value for value in chain.from_iterable(rows) if isinstance(value, str)]
    cut = sum(len(text) > MAX_CELL for text in texts)
    if cut:
        notes.append(f"Cut after {MAX_CELL:,} characters: {counted(cut, 'value')}.")
    return notes


def _is_first_of_its_output() -> bool:
    """Return whether the output of the cell that runs has no table yet.

    An output is copied and opened again as a whole, so each has all that it requires. Outside a
    cell, and where outputs are captured, each table is an output of its own.
    """
    shell = get_ipython()
    cell = getattr(getattr(shell, "displayhook", None), "exec_result", None)
    publisher: Any = getattr(shell, "display_pub", None)
    # Only the publisher of a kernel has hooks, not one that captures.
    if cell is None or not hasattr(publisher, "register_hook"):
        return True
    if cell in _cells_with_library:
        return False
    _cells_with_library.add(cell)
    publisher.unregister_hook(_forget_cleared)
    publisher.register_hook(_forget_cleared)
    return True


def _forget_cleared(message: dict[str, Any]) -> dict[str, Any]:
    """Notice that an output is cleared, with the library in it. Every message passes through."""
    if message["msg_type"] == "clear_output":
        _cells_with_library.clear()
    return message


@cache
def _data_tables() -> dict[str, str]:
    """Return DataTables, compressed: a quarter of its size."""
    # Imported only here: it comes with an extra.
    from itables.options import dt_bundle  # noqa: PLC0415

    script = Path(dt_bundle)
    parts = {"script": script, "style": script.with_suffix(".css")}
    return {
        name: b64encode(gzip.compress(path.read_bytes())).decode() for name, path in parts.items()
    }


def _script() -> str:
    script = files("adobe_nb").joinpath("notebook/show.js").read_text(encoding="utf-8")
    return script[script.index("async") :].rstrip()


def _in_script(value: object) -> str:
    # A name may end a script.
    return json.dumps(value).replace("<", "\\u003c")
