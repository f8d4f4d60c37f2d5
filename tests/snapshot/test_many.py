"""Many organizations: one row each, whatever happens to the others."""

import _thread
import io
import json
import re
import sys
import threading
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import IPython.display
import pandas as pd
import pytest
import tqdm
import tqdm.auto
from pandas.testing import assert_frame_equal

import adobe_nb
from adobe_nb import snapshot
from adobe_nb.cli import main
from adobe_nb.errors import ArgumentError, SnapshotError
from adobe_nb.http.workers import Cancelled
from adobe_nb.simulator.faults import Fault, Faults
from adobe_nb.simulator.seed import Bulk
from adobe_nb.simulator.server import Simulator
from adobe_nb.snapshot import cluster, live, many
from adobe_nb.snapshot.store import SnapshotFolder
from tests.conftest import sign_in, started, until
from tests.support.organizations import Gate, organization, organizations_of, secrets_of
from tests.support.snapshot_edits import lists_of, stored

TABLES = ["rule_components", "data_elements"]
DTYPES = {
    **dict.fromkeys(["organization", "profile", "profiles", "state"], "string"),
    **dict.fromkeys(["snapshot", "rows", "changed", "requests"], "Int64"),
    **dict.fromkeys(["waited", "seconds"], "Float64"),
    **dict.fromkeys(["folder", "error"], "string"),
}


class Agency:
    """A simulator with two organizations, each with a saved profile."""

    def __init__(self) -> None:
        few = Bulk(properties=3, rules=4, components=1, data_elements=4)
        self.simulator: Simulator = started(seed="empty", bulk=few)
        self.ids = {name: organization(self.simulator, name) for name in ("acme", "borealis")}
        self.simulator.requests.clear()

    def pull(self, to: Path, profiles: Any = None, **options: Any) -> pd.DataFrame:
        return snapshot.pull_many(profiles, to=to, **{"tables": TABLES, **options})

    def add_rule(self, name: str) -> None:
        reactor = sign_in(self.simulator, name).reactor
        reactor.rules.create(reactor.properties()["id"][0], name="New")


@pytest.fixture
def agency() -> Iterator[Agency]:
    agency = Agency()
    yield agency
    agency.simulator.stop()


def test_each_organization_gets_what_a_plain_pull_stores(agency: Agency, tmp_path: Path) -> None:
    frame = agency.pull(tmp_path)
    assert dict(frame.dtypes.astype(str)) == DTYPES
    assert list(frame["profile"]) == ["acme", "borealis"]
    assert list(frame["organization"]) == list(agency.ids.values())
    assert list(frame["state"]) == ["done", "done"]
    assert list(frame["snapshot"]) == [1, 1]
    assert frame[["changed", "error"]].isna().all(axis=None)
    assert list(frame["folder"]) == [str(tmp_path / name) for name in agency.ids.values()]
    sent = organizations_of(agency.simulator)
    for row in frame.itertuples():
        plain = tmp_path / f"plain {row.profile}"
        session = sign_in(agency.simulator, row.profile)
        snapshot.pull(to=plain, tables=TABLES, session=session)
        tables = snapshot.load(row.folder)
        for table, expected in snapshot.load(plain).items():
            assert_frame_equal(tables[table], expected)
        assert row.rows == sum(map(len, tables.values()))
        assert row.requests == sent.count(row.organization)
    # Nothing else stays in the folder.
    assert {path.name for path in tmp_path.iterdir()} >= set(agency.ids.values())
    assert not list(tmp_path.glob(".*"))


def test_renamed_profile_continues_its_snapshots(agency: Agency, tmp_path: Path) -> None:
    agency.pull(tmp_path, "acme")
    adobe_nb.forget_profile("acme")
    sign_in(agency.simulator, "acme").save("acme-2", in_file=True)
    assert list(agency.pull(tmp_path, "acme-2")["snapshot"]) == [2]


def test_two_profiles_of_one_organization_are_one_task(agency: Agency, tmp_path: Path) -> None:
    sign_in(agency.simulator, "acme").save("again", in_file=True)
    frame = agency.pull(tmp_path, ["borealis", "again", "acme", "again"])
    assert list(frame["profile"]) == ["borealis", "again"]
    assert list(frame["profiles"]) == ["borealis", "again, acme"]
    assert list(frame["snapshot"]) == [1, 1]


def test_profiles_can_be_named_in_a_frame_or_as_profiles(agency: Agency, tmp_path: Path) -> None:
    for profiles in (
        adobe_nb.profiles(),
        pd.DataFrame({"name": ["acme", "borealis"]}),
        agency.pull(tmp_path, ["acme", "borealis"]),
        pd.Series(["acme", "borealis"]),
    ):
        frame = agency.pull(tmp_path, profiles, tables="rules")
        assert list(frame["profile"]) == ["acme", "borealis"]


def test_one_at_a_time_reads_one_organization_after_the_other(
    agency: Agency, tmp_path: Path
) -> None:
    agency.pull(tmp_path, at_once=1)
    order = [name for name, _ in groupby(organizations_of(agency.simulator))]
    assert order == list(agency.ids.values())


class TestFailures:
    """Each is a row; the other organization is pulled."""

    def error(self, frame: pd.DataFrame) -> str:
        assert dict(frame.dtypes.astype(str)) == DTYPES
        assert list(frame["state"]) == ["failed", "done"]
        assert list(frame["error"].notna()) == [True, False]
        return str(frame.loc[0, "error"])

    def test_refused_secret(self, agency: Agency, tmp_path: Path) -> None:
        accounts = agency.simulator.ims.accounts
        ours = agency.simulator.accounts["acme"]
        accounts[ours.client_id] = replace(ours, client_secret="simulated-and-changed-since")
        error = self.error(agency.pull(tmp_path))
        assert "client secret" in error
        assert not [secret for secret in secrets_of(agency.simulator) if secret in error]

    def test_folder_with_snapshots_of_another_organization(
        self, agency: Agency, tmp_path: Path
    ) -> None:
        session = sign_in(agency.simulator, "borealis")
        snapshot.pull(to=tmp_path / agency.ids["acme"], tables="rules", session=session)
        assert "pull into another folder" in self.error(agency.pull(tmp_path))

    def test_folder_that_cannot_be_written(self, agency: Agency, tmp_path: Path) -> None:
        (tmp_path / agency.ids["acme"]).write_text("a file")
        assert "Cannot write to the snapshot folder" in self.error(agency.pull(tmp_path))

    def test_profile_of_another_organization_on_that_machine(
        self, agency: Agency, tmp_path: Path
    ) -> None:
        run = tmp_path / "run"
        run.mkdir()
        folder = str(tmp_path / agency.ids["acme"])
        task = many.Task(agency.ids["acme"], ("borealis",), folder, str(run), False, ("rules",))
        row = many.work(task, lambda _: None)
        assert row["state"] == "failed"
        assert f"belongs to {agency.ids['borealis']} there" in row["error"]
        assert not list(Path(folder).glob("0*"))

    def test_error_of_the_service_and_its_secrets(self, agency: Agency, tmp_path: Path) -> None:
        working, acme = agency.simulator.app, agency.ids["acme"]

        def answer(request: Any) -> Any:
            response = working(request)
            if request.headers.get("x-gw-ims-org-id") != acme or "rules" not in request.path:
                return response
            token = request.headers["authorization"].removeprefix("Bearer ")
            document = {"errors": [{"status": "422", "title": f"No {token}"}]}
            return replace(response, status=422, body=json.dumps(document).encode())

        agency.simulator.app = answer  # type: ignore[assignment]
        error = self.error(agency.pull(tmp_path))
        assert "422" in error
        issued = agency.simulator.ims.issued
        assert not [token for token in issued if token in error]


class TestNothingToPull:
    @pytest.mark.parametrize("form", ["rows", "column", "list"])
    def test_gives_an_empty_answer_with_the_same_columns(
        self, agency: Agency, tmp_path: Path, form: str
    ) -> None:
        pulled = agency.pull(tmp_path / "before", ["acme"], tables=["properties"])
        agency.simulator.requests.clear()
        failed = pulled[pulled["error"].notna()]
        profiles: Any = {"rows": failed, "column": failed["profile"], "list": []}[form]
        again = agency.pull(tmp_path / "again", profiles)
        pd.testing.assert_frame_equal(again, failed.reset_index(drop=True))
        pd.testing.assert_frame_equal(snapshot.refresh_many(tmp_path / "again", profiles), again)
        assert not (tmp_path / "again").exists()
        assert not agency.simulator.requests


class TestInvalidArguments:
    def test_are_refused_before_anything_starts(self, agency: Agency, tmp_path: Path) -> None:
        for options, message in (
            ({"profiles": ["acme", "boreal"]}, r"no profile 'boreal'.*Did you mean borealis\?"),
            ({"profiles": [1]}, r"names of saved profiles, got 1"),
            ({"profiles": 1}, r"names of saved profiles, got 1"),
            ({"profiles": pd.DataFrame({"client": ["acme"]})}, "this one has: client"),
            ({"tables": ["rulez"]}, "Did you mean rules"),
            ({"at_once": 0}, "Invalid at_once=0"),
            ({"at_once": True}, "Invalid at_once=True"),
        ):
            with pytest.raises(ArgumentError, match=message):
                agency.pull(tmp_path, **options)
        with pytest.raises(SnapshotError, match="no snapshot of an organization"):
            snapshot.refresh_many(tmp_path)
        with pytest.raises(SnapshotError, match="no snapshot of an organization"):
            snapshot.refresh_many(tmp_path / "missing")
        assert not agency.simulator.requests
        assert not list(tmp_path.iterdir())

    def test_no_saved_profile_says_how_to_save_one(self, tmp_path: Path) -> None:
        with pytest.raises(ArgumentError, match="There are no profiles to pull. Save one"):
            snapshot.pull_many(to=tmp_path)

    def test_invalid_organization_of_a_profile_never_becomes_a_path(
        self, agency: Agency, tmp_path: Path
    ) -> None:
        file = adobe_nb.home.config_folder() / "profiles.toml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(agency.ids["acme"], "../elsewhere"), encoding="utf-8")
        with pytest.raises(ArgumentError, match="Profile acme has an invalid organization ID"):
            agency.pull(tmp_path)

    def test_unwritable_folder_is_reported_at_once(self, agency: Agency, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(SnapshotError, match="Cannot write"):
            agency.pull(tmp_path / "file")


class TestRefresh:
    def test_counts_what_changed(self, agency: Agency, tmp_path: Path) -> None:
        first = agency.pull(tmp_path)
        agency.add_rule("borealis")
        frame = snapshot.refresh_many(tmp_path)
        assert list(frame["snapshot"]) == [2, 2]
        changes = [len(snapshot.changes(folder)) for folder in frame["folder"]]
        assert list(frame["changed"]) == changes == [0, changes[1]]
        assert changes[1] > 0
        assert list(frame["rows"] - first["rows"]) == [0, 1]

    def test_leaves_organizations_without_snapshots_alone_unless_named(
        self, agency: Agency, tmp_path: Path
    ) -> None:
        agency.pull(tmp_path, "acme")
        (tmp_path / agency.ids["borealis"]).mkdir()
        assert list(snapshot.refresh_many(tmp_path)["profile"]) == ["acme"]
        frame = snapshot.refresh_many(tmp_path, ["acme", "borealis"])
        assert list(frame["snapshot"]) == [3, 1]
        history = snapshot.history(tmp_path / agency.ids["borealis"])
        assert list(history["kind"]) == ["pull"]

    def test_folder_of_an_older_format_has_a_row(self, agency: Agency, tmp_path: Path) -> None:
        agency.pull(tmp_path)
        (tmp_path / agency.ids["acme"] / "manifest-000001.json").write_text("{}")
        frame = snapshot.refresh_many(tmp_path).set_index("profile")
        assert dict(frame["state"]) == {"acme": "failed", "borealis": "done"}
        assert "older format" in frame.loc["acme", "error"]

    def test_organization_without_a_profile_has_a_row(self, agency: Agency, tmp_path: Path) -> None:
        agency.pull(tmp_path)
        adobe_nb.forget_profile("acme")
        frame = snapshot.refresh_many(tmp_path).set_index("organization")
        assert list(frame.loc[list(agency.ids.values()), "state"]) == ["failed", "done"]
        row = frame.loc[agency.ids["acme"]]
        assert "no saved profile" in row["error"]
        assert row[["profile", "snapshot"]].isna().all()


class TestOnePullAtATime:
    def test_second_pull_waits_for_the_first_and_sends_no_request(
        self, agency: Agency, tmp_path: Path
    ) -> None:
        writer = SnapshotFolder(tmp_path / agency.ids["acme"])
        states: list[str] = []
        task = task_of(agency, tmp_path)
        with ThreadPoolExecutor(1) as pool:
            with writer.reserved(lambda: None):
                waiting = pool.submit(
                    many.work, task, lambda report: states.append(report["state"])
                )
                assert until(lambda: len(states) >= 3)
                assert set(states) == {"waiting"}
                assert not agency.simulator.requests
            row = waiting.result(30)
        assert (row["state"], row["snapshot"]) == ("done", 1)
        assert row["waited"] > 0

    def test_second_attempt_at_a_task_returns_the_row_of_the_first(
        self, agency: Agency, tmp_path: Path
    ) -> None:
        task = task_of(agency, tmp_path)
        first = many.work(task, lambda _: None)
        agency.simulator.requests.clear()
        assert many.work(task, lambda _: None) == first
        assert not agency.simulator.requests
        assert len(snapshot.history(task.folder)) == 1

    def test_plain_pull_of_the_organization_meanwhile_is_refused(
        self, agency: Agency, tmp_path: Path
    ) -> None:
        folder = tmp_path / agency.ids["acme"]
        session = sign_in(agency.simulator, "acme")
        with (
            SnapshotFolder(folder).reserved(lambda: None),
            pytest.raises(SnapshotError, match="is writing a snapshot"),
        ):
            snapshot.pull(to=folder, tables=TABLES, session=session)


def task_of(agency: Agency, to: Path) -> many.Task:
    run = to / "run"
    run.mkdir()
    folder = str(to / agency.ids["acme"])
    return many.Task(agency.ids["acme"], ("acme",), folder, str(run), False, ("rules",))


def test_interrupt_stops_all_and_the_next_call_resumes(agency: Agency, tmp_path: Path) -> None:
    folder = tmp_path / agency.ids["acme"]
    with Gate(agency.simulator, agency.ids["acme"], passing=12) as gate:

        def interrupt() -> None:
            gate.reached.wait(20)
            until(lambda: len(stored(folder)) > 4)
            _thread.interrupt_main()

        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            agency.pull(tmp_path, at_once=1)
        # The thread stops by itself, though the service lets it wait.
        with SnapshotFolder(folder).reserved(lambda: threading.Event().wait(0.05)):
            spared = stored(folder)
    assert len(spared) > 4
    assert not (tmp_path / agency.ids["borealis"]).exists()
    assert not list(tmp_path.glob(".*"))
    agency.simulator.requests.clear()
    assert list(agency.pull(tmp_path)["state"]) == ["done", "done"]
    ours = [
        request.path
        for request in agency.simulator.requests
        if request.headers.get("x-gw-ims-org-id") == agency.ids["acme"]
    ]
    assert not lists_of(spared, snapshot.load(folder)) & set(ours)


def test_task_ends_when_its_caller_no_longer_waits(agency: Agency, tmp_path: Path) -> None:
    task = task_of(agency, tmp_path)
    Path(task.run).rmdir()
    with pytest.raises(Cancelled):
        many.work(task, lambda _: None)
    assert not agency.simulator.requests


def test_waiting_for_the_service_is_counted(agency: Agency, tmp_path: Path) -> None:
    agency.simulator.faults = Faults((Fault("429-retry-after", 0.1),))
    agency.simulator.retry_after = 0.3
    frame = agency.pull(tmp_path)
    assert list(frame["state"]) == ["done", "done"]
    assert (frame["waited"] > 0).any()
    assert (frame["waited"] <= frame["seconds"]).all()
    assert frame["requests"].sum() == len(organizations_of(agency.simulator))


class TestCommand:
    def test_prints_a_line_for_each_and_fails_if_one_failed(
        self, agency: Agency, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        one, other = agency.ids.values()
        command = ["pull-many", str(tmp_path), "--profile"]
        assert main([*command, "acme", "--table", "rules"]) == 0
        assert f"{one}: snapshot 1, " in capsys.readouterr().out
        (tmp_path / other).write_text("a file")
        assert main([*command, "acme", "--profile", "borealis", "--refresh"]) == 2
        printed = capsys.readouterr()
        assert re.search(rf"{one}: snapshot 2, [0-9,]+ rows, 0 changed, ", printed.out)
        assert f"adobe-nb: {other}: Cannot write" in printed.err

    def test_refuses_wrong_options(
        self,
        agency: Agency,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(cluster, "_CONNECTED_WITHIN", 0.1)
        for options, message in (
            (["--refresh", "--table", "rules"], "Leave --table out"),
            (["--profile", "boreal"], "Did you mean borealis?"),
            (["--scheduler", "tcp://127.0.0.1:1"], "There is no scheduler at"),
            (["--scheduler", "nonsense://x"], "There is no scheduler at"),
        ):
            assert main(["pull-many", str(tmp_path), *options]) == 2
            assert message in capsys.readouterr().err
        assert not list(tmp_path.iterdir())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestProgress:
    def test_terminal_shows_one_line_of_all_organizations(
        self, agency: Agency, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(live, "_EVERY", 0.0)
        monkeypatch.setattr(tqdm.auto, "tqdm", tqdm.std.tqdm)
        monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
        terminal = Terminal()
        with redirect_stderr(terminal):
            agency.pull(tmp_path)
        assert "2/2" in terminal.getvalue()
        assert "requests" in terminal.getvalue()
        assert terminal.getvalue().rstrip(" ").endswith("\r")
        silent = Terminal()
        with redirect_stderr(silent):
            agency.pull(tmp_path, progress=False)
            monkeypatch.setenv("ADOBE_NB_PROGRESS", "off")
            agency.pull(tmp_path)
        assert silent.getvalue() == ""

    def test_notebook_shows_a_table_with_a_row_for_each(
        self, agency: Agency, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown: list[dict[str, str]] = []

        class Handle:
            def update(self, forms: dict[str, str], *, raw: bool) -> None:
                shown.append(forms)

        def display(forms: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
            shown.append(forms)
            return Handle()

        monkeypatch.setattr(live, "_EVERY", 0.0)
        monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
        monkeypatch.setattr(IPython.display, "display", display)
        frame = agency.pull(tmp_path)
        for row in frame.itertuples():
            cells = f"<td>{row.organization}</td><td>done</td><td>{row.requests}</td>"
            assert cells in shown[-1]["text/html"]
        assert "<th>waited</th>" in shown[0]["text/html"]
        assert shown[0]["text/plain"].startswith("0 of 2 organizations: ")
        assert shown[-1]["text/plain"].startswith("2 of 2 organizations: ")

    def test_late_report_does_not_replace_the_end(self) -> None:
        progress = live.Live(["A@AdobeOrg"], shown=False)
        for state in ("pull", "done", "pull"):
            progress.report({"organization": "A@AdobeOrg", "state": state})
        assert [row["state"] for row in progress._rows.values()] == ["done"]

    def test_values_of_others_are_escaped(self) -> None:
        row = {"organization": "<b>", "state": "done", "requests": 1234, "rows": 0, "waited": 1.5}
        table = live.table_of([row])
        assert "&lt;b&gt;" in table
        assert "<td>1,234</td><td>0</td><td>1.5</td>" in table
