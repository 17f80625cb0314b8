"""Deadlines and cut-offs against a slow, obvious count of hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.execution.tasks.bench import BENCH, MONDAY

from cultiva.definitions.base import Label
from cultiva.definitions.calendar import BankCalendar, CalendarYear, Holiday
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.tasks.timing import WorkingTime

HOLIDAY = Holiday(label=Label(zh="假", en="holiday"), first=date(2026, 11, 26), last=date(2026, 11, 30))
YEAR = CalendarYear(year=2026, holidays=(HOLIDAY,), workdays=(date(2026, 12, 5),))
MOMENTS = st.datetimes(datetime(2026, 11, 18), datetime(2026, 12, 12)).map(lambda at: at.replace(tzinfo=UTC))


def _working(zone: str) -> tuple[Calendar, WorkingTime]:
    calendar = Calendar(BankCalendar(years=(YEAR,)), zone=zone)
    return calendar, WorkingTime(calendar)


def _business_hours(calendar: Calendar, since: datetime, until: datetime) -> int:
    """Quarters of hours of business days between two moments, counted one by one."""
    count, at = 0, since
    while at < until:
        count += calendar.is_business_day(calendar.local_day(at, calendar.zone))
        at += timedelta(minutes=15)
    return count


@given(
    since=MOMENTS.map(lambda at: at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)),
    at=MOMENTS.map(lambda at: at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)),
    days=st.integers(1, 3),
)
def test_what_was_due_at_work_is_late_when_so_many_business_days_have_passed(
    since: datetime, at: datetime, days: int
) -> None:
    calendar, working = _working("Asia/Shanghai")
    if not calendar.is_business_day(calendar.local_day(since, calendar.zone)):
        return
    passed = _business_hours(calendar, since, at) >= days * 24 * 4
    assert (since <= working.ago(at, days=days)) == passed


@given(at=MOMENTS, days=st.integers(0, 4), clock=st.sampled_from([time(9), time(18), time(23, 30)]))
def test_a_deadline_is_ahead_on_a_business_day_at_its_time(at: datetime, days: int, clock: time) -> None:
    calendar, working = _working("America/New_York")
    due = working.due(at, days, clock)
    local = due.astimezone(datetime.fromisoformat("2026-11-01T00:00:00-05:00").tzinfo)  # New York's winter time
    assert due > at and local.time() == clock
    assert calendar.is_business_day(local.date())
    between = sum(
        calendar.is_business_day(working.day(at) + timedelta(days=one))
        for one in range(1, (local.date() - working.day(at)).days + 1)
    )
    assert between == days or (days == 0 and between == 1)


def test_the_best_hours_that_are_over_come_again_on_the_next_business_day() -> None:
    _, working = _working("Asia/Shanghai")
    hours = BENCH.best_hours
    first, last = working.best(hours, MONDAY)
    assert (first, last) == (MONDAY, MONDAY + timedelta(hours=7))
    friday_evening = datetime(2026, 12, 4, 10, 0, tzinfo=UTC)
    assert working.best(hours, friday_evening)[0] == datetime(
        2026, 12, 5, 2, 0, tzinfo=UTC
    )  # a Saturday that is worked
    wednesday = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
    assert working.best(hours, wednesday)[0] == datetime(2026, 12, 1, 2, 0, tzinfo=UTC)  # after the holiday


def test_a_week_begins_on_monday_at_home() -> None:
    _, working = _working("Asia/Shanghai")
    sunday_evening_there = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)  # Monday 1:00 in Shanghai
    assert working.week_start(sunday_evening_there) == datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
