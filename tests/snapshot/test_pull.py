"""Pulls: everything about some properties, on disk."""

import _thread
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from adobe_nb import snapshot
from adobe_nb.cli import main
from adobe_nb.errors import ApiError, ArgumentError, NotAllowed, NotFound, SnapshotError
from adobe_nb.simulator.messages import JSON_API, Response
from adobe_nb.simulator.seed import Bulk
from adobe_nb.snapshot.filling import in_order
from adobe_nb.snapshot.plan import PLAN
from adobe_nb.snapshot.store import SnapshotFolder
from tests.conftest import sign_in, started, until
from tests.support.snapshot_edits import Later, broken, lists_of, stored

HELD = ("rules", "data_elements", "extensions")
BELOW = {
    **{f"library_{kind}": "libraries" for kind in HELD},
    **{f"build_{kind}": "builds" for kind in HELD},
    "rule_revision_components": "rules",
    "extension_packages": None,
}


@pytest.fixture(scope="module")
def company() -> Iterator[Any]:
    """The demo company, and a property with long lists. Tests do not change it."""
    simulator = started(bulk=Bulk(properties=1, rules=101, components=1, data_elements=101))
    yield sign_in(simulator), simulator
    simulator.stop()


@pytest.fixture(scope="module")
def first_pull(company: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Counter[str]]:
    """A pull of everything, and how often it requested each path."""
    session, simulator = company
    folder = tmp_path_factory.mktemp("pulled")
    simulator.requests.clear()
    snapshot.pull(to=folder, tables=[*snapshot.TABLES, "audit_events"], session=session)
    return folder, Counter(request.path for request in simulator.requests)


@pytest.fixture(scope="module")
def pulled(first_pull: tuple[Path, Counter[str]]) -> Path:
    """The folder of that pull. Tests do not change it."""
    return first_pull[0]


@pytest.mark.parametrize("table", [name for name in snapshot.TABLES if name not in BELOW])
def test_table_equals_frame_of_the_api(company: Any, pulled: Path, table: str) -> None:
    reactor = company[0].reactor
    properties = reactor.properties().sort_values("id")
    if table in {"companies", "properties"}:
        expected = getattr(reactor, table)().sort_values("id", ignore_index=True)
    else:
        parents = properties[properties["platform"] == "edge"] if table == "secrets" else properties
        frames = [in_order(getattr(reactor, table)(parent)) for parent in parents["id"]]
        expected = pd.concat(frames, ignore_index=True)
    loaded = snapshot.load(pulled, table)
    assert len(loaded) > 0
    assert_frame_equal(loaded, expected)


class TestContents:
    """What libraries, builds and revisions hold, of each property."""

    @pytest.mark.parametrize("kind", HELD)
    def test_libraries_hold_what_the_api_lists(self, company: Any, pulled: Path, kind: str) -> None:
        reactor = company[0].reactor
        properties = reactor.properties()["id"].sort_values()
        frames = [in_order(getattr(reactor, kind)(reactor.libraries(one))) for one in properties]
        loaded = snapshot.load(pulled, f"library_{kind}")
        assert list(loaded.columns)[:2] == ["id", "library_id"]
        assert loaded.attrs["path"] == f"/libraries/{{id}}/{kind}"
        assert set(loaded["library_id"]) <= set(snapshot.load(pulled, "libraries")["id"])
        assert len(loaded) > 0
        assert_frame_equal(loaded, pd.concat(frames, ignore_index=True))

    @pytest.mark.parametrize("kind", HELD)
    def test_builds_are_those_that_environments_deliver(
        self, company: Any, pulled: Path, kind: str
    ) -> None:
        reactor = company[0].reactor
        delivered: set[str] = set()
        for environment in reactor.environments(reactor.properties())["id"]:
            builds = reactor.builds(environment, filter={"status": "EQ succeeded"})
            builds = builds[builds["library_id"].notna()]
            delivered |= set(builds.sort_values(["updated_at", "id"]).tail(1)["id"])
        loaded = snapshot.load(pulled, f"build_{kind}")
        assert list(loaded.columns)[:2] == ["id", "build_id"]
        assert set(loaded["build_id"]) == delivered != set()
        expected = getattr(reactor, kind)(sorted(delivered))
        order = ["build_id", "id"]
        assert_frame_equal(
            loaded.sort_values(order, ignore_index=True),
            expected.sort_values(order, ignore_index=True),
        )

    def test_components_of_each_stored_revision_are_read_once(
        self, company: Any, pulled: Path
    ) -> None:
        libraries = snapshot.load(pulled, "libraries").set_index("id")
        held = snapshot.load(pulled, "library_rules")
        newest: dict[str, tuple[Any, str]] = {}
        revisions = set(snapshot.load(pulled, "build_rules")["id"])
        for rule in held.itertuples():
            library = libraries.loc[rule.library_id]
            if library["state"] != "published":
                revisions.add(rule.id)
                continue
            newest[rule.origin_id] = max(
                newest.get(rule.origin_id, (library["published_at"], rule.id)),
                (library["published_at"], rule.id),
            )
        revisions |= {rule_id for _, rule_id in newest.values()}
        loaded = snapshot.load(pulled, "rule_revision_components")
        expected = company[0].reactor.rule_components(sorted(revisions))
        order = ["rule_id", "id"]
        assert_frame_equal(
            loaded.sort_values(order, ignore_index=True),
            expected.sort_values(order, ignore_index=True),
        )
        assert not loaded[order].duplicated().any()
        assert set(loaded["rule_id"]) < set(held["id"])

    def test_nothing_is_requested_twice(self, first_pull: tuple[Path, Counter[str]]) -> None:
        folder, requested = first_pull
        for rule_id in snapshot.load(folder, "rule_revision_components")["rule_id"]:
            assert requested[f"/rules/{rule_id}/rule_components"] == 1
        packages = snapshot.load(folder, "extension_packages")["id"]
        assert packages.duplicated().any()
        for package_id in packages:
            assert requested[f"/extension_packages/{package_id}"] == 1

    def test_packages_are_those_of_extensions_and_of_older_settings(
        self, company: Any, pulled: Path
    ) -> None:
        tables = snapshot.load(pulled)
        loaded = snapshot.load(pulled, "extension_packages")
        used = set(tables["extensions"]["extension_package_id"])
        for table in ("rule_components", "data_elements"):
            used |= set(tables[table]["updated_with_extension_package_id"].dropna())
        assert set(loaded["id"]) == used != set()
        packages = loaded.drop_duplicates("id").sort_values("id", ignore_index=True)
        assert_frame_equal(packages, company[0].reactor.extension_packages.get(sorted(used)))


def test_audit_events_belong_to_the_properties(company: Any, pulled: Path) -> None:
    events = company[0].reactor.audit_events()
    mine = events[events["property_id"].isin(company[0].reactor.properties()["id"])]
    assert set(snapshot.load(pulled, "audit_events")["id"]) == set(mine["id"]) != set()


def test_load_returns_all_tables_by_name(pulled: Path) -> None:
    tables = snapshot.load(pulled)
    assert list(tables) == [*snapshot.TABLES, "audit_events"]
    assert tables["rules"].attrs["snapshot"] == 1


def test_one_table_of_one_property_includes_its_parents(company: Any, tmp_path: Path) -> None:
    session, simulator = company
    chosen = session.reactor.find("properties", "Web Store US")
    simulator.requests.clear()
    made = snapshot.pull(chosen, to=tmp_path, tables="rule_components", session=session)
    assert made.tables == ["companies", "properties", "rules", "rule_components"]
    assert set(made.frame("properties")["id"]) == set(chosen["id"])
    lists = {request.path.split("/")[-1] for request in simulator.requests}
    assert lists == {"token", "v3", "companies", "properties", "rules", "rule_components"} & lists
    rules = made.frame("rules")
    assert sum(request.path.endswith("/rule_components") for request in simulator.requests) == len(
        rules
    )


def test_secrets_are_requested_for_edge_properties_only(company: Any, tmp_path: Path) -> None:
    session, simulator = company
    simulator.requests.clear()
    made = snapshot.pull(to=tmp_path, tables="secrets", session=session)
    edge = made.frame("properties").query("platform == 'edge'")["id"]
    requested = {
        request.path.split("/")[2]
        for request in simulator.requests
        if request.path.endswith("/secrets")
    }
    assert requested == set(edge) != set()


# The other tools cause these warnings.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("library", ["pandas", "duckdb", "dask"])
def test_other_tools_read_the_tables_by_path(pulled: Path, library: str) -> None:
    expected = snapshot.load(pulled, "rule_components")
    files = snapshot.paths(pulled, "rule_components")
    if library == "pandas":
        result = pd.read_parquet(str(Path(files[0]).parents[1]))
    elif library == "duckdb":
        duckdb = pytest.importorskip("duckdb")
        glob = str(Path(files[0]).parents[1] / "*" / "*.parquet")
        query = f"SELECT * FROM read_parquet('{glob}', hive_partitioning=true, union_by_name=true)"
        result = duckdb.sql(query).to_arrow_table().to_pandas()
    else:
        dataframe = pytest.importorskip("dask.dataframe")
        result = dataframe.read_parquet(str(Path(files[0]).parents[1])).compute()
    assert sorted(result["id"]) == sorted(expected["id"])
    assert set(result["property"].astype(str)) == set(snapshot.load(pulled, "properties")["id"])


def test_sql_can_join_tables(pulled: Path) -> None:
    result = snapshot.sql(
        """SELECT p.name AS property, count(*) AS components
           FROM rule_components c JOIN rules r ON c.rule_id = r.id
             JOIN properties p ON r.property_id = p.id
           GROUP BY 1 ORDER BY 2 DESC, 1""",
        pulled,
    )
    assert result["components"].sum() == len(snapshot.load(pulled, "rule_components"))
    with pytest.raises(SnapshotError, match="rule_components"):
        snapshot.sql("SELECT nothing FROM nowhere", pulled)


def test_history_lists_snapshots(pulled: Path) -> None:
    history = snapshot.history(pulled)
    assert list(history["number"]) == [1]
    assert history.loc[0, "rows"] == sum(len(frame) for frame in snapshot.load(pulled).values())
    assert history.loc[0, "kind"] == "pull"


def test_history_of_missing_folder_raises_error(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="no snapshot in"):
        snapshot.history(tmp_path / "nothing")


class TestInvalidArguments:
    @pytest.mark.parametrize(
        "call",
        [
            lambda folder: snapshot.load(folder, ["rules", "builds"]),
            lambda folder: snapshot.changes(folder, ["rules", "builds"]),
            lambda folder: snapshot.prune(folder, keep="all"),
            lambda folder: snapshot.prune(folder, keep=True),
            lambda folder: snapshot.load(None),
        ],
    )
    def test_arguments_of_wrong_type_raise_error(self, pulled: Path, call: Any) -> None:
        with pytest.raises(
            ArgumentError, match=r"Invalid table|number of snapshots|must be a path"
        ):
            call(pulled)

    def test_folder_of_another_service_is_refused(self, company: Any, tmp_path: Path) -> None:
        session, simulator = company
        shop = session.reactor.properties().head(1)
        snapshot.pull(shop, to=tmp_path, tables="rules", session=session)
        manifest = tmp_path / "000001" / "_manifest.json"
        text = manifest.read_text(encoding="utf-8")
        manifest.write_text(text.replace('"simulator"', '"adobe"'), encoding="utf-8")
        assert manifest.read_text(encoding="utf-8") != text
        simulator.requests.clear()
        with pytest.raises(
            SnapshotError, match=r"\(adobe\), and you are signed in to .*pull into another folder"
        ):
            snapshot.pull(shop, to=tmp_path, tables="rules", session=session)
        assert not simulator.requests
        # A damaged manifest does not prevent a pull.
        manifest.write_text("{", encoding="utf-8")
        assert snapshot.pull(shop, to=tmp_path, tables="rules", session=session).number == 2

    def test_unknown_table_is_refused_before_any_request(
        self, company: Any, tmp_path: Path
    ) -> None:
        session, simulator = company
        simulator.requests.clear()
        with pytest.raises(ArgumentError, match="Did you mean rules"):
            snapshot.pull(to=tmp_path, tables=["rulez"], session=session)
        with pytest.raises(ArgumentError, match="properties"):
            snapshot.pull("RL" + "0" * 32, to=tmp_path, session=session)
        with pytest.raises(ArgumentError, match="no properties"):
            snapshot.pull([], to=tmp_path, session=session)
        assert not simulator.requests
        assert not list(tmp_path.iterdir())

    def test_missing_property_is_named(self, company: Any, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="PR0{32}"):
            snapshot.pull("PR" + "0" * 32, to=tmp_path, session=company[0])

    def test_refresh_and_changes_require_earlier_snapshots(
        self, company: Any, pulled: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(SnapshotError, match="no snapshot"):
            snapshot.refresh(tmp_path, session=company[0])
        with pytest.raises(SnapshotError, match="first"):
            snapshot.changes(pulled)

    def test_folder_of_another_organization_is_refused(self, pulled: Path) -> None:
        other = started(seed="empty")
        session = sign_in(other, "no_company")
        try:
            with pytest.raises(SnapshotError, match="another folder"):
                snapshot.refresh(pulled, session=session)
        finally:
            other.stop()


class TestInvisiblePackages:
    """Others' private packages, and packages that were deleted after they were installed."""

    def answering(self, simulator: Any, package_id: str, status: int) -> Any:
        working, path = simulator.app, f"/extension_packages/{package_id}"
        error = {"status": str(status), "code": "not-found", "title": "No such package"}
        body = json.dumps({"errors": [error]}).encode()

        def answer(request: Any) -> Any:
            if request.path == path:
                return Response(status, body, JSON_API)
            return working(request)

        return answer

    @pytest.mark.parametrize("status", [403, 404])
    def test_invisible_package_is_left_out(
        self, company: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
    ) -> None:
        session, simulator = company
        site = session.reactor.find("properties", "Web Store US")
        packages = session.reactor.extensions(site)["extension_package_id"].unique()
        monkeypatch.setattr(simulator, "app", self.answering(simulator, packages[0], status))
        made = snapshot.pull(site, to=tmp_path, session=session)
        stored = set(made.frame("extension_packages")["id"])
        assert stored >= set(packages[1:]) != set()
        assert packages[0] not in stored
        assert packages[0] in set(made.frame("extensions")["extension_package_id"])

    @pytest.mark.parametrize("status", [401, 409])
    def test_any_other_error_fails_the_pull(
        self, company: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
    ) -> None:
        session, simulator = company
        site = session.reactor.find("properties", "Web Store US")
        package_id = session.reactor.extensions(site)["extension_package_id"][0]
        monkeypatch.setattr(simulator, "app", self.answering(simulator, package_id, status))
        with pytest.raises(ApiError) as raised:
            snapshot.pull(site, to=tmp_path, session=session)
        assert raised.value.status == status
        assert not list(tmp_path.glob("0*"))


def test_pull_stops_at_a_list_that_may_not_be_read_and_reads_the_other_properties(
    company: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, simulator = company
    properties = session.reactor.properties().head(2)
    refused, other = properties["id"]
    working, path = simulator.app, f"/properties/{refused}/rules"
    error = {"status": "403", "code": "not-authorized", "title": "Not authorized"}
    body = json.dumps({"errors": [error]}).encode()

    def answer(request: Any) -> Any:
        if request.path == path:
            return Response(403, body, JSON_API)
        return working(request)

    monkeypatch.setattr(simulator, "app", answer)
    options = {"to": tmp_path, "tables": ["rules"], "session": session}
    with pytest.raises(NotAllowed, match=path):
        snapshot.pull(properties, **options)
    assert not list(tmp_path.glob("0*"))
    made = snapshot.pull(other, **options)
    assert set(made.frame("rules")["property_id"]) == {other}


class TestInterruptions:
    def test_failed_pull_is_resumed(self, company: Any, pulled: Path, tmp_path: Path) -> None:
        session, simulator = company
        options = {"tables": ["rule_components", "data_elements", "builds"], "session": session}
        whole, folder = snapshot.load(pulled), tmp_path / "broken"
        last = f"/rules/{whole['rules']['id'].iloc[-1]}/rule_components"

        def complete() -> set[str]:
            return lists_of(stored(folder), whole)

        with (
            broken(session, simulator, last.__eq__, lambda: len(complete()) >= 20),
            pytest.raises(ApiError, match="500"),
        ):
            snapshot.pull(to=folder, **options)
        with pytest.raises(SnapshotError, match="no snapshot"):
            snapshot.load(folder)
        spared = complete()
        assert len(spared) >= 20
        simulator.requests.clear()
        made = snapshot.pull(to=folder, **options)
        assert not spared & {request.path for request in simulator.requests}
        assert set(options["tables"]) < set(made.tables)
        for table in made.tables:
            assert_frame_equal(made.frame(table), whole[table])

    def test_pull_that_failed_at_the_last_level_reads_only_that(
        self, company: Any, pulled: Path, tmp_path: Path
    ) -> None:
        session, simulator = company
        whole, folder = snapshot.load(pulled), tmp_path / "broken"
        last = f"/rules/{whole['rule_revision_components']['rule_id'].iloc[-1]}/rule_components"
        others = {
            table
            for table in snapshot.TABLES
            if table not in {"companies", "extension_packages", "rule_revision_components"}
        }

        def complete() -> bool:
            return others <= {table for table, _ in stored(folder)}

        with broken(session, simulator, last.__eq__, complete), pytest.raises(ApiError):
            snapshot.pull(to=folder, session=session)
        simulator.requests.clear()
        snapshot.pull(to=folder, session=session)
        kinds = {re.sub("[0-9a-f]{32}", "", request.path) for request in simulator.requests}
        assert kinds == {
            "/companies",
            "/companies/CO/properties",
            "/rules/RL/rule_components",
            "/extension_packages/EP",
        }
        again = snapshot.load(folder)
        for table in snapshot.TABLES:
            assert_frame_equal(again[table], whole[table])

    @pytest.mark.parametrize(
        "kill_after", [(20,), pytest.param((5, 40, 80, 20), marks=pytest.mark.thorough)]
    )
    def test_killed_pull_loses_nothing(self, tmp_path: Path, kill_after: tuple[int, ...]) -> None:
        """Each run is killed after a number of requests, and sends fewer than the one before."""
        simulator = started(
            seed="empty", bulk=Bulk(properties=6, rules=20, components=1, data_elements=5)
        )
        session = sign_in(simulator)
        try:
            snapshot.pull(to=tmp_path, session=session)
            before = snapshot.load(tmp_path)
            session.reactor.rules.update(
                session.reactor.rules(before["properties"]).head(1), name="Renamed"
            )
            simulator.latency = 0.02
            environment = {**os.environ, "ADOBE_NB_SIMULATOR": simulator.reactor_url}
            script = "import sys; from adobe_nb.cli import main; sys.exit(main(sys.argv[1:]))"
            for requests in kill_after:
                simulator.requests.clear()
                process = subprocess.Popen(
                    [sys.executable, "-c", script, "pull", str(tmp_path)],
                    env=environment,
                    cwd=tmp_path.parent,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
                assert until(lambda at=requests: len(simulator.requests) >= at, 60)
                process.send_signal(signal.SIGKILL)
                process.communicate()
                for name, frame in snapshot.load(tmp_path, as_of=1).items():
                    assert_frame_equal(frame, before[name])
            simulator.latency = 0.0
            made = snapshot.pull(to=tmp_path, session=session)
            assert "Renamed" in set(made.frame("rules")["name"])
            assert len(made.frame("rule_components")) == 120
        finally:
            simulator.stop()

    def test_interrupted_pull_keeps_parts_and_releases_the_lock(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        simulator = started(seed="empty", bulk=Bulk(properties=10, rules=2, components=1))
        monkeypatch.setenv("ADOBE_NB_SIMULATOR", simulator.reactor_url)
        clock, over = Later(simulator), threading.Event()

        def interrupt(path: str) -> None:
            if len(stored(tmp_path)) >= 60 and not over.is_set():
                _thread.interrupt_main()
                # No more responses until the test has seen the interrupt.
                over.wait(60)

        try:
            clock.watch = interrupt
            assert main(["pull", str(tmp_path)]) == 130
            over.set()
            assert "Run the same command again to resume" in capsys.readouterr().err
            with pytest.raises(SnapshotError, match="no snapshot"):
                snapshot.load(tmp_path)
            clock.watch = lambda path: None
            kept = stored(tmp_path)
            simulator.requests.clear()
            assert main(["pull", str(tmp_path)]) == 0
            tables = snapshot.load(tmp_path)
            spared = lists_of(kept, tables)
            assert len(spared) >= 40
            assert not spared & {request.path for request in simulator.requests}
            assert len(tables["rule_components"]) == 20
        finally:
            over.set()
            simulator.stop()

    def test_pull_is_refused_while_another_writes(self, company: Any, tmp_path: Path) -> None:
        with SnapshotFolder(tmp_path).begin({"another": "pull"}, {}):
            with pytest.raises(SnapshotError, match="is writing a snapshot"):
                snapshot.pull(to=tmp_path, tables="rules", session=company[0])
        assert snapshot.pull(to=tmp_path, tables="rules", session=company[0]).number == 1


class TestCommandLine:
    def test_pulls_and_refreshes(
        self,
        company: Any,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("ADOBE_NB_SIMULATOR", company[1].reactor_url)
        monkeypatch.chdir(tmp_path)
        assert main(["pull", "tags", "--property", "Web Store US", "--table", "rules"]) == 0
        assert "Snapshot 1" in capsys.readouterr().out
        assert main(["pull", "tags", "--refresh", "--keep", "1"]) == 0
        out = capsys.readouterr().out
        assert "Snapshot 2" in out
        assert "removed: 000001" in out
        assert set(snapshot.load("tags", "properties")["name"]) == {"Web Store US"}

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["--table", "rulez"], "Did you mean rules"),
            (["--property", "Nowhere"], "Nowhere"),
            (["--refresh", "--table", "rules"], "Leave --property"),
            (["--refresh", "--no-resume"], "Leave --property"),
            (["--keep", "0"], "--keep 0 would remove every snapshot"),
            (["--concurrency", "0"], "from 1 to 64"),
        ],
    )
    def test_reports_errors(
        self,
        company: Any,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        says: str,
    ) -> None:
        monkeypatch.setenv("ADOBE_NB_SIMULATOR", company[1].reactor_url)
        monkeypatch.chdir(tmp_path)
        assert main(["pull", "tags", *arguments]) == 2
        assert says in capsys.readouterr().err


def test_lists_below_follow_from_the_registry() -> None:
    parents = {name: table.parent for name, table in PLAN.items() if table.requires}
    assert parents == {"rule_components": "rules", "builds": "libraries", **BELOW}


def test_load_requires_no_session(pulled: Path) -> None:
    code = f"from adobe_nb import snapshot; print(len(snapshot.load({str(pulled)!r}, 'rules')))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    assert int(done.stdout) == len(snapshot.load(pulled, "rules"))
