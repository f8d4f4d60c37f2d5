"""How many list pages of 100 rules a second the simulator serves on one core, and how long it takes
to start.

Baseline of the same run: a tornado server that answers every request with the same bytes, made
once. Server and client are processes of their own, on a core each where there are two.

    python benchmarks/simulator_pages.py
"""

import http.client
import json
import socket
import sys
import time
from urllib.parse import urlencode, urlsplit

from measuring import headers, on_core, peak, reached, serving, show, simulator

PAGES = 4_000
BULK = ("--properties", "50", "--rules", "200", "--components", "4", "--data-elements", "200")
CONSTANT = """
import asyncio, sys
from tornado.web import Application, RequestHandler
body = b"x" * int(sys.argv[1])
class Handler(RequestHandler):
    def compute_etag(self): return None
    def get(self):
        self.set_header("Content-Type", "application/vnd.api+json")
        self.finish(body)
async def main():
    server = Application([(".*", Handler)], log_function=lambda _: None).listen(0, "127.0.0.1")
    print(list(server._sockets.values())[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def rate(port: int, requests: list[bytes], count: int) -> tuple[float, int]:
    """Requests a second over one connection that is kept alive, and the size of a body."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer, size = bytearray(4_000_000), 0
        begun = time.perf_counter()
        for number in range(count):
            connection.sendall(requests[number % len(requests)])
            size = answer(connection, buffer)
        return count / (time.perf_counter() - begun), size


def answer(connection: socket.socket, buffer: bytearray) -> int:
    """Read one answer; how long its body is."""
    got = 0
    while (end := buffer.find(b"\r\n\r\n", 0, got)) < 0:
        got += connection.recv_into(memoryview(buffer)[got:])
    head = bytes(buffer[:end]).lower()
    assert head.startswith(b"http/1.1 200"), head[:80]
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    while got < end + 4 + length:
        got += connection.recv_into(memoryview(buffer)[got:])
    return length


def main() -> None:
    on_core(1)
    with simulator(*BULK, core=0) as (about, started, pid):
        port = urlsplit(about["reactor_url"]).port
        signed = headers(about)
        head = "".join(
            f"{name}: {value}\r\n" for name, value in {"Host": "127.0.0.1", **signed}.items()
        )
        query = [
            urlencode({"sort": "created_at", "page[number]": number, "page[size]": 100})
            for number in (1, 2)
        ]
        paths = [
            f"/properties/{each}/rules?{text}"
            for each in properties(port, about, signed)
            for text in query
        ]
        pages = [f"GET {path} HTTP/1.1\r\n{head}\r\n".encode() for path in paths]
        first, _ = rate(port, pages, len(pages))
        served, size = rate(port, pages, PAGES)
        megabytes = peak(pid)
    with serving(sys.executable, "-c", CONSTANT, str(size), core=0) as (line, _, _):
        limit, _ = rate(int(line), [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], PAGES)
    pages_of = f"pages of 100 rules ({size:,} bytes)"
    same = f"the same bytes, made once: {limit:,.0f} a second"
    rows = [
        ("start", f"{started:.1f} s", "5 s", f"{started / 5:.2f}", reached(started / 5, most=1)),
        (
            "memory",
            f"{megabytes:.0f} MiB",
            "1 GiB",
            f"{megabytes / 1024:.2f}",
            reached(megabytes / 1024, most=1),
        ),
        (
            pages_of,
            f"{served:,.0f} a second",
            "1,000 a second",
            f"{served / 1000:.2f}",
            reached(served / 1000, least=1),
        ),
        (pages_of, f"{served:,.0f} a second", same, f"{served / limit:.2f}", ""),
        ("asked for the first time", f"{first:,.0f} a second", "", "", ""),
    ]
    show(rows, "what", "the simulator", "against", "ratio", "wanted")


def properties(port: int | None, about: dict[str, str], signed: dict[str, str]) -> list[str]:
    """The ids of the generated properties."""
    connection = http.client.HTTPConnection("127.0.0.1", port or 0)
    connection.request(
        "GET", f"/companies/{about['company_id']}/properties?page%5Bsize%5D=100", headers=signed
    )
    found = json.loads(connection.getresponse().read())["data"]
    return [each["id"] for each in found if each["attributes"]["name"].startswith("Generated")]


if __name__ == "__main__":
    main()
