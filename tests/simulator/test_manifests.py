"""The public packages have what the demo company uses, and schemas as strict as the real ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema.validators import Draft4Validator, validator_for

from adobe_nb.simulator import demo
from adobe_nb.simulator.data import load
from adobe_nb.simulator.manifests import VERSIONS, manifest

REAL = Path(__file__).parents[3] / "shared" / "reactor" / "extension-manifests"
FILES = {
    ("web", "core"): "core.json",
    ("web", "facebook-pixel"): "facebook-pixel.json",
    ("web", "adobegoogledatalayer"): "googledatalayer.json",
    ("edge", "core"): "core-edge.json",
    ("edge", "adobe-cloud-connector"): "cloud-connector-edge.json",
}
PRIVATE = {"harbor-tools"}
KINDS = ("events", "conditions", "actions", "dataElements")
KNOWN_DIFFERENCES = {
    ("edge", "adobe-cloud-connector", "actions", "send-data"): (
        {"method": "GET", "url": "http://a.()"},
        "The real pattern requires a letter or digit at the end of the host; ours does not.",
    ),
}
"""By delegate: settings that our schema accepts and the real one refuses, and the reason."""

JsonPath = tuple[str | int, ...]
Change = tuple[str, JsonPath, Any]
"""The kind of change, the path of the changed value, and the resulting settings."""


_SAMPLES_FILE = Path(__file__).with_name("valid_settings.json")
SAMPLES: dict[tuple[str, ...], dict[str, dict[str, list[Any]]]] = {
    tuple(package.split("/")): delegates
    for package, delegates in json.loads(_SAMPLES_FILE.read_text(encoding="utf-8")).items()
}
"""Settings that the real extension accepts, by (platform, package), kind and delegate."""

CASES = [
    pytest.param(*package, kind, name, samples, id=f"{package[0]} {package[1]}::{kind}::{name}")
    for package, kinds in SAMPLES.items()
    for kind, delegates in kinds.items()
    for name, samples in delegates.items()
]
for_each_delegate = pytest.mark.parametrize(
    ("platform", "package", "kind", "name", "samples"), CASES
)


# -- manifests and settings


def real(platform: str, package: str) -> dict[str, Any]:
    if not REAL.exists():
        pytest.skip("Adobe's extension manifests are not beside this checkout")
    return json.loads((REAL / FILES[platform, package]).read_text(encoding="utf-8"))


def known(platform: str, package: str, version: str | None = None) -> dict[str, Any]:
    found = manifest(platform, package, version)
    if found is None and package in PRIVATE:
        found = load(f"packages/private-{package}-{version}.json")
    assert found is not None, (platform, package, version)
    return found


def names(document: dict[str, Any]) -> dict[str, list[str]]:
    return {kind: sorted(delegate["name"] for delegate in document.get(kind, ())) for kind in KINDS}


def schema(document: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    if kind == "extensionConfiguration":
        return document["configuration"]["schema"]
    return next(delegate["schema"] for delegate in document[kind] if delegate["name"] == name)


def accepts(schema: dict[str, Any], settings: Any, root: dict[str, Any] | None = None) -> bool:
    validator = validator_for(root or schema, default=Draft4Validator)(root or schema)
    return (validator if root is None else validator.evolve(schema=schema)).is_valid(settings)


def all_schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    for (platform, package), versions in VERSIONS.items():
        for version in versions:
            document = known(platform, package, version)
            if "configuration" in document:
                yield f"{platform} {package} {version}", document["configuration"]["schema"]
            for kind in KINDS:
                yield from (
                    (f"{platform} {package}::{kind}::{delegate['name']}", delegate["schema"])
                    for delegate in document[kind]
                )


def demo_settings() -> Iterator[tuple[str, str, str, str, str, dict[str, Any]]]:
    """Platform, package, version, kind, delegate and settings of each piece of the demo company."""
    for spec in demo.PROPERTIES:
        platform = spec["platform"]
        versions = {extension["name"]: extension["version"] for extension in spec["extensions"]}
        pieces = [*spec["data_elements"]]
        for rule in spec["rules"]:
            pieces += rule["rule_components"]
        for extension in spec["extensions"]:
            name, version = extension["name"], extension["version"]
            if "configuration" in known(platform, name, version) or "settings" in extension:
                settings = extension.get("settings", {})
                yield platform, name, version, "extensionConfiguration", "config", settings
        for piece in pieces:
            package, kind, name = piece["delegate_descriptor_id"].split("::")
            yield platform, package, versions[package], kind, name, piece["settings"]


# -- invalid settings, derived from valid ones


def without(settings: Any, path: JsonPath) -> Any:
    """The settings without one member or item; the rest is shared with them."""
    copied, first, rest = settings.copy(), path[0], path[1:]
    if rest:
        copied[first] = without(settings[first], rest)
    else:
        del copied[first]
    return copied


def replaced(settings: Any, path: JsonPath, value: Any) -> Any:
    """The settings with another or a new value at a path; the rest is shared with them."""
    if not path:
        return value
    copied, first, rest = settings.copy(), path[0], path[1:]
    copied[first] = replaced(settings[first], rest, value) if rest else value
    return copied


def faults(root: dict[str, Any], settings: Any) -> Iterator[Change]:
    """Settings that violate the required members, known members or enumerations of a schema."""
    for part, path, value in _governed(root, root, settings, ()):
        if "enum" in part:
            yield "a wrong choice", path, replaced(settings, path, "no such choice")
        if isinstance(value, dict):
            for member in part.get("required", ()):
                yield f"without {member}", path, without(settings, (*path, member))
            if part.get("additionalProperties") is False:
                yield "an unknown member", path, replaced(settings, (*path, "noSuchMember"), "x")


def _governed(
    root: dict[str, Any], part: dict[str, Any], value: Any, path: JsonPath
) -> Iterator[tuple[dict[str, Any], JsonPath, Any]]:
    """The parts of a schema, each with the value in the settings that it governs."""
    if "$ref" in part:
        part = root["$defs"][part["$ref"].removeprefix("#/$defs/")]
    yield part, path, value
    branches = [branch for key in ("oneOf", "anyOf") for branch in part.get(key, ())]
    fitting = [branch for branch in branches if accepts(branch, value, root)]
    if len(fitting) == 1:  # where two fit, what one of them refuses is still allowed by the other
        yield from _governed(root, fitting[0], value, path)
    if isinstance(value, dict):
        for member in value.keys() & part.get("properties", {}).keys():
            yield from _governed(root, part["properties"][member], value[member], (*path, member))
    if isinstance(value, list) and "items" in part:
        for position, item in enumerate(value):
            yield from _governed(root, part["items"], item, (*path, position))


def variations(settings: Any, choices: set[str]) -> Iterator[Change]:
    """The settings with one part removed, added or replaced, whether that is valid or not."""
    others = ("", "x", "%my element%", "{{my element}}", -1, 0, 2.5, True, None, [], {}, ["x"])
    for path, value in _values(settings, ()):
        yield from (("replaced", path, replaced(settings, path, other)) for other in others)
        if isinstance(value, str) and value in choices:
            yield from (
                ("chosen", path, replaced(settings, path, choice)) for choice in sorted(choices)
            )
        if path:
            yield "removed", path, without(settings, path)
        if isinstance(value, dict):
            yield "added", path, replaced(settings, (*path, "noSuchMember"), "x")


def enumerated(part: Any) -> set[str]:
    """All choices in a schema, wherever they are."""
    if isinstance(part, list):
        return {choice for item in part for choice in enumerated(item)}
    if isinstance(part, dict):
        return {
            *part.get("enum", ()),
            *(choice for item in part.values() for choice in enumerated(item)),
        }
    return set()


def _values(value: Any, path: JsonPath) -> Iterator[tuple[JsonPath, Any]]:
    yield path, value
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for step, part in inner:
        yield from _values(part, (*path, step))


# -- the public packages


def test_versions_of_demo_company_exist() -> None:
    for spec in demo.PROPERTIES:
        for extension in spec["extensions"]:
            if extension["name"] not in PRIVATE:
                assert extension["version"] in VERSIONS[spec["platform"], extension["name"]]


IN_REAL_EXPORTS = {
    "gcoe-adobe-client-data-layer": (
        "events::datalayer-push",
        "dataElements::datalayer-computed-state",
    ),
    "adobe-target-v2": (),
    "context-hub": (),
    "mapping-table": ("dataElements::mapping-table",),
    "reactor-aa-product-string-builder": ("actions::build-product-string",),
    "adobe-mcid": ("dataElements::ecid",),
    "adobe-alloy": ("actions::apply-response",),
}


@pytest.mark.parametrize("package", IN_REAL_EXPORTS)
def test_packages_of_real_exports_accept_any_settings(package: str) -> None:
    document = known("web", package)
    assert document["configuration"]["schema"]
    for delegate in IN_REAL_EXPORTS[package]:
        kind, name = delegate.split("::")
        assert accepts(schema(document, kind, name), {"whatever": [1, {"is": None}]})


def transforms(document: dict[str, Any]) -> dict[str, list[Any]]:
    found = {
        f"{kind}::{delegate['name']}": delegate["transforms"]
        for kind in KINDS
        for delegate in document.get(kind, ())
        if "transforms" in delegate
    }
    configured = document.get("configuration", {}).get("transforms")
    return found | ({"extensionConfiguration::config": configured} if configured else {})


@pytest.mark.parametrize(("platform", "package"), FILES)
def test_transforms_equal_those_of_real_manifest(platform: str, package: str) -> None:
    theirs = real(platform, package)
    assert transforms(known(platform, package, theirs["version"])) == transforms(theirs)


def test_web_sdk_and_analytics_transform_code_in_settings() -> None:
    paths = {
        f"{package}::{delegate}": {
            transform["propertyPath"] for transform in declared if transform["type"] == "function"
        }
        for package in ("adobe-alloy", "adobe-analytics")
        for delegate, declared in transforms(known("web", package)).items()
    }
    assert paths["adobe-alloy::actions::update-variable"] == {"customCode"}
    assert "instances[].onBeforeEventSend" in paths["adobe-alloy::extensionConfiguration::config"]
    assert paths["adobe-analytics::actions::set-variables"] == {"customSetup.source"}
    assert paths["adobe-analytics::extensionConfiguration::config"] == {"customSetup.source"}


def test_versions_are_sorted_and_newest_is_default() -> None:
    for (platform, package), versions in VERSIONS.items():
        assert list(versions) == sorted(
            versions, key=lambda version: [int(part) for part in version.split(".")]
        )
        assert known(platform, package)["version"] == versions[-1]
        assert [known(platform, package, version)["version"] for version in versions] == list(
            versions
        )


@pytest.mark.parametrize(
    "unknown",
    [("web", "adobe-edge"), ("edge", "core", "3.4.4"), ("web", "core", ""), ("tv", "core")],
)
def test_unknown_package_or_version_returns_none(unknown: tuple[str, ...]) -> None:
    assert manifest(*unknown) is None


def test_manifest_is_a_copy() -> None:
    taken = known("web", "core")
    taken["events"][0]["schema"]["properties"]["elementSelector"]["minLength"] = 99
    taken["configuration"]["schema"].clear()
    taken["conditions"].clear()
    assert known("web", "core") != taken
    assert (
        known("web", "core")["events"][0]["schema"]["properties"]["elementSelector"]["minLength"]
        == 1
    )
    assert known("web", "core")["configuration"]["schema"]


def test_manifests_have_members_of_real_ones() -> None:
    for (platform, package), versions in VERSIONS.items():
        for version in versions:
            document = known(platform, package, version)
            assert (document["platform"], document["name"], document["version"]) == (
                platform,
                package,
                version,
            )
            members = ("displayName", "description", "author", "iconPath", "viewBasePath")
            assert all(document[member] for member in members), package
            for kind in KINDS:
                pieces = document[kind]
                assert all(
                    {"name", "displayName", "libPath", "schema"} <= piece.keys() for piece in pieces
                ), package
                assert len({piece["name"] for piece in pieces}) == len(pieces), package


def test_delegates_of_demo_company_exist_in_installed_versions() -> None:
    for platform, package, version, kind, name, _ in demo_settings():
        document = known(platform, package, version)
        if kind == "extensionConfiguration":
            assert "configuration" in document, package
        else:
            assert name in names(document)[kind], (platform, package, kind, name)


def test_settings_of_demo_company_fit_schemas() -> None:
    checked = 0
    for platform, package, version, kind, name, settings in demo_settings():
        found = schema(known(platform, package, version), kind, name)
        validator_for(found, default=Draft4Validator)(found).validate(settings)
        checked += 1
    assert checked > 150


def test_schemas_are_valid() -> None:
    for _, found in all_schemas():
        assert found == {} or found["$schema"] == "http://json-schema.org/draft-04/schema#"
        Draft4Validator.check_schema(found)


@for_each_delegate
def test_schema_accepts_samples_and_refuses_faulty_variations(
    platform: str, package: str, kind: str, name: str, samples: list[Any]
) -> None:
    ours = schema(known(platform, package), kind, name)
    for sample in samples:
        Draft4Validator(ours).validate(sample)
        for fault, path, bad in faults(ours, sample):
            assert not accepts(ours, bad), (fault, path, bad)


def test_schemas_refuse_what_the_live_service_refused() -> None:
    core = known("web", "core")
    assert not accepts(
        schema(core, "dataElements", "custom-code"),
        {"source": "return 1;", "language": "javascript"},
    )
    assert "path-and-query" not in names(core)["conditions"]
    assert not accepts(schema(core, "dataElements", "constant"), {})
    assert not accepts(schema(core, "dataElements", "page-info"), {"attribute": "query"})
    assert accepts(schema(core, "dataElements", "constant"), {"value": "%my element%"})
    assert not accepts(schema(core, "conditions", "sampling"), {"rate": "%my element%"})


# -- comparison with the real manifests


@pytest.mark.parametrize(("platform", "package"), FILES)
def test_delegates_equal_those_of_real_manifest(platform: str, package: str) -> None:
    theirs = real(platform, package)
    ours = known(platform, package, theirs["version"])
    assert names(ours) == names(theirs)
    assert ("configuration" in ours) == ("configuration" in theirs)
    for kind in KINDS:
        shown = [
            {
                delegate["name"]: (delegate["displayName"], delegate.get("categoryName"))
                for delegate in document.get(kind, ())
            }
            for document in (ours, theirs)
        ]
        assert shown[0] == shown[1]


@pytest.mark.parametrize(("platform", "package"), FILES)
def test_every_real_delegate_has_samples(platform: str, package: str) -> None:
    sampled = SAMPLES[platform, package]
    assert {kind: sorted(sampled.get(kind, ())) for kind in KINDS} == names(real(platform, package))
    assert ("extensionConfiguration" in sampled) == ("configuration" in real(platform, package))


@for_each_delegate
def test_real_schema_accepts_and_refuses_the_same_settings(
    platform: str, package: str, kind: str, name: str, samples: list[Any]
) -> None:
    ours, theirs = (
        schema(known(platform, package), kind, name),
        schema(real(platform, package), kind, name),
    )
    for sample in samples:
        assert accepts(theirs, sample), sample
        assert accepts(ours, sample), sample
        for fault, path, bad in [*faults(theirs, sample), *faults(ours, sample)]:
            assert not accepts(theirs, bad), (fault, path, bad)
            assert not accepts(ours, bad), (fault, path, bad)
        for change, path, varied in variations(sample, enumerated([ours, theirs])):
            assert accepts(ours, varied) == accepts(theirs, varied), (change, path, varied)


@pytest.mark.parametrize("delegate", KNOWN_DIFFERENCES, ids="::".join)
def test_known_differences_still_exist(delegate: tuple[str, str, str, str]) -> None:
    settings, reason = KNOWN_DIFFERENCES[delegate]
    platform, package, kind, name = delegate
    assert accepts(schema(known(platform, package), kind, name), settings), reason
    assert not accepts(schema(real(platform, package), kind, name), settings), reason
