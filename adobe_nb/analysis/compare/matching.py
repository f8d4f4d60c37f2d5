"""Pairs of resources that are the same one in two states, or in two properties."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, filterfalse, product
from operator import attrgetter
from typing import cast

from adobe_nb.analysis.compare.contents import Content, Names, Normalizer
from adobe_nb.analysis.model import Model, Resource

# With more combinations than this, the order decides instead of the similarity.
_MOST_COMBINATIONS = 10_000
# Components that share less than this are different ones.
_LEAST_SIMILARITY = 0.5
_Contents = Sequence[Content]
_Key = Callable[[Content], Hashable]
_delegate = attrgetter("resource.delegate")


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

    def scope(self, resource: Resource) -> str:
        """Return the property of a resource; an empty text when there is only one."""
        return resource.property_id if self.is_scoped else ""

    def match(self, before: _Contents, after: _Contents) -> list[Pair]:
        """Add the pairs of a table, and return them."""
        for contents in (before, after):
            for group in self._grouped(contents, self._key_of).values():
                if len(group) > 1:
                    self.ambiguous.add((group[0].resource.type, group[0].name))
        # Equal ones first, so that no duplicate takes the counterpart of another one.
        steps: list[_Key] = [
            lambda content: (self._key_of(content), content.text_with_components),
            self._key_of,
        ]
        if self.key == "name":
            steps.append(_content_key)
        return self._add(before, after, steps)

    def match_components(self, rule: Pair) -> None:
        """Add the pairs of the components of a rule."""
        steps: list[_Key] = [
            attrgetter("resource.delegate", "name", "text"),
            lambda component: (
                _delegate(component),
                component.name,
                component.columns.get("order"),
            ),
            attrgetter("resource.delegate", "name"),
            attrgetter("text"),
            _delegate,
        ]
        if self.key != "name":
            steps.insert(0, self._key_of)
        before = rule.before.components if rule.before else []
        after = rule.after.components if rule.after else []
        self.components[rule] = self._add(before, after, steps, rule)

    def _add(
        self, before: _Contents, after: _Contents, steps: Iterable[_Key], rule: Pair | None = None
    ) -> list[Pair]:
        """Add pairs with equal keys, the most similar first where several have the same one.

        Each step takes what the earlier ones left.
        """
        matched: list[tuple[Content, Content]] = []
        for key in steps:
            groups = self._grouped(after, key)
            for value, group in self._grouped(before, key).items():
                least = _LEAST_SIMILARITY * (key is _delegate)
                matched += _most_similar(group, groups[value], least)
            paired = set(chain.from_iterable(matched))
            before = list(filterfalse(paired.__contains__, before))
            after = list(filterfalse(paired.__contains__, after))
        sides = [*matched, *product(before, [None]), *product([None], after)]
        pairs = [Pair(*contents, rule) for contents in sides]
        self.pairs += pairs
        return pairs

    def _key_of(self, content: Content) -> str:
        return key_text(content.resource, self.key)

    def _grouped(self, contents: _Contents, key: _Key) -> defaultdict[Hashable, list[Content]]:
        groups: defaultdict[Hashable, list[Content]] = defaultdict(list)
        for content in contents:
            groups[self.scope(content.resource), key(content)].append(content)
        return groups


def _content_key(content: Content) -> str:
    """Return a key that is equal for equal content, whatever the name."""
    if content.cache_id is not None:
        # Variables have hardly any content but their generated id, which a copy keeps.
        return content.cache_id
    if not content.components and not content.settings:
        # It does nothing that would distinguish it from others.
        return content.resource.id
    return content.text_with_components


def key_text(resource: Resource, key: str) -> str:
    """Return the name, id or origin of a resource."""
    if key == "id":
        return resource.id
    if key == "origin":
        return resource.origin_id
    if resource.type == "extensions":
        return resource.package
    return resource.name


def compare(before: Model, after: Model, key: str) -> Comparison:
    """Match the resources of two models by ``name``, ``id`` or ``origin``.

    A table that only one of them has is left out.
    """
    comparison = Comparison(key, has_several_properties(before, after))
    normalizer = Normalizer(before, after)
    for table in ("extensions", "data_elements"):
        left = normalizer.contents(before, table, {})
        right = normalizer.contents(after, table, {})
        elements = comparison.match(left, right)
    names = _names(before, after, elements, key)
    left = normalizer.rules(before, names[0])
    right = normalizer.rules(after, names[1])
    for rule in comparison.match(left, right):
        comparison.match_components(rule)
    return comparison


def has_several_properties(before: Model, after: Model) -> bool:
    """Return whether one of two models has several properties."""
    return max(len(before.property_ids), len(after.property_ids)) > 1


def _names(before: Model, after: Model, elements: Sequence[Pair], key: str) -> list[Names]:
    """Return what ids in settings stand for in each model.

    An action names its variable by ids, which another property does not have. A renamed element has
    the name before in both models, so that it does not make every action differ that refers to it.
    """
    sides: list[Names] = [{}, {}]
    if key == "name":
        sides = [_secret_names(before), _secret_names(after)]
    for pair in elements:
        original = cast("Content", pair.before or pair.after)
        name = key_text(original.resource, key)
        for names, content in zip(sides, (pair.before, pair.after), strict=True):
            # In a state without the variable, actions may still refer to it.
            if content or key != "name":
                element = content or original
                resource = element.resource
                names[resource.id] = names[resource.origin_id] = name
                names.setdefault((resource.property_id, element.cache_id), name)
    return sides


def _secret_names(model: Model) -> Names:
    return {row["id"]: row.get("name") or row["id"] for row in model.rows("secrets")}


def _most_similar(left: _Contents, right: _Contents, least: float) -> list[tuple[Content, Content]]:
    combinations = len(left) * len(right)
    if combinations > _MOST_COMBINATIONS or (combinations == 1 and not least):
        return list(zip(left, right, strict=False))
    scores = {}
    for one, other in product(left, right):
        scores[one, other] = len(one.lines & other.lines) / len(one.lines | other.lines)
    pairs: list[tuple[Content, Content]] = []
    paired: set[Content] = set()
    for pair in sorted(scores, key=scores.__getitem__, reverse=True):
        if scores[pair] >= least and paired.isdisjoint(pair):
            pairs.append(pair)
            paired.update(pair)
    return pairs
