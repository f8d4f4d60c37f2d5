"""Snapshots: everything about some properties, as permanent tables on disk.

::

    from adobe_nb import snapshot

    snapshot.pull(to="tags")                        # all properties, as Parquet files
    snapshot.load("tags", "rules")                  # a table, as reactor.rules(…) returns it
    snapshot.sql("SELECT name FROM rules", "tags")  # a query by DuckDB
    snapshot.refresh("tags")                        # read only what can have changed since
    snapshot.changes("tags")                        # compare the latest two snapshots
    snapshot.history("tags")                        # list the snapshots of the folder
    snapshot.pull_many(to="clients")                # all organizations with a saved profile
    snapshot.refresh_many("clients")                # refresh them, each in its own folder
    snapshot.export("tags", to="s3://bucket/tags")  # tables elsewhere, for other tools

The extra ``snapshot`` of the package is required.
"""

from collections.abc import Mapping, Sequence
from datetime import time
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import pandas as pd

from adobe_nb.api.reactor.inputs import Ids
from adobe_nb.errors import ArgumentError
from adobe_nb.session import Session, current
from adobe_nb.snapshot import exports, many, pulling, queries, refreshing
from adobe_nb.snapshot.comparison import comparable_tables, compared_snapshots
from adobe_nb.snapshot.exports.target import Target
from adobe_nb.snapshot.manifest import Snapshot
from adobe_nb.snapshot.many import Profiles
from adobe_nb.snapshot.organizations import Folders, read_folders
from adobe_nb.snapshot.plan import FROZEN, TABLES
from adobe_nb.snapshot.store import AsOf, SnapshotFolder

if TYPE_CHECKING:
    from distributed import Client

__all__ = [
    "TABLES",
    "AsOf",
    "Snapshot",
    "changes",
    "export",
    "exported",
    "history",
    "load",
    "paths",
    "prune",
    "pull",
    "pull_many",
    "refresh",
    "refresh_many",
    "sql",
]


def __dir__() -> list[str]:
    return __all__


def pull(
    properties: Ids | None = None,
    *,
    to: str | Path,
    tables: Sequence[str] | str | None = None,
    resume: bool = True,
    session: Session | None = None,
) -> Snapshot:
    """Pull everything about these properties as the next snapshot of a folder.

    An error, Ctrl-C or a kill leaves earlier snapshots unchanged. For 24 hours the same call
    resumes the pull: stored parts are not read again, and the next refresh looks for changes since
    they were read.

    Parameters
    ----------
    properties
        Ids, or a frame, column or row of properties. By default all that you can see; a refresh
        then also finds properties that were created later.
    to
        The folder of the snapshots.
    tables
        Names from ``snapshot.TABLES``, or ``"audit_events"``. By default all of ``TABLES``: the
        companies, the properties, and everything listed under a property, with rule components and
        builds; what libraries hold (``library_rules``, ``library_data_elements``,
        ``library_extensions``) and environments deliver (``build_rules`` …);
        ``rule_revision_components``, and the ``extension_packages`` in use. Tables that these
        require are added. Other revisions, and notes on anything but a property, are not included:
        see ``reactor.rules.revisions`` and ``reactor.notes``.
    resume
        Whether to resume an interrupted pull of the same properties and tables.

    Returns
    -------
    Snapshot
        Rows are sorted by property id, then by creation date. Only your account can read the files.
        They contain no credentials, but settings, notes and addresses as people wrote them.

    Raises
    ------
    ArgumentError, SnapshotError
        Before any request, also when the folder holds snapshots of another organization or of an
        older format.
    NotFound
        For a property that you cannot see.
    IncompleteResult, ApiError, TransportError
        When a list cannot be read completely.

    Notes
    -----
    Checked on the simulator only.

    Examples
    --------
    >>> import adobe_nb, tempfile
    >>> from adobe_nb import snapshot
    >>> session = adobe_nb.connect(simulator=True)
    >>> folder = tempfile.mkdtemp()
    >>> snapshot.pull(session.reactor.find("properties", "Web Store US"), to=folder).number
    1
    >>> "Web Store US" in set(snapshot.load(folder, "properties")["name"])
    True
    """
    snapshots = SnapshotFolder(to)
    return pulling.pull(_reading_session(session), properties, snapshots, tables, resume=resume)


def refresh(folder: str | Path, *, session: Session | None = None) -> Snapshot:
    """Write the next snapshot of the same properties, reading only what can have changed.

    If all properties were pulled, new ones are added. Selected properties that you can no longer
    see are left out, listed in ``about["missing"]``, and come back when they can be seen again.

    Callbacks, hosts, libraries, notes and secrets are read each time, because changes of them can
    leave no trace; so are up to 100 extensions. Rules, data elements and environments
    are left out for a property without any audit event since an hour before the last snapshot, and
    without a change in its libraries; but once a week, and when the log has no events at all, they
    are read in any case. Otherwise lists of up to 100 resources are read, and longer ones of rules,
    data elements and extensions when their length, a date in ``updated_at``, or an audit event
    shows a change. Rule components and builds are read under rules and libraries that differ in any
    column.

    What libraries hold is read for those in development and those that differ in any column, and
    never again once a library is published. What builds hold, the components of revisions, and
    released packages are read once. When a library was published, the lists that can show it are
    read, and its components are marked as published, with the date of their rule.

    The tables are those of the latest snapshot. Pull again to add tables.

    Raises
    ------
    SnapshotError
        When there is no snapshot, it is of another organization, or you can no longer see any of its
        properties.
    IncompleteResult, ApiError, TransportError
        When a list cannot be read completely. The same call resumes the refresh.

    Notes
    -----
    A refresh equals a fresh pull with these exceptions: on a long list whose property saw no change
    at all, ``meta_upgrade_extension_package_id`` of extensions (whether there is a newer package)
    keeps its value, as ``meta`` columns and names of people do in lists that are not read again; so
    do the columns of released packages, such as ``discontinued``; and a package that could not be
    seen is requested again only when extensions, components or data elements of the property
    changed. A change of a rule, data element or environment whose audit event is missing, or more
    than an hour late, can be seen up to a week later.

    Without the right to read audit events every list is read, and a SnapshotWarning is issued. A
    snapshot with the table ``audit_events`` requires that right.
    """
    return refreshing.refresh(_reading_session(session), SnapshotFolder(folder))


def pull_many(
    profiles: Profiles | None = None,
    *,
    to: str | Path,
    tables: Sequence[str] | str | None = None,
    client: "Client | None" = None,
    at_once: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Pull all properties of many organizations, each into its own folder.

    An organization that fails has a row that says why, and does not stop the others. Ctrl-C stops
    all of them. For 24 hours the same call resumes what was interrupted.

    Parameters
    ----------
    profiles
        Names of saved profiles, a frame with a column ``profile`` or ``name``, or what
        ``adobe_nb.profiles()`` returns. By default all saved profiles; an empty frame or list
        pulls nothing. Of several profiles of one organization, the first one pulls.
    to
        The folder of the folders. The snapshots of an organization are in ``to/<organization ID>``,
        so a renamed profile continues them. With a client: storage that all workers see under the
        same path.
    tables
        As for ``pull``.
    client
        A ``dask.distributed.Client`` (extra ``cluster``). Each worker signs in with the profile of
        that name on its own machine; no secret and no row of data leaves it. By default threads of
        this process pull.
    at_once
        Organizations that are read at once without a client (4). With a client, the threads of the
        workers decide.
    progress
        False shows no progress; neither does ``ADOBE_NB_PROGRESS=off``.

    Returns
    -------
    DataFrame
        One row for each organization, in the order of the profiles: ``organization``; ``profile``,
        the one that pulled; ``profiles``, all that were named; ``state`` (``done`` or ``failed``);
        ``snapshot``, its number; ``rows`` in all tables; ``changed``, how many resources differ from
        the previous snapshot, missing for the first one; ``requests``, with retries; ``waited``,
        the seconds in which requests waited for the service or the pull for another one of the
        organization; ``seconds``; ``folder``; ``error``, a text, missing if there was none. After
        an interruption the numbers are those of the last attempt.

    Raises
    ------
    ArgumentError
        For an unknown profile or table, and a client that cannot be used. No request was sent.
    SnapshotError
        When the folder is not writable.

    Notes
    -----
    Nothing is raised for an organization: check ``frame["error"]``. Two pulls of one organization
    into one folder never run at once, also when two processes or clusters start them: the second
    one waits. Pulls into two folders are kept apart within a cluster only, by a lock that a worker
    can lose when it hangs for half a minute; they would share the limit of the service.

    Checked on the simulator only.

    Examples
    --------
    >>> import tempfile
    >>> from adobe_nb import snapshot
    >>> pulled = snapshot.pull_many(to=tempfile.mkdtemp())  # doctest: +SKIP
    >>> pulled[pulled["error"].notna()][["profile", "error"]]  # doctest: +SKIP
    >>> snapshot.pull_many("unsaved", to="clients")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    adobe_nb.errors.ArgumentError: There is no profile 'unsaved' on this machine...
    """
    return many.run(profiles, to, tables=tables, client=client, at_once=at_once, progress=progress)


def refresh_many(
    to: str | Path,
    profiles: Profiles | None = None,
    *,
    client: "Client | None" = None,
    at_once: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Refresh the snapshots of many organizations, each in its own folder.

    By default all organizations with snapshots in the folder, and no others. Organizations whose
    profiles are named and that have no snapshot yet get a first pull of all tables. An organization
    without a saved profile has a row that says so.

    Each refresh is that of ``refresh``. Parameters and errors are those of ``pull_many``.

    Returns
    -------
    DataFrame
        The rows of ``pull_many``, sorted by organization if no profiles are named.

    Raises
    ------
    SnapshotError
        When no organization has snapshots in the folder, and no profiles are named.
    """
    return many.run(profiles, to, refresh=True, client=client, at_once=at_once, progress=progress)


@overload
def load(folder: str | Path, table: str, *, as_of: AsOf | None = None) -> pd.DataFrame: ...
@overload
def load(
    folder: str | Path, table: None = None, *, as_of: AsOf | None = None
) -> dict[str, pd.DataFrame]: ...
def load(
    folder: str | Path, table: str | None = None, *, as_of: AsOf | None = None
) -> pd.DataFrame | dict[str, pd.DataFrame]:
    """Load one table of a snapshot, or all of them by name. No session is required.

    Parameters
    ----------
    as_of
        The number of a snapshot, or a time, which means the last snapshot finished by then:
        ``"2026-03-01"`` (the end of that day), a date, or a datetime; UTC without a time zone. By
        default the latest snapshot.

    Returns
    -------
    DataFrame, or dict of str to DataFrame
        The columns and dtypes of the API's own frames. ``frame.attrs["snapshot"]`` is the number of
        the snapshot.

    Raises
    ------
    ArgumentError
        For an unknown table.
    SnapshotError
        When there is no such snapshot, or a file is damaged.
    """
    _check_table(table)

    def read(snapshot: Snapshot) -> pd.DataFrame | dict[str, pd.DataFrame]:
        if table is not None:
            return snapshot.frame(table)
        return {name: snapshot.frame(name) for name in snapshot.tables}

    return SnapshotFolder(folder).read(as_of, read)


def sql(query: str, folder: Folders, *, as_of: AsOf | None = None) -> pd.DataFrame:
    """Run a DuckDB query over the tables of a snapshot, or of one snapshot per organization.

    The query has access to the tables and to nothing else, and cannot change them.

    Parameters
    ----------
    folder
        A folder of snapshots, or a list of them, one of each organization. With a list, every table
        has the first column ``organization``. A query with ``WHERE organization = '…'`` reads only
        the files of that organization. Columns that some of the folders lack are NA there.
    as_of
        As in ``load``. With a list it must be a time, and means the last snapshot of each folder.

    Returns
    -------
    DataFrame
        Times are UTC, intervals are timedeltas, nested values are JSON text.

    Raises
    ------
    ArgumentError
        For an empty list, and for a number with a list.
    SnapshotError
        With DuckDB's message for a wrong query, and for intervals with months; when there is no
        such snapshot, a file is damaged, or two folders are of one organization.

    Examples
    --------
    >>> import adobe_nb, tempfile
    >>> from adobe_nb import snapshot
    >>> session, folder = adobe_nb.connect(simulator=True), tempfile.mkdtemp()
    >>> site = session.reactor.find("properties", "Web Store US")
    >>> _ = snapshot.pull(site, to=folder, tables="rules")
    >>> int(snapshot.sql("SELECT count(*) AS n FROM rules", folder).loc[0, "n"]) > 0
    True
    """
    return read_folders(folder, as_of, lambda stored: queries.sql(stored, query))


def history(folder: str | Path) -> pd.DataFrame:
    """List all snapshots of a folder, oldest first.

    Returns
    -------
    DataFrame
        ``number``, ``started`` and ``finished`` (UTC), ``kind`` (pull or refresh), the numbers of
        ``properties``, ``tables``, ``rows`` and ``bytes``, ``service``, ``organization``.

    Raises
    ------
    SnapshotError
        When there is no snapshot, or a manifest is damaged.
    """
    snapshots = SnapshotFolder(folder)
    # Like every read: an error when there is none, and again when one is pruned meanwhile.
    existing = snapshots.read(None, lambda _: snapshots.snapshots())
    frame = pd.DataFrame(map(_summary, existing))
    dtypes = dict.fromkeys(frame, "Int64")
    dtypes |= dict.fromkeys(["started", "finished"], "datetime64[us, UTC]")
    dtypes |= dict.fromkeys(["kind", "service", "organization"], "string")
    return frame.astype(dtypes)


def _summary(snapshot: Snapshot) -> dict[str, object]:
    about = snapshot.about
    return {
        "number": snapshot.number,
        "started": snapshot.started,
        "finished": snapshot.finished,
        "kind": about["kind"],
        "properties": len(about["properties"]),
        "tables": len(snapshot.tables),
        "rows": sum(map(attrgetter("rows"), snapshot.parts)),
        "bytes": sum(map(attrgetter("bytes"), snapshot.parts)),
        "service": about["service"],
        "organization": about["organization"],
    }


def changes(
    folder: str | Path,
    table: str | None = None,
    *,
    since: AsOf | None = None,
    until: AsOf | None = None,
) -> pd.DataFrame:
    """Compare two snapshots: one row per resource that was created, changed or deleted.

    Parameters
    ----------
    table
        Compare this table only.
    since
        The earlier snapshot, by default the one before ``until``. A plain date means the last
        snapshot before that day, so that changes of the day itself are included.
    until
        The later snapshot, by default the latest. A plain date means the last one of that day.

    Returns
    -------
    DataFrame
        ``table``, ``change``, ``id``, ``name`` (of a note its text, of a callback its URL),
        ``property_id``, and the ``columns`` that differ, such as ``"updated_at, settings"``; all of
        them text. ``attrs`` has the numbers of the snapshots as ``since`` and ``until``.

        Tables that are in only one of the snapshots are left out. Resources of properties that are
        in only one of them count as created or deleted. A revision in several libraries has one
        row; ``library_id`` is among its ``columns`` when it was added to a library or removed.
        ``build_rules``, ``build_data_elements``, ``build_extensions``,
        ``rule_revision_components``, ``extension_packages`` and ``audit_events`` are not compared,
        because their rows never change: they would only repeat what a new build or revision has.

    Raises
    ------
    ArgumentError
        When ``since`` is not before ``until``, and for a table that cannot be compared.
    SnapshotError
        When one of the snapshots does not exist, or a file is damaged.
    """
    _check_table(table)
    if table in FROZEN:
        raise ArgumentError(
            f"The rows of {table} never change, so they are not compared. Read them: "
            f'snapshot.load(folder, "{table}").'
        )
    snapshots = SnapshotFolder(folder)

    def compare(after: Snapshot) -> pd.DataFrame:
        before = snapshots.before(after) if since is None else snapshots.at(since, of_day=time.min)
        if before.number >= after.number:
            raise ArgumentError(
                f"since={since!r} is snapshot {before.number}, which is not before snapshot "
                f"{after.number} (until={until!r}). snapshot.history(folder) lists all of them."
            )
        tables = comparable_tables(before, after)
        if table is not None:
            tables = [table]
        frame = compared_snapshots(before, after, tables)
        frame.attrs.update(since=before.number, until=after.number)
        return frame

    return snapshots.read(until, compare)


def _check_table(table: object) -> None:
    if table is not None and not isinstance(table, str):
        raise ArgumentError(
            f"Invalid table {table!r}: expected one name, or None for all of the tables."
        )


def paths(folder: str | Path, table: str, *, as_of: AsOf | None = None) -> list[str]:
    """Return the Parquet files of a table, for other tools.

    They are partitioned by ``property=<id>``.

    Raises
    ------
    ArgumentError
        For an unknown table.
    SnapshotError
        When there is no such snapshot.
    """
    return list(map(str, SnapshotFolder(folder).at(as_of).paths(table)))


def prune(folder: str | Path, *, keep: int | None = None) -> list[str]:
    """Remove leftovers of killed pulls, and old snapshots; return the names of what was removed.

    Parameters
    ----------
    keep
        How many of the latest snapshots to keep. By default all of them.

    Raises
    ------
    SnapshotError
        When another process writes to the folder.
    """
    return SnapshotFolder(folder).prune(keep=keep)


def export(
    folder: str | Path,
    to: str | Path,
    *,
    format: exports.Format = "parquet",
    tables: Sequence[str] | str | None = None,
    as_of: AsOf | None = None,
    storage_options: Mapping[str, Any] | None = None,
    keep: int | None = None,
) -> pd.DataFrame:
    """Export tables of a snapshot to a store, where other tools read them. Requires no session.

    Only files that changed since the latest export are sent. After an error or a kill, readers have
    the earlier exports, and the same call sends what is missing. A store is for one organization;
    run one export to it at a time.

    The tables have what people wrote into tags: settings, code, notes and addresses. Who may read
    the store is for you to decide.

    Parameters
    ----------
    to
        A folder, or a URL: ``"s3://bucket/tags"``, ``"abfs://container/tags"``,
        ``"gs://bucket/tags"``.
    format
        ``"parquet"``: ``URL/000007/rules/property=PR…/part.parquet``, a complete folder for each
        snapshot. What did not change is copied inside the store. ``"delta"``: a Delta table
        ``URL/rules`` for each table, partitioned by property, with one commit for what changed.
    tables
        Names of tables. By default all of the snapshot. Another export of the same snapshot adds
        tables to it.
    as_of
        The number of a snapshot, or a time, as in ``load``. By default the latest snapshot.
    storage_options
        For Parquet those of fsspec (``s3fs``, ``adlfs``), for Delta those of deltalake. They are
        not stored or shown. Without them, both find credentials in the environment.
    keep
        For Parquet, how many of the latest exports to keep. By default all of them.

    Returns
    -------
    DataFrame
        One row per table: ``table``, ``snapshot`` (its number), ``rows``, ``files``, ``files_sent``,
        ``files_unchanged``, ``bytes_sent``, ``location`` (to read it), and for Delta the
        ``version``.

    Raises
    ------
    ArgumentError
        For an unknown table, format or scheme, a URL with credentials, and a target in the folder.
    SnapshotError
        When there is no such snapshot, a file is damaged, or a package is missing; when the target
        holds anything else, such as tables of another organization; and with the message of a store
        that refuses. No table is half exported.

    Notes
    -----
    Checked with simulated S3 and Azure stores only; ``gs://`` was not tried.

    Examples
    --------
    >>> import adobe_nb, pandas as pd, tempfile
    >>> from adobe_nb import snapshot
    >>> session, folder = adobe_nb.connect(simulator=True), tempfile.mkdtemp()
    >>> site = session.reactor.find("properties", "Web Store US")
    >>> _ = snapshot.pull(site, to=folder, tables="rules")
    >>> exported = snapshot.export(folder, to=tempfile.mkdtemp()).set_index("table")
    >>> rules = pd.read_parquet(exported.loc["rules", "location"])
    >>> len(rules) == len(snapshot.load(folder, "rules"))
    True
    """
    target = Target(to, storage_options)
    # Tracebacks that show local variables must not show these.
    del storage_options
    return exports.export(
        SnapshotFolder(folder), target, format=format, tables=tables, as_of=as_of, keep=keep
    )


def exported(
    to: str | Path,
    *,
    format: exports.Format = "parquet",
    storage_options: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return where the tables of the latest finished export are.

    Returns
    -------
    DataFrame
        One row per table: ``table``, ``snapshot`` (its number), ``rows``, ``files``, ``location``,
        and for Delta the ``version``. These versions belong together: several Delta tables are not
        written in one transaction.

    Raises
    ------
    ArgumentError
        For an unknown format or scheme.
    SnapshotError
        When there is no finished export, or the store refuses.
    """
    target = Target(to, storage_options)
    del storage_options
    return exports.exported(target, format=format)


def _reading_session(session: Session | None) -> Session:
    """Return the session to pull with. Raises ArgumentError for a preview session."""
    session = session or current()
    if session.writes == "preview":
        raise ArgumentError(
            "A preview session cannot pull a snapshot: it would store resources that do not exist. "
            "Use a session of connect(writes='send')."
        )
    return session
