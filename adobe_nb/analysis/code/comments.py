"""Comments and literals of code, found by a parser."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from adobe_nb.analysis.code.javascript import Script, parse
from adobe_nb.analysis.code.markup import COMMENT_OR_SCRIPT

_COMMENT_SIGN = re.compile(r"//|/\*|<!--|-->")
# A script element of another type holds data, such as JSON or a template.
DATA_BLOCK = re.compile(
    r"(?<![\w-])type\s*=\s*[\"']?(?![^\"'\s>]*(?:javascript|ecmascript|module))\w", re.IGNORECASE
)
# After these words, a line break ends the statement.
_ENDED_BY_LINE = re.compile(r"\b(return|throw|break|continue|yield)[^\S\n]*\n")
_BLANKS = re.compile(r"[^\S\n]+")
_LINE_BREAKS = re.compile(r" ?\n[ \n]*")
_BESIDE_PUNCTUATION = re.compile(
    r"(?<=[{}()\[\];,:?=<>|&!*%.^~])\s|\s(?=[{}()\[\];,:?=<>|&!*%.^~])"
)
_BESIDE_SIGN = re.compile(r"(?<=[+-]) (?![+-])|(?<![+-]) (?=[+-])")


class Span(NamedTuple):
    """Where a comment or literal starts and stops, in characters."""

    start: int
    stop: int
    is_comment: bool = True


def find_comments(code: str, language: str) -> list[Span]:
    """Return where the comments of a script, or of HTML and its inline scripts, are; in order."""
    if not _COMMENT_SIGN.search(code):
        return []
    if language != "html":
        return [span for span in _spans(code) if span.is_comment]
    comments = []
    for match in COMMENT_OR_SCRIPT.finditer(code):
        if match["comment"] is not None:
            comments.append(Span(*match.span()))
        elif not DATA_BLOCK.search(match["attributes"]):
            offset = match.start("script")
            for start, stop, _ in find_comments(match["script"], "javascript"):
                comments.append(Span(start + offset, stop + offset))
    return comments


def normalized(code: str, language: str) -> str:
    """Return code without comments, and without the blank space that has no meaning."""
    if language == "html":
        return "\n".join(filter(None, _html_parts(code)))
    return "".join(_script_parts(code)).strip()


# Questions are often repeated, and copies of a script are frequent.
@lru_cache(maxsize=1_000)
def _spans(code: str) -> list[Span]:
    """Return the comments and literals of a script: strings, templates, regular expressions."""
    spans = []
    for node in parse(Script(code)).nodes("comment", "string", "template_string", "regex"):
        spans.append(Span(node.start_byte, node.end_byte, node.type == "comment"))
    return sorted(spans)


def _html_parts(code: str) -> Iterator[str]:
    end = 0
    for match in COMMENT_OR_SCRIPT.finditer(code):
        yield _single_spaced(code[end : match.start()])
        end = match.end()
        if match["comment"] is not None:
            continue
        if DATA_BLOCK.search(match["attributes"]):
            yield _single_spaced(match[0])
        else:
            yield f"<script{match['attributes']}>"
            yield normalized(match["script"], "javascript")
    yield _single_spaced(code[end:])


def _single_spaced(text: str) -> str:
    return " ".join(text.split())


def _script_parts(code: str) -> Iterator[str]:
    """Yield the literals as they are, and what is between them without comments and blanks."""
    between = ""
    end = 0
    for start, stop, is_comment in _spans(code):
        # Inside the literal before, for example a string within a template.
        if start < end:
            continue
        between += code[end:start]
        end = stop
        if not is_comment:
            yield _without_blanks(between)
            yield code[start:stop]
            between = ""
        elif "\n" in code[start:stop]:
            # Like the line breaks inside it.
            between += "\n"
        else:
            between += " "
    yield _without_blanks(between + code[end:])


def _without_blanks(code: str) -> str:
    code = code.replace("\r\n", "\n").replace("\r", "\n")
    code = _BLANKS.sub(" ", code)
    code = _LINE_BREAKS.sub("\n", code)
    code = _ENDED_BY_LINE.sub(r"\1;", code)
    code = _BESIDE_SIGN.sub("", code)
    return _BESIDE_PUNCTUATION.sub("", code)
