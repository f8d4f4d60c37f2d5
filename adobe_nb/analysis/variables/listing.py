"""The question ``variables``: who sets, reads, declares and clears what."""

from collections import Counter
from collections.abc import Collection, Iterator
from operator import attrgetter

import pandas as pd

from adobe_nb.analysis.answers import SOURCE, Columns, answer, source_of
from adobe_nb.analysis.model import Model, once_per_model
from adobe_nb.analysis.settings import texts
from adobe_nb.analysis.variables.names import EVERYTHING, RANGES, Variable, spelled
from adobe_nb.analysis.variables.uses import Finding, find_variables, script_variables
from adobe_nb.analysis.words import counted
from adobe_nb.errors import ArgumentError

COLUMNS: Columns = {
    "variable": "string",
    "family": "string",
    "number": "Int64",
    "access": "string",
    "how": "string",
    **SOURCE,
    "path": "string",
    "line": "Int64",
    "value": "string",
    "data_elements": "string",
    "condition_count": "Int64",
    "rule_enabled": "boolean",
    "verdict": "string",
    "evidence": "string",
}
_SORT = (
    "source_type",
    "source_name",
    "source_id",
    "path",
    "line",
    "family",
    "number",
    "variable",
    "access",
)


def variables(
    model: Model, variable: str | None = None, *, verdicts: Collection[str] | None = None
) -> pd.DataFrame:
    """Return what is done with variables; with one of them, or with one that may be it."""
    findings = find_variables(model)
    if verdicts is not None:
        findings = [finding for finding in findings if finding.verdict in verdicts]
    notes = []
    if variable is not None:
        wanted = _wanted(variable, findings)
        notes = _range_notes(wanted)
        findings = [finding for finding in findings if may_be(finding.variable, wanted)]
    conditions = _conditions(model)
    rows = []
    for finding in findings:
        rule = finding.source.rule
        row = {
            **source_of(finding.source),
            "variable": finding.variable.name,
            "family": finding.variable.family,
            "number": finding.variable.number,
            "access": finding.access,
            "how": finding.how,
            "path": finding.path,
            "line": finding.line,
            "value": finding.value,
            "data_elements": ", ".join(finding.elements) or None,
            "condition_count": None,
            "rule_enabled": None,
            "verdict": finding.verdict,
            "evidence": finding.evidence,
        }
        if rule is not None:
            row.update(condition_count=conditions[rule.id], rule_enabled=rule.enabled)
        rows.append(row)
    frame = answer(model, COLUMNS, rows, sort=_SORT, limits=[*notes, *limits(model)])
    # One line of code can do the same twice.
    attributes = frame.attrs
    frame = frame.drop_duplicates(ignore_index=True)
    frame.attrs = attributes
    return frame


def _range_notes(variable: Variable) -> list[str]:
    """Say that a variable is one that Adobe Analytics does not have."""
    if variable.problem != "out of range" or variable.family is None:
        return []
    highest = RANGES[variable.family]
    return [f"{variable.name} does not exist: {variable.family} numbers go up to {highest}."]


def may_be(variable: Variable, wanted: Variable) -> bool:
    """Return whether a variable is the wanted one, or can be it: ``eVar*`` and ``*``."""
    if variable == EVERYTHING or variable.key == wanted.key:
        return True
    return variable.is_pattern and variable.family == wanted.family


def _wanted(text: str, findings: list[Finding]) -> Variable:
    """Return the variable that a user means. Raises ArgumentError."""
    if not isinstance(text, str):
        raise ArgumentError(
            f'Expected the name of a variable, got {type(text).__name__}. For example: "eVar5".'
        )
    for finding in findings:
        if finding.variable.name == text:
            return finding.variable
    variable = spelled(text)
    if variable is None:
        raise ArgumentError(
            f"{text!r} is not a variable. For example: eVar5, prop3, event12, list1, hier1, "
            "products, pageName, scAdd, contextData.key, xdm.web.webPageDetails.name. "
            "variables() without an argument lists all that the property has."
        )
    return variable


@once_per_model
def _conditions(model: Model) -> Counter[str]:
    """Return how many conditions each rule has."""
    counts: Counter[str] = Counter()
    for component in model.rule_components:
        if component.rule is not None and component.kind == "conditions":
            counts[component.rule.id] += 1
    return counts


@once_per_model
def limits(model: Model) -> list[str]:
    """Return sentences about the variables that could not be seen."""
    return list(_limits(model))


def _limits(model: Model) -> Iterator[str]:
    platforms = set(model.platforms.values())
    if "edge" in platforms:
        yield "Event forwarding properties do not set Analytics variables; they are left out."
    if platforms != {"edge"}:
        yield (
            "The code of the pages is not part of a property: it can set and send variables, too."
        )
    if _has_web_sdk(model):
        yield (
            "What Analytics receives from Web SDK depends on the datastream's mapping and on "
            "processing rules, too. They are not part of a property."
        )
    unknown = {text.resource.package for text in texts(model) if text.role == "unknown"}
    if unknown:
        yield (
            f"The packages of these extensions are missing: {', '.join(sorted(unknown))}. What "
            "their settings do with variables is a guess."
        )
    broken = [text for text, found in script_variables(model).items() if found.is_broken]
    if broken:
        first = broken[0].resource
        pieces = counted(len(broken), "piece of code is", "pieces of code are")
        yield (
            f"{pieces} not valid JavaScript, the first being that of {first.id} "
            f"({first.name}): variables in them may be missing."
        )


def _has_web_sdk(model: Model) -> bool:
    packages = map(attrgetter("package"), model.extensions)
    ways = set(map(attrgetter("how"), find_variables(model)))
    return "adobe-alloy" in packages or not ways.isdisjoint(("xdm", "data object"))
