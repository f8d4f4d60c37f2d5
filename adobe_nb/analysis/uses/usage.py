"""Which data elements are used, by the truth table of references: never "unused" in doubt."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adobe_nb.analysis.model import Model, Resource, once_per_model
from adobe_nb.analysis.uses.references import Reference, find_references


@dataclass
class _Uses:
    """The references to one data element, by what they are worth."""

    live: list[Reference] = field(default_factory=list)
    """From enabled rules and from extensions."""
    disabled: list[Reference] = field(default_factory=list)
    elements: list[Reference] = field(default_factory=list)
    possible: list[Reference] = field(default_factory=list)
    commented: list[Reference] = field(default_factory=list)
    masked: list[Reference] = field(default_factory=list)

    def add(self, reference: Reference) -> None:
        """Sort a reference in."""
        if reference.verdict == "commented":
            self.commented.append(reference)
        elif reference.verdict == "masked":
            self.masked.append(reference)
        elif not reference.source.enabled and reference.source.type == "rule_components":
            self.disabled.append(reference)
        elif reference.verdict != "certain":
            self.possible.append(reference)
        elif reference.source.type == "data_elements":
            self.elements.append(reference)
        else:
            self.live.append(reference)


@dataclass(frozen=True)
class Verdict:
    """Whether a data element is used, and why."""

    word: str
    reason: str
    mentions: int


@once_per_model
def verdicts(model: Model) -> dict[str, Verdict]:
    """Return the verdict for each data element, by id."""
    uses: dict[str, _Uses] = defaultdict(_Uses)
    dynamic: dict[str, Reference] = {}
    for reference in find_references(model):
        if reference.is_unbounded:
            dynamic.setdefault(reference.source.property_id, reference)
        target = reference.target
        if target is not None and target.type == "data_elements":
            uses[target.id].add(reference)
    used = _used(uses)
    found = {}
    for element in model.data_elements:
        found[element.id] = _verdict(
            element, uses[element.id], used, dynamic.get(element.property_id)
        )
    return _with_possible_chains(uses, found)


@once_per_model
def count_users(model: Model) -> dict[str, int]:
    """Return how many resources refer to each one, by id. Comments do not count."""
    users: dict[str, set[str]] = defaultdict(set)
    for reference in find_references(model):
        if reference.target is not None and reference.verdict not in ("commented", "masked"):
            users[reference.target.id].add(reference.source.id)
    return {target_id: len(sources) for target_id, sources in users.items()}


def _used(uses: Mapping[str, _Uses]) -> dict[str, Reference]:
    """Return the data elements that are certainly used, each with one of the reasons."""
    read = _read_by(uses)
    used = {element_id: found.live[0] for element_id, found in uses.items() if found.live}
    # What a used data element reads is used, too, and so on. A list, because chains can be long.
    pending = list(used)
    while pending:
        for element_id, reference in read[pending.pop()]:
            if element_id not in used:
                used[element_id] = reference
                pending.append(element_id)
    return used


def _read_by(uses: Mapping[str, _Uses]) -> dict[str, list[tuple[str, Reference]]]:
    """Return what each data element reads: ids of others, and where it does."""
    read: dict[str, list[tuple[str, Reference]]] = defaultdict(list)
    for element_id, found in uses.items():
        for reference in found.elements:
            read[reference.source.id].append((element_id, reference))
    return read


def _verdict(
    element: Resource, uses: _Uses, used: Mapping[str, Reference], dynamic: Reference | None
) -> Verdict:
    mentions = sum(map(len, vars(uses).values()))
    if element.id in used:
        return Verdict("used", f"used by {described(used[element.id])}", mentions)
    if uses.possible:
        first = uses.possible[0]
        return Verdict("possibly used", f"perhaps used by {described(first)}", mentions)
    if dynamic is not None:
        reason = f"{described(dynamic)} reads names that only the running page knows"
        return Verdict("cannot tell", reason, mentions)
    if uses.disabled:
        reason = f"only disabled rules use it: {described(uses.disabled[0])}"
        return Verdict("used by disabled rules only", reason, mentions)
    if uses.elements:
        return Verdict("unreachable", _chain(uses.elements), mentions)
    if uses.commented:
        reason = f"only a comment names it: {described(uses.commented[0])}"
        return Verdict("unused (mentioned in a comment)", reason, mentions)
    if uses.masked:
        reason = f"only a masked token names it: {described(uses.masked[0])}"
        return Verdict("unused", reason, mentions)
    return Verdict("unused", "nothing in this property refers to it", mentions)


def _chain(references: Sequence[Reference]) -> str:
    names = list(dict.fromkeys(reference.source.name for reference in references))
    return f"read only by data elements that are not used: {', '.join(names)}"


def _with_possible_chains(
    uses: Mapping[str, _Uses], found: dict[str, Verdict]
) -> dict[str, Verdict]:
    """Return the verdicts, corrected for what a possibly used data element reads."""
    read = _read_by(uses)
    pending = [element_id for element_id in found if found[element_id].word == "possibly used"]
    while pending:
        for element_id, reference in read[pending.pop()]:
            verdict = found[element_id]
            if verdict.word in ("unreachable", "used by disabled rules only"):
                reason = f"used by {described(reference)}, which is possibly used"
                found[element_id] = Verdict("possibly used", reason, verdict.mentions)
                pending.append(element_id)
    return found


def described(reference: Reference) -> str:
    """Return what holds a reference, in words."""
    source = reference.source
    if source.rule is not None:
        return f"rule {source.rule.name!r} ({source.name})"
    kind = {"data_elements": "data element", "extensions": "extension"}.get(
        source.type, source.type
    )
    return f"{kind} {source.name!r}"
