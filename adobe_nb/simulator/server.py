"""The simulator over real HTTP on 127.0.0.1: tornado on a thread and event loop of its own."""

import asyncio
import atexit
import json
import pickle
import random
import re
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.web import Application, RequestHandler, stream_request_body

from adobe_nb.forks import reset_after_fork, run_after_fork
from adobe_nb.simulator.accounts import ACCOUNTS, ORG_ID, digest
from adobe_nb.simulator.app import App
from adobe_nb.simulator.calls import Options
from adobe_nb.simulator.drift import Change
from adobe_nb.simulator.edge import LIMIT, EdgeApp
from adobe_nb.simulator.faults import SEED, Fault, Faults
from adobe_nb.simulator.ims import Account, Ims
from adobe_nb.simulator.messages import JSON_API, Request, Response, answer, is_loopback
from adobe_nb.simulator.seed import COMPANY_ID, DATASTREAM_ID, Bulk, seeded
from adobe_nb.simulator.store import Store

_ADDRESS = "127.0.0.1"
_LOCAL_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_MAX_REQUESTS = 10_000


class Simulator:
    """IMS and Reactor on one port, and the two Edge hosts on ports of their own.

    Use it as a context manager, or call ``start`` and ``stop``.

    Attributes
    ----------
    requests
        The latest requests, refused ones too, each with the first 64 KiB of its body.
    drifted
        What the fault ``drift`` changed: ``created`` or ``deleted``, type, id.
    slow_seconds, retry_after
        How long the faults ``slow`` and ``429-retry-after`` make a client wait.

    Examples
    --------
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
        self.requests: deque[Request] = deque(maxlen=_MAX_REQUESTS)
        self.app: App
        self._port = port
        self._urls: dict[str, str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._servers: list[HTTPServer] = []
        self._deliveries: set[asyncio.Future[Any]] = set()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Let go of the server in a forked process: the parent serves, and only it can stop."""
        # With the child's copies of the sockets open, no client would see the parent hang up.
        for server in self._servers:
            for listening in server._sockets.values():
                listening.close()
            for connection in list(server._connections):
                if connection.stream.socket is not None:
                    connection.stream.socket.close()
        # The loop must not be closed by garbage collection: the parent waits with the same epoll.
        if self._loop is not None:
            _loops_of_the_parent.append((self._loop, self._servers))
        self._loop = self._stopping = self._thread = None
        self._servers = []
        self._deliveries = set()

    def __enter__(self) -> "Simulator":
        if not self._is_running:
            self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Simulator {self._urls.get('reactor', 'not started')}>"

    def add_organization(self, name: str) -> str:
        """Add another organization, with the demo account's rights, and return its id.

        It owns a copy of what the first organization has, under the same ids. ``name`` is also the
        name of its account, as in ``connection(name)``.
        """
        account = replace(
            self.accounts["demo"],
            client_id=digest(f"client {name}", 16),
            client_secret="simulated-" + digest(f"secret of {name}", 16),
            org_id=f"{digest(f'organization {name}', 12).upper()}@AdobeOrg",
        )
        self.accounts[name] = self.ims.accounts[account.client_id] = account
        store: Store = pickle.loads(pickle.dumps(self.stores[ORG_ID]))  # noqa: S301 - our own
        for company in store.all("companies"):
            company.attributes["org_id"] = account.org_id
        self.stores[account.org_id] = store
        return account.org_id

    @property
    def runs_here(self) -> bool:
        """Whether it serves in this process, not in the one that this one was forked from."""
        return self._thread is not None

    @property
    def reactor_url(self) -> str:
        """Base URL of Reactor and IMS."""
        return self._urls["reactor"]

    def connection(self, account: str = "demo") -> dict[str, Any]:
        """Return what a client needs to connect as an account, with simulated secrets."""
        credential = self.accounts[account]
        return {
            "reactor_url": self._urls["reactor"],
            "ims_url": self._urls["reactor"],
            "edge_url": self._urls["edge"],
            "edge_server_url": self._urls["edge_server"],
            "client_id": credential.client_id,
            "client_secret": credential.client_secret,
            "org_id": credential.org_id,
            "company_id": COMPANY_ID,
            "scopes": ",".join(credential.scopes),
            "access_token": self.ims.issue(credential),
            "datastream_id": DATASTREAM_ID,
        }

    def start(self) -> "Simulator":
        """Start serving on a thread, and return when ready. Raises OSError if the port is taken."""
        if self._is_running:
            raise RuntimeError("The simulator is already running.")
        if not 0 <= self._port <= 65535:
            raise OSError(f"Invalid port {self._port}: must be between 0 and 65535.")
        sockets = []
        for name, port in (("reactor", self._port), ("edge", 0), ("edge_server", 0)):
            listening = socket.create_server((_ADDRESS, port), backlog=128)
            listening.setblocking(False)
            self._urls[name] = f"http://{_ADDRESS}:{listening.getsockname()[1]}"
            sockets.append(listening)
        self.app = App(self.ims, self.stores, self._urls["reactor"], self.options)
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(sockets, ready)),
            name="adobe_nb simulator",
            daemon=True,
        )
        self._thread.start()
        ready.wait()
        return self

    @property
    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Stop serving, and return when that is done. Does nothing if it is not running."""
        if self._loop is not None and self._stopping is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join()

    async def _serve(self, sockets: Sequence[socket.socket], ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        edge = EdgeApp(self.ims, ORG_ID, authenticated=False)
        edge_server = EdgeApp(self.ims, ORG_ID, authenticated=True)
        servers = self._servers = []
        for listening, respond in zip(sockets, (self._respond, edge, edge_server), strict=True):
            handler = (r".*", _Handler, {"simulator": self, "respond": respond})
            server = HTTPServer(Application([handler], log_function=lambda _: None))
            server.add_sockets([listening])
            servers.append(server)
        ready.set()
        await self._stopping.wait()
        for server in servers:
            server.stop()
            await server.close_all_connections()

    def expired_token(self) -> str:
        """Return an expired token of the demo account, to see how the services refuse it."""
        return self.ims.issue(self.accounts["demo"], age=self.ims.token_ttl + 1)

    def _deliver(self, url: str, document: Mapping[str, Any]) -> None:
        """Call a callback on this machine once. Callbacks elsewhere are not called."""
        if self._loop is None or not is_loopback(url):
            return
        request = HTTPRequest(
            url,
            method="POST",
            headers={"Content-Type": JSON_API},
            body=json.dumps(document).encode(),
            request_timeout=5,
            follow_redirects=False,
        )
        delivery = AsyncHTTPClient().fetch(request, raise_error=False)
        task = asyncio.ensure_future(delivery, loop=self._loop)
        # The loop holds tasks weakly.
        self._deliveries.add(task)
        task.add_done_callback(self._delivered)

    def _delivered(self, task: "asyncio.Future[Any]") -> None:
        self._deliveries.discard(task)
        if not task.cancelled():
            # An exception that is never retrieved would be logged.
            task.exception()

    def _drift(self, request: Request) -> None:
        change = self.app.drift(request, self._chance)
        if change is not None:
            self.drifted.append(change)

    def _respond(self, request: Request) -> Response:
        if request.path == "/simulator" and request.method == "GET":
            return answer(200, self.connection())
        return self.app(request)


# Read by chunks, since tornado would answer a form that it cannot parse with a page of its own.
@stream_request_body
class _Handler(RequestHandler):
    """Every method and path: translates the request, calls the app, translates the response."""

    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

    def initialize(self, simulator: Simulator, respond: Callable[[Request], Response]) -> None:
        self._simulator = simulator
        self._respond = respond
        self._body = bytearray()

    def data_received(self, chunk: bytes) -> None:
        """Keep a part of the body."""
        self._body += chunk

    def compute_etag(self) -> None:
        """Compute none: that would cost a hash of every page."""

    async def _handle(self, *_: str) -> None:
        simulator = self._simulator
        request = _translated(self.request, bytes(self._body))
        # As much of a body is kept as the Edge Network accepts in one request.
        simulator.requests.append(replace(request, body=request.body[:LIMIT]))
        if not _is_local(request.headers):
            self._send(_FOREIGN)
            return
        simulator.in_flight += 1
        try:
            limit = simulator.most_in_flight
            is_crowded = limit is not None and simulator.in_flight > limit
            if simulator.latency:
                await asyncio.sleep(simulator.latency)
            if is_crowded:
                await self._serve(request, "429")
            else:
                await self._serve(request, self._fault(request))
        finally:
            simulator.in_flight -= 1

    def _fault(self, request: Request) -> str | None:
        if request.path == "/simulator":
            return None
        fault = self._simulator.faults.strike()
        # IMS has no token to refuse.
        if fault == "401" and request.path.startswith("/ims/"):
            return None
        return fault

    async def _serve(self, request: Request, fault: str | None) -> None:
        simulator = self._simulator
        if fault == "reset":
            self.detach().close()
            return
        if fault == "slow":
            await asyncio.sleep(simulator.slow_seconds)
        if fault == "drift":
            simulator._drift(request)
        if fault == "429-retry-after":
            seconds = f"{simulator.retry_after:g}"
            response = replace(_FAULTS["429"], headers={"Retry-After": seconds})
        elif fault in _FAULTS:
            response = _FAULTS[fault]
        else:
            response = self._respond(request)
        if fault == "cut":
            await self._cut(response)
        else:
            self._send(response)

    async def _cut(self, response: Response) -> None:
        """Send half of the body, and close the connection."""
        size = len(response.body)
        lines = (
            "HTTP/1.1 200 OK",
            f"Content-Type: {response.content_type}",
            f"Content-Length: {size}",
            "",
            "",
        )
        stream = self.detach()
        await stream.write("\r\n".join(lines).encode() + response.body[: size // 2])
        stream.close()

    def _send(self, response: Response) -> None:
        self.set_status(response.status)
        self.clear_header("Content-Type")
        if response.body:
            self.set_header("Content-Type", response.content_type)
        for name, value in response.headers.items():
            self.set_header(name, value)
        self.finish(response.body or None)

    get = head = post = put = patch = delete = options = _handle


def _is_local(headers: Mapping[str, str]) -> bool:
    """Return whether the request names this machine and comes from no page or one of its own.

    Else a page whose host name was made to lead here could read the credentials, or write.
    """
    if not _LOCAL_HOST.fullmatch(headers.get("host", "")):
        return False
    if "origin" not in headers:
        return True
    scheme, _, host = headers["origin"].partition("://")
    return scheme in {"http", "https"} and _LOCAL_HOST.fullmatch(host) is not None


def _translated(request: HTTPServerRequest, body: bytes) -> Request:
    return Request(
        method=str(request.method),
        path=request.path,
        query=tuple(parse_qsl(request.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in request.headers.get_all()},
        body=body,
    )


_FOREIGN = answer(
    403,
    {
        "error": "foreign_host",
        "message": "The simulator answers this machine only. Use 127.0.0.1 or localhost, and no "
        "page of another site.",
    },
)
_TROUBLE = b"<html><body>upstream trouble</body></html>"
_FAULTS: dict[str | None, Response] = {
    "429": answer(429, {"error_code": "429050", "message": "Too many requests"}),
    "500": Response(500, _TROUBLE, "text/html"),
    "502": Response(502, _TROUBLE, "text/html"),
    "503": Response(503, _TROUBLE, "text/html"),
    "504": Response(504, _TROUBLE, "text/html"),
    "401": answer(401, {"error_code": "401013", "message": "Oauth token is not valid"}),
    "html": Response(
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
    """Return this process's own simulator, which is started once and stops with the process.

    A forked process shares the one of its parent, if that has one.
    """
    global _built_in  # noqa: PLW0603
    with _lock:
        if _built_in is None:
            _built_in = Simulator().start()
            atexit.register(_built_in.stop)
        return _built_in
