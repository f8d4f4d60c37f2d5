"""A report in HTML, in a browser."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.analysis.test_html_report import NAME, shop


def test_a_report_is_searched_sorted_and_followed_without_any_request(
    page: Page, tmp_path: Path
) -> None:
    requests: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: problems.append(message.text))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    path = shop(NAME).to_html(tmp_path / "site.html")
    page.emulate_media(color_scheme="dark")
    page.goto(path.as_uri())
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Light").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")

    names = page.locator("#Rules tbody th")
    expect(names.first).to_have_text(NAME)
    variables = page.locator("[id='Variable map']")
    header = variables.get_by_role("columnheader", name="Variable")
    header.get_by_role("button").focus()
    for direction in ("ascending", "descending"):
        page.keyboard.press("Enter")
        expect(header).to_have_attribute("aria-sort", direction)
    expect(variables.locator("tbody th").first).to_have_text("prop1")

    page.locator("main").click(position={"x": 1, "y": 1})
    page.keyboard.press("/")
    page.keyboard.type("EVAR5 color")
    expect(page.get_by_role("status")).to_have_text(re.compile("rows contain|1 row contains"))
    expect(variables.locator("tbody tr")).to_have_count(1)
    expect(page.locator("#Environments")).to_be_hidden()

    variables.get_by_role("link", name="Color").click()
    target = page.locator("[id='Data elements'] tr.target")
    expect(target).to_contain_text("Color")
    expect(target).to_be_focused()
    assert requests == [path.as_uri()]
    assert problems == []
