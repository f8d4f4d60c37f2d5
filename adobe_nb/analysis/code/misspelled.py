"""Names in a script that look like typing errors of global objects: ``documnet``."""

import re
from collections.abc import Iterator
from functools import lru_cache

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import Tree, field, reference_of

_OWNER = re.compile(r"(?<![\w$.])[A-Za-z_$][\w$]{4,}+(?=\s*+\.)")
_GLOBALS = (
    "_satellite", "console", "document", "history", "localStorage", "location", "navigator",
    "sessionStorage", "window",
)  # fmt: skip
_INTERFACES = ("Document", "History", "Location", "Navigator", "Window", "Storage")


def misspelled_names(tree: Tree) -> Iterator[tuple[Node, str]]:
    """Yield each name that is misspelled, and the one that is meant."""
    for word in sorted(set(_OWNER.findall(tree.script.text))):
        meant = _meant(word)
        if not meant:
            continue
        pattern = re.compile(rf"(?<![\w$]){re.escape(word)}(?![\w$])")
        nodes = [node for _, node in tree.find(pattern) if "identifier" in node.type]
        if any(map(_is_defined, nodes)):
            continue
        for node in nodes:
            if node.type == "identifier":
                yield node, meant


def _is_defined(word: Node) -> bool:
    """Return whether code defines a name, or checks that it is defined."""
    reference = reference_of(word)
    parent = reference.parent
    if parent is None:
        return False
    # typeof, parameters, and {name} = object
    if parent.type in ("unary_expression", "formal_parameters", "object_pattern"):
        return True
    fields = ("name", "left", "parameter", "alias")
    return any(field(parent, name) == reference for name in fields)


@lru_cache(maxsize=10_000)
def _meant(word: str) -> str:
    """Return the global object whose name differs from a word in one letter; else empty."""
    if word in _GLOBALS or word in _INTERFACES or word.removesuffix("s") in _GLOBALS:
        return ""
    if word.isupper():
        return ""
    for name in _GLOBALS:
        if word.lower() == name.lower() or _differ_in_one(word, name):
            return name
    return ""


def _differ_in_one(one: str, other: str) -> bool:
    """Return whether one letter is missing, doubled, wrong, or two have changed places."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, other_rest = one[start:], other[start:]
    if rest[1:] == other_rest or rest == other_rest[1:] or rest[1:] == other_rest[1:]:
        return True
    return rest[:2] == other_rest[1::-1] and rest[2:] == other_rest[2:]
