"""When a write meets trouble: nothing twice, nothing said that is not so, nothing lost, nothing
shown.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProxyError

import adobe_nb
from adobe_nb import (
    ApiError,
    ArgumentError,
    ConfirmationRequired,
    DelayedError,
    IncompleteResult,
    OutcomeUnknown,
    WaitTimeout,
)
from adobe_nb.api.reactor.journal import Journal
from adobe_nb.http.failures import failure_of
from adobe_nb.http.messages import Request
from tests.api.reactor.test_writes import JSON_API, PLACE, answering
from tests.conftest import sign_in
from tests.support.stub import Answer

TOKEN = "hush-hush-4712"
LIBRARY = "LB" + "0" * 32


def sent(shop: Any) -> list[tuple[str, str]]:
    return [(each.method, each.path) for each in shop.simulator.requests if each.method != "GET"]


class TestProxies:
    def failure(self, origin: Exception) -> Any:
        refused = MaxRetryError(None, "/", ProxyError("proxy", origin))  # type: ignore[arg-type]
        return failure_of(
            Request("POST", "https://reactor.adobe.io/x"), requests.exceptions.ProxyError(refused)
        )

    def test_a_tunnel_that_breaks_later_leaves_the_outcome_unknown(self) -> None:
        failure = self.failure(ConnectionResetError("reset"))
        assert not failure.never_sent
        assert "may have arrived" in failure.message

    def test_a_tunnel_that_is_refused_means_not_sent(self) -> None:
        assert self.failure(
            OSError("Tunnel connection failed: 407 Proxy Authentication Required")
        ).never_sent
        assert self.failure(NewConnectionError(None, "refused")).never_sent  # type: ignore[arg-type]


class TestUnreadableResponses:
    @pytest.mark.parametrize(
        "body", [b'{"data": null}', b'{"data": []}', b'{"data": {"id": "PR1", "type": "notes"}}']
    )
    def test_says_that_the_write_was_done(self, body: bytes) -> None:
        with answering(Answer(201, body, JSON_API)) as service:
            with pytest.raises(
                IncompleteResult,
                match="was done, but its response cannot be read.*Look for it before",
            ):
                service.reactor.rules.create(PLACE, name="Home")
        assert adobe_nb.journal()["outcome"].tolist() == ["done"]

    def test_values_of_an_unexpected_type_say_that_the_write_was_done(self) -> None:
        body = {"data": {"id": "RL" + "0" * 32, "type": "rules", "attributes": {"enabled": "yes"}}}
        with answering(Answer(201, json.dumps(body).encode(), JSON_API)) as service:
            with pytest.raises(
                IncompleteResult,
                match="The write was done, but its response cannot be shown as a table",
            ):
                service.reactor.rules.create(PLACE, name="Home")

    def test_a_gateway_timeout_leaves_the_outcome_unknown(self) -> None:
        with answering(Answer(408, b"<html>", {"Content-Type": "text/html"})) as service:
            with pytest.raises(ApiError, match="may have been done anyway") as caught:
                service.reactor.rules.create(PLACE, name="Home")
        assert "run it again" not in str(caught.value).replace("before you run it again", "")
        assert adobe_nb.journal()["outcome"].tolist() == ["unknown"]


class TestBeforeTheWire:
    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ({"name": "a\ud800b"}, "half a character"),
            ({"enabled": None}, "enabled cannot be emptied"),
            ({"settings": None}, "settings cannot be emptied"),
            ({"settings": '{"n": NaN}'}, "settings is not valid JSON"),
            ({"settings": {"n": adobe_nb.Secret("x")}}, "cannot hold a secret"),
            ({"extension": pd.NA}, "Leave it out for none"),
        ],
    )
    def test_refuses_values_that_cannot_be_sent(
        self, shop: Any, given: dict[str, Any], says: str
    ) -> None:
        with pytest.raises(ArgumentError, match=says):
            shop.reactor.data_elements.update("DE" + "0" * 32, **given)
        assert not shop.simulator.requests

    def test_refuses_deep_and_circular_settings(self, shop: Any) -> None:
        circle: dict[str, Any] = {}
        circle["self"] = circle
        with pytest.raises(ArgumentError, match="contains itself"):
            shop.reactor.data_elements.update("DE" + "0" * 32, settings=circle)

    def test_accepts_lists_and_numbers_of_numpy(self, shop: Any) -> None:
        changed = shop.reactor.properties.update(
            shop.property, domains=np.array(["a.example", "b.example"])
        )
        assert json.loads(changed.loc[0, "domains"]) == ["a.example", "b.example"]
        with pytest.raises(ArgumentError, match=r'domains is a list, as in \["a.example"\]'):
            shop.reactor.properties.update(shop.property, domains="a.example")

    def test_refuses_an_unknown_subscription(self, shop: Any) -> None:
        with pytest.raises(
            ArgumentError, match=r"subscriptions has no 'rule.craeted'. Did you mean rule.created"
        ):
            shop.reactor.callbacks.create(
                shop.property, url="https://x.example", subscriptions=["rule.craeted"]
            )

    def test_refuses_an_environment_of_another_property(self, shop: Any) -> None:
        other = shop.reactor.properties.create(name="Other", platform="web", domains=["o.example"])
        library = shop.reactor.libraries.create(other, name="Elsewhere")
        with pytest.raises(ArgumentError, match="'development' belongs to the property PR"):
            shop.reactor.libraries.assign(library, shop.development)

    def test_refuses_a_raw_body_that_is_not_json(self, shop: Any) -> None:
        with pytest.raises(ArgumentError, match="body cannot be written as JSON"):
            shop.reactor.request("POST", f"/properties/{shop.id}/rules", body={"data": {1, 2}})
        assert not shop.simulator.requests

    def test_a_series_of_ids_only_is_one_row(self, shop: Any) -> None:
        row = shop.core[["id", "origin_id"]].iloc[0]
        assert len(shop.reactor.extensions.get(row)) == 1


class TestProduction:
    def test_an_empty_frame_does_not_empty_a_library(self, shop: Any) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        shop.reactor.libraries.add(library, shop.core, revise=True)
        shop.simulator.requests.clear()
        for nothing in (shop.reactor.rules(shop.property), None, [None], float("nan")):
            with pytest.raises(ArgumentError, match="nothing to add or remove|Expected an id"):
                shop.reactor.libraries.replace(library, nothing)
        assert sent(shop) == []
        shop.reactor.libraries.replace(library, [])
        assert len(shop.reactor.extensions(library)) == 0

    def test_a_build_requires_the_name_when_the_stage_is_unknown(self) -> None:
        about = {"environment": {"links": {"self": "x"}}}
        library = {
            "id": LIBRARY,
            "type": "libraries",
            "attributes": {"name": "First"},
            "relationships": about,
        }
        with answering(Answer(200, json.dumps({"data": library}).encode(), JSON_API)) as service:
            with pytest.raises(ConfirmationRequired, match="on production"):
                service.reactor.libraries.build(LIBRARY)
            assert [got.method for got in service.got] == ["GET"]

    def test_several_guarded_resources_require_every_name(self, shop: Any) -> None:
        with pytest.raises(
            ConfirmationRequired, match=r"confirm=\['development', 'staging'\]"
        ) as caught:
            shop.reactor.environments.delete(
                shop.development, shop.staging, confirm="2 environments"
            )
        assert caught.value.wanted == ["development", "staging"]

    def test_a_name_with_a_comma_does_not_confirm_two_resources(self, shop: Any) -> None:
        one = shop.reactor.properties.create(name="A", platform="web", domains=["a.example"])
        two = shop.reactor.properties.create(name="B", platform="web", domains=["b.example"])
        both = shop.reactor.properties.create(name="A, B", platform="web", domains=["ab.example"])
        shop.simulator.requests.clear()
        for confirm in ("A, B", ["A, B"], ["A"], ["A", "A"], ["A", "B", "B"]):
            with pytest.raises(ConfirmationRequired, match="delete these 2 properties"):
                shop.reactor.properties.delete([one, two], confirm=confirm)
        with pytest.raises(ConfirmationRequired, match="delete the property 'A, B'"):
            shop.reactor.properties.delete(both, confirm=["A", "B"])
        assert sent(shop) == []
        assert shop.reactor.properties.delete([one, two], confirm=["B", "A"])["name"].tolist() == [
            "A",
            "B",
        ]

    @pytest.mark.parametrize(
        "confirm", [pd.NA, pd.NaT, float("nan"), True, 3, b"Shop", np.array(["Shop"]), {"Shop"}]
    )
    def test_confirm_is_a_text(self, shop: Any, confirm: Any) -> None:
        calls = [
            lambda: shop.reactor.properties.delete(shop.property, confirm=confirm),
            lambda: shop.reactor.properties.delete(shop.property, confirm=[confirm]),
            lambda: shop.reactor.rules.delete("RL" + "0" * 32, confirm=confirm),
            lambda: shop.reactor.libraries.build(LIBRARY, confirm=confirm),
            lambda: shop.reactor.builds.republish("BL" + "0" * 32, confirm=confirm),
            lambda: shop.reactor.extension_packages.release_private(
                "EP" + "0" * 32, confirm=confirm
            ),
            lambda: shop.reactor.libraries.build(LIBRARY, confirm=["First"]),
        ]
        for call in calls:
            with pytest.raises(ArgumentError, match="confirm is a text"):
                call()
        assert not shop.simulator.requests

    def test_confirm_may_be_text_of_numpy(self, shop: Any) -> None:
        shop.reactor.properties.delete(shop.property, confirm=np.str_("Shop"))
        assert len(shop.reactor.properties()) == 0


class TestPartialWrites:
    def test_a_failure_to_read_back_says_that_the_write_was_done(
        self, shop: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        library = shop.reactor.libraries.create(shop.property, name="First")
        app = shop.simulator.app
        here = f"/libraries/{library.loc[0, 'id']}"

        def answer(request: Any) -> Any:
            shop.simulator.requests.append(request)
            done = any(
                each.method == "POST" and "relationships" in each.path
                for each in shop.simulator.requests
            )
            if done and request.method == "GET" and request.path == here:
                from adobe_nb.simulator.messages import Response

                return Response(404, b"<html>", "text/html")
            return app(request)

        monkeypatch.setattr(shop.simulator, "app", answer)
        shop.simulator.requests.clear()
        monkeypatch.setattr(shop.session._transport, "_sleep", lambda _: None)
        with pytest.raises(ApiError) as caught:
            shop.reactor.libraries.add(library, shop.core, revise=True)
        assert "The change was made" in caught.value.__notes__[0]

    def test_wait_names_every_failure_and_a_call_that_works(self, shop: Any) -> None:
        given = {
            "type_of": "sftp",
            "server": "x.invalid",
            "username": "u",
            "encrypted_private_key": "k",
        }
        shop.simulator.options.build_seconds = 0.05
        hosts = [
            shop.reactor.hosts.create(shop.property, name=name, **given).loc[0, "id"]
            for name in ("a", "b")
        ]
        with pytest.raises(DelayedError) as failed:
            shop.reactor.hosts.wait(hosts, poll=0.02)
        assert hosts[1] in failed.value.__notes__[0]
        shop.simulator.options.build_seconds = 5
        slow = [
            shop.reactor.hosts.create(shop.property, name=name, **given).loc[0, "id"]
            for name in ("c", "d")
        ]
        with pytest.raises(WaitTimeout, match=f'wait\\("{slow[0]}", "{slow[1]}"\\)'):
            shop.reactor.hosts.wait(slow, timeout=0.05, poll=0.02)

    def test_an_interrupt_names_those_deleted_before(
        self, shop: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rules = [
            shop.reactor.rules.create(shop.property, name=f"R{number}").loc[0, "id"]
            for number in range(3)
        ]
        transport = shop.session._transport
        send = transport.send

        def interrupted(request: Any, signer: Any, limiter: Any) -> Any:
            if request.method == "DELETE" and request.url.endswith(rules[1]):
                raise KeyboardInterrupt
            return send(request, signer, limiter)

        monkeypatch.setattr(transport, "send", interrupted)
        with pytest.raises(KeyboardInterrupt) as caught:
            shop.reactor.rules.delete(rules, confirm="3 rules")
        notes = " ".join(caught.value.__notes__)
        assert f"Deleted before that: {rules[0]}." in notes
        assert "It may have been done" in notes


class TestTheJournal:
    def test_no_character_of_a_name_ends_a_line(self, shop: Any) -> None:
        for name in ("a\u2028b", "c\u0085d", "e\nf"):
            shop.reactor.rules.create(shop.property, name=name)
        requested = [
            json.loads(text)["data"]["attributes"]["name"]
            for text in adobe_nb.journal()["request"].tail(3)
        ]
        assert requested == ["a\u2028b", "c\u0085d", "e\nf"]

    @pytest.mark.parametrize(
        "torn", [b'{"entry": "x", "ti', b"\xe2\x80", b'{"time": "yesterday", "entry": "y"}\n']
    )
    def test_skips_lines_that_are_cut_off_or_foreign(self, shop: Any, torn: bytes) -> None:
        shop.reactor.rules.create(shop.property, name="First")
        file = Path(adobe_nb.journal().attrs["file"])
        with file.open("ab") as opened:
            opened.write(torn)
        shop.reactor.rules.create(shop.property, name="Second")
        assert adobe_nb.journal()["call"].tolist()[-2:] == ["reactor.rules.create"] * 2
        assert adobe_nb.journal()["outcome"].tolist()[-1] == "done"

    def test_a_write_that_was_never_sent_is_not_unknown(
        self, shop: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop.session.sign_out()
        with pytest.raises(adobe_nb.AdobeError):
            shop.reactor.rules.create(shop.property, name="Home")
        assert adobe_nb.journal()["outcome"].tolist()[-1] == "not sent"

    def test_reads_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "journal.jsonl").write_bytes(b"")
        assert len(Journal(tmp_path / "journal.jsonl").read()) == 0


class TestRawRequests:
    def test_secrets_are_masked_by_the_registry(self, shop: Any, recorder: Any) -> None:
        recorder.secrets.add(TOKEN)
        body = {
            "data": {
                "type": "environments",
                "attributes": {"name": "Dev", "archive_passphrase": TOKEN},
            }
        }
        path = f"/environments/{shop.development}"
        shown = shop.reactor.request("PATCH", path, body=body, dry_run=True)
        command = shop.reactor.as_curl("PATCH", path, body=body)
        shop.reactor.request("PATCH", path, body=body)
        assert (
            json.loads(shop.simulator.requests[-1].body)["data"]["attributes"]["archive_passphrase"]
            == TOKEN
        )
        assert all(
            TOKEN not in text
            for text in (shown.to_csv(), command, Path(Journal().file).read_text())
        )

    def test_sends_a_write_with_parameters(self, shop: Any) -> None:
        body = {"data": {"type": "rules", "attributes": {"name": "Home"}}}
        shop.reactor.request("POST", f"/properties/{shop.id}/rules", {"x": "y z"}, body=body)
        assert dict(shop.simulator.requests[-1].query) == {"x": "y z"}


@pytest.mark.parametrize("value", [b"hush-bytes", 12345678, ["hush-list"]])
def test_a_secret_of_the_wrong_type_is_not_quoted(shop: Any, value: Any) -> None:
    with pytest.raises(ArgumentError, match="archive_passphrase is a text") as caught:
        shop.reactor.environments.update(shop.development, archive_passphrase=value)
    assert "hush" not in str(caught.value)
    assert "1234" not in str(caught.value)


def test_numbers_among_credentials_are_masked_and_sent_as_numbers(shop: Any) -> None:
    about = {"name": "S", "type_of": "simple-http", "environment": shop.development}
    shown = shop.reactor.secrets.create(
        shop.property, credentials={"username": "u", "password": 12345678}, dry_run=True, **about
    )
    assert "12345678" not in shown.loc[0, "body"]
    with pytest.raises(ApiError, match="invalid-platform"):
        shop.reactor.secrets.create(
            shop.property, credentials={"username": "u", "password": 12345678}, **about
        )
    sent_body = json.loads(shop.simulator.requests[-1].body)
    assert sent_body["data"]["attributes"]["credentials"] == {"username": "u", "password": 12345678}


def test_a_redirected_write_says_how_to_check_the_outcome() -> None:
    with answering(Answer(303, b"", {"Location": "https://login.example/"})) as service:
        with pytest.raises(
            adobe_nb.RedirectRefused, match="Look for it before you retry"
        ) as caught:
            service.reactor.rules.create(PLACE, name="Home")
    assert "then run it again" not in str(caught.value)
    assert not isinstance(caught.value, OutcomeUnknown)


class TestSwitches:
    @pytest.mark.parametrize(
        "flag", [None, 0, 1, "False", "yes", pd.NA, float("nan"), np.array([True])]
    )
    def test_dry_run_is_true_or_false(self, shop: Any, flag: Any) -> None:
        rule = "RL" + "0" * 32
        calls = [
            lambda: shop.reactor.rules.create(shop.property, name="Home", dry_run=flag),
            lambda: shop.reactor.rules.update(rule, name="Home", dry_run=flag),
            lambda: shop.reactor.rules.delete(rule, dry_run=flag),
            lambda: shop.reactor.rules.revise(rule, dry_run=flag),
            lambda: shop.reactor.libraries.submit(LIBRARY, dry_run=flag),
            lambda: shop.reactor.libraries.add(LIBRARY, rule, dry_run=flag),
            lambda: shop.reactor.libraries.build(LIBRARY, dry_run=flag),
            lambda: shop.reactor.request("DELETE", f"/rules/{rule}", dry_run=flag),
        ]
        for call in calls:
            with pytest.raises(ArgumentError, match="dry_run must be True or False"):
                call()
        assert sent(shop) == []

    def test_a_misspelled_dry_run_is_refused(self, shop: Any) -> None:
        with pytest.raises(ArgumentError, match="Did you mean dry_run"):
            shop.reactor.rules.create(shop.property, name="Home", dryrun=True)


NOTHING = [pd.NA, pd.NaT, float("nan"), None, np.float64("nan"), [pd.NA], np.array([1, 2])]


class TestMissingValues:
    """What frames have where there is nothing is an error with a next step, in every keyword of a
    write.
    """

    @pytest.mark.parametrize("nothing", NOTHING, ids=repr)
    def test_in_a_keyword_is_an_argument_error(self, shop: Any, nothing: Any) -> None:
        reactor, zeros = shop.reactor, "0" * 32
        calls = [
            lambda: reactor.rules.create(shop.property, name=nothing),
            lambda: reactor.rules.update("RL" + zeros, name=nothing),
            lambda: reactor.rules.update("RL" + zeros, enabled=nothing),
            lambda: reactor.data_elements.update("DE" + zeros, settings=nothing),
            lambda: reactor.data_elements.update("DE" + zeros, extension=nothing),
            lambda: reactor.data_elements.update("DE" + zeros, storage_duration=[nothing]),
            lambda: reactor.rule_components.update("RC" + zeros, order=nothing),
            lambda: reactor.callbacks.create(
                shop.property, url=nothing, subscriptions=["rule.updated"]
            ),
            lambda: reactor.callbacks.create(
                shop.property, url="https://x.example", subscriptions=[nothing]
            ),
            lambda: reactor.properties.create(name="New", platform=nothing, domains=["x.example"]),
            lambda: reactor.properties.update(shop.property, domains=[nothing, pd.NA]),
            lambda: reactor.environments.update("EN" + zeros, archive_passphrase=nothing),
            lambda: reactor.secrets.update("SE" + zeros, credentials=nothing),
            lambda: reactor.libraries.assign(LIBRARY, nothing),
            lambda: reactor.libraries.add(LIBRARY, nothing),
            lambda: reactor.libraries.add(LIBRARY, "RL" + zeros, revise=nothing),
            lambda: reactor.extensions.upgrade("EX" + zeros, extension_package=[nothing]),
            lambda: reactor.extension_packages.upload(nothing),
            lambda: reactor.extension_packages(max_availability=[nothing]),
            lambda: reactor.builds.wait("BL" + zeros, timeout=nothing),
            lambda: reactor.builds.wait("BL" + zeros, poll=nothing),
            lambda: reactor.request("GET", "/companies", {"page[size]": nothing}),
        ]
        shop.simulator.requests.clear()
        for call in calls:
            with pytest.raises(ArgumentError):
                call()
        assert not shop.simulator.requests

    def test_timeouts_may_be_numbers_of_numpy(self, shop: Any) -> None:
        shown = shop.reactor.hosts.wait(shop.host, timeout=np.float32(1), poll=np.int64(1))
        assert shown["status"].tolist() == ["succeeded"]

    def test_a_path_with_a_null_character_is_refused(self, shop: Any) -> None:
        with pytest.raises(ArgumentError, match="is not a path"):
            shop.reactor.extension_packages.upload("a\0.zip")


class TestDelegates:
    def test_of_a_package_and_of_an_installed_extension_are_the_same(self, shop: Any) -> None:
        installed = shop.reactor.extension_packages.delegates(shop.core)
        package = shop.reactor.extension_packages.delegates(shop.core["extension_package_id"])
        pd.testing.assert_frame_equal(installed, package)
        found = installed.set_index("delegate_descriptor_id").loc[
            "core::dataElements::javascript-variable"
        ]
        assert (found["package"], found["kind"]) == ("core", "dataElements")
        assert json.loads(found["schema"])["required"] == ["path"]

    def test_of_nothing_has_the_same_columns(self, shop: Any) -> None:
        nothing = shop.reactor.extension_packages.delegates([])
        assert len(nothing) == 0
        assert (
            nothing.dtypes.tolist()
            == shop.reactor.extension_packages.delegates(shop.core).dtypes.tolist()
        )


def test_an_upgrade_takes_one_package_and_an_upload_a_path(shop: Any) -> None:
    package = "EP" + "0" * 32
    with pytest.raises(ArgumentError, match="upgrade takes one package"):
        shop.reactor.extensions.upgrade(shop.core, package, extension_package=package)
    with pytest.raises(ArgumentError, match="requires the path of a zip file, not NoneType"):
        shop.reactor.extension_packages.upload(None)


def test_lists_the_rules_of_components_from_a_search(session: Any) -> None:
    hits = session.reactor.search(
        "Campaign Code", fields="attributes.settings", types="rule_components"
    )
    assert len(hits)
    assert set(session.reactor.rules(hits)["rule_component_id"]) == set(hits["id"])


class TestOddResponsesBeforeAWrite:
    @pytest.mark.parametrize(
        "body", [b'{"data": null}', b'{"data": {}}', b'{"data": [{"type": "companies"}]}']
    )
    def test_a_malformed_list_of_companies_is_an_incomplete_result(self, body: bytes) -> None:
        with answering(Answer(200, body, JSON_API)) as service:
            with pytest.raises(IncompleteResult, match="list of companies"):
                service.reactor.properties.create(
                    name="Shop", platform="web", domains=["x.example"]
                )
            assert {got.method for got in service.got} == {"GET"}

    @pytest.mark.parametrize(
        "relationships", [None, [], {"property": None}, {"property": {"data": []}}]
    )
    def test_refuses_a_component_for_a_rule_without_property(self, relationships: Any) -> None:
        rule = {
            "id": "RL" + "0" * 32,
            "type": "rules",
            "attributes": {"name": "Home"},
            "relationships": relationships,
        }
        about = {
            "name": "x",
            "delegate_descriptor_id": "core::events::click",
            "extension": "EX" + "0" * 32,
        }
        with answering(Answer(200, json.dumps({"data": rule}).encode(), JSON_API)) as service:
            with pytest.raises(
                IncompleteResult,
                match="does not name its property|a list as relationships|not a single resource",
            ):
                service.reactor.rule_components.create(rule["id"], **about)
            assert [got.method for got in service.got] == ["GET"]

    def test_refuses_to_republish_a_build_without_library(self) -> None:
        build = {
            "id": "BL" + "0" * 32,
            "type": "builds",
            "relationships": {"library": {"data": None}},
        }
        with answering(Answer(200, json.dumps({"data": build}).encode(), JSON_API)) as service:
            with pytest.raises(IncompleteResult, match="does not name its library"):
                service.reactor.builds.republish(build["id"], confirm="x")
            assert [got.method for got in service.got] == ["GET"]

    def test_a_resource_without_attributes_is_named_by_its_id(self) -> None:
        rule = {"id": "RL" + "0" * 32, "type": "rules", "attributes": None}
        with answering(Answer(200, json.dumps({"data": rule}).encode(), JSON_API)) as service:
            with pytest.raises(IncompleteResult, match="nothing as attributes"):
                service.reactor.with_names(pd.DataFrame({"rule_id": [rule["id"]]}))


def test_a_raw_change_of_an_authorization_reads_no_state(simulate: Any) -> None:
    reactor = sign_in(simulate()).reactor
    grants = reactor.extension_package_usage_authorizations()
    grant = grants.loc[grants["state"] == "pending_approval", "id"].iloc[0]
    kind = "extension_package_usage_authorizations"
    body = {"data": {"id": grant, "type": kind, "attributes": {"state": "approved"}}}
    assert (
        reactor.request("PATCH", f"/{kind}/{grant}", body=body)["data"]["attributes"]["state"]
        == "approved"
    )
