"""Where a simulator is: the one of this process, or the one that somebody announced."""

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
    """Those of one account of the built-in simulator, which is started. Raises CredentialsError for
    an unknown one.
    """
    simulator = _built_in_simulator()
    if account not in simulator.accounts:
        raise CredentialsError(
            f"The simulator has no account {account!r}. It has: {', '.join(sorted(simulator.accounts))}."
        )
    return credentials_of(from_document(BUILT_IN, simulator.connection(account)))


def announced_credentials() -> Credentials:
    """Those that the announced simulator gives. Raises CredentialsError when it does not answer."""
    url = announced_simulator()
    return credentials_of(
        from_document(f"the simulator at {url} ({SIMULATOR_VARIABLE})", _details_at(url))
    )


def connection_details() -> dict[str, Any]:
    """Connection details of the announced simulator, else of the built-in one: addresses, and a
    made-up account.
    """
    if url := announced_simulator():
        return _details_at(url)
    return built_in_details()


def built_in_details() -> dict[str, Any]:
    """Connection details of the built-in simulator."""
    simulator = _built_in_simulator()
    if simulator.runs_here:
        return simulator.connection()
    # In a forked process it is the parent's, which alone can issue a token that is good there.
    return _details_at(simulator.reactor_url)


def is_gone(url: str) -> bool:
    """Whether this is an address of this machine where no simulator answers."""
    if not is_loopback(url) or is_built_in(url):
        return False
    try:
        return _read_connection(url.rstrip("/")) is None
    except TransportError:
        return True


def is_built_in(url: str) -> bool:
    """Whether this is the address of the built-in simulator, which is another one in the next
    process.
    """
    server = sys.modules.get("adobe_nb.simulator.server")
    running = getattr(server, "_built_in", None)
    return running is not None and url == running.reactor_url


def _built_in_simulator() -> "Simulator":
    from adobe_nb.simulator.server import built_in  # noqa: PLC0415

    return built_in()


def _details_at(url: str) -> dict[str, Any]:
    """The simulator at that address gives its connection details itself."""
    if not is_loopback(url):
        raise CredentialsError(
            f"{SIMULATOR_VARIABLE} must be an address of this machine, as in http://127.0.0.1:8765."
        )
    try:
        document = _read_connection(url.rstrip("/"))
    except TransportError:
        document = None
    if document is None:
        raise CredentialsError(
            f"{SIMULATOR_VARIABLE} names a simulator that does not answer. Start one (adobe-nb simulator), or unset it."
        )
    return document


def _read_connection(url: str) -> dict[str, Any] | None:
    answer = Transport(timeout=(5, 5), pause=0.05).send(
        Request("GET", f"{url}/simulator", repeatable=True)
    )
    try:
        document = json.loads(answer.body)
    except ValueError:
        return None
    known = (
        isinstance(document, dict)
        and {"reactor_url", "ims_url", "client_id", "client_secret"} <= document.keys()
    )
    return document if known else None
