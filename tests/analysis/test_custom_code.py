"""``custom_code``: every script in the settings of any extension; and as files."""

import csv
import stat
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adobe_nb import ArgumentError
from adobe_nb.analysis import Tags, to_files
from tests.support.tag_frames import (
    CODE_ACTION,
    CODE_ELEMENT,
    code_element,
    components,
    dtypes,
    elements,
    extensions,
    no_tags,
    rules,
    store,
)

COLUMNS = {
    "source_type": "string",
    "source_id": "string",
    "source_name": "string",
    "rule_id": "string",
    "rule_name": "string",
    "delegate_descriptor_id": "string",
    "path": "string",
    "language": "string",
    "code": "string",
    "chars": "Int64",
    "lines": "Int64",
    "hash": "string",
    "minified": "boolean",
    "inline_in_library": "boolean",
    "same_as": "string",
}
WEB_SDK = "adobe-alloy::extensionConfiguration::config"
LOADED = "core::events::library-loaded"
CLICK = "core::events::click"
posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")


def javascript(source: str) -> dict[str, str]:
    return {"language": "javascript", "source": source}


def test_columns_are_the_same_without_code_with_one_piece_and_many(reactor: Any) -> None:
    assert dtypes(no_tags().custom_code()) == COLUMNS
    assert dtypes(code_element("return 1").custom_code()) == COLUMNS
    code = store(reactor).custom_code()
    assert dtypes(code) == COLUMNS
    columns = ["source_type", "rule_name", "path", "language", "lines", "minified"]
    rows = code.set_index("source_name")[[*columns, "inline_in_library"]]
    rows = rows.astype("object").where(rows.notna(), None)
    assert rows.loc["Login Status"].tolist() == [
        *("data_elements", None, "source", "javascript", 1, False, True)
    ]
    assert rows.loc["Chat snippet"].tolist() == [
        *("rule_components", "Legacy - Chat Widget", "source", "html", 1, False, False)
    ]
    assert rows.loc["Remember campaign"].tolist() == [
        *("rule_components", "Campaign - Landing", "source", "javascript", 1, False, True)
    ]


def test_code_in_lists_and_objects_of_an_extension_is_found() -> None:
    settings = {
        "instances": [
            {"name": "a", "onBeforeEventSend": "content.xdm.a = 1;"},
            {"name": "b", "clickCollection": {"filterClickDetails": "return false;"}},
            {"name": "c", "onBeforeEventSend": " "},
        ]
    }
    code = Tags(extensions=extensions(("EX1", "adobe-alloy", WEB_SDK, settings))).custom_code()
    assert code["path"].tolist() == [
        "instances[0].onBeforeEventSend",
        "instances[1].clickCollection.filterClickDetails",
    ]
    assert code["code"].tolist() == ["content.xdm.a = 1;", "return false;"]
    assert code["delegate_descriptor_id"].tolist() == [WEB_SDK, WEB_SDK]


@pytest.mark.parametrize(
    ("value", "is_code"),
    [
        ("window.foo = function () { return 1; };", True),
        ("return window.foo", True),
        ("<div></div><script>go()</script>", True),
        ("(e) => e.detail", True),
        ("Please return your new item (free of charge); thanks!", False),
        ("%Page Name%", False),
        ("digitalData.page.name", False),
        ("function", False),
    ],
)
def test_texts_of_an_unknown_extension_count_when_they_clearly_are_code(
    value: str, is_code: bool
) -> None:
    tags = Tags(rule_components=components(("RC1", "RL1", "acme::actions::run", {"a": value})))
    code = tags.custom_code()
    assert len(code) == is_code
    mentioned = [text for text in code.attrs["limits"] if "packages of RC1" in text]
    assert len(mentioned) == is_code


def test_broken_code_of_an_unknown_extension_counts_by_the_name_of_its_setting() -> None:
    broken = "var a = ;"
    settings = {"customCode": broken, "title": broken}
    tags = Tags(rule_components=components(("RC1", "RL1", "acme::actions::run", settings)))
    code = tags.custom_code()
    assert code["path"].tolist() == ["customCode"]
    assert code["inline_in_library"].isna().all()


def test_code_of_an_action_is_inline_only_if_its_rule_fires_early() -> None:
    tags = Tags(
        rules=rules(("RL1", "a"), ("RL2", "b"), ("RL3", "no events seen")),
        rule_components=components(
            ("RC1", "RL1", LOADED, {}),
            ("RC2", "RL1", CLICK, {}),
            ("RC3", "RL1", CODE_ACTION, javascript("one()")),
            ("RC4", "RL2", CLICK, {}),
            ("RC5", "RL2", CODE_ACTION, javascript("two()")),
            ("RC6", "RL2", "core::conditions::custom-code", {"source": "return true"}),
            ("RC7", "RL3", CODE_ACTION, javascript("three()")),
            ("RC8", "RL4", CODE_ACTION, javascript("four()")),
            ("RC9", "RL1", CODE_ACTION, {**javascript("/a.js"), "isExternal": True}),
        ),
    )
    code = tags.custom_code()
    inline = dict(zip(code["source_id"], code["inline_in_library"], strict=True))
    assert inline == {
        "RC3": True,
        "RC5": False,
        "RC6": True,
        "RC7": pd.NA,
        "RC8": pd.NA,
        "RC9": False,
    }
    assert any("RC9 (RC9) is an external file" in text for text in code.attrs["limits"])


def test_several_unknown_extensions_are_counted_in_the_limits() -> None:
    rows = [(f"RC{number}", "RL1", "acme::actions::run", {"a": "go => 1"}) for number in "12"]
    limits = Tags(rule_components=components(*rows)).custom_code().attrs["limits"]
    assert any("packages of 2 resources, the first being RC1 (RC1), are" in text for text in limits)


def test_the_same_code_is_recognized_whatever_its_indentation_and_blank_lines() -> None:
    tags = Tags(
        data_elements=elements(
            ("DE3", "c", CODE_ELEMENT, {"source": "if (a) {\r\n\r\n    go();\r\n}"}),
            ("DE1", "a", CODE_ELEMENT, {"source": "if (a) {\n  go();\n}\n"}),
            ("DE2", "b", CODE_ELEMENT, {"source": "if (b) {\n  go();\n}"}),
        )
    )
    code = tags.custom_code()
    assert code["source_id"].tolist() == ["DE1", "DE2", "DE3"]
    assert code["hash"].nunique() == 2
    assert code["same_as"].fillna("").tolist() == ["", "", "DE1"]
    assert code["lines"].tolist() == [3, 3, 4]


@pytest.mark.parametrize(
    ("code", "is_minified"),
    [
        ("var a=1;" * 100, True),
        ("ab=cd;\n" * 60 + "x" * 400 + "\n" + "y" * 400, True),
        ("  var a = b + c; // why\n" * 100, False),
        ("var a=1;", False),
    ],
)
def test_minified_code_has_long_lines_or_hardly_a_blank(code: str, is_minified: bool) -> None:
    assert code_element(code).custom_code()["minified"].tolist() == [is_minified]


def test_code_of_several_properties_names_the_property_first() -> None:
    tags = Tags(
        data_elements=elements(
            ("DE1", "a", CODE_ELEMENT, {"source": "one()"}),
            ("DE2", "b", CODE_ELEMENT, {"source": "one()"}),
            property_id=["PR2", "PR1"],
        )
    )
    code = tags.custom_code()
    assert list(code) == ["property_id", "property_name", *COLUMNS]
    assert code["property_id"].tolist() == ["PR1", "PR2"]
    assert code["same_as"].fillna("").tolist() == ["", "DE2"]


# Files


def code_of(*rows: tuple[str, str]) -> pd.DataFrame:
    """The custom code of data elements, from their ids and code."""
    records = [(row_id, "a", CODE_ELEMENT, {"source": source}) for row_id, source in rows]
    return Tags(data_elements=elements(*records)).custom_code()


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_each_piece_becomes_a_file_and_the_index_lists_them(reactor: Any, tmp_path: Path) -> None:
    code = store(reactor).custom_code()
    folder = tmp_path / "out" / "code"
    index = to_files(code, folder)
    assert list(index) == ["file", *code.columns.drop("code")]
    suffixes = code["language"].map({"javascript": ".js", "html": ".html"})
    assert set(suffixes) == {".js", ".html"}
    names = (code["source_type"] + "/" + code["source_id"] + suffixes).tolist()
    assert index["file"].tolist() == names
    assert files_in(folder) == {*names, "index.csv"}
    for name, text in zip(names, code["code"], strict=True):
        assert (folder / name).read_text("utf-8") == text
    read = pd.read_csv(folder / "index.csv")
    assert read["file"].tolist() == names
    assert read["source_name"].tolist() == index["source_name"].tolist()


def test_several_pieces_of_one_resource_are_named_by_their_paths(tmp_path: Path) -> None:
    settings = {
        "instances": [
            {"onBeforeEventSend": "one()", "onBeforeLinkClickSend": "two()"},
        ]
    }
    tags = Tags(extensions=extensions(("EX1", "adobe-alloy", WEB_SDK, settings)))
    assert to_files(tags.custom_code(), tmp_path)["file"].tolist() == [
        "extensions/EX1.instances-0-onBeforeEventSend.js",
        "extensions/EX1.instances-0-onBeforeLinkClickSend.js",
    ]


def test_names_are_safe_and_differ_by_more_than_case(tmp_path: Path) -> None:
    ids = ["../../x", "..", "CON", "a/b", "a\\b", "n" * 300, "de1", "DE1", " ", "ü", "a:b", "."]
    code = code_of(*((row_id, f"go('{row_id}')") for row_id in ids))
    names = to_files(code, tmp_path / "code")["file"]
    assert files_in(tmp_path) == {"code/index.csv", *("code/" + names)}
    assert names.str.casefold().nunique() == len(ids)
    assert names.str.fullmatch(r"data_elements/(?!con\.)[a-z0-9_-]{1,100}\.js", case=False).all()


def test_names_do_not_depend_on_other_rows_and_order(tmp_path: Path) -> None:
    code = code_of(("DE1", "one()"), ("a/b", "two()"))
    both = to_files(code, tmp_path / "both")
    reverse = to_files(code.iloc[::-1], tmp_path / "reverse")
    assert set(both["file"]) == set(reverse["file"])
    assert to_files(code.iloc[1:], tmp_path / "one")["file"][0] == both["file"][1]


def test_a_pruning_run_updates_adds_and_removes_files(tmp_path: Path) -> None:
    def run(*rows: tuple[str, str]) -> None:
        to_files(code_of(*rows), tmp_path, prune=True)

    run(("DE1", "one()"), ("DE2", "two()"))
    unchanged = (tmp_path / "data_elements" / "DE1.js").stat()
    (tmp_path / "data_elements" / "notes.txt").write_text("mine")
    run(("DE1", "one()"), ("DE3", "three()"))
    assert files_in(tmp_path) == {
        "index.csv",
        "data_elements/DE1.js",
        "data_elements/DE3.js",
        "data_elements/notes.txt",
    }
    assert (tmp_path / "data_elements" / "DE1.js").stat().st_mtime_ns == unchanged.st_mtime_ns
    run(("DE1", "changed()"))
    assert (tmp_path / "data_elements" / "DE1.js").read_text() == "changed()"
    assert files_in(tmp_path) == {
        "index.csv",
        "data_elements/DE1.js",
        "data_elements/notes.txt",
    }
    with (tmp_path / "index.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == 2


def test_pruning_with_nothing_is_refused_and_removes_nothing(tmp_path: Path) -> None:
    to_files(code_element("one()").custom_code(), tmp_path)
    before = files_in(tmp_path)
    assert "no code in this frame" in refused(no_tags().custom_code(), tmp_path, prune=True)
    assert files_in(tmp_path) == before


def test_a_folder_of_its_own_disappears_with_its_last_file(tmp_path: Path) -> None:
    to_files(code_element("one()").custom_code(), tmp_path)
    code = tmp_path / "data_elements" / "DE1.js"
    assert code.exists()
    other = code_element("two()").custom_code().assign(source_type="extensions")
    to_files(other, tmp_path, prune=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["extensions", "index.csv"]


def refused(code: pd.DataFrame, folder: Any, **options: Any) -> str:
    with pytest.raises(ArgumentError) as error:
        to_files(code, folder, **options)
    return str(error.value)


def test_files_of_others_are_never_overwritten(tmp_path: Path) -> None:
    other = tmp_path / "data_elements" / "DE2.js"
    other.parent.mkdir()
    other.write_text("other")
    message = refused(code_of(("DE1", "one()"), ("DE2", "two()")), tmp_path)
    assert "is not in the index of an earlier run" in message
    assert files_in(tmp_path) == {"data_elements/DE2.js"}
    assert other.read_text() == "other"


HEADER = "file,source_type,source_id,path,language"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name;code\n",
        "file,size\ndata_elements/DE1.js,5\n",
        f"name,{HEADER}\nx,data_elements/DE1.js\n",
        f"{HEADER}\n../../outside.js\n",
        f"{HEADER}\n/etc/x.js\n",
        f"{HEADER}\ndata_elements/../../outside.js\n",
    ],
)
def test_an_index_that_is_not_ours_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "outside.js").write_text("mine")
    (tmp_path / "code" / "index.csv").write_text(text)
    message = refused(no_tags().custom_code(), tmp_path / "code")
    assert "is not an index of custom code" in message
    assert files_in(tmp_path) == {"code/index.csv", "outside.js"}


@posix
def test_links_are_not_followed(tmp_path: Path) -> None:
    code = code_element("one()").custom_code()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "DE1.js").write_text("mine")
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "data_elements").symlink_to(outside)
    assert "is not a folder of its own" in refused(code, folder)
    (folder / "data_elements").unlink()
    to_files(code, folder)
    file = folder / "data_elements" / "DE1.js"
    file.unlink()
    file.symlink_to(outside / "DE1.js")
    assert "exists, and is not in the index" in refused(code, folder)
    assert (outside / "DE1.js").read_text() == "mine"
    file.unlink()
    (folder / "index.csv").unlink()
    (folder / "index.csv").symlink_to(outside / "DE1.js")
    assert "is not an index of custom code" in refused(code, folder)
    assert (outside / "DE1.js").read_text() == "mine"


@posix
def test_files_behind_a_link_are_not_removed(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    to_files(code_element("one()").custom_code(), folder)
    (folder / "data_elements").rename(tmp_path / "elsewhere")
    (folder / "data_elements").symlink_to(tmp_path / "elsewhere")
    assert "is not a folder of its own" in refused(no_tags().custom_code(), folder)
    assert (tmp_path / "elsewhere" / "DE1.js").read_text() == "one()"


@posix
def test_only_this_user_can_read_the_files(tmp_path: Path) -> None:
    to_files(code_element("one()").custom_code(), tmp_path / "code")
    for path in (tmp_path / "code").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert stat.S_IMODE((tmp_path / "code").stat().st_mode) == 0o700


def test_an_interrupted_run_is_repaired_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_files(code_of(("DE1", "one()")), tmp_path)
    code = code_of(("DE2", "two()"))
    unlink = Path.unlink

    def full(self: Path, *, missing_ok: bool = False) -> None:
        if self.name == "DE1.js":
            raise OSError(5, "Input/output error")
        unlink(self, missing_ok=missing_ok)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", full)
        assert "Input/output error" in refused(code, tmp_path, prune=True)
    assert files_in(tmp_path) == {"index.csv", "data_elements/DE1.js", "data_elements/DE2.js"}
    to_files(code, tmp_path, prune=True)
    assert files_in(tmp_path) == {"index.csv", "data_elements/DE2.js"}


def test_a_run_with_some_of_the_code_keeps_the_other_files(tmp_path: Path) -> None:
    to_files(code_of(("DE1", "one()"), ("DE2", "two()")), tmp_path)
    returned = to_files(code_of(("DE2", "changed()")), tmp_path)
    assert returned["file"].tolist() == ["data_elements/DE2.js"]
    assert files_in(tmp_path) == {"index.csv", "data_elements/DE1.js", "data_elements/DE2.js"}
    index = pd.read_csv(tmp_path / "index.csv")
    assert index["file"].tolist() == ["data_elements/DE2.js", "data_elements/DE1.js"]


def test_names_in_the_index_are_never_formulas(tmp_path: Path) -> None:
    index = to_files(code_element("one()", name='=HYPERLINK("x"),\n"ü"').custom_code(), tmp_path)
    assert index["source_name"].tolist() == ['=HYPERLINK("x"),\n"ü"']
    read = pd.read_csv(tmp_path / "index.csv")
    assert read["source_name"].tolist() == ['\'=HYPERLINK("x"),\n"ü"']


def test_line_endings_stay_and_lone_surrogates_become_escapes(tmp_path: Path) -> None:
    settings = '{"source": "a\\r\\nb = \'\\ud83d\'; ü"}'
    code = Tags(data_elements=elements(("DE1", "a", CODE_ELEMENT, settings))).custom_code()
    to_files(code, tmp_path)
    written = (tmp_path / "data_elements" / "DE1.js").read_bytes()
    assert written == "a\r\nb = '\\ud83d'; ü".encode()


def test_code_of_a_user_can_hold_lone_surrogates_and_lack_the_other_columns(tmp_path: Path) -> None:
    code = pd.DataFrame(
        {
            "source_type": ["rules"],
            "source_id": ["RL1"],
            "path": ["a"],
            "language": [None],
            "code": ["'\ud800'"],
        },
        dtype="object",
    )
    index = to_files(code.assign(file="mine"), tmp_path)
    assert index["file"].tolist() == ["rules/RL1.js"]
    assert (tmp_path / "rules" / "RL1.js").read_text() == "'\\ud800'"


def test_invalid_arguments_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    code = code_element("one()").custom_code()
    assert "no column 'path'" in refused(code.drop(columns="path"), tmp_path)
    assert "Expected the frame" in refused("code", tmp_path)  # type: ignore[arg-type]
    assert "Expected the path of a folder" in refused(code, "")
    changed = pd.concat([code, code.assign(code="two()")])
    assert "DE1 appears twice with different code" in refused(changed, tmp_path)
    (tmp_path / "file").write_text("mine")
    assert "is a file" in refused(code, tmp_path / "file")
    assert files_in(tmp_path) == {"file"}
    assert len(to_files(pd.concat([code, code]), tmp_path / "code")) == 1


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    message = refused(code_element("one()").custom_code(), tmp_path / "file" / "code")
    assert "Cannot write to" in message
    assert "Choose another folder" in message
