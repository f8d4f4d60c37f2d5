"""SQL over a snapshot: its tables and nothing else, with the dtypes of our frames."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adobe_nb.errors import SnapshotError
from adobe_nb.snapshot.manifest import Snapshot
from adobe_nb.snapshot.queries import sql
from adobe_nb.snapshot.store import SnapshotFolder
from tests.support.snapshot_frames import ABOUT, AT, COLUMNS, ROWS, frame, snapshot

RULES = COLUMNS["rules"]


@pytest.fixture
def manifest(tmp_path: Path) -> Snapshot:
    return snapshot(SnapshotFolder(tmp_path / "snapshots"))


def value(manifest: Snapshot, expression: str) -> tuple[Any, str]:
    """Return the value of an expression, and its dtype."""
    (column,) = sql(manifest, f"SELECT {expression}").items()
    return column[1][0], str(column[1].dtype)


def test_query_of_a_table_equals_its_frame(manifest: Snapshot) -> None:
    for table in manifest.tables:
        answer = sql(manifest, f"SELECT * FROM {table}")
        pd.testing.assert_frame_equal(answer, manifest.frame(table))


def test_query_of_parts_with_unknown_columns_and_of_empty_table(
    tmp_path: Path,
) -> None:
    with SnapshotFolder(tmp_path).begin(ABOUT, COLUMNS) as draft:
        draft.put("rules", "PR1", frame(RULES, 1, beta="b"), at=AT)
        draft.put("rules", "PR2", frame(RULES, 1, alpha="a"), at=AT)
        manifest = draft.publish()
    pd.testing.assert_frame_equal(sql(manifest, "FROM rules"), manifest.frame("rules"))
    pd.testing.assert_frame_equal(sql(manifest, "FROM companies"), manifest.frame("companies"))


def test_query_can_join_tables_and_read_json(manifest: Snapshot) -> None:
    query = """
        SELECT settings->>'$.n[0]' AS n
        FROM rule_components AS c JOIN rules AS r USING (id)
        ORDER BY n, r.id
    """
    assert sql(manifest, query)["n"].dropna().tolist() == ["0", "0", "2", "2", "3", "3"]


@pytest.mark.parametrize(
    ("expression", "expected", "dtype"),
    [
        ("1::TINYINT", 1, "Int64"),
        ("sum(x) FROM (VALUES (1), (2)) AS t(x)", 3, "Int64"),
        ("9007199254740993", 9007199254740993, "Int64"),
        ("18446744073709551615::UBIGINT", 2.0**64, "Float64"),
        ("1.5", 1.5, "Float64"),
        ("1.5::FLOAT", 1.5, "Float64"),
        ("true", True, "boolean"),
        ("'x'", "x", "string"),
        ("'x'::ENUM('x', 'y')", "x", "string"),
        ("[1, 2]", "[1, 2]", "string"),
        ("{'a': 'é'}", '{"a": "é"}', "string"),
        ("""'{"a": 1}'::JSON""", '{"a": 1}', "string"),
        ("TIME '10:00'", "10:00:00", "string"),
        ("DATE '2025-03-01'", pd.Timestamp("2025-03-01", tz="UTC"), "datetime64[us, UTC]"),
        (
            "TIMESTAMP '2025-03-01 10:00'",
            pd.Timestamp("2025-03-01 10:00", tz="UTC"),
            "datetime64[us, UTC]",
        ),
        (
            "TIMESTAMPTZ '2025-03-01 10:00:00+02'",
            pd.Timestamp("2025-03-01 08:00", tz="UTC"),
            "datetime64[us, UTC]",
        ),
        (
            "TIMESTAMPTZ '2025-03-04 10:00:00.5+02' - TIMESTAMPTZ '2025-03-01 10:00:00+02'",
            pd.Timedelta(days=3, seconds=0.5),
            "timedelta64[us]",
        ),
        ("INTERVAL 90 MINUTE", pd.Timedelta(minutes=90), "timedelta64[us]"),
        ("extract(hour FROM TIMESTAMPTZ '2025-03-01 10:00:00+02')", 8, "Int64"),
    ],
)
def test_results_have_dtypes_of_our_frames(
    manifest: Snapshot, expression: str, expected: Any, dtype: str
) -> None:
    assert value(manifest, expression) == (expected, dtype)


@pytest.mark.parametrize(
    "expression",
    [
        "NULL::INTEGER",
        "NULL::DATE",
        "NULL::VARCHAR",
        "NULL::BOOLEAN",
        "NULL::INT[]",
        "NULL::INTERVAL",
    ],
)
def test_null_of_every_type_is_na(manifest: Snapshot, expression: str) -> None:
    assert pd.isna(value(manifest, expression)[0])


def test_columns_can_have_equal_names(manifest: Snapshot) -> None:
    answer = sql(
        manifest, "SELECT a.id, b.name, b.id FROM rules AS a JOIN rules AS b ON a.id = b.id"
    )
    assert len(answer.columns) == 3


def test_empty_result_has_columns_and_dtypes(manifest: Snapshot) -> None:
    answer = sql(manifest, "SELECT name, created_at FROM rules WHERE false")
    assert answer.dtypes.astype(str).to_dict() == {
        "name": "string",
        "created_at": "datetime64[us, UTC]",
    }


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELECT * FROM rule",
            "Table with name rule does not exist!.* companies, rules, rule_components",
        ),
        ("SELEC 1", "syntax error"),
        ("SELECT nam FROM rules", '"nam" not found.*Candidate bindings: .*name'),
        (
            "SELECT age(TIMESTAMP '2025-03-01', TIMESTAMP '2025-01-01')",
            "no fixed length. .*date_diff",
        ),
        ("SELECT 'x'::INTEGER", "Could not convert"),
        ("", "Start it with SELECT"),
    ],
)
def test_wrong_query_raises_one_line_with_suggestion(
    manifest: Snapshot, query: str, message: str
) -> None:
    with pytest.raises(SnapshotError, match=message) as caught:
        sql(manifest, query)
    assert "\n" not in str(caught.value)


def test_query_has_access_to_nothing_but_the_tables(manifest: Snapshot, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    theirs = frame(RULES)
    assert len(theirs) == ROWS
    for query in (
        f"SELECT * FROM '{secret}'",
        f"SELECT * FROM read_text('{secret}')",
        f"SELECT * FROM glob('{tmp_path}/*')",
        f"SELECT * FROM '{manifest.paths('rules')[0]}'",
        f"COPY (SELECT 1) TO '{manifest.paths('rules')[0]}'",
        f"COPY rules TO '{tmp_path / 'out.csv'}'",
        f"ATTACH '{tmp_path / 'x.db'}'",
        "INSTALL httpfs",
        "SELECT * FROM 'https://example.com/x.csv'",
        "SELECT * FROM theirs",
        "SET enable_external_access = true",
        "SET python_enable_replacements = true",
    ):
        with pytest.raises(SnapshotError):
            sql(manifest, query)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.csv", "snapshots"]
    assert len(manifest.frame("rules")) == 2 * ROWS


@pytest.mark.parametrize("how", ["missing", "cut off", "one bit"])
def test_damaged_file_raises_error_instead_of_short_result(manifest: Snapshot, how: str) -> None:
    file = manifest.paths("rules")[1]
    whole = file.read_bytes()
    if how == "missing":
        file.unlink()
    elif how == "cut off":
        os.truncate(file, len(whole) // 2)
    else:
        file.write_bytes(whole[:30] + bytes([whole[30] ^ 1]) + whole[31:])
    with pytest.raises(SnapshotError):
        sql(manifest, "SELECT * FROM rules")
