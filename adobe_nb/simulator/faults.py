"""Trouble on purpose: kinds of faults, and how often each strikes."""

import random
from dataclasses import dataclass

KINDS = {
    "429": "too many requests, without Retry-After",
    "429-retry-after": "too many requests, with Retry-After: 1",
    "500": "internal error",
    "502": "bad gateway",
    "503": "service unavailable",
    "504": "gateway timeout",
    "401": "the token is refused although it is good",
    "html": "a proxy's HTML page with status 404",
    "slow": "the answer takes two seconds longer",
    "reset": "the connection is reset before the answer",
    "cut": "the connection ends in the middle of the body",
    "drift": "the list that is asked for changes before the answer",
}


SEED = 20241


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind, striking that share of the requests (0 to 1)."""

    kind: str
    rate: float

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """``429:0.05`` or ``429:5%``. Raises ValueError that says what is possible."""
        kind, _, rate = text.partition(":")
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of fault. There are: {', '.join(KINDS)}.")
        try:
            share = float(rate.rstrip("%")) / (100 if rate.endswith("%") else 1)
        except ValueError:
            share = -1
        if not 0 <= share <= 1:
            raise ValueError(f"{text!r} needs a rate from 0 to 1, as in {kind}:0.05.")
        return cls(kind, share)


class Faults:
    """Decides per request; the same sequence at every start with the same seed."""

    def __init__(self, faults: tuple[Fault, ...] = (), seed: int = SEED) -> None:
        self._faults = faults
        self._random = random.Random(seed)  # noqa: S311

    def strike(self) -> str | None:
        """The kind that strikes this request, if one does: the first in the order they were given."""
        return next(
            (fault.kind for fault in self._faults if self._random.random() < fault.rate), None
        )
