"""What a script does with the variables of Adobe Analytics: sets, reads, declares, clears, sends.

The tracker is ``s``, unless the script declares that name as something else. On other objects, only
names that hardly anything else has are taken for variables, and they are possible ones.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
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
    reference,
)
from adobe_nb.analysis.code.markup import COMMENT_OR_SCRIPT, parts_of
from adobe_nb.analysis.code.operands import key_of, leaves_of_literal, operands, path_of
from adobe_nb.analysis.code.scopes import FUNCTIONS, declarations
from adobe_nb.analysis.variables import names as known
from adobe_nb.analysis.variables.names import Variable
from adobe_nb.analysis.variables.xdm import xdm_variable

Access = Literal["set", "read", "declare", "clear"]
How = Literal[
    "settings", "code", "products string", "doPlugins", "xdm", "data object", "other extension"
]
Verdict = Literal["certain", "possible", "dynamic", "commented", "misspelled", "out of range"]
Content = Literal["", "event", "xdm", "data"]
"""What ``content`` is in code of Web SDK: an event with xdm and data, or one of the two."""
SendKind = Literal["s.t", "s.tl", "sendEvent", "other"]
_Context = tuple[Literal["set", "append", "read", "clear", "call"], Node | None]
_COMMENTS = ("comment", "html_comment")
_PAGE = ("window", "self", "globalThis", "top", "parent")
_MERGING = ("assign", "extend", "merge", "defaults")
_CLEARING = ("clearVars", "manageVars")
_DECLARING = {"linkTrackVars": known.item_of, "linkTrackEvents": known.event_of}
_UNMISTAKABLE = (
    r"(?:eVar|prop|list|hier)\d+|linkTrackVars|linkTrackEvents|clearVars|manageVars|__adobe"
)
_DATA_PATH = ("__adobe", "analytics")
_KNOWN_PARTS = ("number", "null", "undefined", "true", "false")
# A part after an equals sign is the value of an event, and not an event.
_BEFORE_VALUE = re.compile(r"[=:]\s*(?:[\"'`]\s*\+\s*\(*|\$\{)\s*$")
_PRODUCT_ITEM = re.compile(r"\b(event\d+|eVar\d+)=([^;|,\0]*)", re.ASCII)
_COMMENT_SIGNS = re.compile(r"^(?:/[/*]+|<!--)")


class VariableUse(NamedTuple):
    """One place in a script that does something with a variable."""

    variable: Variable
    access: Access
    how: How
    verdict: Verdict
    start: int
    stop: int
    line: int
    value: str | None = None
    """The text that is assigned, when it is known."""
    span: tuple[int, int] = (0, 0)
    """Where the expression is that is assigned."""


class Send(NamedTuple):
    """One place in a script that sends what was set."""

    kind: SendKind
    name: str | None
    """The name of a link, or the type of an event of Web SDK; None when it is not known."""
    start: int
    line: int


class ScriptVariables(NamedTuple):
    """What was found in a piece of code."""

    uses: list[VariableUse]
    sends: list[Send]
    is_broken: bool = False
    """Whether a part of it is not valid JavaScript, so that uses may be missing."""


def variables_in(
    code: str, language: str, content: Content = "", trackers: tuple[str, ...] = ("s",)
) -> ScriptVariables:
    """Return what a piece of JavaScript or HTML does with variables.

    ``trackers`` are the names of the variables that hold the tracker.
    """
    words = _words(trackers, content)
    if not words.search(code):
        return ScriptVariables([], [])
    parts: list[tuple[Script, bool]] = [(Script(code), False)]
    if language == "html":
        parts = list(_scripts_of_page(code))
    uses: list[VariableUse] = []
    sends: list[Send] = []
    is_broken = False
    for script, is_comment in parts:
        if words.search(script.text):
            reader = _Reader(Tree(script), content, trackers, is_comment=is_comment)
            reader.read()
            uses += reader.uses
            sends += reader.sends
            is_broken |= reader.tree.is_broken and not is_comment
    return ScriptVariables(sorted(set(uses), key=_place), sorted(set(sends), key=_start), is_broken)


def _place(use: VariableUse) -> tuple[int, int, str, str]:
    return use.start, use.stop, use.variable.name, use.access


def _start(send: Send) -> int:
    return send.start


def _scripts_of_page(html: str) -> Iterator[tuple[Script, bool]]:
    """Yield the scripts of a page, and whether each is inside a comment."""
    for part in parts_of(html):
        if part.kind == "script":
            yield Script(part.text, part.start, part.line), False
        elif part.kind == "comment":
            for match in COMMENT_OR_SCRIPT.finditer(part.text.removeprefix("<!--")):
                if match["script"]:
                    start = len("<!--") + match.start("script")
                    line = part.line + part.text.count("\n", 0, start)
                    yield Script(match["script"], part.start + start, line), True


@lru_cache
def _words(trackers: tuple[str, ...], content: Content) -> re.Pattern[str]:
    """Return the pattern of the words by which everything is found."""
    names = "|".join(map(re.escape, trackers))
    words = [
        rf"(?:{names})(?=[\"']?\]?\s*(?:\?\.|\.|\[))",
        _UNMISTAKABLE,
        "sendEvent|doPlugins",
        rf"(?:{'|'.join(_MERGING)})(?=\s*\()",
    ]
    if content:
        words.append(r"content(?=\s*(?:\?\.|\.|\[))")
    return re.compile(rf"(?<![\w$])(?:{'|'.join(words)})(?![\w$])", re.ASCII)


class _Reader:
    """Reads one script."""

    def __init__(
        self, tree: Tree, content: Content, trackers: tuple[str, ...], *, is_comment: bool
    ) -> None:
        self.tree = tree
        self.uses: list[VariableUse] = []
        self.sends: list[Send] = []
        self._content = content
        self._trackers = trackers
        self._is_comment = is_comment
        self._seen: set[int] = set()
        """The ids of the members that were examined."""
        self._plugins: list[tuple[int, int]] = []
        """Where the functions are that run before each beacon."""
        self._scopes: list[tuple[int, int, Verdict | None]] = []
        """Where ``s`` is something else: nothing known (None), or probably a tracker."""
        self._assigned_to: dict[str, list[tuple[int, int]]] = defaultdict(list)
        """Where the values of each member of the tracker are."""
        self._literals: list[tuple[int, int]] = []
        """Where the object literals are that were read."""
        self._others: dict[str, Node] = {}
        """Other objects that have an eVar, by their source text."""

    def read(self) -> None:
        """Find everything."""
        comments: dict[int, Node] = {}
        hits: list[tuple[str, Node]] = []
        for word, node in self.tree.find(_words(self._trackers, self._content)):
            if node.type in _COMMENTS:
                comments[node.id] = node
            else:
                hits.append((word, node))
        for word, node in hits:
            if word == "doPlugins":
                self._plugin(node)
        if any(word in self._trackers for word, _ in hits):
            self._scopes += self._declared_otherwise()
        for word, node in hits:
            self._word(word, node)
        for node in self._others.values():
            self._further_members(node)
        if not self._is_comment:
            for comment in comments.values():
                self._comment(comment)
        self.uses = [use for use in self.uses if not self._is_own_read(use)]

    def _word(self, word: str, node: Node) -> None:
        if word in self._trackers:
            self._tracker(node)
        elif word == "content":
            self._content_of_event(node)
        elif word == "sendEvent":
            self._send_event(node)
        elif word in _MERGING:
            self._merge(node)
        elif word == "__adobe":
            self._data_object(node)
        elif word != "doPlugins":
            self._unmistakable(word, node)

    def _is_own_read(self, use: VariableUse) -> bool:
        """Return whether a use is ``s.events`` on the right side of its own assignment."""
        spans = self._assigned_to[use.variable.name]
        return use.access == "read" and _is_in(use.start, spans)

    def _add(
        self,
        variable: Variable,
        access: Access,
        how: How,
        node: Node,
        *,
        verdict: Verdict = "certain",
        value: str | None = None,
        source: Node | None = None,
    ) -> None:
        start, stop = self.tree.span(node)
        if how == "code" and _is_inside(node, self._plugins):
            how = "doPlugins"
        if self._is_comment:
            verdict = "commented"
        elif verdict == "certain" and variable.problem:
            verdict = variable.problem
        span = self.tree.span(source) if source is not None else (0, 0)
        line = self.tree.line(node)
        self.uses.append(
            VariableUse(variable, access, how, verdict, start, stop, line, value, span)
        )

    # -- which object is the tracker

    def _plugin(self, word: Node) -> None:
        """Note the function that is assigned to ``s.doPlugins``, whatever its parameter is called."""
        member = reference(word)
        parent = member.parent
        function = field(parent, "right") or field(parent, "value")
        if word.type == "property_identifier" and parent is not None and function is None:
            # {doPlugins(s) {…}}
            function = parent if parent.type == "method_definition" else None
        if function is not None and function.type == "identifier":
            function = self._function_named(self.tree.text(function))
        if function is None or function.type not in FUNCTIONS:
            return
        self._plugins.append((function.start_byte, function.end_byte))
        parameter = _first_parameter(function)
        if parameter is not None and self.tree.text(parameter) not in self._trackers:
            self._roots_named(self.tree.text(parameter), function)

    def _function_named(self, name: str) -> Node | None:
        for node in self.tree.nodes("function_declaration", "variable_declarator"):
            named = field(node, "name")
            if named is not None and self.tree.text(named) == name:
                return field(node, "value") or node
        return None

    def _roots_named(self, name: str, function: Node) -> None:
        """Read the members of a parameter that is the tracker under another name."""
        pattern = re.compile(rf"(?<![\w$.]){re.escape(name)}(?=\s*(?:\?\.|\.|\[))")
        for _, node in self.tree.find(pattern):
            span = [(function.start_byte, function.end_byte)]
            if node.type == "identifier" and _is_inside(node, span):
                self._member_of(node, "certain")

    def _declared_otherwise(self) -> Iterator[tuple[int, int, Verdict | None]]:
        """Yield where the name of the tracker stands for something else."""
        for name in self._trackers:
            for declared in declarations(self.tree, name):
                span = (declared.scope.start_byte, declared.scope.end_byte)
                parts = list(operands(self.tree, declared.value))
                if span in self._plugins or any(map(self._is_tracker, parts)):
                    continue
                source = self.tree.text(declared.value) if declared.value is not None else ""
                yield *span, "possible" if re.match(r"(?:window\.)?s_gi\b", source) else None

    def _is_tracker(self, node: Node) -> bool:
        """Return whether an expression is the tracker of the page: ``s`` or ``window.s``."""
        text = self.tree.text(node)
        if node.type == "identifier":
            return text in self._trackers
        return node.type == "member_expression" and text in {
            f"{page}.{name}" for page in _PAGE for name in self._trackers
        }

    def _verdict_on(self, node: Node) -> Verdict | None:
        """Return how certainly ``s`` is the tracker at a place; None when it is something else."""
        around = [scope for scope in self._scopes if scope[0] <= node.start_byte < scope[1]]
        if not around:
            return "certain"
        return max(around, key=lambda scope: scope[0])[2]

    # -- members of the tracker

    def _tracker(self, word: Node) -> None:
        """Read the member of ``s``, ``window.s`` or ``window["s"]``."""
        if word.type == "identifier":
            verdict = self._verdict_on(word)
            if verdict is not None:
                self._member_of(word, verdict)
            return
        root = reference(word)
        page = field(root, "object")
        if page is not None and self.tree.text(page) in _PAGE:
            self._member_of(root, "certain")

    def _member_of(self, root: Node, verdict: Verdict, only: Sequence[str] = ()) -> None:
        """Read ``root.key``: what is done with which variable."""
        member = root.parent
        if member is None or field(member, "object") != root:
            return
        context = self._context(member)
        names = [key_of(self.tree, member)]
        if member.type == "subscript_expression":
            names = self.tree.names(field(member, "index"))
        for name in names:
            key = literal(name)
            if only and key not in only:
                continue
            self._seen.add(member.id)
            if key is None:
                self._dynamic(name, context, member)
            elif key == "contextData":
                self._context_data(member, context, verdict)
            else:
                self._key(key, context, member, verdict)

    def _context(self, member: Node) -> _Context:
        """Return what is done with a member, and the value or call."""
        parent = member.parent
        if parent is None:
            return "read", None
        is_left = field(parent, "left") == member
        match parent.type:
            case "assignment_expression" if is_left:
                return "set", field(parent, "right")
            case "augmented_assignment_expression" if is_left:
                is_whole = self.tree.text(parent.children[1]) in ("||=", "&&=", "??=")
                return "set" if is_whole else "append", field(parent, "right")
            case "update_expression":
                return "append", None
            case "array_pattern" | "pair_pattern":
                return "set", None
            case "unary_expression" if self.tree.text(parent.children[0]) == "delete":
                return "clear", None
            case "call_expression" if field(parent, "function") == member:
                return "call", parent
        return "read", None

    def _dynamic(self, name: Name, context: _Context, node: Node) -> None:
        """Add a variable of which only the family is known, if that."""
        family = known.family_of(name[0] or "")
        if context[0] == "read" and family is not None:
            self._add(family, "read", "code", node, verdict="dynamic")
        elif context[0] in ("set", "append"):
            variable = family or known.EVERYTHING
            self._add(variable, "set", "code", node, verdict="dynamic", source=context[1])

    def _key(self, key: str, context: _Context, node: Node, verdict: Verdict) -> None:
        action, value = context
        if action == "call":
            self._call(key, value, node, verdict)
        elif action in ("set", "append"):
            self._set(key, value, node, verdict, is_whole=action == "set")
        else:
            variable = known.EVENTS if key == "events" else known.variable_of(key)
            if variable is not None:
                access: Access = "clear" if action == "clear" else "read"
                self._add(variable, access, "code", node, verdict=verdict)

    def _call(self, method: str, call: Node | None, node: Node, verdict: Verdict) -> None:
        if call is None or (self._is_comment and method in ("t", "tl")):
            return
        if method in ("t", "tl"):
            kind: SendKind = "s.t" if method == "t" else "s.tl"
            name = self._argument(call, 2) if method == "tl" else None
            self.sends.append(Send(kind, name, self.tree.span(call)[0], self.tree.line(call)))
        elif method == "clearVars" or (
            method == "manageVars" and self._argument(call, 0) == "clearVars"
        ):
            self._add(known.EVERYTHING, "clear", "code", node, verdict=verdict)

    def _argument(self, call: Node, index: int) -> str | None:
        """Return the text of an argument; None when it is not known."""
        arguments = arguments_of(call)
        if len(arguments) <= index:
            return None
        return self._literal(arguments[index])

    def _literal(self, value: Node | None) -> str | None:
        """Return the text of an expression; None when it is not known."""
        for _ in range(MAX_DEPTH):
            if value is None or value.type != "assignment_expression":
                break
            value = field(value, "right")
        names = self.tree.names(value)
        if len(names) == 1:
            return literal(names[0])
        return None

    def _set(
        self,
        key: str,
        value: Node | None,
        node: Node,
        verdict: Verdict,
        *,
        how: How = "code",
        is_whole: bool = True,
    ) -> None:
        """Add what an assignment to a member of the tracker sets or declares."""
        if value is not None:
            self._assigned_to[key].append(self.tree.span(value))
        if key == "events":
            self._events(value, node, verdict, how)
        elif key in _DECLARING:
            self._declared(key, value, node, verdict)
        elif key == "products":
            self._products(value, node, verdict, how)
        elif key == "contextData" and value is not None:
            for path, at, leaf in leaves_of_literal(self.tree, value, (), node):
                if path:
                    self._context_key(path[0], ("set", leaf), at, verdict, how)
        else:
            variable = known.member_of(key) if how == "data object" else known.variable_of(key)
            if variable is None:
                return
            text = self._literal(value) if is_whole else None
            self._add(variable, "set", how, node, verdict=verdict, value=text, source=value)
            for copied in known.copied(text or ""):
                self._add(copied, "read", how, node, verdict=verdict)

    # -- context data

    def _context_data(self, member: Node, context: _Context, verdict: Verdict) -> None:
        """Read ``s.contextData.key`` and ``s.contextData = {…}``."""
        inner = member.parent
        if inner is not None and field(inner, "object") == member:
            self._context_key(key_of(self.tree, inner), self._context(inner), inner, verdict)
        elif context[0] == "set":
            self._set("contextData", context[1], member, verdict)

    def _context_key(
        self, name: Name, context: _Context, node: Node, verdict: Verdict, how: How = "code"
    ) -> None:
        action, value = context
        key = literal(name)
        variable = known.context_data(key or "*")
        if key is None and verdict == "certain":
            verdict = "dynamic"
        if action in ("set", "append"):
            text = self._literal(value) if action == "set" else None
            self._add(variable, "set", how, node, verdict=verdict, value=text, source=value)
        elif action != "call":
            access: Access = "clear" if action == "clear" else "read"
            self._add(variable, access, how, node, verdict=verdict)

    # -- lists in texts: events, declared variables, products

    def _texts(self, value: Node | None, key: str) -> Iterator[tuple[str | None, Verdict, Node]]:
        """Yield the texts in a value, and None for each part that only the page knows."""
        for part in operands(self.tree, value):
            if part.type == "string":
                yield self.tree.string_text(part), "certain", part
            elif part.type == "template_string":
                yield from self._texts_of_template(part)
            elif part.type in _KNOWN_PARTS or self._is_member(part, key):
                continue
            elif not _BEFORE_VALUE.search(self._source_before(part)):
                yield from self._texts_of_unknown(part)

    def _texts_of_template(self, node: Node) -> Iterator[tuple[str | None, Verdict, Node]]:
        yield self.tree.string_text(node), "certain", node
        for child in node.named_children:
            is_inserted = child.type == "template_substitution"
            if is_inserted and not re.search(r"[=:]\s*$", self._source_before(child)):
                yield None, "dynamic", child

    def _texts_of_unknown(self, node: Node) -> Iterator[tuple[str | None, Verdict, Node]]:
        """Yield the texts that a variable is filled with, or that are passed to a function."""
        texts: list[tuple[str | None, Verdict, Node]] = []
        if node.type == "identifier":
            for text, part in self._assigned(self.tree.text(node)):
                texts.append((text, "possible", part))
        elif node.type == "call_expression" and not self._reads_element(node):
            for part in self.tree.nodes("string", within=node):
                texts.append((self.tree.string_text(part), "certain", part))
        yield from texts or [(None, "dynamic", node)]

    def _assigned(self, name: str) -> Iterator[tuple[str, Node]]:
        """Yield the strings that a variable of the script is filled with."""
        pattern = re.compile(rf"(?<![\w$.]){re.escape(name)}(?![\w$])")
        for _, node in self.tree.find(pattern):
            if node.type != "identifier" or node.parent is None:
                continue
            values = [field(node.parent, "value"), field(node.parent, "right")]
            call = call_of(node.parent)
            if call is not None and self._key_text(node.parent) in ("push", "unshift"):
                values = [*arguments_of(call)]
            for value in values:
                for part in operands(self.tree, value):
                    if part.type == "string":
                        yield self.tree.string_text(part), part

    def _key_text(self, member: Node) -> str | None:
        return literal(key_of(self.tree, member))

    def _reads_element(self, call: Node) -> bool:
        function = field(call, "function")
        return function is not None and self._key_text(function) == "getVar"

    def _is_member(self, node: Node, key: str) -> bool:
        is_member = node.type in ("member_expression", "subscript_expression")
        return is_member and self._key_text(node) == key

    def _source_before(self, node: Node) -> str:
        return self.tree.script.text[max(0, node.start_byte - 20) : node.start_byte]

    def _events(self, value: Node | None, node: Node, verdict: Verdict, how: How) -> None:
        """Add the items of ``s.events = "event1,event2=5"``."""
        unknown: list[Node] = []
        for text, certainty, part in self._texts(value, "events"):
            if text is None:
                unknown.append(part)
                continue
            how_certain = verdict if certainty == "certain" else certainty
            for item in event_items(text):
                self._add(
                    item.variable,
                    "set",
                    how,
                    part,
                    verdict=how_certain,
                    value=item.value,
                    source=value,
                )
        if unknown:
            self._add(known.ALL_EVENTS, "set", how, node, verdict="dynamic", source=value)
        elif self._literal(value) == "":
            self._add(known.EVENTS, "clear", how, node, verdict=verdict, value="")

    def _declared(self, key: str, value: Node | None, node: Node, verdict: Verdict) -> None:
        """Add the items of ``s.linkTrackVars = "eVar5,events"``."""
        is_unknown = False
        for text, certainty, part in self._texts(value, key):
            is_unknown |= text is None
            for item in (text or "").split(","):
                variable = _DECLARING[key](item.strip())
                if variable is not None:
                    how_certain = verdict if certainty == "certain" else certainty
                    self._add(variable, "declare", "code", part, verdict=how_certain)
        if is_unknown:
            everything = known.ALL_EVENTS if key == "linkTrackEvents" else known.EVERYTHING
            self._add(everything, "declare", "code", node, verdict="dynamic")

    def _products(self, value: Node | None, node: Node, verdict: Verdict, how: How) -> None:
        """Add ``s.products``, and the events and merchandising eVars in the text."""
        whole = self._literal(value)
        self._add(known.PRODUCTS, "set", how, node, verdict=verdict, value=whole, source=value)
        for text, certainty, part in self._texts(value, "products"):
            for variable, item in product_items(text or "", is_whole=whole is not None):
                how_certain = verdict if certainty == "certain" else certainty
                self._add(
                    variable,
                    "set",
                    "products string",
                    part,
                    verdict=how_certain,
                    value=item,
                    source=value,
                )

    # -- objects merged into the tracker, and objects of Web SDK

    def _merge(self, word: Node) -> None:
        """Read ``Object.assign(s, {…})`` and ``$.extend(s, {…})``."""
        call = call_of(reference(word))
        if call is None:
            return
        arguments = [node for node in arguments_of(call) if node.type not in ("true", "false")]
        for value in arguments[1:]:
            self._merged(arguments[0], value)

    def _merged(self, target: Node, value: Node) -> None:
        is_tracker = self._is_tracker(target)
        verdict: Verdict | None = "certain"
        if target.type == "identifier" and is_tracker:
            verdict = self._verdict_on(target)
        root = target
        while field(root, "object") is not None:
            root = field(root, "object") or root
        _, keys = path_of(self.tree, root)
        if is_tracker and verdict is not None:
            self._members_set(value, target, verdict)
        elif self._content and self.tree.text(root) == "content":
            self._assigned_at(keys, value, target, self._content, "certain")

    def _members_set(self, value: Node, node: Node, verdict: Verdict) -> None:
        """Add what each member of an object sets."""
        if value.type != "object":
            self._add(known.EVERYTHING, "set", "code", node, verdict="dynamic", source=value)
            return
        self._literals.append((value.start_byte, value.end_byte))
        for member in value.named_children:
            name = key_of(self.tree, member)
            key = literal(name)
            if member.type == "shorthand_property_identifier":
                self._set(self.tree.text(member), member, member, verdict)
            elif member.type == "pair" and key is not None:
                self._set(key, field(member, "value"), member, verdict)
            elif member.type in ("pair", "spread_element"):
                self._dynamic(name, ("set", field(member, "value")), member)

    def _content_of_event(self, word: Node) -> None:
        """Read what code of Web SDK does with ``content``."""
        if word.type != "identifier":
            return
        whole, keys = path_of(self.tree, word)
        action, value = self._context(whole)
        if action in ("set", "append"):
            self._note_members(whole)
            if value is not None:
                self._assigned_at(keys, value, whole, self._content, "certain")
        elif action in ("read", "clear"):
            self._touched_at(keys, whole, "read" if action == "read" else "clear")

    def _note_members(self, expression: Node | None) -> None:
        while expression is not None and expression.type != "identifier":
            self._seen.add(expression.id)
            expression = field(expression, "object")

    def _assigned_at(
        self, keys: Sequence[Name], value: Node, node: Node, content: Content, verdict: Verdict
    ) -> None:
        """Add what an assignment below ``content`` sets, for each leaf of the value."""
        source = self.tree.text(node)
        self._literals.append((value.start_byte, value.end_byte))
        for path, at, leaf in leaves_of_literal(self.tree, value, keys, node):
            # content.data = content.data || {…}
            if leaf is not None and self.tree.text(leaf) == source:
                continue
            self._leaf(path, leaf, at, content, verdict)

    def _leaf(
        self,
        path: Sequence[Name],
        value: Node | None,
        node: Node,
        content: Content,
        verdict: Verdict,
    ) -> None:
        keys = list(map(literal, path))
        kind, below = _inside(keys, content)
        if kind == "data":
            self._data_leaf(below, value, node, verdict)
        elif kind == "xdm":
            variable = known.EVERYTHING
            if below:
                variable = xdm_variable(_without_indexes(below))
            if not below or None in below:
                verdict = "dynamic"
            text = self._literal(value)
            self._add(variable, "set", "xdm", node, verdict=verdict, value=text, source=value)

    def _data_leaf(
        self, keys: Sequence[str | None], value: Node | None, node: Node, verdict: Verdict
    ) -> None:
        """Add what a value below ``data`` sets: ``__adobe.analytics.eVar5``."""
        if len(keys) <= len(_DATA_PATH):
            if tuple(keys) == _DATA_PATH[: len(keys)]:
                self._add(
                    known.EVERYTHING, "set", "data object", node, verdict="dynamic", source=value
                )  # fmt: skip
            return
        if tuple(keys[:2]) != _DATA_PATH:
            return
        key, *below = keys[2:]
        if key is None:
            self._add(known.EVERYTHING, "set", "data object", node, verdict="dynamic")
        elif key == "contextData" and below:
            name = (below[0],)
            self._context_key(name, ("set", value), node, verdict, "data object")
        else:
            self._set(key, value, node, verdict, how="data object")

    def _touched_at(self, keys: Sequence[Name], node: Node, access: Access) -> None:
        """Add the variable below ``content`` that is read or deleted."""
        kind, below = _inside(list(map(literal, keys)), self._content)
        if kind == "data" and len(below) > 2 and tuple(below[:2]) == _DATA_PATH:
            variable = known.member_of(below[2] or "")
            if variable is not None:
                self._add(variable, access, "data object", node)
        elif kind == "xdm" and below:
            variable = xdm_variable(_without_indexes(below))
            # Code often asks whether a field exists: that is worth a row only for variables.
            if variable.family != "xdm" or access == "clear":
                self._add(variable, access, "xdm", node)

    def _send_event(self, word: Node) -> None:
        """Read ``alloy("sendEvent", {xdm: {…}, data: {…}})``."""
        string = word.parent
        call = string.parent.parent if string is not None and string.parent is not None else None
        if call is None or call.type != "call_expression" or self._is_comment:
            return
        function, arguments = field(call, "function"), arguments_of(call)
        if arguments[0] != string or self._key_text(function or call) in ("track", "getVar"):
            return
        event_type = None
        for options in arguments[1:2]:
            self._literals.append((options.start_byte, options.end_byte))
            for path, at, leaf in leaves_of_literal(self.tree, options, (), call):
                if path == [("type",)]:
                    event_type = self._literal(leaf)
                elif path:
                    self._leaf(path, leaf, at, "event", "certain")
        start = self.tree.span(call)[0]
        self.sends.append(Send("sendEvent", event_type, start, self.tree.line(call)))

    def _data_object(self, word: Node) -> None:
        """Read ``__adobe`` on any object, and as a key of a literal."""
        parent = word.parent
        if parent is None:
            return
        if parent.type == "pair" and not _is_inside(word, self._literals):
            value = field(parent, "value")
            if value is not None and field(parent, "key") == word:
                self._assigned_at([("__adobe",)], value, parent, "data", "possible")
            return
        member = reference(word)
        if member.id in self._seen or member == word:
            return
        whole, keys = path_of(self.tree, member)
        action, value = self._context(whole)
        if action == "set" and value is not None and not self._is_content(member):
            self._note_members(whole)
            self._assigned_at([("__adobe",), *keys], value, whole, "data", "possible")

    def _is_content(self, member: Node) -> bool:
        return bool(self._content) and self.tree.text(member).startswith("content")

    # -- other objects

    def _unmistakable(self, word: str, node: Node) -> None:
        """Read a variable of an object of which it is not known whether it is the tracker."""
        if self.tree.text(node) != word or node.parent is None:
            return
        pair = node.parent if node.type != "string_fragment" else node.parent.parent
        if pair is not None and pair.type == "pair":
            is_key = self.tree.text(field(pair, "key") or pair).strip("\"'") == word
            is_new = not _is_inside(pair, self._literals)
            if is_key and is_new and known.is_unmistakable(word):
                self._set(word, field(pair, "value"), pair, "possible")
            return
        member = reference(node)
        if member.id in self._seen or field(member, "object") is None:
            return
        if self._is_content(member):
            return
        self._seen.add(member.id)
        variable = known.variable_of(word)
        if variable is not None and not known.is_unmistakable(word):
            return
        context = self._context(member)
        self._key(word, context, member, "possible")
        holder = field(member, "object")
        if holder is not None and context[0] in ("set", "append"):
            self._others.setdefault(self.tree.text(holder), holder)

    def _further_members(self, holder: Node) -> None:
        """Read events and products of another object that has an eVar."""
        text = self.tree.text(holder)
        pattern = re.compile(rf"(?<![\w$.]){re.escape(text)}(?=\s*\.\s*(?:events|products)\b)")
        for _, node in self.tree.find(pattern):
            if self.tree.text(node) == text:
                self._member_of(node, "possible", ("events", "products"))

    # -- comments

    def _comment(self, node: Node) -> None:
        """Read the code in a comment."""
        text = self.tree.text(node)
        signs = _COMMENT_SIGNS.match(text)
        start = len(signs[0]) if signs else 0
        script = Script(
            text[start:].removesuffix("*/").removesuffix("-->"),
            self.tree.span(node)[0] + start,
            self.tree.line(node),
        )
        reader = _Reader(Tree(script), self._content, self._trackers, is_comment=True)
        reader.read()
        for use in reader.uses:
            # Prose names variables, too, but it is not valid code.
            if use.access != "read" or not reader.tree.is_broken:
                self.uses.append(use)


class Item(NamedTuple):
    """An item of ``s.events``."""

    variable: Variable
    value: str | None


def event_items(text: str) -> Iterator[Item]:
    """Yield the events of a text such as ``event1,event2=5,scAdd:123``."""
    for item in text.split(","):
        name, _, value = item.strip().partition("=")
        variable = known.event_of(name.partition(":")[0].strip())
        if variable is not None:
            is_known = value and "\0" not in value
            yield Item(variable, value.strip() if is_known else None)


def product_items(text: str, *, is_whole: bool) -> Iterator[tuple[Variable, str | None]]:
    """Yield the events and merchandising eVars of a products string, with their values."""
    for match in _PRODUCT_ITEM.finditer(text):
        variable = known.item_of(match[1])
        # At the end of a part, the value may go on in the next one.
        is_known = match[2] and (is_whole or match.end() < len(text))
        if variable is not None:
            yield variable, match[2] if is_known else None


def _inside(
    keys: Sequence[str | None], content: Content
) -> tuple[Literal["", "xdm", "data"], Sequence[str | None]]:
    """Return whether keys lead into the XDM or the data object, and the keys inside it."""
    if content == "event" and keys:
        if keys[0] in ("xdm", "data"):
            return keys[0], keys[1:]  # type: ignore[return-value]
        return "", keys
    if content == "data" or (keys and keys[0] == _DATA_PATH[0]):
        return "data", keys
    if content == "xdm":
        return "xdm", keys
    return "", keys


def _without_indexes(keys: Iterable[str | None]) -> list[str]:
    return [key or "*" for key in keys if not (key or "").isdecimal()]


def _is_inside(node: Node, spans: Iterable[tuple[int, int]]) -> bool:
    return _is_in(node.start_byte, spans)


def _is_in(place: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= place < stop for start, stop in spans)


def _first_parameter(function: Node) -> Node | None:
    parameters = field(function, "parameters")
    if parameters is None:
        return field(function, "parameter")
    return next(iter(parameters.named_children), None)
