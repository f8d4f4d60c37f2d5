"""Quoted secrets are masked in every form that services use."""

import base64
import html
import json
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest

import adobe_nb
from adobe_nb import session as sessions
from adobe_nb.errors import ApiError, ArgumentError, EdgeError, RedirectRefused, SignInError
from adobe_nb.masking import MASK, masked_body, masked_text
from tests.support.stub import Answer, Got, stub

SECRET = 'p8e-aB+c/"d\\e&f<g>h=ij kl%mn_e0123456789'
TOKEN = "eyJhbGciOi.eyJ1c2VyX2lkIjoiYSIsImNsaWVudF9pZCI6ImIifQ.c2lnbmF0dXJlLW9mLTQw"
ORG = "ABCDEF0123456789ABCDEF01@AdobeOrg"

FORMS = {
    "as it is": lambda text: text,
    "in JSON": json.dumps,
    "in JSON, all escaped": lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    "in JSON, capital digits": lambda text: "".join(f"\\u{ord(each):04X}" for each in text),
    "in JSON with slashes escaped": lambda text: json.dumps(text).replace("/", "\\/"),
    "in JSON in JSON": lambda text: json.dumps(json.dumps({"a": text})),
    "in a URL": lambda text: quote(text, safe=""),
    "in a URL, small digits": lambda text: "".join(f"%{each:02x}" for each in text.encode()),
    "in a URL, capital digits": lambda text: "".join(f"%{each:02X}" for each in text.encode()),
    "in a URL in a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "in a form": lambda text: urlencode({"client_secret": text, "scope": "openid"}),
    "in a form in JSON": lambda text: json.dumps({"body": urlencode({"client_secret": text})}),
    "in HTML": html.escape,
    "in HTML by numbers": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "in HTML by hexadecimal numbers": lambda text: "".join(f"&#x{ord(each):X};" for each in text),
    "in JSON in HTML": lambda text: html.escape(json.dumps({"a": text})),
    "wrapped": lambda text: f"{text[:9]}\n    {text[9:20]}\r\n{text[20:]}",
    "wrapped in JSON": lambda text: json.dumps(f"{text[:9]}\n{text[9:]}"),
    "wrapped in mail": lambda text: f"{text[:9]}=\r\n{text[9:]}",
    "in a URL, wrapped": lambda text: quote(f"{text[:9]}\r\n{text[9:]}"),
    "cut off": lambda text: f"{text[:20]}…",
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 after one": lambda text: base64.b64encode(f"x{text}y".encode()).decode(),
    "in base64 after a name": lambda text: base64.b64encode(f"client:{text}".encode()).decode(),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(f"ab{text}".encode()).decode(),
    "in base64 in JSON": lambda text: json.dumps(
        {"body": base64.b64encode(text.encode()).decode()}
    ),
    "in base64 in a URL": lambda text: quote_plus(base64.b64encode(text.encode()).decode()),
}


@pytest.mark.parametrize("secret", [SECRET, TOKEN], ids=["a secret", "a token"])
@pytest.mark.parametrize("form", FORMS)
def test_masks_a_secret_in_every_form_and_keeps_the_rest(form: str, secret: str) -> None:
    quoted = FORMS[form](secret)
    text = masked_text(f"before, {quoted} after", [secret])
    assert MASK in text
    assert text.startswith("before, ")
    assert text.endswith(" after")
    # base64 shows a few characters at both ends, which share a byte with their neighbors.
    assert len(text) < len("before,  after") + len(MASK) + 40


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        "\\",
        "%",
        "%4",
        "&",
        "&amp",
        "\\u12",
        "a\\u0026b %41 &lt; \n x",
        "100 % + 5",
        "\ud800",
    ],
)
def test_text_without_a_secret_is_unchanged(text: str) -> None:
    assert masked_text(text, [SECRET, TOKEN, ""]) == text


def test_short_secrets_do_not_mask_ordinary_words() -> None:
    assert masked_text("the id of a rule", ["id", "of", ""]) == "the id of a rule"
    assert masked_text("pass 1234!", ["1234"]) == f"pass {MASK}!"


def test_masks_every_occurrence() -> None:
    text = f"{SECRET} and {quote(SECRET)} and {TOKEN} and {SECRET}"
    assert masked_text(text, [SECRET, TOKEN]) == f"{MASK} and {MASK} and {MASK} and {MASK}"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le"]
)
def test_bytes_are_masked_in_the_encoding_in_which_json_is_read(encoding: str) -> None:
    body = json.dumps({"errors": [{"detail": f"é {SECRET}"}]}, ensure_ascii=False).encode(encoding)
    assert json.loads(masked_body(body, [SECRET]))["errors"] == [{"detail": f"é {MASK}"}]


def test_a_secret_that_is_not_ascii_is_masked_where_its_bytes_are_escaped() -> None:
    secret = "p8e-é-0123456789"
    assert masked_text(f"refused: {quote(secret)}", [secret]) == f"refused: {MASK}"


def test_bytes_that_are_not_text_are_unchanged() -> None:
    assert masked_body(b"\xff\xfe\xfa\x80 abc", ["abcdefgh"]) == b"\xff\xfe\xfa\x80 abc"
    assert masked_body(bytes(range(256)), ["hgfedcba"]) == bytes(range(256))


SIGNED_IN = Answer(
    200,
    json.dumps({"access_token": TOKEN, "expires_in": 9999}).encode(),
    {"Content-Type": "application/json"},
)
_SHAPES = {
    "JSON:API": lambda said: {
        "errors": [{"code": "oops", "title": "no", "detail": said, "source": {"pointer": said}}]
    },
    "gateway": lambda said: {"error_code": said, "message": said},
    "edge": lambda said: {
        "type": f"https://x/EXEG-0500-400/{said}",
        "title": said,
        "detail": said,
        "report": {"requestId": said, "errors": [said]},
    },
}


def forms_of(secret: str) -> str:
    return " | ".join(
        FORMS[form](secret) for form in ("as it is", "in JSON", "in a URL", "in HTML", "wrapped")
    )


class TestMessages:
    """Whatever of a service's words we show."""

    def shown(self, error: adobe_nb.AdobeError) -> None:
        text = " ".join(
            [str(error), repr(error), repr(error.__dict__), *error._render_traceback_()]
        )
        assert MASK in text
        for secret in (SECRET, TOKEN):
            for form in ("as it is", "in JSON", "in a URL", "in HTML"):
                assert FORMS[form](secret)[:24] not in text

    def connect(self, url: str) -> sessions.Session:
        return sessions.connect(
            client_id="client-1234567890",
            client_secret=SECRET.replace(" ", ""),
            org_id=ORG,
            retry_pause=0,
            ims_url=url,
            reactor_url=url,
            edge_url=url,
            edge_server_url=url,
        )

    def answering(self, answer: Answer) -> Any:
        return stub(lambda got: SIGNED_IN if got.path.startswith("/ims/") else answer)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 501])
    @pytest.mark.parametrize("shape", _SHAPES)
    def test_of_a_refusal(self, shape: str, status: int) -> None:
        said = forms_of(SECRET.replace(" ", "")) + forms_of(TOKEN)
        body = json.dumps(_SHAPES[shape](said)).encode()
        headers = {"Content-Type": "application/vnd.api+json", "x-request-id": TOKEN}
        with self.answering(Answer(status, body, headers)) as server:
            session = self.connect(server.url)
            with pytest.raises(ApiError) as caught:
                session.reactor.companies()
            self.shown(caught.value)
            with pytest.raises(ApiError) as caught:
                session.reactor.rules.create(f"PR{'0' * 32}", name="x")
            self.shown(caught.value)
            with pytest.raises(EdgeError) as caught_of_edge:
                session.edge.interact("9a35b0d2-9f4d-4d2e-8d38-0f3a2b8e9c11", {"xdm": {}})
            self.shown(caught_of_edge.value)

    @pytest.mark.parametrize("status", [200, 400, 401, 403, 418])
    @pytest.mark.parametrize(
        "code", ["invalid_client", "invalid_scope", "other", SECRET.replace(" ", "")]
    )
    def test_of_the_sign_in_service(self, code: str, status: int) -> None:
        def answer(got: Got) -> Answer:
            document = {
                "error": code,
                "error_description": f"{got.body.decode()} {forms_of(SECRET.replace(' ', ''))}",
            }
            return Answer(
                status, json.dumps(document).encode(), {"Content-Type": "application/json"}
            )

        with stub(answer) as server:
            with pytest.raises(SignInError) as caught:
                self.connect(server.url)
        text = f"{caught.value!s}{caught.value!r}{caught.value.__dict__}"
        assert all(
            FORMS[form](SECRET.replace(" ", ""))[:24] not in text
            for form in FORMS
            if form != "cut off"
        )

    def test_of_a_redirect(self) -> None:
        host = TOKEN.replace("_", "-")
        with self.answering(
            Answer(302, headers={"Location": f"https://{TOKEN}.evil.test/?t={TOKEN}"})
        ) as server:
            session = self.connect(server.url)
            with pytest.raises(RedirectRefused) as caught:
                session.reactor.companies()
        assert TOKEN not in str(caught.value)
        assert host not in str(caught.value)

    def test_of_a_failure_that_comes_later(self) -> None:
        build = {
            "id": f"BL{'0' * 32}",
            "type": "builds",
            "attributes": {"status": "failed"},
            "meta": {"status_details": {"errors": [{"code": "x", "detail": TOKEN, "status": "²"}]}},
        }
        body = json.dumps({"data": build}).encode()
        with self.answering(
            Answer(200, body, {"Content-Type": "application/vnd.api+json"})
        ) as server:
            with pytest.raises(adobe_nb.DelayedError) as caught:
                self.connect(server.url).reactor.builds.wait(build["id"])
        assert TOKEN not in str(caught.value)
        assert caught.value.status == 0

    def test_of_a_wrong_argument(self) -> None:
        with self.answering(Answer(200, b"{}")) as server:
            session = self.connect(server.url)
            with pytest.raises(ArgumentError) as caught:
                session.edge.interact(TOKEN, {"xdm": {}})
        assert MASK in str(caught.value)
        assert TOKEN not in str(caught.value)

    def test_data_that_has_a_secret_in_it_stays_data(self) -> None:
        company = {"id": f"CO{'0' * 32}", "type": "companies", "attributes": {"name": TOKEN}}
        meta = {"pagination": {"total_count": 1, "total_pages": 1, "current_page": 1}}
        body = json.dumps({"data": [company], "meta": meta}).encode()
        with self.answering(
            Answer(200, body, {"Content-Type": "application/vnd.api+json"})
        ) as server:
            assert list(self.connect(server.url).reactor.companies()["name"]) == [TOKEN]
