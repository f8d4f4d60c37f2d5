"""Filters: what may be asked, how it is written, and whether a row really matches.

The service ignores a malformed filter and answers with everything, so filters are checked before
the wire and rows after it. Source:
https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/guides/filtering
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from adobe_nb.api.reactor.dates import in_utc, moment_of, parse
from adobe_nb.errors import ArgumentError, IncompleteResult
from adobe_nb.registry import Attribute, Kind, Resource
from adobe_nb.suggest import did_you_mean

OPERATORS = ("EQ", "NOT", "LT", "GT", "BETWEEN", "CONTAINS")
Scalar = str | bool | int | float | date | datetime
Filter = Mapping[str, "Scalar | Sequence[Scalar]"]
Sort = str | Sequence[str]

_NULLS = {"null", "nil"}
_SPANS = {"EQ", "GT", "LT", "BETWEEN"}
_MOMENT = timedelta(milliseconds=1)
PAST = datetime(1970, 1, 1, tzinfo=UTC)
FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
"""Before and after everything in the API."""
_NEEDS: Mapping[Kind, str] = {
    "datetime": "a date such as 2026-01-31 or 2026-01-31T12:00:00.000Z",
    "integer": "a number",
    "number": "a number",
    "boolean": "true or false",
}
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_OPERATOR = re.compile(rf"({'|'.join(OPERATORS)}) ")


def eq(*values: Scalar) -> str:
    """``eq("web", "mobile")``: equal to one of these, with case."""
    return ",".join(f"EQ {_plain(value)}" for value in _some(values))


def not_(value: Scalar) -> str:
    """Different from this."""
    return f"NOT {_plain(value)}"


def lt(value: Scalar) -> str:
    """Less than this; for dates, before it."""
    return f"LT {_plain(value)}"


def gt(value: Scalar) -> str:
    """Greater than this; for dates, after it."""
    return f"GT {_plain(value)}"


def between(low: Scalar, high: Scalar) -> str:
    """From low to high. A date without a time as the upper bound means to the end of that day
    (UTC).

    A datetime or a Timestamp is that moment, also at midnight; without a zone it is UTC. Raises
    ArgumentError when high is before low, and for bounds that are not both dates, both numbers or
    both texts. A text that is an ISO date counts as a date.
    """
    kinds = [_bound_kind(low), _bound_kind(high)]
    texts = isinstance(low, str) and isinstance(high, str)
    if kinds[0] != kinds[1] and not texts:
        raise ArgumentError(
            f"between({low!r}, {high!r}): the bounds are {kinds[0]} and {kinds[1]}. Give two dates, two numbers or two "
            "texts."
        )
    end = high
    if isinstance(high, date) and not isinstance(high, datetime):
        end = datetime(high.year, high.month, high.day, 23, 59, 59, 999000, tzinfo=UTC)
    if kinds[0] == kinds[1] != "a text" and _is_before(end, low):
        raise ArgumentError(f"between({low}, {high}): the lower bound comes first.")
    return f"BETWEEN {_plain(low)},{_plain(end)}"


def _bound_kind(bound: Scalar) -> str:
    value = _python(bound)
    if isinstance(value, bool):
        raise ArgumentError(
            "between() takes two dates, two numbers or two texts, not True or False."
        )
    if isinstance(value, date):
        return "a date"
    if isinstance(value, (int, float)):
        return "a number"
    text = _plain(bound)
    if _OPERATOR.match(text):
        raise ArgumentError(
            f"between() writes the operator itself: give the bare bound instead of {text!r}."
        )
    # A number as a text may be compared as a text: only the attribute tells.
    return "a date" if _ISO_DATE.match(text) and moment_of(text) is not None else "a text"


def _is_before(one: Scalar, other: Scalar) -> bool:
    first, second = _python(one), _python(other)
    if isinstance(first, (int, float)) and isinstance(second, (int, float)):
        return first < second
    earlier, later = moment_of(_plain(one)), moment_of(_plain(other))
    return earlier is not None and later is not None and earlier < later


def contains(*values: str) -> str:
    """Has one of these somewhere in it; case does not matter, and ``%`` stands for anything."""
    return ",".join(f"CONTAINS {_plain(value)}" for value in _some(values))


@dataclass(frozen=True, slots=True)
class Condition:
    """One checked filter: the attribute, the text on the wire, and its alternatives (any of them
    suffices).
    """

    name: str
    text: str
    alternatives: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def param(self) -> tuple[str, str]:
        """The query parameter."""
        return f"filter[{self.name}]", self.text


def check_filter(row: Resource, given: Filter | None) -> tuple[Condition, ...]:
    """The filter as conditions. Raises ArgumentError for an unknown attribute, operator or value.
    """
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise ArgumentError(
            'filter takes a dict, as in filter={"name": "CONTAINS home", "enabled": True}.'
        )
    return tuple(_condition(row, str(name), value) for name, value in given.items())


def check_sort(row: Resource, given: Sort | None) -> tuple[str, ...]:
    """The sort keys, each with ``-`` for descending or nothing. Raises ArgumentError for an unknown
    attribute.
    """
    if given is None:
        return ()
    if not isinstance(given, Iterable):
        raise ArgumentError(
            'sort names attributes, as in sort="-updated_at" or sort=["name", "-updated_at"].'
        )
    keys = given.split(",") if isinstance(given, str) else list(given)
    checked = []
    for key in keys:
        name = str(key).strip()
        bare = name.lstrip("+-")
        if bare not in row.sortable:
            raise ArgumentError(
                f"{row.type} cannot be sorted by {bare or 'nothing'!r}.{did_you_mean(bare, row.sortable)}"
            )
        checked.append(f"-{bare}" if name.startswith("-") else bare)
    return tuple(checked)


def span_of(condition: Condition) -> tuple[datetime, datetime] | None:
    """What a condition on ``created_at`` leaves, both ends included; None when that is not one
    span.
    """
    if len(condition.alternatives) != 1:
        return None
    operator, bounds = condition.alternatives[0]
    if operator not in _SPANS or _NULLS & set(bounds):
        return None
    moments = [_comparable(bound, "datetime") for bound in bounds]
    if operator == "GT":
        return min(moments[0], FUTURE) + _MOMENT, FUTURE
    if operator == "LT":
        return PAST, max(moments[0], PAST) - _MOMENT
    return moments[0], moments[-1]


def check_rows(
    row: Resource, conditions: Sequence[Condition], resources: Iterable[Mapping[str, Any]]
) -> None:
    """Raise IncompleteResult when a resource does not match: the service has ignored the filter."""
    columns = {attribute.name: attribute for attribute in row.columns}
    for resource in resources:
        for condition in conditions:
            value, column = _value(resource, condition.name, columns)
            if column is not None and not _matches(condition, value, column.kind):
                raise IncompleteResult(
                    f"The service did not apply the filter {condition.name}={condition.text!r}: {resource['id']} does "
                    "not match it. Write the filter differently, or filter the frame instead."
                )


def _condition(row: Resource, name: str, value: "Scalar | Sequence[Scalar]") -> Condition:
    if name not in row.filters:
        raise ArgumentError(
            f"{row.type} cannot be filtered by {name!r}.{did_you_mean(name, row.filters)}"
        )
    if isinstance(value, str):
        text = value
        if not _OPERATOR.match(text):
            raise ArgumentError(_no_operator(name, text))
    elif isinstance(value, Sequence):
        _refuse_conditions(name, value)
        text = eq(*value)
    else:
        text = eq(value)
    condition = Condition(name, text, _alternatives(name, text))
    _check_bounds(row, condition)
    return condition


def _check_bounds(row: Resource, condition: Condition) -> None:
    """What cannot be read as the attribute's kind, the service would ignore or never match."""
    kind: Kind = next((each.kind for each in row.columns if each.name == condition.name), "text")
    for operator, bounds in condition.alternatives:
        for bound in bounds:
            if operator == "CONTAINS" or bound in _NULLS:
                continue
            try:
                _comparable(bound, kind)
            except ValueError:
                pass
            else:
                continue
            raise ArgumentError(
                f"The filter {condition.name}={condition.text!r} needs {_NEEDS[kind]}, not {bound!r}."
            )
        _check_order(condition, operator, bounds, kind)


def _check_order(condition: Condition, operator: str, bounds: tuple[str, ...], kind: Kind) -> None:
    if (
        operator != "BETWEEN"
        or kind not in {"datetime", "integer", "number"}
        or _NULLS & set(bounds)
    ):
        return
    low, high = (_comparable(bound, kind) for bound in bounds)
    if high < low:
        raise ArgumentError(
            f"The filter {condition.name}={condition.text!r}: the lower bound comes first."
        )


def _no_operator(name: str, text: str) -> str:
    word, _, rest = text.partition(" ")
    if word.upper() in OPERATORS and rest:
        return f"The operator in the filter {name}={text!r} is written in capitals: {word.upper() + ' ' + rest!r}."
    if word.upper() == "LIKE":
        return f"The API has no LIKE (any more). Write {'CONTAINS ' + rest!r}."
    return (
        f"The filter {name}={text!r} has no operator. Write {'EQ ' + text!r}, or begin with one of "
        f"{', '.join(OPERATORS)} and a space."
    )


def _refuse_conditions(name: str, values: Sequence[Any]) -> None:
    """A list means: equal to one of these. Conditions in it would be compared as texts, and match
    nothing.
    """
    first = next(
        (value for value in values if isinstance(value, str) and _OPERATOR.match(value)), None
    )
    if first is not None:
        raise ArgumentError(
            f"The list for the filter {name} holds a condition ({first!r}), but a list means equal to one of them. "
            f'Write alternatives in one text ("CONTAINS a,CONTAINS b"), a range as "BETWEEN low,high".'
        )


def _alternatives(name: str, text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    check_whole(f"The filter {name}", text)
    if text.startswith("BETWEEN "):
        bounds = tuple(part.strip() for part in text.removeprefix("BETWEEN ").split(","))
        if len(bounds) != 2 or not all(bounds):
            raise ArgumentError(f"The filter {name}={text!r} needs two bounds: BETWEEN low,high.")
        return (("BETWEEN", bounds),)
    found: list[tuple[str, tuple[str, ...]]] = []
    operator = ""
    for part in text.split(","):
        match = _OPERATOR.match(part.lstrip())
        operator = match[1] if match else operator
        value = (part.lstrip()[match.end() :] if match else part).strip()
        if not value or operator == "BETWEEN":
            raise ArgumentError(f"The filter {name}={text!r} has no value after an operator.")
        found.append((operator, (value,)))
    return tuple(found)


def _plain(given: Scalar) -> str:
    value = _python(given)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        try:
            moment = in_utc(value)
        except ValueError:
            moment = None
        if moment is None:
            raise ArgumentError(
                f"{value} is outside the calendar in UTC. Give an earlier or later date."
            )
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00.000Z"
    if not isinstance(value, (str, int, float)):
        raise ArgumentError(
            f"A filter value is a text, number, date, bool or a list of those, not {type(value).__name__}."
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise ArgumentError("A filter value is infinite. For an open end use gt() or lt().")
    text = str(value)
    if "," in text:
        raise ArgumentError(
            f"The API cannot filter by a value with a comma ({text!r}). Use CONTAINS and a part."
        )
    if not text.strip():
        raise ArgumentError("A filter value is empty. Leave the filter out, or give it a value.")
    return text


def _python(value: object) -> object:
    """Python's own types for numpy's and pandas'. Raises ArgumentError for a missing value."""
    if (
        value is None
        or value is pd.NaT
        or value is pd.NA
        or (isinstance(value, float) and math.isnan(value))
    ):
        raise ArgumentError(
            'A filter value is missing. To look for missing values, write "EQ null".'
        )
    if isinstance(value, np.datetime64):
        return _python(pd.Timestamp(value))
    return value.item() if isinstance(value, np.generic) else value


def _some(values: Sequence[Any]) -> Sequence[Any]:
    if not values:
        raise ArgumentError(
            "A filter needs at least one value. An empty list would ask for everything."
        )
    return values


def _value(
    resource: Mapping[str, Any], name: str, columns: Mapping[str, Attribute]
) -> tuple[object, Attribute | None]:
    """The value a filter speaks of, or no column where answers do not carry it (``copying``, say).
    """
    attributes = resource.get("attributes") or {}
    if name in attributes and name in columns:
        return attributes[name], columns[name]
    if name in {"origin_id", "environment_id"}:
        linked = (resource.get("relationships") or {}).get(name.removesuffix("_id")) or {}
        return (linked.get("data") or {}).get("id"), Attribute(name, "text", "")
    return None, None


def _matches(condition: Condition, value: object, kind: Kind) -> bool:
    return any(_holds(operator, bounds, value, kind) for operator, bounds in condition.alternatives)


def _holds(operator: str, bounds: tuple[str, ...], value: object, kind: Kind) -> bool:
    """Whether it matches; in doubt yes: the order of texts is the service's own affair."""
    if bounds[0] in _NULLS:
        return (value is None) == (operator == "EQ") or operator not in {"EQ", "NOT"}
    if value is None:
        return operator == "NOT"
    if operator == "CONTAINS":
        return like(bounds[0]).search(str(value)) is not None
    try:
        mine, theirs = _comparable(value, kind), [_comparable(bound, kind) for bound in bounds]
    except (TypeError, ValueError):
        return True
    if operator == "EQ":
        return bool(mine == theirs[0])
    if operator == "NOT":
        return bool(mine != theirs[0])
    if kind not in {"datetime", "integer", "number"}:
        return True
    if operator == "BETWEEN":
        return bool(theirs[0] <= mine <= theirs[1])
    return bool(mine < theirs[0]) if operator == "LT" else bool(mine > theirs[0])


def like(text: str) -> re.Pattern[str]:
    """The pattern of a CONTAINS: no case, ``%`` any run of characters, ``_`` any single one."""
    parts = (".*" if mark == "%" else "." if mark == "_" else re.escape(mark) for mark in text)
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def check_whole(what: str, text: str) -> None:
    """Raise ArgumentError for a text with half a character, a lone surrogate: no request can carry
    it.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ArgumentError(
            f"{what} holds half a character (a lone surrogate). Type it again, or leave it out."
        )


def _comparable(value: object, kind: Kind) -> Any:
    if kind == "datetime":
        return parse(str(value))
    if kind in {"integer", "number"}:
        return float(str(value))
    text = str(value)
    if kind == "boolean" and text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() if kind == "boolean" else text
