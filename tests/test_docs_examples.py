"""Every block of code in the documentation runs, and every command in it is valid."""

import ast
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

import adobe_nb
from adobe_nb import cli, snapshot
from adobe_nb.notebook import magics, reactor_magic

ROOT = Path(__file__).parents[1]
PAGES = [
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if "<!-- Written by " not in path.read_text(encoding="utf-8")
]
TESTED_WITH_THEIR_RESULTS = {
    "docs/how-to/ask-questions.md": "tests/test_docs.py",
    "docs/how-to/audit.md": "tests/analysis/test_audit.py",
    "docs/how-to/change-tags.md": "tests/test_docs.py",
    "docs/how-to/pull-a-company.md": "tests/test_docs.py",
    "docs/how-to/query-several-organizations.md": "tests/analysis/test_reading.py",
    "docs/how-to/read-tables.md": "tests/test_docs.py",
}


class Setting(NamedTuple):
    """What a page takes for granted, and what stands in for names of the reader's own."""

    replaced: tuple[tuple[str, str], ...] = ()
    has_snapshot: bool = False
    profiles: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    workbook: str = ""
    may_be_empty: tuple[str, ...] = ()


SETTINGS = {
    "README.md": Setting(replaced=(("My site", "Web Store US"),)),
    "docs/index.md": Setting(replaced=(("My site", "Web Store US"),)),
    "docs/how-to/delete-safely.md": Setting(replaced=(('"DE…"', '"DE" + "0" * 32'),)),
    # A smaller property, because writing reports takes longest.
    "docs/how-to/document-a-property.md": Setting(
        replaced=(("Web Store US", "Store App"),), workbook="our-variables.xlsx"
    ),
    "docs/how-to/from-a-spreadsheet.md": Setting(workbook="design.xlsx"),
    "docs/how-to/many-organizations.md": Setting(
        replaced=(
            ('.save("acme")', '.save("acme", in_file=True)'),
            ('.save("borealis")', '.save("borealis", in_file=True)'),
            ('to="/shared/clients"', 'to="shared", tables=["properties"]'),
            ('"tcp://127.0.0.1:8786"', "processes=False, dashboard_address=None"),
        ),
        env_files=("acme.env", "borealis.env"),
        # All profiles can be pulled, and nothing changes meanwhile.
        may_be_empty=(
            "refreshed[refreshed['changed'] > 0]",
            "failed[['profile', 'error']]",
            "snapshot.pull_many(failed, to='clients')",
        ),
    ),
    # The stores of secrets are tested with stand-ins: tests/auth/test_secret_stores.py.
    "docs/how-to/other-front-ends.md": Setting(
        replaced=(
            ('secrets="colab"', "simulator=True"),
            ('secrets="databricks:adobe"', "simulator=True"),
        )
    ),
    "docs/how-to/sign-in.md": Setting(profiles=("ours", "theirs")),
    "docs/how-to/tables-elsewhere.md": Setting(
        replaced=(("s3://my-bucket", "bucket"), ('filesystem("s3")', 'filesystem("file")')),
        has_snapshot=True,
    ),
    "docs/how-to/what-changed.md": Setting(
        replaced=(('properties="PR…"', "properties=site"), ('"2026-07-01"', "1")),
        has_snapshot=True,
        # There is one snapshot only.
        may_be_empty=("analysis.diff(before, after)",),
    ),
}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks_of(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


PAGES_WITH_PYTHON = [
    page
    for page in PAGES
    if blocks_of(page, "python") and name_of(page) not in TESTED_WITH_THEIR_RESULTS
]


def prepare(setting: Setting, session: adobe_nb.Session) -> None:
    """Make the files and profiles that a page takes for granted."""
    credentials = session.credentials
    values = {
        "ADOBE_CLIENT_ID": credentials.client_id,
        "ADOBE_CLIENT_SECRET": credentials.client_secret.reveal(),
        "ADOBE_ORG_ID": credentials.org_id,
        "ADOBE_REACTOR_URL": credentials.hosts.reactor,
        "ADOBE_IMS_URL": credentials.hosts.ims,
    }
    for name in setting.env_files:
        text = "\n".join(f"{variable}={value}" for variable, value in values.items())
        Path(name).write_text(text, encoding="utf-8")
        Path(name).chmod(0o600)
    for name in setting.profiles:
        session.save(name, in_file=True)
    if setting.has_snapshot:
        site = session.reactor.find("properties", "Web Store US")
        snapshot.pull(site, to="tags", session=session)
    if setting.workbook:
        design = pd.DataFrame({"Variable": ["eVar5", "eVar20"], "Notes": ["kept", ""]})
        design.to_excel(setting.workbook, index=False)


def empty_tables(code: str, names: dict[str, Any]) -> list[str]:
    """Run the code, and return the expressions whose tables have no rows: they show nothing."""
    empty = []
    for statement in ast.parse(code).body:
        source = ast.unparse(statement)
        if not isinstance(statement, ast.Expr):
            exec(source, names)
            continue
        value = eval(source, names)
        if isinstance(value, pd.DataFrame) and value.empty:
            empty.append(source)
    return empty


@pytest.mark.parametrize("page", PAGES_WITH_PYTHON, ids=name_of)
# Dask's own code causes these warnings.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_python_of_a_page_runs(page: Path, session: adobe_nb.Session) -> None:
    setting = SETTINGS.get(name_of(page), Setting())
    prepare(setting, session)
    names: dict[str, Any] = {}
    for block in blocks_of(page, "python"):
        code = re.sub(r"^%.*$", "", block, flags=re.MULTILINE)
        for shown, actual in setting.replaced:
            code = code.replace(shown, actual)
        # A folder takes no options of a store.
        code = re.sub(r"storage_options=\{.*?\},?", "", code)
        assert set(empty_tables(code, names)) <= set(setting.may_be_empty)
    # That of a cluster.
    if "client" in names:
        names["client"].close()


def test_pages_that_are_tested_elsewhere_are_named_there() -> None:
    for page, test in TESTED_WITH_THEIR_RESULTS.items():
        assert blocks_of(ROOT / page, "python"), page
        assert Path(page).name in (ROOT / test).read_text(encoding="utf-8"), page
    for name in SETTINGS:
        assert ROOT / name in PAGES_WITH_PYTHON


def commands_of(page: Path) -> list[str]:
    """The lines with adobe-nb or a magic, in blocks and in code spans."""
    text = page.read_text(encoding="utf-8")
    # `adobe-nb pull` alone is the name of a command.
    spans = re.findall(r"`(adobe-nb [\w-]+ [^`\n]+|%adobe_auth [^`\n]+|%reactor [^`\n]+)`", text)
    lines = []
    for block in blocks_of(page, r"\w*"):
        code = re.sub(r"\\\n", " ", block)
        lines += re.findall(r"^\s*(?:- run: )?((?:adobe-nb|%adobe_auth|%reactor) .*)$", code, re.M)
    return [*spans, *lines]


def check(command: str) -> None:
    """Parse a command as the terminal or the notebook would. Raises SystemExit or UsageError."""
    command = re.split(r"\s+(?:#|\||&&|;|>>|2>|\$)", command)[0]
    program, *words = shlex.split(command)
    if program == "adobe-nb":
        try:
            cli._parser().parse_args(words)
        except SystemExit as ended:
            # Options such as --help end the program without an error.
            if ended.code:
                raise
    elif program == "%adobe_auth":
        magics._check(magics._parser().parse_args(words))
    else:
        reactor_magic._options(words)


COMMANDS = sorted({command for page in PAGES for command in commands_of(page)})


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_a_page_is_valid(command: str) -> None:
    check(command)


def test_invalid_commands_are_noticed() -> None:
    with pytest.raises(SystemExit):
        check("adobe-nb pull tags --refrsh")
    with pytest.raises(Exception, match="Invalid command"):
        check("%adobe_auth --env-fil .env")
    with pytest.raises(Exception, match="expected one argument"):
        check('%reactor rules "My site" --sort')
