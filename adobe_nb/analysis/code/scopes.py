"""Which variables a script declares, and where each is visible."""

from collections.abc import Iterator
from typing import NamedTuple

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import Tree, field

FUNCTIONS = (
    "function_declaration",
    "function_expression",
    "generator_function",
    "generator_function_declaration",
    "arrow_function",
    "method_definition",
)
_BLOCKS = ("statement_block", "for_statement", "for_in_statement", "catch_clause", *FUNCTIONS)
_PARAMETERS = ("formal_parameters", "assignment_pattern", "rest_pattern", *FUNCTIONS)
_PATTERNS = ("object_pattern", "array_pattern", "pair_pattern", "object_assignment_pattern")
_NAMED = ("function_declaration", "generator_function_declaration", "class_declaration")


class Declaration(NamedTuple):
    """A variable, parameter or function that a script declares."""

    scope: Node
    """The function or block in which it is visible; the root of the tree for all of the script."""
    value: Node | None
    """What it is declared with."""


def declarations(tree: Tree, name: str) -> Iterator[Declaration]:
    """Yield the declarations of a name."""
    for node in tree.identifiers(name):
        if node.parent is not None:
            yield from _declaration(tree, node, node.parent)


def _declaration(tree: Tree, node: Node, parent: Node) -> Iterator[Declaration]:
    is_name = field(parent, "name") == node
    if parent.type == "variable_declarator" and is_name:
        yield Declaration(_scope_of_variable(tree, parent), field(parent, "value"))
    elif parent.type in _NAMED and is_name:
        yield Declaration(_around(tree, parent, FUNCTIONS), None)
    elif parent.type in _PARAMETERS:
        yield Declaration(_around(tree, node, FUNCTIONS), None)
    elif parent.type in _PATTERNS or field(parent, "parameter") == node:
        yield Declaration(_around(tree, node, _BLOCKS), None)
    elif field(parent, "kind") is not None and field(parent, "left") == node:
        # for (var key in object)
        yield Declaration(parent, None)


def _scope_of_variable(tree: Tree, declarator: Node) -> Node:
    declaration = declarator.parent
    if declaration is not None and declaration.type == "variable_declaration":
        return _around(tree, declarator, FUNCTIONS)
    return _around(tree, declarator, _BLOCKS)


def _around(tree: Tree, node: Node, types: tuple[str, ...]) -> Node:
    """Return the nearest node of these types around a node; the root when there is none."""
    parent = node.parent
    while parent is not None:
        if parent.type in types:
            return parent
        parent = parent.parent
    return tree.root
