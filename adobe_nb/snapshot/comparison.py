"""Compare two states of a table, or two snapshots."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pandas as pd

from adobe_nb.errors import SnapshotError
from adobe_nb.snapshot.manifest import Snapshot, numbers, read_manifest
from adobe_nb.snapshot.plan import FROZEN

# The column that people know a resource by: a note has only its text, a callback its URL.
_NAMES = ("name", "text", "url")
_PARENTS = ("rule_id", "library_id")


def differing_columns(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, list[str]]:
    """Return the columns that differ, for each id that is in both frames and has any."""
    old, new = _by_id(before), _by_id(after)
    ids = old.index.intersection(new.index)
    # A column that was not promised can be missing on one side.
    columns = list(dict.fromkeys([*old, *new]))
    old, new = old.reindex(index=ids, columns=columns), new.reindex(index=ids, columns=columns)
    differing: dict[str, list[str]] = {}
    for name in columns:
        for identifier in ids[_differ(old[name], new[name])]:
            differing.setdefault(identifier, []).append(name)
    return differing


def _by_id(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per resource, with the id as index."""
    frame = frame.copy(deep=False)
    # pandas would copy the attrs with every column.
    frame.attrs = {}
    if frame["id"].is_unique:
        return frame.set_index("id")
    # A rule component has one row per rule, and a revision one per library. These are joined, so
    # that a change shows once.
    column = next(name for name in _PARENTS if name in frame)
    parents = frame.sort_values(column).groupby("id")[column].agg(", ".join)
    unique = frame.drop_duplicates("id").set_index("id")
    return unique.assign(**{column: parents.astype("string")})


def _differ(old: "pd.Series[Any]", new: "pd.Series[Any]") -> Any:
    equal = (old == new).fillna(False).astype(bool)
    return (~equal & ~(old.isna() & new.isna())).to_numpy()


def compared(table: str, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return one row per resource that was created, changed or deleted, in this order."""
    old, new = before["id"], after["id"]
    columns = differing_columns(before, after)
    changes = dict.fromkeys(new[~new.isin(old)], "created")
    changes |= dict.fromkeys(new[new.isin(list(columns))], "changed")
    changes |= dict.fromkeys(old[~old.isin(new)], "deleted")
    described = pd.concat([_described(table, before), _described(table, after)])
    described = described[~described.index.duplicated(keep="last")]
    frame = described.reindex(list(changes)).rename_axis("id").reset_index()
    frame.insert(0, "table", table)
    frame.insert(1, "change", list(changes.values()))
    frame["columns"] = [", ".join(columns.get(identifier, ())) for identifier in changes]
    return frame.astype("string")


def _described(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the name and the property of each resource, with the id as index."""
    name = next((name for name in _NAMES if name in frame), "name")
    owner = {"properties": "id", "notes": "resource_id"}.get(table, "property_id")
    described = frame.reindex(columns=["id", name, owner]).astype("string")
    return described.set_axis(["id", "name", "property_id"], axis="columns").set_index("id")


def comparable_tables(before: Snapshot, after: Snapshot) -> list[str]:
    """Return the tables of both snapshots whose rows can change."""
    return [name for name in after.tables if name in before.tables and name not in FROZEN]


def compared_snapshots(before: Snapshot, after: Snapshot, tables: Iterable[str]) -> pd.DataFrame:
    """Return one row per resource of these tables that was created, changed or deleted.

    Raises ArgumentError for a table that one of them lacks, SnapshotError for a damaged file.
    """
    # An empty comparison has the columns, for when there is nothing to compare.
    empty = pd.DataFrame({"id": []}, dtype="string")
    frames = [compared("", empty, empty)]
    before, after = _differing_parts(before, after)
    for table in tables:
        frames.append(compared(table, before.frame(table), after.frame(table)))
    return pd.concat(frames, ignore_index=True)


def _differing_parts(before: Snapshot, after: Snapshot) -> tuple[Snapshot, Snapshot]:
    """Return both snapshots without the parts that are one file in both."""
    shared = set()
    for part in after.parts:
        other = before.part(part.table, part.property)
        # A damaged snapshot can lack the file.
        with suppress(OSError):
            if other and part.file(after.data).samefile(other.file(before.data)):
                shared |= {part, other}
    remaining = []
    for snapshot in (before, after):
        parts = tuple(part for part in snapshot.parts if part not in shared)
        remaining.append(replace(snapshot, parts=parts))
    return remaining[0], remaining[1]


def number_of_changes(snapshot: Snapshot) -> int | None:
    """Return how many resources differ from the previous snapshot of the folder.

    None when there is no previous one, or it is damaged.
    """
    earlier = [number for number in numbers(snapshot.folder) if number < snapshot.number]
    if not earlier:
        return None
    try:
        before = read_manifest(snapshot.folder, earlier[-1])
        return len(compared_snapshots(before, snapshot, comparable_tables(before, snapshot)))
    except SnapshotError:
        return None
