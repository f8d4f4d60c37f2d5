"""The rules of an audit, and which of them to check. ``rules.toml`` is the table."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from adobe_nb.analysis.code.risks import risks
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

SEVERITIES = ("high", "medium", "low")
_OF_CODE: Mapping[str, Any] = {
    "theme": "code",
    "question": "code_risks",
    "message": ["{why}"],
    "subject": ["evidence"],
}
"""What the rules of code_risks have in common."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """What one kind of finding is, and how a row of an answer becomes one."""

    name: str
    severity: str
    theme: str
    question: str
    """The name of the function that finds it."""
    message: Sequence[str]
    """Sentences with columns of the row in braces."""
    title: str
    help: str
    """What to do about it."""
    source: str = "source_id"
    """The column with the id of the resource."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of the question."""
    where: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """The values by column that make a row a finding; any row without them."""
    subject: Sequence[str] = ()
    """The columns that tell two findings in one setting apart."""

    def is_finding(self, row: Row) -> bool:
        """Return whether a row of the answer is a finding of this rule."""
        return all(row[column] in values for column, values in self.where.items())

    def message_of(self, row: Row) -> str:
        """Return the message about a row. A sentence about an empty column is left out."""
        columns = {name: value for name, value in row.items() if value is not None}
        sentences = []
        for sentence in self.message:
            with suppress(KeyError):
                sentences.append(sentence.format_map(columns))
        return " ".join(sentences)


@cache
def all_rules() -> Mapping[str, Rule]:
    """Return every rule by its name, in the order of a report."""
    table = tomllib.loads(files(__package__).joinpath("rules.toml").read_text(encoding="utf-8"))
    of_code = table.pop("code_risks")
    rules = {name: Rule(name=name, **row) for name, row in table.items()}
    for name, row in of_code.items():
        own = {"severity": risks()[name].severity, "where": {"rule": [name]}}
        rules[name] = Rule(**{"name": name, **_OF_CODE, **own, **row})
    return rules


def _hint(word: str, themes: Sequence[str]) -> str:
    """Return what could be meant. All rules would be too many to read."""
    known = [*SEVERITIES, *themes]
    if get_close_matches(word, [*known, *all_rules()]):
        return did_you_mean(word, [*known, *all_rules()])
    return (
        f" Choose from: {', '.join(known)}, or a rule. "
        "The rules: adobe-nb audit --list-rules, or the guide 'Audit a property'."
    )


@dataclass(frozen=True)
class Selection:
    """The rules to check, and the severities of the findings to keep of all others."""

    names: frozenset[str]
    severities: frozenset[str]

    @classmethod
    def of(cls, words: Iterable[str] | str | None) -> "Selection":
        """Read names of rules, themes and severities; None selects all. Raises ArgumentError."""
        rules = all_rules()
        if words is None:
            return cls(frozenset(rules), frozenset(SEVERITIES))
        if isinstance(words, str):
            words = [words]
        themes: dict[str, set[str]] = {}
        for rule in rules.values():
            themes.setdefault(rule.theme, set()).add(rule.name)
        names: set[str] = set()
        severities: set[str] = set()
        for word in words:
            if word in SEVERITIES:
                severities.add(word)
            elif word in themes:
                names |= themes[word]
            elif word in rules:
                names.add(word)
            else:
                raise ArgumentError(
                    f"Unknown rule, theme or severity {word!r}.{_hint(str(word), list(themes))}"
                )
        if not names and not severities:
            raise ArgumentError("rules= selects nothing. Leave it out to check all rules.")
        return cls(frozenset(names), frozenset(severities))

    @property
    def is_complete(self) -> bool:
        """Return whether nothing is left out."""
        return self.names == all_rules().keys()

    def rules(self) -> list[Rule]:
        """Return the rules to check."""
        # Every rule can have findings of a severity: those in disabled resources are low.
        return [rule for rule in all_rules().values() if self.severities or rule.name in self.names]

    def includes(self, rule: str, severity: str) -> bool:
        """Return whether a finding is selected."""
        return rule in self.names or severity in self.severities
