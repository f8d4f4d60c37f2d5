"""Filter, sort and page lists as the service does: it ignores what it does not understand."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import starmap
from typing import Any

from adobe_nb.registry import RESOURCES, Resource
from adobe_nb.simulator.store import Record

Query = Sequence[tuple[str, str]]
_Condition = tuple[str, list[str]]
"""Operator and operands."""
_FILTER = re.compile(r"filter\[(\w+)\]")
_OPERATORS = {"EQ", "NOT", "LT", "GT", "CONTAINS", "BETWEEN"}
_DEFAULT_SIZE = 25
_MAX_SIZE = 100


def select(records: Sequence[Record], resource_type: str, query: Query) -> list[Record]:
    """Return the records that match the filters, sorted (by default in order of creation)."""
    row = RESOURCES[resource_type]
    matches = list(records)
    # The last filter of an attribute counts.
    for parameter, text in dict(query).items():
        match = _FILTER.fullmatch(parameter)
        conditions = _conditions(text)
        if match and conditions and _can_filter(row, match[1]):
            matches = [record for record in matches if _matches(record, match[1], conditions)]
    matches.sort(key=lambda record: (record["created_at"], record.id))
    keys = dict(query).get("sort", "").split(",")
    for key in reversed(keys):
        name = key.strip().lstrip("+-")
        if name in row.sortable:
            _sort(matches, name, descending=key.strip().startswith("-"))
    return matches


def page(records: Sequence[Record], query: Query) -> tuple[Sequence[Record], dict[str, Any]]:
    """Return one page of the records and its ``pagination``."""
    size = min(_number(query, "size", _DEFAULT_SIZE), _MAX_SIZE)
    number = _number(query, "number", 1)
    pages = max(1, math.ceil(len(records) / size))
    pagination = {
        "current_page": number,
        "next_page": None,
        "prev_page": None,
        "total_pages": pages,
        "total_count": len(records),
    }
    if number < pages:
        pagination["next_page"] = number + 1
    if number > 1:
        pagination["prev_page"] = number - 1
    return records[(number - 1) * size : number * size], pagination


def sort_key(value: Any, *, descending: bool) -> tuple[bool, int, Any]:
    """Return a key that sorts numbers before texts, and missing values last.

    Use it with ``reverse=descending``: the first member keeps missing values last then too.
    """
    if value is None:
        return not descending, 0, 0
    if isinstance(value, (int, float)):
        return descending, 0, value
    return descending, 1, str(value).casefold()


def _number(query: Query, name: str, default: int) -> int:
    text = dict(query).get(f"page[{name}]", "")
    # Numbers too long for any list count as malformed.
    if re.fullmatch("0{0,9}[1-9][0-9]{0,17}", text):
        return int(text)
    return default


def _can_filter(row: Resource, name: str) -> bool:
    """Return whether a filter takes effect. Adobe documents some without such an attribute."""
    is_shown = name in row.sortable or row.relation(name.removesuffix("_id")) is not None
    return is_shown and name in row.filters


def _conditions(text: str) -> list[_Condition]:
    """Return the conditions in a filter, any of which may hold. A malformed filter has none."""
    operator, _, rest = text.partition(" ")
    if operator not in _OPERATORS or not rest.strip():
        return []
    if operator == "BETWEEN":
        bounds = rest.split(",")
        if len(bounds) != 2:
            return []
        return [("BETWEEN", bounds)]
    conditions = []
    for part in text.split(","):
        value = part.strip()
        head, _, tail = value.partition(" ")
        if head in _OPERATORS and tail:
            operator, value = head, tail
        conditions.append((operator, [value]))
    return conditions


def _matches(record: Record, name: str, conditions: list[_Condition]) -> bool:
    value = record.attributes.get(name)
    if name not in record.attributes:
        _, value = record.to_one.get(name.removesuffix("_id")) or (None, None)
    return any(starmap(partial(_holds, value), conditions))


def _holds(value: Any, operator: str, operands: list[str]) -> bool:
    text = text_of(value)
    if operator == "EQ":
        return text == operands[0]
    if operator == "NOT":
        return text != operands[0]
    if value is None:
        return False
    if operator == "CONTAINS":
        return _is_like(text, operands[0])
    try:
        comparable = _comparable(value, text)
        first, *last = [_comparable(value, operand.strip()) for operand in operands]
        if operator == "LT":
            return bool(comparable < first)
        if operator == "GT":
            return bool(comparable > first)
        return bool(first <= comparable <= last[0])
    except (TypeError, ValueError):
        # A value that cannot be compared matches, as if the filter were missing.
        return True


def _is_like(text: str, pattern: str) -> bool:
    """Match as SQL's LIKE does, on which the service's CONTAINS seems to rely."""
    # Piece by piece: one expression with many .* would take forever on some texts.
    end = 0
    for piece in pattern.split("%"):
        expression = re.escape(piece).replace("_", ".")
        match = re.compile(expression, re.IGNORECASE | re.DOTALL).search(text, end)
        if match is None:
            return False
        end = match.end()
    return True


def text_of(value: Any) -> str:
    """Return a value as a text: constants as in JSON, strings as they are."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _comparable(value: Any, text: str) -> Any:
    """Return the text as a number if the value is one, as a timestamp, or as it is."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(text)
    if re.match(r"\d{4}-\d\d-\d\d", text):
        date = datetime.fromisoformat(text)
        # A date without an offset is UTC.
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        return date.timestamp()
    return text


def _sort(records: list[Record], name: str, *, descending: bool) -> None:
    def key(record: Record) -> tuple[bool, int, Any]:
        return sort_key(record.attributes.get(name), descending=descending)

    records.sort(key=key, reverse=descending)
