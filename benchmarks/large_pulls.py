"""Memory of a pull of 100,000 rules over HTTP, of `iterate` over the same, and time for 10 times
the rows.

100 properties of 1,000 rules, in a simulator that is a process of its own. Memory is the resident
size at its peak, above that after imports and a small pull, in a fresh process: tracemalloc does
not see the buffers of Arrow.

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
    """The client, the API, the properties, and the mebibytes before anything large is read."""
    ours = session(about)
    reactor = ours.reactor
    properties = list(reactor.properties()["id"])
    reactor.rules(properties[:1])
    next(iter(reactor.rules.iterate(properties[0])))
    gc.collect()
    forget_peak()
    return ours.client, reactor, properties, resident()


def pull(about: Mapping[str, Any]) -> dict[str, float]:
    """Mebibytes that a frame of all rules takes, and that making it took."""
    _, reactor, properties, before = _begin(about)
    frame = reactor.rules(properties)
    highest = peak() - before
    size = frame.memory_usage(deep=True).sum() / MIB
    gc.collect()
    return {"rows": len(frame), "peak": highest, "frame": size, "after": resident() - before}


def iterate(about: Mapping[str, Any], properties: int) -> dict[str, float]:
    """Mebibytes that going over them one by one took."""
    _, reactor, ids, before = _begin(about)
    rows = sum(1 for _ in reactor.rules.iterate(ids[:properties]))
    return {"rows": rows, "peak": peak() - before}


def _bytes(client: Any, properties: list[str]) -> None:
    """Every page, one after the other, and nothing done with it."""
    for each in properties:
        for number in range(1, 11):
            paging = (("sort", "created_at"), ("page[number]", str(number)), ("page[size]", "100"))
            client.fetch(f"/properties/{each}/rules", paging)


def seconds(about: Mapping[str, Any], *, only_bytes: bool) -> tuple[float, float]:
    """Of the quickest pulls of a tenth of them and of all, in turn.

    A tenth is the mean of ten different ones: so both meet the same slow moments, and the same
    pages of the simulator, which finds those again sooner that it has just served.
    """
    client, reactor, properties, _ = _begin(about)
    pull = partial(_bytes, client) if only_bytes else reactor.rules
    tenths = [properties[at : at + TENTH] for at in range(0, len(properties), TENTH)]
    runs = []
    for _ in range(TIMES):
        few = sum(once(lambda ids=ids: pull(ids)) for ids in tenths) / len(tenths)
        runs.append((few, once(lambda: pull(properties))))
    return min(few for few, _ in runs), min(all_ for _, all_ in runs)


def main() -> None:
    with simulator(*MANY) as (about, _, _):
        fresh(pull, about)  # the simulator makes its pages when they are first asked for
        found = min((fresh(pull, about) for _ in range(TIMES)), key=lambda run: run["peak"])
        ratio = found["peak"] / found["frame"]
        what = f"{found['rows']:,.0f} rows into a frame"
        size = f"the frame: {found['frame']:.0f} MiB"
        rows = [
            (
                what,
                f"{found['peak']:.0f} MiB at its peak",
                size,
                f"{ratio:.2f}",
                reached(ratio, most=2.5),
            )
        ]
        ratio = found["after"] / found["frame"]
        rows.append((what, f"{found['after']:.0f} MiB afterwards", size, f"{ratio:.2f}", ""))
        one, all_ = (fresh(iterate, about, number) for number in (TENTH, 100))
        more = all_["peak"] - one["peak"]
        what = f"iterate over {all_['rows']:,.0f} rows"
        against = f"over {one['rows']:,.0f}: {one['peak']:.1f} MiB"
        rows.append(
            (what, f"{all_['peak']:.1f} MiB at its peak", against, f"{more:+.1f} MiB", "constant")
        )
        for what, only_bytes in (
            ("time for 10 times the rows", False),
            ("only the bytes, one page at a time", True),
        ):
            few, many = fresh(seconds, about, only_bytes=only_bytes)
            ratio = many / few
            wanted = "" if only_bytes else reached(ratio, most=11)
            rows.append((what, f"{many:.2f} s", f"{few:.2f} s", f"{ratio:.1f}", wanted))
    show(rows, "what", "ours", "against", "ratio", "wanted")


if __name__ == "__main__":
    main()
