"""The reference pages: one for each row of the registry, and the index of operations.

The build of the site writes them (``docs/conf.py``).
"""

import re
import runpy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from adobe_nb.api.reactor.bindings import Reactor
from adobe_nb.api.reactor.client import Client
from adobe_nb.api.reactor.collection import verbs_of
from adobe_nb.api.reactor.frames import DTYPES, columns_of
from adobe_nb.registry import RESOURCES, Attribute, Relation, Resource, Verb

OPERATIONS = Path(__file__).parents[2] / "tests" / "contract" / "operations.py"
_NOTE = "<!-- Written by docs/reference/make.py: do not edit. -->"
_READING = ("get", "find", "iterate")
_READING_MORE = {"revisions", "versions", "of_components", "delegates"}
"""Verbs of single types that only read."""
_WRITING: tuple[Verb, ...] = ("create", "update")


def pages() -> dict[str, str]:
    """Return every page by file name."""
    texts = {"overview.md": overview(), "operations.md": operations()}
    for row in RESOURCES.values():
        texts[f"{row.type}.md"] = page(row)
    return texts


def overview() -> str:
    lines = []
    for row in RESOURCES.values():
        verbs = _code(writing_verbs(row)) or "read only"
        lines.append(f"| [{row.type}]({row.type}.md) | {row.prefix} | {row.about} | {verbs} |")
    table = "\n".join(lines)
    types = "\n".join(RESOURCES)
    return f"""\
{_NOTE}
# Resource types

| resource | prefix | what it is | writing |
| --- | --- | --- | --- |
{table}

Across types: `reactor.types` (this table as a DataFrame), `reactor.get`, `reactor.find`, \
`reactor.search`, `reactor.related`, `reactor.relationships`, `reactor.with_names`, \
`reactor.profile`, `reactor.heartbeat`, `reactor.request`, `reactor.as_curl`.

```{{toctree}}
:hidden:

{types}
```
"""


def page(row: Resource) -> str:
    """Return the page of one type: where it is listed, its verbs, columns and relations."""
    sections = [
        f"{_NOTE}\n# {row.type}",
        row.about,
        f"Ids begin with `{row.prefix}`. [Adobe's page]({row.docs})",
        "## Reading",
        *listing(row),
    ]
    if writing_verbs(row):
        sections += ["## Writing", *writing(row)]
    table = ["| column | dtype | meaning | writable |", "| --- | --- | --- | --- |", *columns(row)]
    sections += ["## Columns", "\n".join(table)]
    hidden = []
    for attribute in row.attributes:
        if attribute.write_only:
            hidden.append(f"`{attribute.name}` ({attribute.meaning})")
    if hidden:
        sections.append(f"Written, never shown: {'; '.join(hidden)}.")
    related = []
    for relation in row.relations:
        if relation.many:
            related.append(f'- `reactor.related(…, "{relation.name}")`: {relation.targets[0]}')
    if related:
        sections += ["## Related lists", "\n".join(related)]
    return "\n\n".join(sections) + "\n"


def listing(row: Resource) -> list[str]:
    """Return the section about reading, paragraph by paragraph."""
    if not row.listed:
        return [f"`reactor.{row.singular}()`: there is one, and no list."]
    lines = ["| list | call |", "| --- | --- |"]
    if row.root:
        lines.append(f"| all that you can see | `reactor.{row.type}()` |")
    if row.default_parent:
        lines.append(f"| of every {_words(row.default_parent)} | `reactor.{row.type}()` |")
    words = dict.fromkeys(row.parents, "under")
    for parent, between in row.through.items():
        words[parent] = f"of all {between} of"
    for parent in words:
        call = f'reactor.{row.type}("{RESOURCES[parent].prefix}…")'
        lines.append(f"| {words[parent]} {_with_article(parent)} | `{call}` |")
    verbs = [*_READING]
    if row.revisionable:
        verbs.append("revisions")
    return [
        "\n".join(lines),
        f"And {_code(verbs)}.",
        f"Filters: {_code(row.filters) or 'none'}.",
        "Sort: any column that is an attribute.",
    ]


def writing(row: Resource) -> list[str]:
    """Return the section about writing, paragraph by paragraph."""
    binding = collection(row)
    lines = []
    for verb in writing_verbs(row):
        summary = (getattr(type(binding), verb).__doc__ or "").strip().splitlines()[0]
        lines.append(f"- `reactor.{row.type}.{verb}(…)`: {summary}")
    paragraphs = ["\n".join(lines)]
    for verb in _WRITING:
        if verb in row.verbs and hasattr(binding, verb):
            paragraphs.append(f"`{verb}` takes {_keywords(row, verb, binding._looked_up)}.")
    if "create" in row.verbs:
        parents = ", ".join(map(_words, (*binding._looked_up, *row.creators)))
        paragraphs.append(f"It is created under: {parents}. Bold keywords are required.")
    if row.guarded:
        paragraphs.append('Deleting it requires its name: `confirm="…"`.')
    if row.deletion == "soft":
        paragraphs.append("Deleted ones can still be fetched by id.")
    return paragraphs


def _keywords(row: Resource, verb: Verb, looked_up: tuple[str, ...]) -> str:
    """Return the keywords of a verb, required ones in bold."""
    keywords = []
    for name, required in row.keywords(verb).items():
        keyword = f"`{name}`"
        if required and name not in looked_up:
            keyword = f"**{keyword}**"
        keywords.append(keyword)
    return ", ".join(keywords)


def columns(row: Resource) -> list[str]:
    """Return the lines of the table of columns."""
    attributes = dict(zip(row.sortable, row.columns, strict=True))
    for attribute in row.meta:
        attributes[f"meta_{attribute.name}"] = attribute
    for relation in row.to_one:
        for attribute in relation.meta:
            attributes[f"{relation.name}_{attribute.name}"] = attribute
    lines = []
    parent = next(iter(row.parents), None)
    for name, kind in columns_of(row, parent).items():
        if name in attributes:
            meaning, write = _of_attribute(attributes[name])
        else:
            meaning, write = _of_relation(row, name)
        line = f"| `{name}` | {DTYPES[kind]} | {meaning} | {write} |"
        # Elsewhere in a line, a bar ends the cell.
        lines.append(line.replace("events|conditions|actions", r"events\|conditions\|actions"))
    return lines


def operations() -> str:
    index = runpy.run_path(str(OPERATIONS))
    lines = []
    for (method, path), calls in index["OPERATIONS"].items():
        lines.append(f"| {method} | `{path}` | {_code(calls, '<br>')} |")
    excused = []
    for (method, path), reason in index["EXCUSED"].items():
        excused.append(f"| {method} | `{path}` | {reason} |")
    table, not_offered = "\n".join(lines), "\n".join(excused)
    return f"""\
{_NOTE}
# Operations

Every call of Adobe's OpenAPI file, and those that only its guides and tools name, with the Python
call. All were tried on the simulator only.

| HTTP | path | Python |
| --- | --- | --- |
{table}

## Not offered

| HTTP | path | why |
| --- | --- | --- |
{not_offered}
"""


def writing_verbs(row: Resource) -> list[str]:
    """Return the verbs of its binding that write, or wait for what was written."""
    verbs = verbs_of(row, type(collection(row)))
    return [verb for verb in verbs if verb not in _READING_MORE]


def collection(row: Resource) -> Any:
    return getattr(_REACTOR, row.type)


class _NoSession:
    @property
    def client(self) -> Client:
        raise AssertionError("the pages are written without a service")


_REACTOR = Reactor(_NoSession())


def _code(names: Iterable[str], separator: str = ", ") -> str:
    return separator.join(map("`{}`".format, names))


def _words(resource_type: str) -> str:
    return RESOURCES[resource_type].singular.replace("_", " ")


def _with_article(resource_type: str) -> str:
    words = _words(resource_type)
    if words[0] in "aeiou":
        return f"an {words}"
    return f"a {words}"


def _of_attribute(attribute: Attribute) -> tuple[str, str]:
    """Return the meaning of a column, and the verbs that take it."""
    # Long ids of delegates wrap as code.
    meaning = re.sub(r"\S+::\S+", r"`\g<0>`", attribute.meaning)
    if attribute.values and "," not in meaning:
        meaning += f" ({', '.join(attribute.values)})"
    return meaning, attribute.write.replace("+", ", ")


def _of_relation(row: Resource, name: str) -> tuple[str, str]:
    """Return the meaning of a column of ids or types, and the verbs that take it."""
    if name == "id":
        return "its id", ""
    relation: Relation | None = row.relation(name.removesuffix("_id").removesuffix("_type"))
    if relation is None:
        return "the parent that it is listed under", ""
    if name.endswith("_type"):
        return "the type of that", ""
    write = relation.write.replace("+", ", ")
    if write:
        write += f", as `{relation.name}=`"
    return " or ".join(map(_words, relation.targets)), write
