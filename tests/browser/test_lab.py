"""In a real JupyterLab: the tutorial, the panel by click and by keyboard, the countdown, and no secret in the file."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from adobe_nb.simulator.ims import Account
from tests.browser.conftest import PATIENCE, PROMPT, Lab, new_page
from tests.conftest import RECORDER, until
from tests.notebooks.runner import paths

Open = Callable[[str], Page]
NOTEBOOK = "panel.ipynb"
NEW_PANEL = """\
%load_ext adobe_nb
from adobe_nb import session as sessions
from adobe_nb.notebook import panel as panels
if sessions.current_or_none():
    sessions.current().sign_out()
panels._panel = None
%adobe_auth panel
"""
BUSY = "import pathlib, time\nwhile not pathlib.Path({!r}).exists(): time.sleep(0.1)"


def run_cell(page: Page, index: int) -> None:
    page.locator(".jp-Cell .jp-InputArea-editor").nth(index).click()
    page.keyboard.press("Shift+Enter")


def menu(page: Page, *items: str) -> None:
    page.locator(f".lm-MenuBar-itemLabel:text-is('{items[0]}')").click()
    for item in items[1:]:
        page.locator(f".lm-Menu-itemLabel:text-is('{item}')").click()


def wait_until(true: Callable[[], bool], what: str) -> None:
    assert until(true, 300), what


def is_whole(path: Path) -> bool:
    """Whether the file is not in the middle of being written."""
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def saved_after(lab: Lab, page: Page, name: str) -> str:
    """Save by the toolbar's button, wait for the file to change, and read it with its checkpoint.

    A click while the notebook is being saved already is lost, so it is repeated.
    """
    path = lab.folder / name
    before = path.stat().st_mtime_ns
    clicked = 0.0

    def saved() -> bool:
        nonlocal clicked
        if path.stat().st_mtime_ns != before:
            return is_whole(path)
        if time.monotonic() - clicked > 2:
            page.locator('[data-jp-item-name="save"] >> css=:is(button, jp-button)').first.click()
            clicked = time.monotonic()
        return False

    wait_until(saved, "the notebook was saved")
    return lab.saved(name)


def release_file(lab: Lab, name: str) -> Path:
    """The file that ends the busy cell of a notebook."""
    return lab.folder / f"{name}.released"


def type_credentials(page: Page, account: Account) -> None:
    """Open the form and fill it in, up to the click."""
    page.locator(".adobe-nb summary").first.click()
    page.get_by_label("Organization ID").fill(account.org_id)
    page.get_by_label("Client ID").fill(account.client_id)
    page.get_by_label("Client secret", exact=True).fill(account.client_secret)


@pytest.fixture(scope="module")
def notebook(lab: Lab, browser: Browser) -> Iterator[Page]:
    """One page and one kernel for all tests of the panel: both take their time to start.

    The second cell keeps the kernel busy until it is released.
    """
    lab.write(NOTEBOOK, NEW_PANEL, BUSY.format(release_file(lab, NOTEBOOK).name))
    with new_page(browser) as page:
        lab.open(page, NOTEBOOK)
        yield page


def show_new_panel(page: Page) -> None:
    """A panel without a session, and without what the test before typed."""
    page.evaluate("document.querySelectorAll('.adobe-nb').forEach(old => old.dataset.old = '')")
    run_cell(page, 0)
    expect(page.locator(".adobe-nb[data-old]")).to_have_count(0)
    expect(page.locator(".adobe-nb")).to_have_count(1)


@pytest.fixture
def panel(lab: Lab, notebook: Page, request: pytest.FixtureRequest) -> Iterator[tuple[Page, str]]:
    failures = request.session.testsfailed
    release_file(lab, NOTEBOOK).unlink(missing_ok=True)
    show_new_panel(notebook)
    notebook.set_default_timeout(PROMPT)
    expect.set_options(timeout=PROMPT)
    yield notebook, NOTEBOOK
    expect.set_options(timeout=PATIENCE)
    notebook.set_default_timeout(PATIENCE)
    for path in [*lab.config.rglob("profiles.toml"), *lab.config.rglob("secrets.toml")]:
        path.unlink()  # the other tests have none
    if request.session.testsfailed > failures:
        # Whatever state the test left behind, the next one must not fail of it.
        release_file(lab, NOTEBOOK).touch()
        lab.open(notebook, NOTEBOOK)


def forget_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, path)


@pytest.mark.parametrize("name", [path.name for path in paths()])
def test_tutorial_runs_top_to_bottom(lab: Lab, open_notebook: Open, name: str) -> None:
    forget_outputs(lab.folder / name)
    page = open_notebook(name)
    menu(page, "Run", "Run All Cells")

    def code() -> list[nbformat.NotebookNode]:
        # Saving again and again would only take time from the kernel.
        page.wait_for_selector("text=Python 3 (ipykernel) | Idle")
        saved_after(lab, page, name)
        return [
            cell
            for cell in nbformat.read(lab.folder / name, as_version=4).cells
            if cell.cell_type == "code"
        ]

    wait_until(lambda: all(cell.execution_count for cell in code()), "every cell has run")
    page.locator(".jp-WindowedPanel-outer").first.evaluate("panel => panel.scrollTo(0, 0)")
    if name == "01_sign_in.ipynb":
        expect(page.locator(".adobe-nb header strong")).to_have_text("Signed in")
    else:
        expect(page.locator(".jp-OutputArea-output").first).to_contain_text("<Session simulator")
    text = saved_after(lab, page, name)
    for _ in range(12):
        page.locator(".jp-WindowedPanel-outer").first.evaluate("panel => panel.scrollBy(0, 700)")
        page.wait_for_timeout(100)
    assert not [
        output for cell in code() for output in cell.outputs if output.output_type == "error"
    ]
    assert not [secret for secret in RECORDER.known_secrets() if secret in text]


def test_panel_connects_tests_and_signs_out_by_click(panel: tuple[Page, str]) -> None:
    page, _ = panel
    expect(page.locator(".adobe-nb header strong")).to_have_text("Not signed in")
    page.get_by_role("button", name="Connect").click()
    expect(page.locator(".adobe-nb header strong")).to_have_text("Signed in")
    expect(page.locator(".adobe-nb-badge")).to_have_text("Simulator")
    expect(page.locator(".adobe-nb-left")).to_contain_text(re.compile(r"23 h 5\d min left"))
    page.get_by_role("button", name="Test").click()
    expect(page.locator(".adobe-nb-said")).to_have_text(
        "The credentials work. Company: Hearth & Harbor."
    )
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".adobe-nb header strong")).to_have_text("Not signed in")


def test_focus_stays_in_the_panel_after_each_action(panel: tuple[Page, str]) -> None:
    page, _ = panel
    page.get_by_role("button", name="Connect").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".adobe-nb header strong")).to_have_text("Signed in")
    expect(page.get_by_role("button", name="Test")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("status").filter(has_text="New token: ")).to_be_visible()
    expect(page.get_by_role("button", name="New token")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".adobe-nb header strong")).to_have_text("Not signed in")
    expect(page.get_by_role("button", name="Connect")).to_be_focused()


def test_token_pasted_by_keyboard_is_not_in_the_file(lab: Lab, panel: tuple[Page, str]) -> None:
    page, name = panel
    details = lab.simulator.connection()
    token = details["access_token"]
    RECORDER.secrets.add(token)
    page.get_by_role("button", name="Connect").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # opens the form
    page.keyboard.press("Tab")
    expect(page.get_by_label("Client secret (OAuth Server-to-Server)")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Access token (24 hours)")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Service")).to_have_value("simulator")
    page.keyboard.press("Tab")
    link = page.locator(".adobe-nb form a")
    expect(link).to_be_focused()
    assert link.get_attribute("href") == "https://developer.adobe.com/console"
    assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener")
    page.keyboard.press("Tab")
    page.keyboard.type(details["org_id"])
    page.keyboard.press("Tab")
    page.keyboard.insert_text(f"Bearer {token}")
    assert token not in saved_after(lab, page, name), "typed, not sent yet"
    page.get_by_label("Access token", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".adobe-nb header strong")).to_have_text("Signed in")
    expect(page.locator(".adobe-nb-left")).to_contain_text("then paste a new token")
    expect(page.get_by_role("button", name="Test")).to_be_focused()
    assert token not in saved_after(lab, page, name), "after the sign-in"
    assert "application/vnd.jupyter.widget-state+json" in (lab.folder / name).read_text(), (
        "widget state was saved"
    )
    expect(page.get_by_label("Access token", exact=True)).to_have_value("")


def test_client_secret_is_not_in_the_file_while_the_kernel_is_busy(
    lab: Lab, panel: tuple[Page, str]
) -> None:
    page, name = panel
    details = lab.simulator.connection()
    page.locator(".adobe-nb summary").first.click()
    page.get_by_label("Organization ID").fill(details["org_id"])
    page.get_by_label("Client ID").fill(details["client_id"])
    secret = page.get_by_label("Client secret", exact=True)
    secret.press_sequentially(details["client_secret"])
    assert details["client_secret"] not in saved_after(lab, page, name), "typed, not sent yet"
    run_cell(page, 1)
    page.wait_for_selector("text=Python 3 (ipykernel) | Busy")
    page.locator(".adobe-nb").scroll_into_view_if_needed()
    page.get_by_role("button", name="Sign in").click()
    assert details["client_secret"] not in saved_after(lab, page, name), (
        "sent while the kernel is busy"
    )
    expect(page.locator("text=Python 3 (ipykernel) | Busy")).to_have_count(1)
    release_file(lab, name).touch()
    expect(page.locator(".adobe-nb header strong")).to_have_text("Signed in")
    assert details["client_secret"] not in saved_after(lab, page, name), "after the sign-in"


def test_client_secret_is_not_in_the_file_without_saved_widget_state(
    lab: Lab, panel: tuple[Page, str]
) -> None:
    page, name = panel
    details = lab.simulator.connection()
    menu(page, "Settings", "Save Widget State Automatically")
    type_credentials(page, lab.simulator.accounts["demo"])
    assert details["client_secret"] not in saved_after(lab, page, name), "typed, not sent yet"
    page.get_by_role("button", name="Sign in", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".adobe-nb header strong")).to_have_text("Signed in")
    expect(page.get_by_role("button", name="Test")).to_be_focused()
    assert details["client_secret"] not in saved_after(lab, page, name), "after the sign-in"
    menu(page, "Settings", "Save Widget State Automatically")


def test_saved_profile_signs_in_after_a_restart_by_keyboard(
    lab: Lab, panel: tuple[Page, str]
) -> None:
    page, name = panel
    details = lab.simulator.connection()
    type_credentials(page, lab.simulator.accounts["demo"])
    page.get_by_label("Save as profile").fill("work")
    page.get_by_role("button", name="Sign in", exact=True).click()
    field_error = page.locator(".adobe-nb-field-error:not(:empty)")
    expect(field_error).to_contain_text(
        "You are signed in, but the profile was not saved: this system has no usable keyring"
    )
    page.get_by_label("no keyring").check()
    page.get_by_role("button", name="Save", exact=True).click()  # nothing is typed again
    expect(page.locator(".adobe-nb-said")).to_contain_text("Saved as profile work")
    menu(page, "Kernel", "Restart Kernel…")
    page.locator(".jp-Dialog .jp-mod-warn").click()
    expect(page.locator(".adobe-nb-lost")).to_be_visible()
    page.wait_for_selector("text=Python 3 (ipykernel) | Idle", timeout=PATIENCE)
    run_cell(page, 0)
    expect(page.locator(".adobe-nb header strong")).to_have_text("Not signed in")
    page.locator(".adobe-nb summary").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Profile", exact=True)).to_be_focused()
    expect(page.get_by_label("Profile", exact=True)).to_have_value("work")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".adobe-nb header strong")).to_have_text("Signed in")
    expect(page.locator(".adobe-nb-facts")).to_contain_text("from profile work")
    assert details["client_secret"] not in saved_after(lab, page, name)


def test_error_leads_to_its_help_topic(lab: Lab, panel: tuple[Page, str]) -> None:
    page, _ = panel
    account = lab.simulator.accounts["no_profile"]
    type_credentials(page, account)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator(".adobe-nb header strong")).to_have_text(
        "Signed in, but requests are refused"
    )
    page.get_by_role("button", name="What to do").click()
    topic = page.locator(".adobe-nb-help [data-chosen]")
    expect(topic).to_contain_text("product profile for tags")
    expect(topic).to_be_focused()


def test_hostile_name_stays_text_in_the_panel(lab: Lab, panel: tuple[Page, str]) -> None:
    page, _ = panel
    simulator = lab.simulator
    store = simulator.stores[simulator.accounts["demo"].org_id]
    company = store.all("companies")[0]
    before = company.attributes["name"]
    company.attributes["name"] = '"><img src=x onerror="document.title=1">\u202e' + "x" * 3000
    store.changed(company)
    try:
        page.get_by_role("button", name="Connect").click()
        expect(page.locator(".adobe-nb-facts")).to_contain_text("<img src=x")
    finally:
        company.attributes["name"] = before
        store.changed(company)
    assert page.locator(".adobe-nb img").count() == 0
    box = page.locator(".adobe-nb").bounding_box()
    assert box is not None
    assert box["width"] <= 1000, "a long name wraps"


def test_double_click_is_handled_once(lab: Lab, panel: tuple[Page, str]) -> None:
    page, _ = panel
    page.get_by_role("button", name="Connect").click()
    expect(page.locator(".adobe-nb header strong")).to_have_text("Signed in")
    before = len(lab.simulator.ims.issued)
    page.get_by_role("button", name="New token").dblclick()
    expect(page.locator(".adobe-nb-said")).to_contain_text("New token: ")
    page.get_by_role("button", name="Test").click()
    expect(page.locator(".adobe-nb-said")).to_contain_text("The credentials work")
    assert len(lab.simulator.ims.issued) == before + 1


def test_two_views_of_the_panel_show_the_same_state(panel: tuple[Page, str]) -> None:
    page, _ = panel
    run_cell(page, 0)
    page.locator(".jp-OutputArea-output").first.click(button="right")
    page.locator(".lm-Menu-itemLabel:text-is('Create New View for Cell Output')").click()
    views = page.locator(".adobe-nb")
    expect(views).to_have_count(2)
    for index, button, status in (
        (0, "Connect", "Signed in"),
        (1, "Sign out", "Not signed in"),
        (0, "Connect", "Signed in"),
    ):
        views.nth(index).get_by_role("button", name=button, exact=True).click()
        for each in (0, 1):
            expect(views.nth(each).locator("header strong")).to_have_text(status)
            expect(views.nth(each).locator(".adobe-nb-lost")).to_be_hidden()
    page.locator(".lm-TabBar-tab:has-text('Output View') .lm-TabBar-tabCloseIcon").click()
    expect(views).to_have_count(1)


FORMULAS = "Price $5 to $10 $$x$$ \\(a\\) \\[b\\] \\begin{equation}c\\end{equation}"
SHOWS_FORMULAS = """\
%load_ext adobe_nb
%adobe_auth --or-simulator
import pathlib, time
import pandas as pd
from IPython.display import Math, display
import adobe_nb
from adobe_nb.api.progress import bar
from adobe_nb.notebook.display import Card, Outcome
pd.set_option("display.max_colwidth", None)
name = {name!r}
properties = adobe_nb.reactor.properties().head(6).assign(name=name)  # the tutorials may have added some
display(properties, properties.groupby("name").size().reset_index(), Card(name, ((name, name),)))
panel = __import__("adobe_nb.notebook.panel", fromlist=["panel"]).panel(Outcome("warning", name))
with bar(adobe_nb.current()._limiters[0], name) as meter:
    meter.expect(10)
    time.sleep(1.1)
    meter.update()
    display(Math("typeset"))
    while not pathlib.Path({release!r}).exists(): time.sleep(0.1)
    raise adobe_nb.ArgumentError(name)
"""


def test_names_with_formulas_are_not_typeset(lab: Lab, open_notebook: Open, tmp_path: Path) -> None:
    name = "formulas.ipynb"
    release = release_file(lab, name)
    lab.write(name, SHOWS_FORMULAS.format(name=FORMULAS, release=release.name))
    page = open_notebook(name)
    run_cell(page, 0)
    outputs = page.locator(".jp-Cell").first.locator(".jp-OutputArea")
    # The typesetter has come, of our formula only, and would have come to the names by now.
    page.wait_for_selector(".MathJax, mjx-container")
    page.wait_for_timeout(1000)
    assert page.locator("mjx-container").count() == 1
    page.screenshot(path=tmp_path / "formulas.png", full_page=True)
    # Panel, six rows, the grouped row, the card's title, label and value, the bar.
    assert names_in(outputs) == 12
    release.touch()
    page.wait_for_selector("text=ArgumentError (line")
    page.wait_for_timeout(1000)
    assert page.locator("mjx-container").count() == 1
    # The bar has gone, the error has come.
    assert names_in(outputs) == 12


def names_in(outputs: Locator) -> int:
    text = " ".join(outputs.inner_text().split())  # the bar has thin spaces
    return text.count(FORMULAS)


def test_keys_in_the_form_stay_in_the_form(panel: tuple[Page, str]) -> None:
    page, _ = panel
    cells = page.locator(".jp-Cell").count()
    page.locator(".adobe-nb summary").first.click()
    service = page.get_by_label("Service")
    service.focus()
    expect(service).to_have_value("simulator")
    page.keyboard.press("a")
    expect(service).to_have_value("Adobe")
    page.keyboard.press("ArrowDown")
    expect(service).to_have_value("simulator")
    page.get_by_label("Client secret (OAuth Server-to-Server)").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Access token (24 hours)")).to_be_checked()
    for key in ("b", "x", "d", "d"):
        page.keyboard.press(key)
    page.locator(".adobe-nb summary").first.focus()
    for key in ("a", "b", "x", "d", "d"):
        page.keyboard.press(key)
    expect(page.locator(".jp-Cell")).to_have_count(cells)
    page.get_by_label("Organization ID").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Organization ID")).to_be_hidden()
    expect(page.locator(".adobe-nb summary").first).to_be_focused()


def test_panel_reports_a_restarted_kernel(panel: tuple[Page, str]) -> None:
    page, _ = panel
    page.get_by_role("button", name="Connect").click()
    expect(page.locator(".adobe-nb header strong")).to_have_text("Signed in")
    menu(page, "Kernel", "Restart Kernel…")
    page.locator(".jp-Dialog .jp-mod-warn").click()
    expect(page.locator(".adobe-nb-lost")).to_be_visible()
    page.wait_for_selector("text=Python 3 (ipykernel) | Idle", timeout=PATIENCE)
    expect(page.locator(".adobe-nb-lost")).to_be_visible()
    expect(page.locator(".adobe-nb header strong")).to_have_text("Not connected to the kernel")
    expect(page.get_by_role("button", name="Test")).to_be_disabled()
    run_cell(page, 0)
    expect(page.locator(".adobe-nb header strong")).to_have_text("Not signed in")


def test_error_is_shown_beside_its_field(lab: Lab, panel: tuple[Page, str]) -> None:
    page, _ = panel
    page.locator(".adobe-nb summary").first.click()
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".adobe-nb-field-error:not(:empty)")).to_have_text(
        ["Enter the organization ID.", "Enter the client ID.", "Paste the client secret."]
    )
    details = lab.simulator.connection()
    org_id = page.get_by_label("Organization ID")
    page.get_by_label("Client ID").fill(details["client_id"])
    for wrong, says in (
        ("nonsense", "@AdobeOrg, with that ending"),
        ("0123456789ABCDEF01234567@AdobeOrg", "403025"),
    ):
        org_id.fill(wrong)
        page.get_by_label("Client secret", exact=True).fill(details["client_secret"])
        page.get_by_role("button", name="Sign in").click()
        expect(org_id).to_have_accessible_description(re.compile(says))
        expect(org_id).to_have_attribute("aria-invalid", "true")
        expect(org_id).to_be_focused()
        expect(page.locator(".adobe-nb header strong")).to_have_text("Not signed in")


def test_time_left_counts_down_while_the_kernel_is_busy_and_survives_a_reload(
    lab: Lab, panel: tuple[Page, str]
) -> None:
    page, name = panel
    lab.simulator.ims.token_ttl = 590  # seconds are shown below ten minutes
    try:
        clicked = time.monotonic()
        page.get_by_role("button", name="Connect").click()
        expect(page.locator(".adobe-nb-left")).to_contain_text(
            re.compile(r"^\d:\d\d min left, renews automatically$")
        )
        signed_in = time.monotonic()
    finally:
        lab.simulator.ims.token_ttl = 86399
    run_cell(page, 1)
    page.wait_for_selector("text=Python 3 (ipykernel) | Busy")
    busy = page.locator(".adobe-nb-left").inner_text()
    page.wait_for_function(
        "text => document.querySelector('.adobe-nb-left').innerText !== text", arg=busy
    )
    expect(page.locator("text=Python 3 (ipykernel) | Busy")).to_have_count(1)
    release_file(lab, name).touch()
    page.wait_for_selector("text=Python 3 (ipykernel) | Idle", timeout=PATIENCE)
    saved_after(lab, page, name)
    page.reload()
    page.wait_for_selector(".adobe-nb-left", timeout=PATIENCE)
    expect(page.locator(".adobe-nb-left")).to_contain_text("left, renews automatically")
    reloaded = time.monotonic()
    minutes, seconds = page.locator(".adobe-nb-left").inner_text().split(" ")[0].split(":")
    left = int(minutes) * 60 + int(seconds)
    assert 590 - (time.monotonic() - clicked) - 5 <= left <= 590 - (reloaded - signed_in) + 5


def violations(page: Page) -> list[tuple[str, str]]:
    """The rules of axe-core that the panel breaks, and where."""
    # JupyterLab's body has no height, so axe-core takes all texts for hidden, and their contrast
    # for good.
    page.evaluate("document.body.style.height = '100vh'")
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if page.evaluate("document.body.dataset.jpThemeLight") == "false":
        options["runOnly"] = ["color-contrast"]  # the other rules do not depend on the theme
    response = Axe().run(page, ".adobe-nb", options).response
    places = []
    for rule in response["violations"]:
        places += [(rule["id"], node["html"]) for node in rule["nodes"]]
    return places


def use_theme(page: Page, theme: str) -> None:
    if page.evaluate("document.body.dataset.jpThemeName") != theme:
        menu(page, "Settings", "Theme")
        page.locator(f".lm-Menu-itemLabel:text-is('{theme}')").click()
    page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)


def test_no_state_of_the_panel_has_an_accessibility_violation(
    lab: Lab, panel: tuple[Page, str]
) -> None:
    page, _ = panel
    accounts = lab.simulator.accounts
    status = page.locator(".adobe-nb header strong")
    form = page.locator(".adobe-nb summary").first
    sign_in = page.get_by_role("button", name="Sign in", exact=True)
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        use_theme(page, theme)
        show_new_panel(page)
        assert violations(page) == [], "signed out"
        page.locator(".adobe-nb summary").last.click()
        form.click()
        sign_in.click()
        assert violations(page) == [], "help, client secret and what is missing"
        page.get_by_label("Access token (24 hours)").check()
        assert violations(page) == [], "access token"
        show_new_panel(page)
        wrong = replace(accounts["demo"], org_id="0123456789ABCDEF01234567@AdobeOrg")
        type_credentials(page, wrong)
        sign_in.click()
        expect(page.get_by_label("Organization ID")).to_be_focused()
        assert violations(page) == [], "wrong organization"
        form.click()
        type_credentials(page, accounts["no_profile"])
        sign_in.click()
        expect(status).to_have_text("Signed in, but requests are refused")
        page.get_by_role("button", name="What to do").click()
        assert violations(page) == [], "refused"
        form.click()
        type_credentials(page, accounts["demo"])
        page.get_by_label("Save as profile").fill("work")
        page.get_by_label("no keyring").check()
        sign_in.click()
        expect(status).to_have_text("Signed in")
        form.click()
        expect(page.get_by_label("Profile", exact=True)).to_contain_text("work (active, simulator)")
        assert violations(page) == [], "signed in, with a profile"
