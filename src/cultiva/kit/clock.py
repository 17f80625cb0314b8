"""The only place where a clock is read; everywhere else time is an argument."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from cultiva.kit.errors import CultivaError

Clock = Callable[[], datetime]
"""Gives the present instant with its zone."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def utc_now() -> datetime:
    """The present instant in UTC."""
    return datetime.now(UTC)


def running_from(instant: datetime) -> Clock:
    """A clock that shows an instant now and goes on from there, for banks whose newest day is not today.

    Args:
        instant: With its zone.
    """
    return shifted(instant - utc_now())


def shifted(ahead: timedelta) -> Clock:
    """A clock that is ahead of the real one, or behind it."""
    return lambda: utc_now() + ahead


def seconds() -> float:
    """A monotonic count of seconds, for measuring how long something took."""
    return time.perf_counter()


def born_by(on: date, years: int) -> date:
    """The latest birth date of someone who has reached an age by a day.

    Examples:
        >>> born_by(date(1994, 3, 30), 66)
        datetime.date(1928, 3, 30)
        >>> born_by(date(2024, 2, 29), 65)
        datetime.date(1959, 2, 28)
    """
    try:
        return on.replace(year=on.year - years)
    except ValueError:
        return on.replace(year=on.year - years, day=28)


def parse_business_date(text: str) -> date:
    """Reads a business date written as YYYY-MM-DD.

    Raises:
        CultivaError: if the text is not such a date.

    Examples:
        >>> parse_business_date("1994-03-30")
        datetime.date(1994, 3, 30)
    """
    try:
        if not _DAY.fullmatch(text):  # the standard library takes 19940330 and week dates too
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as error:
        raise CultivaError(
            "not a business date",
            code="clock.bad_date",
            seen=text or "no text",
            allowed="YYYY-MM-DD, a day of the calendar",
            hint="write it like 1994-03-30",
        ) from error


def parse_instant(text: str) -> datetime:
    """Reads an instant written in ISO 8601 with its zone.

    Raises:
        CultivaError: if the text is not one, or has no zone.

    Examples:
        >>> parse_instant("1994-03-31T09:00:00+08:00").isoformat()
        '1994-03-31T01:00:00+00:00'
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise CultivaError(
            "not an instant",
            code="clock.bad_instant",
            seen=text or "no text",
            allowed="date, time and zone in ISO 8601",
            hint="write it like 2026-03-30T09:00:00+08:00",
        )
    return found.astimezone(UTC)
