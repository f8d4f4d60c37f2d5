"""The progress of many organizations while they are read: a table in a notebook, or one line."""

import html
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from adobe_nb.api.progress import is_shown

_EVERY = 1.0
"""Seconds until something is shown, and between two drawings."""
_COLUMNS = ("organization", "state", "requests", "rows", "waited")
_ENDED = ("done", "failed")


class Live:
    """Follows the organizations, one row each: state, requests, rows, and seconds waited."""

    def __init__(self, organizations: Iterable[str], *, shown: bool) -> None:
        self._rows: dict[str, dict[str, Any]] = {}
        for organization in organizations:
            self.report({"organization": organization, "state": "queued"})
        self._shown = shown and is_shown()
        self._drawn = time.monotonic()
        self._display: Any = None
        """The handle of the table in a notebook, or the tqdm bar of a terminal."""

    def __enter__(self) -> "Live":
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._display is None:
            return
        self._draw()
        if not _in_notebook():
            self._display.close()

    def report(self, progress: Mapping[str, Any]) -> None:
        """Take the progress of one organization. May be called in any thread."""
        organization = str(progress["organization"])
        before = self._rows.get(organization)
        # Reports can arrive late, after the row of the answer.
        if before is not None and before["state"] in _ENDED:
            return
        self._rows[organization] = {name: progress.get(name) or 0 for name in _COLUMNS}

    def update(self) -> None:
        """Draw again if it is time. Called several times a second."""
        if self._shown and time.monotonic() - self._drawn >= _EVERY:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        rows = list(self._rows.values())
        if _in_notebook():
            self._draw_table(rows)
        else:
            self._draw_line(rows)

    def _draw_table(self, rows: Sequence[Mapping[str, Any]]) -> None:
        from IPython.display import display  # noqa: PLC0415

        text = f"{_ended(rows)} of {len(rows)} organizations: {_summary(rows)}"
        forms = {"text/html": table_of(rows), "text/plain": text}
        if self._display is None:
            self._display = display(forms, raw=True, display_id=True)
        else:
            self._display.update(forms, raw=True)

    def _draw_line(self, rows: Sequence[Mapping[str, Any]]) -> None:
        from tqdm.auto import tqdm  # noqa: PLC0415

        if self._display is None:
            self._display = tqdm(total=len(rows), unit="organization", leave=False)
            self._display.start_t -= _EVERY
        self._display.set_postfix_str(_summary(rows), refresh=False)
        self._display.update(_ended(rows) - self._display.n)
        self._display.refresh()


def _ended(rows: Iterable[Mapping[str, Any]]) -> int:
    return sum(row["state"] in _ENDED for row in rows)


def _summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how many organizations are in each state, and the requests and rows of all."""
    states = Counter(row["state"] for row in rows)
    requests = sum(row["requests"] for row in rows)
    received = sum(row["rows"] for row in rows)
    parts = [f"{count} {state}" for state, count in states.items() if state != "done"]
    return ", ".join([*parts, f"{requests:,} requests", f"{received:,} rows"])


def table_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the rows as an HTML table that scrolls."""
    lines = ["".join(f"<th>{name}</th>" for name in _COLUMNS)]
    for row in rows:
        lines.append("".join(f"<td>{_cell(row[name])}</td>" for name in _COLUMNS))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div style="max-height: 24em; overflow: auto"><table>{body}</table></div>'


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, int):
        return f"{value:,}"
    return html.escape(str(value))


def _in_notebook() -> bool:
    return "ipykernel" in sys.modules
