"""``consent``: rules that send, and what can be seen of a condition on consent."""

from typing import Any

import pandas as pd
import pytest

from adobe_nb import ArgumentError, analysis
from adobe_nb.analysis import Tags
from tests.support.tag_frames import (
    CODE_ACTION,
    CODE_ELEMENT,
    components,
    dtypes,
    elements,
    extensions,
    no_tags,
    rules,
)

COLUMNS = {
    "rule_id": "string",
    "rule_name": "string",
    "sends_to": "string",
    "has_consent": "boolean",
    "consent_by": "string",
    "verdict": "string",
    "without_consent": "string",
    "rule_enabled": "boolean",
}
PIXEL = ("RCa", "RL1", "facebook-pixel::actions::send-page-view", {})
SEND = ("RCs", "RL1", "adobe-alloy::actions::send-event", {"instanceName": "alloy"})
BEACON = ("RCb", "RL1", "adobe-analytics::actions::send-beacon", {"type": "page"})
CODE_CONDITION = "core::conditions::custom-code"


def one_rule(*parts: tuple[str, str, str, Any], **tables: Any) -> Tags:
    negate = [part[0] == "RCn" for part in parts]
    tables.setdefault("data_elements", elements())
    return Tags(
        rules=rules(("RL1", "Rule")), rule_components=components(*parts, negate=negate), **tables
    )


def verdict(*parts: tuple[str, str, str, Any], **tables: Any) -> str:
    [found] = one_rule(*parts, **tables).consent()["verdict"]
    return str(found)


def compares(name: str, component_id: str = "RC1") -> tuple[str, str, str, Any]:
    settings = {"leftOperand": f"%{name}%", "comparison": {"operator": "equals"}}
    return (component_id, "RL1", "core::conditions::value-comparison", settings)


def action(source: str, language: str = "javascript") -> tuple[str, str, str, Any]:
    return ("RCa", "RL1", CODE_ACTION, {"language": language, "source": source})


def web_sdk(**instance: Any) -> pd.DataFrame:
    settings = {"instances": [{"name": "alloy", **instance}, {"name": "other"}]}
    config = "adobe-alloy::extensionConfiguration::config"
    return extensions(("EX1", "adobe-alloy", config, settings))


def test_columns_are_the_same_with_no_row_one_and_many(reactor: Any) -> None:
    assert dtypes(no_tags().consent()) == COLUMNS
    assert dtypes(one_rule(PIXEL).consent()) == COLUMNS
    tags = analysis.read(reactor.find("properties", "Web Store US"))
    assert dtypes(tags.consent()) == COLUMNS


def test_the_stores_of_the_demo_company_have_what_is_planted(reactor: Any) -> None:
    us = analysis.read(reactor.find("properties", "Web Store US")).consent()
    us = us.set_index("rule_name")
    assert us.index[us["verdict"] == "consent condition"].tolist() == [
        "All Pages - Page View", "Search - No Results",
    ]  # fmt: skip
    assert us.index[us["verdict"] == "negated condition"].tolist() == ["Sale - Banner"]
    for name in ("Product - Detail View", "Product - Add to Cart"):
        row = us.loc[name]
        assert row["sends_to"] == "Meta, Web SDK"
        assert (row["verdict"], row["without_consent"]) == ("no condition seen", "Meta")
        assert not row["has_consent"]
    assert us.loc["Home - Hero Click", "verdict"] == "set in the extension"
    for name in ("Home - Hero Click", "Product - Add to Cart"):
        assert us.loc[name, "consent_by"] == "Web SDK: defaultConsent is pending"
    answer = analysis.read(reactor.find("properties", "Web Store DE")).consent()
    de = answer.set_index("rule_name")
    assert de.loc["Video - Wiedergabe", "verdict"] == "no condition seen"
    assert de.loc["Video - Wiedergabe", "sends_to"] == "Adobe Analytics"
    assert de.loc["Alle Seiten - Page View", "consent_by"] == (
        "Consent Choice is in: data element 'Consent Choice'"
    )
    assert any("applies opt-in" in text for text in answer.attrs["limits"])


def test_a_rule_without_consent_is_never_called_worse_than_not_seen() -> None:
    consent = one_rule(PIXEL).consent()
    assert consent.loc[0, "verdict"] == "no condition seen"
    assert consent.loc[0, "has_consent"] == False  # noqa: E712 - a boolean of NumPy
    assert consent["consent_by"].isna().all()
    assert consent["rule_enabled"].all()


# Who sends


@pytest.mark.parametrize(
    ("part", "sends_to"),
    [
        (PIXEL, "Meta"),
        (SEND, "Web SDK"),
        (BEACON, "Adobe Analytics"),
        (action("s.eVar1 = 1; s.t();"), "Adobe Analytics"),
        (action("window.s.tl(true, 'o', 'a')"), "Adobe Analytics"),
        (action("fbq('track', 'Lead')"), "Meta"),
        (action("alloy('sendEvent', {})"), "Web SDK"),
        (action("<script src='https://acme.net/a.js'></script>", "html"), "acme.net"),
        (action("<img src='//px.ads.linkedin.com/c'>", "html"), "LinkedIn"),
        (action("new Image().src = 'https://acme.net/p?a=' + b"), "acme.net"),
        (action("navigator.sendBeacon('https://acme.net/p', b)"), "acme.net"),
        (action("window['fetch']('https://acme.net/p')"), "acme.net"),
        (action("var i = new Image(); i['src'] = 'https://acme.net/p'"), "acme.net"),
        (action("$.ajax('https://acme.net/p')"), "acme.net"),
        (action("jQuery.ajax({type: 'POST', url: 'https://acme.net/p'})"), "acme.net"),
        (action("window.$.post('https://acme.net/p', b)"), "acme.net"),
        (action("$.get('//acme.net/p')"), "acme.net"),
        (action("axios({method: 'post', 'url': 'https://acme.net/p'})"), "acme.net"),
        (action("axios('/p', {baseURL: 'https://acme.net'})"), "acme.net"),
        (action("axios.post('https://acme.net/p', b)"), "acme.net"),
        (action("window['fbq']('track', 'Lead')"), "Meta"),
        (action("window.fbq('track', 'Lead')"), "Meta"),
        (action("window?.fbq?.('track', 'Lead')"), "Meta"),
        (action("self.gtag('event', 'a')"), "Google"),
        (action("window['s'].t()"), "Adobe Analytics"),
        (action("window['uetq'].push('event', 'a')"), "Microsoft"),
    ],
)
def test_a_rule_sends_by_actions_calls_and_hosts(part: Any, sends_to: str) -> None:
    assert one_rule(part).consent()["sends_to"].tolist() == [sends_to]


@pytest.mark.parametrize(
    "part",
    [
        ("RCa", "RL1", "adobe-alloy::actions::update-variable", {}),
        ("RCa", "RL1", "adobe-analytics::actions::set-variables", {}),
        ("RCa", "RL1", "adobe-analytics::conditions::send-beacon", {}),
        action("// fbq('track', 'Lead')\nvar a = 1;"),
        action("my.s.t(); this.fbqs('a')"),
        action("alloy('setConsent', {})"),
        action("<!-- <script src='https://acme.net/a.js'></script> -->", "html"),
        action("fetch('/api/stock')"),
        action("$.get('/api/stock'); $.post({url: '/api/stock'});"),
        action("cache.get('https://acme.net/p'); $.get = 'https://acme.net/p';"),
        action("$.post('/a', {url: 'https://acme.net/p'})"),
        action("$.ajax({data: 'https://acme.net/p', url: '/a'})"),
        action("my['fbq']('track', 'Lead'); window.my.gtag('event', 'a')"),
        (CODE_ACTION, "RL1", CODE_CONDITION, {"source": "return fbq('a')"}),
    ],
)
def test_a_rule_that_does_not_send_has_no_row(part: Any) -> None:
    assert one_rule(part).consent().empty


def test_hosts_of_the_property_are_not_those_of_third_parties() -> None:
    site = pd.DataFrame({"id": ["PR1"], "domains": ['["shop.example"]']})
    page = action("<script src='https://cdn.shop.example/a.js'></script>", "html")
    assert one_rule(page, properties=site).consent().empty
    assert not one_rule(page).consent().empty


def test_actions_that_are_not_known_are_named_as_a_limit() -> None:
    answer = one_rule(("RCa", "RL1", "acme-pixel::actions::send", {})).consent()
    assert answer.empty
    assert any("acme-pixel" in text for text in answer.attrs["limits"])
    assert not any("core" in text for text in one_rule(action("a()")).consent().attrs["limits"])


@pytest.mark.parametrize(
    "part",
    [
        ("RCa", "RL1", "acme-pixel::actions::send", {}),
        action("window.acme-pixel('a')"),
        action("<script src='https://cdn.acme.net/a.js'></script>", "html"),
    ],
)
def test_vendors_of_a_user_are_found_beside_the_built_in_ones(part: Any) -> None:
    answer = one_rule(part, SEND).consent(vendors={"Acme": ["acme-pixel", "acme.net"]})
    assert answer["sends_to"].tolist() == ["Acme, Web SDK"]
    assert not any("acme-pixel" in text for text in answer.attrs["limits"])


# What asks for consent


@pytest.mark.parametrize(
    "condition",
    [
        compares("Consent Choice"),
        compares("marketing_CONSENT"),
        ("RC1", "RL1", "onetrust::conditions::group", {"group": "C0004"}),
        ("RC1", "RL1", CODE_CONDITION, {"source": "return OnetrustActiveGroups.includes('C0004')"}),
        ("RC1", "RL1", CODE_CONDITION, {"source": "return _satellite.getVar('Consent') === 'in'"}),
        ("RC1", "RL1", "core::conditions::cookie", {"name": "OptanonConsent", "value": "C0004:1"}),
    ],
)
def test_a_condition_on_consent_is_found(condition: Any) -> None:
    named = elements(("DE1", "Consent Choice", CODE_ELEMENT, {"source": "return 1"}))
    consent = one_rule(condition, PIXEL, data_elements=named).consent()
    assert consent.loc[0, "verdict"] == "consent condition"
    assert consent.loc[0, "has_consent"]
    assert consent.loc[0, "consent_by"].startswith("RC1: ")
    assert consent["without_consent"].isna().all()


@pytest.mark.parametrize(
    "condition",
    [
        compares("Page Type"),
        ("RC1", "RL1", CODE_CONDITION, {"source": "// OnetrustActiveGroups\nreturn true"}),
        ("RC1", "RL1", CODE_CONDITION, {"source": "// getVar('Consent')\nreturn true"}),
        ("RC1", "RL1", "core::conditions::cookie", {"name": "a", "value": "c0004"}),
    ],
)
def test_a_condition_on_something_else_is_not_one_on_consent(condition: Any) -> None:
    assert verdict(condition, PIXEL) == "no condition seen"


def test_a_data_element_whose_definition_reads_consent_counts_by_any_name() -> None:
    allowed = elements(
        ("DE1", "Groups", CODE_ELEMENT, {"source": "return OptanonActiveGroups"}),
        ("DE2", "Allowed", CODE_ELEMENT, {"source": "return _satellite.getVar('Groups') > 0"}),
        ("DE3", "Other", CODE_ELEMENT, {"source": "return 1"}),
    )
    assert verdict(compares("Allowed"), PIXEL, data_elements=allowed) == "consent condition"
    assert verdict(compares("Other"), PIXEL, data_elements=allowed) == "no condition seen"


def test_a_negated_condition_says_that_its_sense_is_not_known() -> None:
    consent = one_rule(compares("Consent", "RCn"), PIXEL).consent()
    assert consent.loc[0, "verdict"] == "negated condition"
    assert consent["has_consent"].isna().all()
    assert consent.loc[0, "consent_by"] == "not RCn: data element 'Consent'"
    both = (compares("Consent", "RCn"), compares("Consent"), PIXEL)
    assert verdict(*both) == "consent condition"


@pytest.mark.parametrize("value", ["out", "Denied", " no "])
def test_a_condition_on_a_refusal_has_a_verdict_of_its_own(value: str) -> None:
    settings = {"leftOperand": "%Consent%", "comparison": {"operator": "equals"}}
    condition = ("RCr", "RL1", compares("Consent")[2], {**settings, "rightOperand": value})
    consent = one_rule(condition, PIXEL).consent()
    assert consent[["verdict", "consent_by"]].to_numpy().tolist() == [
        ["condition on refusal", f"RCr: data element 'Consent', and {value!r}"]
    ]
    assert consent["has_consent"].isna().all()


@pytest.mark.parametrize(
    ("negate", "expected"),
    [
        ("False", "consent condition"),
        ("false", "consent condition"),
        ("0", "consent condition"),
        (None, "consent condition"),
        ("True", "negated condition"),
        ("true ", "negated condition"),
        ("1.0", "negated condition"),
    ],
)
def test_a_negation_can_be_a_text(negate: Any, expected: str) -> None:
    parts = components(compares("Consent"), PIXEL, negate=[negate, None])
    tags = Tags(rules=rules(("RL1", "Rule")), rule_components=parts)
    assert tags.consent()["verdict"].tolist() == [expected]


def test_events_on_consent_count_when_all_events_of_the_rule_are() -> None:
    given = ("RC1", "RL1", "core::events::custom-event", {"type": "consent:given"})
    click = ("RC2", "RL1", "core::events::click", {"elementSelector": "a"})
    changed = ("RC3", "RL1", "core::events::data-element-change", {"name": "Consent"})
    assert verdict(given, changed, PIXEL) == "consent event"
    assert one_rule(given, PIXEL).consent()["has_consent"].isna().all()
    assert verdict(given, click, PIXEL) == "no condition seen"


def test_consent_in_the_code_that_sends_is_not_a_condition() -> None:
    asks = action("if (_satellite.getVar('Consent') === 'in') fbq('track', 'a')")
    consent = one_rule(asks).consent()
    assert consent.loc[0, "verdict"] == "consent in code"
    assert consent["has_consent"].isna().all()
    blocked = (
        "<script type='text/plain' class='optanon-category-C0004' src='//a.net/b.js'></script>"
    )
    assert verdict(action(blocked, "html")) == "consent in code"
    assert verdict(action("// consent C0004\nfbq('track', 'a')")) == "no condition seen"
    # The code of another action does not hold back this one.
    other = ("RCo", "RL1", CODE_ACTION, {"source": "if (OnetrustActiveGroups) a()"})
    assert verdict(PIXEL, other) == "no condition seen"


@pytest.mark.parametrize(
    ("instance", "expected", "has_consent"),
    [
        ({"defaultConsent": "pending"}, "set in the extension", True),
        ({"defaultConsent": "out"}, "set in the extension", True),
        ({"defaultConsent": "%Default%"}, "set in the extension", None),
        ({"defaultConsent": "in"}, "no condition seen", False),
        ({}, "no condition seen", False),
        ({"onBeforeEventSend": "return OnetrustActiveGroups"}, "consent in code", None),
    ],
)
def test_the_default_consent_of_web_sdk_holds_back_its_events(
    instance: dict[str, Any], expected: str, has_consent: bool | None
) -> None:
    consent = one_rule(SEND, extensions=web_sdk(**instance)).consent()
    assert consent.loc[0, "verdict"] == expected
    value = consent.loc[0, "has_consent"]
    assert (None if value is pd.NA else bool(value)) == has_consent


def test_the_default_of_another_instance_does_not_count() -> None:
    other = ("RCs", "RL1", "adobe-alloy::actions::send-event", {"instanceName": "other"})
    configured = web_sdk(defaultConsent="pending")
    assert verdict(other, extensions=configured) == "no condition seen"
    assert verdict(SEND, PIXEL, extensions=configured) == "no condition seen"


def test_what_holds_for_a_part_of_a_rule_names_the_receiver() -> None:
    asks = action("if (hasC('C0004')) fbq('track', 'a')", "javascript")
    answer = one_rule(SEND, asks, extensions=web_sdk(defaultConsent="pending")).consent()
    sdk, code = sorted(answer.loc[0, "consent_by"].split("; "), reverse=True)
    assert sdk == "Web SDK: defaultConsent is pending"
    assert code.startswith("Meta: ")
    assert "'C0004' in" in code


def test_the_tracking_cookie_of_analytics_counts() -> None:
    config = "adobe-analytics::extensionConfiguration::config"
    settings = {"trackingCookieName": "allowed"}
    with_cookie = extensions(("EX1", "adobe-analytics", config, settings))
    assert verdict(BEACON, extensions=with_cookie) == "set in the extension"
    assert verdict(PIXEL, extensions=with_cookie) == "no condition seen"
    without = extensions(("EX1", "adobe-analytics", config, {}))
    assert verdict(BEACON, extensions=without) == "no condition seen"


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ("Privacy", "consent condition"),
        (["x", "privacy flag"], "consent condition"),
        ({"data_elements": "privacy"}, "consent condition"),
        ({"names": ["rc1"]}, "consent condition"),
        ({"delegates": "value-comparison"}, "consent condition"),
        ({"texts": "equals"}, "consent condition"),
        ({"texts": "EQUALS"}, "no condition seen"),
        ({"delegates": "privacy"}, "no condition seen"),
        (None, "no condition seen"),
    ],
)
def test_conditions_of_a_user_replace_the_built_in_ones(conditions: Any, expected: str) -> None:
    tags = one_rule(compares("Privacy Flag"), PIXEL)
    assert tags.consent(conditions)["verdict"].tolist() == [expected]
    assert one_rule(compares("Consent"), PIXEL).consent("Privacy")["has_consent"].eq(False).all()


@pytest.mark.parametrize(
    ("conditions", "unmatched"),
    [
        (["Privacy", "C0009", "Axeptio"], "'Axeptio', 'C0009'"),
        ({"names": "rc1", "delegates": "privacy"}, "'privacy'"),
        ({"names": "privacy", "data_elements": "privacy"}, ""),
        ({"texts": ["EQUALS", "equals"]}, "'EQUALS'"),
        (None, ""),
    ],
)
def test_conditions_that_match_nothing_are_a_limit(conditions: Any, unmatched: str) -> None:
    flag = elements(("DE1", "Privacy Flag", "core::dataElements::constant", {}))
    answer = one_rule(compares("Privacy Flag"), PIXEL, data_elements=flag).consent(conditions)
    limits = [text for text in answer.attrs["limits"] if "match nothing" in text]
    assert [f"in the property: {unmatched}. " in text for text in limits] == [True] * bool(
        unmatched
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"conditions": {"element": "a"}}, "Unknown kind 'element'"),
        ({"conditions": []}, "requires a text or a list of texts"),
        ({"conditions": {"texts": [1]}}, "requires a text or a list of texts"),
        ({"vendors": "acme"}, "requires a mapping"),
        ({"vendors": {"Acme": None}}, "vendors['Acme'] requires a text"),
    ],
)
def test_arguments_of_another_form_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as error:
        no_tags().consent(**arguments)
    assert message in str(error.value)


def test_rules_and_components_are_required() -> None:
    with pytest.raises(ArgumentError, match="rule_components"):
        Tags(rules=rules()).consent()
