"""The simulator over real HTTP on 127.0.0.1: tornado on a thread and loop of its own."""

import asyncio
import atexit
import json
import random
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.web import Application, RequestHandler, stream_request_body

from adobe_nb.forks import reset_after_fork, run_after_fork
from adobe_nb.simulator.accounts import ACCOUNTS, ORG_ID
from adobe_nb.simulator.app import App
from adobe_nb.simulator.calls import Options
from adobe_nb.simulator.drift import Change
from adobe_nb.simulator.edge import EdgeApp
from adobe_nb.simulator.faults import SEED, Fault, Faults
from adobe_nb.simulator.ims import Account, Ims
from adobe_nb.simulator.messages import JSON_API, Request, Response
from adobe_nb.simulator.seed import COMPANY_ID, DATASTREAM_ID, Bulk, seeded
from adobe_nb.simulator.writes import is_loopback

_ADDRESS = "127.0.0.1"
_LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")
_REMEMBERED = 10_000
_KEPT_BODY = 64 * 1024
"""Bytes of a body that are remembered: as many as the Edge Network takes in one request."""


class Simulator:
    """IMS and Reactor on one port, the two Edge hosts on their own. Use as a context, or ``start``
    and ``stop``.

    ``requests`` holds the latest requests that arrived, whatever was answered, for tests and the
    curious, each with the first 64 KiB of its body; ``drifted`` what the fault ``drift`` has
    changed: ``created`` or ``deleted``, type, id. ``slow_seconds`` and ``retry_after`` are how long
    the faults ``slow`` and ``429-retry-after`` make a client wait.

    Example:
        >>> from adobe_nb.simulator.server import Simulator
        >>> with Simulator(seed="empty") as simulator:
        ...     simulator.reactor_url.startswith("http://127.0.0.1:")
        True
    """

    def __init__(
        self,
        *,
        port: int = 0,
        seed: str = "demo",
        bulk: Bulk | None = None,
        latency: float = 0.0,
        token_ttl: float = 86399,
        build_seconds: float = 0.5,
        failing_builds: bool = False,
        most_in_flight: int | None = None,
        deepest_page: int = 1000,
        faults: tuple[Fault, ...] = (),
        fault_seed: int = SEED,
        slow_seconds: float = 2.0,
        retry_after: float = 1.0,
    ) -> None:
        self.accounts: dict[str, Account] = dict(ACCOUNTS)
        self.ims = Ims(self.accounts, token_ttl=token_ttl)
        self.stores = seeded(seed, bulk or Bulk())
        self.latency = latency
        self.options = Options(build_seconds, failing_builds, self._deliver, deepest_page)
        self.most_in_flight = most_in_flight
        self.in_flight = 0
        self.faults = Faults(faults, fault_seed)
        self.slow_seconds = slow_seconds
        self.retry_after = retry_after
        self.drifted: list[Change] = []
        self._chance = random.Random(fault_seed)  # noqa: S311
        self.requests: deque[Request] = deque(maxlen=_REMEMBERED)
        self._port = port
        self._ready = threading.Event()
        self._problem: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._urls: dict[str, str] = {}
        self._calls: set[asyncio.Future[Any]] = set()
        self.app: App | None = None
        self._servers: list[HTTPServer] = []
        reset_after_fork(self)

    def after_fork(self) -> None:
        """In a forked process, where its thread is not: it serves in the parent, and cannot be
        stopped from here.

        The child's copies of the sockets are closed: with them open, nobody would be told that the
        parent has hung up. The loop is kept and never touched, since what it waits with is shared
        with the parent.
        """
        for server in self._servers:
            for listening in server._sockets.values():
                listening.close()
            for connection in list(server._connections):
                if connection.stream.socket is not None:
                    connection.stream.socket.close()
        if self._loop is not None:
            _loops_of_the_parent.append((self._loop, self._servers))
        self._ready = threading.Event()
        self._loop = self._stopping = self._thread = None
        self._servers = []
        self._calls = set()

    def __enter__(self) -> "Simulator":
        return self if self._is_running else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Simulator {self._urls.get('reactor', 'not started')}>"

    @property
    def runs_here(self) -> bool:
        """Whether it serves in this process; else in the one that this one was forked from."""
        return self._thread is not None

    @property
    def reactor_url(self) -> str:
        """Base URL of Reactor; IMS answers there too."""
        return self._urls["reactor"]

    def connection(self, account: str = "demo") -> dict[str, Any]:
        """Everything a client needs to connect as that account; simulated secrets, good for nothing
        else.
        """
        who = self.accounts[account]
        return {
            "reactor_url": self._urls["reactor"],
            "ims_url": self._urls["reactor"],
            "edge_url": self._urls["edge"],
            "edge_server_url": self._urls["edge_server"],
            "client_id": who.client_id,
            "client_secret": who.client_secret,
            "org_id": who.org_id,
            "company_id": COMPANY_ID,
            "scopes": ",".join(who.scopes),
            "access_token": self.ims.issue(who),
            "datastream_id": DATASTREAM_ID,
        }

    def start(self) -> "Simulator":
        """Serve on a thread; returns when ready. Raises OSError when the port is taken."""
        if self._is_running:
            raise RuntimeError("The simulator is running already.")
        if not 0 <= self._port <= 65535:
            raise OSError(f"{self._port} is no port: they go from 0 to 65535")
        self._ready.clear()
        self._problem = None
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="adobe_nb simulator", daemon=True
        )
        self._thread.start()
        self._ready.wait()
        if self._problem is not None:
            self._thread.join()
            raise self._problem
        return self

    @property
    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Stop serving and wait until that is done. Harmless when not running."""
        if self._loop is not None and self._stopping is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        servers = self._servers = []
        try:
            for name, port, answer in (
                ("reactor", self._port, self._answer),
                ("edge", 0, EdgeApp(self.ims, ORG_ID, authenticated=False)),
                ("edge_server", 0, EdgeApp(self.ims, ORG_ID, authenticated=True)),
            ):
                listening = socket.create_server((_ADDRESS, port), backlog=128)
                listening.setblocking(False)
                self._urls[name] = f"http://{_ADDRESS}:{listening.getsockname()[1]}"
                handler = [(r".*", _Handler, {"simulator": self, "answer": answer})]
                server = HTTPServer(Application(handler, log_function=lambda _: None))
                server.add_sockets([listening])
                servers.append(server)
            self.app = App(self.ims, self.stores, self._urls["reactor"], self.options)
        except OSError as error:
            self._problem = error
            self._stopping.set()
        finally:
            self._ready.set()
        await self._stopping.wait()
        for server in servers:
            server.stop()
            await server.close_all_connections()

    def expired_token(self) -> str:
        """A token of the demo account that is over, to meet its refusal."""
        return self.ims.issue(self.accounts["demo"], age=self.ims.token_ttl + 1)

    def _deliver(self, url: str, document: Mapping[str, Any]) -> None:
        """Call a callback on this machine, once; whatever is elsewhere is not called."""
        if is_loopback(url) and self._loop is not None:
            body = json.dumps(document).encode()
            headers = {"Content-Type": JSON_API}
            request = HTTPRequest(
                url, "POST", headers, body, request_timeout=5, follow_redirects=False
            )
            calling = AsyncHTTPClient().fetch(request, raise_error=False)
            task = asyncio.ensure_future(calling, loop=self._loop)
            self._calls.add(task)
            task.add_done_callback(self._called)

    def _called(self, task: "asyncio.Future[Any]") -> None:
        self._calls.discard(task)
        if not task.cancelled():
            task.exception()  # nobody is told when it cannot be reached

    def _drift(self, request: Request) -> None:
        change = self.app.drift(request, self._chance) if self.app is not None else None
        if change is not None:
            self.drifted.append(change)

    def _answer(self, request: Request) -> Response:
        if request.path == "/simulator" and request.method == "GET":
            return Response(200, json.dumps(self.connection()).encode(), "application/json")
        if self.app is None:  # pragma: no cover
            raise RuntimeError("not started")
        return self.app(request)


@stream_request_body
class _Handler(RequestHandler):
    """Every method and path: translate, ask the pure function, translate back.

    The body is taken as it comes, since tornado would answer a form that it cannot read with a page
    of its own.
    """

    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

    def initialize(self, simulator: Simulator, answer: Callable[[Request], Response]) -> None:
        self._simulator = simulator
        self._respond = answer
        self._body = bytearray()

    def data_received(self, chunk: bytes) -> None:
        """A part of the body."""
        self._body += chunk

    def compute_etag(self) -> None:
        """No ETag: it would cost a hash of every page."""

    async def _handle(self, *_: str) -> None:
        simulator = self._simulator
        request = _translated(self.request, bytes(self._body))
        simulator.requests.append(replace(request, body=request.body[:_KEPT_BODY]))
        if not (_is_local(request.headers.get("host", "")) and _is_local_origin(request.headers)):
            self._send(_foreign())
            return
        simulator.in_flight += 1
        try:
            crowded = (
                simulator.most_in_flight is not None
                and simulator.in_flight > simulator.most_in_flight
            )
            if simulator.latency:
                await asyncio.sleep(simulator.latency)
            await self._serve(request, crowded=crowded)
        finally:
            simulator.in_flight -= 1

    async def _serve(self, request: Request, *, crowded: bool) -> None:
        kind = self._simulator.faults.strike() if request.path != "/simulator" else None
        if kind == "401" and request.path.startswith("/ims/"):
            kind = None  # There is no token yet that could be refused.
        kind = "429" if crowded else kind
        if kind == "slow":
            await asyncio.sleep(self._simulator.slow_seconds)
        elif kind == "reset":
            self.detach().close()
            return
        if kind == "drift":
            self._simulator._drift(request)
        if kind == "429-retry-after":
            response = _status(429, Retry_After=f"{self._simulator.retry_after:g}")
        elif kind in _FAULTS:
            response = _FAULTS[kind]()
        else:
            response = self._respond(request)
        if kind == "cut":
            about = (
                f"Content-Type: {response.content_type}",
                f"Content-Length: {len(response.body)}",
            )
            head = "\r\n".join(("HTTP/1.1 200 OK", *about, "", ""))
            stream = self.detach()
            await stream.write(head.encode() + response.body[: len(response.body) // 2])
            stream.close()
            return
        self._send(response)

    def _send(self, response: Response) -> None:
        self.set_status(response.status)
        self.clear_header("Content-Type")
        if response.body:
            self.set_header("Content-Type", response.content_type)
        for name, value in response.headers.items():
            self.set_header(name, value)
        self.finish(response.body or None)

    get = head = post = put = patch = delete = options = _handle


def _is_local(address: str) -> bool:
    """Whether a host, with or without a port, is this machine."""
    try:
        parts = urlsplit(f"//{address}")
        # A port that is none raises; a path, a user or a query is not part of a host.
        is_host = (
            parts.netloc == address
            and "@" not in address
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        return False
    return is_host and (parts.hostname or "") in _LOCAL_NAMES


def _is_local_origin(headers: Mapping[str, str]) -> bool:
    """Whether no page asks, or one of this machine."""
    if "origin" not in headers:
        return True
    scheme, _, address = headers["origin"].partition("://")
    return scheme in {"http", "https"} and _is_local(address)


def _foreign() -> Response:
    """A page of somebody else's, whose name was made to lead here, must neither read the
    credentials nor write.
    """
    message = "The simulator answers this machine only: ask 127.0.0.1 or localhost, and from no other site's page."
    return Response(
        403, json.dumps({"error": "foreign_host", "message": message}).encode(), "application/json"
    )


def _translated(request: HTTPServerRequest, body: bytes) -> Request:
    return Request(
        method=str(request.method),
        path=request.path,
        query=tuple(parse_qsl(request.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in request.headers.get_all()},
        body=body,
    )


def _status(status: int, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if status == 429:
        body = json.dumps({"error_code": "429050", "message": "Too many requests"}).encode()
        return Response(429, body, "application/json", named)
    return Response(status, b"<html><body>upstream trouble</body></html>", "text/html", named)


_FAULTS: dict[str | None, Callable[[], Response]] = {
    "429": partial(_status, 429),
    **{str(status): partial(_status, status) for status in (500, 502, 503, 504)},
    "401": lambda: Response(
        401, b'{"error_code": "401013", "message": "Oauth token is not valid"}', "application/json"
    ),
    "html": lambda: Response(
        404, b"<html><body>The proxy does not know this page.</body></html>", "text/html"
    ),
}

_loops_of_the_parent: list[object] = []
_built_in: Simulator | None = None
_lock = threading.Lock()


@run_after_fork
def _unlock() -> None:
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()


def built_in() -> Simulator:
    """This process's own simulator, started at the first call and kept until the process ends.

    In a forked process it is the parent's, if that has one.
    """
    global _built_in  # noqa: PLW0603
    with _lock:
        if _built_in is None:
            _built_in = Simulator().start()
            atexit.register(_built_in.stop)
        return _built_in
