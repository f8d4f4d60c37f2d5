"""Find what looks like a secret in code: in its strings, beside its names, and in its comments."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from adobe_nb.analysis.code import secrets
from adobe_nb.analysis.code.comments import DATA_BLOCK
from adobe_nb.analysis.code.javascript import (
    MAX_DEPTH,
    Script,
    arguments_of,
    call_of,
    field,
    literal,
    parse,
    reference_of,
)
from adobe_nb.analysis.code.markup import COMMENT_OR_SCRIPT
from adobe_nb.analysis.code.secrets import Secret

STRINGS = ("string", "template_string")
COMMENTS = ("comment", "html_comment")
_SECRET_NAME = re.compile(
    r"secret|token|passw|passphrase|pwd|credential|authorization|"
    r"(?:api|access|private|auth|encryption|signing|account|subscription|shared|master|service)"
    r"[-_ ]?key",
    re.IGNORECASE,
)
_LONGEST_NAME = 60
_SETTER = re.compile(r"""["'`]?set[A-Z_]""")
# "a" + "b", ["a", "b"].join(""), and "a".concat("b")
_JOINED = re.compile(r"""["'`]\s*+(?:\+\s*+["'`]|\.\s*+concat\b|,?\s*+\]\s*+\.\s*+join\b)""")
_JOINT = re.compile(r"""\+(?=\s*+["'`])|\b(?:join|concat)\b""")
_ENCODING = re.compile(r"""\bbtoa(?=\s*+\(\s*+["'`\[])""")
_EQUALITY = ("==", "===", "!=", "!==")
_NOT_LINE_BREAK = re.compile(r"[^\n]")


def secrets_in_code(code: str, language: str) -> list[Secret]:
    """Return the secrets in JavaScript or HTML, in order."""
    found = list(secrets.shaped_secrets(code))
    if language == "html":
        found += _secrets_in_html(code)
    else:
        found += _secrets_in_script(Script(code))
    return secrets.without_overlaps(found)


def _secrets_in_html(html: str) -> Iterator[Secret]:
    # The elements of the page, with blanks in place of its comments and scripts.
    parts: list[str] = []
    end = 0
    for match in COMMENT_OR_SCRIPT.finditer(html):
        start, stop = match.span()
        if match["comment"] is not None:
            for secret in secrets.noted_secrets(match["comment"]):
                yield secret.moved(start)
        elif DATA_BLOCK.search(match["attributes"]):
            continue
        else:
            start, stop = match.span("script")
            yield from _secrets_in_script(Script(match["script"], start))
        parts += html[end:start], _NOT_LINE_BREAK.sub(" ", html[start:stop])
        end = stop
    yield from secrets.named_secrets("".join([*parts, html[end:]]))


def _secrets_in_script(script: Script) -> Iterator[Secret]:
    text = script.text
    is_named = secrets.has_marker(text) and _SECRET_NAME.search(text) is not None
    is_joined = _JOINED.search(text) is not None
    # Parsing takes the most time, and most scripts have nothing of this.
    if is_named or is_joined or "btoa" in text:
        finder = _Finder(script)
        if is_named:
            yield from finder.named()
            yield from finder.noted()
        if is_joined:
            yield from finder.joined()
        yield from finder.encoded()


class _Finder:
    """Finds the secrets in one script."""

    def __init__(self, script: Script) -> None:
        self._tree = parse(script)

    def named(self) -> Iterator[Secret]:
        """Yield the values of names that say that they are secret."""
        if self._tree.is_broken:
            yield from self._moved(secrets.named_secrets(self._tree.script.text))
        for _, node in self._tree.find(_SECRET_NAME):
            if node.type in COMMENTS:
                continue
            string = _string_of(node)
            if string is not None:
                # An address, JSON or HTML inside a string.
                start = self._tree.span(string)[0] + 1
                for secret in secrets.named_secrets(self._tree.text(string)[1:-1]):
                    yield secret.moved(start)
            yield from self._value_of(string or node)

    def _value_of(self, key: Node) -> Iterator[Secret]:
        """Yield the value of a name or key if it looks like a secret."""
        name = self._tree.text(key).strip("\"'`")
        # Longer texts have other names in them, as addresses do.
        if len(name) > _LONGEST_NAME:
            return
        value = _value_of(key)
        if value is None:
            return
        is_compared = self._is_compared(value)
        for text in self._texts(value):
            if kind := secrets.kind_of(name, text, is_doubtful=is_compared):
                yield self._secret(value, kind, text)
                return

    def noted(self) -> Iterator[Secret]:
        """Yield the secrets in comments."""
        # Most comments, of most scripts, have none.
        if any(secrets.noted_secrets(self._tree.script.text)):
            for node in self._tree.nodes(*COMMENTS):
                start = self._tree.span(node)[0]
                for secret in secrets.noted_secrets(self._tree.text(node)):
                    yield secret.moved(start)

    def joined(self) -> Iterator[Secret]:
        """Yield the secrets whose parts are literals that the script puts together."""
        known: set[int] = set()
        for word, node in self._tree.find(_JOINT):
            whole = _whole_sum(node) if word == "+" else call_of(reference_of(node))
            if whole is None or whole.id in known:
                continue
            known.add(whole.id)
            for text in self._texts(whole):
                for secret in secrets.shaped_secrets(text):
                    found = self._secret(whole, secret.kind, text[secret.start : secret.stop])
                    yield found._replace(rule=secret.rule)

    def encoded(self) -> Iterator[Secret]:
        """Yield users with passwords, as ``btoa("user:password")`` makes a header of them."""
        for _, node in self._tree.find(_ENCODING):
            call = call_of(reference_of(node))
            if call is None or node.type in COMMENTS:
                continue
            for argument in arguments_of(call)[:1]:
                for text in filter(secrets.is_user_and_password, self._texts(argument)):
                    yield self._secret(argument, "a user name and password", text)

    def _texts(self, value: Node) -> Iterator[str]:
        """Yield the texts that a value can have, without their unknown parts."""
        call = value if value.type == "call_expression" else None
        if call is not None:
            yield from self._text_of_call(call)
            return
        for parts in self._tree.names(value):
            yield "".join(part or "" for part in parts)

    def _text_of_call(self, call: Node) -> Iterator[str]:
        """Yield the text of ``["a", "b"].join("")`` and ``"a".concat("b")``."""
        function = field(call, "function")
        owner, method = field(function, "object"), field(function, "property")
        if owner is None or method is None:
            return
        separator = ""
        parts = [owner, *arguments_of(call)]
        if owner.type == "array" and self._tree.text(method) == "join":
            parts = owner.named_children
            separator = "".join(map(self._literal, arguments_of(call)[:1])) or separator
        elif self._tree.text(method) != "concat":
            return
        if all(part.type in STRINGS for part in parts):
            yield separator.join(map(self._literal, parts))

    def _literal(self, node: Node) -> str:
        return "".join(literal(name) or "" for name in self._tree.names(node))

    def _is_compared(self, value: Node) -> bool:
        parent = value.parent
        if parent is None or parent.type != "binary_expression":
            return False
        return self._tree.text(parent.children[1]) in _EQUALITY

    def _secret(self, value: Node, kind: str, text: str) -> Secret:
        """Return the strings of a value as one secret: the one that says it, or all of them."""
        strings = list(_strings_below(value)) or [value]
        for string in strings:
            if text in self._tree.string_text(string):
                strings = [string]
        start, stop = self._tree.span(strings[0])[0], self._tree.span(strings[-1])[1]
        return Secret(start + 1, stop - 1, kind, text=text)

    def _moved(self, found: Iterator[Secret]) -> Iterator[Secret]:
        for secret in found:
            yield secret.moved(self._tree.script.start)


def _string_of(node: Node) -> Node | None:
    for candidate in (node, node.parent):
        if candidate is not None and candidate.type in STRINGS:
            return candidate
    return None


def _whole_sum(node: Node) -> Node | None:
    """Return the longest sum that a plus sign belongs to."""
    whole = None
    for _ in range(MAX_DEPTH):
        parent = node if node.type == "binary_expression" else node.parent
        if parent is None or parent.type not in ("binary_expression", "parenthesized_expression"):
            return whole
        whole, node = parent, parent
        if parent.parent is None:
            return whole
        node = parent.parent
    return whole


def _value_of(key: Node) -> Node | None:
    """Return the value that a name or key has in an assignment, object, comparison or call."""
    reference = reference_of(key)
    if key.parent is not None and key.parent.type == "subscript_expression":
        reference = key.parent
    parent = reference.parent
    if parent is None:
        return None
    if parent.type == "arguments" and key.type in STRINGS:
        # setItem("token", value)
        return key.next_named_sibling
    for name, value in (("name", "value"), ("key", "value"), ("property", "value")):
        if field(parent, name) == reference:
            return field(parent, value)
    if field(parent, "left") == reference:
        return field(parent, "right")
    if _SETTER.match((key.text or b"").decode()):
        return _value_of_setter(key, reference)
    return None


def _value_of_setter(key: Node, reference: Node) -> Node | None:
    """Return the value in ``setApiKey(value)`` and ``["setApiKey", value]``."""
    call = call_of(reference)
    if call is not None:
        return next(iter(arguments_of(call)), None)
    if key.parent is not None and key.parent.type == "array":
        return key.next_named_sibling
    return None


def _strings_below(value: Node) -> Iterator[Node]:
    pending = [value]
    while pending:
        node = pending.pop()
        if node.type in STRINGS:
            yield node
        else:
            pending += reversed(node.named_children)
