"""Pictures of graphs: Mermaid, which JupyterLab shows, and DOT, the language of Graphviz."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from adobe_nb.errors import ArgumentError

MAX_EDGES = 300
"""The most edges that a picture shows: more are not readable, and take minutes to draw."""
_COLUMNS = ("from_id", "from_name", "from_type", "to_id", "to_name", "to_type", "kind", "verdict")
_LABEL_LENGTH = 60
_MOST_HUBS = 3
# These have no meaning in Mermaid or Markdown, wherever they are in a label.
_HARMLESS = re.compile(r"[^!-/:-@\[-`{-~]|[,'/?]")


class _Style(NamedTuple):
    """How both languages draw a type of node."""

    opening: str
    """The brackets of Mermaid that give a node its shape."""
    closing: str
    shape: str
    # Fill and text color belong together, so that both themes can show them.
    fill: str
    stroke: str


_STYLES = {
    "rules": _Style('["', '"]', "box", "#dbeafe", "#1d4ed8"),
    "data_elements": _Style('(["', '"])', "ellipse", "#dcfce7", "#15803d"),
    "extensions": _Style('{{"', '"}}', "hexagon", "#fef3c7", "#b45309"),
    "secrets": _Style('[("', '")]', "cylinder", "#fee2e2", "#b91c1c"),
}
_OTHER_STYLE = _Style('["', '"]', "box", "#f3f4f6", "#4b5563")
_TEXT_COLOR = "#111827"


class Mermaid(str):
    """A diagram in the language Mermaid: a text that JupyterLab shows as a picture."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002
        return {"text/vnd.mermaid": str(self)}

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001
        # Line by line: IPython would print the text as Python writes it, with quotes and escapes.
        printer.text(str(self))


class _Node(NamedTuple):
    key: str
    """A generated id, because names and ids can hold anything."""
    label: str
    type: str

    @property
    def style(self) -> _Style:
        return _STYLES.get(self.type, _OTHER_STYLE)


def to_mermaid(graph: pd.DataFrame) -> Mermaid:
    """Return a graph as a diagram in the language Mermaid.

    JupyterLab 4.1 and later shows it as a picture, without a network; so do GitHub, GitLab and many
    wikis in a block of code with the language ``mermaid``. Dotted arrows are not certain.

    Parameters
    ----------
    graph
        The edges, as ``tags.rule_graph()`` returns them; rows can be left out.

    Returns
    -------
    str
        The text of the diagram. Names are cut to 60 characters. A graph without edges is one node
        that says so.

    Raises
    ------
    ArgumentError
        For a frame without the columns of a graph, and for more than 300 edges.

    Examples
    --------
    >>> import adobe_nb
    >>> from adobe_nb import analysis
    >>> session = adobe_nb.connect(simulator=True)
    >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
    >>> picture = analysis.to_mermaid(tags.rule_graph())
    >>> print(picture.splitlines()[0])
    flowchart LR
    """
    nodes, edges = _read(graph)
    lines = ["flowchart LR"]
    classes = {}
    for node in nodes.values():
        style = node.style
        name = f"{style.opening}{_mermaid_text(node.label)}{style.closing}"
        lines.append(f"  {node.key}{name}:::{_class(node.type)}")
        classes[_class(node.type)] = f"fill:{style.fill},stroke:{style.stroke},color:{_TEXT_COLOR}"
    for edge in edges:
        arrow = "-->" if edge.is_certain else "-.->"
        label = _mermaid_text(edge.label)
        lines.append(f'  {edge.source.key} {arrow}|"{label}"| {edge.target.key}')
    for name, look in sorted(classes.items()):
        lines.append(f"  classDef {name} {look}")
    return Mermaid("\n".join(lines) + "\n")


def to_dot(graph: pd.DataFrame) -> str:
    """Return a graph in the language DOT, for Graphviz and other programs that draw graphs.

    Parameters
    ----------
    graph
        The edges, as ``tags.rule_graph()`` returns them; rows can be left out.

    Returns
    -------
    str
        The text of a file such as ``tags.dot``. Names are cut to 60 characters.

    Raises
    ------
    ArgumentError
        For a frame without the columns of a graph, and for more than 300 edges.

    Examples
    --------
    >>> import adobe_nb
    >>> from adobe_nb import analysis
    >>> session = adobe_nb.connect(simulator=True)
    >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
    >>> print(analysis.to_dot(tags.rule_graph()).splitlines()[0])
    digraph tags {
    """
    nodes, edges = _read(graph)
    lines = ["digraph tags {", "  rankdir=LR", '  node [style=filled, fontname="sans-serif"]']
    for node in nodes.values():
        style = node.style
        lines.append(
            f"  {node.key} [label={_dot_text(node.label)}, shape={style.shape}, "
            f'fillcolor="{style.fill}", color="{style.stroke}"]'
        )
    for edge in edges:
        line = "solid" if edge.is_certain else "dashed"
        lines.append(
            f"  {edge.source.key} -> {edge.target.key} "
            f"[label={_dot_text(edge.label)}, style={line}]"
        )
    return "\n".join([*lines, "}"]) + "\n"


@dataclass
class _Edge:
    """The references of one node to another."""

    source: _Node
    target: _Node
    kinds: list[str] = field(default_factory=list)
    is_certain: bool = False

    @property
    def label(self) -> str:
        return ", ".join(self.kinds)

    def add(self, kind: str, verdict: str) -> None:
        self.kinds.append(kind)
        self.is_certain |= verdict == "certain"


def _read(graph: pd.DataFrame) -> tuple[Mapping[tuple[str, str], _Node], list[_Edge]]:
    """Return the nodes and edges of a graph. Raises ArgumentError."""
    if not isinstance(graph, pd.DataFrame):
        raise ArgumentError(
            f"Expected the frame that tags.rule_graph() returns, got {type(graph).__name__}."
        )
    for column in _COLUMNS:
        if column not in graph:
            raise ArgumentError(
                f"The graph has no column {column!r}. Pass the frame that tags.rule_graph() returns."
            )
    if len(graph) > MAX_EDGES:
        raise ArgumentError(
            f"The graph has {len(graph):,} edges; a picture shows up to {MAX_EDGES}. Use focus: "
            f"tags.rule_graph(…, focus=name, depth=1). The most connected: {_hubs(graph)}."
        )
    nodes: dict[tuple[str, str], _Node] = {}
    edges: dict[tuple[_Node, _Node], _Edge] = {}
    for row in graph.astype("object").to_dict("records"):
        ends = _node(nodes, row, "from"), _node(nodes, row, "to")
        edges.setdefault(ends, _Edge(*ends)).add(_clean(row["kind"]), row["verdict"])
    if not nodes:
        # An empty picture would look like one that could not be drawn.
        nodes["", ""] = _Node("n0", "Nothing is connected", "")
    return nodes, list(edges.values())


def _hubs(graph: pd.DataFrame) -> str:
    """Return the names of the nodes with most edges."""
    names = Counter([*graph["from_name"].dropna(), *graph["to_name"].dropna()])
    return ", ".join(f"{name} ({count})" for name, count in names.most_common(_MOST_HUBS))


def _node(nodes: dict[tuple[str, str], _Node], row: Mapping[Any, Any], end: str) -> _Node:
    node_type, node_id = str(row[f"{end}_type"]), str(row[f"{end}_id"])
    name = row[f"{end}_name"]
    if pd.isna(name) or not _clean(name):
        name = node_id
    key = f"n{len(nodes)}"
    return nodes.setdefault((node_type, node_id), _Node(key, _clean(name), node_type))


def _clean(name: object) -> str:
    """Return a name on one line, cut, without characters that a picture cannot show."""
    # Surrogates and controls, also those that reverse the direction of what follows. The joiner
    # inside emoji is of the same category as the latter.
    shown = "".join(_visible(str(name)))
    line = " ".join(shown.split())
    if len(line) <= _LABEL_LENGTH:
        return line
    return line[: _LABEL_LENGTH - 1].rstrip() + "…"


def _visible(text: str) -> Iterator[str]:
    for character in text:
        if character.isspace():
            yield " "
        elif character == "\u200d" or unicodedata.category(character) not in ("Cc", "Cf", "Cs"):
            yield character


def _mermaid_text(text: str) -> str:
    """Return a text in which every sign that Mermaid or Markdown may read is an entity."""
    escaped = []
    has_letter = False
    for character in text:
        has_letter |= character.isalpha()
        # At the start, these begin a list.
        is_harmless = has_letter and character in "-()"
        if is_harmless or _HARMLESS.fullmatch(character):
            escaped.append(character)
        else:
            escaped.append(f"#{ord(character)};")
    return "".join(escaped)


def _class(node_type: str) -> str:
    return re.sub(r"\W+", "", node_type) or "other"


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
