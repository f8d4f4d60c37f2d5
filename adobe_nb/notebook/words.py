"""The words of a magic's line, and what to do when one of them is a secret."""

import re
import shlex

from IPython.core.getipython import get_ipython

from adobe_nb.notebook.scrub import scrub

_VARIABLE = re.compile(r"\{([A-Za-z_]\w*)\}")


def words_of(line: str) -> list[str]:
    """The words, quotes taken off. A word ``{name}`` is the text in that variable; nothing else is evaluated."""
    text = re.sub(r"(?<!\\);+\s*$", "", line.strip())
    try:
        words = shlex.split(text)
    except ValueError:  # a quote is not closed: still words, so that a secret among them is noticed
        words = ["?", *(word.strip("\"'") for word in text.split())]
    shell = get_ipython()
    names = shell.user_ns if shell is not None else {}
    found = []
    for word in words:
        match = _VARIABLE.fullmatch(word)
        value = names.get(match[1]) if match else None
        found.append(value if isinstance(value, str) else word)
    return found


def refusal(words: list[str], line: str, cell: str = "") -> str:
    """Scrub what was typed, and the sentence to raise."""
    told = "It was taken out of In and the history of this kernel."
    shell = get_ipython()
    if shell is None or not scrub(shell, [line.strip(), *words, cell]):
        told = "It could not be taken out of the history."
    return (
        f"Secrets are not accepted here: the notebook keeps what is typed into a cell. {told} Now delete this cell, "
        "rotate the secret in Developer Console, and sign in with a file or the panel."
    )
