"""A stand-in for Adobe on this machine: IMS, Reactor and the Edge Network over real HTTP, with no
Adobe code or data.

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


def connection() -> dict[str, Any]:
    """Connection details of this process's own simulator, which is started if need be.

    The four addresses, and client id, client secret, organization, scopes and access token of the
    account ``demo``: made up, and of no use anywhere else.
    """
    from adobe_nb.simulator.discovery import built_in_details  # noqa: PLC0415

    return built_in_details()


def expired_token() -> str:
    """An access token of this process's own simulator that has expired, to see how the services
    refuse it.
    """
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
    """Start another simulator on 127.0.0.1, and return it when it is ready; ``stop()`` ends it.

    ``port`` is that of Reactor and IMS (0: any that is free), ``seed`` is ``"demo"`` or
    ``"empty"``; ``latency``, ``token_ttl`` and ``build_seconds`` are in seconds. Raises OSError
    when the port is taken.
    """
    from adobe_nb.simulator.server import Simulator  # noqa: PLC0415

    return Simulator(
        port=port, seed=seed, latency=latency, token_ttl=token_ttl, build_seconds=build_seconds
    ).start()
