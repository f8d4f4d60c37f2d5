"""A table of show(), in a browser without a network."""

import re
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


def test_times_sort_to_the_millisecond_and_stay_times(page: Page, tmp_path: Path) -> None:
    milliseconds = [7, 2, 9, 0, 10, 1]
    texts = [f"2026-01-01T00:00:00.{number:03}Z" for number in milliseconds]
    times = pd.Series(pd.to_datetime(texts)).dt.tz_convert("Asia/Tokyo")
    frame = pd.DataFrame({"number": milliseconds, "made": times})
    path = tmp_path / "page.html"
    path.write_text(f"<meta charset=utf-8>{SortableTable(frame)._repr_html_()}", "utf-8")
    page.goto(path.as_uri())
    header = page.get_by_role("columnheader", name="made")
    # Its search compares dates.
    expect(header).to_have_class(re.compile("dt-type-date"))
    header.locator(".dt-column-title").click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    rows = page.locator(".adobe-nb-live tbody tr")
    expect(rows.locator("td:first-child")).to_have_text(list(map(str, sorted(milliseconds))))
    expect(rows.locator("td:nth-child(2)")).to_have_text(["2026-01-01 09:00:00"] * 6)
