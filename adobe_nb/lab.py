"""``adobe-nb lab``: JupyterLab with the tutorials, and with a simulator if needed."""

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
from adobe_nb.auth.files import expanded
from adobe_nb.errors import AdobeError, IncompleteCredentials
from adobe_nb.masking import printable
from adobe_nb.simulator import discovery

FIRST = "01_sign_in.ipynb"
_RECORD = ".adobe-nb-tutorials.json"
_STOP_SECONDS = 10.0


class LabError(AdobeError):
    """JupyterLab cannot be opened."""


def run(folder: Path, *, port: int | None, browser: bool) -> int:
    """Open JupyterLab, wait until it ends, and return its exit status. Raises AdobeError."""
    if find_spec("jupyterlab") is None:
        raise LabError('JupyterLab is not installed. Run: pip install "adobe_nb[lab]"')
    folder = expanded(folder).resolve()
    for line in copy_tutorials(folder):
        _say(line)
    stop = threading.Event()
    # SIGHUP: when the terminal is closed, JupyterLab would continue in its own session.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
    with ExitStack() as stack:
        environment = dict(os.environ)
        simulator_url = _simulator_if_needed(folder, stack)
        if simulator_url:
            environment[sources.SIMULATOR_VARIABLE] = simulator_url
        return _wait(_start(folder, environment, port=port, browser=browser), stop)


def tutorials() -> Path:
    """Return the folder of the tutorials."""
    package = Path(__file__).parent
    installed = package / "tutorials"
    # A checkout has them next to the package.
    if not installed.is_dir():
        return package.parent / "notebooks"
    return installed


def copy_tutorials(folder: Path, source: Path | None = None) -> list[str]:
    """Copy the tutorials and their images, except files that the user has changed.

    Return lines about it. Raises LabError when the folder cannot be used.
    """
    source = source or tutorials()
    record = folder / _RECORD
    kept = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        copied = _read_record(record)
        for original in sorted([*source.glob("*.ipynb"), *source.glob("images/*.svg")]):
            name = original.relative_to(source).as_posix()
            target = folder / name
            target.parent.mkdir(exist_ok=True)
            digest = _digest(original)
            existing = None
            if target.exists():
                existing = _digest(target)
            # A file with other content than our last copy is the user's.
            if existing not in {None, digest, copied.get(name)}:
                kept.append(name)
                continue
            if existing != digest:
                shutil.copyfile(original, target)
            copied[name] = digest
        if not any(folder.glob("*.ipynb")):
            raise LabError(f"There are no tutorials in {source}. Reinstall the package.")
        record.write_text(json.dumps(copied, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise LabError(
            f"The folder {folder} cannot be used ({error.strerror}). Choose another one with --dir."
        ) from None
    lines = [f"The tutorials are in {folder}."]
    if kept:
        lines.append(
            f"Kept your changes: {', '.join(kept)}. Delete a file to get the original back."
        )
    return lines


def _read_record(record: Path) -> dict[str, str]:
    try:
        copied = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(copied, dict):
        return {}
    return copied


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _simulator_if_needed(folder: Path, stack: ExitStack) -> str:
    """Start a simulator if the notebooks have no credentials; return its URL, or an empty text."""
    reason = "No credentials were found."
    try:
        resolved = sources.find(start=folder)
    except IncompleteCredentials as error:
        reason = str(error)
        resolved = None
    if resolved is not None and discovery.is_gone(resolved.credentials.hosts.reactor):
        reason = f"The simulator of {resolved.credentials.source} does not respond."
        resolved = None
    if resolved is not None:
        service = resolved.credentials.hosts.service
        if service == "simulator":
            service = "a simulator"
        _say(f"Credentials from {resolved.credentials.source}: the notebooks use {service}.")
        return ""
    if sources.announced_simulator():
        _say(f"The notebooks use the simulator in {sources.SIMULATOR_VARIABLE}.")
        return ""
    from adobe_nb.simulator.server import Simulator  # noqa: PLC0415

    simulator = stack.enter_context(Simulator())
    _say(f"{reason} The notebooks use the built-in simulator ({simulator.reactor_url}).")
    return simulator.reactor_url


def _start(
    folder: Path, environment: dict[str, str], *, port: int | None, browser: bool
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command.append(f"--LabApp.default_url=/lab/tree/{FIRST}")
    if port is not None:
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        command.append("--no-browser")
    # Jupyter refuses to run as root without it, and containers do.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    _say("Starting JupyterLab. Press Ctrl-C to stop it.")
    # In its own session, so that Ctrl-C reaches only this process, which stops JupyterLab in order.
    return subprocess.Popen(  # noqa: S603
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )


def _wait(lab: "subprocess.Popen[bytes]", stop: threading.Event) -> int:
    while lab.poll() is None and not stop.wait(0.2):
        pass
    if lab.poll() is not None:
        return int(lab.returncode)
    _say("Stopping JupyterLab …")
    lab.terminate()
    try:
        lab.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        # Its kernels are in the same session.
        if hasattr(os, "killpg"):
            os.killpg(lab.pid, signal.SIGKILL)
        else:
            lab.kill()
        lab.wait()
    return 0


def _say(line: str) -> None:
    print(printable(line), flush=True)  # noqa: T201
