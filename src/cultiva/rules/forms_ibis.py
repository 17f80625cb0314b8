"""Ibis forms that need more than one method call. They avoid what DuckDB and Spark read differently."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache, reduce
from typing import Any

from cultiva.contracts.types import INTEGER_MAX, DataType
from cultiva.rules import runtime
from cultiva.rules.likes import LikeKind, read_like
from cultiva.rules.nodes import Value

IBIS_TYPES = {
    DataType.BOOLEAN: "boolean",
    DataType.INTEGER: "int64",
    DataType.NUMBER: "float64",
    DataType.TEXT: "string",
    DataType.DATE: "date",
    DataType.TIMESTAMP: "timestamp",
    DataType.LIST: "array<string>",
}
"""Type names of Ibis."""
FIRST_DAY, LAST_DAY = date(1, 1, 1), date(9999, 12, 31)


def literal(value: Value, kind: DataType | None = None) -> Any:
    """A written value with its exact type; numbers and timestamps go as text, which every engine reads rightly."""
    import ibis

    if value is None:
        return ibis.null(IBIS_TYPES[kind or DataType.TEXT])
    if isinstance(value, float):
        return ibis.literal(repr(value)).cast("float64")
    if isinstance(value, int) and not isinstance(value, bool):
        return ibis.literal(str(value)).cast("int64")
    if isinstance(value, datetime):
        return ibis.literal(value.isoformat(sep=" ")).cast("timestamp")
    return ibis.literal(value)


def closed(x: Any) -> Any:
    """A condition in brackets of its own: Ibis 12 writes `(a AND b) IS NULL` as `a AND b IS NULL`."""
    return x.coalesce() if x.type().is_boolean() else x


def finite(x: Any) -> Any:
    """Null instead of a result that is not finite."""
    return (x.abs() <= literal(runtime.NUMBER_MAX)).ifelse(x, None)


def unsigned_zero(x: Any) -> Any:
    """Zero without a sign, so that equal results have equal bytes."""
    return (x == 0).ifelse(literal(0.0), x)


def small(x: Any) -> Any:
    """Null instead of a whole number beyond 2**53."""
    return x.between(literal(-INTEGER_MAX), literal(INTEGER_MAX)).ifelse(x, None)


def times(a: Any, b: Any) -> Any:
    """The product of integers, through doubles, which cannot overflow."""
    product = a.cast("float64") * b.cast("float64")
    return (product.abs() <= literal(float(INTEGER_MAX))).ifelse(product, None).cast("int64")


def divide(a: Any, b: Any) -> Any:
    """A quotient of doubles, null by zero."""
    return a / b.nullif(literal(0.0))


def cut(x: Any) -> Any:
    """A double without its fraction."""
    whole = (x < 0).ifelse(x.ceil(), x.floor()).cast("float64")
    return (x.abs() < literal(runtime.WHOLE_FROM)).ifelse(whole, x)


def integer_div(a: Any, b: Any) -> Any:
    """An integer quotient cut toward zero."""
    quotient = divide(a.cast("float64"), b.cast("float64"))
    return (quotient < 0).ifelse(quotient.ceil(), quotient.floor())


def number_div(a: Any, b: Any) -> Any:
    """A quotient of doubles, cut toward zero."""
    return cut(divide(a, b))


def number_mod(a: Any, b: Any) -> Any:
    """What is left of a."""
    return a - b * number_div(a, b)


def square_root(x: Any) -> Any:
    """Null below zero."""
    return (x >= 0).ifelse(x, None).sqrt()


def sign(x: Any) -> Any:
    """Minus one, zero or one; Spark's own gives a double also for an integer."""
    return x.sign().cast("float64").cast("int64")


def round_to(x: Any, digits: int = 0) -> Any:
    """Half away from zero by IEEE steps."""
    factor = literal(10.0**digits)
    scaled = x.abs() * factor
    rounded = x.sign().cast("float64") * ((scaled + literal(0.5)).floor().cast("float64") / factor)
    return (scaled < literal(runtime.WHOLE_FROM)).ifelse(rounded, x)


def round_whole(x: Any) -> Any:
    """The nearest whole number, half away from zero."""
    size = x.abs()
    rounded = x.sign().cast("int64") * (size + literal(0.5)).floor()
    return (size < literal(runtime.WHOLE_FROM)).ifelse(rounded, whole(x).cast("int64"))


def whole(x: Any) -> Any:
    """The double if an integer can hold it."""
    return (x.abs() <= literal(float(INTEGER_MAX))).ifelse(x, None)


@cache
def _builtin(name: str) -> Any:
    """An engine's own function of that name; DuckDB and Spark give it the same meaning."""
    import ibis

    if name == "substring":

        def substring(text: str, start: int, length: int) -> str:
            raise NotImplementedError  # the engine's own runs

        return ibis.udf.scalar.builtin(substring, signature=(("string", "int32", "int32"), "string"))

    def right(text: str, length: int) -> str:
        raise NotImplementedError  # the engine's own runs

    return ibis.udf.scalar.builtin(right, signature=(("string", "int32"), "string"))


def _short(n: Any) -> Any:
    """A count as 32-bit integer; texts are never longer."""
    import ibis

    return ibis.least(n, literal(runtime.SUBSTRING_MAX)).cast("int32")


def substr(text: Any, start: Any, length: Any) -> Any:
    """Characters from the start-th on."""
    valid = (start >= 1) & (length >= 0)
    return valid.ifelse(_builtin("substring")(text, _short(start), _short(length)), None)


def left(text: Any, length: Any) -> Any:
    """The first characters."""
    return substr(text, literal(1), length)


def right(text: Any, length: Any) -> Any:
    """The last characters."""
    return (length >= 0).ifelse(_builtin("right")(text, _short(length)), None)


def like(text: Any, pattern: str, escape: str = "") -> Any:
    """The pattern without LIKE, whose escape differs between engines."""
    read = read_like(pattern, escape)
    assert read is not None
    if read.kind is LikeKind.REGEX:
        return text.re_search(rf"(?s)\A{read.text}\z")
    value = literal(read.text)
    tests = {LikeKind.EQUALS: text.__eq__, LikeKind.STARTS: text.startswith, LikeKind.ENDS: text.endswith}
    return tests.get(read.kind, text.contains)(value)


def replace(text: Any, old: str, new: str) -> Any:
    """All occurrences replaced; an empty text is found nowhere."""
    return text.replace(literal(old), literal(new)) if old else text


def matching(text: Any, pattern: str) -> Any:
    """The text if all of it has the form, else null."""
    return text.re_search(rf"\A{pattern}\z").ifelse(text, None)


def to_integer(text: Any) -> Any:
    """Digits to an integer."""
    return small(matching(text, runtime.INTEGER_TEXT.pattern).try_cast("int64"))


def to_number(text: Any) -> Any:
    """Digits to a number."""
    return finite(matching(text, f"(?:{runtime.NUMBER_TEXT.pattern})").try_cast("float64"))


def parse_date(text: Any) -> Any:
    """ISO text to a date."""
    return on_calendar(matching(text, runtime.DATE_TEXT.pattern).try_cast("date"))


def on_calendar(day: Any) -> Any:
    """Null outside of the years 1 to 9999."""
    return day.between(literal(FIRST_DAY), literal(LAST_DAY)).ifelse(day, None)


def add_days(day: Any, days: Any) -> Any:
    """A later day. The cast by way of a timestamp says to Ibis what DuckDB really gives."""
    sane = days.between(literal(-runtime.DAYS_MAX), literal(runtime.DAYS_MAX)).ifelse(days, None)
    return on_calendar((day + sane.as_interval("D")).cast("timestamp").cast("date"))


def add_months(day: Any, months: Any) -> Any:
    """The same day of another month, or its last."""
    sane = months.between(literal(-runtime.MONTHS_MAX), literal(runtime.MONTHS_MAX)).ifelse(months, None)
    return on_calendar((day + sane.as_interval("M")).cast("timestamp").cast("date"))


def days_between(start: Any, end: Any) -> Any:
    """Days from start to end."""
    return end.delta(start, unit="day").cast("int64")


def part(moment: Any, name: str) -> Any:
    """A calendar part as a whole number."""
    return getattr(moment, name)().cast("int64")


def months_between(start: Any, end: Any) -> Any:
    """Whole months from start to end."""
    months = (part(end, "year") - part(start, "year")) * 12 + part(end, "month") - part(start, "month")
    return _elapsed(months, part(start, "day"), part(end, "day"))


def years_between(start: Any, end: Any) -> Any:
    """Whole years from start to end."""
    keys = [part(day, "month") * 100 + part(day, "day") for day in (start, end)]
    return _elapsed(part(end, "year") - part(start, "year"), keys[0], keys[1])


def _elapsed(count: Any, first: Any, last: Any) -> Any:
    """One less (toward zero) where the last period is not complete."""
    short = ((count > 0) & (last < first)).ifelse(-1, 0) + ((count < 0) & (last > first)).ifelse(1, 0)
    return count + short.cast("int64")


def weekday(moment: Any) -> Any:
    """1 Monday to 7 Sunday."""
    return moment.day_of_week.index().cast("int64") + 1


def month_start(day: Any) -> Any:
    """First day of the month; not by date_trunc, whose comparison with null is wrong in DuckDB 1.5."""
    import ibis

    return ibis.date(day.year().cast("int32"), day.month().cast("int32"), 1)


def contains_all(items: Any, *wanted: str) -> Any:
    """Whether the list has every one."""
    return reduce(lambda a, b: a & b, (items.contains(literal(text)) for text in wanted))


def contains_any(items: Any, *wanted: str) -> Any:
    """Whether the list has one of them."""
    return reduce(lambda a, b: a | b, (items.contains(literal(text)) for text in wanted))


def extreme(name: str, *values: Any) -> Any:
    """Greatest or least; both engines skip nulls."""
    import ibis

    return getattr(ibis, name)(*values)


def is_in(x: Any, *values: Value) -> Any:
    """One of the written values."""
    return closed(x).isin([literal(value) for value in values])


def between(x: Any, low: Value, high: Value) -> Any:
    """Between two written values."""
    return x.between(literal(low), literal(high))


def contains_item(items: Any, item: Any) -> Any:
    """Whether the list has the text."""
    return item.isnull().ifelse(None, items.contains(item))


def part_form(name: str) -> Any:
    """The form that gives a calendar part."""
    return lambda moment: part(moment, name)


def extreme_form(name: str) -> Any:
    """The form of greatest or least."""
    return lambda *values: extreme(name, *values)
