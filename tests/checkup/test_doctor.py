"""``adobe_nb.doctor()``: what it says about credentials, network, account and machine."""

import importlib.metadata
import json
import os
import sys
import types
import warnings
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import IPython
import pandas as pd
import pytest

import adobe_nb
from adobe_nb.checkup import machine
from adobe_nb.notebook.tables import frame_html
from adobe_nb.simulator.server import Simulator
from tests.conftest import SIGN_IN_VALUES, sign_in
from tests.support.stub import Answer, Got, stub


def checked(**options: Any) -> pd.DataFrame:
    return adobe_nb.doctor(**options).set_index("check")


def set_environment(
    monkeypatch: pytest.MonkeyPatch, simulator: Simulator, account: str = "demo", **changes: str
) -> None:
    details = {**simulator.connection(account), **changes}
    for name in SIGN_IN_VALUES:
        monkeypatch.setenv(f"ADOBE_{name.upper()}", details[name])


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse all connections but those to this machine."""
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://someone:pass-word-1@127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_simulator_is_ok_in_every_check() -> None:
    frame = adobe_nb.doctor(simulator=True)
    assert frame.columns.tolist() == ["check", "status", "detail", "advice"]
    assert set(map(str, frame.dtypes)) == {"string"}
    assert frame["check"].tolist() == [
        "credentials", "connection", "clock", "sign-in", "token", "scopes", "organization",
        "companies", "rights", "versions", "profiles", "journal", "notebook", "proxy",
        "certificates",
    ]  # fmt: skip
    assert set(frame["status"]) == {"ok"}


def test_details_are_shown_whole() -> None:
    frame = adobe_nb.doctor(simulator=True)
    html = frame_html(frame)
    assert html is not None
    assert "approve, develop, manage_environments, manage_extensions, publish</td>" in html
    assert "15 rows × 4 columns · adobe_nb doctor()" in html


@pytest.mark.usefixtures("_no_network")
def test_missing_credentials_and_missing_network_are_two_problems() -> None:
    frame = checked()
    assert frame["status"].loc[["credentials", "connection"]].tolist() == ["problem", "problem"]
    assert frame.loc["credentials", "detail"] == "No credentials were found."
    assert "ADOBE_CLIENT_SECRET" in frame.loc["credentials", "advice"]
    assert "reactor.adobe.io was not reached" in frame.loc["connection", "detail"]
    assert "HTTPS_PROXY" in frame.loc["connection", "advice"]
    later = ["clock", "sign-in", "token", "scopes", "organization", "companies", "rights"]
    assert set(frame.loc[later, "status"]) == {"unknown"}
    assert frame.loc["versions", "status"] == "ok"


@pytest.mark.usefixtures("_no_network")
def test_proxy_is_shown_without_its_password() -> None:
    frame = checked()
    assert frame.loc["proxy", "detail"].startswith("127.0.0.1:9, from ")
    assert "pass-word-1" not in frame.to_csv()


def test_winning_source_is_shown_with_those_that_it_hides(
    demo: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    details = demo.connection()
    lines = [f"ADOBE_{name.upper()}={details[name]}" for name in SIGN_IN_VALUES]
    Path(".env").write_text("\n".join(lines))
    Path(".env").chmod(0o600)
    assert checked().loc["credentials", "detail"].startswith(f"{Path.cwd() / '.env'} (the first")
    set_environment(monkeypatch, demo)
    detail = checked().loc["credentials", "detail"]
    assert detail.startswith(
        "environment (the first complete source; the order is environment, .env"
    )
    assert f"hides {Path.cwd() / '.env'}" in detail


def test_incomplete_source_is_a_warning(demo: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    details = demo.connection()
    lines = [f"ADOBE_{name.upper()}={details[name]}" for name in SIGN_IN_VALUES]
    Path(".env").write_text("\n".join(lines))
    Path(".env").chmod(0o600)
    monkeypatch.setenv("ADOBE_CLIENT_ID", details["client_id"])
    result = checked().loc["credentials"]
    assert result["status"] == "warning"
    assert "environment has ADOBE_CLIENT_ID, but not" in result["detail"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_env_file_that_others_can_read_is_a_warning(demo: Simulator, tmp_path: Path) -> None:
    details = demo.connection()
    file = tmp_path / "open.env"
    file.write_text("\n".join(f"ADOBE_{name.upper()}={details[name]}" for name in SIGN_IN_VALUES))
    file.chmod(0o644)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = checked(env_file=file).loc["credentials"]
    assert result["status"] == "warning"
    assert "chmod" in result["advice"]
    assert "named by you" in result["detail"]


def test_current_session_is_checked_and_stays(
    demo: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = sign_in(demo)
    set_environment(monkeypatch, demo)
    detail = checked().loc["credentials", "detail"]
    assert detail == "arguments (your current session; connect() alone would use environment)"
    monkeypatch.delenv("ADOBE_CLIENT_ID")
    assert checked().loc["credentials", "detail"] == "arguments (your current session)"
    assert adobe_nb.current() is session
    assert session.works


@pytest.mark.parametrize(
    ("account", "check", "status", "says"),
    [
        ("no_profile", "companies", "problem", "403221"),
        ("no_company", "companies", "warning", "no company in tags"),
        ("reader", "rights", "ok", "company Hearth & Harbor: none; 6 properties (Web Store US, "),
    ],
)
def test_account_with_less_access_is_explained(
    demo: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    account: str,
    check: str,
    status: str,
    says: str,
) -> None:
    set_environment(monkeypatch, demo, account)
    result = checked().loc[check]
    assert result["status"] == status
    assert says in result["detail"]
    assert result["advice"]


def test_refused_secret_is_a_problem(demo: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, demo, client_secret="p8e-not-this-one")
    frame = checked()
    assert frame.loc["sign-in", "status"] == "problem"
    assert "invalid_client" in frame.loc["sign-in", "detail"]
    assert frame.loc["sign-in", "advice"].startswith("Copy the secret again")
    assert set(frame.loc[["token", "companies", "rights"], "status"]) == {"unknown"}


def test_missing_scopes_are_a_warning(demo: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, demo, scopes="openid")
    frame = checked()
    assert frame.loc["scopes", "status"] == "warning"
    assert "read_organizations" in frame.loc["scopes", "advice"]
    assert frame.loc["companies", "status"] == "problem"


def test_token_that_expires_soon_is_a_warning(
    demo: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, demo)
    monkeypatch.delenv("ADOBE_CLIENT_SECRET")
    account = demo.accounts["demo"]
    monkeypatch.setenv("ADOBE_ACCESS_TOKEN", demo.ims.issue(account, account.scopes, age=85_000))
    frame = checked()
    assert frame.loc["token", "status"] == "warning"
    assert "paste a new one" in frame.loc["token", "advice"]
    assert frame.loc["sign-in", "detail"].startswith("the pasted token")


@pytest.mark.parametrize(("hours", "status"), [(2, "problem"), (0, "ok")])
def test_wrong_clock_is_a_problem(
    demo: Simulator, monkeypatch: pytest.MonkeyPatch, hours: int, status: str
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    with stub(lambda _: Answer(404, b"{}", {"Date": date})) as service:
        set_environment(monkeypatch, demo, reactor_url=service.url)
        result = checked().loc["clock"]
    assert result["status"] == status
    assert ("Correct the clock" in result["advice"]) == bool(hours)


def test_unavailable_service_is_not_asked_again(
    demo: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stub(lambda _: Answer(503, b"{}", {"Retry-After": "300"})) as service:
        set_environment(monkeypatch, demo, reactor_url=service.url)
        frame = checked()
    assert [got.path for got in service.got] == ["/", "/companies"]
    assert frame.loc["companies", "status"] == "problem"
    assert frame.loc["rights", "status"] == "unknown"


def test_properties_are_grouped_by_rights(demo: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def resource(resource_id: str, name: str, rights: list[str]) -> dict[str, Any]:
        return {"id": resource_id, "attributes": {"name": name}, "meta": {"rights": rights}}

    companies = [resource(f"CO{number}", "A", []) for number in range(4)]
    lists: dict[str, Any] = {
        "/companies": {"data": companies},
        "/companies/CO0/properties": {
            "data": [
                resource("PR1", f"Site {number}", ["develop"] * (number % 2))
                for number in range(12)
            ],
            "meta": {"pagination": {"total_count": 120}},
        },
        "/companies/CO1/properties": {"data": [resource("PR2", "Shop", ["publish", "develop"])]},
        "/companies/CO2/properties": {"data": None},
    }

    def answer(got: Got) -> Answer:
        body = json.dumps(lists.get(got.path.partition("?")[0], {})).encode()
        return Answer(200, body, {"Content-Type": "application/vnd.api+json"})

    with stub(answer) as service:
        set_environment(monkeypatch, demo, reactor_url=service.url)
        result = checked().loc["rights"]
    assert result["status"] == "ok"
    assert result["detail"].split("; ")[3:] == [
        "6 properties (Site 0, Site 2, Site 4, Site 6, Site 8 and 1 more): none",
        "6 properties (Site 1, Site 3, Site 5, Site 7, Site 9 and 1 more): develop",
        "1 property (Shop): develop, publish",
        "3 of 4 companies were read",
        "the first 13 of 121 properties of these companies were read",
    ]
    assert "you can only read" in result["advice"]


def test_service_that_breaks_off_is_a_problem(
    demo: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(got: Got) -> Answer:
        if got.path == "/":
            return Answer(403, b"", {"Date": "yesterday"})
        return Answer(302, b"", {"Location": "https://login.example/"})

    with stub(answer) as service:
        set_environment(monkeypatch, demo, reactor_url=service.url)
        frame = checked()
    assert frame.loc["clock", "status"] == "unknown"
    assert frame.loc["companies", "status"] == "problem"
    assert "redirect" in frame.loc["companies", "detail"]


def test_folders_that_cannot_be_written_are_warnings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(file))
    frame = checked(simulator=True)
    assert frame.loc["journal", "status"] == "warning"
    assert "XDG_STATE_HOME" in frame.loc["journal", "advice"]
    assert frame.loc["profiles", "status"] == "ok"
    monkeypatch.setenv("ADOBE_NB_JOURNAL", "off")
    assert checked(simulator=True).loc["journal", "detail"] == "switched off by ADOBE_NB_JOURNAL"


def test_folders_are_not_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home" / name))
    checked(simulator=True)
    assert list(tmp_path.iterdir()) == []


def test_certificate_file_without_certificates_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bundle.pem"
    file.write_text("none")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    result = checked(simulator=True).loc["certificates"]
    assert result["status"] == "problem"
    assert "has no readable certificates" in result["detail"]


def test_notebook_check_says_where_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def notebook() -> pd.Series:
        return checked(simulator=True).loc["notebook"]

    assert notebook()["detail"].startswith("no notebook kernel; anywidget 0.")
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    assert notebook()["detail"].startswith("a notebook kernel, ")
    assert "login --ask" in notebook()["advice"]
    for module, name in {"dbruntime": "Databricks", "google.colab": "Colab"}.items():
        monkeypatch.setitem(sys.modules, module, types.ModuleType(module))
        assert notebook()["detail"].startswith(f"a {name} kernel")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.metadata.distribution

    def find_others(name: str) -> importlib.metadata.Distribution:
        if name in {"anywidget", "pyarrow"}:
            raise importlib.metadata.PackageNotFoundError(name)
        return find(name)

    monkeypatch.setattr(importlib.metadata, "distribution", find_others)
    frame = checked(simulator=True)
    assert frame.loc["notebook", "status"] == "problem"
    assert frame.loc["notebook", "advice"] == "The panel requires them: pip install anywidget."
    assert frame.loc["versions", "status"] == "ok"
    assert "pyarrow (not installed)" in frame.loc["versions", "detail"]


def test_account_without_a_home_folder_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", _no_home)
    monkeypatch.setattr(os.path, "expanduser", str)
    frame = checked(simulator=True)
    assert frame.loc[["profiles", "journal"], "status"].tolist() == ["warning", "warning"]
    assert "no home folder" in frame.loc["journal", "detail"]


def _no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize(
    ("proxy", "no_proxy", "status", "says"),
    [
        ("http://proxy.example:port", "", "problem", "invalid address in https_proxy, HTTPS_PROXY"),
        ("http://127.0.0.1:9", "other.example", "ok", "127.0.0.1:9, from https_proxy"),
    ],
)
def test_proxy_is_named(
    monkeypatch: pytest.MonkeyPatch, proxy: str, no_proxy: str, status: str, says: str
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.setenv("no_proxy", no_proxy)
    result = checked().loc["proxy"]
    assert result["status"] == status
    assert result["detail"].startswith(says)


def test_proxy_that_does_not_apply_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "reactor.adobe.io")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    result = next(
        result for result in machine.results("https://reactor.adobe.io") if result.check == "proxy"
    )
    assert result.detail.startswith("direct connection; https_proxy, no_proxy")
    assert result.detail.endswith(": not for reactor.adobe.io")


def test_expired_token_is_a_problem(demo: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, demo)
    monkeypatch.delenv("ADOBE_CLIENT_SECRET")
    account = demo.accounts["demo"]
    monkeypatch.setenv("ADOBE_ACCESS_TOKEN", demo.ims.issue(account, account.scopes, age=90_000))
    frame = checked()
    assert frame.loc["sign-in", "status"] == "problem"
    assert frame.loc["sign-in", "detail"].startswith("The access token expired on ")
    assert frame.loc["sign-in", "advice"].startswith("Get a new one")


def test_new_pasted_token_is_ok_and_says_that_it_ends(
    demo: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, demo)
    monkeypatch.delenv("ADOBE_CLIENT_SECRET")
    monkeypatch.setenv("ADOBE_ACCESS_TOKEN", demo.ims.issue(demo.accounts["demo"]))
    token = checked().loc["token"]
    assert token["status"] == "ok"
    assert token["detail"].endswith("issued by simulator, pasted")


def test_saved_profile_is_checked(demo: Simulator) -> None:
    sign_in(demo).save("work", in_file=True)
    detail = checked(profile="work").loc["credentials", "detail"]
    assert detail == "profile work (named by you; other sources are not searched)"


def test_several_sources_are_refused(tmp_path: Path) -> None:
    with pytest.raises(adobe_nb.ArgumentError, match="one source only"):
        adobe_nb.doctor(simulator=True, env_file=tmp_path / ".env")


def test_no_secret_is_in_the_answer(demo: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, demo)
    text = checked().to_csv()
    details = demo.connection()
    secrets = {details["client_secret"], details["client_id"], *demo.ims.issued}
    assert not [secret for secret in secrets if secret in text]
