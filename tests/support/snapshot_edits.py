"""A company that is edited over time, with every kind of change that the API supports."""

import json
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd

from adobe_nb import snapshot
from adobe_nb.simulator.messages import JSON_API, Response
from adobe_nb.simulator.seed import Bulk
from adobe_nb.snapshot.plan import DIRECT, PLAN, selected
from tests.conftest import sign_in, started, until

EVERYTHING = [*snapshot.TABLES, "audit_events"]
MOST_EDITED = ["rule_components", "data_elements", "builds"]
COOKIE = "core::dataElements::cookie"
LOADED = "core::events::library-loaded"
HOUR = 3600.0
CONFIGURATIONS = {
    "adobe-alloy": {"instances": []},
    "adobe-mcid": {"orgId": "A@AdobeOrg"},
    "adobegoogledatalayer": {"dataLayer": "dataLayer"},
    "facebook-pixel": {"pixelId": "1"},
}


class Later:
    """The simulator's clock, which can be advanced; responses are dated by it."""

    def __init__(self, simulator: Any) -> None:
        self.ahead = 0.0
        self.skew = 0.0
        """Seconds by which the clock of the gateway, which dates the responses, is ahead."""
        self.rewrite: Callable[[str, dict[str, Any]], None] | None = None
        """Changes the document of a response, given its path."""
        self.watch: Callable[[str], object] = lambda path: None
        """Called before each response."""
        self._app = simulator.app
        for store in simulator.stores.values():
            store.clock = self.time
        simulator.app = self

    def time(self) -> float:
        return time.time() + self.ahead

    def __call__(self, request: Any) -> Any:
        self.watch(request.path)
        answer = self._app(request)
        if self.rewrite is not None and answer.content_type == JSON_API:
            document = json.loads(answer.body)
            self.rewrite(request.path, document)
            answer = replace(answer, body=json.dumps(document).encode())
        return replace(
            answer,
            headers={**answer.headers, "Date": formatdate(self.time() + self.skew, usegmt=True)},
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)


@contextmanager
def broken(
    session: Any,
    simulator: Any,
    breaks: Callable[[str], bool],
    ready: Callable[[], bool] = lambda: True,
) -> Iterator[None]:
    """Let requests fail for which ``breaks`` returns true, and all later ones after ``ready``.

    Until then the failed request waits with its retry, so the speed of the others does not matter.
    """
    working, sleep = simulator.app, session._transport._sleep
    failing = threading.Event()

    def answer(request: Any) -> Any:
        if not failing.is_set() and not breaks(request.path):
            return working(request)
        if ready():
            failing.set()
        return Response(500, b"{}", JSON_API)

    session._transport._sleep, simulator.app = (lambda _: until(ready, 60)), answer
    try:
        yield
    finally:
        simulator.app, session._transport._sleep = working, sleep


def after(requests: int) -> Callable[[str], bool]:
    """Return whether a request comes after that number of requests."""
    numbers = count(1)
    return lambda path: next(numbers) > requests


def stored(folder: Path) -> set[tuple[str, str]]:
    """Return table and property of the parts that an unfinished pull has stored."""
    # The last line may be incomplete.
    lines = [
        line
        for notes in folder.glob(".draft-*/_parts.jsonl")
        for line in notes.read_bytes().splitlines(True)
    ]
    parts = [json.loads(line) for line in lines if len(line) > 1 and line.endswith(b"\n")]
    return {(part["table"], part["property"]) for part in parts if part["property"]}


def lists_of(parts: set[tuple[str, str]], tables: Mapping[str, pd.DataFrame]) -> set[str]:
    """Return the paths that need not be requested again when these parts are stored."""
    paths = set()
    for table, identifier in parts:
        plan = PLAN[table]
        if table in DIRECT:
            paths.add(f"/properties/{identifier}/{table}")
        elif plan.requires and plan.parent:
            parents = selected(table, partial(_own_rows, tables, identifier))
            paths |= {f"/{plan.parent}/{parent}/{plan.type}" for parent in parents}
    return paths


def _own_rows(tables: Mapping[str, pd.DataFrame], property_id: str, table: str) -> pd.DataFrame:
    frame = tables[table]
    return frame[frame["property_id"] == property_id]


class Company:
    """Two properties: with pages of three, only ``long`` has lists of several pages."""

    def __init__(self, rules: int = 5, build_seconds: float = 60.0) -> None:
        self.simulator = started(
            seed="empty",
            bulk=Bulk(properties=1, rules=rules, components=1, data_elements=rules),
            build_seconds=build_seconds,
        )
        self.clock = Later(self.simulator)
        self.session = sign_in(self.simulator)
        self.reactor = self.session.reactor
        self.random = random.Random(0)
        self.folder = Path(tempfile.mkdtemp())
        self.count = 0
        self.long = self.reactor.properties()
        self.short = self.reactor.properties.create(
            name="Short", platform="web", domains=["shop.example"]
        )
        for site in (self.long, self.short):
            for name in ("adobe-alloy", "adobe-mcid", "adobegoogledatalayer")[
                : 3 if site is self.long else 0
            ]:
                self.install(site, name)
            self.stages(site)
        rule = self.reactor.rules.create(self.short, name=self.name())
        self.component(self.short, rule)
        self.element(self.short)

    def pass_time(self, seconds: float = HOUR) -> None:
        self.clock.ahead += seconds

    def refresh(self) -> snapshot.Snapshot:
        return snapshot.refresh(self.folder, session=self.session)

    def pull(self, to: str | Path | None = None, **options: Any) -> snapshot.Snapshot:
        return snapshot.pull(to=to or tempfile.mkdtemp(), session=self.session, **options)

    def name(self) -> str:
        self.count += 1
        return f"Thing {self.count}"

    def pick(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.iloc[[self.random.randrange(len(frame))]]

    def one(self, kind: str, site: pd.DataFrame, **filters: Any) -> pd.DataFrame:
        return self.pick(getattr(self.reactor, kind)(site, filter=filters or None))

    def core(self, site: pd.DataFrame) -> pd.DataFrame:
        return self.one("extensions", site, name="EQ core")

    def install(self, site: pd.DataFrame, name: str) -> pd.DataFrame:
        package = self.reactor.extension_packages(
            filter={"name": f"EQ {name}", "platform": "EQ web"}
        )
        return self.reactor.extensions.create(
            site,
            extension_package=package,
            delegate_descriptor_id=f"{name}::extensionConfiguration::config",
            settings=CONFIGURATIONS[name],
        )

    def stages(self, site: pd.DataFrame) -> None:
        host = self.reactor.hosts.create(site, name="Adobe", type_of="akamai")
        for stage in ("development", "development", "staging", "production"):
            self.reactor.environments.create(site, name=self.name(), stage=stage, host=host)

    def stage(self, site: pd.DataFrame, stage: str) -> pd.DataFrame:
        environments = self.reactor.environments(site, filter={"stage": f"EQ {stage}"})
        free = environments[environments["library_id"].isna()]
        return (free if len(free) else environments).head(1)

    def component(self, site: pd.DataFrame, rule: pd.DataFrame) -> pd.DataFrame:
        return self.reactor.rule_components.create(
            rule,
            name=self.name(),
            delegate_descriptor_id=LOADED,
            order=1,
            extension=self.core(site),
        )

    def element(self, site: pd.DataFrame) -> pd.DataFrame:
        return self.reactor.data_elements.create(
            site,
            name=self.name(),
            delegate_descriptor_id=COOKIE,
            settings={"name": "x"},
            extension=self.core(site),
        )

    def library(
        self, site: pd.DataFrame, state: str = "development", *resources: pd.DataFrame
    ) -> pd.DataFrame:
        """Create a library in that state, built if it is beyond development."""
        libraries = self.reactor.libraries
        library = libraries.create(site, name=self.name())
        name = library["name"].iloc[0]
        for resource in (self.core(site), *resources):
            libraries.add(library, resource, revise=True)
        for stage, step, reached in (
            ("development", "submit", "submitted"),
            ("staging", "approve", "approved"),
            ("production", None, ""),
        ):
            if state == "development":
                break
            libraries.assign(library, self.stage(site, stage))
            libraries.build(library, confirm=name)
            self.pass_time()
            if step:
                getattr(libraries, step)(library)
            if reached == state:
                break
        return libraries.get(library)


Edit = Callable[[Company, pd.DataFrame], object]


def create_rule(company: Company, site: pd.DataFrame) -> None:
    company.component(site, company.reactor.rules.create(site, name=company.name()))


def update_rule(company: Company, site: pd.DataFrame) -> None:
    company.reactor.rules.update(company.one("rules", site), name=company.name())


def delete_rule(company: Company, site: pd.DataFrame) -> None:
    company.reactor.rules.delete(company.one("rules", site))


def swap_rules(company: Company, site: pd.DataFrame) -> None:
    delete_rule(company, site)
    create_rule(company, site)


def revise_rule(company: Company, site: pd.DataFrame) -> None:
    company.reactor.rules.revise(company.one("rules", site))


def create_component(company: Company, site: pd.DataFrame) -> None:
    company.component(site, company.one("rules", site))


def create_component_of_two_rules(company: Company, site: pd.DataFrame) -> None:
    rules = [
        {"id": rule_id, "type": "rules"} for rule_id in company.reactor.rules(site)["id"].head(2)
    ]
    linked = {
        "extension": {"data": {"id": company.core(site)["id"].iloc[0], "type": "extensions"}},
        "rules": {"data": rules},
    }
    attributes = {"name": company.name(), "delegate_descriptor_id": LOADED, "settings": "{}"}
    document = {
        "data": {"type": "rule_components", "attributes": attributes, "relationships": linked}
    }
    company.reactor.request(
        "POST", f"/properties/{site['id'].iloc[0]}/rule_components", body=document
    )


def update_component(company: Company, site: pd.DataFrame) -> None:
    component = company.pick(company.reactor.rule_components(site))
    company.reactor.rule_components.update(component["id"].iloc[0], name=company.name())


def delete_component(company: Company, site: pd.DataFrame) -> None:
    company.reactor.rule_components.delete(
        company.pick(company.reactor.rule_components(site))["id"].iloc[0]
    )


def create_data_element(company: Company, site: pd.DataFrame) -> None:
    company.element(site)


def update_data_element(company: Company, site: pd.DataFrame) -> None:
    company.reactor.data_elements.update(company.one("data_elements", site), name=company.name())


def swap_data_elements(company: Company, site: pd.DataFrame) -> None:
    """Delete one and create one, so that the number stays."""
    company.reactor.data_elements.delete(company.one("data_elements", site))
    company.element(site)


def revise_data_element(company: Company, site: pd.DataFrame) -> None:
    company.reactor.data_elements.revise(company.one("data_elements", site))


def install_extension(company: Company, site: pd.DataFrame) -> None:
    company.install(site, "facebook-pixel")


def update_extension(company: Company, site: pd.DataFrame) -> None:
    pixel = company.one("extensions", site, name="EQ facebook-pixel")
    company.reactor.extensions.update(pixel, settings={"pixelId": company.name()})


def revise_extension(company: Company, site: pd.DataFrame) -> None:
    company.reactor.extensions.revise(company.core(site))


def delete_extension(company: Company, site: pd.DataFrame) -> None:
    company.reactor.extensions.delete(company.one("extensions", site, name="EQ facebook-pixel"))


def environments_come_change_and_go(company: Company, site: pd.DataFrame) -> None:
    host = company.one("hosts", site, name="EQ Adobe")
    for stays in (True, False):
        made = company.reactor.environments.create(
            site, name=company.name(), stage="development", host=host
        )
        company.reactor.environments.update(made, name=company.name())
        if not stays:
            company.reactor.environments.delete(
                made, confirm=company.reactor.environments.get(made)["name"].iloc[0]
            )


def a_host_that_is_tried(company: Company, site: pd.DataFrame) -> None:
    company.reactor.hosts.create(
        site,
        name=company.name(),
        type_of="sftp",
        server="files.invalid",
        username="u",
        path="/",
        port=22,
        encrypted_private_key="hidden key",
    )


def note_property(company: Company, site: pd.DataFrame) -> None:
    company.reactor.notes.create(site, text=company.name())


def callbacks_come_and_change(company: Company, site: pd.DataFrame) -> None:
    made = company.reactor.callbacks.create(
        site, url="https://hook.example/", subscriptions=["rule.created"]
    )
    company.reactor.callbacks.update(
        made, url="https://hook.example/2", subscriptions=["rule.updated"]
    )


def create_library(company: Company, site: pd.DataFrame) -> None:
    company.library(site)


def fill_a_library(company: Company, site: pd.DataFrame) -> None:
    library = company.library(site)
    rule = company.one("rules", site)
    company.reactor.libraries.add(library, rule, revise=True)
    company.reactor.libraries.remove(library, rule)


def fill_a_library_for_good(company: Company, site: pd.DataFrame) -> None:
    company.library(
        site, "development", company.one("rules", site), company.one("data_elements", site)
    )


def add_to_a_library(company: Company, site: pd.DataFrame) -> None:
    """Add a new rule, and take another one out."""
    libraries = company.reactor.libraries(site, filter={"state": "EQ development"})
    library = [one for one in libraries["id"] if len(company.reactor.rules(one))][-1]
    held = company.reactor.rules(library)
    create_rule(company, site)
    new = company.reactor.rules(site, sort="created_at").tail(1)
    company.reactor.libraries.add(library, new, revise=True)
    company.reactor.libraries.remove(library, held.head(1))


def delete_library(company: Company, site: pd.DataFrame) -> None:
    libraries = company.reactor.libraries(site, filter={"state": "EQ development"})
    company.reactor.libraries.delete(company.pick(libraries))


def begin_a_build(company: Company, site: pd.DataFrame) -> None:
    library = company.library(site)
    company.reactor.libraries.assign(library, company.stage(site, "development"))
    company.reactor.libraries.build(library)


def submit_a_library(company: Company, site: pd.DataFrame) -> None:
    company.library(site, "submitted")


def reject_a_library(company: Company, site: pd.DataFrame) -> None:
    libraries = company.reactor.libraries(site, filter={"state": "EQ submitted"})
    company.reactor.libraries.develop(company.reactor.libraries.reject(company.pick(libraries)))


def publish_a_library(company: Company, site: pd.DataFrame) -> None:
    company.library(site, "published")


def publish_rules(company: Company, site: pd.DataFrame) -> None:
    company.library(
        site, "published", company.one("rules", site), company.one("data_elements", site)
    )


def submit_a_rule_in_two_libraries(company: Company, site: pd.DataFrame) -> None:
    rule = company.reactor.rules.revise(company.one("rules", site))
    for _ in range(2):
        company.library(site, "submitted", rule)


def publish_what_was_submitted(company: Company, site: pd.DataFrame) -> None:
    """Publish the last library that was submitted: its revisions become published everywhere."""
    libraries = company.reactor.libraries
    library = libraries(site, filter={"state": "EQ submitted"}, sort="created_at").tail(1)
    name = library["name"].iloc[0]
    for stage in ("staging", "production"):
        libraries.assign(library, company.stage(site, stage))
        libraries.build(library, confirm=name)
        company.pass_time()
        if stage == "staging":
            libraries.approve(library)


def delete_environment(company: Company, site: pd.DataFrame) -> None:
    """Its builds stay, but are not delivered any more."""
    environments = company.reactor.environments(site, filter={"stage": "EQ development"})
    environment = company.pick(environments)
    company.reactor.environments.delete(environment, confirm=environment["name"].iloc[0])


def republish_a_build(company: Company, site: pd.DataFrame) -> None:
    library = company.reactor.libraries(site, filter={"state": "EQ published"}).tail(1)
    company.reactor.builds.republish(
        library["last_build_id"].iloc[0], confirm=library["name"].iloc[0]
    )


def rename_property(company: Company, site: pd.DataFrame) -> None:
    company.reactor.properties.update(site, domains=[f"{company.name()[6:]}.example"])


def secrets_come_change_and_go(company: Company, site: pd.DataFrame) -> None:
    edge = company.reactor.properties(filter={"platform": "EQ edge"})
    if edge.empty:
        edge = company.reactor.properties.create(name="Edge", platform="edge")
        company.stages(edge)
    environment = company.stage(edge, "development")
    for stays in (True, False):
        made = company.reactor.secrets.create(
            edge,
            name=company.name(),
            type_of="token",
            credentials={"token": "hidden token"},
            environment=environment,
        )
        company.reactor.secrets.update(made, name=company.name())
        if not stays:
            company.reactor.secrets.delete(made)


def create_property(company: Company, site: pd.DataFrame) -> None:
    company.reactor.properties.create(name=company.name(), platform="web", domains=["x.example"])


def delete_property(company: Company, site: pd.DataFrame) -> None:
    properties = company.reactor.properties(filter={"name": "CONTAINS Thing"}).head(1)
    if len(properties):
        company.reactor.properties.delete(properties, confirm=properties["name"].iloc[0])


TOGETHER: list[list[Edit]] = [
    [create_rule, create_data_element, install_extension, note_property],
    [update_rule, update_data_element, update_extension, environments_come_change_and_go],
    [swap_rules, swap_data_elements, a_host_that_is_tried, callbacks_come_and_change],
    [revise_rule, revise_data_element, revise_extension, rename_property],
    [create_component, delete_extension],
    [create_component_of_two_rules],
    [update_component],
    [delete_component],
    [delete_rule],
    [create_library],
    [fill_a_library],
    [fill_a_library_for_good],
    [add_to_a_library],
    [delete_library],
    [begin_a_build],
    [submit_a_library],
    [reject_a_library],
    [publish_a_library],
    [publish_rules],
    [submit_a_rule_in_two_libraries],
    [publish_what_was_submitted],
    [republish_a_build],
    [delete_environment],
    [create_property, secrets_come_change_and_go],
    [delete_property],
]
"""All edits, in an order in which each finds what it requires. Edits of one group do not hide each
other's traces.
"""
EDITS = [edit for edits in TOGETHER for edit in edits]
SETTLING = {
    begin_a_build,
    a_host_that_is_tried,
    publish_a_library,
    publish_rules,
    publish_what_was_submitted,
    republish_a_build,
    secrets_come_change_and_go,
}
"""Edits that are followed by another change later."""
