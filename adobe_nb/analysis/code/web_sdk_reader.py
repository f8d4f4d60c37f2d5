"""What a script does with the objects that Web SDK sends: XDM, and ``data.__adobe.analytics``."""

from collections.abc import Sequence
from typing import Literal

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import Name, arguments_of, field, literal, reference_of
from adobe_nb.analysis.code.operands import leaves_of_literal, path_of
from adobe_nb.analysis.code.parts import Parts
from adobe_nb.analysis.code.tracker_reader import TrackerReader, action_on, literal_text
from adobe_nb.analysis.code.variable_uses import Place, Verdict
from adobe_nb.analysis.variables import names as known
from adobe_nb.analysis.variables.xdm import xdm_variable

Content = Literal["", "event", "xdm", "data"]
"""What ``content`` is in code of Web SDK: an event with xdm and data, or one of the two; empty for
other code.
"""
DATA_PATH = ("__adobe", "analytics")
_NOT_WEB_SDK = ("track", "getVar", "setVar")


class WebSdkReader:
    """Reads assignments to ``content``, calls of ``sendEvent``, and ``__adobe`` elsewhere."""

    def __init__(self, tracker: TrackerReader, content: Content) -> None:
        self.tree = tracker.tree
        self.notes = tracker.notes
        self.tracker = tracker
        self.literals = Parts()
        """Where the object literals are that were read."""
        self._content = content

    def content(self, word: Node) -> None:
        """Read what is done with ``content``, or something inside it."""
        if word.type != "identifier":
            return
        whole, keys = path_of(self.tree, word)
        action, value = action_on(self.tree, whole)
        if action in ("set", "append") and value is not None:
            self._note_seen(whole)
            self.assign(keys, value, whole, self._content, "certain")
        elif action in ("read", "clear"):
            self._touched(keys, whole, is_cleared=action == "clear")

    def merge(self, target: Node, value: Node) -> None:
        """Read ``Object.assign(content.xdm, {…})``."""
        root = target
        while root.type != "identifier":
            inner = field(root, "object")
            if inner is None:
                return
            root = inner
        if self.tree.text(root) == "content":
            _, keys = path_of(self.tree, root)
            self.assign(keys, value, target, self._content, "certain")

    def send_event(self, word: Node) -> None:
        """Read ``alloy("sendEvent", {xdm: {…}, data: {…}})``."""
        string = word.parent
        call = string.parent.parent if string is not None and string.parent is not None else None
        if call is None or call.type != "call_expression":
            return
        function, arguments = field(call, "function"), arguments_of(call)
        if function is None or arguments[0] != string:
            return
        if self.tree.text(field(function, "property") or function) in _NOT_WEB_SDK:
            return
        event_type = None
        for options in arguments[1:2]:
            self.literals.add(options)
            for path, node, leaf in leaves_of_literal(self.tree, options, (), call):
                if path == [("type",)]:
                    event_type = literal_text(self.tree, leaf)
                self._leaf(path, leaf, Place(node), "event")
        self.notes.add_send("sendEvent", event_type, call)

    def data_object(self, word: Node) -> None:
        """Read ``__adobe`` as a key of a literal, and on an object that is not known."""
        pair = word.parent
        if pair is not None and pair.type == "pair" and field(pair, "key") == word:
            value = field(pair, "value")
            if value is not None and not self.literals.hold(pair):
                self.assign([DATA_PATH[:1]], value, pair, "data", "possible")
            return
        member = reference_of(word)
        if member == word or member.id in self.tracker.seen or self.is_content(member):
            return
        whole, keys = path_of(self.tree, member)
        action, value = action_on(self.tree, whole)
        if action == "set" and value is not None:
            self._note_seen(whole)
            self.assign([DATA_PATH[:1], *keys], value, whole, "data", "possible")

    def is_content(self, member: Node) -> bool:
        """Return whether an expression is something inside ``content``."""
        return bool(self._content) and self.tree.text(member).startswith("content")

    def assign(
        self, keys: Sequence[Name], value: Node, node: Node, content: Content, verdict: Verdict
    ) -> None:
        """Note what an assignment sets, for each leaf of the value."""
        target = self.tree.text(node)
        self.literals.add(value)
        for path, leaf_node, leaf in leaves_of_literal(self.tree, value, keys, node):
            # content.data = content.data || {…}
            if leaf is None or self.tree.text(leaf) != target:
                self._leaf(path, leaf, Place(leaf_node, "code", verdict), content)

    def _note_seen(self, expression: Node | None) -> None:
        while expression is not None and expression.type != "identifier":
            self.tracker.seen.add(expression.id)
            expression = field(expression, "object")

    def _leaf(
        self, path: Sequence[Name], value: Node | None, place: Place, content: Content
    ) -> None:
        kind, keys = _inside(path, content)
        if kind == "data":
            self._data(keys, value, place._replace(how="data object"))
        elif kind == "xdm":
            variable = known.EVERYTHING
            if keys:
                variable = xdm_variable(_fields(keys))
            if not keys or None in keys:
                place = place._replace(verdict="dynamic")
            text = literal_text(self.tree, value)
            place = place._replace(how="xdm")
            self.notes.add(variable, "set", place, value=text, source=value)

    def _data(self, keys: Sequence[str | None], value: Node | None, place: Place) -> None:
        """Note what a value below ``data`` sets: ``__adobe.analytics.eVar5``."""
        is_above = tuple(keys) == DATA_PATH[: len(keys)]
        if is_above or None in keys[: len(DATA_PATH)]:
            unknown = place._replace(verdict="dynamic")
            self.notes.add(known.EVERYTHING, "set", unknown, source=value)
        elif tuple(keys[:2]) == DATA_PATH:
            key, *below = keys[2:]
            if key is None:
                dynamic = place._replace(verdict="dynamic")
                self.notes.add(known.EVERYTHING, "set", dynamic, source=value)
            elif key == "contextData" and below:
                self.tracker.context_key([(below[0],)], value, place)
            else:
                self.tracker.assign(key, value, place)

    def _touched(self, path: Sequence[Name], node: Node, *, is_cleared: bool) -> None:
        """Note the variable inside ``content`` that is read or deleted."""
        kind, keys = _inside(path, self._content)
        access: Literal["clear", "read"] = "clear" if is_cleared else "read"
        if kind == "data" and tuple(keys[:2]) == DATA_PATH and len(keys) > 2:
            variable = known.EVENTS if keys[2] == "events" else known.member_of(keys[2] or "")
            if variable is not None:
                self.notes.add(variable, access, Place(node, "data object"))
        elif kind == "xdm" and keys:
            variable = xdm_variable(_fields(keys))
            # Code often asks whether a field exists: that is worth a row only for variables.
            if variable.family != "xdm" or is_cleared:
                self.notes.add(variable, access, Place(node, "xdm"))


def _inside(
    path: Sequence[Name], content: Content
) -> tuple[Literal["", "xdm", "data"], Sequence[str | None]]:
    """Return whether a path leads into the XDM or the data object, and the keys inside it."""
    keys = list(map(literal, path))
    if content == "event":
        if keys[:1] == ["xdm"]:
            return "xdm", keys[1:]
        return "data" if keys[:1] == ["data"] else "", keys[1:]
    if content == "data" or keys[:1] == [DATA_PATH[0]]:
        return "data", keys
    return content, keys


def _fields(keys: Sequence[str | None]) -> list[str]:
    """Return the fields of a path in XDM: without indexes, ``*`` for keys that are not known."""
    fields = []
    for key in keys:
        if key is None:
            fields.append("*")
        elif not key.isdecimal():
            fields.append(key)
    return fields
