"""``consent``: which rules send data, and whether a condition on consent can be seen."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import pandas as pd

from adobe_nb.analysis.answers import Columns, answer
from adobe_nb.analysis.code.comments import normalized
from adobe_nb.analysis.code.snippets import is_code
from adobe_nb.analysis.governance.vendors import (
    Senders,
    all_vendors,
    checked_texts,
    instances_of,
    read_table,
)
from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.settings import Text, texts
from adobe_nb.analysis.uses.references import Reference, find_references
from adobe_nb.analysis.words import listing, switch
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

COLUMNS: Columns = {
    "rule_id": "string",
    "rule_name": "string",
    "sends_to": "string",
    "has_consent": "boolean",
    "consent_by": "string",
    "verdict": "string",
    "without_consent": "string",
    "rule_enabled": "boolean",
}
CONDITION = "consent condition"
NEGATED = "negated condition"
REFUSAL = "condition on refusal"
EVENT = "consent event"
IN_CODE = "consent in code"
IN_EXTENSION = "set in the extension"
NOT_SEEN = "no condition seen"
VERDICTS = (CONDITION, NEGATED, REFUSAL, EVENT, IN_CODE, IN_EXTENSION, NOT_SEEN)
_KINDS = ("delegates", "names", "texts", "data_elements")
_READS = ("token", "edge-token", "getVar", "getDataElementValue", "name-setting", "stored-value")
_PACKAGES = {"Web SDK": "adobe-alloy", "Adobe Analytics": "adobe-analytics"}
_WAITING = ("pending", "out")
Conditions = Mapping[str, str | Iterable[str]] | Iterable[str] | str
_Row = dict[str, Any]


class _Finding(NamedTuple):
    """Why a rule, or what it sends to one vendor, may depend on consent."""

    verdict: str
    has_consent: bool | None
    by: str


_NOTHING_SEEN = _Finding(NOT_SEEN, False, "")


def consent(
    model: Model,
    conditions: Conditions | None = None,
    vendors: Mapping[str, str | Iterable[str]] | None = None,
) -> pd.DataFrame:
    """Return a row for each rule that sends. ``Tags.consent`` documents it."""
    model.require("consent", "rules", "rule_components")
    senders = Senders(model, all_vendors(vendors))
    matched = _checked(conditions)
    judge = _Judge(model, _Matchers(model, matched), senders)
    components: dict[str, list[Resource]] = defaultdict(list)
    for component in model.rule_components:
        if component.rule is not None:
            components[component.rule.id].append(component)
    rows = []
    for rule in model.rules:
        if row := judge.row(components[rule.id]):
            details = {"rule_id": rule.id, "rule_name": rule.name, "rule_enabled": rule.enabled}
            rows.append({"property_id": rule.property_id, **details, **row})
    sort = ("rule_name", "rule_id")
    sentences = list(_limits(model, senders))
    if conditions is not None:
        sentences += _unmatched(model, matched)
    return answer(model, COLUMNS, rows, sort=sort, limits=sentences)


def _checked(conditions: Conditions | None) -> Mapping[str, Sequence[str]]:
    """Return the texts to match by kind. Raises ArgumentError."""
    table: dict[str, Sequence[str]]
    if conditions is None:
        table = read_table()["conditions"]
        return table
    if not isinstance(conditions, Mapping):
        return dict.fromkeys(_KINDS, checked_texts(conditions, "conditions="))
    table = {}
    for kind, value in conditions.items():
        if kind not in _KINDS:
            raise ArgumentError(
                f"Unknown kind {kind!r} in conditions=.{did_you_mean(str(kind), _KINDS)}"
            )
        table[kind] = checked_texts(value, f"conditions[{kind!r}]")
    return table


class _Matchers:
    """Finds what asks for consent."""

    def __init__(self, model: Model, conditions: Mapping[str, Sequence[str]]) -> None:
        self._delegates = _folded(conditions.get("delegates", ()))
        self._names = _folded(conditions.get("names", ()))
        self._elements = _folded(conditions.get("data_elements", ()))
        self._texts = conditions.get("texts", ())
        self._refusals = set(read_table()["refusals"])
        self._settings: dict[str, list[Text]] = defaultdict(list)
        for text in texts(model):
            if text.role != "removed":
                self._settings[text.resource.id].append(text)
        self._reads: dict[str, list[Reference]] = defaultdict(list)
        for reference in find_references(model):
            if reference.kind in _READS and reference.verdict not in ("commented", "masked"):
                self._reads[reference.source.id].append(reference)
        self._asking = self._elements_that_ask(model)

    def _elements_that_ask(self, model: Model) -> set[str]:
        """Return the data elements on consent: by name, definition, or those that they read."""
        pending = []
        readers: dict[str, list[str]] = defaultdict(list)
        for element in model.data_elements:
            if _match(element.name, self._elements) or self._in_definition(element):
                pending.append(element.id)
            for reference in self._reads[element.id]:
                if reference.target is not None:
                    readers[reference.target.id].append(element.id)
        asking: set[str] = set()
        while pending:
            element_id = pending.pop()
            # Data elements can read each other.
            if element_id not in asking:
                asking.add(element_id)
                pending += readers[element_id]
        return asking

    def _in_definition(self, element: Resource) -> bool:
        return bool(_match(element.delegate, self._delegates) or self.in_settings(element))

    def in_component(self, component: Resource) -> str:
        """Return by what a condition or event asks for consent; empty if it does not."""
        if _match(component.delegate, self._delegates):
            return component.delegate
        if by := self.in_uses(component):
            return by
        if _match(component.name, self._names):
            return f"the name {component.name!r}"
        return ""

    def in_uses(self, resource: Resource) -> str:
        """Return the data element on consent that a resource reads, or the text that it holds."""
        for reference in self._reads[resource.id]:
            target, name = reference.target, reference.name or ""
            is_unknown = target is None and _match(name, self._elements)
            if is_unknown or (target is not None and target.id in self._asking):
                return f"data element {name!r}"
        return self.in_settings(resource)

    def in_settings(self, resource: Resource) -> str:
        """Return the text on consent that settings or code hold, outside comments."""
        for text in self._settings[resource.id]:
            matches = [part for part in self._texts if part in text.value]
            if matches and is_code(text):
                code = normalized(text.value, text.language)
                matches = [part for part in matches if part in code]
            if matches:
                return f"{matches[0]!r} in {text.path}"
        return ""

    def refusal_in(self, condition: Resource) -> str:
        """Return the value for a refusal that a condition compares with; empty without one."""
        for text in self._settings[condition.id]:
            if text.value.strip().casefold() in self._refusals:
                return text.value
        return ""

    def in_event(self, event: Resource) -> str:
        """Return by what an event waits for consent; empty if it does not."""
        if by := self.in_component(event):
            return by
        for text in self._settings[event.id]:
            if not is_code(text) and _match(text.value, self._names):
                return f"event {text.value!r}"
        return ""


def _folded(parts: Iterable[str]) -> list[str]:
    return list(map(str.casefold, parts))


def _match(text: str, parts: Iterable[str]) -> bool:
    """Return whether a text holds one of the parts, in any case."""
    folded = text.casefold()
    return any(part in folded for part in parts)


class _Judge:
    """Decides on the rules."""

    def __init__(self, model: Model, matchers: _Matchers, senders: Senders) -> None:
        self._matchers = matchers
        self._senders = senders
        self._extensions = {
            (extension.property_id, extension.package): extension for extension in model.extensions
        }

    def row(self, components: Sequence[Resource]) -> _Row | None:
        """Return the columns of a rule with these components; None when it does not send."""
        findings = self._findings(components)
        if not findings:
            return None
        whole = self._of_rule(components)
        if whole is not None:
            worst, by, without = whole, [whole.by], []
        else:
            parts = list(chain.from_iterable(findings.values()))
            worst = max(parts, key=_weakness)
            by = []
            for name in sorted(findings):
                by += [f"{name}: {finding.by}" for finding in findings[name] if finding.by]
            without = [name for name in findings if _NOTHING_SEEN in findings[name]]
        return {
            "sends_to": listing(findings),
            "has_consent": worst.has_consent,
            "consent_by": "; ".join(dict.fromkeys(by)) or None,
            "verdict": worst.verdict,
            "without_consent": listing(without),
        }

    def _findings(self, components: Sequence[Resource]) -> dict[str, list[_Finding]]:
        """Return what holds for each action that sends, by vendor."""
        findings: dict[str, list[_Finding]] = defaultdict(list)
        for action in components:
            if action.kind == "actions":
                for name in self._senders.of(action):
                    findings[name].append(self._of_action(action, name))
        return findings

    def _of_rule(self, components: Sequence[Resource]) -> _Finding | None:
        """Return what holds for the whole rule: a condition, or the events that it waits for."""
        doubtful = None
        for condition in components:
            if condition.kind != "conditions":
                continue
            by = self._matchers.in_component(condition)
            refusal = self._matchers.refusal_in(condition)
            if by and switch(condition.get("negate")):
                doubtful = _Finding(NEGATED, None, f"not {condition.name}: {by}")
            elif by and refusal:
                doubtful = _Finding(REFUSAL, None, f"{condition.name}: {by}, and {refusal!r}")
            elif by:
                return _Finding(CONDITION, True, f"{condition.name}: {by}")
        return doubtful or self._of_events(components)

    def _of_events(self, components: Sequence[Resource]) -> _Finding | None:
        """Return that a rule waits for consent. One of its events is enough to fire it."""
        events = [component for component in components if component.kind == "events"]
        reasons = list(map(self._matchers.in_event, events))
        if not reasons or not all(reasons):
            return None
        return _Finding(EVENT, None, f"{events[0].name}: {reasons[0]}")

    def _of_action(self, action: Resource, vendor: str) -> _Finding:
        """Return what holds for what an action sends to a vendor."""
        in_code = self._in_code(action)
        extension = self._extensions.get((action.property_id, _PACKAGES.get(vendor, "")))
        if in_code is not None or extension is None:
            return in_code or _NOTHING_SEEN
        if extension.package == "adobe-alloy":
            return self._of_instance(action, extension)
        cookie = extension.setting("trackingCookieName")
        if cookie:
            return _Finding(IN_EXTENSION, True, f"trackingCookieName is {cookie}")
        return _NOTHING_SEEN

    def _in_code(self, resource: Resource) -> _Finding | None:
        if self._senders.code[resource.id] and (by := self._matchers.in_uses(resource)):
            return _Finding(IN_CODE, None, f"{resource.name}: {by}")
        return None

    def _of_instance(self, action: Resource, extension: Resource) -> _Finding:
        """Return what holds for the instance of Web SDK that an action sends through."""
        default = ""
        instances = instances_of(extension)
        for instance in instances:
            name = action.setting("instanceName") or instance.get("name")
            if instance.get("name", "alloy") == name or len(instances) == 1:
                default = str(instance.get("defaultConsent", ""))
                break
        by = f"defaultConsent is {default}"
        if default in _WAITING:
            return _Finding(IN_EXTENSION, True, by)
        if "%" in default:
            return _Finding(IN_EXTENSION, None, by)
        return self._in_code(extension) or _NOTHING_SEEN


def _weakness(finding: _Finding) -> tuple[int, bool]:
    order = (IN_EXTENSION, IN_CODE, NOT_SEEN)
    return order.index(finding.verdict), finding.has_consent is None


def _limits(model: Model, senders: Senders) -> Iterator[str]:
    yield (
        "What asks for consent is found by delegates, names and texts. Consent managers can also "
        "hold back the library or scripts on the page, which is not part of a property."
    )
    unknown = listing(filter(None, senders.unknown))
    if unknown:
        yield (
            f"Whether actions of these extensions send is not known: {unknown}. Name "
            "those that do: consent(vendors={name: text}), with a part of the delegate as text."
        )
    for extension in model.extensions:
        if extension.package == "adobe-mcid" and extension.setting("doesOptInApply"):
            yield (
                f"{extension.name} ({extension.id}) applies opt-in, for which Adobe Analytics and "
                "other extensions may wait."
            )


def _unmatched(model: Model, conditions: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield which conditions of a user occur nowhere, as a misspelled one does."""
    searched = _searched(model)
    is_found: dict[str, bool] = {}
    for kind, parts in conditions.items():
        # Upper and lower case count in texts alone.
        fold = str if kind == "texts" else str.casefold
        values = list(map(fold, searched[kind]))
        for part in parts:
            is_here = any(fold(part) in value for value in values)
            is_found[part] = is_found.get(part, False) or is_here
    unmatched = sorted(repr(part) for part in is_found if not is_found[part])
    if unmatched:
        yield (
            f"These conditions match nothing in the property: {', '.join(unmatched)}. Check their "
            "spelling; upper and lower case count in texts."
        )


def _searched(model: Model) -> Mapping[str, Sequence[str]]:
    """Return what each kind of condition is compared with."""
    searched: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for component in model.rule_components:
        if component.kind != "actions":
            searched["delegates"].append(component.delegate)
            searched["names"].append(component.name)
    for element in model.data_elements:
        searched["delegates"].append(element.delegate)
        searched["data_elements"].append(element.name)
    for reference in find_references(model):
        searched["data_elements"].append(reference.name or "")
    for text in texts(model):
        if text.role == "removed":
            continue
        searched["texts"].append(text.value)
        if text.resource.kind == "events" and not is_code(text):
            searched["names"].append(text.value)
    return searched
