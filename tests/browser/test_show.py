"""A table of show(), in a browser without a network."""

from pathlib import Path

import pandas as pd
from playwright.sync_api import Browser, Page, expect

from adobe_nb.notebook.show import SortableTable

HOSTILE = "<img src=x onerror=document.title='run'> $x$"


def test_table_sorts_and_filters_offline_and_is_readable_without_scripts(
    page: Page, browser: Browser, tmp_path: Path
) -> None:
    numbers = list(range(1, 31))
    frame = pd.DataFrame({"name": [f"rule {number}" for number in numbers], "used": numbers})
    frame["age"] = pd.to_timedelta(frame["used"], unit="D")
    frame["part"] = [float("inf"), *numbers[1:]]
    frame.loc[0, "name"] = HOSTILE
    path = tmp_path / "page.html"
    path.write_text(f"<meta charset=utf-8>{SortableTable(frame)._repr_html_()}", "utf-8")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    names = page.locator(".adobe-nb-live tbody tr td:first-child")
    expect(names).to_have_count(10)
    expect(names.first).to_have_text(HOSTILE)
    expect(page.locator("table:visible")).to_have_count(1)

    used = page.get_by_role("columnheader", name="used")
    used.locator(".dt-column-title").click()
    used.locator(".dt-column-title").click()
    expect(used).to_have_attribute("aria-sort", "descending")
    expect(names.first).to_have_text("rule 30")

    for header, greatest in (("age", "30 days 00:00:00"), ("part", "inf")):
        title = page.get_by_role("columnheader", name=header).locator(".dt-column-title")
        title.click()
        title.click()
        first_row = page.locator(".adobe-nb-live tbody tr").first
        expect(first_row.get_by_role("cell", name=greatest, exact=True)).to_be_visible()

    page.get_by_role("searchbox", name="Search:").fill("rule 2")
    expect(page.get_by_role("status")).to_contain_text("12 rows (filtered from 30 total rows)")
    expect(names.first).to_have_text("rule 29")
    assert page.title() == ""
    assert [url for url in requests if not url.startswith("blob:")] == [path.as_uri()]

    still = browser.new_page(java_script_enabled=False)
    still.goto(path.as_uri())
    expect(still.get_by_text("run this cell in a notebook")).to_be_visible()
    expect(still.locator("table:visible")).to_have_count(1)
    still.close()
