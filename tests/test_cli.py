"""The command line: the simulator's line of JSON, and the tutorials."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from adobe_nb import cli, lab
from tests.conftest import sign_in

SCRIPT = "import sys; from adobe_nb.cli import main; sys.exit(main())"


def run(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]", number: int = signal.SIGTERM) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


class TestSimulator:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_simulator_prints_json_line_serves_and_stops_cleanly(self, number: int) -> None:
        process = run(
            "simulator",
            "--json",
            "--rules",
            "30",
            "--events",
            "7",
            "--seed",
            "empty",
            "--token-ttl",
            "500",
        )
        details = json.loads(process.stdout.readline())
        token = requests.post(
            f"{details['ims_url']}/ims/token/v3",
            data={
                "grant_type": "client_credentials",
                "client_id": details["client_id"],
                "client_secret": details["client_secret"],
                "scope": details["scopes"],
            },
            timeout=60,
        ).json()
        assert token["expires_in"] == 500
        headers = {
            "Authorization": f"Bearer {token['access_token']}",
            "x-api-key": details["client_id"],
            "x-gw-ims-org-id": details["org_id"],
            "Accept": "application/vnd.api+json;revision=1",
        }
        listed = requests.get(
            f"{details['reactor_url']}/companies/{details['company_id']}/properties",
            headers=headers,
            timeout=60,
        ).json()
        assert listed["meta"]["pagination"]["total_count"] == 1
        events = requests.get(
            f"{details['reactor_url']}/audit_events", headers=headers, timeout=60
        ).json()
        assert events["meta"]["pagination"]["total_count"] == 7
        assert ended(process, number) == (0, "", "")

    def test_simulator_reports_unavailable_port(self, demo: Any) -> None:
        port = demo.reactor_url.rpartition(":")[2]
        process = run("simulator", "--port", port)
        out, err = process.communicate(timeout=300)
        assert (process.returncode, out) == (2, "")
        assert f"Port {port} is unavailable" in err

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["--fault", "418:0.1"], "Unknown kind of fault"),
            (["--rules", "-1"], "--rules"),
            (["--rules", "x"], "'x' is not an integer of 0 or more"),
            (["--latency", "nan"], "--latency"),
            (["--seed", "full"], "--seed"),
            (["--port", "99999"], "--port"),
        ],
    )
    def test_simulator_refuses_invalid_options(
        self, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        try:
            status = cli.main(["simulator", *arguments])
        except SystemExit as error:
            status = error.code
        assert status == 2
        assert says in capsys.readouterr().err

    def test_simulator_help_lists_kinds_of_faults(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            cli.main(["simulator", "--help"])
        assert "429-retry-after" in capsys.readouterr().out


class TestTutorials:
    def source(self, tmp_path: Path, **notebooks: str) -> Path:
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        for name, text in notebooks.items():
            (folder / f"{name}.ipynb").write_text(text)
        return folder

    def test_unchanged_tutorials_are_updated(self, tmp_path: Path) -> None:
        target = tmp_path / "work"
        lab.copy_tutorials(target, self.source(tmp_path, a="1", b="1"))
        assert (target / "a.ipynb").read_text() == "1"
        lab.copy_tutorials(target, self.source(tmp_path, a="2"))
        assert (target / "a.ipynb").read_text() == "2"

    def test_changed_tutorials_are_kept_and_named(self, tmp_path: Path) -> None:
        target = tmp_path / "work"
        lab.copy_tutorials(target, self.source(tmp_path, a="1", b="1"))
        (target / "a.ipynb").write_text("mine")
        told = lab.copy_tutorials(target, self.source(tmp_path, a="2", b="2"))
        assert (target / "a.ipynb").read_text() == "mine"
        assert (target / "b.ipynb").read_text() == "2"
        assert "Kept your changes: a.ipynb" in told[1]

    def test_file_of_the_user_is_kept(self, tmp_path: Path) -> None:
        target = tmp_path / "work"
        target.mkdir()
        (target / "a.ipynb").write_text("mine")
        lab.copy_tutorials(target, self.source(tmp_path, a="1", b="1"))
        assert (target / "a.ipynb").read_text() == "mine"

    def test_deleted_tutorial_is_copied_again(self, tmp_path: Path) -> None:
        target = tmp_path / "work"
        lab.copy_tutorials(target, self.source(tmp_path, a="1"))
        (target / "a.ipynb").unlink()
        lab.copy_tutorials(target, self.source(tmp_path, a="1"))
        assert (target / "a.ipynb").read_text() == "1"

    def test_images_are_copied_beside_the_tutorials(self, tmp_path: Path) -> None:
        source = self.source(tmp_path, a="1")
        (source / "images").mkdir()
        (source / "images" / "sketch.svg").write_text("<svg/>")
        lab.copy_tutorials(tmp_path / "work", source)
        assert (tmp_path / "work" / "images" / "sketch.svg").read_text() == "<svg/>"

    def test_unusable_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(lab.LabError, match="cannot be used .* --dir"):
            lab.copy_tutorials(tmp_path / "file", self.source(tmp_path, a="1"))

    def test_tutorials_of_the_package_are_found(self) -> None:
        assert (lab.tutorials() / lab.FIRST).exists()


class TestLab:
    def test_incomplete_credentials_are_reported_and_simulator_is_used(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from contextlib import ExitStack

        env = tmp_path / ".env"
        env.write_text("ADOBE_CLIENT_ID=client-1234567890\n")
        with ExitStack() as stack:
            assert lab._simulator_if_needed(tmp_path, stack).startswith("http://127.0.0.1:")
        printed = capsys.readouterr().out
        assert "but not ADOBE_ORG_ID" in printed
        assert "built-in simulator" in printed

    def test_profile_of_stopped_simulator_is_replaced_by_new_simulator(
        self, tmp_path: Path, simulate: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from contextlib import ExitStack

        simulator = simulate(seed="empty")
        sign_in(simulator, make_default=False).save("old", in_file=True)
        simulator.stop()
        with ExitStack() as stack:
            assert lab._simulator_if_needed(tmp_path, stack).startswith("http://127.0.0.1:")
        assert "The simulator of profile old does not respond." in capsys.readouterr().out

    def test_credentials_above_working_folder_are_used(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from contextlib import ExitStack

        env = tmp_path / ".env"
        env.write_text(
            "ADOBE_CLIENT_ID=client-1234567890\nADOBE_CLIENT_SECRET=hush\nADOBE_ORG_ID=A@AdobeOrg\n"
        )
        env.chmod(0o600)
        with ExitStack() as stack:
            assert lab._simulator_if_needed(tmp_path / "below", stack) == ""
        assert "the notebooks use Adobe" in capsys.readouterr().out

    def test_lab_stops_on_ctrl_c_without_leaving_processes(self, tmp_path: Path) -> None:
        process = run("lab", "--no-browser", "--dir", str(tmp_path / "work"))
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "/lab/tree/01_sign_in.ipynb?token=" in line:
                break
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        running = children.read_text().split() if children.exists() else []
        status, out, _ = ended(process, signal.SIGINT)
        assert status == 0
        assert "No credentials were found. The notebooks use the built-in simulator" in out
        assert (tmp_path / "work" / "01_sign_in.ipynb").exists()
        for pid in running:
            with pytest.raises(ProcessLookupError):
                os.kill(int(pid), 0)


@pytest.mark.parametrize("command", ["audit --list-rules", "audit --help", "--version"])
def test_a_reader_that_closes_the_pipe_gets_no_traceback(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    script = [sys.executable, "-c", SCRIPT, *command.split()]
    done = subprocess.run(script, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert done.stderr == b""
    # argparse ignores a closed pipe when the output is not buffered.
    assert done.returncode in {0, 141}
