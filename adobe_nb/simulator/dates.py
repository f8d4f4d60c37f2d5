"""Timestamps as the service writes them."""

from datetime import UTC, datetime, timedelta

from adobe_nb.simulator.store import stamp


def later(timestamp: str, **offset: float) -> str:
    """Return a timestamp plus an offset, given by the arguments of ``timedelta``."""
    return stamp(datetime.fromisoformat(timestamp).astimezone(UTC) + timedelta(**offset))
