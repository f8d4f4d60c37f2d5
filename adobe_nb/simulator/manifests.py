"""The packages in the simulator's public catalogue: the ``extension.json`` of each, as its
developer would upload it.

Names of delegates and of their settings are Adobe's; texts and schemas are ours. A schema refuses
what the real one refuses, as far as that is public; where it is not, it only asks for an object.
"""

from collections.abc import Mapping
from copy import deepcopy
from types import MappingProxyType
from typing import Any, NamedTuple

Json = dict[str, Any]


# -- schemas (JSON Schema, draft 4)


def _text(minimum: int = 0, *, pattern: str = "") -> Json:
    return (
        {"type": "string"}
        | ({"minLength": minimum} if minimum else {})
        | ({"pattern": pattern} if pattern else {})
    )


def _choice(*values: str) -> Json:
    return {"type": "string", "enum": list(values)}


def _number(**limits: float) -> Json:
    return {"type": "number", **limits}


def _or_number(text: Json, **limits: float) -> Json:
    return {**text, **limits, "type": ["number", "string"]}


def _list(item: Json, minimum: int = 0) -> Json:
    return {"type": "array", "items": item} | ({"minItems": minimum} if minimum else {})


def _object(required: Json | None = None, /, **optional: Json) -> Json:
    """An object with these members and no others."""
    schema: Json = {
        "type": "object",
        "properties": {**(required or {}), **optional},
        "additionalProperties": False,
    }
    return schema | ({"required": list(required)} if required else {})


def _one_of(*schemas: Json) -> Json:
    return {"type": "object", "oneOf": list(schemas)}


_ANYTHING: Json = {}
_UNKNOWN: Json = {"type": "object"}  # its real schema is not public
_NOTHING = _object()
_TEXT = _text()
_FILLED = _text(1)
_FLAG: Json = {"type": "boolean"}
_EITHER = _or_number(_TEXT)
_REFERENCE = _text(pattern="^%[^%]+%$")
_EDGE_REFERENCE = _text(pattern=r"^\{\{[^}]+\}\}$")


# -- manifests

_SPELLED = {
    "dom": "DOM",
    "id": "ID",
    "ids": "IDs",
    "ip": "IP",
    "javascript": "JavaScript",
    "xdm": "XDM",
}


class _Delegate(NamedTuple):
    """An event, condition, action or data element."""

    name: str
    schema: Json
    category: str = ""
    title: str = ""
    transforms: tuple[Json, ...] = ()

    def described(self, kind: str) -> Json:
        words = self.name.split("-")
        path = f"{kind}/{words[0]}{''.join(word.title() for word in words[1:])}"
        title = self.title or " ".join(_SPELLED.get(word, word.title()) for word in words)
        entry: Json = {"name": self.name, "displayName": title, "libPath": f"src/lib/{path}.js"}
        if self.category:
            entry["categoryName"] = self.category
        if self.schema not in (_ANYTHING, _NOTHING):
            entry["viewPath"] = f"{path}.html"
        if self.transforms:
            entry["transforms"] = deepcopy(list(self.transforms))
        return {**entry, "schema": _draft_4(self.schema)}


class _Package(NamedTuple):
    """A package, the same in all its versions."""

    title: str
    versions: tuple[str, ...]
    description: str
    configuration: Json | None = None
    events: tuple[_Delegate, ...] = ()
    conditions: tuple[_Delegate, ...] = ()
    actions: tuple[_Delegate, ...] = ()
    data_elements: tuple[_Delegate, ...] = ()
    transforms: tuple[Json, ...] = ()
    """Of its configuration."""
    partly_known: bool = False
    """Whether the real package has more delegates than are public."""

    def described(self, platform: str, name: str, version: str) -> Json:
        entry: Json = {
            "name": name, "platform": platform, "version": version, "displayName": self.title,
            "description": self.description, "author": {"name": "Adobe"}, "iconPath": f"resources/icons/{name}.svg",
            "viewBasePath": "dist/",
        }  # fmt: skip
        if self.configuration is not None:
            schema = _draft_4(self.configuration)
            entry["configuration"] = {
                "viewPath": "configuration/configuration.html",
                "schema": schema,
            }
            if self.transforms:
                entry["configuration"]["transforms"] = deepcopy(list(self.transforms))
        return entry | {
            "events": [each.described("events") for each in self.events],
            "conditions": [each.described("conditions") for each in self.conditions],
            "actions": [each.described("actions") for each in self.actions],
            "dataElements": [each.described("dataElements") for each in self.data_elements],
        }


def _draft_4(schema: Json) -> Json:
    return (
        {"$schema": "http://json-schema.org/draft-04/schema#", **deepcopy(schema)} if schema else {}
    )


def _alike(schema: Json, category: str, *names: str) -> tuple[_Delegate, ...]:
    return tuple(_Delegate(name, schema, category) for name in names)


def _open(*names: str) -> tuple[_Delegate, ...]:
    """Delegates whose real schemas are not public."""
    return _alike(_UNKNOWN, "", *names)


# -- transforms: what a build makes of settings


def _function(path: str, *parameters: str) -> Json:
    """The text becomes a function with these parameters."""
    return {"type": "function", "propertyPath": path, "parameters": list(parameters)}


def _removed(*paths: str) -> tuple[Json, ...]:
    """Members that do not reach the page."""
    return tuple({"type": "remove", "propertyPath": path} for path in paths)


def _code(*parameters: str) -> tuple[Json, ...]:
    return (_function("source", *parameters),)


_LOADED_CODE: Json = {"type": "customCode", "propertyPath": "source"}


# -- core: what a rule can look at and compare

_VALUE = _object({"value": _FILLED}, valueIsRegex=_FLAG)
_VALUES = _list(_VALUE, 1)
_ATTRIBUTE = _object({"name": _FILLED, "value": _TEXT}, valueIsRegex=_FLAG)
_ELEMENT: Json = {"elementSelector": _FILLED, "elementProperties": _list(_ATTRIBUTE)}
_BUBBLING: Json = {
    **_ELEMENT,
    "bubbleFireIfParent": _FLAG,
    "bubbleFireIfChildFired": _FLAG,
    "bubbleStop": _FLAG,
}
_ON_ELEMENT = _object(**_BUBBLING)
_SELECTOR: Json = {"elementSelector": _FILLED}
_DELAY = _or_number(_REFERENCE, minimum=1)
_ENTRIES = _choice("firstEntry", "everyEntry")
_PLAYED: Json = {"amount": _or_number(_REFERENCE, minimum=0), "unit": _choice("percent", "second")}
_COOKIE_NAME: Json = {"pattern": r"^[A-Za-z0-9!#$%&'*+\-.^_|~]+$"}
_MOMENT: Json = {**_TEXT, "format": "date-time"}
_PERIOD = _object(start=_MOMENT, end=_MOMENT, timezone=_TEXT)
_COMPARED = _choice(">", "=", "<")
_COUNTED: Json = {"operator": _COMPARED, "count": _number()}
_LIFETIME = _choice("lifetime", "session")
_SIZE = _object(
    {
        "widthOperator": _COMPARED,
        "width": _number(),
        "heightOperator": _COMPARED,
        "height": _number(),
    }
)
_SOURCE = _object({"source": _FILLED})
_NAME = _object({"name": _FILLED})
_PATH = _object({"path": _FILLED})


def _one_or_many(
    many: str, *, one: str = "value", regex: str = "valueIsRegex", **always: Json
) -> Json:
    """A list of values, or the single value of older versions."""
    values = _list(_object({"value": _FILLED}, **{regex: _FLAG}), 1)
    return _one_of(
        _object({**always, many: values}), _object({**always, one: _FILLED}, **{regex: _FLAG})
    )


def _comparison(reference: Json, **results: Json) -> Json:
    """A data element against a value, by one of four families of operators."""

    def family(operators: str, right: Json | None = None, **options: Json) -> Json:
        how = _object({"operator": _choice(*operators.split())}, **options)
        required: Json = {"leftOperand": reference, "comparison": how}
        return _object(required | ({} if right is None else {"rightOperand": right}), **results)

    parts = "contains doesNotContain startsWith doesNotStartWith endsWith doesNotEndWith matchesRegex doesNotMatchRegex"
    return _one_of(
        family("equals doesNotEqual", _or_number(_TEXT), caseInsensitive=_FLAG),
        family(parts, _FILLED, caseInsensitive=_FLAG),
        family("lessThan lessThanOrEqual greaterThan greaterThanOrEqual", _or_number(reference)),
        family("isTrue isTruthy isFalse isFalsy"),
    )


def _tool(operators: str, required: Json | None = None, **optional: Json) -> Json:
    always = {"sourceValue": _REFERENCE, "operator": _choice(*operators.split())}
    return _object(always | (required or {}), **optional)


_TOOLS = _one_of(
    _tool("simpleReplace", {"searchValue": _FILLED}, replacementValue=_TEXT, replaceAll=_FLAG),
    _tool(
        "regexReplace",
        {"regexInput": _FILLED},
        replacementValue=_TEXT,
        caseInsensitive=_FLAG,
        replaceAll=_FLAG,
    ),
    _tool("substring slice", {"start": _number()}, end=_number()),
    _tool("regexMatch", {"regexInput": _FILLED}, caseInsensitive=_FLAG),
    _tool("length arrayPop arrayShift"),
    _tool("indexOf lastIndexOf", {"searchValue": _FILLED}),
    _tool("join split", {"delimiter": _FILLED}),
)
_CHANGE: Json = {
    "anyOf": [
        _object(
            **_BUBBLING,
            acceptableChangeValues=_list(_object({"value": _TEXT}, valueIsRegex=_FLAG), 1),
        ),
        _object(**_BUBBLING, value=_TEXT, valueIsRegex=_FLAG),
    ]
}
_PERIODS = _choice("pageView", "session", "visitor", "second", "minute", "day", "week", "month")
_FREQUENCY = _one_of(
    _object({"count": _number(minimum=1), "unit": _PERIODS}),
    _object({"unit": _choice("visitor")}),
)
_CODE = _one_of(
    _object({"language": _choice("javascript"), "source": _FILLED}, **{"global": _FLAG}),
    _object({"language": _choice("html"), "source": _FILLED}),
)
_DETAIL = _object(eventObjectEntries=_list(_object({"key": _FILLED}, value=_TEXT)))
_BROWSERS = _choice("Chrome", "Firefox", "IE", "Edge", "Safari", "Mobile Safari")
_DEVICES = _choice(
    "Desktop", "iPhone", "iPad", "iPod", "Nokia", "Windows Phone", "Blackberry", "Android"
)
_SYSTEMS = _choice("Windows", "MacOS", "Linux", "Unix", "iOS", "Android")


def _attribute(*values: str, closed: bool = True) -> Json:
    names: Json = {"attribute": _choice(*values)}
    return _object(names) if closed else {"type": "object", "properties": names}


_RUNTIME = _attribute(
    "environmentStage", "buildDate", "propertyName", "propertyId", "ruleName", "ruleId", "eventType", "eventDetail",
    "DCRIdentifier", closed=False,
)  # fmt: skip
_BEHAVIOR = _attribute(
    "landingPage", "trafficSource", "minutesOnSite", "sessionCount", "sessionPageViewCount", "lifetimePageViewCount",
    "isNewVisitor",
)  # fmt: skip

_WEB_CORE = _Package(
    "Core",
    ("3.3.1", "3.4.4"),
    "The events, conditions and data elements that each web property begins with.",
    configuration=_object(cspNonce=_REFERENCE),
    events=(
        *_alike(_ON_ELEMENT, "Form", "blur", "focus", "submit"),
        *_alike(_ON_ELEMENT, "Keyboard", "key-down", "key-press", "key-up"),
        *_alike(
            _ON_ELEMENT, "Media", "media-ended", "media-loaded-data", "media-pause", "media-play"
        ),
        *_alike(_ON_ELEMENT, "Media", "media-stalled", "media-volume-change"),
        *_alike(_ON_ELEMENT, "Mouse", "mousedown"),
        *_alike(_ANYTHING, "Browser", "tab-blur", "tab-focus"),
        *_alike(_ANYTHING, "Mobile", "orientation-change", "zoom-change"),
        *_alike(_ANYTHING, "Page Load", "dom-ready", "page-bottom", "window-loaded"),
        _Delegate("change", _CHANGE, "Form"),
        _Delegate("click", _object(**_BUBBLING, anchorDelay=_DELAY), "Mouse"),
        _Delegate("custom-code", _SOURCE, "Other", transforms=_code("trigger")),
        _Delegate("custom-event", _object({"type": _FILLED}, **_BUBBLING), "Other"),
        _Delegate("data-element-change", _NAME, "Other"),
        _Delegate("direct-call", _object({"identifier": _FILLED}), "Other"),
        _Delegate("element-exists", _object(_SELECTOR, **_ELEMENT), "Other"),
        _Delegate(
            "enters-viewport",
            _object(_SELECTOR, **_ELEMENT, delay=_DELAY, frequency=_ENTRIES),
            "Other",
        ),
        _Delegate("history-change", _ANYTHING, "Other"),
        _Delegate("hover", _object(_SELECTOR, **_BUBBLING, delay=_DELAY), "Mouse"),
        _Delegate("library-loaded", _ANYTHING, "Page Load", "Library Loaded (Page Top)"),
        _Delegate("media-time-played", _object(_PLAYED, **_BUBBLING), "Media"),
        _Delegate("time-on-page", _object({"timeOnPage": _DELAY}), "Other"),
    ),
    conditions=(
        _Delegate("browser", _object({"browsers": _list(_BROWSERS)}), "Technology"),
        _Delegate("cookie", _one_or_many("cookieValues", name=_COOKIE_NAME), "Data"),
        _Delegate("custom-code", _SOURCE, "Data", transforms=_code("event", "target")),
        _Delegate("date-range", _PERIOD, "Other", transforms=_removed("timezone")),
        _Delegate("device-type", _object({"deviceTypes": _list(_DEVICES)}), "Technology"),
        _Delegate("domain", _object({"domains": _list(_TEXT)}), "URL"),
        _Delegate("hash", _object({"hashes": _VALUES}), "URL"),
        _Delegate(
            "landing-page",
            _one_or_many("landingPages", one="page", regex="pageIsRegex"),
            "Engagement",
        ),
        _Delegate("max-frequency", _FREQUENCY, "Other"),
        _Delegate(
            "new-returning-visitor",
            _object({"isNewVisitor": _FLAG}),
            "Engagement",
            "New/Returning Visitor",
        ),
        _Delegate("operating-system", _object({"operatingSystems": _list(_SYSTEMS)}), "Technology"),
        _Delegate("page-views", _object(_COUNTED | {"duration": _LIFETIME}), "Engagement"),
        _Delegate("path", _object({"paths": _VALUES}), "URL", "Path Without Query String"),
        _Delegate(
            "path-and-querystring", _object({"paths": _VALUES}), "URL", "Path And Query String"
        ),
        _Delegate("protocol", _object({"protocol": _choice("http:", "https:")}), "URL"),
        _Delegate("query-string-parameter", _one_or_many("queryParams", name=_FILLED), "URL"),
        _Delegate(
            "sampling",
            _object({"rate": _number(minimum=0, maximum=1)}, persistCohort=_FLAG),
            "Other",
        ),
        _Delegate("screen-resolution", _SIZE, "Technology"),
        _Delegate("sessions", _object(_COUNTED), "Engagement"),
        _Delegate("subdomain", _object({"subdomains": _VALUES}), "URL"),
        _Delegate(
            "time-on-site",
            _object({"operator": _COMPARED, "minutes": _or_number(_REFERENCE)}),
            "Engagement",
        ),
        _Delegate(
            "traffic-source",
            _one_or_many("trafficSources", one="source", regex="sourceIsRegex"),
            "Engagement",
        ),
        _Delegate("value-comparison", _comparison(_REFERENCE), "Data"),
        _Delegate("variable", _one_or_many("variableValues", name=_FILLED), "Data"),
        _Delegate("window-size", _SIZE, "Technology"),
    ),
    actions=(
        _Delegate("custom-code", _CODE, transforms=(_LOADED_CODE,)),
        _Delegate(
            "direct-call",
            _object({"identifier": _FILLED}, detail=_DETAIL),
            title="Trigger Direct Call",
        ),
    ),
    data_elements=(
        _Delegate(
            "conditional-value",
            _comparison(_REFERENCE, conditionalValue=_EITHER, fallbackValue=_EITHER),
        ),
        _Delegate("constant", _object({"value": _FILLED})),
        _Delegate("cookie", _NAME),
        _Delegate("custom-code", _SOURCE, transforms=_code("event")),
        _Delegate("device-attributes", _attribute("windowSize", "screenSize", closed=False)),
        _Delegate(
            "dom-attribute", _object({"elementSelector": _FILLED, "elementProperty": _FILLED})
        ),
        _Delegate("javascript-tools", _TOOLS),
        _Delegate("javascript-variable", _PATH),
        _Delegate("local-storage", _NAME),
        _Delegate("merged-objects", _object({"objects": _list(_REFERENCE)})),
        _Delegate(
            "page-info", _attribute("url", "hostname", "pathname", "protocol", "referrer", "title")
        ),
        _Delegate("query-string-parameter", _object({"name": _FILLED}, caseInsensitive=_FLAG)),
        _Delegate(
            "random-number", _object({"min": {"type": "integer"}, "max": {"type": "integer"}})
        ),
        _Delegate("runtime-environment", _RUNTIME),
        _Delegate("session-storage", _NAME),
        _Delegate("visitor-behavior", _BEHAVIOR),
    ),
)


# -- the other packages for the web


def _pixel(*members: str, **more: Json) -> Json:
    """A Meta event: these members, or some of them, and its id."""
    known = {
        "content_category": _FILLED, "content_ids": _several(_or_number(_FILLED), 1), "content_name": _FILLED,
        "content_type": _FILLED, "contents": _several(_content(_FILLED), 1), "currency": _FILLED,
        "num_items": _or_number(_FILLED), "predicted_ltv": _or_number(_FILLED), "value": _or_number(_FILLED),
    }  # fmt: skip
    return _object(**{name: known[name] for name in members}, **more, event_id=_FILLED)


def _several(item: Json, minimum: int) -> Json:
    """A filled list of these, or the data element that holds one."""
    return {**_list(item, 1), **_text(minimum), "type": ["array", "string"]}


def _content(quantity: Json) -> Json:
    return _object({"id": _FILLED, "quantity": _or_number(quantity)})


_BLANK_ALLOWED: Json = {
    "content_ids": _several(_or_number(_TEXT), 0), "contents": _several(_content(_TEXT), 0), "currency": _TEXT,
    "value": _or_number(_TEXT),
}  # fmt: skip
_MONEY = ("currency", "value")
_CHECKOUT = ("content_category", "content_ids", "num_items", *_MONEY)
_SEARCHED: Json = {"searchString": _FILLED, "search_string": _FILLED}
_STATUS: Json = {**_FILLED, "type": ["boolean", "string"]}
_PRODUCT = ("content_ids", "content_name", "contents", *_MONEY)
_PAIRS = _list(_object({"key": _FILLED, "value": _FILLED}), 1)

_PIXEL = _Package(
    "Meta Pixel",
    ("1.3.0", "1.3.2"),
    "Tells Meta what visitors do, to measure advertisements.",
    configuration=_object({"pixelId": _FILLED}, eventId=_TEXT),
    actions=(
        *_alike(
            _pixel(), "", "send-contact-event", "send-customize-product-event", "send-donate-event"
        ),
        *_alike(
            _pixel(),
            "",
            "send-find-location-event",
            "send-schedule-event",
            "send-submit-application-event",
        ),
        *_alike(
            _pixel(*_MONEY, "predicted_ltv"), "", "send-start-trial-event", "send-subscribe-event"
        ),
        _Delegate(
            "add-to-wishlist-event",
            _pixel(*_PRODUCT, "content_category"),
            title="Send Add To Wishlist Event",
        ),
        _Delegate("send-add-payment-info-event", _pixel("content_category", **_BLANK_ALLOWED)),
        _Delegate("send-add-to-cart-event", _pixel(*_PRODUCT, "content_type")),
        _Delegate(
            "send-complete-registration-event", _pixel("content_name", *_MONEY, status=_STATUS)
        ),
        _Delegate(
            "send-custom-event", _object({"name": _FILLED}, parameters=_PAIRS, event_id=_FILLED)
        ),
        _Delegate(
            "send-initiate-checkout-event",
            _pixel(*_CHECKOUT, contents=_several(_content(_REFERENCE), 1)),
        ),
        _Delegate("send-lead-event", _pixel("content_name", "content_category", *_MONEY)),
        _Delegate("send-page-view", _ANYTHING),
        _Delegate("send-purchase-event", _pixel(*_PRODUCT, "content_type", "num_items")),
        _Delegate("send-search-event", _pixel("content_category", **_BLANK_ALLOWED, **_SEARCHED)),
        _Delegate("send-view-content-event", _pixel(*_PRODUCT, "content_category", "content_type")),
    ),
)

_PUSHED = _one_of(
    _object({"method": _choice("allEvents", "allData", "allChanges")}),
    _object({"method": _choice("specificEvent"), "eventKey": _FILLED}, valueIsRegex=_FLAG),
)
_KEY = _object(value=_TEXT, isReturnOnlyEventProps=_FLAG)
_GOOGLE_DATA_LAYER = _Package(
    "Google Data Layer",
    ("1.2.2",),
    "Reads and writes a data layer of Google's form.",
    configuration=_object({"dataLayer": _FILLED}, doConvertArrayEvents=_FLAG),
    events=(_Delegate("gtm-dl-push-event", _PUSHED, title="Google DL Push Event"),),
    actions=(
        _Delegate(
            "gtm-dl-kv-push-action", _object(parameters=_PAIRS), title="Google DL KV Push Action"
        ),
        _Delegate(
            "gtm-dl-push-action", _object({"content": _FILLED}), title="Google DL Push Action"
        ),
        _Delegate("gtm-dl-reset-action", _NOTHING, title="Google DL Reset to Computed State"),
    ),
    data_elements=(_Delegate("gtm-dl-property-key", _KEY, title="Google DL property key"),),
)

_INSTANCE: Json = {"type": "object", "properties": {"name": _TEXT, "edgeConfigId": _TEXT}}
_WEB_SDK = _Package(
    "Adobe Experience Platform Web SDK",
    ("2.30.1", "2.31.0"),
    "Sends events from the page to the Edge Network.",
    configuration={"type": "object", "properties": {"instances": _list(_INSTANCE)}},
    transforms=(
        _function("instances[].onBeforeEventSend", "content"),
        _function("instances[].onBeforeLinkClickSend", "content"),
        _function("instances[].clickCollection.filterClickDetails", "content"),
        *_removed("instances[].sandbox"),
    ),
    events=_open("decisions-received", "send-event-complete"),
    actions=(
        *_open(
            "apply-propositions", "apply-response", "redirect-with-identity", "reset-event-merge-id"
        ),
        *_open("send-event", "set-consent"),
        _Delegate(
            "update-variable",
            _UNKNOWN,
            transforms=(_function("customCode", "content", "event"), *_removed("schema")),
        ),
    ),
    data_elements=(
        *_open("event-merge-id", "identity-map"),
        _Delegate("variable", _UNKNOWN, transforms=_removed("schema", "sandbox")),
        _Delegate("xdm-object", _UNKNOWN, transforms=_removed("schema", "sandbox")),
    ),
    partly_known=True,
)
_ANALYTICS_CODE = _function("customSetup.source", "event", "s")
_ANALYTICS = _Package(
    "Adobe Analytics",
    ("1.9.2", "2.0.1"),
    "Collects page views and links for Adobe Analytics.",
    configuration=_UNKNOWN,
    transforms=(_function("customSetup.source", "s"),),
    actions=(
        *_open("clear-variables", "send-beacon"),
        _Delegate("set-variables", _UNKNOWN, transforms=(_ANALYTICS_CODE,)),
    ),
)
_VISITOR_ID = _Package(
    "Experience Cloud ID Service",
    ("4.6.0", "5.5.0"),
    "Gives each visitor one id for all solutions.",
    configuration=_UNKNOWN,
    actions=_open("set-customer-ids"),
    data_elements=(_Delegate("ecid", _UNKNOWN, title="ECID"),),
)
_CLIENT_DATA_LAYER = _Package(
    "Adobe Client Data Layer",
    ("2.0.2",),
    "Listens to a client data layer and reads its state.",
    configuration=_UNKNOWN,
    events=_open("datalayer-push"),
    data_elements=_open("datalayer-computed-state"),
    partly_known=True,
)
_TARGET = _Package(
    "Adobe Target v2",
    ("0.20.1",),
    "Loads at.js and asks Adobe Target for offers.",
    configuration=_UNKNOWN,
    partly_known=True,
)
_CONTEXT_HUB = _Package(
    "AEM ContextHub",
    ("1.0.0",),
    "Reads the ContextHub of Adobe Experience Manager.",
    configuration=_UNKNOWN,
    partly_known=True,
)
_MAPPING_TABLE = _Package(
    "Mapping Table",
    ("2.0.0",),
    "Maps the value of a data element to another value.",
    configuration=_UNKNOWN,
    data_elements=_open("mapping-table"),
    partly_known=True,
)
_PRODUCT_STRING = _Package(
    "Adobe Analytics Product String Builder",
    ("1.0.0",),
    "Builds the products variable of Adobe Analytics.",
    configuration=_UNKNOWN,
    actions=_open("build-product-string"),
    partly_known=True,
)


# -- mobile and event forwarding

_MOBILE_CORE = _Package(
    "Mobile Core",
    ("3.0.0",),
    "The events, conditions and data elements that each app begins with.",
    configuration=_UNKNOWN,
    events=_open("launch", "push-opened", "track-action", "track-state"),
    conditions=_open("operating-system"),
    data_elements=_open("app-version", "launch-count", "operating-system"),
)
_MOBILE_EDGE = _Package(
    "Adobe Experience Platform Edge Network",
    ("3.1.0",),
    "Sends events from the app to the Edge Network.",
    configuration=_UNKNOWN,
    actions=_open("forward-event"),
)

_SECRET = _object({"id": _FILLED, "name": _FILLED})
_KEYED_SOURCE = _object({"keyName": _FILLED, "source": _FILLED})
_EDGE_CORE = _Package(
    "Core",
    ("1.4.0",),
    "The conditions, actions and data elements that each event forwarding property begins with.",
    conditions=(
        _Delegate("custom-code", _SOURCE, "Data", transforms=_code("arc", "utils")),
        _Delegate("value-comparison", _comparison(_EDGE_REFERENCE), "Data"),
    ),
    actions=(
        _Delegate(
            "custom-code",
            _object({"keyName": _FILLED, "source": _FILLED}),
            transforms=_code("arc", "utils"),
        ),
    ),
    data_elements=(
        _Delegate("custom-code", _SOURCE, transforms=_code("arc", "utils")),
        _Delegate("ip", _ANYTHING),
        _Delegate("path", _PATH),
        _Delegate(
            "secret",
            _object(secrets=_object(development=_SECRET, staging=_SECRET, production=_SECRET)),
        ),
    ),
)
_HEADER: Json = {"type": "object", "properties": {"key": _FILLED, "value": _TEXT}}
_URL = _text(1, pattern=r"https?://[-a-zA-Z0-9@:%._+~#=]+\.[a-zA-Z0-9()]")
_FETCH = _object(
    {"method": _choice("GET", "POST", "PUT", "PATCH", "DELETE"), "url": _URL},
    headers=_list(_HEADER),
    body={"type": ["object", "string"]},
    responseKey=_FILLED,
    useMtls=_FLAG,
)
_CLOUD_CONNECTOR = _Package(
    "Adobe Cloud Connector",
    ("1.2.5",),
    "Sends what the Edge Network received to any other server.",
    actions=(_Delegate("send-data", _FETCH, title="Make Fetch Call"),),
)


# -- the catalogue

_CATALOGUE = {
    ("web", "core"): _WEB_CORE,
    ("web", "adobe-alloy"): _WEB_SDK,
    ("web", "adobe-analytics"): _ANALYTICS,
    ("web", "adobe-mcid"): _VISITOR_ID,
    ("web", "adobe-target-v2"): _TARGET,
    ("web", "adobegoogledatalayer"): _GOOGLE_DATA_LAYER,
    ("web", "context-hub"): _CONTEXT_HUB,
    ("web", "facebook-pixel"): _PIXEL,
    ("web", "gcoe-adobe-client-data-layer"): _CLIENT_DATA_LAYER,
    ("web", "mapping-table"): _MAPPING_TABLE,
    ("web", "reactor-aa-product-string-builder"): _PRODUCT_STRING,
    ("mobile", "core"): _MOBILE_CORE,
    ("mobile", "adobe-edge"): _MOBILE_EDGE,
    ("edge", "core"): _EDGE_CORE,
    ("edge", "adobe-cloud-connector"): _CLOUD_CONNECTOR,
}
VERSIONS: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    {key: package.versions for key, package in _CATALOGUE.items()}
)
"""The versions of each package, by (platform, name), oldest first."""

PARTLY_KNOWN = frozenset(key for key, package in _CATALOGUE.items() if package.partly_known)
"""Packages whose real delegates are not all public, by (platform, name): they take others than
those listed here.
"""


def manifest(platform: str, name: str, version: str | None = None) -> Json | None:
    """The ``extension.json`` of a package, the newest version unless one is named. None when there
    is no such one.

    It is the caller's own copy.

    Example:
        >>> manifest("web", "core")["version"]
        '3.4.4'
    """
    versions = VERSIONS.get((platform, name), ())
    if not versions or (version is not None and version not in versions):
        return None
    return _CATALOGUE[platform, name].described(platform, name, version or versions[-1])
