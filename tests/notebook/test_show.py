"""show(): what the output of a cell holds, with itables and without."""

import json
import re
import sys
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ipykernel.zmqshell import ZMQDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from jupyter_client.session import Session

import adobe_nb
from adobe_nb.notebook.display import NOT_MATH
from adobe_nb.notebook.show import SortableTable
from adobe_nb.notebook.tables import html_view

LIBRARY_SIZE = 200_000
LARGEST = sys.float_info.max


def outputs(shell: InteractiveShell, cell: str, **names: Any) -> list[dict[str, str]]:
    """The outputs of a cell by MIME type."""
    shell.push({"adobe_nb": adobe_nb, **names})
    with capture_output() as captured:
        shell.run_cell(cell, store_history=True).raise_error()
    return [output.data for output in captured.outputs]


def html_of(shell: InteractiveShell, frame: pd.DataFrame) -> str:
    return outputs(shell, "adobe_nb.show(frame)", frame=frame)[0]["text/html"]


def table_in(html: str) -> dict[str, Any]:
    """The columns and rows that the script gets."""
    arguments = html[html.rindex('})("adobe-nb-') + 3 : html.rindex(")</script>")]
    return json.loads(f"[{arguments}]")[1]


def test_has_every_column_whole_in_the_order_of_the_display(
    shell: InteractiveShell, session: Any
) -> None:
    rules = session.reactor.rules(session.reactor.find("properties", "Magazine"))
    html = html_of(shell, rules)
    table = table_in(html)
    with pd.option_context("display.max_columns", None):
        assert table["columns"] == list(html_view(rules).frame.columns)
    assert len(table["rows"]) == len(rules)
    row = dict(zip(table["columns"], table["rows"][0], strict=True))
    assert row["id"] == rules["id"][0]
    assert row["updated_at"][0] == f"{rules['updated_at'][0]:%Y-%m-%d %H:%M:%S}"
    assert "times in UTC" in html


def test_names_are_data(shell: InteractiveShell, session: Any) -> None:
    name = "</script><script>alert(1)</script><img src=x onerror=alert(2)> $x$"
    frame = session.reactor.properties().assign(name=name)
    html = html_of(shell, frame.rename(columns={"token": name}))
    assert re.match(f'<div id="adobe-nb-[0-9a-f]{{32}}" class="{NOT_MATH}">', html)
    assert "<script>alert" not in html
    assert "<img" not in html
    table = table_in(html)
    assert name in table["columns"]
    assert name in table["rows"][0]


def test_loads_nothing_from_a_network(shell: InteractiveShell) -> None:
    html = html_of(shell, pd.DataFrame({"a": [1]}))
    assert not re.search("https?:|src=|href=|url\\(", html)


def test_any_frame_is_shown_with_values_that_a_browser_can_sort(shell: InteractiveShell) -> None:
    values = {
        "number": [2, 10**17],
        "part": [0.5, float("nan")],
        "infinite": [float("inf"), 1.0],
        "flag": [True, False],
        "missing flag": pd.array([True, None], "boolean"),
        "time": [pd.Timestamp("2026-01-01 01:30", tz="Asia/Tokyo"), pd.NaT],
        "list": [[1, "a"], None],
    }
    html = html_of(shell, pd.DataFrame(values))
    table = table_in(html)
    assert table["columns"] == list(values)
    assert table["rows"] == [
        [
            2,
            0.5,
            ["inf", LARGEST],
            "True",
            "True",
            ["2026-01-01 01:30:00", "2025-12-31T16:30:00.000Z"],
            "[1, 'a']",
        ],
        [[str(10**17), 1e17], "", 1.0, "False", "", "", ""],
    ]
    assert "times in Asia/Tokyo" in html


@pytest.mark.parametrize(
    ("value", "text", "order"),
    [
        (pd.Timedelta(days=10, seconds=1), "10 days 00:00:01", 864_001.0),
        (float("-inf"), "-inf", -LARGEST),
        (-(10**400), str(-(10**400)), -LARGEST),
        (Fraction(10**400, 3), f"{10**400}/3", LARGEST),
        (Fraction(1, 3), "1/3", 1 / 3),
        (1e300, "1e+300", 1e300),
    ],
)
def test_numbers_that_a_browser_shows_differently_are_sorted_as_numbers(
    shell: InteractiveShell, value: Any, text: str, order: float
) -> None:
    frame = pd.DataFrame({"a": pd.Series([value], dtype=object)})
    [[cell]] = table_in(html_of(shell, frame))["rows"]
    assert cell == [text, order]


def test_number_of_32_bits_is_shown_with_its_own_digits(shell: InteractiveShell) -> None:
    frame = pd.DataFrame({"a": np.array([0.1, 0.5], "float32")})
    rows = table_in(html_of(shell, frame))["rows"]
    assert rows == [[["0.1", float(np.float32(0.1))]], [0.5]]


def test_index_is_shown_unless_it_numbers_the_rows(shell: InteractiveShell) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    assert table_in(html_of(shell, frame)) == {"columns": ["a"], "rows": [[1], [2]]}
    for index in ([2024, 2025], [1, 0], ["x", "y"]):
        table = table_in(html_of(shell, frame.set_axis(index)))
        assert table["columns"] == ["", "a"]
        assert [row[0] for row in table["rows"]] == index
    named = frame.rename_axis(0)
    assert table_in(html_of(shell, named))["columns"] == ["0", "a"]


def test_long_value_is_cut_and_counted(shell: InteractiveShell) -> None:
    html = html_of(shell, pd.DataFrame({"a": ["x" * 2_000_000, "y", "z"]}))
    rows = table_in(html)["rows"]
    assert len(rows) == 3
    assert rows[0] == ["x" * 10_000 + "…"]
    assert "Cut after 10,000 characters: 1 value." in html
    assert "The first" not in html


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [None, None]}),
        pd.DataFrame(index=[0, 1]),
    ],
)
def test_frame_of_which_nothing_can_sort_is_an_ordinary_table(
    shell: InteractiveShell, frame: pd.DataFrame
) -> None:
    html = html_of(shell, frame)
    assert "<script" not in html
    assert "<table" in html


def test_first_row_that_is_too_large_says_to_select_columns(shell: InteractiveShell) -> None:
    frame = pd.DataFrame([["x" * 10_000] * 101, ["y"] * 101])
    html = html_of(shell, frame)
    assert "select columns first: adobe_nb.show(frame[[" in html
    assert "run this cell" not in html
    assert "The first 0" not in html
    assert "<script" not in html
    assert len(table_in(html_of(shell, frame[[0, 1]]))["rows"]) == 2


def test_groups_and_columns_of_several_levels_are_named(shell: InteractiveShell) -> None:
    frame = pd.DataFrame({"site": ["a", "b"], "count": [1, 2]})
    grouped = frame.groupby("site").agg({"count": ["min", "max"]})
    table = table_in(html_of(shell, grouped))
    assert table == {
        "columns": ["site", "count / min", "count / max"],
        "rows": [["a", 1, 1], ["b", 2, 2]],
    }
    twice = pd.concat([frame, frame], axis="columns")
    assert table_in(html_of(shell, twice))["columns"] == ["site", "count"] * 2


def test_frame_with_attrs_that_cannot_be_shown_is_shown_by_pandas(
    shell: InteractiveShell, session: Any
) -> None:
    frame = session.reactor.properties()
    frame.attrs["outcomes"] = {"done": "some"}
    html = html_of(shell, frame)
    assert frame._repr_html_() in html
    assert "<script" not in html


def test_frame_without_rows_has_its_columns(shell: InteractiveShell, session: Any) -> None:
    none = session.reactor.properties().head(0)
    assert len(table_in(html_of(shell, none))["columns"]) == len(none.columns)


def test_says_how_many_rows_of_how_many_it_has(shell: InteractiveShell) -> None:
    html = html_of(shell, pd.DataFrame({"text": ["x" * 10_000] * 300}))
    shown = len(table_in(html)["rows"])
    assert 90 < shown < 100
    assert f"The first {shown} of 300 rows" in html
    assert len(html) < 1_400_000
    escaped = html_of(shell, pd.DataFrame({"text": ["<" * 200] * 20_000}))
    assert len(escaped) < 1_400_000
    long = html_of(shell, pd.DataFrame({"number": range(20_001)}))
    assert "The first 20,000 of 20,001 rows" in long


def test_times_within_a_second_have_different_orders(shell: InteractiveShell) -> None:
    # The clock is set back an hour at 01:00 UTC.
    texts = ["2025-10-26T00:30:00.007Z", "2025-10-26T00:30:00.010Z", "2025-10-26T01:10:00.000Z"]
    times = pd.Series(pd.to_datetime(texts)).dt.tz_convert("Europe/Berlin")
    rows = table_in(html_of(shell, times.to_frame("at")))["rows"]
    assert [cell for [cell] in rows] == [
        ["2025-10-26 02:30:00", texts[0]],
        ["2025-10-26 02:30:00", texts[1]],
        ["2025-10-26 02:10:00", texts[2]],
    ]


def sizes_in_kernel(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, *cells: str
) -> list[int]:
    """The sizes of the tables that a kernel sends when it runs these cells."""
    sizes: list[int] = []

    class Sent(Session):
        def send(self, _: Any, message: Any, **__: Any) -> None:
            if message["msg_type"] == "display_data":
                sizes.append(len(message["content"]["data"]["text/html"]))

    publisher = ZMQDisplayPublisher(shell=shell, session=Sent(key=b"x"))
    monkeypatch.setattr(shell, "display_pub", publisher)
    shell.push({"show": adobe_nb.show, "frame": pd.DataFrame({"a": [1]})})
    for cell in cells:
        shell.run_cell(cell, store_history=True).raise_error()
    return sizes


def test_first_table_of_each_cell_has_the_library(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = sizes_in_kernel(shell, monkeypatch, *["show(frame); show(frame)"] * 2)
    assert [size > LIBRARY_SIZE for size in sizes] == [True, False, True, False]


@pytest.mark.parametrize("wait", [True, False])
def test_first_table_after_the_output_was_cleared_has_the_library(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, wait: bool
) -> None:
    cell = (
        "from IPython.display import clear_output\n"
        f"for _ in range(2):\n    clear_output(wait={wait}); show(frame); show(frame)"
    )
    sizes = sizes_in_kernel(shell, monkeypatch, cell)
    assert [size > LIBRARY_SIZE for size in sizes] == [True, False, True, False]


def test_captured_tables_each_have_the_library_and_so_has_the_next(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = (
        "from IPython.utils.capture import capture_output\n"
        "with capture_output() as captured:\n    show(frame); show(frame)\n"
        "show(frame)"
    )
    (size,) = sizes_in_kernel(shell, monkeypatch, cell)
    assert size > LIBRARY_SIZE
    for output in shell.user_ns["captured"].outputs:
        assert len(output.data["text/html"]) > LIBRARY_SIZE


def test_table_outside_a_cell_has_the_library_and_so_has_the_next_cell(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        assert len(SortableTable(pd.DataFrame({"a": [1]}))._repr_html_()) > LIBRARY_SIZE
    assert sizes_in_kernel(shell, monkeypatch, "show(frame)")[0] > LIBRARY_SIZE


def test_ordinary_table_is_there_for_front_ends_without_scripts(
    shell: InteractiveShell, session: Any
) -> None:
    properties = session.reactor.properties()
    ordinary, _ = shell.display_formatter.format(properties)
    shown = outputs(shell, "adobe_nb.show(frame)", frame=properties)[0]
    step = "To sort and filter this table, run this cell in a notebook."
    assert ordinary["text/html"] in shown["text/html"].partition("<script>")[0]
    assert step in shown["text/html"]
    assert shown["text/plain"] == f"{ordinary['text/plain']}\n{step}"


def test_without_itables_the_ordinary_table_says_what_to_install(
    shell: InteractiveShell, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "itables", None)
    shown = outputs(shell, "adobe_nb.show(frame)", frame=session.reactor.properties())[0]
    assert 'pip install "adobe_nb[lab]"' in shown["text/plain"]
    assert "pip install &quot;adobe_nb[lab]&quot;" in shown["text/html"]
    assert "<script" not in shown["text/html"]


@pytest.mark.parametrize("other", [[1], pd.Series([1]), {"a": 1}, None, datetime.now(UTC)])
def test_anything_but_a_frame_is_refused(other: Any) -> None:
    with pytest.raises(adobe_nb.ArgumentError, match="requires a DataFrame, got .*to_frame"):
        adobe_nb.show(other)
