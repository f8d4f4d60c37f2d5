"""What a script reads and fires: data elements, variables, direct calls, events."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from tree_sitter import Node

from adobe_nb.analysis.javascript import (
    Name,
    Script,
    Tree,
    field,
    literal,
    scripts_in,
    shown,
    unquoted,
)

UseKind = Literal[
    "getVar",
    "getDataElementValue",
    "setVar",
    "track",
    "custom-event",
    "data-layer-push",
    "stored-value",
    "event-token",
]
Certainty = Literal["certain", "possible", "dynamic", "commented"]
ANY: Name = (None,)
STORED_PREFIX = "com.adobe.reactor.dataElements."
# The words by which everything is found: a script without them need not even be parsed.
_WORDS = re.compile(
    r"_satellite|getVar|setVar|\btrack\b|getDataElementValue|_container|\bpush(?=\s*\()|"
    r"\b(?:Custom)?Event\b|" + re.escape(STORED_PREFIX)
)
_METHODS = ("getVar", "setVar", "track", "getDataElementValue", "_container")
_TEXTS = ("comment", "html_comment", "string", "string_fragment", "template_string")
# Code inside a comment or a string is not parsed: this finds the usual forms of a call in it.
_CALL_IN_TEXT = re.compile(
    r"""\b(getVar|setVar|track|getDataElementValue)\s*\(\s*(?:\\?(["'`]))(.+?)\\?\2"""
)
_STORED_IN_TEXT = re.compile(re.escape(STORED_PREFIX) + r"""([^"'`\]]+)""")
_TESTS = ("&&", "==", "===", "!=", "!==", "instanceof", "in")
_TEST_PARENTS = (
    "unary_expression",
    "if_statement",
    "while_statement",
    "parenthesized_expression",
    "expression_statement",
)


class Use(NamedTuple):
    """One place in a script that refers to something by its name."""

    kind: UseKind
    name: Name
    certainty: Certainty
    start: int
    stop: int
    line: int
    data_layer: str = ""
    """The variable that a push goes to."""

    @property
    def literal(self) -> str | None:
        """The name, when it is known completely."""
        return literal(self.name)

    def holds(self, other: "Use") -> bool:
        """Return whether another use is inside this one."""
        return self.start <= other.start and other.stop <= self.stop


class ScriptUses(NamedTuple):
    """What was found in a piece of code."""

    uses: list[Use]
    is_broken: bool
    """Whether a part of it is not valid JavaScript, so that uses may be missing."""


def uses_in(code: str, language: str) -> ScriptUses:
    """Return what a piece of JavaScript or HTML refers to."""
    if not _WORDS.search(code):
        return ScriptUses([], is_broken=False)
    scripts: Sequence[Script] = [Script(code)]
    uses: list[Use] = []
    if language == "html":
        scripts = scripts_in(code)
        uses += _in_html_comments(code)
    is_broken = False
    for script in scripts:
        if _WORDS.search(script.text):
            reader = _Reader(Tree(script))
            uses += reader.uses()
            is_broken |= reader.tree.is_broken
    return ScriptUses(sorted(set(uses), key=_place), is_broken)


def _place(use: Use) -> tuple[int, int, str, str]:
    return use.start, use.stop, use.kind, shown(use.name)


def _in_html_comments(html: str) -> Iterator[Use]:
    for comment in re.finditer(r"<!--.*?-->", html, re.DOTALL):
        for call in _CALL_IN_TEXT.finditer(html, *comment.span()):
            line = html.count("\n", 0, call.start()) + 1
            kind: UseKind = call[1]  # type: ignore[assignment]
            yield Use(kind, (call[3],), "commented", *call.span(), line)


class _Reader:
    """Reads one script."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._aliases: set[str] = set()
        self._satellite_escapes = False

    def uses(self) -> list[Use]:
        """Return the uses in the script, in no particular order."""
        words, texts = self._nodes()
        # First who else is called ``_satellite``, then what is called on it.
        for node in words:
            if self.tree.text(node) == "_satellite" and self._escapes(_reference(node)):
                self._satellite_escapes = True
        uses: list[Use] = []
        for node in words:
            uses += self._word(node)
        uses += self._alias_calls()
        for node in texts:
            uses += self._in_text(node)
        if any(use.kind == "getVar" and use.name == ANY for use in uses):
            uses += self._literals(uses)
        return uses

    def _nodes(self) -> tuple[list[Node], list[Node]]:
        """Return the identifiers that are one of the words, and the texts that hold some."""
        words: dict[int, Node] = {}
        texts: dict[int, Node] = {}
        for word, node in self.tree.find(_WORDS):
            is_exact = self.tree.text(node) == word
            if is_exact and (node.type not in _TEXTS or _is_index(node)):
                words[node.id] = node
            elif node.type in _TEXTS:
                texts[node.id] = node
        return list(words.values()), list(texts.values())

    def _word(self, node: Node) -> Iterator[Use]:
        """Yield the uses by an identifier."""
        word, parent = self.tree.text(node), node.parent
        if parent is not None and parent.type == "pair_pattern":
            # const {getVar: read} = _satellite;
            value = field(parent, "value")
            if word == "getVar" and value is not None:
                self._aliases.add(self.tree.text(value))
        elif word in _METHODS:
            yield from self._method(node)
        elif word == "push":
            yield from self._push(node)
        elif word.endswith("Event"):
            yield from self._new_event(node)

    def _use(self, kind: UseKind, name: Name, certainty: Certainty, node: Node) -> Use:
        return Use(kind, name, certainty, *self.tree.span(node), self.tree.line(node))

    def _escapes(self, satellite: Node) -> bool:
        """Return whether ``_satellite`` goes somewhere under another name."""
        parent = satellite.parent
        if parent is None or self._is_tested(satellite):
            return False
        return parent.type not in ("member_expression", "subscript_expression")

    # -- _satellite.getVar(…) and its kin

    def _method(self, word: Node) -> Iterator[Use]:
        """Yield the uses by a method, or by a function of that name."""
        method, member = self.tree.text(word), _reference(word)
        is_direct = self._is_satellite(field(member, "object"))
        if method == "_container":
            # The engine's own list of data elements: code that has it can read all of them.
            yield self._use("getVar", ANY, "dynamic", member)
            return
        if method in ("setVar", "track") and not is_direct and not self._satellite_escapes:
            # Other libraries have methods of these names.
            return
        certainty: Certainty = "possible"
        if is_direct or (method == "getDataElementValue" and member.type == "identifier"):
            certainty = "certain"
        call = _call_of(member)
        if call is not None:
            yield from self._call(method, _arguments(call), certainty, call)
        elif method == "getVar":
            yield from self._passed_on(member, is_direct=is_direct)

    def _call(
        self, method: str, arguments: Sequence[Node], certainty: Certainty, node: Node
    ) -> Iterator[Use]:
        if not arguments:
            return
        if method == "setVar":
            yield from self._set(arguments[0], certainty, node)
        elif method == "getDataElementValue":
            yield from self._named("getDataElementValue", arguments, certainty, node)
        elif method == "track":
            yield from self._named("track", arguments, certainty, node)
        else:
            yield from self._named("getVar", arguments, certainty, node)

    def _named(
        self, kind: UseKind, arguments: Sequence[Node], certainty: Certainty, node: Node
    ) -> Iterator[Use]:
        """Yield a use for each name that the first argument can have."""
        if not arguments:
            return
        for name in dict.fromkeys(self.tree.names(arguments[0])):
            if literal(name) is None:
                yield self._use(kind, name, "dynamic", node)
            else:
                yield self._use(kind, name, certainty, node)

    def _set(self, argument: Node, certainty: Certainty, node: Node) -> Iterator[Use]:
        """Yield the variables of ``setVar("x", value)`` or ``setVar({x: 1, y: 2})``."""
        if argument.type != "object":
            yield from self._named("setVar", [argument], certainty, node)
            return
        for member in argument.named_children:
            key = field(member, "key")
            if member.type == "shorthand_property_identifier":
                yield self._use("setVar", (self.tree.text(member),), certainty, node)
            elif key is not None and key.type != "computed_property_name":
                yield self._use("setVar", (self._key_text(key),), certainty, node)
            elif member.type != "comment":
                yield self._use("setVar", ANY, "dynamic", node)

    def _passed_on(self, member: Node, *, is_direct: bool) -> Iterator[Use]:
        """Yield the uses of a getVar that is not called right there."""
        parent = member.parent
        if parent is None or self._is_tested(member) or _is_declared(member):
            return
        if parent.type == "member_expression" and field(parent, "object") == member:
            yield from self._through_function(parent)
            return
        name = self._assigned_name(member)
        if name is not None:
            self._aliases.add(name)
        elif is_direct:
            yield self._use("getVar", ANY, "dynamic", member)

    def _through_function(self, member: Node) -> Iterator[Use]:
        """Yield the uses of ``getVar.call(…)``, ``.apply(…)`` and ``.bind(…)``."""
        call = _call_of(member)
        if call is None:
            return
        arguments = _arguments(call)[1:]
        name = self._assigned_name(call)
        match self.tree.text(member.named_children[-1]):
            case "call" if arguments:
                yield from self._named("getVar", arguments, "possible", call)
            case "bind" if name is not None:
                self._aliases.add(name)
            case "apply" if arguments and arguments[0].type == "array":
                yield from self._named("getVar", arguments[0].named_children, "possible", call)
            case "bind" | "apply":
                yield self._use("getVar", ANY, "dynamic", call)

    def _alias_calls(self) -> Iterator[Use]:
        """Yield the calls of names that stand for ``_satellite.getVar``."""
        aliases = self._aliases - {"getVar"}
        if not aliases:
            return
        for call in self.tree.nodes("call_expression"):
            function = field(call, "function")
            if function is not None and self.tree.text(function) in aliases:
                yield from self._named("getVar", _arguments(call), "possible", call)

    # -- other ways

    def _new_event(self, word: Node) -> Iterator[Use]:
        """Yield the name of ``new CustomEvent("…")``."""
        parent = _reference(word).parent
        if parent is not None and parent.type == "new_expression":
            yield from self._named("custom-event", _arguments(parent), "possible", parent)

    def _push(self, word: Node) -> Iterator[Use]:
        """Yield the event of ``adobeDataLayer.push({event: "…"})``."""
        call = _call_of(_reference(word))
        if call is None:
            return
        for argument in _arguments(call):
            if argument.type != "object":
                continue
            for member in argument.named_children:
                key, value = field(member, "key"), field(member, "value")
                if key is not None and value is not None and self._key_text(key) == "event":
                    layer = self.tree.text(_reference(word).named_children[0])
                    for use in self._named("data-layer-push", [value], "possible", call):
                        yield use._replace(data_layer=layer.rpartition(".")[2])

    def _in_text(self, node: Node) -> Iterator[Use]:
        """Yield the uses inside a comment, string or template."""
        text = self.tree.text(node)
        if STORED_PREFIX in text:
            yield from self._stored(node)
        certainty: Certainty = "possible"
        if node.type.endswith("comment"):
            certainty = "commented"
        for call in _CALL_IN_TEXT.finditer(text):
            kind: UseKind = call[1]  # type: ignore[assignment]
            line = self.tree.line(node) + text.count("\n", 0, call.start())
            start = self.tree.span(node)[0]
            yield Use(kind, (call[3],), certainty, start + call.start(), start + call.end(), line)

    def _stored(self, node: Node) -> Iterator[Use]:
        """Yield the data element whose stored value a key of the browser's storage names."""
        if node.type.endswith("comment"):
            for key in _STORED_IN_TEXT.finditer(self.tree.text(node)):
                yield self._use("stored-value", (key[1],), "commented", node)
            return
        for name in self.tree.names(_whole_sum(node)):
            first, *others = name
            if first is None or not first.startswith(STORED_PREFIX):
                continue
            rest = first.removeprefix(STORED_PREFIX)
            if not others:
                yield self._use("stored-value", (rest,), "certain", node)
            elif rest:
                yield self._use("stored-value", (rest, *others), "dynamic", node)
            else:
                yield self._use("stored-value", tuple(others), "dynamic", node)

    def _literals(self, uses: Sequence[Use]) -> Iterator[Use]:
        """Yield every string of the script: one of them can be the name that is not known."""
        # Most calls of a script have names of their own, so that few of them have the same.
        calls: dict[Name, list[Use]] = defaultdict(list)
        for use in uses:
            calls[use.name].append(use)
        for node in self.tree.nodes("string", "template_string"):
            for name in self.tree.names(node):
                use = self._use("getVar", name, "possible", node)
                if use.literal and not any(call.holds(use) for call in calls[name]):
                    yield use

    # -- syntax

    def _is_satellite(self, node: Node | None) -> bool:
        """Return whether an expression is ``_satellite``, or that member of another object."""
        if node is None:
            return False
        if node.type == "parenthesized_expression" and node.named_children:
            node = node.named_children[0]
        name = field(node, "property") or field(node, "index") or node
        return unquoted(self.tree.text(name)).strip("\"'`") == "_satellite"

    def _key_text(self, key: Node) -> str:
        return unquoted(self.tree.text(key)).strip("\"'")

    def _is_tested(self, node: Node) -> bool:
        """Return whether an expression only asks if something exists, as in ``a.b && a.b()``."""
        parent = node.parent
        if parent is None:
            return False
        if parent.type == "binary_expression":
            return self.tree.text(parent.children[1]) in _TESTS
        if parent.type == "ternary_expression":
            return field(parent, "condition") == node
        return parent.type in _TEST_PARENTS

    def _assigned_name(self, value: Node) -> str | None:
        """Return the variable that a value is assigned to, if it is one."""
        parent = value.parent
        target: Node | None = None
        if parent is not None and field(parent, "value") == value:
            target = field(parent, "name")
        elif parent is not None and field(parent, "right") == value:
            target = field(parent, "left")
        if target is not None and target.type == "identifier":
            return self.tree.text(target)
        return None


def _whole_sum(node: Node) -> Node:
    """Return the whole expression that a string is added to."""
    if node.type == "string_fragment" and node.parent is not None:
        node = node.parent
    while node.parent is not None and node.parent.type == "binary_expression":
        node = node.parent
    return node


def _reference(word: Node) -> Node:
    """Return the whole expression that a word ends: ``window._satellite`` for ``_satellite``."""
    parent = word.parent
    if word.type == "string_fragment" and parent is not None and parent.parent is not None:
        return parent.parent
    if parent is not None and parent.type == "member_expression" and word.type != "identifier":
        return parent
    return word


def _is_index(node: Node) -> bool:
    """Return whether a text is a key in brackets: ``_satellite["getVar"]``."""
    parent = node.parent
    return parent is not None and field(parent.parent, "index") == parent


def _call_of(function: Node) -> Node | None:
    """Return the call of a function; None when it is not called right there."""
    parent = function.parent
    while parent is not None and parent.type == "parenthesized_expression":
        function, parent = parent, parent.parent
    if parent is not None and field(parent, "function") == function:
        return parent
    return None


def _arguments(call: Node) -> list[Node]:
    arguments = field(call, "arguments")
    if arguments is None:
        return []
    if arguments.type == "template_string":
        return [arguments]
    return [child for child in arguments.named_children if child.type != "comment"]


def _is_declared(node: Node) -> bool:
    """Return whether a script defines its own function or key of that name."""
    parent = node.parent
    if node.type != "identifier" or parent is None:
        return False
    return field(parent, "name") == node or parent.type == "formal_parameters"
