"""When tasks are due, when customers are best reached, and since when something counts as left lying."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from cultiva.definitions.workbench import Hours, TaskKind

DAY = timedelta(days=1)


class BusinessDays(Protocol):
    """What is asked of the bank's calendar; `execution.calendar.service.Calendar` answers it."""

    zone: str
    """IANA name of the bank's time zone."""

    def is_business_day(self, day: date) -> bool:
        """Whether the bank works on a day."""

    def add_business_days(self, day: date, n: int) -> date:
        """The n-th business day after a day; 0: the first on it or after it; negative: before it."""


class WorkingTime:
    """The bank's working days in its own time zone.

    Args:
        days: The bank's calendar.
    """

    def __init__(self, days: BusinessDays) -> None:
        self._days = days
        self._zone = ZoneInfo(days.zone)

    def day(self, at: datetime) -> date:
        """The bank's day at a moment."""
        return at.astimezone(self._zone).date()

    def moment(self, day: date, clock: time) -> datetime:
        """A local time of a day, in UTC."""
        return datetime.combine(day, clock, tzinfo=self._zone).astimezone(UTC)

    def week_start(self, at: datetime) -> datetime:
        """Monday, 0:00 local, of the week of a moment."""
        today = self.day(at)
        return self.moment(today - today.weekday() * DAY, time(0))

    def due(self, at: datetime, days: int, clock: time) -> datetime:
        """The local time of the day that lies so many business days ahead; later than `at` in any case."""
        day = self._days.add_business_days(self.day(at), days)
        found = self.moment(day, clock)
        return found if found > at else self.moment(self._days.add_business_days(day, 1), clock)

    def due_of(self, kind: TaskKind, at: datetime) -> datetime:
        """When a task of a kind that begins at a moment is due."""
        return self.due(at, kind.due_days, kind.due_time)

    def best(self, hours: Hours, at: datetime, *, days: int = 0) -> tuple[datetime, datetime]:
        """The first of the good hours that are not over, on a business day.

        Args:
            hours: Good hours, local.
            at: From when on.
            days: Business days to let pass first.
        """
        day = self._days.add_business_days(self.day(at), days)
        if self.moment(day, hours.end) <= at:
            day = self._days.add_business_days(day, 1)
        return self.moment(day, hours.start), self.moment(day, hours.end)

    def ago(self, at: datetime, *, days: int, hours: float = 0.0) -> datetime:
        """The latest moment from which so many business days and hours have passed by `at`.

        A free day counts as the end of the business day before it: what was due on a Friday evening is no business day
        late on Sunday.
        """
        if days:
            local = at.astimezone(self._zone)
            day, clock = local.date(), local.time()
            if self._days.is_business_day(day):
                at = self.moment(self._days.add_business_days(day, -days), clock)
            else:
                at = self.moment(self._days.add_business_days(day, -1 - days) + DAY, time(0))
        return at - timedelta(hours=hours)
