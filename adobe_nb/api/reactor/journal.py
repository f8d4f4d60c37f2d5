"""The journal: what was written to the Reactor API from this machine, with the state before. Never
a secret.

One line of JSON before a write is sent, and one when it is known what became of it; so a write that
was cut off in the middle can be told from one that never went.
"""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb.api.reactor.dates import parse_zoned
from adobe_nb.api.reactor.jsonapi import public_resource
from adobe_nb.api.reactor.payloads import Change
from adobe_nb.errors import JournalError
from adobe_nb.home import state_folder

_MOST_BYTES = 20_000_000
_PATIENCE = 10
_COLUMNS = (
    "time", "service", "organisation", "call", "method", "path", "type", "id", "outcome", "status", "code",
    "request", "before", "entry",
)  # fmt: skip


class Journal:
    """A file of this user's own; lines are only added."""

    def __init__(self, file: Path | None = None) -> None:
        folder = None if file else state_folder()
        if file is None and folder is None:
            raise JournalError(
                "This account has no home folder, so there is no journal. Set HOME or XDG_STATE_HOME."
            )
        self.file = file or Path(folder or "") / "journal.jsonl"

    def __repr__(self) -> str:
        return f"<Journal {self.file}>"

    def begin(self, change: Change, before: object, *, service: str, organisation: str) -> str:
        """Before it is sent; gives the entry's name. Raises JournalError."""
        entry = uuid.uuid4().hex
        self._write(
            {
                "entry": entry,
                "time": _now(),
                "service": service,
                "organisation": organisation,
                "call": change.call,
                "method": change.method,
                "path": change.path,
                "type": change.type,
                "id": change.id,
                "request": change.masked,
                "before": public_resource(before),
            }
        )
        return entry

    def end(
        self, entry: str, outcome: str, *, status: int | None = None, code: str = "", made: str = ""
    ) -> None:
        """What became of it: ``done``, ``refused``, ``not sent`` or ``unknown``. Never raises: it
        has happened.
        """
        line = {"entry": entry, "ended": _now(), "outcome": outcome, "status": status, "code": code}
        with suppress(JournalError):
            self._write({**line, **({"id": made} if made else {})})

    def read(self) -> pd.DataFrame:
        """One row per write, oldest first; ``outcome`` is ``unknown`` where none was noted."""
        entries: dict[str, dict[str, Any]] = {}
        for line in self._lines():
            entries.setdefault(str(line.get("entry")), {"outcome": "unknown"}).update(line)
        rows = [
            {name: _text(entry.get(name)) for name in _COLUMNS}
            for entry in entries.values()
            if "time" in entry
        ]
        frame = pd.DataFrame(rows, columns=list(_COLUMNS), dtype="string")
        frame["time"] = pd.to_datetime(frame["time"], utc=True, format="ISO8601").astype(
            "datetime64[us, UTC]"
        )
        frame["status"] = frame["status"].astype("Int64")
        frame.attrs["file"] = str(self.file)
        return frame

    @property
    def _older(self) -> Path:
        return self.file.with_suffix(".old.jsonl")

    def _lines(self) -> Iterator[dict[str, Any]]:
        for file in (self._older, self.file):
            if not file.exists():
                continue
            for text in file.read_bytes().split(b"\n"):
                with suppress(ValueError):  # a line that was cut off, or is somebody else's
                    line = json.loads(text)
                    if isinstance(line, dict) and _is_ours(line):
                        yield line

    def _write(self, line: dict[str, Any]) -> None:
        from filelock import FileLock, Timeout  # noqa: PLC0415

        # In ASCII, so that no character of a name can end a line.
        text = json.dumps({name: value for name, value in line.items() if value is not None})
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self.file.with_suffix(".lock"), timeout=_PATIENCE, mode=0o600):
                if self.file.exists() and self.file.stat().st_size > _MOST_BYTES:
                    self.file.replace(self._older)
                handle = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(("" if _ends_whole(self.file) else "\n") + text + "\n")
        except (OSError, Timeout) as error:
            problem = type(error).__name__
        else:
            return
        raise JournalError(
            f"The journal {self.file} cannot be written ({problem}), so nothing was sent. Make room for it, or go "
            "without: connect(journal=False)."
        )


def _ends_whole(file: Path) -> bool:
    """Whether the file ends with a whole line; a crash can have cut the last one off."""
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(size - 1, 0))
        return opened.read(1) in {b"", b"\n"}


def _is_ours(line: dict[str, Any]) -> bool:
    if not isinstance(line.get("entry"), str) or not isinstance(
        line.get("status"), (int, type(None))
    ):
        return False
    try:
        parse_zoned(line["time"] if "time" in line else line["ended"])
    except (KeyError, TypeError, ValueError):
        return False
    return True


def journal() -> pd.DataFrame:
    """What was written to the Reactor API from this machine, oldest first: for looking back, and
    for undoing.

    Columns: time (UTC), service, organisation, call, method, path, type, id, outcome (``done
    refused "not sent" unknown``), status, code, request (JSON text, secrets masked), before (JSON
    text: the resource as it was, without what is write-only or secret), entry. ``attrs["file"]``
    says where it is kept. ``connect(journal=False)`` keeps none.

    Example:
        >>> import adobe_nb
        >>> list(adobe_nb.journal().columns)[:3]
        ['time', 'service', 'organisation']
    """
    return Journal().read()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
