"""Read a whole company over HTTP, and compare with sequential requests and with the limit.

20 properties of 100 rules with 4 components and 100 data elements: companies, properties, rules,
components and data elements, with one call each. The limit is the best possible time with 16
requests in flight: requests / 16 x latency, plus one latency for each level, because rules cannot
be requested before their properties are known.

The simulator is a process of its own. Every pull runs in a fresh process, so that the limiter
starts low each time. Sequential requests (requests.Session, kept alive, pages of 100, r.json() and
nothing else) are measured on a part and scaled to the whole, which would take two minutes.

    python benchmarks/whole_company.py
"""

import time
from collections.abc import Mapping
from typing import Any

from measuring import fresh, headers, reached, session, show, simulator

COMPANY = (
    *("--seed", "empty"),
    *("--properties", 20),
    *("--rules", 100),
    *("--components", 4),
    *("--data-elements", 100),
)
LEVELS = 5
CEILING = 16
REFUSING = 10
TIMES = 3
# Properties that are read with sequential requests.
PART = 3


def pull(about: Mapping[str, Any]) -> dict[str, float]:
    """Return seconds, processor seconds and requests of reading the company into frames."""
    ours = session(about)
    reactor = ours.reactor
    # Its import is not counted.
    import pandas as pd  # noqa: F401

    began, worked = time.perf_counter(), time.process_time()
    companies = reactor.companies()
    properties = reactor.properties(companies)
    rules = reactor.rules(properties)
    components = reactor.rule_components(rules)
    elements = reactor.data_elements(properties)
    seconds = time.perf_counter() - began
    assert [len(properties), len(rules)] == [20, 2_000]
    assert [len(components), len(elements)] == [8_000, 2_000]
    return {
        "seconds": seconds,
        "worked": time.process_time() - worked,
        # The token, the companies, and one page for each list.
        "requests": 2 + len(companies) + 2 * len(properties) + len(rules),
        "refused": ours.client.limiter.refused,
    }


def one_by_one(about: Mapping[str, Any]) -> dict[str, float]:
    """Return seconds and requests of reading a part with sequential requests."""
    import requests

    count = 0
    with requests.Session() as plain:
        plain.headers.update(headers(about))

        def data(path: str) -> list[dict[str, Any]]:
            nonlocal count
            count += 1
            params = {"page[size]": 100, "sort": "created_at"}
            return plain.get(about["reactor_url"] + path, params=params).json()["data"]

        began = time.perf_counter()
        company = data("/companies")[0]["id"]
        for item in data(f"/companies/{company}/properties")[:PART]:
            for rule in data(f"/properties/{item['id']}/rules"):
                data(f"/rules/{rule['id']}/rule_components")
            data(f"/properties/{item['id']}/data_elements")
        return {"seconds": time.perf_counter() - began, "requests": count}


def best(about: Mapping[str, Any]) -> dict[str, float]:
    """Return the fastest of several pulls."""
    return min((fresh(pull, about) for _ in range(TIMES)), key=lambda run: run["seconds"])


def limit(requests: float, at_once: int, latency: float) -> float:
    """Return the best possible seconds."""
    return requests / at_once * latency + LEVELS * latency


def main() -> None:
    rows = []
    for milliseconds, most in ((50, 1.2), (20, 1.5)):
        latency = milliseconds / 1000
        with simulator(*COMPANY, "--latency", milliseconds) as (about, _, _):
            ours = best(about)
            cpu = ours["worked"] / ours["requests"] * 1000
            line = f"{ours['seconds']:.2f} s, {cpu:.2f} ms of CPU a request"
            name = f"{ours['requests']:,.0f} requests, {milliseconds} ms, ceiling {CEILING}"
            if milliseconds == 50:
                plain = fresh(one_by_one, about)
                whole = plain["seconds"] / plain["requests"] * ours["requests"]
                ratio = whole / ours["seconds"]
                against = f"sequential: {whole:.1f} s (from {plain['requests']} requests)"
                target = reached(ratio, least=14)
                rows.append((name, line, against, f"{ratio:.1f} times faster", target))
            least = limit(ours["requests"], CEILING, latency)
            ratio = ours["seconds"] / least
            against = f"the limit: {least:.2f} s"
            rows.append((name, line, against, f"{ratio:.2f}", reached(ratio, most=most)))
    with simulator(*COMPANY, "--latency", 50, "--most-in-flight", REFUSING) as (about, _, _):
        ours = best(about)
        least = limit(ours["requests"], REFUSING, 0.05)
        ratio = ours["seconds"] / least
        share = ours["refused"] / ours["requests"] * 100
        name = f"the same at 50 ms, 429 above {REFUSING} in flight"
        line = f"{ours['seconds']:.2f} s"
        against = f"the limit for {REFUSING}: {least:.2f} s"
        rows.append((name, line, against, f"{ratio:.2f}", reached(ratio, most=1.5)))
        refused = f"{ours['refused']:.0f} of {ours['requests']:,.0f}"
        rows.append((name, "refused", refused, f"{share:.2f} %", reached(share, most=2)))
    show(rows, "what", "ours", "against", "ratio", "target")


if __name__ == "__main__":
    main()
