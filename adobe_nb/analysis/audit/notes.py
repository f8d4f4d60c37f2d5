"""What people wrote about findings: suppressions, and the notes of an earlier audit."""

import csv
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from adobe_nb.analysis.audit.fingerprints import PATTERN, VERSION
from adobe_nb.analysis.model import records
from adobe_nb.analysis.times import utc_time
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

Source: TypeAlias = pd.DataFrame | str | Path
"""A frame, or a CSV, JSON or TOML file."""
_LISTS = ("findings", "suppress")
"""The lists in a JSON or TOML file: what the command line writes, and ``[[suppress]]``."""


@dataclass(frozen=True)
class Note:
    """What is known about a finding from before."""

    text: str | None
    until: date | None
    """The last day of a suppression; None for one without end."""
    first_seen: pd.Timestamp | None

    def is_expired(self, now: pd.Timestamp) -> bool:
        """Return whether a suppression has ended."""
        return self.until is not None and self.until < now.date()


def read_notes(
    source: Source, parameter: str, required: Sequence[str], known: Sequence[str]
) -> dict[str, Note]:
    """Read notes by fingerprint from a frame or file. Raises ArgumentError.

    An unknown column is an error, because a misspelled ``until`` would suppress forever.
    """
    if isinstance(source, pd.DataFrame):
        where = f"the frame of {parameter}="
        rows = records(source)
    elif isinstance(source, str | Path):
        where = str(source)
        rows = _rows_of_file(Path(source))
    else:
        raise ArgumentError(
            f"{parameter}= takes a frame or the path of a CSV, JSON or TOML file, "
            f"not {type(source).__name__}."
        )
    notes: dict[str, Note] = {}
    for number, row in enumerate(rows, start=1):
        place = f"Row {number} of {where}"
        _check_columns(row, place, required, known)
        fingerprint = _fingerprint(row["fingerprint"], place)
        if fingerprint in notes:
            raise ArgumentError(
                f"{place} repeats the fingerprint {fingerprint}. Remove one of them."
            )
        notes[fingerprint] = Note(
            text=_text(row.get("note")),
            until=_date(row.get("until"), place),
            first_seen=_time(row.get("first_seen"), place),
        )
    return notes


def _rows_of_file(path: Path) -> list[dict[str, Any]]:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ArgumentError(
            f"Cannot read {path}: expected a file that ends in {', '.join(_READERS)}."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = reader(text) if text.strip() else []
        if isinstance(rows, dict):
            # A file of nothing but comments has no list, and no suppression either.
            rows = rows.get("findings", rows.get("suppress")) if rows else []
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError(f"expected a list of objects, or one called {' or '.join(_LISTS)}")
    except (OSError, ValueError, csv.Error, RecursionError) as error:
        problem = getattr(error, "strerror", None) or error
        raise ArgumentError(f"Cannot read {path}: {problem}.") from None
    return rows


def _rows_of_csv(text: str) -> list[dict[str, Any]]:
    header = text.lstrip().partition("\n")[0]
    # Excel writes semicolons where the decimal sign is a comma.
    delimiter = max(",;\t", key=header.count)
    rows = list(csv.DictReader(StringIO(text), restkey="", delimiter=delimiter))
    for row in rows:
        # pandas writes its index as a column without a name.
        row.pop("", None)
    return rows


_READERS: Mapping[str, Callable[[str], Any]] = {
    ".csv": _rows_of_csv,
    ".json": json.loads,
    ".toml": tomllib.loads,
}


def _check_columns(
    row: Mapping[str, Any], place: str, required: Sequence[str], known: Sequence[str]
) -> None:
    problems = []
    missing = [repr(column) for column in required if column not in row]
    if missing:
        problems.append(
            f"{place} has no {' and no '.join(missing)}. It has: {', '.join(map(str, row))}. "
            f"Required: {', '.join(required)}."
        )
    for column in row:
        if column not in known:
            problems.append(f"{place} has {column!r}.{did_you_mean(str(column), known)}")
    if problems:
        raise ArgumentError(" ".join(problems))


def _fingerprint(value: Any, place: str) -> str:
    text = str(value).strip()
    if PATTERN.fullmatch(text):
        return text
    version = text.partition(":")[0]
    if version not in (text, VERSION):
        raise ArgumentError(
            f"{place} has a fingerprint of version {version!r}, and this version of adobe_nb "
            f"writes {VERSION!r}. Run audit() again, and copy the fingerprints of its findings."
        )
    raise ArgumentError(
        f"{place} has the fingerprint {text!r}. Copy one from audit(), such as "
        f"{VERSION}:0123456789abcdef."
    )


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).strip() or None


def _date(value: Any, place: str) -> date | None:
    """Read a day. Excel and pandas turn days into times."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = _text(value)
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise ArgumentError(
            f"{place} has until={text!r}. Expected a date, such as 2026-12-31."
        ) from None


def _time(value: Any, place: str) -> pd.Timestamp | None:
    if _text(value) is None:
        return None
    try:
        return utc_time(value)
    except (TypeError, ValueError):
        pass
    raise ArgumentError(
        f"{place} has first_seen={value!r}. Expected a time, such as 2026-12-31T12:00:00Z."
    )
