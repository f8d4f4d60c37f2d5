"""Check the built site: links and their anchors exist, and nothing is loaded from a network.

``just docs`` runs it after the build. Prints each problem, and exits with 1 if there is one.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SITE = Path(__file__).parent / "_build" / "html"
_LOADED = {"audio", "embed", "iframe", "img", "link", "object", "script", "source", "video"}
"""Elements whose addresses a browser loads without a click."""
_IMPORTED = re.compile(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)")


class Page(HTMLParser):
    """The anchors of a page, the targets of its links, and what it loads."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.unresolved: list[str] = []
        """Cross-references that Sphinx left as plain text."""
        self._in_link = False
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors.update(filter(None, (values.get("id"), values.get("name"))))
        if tag == "a":
            self._in_link = True
            self.links.append(values.get("href", ""))
        elif tag in _LOADED:
            self.loaded += [values[name] for name in ("src", "href", "data") if name in values]
        if "py-obj" in values.get("class", "").split() and not self._in_link:
            self.unresolved.append(f"line {self.getpos()[0]}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._in_link = False


def problems(site: Path) -> list[str]:
    """Return a line for each problem of the site."""
    pages = {file.resolve(): Page(file) for file in site.rglob("*.html")}
    found = []
    for file, page in pages.items():
        name = file.relative_to(site.resolve())
        found += [f"{name} loads {url}" for url in page.loaded if _is_remote(url)]
        found += [f"{name} has a reference to nothing: {place}" for place in page.unresolved]
        for link in page.links:
            if not _leads_somewhere(link, file, pages):
                found.append(f"{name} links to {link}")
    for file in site.rglob("*.css"):
        for url in _IMPORTED.findall(file.read_text(encoding="utf-8")):
            found.append(f"{file.relative_to(site)} loads {url}")
    return found


def _is_remote(url: str) -> bool:
    return bool(urlsplit(url).netloc)


def _leads_somewhere(link: str, file: Path, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = file
    if parts.path:
        target = (file.parent / unquote(parts.path)).resolve()
    if target not in pages:
        return target.exists()
    return not parts.fragment or unquote(parts.fragment) in pages[target].anchors


if __name__ == "__main__":
    lines = problems(SITE)
    print("\n".join(lines) or "Links and anchors lead somewhere; nothing is loaded from a network.")
    sys.exit(bool(lines))
