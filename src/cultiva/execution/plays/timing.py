"""When somebody who comes to a step is due: per time zone, never per person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from cultiva.execution.calendar.moments import first_at

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""Names by number; 0 is Monday."""


class Days(Protocol):
    """What plays need of the calendar; `execution.calendar.service.Calendar` is one."""

    def add_business_days(self, day: date, n: int) -> date:
        """The n-th business day after a day."""

    def next_weekday_time(self, at: datetime, zone: str, weekday: int, wall: time) -> datetime:
        """The first instant at or after another at which it is a day of the week and a time on the local clock."""

    def local_day(self, at: datetime, zone: str) -> date:
        """The day that it is in a zone at an instant."""


@dataclass(frozen=True)
class Delay:
    """How long: seconds, business days, or until a weekday and time; exactly one of them."""

    seconds: int = 0
    """As they pass."""
    business_days: int = 0
    """Days of the bank's calendar."""
    weekday: int = -1
    """0 is Monday; -1: none."""
    wall: str = "09:00"
    """Time of day for a weekday."""

    @property
    def is_local(self) -> bool:
        """Whether it depends on the customer's zone."""
        return self.seconds == 0

    def end(self, days: Days, zone: str, at: datetime) -> datetime:
        """The instant at which it is over."""
        if self.weekday >= 0:
            return days.next_weekday_time(at, zone, self.weekday, time.fromisoformat(self.wall))
        if self.business_days:
            local = at.astimezone(ZoneInfo(zone))
            day = days.add_business_days(local.date(), self.business_days)
            return first_at(day, local.time(), ZoneInfo(zone))
        return at + timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Moment:
    """An instant for everybody, or one per time zone."""

    everywhere: datetime
    """For zones that are not listed."""
    by_zone: tuple[tuple[str, datetime], ...] = ()
    """Zone -> instant, where they differ."""

    def of(self, zone: str) -> datetime:
        """The instant for somebody in a zone."""
        return dict(self.by_zone).get(zone, self.everywhere)


def moment_of(delay: Delay, days: Days, zones: Iterable[str], at: datetime) -> Moment:
    """When a delay that begins now is over."""
    if not delay.is_local:
        return Moment(delay.end(days, "UTC", at))
    return gathered([(zone, delay.end(days, zone, at)) for zone in zones], at)


def gathered(pairs: Iterable[tuple[str, datetime]], otherwise: datetime) -> Moment:
    """Instants by zone as a moment; where all are the same it is one for everybody."""
    listed = tuple(sorted(pairs))
    if len({at for _, at in listed}) == 1:
        return Moment(listed[0][1])
    return Moment(otherwise, listed)


def date_moment(day: date, days_before: int, wall: str, zone: str) -> datetime:
    """The instant of a date of the customer's, some days before it, at a time on the local clock, in UTC."""
    return first_at(day - timedelta(days=days_before), time.fromisoformat(wall), ZoneInfo(zone)).astimezone(UTC)
