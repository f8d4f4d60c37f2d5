"""The public catalogue holds what the demo company uses, and its schemas judge as the real ones do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema.validators import Draft4Validator, validator_for

from adobe_nb.simulator import demo
from adobe_nb.simulator.manifests import VERSIONS, manifest

REAL = Path(__file__).parents[3] / "shared" / "reactor" / "extension-manifests"
FILES = {
    ("web", "core"): "core.json",
    ("web", "facebook-pixel"): "facebook-pixel.json",
    ("web", "adobegoogledatalayer"): "googledatalayer.json",
    ("edge", "core"): "core-edge.json",
    ("edge", "adobe-cloud-connector"): "cloud-connector-edge.json",
}
KINDS = ("events", "conditions", "actions", "dataElements")
KNOWN_DIFFERENCES = {
    ("edge", "adobe-cloud-connector", "actions", "send-data"): (
        {"method": "GET", "url": "http://a.()"},
        "The real pattern wants a letter or digit at the end of the host; ours is simpler, and looser there.",
    ),
}
"""By delegate: settings that ours accepts and the real schema refuses, and the reason."""

Place = tuple[str | int, ...]
Change = tuple[str, Place, Any]
"""What is changed, where, and the settings that result."""


# -- samples: settings that the real extension accepts

_REGEX = {"value": "shop", "valueIsRegex": True}
_BUBBLING = {"bubbleFireIfParent": True, "bubbleFireIfChildFired": False, "bubbleStop": False}
_ELEMENT = {
    "elementSelector": "#buy",
    "elementProperties": [
        {"name": "id", "value": "%SKU%", "valueIsRegex": False},
        {"name": "title", "value": ""},
    ],
}
_ON_ELEMENT = [{}, {**_ELEMENT, **_BUBBLING}]
_NOTHING: list[Any] = [{}]
_SIZE = [{"widthOperator": ">", "width": 600, "heightOperator": "<", "height": 800.5}]
_COMPARISON = [
    ("equals", {"caseInsensitive": True}, {"rightOperand": "DE"}),
    ("doesNotEqual", {}, {"rightOperand": 5}),
    ("matchesRegex", {"caseInsensitive": False}, {"rightOperand": "^a"}),
    ("lessThan", {}, {"rightOperand": 3}),
    ("isTruthy", {}, {}),
]
_ITEMS = {
    "content_ids": ["A1", 2],
    "contents": [{"id": "A1", "quantity": 2}, {"id": "B", "quantity": "%Count%"}],
}
_MONEY = {"currency": "EUR", "value": 9.5}
_REFERRED = {
    "content_ids": "%SKU%",
    "contents": "%Items%",
    "currency": "%Currency%",
    "value": "%Total%",
}
_ID = [{}, {"event_id": "%Event ID%"}]


def _compared(reference: str, **more: Any) -> list[Any]:
    return [
        {"leftOperand": reference, "comparison": {"operator": operator, **options}, **right, **more}
        for operator, options, right in _COMPARISON
    ] + [
        {
            "leftOperand": reference,
            "comparison": {"operator": "greaterThan"},
            "rightOperand": reference,
            **more,
        }
    ]


def _bought(*names: str, **more: Any) -> list[Any]:
    """Settings of a Meta event: none, literal ones, and references to data elements."""
    known = {**_ITEMS, **_MONEY}
    literal = {name: known.get(name, "text") for name in names}
    referred = {name: _REFERRED.get(name, f"%{name}%") for name in names}
    return [{}, {**literal, **more, "event_id": "7"}, referred]


def _single_and_many(
    many: str, one: str = "value", regex: str = "valueIsRegex", **always: Any
) -> list[Any]:
    values = [{"value": "a", regex: True}, {"value": "b"}]
    return [{**always, many: values}, {**always, one: "a", regex: False}, {**always, one: "%A%"}]


def _attributes(*values: str) -> list[Any]:
    return [{"attribute": value} for value in values]


_TOOLS = [
    {"operator": "simpleReplace", "searchValue": "a", "replacementValue": "", "replaceAll": True},
    {
        "operator": "regexReplace",
        "regexInput": "a+",
        "replacementValue": "b",
        "caseInsensitive": True,
        "replaceAll": False,
    },
    {"operator": "substring", "start": 1, "end": 2},
    {"operator": "slice", "start": -1},
    {"operator": "regexMatch", "regexInput": "a", "caseInsensitive": False},
    {"operator": "length"},
    {"operator": "arrayPop"},
    {"operator": "indexOf", "searchValue": "a"},
    {"operator": "split", "delimiter": ","},
]

SAMPLES: dict[tuple[str, str], dict[str, dict[str, list[Any]]]] = {
    ("web", "core"): {
        "extensionConfiguration": {"config": [{}, {"cspNonce": "%Nonce%"}]},
        "events": {
            **dict.fromkeys(("blur", "focus", "submit", "key-down", "key-press", "key-up", "mousedown"), _ON_ELEMENT),
            **dict.fromkeys(("media-ended", "media-loaded-data", "media-pause", "media-play"), _ON_ELEMENT),
            **dict.fromkeys(("media-stalled", "media-volume-change"), _ON_ELEMENT),
            **dict.fromkeys(("dom-ready", "library-loaded", "page-bottom", "window-loaded"), _NOTHING),
            **dict.fromkeys(("history-change", "tab-blur", "tab-focus"), _NOTHING),
            **dict.fromkeys(("orientation-change", "zoom-change"), _NOTHING),
            "change": [
                *_ON_ELEMENT,
                {**_ELEMENT, **_BUBBLING, "acceptableChangeValues": [_REGEX, {"value": ""}]},
                {**_ELEMENT, **_BUBBLING, "value": "", "valueIsRegex": True},
            ],
            "click": [*_ON_ELEMENT, {"anchorDelay": 100}, {"anchorDelay": "%Delay%"}],
            "custom-code": [{"source": "trigger();"}],
            "custom-event": [{"type": "hh:consent"}, {"type": "x", **_ELEMENT, **_BUBBLING}],
            "data-element-change": [{"name": "SKU"}],
            "direct-call": [{"identifier": "store-finder"}],
            "element-exists": [_ELEMENT],
            "enters-viewport": [{**_ELEMENT, "delay": 5, "frequency": "everyEntry"}, {**_ELEMENT, "delay": "%D%"}],
            "hover": [{**_ELEMENT, **_BUBBLING, "delay": 5}, {**_ELEMENT, "delay": "%D%"}],
            "media-time-played": [
                {**_ELEMENT, **_BUBBLING, "amount": 0, "unit": "percent"},
                {"amount": "%A%", "unit": "second"},
            ],
            "time-on-page": [{"timeOnPage": 60}, {"timeOnPage": "%Seconds%"}],
        },
        "conditions": {
            "browser": [{"browsers": ["Chrome", "Mobile Safari"]}, {"browsers": ["Firefox", "IE", "Edge", "Safari"]}],
            "cookie": _single_and_many("cookieValues", name="hh_consent"),
            "custom-code": [{"source": "return true;"}],
            "date-range": [{}, {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z", "timezone": "Europe"}],
            "device-type": [
                {"deviceTypes": ["Desktop", "iPhone", "iPad", "iPod"]},
                {"deviceTypes": ["Nokia", "Windows Phone", "Blackberry", "Android"]},
            ],
            "domain": [{"domains": ["hearth-harbor.example", ""]}],
            "hash": [{"hashes": [_REGEX, {"value": "a"}]}],
            "landing-page": _single_and_many("landingPages", "page", "pageIsRegex"),
            "max-frequency": [
                {"unit": "visitor"},
                *({"count": 2, "unit": unit} for unit in ("pageView", "session", "second", "minute")),
                *({"count": 1, "unit": unit} for unit in ("day", "week", "month")),
            ],
            "new-returning-visitor": [{"isNewVisitor": True}],
            "operating-system": [{"operatingSystems": ["Windows", "MacOS", "Linux", "Unix", "iOS", "Android"]}],
            "page-views": [{"operator": ">", "count": 3, "duration": "session"}],
            "path": [{"paths": [_REGEX, {"value": "/cart"}]}],
            "path-and-querystring": [{"paths": [_REGEX, {"value": "/cart?a=b"}]}],
            "protocol": [{"protocol": "https:"}],
            "query-string-parameter": _single_and_many("queryParams", name="cid"),
            "sampling": [{"rate": 0.1, "persistCohort": True}, {"rate": 1}],
            "screen-resolution": _SIZE,
            "sessions": [{"operator": "=", "count": 2}],
            "subdomain": [{"subdomains": [_REGEX, {"value": "www"}]}],
            "time-on-site": [{"operator": "<", "minutes": 2}, {"operator": ">", "minutes": "%Minutes%"}],
            "traffic-source": _single_and_many("trafficSources", "source", "sourceIsRegex"),
            "value-comparison": _compared("%SKU%"),
            "variable": _single_and_many("variableValues", name="hh.page"),
            "window-size": _SIZE,
        },
        "actions": {
            "custom-code": [
                {"language": "javascript", "source": "go();", "global": True},
                {"language": "html", "source": "<p>"},
            ],
            "direct-call": [
                {"identifier": "go"},
                {"identifier": "go", "detail": {"eventObjectEntries": [{"key": "a", "value": ""}, {"key": "b"}]}},
            ],
        },
        "dataElements": {
            "conditional-value": [
                *_compared("%SKU%"),
                *_compared("%SKU%", conditionalValue="%A%", fallbackValue=0),
            ],
            "constant": [{"value": "EUR"}],
            "cookie": [{"name": "hh_consent"}],
            "custom-code": [{"source": "return 1;"}],
            "device-attributes": [{}, *_attributes("windowSize", "screenSize")],
            "dom-attribute": [{"elementSelector": "#buy", "elementProperty": "id"}],
            "javascript-tools": [{"sourceValue": "%SKU%", **tool} for tool in _TOOLS],
            "javascript-variable": [{"path": "digitalData.page.name"}],
            "local-storage": [{"name": "hh"}],
            "merged-objects": [{"objects": ["%XDM%", "%More XDM%"]}, {"objects": []}],
            "page-info": _attributes("url", "hostname", "pathname", "protocol", "referrer", "title"),
            "query-string-parameter": [{"name": "cid", "caseInsensitive": True}, {"name": "cid"}],
            "random-number": [{"min": 0, "max": 9}],
            "runtime-environment": [
                {},
                *_attributes("environmentStage", "buildDate", "propertyName", "propertyId", "ruleName", "ruleId"),
                *_attributes("eventType", "eventDetail", "DCRIdentifier"),
            ],
            "session-storage": [{"name": "hh"}],
            "visitor-behavior": _attributes(
                "landingPage", "trafficSource", "minutesOnSite", "sessionCount", "sessionPageViewCount",
                "lifetimePageViewCount", "isNewVisitor",
            ),
        },
    },
    ("web", "facebook-pixel"): {
        "extensionConfiguration": {"config": [{"pixelId": "43", "eventId": "%Event ID%"}, {"pixelId": "%Pixel%"}]},
        "actions": {
            **dict.fromkeys(("send-contact-event", "send-customize-product-event", "send-donate-event"), _ID),
            **dict.fromkeys(("send-find-location-event", "send-schedule-event", "send-submit-application-event"), _ID),
            **dict.fromkeys(
                ("send-start-trial-event", "send-subscribe-event"), _bought(*_MONEY, predicted_ltv=3)
            ),
            "add-to-wishlist-event": _bought(*_ITEMS, *_MONEY, "content_name", "content_category"),
            "send-add-payment-info-event": _bought(*_ITEMS, *_MONEY, "content_category"),
            "send-add-to-cart-event": _bought(*_ITEMS, *_MONEY, "content_name", "content_type"),
            "send-complete-registration-event": [*_bought(*_MONEY, "content_name", "status"), {"status": True}],
            "send-custom-event": [
                {"name": "x", "parameters": [{"key": "a", "value": "%A%"}], "event_id": "7"},
                {"name": "%X%"},
            ],
            "send-initiate-checkout-event": _bought(*_ITEMS, *_MONEY, "content_category", num_items=2),
            "send-lead-event": _bought(*_MONEY, "content_name", "content_category"),
            "send-page-view": [{}],
            "send-purchase-event": _bought(*_ITEMS, *_MONEY, "content_name", "content_type", "num_items"),
            "send-search-event": _bought(*_ITEMS, *_MONEY, "content_category", "searchString", "search_string"),
            "send-view-content-event": _bought(*_ITEMS, *_MONEY, "content_name", "content_type", "content_category"),
        },
    },
    ("web", "adobegoogledatalayer"): {
        "extensionConfiguration": {"config": [{"dataLayer": "dataLayer", "doConvertArrayEvents": True}]},
        "events": {
            "gtm-dl-push-event": [
                *({"method": method} for method in ("allEvents", "allData", "allChanges")),
                {"method": "specificEvent", "eventKey": "purchase", "valueIsRegex": False},
            ],
        },
        "actions": {
            "gtm-dl-kv-push-action": [{}, {"parameters": [{"key": "a", "value": "%A%"}]}],
            "gtm-dl-push-action": [{"content": "%Content%"}],
            "gtm-dl-reset-action": [{}],
        },
        "dataElements": {"gtm-dl-property-key": [{}, {"value": "", "isReturnOnlyEventProps": True}]},
    },
    ("edge", "core"): {
        "conditions": {"custom-code": [{"source": "return true;"}], "value-comparison": _compared("{{Event Type}}")},
        "actions": {"custom-code": [{"keyName": "result", "source": "return 1;"}]},
        "dataElements": {
            "custom-code": [{"source": "return 1;"}],
            "ip": [{}],
            "path": [{"path": "arc.event.xdm.eventType"}],
            "secret": [
                {},
                {"secrets": {stage: {"id": "SE1", "name": "Token"} for stage in ("development", "staging")}},
                {"secrets": {"production": {"id": "SE1", "name": "Token"}}},
            ],
        },
    },
    ("edge", "adobe-cloud-connector"): {
        "actions": {
            "send-data": [
                *({"method": each, "url": "https://a.example"} for each in ("GET", "PUT", "PATCH", "DELETE")),
                {
                    "method": "POST",
                    "url": "https://collect.hearth-harbor.example:8080/orders?a={{Order ID}}",
                    "headers": [{"key": "Accept", "value": ""}, {"key": "X", "other": 1}, {}],
                    "body": {"order": "{{Order ID}}"},
                    "responseKey": "answer",
                    "useMtls": False,
                },
                {"method": "GET", "url": "http://a.example", "body": "{{Body}}"},
            ],
        },
    },
}  # fmt: skip
"""Good settings by (platform, package), kind and delegate."""

CASES = [
    pytest.param(*package, kind, name, samples, id=f"{package[0]} {package[1]}::{kind}::{name}")
    for package, kinds in SAMPLES.items()
    for kind, delegates in kinds.items()
    for name, samples in delegates.items()
]
for_each_delegate = pytest.mark.parametrize(
    ("platform", "package", "kind", "name", "samples"), CASES
)


# -- reading manifests and judging settings


def real(platform: str, package: str) -> dict[str, Any]:
    if not REAL.exists():
        pytest.skip("Adobe's extension manifests are not beside this checkout")
    return json.loads((REAL / FILES[platform, package]).read_text(encoding="utf-8"))


def known(platform: str, package: str, version: str | None = None) -> dict[str, Any]:
    found = manifest(platform, package, version)
    assert found is not None, (platform, package, version)
    return found


def names(document: dict[str, Any]) -> dict[str, list[str]]:
    return {kind: sorted(each["name"] for each in document.get(kind, ())) for kind in KINDS}


def schema(document: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    if kind == "extensionConfiguration":
        return document["configuration"]["schema"]
    return next(each["schema"] for each in document[kind] if each["name"] == name)


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
                    (f"{platform} {package}::{kind}::{each['name']}", each["schema"])
                    for each in document[kind]
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


# -- bad settings, made from good ones


def without(settings: Any, path: Place) -> Any:
    """The settings less one member or item; the rest is shared with them."""
    copied, first, rest = settings.copy(), path[0], path[1:]
    if rest:
        copied[first] = without(settings[first], rest)
    else:
        del copied[first]
    return copied


def replaced(settings: Any, path: Place, value: Any) -> Any:
    """The settings with another value, or a new one, at this place; the rest is shared with them."""
    if not path:
        return value
    copied, first, rest = settings.copy(), path[0], path[1:]
    copied[first] = replaced(settings[first], rest, value) if rest else value
    return copied


def faults(root: dict[str, Any], settings: Any) -> Iterator[Change]:
    """What a schema rules out by its required members, its unknown members and its enumerations."""
    for part, path, value in _governed(root, root, settings, ()):
        if "enum" in part:
            yield "a wrong choice", path, replaced(settings, path, "no such choice")
        if isinstance(value, dict):
            for member in part.get("required", ()):
                yield f"without {member}", path, without(settings, (*path, member))
            if part.get("additionalProperties") is False:
                yield "an unknown member", path, replaced(settings, (*path, "noSuchMember"), "x")


def _governed(
    root: dict[str, Any], part: dict[str, Any], value: Any, path: Place
) -> Iterator[tuple[dict[str, Any], Place, Any]]:
    """Each part of a schema with the part of the settings that it governs."""
    if "$ref" in part:
        part = root["$defs"][part["$ref"].removeprefix("#/$defs/")]
    yield part, path, value
    branches = [each for key in ("oneOf", "anyOf") for each in part.get(key, ())]
    fitting = [branch for branch in branches if accepts(branch, value, root)]
    if len(fitting) == 1:  # where two fit, what one of them refuses is still allowed by the other
        yield from _governed(root, fitting[0], value, path)
    if isinstance(value, dict):
        for member in value.keys() & part.get("properties", {}).keys():
            yield from _governed(root, part["properties"][member], value[member], (*path, member))
    if isinstance(value, list) and "items" in part:
        for place, item in enumerate(value):
            yield from _governed(root, part["items"], item, (*path, place))


def variations(settings: Any, choices: set[str]) -> Iterator[Change]:
    """The settings with one part removed, added, or replaced, be it allowed or not."""
    others = ("", "x", "%my element%", "{{my element}}", -1, 0, 2.5, True, None, [], {}, ["x"])
    for path, value in _places(settings, ()):
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
        return {choice for each in part for choice in enumerated(each)}
    if isinstance(part, dict):
        return {
            *part.get("enum", ()),
            *(choice for each in part.values() for choice in enumerated(each)),
        }
    return set()


def _places(value: Any, path: Place) -> Iterator[tuple[Place, Any]]:
    yield path, value
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for step, part in inner:
        yield from _places(part, (*path, step))


# -- the catalogue


def test_every_version_that_the_demo_company_names_is_there() -> None:
    for spec in demo.PROPERTIES:
        for extension in spec["extensions"]:
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
def test_packages_of_real_exports_are_there_and_their_settings_open(package: str) -> None:
    document = known("web", package)
    assert document["configuration"]["schema"]
    for delegate in IN_REAL_EXPORTS[package]:
        kind, name = delegate.split("::")
        assert accepts(schema(document, kind, name), {"whatever": [1, {"is": None}]})


def transforms(document: dict[str, Any]) -> dict[str, list[Any]]:
    found = {
        f"{kind}::{each['name']}": each["transforms"]
        for kind in KINDS
        for each in document.get(kind, ())
        if "transforms" in each
    }
    configured = document.get("configuration", {}).get("transforms")
    return found | ({"extensionConfiguration::config": configured} if configured else {})


@pytest.mark.parametrize(("platform", "package"), FILES)
def test_the_transforms_are_those_of_the_real_manifest(platform: str, package: str) -> None:
    theirs = real(platform, package)
    assert transforms(known(platform, package, theirs["version"])) == transforms(theirs)


def test_code_in_settings_of_the_web_sdk_and_analytics_has_its_transforms() -> None:
    paths = {
        f"{package}::{delegate}": {
            each["propertyPath"] for each in several if each["type"] == "function"
        }
        for package in ("adobe-alloy", "adobe-analytics")
        for delegate, several in transforms(known("web", package)).items()
    }
    assert paths["adobe-alloy::actions::update-variable"] == {"customCode"}
    assert "instances[].onBeforeEventSend" in paths["adobe-alloy::extensionConfiguration::config"]
    assert paths["adobe-analytics::actions::set-variables"] == {"customSetup.source"}
    assert paths["adobe-analytics::extensionConfiguration::config"] == {"customSetup.source"}


def test_versions_are_in_order_and_the_newest_is_given_unless_one_is_named() -> None:
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
def test_an_unknown_package_or_version_is_none(unknown: tuple[str, ...]) -> None:
    assert manifest(*unknown) is None


def test_a_manifest_is_the_callers_own_copy() -> None:
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


def test_each_manifest_has_the_members_of_a_real_one() -> None:
    for (platform, package), versions in VERSIONS.items():
        for version in versions:
            document = known(platform, package, version)
            assert (document["platform"], document["name"], document["version"]) == (
                platform,
                package,
                version,
            )
            told = ("displayName", "description", "author", "iconPath", "viewBasePath")
            assert all(document[member] for member in told), package
            for kind in KINDS:
                pieces = document[kind]
                assert all(
                    {"name", "displayName", "libPath", "schema"} <= piece.keys() for piece in pieces
                ), package
                assert len({piece["name"] for piece in pieces}) == len(pieces), package


def test_every_delegate_of_the_demo_company_exists_in_the_installed_version() -> None:
    for platform, package, version, kind, name, _ in demo_settings():
        document = known(platform, package, version)
        if kind == "extensionConfiguration":
            assert "configuration" in document, package
        else:
            assert name in names(document)[kind], (platform, package, kind, name)


def test_all_settings_of_the_demo_company_fit_the_schemas() -> None:
    checked = 0
    for platform, package, version, kind, name, settings in demo_settings():
        found = schema(known(platform, package, version), kind, name)
        validator_for(found, default=Draft4Validator)(found).validate(settings)
        checked += 1
    assert checked > 150


def test_each_schema_is_a_valid_schema() -> None:
    for _, found in all_schemas():
        assert found == {} or found["$schema"] == "http://json-schema.org/draft-04/schema#"
        Draft4Validator.check_schema(found)


@for_each_delegate
def test_good_settings_are_accepted_and_bad_ones_refused(
    platform: str, package: str, kind: str, name: str, samples: list[Any]
) -> None:
    ours = schema(known(platform, package), kind, name)
    for sample in samples:
        Draft4Validator(ours).validate(sample)
        for what, path, bad in faults(ours, sample):
            assert not accepts(ours, bad), (what, path, bad)


def test_what_was_met_live_is_met_here() -> None:
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


# -- beside the real manifests


@pytest.mark.parametrize(("platform", "package"), FILES)
def test_the_delegates_are_those_of_the_real_manifest(platform: str, package: str) -> None:
    theirs = real(platform, package)
    ours = known(platform, package, theirs["version"])
    assert names(ours) == names(theirs)
    assert ("configuration" in ours) == ("configuration" in theirs)
    for kind in KINDS:
        shown = [
            {
                each["name"]: (each["displayName"], each.get("categoryName"))
                for each in document.get(kind, ())
            }
            for document in (ours, theirs)
        ]
        assert shown[0] == shown[1]


@pytest.mark.parametrize(("platform", "package"), FILES)
def test_every_delegate_of_the_real_manifests_has_samples(platform: str, package: str) -> None:
    sampled = SAMPLES[platform, package]
    assert {kind: sorted(sampled.get(kind, ())) for kind in KINDS} == names(real(platform, package))
    assert ("extensionConfiguration" in sampled) == ("configuration" in real(platform, package))


@for_each_delegate
def test_the_real_schema_accepts_and_refuses_the_same(
    platform: str, package: str, kind: str, name: str, samples: list[Any]
) -> None:
    ours, theirs = (
        schema(known(platform, package), kind, name),
        schema(real(platform, package), kind, name),
    )
    for sample in samples:
        assert accepts(theirs, sample), sample
        assert accepts(ours, sample), sample
        for what, path, bad in [*faults(theirs, sample), *faults(ours, sample)]:
            assert not accepts(theirs, bad), (what, path, bad)
            assert not accepts(ours, bad), (what, path, bad)
        for what, path, varied in variations(sample, enumerated([ours, theirs])):
            assert accepts(ours, varied) == accepts(theirs, varied), (what, path, varied)


@pytest.mark.parametrize("delegate", KNOWN_DIFFERENCES, ids="::".join)
def test_the_known_differences_are_still_there(delegate: tuple[str, str, str, str]) -> None:
    settings, reason = KNOWN_DIFFERENCES[delegate]
    platform, package, kind, name = delegate
    assert accepts(schema(known(platform, package), kind, name), settings), reason
    assert not accepts(schema(real(platform, package), kind, name), settings), reason
