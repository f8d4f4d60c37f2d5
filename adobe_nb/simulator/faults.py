"""Injected faults: their kinds, and how often each strikes."""

import random
from dataclasses import dataclass

KINDS = {
    "429": "too many requests, without Retry-After",
    "429-retry-after": "too many requests, with Retry-After: 1",
    "500": "internal error",
    "502": "bad gateway",
    "503": "service unavailable",
    "504": "gateway timeout",
    "401": "a valid token is refused",
    "html": "a proxy's HTML page with status 404",
    "slow": "the response takes two seconds longer",
    "reset": "the connection is reset before the response",
    "cut": "the connection ends in the middle of the body",
    "drift": "the list changes just before the response",
}

# Fixed, so that the same requests meet the same faults at every start.
SEED = 20241


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault, which strikes a share of the requests (0 to 1)."""

    kind: str
    rate: float

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read ``429:0.05`` or ``429:5%``. Raises ValueError."""
        kind, _, rate = text.partition(":")
        if kind not in KINDS:
            raise ValueError(f"Unknown kind of fault {kind!r}. Choose from {', '.join(KINDS)}.")
        try:
            share = float(rate.rstrip("%"))
        except ValueError:
            share = -1
        if rate.endswith("%"):
            share /= 100
        if not 0 <= share <= 1:
            raise ValueError(f"{text!r} requires a rate from 0 to 1, for example {kind}:0.05.")
        return cls(kind, share)


class Faults:
    """Decides per request which fault strikes: the same sequence at every start with one seed."""

    def __init__(self, faults: tuple[Fault, ...] = (), seed: int = SEED) -> None:
        self._faults = faults
        self._random = random.Random(seed)  # noqa: S311

    def strike(self) -> str | None:
        """Return the kind that strikes this request, if one does. Earlier faults come first."""
        for fault in self._faults:
            if self._random.random() < fault.rate:
                return fault.kind
        return None
