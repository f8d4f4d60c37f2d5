"""Pairs of resources that are the same one in two states, or in two properties."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import chain, filterfalse, product, repeat
from operator import attrgetter
from typing import cast

from adobe_nb.analysis.contents import Content, Names, Normalizer
from adobe_nb.analysis.model import Model, Resource

# With more combinations than this, the order decides instead of the similarity.
_MOST_COMBINATIONS = 10_000
# Components that share less than this are different ones.
_LEAST_SIMILARITY = 0.5
_Key = Callable[[Content], Hashable]
_Sides = tuple[Content | None, Content | None]


@dataclass(frozen=True, eq=False)
class Pair:
    """A resource in both states; None where it does not exist."""

    before: Content | None
    after: Content | None
    rule: "Pair | None" = None
    """The pair of its rule, for a component."""

    @property
    def resource(self) -> Resource:
        """The resource after; for a removed one, the resource before."""
        return cast("Content", self.after or self.before).resource


class Matching:
    """Pairs found step by step; ``left`` and ``right`` have no counterpart yet."""

    def __init__(self, left: Sequence[Content], right: Sequence[Content]) -> None:
        self.left = list(left)
        self.right = list(right)
        self.pairs: list[tuple[Content, Content]] = []

    def match(self, key: _Key, *, least: float = 0.0) -> None:
        """Pair contents with equal keys, the most similar first where several have the same one.

        With ``least``, from 0 to 1, pairs require that similarity.
        """
        groups = _grouped(self.right, key)
        for value, left in _grouped(self.left, key).items():
            self.pairs += _most_similar(left, groups.get(value, []), least)
        is_paired = set(chain.from_iterable(self.pairs)).__contains__
        self.left = list(filterfalse(is_paired, self.left))
        self.right = list(filterfalse(is_paired, self.right))


@dataclass
class Comparison:
    """The pairs of two models."""

    key: str
    """What makes two resources the same one: ``name``, ``id`` or ``origin``."""
    is_scoped: bool
    """Whether a resource belongs to its property, because there are several."""
    pairs: list[Pair] = field(default_factory=list)
    components: dict[Pair, list[Pair]] = field(default_factory=dict)
    """The pairs of components by that of their rule."""
    ambiguous: set[tuple[str, str]] = field(default_factory=set)
    """Type and name of resources that share their key."""

    def match(self, before: Sequence[Content], after: Sequence[Content]) -> list[Pair]:
        """Add the pairs of two tables, and return them."""
        for contents in (before, after):
            for group in _grouped(contents, self._key_of).values():
                if len(group) > 1:
                    self.ambiguous.add((group[0].resource.type, group[0].name))
        matching = Matching(before, after)
        # Equal ones first, so that no duplicate takes the counterpart of another one.
        matching.match(lambda content: (self._key_of(content), content.text_with_components))
        matching.match(self._key_of)
        if self.key == "name":
            matching.match(self._variable_key)
            matching.match(self._content_key)
        return self._add(matching)

    def match_components(self, rule: Pair) -> None:
        """Add the pairs of the components of a rule."""
        before = rule.before.components if rule.before else []
        after = rule.after.components if rule.after else []
        matching = Matching(before, after)
        if self.key != "name":
            matching.match(self._key_of)
        matching.match(attrgetter("resource.delegate", "name", "text"))
        matching.match(lambda part: (part.resource.delegate, part.name, part.columns.get("order")))
        matching.match(attrgetter("resource.delegate", "name"))
        matching.match(attrgetter("text"))
        matching.match(attrgetter("resource.delegate"), least=_LEAST_SIMILARITY)
        self.components[rule] = self._add(matching, rule)

    def _add(self, matching: Matching, rule: Pair | None = None) -> list[Pair]:
        sides: list[_Sides] = [*matching.pairs]
        sides += zip(matching.left, repeat(None), strict=False)
        sides += zip(repeat(None), matching.right, strict=False)
        pairs = [Pair(before, after, rule) for before, after in sides]
        self.pairs += pairs
        return pairs

    def scope(self, resource: Resource) -> str:
        """Return the property of a resource; an empty text when there is only one."""
        return resource.property_id if self.is_scoped else ""

    def _key_of(self, content: Content) -> Hashable:
        return self.scope(content.resource), key_text(content.resource, self.key)

    def _variable_key(self, content: Content) -> Hashable:
        return self.scope(content.resource), content.cache_id or content

    def _content_key(self, content: Content) -> Hashable:
        """Return a key that is equal for equal content, whatever the name."""
        if not content.components and not content.settings:
            # It does nothing that would distinguish it from others.
            return content.resource.id
        return self.scope(content.resource), content.text_with_components


def key_text(resource: Resource, key: str) -> str:
    """Return the name, id or origin of a resource."""
    if key == "id":
        return resource.id
    if key == "origin":
        return resource.origin_id
    if resource.type == "extensions":
        return resource.package
    return resource.name


def has_several_properties(before: Model, after: Model) -> bool:
    """Return whether one of two models has several properties."""
    return max(len(before.property_ids), len(after.property_ids)) > 1


def compare(before: Model, after: Model, key: str) -> Comparison:
    """Match the resources of two models by ``name``, ``id`` or ``origin``.

    A table that only one of them has is left out.
    """
    comparison = Comparison(key, has_several_properties(before, after))
    normalizer = Normalizer(before, after)
    for table in ("extensions", "data_elements"):
        left = normalizer.contents(before, table, Names())
        right = normalizer.contents(after, table, Names())
        elements = comparison.match(left, right)
    names_before, names_after = _names(before, after, elements, key)
    left = normalizer.rules(before, names_before)
    right = normalizer.rules(after, names_after)
    for rule in comparison.match(left, right):
        comparison.match_components(rule)
    return comparison


def _names(before: Model, after: Model, elements: Sequence[Pair], key: str) -> tuple[Names, Names]:
    """Return what ids in settings stand for in each model.

    An action names its variable by ids, which another property does not have. A renamed element has
    the name before in both models, so that it does not make every action differ that refers to it.
    """
    sides = Names(), Names()
    if key == "name":
        sides = _secret_names(before), _secret_names(after)
    for pair in elements:
        original = cast("Content", pair.before or pair.after)
        name = original.name if key == "name" else original.resource.origin_id
        for names, content in zip(sides, (pair.before, pair.after), strict=True):
            # In a state without the variable, actions may still refer to it.
            if content or key != "name":
                names.add(content or original, name)
    return sides


def _secret_names(model: Model) -> Names:
    names = Names()
    for secret in model.rows("secrets"):
        names.ids[secret["id"]] = secret.get("name") or secret["id"]
    return names


def _grouped(contents: Sequence[Content], key: _Key) -> dict[Hashable, list[Content]]:
    groups: dict[Hashable, list[Content]] = defaultdict(list)
    for content in contents:
        groups[key(content)].append(content)
    return groups


def _most_similar(
    left: Sequence[Content], right: Sequence[Content], least: float
) -> list[tuple[Content, Content]]:
    combinations = len(left) * len(right)
    if combinations > _MOST_COMBINATIONS or (combinations == 1 and not least):
        return list(zip(left, right, strict=False))
    scores = {pair: _similarity(*pair) for pair in product(left, right)}
    pairs: list[tuple[Content, Content]] = []
    paired: set[Content] = set()
    for pair in sorted(scores, key=scores.__getitem__, reverse=True):
        if scores[pair] >= least and paired.isdisjoint(pair):
            pairs.append(pair)
            paired.update(pair)
    return pairs


def _similarity(one: Content, other: Content) -> float:
    return len(one.lines & other.lines) / len(one.lines | other.lines)
