"""Read the frames of a property, library or build, from a session or a snapshot."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from adobe_nb.analysis.model import TABLES
from adobe_nb.analysis.tags import Tags
from adobe_nb.analysis.upstream import delivering, nearest, not_deleted, origins_of, upstream_of
from adobe_nb.api.reactor.inputs import Ids, ids_of_type, type_of
from adobe_nb.errors import ArgumentError, NotAllowed, NotFound, SnapshotError
from adobe_nb.registry import RESOURCES
from adobe_nb.session import Session, current
from adobe_nb.snapshot.manifest import Snapshot
from adobe_nb.snapshot.plan import selected
from adobe_nb.snapshot.store import AsOf, SnapshotFolder

Frames = dict[str, pd.DataFrame]
_REVISABLE = ("rules", "data_elements", "extensions")
_PACKAGES = "extension_packages"


def read(
    properties: Ids | None = None,
    *,
    library: Ids | None = None,
    build: Ids | None = None,
    snapshot: str | Path | None = None,
    as_of: AsOf | None = None,
    session: Session | None = None,
    redact: Callable[[str], str] | None = None,
) -> Tags:
    """Read properties, or what a library or a build holds, to ask questions about them.

    Parameters
    ----------
    properties
        Ids, or a frame, column or row of properties. Optional for a library or build, and for a
        snapshot, which is then read as a whole.
    library
        Read what a build of this library would hold: its revisions, and what it inherits from the
        libraries upstream. Of each resource the revision in the nearest library counts. Deleted
        resources are left out.
    build
        Read the revisions that this build delivered.
    snapshot
        A folder of snapshots to read from instead. No session is required.
    as_of
        Which snapshot: its number or a time; by default the latest.
    session
        By default the current one.
    redact
        A function that every text that an answer quotes passes through.

    Returns
    -------
    Tags
        ``tags.frames`` are the frames by table. In those of a library or build, ``id`` is that of
        a revision, and ``origin_id`` that of its head. What could not be read for lack of rights
        is missing, and ``tags.limits`` says so.

    Raises
    ------
    ArgumentError
        For arguments that contradict each other.
    NotFound
        For a property, library or build that you cannot see.
    SnapshotError
        When there is no such snapshot, or it lacks a table that is required.
    ApiError, TransportError, IncompleteResult, NotSignedIn

    Examples
    --------
    >>> import adobe_nb
    >>> from adobe_nb import analysis
    >>> session = adobe_nb.connect(simulator=True)
    >>> tags = analysis.read(session.reactor.find("properties", "Checkout"), session=session)
    >>> len(tags.frames["rules"])
    6
    """
    ids = None
    if properties is not None:
        ids = ids_of_type(RESOURCES["properties"], [properties])
    library_id = _one_id("libraries", library)
    build_id = _one_id("builds", build)
    _check(ids, library_id, build_id, snapshot, as_of, session)

    def tags_of(source: _Source) -> Tags:
        if library_id is not None:
            frames = _library(source, library_id, ids)
        elif build_id is not None:
            frames = _build(source, build_id, ids)
        else:
            frames = source.heads(ids)
        return Tags(limits=source.limits, as_of=source.as_of, redact=redact, **frames)

    if snapshot is None:
        return tags_of(_SessionSource(session or current()))
    return SnapshotFolder(snapshot).read(
        as_of, lambda stored: tags_of(_SnapshotSource(stored, ids))
    )


def _one_id(resource_type: str, value: Ids | None) -> str | None:
    if value is None:
        return None
    ids = ids_of_type(RESOURCES[resource_type], [value])
    if len(ids) != 1:
        raise ArgumentError(f"read() takes one of the {resource_type}, not {len(ids)}.")
    return ids[0]


def _check(
    ids: Sequence[str] | None,
    library: str | None,
    build: str | None,
    snapshot: str | Path | None,
    as_of: AsOf | None,
    session: Session | None,
) -> None:
    """Raise ArgumentError for arguments that contradict each other."""
    if library is not None and build is not None:
        raise ArgumentError("read() takes a library or a build, not both.")
    content = library or build
    if content is not None and ids is not None and len(ids) != 1:
        raise ArgumentError(f"{content} belongs to one property, and there are {len(ids)}.")
    if snapshot is None and as_of is not None:
        raise ArgumentError(
            "as_of= requires snapshot=, the folder of the snapshots: the API knows only today."
        )
    if snapshot is not None and session is not None:
        raise ArgumentError("A snapshot is read without a session. Pass one of the two.")
    if ids is None and content is None and snapshot is None:
        raise ArgumentError(
            'read() requires a property, for example reactor.find("properties", "My site").'
        )


class _Source(ABC):
    """Where frames are read from."""

    def __init__(self, as_of: str) -> None:
        self.as_of = as_of
        self.limits: list[str] = []

    @abstractmethod
    def heads(self, ids: Sequence[str] | None) -> Frames:
        """Return everything about properties; a snapshot has all of them for None."""

    @abstractmethod
    def one(self, table: str, resource_id: str) -> pd.DataFrame:
        """Return a library or build, as a frame of one row."""

    @abstractmethod
    def surroundings(self, property_id: str) -> Frames:
        """Return the property itself, its libraries, environments and secrets."""

    @abstractmethod
    def table(self, table: str, property_id: str) -> pd.DataFrame:
        """Return a table of one property."""

    @abstractmethod
    def held(self, table: str, ids: Sequence[str]) -> pd.DataFrame:
        """Return the revisions of a type that libraries or builds hold."""

    @abstractmethod
    def components(self, rules: pd.DataFrame) -> pd.DataFrame:
        """Return the components of rule revisions."""

    @abstractmethod
    def packages(self, frames: Frames) -> Frames:
        """Return the packages of the extensions in these frames, as far as they can be read."""


def _library(source: _Source, library_id: str, ids: Sequence[str] | None) -> Frames:
    """Return what a build of a library would hold."""
    library = source.one("libraries", library_id)
    property_id = _property_of(library, ids)
    frames = source.surroundings(property_id)
    libraries = frames.get("libraries", library)
    chain = upstream_of(libraries, library_id)
    for table in _REVISABLE:
        held = source.held(table, chain)
        frames[f"library_{table}"] = held
        heads = source.table(table, property_id)
        frames[table] = not_deleted(nearest(held, chain), heads)
    # What the others hold is not read.
    frames["libraries"] = libraries[libraries["id"].isin(chain)].reset_index(drop=True)
    source.limits.append(_inheritance(libraries, chain))
    return _completed(source, frames)


def _build(source: _Source, build_id: str, ids: Sequence[str] | None) -> Frames:
    """Return what a build delivered."""
    build = source.one("builds", build_id)
    frames = source.surroundings(_property_of(build, ids))
    for table in _REVISABLE:
        frames[table] = source.held(table, [build_id])
        frames[f"build_{table}"] = frames[table]
    frames["builds"] = build
    source.limits.append(f"These are the revisions that build {build_id} delivered.")
    return _completed(source, frames)


def _completed(source: _Source, frames: Frames) -> Frames:
    frames["rule_components"] = source.components(frames["rules"])
    return frames | source.packages(frames)


def _property_of(resource: pd.DataFrame, ids: Sequence[str] | None) -> str:
    """Return the property of a library or build. Raises ArgumentError when another one was meant."""
    property_id = str(resource["property_id"].iloc[0])
    if ids is not None and property_id not in ids:
        raise ArgumentError(
            f"{resource['id'].iloc[0]} belongs to the property {property_id}, not to {ids[0]}."
        )
    return property_id


def _inheritance(libraries: pd.DataFrame, chain: Sequence[str]) -> str:
    names = dict(zip(libraries["id"], libraries["name"], strict=True))
    own, *upstream = [repr(names.get(library_id, library_id)) for library_id in chain]
    if not upstream:
        return f"This is what a build of the library {own} would hold."
    return (
        f"This is what a build of the library {own} would hold, including what it inherits from "
        f"{', '.join(upstream)}."
    )


class _SessionSource(_Source):
    """The API."""

    def __init__(self, session: Session) -> None:
        super().__init__(datetime.now(UTC).isoformat(timespec="seconds"))
        self._reactor = session.reactor
        if session.writes == "preview":
            self.limits.append(
                "Read in a preview session: what it has written is included, and exists only there."
            )

    def heads(self, ids: Sequence[str] | None) -> Frames:
        reactor = self._reactor
        ids = ids or ()
        frames = self._surroundings(ids)
        for table in _REVISABLE:
            frames[table] = getattr(reactor, table)(ids)
        frames["rule_components"] = self.components(frames["rules"])
        frames |= self.packages(frames)
        if "libraries" in frames:
            for table in _REVISABLE:
                frames |= self._held_by_libraries(table, frames)
        return frames

    def _held_by_libraries(self, table: str, frames: Frames) -> Frames:
        """Return the revisions of a type in all libraries, and what goes with them.

        That is the components of rules that are live or on their way, and heads that are deleted
        but still live: lists leave them out.
        """
        collection = getattr(self._reactor, table)
        libraries = frames["libraries"]
        more = self._optional(f"library_{table}", collection, libraries)
        if not more:
            return {}
        held = more[f"library_{table}"]
        live = nearest(held, delivering("production", libraries))
        if table == "rules":
            pending = libraries.loc[libraries["state"] != "published", "id"]
            rules = [*live["id"], *held.loc[held["library_id"].isin(pending), "id"]]
            read = self._reactor.rule_components
            more |= self._optional("rule_revision_components", read, rules)
        unlisted = live.loc[~origins_of(live).isin(frames[table]["id"]), "origin_id"]
        for deleted in self._optional(f"deleted {table}", collection.get, unlisted).values():
            if len(deleted):
                more[table] = pd.concat([frames[table], deleted], ignore_index=True)
        return more

    def one(self, table: str, resource_id: str) -> pd.DataFrame:
        frame: pd.DataFrame = getattr(self._reactor, table).get(resource_id)
        return frame

    def surroundings(self, property_id: str) -> Frames:
        return self._surroundings([property_id])

    def _surroundings(self, ids: Sequence[str]) -> Frames:
        reactor = self._reactor
        properties = reactor.properties.get(ids)
        frames = {"properties": properties}
        frames |= self._optional("libraries", reactor.libraries, ids)
        frames |= self._optional("environments", reactor.environments, ids)
        # Only event forwarding has secrets.
        edge = properties.loc[properties["platform"] == "edge", "id"]
        return frames | self._optional("secrets", reactor.secrets, edge)

    def table(self, table: str, property_id: str) -> pd.DataFrame:
        frame: pd.DataFrame = getattr(self._reactor, table)(property_id)
        return frame

    def held(self, table: str, ids: Sequence[str]) -> pd.DataFrame:
        frame: pd.DataFrame = getattr(self._reactor, table)(ids)
        return frame

    def components(self, rules: pd.DataFrame) -> pd.DataFrame:
        return self._reactor.rule_components(rules)

    def packages(self, frames: Frames) -> Frames:
        get = self._reactor.extension_packages.get
        ids = frames["extensions"]["extension_package_id"].dropna().unique()
        try:
            return {_PACKAGES: get(ids)}
        except (NotAllowed, NotFound):
            # One package of another company is enough: read the others one by one.
            packages = [get([])]
        for package_id in ids:
            packages += self._optional(f"extension package {package_id}", get, package_id).values()
        return {_PACKAGES: pd.concat(packages, ignore_index=True)}

    def _optional(self, table: str, read: Callable[[Ids], pd.DataFrame], ids: Ids) -> Frames:
        """Return a table that questions can do without; none when a right is missing."""
        try:
            return {table: read(ids)}
        except (NotAllowed, NotFound) as error:
            # 401: the whole session is refused.
            if error.status == 401:
                raise
        self.limits.append(f"Not read, for lack of rights: {table.replace('_', ' ')}.")
        return {}


class _SnapshotSource(_Source):
    """One snapshot of a folder."""

    def __init__(self, snapshot: Snapshot, ids: Sequence[str] | None) -> None:
        super().__init__(snapshot.finished.isoformat(timespec="seconds"))
        self._snapshot = snapshot
        self._ids = ids
        properties = snapshot.frame("properties")
        names = dict(zip(properties["id"], properties["name"], strict=True))
        for property_id in ids or ():
            if property_id not in names:
                known = ", ".join(f"{known} ({name})" for known, name in names.items()) or "none"
                raise ArgumentError(
                    f"Snapshot {snapshot.number} has no property {property_id}. It has: {known}."
                )

    def heads(self, ids: Sequence[str] | None) -> Frames:
        frames = {}
        for table in TABLES:
            # Audit events can be millions.
            if table in self._snapshot.tables and table not in ("audit_events", _PACKAGES):
                frames[table] = self._of_properties(table, ids)
        return frames | self.packages(frames)

    def one(self, table: str, resource_id: str) -> pd.DataFrame:
        frame = self._of_properties(table, None)
        row = frame[frame["id"] == resource_id]
        if row.empty:
            raise ArgumentError(
                f"Snapshot {self._snapshot.number} has no {RESOURCES[table].singular} {resource_id}."
            )
        self._ids = row["property_id"].tolist()
        return row.reset_index(drop=True)

    def surroundings(self, property_id: str) -> Frames:
        tables = ("properties", "libraries", "environments", "secrets")
        return {
            table: self.table(table, property_id)
            for table in tables
            if table in self._snapshot.tables
        }

    def table(self, table: str, property_id: str) -> pd.DataFrame:
        return self._of_properties(table, [property_id])

    def held(self, table: str, ids: Sequence[str]) -> pd.DataFrame:
        singular = RESOURCES[type_of(ids[0])].singular
        name = f"{singular}_{table}"
        frame = self._own(name)
        missing = set(ids).difference(selected(name, self._own))
        if missing:
            raise self._not_stored(f"the contents of {missing.pop()}")
        return frame[frame[f"{singular}_id"].isin(ids)].reset_index(drop=True)

    def components(self, rules: pd.DataFrame) -> pd.DataFrame:
        frame = self._own("rule_revision_components")
        stored = selected("rule_revision_components", self._own)
        missing = rules.loc[~rules["id"].isin(stored), "id"].tolist()
        if missing:
            raise self._not_stored(f"the components of {missing[0]}")
        return frame[frame["rule_id"].isin(rules["id"])].reset_index(drop=True)

    def packages(self, frames: Frames) -> Frames:
        if _PACKAGES not in self._snapshot.tables or "extensions" not in frames:
            return {}
        packages = self._own(_PACKAGES).drop_duplicates("id")
        return {_PACKAGES: packages.reset_index(drop=True)}

    def _not_stored(self, what: str) -> SnapshotError:
        return SnapshotError(
            f"Snapshot {self._snapshot.number} does not hold {what}. It holds what environments "
            "deliver, the newest published revisions, and libraries that are not published. Read "
            "older ones with a session."
        )

    def _own(self, table: str) -> pd.DataFrame:
        return self._of_properties(table, self._ids)

    def _of_properties(self, table: str, ids: Sequence[str] | None) -> pd.DataFrame:
        """Return a table, or the part of it that belongs to some properties."""
        snapshot = self._snapshot
        if table not in snapshot.tables:
            raise SnapshotError(
                f"Snapshot {snapshot.number} of {snapshot.folder} has no table {table!r}. Pull "
                "one that has it: snapshot.pull(…, to=…) pulls all tables by default."
            )
        if ids is not None and len(ids) == 1:
            return snapshot.frame(table, ids[0])
        frame = snapshot.frame(table)
        # A package belongs to a company, or to all.
        if ids is None or table == _PACKAGES:
            return frame
        column = "id" if table == "properties" else "property_id"
        return frame[frame[column].isin(ids)].reset_index(drop=True)
