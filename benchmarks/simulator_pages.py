"""How many list pages of 100 rules a second the simulator serves on one core, and how long it takes to start.

Baseline of the same run: a tornado server that answers every request with the same bytes, made once. Server and client
are processes of their own, on a core each where there are two.

    python benchmarks/simulator_pages.py
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

PAGES = 4_000
BULK = ("--properties", "50", "--rules", "200", "--components", "4", "--data-elements", "200")
ACCEPT = "application/vnd.api+json;revision=1"
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


def on_core(number: int) -> None:
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {number})


@contextlib.contextmanager
def serving(*command: str) -> Iterator[tuple[str, float, int]]:
    """A server in a process of its own: its first line, the seconds until then, its process id."""
    begun = time.perf_counter()
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=lambda: on_core(0)
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline(), time.perf_counter() - begun, process.pid
    finally:
        process.terminate()
        process.wait()


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


def memory(pid: int) -> float:
    """Megabytes of peak resident memory of a process; 0 where the system does not tell."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))
    return 0.0


def main() -> None:
    on_core(1)
    with serving(
        sys.executable,
        "-c",
        "import sys; from adobe_nb.cli import main; sys.exit(main())",
        "simulator",
        "--json",
        *BULK,
    ) as (line, started, pid):
        about = json.loads(line)
        port = urlsplit(about["reactor_url"]).port
        headers = "".join(
            f"{name}: {value}\r\n"
            for name, value in {
                "Host": "127.0.0.1",
                "Authorization": f"Bearer {about['access_token']}",
                "x-api-key": about["client_id"],
                "x-gw-ims-org-id": about["org_id"],
                "Accept": ACCEPT,
            }.items()
        )
        get = lambda path: f"GET {path} HTTP/1.1\r\n{headers}\r\n".encode()  # noqa: E731
        parents = properties(port, get, about["company_id"])
        query = [urlencode({"sort": "created_at", "page[number]": number, "page[size]": 100}) for number in (1, 2)]
        pages = [get(f"/properties/{each}/rules?{text}") for each in parents for text in query]
        first, _ = rate(port, pages, len(pages))
        served, size = rate(port, pages, PAGES)
        megabytes = memory(pid)
    with serving(sys.executable, "-c", CONSTANT, str(size)) as (line, _, _):
        limit, _ = rate(int(line), [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], PAGES)
    print(f"start {started:.1f} s, {megabytes:.0f} MB")
    print(f"pages of 100 rules ({size:,} bytes): {served:,.0f} a second, {first:,.0f} when asked for the first time")
    print(f"the same bytes from a server that makes nothing: {limit:,.0f} a second; ratio {served / limit:.2f}")


def properties(port: int | None, get: object, company: str) -> list[str]:
    """The ids of the generated properties."""
    import http.client

    request = get(f"/companies/{company}/properties?page%5Bsize%5D=100").decode()  # type: ignore[operator]
    lines = request.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    connection = http.client.HTTPConnection("127.0.0.1", port or 0)
    connection.request("GET", lines[0].split()[1], headers=headers)
    found = json.loads(connection.getresponse().read())["data"]
    return [each["id"] for each in found if each["attributes"]["name"].startswith("Generated")]


if __name__ == "__main__":
    main()
