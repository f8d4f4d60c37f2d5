"""The names of Adobe Analytics variables: families, ranges, and how people write them."""

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

Family = Literal["eVar", "prop", "event", "list", "hier", "products", "page", "xdm", "contextData"]
Problem = Literal["", "misspelled", "out of range"]
RANGES: Mapping[str, int] = {"eVar": 250, "prop": 75, "event": 1000, "list": 3, "hier": 5}
"""The highest number of each family that has numbers."""
COMMERCE_EVENTS = (
    "prodView",
    "purchase",
    "scAdd",
    "scCheckout",
    "scOpen",
    "scRemove",
    "scView",
)
PAGE = (
    "campaign",
    "channel",
    "currencyCode",
    "pageName",
    "pageType",
    "pageURL",
    "purchaseID",
    "referrer",
    "server",
    "state",
    "transactionID",
    "visitorID",
    "zip",
)
_FAMILIES = {family.lower(): family for family in RANGES}
_NUMBERED = re.compile(r"(eVar|prop|list|hier|event)(0*(\d{1,9}))", re.IGNORECASE | re.ASCII)
_PLAIN: Mapping[str, Family] = {"products": "products", **dict.fromkeys(PAGE, "page")}
_EVENTS: Mapping[str, Family] = dict.fromkeys(COMMERCE_EVENTS, "event")
_LOWER = {name.lower(): name for name in (*_PLAIN, *_EVENTS)}
# The keys of a request, which the data object of Web SDK and copies understand, too.
_SHORT_FAMILIES = {"v": "eVar", "c": "prop", "l": "list", "h": "hier"}
_SHORT_NUMBERED = re.compile(r"([vclh])([1-9]\d*)", re.ASCII)
_SHORT = {
    "cc": "currencyCode",
    "ch": "channel",
    "g": "pageURL",
    "gn": "pageName",
    "pl": "products",
    "r": "referrer",
    "v0": "campaign",
    "xact": "transactionID",
}
# What stands in quotes in a copy is text: D=v10+":"+c3.
_IN_COPY = re.compile(r"\"[^\"]*\"|'[^']*'|([A-Za-z]+\d*)")
_SPELLED = re.compile(
    r"(?:variables/|metrics/|s\.)?\s*"
    r"(?P<family>e[\s-]?vars?|v|props?|c|events?|e|list(?:\s?var(?:iable)?)?s?|l|mvvar"
    r"|hier(?:archy)?|h)"
    r"[\s_.#-]*0*(?P<number>\d{1,9})(?![\w.,])",
    re.IGNORECASE | re.ASCII,
)
_SPELLED_FAMILIES = {"e": "eVar", "v": "eVar", "p": "prop", "c": "prop", "l": "list", "m": "list"}
# Names of reports, and the ids of their dimensions and metrics.
_SPELLED_NAMES = {
    "cartadditions": "scAdd",
    "cartremovals": "scRemove",
    "carts": "scOpen",
    "cartviews": "scView",
    "checkouts": "scCheckout",
    "currency": "currencyCode",
    "orders": "purchase",
    "page": "pageName",
    "product": "products",
    "productviews": "prodView",
    "sitesection": "channel",
    "sitesections": "channel",
    "trackingcode": "campaign",
    "zipcode": "zip",
}


class Variable(NamedTuple):
    """A variable, as its name was written."""

    name: str
    family: Family | None = None
    number: int | None = None
    problem: Problem = ""

    @property
    def is_pattern(self) -> bool:
        """Whether it stands for several variables: ``eVar*``, ``*``."""
        return self.name.endswith("*")

    @property
    def key(self) -> tuple[str | None, int | str]:
        """What two spellings of one variable have in common."""
        return self.family, self.number if self.number is not None else self.name.lower()


EVERYTHING = Variable("*")
ALL_EVENTS = Variable("event*", "event")
EVENTS = Variable("events", "event")
PRODUCTS = Variable("products", "products")


def variable_of(name: str) -> Variable | None:
    """Return the variable that a member of the tracker is; None for other members."""
    variable = _numbered(name) or _by_name(name)
    if variable is None or variable.family == "event":
        return None
    return variable


def event_of(name: str) -> Variable | None:
    """Return the event that an item of ``s.events`` is; None for other texts."""
    variable = _numbered(name) or _by_name(name)
    if variable is None or variable.family != "event":
        return None
    return variable


def item_of(name: str) -> Variable | None:
    """Return what an item of ``linkTrackVars`` names: a variable, an event, or ``events``."""
    if name == EVENTS.name:
        return EVENTS
    if name.startswith("contextData."):
        return context_data(name.removeprefix("contextData."))
    return _numbered(name) or _by_name(name)


def member_of(name: str) -> Variable | None:
    """Return the variable of a key of the data object of Web SDK, where short keys count, too."""
    short = _SHORT_NUMBERED.fullmatch(name)
    if short:
        return _checked(f"{_SHORT_FAMILIES[short[1]]}{short[2]}")
    if name in _SHORT:
        return _by_name(_SHORT[name])
    return variable_of(name)


def context_data(key: str) -> Variable:
    """Return the variable for a key of ``s.contextData``."""
    return Variable(f"contextData.{key}", "contextData")


def family_of(prefix: str) -> Variable | None:
    """Return the variable ``eVar*`` for a name that starts like an eVar and ends unknown."""
    for lower, family in _FAMILIES.items():
        if prefix.lower().startswith(lower):
            return Variable(f"{family}*", family)  # type: ignore[arg-type]
    return None


def is_unmistakable(name: str) -> bool:
    """Return whether hardly anything but a variable has this name, on whatever object."""
    variable = _numbered(name)
    return variable is not None and variable.family != "event" and not variable.problem


def copied(value: str, prefix: str = "D=") -> list[Variable]:
    """Return the variables that a copy such as ``D=v10`` reads; none for other values."""
    if not value.startswith(prefix):
        return []
    words = map(member_of, filter(None, _IN_COPY.findall(value.removeprefix(prefix))))
    return list(dict.fromkeys(filter(None, words)))


def copy_of(name: str, prefix: str = "D=") -> str:
    """Return what the Analytics extension assigns to copy a variable: ``D=v10`` for eVar10."""
    variable = variable_of(name)
    if variable is None or variable.number is None or variable.family not in ("eVar", "prop"):
        return f"{prefix}{name}"
    letter = "v" if variable.family == "eVar" else "c"
    return f"{prefix}{letter}{variable.number}"


def spelled(text: str) -> Variable | None:
    """Return the variable that a person means: eVar005, v5, "Evar 5", "eVar 5 (Visit)", c3, e12."""
    text = text.strip()
    if text.lower().startswith("contextdata."):
        return context_data(text.partition(".")[2])
    if text.startswith("xdm."):
        return Variable(text, "xdm")
    match = _SPELLED.match(text)
    if match:
        name = f"{_spelled_family(match['family'])}{int(match['number'])}"
        return _by_name("campaign") if name == "eVar0" else _checked(name)
    name = re.sub(r"^(variables/|metrics/|s\.)|[\W_]+", "", text.lower())
    return _by_name(_LOWER.get(name) or _SPELLED_NAMES.get(name) or "")


def similar(text: str) -> str | None:
    """Return the variable that a text is probably a typing error of: ``eVar7`` for "evr7"."""
    number = re.sub(r"\D", "", text).lstrip("0")
    names: Iterable[str] = _LOWER.values()
    if number:
        names = [f"{family}{number}" for family in RANGES]
    by_lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(text.strip().lower(), by_lower, n=1, cutoff=0.75)
    if not close:
        return None
    variable = spelled(by_lower[close[0]])
    return variable.name if variable is not None and not variable.problem else None


def _spelled_family(written: str) -> str:
    word = re.sub(r"[\s-]", "", written.lower())
    if word.startswith(("event", "hier")) or word in ("e", "h"):
        return "hier" if word.startswith("h") else "event"
    return _SPELLED_FAMILIES[word[0]]


@lru_cache(maxsize=10_000)
def _numbered(name: str) -> Variable | None:
    match = _NUMBERED.fullmatch(name)
    if match is None:
        return None
    family = _FAMILIES[match[1].lower()]
    variable = _checked(f"{family}{int(match[3])}")
    if variable is None or variable.name == name:
        return variable
    return variable._replace(name=name, problem="misspelled")


def _checked(name: str) -> Variable | None:
    """Return a variable with a number, written as it should be."""
    match = _NUMBERED.fullmatch(name)
    if match is None:
        return None
    family = _FAMILIES[match[1].lower()]
    number = int(match[3])
    problem: Problem = "" if 1 <= number <= RANGES[family] else "out of range"
    return Variable(name, family, number, problem)  # type: ignore[arg-type]


def _by_name(name: str) -> Variable | None:
    known = _LOWER.get(name.lower())
    if known is None:
        return None
    problem: Problem = "" if name == known else "misspelled"
    return Variable(name, _PLAIN.get(known) or _EVENTS.get(known), None, problem)
