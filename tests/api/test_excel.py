"""Workbooks, read back with openpyxl."""

import datetime as dt
import json
import stat
import sys
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

import adobe_nb
from adobe_nb import ArgumentError, to_excel


def sheet(path: Path, name: str | None = None) -> Any:
    book = openpyxl.load_workbook(path)
    return book[name] if name else book.active


def cells(path: Path) -> list[Any]:
    """Return the values of the first column, without the header."""
    return [row[0] for row in sheet(path).iter_rows(min_row=2, values_only=True)]


def written(values: list[Any], dtype: Any = object) -> list[Any]:
    frame = pd.DataFrame({"a": pd.Series(values, dtype=dtype), "row": range(len(values))})
    return cells(to_excel(frame, "a.xlsx"))


def test_resources_keep_every_value_and_its_type(reactor: Any) -> None:
    rules = reactor.rules(reactor.properties())
    path = to_excel(rules, "rules.xlsx")
    assert path == Path.cwd() / "rules.xlsx"
    rows = list(sheet(path).iter_rows(values_only=True))
    assert list(rows[0]) == list(rules.columns)
    assert len(rows) == len(rules) + 1
    for name, column in rules.items():
        read = [row[list(rules.columns).index(name)] for row in rows[1:]]
        for value, seen in zip(column, read, strict=True):
            if pd.isna(value):
                assert seen is None
            elif isinstance(value, pd.Timestamp):
                assert abs(value.tz_localize(None) - seen) < pd.Timedelta("1ms")
            else:
                assert seen == value
                assert type(seen) is type(value.item() if hasattr(value, "item") else value)


def test_header_is_frozen_has_a_filter_and_fits_the_values() -> None:
    path = to_excel(pd.DataFrame({"name": ["x" * 30, "y" * 500], "a": [1, 2]}), "a.xlsx")
    shown = sheet(path)
    assert shown.freeze_panes == "A2"
    assert shown.auto_filter.ref == "A1:B3"
    assert shown["A1"].font.bold
    assert shown.column_dimensions["A"].width == pytest.approx(60, abs=1)
    assert shown.column_dimensions["B"].width < 10


FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "=cmd|'/c calc'!A1",
    "{=1}",
    "https://evil.test",
    "mailto:a@b.test",
    "internal:A1",
    "external:c:\\x",
    "1",
    "1.0",
    "TRUE",
    "2026-01-01",
    " leading",
    "trailing ",
    "",
    "a\nb",
    "\tx",
    "<a&b>",
    "'quoted",
    "\u202e reversed",
    "\U0001f600",
    "שלום",
    "#N/A",
)


def test_text_is_written_as_plain_text() -> None:
    path = to_excel(pd.DataFrame({"a": pd.Series(FORMULAS, dtype="string")}), "a.xlsx")
    shown = sheet(path)
    assert [value or "" for value in cells(path)] == list(FORMULAS)
    assert {cell.data_type for (cell,) in shown.iter_rows(min_row=2) if cell.value is not None} == {
        "s"
    }
    assert not [cell for (cell,) in shown.iter_rows() if cell.hyperlink]
    with zipfile.ZipFile(path) as archive:
        text = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in text
    assert "<hyperlink" not in text


def test_header_that_looks_like_a_formula_is_text() -> None:
    shown = sheet(to_excel(pd.DataFrame({"=1+1": [1], ("a", 2): [2], 3: [3]}), "a.xlsx"))
    assert [cell.value for cell in shown[1]] == ["=1+1", "a / 2", "3"]
    assert shown["A1"].data_type == "s"


@pytest.mark.parametrize(
    ("dtype", "values", "seen"),
    [
        ("Int64", [1, None, -(10**14)], [1, None, -(10**14)]),
        ("Float64", [1.5, None], [1.5, None]),
        ("float64", [1.5, float("nan"), float("inf"), float("-inf")], [1.5, None, "inf", "-inf"]),
        ("boolean", [True, None, False], [True, None, False]),
        ("bool", [True, False], [True, False]),
        ("int64", [2**53 + 1, 999_999_999_999_999], [str(2**53 + 1), 999_999_999_999_999]),
        ("string", ["a", None], ["a", None]),
        (object, [None, pd.NA, pd.NaT, float("nan"), "last"], [None, None, None, None, "last"]),
        (
            object,
            [[1, {"a": "é"}], {"b": None}, Decimal("1.10")],
            ['[1, {"a": "é"}]', '{"b": null}', "1.10"],
        ),
    ],
)
def test_values_keep_their_type_and_missing_values_are_empty_cells(
    dtype: Any, values: list[Any], seen: list[Any]
) -> None:
    read = written(values, dtype)
    assert read == seen
    assert [type(each) for each in read] == [type(each) for each in seen]


def test_times_are_converted_to_naive_utc() -> None:
    moment = pd.Timestamp("2026-03-29 03:30:15.250", tz="Europe/Berlin")
    read = written(
        [moment, moment.tz_convert("UTC"), pd.Timestamp("2026-01-01"), dt.date(2026, 1, 2)]
    )
    assert read[0] == read[1] == moment.tz_convert("UTC").tz_localize(None)
    assert read[2:] == [dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 2)]


def test_times_outside_the_calendar_of_excel_become_text() -> None:
    # By numpy: to_datetime of pandas 2.2 counts nanoseconds, which do not reach that far.
    moments = np.array(
        ["1899-12-31T00:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59"], "datetime64[us]"
    )
    read = written(list(pd.DatetimeIndex(moments).tz_localize("UTC")))
    assert read[:2] == ["1899-12-31 00:00:00+00:00", "0001-01-01 00:00:00+00:00"]
    assert read[2] == dt.datetime(9999, 12, 31, 23, 59, 59)


@pytest.mark.parametrize(("character", "kept"), [("x", 32_759), ("\U0001f600", 16_379)])
def test_text_that_is_too_long_is_cut_and_marked(character: str, kept: int) -> None:
    fits = character * (2 * 32_767 // len(character.encode("utf-16-le")))
    read = written([fits, character * 40_000])
    assert read[0] == fits
    assert read[1] == character * kept + " … (cut)"
    assert len(read[1].encode("utf-16-le")) <= 2 * 32_767


def test_characters_invalid_in_xml_become_escapes() -> None:
    assert written(["a\x00b\x1bc", "half \ud83d", "\uffff"]) == [
        "a\\x00b\\x1bc",
        "half \\ud83d",
        "\\uffff",
    ]


def test_several_frames_become_sheets_with_valid_names() -> None:
    names = [
        "rules",
        "RULES",
        "a/b\\c:d*e?f[g]",
        "'quoted'",
        "History",
        "",
        " ",
        "x" * 40,
        "x" * 41,
        "\U0001f600" * 20,
        "a\nb",
    ]
    path = to_excel(
        {name: pd.DataFrame({"a": [number]}) for number, name in enumerate(names)}, "a.xlsx"
    )
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == [
        "rules",
        "RULES (2)",
        "a_b_c_d_e_f_g_",
        "quoted",
        "History_",
        "Sheet",
        "Sheet (2)",
        "x" * 31,
        "x" * 27 + " (2)",
        "\U0001f600" * 15,
        "a_b",
    ]
    assert [each["A2"].value for each in book] == list(range(len(names)))


@pytest.mark.parametrize(
    ("frames", "path", "says"),
    [
        ([1], "a.xlsx", "Expected a DataFrame"),
        ({}, "a.xlsx", "Expected a DataFrame"),
        ({"a": [1]}, "a.xlsx", "'a' is a list, not a DataFrame"),
        ({1: pd.DataFrame()}, "a.xlsx", "Expected text as the name of a sheet"),
        (
            pd.DataFrame(index=range(1_048_576)),
            "a.xlsx",
            "1,048,576 rows, but an Excel sheet takes 1,048,575",
        ),
        (pd.DataFrame(columns=range(16_385)), "a.xlsx", "16,385 columns"),
        (pd.DataFrame(), "a.csv", "must end in .xlsx"),
        (pd.DataFrame(), "site", "must end in .xlsx"),
        (pd.DataFrame(), "none/a.xlsx", "does not exist"),
        (pd.DataFrame(), "", "Expected the path"),
        (pd.DataFrame(), 5, "Expected the path"),
    ],
)
def test_invalid_arguments_are_refused_before_anything_is_written(
    frames: Any, path: Any, says: str
) -> None:
    with pytest.raises(ArgumentError, match=says):
        to_excel(frames, path)
    assert list(Path.cwd().iterdir()) == []


def test_empty_frames_become_sheets() -> None:
    book = openpyxl.load_workbook(
        to_excel({"none": pd.DataFrame(), "empty": pd.DataFrame({"a": []})}, "a.xlsx")
    )
    assert [(each.max_row, each["A1"].value) for each in book] == [(1, None), (1, "a")]


class _Unwritable:
    def __str__(self) -> str:
        raise KeyboardInterrupt


def test_existing_file_is_replaced_completely_or_not_at_all() -> None:
    path = Path("a.xlsx")
    path.write_text("before")
    path.chmod(0o640)
    with pytest.raises(KeyboardInterrupt):
        to_excel(pd.DataFrame({"a": pd.Series([*range(300), _Unwritable()], dtype=object)}), path)
    assert path.read_text() == "before"
    assert [each.name for each in Path.cwd().iterdir()] == ["a.xlsx"]
    to_excel(pd.DataFrame({"a": [1]}), path)
    assert cells(path) == [1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in Path.cwd().iterdir()] == ["a.xlsx"]


def test_link_stays_and_its_target_is_replaced() -> None:
    Path("link.xlsx").symlink_to("real.xlsx")
    to_excel(pd.DataFrame({"a": [1]}), "link.xlsx")
    assert Path("link.xlsx").is_symlink()
    assert cells(Path("real.xlsx")) == [1]


def test_path_of_a_folder_is_refused() -> None:
    folder = Path("a.xlsx")
    folder.mkdir()
    with pytest.raises(ArgumentError, match="is a folder"):
        to_excel(pd.DataFrame(), folder)


def test_missing_xlsxwriter_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ArgumentError, match="pip install") as caught:
        to_excel(pd.DataFrame(), "a.xlsx")
    assert caught.value.__context__ is None


def test_settings_are_written_as_their_json_text(reactor: Any) -> None:
    elements = reactor.data_elements(reactor.properties())
    path = adobe_nb.to_excel({"data elements": elements}, "a.xlsx")
    rows = list(sheet(path, "data elements").iter_rows(values_only=True))
    at = rows[0].index("settings")
    assert [row[at] for row in rows[1:]] == [
        None if pd.isna(each) else each for each in elements["settings"]
    ]
    assert json.loads(rows[1][at]) is not None
