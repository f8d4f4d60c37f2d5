"""Take a secret that was typed into a cell out of IPython's memory and history, as far as that
goes.

The cell that is running goes whole; elsewhere only what is surely a secret. What stays is told in
docs/security.md.
"""

import contextlib
import linecache
import re
import sqlite3
from collections.abc import Iterable
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.core.interactiveshell import InteractiveShell

GONE = "•••• (removed)"
SURELY_A_SECRET = re.compile(r"eyJ[A-Za-z0-9_.~+/=-]{10,}|p8e-[A-Za-z0-9_.~+/=-]{6,}")
_INPUTS = re.compile(r"_i\d*|_ii|_iii|_i00")


def scrub(shell: InteractiveShell, typed: Iterable[str]) -> bool:
    """Blank the running cell, and replace sure secrets everywhere. Whether all of it could be done.

    ``typed``: what was typed; its sure secrets are looked for in all sessions of the history.
    """
    typed = [each for each in typed if each]
    history: Any = shell.history_manager
    number = len(history.input_hist_raw) - 1
    running = str(history.input_hist_raw[-1]) if history.input_hist_raw else ""
    whole = [running] if running and _is_about(running, typed) else []
    sure = {found for each in (*typed, *whole) for found in SURELY_A_SECRET.findall(each)}
    if whole:
        for inputs in (history.input_hist_raw, history.input_hist_parsed):
            inputs[-1] = GONE
    texts = [*whole, *sorted(sure, key=len, reverse=True)]
    _in_memory(shell, texts)
    return _in_database(history, sorted(sure, key=len, reverse=True), number if whole else None)


def _is_about(cell: str, typed: list[str]) -> bool:
    """Whether the running cell holds what was typed; a function of an earlier cell may run the
    magic.
    """
    return "adobe_auth" in cell or "reactor" in cell or any(each in cell for each in typed)


def _in_memory(shell: InteractiveShell, texts: list[str]) -> None:
    history: Any = shell.history_manager
    for inputs in (history.input_hist_parsed, history.input_hist_raw):
        inputs[:] = [_clean(each, texts) for each in inputs]
    for name in ("_i", "_ii", "_iii", "_i00"):
        setattr(history, name, _clean(getattr(history, name, ""), texts))
    for name, value in list(shell.user_ns.items()):
        if _INPUTS.fullmatch(name) and isinstance(value, str):
            shell.user_ns[name] = _clean(value, texts)
    for name, entry in list(linecache.cache.items()):  # the source that tracebacks show
        lines = "".join(entry[2]) if len(entry) > 2 and isinstance(entry[2], list) else ""
        if any(text in lines for text in texts):
            del linecache.cache[name]
    prompt = getattr(
        getattr(shell, "pt_app", None), "history", None
    )  # the arrow keys of a terminal
    for name in ("_loaded_strings", "_storage"):
        if isinstance(kept := getattr(prompt, name, None), list):
            kept[:] = [_clean(each, texts) for each in kept]


def _in_database(history: Any, texts: list[str], number: int | None) -> bool:
    """What is replaced is overwritten, and the write-ahead log is emptied."""
    if not history.enabled:
        return True
    try:
        history.writeout_cache()
        with contextlib.closing(sqlite3.connect(str(history.hist_file), timeout=5)) as database:
            database.execute("PRAGMA secure_delete = ON")
            if number is not None:
                database.execute(
                    "UPDATE history SET source = ?, source_raw = ? WHERE session = ? AND line = ?",
                    (GONE, GONE, history.session_number, number),
                )
            for text in texts:
                database.execute(
                    "UPDATE history SET source = replace(source, ?, ?), source_raw = replace(source_raw, ?, ?) "
                    "WHERE instr(source, ?) OR instr(source_raw, ?)",
                    (text, GONE, text, GONE, text, text),
                )
            database.commit()
            (busy, *_) = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:
        return False
    return not busy


def _clean(value: Any, texts: list[str]) -> Any:
    if isinstance(value, str):
        for text in texts:
            value = value.replace(text, GONE)
    return value


def refusal(words: list[str], line: str, cell: str = "") -> str:
    """Scrub what was typed, and the sentence to raise."""
    told = "It was taken out of In and the history of this kernel."
    shell = get_ipython()
    if shell is None or not scrub(shell, [line.strip(), *words, cell]):
        told = "It could not be taken out of the history."
    return (
        f"Secrets are not accepted here: the notebook keeps what is typed into a cell. {told} Now delete this cell, "
        "rotate the secret in Developer Console, and sign in with a file or the panel."
    )
