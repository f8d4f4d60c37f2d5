"""Measure pulls of 200 organizations on 4 simulators, about 50 requests each at 20 ms.

The simulators are processes of their own, and so is each pull, whose processor seconds and peak of
resident memory are its own. The limit is the larger of two: the seconds in which the service can
answer, with 16 requests of each organization in flight and 4 organizations at once; and the
processor seconds that the requests take in one process.

    python benchmarks/many_organizations.py
"""

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from measuring import forget_peak, fresh, peak, reached, resident, serving, show

SIMULATORS = 4
ORGANIZATIONS = 200
AT_ONCE = 4
IN_FLIGHT = 16
LATENCY = 0.020
# The longest chain of lists that lead to each other: companies (twice), properties, and four levels.
ROUNDS = 7


def serve(number: int) -> None:
    """Run a simulator with its share of the organizations, and print how to connect to them."""
    from adobe_nb.simulator.seed import Bulk
    from adobe_nb.simulator.server import Simulator

    few = Bulk(properties=2, rules=15, components=2, data_elements=10)
    with Simulator(seed="empty", bulk=few) as simulator:
        names = [f"client-{number}-{index:03d}" for index in range(ORGANIZATIONS // SIMULATORS)]
        for name in names:
            simulator.add_organization(name)
        connections = {name: simulator.connection(name) for name in names}
        simulator.latency = LATENCY
        print(json.dumps(connections), flush=True)
        time.sleep(3600)


@contextlib.contextmanager
def agency() -> Iterator[list[str]]:
    """Start the simulators, save a profile for each organization, and yield their names."""
    import adobe_nb

    kept = ("client_id", "client_secret", "org_id", "reactor_url", "ims_url")
    names: list[str] = []
    with contextlib.ExitStack() as stack:
        for number in range(SIMULATORS):
            command = (sys.executable, __file__, "serve", str(number))
            line, _, _ = stack.enter_context(serving(*command))
            for name, about in json.loads(line).items():
                values = {key: about[key] for key in kept}
                session = adobe_nb.connect(**values, make_default=False, journal=False)
                session.save(name, in_file=True)
                session.sign_out()
                names.append(name)
        yield names


def pull(to: str, names: Sequence[str]) -> dict[str, float]:
    """Pull these organizations in threads; return seconds, requests and MiB."""
    from adobe_nb import snapshot

    # What is imported and compiled once does not count for the organizations.
    snapshot.pull_many(names[:AT_ONCE], to=f"{to}/first", progress=False)
    forget_peak()
    before, began, worked = resident(), time.perf_counter(), time.process_time()
    frame = snapshot.pull_many(names, to=to, at_once=AT_ONCE, progress=False)
    assert frame["error"].isna().all(), frame["error"].dropna().iloc[0]
    return {
        "seconds": time.perf_counter() - began,
        "processor": time.process_time() - worked,
        "requests": float(frame["requests"].sum()),
        "rows": float(frame["rows"].sum()),
        "peak": peak() - before,
    }


def pull_on_cluster(to: str, names: Sequence[str], workers: int) -> float:
    """Return the seconds of a pull by workers, each with as many threads as the pull above."""
    from distributed import Client, LocalCluster

    from adobe_nb import snapshot

    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=AT_ONCE,
        dashboard_address="127.0.0.1:0",
        local_directory=f"{to}/local",
    )
    with cluster, Client(cluster) as client:
        snapshot.pull_many(names[: workers * AT_ONCE], to=f"{to}/first", client=client)
        began = time.perf_counter()
        frame = snapshot.pull_many(names, to=to, client=client, progress=False)
        assert frame["error"].isna().all(), frame["error"].dropna().iloc[0]
        return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_CONFIG_HOME"] = home
        os.environ["DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"] = "False"
        with agency() as names:
            show(in_threads(home, names), "in threads", "ours", "against", "ratio", "target")
            show(on_cluster(home, names), "on a cluster", "ours", "against", "ratio", "target")


def in_threads(home: str, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the lines of a pull by one process, against a quarter of it and against the limit."""
    quarter = fresh(pull, f"{home}/quarter", names[::4])
    whole = fresh(pull, f"{home}/whole", names)
    service = (whole["requests"] / IN_FLIGHT + ROUNDS * len(names)) * LATENCY / AT_ONCE
    ratio = whole["seconds"] / max(service, whole["processor"])
    each = whole["processor"] / len(names)
    few = quarter["processor"] / len(names[::4])
    growth = whole["peak"] - quarter["peak"]
    return [
        (
            f"{len(names)} organizations, {whole['requests']:,.0f} requests",
            f"{whole['seconds']:.1f} s",
            f"the limit: service {service:.1f} s, processor {whole['processor']:.1f} s",
            f"{ratio:.2f}",
            reached(ratio, most=1.5),
        ),
        (
            "processor time of an organization",
            f"{each:.3f} s",
            f"of a quarter of them: {few:.3f} s",
            f"{each / few:.2f}",
            reached(each / few, most=1.2),
        ),
        (
            "memory above the start",
            f"{whole['peak']:.0f} MiB",
            f"of a quarter of them: {quarter['peak']:.0f} MiB",
            f"{growth:+.0f} MiB",
            "constant",
        ),
    ]


def on_cluster(home: str, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the line of two workers against one."""
    one, two = (pull_on_cluster(f"{home}/{workers}", names, workers) for workers in (1, 2))
    label = f"{len(names)} organizations, 2 workers"
    return [(label, f"{two:.1f} s", f"1 worker: {one:.1f} s", f"{two / one:.2f}", "")]


if __name__ == "__main__":
    if "serve" in sys.argv:
        serve(int(sys.argv[-1]))
    else:
        main()
