"""Search the settings and code of all resources, as they are and not as JSON writes them."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter
from typing import Any, Literal, get_args

import pandas as pd

from adobe_nb.analysis.answers import SOURCE, Columns, answer, excerpt, source_of
from adobe_nb.analysis.comments import Parsed, find_comments, parsed_scripts
from adobe_nb.analysis.custom_code import snippets_of
from adobe_nb.analysis.model import Model
from adobe_nb.analysis.settings import Text, texts
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

Where = Literal["code", "settings", "all"]
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
    parsed = parsed_scripts(model)
    code = {id(text) for text in snippets_of(model)}
    rows: list[dict[str, Any]] = []
    for text in texts(model):
        is_code = id(text) in code
        if where == "all" or is_code == (where == "code"):
            rows += _matches(text, compiled, parsed, is_code=is_code, comments=comments)
    return answer(
        model,
        COLUMNS,
        rows,
        sort=("source_type", "source_name", "path", "source_id", "line", "column"),
    )


def _compiled(pattern: str, *, regex: bool) -> re.Pattern[str]:
    if not isinstance(pattern, str) or not pattern:
        raise ArgumentError(f'Expected a text to search for, such as "fetch(", got {pattern!r}.')
    if not regex:
        return re.compile(re.escape(pattern))
    try:
        return re.compile(pattern, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        problem = error
    raise ArgumentError(
        f"Invalid regular expression {pattern!r}: {problem}. Write a backslash before characters "
        "that stand for themselves, or leave out regex=True to search for the text as it is."
    )


def _matches(
    text: Text, pattern: re.Pattern[str], parsed: Parsed, *, is_code: bool, comments: bool
) -> Iterator[dict[str, Any]]:
    value = text.value
    spans = None
    line, line_start, counted = 1, 0, 0
    for match in pattern.finditer(value):
        start, stop = match.span()
        if start == stop:
            continue
        if is_code and not comments:
            # The parser runs only for code with a match.
            if spans is None:
                spans = find_comments(value, text.language, parsed)
            if _is_inside(start, stop, spans):
                continue
        row = {**source_of(text.resource), "path": text.path, "line": None, "column": start + 1}
        if is_code:
            # From the match before, so that the lines of large code are counted only once.
            line += value.count("\n", counted, start)
            line_start = value.rfind("\n", counted, start) + 1 or line_start
            counted = start
            row.update(line=line, column=start - line_start + 1)
        row.update(match=match[0], evidence=excerpt(value, start, stop))
        yield row


def _is_inside(start: int, stop: int, spans: list[tuple[int, int]]) -> bool:
    """Return whether a place is inside one of the spans, which are in order."""
    before = bisect_right(spans, start, key=itemgetter(0)) - 1
    if before < 0:
        return False
    span_start, span_stop = spans[before]
    return span_start <= start and stop <= span_stop
