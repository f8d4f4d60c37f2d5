"""The panel's kernel side: state, actions, errors, and no secret in any trait."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from ipywidgets import Widget

from adobe_nb import session as sessions
from adobe_nb.auth.credentials import Credentials, Secret
from adobe_nb.auth.profiles import ProfileStore
from adobe_nb.errors import (
    AdobeError,
    CredentialsError,
    RetiredCredentials,
    SignInError,
    TokenExpired,
    TransportError,
)
from adobe_nb.notebook import panel as panels
from adobe_nb.notebook.display import topic_of
from adobe_nb.notebook.panel import SignInPanel, panel
from adobe_nb.simulator.server import built_in
from tests.conftest import RECORDER, sign_in


def send(shown: SignInPanel, **content: Any) -> None:
    """As the front end does."""
    shown._handle_msg(
        {"content": {"data": {"method": "custom", "content": content}}, "buffers": []}
    )


def everything(shown: SignInPanel) -> str:
    return (
        json.dumps(shown.get_state(), default=str)
        + repr(shown)
        + json.dumps(shown._repr_mimebundle_()[0], default=str)
    )


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch, demo: Any) -> Any:
    monkeypatch.setenv("ADOBE_NB_SIMULATOR", demo.reactor_url)
    return demo


def test_panel_is_one_model() -> None:
    assert panel() is panel()


def test_panel_that_was_closed_is_replaced_and_follows_the_session_no_more(demo: Any) -> None:
    closed = panel()
    Widget.close_all()
    shown = panel()
    assert "application/vnd.jupyter.widget-view+json" in shown._repr_mimebundle_()[0]
    session = sign_in(demo)
    assert shown.state["org_id"] == session.org_id
    assert not closed.state["connected"]


def test_shows_the_session_and_its_lifetime(demo: Any) -> None:
    session = sign_in(demo)
    shown = panel()
    assert shown.state["org_id"] == session.org_id
    assert shown.state["client_id"] == "0ef4…4251"
    assert shown.expires_at - shown.issued_at == pytest.approx(86_399_000)


def test_follows_a_sign_in_elsewhere_and_a_renewal(simulate: Any) -> None:
    simulator = simulate(seed="empty")
    shown = panel()
    assert not shown.state["connected"]
    session = sign_in(simulator)
    assert shown.state["connected"]
    before = shown.expires_at
    simulator.ims.token_ttl = 50_000
    simulator.ims.revoke(simulator.ims.issued[-1])
    session.reactor.companies()
    assert shown.expires_at < before
    session.sign_out()
    assert not shown.state["connected"]


def test_connect_uses_the_announced_simulator_and_tests_it(simulated: Any) -> None:
    shown = panel()
    send(shown, action="connect")
    assert shown.message == {
        "kind": "ok",
        "text": "The credentials work. Company: Hearth & Harbor.",
        "field": "",
        "topic": "",
    }
    assert shown.busy == ""


def test_connect_without_a_source_is_an_error_in_the_panel() -> None:
    shown = panel()
    send(shown, action="connect")
    assert shown.message["kind"] == "error"
    assert "No credentials were found" in shown.message["text"]


def test_simulator_starts_with_one_click() -> None:
    shown = panel()
    send(shown, action="simulate")
    assert shown.state["source"] == "the built-in simulator"
    assert sessions.current().credentials.hosts.reactor == built_in().reactor_url


def test_pasted_token_signs_in_and_is_not_in_the_state(simulated: Any) -> None:
    shown, details = panel(), simulated.connection()
    RECORDER.secrets.add(details["access_token"])
    send(
        shown,
        action="sign_in",
        service="simulator",
        org_id=details["org_id"],
        access_token=f"Bearer {details['access_token']} ",
    )
    assert shown.message["kind"] == "ok"
    assert shown.state["source"] == "the panel"
    assert not shown.state["renewable"]
    assert details["access_token"] not in everything(shown)


def test_client_secret_signs_in_and_is_not_in_the_state(simulated: Any) -> None:
    shown, details = panel(), simulated.connection()
    send(
        shown,
        action="sign_in",
        service="simulator",
        org_id=details["org_id"],
        client_id=details["client_id"],
        client_secret=details["client_secret"],
    )
    assert shown.state["renewable"]
    assert details["client_secret"] not in everything(shown)


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"org_id": "nonsense"}, "org_id", "organization ID"),
        ({"org_id": ""}, "org_id", "but not organization ID"),
        ({"org_id": "0123456789ABCDEF01234567@AdobeOrg"}, "org_id", "403025"),
        ({"org_id": "“5F1C6E4B67A0C0DE0A495C3A@AdobeOrg"}, "org_id", "organization ID"),
        ({"client_id": "<id>"}, "client_id", "client ID"),
        ({"client_id": "unknown-client-0000"}, "client_id", "does not know the client ID"),
        ({"client_id": "p8e-0123456789"}, "client_id", "looks like a secret"),
        ({"client_secret": "wrong-secret-value"}, "client_secret", "refused the client secret"),
        ({"client_secret": "wrong secret-value"}, "client_secret", "contains white space"),
        ({"scopes": "openid;<scope>"}, "scopes", "Invalid scope"),
    ],
)
def test_error_names_its_field(
    simulated: Any, changes: dict[str, str], field: str, says: str
) -> None:
    shown, details = panel(), simulated.connection()
    values = {name: details[name] for name in ("org_id", "client_id", "client_secret")} | changes
    send(shown, action="sign_in", service="simulator", **values)
    assert (shown.message["kind"], shown.message["field"]) == ("error", field)
    assert says in shown.message["text"]
    assert "wrong-secret-value" not in everything(shown)
    # There is no session with a value that has to be corrected.
    assert not shown.state["connected"]


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("garbage", "incomplete"),
        ("Bearer garbage", "incomplete"),
        ("p8e-hush", "looks like a client secret"),
    ],
)
def test_invalid_token_is_reported_at_its_field(simulated: Any, token: str, says: str) -> None:
    shown = panel()
    send(
        shown,
        action="sign_in",
        service="simulator",
        org_id=simulated.accounts["demo"].org_id,
        access_token=token,
    )
    assert shown.message["field"] == "access_token"
    assert says in shown.message["text"]


def test_token_of_another_organization_is_reported_at_the_organization(simulated: Any) -> None:
    shown, details = panel(), simulated.connection()
    send(
        shown,
        action="sign_in",
        service="simulator",
        org_id="0123456789ABCDEF01234567@AdobeOrg",
        access_token=details["access_token"],
    )
    assert (shown.message["field"], shown.message["topic"]) == ("org_id", "organization")
    assert not shown.state["connected"]


def test_refused_token_is_reported_at_its_field(simulated: Any) -> None:
    shown, details = panel(), simulated.connection()
    token = simulated.ims.issue(simulated.accounts["demo"])
    RECORDER.secrets.add(token)
    simulated.ims.revoke(token)
    send(
        shown,
        action="sign_in",
        service="simulator",
        org_id=details["org_id"],
        access_token=token,
    )
    assert (shown.message["kind"], shown.message["field"]) == ("error", "access_token")


def test_refused_sign_in_keeps_the_previous_session(simulated: Any) -> None:
    session = sign_in(simulated)
    shown, details = panel(), simulated.connection()
    send(
        shown,
        action="sign_in",
        service="simulator",
        org_id="FFFFFFFFFFFFFFFFFFFFFFFF@AdobeOrg",
        access_token=details["access_token"],
    )
    assert sessions.current() is session
    assert "403025" in shown.message["text"]
    assert "still signed in as before" in shown.message["text"]
    assert shown.state["org_id"] == session.org_id


def test_refused_first_sign_in_is_shown(simulated: Any) -> None:
    shown, details = panel(), simulated.connection("no_profile")
    names = ("org_id", "client_id", "client_secret")
    send(shown, action="sign_in", service="simulator", **{name: details[name] for name in names})
    assert shown.state["refused"]
    assert "403221" in shown.message["text"]


def test_token_of_the_simulator_is_not_sent_to_adobe(simulated: Any) -> None:
    shown, details = panel(), simulated.connection()
    send(
        shown,
        action="sign_in",
        service="Adobe",
        org_id=details["org_id"],
        access_token=details["access_token"],
    )
    assert "comes from the simulator" in shown.message["text"]


def test_test_explains_a_403_and_sign_out_forgets_the_token(demo: Any) -> None:
    sign_in(demo, "no_profile")
    shown = panel()
    send(shown, action="test")
    assert shown.message["kind"] == "error"
    assert "403221" in shown.message["text"]
    send(shown, action="sign_out")
    assert not shown.state["connected"]
    assert shown.expires_at is None
    assert sessions.current_or_none() is None


def test_unexpected_error_is_shown_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> tuple[str, str]:
        raise RuntimeError("hush")

    monkeypatch.setitem(panels._ACTIONS, "connect", ("…", fail))
    shown = panel()
    send(shown, action="connect")
    assert "RuntimeError" in shown.message["text"]
    assert "hush" not in shown.message["text"]
    assert shown.busy == ""


@pytest.mark.parametrize("content", [{"action": "delete"}, {}, {"action": ["connect"]}])
def test_unknown_message_is_ignored(content: dict[str, Any]) -> None:
    shown = panel()
    send(shown, **content)
    assert shown.message == {}


@pytest.mark.parametrize(
    "content",
    [
        {"action": ["sign_in"], "client_secret": "hush-hush"},
        {"action": {"a": 1}, "access_token": "hush-hush"},
        {"action": "sign_in", "client_secret": {"hush": "hush"}, "org_id": 5, "client_id": None},
        {"action": "profile", "name": ["x"]},
        {"action": "sign_in", "access_token": "x" * 100_000, "org_id": "y" * 100_000, "service": 7},
    ],
)
def test_malformed_message_is_harmless_and_leaves_no_secret(content: dict[str, Any]) -> None:
    shown = panel()
    send(shown, **content)
    assert "hush" not in everything(shown)
    assert shown.busy == ""


def test_token_in_the_scopes_field_is_not_shown(simulated: Any) -> None:
    shown, details = panel(), simulated.connection()
    values = {name: details[name] for name in ("org_id", "client_id", "client_secret")}
    send(shown, action="sign_in", service="simulator", scopes=details["access_token"], **values)
    assert "Invalid scope in the panel" in shown.message["text"]
    assert details["access_token"][:20] not in everything(shown)


@pytest.mark.parametrize("name", ["org_id", "client_id", "scopes"])
@pytest.mark.parametrize(
    "secret",
    [
        "a1b2c3d4-e5f6-7a8b-9c0d-e1f2a3b4c5d6",
        "p8e-a1b2c3d4",
        "openid,xp8e-a1b2c3d4",
        "a1b2c3d4e5f6g7h8",
    ],
)
def test_secret_in_another_field_is_not_shown(simulated: Any, name: str, secret: str) -> None:
    shown, details = panel(), simulated.connection()
    values = {key: details[key] for key in ("org_id", "client_id", "client_secret")}
    send(shown, action="sign_in", service="simulator", **{**values, name: secret})
    assert shown.message["field"] == name
    assert "a1b2" not in everything(shown)


def in_another_thread(shown: SignInPanel, **content: Any) -> None:
    """As a sub-shell of the kernel does; it ends before this returns."""
    thread = threading.Thread(target=send, args=(shown,), kwargs=content)
    thread.start()
    thread.join(15)
    assert not thread.is_alive()


@pytest.mark.parametrize("shown_first", ["busy", "message", "answered"])
def test_click_made_as_soon_as_the_outcome_is_shown_is_handled(demo: Any, shown_first: str) -> None:
    """The front end may answer what it is shown before the thread that showed it has returned."""
    sign_in(demo)
    shown, sent = panel(), []

    def click(change: Any) -> None:
        tested = shown.message.get("kind") == "ok" and (shown_first != "busy" or not change.new)
        if tested and not sent:
            sent.append("sign_out")
            in_another_thread(shown, action="sign_out", click="2")

    shown.observe(click, shown_first)
    send(shown, action="test", click="1")
    assert sent == ["sign_out"]
    assert not shown.state["connected"]
    assert shown.answered == ["1", "2"]
    assert shown.busy == ""


@pytest.fixture
def acted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two actions that only write down that they were done."""
    done: list[str] = []
    for name in ("connect", "test"):
        outcome = panels.Outcome("ok", name)
        action = lambda _, name=name, outcome=outcome: done.append(name) or outcome  # noqa: E731
        monkeypatch.setitem(panels._ACTIONS, name, (f"{name} …", action))
    return done


def test_clicks_during_an_action_are_handled_afterwards_in_order(
    monkeypatch: pytest.MonkeyPatch, acted: list[str]
) -> None:
    shown = panel()

    def act(_: object) -> panels.Outcome:
        in_another_thread(shown, action="connect", click="2")
        in_another_thread(shown, action="test", click="3")
        assert acted == []
        assert shown.busy == "Signing out …"
        return panels.Outcome("ok", "signed out")

    monkeypatch.setitem(panels._ACTIONS, "sign_out", ("Signing out …", act))
    send(shown, action="sign_out", click="1")
    assert acted == ["connect", "test"]
    assert shown.answered == ["1", "2", "3"]
    assert (shown.busy, shown.message["text"]) == ("", "test")


def test_repeated_click_is_handled_once(acted: list[str]) -> None:
    shown = panel()
    for click in ("1", "1", "2", "1"):
        send(shown, action="connect", click=click)
    assert acted == ["connect", "connect"]
    assert shown.answered == ["1", "2"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, AdobeError])
def test_next_click_is_handled_after_a_failed_action(
    monkeypatch: pytest.MonkeyPatch, acted: list[str], error: type[BaseException]
) -> None:
    shown = panel()

    def act(_: object) -> panels.Outcome:
        in_another_thread(shown, action="connect", click="2")
        raise error

    monkeypatch.setitem(panels._ACTIONS, "renew", ("…", act))
    send(shown, action="renew", click="1")
    assert acted == ["connect"]
    send(shown, action="test", click="3")
    assert acted == ["connect", "test"]
    assert shown.busy == ""


def test_interrupted_action_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def act(_: object) -> panels.Outcome:
        raise KeyboardInterrupt

    monkeypatch.setitem(panels._ACTIONS, "renew", ("…", act))
    shown = panel()
    send(shown, action="renew")
    assert shown.message["text"] == "Interrupted. Click again to retry."


def test_click_with_an_unknown_action_is_answered() -> None:
    shown = panel()
    send(shown, action="delete", click="1")
    assert shown.answered == ["1"]


def test_changes_of_two_threads_reach_the_front_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thread that says something while another one ends its message: both are sent."""
    shown, sent = panel(), []
    send_state = shown.send_state
    second = threading.Thread(target=shown.refresh, args=(panels.Outcome("ok", "second"),))

    def sending(key: Any = None) -> None:
        names = {key} if isinstance(key, str) else set(key or ())
        if "state" in names and not second.ident:
            second.start()
            second.join(0.2)  # it waits for this thread, if it is held off
        sent.extend(names)
        send_state(key)

    monkeypatch.setattr(shown, "send_state", sending)
    monkeypatch.setenv("BINDER_REPO_URL", "https://example.test/repo")  # a state of another value
    shown.refresh()
    second.join(15)
    assert shown.message["text"] == "second"
    assert "message" in sent


def test_sign_out_succeeds_when_another_view_signed_out() -> None:
    shown = panel()
    send(shown, action="sign_out")
    assert shown.message["kind"] == "ok"


def test_shows_company_account_rights_and_scopes_after_a_test(demo: Any) -> None:
    session = sign_in(demo)
    shown = panel()
    assert (shown.state["companies"], shown.state["rights"]) == ([], [])
    send(shown, action="test")
    assert shown.state["companies"] == ["Hearth & Harbor"]
    assert shown.state["rights"] == ["develop_extensions", "manage_properties"]
    assert shown.state["account"] == session.account
    assert "acp.foundation" in shown.state["scopes"]
    assert "Company" in repr(shown)


def test_shows_the_rights_on_properties_with_one_more_request(simulate: Any) -> None:
    simulator = simulate()
    properties = simulator.stores[simulator.accounts["demo"].org_id].all("properties")
    for resource in properties[1:]:
        resource.meta["rights"] = ["develop", "publish"]
    properties[0].meta["rights"] = []
    sign_in(simulator, "developer")
    shown = panel()
    before = len(simulator.requests)
    send(shown, action="test")
    assert len(simulator.requests) == before + 2
    without, with_rights = dict(shown._facts)["Property rights"].split("; ")
    assert without == f"1 property ({properties[0].attributes['name']}): none"
    assert with_rights.startswith(f"{len(properties) - 1} properties (")
    assert with_rights.endswith("): develop")
    assert dict(shown._facts)["Company rights"] == "none"


def test_works_when_the_rights_on_properties_cannot_be_read(simulate: Any) -> None:
    simulator = simulate()
    simulator.stores[simulator.accounts["demo"].org_id].all("companies")[0].id = "CO" + "0" * 32
    sign_in(simulator)
    shown = panel()
    send(shown, action="test")
    assert shown.message["kind"] == "ok"
    assert dict(shown._facts)["Property rights"] == (
        "Hearth & Harbor could not be read (404 not-found)"
    )


def test_new_token_is_fetched_with_one_click(simulate: Any) -> None:
    simulator = simulate(seed="empty")
    sign_in(simulator)
    shown, before = panel(), len(simulator.ims.issued)
    send(shown, action="renew")
    assert shown.message["kind"] == "ok"
    assert len(simulator.ims.issued) == before + 1


def test_profile_is_saved_selected_and_becomes_active(simulated: Any) -> None:
    shown, details = panel(), simulated.connection()
    values = {name: details[name] for name in ("org_id", "client_id", "client_secret")}
    send(shown, action="sign_in", service="simulator", save_as="one", in_file="yes", **values)
    assert shown.message["text"].endswith("Saved as profile one, which is used from now on.")
    send(shown, action="sign_in", service="simulator", save_as="two", in_file="yes", **values)
    assert [(each["name"], each["active"]) for each in shown.state["profiles"]] == [
        ("one", False),
        ("two", True),
    ]
    send(shown, action="sign_out")
    send(shown, action="profile", name="one")
    assert shown.message["kind"] == "ok"
    assert sessions.current().source == "profile one"
    assert [each["active"] for each in shown.state["profiles"]] == [True, False]
    assert details["client_secret"] not in everything(shown)
    # A profile of Adobe's, which is not used here.
    token = Secret(details["access_token"])
    at_adobe = Credentials("c" * 32, "A@AdobeOrg", None, token, (), "the test")
    ProfileStore().save("three", at_adobe, in_file=True)
    shown.refresh()
    assert [each["simulator"] for each in shown.state["profiles"]] == [True, False, True]


def test_profile_that_cannot_be_saved_keeps_the_session_and_is_reported_at_its_field(
    simulated: Any,
) -> None:
    shown, details = panel(), simulated.connection()
    values = {name: details[name] for name in ("org_id", "client_id", "client_secret")}
    send(shown, action="sign_in", service="simulator", save_as="one", in_file="", **values)
    assert (shown.message["kind"], shown.message["field"]) == ("error", "save_as")
    assert (
        "You are signed in, but the profile was not saved: this system has no usable keyring"
        in shown.message["text"]
    )
    assert shown.state["connected"]
    send(shown, action="save", save_as="one", in_file="yes")  # nothing is typed again
    assert shown.message["kind"] == "ok"
    assert [each["name"] for each in shown.state["profiles"]] == ["one"]
    send(shown, action="save", save_as="a b", in_file="yes")
    assert (shown.message["kind"], shown.message["field"]) == ("error", "save_as")


def test_refused_profile_keeps_the_session_and_the_active_profile(simulated: Any) -> None:
    account, details = simulated.accounts["no_profile"], simulated.connection()
    good = {name: details[name] for name in ("org_id", "client_id", "client_secret")}
    refused = {
        "org_id": account.org_id,
        "client_id": account.client_id,
        "client_secret": account.client_secret,
    }
    shown = panel()
    send(shown, action="sign_in", service="simulator", **refused)
    send(shown, action="save", save_as="refused", in_file="yes")
    send(shown, action="sign_in", service="simulator", save_as="good", in_file="yes", **good)
    send(shown, action="profile", name="refused")
    assert shown.message["text"].endswith("You are still signed in as before.")
    assert ProfileStore().active == "good"
    assert sessions.current().credentials.client_id == details["client_id"]
    send(shown, action="sign_in", service="simulator", save_as="lost", in_file="yes", **refused)
    assert shown.message["text"].endswith("The profile was not saved.")


def test_session_with_the_built_in_simulator_is_not_saved() -> None:
    details = built_in().connection()
    shown = panel()
    values = {name: details[name] for name in ("org_id", "client_id", "client_secret")}
    send(shown, action="sign_in", service="simulator", save_as="one", in_file="yes", **values)
    assert "connect(simulator=True) is enough" in shown.message["text"]


def test_failing_profile_is_reported_beside_the_chooser(demo: Any) -> None:
    shown = panel()
    send(shown, action="profile", name="gone")
    assert (shown.message["field"], shown.message["kind"]) == ("profile", "error")


def test_refused_scope_is_reported_at_its_field(simulated: Any) -> None:
    shown, details = panel(), simulated.connection()
    values = {name: details[name] for name in ("org_id", "client_id", "client_secret")}
    send(shown, action="sign_in", service="simulator", scopes="openid,nonsense", **values)
    assert (shown.message["field"], shown.message["topic"]) == ("scopes", "scopes")


@pytest.mark.parametrize(
    ("error", "topic"),
    [
        (RetiredCredentials("x"), "retired"),
        (TokenExpired("x"), "token"),
        (TransportError("x"), "network"),
        (SignInError("x", code="invalid_client"), "values"),
        (SignInError("x", status=503), "network"),
        (CredentialsError("x"), "values"),
    ],
)
def test_each_error_has_a_help_topic(error: AdobeError, topic: str) -> None:
    assert topic_of(error) == topic
    script = (Path(panels.__file__).parent / "panel.js").read_text(encoding="utf-8")
    assert f'["{topic}", "' in script


def test_broken_profiles_file_does_not_break_the_panel() -> None:
    store = ProfileStore()
    store.folder.mkdir(parents=True, exist_ok=True)
    (store.folder / "profiles.toml").write_text("a = [")
    shown = panel()
    assert shown.state["profiles"] == []
    send(shown, action="connect")
    assert "cannot be read, or is invalid" in shown.message["text"]


def test_html_and_text_show_the_same_facts_as_the_widget(demo: Any) -> None:
    sign_in(demo)
    data, _ = panel()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    for kind in ("text/plain", "text/html"):
        for fact in ("Simulator (no Adobe account involved)", "0ef4…4251", "23 h 5", "min left"):
            assert fact in data[kind]


def test_front_end_gets_the_fields_and_facts(demo: Any) -> None:
    shown = panel()
    assert [field["name"] for field in shown._fields] == [field.name for field in panels.FIELDS]
    assert shown._facts == []
    session = sign_in(demo)
    assert ("Organization ID", session.org_id) in shown._facts
    assert all(f"{label} " in repr(shown) for label, _ in shown._facts)


def test_front_end_never_writes_markup() -> None:
    assert "innerHTML" not in panel()._esm
    assert "model.set" not in panel()._esm


def test_warns_on_a_public_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not panel().state["public"]
    monkeypatch.setenv("BINDER_REPO_URL", "https://example.test/repo")
    assert panel().state["public"]


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("secret", [nested(100_000), {"a": "p8e-hush"}, 5, ["p8e-hush"]])
def test_secret_that_is_not_text_is_left_out_and_the_click_is_answered(secret: Any) -> None:
    shown, org_id = panel(), "1234567890ABCDEF12345678@AdobeOrg"
    send(shown, action="sign_in", click="1", client_secret=secret, org_id=org_id, client_id="a")
    assert shown.answered == ["1"]
    assert shown.message["field"] == "client_secret"
    assert "p8e-hush" not in everything(shown)
    send(shown, action="sign_out", click="2")
    assert shown.answered == ["1", "2"]


@pytest.mark.parametrize(
    ("action", "name", "label"),
    [
        ("sign_in", "client_secret", "Client secret"),
        ("sign_in", "org_id", "Organization ID"),
        ("sign_in", "save_as", "Name of the profile"),
        ("profile", "name", "Name of the profile"),
        ("save", "save_as", "Name of the profile"),
    ],
)
def test_long_texts_are_refused_and_not_repeated(action: str, name: str, label: str) -> None:
    shown = panel()
    send(shown, action=action, click="1" * 1_000_000, **{name: "p8e-" * 250_000})
    assert shown.message["text"].startswith(f"{label}: the text is too long. At most 20000")
    assert len(everything(shown)) < 100_000
    assert shown.answered == ["1" * 100]


def test_longest_click_id_is_still_handled_once(simulate: Any) -> None:
    simulator = simulate(seed="empty")
    sign_in(simulator)
    shown, before = panel(), len(simulator.ims.issued)
    send(shown, action="renew", click="1" * 100_000)
    send(shown, action="renew", click="1" * 100_000)
    assert len(simulator.ims.issued) == before + 1


def test_save_without_a_name_says_what_a_name_is(demo: Any) -> None:
    sign_in(demo)
    shown = panel()
    send(shown, action="save", in_file="yes")
    assert "The name of a profile may contain" in shown.message["text"]
