"""Tab completion: the arguments of a magic, and the keywords of ``create`` and ``update``.

Names of properties are requested once a session.
"""

import contextlib
import re
import threading
import weakref
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import cast

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from adobe_nb import session as sessions
from adobe_nb.auth.profiles import ProfileStore
from adobe_nb.errors import AdobeError
from adobe_nb.registry import RESOURCES, Resource, Verb

_WAIT = 3.0
"""Seconds that the keyboard may wait for the service."""
_OPERATORS = ("EQ", "NOT", "LT", "GT", "BETWEEN", "CONTAINS")
_WRITING = re.compile(r"\.(\w+)\.(create|update)$")
_QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
_WORD = re.compile(r"\"[^\"]*\"?|'[^']*'?|(?:\\.|[^\s\"'\\])+")
_names: "weakref.WeakKeyDictionary[sessions.Session, tuple[str, ...]]" = weakref.WeakKeyDictionary()


@context_matcher(identifier="adobe_nb")  # type: ignore[untyped-decorator]
def matcher(context: CompletionContext) -> SimpleMatcherResult:
    """Offer the arguments of our magics, and then nothing else."""
    text = context.text_until_cursor.lstrip()
    magic = next(iter(text.split(maxsplit=1)), "")
    if magic not in _COMPLETERS or text == magic:
        return {"completions": []}
    words, fragment = _split(text)
    completions = []
    quote, typed = _typed(fragment)
    for name in _COMPLETERS[magic](words, fragment):
        completion = _written(name, quote, typed)
        if name.casefold().startswith(typed.casefold()) and completion:
            completions.append(SimpleCompletion(completion, type=_type_of(completion)))
    return {
        "completions": completions,
        "suppress": bool(completions),
        "matched_fragment": fragment,
        "ordered": True,
    }


@context_matcher(identifier="adobe_nb keywords")  # type: ignore[untyped-decorator]
def keywords(context: CompletionContext) -> SimpleMatcherResult:
    """Offer the keywords of the call at the cursor: ``reactor.rules.create(site, na``.

    The signatures have the same keywords, but IPython evaluates no property (``session.reactor``),
    and without Jedi it looks at one line only.
    """
    lines = [*context.full_text.split("\n")[: context.cursor_line], context.text_until_cursor]
    call, arguments = _open_call("\n".join(lines))
    writing = _WRITING.search(call)
    fragment = re.split(r"[,\s]", arguments)[-1]
    if writing is None or writing[1] not in RESOURCES or not re.fullmatch(r"[a-z_]*", fragment):
        return {"completions": []}
    verb = cast("Verb", writing[2])
    used = set(re.findall(r"(\w+)\s*=", arguments))
    completions = []
    for name in (*RESOURCES[writing[1]].keywords(verb), "dry_run"):
        if name not in used and name.startswith(fragment):
            completions.append(SimpleCompletion(f"{name}=", type="param"))
    return {
        "completions": completions,
        "matched_fragment": fragment,
        "ordered": True,
        "suppress": False,
    }


def _open_call(text: str) -> tuple[str, str]:
    """Return the call whose bracket is still open, and its arguments so far."""
    # Brackets inside texts do not count.
    bare = _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), text)
    depth = 0
    for position in range(len(bare) - 1, -1, -1):
        character = bare[position]
        if character in ")]}":
            depth += 1
        elif character in "([{":
            depth -= 1
        if depth < 0 and character == "(":
            return bare[:position], bare[position + 1 :]
        if depth < 0:
            break
    return "", ""


def _type_of(completion: str) -> str:
    return {"-": "option", "'": "name", '"': "name"}.get(completion[0], "word")


def _for_auth(words: list[str], fragment: str) -> Iterable[str]:
    """Return subcommands, options, profiles."""
    from adobe_nb.notebook import magics  # noqa: PLC0415

    if words[-1] in {"use", "forget", "--profile"}:
        return _profiles()
    if words[-1] == "--secrets":
        return ("colab", "databricks:")
    # IPython completes paths.
    if words[-1].endswith("-file"):
        return ()
    # A command was chosen already, so only options are left.
    for word in words[1:]:
        if not word.startswith("-"):
            return magics.OPTIONS
    if fragment.startswith("-"):
        return magics.OPTIONS
    return tuple(magics.SUBCOMMANDS)


def _for_reactor(words: list[str], fragment: str) -> Iterable[str]:
    """Return resource types, options, attributes of filters and sort, names of properties."""
    from adobe_nb.notebook import reactor_magic  # noqa: PLC0415

    if len(words) == 1:
        return (*RESOURCES, "get")
    row = RESOURCES.get(words[1])
    if row is None:
        return ()
    # Of its two arguments, the second.
    if words[-2] == "--filter":
        return _OPERATORS
    values = _values_of_options(row, fragment)
    if words[-1] in values:
        return values[words[-1]]
    names: tuple[str, ...] = ()
    takes_property = len(words) == 2 and "properties" in {*row.parents, *row.through}
    if takes_property and not fragment.startswith("-"):
        names = _properties()
    return names or reactor_magic.OPTIONS


def _values_of_options(row: Resource, fragment: str) -> dict[str, Iterable[str]]:
    sort_keys = row.sortable
    # A dash before a sort key means descending.
    if fragment.startswith("-"):
        sort_keys = tuple(map("-{}".format, row.sortable))
    # Nothing to offer for a name of a variable, or a number.
    return {"-o": (), "--limit": (), "--filter": row.filters, "--sort": sort_keys}


_COMPLETERS: dict[str, Callable[[list[str], str], Iterable[str]]] = {
    "%adobe_auth": _for_auth,
    "%reactor": _for_reactor,
}


def _split(text: str) -> tuple[list[str], str]:
    """Return the whole words before the cursor, and the fragment at it."""
    *words, fragment = _WORD.findall(text)
    # In an open quote, a space belongs to the fragment.
    is_open = fragment[0] in "'\"" and (len(fragment) == 1 or fragment[-1] != fragment[0])
    if text[-1].isspace() and not is_open:
        words.append(fragment)
        fragment = ""
    return [word.strip("\"'") for word in words], fragment


def _typed(fragment: str) -> tuple[str, str]:
    """Return the quote that is open in the fragment, and the text without escapes."""
    quote = ""
    if fragment.startswith(("'", '"')):
        quote = fragment[0]
    return quote, re.sub(r"\\([\s'\";])", r"\1", fragment.removeprefix(quote))


def _written(name: str, quote: str, typed: str) -> str:
    """Return the name quoted or escaped, as the fragment was begun; empty if it cannot be."""
    # Before a space or a double quote, a backslash at the end would be an escape.
    if name.endswith("\\"):
        quote = "'"
    elif not typed and not quote and re.search(r"[\s';]", name) and '"' not in name:
        quote = '"'
    if quote and quote in name:
        return ""
    if quote:
        return f"{quote}{name}{quote}"
    return re.sub(r"([\s'\";])", r"\\\1", name)


def _profiles() -> list[str]:
    with contextlib.suppress(AdobeError):
        return list(map(attrgetter("name"), ProfileStore().profiles()))
    return []


def _properties() -> tuple[str, ...]:
    """Return the names of properties; none when the service is slow or there is no session."""
    session = sessions.current_or_none()
    if session is None or session.signed_out:
        return ()
    if session not in _names:
        thread = threading.Thread(target=_read_names, args=(session,), daemon=True)
        thread.start()
        thread.join(_WAIT)
    return _names.get(session, ())


def _read_names(session: sessions.Session) -> None:
    with contextlib.suppress(AdobeError):
        names = set()
        for name in session.reactor.properties()["name"].dropna():
            # Control characters could steer a terminal; a dash would make it an option.
            if name.isprintable() and not name.startswith("-"):
                names.add(name)
        _names[session] = tuple(sorted(names))
