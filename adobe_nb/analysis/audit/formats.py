"""An audit as a table for the terminal, as JSON, and as SARIF for code scanning.

SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import pandas as pd

from adobe_nb.analysis.audit.fingerprints import VERSION
from adobe_nb.analysis.audit.rules import Rule, all_rules
from adobe_nb.analysis.model import records
from adobe_nb.registry import RESOURCES

_WIDTH = 100
_SENTENCE_END = re.compile(r"(?<=\.)\s")
_CALL = re.compile(r"\w\.\w+\(")
_LEVELS = {"high": "error", "medium": "warning", "low": "note"}
_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
Row = Mapping[str, Any]


def summary(findings: pd.DataFrame) -> str:
    """Return the number of findings by severity, as a sentence."""
    counts = []
    for severity, count in findings.attrs["counts"].items():
        counts.append(f"{count} {severity}")
    sentence = f"Findings: {', '.join(counts)}"
    suppressed = int(findings["suppressed"].sum())
    if suppressed:
        sentence += f" ({suppressed} suppressed)"
    return f"{sentence}."


def rules_table() -> str:
    """Return the rules, one in a line."""
    lines = [f"{'theme':<11} {'rule':<30} {'severity':<9} finds", "-" * _WIDTH]
    for rule in all_rules().values():
        lines.append(f"{rule.theme:<11} {rule.name:<30} {rule.severity:<9} {rule.title}")
    return "\n".join(lines)


def to_table(findings: pd.DataFrame, *, verbose: bool = False) -> str:
    """Return the findings that are not suppressed, then what could not be seen.

    Unless ``verbose``, this is the first sentence of what concerns these findings.
    """
    rows = records(findings[~findings["suppressed"]])
    rule_width = max([len("rule"), *(len(row["rule"]) for row in rows)])
    indent = " " * (len("severity") + rule_width + 4)
    lines = []
    if rows:
        lines += [f"severity  {'rule':<{rule_width}}  finding", "-" * _WIDTH]
    for row in rows:
        cell: list[str] = []
        for text in (_place(row), row["message"], row["note"] or "", row["fingerprint"]):
            cell += textwrap.wrap(text, _WIDTH - len(indent))
        lines.append(f"{row['severity']:<8}  {row['rule']:<{rule_width}}  {cell[0]}")
        lines += [indent + line for line in cell[1:]]
    if rows:
        lines.append("")
    lines.append(summary(findings))
    limits = findings.attrs["limits"]
    if not verbose:
        limits = list(_in_short(findings))
    for limit in limits:
        lines += textwrap.wrap(f"Note: {limit}", _WIDTH, subsequent_indent="      ")
    if limits != findings.attrs["limits"]:
        lines.append(f"{len(findings.attrs['limits'])} notes in all: --verbose shows them in full.")
    return "\n".join(lines)


def _in_short(findings: pd.DataFrame) -> Iterator[str]:
    """Yield a line about each limit that readers of these findings need."""
    for limit in findings.attrs["limits"]:
        is_about_all = limit.startswith(("Not checked", "Suppressions"))
        sentence = _SENTENCE_END.split(limit, maxsplit=1)[0].removesuffix(".") + "."
        # A call in Python does not help in a terminal.
        has_call = _CALL.search(sentence)
        if is_about_all or (limit in findings.attrs["limits_of_findings"] and not has_call):
            yield textwrap.shorten(sentence, _WIDTH - len("Note: "), placeholder=" …")


def to_json(findings: pd.DataFrame) -> str:
    """Return one object: ``as_of``, ``counts``, ``limits``, ``findings``."""
    document = {name: findings.attrs[name] for name in ("as_of", "counts", "limits")}
    document["findings"] = records(findings)
    return json.dumps(document, indent=2, default=datetime.isoformat)


def to_sarif(findings: pd.DataFrame, *, version: str, category: str) -> str:
    """Return a SARIF log of one run.

    Code scanning compares a run with the latest one of the same category.
    """
    names = list(all_rules())
    results = []
    for row in records(findings):
        results.append({**_result(row), "ruleIndex": names.index(row["rule"])})
    limits = [{"level": "note", "message": {"text": text}} for text in findings.attrs["limits"]]
    invocation = {"executionSuccessful": True, "toolExecutionNotifications": limits}
    driver = {
        "name": "adobe-nb",
        "version": version,
        "rules": list(map(_descriptor, all_rules().values())),
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": category},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _descriptor(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.name,
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": f"{rule.title}. {rule.help}"},
        "help": {"text": rule.help},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": [rule.theme]},
    }


def _result(row: Row) -> dict[str, Any]:
    # Viewers show locations as file names, so the message repeats what people call the resource.
    message = f"{_place(row)}: {row['message']}"
    result = {
        "ruleId": row["rule"],
        "level": _LEVELS[row["severity"]],
        # In SARIF, a text in brackets before parentheses is a link.
        "message": {"text": message.replace("](", "] (")},
        "locations": [_location(row)],
        "partialFingerprints": {f"adobeNb/{VERSION}": row["fingerprint"]},
        "properties": dict(_properties(row)),
    }
    if row["suppressed"]:
        suppression = {"kind": "external", "status": "accepted"}
        if row["note"]:
            suppression["justification"] = row["note"]
        result["suppressions"] = [suppression]
    return result


def _location(row: Row) -> dict[str, Any]:
    """Return the location of a finding. Viewers require a file, so resources look like files."""
    region: dict[str, Any] = {"startLine": row["line"] or 1}
    if row["evidence"]:
        region["snippet"] = {"text": row["evidence"]}
    names = [row["source_type"], row["source_id"]]
    uri = "/".join(["tags", *map(partial(quote, safe=""), names)])
    return {
        "physicalLocation": {"artifactLocation": {"uri": f"{uri}.json"}, "region": region},
        "logicalLocations": [
            {
                "name": row["source_name"] or row["source_id"],
                "fullyQualifiedName": "/".join([*names, *filter(None, [row["path"]])]),
                "kind": "object",
            }
        ],
    }


def _properties(row: Row) -> Iterator[tuple[str, str]]:
    for name in ("property_id", "rule_id", "rule_name", "path", "first_seen", "note"):
        if row.get(name) is not None:
            yield name, str(row[name])


def _place(row: Row) -> str:
    """Return where a finding is, as people call it."""
    resource_type = row["source_type"]
    if resource_type in RESOURCES:
        resource_type = RESOURCES[resource_type].singular.replace("_", " ")
    text = f"{resource_type} {row['source_name'] or row['source_id']!r}"
    if row["source_type"] == "rule_components":
        text += f" of the rule {row['rule_name']!r}"
    if row["path"]:
        text += f", {row['path']}"
    if row["line"]:
        text += f", line {row['line']}"
    # Only an audit of several properties says which one.
    if "property_id" in row:
        text += f", in {row['property_id']}"
    return text
