"""The catalog of error codes: its schema, and the exceptions that it explains."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from adobe_nb.api.reactor import error_catalog
from adobe_nb.api.reactor.error_catalog import error_of, explanation, explanations
from adobe_nb.errors import ApiError
from adobe_nb.http.messages import Request, Response

FILE = Path(error_catalog.__file__).with_suffix(".toml")
ENTRIES = tomllib.loads(FILE.read_text(encoding="utf-8"))
REQUEST = Request("POST", "https://reactor.adobe.io/properties/PR1/rules")


def error(status: int, document: object, next_step: str = "") -> ApiError:
    return error_of(REQUEST, Response(status, {"x-request-id": "R1"}, b""), document, next_step)


@pytest.mark.parametrize("code", ENTRIES)
def test_entry_has_a_cause_and_a_fix_that_are_sentences(code: str) -> None:
    entry = ENTRIES[code]
    assert set(entry) == {"cause", "fix"}
    for sentence in entry.values():
        assert sentence == sentence.strip()
        assert sentence.endswith(".")
    assert len(entry["cause"]) + len(entry["fix"]) < 260


def test_catalog_is_sorted_by_code() -> None:
    gateway = [code for code in ENTRIES if code.isdigit()]
    reactor = [code for code in ENTRIES if not code.isdigit()]
    assert list(ENTRIES) == sorted(gateway) + sorted(reactor)


def test_unknown_code_has_no_explanation() -> None:
    assert explanation("no-such-code") is None
    assert explanation(None) is None
    assert explanation("403025") == explanations()["403025"]


def test_importing_the_package_does_not_read_the_catalog() -> None:
    code = "import adobe_nb, sys; print('adobe_nb.api.reactor.error_catalog' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_error_of_known_code_has_its_cause_and_fix() -> None:
    problem = {
        "code": "not-unique",
        "detail": "Name is taken.",
        "source": {"pointer": "/data/attributes/name"},
        "meta": {"request_id": "R2"},
    }
    raised = error(409, {"errors": [problem]})
    known = explanations()["not-unique"]
    assert (raised.cause, raised.fix) == known
    assert (raised.code, raised.request_id, raised.errors) == ("not-unique", "R2", [problem])
    assert str(raised) == (
        "POST /properties/PR1/rules failed with 409 not-unique (Name is taken; see "
        f"/data/attributes/name). {known.cause} {known.fix}"
    )


@pytest.mark.parametrize(
    ("status", "document", "says"),
    [
        (400, {"errors": ["broken"]}, "failed with 400 (broken). Correct what the service"),
        (409, {"errors": {"title": "Odd"}}, "failed with 409 (Odd). Correct what"),
        (403, {"error_code": "999", "message": "No."}, "failed with 403 999 (No). Check the"),
        (418, {}, "failed with 418. Compare the request"),
        (500, {}, "failed with 500. Adobe's service is unavailable"),
        (502, None, "failed with 502 and a page that is not Adobe's JSON"),
        (400, {"errors": [{"detail": "\ud800"}]}, r"failed with 400 (\ud800)."),
    ],
)
def test_error_of_unknown_code_gives_advice_by_status(
    status: int, document: object, says: str
) -> None:
    raised = error(status, document)
    assert says in str(raised)
    assert (raised.cause, raised.fix, raised.request_id) == ("", "", "R1")


@pytest.mark.parametrize("document", [None, {}])
def test_uncertain_write_says_how_to_check_instead_of_retry(document: object) -> None:
    message = str(error(503, document, "Look for it."))
    assert message.endswith("It may have been done anyway. Look for it.")
    assert "run it again" not in message


def test_certain_failure_of_a_write_does_not_ask_to_check() -> None:
    assert "Look for it" not in str(error(409, {}, "Look for it."))
