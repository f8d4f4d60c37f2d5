"""Find a simulator: the built-in one of this process, or one that another process announced."""

import json
import sys
from typing import TYPE_CHECKING, Any

from adobe_nb.auth.credentials import Credentials, credentials_of
from adobe_nb.auth.sources import SIMULATOR_VARIABLE, announced_simulator, from_document
from adobe_nb.errors import CredentialsError, TransportError
from adobe_nb.http.client import Transport, is_loopback
from adobe_nb.http.messages import Request

if TYPE_CHECKING:
    from adobe_nb.simulator.server import Simulator

BUILT_IN = "the built-in simulator"


def built_in_credentials(account: str = "demo") -> Credentials:
    """Return the credentials of an account of the built-in simulator. Raises CredentialsError."""
    simulator = _built_in_simulator()
    if account not in simulator.accounts:
        names = ", ".join(sorted(simulator.accounts))
        raise CredentialsError(f"The simulator has no account {account!r}. Choose from {names}.")
    return credentials_of(from_document(BUILT_IN, simulator.connection(account)))


def announced_credentials() -> Credentials:
    """Return the credentials of the announced simulator. Raises CredentialsError."""
    url = announced_simulator()
    source = f"the simulator at {url} ({SIMULATOR_VARIABLE})"
    return credentials_of(from_document(source, _details_at(url)))


def connection_details() -> dict[str, Any]:
    """Return the connection details of the announced simulator, or else of the built-in one."""
    url = announced_simulator()
    if url:
        return _details_at(url)
    return built_in_details()


def built_in_details() -> dict[str, Any]:
    """Return the connection details of the built-in simulator."""
    simulator = _built_in_simulator()
    if simulator.runs_here:
        return simulator.connection()
    # In a forked process, only the parent can issue valid tokens.
    return _details_at(simulator.reactor_url)


def is_gone(url: str) -> bool:
    """Return whether the URL is on this machine but no simulator answers there."""
    if not is_loopback(url) or is_built_in(url):
        return False
    return _read_connection(url) is None


def is_built_in(url: str) -> bool:
    """Return whether the URL is that of the built-in simulator, which other processes lack."""
    server = sys.modules.get("adobe_nb.simulator.server")
    running = getattr(server, "_built_in", None)
    return running is not None and url == running.reactor_url


def _built_in_simulator() -> "Simulator":
    from adobe_nb.simulator.server import built_in  # noqa: PLC0415

    return built_in()


def _details_at(url: str) -> dict[str, Any]:
    """Ask the simulator at that URL for its connection details."""
    if not is_loopback(url):
        raise CredentialsError(
            f"{SIMULATOR_VARIABLE} must be a URL on this machine, for example "
            "http://127.0.0.1:8765."
        )
    document = _read_connection(url)
    if document is None:
        raise CredentialsError(
            f"The simulator in {SIMULATOR_VARIABLE} does not answer. Start one with adobe-nb "
            "simulator, or unset the variable."
        )
    return document


def _read_connection(url: str) -> dict[str, Any] | None:
    """Return what a simulator at that URL answers, or None if there is none."""
    request = Request("GET", f"{url.rstrip('/')}/simulator", repeatable=True)
    try:
        response = Transport(timeout=(5, 5), pause=0.05).send(request)
        document = json.loads(response.body)
    except (TransportError, ValueError):
        return None
    # Any other server may answer there.
    required = {"reactor_url", "ims_url", "client_id", "client_secret"}
    if isinstance(document, dict) and required <= document.keys():
        return document
    return None
