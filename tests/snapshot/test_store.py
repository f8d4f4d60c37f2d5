"""Snapshots on disk: complete or absent, numbered, never changed again."""

import datetime as dt
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.dataset
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adobe_nb.errors import ArgumentError, SnapshotError
from adobe_nb.snapshot.store import SnapshotFolder
from tests.support import snapshot_frames as making
from tests.support.snapshot_frames import ABOUT, AT, COLUMNS, ROWS, frame, series, snapshot

RULES = COLUMNS["rules"]
COMPONENTS = COLUMNS["rule_components"]


class Clock:
    """A clock that moves only when a test sets it."""

    def __init__(self) -> None:
        self.time = datetime(2025, 3, 1, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> SnapshotFolder:
    return SnapshotFolder(tmp_path / "snapshots", now=clock)


def stored(store: SnapshotFolder, *frames: pd.DataFrame) -> pd.DataFrame:
    """Store each frame as the rules of one property, and load the table."""
    with store.begin(ABOUT, {"rules": RULES}, resume=False) as draft:
        for number, rules in enumerate(frames):
            draft.put("rules", f"PR{number}", rules, at=AT)
        draft.publish()
    return store.at().frame("rules")


def begin(store: SnapshotFolder, *, about: Any = ABOUT, columns: Any = COLUMNS) -> None:
    """Open a draft and close it again."""
    with store.begin(about, columns):
        pass


def content(folder: Path) -> dict[str, bytes]:
    """Return the content of every file except the lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "_adobe_nb.lock"
    }


class TestFrames:
    def test_loaded_frame_equals_stored_frame(self, store: SnapshotFolder) -> None:
        pd.testing.assert_frame_equal(stored(store, frame(RULES)), frame(RULES))

    @pytest.mark.parametrize("table", COLUMNS)
    def test_empty_and_missing_parts_load_as_empty_frames(
        self, store: SnapshotFolder, table: str
    ) -> None:
        empty = frame(COLUMNS[table], 0)
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.put("rules", "PR1", frame(RULES, 0), at=AT)
            manifest = draft.publish()
        pd.testing.assert_frame_equal(manifest.frame(table), empty)

    @given(data=st.data(), rows=st.integers(0, 6))
    def test_any_values_survive_storing(self, data: st.DataObject, rows: int) -> None:
        text = st.text(st.characters(exclude_categories=["Cs"]))
        values: dict[str, Any] = {
            "text": text,
            "json": text,
            "boolean": st.booleans(),
            "integer": st.integers(-(2**63), 2**63 - 1),
            "number": st.floats(allow_nan=False),
            # The years 1 to 9999.
            "datetime": st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999),
        }
        original = pd.DataFrame(
            {
                name: series(
                    kind,
                    data.draw(st.lists(st.none() | values[kind], min_size=rows, max_size=rows)),
                )
                for name, kind in {**COMPONENTS, "zz_unknown": "text"}.items()
            },
            index=pd.RangeIndex(rows),
        )
        with tempfile.TemporaryDirectory() as folder:
            with SnapshotFolder(folder).begin(ABOUT, {"rule_components": COMPONENTS}) as draft:
                draft.put("rule_components", "PR1", original, at=AT)
                manifest = draft.publish()
            pd.testing.assert_frame_equal(manifest.frame("rule_components"), original)

    def test_parts_are_sorted_by_property(self, store: SnapshotFolder) -> None:
        with store.begin(ABOUT, COLUMNS) as draft:
            for owner in ("PR3", "PR1", "PR2"):
                draft.put("rules", owner, frame(RULES, 1, about=owner), at=AT)
            manifest = draft.publish()
        assert manifest.frame("rules")["about"].tolist() == ["PR1", "PR2", "PR3"]
        assert [path.parent.name for path in manifest.paths("rules")] == [
            f"property=PR{n}" for n in (1, 2, 3)
        ]

    def test_unknown_columns_are_na_for_parts_without_them(self, store: SnapshotFolder) -> None:
        whole = stored(
            store, frame(RULES, 2, beta="b"), frame(RULES, 2), frame(RULES, 1, alpha="a", beta="B")
        )
        assert list(whole.columns) == [*RULES, "alpha", "beta"]
        assert whole["alpha"].fillna("-").tolist() == ["-", "-", "-", "-", "a"]
        assert whole["beta"].fillna("-").tolist() == ["b", "b", "-", "-", "B"]
        assert {str(whole[name].dtype) for name in ("alpha", "beta")} == {"string"}
        assert isinstance(whole.index, pd.RangeIndex)

    def test_column_names_are_case_sensitive(self, store: SnapshotFolder) -> None:
        whole = stored(store, frame(RULES, 1, Name="x"))
        assert whole["Name"].tolist() == ["x"]
        assert whole["name"].tolist() == ["é😀0"]

    def test_attrs_name_the_snapshot(self, store: SnapshotFolder) -> None:
        attrs = stored(store, frame(RULES)).attrs
        assert attrs == {
            "service": "simulator",
            "path": "/rules",
            "time": "2025-03-01T10:00:00+00:00",
            "total_count": 5,
            "snapshot": 1,
            "table": "rules",
        }

    def test_lone_surrogate_is_refused_and_its_row_named(self, store: SnapshotFolder) -> None:
        bad = frame(RULES)
        bad["name"] = pd.Series(
            ["a", None, "b", "half \ud800", "c"], dtype=pd.StringDtype("python")
        )
        with (
            store.begin(ABOUT, COLUMNS) as draft,
            pytest.raises(SnapshotError, match=r"rules of PR1: name of ID3 "),
        ):
            draft.put("rules", "PR1", bad, at=AT)
        assert not draft.has("rules", "PR1")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda good: good.drop(columns="name"), "expected the columns"),
            (lambda good: good[[*good.columns[1:], "id"]], "expected the columns"),
            (lambda good: good.assign(order=1), "expected string in column order, got int64"),
            (
                lambda good: good.assign(enabled=True),
                "expected boolean in column enabled, got bool",
            ),
            (lambda good: good.assign(b=good["id"], a=good["id"]), "expected the columns"),
            (lambda good: pd.concat([good, good["id"]], axis="columns"), "expected the columns"),
            (
                lambda good: good.assign(**{"x": good["id"]}).rename(columns={"x": 1}),
                "expected the columns",
            ),
        ],
    )
    def test_frame_with_wrong_columns_or_dtypes_is_refused(
        self, store: SnapshotFolder, change: Any, message: str
    ) -> None:
        with store.begin(ABOUT, COLUMNS) as draft, pytest.raises(SnapshotError, match=message):
            draft.put("rules", "PR1", change(frame(RULES)), at=AT)


class TestTables:
    def test_unknown_table_raises_error_that_lists_tables(self, store: SnapshotFolder) -> None:
        with pytest.raises(
            ArgumentError, match="no table 'libraries'. It has: companies, rules, rule_components"
        ):
            snapshot(store).frame("libraries")

    def test_table_outside_the_plan_cannot_be_stored(self, store: SnapshotFolder) -> None:
        with (
            store.begin(ABOUT, {"rules": RULES}) as draft,
            pytest.raises(ArgumentError, match="'companies' is not"),
        ):
            draft.put("companies", None, frame(COLUMNS["companies"]), at=AT)

    def test_only_companies_are_stored_without_property(self, store: SnapshotFolder) -> None:
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.put("rules", "PR1", frame(RULES), at=AT)
            with pytest.raises(ArgumentError, match="stored as a whole"):
                draft.put("rules", None, frame(RULES), at=AT)

    @pytest.mark.parametrize(
        "property", ["", "..", "PR1/../..", "pr1", "PR", "PRg", "12", "PR1\n", "/etc", "__HIVE"]
    )
    def test_invalid_property_id_never_becomes_a_path(
        self, store: SnapshotFolder, property: str
    ) -> None:
        with (
            store.begin(ABOUT, COLUMNS) as draft,
            pytest.raises(ArgumentError, match="Invalid property id"),
        ):
            draft.put("rules", property, frame(RULES), at=AT)

    @pytest.mark.parametrize("table", ["", "..", "a/b", "Rules", "_draft", "rules\n"])
    def test_invalid_table_name_never_becomes_a_path(
        self, store: SnapshotFolder, table: str
    ) -> None:
        with (
            store.begin(ABOUT, {table: RULES}) as draft,
            pytest.raises(ArgumentError, match="Invalid table name"),
        ):
            draft.put(table, "PR1", frame(RULES), at=AT)

    @pytest.mark.parametrize("at", ["", "yesterday", "2025-03-01T10:00:00"])
    def test_time_of_a_part_requires_a_time_zone(self, store: SnapshotFolder, at: str) -> None:
        with (
            store.begin(ABOUT, COLUMNS) as draft,
            pytest.raises(ArgumentError, match="Invalid at="),
        ):
            draft.put("rules", "PR1", frame(RULES), at=at)

    def test_description_must_be_json(self, store: SnapshotFolder) -> None:
        with pytest.raises(TypeError, match="JSON"):
            begin(store, about={"when": datetime(2025, 3, 1, tzinfo=UTC)})

    def test_manifest_describes_stored_parts(self, store: SnapshotFolder, clock: Clock) -> None:
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.put("rules", "PR1", frame(RULES, 3, extra="x"), at=AT)
            clock.time += timedelta(minutes=5)
            draft.publish(requests=7)
        manifest = store.at()
        (part,) = manifest.parts
        assert (part.table, part.property, part.rows, part.at, part.columns) == (
            "rules",
            "PR1",
            3,
            AT,
            ("extra",),
        )
        assert manifest.about == {**ABOUT, "requests": 7}
        assert manifest.columns == COLUMNS
        assert manifest.finished - manifest.started == timedelta(minutes=5)
        assert repr(manifest) == "<Snapshot 1 of 2025-03-01 10:05 UTC: 3 tables, 3 rows>"


class TestAsOf:
    @pytest.fixture
    def days(self, store: SnapshotFolder, clock: Clock) -> SnapshotFolder:
        """Snapshots finished on March 1, 2 and 3 at 10:00."""
        for _ in range(3):
            snapshot(store)
            clock.time += timedelta(days=1)
        return store

    @pytest.mark.parametrize(
        ("as_of", "number"),
        [
            (None, 3),
            (1, 1),
            ("2", 2),
            ("000002", 2),
            (date(2025, 3, 1), 1),
            ("2025-03-01", 1),
            (datetime(2025, 3, 2, 10, 0, tzinfo=UTC), 2),
            (datetime(2025, 3, 2, 10, 0), 2),
            (datetime(2025, 3, 2, 9, 59, 59, tzinfo=UTC), 1),
            ("2025-03-02T11:00+02:00", 1),
            (pd.Timestamp("2025-03-02 12:00", tz="UTC"), 2),
            ("2199-01-01", 3),
            (date.max, 3),
        ],
    )
    def test_snapshot_by_number_date_or_time(
        self, days: SnapshotFolder, as_of: Any, number: int
    ) -> None:
        assert days.at(as_of).number == number

    @pytest.mark.parametrize(
        ("since", "number"),
        [(2, 2), ("2025-03-02", 1), (date(2025, 3, 3), 2), ("2025-03-02T10:00", 2)],
    )
    def test_beginning_of_a_day_excludes_that_day(
        self, days: SnapshotFolder, since: Any, number: int
    ) -> None:
        assert days.at(since, of_day=dt.time.min).number == number

    def test_beginning_of_the_first_day_has_no_snapshot(self, days: SnapshotFolder) -> None:
        with pytest.raises(SnapshotError, match="The oldest is 1"):
            days.at(date(2025, 3, 1), of_day=dt.time.min)

    @pytest.mark.parametrize(
        "as_of", [0, 4, -1, "17", date(2025, 2, 28), "2025-03-01T09:00", pd.NaT]
    )
    def test_missing_snapshot_raises_error_that_names_oldest_and_latest(
        self, days: SnapshotFolder, as_of: Any
    ) -> None:
        with pytest.raises(
            SnapshotError,
            match=r"oldest is 1 \(finished 2025-03-01 10:00:00 UTC\), the latest 3 \(",
        ):
            days.at(as_of)

    def test_invalid_text_raises_error(self, days: SnapshotFolder) -> None:
        with pytest.raises(ArgumentError, match="'last week' is neither"):
            days.at("last week")

    def test_folder_without_snapshots(self, store: SnapshotFolder) -> None:
        assert store.snapshots() == []
        with pytest.raises(SnapshotError, match="no snapshot in .* yet"):
            store.at()
        assert not store.path.exists()

    def test_snapshots_are_listed_oldest_first(self, days: SnapshotFolder) -> None:
        assert [manifest.number for manifest in days.snapshots()] == [1, 2, 3]


class TestDrafts:
    def test_interrupted_run_is_resumed(self, store: SnapshotFolder) -> None:
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.put("rules", "PR1", frame(RULES), at=AT)
        with store.begin(ABOUT, COLUMNS) as draft:
            assert draft.has("rules", "PR1")
            assert not draft.has("rules", "PR2")
            pd.testing.assert_frame_equal(draft.publish().frame("rules"), frame(RULES))

    @pytest.mark.parametrize("other", ["about", "columns", "order", "age", "resume"])
    def test_other_or_old_draft_is_not_resumed(
        self, store: SnapshotFolder, clock: Clock, other: str
    ) -> None:
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.put("rules", "PR1", frame(RULES), at=AT)
        clock.time += timedelta(hours=24 if other == "age" else 23)
        about = {**ABOUT, "properties": []} if other == "about" else ABOUT
        columns = {
            "columns": {"rules": RULES},
            "order": {**COLUMNS, "rules": dict(reversed(RULES.items()))},
        }.get(other, COLUMNS)
        with store.begin(about, columns, resume=other != "resume") as draft:
            assert not draft.has("rules", "PR1")
            assert not list(store.path.rglob("*.parquet"))

    def test_incomplete_part_is_not_resumed(self, store: SnapshotFolder) -> None:
        with store.begin(ABOUT, COLUMNS) as draft:
            for owner in ("PR1", "PR2", "PR3"):
                draft.put("rules", owner, frame(RULES), at=AT)
        one, two, _ = sorted(store.path.rglob("*.parquet"))
        one.unlink()
        os.truncate(two, 100)
        (record,) = store.path.glob(".draft-*/_parts.jsonl")
        record.write_bytes(record.read_bytes() + b'{"table": "rules", "prop')
        with store.begin(ABOUT, COLUMNS) as draft:
            assert [draft.has("rules", f"PR{number}") for number in (1, 2, 3)] == [
                False,
                False,
                True,
            ]
            draft.put("rules", "PR4", frame(RULES), at=AT)
        with store.begin(ABOUT, COLUMNS) as draft:
            assert draft.has("rules", "PR4")
            draft.publish()
        assert len(list(store.path.rglob("*.parquet"))) == 2

    def test_draft_with_manifest_does_not_count_as_snapshot_and_is_resumed(
        self, store: SnapshotFolder
    ) -> None:
        """A run killed right before the rename leaves such a draft."""
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.put("rules", "PR1", frame(RULES), at=AT)
            (store.path / "000001").mkdir()
            with pytest.raises(SnapshotError, match="already exists"):
                draft.publish()
        assert len(list(store.path.glob(".draft-*/_manifest.json"))) == 1
        assert store.snapshots() == []
        (store.path / "000001").rmdir()
        with store.begin(ABOUT, COLUMNS) as draft:
            assert draft.has("rules", "PR1")
            assert not list(store.path.glob(".draft-*/_manifest.json"))
            draft.put("rules", "PR2", frame(RULES), at=AT)
            draft.publish()
        assert len(store.at(1).frame("rules")) == 2 * ROWS

    def test_number_of_snapshot_without_manifest_is_not_reused(self, store: SnapshotFolder) -> None:
        snapshot(store)
        snapshot(store, run=2)
        (store.path / "000002" / "_manifest.json").unlink()
        before = content(store.path / "000002")
        assert snapshot(store, run=3).number == 3
        assert content(store.path / "000002") == before

    def test_part_stored_again_replaces_the_first(self, store: SnapshotFolder) -> None:
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.put("rules", "PR1", frame(RULES, 2), at=AT)
            draft.put("rules", "PR1", frame(RULES, 4), at=AT)
            assert len(draft.publish().frame("rules")) == 4

    def test_closed_or_published_draft_accepts_no_parts(self, store: SnapshotFolder) -> None:
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.publish()
            with pytest.raises(SnapshotError, match="closed or published"):
                draft.put("rules", "PR1", frame(RULES), at=AT)
        with store.begin(ABOUT, COLUMNS) as draft:
            pass
        with pytest.raises(SnapshotError, match="closed or published"):
            draft.publish()

    def test_several_threads_can_add_parts(self, store: SnapshotFolder) -> None:
        with store.begin(ABOUT, COLUMNS) as draft:

            def fill(first: int) -> None:
                for number in range(first, 24, 4):
                    draft.put("rules", f"PR{number:02d}", frame(RULES), at=AT)

            threads = [threading.Thread(target=fill, args=(first,)) for first in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        with store.begin(ABOUT, COLUMNS) as draft:
            assert len(draft.publish().frame("rules")) == 24 * ROWS


class TestKeeping:
    def test_equal_content_is_linked_to_previous_snapshot(self, store: SnapshotFolder) -> None:
        snapshot(store)
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.put("rules", "PR1", frame(RULES), at=AT)
            draft.put("rules", "PR2", frame(RULES, ROWS + 1), at=AT)
            draft.put(
                "companies",
                None,
                frame(COLUMNS["companies"]).assign(name="other").astype({"name": "string"}),
                at=AT,
            )
            second = draft.publish()
        assert [file.stat().st_nlink for file in second.paths("rules")] == [2, 1]
        assert second.paths("companies")[0].stat().st_nlink == 1
        assert set(second.frame("companies")["name"]) == {"other"}

    def test_other_content_of_equal_size_is_not_linked(self, store: SnapshotFolder) -> None:
        for name in ("abcde", "edcba"):
            with store.begin(ABOUT, COLUMNS) as draft:
                draft.put(
                    "companies",
                    None,
                    frame(COLUMNS["companies"], 1).assign(name=pd.array([name], "string")),
                    at=AT,
                )
                made = draft.publish()
        assert made.parts[0].bytes == store.at(1).parts[0].bytes
        assert list(made.frame("companies")["name"]) == ["edcba"]

    def test_damaged_previous_snapshot_is_ignored(self, store: SnapshotFolder) -> None:
        first = snapshot(store)
        for file in first.paths("rules"):
            file.write_bytes(b"x" * file.stat().st_size)
        (first.data / "_manifest.json").write_text("{")
        pd.testing.assert_frame_equal(
            snapshot(store).frame("companies"), frame(COLUMNS["companies"])
        )

    def test_kept_part_is_the_same_file(self, store: SnapshotFolder) -> None:
        first = snapshot(store)
        with store.begin(ABOUT, COLUMNS) as draft:
            assert draft.keep("rules", "PR1", first, at="2025-04-01T00:00:00+00:00")
            assert draft.keep("rules", "PR2", first, at=AT)
            second = draft.publish()
        assert second.paths("rules")[0].samefile(first.paths("rules")[0])
        assert [part.at for part in second.parts] == ["2025-04-01T00:00:00+00:00", AT]
        shutil.rmtree(store.path / "000001")
        pd.testing.assert_frame_equal(
            second.frame("rules"), pd.concat([frame(RULES)] * 2, ignore_index=True)
        )

    def test_kept_part_is_copied_without_hard_links(
        self, store: SnapshotFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = snapshot(store)
        monkeypatch.setattr(os, "link", no_links)
        with store.begin(ABOUT, COLUMNS) as draft:
            assert draft.keep("rules", "PR1", first, at=AT)
            second = draft.publish()
        assert not second.paths("rules")[0].samefile(first.paths("rules")[0])
        assert store.at(2).frame("rules").equals(frame(RULES))

    @pytest.mark.parametrize("how", ["no part", "missing", "cut off", "columns"])
    def test_missing_or_changed_part_cannot_be_kept(self, store: SnapshotFolder, how: str) -> None:
        first = snapshot(store)
        (file, _) = first.paths("rules")
        if how == "missing":
            file.unlink()
        elif how == "cut off":
            os.truncate(file, 50)
        columns = {**COLUMNS, "rules": {**RULES, "new": "boolean"}} if how == "columns" else COLUMNS
        with store.begin(ABOUT, columns) as draft:
            assert not draft.keep("rules", "PR9" if how == "no part" else "PR1", first, at=AT)
            assert not draft.has("rules", "PR1")


def no_links(*paths: object) -> None:
    raise PermissionError(1, "Operation not permitted")


class TestOneWriter:
    def test_second_writer_is_refused_at_once(self, store: SnapshotFolder) -> None:
        with store.begin(ABOUT, COLUMNS):
            with pytest.raises(SnapshotError, match="is writing a snapshot to .* Wait until"):
                begin(SnapshotFolder(store.path))
            with pytest.raises(SnapshotError, match="is writing"):
                store.prune()
            assert store.snapshots() == []
        begin(store)

    def test_writer_of_another_process_is_refused(self, store: SnapshotFolder) -> None:
        snapshot(store)
        with store.begin(ABOUT, COLUMNS):
            done = subprocess.run(
                writer(store.path), capture_output=True, text=True, timeout=300, check=False
            )
        assert done.returncode == 1
        assert "SnapshotError: Another process" in done.stderr

    def test_one_of_two_threads_wins(self, store: SnapshotFolder) -> None:
        outcomes: list[str] = []
        start, end = threading.Barrier(2), threading.Barrier(2)

        def write() -> None:
            start.wait()
            try:
                with SnapshotFolder(store.path).begin(ABOUT, COLUMNS):
                    outcomes.append("writes")
                    end.wait()
            except SnapshotError:
                outcomes.append("refused")
                end.wait()

        threads = [threading.Thread(target=write) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["refused", "writes"]

    @pytest.mark.parametrize("taken", ["an empty folder", "a file", "a folder"])
    def test_number_taken_by_another_writer_is_not_overwritten(
        self, store: SnapshotFolder, taken: str
    ) -> None:
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.put("rules", "PR1", frame(RULES), at=AT)
            name = store.path / "000001"
            theirs = name / "notes.txt" if taken == "a folder" else name
            if taken != "a file":
                name.mkdir()
            if taken != "an empty folder":
                theirs.write_text("theirs")
            with pytest.raises(SnapshotError, match="already exists"):
                draft.publish()
        assert name.is_dir() == (taken != "a file")
        assert taken == "an empty folder" or theirs.read_text() == "theirs"
        with store.begin(ABOUT, COLUMNS) as draft:
            assert draft.number == 2
            assert draft.has("rules", "PR1")
            assert draft.publish().frame("rules").equals(frame(RULES))

    def test_first_writer_wins_without_lock(self, store: SnapshotFolder, tmp_path: Path) -> None:
        """As on a network drive without locks."""
        other = SnapshotFolder(tmp_path / "snapshots")
        with store.begin(ABOUT, COLUMNS) as first:
            first.put("rules", "PR1", frame(RULES), at=AT)
            (store.path / "_adobe_nb.lock").unlink()
            with other.begin({**ABOUT, "run": 2}, COLUMNS) as second:
                second.put("rules", "PR1", frame(RULES, 2), at=AT)
                second.publish()
            with pytest.raises(SnapshotError):
                first.publish()
        assert len(store.at().frame("rules")) == 2


def writer(*arguments: str | Path) -> list[str]:
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r}); import runpy; "
    return [
        sys.executable,
        "-c",
        f"{code}runpy.run_path({making.__file__!r}, run_name='__main__')",
        *map(str, arguments),
    ]


def names_in(store: SnapshotFolder) -> set[str]:
    """Return the names in the folder except those of drafts."""
    return {path.name for path in store.path.iterdir() if not path.name.startswith(".draft-")}


def kill_writer(folder: Path, delay: float) -> None:
    """Start a process that writes snapshots, and kill it after its first one and a delay."""
    with subprocess.Popen(writer(folder), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(delay)
        process.kill()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let files not grow beyond a size, as on a full disk."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestCrashSafety:
    def test_files_are_synced_before_the_rename(
        self, store: SnapshotFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Otherwise a power cut could keep the new name and lose the content."""
        synced: list[Path] = []

        def fsync(handle: int) -> None:
            synced.append(Path(f"/proc/self/fd/{handle}").readlink())
            if (store.path / "000001").exists():
                assert synced[-1] == store.path

        monkeypatch.setattr(os, "fsync", fsync)
        made = snapshot(store)
        (draft,) = {path for path in synced if path.parent == store.path}
        files = [part.file(draft) for part in made.parts]
        assert {*files, *(file.parent for file in files), draft, draft / "_manifest.json"} <= set(
            synced
        )
        assert synced[-1] == store.path

    def test_links_to_files_that_are_on_the_disk_are_not_synced_again(
        self, store: SnapshotFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        snapshot(store)
        synced: list[str] = []
        fsync = os.fsync

        def record(handle: int) -> None:
            synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
            fsync(handle)

        monkeypatch.setattr(os, "fsync", record)
        made = snapshot(store)
        assert {path.stat().st_nlink for path in made.paths("rules")} == {2}
        assert synced.count("part.parquet") == 0
        # The names of the links are new.
        assert synced.count("property=PR2") == 2
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.keep("rules", "PR1", made, at=AT)
            draft.forget("rules", "PR1")
            draft.put("rules", "PR1", frame(COLUMNS["rules"], 1), at=AT)
            draft.publish()
        assert synced.count("part.parquet") == 1

    @pytest.mark.parametrize("times", [2, pytest.param(8, marks=pytest.mark.thorough)])
    def test_writer_killed_at_random_leaves_complete_snapshots(
        self, store: SnapshotFolder, times: int
    ) -> None:
        snapshot(store)
        delays, seen = random.Random(7), 1
        for _ in range(times):
            kill_writer(store.path, delays.uniform(0, 0.2))
            manifests = store.snapshots()
            for manifest in manifests[seen - 1 :]:
                rows = {table: len(manifest.frame(table)) for table in COLUMNS}
                assert rows == {"companies": ROWS, "rules": 2 * ROWS, "rule_components": ROWS}
            assert len(manifests) > seen
            seen = len(manifests)
            begin(store)
        assert snapshot(store).number == seen + 1
        assert not list(store.path.glob(".draft-*"))
        numbers = range(1, seen + 2)
        assert names_in(store) == {"_adobe_nb.lock", *(f"{number:06d}" for number in numbers)}

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="kills itself in forked children")
    @pytest.mark.parametrize(
        ("action", "after"), [("pull", [1, 2, 3]), ("restart", [1, 2, 3]), ("prune", [2])]
    )
    def test_writer_killed_before_each_disk_operation_leaves_complete_snapshots(
        self, tmp_path: Path, action: str, after: list[int]
    ) -> None:
        store, killed = SnapshotFolder(tmp_path / "snapshots"), tmp_path / "killed"
        finished = {number: content(snapshot(store).data) for number in (1, 2)}
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.put("rules", "PR1", frame(RULES), at=AT)
        killed.mkdir()
        command = writer(store.path, killed, action)
        lines = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, timeout=300, check=True
        ).stdout.splitlines()
        operations = [line.split()[0] for line in lines]
        stores = [SnapshotFolder(folder) for folder in sorted(killed.iterdir())]
        assert len(operations) == len(stores) > 10
        outcomes = [
            self.outcome(survivor, finished, resumes=action != "restart") for survivor in stores
        ]
        commit = outcomes.index(after)
        assert outcomes == [[1, 2]] * commit + [after] * (len(outcomes) - commit)
        assert operations[commit - 1] == "os.rename"
        for survivor in stores[commit - 1 : commit + 1]:
            number = survivor.at().number
            assert snapshot(survivor).number == number + 1

    @staticmethod
    def outcome(
        store: SnapshotFolder, finished: dict[int, dict[str, bytes]], *, resumes: bool
    ) -> list[int]:
        """Return the snapshots that a killed process has left, all complete."""
        # Many branches, but one assertion after the other.
        manifests = {manifest.number: manifest for manifest in store.snapshots()}
        numbers = list(manifests)
        for number in finished.keys() & manifests.keys():
            assert content(manifests[number].data) == finished[number]
        for number in manifests.keys() - finished.keys():
            parts = manifests[number].parts
            assert {len(manifests[number].frame(part.table, part.property)) for part in parts} == {
                ROWS
            }
        with store.begin(ABOUT, COLUMNS) as draft:
            assert not resumes or draft.has("rules", "PR1") != (3 in numbers)
        assert names_in(store) == {"_adobe_nb.lock", *(f"{number:06d}" for number in numbers)}
        return numbers

    @pytest.mark.parametrize("size", [0, 100, 3000])
    def test_full_disk_leaves_snapshots_unchanged(self, store: SnapshotFolder, size: int) -> None:
        snapshot(store)
        before = content(store.path)
        with (
            files_of_at_most(size),
            pytest.raises(SnapshotError, match=r"Cannot write .*\(File too large\)"),
        ):
            snapshot(store, run=2)
        after = content(store.path)
        assert {
            name: data for name, data in after.items() if not name.startswith(".draft-")
        } == before
        assert not [name for name in after if "_adobe_nb-" in name]
        assert snapshot(store, run=2).number == 2

    def test_full_disk_while_publishing_keeps_the_draft(self, store: SnapshotFolder) -> None:
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.put("rules", "PR1", frame(RULES), at=AT)
            with files_of_at_most(100), pytest.raises(SnapshotError, match="Cannot write"):
                draft.publish()
            assert store.snapshots() == []
            assert draft.publish() == store.at(1)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda text: text[: len(text) // 2],
            lambda text: b"",
            lambda text: b"[]",
            lambda text: b"{}",
            lambda text: text.replace(b'"PR1"', b'"PR1/../.."'),
            lambda text: text.replace(b'"number": 1', b'"number": 2'),
            lambda text: text.replace(b"+00:00", b""),
            lambda text: text.replace(b'"boolean"', b'"object"'),
            lambda text: text.replace(b'{"table": "rules"', b'{"table": "hosts"'),
        ],
    )
    def test_damaged_manifest_raises_error_that_names_it(
        self, store: SnapshotFolder, damage: Callable[[bytes], bytes]
    ) -> None:
        snapshot(store)
        file = store.path / "000001" / "_manifest.json"
        file.write_bytes(damage(file.read_bytes()))
        for read in (store.snapshots, store.at):
            with pytest.raises(SnapshotError, match=r"000001/_manifest\.json is damaged"):
                read()  # type: ignore[operator]

    @pytest.mark.parametrize(
        "how", ["missing", "cut off", "empty", "one bit", "another part", "a text"]
    )
    def test_damaged_file_raises_error_instead_of_short_table(
        self, store: SnapshotFolder, how: str
    ) -> None:
        manifest = snapshot(store)
        _, file = manifest.paths("rules")
        whole = file.read_bytes()
        if how == "missing":
            file.unlink()
        elif how == "another part":
            file.write_bytes(manifest.paths("rule_components")[0].read_bytes())
        else:
            middle = len(whole) // 4
            flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
            damaged = {
                "cut off": whole[:-20],
                "empty": b"",
                "one bit": flipped,
                "a text": b"x" * len(whole),
            }
            file.write_bytes(damaged[how])
        with pytest.raises(
            SnapshotError, match=r"000001/rules/property=PR2/part\.parquet is damaged"
        ):
            manifest.frame("rules")
        assert len(manifest.frame("companies")) == ROWS

    def test_part_with_wrong_number_of_rows_raises_error(self, store: SnapshotFolder) -> None:
        snapshot(store)
        file = store.path / "000001" / "_manifest.json"
        document = json.loads(file.read_text())
        document["parts"][1]["rows"] += 1
        file.write_text(json.dumps(document))
        with pytest.raises(SnapshotError, match="5 rows of .* not 6 of"):
            store.at().frame("rules")

    def test_file_as_folder_raises_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        for folder in (tmp_path / "file", tmp_path / "file" / "below"):
            with pytest.raises(SnapshotError, match="Cannot write"):
                begin(SnapshotFolder(folder))
        with pytest.raises(SnapshotError, match="Cannot read"):
            SnapshotFolder(tmp_path / "file").at()

    def test_read_only_folder_can_be_read(self, store: SnapshotFolder) -> None:
        snapshot(store)
        store.path.chmod(0o500)
        if os.access(store.path, os.W_OK):
            pytest.skip("root may write everywhere")
        try:
            assert len(store.at().frame("rules")) == 2 * ROWS
            with pytest.raises(SnapshotError, match="Cannot write"):
                begin(store)
        finally:
            store.path.chmod(0o700)

    def test_missing_library_raises_error_with_install_command(
        self, store: SnapshotFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with (
            store.begin(ABOUT, COLUMNS) as draft,
            pytest.raises(SnapshotError, match=r'pip install "adobe_nb\[snap'),
        ):
            draft.put("rules", "PR1", frame(RULES), at=AT)


class TestFolder:
    def test_folder_name_can_have_any_characters(self, tmp_path: Path) -> None:
        store = SnapshotFolder(str(tmp_path / "Mémoire 😀 #1 % 100" / "a=b"))
        snapshot(store)
        assert len(store.at().frame("rules")) == 2 * ROWS

    def test_files_are_private(self, store: SnapshotFolder) -> None:
        first = snapshot(store)
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.keep("rules", "PR1", first, at=AT)
        paths = [store.path, *store.path.rglob("*")]
        modes = {(path.is_dir(), oct(path.stat().st_mode & 0o777)) for path in paths}
        assert modes == {(False, "0o600"), (True, "0o700")}

    def test_files_of_others_are_never_touched(self, store: SnapshotFolder, clock: Clock) -> None:
        theirs = {
            "202401/report.parquet",
            "000001/notes.txt",
            "manifest-1.json",
            "manifest-000009.json.bak",
            "draft/x",
            "_adobe_nb-notes",
            "data.csv",
            "000007/_plan.json",
            "_draft/letter.txt",
            ".draft-2/letter.txt",
            f".draft-{'0' * 32}",
            f"_adobe_nb-{'0' * 32}",
            "000008",
        }
        for name in theirs:
            (store.path / name).parent.mkdir(parents=True, exist_ok=True)
            (store.path / name).write_text("{}")
        for run in range(3):
            snapshot(store, run=run)
            clock.time += timedelta(days=2)
        store.prune(keep=1)
        assert {(store.path / name).read_text() for name in theirs} == {"{}"}
        assert [manifest.number for manifest in store.snapshots()] == [4]


class TestPrune:
    def test_prune_removes_old_snapshots_and_keeps_newer_ones_complete(
        self, store: SnapshotFolder
    ) -> None:
        first = snapshot(store)
        for _ in range(3):
            with store.begin(ABOUT, COLUMNS) as draft:
                assert draft.keep("rules", "PR1", first, at=AT)
                draft.publish()
        assert store.prune(keep=2) == ["000001", "000002"]
        assert [manifest.number for manifest in store.snapshots()] == [3, 4]
        assert store.at(3).frame("rules").equals(frame(RULES))
        with pytest.raises(SnapshotError, match="is damaged"):
            first.frame("rules")
        assert snapshot(store).number == 5

    @pytest.mark.parametrize("keep", [0, -1])
    def test_latest_snapshot_is_never_removed(self, store: SnapshotFolder, keep: int) -> None:
        snapshot(store)
        with pytest.raises(ArgumentError, match="every snapshot"):
            store.prune(keep=keep)
        assert store.prune(keep=1) == []
        assert store.at().number == 1

    def test_resumable_draft_is_kept(self, store: SnapshotFolder, clock: Clock) -> None:
        snapshot(store)
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.put("rules", "PR1", frame(RULES), at=AT)
        assert store.prune() == []
        clock.time += timedelta(days=1)
        (name,) = store.prune()
        assert name.startswith(".draft-")
        assert store.at().frame("companies").equals(frame(COLUMNS["companies"]))

    def test_leftovers_of_killed_runs_are_removed(self, store: SnapshotFolder) -> None:
        snapshot(store)
        removed, draft = store.path / f"_adobe_nb-{'0' * 32}", store.path / f".draft-{'0' * 32}"
        for folder in (removed, draft):
            (folder / "rules").mkdir(parents=True)
            (folder / "rules" / "part.parquet").write_text("half")
        assert store.prune() == [removed.name, draft.name]
        assert [manifest.number for manifest in store.snapshots()] == [1]

    def test_missing_folder_is_not_created(self, store: SnapshotFolder) -> None:
        assert store.prune(keep=1) == []
        assert not store.path.exists()


class TestOtherTools:
    @pytest.fixture
    def data(self, store: SnapshotFolder) -> Path:
        with store.begin(ABOUT, COLUMNS) as draft:
            draft.put("companies", None, frame(COLUMNS["companies"]), at=AT)
            draft.put("rules", "PR1", frame(RULES, extra="x"), at=AT)
            draft.put("rules", "PR2", frame(RULES, 0), at=AT)
            draft.put("rules", "PR3", frame(RULES), at=AT)
            return draft.publish().data

    @staticmethod
    def same(
        actual: pd.DataFrame, expected: pd.DataFrame, properties: list[str] | None = None
    ) -> None:
        """Compare the rows. Every tool has its own dtypes."""
        assert properties is None or actual.pop("property").astype("string").tolist() == properties
        actual = actual[list(expected.columns)].astype(dict(expected.dtypes))
        pd.testing.assert_frame_equal(actual, expected)

    def test_duckdb_reads_a_table_by_path(self, store: SnapshotFolder, data: Path) -> None:
        query = "SELECT * FROM read_parquet('{}', hive_partitioning = true, union_by_name = true)"
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            rules = connection.sql(
                query.format(data / "rules" / "*" / "*.parquet")
            ).to_arrow_table()
            companies = connection.sql(
                query.format(data / "companies" / "*.parquet")
            ).to_arrow_table()
        assert str(rules.schema.field("created_at").type) == "timestamp[us, tz=UTC]"
        self.same(read(rules), store.at().frame("rules"), ["PR1"] * ROWS + ["PR3"] * ROWS)
        self.same(read(companies), frame(COLUMNS["companies"]))

    # Dask causes these warnings of pandas.
    @pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
    def test_dask_reads_a_table_by_path(self, store: SnapshotFolder, data: Path) -> None:
        import dask.dataframe as dd

        # Dask takes the columns of the first file.
        expected = store.at().frame("rules").drop(columns="extra")
        rules = dd.read_parquet(
            data / "rules", columns=[*RULES, "property"], dtype_backend="numpy_nullable"
        ).compute()
        self.same(rules.reset_index(drop=True), expected, ["PR1"] * ROWS + ["PR3"] * ROWS)
        companies = dd.read_parquet(data / "companies", dtype_backend="numpy_nullable").compute()
        self.same(companies, frame(COLUMNS["companies"]))

    def test_arrow_reads_a_table_by_path(self, store: SnapshotFolder, data: Path) -> None:
        dataset = pyarrow.dataset.dataset(data / "rules", partitioning="hive")
        self.same(
            read(dataset.to_table()), store.at().frame("rules"), ["PR1"] * ROWS + ["PR3"] * ROWS
        )

    def test_files_have_the_same_types_with_and_without_rows(
        self, store: SnapshotFolder, data: Path
    ) -> None:
        schemas = [pyarrow.parquet.read_schema(path) for path in store.at().paths("rules")[1:]]
        assert schemas[0].equals(schemas[1], check_metadata=True)
        assert schemas[0].metadata is None

    def test_drafts_are_invisible_to_other_tools(self, store: SnapshotFolder, data: Path) -> None:
        with store.begin({**ABOUT, "run": 2}, COLUMNS) as draft:
            draft.put("rules", "PR1", frame(RULES), at=AT)
        actual = pyarrow.dataset.dataset(store.path, exclude_invalid_files=True).files
        assert {Path(file).relative_to(store.path).parts[0] for file in actual} == {"000001"}


def read(table: pyarrow.Table) -> pd.DataFrame:
    """Convert a table to pandas, with integers as integers."""
    dtypes = {
        pyarrow.int64(): pd.Int64Dtype(),
        pyarrow.bool_(): pd.BooleanDtype(),
        pyarrow.string(): pd.StringDtype(),
    }
    return table.to_pandas(types_mapper=dtypes.get)
