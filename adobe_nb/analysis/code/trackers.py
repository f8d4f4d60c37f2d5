"""Which expressions of a script are the tracker of Adobe Analytics: usually ``s``."""

import re
from collections.abc import Iterator
from typing import Literal

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import Tree, field, reference_of
from adobe_nb.analysis.code.operands import operands
from adobe_nb.analysis.code.scopes import FUNCTIONS, declarations
from adobe_nb.analysis.code.variable_uses import Span, bytes_of, is_inside

_PAGE = ("window", "self", "globalThis", "top", "parent")
_NEW_TRACKER = re.compile(r"(?:window\.)?s_gi\b")
Certainty = Literal["certain", "possible"]


class Trackers:
    """The tracker of the page under its names, and the functions that get it as a parameter."""

    def __init__(self, tree: Tree, names: tuple[str, ...]) -> None:
        self.tree = tree
        self.names = names
        self._plugins: list[Span] = []
        self._other_scopes: dict[Span, Certainty | None] = {}

    def plugin(self, word: Node) -> Node | None:
        """Return the function that is assigned to ``s.doPlugins``."""
        holder = reference_of(word).parent
        function = field(holder, "right") or field(holder, "value")
        if holder is not None and holder.type == "method_definition":
            function = holder
        if function is not None and function.type == "identifier":
            function = self._function_named(self.tree.text(function))
        if function is None or function.type not in FUNCTIONS:
            return None
        self._plugins.append(bytes_of(function))
        return function

    def _function_named(self, name: str) -> Node | None:
        for node in self.tree.nodes("function_declaration", "variable_declarator"):
            named = field(node, "name")
            if named is not None and self.tree.text(named) == name:
                return field(node, "value") or node
        return None

    def roots_in(self, plugin: Node) -> Iterator[Node]:
        """Yield where a function has the tracker under the name of its first parameter."""
        parameter = _first_parameter(plugin)
        if parameter is None or self.tree.text(parameter) in self.names:
            return
        name = re.escape(self.tree.text(parameter))
        pattern = re.compile(rf"(?<![\w$.]){name}(?=\s*(?:\?\.|\.|\[))")
        for _, node in self.tree.find(pattern):
            if node.type == "identifier" and is_inside(node, [bytes_of(plugin)]):
                yield node

    def note_declarations(self) -> None:
        """Note where the name of the tracker stands for something else."""
        for name in self.names:
            for declared in declarations(self.tree, name):
                span = bytes_of(declared.scope)
                parts = list(operands(self.tree, declared.value))
                if span in self._plugins or any(map(self.is_page_tracker, parts)):
                    continue
                certainty: Certainty | None = None
                if any(_NEW_TRACKER.match(self.tree.text(part)) for part in parts):
                    certainty = "possible"
                self._other_scopes[span] = certainty

    def is_page_tracker(self, node: Node) -> bool:
        """Return whether an expression is written ``s`` or ``window.s``."""
        name = self.tree.text(field(node, "property") or node)
        page = field(node, "object")
        return name in self.names and (page is None or self.tree.text(page) in _PAGE)

    def certainty(self, node: Node) -> Certainty | None:
        """Return how certainly an expression is the tracker; None when it is something else."""
        if node.type in ("member_expression", "subscript_expression"):
            page = field(node, "object")
            is_page = page is not None and self.tree.text(page) in _PAGE
            return "certain" if is_page else None
        if node.type != "identifier" or self.tree.text(node) not in self.names:
            return None
        around = [span for span in self._other_scopes if is_inside(node, [span])]
        if not around:
            return "certain"
        # The innermost declaration counts.
        return self._other_scopes[max(around)]


def _first_parameter(function: Node) -> Node | None:
    parameters = field(function, "parameters")
    if parameters is None:
        return field(function, "parameter")
    return next(iter(parameters.named_children), None)
