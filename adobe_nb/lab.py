"""``adobe-nb lab``: JupyterLab on the tutorials, with a simulator when there are no credentials."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from adobe_nb.auth import sources
from adobe_nb.auth.credentials import ResolvedCredentials
from adobe_nb.auth.files import expanded
from adobe_nb.errors import AdobeError, ArgumentError, IncompleteCredentials
from adobe_nb.masking import printable
from adobe_nb.simulator import discovery

FIRST = "01_sign_in.ipynb"
_RECORD = ".adobe-nb-tutorials.json"
_PATIENCE = 10.0


class LabError(Exception):
    """JupyterLab cannot be opened; the message says what to do."""


def run(folder: Path, *, port: int | None, browser: bool) -> int:
    """Open JupyterLab and wait until it ends. Raises LabError."""
    if find_spec("jupyterlab") is None:
        raise LabError('JupyterLab is not installed here. Run: pip install "adobe_nb[lab]"')
    try:
        folder = expanded(folder).resolve()
    except ArgumentError as error:
        raise LabError(str(error)) from None
    for line in copy_tutorials(folder):
        _say(line)
    stop = threading.Event()
    # SIGHUP: the terminal was closed; JupyterLab runs in a session of its own and would stay.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
    with ExitStack() as stack:
        environment = dict(os.environ)
        announced = _simulator_if_needed(folder, stack)
        if announced:
            environment[sources.SIMULATOR_VARIABLE] = announced
        return _wait(_start(folder, environment, port=port, browser=browser), stop)


def tutorials() -> Path:
    """The folder of the tutorials: in an installed wheel inside the package, in a checkout beside
    it.
    """
    here = Path(__file__).parent
    return here / "tutorials" if (here / "tutorials").is_dir() else here.parent / "notebooks"


def copy_tutorials(folder: Path, source: Path | None = None) -> list[str]:
    """Copy what is missing or unchanged since we copied it; what the user changed stays. Returns
    what to tell.

    Raises LabError when the folder cannot be used.
    """
    source = source or tutorials()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _copy(source, folder)
    except OSError as error:
        raise LabError(
            f"{folder} cannot be used ({error.strerror}). Name another folder with --dir."
        ) from None


def _copy(source: Path, folder: Path) -> list[str]:
    record = folder / _RECORD
    known = _read_record(record)
    copied, kept = [], []
    for notebook in sorted(source.glob("*.ipynb")):
        target = folder / notebook.name
        if target.exists() and _digest(target) == _digest(notebook):
            known[notebook.name] = _digest(notebook)
        elif target.exists() and known.get(notebook.name) != _digest(target):
            kept.append(notebook.name)
        else:
            shutil.copyfile(notebook, target)
            known[notebook.name] = _digest(notebook)
            copied.append(notebook.name)
    if not any(folder.glob("*.ipynb")):
        raise LabError(f"No tutorials were found in {source}. Install the package again.")
    record.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    lines = [f"Tutorials are in {folder}."]
    if kept:
        lines.append(f"Kept as you changed them: {', '.join(kept)}. Delete one to get it fresh.")
    return lines


def _read_record(record: Path) -> dict[str, str]:
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _simulator_if_needed(folder: Path, stack: ExitStack) -> str:
    """The address of a simulator for the notebooks, or nothing when they will find credentials."""
    why = "No credentials were found."
    found: ResolvedCredentials | None = None
    try:
        found = sources.find(start=folder)
    except IncompleteCredentials as error:
        why = str(error)
    except AdobeError as error:
        raise LabError(str(error)) from None
    if found is not None and discovery.is_gone(found.credentials.hosts.reactor):
        why = f"The simulator of {found.credentials.source} does not answer."
        found = None
    if found is not None:
        service = _service(found.credentials.hosts.service)
        _say(f"Credentials from {found.credentials.source}: the notebooks use {service}.")
        return ""
    if sources.announced_simulator():
        _say(f"The notebooks use the simulator that {sources.SIMULATOR_VARIABLE} names.")
        return ""
    from adobe_nb.simulator.server import Simulator  # noqa: PLC0415

    simulator = stack.enter_context(Simulator())
    _say(f"{why} The notebooks use the built-in simulator ({simulator.reactor_url}).")
    return simulator.reactor_url


def _service(name: str) -> str:
    return "a simulator" if name == "simulator" else name


def _start(
    folder: Path, environment: dict[str, str], *, port: int | None, browser: bool
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command.append(f"--LabApp.default_url=/lab/tree/{FIRST}")
    if port is not None:
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # containers run as root; Jupyter would refuse
    _say("Starting JupyterLab. Ctrl-C ends it.")
    # In a session of its own, so that Ctrl-C reaches only us and we can end all of it in order.
    return subprocess.Popen(  # noqa: S603
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )


def _wait(lab: "subprocess.Popen[bytes]", stop: threading.Event) -> int:
    while lab.poll() is None and not stop.wait(0.2):
        pass
    if lab.poll() is not None:
        return int(lab.returncode)
    _say("Ending JupyterLab …")
    lab.terminate()
    try:
        lab.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        if hasattr(os, "killpg"):
            os.killpg(lab.pid, signal.SIGKILL)
        else:
            lab.kill()
        lab.wait()
    return 0


def _say(line: str) -> None:
    print(printable(line), flush=True)  # noqa: T201
