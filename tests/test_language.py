"""Texts avoid turns of phrase that a native engineer would not write."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]


class Phrase(NamedTuple):
    """A turn of phrase to avoid, and what to write instead."""

    pattern: str
    instead: str
    example: str


PHRASES = [
    Phrase(
        r"(?<!\bthere )\b(?:is|are|was|were) no\b(?! longer| more)",
        "'is not a …', 'Expected …, got …' or 'Invalid …'; 'there is no …' is fine",
        "70000 is no port",
    ),
    Phrase(r"(?<!\bthere )\b(?:is|are|was|were) (?-i:none)\b", "'is not …'", "the first is none"),
    Phrase(r"\bcannot be right\b", "'Invalid …'", "The client id cannot be right"),
    Phrase(r"\bsmall letters?\b", "'lowercase'", "small letters and digits only"),
    Phrase(r"\bcapital letters?\b|\bin capitals\b", "'uppercase'", "operators in capitals"),
    Phrase(r"\bwants (?:a|an|one|no|the)\b", "'requires'", "find wants a name"),
    Phrase(r"\b(?:is|are|was|were) not well\b", "'is unavailable'", "IMS is not well"),
    Phrase(r"\b(?:nobody|somebody)\b", "name who it is, or use the passive", "Nobody can answer"),
    Phrase(r"\bso many\b", "the number, or 'that many'", "after so many requests"),
    Phrase(r"\basked (?:for|of)\b", "'requested', 'read'", "what was asked for"),
    Phrase(r"\b(?:is|are|was|were) (?:told|said)\b", "'reported', 'shown'", "what is told"),
    Phrase(r"\bwhat (?:is|are|was|were) (?:no|not)\b", "name the noun", "what is not there"),
    Phrase(r"\b(?:is|are|was|were) (?:not )?there(?=[.,;:)]|$)", "'exists'", "when it is there."),
    Phrase(r"\beach of which\b", "a new sentence", "lists, each of which is read"),
    Phrase(r"\bwhat became of\b", "'the outcome of'", "what became of a write"),
    Phrase(r"\btaken up\b", "'resumed'", "a draft is taken up"),
    Phrase(r"\b(?:goes|go|went) on where\b", "'resumes'", "it goes on where it ended"),
    Phrase(r"\b(?:is|are|was|were) looked (?:at|for)\b", "'searched', 'checked'", "is looked for"),
    Phrase(r"\banew\b", "'again', 'start over'", "it begins anew"),
    Phrase(r"\bfor ever\b", "'forever'", "waits for ever"),
    Phrase(r"\bhalf-way\b", "'halfway'", "fails half-way"),
    Phrase(r"\bmade by hand\b", "'built manually'", "a frame made by hand"),
    Phrase(
        r"\bmoments? with(?:out)? a zone\b", "'timezone-aware timestamp'", "a moment with a zone"
    ),
    Phrase(r"\bis no moment\b", "'is not a timestamp'", "'x' is no moment"),
    Phrase(r"\btoken(?: has)? ended\b", "'expired'", "The token ended"),
    Phrase(
        r"\b(?:renewed|renews) by (?:itself|themselves)\b",
        "'renewed automatically'",
        "renewed by itself",
    ),
    Phrase(r"\b(?-i:THE TABLE)\b", "'the registry'", "a row of THE TABLE"),
    Phrase(
        r"\b(?:organis|behaviour|colour|recognis|synchronis|neighbour|honour|favour|normalis"
        r"|summaris|minimis|unrecognis)\w*",
        "the American spelling",
        "the organisation",
    ),
]

# Phrases that stay, by file, with the reason: Adobe's own words for example.
ALLOWED: dict[tuple[str, str], str] = {}

# Files that still have such phrases. The list only ever gets shorter.
PENDING: set[str] = {
    "adobe_nb/api/edge/bindings.py",
    "adobe_nb/api/edge/client.py",
    "adobe_nb/api/edge/diagnosis.py",
    "adobe_nb/api/edge/error_catalog.py",
    "adobe_nb/api/edge/events.py",
    "adobe_nb/api/edge/frames.py",
    "adobe_nb/api/edge/from_frame.py",
    "adobe_nb/api/edge/validation.py",
    "adobe_nb/api/excel.py",
    "adobe_nb/api/progress.py",
    "adobe_nb/api/reactor/bindings.py",
    "adobe_nb/api/reactor/client.py",
    "adobe_nb/api/reactor/decoding.py",
    "adobe_nb/api/reactor/frames.py",
    "adobe_nb/api/reactor/journal.py",
    "adobe_nb/api/reactor/libraries.py",
    "adobe_nb/api/reactor/packages.py",
    "adobe_nb/api/reactor/paging.py",
    "adobe_nb/api/reactor/relations.py",
    "adobe_nb/api/reactor/writes.py",
    "adobe_nb/auth/credentials.py",
    "adobe_nb/auth/ims.py",
    "adobe_nb/auth/keyring_store.py",
    "adobe_nb/auth/legacy_jwt.py",
    "adobe_nb/auth/profiles.py",
    "adobe_nb/auth/sources.py",
    "adobe_nb/errors.py",
    "adobe_nb/forks.py",
    "adobe_nb/http/client.py",
    "adobe_nb/http/failures.py",
    "adobe_nb/http/limiter.py",
    "adobe_nb/http/workers.py",
    "adobe_nb/masking.py",
    "adobe_nb/notebook/commands.py",
    "adobe_nb/notebook/completion.py",
    "adobe_nb/notebook/display.py",
    "adobe_nb/notebook/history_scrubber.py",
    "adobe_nb/notebook/magics.py",
    "adobe_nb/notebook/panel.py",
    "adobe_nb/notebook/reactor_magic.py",
    "adobe_nb/registry.py",
    "adobe_nb/session.py",
    "adobe_nb/simulator/accounts.py",
    "adobe_nb/simulator/app.py",
    "adobe_nb/simulator/discovery.py",
    "adobe_nb/simulator/documents.py",
    "adobe_nb/simulator/drift.py",
    "adobe_nb/simulator/edge.py",
    "adobe_nb/simulator/faults.py",
    "adobe_nb/simulator/history.py",
    "adobe_nb/simulator/ims.py",
    "adobe_nb/simulator/lists.py",
    "adobe_nb/simulator/packages.py",
    "adobe_nb/simulator/publishing.py",
    "adobe_nb/simulator/router.py",
    "adobe_nb/simulator/search.py",
    "adobe_nb/simulator/seed.py",
    "adobe_nb/simulator/seed_extras.py",
    "adobe_nb/simulator/server.py",
    "adobe_nb/simulator/settings.py",
    "adobe_nb/simulator/store.py",
    "adobe_nb/simulator/writes.py",
    "docs/decisions/0006-profiles.md",
    "docs/decisions/0008-writes.md",
    "docs/decisions/0010-a-limiter-per-organisation.md",
    "docs/decisions/0011-complete-while-it-changes.md",
    "docs/decisions/0013-snapshots.md",
    "docs/decisions/0014-one-pager.md",
    "docs/decisions/0015-how-far-to-walk.md",
    "docs/how-to/change-tags.md",
    "docs/index.md",
    "docs/reference/companies.md",
    "docs/reference/data_elements.md",
    "docs/reference/extension_package_usage_authorizations.md",
    "docs/reference/extension_packages.md",
    "docs/reference/profiles.md",
    "notebooks/03_edge_network_authentication.ipynb",
    "tests/api/edge/test_edge.py",
    "tests/api/reactor/test_decoding.py",
    "tests/api/reactor/test_dry_run.py",
    "tests/api/reactor/test_escapes.py",
    "tests/api/reactor/test_packages.py",
    "tests/api/reactor/test_paging.py",
    "tests/api/reactor/test_writes.py",
    "tests/api/reactor/test_writes_on_a_bad_day.py",
    "tests/api/test_odd_responses.py",
    "tests/api/test_progress.py",
    "tests/auth/test_credentials.py",
    "tests/auth/test_ims.py",
    "tests/auth/test_profiles.py",
    "tests/auth/test_sources.py",
    "tests/guard/notebook.py",
    "tests/guard/scenarios.py",
    "tests/guard/stage.py",
    "tests/http/test_client.py",
    "tests/http/test_limiter.py",
    "tests/http/test_retry.py",
    "tests/http/test_workers.py",
    "tests/notebook/test_magics.py",
    "tests/notebook/test_panel.py",
    "tests/notebook/test_reactor_magic.py",
    "tests/security/test_no_leak.py",
    "tests/simulator/test_app.py",
    "tests/simulator/test_drift.py",
    "tests/simulator/test_edge.py",
    "tests/simulator/test_fuzz.py",
    "tests/simulator/test_manifests.py",
    "tests/simulator/test_other_clients.py",
    "tests/simulator/test_packages.py",
    "tests/simulator/test_publishing.py",
    "tests/simulator/test_search.py",
    "tests/simulator/test_seed.py",
    "tests/simulator/test_server.py",
    "tests/simulator/test_signatures.py",
    "tests/simulator/test_traces.py",
    "tests/simulator/test_writes.py",
    "tests/test_architecture.py",
    "tests/test_forks.py",
    "tests/test_masking.py",
    "tests/test_session.py",
}


def texts_of_python(path: Path) -> Iterator[str]:
    """Yield docstrings, comments, and strings of several words; of tests the names instead."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    is_test = "tests" in path.parts
    parts_of_strings = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and is_test:
            yield ast.get_docstring(node) or ""
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and is_test:
            yield node.name.replace("_", " ")
        elif isinstance(node, ast.JoinedStr) and not is_test:
            parts_of_strings.update(map(id, node.values))
            texts = [part.value for part in node.values if isinstance(part, ast.Constant)]
            yield "…".join(map(str, texts))
        elif isinstance(node, ast.Constant) and not is_test and id(node) not in parts_of_strings:
            # A single word is a name, such as the key of a column.
            value = str(node.value).strip()
            if " " in value:
                yield value
    comments: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comments.append(token.string.lstrip("# "))
        elif token.type != tokenize.NL and comments:
            yield " ".join(comments)
            comments = []


def texts_of_markdown(text: str) -> Iterator[str]:
    yield re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def texts_of_notebook(path: Path) -> Iterator[str]:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            yield from texts_of_markdown("".join(cell["source"]))


def texts_of(path: Path) -> Iterator[str]:
    if path.suffix == ".py":
        texts = texts_of_python(path)
    elif path.suffix == ".ipynb":
        texts = texts_of_notebook(path)
    else:
        texts = texts_of_markdown(path.read_text(encoding="utf-8"))
    for text in texts:
        without_code = re.sub(r"``[^`]*``|`[^`\n]*`", "…", text)
        yield re.sub(r"\s+", " ", without_code)


def problems_of(path: Path) -> list[str]:
    """The bad phrases of a file, each with what to write instead."""
    problems = []
    for text in texts_of(path):
        for phrase in PHRASES:
            for match in re.finditer(phrase.pattern, text, re.IGNORECASE):
                if (str(path.relative_to(ROOT)), match[0]) not in ALLOWED:
                    context = text[max(0, match.start() - 40) : match.end() + 40]
                    problems.append(f"{context!r}: write {phrase.instead}")
    return problems


FILES = sorted(
    str(path.relative_to(ROOT))
    for path in [
        *ROOT.glob("*.md"),
        *(ROOT / "adobe_nb").rglob("*.py"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "notebooks").glob("*.ipynb"),
        *(ROOT / "tests").rglob("*.py"),
    ]
    if path != Path(__file__) and "tutorials" not in path.parts
)


@pytest.mark.parametrize("name", [name for name in FILES if name not in PENDING])
def test_texts_avoid_known_bad_phrases(name: str) -> None:
    assert problems_of(ROOT / name) == []


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.example)
def test_each_pattern_matches_its_example(phrase: Phrase) -> None:
    assert re.search(phrase.pattern, phrase.example, re.IGNORECASE)


@pytest.mark.parametrize(
    "text", ["There is no snapshot.", "It is no longer valid.", "there are none", "a moment ago"]
)
def test_good_english_is_not_matched(text: str) -> None:
    assert not any(re.search(phrase.pattern, text, re.IGNORECASE) for phrase in PHRASES)
