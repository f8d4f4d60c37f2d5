"""``code_risks``: each rule with code that breaks it, and the nearest code that does not."""

import json
import time
from typing import Any

import pandas as pd
import pytest

from adobe_nb.analysis import Tags
from adobe_nb.analysis.code.risks import risks as known_risks
from tests.support.tag_frames import (
    CODE_ACTION,
    CODE_ELEMENT,
    code_element,
    components,
    dtypes,
    elements,
    extensions,
    no_tags,
    store,
)

COLUMNS = {
    "source_type": "string",
    "source_id": "string",
    "source_name": "string",
    "rule_id": "string",
    "rule_name": "string",
    "path": "string",
    "line": "Int64",
    "rule": "string",
    "severity": "string",
    "evidence": "string",
    "why": "string",
}
# Put together, because scanners of repositories would take them for real keys.
AWS = "AKIA" + "QYLPMN5HFIQR7XYA"
GOOGLE = "AIza" + "SyD3x4mpl3K3y0fN0b0dy1nTh3W0rldAAAA"[:35]
SLACK = "xoxb-" + "123456789012-abcDEFghiJKL"
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
STRIPE = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
TOKEN = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N"
RANDOM = "9fKq2LmX" + "7vTz4RbW1nYc"
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7x\n-----END RSA PRIVATE KEY-----"
GUID = "8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d201"
MASK = "\N{BULLET}" * 8


def found(code: str) -> list[str]:
    """The rules that the code of a data element breaks."""
    return code_element(code).code_risks()["rule"].tolist()


def html(source: str, **tables: pd.DataFrame) -> Tags:
    settings = {"language": "html", "source": source}
    return Tags(rule_components=components(("RC1", "RL1", CODE_ACTION, settings)), **tables)


def setting(settings: Any) -> pd.DataFrame:
    return Tags(extensions=extensions(("EX1", "acme", "acme::actions::a", settings))).code_risks()


def test_columns_are_the_same_with_no_row_one_and_many(reactor: Any) -> None:
    assert dtypes(no_tags().code_risks()) == COLUMNS
    one = code_element("eval(a)").code_risks()
    assert dtypes(one) == COLUMNS
    assert one.loc[0, ["source_type", "source_id", "source_name", "path"]].tolist() == [
        "data_elements", "DE1", "Code", "source",
    ]  # fmt: skip
    assert dtypes(store(reactor).code_risks()) == COLUMNS


@pytest.mark.parametrize(
    ("rule", "risky", "harmless"),
    [
        ("eval", "eval(text)", "retrieval(text)"),
        ("eval", "window.eval(text)", "parser.eval(text)"),
        ("eval", "(0, eval)(text)", "var a = 'eval(text)'"),
        ("eval", "new Function('return 1')", "new Functions('return 1')"),
        ("eval", "Function('return 1')()", "a instanceof Function"),
        ("timer-with-text", "setTimeout('run()', 10)", "setTimeout(run, 10)"),
        ("timer-with-text", "setInterval('run(' + a + ')', 10)", "setInterval(a + b, 10)"),
        ("document-write", "document.write('<p>')", "stream.write('<p>')"),
        ("document-write", "window.document.writeln(a)", "document.write"),
        ("insecure-url", "a.href = 'http://cdn.acme.net/a'", "a.href = 'https://cdn.acme.net/a'"),
        ("insecure-url", "x = `http://acme.net/${a}`", "x = 'http://www.w3.org/2000/svg'"),
        ("insecure-url", "go('http://acme.net')", "url.indexOf('http://acme.net')"),
        ("insecure-url", "y = '<img src=\"http://acme.net/a.gif\">'",
         "y = '<a href=\"http://acme.net/a\">'"),
        ("insecure-url", "u = a ? 'https://acme.net' : 'http://acme.net'",
         "u = location.protocol == 'https:' ? 'https://acme.net' : 'http://acme.net'"),
        ("third-party-script",
         "var t = document.createElement('script'); t.src = 'https://acme.net/tag'",
         "var t = document.createElement('img'); t.src = 'https://acme.net/tag'"),
        ("third-party-script",
         "var t = document.createElement('script'); t.setAttribute('src', '//acme.net/t')",
         "var t = document.createElement('script'); t.setAttribute('src', '/t.js')"),
        ("third-party-script",
         "(function (d, u) { d.createElement('script').src = u })(document, '//acme.net/t.js')",
         "(function (d, u) { d.log(u) })(document, '//acme.net/t.js')"),
        ("third-party-script", "$.getScript('https://acme.net/a')", "$.get('https://acme.net/a')"),
        ("third-party-script", "import('https://acme.net/a.mjs')", "import('./a.mjs')"),
        ("html-from-value", "a.innerHTML = _satellite.getVar('x')",
         "a.textContent = _satellite.getVar('x')"),
        ("html-from-value", "a.innerHTML = '<p>' + location.hash + '</p>'",
         "a.innerHTML = '<p>' + encodeURIComponent(location.hash) + '</p>'"),
        ("html-from-value", "var v = location.search; var w = 'a' + v; a.outerHTML = w",
         "var v = location.hostname; var w = 'a' + v; a.outerHTML = w"),
        ("html-from-value", "a.insertAdjacentHTML('beforeend', document.URL)",
         "a.insertAdjacentHTML('beforeend', '<p>')"),
        ("html-from-value", "a.innerHTML = location.hash.slice(1)",
         "a.innerHTML = location.hash ? 'yes' : 'no'"),
        ("html-from-value", "$(a).html(document.referrer)", "$(a).html('document.referrer')"),
        ("html-from-value", "var v = _satellite.getVar('x'); a.innerHTML = v",
         "function f() { var v = _satellite.getVar('x'); return v } a.innerHTML = u"),
        ("synchronous-request", "r.open('GET', u, false)", "r.open('GET', u, true)"),
        ("synchronous-request", "$.ajax({url: u, async: false})", "t = {async: false}"),
        ("synchronous-request", "r.open('POST', u, false)", "window.open(u, 'a', false)"),
        ("engine-internals", "_satellite._container.rules", "my._container.rules"),
        ("engine-internals", "for (n in window._satellite.container.dataElements) {}",
         "for (n in shop.container.items) {}"),
        ("deprecated-satellite", "_satellite.notify('a')", "_satellite.logger.log('a')"),
        ("deprecated-satellite", "_satellite.readCookie('a')", "jar.readCookie('a')"),
        ("deprecated-satellite", "_satellite.setCookie('a', 1)", "_satellite.cookie.set('a', 1)"),
        ("deprecated-satellite", "_satellite.removeCookie('a')", "removeCookie('a')"),
        ("alert", "alert('hi')", "ui.alert('hi')"),
        ("alert", "window.alert('hi')", "var a = {alert: 1}"),
        ("debugger", "debugger;", "a.debugger = 1;"),
        ("console", "console.log(a)", "window.console && a()"),
        ("console", "window.console.error(a)", "my.console.log(a)"),
        ("misspelled-global", "conosle.log(a)", "var conosle = {}; conosle.log(a)"),
        ("misspelled-global", "documnt.title", "documents.title"),
        ("misspelled-global", "satellite.track('a')",
         "if (typeof satellite !== 'undefined') satellite.track('a')"),
        ("misspelled-global", "localstorage.getItem('a')", "a.localstorage.getItem('a')"),
        ("misspelled-global", "widnow.a", "Window.prototype"),
        ("personal-data-in-url", "u = '/a?email=' + mail", "u = '/a?email_hash=' + hash"),
        ("personal-data-in-url", "u = 'https://acme.net/?a=1&firstName=' + n", "u = '?name=' + n"),
        ("personal-data-in-url", "u = '/a?user=jo@acme.net'", "u = 'mailto:jo@acme.net'"),
        ("syntax-error", "if (a { b() }", "if (a) { b() }"),
        ("syntax-error", "return 'a", "return 'a'"),
        ("large-code", "a = 1;\n" * 14_500, "a = 1;\n" * 14_000),
        ("minified", "a=b;" * 200, "a = b;\n" * 200),
    ],
)  # fmt: skip
def test_a_rule_reports_risky_code_and_not_the_code_nearest_to_it(
    rule: str, risky: str, harmless: str
) -> None:
    assert rule in found(risky)
    assert rule not in found(harmless)


def test_every_rule_says_how_severe_it_is_and_what_to_do() -> None:
    assert {risk.severity for risk in known_risks().values()} == {"high", "medium", "low"}
    assert all(": " in risk.why for risk in known_risks().values())
    [row] = code_element("conosle.log(1)").code_risks().to_dict("records")
    assert row["severity"] == known_risks()["misspelled-global"].severity == "high"
    assert row["why"].startswith("conosle is not defined here, and looks like console:")
    assert row["evidence"] == "conosle.log(1)"
    assert row["line"] == 1


@pytest.mark.parametrize(
    "code",
    [
        "// eval(a); alert(1); debugger; document.write('http://acme.net/a.js')\nreturn 1",
        "/* conosle.log(1) */ return 1",
        "var a = \"eval(a); alert(1); _satellite.notify('a')\";",
        "var a = /alert\\(/;",
    ],
)
def test_comments_strings_and_regular_expressions_are_not_code(code: str) -> None:
    assert found(code) == []


def test_findings_have_the_line_of_the_text_that_holds_the_script() -> None:
    tags = html(
        "<!-- <script>alert(0)</script> -->\n<p>alert(1)</p>\n<script>\n\nalert(2)</script>"
    )
    risks = tags.code_risks()
    assert risks[["rule", "line"]].values.tolist() == [["alert", 5]]
    assert code_element("a();\nalert(1);\nalert(2)").code_risks()["line"].tolist() == [2, 3]


def test_elements_of_a_page_load_scripts_and_insecure_resources() -> None:
    page = (
        "<script src='https://acme.net/a'></script>\n"
        "<img src='http://acme.net/a.gif'>\n"
        "<a href='http://acme.net'>a</a> <img data-src='http://acme.net/b.gif'>\n"
        "<script type='application/json'>{\"a\": if}</script>\n"
        "<iframe src='//acme.net/?email=jo'></iframe>"
    )
    risks = html(page).code_risks()
    assert risks[["rule", "line"]].values.tolist() == [
        ["third-party-script", 1],
        ["insecure-url", 2],
        ["personal-data-in-url", 5],
    ]
    assert "acme.net" in risks["why"][0]


def test_the_usual_loader_of_a_vendor_is_one_finding() -> None:
    code = "var s = 'script', j = d.createElement(s); j.src = 'https://acme.net/t.js?id=' + i"
    assert found(code) == ["third-party-script"]


def test_a_script_of_the_own_domains_is_not_one_of_a_third_party() -> None:
    site = pd.DataFrame({"id": ["PR1"], "domains": ['["www.shop.example"]']})
    page = "<script src='https://{}/a.js'></script>"
    own = html(page.format("static.shop.example"), properties=site)
    assert own.code_risks().empty
    other = html(page.format("eshop.example"), properties=site)
    assert other.code_risks()["rule"].tolist() == ["third-party-script"]
    unknown = html(page.format("static.shop.example")).code_risks()
    assert unknown["rule"].tolist() == ["third-party-script"]
    assert any("domains of the properties are missing" in text for text in unknown.attrs["limits"])


def test_tokens_that_the_engine_replaces_are_not_syntax_errors() -> None:
    assert html("<script>var a = %Page Name%;</script>").code_risks().empty
    assert html("<script>var a = %Page Name;</script>").code_risks()["rule"][0] == "syntax-error"
    assert found("var a = %Page Name%;") == ["syntax-error"]


def test_the_console_of_event_forwarding_is_not_that_of_visitors() -> None:
    for platform, expected in (("edge", []), ("web", ["console"])):
        tags = Tags(
            data_elements=elements(("DE1", "a", CODE_ELEMENT, {"source": "console.log(1)"})),
            properties=pd.DataFrame({"id": ["PR1"], "platform": [platform]}),
        )
        assert tags.code_risks()["rule"].tolist() == expected


def test_code_of_an_unknown_extension_is_not_judged_by_its_syntax() -> None:
    assert setting({"script": "{{#if a}} return window.b {{/if}}"}).empty


def test_an_external_file_is_named_as_a_limit() -> None:
    settings = {"language": "javascript", "source": "//a/b.js", "isExternal": True}
    tags = Tags(rule_components=components(("RC1", "RL1", CODE_ACTION, settings)))
    assert tags.code_risks().empty
    assert any("external file" in text for text in tags.code_risks().attrs["limits"])


# Secrets

SHAPES = [AWS, SLACK, GITHUB, STRIPE, TOKEN, PEM, f"Bearer {RANDOM}X1"]


@pytest.mark.parametrize("secret", SHAPES)
def test_a_key_of_a_known_shape_is_found_and_not_shown(secret: str) -> None:
    for risks in (
        code_element(f"send({json.dumps(secret)});").code_risks(),
        html(f"<p data-a='{secret}'>").code_risks(),
        setting({"anything": secret}),
    ):
        assert risks["rule"].tolist() == ["secret"]
        assert MASK in risks["evidence"][0]
        assert secret[-12:] not in risks.to_csv()
    comment = f"/* send('{secret}') */"
    assert found(comment) == ["secret"]


def test_a_key_that_browsers_may_have_is_a_public_key() -> None:
    risks = code_element(f"load('{GOOGLE}')").code_risks()
    assert risks[["rule", "severity"]].values.tolist() == [["public-key", "medium"]]
    assert GOOGLE not in risks.to_csv()
    assert found(f"load('{GOOGLE}x')") == []


@pytest.mark.parametrize(
    "code",
    [
        f"var apiKey = '{RANDOM}'",
        f"config.clientSecret = '{RANDOM}'",
        f"f({{'x-api-key': '{RANDOM}'}})",
        f"headers['X-Api-Key'] = `{RANDOM}`",
        f"storage.setItem('accessToken', '{RANDOM}')",
        f"var token = '{RANDOM[:8]}' + '{RANDOM[8:]}'",
        f"var token = a || '{RANDOM}'",
        f"if (password === '{RANDOM}') go()",
        f"function f(secret = '{RANDOM}') {{}}",
        f"class A {{ token = '{RANDOM}' }}",
        f"send('/a?client_secret={RANDOM}&b=1')",
        f'send(\'{{"apiKey": "{RANDOM}"}}\')',
        f"f({{Authorization: 'Token {RANDOM}'}})",
        f"var apiKey2 = '{RANDOM}'",
        "login({password: 'hunter2hunter'})",
        f"var clientSecret = '{GUID}'",
    ],
)
def test_a_random_text_with_the_name_of_a_secret_is_found_and_not_shown(code: str) -> None:
    risks = code_element(code).code_risks()
    assert risks["rule"].tolist() == ["secret"]
    for value in (RANDOM, RANDOM[:8], RANDOM[8:], "hunter2", GUID):
        assert value not in risks.to_csv()


@pytest.mark.parametrize(
    "code",
    [
        f"var name = '{RANDOM}'",
        f"var apiKey = '{GUID}'",
        f"var edgeConfigId = '{GUID}'",
        f"var token = 'PR{'0a' * 16}'",
        "var token = 'page-token-2'",
        "var tokenUrl = 'https://acme.net/oauth2/token/v2'",
        f"var tokenName = '{RANDOM}'",
        "var token = 'loginTokenOfTheCustomer'",
        "var password = '#login-password2'",
        "var password = 'Enter your password of 8 letters'",
        "var token = '%Access Token 2 of this page%'",
        "var token = '12345678901234567890'",
        "var token = 'assets/js/token.v2.min.js'",
        f"var csrfToken = '{RANDOM}'",
        "var keyCode = 'aaaaaaaaaaaaaaaaaaa1'",
        f"script.integrity = 'sha384-{RANDOM}{RANDOM}{RANDOM}'",
        "var secret = _satellite.getVar('secret2secret2')",
        "a.className = 'css-1x2y3z4a5b6c7d8e'",
    ],
)
def test_ids_names_hashes_and_labels_are_not_secrets(code: str) -> None:
    assert "secret" not in found(code)


def test_a_secret_is_hidden_in_the_evidence_of_every_finding() -> None:
    code = (
        f"var apiKey = '{RANDOM}'; alert(1);\n"
        f"/* apiKey: '{RANDOM}Z' */ alert(2);\n"
        f"alert('{RANDOM}');\n"
        f"eval(a); // {AWS}\n"
    )
    action = {"language": "html", "source": f"<script>console.log('{RANDOM}')</script>"}
    tags = Tags(
        rule_components=components(("RC1", "RL1", CODE_ACTION, action)),
        data_elements=elements(("DE1", "a", CODE_ELEMENT, {"source": code})),
    )
    risks = tags.code_risks()
    assert risks["rule"].value_counts().to_dict() == {
        "alert": 3, "secret": 3, "eval": 1, "console": 1,
    }  # fmt: skip
    assert RANDOM not in risks.to_csv()
    assert AWS not in risks.to_csv()
    assert risks["evidence"].str.contains(MASK).all()


def test_evidence_that_is_cut_does_not_show_a_part_of_a_secret() -> None:
    code = f"{'x' * 120}('{RANDOM}'); alert(1); {'y' * 300}; var token = '{RANDOM}'"
    evidence = code_element(code).code_risks()["evidence"]
    assert len(evidence) == 2
    assert not evidence.str.contains(RANDOM[-6:]).any()
    assert evidence.str.len().max() <= 200


def test_settings_outside_code_are_searched_for_secrets() -> None:
    settings = {
        "pixelId": "430000000000017",
        "accessToken": RANDOM,
        "headers": [
            {"key": "Authorization", "value": "Bearer {{Warehouse Token}}"},
            {"key": "X-Api-Key", "value": RANDOM + "1"},
            {"key": "Accept", "value": RANDOM + "2"},
        ],
        "body": json.dumps({"client_secret": RANDOM + "3"}),
        "url": f"https://acme.net/?api_key={RANDOM}4&a=1",
    }
    risks = setting(settings)
    assert risks["rule"].unique().tolist() == ["secret"]
    assert risks["path"].tolist() == ["accessToken", "body", "headers[1].value", "url"]
    assert risks["line"].isna().all()
    assert RANDOM not in risks.to_csv()
    assert risks["evidence"][3] == f"https://acme.net/?api_key={MASK}&a=1"


def test_a_constant_that_is_called_a_secret_is_one() -> None:
    constant = "core::dataElements::constant"
    tags = Tags(
        data_elements=elements(
            ("DE1", "Meta Access Token", constant, {"value": RANDOM}),
            ("DE2", "Meta Pixel", constant, {"value": RANDOM + "1"}),
        )
    )
    assert tags.code_risks()["source_id"].tolist() == ["DE1"]


def test_hostile_texts_take_no_time() -> None:
    hostile = (
        "'?" + "mail" * 50_000 + "'",
        "'" + "<img " * 20_000 + "'",
        "'" + "http://www.w3.org/<a " * 5_000 + "'",
        "key" * 60_000,
        "password = " * 10_000,
        "_" * 200_000 + ".a",
        # A value that goes from variable to variable.
        "var a0 = location.href;"
        + "".join(f"var a{i + 1} = a{i};" for i in range(6_000))
        + "document.write(a0);",
        "el.innerHTML = _satellite.getVar('b');" * 2_000,
    )
    start = time.process_time()
    for code in hostile:
        code_element(code).code_risks()
    html("<!-- a --><script>a</script>" * 2_000).code_risks()
    assert time.process_time() - start < 10


def test_a_user_and_password_in_an_address_are_a_secret() -> None:
    risks = setting({"url": "https://jo:pass1word@acme.net/"})
    assert risks["evidence"].tolist() == [f"https://{MASK}@acme.net/"]
    assert setting({"url": "https://acme.net:8080/@jo"}).empty


def test_a_store_of_the_demo_company_has_the_risks_of_its_code(reactor: Any) -> None:
    risks = store(reactor).code_risks()
    assert set(risks["rule"]) <= {"console", "third-party-script"}
