"""What can be found out about variables in a script: the uses, and the places that send."""

from typing import Literal, NamedTuple

from tree_sitter import Node

from adobe_nb.analysis.code.javascript import Tree
from adobe_nb.analysis.code.operands import assigned_value
from adobe_nb.analysis.code.parts import Parts, Span
from adobe_nb.analysis.variables.names import Variable

Access = Literal["set", "read", "declare", "clear"]
How = Literal[
    "settings", "code", "products string", "doPlugins", "xdm", "data object", "other extension"
]
Verdict = Literal["certain", "possible", "dynamic", "commented", "misspelled", "out of range"]
SendKind = Literal["s.t", "s.tl", "sendEvent", "other"]


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
    span: Span = (0, 0)
    """Where the expression is that is assigned."""


class Send(NamedTuple):
    """One place in a script that sends what was set."""

    kind: SendKind
    name: str | None
    """The name of a link, or the type of an event of Web SDK; None when it is not known."""
    start: int
    line: int


class Place(NamedTuple):
    """A place in a script, and how certain it is that the variable of Analytics is meant."""

    node: Node
    how: How = "code"
    verdict: Verdict = "certain"


class Notes:
    """Collects the uses in one script."""

    def __init__(self, tree: Tree, *, is_comment: bool) -> None:
        self.tree = tree
        self.is_comment = is_comment
        self.uses: list[VariableUse] = []
        self.sends: list[Send] = []
        self.plugins = Parts()
        """Where the functions are that run before each beacon."""

    def add(
        self,
        variable: Variable,
        access: Access,
        place: Place,
        *,
        value: str | None = None,
        source: Node | None = None,
    ) -> None:
        """Note a use. ``source`` is the expression that is assigned."""
        node, how, verdict = place
        if how == "code" and self.plugins.hold(node):
            how = "doPlugins"
        if self.is_comment:
            verdict = "commented"
        elif verdict == "certain" and variable.problem:
            verdict = variable.problem
        elif access == "set" and variable.is_pattern:
            verdict = "dynamic"
        start, stop = self.tree.span(node)
        span = (0, 0)
        source = assigned_value(source)
        if source is not None:
            span = self.tree.span(source)
        line = self.tree.line(node)
        use = VariableUse(variable, access, how, verdict, start, stop, line, value, span)
        self.uses.append(use)

    def add_send(self, kind: SendKind, name: str | None, call: Node) -> None:
        """Note a call that sends. One in a comment does not."""
        if not self.is_comment:
            self.sends.append(Send(kind, name, self.tree.span(call)[0], self.tree.line(call)))
