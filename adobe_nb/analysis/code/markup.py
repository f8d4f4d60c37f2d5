"""HTML, taken apart: comments, scripts, code in attributes, and the rest."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from html import unescape
from typing import Literal, NamedTuple

COMMENT_OR_SCRIPT = re.compile(
    r"(?P<comment><!--(?:>|->|.*?(?:--!?>|\Z)))"
    r"|<script\b(?P<attributes>(?:\"[^\"]*\"|'[^']*'|[^<>\"']+)*+)>"
    r"(?P<script>.*?)(?:</script\b[^>]*+>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
# The first one counts. Other types are run by consent managers and bundlers, so they are code.
_TYPE = re.compile(r"""(?<![\w-])type\s*=\s*["']?\s*([^\s"'>]*)""", re.IGNORECASE)
_DATA = re.compile(r"json|importmap|speculationrules", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+))""")
_CODE_WORD = re.compile(r"_satellite|getVar|getDataElementValue|track|setVar")
_ADDRESS = re.compile(r"\s*j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t\s*:", re.IGNORECASE)
_MAX_DEPTH = 3
"""Pages inside attributes (``srcdoc``) can hold pages."""


class Part(NamedTuple):
    """A part of a page, where it starts, and on which line."""

    kind: Literal["comment", "script", "text"]
    text: str
    start: int
    line: int


def parts_of(html: str, depth: int = 0) -> Iterator[Part]:
    """Yield comments, scripts, code in attributes, and the text between them."""
    breaks = [match.start() for match in re.finditer("\n", html)]
    end = 0
    for match in COMMENT_OR_SCRIPT.finditer(html):
        yield from _between(html, end, match.start(), breaks, depth)
        end = match.end()
        if match["comment"] is not None:
            yield _part("comment", match[0], match.start(), breaks)
            continue
        yield from _between(html, match.start(), match.start("script"), breaks, depth)
        script_type = _TYPE.search(match["attributes"])
        if script_type is None or not _DATA.search(script_type[1]):
            yield _part("script", match["script"], match.start("script"), breaks)
    yield from _between(html, end, len(html), breaks, depth)


def _part(
    kind: Literal["comment", "script", "text"], text: str, start: int, breaks: list[int]
) -> Part:
    return Part(kind, text, start, bisect_right(breaks, start - 1) + 1)


def _between(html: str, start: int, stop: int, breaks: list[int], depth: int) -> Iterator[Part]:
    """Yield the code in attributes of a part of the page, and the text around them."""
    segment = html[start:stop]
    if not _CODE_WORD.search(segment):
        return
    end = 0
    for match in _ATTRIBUTE.finditer(segment):
        value = next(filter(None, match.groups()), "")
        if not _CODE_WORD.search(value):
            continue
        yield _part("text", segment[end : match.start()], start + end, breaks)
        end = match.end()
        place = start + match.start(match.lastindex or 0)
        code = unescape(value)
        line = _part("script", "", place, breaks).line
        if "<script" in code.lower() and depth < _MAX_DEPTH:
            for part in parts_of(code, depth + 1):
                yield part._replace(start=place, line=line)
        else:
            yield Part("script", _ADDRESS.sub("", code, count=1), place, line)
    yield _part("text", segment[end:], start + end, breaks)
