"""How the service stores settings, and why it refuses some."""

import json
from typing import Any

import pytest

from tests.support.caller import Caller, Site, made, site


@pytest.fixture
def api() -> Caller:
    return Caller()


@pytest.fixture
def shop(api: Caller) -> Site:
    return site(api)


CODE = "core::dataElements::custom-code"
RAW = "if (a && b < c && c > d) return '\u2028é\u2029';"


class TestEscapes:
    """The service escapes & < > and two line separators in settings."""

    @pytest.mark.parametrize("ensure_ascii", [True, False])
    def test_settings_are_escaped_in_responses_however_they_were_sent(
        self, api: Caller, shop: Site, ensure_ascii: bool
    ) -> None:
        sent = json.dumps({"source": RAW}, ensure_ascii=ensure_ascii)
        answer = api.data_element(shop.place, delegate_descriptor_id=CODE, settings=sent)
        stored = answer.data["attributes"]["settings"]
        assert r"a \u0026\u0026 b \u003c c \u0026\u0026 c \u003e d" in stored
        assert not set("&<>\u2028\u2029") & set(stored)
        assert json.loads(stored) == {"source": RAW}
        assert api.attributes(f"/data_elements/{answer.id}")["settings"] == stored
        assert (
            api.listed(f"/properties/{shop.place}/data_elements")[0]["attributes"]["settings"]
            == stored
        )

    def test_other_characters_stay_unchanged(self, api: Caller, shop: Site) -> None:
        sent = '{ "source" : "\\u00e9é \\/ \\u003C \\\\u0026 1.10" }'
        answer = api.data_element(shop.place, delegate_descriptor_id=CODE, settings=sent)
        assert answer.data["attributes"]["settings"] == sent

    def test_updates_and_revisions_are_escaped(self, api: Caller, shop: Site) -> None:
        element = made(api.data_element(shop.place))
        api.update(f"/data_elements/{element}", settings='{"path":"a&b"}')
        assert api.attributes(f"/data_elements/{element}")["settings"] == r'{"path":"a\u0026b"}'
        revision = api.revise("data_elements", element)
        assert api.attributes(f"/data_elements/{revision}")["settings"] == r'{"path":"a\u0026b"}'

    def test_audit_event_entity_is_escaped(self, api: Caller, shop: Site) -> None:
        api.rule(shop.place, "Salt & <pepper>")
        event = api.store.all("audit_events")[-1]
        text = api.attributes(f"/audit_events/{event.id}")["entity"]
        assert r"Salt \u0026 \u003cpepper\u003e" in text
        assert json.loads(text)["data"]["attributes"]["name"] == "Salt & <pepper>"

    def test_name_is_not_escaped(self, api: Caller, shop: Site) -> None:
        rule = api.rule(shop.place, "Salt & <pepper>")
        assert api.attributes(f"/rules/{rule}")["name"] == "Salt & <pepper>"


COMPARE = "core::conditions::value-comparison"
CONTAINS = {"operator": "contains"}
COMPARED: dict[str, Any] = {
    "leftOperand": "%SKU%",
    "comparison": {"operator": "equals"},
    "rightOperand": "A",
}


class TestRefusals:
    """The message names the member and what is wrong with it."""

    @pytest.mark.parametrize(
        ("delegate", "settings", "cause"),
        [
            (
                COMPARE,
                {**COMPARED, "leftOperand": "SKU"},
                'leftOperand is "SKU" but must match ^%[^%]+%$',
            ),
            (
                COMPARE,
                {**COMPARED, "comparison": {"operator": "contains"}, "rightOperand": ""},
                "rightOperand is empty",
            ),
            (
                COMPARE,
                {"leftOperand": "%SKU%", "comparison": {"operator": "equals"}},
                "rightOperand is missing",
            ),
            (
                COMPARE,
                {**COMPARED, "comparison": {"operator": "equals", "ignoreCase": True}},
                "unknown member comparison.ignoreCase (allowed: operator, caseInsensitive)",
            ),
            ("core::actions::custom-code", {"language": "javascript"}, "source is missing"),
            (
                "core::actions::custom-code",
                {"language": "html", "source": "x", "global": True},
                "unknown member global (allowed: language, source)",
            ),
            (
                "core::actions::custom-code",
                {"language": "js", "source": "x"},
                'language is "js" but must be one of "javascript", "html"',
            ),
            (
                "core::conditions::cookie",
                {"name": "c", "cookieValues": []},
                "cookieValues is empty",
            ),
            (
                "core::events::change",
                {"acceptableChangeValues": [{"value": 5}]},
                "acceptableChangeValues[0].value is 5 but must be of type string",
            ),
            ("core::conditions::sampling", {"rate": 2}, "rate is 2 but must be at most 1"),
            ("core::conditions::max-frequency", {"unit": "day"}, "count is missing"),
        ],
    )
    def test_message_names_the_cause(
        self, api: Caller, shop: Site, delegate: str, settings: dict[str, Any], cause: str
    ) -> None:
        rule = api.rule(shop.place)
        answer = api.component(
            shop.place, rule, delegate_descriptor_id=delegate, settings=json.dumps(settings)
        )
        assert answer.refusal == (409, "invalid-settings")
        assert answer.document["errors"][0]["detail"] == f"Invalid settings for {delegate}: {cause}"

    def test_unknown_choice_lists_choices_of_all_alternatives(
        self, api: Caller, shop: Site
    ) -> None:
        settings = json.dumps({**COMPARED, "comparison": {"operator": "equal"}})
        answer = api.component(
            shop.place, api.rule(shop.place), delegate_descriptor_id=COMPARE, settings=settings
        )
        detail = answer.document["errors"][0]["detail"]
        assert (
            'comparison.operator is "equal" but must be one of "equals", "doesNotEqual", "contains"'
            in detail
        )
        assert '"isFalsy"' in detail

    def test_misspelled_member_and_missing_one_are_both_named(
        self, api: Caller, shop: Site
    ) -> None:
        detail = api.data_element(shop.place, settings='{"pth":"a"}').document["errors"][0][
            "detail"
        ]
        assert "unknown member pth (allowed: path); path is missing" in detail

    def test_long_value_is_shortened(self, api: Caller, shop: Site) -> None:
        settings = json.dumps({"language": "x" * 5000, "source": "x"})
        code = "core::actions::custom-code"
        answer = api.component(
            shop.place, api.rule(shop.place), delegate_descriptor_id=code, settings=settings
        )
        assert len(answer.document["errors"][0]["detail"]) < 400
