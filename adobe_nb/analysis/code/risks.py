"""``code_risks``: what can break a page, leak data, or run the code of others."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import pandas as pd

from adobe_nb.analysis.answers import SOURCE, Columns, Row, answer, excerpt, source_of
from adobe_nb.analysis.code.addresses import domains_of, is_own
from adobe_nb.analysis.code.inspection import Finding, Inspection
from adobe_nb.analysis.code.readings import readings
from adobe_nb.analysis.code.secrets import read_table
from adobe_nb.analysis.code.snippets import is_external, is_minified, snippets_of
from adobe_nb.analysis.masks import secrets_of
from adobe_nb.analysis.model import Model, once_per_model
from adobe_nb.analysis.settings import Text
from adobe_nb.analysis.words import counted

COLUMNS: Columns = {
    **SOURCE,
    "path": "string",
    "line": "Int64",
    "rule": "string",
    "severity": "string",
    "evidence": "string",
    "why": "string",
}
_SORT = ("source_type", "source_name", "source_id", "path", "line", "rule", "why", "evidence")
_LARGE = 100_000
_LINE_BREAK = re.compile("\n")


class Risk(NamedTuple):
    """A rule of code_risks."""

    name: str
    severity: str
    """high, medium or low."""
    why: str
    """What is wrong and what to do, with ``{detail}`` for what was found."""


@cache
def risks() -> Mapping[str, Risk]:
    """Return the rules by name."""
    return {name: Risk(name, **row) for name, row in read_table()["rules"].items()}


def code_risks(model: Model) -> pd.DataFrame:
    """Return risks in code, and secrets in all settings. ``Tags.code_risks`` documents it."""
    domains = domains_of(model)
    rows: list[Row] = []
    for text, inspection in inspections(model).items():
        own = domains.get(text.resource.property_id, [])
        for finding in _findings(text, own, inspection):
            # Event forwarding runs on a server, where the console is that of the developer.
            if finding.rule == "console" and model.is_edge(text.resource):
                continue
            rows.append(_row(text, finding))
    code = inspections(model).keys()
    for text, found in secrets_of(model).items():
        breaks = [match.start() for match in _LINE_BREAK.finditer(text.value)]
        for secret in found:
            line = bisect_left(breaks, secret.start) + 1
            finding = Finding(secret.rule, secret.start, secret.stop, line, secret.kind)
            row = _row(text, finding)
            if text not in code:
                row["line"] = None
            rows.append(row)
    return answer(model, COLUMNS, rows, sort=_SORT, limits=_limits(model))


@once_per_model
def inspections(model: Model) -> dict[Text, Inspection]:
    """Return what was found in each piece of code. Equal pieces are inspected once."""
    found = {}
    for text in snippets_of(model):
        if not is_external(text):
            found[text] = inspection_of(text, model)
    return found


def inspection_of(text: Text, model: Model) -> Inspection:
    """Return what was found in a piece of code."""
    has_tokens = text.tokens != "none"
    return readings(model).inspect(text.value, text.language, has_tokens=has_tokens)


def _row(text: Text, finding: Finding) -> dict[str, Any]:
    risk = risks()[finding.rule]
    return {
        **source_of(text.resource),
        "path": text.path,
        "line": finding.line,
        "rule": risk.name,
        "severity": risk.severity,
        "evidence": excerpt(text.value, finding.start, finding.stop),
        "why": risk.why.format(detail=finding.detail, instead=finding.instead),
    }


def _findings(text: Text, domains: list[str], inspection: Inspection) -> Iterator[Finding]:
    for finding in inspection.findings:
        # Where the package is missing, a text that looks like code can be a template, too.
        if finding.rule != "syntax-error" or text.role == "code":
            yield finding
    known: set[tuple[str, int]] = set()
    for load in inspection.loads:
        # A text can be an address by itself, and the beginning of a longer one.
        if not load.is_script or is_own(load.host, domains) or (load.host, load.line) in known:
            continue
        known.add((load.host, load.line))
        yield Finding("third-party-script", load.start, load.stop, load.line, load.host)
    size = len(text.value.encode("utf-8", "surrogatepass"))
    if size > _LARGE:
        yield Finding("large-code", 0, 0, 1, f"{size / 1000:.0f}")
    if is_minified(text.value):
        yield Finding("minified", 0, 0, 1)


def _limits(model: Model) -> Iterator[str]:
    yield "Risks are found by the form of the code: what the page or other scripts do is not known."
    yield (
        "Secrets are known by the shape of a service's keys, or as random texts beside a name such "
        "as apiKey. Others, and passwords made of words, are neither found nor masked."
    )
    if "properties" not in model.frames:
        yield (
            "The domains of the properties are missing: scripts of their own hosts count as those "
            "of third parties, too."
        )
    external = [text for text in snippets_of(model) if is_external(text)]
    if external:
        first = external[0].resource
        files = counted(
            len(external), "piece of code is an external file", "pieces of code are external files"
        )
        yield (
            f"{files}, the first being that of "
            f"{first.id} ({first.name}): what is in them is not known."
        )
