"""Comments and literals of code, found by a parser."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from adobe_nb.analysis.javascript import Script, Tree
from adobe_nb.analysis.model import Model, once_per_model

Span = tuple[int, int]
"""Where something starts and stops, in characters."""
_LITERALS = ("string", "template_string", "regex")
_HTML = re.compile(
    r"(?P<comment><!--.*?(?:-->|\Z))"
    r"|<script\b(?P<attributes>(?:\"[^\"]*\"|'[^']*'|[^<>\"']+)*+)>"
    r"(?P<script>.*?)(?:</script\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
# A script element of another type holds data, such as JSON or a template.
_DATA_BLOCK = re.compile(
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


class Literals(NamedTuple):
    """Where the comments of a script are, and its strings, templates and regular expressions."""

    comments: list[Span]
    literals: list[Span]


Parsed = dict[str, Literals]
"""What the parser said about scripts that it has seen."""


@once_per_model
def parsed_scripts(_: Model) -> Parsed:
    """Return the scripts of a model that have been parsed: none at first."""
    return {}


def find_comments(code: str, language: str, parsed: Parsed) -> list[Span]:
    """Return where the comments of a script, or of HTML and its inline scripts, are; in order."""
    if not any(sign in code for sign in ("//", "/*", "<!--", "-->")):
        return []
    if language != "html":
        return _parse(code, parsed).comments
    comments = []
    for match in _HTML.finditer(code):
        if match["comment"] is not None:
            comments.append(match.span())
        elif _is_javascript_element(match):
            offset = match.start("script")
            inside = find_comments(match["script"], "javascript", parsed)
            comments += [(start + offset, stop + offset) for start, stop in inside]
    return comments


def normalized(code: str, language: str, parsed: Parsed) -> str:
    """Return code without comments, and without the blank space that has no meaning."""
    if language == "html":
        return _normalized_html(code, parsed)
    return "".join(_normalized_parts(code, _parse(code, parsed))).strip()


def _is_javascript_element(match: re.Match[str]) -> bool:
    if match["script"] is None:
        return False
    return not _DATA_BLOCK.search(match["attributes"])


def _parse(code: str, parsed: Parsed) -> Literals:
    if code not in parsed:
        comments = []
        literals = []
        for node in Tree(Script(code)).nodes("comment", *_LITERALS):
            span = (node.start_byte, node.end_byte)
            if node.type == "comment":
                comments.append(span)
            else:
                literals.append(span)
        parsed[code] = Literals(sorted(comments), sorted(literals))
    return parsed[code]


def _normalized_html(code: str, parsed: Parsed) -> str:
    parts = []
    end = 0
    for match in _HTML.finditer(code):
        parts.append(" ".join(code[end : match.start()].split()))
        if _is_javascript_element(match):
            parts.append(f"<script{match['attributes']}>")
            parts.append(normalized(match["script"], "javascript", parsed))
        elif match["script"] is not None:
            parts.append(" ".join(match[0].split()))
        end = match.end()
    parts.append(" ".join(code[end:].split()))
    return "\n".join(part for part in parts if part)


def _normalized_parts(code: str, found: Literals) -> Iterator[str]:
    """Yield the literals as they are, and what is between them without comments and blanks."""
    spans = [(*span, True) for span in found.comments]
    spans += [(*span, False) for span in found.literals]
    between = []
    end = 0
    for start, stop, is_comment in sorted(spans):
        # Inside the literal before, for example a string within a template.
        if start < end:
            continue
        between.append(code[end:start])
        if is_comment:
            # Like a blank, or like the line breaks inside it.
            between.append("\n" if "\n" in code[start:stop] else " ")
        else:
            yield _without_blanks("".join(between))
            yield code[start:stop]
            between = []
        end = stop
    between.append(code[end:])
    yield _without_blanks("".join(between))


def _without_blanks(code: str) -> str:
    code = code.replace("\r\n", "\n").replace("\r", "\n")
    code = _BLANKS.sub(" ", code)
    code = _LINE_BREAKS.sub("\n", code)
    code = _ENDED_BY_LINE.sub(r"\1;", code)
    code = _BESIDE_SIGN.sub("", code)
    return _BESIDE_PUNCTUATION.sub("", code)
