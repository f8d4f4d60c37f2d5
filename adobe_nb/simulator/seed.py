"""What a new simulator holds: the accounts, the company, and its records, with fixed ids and dates."""

import pickle
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from adobe_nb.registry import RESOURCES
from adobe_nb.simulator import demo
from adobe_nb.simulator.accounts import ORG_ID, digest
from adobe_nb.simulator.datastreams import DATASTREAMS
from adobe_nb.simulator.history import log
from adobe_nb.simulator.manifests import VERSIONS
from adobe_nb.simulator.packages import catalogue
from adobe_nb.simulator.publishing import file_names, folder
from adobe_nb.simulator.revisions import state as _state
from adobe_nb.simulator.seed_extras import released, signed, surround
from adobe_nb.simulator.store import Identifier, Record, Store
from adobe_nb.simulator.store import stamp as _stamp
from adobe_nb.simulator.texts import json_text

DATASTREAM_ID = DATASTREAMS["web"].id
_TODAY = datetime(2026, 9, 8, 9, 0, tzinfo=UTC)
_STAGES = ("development", "staging", "production")


def make_id(resource_type: str, *path: str) -> str:
    """The same id at every start, for the same path of names."""
    return RESOURCES[resource_type].prefix + digest("/".join((resource_type, *path)), 16)


COMPANY_ID = make_id("companies", ORG_ID)


@dataclass(frozen=True, slots=True)
class Bulk:
    """Generated properties besides the seed; rules and data elements per property, components per
    rule.

    ``events`` are audit events about them, that many in all.
    """

    properties: int = 0
    rules: int = 0
    components: int = 0
    data_elements: int = 0
    events: int = 0


def seeded(seed: str, bulk: Bulk) -> dict[str, Store]:
    """The stores by organisation. Raises ValueError for an unknown seed."""
    if seed not in {"demo", "empty"}:
        raise ValueError(f"There is no seed {seed!r}, only demo and empty.")
    if seed in _kept:
        store: Store = pickle.loads(_kept[seed])  # noqa: S301 - our own
    else:
        store = _planted(seed)
        _kept[seed] = pickle.dumps(store, pickle.HIGHEST_PROTOCOL)
    for company in store.all("companies"):
        _generate(store, company, bulk)
    return {ORG_ID: store}


_kept: dict[str, bytes] = {}
"""Seeds that were planted before: each further simulator of a process takes a copy, in an eighth of
the time.
"""


def _planted(seed: str) -> Store:
    store = Store()
    company = store.add(_company())
    catalogue(store, make_id, released)
    if seed == "demo":
        for each in demo.PROPERTIES:
            _Builder(store, company, each).build()
        surround(store, company)
    return store


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(hour=9, tzinfo=UTC)


def _jitter(name: str, hours: int) -> timedelta:
    """A fixed time of day and fraction of a second, so that dates look like people's."""
    number = int(digest(f"jitter {name}", 4), 16)
    return timedelta(milliseconds=number % (hours * 3_600_000))


def _company() -> Record:
    created = _stamp(_day("2024-09-02") + _jitter("company", 8))
    attributes = {
        "created_at": created,
        "updated_at": _stamp(_day("2026-03-03")),
        "name": "Hearth & Harbor",
        "org_id": ORG_ID,
        "token": digest("company token", 6),
        "cjm_enabled": False,
        "edge_enabled": True,
        "edge_events_allotment": 50_000_000,
        "edge_fanout_ratio": 5,
        "premium_cdn_enabled": False,
        "sla_enabled": True,
    }
    rights = ["develop_extensions", "manage_properties"]
    meta = {"rights": rights, "platform_rights": dict.fromkeys(("web", "mobile", "edge"), rights)}
    return Record("companies", COMPANY_ID, attributes, meta=meta)


def _property(name: str, platform: str, created: datetime, domains: tuple[str, ...]) -> Record:
    identifier = make_id("properties", name)
    attributes = {
        "created_at": _stamp(created),
        "updated_at": _stamp(created + timedelta(days=14) + _jitter(name, 8)),
        "name": name,
        "platform": platform,
        "enabled": True,
        "development": False,
        "token": digest(f"property token {name}", 6),
        "domains": list(domains),
        "undefined_vars_return_empty": platform == "web",
        "rule_component_sequencing_enabled": platform != "mobile",
        "ssl_enabled": True if platform == "mobile" else None,
        "privacy": "optedin" if platform == "mobile" else None,
        **signed(identifier, changed=True),
    }
    meta = {"rights": ["approve", "develop", "manage_environments", "manage_extensions", "publish"]}
    to_one: dict[str, Identifier | None] = {"company": ("companies", COMPANY_ID)}
    return Record("properties", identifier, attributes, to_one, meta)


def _sign(record: Record) -> Record:
    """Say who made it and who changed it last."""
    changed = record.attributes["updated_at"] > record.attributes["created_at"]
    record.attributes |= signed(record.id, changed=changed)
    return record


def _revisionable(created: datetime, updated: datetime, **more: Any) -> dict[str, Any]:
    return {**_state(_stamp(created), dirty=False), "updated_at": _stamp(updated), **more}


class _Builder:
    """Builds one demo property: heads first, then a revision of all that changed with each release."""

    def __init__(self, store: Store, company: Record, spec: demo.Property) -> None:
        self._store = store
        self._company = company
        self._spec = spec
        self._created = _day(spec.created) + _jitter(spec.name, 6)
        self._property = _property(spec.name, spec.platform, self._created, spec.domains)
        self._here: Identifier = ("properties", self._property.id)
        self._extensions: dict[str, Identifier] = {}
        self._heads: list[tuple[Record, datetime]] = []
        self._components: dict[str, list[Record]] = {}

    def build(self) -> None:
        self._store.add(self._property, self._company.id)
        for each in self._spec.extensions:
            self._extension(each)
        for position, element in enumerate(self._spec.elements):
            self._element(element, position)
        for position, rule in enumerate(self._spec.rules):
            self._rule(rule, position)
        environments = {stage: self._environment(stage) for stage in _STAGES}
        upstream: Identifier | None = None
        for name, day in self._spec.releases:
            upstream = self._release(name, _day(day) + _jitter(name, 8), upstream, environments)
        for name, state, day in self._spec.open_libraries:
            self._open_library(name, state, _day(day) + _jitter(name, 8), upstream, environments)
        self._name_current_extensions()

    def _name_current_extensions(self) -> None:
        """A component or data element was last changed with the revision of its extension that was
        current then.
        """
        for kind in ("data_elements", "rule_components"):
            for record in self._store.all(kind):
                head, extension = (
                    self._store.of(record, "origin"),
                    self._store.of(record, "extension"),
                )
                if (
                    head is not None
                    and extension is not None
                    and record.to_one["property"] == self._here
                ):
                    current = self._current(extension, head.attributes["updated_at"])
                    record.to_one["updated_with_extension"] = current.here

    def _current(self, extension: Record, moment: str) -> Record:
        """The newest of its revisions then. The first is as old as the extension, whenever a
        release dates it.
        """
        cut = [each for each in self._store.listed(extension.id, "revisions") if not each.is_head]
        before = [each for each in cut if each.attributes["created_at"] <= moment]
        return before[-1] if before else cut[0]

    def _when(self, position: int, count: int) -> tuple[datetime, datetime]:
        """Creation spread over the property's life, the first half of it soon after the start; and
        a later change.
        """
        life = (_TODAY - self._created).days - 30
        day = int(life * (position / max(count, 1)) ** 2 * 0.8) + 1
        name = f"{self._spec.name} {position}"
        created = self._created + timedelta(days=day) + _jitter(name, 8)
        changed = created + (_TODAY - timedelta(days=8) - created) * (
            int(digest(name, 1), 16) / 255
        )
        return created, changed

    def _add_head(self, record: Record, created: datetime) -> Record:
        record.to_one |= {"property": self._here, "origin": (record.type, record.id)}
        record.meta["latest_revision_number"] = 0
        _sign(record)
        self._store.add(record, self._property.id)
        self._store.link(record.id, "revisions", record)
        self._heads.append((record, created))
        return record

    def _settings(self, settings: demo.Settings) -> str:
        def head_id(value: object) -> str:
            if not isinstance(value, demo.HeadId):
                raise TypeError(f"{value!r} is no JSON.")
            return make_id("data_elements", self._spec.name, value.name)

        return json_text(settings, head_id)

    def _extension(self, spec: demo.Installed) -> None:
        created, updated = self._created + timedelta(minutes=3), self._created + timedelta(days=40)
        attributes = _revisionable(
            created,
            updated,
            name=spec.package,
            display_name=spec.display_name,
            version=spec.version,
            enabled=True,
            delegate_descriptor_id=f"{spec.package}::extensionConfiguration::config"
            if spec.settings
            else None,
            settings=self._settings(spec.settings),
            review_status="unsubmitted",
        )
        package: Identifier = self._package(spec.package, spec.version)
        record = Record(
            "extensions", make_id("extensions", self._spec.name, spec.package), attributes
        )
        record.to_one = {"extension_package": package, "updated_with_extension_package": package}
        latest = VERSIONS[self._spec.platform, spec.package][-1]
        if latest != spec.version:
            record.meta["upgrade_extension_package_id"] = self._package(spec.package, latest)[1]
        self._add_head(record, created)
        self._extensions[spec.package] = (record.type, record.id)

    def _package(self, name: str, version: str) -> Identifier:
        platform = self._spec.platform
        return "extension_packages", make_id("extension_packages", platform, name, version)

    def _delegated(self, delegate: str) -> dict[str, Identifier | None]:
        """The relations that follow from a delegate: the extension that defines it."""
        package = delegate.partition("::")[0]
        extension = self._extensions[package]
        version = next(each.version for each in self._spec.extensions if each.package == package)
        # Its revision that was current is named when all have been cut.
        return {
            "extension": extension,
            "updated_with_extension": extension,
            "updated_with_extension_package": self._package(package, version),
        }

    def _element(self, spec: demo.Element, position: int) -> None:
        created, updated = self._when(position, len(self._spec.elements))
        attributes = _revisionable(
            created,
            updated,
            name=spec.name,
            enabled=True,
            delegate_descriptor_id=spec.delegate,
            settings=self._settings(spec.settings),
            default_value=spec.default,
            clean_text=spec.lower,
            force_lower_case=spec.lower,
            storage_duration=spec.storage,
            review_status="unsubmitted",
        )
        identifier = make_id("data_elements", self._spec.name, spec.name)
        self._add_head(
            Record("data_elements", identifier, attributes, self._delegated(spec.delegate)), created
        )

    def _rule(self, spec: demo.Rule, position: int) -> None:
        created, updated = self._when(position, len(self._spec.rules))
        attributes = _revisionable(
            created, updated, name=spec.name, enabled=spec.enabled, review_status="unsubmitted"
        )
        rule = self._add_head(
            Record("rules", make_id("rules", self._spec.name, spec.name), attributes), created
        )
        orders: dict[str, int] = {}
        for number, (name, delegate, settings) in enumerate(spec.steps):
            kind = delegate.split("::")[1]
            at = created + timedelta(minutes=2 * number + 1)
            values = _revisionable(
                at,
                max(updated, at),
                name=name,
                delegate_descriptor_id=delegate,
                settings=self._settings(settings),
                order=orders.setdefault(kind, 0),
                rule_order=50.0,
                timeout=2000,
                delay_next=True,
                negate=False,
            )
            orders[kind] += 1
            identifier = make_id("rule_components", self._spec.name, spec.name, str(number))
            component = Record("rule_components", identifier, values, self._delegated(delegate))
            component.to_one |= {"property": self._here, "origin": (component.type, component.id)}
            component.meta["latest_revision_number"] = 0
            self._attach(component, rule)

    def _attach(self, component: Record, rule: Record) -> None:
        _sign(component)
        self._store.add(component, rule.id)
        self._store.link(component.id, "rules", rule)
        self._components.setdefault(rule.id, []).append(component)

    def _environment(self, stage: str) -> Record:
        name = stage.capitalize()
        token = digest(f"environment {self._spec.name} {stage}", 6)
        created = _stamp(self._created + timedelta(minutes=5 + _STAGES.index(stage)))
        library_path = f"{self._company.attributes['token']}/{self._property.attributes['token']}"
        attributes = {
            "created_at": created,
            "updated_at": created,
            "name": name,
            "stage": stage,
            "path": folder(stage),
            "archive": False,
            "status": "succeeded",
            "token": token,
            **file_names(stage, token, library_path),
        }
        to_one: dict[str, Identifier | None] = {
            "library": None,
            "host": ("hosts", make_id("hosts", self._spec.name)),
            "property": self._here,
        }
        record = Record(
            "environments", make_id("environments", self._spec.name, stage), attributes, to_one
        )
        record.meta["archive_encrypted"] = False
        return self._store.add(record, self._property.id)

    def _library(
        self, name: str, state: str, created: datetime, upstream: Identifier | None
    ) -> Record:
        attributes = {
            "created_at": _stamp(created),
            "updated_at": _stamp(created + timedelta(days=1)),
            "name": name,
            "state": state,
            "published_at": None,
            "build_required": state != "published",
        }
        to_one: dict[str, Identifier | None] = {
            "environment": None,
            "upstream_library": upstream,
            "property": self._here,
            "last_build": None,
        }
        record = Record(
            "libraries", make_id("libraries", self._spec.name, name), attributes, to_one
        )
        record.meta = {
            "build_status": None,
            "build_required_detail": "No build found since last state change",
        }
        return self._store.add(record, self._property.id)

    def _release(
        self,
        name: str,
        when: datetime,
        upstream: Identifier | None,
        environments: dict[str, Record],
    ) -> Identifier:
        """A published library with a revision of everything that exists by then."""
        library = self._library(name, "published", when - timedelta(days=3), upstream)
        library.attributes |= {
            "published_at": _stamp(when),
            "updated_at": _stamp(when),
            "build_required": False,
        }
        library.meta = {"build_status": "succeeded"}
        library.to_one["last_build"] = ("builds", make_id("builds", self._spec.name, name))
        self._occupy(library, environments["production"])
        for head, created in self._heads:
            if created < when:
                revision = self._revise(head, when - timedelta(days=3))
                self._put(library, revision)
                for record in (revision, *self._store.listed(revision.id, "rule_components")):
                    first = record.attributes["published_at"] or _stamp(when)
                    record.attributes |= {"published": True, "published_at": first}
        return library.type, library.id

    def _open_library(
        self,
        name: str,
        state: str,
        when: datetime,
        upstream: Identifier | None,
        environments: dict[str, Record],
    ) -> None:
        library = self._library(name, state, when, upstream)
        stage = {"submitted": "staging", "approved": "production"}.get(state, "development")
        if stage != "production" and state != "rejected":
            self._occupy(library, environments[stage])
        changed = [
            head
            for head, _ in self._heads
            if head.attributes["updated_at"] > _stamp(when - timedelta(days=120))
        ]
        for head in changed[:8]:
            self._put(library, self._revise(head, when))

    def _occupy(self, library: Record, environment: Record) -> None:
        """One library per environment: the newest one."""
        before = environment.to_one["library"]
        previous = self._store.get(*before) if before else None
        if previous is not None:
            previous.to_one["environment"] = None
        environment.to_one["library"] = (library.type, library.id)
        library.to_one["environment"] = (environment.type, environment.id)

    def _put(self, library: Record, revision: Record) -> None:
        self._store.link(library.id, revision.type, revision)
        self._store.link(revision.id, "libraries", library)

    def _revise(self, head: Record, when: datetime) -> Record:
        """Freeze the head into its next revision; a rule takes its components along."""
        number = head.meta["latest_revision_number"] + 1
        latest = self._latest(head)
        # Unchanged heads keep their revision: about half of them change from release to release.
        if latest is not None and int(digest(f"{head.id} {when}", 1), 16) % 2:
            return latest
        revision = self._copy(head, number, when)
        self._store.add(revision)
        self._store.link(head.id, "revisions", revision)
        self._store.link(revision.id, "revisions", revision)
        head.meta["latest_revision_number"] = number
        head.attributes["dirty"] = head.attributes["updated_at"] > _stamp(when)
        if head.type == "rules":
            for component in list(self._components[head.id]):
                copy = self._copy(component, number, when)
                component.meta["latest_revision_number"] = number
                self._store.add(copy, revision.id)
                self._store.link(copy.id, "rules", revision)
        return revision

    def _latest(self, head: Record) -> Record | None:
        revisions = self._store.listed(head.id, "revisions")
        return revisions[-1] if len(revisions) > 1 else None

    def _copy(self, head: Record, number: int, when: datetime) -> Record:
        stamp = _stamp(when + _jitter(f"{head.id} {number}", 3))
        attributes = {**head.attributes, "revision_number": number, "dirty": False}
        attributes |= {"created_at": stamp, "updated_at": stamp}
        identifier = make_id(head.type, head.id, str(number))
        copy = Record(
            head.type, identifier, attributes, dict(head.to_one), {"latest_revision_number": number}
        )
        return _sign(copy)


def _generate(store: Store, company: Record, bulk: Bulk) -> None:
    """Plain records in any number, for tests and measurements; every date is distinct."""
    places: list[Record] = []
    properties = bulk.properties or (1 if bulk.rules or bulk.data_elements or bulk.events else 0)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for number in range(1, properties + 1):
        name = f"Generated {number:04d}"
        record = store.add(
            _property(name, "web", start + timedelta(seconds=number), ("generated.example",)),
            company.id,
        )
        places.append(record)
        here: Identifier = ("properties", record.id)
        package: Identifier = (
            "extension_packages",
            make_id("extension_packages", "web", "core", "3.4.4"),
        )
        core = _generated(store, "extensions", name, 0, here, {
            "name": "core", "display_name": "Core", "version": "3.4.4", "enabled": True,
            "delegate_descriptor_id": None, "settings": "{}", "review_status": "unsubmitted",
        })  # fmt: skip
        core.to_one["extension_package"] = package
        extension: dict[str, Identifier | None] = {"extension": (core.type, core.id)}
        for index in range(bulk.data_elements):
            element = _generated(store, "data_elements", name, index, here, {
                "name": f"Element {index:05d}", "enabled": True,
                "delegate_descriptor_id": "core::dataElements::javascript-variable",
                "settings": json_text({"path": f"data.v{index}"}), "default_value": None,
                "clean_text": False, "force_lower_case": False, "storage_duration": None,
                "review_status": "unsubmitted",
            })  # fmt: skip
            element.to_one |= extension
        for index in range(bulk.rules):
            rule = _generated(store, "rules", name, index, here, {
                "name": f"Rule {index:05d}", "enabled": index % 7 != 0, "review_status": "unsubmitted",
            })  # fmt: skip
            for part in range(bulk.components):
                _generated_component(store, name, rule, part, extension)
    if bulk.events:
        log(store, places, bulk.events, make_id)


def _generated(
    store: Store,
    resource_type: str,
    name: str,
    index: int,
    here: Identifier,
    attributes: dict[str, Any],
) -> Record:
    created = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=index, milliseconds=index % 997)
    identifier = make_id(resource_type, name, str(index))
    record = Record(
        resource_type,
        identifier,
        _revisionable(created, created + timedelta(hours=1, seconds=index), **attributes),
    )
    record.to_one = {"property": here, "origin": (resource_type, identifier)}
    record.meta["latest_revision_number"] = 0
    _sign(record)
    store.add(record, here[1])
    store.link(identifier, "revisions", record)
    return record


def _generated_component(
    store: Store, name: str, rule: Record, part: int, extension: dict[str, Identifier | None]
) -> None:
    kind = ("events::dom-ready", "conditions::path", "actions::custom-code")[part % 3]
    settings: dict[str, Any] = (
        {},
        {"paths": [{"value": f"/page/{part}"}]},
        {"language": "javascript", "source": f"console.log({part});"},
    )[part % 3]
    created = datetime.fromisoformat(rule.attributes["created_at"]) + timedelta(seconds=part + 1)
    attributes = _revisionable(
        created,
        created,
        name=f"Step {part}",
        delegate_descriptor_id=f"core::{kind}",
        settings=json_text(settings),
        order=part // 3,
        rule_order=50.0,
        timeout=2000,
        delay_next=True,
        negate=False,
    )
    identifier = make_id("rule_components", name, rule.id, str(part))
    record = Record("rule_components", identifier, attributes, dict(extension))
    record.to_one |= {"property": rule.to_one["property"], "origin": (record.type, record.id)}
    record.meta["latest_revision_number"] = 0
    _sign(record)
    store.add(record, rule.id)
    store.link(record.id, "rules", rule)
