"""``adobe-nb audit``: formats, exit statuses, and where the property comes from.

``support/sarif-2.1.0-rtm.5.json`` is the schema of SARIF 2.1.0 as Microsoft's package
``@microsoft/jest-sarif`` (MIT) has it, unchanged.
"""

import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest

import adobe_nb
from adobe_nb import cli, snapshot
from adobe_nb.analysis import Tags
from adobe_nb.analysis.audit import formats
from adobe_nb.analysis.audit.rules import all_rules
from adobe_nb.cli import options
from tests.support.second_company import pull_second_company
from tests.support.tag_frames import components, elements, extensions, no_tags, rules

SCHEMA = json.loads(
    (Path(__file__).parent / "support" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8")
)
BEACON = "adobe-analytics::actions::send-beacon"
NAME = "Checkout\x1b[31m \u202e[here](https://evil.example)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of the property of the demo company that has most mistakes."""
    session = adobe_nb.connect(simulator=True, make_default=False)
    folder = tmp_path_factory.mktemp("tags")
    snapshot.pull(session.reactor.find("properties", "Web Store US"), to=folder, session=session)
    return folder


class Result:
    """What a run of the command did."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: Any) -> None:
        try:
            self.status = cli.main(["audit", *map(str, arguments)])
        except SystemExit as error:
            self.status = error.code
        self.out, self.err = capsys.readouterr()


@pytest.fixture(scope="module")
def results() -> dict[tuple[Any, ...], Result]:
    """What was run before: the snapshot stays as it is."""
    return {}


@pytest.fixture
def audit(
    folder: Path, results: dict[tuple[Any, ...], Result], capsys: pytest.CaptureFixture[str]
) -> Any:
    """Run the command on the snapshot, once for the same arguments."""

    def run(*arguments: Any, name: str = "Web Store US") -> Result:
        key = (name, *arguments)
        if key not in results:
            results[key] = Result(capsys, name, "--snapshot", folder, *arguments)
        return results[key]

    return run


@pytest.fixture(scope="module")
def hostile() -> Tags:
    """A property with two findings, whose names have control characters and a link."""
    parts = [("RC1", "RL1", BEACON, {"a](b": "%x%"}), ("RC2", "RL1", BEACON, {"linkName": "%y%"})]
    return Tags(
        rules=rules(("RL1", NAME)),
        rule_components=components(("RC0", "RL1", "core::events::click", {}), *parts, name=NAME),
        data_elements=elements(),
        extensions=extensions(("EX1", "core", None, None)),
        as_of="2026-05-01T12:00:00Z",
    )


@pytest.fixture(scope="module")
def findings(hostile: Tags) -> pd.DataFrame:
    return hostile.audit("references")


@pytest.fixture(scope="module")
def no_findings() -> pd.DataFrame:
    return no_tags().audit()


def sarif(findings: pd.DataFrame) -> dict[str, Any]:
    log = json.loads(formats.to_sarif(findings, version="1.0", category="adobe-nb/PR1/"))
    jsonschema.Draft4Validator(SCHEMA).validate(log)
    return log["runs"][0]


class TestStatus:
    @pytest.mark.parametrize(
        ("arguments", "status"),
        [
            ([], 1),
            (["--rule", "references", "--fail-on", "never"], 0),
            (["--rule", "masked-token"], 0),
            (["--rule", "masked-token", "--fail-on", "medium"], 1),
            (["--rule", "masked-token", "--fail-on", "low"], 1),
            (["--rule", "unused", "--fail-on", "medium"], 0),
            (["--rule", "unused", "--fail-on", "low"], 1),
        ],
    )
    def test_findings_of_the_severity_or_above_give_one(
        self, audit: Any, arguments: list[str], status: int
    ) -> None:
        assert audit(*arguments).status == status

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["--rule", "masked"], "Unknown rule, theme or severity 'masked'. Did you mean masked-token"),
            (["--rule", ""], "Choose from: high, medium, low, references, "),
            (["--rule", ""], "--list-rules"),
            (["--suppress", "missing.csv"], "Cannot read missing.csv"),
            (["--earlier", "missing.json"], "Cannot read missing.json"),
            (["--rule", "unused", "--output", "missing/audit.txt"], "Cannot write missing/audit.txt"),
            (["--fail-on", "all"], "--fail-on"),
            (["--format", "xml"], "--format"),
            (["--format", "html"], "requires --output"),
            (["--format", "html", "--output", "a.html", "--rule", "high"], "Leave --rule"),
            (["--simulator"], "not allowed with"),
            (["--library", "LB1", "--build", "BL1"], "not allowed with"),
            (["--library", "LB1"], "LB1"),
        ],
    )  # fmt: skip
    def test_errors_give_two(self, audit: Any, arguments: list[str], says: str) -> None:
        result = audit(*arguments)
        assert (result.status, result.out) == (2, "")
        assert says in result.err

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("Web Store UK", "is called 'Web Store UK'. Similar names: Web Store US"),
            ("PR" + "0" * 32, "no property PR0000"),
            (" ", "expected the name or id of a property"),
        ],
    )
    def test_unknown_property_gives_two(self, audit: Any, name: str, says: str) -> None:
        result = audit(name=name)
        assert result.status == 2
        assert says in result.err

    def test_unexpected_error_gives_two(self, audit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        class Full:
            encoding = "utf-8"

            def write(self, text: str) -> None:
                raise OSError("No space left on device")

            def flush(self) -> None:
                raise OSError("No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", Full())
            result = audit("--rule", "secret")
        assert result.status == 2
        assert "No space left on device" in result.err

    def test_help_explains_the_statuses(self, capsys: pytest.CaptureFixture[str]) -> None:
        result = Result(capsys, "--help")
        assert "2  wrong usage, or an error" in result.out


class TestSource:
    def test_property_of_the_simulator_and_its_library(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        session = adobe_nb.connect(simulator=True, make_default=False)
        site = session.reactor.find("properties", "Magazine")
        library = session.reactor.find("libraries", "Launch", site).loc[0, "id"]
        arguments = ["--simulator", "--rule", "references", "--format", "json"]
        result = Result(capsys, "Magazine", *arguments, "--library", library)
        assert result.status == 1
        assert "what a build of the library 'Launch' would hold" in result.out
        assert "Reads 'XDM Article', and no data element has that name." in result.out

    def test_id_selects_a_property_of_a_snapshot(self, audit: Any, folder: Path) -> None:
        property_id = snapshot.load(folder, "properties").loc[0, "id"]
        by_name, by_id = audit("--rule", "unused"), audit("--rule", "unused", name=property_id)
        assert by_id.out == by_name.out

    def test_property_can_be_left_out_with_snapshots_only(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        result = Result(capsys, "--snapshot", folder, "--rule", "unused", "--format", "json")
        assert (result.status, len(json.loads(result.out)["findings"]) > 0) == (0, True)
        result = Result(capsys, "--simulator")
        assert result.status == 2
        assert "An audit requires a property" in result.err

    def test_snapshots_of_several_organizations_are_checked_together(
        self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pull_second_company(tmp_path)
        own = snapshot.load(tmp_path, "properties")["id"].tolist()
        arguments = ["--snapshot", folder, "--rule", "unused"]
        result = Result(capsys, *arguments, "--snapshot", tmp_path)
        assert result.status == 0
        named = set(re.findall(r", in (PR\w+)", " ".join(result.out.split())))
        assert named.issuperset(own)
        assert named.difference(own)
        result = Result(capsys, *arguments, "--snapshot", folder)
        assert result.status == 2
        assert "are of the same organization" in result.err


class TestTable:
    def test_lines_have_at_most_100_characters(self, audit: Any) -> None:
        lines = audit().out.splitlines()
        assert max(map(len, lines)) <= 100
        assert lines[0] == "severity  rule                    finding"
        assert any(line.startswith("Findings: 5 high, ") for line in lines)

    def test_names_cannot_control_the_terminal(self, findings: pd.DataFrame) -> None:
        table = formats.to_table(findings)
        assert "'Checkout\\x1b[31m \\u202e[here]" in table
        assert table.replace("\n", "").isprintable()

    def test_suppressed_findings_are_counted(self, hostile: Tags, findings: pd.DataFrame) -> None:
        frame = hostile.audit("references", suppress=findings.head(1), all=True)
        table = formats.to_table(frame)
        assert table.count("v1:") == 1
        assert "Findings: 1 high, 0 medium, 0 low (1 suppressed)." in table

    def test_property_without_findings_has_no_table(self, no_findings: pd.DataFrame) -> None:
        assert formats.to_table(no_findings).startswith("Findings: 0 high")

    def test_terminal_without_unicode_gets_escapes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        written = io.BytesIO()
        with monkeypatch.context() as patched:
            terminal = io.TextIOWrapper(written, encoding="ascii", write_through=True)
            patched.setattr(sys, "stdout", terminal)
            options.show("Caf\u00e9 \u2026")
        assert written.getvalue().split() == [b"Caf\\xe9", b"\\u2026"]

    def test_notes_are_lines_about_the_findings_without_calls(self, audit: Any) -> None:
        lines = audit().out.splitlines()
        notes = [line for line in lines if line.startswith("Note: ")]
        assert lines[-len(notes) - 1 : -1] == notes
        assert notes
        assert not any("tags." in note or "analysis." in note for note in notes)
        assert "--verbose" in lines[-1]

    def test_verbose_shows_all_notes_in_full(self, audit: Any) -> None:
        out = audit("--verbose").out
        assert "tags.extension_versions(" in out
        assert "--verbose" not in out

    def test_rules_without_findings_have_no_notes(self, audit: Any) -> None:
        out = audit("--rule", "eval").out
        assert "Note: " not in out
        assert "Risks are found by the form" in audit("--rule", "eval", "--verbose").out

    def test_list_of_rules_needs_no_property(self, capsys: pytest.CaptureFixture[str]) -> None:
        result = Result(capsys, "--list-rules")
        assert result.status == 0
        assert "missing-data-element" in result.out
        assert len(result.out.splitlines()) == len(all_rules()) + 2


def test_missing_credentials_are_explained_with_options(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("ADOBE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ADOBE_NB_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    result = Result(capsys, "My site")
    assert result.status == 2
    for option in ("--profile", "--env-file", "--simulator"):
        assert option in result.err
    assert "connect(" not in result.err


class TestJson:
    def test_json_is_one_object(self, audit: Any) -> None:
        document = json.loads(audit("--format", "json").out)
        assert list(document) == ["as_of", "counts", "limits", "findings"]
        assert document["counts"]["high"] == 5
        assert document["findings"][0]["line"] is None
        assert document["findings"][0]["suppressed"] is False

    def test_file_of_an_audit_keeps_dates_and_suppresses_what_is_known(
        self, audit: Any, tmp_path: Path
    ) -> None:
        before = tmp_path / "before.json"
        json_of = ("--rule", "references", "--rule", "unused", "--format", "json")
        assert "Written to" in audit(*json_of, "--output", before).out
        document = json.loads(before.read_text(encoding="utf-8"))
        for finding in document["findings"]:
            finding |= {"note": "known", "first_seen": "2026-01-02T03:04:05+00:00"}
        before.write_text(json.dumps(document))
        after = json.loads(audit(*json_of, "--earlier", before).out)["findings"]
        assert {(row["note"], row["first_seen"]) for row in after} == {
            ("known", "2026-01-02T03:04:05+00:00")
        }
        result = audit(*json_of[:4], "--fail-on", "low", "--suppress", before)
        assert result.status == 0
        assert f"({len(after)} suppressed)" in result.out


class TestSarif:
    def test_log_of_a_property_is_valid(self, audit: Any) -> None:
        log = json.loads(audit("--format", "sarif").out)
        jsonschema.Draft4Validator(SCHEMA).validate(log)
        run = log["runs"][0]
        described = run["tool"]["driver"]["rules"]
        for result in run["results"]:
            assert described[result["ruleIndex"]]["id"] == result["ruleId"]
        assert {result["level"] for result in run["results"]} == {"error", "warning", "note"}
        notes = run["invocations"][0]["toolExecutionNotifications"]
        assert any("code of the pages" in note["message"]["text"] for note in notes)

    def test_log_without_findings_is_valid(self, no_findings: pd.DataFrame) -> None:
        assert sarif(no_findings)["results"] == []

    def test_suppressed_results_say_why(self, hostile: Tags, findings: pd.DataFrame) -> None:
        known = findings.head(1).assign(note="accepted")
        frame = hostile.audit("references", suppress=known, all=True)
        first, second = sarif(frame)["results"]
        assert first["suppressions"] == [
            {"kind": "external", "status": "accepted", "justification": "accepted"}
        ]
        assert "suppressions" not in second
        assert first["partialFingerprints"] == {"adobeNb/v1": known.loc[0, "fingerprint"]}

    def test_results_have_a_file_and_a_resource_as_location(self, findings: pd.DataFrame) -> None:
        result = sarif(findings)["results"][1]
        location = result["locations"][0]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == (
            "tags/rule_components/RC2.json"
        )
        assert location["physicalLocation"]["region"]["startLine"] == 1
        assert location["logicalLocations"][0]["fullyQualifiedName"] == (
            "rule_components/RC2/linkName"
        )

    def test_names_do_not_become_links(self, findings: pd.DataFrame) -> None:
        for result in sarif(findings)["results"]:
            assert "](" not in result["message"]["text"]


def test_html_is_the_report_of_the_property(audit: Any, tmp_path: Path) -> None:
    path = tmp_path / "site.html"
    result = audit("--format", "html", "--output", path)
    assert result.status == 1
    assert f"Written to {path}." in result.out
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "missing-data-element" in page
