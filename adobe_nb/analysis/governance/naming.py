"""``naming``: names that break tokens, hide others, or follow no convention."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import NamedTuple

import pandas as pd

from adobe_nb.analysis.answers import Columns, answer
from adobe_nb.analysis.model import REQUIRED, Model, Resource
from adobe_nb.analysis.uses.index import EVENT_NAMES
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

COLUMNS: Columns = {
    "type": "string",
    "id": "string",
    "name": "string",
    "rule": "string",
    "problem": "string",
    "suggestion": "string",
}
OWN_RULE = "own rule"
# The joiners U+200C and U+200D are letters of some scripts, and parts of emoji.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060\ufeff]")
_COPY = re.compile(
    r"^copy (?:\d+ )?of\s+|\s*(?:\(copy(?: \d+)?\)|\[copy\]|[-_]\s*copy(?: \d+)?|\scopy \d+)$",
    re.IGNORECASE,
)
_DEFAULT = re.compile(
    r"(?:new |untitled |unnamed )?(?:rule|data element|extension|property)(?: \d+)?|"
    r"(?:new|untitled|unnamed)(?: \d+)?",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"\s{2,}")


class Problem(NamedTuple):
    """What is wrong with a name, and a better one, if it can be told."""

    text: str
    suggestion: str = ""


def naming(model: Model, rules: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return a row for each problem of a name. ``Tags.naming`` documents it."""
    own = _compiled(rules)
    other_cases = _other_cases(model)
    taken = {(resource.property_id, resource.type, resource.name) for resource in model.resources}
    rows = []
    for resource in model.resources:
        for rule, problem in _problems(resource, model, own, other_cases):
            name = problem.suggestion
            is_free = (resource.property_id, resource.type, name) not in taken
            row = {
                "property_id": resource.property_id,
                "type": resource.type,
                "id": resource.id,
                "name": resource.name,
                "rule": rule,
                "problem": problem.text,
            }
            # Another resource with the suggested name would be a problem, too.
            if name and is_free:
                row["suggestion"] = name
            rows.append(row)
    return answer(model, COLUMNS, rows, sort=("type", "name", "id", "rule", "problem"))


def _compiled(rules: Mapping[str, str] | None) -> dict[str, re.Pattern[str]]:
    """Return the patterns of a user by type. Raises ArgumentError."""
    if rules is None:
        return {}
    if not isinstance(rules, Mapping):
        raise ArgumentError(
            "rules= requires a mapping from a type to a regular expression, such as "
            f'{{"rules": r"^[^-]+ - [^-]+$"}}, got {type(rules).__name__}.'
        )
    patterns = {}
    for table, pattern in rules.items():
        if table not in REQUIRED:
            hint = did_you_mean(str(table), REQUIRED)
            raise ArgumentError(f"Unknown type {table!r} in rules=.{hint}")
        try:
            patterns[table] = re.compile(pattern)
        except (re.error, TypeError, OverflowError, RecursionError) as error:
            raise ArgumentError(
                f"Invalid regular expression for {table}: {pattern!r} ({error}). Write a backslash "
                "before characters that stand for themselves."
            ) from None
    return patterns


def _problems(
    resource: Resource,
    model: Model,
    own: Mapping[str, re.Pattern[str]],
    other_cases: Mapping[str, str],
) -> Iterator[tuple[str, Problem]]:
    """Yield the rules that a name breaks."""
    for rule in RULES.values():
        if rule.tables and resource.type not in rule.tables:
            continue
        if problem := rule.check(resource, model):
            yield rule.name, problem
    if resource.id in other_cases:
        text = f"Differs only in case or blanks from {other_cases[resource.id]!r}."
        yield "same-name-in-other-case", Problem(text)
    pattern = own.get(resource.type)
    if pattern is not None and not pattern.search(resource.name):
        yield OWN_RULE, Problem(f"Does not match {pattern.pattern}.")


def _other_cases(model: Model) -> dict[str, str]:
    """Return the other name of each resource that has one, by id. Those of components repeat."""
    groups: dict[tuple[str, str, str], list[Resource]] = defaultdict(list)
    for resource in (*model.rules, *model.data_elements):
        folded = " ".join(resource.name.casefold().split())
        groups[resource.property_id, resource.type, folded].append(resource)
    others = {}
    for group in groups.values():
        names = sorted(set(map(attrgetter("name"), group)))
        for resource in group:
            if len(names) > 1:
                # The first name, or the second for those that have the first.
                others[resource.id] = names[resource.name == names[0]]
    return others


# -- the built-in rules


def _empty(resource: Resource, _: Model) -> Problem | None:
    if resource.name.strip():
        return None
    return Problem("The name is empty.")


def _outer_blanks(resource: Resource, _: Model) -> Problem | None:
    stripped = resource.name.strip()
    if not stripped or stripped == resource.name:
        return None
    return Problem("Begins or ends with a blank, which lists do not show.", stripped)


def _double_blanks(resource: Resource, _: Model) -> Problem | None:
    name = resource.name.strip()
    single = _BLANKS.sub(" ", name)
    if single == name:
        return None
    return Problem("Has several blanks in a row, which lists show as one.", single)


def _control_characters(resource: Resource, _: Model) -> Problem | None:
    match = _CONTROL.search(resource.name)
    if match is None:
        return None
    code = f"U+{ord(match[0]):04X}"
    return Problem(f"Has an invisible character ({code}).", _CONTROL.sub("", resource.name).strip())


def _copy(resource: Resource, _: Model) -> Problem | None:
    original = _COPY.sub("", resource.name)
    if original == resource.name:
        return None
    original = original.strip()
    text = f"Looks like a copy of {original!r}." if original else "Looks like a copy."
    return Problem(text, original)


def _default_name(resource: Resource, _: Model) -> Problem | None:
    if not _DEFAULT.fullmatch(resource.name.strip()):
        return None
    return Problem("Is a default name: say what it is for.")


def _token_sign(resource: Resource, model: Model) -> Problem | None:
    """Check for signs that end a token: percent signs, and braces in event forwarding."""
    signs = "%{}"
    if model.is_edge(resource):
        signs = "{}"
    if not set(signs) & set(resource.name):
        return None
    cleaned = re.sub(f"[{re.escape(signs)}]", "", resource.name)
    return Problem(
        "Has a percent sign or brace, which begins or ends a token: tokens cannot name it.",
        _BLANKS.sub(" ", cleaned).strip(),
    )


def _event_name(resource: Resource, model: Model) -> Problem | None:
    first, dot, rest = resource.name.partition(".")
    if first not in EVENT_NAMES or model.is_edge(resource):
        return None
    text = f"%{resource.name}% would read the {first} of the event: this name hides it."
    return Problem(text, rest if dot else "")


def _delegate_prefix(resource: Resource, _: Model) -> Problem | None:
    prefix, separator, rest = resource.name.rpartition("::")
    if not separator or not resource.package or not prefix.startswith(resource.package):
        return None
    return Problem(
        "Begins with the id of its delegate, which says nothing to people.", rest.strip()
    )


class Rule(NamedTuple):
    """A built-in rule."""

    name: str
    why: str
    check: Callable[[Resource, Model], Problem | None]
    tables: tuple[str, ...] = ()
    """The types that it is for; empty for all."""


_ELEMENTS = ("data_elements",)
_NAMED = ("rules", "data_elements")
_LIST: Iterable[Rule] = (
    Rule("empty", "A name says what a resource is for.", _empty),
    Rule("outer-blanks", "Tokens and direct calls compare names with blanks.", _outer_blanks),
    Rule("double-blanks", "Tokens compare names with blanks.", _double_blanks),
    Rule("control-characters", "Invisible characters make names unequal.", _control_characters),
    Rule("copy", "A copy that stays needs a name of its own.", _copy),
    Rule("default-name", "A default name does not say what it is for.", _default_name, _NAMED),
    Rule("token-sign", "These signs break the tokens that name it.", _token_sign, _ELEMENTS),
    Rule("event-name", "Hides the event that a token of that name reads.", _event_name, _ELEMENTS),
    Rule("delegate-prefix", "A name is for people.", _delegate_prefix),
)
RULES: Mapping[str, Rule] = {rule.name: rule for rule in _LIST}
"""The built-in rules of single names; ``same-name-in-other-case`` compares names of a type."""
