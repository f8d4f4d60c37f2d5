"""What a script reads and fires: data elements, variables, direct calls, events.

The rule of doubt: where a script has the engine's function under another name, reads it by a name
that is put together, or hands it on, the names that it reads are not known. Then no data element of
the property may be called unused.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Literal, NamedTuple

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import (
    MAX_DEPTH,
    Name,
    Script,
    Tree,
    arguments_of,
    call_of,
    field,
    literal,
    parse,
    reference_of,
    shown,
    unquoted,
)
from adobe_nb.analysis.code.markup import parts_of

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
MENTION = re.compile(
    rf"_satellite|\bgetVar\b|\bgetDataElementValue\b|{re.escape(STORED_PREFIX)}", re.ASCII
)
"""What a text holds in which a script reads data elements."""
# The words by which everything is found: a script without them need not even be parsed.
# Each alternative begins with a letter, which makes the search quick.
_WORDS = re.compile(
    r"_satellite|getVar|setVar|track\b(?<!\wtrack)|getDataElementValue|_container|"
    r"push(?=\s*\()(?<!\wpush)|CustomEvent\b(?<!\wCustomEvent)|Event\b(?<!\wEvent)|"
    + re.escape(STORED_PREFIX)
)
_METHODS = ("getVar", "setVar", "track", "getDataElementValue", "_container")
_READERS = ("getVar", "getDataElementValue")
_COMMENTS = ("comment", "html_comment")
_STRINGS = ("string", "template_string")
# Code inside a comment or a string is not parsed: these find the usual form of a call in it.
_CALL_IN_TEXT = re.compile(r"""\b(getVar|setVar|track|getDataElementValue)\s*\(\s*(["'`])(.+?)\2""")
_READER_IN_TEXT = re.compile(r"\b(?:getVar|getDataElementValue)\b")
_STORED_IN_TEXT = re.compile(re.escape(STORED_PREFIX) + r"""([^"'`\]]+)""")
_PATTERNS = ("formal_parameters", "pair_pattern", "object_pattern", "array_pattern")
_COMPARISONS = ("==", "===", "!=", "!==", "instanceof", "in", "<", ">", "<=", ">=")
_CONDITIONS = ("if_statement", "while_statement", "do_statement", "for_statement")


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


class ScriptUses(NamedTuple):
    """What was found in a piece of code."""

    uses: list[Use]
    is_broken: bool
    """Whether a part of it is not valid JavaScript, so that uses may be missing."""
    has_page_alias: bool = False
    """Whether other scripts of the page can have the engine's function under another name."""


def uses_in(code: str, language: str) -> ScriptUses:
    """Return what a piece of JavaScript or HTML refers to."""
    if not _WORDS.search(code):
        return ScriptUses([], is_broken=False)
    if language == "html":
        return _uses_in_html(code)
    tree = parse(Script(code))
    uses = _Reader(tree, is_module=True).uses()
    return ScriptUses(_sorted(uses), tree.is_broken)


def _uses_in_html(html: str) -> ScriptUses:
    uses: list[Use] = []
    is_broken = has_page_alias = False
    for part in parts_of(html):
        if not _WORDS.search(part.text):
            continue
        if part.kind == "script":
            tree = parse(Script(part.text, part.start, part.line))
            # The variables of a script in a page belong to all of its scripts.
            reader = _Reader(tree, is_module=False)
            uses += reader.uses()
            is_broken |= tree.is_broken
            has_page_alias |= reader.has_page_alias
        else:
            certainty: Certainty = "commented" if part.kind == "comment" else "possible"
            uses += _in_text(part.text, certainty, part.start, part.start, part.line)
    return ScriptUses(_sorted(uses), is_broken, has_page_alias)


def _sorted(uses: Iterable[Use]) -> list[Use]:
    return sorted(set(uses), key=lambda use: (use.start, use.stop, use.kind, shown(use.name)))


def _in_text(text: str, certainty: Certainty, start: int, stop: int, line: int) -> Iterator[Use]:
    """Yield the calls in a text that is not parsed: a comment, a string, or the text of a page."""
    is_comment = certainty == "commented"
    calls = 0
    for call in _CALL_IN_TEXT.finditer(text):
        kind: UseKind = call[1]  # type: ignore[assignment]
        calls += kind in _READERS
        first_line = line + text.count("\n", 0, call.start())
        first = start + call.start()
        if not is_comment and stop > start:
            # The text of a string was decoded: its places are not those of its source.
            first = start
        yield Use(kind, (call[3],), certainty, first, max(stop, first + len(call[0])), first_line)
    if not is_comment and len(_READER_IN_TEXT.findall(text)) > calls:
        yield Use("getVar", ANY, "dynamic", start, max(stop, start), line)


class _Reader:
    """Reads one script.

    ``is_module`` says whether its variables are its own: those of a page are seen by all scripts.
    """

    def __init__(self, tree: Tree, *, is_module: bool) -> None:
        self.tree = tree
        self._is_module = is_module
        self._aliases: dict[str, str] = {}
        """The variables that hold a method of the engine, with its name."""
        self._new_aliases: list[str] = []
        """Those of which it was not yet looked where they are read."""
        self.has_page_alias = False
        """Whether other scripts of the page can have the engine's function under another name."""
        self._satellite_escapes = False

    def uses(self) -> list[Use]:
        """Return the uses in the script, in no particular order."""
        words, comments, strings = self._nodes()
        uses: list[Use] = []
        # First who else is called ``_satellite``, then what is called on it.
        for node in words:
            if self.tree.text(node) == "_satellite":
                uses += self._satellite(reference_of(node))
        for node in words:
            uses += self._word(node)
        uses += self._alias_uses()
        for node in comments:
            uses += self._comment(node)
        for node in strings:
            uses += self._string(node)
        if not self.tree.is_readable:
            uses.append(self._use("getVar", ANY, "dynamic", self.tree.root))
        if any(use.kind in _READERS and use.name == ANY for use in uses):
            uses += self._literals(uses)
        return uses

    def _nodes(self) -> tuple[list[Node], list[Node], list[Node]]:
        """Return the identifiers that are one of the words, and comments and strings with some."""
        words: dict[int, Node] = {}
        comments: dict[int, Node] = {}
        strings: dict[int, Node] = {}
        for word, node in self.tree.find(_WORDS):
            string = _string_of(node)
            if node.type in _COMMENTS:
                comments[node.id] = node
            elif string is not None and not (self.tree.text(node) == word and _is_index(string)):
                strings[string.id] = string
            elif self.tree.text(node) == word:
                words[node.id] = node
            elif "identifier" not in node.type:
                # Text between tags, or what the parser could not read.
                strings[node.id] = node
        return list(words.values()), list(comments.values()), list(strings.values())

    def _use(self, kind: UseKind, name: Name, certainty: Certainty, node: Node) -> Use:
        return Use(kind, name, certainty, *self.tree.span(node), self.tree.line(node))

    # -- _satellite.getVar(…) and its kin

    def _satellite(self, satellite: Node) -> Iterator[Use]:
        """Yield the uses by ``_satellite[name]``, and note whether it is called otherwise, too."""
        parent = satellite.parent
        if parent is None or self._is_tested(satellite):
            return
        if parent.type == "subscript_expression" and field(parent, "object") == satellite:
            index = field(parent, "index")
            if index is not None and index.type != "string":
                yield self._use("getVar", ANY, "dynamic", parent)
        elif parent.type != "member_expression":
            self._satellite_escapes = True
        elif "\\" in self.tree.text(parent):
            # A name that is written with escapes is not found by its letters.
            yield self._use("getVar", ANY, "dynamic", parent)

    def _word(self, node: Node) -> Iterator[Use]:
        """Yield the uses by an identifier."""
        word = self.tree.text(node)
        if word in _METHODS:
            yield from self._method(word, node)
        elif word == "push":
            yield from self._push(node)
        elif word.endswith("Event"):
            yield from self._new_event(node)

    def _method(self, method: str, word: Node) -> Iterator[Use]:
        """Yield the uses by a method, or by a function of that name."""
        parent = word.parent
        if parent is None or _is_declared(word, parent):
            return
        if parent.type in ("pair_pattern", "object_assignment_pattern") or (
            word.type == "shorthand_property_identifier_pattern"
        ):
            # const {getVar: read} = _satellite;
            yield from self._held(method, word, field(parent, "value") or word)
            return
        member = reference_of(word)
        is_direct = self._is_satellite(field(member, "object"))
        if method == "_container":
            # The engine's own list of data elements: code that has it can read all of them.
            yield self._use("getVar", ANY, "dynamic", member)
        elif method in _READERS or is_direct or self._satellite_escapes:
            # Other libraries have methods called track and setVar.
            yield from self._occurrence(method, member, is_direct=is_direct)

    def _occurrence(self, method: str, member: Node, *, is_direct: bool) -> Iterator[Use]:
        """Yield the uses by one occurrence of a method."""
        certainty: Certainty = "possible"
        if is_direct or (method == "getDataElementValue" and member.type == "identifier"):
            certainty = "certain"
        whole = self._whole(member)
        call = call_of(whole)
        if call is not None:
            yield from self._call(method, arguments_of(call), certainty, call)
        elif not self._is_tested(member) and not self._is_tested(whole):
            yield from self._passed_on(method, whole)

    def _call(
        self, method: str, arguments: Sequence[Node], certainty: Certainty, node: Node
    ) -> Iterator[Use]:
        if arguments and method == "setVar":
            yield from self._set(arguments[0], certainty, node)
        elif arguments:
            kind: UseKind = method  # type: ignore[assignment]
            yield from self._named(kind, arguments, certainty, node)

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

    # -- the same by other names

    def _passed_on(self, method: str, whole: Node) -> Iterator[Use]:
        """Yield the uses of a method that is not called right there."""
        parent = whole.parent
        if parent is not None and parent.type == "member_expression":
            yield from self._through_function(method, parent)
        elif parent is not None and field(parent, "value") == whole:
            yield from self._held(method, whole, field(parent, "name"))
        else:
            yield self._unknown(method, whole)

    def _unknown(self, method: str, node: Node) -> Use:
        kind: UseKind = "getVar"
        if method != "_container":
            kind = method  # type: ignore[assignment]
        return self._use(kind, ANY, "dynamic", node)

    def _held(self, method: str, node: Node, variable: Node | None) -> Iterator[Use]:
        """Note the variable that holds a method; yield an unknown use when others can see it."""
        is_plain = variable is not None and variable.type in (
            "identifier",
            "shorthand_property_identifier_pattern",
        )
        if variable is not None and is_plain:
            alias = self.tree.text(variable)
            if alias not in self._aliases:
                self._new_aliases.append(alias)
            self._aliases[alias] = method
            self.has_page_alias |= not self._is_module
        else:
            yield self._unknown(method, node)

    def _through_function(self, method: str, member: Node) -> Iterator[Use]:
        """Yield the uses of ``getVar.call(…)``, ``.apply(…)`` and ``.bind(…)``."""
        call = call_of(member)
        way = self.tree.text(member.named_children[-1])
        arguments = arguments_of(call)[1:] if call is not None else []
        if call is not None and way == "call" and arguments:
            yield from self._call(method, arguments, "possible", call)
        elif way == "apply" and arguments and arguments[0].type == "array":
            yield from self._call(method, arguments[0].named_children, "possible", member)
        elif call is not None and way == "bind" and not arguments:
            yield from self._passed_on(method, self._whole(call))
        else:
            yield self._unknown(method, member)

    def _alias_uses(self) -> Iterator[Use]:
        """Yield the uses of the variables that hold a method."""
        # An alias can be given another name in turn.
        while self._new_aliases:
            alias = self._new_aliases.pop()
            for node in self.tree.identifiers(alias):
                if node.type != "identifier" or node.parent is None:
                    continue
                if not _is_target(node, node.parent):
                    yield from self._occurrence(self._aliases[alias], node, is_direct=False)

    # -- other ways

    def _new_event(self, word: Node) -> Iterator[Use]:
        """Yield the name of ``new CustomEvent("…")``."""
        parent = reference_of(word).parent
        if parent is not None and parent.type == "new_expression":
            yield from self._named("custom-event", arguments_of(parent), "possible", parent)

    def _push(self, word: Node) -> Iterator[Use]:
        """Yield the event of ``adobeDataLayer.push({event: "…"})``."""
        call = call_of(reference_of(word))
        if call is None:
            return
        for argument in arguments_of(call):
            if argument.type != "object":
                continue
            for member in argument.named_children:
                key, value = field(member, "key"), field(member, "value")
                if key is not None and value is not None and self._key_text(key) == "event":
                    layer = self.tree.text(reference_of(word).named_children[0])
                    for use in self._named("data-layer-push", [value], "possible", call):
                        yield use._replace(data_layer=layer.rpartition(".")[2])

    def _comment(self, node: Node) -> Iterator[Use]:
        start = self.tree.span(node)[0]
        text = self.tree.text(node)
        yield from _in_text(text, "commented", start, start, self.tree.line(node))
        for key in _STORED_IN_TEXT.finditer(text):
            yield self._use("stored-value", (key[1],), "commented", node)

    def _string(self, node: Node) -> Iterator[Use]:
        """Yield the uses inside a string: code in it, a key of the storage, or a method's name."""
        text = self.tree.text(node)
        if node.type in _STRINGS:
            text = self.tree.string_text(node)
        if STORED_PREFIX in text:
            yield from self._stored(node)
        yield from _in_text(text, "possible", *self.tree.span(node), self.tree.line(node))

    def _stored(self, node: Node) -> Iterator[Use]:
        """Yield the data element whose stored value a key of the browser's storage names."""
        for name in self.tree.names(self._whole_sum(node)):
            first, *others = name
            if first is None or not first.startswith(STORED_PREFIX):
                continue
            rest = first.removeprefix(STORED_PREFIX)
            if rest and not others:
                yield self._use("stored-value", (rest,), "certain", node)
            elif rest:
                yield self._use("stored-value", (rest, *others), "dynamic", node)
            else:
                yield self._use("stored-value", tuple(others) or ANY, "dynamic", node)

    def _literals(self, uses: Sequence[Use]) -> Iterator[Use]:
        """Yield every string of the script: one of them can be the name that is not known."""
        calls: dict[Name, list[Use]] = defaultdict(list)
        for use in sorted(uses, key=attrgetter("start")):
            calls[use.name].append(use)
        for node in self.tree.nodes(*_STRINGS):
            for name in self.tree.names(node):
                use = self._use("getVar", name, "possible", node)
                before = bisect_right(calls[name], use.start, key=attrgetter("start"))
                # The argument of a call is known already.
                is_argument = before > 0 and calls[name][before - 1].stop >= use.stop
                if use.literal and not is_argument:
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

    def _operator(self, node: Node) -> str:
        return self.tree.text(node.children[1])

    def _whole(self, node: Node) -> Node:
        """Return the largest expression that has this value: ``(a && b)`` for ``b``."""
        for _ in range(MAX_DEPTH):
            parent = node.parent
            if parent is None or not self._has_value_of(parent, node):
                break
            node = parent
        return node

    def _has_value_of(self, parent: Node, node: Node) -> bool:
        match parent.type:
            case "parenthesized_expression":
                return True
            case "sequence_expression":
                return parent.named_children[-1] == node
            case "ternary_expression":
                return field(parent, "condition") != node
            case "binary_expression":
                operator = self._operator(parent)
                is_right = field(parent, "right") == node
                return operator in ("||", "??") or (operator == "&&" and is_right)
        return False

    def _is_tested(self, node: Node) -> bool:
        """Return whether an expression only asks if something exists, as in ``a.b && a.b()``."""
        parent = node.parent
        while parent is not None and parent.type == "parenthesized_expression":
            node, parent = parent, parent.parent
        if parent is None:
            return False
        match parent.type:
            case "binary_expression":
                operator = self._operator(parent)
                is_left = field(parent, "left") == node
                return operator in _COMPARISONS or (operator == "&&" and is_left)
            case "ternary_expression":
                return field(parent, "condition") == node
            case "unary_expression" | "expression_statement":
                return True
        return parent.type in _CONDITIONS

    def _whole_sum(self, node: Node) -> Node:
        """Return the whole expression that a string is added to."""
        for _ in range(MAX_DEPTH):
            parent = node.parent
            if parent is None or parent.type != "binary_expression":
                break
            if self._operator(parent) != "+":
                break
            node = parent
        return node


def _string_of(node: Node) -> Node | None:
    """Return the string or template that a node is in; None for other nodes."""
    for candidate in (node, node.parent):
        if candidate is not None and candidate.type in _STRINGS:
            return candidate
    return None


def _is_index(string: Node) -> bool:
    """Return whether a string is a key in brackets: ``_satellite["getVar"]``."""
    return field(string.parent, "index") == string


def _is_declared(word: Node, parent: Node) -> bool:
    """Return whether a script defines its own function, method or key of that name."""
    if word.type == "property_identifier":
        is_key = parent.type == "pair" and field(parent, "key") == word
        return is_key or parent.type in ("method_definition", "field_definition")
    return word.type == "identifier" and _is_target(word, parent)


def _is_target(word: Node, parent: Node) -> bool:
    """Return whether an identifier is the name of a variable, function or parameter."""
    return field(parent, "name") == word or parent.type in _PATTERNS
