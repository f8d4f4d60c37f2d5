"""What is different between two tables of the same kind."""

from typing import Any

import pandas as pd

_NAMES = ("name", "text", "url")
"""What people call it: the first of them that a table has."""


def different(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, list[str]]:
    """For each id that both have and whose rows differ: the columns that do."""
    old, new = _by_id(before), _by_id(after)
    both = old.index.intersection(new.index)
    columns = list(dict.fromkeys([*old.columns, *new.columns]))
    old, new = old.reindex(index=both, columns=columns), new.reindex(index=both, columns=columns)
    old.attrs = new.attrs = {}  # pandas would copy them with every column
    suspects = [name for name in columns if not old[name].equals(new[name])]
    unlike = pd.DataFrame({name: _unlike(old[name], new[name]) for name in suspects}, index=both)
    found = unlike[unlike.any(axis="columns")] if suspects else unlike.iloc[:0]
    return {str(row): [name for name in suspects if found.at[row, name]] for row in found.index}


def _by_id(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per resource. A component comes once under each of its rules: then it is in all of
    them.
    """
    if frame["id"].is_unique:
        return frame.set_index("id")
    rules = frame.sort_values("rule_id").groupby("id")["rule_id"].agg(", ".join)
    once = frame.drop_duplicates("id").set_index("id")
    return once.assign(rule_id=rules.astype("string"))


def _unlike(old: "pd.Series[Any]", new: "pd.Series[Any]") -> "pd.Series[bool]":
    same = (old == new).fillna(False).astype(bool) | (old.isna() & new.isna())
    return ~same


def compared(table: str, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """One row per resource that was created, deleted or changed."""
    known, now = set(before["id"]), set(after["id"])
    changed = different(before, after)
    rows = [
        *(("created", each, "") for each in after["id"].unique() if each not in known),
        *(
            ("changed", each, ", ".join(changed[each]))
            for each in after["id"].unique()
            if each in changed
        ),
        *(("deleted", each, "") for each in before["id"].unique() if each not in now),
    ]
    names = pd.concat([_named(table, before), _named(table, after)])
    names = names[~names.index.duplicated(keep="last")]
    ids = [each for _, each, _ in rows]
    about = names.reindex(ids)
    found = {
        "table": [table] * len(rows),
        "change": [change for change, _, _ in rows],
        "id": ids,
        "name": about["name"].tolist(),
        "property_id": about["property_id"].tolist(),
        "columns": [columns for _, _, columns in rows],
    }
    return pd.DataFrame(found, dtype="string")


def _named(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Name and property of each, where it has them."""
    name = next((each for each in _NAMES if each in frame.columns), None)
    owner = {"properties": "id", "notes": "resource_id"}.get(table, "property_id")
    missing = pd.Series(pd.NA, index=frame.index, dtype="string")
    named = {
        "name": missing if name is None else frame[name],
        "property_id": frame.get(owner, missing),
    }
    return pd.DataFrame(named).astype("string").set_index(pd.Index(frame["id"]))
