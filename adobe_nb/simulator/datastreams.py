"""The datastreams of the simulated Edge Network. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Datastream:
    """Where events go, and what is the matter with it."""

    id: str
    authenticated_only: bool = False
    enabled: bool = True
    platform: bool = True
    writable: bool = True
    upstream: str = ""
    """A code with which a service behind it answers: ``EXEG-0201-503``, ``EXEG-0204-200`` …"""


def _datastream(number: int, **about: Any) -> Datastream:
    return Datastream(f"8b0d3f0a-5f6e-4c1d-9a52-1c7e60f4d2{number:02d}", **about)


DATASTREAMS: Mapping[str, Datastream] = MappingProxyType(
    {
        "web": _datastream(1),
        "magazine": _datastream(2),
        "authenticated_only": _datastream(3, authenticated_only=True),
        "disabled": _datastream(4, enabled=False),
        "no_platform": _datastream(5, platform=False),
        "read_only_sandbox": _datastream(6, writable=False),
        "upstream_down": _datastream(7, upstream="EXEG-0201-503"),
        "upstream_warning": _datastream(8, upstream="EXEG-0204-200"),
    }
)
"""``web`` takes both kinds of traffic; the names of the others say what is the matter."""
