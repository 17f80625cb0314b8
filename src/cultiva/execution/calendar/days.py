"""Business days and trading days of a bank."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cached_property
from typing import Literal

from cultiva.definitions.calendar import WEEKDAYS, BankCalendar
from cultiva.kit.errors import CultivaError

Days = Literal["any", "business", "trading"]
"""Which days count: all of them, those on which the bank works, those on which markets trade."""
SEARCH_DAYS = 400
"""A calendar without one fitting day in so many is wrong."""
_DAY = timedelta(days=1)


class BankDays:
    """Which days count, by the bank's calendar. Days of a year that is not listed are free on weekends only.

    Args:
        calendar: The bank's `calendar.yaml`.
    """

    def __init__(self, calendar: BankCalendar) -> None:
        self._calendar = calendar

    def is_business_day(self, day: date) -> bool:
        """Whether the bank works: no holiday, and no weekend unless it is worked to make up for a holiday."""
        return day in self._worked or not (self._is_weekend(day) or day in self._holidays)

    def is_trading_day(self, day: date) -> bool:
        """Whether markets trade: a day of the week that is no holiday; they do not make up for holidays."""
        return not (self._is_weekend(day) or day in self._holidays or day in self._closed)

    def counts(self, days: Days) -> Callable[[date], bool]:
        """The test for a kind of day."""
        return {"any": _always, "business": self.is_business_day, "trading": self.is_trading_day}[days]

    def is_announced(self, day: date) -> bool:
        """Whether the calendar lists the day's year, so that its holidays are known."""
        return any(year.year == day.year for year in self._calendar.years)

    def add_business_days(self, day: date, n: int) -> date:
        """The n-th business day after a day, before it for a negative n.

        Args:
            day: Any day; it is not counted itself.
            n: How many; 0: the first business day on the day or after it.

        Raises:
            CultivaError: if the calendar has no business day for more than a year.
        """
        step = -_DAY if n < 0 else _DAY
        found = day - _DAY if n == 0 else day
        for _ in range(max(abs(n), 1)):
            found = self._next(found, step)
        return found

    def _next(self, day: date, step: timedelta) -> date:
        for index in range(1, SEARCH_DAYS + 1):
            if self.is_business_day(day + index * step):
                return day + index * step
        raise no_such_day(day, "business")

    def _is_weekend(self, day: date) -> bool:
        return WEEKDAYS[day.weekday()] in self._calendar.weekend

    @cached_property
    def _holidays(self) -> frozenset[date]:
        return frozenset(day for year in self._calendar.years for holiday in year.holidays for day in holiday.days)

    @cached_property
    def _worked(self) -> frozenset[date]:
        return frozenset(day for year in self._calendar.years for day in year.workdays)

    @cached_property
    def _closed(self) -> frozenset[date]:
        return frozenset(day for year in self._calendar.years for day in year.markets_closed)


def no_such_day(day: date, days: Days) -> CultivaError:
    """The error of a calendar in which a kind of day does not come."""
    return CultivaError(
        f"the calendar has no {days} day",
        code="calendar.no_day",
        seen=f"{SEARCH_DAYS} days from {day} on",
        allowed="at least one in a year",
        hint="mend the holidays in calendar.yaml, or the quiet hours in contact_policy.yaml",
    )


def _always(day: date) -> bool:
    return True
