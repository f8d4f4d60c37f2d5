"""The properties of the demo company, built from their data files."""

from datetime import UTC, datetime, timedelta
from typing import Any

from adobe_nb.simulator.accounts import digest
from adobe_nb.simulator.manifests import VERSIONS
from adobe_nb.simulator.publishing import file_names, folder
from adobe_nb.simulator.seed.records import (
    Targets,
    add_head,
    add_property,
    jitter,
    make_id,
    parse_day,
    sign,
)
from adobe_nb.simulator.store import Identifier, Record, Store, stamp

_TODAY = datetime(2026, 9, 8, 9, 0, tzinfo=UTC)
_STAGES = ("development", "staging", "production")
_OCCUPIED = {"published": "production", "submitted": "staging", "development": "development"}
"""Stage of the environment that a library of a state occupies. Others have no environment."""


def build_property(store: Store, company: Record, spec: dict[str, Any]) -> None:
    """Add a property of the demo company with all its resources."""
    _Builder(store, company, spec).build()


def set_current_extensions(store: Store) -> None:
    """Say which revision of its extension was current at the last change of each resource."""
    for resource_type in ("data_elements", "rule_components"):
        for record in store.all(resource_type):
            head = store.of(record, "origin")
            extension = store.of(record, "extension")
            if head is not None and extension is not None:
                current = _current(store, extension, head.attributes["updated_at"])
                record.to_one["updated_with_extension"] = current.here


def _current(store: Store, extension: Record, timestamp: str) -> Record:
    revisions = store.listed(extension.id, "revisions")[1:]
    # Releases cut revisions, so even the first one can be younger than the resource.
    current = revisions[0]
    for revision in revisions:
        if revision.attributes["created_at"] <= timestamp:
            current = revision
    return current


class _Builder:
    """Builds heads first, then a revision of each head that changed before a release."""

    def __init__(self, store: Store, company: Record, spec: dict[str, Any]) -> None:
        self._store = store
        self._company = company
        self._spec = spec
        self._name: str = spec["name"]
        self._platform: str = spec["platform"]
        self._created = parse_day(spec["created"]) + jitter(self._name, 6)
        self._versions = {each["name"]: each["version"] for each in spec["extensions"]}
        self._property = add_property(
            store, company, self._name, self._platform, self._created, spec["domains"]
        )

    def build(self) -> None:
        """Add everything in the property."""
        for extension in self._spec["extensions"]:
            self._add_extension(extension)
        data_elements = self._spec["data_elements"]
        for position, element in enumerate(data_elements):
            self._add_data_element(element, self._dates(position, len(data_elements)))
        rules = self._spec["rules"]
        for position, rule in enumerate(rules):
            self._add_rule(rule, self._dates(position, len(rules)))
        environments = {stage: self._add_environment(stage) for stage in _STAGES}
        upstream: Record | None = None
        for library in self._spec["libraries"]:
            record = self._add_library(library, upstream, environments)
            if library["state"] == "published":
                upstream = record

    # -- heads

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

    def _package(self, name: str, version: str) -> Identifier:
        identifier = make_id("extension_packages", self._platform, name, version)
        return "extension_packages", identifier

    def _add_extension(self, spec: dict[str, Any]) -> None:
        name = spec["name"]
        package = self._package(name, spec["version"])
        dates = (self._created + timedelta(minutes=3), self._created + timedelta(days=40))
        to_one: Targets = {"extension_package": package, "updated_with_extension_package": package}
        record = add_head(
            self._store, self._property, "extensions", (self._name, name), dates, spec, to_one
        )
        latest = VERSIONS[self._platform, name][-1]
        if latest != spec["version"]:
            upgrade = {"upgrade_extension_package_id": self._package(name, latest)[1]}
            record.meta = upgrade | record.meta

    def _delegated(self, descriptor: str) -> Targets:
        """Return the relationships of a resource with a delegate."""
        package = descriptor.partition("::")[0]
        return {
            "extension": ("extensions", make_id("extensions", self._name, package)),
            "updated_with_extension_package": self._package(package, self._versions[package]),
        }

    def _add_data_element(self, spec: dict[str, Any], dates: tuple[datetime, datetime]) -> None:
        to_one = self._delegated(spec["delegate_descriptor_id"])
        path = (self._name, spec["name"])
        add_head(self._store, self._property, "data_elements", path, dates, spec, to_one)

    def _add_rule(self, spec: dict[str, Any], dates: tuple[datetime, datetime]) -> None:
        name = spec["name"]
        created, updated = dates
        values = {"name": name, "enabled": spec.get("enabled", True)}
        rule = add_head(self._store, self._property, "rules", (self._name, name), dates, values, {})
        next_order = {"events": 0, "conditions": 0, "actions": 0}
        for position, component in enumerate(spec["rule_components"]):
            delegate_type = component["delegate_descriptor_id"].split("::")[1]
            added = created + timedelta(minutes=2 * position + 1)
            add_head(
                self._store,
                rule,
                "rule_components",
                (self._name, name, str(position)),
                (added, max(updated, added)),
                {
                    **component,
                    "settings": self._with_ids(component["settings"]),
                    "order": next_order[delegate_type],
                },
                self._delegated(component["delegate_descriptor_id"]),
            )
            next_order[delegate_type] += 1

    def _with_ids(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Replace the name of a data element by its id."""
        if "dataElementId" not in settings:
            return settings
        identifier = make_id("data_elements", self._name, settings["dataElementId"])
        return {**settings, "dataElementId": identifier}

    # -- environments and libraries

    def _add_environment(self, stage: str) -> Record:
        token = digest(f"environment {self._name} {stage}", 6)
        created = stamp(self._created + timedelta(minutes=5 + _STAGES.index(stage)))
        library_path = f"{self._company.attributes['token']}/{self._property.attributes['token']}"
        attributes = {
            "created_at": created,
            "updated_at": created,
            "name": stage.capitalize(),
            "stage": stage,
            "path": folder(stage),
            "archive": False,
            "status": "succeeded",
            "token": token,
            **file_names(stage, token, library_path),
        }
        to_one: Targets = {
            "library": None,
            "host": ("hosts", make_id("hosts", self._name)),
            "property": self._property.here,
        }
        meta = {"archive_encrypted": False}
        identifier = make_id("environments", self._name, stage)
        record = Record("environments", identifier, attributes, to_one, meta)
        return self._store.add(record, self._property.id)

    def _add_library(
        self, spec: dict[str, Any], upstream: Record | None, environments: dict[str, Record]
    ) -> Record:
        """Add a library with revisions; a published one holds all resources of its time."""
        name, state = spec["name"], spec["state"]
        is_published = state == "published"
        date = parse_day(spec["date"]) + jitter(name, 8)
        created, updated = date, date + timedelta(days=1)
        if is_published:
            created, updated = date - timedelta(days=3), date
        attributes = {
            "created_at": stamp(created),
            "updated_at": stamp(updated),
            "name": name,
            "state": state,
            "published_at": stamp(date) if is_published else None,
            "build_required": True,
            "stale": None,
        }
        to_one: Targets = {
            "environment": None,
            "upstream_library": upstream.here if upstream else None,
            "property": self._property.here,
            "last_build": None,
        }
        meta = {
            "build_status": None,
            "build_required_detail": "No build found since last state change",
        }
        identifier = make_id("libraries", self._name, name)
        library = Record("libraries", identifier, attributes, to_one, meta)
        self._store.add(library, self._property.id)
        if state in _OCCUPIED:
            self._occupy(library, environments[_OCCUPIED[state]])
        heads = self._released(date) if is_published else self._changed(date)
        for head in heads:
            revision = self._revise(head, created)
            self._store.link(library.id, revision.type, revision)
            self._store.link(revision.id, "libraries", library)
            if is_published:
                self._publish(revision, stamp(date))
        return library

    def _heads(self) -> list[Record]:
        return [
            *self._store.listed(self._property.id, "extensions"),
            *self._store.listed(self._property.id, "data_elements"),
            *self._store.listed(self._property.id, "rules"),
        ]

    def _released(self, date: datetime) -> list[Record]:
        return [head for head in self._heads() if head.attributes["created_at"] < stamp(date)]

    def _changed(self, date: datetime) -> list[Record]:
        """Return a few of the heads that changed in the months before."""
        start = stamp(date - timedelta(days=120))
        return [head for head in self._heads() if head.attributes["updated_at"] > start][:8]

    def _occupy(self, library: Record, environment: Record) -> None:
        """Give an environment to a library. It holds one at a time: the newest."""
        previous = self._store.of(environment, "library")
        if previous is not None:
            previous.to_one["environment"] = None
        environment.to_one["library"] = library.here
        library.to_one["environment"] = environment.here

    def _publish(self, revision: Record, timestamp: str) -> None:
        components = self._store.listed(revision.id, "rule_components")
        for record in (revision, *components):
            record.attributes["published"] = True
            # A revision that an older release published keeps its date.
            if record.attributes["published_at"] is None:
                record.attributes["published_at"] = timestamp

    # -- revisions

    def _revise(self, head: Record, date: datetime) -> Record:
        """Freeze the head, and the components of a rule, into the next revision."""
        revisions = self._store.listed(head.id, "revisions")
        # About half of the heads do not change between releases, and keep their revision.
        if len(revisions) > 1 and int(digest(f"{head.id} {date}", 1), 16) % 2:
            return revisions[-1]
        number = len(revisions)
        revision = self._copy(head, number, date)
        self._store.add(revision)
        self._store.link(head.id, "revisions", revision)
        self._store.link(revision.id, "revisions", revision)
        head.attributes["dirty"] = head.attributes["updated_at"] > stamp(date)
        for component in self._store.listed(head.id, "rule_components"):
            copy = self._copy(component, number, date)
            self._store.add(copy, revision.id)
            self._store.link(copy.id, "rules", revision)
        return revision

    def _copy(self, head: Record, number: int, date: datetime) -> Record:
        timestamp = stamp(date + jitter(f"{head.id} {number}", 3))
        attributes = {
            **head.attributes,
            "revision_number": number,
            "dirty": False,
            "created_at": timestamp,
            "updated_at": timestamp,
        }
        head.meta["latest_revision_number"] = number
        identifier = make_id(head.type, head.id, str(number))
        meta = {"latest_revision_number": number}
        copy = Record(head.type, identifier, attributes, dict(head.to_one), meta)
        sign(copy)
        return copy
