"""The tutorials run top to bottom, on the simulator and in a live-like setup, and keep no secret."""

import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import nbformat
import pandas as pd
import pytest

import adobe_nb
from adobe_nb import analysis, simulator
from adobe_nb.simulator.server import Simulator
from tests.conftest import SIGN_IN_VALUES
from tests.notebooks import runner as notebook_runner
from tests.notebooks.runner import comparable, execute, paths
from tests.test_session import env_of, write

DOCS = Path(__file__).parents[2] / "docs"
STEPS = [
    *(f"R{number}" for number in range(1, 15)),
    *(f"E{number}" for number in range(1, 11)),
    *(f"E10{letter}" for letter in "abcdef"),
]
CODES = {"a": 0, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}
CAUSES = [
    "e10a-1",
    "e10a-2",
    "e10a-3",
    "e10a-4",
    "e10b-1",
    "e10c-1",
    "e10d-1",
    "e10d-2",
    "e10e-1",
    "e10f-1",
]


def outputs(notebook: nbformat.NotebookNode) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@pytest.fixture(scope="module")
def bad_day() -> Iterator[dict[str, str]]:
    """A simulator in another process: tokens that live 5 seconds, 20 ms latency, 5 % of 429."""
    script = "import sys; from adobe_nb.cli import main; sys.exit(main())"
    options = ["--json", "--token-ttl", "5", "--latency", "20", "--fault", "429:0.05"]
    process = subprocess.Popen(
        [sys.executable, "-c", script, "simulator", *options], stdout=subprocess.PIPE, text=True
    )
    yield json.loads(process.stdout.readline())
    process.terminate()
    process.communicate(timeout=300)


def test_a_kernel_that_does_not_come_up_leaves_interrupts_as_they_were(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="Kernel died"):
        execute(paths()[0], tmp_path, {"PYTHONHOME": str(tmp_path)})
    assert signal.getsignal(signal.SIGINT) is before


SOLUTION = re.compile(
    r"<details><summary>Solution</summary>\n\n```python\n(.*?)```\n\n</details>", re.DOTALL
)


def solutions(path: Path) -> list[nbformat.NotebookNode]:
    """The solutions of the exercises, as cells."""
    cells = nbformat.read(path, as_version=4).cells
    exercises = next(cell.source for cell in cells if cell.id == "exercises")
    return [nbformat.v4.new_code_cell(code) for code in SOLUTION.findall(exercises)]


@cache
def run_with_solutions(path: Path) -> tuple[nbformat.NotebookNode, list[Any], list[Path]]:
    """The notebook after a run on the built-in simulator, the solutions, and files it left."""
    notebook = nbformat.read(path, as_version=4)
    number = len(notebook.cells)
    notebook.cells += solutions(path)
    with tempfile.TemporaryDirectory() as source, tempfile.TemporaryDirectory() as folder:
        nbformat.write(notebook, Path(source) / path.name)
        notebook = execute(Path(source) / path.name, Path(folder))
        left = list(Path(folder).iterdir())
    solved = notebook.cells[number:]
    notebook.cells = notebook.cells[:number]
    return notebook, solved, left


def run_without_edits(path: Path) -> tuple[nbformat.NotebookNode, list[Path]]:
    """The notebook after a run on the built-in simulator, and what that left in its folder."""
    notebook, _, left = run_with_solutions(path)
    return notebook, left


def each_notebook(plain: str) -> pytest.MarkDecorator:
    """One test for each notebook, of which a plain run takes only the one that is named."""
    cases = [
        pytest.param(path, id=path.stem, marks=() if path.stem == plain else pytest.mark.thorough)
        for path in paths()
    ]
    return pytest.mark.parametrize("path", cases)


def assert_no_token(saved: str) -> None:
    assert not re.search(r"eyJ[\w-]{20,}\.[\w-]{20,}\.", saved)


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
class TestEachNotebook:
    def test_runs_on_the_built_in_simulator_without_edits(self, path: Path) -> None:
        notebook, left = run_without_edits(path)
        assert all(output.output_type != "error" for output in outputs(notebook))
        assert left == []

    @pytest.mark.skipif(
        pd.__version__ < "3", reason="committed with pandas 3, whose tables look different as text"
    )
    def test_shows_what_is_committed(self, path: Path) -> None:
        committed = comparable(nbformat.read(path, as_version=4))
        assert comparable(run_without_edits(path)[0]) == committed
        assert sum(map(len, committed.values())) > 1000

    def test_keeps_no_token_and_no_secret(self, path: Path) -> None:
        notebook, _ = run_without_edits(path)
        saved = json.dumps(notebook)
        assert_no_token(saved)
        assert not re.search(r"simulated-[0-9a-f]", saved), (
            "the client secrets of the built-in simulator begin so"
        )

    def test_is_committed_with_outputs_and_without_tokens(self, path: Path) -> None:
        notebook = nbformat.read(path, as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in code)
        assert not re.search(
            r"eyJ[\w-]{10,}\.|simulated-[0-9a-f]", path.read_text(encoding="utf-8")
        )
        assert "widgets" not in notebook.metadata

    def test_has_two_exercises_whose_solutions_show_an_answer(self, path: Path) -> None:
        solved = run_with_solutions(path)[1]
        assert len(solved) == 2
        assert all(cell.outputs for cell in solved)

    def test_uses_public_names_only(self, path: Path) -> None:
        public = {*adobe_nb.__all__, "analysis", "snapshot", "simulator"}
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                names = re.findall(r"\badobe_nb\.(\w+)", cell.source)
                for imported in re.findall(r"^from adobe_nb import (.+)$", cell.source, re.M):
                    names += imported.split(", ")
                assert set(names) <= public | {"charts"}, cell.id
                assert not re.search(r"from adobe_nb\.|import adobe_nb\.", cell.source), cell.id

    def test_shows_the_panel_in_the_first_notebook_only(self, path: Path) -> None:
        cell = next(
            cell for cell in nbformat.read(path, as_version=4).cells if cell.id == "sign-in"
        )
        assert ("%adobe_auth" in cell.source) == (path.stem == "01_sign_in")

    def test_says_at_the_top_how_to_run_it_against_adobe(self, path: Path) -> None:
        first = nbformat.read(path, as_version=4).cells[0]
        assert "Against Adobe" in first.source
        assert ".env" in first.source


@pytest.mark.skipif(
    pd.__version__ < "3", reason="committed with pandas 3, whose tables look different as text"
)
@each_notebook(plain="02_explore_a_property")
def test_shows_the_same_tables_twice_on_a_slow_and_busy_simulator_elsewhere(
    path: Path, tmp_path: Path, bad_day: dict[str, str]
) -> None:
    lines = [f"ADOBE_{name.upper()}={bad_day[name]}\n" for name in SIGN_IN_VALUES]
    write(tmp_path / ".env", "".join(lines))
    committed = comparable(nbformat.read(path, as_version=4))
    for _ in range(2):
        assert comparable(execute(path, tmp_path)) == committed


@each_notebook(plain="01_sign_in")
def test_runs_with_credentials_from_an_env_file(path: Path, tmp_path: Path) -> None:
    with Simulator() as elsewhere:
        write(tmp_path / ".env", env_of(elsewhere))
        notebook = execute(path, tmp_path)
        saved = json.dumps(notebook)
        # The third notebook sends its events to a simulator of its own, whose accounts it knows.
        assert any(
            request.path.startswith(("/companies", "/ims/token")) for request in elsewhere.requests
        )
        secrets = {
            *elsewhere.ims.issued,
            *(each.client_secret for each in elsewhere.accounts.values()),
        }
    assert not any(secret in saved for secret in secrets)
    assert_no_token(saved)
    if path.stem == "01_sign_in":
        assert notebook.metadata.widgets, "the widget state is part of what was searched"


@pytest.mark.parametrize("path", paths()[3:5], ids=lambda path: path.stem)
def test_against_adobe_nothing_is_sent_until_a_property_is_named(
    path: Path, tmp_path: Path
) -> None:
    """The condition of the notebook is replaced, because no test reaches Adobe."""
    notebook = nbformat.read(path, as_version=4)
    condition = 'if session.service == "Adobe" and not PROPERTY:'
    for cell in notebook.cells:
        cell.source = cell.source.replace(condition, "if True:")
    assert any("if True:" in cell.source for cell in notebook.cells)
    notebook.cells += solutions(path)
    with Simulator() as elsewhere:
        write(tmp_path / ".env", env_of(elsewhere))
        nbformat.write(notebook, tmp_path / path.name)
        preview = execute(tmp_path / path.name, tmp_path)
        sent = {(request.method, request.path) for request in elsewhere.requests}
    assert {method for method, _ in sent} <= {"GET", "POST"}
    assert {path for method, path in sent if method == "POST"} <= {"/ims/token/v3"}
    assert "preview" in json.dumps(preview)


def code_in(path: Path, cell: str) -> list[str]:
    """The blocks of code in a text of a notebook."""
    source = next(c.source for c in nbformat.read(path, as_version=4).cells if c.id == cell)
    return re.findall(r"```python\n(.*?)```", source, re.DOTALL)


def folded_cell(path: Path) -> str:
    """The code to run in a property that exists, instead of the cells that create one."""
    [code] = code_in(path, "existing-note")
    return code


def test_a_property_that_exists_can_be_used_to_create_an_extension(session: object) -> None:
    names: dict[str, Any] = {"reactor": adobe_nb.reactor, "PROPERTY": "Web Store US"}
    exec(folded_cell(paths()[3]), names)
    assert names["site"][["name", "development"]].iloc[0].to_list() == ["Web Store US", True]


def test_a_property_that_exists_can_be_used_to_publish_a_library(session: object) -> None:
    names: dict[str, Any] = {"reactor": adobe_nb.reactor, "PROPERTY": "Web Store US"}
    exec(folded_cell(paths()[4]), names)
    assert names["core"]["name"].to_list() == ["core"]
    for stage in ("development", "staging", "production"):
        assert names[stage]["stage"].to_list() == [stage]


def answers_notebook() -> tuple[nbformat.NotebookNode, dict[str, nbformat.NotebookNode]]:
    """The notebook of answers, and its cells by id."""
    notebook = nbformat.read(paths()[6], as_version=4)
    return notebook, {cell.id: cell for cell in notebook.cells}


def test_answers_about_a_property_that_has_nothing(tmp_path: Path) -> None:
    notebook, cells = answers_notebook()
    create = 'reactor.properties.create(name="Empty", platform="web", domains=["empty.example"])'
    cells["read"].source = cells["read"].source.replace("Web Store US", "Empty")
    cells["read"].source = f"{create}\n{cells['read'].source}"
    notebook.cells += solutions(paths()[6])
    nbformat.write(notebook, tmp_path / "empty.ipynb")
    shown = comparable(execute(tmp_path / "empty.ipynb", tmp_path))
    assert "<Tags Empty: 0 rules" in shown["read"]
    assert shown["one"] == "Nothing in this property uses a data element."
    assert shown["flow"] == "This property has no rules."


def test_answers_are_about_the_property_with_the_most_rules_unless_one_is_named(
    session: object,
) -> None:
    _, cells = answers_notebook()
    names: dict[str, Any] = {"reactor": adobe_nb.reactor, "analysis": analysis}
    exec(cells["read"].source.replace("Web Store US", "Elsewhere"), names)
    counts = adobe_nb.reactor.rules(names["properties"])["property_id"].value_counts()
    assert names["site"]["id"].iloc[0] == counts.idxmax()
    assert names["name"] != names["properties"]["name"].iloc[0]
    with pytest.raises(adobe_nb.ArgumentError, match="No property is called 'Web Stor'"):
        exec(cells["read"].source.replace('name = "Web Store US"', 'name = "Web Stor"'), names)


def test_the_only_property_is_not_compared_with_itself(
    session: object, capsys: pytest.CaptureFixture[str]
) -> None:
    _, cells = answers_notebook()
    site = adobe_nb.reactor.find("properties", "Web Store US")
    names = {"site": site, "properties": site, "name": "Web Store US"}
    exec(f"{cells['other'].source}\n{cells['diff'].source}", names)
    assert "nothing to compare" in capsys.readouterr().out


def run_variant(
    path: Path,
    folder: Path,
    *,
    replaced: Mapping[str, str] = MappingProxyType({}),
    before: Iterable[str] = (),
    after: Iterable[str] = (),
    repeated: Iterable[str] = (),
    refused_again: Iterable[str] = (),
) -> dict[str, str]:
    """Run a notebook with changed lines, and cells before, after and twice; cell id to its text."""
    notebook = nbformat.read(path, as_version=4)
    for old, new in replaced.items():
        assert any(old in cell.source for cell in notebook.cells), old
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.source = cell.source.replace(old, new)
    cells = [nbformat.v4.new_code_cell(code) for code in before]
    for cell in notebook.cells:
        cells.append(cell)
        again = nbformat.v4.new_code_cell(cell.source)
        if cell.id in refused_again:
            again.metadata.tags = ["raises-exception"]
        if cell.id in (*repeated, *refused_again):
            cells.append(again)
    cells += [nbformat.v4.new_code_cell(code) for code in after]
    notebook.cells = cells
    nbformat.write(notebook, folder / path.name)
    return comparable(execute(folder / path.name, folder))


def raises(code: str, error: str) -> str:
    """A cell that passes when the code raises that error."""
    body = "".join(f"    {line}\n" for line in code.splitlines())
    return f"try:\n{body}except {error}:\n    pass\nelse:\n    raise AssertionError"


EXTENSION = paths()[3]
AS_ADOBE = 'session.service == "Adobe"'
NAME_PROPERTY = 'PROPERTY = ""'


def test_an_extension_is_not_released_unless_that_is_switched_on(tmp_path: Path) -> None:
    """The condition of the notebook is replaced, because no test reaches Adobe."""
    harmless, _, unreleased, _, delete = code_in(EXTENSION, "tidy")
    with Simulator() as elsewhere:
        write(tmp_path / ".env", env_of(elsewhere))
        run_variant(
            EXTENSION,
            tmp_path,
            replaced={AS_ADOBE: "True", NAME_PROPERTY: 'PROPERTY = "For practice"'},
            after=[
                harmless,
                unreleased,
                raises(delete, "adobe_nb.ConfirmationRequired"),
                delete.replace('confirm=""', 'confirm="For practice"'),
            ],
        )
        sent = [request for request in elsewhere.requests if request.method != "GET"]
    assert not any(b"release_private" in request.body for request in sent)
    assert not any(request.path.endswith("/libraries") for request in sent)
    removed = [request.path.split("/")[1] for request in sent if request.method == "DELETE"]
    assert removed == ["data_elements", "extensions", "extension_packages", "properties"]


def test_a_property_that_existed_is_not_deleted_with_what_the_notebook_created(
    tmp_path: Path,
) -> None:
    harmless, released, _, reset, delete = code_in(EXTENSION, "tidy")
    property_cell = next(
        cell.source
        for cell in nbformat.read(EXTENSION, as_version=4).cells
        if cell.id == "property"
    )
    earlier = """
import adobe_nb
from adobe_nb import reactor
adobe_nb.connect(fallback="simulator")
other = reactor.extensions.find("core", reactor.find("properties", "Checkout"))
reactor.extensions.update(other, settings={})
"""
    shown = run_variant(
        EXTENSION,
        tmp_path,
        replaced={
            NAME_PROPERTY: 'PROPERTY = "Web Store US"',
            property_cell: folded_cell(EXTENSION),
        },
        before=[earlier],
        repeated=["files", "bad", "mend", "upgrade"],
        refused_again=["install", "release", "next-version"],
        after=[
            harmless,
            released,
            reset,
            raises(delete.replace('confirm=""', 'confirm="Web Store US"'), "RuntimeError"),
            'assert not reactor.find("properties", "Web Store US")["development"].iloc[0]',
        ],
    )
    assert shown["journal"].count("reactor.extensions.update") == 1
    assert "reactor.properties.update" in shown["journal"]


EXPLORE = paths()[1]
CREATE_EMPTY = """
import adobe_nb
from adobe_nb import reactor
adobe_nb.connect(fallback="simulator")
reactor.properties.create(name="Empty", platform="web", domains=["a.example"])
"""


@pytest.mark.parametrize(
    "name",
    [
        "Web Store DE",
        "Event Forwarding",
        pytest.param("Checkout", marks=pytest.mark.thorough),
        pytest.param("Magazine", marks=pytest.mark.thorough),
        pytest.param("Store App", marks=pytest.mark.thorough),
        pytest.param("Empty", marks=pytest.mark.thorough),
    ],
)
def test_any_property_can_be_explored(name: str, tmp_path: Path) -> None:
    shown = run_variant(
        EXPLORE,
        tmp_path,
        replaced={'name = "Web Store US"  #': f'name = "{name}"  #'},
        before=[CREATE_EMPTY] if name == "Empty" else [],
    )
    assert name in shown["find"]
    if name == "Web Store DE":
        # Adobe Analytics has its variables in a list.
        assert re.search(r"Page Name used [1-9]", shown["elements"])


def test_a_mistyped_property_is_not_replaced_by_another(tmp_path: Path) -> None:
    with pytest.raises(notebook_runner.CellExecutionError, match="No property is called 'Web Stor"):
        run_variant(
            EXPLORE, tmp_path, replaced={'name = "Web Store US"  #': 'name = "Web Stor"  #'}
        )


EVENTS = paths()[2]
DATASTREAM = simulator.DATASTREAMS["web"].id


def test_as_many_events_are_sent_to_a_datastream_as_the_notebook_says(tmp_path: Path) -> None:
    with Simulator() as elsewhere:
        write(tmp_path / ".env", env_of(elsewhere))
        run_variant(
            EVENTS,
            tmp_path,
            replaced={
                'my_datastream = ""': f'my_datastream = "{DATASTREAM}"',
                'session.service != "Adobe"': "False",
            },
        )
        sent = [request for request in elsewhere.requests if "/v2/" in request.path]
    bodies = [json.loads(request.body) for request in sent]
    events = [event for body in bodies for event in body.get("events", [body.get("event")])]
    purchases = [event for event in events if "commerce" in event["xdm"]["eventType"]]
    note = next(
        c.source for c in nbformat.read(EVENTS, as_version=4).cells if c.id == "e1-two-kinds"
    )
    assert "sends ten events: eight page views" in note
    assert (len(events), len(purchases)) == (10, 2)
    assert all(event["xdm"]["timestamp"].startswith("2026-07-01") for event in purchases)
    assert purchases[0]["xdm"]["commerce"]["order"]["priceTotal"] == 129


def test_a_datastream_of_adobe_is_refused_on_the_simulator(tmp_path: Path) -> None:
    with pytest.raises(notebook_runner.CellExecutionError, match="no credentials were found"):
        run_variant(
            EVENTS,
            tmp_path,
            replaced={'my_datastream = ""': f'my_datastream = "{DATASTREAM}"'},
        )


def test_the_runner_reports_a_failing_cell(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("raise ValueError('x')")])
    nbformat.write(notebook, tmp_path / "bad.ipynb")
    with pytest.raises(notebook_runner.CellExecutionError):
        execute(tmp_path / "bad.ipynb", tmp_path)


def test_every_step_of_adobes_tutorial_is_mapped_to_cells_that_exist() -> None:
    page = (DOCS / "tutorials.md").read_text(encoding="utf-8")
    text = page[: page.index("## Links")]
    rows = {
        row[0].strip(): row
        for row in (
            line.strip("| ").split("|")
            for line in text.splitlines()
            if re.match(r"\| [RE]\d", line)
        )
    }
    assert list(rows) == STEPS
    known = {cell.id for path in paths() for cell in nbformat.read(path, as_version=4).cells}
    for step, row in rows.items():
        cells = re.findall(r"`([\w-]+)`", row[2])
        assert cells, step
        assert set(cells) <= known, step
    mapped = set(re.findall(r"`([re]\d+[a-f]?(?:-[\w-]+)?)`", text))
    assert {cell for cell in known if re.match(r"[re]\d", cell)} <= mapped


def test_each_cause_of_the_table_is_refused_and_then_works() -> None:
    notebook, _ = run_without_edits(
        notebook_runner.NOTEBOOKS / "03_edge_network_authentication.ipynb"
    )
    told = {
        cell.id: "".join(output.get("text", "") for output in cell.get("outputs", []))
        for cell in notebook.cells
    }
    for cause in CAUSES:
        refused, _, works = told[cause].strip().rpartition("\n")
        assert f"EXEG-050{CODES[cause[3]]}-401" in refused, cause
        assert works.startswith("It works"), cause
