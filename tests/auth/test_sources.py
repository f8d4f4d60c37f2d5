"""Files of Developer Console, Postman, launchpy, aepp and App Builder, and the retired method."""

import json
import traceback
from pathlib import Path
from typing import Any

import pytest

from adobe_nb.auth import sources
from adobe_nb.auth.credentials import (
    DEFAULT_SCOPES,
    Credentials,
    Secret,
    candidate_of,
    credentials_of,
)
from adobe_nb.auth.legacy_jwt import refuse_retired
from adobe_nb.errors import (
    CredentialsError,
    IncompleteCredentials,
    InsecureFileWarning,
    RetiredCredentials,
)

ORG = "1234567890ABCDEF12345678@AdobeOrg"
HUSH = "p8e-hush-hush-hush"
KEY = "-----BEGIN PRIVATE KEY----- hush-hush"
OAUTH = {
    "client_id": "client-1234567890",
    "client_secrets": [HUSH, "p8e-hush-the-other"],
    "technical_account_id": "T1@techacct.adobe.com",
    "scopes": ["openid", "AdobeID", "read_organizations"],
}
JWT = {
    "client_id": "client-1234567890",
    "client_secret": HUSH,
    "meta_scopes": ["ent_reactor_admin_sdk"],
}


def project(*credentials: dict[str, Any]) -> dict[str, Any]:
    """Return a project in the layout of a Developer Console download."""
    return {
        "project": {
            "id": "1",
            "name": "p",
            "org": {"id": "2", "name": "o", "ims_org_id": ORG},
            "workspace": {
                "id": "3",
                "name": "Production",
                "details": {"credentials": list(credentials)},
            },
        }
    }


def oauth(**changes: Any) -> dict[str, Any]:
    return {
        "id": "9",
        "integration_type": "oauth_server_to_server",
        "oauth_server_to_server": {**OAUTH, **changes},
    }


CREDENTIAL = {
    "ORG_ID": ORG,
    "CLIENT_ID": "client-1234567890",
    "CLIENT_SECRETS": [HUSH],
    "SCOPES": ["openid", "AdobeID", "read_organizations"],
}
PEER = {
    "org_id": ORG,
    "client_id": "client-1234567890",
    "secret": HUSH,
    "scopes": "openid,AdobeID,read_organizations",
}


def postman(**values: str) -> dict[str, Any]:
    return {
        "id": "1",
        "name": "Adobe",
        "values": [{"key": name, "value": text} for name, text in values.items()],
    }


POSTMAN = {
    "CLIENT_SECRET": HUSH,
    "API_KEY": "client-1234567890",
    "IMS_ORG": ORG,
    "IMS": "ims-na1.adobelogin.com",
}
SCOPES = {"SCOPES": "openid,AdobeID,read_organizations"}


def write(tmp_path: Path, document: object, mode: int = 0o600) -> Path:
    path = tmp_path / "download.json"
    path.write_text(
        document if isinstance(document, str) else json.dumps(document), encoding="utf-8"
    )
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
        (
            "console",
            project({"integration_type": "service", "jwt": JWT}, oauth()),
            "Developer Console",
        ),
        ("console", CREDENTIAL, "Developer Console"),
        ("postman", postman(**POSTMAN, **SCOPES), "Postman"),
        ("config", PEER, "launchpy or aepp"),
        (
            "config",
            {**PEER, "scopes": ["openid", "AdobeID", "read_organizations"]},
            "launchpy or aepp",
        ),
        (
            "console",
            {name.lower(): value for name, value in CREDENTIAL.items()},
            "Developer Console",
        ),
        (
            "config",
            {**PEER, "tech_id": "t@techacct.adobe.com", "sandbox-name": "prod"},
            "launchpy or aepp",
        ),
    ],
)
def test_each_file_gives_a_complete_set(
    tmp_path: Path, kind: str, document: Any, named: str
) -> None:
    path = write(tmp_path, document)
    credentials = opened(kind, path)
    assert (credentials.client_id, credentials.org_id) == ("client-1234567890", ORG)
    assert credentials.client_secret == Secret(HUSH)
    assert credentials.scopes == ("openid", "AdobeID", "read_organizations")
    assert named in credentials.source
    assert str(path) in credentials.source


@pytest.mark.parametrize("kind", ["postman", "config"])
def test_requests_the_default_scopes_if_a_file_has_none(tmp_path: Path, kind: str) -> None:
    document = (
        postman(**POSTMAN)
        if kind == "postman"
        else {name: PEER[name] for name in PEER if name != "scopes"}
    )
    assert opened(kind, write(tmp_path, document)).scopes == DEFAULT_SCOPES


def test_ignores_a_disabled_postman_value(tmp_path: Path) -> None:
    document = postman(**POSTMAN)
    document["values"].append({"key": "SCOPES", "value": "other", "enabled": False})
    assert opened("postman", write(tmp_path, document)).scopes == DEFAULT_SCOPES


def test_a_postman_export_without_its_secret_says_why(tmp_path: Path) -> None:
    path = write(tmp_path, postman(**{**POSTMAN, "CLIENT_SECRET": ""}))
    with pytest.raises(
        IncompleteCredentials, match="but not CLIENT_SECRET. Postman leaves current values out"
    ):
        opened("postman", path)


@pytest.mark.parametrize("kind", ["console", "postman", "config"])
def test_warns_if_others_can_read_a_file(tmp_path: Path, kind: str) -> None:
    document = {"console": CREDENTIAL, "postman": postman(**POSTMAN), "config": PEER}[kind]
    with pytest.warns(InsecureFileWarning, match="chmod 600"):
        OPENERS[kind](write(tmp_path, document, mode=0o644))


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("console", project({"integration_type": "service", "jwt": JWT})),
        ("console", project({"integration_type": "service", "jwt": {"client_id": "x"}})),
        (
            "console",
            {
                "API_KEY": "client-1234567890",
                "CLIENT_SECRET": HUSH,
                "ORG_ID": ORG,
                "META_SCOPES": ["x"],
            },
        ),
        ("postman", postman(**POSTMAN, PRIVATE_KEY=KEY)),
        ("postman", postman(**POSTMAN, META_SCOPE="ent_reactor_admin_sdk")),
        (
            "config",
            {
                "org_id": ORG,
                "client_id": "c" * 12,
                "secret": HUSH,
                "tech_id": "t",
                "pathToKey": "key.pem",
            },
        ),
        (
            "config",
            {
                "org_id": ORG,
                "client_id": "c" * 12,
                "secret": HUSH,
                "tech_id": "t",
                "private_key": KEY,
            },
        ),
        ("config", {"org_id": ORG, "client_id": "c" * 12, "secret": HUSH, "tech_id": "t"}),
        (
            "config",
            {
                **PEER,
                "pathToKey": "k.pem",
                "scopes": "https://ims-na1.adobelogin.com/s/ent_reactor_sdk",
            },
        ),
        (
            "console",
            {
                "API_KEY": "c" * 12,
                "CLIENT_SECRET": HUSH,
                "ORG_ID": ORG,
                "PUBLIC_KEYS_WITH_EXPIRY": {"a": "b"},
            },
        ),
    ],
)
def test_refuses_the_retired_method_and_says_what_to_do(
    tmp_path: Path, kind: str, document: Any
) -> None:
    path = write(tmp_path, document)
    with pytest.raises(RetiredCredentials, match=r"Service Account \(JWT\) credential") as caught:
        OPENERS[kind](path)
    said = str(caught.value)
    assert all(
        step in said for step in ("1. Open the project", "OAuth Server-to-Server", "4. Delete")
    )
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
def test_refuses_the_retired_method_in_an_env_file(tmp_path: Path, lines: str) -> None:
    path = tmp_path / ".env"
    path.write_text(lines)
    path.chmod(0o600)
    with pytest.raises(RetiredCredentials, match="Adobe has retired that method") as caught:
        sources.find({}, tmp_path)
    assert "hush" not in str(caught.value)


def test_uses_a_complete_oauth_set_beside_an_old_key(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(
        f"ADOBE_CLIENT_ID=client-1234567890\nADOBE_CLIENT_SECRET={HUSH}\nADOBE_ORG_ID={ORG}\nADOBE_PRIVATE_KEY=old\n"
    )
    path.chmod(0o600)
    assert credentials_of(sources.from_env_file(path)).client_secret == Secret(HUSH)
    refuse_retired("x", {"PRIVATE_KEY": ""}, oauth=False)  # An empty value does not count.


@pytest.mark.parametrize(
    ("kind", "document", "says"),
    [
        ("console", project(oauth(), oauth()), "has 2 OAuth Server-to-Server credentials"),
        ("console", project(), "no OAuth Server-to-Server credential .found: none"),
        ("console", project({"integration_type": "apikey", "apikey": {}}), "found: apikey"),
        ("console", {"project": {"workspace": 7}}, "no OAuth Server-to-Server credential"),
        (
            "console",
            {"project": {"workspace": {"details": {"credentials": 7}}}},
            "no OAuth Server-to-Server credential",
        ),
        (
            "console",
            postman(**POSTMAN),
            r"not a Developer Console download, but a Postman .* postman_file=",
        ),
        ("postman", CREDENTIAL, r"but a Developer Console download.* \(--console-file\)"),
        ("config", project(oauth()), "console_file="),
        ("console", [PEER], "config_file="),
        ("console", "{", "is not a Developer Console download"),
        ("console", [], "is not a Developer Console download"),
        ("console", {"a": 1}, "is not a Developer Console download"),
        ("postman", '"x"', "is not a Postman environment"),
        ("config", {"a": 1}, "is not a configuration of launchpy or aepp"),
        ("config", {**PEER, "client_id": 5}, "but not client_id"),
        (
            "config",
            {**PEER, "environment": "stage"},
            "another environment of Adobe than production",
        ),
        ("config", {**PEER, "client_id": HUSH}, "looks like a secret. Were the two values swapped"),
        (
            "config",
            {**PEER, "scopes": "eyJhbGciOi.x.y"},
            "Invalid scope in .* names such as openid",
        ),
        ("config", {**PEER, "org_id": "nonsense"}, "Invalid organization ID"),
        ("console", {**CREDENTIAL, "CLIENT_SECRETS": []}, "but not client secret"),
    ],
)
def test_a_file_of_another_kind_is_named(
    tmp_path: Path, kind: str, document: Any, says: str
) -> None:
    path = write(tmp_path, document)
    with pytest.raises(CredentialsError, match=says) as caught:
        opened(kind, path)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("kind", ["console", "postman", "config"])
@pytest.mark.parametrize("path", [None, 7, "absent.json", "."])
def test_refuses_a_missing_file(kind: str, path: Any) -> None:
    with pytest.raises(CredentialsError, match=r"must be a file path|does not exist|is not a file"):
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
def test_no_frame_of_an_error_has_the_secret(tmp_path: Path, kind: str, document: Any) -> None:
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


def test_uses_a_token_beside_an_old_key(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        postman(IMS_ORG=ORG, API_KEY="client-1234567890", ACCESS_TOKEN="a.b.c", JWT_TOKEN="x.y.z"),
    )
    assert opened("postman", path).access_token == Secret("a.b.c")


def test_an_old_key_does_not_hide_a_profile(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("ADOBE_PRIVATE_KEY_PATH=old.pem\nADOBE_PROFILE=work\n")
    with pytest.raises(CredentialsError, match="no profile 'work'"):
        sources.find({}, tmp_path)


def test_secrets_of_other_programs_in_an_env_file_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(f"API_KEY=c\nIMS_ORG={ORG}\nPRIVATE_KEY=x\nOPENAI_API_KEY=hush-hush\n")
    path.chmod(0o600)
    with pytest.raises(RetiredCredentials) as caught:
        sources.from_env_file(path)
    for frame, _ in traceback.walk_tb(caught.value.__traceback__):
        assert "hush-hush" not in repr(frame.f_locals) or "test_sources" in frame.f_code.co_filename


def test_skips_an_unreadable_env_file_and_says_so(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    (below / ".env").write_bytes("ADOBE_CLIENT_ID=é\n".encode("latin-1"))
    with pytest.raises(
        IncompleteCredentials, match=r"below/\.env is not UTF-8 or UTF-16 text.*skipped"
    ):
        sources.find({}, below)
    text = f"ADOBE_CLIENT_ID=client-1234567890\nADOBE_CLIENT_SECRET={HUSH}\nADOBE_ORG_ID={ORG}\n"
    (tmp_path / ".env").write_text(text)
    (tmp_path / ".env").chmod(0o600)
    resolved = sources.find({}, below)
    assert resolved is not None
    assert "was skipped" in resolved.incomplete[-1]


def test_a_complete_environment_works_beside_an_invalid_file_of_profiles(
    tmp_path: Path,
) -> None:
    from adobe_nb.auth.profiles import ProfileStore

    store = ProfileStore(tmp_path)
    (tmp_path / "profiles.toml").write_text("a = [")
    environ = {
        "ADOBE_CLIENT_ID": "client-1234567890",
        "ADOBE_CLIENT_SECRET": HUSH,
        "ADOBE_ORG_ID": ORG,
    }
    resolved = sources.find(environ, tmp_path, store)
    assert resolved is not None
    with pytest.raises(CredentialsError, match="cannot be read, or is invalid"):
        sources.find({}, tmp_path, store)


SIX = (
    "AdobeID",
    "openid",
    "read_organizations",
    "additional_info.job_function",
    "additional_info.projectedProductContext",
    "additional_info.roles",
)


def env_file(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / ".env"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return path


def lines(**changes: str) -> str:
    values = {"CLIENT_ID": "client-1234567890", "CLIENT_SECRET": HUSH, "ORG_ID": ORG, **changes}
    return "".join(f"ADOBE_{name}={value}\n" for name, value in values.items())


class TestScopes:
    WRITTEN = (list(SIX), json.dumps(SIX), ",".join(SIX), " ".join(SIX), ", ".join(SIX))

    @pytest.mark.parametrize("written", WRITTEN)
    def test_all_are_read_from_each_kind_of_json_file(self, tmp_path: Path, written: Any) -> None:
        documents: list[tuple[str, Any]] = [
            ("postman", postman(**POSTMAN, SCOPES=written)),
            ("console", {**CREDENTIAL, "SCOPES": written}),
            ("console", project(oauth(scopes=written))),
            ("config", {**PEER, "scopes": written}),
            ("config", [{**PEER, "scopes": written}]),
        ]
        for kind, document in documents:
            assert opened(kind, write(tmp_path, document)).scopes == SIX

    @pytest.mark.parametrize("written", [each for each in WRITTEN if isinstance(each, str)])
    def test_all_are_read_from_variables(self, tmp_path: Path, written: str) -> None:
        path = env_file(tmp_path, lines(SCOPES=written))
        assert credentials_of(sources.from_env_file(path)).scopes == SIX
        environ = {"ADOBE_CLIENT_ID": "c" * 12, "ADOBE_CLIENT_SECRET": HUSH, "ADOBE_ORG_ID": ORG}
        assert (
            credentials_of(sources.from_environment({**environ, "ADOBE_SCOPES": written})).scopes
            == SIX
        )
        path = env_file(
            tmp_path, f"API_KEY={'c' * 12}\nCLIENT_SECRET={HUSH}\nIMS_ORG={ORG}\nSCOPES={written}\n"
        )
        assert credentials_of(sources.from_env_file(path)).scopes == SIX

    @pytest.mark.parametrize("written", [*WRITTEN, SIX])
    def test_all_are_read_from_arguments(self, written: Any) -> None:
        values = {"client_id": "c" * 12, "client_secret": HUSH, "org_id": ORG}
        assert (
            credentials_of(candidate_of("arguments", {**values, "scopes": written})).scopes == SIX
        )

    @pytest.mark.parametrize("written", WRITTEN)
    def test_all_are_read_from_an_edited_profile(self, tmp_path: Path, written: Any) -> None:
        from adobe_nb.auth.profiles import ProfileStore

        row = {
            "client_id": "c" * 12,
            "org_id": ORG,
            "kind": "client_secret",
            "place": "file",
            "entry": "e",
        }
        text = "".join(
            f"{name} = {json.dumps(value)}\n" for name, value in {**row, "scopes": written}.items()
        )
        (tmp_path / "profiles.toml").write_text(f"[profiles.work]\n{text}")
        write(tmp_path, "").with_name("secrets.toml").write_text(f'e = "{HUSH}"\n')
        (tmp_path / "secrets.toml").chmod(0o600)
        assert credentials_of(ProfileStore(tmp_path).candidate("work")).scopes == SIX

    @pytest.mark.parametrize("written", ["[1]", '["a b", {}]', "[openid", [5], ["openid", None]])
    def test_other_lists_are_refused(self, written: Any) -> None:
        values = {"client_id": "c" * 12, "client_secret": HUSH, "org_id": ORG}
        with pytest.raises(CredentialsError, match="openid"):
            credentials_of(candidate_of("arguments", {**values, "scopes": written}))


def test_reads_the_host_of_ims_from_a_postman_file(tmp_path: Path) -> None:
    path = write(tmp_path, postman(**{**POSTMAN, "IMS": "ims-eu1.adobelogin.com"}))
    assert opened("postman", path).hosts.ims == "https://ims-eu1.adobelogin.com"


class TestOtherTools:
    CLOUD_MANAGER = {
        "client_id": "client-1234567890",
        "client_secrets": [HUSH],
        "ims_org_id": ORG,
        "scopes": list(SIX),
        "oauth_enabled": True,
    }

    @pytest.mark.parametrize(
        "document",
        [
            {"ORG_ID": ORG, "CLIENT_ID": "client-1234567890", "SECRET": HUSH, "SCOPES": list(SIX)},
            CLOUD_MANAGER,
            {"org_id": ORG, "api_key": "client-1234567890", "secret": HUSH},
            {"org_id": ORG, "client_id": "client-1234567890", "client_secret": HUSH},
            [PEER],
        ],
    )
    def test_their_names_are_read(self, tmp_path: Path, document: Any) -> None:
        credentials = opened("config", write(tmp_path, document))
        assert (credentials.client_id, credentials.org_id, credentials.client_secret) == (
            "client-1234567890",
            ORG,
            Secret(HUSH),
        )

    def test_a_credential_is_read_by_either_argument(self, tmp_path: Path) -> None:
        for kind in ("console", "config"):
            assert opened(kind, write(tmp_path, CREDENTIAL)).client_secret == Secret(HUSH)
            assert opened(kind, write(tmp_path, self.CLOUD_MANAGER)).org_id == ORG

    OTHER = {
        **PEER,
        "org_id": "F" * 24 + "@AdobeOrg",
        "client_id": "other-1234567890",
        "org_name": "acme",
    }

    def test_lists_several_organizations_until_one_is_chosen(self, tmp_path: Path) -> None:
        path = write(tmp_path, [PEER, self.OTHER])
        with pytest.raises(CredentialsError, match=rf"{ORG}, FFFF.*\(acme\).*org_id=") as caught:
            sources.from_config_file(path)
        assert "hush" not in str(caught.value)
        chosen = credentials_of(sources.from_config_file(path, self.OTHER["org_id"]))
        assert chosen.client_id == "other-1234567890"
        with pytest.raises(CredentialsError, match="has no credentials of 0@AdobeOrg"):
            sources.from_config_file(path, "0@AdobeOrg")

    def test_refuses_a_file_of_another_organization(self, tmp_path: Path) -> None:
        with pytest.raises(CredentialsError, match="not for 0@AdobeOrg"):
            sources.from_config_file(write(tmp_path, PEER), "0@AdobeOrg")

    @pytest.mark.parametrize("misplaced", [HUSH, "hush" * 9, "a1b2-hush"])
    def test_a_secret_in_place_of_the_organization_is_not_quoted(
        self, tmp_path: Path, misplaced: str
    ) -> None:
        wrong = {**PEER, "org_id": misplaced, "org_name": HUSH}
        listed = write(tmp_path, [wrong, self.OTHER])
        with pytest.raises(
            CredentialsError, match="lists one without a valid organization ID, FFFF"
        ) as caught:
            sources.from_config_file(listed)
        assert "hush" not in str(caught.value)
        single = write(tmp_path, wrong)
        with pytest.raises(CredentialsError, match="Invalid organization ID in .*json") as caught:
            credentials_of(sources.from_config_file(single, ORG))
        assert "hush" not in str(caught.value)
        for document in (PEER, [PEER, self.OTHER]):
            path = write(tmp_path, document)
            with pytest.raises(CredentialsError, match="organization ID in arguments") as caught:
                sources.from_config_file(path, misplaced)
            assert "hush" not in str(caught.value)

    def test_blanks_around_an_organization_do_not_matter(self, tmp_path: Path) -> None:
        path = write(tmp_path, {**PEER, "org_id": f" {ORG} "})
        assert credentials_of(sources.from_config_file(path, f"{ORG} ")).org_id == ORG

    def test_type_of_a_credential_is_quoted_only_if_it_is_a_word(self, tmp_path: Path) -> None:
        path = write(tmp_path, project({"integration_type": "apikey"}, {"integration_type": HUSH}))
        with pytest.raises(CredentialsError, match=r"found: apikey\)"):
            opened("console", path)

    def test_an_app_builder_file_points_to_the_env_file(self, tmp_path: Path) -> None:
        path = write(
            tmp_path,
            project({"id": "1", "name": "c", "integration_type": "oauth_server_to_server"}),
        )
        with pytest.raises(CredentialsError, match=r"\.aio file of an App Builder project.*\.env"):
            opened("console", path)

    @pytest.mark.parametrize(
        "text",
        [
            f"IMS_OAUTH_S2S_CLIENT_ID=client-1234567890\nIMS_OAUTH_S2S_CLIENT_SECRET={HUSH}\n"
            f"IMS_OAUTH_S2S_ORG_ID={ORG}\nIMS_OAUTH_S2S_SCOPES={json.dumps(SIX)}\n",
            f"AIO_ims_contexts_My__key_client__id=client-1234567890\n"
            f'AIO_ims_contexts_My__key_client__secrets=["{HUSH}"]\n'
            f"AIO_ims_contexts_My__key_ims__org__id={ORG}\nAIO_ims_contexts_My__key_scopes={json.dumps(SIX)}\n"
            "AIO_runtime_auth=x\n",
        ],
    )
    def test_the_variables_of_app_builder_are_read(self, tmp_path: Path, text: str) -> None:
        path = env_file(tmp_path, text)
        resolved = sources.find({}, tmp_path)
        assert resolved is not None
        assert str(path) in resolved.credentials.source
        assert resolved.credentials.client_secret == Secret(HUSH)
        assert (resolved.credentials.org_id, resolved.credentials.scopes) == (ORG, SIX)

    def test_refuses_to_choose_between_two_app_builder_contexts(self, tmp_path: Path) -> None:
        text = "".join(
            f"AIO_ims_contexts_{name}_client__id=c\nAIO_ims_contexts_{name}_client__secrets=x\n"
            for name in "AB"
        )
        with pytest.raises(CredentialsError, match="2 credentials of App Builder: A, B"):
            sources.from_env_file(env_file(tmp_path, text))


class TestShells:
    @pytest.mark.parametrize(
        "line",
        [
            "set {}={}",
            "SET {}={}",
            'set "{}={}"',
            "$env:{}='{}'",
            '$Env:{} = "{}"',
            '$env:{}="{}";',
            "export {}={}",
            "export {}='{}';",
            "{}={}\r",
        ],
    )
    @pytest.mark.parametrize("spell", [str.upper, str.lower])
    def test_their_lines_are_read(self, tmp_path: Path, line: str, spell: Any) -> None:
        values = {
            "ADOBE_CLIENT_ID": "client-1234567890",
            "ADOBE_CLIENT_SECRET": HUSH,
            "ADOBE_ORG_ID": ORG,
        }
        env_file(
            tmp_path,
            "".join(line.format(spell(name), value) + "\n" for name, value in values.items()),
        )
        resolved = sources.find({}, tmp_path)
        assert resolved is not None
        assert resolved.credentials.client_secret == Secret(HUSH)
        assert (resolved.credentials.client_id, resolved.credentials.org_id) == (
            "client-1234567890",
            ORG,
        )

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    def test_each_encoding_is_read(self, tmp_path: Path, encoding: str) -> None:
        credentials = credentials_of(
            sources.from_env_file(env_file(tmp_path, lines().encode(encoding)))
        )
        assert credentials.client_secret == Secret(HUSH)
        path = tmp_path / "x.json"
        path.write_bytes(json.dumps(PEER).encode(encoding))
        path.chmod(0o600)
        assert opened("config", path).client_secret == Secret(HUSH)

    @pytest.mark.parametrize(
        "line",
        [
            f"setx ADOBE_CLIENT_SECRET {HUSH}",
            f"ADOBE_CLIENT_SECRET: {HUSH}",
            f"\u200bADOBE_CLIENT_SECRET={HUSH}",
        ],
    )
    def test_names_a_line_that_could_not_be_read(self, tmp_path: Path, line: str) -> None:
        env_file(
            tmp_path,
            f"ADOBE_CLIENT_ID=client-1234567890\n# ADOBE_ORG_ID\n{line}\nADOBE_ORG_ID={ORG}\n",
        )
        with pytest.raises(
            IncompleteCredentials, match="line 3 names ADOBE_CLIENT_SECRET, but is not"
        ) as caught:
            sources.find({}, tmp_path)
        assert "hush" not in str(caught.value)

    def test_lowercase_names_work_in_the_environment(self, tmp_path: Path) -> None:
        environ = {
            "adobe_client_id": "client-1234567890",
            "adobe_client_secret": HUSH,
            "adobe_org_id": ORG,
        }
        resolved = sources.find(environ, tmp_path)
        assert resolved is not None
        assert resolved.credentials.source == "environment"


class TestOddCharacters:
    @pytest.mark.parametrize(
        ("written", "says"),
        [
            ("\u201c{}\u201d", "LEFT DOUBLE QUOTATION MARK .U.201C. as character 1 of "),
            ('"{}"', "begins or ends with a quotation mark.*docker run --env-file"),
            ("'{}'", "begins or ends with a quotation mark"),
            ("\u200b{}", "ZERO WIDTH SPACE .U.200B. as character 1 of "),
            ("{}\ufeff", "ZERO WIDTH NO-BREAK SPACE .U.FEFF. as character (\\d+) of \\1,"),
            ("x\u00a0{}", "NO-BREAK SPACE .U.00A0. as character 2 of"),
            ("x\u00ad{}", "SOFT HYPHEN .U.00AD. as character 2 of"),
            ("x\u2013{}", "EN DASH .U.2013. as character 2 of"),
            ("é{}", "non-ASCII letter as character 1 of"),
        ],
    )
    @pytest.mark.parametrize("member", ["client_secret", "client_id", "org_id", "access_token"])
    def test_are_refused_before_any_request(self, written: str, says: str, member: str) -> None:
        values = {"client_id": "client-1234567890", "client_secret": HUSH, "org_id": ORG}
        if member == "access_token":
            del values["client_secret"]
        values[member] = written.format(values.get(member, "hush.hush.hush"))
        if member == "access_token" and (written[0] in "\"'" or "\u00a0" in written):
            token = candidate_of("arguments", values).secrets["access_token"][0]
            assert token.reveal().removeprefix("x") == "hush.hush.hush", (
                "quotes and blanks are taken out of a token"
            )
            return
        with pytest.raises(CredentialsError, match=says) as caught:
            credentials_of(candidate_of("arguments", values))
        assert "hush" not in str(caught.value)


def test_both_secrets_of_a_credential_are_kept_and_hidden(tmp_path: Path) -> None:
    both = [HUSH, "p8e-hush-the-other"]
    for kind, document in (
        ("console", {**CREDENTIAL, "CLIENT_SECRETS": both}),
        ("console", project(oauth())),
    ):
        credentials = opened(kind, write(tmp_path, document))
        assert (credentials.client_secret, credentials.other_secrets) == (
            Secret(HUSH),
            (Secret("p8e-hush-the-other"),),
        )
        assert "hush" not in repr(credentials)
    path = env_file(tmp_path, lines(CLIENT_SECRET=json.dumps(both)))
    assert credentials_of(sources.from_env_file(path)).other_secrets == (
        Secret("p8e-hush-the-other"),
    )
