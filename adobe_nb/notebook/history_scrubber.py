"""Remove a secret that was typed into a cell from IPython's memory and history.

The running cell is removed whole; elsewhere only what is certainly a secret. docs/security.md
says what remains.
"""

import contextlib
import linecache
import re
import sqlite3
from collections.abc import Iterable
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.core.interactiveshell import InteractiveShell

from adobe_nb.masking import CERTAINLY_A_SECRET

REMOVED = "•••• (removed)"
_INPUTS = re.compile(r"_i\d*|_ii|_iii|_i00")
_SECONDS_FOR_LOCK = 5


def refusal(words: list[str], line: str, cell: str = "") -> str:
    """Remove what was typed, and return the message of the error."""
    result = "It could not be removed from the history."
    shell = get_ipython()
    if shell is not None and scrub(shell, [line.strip(), *words, cell]):
        result = "It was removed from In and from the history of this kernel."
    return (
        f"Secrets are not accepted here: the notebook keeps what is typed into a cell. {result} "
        "Now delete this cell, rotate the secret in Developer Console, and sign in with a file or "
        "the panel."
    )


def scrub(shell: InteractiveShell, typed: Iterable[str]) -> bool:
    """Remove the running cell, and the secrets in what was typed, everywhere.

    Returns whether that was possible in the history too.
    """
    typed = list(filter(None, typed))
    history: Any = shell.history_manager
    number = None
    cells: list[str] = []
    # What was typed may stand in an earlier cell, whose function the running one only calls.
    running = "".join(history.input_hist_raw[-1:])
    if _contains_any(running, ("adobe_auth", "reactor", *typed)):
        cells = [running]
        number = len(history.input_hist_raw) - 1
        history.input_hist_raw[-1] = history.input_hist_parsed[-1] = REMOVED
    secrets = set()
    for text in (*typed, *cells):
        secrets.update(CERTAINLY_A_SECRET.findall(text))
    # The longest first: one secret may be the beginning of another.
    ordered = sorted(secrets, key=len, reverse=True)
    _scrub_memory(shell, [*cells, *ordered])
    return _scrub_database(history, ordered, number)


def _contains_any(source: str, texts: Iterable[str]) -> bool:
    return any(text in source for text in texts)


def _scrub_memory(shell: InteractiveShell, texts: list[str]) -> None:
    history: Any = shell.history_manager
    # The arrow keys of a terminal.
    prompt = getattr(getattr(shell, "pt_app", None), "history", None)
    for inputs in (
        history.input_hist_parsed,
        history.input_hist_raw,
        getattr(prompt, "_loaded_strings", None),
        getattr(prompt, "_storage", None),
    ):
        if isinstance(inputs, list):
            inputs[:] = [_scrubbed(text, texts) for text in inputs]
    for name in ("_i", "_ii", "_iii", "_i00"):
        setattr(history, name, _scrubbed(getattr(history, name, ""), texts))
    for name in list(filter(_INPUTS.fullmatch, shell.user_ns)):
        shell.user_ns[name] = _scrubbed(shell.user_ns[name], texts)
    _scrub_tracebacks(texts)


def _scrub_tracebacks(texts: list[str]) -> None:
    """Remove the source lines that tracebacks show."""
    for name, entry in list(linecache.cache.items()):
        # An entry whose source is not loaded yet is shorter.
        if len(entry) > 2 and _contains_any("".join(entry[2]), texts):
            del linecache.cache[name]


def _scrubbed(value: Any, texts: list[str]) -> Any:
    if isinstance(value, str):
        for text in texts:
            value = value.replace(text, REMOVED)
    return value


def _database_of(history: Any) -> contextlib.AbstractContextManager[sqlite3.Connection]:
    """Return the database of the history: a connection of our own, if it is a file."""
    if str(history.hist_file) == ":memory:":
        # Kernels of nbclient. Another connection would open another, empty database.
        return contextlib.nullcontext(history.db)
    return contextlib.closing(sqlite3.connect(str(history.hist_file), timeout=_SECONDS_FOR_LOCK))


def _scrub_database(history: Any, secrets: list[str], number: int | None) -> bool:
    """Overwrite the secrets and the running cell in IPython's database."""
    if not history.enabled:
        return True
    try:
        history.writeout_cache()
        with _database_of(history) as database:
            # Otherwise the old text stays in free pages of the file.
            database.execute("PRAGMA secure_delete = ON")
            if number is not None:
                database.execute(
                    "UPDATE history SET source = ?, source_raw = ? WHERE session = ? AND line = ?",
                    (REMOVED, REMOVED, history.session_number, number),
                )
            for secret in secrets:
                database.execute(
                    "UPDATE history SET source = replace(source, :secret, :removed),"
                    " source_raw = replace(source_raw, :secret, :removed)"
                    " WHERE instr(source, :secret) OR instr(source_raw, :secret)",
                    {"secret": secret, "removed": REMOVED},
                )
            database.commit()
            # The write-ahead log holds the old text too.
            (busy, *_) = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:
        return False
    return not busy
