"""A reverse proxy between the package and a simulator: records each request, and injects faults."""

import http.client
import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import trustme

ADOBE_HOSTS = {
    "ims-na1.adobelogin.com": "reactor",
    "reactor.adobe.io": "reactor",
    "edge.adobedc.net": "edge",
    "server.adobedc.net": "edge_server",
}
HEADERS = ("Authorization", "x-api-key", "x-gw-ims-org-id", "Accept", "Content-Type")
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "host",
    "accept-encoding",
}
_TOKEN = re.compile(rb'"access_token": ?"([^"]+)"')


@dataclass
class Fault:
    """What happens to the first ``times`` requests that match ``where`` (``GET
    /rules?name=value``).
    """

    kind: str
    where: str
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    struck: int = 0


@dataclass
class Arrival:
    """A request that arrived, and the status that the client got (None: no answer yet)."""

    service: str
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    status: int | str | None = None

    @property
    def line(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in sorted(self.query))
        return f"{self.method} {self.path}{'?' if query else ''}{query}"


@cache
def authority() -> trustme.CA:
    """Issues the certificates with which the proxy answers for Adobe's hosts."""
    return trustme.CA()


@cache
def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(*ADOBE_HOSTS).configure_cert(context)
    return context


class Proxy:
    """Stands before the addresses of one simulator."""

    def __init__(self, upstream: dict[str, Any]) -> None:
        self.upstream = {
            "reactor": upstream["reactor_url"],
            "edge": upstream["edge_url"],
            "edge_server": upstream["edge_server_url"],
        }
        self.arrivals: list[Arrival] = []
        self.tokens: list[str] = []
        self.made: dict[str, str] = {}
        """Ids that were created during the scenario, with their labels."""
        self.faults: list[Fault] = []
        self.released = threading.Event()
        self.changed = threading.Condition()
        self._servers: dict[str, _Server] = {}
        for service in self.upstream:
            server = self._servers[service] = _Server(self, service)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.urls = {
            service: f"http://127.0.0.1:{server.server_address[1]}"
            for service, server in self._servers.items()
        }

    @property
    def settings(self) -> dict[str, str]:
        """The proxy's addresses as arguments of ``connect``."""
        return {
            "reactor_url": self.urls["reactor"],
            "ims_url": self.urls["reactor"],
            "edge_url": self.urls["edge"],
            "edge_server_url": self.urls["edge_server"],
        }

    def arrived(self, arrival: Arrival) -> Fault | None:
        """Keep a request; the fault that strikes it, if one does."""
        with self.changed:
            self.arrivals.append(arrival)
            self.changed.notify_all()
            for fault in self.faults:
                if fault.struck < fault.times and re.search(fault.where, arrival.line):
                    fault.struck += 1
                    return fault
        return None

    def wait_for(self, enough: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until that is true of the arrivals."""
        with self.changed:
            if not self.changed.wait_for(enough, seconds):
                raise TimeoutError("The requests that the scenario waits for did not arrive.")

    def answered(self, arrival: Arrival, status: int, body: bytes) -> None:
        """Keep the tokens and ids that an answer brings."""
        with self.changed:
            arrival.status = status
            if arrival.path.startswith("/ims/") and (found := _TOKEN.search(body)):
                self.tokens.append(found[1].decode())
            writes = arrival.method != "GET" and arrival.path != "/search"
            if writes and arrival.service == "reactor" and status < 300 and body:
                data = json.loads(body).get("data")
                for resource in data if isinstance(data, list) else [data]:
                    if resource["id"] not in arrival.path:
                        self.label(resource["id"], resource["type"])
            self.changed.notify_all()

    def label(self, identifier: str, kind: str) -> None:
        """Write this id as the next of its kind: it depends on what was created before."""
        number = 1 + sum(label.startswith(f"<{kind} ") for label in self.made.values())
        self.made.setdefault(identifier, f"<{kind} {number}>")

    def close(self) -> None:
        """Stop listening, and let go of requests that are held."""
        self.released.set()
        for server in self._servers.values():
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, proxy: Proxy, service: str) -> None:
        self.proxy = proxy
        self.service = service
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._service = self.server.service
        self._connections: dict[str, http.client.HTTPConnection] = {}

    def finish(self) -> None:
        for connection in self._connections.values():
            connection.close()
        super().finish()

    def log_message(self, *_: Any) -> None:
        pass

    def do_CONNECT(self) -> None:
        """Answer for Adobe's host ourselves, with a certificate of our authority."""
        host = self.path.partition(":")[0]
        self._service = ADOBE_HOSTS[host]
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.wfile.flush()
        self.connection = _server_context().wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", self.rbufsize)
        self.wfile = self.connection.makefile("wb", self.wbufsize)
        self.close_connection = False

    def _handle(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        arrival = Arrival(
            service="ims" if parts.path.startswith("/ims/") else self._service,
            method=self.command,
            path=parts.path,
            query=parse_qsl(parts.query, keep_blank_values=True),
            headers={name: self.headers[name] for name in HEADERS if name in self.headers},
            body=body,
        )
        fault = proxy.arrived(arrival)
        if fault is not None and fault.kind.isdigit():
            self._refuse(arrival, int(fault.kind), fault.headers)
            return
        if fault is not None and fault.kind == "hold" and not proxy.released.wait(60):
            raise TimeoutError
        if fault is not None and fault.kind == "reset":
            self._reset(arrival)
            return
        status, headers, answer = self._forward(body)
        proxy.answered(arrival, status, answer)
        if fault is not None and fault.kind == "lost":
            self._reset(arrival)
            return
        if fault is not None and fault.kind == "lie":
            document = json.loads(answer)
            document["meta"]["pagination"]["total_count"] += 1
            answer = json.dumps(document).encode()
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if fault is not None and fault.kind == "cut":
            arrival.status = "cut"
            self.wfile.write(answer[: len(answer) // 2])
            self.close_connection = True
            return
        self.wfile.write(answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        proxy = self.server.proxy
        connection = self._connections.get(self._service)
        if connection is None:
            address = urlsplit(proxy.upstream[self._service])
            connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections[self._service] = connection
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP
        }
        connection.request(self.command, self.path, body or None, headers)
        response = connection.getresponse()
        answer = response.read()
        # Links lead through the proxy, as those of the real service lead to itself.
        for service, address in proxy.upstream.items():
            answer = answer.replace(address.encode(), proxy.urls[service].encode())
        kept = [each for each in response.getheaders() if each[0].lower() not in _HOP_BY_HOP]
        return response.status, kept, answer

    def _refuse(self, arrival: Arrival, status: int, headers: dict[str, str]) -> None:
        arrival.status = status
        answer = json.dumps({"error_code": "401013" if status == 401 else "429050"}).encode()
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _reset(self, arrival: Arrival) -> None:
        """End the connection with a RST instead of an answer."""
        arrival.status = "reset"
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
