"""Settings as the service stores them, and why it refuses some of them."""

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
    """In settings the service writes & < > and two line separators as escapes."""

    @pytest.mark.parametrize("ensure_ascii", [True, False])
    def test_settings_are_answered_escaped_whatever_was_sent(
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

    def test_all_else_stays_as_it_was_sent(self, api: Caller, shop: Site) -> None:
        sent = '{ "source" : "\\u00e9é \\/ \\u003C \\\\u0026 1.10" }'
        answer = api.data_element(shop.place, delegate_descriptor_id=CODE, settings=sent)
        assert answer.data["attributes"]["settings"] == sent

    def test_an_update_is_escaped_and_so_is_its_revision(self, api: Caller, shop: Site) -> None:
        element = made(api.data_element(shop.place))
        api.update(f"/data_elements/{element}", settings='{"path":"a&b"}')
        assert api.attributes(f"/data_elements/{element}")["settings"] == r'{"path":"a\u0026b"}'
        revision = api.revise("data_elements", element)
        assert api.attributes(f"/data_elements/{revision}")["settings"] == r'{"path":"a\u0026b"}'

    def test_the_entity_of_an_audit_event_is_such_a_text_too(self, api: Caller, shop: Site) -> None:
        api.rule(shop.place, "Salt & <pepper>")
        event = api.store.all("audit_events")[-1]
        text = api.attributes(f"/audit_events/{event.id}")["entity"]
        assert r"Salt \u0026 \u003cpepper\u003e" in text
        assert json.loads(text)["data"]["attributes"]["name"] == "Salt & <pepper>"

    def test_a_name_is_not_such_a_text(self, api: Caller, shop: Site) -> None:
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
    """The message names the member, and what is wrong with it."""

    @pytest.mark.parametrize(
        ("delegate", "settings", "cause"),
        [
            (
                COMPARE,
                {**COMPARED, "leftOperand": "SKU"},
                'leftOperand is "SKU", which does not match ^%[^%]+%$',
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
                "unknown member comparison.ignoreCase (allowed are operator, caseInsensitive)",
            ),
            ("core::actions::custom-code", {"language": "javascript"}, "source is missing"),
            (
                "core::actions::custom-code",
                {"language": "html", "source": "x", "global": True},
                "unknown member global (allowed are language, source)",
            ),
            (
                "core::actions::custom-code",
                {"language": "js", "source": "x"},
                'language is "js", and must be one of "javascript", "html"',
            ),
            (
                "core::conditions::cookie",
                {"name": "c", "cookieValues": []},
                "cookieValues is empty",
            ),
            (
                "core::events::change",
                {"acceptableChangeValues": [{"value": 5}]},
                "acceptableChangeValues[0].value is 5, and must be of type string",
            ),
            ("core::conditions::sampling", {"rate": 2}, "rate is 2, and must be at most 1"),
            ("core::conditions::max-frequency", {"unit": "day"}, "count is missing"),
        ],
    )
    def test_the_cause_is_named(
        self, api: Caller, shop: Site, delegate: str, settings: dict[str, Any], cause: str
    ) -> None:
        rule = api.rule(shop.place)
        answer = api.component(
            shop.place, rule, delegate_descriptor_id=delegate, settings=json.dumps(settings)
        )
        assert answer.refusal == (409, "invalid-settings")
        assert answer.document["errors"][0]["detail"] == f"settings do not fit {delegate}: {cause}"

    def test_a_choice_that_no_alternative_knows_is_named_with_all_choices(
        self, api: Caller, shop: Site
    ) -> None:
        settings = json.dumps({**COMPARED, "comparison": {"operator": "equal"}})
        answer = api.component(
            shop.place, api.rule(shop.place), delegate_descriptor_id=COMPARE, settings=settings
        )
        detail = answer.document["errors"][0]["detail"]
        assert (
            'comparison.operator is "equal", and must be one of "equals", "doesNotEqual", "contains"'
            in detail
        )
        assert '"isFalsy"' in detail

    def test_a_misspelled_member_and_the_missing_one_are_both_named(
        self, api: Caller, shop: Site
    ) -> None:
        detail = api.data_element(shop.place, settings='{"pth":"a"}').document["errors"][0][
            "detail"
        ]
        assert "unknown member pth (allowed are path); path is missing" in detail

    def test_a_long_value_is_cut(self, api: Caller, shop: Site) -> None:
        settings = json.dumps({"language": "x" * 5000, "source": "x"})
        code = "core::actions::custom-code"
        answer = api.component(
            shop.place, api.rule(shop.place), delegate_descriptor_id=code, settings=settings
        )
        assert len(answer.document["errors"][0]["detail"]) < 400
