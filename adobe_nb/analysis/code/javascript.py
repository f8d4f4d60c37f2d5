"""JavaScript, parsed: the tree of a script, and what its strings say."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import groupby
from typing import NamedTuple
from weakref import WeakValueDictionary

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser, Query, QueryCursor, TreeCursor

Name = tuple[str | None, ...]
"""A text that a script puts together: its known parts, and None for each unknown one."""
# People do not nest operators deeper. Generated code could, and deeper than Python recurses.
MAX_DEPTH = 50
_MAX_NAMES = 64
_FEW = 2_000
# The parser takes minutes for braces that are nested a million times.
_MAX_BRACES = 20_000
# The parser finds the parent of a node from the root: each look at one takes as long as it is deep.
_MAX_LEVELS = 4_000
_MAX_LEVELS_OF_MANY = 500
_MANY = 100
_WORD = re.compile(r"(?<![\w$.])[\w$]+")
_BRACE = re.compile(r"[{}]")
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]+)\}|([0-3]?[0-7]{1,2})|(\r\n|.))",
    re.DOTALL,
)
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_OTHER_LINE_BREAK = re.compile("[\u2028\u2029]")
_OTHER_BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufeff]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_LINE_BREAKS = ("\n", "\r", "\r\n", "\u2028", "\u2029")


class Script(NamedTuple):
    """A script, and where it starts in the text that holds it."""

    text: str
    start: int = 0
    line: int = 1


@cache
def language() -> Language:
    """Return the grammar."""
    return Language(tree_sitter_javascript.language())


@cache
def _query(source: str) -> Query:
    return Query(language(), source)


class Tree:
    """The syntax tree of a script. Broken code has one, too: what can be read of it."""

    def __init__(self, script: Script) -> None:
        self.script = script
        # The parser takes bytes and tells places in bytes. With one byte for every character they
        # are places in the text, too; which letter an identifier has does not change its syntax.
        source = _OTHER_LINE_BREAK.sub("\n", script.text)
        source = _OTHER_BLANK.sub(" ", source)
        source = _NOT_ASCII.sub("x", source)
        self.is_readable = not _is_too_deep(source)
        if not self.is_readable:
            source = ""
        self.root = Parser(language()).parse(source.encode("ascii")).root_node

    @property
    def is_broken(self) -> bool:
        """Whether a part of the script is not valid JavaScript."""
        return self.root.has_error or not self.is_readable

    def nodes(self, *types: str, within: Node | None = None) -> Iterator[Node]:
        """Yield the nodes of these types, of the whole tree or within a node."""
        root = within if within is not None else self.root
        if not self.is_broken:
            query = " ".join(f"({name}) @found" for name in types)
            yield from QueryCursor(_query(query)).captures(root).get("found", ())
            return
        # A query takes minutes for a node of a million children, such as broken code can have.
        cursor = root.walk()
        has_more = True
        while has_more:
            if cursor.node is not None and cursor.node.type in types:
                yield cursor.node
            has_more = cursor.goto_first_child() or _goto_next(cursor)

    def find(self, words: re.Pattern[str]) -> Iterator[tuple[str, Node]]:
        """Yield each match of a pattern, and the smallest node at its start.

        Nodes that are nested too deeply are left out.
        """
        matches = list(words.finditer(self.script.text))
        yield from self._words_at([match.span() for match in matches])

    def identifiers(self, name: str) -> Iterator[Node]:
        """Yield the identifiers of a name, but for members of objects.

        Unlike ``find``, it does not search the script again for each of many names.
        """
        spans = [(start, start + len(name)) for start in self._word_starts.get(name, ())]
        for word, node in self._words_at(spans):
            if "identifier" in node.type and self.text(node) == word:
                yield node

    @cached_property
    def _word_starts(self) -> Mapping[str, Sequence[int]]:
        """Where each word of the script starts."""
        starts: dict[str, list[int]] = defaultdict(list)
        for match in _WORD.finditer(self.script.text):
            starts[match[0]].append(match.start())
        return starts

    def _words_at(self, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[str, Node]]:
        """Yield the text of each of these places, and the smallest node at its start."""
        if len(spans) > _FEW:
            yield from self._many_words_at(spans)
            return
        max_levels = _MAX_LEVELS if len(spans) <= _MANY else _MAX_LEVELS_OF_MANY
        cursor = self.root.walk()
        for start, stop in spans:
            if self._is_above(max_levels, start, cursor):
                node = self.root.descendant_for_byte_range(start, stop)
                if node is not None:
                    yield self.script.text[start:stop], node

    def _many_words_at(self, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[str, Node]]:
        # Each search starts at the root: from some number on, one walk is quicker.
        leaves = self._leaves()
        leaf = next(leaves, None)
        for start, stop in spans:
            while leaf is not None and leaf.end_byte <= start:
                leaf = next(leaves, None)
            if leaf is not None and leaf.start_byte <= start:
                yield self.script.text[start:stop], leaf

    def _is_above(self, max_levels: int, place: int, cursor: TreeCursor) -> bool:
        """Return whether a place is nested less deeply than that."""
        cursor.reset(self.root)
        for _ in range(max_levels):
            if cursor.goto_first_child_for_byte(place) is None:
                return True
        self.is_readable = False
        return False

    def _leaves(self) -> Iterator[Node]:
        """Yield the nodes without children, except for those that are nested too deeply."""
        cursor = self.root.walk()
        level = 0
        while True:
            if level < _MAX_LEVELS_OF_MANY and cursor.goto_first_child():
                level += 1
                continue
            node = cursor.node
            if node is not None and node.child_count:
                self.is_readable = False
            elif node is not None:
                yield node
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return
                level -= 1

    def text(self, node: Node) -> str:
        """Return the source text of a node."""
        return self.script.text[node.start_byte : node.end_byte]

    def string_text(self, node: Node) -> str:
        """Return what a string says; of a template without what is put into it."""
        if node.type == "string":
            return unquoted(self.text(node)[1:-1])
        return "\0".join(part or "" for part in self._template(node))

    def span(self, node: Node) -> tuple[int, int]:
        """Return where a node starts and stops in the text that holds the script."""
        return self.script.start + node.start_byte, self.script.start + node.end_byte

    def line(self, node: Node) -> int:
        """Return the line of a node in that text, from 1."""
        return self.script.line + node.start_point.row

    def names(self, node: Node | None, depth: int = 0) -> list[Name]:
        """Return the texts that an expression can have, as far as they can be read."""
        if node is None or depth > MAX_DEPTH:
            return [(None,)]
        names: list[Name] = [(None,)]
        match node.type:
            case "string":
                names = [(unquoted(self.text(node)[1:-1]),)]
            case "number":
                # 1.0 and 0x1 are written in other ways than they read.
                names = [(self.text(node) if self.text(node).isdecimal() else None,)]
            case "template_string":
                names = [self._template(node)]
            case "parenthesized_expression" | "sequence_expression" if node.named_children:
                names = self.names(node.named_children[-1], depth + 1)
            case "ternary_expression":
                names = self.names(field(node, "consequence"), depth + 1)
                names += self.names(field(node, "alternative"), depth + 1)
            case "binary_expression":
                names = self._operation(node, depth)
        if len(names) > _MAX_NAMES:
            names = [*names[:_MAX_NAMES], (None,)]
        return names

    def _operation(self, node: Node, depth: int) -> list[Name]:
        left = self.names(field(node, "left"), depth + 1)
        right = self.names(field(node, "right"), depth + 1)
        match self.text(node.children[1]):
            case "+" if _is_text(node):
                return [_joined(*before, *after) for before in left for after in right]
            case "||" | "??":
                return [*left, *right]
            case "&&":
                return right
        return [(None,)]

    def _template(self, node: Node) -> Name:
        # Older grammars have no nodes for the text between the substitutions.
        parts: list[str | None] = []
        start = node.start_byte + 1
        for child in node.named_children:
            if child.type == "template_substitution":
                parts += [unquoted(self.script.text[start : child.start_byte]), None]
                start = child.end_byte
        parts.append(unquoted(self.script.text[start : node.end_byte - 1]))
        return _joined(*parts)


_trees: WeakValueDictionary[Script, Tree] = WeakValueDictionary()


def parse(script: Script) -> Tree:
    """Return the tree of a script; the same one as long as a reader has it."""
    tree = _trees.get(script)
    if tree is None:
        tree = _trees[script] = Tree(script)
    return tree


def _is_too_deep(source: str) -> bool:
    """Return whether braces are nested deeper than in any script that people or tools write."""
    if len(source) < _MAX_BRACES:
        return False
    depth = 0
    for brace in _BRACE.findall(source):
        depth += 1 if brace == "{" else -1
        if depth > _MAX_BRACES:
            return True
    return False


def _goto_next(cursor: TreeCursor) -> bool:
    """Go to the next node that is not below this one; return whether there is one."""
    while not cursor.goto_next_sibling():
        if not cursor.goto_parent():
            return False
    return True


def is_javascript(code: str) -> bool:
    """Return whether the parser understands all of it as JavaScript."""
    return not parse(Script(code)).is_broken


def field(node: Node | None, *path: str) -> Node | None:
    """Return the child of a node in these fields, one after the other; None where there is none."""
    for name in path:
        if node is None:
            return None
        node = node.child_by_field_name(name)
    return node


def reference_of(word: Node) -> Node:
    """Return the whole expression that a word ends: ``window._satellite`` for ``_satellite``."""
    parent = word.parent
    if word.type == "string_fragment" and parent is not None and parent.parent is not None:
        return parent.parent
    if parent is not None and parent.type == "member_expression" and word.type != "identifier":
        return parent
    return word


def call_of(function: Node) -> Node | None:
    """Return the call of a function; None when it is not called right there."""
    parent = function.parent
    if parent is not None and field(parent, "function") == function:
        return parent
    return None


def arguments_of(call: Node) -> list[Node]:
    """Return the arguments of a call."""
    arguments = field(call, "arguments")
    if arguments is None:
        return []
    if arguments.type == "template_string":
        return [arguments]
    return [child for child in arguments.named_children if child.type != "comment"]


def unquoted(source: str) -> str:
    """Return what the source between the quotes of a string means."""
    if "\\" not in source:
        return source
    text = _ESCAPE.sub(_escaped, source)
    # An emoji can be written as two escapes, which belong together.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _escaped(match: re.Match[str]) -> str:
    hexadecimal = match[1] or match[2] or match[3]
    code = int(hexadecimal or "0", 16)
    if match[4]:
        code = int(match[4], 8)
    if code > 0x10FFFF:
        return match[0]
    if hexadecimal or match[4]:
        return chr(code)
    character = match[5]
    # A backslash at the end of a line continues the string on the next one.
    if character in _LINE_BREAKS:
        return ""
    return _CONTROL.get(character, character)


def _joined(*parts: str | None) -> Name:
    """Return the name of these parts, with neighbors of one sort as one part."""
    merged: list[str | None] = []
    for is_known, neighbors in groupby(parts, key=_is_known):
        text = None
        if is_known:
            text = "".join(map(str, neighbors))
        if text != "":
            merged.append(text)
    return tuple(merged) or ("",)


def _is_text(node: Node | None, depth: int = 0) -> bool:
    """Return whether an expression certainly is a text, so that ``+`` does not add numbers."""
    if node is None or depth > MAX_DEPTH:
        return False
    if node.type == "parenthesized_expression" and node.named_children:
        return _is_text(node.named_children[0], depth + 1)
    if node.type == "binary_expression":
        left, right = field(node, "left"), field(node, "right")
        return _is_text(left, depth + 1) or _is_text(right, depth + 1)
    return node.type in ("string", "template_string")


def _is_known(part: str | None) -> bool:
    return part is not None


def literal(name: Name) -> str | None:
    """Return a name that is known completely; None for others."""
    if len(name) == 1:
        return name[0]
    return None


def shown(name: Name) -> str:
    """Return a name with ``*`` for each unknown part."""
    return "".join("*" if part is None else part for part in name)


def matcher(name: Name) -> re.Pattern[str]:
    """Return the pattern of the texts that a name can have."""
    parts = [".*" if part is None else re.escape(part) for part in name]
    return re.compile("".join(parts), re.DOTALL)
