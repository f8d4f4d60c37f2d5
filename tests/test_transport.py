"""One send(): hosts, proxies, redirects, cookies, retries."""

import gc
import os
from pathlib import Path
from typing import Any

import pytest

from adobe_nb.errors import HostNotAllowed, RedirectRefused, TransportError
from adobe_nb.transport import Request, Transport, check_url, is_loopback
from tests.stub import Answer, Got, stub


def quick() -> Transport:
    return Transport(sleep=lambda _: None)


def get(url: str) -> Request:
    return Request("GET", url, repeatable=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://reactor.adobe.io/companies", "https://ims-na1.adobelogin.com", "https://server.adobedc.net/ee",
        "http://127.0.0.1:8080", "http://localhost/x", "http://[::1]:9/", "http://127.9.9.9",
    ],
)  # fmt: skip
def test_adobe_and_this_machine_are_allowed(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://reactor.adobe.io", "https://adobe.io", "https://evil-adobe.io", "https://reactor.adobe.io.evil.test",
        "https://reactor.adobe.io@evil.test", "https://user:pw@reactor.adobe.io", "ftp://127.0.0.1", "reactor.adobe.io",
        "https://10.0.0.1", "http://192.168.1.1", "https://reactor.adobe.io:x", "", "http://127.0.0.1.evil.test",
        "http://0.0.0.0",
        "https://evil.test\\.adobelogin.com",
        "https://reactor.adobe.io?x=1",
        "https://reactor.adobe.io#f",
        "https://foo..adobe.io",
        f"https://{'a' * 64}.adobe.io",
        "https://ims.adobelogin.com\n",
        "https://ims .adobelogin.com",
        "https://ims%00.adobelogin.com",
        "https://evil.test/.adobe.io",
        "http://127.0.0.1@evil.test",
        "http://[::1", "https://reactor.adobe.io\\@evil.test",
    ],
)  # fmt: skip
def test_anything_else_is_refused_before_a_request(url: str) -> None:
    with pytest.raises(HostNotAllowed, match="not an address"):
        quick().send(get(url))


def test_a_password_in_a_refused_url_is_not_repeated() -> None:
    with pytest.raises(HostNotAllowed) as caught:
        check_url("https://user:hushhush@evil.test/x?secret=hushhush")
    assert "hushhush" not in str(caught.value)


def test_loopback_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with stub(lambda _: Answer(200, b"{}")) as server:
        assert quick().send(get(server.url)).status == 200


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # urllib3 drops the refused socket
def test_a_dead_proxy_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hushhush@127.0.0.1:9")
    with pytest.raises(TransportError, match="proxy.*reactor.adobe.io.*HTTPS_PROXY") as caught:
        quick().send(get("https://reactor.adobe.io/companies"))
    assert "hushhush" not in str(caught.value)
    gc.collect()


def test_netrc_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with stub(lambda _: Answer(200, b"{}")) as server:
        quick().send(get(server.url))
        assert "Authorization" not in server.got[0].headers


def test_cookies_are_refused() -> None:
    with stub(lambda _: Answer(200, b"{}", {"Set-Cookie": "a=b; Path=/"})) as server:
        transport = quick()
        transport.send(get(server.url))
        transport.send(get(server.url))
        assert "Cookie" not in server.got[1].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_errors(status: int) -> None:
    with stub(lambda _: Answer(status, headers={"Location": "https://elsewhere.test/?token=hushhush"})) as server:
        with pytest.raises(RedirectRefused, match=r"elsewhere\.test") as caught:
            quick().send(get(server.url))
        assert len(server.got) == 1
        assert "hushhush" not in str(caught.value)


@pytest.mark.parametrize("location", ["http://[::1", "//", "not an address"])
def test_a_redirect_to_what_is_no_address_is_one_of_our_errors(location: str) -> None:
    with stub(lambda _: Answer(302, headers={"Location": location})) as server:
        with pytest.raises(TransportError) as caught:
            quick().send(get(server.url))
        assert location not in str(caught.value)


class TestRetries:
    def answering(self, *statuses: int, headers: dict[str, str] | None = None) -> Any:
        left = list(statuses)
        return lambda _: Answer(left.pop(0) if len(left) > 1 else left[0], b"{}", headers or {})

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_a_busy_service_is_asked_again(self, status: int) -> None:
        with stub(self.answering(status, status, 200)) as server:
            assert quick().send(get(server.url)).status == 200
            assert len(server.got) == 3

    def test_patience_ends(self) -> None:
        with stub(self.answering(503)) as server:
            assert quick().send(get(server.url)).status == 503
            assert len(server.got) == 5

    @pytest.mark.parametrize("status", [400, 404, 409, 501])
    def test_other_answers_are_final(self, status: int) -> None:
        with stub(self.answering(status)) as server:
            assert quick().send(get(server.url)).status == status
            assert len(server.got) == 1

    def test_a_write_is_repeated_only_after_429(self) -> None:
        with stub(self.answering(429, 503)) as server:
            assert quick().send(Request("POST", server.url, body=b"{}")).status == 503
            assert len(server.got) == 2

    def test_retry_after_is_honoured(self) -> None:
        pauses: list[float] = []
        with stub(self.answering(429, 200, headers={"Retry-After": "7"})) as server:
            Transport(sleep=pauses.append).send(get(server.url))
        assert pauses == [7.0]

    def test_pauses_grow(self) -> None:
        pauses: list[float] = []
        with stub(self.answering(503)) as server:
            Transport(sleep=pauses.append, pause=1.0).send(get(server.url))
        assert all(0.75 * 2**step <= pause <= 1.25 * 2**step for step, pause in enumerate(pauses))
        assert len(pauses) == 4

    def test_a_renewed_token_does_not_count_as_an_attempt(self) -> None:
        class Renewing:
            def __call__(self, request: Any) -> Any:
                return request

            def renew(self, refused: Any) -> bool:
                return True

        with stub(self.answering(503, 503, 503, 503, 401, 200)) as server:
            assert quick().send(get(server.url), Renewing()).status == 200

    def test_a_body_that_is_cut_off_is_read_again(self) -> None:
        answers = [Answer(200, b'{"a"', {"Content-Length": "100"}), Answer(200, b"{}")]
        with stub(lambda _: answers.pop(0)) as server:
            assert quick().send(get(server.url)).body == b"{}"
            assert len(server.got) == 2

    def test_a_cut_off_write_is_not_repeated(self) -> None:
        with stub(lambda _: Answer(200, b'{"a"', {"Content-Length": "100"})) as server:
            with pytest.raises(TransportError, match="broke off"):
                quick().send(Request("POST", server.url, body=b"{}"))
            assert len(server.got) == 1


def test_a_response_does_not_show_its_body() -> None:
    with stub(lambda _: Answer(200, b"hushhush")) as server:
        assert "hushhush" not in repr(quick().send(get(server.url)))


def test_an_interrupt_leaves_no_network_frames_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    import traceback

    def interrupted(_: Got) -> Answer:
        import _thread

        _thread.interrupt_main()
        return Answer(200, b"{}")

    with stub(interrupted) as server, pytest.raises(KeyboardInterrupt) as caught:
        quick().send(get(server.url))
        quick().send(get(server.url))
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert caught.value.__context__ is None
    assert not any("urllib3" in frame.filename for frame in frames)


def test_is_loopback_reads_the_host_and_nothing_else() -> None:
    assert is_loopback("http://127.0.0.1:1/x")
    assert not is_loopback("http://example.test/127.0.0.1")
    assert not is_loopback("not a url")


def test_the_environments_certificates_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.devnull + "/missing")
    with pytest.raises(TransportError, match="REQUESTS_CA_BUNDLE names"):
        quick().send(get("https://reactor.adobe.io"))
