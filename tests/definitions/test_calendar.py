"""The calendar file: what the pack says about three years, and what is refused."""

from __future__ import annotations

from datetime import date

import pytest
from tests.definitions.conftest import Check

from cultiva.definitions.calendar import WEEKDAYS, BankCalendar
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.packs import init_workspace

YEAR = """\
years:
  - year: 2026
    holidays:
      - {{ label: {{ zh: 元旦, en: New Year }}, first: {first}, last: {last} }}
    workdays: [{worked}]
"""


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> BankCalendar:
    folder = tmp_path_factory.mktemp("packs") / "bank"
    init_workspace(folder)
    return load_workspace(folder).calendar


@pytest.mark.parametrize(("year", "free", "worked"), [(2024, 28, 8), (2025, 28, 5), (2026, 33, 6)])
def test_the_pack_has_the_days_that_the_state_council_announced(
    calendar: BankCalendar, year: int, free: int, worked: int
) -> None:
    found = next(one for one in calendar.years if one.year == year)
    days = [day for holiday in found.holidays for day in holiday.days]
    assert len(set(days)) == len(days) == free
    assert len(set(found.workdays)) == worked
    assert {WEEKDAYS[day.weekday()] for day in found.workdays} <= {"saturday", "sunday"}
    assert found.source and all(one.label.zh and one.label.en for one in found.holidays)


def test_a_workspace_without_the_file_has_weekends_only(check: Check) -> None:
    found = check()
    assert found.workspace is not None and found.workspace.calendar == BankCalendar()
    assert ("calendar", "calendar") not in found.workspace.hashes


def test_a_changed_calendar_is_a_changed_workspace(check: Check) -> None:
    one = check(files={"calendar.yaml": YEAR.format(first="2026-01-01", last="2026-01-02", worked="")})
    other = check(files={"calendar.yaml": YEAR.format(first="2026-01-01", last="2026-01-03", worked="")})
    assert one.workspace is not None and other.workspace is not None
    assert one.workspace.calendar.years[0].holidays[0].days == (date(2026, 1, 1), date(2026, 1, 2))
    assert one.workspace.version != other.workspace.version


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (YEAR.format(first="2026-01-03", last="2026-01-01", worked=""), ":4:9", "not before the first"),
        (YEAR.format(first="2025-12-31", last="2026-01-01", worked=""), ":2:5", "2025-12-31 is not a day of 2026"),
        (YEAR.format(first="2026-01-03", last="2026-01-04", worked="2026-01-04"), ":1:1", "a holiday and a day"),
        (YEAR.format(first="2026-01-01", last="2026-01-02", worked="2026-01-05"), ":1:1", "no day of the weekend"),
        ("zone: Asia/Peking\n", ":1:1", "IANA name"),
        ("weekend: [sunnday]\n", ":1:11", "sunday"),
    ],
)
def test_contradictions_are_faults_with_their_place(check: Check, text: str, place: str, words: str) -> None:
    fault = check(files={"calendar.yaml": text}).faults[0]
    assert fault.place().endswith(f"calendar.yaml{place}")
    assert words in f"{fault.message} {fault.allowed} {fault.hint}"
