"""Check settings against the delegate of the extension package that they configure."""

from typing import Any

from adobe_nb.simulator.documents import Json, strict
from adobe_nb.simulator.manifests import PARTLY_KNOWN, column
from adobe_nb.simulator.problems import conflict
from adobe_nb.simulator.schemas import explain

_DESCRIPTOR = "/data/attributes/delegate_descriptor_id"
_SETTINGS = "/data/attributes/settings"


def check(
    package: Json,
    descriptor: str | None,
    settings: str | None,
    delegate_types: tuple[str, ...],
) -> None:
    """Raise Problem unless the package has the delegate, and the settings fit its schema.

    ``package`` holds the attributes of an extension package, ``delegate_types`` the types that the
    resource may have.
    """
    if descriptor is None:
        if settings is not None and _parse(settings) != {}:
            raise conflict(
                "delegate-descriptor-unresolved",
                "settings require a delegate_descriptor_id.",
                _DESCRIPTOR,
            )
        return
    schema = _schema(package, descriptor, delegate_types)
    value: object = {}
    if settings is not None:
        value = _parse(settings)
    if not isinstance(value, dict):
        raise conflict(
            "invalid-settings-syntax", "settings must be the JSON text of an object.", _SETTINGS
        )
    # Without a schema, any settings are valid.
    if not isinstance(schema, dict):
        return
    problem = explain(value, schema)
    if problem:
        raise conflict(
            "invalid-settings", f"Invalid settings for {descriptor}: {problem}", _SETTINGS
        )


def _parse(text: str) -> object:
    try:
        return strict(text)
    except ValueError:
        detail = "settings must be valid JSON."
    # Raised outside the except block: the frames of the parser hold the user's settings.
    raise conflict("invalid-settings-syntax", detail, _SETTINGS)


def _schema(package: Json, descriptor: str, delegate_types: tuple[str, ...]) -> object:
    """Return the JSON Schema of a delegate, or None if it is not known."""
    name = package["name"]
    parts = descriptor.split("::")
    if len(parts) != 3 or parts[0] != name or parts[1] not in delegate_types:
        expected = " or ".join(f"{name}::{delegate_type}::…" for delegate_type in delegate_types)
        raise conflict(
            "delegate-descriptor-unresolved",
            f"Invalid delegate {descriptor}: expected {expected}.",
            _DESCRIPTOR,
        )
    _, delegate_type, delegate_name = parts
    for delegate in _delegates(package, delegate_type):
        if delegate.get("name") == delegate_name:
            return delegate.get("schema")
    is_complete = (package["platform"], name) not in PARTLY_KNOWN
    if is_complete or delegate_type == "extensionConfiguration":
        raise conflict(
            "delegate-descriptor-unresolved",
            f"{name} {package['version']} does not define {descriptor}.",
            _DESCRIPTOR,
        )
    return None


def _delegates(package: Json, delegate_type: str) -> list[dict[str, Any]]:
    if delegate_type != "extensionConfiguration":
        return package[column(delegate_type)] or []
    configuration = package["configuration"]
    if not configuration:
        return []
    return [{**configuration, "name": "config"}]
