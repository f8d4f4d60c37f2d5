"""Pairs of resources that are the same one in two states, or in two properties."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from adobe_nb.analysis.contents import Content, Normalizer
from adobe_nb.analysis.model import Model, Resource

Key = Callable[[Content], Hashable]
# With more combinations than this, the order decides instead of the similarity.
_MOST_COMBINATIONS = 10_000
# Components that share less than this are different ones.
_LEAST_SIMILARITY = 0.5


@dataclass(frozen=True, eq=False)
class Pair:
    """A resource in both states; None where it does not exist."""

    before: Content | None
    after: Content | None
    rule: "Pair | None" = None
    """The pair of its rule, for a component."""

    @property
    def resource(self) -> Resource:
        """The resource after; what it was when it is gone."""
        content = self.after or self.before
        if content is None:
            raise ValueError("a pair of nothing")
        return content.resource


@dataclass
class Comparison:
    """The pairs of two models, and a resource for each key that several share."""

    pairs: list[Pair] = field(default_factory=list)
    ambiguous: list[Content] = field(default_factory=list)

    def add(self, matching: "Matching", rule: Pair | None = None) -> list[Pair]:
        """Add the pairs of a matching, and return them."""
        pairs = [Pair(before, after, rule) for before, after in matching.pairs]
        pairs += [Pair(before, None, rule) for before in matching.left]
        pairs += [Pair(None, after, rule) for after in matching.right]
        self.pairs += pairs
        return pairs


class Matching:
    """Pairs found step by step; ``left`` and ``right`` are what has no counterpart yet."""

    def __init__(self, left: Sequence[Content], right: Sequence[Content]) -> None:
        self.left = list(left)
        self.right = list(right)
        self.pairs: list[tuple[Content, Content]] = []

    def match(self, key: Key, *, least: float = 0.0) -> None:
        """Pair contents with equal keys, the most similar first where several have the same one.

        With ``least``, from 0 to 1, pairs need that similarity.
        """
        groups = _grouped(self.right, key)
        for value, left in _grouped(self.left, key).items():
            right = groups.get(value, [])
            if len(left) == len(right) == 1 and not least:
                self.pairs.append((left[0], right[0]))
            elif right:
                self.pairs += _most_similar(left, right, least)
        paired = {content for pair in self.pairs for content in pair}
        self.left = [content for content in self.left if content not in paired]
        self.right = [content for content in self.right if content not in paired]


@dataclass(frozen=True)
class _Keys:
    """What makes two resources the same one."""

    kind: str
    """``name``, ``id`` or ``origin``."""
    several: bool
    """Whether there are several properties; a resource then belongs to its own."""

    def of(self, content: Content) -> Hashable:
        """Return the key of a resource."""
        return self._scope(content), key_text(content.resource, self.kind)

    def of_content(self, content: Content) -> Hashable:
        """Return a key that is equal for equal content, whatever the name."""
        if not content.components and not content.settings:
            # It does nothing that would tell it from others.
            return content.resource.id
        return self._scope(content), content.text_with_components

    def _scope(self, content: Content) -> str:
        if self.several:
            return content.resource.property_id
        return ""


def key_text(resource: Resource, kind: str) -> str:
    """Return the name, id or origin of a resource."""
    if kind == "id":
        return resource.id
    if kind == "origin":
        return resource.origin_id
    if resource.type == "extensions":
        return resource.package
    return resource.name


def compare(before: Model, after: Model, kind: str) -> Comparison:
    """Match the resources of two models by ``name``, ``id`` or ``origin``.

    A table that only one of them has is left out.
    """
    comparison = Comparison()
    normalizer = Normalizer(before, after)
    keys = _Keys(kind, several=max(len(before.property_ids), len(after.property_ids)) > 1)
    for table in ("extensions", "data_elements"):
        left = normalizer.contents(getattr(before, table))
        right = normalizer.contents(getattr(after, table))
        comparison.add(_match(left, right, keys, comparison.ambiguous))
    names_before: Mapping[str, str] = {}
    names_after: Mapping[str, str] = {}
    if kind == "name":
        # An action names its variable by an id, which another property does not have.
        names_before, names_after = _names(before, after, comparison.pairs)
    left = normalizer.rules(before, names_before)
    right = normalizer.rules(after, names_after)
    for rule in comparison.add(_match(left, right, keys, comparison.ambiguous)):
        parts = _match_components(_components(rule.before), _components(rule.after), keys)
        comparison.add(parts, rule)
    return comparison


def _match(
    left: Sequence[Content], right: Sequence[Content], keys: _Keys, ambiguous: list[Content]
) -> Matching:
    for groups in (_grouped(left, keys.of), _grouped(right, keys.of)):
        ambiguous += [group[0] for group in groups.values() if len(group) > 1]
    matching = Matching(left, right)
    # Equal ones first, so that no duplicate takes the counterpart of another one.
    matching.match(lambda one: (keys.of(one), one.text_with_components))
    matching.match(keys.of)
    if keys.kind == "name":
        matching.match(keys.of_content)
    return matching


def _names(
    before: Model, after: Model, pairs: Sequence[Pair]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the names of data elements and secrets by id, those of ``before`` on both sides.

    So a renamed element does not make every action differ that has its id.
    """
    names_before: dict[str, str] = {}
    names_after: dict[str, str] = {}
    for model, names in ((before, names_before), (after, names_after)):
        for secret in model.rows("secrets"):
            names[secret["id"]] = secret.get("name") or secret["id"]
        for element in model.data_elements:
            names[element.id] = names[element.origin_id] = element.name
    for pair in pairs:
        if pair.before is not None and pair.after is not None:
            element = pair.after.resource
            names_after[element.id] = names_after[element.origin_id] = pair.before.name
    return names_before, names_after


def _components(rule: Content | None) -> list[Content]:
    if rule is None:
        return []
    return rule.components


def _match_components(before: Sequence[Content], after: Sequence[Content], keys: _Keys) -> Matching:
    matching = Matching(before, after)
    if keys.kind != "name":
        matching.match(keys.of)
    matching.match(lambda part: (part.resource.delegate, part.name, part.text))
    matching.match(lambda part: (part.resource.delegate, part.name, part.columns.get("order")))
    matching.match(lambda part: (part.resource.delegate, part.name))
    matching.match(lambda part: part.text)
    matching.match(lambda part: part.resource.delegate, least=_LEAST_SIMILARITY)
    return matching


def _grouped(contents: Sequence[Content], key: Key) -> dict[Hashable, list[Content]]:
    groups: dict[Hashable, list[Content]] = {}
    for content in contents:
        groups.setdefault(key(content), []).append(content)
    return groups


def _most_similar(
    left: Sequence[Content], right: Sequence[Content], least: float
) -> list[tuple[Content, Content]]:
    if len(left) * len(right) > _MOST_COMBINATIONS:
        return list(zip(left, right, strict=False))
    scores = []
    for at_left, one in enumerate(left):
        for at_right, other in enumerate(right):
            scores.append((-_similarity(one, other), at_left, at_right))
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for score, at_left, at_right in sorted(scores):
        if -score >= least and at_left not in pairs and at_right not in taken:
            pairs[at_left] = at_right
            taken.add(at_right)
    return [(left[at_left], right[at_right]) for at_left, at_right in pairs.items()]


def _similarity(one: Content, other: Content) -> float:
    common = len(one.lines & other.lines)
    return common / len(one.lines | other.lines)
