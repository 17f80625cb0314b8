"""The door of the calendar: when something may go out, in the bank's days and the customer's hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cultiva.definitions.calendar import BankCalendar
from cultiva.definitions.policy import QuietHours
from cultiva.definitions.workspace import Workspace
from cultiva.execution.calendar.days import SEARCH_DAYS, BankDays, Days, no_such_day
from cultiva.execution.calendar.moments import first_at, first_open, local
from cultiva.kit.errors import CultivaError

NEVER_QUIET = QuietHours(start=time(0), end=time(0))
"""For what is no touch, e.g. a task's deadline."""
_WEEK = 7


class Calendar:
    """When the bank works, markets trade, and a customer may be disturbed.

    Args:
        calendar: The bank's `calendar.yaml`.
        zone: The bank's time zone where the calendar names none; `timezone` of cultiva.toml.
    """

    def __init__(self, calendar: BankCalendar, *, zone: str) -> None:
        self.zone = calendar.zone or zone
        """The bank's own time zone."""
        self._days = BankDays(calendar)

    @classmethod
    def of(cls, workspace: Workspace) -> Calendar:
        """The calendar of a workspace."""
        return cls(workspace.calendar, zone=workspace.settings.timezone)

    def is_business_day(self, day: date) -> bool:
        """Whether the bank works: no holiday, and no weekend unless it is worked to make up for a holiday."""
        return self._days.is_business_day(day)

    def is_trading_day(self, day: date) -> bool:
        """Whether markets trade: a day of the week that is no holiday."""
        return self._days.is_trading_day(day)

    def is_announced(self, day: date) -> bool:
        """Whether the day's year is listed; otherwise its holidays are not known and count as workdays."""
        return self._days.is_announced(day)

    def add_business_days(self, day: date, n: int) -> date:
        """The n-th business day after a day; 0: the first on it or after it; negative: before it."""
        return self._days.add_business_days(day, n)

    def local_day(self, at: datetime, zone: str) -> date:
        """The day that it is in a zone at an instant; by it touches count."""
        return local(at, _zone(zone)).date()

    def next_open(self, at: datetime, zone: str, quiet: QuietHours, *, days: Days = "any") -> datetime:
        """The first instant at or after another that is outside quiet hours, on a day that counts.

        Args:
            at: From here on; with its zone.
            zone: IANA name of the customer's time zone: hours and days are local.
            quiet: Quiet hours; they may go over midnight.
            days: Which local days count.

        Returns:
            In UTC.

        Raises:
            CultivaError: if the calendar has no such moment for more than a year, or the zone is none.
        """
        place = _zone(zone)
        window = (quiet.start, quiet.end)
        found = first_open(at, place, window, counts=self._days.counts(days), most_days=SEARCH_DAYS)
        if found is None:
            raise no_such_day(local(at, place).date(), days)
        return found

    def next_weekday_time(self, at: datetime, zone: str, weekday: int, wall: time) -> datetime:
        """The first instant at or after another at which it is a day of the week and a time on the local clock.

        Args:
            at: From here on; with its zone.
            zone: IANA name of the customer's time zone.
            weekday: 0 is Monday.
            wall: Time on the local clock. One that comes twice as clocks are put back counts the first time; one that
                is jumped over as they are put forward counts as the moment of the jump.

        Returns:
            In UTC.
        """
        place, start = _zone(zone), at.astimezone(UTC)
        today = local(start, place).date()
        day = today + timedelta(days=(weekday - today.weekday()) % _WEEK - _WEEK)
        while (found := first_at(day, wall, place)) < start:
            day += timedelta(days=_WEEK)
        return found


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise CultivaError(
            "not a time zone",
            code="calendar.bad_zone",
            seen=name,
            allowed="an IANA name, e.g. Asia/Shanghai",
            hint="mend `zone` in calendar.yaml, `timezone` in cultiva.toml, or the customer's zone",
        ) from error
