"""One send(): hosts, proxies, redirects, cookies, retries."""

import gc
import gzip
import socket
import ssl
import stringprep
import sys
import threading
import traceback
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from requests.auth import AuthBase

from adobe_nb import session as sessions
from adobe_nb.auth.credentials import Hosts
from adobe_nb.errors import HostNotAllowed, RedirectRefused, TransportError
from adobe_nb.http.client import Transport, check_base_url, host_of, is_loopback
from adobe_nb.http.limiter import Limiter
from adobe_nb.http.messages import Request
from tests.support.stub import Answer, Got, stub


def quick() -> Transport:
    return Transport(sleep=lambda _: None)


def get(url: str, **options: Any) -> Request:
    return Request("GET", url, repeatable=True, **options)


@pytest.mark.parametrize(
    "url",
    [
        "https://reactor.adobe.io/companies",
        "https://ims-na1.adobelogin.com",
        "https://server.adobedc.net/ee",
        "https://ims-na1-stg1.adobelogin.com/ims/token/v3",
        "https://site.data.adobedc.net",
        "HTTPS://REACTOR.ADOBE.IO",
        "https://reactor.adobe.io:443/x",
        "http://127.0.0.1:8080",
        "http://localhost/x",
        "http://[::1]:9/",
        "http://127.9.9.9",
        "http://LOCALHOST:65535",
        "https://127.0.0.1",
    ],
)
def test_allows_adobe_and_this_machine(url: str) -> None:
    assert host_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://reactor.adobe.io",
        "https://adobe.io",
        "https://evil-adobe.io",
        "https://reactor.adobe.io.evil.test",
        "https://reactor.adobe.io@evil.test",
        "https://user:pw@reactor.adobe.io",
        "ftp://127.0.0.1",
        "reactor.adobe.io",
        "https://10.0.0.1",
        "http://192.168.1.1",
        "https://reactor.adobe.io:x",
        "",
        "http://127.0.0.1.evil.test",
        "http://0.0.0.0",
        "https://evil.test\\.adobelogin.com",
        "https://reactor.adobe.io?x=1",
        "https://reactor.adobe.io#f",
        "https://foo..adobedc.net",
        f"https://{'a' * 64}.adobedc.net",
        "https://ims-na1.adobelogin.com\n",
        "https://ims-na1 .adobelogin.com",
        "https://ims-%00.adobelogin.com",
        "https://evil.test/.adobedc.net",
        "http://127.0.0.1@evil.test",
        "http://[::1",
        "https://reactor.adobe.io\\@evil.test",
        # Hosts that run the code of customers, or are not listed.
        "https://runtime.adobe.io",
        "https://adobeioruntime.net",
        "https://x.reactor.adobe.io",
        "https://io.adobe.io",
        "https://adobelogin.com",
        "https://ims.adobelogin.com",
        "https://ims-.x.adobelogin.com",
        "https://a.ims-na1.adobelogin.com",
        "https://ims-na1.evil.adobelogin.com",
        "https://ims-.adobelogin.com.",
        "https://adobedc.net",
        "https://.adobedc.net",
        "https://-.adobedc.net",
        "https://xadobedc.net",
        # Trailing dots, ports, and other ways to write this machine.
        "https://reactor.adobe.io.",
        "http://localhost.",
        "http://127.0.0.1.",
        "http://127.0.0.1:65536",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:",
        "http://127.1",
        "http://0x7f.0.0.1",
        "http://0177.0.0.1",
        "http://2130706433",
        "http://[::]",
        "http://[::1%25lo]",
        "http://127.0.0.1:80:80",
        "http://localhost:0x50",
        "http://127.0.0.1\t",
        "\thttp://127.0.0.1",
        "http:/127.0.0.1",
        "http:\\\\127.0.0.1",
        "//127.0.0.1",
    ],
)
def test_refuses_any_other_host_before_a_request(url: str) -> None:
    with pytest.raises(HostNotAllowed, match="Credentials must not be sent to"):
        quick().send(get(url))


def look_alikes() -> list[str]:
    """Return all characters that case folding or normalization turns into ASCII, or removes."""
    # Ideographs, syllables, surrogates and private characters are left out.
    points = [
        *range(0x80, 0x3400),
        *range(0xA000, 0xAC00),
        *range(0xF900, 0x16000),
        *range(0x1D000, 0x20000),
    ]
    points += range(0xE0000, 0xE0200)
    found = []
    for text in map(chr, points):
        folded = text.casefold()
        # NFKD covers NFC, NFD and NFKC.
        forms = (folded, text.lower(), text.upper(), unicodedata.normalize("NFKD", text))
        if any(
            map(str.isascii, (*forms, unicodedata.normalize("NFKD", folded)))
        ) or stringprep.in_table_b1(text):
            found.append(text)
    # In host names, these two are full stops.
    return [*found, "\u3002", "\uff61"]


def test_refuses_characters_that_look_like_ascii_anywhere_in_a_host() -> None:
    others = look_alikes()
    assert {"\u0131", "\u017f", "\u212a", "\uff41", "\u00ad", "\u200b"} <= set(others)
    for host in (
        "reactor.adobe.io",
        "ims-na1.adobelogin.com",
        "edge.adobedc.net",
        "localhost",
        "127.0.0.1",
    ):
        url = f"https://{host}"
        assert host_of(url)
        for at in range(len(url) + 1):
            before, after, rest = url[:at], url[at:], url[at + 1 :]
            passed = [
                (at, ascii(each))
                for each in others
                if host_of(before + each + after) or host_of(before + each + rest)
            ]
            assert passed == []


@pytest.mark.parametrize("name", ["reactor", "ims", "edge", "edge_server"])
def test_hosts_refuse_a_look_alike_and_a_path(name: str) -> None:
    with pytest.raises(HostNotAllowed, match=r"adobelog\\u0131n\.com"):
        Hosts(**{name: "https://ims-na1.adobelog\u0131n.com"})
    for url in (
        "https://reactor.adobe.io/x",
        "http://127.0.0.1:8080/reactor",
        "https://edge.adobedc.net/ee/",
    ):
        with pytest.raises(HostNotAllowed, match="has a path"):
            Hosts(**{name: url})
    assert getattr(Hosts(**{name: " http://127.0.0.1:8080/ "}), name) == "http://127.0.0.1:8080"


def test_a_look_alike_gets_no_secret_and_no_name_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    def looked_up(*_: object) -> None:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    with pytest.raises(HostNotAllowed):
        sessions.connect(
            client_id="c" * 12,
            client_secret="hushhush",
            org_id="A@AdobeOrg",
            ims_url="https://ims-na1.adobelog\u0131n.com",
        )


def test_does_not_quote_a_password_of_a_refused_url() -> None:
    with pytest.raises(HostNotAllowed) as caught:
        check_base_url("https://user:hushhush@evil.test/x?secret=hushhush")
    assert "hushhush" not in str(caught.value)


def test_loopback_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with stub(lambda _: Answer(200, b"{}")) as server:
        assert quick().send(get(server.url)).status == 200


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # urllib3 drops the refused socket
def test_names_an_unreachable_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hushhush@127.0.0.1:9")
    with pytest.raises(TransportError, match="proxy.*reactor.adobe.io.*HTTPS_PROXY") as caught:
        quick().send(get("https://reactor.adobe.io/companies"))
    assert "hushhush" not in str(caught.value)
    gc.collect()


@contextmanager
def proxy(reply: bytes) -> Iterator[str]:
    """Run a proxy that sends this reply to every CONNECT and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(4096))
                    connection.sendall(reply)

        asked: list[bytes] = []
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://user:hushhush@127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        proxy.asked = asked  # type: ignore[attr-defined]


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # urllib3 drops the refused socket
@pytest.mark.parametrize(
    ("line", "message", "attempts"),
    [
        (
            "407 Proxy Authentication Required",
            r"407: the proxy requires a user name and password.*USER:PASSWORD",
            1,
        ),
        ("403 Forbidden", r"403: it does not allow this address", 1),
        ("502 Bad Gateway", r"502: it could not reach reactor\.adobe\.io", 3),
        ("418 NewConnectionError hushhush", r"refused with 418\. Check HTTPS_PROXY", 3),
    ],
)
def test_names_the_status_of_a_proxy_that_refuses(
    line: str, message: str, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(f"HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n".encode()) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        with pytest.raises(TransportError, match=message) as caught:
            quick().send(Request("POST", "https://reactor.adobe.io/companies", body=b"{}"))
    assert caught.value.never_sent
    assert "hushhush" not in str(caught.value)
    assert len(proxy.asked) == attempts  # type: ignore[attr-defined]
    gc.collect()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "http://127.0.0.1:9",
            "refused the connection, so reactor.adobe.io was not reached.*HTTPS_PROXY",
        ),
        ("http://no-such-proxy.invalid:9", "proxy .* has an unknown host name.*HTTPS_PROXY"),
    ],
)
def test_says_why_a_proxy_was_not_reached(
    url: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(TransportError, match=message) as caught:
        quick().send(get("https://reactor.adobe.io/companies"))
    assert caught.value.never_sent
    gc.collect()


@pytest.mark.parametrize(
    "reply",
    [
        b"NewConnectionError\r\n\r\n",
        b"HTTP/1.1 NewConnectionError NameResolutionError\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nNewConnectionError",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nNewConnectionError\r\n",
        b"Tunnel connection failed: 407 Authentication\r\n\r\n",
        b"",
    ],
)
def test_sends_a_write_once_whatever_the_server_responds(reply: bytes) -> None:
    with proxy(reply) as url:
        with pytest.raises(TransportError, match="may have arrived") as caught:
            quick().send(Request("PATCH", f"http://{url.partition('@')[2]}/rules/RL1", body=b"{}"))
    assert not caught.value.never_sent
    assert len(proxy.asked) == 1  # type: ignore[attr-defined]


class TestLargeResponses:
    """At most 256 MiB, unpacked."""

    PACKED = {
        "gzip": lambda data: gzip.compress(data, 1),
        "deflate": lambda data: zlib.compress(data, 1),
        "identity": lambda data: data,
    }

    def answer(self, data: bytes, encoding: str, **headers: str) -> Callable[[Got], Answer]:
        body = self.PACKED[encoding](data)
        return lambda _: Answer(
            200, body, {"Content-Encoding": encoding, "Content-Length": str(len(body)), **headers}
        )

    @pytest.mark.parametrize("encoding", PACKED)
    def test_are_unpacked_up_to_the_limit_and_refused_beyond(self, encoding: str) -> None:
        data = bytes(range(256)) * 4096
        with stub(self.answer(data, encoding)) as server:
            assert Transport(largest=len(data)).send(get(server.url)).body == data
            with pytest.raises(TransportError, match="more than .* MiB; the rest was not read"):
                Transport(largest=len(data), sleep=lambda _: None).send(
                    get(server.url + "/x")
                )  # The limit applies to each response.
                Transport(largest=len(data) - 1, sleep=lambda _: None).send(get(server.url))
            assert len(server.got) == 3

    def test_a_decompression_bomb_is_refused_and_not_retried(self) -> None:
        bomb = gzip.compress(bytes(2**24)) * 17  # Further members are unpacked, too.
        with stub(
            lambda _: Answer(
                200, bomb, {"Content-Encoding": "gzip", "Content-Length": str(len(bomb))}
            )
        ) as server:
            with pytest.raises(TransportError, match="more than 256 MiB"):
                quick().send(get(server.url))
            assert len(server.got) == 1

    def test_a_bomb_in_response_to_a_write_leaves_its_outcome_open(self) -> None:
        with stub(self.answer(bytes(2**20), "gzip")) as server:
            with pytest.raises(TransportError, match="may have arrived") as caught:
                Transport(largest=1000).send(Request("POST", server.url, body=b"{}"))
            assert not caught.value.never_sent
            assert len(server.got) == 1

    @pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip,gzip,gzip", "compress"])
    def test_unrequested_encodings_are_refused(self, encoding: str) -> None:
        with stub(
            lambda _: Answer(200, b"{}", {"Content-Encoding": encoding, "Content-Length": "2"})
        ) as server:
            with pytest.raises(TransportError, match="encoding that was not requested"):
                quick().send(get(server.url))

    def test_a_false_content_length_needs_no_memory(self) -> None:
        with stub(lambda _: Answer(200, b"{}", {"Content-Length": str(10**15)})) as server:
            with pytest.raises(TransportError, match="closed the connection in the middle"):
                quick().send(get(server.url))

    @pytest.mark.parametrize("body", [b"", b"no gzip", gzip.compress(b"{}", mtime=0)[:-9]])
    def test_an_invalid_gzip_body_is_a_transport_error_or_empty(self, body: bytes) -> None:
        headers = {"Content-Encoding": "gzip", "Content-Length": str(len(body))}
        with stub(lambda _: Answer(200, body, headers)) as server:
            if body == b"no gzip":
                with pytest.raises(TransportError, match="closed the connection"):
                    quick().send(get(server.url))
            else:
                assert len(quick().send(get(server.url)).body) <= 2


def test_netrc_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with stub(lambda _: Answer(200, b"{}")) as server:
        quick().send(get(server.url))
        assert "Authorization" not in server.got[0].headers


def test_close_closes_the_connections_and_sending_opens_them_again() -> None:
    ended = threading.Event()

    def serve() -> None:
        for _ in range(2):
            connection, _ = listening.accept()
            with connection:
                while connection.recv(4096):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            ended.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        transport = quick()
        assert [transport.send(get(url)).status for _ in range(2)] == [200, 200]
        assert not ended.is_set()
        transport.close()
        assert ended.wait(20)
        assert transport.send(get(url)).status == 200
        transport.close()
        thread.join(20)
        assert not thread.is_alive()


def test_cookies_are_refused() -> None:
    with stub(lambda _: Answer(200, b"{}", {"Set-Cookie": "a=b; Path=/"})) as server:
        transport = quick()
        transport.send(get(server.url))
        transport.send(get(server.url))
        assert "Cookie" not in server.got[1].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_errors(status: int) -> None:
    with stub(
        lambda _: Answer(status, headers={"Location": "https://elsewhere.test/?token=hushhush"})
    ) as server:
        with pytest.raises(RedirectRefused, match=r"elsewhere\.test") as caught:
            quick().send(get(server.url))
        assert len(server.got) == 1
        assert "hushhush" not in str(caught.value)


@pytest.mark.parametrize("location", ["http://[::1", "//", "not an address"])
def test_a_redirect_to_an_invalid_address_is_refused(location: str) -> None:
    with stub(lambda _: Answer(302, headers={"Location": location})) as server:
        with pytest.raises(TransportError) as caught:
            quick().send(get(server.url))
        assert location not in str(caught.value)


class TestRetries:
    def answering(self, *statuses: int, headers: dict[str, str] | None = None) -> Any:
        left = list(statuses)
        return lambda _: Answer(left.pop(0) if len(left) > 1 else left[0], b"{}", headers or {})

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_retries_a_busy_service(self, status: int) -> None:
        with stub(self.answering(status, status, 200)) as server:
            assert quick().send(get(server.url)).status == 200
            assert len(server.got) == 3

    def test_the_number_of_attempts_is_limited(self) -> None:
        with stub(self.answering(503)) as server:
            assert quick().send(get(server.url)).status == 503
            assert len(server.got) == 5

    def test_a_service_that_has_responded_is_retried_for_longer(self) -> None:
        left = [200, *[503] * 9, 200]
        with stub(
            lambda _: Answer(left.pop(0), b"{}", {"Content-Type": "application/json"})
        ) as server:
            transport = quick()
            for _ in range(2):
                assert transport.send(get(server.url, expects=("application/json",))).status == 200

    def test_a_response_says_nothing_about_another_service_of_the_host(self) -> None:
        """Such as a sign-in service and an API that share a proxy's address."""
        left = [200, *[503] * 9]
        with stub(
            lambda _: Answer(left.pop(0), b"{}", {"Content-Type": "application/json"})
        ) as server:
            transport = quick()
            transport.send(get(server.url, expects=("application/json",)))
            assert (
                transport.send(get(server.url, expects=("application/vnd.api+json",))).status == 503
            )
            assert len(server.got) == 6

    @pytest.mark.parametrize("status", [400, 404, 409, 501])
    def test_does_not_retry_other_statuses(self, status: int) -> None:
        with stub(self.answering(status)) as server:
            assert quick().send(get(server.url)).status == status
            assert len(server.got) == 1

    def test_retries_a_write_only_after_429(self) -> None:
        with stub(self.answering(429, 503)) as server:
            assert quick().send(Request("POST", server.url, body=b"{}")).status == 503
            assert len(server.got) == 2

    def test_honors_retry_after(self) -> None:
        pauses: list[float] = []
        with stub(self.answering(429, 200, headers={"Retry-After": "7"})) as server:
            Transport(sleep=pauses.append).send(get(server.url))
        assert pauses == [7.0]

    @pytest.mark.parametrize(
        ("expects", "sent"), [((), 1), (("application/json",), 2), (("text/html",), 1)]
    )
    def test_retries_a_page_of_another_type_only_if_a_type_is_expected(
        self, expects: tuple[str, ...], sent: int
    ) -> None:
        with stub(
            lambda got: Answer(200, b"<html>", {"Content-Type": "text/html; charset=utf-8"})
        ) as server:
            response = quick().send(get(server.url, expects=expects))
            assert len(server.got) == sent
        assert (response.content_type, response.is_foreign) == ("text/html", sent == 2)

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

    def test_retries_an_incomplete_body(self) -> None:
        answers = [Answer(200, b'{"a"', {"Content-Length": "100"}), Answer(200, b"{}")]
        with stub(lambda _: answers.pop(0)) as server:
            assert quick().send(get(server.url)).body == b"{}"
            assert len(server.got) == 2

    def test_does_not_retry_an_interrupted_write(self) -> None:
        with stub(lambda _: Answer(200, b'{"a"', {"Content-Length": "100"})) as server:
            with pytest.raises(TransportError, match="closed the connection"):
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


def test_is_loopback_reads_only_the_host() -> None:
    assert is_loopback("http://127.0.0.1:1/x")
    assert not is_loopback("http://example.test/127.0.0.1")
    assert not is_loopback("not a url")


class TestCertificates:
    """A server of our own, whose certificate an authority of our own has signed."""

    @pytest.fixture
    def authority(self, tmp_path: Path) -> Path:
        self.made = trustme.CA()
        path = tmp_path / "authority.pem"
        self.made.cert_pem.write_to_path(path)
        return path

    @pytest.fixture
    def url(self, authority: Path) -> Iterator[str]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that refuses the certificate hangs up."""

        server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.made.issue_cert("127.0.0.1").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()
        thread.join()

    @pytest.fixture(autouse=True)
    def _usual(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.delenv(name, raising=False)

    def refused(self, url: str) -> None:
        transport = quick()
        with pytest.raises(TransportError, match=r"certificate of \S+ was not accepted") as caught:
            transport.send(get(url))
        assert caught.value.never_sent
        transport.close()
        gc.collect()

    def test_of_unknown_authorities_are_refused(self, url: str) -> None:
        self.refused(url)

    @pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_of_the_environments_file_are_trusted(
        self, name: str, url: str, authority: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, str(authority))
        transport = quick()
        assert transport.send(get(url)).status == 200
        transport.close()
        monkeypatch.delenv(name)
        self.refused(url)

    @pytest.mark.skipif(
        sys.platform != "linux", reason="elsewhere the system has a store of its own"
    )
    def test_of_the_system_are_trusted(
        self, url: str, authority: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        transport = quick()
        assert transport.send(get(url)).status == 200
        transport.close()

    @pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_are_checked_even_if_the_setting_is_empty(
        self, name: str, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, "")
        self.refused(url)

    @pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_an_invalid_path_names_the_setting(
        self, name: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, str(tmp_path / "missing"))
        with pytest.raises(TransportError, match=f"{name} names .*does not exist") as caught:
            quick().send(get(url))
        assert caught.value.never_sent
        (tmp_path / "missing").write_text("no certificate")
        with pytest.raises(TransportError, match=f"{name} names .*has no readable certificates"):
            quick().send(get(url))

    def test_of_another_name_are_refused(
        self, url: str, authority: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
        self.refused(url.replace("127.0.0.1", "localhost"))


class TestRetryAfter:
    """Retry-After: a number or a date, for all threads at the limiter, five minutes at most."""

    def asked_to_wait(self, wish: str) -> Limiter:
        limiter = Limiter(clock=lambda: 0.0)
        with stub(lambda _: Answer(429, b"{}", {"Retry-After": wish})) as server:
            assert Transport(attempts=1).send(get(server.url), limiter=limiter).status == 429
        return limiter

    def test_a_number_closes_the_limiter(self) -> None:
        assert 7 <= self.asked_to_wait("7").closed_for <= 7.05

    def test_a_date_closes_it_too(self) -> None:
        wish = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
        assert 55 <= self.asked_to_wait(wish).closed_for <= 62

    @pytest.mark.parametrize(
        "wish", ["", "soon", "-5", "Mon, 99 Foo", "Mon, 01 Jan 2024 00:00:00 +99999999999999"]
    )
    def test_an_invalid_value_closes_nothing(self, wish: str) -> None:
        assert self.asked_to_wait(wish).closed_for == 0

    @pytest.mark.parametrize("wish", ["301", "86400", "9" * 400, "Fri, 01 Jan 2100 00:00:00 GMT"])
    def test_a_long_wait_is_returned_and_blocks_no_other_request(self, wish: str) -> None:
        limiter = Limiter()
        with stub(lambda _: Answer(429, b"{}", {"Retry-After": wish})) as server:
            assert quick().send(get(server.url), limiter=limiter).status == 429
            assert len(server.got) == 1
        assert limiter.closed_for == 0
        assert limiter.refused == 1

    def test_zero_seconds_still_backs_off(self) -> None:
        pauses: list[float] = []
        left = [Answer(429, b"{}", {"Retry-After": "0"}), Answer(200, b"{}")]
        with stub(lambda _: left.pop(0)) as server:
            Transport(sleep=pauses.append).send(get(server.url), limiter=Limiter())
        assert len(pauses) == 1
        assert pauses[0] > 0.3


def test_an_unexpected_error_has_no_frame_with_the_signed_request() -> None:
    class Failing(AuthBase):
        def __call__(self, request: Any) -> Any:
            return request

        def renew(self, refused: Any) -> bool:
            raise OSError("a listener failed")

    with (
        stub(lambda got: Answer(401)) as server,
        pytest.raises(OSError, match="a listener") as caught,
    ):
        Transport(pause=0).send(Request("GET", server.url, repeatable=True), Failing())
    names = {frame.name for frame in traceback.extract_tb(caught.value.__traceback__)}
    assert names.isdisjoint({"_send", "_exchange", "_decide"})
