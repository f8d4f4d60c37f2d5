"""Dates as text: the one place where they are parsed."""

from datetime import UTC, datetime, timedelta


def parse(text: str) -> datetime:
    """A date and time in UTC; without a zone it is UTC already. Raises ValueError for other texts.
    """
    return in_utc(datetime.fromisoformat(text))


def parse_zoned(text: str) -> datetime:
    """A date and time that names its zone. Raises ValueError for other texts."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def moment_of(text: str | None) -> datetime | None:
    """As ``parse``; None for a text that is not a date and time."""
    try:
        return parse(text or "")
    except ValueError:
        return None


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC. Raises ValueError where that leaves the calendar, which ends with the
    year 9999.
    """
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        pass
    raise ValueError(moment)


def shifted(moment: datetime, by: timedelta) -> datetime:
    """The moment so much later or earlier, within the calendar."""
    try:
        return moment + by
    except OverflowError:
        limit = datetime.max if by > timedelta(0) else datetime.min
        return limit.replace(tzinfo=UTC)
