"""What the settings of the Web SDK extension do with variables: XDM and data objects."""

import re
from ast import literal_eval
from collections.abc import Iterator, Sequence

from adobe_nb.analysis.code.variable_uses import How
from adobe_nb.analysis.code.web_sdk_reader import Content
from adobe_nb.analysis.model import Model, Resource, once_per_model
from adobe_nb.analysis.packages import Packages
from adobe_nb.analysis.settings import leaves_of, member_path
from adobe_nb.analysis.uses.index import members, resource_names
from adobe_nb.analysis.uses.references import UPDATE_VARIABLE
from adobe_nb.analysis.uses.tokens import find_percent_tokens
from adobe_nb.analysis.variables import names as known
from adobe_nb.analysis.variables.names import Variable
from adobe_nb.analysis.variables.setting_uses import SettingUse, assigned, declared, written
from adobe_nb.analysis.variables.xdm import xdm_variable

SEND_EVENT = "adobe-alloy::actions::send-event"
XDM_OBJECT = "adobe-alloy::dataElements::xdm-object"
VARIABLE = "adobe-alloy::dataElements::variable"
_DATA_SOLUTIONS = {"analytics", "target", "audience-manager"}
_DATA_PATH = ["__adobe", "analytics"]
_EVENT_CODE = "onBeforeEventSend"
# As settings.member_path writes them: an index, a key in quotes, or a plain key.
_KEY = re.compile(r"\[(\d+)\]|\[((?:'|\").*?(?:'|\"))\](?=[.\[]|$)|([^.\[\]]+)", re.DOTALL)


def web_sdk_uses(resource: Resource, model: Model) -> Iterator[SettingUse]:
    """Yield what a component or data element of the Web SDK extension does."""
    roots: dict[str, Content] = {}
    if resource.delegate == XDM_OBJECT:
        roots = {"data": "xdm"}
    elif resource.delegate == UPDATE_VARIABLE:
        roots = {"data": content_of_variable(resource, model)}
        yield from _cleared(resource, roots["data"])
    elif resource.delegate == SEND_EVENT:
        roots = {"xdm": "xdm", "data": "data"}
    if not roots:
        return
    for path, value, _ in leaves_of(resource, _packages(model)):
        root, *keys = _keys_of(path)
        text = written(value)
        if root not in roots or text is None:
            continue
        if keys or _is_opaque(resource, text, model):
            yield from _leaf(roots[root], keys, text, path)


def content_of(resource: Resource, path: str, model: Model) -> Content:
    """Return what ``content`` is in a piece of code of Web SDK; empty for other code."""
    if resource.delegate == UPDATE_VARIABLE:
        return content_of_variable(resource, model)
    if resource.package == "adobe-alloy" and path.endswith(_EVENT_CODE):
        return "event"
    return ""


def content_of_variable(action: Resource, model: Model) -> Content:
    """Return whether an action updates an XDM or a data object: its data element says it."""
    element = updated_element(action, model)
    if element is not None:
        solutions = element.setting("solutions")
        if isinstance(solutions, list) and _DATA_SOLUTIONS & set(map(str, solutions)):
            return "data"
        return "xdm"
    data = members(action.setting("data"))
    return "data" if _DATA_PATH[0] in data else "xdm"


def updated_element(action: Resource, model: Model) -> Resource | None:
    """Return the data element that an action updates; None when it is not known."""
    index = resource_names(model)[action.property_id]
    # Web SDK looks for the name first.
    for named in index.elements.get(str(action.setting("dataElementName")), ()):
        return named
    for key in ("dataElementId", "dataElementCacheId"):
        value = str(action.setting(key))
        element = index.ids.get(value) or index.cache_ids.get(value)
        if element is not None:
            return element
    return None


def _is_opaque(resource: Resource, text: str, model: Model) -> bool:
    """Return whether a whole object comes from where its fields cannot be seen.

    What a variable or an XDM object holds has rows of its own.
    """
    if resource.delegate != SEND_EVENT:
        return True
    index = resource_names(model)[resource.property_id]
    delegates = set()
    for token in find_percent_tokens(text):
        delegates |= {element.delegate for element in index.elements.get(token.name, ())}
    return bool(delegates - {VARIABLE, XDM_OBJECT})


def _leaf(content: Content, keys: Sequence[str], text: str, path: str) -> Iterator[SettingUse]:
    if content == "data" or keys[:1] == _DATA_PATH[:1]:
        yield from _data(keys, text, path)
    elif keys:
        yield from assigned(xdm_variable(keys), text, "xdm", path)
    else:
        yield SettingUse(known.EVERYTHING, "set", "xdm", path, text, text, "dynamic")


def _data(keys: Sequence[str], text: str, path: str) -> Iterator[SettingUse]:
    """Yield what a value in the data object does: ``__adobe.analytics.eVar5``."""
    variable = _data_variable(keys)
    if variable is None:
        if list(keys[:2]) == _DATA_PATH and keys[2] in ("linkTrackVars", "linkTrackEvents"):
            yield from declared(text, "data object", path)
    elif variable.is_pattern:
        yield SettingUse(variable, "set", "data object", path, text, text, "dynamic")
    else:
        yield from assigned(variable, text, "data object", path)


def _data_variable(keys: Sequence[str]) -> Variable | None:
    """Return the variable of a path in the data object; ``*`` for what holds all of them."""
    if list(keys) == _DATA_PATH[: len(keys)]:
        return known.EVERYTHING
    if list(keys[:2]) != _DATA_PATH:
        return None
    key, *below = keys[2:]
    if key == "contextData":
        return known.context_data(".".join(below) or "*")
    if key == "events":
        return known.EVENTS
    return known.member_of(key)


def _cleared(action: Resource, content: Content) -> Iterator[SettingUse]:
    """Yield what an update-variable action removes before it writes."""
    for name, transform in members(action.setting("transforms")).items():
        if members(transform).get("clear") is not True:
            continue
        path = f"{member_path('transforms', name)}.clear"
        keys = [key for key in name.split(".") if key and not key.isdecimal()]
        how: How = "xdm"
        variable: Variable | None = known.EVERYTHING
        if content == "data" or keys[:1] == _DATA_PATH[:1]:
            how = "data object"
            variable = _data_variable(keys)
        elif keys:
            variable = xdm_variable(keys)
        if variable is not None:
            yield SettingUse(variable, "clear", how, path, name)


def _keys_of(path: str) -> list[str]:
    """Return the keys of a path in settings, without the indexes of lists."""
    keys = []
    for _, quoted, plain in _KEY.findall(path):
        if quoted:
            keys.append(str(literal_eval(quoted)))
        elif plain:
            keys.append(plain)
    return keys or [""]


@once_per_model
def _packages(model: Model) -> Packages:
    return Packages.of(model)
