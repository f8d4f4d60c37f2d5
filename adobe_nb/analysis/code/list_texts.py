"""The texts that a script puts together for a list such as ``s.events``.

What stands there is certain. What a variable, call or function can make of it is possible.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import Tree, arguments_of, call_of, field, literal
from adobe_nb.analysis.code.operands import MEMBERS, is_compared, key_of, operands
from adobe_nb.analysis.code.scopes import FUNCTIONS

_KNOWN_PARTS = ("number", "null", "undefined", "true", "false")
# A part after an equals sign is the value of an event, and not an event: "event1=" + amount.
_BEFORE_VALUE = re.compile(r"[=:][\"'`]\s*\+[\s(]*$")
_STRINGS = ("string", "template_string")
_FILLING = ("push", "unshift")
# Generated code can have any number of variables, and of places where each is filled.
_MAX_VARIABLES = 100
_MAX_PLACES = 500


Certainty = Literal["certain", "possible"]


class ListText(NamedTuple):
    """A part of a list: its text, or None when only the page knows it."""

    text: str | None
    certainty: Certainty
    node: Node


class ListTexts:
    """Reads the lists of one script."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._values: dict[str, Sequence[Node]] = {}
        """The expressions that each variable is filled with."""

    def parts(self, value: Node | None, key: str) -> Iterator[ListText]:
        """Yield the parts of a value that is assigned to ``s.KEY``, without ``s.KEY`` itself."""
        for part in operands(self.tree, value):
            if part.type in _STRINGS:
                yield from self._string(part, "certain")
            elif part.type in _KNOWN_PARTS or self._is_member(part, key):
                continue
            elif not _BEFORE_VALUE.search(self._before(part)):
                yield from list(self._found(part)) or [ListText(None, "possible", part)]

    def _string(self, node: Node, certainty: Certainty) -> Iterator[ListText]:
        yield ListText(self.tree.string_text(node), certainty, node)
        for child in node.named_children:
            is_value = self._before(child).endswith(("=", ":"))
            if child.type == "template_substitution" and not is_value:
                yield ListText(None, "possible", child)

    def _found(self, part: Node) -> Iterator[ListText]:
        """Yield the texts from which a variable or call is put together, as far as they are seen.

        They are possible: the script can change them, choose among them, or use none.
        """
        pending = [part]
        seen: set[str] = set()
        while pending:
            node = pending.pop()
            if node.type in _STRINGS:
                yield ListText(self.tree.string_text(node), "possible", node)
            elif node.type == "identifier" and self.tree.text(node) not in seen:
                seen.add(self.tree.text(node))
                values = self._values_of(self.tree.text(node))
                pending += reversed(list(self._operands(values)))
            elif node.type == "call_expression":
                pending += reversed(list(self._operands(self._in_call(node))))
            elif node.type in FUNCTIONS:
                pending += reversed(self._made_in(node))

    def _operands(self, values: Iterable[Node | None]) -> Iterator[Node]:
        for value in values:
            yield from operands(self.tree, value)

    def _in_call(self, call: Node) -> Sequence[Node | None]:
        """Return the expressions from which a call makes a text."""
        function = field(call, "function")
        if function is None:
            return ()
        arguments = arguments_of(call)
        method = literal(key_of(self.tree, function))
        if method == "getVar":
            return ()
        if method in ("replace", "replaceAll"):
            return [field(function, "object"), *arguments[1:2]]
        names = [node for node in (function, *arguments) if node.type == "identifier"]
        return [*names, *self._made_in(call)]

    def _made_in(self, node: Node) -> list[Node]:
        """Return the strings in a call or function that are not only compared."""
        strings = list(self.tree.nodes(*_STRINGS, within=node))
        if len(strings) > _MAX_PLACES:
            # Of generated code: looking at what is around each takes as long as it is deep.
            return strings
        return [string for string in strings if not is_compared(self.tree, string)]

    def _values_of(self, variable: str) -> Sequence[Node]:
        """Return the expressions that a variable of the script is filled with."""
        if variable not in self._values:
            if len(self._values) >= _MAX_VARIABLES:
                return ()
            self._values[variable] = list(self._find_values(variable))
        return self._values[variable]

    def _find_values(self, variable: str) -> Iterator[Node]:
        for node in islice(self.tree.identifiers(variable), _MAX_PLACES):
            if node.type != "identifier" or node.parent is None:
                continue
            values = [field(node.parent, "value"), field(node.parent, "right")]
            if node.parent.type == "function_declaration":
                values = [node.parent]
            call = call_of(node.parent)
            if call is not None and literal(key_of(self.tree, node.parent)) in _FILLING:
                values = [*arguments_of(call)]
            yield from filter(None, values)

    def _is_member(self, node: Node, key: str) -> bool:
        return node.type in MEMBERS and literal(key_of(self.tree, node)) == key

    def _before(self, node: Node) -> str:
        """Return the source before a node."""
        return self.tree.script.text[max(0, node.start_byte - 20) : node.start_byte]
