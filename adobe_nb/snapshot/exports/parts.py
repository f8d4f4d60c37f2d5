"""The files of an export, with digests, and what a frame tells about them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from adobe_nb.snapshot.disk import reading
from adobe_nb.snapshot.manifest import Part, Snapshot
from adobe_nb.snapshot.tables import damaged, wrong_file

_DTYPES = {
    "table": "string",
    "snapshot": "Int64",
    "rows": "Int64",
    "files": "Int64",
    "files_sent": "Int64",
    "files_unchanged": "Int64",
    "bytes_sent": "Int64",
    "location": "string",
    "version": "Int64",
}


@dataclass(frozen=True, slots=True)
class DigestedPart(Part):
    """A part with the digest of its file."""

    sha256: str = ""

    @property
    def path(self) -> str:
        """Its path in the folder of a snapshot, as stores spell it."""
        if self.property is None:
            return f"{self.table}/part.parquet"
        return f"{self.table}/property={self.property}/part.parquet"


def digested(snapshot: Snapshot, tables: Iterable[str]) -> list[DigestedPart]:
    """Return the parts of these tables. Raises SnapshotError when a file is damaged."""
    parts = []
    for table in tables:
        for part in snapshot.parts_of(table):
            file = part.file(snapshot.data)
            if problem := wrong_file(file, part.bytes):
                raise damaged(file, problem)
            with reading(file), file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
            parts.append(DigestedPart(**asdict(part), sha256=digest))
    return parts


def frame_of(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row per table; values that a row does not have are left out or NA."""
    names = [name for name in _DTYPES if name in rows[0] or name == "version"]
    dtypes = {name: _DTYPES[name] for name in names}
    return pd.DataFrame(list(rows), columns=names).astype(dtypes)
