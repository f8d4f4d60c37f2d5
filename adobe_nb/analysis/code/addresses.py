"""The addresses in code: their hosts, and what a page loads from them."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from adobe_nb.analysis.model import Model, once_per_model, parse_json

_HOST = re.compile(r"^[^/?#]{0,40}?//(?:[^\s/@\"'<>]+@)?([\w-]+(?:\.[\w-]+)+)", re.ASCII)
INSECURE = re.compile(r"http://([\w-]+(?:\.[\w-]+)+)", re.ASCII | re.IGNORECASE)
_SCRIPT_FILE = re.compile(r"(?:https?:)?//[^\s?#\"'<>]+\.m?js(?:[?#\0].*)?", re.DOTALL)
# Names of standards are written as addresses that no browser loads.
_NOT_LOADED = re.compile(
    r"(?:^|\.)(?:w3\.org|schema\.org|ogp\.me|purl\.org|xmlns\.com|iptc\.org|example\.(?:com|org)|"
    r"adobe\.com/xap|localhost)$|^127\.|^0\.|^schemas\.",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"<(?P<tag>script|img|iframe|link|embed|source|video|audio|object|form)\b[^<>]*?"
    r"(?<![\w-])(?:src|href|data|action)\s*=\s*[\"']?\s*(?P<url>(?:https?:)?//[^\s\"'<>]+)",
    re.IGNORECASE,
)
_LINK = re.compile(r"<a\b[^<>]*$", re.IGNORECASE)
_LONGEST_TAG = 500
_PERSONAL = re.compile(
    r"[?&;]([\w.\[\]-]{0,40}?(?:e-?mail|phone|mobile_?number|first_?name|last_?name|full_?name|"
    r"surname|birth_?da(?:y|te)|date_?of_?birth|iban|ssn|passport)[\w.\]-]{0,40}?)=|"
    r"[?&][\w.-]+=([\w.+-]+(?:@|%40)[\w-]+\.[\w.-]+)",
    re.IGNORECASE,
)
# Whether there is one, whether it may be used, and its hash are not personal data.
_NOT_PERSONAL = re.compile(
    r"hash|sha|md5|consent|opt_?in|valid|has|template|campaign|type|list|error|sent", re.IGNORECASE
)


class Load(NamedTuple):
    """A host from which code loads something, or to which it sends."""

    host: str
    is_script: bool
    start: int
    stop: int
    line: int


def host_of(address: str) -> str:
    """Return the host of an absolute address; empty for others."""
    match = _HOST.match(address)
    if match is None:
        return ""
    return match[1].lower()


def is_script_file(address: str) -> bool:
    """Return whether an absolute address is that of a script."""
    return _SCRIPT_FILE.fullmatch(address) is not None


def insecure_host(text: str) -> str:
    """Return the host of the first http:// resource in a text; empty without one."""
    for match in INSECURE.finditer(text):
        # A link opens a page when a visitor follows it: it does not load a resource.
        start = max(0, match.start() - _LONGEST_TAG)
        if not _NOT_LOADED.search(match[1]) and not _LINK.search(text, start, match.start()):
            return match[1]
    return ""


def personal_parameter(text: str) -> str:
    """Return the parameter of an address that holds personal data; empty without one."""
    for match in _PERSONAL.finditer(text):
        if match[1] is None:
            return match[0][1:].partition("=")[0]
        if not _NOT_PERSONAL.search(match[1]):
            return match[1]
    return ""


def tags_of(html: str) -> Iterator[tuple[str, str, int]]:
    """Yield the name of each element of a page that loads something, its address, and its place."""
    for match in _TAG.finditer(html):
        yield match["tag"].lower(), match["url"], match.start("url")


def is_own(host: str, domains: Iterable[str]) -> bool:
    """Return whether a host belongs to one of the domains of a property."""
    for domain in domains:
        site = domain.lower().removeprefix("www.")
        if host == site or host.endswith(f".{site}"):
            return True
    return False


@once_per_model
def domains_of(model: Model) -> dict[str, list[str]]:
    """Return the domains of each property whose row is known."""
    domains = {}
    for row in model.rows("properties"):
        value, _ = parse_json(row.get("domains"))
        domains[row["id"]] = list(map(str, value)) if isinstance(value, list) else []
    return domains
