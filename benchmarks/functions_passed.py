"""Functions and modules of ours that one call passes: how far a reader has to walk to follow it.

Each call is made once on a simulator in a process of its own, and every function of the package that is entered, in
any thread, is counted once. A comprehension counts as part of the function that holds it. The simulator's are left out.

    python benchmarks/functions_passed.py            # the numbers
    python benchmarks/functions_passed.py --names    # and the functions
"""

import os
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import adobe_nb

PACKAGE = Path(adobe_nb.__file__).parent
INLINE = {"<module>", "<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"}
_entered: set[CodeType] = set()


def watch() -> None:
    """Note every function that is entered from now on. Threads are watched from their start, so before any begins."""

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            _entered.add(frame.f_code)

    threading.setprofile(note)
    sys.setprofile(note)


def passed(call: Callable[[], object]) -> dict[str, set[str]]:
    """The functions that the call enters, by module."""
    _entered.clear()
    call()
    modules: dict[str, set[str]] = defaultdict(set)
    for code in list(_entered):
        path = Path(code.co_filename)
        if not path.is_relative_to(PACKAGE) or code.co_name in INLINE:
            continue
        module = path.relative_to(PACKAGE).as_posix()
        if not module.startswith("simulator/"):
            modules[module].add(code.co_qualname)
    return dict(modules)


def a_list() -> dict[str, set[str]]:
    """Rules of one property."""
    session = adobe_nb.connect(simulator=True)
    place = session.reactor.find("properties", "Web Store US")["id"][0]
    session.reactor.rules(place)
    return passed(lambda: session.reactor.rules(place))


def a_sign_in() -> dict[str, set[str]]:
    """``%adobe_auth`` with a complete source."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "adobe_nb")
    return passed(lambda: shell.run_line_magic("adobe_auth", "--or-simulator"))


def a_write() -> dict[str, set[str]]:
    """``libraries.add`` of one data element."""
    session = adobe_nb.connect(simulator=True)
    reactor = session.reactor
    place = reactor.find("properties", "Web Store US")["id"][0]
    library = reactor.libraries.create(place, name="Functions passed")
    element = reactor.data_elements(place).query("enabled")["id"].iloc[0]
    return passed(lambda: reactor.libraries.add(library, element, revise=True))


CALLS = {"reactor.rules(property)": a_list, "%adobe_auth": a_sign_in, "libraries.add": a_write}


def main() -> None:
    os.chdir(tempfile.mkdtemp())
    watch()
    for name, call in CALLS.items():
        modules = call()
        print(f"{name}: {sum(map(len, modules.values()))} functions in {len(modules)} modules")
        if "--names" in sys.argv[1:]:
            for module, functions in sorted(modules.items()):
                print(f"  {module} ({len(functions)})\n    {', '.join(sorted(functions))}")


if __name__ == "__main__":
    main()
