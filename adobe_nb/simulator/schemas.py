"""Explain in a sentence why a value does not fit a JSON Schema."""

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_MAX_CAUSES = 3
_MAX_LENGTH = 100
_REQUIREMENTS = {
    "pattern": "must match",
    "minimum": "must be at least",
    "maximum": "must be at most",
    "enum": "must be one of",
    "type": "must be of type",
}


def explain(value: Any, schema: dict[str, Any]) -> str | None:
    """Return what is wrong with the value; None if it is valid, or if the schema is not."""
    # jsonschema takes long to import, and most simulators never need it.
    from jsonschema import Draft4Validator  # noqa: PLC0415
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415
    from jsonschema.validators import validator_for  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    try:
        validator = validator_for(schema, default=Draft4Validator)
        validator.check_schema(schema)
        # An empty registry: references to other documents must never be fetched.
        errors = _causes(validator(schema, registry=Registry()).iter_errors(value))
        sentences = list(dict.fromkeys(map(_sentence, errors)))
    # Uploaded schemas can be malformed in ways that jsonschema does not expect.
    except (
        SchemaError,
        Unresolvable,
        re.error,
        RecursionError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
    ):
        return None
    return "; ".join(sentences[:_MAX_CAUSES]) or None


def _causes(errors: Iterable["ValidationError"]) -> list["ValidationError"]:
    """Return the errors of the intended alternative behind those of ``oneOf`` and ``anyOf``."""
    causes: list[ValidationError] = []
    for error in errors:
        alternatives: dict[object, list[ValidationError]] = {}
        for inner in error.context or ():
            alternatives.setdefault(inner.relative_schema_path[0], []).append(inner)
        if alternatives:
            causes += _intended(list(map(_causes, alternatives.values())))
        else:
            causes.append(error)
    return causes


def _intended(alternatives: list[list["ValidationError"]]) -> list["ValidationError"]:
    """Return the errors of the closest alternative, or the choice that rules out all of them."""
    first, *others = map(_choices, alternatives)
    shared = set(first).intersection(*others)
    for path, error in first.items():
        if path in shared:
            # No alternative knows this value, so the message lists the choices of all of them.
            for choices in others:
                error.validator_value = [*error.validator_value, *choices[path].validator_value]
            error.validator_value = list(dict.fromkeys(error.validator_value))
            return [error]
    return min(alternatives, key=_distance)


def _choices(errors: list["ValidationError"]) -> dict[tuple[str | int, ...], Any]:
    """Return the errors about a wrong choice, by the path of the value."""
    return {tuple(error.absolute_path): error for error in errors if error.validator == "enum"}


def _distance(errors: list["ValidationError"]) -> tuple[int, ...]:
    # A wrong choice is the strongest sign that another alternative was intended.
    broken = [error.validator for error in errors]
    return (
        broken.count("enum"),
        broken.count("additionalProperties"),
        broken.count("type"),
        len(broken),
    )


def _sentence(error: "ValidationError") -> str:
    member = _name(error.absolute_path) or "the object"
    rule: Any = error.validator
    limit: Any = error.validator_value
    if rule == "required":
        return _missing_members(error)
    if rule == "additionalProperties":
        return _unknown_members(error)
    if rule in {"minLength", "minItems"} and limit == 1:
        return f"{member} is empty"
    if rule == "oneOf":
        return f"{member} matches several forms that exclude each other"
    if rule in _REQUIREMENTS:
        requirement = f"{_REQUIREMENTS[rule]} {_listed(rule, limit)}"
        return f"{member} is {_shorten(error.instance)} but {requirement}"
    return f"{member}: {error.message[:_MAX_LENGTH]}"


def _listed(rule: str, limit: Any) -> str:
    if rule == "enum":
        return ", ".join(map(_shorten, limit))
    if isinstance(limit, list):
        return " or ".join(limit)
    return str(limit)


def _missing_members(error: "ValidationError") -> str:
    required: Any = error.validator_value
    value: Any = error.instance
    missing = []
    for name in required:
        if name not in value:
            missing.append(f"{_name([*error.absolute_path, name])} is missing")
    return " and ".join(missing)


def _unknown_members(error: "ValidationError") -> str:
    schema: Any = error.schema
    value: Any = error.instance
    allowed = schema.get("properties", {})
    unknown = [_name([*error.absolute_path, name]) for name in value if name not in allowed]
    return f"unknown member {', '.join(unknown)} (allowed: {', '.join(allowed) or 'none'})"


def _name(path: Iterable[str | int]) -> str:
    """Return a path as in ``paths[0].value``."""
    name = ""
    for step in path:
        if isinstance(step, int):
            name += f"[{step}]"
        else:
            name += f".{step}"
    return name.removeprefix(".")


def _shorten(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > _MAX_LENGTH:
        return text[:_MAX_LENGTH] + "…"
    return text
