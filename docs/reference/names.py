"""The reference page of all public names, by subject, made from their docstrings.

The build of the site writes it (``docs/conf.py``).
"""

import inspect
from types import ModuleType

import adobe_nb
from adobe_nb import analysis, errors, simulator, snapshot
from adobe_nb.analysis import Tags
from adobe_nb.api.edge.bindings import Edge
from adobe_nb.api.reactor.bindings import Reactor

_NOTE = "<!-- Written by docs/reference/names.py: do not edit. -->"
_SUBJECTS = {
    "Sign in": (
        "connect",
        "current",
        "use",
        "Session",
        "Check",
        "Secret",
        "profiles",
        "forget_profile",
        "Profile",
        "DEFAULT_SCOPES",
        "doctor",
    ),
    "Tables and filters": (
        "expand",
        "with_names",
        "show",
        "to_excel",
        "eq",
        "not_",
        "contains",
        "gt",
        "lt",
        "between",
    ),
    "The journal": ("journal",),
    "Notebook": ("load_ipython_extension", "unload_ipython_extension"),
}
_DATA = {
    "DEFAULT_SCOPES": "The scopes that are requested without ADOBE_SCOPES.",
    "simulator.ACCOUNTS": "The accounts of the simulator, with their rights.",
    "simulator.DATASTREAMS": "The datastreams of the simulator.",
    "snapshot.AsOf": "What `as_of` accepts: a number, a date, a timestamp or a snapshot.",
    "snapshot.TABLES": "The tables of a snapshot.",
}


def pages() -> dict[str, str]:
    """Return every page by file name."""
    return {"names.md": names_page()}


def names_page() -> str:
    error_names = [name for name in adobe_nb.__all__ if hasattr(errors, name)]
    sections = [
        f"{_NOTE}\n# All public names",
        "What `import adobe_nb` offers, by subject. Everything else is internal and may change.",
    ]
    for title, names in _SUBJECTS.items():
        sections += [f"## {title}", _table(adobe_nb, "adobe_nb", names)]
    sections += [
        "## Reactor",
        "`from adobe_nb import reactor` follows the current session; `session.reactor` belongs to "
        "one. It has an attribute for each [resource type](overview.md), with the verbs of that "
        "type, such as `reactor.rules.update`, and these calls:",
        _table(Reactor, "reactor", _methods(Reactor), target=_path(Reactor)),
        "## Edge Network",
        "`from adobe_nb import edge`",
        _table(Edge, "edge", _methods(Edge), target=_path(Edge)),
        "## Snapshots",
        "`from adobe_nb import snapshot`",
        _table(snapshot, "snapshot", snapshot.__all__, target="adobe_nb.snapshot"),
        "## Analysis",
        "`from adobe_nb import analysis`",
        _table(analysis, "analysis", analysis.__all__, target="adobe_nb.analysis"),
        "## Questions about tags",
        "`tags = analysis.read(…)` returns `Tags`, which answer:",
        _table(Tags, "tags", _methods(Tags), target="adobe_nb.analysis.Tags"),
        "## The simulator",
        "`from adobe_nb import simulator`",
        _table(simulator, "simulator", simulator.__all__, target="adobe_nb.simulator"),
        "## Errors",
        _table(adobe_nb, "adobe_nb", error_names, target="adobe_nb.errors"),
    ]
    return "\n\n".join(sections) + "\n"


def _table(
    owner: ModuleType | type, prefix: str, names: tuple[str, ...] | list[str], target: str = ""
) -> str:
    lines = ["| name | what it is |", "| --- | --- |"]
    for name in names:
        shown = f"{prefix}.{name}".removeprefix("adobe_nb.")
        link = f"{{py:obj}}`{shown} <{target or prefix}.{name}>`"
        if shown in _DATA:
            # Constants have no docstring, and no entry of their own but in the page's text.
            summary = _DATA[shown]
            link = f"`{shown}`"
        else:
            summary = _summary(inspect.getattr_static(owner, name, None) or getattr(owner, name))
        lines.append(f"| {link} | {summary} |")
    return "\n".join(lines)


def _summary(value: object) -> str:
    """Return the first sentence of a docstring as Markdown."""
    first = (inspect.getdoc(value) or "").split("\n\n")[0]
    return " ".join(first.split()).replace("``", "`").replace("|", r"\|")


def _methods(owner: type) -> list[str]:
    names = []
    for name, value in inspect.getmembers(owner):
        if not name.startswith("_") and inspect.isfunction(value):
            names.append(name)
    return names


def _path(owner: type) -> str:
    return f"{owner.__module__}.{owner.__qualname__}"
