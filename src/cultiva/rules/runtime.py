"""What generated closures call: the meaning of single functions in plain Python. Arguments are never null here."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from cultiva.contracts.types import INTEGER_MAX
from cultiva.kit.errors import CultivaError

NUMBER_MAX = 1.7976931348623157e308
"""The largest finite double."""
WHOLE_FROM = 2.0**52
"""From here on a double has no fraction."""
SPACES = " \t\n\r\x0b\x0c"
"""What trim takes away."""
ASCII_LOWER, ASCII_UPPER = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DAYS_MAX, MONTHS_MAX = 4_000_000, 120_000
"""Beyond so many days or months every date leaves the calendar."""
SUBSTRING_MAX = 2_000_000_000
INTEGER_TEXT = re.compile(r"-?[0-9]{1,16}")
NUMBER_TEXT = re.compile(r"-?[0-9]{1,30}([.][0-9]{1,30})?([eE]-?[0-9]{1,3})?")
DATE_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UP, _LOW = str.maketrans(ASCII_LOWER, ASCII_UPPER), str.maketrans(ASCII_UPPER, ASCII_LOWER)


def upper(text: str) -> str:
    """Latin letters a to z made capital; all others stay."""
    return text.upper() if text.isascii() else text.translate(_UP)


def lower(text: str) -> str:
    """Latin letters A to Z made small; all others stay."""
    return text.lower() if text.isascii() else text.translate(_LOW)


def round_to(x: float, factor: float) -> float:
    """Half away from zero, at 1/factor, by IEEE steps."""
    scaled = abs(x) * factor
    if scaled >= WHOLE_FROM:
        return x
    return math.copysign(math.floor(scaled + 0.5) / factor, x)


def whole(x: float, how: Callable[[float], int]) -> int | None:
    """A whole number near x by floor or ceil, or None beyond 2**53."""
    return how(x) if -INTEGER_MAX <= x <= INTEGER_MAX else None


def round_whole(x: float) -> int | None:
    """The nearest whole number, half away from zero, or None beyond 2**53."""
    return int(round_to(x, 1.0)) if -INTEGER_MAX <= x <= INTEGER_MAX else None


def integer_mod(a: int, b: int) -> int | None:
    """The rest with the sign of a."""
    return int(math.fmod(a, b)) if b else None


def integer_div(a: int, b: int) -> int | None:
    """The quotient cut toward zero."""
    return int(a / b) if b else None


def number_div(a: float, b: float) -> float | None:
    """The quotient cut toward zero, still a number."""
    quotient = a / b if b else math.nan
    return float(math.trunc(quotient)) if abs(quotient) <= NUMBER_MAX else None


def number_mod(a: float, b: float) -> float | None:
    """What is left when b is taken from a as often as it goes, by IEEE steps."""
    quotient = number_div(a, b)
    return None if quotient is None else a - b * quotient


def substr(text: str, start: int, length: int) -> str | None:
    """Characters from the start-th on."""
    return text[start - 1 : start - 1 + length] if start >= 1 and length >= 0 else None


def right(text: str, length: int) -> str | None:
    """The last characters."""
    if length < 0:
        return None
    return text[-length:] if length else ""


def to_integer(text: str) -> int | None:
    """A whole number written in digits, or None."""
    if not INTEGER_TEXT.fullmatch(text):
        return None
    value = int(text)
    return value if -INTEGER_MAX <= value <= INTEGER_MAX else None


def to_number(text: str) -> float | None:
    """A number written in digits, or None."""
    value = float(text) if NUMBER_TEXT.fullmatch(text) else math.inf
    return value if abs(value) <= NUMBER_MAX else None


def parse_date(text: str) -> date | None:
    """A day written YYYY-MM-DD, or None."""
    if not DATE_TEXT.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def add_days(day: date, days: int) -> date | None:
    """A later or earlier day, or None outside of the years 1 to 9999."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None


def add_months(day: date, months: int) -> date | None:
    """The same day of another month, or its last day, or None outside of the years 1 to 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    return date(year, month + 1, min(day.day, _month_days(year, month + 1)))


def _month_days(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def months_between(start: date, end: date) -> int:
    """Whole months from start to end; below zero if end is before start."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if months > 0:
        return months - (end.day < start.day)
    return months + (end.day > start.day) if months < 0 else 0


def years_between(start: date, end: date) -> int:
    """Whole years from start to end; below zero if end is before start."""
    years = end.year - start.year
    first, last = start.month * 100 + start.day, end.month * 100 + end.day
    if years > 0:
        return years - (last < first)
    return years + (last > first) if years < 0 else 0


def midnight(day: date) -> datetime:
    """The first instant of a day."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the bank's local time has no zone


def greatest(*values: Any) -> Any:
    """The largest value that is not null."""
    known = [value for value in values if value is not None]
    return max(known) if known else None


def least(*values: Any) -> Any:
    """The smallest value that is not null."""
    known = [value for value in values if value is not None]
    return min(known) if known else None


def between(value: Any, low: Any, high: Any) -> bool | None:
    """Three-valued `low <= value and value <= high`."""
    above = None if value is None or low is None else low <= value
    below = None if value is None or high is None else value <= high
    if above is False or below is False:
        return False
    return None if above is None or below is None else True


def missing_column(error: KeyError) -> CultivaError:
    """The error of a row that lacks a column."""
    return CultivaError(
        "the row lacks a column of the rule",
        code="rules.missing_column",
        seen=error.args[0],
        allowed="a value for every column that the rule reads, None where there is none",
    )


NAMES: dict[str, Any] = {
    function.__name__: function
    for function in (
        *(upper, lower, round_to, whole, round_whole, integer_mod, integer_div, number_div, number_mod),
        *(substr, right, to_integer, to_number, parse_date, add_days, add_months, months_between),
        *(years_between, midnight, greatest, least, between, missing_column),
    )
} | {"floor": math.floor, "ceil": math.ceil, "sqrt": math.sqrt, "SPACES": SPACES}
"""Global names of generated closures."""
