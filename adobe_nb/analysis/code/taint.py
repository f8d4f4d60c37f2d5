"""Which expressions hold what visitors or links control: data elements and the page's address."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cached_property
from operator import attrgetter

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import Tree, call_of, field, reference_of

_SOURCE = re.compile(
    r"\b(?:getVar|getDataElementValue|location|URL|documentURI|baseURI|referrer)\b"
)
_READERS = ("getVar", "getDataElementValue")
# The owner of the site chooses these parts of an address, and the others are functions.
_SAFE_PARTS = ("protocol", "host", "hostname", "origin", "port", "reload", "assign", "replace")
_ENDS = ("program", "statement_block", "class_body", "template_literal")
_FUNCTIONS = ("function_expression", "function_declaration", "arrow_function", "method_definition")
# What comes out of these calls holds no markup of the value: encoded, a number, an element.
_CLEANING = re.compile(
    r"encode|escape|sanitize|purify|^(?:Number|parseInt|parseFloat|Boolean|test|indexOf|includes)$|"
    r"^(?:getElement|querySelector|match|startsWith|endsWith)",
    re.IGNORECASE,
)
_COMPARISONS = ("==", "===", "!=", "!==", "<", ">", "<=", ">=", "in", "instanceof", "&&")


class Taint:
    """The tainted expressions of one script."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def holds(self, expression: Node) -> bool:
        """Return whether an expression is, or is put together from, a tainted value."""
        place = attrgetter("start_byte")
        first = bisect_left(self._tainted, expression.start_byte, key=place)
        stop = bisect_left(self._tainted, expression.end_byte, key=place)
        return any(self._reaches(node, expression) for node in self._tainted[first:stop])

    @cached_property
    def _tainted(self) -> list[Node]:
        """The sources, and where variables are read to which their values are assigned; in order."""
        pending = list(self._sources())
        tainted = list(pending)
        variables: set[str] = set()
        while pending:
            found = set().union(*map(self._holder, pending)) - variables
            variables |= found
            pending = list(self._reads(found))
            tainted += pending
        return sorted(tainted, key=attrgetter("start_byte"))

    def _sources(self) -> Iterator[Node]:
        for word, node in self._tree.find(_SOURCE):
            if self._tree.text(node) == word and self._is_source(node):
                yield node

    def _reads(self, variables: Iterable[str]) -> Iterator[Node]:
        for variable in sorted(variables):
            for node in self._tree.identifiers(variable):
                if node.type == "identifier":
                    yield node

    def _is_source(self, node: Node) -> bool:
        word = self._tree.text(node)
        reference = reference_of(node)
        if word in _READERS:
            return call_of(reference) is not None
        owner = field(reference, "object")
        if node.type == "identifier":
            # The constructor URL is not an address.
            is_address = word == "location"
        else:
            owners = ("document", "window", "self", "top", "parent", "window.document")
            is_address = owner is not None and self._tree.text(owner) in owners
        part = field(reference.parent, "property")
        return is_address and (part is None or self._tree.text(part) not in _SAFE_PARTS)

    def _holder(self, node: Node) -> set[str]:
        """Return the variable that an assignment puts the value of a node into, if any."""
        while (parent := node.parent) is not None and not self._is_stopped(parent, node):
            target = None
            if parent.type == "variable_declarator":
                target = field(parent, "name")
            elif parent.type in ("assignment_expression", "augmented_assignment_expression"):
                target = field(parent, "left")
            if target is not None and target != node:
                # In a chain, ``a = b = value``, the innermost variable is enough to follow.
                return {self._tree.text(target)} if target.type == "identifier" else set()
            node = parent
        return set()

    def _reaches(self, node: Node, expression: Node) -> bool:
        """Return whether the value of a node is part of that of an expression around it."""
        while node != expression:
            parent = node.parent
            if parent is None or self._is_stopped(parent, node):
                return False
            node = parent
        return True

    def _is_stopped(self, parent: Node, node: Node) -> bool:
        """Return whether the value of a node does not get out of its parent."""
        match parent.type:
            case "call_expression" | "new_expression":
                return self._is_cleaning(parent)
            case "binary_expression":
                is_left = field(parent, "left") == node
                operator = self._tree.text(parent.children[1])
                return operator in _COMPARISONS and (operator != "&&" or is_left)
            case "ternary_expression":
                return field(parent, "condition") == node
            case "subscript_expression":
                return field(parent, "index") == node
        return parent.type in _ENDS or parent.type in _FUNCTIONS

    def _is_cleaning(self, call: Node) -> bool:
        function = field(call, "function") or field(call, "constructor")
        name = field(function, "property") or function
        return name is not None and bool(_CLEANING.search(self._tree.text(name)))
