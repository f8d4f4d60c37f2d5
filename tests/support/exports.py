"""Snapshots to export, and how the rows of other readers are compared with ours."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from adobe_nb import snapshot
from adobe_nb.registry import Kind
from adobe_nb.snapshot.store import SnapshotFolder
from adobe_nb.snapshot.tables import to_frame
from tests.support import snapshot_frames as making

ORGANIZATION = "A@AdobeOrg"
RULES = making.COLUMNS["rules"]


def owner_id(number: int) -> str:
    return f"PR{number:032x}"


def write(
    folder: Path,
    rules: Mapping[int, int],
    *,
    organization: str = ORGANIZATION,
    columns: Mapping[str, Kind] = RULES,
    **texts: str,
) -> None:
    """Write the next snapshot, with that number of rules in each property."""
    tables = {"companies": making.COLUMNS["companies"], "rules": columns}
    about = {**making.ABOUT, "organization": organization}
    with SnapshotFolder(folder).begin(about, tables, resume=False) as draft:
        draft.put("companies", None, making.frame(tables["companies"], 1), at=making.AT)
        for number, rows in rules.items():
            frame = making.frame(columns, rows, **texts)
            draft.put("rules", owner_id(number), frame, at=making.AT)
        draft.publish()


def assert_equal(
    answer: pa.Table | pd.DataFrame, folder: Path, table: str = "rules", as_of: int | None = None
) -> None:
    """Compare the rows of another reader with ours; its columns may be in another order."""
    if isinstance(answer, pd.DataFrame):
        answer = pa.Table.from_pandas(answer, preserve_index=False)
    expected = snapshot.load(folder, table, as_of=as_of)
    schema = SnapshotFolder(folder).at(as_of).schema(table)
    if table != "companies":
        schema = schema.append(pa.field("property", pa.string()))
        assert len(answer.schema) == len(schema)
    answer = answer.select(schema.names).cast(schema)
    if table != "companies":
        answer = answer.sort_by([("property", "ascending"), ("id", "ascending")])
    frame = to_frame(answer)[list(expected.columns)]
    pd.testing.assert_frame_equal(frame, expected)
