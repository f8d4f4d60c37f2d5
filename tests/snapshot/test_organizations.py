"""The snapshots of several organizations, queried as one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adobe_nb import snapshot
from adobe_nb.errors import ArgumentError, SnapshotError
from adobe_nb.snapshot.manifest import Snapshot
from adobe_nb.snapshot.store import SnapshotFolder
from tests.support.snapshot_frames import ABOUT, AT, COLUMNS, ROWS, frame

ALPHA, BETA = "A@AdobeOrg", "B@AdobeOrg"
BOTH = ["alpha", "beta"]
DAY = datetime(2026, 3, 1, tzinfo=UTC)
Store = Callable[..., Snapshot]


@pytest.fixture
def store() -> Store:
    """Store a snapshot: of these tables, with these unknown columns of rules."""

    def write(
        folder: str, organization: str, *, day: int = 0, columns: Any = COLUMNS, **texts: str
    ) -> Snapshot:
        snapshots = SnapshotFolder(folder, now=lambda: DAY + timedelta(days=day))
        with snapshots.begin({**ABOUT, "organization": organization}, columns) as draft:
            for table in columns:
                owner = None if table == "companies" else "PR1"
                unknown = texts if table == "rules" else {}
                draft.put(table, owner, frame(columns[table], **unknown), at=AT)
            return draft.publish()

    return write


@pytest.fixture
def both(store: Store) -> dict[str, Snapshot]:
    return {ALPHA: store("alpha", ALPHA), BETA: store("beta", BETA)}


def damage(stored: Snapshot, table: str) -> None:
    """Change a file without changing its size."""
    [file] = stored.paths(table)
    file.write_bytes(b"x" * file.stat().st_size)


def test_tables_have_the_rows_of_all_organizations(both: dict[str, Snapshot]) -> None:
    for table in COLUMNS:
        answer = snapshot.sql(f"SELECT * FROM {table}", BOTH)
        frames = []
        for organization, stored in both.items():
            rows = stored.frame(table)
            rows.insert(0, "organization", pd.Series(organization, rows.index, dtype="string"))
            frames.append(rows)
        pd.testing.assert_frame_equal(answer, pd.concat(frames, ignore_index=True))


def test_folders_can_be_any_iterable_of_paths(both: dict[str, Snapshot]) -> None:
    query = "SELECT count(DISTINCT organization) AS n FROM rules"
    assert snapshot.sql(query, (Path(folder) for folder in BOTH))["n"].item() == len(both)
    assert snapshot.sql(query, ["alpha"])["n"].item() == 1
    with pytest.raises(SnapshotError, match='"organization" not found'):
        snapshot.sql(query, "alpha")


@pytest.mark.parametrize(
    "condition",
    [f"organization = '{ALPHA}'", f"enabled AND organization IN ('{ALPHA}', 'C@AdobeOrg')"],
)
def test_condition_on_the_organization_reads_its_files_only(
    both: dict[str, Snapshot], condition: str
) -> None:
    damage(both[BETA], "rules")
    query = f"SELECT id FROM rules WHERE {condition}"
    assert 0 < len(snapshot.sql(query, BOTH)) <= ROWS
    plan = snapshot.sql(f"EXPLAIN {query}", BOTH)["explain_value"].item()
    assert "organization" in plan.partition("Filters:")[2]
    with pytest.raises(SnapshotError):
        snapshot.sql("SELECT id FROM rules", BOTH)


def test_table_that_one_folder_lacks_has_the_rows_of_the_others(store: Store) -> None:
    store("alpha", ALPHA)
    store("beta", BETA, columns={"rules": COLUMNS["rules"]})
    answer = snapshot.sql("SELECT DISTINCT organization FROM companies", BOTH)
    assert answer["organization"].tolist() == [ALPHA]


def test_column_that_one_folder_lacks_is_na_there(store: Store) -> None:
    fewer = {name: kind for name, kind in COLUMNS["rules"].items() if name != "enabled"}
    store("alpha", ALPHA, columns={"rules": fewer}, zeta="z")
    store("beta", BETA, columns={"rules": COLUMNS["rules"]}, eta="e")
    answer = snapshot.sql("SELECT * FROM rules", BOTH)
    assert set(answer) == {"organization", *COLUMNS["rules"], "eta", "zeta"}
    assert list(answer)[-2:] == ["eta", "zeta"]
    assert answer["enabled"].dtype == "boolean"
    rows = answer.set_index("organization")
    assert rows.loc[ALPHA, ["enabled", "eta"]].isna().all(axis=None)
    assert rows.loc[ALPHA, "zeta"].tolist() == ["z"] * ROWS
    assert rows.loc[BETA, "eta"].tolist() == ["e"] * ROWS


def test_column_of_different_types_names_the_folder(store: Store) -> None:
    store("alpha", ALPHA, columns={"rules": {**COLUMNS["rules"], "enabled": "text"}})
    store("beta", BETA)
    with pytest.raises(
        SnapshotError, match=r"enabled of rules is string in \S+alpha.*Pull the older"
    ):
        snapshot.sql("SELECT * FROM rules", BOTH)


def test_two_folders_of_one_organization_are_refused(store: Store) -> None:
    store("alpha", ALPHA)
    store("copy", ALPHA)
    with pytest.raises(SnapshotError, match=rf"alpha and \S+copy .* {ALPHA}.*leave one"):
        snapshot.sql("SELECT 1", ["alpha", "copy"])


def test_time_selects_a_snapshot_of_each_folder(store: Store) -> None:
    for folder, organization in (("alpha", ALPHA), ("beta", BETA)):
        for day in (0, 2):
            store(folder, organization, day=day, mark=f"{folder} {day}")
    query = "SELECT DISTINCT mark FROM rules ORDER BY mark"
    assert snapshot.sql(query, BOTH)["mark"].tolist() == ["alpha 2", "beta 2"]
    assert snapshot.sql(query, BOTH, as_of="2026-03-02")["mark"].tolist() == ["alpha 0", "beta 0"]
    store("gamma", "C@AdobeOrg", day=2)
    with pytest.raises(SnapshotError, match=r"gamma has no snapshot for 2026-03-02"):
        snapshot.sql(query, [*BOTH, "gamma"], as_of="2026-03-02")


@pytest.mark.parametrize("number", [1, "1"])
def test_number_is_refused_for_a_list(both: dict[str, Snapshot], number: Any) -> None:
    with pytest.raises(ArgumentError, match="each folder has its own. Pass a time"):
        snapshot.sql("SELECT 1", BOTH, as_of=number)


@pytest.mark.parametrize(
    ("folders", "error", "message"),
    [
        ([], ArgumentError, "no folders"),
        ([3], ArgumentError, "must be a path, not int"),
        (None, ArgumentError, "must be a path, not NoneType"),
        (["nothing"], SnapshotError, "no snapshot in .*nothing"),
    ],
)
def test_wrong_folders_are_refused(folders: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        snapshot.sql("SELECT 1", folders)


def test_unknown_table_names_those_of_all_folders(store: Store) -> None:
    store("alpha", ALPHA, columns={"rules": COLUMNS["rules"]})
    store("beta", BETA, columns={"companies": COLUMNS["companies"]})
    with pytest.raises(
        SnapshotError, match="The tables of the set of 2 snapshots: rules, companies"
    ):
        snapshot.sql("SELECT * FROM rule", BOTH)
