"""Libraries and builds by public calls: filling, the way to production, waiting, and what stops it."""

import json
from typing import Any

import pandas as pd
import pytest

from adobe_nb import ApiError, ArgumentError, ConfirmationRequired, DelayedError, WaitTimeout

VARIABLE = "core::dataElements::javascript-variable"


def make_element(shop: Any, name: str = "page") -> pd.DataFrame:
    return shop.reactor.data_elements.create(
        shop.property,
        name=name,
        delegate_descriptor_id=VARIABLE,
        settings={"path": "a"},
        extension=shop.core,
    )


def sent(shop: Any) -> list[tuple[str, str]]:
    return [(each.method, each.path) for each in shop.simulator.requests if each.method != "GET"]


def test_the_whole_way_to_production(shop: Any) -> None:
    reactor = shop.reactor
    rule = reactor.rules.create(shop.property, name="Home")
    reactor.rule_components.create(
        rule,
        name="Loaded",
        delegate_descriptor_id="core::events::library-loaded",
        extension=shop.core,
    )
    library = reactor.libraries.create(shop.property, name="First")
    library = reactor.libraries.add(library, [shop.core, make_element(shop), rule], revise=True)
    reactor.libraries.assign(library, shop.development)
    reactor.builds.wait(reactor.libraries.build(library), poll=0.01)
    reactor.libraries.assign(reactor.libraries.submit(library), shop.staging)
    reactor.builds.wait(reactor.libraries.build(library), poll=0.01)
    reactor.libraries.assign(reactor.libraries.approve(library), shop.production)
    build = reactor.builds.wait(reactor.libraries.build(library, confirm="First"), poll=0.01)
    assert reactor.libraries.get(library).loc[0, "state"] == "published"
    assert build.loc[0, "meta_artifact_url"].startswith("https://assets.adobedtm.com/")
    assert reactor.rules(build)["name"].tolist() == ["Home"]
    assert bool(reactor.rules(library).loc[0, "published"])


class TestFilling:
    def test_add_sends_one_request_per_type_and_returns_the_library(self, shop: Any) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        elements = [make_element(shop, name) for name in ("a", "b")]
        revisions = shop.reactor.data_elements.revise(elements)
        core = shop.reactor.extensions.revisions(shop.core).query("revision_number == 1")
        shop.simulator.requests.clear()
        answer = shop.reactor.libraries.add(library, [revisions, core])
        here = f"/libraries/{library.loc[0, 'id']}"
        assert sent(shop) == [
            ("POST", f"{here}/relationships/extensions"),
            ("POST", f"{here}/relationships/data_elements"),
        ]
        assert answer.loc[0, "id"] == library.loc[0, "id"]
        assert set(shop.reactor.data_elements(library)["id"]) == set(revisions["id"])

    def test_refuses_heads_by_name_before_any_write(self, shop: Any) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        head = make_element(shop)
        shop.simulator.requests.clear()
        with pytest.raises(
            ArgumentError, match=r"'page' is a head, and a library holds revisions.*revise=True"
        ):
            shop.reactor.libraries.add(library, head)
        assert sent(shop) == []

    def test_revise_adds_the_next_revision_of_a_head(self, shop: Any) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        head = make_element(shop)
        shop.reactor.libraries.add(library, head, revise=True)
        held = shop.reactor.data_elements(library)
        assert held["origin_id"].tolist() == head["id"].tolist()
        assert held["revision_number"].tolist() == [1]

    @pytest.mark.parametrize(
        ("kind", "says"),
        [
            ("rule_components", "The revision of its rule includes it"),
            ("environments", "not environments"),
            (None, "nothing to add"),
        ],
    )
    def test_refuses_other_types_without_a_request(
        self, shop: Any, kind: str | None, says: str
    ) -> None:
        prefix = {"rule_components": "RC", "environments": "EN"}.get(kind or "", "")
        with pytest.raises(ArgumentError, match=says):
            shop.reactor.libraries.add("LB" + "0" * 32, f"{prefix}{'0' * 32}" if kind else [])
        assert not shop.simulator.requests

    def test_refuses_deleted_resources(self, shop: Any) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        head = make_element(shop)
        shop.reactor.data_elements.delete(head)
        with pytest.raises(
            ArgumentError, match="Deleted resources cannot be added to a library: 'page'"
        ):
            shop.reactor.libraries.add(library, head, revise=True)

    def test_when_a_request_fails_a_note_says_what_was_added(self, shop: Any) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        head = make_element(shop)
        shop.reactor.libraries.add(library, head, revise=True)
        with pytest.raises(ApiError, match="multiple-revisions") as caught:
            shop.reactor.libraries.add(library, [shop.core, head], revise=True)
        assert caught.value.__notes__ == [
            f"Done before that (add; leave it out when you retry): extensions ({shop.core.loc[0, 'id']})."
        ]
        assert len(shop.reactor.extensions(library)) == 1

    def test_remove_accepts_a_head_for_its_revision(self, shop: Any) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        head = make_element(shop)
        shop.reactor.libraries.add(library, [head, shop.core], revise=True)
        shop.reactor.libraries.remove(library, head)
        assert len(shop.reactor.data_elements(library)) == 0
        assert len(shop.reactor.extensions(library)) == 1
        with pytest.raises(
            ArgumentError, match="is not in the library. It holds: nothing of that type"
        ):
            shop.reactor.libraries.remove(library, head)

    def test_replace_leaves_exactly_these(self, shop: Any) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        old, new = make_element(shop, "old"), make_element(shop, "new")
        shop.reactor.libraries.add(library, [old, shop.core], revise=True)
        shop.reactor.libraries.replace(library, new, revise=True)
        assert shop.reactor.data_elements(library)["name"].tolist() == ["new"]
        assert len(shop.reactor.extensions(library)) == 0

    def test_a_dry_run_shows_every_request_and_sends_none(self, shop: Any) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        head = make_element(shop)
        shop.simulator.requests.clear()
        shown = shop.reactor.libraries.add(library, [head, shop.core], revise=True, dry_run=True)
        assert sent(shop) == []
        assert json.loads(shown.loc[1, "body"]) == {
            "data": [
                {"id": head.loc[0, "id"], "type": "data_elements", "meta": {"action": "revise"}}
            ]
        }

    def test_a_library_can_be_created_with_its_environment_and_contents(self, shop: Any) -> None:
        revision = shop.reactor.data_elements.revise(make_element(shop))
        library = shop.reactor.libraries.create(
            shop.property, name="First", environment=shop.development, data_elements=revision
        )
        assert library.loc[0, "environment_id"] == shop.development
        assert (
            shop.reactor.relationships(library, "data_elements")["id"].tolist()
            == revision["id"].tolist()
        )


class TestStates:
    def test_an_environment_is_assigned_and_unassigned(self, shop: Any) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        assert (
            shop.reactor.libraries.assign(library, shop.development).loc[0, "environment_id"]
            == shop.development
        )
        assert shop.reactor.relationships(library, "environment")["id"].tolist() == [
            shop.development
        ]
        assert pd.isna(shop.reactor.libraries.unassign(library).loc[0, "environment_id"])
        assert len(shop.reactor.relationships(library, "environment")) == 0

    def test_an_occupied_environment_is_explained(self, shop: Any) -> None:
        first, second = (
            shop.reactor.libraries.create(shop.property, name=name) for name in ("First", "Second")
        )
        shop.reactor.libraries.assign(first, shop.development)
        with pytest.raises(
            ApiError,
            match="environment-in-use .*holds the library First.* Choose another environment",
        ):
            shop.reactor.libraries.assign(second, shop.development)

    def test_reject_and_develop_bring_a_library_back(self, shop: Any) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        states = [
            getattr(shop.reactor.libraries, step)(library).loc[0, "state"]
            for step in ("submit", "reject", "develop", "submit", "approve")
        ]
        assert states == ["submitted", "rejected", "development", "submitted", "approved"]
        with pytest.raises(ApiError, match="Cannot submit a library in state approved"):
            shop.reactor.libraries.submit(library)

    def test_a_build_on_production_requires_the_name_of_the_library(self, shop: Any) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        library = shop.reactor.libraries.add(library, shop.core, revise=True)
        for step in ("submit", "approve"):
            getattr(shop.reactor.libraries, step)(library)
        shop.reactor.libraries.assign(library, shop.production)
        shop.simulator.requests.clear()
        with pytest.raises(
            ConfirmationRequired,
            match="build the library 'First' on production, add confirm='First'",
        ):
            shop.reactor.libraries.build(library)
        assert sent(shop) == []

    @pytest.mark.parametrize(
        ("prepare", "code"),
        [("nothing", "environment-required"), ("without core", "extension-not-found")],
    )
    def test_a_refused_build_has_the_code_of_the_reason(
        self, shop: Any, prepare: str, code: str
    ) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        if prepare == "without core":
            shop.reactor.libraries.add(library, make_element(shop), revise=True)
            shop.reactor.libraries.assign(library, shop.development)
        with pytest.raises(ApiError) as caught:
            shop.reactor.libraries.build(library)
        assert caught.value.code == code


class TestWaiting:
    @pytest.fixture
    def library(self, shop: Any) -> pd.DataFrame:
        library = shop.reactor.libraries.create(
            shop.property, name="First", environment=shop.development
        )
        return shop.reactor.libraries.add(library, shop.core, revise=True)

    def test_a_build_that_fails_is_an_error_with_its_reason(
        self, shop: Any, library: pd.DataFrame
    ) -> None:
        shop.simulator.options.failing_builds = True
        build = shop.reactor.libraries.build(library)
        with pytest.raises(
            DelayedError, match="failed with minification-error .* does not compile"
        ) as caught:
            shop.reactor.builds.wait(build, poll=0.01)
        assert caught.value.resource_id == build.loc[0, "id"]
        assert caught.value.code == "minification-error"
        assert caught.value.cause == "The custom code does not compile."
        assert "status_details" in caught.value.fix

    def test_after_a_timeout_waiting_can_continue(self, shop: Any, library: pd.DataFrame) -> None:
        shop.simulator.options.build_seconds = 0.4
        build = shop.reactor.libraries.build(library)
        with pytest.raises(WaitTimeout, match="wait again: reactor.builds.wait") as caught:
            shop.reactor.builds.wait(build, timeout=0.05, poll=0.01)
        assert caught.value.ids == (build.loc[0, "id"],)
        assert shop.reactor.builds.wait(*caught.value.ids, poll=0.02)["status"].tolist() == [
            "succeeded"
        ]

    @pytest.mark.parametrize(
        "wrong", [{"timeout": 0}, {"poll": -1}, {"timeout": "5"}, {"poll": True}]
    )
    def test_invalid_timeouts_cost_no_request(self, shop: Any, wrong: dict[str, Any]) -> None:
        shop.simulator.requests.clear()
        with pytest.raises(ArgumentError, match="is a number of seconds above 0"):
            shop.reactor.builds.wait("BL" + "0" * 32, **wrong)
        assert not shop.simulator.requests

    def test_waits_for_an_sftp_host(self, shop: Any) -> None:
        given = {
            "type_of": "sftp",
            "username": "u",
            "path": "/",
            "port": 22,
            "encrypted_private_key": "k",
        }
        good = shop.reactor.hosts.create(shop.property, name="Own", server="files.example", **given)
        assert good.loc[0, "status"] == "pending"
        assert shop.reactor.hosts.wait(good, poll=0.01)["status"].tolist() == ["succeeded"]
        bad = shop.reactor.hosts.create(shop.property, name="Gone", server="files.invalid", **given)
        with pytest.raises(DelayedError, match="sftp-connection-timeout"):
            shop.reactor.hosts.wait(bad, poll=0.01)


def test_a_published_build_is_delivered_again(shop: Any) -> None:
    library = shop.reactor.libraries.create(shop.property, name="First")
    shop.reactor.libraries.add(library, shop.core, revise=True)
    for step, place in (
        (None, shop.development),
        ("submit", shop.staging),
        ("approve", shop.production),
    ):
        if step:
            getattr(shop.reactor.libraries, step)(library)
        shop.reactor.libraries.assign(library, place)
        build = shop.reactor.builds.wait(
            shop.reactor.libraries.build(library, confirm="First"), poll=0.01
        )
    with pytest.raises(ConfirmationRequired, match="put the build of 'First' on production again"):
        shop.reactor.builds.republish(build)
    again = shop.reactor.builds.republish(build, confirm="First")
    assert again.loc[0, "meta_republish_status"] == "pending"


def test_bare_lists_are_refused_where_the_api_has_none(shop: Any) -> None:
    with pytest.raises(ArgumentError, match="does not list the identifiers of libraries"):
        shop.reactor.relationships("RL" + "0" * 32, "libraries")
    assert (
        shop.reactor.relationships(shop.development, "host")["id"].tolist()
        == shop.host["id"].tolist()
    )


def test_a_dry_run_shows_requests_for_resources_that_do_not_exist(shop: Any) -> None:
    nothing = {
        kind: prefix + "0" * 32
        for kind, prefix in (("rule", "RL"), ("library", "LB"), ("extension", "EX"))
    }
    shop.simulator.requests.clear()
    shown = [
        shop.reactor.libraries.add(
            nothing["library"], [nothing["rule"], shop.core], revise=True, dry_run=True
        ),
        shop.reactor.libraries.replace(
            nothing["library"], nothing["rule"], revise=True, dry_run=True
        ),
        shop.reactor.rule_components.create(
            nothing["rule"],
            name="x",
            delegate_descriptor_id="core::events::click",
            extension=shop.core,
            dry_run=True,
        ),
        shop.reactor.extensions.upgrade(nothing["extension"], "EP" + "0" * 32, dry_run=True),
    ]
    assert [len(each) for each in shown] == [2, 3, 1, 1]
    assert sent(shop) == []
    with pytest.raises(ArgumentError, match="the result of a dry run"):
        shop.reactor.rules.revise(shown[2])
