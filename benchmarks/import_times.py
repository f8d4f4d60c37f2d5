"""Time `import adobe_nb` and `%load_ext adobe_nb` in fresh processes with cached bytecode.

python benchmarks/import_times.py
"""

import subprocess
import sys

from measuring import environment, reached, show

TIMES = 15
_TIMED = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"
_SHELL = """
import time
import ipywidgets, pandas
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
began = time.perf_counter()
shell.run_line_magic("load_ext", "adobe_nb")
print(time.perf_counter() - began)
"""


def milliseconds(*programs: str) -> list[float]:
    """Return the best of many measurements of each program, in turn."""
    runs: dict[str, list[float]] = {program: [] for program in programs}
    for _ in range(TIMES):
        for program, times in runs.items():
            command = (sys.executable, "-c", program)
            done = subprocess.run(
                command, env=environment(), check=True, capture_output=True, text=True
            )
            times.append(float(done.stdout.splitlines()[-1]) * 1000)
    return [min(times) for times in runs.values()]


def main() -> None:
    names = "adobe_nb", "requests", "pandas", "from adobe_nb import connect"
    programs = (_TIMED.format(name if " " in name else f"import {name}") for name in names)
    ours, requests, pandas, connect, loaded = milliseconds(*programs, _SHELL)
    rows = [
        (
            "import adobe_nb",
            f"{ours:.1f} ms",
            f"import requests: {requests:.0f} ms",
            f"{ours / requests:.2f}",
            reached(ours / requests, most=1.3),
        ),
        (
            "from adobe_nb import connect",
            f"{connect:.0f} ms",
            f"import pandas: {pandas:.0f} ms",
            f"{connect / pandas:.2f}",
            "",
        ),
        (
            "%load_ext adobe_nb, after pandas and ipywidgets",
            f"{loaded:.0f} ms",
            "50 ms",
            f"{loaded / 50:.2f}",
            reached(loaded / 50, most=1),
        ),
    ]
    show(rows, "what", "ours", "against", "ratio", "target")


if __name__ == "__main__":
    main()
