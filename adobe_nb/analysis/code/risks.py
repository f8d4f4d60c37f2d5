"""``code_risks``: what can break a page, leak data, or run the code of others."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import pandas as pd

from adobe_nb.analysis.answers import SOURCE, Columns, Row, answer, excerpt, source_of
from adobe_nb.analysis.code import secrets
from adobe_nb.analysis.code.addresses import domains_of, is_own
from adobe_nb.analysis.code.inspection import Finding, Inspection
from adobe_nb.analysis.code.readings import readings
from adobe_nb.analysis.code.snippets import is_external, is_minified, snippets_of
from adobe_nb.analysis.model import Model, once_per_model
from adobe_nb.analysis.settings import Text, texts

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
_SHORTEST_VALUE = 6
_LAST_MEMBER = re.compile(r"([^.\[\]]+)[\]']*(?:\[\d+\])*$")


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
    return {name: Risk(name, **row) for name, row in secrets.read_table()["rules"].items()}


def code_risks(model: Model) -> pd.DataFrame:
    """Return risks in code, and secrets in all settings. ``Tags.code_risks`` documents it."""
    domains = domains_of(model)
    evidence = _Evidence(model)
    rows: list[Row] = []
    for text, inspection in inspections(model).items():
        own = domains.get(text.resource.property_id, [])
        for finding in _findings(text, own, inspection):
            # Event forwarding runs on a server, where the console is that of the developer.
            if finding.rule == "console" and model.is_edge(text.resource):
                continue
            rows.append({**_row(text, finding, evidence), "line": finding.line})
    for text, found in secret_settings(model):
        for secret in found:
            finding = Finding(secret.rule, secret.start, secret.stop, 0, secret.kind)
            rows.append(_row(text, finding, evidence))
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


@once_per_model
def secret_settings(model: Model) -> list[tuple[Text, list[secrets.Secret]]]:
    """Return the settings outside code that look like secrets."""
    code = set(snippets_of(model))
    # A list of headers has the name of each value beside it.
    keys = {}
    for text in texts(model):
        owner, _, member = text.path.rpartition(".")
        if member in ("key", "name"):
            keys[text.resource.id, owner] = text.value
    found = []
    for text in texts(model):
        if text in code:
            continue
        in_setting = secrets.secrets_in(text.value)
        for name in _names_of(text, keys):
            if kind := secrets.kind_of(name, text.value):
                in_setting.append(secrets.Secret(0, len(text.value), kind, "secret"))
        if in_setting:
            found.append((text, secrets.without_overlaps(in_setting)))
    return found


@once_per_model
def secret_values(model: Model) -> list[str]:
    """Return everything that looks like a secret, the longest first: it can hold another one."""
    values: set[str] = set()
    for text, found in _secrets_by_text(model):
        values.update(text.value[secret.start : secret.stop] for secret in found)
    values = {value for value in values if len(value) >= _SHORTEST_VALUE}
    return sorted(values, key=lambda value: (-len(value), value))


def without_secrets(model: Model, evidence: str) -> str:
    """Return a line of evidence without any secret of the model, nor the part of one at an end."""
    text = secrets.without_values(evidence, secret_values(model))
    for value in secret_values(model):
        # Evidence is cut, so that a line can stop or start within a secret.
        start, end = value[:_SHORTEST_VALUE], value[-_SHORTEST_VALUE:]
        if start in text:
            part = text[text.rindex(start) :]
            if value.startswith(part):
                text = secrets.without_values(text, [part])
        if end in text:
            part = text[: text.index(end) + len(end)]
            if value.endswith(part):
                text = secrets.without_values(text, [part])
    return secrets.shown(text)


def _secrets_by_text(model: Model) -> Iterator[tuple[Text, Sequence[secrets.Secret]]]:
    for text, found in inspections(model).items():
        yield text, found.secrets
    yield from secret_settings(model)


def _names_of(text: Text, keys: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Yield what says what a setting is: its member, the key beside it, or its data element."""
    owner, _, member = text.path.rpartition(".")
    if match := _LAST_MEMBER.search(text.path):
        yield match[1]
    if member == "value":
        yield keys.get((text.resource.id, owner), "")
    # A constant is what the name of its data element says.
    if text.path in ("value", "constant"):
        yield text.resource.name


class _Evidence:
    """The lines of findings, without any secret of the property."""

    def __init__(self, model: Model) -> None:
        self._secrets = dict(_secrets_by_text(model))
        self._values = secret_values(model)
        self._hidden: dict[Text, str] = {}

    def line(self, text: Text, start: int, stop: int) -> str:
        """Return the line of a place in a text."""
        if text not in self._hidden:
            hidden = secrets.hidden(text.value, self._secrets.get(text, ()))
            self._hidden[text] = secrets.without_values(hidden, self._values)
        return secrets.shown(excerpt(self._hidden[text], start, stop))


def _row(text: Text, finding: Finding, evidence: _Evidence) -> Row:
    risk = risks()[finding.rule]
    return {
        **source_of(text.resource),
        "path": text.path,
        "rule": risk.name,
        "severity": risk.severity,
        "evidence": evidence.line(text, finding.start, finding.stop),
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
    if "properties" not in model.frames:
        yield (
            "The domains of the properties are missing: scripts of their own hosts count as those "
            "of third parties, too."
        )
    external = [text for text in snippets_of(model) if is_external(text)]
    if external:
        first = external[0].resource
        yield (
            f"{len(external)} pieces of code are external files, the first being that of "
            f"{first.id} ({first.name}): what is in them is not known."
        )
