"""How the errors show themselves in a notebook."""

import ast
import re

import pytest

from adobe_nb.errors import AdobeError, ConfirmationRequired


def shown(error: AdobeError) -> str:
    return error._render_traceback_()[0]


def test_long_lines_are_broken_between_words() -> None:
    lines = shown(AdobeError("some words that are repeated " * 20)).splitlines()
    assert len(lines) > 5
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    "name",
    [
        "Release 12 of the shop",
        "two  blanks,\ttab",
        "Bob's site",
        'the "new" site',
        """Bob's "new" site""",
        "a \\ b",
        "many words " * 30,
    ],
)
@pytest.mark.parametrize("indent", range(0, 100, 9))
def test_quoted_names_stay_whole(name: str, indent: int) -> None:
    message = f"{'x' * indent} To delete, add confirm={name!r}. Don't repeat it, nothing changed."
    text = shown(ConfirmationRequired(message, name))
    match = re.search(r"confirm=(.*?)\.\s+Don't", text, re.DOTALL)
    assert match is not None
    assert ast.literal_eval(match[1]) == name


def test_names_in_double_quotes_stay_whole() -> None:
    call = 'reactor.find("properties", "My site with a long name, which nobody breaks")'
    assert "which nobody breaks" in shown(AdobeError(f"{'Words first. ' * 5}Use {call}."))


def test_enormous_lines_are_shown_as_they_are() -> None:
    words = "word " * 100_000 + "end"
    assert shown(AdobeError(f"First.\n{words}")) == f"AdobeError: First.\n{words}"
