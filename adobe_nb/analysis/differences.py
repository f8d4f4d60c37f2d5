"""What differs between two properties, libraries, builds, days or revisions."""

from collections.abc import Iterator, Sequence
from typing import Literal

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.changes import Change, Changes
from adobe_nb.analysis.contents import Content
from adobe_nb.analysis.matching import Comparison, Pair, compare, key_text
from adobe_nb.analysis.model import REQUIRED, Model
from adobe_nb.analysis.tags import Tags
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import BY_PREFIX
from adobe_nb.suggest import did_you_mean

KEYS = ("name", "id", "origin")
TYPES = tuple(REQUIRED)
CHANGES = ("added", "removed", "changed", "renamed", "same")
COLUMNS: Columns = {
    "type": "string",
    "key": "string",
    "name_a": "string",
    "name_b": "string",
    "id_a": "string",
    "id_b": "string",
    "change": "string",
    "path": "string",
    "before": "string",
    "after": "string",
    "code_diff": "string",
}
_ALL = ""
"""In place of the property when only one is compared."""
_SUMMARY: Columns = {
    "type": "string",
    "added": "Int64",
    "removed": "Int64",
    "changed": "Int64",
    "same": "Int64",
}


def diff(
    a: Tags | pd.DataFrame,
    b: Tags | pd.DataFrame,
    key: Literal["name", "id", "origin"] | None = None,
    *,
    what: str | Sequence[str] | None = None,
    deep: bool = True,
    same: bool = False,
) -> pd.DataFrame:
    """Compare two properties, libraries, builds, snapshots or revisions.

    Compared are names, settings, code, and the attributes that people edit. Ids, dates, people and
    revision numbers do not count; nor do the order of keys in settings, ``50`` or ``50.0``, null
    or a default, and settings that a build removes.

    Parameters
    ----------
    a, b
        What ``analysis.read`` returns, the earlier one first; or frames with revisions of one type,
        such as ``reactor.data_elements.get("DE…")`` returns.
    key
        What makes two resources the same one: ``"name"`` (of extensions that of the package),
        ``"id"``, or ``"origin"``, the id of the head. By default the name across properties, and
        within a property the id, or the origin when revisions are compared. Several resources with
        one key are matched by content; ``attrs["limits"]`` names them. Components are matched
        within their rule: by id within a property, then by delegate, name and order, then by
        content.
    what
        Compare these types only: ``rules``, ``rule_components``, ``data_elements``, ``extensions``.
    deep
        One row for each path that differs. Otherwise one for each resource, with the columns that
        differ as ``path``.
    same
        Include one row for each resource without a difference.

    Returns
    -------
    DataFrame
        All columns are ``string``: type; key (of a component after that of its rule); name_a,
        name_b; id_a, id_b; change (``added``, ``removed``, ``changed``, ``renamed``, ``same``);
        path (inside the settings, otherwise a column); before and after, as JSON unless they are
        text; code_diff (for code and texts of several lines: the lines that differ).

        A resource on one side only is one row, with its settings. One is ``renamed`` when nothing
        but its name differs. ``property_id`` comes first when several properties are compared.
        ``attrs["same"]`` counts the resources without a difference.

    Raises
    ------
    ArgumentError
        For a wrong key or type, and for several properties that have none in common.

    Examples
    --------
    >>> import adobe_nb
    >>> from adobe_nb import analysis
    >>> session = adobe_nb.connect(simulator=True)
    >>> us = analysis.read(session.reactor.find("properties", "Web Store US"), session=session)
    >>> de = analysis.read(session.reactor.find("properties", "Web Store DE"), session=session)
    >>> analysis.summary(analysis.diff(us, de))["type"].tolist()
    ['data_elements', 'extensions', 'rule_components', 'rules']
    """
    before, after = _model(a), _model(b)
    types = _types(before, after, what)
    kind = _kind(before, after, key)
    comparison = compare(before, after, kind)
    changes_of = Changes(before, after).of
    counts = _zeros(before, after, types)
    rows: list[Row] = []
    for pair in comparison.pairs:
        if pair.resource.type not in types:
            continue
        changes = list(changes_of(pair))
        change = _change(pair, changes)
        row = {
            "property_id": pair.resource.property_id,
            "type": pair.resource.type,
            "key": _key(pair, kind),
            **_side(pair.before, "a"),
            **_side(pair.after, "b"),
            "change": change,
        }
        if change == "same":
            scope = pair.resource.property_id if len(counts) > 1 else _ALL
            counts[scope][pair.resource.type] += 1
            if same:
                rows.append(row)
        elif deep:
            rows += [{**row, **_values(change)} for change in changes]
        else:
            rows.append({**row, "path": _columns(changes)})
    sort = ["type", "key", "id_a", "id_b"]
    larger = max(before, after, key=lambda model: len(model.property_ids))
    frame = answer(larger, COLUMNS, rows, sort=sort)
    frame.attrs["limits"] = list(_limits(before, after, comparison, types))
    frame.attrs.update(as_of=after.as_of, as_of_a=before.as_of, same=counts)
    return frame


def summary(differences: pd.DataFrame) -> pd.DataFrame:
    """Count the differences that ``diff`` found.

    Returns
    -------
    DataFrame
        One row for each type that was compared: type (``string``), and the numbers of resources
        that were added, removed, changed (renamed ones included), and that are the same
        (``Int64``; NA when the frame has lost its ``attrs``). ``property_id`` comes first when
        several properties were compared.

    Raises
    ------
    ArgumentError
        For a frame without the columns of ``diff``.

    Examples
    --------
    >>> import adobe_nb
    >>> from adobe_nb import analysis
    >>> session = adobe_nb.connect(simulator=True)
    >>> site = analysis.read(session.reactor.find("properties", "Checkout"), session=session)
    >>> analysis.summary(analysis.diff(site, site))["changed"].tolist()
    [0, 0, 0, 0]
    """
    missing = [column for column in COLUMNS if column not in differences]
    if missing:
        raise ArgumentError(
            f"summary() takes the frame that diff() returns; this one has no column {missing[0]!r}."
        )
    by = ["type"]
    if "property_id" in differences:
        by = ["property_id", "type"]
    # A resource has a row for each path.
    resources = differences.drop_duplicates([*by, "id_a", "id_b"])
    counts = resources.groupby([*by, "change"]).size()
    rows = []
    for group, same in _groups(differences, by).items():
        numbers = {change: int(counts.get((*group, change), 0)) for change in CHANGES}
        numbers["changed"] += numbers["renamed"]
        rows.append({**dict(zip(by, group, strict=True)), **numbers, "same": same})
    dtypes = {**dict.fromkeys(by, "string"), **_SUMMARY}
    frame = pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)
    for name in ("limits", "as_of", "as_of_a"):
        frame.attrs[name] = differences.attrs.get(name)
    return frame


def _groups(differences: pd.DataFrame, by: Sequence[str]) -> dict[tuple[str, ...], int | None]:
    """Return the groups to count, each with the number of resources that are the same."""
    groups: dict[tuple[str, ...], int | None] = {}
    for scope, counts in differences.attrs.get("same", {}).items():
        for resource_type, count in counts.items():
            groups[(scope, resource_type)[-len(by) :]] = count
    if not groups:
        keys = differences[list(by)].drop_duplicates().sort_values(list(by))
        groups = dict.fromkeys(keys.itertuples(index=False, name=None))
    return groups


def _model(value: Tags | pd.DataFrame) -> Model:
    """Return the model to compare. A frame holds revisions of one type."""
    if isinstance(value, Tags):
        return value.model
    if not isinstance(value, pd.DataFrame):
        raise ArgumentError(
            f"diff() compares what analysis.read(…) returns, not {type(value).__name__}."
        )
    tables = set()
    if "id" in value:
        tables = {_table_of(resource_id) for resource_id in value["id"]}
    if len(tables) != 1 or not tables < {"rules", "data_elements", "extensions"}:
        raise ArgumentError(
            "diff() compares frames of rules, data elements or extensions, with at least one row. "
            "For anything else pass Tags(rules=…, rule_components=…)."
        )
    return Model({tables.pop(): value})


def _table_of(resource_id: object) -> str:
    row = BY_PREFIX.get(str(resource_id)[:2])
    if row is None:
        return ""
    return row.type


def _types(before: Model, after: Model, what: str | Sequence[str] | None) -> list[str]:
    """Return the types to compare, sorted. Raises ArgumentError."""
    if what is None:
        return sorted(table for table in TYPES if table in before.frames and table in after.frames)
    if isinstance(what, str):
        what = [what]
    for table in what:
        if table not in TYPES:
            raise ArgumentError(f"diff() has no type {table!r}.{did_you_mean(str(table), TYPES)}")
        for model in (before, after):
            model.require("diff", table)
    return sorted(set(what))


def _kind(before: Model, after: Model, key: str | None) -> str:
    """Return what makes two resources the same one. Raises ArgumentError."""
    if key is not None and key not in KEYS:
        raise ArgumentError(f"diff() has no key {key!r}.{did_you_mean(str(key), KEYS)}")
    models = (before, after)
    properties = set(before.property_ids) & set(after.property_ids)
    if not properties and any(len(model.property_ids) > 1 for model in models):
        raise ArgumentError(
            "The two have no property in common. Compare one property with one other, or two "
            "states of the same properties."
        )
    kind = key or _usual_kind(before, after)
    if kind == "origin" and not all(map(_has_origins, models)):
        raise ArgumentError(
            "Revisions are matched by their column 'origin_id', which one of the frames does not "
            'have. Pass key="name".'
        )
    return kind


def _usual_kind(before: Model, after: Model) -> str:
    origins = {resource.origin_id for resource in before.resources}
    is_same = any(property_id in after.property_ids for property_id in before.property_ids)
    is_same = is_same and all(before.property_ids)
    if not is_same and not any(resource.origin_id in origins for resource in after.resources):
        return "name"
    if any(map(_has_revisions, (before, after))):
        return "origin"
    return "id"


def _has_revisions(model: Model) -> bool:
    return any(resource.get("revision_number") for resource in model.resources)


def _has_origins(model: Model) -> bool:
    revisions = (resource for resource in model.resources if resource.get("revision_number"))
    return all(resource.get("origin_id") for resource in revisions)


def _change(pair: Pair, changes: Sequence[Change]) -> str:
    if pair.before is None:
        return "added"
    if pair.after is None:
        return "removed"
    if not changes:
        return "same"
    if [change.column for change in changes] == ["name"]:
        return "renamed"
    return "changed"


def _key(pair: Pair, kind: str) -> str:
    key = key_text(pair.resource, kind)
    if pair.rule is None:
        return key
    return f"{key_text(pair.rule.resource, kind)} / {key}"


def _side(content: Content | None, side: str) -> dict[str, str]:
    if content is None:
        return {}
    return {f"name_{side}": content.name, f"id_{side}": content.resource.id}


def _values(change: Change) -> dict[str, str | None]:
    return {
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "code_diff": change.code_diff,
    }


def _columns(changes: Sequence[Change]) -> str | None:
    """Return the columns that differ; None for a resource that is only on one side."""
    return ", ".join(dict.fromkeys(change.column for change in changes)) or None


def _zeros(before: Model, after: Model, types: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return a count for each type of each property; of one property under no id."""
    scopes = [_ALL]
    if max(len(before.property_ids), len(after.property_ids)) > 1:
        scopes = sorted({*before.property_ids, *after.property_ids})
    return {scope: dict.fromkeys(types, 0) for scope in scopes}


def _limits(
    before: Model, after: Model, comparison: Comparison, types: Sequence[str]
) -> Iterator[str]:
    yield from (sentence for sentence in before.limits if sentence in after.limits)
    for side, model, other in (("a", before, after), ("b", after, before)):
        yield from (f"{side}: {text}" for text in model.limits if text not in other.limits)
        orphans = sum(component.rule is None for component in model.rule_components)
        if orphans:
            yield f"{side}: {orphans} rule components without their rule are not compared."
    for table in TYPES:
        if (table in before.frames) != (table in after.frames):
            yield f"Only one of the two has {table.replace('_', ' ')}: they are not compared."
    names = {(one.resource.type, one.name) for one in comparison.ambiguous}
    for resource_type, name in sorted(names):
        if resource_type in types:
            yield (
                f"Several {resource_type.replace('_', ' ')} are called {name!r}: which is which "
                "was decided by their content (ambiguous)."
            )
