"""The bank's calendar: weekends, public holidays, days that are worked instead, and when markets are shut.

Public holidays are not computed: governments announce them year by year, so each year is a list with its source.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from cultiva.definitions.base import Label, Model

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
"""A day of the week."""
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""In the order of `date.weekday()`."""
LONGEST_HOLIDAY = 31
"""Days; a longer one is a typing error."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("a time zone has an IANA name, e.g. Asia/Shanghai") from error
    return name


Zone = Annotated[str, AfterValidator(_zone)]
"""IANA name of a time zone."""


class Holiday(Model):
    """Days in a row on which the bank is shut."""

    label: Label
    """What people read."""
    first: date
    """First day."""
    last: date | None = None
    """Last day; None: one day only."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        length = ((self.last or self.first) - self.first).days + 1
        if not 1 <= length <= LONGEST_HOLIDAY:
            raise ValueError(f"a holiday has 1 to {LONGEST_HOLIDAY} days, the last one not before the first")
        return self

    @property
    def days(self) -> tuple[date, ...]:
        """All its days."""
        length = ((self.last or self.first) - self.first).days + 1
        return tuple(self.first + timedelta(days=index) for index in range(length))


class CalendarYear(Model):
    """What was announced for one year."""

    year: int = Field(ge=1900, le=2200)
    """The year."""
    source: str = ""
    """Who announced it, and where."""
    holidays: tuple[Holiday, ...] = ()
    """Public holidays, days of the weekend among them included."""
    workdays: tuple[date, ...] = ()
    """Days of the weekend that are worked to make up for a holiday."""
    markets_closed: tuple[date, ...] = ()
    """Days without trading beyond weekends and public holidays."""

    @model_validator(mode="after")
    def _of_this_year(self) -> Self:
        for day in (*(holiday.first for holiday in self.holidays), *self.workdays, *self.markets_closed):
            if day.year != self.year:
                raise ValueError(f"{day} is not a day of {self.year}")
        return self


class BankCalendar(Model):
    """`calendar.yaml`; a bank may begin without the file: then only weekends are free."""

    zone: Zone | None = None
    """Where the bank is; None: `timezone` of cultiva.toml."""
    weekend: tuple[Weekday, ...] = Field(default=("saturday", "sunday"), max_length=6)
    """Free days of every week."""
    years: tuple[CalendarYear, ...] = ()
    """Announced years; in any other year only weekends are free."""

    @model_validator(mode="after")
    def _without_contradiction(self) -> Self:
        years = [one.year for one in self.years]
        if len(set(years)) < len(years):
            raise ValueError(f"a year is listed twice: {max(years, key=years.count)}")
        holidays = {day for year in self.years for holiday in year.holidays for day in holiday.days}
        for day in (day for year in self.years for day in year.workdays):
            if day in holidays:
                raise ValueError(f"{day} is a holiday and a day that is worked")
            if WEEKDAYS[day.weekday()] not in self.weekend:
                raise ValueError(f"{day} is listed as worked instead of a weekend, but is no day of the weekend")
        return self
