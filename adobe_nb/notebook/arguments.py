"""The words of a magic's line, and what to do when one of them is a secret."""

import re

from IPython.core.getipython import get_ipython

from adobe_nb.notebook.history_scrubber import scrub

# Blanks, an escaped blank or mark, a text in quotes, any other character. A backslash is an escape only before a blank,
# a quotation mark or a semicolon, so that C:\Users and \\server\share stay as they are typed.
_PIECE = re.compile(
    r"""(?P<blank>\s+)|\\(?P<escaped>[\s"';])|"(?P<double>(?:\\"|[^"])*)"|'(?P<single>[^']*)'|(?P<plain>[^"'\s])"""
)
_VARIABLE = re.compile(r"\{([A-Za-z_]\w*)\}")


def words_of(line: str) -> list[str]:
    """The words, quotes taken off. A word ``{name}`` is the text in that variable; nothing else is evaluated."""
    text = re.sub(r"(?<!\\);+\s*$", "", line.strip())
    words = _split(text)
    if words is None:  # a quote is not closed: still words, so that a secret among them is noticed
        words = ["?", *(word.strip("\"'") for word in text.split())]
    shell = get_ipython()
    names = shell.user_ns if shell is not None else {}
    found = []
    for word in words:
        match = _VARIABLE.fullmatch(word)
        value = names.get(match[1]) if match else None
        found.append(value if isinstance(value, str) else word)
    return found


def _split(text: str) -> list[str] | None:
    """The words of a line; None when a quote is not closed."""
    words: list[str] = []
    position = 0
    within = False
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None:
            return None
        position = piece.end()
        if piece.lastgroup == "blank":
            within = False
            continue
        part = piece[str(piece.lastgroup)]
        if piece.lastgroup == "double":
            part = part.replace('\\"', '"')
        if within:
            words[-1] += part
        else:
            words.append(part)
        within = True
    return words


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
