"""The texts that a script puts together for a list such as ``s.events``."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import Tree, arguments_of, call_of, field, literal
from adobe_nb.analysis.code.operands import MEMBERS, key_of, operands

_KNOWN_PARTS = ("number", "null", "undefined", "true", "false")
# A part after an equals sign is the value of an event, and not an event: "event1=" + amount.
_BEFORE_VALUE = re.compile(r"[=:][\"'`]\s*\+[\s(]*$")
_FILLING = ("push", "unshift")


class ListText(NamedTuple):
    """A part of a list: its text, or None when only the page knows it."""

    text: str | None
    certainty: Literal["certain", "possible"]
    node: Node


def list_texts(tree: Tree, value: Node | None, key: str) -> Iterator[ListText]:
    """Yield the parts of a value that is assigned to ``s.KEY``, without ``s.KEY`` itself."""
    for part in operands(tree, value):
        if part.type == "string":
            yield ListText(tree.string_text(part), "certain", part)
        elif part.type == "template_string":
            yield ListText(tree.string_text(part), "certain", part)
            for child in part.named_children:
                is_value = _before(tree, child).endswith(("=", ":"))
                if child.type == "template_substitution" and not is_value:
                    yield ListText(None, "possible", child)
        elif part.type in _KNOWN_PARTS or _is_member(tree, part, key):
            continue
        elif not _BEFORE_VALUE.search(_before(tree, part)):
            yield from list(_texts_of_unknown(tree, part)) or [ListText(None, "possible", part)]


def _texts_of_unknown(tree: Tree, node: Node) -> Iterator[ListText]:
    """Yield the strings that a variable is filled with, or that are passed to a function."""
    if node.type == "identifier":
        for string in _assigned(tree, tree.text(node)):
            yield ListText(tree.string_text(string), "possible", string)
    elif node.type == "call_expression" and not _reads_element(tree, node):
        for string in tree.nodes("string", within=node):
            yield ListText(tree.string_text(string), "certain", string)


def _assigned(tree: Tree, name: str) -> Iterator[Node]:
    """Yield the strings that a variable of the script is filled with."""
    pattern = re.compile(rf"(?<![\w$.]){re.escape(name)}(?![\w$])")
    for _, node in tree.find(pattern):
        if node.type != "identifier" or node.parent is None:
            continue
        values = [field(node.parent, "value"), field(node.parent, "right")]
        call = call_of(node.parent)
        if call is not None and literal(key_of(tree, node.parent)) in _FILLING:
            values = [*arguments_of(call)]
        for value in values:
            for part in operands(tree, value):
                if part.type == "string":
                    yield part


def _reads_element(tree: Tree, call: Node) -> bool:
    function = field(call, "function")
    return function is not None and literal(key_of(tree, function)) == "getVar"


def _is_member(tree: Tree, node: Node, key: str) -> bool:
    return node.type in MEMBERS and literal(key_of(tree, node)) == key


def _before(tree: Tree, node: Node) -> str:
    """Return the source before a node."""
    return tree.script.text[max(0, node.start_byte - 20) : node.start_byte]
