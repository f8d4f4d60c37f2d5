"""Run the calls of ``operations`` against a simulator, and record the HTTP traffic."""

import ast
import re
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adobe_nb import contains
from adobe_nb.auth.credentials import candidate_of, credentials_of
from adobe_nb.errors import AdobeError
from adobe_nb.http.client import UNSIGNED, Signer, Transport
from adobe_nb.http.limiter import Limiter
from adobe_nb.http.messages import Request, Response
from adobe_nb.session import Session
from adobe_nb.simulator.messages import Request as Arrived
from adobe_nb.simulator.server import Simulator
from tests.conftest import started
from tests.contract.operations import OPERATIONS, Operation
from tests.contract.places import PREPARED, Fresh, Full

_KEYS = (
    "client_id",
    "client_secret",
    "org_id",
    "scopes",
    "reactor_url",
    "ims_url",
    "edge_url",
    "edge_server_url",
)


@dataclass(frozen=True)
class Exchange:
    """One call: its requests and responses, and everything else that was sent for it."""

    operation: Operation
    call: str
    requests: tuple[Arrived, ...]
    answers: tuple[Response, ...]
    sent: tuple[Operation, ...]
    problem: str = ""


class Recording(Transport):
    """A transport that keeps requests and responses."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[Request, Response]] = []

    def send(
        self, request: Request, signer: Signer = UNSIGNED, limiter: Limiter | None = None
    ) -> Response:
        answer = super().send(request, signer, limiter)
        self.kept.append((request, answer))
        return answer


@contextmanager
def recorded() -> Iterator[tuple[Simulator, Session, Recording]]:
    """A separate simulator, and a session whose transport records."""
    simulator, transport = started(build_seconds=0.05), Recording()
    try:
        details = simulator.connection()
        found = candidate_of("arguments", {name: details[name] for name in _KEYS})
        yield (
            simulator,
            Session(credentials_of(found), journal=False, transport=transport),
            transport,
        )
    finally:
        transport.close()
        simulator.stop()


def matcher(path: str) -> Callable[[str], object]:
    """Return a function that tells whether a path matches the template."""
    return re.compile(re.sub(r"\{\w+\}", r"[A-Z]{2}[0-9a-f]{32}", path)).fullmatch


def run_all(folder: Path) -> dict[str, Exchange]:
    """Run every call of OPERATIONS; return the exchanges by call."""
    with recorded() as (simulator, session, transport), chdir(folder):
        full = Full(session)
        return {
            call: _run(operation, call, full, simulator, transport)
            for operation, calls in OPERATIONS.items()
            for call in calls
        }


def _run(
    operation: Operation, call: str, full: Full, simulator: Simulator, transport: Recording
) -> Exchange:
    method, path = operation
    only_reads = method == "GET" or path == "/search"
    place = full if only_reads else Fresh(full.session)
    problem = ""
    try:
        names = scope(call, place)
        simulator.requests.clear()
        transport.kept.clear()
        eval(compile(call, "operations.py", "eval"), names)
    except AdobeError as error:
        problem = f"{type(error).__name__}: {error}"
    is_it = matcher(path)
    address = simulator.reactor_url
    kept = [(sent, answer) for sent, answer in transport.kept if sent.url.startswith(address)]
    return Exchange(
        operation,
        call,
        tuple(each for each in simulator.requests if each.method == method and is_it(each.path)),
        tuple(
            answer
            for sent, answer in kept
            if sent.method == method and is_it(sent.url.removeprefix(address))
        ),
        tuple((sent.method, sent.url.removeprefix(address)) for sent, _ in kept),
        problem,
    )


def scope(call: str, place: Fresh, *, prepare: bool = True) -> dict[str, Any]:
    """Return the values of the names in a call, created or prepared."""
    prepared = PREPARED[call](place) if prepare and call in PREPARED else {}
    names = {node.id for node in ast.walk(ast.parse(call)) if isinstance(node, ast.Name)} - {
        "contains",
        "reactor",
    }
    found = {name: prepared[name] if name in prepared else getattr(place, name) for name in names}
    return {"reactor": place.reactor, "contains": contains, **found}
