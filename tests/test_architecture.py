"""The design, tested: layers, exported names, bindings, lazy imports."""

import ast
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import adobe_nb
from adobe_nb.api.reactor.bindings import Collection, Reactor
from adobe_nb.registry import RESOURCES, Resource
from tests.conftest import NoSession

PACKAGE = Path(adobe_nb.__file__).parent

# Each layer with what it may import. Nothing imports upward.
LAYERS = {
    "masking": set(),
    "forks": set(),
    "errors": {"masking"},
    "registry": set(),
    "suggest": set(),
    "home": set(),
    "http": {"errors", "forks", "masking"},
    "auth": {"errors", "forks", "home", "http", "masking", "registry", "suggest"},
    "api": {"errors", "forks", "home", "http", "auth", "registry", "suggest"},
    "discovery": {"errors", "http", "auth", "simulator"},
    "session": {"errors", "forks", "home", "http", "auth", "api", "discovery"},
    "checkup": {
        "errors",
        "home",
        "http",
        "auth",
        "api",
        "registry",
        "discovery",
        "session",
    },
    "analysis": {"errors", "forks", "masking", "api", "registry", "session", "snapshot", "suggest"},
    "snapshot": {"errors", "masking", "http", "auth", "api", "registry", "session", "suggest"},
    "notebook": {"errors", "masking", "http", "auth", "api", "registry", "session", "snapshot"},
    "lab": {"errors", "masking", "auth", "discovery", "session", "simulator"},
    "cli": {
        "errors",
        "masking",
        "registry",
        "suggest",
        "analysis",
        "checkup",
        "lab",
        "session",
        "simulator",
        "snapshot",
        "",
    },
    "simulator": {"errors", "forks", "registry", "discovery"},
    "": {"errors", "api", "auth", "checkup", "session", "snapshot", "notebook"},
}


def layer_of(path: Path) -> str:
    return layer(path.relative_to(PACKAGE).with_suffix("").parts)


def layer(parts: Sequence[str]) -> str:
    """Return the top folder or module; ``discovery`` is a layer of its own."""
    if tuple(parts[:2]) == ("simulator", "discovery"):
        return "discovery"
    return "" if parts[0].startswith("__") else parts[0]


def imported(path: Path) -> set[str]:
    """The layers that a module imports, inside functions and for type checking too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        names |= {
            layer(module.split(".")[1:]) for module in modules if module.startswith("adobe_nb.")
        }
    return names


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_nothing_imports_upward(path: Path) -> None:
    if "tutorials" in path.parts:
        pytest.skip("a notebook folder")
    layer = layer_of(path)
    assert imported(path) - {layer} <= LAYERS[layer]


def test_the_simulator_is_imported_only_inside_a_function() -> None:
    tree = ast.parse((PACKAGE / "simulator" / "discovery.py").read_text(encoding="utf-8"))
    outside = [
        node
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and "simulator" in (node.module or "")
    ]
    assert outside == []


def test_the_exported_names_are_these() -> None:
    assert {name for name in adobe_nb.__all__ if not name.endswith(("Error", "Warning"))} == {
        "Check",
        "DEFAULT_SCOPES",
        "HostNotAllowed",
        "IncompleteCredentials",
        "IncompleteResult",
        "NoCredentials",
        "NotAllowed",
        "ConfirmationRequired",
        "NotFound",
        "NotSignedIn",
        "OutcomeUnknown",
        "Profile",
        "RateLimited",
        "RedirectRefused",
        "RetiredCredentials",
        "Secret",
        "Session",
        "WaitTimeout",
        "TokenExpired",
        "between",
        "connect",
        "contains",
        "current",
        "doctor",
        "edge",
        "eq",
        "expand",
        "forget_profile",
        "gt",
        "journal",
        "load_ipython_extension",
        "lt",
        "not_",
        "profiles",
        "reactor",
        "show",
        "to_excel",
        "unload_ipython_extension",
        "use",
        "with_names",
    }
    for name in adobe_nb.__all__:
        assert getattr(adobe_nb, name) is not None


def test_type_checkers_see_every_lazy_name() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    hooks = {"load_ipython_extension", "unload_ipython_extension"}
    assert set(adobe_nb.__all__) - hooks == seen - {"InteractiveShell"}


def test_there_is_one_binding_per_row_of_the_table() -> None:
    reactor = Reactor(NoSession())
    bound = {name: value for name, value in vars(reactor).items() if isinstance(value, Collection)}
    assert list(bound) == list(RESOURCES)
    assert all(value.row is RESOURCES[name] for name, value in bound.items())


READING = {"columns", "find", "get", "iterate", "row"}
BESIDES = {
    "extensions": {"upgrade"},
    "libraries": {"add", "assign", "build", "remove", "replace", "unassign"},
    "builds": {"wait"},
    "extension_packages": {"delegates", "upload", "versions", "wait"},
    "extension_package_usage_authorizations": {"approve", "reject"},
    "hosts": {"wait"},
    "secrets": {"wait"},
    "notes": {"of_components"},
}
"""Verbs of a type that are not in its row."""


@pytest.mark.parametrize("row", RESOURCES.values(), ids=lambda row: row.type)
def test_a_binding_has_exactly_its_verbs(row: Resource) -> None:
    collection = getattr(Reactor(NoSession()), row.type)
    verbs = {name for name in dir(collection) if not name.startswith("_")} - READING
    expected = {
        *row.verbs,
        *row.actions,
        *(["revisions"] if row.revisionable else []),
        *BESIDES.get(row.type, ()),
    }
    if row.type == "extension_package_usage_authorizations":
        expected.discard("update")  # all that can be updated is its state: approve, reject
    assert verbs == expected


def test_the_client_has_no_branch_for_the_simulator() -> None:
    for folder in ("api", "auth"):
        for path in (PACKAGE / folder).rglob("*.py"):
            tests = [
                node.test
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.If)
            ]
            assert not any("simulator" in ast.unparse(test).lower() for test in tests), path


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    return done.stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = json.loads(
        run_python("import adobe_nb, sys, json; print(json.dumps(list(sys.modules)))")
    )
    heavy = {
        "itables",
        "pandas",
        "ipywidgets",
        "IPython",
        "tornado",
        "requests",
        "anywidget",
        "tqdm",
    }
    assert heavy.isdisjoint(loaded)


def test_import_of_a_lazy_name_works_in_a_new_process() -> None:
    assert (
        run_python("from adobe_nb import connect, reactor; print(type(reactor).__name__)").strip()
        == "Reactor"
    )


def test_the_command_line_starts_without_pandas() -> None:
    code = "from adobe_nb import cli; import sys; cli._parser(); print('pandas' in sys.modules)"
    assert run_python(code).strip() == "False"


def test_no_cached_property_can_leave_a_lock_held_after_a_fork() -> None:
    """In Python 3.11 it holds one lock for all objects of a class while it computes."""
    for folder in ("http", "auth", "api", "session.py"):
        paths = [PACKAGE / folder] if folder.endswith(".py") else (PACKAGE / folder).rglob("*.py")
        assert [
            path.name for path in paths if "import cached_property" in path.read_text("utf-8")
        ] == []
