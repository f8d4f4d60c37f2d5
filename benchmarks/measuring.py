"""Shared by the benchmarks: servers in processes of their own, fresh processes, and the table."""

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
# Seconds that a server gets to end.
_SHUTDOWN_TIMEOUT = 60


def on_core(number: int) -> None:
    """Pin this process to a core, where the system has several and allows it."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {number})


def environment() -> dict[str, str]:
    """Return the environment for a process that keeps its bytecode, as it does for users."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}


@contextlib.contextmanager
def serving(*command: str, core: int | None = None) -> Iterator[tuple[str, float, int]]:
    """Start a server, and yield its first line, the seconds until then, and its process id."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=None if core is None else lambda: on_core(core),
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline(), time.perf_counter() - began, process.pid
    finally:
        process.terminate()
        process.wait(_SHUTDOWN_TIMEOUT)


@contextlib.contextmanager
def simulator(
    *options: object, core: int | None = None
) -> Iterator[tuple[dict[str, Any], float, int]]:
    """Start the simulator, and yield its addresses, the seconds it took, and its process id."""
    main = "import sys; from adobe_nb.cli import main; sys.exit(main())"
    command = (sys.executable, "-c", main, "simulator", "--json", *map(str, options))
    with serving(*command, core=core) as (line, started, pid):
        yield json.loads(line), started, pid


def headers(about: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that a request to the simulator requires."""
    return {
        "Authorization": f"Bearer {about['access_token']}",
        "x-api-key": about["client_id"],
        "x-gw-ims-org-id": about["org_id"],
        "Accept": ACCEPT,
    }


def session(about: Mapping[str, Any]) -> Any:
    """Return a session with the simulator that shows no progress bars."""
    import adobe_nb

    names = (
        "client_id",
        "client_secret",
        "org_id",
        "reactor_url",
        "ims_url",
        "edge_url",
        "edge_server_url",
    )
    return adobe_nb.connect(**{name: about[name] for name in names}, progress=False, journal=False)


def fresh(function: Callable[..., _Result], *arguments: object, **options: object) -> _Result:
    """Return the function's result in a process that has done nothing else."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments, **options).result()


def once(function: Callable[[], object]) -> float:
    """Return the seconds of one run."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def worked(function: Callable[[], object]) -> float:
    """Return the processor seconds of one run, which depend little on other work on the machine."""
    began = time.process_time()
    function()
    return time.process_time() - began


def peak(pid: int | str = "self") -> float:
    """Return the peak of a process's resident memory in MiB; 0 where the system does not say."""
    return _status(pid, "VmHWM")


def resident(pid: int | str = "self") -> float:
    """Return a process's resident memory in MiB; 0 where the system does not say."""
    return _status(pid, "VmRSS")


def forget_peak() -> None:
    """Measure the peak of this process from now on (Linux)."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def _status(pid: int | str, name: str) -> float:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(f"{name}:"))
    return 0.0


def show(rows: Iterable[Sequence[str]], *header: str) -> None:
    """Print a Markdown table with aligned columns."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        print(f"| {' | '.join(cells)} |")


def reached(ratio: float, most: float | None = None, least: float | None = None) -> str:
    """Return the target of a ratio, and whether it was missed."""
    if most is not None:
        target, is_good = f"at most {most:g}", ratio <= most
    else:
        target, is_good = f"at least {least:g}", ratio >= (least or 0)
    return target if is_good else f"{target}: MISSED"
