"""Free days: when the simulated bank and its customers' employers do not work, and what that moves.

Public holidays are those of the mainland of China in the year in question, make-up days included, from the library
`holidays`. Whoever is due an income on a free day has it on the last working day before, as banks pay salaries and
pensions out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np

from cultiva.simbank.arrays import Flags, Ints

DAYS_PER_WEEK = 7
SATURDAY = 5
LONGEST_BREAK = 12
"""Days; no run of free days is longer."""


def is_holiday(day: date) -> bool:
    """Whether a day is a public holiday.

    Examples:
        >>> is_holiday(date(2026, 2, 17)), is_holiday(date(2026, 3, 1))
        (True, False)
    """
    return day in _year(day.year)


def is_working(day: date) -> bool:
    """Whether banks and employers work on a day.

    Examples:
        >>> is_working(date(2026, 2, 17)), is_working(date(2026, 3, 2)), is_working(date(2026, 3, 1))
        (False, True, False)
    """
    known = _year(day.year)
    return bool(known.is_working_day(day))


def holiday_share(first: date) -> float:
    """Share of the seven days from a first one that are public holidays.

    Examples:
        >>> holiday_share(date(1994, 2, 7))
        0.42857142857142855
    """
    return sum(is_holiday(first + timedelta(days=step)) for step in range(DAYS_PER_WEEK)) / DAYS_PER_WEEK


@cache
def paid_on(due: date) -> date:
    """The day on which an income due on a day comes: that day, or the last working day before.

    Examples:
        >>> paid_on(date(1994, 5, 1)), paid_on(date(1994, 5, 10))
        (datetime.date(1994, 4, 29), datetime.date(1994, 5, 10))
    """
    days = (due - timedelta(days=back) for back in range(LONGEST_BREAK + 1))
    return next((day for day in days if is_working(day)), due)


def paydays(first: date) -> Iterator[tuple[int, int]]:
    """(day of the month on which an income is due, day of the week 0 to 6 on which it comes) of seven days."""
    for ahead in range(DAYS_PER_WEEK + LONGEST_BREAK):
        due = first + timedelta(days=ahead)
        comes = (paid_on(due) - first).days
        if 0 <= comes < DAYS_PER_WEEK:
            yield due.day, comes


def paid_within(pay_day: Ints, first: date) -> Flags:
    """Whose income comes in the seven days from a first one.

    Args:
        pay_day: Day of the month on which it is due, shape (n,).
        first: The first of the days.
    """
    due: Flags = np.isin(pay_day, [day for day, _ in paydays(first)])
    return due


def paid_instead(first: date, days: Ints) -> Ints:
    """Days on which incomes come that are due on days, both counted from a first one; of any shape."""
    known, place = np.unique(days, return_inverse=True)
    moved = np.array([(paid_on(first + timedelta(days=int(day))) - first).days for day in known], dtype=np.int64)
    return moved[place].reshape(days.shape)


@cache
def _year(year: int) -> Any:
    """The holidays of a year, as the library has them."""
    from holidays.countries.china import China

    made: Any = China
    return made(years=year)
