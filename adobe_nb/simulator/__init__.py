"""A local stand-in for IMS, Reactor and the Edge Network over HTTP, without Adobe code or data.

::

    from adobe_nb import simulator
    with simulator.start(latency=0.05) as running:
        print(running.connection()["reactor_url"])

``adobe_nb.connect(simulator=True)`` starts and uses one by itself.
"""

from typing import TYPE_CHECKING, Any

from adobe_nb.simulator.accounts import ACCOUNTS
from adobe_nb.simulator.datastreams import DATASTREAMS

if TYPE_CHECKING:
    from adobe_nb.simulator.server import Simulator

__all__ = ["ACCOUNTS", "DATASTREAMS", "connection", "expired_token", "start"]


def __dir__() -> list[str]:
    return __all__


def connection() -> dict[str, Any]:
    """Return the connection details of this process's simulator, which is started if needed.

    Returns
    -------
    dict
        ``reactor_url``, ``ims_url``, ``edge_url``, ``edge_server_url``, and of the account
        ``demo``: ``client_id``, ``client_secret``, ``org_id``, ``company_id``, ``scopes``,
        ``access_token``, ``datastream_id``. They are made up and valid for the simulator only.

    Examples
    --------
    >>> from adobe_nb import simulator
    >>> simulator.connection()["reactor_url"].startswith("http://127.0.0.1:")
    True
    """
    from adobe_nb.simulator.discovery import built_in_details  # noqa: PLC0415

    return built_in_details()


def expired_token() -> str:
    """Return an expired access token of this process's simulator, to see how services refuse it."""
    from adobe_nb.simulator.server import built_in  # noqa: PLC0415

    return built_in().expired_token()


def start(
    *,
    port: int = 0,
    seed: str = "demo",
    latency: float = 0.0,
    token_ttl: float = 86399,
    build_seconds: float = 0.5,
) -> "Simulator":
    """Start another simulator on 127.0.0.1.

    Parameters
    ----------
    port
        The port of Reactor and IMS; 0 takes a free one. The Edge hosts always do.
    seed
        ``"demo"``, a made-up company, or ``"empty"``.
    latency, token_ttl, build_seconds
        Seconds that each response, the life of a token, and a build take.

    Returns
    -------
    Simulator
        A running simulator. ``stop()`` ends it, and so does the end of a ``with`` block.

    Raises
    ------
    OSError
        The port is taken.

    Examples
    --------
    >>> from adobe_nb import simulator
    >>> with simulator.start(seed="empty") as running:
    ...     running.connection()["reactor_url"].startswith("http://127.0.0.1:")
    True
    """
    from adobe_nb.simulator.server import Simulator  # noqa: PLC0415

    return Simulator(
        port=port, seed=seed, latency=latency, token_ttl=token_ttl, build_seconds=build_seconds
    ).start()
