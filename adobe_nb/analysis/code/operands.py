"""The parts that an expression is put together from, and the members of literals."""

from collections.abc import Iterator, Sequence

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import MAX_DEPTH, Name, Tree, arguments_of, field

Leaf = tuple[list[Name], Node, Node | None]
"""A value in an object literal: its path, the member that holds it, and the value itself."""
_APPENDING = ("apl", "APL", "append_list")
MEMBERS = ("member_expression", "subscript_expression")
_SAME_TEXT = ("join", "toString", "trim", "replace", "slice", "substring")


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


def assigned_value(value: Node | None) -> Node | None:
    """Return what a chain of assignments assigns: the text of ``s.eVar5 = s.prop3 = "text"``."""
    for _ in range(MAX_DEPTH):
        if value is None or value.type != "assignment_expression":
            return value
        value = field(value, "right")
    return None


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
        members = _members(tree, leaf[0], leaf[2])
        if members is None:
            yield leaf
        else:
            pending += reversed(members)


def _members(tree: Tree, path: list[Name], value: Node | None) -> list[Leaf] | None:
    """Return what is directly below a value; None when it is a leaf."""
    objects = _objects_in(tree, value)
    if not objects:
        return None
    members: list[Leaf] = []
    for part in objects:
        for member in part.named_children:
            if member.type == "pair":
                members.append(([*path, key_of(tree, member)], member, field(member, "value")))
            elif member.type == "shorthand_property_identifier":
                members.append(([*path, (tree.text(member),)], member, member))
            elif member.type == "spread_element":
                members.append(([*path, (None,)], member, None))
    return members


def _objects_in(tree: Tree, value: Node | None) -> list[Node]:
    """Return the object literals that a value is, or is put together from."""
    return [part for part in operands(tree, value) if part.type == "object"]
