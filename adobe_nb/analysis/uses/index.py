"""What the names and ids in a property stand for."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from adobe_nb.analysis.code.readings import readings
from adobe_nb.analysis.code.script_uses import MENTION, ScriptUses, Use
from adobe_nb.analysis.model import Model, Resource, once_per_model
from adobe_nb.analysis.packages import Packages
from adobe_nb.analysis.settings import Text, texts

DATA_LAYERS = {
    "gcoe-adobe-client-data-layer": "adobeDataLayer",
    "adobegoogledatalayer": "dataLayer",
    "googledatalayer": "dataLayer",
}
"""Extensions whose events wait for pushes to a data layer, with the usual name of it."""
EVENT_NAMES = ("this", "event", "target")
"""What a token reads when no data element has its name: ``%event.detail%`` reads the event."""
_NAMED_EVENTS = {
    "core::events::direct-call": ("track", "identifier"),
    "core::events::custom-event": ("custom-event", "type"),
}
_DEFAULT_INSTANCE = "alloy"
_EARLY = ("core::events::library-loaded", "core::events::page-bottom")


@once_per_model
def script_uses(model: Model) -> dict[Text, ScriptUses]:
    """Return what each piece of code refers to. Equal pieces are parsed once."""
    packages = Packages.of(model)
    uses_in = readings(model).uses_in
    found = {}
    for text in texts(model):
        uses: list[Use] = []
        is_broken = has_page_alias = False
        for language in _languages(text, packages):
            in_code = uses_in(text.value, language)
            uses += in_code.uses
            is_broken |= in_code.is_broken and text.role == "code"
            has_page_alias |= in_code.has_page_alias
        if uses or is_broken or has_page_alias:
            found[text] = ScriptUses(uses, is_broken, has_page_alias)
    return found


def _languages(text: Text, packages: Packages) -> list[str]:
    """Return the languages in which a text may be code."""
    if text.role == "code":
        return [text.language]
    if text.role == "removed" or not MENTION.search(text.value):
        return []
    # The package is missing, or what is built in does not know the fields of newer versions.
    if text.role == "text" and packages.is_installed(text.resource):
        return []
    if "<" in text.value:
        return ["javascript", "html"]
    return ["javascript"]


@once_per_model
def early_rules(model: Model) -> dict[str, bool]:
    """Return, for each rule with events, whether it fires so early that its code is inlined.

    The build puts that code into the main library, because there is no time to load a file.
    """
    early: dict[str, bool] = {}
    for component in model.rule_components:
        if component.rule is not None and component.kind == "events":
            rule_id = component.rule.id
            early[rule_id] = early.get(rule_id, False) or component.delegate in _EARLY
    return early


class Names:
    """The names and ids of one property, and what they stand for."""

    def __init__(self) -> None:
        self.elements: dict[str, list[Resource]] = defaultdict(list)
        """Data elements by name."""
        self.ids: dict[str, Resource] = {}
        """Every resource by its id, and by that of its head."""
        self.cache_ids: dict[str, Resource] = {}
        """Variable data elements of Web SDK by the id that older actions name them by."""
        self.variables: set[str] = set()
        """Custom variables that code sets with ``setVar``."""
        self.sets_unknown_variables = False
        """Whether code sets variables whose names cannot be read."""
        self.instances: dict[str, Resource] = {}
        """The Web SDK extension by the name of each of its instances."""
        self.extensions: dict[str, Resource] = {}
        """Extensions by the name of their package."""
        self.listeners: dict[tuple[str, str | None], list[Resource]] = defaultdict(list)
        """The event components that wait for a name, by kind: ``track``, ``custom-event``,
        ``dataLayer.push`` …; None for any name."""
        self._waiting: dict[frozenset[str], dict[str, list[Resource]]] = {}

    @cached_property
    def folded(self) -> dict[str, str]:
        """The names of data elements, by what is left without case, blanks and punctuation."""
        return {fold(name): name for name in reversed(self.elements)}

    def is_event(self, name: str) -> bool:
        """Return whether a token reads the event: no data element has its name."""
        return name not in self.elements and name.partition(".")[0] in EVENT_NAMES

    def is_variable(self, name: str) -> bool:
        """Return whether a name is a custom variable, or something inside one."""
        return name.partition(".")[0] in self.variables

    def waiting(self, kinds: frozenset[str]) -> Mapping[str, list[Resource]]:
        """Return the rules that wait for events of these kinds, by name; ``""`` is any name."""
        # Every call in code asks for this, so that it is put together once.
        if kinds not in self._waiting:
            rules: dict[str, dict[Resource, None]] = defaultdict(dict)
            for (kind, name), components in self.listeners.items():
                for component in components:
                    if kind in kinds and component.rule is not None:
                        rules[name or ""][component.rule] = None
            self._waiting[kinds] = {name: list(found) for name, found in rules.items()}
        return self._waiting[kinds]


def fold(name: str) -> str:
    """Return a name without case, blanks and punctuation."""
    return re.sub(r"[\W_]+", "", name).casefold()


@once_per_model
def resource_names(model: Model) -> dict[str, Names]:
    """Return the names of each property, without the variables that code sets."""
    by_property: dict[str, Names] = defaultdict(Names)
    for resource in model.resources:
        index = by_property[resource.property_id]
        index.ids[resource.id] = index.ids[resource.origin_id] = resource
        if resource.type == "data_elements":
            _add_element(index, resource)
        elif resource.type == "extensions":
            _add_extension(index, resource)
        elif resource.kind == "events":
            _add_listener(index, resource)
    return by_property


@once_per_model
def names(model: Model) -> dict[str, Names]:
    """Return the names of each property."""
    by_property = resource_names(model)
    for text, found in script_uses(model).items():
        index = by_property[text.resource.property_id]
        for use in found.uses:
            if use.kind != "setVar" or use.certainty == "commented":
                continue
            if use.literal is None:
                index.sets_unknown_variables = True
            else:
                index.variables.add(use.literal)
    return by_property


def members(settings: Any) -> Mapping[str, Any]:
    """Return settings that are an object; an empty one for all others."""
    if isinstance(settings, dict):
        return settings
    return {}


def _add_element(index: Names, element: Resource) -> None:
    index.elements[element.name].append(element)
    cache_id = members(element.settings).get("cacheId")
    if isinstance(cache_id, str):
        index.cache_ids[cache_id] = element


def _add_extension(index: Names, extension: Resource) -> None:
    index.extensions[extension.package] = extension
    if extension.package != "adobe-alloy":
        return
    instances = members(extension.settings).get("instances")
    if isinstance(instances, list):
        for instance in instances:
            name = members(instance).get("name", _DEFAULT_INSTANCE)
            index.instances[str(name)] = extension


def _add_listener(index: Names, component: Resource) -> None:
    for kind, name in _awaited(component):
        index.listeners[kind, name].append(component)


def _awaited(component: Resource) -> Iterator[tuple[str, str | None]]:
    """Yield the names that an event waits for, by kind; None for any name."""
    settings = members(component.settings)
    if component.delegate in _NAMED_EVENTS:
        kind, setting = _NAMED_EVENTS[component.delegate]
        # Without a name, the event never happens.
        if settings.get(setting):
            yield kind, str(settings[setting])
    elif component.package in DATA_LAYERS:
        kind = f"{DATA_LAYERS[component.package]}.push"
        names = [value for value in settings.values() if isinstance(value, str)]
        for name in names:
            yield kind, name
        if settings.get("method") == "allEvents":
            yield kind, None
