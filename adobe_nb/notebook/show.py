"""Show a frame as a table that sorts and filters: DataTables, as ``itables`` brings it.

Nothing is loaded from a network: the output of a cell holds DataTables and the rows. The ordinary
table is in it too, for front ends that run no scripts.
"""

import gzip
import json
import math
from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from numbers import Integral, Real
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
from IPython.core.getipython import get_ipython
from IPython.display import display
from pandas.api.types import is_integer_dtype

from adobe_nb.api.reactor.frames import MAX_EXACT
from adobe_nb.errors import ArgumentError
from adobe_nb.notebook.columns import in_display_order
from adobe_nb.notebook.display import NOT_MATH
from adobe_nb.notebook.tables import empty_columns, frame_html, is_ours, notes_html, text_of

MAX_BYTES = 1_000_000
"""The most that the rows of a table may add to a notebook."""
MAX_ROWS = 20_000
"""The most rows that a browser sorts without a pause."""
_INSTALL = 'To sort and filter this table, install itables: pip install "adobe_nb[lab]"'
_RUN = "To sort and filter this table, run this cell in a notebook."
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
    times in UTC. Click on a header to sort; search in all columns above the table, or in one by
    the symbol in its header. It requires ``itables``, which the extra ``lab`` installs, and no
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
    The output has up to 1 MB of rows, at most 20,000. If there are more, it says how many of how
    many it has. The first table of each cell brings DataTables, which adds 0.26 MB to the notebook.

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
            f"show() requires a DataFrame, got {type(frame).__name__}. Of a column, "
            "column.to_frame() makes one; of a list, pandas.DataFrame(list)."
        )
    display(SortableTable(frame))


class SortableTable:
    """A frame that a browser sorts and filters, and a terminal prints."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def __repr__(self) -> str:
        return f"{text_of(self._frame)}\n{_next_step()}"

    def _repr_html_(self) -> str:
        frame = self._frame
        ordinary = frame_html(frame) or f"<pre>{escape(text_of(frame))}</pre>"
        ordinary = f"<div>{ordinary}<br><small>{escape(_next_step())}</small></div>"
        if not _has_itables():
            return ordinary
        headers, columns = _columns(frame)
        rows = list(_rows_that_fit(columns))
        visible = len(frame.columns) - len(empty_columns(frame))
        notes = notes_html(frame, visible, *_cut_note(len(rows), len(frame)))
        library = None
        if _is_first_of_its_cell():
            library = _data_tables()
        identifier = f"adobe-nb-{uuid4().hex}"
        arguments = (identifier, {"columns": headers, "rows": rows}, library)
        return (
            f'<div id="{identifier}" class="{NOT_MATH}">{ordinary}'
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


def _columns(frame: pd.DataFrame) -> "tuple[list[str], list[pd.Series[Any]]]":
    """Return the headers and the values of the first rows, in the order of the display."""
    first = frame.iloc[:MAX_ROWS]
    headers: list[str] = []
    columns: list[pd.Series[Any]] = []
    # Row numbers say nothing; groups and dates do.
    for level, name in enumerate(frame.index.names):
        values = first.index.get_level_values(level)
        if name is not None or not is_integer_dtype(values.dtype):
            headers.append(_header(name or ""))
            columns.append(values.to_series())
    positions = list(range(len(frame.columns)))
    if is_ours(frame):
        positions = list(frame.columns.get_indexer(pd.Index(in_display_order(frame))))
    empty = frame.isna().all().to_numpy()
    for position in positions:
        if not empty[position] or frame.empty:
            headers.append(_header(frame.columns[position]))
            columns.append(first.iloc[:, position])
    return headers, columns


def _header(name: object) -> str:
    if isinstance(name, tuple):
        return " / ".join(map(str, name))
    return str(name)


def _rows_that_fit(columns: "list[pd.Series[Any]]") -> Iterator[list[Any]]:
    """Yield rows as JSON values until they are too many for a notebook."""
    size = 0
    for row in zip(*map(_values, columns), strict=True):
        size += len(json.dumps(row))
        if size > MAX_BYTES:
            return
        yield list(row)


def _values(column: "pd.Series[Any]") -> Iterator[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.strftime("%Y-%m-%d %H:%M:%S")
    return map(_value, column)


def _value(value: Any) -> str | int | float:
    """Return a value as a browser sorts it: numbers as they are, all else as text."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    # Longer whole numbers would lose digits in JavaScript.
    if isinstance(value, Integral) and abs(int(value)) <= MAX_EXACT:
        return int(value)
    if isinstance(value, Integral) or not math.isfinite(value):
        return str(value)
    return float(value)


def _cut_note(shown: int, rows: int) -> list[str]:
    if shown == rows:
        return []
    return [
        f"The first {shown:,} of {rows:,} rows, which is as much as a notebook should hold. To see "
        "others, select rows or columns first: adobe_nb.show(frame.tail(1000)). "
        "adobe_nb.to_excel(frame, path) writes all."
    ]


def _is_first_of_its_cell() -> bool:
    """Return whether the cell that runs has no table yet.

    An output is cleared, copied and opened again as a whole, so each has all that it requires.
    """
    shell = get_ipython()
    if shell is None:
        return True
    if _end_of_cell in shell.events.callbacks["post_execute"]:
        return False
    shell.events.register("post_execute", _end_of_cell)
    return True


def _end_of_cell() -> None:
    get_ipython().events.unregister("post_execute", _end_of_cell)


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
