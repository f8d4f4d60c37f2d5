"""Measure memory and time of reading 100,000 rules over HTTP, as a frame and with `iterate`.

100 properties of 1,000 rules, in a simulator that is a process of its own. Memory is the peak of
the resident size in a fresh process, above its size after imports and a small read: tracemalloc
does not see the buffers of Arrow.

    python benchmarks/large_pulls.py
"""

import gc
from collections.abc import Mapping
from functools import partial
from typing import Any

from measuring import (
    MIB,
    forget_peak,
    fresh,
    once,
    peak,
    reached,
    resident,
    session,
    show,
    simulator,
)

MANY = ("--seed", "empty", "--properties", 100, "--rules", 1_000)
TENTH = 10
TIMES = 3


def _begin(about: Mapping[str, Any]) -> tuple[Any, Any, list[str], float]:
    """Return the client, the API, the properties, and the MiB before anything large is read."""
    ours = session(about)
    reactor = ours.reactor
    properties = list(reactor.properties()["id"])
    reactor.rules(properties[:1])
    next(iter(reactor.rules.iterate(properties[0])))
    gc.collect()
    forget_peak()
    return ours.client, reactor, properties, resident()


def pull(about: Mapping[str, Any]) -> dict[str, float]:
    """Return the MiB of a frame of all rules, and the MiB that it took to make it."""
    _, reactor, properties, before = _begin(about)
    frame = reactor.rules(properties)
    highest = peak() - before
    size = frame.memory_usage(deep=True).sum() / MIB
    gc.collect()
    return {"rows": len(frame), "peak": highest, "frame": size, "after": resident() - before}


def iterate(about: Mapping[str, Any], properties: int) -> dict[str, float]:
    """Return the MiB that it took to iterate over the rules."""
    _, reactor, ids, before = _begin(about)
    rows = sum(1 for _ in reactor.rules.iterate(ids[:properties]))
    return {"rows": rows, "peak": peak() - before}


def _bytes(client: Any, properties: list[str]) -> None:
    """Fetch every page, one after the other, and do nothing with it."""
    for property_id in properties:
        for number in range(1, 11):
            paging = (("sort", "created_at"), ("page[number]", str(number)), ("page[size]", "100"))
            client.fetch(f"/properties/{property_id}/rules", paging)


def seconds(about: Mapping[str, Any], *, only_bytes: bool) -> tuple[float, float]:
    """Return the best seconds for a tenth of the rules, and for all of them.

    The time for a tenth is the mean over ten different tenths: both times then include the same
    slow periods and the same pages of the simulator, which caches those that it served last.
    """
    client, reactor, properties, _ = _begin(about)
    pull = partial(_bytes, client) if only_bytes else reactor.rules
    tenths = [properties[start : start + TENTH] for start in range(0, len(properties), TENTH)]
    runs = []
    for _ in range(TIMES):
        few = sum(once(lambda ids=ids: pull(ids)) for ids in tenths) / len(tenths)
        runs.append((few, once(lambda: pull(properties))))
    return min(few for few, _ in runs), min(many for _, many in runs)


def main() -> None:
    with simulator(*MANY) as (about, _, _):
        # The simulator makes its pages when they are first requested.
        fresh(pull, about)
        best = min((fresh(pull, about) for _ in range(TIMES)), key=lambda run: run["peak"])
        ratio = best["peak"] / best["frame"]
        label = f"{best['rows']:,.0f} rows into a frame"
        size = f"the frame: {best['frame']:.0f} MiB"
        rows = [
            (
                label,
                f"{best['peak']:.0f} MiB at its peak",
                size,
                f"{ratio:.2f}",
                reached(ratio, most=2.5),
            )
        ]
        ratio = best["after"] / best["frame"]
        rows.append((label, f"{best['after']:.0f} MiB afterwards", size, f"{ratio:.2f}", ""))
        tenth, whole = fresh(iterate, about, TENTH), fresh(iterate, about, 100)
        more = whole["peak"] - tenth["peak"]
        label = f"iterate over {whole['rows']:,.0f} rows"
        figure = f"{whole['peak']:.1f} MiB at its peak"
        against = f"over {tenth['rows']:,.0f}: {tenth['peak']:.1f} MiB"
        rows.append((label, figure, against, f"{more:+.1f} MiB", "constant"))
        for label, only_bytes in (
            ("time for 10 times the rows", False),
            ("only the bytes, one page at a time", True),
        ):
            few, many = fresh(seconds, about, only_bytes=only_bytes)
            ratio = many / few
            target = "" if only_bytes else reached(ratio, most=11)
            rows.append((label, f"{many:.2f} s", f"{few:.2f} s", f"{ratio:.1f}", target))
    show(rows, "what", "ours", "against", "ratio", "target")


if __name__ == "__main__":
    main()
