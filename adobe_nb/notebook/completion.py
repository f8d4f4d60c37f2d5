"""Tab completion: words that fit at the cursor of a magic, and the keywords of ``create`` and
``update``.

Names of properties are asked for once a session.
"""

import contextlib
import re
import threading
import weakref
from collections.abc import Callable, Iterable

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from adobe_nb import session as sessions
from adobe_nb.auth.profiles import ProfileStore
from adobe_nb.errors import AdobeError
from adobe_nb.registry import RESOURCES, Verb

_WAIT = 3.0
_OPERATORS = ("EQ", "NOT", "LT", "GT", "BETWEEN", "CONTAINS")
_names: "weakref.WeakKeyDictionary[sessions.Session, tuple[str, ...]]" = weakref.WeakKeyDictionary()


@context_matcher(identifier="adobe_nb")  # type: ignore[untyped-decorator]
def matcher(context: CompletionContext) -> SimpleMatcherResult:
    """For IPython: what fits at the cursor of one of our magics, and then nothing else."""
    text = context.text_until_cursor.lstrip()
    name = text.split(maxsplit=1)[0] if text else ""
    if name not in _COMPLETERS or not text[len(name) :]:
        return {"completions": []}
    words, fragment = _split(text)
    found = [
        SimpleCompletion(each, type=_kind(each))
        for each in _fitting(_COMPLETERS[name](words, fragment), fragment)
    ]
    return {
        "completions": found,
        "suppress": bool(found),
        "matched_fragment": fragment,
        "ordered": True,
    }


_WRITING = re.compile(r"\.(\w+)\.(create|update)$")


@context_matcher(identifier="adobe_nb keywords")  # type: ignore[untyped-decorator]
def keywords(context: CompletionContext) -> SimpleMatcherResult:
    """For IPython: the keywords of the call that is open at the cursor,
    ``reactor.rules.create(site, na``.
    """
    lines = [*context.full_text.split("\n")[: context.cursor_line], context.text_until_cursor]
    call, given = _open_call("\n".join(lines))
    written = _WRITING.search(call)
    row = RESOURCES.get(written[1]) if written else None
    if written is None or row is None:
        return {"completions": []}
    fragment = re.split(r"[,\s]", given)[-1]
    if not re.fullmatch(r"[a-z_]*", fragment):
        return {"completions": []}
    verb: Verb = "create" if written[2] == "create" else "update"
    names = [*row.keywords(verb), "dry_run"]
    there = set(re.findall(r"(\w+)\s*=", given))
    found = [SimpleCompletion(f"{each}=", type="param") for each in names if each not in there]
    fitting = [each for each in found if each.text.startswith(fragment)]
    return {
        "completions": fitting,
        "matched_fragment": fragment,
        "ordered": True,
        "suppress": False,
    }


def _open_call(text: str) -> tuple[str, str]:
    """What is called where a bracket is still open, and its arguments so far; texts are passed
    over.
    """
    bare = re.sub(r"\"[^\"\n]*\"|'[^'\n]*'", lambda found: "_" * len(found[0]), text)
    depth = 0
    for position in range(len(bare) - 1, -1, -1):
        depth += {")": 1, "]": 1, "}": 1, "(": -1, "[": -1, "{": -1}.get(bare[position], 0)
        if depth < 0:
            return (bare[:position], bare[position + 1 :]) if bare[position] == "(" else ("", "")
    return "", ""


def _kind(text: str) -> str:
    return "option" if text.startswith("-") else "name" if text[:1] in {'"', "'"} else "word"


def _for_auth(words: list[str], fragment: str) -> Iterable[str]:
    """Sub-commands, options, profiles."""
    from adobe_nb.notebook import magics  # noqa: PLC0415

    if words[-1] in {"use", "forget", "--profile"}:
        return _profiles()
    if words[-1].endswith("-file"):
        return ()  # IPython's own completion of paths
    given = [word for word in words[1:] if not word.startswith("-")]
    commands = () if given else tuple(magics.SUBCOMMANDS)
    return magics.OPTIONS if fragment.startswith("-") or given else commands


def _for_reactor(words: list[str], fragment: str) -> Iterable[str]:
    """Resource types, options, attributes of filters and sort, names of properties."""
    from adobe_nb.notebook import reactor_magic  # noqa: PLC0415

    row = RESOURCES.get(words[1]) if len(words) > 1 else None
    if len(words) == 1:
        return (*RESOURCES, "get")
    if row is None or words[-1] in {"-o", "--limit"}:
        return ()
    if words[-1] == "--filter":
        return row.filters
    if len(words) > 2 and words[-2] == "--filter":
        return _OPERATORS
    if words[-1] == "--sort":
        return [f"-{name}" for name in row.sortable] if fragment.startswith("-") else row.sortable
    if fragment.startswith("-"):
        return reactor_magic.OPTIONS
    named = len(words) == 2 and "properties" in {*row.parents, *row.through}
    return (_properties() if named else ()) or reactor_magic.OPTIONS


_COMPLETERS: dict[str, Callable[[list[str], str], Iterable[str]]] = {
    "%adobe_auth": _for_auth,
    "%reactor": _for_reactor,
}


def _split(text: str) -> tuple[list[str], str]:
    """Whole words before the cursor, and the fragment at it; a quote that is open holds blanks."""
    found = re.findall(r"\"[^\"]*\"?|'[^']*'?|(?:\\.|[^\s\"'\\])+", text)
    if text[-1:].isspace() and not (found and _is_open(found[-1])):
        return [_bare(word) for word in found], ""
    return [_bare(word) for word in found[:-1]], found[-1] if found else ""


def _is_open(word: str) -> bool:
    return word[0] in "\"'" and (len(word) == 1 or word[-1] != word[0])


def _bare(word: str) -> str:
    return word.strip("\"'")


def _fitting(candidates: Iterable[str], fragment: str) -> list[str]:
    """Those that go on from the fragment; names with spaces in quotes, or as the fragment began
    them.
    """
    quote = fragment[0] if fragment[:1] in {'"', "'"} else ""
    typed = re.sub(r"\\([\s'\";])", r"\1", fragment[len(quote) :])
    found = []
    for name in candidates:
        if not name.casefold().startswith(typed.casefold()) or (quote and quote in name):
            continue
        if name.endswith("\\") and quote != "'":
            # Before a blank or a double quote the backslash would be an escape.
            found += [f"'{name}'"] if "'" not in name else []
        elif quote:
            found.append(f"{quote}{name}{quote}")
        elif not typed and re.search(r"[\s';]", name) and '"' not in name:
            found.append(f'"{name}"')
        else:
            found.append(re.sub(r"([\s'\";])", r"\\\1", name))
    return found


def _profiles() -> list[str]:
    with contextlib.suppress(AdobeError):
        return [profile.name for profile in ProfileStore().profiles()]
    return []


def _properties() -> tuple[str, ...]:
    """Names of the properties of the current session; nothing when it takes too long. Control
    characters never.
    """
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
        _names[session] = tuple(
            sorted({name for name in names if name.isprintable() and not name.startswith("-")})
        )
