"""The demo company, as data: Hearth & Harbor, a made-up retailer of things for the home. No record
here is real.

Six properties: two web shops, their checkout, a magazine, an app, and event forwarding. Names of
delegates and of their settings are those of the real extensions; mobile ones are named after their
kind.
"""

from dataclasses import dataclass, field
from typing import Any

Settings = dict[str, Any]
Step = tuple[str, str, Settings]
"""A rule component: name, delegate (``core::events::click``), settings."""


@dataclass(frozen=True, slots=True)
class HeadId:
    """Stands in settings for the id of a data element of the same property: some settings refer by
    id.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Installed:
    """An extension of a property."""

    package: str
    display_name: str
    version: str
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Element:
    """A data element."""

    name: str
    delegate: str
    settings: Settings
    default: str | None = None
    storage: str | None = None
    lower: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: events, conditions and actions in one list."""

    name: str
    steps: tuple[Step, ...]
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Property:
    """A property with all that is in it. ``releases`` are (name, day) of its published libraries."""

    name: str
    platform: str
    created: str
    domains: tuple[str, ...]
    extensions: tuple[Installed, ...]
    elements: tuple[Element, ...]
    rules: tuple[Rule, ...]
    releases: tuple[tuple[str, str], ...]
    open_libraries: tuple[tuple[str, str, str], ...] = ()
    """(name, state, day) of libraries that are not published."""


# -- short hands


def _variable(name: str, path: str, **more: Any) -> Element:
    return Element(name, "core::dataElements::javascript-variable", {"path": path}, **more)


def _cookie(name: str, cookie: str) -> Element:
    return Element(name, "core::dataElements::cookie", {"name": cookie}, storage="visitor")


def _query(name: str, parameter: str) -> Element:
    settings = {"name": parameter, "caseInsensitive": True}
    return Element(
        name, "core::dataElements::query-string-parameter", settings, storage="session", lower=True
    )


def _page(name: str, attribute: str) -> Element:
    return Element(name, "core::dataElements::page-info", {"attribute": attribute})


def _code(name: str, source: str) -> Element:
    return Element(name, "core::dataElements::custom-code", {"source": source})


def _container(name: str, cache_id: str) -> Element:
    """The empty XDM object that "Update variable" fills."""
    return Element(
        name, "adobe-alloy::dataElements::variable", {"cacheId": cache_id, "solutions": ["aep"]}
    )


def _constant(name: str, value: str) -> Element:
    return Element(name, "core::dataElements::constant", {"value": value})


_LOADED: Step = ("Library Loaded", "core::events::library-loaded", {})
_DOM: Step = ("DOM Ready", "core::events::dom-ready", {})
_WINDOW: Step = ("Window Loaded", "core::events::window-loaded", {})


def _click(selector: str) -> Step:
    settings = {
        "elementSelector": selector,
        "bubbleFireIfParent": True,
        "bubbleFireIfChildFired": True,
        "bubbleStop": False,
    }
    return (f"Click {selector}", "core::events::click", settings)


def _custom(event: str) -> Step:
    return (f"Event {event}", "core::events::custom-event", {"type": event})


def _direct(identifier: str) -> Step:
    return (f"Direct call {identifier}", "core::events::direct-call", {"identifier": identifier})


def _path(*paths: str) -> Step:
    return ("Path", "core::conditions::path", {"paths": [{"value": path} for path in paths]})


def _path_query(*paths: str) -> Step:
    settings = {"paths": [{"value": path} for path in paths]}
    return ("Path and query", "core::conditions::path-and-querystring", settings)


def _equals(element: str, value: str) -> Step:
    settings = {
        "leftOperand": f"%{element}%",
        "comparison": {"operator": "equals", "caseInsensitive": True},
        "rightOperand": value,
    }
    return (f"{element} is {value}", "core::conditions::value-comparison", settings)


def _send(kind: str, xdm: str) -> Step:
    settings = {"instanceName": "alloy", "type": kind, "xdm": f"%{xdm}%"}
    return ("Send event", "adobe-alloy::actions::send-event", settings)


def _set(xdm: str, **data: str) -> Step:
    settings = {"dataElementId": HeadId(xdm), "data": data}
    return ("Update variable", "adobe-alloy::actions::update-variable", settings)


def _javascript(name: str, source: str) -> Step:
    return (name, "core::actions::custom-code", {"language": "javascript", "source": source})


def _html(name: str, source: str) -> Step:
    return (name, "core::actions::custom-code", {"language": "html", "source": source})


def _pixel(kind: str, name: str, **settings: Any) -> Step:
    return (name, f"facebook-pixel::actions::{kind}", settings)


def _analytics(name: str, events: tuple[str, ...] = (), **evars: str) -> Step:
    tracked: Settings = {
        "eVars": [{"name": each, "type": "value", "value": value} for each, value in evars.items()]
    }
    if events:
        tracked["events"] = [{"name": event} for event in events]
    return (name, "adobe-analytics::actions::set-variables", {"trackerProperties": tracked})


_BEACON_PAGE: Step = ("Send page view", "adobe-analytics::actions::send-beacon", {"type": "page"})
_CLEAR: Step = ("Clear variables", "adobe-analytics::actions::clear-variables", {})


def _beacon_link(name: str) -> Step:
    settings = {"type": "link", "linkType": "o", "linkName": name}
    return (f"Send link {name}", "adobe-analytics::actions::send-beacon", settings)


def _alloy(datastream: str) -> Installed:
    settings = {
        "instances": [{"name": "alloy", "edgeConfigId": datastream, "defaultConsent": "pending"}]
    }
    return Installed("adobe-alloy", "Adobe Experience Platform Web SDK", "2.30.1", settings)


_CORE = Installed("core", "Core", "3.4.4")
_CORE_OLD = Installed("core", "Core", "3.3.1")
_ANALYTICS_SETTINGS: Settings = {
    "libraryCode": {
        "type": "managed",
        "accounts": {"production": ["hearthharborde"], "staging": ["hearthharbordev"]},
    },
    "trackerProperties": {"currencyCode": "EUR", "trackExternalLinks": True},
}

_SHOP_ELEMENTS = (
    _variable("Page Name", "digitalData.page.name", default="unknown"),
    _variable("Page Type", "digitalData.page.type", lower=True),
    _variable("Site Section", "digitalData.page.section"),
    _page("Page URL", "url"),
    _page("Page Title", "title"),
    _page("Referrer", "referrer"),
    _variable("Product SKU", "digitalData.product.sku"),
    _variable("Product Name", "digitalData.product.name"),
    _variable("Product Price", "digitalData.product.price", default="0"),
    _variable("Search Term", "digitalData.search.term", lower=True),
    _variable("Search Results", "digitalData.search.results"),
    _query("Campaign Code", "cid"),
    _query("Coupon Code", "coupon"),
    _cookie("Consent Choice", "hh_consent"),
    _cookie("Customer Segment", "hh_segment"),
    _code("Login Status", "return window.hh && window.hh.customer ? 'logged in' : 'guest';"),
)

WEB_STORE_US = Property(
    name="Web Store US",
    platform="web",
    created="2024-09-16",
    domains=("www.hearth-harbor.example", "outlet.hearth-harbor.example"),
    extensions=(
        _CORE,
        _alloy("8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d201"),
        Installed("facebook-pixel", "Meta Pixel", "1.3.2", {"pixelId": "430000000000017"}),
        Installed(
            "adobegoogledatalayer",
            "Google Data Layer",
            "1.2.2",
            {"dataLayer": "dataLayer", "doConvertArrayEvents": True},
        ),
    ),
    elements=(
        *_SHOP_ELEMENTS,
        _container("XDM Page View", "f3721a27-09f2-56f9-a7eb-e8aeb1fa3848"),
        _container("XDM Commerce", "75178254-423e-50ce-ac3e-6b059a4d0093"),
        Element(
            "ECID",
            "adobe-alloy::dataElements::event-merge-id",
            {"cacheId": "016c9940-d94c-5599-b736-2f159165244b"},
        ),
        Element(
            "GTM Cart Value",
            "adobegoogledatalayer::dataElements::gtm-dl-property-key",
            {"value": "cart.value"},
        ),
    ),
    rules=(
        Rule(
            "All Pages - Page View",
            (
                _LOADED,
                _equals("Consent Choice", "in"),
                _set(
                    "XDM Page View",
                    pageName="%Page Name%",
                    siteSection="%Site Section%",
                    URL="%Page URL%",
                ),
                _send("web.webpagedetails.pageViews", "XDM Page View"),
                _pixel("send-page-view", "Meta page view"),
            ),
        ),
        Rule(
            "Home - Hero Click",
            (
                _click(".hero a.cta"),
                _path("/"),
                _set("XDM Page View", linkName="home hero", linkURL="%Page URL%"),
                _send("web.webinteraction.linkClicks", "XDM Page View"),
            ),
        ),
        Rule(
            "Product - Detail View",
            (
                _DOM,
                _equals("Page Type", "product"),
                _set(
                    "XDM Commerce",
                    sku="%Product SKU%",
                    name="%Product Name%",
                    price="%Product Price%",
                ),
                _send("commerce.productViews", "XDM Commerce"),
                _pixel(
                    "send-view-content-event",
                    "Meta view content",
                    content_ids="%Product SKU%",
                    content_name="%Product Name%",
                    currency="USD",
                ),
            ),
        ),
        Rule(
            "Product - Add to Cart",
            (
                _click("button.add-to-cart"),
                _equals("Page Type", "product"),
                _set("XDM Commerce", sku="%Product SKU%", price="%Product Price%"),
                _send("commerce.productListAdds", "XDM Commerce"),
                _pixel(
                    "send-add-to-cart-event",
                    "Meta add to cart",
                    content_ids="%Product SKU%",
                    currency="USD",
                ),
            ),
        ),
        Rule(
            "Product - Image Zoom",
            (
                _click(".gallery img"),
                _javascript("Count zooms", "window.hh.zoom = (window.hh.zoom || 0) + 1;"),
            ),
            enabled=False,
        ),
        Rule(
            "Search - Results",
            (
                _DOM,
                _path_query("/search"),
                _set("XDM Page View", searchTerm="%Search Term%", results="%Search Results%"),
                _send("web.webpagedetails.pageViews", "XDM Page View"),
                _pixel("send-search-event", "Meta search", search_string="%Search Term%"),
            ),
        ),
        Rule(
            "Campaign - Landing",
            (
                _LOADED,
                (
                    "Has campaign",
                    "core::conditions::query-string-parameter",
                    {"name": "cid", "value": "."},
                ),
                _set("XDM Page View", campaign="%Campaign Code%"),
                _javascript(
                    "Remember campaign",
                    "sessionStorage.setItem('cid', _satellite.getVar('Campaign Code'));",
                ),
            ),
        ),
        Rule(
            "Consent - Choice Made",
            (
                _custom("hh:consent"),
                (
                    "Set consent",
                    "adobe-alloy::actions::set-consent",
                    {"instanceName": "alloy", "consent": "%Consent Choice%"},
                ),
            ),
        ),
        Rule(
            "Newsletter - Sign-up",
            (
                _custom("hh:newsletter"),
                _send("marketing.newsletterSignUps", "XDM Page View"),
                _pixel("send-lead-event", "Meta lead", content_name="newsletter"),
            ),
        ),
        Rule(
            "Engagement - 60 Seconds",
            (
                ("Time on page", "core::events::time-on-page", {"timeOnPage": 60}),
                ("Sample", "core::conditions::sampling", {"rate": 0.1, "persistCohort": True}),
                _send("web.engagement", "XDM Page View"),
            ),
        ),
        Rule(
            "Outlet - Countdown Seen",
            (
                (
                    "Countdown visible",
                    "core::events::enters-viewport",
                    {"elementSelector": "#countdown"},
                ),
                ("Outlet only", "core::conditions::domain", {"domains": ["hearth-harbor.example"]}),
                _send("web.webinteraction.linkClicks", "XDM Page View"),
            ),
        ),
        Rule(
            "Legacy - Chat Widget",
            (_WINDOW, _html("Chat snippet", "<div id='chat'></div>")),
            enabled=False,
        ),
    ),
    releases=(
        ("Release 2024-10", "2024-10-22"),
        ("Holiday 2024", "2024-11-19"),
        ("Release 2025-03", "2025-03-11"),
        ("Consent update", "2025-08-05"),
        ("Holiday 2025", "2025-11-18"),
        ("Release 2026-05", "2026-05-12"),
    ),
    open_libraries=(
        ("Outlet countdown", "development", "2026-08-27"),
        ("Autumn campaign", "submitted", "2026-09-03"),
    ),
)

WEB_STORE_DE = Property(
    name="Web Store DE",
    platform="web",
    created="2024-09-30",
    domains=("de.hearth-harbor.example",),
    extensions=(
        _CORE_OLD,
        Installed(
            "adobe-mcid",
            "Experience Cloud ID Service",
            "4.6.0",
            {"orgId": "5F1C6E4B67A0C0DE0A495C3A@AdobeOrg", "doesOptInApply": True},
        ),
        Installed("adobe-analytics", "Adobe Analytics", "1.9.2", _ANALYTICS_SETTINGS),
        Installed("facebook-pixel", "Meta Pixel", "1.3.0", {"pixelId": "430000000000049"}),
    ),
    elements=(
        *_SHOP_ELEMENTS,
        _constant("Currency", "EUR"),
        _code(
            "Net Price",
            "return (parseFloat(_satellite.getVar('Product Price')) / 1.19).toFixed(2);",
        ),
    ),
    rules=(
        Rule(
            "Alle Seiten - Page View",
            (
                _LOADED,
                _equals("Consent Choice", "in"),
                _analytics(
                    "Set page", eVar1="%Page Name%", eVar2="%Site Section%", eVar7="%Login Status%"
                ),
                _BEACON_PAGE,
                _CLEAR,
            ),
        ),
        Rule(
            "Produkt - Detailseite",
            (
                _DOM,
                _equals("Page Type", "product"),
                _analytics(
                    "Set product", ("prodView",), eVar10="%Product SKU%", eVar11="%Net Price%"
                ),
                _BEACON_PAGE,
                _pixel(
                    "send-view-content-event",
                    "Meta view content",
                    content_ids="%Product SKU%",
                    currency="EUR",
                ),
            ),
        ),
        Rule(
            "Produkt - In den Warenkorb",
            (
                _click("button.warenkorb"),
                _analytics("Set cart", ("scAdd",), eVar10="%Product SKU%"),
                _beacon_link("add to cart"),
                _pixel(
                    "send-add-to-cart-event",
                    "Meta add to cart",
                    content_ids="%Product SKU%",
                    currency="EUR",
                ),
            ),
        ),
        Rule(
            "Suche - Ergebnisse",
            (
                _DOM,
                _path_query("/suche"),
                _analytics(
                    "Set search", ("event5",), eVar5="%Search Term%", eVar6="%Search Results%"
                ),
                _BEACON_PAGE,
            ),
        ),
        Rule(
            "Kampagne - Landing",
            (
                _LOADED,
                (
                    "Has campaign",
                    "core::conditions::query-string-parameter",
                    {"name": "cid", "value": "."},
                ),
                _analytics("Set campaign", ("event12",), eVar3="%Campaign Code%"),
            ),
        ),
        Rule("Newsletter - Anmeldung", (_custom("hh:newsletter"), _beacon_link("newsletter"))),
        Rule(
            "Filialfinder - Suche",
            (
                _direct("store-finder"),
                _analytics("Set finder", ("event20",)),
                _beacon_link("store finder"),
            ),
        ),
        Rule(
            "Alt - Affiliate Pixel",
            (_WINDOW, _html("Affiliate", "<div class='affiliate'></div>")),
            enabled=False,
        ),
    ),
    releases=(
        ("Start", "2024-11-05"),
        ("Release 2025-02", "2025-02-18"),
        ("Release 2025-09", "2025-09-23"),
        ("Release 2026-04", "2026-04-14"),
    ),
    open_libraries=(
        ("Filialfinder", "approved", "2026-08-19"),
        ("Analytics 2.0", "development", "2026-09-02"),
    ),
)

CHECKOUT = Property(
    name="Checkout",
    platform="web",
    created="2024-11-12",
    domains=("secure.hearth-harbor.example",),
    extensions=(
        _CORE,
        _alloy("8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d201"),
        Installed("facebook-pixel", "Meta Pixel", "1.3.2", {"pixelId": "430000000000017"}),
    ),
    elements=(
        _variable("Checkout Step", "digitalData.checkout.step"),
        _variable("Cart Value", "digitalData.cart.value", default="0"),
        _variable("Cart Items", "digitalData.cart.items"),
        _variable("Order ID", "digitalData.order.id"),
        _variable("Order Total", "digitalData.order.total"),
        _variable("Payment Method", "digitalData.order.payment", lower=True),
        _variable("Currency", "digitalData.cart.currency", default="USD"),
        _query("Coupon Code", "coupon"),
        _cookie("Consent Choice", "hh_consent"),
        _container("XDM Checkout", "26a73c86-da80-5980-a358-c7732296f693"),
    ),
    rules=(
        Rule(
            "Cart - View",
            (
                _DOM,
                _path("/cart"),
                _set(
                    "XDM Checkout",
                    value="%Cart Value%",
                    items="%Cart Items%",
                    currency="%Currency%",
                ),
                _send("commerce.productListViews", "XDM Checkout"),
            ),
        ),
        Rule(
            "Checkout - Start",
            (
                _DOM,
                _equals("Checkout Step", "address"),
                _send("commerce.checkouts", "XDM Checkout"),
                _pixel(
                    "send-initiate-checkout-event",
                    "Meta checkout",
                    currency="%Currency%",
                    value="%Cart Value%",
                ),
            ),
        ),
        Rule(
            "Checkout - Payment Chosen",
            (
                _click("input[name=payment]"),
                _set("XDM Checkout", payment="%Payment Method%"),
                _send("commerce.paymentSelections", "XDM Checkout"),
                _pixel(
                    "send-add-payment-info-event",
                    "Meta payment",
                    currency="%Currency%",
                    value="%Cart Value%",
                ),
            ),
        ),
        Rule(
            "Order - Confirmation",
            (
                _DOM,
                _path("/thank-you"),
                _set(
                    "XDM Checkout",
                    orderId="%Order ID%",
                    total="%Order Total%",
                    currency="%Currency%",
                ),
                _send("commerce.purchases", "XDM Checkout"),
                _pixel(
                    "send-purchase-event",
                    "Meta purchase",
                    currency="%Currency%",
                    value="%Order Total%",
                ),
            ),
        ),
        Rule(
            "Coupon - Applied",
            (
                _custom("hh:coupon"),
                _set("XDM Checkout", coupon="%Coupon Code%"),
                _send("commerce.couponUses", "XDM Checkout"),
            ),
        ),
        Rule(
            "Checkout - Error Shown",
            (
                (
                    "Error exists",
                    "core::events::element-exists",
                    {"elementSelector": ".checkout-error"},
                ),
                _javascript("Log error", "_satellite.logger.warn('checkout', document.title);"),
                _send("application.errors", "XDM Checkout"),
            ),
        ),
    ),
    releases=(
        ("Launch", "2025-01-14"),
        ("Payment tracking", "2025-06-24"),
        ("Release 2026-02", "2026-02-10"),
    ),
    open_libraries=(("Error tracking", "rejected", "2026-08-11"),),
)

MAGAZINE = Property(
    name="Magazine",
    platform="web",
    created="2025-02-04",
    domains=("magazine.hearth-harbor.example",),
    extensions=(_CORE_OLD, _alloy("8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d202")),
    elements=(
        _variable("Article Title", "magazine.article.title"),
        _variable("Article Author", "magazine.article.author", default="editors"),
        _variable("Article Topic", "magazine.article.topic", lower=True),
        _page("Page URL", "url"),
        _cookie("Consent Choice", "hh_consent"),
        _container("XDM Article", "8deb9636-c3d2-5c65-9abc-2675d64e8afc"),
    ),
    rules=(
        Rule(
            "Article - View",
            (
                _LOADED,
                _set(
                    "XDM Article",
                    title="%Article Title%",
                    author="%Article Author%",
                    topic="%Article Topic%",
                ),
                _send("web.webpagedetails.pageViews", "XDM Article"),
            ),
        ),
        Rule(
            "Article - Read to End",
            (
                (
                    "End visible",
                    "core::events::enters-viewport",
                    {"elementSelector": "footer", "frequency": "firstEntry"},
                ),
                _send("media.articleReads", "XDM Article"),
            ),
        ),
        Rule(
            "Article - Shop the Look",
            (
                _click("a.shop-the-look"),
                _equals("Article Topic", "living"),
                _send("web.webinteraction.linkClicks", "XDM Article"),
            ),
        ),
        Rule(
            "Share - Button",
            (_click("button.share"), _send("social.shares", "XDM Article")),
            enabled=False,
        ),
    ),
    releases=(("Launch", "2025-03-04"), ("Read to end", "2025-10-21")),
    open_libraries=(("Shop the look", "development", "2026-07-22"),),
)

APP = Property(
    name="Store App",
    platform="mobile",
    created="2025-05-19",
    domains=(),
    extensions=(
        Installed("core", "Mobile Core", "3.0.0"),
        Installed(
            "adobe-edge",
            "Adobe Experience Platform Edge Network",
            "3.1.0",
            {"edgeConfigId": "8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d201"},
        ),
    ),
    elements=(
        Element("App Version", "core::dataElements::app-version", {}),
        Element("Device OS", "core::dataElements::operating-system", {}),
        Element("Lifecycle Launches", "core::dataElements::launch-count", {}),
    ),
    rules=(
        Rule(
            "App - Launch",
            (
                ("Launch", "core::events::launch", {}),
                (
                    "Send to Edge",
                    "adobe-edge::actions::forward-event",
                    {"xdm": {"app": "%App Version%"}},
                ),
            ),
        ),
        Rule(
            "App - Push Opened",
            (
                ("Push opened", "core::events::push-opened", {}),
                ("OS is known", "core::conditions::operating-system", {"is": "%Device OS%"}),
                (
                    "Send to Edge",
                    "adobe-edge::actions::forward-event",
                    {"xdm": {"launches": "%Lifecycle Launches%"}},
                ),
            ),
        ),
        Rule(
            "App - Barcode Scan",
            (
                ("Track action", "core::events::track-action", {"action": "scan"}),
                ("Send to Edge", "adobe-edge::actions::forward-event", {"xdm": {"action": "scan"}}),
            ),
        ),
    ),
    releases=(("App 1.0", "2025-07-01"), ("App 1.4", "2026-01-27")),
)

FORWARDING = Property(
    name="Event Forwarding",
    platform="edge",
    created="2025-09-08",
    domains=(),
    extensions=(
        Installed("core", "Core", "1.4.0"),
        Installed("adobe-cloud-connector", "Adobe Cloud Connector", "1.2.5"),
    ),
    elements=(
        Element("Event Type", "core::dataElements::path", {"path": "arc.event.xdm.eventType"}),
        Element(
            "Order ID",
            "core::dataElements::path",
            {"path": "arc.event.xdm.commerce.order.purchaseID"},
        ),
        Element(
            "Order Total",
            "core::dataElements::path",
            {"path": "arc.event.xdm.commerce.order.priceTotal"},
        ),
        Element("Client IP", "core::dataElements::ip", {}),
    ),
    rules=(
        Rule(
            "Forward Purchases",
            (
                (
                    "Is a purchase",
                    "core::conditions::value-comparison",
                    {
                        "leftOperand": "{{Event Type}}",
                        "comparison": {"operator": "equals"},
                        "rightOperand": "commerce.purchases",
                    },
                ),
                (
                    "Post to data warehouse",
                    "adobe-cloud-connector::actions::send-data",
                    {
                        "method": "POST",
                        "url": "https://collect.hearth-harbor.example/orders",
                        "body": {"order": "{{Order ID}}", "total": "{{Order Total}}"},
                    },
                ),
            ),
        ),
        Rule(
            "Forward Page Views",
            (
                (
                    "Is a page view",
                    "core::conditions::value-comparison",
                    {
                        "leftOperand": "{{Event Type}}",
                        "comparison": {"operator": "startsWith"},
                        "rightOperand": "web.webpagedetails",
                    },
                ),
                (
                    "Post to stream",
                    "adobe-cloud-connector::actions::send-data",
                    {"method": "POST", "url": "https://stream.hearth-harbor.example/pageviews"},
                ),
            ),
        ),
    ),
    releases=(("Forward purchases", "2025-10-14"), ("Forward page views", "2026-06-09")),
)

PROPERTIES = (WEB_STORE_US, WEB_STORE_DE, CHECKOUT, MAGAZINE, APP, FORWARDING)
