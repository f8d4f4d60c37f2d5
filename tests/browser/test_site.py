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
}


def test_search_finds_the_page_that_answers(page: Page) -> None:
    if not SITE.exists() and not os.environ.get("CI"):
        pytest.skip("the site is not built: just docs")
    search = (SITE / "search.html").as_uri()
    missed = {}
    for query, answer in QUESTIONS.items():
        page.goto(f"{search}?q={quote(query)}")
        expect(page.locator(".search-summary")).to_contain_text("found")
        links = page.locator("ul.search > li > a").evaluate_all("all => all.map(a => a.href)")
        first = [link.removeprefix(f"{SITE.as_uri()}/") for link in links[:FIRST_RESULTS]]
        if answer not in first:
            missed[query] = first
    assert missed == {}
