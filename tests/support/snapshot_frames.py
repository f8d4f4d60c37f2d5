"""Small snapshots for the tests. Also run as a program: a writer that never ends, to be killed."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adobe_nb.api.reactor.frames import DTYPES, columns_of
from adobe_nb.registry import RESOURCES, Kind
from adobe_nb.snapshot.manifest import Manifest
from adobe_nb.snapshot.store import Store

ABOUT = {"service": "simulator", "properties": ["PR1", "PR2"]}
COLUMNS = {
    "companies": columns_of(RESOURCES["companies"]),
    "rules": columns_of(RESOURCES["rules"], "properties"),
    "rule_components": columns_of(RESOURCES["rule_components"], "rules"),
}
AT = "2025-03-01T10:00:00+00:00"
ROWS = 5


def series(kind: Kind, values: list[Any]) -> "pd.Series[Any]":
    """Moments are given in microseconds since 1970."""
    if kind != "datetime":
        return pd.Series(values, dtype=DTYPES[kind])
    moments = np.array(["NaT" if value is None else value for value in values], "datetime64[us]")
    return pd.Series(pd.DatetimeIndex(moments).tz_localize("UTC"))


def frame(columns: Mapping[str, Kind], rows: int = ROWS, **texts: str) -> pd.DataFrame:
    """Values of every kind, some of them missing; ``texts`` fill columns that the table does not know."""
    values: dict[Kind, Any] = {
        "text": "é😀{}".format,
        "json": '{{"n": [{}]}}'.format,
        "boolean": lambda row: row % 2 == 0,
        "integer": lambda row: 2**60 + row,
        "number": lambda row: row / 3,
        "datetime": lambda row: 1_740_000_000_000_001 + row,
    }
    data = {
        name: series(kind, [None if row % 3 == 1 else values[kind](row) for row in range(rows)])
        for name, kind in columns.items()
    }
    data["id"] = pd.Series([f"ID{row}" for row in range(rows)], dtype="string")
    data |= {name: pd.Series([text] * rows, dtype="string") for name, text in texts.items()}
    return pd.DataFrame(data, index=pd.RangeIndex(rows))


def snapshot(store: Store, *, rows: int = ROWS, **about: Any) -> Manifest:
    with store.begin({**ABOUT, **about}, COLUMNS) as draft:
        for table, owner in (("companies", None), ("rules", "PR1"), ("rules", "PR2"), ("rule_components", "PR2")):
            if not draft.has(table, owner):
                draft.put(table, owner, frame(COLUMNS[table], rows), at=AT)
        return draft.publish()


if __name__ == "__main__":
    snapshot(Store(Path(sys.argv[1])))  # the first one is slow, for all that is loaded
    print("ready", flush=True)
    while True:
        snapshot(Store(Path(sys.argv[1])))
