"""Measure snapshots of a whole company: a pull against the limit, and a refresh without changes.

20 properties of 100 rules with 4 components and 100 data elements, all tables, and some audit
events. A simulator in this process counts requests. Times are measured in fresh processes against a
simulator in another one, with a latency and, for the refresh, without one.
The limit is requests / 16 x latency, plus one latency for each of the six levels, the last of which
are the extension packages.

    python benchmarks/snapshots.py
"""

import tempfile
import time
from collections.abc import Mapping
from typing import Any

from measuring import fresh, reached, session, show, simulator
from whole_company import CEILING, COMPANY
from whole_company import LEVELS as LEVELS_OF_LISTS

LATENCY = 0.05
EVENTS = 1000
LEVELS = LEVELS_OF_LISTS + 1


def counted() -> dict[str, int]:
    """Return the requests of a pull, and of a refresh right after it."""
    from adobe_nb import snapshot
    from adobe_nb.simulator.seed import Bulk
    from adobe_nb.simulator.server import Simulator

    with (
        Simulator(seed="empty", bulk=Bulk(20, 100, 4, 100, EVENTS)) as here,
        tempfile.TemporaryDirectory() as folder,
    ):
        ours = session(here.connection())
        ours.sign_in()
        figures = {}
        for name, make in (("pull", snapshot.pull), ("refresh", snapshot.refresh)):
            here.requests.clear()
            make(**{"to" if name == "pull" else "folder": folder}, session=ours)
            figures[name] = len(here.requests)
        first = snapshot.history(folder).iloc[0]
        figures["bytes"], figures["rows"] = int(first["bytes"]), int(first["rows"])
        return figures


def seconds(about: Mapping[str, Any]) -> dict[str, float]:
    """Return the seconds of a pull, a refresh, and of loading and querying the snapshot."""
    from adobe_nb import snapshot

    ours = session(about)
    ours.sign_in()
    # Their imports are not counted.
    import duckdb  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        steps = {
            "pull": lambda: snapshot.pull(to=folder, session=ours),
            "refresh": lambda: snapshot.refresh(folder, session=ours),
            "load": lambda: snapshot.load(folder, "rule_components"),
            "sql": lambda: snapshot.sql(
                "SELECT count(*) FROM rule_components WHERE contains(settings, 'x')", folder
            ),
        }
        times = {}
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            times[name] = time.perf_counter() - began
        return times


def main() -> None:
    count = fresh(counted)
    with simulator(*COMPANY, "--events", EVENTS, "--latency", LATENCY * 1000) as (about, _, _):
        best = min((fresh(seconds, about) for _ in range(3)), key=lambda times: times["pull"])
    with simulator(*COMPANY, "--events", EVENTS) as (about, _, _):
        quickest = min(fresh(seconds, about)["refresh"] for _ in range(3))
    limit = (count["pull"] / CEILING + LEVELS) * LATENCY
    share = count["refresh"] / count["pull"]
    stored = f"{count['rows']:,} rows, {count['bytes'] / 1e6:.1f} MB on disk"
    of_pull = f"{share:.1%} of a pull"
    of_limit = f"{best['pull'] / limit:.2f} of the limit"
    of_seconds = f"{best['refresh'] / best['pull']:.2f} of a pull"
    rows = [
        ("requests of a pull", f"{count['pull']:,}", stored, ""),
        ("requests of a refresh", f"{count['refresh']:,}", of_pull, reached(share, 0.05)),
        ("pull, 50 ms, 16 at once", f"{best['pull']:.1f} s", of_limit, ""),
        ("refresh", f"{best['refresh']:.1f} s", of_seconds, ""),
        ("refresh without latency", f"{quickest:.2f} s", "", reached(quickest, 1.0)),
        ("load rule_components", f"{best['load']:.2f} s", "", ""),
        ("sql over rule_components", f"{best['sql']:.2f} s", "", ""),
    ]
    show(rows, "what", "figure", "against", "target")


if __name__ == "__main__":
    main()
