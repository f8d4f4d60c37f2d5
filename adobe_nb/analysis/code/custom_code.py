"""Custom code: every script and piece of HTML in the settings."""

import hashlib
from collections.abc import Iterator, Mapping

import pandas as pd

from adobe_nb.analysis.answers import SOURCE, Columns, answer, encoded, source_of
from adobe_nb.analysis.code.snippets import count_lines, is_external, is_minified, snippets_of
from adobe_nb.analysis.model import Model
from adobe_nb.analysis.settings import Text
from adobe_nb.analysis.uses.index import early_rules

COLUMNS: Columns = {
    **SOURCE,
    "delegate_descriptor_id": "string",
    "path": "string",
    "language": "string",
    "code": "string",
    "chars": "Int64",
    "lines": "Int64",
    "hash": "string",
    "minified": "boolean",
    "inline_in_library": "boolean",
    "same_as": "string",
}


def custom_code(model: Model) -> pd.DataFrame:
    """Return the code in the settings of all resources, one row for each piece."""
    snippets = snippets_of(model)
    early = early_rules(model)
    first_sources: dict[str, str] = {}
    rows = []
    for text in snippets:
        source_id = text.resource.id
        fingerprint = _hash(text.value)
        first = first_sources.setdefault(fingerprint, source_id)
        row = {
            **source_of(text.resource),
            "delegate_descriptor_id": text.resource.delegate or None,
            "path": text.path,
            "language": text.language,
            "code": text.value,
            "chars": len(text.value),
            "lines": count_lines(text.value),
            "hash": fingerprint,
            "minified": is_minified(text.value),
            "inline_in_library": _is_inline(text, early),
            "same_as": first if first != source_id else None,
        }
        rows.append(row)
    return answer(model, COLUMNS, rows, limits=_limits(snippets))


def _hash(code: str) -> str:
    """Return a short hash that does not depend on indentation, blank lines and line endings."""
    content = "\n".join(filter(None, map(str.strip, code.splitlines())))
    return hashlib.sha256(encoded(content)).hexdigest()[:12]


def _is_inline(text: Text, early: Mapping[str, bool]) -> bool | None:
    """Return whether code is part of the main library, rather than a file of its own."""
    if is_external(text):
        return False
    if text.role == "unknown":
        return None
    if text.transform != "customCode":
        return text.transform != "file"
    # The build inlines the code of a rule that fires before a file could be loaded.
    return early.get(text.resource.get("rule_id"))


def _limits(snippets: list[Text]) -> Iterator[str]:
    external = list(filter(is_external, snippets))
    if external:
        yield (
            f"The code of {_sources(external)} is an external file: only its address is known here."
        )
    unknown = [text for text in snippets if text.role == "unknown"]
    if unknown:
        yield (
            f"The extension packages of {_sources(unknown)} are missing. Their settings count as "
            "code where they look like it."
        )


def _sources(snippets: list[Text]) -> str:
    first = snippets[0].resource
    count = len({text.resource.id for text in snippets})
    if count == 1:
        return f"{first.id} ({first.name})"
    return f"{count} resources, the first being {first.id} ({first.name}),"
