"""THE walker over settings: every text with its path, and what the built library does with it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from adobe_nb.analysis.model import Model, Resource, once_per_model
from adobe_nb.analysis.packages import Packages, Transform

Role = Literal["text", "code", "removed", "unknown"]
Tokens = Literal["certain", "conditional", "none"]
Language = Literal["", "javascript", "html"]
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
    language: Language = ""
    """The language of code, and of texts that can be code; empty for ordinary settings."""
    transform: str | None = None
    """What the build does with it; ``unknown`` when its package does not say it."""


Leaf = tuple[str, Any, Transform | None]
"""The path of a value that has no members, the value, and what the build does with it."""
# By transform. All others are functions and files.
_ROLES: Mapping[str | None, tuple[Role, Tokens, Language]] = {
    None: ("text", "certain", ""),
    "unknown": ("unknown", "certain", "javascript"),
    "remove": ("removed", "none", ""),
    # JavaScript is a file of its own, except when its rule fires so early that the build inlines it.
    "customCode": ("code", "conditional", "javascript"),
}


def texts_of(resource: Resource, packages: Packages) -> Iterator[Text]:
    """Yield every text in the settings of a resource, in order.

    Keys of objects are not texts: the engine replaces tokens in values only.
    """
    for path, value, transform in leaves_of(resource, packages):
        if isinstance(value, str):
            yield text_of(resource, path, value, transform)


def leaves_of(resource: Resource, packages: Packages) -> Iterator[Leaf]:
    """Yield every value in the settings of a resource that is neither an object nor a list.

    Empty objects and lists are values, too.
    """
    transforms = packages.transforms(resource)
    pending: list[Leaf] = [("", resource.settings, None)]
    if transforms is None:
        pending = [("", resource.settings, "unknown")]
    # A stack instead of recursion, because settings can be nested deeper than Python recurses.
    while pending:
        path, value, transform = pending.pop()
        if transforms and not transform:
            transform = transforms.get(without_indexes(path))
        members = _members(path, value)
        for member, item in reversed(members.items()):
            pending.append((member, item, transform))
        if not members:
            yield path, value, transform


def _members(path: str, value: Any) -> dict[str, Any]:
    """Return the members of an object or list by their paths; none for other values."""
    if isinstance(value, dict):
        return {member_path(path, str(key)): item for key, item in value.items()}
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


def without_indexes(path: str) -> str:
    """Return a path as the transforms of packages write it: ``instances[].name``."""
    return _INDEX.sub("[]", path)


def text_of(resource: Resource, path: str, value: str, transform: str | None) -> Text:
    """Return a text with its role, which follows from its transform."""
    role, tokens, language = _ROLES.get(transform, ("code", "none", "javascript"))
    if transform == "unknown" and _LOOKS_LIKE_HTML.search(value):
        language = "html"
    elif transform == "customCode" and resource.setting("language") == "html":
        # The engine always writes HTML into the page, tokens replaced.
        tokens, language = "certain", "html"
    return Text(resource, path, value, role, tokens, language, transform)
