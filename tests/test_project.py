"""The files that keep the project: what they name exists, and CI runs what people run."""

import re
import tomllib
from pathlib import Path

import yaml

import adobe_nb

ROOT = Path(__file__).parents[1]
JUST = (ROOT / "justfile").read_text(encoding="utf-8")
RECIPES = set(re.findall(r"^([a-z]+)(?: [*\w]+)?:$", JUST, re.MULTILINE))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_justfile_has_the_recipes_that_pages_and_ci_call() -> None:
    pages = [ROOT / "CONTRIBUTING.md", ROOT / "RELEASING.md", ROOT / "README.md"]
    called: set[str] = set()
    for page in pages:
        for call in re.findall(r"`just ([a-z ]+)", page.read_text(encoding="utf-8")):
            called.update(call.split())
    for script in [ROOT / ".ci" / "run", *(ROOT / ".github" / "workflows").glob("*.yml")]:
        for call in re.findall(r"\bjust ([a-z ]+)$", script.read_text(encoding="utf-8"), re.M):
            called.update(call.split())
    assert {"test", "browser", "nightly", "lint", "types", "docs", "bench"} <= RECIPES
    assert {name for name in called if name not in {"notebooks"}} <= RECIPES


def test_recipes_name_benchmarks_that_exist() -> None:
    listed = re.search(r"for name in ([a-z_ ]+); do", JUST)
    assert listed is not None
    scripts = {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - {"measuring"}
    assert set(listed[1].split()) == scripts


def test_version_stands_in_one_place() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "adobe_nb/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+", adobe_nb.__version__)


def test_no_address_has_a_placeholder() -> None:
    for address in PROJECT["project"].get("urls", {}).values():
        assert not re.search("OWNER|example", address), address


def test_workflows_run_the_scripts_that_anyone_can_run() -> None:
    commands: dict[str, list[str]] = {}
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
        steps = [step for job in jobs.values() for step in job["steps"]]
        commands[path.stem] = [step["run"] for step in steps if "run" in step]
    assert commands["test"] == [".ci/run"]
    assert commands["nightly"] == [".ci/nightly"]
    assert "just build" in commands["release"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    assert (ROOT / ".ci" / "nightly").stat().st_mode & 0o111


def test_issue_forms_and_settings_can_be_read() -> None:
    for path in (ROOT / ".github").rglob("*.yml"):
        assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict), path
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [hook["id"] for repo in hooks["repos"] for hook in repo["hooks"]] == [
        "ruff-check",
        "ruff-format",
        "mypy",
    ]


def test_paths_in_the_contributors_guide_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for path in set(re.findall(r"`((?:adobe_nb|tests|docs|benchmarks)/[\w/.]*)`", text)):
        assert (ROOT / path).exists(), path
