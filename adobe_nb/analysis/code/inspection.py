"""Inspect one piece of code: what is risky in it, and what it loads."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from tree_sitter import Node

from adobe_nb.analysis.code.addresses import (
    Load,
    host_of,
    insecure_host,
    is_script_file,
    personal_parameter,
    tags_of,
)
from adobe_nb.analysis.code.comments import DATA_BLOCK
from adobe_nb.analysis.code.javascript import (
    Script,
    call_of,
    field,
    parse,
    reference_of,
    shown,
)
from adobe_nb.analysis.code.loads import LOADS, LoadReader
from adobe_nb.analysis.code.markup import COMMENT_OR_SCRIPT
from adobe_nb.analysis.code.misspelled import misspelled_names
from adobe_nb.analysis.code.operands import arguments_for, is_compared, owner_of
from adobe_nb.analysis.code.script_secrets import COMMENTS, STRINGS
from adobe_nb.analysis.code.secrets import read_table
from adobe_nb.analysis.code.taint import Taint

_WINDOWS = ("window", "self", "top", "globalThis", "parent")
_PARAMETER = (
    r"(?i:[\w;.\[\]-]*(?:mail|phone|name|birth|iban|ssn|passport|mobile)|"
    r"[\w.-]+=[\w.+-]+(?:@|%40))"
)
# Each alternative begins with a character of its own, which makes the search quick.
_URL = re.compile(
    r"//[\w-]+\.|<(?i:script|img|iframe)\b|"
    rf"\?{_PARAMETER}|&{_PARAMETER}"
)
_METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH")
_TOKEN = re.compile(r"%[^%\n]+%")
_NOT_LINE_BREAK = re.compile(r"[^\n]")


class Finding(NamedTuple):
    """A risk, where it is, and what is risky."""

    rule: str
    start: int
    stop: int
    line: int
    detail: str = ""
    instead: str = ""


class Inspection(NamedTuple):
    """What was found in a piece of code."""

    findings: list[Finding]
    loads: list[Load]


def inspect(code: str, language: str, *, has_tokens: bool = False) -> Inspection:
    """Return what was found in JavaScript or HTML, in which the engine may replace tokens."""
    found = Inspection([], [])
    if language == "html":
        _inspect_html(code, found, has_tokens=has_tokens)
    else:
        _Inspector(Script(code), found, has_tokens=has_tokens).run()
    return Inspection(sorted(set(found.findings)), sorted(set(found.loads)))


def _inspect_html(html: str, found: Inspection, *, has_tokens: bool) -> None:
    # The elements of the page, with blanks in place of its comments and scripts.
    parts: list[str] = []
    end = 0
    for match in COMMENT_OR_SCRIPT.finditer(html):
        start, stop = match.span()
        if match["comment"] is None and DATA_BLOCK.search(match["attributes"]):
            continue
        if match["comment"] is None:
            start, stop = match.span("script")
            script = Script(match["script"], start, html.count("\n", 0, start) + 1)
            _Inspector(script, found, has_tokens=has_tokens).run()
        parts += html[end:start], _NOT_LINE_BREAK.sub(" ", html[start:stop])
        end = stop
    page = "".join([*parts, html[end:]])
    _inspect_page(page, found)


def _inspect_page(page: str, found: Inspection) -> None:
    """Add what the elements of a page load."""
    for tag, url, start in tags_of(page):
        place = (start, start + len(url), page.count("\n", 0, start) + 1)
        if tag != "form" and (host := host_of(url)):
            found.loads.append(Load(host, tag == "script", *place))
        if insecure := insecure_host(url):
            found.findings.append(Finding("insecure-url", *place, insecure))
        if parameter := personal_parameter(url):
            found.findings.append(Finding("personal-data-in-url", *place, parameter))


class _Inspector:
    """Inspects one script, and adds to what was found."""

    def __init__(self, script: Script, found: Inspection, *, has_tokens: bool) -> None:
        self._found = found
        self.tree = parse(script)
        if self.tree.is_broken and has_tokens and _TOKEN.search(script.text):
            # The engine replaces the tokens before the browser reads the code.
            replaced = _TOKEN.sub(lambda match: "0" * len(match[0]), script.text)
            tree = parse(script._replace(text=replaced))
            if not tree.is_broken:
                self.tree = tree
        self._taint = Taint(self.tree)
        self._loads = LoadReader(self.tree, found.loads)

    def run(self) -> None:
        """Inspect the script."""
        if self.tree.is_broken and self.tree.is_readable:
            error = _first_error(self.tree.root)
            self._add("syntax-error", error)
        for word, node in self.tree.find(_words_in(self.tree.script.text)):
            if self.tree.text(node) == word and _is_name(node):
                if word in _CHECKS:
                    _CHECKS[word](self, node)
                else:
                    LOADS[word](self._loads, node)
        self._strings()
        for node, meant in misspelled_names(self.tree):
            self._add("misspelled-global", node, self.tree.text(node), meant)

    def _add(self, rule: str, node: Node, detail: str = "", instead: str = "") -> None:
        start, stop = self.tree.span(node)
        line = self.tree.line(node)
        self._found.findings.append(Finding(rule, start, stop, line, detail, instead))

    # -- calls and members

    def _eval(self, word: Node) -> None:
        if self._is_global(word) and call_of(self._whole(word)):
            self._add("eval", word, "eval")

    def _function(self, word: Node) -> None:
        parent = word.parent
        is_made = parent is not None and parent.type == "new_expression"
        if self._is_global(word) and (is_made or call_of(reference_of(word))):
            self._add("eval", word, "new Function")

    def _timer(self, word: Node) -> None:
        arguments = arguments_for(word)
        if not arguments or not self._is_global(word):
            return
        is_text = arguments[0].type in (*STRINGS, "binary_expression")
        if is_text and any(any(name) for name in self.tree.names(arguments[0])):
            self._add("timer-with-text", word, self.tree.text(word))

    def _write(self, word: Node) -> None:
        is_called = call_of(reference_of(word)) is not None
        if not is_called or owner_of(self.tree, word) not in ("document", "window.document"):
            return
        name = f"document.{self.tree.text(word)}"
        self._add("document-write", word, name)
        if any(map(self._taint.holds, arguments_for(word))):
            self._add("html-from-value", word, name)

    def _markup(self, word: Node) -> None:
        """Inspect ``a.innerHTML = value``."""
        reference = reference_of(word)
        assignment = reference.parent
        if assignment is None or field(assignment, "left") != reference:
            return
        value = field(assignment, "right")
        if value is not None and self._taint.holds(value):
            self._add("html-from-value", word, self.tree.text(word))

    def _markup_call(self, word: Node) -> None:
        """Inspect ``a.insertAdjacentHTML(position, value)`` and jQuery's ``html(value)``."""
        if word.type != "property_identifier":
            return
        for value in arguments_for(word)[-1:]:
            if self._taint.holds(value):
                self._add("html-from-value", word, self.tree.text(word))

    def _open(self, word: Node) -> None:
        arguments = arguments_for(word)
        if len(arguments) < 2:
            return
        methods = map(shown, self.tree.names(arguments[0]))
        if not any(method.upper() in _METHODS for method in methods):
            return
        if len(arguments) > 2 and arguments[2].type == "false":
            self._add("synchronous-request", word)
        self._loads.load(arguments[1], is_script=False)

    def _async(self, word: Node) -> None:
        pair = word.parent
        value = field(pair, "value")
        if pair is None or value is None or value.type != "false":
            return
        if pair.type == "pair" and _options_of_call(pair):
            self._add("synchronous-request", pair)

    def _internals(self, word: Node) -> None:
        if self._is_satellite(word):
            self._add("engine-internals", word, self.tree.text(word))

    def _deprecated(self, word: Node) -> None:
        if self._is_satellite(word):
            name = self.tree.text(word)
            instead = read_table()["deprecated"][name]
            self._add("deprecated-satellite", word, name, instead)

    def _alert(self, word: Node) -> None:
        if self._is_global(word) and call_of(reference_of(word)):
            self._add("alert", word, "alert")

    def _debugger(self, word: Node) -> None:
        if word.parent is not None and word.parent.type == "debugger_statement":
            self._add("debugger", word)

    def _console(self, word: Node) -> None:
        member = reference_of(word).parent
        if member is None or not self._is_global(word) or call_of(member) is None:
            return
        name = self.tree.text(member)
        self._add("console", member, name if len(name) < 40 else "console")

    # -- strings

    def _strings(self) -> None:
        strings: dict[int, Node] = {}
        for _, node in self.tree.find(_URL):
            string = _string_of(node)
            if string is not None:
                strings[string.id] = string
        for string in strings.values():
            self._string(string, self.tree.string_text(string))

    def _string(self, string: Node, text: str) -> None:
        if parameter := personal_parameter(text):
            self._add("personal-data-in-url", string, parameter)
        for tag, url, _ in tags_of(text):
            if tag != "form" and (host := host_of(url)):
                place = (*self.tree.span(string), self.tree.line(string))
                self._found.loads.append(Load(host, tag == "script", *place))
        if self._is_compared(string):
            return
        if host := insecure_host(text):
            self._add("insecure-url", string, host)
        if not self._loads.creates_elements:
            return
        if is_script_file(text):
            self._loads.load(string, is_script=True)
        elif _is_argument_of_itself(string):
            # The snippets of vendors: (function (…) {…})(document, "https://…").
            self._loads.load(string, is_script=self._loads.names_scripts)

    def _is_compared(self, string: Node) -> bool:
        """Return whether a string is only compared, or used on pages of its protocol only."""
        if is_compared(self.tree, string):
            return True
        parent = string.parent
        while parent is not None and parent.type == "parenthesized_expression":
            parent = parent.parent
        condition = field(parent, "condition")
        is_choice = parent is not None and parent.type == "ternary_expression"
        return is_choice and condition is not None and "protocol" in self.tree.text(condition)

    # -- syntax

    def _is_global(self, word: Node) -> bool:
        if word.type == "identifier":
            return True
        return owner_of(self.tree, word) in _WINDOWS

    def _is_satellite(self, word: Node) -> bool:
        return owner_of(self.tree, word).rpartition(".")[2] == "_satellite"

    def _whole(self, word: Node) -> Node:
        """Return the expression whose value a word is: ``(0, eval)`` for ``eval``."""
        node = reference_of(word)
        wrappers = ("parenthesized_expression", "sequence_expression")
        while node.parent is not None and node.parent.type in wrappers:
            node = node.parent
        return node


_Check = Callable[[_Inspector, Node], None]
_CHECKS: Mapping[str, _Check] = {
    "eval": _Inspector._eval,
    "Function": _Inspector._function,
    "setTimeout": _Inspector._timer,
    "setInterval": _Inspector._timer,
    "write": _Inspector._write,
    "writeln": _Inspector._write,
    "innerHTML": _Inspector._markup,
    "outerHTML": _Inspector._markup,
    "insertAdjacentHTML": _Inspector._markup_call,
    "html": _Inspector._markup_call,
    "open": _Inspector._open,
    "async": _Inspector._async,
    "container": _Inspector._internals,
    "_container": _Inspector._internals,
    "notify": _Inspector._deprecated,
    "setCookie": _Inspector._deprecated,
    "readCookie": _Inspector._deprecated,
    "removeCookie": _Inspector._deprecated,
    "alert": _Inspector._alert,
    "debugger": _Inspector._debugger,
    "console": _Inspector._console,
}


def _words_in(text: str) -> re.Pattern[str]:
    """Return the pattern of the words that a script has: the fewer, the quicker the search."""
    return _pattern(tuple(word for word in (*_CHECKS, *LOADS) if word in text))


@lru_cache(maxsize=1_000)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    # Without any words, the pattern matches nothing. Where a word starts says the node.
    return re.compile(rf"(?:{'|'.join(words) or '(?!)'})\b")


def _first_error(node: Node) -> Node:
    """Return the first place that the parser could not read."""
    while not (node.is_error or node.is_missing):
        broken = (child for child in node.children if child.has_error or child.is_missing)
        child = next(broken, None)
        if child is None:
            break
        node = child
    return node


def _is_name(node: Node) -> bool:
    """Return whether a word is a name in code, also as ``window["name"]``, and no other text."""
    if node.type == "string_fragment":
        string = node.parent
        return string is not None and field(string.parent, "index") == string
    return node.type not in COMMENTS


def _string_of(node: Node) -> Node | None:
    for candidate in (node, node.parent):
        if candidate is not None and candidate.type in STRINGS:
            return candidate
    return None


def _is_argument_of_itself(string: Node) -> bool:
    """Return whether a string is an argument of a function that is called where it is written."""
    if string.parent is None or string.parent.type != "arguments":
        return False
    function = field(string.parent.parent, "function")
    kinds = ("parenthesized_expression", "function_expression", "arrow_function")
    return function is not None and function.type in kinds


def _options_of_call(pair: Node) -> bool:
    options = pair.parent
    return options is not None and options.parent is not None and options.parent.type == "arguments"
