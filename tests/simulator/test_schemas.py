"""Sentences about values that do not fit a JSON Schema."""

from typing import Any

import pytest

from adobe_nb.simulator.schemas import explain

NUMBERS = {"type": "object", "properties": {"a": {"type": "number", "multipleOf": 2}}}
FORMS = {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ({"a": 4}, NUMBERS, None),
        ({"a": 3}, NUMBERS, "a: 3 is not a multiple of 2"),
        ({"a": 1, "b": 1}, FORMS, "the object matches several forms that exclude each other"),
        ({"c": 1}, {"additionalProperties": False}, "unknown member c (allowed: none)"),
        (
            {"a": {"b": [None]}},
            {"enum": [{}]},
            'the object is {"a": {"b": [null]}} but must be one of {}',
        ),
    ],
)
def test_explanation(value: Any, schema: dict[str, Any], expected: str | None) -> None:
    assert explain(value, schema) == expected


def test_at_most_three_distinct_causes_are_named() -> None:
    schema = {"items": {"type": "string"}, "minItems": 9}
    explanation = explain([1, 2, 3, 4, 5], schema)
    assert explanation is not None
    assert explanation.count(";") == 2


def test_invalid_schema_explains_nothing() -> None:
    assert explain({}, {"type": "fridge"}) is None
