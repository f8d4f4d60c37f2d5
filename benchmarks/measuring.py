"""What the benchmarks share: a server in a process of its own, a fresh process to measure in, the
table of figures.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

ACCEPT = "application/vnd.api+json;revision=1"
MIB = 1 << 20
_Result = TypeVar("_Result")
_ENDED_BY_NOW = 60


def on_core(number: int) -> None:
    """Stay on that core, where the system has several and lets us choose."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {number})


def environment() -> dict[str, str]:
    """That of our processes: bytecode is kept, as it is for everybody."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}


@contextlib.contextmanager
def serving(*command: str, core: int | None = None) -> Iterator[tuple[str, float, int]]:
    """A server in a process of its own: its first line, the seconds until then, its process id."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=None if core is None else lambda: on_core(core),
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline(), time.perf_counter() - begun, process.pid
    finally:
        process.terminate()
        process.wait(_ENDED_BY_NOW)


@contextlib.contextmanager
def simulator(
    *switches: object, core: int | None = None
) -> Iterator[tuple[dict[str, Any], float, int]]:
    """The simulator with these switches: how to connect, the seconds it took to start, its process
    id.
    """
    main = "import sys; from adobe_nb.cli import main; sys.exit(main())"
    command = (sys.executable, "-c", main, "simulator", "--json", *map(str, switches))
    with serving(*command, core=core) as (line, started, pid):
        yield json.loads(line), started, pid


def headers(about: Mapping[str, Any]) -> dict[str, str]:
    """Those that a request to the simulator needs."""
    return {
        "Authorization": f"Bearer {about['access_token']}",
        "x-api-key": about["client_id"],
        "x-gw-ims-org-id": about["org_id"],
        "Accept": ACCEPT,
    }


def session(about: Mapping[str, Any]) -> Any:
    """A session of ours with the simulator: signs in by itself, shows no bars."""
    import adobe_nb

    named = (
        "client_id",
        "client_secret",
        "org_id",
        "reactor_url",
        "ims_url",
        "edge_url",
        "edge_server_url",
    )
    return adobe_nb.connect(**{name: about[name] for name in named}, progress=False, journal=False)


def fresh(function: Callable[..., _Result], *arguments: object, **options: object) -> _Result:
    """The function's result, of a process that has done nothing else."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments, **options).result()


def once(function: Callable[[], object]) -> float:
    """Seconds of one run."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def worked(function: Callable[[], object]) -> float:
    """Processor seconds of one run: what others do on the machine meanwhile hardly shows in them."""
    begun = time.process_time()
    function()
    return time.process_time() - begun


def peak(pid: int | str = "self") -> float:
    """Mebibytes of a process's resident memory at its peak; 0 where the system does not tell."""
    return _status(pid, "VmHWM")


def resident(pid: int | str = "self") -> float:
    """Mebibytes of a process's resident memory now; 0 where the system does not tell."""
    return _status(pid, "VmRSS")


def forget_peak() -> None:
    """The peak of this process is counted from now on (Linux)."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def _status(pid: int | str, name: str) -> float:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(f"{name}:"))
    return 0.0


def show(rows: Iterable[Sequence[str]], *heads: str) -> None:
    """Print a table in Markdown, its columns aligned."""
    lines = [heads, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        print(
            f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        )


def reached(ratio: float, most: float | None = None, least: float | None = None) -> str:
    """What was wanted of a ratio, and whether it is so."""
    wanted = f"at most {most:g}" if most is not None else f"at least {least:g}"
    good = ratio <= most if most is not None else ratio >= (least or 0)
    return wanted if good else f"{wanted}: MISSED"
