"""What a script does with the members of the tracker: ``s.eVar5 = …``, ``s.events += …``."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import (
    Name,
    Tree,
    arguments_of,
    field,
    literal,
)
from adobe_nb.analysis.code.list_texts import ListText, ListTexts
from adobe_nb.analysis.code.operands import (
    Leaf,
    assigned_value,
    key_of,
    leaves_of_literal,
    members_of_literal,
)
from adobe_nb.analysis.code.parts import Span
from adobe_nb.analysis.code.variable_uses import Notes, Place, VariableUse, Verdict
from adobe_nb.analysis.variables import names as known
from adobe_nb.analysis.variables.items import event_items, product_items

Action = Literal["set", "append", "read", "clear", "call"]
_WRITES = ("set", "append")
_DECLARING = {"linkTrackVars": known.item_of, "linkTrackEvents": known.event_of}
# These keep what a variable has, so that the text on their right can be all of it.
_KEEPING = ("||=", "&&=", "??=")


def action_on(tree: Tree, member: Node) -> tuple[Action, Node | None]:
    """Return what is done with an expression, and the value that it gets, or the call of it."""
    parent = member.parent
    if parent is None:
        return "read", None
    is_left = field(parent, "left") == member
    match parent.type:
        case "assignment_expression" if is_left:
            return "set", field(parent, "right")
        case "augmented_assignment_expression" if is_left:
            operator = tree.text(parent.children[1])
            return "set" if operator in _KEEPING else "append", field(parent, "right")
        case "update_expression":
            return "append", None
        case "array_pattern" | "pair_pattern":
            return "set", None
        case "unary_expression" if tree.text(parent.children[0]) == "delete":
            return "clear", None
        case "call_expression" if field(parent, "function") == member:
            return "call", parent
    return "read", None


def literal_text(tree: Tree, value: Node | None) -> str | None:
    """Return the text of an expression; None when it is not known."""
    names = tree.names(assigned_value(value))
    if len(names) == 1:
        return literal(names[0])
    return None


class TrackerReader:
    """Reads members of the tracker, and objects that are merged into it."""

    def __init__(self, notes: Notes) -> None:
        self.tree = notes.tree
        self.notes = notes
        self.seen: set[int] = set()
        """The ids of the members that were read."""
        self._lists = ListTexts(notes.tree)
        self._assigned_to: dict[str, list[Span]] = defaultdict(list)
        """Where the values of each member are."""

    def is_own_read(self, use: VariableUse) -> bool:
        """Return whether a use is ``s.events`` on the right side of its own assignment."""
        spans = self._assigned_to[use.variable.name]
        return use.access == "read" and any(start <= use.start < stop for start, stop in spans)

    def member_of(self, root: Node, verdict: Verdict, only: Sequence[str] = ()) -> None:
        """Read ``root.key`` or ``root[key]``. ``only`` says which keys count."""
        member = root.parent
        if member is None or field(member, "object") != root:
            return
        names = [key_of(self.tree, member)]
        if member.type == "subscript_expression":
            names = self.tree.names(field(member, "index"))
        for name in names:
            key = literal(name)
            if only and key not in only:
                continue
            self.seen.add(member.id)
            if key is None:
                self._dynamic(name, member)
            elif key == "contextData":
                self._context_data(member, verdict)
            else:
                self.member(key, member, verdict)

    def member(self, key: str, member: Node, verdict: Verdict) -> None:
        """Read what is done with a member whose key is known."""
        action, value = action_on(self.tree, member)
        place = Place(member, "code", verdict)
        if action == "call" and value is not None:
            self._call(key, value, place)
        elif action in _WRITES:
            self.assign(key, value, place, is_whole=action == "set")
        else:
            variable = known.EVENTS if key == "events" else known.variable_of(key)
            if variable is not None:
                self.notes.add(variable, "clear" if action == "clear" else "read", place)

    def _dynamic(self, name: Name, member: Node) -> None:
        """Note a variable of which only the family is known, if that."""
        action, value = action_on(self.tree, member)
        place = Place(member, "code", "dynamic")
        family = known.family_of(name[0] or "")
        if action in _WRITES:
            self.notes.add(family or known.EVERYTHING, "set", place, source=value)
        elif action == "read" and family is not None:
            self.notes.add(family, "read", place)

    def _call(self, method: str, call: Node, place: Place) -> None:
        arguments = [literal_text(self.tree, argument) for argument in arguments_of(call)]
        if method == "t":
            self.notes.add_send("s.t", None, call)
        elif method == "tl":
            name = arguments[2] if len(arguments) > 2 else None
            self.notes.add_send("s.tl", name, call)
        elif method == "clearVars" or (method == "manageVars" and arguments[:1] == ["clearVars"]):
            self.notes.add(known.EVERYTHING, "clear", place)

    def assign(self, key: str, value: Node | None, place: Place, *, is_whole: bool = True) -> None:
        """Note what an assignment to a member sets, reads and declares.

        ``is_whole`` is False when the value is added to what the member has.
        """
        if value is not None:
            self._assigned_to[key].append(self.tree.span(value))
        if key == "events":
            self._events(value, place)
        elif key in _DECLARING:
            self._declared(key, value, place)
        elif key == "products":
            self._products(value, place)
        elif key == "contextData" and value is not None:
            for path, node, leaf in leaves_of_literal(self.tree, value, (), place.node):
                self.context_key(path[:1], leaf, place._replace(node=node))
        else:
            self._variable(key, value, place, is_whole=is_whole)

    def _variable(self, key: str, value: Node | None, place: Place, *, is_whole: bool) -> None:
        variable = known.variable_of(key)
        if place.how == "data object":
            variable = known.member_of(key)
        if variable is None:
            return
        text = literal_text(self.tree, value) if is_whole else None
        self.notes.add(variable, "set", place, value=text, source=value)
        for copied in known.copied(text or ""):
            self.notes.add(copied, "read", place)

    # -- context data

    def _context_data(self, member: Node, verdict: Verdict) -> None:
        """Read ``s.contextData.key`` and ``s.contextData = {…}``."""
        inner = member.parent
        if inner is None or field(inner, "object") != member:
            action, value = action_on(self.tree, member)
            if action == "set":
                self.assign("contextData", value, Place(member, "code", verdict))
            return
        action, value = action_on(self.tree, inner)
        name = key_of(self.tree, inner)
        place = Place(inner, "code", verdict)
        if action in _WRITES:
            self.context_key([name], value, place, is_whole=action == "set")
        elif action != "call":
            key = known.context_data(literal(name) or "*")
            self.notes.add(key, "clear" if action == "clear" else "read", place)

    def context_key(
        self, path: Sequence[Name], value: Node | None, place: Place, *, is_whole: bool = True
    ) -> None:
        """Note that a key of the context data is set; without a path, unknown ones are."""
        key = literal(path[0]) if path else None
        if key is None:
            place = place._replace(verdict="dynamic")
        text = literal_text(self.tree, value) if is_whole else None
        self.notes.add(known.context_data(key or "*"), "set", place, value=text, source=value)

    # -- lists in texts: events, declared variables, products

    def _events(self, value: Node | None, place: Place) -> None:
        """Note the items of ``s.events = "event1,event2=5"``."""
        is_known = True
        for part in self._lists.parts(value, "events"):
            is_known &= part.text is not None
            for item in event_items(part.text or ""):
                self.notes.add(
                    item.variable, "set", _at(part, place), value=item.value, source=value
                )
        if not is_known:
            unknown = place._replace(verdict="dynamic")
            self.notes.add(known.ALL_EVENTS, "set", unknown, source=value)
        elif literal_text(self.tree, value) == "":
            self.notes.add(known.EVENTS, "clear", place, value="")

    def _declared(self, key: str, value: Node | None, place: Place) -> None:
        """Note the items of ``s.linkTrackVars = "eVar5,events"``."""
        is_known = True
        for part in self._lists.parts(value, key):
            is_known &= part.text is not None
            for item in (part.text or "").split(","):
                variable = _DECLARING[key](item.strip())
                if variable is not None:
                    self.notes.add(variable, "declare", _at(part, place))
        if not is_known:
            everything = known.EVERYTHING
            if key == "linkTrackEvents":
                everything = known.ALL_EVENTS
            self.notes.add(everything, "declare", place._replace(verdict="dynamic"))

    def _products(self, value: Node | None, place: Place) -> None:
        """Note ``s.products``, and the events and merchandising eVars in the text."""
        whole = literal_text(self.tree, value)
        self.notes.add(known.PRODUCTS, "set", place, value=whole, source=value)
        for part in self._lists.parts(value, "products"):
            item_place = _at(part, place)._replace(how="products string")
            for item in product_items(part.text or "", is_whole=whole is not None):
                self.notes.add(item.variable, "set", item_place, value=item.value, source=value)

    # -- objects

    def merge(self, value: Node, node: Node, verdict: Verdict) -> None:
        """Note what ``Object.assign(s, {…})`` sets."""
        pending: list[Leaf] = [([], node, value)]
        while pending:
            path, member, leaf = pending.pop()
            members = None
            if not path:
                members = members_of_literal(self.tree, leaf, [])
            if members is not None:
                pending += reversed(members)
            elif path and (key := literal(path[0])) is not None:
                self.assign(key, leaf, Place(member, "code", verdict))
            else:
                self._merge_unknown(path, leaf, Place(member, "code", "dynamic"))

    def _merge_unknown(self, path: Sequence[Name], value: Node | None, place: Place) -> None:
        """Note a member of which only the family is known, if that."""
        family = known.family_of(path[0][0] or "") if path else None
        self.notes.add(family or known.EVERYTHING, "set", place, source=value)


def _at(part: ListText, place: Place) -> Place:
    """Return the place of a part of a list. It can be less certain than the assignment."""
    if part.certainty == "possible":
        place = place._replace(verdict="possible")
    return place._replace(node=part.node)
