"""Every place that sets, reads, declares or clears a variable of Adobe Analytics."""

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from adobe_nb.analysis.answers import excerpt
from adobe_nb.analysis.code.readings import readings
from adobe_nb.analysis.code.script_uses import MENTION, uses_in
from adobe_nb.analysis.code.script_variables import ScriptVariables
from adobe_nb.analysis.code.snippets import is_code
from adobe_nb.analysis.code.variable_uses import Access, How, VariableUse, Verdict
from adobe_nb.analysis.model import Model, Resource, once_per_model
from adobe_nb.analysis.settings import Text, texts
from adobe_nb.analysis.uses.index import Names, resource_names
from adobe_nb.analysis.uses.references import is_plausible
from adobe_nb.analysis.uses.tokens import find_percent_tokens
from adobe_nb.analysis.variables.analytics_settings import analytics_uses, tracker_name
from adobe_nb.analysis.variables.items import event_items
from adobe_nb.analysis.variables.names import ALL_EVENTS, Variable
from adobe_nb.analysis.variables.other_settings import other_uses
from adobe_nb.analysis.variables.setting_uses import SettingUse
from adobe_nb.analysis.variables.web_sdk_settings import content_of, web_sdk_uses

_WITH_EVENTS = ("mapping-table", "core::dataElements::constant")
_NOTHING = ScriptVariables([], [])


class Finding(NamedTuple):
    """One place that does something with a variable."""

    source: Resource
    variable: Variable
    access: Access
    how: How
    verdict: Verdict
    path: str | None
    value: str | None
    elements: tuple[str, ...]
    """The names of the data elements in the value."""
    text: str
    """The setting or the code, and where the place is in it."""
    start: int = 0
    stop: int = 0
    line: int | None = None

    @property
    def evidence(self) -> str:
        """The line of the place."""
        return excerpt(self.text, self.start, self.stop)


@once_per_model
def find_variables(model: Model) -> list[Finding]:
    """Return what every resource does with variables, in the order of their settings.

    Event forwarding runs on a server, after Analytics has its data: it does not count.
    """
    by_property = resource_names(model)
    findings: list[Finding] = []
    for resource in model.resources:
        if not model.is_edge(resource):
            for use in _settings(resource, model):
                findings.append(_of_setting(use, resource, model))
    for text, found in script_variables(model).items():
        index = by_property[text.resource.property_id]
        for script_use in found.uses:
            findings.append(_of_script(script_use, text, index))
    for finding in list(findings):
        if finding.variable == ALL_EVENTS and finding.access == "set":
            findings += _mapped_events(finding, model)
    return findings


def _settings(resource: Resource, model: Model) -> Iterator[SettingUse]:
    match resource.package:
        case "adobe-analytics":
            yield from analytics_uses(resource)
        case "adobe-alloy":
            yield from web_sdk_uses(resource, model)
        case _:
            yield from other_uses(resource, model)


def _of_setting(use: SettingUse, resource: Resource, model: Model) -> Finding:
    verdict: Verdict = use.verdict
    if verdict == "certain" and use.variable.problem:
        verdict = use.variable.problem
    elif use.access == "set" and use.variable.is_pattern:
        verdict = "dynamic"
    return Finding(
        source=resource,
        variable=use.variable,
        access=use.access,
        how=use.how,
        verdict=verdict,
        path=use.path,
        value=use.value,
        elements=_elements_in(use.value or "", resource_names(model)[resource.property_id]),
        text=use.text,
    )


def _of_script(use: VariableUse, text: Text, index: Names) -> Finding:
    verdict = use.verdict
    # Outside of code, whether it is code at all is a guess.
    if text.role != "code" and verdict == "certain":
        verdict = "possible"
    start, stop = use.span
    source = text.value[start:stop]
    read = list(_elements_of_code(source))
    if text.tokens != "none":
        read += _elements_in(source, index)
    return Finding(
        source=text.resource,
        variable=use.variable,
        access=use.access,
        how=use.how,
        verdict=verdict,
        path=text.path,
        value=use.value,
        elements=tuple(dict.fromkeys(read)),
        text=text.value,
        start=use.start,
        stop=use.stop,
        line=use.line,
    )


@lru_cache(maxsize=1_000)
def _elements_of_code(source: str) -> tuple[str, ...]:
    """Return the names of the data elements that an expression reads."""
    if not MENTION.search(source):
        return ()
    names = []
    for use in uses_in(source, "javascript").uses:
        if use.kind == "getVar" and use.literal is not None and use.certainty == "certain":
            names.append(use.literal)
    return tuple(names)


def _elements_in(text: str, index: Names) -> tuple[str, ...]:
    """Return the names of the data elements that the tokens of a setting read."""
    tokens = [token.name for token in find_percent_tokens(text)]
    found = [name for name in tokens if is_plausible(name) and not index.is_event(name)]
    return tuple(dict.fromkeys(found))


def _mapped_events(finding: Finding, model: Model) -> Iterator[Finding]:
    """Yield the events that a data element in ``s.events`` can stand for.

    They are the outputs of a mapping table, or the text of a constant.
    """
    index = resource_names(model)[finding.source.property_id]
    for name in finding.elements:
        for element in index.elements.get(name, ()):
            for event in _events_of(element, model):
                yield finding._replace(variable=event, verdict="possible", value=None)


def _events_of(element: Resource, model: Model) -> Iterator[Variable]:
    if element.package in _WITH_EVENTS or element.delegate in _WITH_EVENTS:
        for text in _texts_of_elements(model)[element.id]:
            for item in event_items(text.value):
                yield item.variable


@once_per_model
def _texts_of_elements(model: Model) -> dict[str, list[Text]]:
    by_element: dict[str, list[Text]] = defaultdict(list)
    for text in texts(model):
        if text.resource.type == "data_elements":
            by_element[text.resource.id].append(text)
    return by_element


@once_per_model
def script_variables(model: Model) -> dict[Text, ScriptVariables]:
    """Return what each piece of code does with variables. Equal pieces are parsed once."""
    found = {}
    for text in texts(model):
        if not model.is_edge(text.resource) and is_code(text):
            in_code = variables_of(text, model)
            if in_code != _NOTHING:
                found[text] = in_code
    return found


def variables_of(text: Text, model: Model) -> ScriptVariables:
    """Return what a piece of code does with variables."""
    content = content_of(text.resource, text.path, model)
    trackers = _trackers(model)[text.resource.property_id]
    return readings(model).variables_in(text.value, text.language, content, trackers)


@once_per_model
def _trackers(model: Model) -> dict[str, tuple[str, ...]]:
    """Return the names of the variables that hold the tracker, by property."""
    trackers: dict[str, tuple[str, ...]] = defaultdict(lambda: ("s",))
    for extension in model.extensions:
        if extension.package == "adobe-analytics":
            name = tracker_name(extension)
            if name and name != "s":
                trackers[extension.property_id] = ("s", name)
    return trackers
