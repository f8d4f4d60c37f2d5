"""The demo company has what questions are to find; ``docs/reference/demo-company.md`` lists it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adobe_nb.simulator.accounts import ORG_ID
from adobe_nb.simulator.seed import Bulk, seeded
from adobe_nb.simulator.store import Record, Store

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "demo-company.md"
US, DE, EDGE = "Web Store US", "Web Store DE", "Event Forwarding"
TYPES = ("extensions", "data_elements", "rules")


class Site:
    """A property of the seed, with the settings of its heads parsed."""

    def __init__(self, store: Store, name: str) -> None:
        self.store = store
        self.property = next(each for each in store.all("properties") if each["name"] == name)

    def heads(self, kind: str) -> dict[str, Record]:
        """Return the heads of a type by name."""
        return {record["name"]: record for record in self.store.listed(self.property.id, kind)}

    def settings(self, rule: str, component: str) -> Any:
        """Return the settings of a component."""
        components = self.store.listed(self.heads("rules")[rule].id, "rule_components")
        return parsed(next(part for part in components if part["name"] == component))

    def strings(self) -> Iterator[tuple[str, str]]:
        """Yield each string in settings, after the name of its rule, data element or extension."""
        for kind in TYPES:
            for name, head in self.heads(kind).items():
                for part in (head, *self.store.listed(head.id, "rule_components")):
                    if "settings" in part.attributes:
                        yield from ((name, text) for text in strings(parsed(part)))

    def mentions(self, element: str) -> set[str]:
        """Return what names a data element: as a token, in quotes, by name or by id."""
        name, identifier = re.escape(element), self.heads("data_elements")[element].id
        pattern = re.compile(rf"%{name}%|\{{\{{{name}\}}\}}|'{name}'|\A{name}\Z|\A{identifier}\Z")
        return {source for source, text in self.strings() if pattern.search(text)}

    def code(self, source: str) -> str:
        """Return the strings of a resource that hold code, in one text."""
        return "\n".join(text for name, text in self.strings() if name == source and "(" in text)

    def live(self, kind: str, name: str) -> Record:
        """Return the revision in production of what was called so when it was published."""
        [production] = [
            record
            for record in self.store.listed(self.property.id, "environments")
            if record["stage"] == "production"
        ]
        library = self.store.of(production, "library")
        assert library is not None
        held = self.store.listed(library.id, kind)
        return next(record for record in held if record["name"] == name)

    def libraries(self, kind: str, name: str) -> list[str]:
        """Return the states of the libraries that hold a resource."""
        head = self.heads(kind)[name]
        revisions = self.store.listed(head.id, "revisions")
        libraries = [
            library
            for revision in revisions
            for library in self.store.listed(revision.id, "libraries")
        ]
        return [library["state"] for library in libraries]

    def content(self, record: Record) -> list[tuple[Any, ...]]:
        """Return what a user can edit of a head or revision, its components included."""
        names = ("name", "enabled", "delegate_descriptor_id", "settings", "order", "negate")
        parts = (record, *self.store.listed(record.id, "rule_components"))
        return [tuple(part.attributes.get(name) for name in names) for part in parts]


def parsed(record: Record) -> Any:
    return json.loads(record["settings"])


def strings(value: Any) -> Iterator[str]:
    """Yield the strings in parsed settings, without keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def tokens(text: str) -> list[str]:
    """Return the names that the engine asks for: each pair of signs from left to right."""
    return re.findall("%(.+?)%", text)


def folded(name: str) -> str:
    return re.sub(r"\W", "", name).casefold()


@pytest.fixture(scope="module")
def store() -> Store:
    return seeded("demo", Bulk())[ORG_ID]


@pytest.fixture(scope="module")
def us(store: Store) -> Site:
    return Site(store, US)


@pytest.fixture(scope="module")
def de(store: Store) -> Site:
    return Site(store, DE)


@pytest.fixture(scope="module")
def edge(store: Store) -> Site:
    return Site(store, EDGE)


class TestDataElements:
    """Who uses a data element."""

    @pytest.mark.parametrize(
        ("name", "element", "source"),
        [
            (US, "Loyalty Tier", "Account - Sign-in"),
            (US, "CSP Nonce", "core"),
            (US, "Test Traffic", "adobe-alloy"),
            (US, "Clicked Link", "Navigation - Menu Click"),
            (US, "Chat Department", "Legacy - Chat Widget"),
            (US, "Affiliate ID", "Navigation - Menu Click"),
            (US, "Customer Orders", "Customer Lifetime Value"),
            (US, "Customer ID", "Customer Orders"),
            (DE, "Page Title", "adobe-analytics"),
            (DE, "Referrer", "adobe-analytics"),
            (DE, "Videotitel", "Video - Wiedergabe"),
            (DE, "Filiale", "Filialfinder - Suche"),
            (EDGE, "Refund Key", "Forward Refunds"),
        ],
    )
    def test_only_one_resource_names_the_element(
        self, store: Store, name: str, element: str, source: str
    ) -> None:
        assert Site(store, name).mentions(element) == {source}

    @pytest.mark.parametrize(
        ("name", "elements"),
        [
            (
                US,
                {
                    "Referrer",
                    "Coupon Code",
                    "Coupon Code ",
                    "Document Title",
                    "Promo Name",
                    "Promo Position",
                    "Customer Lifetime Value",
                },
            ),
            (DE, {"Page URL", "Product Name", "Nettopreis", "Campaign code"}),
            (EDGE, {"Client IP"}),
            ("Checkout", {"Consent Choice"}),
            ("Magazine", {"Page URL", "Consent Choice"}),
            ("Store App", set()),
        ],
    )
    def test_nothing_names_these_elements(
        self, store: Store, name: str, elements: set[str]
    ) -> None:
        site = Site(store, name)
        unnamed = {element for element in site.heads("data_elements") if not site.mentions(element)}
        assert unnamed == elements

    @pytest.mark.parametrize(
        ("name", "source", "element"),
        [
            (US, "Navigation - Menu Click", "Affiliate ID"),
            (DE, "adobe-analytics", "Referrer"),
        ],
    )
    def test_element_is_named_only_in_a_comment(
        self, store: Store, name: str, source: str, element: str
    ) -> None:
        lines = Site(store, name).code(source).splitlines()
        named = [line.strip() for line in lines if f"'{element}'" in line]
        assert named
        assert all(line.startswith("//") for line in named)

    def test_code_reads_elements_with_two_arguments(self, us: Site, de: Site) -> None:
        assert "getVar('Clicked Link', event)" in us.code("Navigation - Menu Click")
        assert "getVar('Videotitel', event)" in de.code("Video - Wiedergabe")

    def test_code_reads_elements_by_a_prefix(self, us: Site) -> None:
        assert "getVar('Promo ' + part)" in us.code("Navigation - Menu Click")
        assert {"Promo Name", "Promo Position"} <= us.heads("data_elements").keys()

    def test_only_a_disabled_rule_uses_the_element(self, us: Site) -> None:
        assert us.heads("rules")["Legacy - Chat Widget"]["enabled"] is False

    def test_event_names_an_element_without_signs(self, us: Site) -> None:
        assert us.settings("Outlet - Price Drop", "Product Price changed") == {
            "name": "Product Price"
        }

    def test_javascript_that_is_not_in_the_library_has_a_token(self, us: Site) -> None:
        settings = us.settings("Navigation - Menu Click", "Describe menu")
        assert settings["language"] == "javascript"
        assert tokens(settings["source"]) == ["Site Section"]

    def test_nothing_of_one_extension_is_used(self, store: Store) -> None:
        site = Site(store, "Magazine")
        extension = site.heads("extensions")["gcoe-adobe-client-data-layer"]
        users = (*store.all("rule_components"), *store.all("data_elements"))
        assert all(record.to_one["extension"] != extension.here for record in users)
        assert extension["delegate_descriptor_id"] is None


class TestNames:
    """Names that lead nowhere, or to the wrong place."""

    @pytest.mark.parametrize(
        ("token", "meant"),
        [("Page name", "Page Name"), ("cartcurrency", "cart.currency"), ("Store Region", None)],
    )
    def test_unknown_name_may_be_like_a_known_one(
        self, us: Site, token: str, meant: str | None
    ) -> None:
        elements = us.heads("data_elements")
        assert token not in elements
        assert any(f"%{token}%" in text for name, text in us.strings() if name == "Sale - Banner")
        alike = [name for name in elements if folded(name) == folded(token)]
        assert alike == ([] if meant is None else [meant])

    def test_a_percentage_masks_a_token(self, us: Site) -> None:
        parameters = us.settings("Sale - Banner", "Meta sale banner")["parameters"]
        [offer] = [item["value"] for item in parameters if item["key"] == "offer"]
        assert offer == "20% off %Product Name%"
        assert tokens(offer) == [" off "]
        assert "Product Name" in us.heads("data_elements")

    def test_copied_action_has_the_id_of_another_property(self, us: Site, store: Store) -> None:
        identifier = us.settings("Cart - Quick View", "Update variable")["dataElementId"]
        element = store.get("data_elements", identifier)
        assert element is not None
        assert element["name"] == "XDM Checkout"
        assert store.property_of(element)["name"] == "Checkout"
        assert us.settings("Cart - Quick View", "Send event")["xdm"] == "%XDM Checkout%"

    def test_tokens_of_event_and_custom_variable_are_right(self, us: Site) -> None:
        assert ("Product - Stock Low", True) in {
            (name, "%Stock.level%" in text) for name, text in us.strings()
        }
        assert "setVar('Stock', {" in us.code("Product - Stock Check")
        data = us.settings("Account - Sign-in", "Update variable")["data"]
        assert "%event.detail.method%" in strings(data)


class TestDuplicates:
    """The same thing twice."""

    def test_definitions_are_equal(self, us: Site, de: Site) -> None:
        elements = us.heads("data_elements")
        assert elements["Page Title"]["settings"] == elements["Document Title"]["settings"]
        code = [
            parsed(de.heads("data_elements")[name])["source"]
            for name in ("Net Price", "Nettopreis")
        ]
        assert code[0] != code[1]
        assert code[0] == re.sub("//.*\n", "", code[1])

    @pytest.mark.parametrize(
        ("name", "one", "other"),
        [
            (US, "Search Term", "Search term"),
            (US, "Coupon Code", "Coupon Code "),
            (DE, "Campaign Code", "Campaign code"),
        ],
    )
    def test_names_differ_in_case_or_blanks(
        self, store: Store, name: str, one: str, other: str
    ) -> None:
        elements = Site(store, name).heads("data_elements")
        assert elements[one].id != elements[other].id
        assert one.strip().casefold() == other.strip().casefold()

    def test_copy_of_a_rule_has_the_same_components(self, us: Site) -> None:
        rules = us.heads("rules")
        original, copy = rules["Home - Hero Click"], rules["Copy of Home - Hero Click"]
        assert us.content(original)[1:] == us.content(copy)[1:]
        assert (original["enabled"], copy["enabled"]) == (True, False)


class TestVariables:
    """What sets variables of Adobe Analytics."""

    def test_settings_of_analytics_set_each_kind(self, de: Site) -> None:
        everywhere = parsed(de.heads("extensions")["adobe-analytics"])["trackerProperties"]
        assert {"eVars", "props", "pageName", "campaign"} <= everywhere.keys()
        in_rule = de.settings("Warenkorb - Ansicht", "Set cart")["trackerProperties"]
        assert in_rule.keys() == {"eVars", "props", "events", "hierarchies"}
        assert {"name": "event7", "value": "%Warenkorbwert%"} in in_rule["events"]

    def test_code_of_analytics_sets_variables(self, de: Site) -> None:
        extension = parsed(de.heads("extensions")["adobe-analytics"])["customSetup"]["source"]
        assert "s.doPlugins = function (s) {" in extension
        assert "s.prop5 = " in extension
        action = de.settings("Warenkorb - Ansicht", "Set cart")["customSetup"]["source"]
        for statement in ("s.products = ", "s.events = s.apl(", "s['eVar' + (60 + i)] = "):
            assert statement in action
        rule = de.settings("Video - Wiedergabe", "Send link video")["source"]
        for statement in ("s.eVar21 = s.prop21 = ", "s.events = 'event21'", "s.tl("):
            assert statement in rule

    def test_code_names_variables_that_do_not_exist(self, de: Site) -> None:
        code = de.code("Gewinnspiel - Teilnahme")
        assert "s.evar22 =" in code
        assert "s.eVar260 =" in code

    def test_web_sdk_sets_variables_as_analytics_data(self, us: Site) -> None:
        settings = us.settings("Account - Sign-in", "Update variable")
        data = settings["data"]["__adobe"]["analytics"]
        assert {"eVar5", "eVar8", "prop3", "events", "contextData"} == data.keys()
        assert "content.__adobe.analytics.eVar9 = " in settings["customCode"]
        data = us.settings("Product - Stock Low", "Update variable")["data"]["__adobe"]["analytics"]
        assert data["products"].startswith(";%Product SKU%;")
        [instance] = parsed(us.heads("extensions")["adobe-alloy"])["instances"]
        assert "content.data.__adobe.analytics.prop20 = " in instance["onBeforeEventSend"]

    def test_web_sdk_sets_variables_as_xdm(self, us: Site) -> None:
        fields = parsed(us.heads("data_elements")["XDM Content"])["data"]["_experience"][
            "analytics"
        ]
        assert fields["customDimensions"]["eVars"] == {"eVar12": "%Page Title%"}
        assert "event20" in fields["event1to100"]


class TestCode:
    """Code, and what it calls."""

    def test_each_kind_of_resource_has_code(self, us: Site, store: Store) -> None:
        kinds = {
            part["delegate_descriptor_id"].split("::")[1]
            for rule in us.heads("rules").values()
            for part in store.listed(rule.id, "rule_components")
            if part["delegate_descriptor_id"].endswith("::custom-code")
        }
        assert kinds == {"events", "conditions", "actions"}
        assert "localStorage" in us.code("Customer Orders")
        assert "onBeforeEventSend" in us.heads("extensions")["adobe-alloy"]["settings"]

    def test_html_has_an_inline_script(self, us: Site) -> None:
        settings = us.settings("Sale - Banner", "Show banner")
        assert settings["language"] == "html"
        assert re.search(
            r"<script>.*getVar\('Customer Segment'\).*</script>", settings["source"], re.S
        )

    def test_code_has_characters_that_settings_escape(self, us: Site, store: Store) -> None:
        rule = us.heads("rules")["Product - Stock Check"]
        code = store.listed(rule.id, "rule_components")[-1]
        assert r"stock \u0026\u0026 stock.count \u003c 5" in code["settings"]
        assert "stock && stock.count < 5" in parsed(code)["source"]
        assert "fetch('/api/stock" in parsed(code)["source"]

    def test_code_has_risks(self, de: Site) -> None:
        code = de.code("Gewinnspiel - Teilnahme")
        for risk in ("partnerSecret = '", "console.log(", "document.write(", "http://"):
            assert risk in code

    def test_a_direct_call_has_a_blank_in_its_name(self, de: Site) -> None:
        listener = de.settings("Gewinnspiel - Teilnahme", "Direct call gewinnspiel")
        assert listener == {"identifier": "gewinnspiel "}

    def test_direct_calls_have_listeners_or_none(self, us: Site, de: Site) -> None:
        called = re.findall(
            r"_satellite\.track\('([^']+)'", "\n".join(text for _, text in us.strings())
        )
        assert sorted(called) == ["menu-promo", "stock-low"]
        assert us.settings("Product - Stock Low", "Direct call stock-low") == {
            "identifier": "stock-low"
        }
        assert not any(text == "menu-promo" for _, text in us.strings())
        assert ("Filialfinder - Suche", "store-finder") in de.strings()
        assert not any("track(" in text for _, text in de.strings())


class TestProduction:
    """What differs from what is published."""

    @pytest.mark.parametrize(
        ("name", "kind", "resource"),
        [
            (US, "rules", "Wishlist - Add"),
            (US, "rules", "Search - Results"),
            (US, "data_elements", "Product Price"),
            (DE, "data_elements", "Currency"),
            (DE, "rules", "Filialfinder - Suche"),
            ("Magazine", "rules", "Article - View"),
            (EDGE, "data_elements", "Order Total"),
        ],
    )
    def test_head_was_edited_since_it_was_published(
        self, store: Store, name: str, kind: str, resource: str
    ) -> None:
        site = Site(store, name)
        head, live = site.heads(kind)[resource], site.live(kind, resource)
        assert site.content(live) != site.content(head)
        assert live["created_at"] < head["updated_at"]

    @pytest.mark.parametrize(
        ("name", "kind", "resource", "is_dirty"),
        [
            (US, "rules", "Wishlist - Add", True),
            (US, "rules", "Search - Results", True),
            (DE, "data_elements", "Currency", True),
            (EDGE, "data_elements", "Order Total", True),
            (US, "data_elements", "Product Price", False),
            ("Magazine", "rules", "Article - View", False),
        ],
    )
    def test_edited_head_is_dirty_until_it_is_revised(
        self, store: Store, name: str, kind: str, resource: str, is_dirty: bool
    ) -> None:
        site = Site(store, name)
        head = site.heads(kind)[resource]
        assert head["dirty"] is is_dirty
        newest = store.listed(head.id, "revisions")[-1]
        assert (site.content(newest) == site.content(head)) is not is_dirty

    def test_an_action_was_added_since(self, us: Site, store: Store) -> None:
        head, live = us.heads("rules")["Wishlist - Add"], us.live("rules", "Wishlist - Add")
        names = [part["name"] for part in store.listed(head.id, "rule_components")]
        assert names.pop() == "Meta wishlist"
        assert names == [part["name"] for part in store.listed(live.id, "rule_components")]

    def test_a_dirty_head_may_have_the_published_content(self, us: Site) -> None:
        head = us.heads("rules")["Campaign - Landing"]
        assert head["dirty"] is True
        assert us.content(us.live("rules", "Campaign - Landing")) == us.content(head)

    def test_one_open_library_is_behind_another(self, us: Site, store: Store) -> None:
        element = us.heads("data_elements")["Product Price"]
        held = {
            library["name"]: revision["settings"]
            for revision in store.listed(element.id, "revisions")
            for library in store.listed(revision.id, "libraries")
        }
        assert held["Autumn campaign"] == element["settings"] != held["Outlet countdown"]

    def test_an_element_was_renamed_with_its_token(self, de: Site) -> None:
        head = de.heads("data_elements")["Filiale"]
        live = de.live("data_elements", "Markt")
        assert live.to_one["origin"] == head.here
        assert live["settings"] == head["settings"]
        rule = de.live("rules", "Filialfinder - Suche")
        assert any("%Markt%" in str(part) for part in de.content(rule))
        assert de.mentions("Filiale") == {"Filialfinder - Suche"}

    @pytest.mark.parametrize(
        ("kind", "resource", "states"),
        [
            ("rules", "Returns - Started", []),
            ("data_elements", "Return Reason", []),
            ("rules", "Outlet - Price Drop", ["development"]),
            ("data_elements", "Lowest Price", ["development"]),
        ],
    )
    def test_resource_was_created_since(
        self, us: Site, kind: str, resource: str, states: list[str]
    ) -> None:
        assert us.libraries(kind, resource) == states

    @pytest.mark.parametrize(
        ("kind", "resource"), [("rules", "Gift Wrap - Chosen"), ("data_elements", "Gift Message")]
    )
    def test_resource_was_deleted_since_and_is_live(
        self, us: Site, store: Store, kind: str, resource: str
    ) -> None:
        live = us.live(kind, resource)
        head = store.of(live, "origin")
        assert head is not None
        assert head["deleted_at"] == head.meta["deleted_at"]
        assert resource not in us.heads(kind)
        events = [
            event for event in store.all("audit_events") if event.to_one["entity"] == head.here
        ]
        deletion = max(events, key=lambda event: event["created_at"])
        assert deletion["type_of"].endswith(".deleted")
        assert deletion["created_at"] == head["deleted_at"]
        [build] = [
            build
            for library in store.listed(live.id, "libraries")
            for build in store.listed(library.id, "builds")
            if store.of(library, "environment") is not None and build["status"] == "succeeded"
        ]
        assert live in store.listed(build.id, kind)
        assert build["created_at"] < head["deleted_at"]


class TestConsentVersionsAndPeople:
    """Who sends without consent, what is behind, who changed it."""

    def test_some_rules_ask_for_consent(self, us: Site, de: Site) -> None:
        asking = {"All Pages - Page View", "Search - No Results", "Sale - Banner"}
        assert us.mentions("Consent Choice") == {*asking, "Consent - Choice Made"}
        assert de.mentions("Consent Choice") == {"Alle Seiten - Page View", "Warenkorb - Ansicht"}

    def test_one_condition_is_negated(self, store: Store) -> None:
        negated = [
            part for part in store.all("rule_components") if part.is_head and part["negate"] is True
        ]
        assert [part["name"] for part in negated] == ["Consent Choice is out"]

    def test_some_extensions_are_behind(self, us: Site, de: Site) -> None:
        behind = [
            name
            for site in (us, de)
            for name, extension in site.heads("extensions").items()
            if "upgrade_extension_package_id" in extension.meta
        ]
        others = ["core", "adobe-mcid", "adobe-analytics", "facebook-pixel", "harbor-tools"]
        assert behind == ["adobe-alloy", *others]

    def test_the_upgrade_of_an_extension_breaks_its_rule(self, de: Site, store: Store) -> None:
        extension = de.heads("extensions")["harbor-tools"]
        installed = store.of(extension, "extension_package")
        latest = store.get("extension_packages", extension.meta["upgrade_extension_package_id"])
        assert installed is not None
        assert latest is not None
        assert (installed["version"], latest["version"]) == ("1.0.0", "2.0.0")
        delegates = [[action["id"] for action in each["actions"]] for each in (installed, latest)]
        rule = de.heads("rules")["Kontakt - Formular"]
        used = store.listed(rule.id, "rule_components")[-1]["delegate_descriptor_id"]
        assert used in delegates[0]
        assert used not in delegates[1]
        assert "region" in latest["configuration"]["schema"]["required"]
        assert "region" not in parsed(extension)

    def test_several_people_changed_a_rule(self, us: Site, store: Store) -> None:
        rule = us.heads("rules")["Wishlist - Add"]
        parts = [rule, *store.listed(rule.id, "rule_components")]
        people: dict[str, set[str]] = {}
        switches = []
        for event in sorted(store.all("audit_events"), key=lambda event: event["created_at"]):
            for part in parts:
                if event.to_one["entity"] == part.here:
                    document = json.loads(event["entity"])["data"]["attributes"]
                    person = event["attributed_to_display_name"]
                    people.setdefault(part["name"], set()).add(person)
                    if part is rule:
                        switches.append((document["enabled"], person))
        assert people["Update variable"] == {"Ana Ortiz", "Chiara Conti"}
        assert [enabled for enabled, _ in switches] == [True, False, True, True]
        assert switches[1:3] == [(False, "Ben Adeyemi"), (True, "Ana Ortiz")]

    def test_one_build_of_a_published_library_failed(self, us: Site, store: Store) -> None:
        [library] = [
            library
            for library in store.listed(us.property.id, "libraries")
            if library["name"] == "Release 2026-05"
        ]
        builds = [build["status"] for build in store.listed(library.id, "builds")]
        assert builds == ["failed", "succeeded"]

    @pytest.mark.parametrize("verb", ["created", "updated"])
    @pytest.mark.parametrize("name", [US, DE])
    def test_several_people_work_on_a_property(self, store: Store, name: str, verb: str) -> None:
        site = Site(store, name)
        people = {
            head[f"{verb}_by_display_name"]
            for kind in ("rules", "data_elements")
            for head in site.heads(kind).values()
        }
        assert people == {"Ana Ortiz", "Ben Adeyemi", "Chiara Conti"}


class TestEventForwarding:
    """Double braces, and secrets by stage."""

    def test_one_name_is_unknown(self, edge: Site) -> None:
        body = edge.settings("Forward Refunds", "Post to data warehouse")["body"]
        assert body["currency"] == "{{Order Currency}}"
        assert "Order Currency" not in edge.heads("data_elements")

    def test_code_reads_elements(self, edge: Site) -> None:
        code = edge.settings("Forward Refunds", "Compute refund")["source"]
        assert "getDataElementValue('Order Total')" in code
        assert "getDataElementValue('Order ID')" in edge.code("Refund Key")

    def test_element_reads_the_result_of_an_action(self, edge: Site) -> None:
        assert edge.settings("Forward Refunds", "Compute refund")["keyName"] == "refund"
        path = parsed(edge.heads("data_elements")["Refund Amount"])["path"]
        assert path == "arc.ruleStash.core.refund"

    def test_secret_is_missing_for_a_stage(self, edge: Site, store: Store) -> None:
        secrets = parsed(edge.heads("data_elements")["Warehouse Token"])["secrets"]
        assert secrets.keys() == {"development", "production"}
        for stage, reference in secrets.items():
            secret = store.get("secrets", reference["id"])
            assert secret is not None
            assert (secret["name"], secret.stage) == (reference["name"], stage)


def test_additions_left_the_dates_of_the_others_as_they_were(us: Site) -> None:
    rules, elements = us.heads("rules"), us.heads("data_elements")
    assert elements["Page Name"]["created_at"] == "2024-09-17T14:10:00.401Z"
    assert elements["GTM Cart Value"]["updated_at"] == "2026-03-18T14:15:02.635Z"
    assert rules["Legacy - Chat Widget"]["created_at"] == "2025-12-25T17:29:14.510Z"


def test_page_names_resources_that_exist(store: Store) -> None:
    rows = re.findall(r"^\| ([A-Z][\w ]+) \| (`.+?`) \| ", PAGE.read_text(encoding="utf-8"), re.M)
    assert len(rows) > 50
    for name, resources in rows:
        site = Site(store, name)
        # Deleted ones are in production only.
        known = {
            record["name"]
            for kind in TYPES
            for record in store.all(kind)
            if record.to_one["property"] == site.property.here
        }
        for resource in re.findall("`(.+?)`", resources):
            assert resource in known, (name, resource)
