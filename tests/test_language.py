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
ALLOWED: dict[tuple[str, str], str] = {
    ("adobe_nb/analysis/rules/direct_calls.py", "nobody"): "a verdict",
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


GENERATED = {"_build", "tutorials"}
FILES = sorted(
    str(path.relative_to(ROOT))
    for path in [
        *ROOT.glob("*.md"),
        *(ROOT / "adobe_nb").rglob("*.py"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "notebooks").glob("*.ipynb"),
        *(ROOT / "tests").rglob("*.py"),
    ]
    if path != Path(__file__) and not GENERATED & set(path.parts)
)


@pytest.mark.parametrize("name", FILES)
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
