"""Reports in Excel: what openpyxl reads back, and what people wrote."""

import datetime as dt
import itertools
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from adobe_nb import ArgumentError
from adobe_nb.analysis import Tags
from adobe_nb.analysis.reports import workbook
from adobe_nb.analysis.reports.sections import layouts
from tests.support.small_sites import component, element, script, site
from tests.support.tag_frames import no_tags

SHEETS = [
    "Summary",
    "Findings",
    "Variable map",
    "Rules",
    "Data elements",
    "Extensions",
    "Custom code",
    "References",
    "Libraries",
    "Environments",
]
Book = Any
Edit = Callable[[Book], None]


def shop(**more: Any) -> Tags:
    """A rule that sets a variable, and a data element that is missing."""
    code = "s.eVar5 = _satellite.getVar('Color');\ns.prop1 = _satellite.getVar('Colour');"
    return site(
        {"Page": [component("Loaded", {}, "core::events::library-loaded"), component("Set", script(code))]},
        [element("Color", {"path": "page.color"})],
        [{"name": "core", "display_name": "Core", "version": "3.4.0", "enabled": True,
          "delegate_descriptor_id": None, "settings": None}],
        **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def tags() -> Tags:
    return shop()


@pytest.fixture(scope="module")
def code_only(tags: Tags) -> Tags:
    """Only what the map of variables requires: its reports take half as long to write."""
    return Tags(rules=tags.frames["rules"], rule_components=tags.frames["rule_components"])


@pytest.fixture(scope="module")
def written(tags: Tags, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report, for tests that only read it."""
    return tags.to_excel(tmp_path_factory.mktemp("report") / "shop.xlsx")


@pytest.fixture(scope="module")
def read(written: Path) -> Book:
    return book(written)


@pytest.fixture
def path(written: Path) -> Path:
    """A report that people write in."""
    return Path(shutil.copy(written, "a.xlsx"))


def book(path: Path) -> Book:
    return openpyxl.load_workbook(path)


def rows(read: Book | Path, name: str) -> list[dict[str, Any]]:
    """The rows of a sheet by the titles of its columns."""
    if isinstance(read, Path):
        read = book(read)
    header, *values = read[name].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in values]


def row(read: Book | Path, name: str, **wanted: Any) -> dict[str, Any]:
    (found,) = [each for each in rows(read, name) if wanted.items() <= each.items()]
    return found


def edit(path: Path, change: Edit) -> None:
    edited = book(path)
    change(edited)
    edited.save(path)


def cell(sheet: Any, title: str, **where: Any) -> Any:
    """The cell of a column in the row where another column has a value."""
    titles = {header.value: header.column for header in sheet[1]}
    ((other, value),) = where.items()
    for number in range(2, sheet.max_row + 1):
        if sheet.cell(number, titles[other]).value == value:
            return sheet.cell(number, titles[title])
    raise AssertionError(f"no row with {value!r}")


def name_the_variable(edited: Book) -> None:
    cell(edited["Variable map"], "Friendly name", Variable="eVar5").value = "Product color"
    cell(edited["Variable map"], "Notes", Variable="eVar5").value = "=not a formula"


def all_texts(path: Path) -> str:
    values = []
    for sheet in book(path):
        for line in sheet.iter_rows(values_only=True):
            values += [str(value) for value in line if value is not None]
    return "\n".join(values)


def test_every_section_is_a_sheet_with_its_columns() -> None:
    read = book(no_tags().to_excel("a.xlsx"))
    assert read.sheetnames == SHEETS
    for name in SHEETS[1:]:
        titles = [header.value for header in read[name][1]]
        assert titles == ["↩", *(column.title for column in layouts()[name].columns.values())]
        assert read[name].freeze_panes == "C2"
        assert read[name].auto_filter.ref.startswith("B1:")


def test_sheets_hold_the_answers(read: Book) -> None:
    variable = row(read, "Variable map", Variable="eVar5")
    assert variable["Status"] == "set"
    assert variable["Data elements"] == "Color"
    assert variable["Rules"] == "Page"
    assert [step["Kind"] for step in rows(read, "Rules")] == ["event", "action"]
    assert row(read, "Data elements", Name="Color")["Used by"] == "Page"
    assert row(read, "Extensions", Package="core")["Version"] == "3.4.0"
    code = row(read, "Custom code", Rule="Page")
    assert (code["Lines"], code["First line"]) == (2, "s.eVar5 = _satellite.getVar('Color');")
    assert {line["Refers to"] for line in rows(read, "References")} >= {"Color", "Colour"}
    missing = row(read, "Findings", Check="missing-data-element")
    assert missing["Severity"] == "high"
    assert "Colour" in missing["Finding"]


def test_the_variable_map_says_whether_each_variable_is_set() -> None:
    code = "s.eVar1 = 'a'; s.eVar999 = 'b'; s.evar4 = 'c'; // s.eVar5 = 'd'\nx = s.eVar6;"
    rules = {
        "On": [component("Set", script(code))],
        "Off": [component("Set", script("s.eVar2 = 1;"))],
    }
    tags = site(rules)
    tags.frames["rules"].loc[1, "enabled"] = False
    parts = {table: tags.frames[table] for table in ("rules", "rule_components")}
    path = Tags(**parts).to_excel("a.xlsx")
    statuses = {found["Variable"]: found["Status"] for found in rows(path, "Variable map")}
    assert statuses == {
        "eVar1": "set",
        "eVar2": "disabled rules only",
        "evar4": "misspelled",
        "eVar5": "in comments only",
        "eVar6": "not set (read)",
        "eVar999": "out of range",
    }


def test_the_variable_map_says_where_a_variable_is_set_without_a_rule() -> None:
    code = {"source": "s.eVar7 = 'a'; return 1;"}
    read = book(
        site(
            {"Page": [component("Set", script("s.eVar5 = 1;"))]},
            [element("Loader", code, "core::dataElements::custom-code")],
        ).to_excel("a.xlsx")
    )
    outside = row(read, "Variable map", Variable="eVar7")
    assert (outside["Rules"], outside["Found in"]) == (None, "Loader")
    place = cell(read["Variable map"], "Found in", Variable="eVar7")
    assert place.hyperlink.location == "'Data elements'!B2"
    assert row(read, "Variable map", Variable="eVar5")["Found in"] == "Set"


def test_long_lists_of_rules_are_cut_and_disabled_rules_are_gray() -> None:
    rules = {
        f"Rule {number:02}": [component("Set", script("s.eVar1 = 1;"))] for number in range(23)
    }
    tags = site(rules)
    tags.frames["rules"].loc[0, "enabled"] = False
    parts = {table: tags.frames[table] for table in ("rules", "rule_components")}
    read = book(Tags(**parts).to_excel("a.xlsx"))
    (variable,) = rows(read, "Variable map")
    assert variable["Rules"].split("\n")[-2:] == ["Rule 19", "… and 3 more"]
    off, on = (cell(read["Rules"], "Rule", Rule=name) for name in ("Rule 00", "Rule 01"))
    assert off.font.color.rgb == "FF6B7480"
    assert on.font.color.rgb != off.font.color.rgb


def test_code_is_written_on_request_only(tags: Tags, read: Book) -> None:
    last_line = "_satellite.getVar('Colour');"
    assert last_line not in str(rows(read, "Custom code"))
    path = tags.to_excel("b.xlsx", code=True)
    assert last_line in rows(path, "Custom code")[0]["Code"]


def test_names_lead_to_their_rows_and_back_to_the_contents(read: Book) -> None:
    for name in SHEETS[1:]:
        assert read[name]["A1"].hyperlink.location == "'Summary'!A1"
    used = cell(read["References"], "Refers to", **{"Refers to": "Color"})
    assert used.hyperlink.location == "'Data elements'!B2"
    place = cell(read["Findings"], "Found in", Check="missing-data-element")
    assert (place.value, place.hyperlink.location) == ("Set", "'Rules'!B3")
    links = {line[1].value: line[1].hyperlink for line in read["Summary"].iter_rows()}
    assert links["Findings"].location == "'Findings'!B1"


def test_the_summary_counts_findings_and_says_what_could_not_be_seen() -> None:
    tags = shop(limits=["The weather is unknown."], as_of="2026-11-28T12:00:00Z")
    path = tags.to_excel("a.xlsx")
    text = all_texts(path)
    assert "The weather is unknown." in text
    assert "2026-11-28 12:00 UTC" in text
    values = [*book(path)["Summary"].iter_rows(values_only=True)]
    assert ("high", 1) in [line[1:3] for line in values]


def test_what_the_user_redacts_is_hidden() -> None:
    tags = shop(redact=lambda text: text.replace("Color", "…"))
    read = rows(tags.to_excel("a.xlsx", code=True), "Custom code")
    assert "getVar('…')" in read[0]["Code"]
    assert "Color" not in read[0]["First line"]


def test_a_sheet_without_its_table_says_so(tags: Tags) -> None:
    path = Tags(data_elements=tags.frames["data_elements"]).to_excel("a.xlsx")
    assert "requires the table 'libraries'" in book(path)["Libraries"]["B2"].value
    assert "requires the table 'rules'" in book(path)["Rules"]["B2"].value
    assert row(path, "Data elements", Name="Color")["Use"] is None


HOSTILE = [
    "=HYPERLINK('https://example.com')",
    "+1",
    "-1",
    "@SUM(A1)",
    "{=1}",
    "\x00\x07",
    "https://example.com",
    "internal:Rules!A1",
    "x" * 40_000,
    "a\nb",
    "</script>",
    "007",
]


def test_hostile_names_stay_plain_text() -> None:
    code = [component(name, script(f"s.eVar1 = {name[:99]!r}; '\ud800'")) for name in HOSTILE]
    tags = site(
        {name: [action] for name, action in zip(HOSTILE, code, strict=True)}, map(element, HOSTILE)
    )
    read = book(tags.to_excel("a.xlsx"))
    names = {found["Name"] for found in rows(read, "Data elements")}
    assert {"=HYPERLINK('https://example.com')", "+1", "@SUM(A1)", "007", "\\x00\\x07"} <= names
    assert max(map(len, names)) == 32_767
    for sheet in read:
        for found in itertools.chain.from_iterable(sheet.iter_rows()):
            assert found.data_type != "f"
            assert found.hyperlink is None or found.hyperlink.target is None


def test_values_that_look_like_secrets_are_hidden() -> None:
    secret = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    code = script(f"var apiKey = '{secret}'; s.eVar5 = '{secret}';")
    tags = site(
        {"Page": [component("Set", code)]}, [element("Key", {"path": "a"}, default_value=secret)]
    )
    text = all_texts(tags.to_excel("a.xlsx", code=True))
    assert "eVar5" in text
    assert secret not in text


def test_names_and_notes_survive_the_next_report_in_the_same_file(
    code_only: Tags, path: Path
) -> None:
    edit(path, name_the_variable)
    kept = row(code_only.to_excel("a.xlsx"), "Variable map", Variable="eVar5")
    assert (kept["Friendly name"], kept["Notes"]) == ("Product color", "=not a formula")


def test_notes_are_found_by_key_after_sorting_filtering_renaming_and_extending(
    code_only: Tags, path: Path
) -> None:
    def rearrange(edited: Book) -> None:
        name_the_variable(edited)
        sheet = edited["Variable map"]
        owner = sheet.max_column + 1
        sheet.cell(1, owner).value = "Owner"
        cell(sheet, "Owner", Variable="eVar5").value = "Web team"
        values = [[each.value for each in line] for line in sheet.iter_rows()]
        sheet.delete_rows(1, sheet.max_row)
        sheet.append(["Our variables"])
        for line in [values[0], *reversed(values[1:])]:
            sheet.append(line)
        sheet.row_dimensions[3].hidden = True
        sheet.title = "eVars and props"

    edit(path, rearrange)
    kept = row(code_only.to_excel("a.xlsx"), "Variable map", Variable="eVar5")
    assert kept["Friendly name"] == "Product color"
    assert kept["Owner"] == "Web team"


def test_notes_on_findings_follow_the_fingerprint_with_the_day_they_were_first_seen(
    path: Path,
) -> None:
    def write(edited: Book) -> None:
        sheet = edited["Findings"]
        cell(sheet, "Note", Check="missing-data-element").value = "Ask Ana."
        cell(sheet, "First seen", Check="missing-data-element").value = dt.datetime(2025, 1, 2)

    edit(path, write)
    path = shop(as_of="2026-12-01T12:00:00Z").to_excel("b.xlsx", notes="a.xlsx")
    kept = row(path, "Findings", Check="missing-data-element")
    assert kept["Note"] == "Ask Ana."
    assert kept["First seen"] == dt.datetime(2025, 1, 2)


def test_notes_about_rows_that_are_gone_are_kept_and_return(code_only: Tags, path: Path) -> None:
    edit(path, name_the_variable)
    Tags(rules=no_tags().frames["rules"]).to_excel("a.xlsx")
    assert row(path, "Earlier notes", Column="Friendly name")["Text"] == "Product color"
    kept = row(code_only.to_excel("a.xlsx"), "Variable map", Variable="eVar5")
    assert kept["Friendly name"] == "Product color"
    assert "Earlier notes" not in book(path).sheetnames


def test_two_rows_of_one_variable_keep_both_notes(code_only: Tags, path: Path) -> None:
    def repeat(edited: Book) -> None:
        name_the_variable(edited)
        sheet = edited["Variable map"]
        number = cell(sheet, "Notes", Variable="eVar5").row
        sheet.append([each.value for each in sheet[number]])
        titles = [header.value for header in sheet[1]]
        sheet.cell(sheet.max_row, titles.index("Notes") + 1).value = "Second"

    edit(path, repeat)
    kept = row(code_only.to_excel("a.xlsx"), "Variable map", Variable="eVar5")
    assert kept["Notes"] == "=not a formula\nSecond"
    assert kept["Friendly name"] == "Product color"


def add_sheet(edited: Book) -> None:
    edited.create_sheet("Pivot")


def add_column(edited: Book) -> None:
    edited["Rules"].cell(1, edited["Rules"].max_column + 1).value = "Owner"


def add_note_beside(edited: Book) -> None:
    edited["Rules"].cell(3, edited["Rules"].max_column + 2).value = "Ask Ana."


def add_note_under_the_arrow(edited: Book) -> None:
    edited["References"].cell(2, 1).value = "!"


def add_note_beside_the_facts(edited: Book) -> None:
    edited["Summary"].cell(3, 6).value = "Sent to Ana."


def add_note_below_the_limits(edited: Book) -> None:
    edited["Summary"].cell(edited["Summary"].max_row + 2, 2).value = "Agreed in June."


def add_row(edited: Book) -> None:
    sheet = edited["Variable map"]
    titles = [header.value for header in sheet[1]]
    sheet.cell(sheet.max_row + 1, titles.index("Notes") + 1).value = "A remark"


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (add_sheet, "the sheet 'Pivot'"),
        (add_column, "the column 'Owner' of the sheet 'Rules'"),
        (add_note_beside, "the column 'Column 19' of the sheet 'Rules'"),
        (add_note_under_the_arrow, "the column 'Column 1' of the sheet 'References'"),
        (add_note_beside_the_facts, "text of your own in the sheet 'Summary'"),
        (add_note_below_the_limits, "text of your own in the sheet 'Summary'"),
        (add_row, "1 row without 'Variable' in the sheet 'Variable map'"),
    ],
)
def test_what_people_added_elsewhere_is_never_lost_silently(
    change: Edit, lost: str, code_only: Tags, path: Path
) -> None:
    edit(path, name_the_variable)
    edit(path, change)
    before = path.read_bytes()
    with pytest.raises(ArgumentError, match=lost):
        code_only.to_excel("a.xlsx")
    assert path.read_bytes() == before
    other = code_only.to_excel("b.xlsx", notes="a.xlsx")
    assert f"Not taken over from a.xlsx: {lost}." in all_texts(other)
    assert row(other, "Variable map", Variable="eVar5")["Friendly name"] == "Product color"


def test_notes_of_the_file_that_is_replaced_come_before_those_of_another(code_only: Tags) -> None:
    old = code_only.to_excel("old.xlsx")
    edit(old, name_the_variable)
    new = code_only.to_excel("new.xlsx", notes="old.xlsx")

    def rename(edited: Book) -> None:
        cell(edited["Variable map"], "Friendly name", Variable="eVar5").value = "Color"
        cell(edited["Variable map"], "Notes", Variable="eVar5").value = None

    edit(new, rename)
    kept = row(code_only.to_excel("new.xlsx", notes="old.xlsx"), "Variable map", Variable="eVar5")
    assert (kept["Friendly name"], kept["Notes"]) == ("Color", "=not a formula")


def test_friendly_names_come_from_a_workbook_of_ones_own(code_only: Tags) -> None:
    frame = pd.DataFrame({"Variable": ["eVar5", "eVar9"], "Friendly name": ["Color", "Size"]})
    frame.to_excel("sdr.xlsx", index=False, startrow=2)
    path = code_only.to_excel("a.xlsx", notes="sdr.xlsx")
    assert row(path, "Variable map", Variable="eVar5")["Friendly name"] == "Color"
    assert row(path, "Earlier notes", Key="eVar9")["Text"] == "Size"


def test_notes_of_one_property_do_not_land_on_another(path: Path) -> None:
    edit(path, name_the_variable)
    before = path.read_bytes()
    other = shop(number="2")
    with pytest.raises(ArgumentError, match=r"^a.xlsx documents PR1. .* notes='a.xlsx'"):
        other.to_excel("a.xlsx")
    assert path.read_bytes() == before
    kept = row(other.to_excel("a.xlsx", notes="a.xlsx"), "Variable map", Variable="eVar5")
    assert kept["Friendly name"] == "Product color"


def test_a_report_of_another_property_is_refused_by_its_name(tags: Tags) -> None:
    properties = pd.DataFrame([{"id": "PR1", "name": "Web Store US", "platform": "web"}])
    Tags(**tags.frames, properties=properties).to_excel("us.xlsx")
    with pytest.raises(ArgumentError, match="^us.xlsx documents Web Store US. Choose"):
        shop(number="2").to_excel("us.xlsx")


def test_a_sheet_without_its_keys_is_refused(tags: Tags, path: Path) -> None:
    def remove_keys(edited: Book) -> None:
        titles = [header.value for header in edited["Findings"][1]]
        edited["Findings"].delete_cols(titles.index("Fingerprint") + 1)

    edit(path, remove_keys)
    with pytest.raises(ArgumentError, match="no column 'Fingerprint'"):
        tags.to_excel("a.xlsx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04 broken", "not an Excel workbook"),
        (b"", "not an Excel workbook"),
        (None, "No such file"),
    ],
)
def test_notes_that_cannot_be_read_are_refused(
    content: bytes | None, message: str, tags: Tags
) -> None:
    if content is not None:
        Path("notes.xlsx").write_bytes(content)
    with pytest.raises(ArgumentError, match=message):
        tags.to_excel("a.xlsx", notes="notes.xlsx")
    assert not Path("a.xlsx").exists()


def test_a_workbook_that_is_not_a_report_is_not_replaced(tags: Tags) -> None:
    pd.DataFrame({"Budget": [1]}).to_excel("budget.xlsx")
    with pytest.raises(ArgumentError, match="Choose the path of another file"):
        tags.to_excel("budget.xlsx")


@pytest.mark.parametrize("path", ["a.xls", "missing/a.xlsx", ""])
def test_a_path_that_cannot_be_written_is_refused(path: str, tags: Tags) -> None:
    with pytest.raises(ArgumentError):
        tags.to_excel(path)


@pytest.mark.parametrize("package", ["xlsxwriter", "openpyxl"])
def test_a_missing_package_is_named_with_the_command(
    package: str, code_only: Tags, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ArgumentError, match=r'pip install "adobe_nb\[excel\]"'):
        code_only.to_excel("a.xlsx")


def test_several_properties_have_a_column_that_tells_them_apart() -> None:
    one, two = shop(), shop(number="2")
    frames = {}
    for table, frame in one.frames.items():
        frames[table] = pd.concat([frame, two.frames[table]], ignore_index=True)
    sites = [{"id": "PR1", "name": "Shop"}, {"id": "PR2", "name": "Blog"}]
    properties = pd.DataFrame(sites).assign(platform="web")
    tags = Tags(**frames, properties=properties)
    path = tags.to_excel("a.xlsx")

    def name_one(edited: Book) -> None:
        cell(edited["Variable map"], "Friendly name", Property="Blog").value = "Of the blog"

    edit(path, name_one)
    kept = rows(tags.to_excel("a.xlsx"), "Variable map")
    named = [line["Property"] for line in kept if line["Friendly name"]]
    assert named == ["Blog"]


def test_libraries_and_environments_lead_to_each_other() -> None:
    library = {"id": "LB1", "name": "Release", "state": "published", "environment_id": "EN1"}
    environment = {"id": "EN1", "name": "Live", "stage": "production", "library_id": "LB1"}
    tables = {
        "libraries": pd.DataFrame([library]),
        "environments": pd.DataFrame([environment]),
    }
    read = book(Tags(**tables).to_excel("a.xlsx"))
    assert cell(read["Environments"], "Library", Name="Live").hyperlink.location == "'Libraries'!B2"
    assert cell(read["Libraries"], "Environment", Name="Release").value == "Live"


def test_rows_and_links_beyond_the_limits_of_excel_are_cut_and_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbook, "_MOST_ROWS", 3)
    monkeypatch.setattr(workbook, "_MOST_LINKS", 2)
    code = "\n".join(["_satellite.getVar('Color');"] * 5)
    path = site({"Page": [component("Set", script(code))]}, [element("Color")]).to_excel("a.xlsx")
    read = book(path)["References"]
    assert read.max_row == 4
    assert len([each for line in read["B2:K4"] for each in line if each.hyperlink]) == 2
    assert "Has the first 3 of 5 rows" in all_texts(path)
    assert "The first 2 links work" in all_texts(path)
