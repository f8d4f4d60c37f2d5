"""What the settings of a resource say, in words that a person reads."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from importlib.resources import files
from itertools import islice
from typing import Any

from adobe_nb.analysis.code.snippets import count_lines
from adobe_nb.analysis.model import Model, Resource, once_per_model
from adobe_nb.analysis.packages import Packages, delegate_names
from adobe_nb.analysis.settings import Leaf, leaves_of
from adobe_nb.analysis.uses.index import members, names
from adobe_nb.analysis.uses.references import UPDATE_VARIABLE

MAX_LENGTH = 200
_VALUE_LENGTH = 60
_FEW_SETTINGS = 3
_MOST_FIELDS = 20
_MOST_ITEMS = 10
_OPTIONAL_PART = re.compile(r"\[(.*?)\]")
_PLACEHOLDER = re.compile(r"\{([\w.]+)(?:\|(\w+))?\}")
_INDEX = re.compile(r"\[\d+\]")
_FLAG = "IsRegex"
# Below this member of an XDM or data object are the variables of Analytics by their own names.
_ANALYTICS = "__adobe.analytics."
_CAMEL_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|[-_]")


def in_words(model: Model, resource: Resource) -> str:
    """Return what the settings of a resource say, in at most 200 characters.

    For example ``click on a.button`` or ``set eVar5 = %Page Name%, event1``. Whether a condition is
    negated is not part of its settings. Empty for a rule.
    """
    if resource.type in ("rules", "secrets"):
        return ""
    if resource.problem:
        return "settings cannot be read"
    settings = _Settings(model, resource)
    text = _by_phrase(settings) or _generic(settings)
    return _clipped(text, MAX_LENGTH)


def _clipped(text: str, length: int) -> str:
    """Return a text of at most this length, with an ellipsis in place of what was cut off."""
    if len(text) <= length:
        return text
    return text[: length - 1].rstrip() + "…"


class _Settings:
    """The settings of a resource, with the values that phrases name."""

    def __init__(self, model: Model, resource: Resource) -> None:
        self.model = model
        self.resource = resource

    def value(self, path: str) -> Any:
        """Return a setting; of the items of a list, their values."""
        if path == "variable":
            return _variable_name(self.model, self.resource)
        value = self.resource.settings
        for key in path.split("."):
            value = _member(value, key)
        return value

    def leaves(self, path: str = "") -> Iterator[Leaf]:
        """Yield the values below a path, without what the build removes."""
        for leaf_path, value, transform in leaves_of(self.resource, _packages(self.model)):
            is_below = not path or leaf_path.startswith((f"{path}.", f"{path}["))
            if is_below and transform != "remove":
                yield leaf_path[len(path) :].lstrip("."), value, transform


# Packages.of would read all packages again for each of the resources.
_packages = once_per_model(Packages.of)


def _member(value: Any, key: str) -> Any:
    if isinstance(value, list):
        return [members(item).get(key) for item in value]
    return members(value).get(key)


# -- phrases


@cache
def _words() -> Mapping[str, Mapping[str, Any]]:
    text = files("adobe_nb.analysis.rules").joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _by_phrase(settings: _Settings) -> str:
    """Return the first phrase of the delegate whose settings have values; empty without one."""
    phrases = _words()["phrases"].get(settings.resource.delegate, [])
    if isinstance(phrases, str):
        phrases = [phrases]
    for phrase in phrases:
        text = _filled(phrase, settings)
        if text is not None:
            return text
    return ""


def _filled(phrase: str, settings: _Settings) -> str | None:
    """Return a phrase with its values; None if a required value is empty."""
    text = ""
    # Every second part was in brackets.
    for position, part in enumerate(_OPTIONAL_PART.split(phrase)):
        values = [_formatted(settings, *match) for match in _PLACEHOLDER.findall(part)]
        if all(values):
            text += _PLACEHOLDER.sub("{}", part).format(*values)
        elif position % 2 == 0:
            return None
    return text


def _formatted(settings: _Settings, path: str, style: str) -> str:
    table = _words()["tables"].get(style)
    if table is not None:
        return str(table.get(_shown(settings.value(path)), ""))
    if style:
        return _FORMATS[style](settings, path)
    return _shown(settings.value(path))


# -- values


def _shown(value: Any, separator: str = ", ", depth: int = 0) -> str:
    """Return a value as text on one line."""
    if value is None or depth > 2:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        items = map(partial(_shown, depth=depth + 1), value[:_MOST_ITEMS])
        return separator.join(filter(None, items))
    if isinstance(value, dict):
        return _shown_object(value, depth)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _one_line(str(value))


def _shown_object(value: Mapping[str, Any], depth: int) -> str:
    """Return an object as text: ``name = value`` for an entry of a list, else all its members."""
    if "value" in value:
        name = value.get("name") or value.get("key")
        text = _shown(value["value"], depth=depth + 1)
        if isinstance(name, str) and name:
            text = _assignment(name, text)
    else:
        text = _shown_members(value, depth + 1)
    is_regex = any(value[key] is True for key in value if key.endswith(_FLAG))
    if is_regex and text:
        return f"{text} (regular expression)"
    return text


def _shown_members(value: Mapping[str, Any], depth: int) -> str:
    parts = []
    keys = (key for key in value if not key.endswith(_FLAG))
    for key in islice(keys, _MOST_ITEMS):
        text = _shown(value[key], depth=depth)
        if text:
            parts.append(f"{_one_line(key)}: {text}")
    return ", ".join(parts)


def _one_line(text: str) -> str:
    line = " ".join(text[: 4 * MAX_LENGTH].split())
    # A blank at an end is easily overlooked, and matters.
    if line and text != text.strip() and "\n" not in text:
        line = f'"{text}"'
    return _clipped(line, _VALUE_LENGTH)


def _assignment(name: str, text: str) -> str:
    if not text:
        return name
    return f"{_one_line(name)} = {text}"


def _alternatives(settings: _Settings, path: str) -> str:
    return _shown(settings.value(path), " or ")


def _percentage(settings: _Settings, path: str) -> str:
    rate = settings.value(path)
    if isinstance(rate, int | float):
        return f"{rate * 100:g} %"
    return _shown(rate)


def _code(settings: _Settings, path: str) -> str:
    """Return the language of code, its number of lines, and the first one."""
    code = settings.value(path)
    if isinstance(code, list):
        code = "\n".join(item for item in code if isinstance(item, str))
    if not isinstance(code, str) or not code.strip():
        return ""
    language = "HTML" if settings.value("language") == "html" else "JavaScript"
    if settings.value("isExternal") is True:
        return f"{language} from a file of its own"
    code = code.strip()
    count = count_lines(code)
    lines = "1 line" if count == 1 else f"{count:,} lines"
    first = code[: 4 * MAX_LENGTH].partition("\n")[0]
    return f"{language}, {lines}: {' '.join(first.split())}"


def _fields(settings: _Settings, path: str) -> str:
    """Return the assignments of an object, with the paths of its members."""
    value = settings.value(path)
    if not isinstance(value, dict | list):
        return _shown(value)
    parts = []
    for field, item, _ in islice(settings.leaves(path), _MOST_FIELDS):
        text = _shown(item)
        if text:
            parts.append(_assignment(field.removeprefix(_ANALYTICS), text))
    return ", ".join(parts)


def _cleared(settings: _Settings, path: str) -> str:
    cleared = []
    for name, item in members(settings.value(path)).items():
        if members(item).get("clear") is True:
            cleared.append(name.removeprefix(_ANALYTICS) or "everything")
    return ", ".join(cleared)


# -- variables of Adobe Analytics


def _variables(settings: _Settings, path: str) -> str:
    """Return what the properties of the tracker set."""
    parts: list[str] = []
    for key, value in members(settings.value(path)).items():
        if isinstance(value, list) and key in _TRACKER_LISTS:
            for item in value[:_MOST_FIELDS]:
                parts.append(_TRACKER_LISTS[key](members(item)))
        elif key == "campaign" and members(value).get("type") == "queryParam":
            parts.append(f"campaign = URL parameter {_shown(value.get('value'))}")
        else:
            parts.append(_assignment(key, _shown(members(value).get("value", value))))
    return ", ".join(filter(None, parts))


def _tracker_variable(item: Mapping[str, Any]) -> str:
    text = _shown(item.get("value"))
    if text and item.get("type", "value") != "value":
        text = f"copy of {text}"
    return _assignment(_shown(item.get("name")), text)


def _tracker_event(item: Mapping[str, Any]) -> str:
    name = _shown(item.get("name"))
    if item.get("id"):
        name += f":{_shown(item['id'])}"
    return _assignment(name, _shown(item.get("value")))


def _hierarchy(item: Mapping[str, Any]) -> str:
    delimiter = _shown(item.get("delimiter")) or "|"
    return _assignment(_shown(item.get("name")), _shown(item.get("sections"), delimiter))


_TRACKER_LISTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "eVars": _tracker_variable,
    "props": _tracker_variable,
    "events": _tracker_event,
    "hierarchies": _hierarchy,
}


def _variable_name(model: Model, resource: Resource) -> str:
    """Return the name of the data element that an action of Web SDK fills."""
    name = resource.setting("dataElementName")
    if isinstance(name, str) and name:
        return _one_line(name)
    if resource.delegate == UPDATE_VARIABLE:
        index = names(model)[resource.property_id]
        element = index.ids.get(str(resource.setting("dataElementId")))
        element = element or index.cache_ids.get(str(resource.setting("dataElementCacheId")))
        if element is not None:
            return _one_line(element.name)
    return "an unknown variable"


# -- all other delegates


def _generic(settings: _Settings) -> str:
    """Return the name of a delegate, and its first few settings that are texts."""
    top = members(settings.resource.settings)
    parts: dict[str, str] = {}
    for path, value, transform in islice(settings.leaves(), MAX_LENGTH):
        key = path.partition("[")[0]
        if key in parts:
            continue
        if _are_entries(top.get(key)):
            # The name of an entry says whether its value is a secret.
            parts[key] = f"{_one_line(key)}: {_shown(top[key])}"
        elif isinstance(value, str) and value.strip():
            parts[path] = _setting(path, value, transform)
    listing = ", ".join(islice(parts.values(), _FEW_SETTINGS))
    if len(parts) > _FEW_SETTINGS:
        listing += ", …"
    return ": ".join(filter(None, (_name_of_delegate(settings), listing)))


def _are_entries(value: Any) -> bool:
    """Return whether a setting is a list of names with values."""
    return isinstance(value, list) and any("value" in members(item) for item in value)


def _setting(path: str, value: str, transform: str | None) -> str:
    name = _INDEX.sub("", path)
    if transform in ("function", "customCode", "file"):
        lines = count_lines(value.strip())
        return f"{name} = code of {lines} line{'s' if lines > 1 else ''}"
    return _assignment(name, _one_line(value))


def _name_of_delegate(settings: _Settings) -> str:
    resource = settings.resource
    if resource.type == "extensions":
        return "" if resource.settings else "no settings"
    name = resource.delegate.rpartition("::")[2]
    plain = " ".join(_CAMEL_HUMP.sub(" ", name).split()).lower()
    return delegate_names(settings.model).get(resource.delegate) or plain


_FORMATS: Mapping[str, Callable[[_Settings, str], str]] = {
    "or": _alternatives,
    "percent": _percentage,
    "code": _code,
    "fields": _fields,
    "cleared": _cleared,
    "variables": _variables,
}
