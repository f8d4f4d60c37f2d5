"""Run the tutorials. ``python tests/notebook_runner.py`` runs them and writes their outputs into the files."""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

__all__ = ["CellExecutionError", "execute", "paths", "without_widgets"]

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"


def paths() -> list[Path]:
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def execute(path: Path, folder: Path, environment: dict[str, str] | None = None) -> nbformat.NotebookNode:
    """The notebook with fresh outputs, run in that folder. Raises CellExecutionError."""
    notebook = nbformat.read(path, as_version=4)
    env = {name: value for name, value in os.environ.items() if not name.startswith("ADOBE_")}
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        store_widget_state=True,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env={**env, **(environment or {})})
    return notebook


def without_widgets(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """For the committed file: a widget is dead there, and no output is kept of it."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.get("metadata", {}).pop("execution", None)
        if "outputs" in cell:  # a saved panel would say "signed in" before anything has run
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
    return notebook


if __name__ == "__main__":
    import tempfile

    for each in paths():
        with tempfile.TemporaryDirectory() as empty:
            nbformat.write(without_widgets(execute(each, Path(empty))), each)
        sys.stdout.write(f"{each.name} done\n")
