"""Snapshots: everything about some properties, as permanent tables on disk.

::

    from adobe_nb import snapshot

    # everything, as Parquet files (extra: snapshot)
    snapshot.pull(to="tags")
    # the table again, as reactor.rules(…) gives it
    snapshot.load("tags", "rules")
    snapshot.sql("SELECT name FROM rules", "tags")       # by DuckDB
    snapshot.refresh("tags")                             # only what changed since
    snapshot.changes("tags")                             # the changes
    snapshot.history("tags")                             # all snapshots of the folder
"""

from collections.abc import Sequence
from pathlib import Path
from typing import overload

import pandas as pd

from adobe_nb.api.reactor.inputs import Ids
from adobe_nb.errors import ArgumentError
from adobe_nb.session import Session, current
from adobe_nb.snapshot import pulling, queries, refreshing
from adobe_nb.snapshot.changes import compared
from adobe_nb.snapshot.manifest import Manifest as Snapshot
from adobe_nb.snapshot.plan import EVENTS, TABLES
from adobe_nb.snapshot.store import AsOf, Store

__all__ = [
    "TABLES",
    "AsOf",
    "Snapshot",
    "changes",
    "history",
    "load",
    "paths",
    "prune",
    "pull",
    "refresh",
    "sql",
]


def pull(
    properties: Ids | None = None,
    *,
    to: str | Path,
    tables: Sequence[str] | str | None = None,
    resume: bool = True,
    session: Session | None = None,
) -> Snapshot:
    """Everything about these properties (None: all that you can see), as the next snapshot of the
    folder ``to``.

    A refresh keeps to properties that were named; with None it also finds those that are made
    later.

    The tables are ``snapshot.TABLES``: the companies, the properties, and all that is listed under
    a property, with rule components and builds. ``tables`` names some of them, or
    ``"audit_events"`` besides. Not included: revisions, contents of libraries, notes on anything
    but a property (``reactor.related(…)``, ``.revisions(…)``, ``.notes(…)``).

    A pull that is interrupted by an error, Ctrl-C or a kill leaves earlier snapshots unchanged; the
    same call resumes it for 24 hours (``resume=False`` starts again): stored parts are not read
    again, and the next refresh looks for changes since they were read. Rows are sorted by property
    id, then by date of creation. Only your account can read the files; they have no secrets, but
    settings, notes and addresses, as people wrote them.

    Raises ArgumentError and SnapshotError before any request, also when the folder holds another
    organisation's snapshots or those of an older format; NotFound for a property that you cannot
    see; IncompleteResult, ApiError, TransportError. Checked on the simulator only.

    Example:
        >>> import adobe_nb, tempfile
        >>> from adobe_nb import snapshot
        >>> session = adobe_nb.connect(simulator=True)
        >>> folder = tempfile.mkdtemp()
        >>> snapshot.pull(session.reactor.find("properties", "Web Store US"), to=folder).number
        1
        >>> "Web Store US" in set(snapshot.load(folder, "properties")["name"])
        True
    """
    return pulling.pull(_reading_session(session), properties, to, tables, resume=resume)


def refresh(folder: str | Path, *, session: Session | None = None) -> Snapshot:
    """The next snapshot of the same properties and tables, asking only for what can have changed
    since the latest.

    Where all properties were pulled, new ones come along. Chosen ones that cannot be seen are left
    out, named in ``about["missing"]``, and come back when they can be seen again. Short lists (up
    to 100) are read each time, so are callbacks, environments, hosts, libraries, notes and secrets,
    whose changes leave no trace. Longer lists of rules, data elements and extensions are read when
    their number, a date in ``updated_at``, or an audit event says that something changed; rule
    components and builds under rules and libraries that differ in any column.

    So a refresh equals a fresh pull, but for one thing: on a long list whose property saw no change
    at all, ``meta_upgrade_extension_package_id`` of extensions (whether there is a newer package)
    stays as it was.

    Raises SnapshotError when there is no snapshot, it is of another organisation, or none of its
    properties can be seen any more; otherwise as ``pull``. An interrupted refresh is resumed in the
    same way. Without the right to audit events every list is read, and a SnapshotWarning says so; a
    snapshot with the table ``audit_events`` requires it.
    """
    return refreshing.refresh(_reading_session(session), folder)


@overload
def load(folder: str | Path, table: str, *, as_of: AsOf | None = None) -> pd.DataFrame: ...
@overload
def load(
    folder: str | Path, table: None = None, *, as_of: AsOf | None = None
) -> dict[str, pd.DataFrame]: ...
def load(
    folder: str | Path, table: str | None = None, *, as_of: AsOf | None = None
) -> pd.DataFrame | dict[str, pd.DataFrame]:
    """One table of a snapshot, or all of them by name; with the columns and dtypes of the API's own
    frames.

    ``as_of``: a snapshot's number, or a moment (``"2026-03-01"``, a date or datetime; without a
    zone UTC): the last snapshot that was finished then. No session is needed. ``frame.attrs`` says
    which snapshot it is.

    Raises SnapshotError when there is no such snapshot or a file is damaged, ArgumentError for an
    unknown table.
    """
    _check_table(table)

    def read(manifest: Snapshot) -> pd.DataFrame | dict[str, pd.DataFrame]:
        if table is not None:
            return manifest.frame(table)
        return {name: manifest.frame(name) for name in manifest.tables}

    return Store(folder).read(as_of, read)


def sql(query: str, folder: str | Path, *, as_of: AsOf | None = None) -> pd.DataFrame:
    """DuckDB's answer to a query that names the tables of the snapshot (extra ``snapshot``).

    The query sees the tables and nothing else, and cannot change them. Times are UTC, intervals
    time deltas, nested values JSON text. Raises SnapshotError with DuckDB's own words, and for
    intervals with months.

    Example:
        >>> import adobe_nb, tempfile
        >>> from adobe_nb import snapshot
        >>> session, folder = adobe_nb.connect(simulator=True), tempfile.mkdtemp()
        >>> _ = snapshot.pull(session.reactor.find("properties", "Web Store US"), to=folder, tables="rules")
        >>> int(snapshot.sql("SELECT count(*) AS n FROM rules", folder).loc[0, "n"]) > 0
        True
    """
    return Store(folder).read(as_of, lambda manifest: queries.sql(manifest, query))


def history(folder: str | Path) -> pd.DataFrame:
    """All snapshots of the folder, oldest first: ``number``, ``started``, ``finished`` (UTC),
    ``kind`` (pull, refresh), ``properties``, ``tables``, ``rows``, ``bytes``, ``service``,
    ``organisation``. Raises SnapshotError, also when there is none.
    """
    store = Store(folder)
    store.at()
    frame = pd.DataFrame([_summary(manifest) for manifest in store.manifests()])
    dtypes = dict.fromkeys(frame, "Int64")
    dtypes |= dict.fromkeys(["started", "finished"], "datetime64[us, UTC]")
    dtypes |= dict.fromkeys(["kind", "service", "organisation"], "string")
    return frame.astype(dtypes)


def _summary(manifest: Snapshot) -> dict[str, object]:
    about = manifest.about
    return {
        "number": manifest.number,
        "started": manifest.started,
        "finished": manifest.finished,
        "kind": about["kind"],
        "properties": len(about["properties"]),
        "tables": len(manifest.tables),
        "rows": sum(part.rows for part in manifest.parts),
        "bytes": sum(part.bytes for part in manifest.parts),
        "service": about["service"],
        "organisation": about["organisation"],
    }


def changes(
    folder: str | Path,
    table: str | None = None,
    *,
    since: AsOf | None = None,
    until: AsOf | None = None,
) -> pd.DataFrame:
    """What is different between two snapshots: one row per resource that was created, deleted or
    changed.

    ``since``: from which snapshot on (None: the one before; of a plain date the last one before
    that day, so that the day counts); ``until``: up to which (None: the latest; of a plain date the
    last one of that day). Columns: ``table``, ``change``, ``id``, ``name`` (of a note its text, of
    a callback its address), ``property_id``, and ``columns`` that differ, as text: ``"updated_at,
    settings"``. All is text; ``attrs`` says which snapshots these are. Tables that only one of them
    has are left out. What is in properties that only one of them has counts as created, or deleted.
    Audit events are not compared: they only grow.

    Raises ArgumentError when ``since`` is not before ``until``, and for a table that cannot be
    compared; SnapshotError when one of the snapshots is not there, or a file is damaged.
    """
    _check_table(table)
    if table == EVENTS:
        raise ArgumentError(
            'Audit events are never changed. Read them: snapshot.load(folder, "audit_events").'
        )
    store = Store(folder)
    return store.read(until, lambda after: _changed(store, after, table, since, until))


def _changed(
    store: Store, after: Snapshot, table: str | None, since: AsOf | None, until: AsOf | None
) -> pd.DataFrame:
    before = store.since(since) if since is not None else store.before(after)
    if before.number >= after.number:
        raise ArgumentError(
            f"since={since!r} is snapshot {before.number} and until={until!r} is snapshot {after.number}: the first "
            "has to be before the second. snapshot.history(folder) shows all of them."
        )
    names = [name for name in after.tables if name in before.tables and name != EVENTS]
    if table is not None:
        names = [table]
    # The comparison of empty tables has the columns when there is nothing to compare.
    empty = pd.DataFrame({"id": []}, dtype="string")
    compared_tables = [compared("", empty, empty)]
    compared_tables += [compared(name, before.frame(name), after.frame(name)) for name in names]
    frame = pd.concat(compared_tables, ignore_index=True)
    frame.attrs.update(since=before.number, until=after.number)
    return frame


def _check_table(table: object) -> None:
    if table is not None and not isinstance(table, str):
        raise ArgumentError(f"Name one table, or none for all of them, instead of {table!r}.")


def paths(folder: str | Path, table: str, *, as_of: AsOf | None = None) -> list[str]:
    """The Parquet files of a table, for other tools; partitioned by ``property=<id>``. Raises
    SnapshotError.
    """
    return [str(path) for path in Store(folder).at(as_of).paths(table)]


def prune(folder: str | Path, *, keep: int | None = None) -> list[str]:
    """Remove leftovers of killed pulls, and with ``keep`` all but that many of the latest
    snapshots; returns the names.

    Raises SnapshotError when another process writes there.
    """
    return Store(folder).prune(keep=keep)


def _reading_session(session: Session | None) -> Session:
    """Return the session to pull with. Raises ArgumentError for a preview session."""
    session = session or current()
    if session.writes == "preview":
        raise ArgumentError(
            "A preview session cannot pull a snapshot: it would store resources that do not exist. "
            "Use a session of connect(writes='send')."
        )
    return session
