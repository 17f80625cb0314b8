"""Instants on local clocks: quiet hours, the beginning of a day, clocks that are put forward and back.

An instant is UTC, a wall time is what a clock in the zone shows. A wall time may come twice (clocks put back) or never
(clocks put forward), and even a day may begin after midnight. So nothing is added to wall times: instants are found and
then looked at on the local clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

Window = tuple[time, time]
"""First moment of quiet and first moment after it, on the local clock; equal: never quiet."""
_DAY = timedelta(days=1)
_STRETCH = timedelta(hours=6)
_SECOND = timedelta(seconds=1)


def is_quiet(wall: time, quiet: Window) -> bool:
    """Whether a wall time lies in the quiet hours, which may go over midnight.

    Examples:
        >>> night = (time(21), time(8))
        >>> [is_quiet(time(hour), night) for hour in (20, 21, 0, 7, 8)]
        [False, True, True, True, False]
    """
    start, end = quiet
    if start <= end:
        return start <= wall < end
    return wall >= start or wall < end


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """What the local clock shows at an instant."""
    return at.astimezone(zone)


def first_open(
    at: datetime, zone: ZoneInfo, quiet: Window, *, counts: Callable[[date], bool], most_days: int
) -> datetime | None:
    """The first instant at or after another that is on a day that counts and not in quiet hours.

    Args:
        at: From here on.
        zone: Of the local clock.
        quiet: Quiet hours on it.
        counts: Which local days count.
        most_days: How many local days are looked at.

    Returns:
        In UTC; None: there is none.
    """
    start = at.astimezone(UTC)

    def fits(instant: datetime) -> bool:
        shown = local(instant, zone)
        return counts(shown.date()) and not is_quiet(shown.time(), quiet)

    if fits(start):
        return start
    first = local(start, zone).date()
    for day in (first + index * _DAY for index in range(most_days)):
        if not counts(day):
            continue
        found = [one for one in _turns(day, zone, quiet[1]) if one >= start and local(one, zone).date() == day]
        opening = next((one for one in sorted(found) if fits(one)), None)
        if opening is not None:
            return opening
    return None


def first_at(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The first instant at which the local clock shows a day and a time, or has jumped over them, in UTC."""
    wanted = datetime.combine(day, wall)
    early = wanted.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if local(early, zone).replace(tzinfo=None) == wanted:
        return early
    return next(one for one in _changes(early - _DAY, early + _DAY, zone) if _shows(one, zone) >= wanted)


def _shows(at: datetime, zone: ZoneInfo) -> datetime:
    return local(at, zone).replace(tzinfo=None)


def _turns(day: date, zone: ZoneInfo, end_of_quiet: time) -> Iterator[datetime]:
    """Instants at which a day can begin to be open: its beginning, the end of quiet, and changes of the clock."""
    for wall in (time(0), end_of_quiet):
        for fold in (0, 1):
            yield datetime.combine(day, wall, tzinfo=zone).replace(fold=fold).astimezone(UTC)
    yield from _changes_about(day, zone)


@lru_cache(maxsize=4096)
def _changes_about(day: date, zone: ZoneInfo) -> tuple[datetime, ...]:
    noon = datetime.combine(day, time(12), tzinfo=zone).astimezone(UTC)
    return tuple(_changes(noon - _DAY, noon + _DAY, zone))


def _changes(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Instants between two others at which the clock is put forward or back, to the second."""
    count = int((end - start) / _STRETCH)
    for before, after in pairwise(start + index * _STRETCH for index in range(count + 1)):
        if local(before, zone).utcoffset() != local(after, zone).utcoffset():
            yield _change(before, after, zone)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The change between two instants on its two sides, by halving."""
    old = local(before, zone).utcoffset()
    before, after = before.replace(microsecond=0), after.replace(microsecond=0)
    while after - before > _SECOND:
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if local(middle, zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
