"""The recorded scenarios, played again; and that the guard knows nothing of the inside."""

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import adobe_nb

GUARD = Path(__file__).parent
RECORDED = sorted(path.stem for path in (GUARD / "recorded").glob("*.json"))
SOURCES = sorted(GUARD.glob("*.py"))
PUBLIC = {*adobe_nb.__all__, "snapshot", "__all__"}


@pytest.fixture(scope="module")
def play() -> Iterator[Callable[[str], str]]:
    """Plays a scenario in a process that knows nothing of this test run, and gives its record."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ADOBE_", "XDG_"))
    }
    with tempfile.TemporaryFile(mode="w+") as complaints:
        process = subprocess.Popen(
            [sys.executable, str(GUARD), "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            encoding="utf-8",
            env=environment,
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        asked, answered = process.stdin, process.stdout

        def played(name: str) -> str:
            asked.write(f"{name}\n")
            asked.flush()
            answer = answered.readline()
            if not answer:
                complaints.seek(0)
                pytest.fail(f"The scenario {name} ended with:\n{complaints.read()[-4000:]}")
            return str(json.loads(answer))

        yield played
        asked.close()
        answered.close()
        process.wait(30)


@pytest.mark.parametrize("name", RECORDED)
def test_scenario_is_as_recorded(name: str, play: Callable[[str], str]) -> None:
    recorded = (GUARD / "recorded" / f"{name}.json").read_text(encoding="utf-8")
    assert play(name).splitlines() == recorded.splitlines()


def test_each_scenario_is_recorded_and_each_record_has_a_scenario() -> None:
    tree = ast.parse((GUARD / "scenarios.py").read_text(encoding="utf-8"))
    scenarios = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any("scenario" in ast.dump(each) for each in node.decorator_list)
    }
    assert scenarios == set(RECORDED)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_guard_imports_only_public_names(path: Path) -> None:
    beside = {each.stem for each in SOURCES}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            root = str(node.module).partition(".")[0]
            assert root != "tests"
            if root == "adobe_nb":
                assert node.module == "adobe_nb"
                assert {each.name for each in node.names} <= PUBLIC
        if isinstance(node, ast.Import):
            for each in node.names:
                root = each.name.partition(".")[0]
                assert root != "tests"
                assert root != "adobe_nb" or each.name == "adobe_nb"
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "adobe_nb"
        ):
            assert node.attr in PUBLIC
        if isinstance(node, ast.Call) and "import_module" in ast.dump(node.func):
            pytest.fail(f"{path.name} imports by name")
    assert "conftest" not in beside
