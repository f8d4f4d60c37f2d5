"""``adobe-nb doctor``: a line per check, and exit statuses."""

import json
from pathlib import Path

import pytest

from adobe_nb import cli


def run(*arguments: str) -> int:
    try:
        return cli.main(["doctor", *arguments])
    except SystemExit as error:
        return int(error.code or 0)


def test_simulator_gives_zero_and_a_line_per_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--simulator") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 16
    assert all(line.startswith("ok        ") for line in lines[:-1])
    assert lines[-1] == "15 ok, 0 warnings, 0 problems, 0 not checked."


def test_problem_gives_one_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert run("--env-file", str(tmp_path / "missing.env")) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "missing.env does not exist." in lines[0]
    assert lines[0].startswith("problem   credentials ")
    assert lines[1].strip() == "Give the full path of your .env file."


def test_report_is_announced_before_it_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    assert run("--simulator", "--report", str(file)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("The report takes at most 70 requests that read, and none that")
    assert json.loads(file.read_text())["deviations"] == []
    file.write_text("[]")
    assert run("--simulator", "--report", str(file)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "is not a report of the doctor" in captured.err


@pytest.mark.parametrize("arguments", [["--simulator", "--profile", "a"], ["--unknown"], ["x"]])
def test_wrong_usage_gives_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    assert capsys.readouterr().out == ""
