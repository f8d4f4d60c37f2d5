"""The datastreams of the simulated Edge Network."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from adobe_nb.simulator.data import load


@dataclass(frozen=True, slots=True)
class Datastream:
    """A datastream, and the defect that it simulates."""

    id: str
    authenticated_only: bool = False
    enabled: bool = True
    platform: bool = True
    writable: bool = True
    upstream: str = ""
    """Code that an upstream service answers with: ``EXEG-0201-503``, ``EXEG-0204-200`` …"""


DATASTREAMS: Mapping[str, Datastream] = MappingProxyType(
    msgspec.convert(load("datastreams.json"), dict[str, Datastream])
)
"""``web`` and ``magazine`` work; the other names say which defect the datastream simulates."""
