"""Take a secret that was typed into a cell out of IPython's memory and history, as far as that goes.

What stays is told in docs/security.md: the cell itself in the notebook, and what the front end keeps.
"""

import contextlib
import sqlite3
from collections.abc import Iterable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

GONE = "•••• (removed)"


def scrub(shell: InteractiveShell, secrets: Iterable[str]) -> bool:
    """Replace each of these texts in ``In``, ``_i…`` and the history database. Whether all of it could be done."""
    texts = sorted({text for text in secrets if text}, key=len, reverse=True)
    _in_memory(shell, texts)
    return _in_database(shell, texts)


def _in_memory(shell: InteractiveShell, texts: list[str]) -> None:
    history: Any = shell.history_manager
    for inputs in (history.input_hist_parsed, history.input_hist_raw):
        inputs[:] = [_clean(each, texts) for each in inputs]
    for name in ("_i", "_ii", "_iii", "_i00"):
        setattr(history, name, _clean(getattr(history, name, ""), texts))
    for name, value in list(shell.user_ns.items()):
        if name.startswith("_i") and isinstance(value, str):
            shell.user_ns[name] = _clean(value, texts)
    prompt = getattr(getattr(shell, "pt_app", None), "history", None)  # the arrow keys of a terminal
    for name in ("_loaded_strings", "_storage"):
        if isinstance(lines := getattr(prompt, name, None), list):
            lines[:] = [_clean(each, texts) for each in lines]


def _in_database(shell: InteractiveShell, texts: list[str]) -> bool:
    """By text, in every session: what is replaced is overwritten, and the write-ahead log is emptied."""
    history: Any = shell.history_manager
    if not history.enabled:
        return True
    try:
        history.writeout_cache()
        with contextlib.closing(sqlite3.connect(str(history.hist_file), timeout=5)) as database:
            database.execute("PRAGMA secure_delete = ON")
            for text in texts:
                database.execute(
                    "UPDATE history SET source = replace(source, ?, ?), source_raw = replace(source_raw, ?, ?) "
                    "WHERE instr(source, ?) OR instr(source_raw, ?)",
                    (text, GONE, text, GONE, text, text),
                )
            database.commit()
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error:
        return False
    return True


def _clean(value: Any, texts: list[str]) -> Any:
    if isinstance(value, str):
        for text in texts:
            value = value.replace(text, GONE)
    return value
