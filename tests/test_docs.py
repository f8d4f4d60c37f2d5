"""The docs match the code: examples run, numbers and names are checked."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import adobe_nb
from adobe_nb import analysis, simulator, snapshot
from adobe_nb import session as sessions
from adobe_nb.api.reactor.error_catalog import explanations
from adobe_nb.auth.credentials import SECRET_NAMES, VALUE_NAMES
from adobe_nb.notebook.magics import SOURCES, SUBCOMMANDS
from adobe_nb.registry import RESOURCES

ROOT = Path(__file__).parents[1]
MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(adobe_nb.__path__, "adobe_nb.")
    if ".tutorials" not in name
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_docstrings_have_examples() -> None:
    finder = doctest.DocTestFinder()
    examples = [
        test
        for name in MODULES
        for test in finder.find(importlib.import_module(name))
        if test.examples
    ]
    assert len(examples) >= 4


def test_changelog_has_a_section_for_this_version() -> None:
    assert f"## [{adobe_nb.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_error_tree_has_every_class() -> None:
    from adobe_nb import errors

    tree = errors.__doc__ or ""
    for name, value in vars(errors).items():
        public = isinstance(value, type) and not name.startswith("_")
        if (
            public
            and issubclass(value, (Exception, Warning))
            and value.__module__ == errors.__name__
        ):
            assert re.search(rf"\b{name}\b", tree), name


def read_page(name: str) -> str:
    """The text of a page of the documentation."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def examples_of(name: str) -> list[str]:
    """The blocks of Python in a page."""
    return re.findall(r"^```python\n(.*?)^```$", read_page(name), re.DOTALL | re.MULTILINE)


def results(code: str, names: dict[str, object]) -> list[Any]:
    """Run the code, and return the value of each expression in it."""
    values = []
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.Expr):
            values.append(eval(ast.unparse(statement), names))
        else:
            exec(ast.unparse(statement), names)
    return values


def test_readme_is_short_and_names_every_variable() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 100
    for name in (*SECRET_NAMES, "client_id", "org_id"):
        assert f"ADOBE_{name.upper()}" in text
    assert "OWNER" not in text


def test_guide_to_reading_tables_runs(session: sessions.Session) -> None:
    examples = examples_of("how-to/read-tables.md")
    parts, search, selection, shown, zone, delegates, recipes = examples
    names: dict[str, object] = {}
    [merged] = results(parts, names)
    assert "name_rule" in merged
    assert len(merged) > 0
    assert all(len(hits) for hits in results(search, names))
    assert [len(selected.columns) for selected in results(selection, names)] == [3]
    assert results(shown, names) == [None]
    [local] = results(zone, names)
    assert str(local.dt.tz) == "Europe/Berlin"
    events, kinds, split = results(delegates, names)
    assert events.sum() == kinds["event"].sum() > 0
    assert split["delegate_kind"].notna().all()
    assert [len(found) for found in results(recipes, names)] == [9, 2]


def test_guide_to_removing_deletes_every_profile(session: sessions.Session) -> None:
    session.save("work", in_file=True)
    session.save("other", in_file=True)
    [block] = examples_of("how-to/install.md")
    results(block, {})
    assert adobe_nb.profiles() == []


def test_pages_that_install_from_an_index_link_to_the_installation() -> None:
    """Until it is published, a package of this name in an index is not this one."""
    for page in (ROOT / "docs").rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        # A program that runs elsewhere starts without the package.
        if re.search(r"pip install adobe_nb|run: pip install", text):
            assert "install.md" in text or page.name == "install.md", page


def test_guide_to_changes_names_the_calls_that_require_confirmation(
    session: sessions.Session,
) -> None:
    text = read_page("how-to/change-tags.md")
    [sentence] = re.findall(r"^Every other write is .*?\n\n", text, re.MULTILINE | re.DOTALL)
    confirmed, others = set(), set()
    for name in RESOURCES:
        collection = getattr(session.reactor, name, None)
        for verb in filter(re.compile(r"[a-z]").match, dir(collection)):
            method = getattr(collection, verb)
            if not callable(method):
                continue
            parameters = inspect.signature(method).parameters
            if "confirm" in parameters:
                confirmed.add(verb)
            elif "dry_run" in parameters:
                others.add(verb)
    assert confirmed == {"build", "delete", "release_private", "republish"}
    named = set(re.findall(r"`(?:\w+\.)?(\w+)`", sentence))
    assert named - {"delete", "request"} <= others


def test_guide_to_questions_runs(
    session: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    values = []
    for code in examples_of("how-to/ask-questions.md"):
        values += results(code, names)
    frames = [value for value in values if isinstance(value, pd.DataFrame)]
    assert len(frames) > 5
    assert all(len(frame) > 0 for frame in frames)
    assert Path("site.xlsx").stat().st_size > 10_000


def reference_pages(script: str) -> dict[str, str]:
    """The pages that a script writes when the site is built."""
    pages: dict[str, str] = runpy.run_path(str(ROOT / "docs" / "reference" / script))["pages"]()
    return pages


PAGES = [
    str(path.relative_to(ROOT))
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if "_build" not in path.parts
]


@cache
def written_by_the_build() -> set[Path]:
    """The pages of the reference that are not in the repository."""
    docs = ROOT / "docs"
    pages = set()
    for script in (docs / "reference").glob("*.py"):
        pages.update(docs / "reference" / name for name in reference_pages(script.name))
    return pages


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_work(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            linked = (path.parent / target).resolve()
            exists = linked.exists() or linked in written_by_the_build()
            # The site has copies of the notebooks, and leads these links to them.
            is_copy = linked.parent == ROOT / "docs" / "tutorials" and linked.suffix == ".ipynb"
            assert exists, f"{page} links to {target}"
            assert not is_copy, f"{page} links to {target}: link to notebooks/"


def test_every_error_code_is_explained_in_our_own_words() -> None:
    catalogue = ROOT.parent / "shared" / "reactor" / "catalogue.json"
    if not catalogue.exists():
        pytest.skip("the catalogue of facts is not beside this checkout")
    import json

    facts = json.loads(catalogue.read_text(encoding="utf-8"))["errors"]
    known = explanations()
    assert {fact["code"] for fact in facts} == {code for code in known if not code.isdigit()}
    for fact in facts:
        assert fact["cause"] not in known[fact["code"]].cause, "in our own words"
        assert fact["fix"] not in known[fact["code"]].fix, "in our own words"
    assert {code for code in known if code.isdigit()} == {
        "403010",
        "401013",
        "403000",
        "403003",
        "400003",
        "403025",
        "403221",
        "429050",
    }


def test_security_page_counts_channels_and_names_existing_tests() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    numbers = [int(found) for found in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    named = set(re.findall(r"`(test_\w+)::(test_\w+)`", text))
    assert f"{len(numbers)} channels,\nand {len(named)} tests" in text
    _, tests = text.split("## The tests of each channel")
    assert [int(found) for found in re.findall(r"^(\d+)\. ", tests, re.MULTILINE)] == numbers
    for module, test in named:
        texts = [
            path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob(f"{module}.py")
        ]
        assert any(f"def {test}(" in text for text in texts), test


def test_sign_in_guide_names_every_option() -> None:
    text = (ROOT / "docs" / "how-to" / "sign-in.md").read_text(encoding="utf-8")
    for name in (
        *SOURCES,
        *SUBCOMMANDS,
        "--simulator",
        "--ask",
        "--save",
        "--in-file",
        "use",
        "forget",
        "ADOBE_PROFILE",
    ):
        assert name in text, name
    parameters = inspect.signature(adobe_nb.connect).parameters
    for name in ("env_file", "console_file", "postman_file", "config_file", "profile", "simulator"):
        assert name in parameters
        assert f"connect({name}=" in text, name


def test_reference_has_a_page_for_each_resource_type() -> None:
    pages = reference_pages("make.py")
    assert set(pages) == {"overview.md", "operations.md", *(f"{name}.md" for name in RESOURCES)}
    for row in RESOURCES.values():
        page = pages[f"{row.type}.md"]
        assert row.docs in page
        assert all(f"`{attribute.name}`" in page for attribute in row.attributes)


def test_reference_names_every_command_and_option() -> None:
    pages = reference_pages("commands.py")
    modules = (ROOT / "adobe_nb" / "cli").glob("*.py")
    commands = {module.stem.replace("_", "-") for module in modules} - {"--init--", "options"}
    assert {"audit", "pull-many"} < commands
    for command in commands:
        assert f"## adobe-nb {command}\n" in pages["command-line.md"]
    assert "`--fail-on {high,medium,low,never}` | exit with 1" in pages["command-line.md"]
    assert "may be left out with `--snapshot`" in pages["command-line.md"]
    assert "`--env-file FILE`" in pages["magics.md"]
    assert all(f"  {name} " in pages["magics.md"] for name in SUBCOMMANDS)
    assert "`--filter ATTRIBUTE VALUE`" in pages["magics.md"]


def test_reference_explains_every_error_code() -> None:
    pages = reference_pages("codes.py")
    for code, explanation in explanations().items():
        assert f"### {code}\n\n{explanation.cause}" in pages["reactor-codes.md"]
        assert explanation.fix in pages["reactor-codes.md"]
    for row in adobe_nb.edge.errors().itertuples():
        assert f"### {row.code}\n\n*{row.title}*" in pages["edge-codes.md"]
        assert row.fix in pages["edge-codes.md"]
    overview = (ROOT / "docs" / "reference" / "error-codes.md").read_text(encoding="utf-8")
    ims = (ROOT / "adobe_nb" / "auth" / "ims.py").read_text(encoding="utf-8")
    codes = re.findall(r'code == "(\w+)"', ims)
    assert "invalid_client" in codes
    assert all(f"`{code}`" in overview for code in codes)


def test_reference_names_every_public_name() -> None:
    page = reference_pages("names.py")["names.md"]
    for prefix, module in {
        "": adobe_nb,
        "snapshot.": snapshot,
        "analysis.": analysis,
        "simulator.": simulator,
    }.items():
        for name in set(module.__all__) - {"edge", "reactor"}:
            assert re.search(rf"`{prefix}{name}[` ]", page), f"{prefix}{name}"
    assert "`tags.unused " in page
    for line in page.splitlines():
        assert not line.endswith("|  |"), f"{line} has no summary"


def variables_of_the_source() -> set[str]:
    """The names of environment variables in modules that read the environment or a .env file."""
    names = {f"ADOBE_{name.upper()}" for name in (*SECRET_NAMES, *VALUE_NAMES)}
    for path in (ROOT / "adobe_nb").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        names.update(re.findall(r"\bADOBE_NB_[A-Z]+\b", text))
        if "os.environ" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.update(re.findall(r"^[A-Z]+(?:_[A-Z0-9]+)+$", node.value))
    return names


def test_page_of_the_environment_names_every_variable_and_file() -> None:
    page = read_page("reference/environment.md")
    variables = variables_of_the_source()
    assert {"ADOBE_PROFILE", "ADOBE_NB_JOURNAL", "CURL_CA_BUNDLE", "BINDER_REPO_URL"} < variables
    # Names in JSON files of other tools, in any case.
    in_files = {"ORG_ID", "CLIENT_ID", "IMS_ORG_ID", "CLIENT_SECRETS"}
    for name in variables - in_files:
        assert f"`{name}`" in page, name
    named = set(re.findall(r"`(ADOBE_\w+)`", page))
    assert named <= variables, "the source reads each variable that the page names"
    for name in ("profiles.toml", "secrets.toml", "journal.jsonl", ".adobe-nb-tutorials.json"):
        assert f"`{name}`" in page


def test_reference_shows_the_docstring_of_each_public_name() -> None:
    folder = ROOT / "docs" / "reference" / "python"
    text = "\n".join(page.read_text(encoding="utf-8") for page in folder.glob("*.md"))
    shown = set(
        re.findall(r"auto(?:function|class|data):: (?:adobe_nb\.)?(\w+)\b(?:\(\))?$", text, re.M)
    )
    errors = {name for name in adobe_nb.__all__ if hasattr(adobe_nb.errors, name)}
    assert "automodule:: adobe_nb.errors" in text
    assert set(adobe_nb.__all__) - errors - {"edge", "reactor"} <= shown


def test_guide_to_changing_tags_runs() -> None:
    from tests.conftest import sign_in, started

    *changes, publishing, rollback = examples_of("how-to/change-tags.md")
    assert len(changes) == 6
    simulator = started(build_seconds=0.02)
    try:
        reactor = sign_in(simulator).reactor
        names: dict[str, object] = {"reactor": reactor}
        for block in changes:
            exec(block, names)
        assert "A slip" not in set(reactor.data_elements(names["site"])["name"])
        assert reactor.rules.get(names["rules"])["deleted_at"].notna().all()
        exec(publishing, names)
        assert reactor.data_elements(names["library"])["name"].tolist() == ["Page Name"]
        exec(rollback, names)
        delivered = reactor.builds.get(names["build"])
        assert delivered["meta_republish_status"].notna().all()
        assert names["earlier"]["name"].tolist() == ["Holiday 2025"]
    finally:
        simulator.stop()


# Dask's own code causes these warnings.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_snapshot_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.conftest import sign_in, started

    blocks = examples_of("how-to/pull-a-company.md")
    assert len(blocks) == 5
    simulator = started()
    monkeypatch.chdir(tmp_path)
    try:
        session = sign_in(simulator)
        with adobe_nb.use(session):
            names: dict[str, object] = {"reactor": session.reactor}
            exec("from adobe_nb import snapshot\nsnapshot.pull(to='tags')", names)
            for block in blocks:
                exec(block.replace('"2026-03-01"', "1"), names)
    finally:
        simulator.stop()


def test_guide_to_reading_tables_names_every_resource_type() -> None:
    text = (ROOT / "docs" / "how-to" / "read-tables.md").read_text(encoding="utf-8")
    assert all(f"`{row.type}`" in text for row in RESOURCES.values())


def test_pull_guide_names_every_table() -> None:
    from adobe_nb.snapshot import TABLES

    guide = (ROOT / "docs" / "how-to" / "pull-a-company.md").read_text(encoding="utf-8")
    assert all(f"`{table}`" in guide for table in (*TABLES, "audit_events"))


def test_check_of_the_site_notices_dead_links_and_remote_files(tmp_path: Path) -> None:
    check = runpy.run_path(str(ROOT / "docs" / "check.py"))["problems"]
    (tmp_path / "other.html").write_text('<h2 id="there">There</h2>', encoding="utf-8")
    page = tmp_path / "index.html"
    page.write_text('<a href="other.html#there">x</a><a href="https://a.example/">y</a>')
    assert check(tmp_path) == []
    page.write_text(
        '<a href="other.html#gone">x</a><a href="gone.html">y</a>'
        '<img src="https://a.example/a.png"><script src="//a.example/a.js"></script>'
        '<code class="xref py py-obj">gone</code>'
    )
    (tmp_path / "style.css").write_text("@font-face { src: url(https://a.example/f.woff2) }")
    assert check(tmp_path) == [
        "index.html loads https://a.example/a.png",
        "index.html loads //a.example/a.js",
        "index.html has a reference to nothing: line 1",
        "index.html links to other.html#gone",
        "index.html links to gone.html",
        "style.css loads https://a.example/f.woff2",
    ]
