"""Make the pictures of the panel, in a real JupyterLab with a headless Chromium.

``python docs/images/make.py`` replaces those that the documentation shows. ``python
docs/images/make.py FOLDER`` writes every state into that folder, in both themes and at two widths
of the window, to look at. Both need the extras ``test`` and ``keyring``, and Chromium. No Adobe
account is involved.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from adobe_nb.simulator.accounts import ACCOUNTS

HERE = Path(__file__).parent
STATES = {
    "signed-out": "%load_ext adobe_nb\n%adobe_auth",
    "wrong-organization": "%load_ext adobe_nb\n%adobe_auth",
    "signed-in": "%load_ext adobe_nb\n%adobe_auth --simulator",
    "refused": (
        "%load_ext adobe_nb\n"
        "import adobe_nb\n"
        "adobe_nb.connect(simulator='no_profile').test()\n"
        "%adobe_auth panel"
    ),
    "profiles": (
        "%load_ext adobe_nb\n"
        "from adobe_nb import connect\n"
        "from adobe_nb.simulator.server import Simulator\n"
        "details = Simulator().start().connection()\n"
        "names = ('client_id', 'client_secret', 'org_id', 'reactor_url', 'ims_url', 'edge_url',\n"
        "         'edge_server_url')\n"
        "session = connect(**{name: details[name] for name in names})\n"
        "session.save('practice', in_file=True)\n"
        # At Adobe, with a token that is never sent.
        "work = connect(access_token=details['access_token'], make_default=False,\n"
        "               org_id='0123456789ABCDEF01234567@AdobeOrg')\n"
        "work.save('work', in_file=True)\n"
        "%adobe_auth use practice"
    ),
}
SHOWN = ("signed-in", "refused", "profiles")
"""The states in the documentation: in the light theme, in a wide window."""
TABLE = (
    "%load_ext adobe_nb\n%adobe_auth --or-simulator",
    'from adobe_nb import reactor\n\nshop = reactor.find("properties", "Web Store US")\n'
    'reactor.rules(shop, filter={"enabled": True}, sort="-updated_at", limit=5)',
)
WIDTHS = (1280, 800)
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]
SETTINGS = {
    "themes": {"adaptive-theme": True},
    "notification": {"fetchNews": "false", "checkForUpdates": False},
}


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run JupyterLab in a folder; yield its address."""
    settings_folder = folder / "settings"
    for name, settings in SETTINGS.items():
        extension = settings_folder / "@jupyterlab" / "apputils-extension"
        extension.mkdir(parents=True, exist_ok=True)
        (extension / f"{name}.jupyterlab-settings").write_text(json.dumps(settings))
    environment = {}
    for name, value in os.environ.items():
        if not name.startswith("ADOBE_"):
            environment[name] = value
    environment |= {
        "JUPYTERLAB_SETTINGS_DIR": str(settings_folder),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    command = ["-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder / "work",
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield address(process)
    finally:
        process.terminate()
        process.wait(30)


def address(process: subprocess.Popen[str]) -> str:
    """Return the address that JupyterLab prints."""
    for line in process.stderr or ():
        if found := re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\S+", line):
            return found[0]
    raise SystemExit("JupyterLab did not start")


def open_notebook(browser: Browser, url: str, name: str) -> Page:
    """Open a notebook, run its first cell, and wait for the panel."""
    page = browser.new_page(viewport={"width": WIDTHS[0], "height": 1700})
    page.goto(url.replace("/lab?", f"/lab/tree/{name}.ipynb?reset&"))
    page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")
    page.wait_for_selector("text=Python 3 (ipykernel) | Idle")
    page.locator(".jp-Cell .jp-InputArea-editor").first.click()
    page.keyboard.press("Shift+Enter")
    page.locator(".adobe-nb[aria-busy=false]").wait_for()
    return page


def bring_into_state(panel: Locator, state: str) -> None:
    """Click and type what the state needs beyond its cell."""
    form, help_text = panel.locator("summary").all()
    if state == "refused":
        panel.get_by_role("button", name="Test").click()
        panel.get_by_role("button", name="What to do").click()
    elif state == "profiles":
        form.click()
    elif state == "signed-out":
        panel.get_by_role("button", name="Sign in", exact=True).click()
        help_text.click()
    elif state == "wrong-organization":
        panel.get_by_label("Service").select_option("simulator")
        panel.get_by_label("Organization ID").fill("0123456789ABCDEF01234567@AdobeOrg")
        panel.get_by_label("Client ID").fill(ACCOUNTS["demo"].client_id)
        panel.get_by_label("Client secret", exact=True).fill(ACCOUNTS["demo"].client_secret)
        panel.get_by_role("button", name="Sign in", exact=True).click()
        panel.locator(".adobe-nb-field-error:not(:empty)").first.wait_for()
    panel.page.wait_for_timeout(500)


def shot_of_table(page: Page) -> None:
    """Panel and table, as the README shows them."""
    page.set_viewport_size({"width": 1366, "height": 1100})
    page.keyboard.press("Shift+Enter")
    page.locator(".adobe-nb-frame").wait_for()
    page.wait_for_timeout(1000)
    first = page.locator(".jp-Cell").nth(0).bounding_box()
    second = page.locator(".jp-Cell").nth(1).bounding_box()
    if first is None or second is None:
        raise SystemExit("The cells are not to be seen")
    height = second["y"] + second["height"] - first["y"]
    path = HERE / "panel-and-table.png"
    page.screenshot(
        path=path, clip={"x": first["x"], "y": first["y"], "width": 1040, "height": height}
    )
    reduce_colors(path)


def reduce_colors(path: Path) -> None:
    """Make a picture a third of its size, which nobody sees."""
    with Image.open(path) as image:
        reduced = image.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)


def shots_of_states(browser: Browser, url: str, folder: Path) -> None:
    """Every state in both themes and at both widths."""
    for state in STATES:
        page = open_notebook(browser, url, state)
        panel = page.locator(".adobe-nb")
        bring_into_state(panel, state)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 1700})
                page.wait_for_timeout(800)
                panel.screenshot(path=folder / f"{state}-{width}-{theme}.png")
        page.close()


def shots_of_documentation(browser: Browser, url: str) -> None:
    """The pictures that pages show."""
    # First, because the state with profiles saves some.
    shot_of_table(open_notebook(browser, url, "and-table"))
    for state in SHOWN:
        page = open_notebook(browser, url, state)
        panel = page.locator(".adobe-nb")
        bring_into_state(panel, state)
        path = HERE / f"panel-{state}-light.png"
        panel.screenshot(path=path)
        reduce_colors(path)
        page.close()


def write_notebooks(folder: Path) -> None:
    """Write a notebook for each state, and that of the table."""
    sources = {state: (source,) for state, source in STATES.items()}
    for name, cells in {**sources, "and-table": TABLE}.items():
        notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
        kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
        notebook.metadata["kernelspec"] = kernel
        nbformat.write(notebook, folder / f"{name}.ipynb")


def main() -> None:
    """Make the pictures of the documentation, or all of them in the folder that is named."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as base, sync_playwright() as playwright:
        (Path(base) / "work").mkdir()
        write_notebooks(Path(base) / "work")
        browser = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        with server(Path(base)) as url:
            if len(sys.argv) > 1:
                shots_of_states(browser, url, Path(sys.argv[1]))
            else:
                shots_of_documentation(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
