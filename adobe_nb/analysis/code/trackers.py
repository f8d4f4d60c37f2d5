"""Which expressions of a script are the tracker of Adobe Analytics: usually ``s``.

Functions that are called where they are written get it as a parameter, and variables can hold it
under another name: both are followed.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import (
    MAX_DEPTH,
    Tree,
    arguments_of,
    field,
    literal,
    reference_of,
)
from adobe_nb.analysis.code.operands import MEMBERS, key_of, operands
from adobe_nb.analysis.code.parts import Nesting, Span, bytes_of
from adobe_nb.analysis.code.scopes import FUNCTIONS, declarations

_PAGE = ("window", "self", "globalThis", "top", "parent")
_NEW_TRACKER = re.compile(r"(?:window\.)?s_gi\b")
Certainty = Literal["certain", "possible"]
_Scopes = dict[Span, Certainty | None]


class _Variable:
    """What one name is: the tracker, or something else, in each scope that declares it."""

    def __init__(self, scopes: _Scopes, on_page: Certainty | None) -> None:
        self._scopes = scopes
        self._nesting = Nesting(scopes)
        self._on_page = on_page

    def certainty(self, node: Node) -> Certainty | None:
        """Return how certainly the tracker is meant; the innermost declaration counts."""
        scope = self._nesting.around(node)
        if scope is None:
            return self._on_page
        return self._scopes[scope]

    def bind(self, node: Node, certainty: Certainty) -> None:
        """Note that the variable of this name around a node is the tracker."""
        scope = self._nesting.around(node)
        if scope is None:
            self._on_page = certainty
        else:
            self._scopes[scope] = certainty


class _Alias(NamedTuple):
    """A name under which the tracker is handed on."""

    name: Node
    tracker: Node
    is_parameter: bool


class Trackers:
    """The tracker of the page under its names, and under those that a script gives it."""

    def __init__(self, tree: Tree, names: tuple[str, ...]) -> None:
        self.tree = tree
        self.names = names
        self._variables: dict[str, _Variable] = {}
        self._new_names: list[str] = []
        """Other names of the tracker that were not yet followed."""

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
        parameter = _parameter(function, 0)
        if parameter is not None:
            self._variable(parameter).bind(parameter, "certain")
        return function

    def _function_named(self, name: str) -> Node | None:
        for node in self.tree.identifiers(name):
            holder = node.parent
            if holder is not None and field(holder, "name") == node:
                return field(holder, "value") or holder
        return None

    def aliases(self, words: Iterable[Node]) -> Iterator[tuple[Node, Certainty]]:
        """Yield where the tracker has another name; ``words`` is where it has its own."""
        self._hand_on(words)
        while self._new_names:
            nodes = list(self.tree.identifiers(self._new_names.pop()))
            self._hand_on(nodes)
            for node in nodes:
                certainty = self.certainty(node)
                if certainty is not None:
                    yield node, certainty

    def _hand_on(self, words: Iterable[Node]) -> None:
        """Note the names that get the tracker from one of these references to it."""
        aliases = filter(None, map(self._alias, words))
        # An outer function comes before the inner ones, which it can hand its parameter.
        for alias in sorted(aliases, key=lambda alias: alias.name.start_byte):
            certainty = self.certainty(alias.tracker)
            if certainty is not None:
                # Something else can be assigned to a variable later.
                certainty = certainty if alias.is_parameter else "possible"
                self._variable(alias.name).bind(alias.name, certainty)

    def _alias(self, word: Node) -> _Alias | None:
        """Return the name under which a reference is handed on."""
        reference = reference_of(word)
        value = self._whole(reference)
        parent = value.parent
        if parent is None:
            return None
        if parent.type == "arguments":
            name = self._parameter_for(value, parent)
            is_own = False
        else:
            name = field(parent, "name") or field(parent, "left")
            is_own = value not in (field(parent, "value"), field(parent, "right"))
        if name is None or name.type != "identifier" or is_own:
            return None
        # What a script declares under a name of the tracker is known from its declaration.
        if parent.type != "arguments" and self.tree.text(name) in self.names:
            return None
        return _Alias(name, reference, parent.type == "arguments")

    def _whole(self, node: Node) -> Node:
        """Return the largest expression that can have this value: ``(s || {})`` for ``s``."""
        for _ in range(MAX_DEPTH):
            parent = node.parent
            if parent is None or not self._can_be(parent):
                break
            node = parent
        return node

    def _can_be(self, parent: Node) -> bool:
        """Return whether an expression can have the value of each of its parts."""
        if parent.type == "binary_expression":
            return self.tree.text(parent.children[1]) in ("||", "??")
        return parent.type == "parenthesized_expression"

    def _parameter_for(self, value: Node, arguments: Node) -> Node | None:
        """Return the parameter for an argument, if a function is called where it is written."""
        call = arguments.parent
        function = _without_parentheses(field(call, "function"))
        skipped = 0
        if function is not None and function.type == "member_expression":
            # (function (s) {…}).call(this, s)
            method = field(function, "property")
            if method is None or self.tree.text(method) != "call":
                return None
            function = _without_parentheses(field(function, "object"))
            skipped = 1
        if call is None or function is None or function.type not in FUNCTIONS:
            return None
        return _parameter(function, arguments_of(call).index(value) - skipped)

    def _variable(self, name: Node) -> _Variable:
        """Return what is known of a name."""
        text = self.tree.text(name)
        if text not in self._variables:
            is_of_page = text in self.names
            self._variables[text] = _Variable(
                self._scopes_of(text), "certain" if is_of_page else None
            )
            if not is_of_page:
                self._new_names.append(text)
        return self._variables[text]

    def _scopes_of(self, name: str) -> _Scopes:
        """Return what a name is in each scope that declares it."""
        scopes: _Scopes = {}
        for declared in declarations(self.tree, name):
            span = bytes_of(declared.scope)
            certainty = self._declared(declared.value)
            # Of several declarations in one scope, the one that is least certain counts.
            if certainty != "certain" and scopes.get(span, certainty) is not None:
                scopes[span] = certainty
            scopes.setdefault(span, certainty)
        return scopes

    def _declared(self, value: Node | None) -> Certainty | None:
        """Return how certainly a variable is declared as the tracker."""
        parts = list(operands(self.tree, value))
        if any(map(self.is_page_tracker, parts)):
            return "certain"
        if any(_NEW_TRACKER.match(self.tree.text(part)) for part in parts):
            return "possible"
        return None

    def is_page_tracker(self, node: Node) -> bool:
        """Return whether an expression is written ``s`` or ``window.s``."""
        name = self.tree.text(field(node, "property") or node)
        page = field(node, "object")
        return name in self.names and (page is None or self.tree.text(page) in _PAGE)

    def certainty(self, node: Node) -> Certainty | None:
        """Return how certainly an expression is the tracker; None when it is something else."""
        if node.type in MEMBERS:
            return self._certainty_of_member(node)
        if node.type != "identifier":
            return None
        if self.tree.text(node) in self.names:
            return self._variable(node).certainty(node)
        variable = self._variables.get(self.tree.text(node))
        return variable.certainty(node) if variable is not None else None

    def _certainty_of_member(self, member: Node) -> Certainty | None:
        page = field(member, "object")
        if page is None or literal(key_of(self.tree, member)) not in self.names:
            return None
        if page.type == "this":
            # The window, in a plain function; the element, in an action of the extension Core.
            return "possible"
        return "certain" if self.tree.text(page) in _PAGE else None


def _parameter(function: Node, position: int) -> Node | None:
    """Return the name of a parameter; None for those without one."""
    parameters = field(function, "parameters")
    names = [field(function, "parameter")]
    if parameters is not None:
        names = [child for child in parameters.named_children if child.type != "comment"]
    if not 0 <= position < len(names):
        return None
    return field(names[position], "left") or names[position]


def _without_parentheses(node: Node | None) -> Node | None:
    while node is not None and node.type == "parenthesized_expression":
        node = next(iter(node.named_children), None)
    return node
