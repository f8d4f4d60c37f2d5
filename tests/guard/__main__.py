"""``record [--to FOLDER] [NAME …]`` records scenarios; ``serve`` plays those that standard input
names; ``list``.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path

for _name in [each for each in os.environ if each.startswith("ADOBE_")]:
    del os.environ[_name]
signal.signal(signal.SIGINT, signal.default_int_handler)

from scenarios import SCENARIOS, play  # noqa: E402
from stage import Simulators  # noqa: E402

RECORDED = Path(__file__).with_name("recorded")


def main(words: list[str]) -> int:
    """Record, serve or list."""
    if words[:1] == ["list"]:
        print("\n".join(SCENARIOS))
        return 0
    simulators = Simulators()
    try:
        if words[:1] == ["record"]:
            folder = RECORDED
            names = words[1:]
            if names[:1] == ["--to"]:
                folder = Path(names[1])
                names = names[2:]
            for name in names or SCENARIOS:
                (folder / f"{name}.json").write_text(play(name, simulators), encoding="utf-8")
                print(name)
            return 0
        if words[:1] == ["serve"]:
            _serve(simulators)
            return 0
    finally:
        simulators.close()
    print(__doc__, file=sys.stderr)
    return 2


def _serve(simulators: Simulators) -> None:
    # Whatever a scenario prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            record = play(line.strip(), simulators)
        except Exception:  # noqa: BLE001 - it shows in the comparison
            record = traceback.format_exc()
        answers.write(json.dumps(record) + "\n")
        answers.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
