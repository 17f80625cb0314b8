"""The calendar once more, slowly and obviously: walk minute by minute and look at the local clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


def is_quiet(wall: time, start: time, end: time) -> bool:
    """Whether a wall time is in [start, end) on a dial of 24 hours."""
    minute = wall.hour * 60 + wall.minute
    at, first, last = minute, start.hour * 60 + start.minute, end.hour * 60 + end.minute
    while first != last:
        if first == at:
            return True
        first = (first + 1) % (24 * 60)
    return False


def quiet_minutes(start: time, end: time) -> frozenset[time]:
    """All quiet minutes of the dial."""
    dial = [time(hour, minute) for hour in range(24) for minute in range(60)]
    return frozenset(wall for wall in dial if is_quiet(wall, start, end))


def next_open(at: datetime, zone: str, quiet: frozenset[time], counts: Callable[[date], bool]) -> datetime:
    """The first whole minute at or after `at` at which the local clock shows an open time of a day that counts."""
    place = ZoneInfo(zone)
    while True:
        shown = at.astimezone(place)
        if counts(shown.date()) and shown.time().replace(tzinfo=None) not in quiet:
            return at
        at += MINUTE


def next_weekday_time(at: datetime, zone: str, weekday: int, wall: time) -> datetime:
    """As the calendar's, from all minutes of the two weeks about `at`.

    Every day has one such moment: the first minute at which the clock shows its day and time or has passed them.
    """
    place, minute, seen = ZoneInfo(zone), at - timedelta(days=9), set[date]()
    before = minute.astimezone(place).replace(tzinfo=None)
    latest = before
    while True:
        shown = minute.astimezone(place).replace(tzinfo=None)
        for day in (before.date(), shown.date()):
            wanted = datetime.combine(day, wall)
            if day not in seen and latest < wanted <= shown:
                seen.add(day)
                if day.weekday() == weekday and minute >= at:
                    return minute
        before, latest = shown, max(latest, shown)
        minute += MINUTE


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An instant."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)
