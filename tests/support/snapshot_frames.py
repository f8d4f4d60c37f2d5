"""Small snapshots for tests. Also runs as a program: a writer that is killed, or kills itself."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adobe_nb.api.reactor.frames import DTYPES, columns_of
from adobe_nb.registry import RESOURCES, Kind
from adobe_nb.snapshot.manifest import Snapshot
from adobe_nb.snapshot.store import SnapshotFolder

ABOUT = {"service": "simulator", "properties": ["PR1", "PR2"]}
COLUMNS = {
    "companies": columns_of(RESOURCES["companies"]),
    "rules": columns_of(RESOURCES["rules"], "properties"),
    "rule_components": columns_of(RESOURCES["rule_components"], "rules"),
}
AT = "2025-03-01T10:00:00+00:00"
ROWS = 5


def series(kind: Kind, values: list[Any]) -> "pd.Series[Any]":
    """Return a column. Timestamps are given in microseconds since 1970."""
    if kind != "datetime":
        return pd.Series(values, dtype=DTYPES[kind])
    timestamps = np.array(["NaT" if value is None else value for value in values], "datetime64[us]")
    return pd.Series(pd.DatetimeIndex(timestamps).tz_localize("UTC"))


def frame(columns: Mapping[str, Kind], rows: int = ROWS, **texts: str) -> pd.DataFrame:
    """Return values of every kind, some of them missing; ``texts`` are unknown columns."""
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


def snapshot(store: SnapshotFolder, *, rows: int = ROWS, **about: Any) -> Snapshot:
    with store.begin({**ABOUT, **about}, COLUMNS) as draft:
        for table, owner in (
            ("companies", None),
            ("rules", "PR1"),
            ("rules", "PR2"),
            ("rule_components", "PR2"),
        ):
            if not draft.has(table, owner):
                draft.put(table, owner, frame(COLUMNS[table], rows), at=AT)
        return draft.publish()


def restart(store: SnapshotFolder) -> None:
    """Write a snapshot of another plan, which removes the draft and keeps one part."""
    latest = store.at()
    with store.begin({**ABOUT, "only": "companies"}, {"companies": COLUMNS["companies"]}) as draft:
        draft.keep("companies", None, latest, at=AT)
        draft.publish()


ACTIONS: dict[str, Callable[[SnapshotFolder], object]] = {
    "pull": snapshot,
    "restart": restart,
    "prune": lambda store: store.prune(keep=1),
}
CHANGES = {"os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir"}


def kill_at_each_operation(template: Path, folder: Path, action: str) -> None:
    """Run the action on copies of the template, killed before its first disk operation, the second…

    Prints the operations. The last copy, in which the action completed, is removed.
    """
    # Import all libraries before the forks.
    snapshot(SnapshotFolder(folder / "first"))
    shutil.rmtree(folder / "first")
    for number in count():
        copy = folder / f"{number:03d}"
        shutil.copytree(template, copy)
        child = os.fork()
        if child == 0:
            sys.addaudithook(killer(number, str(copy)))
            ACTIONS[action](SnapshotFolder(copy))
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            shutil.rmtree(copy)
            return


def killer(number: int, folder: str) -> Callable[[str, tuple[Any, ...]], None]:
    """Kill the process before its operation of that number."""
    numbers = count()

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        # os.open is used to create and to sync files.
        opened = event == "open" and arguments[1] is None and str(arguments[0]).startswith(folder)
        if (event in CHANGES or opened) and next(numbers) == number:
            os.write(1, f"{event} {arguments}\n".replace(folder, "").encode())
            os.kill(os.getpid(), signal.SIGKILL)

    return watch


def write_forever(folder: Path) -> None:
    """Write snapshots until the process is killed."""
    # The first one is slow because of imports.
    snapshot(SnapshotFolder(folder))
    print("ready", flush=True)
    while True:
        snapshot(SnapshotFolder(folder))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    if len(sys.argv) == 2:
        write_forever(Path(sys.argv[1]))
    else:
        kill_at_each_operation(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
