"""Parse single dates. Columns of dates become timestamps in ``frames``."""

from datetime import UTC, datetime, timedelta


def parse(text: str) -> datetime:
    """Return the timestamp in UTC. Without a zone it is UTC already. Raises ValueError."""
    return in_utc(datetime.fromisoformat(text))


def parse_zoned(text: str) -> datetime:
    """Return a timezone-aware timestamp. Raises ValueError, also for a text without a zone."""
    timestamp = datetime.fromisoformat(text)
    if timestamp.tzinfo is None:
        raise ValueError(text)
    return timestamp


def moment_of(value: object) -> datetime | None:
    """Return the timestamp in UTC, or None for a value that is not one."""
    if not isinstance(value, str):
        return None
    try:
        return parse(value)
    except ValueError:
        return None


def in_utc(timestamp: datetime) -> datetime:
    """Return the timestamp in UTC. Raises ValueError where that is outside the years 1 to 9999."""
    if timestamp.tzinfo is None:
        return timestamp.replace(tzinfo=UTC)
    try:
        return timestamp.astimezone(UTC)
    except OverflowError:
        raise ValueError(timestamp) from None


def api_text(timestamp: datetime) -> str:
    """Return a timestamp in UTC as the API writes it."""
    return f"{timestamp.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def shifted(timestamp: datetime, by: timedelta) -> datetime:
    """Return the timestamp shifted by that time, but not beyond the years 1 to 9999."""
    try:
        return timestamp + by
    except OverflowError:
        if by > timedelta(0):
            return datetime.max.replace(tzinfo=UTC)
        return datetime.min.replace(tzinfo=UTC)
