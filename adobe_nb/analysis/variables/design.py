"""A design of variables against what the tags do: ``sdr`` and ``free_variables``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from adobe_nb.analysis.answers import Columns, answer
from adobe_nb.analysis.model import Model, Resource
from adobe_nb.analysis.uses.references import require_content
from adobe_nb.analysis.variables.design_files import Design, Entry, Key, read_design
from adobe_nb.analysis.variables.listing import limits as limits_of
from adobe_nb.analysis.variables.names import RANGES, Variable
from adobe_nb.analysis.variables.uses import Finding, find_variables
from adobe_nb.errors import ArgumentError
from adobe_nb.suggest import did_you_mean

SDR_COLUMNS: Columns = {
    "variable": "string",
    "in_design": "boolean",
    "in_tags": "boolean",
    "design_name": "string",
    "tag_value": "string",
    "rules": "string",
    "verdict": "string",
    "found_in": "string",
}
_BY_SPELLING = {name.casefold(): name for name in RANGES}
FREE_COLUMNS: Columns = {"variable": "string", "free": "boolean", "reason": "string"}
_REAL = ("certain", "possible", "out of range")
_FAMILIES = ("eVar", "prop", "event", "list", "hier", "products", "page", "contextData", "xdm")


@dataclass
class _InTags:
    """What the tags of one property do with a variable."""

    variable: Variable
    sets: list[Finding] = field(default_factory=list)
    others: list[Finding] = field(default_factory=list)

    @property
    def is_live(self) -> bool:
        """Whether something that is switched on sets it."""
        return any(finding.source.enabled for finding in self.sets)

    @property
    def rules(self) -> list[str]:
        """The names of the rules that set it."""
        names = [finding.source.rule.name for finding in self.sets if finding.source.rule]
        return list(dict.fromkeys(names))

    @property
    def places(self) -> list[str]:
        """The names of the rules, data elements and extensions that set it."""
        sources = [finding.source.rule or finding.source for finding in self.sets]
        return list(dict.fromkeys(source.name for source in sources))

    @property
    def values(self) -> list[str]:
        """The values that it is set to, as far as they are known."""
        values = []
        for finding in self.sets:
            tokens = [f"%{name}%" for name in finding.elements]
            values.append(finding.value or ", ".join(tokens))
        return list(dict.fromkeys(filter(None, values)))


def sdr(
    model: Model,
    design: Design,
    *,
    column: str | None = None,
    report_suite: str | None = None,
) -> pd.DataFrame:
    """Return the variables of a design and of the tags, side by side."""
    require_content(model, "sdr")
    contents = read_design(design, column=column, report_suite=report_suite)
    in_design = contents.variables
    rows = []
    for property_id in _properties(model):
        in_tags = _in_tags(model, property_id)
        for key in sorted({*in_tags, *in_design}, key=_order):
            found = in_tags.get(key)
            # A variable that is only read is not in the tags, nor worth a row without a design.
            if found is not None and not found.sets:
                found = None
            # A design lists variables, and not the XDM fields that Analytics does not map.
            if key in in_design or (found is not None and found.variable.family != "xdm"):
                row = _compared(in_design.get(key), found)
                rows.append({"property_id": property_id, **row})
        for entry in contents.others:
            rows.append({"property_id": property_id, **_compared(entry, None)})
    sentences = [*contents.limits, *limits_of(model), *_dynamic(model)]
    return answer(model, SDR_COLUMNS, rows, limits=sentences)


def _compared(entry: Entry | None, found: _InTags | None) -> dict[str, object]:
    row: dict[str, object] = {"in_design": entry is not None, "in_tags": found is not None}
    variable: Variable | None = None
    if found is not None:
        variable = found.variable
        row["tag_value"] = " | ".join(found.values) or None
        row["rules"] = ", ".join(found.rules) or None
        row["found_in"] = ", ".join(found.places)
    if entry is not None:
        variable = entry.variable
        row["variable"] = entry.text
        row["design_name"] = entry.name
    if variable is not None:
        row["variable"] = variable.name
    return {**row, "verdict": _verdict(variable, entry, found)}


def _verdict(variable: Variable | None, entry: Entry | None, found: _InTags | None) -> str:
    verdict = "both"
    if variable is None:
        verdict = "not a variable"
    elif variable.problem == "out of range":
        verdict = "out of range"
    elif found is None:
        verdict = "only design"
    elif entry is None:
        verdict = "only tags"
    elif not found.is_live:
        verdict = "disabled rules only"
    elif entry.value is not None and not _has_value(found, entry.value):
        verdict = "differs"
    return verdict


def _has_value(found: _InTags, value: str) -> bool:
    """Return whether a variable is set to the value of the design, or from that data element."""
    wanted = value.strip().strip("%").casefold()
    known: set[str] = set()
    for finding in found.sets:
        known.update(name.casefold() for name in finding.elements)
        if finding.value is None and not finding.elements:
            # What cannot be read cannot differ.
            return True
        known.add((finding.value or "").strip().strip("%").casefold())
    return wanted in known


def free_variables(
    model: Model,
    design: Design | None = None,
    *,
    family: str | Iterable[str] | None = None,
    limits: Mapping[str, int] | None = None,
    column: str | None = None,
    report_suite: str | None = None,
) -> pd.DataFrame:
    """Return every variable of the numbered families, and whether something uses it."""
    require_content(model, "free_variables")
    if isinstance(design, str) and family is None and _singular(design) in _BY_SPELLING:
        design, family = None, design
    ranges = _ranges(family, limits)
    designed: Mapping[Key, Entry] = {}
    sentences = list(limits_of(model))
    if design is not None:
        contents = read_design(design, column=column, report_suite=report_suite)
        designed = contents.variables
        sentences = [*contents.limits, *sentences]
    rows = []
    for property_id in _properties(model):
        in_tags = _in_tags(model, property_id)
        dynamic = _dynamic_by_family(model, property_id)
        for name, count in ranges.items():
            for number in range(1, count + 1):
                key = (name, number)
                free, reason = _use_of(in_tags.get(key), designed.get(key), dynamic.get(name))
                rows.append(
                    {
                        "property_id": property_id,
                        "variable": f"{name}{number}",
                        "free": free,
                        "reason": reason,
                    }
                )
    return answer(model, FREE_COLUMNS, rows, limits=sentences)


def _use_of(
    found: _InTags | None, entry: Entry | None, dynamic: Finding | None
) -> tuple[bool | None, str]:
    """Return whether a variable is free, None when it cannot be told; and why."""
    reasons = []
    if found is not None and found.sets:
        state = "" if found.is_live else "only disabled rules: "
        reasons.append(f"{state}set by {_sources(found.sets)}")
    elif found is not None:
        access = "read" if found.others[0].access == "read" else "named"
        reasons.append(f"{access} by {_sources(found.others)}, and never set")
    if entry is not None:
        reasons.append(f"in the design as {entry.name!r}" if entry.name else "in the design")
    if reasons:
        return False, "; ".join(reasons)
    if dynamic is not None:
        return None, f"{_sources([dynamic])} sets variables whose numbers only the page knows"
    return True, "nothing in this property uses it"


def _sources(findings: Sequence[Finding]) -> str:
    names = list(dict.fromkeys(_described(finding.source) for finding in findings))
    if len(names) > 1:
        return f"{names[0]} and {len(names) - 1} more"
    return names[0]


def _described(source: Resource) -> str:
    if source.rule is not None:
        return f"rule {source.rule.name!r} ({source.name})"
    kind = {"data_elements": "data element", "extensions": "extension"}.get(
        source.type, "component"
    )
    return f"{kind} {source.name!r}"


def _properties(model: Model) -> list[str]:
    """Return the properties that can set variables."""
    return [name for name in model.property_ids if model.platforms.get(name) != "edge"]


def _in_tags(model: Model, property_id: str) -> dict[Key, _InTags]:
    """Return what the tags of a property really do, by variable: no comments, no wrong names."""
    found: dict[Key, _InTags] = {}
    for finding in find_variables(model):
        is_real = finding.verdict in _REAL and not finding.variable.is_pattern
        if not is_real or finding.source.property_id != property_id:
            continue
        in_tags = found.setdefault(finding.variable.key, _InTags(finding.variable))
        if finding.access == "set":
            in_tags.sets.append(finding)
        else:
            in_tags.others.append(finding)
    return found


def _dynamic_by_family(model: Model, property_id: str) -> dict[str | None, Finding]:
    """Return a place for each family that sets variables whose numbers are not known."""
    places: dict[str | None, Finding] = {}
    for finding in find_variables(model):
        is_dynamic = finding.verdict == "dynamic" and finding.access == "set"
        if not is_dynamic or finding.source.property_id != property_id:
            continue
        families: Iterable[str | None] = [finding.variable.family]
        if finding.variable.family is None:
            families = RANGES
        for family in families:
            places.setdefault(family, finding)
    return places


def _dynamic(model: Model) -> Iterator[str]:
    names = set()
    for finding in find_variables(model):
        if finding.verdict == "dynamic" and finding.access == "set":
            names.add(finding.variable.name)
    if names:
        yield (
            f"Code sets variables whose numbers only the page knows ({', '.join(sorted(names))}): "
            "variables of which the verdict is 'only design' may be set, too."
        )


def _order(key: Key) -> tuple[int, int, str]:
    family, name = key
    index = _FAMILIES.index(family) if family in _FAMILIES else len(_FAMILIES)
    if isinstance(name, int):
        return index, name, ""
    return index, 0, name


def _ranges(family: str | Iterable[str] | None, limits: Mapping[str, int] | None) -> dict[str, int]:
    """Return the highest number of each family to list. Raises ArgumentError."""
    limits = {} if limits is None else _checked(limits)
    if family is None:
        families: Iterable[object] = limits or RANGES
    elif isinstance(family, str):
        families = [family]
    elif isinstance(family, Iterable):
        families = list(family)
    else:
        raise ArgumentError(f"family must be a name such as 'eVar', or a list, got {family!r}.")
    names = set(map(_family, families))
    # Always in the order of a report suite, whatever the order of the arguments is.
    return {name: limits.get(name, RANGES[name]) for name in RANGES if name in names}


def _singular(name: object) -> str:
    return str(name).casefold().removesuffix("s")


def _family(name: object) -> str:
    """Return a family that a user names: eVar, evar, eVars. Raises ArgumentError."""
    if not isinstance(name, str) or _singular(name) not in _BY_SPELLING:
        raise ArgumentError(f"Unknown family {name!r}.{did_you_mean(str(name), RANGES)}")
    return _BY_SPELLING[_singular(name)]


def _checked(limits: Mapping[str, int]) -> Mapping[str, int]:
    """Return the limits. Raises ArgumentError for impossible ones."""
    if not isinstance(limits, Mapping):
        raise ArgumentError('limits must be a dict, for example {"eVar": 100, "prop": 75}.')
    checked = {}
    for name, count in limits.items():
        family = _family(name)
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise ArgumentError(f"The limit of {family} must be a number, got {count!r}.")
        if count > RANGES[family]:
            raise ArgumentError(f"Analytics has {RANGES[family]} {family}s at most, got {count}.")
        checked[family] = count
    return checked
