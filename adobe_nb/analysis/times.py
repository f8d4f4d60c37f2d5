"""Times as users and frames write them."""

from datetime import date, datetime
from typing import Any

import pandas as pd

from adobe_nb.errors import ArgumentError

Time = str | date | pd.Timestamp
"""A date or datetime, as text in ISO format; UTC without a time zone."""


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


def time_from_user(value: Time, parameter: str) -> pd.Timestamp:
    """Return a date or datetime that a user passed, in UTC. Raises ArgumentError."""
    try:
        if isinstance(value, str):
            # pandas would also read 1/6/2026, and take it for the sixth of January.
            value = datetime.fromisoformat(value.strip())
        # A number would be nanoseconds since 1970.
        if isinstance(value, date) and not pd.isna(value):
            return utc_time(value)
    except (ValueError, OverflowError):
        pass
    raise ArgumentError(
        f'{parameter} must be a date such as "2026-06-01", or a datetime, not {value!r}.'
    )
