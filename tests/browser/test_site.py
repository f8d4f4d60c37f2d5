"""The search of the documentation site, which ``just docs`` has built."""

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
FIRST_RESULTS = 3
QUESTIONS = {
    "environment variables": "reference/environment.html",
    "What does dirty mean?": "explanation/questions.html#what-does-dirty-mean",
    "upstream": "explanation/glossary.html#term-upstream",
    "get all rules into Excel": "explanation/questions.html#how-do-i-get-all-rules-into-excel",
    "what does EXEG-0503-401 mean": "reference/edge-codes.html#exeg-0503-401",
    "I get 403221 when I list companies": "reference/reactor-codes.html#id7",
    "is it safe to delete this data element": "how-to/delete-safely.html",
    "what sets eVar5": "how-to/ask-questions.html",
    "who changed this rule last week": "explanation/questions.html#who-changed-this-rule",
    "does it work in Colab": "how-to/other-front-ends.html#colab",
    "rollback": "explanation/questions.html#how-do-i-roll-back-a-release-rollback",
    "exit codes": "how-to/schedulers.html#exit-codes",
    "corporate proxy": "how-to/behind-a-proxy.html",
    "fail-on": "reference/command-line.html#index-0",
    "document.write": "explanation/questions.html#which-custom-code-uses-document-write",
    "hidden columns": "how-to/read-tables.html#columns-are-hidden-what-a-table-shows",
    "columns": "explanation/questions.html#which-columns-and-types-does-a-table-have",
    "secret in notebook": "explanation/questions.html#what-if-a-secret-is-in-a-notebook",
    "compare": "how-to/what-changed.html#compare-two-properties",
    "mobile": "explanation/glossary.html#term-mobile-property",
    "edge property": "explanation/glossary.html#term-edge-property-event-forwarding-property",
    "event forwarding": "explanation/glossary.html#term-edge-property-event-forwarding-property",
    "get help": "how-to/report-a-problem.html",
    "forbidden": "explanation/troubleshooting.html#forbidden-no-access-notallowed",
    "no access": "explanation/troubleshooting.html",
    "certificate verify failed": "how-to/behind-a-proxy.html",
    "kernel died": "how-to/pull-a-company.html#a-pull-was-interrupted-the-kernel-died",
    "out of memory": "how-to/pull-a-company.html#memory-of-a-large-pull",
    "export CSV": "how-to/read-tables.html#export-to-excel-or-csv",
    "log out": "how-to/sign-in.html#sign-out-log-out",
    "telemetry": "explanation/questions.html#what-leaves-my-machine-telemetry",
    "install": "how-to/install.html#install",
    "python version": "how-to/install.html#python-version",
    "upgrade": "how-to/install.html#upgrade",
    "uninstall": "how-to/install.html#uninstall-and-remove-all-data",
    "air-gapped": "how-to/install.html#without-a-network-air-gapped-offline",
    "licence": "how-to/install.html#license-licence-and-how-to-cite-it",
    "contribute": "how-to/install.html#contribute",
    "changelog": "changelog.html",
}
# A word in the title of one page, which other pages explain as well: the first that must be found.
WORDS = {"keyring": "how-to/sign-in.html", "consent": "how-to/ask-questions.html"}


@pytest.fixture(autouse=True)
def built() -> None:
    if not SITE.exists() and not os.environ.get("CI"):
        pytest.skip("the site is not built: just docs")


def search(page: Page, query: str) -> list[str]:
    """The addresses of all results, relative to the site."""
    page.goto(f"{(SITE / 'search.html').as_uri()}?q={quote(query)}")
    expect(page.locator(".search-summary")).to_contain_text("found")
    links = page.locator("ul.search > li > a").evaluate_all("all => all.map(a => a.href)")
    return [link.removeprefix(f"{SITE.as_uri()}/") for link in links]


def test_search_finds_the_page_that_answers(page: Page) -> None:
    missed = {}
    for query, answer in QUESTIONS.items():
        first = search(page, query)[:FIRST_RESULTS]
        if answer not in first:
            missed[query] = first
    assert missed == {}


@pytest.mark.parametrize(("word", "answer"), WORDS.items())
def test_title_with_the_word_does_not_hide_other_pages(page: Page, word: str, answer: str) -> None:
    results = search(page, word)
    assert len(results) > 10
    assert answer in results[:5]
    assert not results[0].startswith("decisions/")


def test_charts_of_tutorials_are_white_and_described(page: Page) -> None:
    page.add_init_script("localStorage.setItem('mode', 'dark')")
    page.goto((SITE / "tutorials" / "07_answers.html").as_uri())
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    charts = page.locator(".cell_output img")
    assert charts.count() > 0
    for chart in charts.all():
        expect(chart).to_have_css("filter", "none")
        expect(chart).to_have_css("background-color", "rgb(255, 255, 255)")
        assert (chart.get_attribute("alt") or "").startswith("Chart of tags.plot.")


def test_wide_table_of_a_tutorial_fades_until_it_is_scrolled(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto((SITE / "tutorials" / "07_answers.html").as_uri())
    is_wide = "all => all.findIndex(table => table.scrollWidth > table.clientWidth)"
    tables = page.locator(".cell_output .adobe-nb-frame")
    wide = tables.nth(tables.evaluate_all(is_wide))
    fade = "table => parseFloat(getComputedStyle(table).getPropertyValue('--fade'))"
    assert wide.evaluate(fade) > 0
    wide.evaluate("table => table.scrollTo(table.scrollWidth, 0)")
    page.wait_for_function(f"table => ({fade})(table) === 0", arg=wide.element_handle())
