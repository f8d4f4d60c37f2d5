"""A whole company, read over HTTP: how much faster than one request after the other, how close to
the limit.

20 properties of 100 rules with 4 components and 100 data elements: companies, properties, rules,
components of the rules, data elements, each by one call. The limit is what nobody can beat with so
many requests in flight: requests / 16 x latency, and one latency more for each level, since rules
cannot be asked for before their properties are known.

The simulator is a process of its own; every pull runs in a fresh process, so that the limiter
starts low each time. One request after the other is measured on a part of the same requests
(requests.Session, kept alive, pages of 100, r.json() and nothing else) and scaled to all of them:
it would take two minutes.

    python benchmarks/whole_company.py
"""

import time
from collections.abc import Mapping
from typing import Any

from measuring import fresh, headers, reached, session, show, simulator

COMPANY = (
    "--seed", "empty", "--properties", 20, "--rules", 100, "--components", 4, "--data-elements", 100,
)  # fmt: skip
LEVELS = 5
CEILING = 16
REFUSING = 10
TIMES = 3
PART = 3
"""Properties that are read one request after the other."""


def pull(about: Mapping[str, Any]) -> dict[str, float]:
    """Seconds, processor seconds and requests of reading it all into frames."""
    ours = session(about)
    reactor = ours.reactor
    import pandas as pd  # noqa: F401 - is not counted

    begun, worked = time.perf_counter(), time.process_time()
    companies = reactor.companies()
    properties = reactor.properties(companies)
    rules = reactor.rules(properties)
    components = reactor.rule_components(rules)
    elements = reactor.data_elements(properties)
    seconds = time.perf_counter() - begun
    assert (len(properties), len(rules), len(components), len(elements)) == (
        20,
        2_000,
        8_000,
        2_000,
    )
    return {
        "seconds": seconds,
        "worked": time.process_time() - worked,
        # The token, the companies, and one page for each list.
        "requests": 2 + len(companies) + 2 * len(properties) + len(rules),
        "refused": ours.client.limiter.refused,
    }


def one_by_one(about: Mapping[str, Any]) -> dict[str, float]:
    """The same for a part of it, the plain way."""
    import requests

    count = 0
    with requests.Session() as plain:
        plain.headers.update(headers(about))

        def data(path: str) -> list[dict[str, Any]]:
            nonlocal count
            count += 1
            answer = plain.get(
                about["reactor_url"] + path, params={"page[size]": 100, "sort": "created_at"}
            )
            return answer.json()["data"]

        begun = time.perf_counter()
        company = data("/companies")[0]["id"]
        for each in data(f"/companies/{company}/properties")[:PART]:
            for rule in data(f"/properties/{each['id']}/rules"):
                data(f"/rules/{rule['id']}/rule_components")
            data(f"/properties/{each['id']}/data_elements")
        return {"seconds": time.perf_counter() - begun, "requests": count}


def best(about: Mapping[str, Any]) -> dict[str, float]:
    """The quickest of several pulls."""
    return min((fresh(pull, about) for _ in range(TIMES)), key=lambda run: run["seconds"])


def limit(requests: float, at_once: int, latency: float) -> float:
    """Seconds that nobody can beat."""
    return requests / at_once * latency + LEVELS * latency


def main() -> None:
    rows = []
    for milliseconds, most in ((50, 1.2), (20, 1.5)):
        latency = milliseconds / 1000
        with simulator(*COMPANY, "--latency", milliseconds) as (about, _, _):
            ours = best(about)
            line = f"{ours['seconds']:.2f} s, {ours['worked'] / ours['requests'] * 1000:.2f} ms of CPU a request"
            name = f"{ours['requests']:,.0f} requests, {milliseconds} ms, ceiling {CEILING}"
            if milliseconds == 50:
                plain = fresh(one_by_one, about)
                whole = plain["seconds"] / plain["requests"] * ours["requests"]
                ratio = whole / ours["seconds"]
                about_it = f"one by one: {whole:.1f} s (from {plain['requests']} requests)"
                rows.append(
                    (name, line, about_it, f"{ratio:.1f} times faster", reached(ratio, least=14))
                )
            least = limit(ours["requests"], CEILING, latency)
            ratio = ours["seconds"] / least
            rows.append(
                (name, line, f"the limit: {least:.2f} s", f"{ratio:.2f}", reached(ratio, most=most))
            )
    with simulator(*COMPANY, "--latency", 50, "--most-in-flight", REFUSING) as (about, _, _):
        ours = best(about)
        least = limit(ours["requests"], REFUSING, 0.05)
        ratio = ours["seconds"] / least
        share = ours["refused"] / ours["requests"] * 100
        name = f"the same at 50 ms, 429 above {REFUSING} in flight"
        about_it = f"the limit for {REFUSING}: {least:.2f} s"
        rows.append(
            (name, f"{ours['seconds']:.2f} s", about_it, f"{ratio:.2f}", reached(ratio, most=1.5))
        )
        refused = f"{ours['refused']:.0f} of {ours['requests']:,.0f}"
        rows.append((name, "refused", refused, f"{share:.2f} %", reached(share, most=2)))
    show(rows, "what", "ours", "against", "ratio", "wanted")


if __name__ == "__main__":
    main()
