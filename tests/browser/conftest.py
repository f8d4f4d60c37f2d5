"""JupyterLab as ``adobe-nb lab`` opens it, and a headless Chromium. Skipped without Chromium, but
not in CI.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import RECORDER, started

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--proxy-server=direct://",
]
PATIENCE = 180_000
"""Milliseconds for a server or a kernel to start, or a tutorial to run, on a busy machine."""
PROMPT = 15_000
"""For an answer of the panel: a click that is lost must not hide behind patience."""
expect.set_options(timeout=PATIENCE)  # five seconds are too few for a kernel on a busy machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    # What takes longest comes first: at the end it would keep one process busy while the others
    # have nothing to do.
    items.sort(key=lambda item: here not in item.path.parents)
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None and not os.environ.get("CI"):
                item.add_marker(
                    pytest.mark.skip(
                        "no Chromium on this machine; Debian's package is called chromium"
                    )
                )


class Lab:
    """A running JupyterLab, its folder, and the simulator that its notebooks use."""

    def __init__(self, url: str, folder: Path, simulator: object, config: Path) -> None:
        self.url, self.folder, self.simulator, self.config = url, folder, simulator, config

    def write(self, name: str, *cells: str) -> Path:
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells]
        )
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3 (ipykernel)",
        }
        path = self.folder / name
        nbformat.write(notebook, path)
        return path

    def open(self, page: Page, name: str) -> None:
        page.goto(re.sub(r"/lab\S*\?", f"/lab/tree/{name}?reset&", self.url))
        page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")
        page.wait_for_selector("text=Python 3 (ipykernel) | Idle")

    def saved(self, name: str) -> str:
        """The notebook file and its checkpoint."""
        stem = Path(name).stem
        files = [
            self.folder / name,
            self.folder / ".ipynb_checkpoints" / f"{stem}-checkpoint.ipynb",
        ]
        return "\n".join(path.read_text(encoding="utf-8") for path in files if path.exists())


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """``adobe-nb lab`` in a new folder, with the simulator in this process so that tests can look
    into it.
    """
    folder, settings = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("settings")
    manager = settings / "@jupyter-widgets" / "jupyterlab-manager"
    manager.mkdir(parents=True)
    (manager / "plugin.jupyterlab-settings").write_text(json.dumps({"saveState": True}))
    simulator = started()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("ADOBE_")
    }
    environment |= {
        "ADOBE_NB_SIMULATOR": simulator.reactor_url,
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path_factory.mktemp("workspaces")),
        "XDG_CONFIG_HOME": str(tmp_path_factory.mktemp("config")),
        "IPYTHONDIR": str(tmp_path_factory.mktemp("ipython")),
    }
    script = "import sys; from adobe_nb.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "lab", "--no-browser", "--dir", str(folder)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    found = None
    for line in process.stderr:
        found = re.search(r"http://127\.0\.0\.1:\d+/lab\S*token=\S+", line)
        if found:
            break
    assert found, "JupyterLab did not start"
    log = settings / "server.log"  # of the server and its kernels
    with log.open("w") as file:
        drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=file)
    process.stderr.close()
    yield Lab(found[0], folder, simulator, Path(environment["XDG_CONFIG_HOME"]))
    process.send_signal(signal.SIGINT)
    process.wait(300)
    drain.wait(60)
    simulator.stop()
    history = list(Path(environment["IPYTHONDIR"]).rglob("history.sqlite*"))
    written = log.read_bytes() + b"".join(path.read_bytes() for path in history)
    assert b"Kernel started" in written
    assert history
    leaked = [secret for secret in RECORDER.known_secrets() if secret.encode() in written]
    assert not leaked, (
        f"{len(leaked)} secrets are in the log of the server, or in IPython's history"
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "CI needs Chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield chromium
        chromium.close()


@contextmanager
def new_page(browser: Browser) -> Iterator[Page]:
    """A laptop's width. Any request that leaves this machine fails the test."""
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    outside: list[str] = []
    context.on(
        "request", lambda request: outside.append(request.url) if is_outside(request.url) else None
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    context.close()
    assert outside == []


def is_outside(url: str) -> bool:
    return url.startswith(("http", "ws")) and not re.match(
        r"(http|ws)://(127\.0\.0\.1|localhost)[:/]", url
    )


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with new_page(browser) as page:
        yield page


@pytest.fixture
def open_notebook(lab: Lab, page: Page) -> Callable[[str], Page]:
    def opened(name: str) -> Page:
        lab.open(page, name)
        return page

    return opened
