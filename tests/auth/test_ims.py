"""Tokens are fetched, kept, renewed early and once after a 401, and never shown."""

import json
import re
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from adobe_nb import session as sessions
from adobe_nb.auth.credentials import Secret, read_claims
from adobe_nb.auth.ims import Token, pasted
from adobe_nb.errors import (
    CredentialsError,
    NotAllowed,
    NotSignedIn,
    RedirectRefused,
    SignInError,
    TokenExpired,
    TransportError,
)
from adobe_nb.notebook.display import card
from tests.conftest import RECORDER, sign_in
from tests.support.stub import Answer, stub

NOW = datetime(2026, 9, 8, 9, 0, tzinfo=UTC)


def count(simulator: Any, path: str) -> int:
    return sum(request.path == path for request in simulator.requests)


def token_lasting(seconds: float) -> Token:
    return Token(Secret("x"), NOW, NOW + timedelta(seconds=seconds))


def connect_to(url: str, client_id: str = "c" * 12, **values: str) -> sessions.Session:
    """Sign in at a service of ours, without pauses."""
    return sessions.connect(
        client_id=client_id,
        org_id="A@AdobeOrg",
        retry_pause=0,
        ims_url=url,
        reactor_url=url,
        **values,
    )


class TestToken:
    def test_is_due_a_minute_before_it_expires(self) -> None:
        token = token_lasting(86_399)
        assert not token.due(NOW + timedelta(seconds=86_338))
        assert token.due(NOW + timedelta(seconds=86_339))

    def test_a_short_lived_one_is_not_due_from_the_start(self) -> None:
        token = token_lasting(5)
        assert not token.due(NOW + timedelta(seconds=4.4))
        assert token.due(NOW + timedelta(seconds=4.5))

    def test_one_of_unknown_expiry_is_never_due(self) -> None:
        token = Token(Secret("x"), NOW, None)
        assert not token.due(NOW + timedelta(days=9))
        assert token.left(NOW) is None

    def test_time_left_is_never_negative(self) -> None:
        assert token_lasting(5).left(NOW + timedelta(seconds=9)) == timedelta(0)


class TestSignIn:
    def test_sends_the_secret_in_the_form_and_not_in_the_query(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        sign_in(simulator)
        request = next(each for each in simulator.requests if each.path == "/ims/token/v3")
        secret = simulator.accounts["demo"].client_secret
        assert secret.encode() in request.body
        assert request.query == ()
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"

    def test_one_token_serves_many_requests(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        session = sign_in(simulator)
        for _ in range(3):
            session.reactor.companies()
        assert count(simulator, "/ims/token/v3") == 1

    def test_a_wrong_secret_says_what_to_do(self, demo: Any) -> None:
        with pytest.raises(
            SignInError, match="refused the client secret from arguments.*Copy the secret again"
        ) as caught:
            sign_in(demo, client_secret="wrong")
        assert (caught.value.status, caught.value.code) == (400, "invalid_client")

    def test_an_unknown_client_differs_from_a_wrong_secret(self, demo: Any) -> None:
        with pytest.raises(
            SignInError, match="does not know the client ID from arguments"
        ) as caught:
            sign_in(demo, client_id="unknown-client-0000")
        # It may be the client secret, in the wrong place.
        assert not re.search("unkn|0000", str(caught.value))

    def test_a_missing_scope_names_the_source_and_not_what_was_typed(self, demo: Any) -> None:
        with pytest.raises(SignInError, match="scopes from arguments.*ADOBE_SCOPES") as caught:
            sign_in(demo, scopes="openid,hush4hush8")
        assert "hush" not in str(caught.value)

    def test_a_token_without_the_needed_scopes_is_explained_by_the_first_request(
        self, demo: Any
    ) -> None:
        session = sign_in(demo, scopes="openid,AdobeID")
        with pytest.raises(NotAllowed, match="no-available-orgs.*ADOBE_SCOPES"):
            session.reactor.companies()

    def test_an_unreachable_ims_says_so(self) -> None:
        with pytest.raises(TransportError, match=r"127\.0\.0\.1:9 cannot be reached"):
            sessions.connect(
                client_id="c" * 12,
                client_secret="s",
                org_id="A@AdobeOrg",
                retry_pause=0,
                ims_url="http://127.0.0.1:9",
                reactor_url="http://127.0.0.1:9",
            )

    def test_refuses_a_redirect_and_sends_the_secret_once(self) -> None:
        with stub(lambda _: Answer(307, headers={"Location": "https://elsewhere.test/ims"})) as ims:
            with pytest.raises(RedirectRefused, match=r"redirect to elsewhere\.test"):
                connect_to(ims.url, client_secret="hush")
            assert len(ims.got) == 1

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            (b"<html>log in</html>", "not JSON"),
            (b'{"note": "no token in here"}', "refused the sign-in"),
            (b"[]", "not JSON"),
        ],
    )
    def test_a_200_without_a_token_is_an_error(self, body: bytes, says: str) -> None:
        with stub(lambda _: Answer(200, body)) as ims, pytest.raises(SignInError, match=says):
            connect_to(ims.url, client_secret="hush")


class TestTwoSecrets:
    def file(self, simulator: Any, *secrets: str) -> Any:
        account = simulator.accounts["demo"]
        path = Path.cwd() / ".env"
        values = {
            "CLIENT_ID": account.client_id,
            "CLIENT_SECRET": json.dumps(secrets),
            "ORG_ID": account.org_id,
        }
        values |= {"REACTOR_URL": simulator.reactor_url, "IMS_URL": simulator.reactor_url}
        path.write_text("".join(f"ADOBE_{name}={value}\n" for name, value in values.items()))
        path.chmod(0o600)
        return path

    def test_the_second_is_tried_when_the_first_was_retired(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        good = simulator.accounts["demo"].client_secret
        session = sessions.connect(env_file=self.file(simulator, "retired-secret", good))
        assert count(simulator, "/ims/token/v3") == 2
        assert session.credentials.client_secret == Secret(good)
        session.refresh()  # The secret that works comes first from now on.
        assert count(simulator, "/ims/token/v3") == 3
        session.save("work", in_file=True)
        assert sessions.connect(profile="work").reactor.companies().shape[0] == 1

    def test_when_both_are_refused_the_message_says_so(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        with pytest.raises(SignInError, match="refused both client secrets") as caught:
            sessions.connect(env_file=self.file(simulator, "hush-one", "hush-two"))
        assert "hush" not in str(caught.value)

    def test_an_unknown_client_is_not_tried_with_the_second_secret(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        path = self.file(simulator, "one", "two")
        path.write_text(
            path.read_text().replace(simulator.accounts["demo"].client_id, "unknown-client-0000")
        )
        with pytest.raises(SignInError, match="does not know the client ID"):
            sessions.connect(env_file=path)
        assert count(simulator, "/ims/token/v3") == 1


class TestClock:
    """The service's Date header against ours; here it is the service whose clock is off."""

    def date(self, **off: float) -> dict[str, str]:
        return {"Date": format_datetime(datetime.now(UTC) + timedelta(**off), usegmt=True)}

    def test_an_expired_token_mentions_a_clock_that_is_ahead(self, demo: Any) -> None:
        old = demo.ims.issue(demo.accounts["demo"], age=90_000)
        RECORDER.secrets.add(old)
        with stub(lambda _: Answer(404, headers=self.date(hours=-3))) as server:
            with pytest.raises(
                TokenExpired,
                match=r"This machine's clock is 3 h 0 min ahead of Adobe's. Correct it",
            ):
                sessions.connect(
                    access_token=old,
                    org_id=demo.accounts["demo"].org_id,
                    reactor_url=server.url,
                    ims_url=server.url,
                )
        assert [got.headers.get("Authorization") for got in server.got] == [None]

    def test_a_correct_clock_is_not_mentioned(self, demo: Any) -> None:
        old = demo.ims.issue(demo.accounts["demo"], age=90_000)
        RECORDER.secrets.add(old)
        url = demo.reactor_url
        with pytest.raises(TokenExpired) as caught:
            sessions.connect(
                access_token=old, org_id=demo.accounts["demo"].org_id, reactor_url=url, ims_url=url
            )
        assert "clock" not in str(caught.value)

    def test_a_token_from_the_future_shows_a_clock_that_is_behind(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        token = simulator.ims.issue(simulator.accounts["demo"], age=-7300)
        RECORDER.secrets.add(token)
        url = simulator.reactor_url
        with stub(lambda _: Answer(404, headers=self.date(hours=3))) as server:
            session = sessions.connect(
                access_token=token,
                org_id=simulator.accounts["demo"].org_id,
                reactor_url=server.url,
                ims_url=url,
            )
        assert session.clock_note == "This machine's clock is 3 h 0 min behind Adobe's. Correct it."

    def test_the_response_of_ims_shows_it_and_the_token_lasts_by_our_clock(
        self, simulate: Any
    ) -> None:
        simulator = simulate(seed="empty")
        token = simulator.ims.issue(simulator.accounts["demo"], age=-7200)
        body = json.dumps({"access_token": token, "token_type": "bearer"}).encode()
        with stub(lambda _: Answer(200, body, self.date(hours=2))) as ims:
            session = connect_to(ims.url, client_secret="hush")
        assert "2 h 0 min behind" in repr(card(session))
        assert session.time_left_text.startswith("23 h 59")


class TestWhatImsSays:
    @pytest.mark.parametrize(
        ("description", "shown"),
        [
            ("invalid client_secret parameter", "IMS says: invalid client_secret parameter"),
            ("two\nlines \x1b[31m red", "IMS says: two lines [31m red"),
            ("it was hush-hush!", "IMS says: it was ••••"),
            ("x" * 300, "IMS says: " + "x" * 200 + "…"),
        ],
    )
    def test_is_shown_on_one_line_without_the_secret(self, description: str, shown: str) -> None:
        body = json.dumps({"error": "invalid_client", "error_description": description}).encode()
        with stub(lambda _: Answer(400, body)) as ims, pytest.raises(SignInError) as caught:
            sessions.connect(
                client_id="c" * 12,
                client_secret="hush-hush",
                org_id="A@AdobeOrg",
                retry_pause=0,
                ims_url=ims.url,
                reactor_url=ims.url,
            )
        assert shown in str(caught.value)
        assert "hush" not in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("code", ["invalid_client", "invalid_scope", "other"])
    def test_typed_values_are_masked_because_they_may_be_a_secret(self, code: str) -> None:
        description = "client hush-client-1, scopes openid hush4hush8"
        body = json.dumps({"error": code, "error_description": description}).encode()
        with stub(lambda _: Answer(400, body)) as ims, pytest.raises(SignInError) as caught:
            connect_to(
                ims.url,
                client_id="hush-client-1",
                client_secret="wrong",
                scopes="openid,hush4hush8",
            )
        assert "IMS says: client ••••••••, scopes openid ••••••••" in str(caught.value)
        assert "hush" not in str(caught.value)

    def test_refused_default_scopes_are_named(self) -> None:
        body = json.dumps({"error": "invalid_scope"}).encode()
        with (
            stub(lambda _: Answer(400, body)) as ims,
            pytest.raises(SignInError, match="default scopes AdobeID, openid"),
        ):
            connect_to(ims.url, client_secret="wrong")


class TestRenewal:
    def test_a_revoked_token_is_replaced_once_and_the_request_repeated(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        session = sign_in(simulator)
        simulator.ims.revoke(simulator.ims.issued[-1])
        assert len(session.reactor.companies()) == 1
        assert count(simulator, "/ims/token/v3") == 2
        assert count(simulator, "/companies") == 2

    def test_a_token_that_stays_refused_is_renewed_once_only(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        session = sign_in(simulator)
        simulator.ims.check = lambda _: None
        with pytest.raises(NotAllowed, match="401013"):
            session.reactor.companies()
        assert count(simulator, "/ims/token/v3") == 2

    def test_many_threads_share_one_renewal(self, simulate: Any) -> None:
        simulator = simulate()
        session = sign_in(simulator)
        properties = session.reactor.properties()
        simulator.ims.revoke(simulator.ims.issued[-1])
        before = count(simulator, "/ims/token/v3")
        threads = [
            threading.Thread(target=session.reactor.rules, args=(properties,)) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert count(simulator, "/ims/token/v3") == before + 1

    def test_a_due_token_is_replaced_before_it_is_refused(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        session = sign_in(simulator)
        assert session.token is not None
        later = datetime.now(UTC) + timedelta(hours=23, minutes=59, seconds=30)
        session._auth._now = lambda: later
        session.reactor.companies()
        assert count(simulator, "/ims/token/v3") == 2
        assert count(simulator, "/companies") == 1

    def test_a_signed_out_session_stays_signed_out(self, demo: Any) -> None:
        session = sign_in(demo)
        session.sign_out()
        with pytest.raises(NotSignedIn, match="signed out"):
            session.reactor.companies()
        with pytest.raises(NotSignedIn):
            sessions.current()


class TestPastedToken:
    def connect(self, simulator: Any, token: str) -> sessions.Session:
        RECORDER.secrets.add(token)
        url = simulator.reactor_url
        return sessions.connect(
            access_token=token,
            org_id=simulator.accounts["demo"].org_id,
            reactor_url=url,
            ims_url=url,
        )

    def test_works_without_any_call_to_ims(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        session = self.connect(simulator, f"Bearer {simulator.connection()['access_token']}\n")
        assert len(session.reactor.companies()) == 1
        assert count(simulator, "/ims/token/v3") == 0
        assert not session.renewable

    def test_knows_its_expiry_and_client(self, demo: Any) -> None:
        session = self.connect(demo, demo.connection()["access_token"])
        assert session.expires_at is not None
        assert (
            timedelta(hours=23, minutes=58)
            < session.expires_at - datetime.now(UTC)
            < timedelta(hours=24)
        )
        assert session.credentials.client_id == demo.accounts["demo"].client_id

    def test_an_expired_one_says_when_it_expired_and_where_to_get_another(self, demo: Any) -> None:
        old = demo.ims.issue(demo.accounts["demo"], age=90_000)
        with pytest.raises(TokenExpired, match="expired on 20.*UTC.*Generate access token"):
            self.connect(demo, old)

    def test_one_that_expires_later_raises_and_does_not_loop(self, simulate: Any) -> None:
        simulator = simulate(seed="empty")
        session = self.connect(simulator, simulator.connection()["access_token"])
        later = datetime.now(UTC) + timedelta(hours=25)
        session._auth._now = lambda: later
        with pytest.raises(TokenExpired):
            session.reactor.companies()
        assert count(simulator, "/companies") == 0

    @pytest.mark.parametrize(
        "text", ["eyJonlyonepart", "a.b.c", "eyJ…cut.off.here", "${TOKEN}.x.y"]
    )
    def test_refuses_an_invalid_token_before_any_request(self, text: str) -> None:
        with pytest.raises(CredentialsError, match="The pasted text") as caught:
            pasted(Secret(text), NOW)
        assert text not in str(caught.value)


def test_read_claims_of_other_texts_is_empty() -> None:
    assert read_claims(Secret("a.b.c")) == {}
    assert read_claims(Secret("nothing")) == {}
