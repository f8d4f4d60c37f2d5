"""Read the frames of a property, library or build, from a session or a snapshot."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TypeGuard

import pandas as pd

from adobe_nb.analysis.model import TABLES
from adobe_nb.analysis.publishing.upstream import (
    delivering,
    nearest,
    not_deleted,
    origins_of,
    upstream_of,
)
from adobe_nb.analysis.tags import Tags
from adobe_nb.analysis.times import time_from_user
from adobe_nb.api.reactor.dates import api_text
from adobe_nb.api.reactor.inputs import Ids, ids_of_type, type_of
from adobe_nb.errors import ArgumentError, NameLookupError, NotAllowed, NotFound, SnapshotError
from adobe_nb.registry import ID_PATTERN, RESOURCES
from adobe_nb.session import Session, current
from adobe_nb.snapshot.manifest import Snapshot
from adobe_nb.snapshot.organizations import ORGANIZATION, Folders, Organizations, read_folders
from adobe_nb.snapshot.plan import EVENTS, PACKAGES, PLAN, selected
from adobe_nb.snapshot.store import AsOf
from adobe_nb.suggest import candidates

Frames = dict[str, pd.DataFrame]
_ELEMENT_ID = r'"dataElementId"\s*:\s*"(DE[0-9a-f]{32})"'
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_Ids = Sequence[str] | None
_Find = Callable[..., pd.DataFrame]
_REVISABLE = ("rules", "data_elements", "extensions")
_SURROUNDINGS = ("properties", "libraries", "environments", "hosts", "callbacks", "secrets")


def read(
    properties: Ids | None = None,
    *,
    library: Ids | None = None,
    build: Ids | None = None,
    audit_events: bool | str | date = False,
    snapshot: Folders | None = None,
    as_of: AsOf | None = None,
    session: Session | None = None,
    redact: Callable[[str], str] | None = None,
    show_secrets: bool = False,
) -> Tags:
    """Read properties, or what a library or a build holds, to ask questions about them.

    Parameters
    ----------
    properties
        Names or ids, or a frame, column or row of properties. Optional for a library or build, and
        for a snapshot, which is then read as a whole.
    library
        Read what a build of this library would hold: its revisions, and what it inherits from the
        libraries upstream. Of each resource the revision in the nearest library counts. Deleted
        resources are left out. Its id, its row, or its name beside the property.
    build
        Read the revisions that this build delivered: its id or row, or ``"production"`` beside the
        property, for the last build of the library that was published last.
    audit_events
        True to read all audit events, too; a date such as ``"2026-06-01"`` to read those since. They
        are what ``who_changed`` and ``publish_history`` know people and times from. The API lists
        them for the whole organization only, 100 in a request: without a date that can take
        minutes.
    snapshot
        A folder of snapshots to read from instead, or a list of folders, one of each organization.
        No session is required. The frame of the properties then says the ``organization`` of each.
    as_of
        Which snapshot: its number or a time; by default the latest. With a list, a time.
    session
        By default the current one.
    redact
        A function that every text that an answer quotes passes through.
    show_secrets
        By default, what looks like a secret is masked in every answer. True shows it, for whoever
        has to find or replace it.

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
    NameLookupError
        When no property or library has that name, or several have.
    NotFound
        For a property, library or build that you cannot see.
    SnapshotError
        When the snapshot does not exist or lacks a required table, and when two folders are of one
        organization.
    ApiError, TransportError, IncompleteResult, NotSignedIn

    Examples
    --------
    >>> import adobe_nb
    >>> from adobe_nb import analysis
    >>> session = adobe_nb.connect(simulator=True)
    >>> tags = analysis.read("Checkout", session=session)
    >>> len(tags.frames["rules"])
    6
    """
    if library is not None and build is not None:
        raise ArgumentError("read() takes a library or a build, not both.")
    events_since = _events_start(audit_events)
    tags = partial(_tags, events_since=events_since, redact=redact, show_secrets=show_secrets)
    if snapshot is not None:
        if session is not None:
            raise ArgumentError("A snapshot is read without a session. Pass one of the two.")

        def tags_of(stored: Snapshot | Organizations) -> Tags:
            find, listed = partial(_find_stored, stored), partial(_libraries_stored, stored)
            ids, holder = _selected(find, listed, properties, library, build)
            if isinstance(stored, Organizations) and ids:
                stored = stored.holding(ids)
            return tags(_SnapshotSource(stored, ids), holder)

        return read_folders(snapshot, as_of, tags_of)
    if as_of is not None:
        raise ArgumentError(
            "as_of= requires snapshot=, the folder of the snapshots: the API knows only today."
        )
    if properties is None and library is None and build is None:
        raise ArgumentError('read() requires a property, for example read("My site").')
    session = session or current()
    reactor = session.reactor
    ids, holder = _selected(reactor.find, reactor.libraries, properties, library, build)
    return tags(_SessionSource(session, ids), holder)


def _selected(
    find: _Find,
    libraries_of: Callable[[Sequence[str]], pd.DataFrame],
    properties: Ids | None,
    library: Ids | None,
    build: Ids | None,
) -> tuple[_Ids, str | None]:
    """Return the ids of the properties, and that of the library or build. Raises ArgumentError."""
    ids = None
    if properties is not None:
        ids = ids_of_type(RESOURCES["properties"], _with_ids(find, properties))
    if _is_name(library):
        if ids is None:
            raise ArgumentError(
                f"The library {library!r} is read by its id, or by its name beside its property: "
                f'read("My site", library={library!r}).'
            )
        library = find("libraries", library, ids)
    if _is_name(build):
        if build != "production" or ids is None:
            raise ArgumentError(
                f"{build!r} is not the id of a build, and builds have no names. The live one is "
                'read beside its property: read("My site", build="production").'
            )
        build = _live_build(libraries_of(ids))
    resource_type, value = ("builds", build) if library is None else ("libraries", library)
    if value is None:
        return ids, None
    holders = ids_of_type(RESOURCES[resource_type], [value])
    if len(holders) != 1:
        raise ArgumentError(f"read() takes one of the {resource_type}, not {len(holders)}.")
    if ids is not None and len(ids) != 1:
        raise ArgumentError(f"{holders[0]} belongs to one property, and there are {len(ids)}.")
    return ids, holders[0]


def _with_ids(find: _Find, properties: Ids) -> list[Ids]:
    """Return properties with the row of each one that is named."""
    values: list[Ids] = [properties]
    if isinstance(properties, list | tuple):
        values = list(properties)
    for position, value in enumerate(values):
        if _is_name(value):
            values[position] = find("properties", value)
    return values


def _is_name(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and not ID_PATTERN.fullmatch(value)


def _live_build(libraries: pd.DataFrame) -> str:
    """Return the last build of the library that was published last. Raises ArgumentError."""
    by_id = libraries.set_index("id")["last_build_id"]
    for library_id in delivering("production", libraries):
        if pd.notna(by_id[library_id]):
            return str(by_id[library_id])
    raise ArgumentError("Nothing is live: the property has no published library with a build.")


def _libraries_stored(snapshot: Snapshot | Organizations, ids: Sequence[str]) -> pd.DataFrame:
    libraries = snapshot.frame("libraries")
    return libraries[libraries["property_id"].isin(ids)]


def _find_stored(
    snapshot: Snapshot | Organizations,
    table: str,
    name: str,
    parents: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the one row of a snapshot with a name. Raises ArgumentError."""
    frame = snapshot.frame(table)
    if parents is not None:
        frame = frame[frame["property_id"].isin(parents)]
    rows = frame[frame["name"] == name]
    if len(rows) > 1:
        ids = ", ".join(rows["id"])
        raise NameLookupError(f"Several {table} are called {name!r}. Pass an id: {ids}.")
    if rows.empty:
        similar = candidates(name, set(frame["name"]), most=3)
        raise NameLookupError(
            f"None of the {table} in {snapshot.label} is called {name!r}. "
            f"Similar names: {', '.join(similar) or 'none'}.",
            similar,
        )
    return rows


def _events_start(wanted: bool | str | date) -> datetime | None:  # noqa: FBT001
    """Return the time from which to read audit events; None to read none."""
    if isinstance(wanted, bool):
        return _BEGINNING if wanted else None
    return time_from_user(wanted, "audit_events").to_pydatetime()


def _tags(
    source: "_SessionSource | _SnapshotSource",
    holder: str | None,
    *,
    events_since: datetime | None,
    redact: Callable[[str], str] | None,
    show_secrets: bool,
) -> Tags:
    frames = source.heads() if holder is None else _held_by(holder, source)
    if events_since is not None:
        frames |= source.events(events_since)
        if events_since > _BEGINNING:
            source.limits.append(f"Audit events were read from {events_since:%Y-%m-%d %H:%M} on.")
    return Tags(
        limits=source.limits,
        as_of=source.as_of,
        redact=redact,
        show_secrets=show_secrets,
        **frames,
    )


def _held_by(holder: str, source: "_SessionSource | _SnapshotSource") -> Frames:
    """Return what a build of a library would hold, or what a build delivered."""
    resource = source.get(holder)
    property_ids = resource["property_id"].tolist()
    if source.ids not in (None, property_ids):
        raise ArgumentError(
            f"{holder} belongs to the property {property_ids[0]}, not to {source.ids[0]}."
        )
    source.ids = property_ids
    frames = source.surroundings()
    if type_of(holder) == "builds":
        source.limits.append(f"These are the revisions that build {holder} delivered.")
        frames["builds"] = resource
        for table in _REVISABLE:
            frames[table] = frames[f"build_{table}"] = source.listed(f"build_{table}", [holder])
    else:
        libraries = frames.get("libraries", resource)
        holders = upstream_of(libraries, holder)
        # What the others hold is not read.
        libraries = libraries[libraries["id"].isin(holders)].reset_index(drop=True)
        source.limits.append(_inheritance(libraries, holders))
        frames["libraries"] = libraries
        left_out: list[str] = []
        for table in _REVISABLE:
            held = frames[f"library_{table}"] = source.listed(f"library_{table}", holders)
            heads = source.listed(table, property_ids)
            delivered = nearest(held, holders)
            frames[table] = not_deleted(delivered, heads)
            left_out += sorted(set(delivered["name"]) - set(frames[table]["name"]))
        if left_out:
            source.limits.append(
                f"{len(left_out)} deleted resources are left out, which the site can still have: "
                f"{', '.join(left_out[:3])}. analysis.read(build=…) reads what it has."
            )
    rules = frames["rules"]["id"].tolist()
    frames["rule_components"] = source.listed("rule_revision_components", rules)
    return frames | source.packages(frames)


def _inheritance(libraries: pd.DataFrame, holders: Sequence[str]) -> str:
    names = dict(zip(libraries["id"], libraries["name"], strict=True))
    own, *upstream = [repr(names.get(library_id, library_id)) for library_id in holders]
    sentence = f"This is what a build of the library {own} would hold"
    if upstream:
        sentence += f", including what it inherits from {', '.join(upstream)}"
    return f"{sentence}."


class _SessionSource:
    """Reads frames from the API."""

    def __init__(self, session: Session, ids: _Ids) -> None:
        self.ids = ids
        self.as_of = datetime.now(UTC).isoformat(timespec="seconds")
        self.limits: list[str] = []
        self._reactor = session.reactor
        if session.writes == "preview":
            self.limits.append(
                "Read in a preview session: what it has written is included, and exists only there."
            )

    def heads(self) -> Frames:
        """Return everything about the properties."""
        frames = self.surroundings()
        for table in _REVISABLE:
            frames[table] = self.listed(table, self.ids or ())
        frames["rule_components"] = self._reactor.rule_components(frames["rules"])
        frames["other_data_elements"] = self._other_elements(frames)
        if "libraries" in frames:
            frames |= self._optional("builds", self._reactor.builds, frames["libraries"])
            for table in _REVISABLE:
                frames |= self._held_by_libraries(table, frames)
        return frames | self.packages(frames)

    def events(self, since: datetime) -> Frames:
        """Return the audit events about the properties from that time on."""
        # GT leaves out the time itself.
        after = since - timedelta(milliseconds=1)
        condition = None
        if since > _BEGINNING:
            condition = {"created_at": f"GT {api_text(after)}"}
        read = partial(self._reactor.audit_events, filter=condition)
        return self._optional(EVENTS, read, self.ids or ())

    def _other_elements(self, frames: Frames) -> pd.DataFrame:
        """Return the data elements of other properties that copied actions still name by id."""
        settings = frames["rule_components"]["settings"].dropna()
        ids = set(settings.str.extractall(_ELEMENT_ID)[0]) - set(frames["data_elements"]["id"])
        elements = [frames["data_elements"].head(0)]
        for element_id in sorted(ids):
            # It can be deleted, or of a company that this account does not see.
            with suppress(NotFound, NotAllowed):
                elements.append(self._reactor.data_elements.get(element_id))
        return pd.concat(elements, ignore_index=True)

    def _held_by_libraries(self, table: str, frames: Frames) -> Frames:
        """Return the revisions of a type in all libraries, and what goes with them.

        That is the components of rules that are live or pending, and heads that are deleted but
        still live.
        """
        collection = getattr(self._reactor, table)
        libraries = frames["libraries"]
        more = self._optional(f"library_{table}", collection, libraries)
        if not more:
            return {}
        held = more[f"library_{table}"]
        live = nearest(held, delivering("production", libraries))
        if table == "rules":
            # Components of older revisions answer no question.
            pending = libraries.loc[libraries["state"] != "published", "id"]
            rules = [*live["id"], *held.loc[held["library_id"].isin(pending), "id"]]
            read = self._reactor.rule_components
            more |= self._optional("rule_revision_components", read, rules)
        # Lists leave out deleted heads, which may still be live.
        unlisted = live.loc[~origins_of(live).isin(frames[table]["id"]), "origin_id"]
        for deleted in self._optional(f"deleted {table}", collection.get, unlisted).values():
            if len(deleted):
                more[table] = pd.concat([frames[table], deleted], ignore_index=True)
        return more

    def get(self, resource_id: str) -> pd.DataFrame:
        """Return a library or build, as a frame of one row."""
        frame: pd.DataFrame = getattr(self._reactor, type_of(resource_id)).get(resource_id)
        return frame

    def surroundings(self) -> Frames:
        """Return the properties, their libraries, and where these are delivered; and secrets."""
        properties = self._reactor.properties.get(self.ids or ())
        frames = {"properties": properties}
        for table in ("libraries", "environments", "hosts", "callbacks"):
            frames |= self._optional(table, getattr(self._reactor, table), properties)
        # Only event forwarding has secrets.
        edge = properties.loc[properties["platform"] == "edge", "id"]
        return frames | self._optional("secrets", self._reactor.secrets, edge)

    def listed(self, table: str, parents: Sequence[str]) -> pd.DataFrame:
        """Return the part of a table that is listed under some resources."""
        frame: pd.DataFrame = getattr(self._reactor, PLAN[table].type)(parents)
        return frame

    def packages(self, frames: Frames) -> Frames:
        """Return the packages of the extensions, as far as they can be read."""
        get = self._reactor.extension_packages.get
        extensions = frames["extensions"]
        columns = [extensions["extension_package_id"]]
        # Upgrades are offered to heads.
        if "meta_upgrade_extension_package_id" in extensions:
            columns.append(extensions["meta_upgrade_extension_package_id"])
        ids = pd.concat(columns).dropna().unique()
        try:
            return {PACKAGES: get(ids)}
        except (NotAllowed, NotFound):
            # One package of another company is enough: read the others one by one.
            packages = [get([])]
        for package_id in ids:
            packages += self._optional(f"extension package {package_id}", get, package_id).values()
        return {PACKAGES: pd.concat(packages, ignore_index=True)}

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


class _SnapshotSource:
    """Reads frames from one snapshot of a folder, or of several organizations."""

    def __init__(self, snapshot: Snapshot | Organizations, ids: _Ids) -> None:
        self.ids = ids
        self.as_of = snapshot.finished.isoformat(timespec="seconds")
        self.limits: list[str] = []
        self._snapshot = snapshot
        self._several: Organizations | None = None
        self._snapshots: Sequence[Snapshot]
        if isinstance(snapshot, Organizations):
            self._several, self._snapshots = snapshot, snapshot.snapshots
            self.limits += snapshot.differences(TABLES)
        else:
            self._snapshots = [snapshot]
        properties = snapshot.frame("properties")
        for property_id in set(ids or ()).difference(properties["id"]):
            labels = map("{0.id} ({0.name})".format, properties.itertuples())
            raise ArgumentError(
                f"There is no property {property_id} in {snapshot.label}. "
                f"It has: {', '.join(labels) or 'none'}."
            )

    def heads(self) -> Frames:
        # Audit events can be millions.
        return self._stored(set(TABLES) - {EVENTS})

    def get(self, resource_id: str) -> pd.DataFrame:
        table = type_of(resource_id)
        self._require(table)
        frame = self._snapshot.frame(table)
        row = frame[frame["id"] == resource_id]
        if row.empty:
            raise ArgumentError(
                f"There is no {RESOURCES[table].singular} {resource_id} in {self._snapshot.label}."
            )
        return row.reset_index(drop=True)

    def surroundings(self) -> Frames:
        return self._stored(_SURROUNDINGS)

    def listed(self, table: str, parents: Sequence[str]) -> pd.DataFrame:
        frame = self._required(table)
        stored = parents
        if PLAN[table].requires:
            stored = selected(table, self._required)
        # Snapshots hold a selection of revisions: a short table would look complete.
        missing = sorted(set(parents).difference(stored))
        if missing:
            contents = "components" if PLAN[table].parent == "rules" else "contents"
            raise SnapshotError(
                f"The {contents} of {missing[0]} are not in {self._snapshot.label}. It holds what "
                "environments deliver, the newest published revisions, and libraries that are not "
                "published. Read older ones with a session."
            )
        return frame[frame[PLAN[table].parent_column].isin(parents)].reset_index(drop=True)

    def packages(self, _: Frames) -> Frames:
        return self._stored([PACKAGES])

    def events(self, since: datetime) -> Frames:
        events = self._required(EVENTS)
        return {EVENTS: events[events["created_at"] >= since].reset_index(drop=True)}

    def _stored(self, tables: Iterable[str]) -> Frames:
        stored = set(tables).intersection(self._snapshot.tables)
        return {table: self._of_properties(table) for table in sorted(stored)}

    def _of_properties(self, table: str) -> pd.DataFrame:
        """Return a table, or the part of it that belongs to the properties."""
        ids = self.ids
        frame = self._snapshot.frame(table, ids[0] if ids and len(ids) == 1 else None)
        if table == PACKAGES:
            # A package belongs to a company, or to all.
            return frame.drop_duplicates("id", ignore_index=True)
        if table == "properties" and self._several is not None:
            organizations = frame["id"].map(self._several.by_property)
            frame[ORGANIZATION] = organizations.astype("string")
        if ids is None:
            return frame
        column = "id" if table == "properties" else "property_id"
        return frame[frame[column].isin(ids)].reset_index(drop=True)

    def _required(self, table: str) -> pd.DataFrame:
        self._require(table)
        return self._of_properties(table)

    def _require(self, table: str) -> None:
        """Raise SnapshotError when a snapshot of the properties lacks a table."""
        advice = "snapshot.pull(…, to=…) pulls all tables by default."
        if table == EVENTS:
            advice = 'snapshot.pull(…, to=…, tables=[*snapshot.TABLES, "audit_events"]).'
        for snapshot in self._snapshots:
            is_read = self.ids is None or not set(self.ids).isdisjoint(snapshot.about["properties"])
            if is_read and table not in snapshot.columns:
                raise SnapshotError(
                    f"Snapshot {snapshot.number} of {snapshot.folder} has no table {table!r}. Pull "
                    f"one that has it: {advice}"
                )
