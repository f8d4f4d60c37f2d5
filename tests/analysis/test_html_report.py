"""Reports in HTML: the file, parsed."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from adobe_nb import ArgumentError
from adobe_nb.analysis import Tags
from adobe_nb.analysis.reports.report import diagrams
from tests.support.small_sites import component, element, script, site
from tests.support.tag_frames import no_tags

NAME = "</script><img src=x onerror=alert(1)><!-- {{data}} %s"


class Page(HTMLParser):
    """The elements of a page, with the texts in them."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open][-1] += data

    @property
    def data(self) -> Any:
        return json.loads(self.texts["script"][0])

    def section(self, title: str) -> Any:
        (section,) = [each for each in self.data["sections"] if each["title"] == title]
        return section

    def column(self, section: str, title: str) -> list[Any]:
        table = self.section(section)
        position = [column["title"] for column in table["columns"]].index(title)
        return [row[position] for row in table["rows"]]

    @property
    def policy(self) -> str:
        for _, attributes in self.elements:
            if attributes.get("http-equiv") == "Content-Security-Policy":
                return attributes["content"] or ""
        return ""


def shop(name: str = "Page") -> Tags:
    code = "s.eVar5 = _satellite.getVar('Color');\ns.prop1 = _satellite.getVar('Colour');"
    return site({name: [component("Set", script(code))]}, [element("Color"), element(name)], [
        {"name": "core", "display_name": "Core", "version": "3.4.0", "enabled": True,
         "delegate_descriptor_id": None, "settings": None},
    ])  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(shop(NAME).to_html(tmp_path_factory.mktemp("page") / "a.html"))


def test_findings_come_first_with_counts_per_severity(page: Page) -> None:
    findings = page.data["sections"][0]
    assert findings["title"] == "Findings"
    severities = page.column("Findings", "Severity")
    assert severities[0] == "high"
    assert findings["counts"]["high"] == severities.count("high")


def test_the_sections_are_those_of_the_workbook(page: Page) -> None:
    titles = [section["title"] for section in page.data["sections"]]
    assert titles == [
        "Findings",
        "Summary",
        "Variable map",
        "Rules",
        "Data elements",
        "Extensions",
        "Custom code",
        "References",
        "Libraries",
        "Environments",
        "Limits",
    ]
    assert page.column("Variable map", "Variable")[0] == "eVar5"


def test_a_hostile_name_is_text_everywhere(page: Page) -> None:
    assert NAME in page.column("Data elements", "Name")
    names = {tag for tag, _ in page.elements}
    assert "img" not in names
    assert len(page.texts["script"]) == 2


def test_a_hostile_name_of_a_property_is_text_in_the_title() -> None:
    tags = Tags(properties=_properties(NAME))
    page = Page(tags.to_html("a.html"))
    assert page.texts["title"][0] == page.texts["h1"][0] == f"Solution design reference: {NAME}"
    assert page.data["facts"][0] == ["Property", f"{NAME} · web · PR1"]


def _properties(name: str) -> Any:
    import pandas as pd

    return pd.DataFrame([{"id": "PR1", "name": name, "platform": "web"}])


def test_the_policy_allows_only_the_script_and_style_of_the_file(page: Page) -> None:
    for source, text in (
        ("script-src", page.texts["script"][1]),
        ("style-src", page.texts["style"][0]),
    ):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{source} 'sha256-{digest}';" in page.policy
    assert page.policy.startswith("default-src 'none';")


def test_nothing_in_the_file_names_another_host(page: Page) -> None:
    for tag, attributes in page.elements:
        for name in ("src", "href", "action"):
            assert re.match(r"#|data:,$", attributes.get(name) or "#"), tag
    assert "url(" not in page.texts["style"][0]
    assert "//" not in re.sub(r"^\s*//.*$", "", page.texts["script"][1], flags=re.MULTILINE)


def test_links_lead_to_rows_that_exist(page: Page) -> None:
    targets = page.data["targets"]
    links = [cell for cell in page.column("References", "Refers to") if isinstance(cell, list)]
    text, anchor = links[0]
    section, position = targets[anchor]
    assert (section, page.column(section, "Name")[position]) == ("Data elements", text)
    assert targets["eVar5"] == ["Variable map", 0]


def test_diagrams_are_texts_in_mermaid(page: Page) -> None:
    assert page.data["diagrams"]["Who uses which data element"].startswith("flowchart LR")


def test_a_diagram_that_is_too_large_says_how_to_see_a_part() -> None:
    names = [f"Element {number}" for number in range(310)]
    reads = "\n".join(f"_satellite.getVar('{name}');" for name in names)
    tags = site({"Page": [component("Set", script(reads))]}, map(element, names))
    assert "focus" in diagrams(tags.model)["Who uses which data element"]


def test_names_and_notes_of_a_workbook_are_shown() -> None:
    import openpyxl

    frames = shop().frames
    tags = Tags(rules=frames["rules"], rule_components=frames["rule_components"])
    path = tags.to_excel("a.xlsx")
    book = openpyxl.load_workbook(path)
    titles = [cell.value for cell in book["Variable map"][1]]
    book["Variable map"].cell(2, titles.index("Friendly name") + 1).value = "Product color"
    book.save(path)
    page = Page(tags.to_html("a.html", notes=path))
    assert page.column("Variable map", "Friendly name")[0] == "Product color"


def test_a_property_without_anything_has_every_column_and_no_row() -> None:
    page = Page(no_tags().to_html("a.html"))
    assert page.column("Rules", "What it does") == []
    assert "requires the table 'libraries'" in page.section("Libraries")["problem"]


def test_a_path_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"must end in \.html"):
        shop().to_html("a.xlsx")


def test_columns_for_notes_are_shown_only_with_notes(page: Page) -> None:
    titles = [column["title"] for column in page.section("Variable map")["columns"]]
    assert "Value" in titles
    assert not {"Friendly name", "Notes"} & set(titles)


def test_references_by_name_come_before_relations(page: Page) -> None:
    kinds = page.column("References", "Kind")
    assert kinds == sorted(kinds, key="relation".__eq__)
    assert {"relation"} < set(kinds)


def test_a_file_that_is_not_a_report_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.write_text("<h1>Home</h1>", encoding="utf-8")
    with pytest.raises(ArgumentError, match="index.html is not a report of adobe_nb"):
        no_tags().to_html(path)
    assert path.read_text(encoding="utf-8") == "<h1>Home</h1>"


def test_an_earlier_report_and_an_empty_file_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.touch()
    before = no_tags().to_html(path).stat().st_ino
    assert no_tags().to_html(path).stat().st_ino != before
