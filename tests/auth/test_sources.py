"""Files that other tools write: Developer Console, Postman, launchpy, aepp; and the retired method in each of them."""

import json
import traceback
from pathlib import Path
from typing import Any

import pytest

from adobe_nb.auth import sources
from adobe_nb.auth.credentials import DEFAULT_SCOPES, Credentials, Secret, credentials_of
from adobe_nb.auth.retired import refuse_retired
from adobe_nb.errors import CredentialsError, IncompleteCredentials, InsecureFileWarning, RetiredCredentials

ORG = "1234567890ABCDEF12345678@AdobeOrg"
HUSH = "p8e-hush-hush-hush"
KEY = "-----BEGIN PRIVATE KEY----- hush-hush"
OAUTH = {
    "client_id": "client-1234567890",
    "client_secrets": [HUSH, "p8e-hush-the-other"],
    "technical_account_id": "T1@techacct.adobe.com",
    "scopes": ["openid", "AdobeID", "read_organizations"],
}
JWT = {"client_id": "client-1234567890", "client_secret": HUSH, "meta_scopes": ["ent_reactor_admin_sdk"]}


def project(*credentials: dict[str, Any]) -> dict[str, Any]:
    """As Developer Console lays out the download of a project."""
    return {
        "project": {
            "id": "1",
            "name": "p",
            "org": {"id": "2", "name": "o", "ims_org_id": ORG},
            "workspace": {"id": "3", "name": "Production", "details": {"credentials": list(credentials)}},
        }
    }


def oauth(**changes: Any) -> dict[str, Any]:
    return {"id": "9", "integration_type": "oauth_server_to_server", "oauth_server_to_server": {**OAUTH, **changes}}


CREDENTIAL = {
    "ORG_ID": ORG,
    "CLIENT_ID": "client-1234567890",
    "CLIENT_SECRETS": [HUSH],
    "SCOPES": ["openid", "AdobeID", "read_organizations"],
}
PEER = {"org_id": ORG, "client_id": "client-1234567890", "secret": HUSH, "scopes": "openid,AdobeID,read_organizations"}


def postman(**values: str) -> dict[str, Any]:
    return {"id": "1", "name": "Adobe", "values": [{"key": name, "value": text} for name, text in values.items()]}


POSTMAN = {"CLIENT_SECRET": HUSH, "API_KEY": "client-1234567890", "IMS_ORG": ORG, "IMS": "ims-na1.adobelogin.com"}
SCOPES = {"SCOPES": "openid,AdobeID,read_organizations"}


def write(tmp_path: Path, document: object, mode: int = 0o600) -> Path:
    path = tmp_path / "download.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    path.chmod(mode)
    return path


OPENERS = {
    "console": sources.from_console_file,
    "postman": sources.from_postman_file,
    "config": sources.from_config_file,
}


def opened(kind: str, path: Path) -> Credentials:
    return credentials_of(OPENERS[kind](path))


@pytest.mark.parametrize(
    ("kind", "document", "named"),
    [
        ("console", project(oauth()), "Developer Console"),
        ("console", project({"integration_type": "service", "jwt": JWT}, oauth()), "Developer Console"),
        ("console", CREDENTIAL, "Developer Console"),
        ("postman", postman(**POSTMAN, **SCOPES), "Postman"),
        ("config", PEER, "launchpy or aepp"),
        ("config", {**PEER, "scopes": ["openid", "AdobeID", "read_organizations"]}, "launchpy or aepp"),
        ("console", {name.lower(): value for name, value in CREDENTIAL.items()}, "Developer Console"),
        ("config", {**PEER, "tech_id": "t@techacct.adobe.com", "sandbox-name": "prod"}, "launchpy or aepp"),
    ],
)
def test_each_file_gives_a_whole_set(tmp_path: Path, kind: str, document: Any, named: str) -> None:
    path = write(tmp_path, document)
    found = opened(kind, path)
    assert (found.client_id, found.org_id) == ("client-1234567890", ORG)
    assert found.client_secret == Secret(HUSH)
    assert found.scopes == ("openid", "AdobeID", "read_organizations")
    assert named in found.source
    assert str(path) in found.source


@pytest.mark.parametrize("kind", ["postman", "config"])
def test_without_scopes_the_default_ones_are_asked_for(tmp_path: Path, kind: str) -> None:
    document = postman(**POSTMAN) if kind == "postman" else {name: PEER[name] for name in PEER if name != "scopes"}
    assert opened(kind, write(tmp_path, document)).scopes == DEFAULT_SCOPES


def test_a_postman_value_that_is_switched_off_does_not_count(tmp_path: Path) -> None:
    document = postman(**POSTMAN)
    document["values"].append({"key": "SCOPES", "value": "other", "enabled": False})
    assert opened("postman", write(tmp_path, document)).scopes == DEFAULT_SCOPES


def test_a_postman_export_without_its_secret_says_why(tmp_path: Path) -> None:
    path = write(tmp_path, postman(**{**POSTMAN, "CLIENT_SECRET": ""}))
    with pytest.raises(IncompleteCredentials, match="but not CLIENT_SECRET. Postman leaves current values out"):
        opened("postman", path)


@pytest.mark.parametrize("kind", ["console", "postman", "config"])
def test_a_file_that_others_can_read_is_warned_about(tmp_path: Path, kind: str) -> None:
    document = {"console": CREDENTIAL, "postman": postman(**POSTMAN), "config": PEER}[kind]
    with pytest.warns(InsecureFileWarning, match="chmod 600"):
        OPENERS[kind](write(tmp_path, document, mode=0o644))


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("console", project({"integration_type": "service", "jwt": JWT})),
        ("console", project({"integration_type": "service", "jwt": {"client_id": "x"}})),
        ("console", {"API_KEY": "client-1234567890", "CLIENT_SECRET": HUSH, "ORG_ID": ORG, "META_SCOPES": ["x"]}),
        ("postman", postman(**POSTMAN, PRIVATE_KEY=KEY)),
        ("postman", postman(**POSTMAN, META_SCOPE="ent_reactor_admin_sdk")),
        ("config", {"org_id": ORG, "client_id": "c" * 12, "secret": HUSH, "tech_id": "t", "pathToKey": "key.pem"}),
        ("config", {"org_id": ORG, "client_id": "c" * 12, "secret": HUSH, "tech_id": "t", "private_key": KEY}),
        ("config", {"org_id": ORG, "client_id": "c" * 12, "secret": HUSH, "tech_id": "t"}),
        ("config", {**PEER, "pathToKey": "k.pem", "scopes": "https://ims-na1.adobelogin.com/s/ent_reactor_sdk"}),
        ("console", {"API_KEY": "c" * 12, "CLIENT_SECRET": HUSH, "ORG_ID": ORG, "PUBLIC_KEYS_WITH_EXPIRY": {"a": "b"}}),
    ],
)
def test_the_retired_method_is_recognised_and_answered(tmp_path: Path, kind: str, document: Any) -> None:
    path = write(tmp_path, document)
    with pytest.raises(RetiredCredentials, match=r"Service Account \(JWT\) credential") as caught:
        OPENERS[kind](path)
    said = str(caught.value)
    assert all(step in said for step in ("1. Open the project", "OAuth Server-to-Server", "4. Delete"))
    assert "hush" not in said


@pytest.mark.parametrize(
    "lines",
    [
        f"ADOBE_CLIENT_ID=c\nADOBE_ORG_ID={ORG}\nADOBE_PRIVATE_KEY=hush",
        f"API_KEY=c\nCLIENT_SECRET=hush\nIMS_ORG={ORG}\nMETA_SCOPES=x",
        f"API_KEY=c\nIMS_ORG={ORG}\nPRIVATE_KEY=hush",
        f"ADOBE_CLIENT_ID=c\nADOBE_CLIENT_SECRET=hush\nADOBE_ORG_ID={ORG}\nADOBE_PRIVATE_KEY=x\nADOBE_META_SCOPES=y",
    ],
)
def test_the_retired_method_is_recognised_in_an_env_file(tmp_path: Path, lines: str) -> None:
    path = tmp_path / ".env"
    path.write_text(lines)
    path.chmod(0o600)
    with pytest.raises(RetiredCredentials, match="Adobe has retired that method") as caught:
        sources.find({}, tmp_path)
    assert "hush" not in str(caught.value)


def test_a_whole_oauth_set_beside_an_old_key_is_taken(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(
        f"ADOBE_CLIENT_ID=client-1234567890\nADOBE_CLIENT_SECRET={HUSH}\nADOBE_ORG_ID={ORG}\nADOBE_PRIVATE_KEY=old\n"
    )
    path.chmod(0o600)
    assert credentials_of(sources.from_env_file(path)).client_secret == Secret(HUSH)
    refuse_retired("x", {"PRIVATE_KEY": ""}, oauth=False)  # an empty one is none


@pytest.mark.parametrize(
    ("kind", "document", "says"),
    [
        ("console", project(oauth(), oauth()), "has 2 OAuth Server-to-Server credentials"),
        ("console", project(), "no OAuth Server-to-Server credential .found: none"),
        ("console", project({"integration_type": "apikey", "apikey": {}}), "found: apikey"),
        ("console", {"project": {"workspace": 7}}, "no OAuth Server-to-Server credential"),
        ("console", postman(**POSTMAN), r"not a download of Developer Console, but a Postman .* postman_file="),
        ("postman", CREDENTIAL, r"but a download of Developer Console.* \(--console-file\)"),
        ("config", project(oauth()), "console_file="),
        ("console", [PEER], "config_file="),
        ("console", "{", "is not a download of Developer Console"),
        ("console", [], "is not a download"),
        ("console", {"a": 1}, "is not a download"),
        ("postman", '"x"', "is not a Postman environment"),
        ("config", {"a": 1}, "is not a configuration of launchpy or aepp"),
        ("config", {**PEER, "client_id": 5}, "but not client_id"),
        ("config", {**PEER, "environment": "stage"}, "another environment of Adobe than production"),
        ("config", {**PEER, "client_id": HUSH}, "looks like a secret. Were the two swapped"),
        ("config", {**PEER, "scopes": "eyJhbGciOi.x.y"}, "The scopes are names such as openid"),
        ("config", {**PEER, "org_id": "nonsense"}, "organisation id .* cannot be right"),
        ("console", {**CREDENTIAL, "CLIENT_SECRETS": []}, "but not client secret"),
    ],
)
def test_what_is_no_such_file_says_what_it_is(tmp_path: Path, kind: str, document: Any, says: str) -> None:
    path = write(tmp_path, document)
    with pytest.raises(CredentialsError, match=says) as caught:
        opened(kind, path)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("kind", ["console", "postman", "config"])
@pytest.mark.parametrize("path", [None, 7, "absent.json", "."])
def test_what_is_no_file_says_so(kind: str, path: Any) -> None:
    with pytest.raises(CredentialsError, match=r"is the path of a file|does not exist|is not a file"):
        OPENERS[kind](path)


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("console", project({"integration_type": "service", "jwt": JWT})),
        ("console", project(oauth(), oauth())),
        ("postman", postman(**POSTMAN, PRIVATE_KEY=KEY)),
        ("postman", CREDENTIAL),
        ("config", {**PEER, "org_id": "nonsense"}),
        ("config", {**PEER, "scopes": "", "private_key": KEY}),
    ],
)
def test_no_frame_of_a_failure_has_the_secret(tmp_path: Path, kind: str, document: Any) -> None:
    path = write(tmp_path, document)
    with pytest.raises(CredentialsError) as caught:
        opened(kind, path)
    document = None
    error: BaseException | None = caught.value
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if "adobe_nb" in frame.f_code.co_filename:
                assert "hush" not in repr(frame.f_locals), frame
        error = error.__context__


def test_a_token_beside_a_left_over_key_is_taken(tmp_path: Path) -> None:
    path = write(tmp_path, postman(IMS_ORG=ORG, API_KEY="client-1234567890", ACCESS_TOKEN="a.b.c", JWT_TOKEN="x.y.z"))
    assert opened("postman", path).access_token == Secret("a.b.c")


def test_a_left_over_key_does_not_stand_in_the_way_of_a_profile(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("ADOBE_PRIVATE_KEY_PATH=old.pem\nADOBE_PROFILE=work\n")
    with pytest.raises(CredentialsError, match="no profile 'work'"):
        sources.find({}, tmp_path)


def test_foreign_secrets_of_an_env_file_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(f"API_KEY=c\nIMS_ORG={ORG}\nPRIVATE_KEY=x\nOPENAI_API_KEY=hush-hush\n")
    path.chmod(0o600)
    with pytest.raises(RetiredCredentials) as caught:
        sources.from_env_file(path)
    for frame, _ in traceback.walk_tb(caught.value.__traceback__):
        assert "hush-hush" not in repr(frame.f_locals) or "test_sources" in frame.f_code.co_filename


def test_an_unreadable_env_file_is_passed_by_and_said(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    (below / ".env").write_bytes("ADOBE_CLIENT_ID=é\n".encode("latin-1"))
    with pytest.raises(IncompleteCredentials, match=r"below/\.env is not a text file in UTF-8.*passed by"):
        sources.find({}, below)
    text = f"ADOBE_CLIENT_ID=client-1234567890\nADOBE_CLIENT_SECRET={HUSH}\nADOBE_ORG_ID={ORG}\n"
    (tmp_path / ".env").write_text(text)
    (tmp_path / ".env").chmod(0o600)
    found = sources.find({}, below)
    assert found is not None
    assert "passed by" in found.incomplete[-1]


def test_a_broken_file_of_profiles_does_not_stand_in_the_way_of_a_complete_environment(tmp_path: Path) -> None:
    from adobe_nb.auth.profiles import Store

    store = Store(tmp_path)
    (tmp_path / "profiles.toml").write_text("a = [")
    environ = {"ADOBE_CLIENT_ID": "client-1234567890", "ADOBE_CLIENT_SECRET": HUSH, "ADOBE_ORG_ID": ORG}
    found = sources.find(environ, tmp_path, store)
    assert found is not None
    with pytest.raises(CredentialsError, match="cannot be read as TOML"):
        sources.find({}, tmp_path, store)
