"""Writes the reference pages from the registry, and the index of operations. A test fails when they
are stale.

python docs/reference/make.py
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from adobe_nb.api.reactor.bindings import Reactor
from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.collection import verbs_of
from adobe_nb.api.reactor.frames import DTYPES, columns_of
from adobe_nb.registry import RESOURCES, Attribute, Resource

HERE = Path(__file__).parent
OPERATIONS = HERE.parents[1] / "tests" / "contract" / "operations.py"
_NOTE = "<!-- Written by docs/reference/make.py: do not edit. -->"
_READING = ("get", "find", "iterate")


def main() -> None:
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Every page by file name."""
    made = {f"{row.type}.md": page(row) for row in RESOURCES.values()}
    return {"overview.md": overview(), **made, "operations.md": operations()}


def overview() -> str:
    lines = [
        _NOTE,
        "# Resource types",
        "",
        "| resource | prefix | what it is | writing |",
        "| --- | --- | --- | --- |",
    ]
    for row in RESOURCES.values():
        verbs = ", ".join(f"`{each}`" for each in writing_verbs(row)) or "read only"
        lines.append(f"| [{row.type}]({row.type}.md) | {row.prefix} | {row.about} | {verbs} |")
    lines += [
        "",
        "Across types: `reactor.types` (this table as a DataFrame), `reactor.get`, `reactor.find`, `reactor.search`, "
        "`reactor.related`, `reactor.relationships`, "
        "`reactor.with_names`, `reactor.profile`, `reactor.heartbeat`, `reactor.request`, `reactor.as_curl`.",
        "",
        "```{toctree}",
        ":hidden:",
        "",
        *RESOURCES,
        "```",
        "",
    ]
    return "\n".join(lines)


def page(row: Resource) -> str:
    """One resource type: where it is listed, its columns, filters, verbs, Adobe's page."""
    lines = [
        _NOTE,
        f"# {row.type}",
        "",
        row.about,
        "",
        f"Ids begin with `{row.prefix}`. [Adobe's page]({row.docs})",
        "",
    ]
    lines += ["## Reading", "", *listing(row), ""]
    if writing_verbs(row):
        lines += ["## Writing", "", *writing(row), ""]
    lines += [
        "## Columns",
        "",
        "| column | dtype | meaning | writable |",
        "| --- | --- | --- | --- |",
        *columns(row),
        "",
    ]
    if hidden := [each for each in row.attributes if each.write_only]:
        lines += [
            "Written, never shown: "
            + "; ".join(f"`{each.name}` ({each.meaning})" for each in hidden)
            + ".",
            "",
        ]
    if relations := [each for each in row.relations if each.many]:
        lines += [
            "## Related lists",
            "",
            *[f'- `reactor.related(…, "{each.name}")`: {each.targets[0]}' for each in relations],
            "",
        ]
    return "\n".join(lines)


def listing(row: Resource) -> list[str]:
    if not row.listed:
        return [f"`reactor.{row.singular}()`: there is one, and no list."]
    lines = ["| list | call |", "| --- | --- |"]
    if row.root:
        lines.append(f"| all that you can see | `reactor.{row.type}()` |")
    if row.default_parent:
        lines.append(
            f"| of every {RESOURCES[row.default_parent].singular} | `reactor.{row.type}()` |"
        )
    for parent in row.parents:
        lines.append(
            f'| under {_a(_words(parent))} | `reactor.{row.type}("{RESOURCES[parent].prefix}…")` |'
        )
    for parent, between in row.through.items():
        lines.append(
            f'| of all {between} of {_a(_words(parent))} | `reactor.{row.type}("{RESOURCES[parent].prefix}…")` |'
        )
    more = [f"`{each}`" for each in _READING] + (["`revisions`"] if row.revisionable else [])
    lines += [
        "",
        f"And {', '.join(more)}.",
        "",
        f"Filters: {', '.join(f'`{each}`' for each in row.filters) or 'none'}.",
    ]
    return [*lines, "", "Sort: any column that is an attribute."]


def writing(row: Resource) -> list[str]:
    lines = []
    for verb in writing_verbs(row):
        method = getattr(type(collection(row)), verb)
        first = (method.__doc__ or "").strip().splitlines()[0]
        lines.append(f"- `reactor.{row.type}.{verb}(…)`: {first}")
    for verb in ("create", "update"):
        if verb in row.verbs and hasattr(collection(row), verb):
            follows = collection(row)._looked_up
            taken = [
                f"**`{name}`**" if needed and name not in follows else f"`{name}`"
                for name, needed in row.keywords(verb).items()
            ]
            lines += ["", f"`{verb}` takes {', '.join(taken)}."]
    if "create" in row.verbs:
        creators = ("rules", *row.creators) if collection(row)._looked_up else row.creators
        lines += [
            "",
            f"It is made under: {', '.join(_words(each) for each in creators)}. Bold: has to be given.",
        ]
    if row.guarded:
        lines += ["", 'To delete it, its name has to be said: `confirm="…"`.']
    if row.deletion == "soft":
        lines += ["", "Deleted ones can still be fetched by id."]
    return lines


def columns(row: Resource) -> list[str]:
    parent = row.parents[0] if row.parents else None
    known: dict[str, Attribute] = {each.name: each for each in row.columns}
    known |= {f"meta_{each.name}": each for each in row.meta}
    known |= {
        f"{relation.name}_{each.name}": each for relation in row.to_one for each in relation.meta
    }
    lines = []
    for name, kind in columns_of(row, parent).items():
        attribute = known.get(name)
        meaning = attribute.meaning if attribute else _meaning(row, name)
        values = (
            f" ({', '.join(attribute.values)})"
            if attribute and attribute.values and "," not in meaning
            else ""
        )
        write = attribute.write.replace("+", ", ") if attribute else _relation_write(row, name)
        lines.append(f"| `{name}` | {DTYPES[kind]} | {meaning}{values} | {write} |")
    return [
        line.replace("events|conditions|actions", "events\\|conditions\\|actions") for line in lines
    ]


def operations() -> str:
    module = _operations()
    lines = [
        _NOTE,
        "# Operations",
        "",
        "Every call of Adobe's OpenAPI file, and those that its guides and tools know besides, with the Python call.",
        "All were tried on the simulator only.",
        "",
        "| HTTP | path | Python |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {method} | `{path}` | {'<br>'.join(f'`{call}`' for call in calls)} |"
        for (method, path), calls in module.OPERATIONS.items()
    ]
    lines += ["", "## Not offered", "", "| HTTP | path | why |", "| --- | --- | --- |"]
    lines += [
        f"| {method} | `{path}` | {reason} |" for (method, path), reason in module.EXCUSED.items()
    ]
    return "\n".join([*lines, ""])


def writing_verbs(row: Resource) -> list[str]:
    """The verbs of its binding that write, or wait for what was written."""
    reading = {"revisions", "versions", "of_components", "delegates"}
    return [each for each in verbs_of(row, type(collection(row))) if each not in reading]


def collection(row: Resource) -> Any:
    return getattr(_REACTOR, row.type)


class _NoSession:
    @property
    def client(self) -> Client:
        raise AssertionError("the pages are made without a service")


_REACTOR = Reactor(_NoSession())


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _words(resource_type: str) -> str:
    return RESOURCES[resource_type].singular.replace("_", " ")


def _meaning(row: Resource, name: str) -> str:
    if name == "id":
        return "its id"
    bare = name.removesuffix("_id").removesuffix("_type")
    relation = row.relation(bare)
    if relation is None:
        return "the parent that it is listed under"
    return (
        "the type of that"
        if name.endswith("_type")
        else " or ".join(_words(each) for each in relation.targets)
    )


def _relation_write(row: Resource, name: str) -> str:
    relation = row.relation(name.removesuffix("_id"))
    return (
        f"{relation.write.replace('+', ', ')}, as `{relation.name}=`"
        if relation and relation.write
        else ""
    )


def _operations() -> ModuleType:
    spec = importlib.util.spec_from_file_location("adobe_nb_operations", OPERATIONS)
    if spec is None or spec.loader is None:
        sys.exit(f"{OPERATIONS} is not there.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
