"""Who receives data from a rule: extensions that send, calls of vendors in code, and hosts."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from adobe_nb.analysis.code.addresses import domains_of, is_own
from adobe_nb.analysis.code.comments import normalized
from adobe_nb.analysis.code.risks import inspections
from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.settings import Text
from adobe_nb.errors import ArgumentError

# Nothing leaves the browser by the other actions of these.
_SILENT = (
    "core", "adobe-alloy", "adobe-analytics", "adobe-mcid", "adobe-edge", "mapping-table",
    "adobegoogledatalayer", "googledatalayer", "gcoe-adobe-client-data-layer",
    "reactor-aa-product-string-builder",
)  # fmt: skip
_PAGE = r"(?:window|self|globalThis|top|parent)"
_DOT = r"\s*(?:\?\.|\.)\s*"


class Call(NamedTuple):
    """How code calls a vendor."""

    part: re.Pattern[str]
    """A part of the call that is found fast: code without it is not searched."""
    pattern: re.Pattern[str]

    def is_in(self, code: str) -> bool:
        """Return whether code has the call."""
        return self.part.search(code) is not None and self.pattern.search(code) is not None


class Vendor(NamedTuple):
    """Who receives data, and by what one sees it."""

    name: str
    delegates: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    """Parts of delegates in lowercase: all of their actions send."""
    calls: tuple[Call, ...] = ()
    hosts: tuple[str, ...] = ()

    def sends_by(self, action: Resource) -> bool:
        """Return whether an action sends to this vendor by itself."""
        delegate = action.delegate.casefold()
        return action.delegate in self.delegates or any(part in delegate for part in self.packages)


@cache
def read_table() -> dict[str, Any]:
    """Return the built-in conditions and vendors, as they are in the file."""
    text = files("adobe_nb.analysis.governance").joinpath("consent.toml")
    return tomllib.loads(text.read_text(encoding="utf-8"))


@cache
def _built_in() -> list[Vendor]:
    vendors = []
    for row in read_table()["vendors"]:
        calls = tuple(map(_call, row.get("calls", ())))
        lists = {key: tuple(row.get(key, ())) for key in ("delegates", "packages", "hosts")}
        vendors.append(Vendor(row["name"], calls=calls, **lists))
    return vendors


def _call(spec: str) -> Call:
    """Return the call of a function, or with ``alloy sendEvent`` that with this argument."""
    function, _, argument = spec.partition(" ")
    first, *members = map(re.escape, function.split("."))
    # gtag, window.gtag, and window["gtag"]
    name = rf"(?<![\w$.])(?:{_PAGE}{_DOT})?{first}|"
    name += rf"(?<![\w$.]){_PAGE}\s*(?:\?\.)?\[\s*[\"'`]{first}[\"'`]\s*\]"
    pattern = _DOT.join([f"(?:{name})", *members]) + r"\s*(?:\?\.)?\s*\("
    if argument:
        pattern += rf"\s*[\"'`]{argument}\b"
    part = first
    if members:
        # The name can be one letter, as in s.t(): its method tells more.
        part = rf"\.\s*{members[-1]}\s*(?:\?\.)?\s*\("
    return Call(re.compile(part), re.compile(pattern))


def all_vendors(own: Mapping[str, Any] | None) -> list[Vendor]:
    """Return the vendors of a user and the built-in ones. Raises ArgumentError."""
    if own is None:
        return _built_in()
    if not isinstance(own, Mapping):
        raise ArgumentError(
            "vendors= requires a mapping from a name to the texts by which the vendor is found, "
            f'such as {{"Acme": ["acme-pixel", "acme.net"]}}, got {type(own).__name__}.'
        )
    vendors = []
    for name, value in own.items():
        texts = checked_texts(value, f"vendors[{name!r}]")
        calls = tuple(Call(text, text) for text in map(re.compile, map(re.escape, texts)))
        packages = tuple(text.casefold() for text in texts)
        vendors.append(Vendor(str(name), packages=packages, calls=calls, hosts=packages))
    return [*vendors, *_built_in()]


def checked_texts(value: Any, argument: str) -> list[str]:
    """Return the texts of an argument: one, or several. Raises ArgumentError for other values."""
    texts = [value] if isinstance(value, str) else value
    is_list = isinstance(texts, Sequence | set | frozenset)
    if not is_list or not texts or not all(isinstance(text, str) and text for text in texts):
        raise ArgumentError(f"{argument} requires a text or a list of texts, got {value!r}.")
    return list(texts)


def instances_of(extension: Resource) -> list[Mapping[str, Any]]:
    """Return the settings of each instance of Web SDK."""
    instances = extension.setting("instances")
    if not isinstance(instances, list):
        return []
    return [instance for instance in instances if isinstance(instance, dict)]


class Senders:
    """Who receives data from each action of a model."""

    def __init__(self, model: Model, vendors: Sequence[Vendor]) -> None:
        self._vendors = vendors
        self._domains = domains_of(model)
        self._inspections = inspections(model)
        self.code: dict[str, list[Text]] = defaultdict(list)
        """The code of each resource, by its id."""
        for text in self._inspections:
            self.code[text.resource.id].append(text)
        self.unknown: set[str] = set()
        """The packages of actions of which it is not known whether they send."""

    def of(self, action: Resource) -> list[str]:
        """Return the names of vendors, and the hosts that no vendor is known for."""
        names = [vendor.name for vendor in self._vendors if vendor.sends_by(action)]
        if not names and action.package not in _SILENT:
            self.unknown.add(action.package)
        for text in self.code[action.id]:
            names += self._by_calls(text)
            names += self._by_hosts(text)
        return list(dict.fromkeys(names))

    def _by_calls(self, text: Text) -> Iterator[str]:
        code = None
        for vendor in self._vendors:
            for call in vendor.calls:
                if call.is_in(text.value):
                    # Comments are taken out only where that can matter, because it takes time.
                    code = code or normalized(text.value, text.language)
                    if call.is_in(code):
                        yield vendor.name

    def _by_hosts(self, text: Text) -> Iterator[str]:
        own = self._domains.get(text.resource.property_id, [])
        for load in self._inspections[text].loads:
            if is_own(load.host, own):
                continue
            vendors = (vendor.name for vendor in self._vendors if is_own(load.host, vendor.hosts))
            yield next(vendors, load.host)
