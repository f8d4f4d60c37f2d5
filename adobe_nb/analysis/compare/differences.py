"""What differs between two properties, libraries, builds, days or revisions."""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Literal, get_args

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.compare.changes import Change, Changes
from adobe_nb.analysis.compare.matching import (
    Comparison,
    Pair,
    compare,
    has_several_properties,
    key_text,
)
from adobe_nb.analysis.frames import normalized
from adobe_nb.analysis.lookup import chosen_types
from adobe_nb.analysis.model import REQUIRED, Model, Resource
from adobe_nb.analysis.tags import Tags
from adobe_nb.analysis.words import counted
from adobe_nb.errors import ArgumentError
from adobe_nb.registry import RESOURCES
from adobe_nb.suggest import did_you_mean

Key = Literal["name", "id", "origin"]
TYPES = tuple(REQUIRED)
CHANGES = ("added", "removed", "changed", "renamed", "same")
COLUMNS: Columns = dict.fromkeys(
    (
        "type",
        "key",
        "name_a",
        "name_b",
        "id_a",
        "id_b",
        "change",
        "path",
        "before",
        "after",
        "code_diff",
    ),
    "string",
)
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
    key: Key | None = None,
    *,
    what: str | Sequence[str] | None = None,
    deep: bool = True,
    same: bool = False,
) -> pd.DataFrame:
    """Compare two properties, libraries, builds, snapshots or revisions.

    Compared are names, settings, code, and the attributes that people edit. Ids (including the
    ``cacheId`` of a Web SDK variable), dates, people and revision numbers do not count; nor do the
    order of keys in settings, ``50`` or ``50.0``, null or a default, and settings that a build
    removes.

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
        but its name differs. ``property_id`` and ``property_name`` come first when several
        properties are compared.
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
    key = _key(before, after, key)
    comparison = compare(before, after, key)
    changes_of = Changes(before, after).of
    property_ids = {*before.property_ids, *after.property_ids} if comparison.is_scoped else {""}
    counts = {property_id: dict.fromkeys(types, 0) for property_id in sorted(property_ids)}
    rows: list[Row] = []
    for pair in comparison.pairs:
        if pair.resource.type not in types:
            continue
        changes = list(changes_of(pair))
        row = _row(pair, key, changes)
        if not changes:
            counts[comparison.scope(pair.resource)][pair.resource.type] += 1
            rows += [row] * same
        elif deep:
            rows += [{**row, **vars(change), "code_diff": change.code_diff} for change in changes]
        else:
            columns = dict.fromkeys(change.column for change in changes)
            rows.append({**row, "path": ", ".join(columns) or None})
    sort = ["type", "key", "id_a", "id_b"]
    # A state without resources has no property, and the column must not depend on it.
    smaller, larger = sorted((before, after), key=lambda model: len(model.property_ids))
    frame = answer(larger, COLUMNS, rows, sort=sort, also=[smaller])
    frame.attrs["limits"] = list(dict.fromkeys(_limits(before, after, comparison, types)))
    frame.attrs.update(as_of=after.as_of, as_of_a=before.as_of, same=counts)
    frame.attrs.update(service=after.service, path="analysis.diff()", columns=list(frame.columns))
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
    if not isinstance(differences, pd.DataFrame):
        raise ArgumentError(
            f"summary() takes the frame that diff() returns, not {type(differences).__name__}."
        )
    missing = [column for column in COLUMNS if column not in differences]
    if missing:
        raise ArgumentError(
            f"summary() takes the frame that diff() returns; this one has no column {missing[0]!r}."
        )
    by = ["type"]
    if "property_id" in differences:
        by = ["property_id", "type"]
    # A resource has a row for each path.
    resources = differences.drop_duplicates([*by, "id_a", "id_b"]).copy()
    for change in CHANGES:
        resources[change] = resources["change"] == change
    counts = resources.groupby(by)[list(CHANGES)].sum()
    counts["changed"] += counts["renamed"]
    # A frame that was saved or joined has lost these counts.
    counts["same"] = pd.NA
    if "same" in differences.attrs:
        same = pd.DataFrame(differences.attrs["same"]).rename_axis("type").reset_index()
        same = same.melt("type", var_name="property_id", value_name="same")
        totals = same.groupby(by)["same"].sum()
        counts = counts.reindex(totals.index, fill_value=0).assign(same=totals)
    dtypes = {**dict.fromkeys(by, "string"), **_SUMMARY}
    frame = counts.reset_index()[list(dtypes)].astype(dtypes)
    frame.attrs = {name: differences.attrs.get(name) for name in ("limits", "as_of", "as_of_a")}
    return frame


def _model(value: Tags | pd.DataFrame) -> Model:
    """Return the model to compare. A frame holds revisions of one type."""
    if isinstance(value, Tags):
        return value.model
    if not isinstance(value, pd.DataFrame):
        raise ArgumentError(
            f"diff() compares what analysis.read(…) returns, not {type(value).__name__}."
        )
    prefixes = {str(resource_id)[:2] for resource_id in value.get("id", ())}
    for table in ("rules", "data_elements", "extensions"):
        if prefixes == {RESOURCES[table].prefix}:
            return Model(normalized({table: value}))
    raise ArgumentError(
        "diff() compares frames of rules, data elements or extensions, with at least one row. "
        "For anything else pass Tags(rules=…, rule_components=…)."
    )


def _types(before: Model, after: Model, what: str | Sequence[str] | None) -> list[str]:
    """Return the types to compare, sorted. Raises ArgumentError."""
    if what is None or what == "all":
        types = sorted(before.frames.keys() & after.frames.keys() & REQUIRED.keys())
        if not types:
            raise ArgumentError("The two have no table in common. Compare frames of one type.")
        return types
    types = sorted(chosen_types(what, TYPES))
    for table in types:
        for model in (before, after):
            model.require("diff", table)
    return types


def _key(before: Model, after: Model, key: Key | None) -> Key:
    """Return what makes two resources the same one. Raises ArgumentError."""
    if key not in (None, *get_args(Key)):
        raise ArgumentError(f"diff() has no key {key!r}.{did_you_mean(str(key), get_args(Key))}")
    # Names repeat across properties, so pairs of several properties would be arbitrary.
    is_disjoint = set(before.property_ids).isdisjoint(after.property_ids)
    if is_disjoint and has_several_properties(before, after):
        raise ArgumentError(
            "The two have no property in common. Compare one property with one other, or two "
            "states of the same properties."
        )
    if is_disjoint and key in ("id", "origin") and before.property_ids and after.property_ids:
        raise ArgumentError(
            f'Two properties have no {key} in common. Compare them by name: key="name".'
        )
    revisions = _revisions(before, after)
    key = key or _default_key(before, after, has_revisions=bool(revisions))
    if key == "origin" and not all(revision.get("origin_id") for revision in revisions):
        raise ArgumentError(
            "Revisions are matched by their column 'origin_id', which one of the frames does not "
            'have. Pass key="name".'
        )
    return key


def _revisions(before: Model, after: Model) -> list[Resource]:
    resources = [*before.resources, *after.resources]
    return [resource for resource in resources if resource.get("revision_number")]


def _default_key(before: Model, after: Model, *, has_revisions: bool) -> Key:
    # Frames without a property may still hold revisions of one resource.
    sides = []
    for model in (before, after):
        origins = map(attrgetter("origin_id"), model.resources)
        sides.append({*model.property_ids, *origins} - {""})
    if sides[0].isdisjoint(sides[1]):
        return "name"
    return "origin" if has_revisions else "id"


def _row(pair: Pair, key: str, changes: Sequence[Change]) -> dict[str, str]:
    """Return what all rows of a pair have in common."""
    text = key_text(pair.resource, key)
    if pair.rule is not None:
        # People know a rule by its name, whatever its key.
        text = f"{pair.rule.resource.name} / {text}"
    row = {"property_id": pair.resource.property_id, "type": pair.resource.type, "key": text}
    for side, content in (("a", pair.before), ("b", pair.after)):
        if content is not None:
            row |= {f"name_{side}": content.name, f"id_{side}": content.resource.id}
    row["change"] = "changed"
    if pair.before is None:
        row["change"] = "added"
    elif pair.after is None:
        row["change"] = "removed"
    elif not changes:
        row["change"] = "same"
    elif [change.column for change in changes] == ["name"]:
        row["change"] = "renamed"
    return row


def _limits(
    before: Model, after: Model, comparison: Comparison, types: Sequence[str]
) -> Iterator[str]:
    sides = [", ".join(_names(model)) for model in (before, after)]
    if all(sides) and sides[0] != sides[1]:
        yield f"a is {sides[0]}, and b is {sides[1]}."
    shared = set(before.limits) & set(after.limits)
    for side, model in (("a", before), ("b", after)):
        for sentence in model.limits:
            yield sentence if sentence in shared else f"{side}: {sentence}"
        orphans = sum(component.rule is None for component in model.rule_components)
        if orphans:
            components = counted(
                orphans,
                "rule component without its rule is",
                "rule components without their rule are",
            )
            yield f"{side}: {components} not compared."
    for table in sorted(before.frames.keys() ^ after.frames.keys()):
        if table in TYPES:
            yield f"Only one of the two has {table.replace('_', ' ')}: they are not compared."
    for table, name in sorted(comparison.ambiguous):
        if table in types:
            yield (
                f"Several {table.replace('_', ' ')} are called {name!r}: which is which "
                "was decided by their content (ambiguous)."
            )


def _names(model: Model) -> Iterator[str]:
    """Yield the names of the properties."""
    for row in model.rows("properties"):
        yield str(row.get("name"))
