"""What one setting does with variables: the steps that all extensions share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adobe_nb.analysis.code.variable_uses import Access, How, Verdict
from adobe_nb.analysis.uses.tokens import find_percent_tokens
from adobe_nb.analysis.variables import names as known
from adobe_nb.analysis.variables.items import event_items, product_items
from adobe_nb.analysis.variables.names import Variable


@dataclass(frozen=True, slots=True)
class SettingUse:
    """One place in the settings of a resource that does something with a variable."""

    variable: Variable
    access: Access
    how: How
    path: str | None
    """The place; None for an action that does it as a whole."""
    text: str = ""
    """The setting, for the evidence and the data elements in it."""
    value: str | None = None
    verdict: Verdict = "certain"


def written(value: Any) -> str | None:
    """Return a setting as text; None for missing values, objects and lists."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    return None


def assigned(variable: Variable, text: str, how: How, path: str) -> Iterator[SettingUse]:
    """Yield what a setting does that is the value of a variable."""
    if variable == known.EVENTS:
        yield from assigned_events(text, how, path)
        return
    yield SettingUse(variable, "set", how, path, text, text)
    if variable.family == "products":
        for item in product_items(text, is_whole=True):
            yield SettingUse(item.variable, "set", "products string", path, text, item.value)
    for copied in known.copied(text):
        yield SettingUse(copied, "read", how, path, text)


def assigned_events(text: str, how: How, path: str) -> Iterator[SettingUse]:
    """Yield the items of a list of events, and ``event*`` for items that only the page knows."""
    has_unknown = False
    for item in text.split(","):
        events = list(event_items(item))
        for event in events:
            yield SettingUse(event.variable, "set", how, path, item, event.value)
        has_unknown |= not events and bool(find_percent_tokens(item))
    if has_unknown:
        yield SettingUse(known.ALL_EVENTS, "set", how, path, text, text, "dynamic")


def declared(text: str, how: How, path: str) -> Iterator[SettingUse]:
    """Yield the items of ``linkTrackVars`` or ``linkTrackEvents``."""
    for item in text.split(","):
        variable = known.item_of(item.strip())
        if variable is not None:
            yield SettingUse(variable, "declare", how, path, text)
