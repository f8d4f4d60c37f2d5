"""Delegates and their settings: what an extension package defines, and whether settings fit its JSON Schema."""

import re
from collections.abc import Mapping
from typing import Any

from adobe_nb.simulator.documents import strict
from adobe_nb.simulator.problems import conflict

_KINDS = {"events": "events", "conditions": "conditions", "actions": "actions", "dataElements": "data_elements"}


def check(package: Mapping[str, Any], descriptor: str | None, settings: str | None, kinds: tuple[str, ...]) -> None:
    """Whether a package defines that delegate, of one of these kinds, and takes these settings. Raises Problem."""
    pointer = "/data/attributes/settings"
    if descriptor is None:
        if settings is not None and _parsed(settings) != {}:
            detail = "settings need a delegate_descriptor_id that says whose they are."
            raise conflict("delegate-descriptor-unresolved", detail, "/data/attributes/delegate_descriptor_id")
        return
    schema = _schema(package, descriptor, kinds)
    value = _parsed("{}" if settings is None else settings)
    if not isinstance(value, dict):
        raise conflict("invalid-settings-syntax", "settings is the text of a JSON object.", pointer)
    problem = _problem(value, schema) if schema is not None else None
    if problem:
        raise conflict("invalid-settings", f"settings do not fit {descriptor}: {problem}", pointer)


def _schema(package: Mapping[str, Any], descriptor: str, kinds: tuple[str, ...]) -> dict[str, Any] | None:
    """The schema of a delegate; None when the package does not say."""
    pointer = "/data/attributes/delegate_descriptor_id"
    parts = descriptor.split("::")
    if len(parts) != 3 or parts[0] != package["name"] or parts[1] not in kinds:
        detail = f"{descriptor} is no delegate of {package['name']} that fits here ({', '.join(kinds)})."
        raise conflict("delegate-descriptor-unresolved", detail, pointer)
    if parts[1] == "extensionConfiguration":
        found = package["configuration"]
        if not found or parts[2] != "config":
            raise conflict("delegate-descriptor-unresolved", f"{package['name']} has no configuration.", pointer)
    else:
        found = next((each for each in package[_KINDS[parts[1]]] or () if each.get("name") == parts[2]), None)
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
    """What is wrong with the value, in a sentence; None when nothing is, or the schema itself cannot be used."""
    from jsonschema import Draft4Validator  # noqa: PLC0415 - with its format extras it costs seconds
    from jsonschema.exceptions import SchemaError, best_match  # noqa: PLC0415
    from jsonschema.validators import validator_for  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    try:
        validator = validator_for(schema, default=Draft4Validator)
        validator.check_schema(schema)
        # A registry of our own, so that no reference is ever fetched.
        error = best_match(validator(schema, registry=Registry()).iter_errors(value))
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
    return None if error is None else f"{error.message[:200]} at {'/'.join(map(str, error.absolute_path)) or 'the top'}"
