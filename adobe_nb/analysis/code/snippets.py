"""Which settings are code, and what can be said of a piece of code without reading it."""

import re
from operator import attrgetter

from adobe_nb.analysis.code.javascript import is_javascript
from adobe_nb.analysis.model import Model, once_per_model
from adobe_nb.analysis.settings import Text, texts

_LOOKS_LIKE_CODE = re.compile(
    r"\bfunction\b|=>|\b(?:var|let|const|return|new|typeof)\s|_satellite\.|\bwindow\.|\bdocument\."
)
_MEMBER_OF_CODE = re.compile(r"(?:source|code|script|javascript|js|function)", re.IGNORECASE)
_ORDER = attrgetter("resource.property_id", "resource.type", "resource.name", "path", "resource.id")
_LONG_LINE = 500
_FEW_BLANKS = 0.05


@once_per_model
def snippets_of(model: Model) -> list[Text]:
    """Return the texts that are code, in the order of their sources; blank ones are left out.

    A text of an extension whose package is unknown counts when it clearly is code.
    """
    return sorted(filter(is_code, texts(model)), key=_ORDER)


def count_lines(code: str) -> int:
    """Return the number of lines; a line break at the end begins no further one."""
    return code.removesuffix("\n").count("\n") + 1


def is_minified(code: str) -> bool:
    """Return whether code is written for machines: lines of 500 characters, or hardly a blank."""
    if len(code) < _LONG_LINE:
        return False
    blanks = sum(map(code.count, " \t\r\n"))
    return len(code) / count_lines(code) > _LONG_LINE or blanks / len(code) < _FEW_BLANKS


def is_code(text: Text) -> bool:
    """Return whether a text is code, or clearly looks like it while its package is missing."""
    if text.role != "unknown":
        return text.role == "code" and bool(text.value.strip())
    if text.language == "html":
        return True
    if not _LOOKS_LIKE_CODE.search(text.value):
        return False
    # Prose has such words, too, but it is not valid JavaScript.
    member = text.path.rpartition(".")[2]
    if _MEMBER_OF_CODE.search(member):
        return True
    return is_javascript(f"function f() {{\n{text.value}\n}}")


def is_external(text: Text) -> bool:
    """Return whether the setting holds the address of a file instead of its code."""
    return text.resource.setting("isExternal") is True
