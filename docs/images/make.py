"""Make the pictures of the panel in docs/images, light and dark, in a real JupyterLab with a
headless Chromium.

``python docs/images/make.py`` needs the extras ``test`` and ``keyring``, and Chromium. No Adobe
account is involved.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
CELLS = {
    "signed-out": "%load_ext adobe_nb\n%adobe_auth",
    "signed-in": "%load_ext adobe_nb\n%adobe_auth --simulator",
    "refused": (
        "%load_ext adobe_nb\nimport adobe_nb\nadobe_nb.connect(simulator='no_profile')\n%adobe_auth panel\n"
        "from adobe_nb.notebook.panel import panel\npanel()._received(None, {'action': 'test'}, None)"
    ),
    "profiles": (
        "%load_ext adobe_nb\nfrom adobe_nb import connect\nfrom adobe_nb.simulator.server import Simulator\n"
        "details = Simulator().start().connection()\n"
        "names = ('client_id', 'client_secret', 'org_id', 'reactor_url', 'ims_url', 'edge_url', 'edge_server_url')\n"
        "session = connect(**{name: details[name] for name in names})\n"
        "session.save('work', in_file=True)\nsession.save('client-b', in_file=True)\n%adobe_auth use work"
    ),
}
TABLE = (
    "%load_ext adobe_nb\n%adobe_auth --or-simulator",
    'from adobe_nb import reactor\n\nshop = reactor.find("properties", "Web Store US")\n'
    'reactor.rules(shop, filter={"enabled": True}, sort="-updated_at", limit=5)',
)
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]


def server(folder: Path, theme: str) -> tuple[subprocess.Popen[str], str]:
    """JupyterLab in that folder and theme, and its address."""
    for name, settings in (
        ("themes", {"theme": f"JupyterLab {theme}"}),
        ("notification", {"fetchNews": "false", "checkForUpdates": False}),
    ):
        path = (
            folder
            / "settings"
            / "@jupyterlab"
            / "apputils-extension"
            / f"{name}.jupyterlab-settings"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("ADOBE_")
    }
    environment |= {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"],
        cwd=folder / "work", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in process.stderr or ():
        if found := re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\S+", line):
            return process, found[0]
    raise SystemExit("JupyterLab did not start")


def shot(page: Page, url: str, name: str, theme: str) -> None:
    """Run the cell, bring the panel into its state, and take its picture."""
    page.goto(url.replace("/lab?", f"/lab/tree/{name}.ipynb?reset&"))
    page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")
    page.wait_for_selector("text=Python 3 (ipykernel) | Idle")
    page.locator(".jp-Cell .jp-InputArea-editor").first.click()
    page.keyboard.press("Shift+Enter")
    panel = page.locator(".adobe-nb").first
    panel.wait_for()
    page.wait_for_function(
        "document.querySelector('.adobe-nb').getAttribute('aria-busy') === 'false'"
    )
    if name == "refused":
        panel.get_by_role("button", name="What to do").click()
    if name == "profiles":
        panel.locator("summary").first.click()
    if name == "signed-out":
        panel.get_by_label("Organization ID").fill("ABCDEF")
        panel.get_by_role("textbox", name="Access token").fill("eyJ.cut.off")
        panel.get_by_role("button", name="Sign in", exact=True).click()
        panel.locator(".adobe-nb-field-error:not(:empty)").first.wait_for()
    page.wait_for_timeout(500)
    panel.screenshot(path=HERE / f"panel-{name}-{theme.lower()}.png")


def shot_of_table(page: Page, url: str) -> None:
    """Panel and table, as the README shows them."""
    page.goto(url.replace("/lab?", "/lab/tree/and-table.ipynb?reset&"))
    page.wait_for_selector("text=Python 3 (ipykernel) | Idle")
    page.locator(".jp-Cell .jp-InputArea-editor").first.click()
    page.keyboard.press("Shift+Enter")
    page.locator(".adobe-nb").wait_for()
    page.keyboard.press("Shift+Enter")
    page.locator(".adobe-nb-frame").wait_for()
    page.wait_for_timeout(1000)
    first = page.locator(".jp-Cell").nth(0).bounding_box()
    second = page.locator(".jp-Cell").nth(1).bounding_box()
    if first is None or second is None:
        raise SystemExit("The cells are not to be seen")
    height = second["y"] + second["height"] - first["y"]
    clip = {"x": first["x"], "y": first["y"], "width": 1040, "height": height}
    page.screenshot(path=HERE / "panel-and-table.png", clip=clip)  # type: ignore[arg-type]


def main() -> None:
    """All states in both themes."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        for theme in ("Light", "Dark"):
            with tempfile.TemporaryDirectory() as base:
                folder = Path(base)
                (folder / "work").mkdir()
                for name, sources in {
                    **{name: (source,) for name, source in CELLS.items()},
                    "and-table": TABLE,
                }.items():
                    notebook = nbformat.v4.new_notebook(
                        cells=[nbformat.v4.new_code_cell(each) for each in sources]
                    )
                    notebook.metadata["kernelspec"] = {
                        "name": "python3",
                        "display_name": "Python 3 (ipykernel)",
                    }
                    nbformat.write(notebook, folder / "work" / f"{name}.ipynb")
                process, url = server(folder, theme)
                try:
                    for name in CELLS:
                        page = browser.new_page(viewport={"width": 1366, "height": 1700})
                        shot(page, url, name, theme)
                        page.close()
                    if theme == "Light":
                        shot_of_table(
                            browser.new_page(viewport={"width": 1366, "height": 1100}), url
                        )
                finally:
                    process.terminate()
                    process.wait(30)
        browser.close()


if __name__ == "__main__":
    main()
