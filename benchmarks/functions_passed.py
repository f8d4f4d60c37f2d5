"""Count the functions and modules of the package that a call enters: what a reader has to follow.

Each call runs on a simulator in a process of its own, after a first call. Every function that is
entered in any thread is counted once. A comprehension is part of its function.

    python benchmarks/functions_passed.py            # the numbers
    python benchmarks/functions_passed.py --names    # and the functions
"""

import contextlib
import io
import os
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from measuring import session, simulator

import adobe_nb

PACKAGE = Path(adobe_nb.__file__).parent
INLINE = {"<module>", "<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"}
_entered: set[CodeType] = set()


def watch() -> None:
    """Record every function that is entered from now on, in this thread and in later ones."""

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            _entered.add(frame.f_code)

    threading.setprofile(note)
    sys.setprofile(note)


def passed(call: Callable[[], object]) -> dict[str, set[str]]:
    """Return the functions that the call enters, by module."""
    _entered.clear()
    call()
    modules: dict[str, set[str]] = defaultdict(set)
    for code in list(_entered):
        path = Path(code.co_filename)
        if not path.is_relative_to(PACKAGE) or code.co_name in INLINE:
            continue
        modules[path.relative_to(PACKAGE).as_posix()].add(code.co_qualname)
    return dict(modules)


def a_list(about: Mapping[str, Any]) -> dict[str, set[str]]:
    """List the rules of a property."""
    reactor = session(about).reactor
    property_id = reactor.find("properties", "Web Store US")["id"][0]
    reactor.rules(property_id)
    return passed(lambda: reactor.rules(property_id))


def a_sign_in(about: Mapping[str, Any]) -> dict[str, set[str]]:
    """Sign in with ``%adobe_auth``, from a complete source."""
    from IPython.core.interactiveshell import InteractiveShell

    names = {"client_id", "client_secret", "org_id", "scopes", "reactor_url", "ims_url"}
    os.environ.update({f"ADOBE_{name.upper()}": str(about[name]) for name in names})
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "adobe_nb")
    with contextlib.redirect_stdout(io.StringIO()):
        return passed(lambda: shell.run_line_magic("adobe_auth", ""))


def a_write(about: Mapping[str, Any]) -> dict[str, set[str]]:
    """Add a data element to a library."""
    reactor = session(about).reactor
    property_id = reactor.find("properties", "Web Store US")["id"][0]
    library = reactor.libraries.create(property_id, name="Functions passed")
    first, second = reactor.data_elements(property_id).query("enabled")["id"].iloc[:2]
    reactor.libraries.add(library, first, revise=True)
    return passed(lambda: reactor.libraries.add(library, second, revise=True))


CALLS = {"reactor.rules(property)": a_list, "%adobe_auth": a_sign_in, "libraries.add": a_write}


def main() -> None:
    with simulator() as (about, _, _):
        os.chdir(tempfile.mkdtemp())
        watch()
        for name, call in CALLS.items():
            modules = call(about)
            count = sum(map(len, modules.values()))
            print(f"{name}: {count} functions in {len(modules)} modules")
            if "--names" in sys.argv[1:]:
                for module, functions in sorted(modules.items()):
                    print(f"  {module} ({len(functions)})\n    {', '.join(sorted(functions))}")
        sys.setprofile(None)


if __name__ == "__main__":
    main()
