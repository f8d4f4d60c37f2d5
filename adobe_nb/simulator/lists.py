"""Filter, sort and page a list as the service does: what it does not understand, it ignores."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from adobe_nb.registry import RESOURCES, Resource
from adobe_nb.simulator.store import Record

Query = Sequence[tuple[str, str]]
_FILTER = re.compile(r"filter\[(\w+)\]")
_OPERATORS = {"EQ", "NOT", "LT", "GT", "CONTAINS", "BETWEEN"}
_MOST = 100


def select(records: Sequence[Record], resource_type: str, query: Query) -> list[Record]:
    """The records that match the filters, in the order asked for (default: by creation)."""
    row = RESOURCES[resource_type]
    matching = list(records)
    for name, text in _filters(query).items():
        conditions = _conditions(text)
        if name in row.filters and conditions and _is_attribute(row, name):
            matching = [record for record in matching if _matches(record, name, conditions)]
    return _sorted(matching, row, dict(query).get("sort", ""))


def page(records: Sequence[Record], query: Query) -> tuple[Sequence[Record], dict[str, Any]]:
    """One page, and the pagination block about it."""
    asked = dict(query)
    size = min(_whole(asked.get("page[size]"), 25), _MOST)
    number = page_number(query)
    pages = max(1, math.ceil(len(records) / size))
    return records[(number - 1) * size : number * size], {
        "current_page": number,
        "next_page": number + 1 if number < pages else None,
        "prev_page": number - 1 if number > 1 else None,
        "total_pages": pages,
        "total_count": len(records),
    }


def page_number(query: Query) -> int:
    """The number of the page that is asked for."""
    return _whole(dict(query).get("page[number]"), 1)


def _whole(text: str | None, default: int) -> int:
    """A whole number above 0; of what is absurdly long, or none, the default."""
    return (
        int(text) if text is not None and re.fullmatch("0{0,9}[1-9][0-9]{0,17}", text) else default
    )


def _filters(query: Query) -> dict[str, str]:
    """Attribute to text; of the same attribute twice, the last one counts."""
    return {match[1]: value for name, value in query if (match := _FILTER.fullmatch(name))}


def _conditions(text: str) -> list[tuple[str, list[str]]]:
    """Operator and values, any of which may match; empty when malformed."""
    operator, _, rest = text.partition(" ")
    if operator not in _OPERATORS or not rest.strip():
        return []
    if operator == "BETWEEN":
        bounds = rest.split(",")
        return [("BETWEEN", bounds)] if len(bounds) == 2 else []
    found = []
    for part in text.split(","):
        head, _, tail = part.strip().partition(" ")
        if head in _OPERATORS and tail:
            operator, value = head, tail
        else:
            value = part.strip()
        found.append((operator, [value]))
    return found


def _is_attribute(row: Resource, name: str) -> bool:
    return row.relation(name.removesuffix("_id")) is not None or any(
        attribute.name == name for attribute in row.columns
    )


def _value(record: Record, name: str) -> Any:
    if name.endswith("_id") and name not in record.attributes:
        target = record.to_one.get(name.removesuffix("_id"))
        return target[1] if target else None
    return record.attributes.get(name)


def _matches(record: Record, name: str, conditions: list[tuple[str, list[str]]]) -> bool:
    value = _value(record, name)
    return any(_holds(operator, value, bounds) for operator, bounds in conditions)


def _holds(operator: str, value: Any, bounds: list[str]) -> bool:
    if operator == "EQ":
        return _text(value) == bounds[0]
    if operator == "NOT":
        return _text(value) != bounds[0]
    if value is None:
        return False
    if operator == "CONTAINS":
        return _is_like(_text(value), bounds[0])
    try:
        mine, theirs = (
            _ordered(value, _text(value)),
            [_ordered(value, bound.strip()) for bound in bounds],
        )
        if operator == "BETWEEN":
            return bool(theirs[0] <= mine <= theirs[1])
        return bool(mine < theirs[0]) if operator == "LT" else bool(mine > theirs[0])
    except (TypeError, ValueError):  # not comparable: as if the filter were not there
        return True


def _is_like(text: str, wanted: str) -> bool:
    """SQL's LIKE, piece by piece: one expression with many ``.*`` would take for ever on what does
    not match.
    """
    at = 0
    for piece in wanted.split("%"):
        pattern = "".join("." if mark == "_" else re.escape(mark) for mark in piece)
        found = re.compile(pattern, re.IGNORECASE | re.DOTALL).search(text, at)
        if found is None:
            return False
        at = found.end()
    return True


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _ordered(like: Any, text: str) -> Any:
    """The text as something that has an order: number, date, or the text itself."""
    if isinstance(like, (int, float)) and not isinstance(like, bool):
        return float(text)
    if re.match(r"\d{4}-\d\d-\d\d", text):
        moment = datetime.fromisoformat(text)
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()
    return text


def _sorted(records: list[Record], row: Resource, text: str) -> list[Record]:
    keys = [key.strip() for key in text.split(",") if key.strip().lstrip("+-") in row.sortable] or [
        "created_at"
    ]
    result = sorted(records, key=lambda record: (record.attributes["created_at"], record.id))
    for key in reversed(keys):
        name = key.lstrip("+-")
        present = [record for record in result if record.attributes.get(name) is not None]
        missing = [record for record in result if record.attributes.get(name) is None]
        present.sort(
            key=lambda record: _sort_key(record.attributes[name]), reverse=key.startswith("-")
        )
        result = present + missing
    return result


def _sort_key(value: Any) -> Any:
    """Numbers before texts, where an attribute may be either."""
    if isinstance(value, (int, float)):
        return 0, value
    return 1, (value if isinstance(value, str) else str(value)).casefold()
