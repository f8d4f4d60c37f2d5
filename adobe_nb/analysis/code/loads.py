"""What a script loads, and where it sends to: elements with an address, requests, beacons."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property

from tree_sitter import Node

from adobe_nb.analysis.code.addresses import Load, host_of, is_script_file
from adobe_nb.analysis.code.javascript import Tree, field, literal, reference_of, shown
from adobe_nb.analysis.code.operands import arguments_for, key_of, owner_of

_CREATED = re.compile(
    r"""(?<![\w$.])(?P<variable>[\w$.]{1,100}+)\s*+=\s*+[\w$.]{1,100}\.createElement\(\s*"""
    r"""(?P<quote>["'`]?)(?P<tag>[\w$]+)(?P=quote)\s*[),]"""
)
_SCRIPT_WORD = re.compile(r"""(["'`])script\1""", re.IGNORECASE)
_ADDRESSES = ("url", "baseURL")
_LIBRARIES = ("$", "jQuery", "axios")
_WITH_OPTIONS = ("ajax", "axios", "request")


class LoadReader:
    """Finds what one script loads."""

    def __init__(self, tree: Tree, found: list[Load]) -> None:
        self.tree = tree
        self.found = found

    def source(self, word: Node) -> None:
        """Inspect ``a.src = address``."""
        reference = reference_of(word)
        assignment = reference.parent
        value = field(assignment, "right")
        if value is None or field(assignment, "left") != reference:
            return
        self.load(value, is_script=owner_of(self.tree, word) in self._script_elements)

    def attribute(self, word: Node) -> None:
        """Inspect ``a.setAttribute("src", address)``."""
        arguments = arguments_for(word)
        if len(arguments) == 2 and self.tree.string_text(arguments[0]) == "src":
            self.load(arguments[1], is_script=owner_of(self.tree, word) in self._script_elements)

    def script(self, word: Node) -> None:
        """Inspect ``import(address)``, ``importScripts(address)`` and ``$.getScript(address)``."""
        # The keyword is inside a node of its own.
        if word.parent is not None and word.parent.type == "import":
            word = word.parent
        for argument in arguments_for(word)[:1]:
            self.load(argument, is_script=True)

    def request(self, word: Node) -> None:
        """Inspect ``fetch(address)`` and ``navigator.sendBeacon(address)``."""
        for argument in arguments_for(word)[:1]:
            self.load(argument, is_script=False)

    def library_request(self, word: Node) -> None:
        """Inspect ``$.post(address)``, ``$.ajax({url: address})`` and ``axios(…)``."""
        name = self.tree.text(word)
        library = owner_of(self.tree, word).rpartition(".")[2]
        if library not in _LIBRARIES and name != "axios":
            return
        arguments = arguments_for(word)[:2]
        if name not in _WITH_OPTIONS:
            # The second argument is what is sent.
            arguments = arguments[:1]
        for argument in arguments:
            self._address_or_options(argument)

    def _address_or_options(self, argument: Node) -> None:
        if argument.type != "object":
            self.load(argument, is_script=False)
            return
        for option in argument.named_children:
            address = field(option, "value")
            if address is not None and literal(key_of(self.tree, option)) in _ADDRESSES:
                self.load(address, is_script=False)

    def load(self, address: Node, *, is_script: bool) -> None:
        """Note the hosts that an address can have."""
        for name in self.tree.names(address):
            text = shown(name)
            host = host_of(text)
            if host:
                is_script = is_script or is_script_file(text)
                place = (*self.tree.span(address), self.tree.line(address))
                self.found.append(Load(host, is_script, *place))

    @cached_property
    def _script_elements(self) -> set[str]:
        """The variables that hold an element of type script."""
        elements = set()
        for match in _CREATED.finditer(self.tree.script.text):
            # The name of the element can be an argument of the function around.
            if match["tag"].lower() == "script" or (not match["quote"] and self.names_scripts):
                elements.add(match["variable"])
        return elements

    @cached_property
    def creates_elements(self) -> bool:
        """Whether the script makes elements, which can load something."""
        return "createElement" in self.tree.script.text

    @cached_property
    def names_scripts(self) -> bool:
        """Whether a string says "script", for an element to create."""
        return _SCRIPT_WORD.search(self.tree.script.text) is not None


LOADS: Mapping[str, Callable[[LoadReader, Node], None]] = {
    "src": LoadReader.source,
    "setAttribute": LoadReader.attribute,
    "getScript": LoadReader.script,
    "import": LoadReader.script,
    "importScripts": LoadReader.script,
    "fetch": LoadReader.request,
    "sendBeacon": LoadReader.request,
    "ajax": LoadReader.library_request,
    "axios": LoadReader.library_request,
    "get": LoadReader.library_request,
    "getJSON": LoadReader.library_request,
    "post": LoadReader.library_request,
    "put": LoadReader.library_request,
    "request": LoadReader.library_request,
}
"""How each word is read."""
