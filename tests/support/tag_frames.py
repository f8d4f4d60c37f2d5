"""Small frames as a user could build them: only the columns that are required."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from adobe_nb.analysis import Tags

CODE_ACTION = "core::actions::custom-code"
CODE_ELEMENT = "core::dataElements::custom-code"


def settings_text(settings: Any) -> Any:
    if settings is None or isinstance(settings, str):
        return settings
    return json.dumps(settings)


def rules(*rows: tuple[str, str], **columns: Any) -> pd.DataFrame:
    """Rules from pairs of id and name, enabled unless said otherwise."""
    frame = pd.DataFrame(rows, columns=["id", "name"], dtype="string")
    return frame.assign(**{"enabled": _all_enabled(frame), **columns})


def components(*rows: tuple[str, str, str, Any], **columns: Any) -> pd.DataFrame:
    """Components from id, rule id, delegate and settings; the name is the id."""
    frame = _frame(rows, "rule_id")
    return frame.assign(**{"name": frame["id"], **columns})


def elements(*rows: tuple[str, str, str, Any], **columns: Any) -> pd.DataFrame:
    """Data elements from id, name, delegate and settings."""
    frame = _frame(rows, "name")
    return frame.assign(**{"enabled": _all_enabled(frame), **columns})


def extensions(*rows: tuple[str, str, str | None, Any], **columns: Any) -> pd.DataFrame:
    """Extensions from id, name, delegate and settings."""
    return _frame(rows, "name").assign(**columns)


def _frame(rows: Sequence[tuple[Any, ...]], second: str) -> pd.DataFrame:
    names = ["id", second, "delegate_descriptor_id", "settings"]
    records = [(*values, settings_text(settings)) for *values, settings in rows]
    return pd.DataFrame(records, columns=names, dtype="string")


def _all_enabled(frame: pd.DataFrame) -> "pd.Series[bool]":
    return pd.Series(True, index=frame.index, dtype="boolean")


def no_tags() -> Tags:
    """A property without any content."""
    return Tags(
        rules=rules(), rule_components=components(), data_elements=elements(),
        extensions=extensions(),
    )  # fmt: skip


def code_element(code: str, name: str = "Code") -> Tags:
    """Tags with one data element of custom code."""
    return Tags(data_elements=elements(("DE1", name, CODE_ELEMENT, {"source": code})))


def store(reactor: Any, name: str = "Web Store US") -> Tags:
    """A property of the demo company, with its libraries."""
    site = reactor.find("properties", name)
    tables = {}
    for table in ("rules", "rule_components", "data_elements", "extensions", "libraries"):
        tables[table] = getattr(reactor, table)(site)
    for table in ("rules", "data_elements", "extensions"):
        tables[f"library_{table}"] = getattr(reactor, table)(tables["libraries"])
    return Tags(**tables)


def assert_columns(
    answer: pd.DataFrame, columns: Sequence[str], dtypes: Mapping[str, str] | None = None
) -> None:
    """Assert the first columns of an answer, its index, and its attributes.

    With ``dtypes`` there are no more columns, and those that it does not name are text.
    """
    assert answer.columns.tolist()[: len(columns)] == list(columns)
    if dtypes is not None:
        expected = {column: dtypes.get(column, "string") for column in columns}
        assert answer.dtypes.astype(str).to_dict() == expected
    assert isinstance(answer.index, pd.RangeIndex)
    assert all(isinstance(limit, str) for limit in answer.attrs["limits"])
    assert "as_of" in answer.attrs


def dtypes(frame: pd.DataFrame) -> dict[Any, str]:
    return frame.dtypes.astype(str).to_dict()
