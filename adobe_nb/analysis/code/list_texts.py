"""The texts that a script puts together for a list such as ``s.events``."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import Tree, arguments_of, call_of, field, literal
from adobe_nb.analysis.code.operands import MEMBERS, key_of, operands

_KNOWN_PARTS = ("number", "null", "undefined", "true", "false")
# A part after an equals sign is the value of an event, and not an event: "event1=" + amount.
_BEFORE_VALUE = re.compile(r"[=:][\"'`]\s*\+[\s(]*$")
_FILLING = ("push", "unshift")
# Generated code can have any number of variables, and of places where each is filled.
_MAX_VARIABLES = 100
_MAX_PLACES = 500


class ListText(NamedTuple):
    """A part of a list: its text, or None when only the page knows it."""

    text: str | None
    certainty: Literal["certain", "possible"]
    node: Node


class ListTexts:
    """Reads the lists of one script."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._filled: dict[str, Sequence[Node]] = {}
        """The strings that each variable is filled with."""

    def parts(self, value: Node | None, key: str) -> Iterator[ListText]:
        """Yield the parts of a value that is assigned to ``s.KEY``, without ``s.KEY`` itself."""
        for part in operands(self.tree, value):
            if part.type == "string":
                yield ListText(self.tree.string_text(part), "certain", part)
            elif part.type == "template_string":
                yield from self._template(part)
            elif part.type in _KNOWN_PARTS or self._is_member(part, key):
                continue
            elif not _BEFORE_VALUE.search(self._before(part)):
                yield from list(self._unknown(part)) or [ListText(None, "possible", part)]

    def _template(self, node: Node) -> Iterator[ListText]:
        yield ListText(self.tree.string_text(node), "certain", node)
        for child in node.named_children:
            is_value = self._before(child).endswith(("=", ":"))
            if child.type == "template_substitution" and not is_value:
                yield ListText(None, "possible", child)

    def _unknown(self, node: Node) -> Iterator[ListText]:
        """Yield the strings that a variable is filled with, or that are passed to a function."""
        if node.type == "identifier":
            for string in self._strings_in(self.tree.text(node)):
                yield ListText(self.tree.string_text(string), "possible", string)
        elif node.type == "call_expression" and not self._reads_element(node):
            for string in self.tree.nodes("string", within=node):
                yield ListText(self.tree.string_text(string), "certain", string)

    def _strings_in(self, variable: str) -> Sequence[Node]:
        """Return the strings that a variable of the script is filled with."""
        if variable not in self._filled:
            if len(self._filled) >= _MAX_VARIABLES:
                return ()
            self._filled[variable] = list(self._find_strings(variable))
        return self._filled[variable]

    def _find_strings(self, variable: str) -> Iterator[Node]:
        pattern = re.compile(rf"(?<![\w$.]){re.escape(variable)}(?![\w$])")
        for _, node in islice(self.tree.find(pattern), _MAX_PLACES):
            if node.type != "identifier" or node.parent is None:
                continue
            values = [field(node.parent, "value"), field(node.parent, "right")]
            call = call_of(node.parent)
            if call is not None and literal(key_of(self.tree, node.parent)) in _FILLING:
                values = [*arguments_of(call)]
            for value in values:
                for part in operands(self.tree, value):
                    if part.type == "string":
                        yield part

    def _reads_element(self, call: Node) -> bool:
        function = field(call, "function")
        return function is not None and literal(key_of(self.tree, function)) == "getVar"

    def _is_member(self, node: Node, key: str) -> bool:
        return node.type in MEMBERS and literal(key_of(self.tree, node)) == key

    def _before(self, node: Node) -> str:
        """Return the source before a node."""
        return self.tree.script.text[max(0, node.start_byte - 20) : node.start_byte]
