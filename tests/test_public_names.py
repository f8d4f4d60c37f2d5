"""Notebooks and documentation use public names only, so that users can copy them."""

import ast
import re
from importlib import import_module
from pathlib import Path

import nbformat
import pytest

import adobe_nb
from adobe_nb import analysis, simulator, snapshot

ROOT = Path(__file__).parents[1]
PUBLIC = {
    "adobe_nb": {*adobe_nb.__all__, "analysis", "simulator", "snapshot"},
    "adobe_nb.simulator": set(simulator.__all__),
    "adobe_nb.analysis": set(analysis.__all__),
    "adobe_nb.snapshot": set(snapshot.__all__),
}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def shown_in(path: Path) -> list[str]:
    """The Python that a notebook or a page shows, magics left out."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        blocks = [cell.source for cell in cells if cell.cell_type == "code"]
    else:
        blocks = re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    plain = [block for block in blocks if not block.lstrip().startswith("%%")]
    return [re.sub(r"^(\s*)[%!].*$", r"\1pass", block, flags=re.MULTILINE) for block in plain]


def inner_names(code: str) -> list[str]:
    """The names of the package in this code that are not public."""
    tree = ast.parse(code)
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
            names += [
                name for name in imported if name.startswith("adobe_nb.") and name not in PUBLIC
            ]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "adobe_nb":
            public = PUBLIC.get(node.module or "", set())
            names += [
                f"{node.module}.{alias.name}" for alias in node.names if alias.name not in public
            ]
        elif isinstance(node, ast.Attribute):
            module, _, name = ast.unparse(node).rpartition(".")
            module = module if module.startswith("adobe_nb") else f"adobe_nb.{module}"
            if module in PUBLIC and name not in PUBLIC[module]:
                names.append(f"{module}.{name}")
    return names


@pytest.mark.parametrize("path", [*NOTEBOOKS, *PAGES], ids=lambda path: path.name)
def test_notebooks_and_pages_use_public_names_only(path: Path) -> None:
    assert [name for block in shown_in(path) for name in inner_names(block)] == []


@pytest.mark.parametrize("module_name", [*PUBLIC, "adobe_nb.errors"])
def test_dir_of_a_public_module_lists_its_public_names_only(module_name: str) -> None:
    module = import_module(module_name)
    names = set(dir(module))
    if module_name == "adobe_nb.errors":
        raised = {name for name in adobe_nb.__all__ if hasattr(module, name)}
        assert names == raised | {"Gap", "SnapshotWarning"}
    else:
        assert set(module.__all__) <= names <= PUBLIC[module_name]


@pytest.mark.parametrize(
    ("code", "inner"),
    [
        ("import adobe_nb\nadobe_nb.connect()", []),
        ("from adobe_nb import reactor, simulator\nsimulator.DATASTREAMS", []),
        ("from adobe_nb.registry import RESOURCES", ["adobe_nb.registry.RESOURCES"]),
        ("import adobe_nb.session", ["adobe_nb.session"]),
        ("from adobe_nb import session", ["adobe_nb.session"]),
        ("adobe_nb.session.connect()", ["adobe_nb.session"]),
        ("simulator.server.built_in()", ["adobe_nb.simulator.server"]),
    ],
)
def test_finds_names_that_are_not_public(code: str, inner: list[str]) -> None:
    assert inner_names(code) == inner
