"""What the settings of the Adobe Analytics extension do with variables."""

from collections.abc import Iterator, Mapping
from typing import Any

from adobe_nb.analysis.model import Resource
from adobe_nb.analysis.settings import member_path
from adobe_nb.analysis.uses.index import members
from adobe_nb.analysis.uses.tokens import find_percent_tokens
from adobe_nb.analysis.variables import names as known
from adobe_nb.analysis.variables.names import Family, Variable
from adobe_nb.analysis.variables.setting_uses import SettingUse, assigned, declared, written

CLEAR = "adobe-analytics::actions::clear-variables"
SEND = "adobe-analytics::actions::send-beacon"
_ROOT = "trackerProperties"
_DECLARING = ("linkTrackVars", "linkTrackEvents")
# Members of the tracker that say how it works: they are not sent as variables.
_CONFIGURATION = (
    "charSet",
    "cookieDomainPeriods",
    "cookieLifetime",
    "dynamicVariablePrefix",
    "fpCookieDomainPeriods",
    "linkDownloadFileTypes",
    "linkExternalFilters",
    "linkInternalFilters",
    "linkLeaveQueryString",
    "linkName",
    "linkType",
    "linkURL",
    "trackDownloadLinks",
    "trackExternalLinks",
    "trackInlineStats",
    "trackingServer",
    "trackingServerSecure",
    "visitorNamespace",
)


def analytics_uses(resource: Resource) -> Iterator[SettingUse]:
    """Yield what a component or the configuration of the Analytics extension does."""
    if resource.delegate == CLEAR:
        yield SettingUse(known.EVERYTHING, "clear", "settings", None)
        return
    properties = members(resource.setting(_ROOT))
    prefix = written(properties.get("dynamicVariablePrefix")) or "D="
    for key, value in properties.items():
        path = member_path(_ROOT, str(key))
        if key in ("eVars", "props"):
            yield from _dimensions(value, path, "eVar" if key == "eVars" else "prop", prefix)
        elif key == "events":
            yield from _events(value, path)
        elif key == "hierarchies":
            yield from _hierarchies(value, path)
        else:
            yield from _member(str(key), value, path)


def tracker_name(extension: Resource) -> str | None:
    """Return the name of the variable that holds the tracker; None when it has the usual one."""
    name = members(extension.setting("libraryCode")).get("trackerVariableName")
    if isinstance(name, str) and name.isidentifier():
        return name
    return None


def _items(
    value: Any, path: str, family: Family
) -> Iterator[tuple[str, Mapping[str, Any], Variable]]:
    """Yield the items of a list that name a variable, with their paths."""
    if not isinstance(value, list):
        return
    for index, item in enumerate(value):
        name = members(item).get("name")
        if not isinstance(name, str) or not name:
            continue
        variable = known.item_of(name) or Variable(name, family, None, "misspelled")
        if find_percent_tokens(name):
            variable = Variable(f"{family}*", family)
        yield f"{path}[{index}]", item, variable


def _dimensions(value: Any, path: str, family: Family, prefix: str) -> Iterator[SettingUse]:
    for item_path, item, variable in _items(value, path, family):
        text = written(item.get("value"))
        if text is None:
            yield SettingUse(variable, "set", "settings", f"{item_path}.name", variable.name)
        elif item.get("type", "value") == "value":
            yield from assigned(variable, text, "settings", f"{item_path}.value")
        else:
            copy = known.copy_of(text, prefix)
            value_path = f"{item_path}.value"
            yield SettingUse(variable, "set", "settings", value_path, text, copy)
            source = known.variable_of(text)
            if source is not None:
                yield SettingUse(source, "read", "settings", value_path, text)


def _events(value: Any, path: str) -> Iterator[SettingUse]:
    for item_path, item, variable in _items(value, path, "event"):
        text = written(item.get("value"))
        evidence = text or written(item.get("id")) or variable.name
        place = f"{item_path}.name"
        yield SettingUse(variable, "set", "settings", place, evidence, text or None)


def _hierarchies(value: Any, path: str) -> Iterator[SettingUse]:
    for item_path, item, variable in _items(value, path, "hier"):
        sections = item.get("sections")
        text = None
        if isinstance(sections, list):
            delimiter = written(item.get("delimiter")) or ","
            text = delimiter.join(written(section) or "" for section in sections)
        evidence = text or variable.name
        yield SettingUse(variable, "set", "settings", f"{item_path}.name", evidence, text)


def _member(key: str, value: Any, path: str) -> Iterator[SettingUse]:
    """Yield what any other key sets: the member of the tracker that has its name."""
    if isinstance(value, dict) and "value" in value:
        # A campaign has a type, too: the name of a URL parameter, or a value.
        value, path = value["value"], f"{path}.value"
    text = written(value)
    if key == "contextData":
        for name, item in members(value).items():
            yield from assigned(
                known.context_data(name), written(item) or "", "settings", member_path(path, name)
            )
    elif text is None or isinstance(value, bool) or key in _CONFIGURATION:
        return
    elif key in _DECLARING:
        yield from declared(text, "settings", path)
    else:
        variable = known.variable_of(key) or Variable(key, "page")
        yield from assigned(variable, text, "settings", path)
