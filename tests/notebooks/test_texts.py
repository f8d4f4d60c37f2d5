"""The texts of the tutorials: links, sketches, tables, and what each begins with."""

import re
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest

from adobe_nb import lab
from tests.notebooks.runner import NOTEBOOKS, paths

DOCS = Path(__file__).parents[2] / "docs"
IMAGES = NOTEBOOKS / "images"
SKETCHES = sorted(path.name for path in IMAGES.iterdir())
# A tutorial of Adobe's, and the notebook that follows it.
TUTORIALS = {"R": "01_sign_in", "E": "03_edge_network_authentication"}
WITH_LINKS = ["E", "E1", "E3", "E5", "E6", "E7", "R", "R10", "R13", "R14", "R2", "R4", "R6", "R7"]
HOSTS = {"adminconsole.adobe.com", "developer.adobe.com", "experienceleague.adobe.com"}
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)]+)\)")
SVG = "{http://www.w3.org/2000/svg}"
EVERY_NOTEBOOK = pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)


@cache
def texts(stem: str) -> dict[str, str]:
    """The Markdown cells of a notebook, by cell id."""
    cells = nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4).cells
    return {cell.id: cell.source for cell in cells if cell.cell_type == "markdown"}


def rows_under(heading: str) -> list[list[str]]:
    """The rows of the table under that heading of docs/tutorials.md."""
    page = (DOCS / "tutorials.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\| (.+) \|$", section, re.MULTILINE)
    return [line.split(" | ") for line in lines[2:]]


def mapped_links() -> list[tuple[str, str, str, str]]:
    """Step, cell, text and address of each link that docs/tutorials.md maps."""
    links = []
    for step, link, cell in rows_under("Links"):
        text, address = LINK.findall(link)[0]
        links.append((step, cell.strip("`"), text, address))
    return links


def test_every_step_with_links_at_adobe_has_its_links_mapped() -> None:
    assert sorted({step for step, *_ in mapped_links()}) == WITH_LINKS


@pytest.mark.parametrize("tutorial", TUTORIALS)
def test_mapped_links_are_the_links_of_the_notebook(tutorial: str) -> None:
    mapped = {link[1:] for link in mapped_links() if link[0].startswith(tutorial)}
    in_cells = set()
    for cell, source in texts(TUTORIALS[tutorial]).items():
        for text, address in LINK.findall(source):
            if "://" in address:
                in_cells.add((cell, text, address))
    assert in_cells == mapped


def test_mapped_links_lead_to_adobe_from_the_cell_of_their_step() -> None:
    for step, cell, _, address in mapped_links():
        parts = urlsplit(address)
        assert (parts.scheme, parts.netloc in HOSTS) == ("https", True), address
        if len(step) > 1:
            assert cell.startswith(f"{step.lower()}-"), step
        else:
            assert cell == "intro"


@EVERY_NOTEBOOK
def test_what_a_notebook_links_to_travels_with_it(path: Path, tmp_path: Path) -> None:
    lab.copy_tutorials(tmp_path)
    for cell, source in texts(path.stem).items():
        for target in re.findall(r"\]\(([^)]+)\)", source):
            if "://" not in target:
                assert (tmp_path / target.partition("#")[0]).is_file(), f"{cell}: {target}"


def test_sketches_are_in_the_cells_of_their_steps() -> None:
    rows = rows_under("Sketches")
    assert sorted(name.strip("`") for _, name, _ in rows) == SKETCHES
    assert [steps for steps, *_ in rows] == ["R5", "R5", "R6", "R7", "R8, R9"]
    for steps, name, cell in rows:
        assert cell.strip("`").startswith(f"{steps.split(',')[0].lower()}-")
        assert f"](images/{name.strip('`')})" in texts("01_sign_in")[cell.strip("`")]


@pytest.mark.parametrize("name", SKETCHES)
def test_sketch_is_described_and_loads_nothing(name: str) -> None:
    source = (IMAGES / name).read_text(encoding="utf-8")
    root = ET.fromstring(source)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")
    drawn = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert drawn <= {"svg", "title", "desc", "style", "text", "rect", "circle", "path"}
    for element in root.iter():
        for attribute in element.attrib:
            assert not re.match(r"on|.*href|src", attribute), f"{element.tag} {attribute}"
    assert not re.search(r"url\(|@import|<!|<\?", source)
    assert source.count("://") == 1, "the namespace is not loaded"
    assert len(source) < 5000


@pytest.mark.parametrize("name", SKETCHES)
def test_marks_of_a_sketch_are_in_the_text_beside_it(name: str) -> None:
    """For those who do not see the sketch: in its description, and where it is shown."""
    root = ET.parse(IMAGES / name).getroot()
    numbers = {text.text for text in root.iter(f"{SVG}text") if text.get("class") == "number"}
    shown = "".join(texts("01_sign_in").values())
    alternative = re.findall(rf"!\[([^\]]+)\]\(images/{name}\)", shown)[0]
    assert set(re.findall(r"(?:Click|Copy) (\d)", alternative)) == numbers
    assert set(re.findall(r"Mark (\d)", root.findtext(f"{SVG}desc") or "")) == numbers


@pytest.mark.parametrize("path", paths()[:3], ids=lambda path: path.stem)
def test_tables_have_one_look(path: Path) -> None:
    for cell, source in texts(path.stem).items():
        for header, rule in re.findall(r"^(\|.+\|)\n(\|[ :|-]+\|)$", source, re.MULTILINE):
            assert set(rule.strip("| ").split(" | ")) == {":---"}, cell
            assert all(name.strip() for name in header.strip("|").split("|")), cell
            assert header == header.lower(), cell


@EVERY_NOTEBOOK
def test_curl_is_shown_once(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    printed = [cell.id for cell in cells if cell.cell_type == "code" and "as_curl" in cell.source]
    assert len(printed) <= 1


@EVERY_NOTEBOOK
def test_begins_with_what_one_will_be_able_to_do_and_how_long_it_takes(path: Path) -> None:
    purpose = texts(path.stem)["intro"].split("\n\n")[1]
    assert purpose.startswith("By the end, you will be able to ")
    assert re.search(r"The notebook runs in .+ allow \d+ minutes", purpose, re.DOTALL)
    assert purpose.count("\n") < 3


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_a_restart_in_the_middle_is_prepared_for(path: Path) -> None:
    """All imports are in the first cell of code, and the text says how to run what is above."""
    line = (
        "After a restart of the kernel, select *Run* > *Run All Above Selected Cell* before you "
        "continue."
    )
    assert texts(path.stem)["intro"].endswith(f"\n\n{line}")
    cells = nbformat.read(path, as_version=4).cells
    _, *others = [cell.source for cell in cells if cell.cell_type == "code"]
    assert not [source for source in others if re.search("^(import|from) ", source, re.MULTILINE)]
