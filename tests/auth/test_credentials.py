"""Secrets stay hidden, sources are found in order, and invalid values are refused."""

import base64
import copy
import json
import pickle
import re
from pathlib import Path

import pytest

import adobe_nb
from adobe_nb.auth import sources
from adobe_nb.auth.credentials import (
    DEFAULT_SCOPES,
    Credentials,
    Hosts,
    Secret,
    candidate_of,
    clean_token,
    credentials_of,
    mask,
)
from adobe_nb.errors import (
    AdobeError,
    CredentialsError,
    HostNotAllowed,
    IncompleteCredentials,
    InsecureFileWarning,
)

ORG = "ABCDEF0123456789ABCDEF01@AdobeOrg"
UUID_SECRET = "a1b2c3d4-e5f6-7a8b-9c0d-e1f2a3b4c5d6"
"""The form of older client secrets."""
_CLAIMS = base64.urlsafe_b64encode(json.dumps({"client_id": "client-1234567890"}).encode())
PASTED = f"eyJhbGciOi.{_CLAIMS.decode().rstrip('=')}.hush"
WHOLE = {
    "ADOBE_CLIENT_ID": "client-1234567890",
    "ADOBE_CLIENT_SECRET": "hush-hush-hush",
    "ADOBE_ORG_ID": ORG,
}


def write_env(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def lines(values: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


class TestSecret:
    secret = Secret("hush-hush-hush")

    def test_is_masked_in_every_text(self) -> None:
        assert (
            "hush"
            not in f"{self.secret!r} {self.secret!s} {self.secret:>40} {[self.secret]} {vars(self)}"
        )

    def test_reveal_returns_the_text(self) -> None:
        assert self.secret.reveal() == "hush-hush-hush"

    def test_refuses_pickle_and_json(self) -> None:
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(self.secret)
        with pytest.raises(TypeError):
            json.dumps({"secret": self.secret})

    def test_getstate_refuses_as_well(self) -> None:
        with pytest.raises(TypeError):
            Secret("hush").__getstate__()

    def test_is_not_copied(self) -> None:
        assert copy.deepcopy(self.secret) is self.secret
        assert copy.copy(self.secret) is self.secret

    def test_has_no_dict_and_a_hash_that_reveals_nothing(self) -> None:
        assert not hasattr(self.secret, "__dict__")
        assert hash(self.secret) == hash(Secret("something else"))

    def test_equals_only_a_secret_of_the_same_text(self) -> None:
        assert self.secret == Secret("hush-hush-hush")
        assert self.secret != Secret("other")
        assert self.secret != "hush-hush-hush"


class TestFind:
    def test_a_complete_environment_wins(self, tmp_path: Path) -> None:
        resolved = sources.find(WHOLE, tmp_path)
        assert resolved is not None
        assert resolved.credentials.source == "environment"
        assert resolved.credentials.client_id == "client-1234567890"
        assert resolved.credentials.scopes == DEFAULT_SCOPES
        assert resolved.credentials.hosts == Hosts()

    def test_finds_the_env_file_of_a_parent_folder(self, tmp_path: Path) -> None:
        path = write_env(tmp_path, lines(WHOLE))
        below = tmp_path / "a" / "b"
        below.mkdir(parents=True)
        resolved = sources.find({}, below)
        assert resolved is not None
        assert resolved.credentials.source == str(path)

    def test_skips_an_env_file_without_our_names(self, tmp_path: Path) -> None:
        write_env(tmp_path, lines(WHOLE))
        below = tmp_path / "a"
        below.mkdir()
        write_env(below, "DATABASE=x\n")
        resolved = sources.find({}, below)
        assert resolved is not None
        assert resolved.credentials.source == str(tmp_path / ".env")

    def test_reports_the_env_file_that_the_environment_shadows(self, tmp_path: Path) -> None:
        path = write_env(tmp_path, lines(WHOLE))
        resolved = sources.find(WHOLE, tmp_path)
        assert resolved is not None
        assert resolved.shadowed == (str(path),)

    def test_a_complete_file_precedes_an_incomplete_environment(self, tmp_path: Path) -> None:
        write_env(tmp_path, lines(WHOLE))
        resolved = sources.find({"ADOBE_CLIENT_ID": "other-1234567890"}, tmp_path)
        assert resolved is not None
        assert resolved.credentials.client_id == "client-1234567890"
        assert (
            "environment has ADOBE_CLIENT_ID, but not ADOBE_ORG_ID, ADOBE_CLIENT_SECRET"
            in resolved.incomplete[0]
        )

    def test_returns_none_without_any_source(self, tmp_path: Path) -> None:
        assert sources.find({}, tmp_path) is None

    def test_an_incomplete_set_names_what_is_present_and_missing(self, tmp_path: Path) -> None:
        half = {name: value for name, value in WHOLE.items() if name != "ADOBE_ORG_ID"}
        with pytest.raises(
            IncompleteCredentials,
            match="has ADOBE_CLIENT_ID, ADOBE_CLIENT_SECRET, but not ADOBE_ORG_ID",
        ):
            sources.find(half, tmp_path)

    def test_two_incomplete_sources_are_never_mixed(self, tmp_path: Path) -> None:
        write_env(tmp_path, f"ADOBE_CLIENT_SECRET=hush-hush-hush\nADOBE_ORG_ID={ORG}\n")
        with pytest.raises(IncompleteCredentials, match="never mixed") as caught:
            sources.find({"ADOBE_CLIENT_ID": "client-1234567890"}, tmp_path)
        assert "environment has" in str(caught.value)
        assert ".env has" in str(caught.value)
        assert "hush" not in str(caught.value)

    def test_ignores_scopes_and_urls_without_credentials(self, tmp_path: Path) -> None:
        assert (
            sources.find(
                {"ADOBE_SCOPES": "openid", "ADOBE_IMS_URL": "http://127.0.0.1:1"}, tmp_path
            )
            is None
        )

    def test_uses_base_urls_of_the_winning_source_only(self, tmp_path: Path) -> None:
        write_env(tmp_path, lines(WHOLE))
        resolved = sources.find({"ADOBE_REACTOR_URL": "http://127.0.0.1:9"}, tmp_path)
        assert resolved is not None
        assert resolved.credentials.hosts.reactor == "https://reactor.adobe.io"

    def test_prefers_the_secret_to_a_token(self, tmp_path: Path) -> None:
        resolved = sources.find({**WHOLE, "ADOBE_ACCESS_TOKEN": "a.b.c"}, tmp_path)
        assert resolved is not None
        assert resolved.credentials.access_token is None
        assert resolved.credentials.client_secret == Secret("hush-hush-hush")

    def test_uses_the_token_if_the_secret_has_no_client_id(self, tmp_path: Path) -> None:
        token = "e30.eyJjbGllbnRfaWQiOiAiY2xpZW50LTEyMzQ1Njc4OTAifQ.x"
        values = {"ADOBE_CLIENT_SECRET": "hush", "ADOBE_ACCESS_TOKEN": token, "ADOBE_ORG_ID": ORG}
        resolved = sources.find(values, tmp_path)
        assert resolved is not None
        assert resolved.credentials.client_secret is None
        assert resolved.credentials.client_id == "client-1234567890"

    def test_a_token_requires_the_organization(self, tmp_path: Path) -> None:
        with pytest.raises(
            IncompleteCredentials, match="has ADOBE_ACCESS_TOKEN, but not ADOBE_ORG_ID"
        ):
            sources.find({"ADOBE_ACCESS_TOKEN": "a.b.c"}, tmp_path)

    def test_a_token_that_names_no_client_requires_the_client_id(self, tmp_path: Path) -> None:
        with pytest.raises(CredentialsError, match="add the client ID"):
            sources.find({"ADOBE_ACCESS_TOKEN": "opaque", "ADOBE_ORG_ID": ORG}, tmp_path)


class TestEnvFile:
    def test_values_are_not_interpolated(self, tmp_path: Path) -> None:
        path = write_env(tmp_path, lines({**WHOLE, "ADOBE_CLIENT_SECRET": "'p${HOME}w#1'"}))
        credentials = credentials_of(sources.from_env_file(path))
        assert credentials.client_secret == Secret("p${HOME}w#1")

    def test_warns_if_others_can_read_it(self, tmp_path: Path) -> None:
        path = write_env(tmp_path, lines(WHOLE), mode=0o644)
        with pytest.warns(InsecureFileWarning, match=r"chmod 600 .*\.env"):
            sources.from_env_file(path)

    def test_does_not_warn_about_a_file_without_secrets(self, tmp_path: Path) -> None:
        path = write_env(tmp_path, f"ADOBE_ORG_ID={ORG}\n", mode=0o644)
        assert sources.from_env_file(path).missing == ("client_id", "client_secret")

    def test_refuses_a_path_of_another_type(self) -> None:
        with pytest.raises(CredentialsError, match="must be a file path, not int"):
            sources.from_env_file(5)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("make", "says"), [("missing", "does not exist"), ("folder", "is not a file")]
    )
    def test_says_why_it_cannot_be_read(self, tmp_path: Path, make: str, says: str) -> None:
        path = tmp_path / ".env"
        if make == "folder":
            path.mkdir()
        with pytest.raises(CredentialsError, match=says):
            sources.from_env_file(path)

    def test_refuses_a_file_that_is_not_text(self, tmp_path: Path) -> None:
        path = tmp_path / ".env"
        path.write_bytes(b"# mine\nADOBE_CLIENT_ID=\xe9\xff\n")
        with pytest.raises(CredentialsError, match=r"UTF-16 text \(line 2\). Save it as UTF-8"):
            sources.from_env_file(path)

    def test_ignores_a_byte_order_mark(self, tmp_path: Path) -> None:
        path = write_env(tmp_path, "\ufeff" + lines(WHOLE))
        assert sources.from_env_file(path).missing == ()

    def test_two_sets_of_names_in_one_file_are_not_mixed(self, tmp_path: Path) -> None:
        postman = {"API_KEY": "other-1234567890", "CLIENT_SECRET": "other-secret", "IMS_ORG": ORG}
        path = write_env(tmp_path, lines({"ADOBE_CLIENT_ID": "client-1234567890", **postman}))
        assert sources.from_env_file(path).values["client_id"] == "other-1234567890"
        path = write_env(tmp_path, lines({**WHOLE, **postman}))
        assert sources.from_env_file(path).values["client_id"] == "client-1234567890"
        halves = {"ADOBE_CLIENT_ID": "client-1234567890", "CLIENT_SECRET": "x", "IMS_ORG": ORG}
        path = write_env(tmp_path, lines(halves))
        assert sources.from_env_file(path).missing == ("org_id", "client_secret")

    def test_postman_names_require_ims_org(self, tmp_path: Path) -> None:
        names = {
            "API_KEY": "client-1234567890",
            "CLIENT_SECRET": "hush-hush-hush",
            "IMS": "ims-na1.adobelogin.com",
        }
        path = write_env(tmp_path, lines(names))
        assert sources.from_env_file(path).empty
        path = write_env(tmp_path, lines({**names, "IMS_ORG": ORG}))
        credentials = credentials_of(sources.from_env_file(path))
        assert (credentials.client_id, credentials.org_id) == ("client-1234567890", ORG)
        assert credentials.hosts.ims == "https://ims-na1.adobelogin.com"

    def test_ignores_postman_names_in_the_process_environment(self, tmp_path: Path) -> None:
        assert (
            sources.find({"API_KEY": "x", "CLIENT_SECRET": "y", "IMS_ORG": ORG}, tmp_path) is None
        )


class TestValues:
    def of(self, **changes: str) -> Credentials:
        names = {"client_id": "client-1234567890", "client_secret": "hush-hush-hush", "org_id": ORG}
        return credentials_of(candidate_of("arguments", {**names, **changes}))

    @pytest.mark.parametrize("org_id", ["ABCDEF", "ABCDEF@adobe", "AB CD@AdobeOrg", f"{ORG}\nx"])
    def test_refuses_an_invalid_organization_id(self, org_id: str) -> None:
        with pytest.raises(CredentialsError, match="Invalid organization ID in arguments"):
            self.of(org_id=org_id)

    def test_refuses_an_invalid_client_id(self) -> None:
        with pytest.raises(CredentialsError, match="Invalid client ID in arguments"):
            self.of(client_id="<your client ID>")

    def test_refuses_a_secret_with_white_space_without_showing_it(self) -> None:
        with pytest.raises(CredentialsError, match="white space") as caught:
            self.of(client_secret="hush hush")
        assert "hush" not in str(caught.value)

    @pytest.mark.parametrize(
        "url",
        ["https://reactor.example.com", "http://reactor.adobe.io", "https://adobe.io.evil.test"],
    )
    def test_refuses_a_base_url_outside_the_allowed_hosts(self, url: str) -> None:
        with pytest.raises(HostNotAllowed, match="Credentials must not be sent to"):
            self.of(reactor_url=url)

    def test_refuses_a_mix_of_adobe_and_this_machine(self) -> None:
        with pytest.raises(CredentialsError, match="Set reactor_url and ims_url"):
            self.of(reactor_url="http://127.0.0.1:1234")

    def test_splits_scopes_at_commas_and_blanks(self) -> None:
        assert self.of(scopes="openid, AdobeID  x").scopes == ("openid", "AdobeID", "x")

    @pytest.mark.parametrize("scope", [UUID_SECRET, f"openid,x{UUID_SECRET}", "openid,xp8e-hush1"])
    def test_scope_that_holds_a_secret_is_refused_and_not_quoted(self, scope: str) -> None:
        with pytest.raises(CredentialsError, match="Invalid scope in arguments") as caught:
            self.of(scopes=scope)
        assert not re.search("hush|a1b2", str(caught.value))

    @pytest.mark.parametrize("secret", ["p8e-hush-hush-hush", f"{PASTED}x", UUID_SECRET])
    def test_client_id_that_is_a_secret_is_refused_before_it_is_compared(self, secret: str) -> None:
        values = {"client_id": secret, "access_token": PASTED, "org_id": ORG}
        with pytest.raises(CredentialsError, match="looks like a secret") as caught:
            credentials_of(candidate_of("arguments", values))
        assert secret[:4] not in str(caught.value)

    @pytest.mark.parametrize("secret", ["p8e-hush-hush-hush", PASTED])
    @pytest.mark.parametrize(
        "argument", ["env_file", "config_file", "reactor_url", "profile", "simulator"]
    )
    def test_no_message_quotes_what_is_certainly_a_secret(self, argument: str, secret: str) -> None:
        values = {argument: secret}
        if argument == "reactor_url":
            values |= {"client_id": "client-1234567890", "client_secret": "x", "org_id": ORG}
        with pytest.raises(AdobeError) as caught:
            adobe_nb.connect(**values)
        assert "hush" not in str(caught.value)

    def test_only_client_ids_of_the_usual_form_are_shown_in_part(self) -> None:
        usual = "0123456789abcdef0123456789abcdef"
        values = {"client_id": usual, "access_token": PASTED, "org_id": ORG}
        with pytest.raises(CredentialsError, match=r"another client \(••••\) .* \(0123…cdef\)"):
            credentials_of(candidate_of("arguments", values))
        assert self.of(client_id=usual).masked_client_id == "0123…cdef"
        assert self.of(client_id="a-secret-of-another-form").masked_client_id == "••••"

    def test_the_repr_shows_no_secret(self) -> None:
        assert "hush" not in repr(self.of())


@pytest.mark.parametrize(
    "text", ["eyJa.b.c", " Bearer eyJa.b.c\n", '"eyJa.b.c"', "Authorization: Bearer eyJa.\nb.c"]
)
def test_clean_token_removes_blanks_quotes_and_bearer(text: str) -> None:
    assert clean_token(text) == "eyJa.b.c"


def test_mask_hides_a_short_id_completely() -> None:
    assert mask("short") == "••••"
    assert mask("0123456789abcdef") == "0123…cdef"


def test_find_survives_a_deleted_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert sources.find({}) is None
