"""The items of texts that hold several variables: ``s.events`` and ``s.products``."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from adobe_nb.analysis.variables.names import Variable, event_of, item_of

UNKNOWN_PART = "\0"
"""Stands for a part of a text that only the page knows."""
_PRODUCT_ITEM = re.compile(rf"\b(event\d+|eVar\d+)=([^;|,{UNKNOWN_PART}]*)", re.ASCII)


class Item(NamedTuple):
    """An event or merchandising eVar, with its value when it is known."""

    variable: Variable
    value: str | None


def event_items(text: str) -> Iterator[Item]:
    """Yield the events of a text such as ``event1,event2=5,scAdd:123``."""
    for item in text.split(","):
        name, _, value = item.strip().partition("=")
        variable = event_of(name.partition(":")[0].strip())
        if variable is not None:
            is_known = value and UNKNOWN_PART not in value
            yield Item(variable, value.strip() if is_known else None)


def product_items(text: str, *, is_whole: bool) -> Iterator[Item]:
    """Yield the events and merchandising eVars of a products string.

    ``is_whole`` says whether the text is all of it: otherwise the last value may go on.
    """
    for match in _PRODUCT_ITEM.finditer(text):
        variable = item_of(match[1])
        is_known = match[2] and (is_whole or match.end() < len(text))
        if variable is not None:
            yield Item(variable, match[2] if is_known else None)
