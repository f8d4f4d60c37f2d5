"""The journal: what this machine wrote to the Reactor API, with the state before. Never a secret.

One line of JSON before a write is sent, and one when its outcome is known: a write that was
interrupted can be told from one that was never sent.
"""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb.api.reactor.dates import parse_zoned
from adobe_nb.api.reactor.error_catalog import unsure
from adobe_nb.api.reactor.jsonapi import Write, public_resource
from adobe_nb.errors import (
    AdobeError,
    ApiError,
    CredentialsError,
    JournalError,
    SignInError,
    TransportError,
)
from adobe_nb.home import state_folder

_LARGEST = 20_000_000
"""Bytes of the file. A larger one is renamed, and a new one begun."""
_LOCK_TIMEOUT = 10
"""Seconds."""
_COLUMNS = (
    "time",
    "call",
    "id",
    "outcome",
    "code",
    "before",
    "request",
    "status",
    "method",
    "path",
    "type",
    "service",
    "organization",
    "entry",
)


class Journal:
    """A file of this user's own. Lines are only appended."""

    def __init__(self, file: Path | None = None) -> None:
        folder = state_folder()
        if file is None and folder is None:
            raise JournalError(
                "This account has no home folder for a journal. Set HOME or XDG_STATE_HOME."
            )
        self.file = file or Path(folder or "") / "journal.jsonl"

    def __repr__(self) -> str:
        return f"<Journal {self.file}>"

    @contextmanager
    def record(
        self, write: Write, before: object, *, service: str, org_id: str
    ) -> Iterator[dict[str, Any]]:
        """Record the write, and its outcome when the block ends.

        The block may set ``id`` of what was created. Raises JournalError before the block.
        """
        entry = uuid.uuid4().hex
        self._append(
            {
                "entry": entry,
                "time": _now(),
                "service": service,
                "organization": org_id,
                "call": write.call,
                "method": write.method,
                "path": write.path,
                "type": write.type,
                "id": write.id,
                "request": write.masked,
                "before": public_resource(before),
            }
        )
        # Stays unknown when the block is interrupted.
        ending: dict[str, Any] = {"outcome": "unknown"}
        try:
            yield ending
            ending["outcome"] = "done"
        except AdobeError as error:
            ending["outcome"] = _outcome(error)
            ending["status"] = getattr(error, "status", None)
            ending["code"] = getattr(error, "code", None) or ""
            raise
        finally:
            # The write was sent: a journal that is full now must not hide its outcome.
            with suppress(JournalError):
                self._append({"entry": entry, "ended": _now(), "code": "", **ending})

    def read(self) -> pd.DataFrame:
        """Return one row per write, oldest first; without a recorded outcome it is ``unknown``."""
        entries: dict[str, dict[str, Any]] = {}
        for line in self._lines():
            entries.setdefault(str(line.get("entry")), {"outcome": "unknown"}).update(line)
        rows = []
        for entry in entries.values():
            # Without a time, the first line of the write was cut off.
            if "time" in entry:
                rows.append(list(map(_text, map(entry.get, _COLUMNS))))
        frame = pd.DataFrame(rows, columns=list(_COLUMNS), dtype="string")
        times = pd.to_datetime(frame["time"], utc=True, format="ISO8601")
        frame["time"] = times.astype("datetime64[us, UTC]")
        frame["status"] = frame["status"].astype("Int64")
        frame.attrs = {"service": "adobe_nb", "path": "journal()", "file": str(self.file)}
        return frame

    @property
    def _older(self) -> Path:
        return self.file.with_suffix(".old.jsonl")

    def _lines(self) -> Iterator[dict[str, Any]]:
        for file in (self._older, self.file):
            if not file.exists():
                continue
            for text in file.read_bytes().split(b"\n"):
                # A line that was cut off, or that another program wrote.
                with suppress(ValueError):
                    line = json.loads(text)
                    if isinstance(line, dict) and _is_ours(line):
                        yield line

    def _append(self, line: dict[str, Any]) -> None:
        from filelock import FileLock, Timeout  # noqa: PLC0415

        # In ASCII, so that no character of a name can end a line.
        text = json.dumps({name: value for name, value in line.items() if value is not None})
        lock = FileLock(self.file.with_suffix(".lock"), timeout=_LOCK_TIMEOUT, mode=0o600)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with lock:
                # One older file is kept, so that the journal cannot fill the disk.
                if self.file.exists() and self.file.stat().st_size > _LARGEST:
                    self.file.replace(self._older)
                handle = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    # After a line that was cut off, begin a new one.
                    if not _ends_with_newline(self.file):
                        file.write("\n")
                    file.write(f"{text}\n")
        except (OSError, Timeout) as error:
            problem = type(error).__name__
        else:
            return
        # Outside the except block: the frames of the error hold the user's document.
        raise JournalError(
            f"The journal {self.file} cannot be written ({problem}), so nothing was sent. Free "
            "some space for it, or go without a journal: connect(journal=False)."
        )


def _ends_with_newline(file: Path) -> bool:
    """Whether the last line is whole, or there is none: a crash can cut it off."""
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(size - 1, 0))
        return opened.read(1) in {b"", b"\n"}


def _is_ours(line: dict[str, Any]) -> bool:
    status = line.get("status")
    if not isinstance(line.get("entry"), str) or not isinstance(status, (int, type(None))):
        return False
    try:
        parse_zoned(str(line.get("time", line.get("ended"))))
    except ValueError:
        return False
    return True


def _outcome(error: AdobeError) -> str:
    """``refused``, ``not sent``, or ``unknown`` for a write that may have been done."""
    if isinstance(error, ApiError) and not unsure(error.status):
        return "refused"
    is_sign_in = isinstance(error, (SignInError, CredentialsError))
    if is_sign_in or (isinstance(error, TransportError) and error.never_sent):
        return "not sent"
    return "unknown"


def journal() -> pd.DataFrame:
    """Return what this machine wrote to the Reactor API: to look back, and to undo.

    ``connect(journal=False)`` keeps no journal, and a preview session writes none.

    Returns
    -------
    DataFrame
        One row per write, oldest first: time (UTC), call, id, outcome (``done``, ``refused``,
        ``not sent``, ``unknown``), code, before (JSON text: the resource before the write, without
        secrets), request (JSON text, secrets masked), status (Int64), method, path, type, service,
        organization, entry. ``attrs["file"]`` is the path of the journal, which all notebooks of
        an account share.

    Raises
    ------
    JournalError
        This account has no home folder.

    Examples
    --------
    >>> import adobe_nb
    >>> list(adobe_nb.journal().columns)[:3]
    ['time', 'call', 'id']
    """
    return Journal().read()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
