"""Delta tables: one per table, and one commit per table that replaces the properties that changed.

::

    URL/rules      partitioned by property; each commit names the snapshot, and digests of its parts
    URL/exports    which version of each table belongs to which snapshot; committed last

A table is complete in each of its versions. Several tables are not one transaction: a reader takes
their versions from ``exports``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

import pandas as pd

from adobe_nb.errors import SnapshotError
from adobe_nb.snapshot.exports.parts import DigestedPart, digested, frame_of
from adobe_nb.snapshot.exports.target import Target
from adobe_nb.snapshot.manifest import Snapshot
from adobe_nb.snapshot.tables import library

_EXPORTS = "exports"
_OURS = "adobe_nb"
"""The key of what our commits tell, the name of our transactions, and how our tables begin their
description.
"""
# Commits of others that leave the rows as they are.
_MAINTENANCE = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "ADD FEATURE")
_RECORD = {"snapshot": "Int64", "rows": "Int64", "files": "Int64", "version": "Int64"}


@dataclass(frozen=True)
class State:
    """The table in the store, and what its latest commit of ours tells."""

    table: Any
    finished: datetime | None = None
    """When its snapshot was finished."""
    digests: Mapping[str, str] | None = None
    """By property; None when the rows may have been changed by others."""


class Lake:
    """The Delta tables under a URL."""

    def __init__(self, target: Target, mark: str) -> None:
        self._delta = library("deltalake", "export")
        self._target, self._mark = target, mark

    def location(self, table: str) -> str:
        """Return the URL of a table."""
        return f"{self._target.url}/{table}"

    def open(self, table: str) -> Any:
        """Return the table; None when there is none. Raises SnapshotError when it is not ours."""
        location, table_type = self.location(table), self._delta.DeltaTable
        if not table_type.is_deltatable(location, self._target.delta_options()):
            return None
        existing = table_type(location, storage_options=self._target.delta_options())
        description = existing.metadata().description or ""
        if self._mark and description != self._mark:
            owner = "which was not written by an export"
            if description.startswith(_OURS):
                owner = f"the {description}"
            raise SnapshotError(
                f"{location} is a Delta table, {owner}. Nothing was changed. Export to another URL."
            )
        return existing

    def state(self, table: str) -> State:
        """Return what is in the store. Raises SnapshotError when it is not ours."""
        existing = self.open(table)
        if existing is None:
            return State(None)
        # Usually the first one suffices, and each costs a request.
        for limit in (1, None):
            digests_hold = True
            for commit in existing.history(limit):
                if _OURS in commit:
                    about = commit[_OURS]
                    finished = datetime.fromisoformat(about["finished"])
                    return State(existing, finished, about["digests"] if digests_hold else None)
                digests_hold &= commit.get("operation") in _MAINTENANCE
        # Commits that are old are removed from the log.
        return State(existing)

    def write(
        self,
        table: str,
        rows: Any,
        *,
        number: int,
        about: Mapping[str, Any],
        predicate: str | None = None,
        partition_by: list[str] | None = None,
    ) -> None:
        """Replace the rows of a table, or those for which the predicate holds, by one commit."""
        commit = self._delta.CommitProperties(
            custom_metadata={_OURS: about},
            app_transactions=[self._delta.Transaction(_OURS, number)],
        )
        self._delta.write_deltalake(
            self.location(table),
            rows,
            mode="overwrite",
            schema_mode="merge" if predicate else "overwrite",
            predicate=predicate,
            partition_by=partition_by,
            description=self._mark,
            storage_options=self._target.delta_options(),
            commit_properties=commit,
        )


def export(snapshot: Snapshot, tables: Iterable[str], target: Target) -> pd.DataFrame:
    """Export tables of a snapshot; return one row per table."""
    about = snapshot.about
    mark = f"{_OURS} export of {about.get('organization')} ({about.get('service')})"
    lake = Lake(target, mark)
    parts = digested(snapshot, tables)
    # Everything is checked before the first commit.
    states = {table: lake.state(table) for table in tables}
    lake.open(_EXPORTS)
    for table, state in states.items():
        if state.finished is not None and state.finished > snapshot.finished:
            raise SnapshotError(
                f"{lake.location(table)} has a later snapshot, of {state.finished:%Y-%m-%d %H:%M} "
                "UTC, and its versions only go forward. Nothing was changed. Export the older "
                "snapshot to another URL."
            )
    rows = []
    for table, state in states.items():
        parts_of_table = [part for part in parts if part.table == table]
        rows.append(_export_table(lake, snapshot, table, parts_of_table, state))
    frame = frame_of(rows)
    _record(lake, snapshot, frame)
    return frame


def exported(target: Target) -> pd.DataFrame:
    """Return one row per table of the latest finished export. Raises SnapshotError."""
    lake = Lake(target, "")
    record = lake.open(_EXPORTS)
    if record is None:
        raise SnapshotError(
            f"There is no finished export in {target.url}. Check the URL, or export a snapshot."
        )
    every = _read(record)
    latest = every[every["finished"] == every["finished"].max()]
    locations = [lake.location(table) for table in latest["table"]]
    return frame_of(latest.assign(location=locations).to_dict("records"))


def _export_table(
    lake: Lake, snapshot: Snapshot, table: str, parts: list[DigestedPart], state: State
) -> dict[str, Any]:
    """Commit what changed in a table, if anything did; return its row of the answer."""
    schema = _schema(snapshot, table)
    digests = {part.property or "": part.sha256 for part in parts}
    changed = _changed(digests, state)
    before = _file_sizes(state.table)
    sent = [part for part in parts if (part.property or "") in changed]
    if changed or state.digests is None:
        pa, predicate, partition_by = library("pyarrow"), None, None
        if "property" in schema.names:
            partition_by = ["property"]
            if state.table is not None and not set(digests).union(state.digests or ()) <= changed:
                # Ids are checked when a manifest is read, so none has a quote.
                listed = ", ".join(f"'{name}'" for name in sorted(changed))
                predicate = f"property IN ({listed})"
        lake.write(
            table,
            pa.RecordBatchReader.from_batches(schema, _batches(snapshot, sent, schema)),
            number=snapshot.number,
            about={
                "snapshot": snapshot.number,
                "finished": snapshot.finished.isoformat(),
                "digests": digests,
            },
            predicate=predicate,
            partition_by=partition_by,
        )
    written = lake.open(table)
    after = _file_sizes(written)
    new = [size for path, size in after.items() if path not in before]
    return {
        "table": table,
        "snapshot": snapshot.number,
        "rows": sum(map(attrgetter("rows"), parts)),
        "files": len(after),
        "files_sent": len(new),
        "files_unchanged": len(after) - len(new),
        "bytes_sent": sum(new),
        "location": lake.location(table),
        "version": written.version(),
    }


def _schema(snapshot: Snapshot, table: str) -> Any:
    """Return the schema of a table, with the property as in the folders of Parquet files."""
    schema = snapshot.schema(table)
    # The companies are not split by property.
    if any(part.property is None for part in snapshot.parts_of(table)):
        return schema
    pa = library("pyarrow")
    return pa.schema([("property", pa.string()), *schema])


def _changed(digests: Mapping[str, str], state: State) -> set[str]:
    """Return the properties whose rows have to be replaced; all of them when in doubt."""
    if state.digests is None:
        return set(digests)
    names = {*digests, *state.digests}
    return {name for name in names if digests.get(name) != state.digests.get(name)}


def _batches(snapshot: Snapshot, parts: Iterable[DigestedPart], schema: Any) -> Iterator[Any]:
    """Yield the rows of parts, one after another: a table may be larger than the memory."""
    pa = library("pyarrow")
    for part in parts:
        rows = part.read(snapshot.data, snapshot.columns[part.table])
        columns = []
        for field in schema:
            if field.name == "property" and part.property is not None:
                columns.append(pa.repeat(part.property, len(rows)))
            elif field.name in rows.column_names:
                columns.append(rows[field.name])
            else:
                columns.append(pa.nulls(len(rows), field.type))
        yield from pa.table(columns, schema=schema).to_batches()


def _file_sizes(table: Any) -> dict[str, int]:
    if table is None:
        return {}
    actions = library("pyarrow").table(table.get_add_actions(flatten=True))
    return dict(zip(actions["path"].to_pylist(), actions["size_bytes"].to_pylist(), strict=True))


def _record(lake: Lake, snapshot: Snapshot, frame: pd.DataFrame) -> None:
    """Commit which versions belong to the snapshot, unless that is known."""
    columns = ["snapshot", "finished", "table", "rows", "files", "version"]
    new = frame.assign(finished=pd.Timestamp(snapshot.finished).as_unit("us"))[columns]
    existing, earlier = lake.open(_EXPORTS), new.iloc[:0]
    if existing is not None:
        earlier = _read(existing)
    same = (earlier["finished"] == snapshot.finished) & earlier["table"].isin(new["table"])
    if earlier[same].reset_index(drop=True).equals(new):
        return
    whole = pd.concat([earlier[~same], new], ignore_index=True)
    table = library("pyarrow").Table.from_pandas(whole, preserve_index=False)
    about = {"snapshot": snapshot.number, "finished": snapshot.finished.isoformat(), "digests": {}}
    lake.write(_EXPORTS, table.replace_schema_metadata(), number=snapshot.number, about=about)


def _read(record: Any) -> pd.DataFrame:
    frame: pd.DataFrame = record.to_pyarrow_table().to_pandas()
    dtypes = {**_RECORD, "table": "string", "finished": "datetime64[us, UTC]"}
    return frame.astype(dtypes)
