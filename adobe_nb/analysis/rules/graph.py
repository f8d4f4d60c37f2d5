"""How rules, data elements and extensions depend on each other, as the edges of a graph."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Literal, NamedTuple, get_args

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.lookup import Target, find_resources, name_or_id
from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.uses.dangling import dangling
from adobe_nb.analysis.uses.references import (
    VERDICTS,
    find_references,
    limits,
    require_content,
)
from adobe_nb.analysis.words import counted
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

What = Literal["rules", "data_elements", "all"]
COLUMNS: Columns = {
    "from_id": "string",
    "from_name": "string",
    "from_type": "string",
    "to_id": "string",
    "to_name": "string",
    "to_type": "string",
    "kind": "string",
    "verdict": "string",
}
_SORT = ("from_type", "from_name", "from_id", "to_type", "to_name", "to_id", "kind")
_CONTENT = ("rules", "data_elements", "extensions")
# The types of nodes at both ends of an edge. Nothing refers to an extension but by a relation.
_ENDS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "rules": (["rules"], ["rules"]),
    "data_elements": (_CONTENT, ["data_elements"]),
    "all": (_CONTENT, [*_CONTENT, "secrets"]),
}


class _Node(NamedTuple):
    id: str
    name: str | None
    type: str
    property_id: str


_Edge = tuple[_Node, _Node, str]
"""Both ends, and the kind of the reference."""


def rule_graph(
    model: Model,
    what: What | Target | None = None,
    *,
    focus: Target | None = None,
    depth: int | None = None,
) -> pd.DataFrame:
    """Return the edges of the graph, or those around a resource."""
    content, focus = _content_and_focus(what, focus)
    if depth is None:
        # Around one resource, everything at two steps is more than a picture shows.
        depth = 1 if content is None else 2
    if isinstance(depth, bool) or not isinstance(depth, Integral) or depth < 1:
        raise ArgumentError(f"Invalid depth {depth!r}: must be a whole number from 1.")
    if content is None:
        content = "rules" if focus is None else "all"
    require_content(model, "rule_graph")
    edges = _edges(model, content)
    if focus is not None:
        edges = _around(edges, _start(model, content, focus), depth)
    rows = _rows(edges)
    sentences = list(limits(model))
    if not rows:
        to_what = "" if focus is None else f" to {name_or_id(focus)!r}"
        sentences.append(
            f"Nothing is connected{to_what}: the graph of {content!r} has no edge there."
        )
    if broken := _without_target(model, rows, focus=focus):
        references = counted(
            broken,
            "reference from these resources leads nowhere, and has no edge",
            "references from these resources lead nowhere, and have no edge",
        )
        sentences.append(f"{references}: see dangling().")
    return answer(model, COLUMNS, rows, sort=_SORT, limits=sentences)


def _rows(edges: Mapping[_Edge, str]) -> list[Row]:
    rows: list[Row] = []
    for (source, target, kind), verdict in edges.items():
        row = {
            "property_id": source.property_id,
            "from_id": source.id,
            "from_name": source.name,
            "from_type": source.type,
            "to_id": target.id,
            "to_name": target.name,
            "to_type": target.type,
            "kind": kind,
            "verdict": verdict,
        }
        rows.append(row)
    return rows


def _without_target(model: Model, edges: Sequence[Row], *, focus: Target | None) -> int:
    """Return how many references of the graph's resources do not work."""
    frame = dangling(model)
    if focus is not None:
        shown = {resource.id for resource in find_resources(model, name_or_id(focus))}
        for edge in edges:
            shown.update((edge["from_id"], edge["to_id"]))
        frame = frame[frame["source_id"].isin(shown) | frame["rule_id"].isin(shown)]
    return len(frame)


def _content_and_focus(
    what: What | Target | None, focus: Target | None
) -> tuple[str | None, Target | None]:
    """Return what the graph holds and its focus: anything else is meant as the focus."""
    if what is None or (isinstance(what, str) and what in _ENDS):
        return what, focus
    if focus is not None:
        raise ArgumentError(f"Unknown kind {what!r}.{did_you_mean(str(what), get_args(What))}")
    return None, what


def _edges(model: Model, what: str) -> dict[_Edge, str]:
    """Return the edges, each with the verdict of its most certain reference."""
    sources, targets = _ENDS[what]
    edges: dict[_Edge, str] = {}
    for reference in find_references(model):
        verdict = reference.verdict
        if reference.target is None or verdict in ("commented", "masked"):
            continue
        source, target = _node(reference.source), _node(reference.target)
        if source.type in sources and target.type in targets:
            edge = source, target, reference.kind
            edges[edge] = min(edges.get(edge, verdict), verdict, key=VERDICTS.index)
    return edges


def _node(resource: Resource) -> _Node:
    """Return the node of a resource; components stand for their rule."""
    if resource.type == "rule_components":
        rule_id = resource.get("rule_id") or resource.id
        name = None if resource.rule is None else resource.rule.name
        return _Node(rule_id, name, "rules", resource.property_id)
    return _Node(resource.id, resource.name, resource.type, resource.property_id)


def _start(model: Model, what: str, focus: Target) -> set[str]:
    """Return the ids of the nodes in focus. Raises ArgumentError when the graph has none."""
    nodes = list(map(_node, find_resources(model, name_or_id(focus))))
    for node in nodes:
        if not any(node.type in types for types in _ENDS[what]):
            raise ArgumentError(
                f"{node.name!r} is one of the {node.type.replace('_', ' ')}, which "
                f"what={what!r} leaves out. Use what='all'."
            )
    return {node.id for node in nodes}


def _around(edges: Mapping[_Edge, str], start: Iterable[str], depth: int) -> dict[_Edge, str]:
    """Return the edges that are at most this many steps away, in either direction.

    No path goes through an extension: it would lead to everything that the extension has a part in.
    """
    neighbors: dict[str, list[_Edge]] = defaultdict(list)
    for edge in edges:
        for node in edge[:2]:
            neighbors[node.id].append(edge)
    near: dict[_Edge, str] = {}
    reached, seen = set(start), set[str]()
    for _ in range(depth):
        following: set[str] = set()
        for node_id in reached - seen:
            for edge in neighbors[node_id]:
                near[edge] = edges[edge]
                following |= {end.id for end in edge[:2] if end.type != "extensions"}
        seen |= reached
        reached = following
        # A great depth need not be walked to its end.
        if reached <= seen:
            break
    return near
