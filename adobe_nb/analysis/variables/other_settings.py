"""What settings of other extensions may do with variables."""

import re
from collections.abc import Iterator

from adobe_nb.analysis.code.variable_uses import Access
from adobe_nb.analysis.model import Model, Resource, once_per_model
from adobe_nb.analysis.packages import PLAIN
from adobe_nb.analysis.settings import Text, texts
from adobe_nb.analysis.variables import names as known
from adobe_nb.analysis.variables.names import Variable
from adobe_nb.analysis.variables.setting_uses import SettingUse

# Settings of the core extension that name a variable of the page by its path.
_PATHS = {
    "core::conditions::variable": "name",
    "core::dataElements::javascript-variable": "path",
}
_TRACKER_PATH = re.compile(r"(?:window\.)?s\.(contextData\.[^.]+|\w+)(?:\.|$)", re.ASCII)
# Actions of extensions that build s.products, and the event of their name.
_PRODUCT_BUILDERS = ("reactor-aa-product-string-builder::actions::build-product-string",)


def other_uses(resource: Resource, model: Model) -> Iterator[SettingUse]:
    """Yield what the settings of another extension may do; of core, what they read."""
    if resource.delegate in _PATHS:
        path = _PATHS[resource.delegate]
        text = str(resource.setting(path) or "")
        match = _TRACKER_PATH.match(text)
        variable = known.item_of(match[1]) if match else None
        if variable is not None and variable.family != "event":
            yield SettingUse(variable, "read", "settings", path, text)
    elif resource.delegate in _PRODUCT_BUILDERS:
        yield from _built_products(resource)
    elif resource.package not in PLAIN:
        for text_setting in _texts_of(model).get(resource.id, ()):
            yield from _named(text_setting)


def _built_products(action: Resource) -> Iterator[SettingUse]:
    name = str(action.setting("action") or "")
    event = known.event_of(name)
    for variable in (known.PRODUCTS, event):
        if variable is not None:
            yield SettingUse(
                variable, "set", "other extension", "action", name, verdict="possible"
            )  # fmt: skip


def _named(text: Text) -> Iterator[SettingUse]:
    """Yield the variable that is the key or the whole of a setting."""
    access: Access = "set"
    if text.resource.kind in ("dataElements", "conditions", "events"):
        access = "read"
    key = text.path.rpartition(".")[2]
    named: list[tuple[Variable | None, str | None]] = []
    if known.is_unmistakable(key):
        named.append((known.variable_of(key), text.value))
    if known.is_unmistakable(text.value):
        named.append((known.variable_of(text.value), None))
    for variable, value in named:
        if variable is not None:
            yield SettingUse(
                variable, access, "other extension", text.path, text.value, value, "possible"
            )


@once_per_model
def _texts_of(model: Model) -> dict[str, list[Text]]:
    """Return the texts in settings of extensions that are not known here, by resource."""
    by_resource: dict[str, list[Text]] = {}
    for text in texts(model):
        if text.role in ("text", "unknown") and text.resource.package not in PLAIN:
            by_resource.setdefault(text.resource.id, []).append(text)
    return by_resource
