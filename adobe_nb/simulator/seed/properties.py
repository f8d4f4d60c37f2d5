"""The properties of the demo company, built from their data files."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from adobe_nb.simulator.accounts import digest
from adobe_nb.simulator.publishing import file_names, folder
from adobe_nb.simulator.seed.packages import latest_version, package_id
from adobe_nb.simulator.seed.records import (
    add_head,
    add_property,
    add_record,
    jitter,
    make_id,
    parse_day,
    secret_path,
    sign,
)
from adobe_nb.simulator.store import Identifier, Record, Store, stamp
from adobe_nb.simulator.texts import json_text

Spec = dict[str, Any]
"""An object of a data file: a property, or a resource in it."""
_LIFE = ("created", "updated", "deleted", "before")
"""Members of a resource that are about its past, not attributes."""
_TODAY = datetime(2026, 9, 8, 9, 0, tzinfo=UTC)
_STAGES = {"development": "development", "staging": "submitted", "production": "published"}
"""Stages of the environments, and the state of the library that occupies each of them."""


def build_property(store: Store, company: Record, spec: Spec) -> None:
    """Add a property of the demo company with all its resources."""
    builder = _Builder(store, company, spec)
    builder.add_heads()
    for library in spec["libraries"]:
        builder.add_library(library)
    for position, stage in enumerate(_STAGES):
        builder.add_environment(stage, position)


def set_current_extensions(store: Store) -> None:
    """Say which revision of its extension was current at the last change of each resource."""
    for resource_type in ("data_elements", "rule_components"):
        for record in store.all(resource_type):
            head = store.of(record, "origin")
            extension = store.of(record, "extension")
            if head is not None and extension is not None:
                current = _current(store, extension, head["updated_at"])
                record.to_one["updated_with_extension"] = current.here


def _current(store: Store, extension: Record, timestamp: str) -> Record:
    current, *revisions = store.listed(extension.id, "revisions")[1:]
    # The service cuts the first revision when an extension is installed, the seed with the first
    # release: it counts for earlier changes too.
    for revision in revisions:
        if revision["created_at"] <= timestamp:
            current = revision
    return current


def with_ids(settings: Spec, property_name: str) -> Spec:
    """Replace the names of a data element and of secrets in settings by their ids."""
    settings = dict(settings)
    if "dataElementId" in settings:
        # After a rule was copied, its element can be one of another property.
        owner, _, name = settings["dataElementId"].rpartition("/")
        settings["dataElementId"] = make_id("data_elements", owner or property_name, name)
    if "secrets" in settings:
        owner_id = make_id("properties", property_name)
        settings["secrets"] = {
            stage: {**secret, "id": make_id("secrets", *secret_path(owner_id, stage))}
            for stage, secret in settings["secrets"].items()
        }
    return settings


class _Builder:
    """Builds heads first, then a revision of each head that changed before a release."""

    def __init__(self, store: Store, company: Record, spec: Spec) -> None:
        self._store = store
        self._company = company
        self._spec = spec
        self._name: str = spec["name"]
        self._platform: str = spec["platform"]
        self._created = parse_day(spec["created"]) + jitter(self._name, 6)
        attributes = {"platform": self._platform, **spec["attributes"]}
        self._property = add_property(store, company, self._created, self._name, **attributes)
        self._packages: dict[str, Identifier] = {}
        """Packages of the extensions by name."""
        self._last_published: Identifier | None = None
        self._before: dict[str, Spec | None] = {}
        """What heads were before their last change: attributes by id, None if not there yet."""
        self._dated: set[str] = set()
        """Ids of the heads whose dates are in the data file."""

    # -- heads

    def add_heads(self) -> None:
        """Add extensions, data elements and rules."""
        for extension in self._spec["extensions"]:
            self._add_extension(extension)
        for element, dates in self._with_dates(self._spec["data_elements"]):
            path = (self._name, element["name"])
            to_one = self._delegated(element)
            values = self._values(element)
            head = add_head(
                self._store, "data_elements", path, dates, values, self._property, **to_one
            )
            self._remember(head, element)
        for rule, dates in self._with_dates(self._spec["rules"]):
            self._add_rule(rule, dates)

    def _with_dates(self, specs: list[Spec]) -> Iterator[tuple[Spec, tuple[datetime, datetime]]]:
        """Yield each resource with the dates of its creation and its last change."""
        count = sum("created" not in spec for spec in specs)
        position = 0
        for spec in specs:
            # A resource with its own date leaves the others where they are.
            if "created" in spec:
                yield spec, self._own_dates(spec)
            else:
                yield spec, self._dates(position, count)
                position += 1

    def _own_dates(self, spec: Spec) -> tuple[datetime, datetime]:
        """Return the dates in the data file, each at some hour of its day."""
        name = f"{self._name} {spec['name']}"
        created = updated = parse_day(spec["created"]) + jitter(name, 8)
        if "updated" in spec:
            updated = parse_day(spec["updated"]) + jitter(f"{name} updated", 8)
        return created, updated

    def _dates(self, position: int, count: int) -> tuple[datetime, datetime]:
        """Return when one of several resources was created and changed last.

        Creation is spread over the life of the property; most resources come soon after its start.
        """
        life = (_TODAY - self._created).days - 30
        day = int(life * (position / count) ** 2 * 0.8) + 1
        name = f"{self._name} {position}"
        created = self._created + timedelta(days=day) + jitter(name, 8)
        # No resource changes in the last days before the seed's "today".
        span = _TODAY - timedelta(days=8) - created
        return created, created + span * (int(digest(name, 1), 16) / 255)

    def _values(self, spec: Spec) -> Spec:
        """Return the attributes of a resource, or those that it had before, with ids for names."""
        values = {name: value for name, value in spec.items() if name not in _LIFE}
        if "settings" in values:
            values["settings"] = with_ids(values["settings"], self._name)
        return values

    def _remember(self, head: Record, spec: Spec) -> None:
        """Keep what the revisions of a head need to know of its past."""
        if "created" in spec:
            self._dated.add(head.id)
        if "before" in spec:
            before = spec["before"]
            self._before[head.id] = before and self._values(before)

    def _package(self, name: str, version: str) -> Identifier:
        return "extension_packages", package_id(self._platform, name, version)

    def _add_extension(self, spec: Spec) -> None:
        name, version = spec["name"], spec["version"]
        self._packages[name] = package = self._package(name, version)
        dates = self._created + timedelta(minutes=3), self._created + timedelta(days=40)
        if "created" in spec:
            dates = self._own_dates(spec)
        record = add_head(
            self._store,
            "extensions",
            (self._name, name),
            dates,
            self._values(spec),
            self._property,
            extension_package=package,
            updated_with_extension_package=package,
        )
        self._remember(record, spec)
        latest = latest_version(self._platform, name)
        if latest != version:
            upgrade_id = self._package(name, latest)[1]
            record.meta = {"upgrade_extension_package_id": upgrade_id, **record.meta}

    def _delegated(self, spec: Spec) -> dict[str, Identifier]:
        """Return the relationships of a resource with a delegate."""
        package = spec["delegate_descriptor_id"].partition("::")[0]
        return {
            "extension": ("extensions", make_id("extensions", self._name, package)),
            "updated_with_extension_package": self._packages[package],
        }

    def _add_rule(self, spec: Spec, dates: tuple[datetime, datetime]) -> None:
        store, path = self._store, (self._name, spec["name"])
        created, updated = dates
        values = {"name": spec["name"], "enabled": spec.get("enabled", True)}
        rule = add_head(store, "rules", path, dates, values, self._property)
        self._remember(rule, spec)
        orders = {"events": 0, "conditions": 0, "actions": 0}
        for position, component in enumerate(spec["rule_components"]):
            delegate_type = component["delegate_descriptor_id"].split("::")[1]
            values = {**self._values(component), "order": orders[delegate_type]}
            orders[delegate_type] += 1
            added = created + timedelta(minutes=2 * position + 1)
            # It came with the last change of the rule.
            if component.get("before", {}) is None:
                added = updated
            head = add_head(
                store,
                "rule_components",
                (*path, str(position)),
                (added, max(updated, added)),
                values,
                rule,
                **self._delegated(component),
            )
            self._remember(head, component)

    # -- libraries and environments

    def add_library(self, spec: Spec) -> None:
        """Add a library with revisions; a published one holds all resources of its time."""
        store, name, state = self._store, spec["name"], spec["state"]
        is_published = state == "published"
        date = parse_day(spec["date"]) + jitter(name, 8)
        created, updated, published = date, date + timedelta(days=1), None
        if is_published:
            created, updated, published = date - timedelta(days=3), date, stamp(date)
        library = add_record(
            store,
            "libraries",
            (self._name, name),
            stamp(created),
            {
                "updated_at": stamp(updated),
                "name": name,
                "state": state,
                "published_at": published,
            },
            self._property,
            environment=None,
            upstream_library=self._last_published,
            property=self._property.here,
            last_build=None,
        )
        library.meta = {
            "build_status": None,
            "build_required_detail": "No build found since last state change",
        }
        for head in self._contents(spec, date):
            revision = self._revise(head, created)
            store.link(library.id, revision.type, revision)
            store.link(revision.id, "libraries", library)
            if is_published:
                self._publish(revision, stamp(date))
        if is_published:
            self._last_published = library.here

    def _contents(self, spec: Spec, date: datetime) -> list[Record]:
        """Return what a library holds.

        A published one has all heads of its time. Another one has a few of those that changed in
        the months before, and those that the data file names.
        """
        heads: list[Record] = []
        for resource_type in ("extensions", "data_elements", "rules"):
            heads += self._store.listed(self._property.id, resource_type)
        if spec["state"] == "published":
            return [head for head in heads if head["created_at"] < stamp(date)]
        start = stamp(date - timedelta(days=120))
        undated = [head for head in heads if head.id not in self._dated]
        named = [head for head in heads if head["name"] in spec.get("resources", ())]
        return [head for head in undated if head["updated_at"] > start][:8] + named

    def _publish(self, revision: Record, timestamp: str) -> None:
        for record in (revision, *self._store.listed(revision.id, "rule_components")):
            record["published"] = True
            # A revision that an older release published keeps its date.
            if record["published_at"] is None:
                record["published_at"] = timestamp

    def add_environment(self, stage: str, position: int) -> None:
        """Add an environment, occupied by the newest library of the state that belongs to it."""
        token = digest(f"environment {self._name} {stage}", 6)
        library_path = f"{self._company['token']}/{self._property['token']}"
        values = {
            "name": stage.capitalize(),
            "stage": stage,
            "path": folder(stage),
            "token": token,
            **file_names(stage, token, library_path),
        }
        environment = add_record(
            self._store,
            "environments",
            (self._name, stage),
            stamp(self._created + timedelta(minutes=5 + position)),
            values,
            self._property,
            library=None,
            host=("hosts", make_id("hosts", self._name)),
            property=self._property.here,
        )
        environment.meta["archive_encrypted"] = False
        libraries = self._store.listed(self._property.id, "libraries")
        for library in reversed(libraries):
            if library["state"] == _STAGES[stage]:
                library.to_one["environment"] = environment.here
                environment.to_one["library"] = library.here
                break

    # -- revisions

    def _revise(self, head: Record, date: datetime) -> Record:
        """Freeze the head, and the components of a rule, into the next revision."""
        store = self._store
        revisions = store.listed(head.id, "revisions")
        if len(revisions) > 1 and not self._has_changed(head, revisions[-1], date):
            return revisions[-1]
        number = len(revisions)
        revision = store.add(self._revision(head, number, date))
        store.link(head.id, "revisions", revision)
        store.link(revision.id, "revisions", revision)
        head["dirty"] = head["updated_at"] > stamp(date)
        for component in store.listed(head.id, "rule_components"):
            if self._attributes(component, date) is not None:
                copy = store.add(self._revision(component, number, date), revision.id)
                store.link(copy.id, "rules", revision)
        return revision

    def _has_changed(self, head: Record, latest: Record, date: datetime) -> bool:
        """Return whether a head differs on a date from its latest revision."""
        if head.id in self._dated:
            return bool(latest["created_at"] < head["updated_at"] <= stamp(date))
        # Half of the other heads do not change between two libraries.
        return int(digest(f"{head.id} {date}", 1), 16) % 2 == 0

    def _revision(self, head: Record, number: int, date: datetime) -> Record:
        timestamp = stamp(date + jitter(f"{head.id} {number}", 3))
        attributes = {
            **(self._attributes(head, date) or {}),
            "revision_number": number,
            "dirty": False,
            "created_at": timestamp,
            "updated_at": timestamp,
        }
        head.meta["latest_revision_number"] = number
        identifier = make_id(head.type, head.id, str(number))
        meta = {"latest_revision_number": number}
        return sign(Record(head.type, identifier, attributes, dict(head.to_one), meta))

    def _attributes(self, head: Record, date: datetime) -> Spec | None:
        """Return what a head was on a date: None if it was not there before its last change."""
        is_older = stamp(date) < head["updated_at"]
        if not is_older or head.id not in self._before:
            return head.attributes
        before = self._before[head.id]
        if before is None:
            return None
        attributes = {**head.attributes, **before}
        if "settings" in before:
            attributes["settings"] = json_text(before["settings"])
        return attributes
