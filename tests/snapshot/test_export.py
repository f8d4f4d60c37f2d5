"""Exports: complete for readers at any time, and only what changed is sent."""

import hashlib
import json
import shutil
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import duckdb
import fsspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from adobe_nb import snapshot
from adobe_nb.cli import main
from adobe_nb.errors import AdobeError, ArgumentError, SnapshotError
from adobe_nb.snapshot.exports.target import Target
from adobe_nb.snapshot.store import SnapshotFolder
from tests.support import snapshot_frames as making
from tests.support.exports import ORGANIZATION, RULES, assert_equal, owner_id, write
from tests.support.stores import Counting, Killed

fsspec.register_implementation("counting", Counting, clobber=True)

URL = "counting://tags"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    write(folder, {1: 3, 2: 4, 3: 5})
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A snapshot of three properties."""
    return shutil.copytree(template, tmp_path / "tags")


@pytest.fixture(autouse=True)
def _empty_store() -> Iterator[None]:
    Counting.reset()
    yield
    Counting.reset()


def content() -> dict[str, bytes]:
    """The files of the counting store."""
    return {path: file.getvalue() for path, file in Counting.store.items()}


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class TestParquet:
    def test_export_has_layout_of_snapshot_and_loads_as_one(
        self, folder: Path, tmp_path: Path
    ) -> None:
        snapshot.export(folder, tmp_path / "out")
        assert files_of(tmp_path / "out") == [
            "000001/_manifest.json",
            "000001/companies/part.parquet",
            *[f"000001/rules/property={owner_id(number)}/part.parquet" for number in (1, 2, 3)],
        ]
        for table in ("companies", "rules"):
            pd.testing.assert_frame_equal(
                snapshot.load(tmp_path / "out", table), snapshot.load(folder, table)
            )

    def test_frame_tells_what_was_sent(self, folder: Path) -> None:
        tables = snapshot.export(folder, f"{URL}/")
        sizes = Counting.sent()
        assert tables.drop(columns="bytes_sent").values.tolist() == [
            ["companies", 1, 1, 1, 1, 0, "counting://tags/000001/companies", pd.NA],
            ["rules", 1, 12, 3, 3, 0, "counting://tags/000001/rules", pd.NA],
        ]
        assert tables["bytes_sent"].sum() == sum(sizes.values()) > 0
        assert list(map(str, tables.dtypes)) == ["string", *["Int64"] * 6, "string", "Int64"]
        found = snapshot.exported(URL)
        pd.testing.assert_frame_equal(found, tables[list(found.columns)])

    @pytest.mark.parametrize("as_text", [str, Path, "file://{}".format])
    def test_local_target_may_be_path_or_url(
        self, folder: Path, tmp_path: Path, as_text: Any
    ) -> None:
        tables = snapshot.export(folder, as_text(tmp_path / "out"))
        location = Path(tables.loc[1, "location"])
        assert location == tmp_path / "out" / "000001" / "rules"
        assert_equal(pd.read_parquet(location, dtype_backend="pyarrow"), folder)

    # Dask causes these warnings of pandas.
    @pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
    def test_other_readers_find_equal_rows_by_path(self, folder: Path, tmp_path: Path) -> None:
        location = snapshot.export(folder, tmp_path / "out").loc[1, "location"]
        query = f"FROM read_parquet('{location}/**/*.parquet', hive_partitioning=true)"
        assert_equal(duckdb.sql(query).to_arrow_table(), folder)
        assert_equal(pl.read_parquet(location).to_arrow(), folder)
        assert_equal(dd.read_parquet(location, dtype_backend="pyarrow").compute(), folder)

    def test_next_export_sends_only_changed_files_and_copies_others(self, folder: Path) -> None:
        snapshot.export(folder, URL)
        write(folder, {1: 3, 2: 7, 4: 1})
        Counting.begin()
        tables = snapshot.export(folder, URL).set_index("table")
        assert set(Counting.sent()) == {
            f"/tags/000002/rules/property={owner_id(number)}/part.parquet" for number in (2, 4)
        }
        assert tables["files_sent"].tolist() == [0, 2]
        assert tables["files_unchanged"].tolist() == [1, 1]
        assert [act for act, _, _ in Counting.steps].count("copy") == 2
        # The manifest is the commit, so it comes after all files.
        names = [path.rpartition("/")[2] for _, path, _ in Counting.steps]
        assert names[-2:] == ["_manifest.json", "_plan.json"]

    def test_repeated_export_changes_nothing(self, folder: Path) -> None:
        snapshot.export(folder, URL)
        Counting.begin()
        tables = snapshot.export(folder, URL)
        assert Counting.steps == []
        assert tables["files_unchanged"].tolist() == [1, 3]

    def test_what_changed_is_found_without_local_history(self, folder: Path) -> None:
        snapshot.export(folder, URL)
        write(folder, {1: 3, 2: 4, 3: 6})
        snapshot.prune(folder, keep=1)
        Counting.begin()
        snapshot.export(folder, URL)
        assert len(Counting.sent()) == 1

    def test_tables_are_added_to_export_of_same_snapshot(self, folder: Path) -> None:
        snapshot.export(folder, URL, tables="companies")
        assert snapshot.exported(URL)["table"].tolist() == ["companies"]
        Counting.begin()
        assert snapshot.export(folder, URL, tables=["rules"])["table"].tolist() == ["rules"]
        assert len(Counting.sent()) == 3
        assert snapshot.exported(URL)["table"].tolist() == ["companies", "rules"]

    def test_older_snapshot_does_not_become_the_latest(self, folder: Path) -> None:
        write(folder, {1: 1})
        snapshot.export(folder, URL)
        assert snapshot.export(folder, URL, as_of=1)["snapshot"].tolist() == [1, 1]
        assert snapshot.exported(URL)["snapshot"].tolist() == [2, 2]

    def test_file_that_store_lost_is_sent_again(self, folder: Path) -> None:
        snapshot.export(folder, URL)
        before = content()
        del Counting.store[f"/tags/000001/rules/property={owner_id(2)}/part.parquet"]
        Counting.begin()
        assert snapshot.export(folder, URL)["files_sent"].tolist() == [0, 1]
        assert content() == before

    def test_keep_removes_older_exports_and_leftovers(self, folder: Path) -> None:
        for rows in (2, 3, 4):
            snapshot.export(folder, URL)
            write(folder, {1: rows})
        Counting.begin(kill_at=2)
        with pytest.raises(Killed):
            snapshot.export(folder, URL)
        write(folder, {1: 9})
        Counting.begin()
        snapshot.export(folder, URL, keep=2)
        numbers = {path.split("/")[2] for path in content()}
        assert numbers == {"000003", "000005"}
        # An export loses its manifest first.
        removed = [path for act, path, _ in Counting.steps if act == "remove" and "/000001" in path]
        assert removed[0] == "/tags/000001/_manifest.json"

    def test_keep_never_removes_the_export_itself(self, folder: Path) -> None:
        write(folder, {1: 1})
        snapshot.export(folder, URL)
        tables = snapshot.export(folder, URL, as_of=1, keep=1)
        assert tables["snapshot"].tolist() == [1, 1]
        assert {path.split("/")[2] for path in content()} == {"000001", "000002"}

    def test_local_keep_leaves_no_empty_folders(self, folder: Path, tmp_path: Path) -> None:
        snapshot.export(folder, tmp_path / "out")
        write(folder, {1: 1})
        snapshot.export(folder, tmp_path / "out", keep=1)
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["000002"]


class TestKilled:
    def export(self, folder: Path) -> None:
        snapshot.export(folder, URL, keep=1)

    def test_readers_see_one_complete_export_and_next_run_sends_the_rest(
        self, folder: Path
    ) -> None:
        self.export(folder)
        before = dict(Counting.store)
        write(folder, {1: 3, 2: 6, 4: 2})
        Counting.begin()
        self.export(folder)
        whole, steps, all_sent = content(), list(Counting.steps), Counting.sent()
        committed = [path for _, path, _ in steps].index("/tags/000002/_manifest.json")
        # With the folders, of which the fake keeps a list.
        for number in range(len(steps)):
            Counting.reset()
            Counting.store.update(before)
            Counting.begin(kill_at=number)
            with pytest.raises(Killed):
                self.export(folder)
            sent = Counting.sent()
            expected = 1 + (number > committed)
            tables = snapshot.exported(URL)
            assert tables["snapshot"].tolist() == [expected, expected]
            assert self.rows(expected) == {1: 12, 2: 11}[expected]
            Counting.begin()
            self.export(folder)
            assert content() == whole
            # Nothing was sent twice, except the file that arrived in part.
            assert {**sent, **Counting.sent()} == all_sent
            assert not set(sent) & set(Counting.sent())
        assert len(steps) > 10

    def rows(self, number: int) -> int:
        """The number of rules that a reader by path finds."""
        files = fsspec.filesystem("counting")
        paths = files.glob(f"/tags/{number:06d}/rules/*/*.parquet")
        return sum(len(pd.read_parquet(files.open(path))) for path in paths)

    def test_files_of_another_plan_are_not_trusted(self, tmp_path: Path) -> None:
        write(tmp_path / "first", {1: 3, 2: 4, 3: 5}, zz="q")
        # Killed before the manifest, when all files have arrived.
        Counting.begin(kill_at=5)
        with pytest.raises(Killed):
            snapshot.export(tmp_path / "first", URL)
        # The same number, from a folder that was pulled again, without the last property.
        write(tmp_path / "again", {1: 3, 2: 4}, zz="r")
        Counting.begin()
        snapshot.export(tmp_path / "again", URL)
        paths = [path for path in content() if "/rules/" in path]
        assert len(paths) == 2
        for path in paths:
            local, other = (
                tmp_path / name / path.removeprefix("/tags/") for name in ("again", "first")
            )
            assert content()[path] == local.read_bytes()
            assert local.stat().st_size == other.stat().st_size

    def test_local_file_that_arrived_in_part_is_sent_again(
        self, folder: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        snapshot.export(folder, out)
        (out / "000001" / "_manifest.json").rename(out / "000001" / "_plan.json")
        part = Path(snapshot.paths(folder, "rules")[0])
        copy = out / part.relative_to(folder)
        copy.write_bytes(part.read_bytes()[:100])
        assert snapshot.export(folder, out)["files_sent"].tolist() == [0, 1]
        assert copy.read_bytes() == part.read_bytes()

    def test_successor_is_exported_when_snapshot_is_pruned_meanwhile(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        digest = hashlib.file_digest

        def prune(*arguments: Any) -> Any:
            monkeypatch.undo()
            write(folder, {1: 1})
            snapshot.prune(folder, keep=1)
            return digest(*arguments)

        monkeypatch.setattr(hashlib, "file_digest", prune)
        assert snapshot.export(folder, URL)["snapshot"].tolist() == [2, 2]


class TestTargetOfOthers:
    @pytest.fixture(params=["parquet", "delta"])
    def format(self, request: pytest.FixtureRequest) -> Any:
        return request.param

    def refused(self, folder: Path, out: Path, format: Any, says: str) -> None:
        before = {name: (out / name).read_bytes() for name in files_of(out)}
        with pytest.raises(SnapshotError, match=says):
            snapshot.export(folder, out, format=format)
        assert {name: (out / name).read_bytes() for name in files_of(out)} == before

    def test_another_organization_is_refused(
        self, folder: Path, tmp_path: Path, format: Any
    ) -> None:
        write(tmp_path / "other", {1: 1}, organization="B@AdobeOrg")
        snapshot.export(tmp_path / "other", tmp_path / "out", format=format, tables="rules")
        write(folder, {1: 1})
        self.refused(folder, tmp_path / "out", format, "B@AdobeOrg.*Export to another URL")

    def test_unfinished_export_of_another_organization_is_refused(
        self, folder: Path, tmp_path: Path
    ) -> None:
        write(tmp_path / "other", {1: 1}, organization="B@AdobeOrg")
        Counting.begin(kill_at=2)
        with pytest.raises(Killed):
            snapshot.export(tmp_path / "other", URL)
        before = content()
        Counting.begin()
        with pytest.raises(SnapshotError, match="B@AdobeOrg"):
            snapshot.export(folder, URL)
        assert content() == before

    def test_same_number_of_another_folder_is_refused(self, folder: Path, tmp_path: Path) -> None:
        snapshot.export(folder, tmp_path / "out")
        write(tmp_path / "other", {1: 1})
        self.refused(tmp_path / "other", tmp_path / "out", "parquet", "another snapshot 1")

    def test_folder_of_pulled_snapshots_is_refused(self, folder: Path, tmp_path: Path) -> None:
        write(tmp_path / "other", {1: 1})
        self.refused(folder, tmp_path / "other", "parquet", "not written by an export")

    @pytest.mark.parametrize("text", ["[]", "{", '{"export": 1}'])
    def test_unreadable_manifest_is_refused(self, folder: Path, tmp_path: Path, text: str) -> None:
        file = tmp_path / "out" / "000001" / "_manifest.json"
        file.parent.mkdir(parents=True)
        file.write_text(text)
        self.refused(folder, tmp_path / "out", "parquet", "000001/_manifest.json, and it")

    def test_newer_export_is_refused(self, folder: Path, tmp_path: Path) -> None:
        snapshot.export(folder, tmp_path / "out")
        file = tmp_path / "out" / "000001" / "_manifest.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "export": 2}))
        self.refused(folder, tmp_path / "out", "parquet", "another version of adobe_nb")

    @pytest.mark.parametrize("name", ["000001/notes.txt", "000001/rules/part.parquet"])
    def test_files_of_others_are_left_alone(self, folder: Path, tmp_path: Path, name: str) -> None:
        file = tmp_path / "out" / name
        file.parent.mkdir(parents=True)
        file.write_text("mine")
        self.refused(folder, tmp_path / "out", "parquet", f"{name}, which is not of an export")

    def test_keep_leaves_folders_of_others_alone(self, folder: Path, tmp_path: Path) -> None:
        write(folder, {1: 1})
        write(folder, {1: 2})
        out = tmp_path / "out"
        snapshot.export(folder, out)
        write(out, {1: 1})
        (out / "000004").rename(out / "000001")
        (out / "000002").mkdir()
        (out / "000002" / "notes.txt").write_text("mine")
        snapshot.export(folder, out, keep=1)
        assert (out / "000001" / "_manifest.json").exists()
        assert (out / "000002" / "notes.txt").exists()

    def test_delta_table_of_others_is_refused(self, folder: Path, tmp_path: Path) -> None:
        write_deltalake(tmp_path / "out" / "rules", pa.table({"id": ["mine"]}))
        self.refused(folder, tmp_path / "out", "delta", "rules is a Delta table, which was not")

    @pytest.mark.parametrize("inside", ["", "exports", "../tags"])
    def test_target_in_folder_of_snapshots_is_refused(
        self, folder: Path, inside: str, format: Any
    ) -> None:
        before = files_of(folder)
        with pytest.raises(ArgumentError, match="into itself"):
            snapshot.export(folder, folder / inside, format=format)
        assert files_of(folder) == before


class TestDelta:
    @pytest.fixture
    def out(self, tmp_path: Path) -> Path:
        return tmp_path / "out"

    def export(self, folder: Path, out: Path, **options: Any) -> pd.DataFrame:
        return snapshot.export(folder, out, format="delta", **options).set_index("table")

    def operations(self, out: Path, table: str = "rules") -> int:
        return len(DeltaTable(out / table).history())

    def assert_equal(self, folder: Path, out: Path) -> None:
        for table in ("companies", "rules"):
            assert_equal(DeltaTable(out / table).to_pyarrow_table(), folder, table)

    def test_other_readers_find_equal_rows(self, folder: Path, out: Path) -> None:
        location = self.export(folder, out).loc["rules", "location"]
        self.assert_equal(folder, out)
        assert_equal(pl.read_delta(location).to_arrow(), folder)
        rules = DeltaTable(location).to_pyarrow_dataset()  # DuckDB finds it by its name.
        assert len(rules.schema) == len(RULES) + 1
        assert_equal(duckdb.sql("FROM rules").to_arrow_table(), folder)

    def test_types_survive(self, folder: Path, out: Path) -> None:
        self.export(folder, out)
        schema = DeltaTable(out / "rules").to_pyarrow_table().schema
        types = {field.name: str(field.type) for field in schema}
        assert types["enabled"] == "bool"
        assert types["revision_number"] == "int64"
        assert types["created_at"] == "timestamp[us, tz=UTC]"
        assert types["name"] == "string"

    def test_next_export_replaces_only_changed_properties(self, folder: Path, out: Path) -> None:
        first = self.export(folder, out)
        write(folder, {1: 3, 2: 7, 4: 1})
        files = {action["path"] for action in self.actions(out)}
        tables = self.export(folder, out)
        assert first["version"].tolist() == [0, 0]
        assert tables["version"].tolist() == [0, 1]
        assert tables["files_sent"].tolist() == [0, 2]
        assert tables["files_unchanged"].tolist() == [1, 1]
        new = [action for action in self.actions(out) if action["path"] not in files]
        assert {action["partition.property"] for action in new} == {owner_id(2), owner_id(4)}
        assert tables["bytes_sent"].tolist() == [0, sum(action["size_bytes"] for action in new)]
        self.assert_equal(folder, out)

    def actions(self, out: Path) -> list[dict[str, Any]]:
        actions = DeltaTable(out / "rules").get_add_actions(flatten=True)
        rows: list[dict[str, Any]] = pa.table(actions).to_pylist()
        return rows

    def test_property_that_is_gone_leaves_the_table(self, folder: Path, out: Path) -> None:
        self.export(folder, out)
        write(folder, {1: 3, 2: 4})
        self.export(folder, out)
        assert self.operations(out) == 2
        self.assert_equal(folder, out)

    def test_rows_that_are_gone_leave_the_table(self, folder: Path, out: Path) -> None:
        self.export(folder, out)
        write(folder, {1: 0, 2: 4, 3: 5})
        self.export(folder, out)
        self.assert_equal(folder, out)

    def test_repeated_export_commits_nothing(self, folder: Path, out: Path) -> None:
        first = self.export(folder, out)
        again = self.export(folder, out)
        for table in ("companies", "rules", "exports"):
            assert self.operations(out, table) == 1
        assert first["version"].equals(again["version"])
        assert again["bytes_sent"].tolist() == [0, 0]

    def test_killed_export_continues_and_commits_nothing_twice(
        self, folder: Path, out: Path
    ) -> None:
        self.export(folder, out)
        write(folder, {1: 1, 2: 2})
        with SnapshotFolder(folder).begin(
            {**making.ABOUT, "organization": ORGANIZATION, "n": 2},
            {"companies": making.COLUMNS["companies"], "rules": RULES},
        ) as draft:
            draft.put("companies", None, making.frame(making.COLUMNS["companies"], 2), at=making.AT)
            draft.put("rules", owner_id(1), making.frame(RULES, 2), at=making.AT)
            draft.publish()
        # The second table cannot be read, so that the export ends after the first commit.
        file = Path(snapshot.paths(folder, "rules")[0])
        good = file.read_bytes()
        file.write_bytes(b"\0" * len(good))
        with pytest.raises(SnapshotError, match="is damaged"):
            self.export(folder, out)
        assert self.operations(out, "companies") == 2
        # Readers of a consistent set still have the previous one.
        tables = snapshot.exported(out, format="delta")
        assert tables[["snapshot", "version"]].values.tolist() == [[1, 0], [1, 0]]
        file.write_bytes(good)
        assert self.export(folder, out)["version"].tolist() == [1, 1]
        assert self.operations(out, "companies") == 2
        assert self.operations(out, "rules") == 2
        tables = snapshot.exported(out, format="delta")
        assert tables[["snapshot", "version"]].values.tolist() == [[3, 1], [3, 1]]
        self.assert_equal(folder, out)

    def test_versions_of_each_export_belong_together(self, folder: Path, out: Path) -> None:
        self.export(folder, out)
        write(folder, {1: 1})
        tables = self.export(folder, out)
        found = snapshot.exported(out, format="delta")
        assert found["version"].tolist() == tables["version"].tolist() == [0, 1]
        record = DeltaTable(out / "exports").to_pyarrow_table().to_pandas()
        versions = record[record["table"] == "rules"].set_index("snapshot")["version"]
        assert versions.to_dict() == {1: 0, 2: 1}
        old = DeltaTable(out / "rules", version=versions[1]).to_pyarrow_table()
        assert_equal(old, folder, as_of=1)

    def test_new_columns_are_added(self, folder: Path, out: Path) -> None:
        self.export(folder, out)
        about = {**making.ABOUT, "organization": ORGANIZATION}
        last = SnapshotFolder(folder).at()
        with SnapshotFolder(folder).begin(about, last.columns) as draft:
            draft.keep("companies", None, last, at=making.AT)
            draft.keep("rules", owner_id(1), last, at=making.AT)
            draft.put("rules", owner_id(2), making.frame(RULES, 2, zz="new"), at=making.AT)
            draft.publish()
        assert self.export(folder, out).loc["rules", "files_sent"] == 1
        self.assert_equal(folder, out)
        # A later change of a property without that column.
        write(folder, {1: 2, 2: 2})
        self.export(folder, out)
        self.assert_equal(folder, out)

    def test_column_of_another_type_replaces_the_table(self, folder: Path, out: Path) -> None:
        self.export(folder, out)
        write(folder, {1: 3, 2: 4}, columns={**RULES, "enabled": "text"})
        self.export(folder, out)
        self.assert_equal(folder, out)

    def test_rows_of_others_are_replaced(self, folder: Path, out: Path) -> None:
        self.export(folder, out)
        rows = pa.table({"property": ["PRx"], "id": ["x"]})
        write_deltalake(out / "rules", rows, mode="append", schema_mode="merge")
        write(folder, {1: 3, 2: 4, 3: 6})
        assert self.export(folder, out).loc["rules", "files_sent"] == 3
        self.assert_equal(folder, out)

    def test_maintenance_by_others_costs_nothing(self, folder: Path, out: Path) -> None:
        self.export(folder, out)
        write(folder, {1: 3, 2: 4, 3: 6})
        self.export(folder, out)
        table = DeltaTable(out / "rules")
        table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
        version = DeltaTable(out / "rules").version()
        assert version > 1
        assert self.export(folder, out).loc["rules", "version"] == version

    def test_table_whose_log_has_expired_is_replaced(self, folder: Path, out: Path) -> None:
        self.export(folder, out)
        # Our commit is gone, and the only one that is left is of a maintenance.
        DeltaTable(out / "rules").alter.set_table_properties(
            {"delta.logRetentionDuration": "interval 1 days"}
        )
        DeltaTable(out / "rules").create_checkpoint()
        (out / "rules" / "_delta_log" / "00000000000000000000.json").unlink()
        write(folder, {1: 3, 2: 4, 3: 6})
        assert self.export(folder, out).loc["rules", "files_sent"] == 3
        self.assert_equal(folder, out)

    def test_table_without_properties_is_empty(self, tmp_path: Path, out: Path) -> None:
        write(tmp_path / "none", {})
        assert self.export(tmp_path / "none", out)["rows"].tolist() == [1, 0]
        assert DeltaTable(out / "rules").to_pyarrow_table().num_rows == 0

    def test_older_snapshot_is_refused(self, folder: Path, out: Path) -> None:
        write(folder, {1: 1})
        self.export(folder, out)
        with pytest.raises(SnapshotError, match="has a later snapshot.*Nothing was changed"):
            self.export(folder, out, as_of=1)
        assert self.operations(out) == 1
        # Also when others have changed rows since.
        DeltaTable(out / "rules").delete("id = 'ID0'")
        with pytest.raises(SnapshotError, match="has a later snapshot"):
            self.export(folder, out, as_of=1)

    def test_tables_may_be_chosen(self, folder: Path, out: Path) -> None:
        self.export(folder, out, tables=["rules"])
        assert not (out / "companies").exists()
        self.export(folder, out)
        assert snapshot.exported(out, format="delta")["table"].tolist() == ["companies", "rules"]


class TestBadInput:
    @pytest.mark.parametrize(
        ("target", "options", "says"),
        [
            ("nope://bucket/tags", {}, "Unknown scheme in nope://bucket/tags"),
            ("s3://", {}, "expected a scheme and a bucket"),
            ("zip::s3://bucket/tags", {}, "expected a scheme and a bucket"),
            ("", {}, "expected a folder, or a URL"),
            (7, {}, "expected a folder, or a URL"),
            (URL, {"format": "csv"}, "expected 'parquet' or 'delta'"),
            (URL, {"tables": "rulez"}, "no table 'rulez'. It has: companies, rules"),
            (URL, {"tables": []}, "one or more names"),
            (URL, {"keep": 0}, "Invalid keep=0"),
            (URL, {"keep": 1, "format": "delta"}, "vacuum"),
            (URL, {"format": "delta", "storage_options": {"n": 1}}, "deltalake requires text"),
        ],
    )
    def test_wrong_arguments_change_nothing(
        self, folder: Path, target: Any, options: dict[str, Any], says: str
    ) -> None:
        with pytest.raises(ArgumentError, match=says):
            snapshot.export(folder, target, **options)
        assert content() == {}

    def test_folder_without_snapshots(self, tmp_path: Path) -> None:
        with pytest.raises(SnapshotError, match="no snapshot in"):
            snapshot.export(tmp_path, URL)

    @pytest.mark.parametrize("format", ["parquet", "delta"])
    def test_url_without_exports(self, tmp_path: Path, format: Any) -> None:
        with pytest.raises(SnapshotError, match="no finished export"):
            snapshot.exported(tmp_path / "out", format=format)

    def test_unknown_format_of_exported(self) -> None:
        with pytest.raises(ArgumentError, match="expected 'parquet' or 'delta'"):
            snapshot.exported(URL, format="csv")  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("module", "target", "format", "install"),
        [
            ("s3fs", "s3://bucket/tags", "parquet", r'"adobe_nb\[export\]"'),
            ("adlfs", "abfs://container/tags", "parquet", r'"adobe_nb\[export\]"'),
            ("gcsfs", "gs://bucket/tags", "parquet", "gcsfs"),
            ("fsspec", "s3://bucket/tags", "parquet", r'"adobe_nb\[export\]"'),
            ("deltalake", "s3://bucket/tags", "delta", r'"adobe_nb\[export\]"'),
        ],
    )
    def test_missing_package_is_named_with_its_command(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        module: str,
        target: str,
        format: Any,
        install: str,
    ) -> None:
        monkeypatch.setitem(sys.modules, module, None)
        # fsspec keeps classes that another test has loaded.
        for name in ("s3", "abfs", "gs"):
            monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, name, raising=False)
        with pytest.raises(SnapshotError, match=f"pip install {install}"):
            snapshot.export(folder, target, format=format)

    def test_unknown_scheme_of_delta(self, folder: Path) -> None:
        with pytest.raises(SnapshotError, match="Unknown scheme: nope"):
            snapshot.export(folder, "nope://bucket/tags", format="delta")

    def test_target_that_is_a_file(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("mine")
        with pytest.raises(SnapshotError, match="cannot be read or written"):
            snapshot.export(folder, tmp_path / "out")
        assert (tmp_path / "out").read_text() == "mine"

    def test_damaged_file_is_not_exported(self, folder: Path) -> None:
        Path(snapshot.paths(folder, "rules")[0]).write_bytes(b"short")
        with pytest.raises(SnapshotError, match="is damaged"):
            snapshot.export(folder, URL)
        assert content() == {}

    def test_store_that_loses_files_is_noticed_before_the_commit(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Counting, "put", lambda *_, **__: None)
        with pytest.raises(SnapshotError, match="missing or incomplete"):
            snapshot.export(folder, URL)
        with pytest.raises(SnapshotError, match="no finished export"):
            snapshot.exported(URL)


class TestSecrets:
    SECRET = "hush-91f2e6c4d8a7b3"

    @pytest.mark.parametrize(
        "options",
        [
            {"secret": SECRET},
            {"client_kwargs": {"aws_secret_access_key": SECRET}},
            {"connection_string": f"AccountName=a;AccountKey={SECRET};"},
            {"sas_token": f"?sv=1&sig={SECRET}"},
            {"keys": [SECRET.encode()]},
        ],
    )
    def test_error_of_store_that_quotes_a_secret_is_masked(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, recorder: Any, options: dict[str, Any]
    ) -> None:
        recorder.secrets.add(self.SECRET)

        def refuse(*_: Any, **__: Any) -> None:
            raise RuntimeError(f"SignatureDoesNotMatch: {self.SECRET} of a\nin {options}")

        monkeypatch.setattr(Counting, "put", refuse)
        with pytest.raises(SnapshotError, match="SignatureDoesNotMatch") as caught:
            snapshot.export(folder, URL, storage_options=options)
        text = self.shown(caught)
        assert "target = <Target counting://tags>" in text
        assert self.SECRET not in text

    def shown(self, caught: pytest.ExceptionInfo[AdobeError]) -> str:
        """The traceback with local variables, without the frame of the test, which has secrets."""
        assert caught.value.__context__ is None
        error = caught.value.with_traceback(caught.tb.tb_next)
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(shown.format())

    @pytest.mark.parametrize(
        ("target", "options", "says"),
        [
            ("nope://bucket/tags", {"secret": SECRET}, "Unknown scheme"),
            ("gs://bucket/tags", {"token": SECRET}, "pip install gcsfs"),
            (URL, {"tables": "rulez", "storage_options": {"secret": SECRET}}, "rulez"),
            ("other", {"format": "delta", "storage_options": {"secret": SECRET}}, "not written"),
            (URL, {"format": "delta", "storage_options": {"s": [SECRET]}}, "requires text"),
        ],
    )
    def test_errors_of_ours_do_not_show_options(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        target: str,
        options: dict[str, Any],
        says: str,
    ) -> None:
        monkeypatch.setitem(sys.modules, "gcsfs", None)
        if "storage_options" not in options:
            options = {"storage_options": options}
        write_deltalake("other/rules", pa.table({"id": ["mine"]}))
        with pytest.raises(AdobeError, match=says) as caught:
            snapshot.export(folder, target, **options)
        assert self.SECRET not in self.shown(caught)

    def test_url_with_password_is_refused_and_not_shown(self, folder: Path) -> None:
        for url in (f"s3://key:{self.SECRET}@bucket", f"abfs://container/tags?sig={self.SECRET}"):
            with pytest.raises(
                ArgumentError, match="Pass credentials in storage_options"
            ) as caught:
                snapshot.export(folder, url)
            assert self.SECRET not in str(caught.value)

    def test_options_are_not_stored(self, folder: Path) -> None:
        snapshot.export(folder, URL, storage_options={"secret": self.SECRET})
        assert self.SECRET.encode() not in b"".join(content().values())
        assert self.SECRET not in repr(Target(URL, {"secret": self.SECRET}))


class TestCommandLine:
    def test_exports_and_reports(
        self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write(folder, {1: 1})
        command = ["export", str(folder), str(tmp_path / "out")]
        assert main([*command, "--table", "rules", "--as-of", "1"]) == 0
        out = capsys.readouterr().out
        assert "12  " in out
        assert "Snapshot 1: 3 files sent" in out
        assert main([*command, "--keep", "1"]) == 0
        assert "Snapshot 2: 2 files sent" in capsys.readouterr().out
        assert main([*command, "--format", "delta"]) == 0
        assert len(DeltaTable(tmp_path / "out" / "rules").file_uris()) == 1

    def test_reports_errors(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["export", str(folder), str(folder)]) == 2
        assert "into itself" in capsys.readouterr().err

    def test_interrupt_is_reported(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupt(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Counting, "put", interrupt)
        assert main(["export", str(folder), URL]) == 130
        assert "Run the same command again" in capsys.readouterr().err
