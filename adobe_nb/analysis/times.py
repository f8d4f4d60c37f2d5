"""Times as users and frames write them."""

from typing import Any

import pandas as pd


def utc_time(value: Any) -> pd.Timestamp:
    """Return a time in UTC, which is also the time zone of one that names none.

    Raises ValueError, TypeError or OverflowError for a value that is not a time.
    """
    time = pd.Timestamp(value)
    if time.tzinfo is None:
        return time.tz_localize("UTC")
    return time.tz_convert("UTC")


def readable_time(value: Any) -> pd.Timestamp | None:
    """Return a time in UTC; None for a missing or unreadable one."""
    try:
        time = utc_time(value)
    except (ValueError, TypeError, OverflowError):
        return None
    # A missing time is a value of another type.
    return time if isinstance(time, pd.Timestamp) else None
