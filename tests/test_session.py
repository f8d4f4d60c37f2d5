"""connect, current and use, the choice of simulator or Adobe, and the test of credentials."""

import asyncio
import base64
import contextlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import adobe_nb
from adobe_nb import session as sessions
from adobe_nb.auth.credentials import Secret, read_claims
from adobe_nb.errors import CredentialsError, IncompleteCredentials, NotSignedIn
from adobe_nb.notebook.display import card
from adobe_nb.simulator.faults import Faults
from adobe_nb.simulator.server import built_in
from tests.conftest import SIGN_IN_VALUES, sign_in
from tests.support.stub import Answer, Got, stub


def env_of(simulator: Any, **changes: str) -> str:
    details = {**simulator.connection(), **changes}
    return "".join(f"ADOBE_{name.upper()}={details[name]}\n" for name in SIGN_IN_VALUES)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


class TestConnect:
    def test_without_credentials_says_what_to_do_and_starts_no_simulator(self) -> None:
        with pytest.raises(
            CredentialsError, match=r"No credentials were found.*\.env.*connect\(simulator=True\)"
        ):
            adobe_nb.connect()

    def test_uses_the_env_file_of_this_folder(self, demo: Any) -> None:
        path = write(Path.cwd() / ".env", env_of(demo))
        session = adobe_nb.connect()
        assert session.source == str(path)
        assert adobe_nb.current() is session

    def test_prefers_the_environment_to_the_env_file(
        self, demo: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(Path.cwd() / ".env", env_of(demo))
        for line in env_of(demo).splitlines():
            name, _, value = line.partition("=")
            monkeypatch.setenv(name, value)
        session = adobe_nb.connect()
        assert session.source == "environment"
        assert session.shadowed == (str(Path.cwd() / ".env"),)

    def test_a_named_file_ends_the_search(self, demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ADOBE_CLIENT_ID", "half-of-another-set")
        path = write(Path.cwd() / "mine.env", env_of(demo))
        assert adobe_nb.connect(env_file=path).source == str(path)
        half = write(Path.cwd() / "half.env", "ADOBE_CLIENT_ID=client-1234567890\n")
        with pytest.raises(IncompleteCredentials, match="half.env has ADOBE_CLIENT_ID"):
            adobe_nb.connect(env_file=half)

    def test_org_id_chooses_from_a_file_of_several_organizations(self, demo: Any) -> None:
        account = demo.accounts["demo"]
        entry = {
            "org_id": account.org_id,
            "client_id": account.client_id,
            "secret": account.client_secret,
        }
        path = write(
            Path.cwd() / "several.json", json.dumps([entry, {**entry, "org_id": "F@AdobeOrg"}])
        )
        with pytest.raises(CredentialsError, match=r"F@AdobeOrg.*--org-id"):
            adobe_nb.connect(config_file=path)
        with pytest.raises(CredentialsError, match="no credentials of G@AdobeOrg"):
            adobe_nb.connect(config_file=path, org_id="G@AdobeOrg")
        with pytest.raises(CredentialsError, match="Name one source only"):
            adobe_nb.connect(config_file=path, client_id="c")

    def test_values_end_the_search(self, demo: Any) -> None:
        write(Path.cwd() / ".env", env_of(demo))
        with pytest.raises(
            IncompleteCredentials,
            match="arguments have client ID, but not organization ID, client secret",
        ):
            adobe_nb.connect(client_id="client-1234567890")

    def test_refuses_two_sources_at_once(self) -> None:
        with pytest.raises(CredentialsError, match="one source only"):
            adobe_nb.connect(simulator=True, env_file=".env")

    def test_a_failed_sign_in_keeps_the_previous_session(self, session: Any, demo: Any) -> None:
        with pytest.raises(adobe_nb.SignInError) as caught:
            sign_in(demo, client_secret="wrong")
        assert adobe_nb.current() is session
        assert (
            "You are still signed in as before: simulator" in caught.value._render_traceback_()[-1]
        )

    def test_make_default_false_keeps_the_default(self, session: Any, demo: Any) -> None:
        sign_in(demo, "no_company", make_default=False)
        assert adobe_nb.current() is session

    def test_accepts_a_secret_object(self, demo: Any) -> None:
        secret = Secret(demo.accounts["demo"].client_secret)
        assert sign_in(demo, client_secret=secret).service == "simulator"


class TestRetryPause:
    def test_is_the_wait_before_the_first_retry(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        session = sign_in(simulator, retry_pause=0.4)
        simulator.faults = OneFault()
        began = time.monotonic()
        session.reactor.companies()
        # The random factor shortens it by up to a quarter.
        assert time.monotonic() - began >= 0.3

    @pytest.mark.parametrize("pause", [-1, float("nan"), float("inf"), True, "1", None])
    def test_refuses_values_that_are_not_seconds(self, demo: Any, pause: Any) -> None:
        demo.requests.clear()
        with pytest.raises(
            adobe_nb.ArgumentError, match="Invalid retry_pause .* a number of seconds"
        ):
            sign_in(demo, retry_pause=pause)
        assert not demo.requests


class OneFault(Faults):
    """Refuses the first request only."""

    left = 1

    def strike(self) -> str | None:
        self.left -= 1
        return "503" if self.left == 0 else None


class TestSimulatorOrAdobe:
    def test_simulator_true_ignores_every_source(self, demo: Any) -> None:
        write(Path.cwd() / ".env", env_of(demo))
        session = adobe_nb.connect(simulator=True)
        assert session.source == "the built-in simulator"
        assert session.credentials.hosts.reactor == built_in().reactor_url != demo.reactor_url

    def test_connecting_twice_uses_the_same_simulator(self) -> None:
        first, second = adobe_nb.connect(simulator=True), adobe_nb.connect(simulator=True)
        assert first.credentials.hosts == second.credentials.hosts

    def test_an_unknown_account_lists_the_accounts(self) -> None:
        with pytest.raises(
            CredentialsError, match="demo, developer, no_company, no_platform, no_profile"
        ):
            adobe_nb.connect(simulator="admin")

    def test_the_fallback_is_used_only_without_a_complete_source(self, demo: Any) -> None:
        assert adobe_nb.connect(fallback="simulator").source == "the built-in simulator"
        path = write(Path.cwd() / ".env", env_of(demo))
        assert adobe_nb.connect(fallback="simulator").source == str(path)

    def test_a_profile_of_a_stopped_simulator_gives_way_to_the_fallback(
        self, simulate: Any
    ) -> None:
        simulator = simulate(seed="empty")
        sign_in(simulator, make_default=False).save("old", in_file=True)
        simulator.stop()
        session = adobe_nb.connect(fallback="simulator")
        assert session.source == "the built-in simulator"
        assert "%adobe_auth forget old" in session.incomplete[0]
        with pytest.raises(adobe_nb.TransportError, match="cannot be reached") as caught:
            adobe_nb.connect()
        assert "%adobe_auth forget old" in " ".join(caught.value.__notes__)

    def test_an_announced_simulator_replaces_a_stopped_one(
        self, simulate: Any, demo: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        simulator = simulate(seed="empty")
        sign_in(simulator, make_default=False).save("old", in_file=True)
        simulator.stop()
        monkeypatch.setenv("ADOBE_NB_SIMULATOR", demo.reactor_url)
        assert "ADOBE_NB_SIMULATOR" in adobe_nb.connect().source
        monkeypatch.setenv("ADOBE_NB_SIMULATOR", simulator.reactor_url)
        assert adobe_nb.connect(fallback="simulator").source == "the built-in simulator"

    def test_a_profile_of_a_running_simulator_wins(self, demo: Any) -> None:
        sign_in(demo, make_default=False).save("mine", in_file=True)
        assert adobe_nb.connect(fallback="simulator").source == "profile mine"

    def test_the_fallback_names_incomplete_credentials(self) -> None:
        write(Path.cwd() / ".env", "ADOBE_CLIENT_ID=client-1234567890\n")
        session = adobe_nb.connect(fallback="simulator")
        assert "but not ADOBE_ORG_ID" in session.incomplete[0]
        # A session is the last line of a cell: a tutorial must not read the wrong company unnoticed.
        assert repr(session).endswith("This session uses the simulator instead.")
        assert "This session uses the simulator instead.</div>" in session._repr_html_()

    def test_an_announced_simulator_is_the_last_source(
        self, demo: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ADOBE_NB_SIMULATOR", demo.reactor_url)
        session = adobe_nb.connect()
        assert session.source == f"the simulator at {demo.reactor_url} (ADOBE_NB_SIMULATOR)"
        path = write(Path.cwd() / ".env", env_of(demo))
        assert adobe_nb.connect().source == str(path)

    @pytest.mark.parametrize(
        ("url", "says"),
        [
            ("https://example.test", "must be a URL on this machine"),
            ("http://[::1", "must be a URL on this machine"),
            ("1", "must be a URL on this machine"),
            ("http://127.0.0.1:9", "does not answer"),
        ],
    )
    def test_an_invalid_announcement_says_what_to_do(
        self, monkeypatch: pytest.MonkeyPatch, url: str, says: str
    ) -> None:
        monkeypatch.setenv("ADOBE_NB_SIMULATOR", url)
        with pytest.raises(CredentialsError, match=says):
            adobe_nb.connect()

    def test_another_server_at_that_address_is_not_a_simulator(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stub(lambda _: Answer(200, b"{}")) as server:
            monkeypatch.setenv("ADOBE_NB_SIMULATOR", server.url)
            with pytest.raises(CredentialsError, match="does not answer"):
                adobe_nb.connect()

    def test_repr_and_frames_say_simulator(self, session: Any) -> None:
        assert "simulator" in repr(session)
        assert "<" not in session._repr_html_().removeprefix("<div>").removesuffix("</div>")
        assert session.reactor.companies().attrs["service"] == "simulator"


class TestCurrent:
    def test_without_a_session_says_how_to_sign_in(self) -> None:
        with pytest.raises(NotSignedIn, match="Run %adobe_auth"):
            adobe_nb.current()
        with pytest.raises(NotSignedIn):
            adobe_nb.reactor.companies()

    def test_use_applies_to_the_block(self, session: Any, demo: Any) -> None:
        other = sign_in(demo, "no_company", make_default=False)
        with adobe_nb.use(other) as used:
            assert adobe_nb.current() is used is other
        assert adobe_nb.current() is session

    def test_use_does_not_reach_other_threads(self, session: Any, demo: Any) -> None:
        other, seen = sign_in(demo, "no_company", make_default=False), []
        with adobe_nb.use(other):
            thread = threading.Thread(target=lambda: seen.append(adobe_nb.current()))
            thread.start()
            thread.join()
        assert seen == [session]

    def test_only_the_reactor_of_the_module_follows_it(self, session: Any, demo: Any) -> None:
        other = sign_in(demo, "no_company", make_default=False)
        with adobe_nb.use(other):
            with pytest.raises(adobe_nb.NotFound):
                adobe_nb.reactor.companies()
            assert len(session.reactor.companies()) == 1

    def test_pool_threads_of_a_list_use_the_session_of_the_block(
        self, session: Any, demo: Any
    ) -> None:
        sign_in(demo, "no_company")
        with adobe_nb.use(session):
            assert len(adobe_nb.reactor.rules(adobe_nb.reactor.properties())) == 51


class TestCredentialsTest:
    def test_200_names_the_company(self, session: Any) -> None:
        check = session.test()
        assert (check.ok, check.status, check.companies) == (True, 200, ("Hearth & Harbor",))

    def test_404_means_that_the_credentials_work(self, demo: Any) -> None:
        check = sign_in(demo, "no_company").test()
        assert (check.ok, check.status) == (True, 404)
        assert "no company in tags" in check.message

    def test_403_is_explained(self, demo: Any) -> None:
        check = sign_in(demo, "no_profile").test()
        assert (check.ok, check.status) == (False, 403)
        assert "Admin Console" in check.message


def test_the_three_headers_are_shown_masked(session: Any, demo: Any) -> None:
    headers = session.headers()
    assert list(headers) == ["Authorization", "x-api-key", "x-gw-ims-org-id"]
    assert demo.accounts["demo"].client_id not in str(headers)
    assert headers["x-gw-ims-org-id"] == session.org_id


def test_each_request_has_the_three_headers(demo: Any, session: Any) -> None:
    demo.requests.clear()
    session.reactor.companies()
    headers = demo.requests[-1].headers
    assert headers["authorization"].startswith("Bearer ")
    assert headers["x-api-key"] == demo.accounts["demo"].client_id
    assert headers["x-gw-ims-org-id"] == session.org_id
    assert headers["accept"] == "application/vnd.api+json;revision=1"


def test_connect_by_hand_refuses_a_simulated_token_for_adobe(demo: Any) -> None:
    token = Secret(demo.connection()["access_token"])
    with pytest.raises(CredentialsError, match="comes from the simulator"):
        sessions.connect_by_hand(
            {"access_token": token, "org_id": demo.accounts["demo"].org_id}, simulator=False
        )


def test_a_listener_may_use_the_session_and_may_fail(demo: Any) -> None:
    seen: list[str] = []

    def listener() -> None:
        session = sessions.current_or_none()
        if session is not None:
            session.sign_in()
            seen.append(session.org_id)
        raise ZeroDivisionError

    sessions.on_change(listener)
    session = sign_in(demo)
    assert seen == [session.org_id]


def test_a_signed_out_session_in_use_says_so(session: Any) -> None:
    session.sign_out()
    with adobe_nb.use(session):
        assert "signed out" in repr(card(sessions.current_or_none()))


class TestSeveralOrganizations:
    """The token of one session is never sent with the headers of another."""

    def pairs(self, simulator: Any) -> set[tuple[str, str, str]]:
        found = set()
        for request in simulator.requests:
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            if token:
                client = read_claims(Secret(token))["client_id"]
                found.add(
                    (client, request.headers["x-api-key"], request.headers["x-gw-ims-org-id"])
                )
        return found

    def expected(self, simulator: Any, *names: str) -> set[tuple[str, str, str]]:
        accounts = [simulator.accounts[name] for name in names]
        return {(account.client_id, account.client_id, account.org_id) for account in accounts}

    def test_the_accounts_belong_to_two_organizations(self, demo: Any) -> None:
        assert demo.accounts["demo"].org_id != demo.accounts["no_company"].org_id

    def test_across_threads(self, simulate: Any) -> None:
        simulator = simulate(seed="demo")
        ours, theirs = sign_in(simulator), sign_in(simulator, "no_company", make_default=False)
        simulator.requests.clear()

        def pull(session: Any) -> int:
            total = 0
            for _ in range(5):
                with adobe_nb.use(session):
                    assert adobe_nb.current() is session
                    total += 1
                    with contextlib.suppress(adobe_nb.NotFound):
                        adobe_nb.reactor.rules(adobe_nb.reactor.properties())
            return total

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(pull, [ours, theirs] * 6)) == 60
        assert self.pairs(simulator) == self.expected(simulator, "demo", "no_company")

    def test_in_async_tasks(self, simulate: Any) -> None:
        simulator = simulate(seed="demo")
        ours, theirs = sign_in(simulator), sign_in(simulator, "no_company", make_default=False)
        simulator.requests.clear()

        async def pull(session: Any) -> None:
            with adobe_nb.use(session):
                for _ in range(3):
                    await asyncio.sleep(0)
                    assert adobe_nb.current() is session
                    await asyncio.to_thread(lambda: adobe_nb.current().test())
                    await asyncio.sleep(0)
                    adobe_nb.current().test()

        async def both() -> None:
            await asyncio.gather(*(pull(session) for session in (ours, theirs, ours, theirs)))

        with ThreadPoolExecutor(
            1
        ) as pool:  # The browser tests leave a running loop in the main thread.
            pool.submit(asyncio.run, both()).result()
        assert self.pairs(simulator) == self.expected(simulator, "demo", "no_company")
        assert adobe_nb.current() is ours

    def test_signing_out_of_one_leaves_the_other(self, demo: Any) -> None:
        ours, theirs = sign_in(demo), sign_in(demo, "no_company", make_default=False)
        theirs.sign_out()
        assert ours.test().ok
        assert adobe_nb.current() is ours


class TestTokens:
    def test_scopes_and_account_are_read_from_the_token(self, demo: Any, session: Any) -> None:
        assert session.scopes == demo.accounts["demo"].scopes
        assert session.account.endswith("@techacct.adobe.com")
        session.sign_out()
        assert session.account is None
        assert session.scopes == session.credentials.scopes

    def pasted(self, demo: Any, **changes: Any) -> Any:
        details = demo.connection()
        names = ("access_token", "org_id", "reactor_url", "ims_url")
        return adobe_nb.connect(**{**{name: details[name] for name in names}, **changes})

    def test_refuses_a_token_of_another_client(self, demo: Any) -> None:
        with pytest.raises(
            CredentialsError,
            match=r"belongs to another client \(0ef4…4251\) than the client ID in arguments",
        ):
            self.pasted(demo, client_id="another-client-0000")

    def test_refuses_a_token_that_names_another_organization(self, demo: Any) -> None:
        claims = {
            "client_id": "c" * 12,
            "org": "0123456789ABCDEF01234567@AdobeOrg",
            "exp": 4_000_000_000,
        }
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        with pytest.raises(
            CredentialsError, match="belongs to another organization .0123456789ABCDEF"
        ):
            self.pasted(demo, access_token=f"eyJhbGciOiJub25lIn0.{body}.x")

    def test_the_service_refuses_a_token_of_another_organization(self, demo: Any) -> None:
        check = self.pasted(demo, org_id="0123456789ABCDEF01234567@AdobeOrg").test()
        assert not check.ok
        assert "organization" in check.message

    def test_expires_in_may_be_milliseconds(self) -> None:
        def answer(got: Got) -> Answer:
            return Answer(200, b'{"access_token": "t", "expires_in": 86399999}')

        with stub(answer) as server:
            session = adobe_nb.connect(
                client_id="c" * 12,
                client_secret="hush",
                org_id="A@AdobeOrg",
                reactor_url=server.url,
                ims_url=server.url,
            )
        assert session.time_left_text.startswith("23 h 5")

    def test_refresh_after_a_sign_out_says_so(self, simulate: Any) -> None:
        session = sign_in(simulate(seed="empty"))
        session.sign_out()
        with pytest.raises(NotSignedIn, match="signed out"):
            session.refresh()

    def test_a_simulator_without_edge_addresses_does_not_send_to_adobe(self, demo: Any) -> None:
        session = sign_in(demo, edge_url=None, edge_server_url=None)
        event = {"xdm": {"identityMap": {"Email": [{"id": "a", "primary": True}]}}}
        with pytest.raises(CredentialsError, match="Set ADOBE_EDGE_SERVER_URL"):
            session.edge.interact(demo.connection()["datastream_id"], event)
        with pytest.raises(CredentialsError, match="Set ADOBE_EDGE_URL"):
            session.edge.interact(demo.connection()["datastream_id"], event, authenticated=False)
