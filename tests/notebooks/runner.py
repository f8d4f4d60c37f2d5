"""Run the tutorials.

``python tests/notebooks/runner.py`` runs them on the simulator and writes their outputs into the
files; with ``--check`` it writes nothing, and fails when one does not run. Files named on the
command line are run alone.
"""

import atexit
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

__all__ = ["CellExecutionError", "comparable", "execute", "paths", "without_widgets"]

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
# What depends on the clock, on a port or on chance.
PASSING = (
    (r"<Session [^>]*>", "SESSION"),
    (r"\b([A-Z]{2})[0-9a-f]{32}\b", r"\1…"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}[-0-9a-f.]*", "UUID"),
    (r"(\d+ h )?\d+ (min|s) left", "TIME left"),
    (r"\d{4}-\d\d-\d\d [\d:]{8}(?= +reactor\.)", "TIME of a write"),
    (r"practice \d{4}-\d\d-\d\d [\d:]{8}", "practice TIME"),
    (r"<Snapshot (\d+) of [\d: -]+ UTC", r"<Snapshot \1 of TIME"),
    (r"page-tools-\d{8}-\d{6}", "page-tools-TIME"),
    # of the journal, where the name of the service follows
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?= +(?:simulator|Adobe)\b)", "TIME"),
)


def paths() -> list[Path]:
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def sockets_in(folder: str | Path) -> dict[str, str]:
    """Options of a kernel's manager: sockets in that folder.

    Ports, which are the default, are chosen before the kernel takes them; meanwhile one can become
    another's.
    """
    return (
        {"connection_file": f"{folder}/kernel.json", "transport": "ipc"}
        if os.name == "posix"
        else {}
    )


@contextmanager
def nothing_left_of(client: NotebookClient) -> Iterator[None]:
    """When its kernel does not come up, a client leaves handlers of signals, which hide interrupts,
    and one at exit.
    """
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        atexit.unregister(client._cleanup_kernel)
        for number, handler in kept.items():
            signal.signal(number, handler)


def execute(
    path: Path, folder: Path, environment: dict[str, str] | None = None
) -> nbformat.NotebookNode:
    """The notebook with fresh outputs, run in that folder. Raises CellExecutionError."""
    notebook = nbformat.read(path, as_version=4)
    env = {name: value for name, value in os.environ.items() if not name.startswith("ADOBE_")}
    with (
        tempfile.TemporaryDirectory() as own
    ):  # also for the journal of writes, which is not to be this machine's
        client = NotebookClient(
            notebook,
            timeout=300,
            startup_timeout=300,
            # after 4 seconds it would go on without the output that is still on its way
            iopub_timeout=300,
            raise_on_iopub_timeout=True,
            kernel_name="python3",
            store_widget_state=True,
            resources={"metadata": {"path": str(folder)}},
            config=Config(KernelManager=sockets_in(own)),
        )
        with nothing_left_of(client):
            client.execute(env={**env, "XDG_STATE_HOME": own, **(environment or {})})
    return notebook


def without_widgets(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """For the committed file: a widget is dead there, and no output is kept of it."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.get("metadata", {}).pop("execution", None)
        if "outputs" in cell:  # a saved panel would say "signed in" before anything has run
            cell.outputs = [
                output for output in cell.outputs if WIDGET not in output.get("data", {})
            ]
    return notebook


def comparable(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Cell id to what it printed and showed, as text, without what passes."""
    shown = {}
    for cell in without_widgets(notebook).cells:
        texts = [
            output.get("text") or output.get("data", {}).get("text/plain", "")
            for output in cell.get("outputs", [])
        ]
        text = "".join(texts)
        for pattern, name in PASSING:
            text = re.sub(pattern, name, text)
        shown[cell.id] = re.sub(r"[ \t]+", " ", text).strip()
    return shown


def main(arguments: list[str]) -> None:
    named = [Path(each).resolve() for each in arguments if not each.startswith("-")]
    for path in named or paths():
        with tempfile.TemporaryDirectory() as empty:
            notebook = without_widgets(execute(path, Path(empty)))
        if "--check" not in arguments:
            nbformat.write(notebook, path)
        sys.stdout.write(f"{path.name} runs\n")


if __name__ == "__main__":
    main(sys.argv[1:])
