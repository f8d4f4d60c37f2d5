"""Which Analytics variable an XDM field fills."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from adobe_nb.analysis.variables.names import Variable, family_of, item_of

_PRODUCTS = "productListItems"


def xdm_variable(path: Sequence[str]) -> Variable:
    """Return the variable of an XDM field; ``xdm.PATH`` for a field that Adobe does not map.

    ``path`` has no indexes of lists. Dimensions and events of a product are those of a hit.
    """
    below = list(path)
    if below[:2] == [_PRODUCTS, "_experience"]:
        below = below[1:]
    for stop in range(len(below), 0, -1):
        field = ".".join(below[:stop])
        if field in _mapping()["fields"]:
            return item_of(_mapping()["fields"][field]) or _unmapped(path)
        if field in _mapping()["named"]:
            return _member(below[stop:]) or _family(below) or _unmapped(path)
    return _unmapped(path)


def _member(below: Sequence[str]) -> Variable | None:
    if not below:
        return None
    return item_of(below[0])


def _family(path: Sequence[str]) -> Variable | None:
    """Return ``eVar*`` for the field that holds all eVars."""
    if ".".join(path) not in _mapping()["named"]:
        return None
    return family_of("prop" if path[-1] == "listProps" else path[-1])


def _unmapped(path: Sequence[str]) -> Variable:
    return Variable(".".join(["xdm", *path]), "xdm")


@cache
def _mapping() -> Mapping[str, Any]:
    text = files("adobe_nb.analysis.variables").joinpath("xdm.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
