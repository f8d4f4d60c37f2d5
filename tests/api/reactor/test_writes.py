"""Create, update, delete, revise: what is sent, what comes back, what is refused before anything
is.
"""

import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import adobe_nb
from adobe_nb import (
    ApiError,
    ArgumentError,
    ConfirmationRequired,
    IncompleteResult,
    NotAllowed,
    NotFound,
    OutcomeUnknown,
    TransportError,
)
from adobe_nb.registry import RESOURCES
from tests.conftest import sign_in, started
from tests.support.stub import Answer, Got, stub

VARIABLE = "core::dataElements::javascript-variable"


def sent(shop: Any) -> list[tuple[str, str]]:
    return [(each.method, each.path) for each in shop.simulator.requests if each.method != "GET"]


def body(shop: Any) -> dict[str, Any]:
    """The document of the last write."""
    return json.loads([each for each in shop.simulator.requests if each.method != "GET"][-1].body)


def make_element(shop: Any, **more: Any) -> pd.DataFrame:
    given = {
        "name": "page",
        "delegate_descriptor_id": VARIABLE,
        "settings": {"path": "a.b"},
        "extension": shop.core,
    }
    return shop.reactor.data_elements.create(shop.property, **{**given, **more})


class TestCreate:
    def test_answers_one_row_with_the_columns_of_every_list(self, shop: Any) -> None:
        made = make_element(shop)
        listed = shop.reactor.data_elements(shop.property)
        pd.testing.assert_frame_equal(made, listed)

    def test_settings_as_a_dict_are_sent_as_json_text(self, shop: Any) -> None:
        make_element(shop, settings={"path": "häuser.%page%"})
        assert body(shop)["data"]["attributes"]["settings"] == '{"path":"häuser.%page%"}'

    def test_settings_as_text_are_sent_unchanged(self, shop: Any) -> None:
        make_element(shop, settings='{ "path": "a" }')
        assert body(shop)["data"]["attributes"]["settings"] == '{ "path": "a" }'

    @pytest.mark.parametrize("form", ["id", "row", "frame", "series", "dict"])
    def test_a_relation_takes_an_id_or_a_row(self, shop: Any, form: str) -> None:
        core = shop.core.loc[0, "id"]
        given = {
            "id": core,
            "row": next(shop.core.itertuples()),
            "frame": shop.core,
            "series": shop.core["id"],
            "dict": {"id": core},
        }
        make_element(shop, extension=given[form])
        assert body(shop)["data"]["relationships"] == {
            "extension": {"data": {"id": core, "type": "extensions"}}
        }

    def test_a_property_is_created_in_the_only_company(self, shop: Any) -> None:
        made = shop.reactor.properties.create(
            name="Second", platform="web", domains=["second.example"]
        )
        assert made.loc[0, "company_id"] == shop.reactor.companies().loc[0, "id"]

    def test_a_rule_component_is_created_in_a_rule_whose_property_is_looked_up(
        self, shop: Any
    ) -> None:
        rule = shop.reactor.rules.create(shop.property, name="Home")
        made = shop.reactor.rule_components.create(
            rule,
            name="Loaded",
            delegate_descriptor_id="core::events::library-loaded",
            extension=shop.core,
        )
        assert sent(shop)[-1] == ("POST", f"/properties/{shop.id}/rule_components")
        assert shop.reactor.rule_components(rule)["id"].tolist() == made["id"].tolist()
        assert made.loc[0, "property_id"] == shop.id

    def test_a_rule_component_is_created_in_a_property_with_rules(self, shop: Any) -> None:
        rule = shop.reactor.rules.create(shop.property, name="Home")
        shop.reactor.rule_components.create(
            shop.property,
            name="Loaded",
            delegate_descriptor_id="core::events::library-loaded",
            extension=shop.core,
            rules=[rule.loc[0, "id"]],
        )
        assert len(shop.reactor.rule_components(rule)) == 1

    def test_a_new_rule_component_has_its_rule_id(self, shop: Any) -> None:
        rule = shop.reactor.rules.create(shop.property, name="Home")
        about = {"delegate_descriptor_id": "core::events::library-loaded", "extension": shop.core}
        one = shop.reactor.rule_components.create(rule, name="One", **about)
        two = shop.reactor.rule_components.create(shop.property, name="Two", rules=rule, **about)
        assert one["rule_id"].tolist() == two["rule_id"].tolist() == rule["id"].tolist()
        assert (
            one.dtypes.to_dict()
            == two.dtypes.to_dict()
            == shop.reactor.rule_components(rule).dtypes.to_dict()
        )

    def test_a_note_is_created_on_a_rule(self, shop: Any) -> None:
        rule = shop.reactor.rules.create(shop.property, name="Home")
        note = shop.reactor.notes.create(rule, text="Agreed.")
        assert note.loc[0, "resource_id"] == rule.loc[0, "id"]
        assert shop.reactor.notes(rule)["text"].tolist() == ["Agreed."]

    def test_accepts_values_of_numpy_and_pandas(self, shop: Any) -> None:
        row = pd.Series([True]).iloc[0]
        made = make_element(shop, enabled=row, default_value=pd.NA)
        assert made.loc[0, "enabled"]
        assert body(shop)["data"]["attributes"]["default_value"] is None

    def test_accepts_a_list_as_the_json_text_of_a_frame(self, shop: Any) -> None:
        domains = shop.property.loc[0, "domains"]
        made = shop.reactor.properties.create(name="Copy", platform="web", domains=domains)
        assert made.loc[0, "domains"] == domains

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            (
                {},
                'data_elements.create requires name, delegate_descriptor_id, extension="EX…" as well',
            ),
            ({"nam": "x"}, "does not take 'nam'. Did you mean name"),
            ({"created_at": "now"}, "does not take created_at: the service sets it"),
            ({"extension_id": "EX1"}, "takes extension=, an id or a row, instead of extension_id="),
            ({"enabled": "yes"}, r"enabled is True or False, not str \('yes'\)"),
            ({"name": 7}, "name is a text, not int"),
            ({"name": "  "}, "name cannot be empty"),
            ({"name": None}, "requires name"),
            ({"settings": "{"}, "settings is not valid JSON: see line 1, column 2"),
            ({"settings": "[]"}, "settings is a JSON object"),
            ({"settings": ["a"]}, "settings is a dict, or its JSON text, not list"),
            ({"settings": {"n": float("nan")}}, "NaN and infinity are not JSON"),
            ({"settings": {"n": {1, 2}}}, "settings cannot be written as JSON"),
            (
                {"storage_duration": "week"},
                "storage_duration is one of pageview, session, visitor, not 'week'",
            ),
            (
                {"extension": "PR" + "0" * 32},
                "extension takes extensions, whose ids begin with EX: not PR0",
            ),
            ({"extension": []}, "requires extension|takes exactly one"),
            ({"extension": "core"}, "'core' is not an id"),
        ],
    )
    def test_wrong_arguments_cost_no_request(
        self, shop: Any, given: dict[str, Any], says: str
    ) -> None:
        base = (
            {"name": "page", "delegate_descriptor_id": VARIABLE, "extension": shop.core}
            if given
            else {}
        )
        with pytest.raises(ArgumentError, match=says):
            shop.reactor.data_elements.create(shop.property, **{**base, **given})
        assert not shop.simulator.requests

    def test_a_wrong_parent_costs_no_request(self, shop: Any) -> None:
        with pytest.raises(
            ArgumentError, match="rules are created in a property, not an environment"
        ):
            shop.reactor.rules.create(shop.development, name="Home")
        with pytest.raises(
            ArgumentError, match=r"Pass the property \(PR…\) as the first argument of rules.create"
        ):
            shop.reactor.rules.create(name="Home")
        with pytest.raises(
            ArgumentError, match="created in a rule or a property, not an environment"
        ):
            shop.reactor.rule_components.create(shop.development, name="x")
        assert not shop.simulator.requests

    def test_a_refusal_by_the_service_is_an_error_with_its_reason(self, shop: Any) -> None:
        with pytest.raises(ApiError, match="409 invalid-settings .*unknown member pth") as caught:
            make_element(shop, settings={"pth": "a.b"})
        assert caught.value.code == "invalid-settings"
        with pytest.raises(ApiError, match="not-unique .* choose another name"):
            shop.reactor.properties.create(name="Shop", platform="web", domains=["x.example"])

    def test_a_dry_run_shows_the_request_and_sends_nothing(self, shop: Any) -> None:
        shown = shop.reactor.rules.create(shop.property, name="Home", dry_run=True)
        assert shown.loc[0, "method"] == "POST"
        assert shown.loc[0, "url"] == f"{shop.simulator.reactor_url}/properties/{shop.id}/rules"
        assert json.loads(shown.loc[0, "body"]) == {
            "data": {"type": "rules", "attributes": {"name": "Home"}}
        }
        assert not shop.simulator.requests

    def test_an_account_without_the_right_is_not_allowed(self, shop: Any) -> None:
        reader = sign_in(shop.simulator, "reader").reactor
        with pytest.raises(NotAllowed, match="not-authorized .*lacks the right develop"):
            reader.rules.create(shop.property, name="Home")


class TestUpdate:
    def test_changes_only_the_attributes_that_are_named(self, shop: Any) -> None:
        before = make_element(shop, default_value="none", force_lower_case=True)
        after = shop.reactor.data_elements.update(before, name="page name", default_value=None)
        assert body(shop)["data"]["attributes"] == {"name": "page name", "default_value": None}
        assert after.loc[0, "name"] == "page name"
        assert pd.isna(after.loc[0, "default_value"])
        assert after.loc[0, "force_lower_case"]
        assert after.loc[0, "dirty"]

    def test_refuses_a_revision_and_names_its_head(self, shop: Any) -> None:
        head = make_element(shop)
        revision = shop.reactor.data_elements.revise(head)
        shop.simulator.requests.clear()
        with pytest.raises(
            ArgumentError, match=f"revision 1 of 'page' and frozen.*{head.loc[0, 'id']}"
        ):
            shop.reactor.data_elements.update(revision, name="x")
        assert sent(shop) == []

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ({}, "There is nothing to change. environments.update takes name, path"),
            ({"stage": "staging"}, "does not take stage: only create takes it"),
            ({"archiv": True}, "Did you mean archive"),
        ],
    )
    def test_wrong_arguments_cost_no_request(
        self, shop: Any, given: dict[str, Any], says: str
    ) -> None:
        with pytest.raises(ArgumentError, match=says):
            shop.reactor.environments.update(shop.development, **given)
        assert not shop.simulator.requests

    def test_refuses_several_resources(self, shop: Any) -> None:
        with pytest.raises(
            ArgumentError, match="environments.update takes exactly one, not 2, as in"
        ):
            shop.reactor.environments.update([shop.development, shop.staging], name="x")

    def test_a_dry_run_sends_nothing(self, shop: Any) -> None:
        shown = shop.reactor.environments.update(shop.development, name="Dev", dry_run=True)
        assert shown.loc[0, "method"] == "PATCH"
        assert not shop.simulator.requests


class TestDelete:
    def test_returns_the_rows_as_they_were(self, shop: Any) -> None:
        rule = shop.reactor.rules.create(shop.property, name="Home")
        gone = shop.reactor.rules.delete(rule)
        pd.testing.assert_frame_equal(gone, rule)
        assert not pd.isna(shop.reactor.rules.get(rule).loc[0, "deleted_at"])

    @pytest.mark.parametrize(
        ("kind", "name"), [("properties", "Shop"), ("environments", "staging"), ("hosts", "Adobe")]
    )
    def test_guarded_types_require_their_name(self, shop: Any, kind: str, name: str) -> None:
        collection, given = (
            getattr(shop.reactor, kind),
            {"properties": shop.id, "environments": shop.staging},
        )
        target = given.get(kind, shop.host)
        for wrong in (None, "", name.upper() + "!", "True"):
            with pytest.raises(ConfirmationRequired, match=f"add confirm='{name}'") as caught:
                collection.delete(target, confirm=wrong)
            assert caught.value.wanted == name
        assert sent(shop) == []
        if kind != "hosts":
            collection.delete(target, confirm=name)
            with pytest.raises(NotFound):
                collection.get(target)

    def test_several_require_their_number(self, shop: Any) -> None:
        rules = [
            shop.reactor.rules.create(shop.property, name=f"Rule {number}") for number in range(3)
        ]
        with pytest.raises(ConfirmationRequired, match="confirm='3 rules'"):
            shop.reactor.rules.delete(rules)
        gone = shop.reactor.rules.delete(rules, confirm="3 rules")
        assert gone["name"].tolist() == ["Rule 0", "Rule 1", "Rule 2"]

    def test_when_one_fails_a_note_names_those_deleted_before(self, shop: Any) -> None:
        hosts = [
            shop.reactor.hosts.create(shop.property, name="Spare", type_of="akamai"),
            shop.host,
        ]
        with pytest.raises(ApiError, match="host-in-use") as caught:
            shop.reactor.hosts.delete(hosts, confirm=["Spare", "Adobe"])
        assert caught.value.__notes__ == [f"Deleted before that: {hosts[0].loc[0, 'id']}."]

    def test_without_an_id_nothing_is_deleted(self, shop: Any) -> None:
        with pytest.raises(ArgumentError, match="rules.delete requires at least one id"):
            shop.reactor.rules.delete(shop.reactor.rules(shop.property))
        assert sent(shop) == []


class TestRevise:
    def test_returns_the_new_revisions_in_order(self, shop: Any) -> None:
        heads = [shop.reactor.rules.create(shop.property, name=name) for name in ("b", "a")]
        revisions = shop.reactor.rules.revise(heads)
        assert revisions["name"].tolist() == ["b", "a"]
        assert revisions["revision_number"].tolist() == [1, 1]
        assert revisions["origin_id"].tolist() == [head.loc[0, "id"] for head in heads]
        again = shop.reactor.rules.revise(heads[0])
        assert again["revision_number"].tolist() == [2]
        assert sorted(shop.reactor.rules.revisions(heads[0])["revision_number"]) == [0, 1, 2]
        assert sorted(shop.reactor.rules.revisions(again)["revision_number"]) == [0, 1, 2]

    def test_a_revision_of_a_rule_includes_its_components(self, shop: Any) -> None:
        rule = shop.reactor.rules.create(shop.property, name="Home")
        shop.reactor.rule_components.create(
            rule,
            name="Loaded",
            delegate_descriptor_id="core::events::library-loaded",
            extension=shop.core,
        )
        components = shop.reactor.rule_components(shop.reactor.rules.revise(rule))
        assert components["revision_number"].tolist() == [1]

    def test_refuses_a_revision_before_anything_is_revised(self, shop: Any) -> None:
        head = shop.reactor.rules.create(shop.property, name="Home")
        frozen = shop.reactor.rules.revise(shop.reactor.rules.create(shop.property, name="Other"))
        shop.simulator.requests.clear()
        with pytest.raises(ArgumentError, match="is revision 1 of 'Other'"):
            shop.reactor.rules.revise(head, frozen)
        assert sent(shop) == []


HTML = {"Content-Type": "text/html"}
JSON_API = {"Content-Type": "application/vnd.api+json"}
PLACE = "PR" + "0" * 32
RULE = json.dumps(
    {
        "data": {
            "id": "RL" + "0" * 32,
            "type": "rules",
            "attributes": {"name": "Home"},
            "relationships": {},
        }
    }
).encode()


@contextmanager
def answering(*answers: Answer) -> Iterator[Any]:
    """A service that signs anybody in, and answers Reactor calls with these, in turn; the last one
    again and again.
    """
    left = list(answers)

    def answer(got: Got) -> Answer:
        if got.path.startswith("/ims/"):
            return Answer(
                200,
                b'{"access_token": "t", "expires_in": 99}',
                {"Content-Type": "application/json"},
            )
        return left.pop(0) if len(left) > 1 else left[0]

    with stub(answer) as server:
        session = adobe_nb.connect(
            client_id="c" * 12,
            client_secret="hush",
            org_id="A@AdobeOrg",
            retry_pause=0,
            ims_url=server.url,
            reactor_url=server.url,
        )
        server.got.clear()
        yield SimpleNamespace(reactor=session.reactor, got=server.got)


class TestAnUnknownOutcome:
    def test_a_write_that_may_have_arrived_is_not_sent_again(self) -> None:
        with answering(Answer(201, b"{", JSON_API | {"Content-Length": "99"})) as service:
            with pytest.raises(
                OutcomeUnknown, match=r'may have arrived.*Look for it before .*reactor.rules\("PR0'
            ):
                service.reactor.rules.create(PLACE, name="Home")
            assert len(service.got) == 1
        assert adobe_nb.journal()["outcome"].tolist() == ["unknown"]

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_a_server_error_says_that_it_may_have_been_done(self, status: int) -> None:
        with answering(Answer(status, b"<html>", HTML)) as service:
            with pytest.raises(ApiError, match="may have been done anyway. Look for it") as caught:
                service.reactor.rules.create(PLACE, name="Home")
            assert caught.value.status == status
            assert len(service.got) == 1
        assert adobe_nb.journal()["outcome"].tolist() == ["unknown"]

    def test_a_response_that_is_not_json_leaves_the_outcome_unknown(self) -> None:
        with answering(Answer(201, b"<html>", HTML)) as service:
            with pytest.raises(IncompleteResult, match="its outcome is unknown. Look for it"):
                service.reactor.rules.create(PLACE, name="Home")

    def test_a_429_is_retried(self) -> None:
        with answering(
            Answer(429, b"{}", {"Content-Type": "application/json"}), Answer(201, RULE, JSON_API)
        ) as service:
            assert service.reactor.rules.create(PLACE, name="Home")["name"].tolist() == ["Home"]
            assert len(service.got) == 2

    def test_without_a_connection_it_was_not_sent(self, shop: Any) -> None:
        reactor = shop.reactor
        shop.simulator.stop()
        with pytest.raises(TransportError, match="cannot be reached") as caught:
            reactor.rules.create(shop.property, name="Home")
        assert caught.value.never_sent
        assert adobe_nb.journal()["outcome"].tolist()[-1] == "not sent"


def test_every_type_that_can_be_written_refuses_an_unknown_attribute(shop: Any) -> None:
    shop.simulator.requests.clear()
    for row in RESOURCES.values():
        collection = getattr(shop.reactor, row.type)
        for verb in {"create", "update"} & set(row.verbs):
            if not hasattr(collection, verb):
                continue
            given = "0" * 32
            creator = (
                "rules"
                if row.type == "rule_components"
                else row.creators[0]
                if row.creators
                else ""
            )
            parent = (
                f"{RESOURCES[creator].prefix}{given}"
                if verb == "create"
                else f"{row.prefix}{given}"
            )
            with pytest.raises(ArgumentError, match="does not take 'zzz'"):
                getattr(collection, verb)(parent, zzz=1)
    assert not shop.simulator.requests


class TestSignatures:
    def test_create_has_the_keywords_of_its_type(self, shop: Any) -> None:
        parameters = inspect.signature(shop.reactor.rules.create).parameters
        assert list(parameters) == ["parent", "name", "enabled", "dry_run"]
        assert parameters["name"].default is inspect.Parameter.empty
        assert parameters["enabled"].default is None
        assert shop.reactor.rules.create.__doc__.startswith("Create one resource")

    def test_update_requires_none_of_them(self, shop: Any) -> None:
        parameters = inspect.signature(shop.reactor.data_elements.update).parameters
        assert next(iter(parameters)) == "resource"
        assert parameters["settings"].default is None
        assert list(parameters)[-1] == "dry_run"

    def test_the_rule_of_a_component_follows_from_its_parent(self, shop: Any) -> None:
        parameters = inspect.signature(shop.reactor.rule_components.create).parameters
        assert parameters["rules"].default is None
        assert parameters["extension"].default is inspect.Parameter.empty

    def test_every_type_that_can_be_created_or_updated_has_its_own(self, shop: Any) -> None:
        for row in RESOURCES.values():
            for verb in {"create", "update"} & set(row.verbs):
                method = getattr(getattr(shop.reactor, row.type), verb, None)
                if method is not None:
                    names = set(inspect.signature(method).parameters)
                    assert names == {*row.keywords(verb), "dry_run"} | names & {
                        "parent",
                        "resource",
                    }


class TestRequest:
    def test_sends_a_write_as_it_is(self, shop: Any) -> None:
        document = {"data": {"type": "rules", "attributes": {"name": "Raw"}}}
        made = shop.reactor.request("POST", f"/properties/{shop.id}/rules", body=document)
        assert made["data"]["attributes"]["name"] == "Raw"
        assert shop.reactor.request("DELETE", f"/rules/{made['data']['id']}") == {}
        assert adobe_nb.journal()["call"].tolist()[-2:] == ["reactor.request"] * 2

    def test_a_dry_run_sends_nothing(self, shop: Any) -> None:
        shown = shop.reactor.request("DELETE", f"/properties/{shop.id}", dry_run=True)
        assert shown[["method", "url"]].values.tolist() == [
            ["DELETE", f"{shop.simulator.reactor_url}/properties/{shop.id}"]
        ]
        assert not shop.simulator.requests

    def test_curl_quotes_the_body_for_a_shell(self, shop: Any) -> None:
        command = shop.reactor.as_curl(
            "PATCH", "/rules/RL1", body={"data": {"attributes": {"name": "it's"}}}
        )
        assert """--data '{"data": {"attributes": {"name": "it'"'"'s"}}}'""" in command


def test_heartbeat_is_true_when_the_service_responds(shop: Any) -> None:
    assert shop.reactor.heartbeat() is True
    shop.simulator.stop()
    with pytest.raises(TransportError):
        shop.reactor.heartbeat()


def test_simulators_do_not_share_resources() -> None:
    first, second = started(seed="empty"), started(seed="empty")
    try:
        sign_in(first).reactor.properties.create(name="Shop", platform="web", domains=["x.example"])
        assert len(sign_in(second).reactor.properties()) == 0
    finally:
        first.stop()
        second.stop()
