"""What nothing in the property uses."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import pandas as pd

from adobe_nb.analysis.answers import Columns, answer
from adobe_nb.analysis.lookup import chosen_types, in_libraries
from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.settings import texts
from adobe_nb.analysis.uses.index import names
from adobe_nb.analysis.uses.references import find_references, limits, require_content
from adobe_nb.analysis.uses.usage import verdicts
from adobe_nb.analysis.words import counted
from adobe_nb.errors import ArgumentError

COLUMNS: Columns = {
    "id": "string",
    "name": "string",
    "type": "string",
    "verdict": "string",
    "reason": "string",
    "mentioned_in": "Int64",
    "updated_at": "datetime64[us, UTC]",
    "in_library": "boolean",
}
VERDICTS = (
    "unused",
    "unused (mentioned in a comment)",
    "unreachable",
    "used by disabled rules only",
    "possibly used",
    "cannot tell",
    "used",
)
"""What one can delete with the least doubt comes first."""
_PASSIVE = ("mapping-table", "gcoe-adobe-client-data-layer", "reactor-aa-product-string-builder")
"""Extensions that do nothing without components and data elements of theirs."""
_WORK_ALONE = (
    "adobe-mcid",
    "adobe-target",
    "adobe-target-v2",
    "adobe-analytics",
    "adobe-alloy",
    "adobe-audience-manager",
    "onetrust",
    "cookiebot",
)
"""Extensions that do their work in every library, with rules or without."""
_Row = dict[str, Any]


def unused(
    model: Model, what: str | Iterable[str] = "data_elements", *, all: bool = False
) -> pd.DataFrame:
    """Return the unused resources; with ``all``, the used ones, too."""
    types = _types(model, what)
    require_content(model, "unused")
    if "secrets" in types:
        model.require("unused", "secrets")
    held = in_libraries(model)
    rows = []
    for resource, row in chain.from_iterable(_TYPES[name](model) for name in types):
        if row["verdict"] == "used" and not all:
            continue
        in_library = None
        if held is not None and resource.type != "secrets":
            in_library = resource.origin_id in held
        details = {
            "property_id": resource.property_id,
            "id": resource.id,
            "name": resource.name,
            "type": resource.type,
            "updated_at": resource.get("updated_at"),
            "in_library": in_library,
        }
        rows.append({**details, **row})
    rows.sort(key=_by_certainty)
    return answer(model, COLUMNS, rows, limits=limits(model))


def _types(model: Model, what: str | Iterable[str]) -> list[str]:
    if what != "all":
        try:
            return chosen_types(what, list(_TYPES))
        except ArgumentError:
            if not any(what == resource.name for resource in model.resources):
                raise
        raise ArgumentError(
            f"{what!r} is the name of a resource, and unused() takes types. references({what!r}) "
            "lists what uses it; unused(all=True) has the verdicts of all data elements."
        )
    types = list(_TYPES)
    # Not every property has secrets, nor everybody the right to read them.
    if "secrets" not in model.frames:
        types.remove("secrets")
    return types


def _by_certainty(row: _Row) -> tuple[int, str, str]:
    return VERDICTS.index(row["verdict"]), row["name"], row["id"]


def _data_elements(model: Model) -> Iterator[tuple[Resource, _Row]]:
    found = verdicts(model)
    for element in model.data_elements:
        verdict = found[element.id]
        yield element, _row(verdict.word, verdict.reason, verdict.mentions)


def _row(verdict: str, reason: str, mentions: int) -> _Row:
    return {"verdict": verdict, "reason": reason, "mentioned_in": mentions}


def _rules(model: Model) -> Iterator[tuple[Resource, _Row]]:
    components: dict[str, list[Resource]] = defaultdict(list)
    for component in model.rule_components:
        if component.rule is not None:
            components[component.rule.id].append(component)
    callers: Counter[str] = Counter()
    for reference in find_references(model):
        if reference.target is not None and reference.target.type == "rules":
            callers[reference.target.id] += 1
    for rule in model.rules:
        calls = callers[rule.id]
        verdict, reason = _rule_verdict(model, rule, components[rule.id], calls)
        yield rule, _row(verdict, reason, calls)


def _rule_verdict(
    model: Model, rule: Resource, components: Sequence[Resource], calls: int
) -> tuple[str, str]:
    """Return the verdict on a rule, and the reason."""
    kinds = {part.kind for part in components}
    if not rule.enabled:
        return "unused", "it is disabled"
    if "actions" not in kinds:
        return "unused", "it has no action"
    if "events" not in kinds:
        return _without_event(model.platform(rule))
    delegates = {part.delegate for part in components if part.kind == "events"}
    if delegates == {"core::events::direct-call"} and not calls:
        return "cannot tell", "only the code of the pages can call it"
    return "used", "an event fires it"


def _without_event(platform: str | None) -> tuple[str, str]:
    if platform == "edge":
        return "used", "rules of event forwarding run for every event"
    if platform is None:
        return "cannot tell", "it has no event, which only event forwarding does not require"
    return "unused", "it has no event, and never fires"


def _extensions(model: Model) -> Iterator[tuple[Resource, _Row]]:
    holders: dict[str, list[Resource]] = defaultdict(list)
    for reference in find_references(model):
        if reference.kind == "relation" and reference.target is not None:
            holders[reference.target.id].append(reference.source)
    packages = {row["id"]: row for row in model.rows("extension_packages")}
    for extension in model.extensions:
        sources = holders[extension.id]
        count = len(sources)
        if extension.package == "core":
            row = _row("used", "every library requires it", count)
        elif not sources:
            package = packages.get(str(extension.get("extension_package_id")))
            row = _row(*_alone(extension, package), count)
        elif _are_disabled(sources):
            reason = f"only disabled rules use it: {counted(count, 'component', 'components')}"
            row = _row("used by disabled rules only", reason, count)
        else:
            resources = counted(
                count, "component or data element belongs", "components and data elements belong"
            )
            row = _row("used", f"{resources} to it", count)
        yield extension, row


def _are_disabled(sources: Sequence[Resource]) -> bool:
    """Return whether all of these are components of disabled rules."""
    return not any(source.enabled or source.rule is None for source in sources)


def _alone(extension: Resource, package: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return the verdict on an extension that no component belongs to, and the reason."""
    if package is None and extension.package not in _PASSIVE:
        return "cannot tell", "it may work without rules: its package is missing"
    package = package or {}
    if extension.package in _WORK_ALONE or extension.settings or package.get("main"):
        return "cannot tell", "no component belongs to it, and it may work without rules"
    if package.get("shared_modules") not in (None, "[]"):
        return "cannot tell", "other extensions may use its shared modules"
    return "unused", "no component or data element belongs to it"


def _secrets(model: Model) -> Iterator[tuple[Resource, _Row]]:
    readers: Counter[str | None] = Counter()
    for reference in find_references(model):
        if reference.kind == "secret" and reference.target is not None:
            readers[reference.target.id] += 1
    for secret in model.secrets:
        row = _row("unused", "no data element reads it", 0)
        if readers[secret.id]:
            row = _row("used", "a data element reads it", readers[secret.id])
        yield secret, row


def _instances(model: Model) -> Iterator[tuple[Resource, _Row]]:
    senders: Counter[tuple[str, str | None]] = Counter()
    for reference in find_references(model):
        if reference.kind == "instance":
            senders[reference.source.property_id, reference.name] += 1
    for property_id, index in names(model).items():
        for name, extension in index.instances.items():
            count = senders[property_id, name]
            row = _row("unused", "no component names it", count)
            if count:
                row = _row("used", "components send through it", count)
            elif _is_mentioned(model, name):
                row = _row("cannot tell", "code or a token may name it", count)
            yield extension, {**row, "name": name, "type": "instances"}


def _is_mentioned(model: Model, name: str) -> bool:
    """Return whether code can use an instance of Web SDK, or a token can name it."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    for text in texts(model):
        is_token = text.path == "instanceName" and "%" in text.value
        if is_token or (text.role != "text" and word.search(text.value)):
            return True
    return False


_TYPES: Mapping[str, Callable[[Model], Iterator[tuple[Resource, _Row]]]] = {
    "data_elements": _data_elements,
    "rules": _rules,
    "extensions": _extensions,
    "secrets": _secrets,
    "instances": _instances,
}
