"""``adobe-nb pull`` in a scheduler: exit statuses, the line of JSON, locks, signals, no prompt."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend

from adobe_nb import snapshot
from adobe_nb.cli import main
from adobe_nb.session import Session
from adobe_nb.simulator.seed import Bulk
from adobe_nb.simulator.server import Simulator
from adobe_nb.snapshot.store import SnapshotFolder
from tests.conftest import sign_in, started, until

SCRIPT = "import sys; from adobe_nb.cli import main; sys.exit(main())"
FIELDS = ["organization", "snapshot", "rows", "changed", "seconds", "error"]
ASKING = """
import getpass

from keyring.backend import KeyringBackend


class Asking(KeyringBackend):
    priority = 10

    def get_password(self, service, username):
        return getpass.getpass("Password of the keyring: ")

    def set_password(self, service, username, password):
        pass
"""


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A small company, whose credentials the command finds by itself."""
    simulator = started(seed="empty", bulk=Bulk(properties=4, rules=5, components=1))
    monkeypatch.setenv("ADOBE_NB_SIMULATOR", simulator.reactor_url)
    yield simulator
    simulator.stop()


@pytest.fixture
def session(company: Simulator) -> Session:
    return sign_in(company, make_default=False)


class Result:
    """What a run of the command printed, and its exit status."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        self.status = main(["pull", "tags", *arguments])
        self.out, self.err = capsys.readouterr()

    @property
    def line(self) -> dict[str, Any]:
        """The only line of the output."""
        return only_line(self.out)


def only_line(out: str) -> dict[str, Any]:
    [text] = out.splitlines()
    line: dict[str, Any] = json.loads(text)
    assert list(line) == FIELDS
    return line


def run(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Start the command without a terminal, as schedulers do."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "pull", "tags", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
    )


def test_line_has_the_numbers_of_the_snapshot(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Result(capsys, "--json").line
    rows = sum(map(len, snapshot.load("tags").values()))
    assert first == {
        "organization": session.org_id,
        "snapshot": 1,
        "rows": rows,
        "changed": None,
        "seconds": first["seconds"],
        "error": None,
    }
    assert 0 < first["seconds"] < 60
    assert Result(capsys, "--json", "--refresh").line["changed"] == 0
    rules = session.reactor.rules(snapshot.load("tags", "properties"))
    session.reactor.rules.update(rules.head(1), name="Renamed")
    session.reactor.rules.delete(rules["id"].iloc[1], confirm=rules["name"].iloc[1])
    third = Result(capsys, "--json", "--refresh", "--keep", "1").line
    assert (third["snapshot"], third["rows"]) == (3, rows - 2)
    # Two rules, and the component of the deleted one.
    assert third["changed"] == 3


def test_changes_are_counted_as_snapshot_changes_lists_them(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    Result(capsys)
    site = snapshot.load("tags", "properties").head(1)
    session.reactor.data_elements.create(
        site,
        name="New",
        delegate_descriptor_id="core::dataElements::cookie",
        settings={"name": "a"},
        extension=session.reactor.extensions(site).head(1),
    )
    again = Result(capsys, "--refresh")
    changes = snapshot.changes("tags")
    assert changes[["table", "change", "name"]].values.tolist() == [
        ["data_elements", "created", "New"]
    ]
    assert "resources that changed: 1" in again.out


def test_quiet_prints_errors_only(company: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    result = Result(capsys, "--quiet")
    assert (result.status, result.out, result.err) == (0, "", "")
    assert Result(capsys, "--quiet", "--json").line["snapshot"] == 2
    result = Result(capsys, "--quiet", "--table", "rulez")
    assert (result.status, result.out) == (2, "")
    assert "Did you mean rules" in result.err


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--table", "rulez"], 2, "Did you mean rules"),
        (["--property", "Nowhere"], 2, "Nowhere"),
        (["--keep", "0"], 2, "--keep 0"),
        (["--profile", "nobody"], 2, "no profile"),
        (["--env-file", "refused.env"], 2, "IMS refused"),
        (["--env-file", "stopped.env"], 1, "127.0.0.1"),
        (["--refresh"], 1, "no snapshot"),
    ],
)
def test_failure_has_a_status_and_a_line(
    company: Simulator,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    says: str,
) -> None:
    details = company.connection()
    for name, changed in (
        ("refused.env", {"client_secret": "wrong-secret"}),
        ("stopped.env", {"ims_url": "http://127.0.0.1:9"}),
    ):
        values = {**details, **changed}
        lines = []
        for key in ("client_id", "client_secret", "org_id", "scopes", "reactor_url", "ims_url"):
            lines.append(f"ADOBE_{key.upper()}={values[key]}\n")
        Path(name).touch(mode=0o600)
        Path(name).write_text("".join(lines), encoding="utf-8")
    result = Result(capsys, "--json", *arguments)
    assert result.status == status
    assert says in result.line["error"]
    assert result.line["snapshot"] is None
    assert result.err.startswith("adobe-nb: ")


def test_unexpected_error_fails_with_a_line(
    company: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("pyarrow.parquet.write_table", broken)
    result = Result(capsys, "--json")
    assert result.status == 1
    assert result.line["error"] == "RuntimeError: broken"
    assert "Traceback" in result.err


def test_second_run_ends_at_once_or_waits(
    company: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as first:
        first.enter_context(SnapshotFolder("tags").begin({"another": "pull"}, {}))
        company.requests.clear()
        result = Result(capsys, "--json")
        assert result.status == 75
        assert "Another run is writing to tags" in result.line["error"]
        assert not [request for request in company.requests if "/companies" in request.path]

        # The first run ends while the second one waits.
        def end_first(_: float) -> None:
            first.close()

        with monkeypatch.context() as patched:
            patched.setattr(time, "sleep", end_first)
            result = Result(capsys, "--json", "--wait")
    assert result.status == 0
    assert result.line["snapshot"] == 1


def test_sigterm_ends_with_143_and_the_next_run_resumes(company: Simulator) -> None:
    company.latency = 0.02
    process = run("--json")
    assert until(lambda: len(company.requests) >= 30, 60)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143
    line = only_line(out)
    assert line["snapshot"] is None
    assert line["error"].startswith("interrupted. The snapshots are unchanged.")
    # Neither a traceback nor a progress bar.
    assert err == f"adobe-nb: {line['error']}\n"
    company.latency = 0.0
    company.requests.clear()
    assert main(["pull", "tags", "--quiet"]) == 0
    resumed = len(company.requests)
    company.requests.clear()
    assert main(["pull", "tags", "--quiet"]) == 0
    assert resumed < len(company.requests)


class Forgetful(KeyringBackend):
    """Accepts secrets."""

    priority = 10.0  # type: ignore[assignment]

    def set_password(self, service: str, username: str, password: str) -> None:
        pass

    def get_password(self, service: str, username: str) -> str:
        return ""


def test_keyring_that_asks_for_a_password_is_an_error(session: Session, tmp_path: Path) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(Forgetful())
    try:
        session.save("nightly")
    finally:
        keyring.set_keyring(before)
    (tmp_path / "asking.py").write_text(ASKING, encoding="utf-8")
    process = run(
        "--json",
        "--profile",
        "nightly",
        PYTHONPATH=str(tmp_path),
        PYTHON_KEYRING_BACKEND="asking.Asking",
    )
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "keyring cannot be used" in only_line(out)["error"]
