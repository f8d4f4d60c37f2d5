"""The file of error codes: its schema, and when it is read."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from adobe_nb.api.edge import error_catalog
from adobe_nb.api.edge.error_catalog import Kind, edge_codes

PATH = Path(error_catalog.__file__).with_suffix(".toml")
TABLES = tomllib.loads(PATH.read_text(encoding="utf-8"))
REQUIRED = {"title", "kind", "send_again", "cause", "fix"}
SENDS_AGAIN = {"no", "after the fix", "after a pause", "not needed"}


def test_there_are_46_codes_in_order() -> None:
    assert len(TABLES) == 46
    assert list(TABLES) == sorted(TABLES)
    assert list(edge_codes()) == list(TABLES)


@pytest.mark.parametrize("code", TABLES)
def test_a_table_follows_the_schema(code: str) -> None:
    table = TABLES[code]
    assert re.fullmatch(r"EXEG-[0-9]{4}-[0-9]{3}", code)
    assert set(table) - {"message"} == REQUIRED
    assert all(isinstance(value, str) and value == value.strip() for value in table.values())
    assert table["kind"] in get_args(Kind)
    assert table["send_again"] in SENDS_AGAIN
    assert table["cause"].endswith(".")
    assert table["fix"].endswith(".")
    assert table.get("message") != table["title"]


def test_the_file_is_read_when_a_code_is_first_needed() -> None:
    script = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import adobe_nb
adobe_nb.edge, adobe_nb.connect
assert not [path for path in opened if path.endswith("error_catalog.toml")]
adobe_nb.edge.errors()
assert [path for path in opened if path.endswith("edge/error_catalog.toml")]
"""
    subprocess.run([sys.executable, "-c", script], check=True)
