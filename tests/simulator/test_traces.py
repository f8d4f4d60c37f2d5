"""Side effects of a change, on which refreshing relies: new ``updated_at`` and audit events."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from tests.support.caller import Answer, Caller, Site, made, samples, site


@dataclass
class Work:
    """A property with a rule, a component, and a library that is ready to be built."""

    api: Caller
    shop: Site

    def __post_init__(self) -> None:
        api, place = self.api, self.shop.place
        self.rule = api.rule(place)
        self.component = made(api.component(place, self.rule))
        self.element = made(api.data_element(place))
        self.library = api.library(place)
        assert api.assign(self.library, self.shop.development).status == 200
        contents = {"rules": self.rule, "data_elements": self.element, "extensions": self.shop.core}
        for kind, head in contents.items():
            assert api.put(self.library, kind, api.revise(kind, head)).status == 200
        self.upstream = api.library(place, "Other")
        self.sample = samples(api, self.shop)

    def create(self, kind: str) -> str:
        return made(self.api.post(self.sample[kind].parent, self.sample[kind].data()))

    def submitted(self) -> None:
        self.api.build(self.library)
        self.api.wait()
        assert self.api.act(f"/libraries/{self.library}", "submit").status == 200

    def published(self) -> str:
        """Publish the library, and return the id of its pending build."""
        self.submitted()
        self.built(self.shop.staging)
        assert self.api.act(f"/libraries/{self.library}", "approve").status == 200
        self.api.assign(self.library, self.shop.production)
        return made(self.api.build(self.library))

    def built(self, environment: str) -> None:
        self.api.assign(self.library, environment)
        made(self.api.build(self.library))
        self.api.wait()
        self.api.get("/heartbeat")

    def traces(self, change: Callable[[], object]) -> tuple[list[str], list[str]]:
        """Return the types of new events, and of older records with a new ``updated_at``."""
        store = self.api.store
        kinds = {kind: self.moments(kind) for kind in self.sample}
        before = len(store.all("audit_events"))
        self.api.now += 1
        change()
        events = store.all("audit_events")[before:]
        moved = [
            kind
            for kind, moments in kinds.items()
            for identifier, moment in self.moments(kind).items()
            if moments.get(identifier, moment) != moment
        ]
        return sorted(event.attributes["type_of"] for event in events), sorted(moved)

    def moments(self, kind: str) -> dict[str, str]:
        return {
            record.id: record.attributes.get("updated_at", "")
            for record in self.api.store.all(kind)
        }


@pytest.fixture
def work() -> Work:
    api = Caller()
    return Work(api, site(api))


Change = Callable[[Work], Any]
CHANGES: dict[str, tuple[Change, list[str], list[str]]] = {
    "a rule changes": (
        lambda work: work.api.update(f"/rules/{work.rule}", enabled=False),
        ["rule.updated"],
        ["rules"],
    ),
    "a component changes, and its rule": (
        lambda work: work.api.update(f"/rule_components/{work.component}", order=3),
        ["rule.updated", "rule_component.updated"],
        ["rule_components", "rules"],
    ),
    "a component is made": (
        lambda work: made(work.api.component(work.shop.place, work.rule)),
        ["rule.updated", "rule_component.created"],
        ["rules"],
    ),
    "a component is deleted": (
        lambda work: work.api.delete(f"/rule_components/{work.component}"),
        ["rule.updated", "rule_component.deleted"],
        ["rules"],
    ),
    "a rule is deleted, its components are not": (
        lambda work: work.api.delete(f"/rules/{work.rule}"),
        ["rule.deleted"],
        [],
    ),
    "a rule is revised: an event of the revision, none of the components'": (
        lambda work: work.api.revise("rules", work.rule),
        ["rule.created"],
        [],
    ),
    "a library gets an environment": (
        lambda work: work.api.assign(work.library, None),
        ["library.updated"],
        ["libraries"],
    ),
    "a library's contents change": (
        lambda work: work.api.put(work.library, "rules", how="PATCH"),
        ["library.updated"],
        ["libraries"],
    ),
    "a build begins": (lambda work: made(work.api.build(work.library)), ["build.created"], []),
    "a library is submitted, another one is stale": (
        lambda work: work.submitted(),
        ["build.created", "build.updated", "library.updated", "library.updated"],
        ["libraries"],
    ),
    "an environment is deleted": (
        lambda work: work.api.delete(f"/environments/{work.shop.development}"),
        ["environment.deleted"],
        [],
    ),
    "a property is deleted with all that is in it": (
        lambda work: work.api.delete(f"/properties/{work.shop.place}"),
        ["property.deleted"],
        [],
    ),
    "a note": (lambda work: work.create("notes"), [], []),
    "a callback": (lambda work: work.create("callbacks"), [], []),
    "a secret": (lambda work: work.create("secrets"), [], []),
}


@pytest.mark.parametrize("name", CHANGES)
def test_change_has_these_effects(work: Work, name: str) -> None:
    change, events, moved = CHANGES[name]
    assert work.traces(lambda: change(work)) == (events, moved)


def test_publishing_creates_events_of_build_and_library_only(work: Work) -> None:
    work.published()
    work.api.wait()
    events, moved = work.traces(lambda: work.api.get("/heartbeat"))
    assert events == ["build.updated", "library.updated"]
    assert moved == ["libraries"]
    (revision,) = work.api.listed(f"/libraries/{work.library}/rules")
    assert revision["attributes"]["published"] is True
    assert revision["attributes"]["updated_at"] < revision["attributes"]["published_at"]


def test_status_of_host_changes_without_event(work: Work) -> None:
    host = work.create("hosts")
    work.api.wait()
    assert work.traces(lambda: work.api.get("/heartbeat")) == ([], [])
    assert work.api.attributes(f"/hosts/{host}")["status"] == "succeeded"


@pytest.mark.parametrize(
    "kind",
    [
        "properties",
        "rules",
        "rule_components",
        "data_elements",
        "environments",
        "hosts",
        "libraries",
    ],
)
def test_dates_are_current_and_events_follow_them(work: Work, kind: str) -> None:
    api = work.api

    def latest(answer: Answer, name: str) -> None:
        moment = datetime.fromisoformat(answer.data["attributes"][name]).timestamp()
        assert abs(moment - api.now) < 1
        of_it = [
            event
            for event in api.store.all("audit_events")
            if (event.to_one["entity"] or ("", ""))[1] == answer.id
        ]
        event = of_it[-1]
        assert event.attributes["created_at"] > answer.data["attributes"][name]
        here = event.to_one["property"]
        assert here == (
            ("properties", answer.id) if kind == "properties" else ("properties", work.shop.place)
        )

    api.now += 1000
    made_one = work.create(kind)
    latest(api.get(f"/{kind}/{made_one}"), "created_at")
    api.now += 1000
    latest(api.update(f"/{kind}/{made_one}", **work.sample[kind].change), "updated_at")
    api.now += 1000
    assert api.delete(f"/{kind}/{made_one}").status == 204
    assert api.store.all("audit_events")[-1].attributes["type_of"].endswith(".deleted")
