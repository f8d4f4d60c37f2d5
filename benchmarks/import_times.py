"""How long `import adobe_nb` and `%load_ext adobe_nb` take, each in a fresh process, bytecode
cached.

python benchmarks/import_times.py
"""

import subprocess
import sys

from measuring import environment, reached, show

TIMES = 15
_TIMED = "import time; begun = time.perf_counter(); {}; print(time.perf_counter() - begun)"
_SHELL = """
import time
import ipywidgets, pandas
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
begun = time.perf_counter()
shell.run_line_magic("load_ext", "adobe_nb")
print(time.perf_counter() - begun)
"""


def milliseconds(*programs: str) -> list[float]:
    """Of each program's own measurement, the best of many, in turn."""
    found: list[list[float]] = [[] for _ in programs]
    for _ in range(TIMES):
        for at, program in enumerate(programs):
            command = (sys.executable, "-c", program)
            said = subprocess.run(
                command, env=environment(), check=True, capture_output=True, text=True
            ).stdout
            found[at].append(float(said.splitlines()[-1]) * 1000)
    return [min(each) for each in found]


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
    show(rows, "what", "ours", "against", "ratio", "wanted")


if __name__ == "__main__":
    main()
