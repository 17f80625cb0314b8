from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.simbank.free_days import holiday_share, is_working, paid_instead, paid_on, paid_within, paydays

DAYS = st.dates(date(1992, 1, 1), date(2026, 12, 20))


@settings(deadline=None)  # the library is loaded by the first draw
@given(DAYS)
def test_an_income_comes_on_the_last_working_day_up_to_the_day_it_is_due(due: date) -> None:
    day = paid_on(due)
    assert is_working(day)
    assert all(not is_working(day + timedelta(days=step)) for step in range(1, (due - day).days + 1))


@settings(deadline=None)
@given(DAYS, st.integers(1, 30))
def test_weeks_that_follow_each_other_pay_every_income_once(first: date, weeks: int) -> None:
    found = [
        first + timedelta(days=7 * week + step)
        for week in range(weeks)
        for day, step in paydays(first + timedelta(days=7 * week))
        if day == 15
    ]
    span = (first + timedelta(days=step) for step in range(-40, 7 * weeks + 40))
    due = [paid_on(day) for day in span if day.day == 15]
    assert found == [day for day in due if first <= day < first + timedelta(days=7 * weeks)]


def test_around_the_spring_festival_of_1994_incomes_come_earlier() -> None:
    first = date(1994, 2, 7)
    assert paid_within(np.array([5, 10, 15, 25]), first).tolist() == [False, True, False, False]
    assert dict(paydays(first))[10] == 2
    assert paid_instead(first, np.array([[3, 8], [-2, 18]])).tolist() == [[2, 8], [-3, 18]]
    assert holiday_share(first) == 3 / 7
    assert holiday_share(date(1994, 3, 7)) == 0
