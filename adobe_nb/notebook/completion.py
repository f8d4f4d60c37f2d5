"""Tab completion of the magics: words that fit at the cursor. Names of properties are asked for once a session."""

import contextlib
import re
import threading
import weakref
from collections.abc import Iterable
from typing import Any

from adobe_nb import session as sessions
from adobe_nb.auth.profiles import Store
from adobe_nb.errors import AdobeError
from adobe_nb.resources import RESOURCES

_WAIT = 3.0
_OPERATORS = ("EQ", "NOT", "LT", "GT", "BETWEEN", "CONTAINS")
_names: "weakref.WeakKeyDictionary[sessions.Session, tuple[str, ...]]" = weakref.WeakKeyDictionary()


def complete_auth(_: Any, event: Any) -> list[str]:
    """For ``%adobe_auth``: sub-commands, options, profiles."""
    from adobe_nb.notebook import magics  # noqa: PLC0415

    words, fragment = _split(event.text_until_cursor)
    before = words[-1] if words else ""
    if before in {"use", "forget", "--profile"}:
        return _fitting(_profiles(), fragment, event.symbol)
    if before.endswith("-file"):
        return []  # IPython's own completion of paths
    given = [word for word in words[1:] if not word.startswith("-")]
    commands = () if given else tuple(magics.SUBCOMMANDS)
    return _fitting((*commands, *magics.OPTIONS), fragment, event.symbol)


def complete_reactor(_: Any, event: Any) -> list[str]:
    """For ``%reactor``: resource types, options, attributes of filters and sort, names of properties."""
    from adobe_nb.notebook import reactor_magic  # noqa: PLC0415

    words, fragment = _split(event.text_until_cursor)
    if len(words) == 1:
        return _fitting((*RESOURCES, "get", "--help"), fragment, event.symbol)
    row = RESOURCES.get(words[1])
    if row is None:
        return []
    if words[-1] == "--filter":
        return _fitting(row.filters, fragment, event.symbol)
    if len(words) > 2 and words[-2] == "--filter":
        return _fitting(_OPERATORS, fragment, event.symbol)
    if words[-1] == "--sort":
        signed = [f"-{name}" for name in row.sortable] if fragment.startswith("-") else row.sortable
        return _fitting(signed, fragment, event.symbol)
    if words[-1] in {"-o", "--limit"}:
        return []
    named = len(words) == 2 and "properties" in {*row.parents, *row.through}
    return _fitting((*(_properties() if named else ()), *reactor_magic.OPTIONS), fragment, event.symbol)


def _split(text: str) -> tuple[list[str], str]:
    """Whole words before the cursor, and the fragment at it; a quote that is open holds blanks."""
    found = re.findall(r"\"[^\"]*\"?|'[^']*'?|[^\s\"']+", text)
    if text[-1:].isspace() and not (found and _is_open(found[-1])):
        return [_bare(word) for word in found], ""
    return [_bare(word) for word in found[:-1]], found[-1] if found else ""


def _is_open(word: str) -> bool:
    return word[0] in "\"'" and (len(word) == 1 or word[-1] != word[0])


def _bare(word: str) -> str:
    return word.strip("\"'")


def _fitting(candidates: Iterable[str], fragment: str, symbol: str) -> list[str]:
    """Those that go on from the fragment, without what stands before the part that IPython replaces."""
    quote = fragment[0] if fragment[:1] in {'"', "'"} else ""
    typed = fragment[len(quote) :]
    cut = len(typed) - len(symbol)
    found = []
    for name in candidates:
        if not name.startswith(typed) or (not quote and not typed and name.startswith("-")):
            continue
        if quote:
            found.append(f"{name[cut:]}{quote}")
        elif re.search(r"[\s'\";]", name):
            found.append(f'"{name}"' if not typed and '"' not in name else re.sub(r"([\s'\";\\])", r"\\\1", name)[cut:])
        else:
            found.append(name[cut:])
    return found


def _profiles() -> list[str]:
    with contextlib.suppress(AdobeError):
        return [profile.name for profile in Store().profiles()]
    return []


def _properties() -> tuple[str, ...]:
    """Names of the properties of the current session; nothing when it takes too long. Control characters never."""
    session = sessions.current_or_none()
    if session is None or session.signed_out:
        return ()
    if session not in _names:
        asking = threading.Thread(target=_ask, args=(session,), daemon=True)
        asking.start()
        asking.join(_WAIT)
    return _names.get(session, ())


def _ask(session: sessions.Session) -> None:
    with contextlib.suppress(AdobeError):
        names = session.reactor.properties()["name"].dropna()
        _names[session] = tuple(sorted({name for name in names if name.isprintable()}))
