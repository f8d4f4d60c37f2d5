"""Measure how many list pages a second the simulator serves on one core, and how fast it starts.

The baseline of the same run is a tornado server that answers every request with the same bytes.
Server and client are processes of their own, with a core each where there are two.

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
    """Return the requests a second over one kept-alive connection, and the size of a body."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer, size = bytearray(4_000_000), 0
        began = time.perf_counter()
        for number in range(count):
            connection.sendall(requests[number % len(requests)])
            size = read_response(connection, buffer)
        return count / (time.perf_counter() - began), size


def read_response(connection: socket.socket, buffer: bytearray) -> int:
    """Read one response, and return the length of its body."""
    received = 0
    while (end := buffer.find(b"\r\n\r\n", 0, received)) < 0:
        received += connection.recv_into(memoryview(buffer)[received:])
    head = bytes(buffer[:end]).lower()
    assert head.startswith(b"http/1.1 200"), head[:80]
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    while received < end + 4 + length:
        received += connection.recv_into(memoryview(buffer)[received:])
    return length


def main() -> None:
    on_core(1)
    with simulator(*BULK, core=0) as (about, started, pid):
        port = urlsplit(about["reactor_url"]).port
        signed = headers(about)
        lines = {"Host": "127.0.0.1", **signed}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        pages = []
        for property_id in properties(port, about, signed):
            for number in (1, 2):
                paging = {"sort": "created_at", "page[number]": number, "page[size]": 100}
                path = f"/properties/{property_id}/rules?{urlencode(paging)}"
                pages.append(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        first, _ = rate(port, pages, len(pages))
        served, size = rate(port, pages, PAGES)
        megabytes = peak(pid)
    with serving(sys.executable, "-c", CONSTANT, str(size), core=0) as (line, _, _):
        limit, _ = rate(int(line), [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], PAGES)
    pages_of = f"pages of 100 rules ({size:,} bytes)"
    same = f"the same bytes each time: {limit:,.0f} a second"
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
        ("requested for the first time", f"{first:,.0f} a second", "", "", ""),
    ]
    show(rows, "what", "the simulator", "against", "ratio", "target")


def properties(port: int | None, about: dict[str, str], signed: dict[str, str]) -> list[str]:
    """Return the ids of the generated properties."""
    connection = http.client.HTTPConnection("127.0.0.1", port or 0)
    connection.request(
        "GET", f"/companies/{about['company_id']}/properties?page%5Bsize%5D=100", headers=signed
    )
    items = json.loads(connection.getresponse().read())["data"]
    return [item["id"] for item in items if item["attributes"]["name"].startswith("Generated")]


if __name__ == "__main__":
    main()
