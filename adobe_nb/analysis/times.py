"""Times as users and frames write them."""

from typing import Any

import pandas as pd


def to_utc(value: Any) -> pd.Timestamp | None:
    """Return a date or time in UTC, which it is in without a zone; None if it is not readable."""
    try:
        time = pd.Timestamp(value)
    except (ValueError, TypeError, OverflowError):
        return None
    # A missing time has a type of its own.
    if not isinstance(time, pd.Timestamp):
        return None
    return time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
