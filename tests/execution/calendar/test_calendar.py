"""The calendar: days of the bank, hours of the customer, and the slow, obvious answer beside the fast one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.execution.calendar import obvious
from tests.execution.calendar.obvious import utc

import cultiva
from cultiva.definitions.calendar import BankCalendar, CalendarYear
from cultiva.definitions.policy import QuietHours
from cultiva.execution.calendar.days import Days
from cultiva.execution.calendar.service import NEVER_QUIET, Calendar
from cultiva.kit.errors import CultivaError

PACK = Path(cultiva.__file__).parent / "packs" / "retail_bank" / "calendar.yaml"
CALENDAR = Calendar(BankCalendar.model_validate(yaml.safe_load(PACK.read_text(encoding="utf-8"))), zone="UTC")
NIGHT = QuietHours(start=time(21), end=time(8, 30))
SHANGHAI, NEW_YORK, HAVANA, LORD_HOWE = "Asia/Shanghai", "America/New_York", "America/Havana", "Australia/Lord_Howe"
PLACES = st.sampled_from([SHANGHAI, NEW_YORK, HAVANA, LORD_HOWE, "Africa/Cairo", "Asia/Kathmandu"])
TURNS = (
    utc(2024, 2, 28, 20),  # 29 February
    utc(2026, 3, 8, 0),  # New York puts its clocks forward at 2, Havana at midnight
    utc(2026, 11, 1, 0),  # and back
    utc(2026, 4, 4, 0), utc(2026, 10, 3, 0),  # Lord Howe, by half an hour
    utc(2026, 4, 23, 12), utc(2026, 10, 29, 12),  # Cairo, at midnight
    utc(2026, 2, 13, 0), utc(2025, 9, 30, 0), utc(2026, 12, 31, 0),  # holiday weeks, the end of what is announced
)  # fmt: skip
INSTANTS = st.builds(
    lambda turn, minutes: turn + timedelta(minutes=minutes), st.sampled_from(TURNS), st.integers(-1440, 2880)
)
WALLS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 29, 30, 59]))
TESTS = {
    "any": lambda day: True,
    "business": CALENDAR.is_business_day,
    "trading": CALENDAR.is_trading_day,
}


@given(INSTANTS, PLACES, WALLS, WALLS, st.sampled_from(["any", "business", "trading"]))
@example(utc(2024, 2, 28, 14), SHANGHAI, time(21), time(8), "any")
@example(utc(2026, 3, 8, 4), NEW_YORK, time(1), time(2, 30), "any")
@example(utc(2026, 11, 1, 5, 45), NEW_YORK, time(1, 30), time(5), "any")
@example(utc(2026, 3, 8, 4, 59), HAVANA, time(22), time(0, 30), "any")
@settings(max_examples=150, deadline=None)
def test_the_next_open_moment_is_the_one_found_minute_by_minute(
    at: datetime, zone: str, start: time, end: time, days: Days
) -> None:
    fast = CALENDAR.next_open(at, zone, QuietHours(start=start, end=end), days=days)
    assert fast == obvious.next_open(at, zone, obvious.quiet_minutes(start, end), TESTS[days])


@given(INSTANTS, PLACES, st.integers(0, 6), WALLS)
@example(utc(2026, 3, 8, 0), NEW_YORK, 6, time(2, 30))
@example(utc(2026, 11, 1, 5, 45), NEW_YORK, 6, time(1, 30))
@example(utc(2026, 3, 8, 4), HAVANA, 6, time(0, 0))
@settings(max_examples=100, deadline=None)
def test_the_next_weekday_and_time_is_the_one_found_minute_by_minute(
    at: datetime, zone: str, weekday: int, wall: time
) -> None:
    fast = CALENDAR.next_weekday_time(at, zone, weekday, wall)
    assert fast == obvious.next_weekday_time(at, zone, weekday, wall)


@given(st.dates(date(2024, 1, 1), date(2026, 12, 31)), st.integers(-25, 25))
def test_adding_business_days_counts_them_one_by_one(day: date, n: int) -> None:
    found = CALENDAR.add_business_days(day, n)
    low, high = sorted((day, found))
    between = [low + timedelta(days=index) for index in range((high - low).days + 1)]
    counted = [one for one in between if CALENDAR.is_business_day(one) and (one != day or n == 0)]
    assert CALENDAR.is_business_day(found) and len(counted) == max(abs(n), 1)


def test_a_holiday_week_has_make_up_days_on_which_markets_are_shut() -> None:
    worked = [date(2026, 2, 14), date(2026, 2, 28)]
    assert all(CALENDAR.is_business_day(day) and not CALENDAR.is_trading_day(day) for day in worked)
    free = [date(2026, 2, 15) + timedelta(days=index) for index in range(9)]
    assert not any(CALENDAR.is_business_day(day) or CALENDAR.is_trading_day(day) for day in free)
    assert CALENDAR.add_business_days(date(2026, 2, 13), 1) == date(2026, 2, 14)
    assert CALENDAR.add_business_days(date(2026, 2, 13), 2) == date(2026, 2, 24)
    assert CALENDAR.add_business_days(date(2026, 2, 18), 0) == date(2026, 2, 24)
    eve = date(2024, 2, 9)
    assert CALENDAR.is_business_day(eve) and not CALENDAR.is_trading_day(eve)


def test_the_29th_of_february_is_a_day_like_any_other() -> None:
    assert CALENDAR.is_business_day(date(2024, 2, 29))
    assert CALENDAR.add_business_days(date(2024, 2, 28), 1) == date(2024, 2, 29)
    late = datetime(2024, 2, 28, 23, tzinfo=ZoneInfo(SHANGHAI))
    opening = datetime(2024, 2, 29, 8, 30, tzinfo=ZoneInfo(SHANGHAI))
    assert CALENDAR.next_open(late, SHANGHAI, NIGHT) == opening
    assert CALENDAR.local_day(opening, SHANGHAI) == date(2024, 2, 29)


def test_an_open_moment_is_kept_to_the_microsecond_and_comes_back_in_utc() -> None:
    at = datetime(2026, 6, 1, 9, 30, 12, 345678, tzinfo=ZoneInfo(SHANGHAI))
    found = CALENDAR.next_open(at, SHANGHAI, NIGHT)
    assert found == at and found.tzinfo is UTC


def test_it_is_another_day_elsewhere() -> None:
    at = utc(2026, 6, 1, 23)
    assert [CALENDAR.local_day(at, zone) for zone in (SHANGHAI, NEW_YORK)] == [date(2026, 6, 2), date(2026, 6, 1)]


def test_hours_that_are_never_quiet_wait_for_nothing_but_the_day() -> None:
    saturday = datetime(2026, 6, 6, 3, tzinfo=ZoneInfo(SHANGHAI))
    assert CALENDAR.next_open(saturday, SHANGHAI, NEVER_QUIET) == saturday
    monday = datetime(2026, 6, 8, tzinfo=ZoneInfo(SHANGHAI))
    assert CALENDAR.next_open(saturday, SHANGHAI, NEVER_QUIET, days="business") == monday


def test_a_year_that_is_not_announced_has_weekends_only() -> None:
    assert CALENDAR.is_announced(date(2026, 10, 1)) and not CALENDAR.is_announced(date(2027, 10, 1))
    assert CALENDAR.is_business_day(date(2027, 10, 1))


def test_a_calendar_in_which_the_day_never_comes_is_an_error() -> None:
    days = [date(2026, 1, 1) + timedelta(days=index) for index in range(730)]
    closed = {year: tuple(day for day in days if day.year == year) for year in (2026, 2027)}
    years = tuple(CalendarYear(year=year, markets_closed=shut) for year, shut in closed.items())
    calendar = Calendar(BankCalendar(years=years[:1]), zone=SHANGHAI)
    assert calendar.next_open(utc(2026, 1, 1), SHANGHAI, NIGHT, days="trading") == utc(2027, 1, 1, 0, 30)
    calendar = Calendar(BankCalendar(years=years), zone=SHANGHAI)
    with pytest.raises(CultivaError, match="no trading day") as raised:
        calendar.next_open(utc(2026, 1, 1), SHANGHAI, NIGHT, days="trading")
    assert raised.value.code == "calendar.no_day"


def test_a_zone_that_does_not_exist_is_an_error_with_its_name() -> None:
    with pytest.raises(CultivaError, match="not a time zone") as raised:
        CALENDAR.next_open(utc(2026, 1, 1), "Asia/Peking", NIGHT)
    assert raised.value.seen == "Asia/Peking"
