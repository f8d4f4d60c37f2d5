"""What counts as a secret, and what does not; and that no answer shows one unless asked to."""

import random
import string
import time
from typing import Any

import pandas as pd
import pytest

from adobe_nb import analysis
from adobe_nb.analysis import Tags
from tests.support.tag_frames import (
    CODE_ACTION,
    CODE_ELEMENT,
    code_element,
    components,
    elements,
    extensions,
    rules,
)

# Put together, because scanners of repositories would take them for real keys.
RANDOM = "9fKq2LmX" + "7vTz4RbW1nYc"
STRIPE = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
HEX = "4e3f2a1b" + "0c9d8e7f6a5b4c3d2e1f0a9b"
GUID = "8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d201"
MASK = "\N{BULLET}" * 8
CONSTANT = "core::dataElements::constant"
ANALYTICS = "adobe-analytics::actions::set-variables"


def is_found(code: str, language: str = "javascript") -> bool:
    settings = {"source": code, "language": language}
    tags = Tags(rule_components=components(("RC1", "RL1", CODE_ACTION, settings)))
    return "secret" in tags.code_risks()["rule"].tolist()


SECRETS = [
    # in comments, as people write them
    f"// api key: {STRIPE}",
    f"// api key: {RANDOM}",
    f"/* The access token is {RANDOM}. */",
    f"/* password = {RANDOM} */",
    f"// var apiKey = '{RANDOM}'",
    f'// clientSecret: "{RANDOM}", ask Jo',
    # a user and a password
    'x = "Basic " + btoa("shop:pa55word9")',
    "headers.Authorization = 'Basic ' + btoa(`shop` + ':' + `pa55word9`)",
    # in several literals
    f'var a = "{STRIPE[:8]}" + "{STRIPE[8:]}"',
    f"go('{STRIPE[:3]}' + ('{STRIPE[3:12]}' + '{STRIPE[12:]}'))",
    f'var a = ["{STRIPE[:8]}", "{STRIPE[8:]}"].join("")',
    f'var apiKey = ["{RANDOM[:7]}", "{RANDOM[7:]}"].join("")',
    f'var apiKey = "{RANDOM[:7]}".concat("{RANDOM[7:]}")',
    f'var apiKey = ["{RANDOM[:7]}", "{RANDOM[7:]}"].join("-")',
    rf'var apiKey = "\x{ord(RANDOM[0]):02x}{RANDOM[1:]}"',
    # beside a name
    f"var apiKey = '{HEX}'",
    f"var clientSecret = '{GUID}'",
    f"if (token === '{RANDOM}') go()",
    "login({password: 'hunter2hunter'})",
    "var password = 'Xk9#mQ2!'",
]
HARMLESS = [
    # names of fields, selectors, classes, keys of messages
    "f({password: 'txtPassword01'})",
    "f({password: 'password1'})",
    "var password = '#login-password2'",
    "f({password: 'form.login2-field'})",
    "f({password: 'input.field2'})",
    "t('errors.password.min8chars')",
    "f({password: 'errors.password.min8chars'})",
    "var secret = 'checkout_step2_secret_hint'",
    "var step = 'forgot-password-step2'",
    "var password = 'forgot-password-step2'",
    "var token = 'loginTokenOfStep2Customer'",
    # comparisons
    "if (x.type === 'password-reset') go()",
    "if (password === 'password-reset-2') go()",
    "if (link.password == 'hunter2hunter') go()",
    # addresses
    "var password = '/account/password/reset2'",
    "var token = '/api/v2/token/refresh1'",
    "var secret = 'account/secret-question2.html?step=1'",
    # public ids
    f"var token = '{GUID}'",
    f"var clientId = '{RANDOM}'",
    f"var client_id = '{HEX}'",
    "var token = '53A16ACB5CC1D3760A495C99@AdobeOrg'",
    f"var secret = 'PR{HEX}'",
    f"var secret = 'DE{HEX}'",
    "var token = 'launch-EN5d9f8c7b6a5f4e3d2c1b0a9f8e7d6c5b-development.min.js'",
    "var token = 'launch-5d9f8c7b6a5f'",
    "var secret = 'G-1AB2CD3EF4'",
    "var secret = 'UA-12345678-1'",
    "var secret = 'GTM-K2L3M4N5'",
    "var apiKey = '123456789012-a1b2c3d4e5f6.apps.googleusercontent.com'",
    f"var apiKey = 'pk_live_{RANDOM}'",
    # not encoded for a header, and not the parts of a secret
    "btoa('page:home')",
    "btoa('https://acme.net/a1')",
    'btoa(\'{"a": "b1"}\')',
    "x = btoa(user + ':' + word)",
    "x = 'sk_' + 'live'",
    "x = ['a', 'b'].join('-')",
    # prose
    "// the token: see the documentation of loginToken2",
    "// password: at least 8 characters",
    "// @param {string} token: the token2 of the session",
    f"// build {HEX}",
]


@pytest.mark.parametrize("code", SECRETS)
def test_is_found_and_not_shown(code: str) -> None:
    assert is_found(code)
    tags = code_element(f"{code}\neval(a);")
    risks = tags.code_risks()
    assert MASK in risks.loc[risks["rule"] == "secret", "evidence"].item()
    for value in (STRIPE[9:20], RANDOM[8:16], RANDOM[-10:], HEX[8:20], "pa55word9", "hunter2h"):
        assert value not in risks.to_csv()
        assert value not in tags.search_code(".+", regex=True).to_csv()


@pytest.mark.parametrize("code", HARMLESS)
def test_is_not_taken_for_a_secret(code: str) -> None:
    assert not is_found(code)
    assert MASK not in code_element(code).search_code(".+", regex=True).to_csv()


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (f"<!-- api key: {RANDOM} --><p>a</p>", True),
        (f"<div data-api-key='{RANDOM}'>", True),
        (f"<script>var a = '{STRIPE[:8]}' + '{STRIPE[8:]}'</script>", True),
        ("<input type='password' name='password' id='txtPassword01'>", False),
        ("<label for='password' data-password='errors.password.min8chars'>", False),
    ],
)
def test_of_a_page(page: str, *, expected: bool) -> None:
    assert is_found(page, "html") == expected


def test_the_line_of_a_secret_is_that_of_the_whole_text() -> None:
    page = f"<p>\n<!--\napi key: {RANDOM} -->\n<script>\n\nvar apiKey = '{HEX}'</script>"
    tags = Tags(
        rule_components=components(
            ("RC1", "RL1", CODE_ACTION, {"source": page, "language": "html"})
        )
    )
    assert tags.code_risks()["line"].tolist() == [3, 6]


# -- in all answers


def site(**options: Any) -> Tags:
    """A property that has one secret in every place in which an answer quotes it."""
    code = f"""
        // api key: {RANDOM}
        var apiKey = "{RANDOM}"; _satellite.track("{RANDOM}"); _satellite.getVar("{RANDOM}");
        s.eVar5 = "{RANDOM}"; s.linkTrackVars = "eVar5"; _satellite.getVar("Missing");
        s.tl(true, "o", "{RANDOM}"); {"x" * 150}("{RANDOM}"); _satellite.getVar("Constant");
    """
    settings = {"trackerProperties": {"eVars": [
        {"name": "eVar6", "type": "value", "value": RANDOM},
    ]}}  # fmt: skip
    direct_call = {"identifier": RANDOM}
    headers = {"headers": [{"key": "X-Api-Key", "value": RANDOM}], "url": f"//a.net/?k={RANDOM}"}
    return Tags(
        rules=rules(("RL1", f"zz old  {RANDOM}"), ("RL2", "Two")),
        rule_components=components(
            ("RC1", "RL1", "core::events::direct-call", direct_call),
            ("RC2", "RL1", CODE_ACTION, {"source": code, "language": "javascript"}),
            ("RC3", "RL1", ANALYTICS, settings),
            ("RC4", "RL2", "acme::actions::send", headers),
            ("RC6", "RL2", "core::events::direct-call", direct_call),
            ("RC5", "RL2", "adobe-analytics::actions::send-beacon", {"type": "link"}),
        ),
        data_elements=elements(
            ("DE1", "API key", CONSTANT, {"value": RANDOM}),
            ("DE2", "Constant", CONSTANT, {"value": RANDOM}),
            ("DE3", "Code", CODE_ELEMENT, {"source": f"return '%{RANDOM}%'"}),
            default_value=[None, RANDOM, None],
        ),
        extensions=extensions(("EX1", "core", None, None)),
        callbacks=pd.DataFrame({"id": ["CB1"], "url": [f"https://a.net/hook/{RANDOM}1a2B3c4D"]}),
        limits=[f"Not read: {RANDOM}."],
        **options,
    )


QUESTIONS: dict[str, list[Any]] = {
    "rule_flow": [],
    "execution_order": [],
    "rule_graph": ["all"],
    "direct_calls": [],
    "references": [],
    "unused": [],
    "dangling": [],
    "impact": ["DE2"],
    "duplicates": [],
    "variables": [],
    "sends": [],
    "sdr": [pd.DataFrame({"variable": ["eVar5"]})],
    "search_code": ["api|track|getVar|eVar|...."],
    "code_risks": [],
    "consent": [],
    "stale": [],
    "naming": [],
    "plumbing": [],
    "audit": [],
}
PARTS = [RANDOM[start : start + 8] for start in range(len(RANDOM) - 7)]


def ask(tags: Tags, question: str) -> pd.DataFrame:
    arguments = QUESTIONS[question]
    if question == "search_code":
        return tags.search_code(arguments[0], regex=True, where="all")
    if question == "duplicates":
        return tags.duplicates(constants=True)
    frame: pd.DataFrame = getattr(tags, question)(*arguments)
    return frame


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_answer_shows_a_secret_or_a_part_of_it(question: str) -> None:
    frame = ask(site(), question)
    text = frame.to_csv() + repr(frame.attrs)
    assert len(frame)
    assert MASK in text
    assert not [part for part in PARTS if part in text]


def test_secrets_are_shown_to_whoever_asks_for_them() -> None:
    tags = site(show_secrets=True)
    for question in ("references", "variables", "search_code", "code_risks", "audit", "rule_flow"):
        assert RANDOM in ask(tags, question).to_csv()
        assert MASK not in ask(tags, question).to_csv()
    assert tags.plumbing()["detail"].str.contains(RANDOM).any()


def test_a_search_finds_the_original_text() -> None:
    [row] = site().search_code(f'eVar5 = "{RANDOM}"').to_dict("records")
    assert row["match"] == f'eVar5 = "{MASK}"'
    assert site().search_code(MASK).empty


def test_every_part_of_a_secret_is_masked_as_a_match() -> None:
    for part in (RANDOM[:3], RANDOM[4:9], RANDOM[-4:]):
        matches = code_element(f"var apiKey = '{RANDOM}'").search_code(part)
        assert len(matches) == 1
        assert part not in matches["match"][0]


def test_the_exported_code_stays_as_it_is() -> None:
    assert site().custom_code()["code"].str.contains(RANDOM).all()


def test_a_difference_of_two_secrets_is_one_without_showing_them() -> None:
    other = RANDOM[::-1]
    a, b = (
        code_element(f"var apiKey = '{RANDOM}';\na()"),
        code_element(f"var apiKey = '{other}';\na()"),
    )
    [row] = analysis.diff(a, b).to_dict("records")
    assert row["before"] == row["after"] == f"var apiKey = '{MASK}';\na()"
    assert row["code_diff"].splitlines()[3:] == [
        f"-var apiKey = '{MASK}';", f"+var apiKey = '{MASK}';", " a()",
    ]  # fmt: skip


def test_fingerprints_are_the_same_when_secrets_are_shown() -> None:
    hidden, shown = site().audit(), site(show_secrets=True).audit()
    columns = ["rule", "source_id", "path", "fingerprint"]
    assert hidden[columns].equals(shown[columns])


def test_fingerprints_do_not_depend_on_the_secret() -> None:
    def audit(secret: str) -> list[str]:
        code = f"var apiKey = '{secret}'; _satellite.getVar('{secret}');"
        return code_element(code).audit(["secret", "missing-data-element"])["fingerprint"].tolist()

    assert audit(RANDOM) == audit(RANDOM[::-1]) != []


def test_a_short_password_is_masked_as_a_word_and_not_within_one() -> None:
    tags = code_element("login({password: 'hunter2x'}); go('hunter2x', hunter2xylophone);")
    [row] = tags.search_code("go(").to_dict("records")
    assert row["evidence"].endswith(f"go('{MASK}', hunter2xylophone);")


# -- speed


def random_texts(count: int) -> list[str]:
    rng = random.Random(7)
    letters = string.ascii_letters + string.digits
    return ["".join(rng.choices(letters, k=22)) + "7a" for _ in range(count)]


def test_thousands_of_secrets_take_seconds() -> None:
    secrets = random_texts(2_000)
    names = [
        (f"DE{i}", f"API key {i}", CONSTANT, {"value": text}) for i, text in enumerate(secrets)
    ]
    reads = "\n".join(f"_satellite.getVar('API key {i}'); a('{secrets[i]}')" for i in range(2_000))
    start = time.process_time()
    tags = Tags(
        rules=rules(("RL1", "One")),
        rule_components=components(
            ("RC1", "RL1", CODE_ACTION, {"source": reads, "language": "javascript"})
        ),
        data_elements=elements(*names),
        extensions=extensions(),
    )
    text = tags.references().to_csv() + tags.code_risks().to_csv()
    script = "\n".join(f"var apiKey{i} = '{text}';" for i, text in enumerate(random_texts(5_000)))
    risks = code_element(script).code_risks()
    assert time.process_time() - start < 10
    assert not [secret for secret in secrets[::50] if secret in text]
    assert len(risks) > 4_500


@pytest.mark.parametrize(
    "code",
    [
        "'a'+" * 20_000 + "'b'",
        "['a'," + "'b'," * 20_000 + "].join('')",
        "x('a' + 'b'," * 3_000,
        "btoa(" * 20_000,
        "// " + "api key is " * 10_000,
        "// " + "a b c: " * 20_000 + "token",
    ],
)
def test_hostile_code_takes_no_time(code: str) -> None:
    start = time.process_time()
    code_element(f"var secret; {code}").code_risks()
    assert time.process_time() - start < 5
