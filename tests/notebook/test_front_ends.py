"""What each feature shows where no widget can: as text only, or without the packages of widgets."""

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tqdm
import tqdm.auto
import tqdm.notebook
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from adobe_nb.api import progress
from adobe_nb.http.limiter import Limiter
from adobe_nb.notebook import panel
from adobe_nb.snapshot import live
from tests.support.hosted import Colab
from tests.test_session import env_of, write

_WIDGETS = ("anywidget", "ipywidgets")
_READ = """
from adobe_nb import analysis, connect
session = connect(simulator=True)
tags = analysis.read(session.reactor.find("properties", "Store App"))
"""
FEATURES = {
    "panel without a session": (
        "%adobe_auth panel",
        ["not signed in", "%adobe_auth login", 'connect(secrets="colab")', ".env", "simulator"],
    ),
    "panel without credentials": ("%adobe_auth", ["Note", "No credentials were found"]),
    "panel with a session": (
        "%adobe_auth --simulator",
        ["signed in", "Hearth & Harbor", "Simulator (no Adobe account involved)", "renews"],
    ),
    "login": ("%adobe_auth login --simulator", ["signed in", "the built-in simulator"]),
    "status": ("%adobe_auth status", ["not signed in", "%adobe_auth login"]),
    "profiles": ("%adobe_auth profiles", ["none", "login --save NAME"]),
    "table": (f"{_READ}\nsession.reactor.properties()", ["id", "6 rows × 19 columns"]),
    "table of the magic": (f"{_READ}\n%reactor properties", ["id", "6 rows × 19 columns"]),
    "sortable table": (
        f"import adobe_nb{_READ}\nadobe_nb.show(session.reactor.properties())",
        ["Store App", "6 rows × 19 columns", "run this cell in a notebook"],
    ),
    "answer": (
        f"{_READ}\ntags.references()",
        ["App Version", "13 rows", "The code of the pages is not"],
    ),
    "chart": (f"{_READ}\ntags.plot.triggers()", ["<Axes: title=", "Rules by trigger"]),
    "diagram": (
        f"{_READ}\nanalysis.to_mermaid(tags.rule_graph('all'))",
        ["flowchart LR\n  n0", "App Version"],
    ),
}


@pytest.fixture(params=["text only", "no packages"])
def front_end(
    request: pytest.FixtureRequest, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """Run a cell where widgets are not shown, and return the text that is."""
    if request.param == "text only":
        shell.display_formatter.active_types = ["text/plain"]
    else:
        monkeypatch.delitem(sys.modules, panel.__name__)
        for name in _WIDGETS:
            monkeypatch.setitem(sys.modules, name, None)

    def run(cell: str) -> str:
        with capture_output() as captured:
            result = shell.run_cell(cell)
        result.raise_error()
        shown = [captured.stdout]
        for output in captured.outputs:
            shown.append(output.data["text/plain"])
        return "\n".join(shown)

    return run


@pytest.mark.parametrize("feature", FEATURES)
def test_each_feature_gives_a_useful_text(front_end: Callable[[str], str], feature: str) -> None:
    cell, words = FEATURES[feature]
    text = front_end(cell)
    for word in words:
        assert word in text, text
    assert "object at 0x" not in text


def test_text_of_the_panel_says_why_requests_are_refused(
    front_end: Callable[[str], str], demo: Any
) -> None:
    account = demo.accounts["no_profile"]
    values = {"client_id": account.client_id, "client_secret": account.client_secret}
    write(Path.cwd() / ".env", env_of(demo, **values))
    text = front_end("%adobe_auth")
    assert "signed in, but requests are refused" in text
    assert "Problem" in text
    assert "403221" in text


def test_text_of_the_panel_names_the_secret_store(
    front_end: Callable[[str], str], demo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = dict(line.split("=", 1) for line in env_of(demo).splitlines())
    Colab(values).install(monkeypatch)
    for cell in ("%adobe_auth --secrets colab", "%adobe_auth status"):
        text = front_end(cell)
        assert "from Colab secrets" in text
        assert values["ADOBE_CLIENT_SECRET"] not in text


def test_progress_of_many_organizations_is_a_sentence(
    front_end: Callable[[str], str], shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_EVERY", 0.0)
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    shown = live.Live(["A@AdobeOrg", "B@AdobeOrg"], shown=True)
    shell.user_ns["shown"] = shown
    shown.report({"organization": "A@AdobeOrg", "state": "done", "requests": 5, "rows": 1200})
    text = front_end("shown.update()")
    assert text.strip() == "1 of 2 organizations: 1 queued, 5 requests, 1,200 rows"


@pytest.fixture
def long_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SHORT", 0.0)
    kernel = types.ModuleType("ipykernel")
    kernel.version_info = (7, 0, 0)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ipykernel", kernel)


@pytest.mark.usefixtures("long_work")
def test_progress_bar_that_is_a_widget_has_a_text(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tqdm.auto, "tqdm", tqdm.notebook.tqdm)
    with capture_output() as captured:
        with progress.bar(Limiter(), "rules") as meter:
            meter.expect(4)
            meter.update()
    assert "rules:   0%" in captured.outputs[0].data["text/plain"]


@pytest.mark.usefixtures("long_work")
def test_progress_bar_without_widgets_is_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("auto", "autonotebook", "notebook"):
        # Importing them again replaces the attributes of the package, too.
        monkeypatch.setattr(tqdm, name, getattr(tqdm, name), raising=False)
        monkeypatch.delitem(sys.modules, f"tqdm.{name}", raising=False)
    for name in _WIDGETS:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", types.ModuleType("ipykernel.zmqshell"))
    with progress.bar(Limiter(), "rules") as meter:
        meter.expect(4)
        with pytest.warns(tqdm.TqdmWarning, match="update jupyter and ipywidgets"):
            meter.update()
    assert "rules:   0%" in capsys.readouterr().err
