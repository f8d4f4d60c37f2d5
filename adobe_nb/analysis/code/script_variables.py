"""What a script does with the variables of Adobe Analytics: sets, reads, declares, clears, sends.

The tracker is ``s``, unless the script declares that name as something else. On other objects, only
names that hardly anything else has are taken for variables, and they are possible ones.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import (
    Script,
    Tree,
    call_of,
    field,
    literal,
    parse,
    reference_of,
)
from adobe_nb.analysis.code.markup import COMMENT_OR_SCRIPT, parts_of
from adobe_nb.analysis.code.operands import MERGING, key_of, merged_by
from adobe_nb.analysis.code.parts import Parts
from adobe_nb.analysis.code.tracker_reader import TrackerReader, action_on
from adobe_nb.analysis.code.trackers import Trackers
from adobe_nb.analysis.code.variable_uses import (
    Notes,
    Place,
    Send,
    VariableUse,
)
from adobe_nb.analysis.code.web_sdk_reader import Content, WebSdkReader
from adobe_nb.analysis.variables.names import PAGE, is_unmistakable

_COMMENTS = ("comment", "html_comment")
_COMMENT_SIGNS = re.compile(r"^(?:/[/*]+|<!--)")
_METHODS = ("linkTrackVars", "linkTrackEvents", "clearVars", "manageVars")
_UNMISTAKABLE = rf"(?:eVar|prop|list|hier)\d+|{'|'.join(_METHODS)}"
# Generated code can have any number: each is a search through the whole script.
_MAX_OTHERS = 100
_FURTHER = ("events", "products")
_IN_WITH = re.compile(
    rf"(?<![\w$.])(?:{_UNMISTAKABLE}|{'|'.join((*_FURTHER, *PAGE))}|contextData|t|tl)(?![\w$])"
)


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

    ``trackers`` are the names of the variables of the page that hold the tracker.
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
            notes = _read(parse(script), content, trackers, is_comment=is_comment)
            uses += notes.uses
            sends += notes.sends
            is_broken |= notes.tree.is_broken and not is_comment
    # The items of one text stay in their order.
    uses.sort(key=attrgetter("start", "stop"))
    return ScriptVariables(uses, sends, is_broken)


def _scripts_of_page(html: str) -> Iterator[tuple[Script, bool]]:
    """Yield the scripts of a page, and whether each is inside a comment."""
    for part in parts_of(html):
        if part.kind == "script":
            yield Script(part.text, part.start, part.line), False
        elif part.kind == "comment":
            for match in COMMENT_OR_SCRIPT.finditer(part.text, len("<!--")):
                if match["script"]:
                    start = match.start("script")
                    line = part.line + part.text.count("\n", 0, start)
                    yield Script(match["script"], part.start + start, line), True


@lru_cache
def _words(trackers: tuple[str, ...], content: Content) -> re.Pattern[str]:
    """Return the pattern of the words by which everything is found."""
    names = "|".join(map(re.escape, trackers))
    words = [
        # Followed by a member, or where it is a value that can get another name.
        rf"(?:{names})(?=[\"']?\]?(?:\s*(?:\?\?|\?\.|\.|\[|\|\||[,;)}}])|[^\S\n]*(?:\n|$)))",
        r"with(?=\s*\()",
        _UNMISTAKABLE,
        "__adobe|sendEvent|doPlugins",
        rf"(?:{'|'.join(MERGING)})(?=\s*\()",
    ]
    if content:
        words.append(r"content(?=\s*(?:\?\.|\.|\[|=))")
    return re.compile(rf"(?<![\w$])(?:{'|'.join(words)})(?![\w$])", re.ASCII)


def _read(tree: Tree, content: Content, trackers: tuple[str, ...], *, is_comment: bool) -> Notes:
    """Return what one script does."""
    notes = Notes(tree, is_comment=is_comment)
    words: list[tuple[str, Node]] = []
    comments: dict[int, Node] = {}
    for word, node in tree.find(_words(trackers, content)):
        if node.type in _COMMENTS:
            comments[node.id] = node
        else:
            words.append((word, node))
    _Reader(notes, content, trackers).read(words)
    if not is_comment:
        for comment in comments.values():
            notes.uses += _commented(tree, comment, content, trackers)
    return notes


def _commented(
    tree: Tree, comment: Node, content: Content, trackers: tuple[str, ...]
) -> Iterator[VariableUse]:
    """Yield the uses in the code of a comment."""
    text = tree.text(comment)
    signs = _COMMENT_SIGNS.match(text)
    start = signs.end() if signs else 0
    code = text[start:].removesuffix("*/").removesuffix("-->")
    script = Script(code, tree.span(comment)[0] + start, tree.line(comment))
    notes = _read(parse(script), content, trackers, is_comment=True)
    for use in notes.uses:
        # Prose names variables, too, but it is not valid code.
        if use.access != "read" or not notes.tree.is_broken:
            yield use


class _Reader:
    """Reads one script, word by word."""

    def __init__(self, notes: Notes, content: Content, trackers: tuple[str, ...]) -> None:
        self.tree = notes.tree
        self._notes = notes
        self._has_content = bool(content)
        self._trackers = Trackers(notes.tree, trackers)
        self._tracker = TrackerReader(notes)
        self._web_sdk = WebSdkReader(self._tracker, content)
        self._others: dict[str, Node] = {}
        """Other objects that have an eVar, by their source."""

    def read(self, words: list[tuple[str, Node]]) -> None:
        """Note all uses."""
        # First what is called ``s``, then what is done with it.
        for word, node in words:
            if word == "doPlugins":
                self._plugin(node)
        own_names = [node for word, node in words if word in self._trackers.names]
        for node, certainty in self._trackers.aliases(own_names):
            self._tracker.member_of(node, certainty)
        self._with_statements([node for word, node in words if word == "with"])
        for word, node in words:
            self._word(word, node)
        for source, node in islice(self._others.items(), _MAX_OTHERS):
            self._further_members(source, node)
        uses = self._notes.uses
        self._notes.uses = [use for use in uses if not self._tracker.is_own_read(use)]

    def _word(self, word: str, node: Node) -> None:
        if word in self._trackers.names:
            root = reference_of(node)
            certainty = self._trackers.certainty(root)
            if certainty is not None:
                self._tracker.member_of(root, certainty)
        elif word == "content":
            self._web_sdk.content(node)
        elif word == "sendEvent":
            self._web_sdk.send_event(node)
        elif word == "__adobe":
            self._web_sdk.data_object(node)
        elif word in MERGING:
            self._merge(node)
        elif word not in ("doPlugins", "with"):
            self._unmistakable(word, node)

    def _with_statements(self, words: list[Node]) -> None:
        """Read ``with (s) {eVar5 = …}``.

        It sets the member of the tracker if there is one, else a variable of the page.
        """
        bodies = Parts()
        for word in words:
            statement = word.parent
            holder = field(statement, "object")
            body = field(statement, "body")
            if holder is None or body is None:
                continue
            inner = holder.named_children[0] if holder.named_children else holder
            if self._trackers.certainty(reference_of(inner)) is not None:
                bodies.add(body)
        if not words:
            return
        for _, node in self.tree.find(_IN_WITH):
            if node.type == "identifier" and bodies.hold(node):
                self._tracker.seen.add(node.id)
                if action_on(self.tree, node)[0] != "read":
                    self._tracker.member(self.tree.text(node), node, "possible")

    def _plugin(self, word: Node) -> None:
        function = self._trackers.plugin(word)
        if function is not None:
            self._notes.plugins.add(function)

    def _merge(self, word: Node) -> None:
        """Read ``Object.assign(s, {…})`` and ``$.extend(true, s, {…})``."""
        call = call_of(reference_of(word))
        if call is None:
            return
        arguments = merged_by(self.tree, call)
        for value in arguments[1:]:
            certainty = self._trackers.certainty(arguments[0])
            if certainty is not None:
                self._web_sdk.literals.add(value)
                self._tracker.merge(value, arguments[0], certainty)
            elif self._has_content:
                self._web_sdk.merge(arguments[0], value)

    def _unmistakable(self, word: str, node: Node) -> None:
        """Read a variable of an object of which it is not known whether it is the tracker."""
        member = reference_of(node)
        if member.id in self._tracker.seen or self.tree.text(node) != word:
            return
        # A key in quotes is a string, and its text a node of its own.
        pair = member if node.type == "string_fragment" else node.parent
        if pair is not None and pair.type == "pair":
            self._key(word, pair)
        elif not self._web_sdk.is_content(member):
            self._other_object(word, member)

    def _key(self, word: str, pair: Node) -> None:
        is_key = literal(key_of(self.tree, pair)) == word
        if is_key and is_unmistakable(word) and not self._web_sdk.literals.hold(pair):
            self._tracker.assign(word, field(pair, "value"), Place(pair, "code", "possible"))

    def _other_object(self, word: str, member: Node) -> None:
        holder = field(member, "object")
        if holder is None or not (is_unmistakable(word) or word in _METHODS):
            return
        self._tracker.seen.add(member.id)
        self._tracker.member(word, member, "possible")
        if action_on(self.tree, member)[0] in ("set", "append"):
            self._others.setdefault(self.tree.text(holder), holder)

    def _further_members(self, source: str, holder: Node) -> None:
        """Read events and products of another object that has an eVar."""
        pattern = re.compile(
            rf"(?<![\w$.]){re.escape(source)}(?=\s*\.\s*(?:{'|'.join(_FURTHER)})\b)"
        )
        for _, node in self.tree.find(pattern):
            if self.tree.text(node) == source and node.type == holder.type:
                self._tracker.member_of(node, "possible", _FURTHER)
