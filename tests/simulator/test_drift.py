"""The fault ``drift``: lists change while they are read, and the state stays consistent."""

from random import Random
from typing import Any

import pytest
import requests

from adobe_nb.simulator.drift import Change
from adobe_nb.simulator.faults import Fault
from adobe_nb.simulator.messages import Request
from adobe_nb.simulator.seed import Bulk
from tests.support.caller import ACCEPT, COMPANY, Caller


@pytest.fixture
def api() -> Caller:
    return Caller("demo")


def place(api: Caller) -> str:
    return next(
        record.id
        for record in api.store.all("properties")
        if record.attributes["name"] == "Web Store US"
    )


def rule(api: Caller) -> str:
    """A rule with several components."""
    rules = api.store.listed(place(api), "rules")
    return max(rules, key=lambda record: len(api.store.listed(record.id, "rule_components"))).id


def drift(api: Caller, path: str, chance: Random, **headers: str) -> Change | None:
    return api.app.drift(Request("GET", path, (), {**api.headers(), **headers}), chance)


def paths(api: Caller) -> dict[str, str]:
    lists = {
        kind: f"/properties/{place(api)}/{kind}" for kind in ("rules", "data_elements", "libraries")
    }
    return {**lists, "rule_components": f"/rules/{rule(api)}/rule_components"}


@pytest.mark.parametrize("kind", ["rules", "data_elements", "libraries", "rule_components"])
def test_members_are_created_and_deleted(api: Caller, kind: str) -> None:
    path, chance, verbs = paths(api)[kind], Random(1), set()
    for _ in range(8):
        before = set(api.ids(path))
        change = drift(api, path, chance)
        assert change is not None
        verb, of, identifier = change
        verbs.add(verb)
        assert of == kind
        assert set(api.ids(path)) == (
            before | {identifier} if verb == "created" else before - {identifier}
        )
    assert verbs == {"created", "deleted"}


@pytest.mark.parametrize("kind", ["rules", "data_elements", "libraries", "rule_components"])
def test_new_member_is_a_copy_with_current_dates(api: Caller, kind: str) -> None:
    path, chance = paths(api)[kind], Random(1)
    before = {member["attributes"]["name"] for member in api.listed(path)}
    created = None
    while created is None:
        verb, _, identifier = drift(api, path, chance) or ("", "", "")
        created = (
            next(member for member in api.listed(path) if member["id"] == identifier)
            if verb == "created"
            else None
        )
    attributes = created["attributes"]
    assert attributes["name"].rpartition(" (")[0] in before
    assert attributes["name"] not in before
    assert attributes["created_at"] == attributes["updated_at"]
    assert attributes["created_at"] > "2033"
    assert created["relationships"]["property"]["data"]["id"] == place(api)
    if kind == "rule_components":
        assert attributes["settings"]
        assert api.ids(f"/rule_components/{created['id']}/rules") == [rule(api)]


def test_changes_have_audit_events(api: Caller) -> None:
    chance = Random(1)
    for path in paths(api).values():
        before = len(api.store.all("audit_events"))
        verb, kind, identifier = drift(api, path, chance) or ("", "", "")
        new = api.store.all("audit_events")[before:]
        assert (verb, identifier) in {
            (event.attributes["type_of"].partition(".")[2], (event.to_one["entity"] or ("", ""))[1])
            for event in new
        }
        assert ("rule.updated" in {event.attributes["type_of"] for event in new}) == (
            kind == "rule_components"
        )


def test_list_of_audit_events_gets_a_new_event(api: Caller) -> None:
    before = set(api.ids("/audit_events"))
    verb, kind, identifier = drift(api, "/audit_events", Random(1)) or ("", "", "")
    newest = api.listed("/audit_events", ("sort", "-created_at"))[0]
    assert newest["id"] not in before
    assert newest["attributes"]["type_of"] == f"rule.{verb}"
    assert (kind, newest["relationships"]["entity"]["data"]["id"]) == ("rules", identifier)


def test_other_requests_change_nothing(api: Caller) -> None:
    shop = place(api)
    kept = api.store.chosen("kept until something changes", list)
    revision = api.store.listed(rule(api), "revisions")[-1].id
    others = (
        "/companies",
        f"/companies/{COMPANY}/properties",
        f"/properties/{shop}",
        f"/properties/{shop}/environments",
        f"/properties/{shop}/hosts",
        f"/rules/{rule(api)}/libraries",
        f"/rules/{revision}/rule_components",
        "/profile",
        "/properties/PRnone/rules",
        "/",
        "/nonsense",
    )
    for path in others:
        assert drift(api, path, Random(1)) is None
    rules = f"/properties/{shop}/rules"
    assert drift(api, rules, Random(1), authorization="Bearer none") is None
    assert api.app.drift(Request("POST", rules, (), api.headers()), Random(1)) is None
    assert drift(api, "/companies", Random(1), **{"x-gw-ims-org-id": ""}) is None
    assert api.store.chosen("kept until something changes", list) is kept


def test_empty_list_does_not_change() -> None:
    api = Caller("empty")
    shop = api.property()
    assert drift(api, f"/properties/{shop}/rules", Random(1)) is None
    assert drift(Caller("empty"), "/audit_events", Random(1)) is None


def test_member_with_invalid_settings_is_not_copied(api: Caller) -> None:
    path = paths(api)["data_elements"]
    for element in api.store.listed(place(api), "data_elements"):
        element.attributes["settings"] = "[]"
    before, changes = len(api.ids(path)), [drift(api, path, Random(seed)) for seed in range(6)]
    assert None in changes
    assert {change[0] for change in changes if change} == {"deleted"}
    assert len(api.ids(path)) == before - sum(change is not None for change in changes)


def test_state_is_consistent_after_many_changes(api: Caller) -> None:
    chance = Random(5)
    for _ in range(60):
        for path in [*paths(api).values(), "/audit_events"]:
            drift(api, path, chance)
    shop = place(api)
    for kind in ("rules", "data_elements", "libraries"):
        for member in api.listed(f"/properties/{shop}/{kind}"):
            for relation in member["relationships"].values():
                target = relation.get("data")
                assert not target or api.store.get(target["type"], target["id"]) is not None
            assert api.get(f"/{kind}/{member['id']}").data == member
            assert member["attributes"].get("deleted_at") is None


class TestServed:
    def asked(self, simulator: Any) -> tuple[list[Change], list[int]]:
        """Return the changes during six requests of a list, and the total counts of the responses."""
        details, store = simulator.connection(), next(iter(simulator.stores.values()))
        headers = {
            "Authorization": f"Bearer {details['access_token']}",
            "x-api-key": details["client_id"],
            "x-gw-ims-org-id": details["org_id"],
            "Accept": ACCEPT,
        }
        url = f"{simulator.reactor_url}/properties/{store.all('properties')[0].id}/rules"
        answers = [requests.get(url, headers=headers, timeout=30).json() for _ in range(6)]
        return simulator.drifted, [
            answer["meta"]["pagination"]["total_count"] for answer in answers
        ]

    def test_changes_are_recorded_and_the_same_at_every_start(self, simulate: Any) -> None:
        options: dict[str, Any] = {
            "seed": "empty",
            "bulk": Bulk(rules=40),
            "faults": (Fault("drift", 1),),
        }
        first, counts = self.asked(simulate(**options))
        total = 40
        for (verb, kind, _), count in zip(first, counts, strict=True):
            total += 1 if verb == "created" else -1
            assert (kind, count) == ("rules", total)
        again, _ = self.asked(simulate(**options))
        other, _ = self.asked(simulate(**options, fault_seed=7))
        assert again == first
        assert other != first
