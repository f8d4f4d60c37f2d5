"""THE walker over settings: every text with its path, and what the built library does with it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from adobe_nb.analysis.model import Model, Resource, once_per_model
from adobe_nb.analysis.packages import Packages, Transform

Role = Literal["text", "code", "removed", "unknown"]
Tokens = Literal["certain", "conditional", "none"]
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_LOOKS_LIKE_HTML = re.compile(r"<script\b", re.IGNORECASE)
_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Text:
    """One text inside the settings of a resource."""

    resource: Resource
    path: str
    """Where it is, for example ``trackerProperties.eVars[0].value``."""
    value: str
    role: Role
    """``text`` is an ordinary setting. ``unknown`` is one of an extension whose package is missing:
    it can be code. ``removed`` never reaches the page.
    """
    tokens: Tokens = "certain"
    """Whether the engine replaces tokens in it. ``conditional`` is the code of an action, which is
    an ordinary setting only when the build puts it into the main library.
    """
    language: Literal["", "javascript", "html"] = ""
    """The language of code, and of texts that can be code; empty for ordinary settings."""
    transform: Transform | None = None
    """What the build does with it, if the package is known."""


class Leaf(NamedTuple):
    """A value inside settings that has no members, its path, and its transform at build."""

    path: str
    value: Any
    transform: Transform | Literal["unknown"] | None


def texts_of(resource: Resource, packages: Packages) -> Iterator[Text]:
    """Yield every text in the settings of a resource, in order.

    Keys of objects are not texts: the engine replaces tokens in values only.
    """
    for leaf in leaves_of(resource, packages):
        if isinstance(leaf.value, str):
            yield text_of(resource, leaf)


def leaves_of(resource: Resource, packages: Packages) -> Iterator[Leaf]:
    """Yield every value in the settings of a resource that is neither an object nor a list.

    Empty objects and lists are values, too.
    """
    root = Leaf("", resource.settings, None)
    transforms = packages.transforms(resource)
    if transforms is None:
        root = root._replace(transform="unknown")
    # A stack instead of recursion, because settings can be nested deeper than Python recurses.
    pending = [root]
    while pending:
        path, value, transform = pending.pop()
        if transforms and not transform:
            transform = transforms.get(_INDEX.sub("[]", path))
        members = _members(path, value)
        for member, item in reversed(members.items()):
            pending.append(Leaf(member, item, transform))
        if not members:
            yield Leaf(path, value, transform)


def _members(path: str, value: Any) -> dict[str, Any]:
    """Return the members of an object or list by their paths; none for other values."""
    if isinstance(value, dict):
        return {member_path(path, key): item for key, item in value.items()}
    if isinstance(value, list):
        return {f"{path}[{index}]": item for index, item in enumerate(value)}
    return {}


@once_per_model
def texts(model: Model) -> list[Text]:
    """Return every text in the settings of a model's resources."""
    packages = Packages.of(model)
    return [text for resource in model.resources for text in texts_of(resource, packages)]


def member_path(path: str, key: str) -> str:
    """Return the path of a member of an object in settings."""
    if not _IDENTIFIER.fullmatch(key) and "-" not in key:
        return f"{path}[{key!r}]"
    if path:
        return f"{path}.{key}"
    return key


def text_of(resource: Resource, leaf: Leaf) -> Text:
    """Return a text with its role, as its transform determines it."""
    path, value, transform = leaf
    if transform == "unknown":
        is_html = _LOOKS_LIKE_HTML.search(value)
        return Text(resource, path, value, "unknown", language="html" if is_html else "javascript")
    if transform is None:
        return Text(resource, path, value, "text")
    if transform == "remove":
        return Text(resource, path, value, "removed", "none", "", transform)
    if transform != "customCode":
        return Text(resource, path, value, "code", "none", "javascript", transform)
    # HTML is always written into the page by the engine, tokens replaced. JavaScript is a file of
    # its own, except when its rule fires so early that the build inlines it.
    if isinstance(resource.settings, dict) and resource.settings.get("language") == "html":
        return Text(resource, path, value, "code", "certain", "html", transform)
    return Text(resource, path, value, "code", "conditional", "javascript", transform)
