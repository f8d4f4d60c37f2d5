"""The parts that an expression is put together from, and the members of literals."""

from collections.abc import Iterator, Sequence

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import (
    MAX_DEPTH,
    Name,
    Tree,
    arguments_of,
    call_of,
    field,
    reference_of,
)

Leaf = tuple[list[Name], Node, Node | None]
"""A value in an object literal: its path, the member that holds it, and the value itself."""
_APPENDING = ("apl", "APL", "append_list")
_EQUALITY = ("==", "===", "!=", "!==")
_COMPARING = ("indexOf", "startsWith", "includes", "test", "replace", "split", "match", "endsWith")
MERGING = ("assign", "extend", "merge", "defaults")
"""Functions that put the members of objects into the first of them."""
MEMBERS = ("member_expression", "subscript_expression")
_SAME_TEXT = ("join", "toString", "trim", "slice", "substring")


def operands(tree: Tree, value: Node | None) -> Iterator[Node]:
    """Yield the parts of a text or list in order: of sums, alternatives, arrays, joined lists."""
    pending = [value] if value is not None else []
    # A stack instead of recursion, because generated sums are nested deeper than Python recurses.
    while pending:
        node = pending.pop()
        parts = _parts(tree, node)
        if parts is None:
            yield node
        else:
            pending += [part for part in reversed(parts) if part is not None]


def _parts(tree: Tree, node: Node) -> Sequence[Node | None] | None:
    """Return the parts of a node; None when it is a part itself."""
    match node.type:
        case "parenthesized_expression" | "sequence_expression":
            return node.named_children[-1:]
        case "array" | "spread_element":
            return [child for child in node.named_children if child.type != "comment"]
        case "assignment_expression":
            value = assigned_value(node)
            return [value] if value is not None else None
        case "ternary_expression":
            return [field(node, "consequence"), field(node, "alternative")]
        case "binary_expression":
            return _parts_of_operation(tree, node)
        case "call_expression":
            return _parts_of_call(tree, node)
    return None


def _parts_of_operation(tree: Tree, node: Node) -> Sequence[Node | None] | None:
    operator = tree.text(node.children[1])
    if operator == "&&":
        return [field(node, "right")]
    if operator in ("+", "||", "??"):
        return [field(node, "left"), field(node, "right")]
    return None


def _parts_of_call(tree: Tree, call: Node) -> Sequence[Node | None] | None:
    function = field(call, "function")
    if function is None:
        return None
    name = tree.text(field(function, "property") or function)
    if name in _APPENDING:
        return arguments_of(call)[:2]
    if name == "concat":
        return [field(function, "object"), *arguments_of(call)]
    if name in _SAME_TEXT:
        return [field(function, "object")]
    return None


def is_compared(tree: Tree, text: Node) -> bool:
    """Return whether a text is compared, or searched for, so that nothing is made from it."""
    parent = text.parent
    while parent is not None and parent.type == "parenthesized_expression":
        parent = parent.parent
    if parent is None:
        return False
    if parent.type == "binary_expression":
        return tree.text(parent.children[1]) in _EQUALITY
    method = field(parent.parent, "function", "property")
    return parent.type == "arguments" and method is not None and tree.text(method) in _COMPARING


def assigned_value(value: Node | None) -> Node | None:
    """Return what a chain of assignments assigns: the text of ``s.eVar5 = s.prop3 = "text"``."""
    for _ in range(MAX_DEPTH):
        if value is None or value.type != "assignment_expression":
            return value
        value = field(value, "right")
    return None


def arguments_for(word: Node) -> list[Node]:
    """Return the arguments with which a function or method is called; none when it is not."""
    call = call_of(reference_of(word))
    if call is None:
        return []
    return arguments_of(call)


def owner_of(tree: Tree, word: Node) -> str:
    """Return the source of the object that has a member; empty for other words."""
    owner = field(reference_of(word), "object")
    if owner is None:
        return ""
    return tree.text(owner)


def key_of(tree: Tree, member: Node) -> Name:
    """Return the key of ``object.key``, ``object["key"]``, and of a member of a literal."""
    name = field(member, "property")
    if name is not None:
        return (tree.text(name),)
    key = field(member, "index") or field(member, "key")
    if key is None:
        return (None,)
    if key.type == "computed_property_name":
        key = key.named_children[0]
    elif key.type != "string" and member.type == "pair":
        return (tree.text(key),)
    names = tree.names(key)
    return names[0] if len(names) == 1 else (None,)


def path_of(tree: Tree, root: Node) -> tuple[Node, list[Name]]:
    """Return the longest expression that begins with a node, and its keys: ``a.b["c"]``."""
    keys: list[Name] = []
    node = root
    for _ in range(MAX_DEPTH):
        parent = node.parent
        if parent is None or parent.type not in MEMBERS or field(parent, "object") != node:
            break
        keys.append(key_of(tree, parent))
        node = parent
    return node, keys


def leaves_of_literal(tree: Tree, value: Node, path: Sequence[Name], at: Node) -> Iterator[Leaf]:
    """Yield each value below an object literal.

    Items of lists have the path of their list. A value that is not a literal is its only leaf.
    """
    pending: list[Leaf] = [(list(path), at, value)]
    while pending:
        leaf = pending.pop()
        members = members_of_literal(tree, leaf[2], leaf[0])
        if members is None:
            yield leaf
        else:
            pending += reversed(members)


def members_of_literal(tree: Tree, value: Node | None, path: list[Name]) -> list[Leaf] | None:
    """Return what is directly below a value; None when it is not a literal.

    Objects that are spread or merged into it have the path of the value itself.
    """
    members: list[Leaf] = []
    is_literal = False
    for part in operands(tree, value):
        merged = merged_by(tree, part)
        is_literal |= part.type == "object" or bool(merged)
        members += [(path, argument, argument) for argument in merged]
        if part.type == "object":
            for member in part.named_children:
                members += _member(tree, path, member)
    return members if is_literal else None


def _member(tree: Tree, path: list[Name], member: Node) -> Iterator[Leaf]:
    if member.type == "pair":
        yield [*path, key_of(tree, member)], member, field(member, "value")
    elif member.type == "shorthand_property_identifier":
        yield [*path, (tree.text(member),)], member, member
    elif member.type == "spread_element":
        for part in operands(tree, member):
            if part.type == "object" or merged_by(tree, part):
                yield path, member, part
            else:
                yield [*path, (None,)], member, None


def merged_by(tree: Tree, call: Node) -> list[Node]:
    """Return the objects that a call such as ``Object.assign({}, object)`` merges, if it does."""
    function = field(call, "function")
    if function is None or tree.text(field(function, "property") or function) not in MERGING:
        return []
    return [node for node in arguments_of(call) if node.type not in ("true", "false")]
