"""Parts of a script, such as functions and literals: one is inside another, or beside it."""

from bisect import bisect_right
from collections.abc import Iterable

from tree_sitter import Node

Span = tuple[int, int]


def bytes_of(node: Node) -> Span:
    """Return where a node starts and stops in its script."""
    return node.start_byte, node.end_byte


class Parts:
    """A growing set of parts, to find out whether a place is inside one of them."""

    def __init__(self) -> None:
        self._outermost: list[Span] = []

    def add(self, node: Node) -> None:
        """Add the part of a node."""
        if self.hold(node):
            return
        start, stop = bytes_of(node)
        first = bisect_right(self._outermost, (start, stop))
        last = bisect_right(self._outermost, (stop, 0))
        self._outermost[first:last] = [(start, stop)]

    def hold(self, node: Node) -> bool:
        """Return whether a node starts in one of the parts."""
        place = node.start_byte
        before = bisect_right(self._outermost, (place, float("inf")))
        return before > 0 and place < self._outermost[before - 1][1]


class Nesting:
    """Parts that are known from the start, to find the innermost one around a place."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._edges: list[int] = []
        self._innermost: list[Span | None] = []
        """The innermost part from each edge to the next."""
        open_parts: list[Span] = []
        for span in sorted(spans, key=lambda span: (span[0], -span[1])):
            self._close(open_parts, span[0])
            open_parts.append(span)
            self._add_edge(span[0], span)
        self._close(open_parts, None)

    def _close(self, open_parts: list[Span], place: int | None) -> None:
        """Close the parts that end before a place; all of them without one."""
        while open_parts and (place is None or open_parts[-1][1] <= place):
            stop = open_parts.pop()[1]
            self._add_edge(stop, open_parts[-1] if open_parts else None)

    def _add_edge(self, place: int, innermost: Span | None) -> None:
        self._edges.append(place)
        self._innermost.append(innermost)

    def around(self, node: Node) -> Span | None:
        """Return the innermost part in which a node starts."""
        before = bisect_right(self._edges, node.start_byte)
        return self._innermost[before - 1] if before else None
