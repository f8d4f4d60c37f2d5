"""What a delegate descriptor says: extension, kind and name, in columns of their own."""

import re

import pandas as pd

COLUMN = "delegate_descriptor_id"
_PARTS = "^(?P<extension_name>.+?)::(?P<delegate_kind>.+?)::(?P<delegate_name>.+)$"
_KINDS = {
    "events": "event",
    "conditions": "condition",
    "actions": "action",
    "dataElements": "data_element",
    "extensionConfiguration": "configuration",
}


def with_parts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the parts of its delegate descriptors beside them.

    The extension is left out where its id says it too. Columns that exist already stay.
    """
    # A name may have line ends.
    parts = frame[COLUMN].astype("string").str.extract(_PARTS, flags=re.DOTALL)
    parts["delegate_kind"] = parts["delegate_kind"].map(lambda kind: _KINDS.get(kind, kind))
    if "extension_id" in frame.columns:
        parts = parts.drop(columns="extension_name")
    position = list(frame.columns).index(COLUMN)
    for name in parts.columns.difference(frame.columns, sort=False):
        position += 1
        frame.insert(position, name, parts[name].astype("string"))
    return frame
