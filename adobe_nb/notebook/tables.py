"""How frames show themselves: HTML in a browser, text elsewhere, all escaped.

``columns`` says which columns are shown, and in which order.
"""

import math
import re
from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import partial
from html import escape
from typing import Any, NamedTuple

import pandas as pd

from adobe_nb.masking import printable
from adobe_nb.notebook.columns import fitting, in_display_order, is_answer, is_nested, is_whole
from adobe_nb.notebook.display import NOT_MATH, aligned
from adobe_nb.registry import ID_PATTERN

_ROWS_OF_A_LONG_FRAME = 30
"""Rows that are shown where ``display.max_rows`` does not allow all."""
_FEW_COLUMNS = 5
"""Columns beside which sentences have room."""
_HTML_WIDTH = 108
"""Characters beside each other in a cell of JupyterLab, in a window of 1280 pixels."""
_WRAPPED_HTML_WIDTH = 136
"""The same where values wrap, so that a browser can make columns narrower than their values."""
_TEXT_WIDTH = 80
_GAP = 2
_WRAPPED_WIDTH = 20
"""Characters of a line that wraps. Shorter words stay on one line."""
_BREAK = re.compile(r"(?<=[.:/,=])(?=[^\s<&])")
"""Where a long word may wrap: paths, code and JSON text have few blanks."""
_SHORT_VALUE = re.compile(rf"<td>([^<\s]{{1,{_WRAPPED_WIDTH}}}|[\d-]{{10}} [\d:]{{8}})</td>")
"""A short word, or a time."""
_WIDEST = 30
"""Characters in the widest cell of an answer: 18em."""
_MOST_NESTED = 30
"""Characters of JSON text in a whole table: enough to recognize it."""
_MOST_CHOSEN_NESTED = 200
"""Characters of JSON text in a column that the user chose. It wraps."""
_MOST_PROSE_ROWS = 3
"""Rows with sentences that are shown value by value in a terminal."""
_PROSE_COLUMNS = {"advice", "cause", "fix", "content", "title"}
_DRY_RUN = "dry run"
_MOST_REQUEST = 2000
"""Characters of a request in a dry run: a change is shown whole, a thousand events are not."""
_MOST_LIMITS = 3
_PREVIEW_NOTE = "Preview session: no writes are sent to Adobe."
_TABLE_STYLE = (
    ".adobe-nb-frame{overflow-x:auto}"
    ".adobe-nb-frame :is(td,th){white-space:nowrap;text-align:left!important;max-width:24em;"
    "overflow:hidden;text-overflow:ellipsis;padding:.5em .4em}"
    ".adobe-nb-frame thead th{white-space:normal;vertical-align:bottom}"
    ".adobe-nb-wraps :is(td,tbody th){white-space:normal;"
    "overflow-wrap:break-word;vertical-align:top!important}"
    ".adobe-nb-wraps td:is([title],.adobe-nb-word){white-space:nowrap}"
    ".adobe-nb-many td{max-width:18em}"
)


class View(NamedTuple):
    """What is shown of a frame."""

    frame: pd.DataFrame
    """The columns that are shown, and at least the rows."""
    row_count: int
    empty_count: int
    """Columns that are hidden because they are empty."""


def is_ours(frame: pd.DataFrame) -> bool:
    """Return whether a frame came from this package and still says so."""
    if isinstance(frame.columns, pd.MultiIndex) or not frame.columns.is_unique:
        return False
    return {"service", "path"} <= frame.attrs.keys()


def full_view(frame: pd.DataFrame) -> View:
    """Return all rows, and in the order of the display all columns that are not empty."""
    shown = _columns_with_values(frame)
    return View(frame.iloc[:, shown], len(frame), len(frame.columns) - len(shown))


def _columns_with_values(frame: pd.DataFrame) -> list[int]:
    """Return the positions of columns that are not empty, in the order of the display.

    A frame without rows keeps them all, and so does a selection of columns.
    """
    positions = list(range(len(frame.columns)))
    if is_ours(frame):
        names: list[Hashable] = list(frame.columns)
        positions = list(map(names.index, in_display_order(frame)))
        if not is_whole(frame):
            return positions
    is_empty = frame.isna().all().to_numpy()
    return [position for position in positions if frame.empty or not is_empty[position]]


def html_view(frame: pd.DataFrame) -> View:
    """Return what a notebook shows of a frame."""
    wraps = _wraps(frame)
    width = _HTML_WIDTH
    if wraps:
        width = _WRAPPED_HTML_WIDTH
    return _view(frame, partial(_width_in_html, wraps=wraps), width)


def _text_view(frame: pd.DataFrame) -> View:
    """Return what a terminal shows of a frame. There, pandas breaks answers into blocks."""
    # At the end of a line, pandas keeps two characters free.
    width: float = (pd.get_option("display.width") or _TEXT_WIDTH) - _GAP
    if is_answer(frame):
        width = math.inf
    return _view(frame, _width_in_text, width)


def _view(frame: pd.DataFrame, width_of: "Callable[[pd.Series[Any]], int]", width: float) -> View:
    """Return the rows and columns that are shown: nothing else leaves any out.

    Only the first and last rows of a long frame are kept, at each end one more than is shown, with
    which pandas marks the gap.
    """
    ends = frame
    row_count = _most_rows(len(frame))
    if row_count < len(frame):
        half = row_count // 2 + 1
        ends = frame.iloc[[*range(half), *range(-half, 0)]]
    ends = ends.iloc[:, _columns_with_values(frame)]
    empty_count = len(frame.columns) - len(ends.columns)
    most_nested = _MOST_NESTED if is_whole(frame) else _MOST_CHOSEN_NESTED
    columns = {name: _compact_column(column, most_nested) for name, column in ends.items()}
    shown = pd.DataFrame(columns, index=ends.index)
    most = pd.get_option("display.max_columns")
    # With None, pandas shows every column; with 0, those that fit.
    if most is not None:
        widths = {name: width_of(shown[name]) for name in shown}
        width -= max(map(len, map(str, shown.index)), default=0)
        shown = shown[fitting(frame, shown, widths, width, most or len(widths))]
    return View(shown, row_count, empty_count)


def _most_rows(count: int) -> int:
    """Return how many rows are shown: of a long frame an even number."""
    longest: int | None = pd.get_option("display.max_rows")
    if longest == 0:
        longest = _ROWS_OF_A_LONG_FRAME
    if longest is None or count <= longest:
        return count
    return max(2, min(longest, _ROWS_OF_A_LONG_FRAME) // 2 * 2)


def _compact_column(column: "pd.Series[Any]", most_nested: int) -> "pd.Series[Any]":
    """Return a column with times to the second, JSON text cut, and nothing for missing values."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.strftime("%Y-%m-%d %H:%M:%S").astype("string")
    if isinstance(column.dtype, pd.StringDtype):
        if is_nested(column.name) and pd.get_option("display.max_colwidth"):
            shorten = partial(_cut, length=most_nested)
            column = column.map(shorten, na_action="ignore").astype("string")
        return column.fillna("")
    if column.hasnans and column.dtype != "float64":
        return column.astype(object).where(column.notna(), "")
    return column


def _width(column: "pd.Series[Any]") -> int:
    """Return how many characters the longest value takes."""
    longest = max(map(len, map(_short, column)), default=0)
    return min(longest, pd.get_option("display.max_colwidth") or longest)


def _width_in_text(column: "pd.Series[Any]") -> int:
    return max(_width(column), len(str(column.name))) + _GAP


def _width_in_html(column: "pd.Series[Any]", *, wraps: bool) -> int:
    """Return how many characters a column takes where headers wrap, and maybe values, too."""
    width = _width(column)
    if wraps:
        words = re.split(rf"\s+|{_BREAK.pattern}", " ".join(map(_short, column)))
        width = min(width, max(*map(len, words), _WRAPPED_WIDTH), _WIDEST)
    return max(width, *map(len, str(column.name).split("_"))) + _GAP


def frame_html(frame: pd.DataFrame) -> str | None:
    """Return HTML for our frames; any other keeps that of pandas."""
    return _ours(_html, frame) or _html_of_pandas(frame)


def _ours(render: Callable[[pd.DataFrame], str], frame: pd.DataFrame) -> str:
    """Return our display of a frame; nothing if it is not ours, or cannot be shown like ours."""
    if is_ours(frame):
        # After a user's work, values and attrs may be anything, and a display must not fail.
        with suppress(Exception):
            return render(frame)
    return ""


def _html(frame: pd.DataFrame) -> str:
    view = html_view(frame)
    classes = "adobe-nb-frame"
    width = pd.get_option("display.max_colwidth")
    if _wraps(frame):
        # A sentence that is cut off helps no one.
        width = None
        if _is_dry_run(frame):
            width = _MOST_REQUEST
        classes += " adobe-nb-wraps"
    if is_answer(frame) and len(view.frame.columns) > _FEW_COLUMNS:
        classes += " adobe-nb-many"
    with pd.option_context("display.max_colwidth", width):
        table = view.frame.to_html(
            max_rows=view.row_count or None,
            max_cols=None,
            border=0,
            classes="dataframe",
            notebook=True,
            na_rep="",
        )
    table = _with_tooltips(_with_breaks(table))
    if _wraps(frame):
        table = re.sub(_SHORT_VALUE, r'<td class="adobe-nb-word">\1</td>', table)
        table = re.sub("(?<=<td>)[^<]+(?=</td>)", _with_breaks_in_words, table)
    return (
        f'<div class="{NOT_MATH}"><style>{_TABLE_STYLE}</style>'
        f'<div class="{classes}">{table}</div>'
        f"{notes_html(frame, view)}</div>"
    )


def notes_html(frame: pd.DataFrame, view: View, *others: str) -> str:
    """Return the lines below a table: its size, origin and limits."""
    lines = [_caption(frame, view), *others, *_limits(frame)]
    return f"<small>{'<br>'.join(map(escape, lines))}</small>{_preview_html(frame)}"


def _limits(frame: pd.DataFrame) -> list[str]:
    """Return the sentences about what an answer could not see."""
    limits = frame.attrs.get("limits")
    if not isinstance(limits, list | tuple):
        return []
    shown = list(map(str, limits[:_MOST_LIMITS]))
    if len(limits) > _MOST_LIMITS:
        shown.append(f'attrs["limits"] has {len(limits) - _MOST_LIMITS} more.')
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
    """Return whether a frame has texts to be read whole.

    They are the sentences of the Edge Network, and the requests of a dry run.
    """
    if _is_dry_run(frame):
        return "body" in frame.columns
    path, service = str(frame.attrs["path"]), frame.attrs["service"]
    of_edge = path.startswith("/ee/") or service == "Edge Network"
    return of_edge and not _PROSE_COLUMNS.isdisjoint(frame.columns)


def _is_dry_run(frame: pd.DataFrame) -> bool:
    return bool(frame.attrs["path"] == _DRY_RUN)


def _with_breaks(table: str) -> str:
    """Let the names of columns wrap at their underscores: values need the room."""
    head, end, body = table.partition("</thead>")
    # Only texts: attributes have underscores too.
    head = re.sub(r">[^<]+<", lambda match: match[0].replace("_", "_<wbr>"), head)
    return head + end + body


def _with_breaks_in_words(value: re.Match[str]) -> str:
    return _BREAK.sub("<wbr>", value[0])


def _with_tooltips(table: str) -> str:
    """Shorten ids, each with the whole one over it."""
    return re.sub(
        rf"<td>({ID_PATTERN.pattern})</td>",
        lambda match: f'<td title="{match[1]}">{_short(match[1])}</td>',
        table,
    )


def _wraps(frame: pd.DataFrame) -> bool:
    """Return whether long values wrap: sentences, and JSON text that the user chose to see."""
    if has_prose(frame) or is_answer(frame):
        return True
    return not is_whole(frame) and any(map(is_nested, frame.columns))


def frame_text(frame: pd.DataFrame, printer: Any, cycle: bool) -> None:  # noqa: ARG001, FBT001
    """Print text for our frames; IPython's formatter hands over its printer."""
    printer.text(text_of(frame))


def text_of(frame: pd.DataFrame) -> str:
    """Return text for our frames; any other keeps that of pandas."""
    text = _ours(_text, frame) or repr(frame)
    if frame.attrs.get("preview"):
        text += f"\n{_PREVIEW_NOTE}"
    return printable(text)


def _text(frame: pd.DataFrame) -> str:
    if has_prose(frame) and 0 < len(frame) <= _MOST_PROSE_ROWS:
        view = full_view(frame)
        shown = view.frame
        if _is_dry_run(frame):
            shown = shown.map(partial(_cut, length=_MOST_REQUEST), na_action="ignore")
        table = _value_by_value(shown)
    else:
        view = _text_view(frame)
        table = _table_text(view)
    return "\n".join([table, _caption(frame, view), *_limits(frame)])


def _value_by_value(frame: pd.DataFrame) -> str:
    """Return one line for each value, sentences whole."""
    rows = [aligned(list(row.dropna().items())) for _, row in frame.iterrows()]
    return "\n\n".join(map("\n".join, rows))


def _table_text(view: View) -> str:
    with (
        pd.option_context("display.max_columns", None, "display.show_dimensions", False),
        pd.option_context("display.max_rows", view.row_count or None, "display.min_rows", None),
        pd.option_context("display.large_repr", "truncate"),
    ):
        return repr(view.frame.map(_printable))


def _printable(value: object) -> object:
    """Escape and shorten a text before its width is measured."""
    if isinstance(value, str):
        return printable(_short(value))
    return value


def _caption(frame: pd.DataFrame, view: View) -> str:
    """Return the line about the size of a table, and where it comes from."""
    rows, columns = frame.shape
    size = f"{counted(rows, 'row')} × {counted(columns, 'column')}"
    outcomes = frame.attrs.get("outcomes")
    # Of a part of the rows, the counts would be wrong.
    if isinstance(outcomes, dict) and sum(outcomes.values()) == rows:
        size += ": " + ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    hidden = []
    if view.row_count < rows:
        hidden.append(f"{counted(rows - view.row_count, 'row')} hidden")
    if view.empty_count:
        hidden.append(f"{counted(view.empty_count, 'empty column')} hidden")
    other_columns = columns - view.empty_count - len(view.frame.columns)
    if other_columns:
        hidden.append(f"{counted(other_columns, 'column')} hidden; .columns lists them")
    if hidden:
        size += f" ({'; '.join(hidden)})"
    parts = [size]
    if is_ours(frame):
        parts.append(f"{frame.attrs['service']} {frame.attrs['path']}")
    return " · ".join([*parts, *_zones(frame, view)])


def _zones(frame: pd.DataFrame, view: View) -> list[str]:
    """Return which times are in which time zone."""
    columns: dict[str, list[str]] = {}
    for name, dtype in frame.dtypes.items():
        if isinstance(dtype, pd.DatetimeTZDtype) and name in view.frame:
            columns.setdefault(str(dtype.tz), []).append(str(name))
    texts = []
    for zone, names in columns.items():
        subject = ", ".join(names)
        if zone == "UTC" or len(columns) == 1:
            subject = "times"
        texts.append(f"{subject} in {zone}")
    return texts


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in the right form."""
    if number != 1:
        noun = f"{noun}s"
    return f"{number} {noun}"


def _short(value: object) -> str:
    text = str(value)
    if ID_PATTERN.fullmatch(text):
        return f"{text[:6]}…{text[-4:]}"
    return text


def _cut(value: str, length: int) -> str:
    if len(value) > length:
        return f"{value[: length - 1]}…"
    return value
