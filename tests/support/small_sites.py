"""Frames of small properties, as ``reactor`` returns them, written down in a few lines."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from adobe_nb import analysis
from adobe_nb.analysis.model import REQUIRED

Row = dict[str, Any]
PATH = "core::dataElements::javascript-variable"
CODE = "core::actions::custom-code"


def element(name: str, settings: Any = None, delegate: str = PATH, **columns: Any) -> Row:
    """A data element, by default a variable of the page."""
    return _row(name, delegate, settings, {"enabled": True, **columns})


def component(name: str, settings: Any = None, delegate: str = CODE, **columns: Any) -> Row:
    """A rule component, by default an action with code."""
    return _row(name, delegate, settings, columns)


def script(source: str) -> Row:
    """The settings of an action with JavaScript."""
    return {"language": "javascript", "source": source}


def site(
    rules: Mapping[str, Iterable[Row]] | Iterable[tuple[str, Iterable[Row]]] = (),
    elements: Iterable[Row] = (),
    extensions: Iterable[Row] = (),
    *,
    number: str = "1",
    **more: Any,
) -> analysis.Tags:
    """The tags of a property. Ids follow from the property and the position."""
    if isinstance(rules, Mapping):
        rules = rules.items()
    rule_rows, components = [], []
    for name, parts in rules:
        rule = {"id": f"RL{number}{len(rule_rows):03d}", "name": name, "enabled": True}
        rule_rows.append(rule)
        for part in parts:
            row = {"id": f"RC{number}{len(components):03d}", "rule_id": rule["id"], **part}
            components.append(row)
    frames = {
        "rules": rule_rows,
        "rule_components": components,
        "data_elements": _with_ids("DE", number, elements),
        "extensions": _with_ids("EX", number, extensions),
    }
    return analysis.Tags(
        **{table: frame_of(table, rows, f"PR{number}") for table, rows in frames.items()}, **more
    )


def frame_of(table: str, rows: Iterable[Row], property_id: str) -> pd.DataFrame:
    """A frame with the columns that its table must have, also without rows."""
    rows = [{"property_id": property_id, **row} for row in rows]
    required = list(REQUIRED[table])
    others = [name for row in rows for name in row if name not in required]
    return pd.DataFrame(rows, columns=list(dict.fromkeys([*required, *others])))


def _row(name: str, delegate: str, settings: Any, columns: Mapping[str, Any]) -> Row:
    if settings is not None and not isinstance(settings, str):
        settings = json.dumps(settings)
    return {"name": name, "delegate_descriptor_id": delegate, "settings": settings, **columns}


def _with_ids(prefix: str, number: str, rows: Iterable[Row]) -> list[Row]:
    return [{"id": f"{prefix}{number}{at:03d}", **row} for at, row in enumerate(rows)]
