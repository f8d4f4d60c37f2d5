"""Compare the processor time of a request with that of a bare `requests.Session.get`.

Both read the same 2,000 lists of four rule components each, with 16 threads that wait 20 ms for
each response. Besides waiting they share one interpreter lock, so the processor time of a request
decides how far above the limit a pull ends.

    python benchmarks/requests_at_once.py
"""

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from measuring import fresh, headers, session, show, simulator

LISTS = ("--seed", "empty", "--properties", 20, "--rules", 100, "--components", 4, "--latency", 20)
THREADS = 16
TIMES = 3


def rules(about: Mapping[str, Any]) -> list[str]:
    """Return the ids of all rules."""
    return list(session(about).reactor.rules(session(about).reactor.properties())["id"])


def ours(about: Mapping[str, Any], ids: list[str]) -> tuple[float, float]:
    """Return seconds and processor seconds of reading all lists into a frame."""
    reactor = session(about).reactor
    reactor.rule_components(ids[:THREADS])
    return _spent(lambda: reactor.rule_components(ids))


def fetched(about: Mapping[str, Any], ids: list[str]) -> tuple[float, float]:
    """Return the same of reading only the bytes with our client."""
    client = session(about).client
    params = (("sort", "created_at"), ("page[number]", "1"), ("page[size]", "100"))
    return _threads(lambda rule: client.fetch(f"/rules/{rule}/rule_components", params), ids)


def bare(about: Mapping[str, Any], ids: list[str]) -> tuple[float, float]:
    """Return the same of one requests.Session for all threads, with the JSON parsed."""
    import requests
    from requests.adapters import HTTPAdapter

    plain = requests.Session()
    plain.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
    plain.headers.update(headers(about))
    params = {"sort": "created_at", "page[number]": 1, "page[size]": 100}
    url = about["reactor_url"]

    def get(rule: str) -> object:
        return json.loads(plain.get(f"{url}/rules/{rule}/rule_components", params=params).content)

    return _threads(get, ids)


def _threads(get: Callable[[str], object], ids: list[str]) -> tuple[float, float]:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(get, ids[:THREADS]))
        return _spent(lambda: list(pool.map(get, ids)))


def _spent(work: Callable[[], object]) -> tuple[float, float]:
    began, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - worked


def main() -> None:
    with simulator(*LISTS) as (about, _, _):
        ids = fresh(rules, about)
        runs: dict[str, list[tuple[float, float]]] = {}
        for _ in range(TIMES):
            for name, work in {"bare": bare, "bytes": fetched, "frame": ours}.items():
                runs.setdefault(name, []).append(fresh(work, about, ids))
    best: dict[str, tuple[float, ...]] = {}
    for name, times in runs.items():
        best[name] = tuple(map(min, zip(*times, strict=True)))
    names = {"bare": "requests.Session.get", "bytes": "ours, to bytes", "frame": "ours, to a frame"}
    base_seconds, base_cpu = best["bare"]
    rows = []
    for name, label in names.items():
        seconds, cpu = best[name]
        rows.append(
            (
                label,
                f"{seconds:.2f} s",
                f"{cpu / len(ids) * 1000:.2f} ms",
                f"{seconds / base_seconds:.2f}",
                f"{cpu / base_cpu:.2f}",
            )
        )
    show(rows, f"{len(ids):,} requests", "time", "CPU a request", "ratio of times", "ratio of CPU")


if __name__ == "__main__":
    main()
