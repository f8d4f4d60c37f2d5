"""Processor time of one request: ours against a bare `requests.Session.get` from as many threads.

16 threads wait for 20 ms each; what they do besides waiting has one interpreter lock, so it is
processor time per request that says how far above the limit a pull ends. The same 2,000 lists, with
four rule components each.

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
    """The ids of all rules."""
    return list(session(about).reactor.rules(session(about).reactor.properties())["id"])


def ours(about: Mapping[str, Any], ids: list[str]) -> tuple[float, float]:
    """Seconds, and processor seconds, of a frame of all of them."""
    reactor = session(about).reactor
    reactor.rule_components(ids[:THREADS])
    return _spent(lambda: reactor.rule_components(ids))


def fetched(about: Mapping[str, Any], ids: list[str]) -> tuple[float, float]:
    """The same, only the bytes of our answers."""
    client = session(about).client
    params = (("sort", "created_at"), ("page[number]", "1"), ("page[size]", "100"))
    return _threads(lambda each: client.fetch(f"/rules/{each}/rule_components", params), ids)


def bare(about: Mapping[str, Any], ids: list[str]) -> tuple[float, float]:
    """One requests.Session for all threads, the JSON parsed and dropped."""
    import requests
    from requests.adapters import HTTPAdapter

    plain = requests.Session()
    plain.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
    plain.headers.update(headers(about))
    params = {"sort": "created_at", "page[number]": 1, "page[size]": 100}
    url = about["reactor_url"]
    return _threads(
        lambda each: json.loads(
            plain.get(f"{url}/rules/{each}/rule_components", params=params).content
        ),
        ids,
    )


def _threads(get: Callable[[str], object], ids: list[str]) -> tuple[float, float]:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(get, ids[:THREADS]))
        return _spent(lambda: list(pool.map(get, ids)))


def _spent(work: Callable[[], object]) -> tuple[float, float]:
    begun, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begun, time.process_time() - worked


def main() -> None:
    with simulator(*LISTS) as (about, _, _):
        ids = fresh(rules, about)
        runs: dict[str, list[tuple[float, float]]] = {}
        for _ in range(TIMES):
            for name, work in {"bare": bare, "bytes": fetched, "frame": ours}.items():
                runs.setdefault(name, []).append(fresh(work, about, ids))
    best = {
        name: (min(run[0] for run in found), min(run[1] for run in found))
        for name, found in runs.items()
    }
    names = {"bare": "requests.Session.get", "bytes": "ours, to bytes", "frame": "ours, to a frame"}
    least = best["bare"]
    rows = [
        (
            what,
            f"{best[name][0]:.2f} s",
            f"{best[name][1] / len(ids) * 1000:.2f} ms",
            f"{best[name][0] / least[0]:.2f}",
            f"{best[name][1] / least[1]:.2f}",
        )
        for name, what in names.items()
    ]
    show(rows, f"{len(ids):,} requests", "time", "CPU a request", "ratio of times", "ratio of CPU")


if __name__ == "__main__":
    main()
