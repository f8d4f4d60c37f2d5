"""Delegates and their settings: what an extension package defines, and whether settings fit its
JSON Schema.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from adobe_nb.simulator.documents import strict
from adobe_nb.simulator.manifests import PARTLY_KNOWN
from adobe_nb.simulator.problems import conflict

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_MOST_CAUSES = 3
_LONGEST = 100
_KINDS = {
    "events": "events",
    "conditions": "conditions",
    "actions": "actions",
    "dataElements": "data_elements",
}


def check(
    package: Mapping[str, Any], descriptor: str | None, settings: str | None, kinds: tuple[str, ...]
) -> None:
    """Whether a package defines that delegate, of one of these kinds, and takes these settings.
    Raises Problem.
    """
    pointer = "/data/attributes/settings"
    if descriptor is None:
        if settings is not None and _parsed(settings) != {}:
            detail = "settings need a delegate_descriptor_id that says whose they are."
            raise conflict(
                "delegate-descriptor-unresolved", detail, "/data/attributes/delegate_descriptor_id"
            )
        return
    schema = _schema(package, descriptor, kinds)
    value = _parsed("{}" if settings is None else settings)
    if not isinstance(value, dict):
        raise conflict("invalid-settings-syntax", "settings is the text of a JSON object.", pointer)
    problem = _problem(value, schema) if schema is not None else None
    if problem:
        raise conflict("invalid-settings", f"settings do not fit {descriptor}: {problem}", pointer)


def _schema(
    package: Mapping[str, Any], descriptor: str, kinds: tuple[str, ...]
) -> dict[str, Any] | None:
    """The schema of a delegate; None when the package does not say."""
    pointer = "/data/attributes/delegate_descriptor_id"
    parts = descriptor.split("::")
    if len(parts) != 3 or parts[0] != package["name"] or parts[1] not in kinds:
        detail = (
            f"{descriptor} is no delegate of {package['name']} that fits here ({', '.join(kinds)})."
        )
        raise conflict("delegate-descriptor-unresolved", detail, pointer)
    if parts[1] == "extensionConfiguration":
        found = package["configuration"]
        if not found or parts[2] != "config":
            raise conflict(
                "delegate-descriptor-unresolved",
                f"{package['name']} has no configuration.",
                pointer,
            )
    else:
        found = next(
            (each for each in package[_KINDS[parts[1]]] or () if each.get("name") == parts[2]), None
        )
        if found is None and (package["platform"], package["name"]) in PARTLY_KNOWN:
            return None
        if found is None:
            detail = f"{package['name']} {package['version']} defines no {descriptor}."
            raise conflict("delegate-descriptor-unresolved", detail, pointer)
    schema = found.get("schema")
    return schema if isinstance(schema, dict) else None


def _parsed(text: str) -> object:
    try:
        return strict(text)
    except ValueError:
        detail = "settings is no readable JSON."
    raise conflict("invalid-settings-syntax", detail, "/data/attributes/settings")


def _problem(value: dict[str, Any], schema: dict[str, Any]) -> str | None:
    """What is wrong with the value, in a sentence; None when nothing is, or the schema itself
    cannot be used.
    """
    from jsonschema import Draft4Validator  # noqa: PLC0415 - with its format extras it costs seconds
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415
    from jsonschema.validators import validator_for  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    try:
        validator = validator_for(schema, default=Draft4Validator)
        validator.check_schema(schema)
        # A registry of our own, so that no reference is ever fetched.
        errors = list(validator(schema, registry=Registry()).iter_errors(value))
        causes = [_sentence(error) for error in _causes(errors)]
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
    return "; ".join(list(dict.fromkeys(causes))[:_MOST_CAUSES]) or None


def _causes(errors: Iterable["ValidationError"]) -> list["ValidationError"]:
    """The errors behind these. Of alternatives (oneOf, anyOf) only those of the alternative that
    was meant count.
    """
    causes: list[ValidationError] = []
    for error in errors:
        alternatives: dict[object, list[ValidationError]] = {}
        for inner in error.context or ():
            alternatives.setdefault(inner.relative_schema_path[0], []).append(inner)
        if alternatives:
            causes += _meant([_causes(each) for each in alternatives.values()])
        else:
            causes.append(error)
    return causes


def _meant(alternatives: list[list["ValidationError"]]) -> list["ValidationError"]:
    """The errors of the alternative that comes closest: a choice that does not fit speaks most
    against one.
    """
    choices = [
        {tuple(error.absolute_path): error for error in errors if error.validator == "enum"}
        for errors in alternatives
    ]
    shared = [path for path in choices[0] if all(path in each for each in choices)]
    if not shared:
        return min(alternatives, key=_distance)
    # Whichever alternative was meant, this member has a value that none of them knows: tell all
    # that it may be.
    same = [each[shared[0]] for each in choices]
    limits: list[Any] = [error.validator_value for error in same]
    same[0].validator_value = list(dict.fromkeys(value for limit in limits for value in limit))
    return same[:1]


def _distance(errors: list["ValidationError"]) -> tuple[int, ...]:
    kinds = [error.validator for error in errors]
    return kinds.count("enum"), kinds.count("additionalProperties"), kinds.count("type"), len(kinds)


_LIMITS = {
    "pattern": "which does not match",
    "minimum": "and must be at least",
    "maximum": "and must be at most",
}
"""What follows the value, and precedes the limit that it breaks."""


def _sentence(error: "ValidationError") -> str:
    """What is wrong, and with which member."""
    member = _name(error.absolute_path) or "settings"
    limit: Any = error.validator_value
    value: Any = error.instance
    if error.validator == "required":
        missing = [_name([*error.absolute_path, name]) for name in limit if name not in value]
        return " and ".join(f"{name} is missing" for name in missing)
    if error.validator == "additionalProperties" and isinstance(value, dict):
        return _unknown_members(error)
    if error.validator == "enum":
        return f"{member} is {_shown(value)}, and must be one of {', '.join(map(_shown, limit))}"
    if error.validator == "type":
        expected = limit if isinstance(limit, str) else " or ".join(limit)
        return f"{member} is {_shown(value)}, and must be of type {expected}"
    if error.validator in {"minLength", "minItems"} and limit == 1:
        return f"{member} is empty"
    if error.validator in _LIMITS:
        return f"{member} is {_shown(value)}, {_LIMITS[error.validator]} {limit}"
    if error.validator == "oneOf":
        return f"{member} fits several of the forms that exclude each other"
    return f"{member}: {error.message[:_LONGEST]}"


def _unknown_members(error: "ValidationError") -> str:
    schema: Any = error.schema
    value: Any = error.instance
    known = schema.get("properties", {})
    unknown = [_name([*error.absolute_path, name]) for name in value if name not in known]
    allowed = f"allowed are {', '.join(known)}" if known else "none is allowed"
    return f"unknown member {', '.join(unknown)} ({allowed})"


def _name(path: Iterable[str | int]) -> str:
    """``paths[0].value``."""
    return "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in path
    ).removeprefix(".")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
