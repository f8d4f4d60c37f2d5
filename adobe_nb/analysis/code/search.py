"""Search the settings and code of all resources, as they are and not as JSON writes them."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter
from typing import Literal, get_args

import pandas as pd

from adobe_nb.analysis.answers import SOURCE, Columns, Row, answer, excerpt, source_of
from adobe_nb.analysis.code.comments import Span, find_comments
from adobe_nb.analysis.code.secrets import hidden
from adobe_nb.analysis.code.snippets import snippets_of
from adobe_nb.analysis.masks import secrets_of
from adobe_nb.analysis.model import Model
from adobe_nb.analysis.settings import Text, texts
from adobe_nb.analysis.words import counted
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

Where = Literal["code", "settings", "all"]
_NOUNS = {
    "code": ("piece of code was", "pieces of code were"),
    "settings": ("value of settings was", "values of settings were"),
    "all": ("value of settings or code was", "values of settings and code were"),
}
COLUMNS: Columns = {
    **SOURCE,
    "path": "string",
    "line": "Int64",
    "column": "Int64",
    "match": "string",
    "evidence": "string",
}


def search_code(
    model: Model,
    pattern: str,
    *,
    regex: bool = False,
    where: Where = "code",
    comments: bool = True,
) -> pd.DataFrame:
    """Return every match of a text or regular expression, one row each."""
    compiled = _compiled(pattern, regex=regex)
    if where not in get_args(Where):
        raise ArgumentError(f"Invalid where={where!r}.{did_you_mean(str(where), get_args(Where))}")
    code = set(snippets_of(model))
    rows: list[Row] = []
    count = 0
    for text in texts(model):
        is_code = text in code
        if where == "all" or is_code == (where == "code"):
            count += 1
            rows += _matches(model, text, compiled, is_code=is_code, comments=comments)
    limits = [f"{counted(count, *_NOUNS[where])} searched."]
    if not compiled.flags & re.IGNORECASE:
        limits[0] += ' Case counts: regex=True and a pattern such as "(?i)cookie" ignore it.'
    if not rows and not regex and any(pattern.casefold() in text.value.casefold() for text in code):
        limits.append(
            f"{pattern!r} is in the code in another case: search for {_ignoring_case(pattern)!r} "
            "with regex=True."
        )
    if not rows and not regex and re.escape(pattern) != pattern:
        limits.append(
            f"{pattern!r} was searched as plain text, in this spelling. For a regular expression, "
            "pass regex=True."
        )
    if where != "code":
        limits.append(
            "Values are searched, and not the keys of settings, names or delegates. For eVars: "
            "variables(); for delegates: delegates()."
        )
    return answer(
        model,
        COLUMNS,
        rows,
        sort=("source_type", "source_name", "path", "source_id", "line", "column"),
        limits=limits,
    )


def _ignoring_case(pattern: str) -> str:
    return f"(?i){re.escape(pattern)}"


def _compiled(pattern: str, *, regex: bool) -> re.Pattern[str]:
    if not isinstance(pattern, str) or not pattern:
        raise ArgumentError(f'Expected a text to search for, such as "fetch(", got {pattern!r}.')
    if not regex:
        pattern = re.escape(pattern)
    try:
        return re.compile(pattern, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise ArgumentError(
            f"Invalid regular expression {pattern!r}: {error}. Write a backslash before characters "
            "that stand for themselves, or leave out regex=True to search for the text as it is."
        ) from None


def _matches(
    model: Model, text: Text, pattern: re.Pattern[str], *, is_code: bool, comments: bool
) -> Iterator[Row]:
    value = text.value
    # A match can be any part of a secret.
    shown = value if model.show_secrets else hidden(value, secrets_of(model).get(text, ()))
    spans: list[Span] = []
    # The parser runs only for code with a match.
    if is_code and not comments and pattern.search(value):
        spans = find_comments(value, text.language)
    line, line_start, counted = 1, 0, 0
    for match in pattern.finditer(value):
        start, stop = match.span()
        if start == stop or _is_inside(start, stop, spans):
            continue
        row = {
            **source_of(text.resource),
            "path": text.path,
            "column": start + 1,
            "match": shown[start:stop],
            "evidence": excerpt(shown, start, stop),
        }
        if is_code:
            # From the match before, so that the lines of large code are counted only once.
            line += value.count("\n", counted, start)
            line_start = value.rfind("\n", counted, start) + 1 or line_start
            counted = start
            row.update(line=line, column=start - line_start + 1)
        yield row


def _is_inside(start: int, stop: int, spans: list[Span]) -> bool:
    """Return whether a match is inside one of the spans, which are in order."""
    following = bisect_right(spans, start, key=attrgetter("start"))
    return following > 0 and stop <= spans[following - 1].stop
