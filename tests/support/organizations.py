"""Organizations with a saved profile each, and a gate that stops the pull of one of them."""

import threading
from typing import Any

from adobe_nb.simulator.messages import Response
from adobe_nb.simulator.server import Simulator
from tests.conftest import sign_in


def organization(simulator: Simulator, name: str) -> str:
    """Add an organization with a saved profile of that name, and return its id."""
    organization_id = simulator.add_organization(name)
    sign_in(simulator, name, make_default=False).save(name, in_file=True)
    return organization_id


def secrets_of(*simulators: Simulator) -> set[str]:
    """The client secrets and the tokens of the simulators."""
    secrets = set()
    for simulator in simulators:
        secrets |= {account.client_secret for account in simulator.accounts.values()}
        secrets |= set(simulator.ims.issued)
    return secrets


def organizations_of(simulator: Simulator) -> list[str]:
    """The organization of each request to Reactor, in the order of the requests."""
    ids = [request.headers.get("x-gw-ims-org-id", "") for request in simulator.requests]
    return list(filter(None, ids))


class Gate:
    """Lets some requests of an organization pass, and holds the others until it is open."""

    def __init__(self, simulator: Simulator, organization_id: str, passing: int) -> None:
        self._simulator, self._app = simulator, simulator.app
        self._organization, self._passing = organization_id, passing
        self._open = threading.Event()
        self.reached = threading.Event()
        """The pull is in the middle: a request is held."""

    def __enter__(self) -> "Gate":
        self._simulator.app = self  # type: ignore[assignment]
        return self

    def __exit__(self, *_: object) -> None:
        self.open()
        self._simulator.app = self._app

    def open(self) -> None:
        self._open.set()

    def __call__(self, request: Any) -> Response:
        is_ours = request.headers.get("x-gw-ims-org-id") == self._organization
        if not is_ours or self._open.is_set():
            return self._app(request)
        self._passing -= 1
        if self._passing >= 0:
            return self._app(request)
        self.reached.set()
        return Response(503, b"{}", "application/json", {"Retry-After": "0.1"})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)
