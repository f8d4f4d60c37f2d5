"""Answers show no secrets, and survive what real code, frames and addresses hold."""

import json
import time

import pandas as pd
import pytest

from adobe_nb.analysis import Tags
from adobe_nb.errors import ArgumentError
from tests.support.tag_frames import CODE_ACTION, components, elements, extensions, rules

SECRET = "Kj8Hg7Fd6Sa5Qw4Er3Ty2Ui1Op0"
CONSTANT = "core::dataElements::constant"
SEND = "adobe-analytics::actions::send-beacon"
CONFIGURATION = "adobe-analytics::extensionConfiguration::config"


def action(code: str, language: str = "javascript") -> Tags:
    """A rule with one action of custom code."""
    settings = {"source": code, "language": language}
    return property_of(components(("RC1", "RL1", CODE_ACTION, settings)))


def property_of(parts: pd.DataFrame, *rows: tuple[str, str]) -> Tags:
    """Rules with these components, in a property without anything else."""
    return Tags(
        rules=rules(*(rows or [("RL1", "Rule")])),
        rule_components=parts,
        data_elements=elements(),
        extensions=extensions(),
    )


def texts_of(frame: pd.DataFrame) -> str:
    """All texts of an answer."""
    return "\n".join(frame.astype("string").fillna("").to_numpy().ravel())


# -- secrets


@pytest.mark.parametrize(
    "code",
    [
        f'new Image().src = "https://example.net/p?access_token={SECRET}&page=" + p',
        f"img.src = 'https://example.net/p?a=1&apikey={SECRET}'; eval(x)",
        f'sdk.setApiKey("{SECRET}"); eval(x)',
        f'queue.push(["setApiKey", "{SECRET}"]); eval(x)',
    ],
)
def test_a_secret_inside_another_value_is_found_and_hidden(code: str) -> None:
    risks = action(code).code_risks()
    assert "secret" in risks["rule"].tolist()
    assert SECRET not in texts_of(risks)
    assert SECRET not in texts_of(action(code).audit())


def test_a_secret_in_the_address_of_an_element_of_a_page_is_found_and_hidden() -> None:
    page = f'<img src="https://example.net/p?access_token={SECRET}&x=1"><script>eval(x)</script>'
    risks = action(page, "html").code_risks()
    assert sorted(risks["rule"]) == ["eval", "secret"]
    assert SECRET not in texts_of(risks)


@pytest.mark.parametrize(
    "code",
    [
        'var apiKey = "9f8a7b6c5d" + "4e3f2a1b0c9d8e7f";',
        'request.setRequestHeader("x-api-key", "4e3f2a1b0c9d8e7f-abcdef");',
    ],
)
def test_the_flow_of_a_rule_hides_what_is_a_secret_to_code_risks(code: str) -> None:
    tags = action(code)
    assert tags.code_risks()["rule"].tolist() == ["secret"]
    assert "4e3f2a1b0c9d8e7f" not in texts_of(tags.rule_flow())


def audit_event(number: int, verb: str, table: str, attributes: dict[str, object]) -> pd.DataFrame:
    document = {"data": {"id": f"{table}1", "type": table, "attributes": attributes}}
    event = {
        "id": f"AE{number}",
        "type_of": f"{table.removesuffix('s')}.{verb}",
        "created_at": pd.Timestamp("2026-06-01", tz="UTC") + pd.Timedelta(hours=number),
        "entity": json.dumps(document),
    }
    return pd.DataFrame([event])


@pytest.mark.parametrize(
    ("table", "attributes"),
    [
        (
            "data_elements",
            {
                "name": "API Key",
                "delegate_descriptor_id": CONSTANT,
                "settings": json.dumps({"value": SECRET}),
            },
        ),
        (
            "rule_components",
            {
                "name": "Code",
                "delegate_descriptor_id": CODE_ACTION,
                "settings": json.dumps({"source": f'var apiKey =\n  "{SECRET}";'}),
            },
        ),
        ("callbacks", {"url": f"https://example.net/hook?token={SECRET}"}),
    ],
)
def test_changes_show_no_secrets_before_and_after(
    table: str, attributes: dict[str, object]
) -> None:
    created = audit_event(1, "created", table, attributes)
    deleted = audit_event(2, "deleted", table, attributes)
    changes = Tags(audit_events=pd.concat([created, deleted])).who_changed()
    assert changes["before"].notna().tolist() == [True, False]
    assert SECRET not in texts_of(changes)
    assert "••••••••" in texts_of(changes)


def test_a_secret_that_was_changed_is_a_change() -> None:
    attributes = {"name": "API Key", "delegate_descriptor_id": CONSTANT}
    events = []
    for number, value in enumerate([SECRET, SECRET[::-1]]):
        settings = {"settings": json.dumps({"value": value})}
        verb = ("created", "updated")[number]
        events.append(audit_event(number, verb, "data_elements", attributes | settings))
    changes = Tags(audit_events=pd.concat(events)).who_changed()
    assert changes.loc[0, "columns_changed"] == "settings.value"
    assert changes.loc[0, "after"] == '{"settings.value": "••••••••"}'


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        (f"https://example.net/hook/{SECRET}", "https://example.net/hook/••••••••"),
        ("https://user:pw@example.net/hook", "https://example.net/hook"),
        ("https://example.net/hook?key=1", "https://example.net/hook"),
        ("https://example.net/rule/RL" + 8 * "0a1b", "https://example.net/rule/RL" + 8 * "0a1b"),
    ],
)
def test_the_address_of_a_callback_shows_no_secrets(url: str, detail: str) -> None:
    callbacks = pd.DataFrame({"id": ["CB1"], "url": [url], "subscriptions": ["[]"]})
    assert Tags(callbacks=callbacks).plumbing()["detail"].tolist() == [detail]


# -- odd values


def test_the_address_of_a_callback_can_be_invalid() -> None:
    callbacks = pd.DataFrame({"id": ["CB1"], "url": ["http://[example"], "subscriptions": ["[]"]})
    answer = Tags(callbacks=callbacks).plumbing()
    assert answer["name"].isna().all()
    assert answer.loc[0, "problem"].startswith("The address is not https")


@pytest.mark.parametrize("secret_id", [["SE1"], {"id": "SE1"}, 5])
def test_a_data_element_can_name_a_secret_by_something_else_than_an_id(secret_id: object) -> None:
    settings = {"secrets": {"production": {"id": secret_id}}}
    tags = Tags(
        data_elements=elements(("DE1", "Secret", "core::dataElements::secret", settings)),
        secrets=pd.DataFrame(
            {"id": ["SE1"], "name": ["Secret"], "environment_stage": ["production"]}
        ),
    )
    answer = tags.plumbing().query("stage == 'production' and id == 'DE1'")
    assert "names no secret for production" in answer["problem"].item()


@pytest.mark.parametrize(
    "times",
    [
        ["2026-06-01T10:00:00.000Z", "2026-06-02T10:00:00Z"],
        [pd.Timestamp("2026-06-01 10:00"), pd.Timestamp("2026-06-02 10:00")],
        ["2026-06-01T10:00:00.000Z", None],
    ],
)
def test_the_times_of_audit_events_can_be_texts_or_without_a_zone(times: list[object]) -> None:
    created = audit_event(1, "created", "callbacks", {"url": "https://example.net"})
    updated = audit_event(2, "updated", "callbacks", {"url": "https://example.org"})
    events = pd.concat([created, updated]).astype("object").assign(created_at=times)
    changes = Tags(audit_events=events).who_changed(since="2026-06-01")
    assert changes["when"].max().day == len(changes)


def test_the_names_of_a_frame_can_be_numbers() -> None:
    names = pd.DataFrame({"id": ["DE1"], "name": [2024], "enabled": [True]})
    frame = names.assign(delegate_descriptor_id=CONSTANT, settings='{"value": "1"}')
    tags = Tags(data_elements=frame)
    assert tags.naming().empty
    assert tags.stale()["name"].tolist() == []


# -- what agencies write


@pytest.mark.parametrize(
    "event",
    [
        ("core::events::custom-event", {"type": "OneTrustGroupsUpdated"}),
        ("core::events::custom-event", {"type": "CookiebotOnAccept"}),
    ],
)
def test_the_events_of_consent_managers_are_known(event: tuple[str, dict[str, str]]) -> None:
    parts = components(("RC1", "RL1", *event), ("RC2", "RL1", SEND, {"type": "page"}))
    assert property_of(parts).consent()["verdict"].tolist() == ["consent event"]


@pytest.mark.parametrize(
    "code",
    [
        "return getCkyConsent().categories.analytics",
        "return !navigator.globalPrivacyControl",
        'return BorlabsCookie.Consents.hasConsent("adobe")',
    ],
)
def test_conditions_of_other_consent_managers_are_known(code: str) -> None:
    condition = ("RC1", "RL1", "core::conditions::custom-code", {"source": code})
    parts = components(condition, ("RC2", "RL1", SEND, {"type": "page"}))
    assert property_of(parts).consent()["verdict"].tolist() == ["consent condition"]


@pytest.mark.parametrize("name", ["Family 👩\u200d👩\u200d👧", "\u0645\u06cc\u200c\u062e"])
def test_a_name_can_have_joiners_inside_emoji_and_words(name: str) -> None:
    tags = Tags(data_elements=elements(("DE1", name, CONSTANT, {"value": "1"})))
    assert tags.naming().empty


SNIPPETS = {
    "static.hotjar.com": (
        "(function(h,o,t,j,a,r){h.hj=h.hj||function(){(h.hj.q=h.hj.q||[]).push(arguments)};"
        "a=o.getElementsByTagName('head')[0];r=o.createElement('script');r.async=1;"
        "r.src=t+h._hjSettings.hjid+j;a.appendChild(r);})"
        "(window,document,'https://static.hotjar.com/c/hotjar-','.js?sv=');"
    ),
    "www.clarity.ms": (
        "(function(c,l,a,r,i,t,y){t=l.createElement(r);t.async=1;"
        't.src="https://www.clarity.ms/tag/"+i;y=l.getElementsByTagName(r)[0];'
        'y.parentNode.insertBefore(t,y);})(window,document,"clarity","script","1");'
    ),
}


@pytest.mark.parametrize("host", SNIPPETS)
def test_the_snippets_of_vendors_load_scripts(host: str) -> None:
    tags = action(SNIPPETS[host])
    risks = tags.code_risks()
    assert risks["rule"].tolist() == ["third-party-script"]
    assert host in risks.loc[0, "why"]
    assert len(tags.consent()) == 1


def test_a_link_is_not_a_script_that_is_loaded() -> None:
    code = """
    (function (page, help) { page.createElement("script"); })(document, "/help");
    document.createElement("a").href = "https://example.net/help";
    track("https://example.net/help");
    """
    assert action(code).code_risks().empty


@pytest.mark.parametrize("table", ["extension_packages", "libraries", "library_extensions"])
def test_versions_ask_for_the_columns_that_a_table_lacks(table: str) -> None:
    installed = extensions(("EX1", "core", None, None)).assign(version="1.0.0")
    frames = {table: pd.DataFrame({"name": ["core"]})}
    with pytest.raises(ArgumentError, match=table):
        Tags(extensions=installed, **frames).extension_versions()


def test_the_size_of_libraries_requires_their_states() -> None:
    frame = pd.DataFrame({"id": ["LB1"], "library_id": ["LB1"]})
    tables = ("libraries", "library_rules", "library_data_elements", "library_extensions")
    frames = dict.fromkeys(tables, frame) | {"rule_revision_components": components()}
    with pytest.raises(ArgumentError, match="'state' of libraries"):
        Tags(**frames).library_size()


def test_functions_of_minified_code_are_not_those_of_a_vendor() -> None:
    assert action("function hj(e){return e}hj(1);").consent().empty
    assert action('hj("event", "signed up")').consent()["sends_to"].tolist() == ["Hotjar"]


def test_a_long_chain_of_members_is_inspected_quickly() -> None:
    start = time.process_time()
    action("pixel.src = address; " + 40_000 * "a." + "b").code_risks()
    assert time.process_time() - start < 8


# -- direct calls


@pytest.mark.parametrize("identifier", ["", None])
def test_a_direct_call_rule_without_an_identifier_is_fired_by_nothing(
    identifier: str | None,
) -> None:
    listener = ("RC1", "RL1", "core::events::direct-call", {"identifier": identifier})
    call = {"source": '_satellite.track("other"); _satellite.track("None")'}
    parts = components(listener, ("RC2", "RL2", CODE_ACTION, call))
    tags = property_of(parts, ("RL1", "Listens"), ("RL2", "Calls"))
    assert tags.rule_graph().empty


def test_many_direct_calls_of_many_rules_are_quick() -> None:
    count = 4_000
    parts, rows = [], []
    for number in range(count):
        rule = f"RL{number}"
        rows.append((rule, f"Rule {number}"))
        settings = {"identifier": f"call {number}"}
        parts.append((f"RC{number}e", rule, "core::events::direct-call", settings))
        code = {"source": f'_satellite.track("call {count - 1 - number}")'}
        parts.append((f"RC{number}a", rule, CODE_ACTION, code))
    tags = property_of(components(*parts), *rows)
    start = time.process_time()
    assert tags.direct_calls()["verdict"].unique().tolist() == ["called here"]
    assert time.process_time() - start < 8
