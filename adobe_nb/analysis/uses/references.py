"""Every way in which one resource refers to another, with the evidence."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from adobe_nb.analysis.answers import PLACE, SOURCE, Columns, answer, excerpt, source_of
from adobe_nb.analysis.code.javascript import matcher, shown, unquoted
from adobe_nb.analysis.code.script_uses import ANY, MENTION, ScriptUses, Use
from adobe_nb.analysis.code.snippets import is_code
from adobe_nb.analysis.lookup import Target, deleted_but_live, hint, name_or_id
from adobe_nb.analysis.model import REQUIRED, Model, Resource, once_per_model
from adobe_nb.analysis.packages import PLAIN
from adobe_nb.analysis.settings import Text, texts
from adobe_nb.analysis.uses.index import (
    DATA_LAYERS,
    Names,
    early_rules,
    members,
    names,
    script_uses,
)
from adobe_nb.analysis.uses.tokens import (
    Token,
    find_edge_tokens,
    find_percent_tokens,
    masked_tokens,
)
from adobe_nb.analysis.words import counted
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

COLUMNS: Columns = {
    **SOURCE,
    "kind": "string",
    "name": "string",
    "target_type": "string",
    "target_id": "string",
    **PLACE,
}
VERDICTS = ("certain", "conditional", "possible", "dynamic", "commented", "masked")
_SORT = ("source_type", "source_name", "source_id", "path", "line", "kind", "name", "target_id")
UPDATE_VARIABLE = "adobe-alloy::actions::update-variable"
"""The action of Web SDK that fills a data element of type variable."""
_ID_SETTINGS = ("dataElementId", "dataElementCacheId")
# One sort of quotes after the other, because attributes of a page hold scripts with strings.
_STRINGS = tuple(re.compile(rf"{quote}((?:[^{quote}\\\n]|\\.)*){quote}") for quote in "\"'`")
_ANY_TOKEN = re.compile(r"%(?=([^%\n]+)%)|\{\{(?=([^{}\n]+)\}\})")
# Not the name of a data element, but a text with percent signs, such as an address with escapes
# or a style sheet.
_NOT_A_NAME = re.compile(r"""^\W|\s$|[\n%;,&|=<>"{}]|[/:.(]$|^\d+$|^[0-9A-F]{2}$|^\d[0-9A-Fa-f]""")


@dataclass(frozen=True, slots=True)
class Reference:
    """One place where a resource refers to something by a name or an id."""

    source: Resource
    kind: str
    name: str | None
    """The name, ``*`` for each part that is not known; None when nothing of it is known."""
    verdict: str
    path: str
    text: str
    """The text that holds it, for the evidence."""
    target: Resource | None = None
    is_variable: bool = False
    """Whether it names a custom variable, which code sets with ``setVar``."""
    line: int | None = None
    start: int = 0
    stop: int = 0

    @property
    def evidence(self) -> str:
        """The line of the text around the place."""
        return excerpt(self.text, self.start, self.stop)

    @property
    def is_unbounded(self) -> bool:
        """Whether it can be any data element."""
        return self.name is None and self.kind in ("getVar", "stored-value")


def references(
    model: Model, to: Target | None = None, verdicts: Iterable[str] | str | None = None
) -> pd.DataFrame:
    """Return the references, to one resource or with some verdicts only."""
    require_content(model, "references")
    chosen = _checked(verdicts)
    key = None
    if to is not None:
        key = name_or_id(to)
        _check_exists(model, key)
    rows = []
    for reference in find_references(model):
        if reference.verdict not in chosen or not _leads_to(reference, key):
            continue
        target = reference.target
        row = {
            "kind": reference.kind,
            "name": reference.name,
            "target_type": "custom_variables" if reference.is_variable else None,
            "target_id": None,
        }
        if target is not None:
            row.update(target_type=target.type, target_id=target.id)
        rows.append({**source_of(reference.source), **row, **place_of(reference)})
    return answer(model, COLUMNS, rows, sort=_SORT, limits=limits(model))


def place_of(reference: Reference) -> dict[str, object]:
    """Return the columns that say where a reference is, and how certain it is."""
    return {
        "path": reference.path,
        "line": reference.line,
        "verdict": reference.verdict,
        "evidence": reference.evidence,
    }


def _checked(verdicts: Iterable[str] | str | None) -> set[str]:
    if verdicts is None:
        return set(VERDICTS)
    if isinstance(verdicts, str):
        verdicts = [verdicts]
    for verdict in verdicts:
        if verdict not in VERDICTS:
            raise ArgumentError(
                f"Unknown verdict {verdict!r}.{did_you_mean(str(verdict), VERDICTS)}"
            )
    return set(verdicts)


def _check_exists(model: Model, key: str) -> None:
    """Raise ArgumentError for a name that nothing has and nothing uses: a typing error."""
    for resource in model.resources:
        if key in (resource.id, resource.origin_id, resource.name):
            return
    if not any(_leads_to(reference, key) for reference in find_references(model)):
        raise ArgumentError(
            f"Nothing is called {key!r}, and nothing refers to it.{hint(model, key)}"
        )


def _leads_to(reference: Reference, key: str | None) -> bool:
    if key is None or reference.name == key:
        return True
    if reference.is_variable and reference.name is not None:
        return reference.name.partition(".")[0] == key
    target = reference.target
    return target is not None and key in (target.id, target.origin_id, target.name)


def require_content(model: Model, question: str) -> None:
    """Raise ArgumentError when a table is missing: what it uses would look unused."""
    model.require(question, *REQUIRED)


@once_per_model
def limits(model: Model) -> list[str]:
    """Return sentences about the references that could not be seen."""
    unknown: set[str] = set()
    for text in texts(model):
        if text.role == "unknown":
            unknown.add(text.resource.package or text.resource.name)
    sentences = []
    # Event forwarding runs on a server, where no page can reach it.
    if set(model.platforms.values()) != {"edge"}:
        sentences.append(
            "The code of the pages is not part of a property: it can read data elements, set "
            "variables and fire direct call rules."
        )
    if unknown:
        sentences.append(
            f"The packages of these extensions are missing: {', '.join(sorted(unknown))}. Which of "
            "their settings are code is not known; all of them were searched for tokens."
        )
    deleted = deleted_but_live(model)
    if deleted:
        sentences.append(
            f"{counted(len(deleted), 'deleted resource is', 'deleted resources are')} still live, "
            f"and not part of this answer: {', '.join(deleted[:3])}. analysis.read(build=…) reads "
            "what the site has."
        )
    broken = [text for text, found in script_uses(model).items() if found.is_broken]
    if broken:
        first = broken[0].resource
        pieces = counted(len(broken), "piece of code is", "pieces of code are")
        sentences.append(
            f"{pieces} not valid JavaScript, the first being that of "
            f"{first.id} ({first.name}): references in them may be missing."
        )
    return sentences


@once_per_model
def find_references(model: Model) -> list[Reference]:
    """Return all references of a model, in order of their sources."""
    by_property = names(model)
    uses = script_uses(model)
    early = early_rules(model)
    found: list[Reference] = []
    for resource in model.resources:
        index = by_property[resource.property_id]
        if resource.type in ("rule_components", "data_elements"):
            found += _relation(resource, index, model)
        found += _by_settings(resource, index, model)
        found += _unreadable(resource, index)
    for text in texts(model):
        index = by_property[text.resource.property_id]
        platform = model.platform(text.resource)
        found += _by_value(text, index)
        if text.tokens != "none" and platform in ("edge", None):
            found += _edge_tokens(text, index, platform)
        if text.tokens != "none" and platform != "edge":
            is_read = text.tokens == "certain" or _is_early(text.resource, early)
            found += _percent_tokens(text, index, is_read=is_read)
        if text in uses:
            found += _code(text, uses[text], index, platform)
    found += _through_page(model, found)
    return found


def _through_page(model: Model, found: Sequence[Reference]) -> Iterator[Reference]:
    """Yield the strings in code that scripts of a page can read under another name."""
    uses = script_uses(model)
    properties = {text.resource.property_id for text in uses if uses[text].has_page_alias}
    known = {(reference.source, reference.path, reference.name) for reference in found}
    for text in texts(model):
        property_id = text.resource.property_id
        if text.role != "code" or property_id not in properties:
            continue
        for use in _strings(text):
            if (text.resource, text.path, use.literal) not in known:
                for element in names(model)[property_id].elements.get(use.literal or "", ()):
                    yield _at_use(text, use, use.literal, element)


def _strings(text: Text) -> Iterator[Use]:
    """Yield every string in code as a possible name."""
    for pattern in _STRINGS:
        for match in pattern.finditer(text.value):
            line = bisect_left(_line_breaks(text.value), match.start()) + 1
            yield Use("getVar", (unquoted(match[1]),), "possible", *match.span(), line)


# -- tokens


def _is_early(resource: Resource, early: Mapping[str, bool]) -> bool:
    return resource.rule is not None and early.get(resource.rule.id, False)


def _edge_tokens(text: Text, index: Names, platform: str | None) -> Iterator[Reference]:
    for token in find_edge_tokens(text.value):
        if platform == "edge":
            yield from _token(text, token, index, "edge-token")
        elif token.name in index.elements:
            # The platform is not known: nothing may look unused because of that.
            yield from _token(text, token, index, "edge-token", verdict="possible")
        bare = token._replace(name=token.name.strip(" {"))
        # How the service reads blanks and further braces is not public.
        if bare.name != token.name and bare.name in index.elements:
            yield from _token(text, bare, index, "edge-token", verdict="possible")


def _percent_tokens(text: Text, index: Names, *, is_read: bool) -> Iterator[Reference]:
    """Yield the tokens of a text. ``is_read`` says whether the engine certainly looks for some."""
    for token in find_percent_tokens(text.value):
        if index.is_event(token.name):
            yield _at_token(text, token, "event-token")
        elif token.name in index.elements or (is_read and is_plausible(token.name)):
            yield from _token(text, token, index, "token")
    for token in masked_tokens(text.value, index.elements):
        yield from _token(text, token, index, "token", verdict="masked")


def is_plausible(name: str) -> bool:
    """Return whether a text between percent signs may be meant as a name."""
    return not _NOT_A_NAME.search(name)


def _token(
    text: Text, token: Token, index: Names, kind: str, *, verdict: str = ""
) -> Iterator[Reference]:
    targets: list[Resource | None] = [*index.elements.get(token.name, ())]
    for target in targets or [None]:
        yield _at_token(text, token, kind, target, index.is_variable(token.name), verdict)


def _at_token(
    text: Text,
    token: Token,
    kind: str,
    target: Resource | None = None,
    is_variable: bool = False,  # noqa: FBT001, FBT002 - one of the columns
    verdict: str = "",
) -> Reference:
    line = None
    if not verdict:
        verdict = text.tokens
        # The code of an extension whose package is missing may be called instead of replaced.
        if text.role == "unknown" and is_code(text):
            verdict = "possible"
    if text.role == "code":
        line = bisect_left(_line_breaks(text.value), token.start) + 1
    return Reference(
        text.resource,
        kind,
        token.name,
        verdict,
        text.path,
        text.value,
        target,
        is_variable and target is None,
        line,
        token.start,
        token.stop,
    )


@lru_cache(maxsize=50)
def _line_breaks(code: str) -> list[int]:
    return [match.start() for match in re.finditer("\n", code)]


# -- code


def _code(text: Text, found: ScriptUses, index: Names, platform: str | None) -> Iterator[Reference]:
    for use in found.uses:
        if use.kind == "setVar":
            yield _at_use(text, use, is_variable=True)
        elif use.kind == "getDataElementValue":
            # The way of event forwarding; in other properties only extensions can call it.
            if platform in ("edge", None):
                yield from _element_use(text, use._replace(kind="getVar"), index, platform)
        elif use.kind in ("getVar", "stored-value"):
            yield from _element_use(text, use, index, platform)
        else:
            yield from _fired(text, use, index)


def _element_use(text: Text, use: Use, index: Names, platform: str | None) -> Iterator[Reference]:
    """Yield what a script reads: data elements, custom variables, or the event."""
    name = use.literal
    if name is None:
        yield _at_use(text, use)
        yield from _matching(text, use, index.elements)
        return
    elements = index.elements.get(name, [])
    for element in elements:
        yield _at_use(text, use, name, element)
    if elements:
        return
    if index.is_event(name) and platform != "edge":
        yield _at_use(text, use._replace(kind="event-token"), name)
    elif not _is_mere_string(text, use) or index.is_variable(name):
        yield _at_use(text, use, name, is_variable=index.is_variable(name))


def _matching(
    text: Text, use: Use, targets: Mapping[str, Sequence[Resource]]
) -> Iterator[Reference]:
    """Yield what a name can mean of which a part is known."""
    if use.name == ANY:
        return
    pattern = matcher(use.name)
    for name, resources in targets.items():
        if pattern.fullmatch(name):
            for resource in resources:
                yield _at_use(text, use._replace(certainty="possible"), name, resource)


def _is_mere_string(text: Text, use: Use) -> bool:
    """Return whether a use is a string that could have been a name, and is not."""
    source = text.value[use.start + 1 : use.stop - 1]
    return use.certainty == "possible" and unquoted(source) == use.literal


def _fired(text: Text, use: Use, index: Names) -> Iterator[Reference]:
    """Yield a reference to each rule that waits for what a script fires."""
    listeners = _listeners(use, index)
    name = use.literal
    if name is None:
        yield _at_use(text, use)
        yield from _matching(text, use, listeners)
        return
    if use.kind == "track":
        # The engine trims the name of the caller, and not that of the listener.
        name = name.strip()
    rules = [*listeners.get(name, ()), *listeners.get("", ())]
    for rule in rules:
        yield _at_use(text, use, name, rule)
    if not rules and use.kind == "track":
        yield _at_use(text, use, name)


def _listeners(use: Use, index: Names) -> Mapping[str, list[Resource]]:
    """Return the rules that wait for this kind of event, by name; ``""`` is any name."""
    kinds: set[str] = {use.kind}
    if use.kind == "data-layer-push":
        kinds = {f"{layer}.push" for layer in DATA_LAYERS.values()}
        # The data layer can have been given another name: then it may be any of them.
        if use.data_layer in DATA_LAYERS.values():
            kinds = {f"{use.data_layer}.push"}
    return index.waiting(frozenset(kinds))


def _at_use(
    text: Text,
    use: Use,
    name: str | None = None,
    target: Resource | None = None,
    *,
    is_variable: bool = False,
) -> Reference:
    verdict: str = use.certainty
    # Outside of code, whether it is code at all is a guess.
    if text.role != "code" and verdict == "certain":
        verdict = "possible"
    if name is None and use.name != ANY:
        name = shown(use.name)
    return Reference(
        text.resource,
        use.kind,
        name,
        verdict,
        text.path,
        text.value,
        target,
        is_variable,
        use.line,
        use.start,
        use.stop,
    )


# -- settings that name something without a token


def _relation(resource: Resource, index: Names, model: Model) -> Iterator[Reference]:
    extension_id = resource.get("extension_id")
    extension = index.ids.get(str(extension_id))
    if extension is None:
        # The delegate says it, too.
        extension = index.extensions.get(resource.package)
    if extension is None and (not extension_id or "extensions" not in model.frames):
        return
    name = str(extension_id)
    if extension is not None:
        name = extension.name
    yield Reference(
        resource,
        "relation",
        name,
        "certain",
        "extension_id",
        str(extension_id or name),
        extension,
    )


def _by_settings(resource: Resource, index: Names, model: Model) -> Iterator[Reference]:
    settings = members(resource.settings)
    if not settings:
        return
    if resource.delegate == "core::events::data-element-change":
        yield from _named_element(resource, "name", index)
    elif resource.delegate == UPDATE_VARIABLE:
        yield from _updated_variable(resource, index)
    elif resource.delegate == "core::actions::direct-call":
        yield from _direct_call(resource, index)
    elif resource.delegate == "core::dataElements::secret" and "secrets" in model.frames:
        yield from _secrets(resource, model)
    if resource.package == "adobe-alloy" and "extensions" in model.frames:
        yield from _instance(resource, settings.get("instanceName"), index)


def _instance(resource: Resource, name: object, index: Names) -> Iterator[Reference]:
    """Yield the Web SDK instance that a component sends through."""
    if isinstance(name, str) and "%" not in name:
        extension = index.instances.get(name)
        yield _setting(resource, "instance", "instanceName", name, extension)


def _setting(
    resource: Resource,
    kind: str,
    path: str,
    name: str,
    target: Resource | None,
) -> Reference:
    return Reference(resource, kind, name, "certain", path, name, target)


def _named_element(resource: Resource, path: str, index: Names) -> Iterator[Reference]:
    """Yield the data element that a setting names without percent signs."""
    name = members(resource.settings).get(path)
    if not isinstance(name, str) or not name:
        return
    targets: list[Resource | None] = [*index.elements.get(name, ())]
    for element in targets or [None]:
        yield _setting(resource, "name-setting", path, name, element)


def _updated_variable(resource: Resource, index: Names) -> Iterator[Reference]:
    settings = members(resource.settings)
    yield from _named_element(resource, "dataElementName", index)
    for path in _ID_SETTINGS:
        value = settings.get(path)
        if isinstance(value, str) and value:
            element = index.ids.get(value) or index.cache_ids.get(value)
            yield _identified(resource, path, value, element)


def _by_value(text: Text, index: Names) -> Iterator[Reference]:
    """Yield the data element whose id or name is the whole of a setting."""
    resource = text.resource
    if resource.delegate == UPDATE_VARIABLE and text.path in _ID_SETTINGS:
        return
    element = index.ids.get(text.value)
    if element is not None and element.type == "data_elements" and element is not resource:
        yield _identified(resource, text.path, text.value, element)
    # Selectors of some extensions store a name without percent signs. Those known here do not.
    if resource.package not in PLAIN and text.role in ("text", "unknown"):
        for named in index.elements.get(text.value, ()):
            yield Reference(
                resource, "name-setting", text.value, "possible", text.path, text.value, named
            )


def _unreadable(resource: Resource, index: Names) -> Iterator[Reference]:
    """Yield what settings that cannot be parsed may read."""
    if not resource.problem:
        return
    text = str(resource.get("settings"))
    for match in _ANY_TOKEN.finditer(text):
        for element in index.elements.get(match[1] or match[2], ()):
            yield Reference(
                resource, "token", element.name, "possible", "settings", match[0], element
            )
    mention = MENTION.search(text)
    if mention is not None:
        span = mention.span()
        yield Reference(
            resource, "getVar", None, "dynamic", "settings", text, None, False, None, *span
        )


def _identified(resource: Resource, path: str, value: str, element: Resource | None) -> Reference:
    name = value
    if element is not None:
        name = element.name
    return Reference(resource, "id-setting", name, "certain", path, value, element)


def _direct_call(resource: Resource, index: Names) -> Iterator[Reference]:
    identifier = members(resource.settings).get("identifier")
    if not isinstance(identifier, str):
        return
    name = identifier.strip()
    if find_percent_tokens(name):
        yield Reference(resource, "direct-call", name, "dynamic", "identifier", name)
        return
    rules: list[Resource | None] = [*index.waiting(frozenset(["track"])).get(name, ())]
    for rule in rules or [None]:
        yield _setting(resource, "direct-call", "identifier", name, rule)


def _secrets(resource: Resource, model: Model) -> Iterator[Reference]:
    known = {secret.id: secret for secret in model.secrets}
    secrets = members(members(resource.settings).get("secrets"))
    for stage, setting in secrets.items():
        secret_id = members(setting).get("id")
        if isinstance(secret_id, str):
            name = str(members(setting).get("name") or secret_id)
            path = f"secrets.{stage}.id"
            yield _setting(resource, "secret", path, name, known.get(secret_id))
