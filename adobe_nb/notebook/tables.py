"""How frames show themselves: HTML in a browser, text elsewhere, all escaped.

``columns`` says which columns are shown, and in which order.
"""

from collections.abc import Hashable
from html import escape
from typing import Any

import pandas as pd
from pandas.api.types import is_extension_array_dtype

from adobe_nb.masking import printable
from adobe_nb.notebook.columns import (
    fitting,
    in_display_order,
    is_answer,
    is_nested,
    is_whole_answer,
    whole_table,
)
from adobe_nb.notebook.display import NOT_MATH, aligned
from adobe_nb.registry import ID_PATTERN

_MOST_ROWS = 30
_MOST_COLUMNS = 20
_FEW_COLUMNS = 5
"""Columns beside which sentences have room."""
_HTML_WIDTH = 108
"""Characters beside each other in a cell of JupyterLab, in a window of 1280 pixels."""
_TEXT_WIDTH = 80
_GAP = 2
_WRAPPED_WIDTH = 20
"""Characters of a line that wraps."""
_WIDEST = 30
"""Characters in the widest cell of an answer: 18em."""
_MOST_NESTED = 30
"""Characters of JSON text: enough to recognize it, which is all that a table can do."""
_MOST_PROSE_ROWS = 3
"""Rows with sentences that are shown value by value in a terminal."""
_PROSE_COLUMNS = {"advice", "cause", "fix", "content", "title"}
_MOST_LIMITS = 3
_PREVIEW_NOTE = "Preview session: no writes are sent to Adobe."
_TABLE_STYLE = (
    ".adobe-nb-frame{overflow-x:auto}"
    ".adobe-nb-frame :is(td,th){white-space:nowrap;text-align:left!important;max-width:24em;"
    "overflow:hidden;text-overflow:ellipsis;padding:.5em .4em}"
    ".adobe-nb-frame thead th{white-space:normal;vertical-align:bottom}"
    ":is(.adobe-nb-prose,.adobe-nb-answer) :is(td,tbody th){white-space:normal;"
    "overflow-wrap:break-word;vertical-align:top!important}"
    ".adobe-nb-many td{max-width:18em}"
)


def is_ours(frame: pd.DataFrame) -> bool:
    """Return whether a frame came from this package and still says so."""
    if isinstance(frame.columns, pd.MultiIndex) or not frame.columns.is_unique:
        return False
    return {"service", "path"} <= frame.attrs.keys()


def compact(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame as a notebook shows it: short ids, times to the second, no empty columns.

    Of a long frame it has only both ends, which is what is shown anyway. Of a whole table or
    answer it has the columns that fit beside each other.
    """
    shown = _compacted(frame)
    if _shows_all() or not (whole_table(frame) or is_whole_answer(frame)):
        return shown
    widths = {name: _width_in_html(shown[name], wraps=is_answer(frame)) for name in shown}
    return shown[fitting(frame, shown, widths, _HTML_WIDTH - _index_width(shown))]


def _compact_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame as a terminal shows it. There, pandas wraps answers."""
    shown = _compacted(frame)
    if _shows_all() or not whole_table(frame):
        return shown
    widths = {name: max(_width(shown[name]), len(str(name))) + _GAP for name in shown}
    width = pd.get_option("display.width") or _TEXT_WIDTH
    return shown[fitting(frame, shown, widths, width - _index_width(shown))]


def _compacted(frame: pd.DataFrame) -> pd.DataFrame:
    ends = _ends(frame)
    empty = set(empty_columns(frame))
    order = [name for name in in_display_order(frame) if name not in empty]
    return pd.DataFrame({name: _compact_column(ends[name]) for name in order}, index=ends.index)


def _shows_all() -> bool:
    # With None, pandas shows every column.
    return pd.get_option("display.max_columns") is None


def empty_columns(frame: pd.DataFrame) -> list[Hashable]:
    """Return the columns without a value. A frame without rows has none: its columns are news."""
    if frame.empty:
        return []
    return list(frame.columns[frame.isna().all().to_numpy()])


def _compact_column(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        times: pd.Series[Any] = column.dt.strftime("%Y-%m-%d %H:%M:%S").astype("string")
        return times.fillna("")
    if isinstance(column.dtype, pd.StringDtype):
        shorten = _short
        if is_nested(column.name) and pd.get_option("display.max_colwidth"):
            shorten = _short_nested
        texts: pd.Series[Any] = column.map(shorten, na_action="ignore").astype("string")
        return texts.fillna("")
    if column.hasnans and is_extension_array_dtype(column.dtype):
        return column.astype("string").fillna("")
    return column


def _index_width(shown: pd.DataFrame) -> int:
    return max(map(len, map(str, shown.index)), default=0)


def _texts(column: "pd.Series[Any]") -> "pd.Series[str]":
    return column.astype("string").fillna("")


def _width(column: "pd.Series[Any]") -> int:
    """Return how many characters the longest value takes."""
    longest = max(map(len, _texts(column)), default=0)
    return min(longest, pd.get_option("display.max_colwidth") or longest)


def _width_in_html(column: "pd.Series[Any]", *, wraps: bool) -> int:
    """Return how many characters a column takes where headers wrap, and maybe values, too."""
    width = _width(column)
    if wraps:
        words = " ".join(_texts(column)).split()
        longest_word = max(map(len, words), default=0)
        width = min(width, max(longest_word, _WRAPPED_WIDTH), _WIDEST)
    return max(width, *map(len, str(column.name).split("_"))) + _GAP


def _ends(frame: pd.DataFrame) -> pd.DataFrame:
    # One row more than pandas shows at each end, so that it marks the gap.
    half = max(_MOST_ROWS, int(pd.get_option("display.max_rows") or 0)) // 2 + 1
    if len(frame) <= 2 * half:
        return frame
    return pd.concat([frame.head(half), frame.tail(half)])


def frame_html(frame: pd.DataFrame) -> str | None:
    """Return HTML for our frames; any other keeps that of pandas."""
    if not is_ours(frame):
        return _html_of_pandas(frame)
    classes = "adobe-nb-frame"
    width = pd.get_option("display.max_colwidth")
    # A sentence that is cut off helps no one.
    if has_prose(frame):
        classes = "adobe-nb-frame adobe-nb-prose"
        width = None
    elif is_answer(frame):
        classes = "adobe-nb-frame adobe-nb-answer"
        width = None
    shown = compact(frame)
    if is_answer(frame) and len(shown.columns) > _FEW_COLUMNS:
        classes += " adobe-nb-many"
    with pd.option_context("display.max_colwidth", width):
        table = shown.to_html(
            max_rows=_MOST_ROWS,
            max_cols=_most_columns(),
            border=0,
            classes="dataframe",
            notebook=True,
            na_rep="",
        )
    table = _with_tooltips(_with_breaks(table), frame)
    visible = min(len(shown.columns), _most_columns() or len(shown.columns))
    return (
        f'<div class="{NOT_MATH}"><style>{_TABLE_STYLE}</style>'
        f'<div class="{classes}">{table}</div>'
        f"{notes_html(frame, visible)}</div>"
    )


def notes_html(frame: pd.DataFrame, visible: int, *others: str) -> str:
    """Return the lines below a table: its size, origin and limits."""
    lines = [_caption(frame, visible), *others, *_limits(frame)]
    return f"<small>{'<br>'.join(map(escape, lines))}</small>{_preview_html(frame)}"


def _limits(frame: pd.DataFrame) -> list[str]:
    """Return the sentences about what an answer could not see."""
    limits = frame.attrs.get("limits")
    if not isinstance(limits, list):
        return []
    shown = limits[:_MOST_LIMITS]
    if len(limits) > _MOST_LIMITS:
        shown.append(f'{len(limits) - _MOST_LIMITS} more are in attrs["limits"].')
    return shown


def _html_of_pandas(frame: Any) -> str | None:
    table = frame._repr_html_()
    if not isinstance(table, str):
        return None
    table += _preview_html(frame)
    # A table that was merged or grouped out of ours is pandas' own, and shows the same names.
    if pd.get_option("display.html.use_mathjax"):
        return table
    return f'<div class="{NOT_MATH}">{table}</div>'


def _preview_html(frame: pd.DataFrame) -> str:
    if frame.attrs.get("preview"):
        return f"<br><small>{_PREVIEW_NOTE}</small>"
    return ""


def has_prose(frame: pd.DataFrame) -> bool:
    """Return whether a frame has sentences to be read whole, as those of the Edge Network do."""
    path, service = str(frame.attrs["path"]), frame.attrs["service"]
    of_edge = path.startswith("/ee/") or service == "Edge Network"
    return of_edge and not _PROSE_COLUMNS.isdisjoint(frame.columns)


def _with_breaks(table: str) -> str:
    """Let the names of columns wrap at their underscores: values need the room."""
    head, end, body = table.partition("</thead>")
    return head.replace("_", "_<wbr>") + end + body


def _with_tooltips(table: str, frame: pd.DataFrame) -> str:
    """Show the whole id over each shortened one."""
    ends = _ends(frame)
    values: set[str] = set()
    for name in _text_columns(ends):
        values.update(ends[name].dropna())
    for value in filter(ID_PATTERN.fullmatch, values):
        short = _short(value)
        table = table.replace(f"<td>{short}</td>", f'<td title="{value}">{short}</td>')
    return table


def frame_text(frame: pd.DataFrame, printer: Any, cycle: bool) -> None:  # noqa: ARG001, FBT001
    """Print text for our frames; IPython's formatter hands over its printer."""
    printer.text(text_of(frame))


def text_of(frame: pd.DataFrame) -> str:
    """Return text for our frames; any other keeps that of pandas."""
    lines = [repr(frame)]
    if is_ours(frame):
        shown = _compact_text(frame)
        lines = [_table_text(frame, shown), _caption(frame, len(shown.columns)), *_limits(frame)]
    if frame.attrs.get("preview"):
        lines.append(_PREVIEW_NOTE)
    return printable("\n".join(lines))


def _table_text(frame: pd.DataFrame, shown: pd.DataFrame) -> str:
    if has_prose(frame) and 0 < len(frame) <= _MOST_PROSE_ROWS:
        rows = []
        for _, row in frame.iterrows():
            # One line for each value, sentences whole.
            rows.append("\n".join(aligned(list(row.dropna().items()))))
        return "\n\n".join(rows)
    with pd.option_context("display.show_dimensions", False):
        return repr(_printable(shown))


def _printable(frame: pd.DataFrame) -> pd.DataFrame:
    """Escape the texts of a frame before their widths are measured."""
    shown = frame.copy()
    for name in _text_columns(shown):
        shown[name] = shown[name].map(printable, na_action="ignore")
    return shown


def _text_columns(frame: pd.DataFrame) -> list[Hashable]:
    return [name for name in frame.columns if isinstance(frame[name].dtype, pd.StringDtype)]


def _caption(frame: pd.DataFrame, visible: int) -> str:
    """Return the line about the size of a table, and where it comes from."""
    rows, columns = frame.shape
    size = f"{_count(rows, 'row')} × {_count(columns, 'column')}"
    outcomes = frame.attrs.get("outcomes")
    # Of a part of the rows, the counts would be wrong.
    if isinstance(outcomes, dict) and sum(outcomes.values()) == rows:
        size += ": " + ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    empty = len(empty_columns(frame))
    more = columns - empty - visible
    not_shown = []
    if empty:
        not_shown.append(f"{_count(empty, 'empty column')} not shown")
    if more:
        not_shown.append(f"{_count(more, 'more column')}: frame.columns")
    if not_shown:
        size += f" ({'; '.join(not_shown)})"
    parts = [size]
    if is_ours(frame):
        parts.append(f"{frame.attrs['service']} {frame.attrs['path']}")
    if len(frame.select_dtypes("datetimetz").columns):
        parts.append("times in UTC")
    return " · ".join(parts)


def _most_columns() -> int | None:
    if _shows_all():
        return None
    return _MOST_COLUMNS


def _count(number: int, noun: str) -> str:
    if number != 1:
        noun = f"{noun}s"
    return f"{number} {noun}"


def _short(value: str) -> str:
    if ID_PATTERN.fullmatch(value):
        return f"{value[:6]}…{value[-4:]}"
    return value


def _short_nested(value: str) -> str:
    if len(value) > _MOST_NESTED:
        return f"{value[: _MOST_NESTED - 1]}…"
    return value
