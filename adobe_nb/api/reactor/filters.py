"""Filters and sort keys: checked before a request; filters are also checked against the rows.

The service ignores a malformed filter and returns everything, so a mistake would go unnoticed. See
https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/guides/filtering
"""

import math
import operator as operators
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd

from adobe_nb.api.reactor.dates import api_text, in_utc, moment_of, parse
from adobe_nb.api.reactor.inputs import is_null
from adobe_nb.api.reactor.jsonapi import linked_id
from adobe_nb.errors import ArgumentError, IncompleteResult
from adobe_nb.registry import Kind, Resource
from adobe_nb.suggest import did_you_mean

OPERATORS = ("EQ", "NOT", "LT", "GT", "BETWEEN", "CONTAINS")
Scalar = str | bool | int | float | date | datetime
Filter = Mapping[str, "Scalar | Sequence[Scalar]"]
Sort = str | Sequence[str]
Direction = Literal["asc", "desc"]

PAST = datetime(1970, 1, 1, tzinfo=UTC)
FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
"""Before and after everything in the API."""

_SIGNS: Mapping[Direction, str] = {"asc": "", "desc": "-"}
_NULLS = {"null", "nil"}
_MILLISECOND = timedelta(milliseconds=1)
_ORDERED: set[Kind] = {"datetime", "integer", "number"}
_EXPECTED: Mapping[str, str] = {
    "datetime": "a date such as 2026-01-31 or 2026-01-31T12:00:00.000Z",
    "integer": "a number",
    "number": "a number",
    "boolean": "true or false",
}
_COMPARISONS = {
    "EQ": operators.eq,
    "NOT": operators.ne,
    "LT": operators.lt,
    "GT": operators.gt,
}
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_OPERATOR = re.compile(rf"({'|'.join(OPERATORS)}) ")


def eq(*values: Scalar) -> str:
    """Return the filter value "equal to one of these". Case matters.

    Examples
    --------
    >>> eq("web", "mobile")
    'EQ web,EQ mobile'
    """
    return _any_of("EQ", values)


def not_(value: Scalar) -> str:
    """Return the filter value "not equal to this".

    Examples
    --------
    >>> not_("web")
    'NOT web'
    """
    return f"NOT {_encoded(value)}"


def lt(value: Scalar) -> str:
    """Return the filter value "less than this"; for dates, "before this".

    Examples
    --------
    >>> lt(5)
    'LT 5'
    """
    return f"LT {_encoded(value)}"


def gt(value: Scalar) -> str:
    """Return the filter value "greater than this"; for dates, "after this".

    Examples
    --------
    >>> from datetime import date
    >>> gt(date(2026, 1, 31))
    'GT 2026-01-31T00:00:00.000Z'
    """
    return f"GT {_encoded(value)}"


def between(low: Scalar, high: Scalar) -> str:
    """Return the filter value "from low to high".

    Parameters
    ----------
    low, high
        Two dates, two numbers or two strings. A string that is an ISO date counts as a date. As the
        upper bound, a date without a time means the end of that day in UTC; a datetime or Timestamp
        means exactly that time. Times without a time zone are in UTC.

    Raises
    ------
    ArgumentError
        When ``high`` is less than ``low``, or when the bounds cannot be compared.

    Examples
    --------
    >>> from datetime import date
    >>> between(date(2026, 1, 1), date(2026, 1, 31))
    'BETWEEN 2026-01-01T00:00:00.000Z,2026-01-31T23:59:59.999Z'
    """
    # A bare date as the upper bound includes that day.
    end = high
    if isinstance(high, date) and not isinstance(high, datetime):
        end = datetime.combine(high, time.max, UTC)
    low_type, first = _bound(low)
    high_type, last = _bound(end)
    # Only the attribute tells whether two strings are numbers, so any two strings pass.
    both_strings = isinstance(low, str) and isinstance(high, str)
    if low_type != high_type and not both_strings:
        raise ArgumentError(
            f"between({low!r}, {high!r}): the bounds are {low_type} and {high_type}. "
            "Pass two dates, two numbers or two strings."
        )
    if low_type == high_type != "a string" and last < first:
        raise ArgumentError(f"between({low}, {high}): the lower bound must come first.")
    return f"BETWEEN {_encoded(low)},{_encoded(end)}"


def contains(*values: str) -> str:
    """Return the filter value "contains one of these". Case does not matter; ``%`` is a wildcard.

    Examples
    --------
    >>> contains("home", "shop")
    'CONTAINS home,CONTAINS shop'
    """
    return _any_of("CONTAINS", values)


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked filter on one attribute."""

    name: str
    text: str
    """The value as it is sent."""
    kind: Kind | None
    """The kind of the attribute; None if responses do not contain it."""
    alternatives: tuple[tuple[str, tuple[Any, ...]], ...]
    """Operators with their bounds, None for null. A resource must match one of them."""

    @property
    def param(self) -> tuple[str, str]:
        """The query parameter."""
        return f"filter[{self.name}]", self.text


def check_filter(row: Resource, filter: Filter | None) -> tuple[Condition, ...]:
    """Return the conditions of a filter. Raises ArgumentError for what the API would ignore."""
    if filter is None:
        return ()
    if not isinstance(filter, Mapping):
        raise ArgumentError(
            'filter must be a dict, for example filter={"name": "CONTAINS home", "enabled": True}.'
        )
    return tuple(_condition(row, str(name), value) for name, value in filter.items())


def check_sort(row: Resource, sort: Sort | None) -> tuple[str, ...]:
    """Return the sort keys, with ``-`` for descending. Raises ArgumentError."""
    keys = []
    for name, direction in split_sort(sort):
        if name not in row.sortable:
            raise ArgumentError(
                f"{row.type} cannot be sorted by {name!r}.{did_you_mean(name, row.sortable)}"
            )
        keys.append(_SIGNS[direction] + name)
    return tuple(keys)


def split_sort(sort: Sort | None) -> Iterator[tuple[str, Direction]]:
    """Yield the names in ``sort`` with their directions. Raises ArgumentError."""
    if sort is None:
        return
    if isinstance(sort, str):
        sort = sort.split(",")
    if not isinstance(sort, Iterable):
        raise ArgumentError(
            'sort must name attributes, for example sort="-updated_at" or '
            'sort=["name", "-updated_at"].'
        )
    for key in sort:
        name = str(key).strip()
        if name.startswith("-"):
            yield name.lstrip("+-"), "desc"
        else:
            yield name.lstrip("+-"), "asc"


def created_span(conditions: Sequence[Condition]) -> tuple[datetime, datetime] | None:
    """Return the first and the last ``created_at`` that match; None if they are not one span."""
    created = [condition for condition in conditions if condition.name == "created_at"]
    if not created:
        return PAST, FUTURE
    (operator, bounds), *others = created[0].alternatives
    if others or operator in {"NOT", "CONTAINS"} or None in bounds:
        return None
    # The bounds themselves do not match GT and LT; dates in the API have milliseconds.
    if operator == "GT":
        return min(bounds[0], FUTURE) + _MILLISECOND, FUTURE
    if operator == "LT":
        return PAST, max(bounds[0], PAST) - _MILLISECOND
    return bounds[0], bounds[-1]


def check_rows(conditions: Sequence[Condition], resources: Iterable[Mapping[str, Any]]) -> None:
    """Raise IncompleteResult when a resource does not match: the service ignored the filter."""
    for resource in resources:
        for condition in conditions:
            if not _is_match(condition, resource):
                raise IncompleteResult(
                    f"The service did not apply the filter {condition.name}={condition.text!r}: "
                    f"{resource['id']} does not match it. Write the filter differently, or filter "
                    "the frame instead."
                )


def _condition(row: Resource, name: str, value: "Scalar | Sequence[Scalar]") -> Condition:
    if name not in row.filters:
        raise ArgumentError(
            f"{row.type} cannot be filtered by {name!r}.{did_you_mean(name, row.filters)}"
        )
    if isinstance(value, str):
        text = value
        if not _OPERATOR.match(text):
            raise ArgumentError(_missing_operator(name, text))
    elif isinstance(value, Sequence):
        for item in value:
            # The service would compare the condition as a string, and find nothing.
            if isinstance(item, str) and _OPERATOR.match(item):
                raise ArgumentError(
                    f"The list for the filter {name} contains a condition ({item!r}), but a list "
                    "means equal to one of its values. Write alternatives as one string "
                    '("CONTAINS a,CONTAINS b"), and a range as "BETWEEN low,high".'
                )
        text = eq(*value)
    else:
        text = eq(value)
    kinds = {attribute.name: attribute.kind for attribute in row.columns}
    kind = kinds.get(name)
    return Condition(name, text, kind, tuple(_alternatives(name, text, kind)))


def _missing_operator(name: str, text: str) -> str:
    """Return the message for a filter text without an operator."""
    word, _, rest = text.partition(" ")
    operator = word.upper()
    if operator in OPERATORS and rest:
        corrected = f"{operator} {rest}"
        return f"The operator in the filter {name}={text!r} must be uppercase: {corrected!r}."
    if operator == "LIKE":
        corrected = f"CONTAINS {rest}"
        return f"The API does not support LIKE. Use {corrected!r}."
    corrected = f"EQ {text}"
    return (
        f"The filter {name}={text!r} has no operator. Write {corrected!r}, or start with another "
        f"operator and a space: {', '.join(OPERATORS)}."
    )


def _alternatives(name: str, text: str, kind: Kind | None) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the operators in a filter text with their bounds. Raises ArgumentError."""
    label = f"The filter {name}={text!r}"
    check_characters(f"The filter {name}", text)
    for operator, texts in _split(label, text):
        bounds = []
        for bound in texts:
            try:
                bounds.append(_comparable_bound(operator, bound, kind))
            except ValueError:
                expected = _EXPECTED[kind or "text"]
                raise ArgumentError(f"{label} requires {expected}, not {bound!r}.") from None
        is_ordered = operator == "BETWEEN" and kind in _ORDERED and None not in bounds
        if is_ordered and bounds[1] < bounds[0]:
            raise ArgumentError(f"{label}: the lower bound must come first.")
        yield operator, tuple(bounds)


def _split(label: str, text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the operators in a filter text with their bounds as strings."""
    if text.startswith("BETWEEN "):
        bounds = list(map(str.strip, text.removeprefix("BETWEEN ").split(",")))
        if len(bounds) != 2 or "" in bounds:
            raise ArgumentError(f"{label} requires two bounds: BETWEEN low,high.")
        yield "BETWEEN", bounds
        return
    operator = ""
    for part in text.split(","):
        value = part.strip()
        # A part without an operator continues the one before: "EQ a,b".
        if match := _OPERATOR.match(part.lstrip()):
            operator = match[1]
            value = part.lstrip()[match.end() :].strip()
        if not value or operator == "BETWEEN":
            raise ArgumentError(f"{label} has no value after an operator.")
        yield operator, [value]


def _comparable_bound(operator: str, bound: str, kind: Kind | None) -> Any:
    if bound in _NULLS:
        return None
    if operator != "CONTAINS":
        return _comparable(bound, kind)
    # In CONTAINS, % is any text and _ any character.
    pattern = re.escape(bound).replace("%", ".*").replace("_", ".")
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def check_characters(label: str, text: str) -> None:
    """Raise ArgumentError for a string with a lone surrogate, which cannot be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArgumentError(
            f"{label} contains half a character (a lone surrogate). Type it again, or remove it."
        ) from None


def _any_of(operator: str, values: Sequence[Scalar]) -> str:
    if not values:
        # The service would ignore the empty filter and return everything.
        raise ArgumentError("A filter requires at least one value.")
    return ",".join(f"{operator} {_encoded(value)}" for value in values)


def _bound(bound: Scalar) -> tuple[str, Any]:
    """Return the type of a bound, for messages, and its value for comparison."""
    value = _native(bound)
    text = _encoded(bound)
    if isinstance(value, bool):
        raise ArgumentError(
            "between() requires two dates, two numbers or two strings, not True or False."
        )
    if isinstance(value, (int, float)):
        return "a number", value
    if _OPERATOR.match(text):
        raise ArgumentError(
            f"between() adds the operator itself: pass the bare bound instead of {text!r}."
        )
    timestamp = moment_of(text)
    if timestamp is not None and _ISO_DATE.match(text):
        return "a date", timestamp
    return "a string", text


def _encoded(scalar: Scalar) -> str:
    """Return a value as it is sent. Raises ArgumentError."""
    value = _native(scalar)
    # bool is a subclass of int, and datetime of date, so they come first.
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return _timestamp(value)
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00.000Z"
    if not isinstance(value, (str, int, float)):
        raise ArgumentError(
            "A filter value must be a string, number, date, bool or a list of them, "
            f"not {type(value).__name__}."
        )
    text = str(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ArgumentError("A filter value is infinite. Use gt() or lt() for an open range.")
    # In a filter, a comma separates alternatives, and there is no escape for it.
    if "," in text:
        raise ArgumentError(
            f"The API cannot filter by a value with a comma ({text!r}). "
            "Use CONTAINS with a part of it."
        )
    if not text.strip():
        raise ArgumentError("A filter value is empty. Omit the filter, or pass a value.")
    return text


def _timestamp(value: datetime) -> str:
    try:
        return api_text(in_utc(value))
    except ValueError:
        raise ArgumentError(
            f"{value} is outside the calendar in UTC. Use an earlier or later date."
        ) from None


def _native(value: object) -> object:
    """Return numpy's values as Python's. Raises ArgumentError for a missing value."""
    if is_null(value):
        raise ArgumentError('A filter value is missing. To find missing values, use "EQ null".')
    if isinstance(value, np.datetime64):
        return _native(pd.Timestamp(value))
    if isinstance(value, np.generic):
        return value.item()
    return value


def _is_match(condition: Condition, resource: Mapping[str, Any]) -> bool:
    name = condition.name
    attributes = resource.get("attributes") or {}
    if condition.kind is not None and name in attributes:
        value = attributes[name]
    elif name in {"origin_id", "environment_id"}:
        value = linked_id(resource, name.removesuffix("_id")) or None
    else:
        # Some filters, such as copying, are on attributes that responses do not contain.
        return True
    return any(
        _is_within(value, operator, bounds, condition.kind)
        for operator, bounds in condition.alternatives
    )


def _is_within(value: object, operator: str, bounds: tuple[Any, ...], kind: Kind | None) -> bool:
    """Return whether a value matches; if in doubt, it does."""
    is_equality = operator in {"EQ", "NOT"}
    if None in bounds:
        return not is_equality or (value is None) == (operator == "EQ")
    if value is None:
        return operator == "NOT"
    if operator == "CONTAINS":
        return bounds[0].search(str(value)) is not None
    # How the service orders strings is not documented.
    if not is_equality and kind not in _ORDERED:
        return True
    try:
        actual = _comparable(value, kind)
    except ValueError:
        return True
    if operator == "BETWEEN":
        return bool(bounds[0] <= actual <= bounds[1])
    return bool(_COMPARISONS[operator](actual, bounds[0]))


def _comparable(value: object, kind: Kind | None) -> Any:
    """Return a value for comparison. Raises ValueError if it is not of this kind."""
    text = str(value)
    if kind == "datetime":
        return parse(text)
    if kind in _ORDERED:
        return float(text)
    if kind != "boolean":
        return text
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower()
