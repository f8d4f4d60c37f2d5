"""Snapshots of a whole company: how close to the limit a pull is, what a refresh asks when nothing
has changed.

20 properties of 100 rules with 4 components and 100 data elements, all tables. Requests are counted
by a simulator in this process; time is taken against one in a process of its own, in fresh
processes. The limit is requests / 16 x latency, and one latency more for each of the five levels.

    python benchmarks/snapshots.py
"""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from measuring import fresh, reached, session, show, simulator
from whole_company import CEILING, COMPANY, LEVELS

LATENCY = 0.05


def counted() -> dict[str, int]:
    """Requests of a pull, and of a refresh right after it."""
    from adobe_nb import snapshot
    from adobe_nb.simulator.seed import Bulk
    from adobe_nb.simulator.server import Simulator

    with (
        Simulator(seed="empty", bulk=Bulk(20, 100, 4, 100)) as here,
        tempfile.TemporaryDirectory() as folder,
    ):
        ours = session(here.connection())
        ours.sign_in()
        found = {}
        for name, make in (("pull", snapshot.pull), ("refresh", snapshot.refresh)):
            here.requests.clear()
            make(**{"to" if name == "pull" else "folder": folder}, session=ours)
            found[name] = len(here.requests)
        sizes = snapshot.history(folder)["bytes"]
        found["bytes"], found["rows"] = (
            int(sizes.iloc[0]),
            int(snapshot.history(folder)["rows"].iloc[0]),
        )
        linked = [path.stat().st_nlink for path in Path(folder).rglob("*.parquet")]
        found["shared"] = sum(links > 1 for links in linked)
        return found


def seconds(about: Mapping[str, Any]) -> dict[str, float]:
    """Of a pull, a refresh, and of loading and asking what is stored."""
    from adobe_nb import snapshot

    ours = session(about)
    ours.sign_in()
    import duckdb  # noqa: F401 - is not counted
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
        taken = {}
        for name, step in steps.items():
            begun = time.perf_counter()
            step()
            taken[name] = time.perf_counter() - begun
        return taken


def main() -> None:
    """Print the table."""
    count = fresh(counted)
    with simulator(*COMPANY, "--latency", LATENCY * 1000) as (about, _, _):
        took = min((fresh(seconds, about) for _ in range(3)), key=lambda each: each["pull"])
    limit = (count["pull"] / CEILING + LEVELS) * LATENCY
    share = count["refresh"] / count["pull"]
    stored = f"{count['rows']:,} rows, {count['bytes'] / 1e6:.1f} MB on disk"
    show(
        [
            ("requests of a pull", f"{count['pull']:,}", stored, ""),
            ("requests of a refresh", f"{count['refresh']:,}", f"{share:.1%} of a pull", reached(share, 0.1)),
            ("pull, 50 ms, 16 at once", f"{took['pull']:.1f} s", f"{took['pull'] / limit:.2f} of the limit", ""),
            ("refresh", f"{took['refresh']:.1f} s", f"{took['refresh'] / took['pull']:.2f} of a pull", ""),
            ("load rule_components", f"{took['load']:.2f} s", "", ""),
            ("sql over rule_components", f"{took['sql']:.2f} s", "", ""),
        ],
        "what", "figure", "against", "wanted",
    )  # fmt: skip


if __name__ == "__main__":
    main()
